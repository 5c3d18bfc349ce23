/*
 * `sitrep release-check` (FEATURES K3), for a step of a pipeline: exit status 0 pass, 1 blocked, 2 could not tell. It opens
 * the record itself, read-only, so that it works whether the bot runs or not. Logs of pipelines are read by many: it sees
 * what is public, and nothing else.
 *
 * Whatever goes wrong is 2. A record with damage anywhere in it is not believed: the row that blocks may be the one that is
 * lost.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/json.h"
#include "bot/subcommands.h"
#include "commands/gating.h"

#define ARENA_MAX  (64u << 20)
#define REPORT_MAX (256u << 10)

static void print_json(json_t *take)
{
	char *text = json_text_new(take);

	printf("%s\n", text);
	free(text);
	json_decref(take);
}

/* A pass that nobody could read is none. */
static int said(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	fprintf(stderr, "sitrep release-check: the answer could not be written\n");
	return gating_exit_status(GATE_UNKNOWN);
}

static int unknown(const struct options *o, const char *why)
{
	fprintf(stderr, "sitrep release-check: could not tell: %s\n", why);
	if (o->json)
		print_json(gating_json_unknown(o->service, o->environment, why));
	return said(gating_exit_status(GATE_UNKNOWN));
}

static void print_text(const struct gating *g)
{
	struct str head STR_CLEANUP = { 0 };

	str_init(&head, 1000);
	gating_headline(g, &head);
	printf("%s\n", head.p);
	for (size_t i = 0; i < g->count; i++) {
		const struct gate_reason *r = &g->reason[i];

		printf("  %s %s\n", r->blocks ? "blocks: " : "to know:", r->text);
		if (r->url)
			printf("            %s\n", r->url);
	}
}

static int answer(const struct options *o, const struct gating *g)
{
	if (o->json)
		print_json(gating_json(g));
	else
		print_text(g);
	if (g->verdict == GATE_UNKNOWN)
		fprintf(stderr, "sitrep release-check: could not tell: %s\n", g->why);
	return said(gating_exit_status(g->verdict));
}

static int mode_of(const char *word)
{
	for (int m = GATE_OFF; word && m <= GATE_STRICT; m++)
		if (!strcmp(gate_mode_name((enum gate_mode)m), word))
			return m;
	return -1;
}

/* One reading of the record for all, so that what changes meanwhile is seen whole or not at all. */
static int look(const struct options *o, const struct config *config, struct store *store, struct arena *a)
{
	struct clock clock;
	struct gating_ask ask = { .service = o->service, .environment = o->environment, .mode = mode_of(o->mode) };
	struct gating g;
	struct error err = { 0 };
	int rc = store_begin(store, &err);

	clock_init_system(&clock);
	ask.now = clock_now(&clock);
	if (rc == 0)
		rc = store_check(store, &err);
	if (rc == 0)
		rc = gating_judge(store, config, a, &ask, &g, &err);
	store_rollback(store);
	return rc < 0 ? unknown(o, err.text) : answer(o, &g);
}

static int check(const struct options *o, const struct config *config)
{
	struct store_options options = { .path = config->store.path, .read_only = true };
	struct store *store = NULL;
	struct error err = { 0 };
	struct arena *a;
	int status;

	if (store_open(&store, &options, &err) < 0)
		return unknown(o, err.text);
	a = arena_create(ARENA_MAX);
	status = look(o, config, store, a);
	arena_destroy(a);
	store_close(store);
	return status;
}

/* NULL, or what is wrong with what was asked. */
static const char *ask_wrong(const struct options *o)
{
	if (o->argc)
		return "it takes options only: --service NAME [--env NAME] [--mode off|warn|strict] [--json]";
	if (o->mode && mode_of(o->mode) < 0)
		return "--mode is off, warn or strict";
	return gating_service_wrong(o->service);
}

int subcommand_release_check(const struct options *o)
{
	const char *wrong = ask_wrong(o);
	struct config *config = NULL;
	struct str report;
	int status;

	if (wrong)
		return unknown(o, wrong);
	str_init(&report, REPORT_MAX);
	config_load(&config, o->config_dir, o->set, o->sets, true, &report);
	if (config) {
		status = check(o, config);
	} else {
		fprintf(stderr, "%s", report.p ? report.p : "");
		status = unknown(o, "the configuration has errors");
	}
	str_finish(&report);
	config_release(config);
	return status;
}
