#include "store/write_back.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/log.h"

#define PASS_FRAMES 1000 /* new in the log: worth a pass; SQLite's own figure */
/* A log that is written to without a pause is never all written back, and only then starts over. From here on a
 * commit does the rest itself, unless the thread is at it: it is short, most is done. Of a log much longer than
 * that it waits for the thread, and for readers; for these not each time, since one that takes long is made no
 * faster by it. */
#define LOG_FRAMES_MAX (8 * PASS_FRAMES)
#define LOG_FRAMES_END (32 * PASS_FRAMES)
#define PAUSE_S        1 /* after a failure */
#define WAIT_S	       2 /* at most, for a pass to end: as for a lock */

struct write_back {
	sqlite3 *writer, *own;
	int passed; /* the writer's: frames of the log when a pass was last asked for, */
	int waited; /* and when it was last waited for in vain, that the log starts over */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t change;
	bool wanted, passing, ended; /* under the lock */
};

static struct timespec in_seconds(time_t seconds)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += seconds;
	return at;
}

static void wait_for_pass(struct write_back *w)
{
	struct timespec until = in_seconds(WAIT_S);

	pthread_mutex_lock(&w->lock);
	while (w->passing && pthread_cond_timedwait(&w->change, &w->lock, &until) != ETIMEDOUT)
		;
	pthread_mutex_unlock(&w->lock);
}

/* SQLite waits for readers, but never for another checkpoint: of that it says at once that it is busy, and no figures. */
static void do_the_rest(struct write_back *w, sqlite3 *db, const char *schema, int frames)
{
	bool wait = frames >= LOG_FRAMES_END && frames - w->waited >= LOG_FRAMES_MAX;
	int mode = wait ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE, figure = -1;
	int rc = sqlite3_wal_checkpoint_v2(db, schema, mode, &figure, NULL);

	if (!wait || rc == SQLITE_OK)
		return;
	if (figure < 0)
		wait_for_pass(w);
	else
		w->waited = frames;
}

/* On the writer's thread, after each commit. */
static int on_commit(void *ctx, sqlite3 *db, const char *schema, int frames)
{
	struct write_back *w = ctx;

	if (frames < w->passed) /* it started over */
		w->passed = w->waited = 0;
	if (frames >= LOG_FRAMES_MAX)
		do_the_rest(w, db, schema, frames);
	if (frames - w->passed < PASS_FRAMES)
		return SQLITE_OK;
	w->passed = frames;
	pthread_mutex_lock(&w->lock);
	w->wanted = true;
	pthread_cond_signal(&w->change);
	pthread_mutex_unlock(&w->lock);
	return SQLITE_OK;
}

static bool failed(struct write_back *w, int rc)
{
	if (rc == SQLITE_OK || (rc & 0xff) == SQLITE_BUSY)
		return false;
	log_warn("store", "the log could not be written back into the database, it grows until it can: %s",
		sqlite3_errmsg(w->own));
	return true;
}

/* Twice, if commits came meanwhile: what the second pass has left to do is short, so that it may well end
 * with nothing left, and the log starts over. */
static bool write_pass(struct write_back *w)
{
	int frames = 0, written = 0, rc = SQLITE_OK;

	for (int i = 0; i < 2 && rc == SQLITE_OK && (i == 0 || written < frames); i++)
		rc = sqlite3_wal_checkpoint_v2(w->own, NULL, SQLITE_CHECKPOINT_PASSIVE, &frames, &written);
	return !failed(w, rc);
}

static void wait_pause(struct write_back *w)
{
	struct timespec until = in_seconds(PAUSE_S);

	while (!w->ended && pthread_cond_timedwait(&w->change, &w->lock, &until) != ETIMEDOUT)
		;
}

static void *run(void *ctx)
{
	struct write_back *w = ctx;

	pthread_mutex_lock(&w->lock);
	for (;;) {
		while (!w->wanted && !w->ended)
			pthread_cond_wait(&w->change, &w->lock);
		if (w->ended)
			break;
		w->wanted = false;
		w->passing = true;
		pthread_mutex_unlock(&w->lock);
		bool well = write_pass(w);
		pthread_mutex_lock(&w->lock);
		w->passing = false;
		pthread_cond_broadcast(&w->change);
		if (!well)
			wait_pause(w);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* Asking for something opens the log; a pass over one that is not open does nothing. Whether a pass syncs what it
 * wrote is this connection's own setting, whose default is chosen when SQLite is built. */
static int connect_own(struct write_back *w, const char *path, struct error *err)
{
	int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_READWRITE;
	int rc = sqlite3_open_v2(path, &w->own, flags, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_exec(w->own, "PRAGMA cache_size = 10; PRAGMA synchronous = FULL; PRAGMA schema_version",
			NULL, NULL, NULL);
	return rc == SQLITE_OK ? 0 : error_set(err, -EIO, "%s: %s", path, sqlite3_errmsg(w->own));
}

static void init_signals(struct write_back *w)
{
	pthread_condattr_t monotonic;

	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&w->change, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

static void destroy(struct write_back *w)
{
	sqlite3_close(w->own);
	pthread_cond_destroy(&w->change);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

int write_back_start(struct write_back **out, sqlite3 *db, const char *path, struct error *err)
{
	struct write_back *w = calloc(1, sizeof *w);

	*out = NULL;
	if (!w)
		abort();
	w->writer = db;
	init_signals(w);
	int rc = connect_own(w, path, err);
	if (rc == 0 && (rc = -pthread_create(&w->thread, NULL, run, w)) < 0)
		error_set(err, rc, "no thread to write the log back");
	if (rc < 0) {
		destroy(w);
		return rc;
	}
	sqlite3_wal_hook(db, on_commit, w);
	*out = w;
	return 0;
}

void write_back_stop(struct write_back *w)
{
	if (!w)
		return;
	sqlite3_wal_hook(w->writer, NULL, NULL);
	pthread_mutex_lock(&w->lock);
	w->ended = true;
	pthread_cond_signal(&w->change);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	destroy(w);
}
