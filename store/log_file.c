#include "store/log_file.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

/* Bytes. A larger commit goes in several pieces: of the length of a write, SQLite's VFS for Unix takes
 * the lower 17 bits, and calls the disk full when that is less than it was. */
#define GATHER_MAX ((1 << 17) - 1)
#define GATHER_MIN (1 << 15)

/* The system's file lies behind it in the same piece of memory. */
struct log_file {
	sqlite3_file base;
	sqlite3_file *real;
	char *gathered;
	size_t length, room;
	sqlite3_int64 at; /* where the first gathered byte belongs */
};

static struct log_file *log_of(sqlite3_file *f)
{
	return (struct log_file *)f;
}

static sqlite3_file *real_of(sqlite3_file *f)
{
	return log_of(f)->real;
}

/* What could not be written is dropped: SQLite undoes the commit and writes anew from where the last
 * one ended. */
static int write_gathered(struct log_file *f)
{
	size_t length = f->length;

	f->length = 0;
	if (!length)
		return SQLITE_OK;
	return f->real->pMethods->xWrite(f->real, f->gathered, (int)length, f->at);
}

static int make_room(struct log_file *f, size_t n)
{
	size_t room = f->room ? f->room : GATHER_MIN;
	char *grown;

	while (room < f->length + n)
		room *= 2;
	if (room == f->room)
		return SQLITE_OK;
	if (!(grown = realloc(f->gathered, room)))
		return SQLITE_NOMEM;
	f->gathered = grown;
	f->room = room;
	return SQLITE_OK;
}

static int on_write(sqlite3_file *base, const void *p, int n, sqlite3_int64 at)
{
	struct log_file *f = log_of(base);
	int rc = SQLITE_OK;

	if (at != f->at + (sqlite3_int64)f->length || f->length + (size_t)n > GATHER_MAX)
		rc = write_gathered(f);
	if (rc == SQLITE_OK)
		rc = make_room(f, (size_t)n);
	if (rc)
		return rc;
	if (!f->length)
		f->at = at;
	memcpy(f->gathered + f->length, p, (size_t)n);
	f->length += (size_t)n;
	return SQLITE_OK;
}

static int on_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	int rc = write_gathered(log_of(f));

	return rc ? rc : real_of(f)->pMethods->xRead(real_of(f), p, n, at);
}

static int on_sync(sqlite3_file *f, int flags)
{
	int rc = write_gathered(log_of(f));

	return rc ? rc : real_of(f)->pMethods->xSync(real_of(f), flags);
}

static int on_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	int rc = write_gathered(log_of(f));

	return rc ? rc : real_of(f)->pMethods->xTruncate(real_of(f), size);
}

static int on_size(sqlite3_file *f, sqlite3_int64 *size)
{
	int rc = write_gathered(log_of(f));

	return rc ? rc : real_of(f)->pMethods->xFileSize(real_of(f), size);
}

static int on_close(sqlite3_file *f)
{
	int rc = write_gathered(log_of(f));
	int closed = real_of(f)->pMethods->xClose(real_of(f));

	free(log_of(f)->gathered);
	return rc ? rc : closed;
}

static int on_lock(sqlite3_file *f, int lock)
{
	return real_of(f)->pMethods->xLock(real_of(f), lock);
}

static int on_unlock(sqlite3_file *f, int lock)
{
	return real_of(f)->pMethods->xUnlock(real_of(f), lock);
}

static int on_check_lock(sqlite3_file *f, int *out)
{
	return real_of(f)->pMethods->xCheckReservedLock(real_of(f), out);
}

static int on_control(sqlite3_file *f, int op, void *arg)
{
	return real_of(f)->pMethods->xFileControl(real_of(f), op, arg);
}

static int on_sector_size(sqlite3_file *f)
{
	return real_of(f)->pMethods->xSectorSize(real_of(f));
}

static int on_characteristics(sqlite3_file *f)
{
	return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}

/* Version 1: a log has no shared memory of its own, and is not mapped. */
static const sqlite3_io_methods methods = {
	.iVersion = 1,
	.xClose = on_close,
	.xRead = on_read,
	.xWrite = on_write,
	.xTruncate = on_truncate,
	.xSync = on_sync,
	.xFileSize = on_size,
	.xLock = on_lock,
	.xUnlock = on_unlock,
	.xCheckReservedLock = on_check_lock,
	.xFileControl = on_control,
	.xSectorSize = on_sector_size,
	.xDeviceCharacteristics = on_characteristics,
};

static struct {
	sqlite3_vfs vfs, *real;
} gathering;

/* Any other file is the system's own, in the place of ours. */
static int on_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *base, int flags, int *out)
{
	struct log_file *f = log_of(base);

	(void)vfs;
	if (!(flags & SQLITE_OPEN_WAL))
		return gathering.real->xOpen(gathering.real, path, base, flags, out);
	*f = (struct log_file){ .real = (sqlite3_file *)(void *)(f + 1) };
	int rc = gathering.real->xOpen(gathering.real, path, f->real, flags, out);
	if (rc == SQLITE_OK)
		f->base.pMethods = &methods;
	return rc;
}

static void install(void)
{
	sqlite3_vfs *real = sqlite3_vfs_find(NULL);

	if (!real)
		return;
	/* All but opening is as the system does it. */
	gathering.real = real;
	gathering.vfs = *real;
	gathering.vfs.zName = "gathered-log";
	gathering.vfs.xOpen = on_open;
	gathering.vfs.szOsFile = real->szOsFile + (int)sizeof(struct log_file);
	sqlite3_vfs_register(&gathering.vfs, 0);
}

const char *log_file_vfs(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, install);
	return gathering.real ? gathering.vfs.zName : NULL;
}
