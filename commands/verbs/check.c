/* Seven checks (FEATURES I4): what is there, what is missing and how to say it. */
#include <errno.h>
#include <string.h>

#include "commands/figures.h"
#include "commands/messages.h"
#include "commands/verbs.h"
#include "incident/checks.h"
#include "store/learning.h"
#include "store/response.h"
#include "store/timelines.h"

#define TIMELINE_MAX  500 /* the newest entries are looked at */
#define FOLLOWUPS_MAX 200
#define BUTTONS_MAX   2

/* What a person would do about a missing one, the most useful first while it burns. */
static const struct {
	enum check_kind kind;
	const char *label, *op;
} remedies[] = {
	{ CHECK_ROLES, "Roles", "role" },
	{ CHECK_IMPACT, "Impact", "impact" },
	{ CHECK_CHECKPOINT, "Checkpoint", "checkpoint" },
	{ CHECK_SCOPE, "Scope", "scope" },
	{ CHECK_TIMELINE, "Add to timeline", "note" },
	{ CHECK_ACTIONS, "Add an action", "note" },
};

static int facts_load(struct call *c, struct check_facts *f, struct checkpoint *last)
{
	int rc = checkpoint_latest(c->store, c->arena, c->incident.id, last, &c->err);

	if (rc < 0 && rc != -ENOENT)
		return rc;
	f->checkpoint = rc == 0 ? last : NULL;
	struct scope_entry *scope;
	rc = scope_list(c->store, c->arena, c->incident.id, &scope, &f->scope_count, &c->err);
	f->scope = scope;
	if (rc < 0)
		return rc;
	struct timeline_entry *e;
	rc = timeline_list(c->store, c->arena, c->incident.id, 0, TIMELINE_MAX, &e,
		&f->timeline_count, &c->err);
	f->timeline = e;
	return rc;
}

/* What was learned of it: its postmortem, when there is one, and its follow-ups. */
static int learning_load(struct call *c, struct check_facts *f, struct review *review)
{
	struct followup_filter filter;
	struct followup *followup;
	int rc = review_latest(c->store, c->arena, c->incident.id, review, &c->err);

	if (rc < 0 && rc != -ENOENT)
		return rc;
	f->review = rc == 0 ? review : NULL;
	followup_filter_init(&filter);
	filter.incident = c->incident.id;
	filter.state = -1;
	filter.sees_all = true; /* who may ask for the check sees the incident */
	filter.limit = FOLLOWUPS_MAX;
	rc = followup_find(c->store, c->arena, &filter, &followup, &f->followup_count, &c->err);
	f->followup = followup;
	return rc;
}

/* An action without a result: nothing newer points to it. */
static int64_t actions_open(const struct check_facts *f)
{
	int64_t open = 0;

	for (size_t i = 0; i < f->timeline_count; i++) {
		bool settled = f->timeline[i].kind != ENTRY_ACTION;

		for (size_t k = i + 1; k < f->timeline_count && !settled; k++)
			settled = f->timeline[k].corrects == f->timeline[i].id;
		open += !settled;
	}
	return open;
}

static const char *sign(enum check_result r)
{
	switch (r) {
	case CHECK_PASSED:
		return "✓";
	case CHECK_MISSING:
		return "✗";
	case CHECK_NOT_YET:
		break;
	}
	return "–";
}

static void add_buttons(struct call *c, json_t *doc, const struct check out[CHECK_COUNT])
{
	size_t n = 0;

	for (size_t i = 0; i < sizeof(remedies) / sizeof(remedies[0]) && n < BUTTONS_MAX; i++) {
		const char *op = remedies[i].op;

		if (out[remedies[i].kind].result != CHECK_MISSING || !operation_by_name(op))
			continue;
		if (strcmp(op, "role") == 0 && !role_person(&c->roles, ROLE_COMMANDER))
			message_take_button(c, doc, ROLE_COMMANDER);
		else
			doc_button(doc, remedies[i].label, op, c->incident.id, NULL, NULL);
		n++;
	}
}

static struct done check_answer(struct call *c, const struct check out[CHECK_COUNT])
{
	size_t passed = 0, missing = 0;
	json_t *doc;

	for (int i = 0; i < CHECK_COUNT; i++) {
		passed += out[i].result == CHECK_PASSED;
		missing += out[i].result == CHECK_MISSING;
	}
	doc = message_line(c, "%s: %zu of %d checks passed, %zu missing",
		words_id(c, c->incident.id), passed, CHECK_COUNT, missing);
	for (int i = 0; i < CHECK_COUNT; i++) {
		struct str s;

		str_init_arena(&s, c->arena, 1000);
		str_addf(&s, "%s ", sign(out[i].result));
		mark_bold(&s, check_name((enum check_kind)i));
		str_addf(&s, " %s%s%s", check_result_name(out[i].result), *out[i].text ? ": " : "",
			out[i].text);
		doc_list_item(doc, s.p);
	}
	if (state_active(c->incident.state))
		add_buttons(c, doc, out);
	return call_reply(c, doc);
}

static struct done check_run(struct call *c)
{
	struct check out[CHECK_COUNT];
	struct impact_facts impact;
	struct checkpoint last = { 0 };
	struct review review = { 0 };
	struct check_facts f = {
		.incident = &c->incident,
		.impact = &impact,
		.roles = &c->roles,
		.role_table = &c->config->roles,
		.checkpoint_every_ms =
			c->config->severity.level[c->incident.severity].checkpoint_every_ms,
		.now = c->now,
	};

	figures_read(c, &impact);
	if (facts_load(c, &f, &last) < 0 || learning_load(c, &f, &review) < 0)
		return call_fail(c);
	f.actions_open = actions_open(&f);
	checks_run(&f, out);
	return check_answer(c, out);
}

const struct operation op_check = {
	.name = "check",
	.summary = "Seven checks: impact, scope, roles, timeline, checkpoint, blameless, actions",
	.example = "/inc check",
	.need = NEED_INCIDENT,
	.flags = OP_READS,
	.right = "incident.read",
	.run = check_run,
};
