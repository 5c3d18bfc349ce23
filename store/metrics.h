#ifndef STORE_METRICS_H
#define STORE_METRICS_H
/* The rows that figures are computed from (incident/metrics.h), by one indexed pass. */
#include "incident/metrics.h"
#include "store/store.h"

struct metric_filter {
	int64_t since, until; /* declared_at, [since, until) */
	const char *service;     /* NULL = any */
	const char *environment; /* NULL = any */
	int64_t now;             /* what was due by then */
	int severity;         /* 0 = any */
	bool sees_all;        /* private ones count only for whoever sees all */
};
/* Targets are left 0: they are the policy's. */
int metric_rows(struct store *s, struct arena *a, const struct metric_filter *f, struct metric_row **out, size_t *count, struct error *err);

#endif
