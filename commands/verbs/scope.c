/* What it reaches: user groups, fault domains, dependencies, recent changes (FEATURES F4). That
 * something is unknown is said, and so is what was looked at and is not affected. */
#include <string.h>

#include "base/text.h"
#include "commands/messages.h"
#include "commands/upgrades.h"
#include "commands/verbs.h"
#include "store/response.h"

#define VALUE_MAX   200 /* bytes */
#define ENTRIES_MAX 200 /* of an incident */
#define SHOWN_MAX   40  /* of a kind, in the table */

static const char *const titles[SCOPE_KIND_COUNT] = {
	[SCOPE_GROUP] = "Groups and tenants",
	[SCOPE_FAULT_DOMAIN] = "Fault domains",
	[SCOPE_DEPENDENCY] = "Dependencies",
	[SCOPE_CHANGE] = "Recent changes",
};

static const char *affected_words(enum tri t)
{
	switch (t) {
	case TRI_YES:
		return "affected";
	case TRI_NO:
		return "not affected";
	case TRI_UNKNOWN:
		break;
	}
	return "unknown whether affected";
}

/* ---- the table ---- */

static void entry_line(struct call *c, struct str *s, const struct scope_entry *e)
{
	str_addf(s, "\n• %s — %s", e->value, affected_words(e->affected));
	if (e->note)
		str_addf(s, ": %s", message_short(c, e->note, 160));
}

static void add_kind(struct call *c, json_t *doc, enum scope_kind kind,
	const struct scope_entry *e, size_t n)
{
	size_t shown = 0, all = 0;
	struct str s;

	str_init_arena(&s, c->arena, 20000);
	mark_bold(&s, titles[kind]);
	for (size_t i = 0; i < n; i++) {
		if (e[i].kind != kind)
			continue;
		if (all++ < SHOWN_MAX) {
			entry_line(c, &s, &e[i]);
			shown++;
		}
	}
	if (all == 0)
		str_add(&s, ": unknown");
	if (all > shown)
		str_addf(&s, "\n… and %zu more: %s", all - shown,
			message_usage(c, "/inc export #%lld", (long long)c->incident.id));
	doc_text(doc, s.p);
}

static struct done scope_show(struct call *c, const char *head)
{
	struct scope_entry *e;
	size_t n;
	json_t *doc;

	if (scope_list(c->store, c->arena, c->incident.id, &e, &n, &c->err) < 0)
		return call_fail(c);
	doc = message_line(c, "%s",
		head ? head : arena_printf(c->arena, "Scope of %s", words_id(c, c->incident.id)));
	for (int k = 0; k < SCOPE_KIND_COUNT; k++)
		add_kind(c, doc, (enum scope_kind)k, e, n);
	if (!head)
		doc_context(doc,
			arena_printf(c->arena, "Add to it: %s, %s, or with --not what was looked "
					       "at and is not affected",
				message_usage(c, "/inc scope #%lld group EU tenants",
					(long long)c->incident.id),
				message_usage(c, "/inc scope #%lld dependency payments-db unknown",
					(long long)c->incident.id)));
	return call_reply(c, doc);
}

/* ---- an entry ---- */

/* "fault domain eu-west-1": the kind in its first word or two, the rest in *text. */
static bool kind_cut(struct call *c, const char **text, enum scope_kind *kind)
{
	const char *p = *text;

	for (int words = 1; words <= 2; words++) {
		p += strcspn(p, " ");
		if (scope_kind_parse(
			    arena_strndup(c->arena, *text, (size_t)(p - *text)), kind)) {
			*text = p + strspn(p, " :");
			return true;
		}
		p += strspn(p, " ");
	}
	return false;
}

/* "payments-db unknown": the last word says whether it is affected. "unknown" alone is the
 * value. */
static char *affected_cut(struct call *c, const char *text, enum tri *affected)
{
	static const char *const patterns[] = { " not affected", " unaffected", " unknown", " ?" };
	static const enum tri said[] = { TRI_NO, TRI_NO, TRI_UNKNOWN, TRI_UNKNOWN };
	size_t len = strlen(text);

	if (text_equal_fold(text, "unknown"))
		*affected = TRI_UNKNOWN;
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		size_t n = strlen(patterns[i]);

		if (len <= n || !text_equal_fold(text + len - n, patterns[i]))
			continue;
		*affected = said[i];
		while (len > n && strchr(" ,:", text[len - n - 1]))
			len--;
		return arena_strndup(c->arena, text, len - n);
	}
	return arena_strdup(c->arena, text);
}

static int scope_record(struct call *c, const struct scope_entry *e)
{
	JSON_CLEANUP json_t *meta = json_pack("{s:s, s:s, s:s, s:s*}", "kind",
		scope_kind_name(e->kind), "value", e->value, "affected", tri_name(e->affected),
		"note", e->note);

	return record_entry(c, &(struct record_entry){
				       .kind = ENTRY_FACT,
				       .action = "incident.scope",
				       .text = arena_printf(c->arena, "scope: %s %s is %s%s",
					       scope_kind_name(e->kind), e->value,
					       affected_words(e->affected),
					       message_because(c, e->note)),
				       .meta = json_text(c->arena, meta),
			       });
}

static struct done refuse_usage(struct call *c, const char *why)
{
	return call_refuse_arg(c, "text",
		"Nothing was recorded: %s. Say what kind it is (group, fault-domain, dependency or "
		"change) and which one: %s",
		why,
		message_usage(c, "/inc scope #%lld group EU tenants", (long long)c->incident.id));
}

/* Room for a new one? What is there already may always be changed. 1, 0 or -errno. */
static int has_room(struct call *c, const struct scope_entry *new)
{
	struct scope_entry *e;
	size_t n;
	int rc = scope_list(c->store, c->arena, c->incident.id, &e, &n, &c->err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < n; i++)
		if (e[i].kind == new->kind && text_equal_fold(e[i].value, new->value))
			return 1;
	return n < ENTRIES_MAX;
}

static struct done scope_put_entry(struct call *c, struct scope_entry *e)
{
	struct upgrade_verdict v;
	int room = has_room(c, e);

	if (room == 0)
		return call_refuse(c, "conflict",
			"Nothing was recorded: the scope table of %s has %d entries, which is as "
			"many as it takes. Put it on the timeline: /inc note …",
			words_id(c, c->incident.id), ENTRIES_MAX);
	if (room < 0 || scope_put(c->store, e, &c->err) < 0 || scope_record(c, e) < 0)
		return call_fail(c);
	call_touch(c);
	if (upgrades_apply(c, &v) < 0)
		return call_fail(c);
	return scope_show(c, arena_printf(c->arena, "Scope of %s: %s %s is %s.%s",
				     words_id(c, c->incident.id), scope_kind_name(e->kind),
				     e->value, affected_words(e->affected),
				     upgrades_words(c, &v)));
}

static struct done scope_run(struct call *c)
{
	const char *text = call_text(c, "text");
	struct scope_entry e = {
		.incident = c->incident.id,
		.affected = TRI_YES,
		.note = arena_strdup(c->arena, call_text(c, "note")),
		.by = arena_strdup(c->arena, c->actor),
		.at = c->now,
	};

	if (!text && !call_given(c, "kind"))
		return scope_show(c, NULL);
	if (call_given(c, "kind"))
		scope_kind_parse(call_text(c, "kind"), &e.kind);
	else if (!kind_cut(c, &text, &e.kind))
		return refuse_usage(c, "it does not begin with a kind");
	if (!text || !*text)
		return refuse_usage(c, "which one is missing");
	e.value = affected_cut(c, text, &e.affected);
	if (call_flag(c, "not"))
		e.affected = TRI_NO;
	if (strlen(e.value) > VALUE_MAX)
		return refuse_usage(c, "that is longer than 200 bytes; details go into --note");
	return scope_put_entry(c, &e);
}

static const char *const kinds[] = { "group", "fault-domain", "dependency", "change", NULL };

static const struct arg_def args[] = {
	{ .name = "text",
		.type = ARG_REST,
		.label = "what",
		.help = "Kind and name: group EU tenants; fault-domain eu-west-1; dependency "
			"payments-db unknown; change deploy v2.31" },
	{ .name = "kind",
		.type = ARG_CHOICE,
		.flags = ARG_OPTION,
		.label = "kind",
		.help = "What it is, when the words do not begin with it",
		.choices = kinds },
	{ .name = "not",
		.type = ARG_FLAG,
		.flags = ARG_OPTION,
		.label = "looked at, not affected",
		.help = "It was looked at and is not affected" },
	{ .name = "note",
		.type = ARG_WORD,
		.flags = ARG_OPTION | ARG_LONG,
		.label = "note",
		.help = "How that is known, or a link",
		.max_bytes = 500 },
	{ .name = NULL },
};

const struct operation op_scope = {
	.name = "scope",
	.summary = "What it reaches: groups, fault domains, dependencies, changes; bare, the table",
	.example = "/inc scope group EU tenants",
	.args = args,
	.need = NEED_INCIDENT,
	.right = "incident.write",
	.run = scope_run,
};
