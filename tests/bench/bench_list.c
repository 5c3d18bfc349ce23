/*
 * What people ask of a long record: list, search, show and a few more, each through the dispatcher as a typed line.
 * Prints the shortest, middle and longest CPU time of each, the first round with a cold cache left
 * out; it judges nothing, machines differ.
 *
 *	cmake … && bench_list [incidents, default 100000] [rounds, default 21]
 */
#include <dirent.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "commands/dispatch.h"
#include "store/db.h"

#define NOW	   INT64_C(1772460000000) /* 2026-03-02 14:00 UTC */
#define ROUNDS_MAX 101

static void must(bool fine, const char *words)
{
	if (fine)
		return;
	fprintf(stderr, "bench_list: %s\n", words);
	exit(1);
}

/* $N incidents over five years before $NOW, 40 services, all levels; one in 1000 is open, with roles and promises; six
 * timeline entries each of every tenth and of the last. One title has a word that no other has. */
static const char fill[] =
	"CREATE TEMP TABLE n (i INTEGER PRIMARY KEY);"
	"INSERT INTO n WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < %d)"
	" SELECT i FROM c;"
	"INSERT INTO incident (id, title, severity, state, services, environment, source, reporter,"
	" customer_reported, is_private, drill, impact, declared_at, impact_at, detected_at,"
	" acknowledged_at, mitigated_at, resolved_at, state_at, severity_at, revision)"
	" SELECT i, CASE WHEN i = 77 THEN 'the zeppelin does not fly' ELSE 'number ' || i || ' of many is failing' END,"
	" 1 + i %% 4, CASE WHEN i %% 1000 = 0 THEN 'mitigating' WHEN i %% 50 = 7 THEN 'cancelled' ELSE 'closed' END,"
	" 'service-' || (i %% 40), CASE WHEN i %% 5 = 0 THEN 'staging' ELSE 'production' END, 'chat',"
	" 'slack:U' || (i %% 300), 0, 0, 0, 'some customers see errors when they pay', d.at, d.at - 600000,"
	" d.at - 60000, d.at + 5000, d.at + 1200000,"
	" CASE WHEN i %% 1000 = 0 THEN NULL ELSE d.at + 3600000 END, d.at, d.at, 1"
	" FROM (SELECT i, %lld - (%d - i) * (5 * 365 * 86400000 / %d) - 1 AS at FROM n) AS d;"
	"INSERT INTO role (incident, role, person, since)"
	" SELECT i, 'commander', 'slack:U' || (i %% 300), declared_at FROM n JOIN incident ON incident.id = i"
	" WHERE i %% 10 = 0;"
	"INSERT INTO timeline (incident, happened_at, recorded_at, kind, author, text)"
	" SELECT n.i, declared_at + k.i, declared_at + k.i, 'fact', 'slack:U1', 'restarted by @bob, number ' || k.i"
	" FROM n JOIN incident ON incident.id = n.i, n AS k WHERE k.i <= 6 AND n.i %% 10 = 0;"
	"DROP TABLE n;";

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

static void ask(struct bench *b, const char *words)
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

/* The first search of a long record reads the words of all of it. */
static void measure_first(struct bench *b)
{
	struct error err = { 0 };

	must(store_begin(b->store, &err) == 0, err.text);
	size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
	double start = cpu();
	ask(b, "search zeppelin");
	printf("%-50s %7.2f ms, %zu KB\n", "the first search", (cpu() - start) * 1e3,
		(mallinfo2().uordblks + mallinfo2().hblkhd - before) / 1024);
	store_rollback(b->store);
}

/* Each in a transaction that is rolled back, so that every round asks the same. */
static void measure(struct bench *b, const char *words)
{
	double took[ROUNDS_MAX];
	struct error err = { 0 };

	for (int i = -1; i < b->rounds; i++) {
		must(store_begin(b->store, &err) == 0, err.text);
		double start = cpu();
		ask(b, words);
		if (i >= 0)
			took[i] = cpu() - start;
		store_rollback(b->store);
	}
	qsort(took, (size_t)b->rounds, sizeof(*took), by_size);
	printf("%-50s %7.2f %7.2f %7.2f ms\n", words, took[0] * 1e3, took[b->rounds / 2] * 1e3,
		took[b->rounds - 1] * 1e3);
}

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
	must(asprintf(&sql, fill, n, (long long)NOW, n, n) > 0, "no memory");
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
	static const char *const lines[] = {
		"list", "list sev1", "list all", "list all sev1", "mine", "mine all", "list all owner:<@U17>",
		"search failing", "search zeppelin", "search nowhere", "search of", "search 7777",
		"search failing errors number 4242", "search sev1 zeppelin", "search closed zeppelin",
		"search zeppelin --since 300d", "search service:service-7", "search service:nothing",
		"search closed sev1 env:staging service:service-8", "search env:staging errors", "search env:nothing",
		"search source:alert", "search cancelled", "search --since 7d", "search closed --since 7d",
		"search closed --until 300d", "#1000 show", "#77 show", "#1000 timeline", "#1000 followups", "followups",
		"metrics", "declare sev3 number 77 of many is failing",
	};
	struct bench b = { .incidents = argc > 1 ? atoi(argv[1]) : 100000, .rounds = argc > 2 ? atoi(argv[2]) : 21 };

	must(b.incidents >= 1000 && b.rounds > 0 && b.rounds <= ROUNDS_MAX,
		"[incidents, at least 1000] [rounds, at most 101]");
	bench_open(&b);
	printf("%d incidents in five years%24s %7s %7s %7s\n", b.incidents, "", "min", "median", "max");
	measure_first(&b);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		measure(&b, lines[i]);
	bench_close(&b);
	return 0;
}
