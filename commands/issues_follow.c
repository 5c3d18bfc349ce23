/*
 * What somebody changed in the tracker is done here, by the very operation that people use: rules, rights, timeline, audit and messages are
 * those of people. It runs as a request of its own within the one that brings the news; a refusal undoes it alone.
 */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "commands/dispatch.h"
#include "commands/issues_parts.h"
#include "commands/messages.h"
#include "store/incidents.h"
#include "store/people.h"

#define ACCOUNT_MAX 64 /* bytes of a key behind its system */
#define NAME_BYTES  80
#define BECAUSE     "in Jira"

/* ---- who ---- */

/* Accounts of some flavours have signs that a key cannot have. */
const char *issue_person_key(struct call *c, const char *account)
{
	char *key = arena_printf(c->arena, ISSUE_SYSTEM ":%.*s", ACCOUNT_MAX, account);

	for (char *p = key + strlen(ISSUE_SYSTEM ":"); *p; p++)
		if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
			    strchr("._-", *p)))
			*p = '_';
	return key;
}

int issue_person(struct call *c, const char *account, const char *name, const char **person)
{
	struct person p;

	*person = account && *account ? issue_policy_person(issue_rules(c), account) : NULL;
	if (*person)
		return 0;
	if (!(account && *account))
		account = name;
	if (!account || !*account)
		return 0;
	name = name && *name ? text_clean(c->arena, name, strlen(name), NAME_BYTES, false) : NULL;
	/* Never seen in the chat: whoever is called by this name there comes first. */
	p = (struct person){ .key = issue_person_key(c, account), .name = name };
	*person = p.key;
	return person_put(c->store, &p, &c->err);
}

/* ---- which operation ---- */

#define STEPS_MAX 2

struct plan {
	struct {
		const char *op;
		json_t *args;
	} step[STEPS_MAX];
	size_t count;
	const char *expected; /* our value afterwards, in the tracker's terms */
	const char *remark;   /* it means nothing here, and why; NULL */
};

static void plan_step(struct plan *p, const char *op, json_t *args_take)
{
	p->step[p->count].op = op;
	p->step[p->count].args = args_take;
	p->count++;
}

static void plan_finish(struct plan *p)
{
	for (size_t k = 0; k < p->count; k++)
		json_decref(p->step[k].args);
}

static void plan_title(struct call *c, const char *theirs, struct plan *p)
{
	(void)c;
	p->expected = theirs;
	if (!*theirs)
		p->remark = "a title without words is none";
	else
		plan_step(p, "title", json_pack("{s:s}", "title", theirs));
}

static void plan_priority(struct call *c, const char *theirs, struct plan *p)
{
	int level = issue_policy_level(issue_rules(c), theirs);

	if (!level) {
		p->remark = "which is no level of ours";
		return;
	}
	p->expected = issue_rules(c)->priority[level];
	if (level != c->incident.severity)
		plan_step(p, "severity", json_pack("{s:s, s:s}", "level",
			severity_name(&c->config->severity, level), "why", BECAUSE));
}

/* How a state is reached from where the incident is. */
static void plan_state(struct call *c, enum incident_state to, struct plan *p)
{
	bool open = state_active(c->incident.state);

	if (state_active(to)) {
		if (!open)
			plan_step(p, "reopen", json_pack("{s:s}", "why", BECAUSE));
		if (open || to != STATE_INVESTIGATING)
			plan_step(p, "state", json_pack("{s:s, s:s}", "to", state_name(to), "text",
				BECAUSE));
		return;
	}
	if (to == STATE_CLOSED)
		plan_step(p, "close", json_pack("{s:s}", "text", BECAUSE));
	else if (to == STATE_CANCELLED)
		plan_step(p, "cancel", json_pack("{s:s}", "why", BECAUSE));
	else
		plan_step(p, "resolve", json_pack("{s:s}", "text", BECAUSE));
}

static void plan_status(struct call *c, const char *theirs, struct plan *p)
{
	const char *ours = issue_ours(c, ISSUE_STATUS);
	enum incident_state to;

	p->expected = theirs;
	/* Several of our states may have one status: the one we are in says the same. */
	if (ours && issue_value_same(ISSUE_STATUS, ours, theirs))
		return;
	if (!issue_policy_state(issue_rules(c), theirs, &to)) {
		p->remark = "which stands for no state of ours";
		return;
	}
	p->expected = issue_rules(c)->status[to] ? issue_rules(c)->status[to] : ours;
	if (to != c->incident.state)
		plan_state(c, to, p);
}

static void plan_assignee(struct call *c, const char *theirs, struct plan *p)
{
	const char *person = *theirs ? issue_policy_person(issue_rules(c), theirs) : NULL;
	const char *holder = role_person(&c->roles, ROLE_COMMANDER);

	p->expected = theirs;
	if (!*theirs)
		p->remark = "nobody; command is given up here only by whoever has it";
	else if (!person)
		p->remark = "somebody who is not known here (jira.yml, people)";
	else if (!holder || strcmp(holder, person) != 0)
		plan_step(p, "role", json_pack("{s:s, s:s, s:s}", "do", "assign", "role",
			ROLE_COMMANDER, "person", person));
}

static void plan_make(struct call *c, enum issue_field f, const char *theirs, struct plan *p)
{
	static void (*const make[ISSUE_FIELD_COUNT])(struct call *, const char *, struct plan *) = {
		[ISSUE_TITLE] = plan_title,
		[ISSUE_PRIORITY] = plan_priority,
		[ISSUE_STATUS] = plan_status,
		[ISSUE_ASSIGNEE] = plan_assignee,
	};

	*p = (struct plan){ 0 };
	if (c->incident.merged_into)
		p->remark = arena_printf(c->arena, "but it goes on as %s", words_id(c, c->incident.merged_into));
	else if (c->incident.is_private)
		p->remark = "but a protected incident is run here only";
	else
		make[f](c, theirs, p);
}

/* ---- doing it ---- */

/* 0 and *why NULL: done; 0 and *why: refused, undone. */
static int run_step(struct call *c, const struct issue_follower *who, const char *op, json_t *args,
	const char **why)
{
	struct request *r = request_create(who->source);
	struct reply reply = { 0 };
	int rc;

	r->actor.person = arena_strdup(r->arena, who->person);
	r->actor.name = arena_strdup(r->arena, who->name);
	r->operation = arena_strdup(r->arena, op);
	r->incident = c->incident.id;
	r->args = json_incref(args);
	r->received_at = c->now;
	rc = dispatch(c->desk, r, &reply, &c->err);
	*why = NULL;
	if (rc == 0 && reply.kind == REPLY_REFUSAL) {
		*why = message_short(c, issue_plain(c, reply.doc), 1000);
		if (!strcmp(reply.code, "internal"))
			rc = error_set(&c->err, -EREMOTEIO, "%s could not follow the tracker", op);
	}
	reply_finish(&reply);
	request_destroy(r);
	return rc;
}

static int reload(struct call *c)
{
	int rc = incident_load(c->store, c->arena, c->incident.id, &c->incident, &c->err);

	return rc < 0 ? rc : call_load_roles(c);
}

static int run_plan(
	struct call *c, const struct plan *p, const struct issue_follower *who, const char **why)
{
	int rc = 0;

	*why = NULL;
	for (size_t k = 0; rc == 0 && !*why && k < p->count; k++)
		rc = run_step(c, who, p->step[k].op, p->step[k].args, why);
	return rc < 0 ? rc : reload(c);
}

static int note(struct call *c, enum issue_field f, const char *theirs,
	const struct issue_follower *who, const char *remark)
{
	const char *value = issue_their_words(c, f, theirs);

	return record_event(c, ENTRY_NOTE, "issue.noted", "%s in Jira is %s now%s%s%s; nothing was changed here",
		issue_field_name(f), value, who->name ? arena_printf(c->arena, " (%s)", who->name) : "",
		*theirs ? ", " : ": ", remark);
}

/*
 * The operation ends with a look at what the tracker has to be told. What it is about to bring
 * about is in step already, so that is written down before; refused, all is as it was.
 */
static int follow(struct call *c, struct issue *i, enum issue_field f, const char *theirs,
	const struct plan *p, const struct issue_follower *who, const char **why)
{
	struct issue_memory *m = &i->rec.field[f], before = *m;
	const char *ours;
	int rc;

	issue_settled(m, p->expected ? p->expected : theirs, theirs);
	rc = issue_save(c, i);
	if (rc == 0)
		rc = run_plan(c, p, who, why);
	if (rc < 0)
		return rc;
	if (*why) {
		*m = before;
		return issue_save(c, i);
	}
	ours = issue_ours(c, f);
	issue_settled(m, ours ? ours : theirs, theirs);
	return issue_save(c, i);
}

int issue_follow(struct call *c, struct issue *i, enum issue_field f, const char *theirs,
	const struct issue_follower *who, enum issue_followed *how, const char **why)
{
	const char *ours = issue_ours(c, f);
	struct plan p;
	int rc = 0;

	*how = FOLLOWED_DONE;
	*why = NULL;
	plan_make(c, f, theirs, &p);
	if (p.count == 0) {
		if (p.remark)
			rc = note(c, f, theirs, who, p.remark);
		issue_settled(&i->rec.field[f], ours ? ours : theirs, theirs);
		return rc;
	}
	rc = follow(c, i, f, theirs, &p, who, why);
	if (rc == 0 && *why)
		*how = FOLLOWED_REFUSED;
	plan_finish(&p);
	return rc;
}
