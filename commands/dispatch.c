/*
 * The one way in. The happy path of one request is: its keys are new → the actor is known →
 * savepoint → words → right → target → arguments → run → saved, audited, what shows it refreshed →
 * released → reply stored with the keys.
 *
 * A refusal undoes to the savepoint; its reply is stored all the same, so that a repeated delivery
 * is refused in the same words. An internal failure is undone and not remembered: the same delivery
 * may come again and succeed. When the store itself fails, nothing of the batch can be trusted and
 * the caller rolls all of it back.
 */
#include "commands/dispatch.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "commands/ends.h"
#include "commands/escalation.h"
#include "commands/issues.h"
#include "commands/protected.h"
#include "commands/reading.h"
#include "commands/say.h"
#include "commands/target.h"
#include "incident/access.h"
#include "store/inbox.h"
#include "store/incidents.h"
#include "store/people.h"

#define NAME_MAX_BYTES 80
#define NOBODY         "nobody" /* no key: no person can be bound to it */

/* Not everything there is is offered to everybody. */
static bool offered(const struct operation *op, const struct request *r)
{
	bool internal = op->flags & OP_INTERNAL;

	if (r->source == REQUEST_API)
		return !internal || (op->flags & OP_TOOL);
	return !internal || (r->source != REQUEST_CHAT && r->source != REQUEST_SHELL);
}

/* ---- the actor ---- */

/* Only what the core itself made acts as the system; somebody outside without a proper key is
 * nobody. */
static const char *actor_of(const struct request *r)
{
	if (r->source == REQUEST_TIMER || r->source == REQUEST_OUTCOME)
		return PERSON_SELF;
	return r->actor.person && strchr(r->actor.person, ':') && person_key_valid(r->actor.person)
		? r->actor.person
		: NOBODY;
}

static void call_init(struct call *c, struct desk *desk, struct request *r, struct reply *reply)
{
	*c = (struct call){
		.desk = desk,
		.arena = r->arena,
		.store = desk->store,
		.config = desk->config,
		.request = r,
		.reply = reply,
		.now = clock_now(desk->clock),
		.actor = actor_of(r),
		.zone = desk->config->timezone,
		.away_from = desk->away_from,
		.away_to = desk->away_to,
	};
}

/* First seen: the name as the front end has it; zone and the rest are asked for, once. */
static int actor_first_seen(struct call *c, const char *name)
{
	struct person p = { .key = c->actor, .name = name };
	int rc = person_put(c->store, &p, &c->err);

	return rc < 0 ? rc : say_fetch_person(c, c->actor);
}

static int actor_know(struct call *c)
{
	const struct request *r = c->request;
	struct person p = { 0 };
	const char *name = r->actor.name;
	int rc;

	if (!strchr(c->actor, ':'))
		return 0;
	name = name && *name ? text_clean(c->arena, name, strlen(name), NAME_MAX_BYTES, false)
			     : NULL;
	rc = person_get(c->store, c->arena, c->actor, &p, &c->err);
	c->actor_name = rc == 0 && p.name ? p.name : name;
	if (rc == 0 && p.zone)
		c->zone = p.zone;
	if (rc == -ENOENT)
		return r->source == REQUEST_CHAT ? actor_first_seen(c, name) : 0;
	return rc;
}

/* ---- what is asked for ---- */

struct asked {
	struct line line;    /* of words, else empty */
	const json_t *args;  /* of buttons and forms, else NULL */
	int64_t incident;    /* named; 0 */
	bool bare;           /* nothing was said beyond the operation */
};

static struct done refuse_unknown(struct call *c, const struct line *line)
{
	return call_refuse_doc(
		c, line->too_long ? "usage" : "unknown", line_unknown(c->arena, line));
}

/* Buttons, forms, ctl and the system's own name the operation; people are offered only what is
 * theirs. */
static bool asked_by_name(struct call *c, struct asked *asked)
{
	const struct request *r = c->request;
	const struct operation *op = operation_by_name(r->operation);
	struct found found;

	if (op && !offered(op, r))
		op = NULL;
	if (op) {
		c->op = op;
	} else if (operation_find_exact(r->operation, &found)) {
		c->op = found.op;
		asked->line.alias = found.alias;
	} else {
		asked->line.word =
			text_clean(c->arena, r->operation, strlen(r->operation), 256, false);
		return false;
	}
	asked->args = r->args;
	asked->incident = r->incident;
	asked->bare = !r->from_form && json_object_size(r->args) == 0;
	return true;
}

static bool asked_read(struct call *c, struct asked *asked)
{
	const struct request *r = c->request;

	*asked = (struct asked){ .line = { .rest = "", .word = "" } };
	if (r->operation)
		return asked_by_name(c, asked);
	line_read(c->arena, r->words, c->config, &asked->line);
	c->op = asked->line.op;
	asked->incident = asked->line.incident ? asked->line.incident : r->incident;
	asked->bare = asked->line.bare && !(asked->line.alias && asked->line.alias->arg);
	return c->op != NULL;
}

static bool may(const struct call *c)
{
	return !c->op->right || access_allows(&c->config->access, c->actor, c->op->right);
}

static struct done refuse_right(struct call *c)
{
	return call_refuse(c, "forbidden",
		"You may not use %s: it needs the right %s, and none of your roles has it; nothing "
		"was done. Whoever keeps rbac.yml can grant it to %s.",
		c->op->name, c->op->right, c->actor);
}

/* ---- arguments ---- */

static int arguments(struct call *c, const struct asked *asked)
{
	int rc;

	if (!c->request->operation)
		return args_from_line(c, &asked->line);
	rc = args_from_line(c, &asked->line); /* what an alias says already */
	return rc < 0 || !asked->args ? rc : args_from_json(c, asked->args);
}

static bool lacks_required(const struct call *c)
{
	for (size_t i = 0; i < arg_count(c->op); i++)
		if ((c->op->args[i].flags & ARG_REQUIRED) && !c->value[i].given)
			return true;
	return false;
}

/* Bare where a form is meant, or a button that leaves something to be said. */
static bool wants_form(const struct call *c, const struct asked *asked)
{
	if (!c->request->can_open_form || c->request->from_form || (c->op->flags & OP_INTERNAL))
		return false;
	if ((c->op->flags & OP_BARE_FORM) && asked->bare)
		return true;
	return c->request->operation && lacks_required(c);
}

static struct done run_with_target(struct call *c, const struct asked *asked, enum target t)
{
	if (arguments(c, asked) < 0)
		return call_refused(c);
	if (t == TARGET_SEVERAL)
		return target_ask(c);
	if (wants_form(c, asked))
		return call_form(c, form_of(c));
	if (args_complete(c) < 0)
		return call_refused(c);
	return c->op->run(c);
}

static struct done run_asked(struct call *c, const struct asked *asked)
{
	enum target t = target_find(c, asked->incident);

	switch (t) {
	case TARGET_REFUSED:
		return call_refused(c);
	case TARGET_FAILED:
		return call_fail(c);
	case TARGET_FOUND:
	case TARGET_SEVERAL:
		break;
	}
	return run_with_target(c, asked, t);
}

/* ---- after run() ---- */

/* No change without an entry: where the verb wrote none of its own. */
static int audit_operation(struct call *c)
{
	if (c->audited || !c->touched)
		return 0;
	return record_audit(c, "incident", c->has_incident ? c->incident.id : 0, "info",
		arena_printf(c->arena, "command.%s", c->op->name), NULL);
}

static int finish(struct call *c)
{
	int rc = c->engage && c->has_incident ? escalation_look(c) : 0;

	if (rc == 0)
		rc = promise_timer_arm(c);
	if (rc == 0 && c->touched && c->has_incident) {
		rc = incident_save(c->store, &c->incident, &c->err);
		if (rc == 0)
			rc = say_refresh(c, c->announce);
		if (rc == 0)
			rc = issue_refresh(c);
	}
	return rc < 0 ? rc : audit_operation(c);
}

static enum end perform(struct call *c)
{
	struct asked asked;
	struct done done;

	if (!strcmp(c->actor, NOBODY))
		done = call_refuse(
			c, "forbidden", "It could not be told who asks; nothing was done.");
	else if (!asked_read(c, &asked))
		done = refuse_unknown(c, &asked.line);
	else if (!may(c))
		done = refuse_right(c);
	else
		done = run_asked(c, &asked);
	if (done.made_by_call == END_DONE && finish(c) < 0)
		done = call_fail(c);
	return (enum end)done.made_by_call;
}

/* ---- inbox and savepoint ---- */

/* The keys of a delivery together with who it came from: what was answered to one is told to nobody
 * else, whatever keys they say. */
struct keys {
	const char *key[REQUEST_KEYS_MAX];
	size_t count;
};

static struct keys keys_of(const struct request *r)
{
	struct keys k = { .count = r->key_count };

	for (size_t i = 0; i < k.count; i++)
		k.key[i] = arena_printf(r->arena, "%s %s", r->keys[i], actor_of(r));
	return k;
}

static int seen_before(struct desk *desk, struct request *r, const struct keys *k,
	struct reply *reply, struct error *err)
{
	char *stored = NULL;
	int rc;

	if (k->count == 0)
		return 0;
	rc = inbox_find(desk->store, r->arena, k->key, k->count, &stored, err);
	if (rc == -ENOENT)
		return 0;
	if (rc < 0)
		return rc;
	if (stored && *stored && reply_parse(stored, reply, r->arena) < 0)
		log_error("commands", "a stored reply could not be read");
	return 1;
}

/* A form is not kept: a repeated delivery must not open it a second time. */
static int remember(struct call *c, const struct keys *k, struct error *err)
{
	const char *text = NULL;

	if (k->count == 0)
		return 0;
	if (c->reply->kind == REPLY_MESSAGE || c->reply->kind == REPLY_REFUSAL)
		text = reply_text(c->arena, c->reply);
	return inbox_add(c->store, k->key, k->count, text, c->now, err);
}

static void log_failure(const struct call *c)
{
	log_line(LOG_ERROR, "commands", c->has_incident ? c->incident.id : 0,
		"%s failed, undone: %s", c->op ? c->op->name : "request",
		c->err.text[0] ? c->err.text : "no reason was given");
}

/* Settles the savepoint by how the call ended. 0, or negative when the batch must go. */
static int settle(struct call *c, const struct keys *k, enum end end, struct error *err)
{
	switch (end) {
	case END_DONE:
	case END_FORM:
		if (end == END_FORM)
			break;
		if (protected_looks_record(c) < 0)
			return error_set(err, c->err.code, "%s", c->err.text);
		return store_release(c->store, err) < 0 ? err->code : remember(c, k, err);
	case END_REFUSED:
		break;
	case END_FORGOTTEN:
		call_fail(c);
		error_set(&c->err, -EINVAL, "%s ended without an answer", c->op->name);
		break;
	case END_FAILED:
		break;
	}
	store_undo(c->store);
	c->audited = false;
	if (store_spoiled(c->store))
		return error_set(err, -ERESTART, "the batch is run again with savepoints");
	/* A form shows the record too, and a refusal may. */
	if (end == END_REFUSED || end == END_FORM)
		return protected_looks_record(c) < 0 ?
			error_set(err, c->err.code, "%s", c->err.text) :
			remember(c, k, err);
	log_failure(c);
	if (!store_broken(c->err.code))
		return 0;
	reply_finish(c->reply);
	return error_set(err, c->err.code, "%s", c->err.text);
}

int dispatch(struct desk *desk, struct request *r, struct reply *reply, struct error *err)
{
	const struct keys k = keys_of(r);
	struct call c;
	int rc;

	*reply = (struct reply){ .kind = REPLY_NONE };
	*err = (struct error){ 0 };
	rc = seen_before(desk, r, &k, reply, err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	call_init(&c, desk, r, reply);
	if (actor_know(&c) < 0)
		return error_set(err, c.err.code, "%s", c.err.text);
	rc = store_savepoint(desk->store, err);
	if (rc < 0)
		return rc;
	rc = settle(&c, &k, perform(&c), err);
	if (rc < 0)
		reply_finish(reply);
	return rc;
}
