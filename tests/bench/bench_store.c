/*
 * CPU of the store: one simulated declare inside batches, and finding among many incidents as a
 * ratio to a full scan. Prints what it got; it judges nothing, machines differ.
 *
 *	cmake -DSITREP_BENCH=ON … && bench_store [declares, default 20000] [incidents to find among,
 *default 100000]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "store/audit.h"
#include "store/effects.h"
#include "store/inbox.h"
#include "store/incidents.h"
#include "store/promises.h"
#include "store/timelines.h"
#include "store/timers.h"

static void must(int rc, const struct error *err)
{
	if (rc < 0) {
		fprintf(stderr, "bench_store: %s\n", err->text);
		exit(1);
	}
}

static double seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu(void)
{
	return seconds(CLOCK_PROCESS_CPUTIME_ID);
}

static const char reply[] =
	"{\"kind\":\"message\",\"doc\":{\"text\":\"INC declared as SEV2. You are not the commander "
	"yet: claim it. Next update in 30 "
	"min.\",\"blocks\":[{\"t\":\"header\",\"text\":\"declared\"},"
	"{\"t\":\"fields\",\"items\":[[\"Severity\",\"SEV2\"],[\"State\",\"investigating\"]]}]}}";
static const char payload[] =
	"{\"name\":\"inc-42-checkout-is-failing\",\"private\":false,\"people\":[\"slack:U1\"]}";

static void effects_add(struct store *s, struct arena *a, int64_t incident, int64_t now)
{
	static const enum effect_kind kinds[] = { EFFECT_CHANNEL_OPEN, EFFECT_MESSAGE_POST };
	struct error err = { 0 };
	char lane[32];

	snprintf(lane, sizeof(lane), "slack/%lld", (long long)incident);
	for (int i = 0; i < 2; i++) {
		struct effect_row e = { .incident = incident, .system = "slack", .lane = lane,
			.kind = kinds[i], .to = "incident", .slot = "card", .payload = payload,
			.created_at = now, .revision = 1 };
		must(effect_insert(s, a, &e, &err), &err);
	}
}

static void promises_make(struct store *s, int64_t incident, int64_t now)
{
	struct error err = { 0 };

	for (int i = 0; i < PROMISE_KIND_COUNT; i++) {
		struct promise p = { .incident = incident, .kind = (enum promise_kind)i,
			.made_at = now, .due_at = now + (i + 1) * 15 * MINUTE_MS };
		must(promise_insert(s, &p, &err), &err);
		struct timer t = { .due_at = p.due_at, .name = "promise", .incident = incident,
			.subject = p.kind, .operation = "promise.due" };
		must(timer_arm(s, &t, &err), &err);
	}
}

static void declare(struct store *s, struct arena *a, int n, int64_t now)
{
	struct error err = { 0 };
	char title[] = "checkout is failing", services[] = "checkout", source[] = "chat",
	     reporter[] = "slack:U1", text[] = "declared as SEV2 by bob", envelope[64], trigger[64];
	char *before = NULL;

	/* Envelope ids are random, trigger ids grow. */
	snprintf(envelope, sizeof(envelope), "slack:envelope:%08x-%04x-4%03x-%08lx",
		(unsigned)random(), (unsigned)random() & 0xffff, (unsigned)n & 0xfff,
		(unsigned long)random());
	snprintf(trigger, sizeof(trigger), "slack:trigger:17000%07d.%d.%lld", n, n,
		(long long)(now & 0xffff));
	const char *keys[] = { envelope, trigger };
	must(store_savepoint(s, &err), &err);
	inbox_find(s, a, keys, 2, &before, &err);
	struct incident inc = { .title = title, .severity = 2, .state = STATE_INVESTIGATING,
		.services = services, .source = source, .reporter = reporter, .declared_at = now,
		.detected_at = now, .state_at = now };
	must(incident_insert(s, &inc, &err), &err);
	struct timeline_entry e = { .incident = inc.id, .happened_at = now, .recorded_at = now,
		.kind = ENTRY_DETECTION, .author = reporter, .text = text };
	must(timeline_append(s, &e, &err), &err);
	promises_make(s, inc.id, now);
	effects_add(s, a, inc.id, now);
	struct audit_entry entry = { .at = now, .entity = "incident", .entity_id = inc.id,
		.level = "info", .action = "incident.declared", .actor = reporter,
		.meta = "{\"severity\":2}" };
	must(audit_append(s, &entry, &err), &err);
	must(inbox_add(s, keys, 2, reply, now, &err), &err);
	must(store_release(s, &err), &err);
}

static void bench_declares(struct store *s, int count, int size, int64_t now)
{
	struct error err = { 0 };
	double inside = 0, begun = cpu(), wall = seconds(CLOCK_MONOTONIC);

	for (int n = 0; n < count;) {
		struct arena *a = arena_create(1u << 20);
		must(store_begin(s, &err), &err);
		double t = cpu();
		for (int i = 0; i < size && n < count; i++, n++)
			declare(s, a, n, now++);
		inside += cpu() - t;
		must(store_commit(s, &err), &err);
		arena_destroy(a);
	}
	printf("declare, batches of %2d: %5.1f us CPU in the batch, %5.1f us with its commit, "
	       "%6.1f us wall\n", size, inside / count * 1e6, (cpu() - begun) / count * 1e6,
		(seconds(CLOCK_MONOTONIC) - wall) / count * 1e6);
}

/* What the core asks between any two batches. */
static void bench_idle(struct store *s)
{
	struct error err = { 0 };
	struct arena *a = arena_create(1u << 20);
	int rounds = 20000;
	double t = cpu();

	for (int n = 0; n < rounds; n++) {
		struct effect_row *rows;
		size_t count;
		must(effect_due(s, a, EFFECT_MESSAGE_PIN, INT64_MAX, 10, &rows, &count, &err),
			&err);
	}
	printf("effect_due, nothing due: %.2f us; ", (cpu() - t) / rounds * 1e6);
	t = cpu();
	for (int n = 0; n < rounds; n++) {
		int64_t due;
		must(timer_next(s, &due, &err), &err);
	}
	printf("timer_next: %.2f us\n", (cpu() - t) / rounds * 1e6);
	arena_destroy(a);
}

static void fill(struct store *s, int count)
{
	static const char *const services[] = { "checkout", "search", "payroll", "mail" };
	struct error err = { 0 };
	char title[64], service[16], environment[] = "production", source[] = "chat";
	char impact[] = "some customers in one region see errors when they try to pay";

	must(store_begin(s, &err), &err);
	for (int i = 0; i < count; i++) {
		snprintf(title, sizeof(title), "number %d of many is failing in words", i);
		snprintf(service, sizeof(service), "%s", services[i % 4]);
		struct incident inc = { .title = title,
			.severity = 1 + i % 50 % 4,
			.state = i % 1000 == 0 ? STATE_MITIGATING : STATE_CLOSED,
			.services = service,
			.environment = environment,
			.source = source,
			.impact = impact,
			.declared_at = 1000000 + (int64_t)i * HOUR_MS,
			.state_at = 1 };
		if (i % 5000 == 7)
			inc.state = STATE_CANCELLED;
		must(incident_insert(s, &inc, &err), &err);
	}
	must(store_commit(s, &err), &err);
}

static double find_time(struct store *s, const struct incident_filter *f, size_t *count)
{
	struct error err = { 0 };
	double best = 1e9;

	for (int n = 0; n < 5; n++) {
		struct arena *a = arena_create(4u << 20);
		struct incident *rows;
		double t = cpu();
		must(incident_find(s, a, f, &rows, count, &err), &err);
		t = cpu() - t;
		best = t < best ? t : best;
		arena_destroy(a);
	}
	return best;
}

static void bench_find(struct store *s, int count)
{
	int64_t end = 1000000 + (int64_t)count * HOUR_MS;
	struct incident_filter base, f;
	size_t n;

	incident_filter_init(&base);
	f = base;
	f.environment = "nowhere"; /* nothing matches: every row is looked at */
	double scan = find_time(s, &f, &n);
	printf("find among %d, a full scan: %.2f ms\n", count, scan * 1e3);
	static const char *const names[] = { "newest 20", "open", "severity 1", "severity 1, open",
		"cancelled", "last 30 days", "last year", "a service", "a word, common",
		"a word, rare" };
	for (int i = 0; i < 10; i++) {
		f = base;
		f.open_only = i == 1 || i == 3;
		f.severity = i == 2 || i == 3 ? 1 : 0;
		f.state = i == 4 ? STATE_CANCELLED : -1;
		f.since = i == 5 ? end - 30 * DAY_MS : i == 6 ? end - 365 * DAY_MS : 0;
		f.service = i == 7 ? "mail" : NULL;
		f.text = i == 8 ? "failing" : i == 9 ? "77 words" : NULL;
		double t = find_time(s, &f, &n);
		printf("  %-17s %3zu rows %8.3f ms = scan / %.1f\n", names[i], n, t * 1e3,
			scan / t);
	}
}

static struct store *fresh(char folder[32], char path[64])
{
	struct error err = { 0 };
	struct store *s;

	strcpy(folder, "/tmp/sitrep-bench-XXXXXX");
	if (!mkdtemp(folder))
		abort();
	snprintf(path, 64, "%s/bench.db", folder);
	struct store_options o = { .path = path, .create = true };
	must(store_open(&s, &o, &err), &err);
	return s;
}

static void drop(struct store *s, const char *folder, const char *path)
{
	char lock[80];

	store_close(s);
	snprintf(lock, sizeof(lock), "%s.lock", path);
	unlink(lock);
	unlink(path);
	rmdir(folder);
}

int main(int argc, char **argv)
{
	int declares = argc > 1 ? atoi(argv[1]) : 20000,
	    incidents = argc > 2 ? atoi(argv[2]) : 100000;
	char folder[32], path[64];
	struct store *s = fresh(folder, path);

	bench_declares(s, declares, 64, 1700000000000);
	bench_declares(s, declares / 20, 1, 1800000000000);
	bench_idle(s);
	drop(s, folder, path);
	if (incidents > 0) {
		s = fresh(folder, path);
		fill(s, incidents);
		bench_find(s, incidents);
		drop(s, folder, path);
	}
	return 0;
}
