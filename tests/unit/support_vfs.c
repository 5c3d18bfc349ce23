#include "support_vfs.h"

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include <sqlite3.h>

/* One file: ours in front, the system's behind it in the same piece of memory. */
struct vfs_file {
	sqlite3_file base;
	sqlite3_file *real;
	bool database;
};

static struct {
	sqlite3_vfs vfs, *real;
	const struct vfs_fault *_Atomic fault; /* NULL: the disk is sound */
	atomic_int left;                       /* operations until it fails */
	atomic_int failed;
} disk;

/* 0, or what SQLite is told instead. */
static int strikes(int operation)
{
	const struct vfs_fault *fault = disk.fault;
	int left;

	if (!fault || !(fault->operations & operation))
		return 0;
	left = --disk.left;
	if (left > 0 || (left < 0 && !fault->lasting))
		return 0;
	disk.failed++;
	return fault->code;
}

static sqlite3_file *real_of(sqlite3_file *f)
{
	return ((struct vfs_file *)f)->real;
}

static int on_close(sqlite3_file *f)
{
	return real_of(f)->pMethods->xClose(real_of(f));
}

static int on_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	int rc = strikes(VFS_READ);

	return rc ? rc : real_of(f)->pMethods->xRead(real_of(f), p, n, at);
}

static int on_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	const struct vfs_fault *fault = disk.fault;
	int rc = strikes(VFS_WRITE);

	if (rc && fault->torn)
		real_of(f)->pMethods->xWrite(real_of(f), p, n / 2, at);
	return rc ? rc : real_of(f)->pMethods->xWrite(real_of(f), p, n, at);
}

static int on_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	int rc = strikes(VFS_TRUNCATE);

	return rc ? rc : real_of(f)->pMethods->xTruncate(real_of(f), size);
}

static int on_sync(sqlite3_file *f, int flags)
{
	int rc = strikes(((struct vfs_file *)f)->database ? VFS_SYNC | VFS_SYNC_FILE : VFS_SYNC);

	return rc ? rc : real_of(f)->pMethods->xSync(real_of(f), flags);
}

static int on_size(sqlite3_file *f, sqlite3_int64 *size)
{
	return real_of(f)->pMethods->xFileSize(real_of(f), size);
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

static int on_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
	return real_of(f)->pMethods->xShmMap(real_of(f), page, size, extend, out);
}

static int on_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
	return real_of(f)->pMethods->xShmLock(real_of(f), offset, n, flags);
}

static void on_shm_barrier(sqlite3_file *f)
{
	real_of(f)->pMethods->xShmBarrier(real_of(f));
}

static int on_shm_unmap(sqlite3_file *f, int remove)
{
	return real_of(f)->pMethods->xShmUnmap(real_of(f), remove);
}

/* Version 2: with a WAL's shared memory, without mapping the file itself. */
static const sqlite3_io_methods methods = {
	.iVersion = 2,
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
	.xShmMap = on_shm_map,
	.xShmLock = on_shm_lock,
	.xShmBarrier = on_shm_barrier,
	.xShmUnmap = on_shm_unmap,
};

static int on_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *f, int flags, int *out)
{
	struct vfs_file *file = (struct vfs_file *)f;

	(void)vfs;
	file->base.pMethods = NULL;
	file->database = (flags & SQLITE_OPEN_MAIN_DB) != 0;
	file->real = (sqlite3_file *)(void *)(file + 1);
	int rc = disk.real->xOpen(disk.real, path, file->real, flags, out);
	if (rc == SQLITE_OK)
		file->base.pMethods = &methods;
	return rc;
}

void vfs_install(void)
{
	if (disk.real)
		return;
	disk.real = sqlite3_vfs_find(NULL);
	assert(disk.real);
	/* All but opening is as the system does it. */
	disk.vfs = *disk.real;
	disk.vfs.zName = "failing";
	disk.vfs.xOpen = on_open;
	disk.vfs.szOsFile = disk.real->szOsFile + (int)sizeof(struct vfs_file);
	sqlite3_vfs_register(&disk.vfs, 1);
}

void vfs_arm(const struct vfs_fault *f, int nth)
{
	disk.fault = f;
	disk.left = nth;
	disk.failed = 0;
}

int vfs_failed(void)
{
	return disk.failed;
}

int vfs_lift(void)
{
	disk.fault = NULL;
	return disk.failed;
}
