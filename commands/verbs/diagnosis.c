/* What a tool has found out about one resource (FEATURES B7): on the incident's timeline, or kept until
 * somebody knows where it belongs. */
#include <string.h>

#include "commands/diagnosing.h"
#include "commands/messages.h"
#include "commands/verbs.h"

#define LIST_MAX 20

static const char usage[] = "/inc diagnosis pod checkout-7f: OOMKilled 12 times";

/* A name that ends in a colon ends there: "checkout-7f: killed". */
static const char *without_colon(struct call *c, const char *text)
{
	size_t n = text ? strlen(text) : 0;

	return n > 1 && text[n - 1] == ':' ? arena_strndup(c->arena, text, n - 1) : text;
}

static const char *first_missing(struct call *c)
{
	static const char *const needed[] = { "kind", "name", "summary" };

	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++)
		if (!call_given(c, needed[i]))
			return needed[i];
	return NULL;
}

static struct done diagnosis_answer(struct call *c, const struct diagnosis *d)
{
	json_t *doc;

	if (d->incident)
		return call_replyf(c, "D%lld is on the timeline of %s: %s %s", (long long)d->id,
			words_id(c, d->incident), d->kind, d->name);
	doc = message_line(c, "D%lld is kept, attached to no incident yet: %s %s", (long long)d->id,
		d->kind, d->name);
	diagnosis_buttons(doc, c->has_incident ? "Attach here" : "Attach…", d);
	return call_reply(c, doc);
}

static struct done diagnosis_run(struct call *c)
{
	const char *missing = first_missing(c), *url = call_text(c, "link");
	bool attach = c->has_incident && !call_flag(c, "unattached");
	struct diagnosis d = {
		.incident = attach ? c->incident.id : 0,
		.tool = call_text(c, "tool"),
		.kind = without_colon(c, call_text(c, "kind")),
		.name = without_colon(c, call_text(c, "name")),
		.summary = call_text(c, "summary"),
		.evidence = call_text(c, "evidence"),
		.url = url,
		.by = c->actor,
		.at = c->now,
	};

	if (missing)
		return call_refuse_arg(c, missing,
			"Nothing was kept: say kind, name and what was found, as in %s",
			message_usage(c, "%s", usage));
	if (url && !diagnosis_url_valid(url))
		return call_refuse_arg(c, "link",
			"Nothing was kept: a link begins with https:// or http:// and names a host.");
	if (attach && c->incident.merged_into)
		return call_refuse(c, "conflict",
			"%s is merged into %s, so nothing was kept. Attach it there: %s",
			words_id(c, c->incident.id), words_id(c, c->incident.merged_into),
			message_usage(c, "/inc #%lld diagnosis …",
				(long long)c->incident.merged_into));
	if (diagnosis_insert(c->store, &d, &c->err) < 0)
		return call_fail(c);
	if ((attach ? diagnosis_record(c, &d) :
		      record_audit(c, "diagnosis", d.id, "info", "diagnosis.kept", NULL)) < 0)
		return call_fail(c);
	return diagnosis_answer(c, &d);
}

static const struct op_alias aliases[] = {
	{ "finding", NULL, NULL },
	{ NULL, NULL, NULL },
};

static const struct arg_def args[] = {
	{ .name = "kind",
		.type = ARG_WORD,
		.label = "kind",
		.help = "Of resource: pod, host, queue …",
		.max_bytes = 60 },
	{ .name = "name",
		.type = ARG_WORD,
		.label = "name",
		.help = "Of the resource: checkout-7f",
		.max_bytes = DIAGNOSIS_NAME_MAX },
	{ .name = "summary",
		.type = ARG_REST,
		.flags = ARG_LONG,
		.label = "what was found",
		.help = "One sentence is enough",
		.max_bytes = 1000 },
	{ .name = "evidence",
		.type = ARG_WORD,
		.flags = ARG_OPTION | ARG_LONG,
		.label = "evidence",
		.help = "What shows it: a line of a log, a figure",
		.max_bytes = 2000 },
	{ .name = "link",
		.type = ARG_WORD,
		.flags = ARG_OPTION,
		.label = "link",
		.help = "Where to read all of it: https://…",
		.synonyms = "url",
		.max_bytes = 1000 },
	{ .name = "tool",
		.type = ARG_WORD,
		.flags = ARG_OPTION,
		.label = "tool",
		.help = "Which tool found it",
		.max_bytes = 60 },
	{ .name = "unattached",
		.type = ARG_FLAG,
		.flags = ARG_OPTION | ARG_NO_FORM,
		.label = "unattached",
		.help = "Keep it without an incident" },
	{ .name = NULL },
};

const struct operation op_diagnosis = {
	.name = "diagnosis",
	.aliases = aliases,
	.summary = "What a tool found out about one resource",
	.example = "/inc diagnosis pod checkout-7f: OOMKilled 12 times --tool kube-doctor",
	.args = args,
	.need = NEED_NOTHING,
	.flags = OP_BARE_FORM,
	.right = "incident.write",
	.run = diagnosis_run,
};

/* ---- diagnoses ---- */

static int list_part(struct call *c, json_t *doc, int64_t incident, size_t *count)
{
	struct diagnosis *d;
	int rc = diagnosis_list(c->store, c->arena, incident, LIST_MAX, &d, count, &c->err);

	for (size_t i = 0; rc == 0 && i < *count; i++) {
		doc_list_item(doc, diagnosis_line(c, &d[i]));
		if (d[i].evidence)
			doc_context(doc, arena_printf(c->arena, "D%lld evidence: %s", (long long)d[i].id,
						 message_short(c, d[i].evidence, 300)));
		if (!incident)
			diagnosis_buttons(doc,
				arena_printf(c->arena, "%s D%lld%s", "Attach", (long long)d[i].id,
					c->has_incident ? "" : "…"),
				&d[i]);
	}
	if (rc == 0 && *count == LIST_MAX)
		doc_context(doc, arena_printf(c->arena, "The newest %d are shown.", LIST_MAX));
	return rc;
}

static struct done diagnoses_run(struct call *c)
{
	size_t attached = 0, kept = 0;
	json_t *here = doc_new(""), *doc;
	int rc = c->has_incident ? list_part(c, here, c->incident.id, &attached) : 0;

	if (rc == 0)
		rc = list_part(c, here, 0, &kept);
	if (rc < 0) {
		json_decref(here);
		return call_fail(c);
	}
	doc = c->has_incident ?
		message_line(c, "Diagnoses on %s: %zu · attached to nothing yet: %zu",
			words_id(c, c->incident.id), attached, kept) :
		message_line(c, "Diagnoses attached to nothing yet: %zu", kept);
	json_array_extend(json_get_arr(doc, "blocks"), json_get_arr(here, "blocks"));
	json_decref(here);
	return call_reply(c, doc);
}

static const struct op_alias list_aliases[] = {
	{ "findings", NULL, NULL },
	{ NULL, NULL, NULL },
};

const struct operation op_diagnoses = {
	.name = "diagnoses",
	.aliases = list_aliases,
	.summary = "What tools have found out: on this incident, and what waits for one",
	.example = "/inc diagnoses #42",
	.need = NEED_NOTHING,
	.flags = OP_READS,
	.right = "incident.read",
	.run = diagnoses_run,
};
