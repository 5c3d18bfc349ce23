#ifndef STORE_BACKUP_H
#define STORE_BACKUP_H
/*
 * The record copied away, and put back. Both go by files and paths, not by an open store: the one runs beside the bot,
 * the other only when no bot runs.
 *
 * What a backup cannot know is what was done after it. Messages that were still to be sent when it was made may have been
 * sent since: in a restored record each of them is looked for before it is sent. What was decided later is gone.
 *
 * Errors, besides those of store/db.h: -ENOENT no such file or record, -EEXIST the file is there already, -EBUSY the record is
 * in use, -EUCLEAN and -EBADMSG damage, -ENOTSUP a newer schema, -EINVAL not ours, or a path that will not do.
 */
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct backup_report {
	int64_t bytes, schema;
	int64_t incidents, entries; /* of the audit */
	int64_t last_at;            /* of the newest audit entry, ms; 0 = none */
	int64_t unfinished;         /* effects that were not delivered yet */
	char aside[PATH_MAX + 64];  /* restore: where the record is that was there; "" = there was none */
};

/* Read whole: integrity, references, audit chain. An older schema is fine. */
int backup_verify(const char *file, struct backup_report *out, struct error *err);
/* A verified, synced copy appears at `file` all at once, or nothing does. force: one that is there is replaced. */
int backup_write(const char *store, const char *file, bool force, struct backup_report *out, struct error *err);
/* The copy at `file` becomes the record at `store`, brought up to this schema; the one that is there is put aside. All
 * at once, or nothing changes. now: ms, for the audit entry and the name aside. */
int backup_restore(const char *store, const char *file, int64_t now, struct backup_report *out, struct error *err);

#endif
