#include "load.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

struct figures {
	int64_t *took; /* of measured and acked ones, ascending */
	uint32_t *late_us;
	size_t acked, sent, elsewhere;
};

static int compare_took(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static int compare_late(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static struct figures figures_make(const struct load *l)
{
	size_t from = l->sent_count < (size_t)l->o.warm_up ? l->sent_count : (size_t)l->o.warm_up;
	struct figures f = { .sent = l->sent_count - from };

	f.took = calloc(f.sent + 1, sizeof(*f.took));
	f.late_us = calloc(f.sent + 1, sizeof(*f.late_us));
	if (!f.took || !f.late_us)
		abort();
	for (size_t i = 0; i < f.sent; i++) {
		const struct sent *s = &l->sent[from + i];

		f.late_us[i] = s->late_us;
		f.elsewhere += !s->acks && s->by_url;
		if (s->acks)
			f.took[f.acked++] = s->took;
	}
	qsort(f.took, f.acked, sizeof(*f.took), compare_took);
	qsort(f.late_us, f.sent, sizeof(*f.late_us), compare_late);
	return f;
}

/* Nearest rank. */
static size_t rank(size_t n, double q)
{
	double k = ceil(q * (double)n) - 1;

	return k < 0 ? 0 : (size_t)k;
}

static void put(json_t *o, const char *name, double value, double unit)
{
	json_object_set_new(o, name, json_real(round(value / unit * 100) / 100));
}

static void count(json_t *o, const char *name, uint64_t n)
{
	json_object_set_new(o, name, json_integer((json_int_t)n));
}

static void put_counts(json_t *o, const struct load *l, const struct figures *f)
{
	const struct wire_counts *w = wire_counts(l->wire);

	count(o, "sent", f->sent);
	count(o, "acked", f->acked);
	count(o, "missing", f->sent - f->acked);
	count(o, "answered_elsewhere", f->elsewhere); /* of the missing ones: by the response URL */
	count(o, "duplicates", l->duplicates);
	count(o, "unknown", l->unknown);
	count(o, "malformed", l->malformed + w->malformed);
	count(o, "without_payload", l->without_payload);
	count(o, "late_3s", l->late);
	count(o, "links", w->links);
	count(o, "lost_links", l->lost_links);
	count(o, "refreshes", l->refreshes);
	put(o, "gap_ms", (double)l->gap_ns, 1e6);
	count(o, "due_in_gap", l->due_in_gap);
}

static void put_latencies(json_t *o, const struct figures *f)
{
	static const struct {
		const char *name;
		double q;
	} quantiles[] = { { "p50_us", .5 }, { "p90_us", .9 }, { "p99_us", .99 }, { "p999_us", .999 }, { "max_us", 1 } };

	for (size_t i = 0; i < sizeof(quantiles) / sizeof(*quantiles); i++)
		put(o, quantiles[i].name, (double)f->took[rank(f->acked, quantiles[i].q)], 1e3);
}

static long rss_most(const struct load *l, size_t from, size_t to)
{
	long most = 0;

	for (size_t i = from; i < to; i++)
		most = l->rss_kb[i] > most ? l->rss_kb[i] : most;
	return most;
}

static void put_bot(json_t *o, const struct load *l, const struct figures *f, double seconds)
{
	double cpu = (double)(l->after.cpu_ns - l->before.cpu_ns), acked = f->acked ? (double)f->acked : 1;
	json_t *rss = json_array();

	put(o, "cpu_us_per_command", cpu / acked, 1e3);
	put(o, "cpu_share", seconds > 0 ? cpu / seconds : 0, 1e9);
	put(o, "written_per_command", (double)(l->after.written - l->before.written) / acked, 1);
	count(o, "peak_kb", (uint64_t)l->after.peak_kb);
	count(o, "idle_kb", (uint64_t)l->after_idle.rss_kb);
	count(o, "rss_first_half_kb", (uint64_t)rss_most(l, 0, l->samples / 2));
	count(o, "rss_second_half_kb", (uint64_t)rss_most(l, l->samples / 2, l->samples));
	for (size_t i = 0; i < l->samples; i++)
		json_array_append_new(rss, json_integer(l->rss_kb[i]));
	json_object_set_new(o, "rss_kb", rss);
	count(o, "threads", (uint64_t)l->after.threads);
	if (l->o.idle > 0)
		put(o, "idle_cpu_us_per_s", (double)(l->after_idle.cpu_ns - l->before_idle.cpu_ns) / l->o.idle, 1e3);
	put(o, "start_ms", (double)(l->connected_at - l->bot.started_at), 1e6);
	put(o, "first_us", l->sent_count && l->sent[0].acks ? (double)l->sent[0].took : 0, 1e3);
}

static void put_own(json_t *o, const struct load *l, const struct figures *f, double seconds)
{
	double cpu = (double)(l->own_after - l->own_before);

	put(o, "own_cpu_us_per_command", f->acked ? cpu / (double)f->acked : 0, 1e3);
	put(o, "own_cpu_share", seconds > 0 ? cpu / seconds : 0, 1e9);
	put(o, "own_late_us_p99", f->late_us[rank(f->sent, .99)], 1);
	put(o, "own_late_us_max", f->late_us[rank(f->sent, 1)], 1);
}

void report_print(const struct load *l, bool ended_well)
{
	struct figures f = figures_make(l);
	double seconds = (double)(l->run_to - l->run_from) / (double)SECOND_NS;
	json_t *o = json_pack("{s:s, s:s, s:f, s:i, s:b}", "label", l->o.label, "loop",
		l->o.rate <= 0 ? "closed" : l->o.poisson ? "open, poisson" : "open", "rate", l->o.rate, "outstanding",
		(int)l->o.outstanding, "ended_well", ended_well);
	json_t *calls = json_object();
	char *text;

	put_counts(o, l, &f);
	put(o, "seconds", seconds, 1);
	put(o, "per_s", seconds > 0 ? (double)f.acked / seconds : 0, 1);
	put_latencies(o, &f);
	put_bot(o, l, &f, seconds);
	put_own(o, l, &f, seconds);
	for (size_t i = 0; i < CALLS_MAX && l->calls[i].n; i++)
		count(calls, l->calls[i].method, l->calls[i].n);
	json_object_set_new(o, "calls", calls);
	text = json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(12));
	puts(text);
	fflush(stdout);
	free(text);
	json_decref(o);
	free(f.took);
	free(f.late_us);
}

int report_acked(const struct load *l)
{
	FILE *out = fopen(l->o.acked_file, "we");
	int failed;

	if (!out)
		return -errno;
	for (size_t i = 0; i < l->sent_count; i++) {
		if (l->sent[i].acks)
			fprintf(out, "%zu\n", i);
	}
	failed = ferror(out);
	return fclose(out) || failed ? -EIO : 0;
}

bool report_clean(const struct load *l)
{
	return l->acked == l->sent_count && l->run_sent && !l->duplicates && !l->unknown && !l->malformed &&
	       !wire_counts(l->wire)->malformed;
}
