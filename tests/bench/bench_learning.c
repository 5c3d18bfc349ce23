/*
 * What is asked of a year of incidents: figures, follow-ups, causes, the gate's facts, a postmortem.
 * Prints the shortest, middle and longest CPU time of each (the store is in memory after the first
 * round); it judges nothing, machines differ.
 *
 *	cmake -DSITREP_BENCH=ON … && bench_learning [incidents, default 10000] [rounds, default 11]
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "commands/dispatch.h"
#include "incident/gate.h"
#include "store/db.h"
#include "store/incidents.h"
#include "store/learning.h"
#include "store/timelines.h"

#define NOW	   INT64_C(1772460000000) /* 2026-03-02 14:00 UTC */
#define ROUNDS_MAX 101

static void must(bool fine, const char *words)
{
	if (fine)
		return;
	fprintf(stderr, "bench_learning: %s\n", words);
	exit(1);
}

/* $N incidents, evenly over the year before $NOW: 40 services, all levels, one in 200 still open; ten
 * promises, two follow-ups and three timeline entries each, a cause and a postmortem of every second. */
static const char fill[] =
	"CREATE TEMP TABLE n (i INTEGER PRIMARY KEY);"
	"INSERT INTO n WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < %d)"
	" SELECT i FROM c;"
	"CREATE TEMP TABLE k (j INTEGER PRIMARY KEY);"
	"INSERT INTO k VALUES (1), (2), (3), (4), (5), (6), (7), (8);"
	"INSERT INTO incident (id, title, severity, state, services, environment, source, reporter,"
	" customer_reported, is_private, drill, impact, declared_at, impact_at, detected_at,"
	" acknowledged_at, mitigated_at, resolved_at, state_at, severity_at, revision)"
	" SELECT i, 'number ' || i || ' of many is failing', 1 + i %% 4,"
	" CASE WHEN i %% 200 = 0 THEN 'mitigating' WHEN i %% 50 = 7 THEN 'cancelled'"
	"  WHEN i %% 9 = 0 THEN 'auto_resolved' ELSE 'closed' END,"
	" 'service-' || (i %% 40) || CASE WHEN i %% 3 = 0 THEN ', checkout' ELSE '' END,"
	" CASE WHEN i %% 5 = 0 THEN 'staging' ELSE 'production' END, 'chat', 'slack:U1', 0, 0,"
	" i %% 70 = 3, 'some customers see errors when they pay', d.at, d.at - 600000, d.at - 60000,"
	" d.at + i %% 997 * 1000, d.at + 1200000 + i %% 991 * 7000,"
	" CASE WHEN i %% 200 = 0 THEN NULL ELSE d.at + 3600000 + i %% 983 * 20000 END, d.at, d.at, 1"
	" FROM (SELECT i, %lld - (%d - i) * (365 * 86400000 / %d) - 1 AS at FROM n) AS d;"
	"INSERT INTO promise (incident, kind, n, state, made_at, due_at, said, kept_at, missed_at)"
	" SELECT i, 'update', j, 'kept', 1, 2, 0, 2, CASE WHEN (i + j) %% 6 = 0 THEN 2 END FROM n, k;"
	"INSERT INTO promise (incident, kind, n, state, made_at, due_at, said, kept_at)"
	" SELECT i, kind, 1, 'kept', 1, 2, 0, 2 FROM n,"
	" (SELECT 'respond' AS kind UNION ALL SELECT 'resolve');"
	"INSERT INTO followup (incident, title, owner, priority, due_at, state, class, standard, signal,"
	" author, created_at, ended_at, said)"
	" SELECT i, 'alert on what number ' || i || ' showed', 'slack:U' || (i %% 50), j, declared_at +"
	" (10 + i %% 90) * 86400000, CASE WHEN (i + j) %% 20 = 0 THEN 'open' ELSE 'done' END,"
	" 'prevent', 'observability', 'the alert fires in a test', 'slack:U1', declared_at,"
	" CASE WHEN (i + j) %% 20 = 0 THEN NULL ELSE declared_at + 20 * 86400000 END, 0"
	" FROM n JOIN incident ON incident.id = i, k WHERE j <= 2;"
	"INSERT INTO timeline (incident, happened_at, recorded_at, kind, author, text)"
	" SELECT i, declared_at + j, declared_at + j, 'fact', 'slack:U1', 'restarted by @bob, number ' || j"
	" FROM n JOIN incident ON incident.id = i, k WHERE j <= 3 OR i = %d;"
	"INSERT INTO cause (incident, class, fingerprint, again, author, at)"
	" SELECT i, CASE i %% 3 WHEN 0 THEN 'change' WHEN 1 THEN 'capacity' ELSE 'dependency' END,"
	" CASE WHEN i %% 7 = 0 THEN 'fp-' || (i %% 300) END, CASE WHEN i %% 11 = 0 THEN i - 1 END,"
	" 'slack:U1', declared_at FROM n JOIN incident ON incident.id = i WHERE i %% 2 = 1;"
	"INSERT INTO review (incident, version, state, light, author, at, body)"
	" SELECT i, j, CASE j WHEN 1 THEN 'draft' ELSE 'final' END, 0, 'slack:U1', declared_at,"
	" '{\"summary\":\"It failed, and it was mended.\",\"lessons\":\"Alert on retries.\"}'"
	" FROM n JOIN incident ON incident.id = i, k WHERE i %% 2 = 1 AND j <= 2;"
	"DROP TABLE n; DROP TABLE k;";

struct bench {
	struct desk desk;
	struct config *config;
	struct store *store;
	struct clock clock;
	int incidents, rounds;
	char folder[64];
};

static double cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Each in a transaction that is rolled back, so that every round asks the same. */
static void measure(struct bench *b, const char *name, void (*ask)(struct bench *b, const char *words),
	const char *words)
{
	double took[ROUNDS_MAX];
	struct error err = { 0 };

	for (int i = 0; i < b->rounds; i++) {
		must(store_begin(b->store, &err) == 0, err.text);
		double start = cpu();
		ask(b, words);
		took[i] = cpu() - start;
		store_rollback(b->store);
	}
	qsort(took, (size_t)b->rounds, sizeof(*took), by_size);
	printf("%-44s %7.2f %7.2f %7.2f ms\n", name, took[0] * 1e3, took[b->rounds / 2] * 1e3,
		took[b->rounds - 1] * 1e3);
}

/* ---- by operations ---- */

static void ask_line(struct bench *b, const char *words)
{
	struct request *r = request_create(REQUEST_SHELL);
	struct reply reply = { 0 };
	struct error err = { 0 };

	r->actor.person = arena_strdup(r->arena, "unix:0");
	r->words = arena_strdup(r->arena, words);
	r->received_at = NOW;
	must(dispatch(&b->desk, r, &reply, &err) == 0, err.text);
	must(reply.kind == REPLY_MESSAGE, json_get_str(reply.doc, "text"));
	reply_finish(&reply);
	request_destroy(r);
}

static void measure_line(struct bench *b, const char *words)
{
	measure(b, words, ask_line, words);
}

/* ---- by what the operations call ---- */

static void ask_gate(struct bench *b, const char *service)
{
	struct arena *a = arena_create(64u << 20);
	struct incident_filter open;
	struct followup_filter due;
	struct incident *incidents;
	struct followup *followups;
	struct gate_reason reasons[64];
	struct error err = { 0 };
	struct gate_facts f = { .service = service, .now = NOW };
	struct gate_policy p = { .mode = GATE_STRICT, .run = true, .fail_on = 3, .fail_on_overdue = true };
	size_t count;
	char why[200];

	must(service_known(b->store, service, &f.service_known, &err) == 0, err.text);
	incident_filter_init(&open);
	open.open_only = true;
	open.service = service;
	open.sees_all = true;
	open.limit = 500;
	must(incident_find(b->store, a, &open, &incidents, &f.incident_count, &err) == 0, err.text);
	followup_filter_init(&due);
	due.service = service;
	due.sees_all = true;
	due.limit = 1000;
	must(followup_find(b->store, a, &due, &followups, &f.followup_count, &err) == 0, err.text);

	struct gate_incident *gi = arena_alloc(a, (f.incident_count + 1) * sizeof(*gi));
	struct gate_followup *gf = arena_alloc(a, (f.followup_count + 1) * sizeof(*gf));

	for (size_t i = 0; i < f.incident_count; i++)
		gi[i].incident = &incidents[i];
	for (size_t i = 0; i < f.followup_count; i++)
		gf[i].followup = &followups[i];
	f.incident = gi;
	f.followup = gf;
	must(gate_judge(&p, &f, reasons, 64, &count, why) != GATE_UNKNOWN, why);
	arena_destroy(a);
}

static void ask_alike(struct bench *b, const char *class)
{
	struct arena *a = arena_create(64u << 20);
	struct cause c = { .incident = b->incidents, .fingerprint = "fp-7", .at = NOW }, *found;
	struct error err = { 0 };
	size_t n;

	must(cause_class_parse(class, &c.class), class);
	must(cause_alike(b->store, a, &c, NOW - 365 * DAY_MS, NOW, 500, &found, &n, &err) == 0, err.text);
	must(n > 0, "no cause is alike");
	arena_destroy(a);
}

static void ask_review(struct bench *b, const char *unused)
{
	struct arena *a = arena_create(64u << 20);
	int64_t id = b->incidents % 2 ? b->incidents : b->incidents - 1;
	struct review r;
	struct incident inc;
	struct timeline_entry *entries;
	struct followup_filter f;
	struct followup *followups;
	struct review_record rec = { .zone = "UTC", .severity = "SEV2" };
	struct error err = { 0 };
	struct str text STR_CLEANUP;

	(void)unused;
	str_init(&text, 4u << 20);
	must(review_latest(b->store, a, id, &r, &err) == 0, err.text);
	must(incident_load(b->store, a, id, &inc, &err) == 0, err.text);
	must(timeline_list(b->store, a, id, 0, 500, &entries, &rec.timeline_count, &err) == 0, err.text);
	followup_filter_init(&f);
	f.incident = id;
	f.state = -1;
	f.sees_all = true;
	must(followup_find(b->store, a, &f, &followups, &rec.followup_count, &err) == 0, err.text);
	rec.incident = &inc;
	rec.timeline = entries;
	rec.followup = followups;
	review_markdown(&text, &r, &rec, NULL);
	must(text.len > 0 && rec.followup_count == 2, "an empty postmortem");
	arena_destroy(a);
}

/* ---- */

static void bench_open(struct bench *b)
{
	char *path, *sql;
	struct str report STR_CLEANUP;
	struct error err = { 0 };
	int n = b->incidents;

	strcpy(b->folder, "/tmp/sitrep-bench-XXXXXX");
	must(mkdtemp(b->folder) != NULL, "no folder");
	must(asprintf(&path, "%s/sitrep.db", b->folder) > 0, "no memory");
	str_init(&report, 1u << 20);
	must(config_load(&b->config, SITREP_SOURCE_DIR "/config", NULL, 0, true, &report) == 0, report.p);
	must(store_open(&b->store, &(struct store_options){ .path = path, .create = true }, &err) == 0, err.text);
	clock_init_manual(&b->clock, NOW);
	b->desk = (struct desk){ .store = b->store, .config = b->config, .clock = &b->clock };
	must(asprintf(&sql, fill, n, (long long)NOW, n, n, n) > 0, "no memory");
	must(store_begin(b->store, &err) == 0, err.text);
	must(db_script(store_db(b->store), sql, &err) == 0, err.text);
	must(store_commit(b->store, &err) == 0, err.text);
	free(sql);
	free(path);
}

static void bench_close(struct bench *b)
{
	char name[512];
	DIR *folder;

	store_close(b->store);
	config_release(b->config);
	folder = opendir(b->folder);
	for (struct dirent *e; folder && (e = readdir(folder));) {
		snprintf(name, sizeof(name), "%s/%s", b->folder, e->d_name);
		if (e->d_name[0] != '.')
			unlink(name);
	}
	if (folder)
		closedir(folder);
	rmdir(b->folder);
}

int main(int argc, char **argv)
{
	struct bench b = { .incidents = argc > 1 ? atoi(argv[1]) : 10000, .rounds = argc > 2 ? atoi(argv[2]) : 11 };

	must(b.incidents >= 10 && b.rounds > 0 && b.rounds <= ROUNDS_MAX, "[incidents] [rounds, at most 101]");
	bench_open(&b);
	printf("%d incidents in a year%20s %7s %7s %7s\n", b.incidents, "", "min", "median", "max");
	measure_line(&b, "metrics 7d");
	measure_line(&b, "metrics 30d");
	measure_line(&b, "metrics 90d");
	measure_line(&b, "metrics year");
	measure_line(&b, "metrics year --by service");
	measure_line(&b, "metrics year --by severity");
	measure_line(&b, "metrics year --service checkout");
	measure_line(&b, "metrics year sev1 --env production");
	measure_line(&b, "metrics year --chart");
	measure_line(&b, "metrics year --by service --format csv");
	measure_line(&b, "followups");
	measure_line(&b, "followups all");
	measure_line(&b, "followups overdue");
	measure_line(&b, "#9 cause change of a flag --fingerprint fp-7");
	measure(&b, "causes alike", ask_alike, "change");
	measure(&b, "gate: facts and verdict", ask_gate, "checkout");
	measure(&b, "postmortem as Markdown", ask_review, NULL);
	measure_line(&b, "#9 export");
	bench_close(&b);
	return 0;
}
