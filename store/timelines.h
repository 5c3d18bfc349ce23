#ifndef STORE_TIMELINES_H
#define STORE_TIMELINES_H
#include "incident/timeline.h"
#include "store/store.h"

/* Sets e->id. A source that is already on this incident's timeline: -EEXIST, nothing added (📌 once). */
int timeline_append(struct store *s, struct timeline_entry *e, struct error *err);
/* Operational facts and legal conclusions are kept apart (FEATURES G3): entries with exactly this as
 * meta are found by timeline_legal_list and timeline_load, by nothing else. */
#define TIMELINE_LEGAL "{\"legal\":true}"
int timeline_legal_list(struct store *s, struct arena *a, int64_t incident, int limit,
	struct timeline_entry **out, size_t *count, struct error *err);
/* By happened_at, then id, ascending; the newest `limit` of them before (happened_at, id) of `before_id` when that is not 0. */
int timeline_list(struct store *s, struct arena *a, int64_t incident, int64_t before_id, int limit,
	struct timeline_entry **out, size_t *count, struct error *err);
/* One entry, whichever incident it is of: the caller compares. -ENOENT */
int timeline_load(struct store *s, struct arena *a, int64_t id, struct timeline_entry *out, struct error *err);
int timeline_count(struct store *s, int64_t incident, int64_t *count, struct error *err);

#endif
