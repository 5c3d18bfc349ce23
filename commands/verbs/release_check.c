/* May a release of this service go out? (FEATURES K3) The verdict first, then each reason. */
#include <string.h>

#include "base/text.h"
#include "commands/gating.h"
#include "commands/messages.h"
#include "commands/protected.h"
#include "commands/verbs.h"

#define SHOWN_MAX   15 /* reasons in chat; programs get all */
#define BUTTONS_MAX 5

static struct done refuse_service(struct call *c)
{
	return call_refuse_arg(c, "service", "Nothing was looked at: %s, as in %s",
		gating_service_wrong(call_text(c, "service")), message_usage(c, "/inc release-check checkout"));
}

static int mode_said(const struct call *c)
{
	const char *mode = call_text(c, "mode");

	for (int m = GATE_OFF; mode && m <= GATE_STRICT; m++)
		if (!strcmp(gate_mode_name((enum gate_mode)m), mode))
			return m;
	return -1;
}

/* A protected incident is named to those who may see it, and the audit says so. */
static void looked(struct call *c, const struct gating *g)
{
	for (size_t i = 0; i < g->open_count; i++)
		protected_looked(c, &g->open[i], c->actor);
	for (size_t i = 0; i < g->overdue_count; i++)
		protected_looked(c, g->overdue[i].incident, c->actor);
}

static const char *reason_line(struct call *c, const struct gate_reason *r)
{
	struct str s;

	str_init_arena(&s, c->arena, 3000);
	if (r->blocks)
		mark_bold(&s, "blocks");
	else
		str_add(&s, "to know");
	str_addf(&s, " · %.*s", (int)text_cut(r->text, sizeof(r->text)), r->text);
	if (r->url) {
		str_add(&s, " · ");
		mark_link(&s, r->url, r->kind == GATE_INCIDENT ? "channel" : "link");
	}
	return s.p;
}

/* An incident is named by the button itself, a follow-up by its number. */
static void reason_button(struct call *c, json_t *doc, const struct gate_reason *r)
{
	const char *name;

	if (r->kind == GATE_INCIDENT) {
		doc_button(doc, words_id(c, r->incident), "show", r->incident, NULL, NULL);
		return;
	}
	name = arena_printf(c->arena, "F%lld", (long long)r->followup);
	doc_button(doc, name, "followups", 0, json_pack("{s:s}", "id", name), NULL);
}

static void buttons(struct call *c, json_t *doc, const struct gating *g)
{
	for (size_t i = 0; i < g->count && i < BUTTONS_MAX; i++)
		reason_button(c, doc, &g->reason[i]);
	if (g->open_followups)
		doc_button(doc, "Follow-ups", "followups", 0, json_pack("{s:s}", "service", g->service), NULL);
}

static json_t *answer(struct call *c, const struct gating *g)
{
	struct str head;
	json_t *doc;

	str_init_arena(&head, c->arena, 1000);
	gating_headline(g, &head);
	doc = message_line(c, "%s", head.p);
	for (size_t i = 0; i < g->count && i < SHOWN_MAX; i++)
		doc_list_item(doc, reason_line(c, &g->reason[i]));
	if (g->count > SHOWN_MAX)
		doc_text(doc, arena_printf(c->arena, "… and %zu more", g->count - SHOWN_MAX));
	if (g->verdict == GATE_PASS && g->mode == GATE_WARN && g->count)
		doc_context(doc, "Nothing blocks, since the gate only warns.");
	buttons(c, doc, g);
	json_object_set_new(doc, "data", gating_json(g));
	return doc;
}

static struct done run(struct call *c)
{
	struct incident_filter seen;
	struct gating_ask ask = {
		.service = call_text(c, "service"),
		.environment = call_text(c, "env"),
		.mode = mode_said(c),
		.now = c->now,
	};
	struct gating g;

	if (gating_service_wrong(ask.service))
		return refuse_service(c);
	incident_filter_init(&seen);
	protected_filter(c, c->actor, &seen);
	ask.viewer = seen.viewer;
	ask.sees_all = seen.sees_all;
	if (gating_judge(c->store, c->config, c->arena, &ask, &g, &c->err) < 0)
		return call_fail(c);
	looked(c, &g);
	return call_reply(c, answer(c, &g));
}

static const struct op_alias aliases[] = {
	{ "gate", NULL, NULL },
	{ "release-gate", NULL, NULL },
	{ NULL, NULL, NULL },
};

static const char *const modes[] = { "off", "warn", "strict", NULL };

static const struct arg_def args[] = {
	{ .name = "service",
		.type = ARG_WORD,
		.flags = ARG_REQUIRED,
		.label = "service",
		.help = "The service that is to be released",
		.max_bytes = GATING_SERVICE_MAX },
	{ .name = "env",
		.type = ARG_WORD,
		.flags = ARG_OPTION,
		.label = "environment",
		.help = "Where to; any: wherever",
		.synonyms = "environment",
		.max_bytes = 64 },
	{ .name = "mode",
		.type = ARG_CHOICE,
		.flags = ARG_OPTION,
		.label = "mode",
		.help = "Instead of what the policy says: off, warn, strict",
		.choices = modes },
	{ .name = NULL },
};

const struct operation op_release_check = {
	.name = "release-check",
	.aliases = aliases,
	.summary = "May a release of this service go out? Open incidents and overdue follow-ups hold it back",
	.example = "/inc release-check checkout --env production",
	.args = args,
	.need = NEED_NOTHING,
	.flags = OP_READS,
	.right = "incident.read",
	.run = run,
};
