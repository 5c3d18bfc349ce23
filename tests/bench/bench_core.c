/*
 * CPU of the core: declarations through its queue, in full batches, into a real file. Prints what it
 * got; it judges nothing, machines differ. Counts that do not: valgrind --tool=callgrind.
 *
 *	cmake -DSITREP_BENCH=ON … && bench_core [declares, default 20000] [in a batch, default 64]
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "bot/core.h"

#define BATCH_MAX 1024

static void must(bool fine, const char *words)
{
	if (fine)
		return;
	fprintf(stderr, "bench_core: %s\n", words);
	exit(1);
}

/* An answer must have been made; what it says is the tests' business. */
static void on_answer(void *ctx, struct answer *take)
{
	size_t *answered = ctx;

	must(take->reply.kind == REPLY_MESSAGE, "a declaration was refused");
	++*answered;
	answer_destroy(take);
}

/* The outside stays silent: what it would cost is not what is asked here. */
static void on_perform(void *ctx, struct effect *take)
{
	(void)ctx;
	effect_destroy(take);
}

static void on_nothing(void *ctx)
{
	(void)ctx;
}

static struct request *declaration(size_t n)
{
	struct request *r = request_create(REQUEST_CHAT);
	unsigned noise = (unsigned)n * 2654435761u; /* keys come in no order */

	r->actor.person = arena_strdup(r->arena, "slack:U1");
	r->actor.name = arena_strdup(r->arena, "alice");
	r->place.channel = arena_strdup(r->arena, "slack:C1");
	r->words = arena_printf(r->arena, "declare sev2 checkout is failing %zu", n);
	request_add_key(r, "slack:trigger:", arena_printf(r->arena, "%zu.%08x", n, noise));
	request_add_key(
		r, "slack:envelope:", arena_printf(r->arena, "%08x-9f3c-4d1e-8a55-%012zu", noise, n));
	r->received_at = time(NULL) * SECOND_MS;
	r->can_open_form = true;
	return r;
}

static double cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double declare_all(struct core *core, size_t count, size_t batch)
{
	double used = 0;

	for (size_t n = 0; n < count;) {
		for (size_t i = 0; i < batch && n < count; i++, n++)
			must(core_submit(core, declaration(n)), "the queue is full");
		double start = cpu();
		while (!core_idle(core))
			core_turn(core);
		used += cpu() - start;
	}
	return used;
}

static void folder_remove(const char *path)
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
	rmdir(path);
}

int main(int argc, char **argv)
{
	size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 20000, answered = 0;
	size_t batch = argc > 2 ? strtoul(argv[2], NULL, 10) : 64;
	char folder[] = "/tmp/sitrep-bench-XXXXXX", path[64];
	const struct core_hooks hooks = { .answer = on_answer,
		.perform = on_perform,
		.handed_out = on_nothing,
		.room = on_nothing,
		.ctx = &answered };
	struct error err = { 0 };
	struct config *config;
	struct clock clock;
	struct core *core;
	struct str report;

	must(count > 0 && batch > 0 && batch <= BATCH_MAX, "[declares] [in a batch, at most 1024]");
	must(mkdtemp(folder) != NULL, "no folder");
	snprintf(path, sizeof(path), "%s/sitrep.db", folder);
	str_init(&report, 1u << 20);
	must(config_load(&config, SITREP_SOURCE_DIR "/config",
		     (struct config_override[]){ { "store.path", path },
			     { "slack.announce_channel", "C0GENERAL" } },
		     2, true, &report) == 0,
		report.p);
	clock_init_system(&clock);
	must(core_create(&core, config, &clock, &hooks, &err) == 0, err.text);
	double used = declare_all(core, count, batch);
	must(answered == count, "answers are missing");
	printf("%zu declares in batches of %zu: %.1f us of CPU each\n", count, batch,
		used / (double)count * 1e6);
	core_destroy(core);
	config_release(config);
	str_finish(&report);
	folder_remove(folder);
	return 0;
}
