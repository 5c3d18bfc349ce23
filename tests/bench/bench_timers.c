/*
 * Lateness of reminders: 1,000,000 armed timers, of which 1000 a second come due; each is the reminder
 * of an incident's promise, with all that belongs to it, durable in a real file. Lateness is from the due time to the
 * end of the commit that holds what it brought. Prints what it got; it judges nothing, disks differ.
 *
 *	cmake -DSITREP_BENCH=ON … && bench_timers [armed, default 1000000] [a second, default 1000] [seconds, default 20]
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "bot/core.h"
#include "store/db.h"
#include "store/timers.h"

#define LEAD_MS 2000 /* between the filling and the first that is due */

static void must(bool fine, const char *words)
{
	if (fine)
		return;
	fprintf(stderr, "bench_timers: %s\n", words);
	exit(1);
}

static void on_answer(void *ctx, struct answer *take)
{
	(void)ctx;
	answer_destroy(take);
}

/* The outside stays silent: what it would cost is not what is asked here. */
static void on_perform(void *ctx, struct effect *take)
{
	++*(size_t *)ctx;
	effect_destroy(take);
}

static void on_nothing(void *ctx)
{
	(void)ctx;
}

/* An incident, its promised update and its timer for each that comes due; the other timers wait for a year. */
static const char fill[] =
	"CREATE TEMP TABLE n (i INTEGER PRIMARY KEY);"
	"INSERT INTO n WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < %zu) SELECT i FROM c;"
	"INSERT INTO incident (id, title, severity, state, services, source, reporter, customer_reported, is_private,"
	" drill, declared_at, state_at, severity_at, revision)"
	" SELECT i, 'number ' || i || ' is failing', 2, 'investigating', 'checkout', 'chat', 'slack:U1', 0, 0, 0,"
	" %lld - 600000, %lld - 600000, %lld - 600000, 1 FROM n WHERE i <= %zu;"
	"INSERT INTO promise (incident, kind, n, state, made_at, due_at, said)"
	" SELECT i, 'update', 0, 'open', %lld - 600000, %lld + i * 1000 / %zu, 0 FROM n WHERE i <= %zu;"
	"INSERT INTO timer (incident, subject, name, due_at, operation)"
	" SELECT i, 0, 'promise', CASE WHEN i <= %zu THEN %lld + i * 1000 / %zu ELSE %lld + 31536000000 + i END,"
	" 'promise.due' FROM n;"
	"DROP TABLE n;";

static double cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int64_t wall_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* What is due before the first that is still armed has been said and committed. */
static void run_until_all(struct core *core, int64_t first, size_t rate, size_t count, double *late_ms)
{
	struct error err = { 0 };

	for (size_t done = 0; done < count;) {
		int64_t sleep = core_turn(core), next;
		struct timespec t = { .tv_nsec = (long)(sleep < 5 ? sleep : 5) * 1000000 };

		must(timer_next(core_store(core), &next, &err) == 0, err.text);
		for (int64_t now = wall_us(); done < count; done++) {
			int64_t due = first + (int64_t)((done + 1) * 1000 / rate);

			if (due >= next)
				break;
			late_ms[done] = (double)(now - due * 1000) / 1e3;
		}
		if (sleep > 0)
			nanosleep(&t, NULL);
	}
}

static void fill_record(const char *path, size_t armed, size_t rate, size_t count, int64_t first)
{
	struct store *store = NULL;
	struct error err = { 0 };
	char *sql;
	long long at = first;

	must(asprintf(&sql, fill, armed, at, at, at, count, at, at, rate, count, count, at, rate, at) > 0, "no memory");
	must(store_open(&store, &(struct store_options){ .path = path, .create = true }, &err) == 0, err.text);
	must(store_begin(store, &err) == 0, err.text);
	must(db_script(store_db(store), sql, &err) == 0, err.text);
	must(store_commit(store, &err) == 0, err.text);
	store_close(store);
	free(sql);
}

static void folder_empty(const char *path)
{
	char name[512];
	DIR *folder = opendir(path);

	for (struct dirent *e; folder && (e = readdir(folder));) {
		snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
		if (e->d_name[0] != '.')
			unlink(name);
	}
	if (folder)
		closedir(folder);
}

int main(int argc, char **argv)
{
	size_t armed = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;
	size_t rate = argc > 2 ? strtoul(argv[2], NULL, 10) : 1000;
	size_t count = rate * (argc > 3 ? strtoul(argv[3], NULL, 10) : 20), performed = 0;
	char folder[] = "/tmp/sitrep-bench-XXXXXX", path[64];
	const struct core_hooks hooks = { .answer = on_answer,
		.perform = on_perform,
		.handed_out = on_nothing,
		.room = on_nothing,
		.ctx = &performed };
	struct error err = { 0 };
	struct config *config;
	struct clock clock;
	struct core *core;
	struct str report;

	must(rate > 0 && count > 0 && armed >= count, "[armed] [a second] [seconds]");
	must(mkdtemp(folder) != NULL, "no folder");
	snprintf(path, sizeof(path), "%s/sitrep.db", folder);
	str_init(&report, 1u << 20);
	must(config_load(&config, SITREP_SOURCE_DIR "/config",
		     (struct config_override[]){ { "store.path", path },
			     { "slack.announce_channel", "C0GENERAL" } },
		     2, true, &report) == 0,
		report.p);
	clock_init_system(&clock);

	/* How long the filling takes is not known before: a first one, thrown away, tells. */
	int64_t start = clock_now(&clock);
	fill_record(path, armed, rate, count, start);
	int64_t took = clock_now(&clock) - start;
	folder_empty(folder);
	int64_t first = clock_now(&clock) + took * 2 + LEAD_MS;
	fill_record(path, armed, rate, count, first);
	must(core_create(&core, config, &clock, &hooks, &err) == 0, err.text);
	must(clock_now(&clock) < first, "the filling took too long: try again");

	double *late = calloc(count, sizeof(*late)), used = cpu();
	must(late != NULL, "no memory");
	run_until_all(core, first, rate, count, late);
	used = cpu() - used;
	must(performed > 0, "nothing was said");
	qsort(late, count, sizeof(*late), by_size);
	printf("%zu armed, %zu due at %zu a second: late by p50 %.1f, p99 %.1f, p99.9 %.1f, at most %.1f ms;"
	       " %.1f us of CPU each\n", armed, count, rate, late[count / 2], late[count * 99 / 100],
		late[count * 999 / 1000], late[count - 1], used / (double)count * 1e6);
	free(late);
	core_destroy(core);
	config_release(config);
	str_finish(&report);
	folder_empty(folder);
	rmdir(folder);
	return 0;
}
