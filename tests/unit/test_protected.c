/*
 * Protected incidents, as an attacker would try them (FEATURES G1–G3): somebody with every right of
 * a responder, but without access, asks for everything there is in every way there is. What they
 * get must be what they would get if the incident were not there.
 */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <ctype.h>

#include "commands/operation.h"
#include "incident/doc.h"
#include "store/audit.h"
#include "store/references.h"
#include "store/relations.h"
#include "support_core.h"

#define MALLORY "slack:UMALLORY"
#define SECRET	"vault"
#define TITLE	"breach of the " SECRET

/* ---- asking without leaving a trace ------------------------------------------------------- */

struct question {
	const char *person, *words, *op, *channel, *thread;
	int64_t incident;
	json_t *args; /* borrowed */
	bool form, forms;
	enum request_source source;
};

static struct request *question_request(const struct question *q)
{
	struct request *r = request_create(q->source);

	r->actor.person = arena_strdup(r->arena, q->person);
	r->words = arena_strdup(r->arena, q->words);
	r->operation = arena_strdup(r->arena, q->op);
	r->place.channel = arena_strdup(r->arena, q->channel);
	r->place.thread = arena_strdup(r->arena, q->thread);
	r->place.message = q->channel ? arena_printf(r->arena, "%s/1.1", q->channel) : NULL;
	r->incident = q->incident;
	r->args = q->args ? json_deep_copy(q->args) : NULL;
	r->from_form = q->form;
	r->can_open_form = q->forms;
	return r;
}

static const char *dumped(struct talk *x, const json_t *json)
{
	return json ? json_text(x->arena, json) : "-";
}

static int64_t newest_effect(struct talk *x)
{
	struct effect_row *row;
	int64_t newest = 0;
	size_t n;

	assert_int_equal(effect_open_list(x->store, x->arena, 0, 500, &row, &n, &x->err), 0);
	assert_true(n < 500);
	for (size_t i = 0; i < n; i++)
		newest = row[i].id > newest ? row[i].id : newest;
	return newest;
}

/* What is to be seen outside because of it. */
static void add_effects(struct talk *x, struct str *s, int64_t newest)
{
	struct effect_row *row;
	size_t n;

	assert_int_equal(effect_open_list(x->store, x->arena, 0, 500, &row, &n, &x->err), 0);
	for (size_t i = 0; i < n; i++)
		if (row[i].id > newest)
			str_addf(s, "\n%s|%s|%s|%s", effect_kind_name(row[i].kind),
				row[i].to ? row[i].to : "-", row[i].slot ? row[i].slot : "-",
				row[i].payload ? row[i].payload : "-");
}

/* The number that was asked for reads the same in every answer. */
static const char *without_number(struct talk *x, const char *text, int64_t id)
{
	char number[32];
	struct str s;

	str_init_arena(&s, x->arena, 4u << 20);
	snprintf(number, sizeof(number), "%" PRId64, id);
	for (const char *p = text; *p;) {
		if (id && strncmp(p, number, strlen(number)) == 0 &&
			(p == text || p[-1] == 'F' || !isalnum((unsigned char)p[-1])) &&
			!isdigit((unsigned char)p[strlen(number)])) {
			str_add(&s, "<N>");
			p += strlen(number);
		} else {
			str_addc(&s, *p++);
		}
	}
	return s.p;
}

/* Everything that comes of it, as text; and then nothing has happened. id: 0 = numbers stay. */
static const char *asked(struct talk *x, const struct question *q, int64_t id)
{
	struct request *r = question_request(q);
	struct reply reply = { 0 };
	int64_t newest = newest_effect(x);
	struct str s;

	str_init_arena(&s, x->arena, 4u << 20);
	assert_int_equal(store_begin(x->store, &x->err), 0);
	if (dispatch(&x->desk, r, &reply, &x->err) < 0)
		fail_msg("dispatch: %s", x->err.text);
	str_addf(&s, "k%d|o%d|r%d|%s|%s|%s|%s", (int)reply.kind, reply.open, reply.replace,
		reply.code ? reply.code : "-", dumped(x, reply.doc), dumped(x, reply.form),
		dumped(x, reply.fields));
	add_effects(x, &s, newest);
	store_rollback(x->store);
	reply_finish(&reply);
	request_destroy(r);
	return without_number(x, s.p, id);
}

/* ---- the table as questions --------------------------------------------------------------- */

/* Something that each argument would take. */
static json_t *plausible_args(const struct operation *op, int64_t id)
{
	json_t *args = json_object();

	for (const struct arg_def *d = op->args; d && d->name; d++) {
		const char *value = "plausible";

		switch (d->type) {
		case ARG_SEVERITY:
			value = "sev1";
			break;
		case ARG_PERSON:
			value = CAROL;
			break;
		case ARG_ROLE:
			value = "scribe";
			break;
		case ARG_DURATION:
		case ARG_TIME:
			value = "10m";
			break;
		case ARG_INTEGER:
		case ARG_INCIDENT:
			json_object_set_new(args, d->name, json_integer(id));
			continue;
		case ARG_FLAG:
			continue;
		case ARG_CHOICE:
			value = d->choices[0];
			break;
		case ARG_OPERATION:
			value = "show";
			break;
		case ARG_WORD:
		case ARG_REST:
			break;
		}
		json_object_set_new(args, d->name, json_string(value));
	}
	return args;
}

#define WAYS 7

/* The ways of naming incident `id` to an operation. false: there is no such way. */
static bool way_of(
	struct talk *x, const struct operation *op, int way, int64_t id, struct question *q)
{
	*q = (struct question){ .person = MALLORY, .source = REQUEST_CHAT };
	switch (way) {
	case 0:
		q->words = arena_printf(x->arena, "%s #%" PRId64, op->name, id);
		return true;
	case 1:
		q->words = arena_printf(
			x->arena, "#%" PRId64 " %s sev1 @carol in 10m what", id, op->name);
		return true;
	case 2: /* a number in the text is an incident for some operations */
		q->words = arena_printf(x->arena, "%s INC-%" PRId64, op->name, id);
		return true;
	case 3:
		q->words = arena_printf(x->arena, "%s #%" PRId64, op->name, id);
		q->forms = true;
		return true;
	case 4: /* a button, crafted */
		q->op = op->name;
		q->incident = id;
		q->args = plausible_args(op, id);
		return true;
	case 5: /* a button that opens a form */
		q->op = op->name;
		q->incident = id;
		q->forms = true;
		return true;
	case 6: /* a form, kept and handed in later */
		q->op = op->name;
		q->incident = id;
		q->args = plausible_args(op, id);
		q->form = true;
		return true;
	default:
		return false;
	}
}

static void same(const char *what, int way, const char *is, const char *shall)
{
	if (strcmp(is, shall) != 0)
		fail_msg("%s, way %d, can be told apart:\n--- there\n%s\n--- absent\n%s", what, way,
			is, shall);
}

/* By name, alias and in every way; the same of `there` and of `absent`. */
static void compare_table(struct talk *x, int64_t there, int64_t absent)
{
	for (size_t i = 0; operations[i]; i++) {
		for (int way = 0; way < WAYS; way++) {
			struct question one, other;

			assert_true(way_of(x, operations[i], way, there, &one));
			assert_true(way_of(x, operations[i], way, absent, &other));
			same(operations[i]->name, way, asked(x, &one, there),
				asked(x, &other, absent));
			json_decref(one.args);
			json_decref(other.args);
		}
	}
}

static void compare_places(struct talk *x, const char *channel, const char *other)
{
	for (size_t i = 0; operations[i]; i++) {
		struct question q = { .person = MALLORY,
			.source = REQUEST_CHAT,
			.words = operations[i]->name,
			.channel = channel };
		struct question elsewhere = q;

		elsewhere.channel = other;
		same(operations[i]->name, 0, asked(x, &q, 0), asked(x, &elsewhere, 0));
		q.words = elsewhere.words =
			arena_printf(x->arena, "%s something was seen", operations[i]->name);
		same(operations[i]->name, 1, asked(x, &q, 0), asked(x, &elsewhere, 0));
	}
}

/* ---- the incident ------------------------------------------------------------------------- */

static int64_t number_in(const char *text)
{
	const char *at = strstr(text, "INC-");

	assert_non_null(at);
	return strtoll(at + 4, NULL, 10);
}

static int64_t declare_protected(struct talk *x)
{
	return number_in(talk_say(x, "declare --security sev2 " TITLE));
}

/* Of as many digits, and not there. */
static int64_t absent_like(int64_t id)
{
	return id % 10 == 9 ? id - 1 : id + 1;
}

/* A second person of the workspace who has been seen before. */
static void meet_mallory(struct talk *x)
{
	talk_say_as(x, MALLORY, "whoami");
	talk_deliver(x);
}

static const char *channel_of(struct talk *x, int64_t id)
{
	return arena_printf(x->arena, "slack:CINC%" PRId64, id);
}

static size_t audited(struct talk *x, int64_t id, const char *action, const char *actor)
{
	struct audit_entry *e;
	size_t n, found = 0;

	assert_int_equal(audit_list(x->store, x->arena, id, 500, &e, &n, &x->err), 0);
	for (size_t i = 0; i < n; i++)
		if (!strcmp(e[i].action, action) && (!actor || !strcmp(e[i].actor, actor)))
			found++;
	return found;
}

/* Everything on its way, performed; `look` sees each before. */
static void drain(struct talk *x, int64_t id,
	void (*look)(struct talk *x, int64_t id, const struct effect *e, void *ctx), void *ctx)
{
	struct effect *out[64];
	struct reply reply;
	size_t n;

	x->clock.manual_ms += 5000;
	for (int round = 0; round < 40; round++) {
		deliver_expect_any(&x->desk);
		assert_int_equal(store_begin(x->store, &x->err), 0);
		assert_int_equal(deliver_start(&x->desk, out, 64, &n, &x->err), 0);
		assert_int_equal(store_commit(x->store, &x->err), 0);
		for (size_t i = 0; i < n; i++) {
			json_t *result = NULL;
			struct request *r;

			if (look)
				look(x, id, out[i], ctx);
			if (out[i]->kind == EFFECT_CHANNEL_OPEN)
				result = json_pack("{s:s}", "channel", channel_of(x, id));
			else if (out[i]->kind == EFFECT_MESSAGE_POST)
				result = json_pack("{s:o}", "message",
					json_sprintf("%s/%lld.1", channel_of(x, id),
						(long long)out[i]->id));
			r = outcome_request(out[i], OUTCOME_DELIVERED, result, NULL, 0);
			assert_int_equal(store_begin(x->store, &x->err), 0);
			assert_int_equal(dispatch(&x->desk, r, &reply, &x->err), 0);
			assert_int_equal(store_commit(x->store, &x->err), 0);
			request_destroy(r);
			effect_destroy(out[i]);
		}
	}
}

struct seen {
	int kind[EFFECT_KIND_COUNT];
};

/* Its title and its words are said in its own channel and to people, nowhere else; in the topic not
 * even there. */
static void look_for_secrets(struct talk *x, int64_t id, const struct effect *e, void *ctx)
{
	struct seen *seen = ctx;
	bool own = e->channel && !strcmp(e->channel, channel_of(x, id));

	seen->kind[e->kind]++;
	if (e->kind == EFFECT_MESSAGE_PRIVATE || e->kind == EFFECT_HOME_SHOW)
		return;
	if (own && e->kind != EFFECT_CHANNEL_TOPIC)
		return;
	assert_has_not(dumped(x, e->payload), SECRET);
	assert_has_not(dumped(x, e->payload), "keys are out");
	if (e->kind == EFFECT_CHANNEL_OPEN)
		assert_true(json_get_bool(e->payload, "private", false));
}

static size_t neutral_edits(struct talk *x)
{
	struct effect_row *row;
	size_t n = talk_effects(x, EFFECT_MESSAGE_EDIT, NULL, &row), neutral = 0;

	for (size_t i = 0; i < n; i++)
		if (row[i].payload && strstr(row[i].payload, "This message was withdrawn"))
			neutral++;
	return neutral;
}

/* ---- tests -------------------------------------------------------------------------------- */

static void test_no_operation_tells_it_from_an_absent_one(void **state)
{
	struct talk *x = *state;
	int64_t id;

	meet_mallory(x);
	id = declare_protected(x);
	assert_in_range(id, 1000000, 999999999);
	talk_deliver(x);
	talk_say(x, arena_printf(x->arena, "note #%" PRId64 " the keys are out", id));
	compare_table(x, id, absent_like(id));
	/* With something else open, what is meant may be guessed, and is asked for. */
	talk_say(x, "declare sev3 the search is slow");
	talk_deliver(x);
	compare_table(x, id, absent_like(id));
	talk_say(x, "declare sev3 the shop is slow");
	talk_deliver(x);
	compare_table(x, id, absent_like(id));
	talk_say(x, arena_printf(x->arena, "cancel #%" PRId64 " false alarm", id));
	compare_table(x, id, absent_like(id));
}

static void test_its_channel_is_a_channel_like_any(void **state)
{
	struct talk *x = *state;
	int64_t id;
	struct question react = { .person = MALLORY,
		.source = REQUEST_EVENT,
		.op = "reaction.added",
		.args = json_pack("{s:s}", "reaction", "pushpin") };
	struct question nowhere = react;

	meet_mallory(x);
	id = declare_protected(x);
	talk_deliver(x);
	compare_places(x, channel_of(x, id), "slack:CELSEWHERE");
	talk_say(x, "declare sev3 the search is slow");
	talk_deliver(x);
	compare_places(x, channel_of(x, id), "slack:CELSEWHERE");
	react.channel = channel_of(x, id);
	nowhere.channel = "slack:CELSEWHERE";
	same("reaction.added", 0, asked(x, &react, 0), asked(x, &nowhere, 0));
	/* Who may see it works on it there. */
	x->channel = channel_of(x, id);
	talk_say(x, "show");
	assert_answered(x, SECRET);
	json_decref(react.args);
}

/* All that somebody without access can see of the world, taken down before and after. */
static const char *world(struct talk *x, const char *person)
{
	static const char *const lines[] = { "list", "list all", "mine", ("search " SECRET),
		"search breach", "list sev2 all", "list --owner alice all", "list --source chat",
		"metrics", "metrics --by service", "metrics year --by week", "whoami", "sync", "show", "timeline", "roles", "update all is well", "help",
		"declare sev2 something new", "note what now", "sev 1 worse", "show #1",
		"show #2", "followups", "followups all", "followups overdue",
		"followups @bob all", "followups service search", "#1 followup page earlier",
		"release-check search", "release-check vault", "release-check search --mode strict",
		"cause change an index was missing", "check", "postmortem" };
	struct str s;

	str_init_arena(&s, x->arena, 4u << 20);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		str_addf(&s, "\n== %s\n%s", lines[i],
			asked(x,
				&(struct question){ .person = person,
					.source = REQUEST_CHAT,
					.words = lines[i] },
				0));
	str_addf(&s, "\n== home\n%s",
		asked(x,
			&(struct question){
				.person = person, .source = REQUEST_EVENT, .op = "home.opened" },
			0));
	return s.p;
}

static void test_the_world_is_the_same_without_it(void **state)
{
	struct talk *x = *state;
	const char *before, *after;
	int64_t id;

	meet_mallory(x);
	talk_say(x, "declare sev2 the search is slow --service search");
	talk_deliver(x);
	talk_forget(x);
	/* Two days later, so that what was due tomorrow is overdue, in both worlds. */
	x->clock.manual_ms = TALK_START + 2 * DAY_MS;
	before = world(x, MALLORY);
	assert_has(before, "INC-2 is open"); /* the next number, if they declared */
	assert_has(before, "F1 of INC-1 is noted");

	x->clock.manual_ms = TALK_START - 2 * DAY_MS;
	id = number_in(talk_say(x, "declare --security sev1 " TITLE " --service search,vault"));
	talk_say(x, arena_printf(x->arena, "#%" PRId64 " cause change the keys are out", id));
	assert_answered(x, "The cause of");
	talk_say(x, arena_printf(x->arena, "#%" PRId64 " followup rotate the keys @bob tomorrow p0", id));
	assert_answered(x, "is noted");
	declare_protected(x);
	x->clock.manual_ms = TALK_START + 2 * DAY_MS;
	talk_say(x, arena_printf(x->arena, "#%" PRId64 " ic @bob", id));
	talk_say(x, arena_printf(x->arena, "#%" PRId64 " update known: the keys are out", id));
	after = world(x, MALLORY);
	assert_has_not(after, TITLE);
	same("the world", 0, after, before);
	/* With all of it outside, too. */
	talk_deliver(x);
	talk_say(x, arena_printf(x->arena, "cancel #%" PRId64 " false alarm", id));
	x->clock.manual_ms = TALK_START + 2 * DAY_MS;
	after = world(x, MALLORY);
	assert_has_not(after, TITLE);
}

/* The line with F12 where # stands. */
static const char *followup_line(struct talk *x, const char *line, int64_t f)
{
	size_t at = strcspn(line, "#");

	return arena_printf(x->arena, "%.*sF%" PRId64 "%s", (int)at, line, f, line + at + 1);
}

/* Its follow-ups have numbers of their own, and whoever guesses one learns nothing. */
static void test_a_followup_is_like_an_absent_one(void **state)
{
	static const char *const lines[] = { "followup #", "followups #", "followup # done",
		"followup # change", "followup # cancel why not", "followup # --title x",
		"followup # done the alert fired in 40 s" };
	static const char *const whats[] = { "done", "cancel", "reopen", "change" };
	struct talk *x = *state;
	struct question q = { .person = MALLORY, .source = REQUEST_CHAT };
	const char *is, *shall;
	int64_t id, f;

	meet_mallory(x);
	id = declare_protected(x);
	talk_say(x, arena_printf(x->arena, "#%" PRId64 " followup rotate the keys @bob --signal " SECRET, id));
	f = strtoll(strchr(x->text, 'F') + 1, NULL, 10);
	assert_true(f > 1);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		for (int forms = 0; forms < 2; forms++) {
			q.forms = forms;
			q.words = followup_line(x, lines[i], f);
			is = asked(x, &q, f);
			q.words = followup_line(x, lines[i], absent_like(f));
			same(lines[i], forms, is, asked(x, &q, absent_like(f)));
		}
	}
	q.op = "followup";
	q.words = NULL;
	for (size_t i = 0; i < sizeof(whats) / sizeof(whats[0]); i++) {
		for (int way = 0; way < 4; way++) {
			q.forms = way & 1;
			q.form = way & 2;
			q.args = json_pack("{s:I, s:s}", "id", (json_int_t)f, "do", whats[i]);
			is = asked(x, &q, f);
			json_decref(q.args);
			q.args = json_pack("{s:I, s:s}", "id", (json_int_t)absent_like(f), "do", whats[i]);
			shall = asked(x, &q, absent_like(f));
			json_decref(q.args);
			same(whats[i], way, is, shall);
			assert_has_not(is, SECRET);
		}
	}
}

static void test_what_waits_for_it_is_not_counted(void **state)
{
	struct talk *x = *state;

	meet_mallory(x);
	declare_protected(x);
	talk_say_as(x, MALLORY, "sync");
	assert_answered(x, "nothing waits");
	talk_say_as(x, MALLORY, "sync --retry");
	assert_answered(x, "nothing to try again");
	talk_say(x, "sync");
	assert_has_not(x->text, "nothing waits");
}

static void test_numbers_leave_no_gap(void **state)
{
	struct talk *x = *state;
	int64_t first, id, entry;

	talk_say(x, "declare sev3 one");
	first = talk_entry(x, 1, 0).id;
	id = declare_protected(x);
	for (int i = 0; i < 3; i++)
		talk_say(x, arena_printf(x->arena, "note #%" PRId64 " step", id));
	entry = talk_entry(x, id, 0).id;
	talk_say(x, "note #1 again");
	assert_int_equal(talk_entry(x, 1, 0).id, first + 1);
	talk_say(x, "declare sev3 two");
	assert_answered(x, "INC-2 is open");
	/* The number of its entry is of no use elsewhere. */
	assert_true(entry > INT64_C(100000000000));
	same("timeline", 0,
		without_number(x,
			talk_say_as(x, MALLORY,
				arena_printf(x->arena, "timeline #1 --before %" PRId64, entry)),
			entry),
		without_number(x,
			talk_say_as(x, MALLORY,
				arena_printf(x->arena, "timeline #1 --before %" PRId64, entry + 9)),
			entry + 9));
	same("timeline", 1,
		without_number(x,
			talk_say_as(x, MALLORY,
				arena_printf(x->arena, "timeline #1 --entry %" PRId64, entry)),
			entry),
		without_number(x,
			talk_say_as(x, MALLORY,
				arena_printf(x->arena, "timeline #1 --entry %" PRId64, entry + 9)),
			entry + 9));
	same("note", 0,
		without_number(x,
			talk_say_as(x, MALLORY,
				arena_printf(x->arena, "note #1 no --correct %" PRId64, entry)),
			entry),
		without_number(x,
			talk_say_as(x, MALLORY,
				arena_printf(x->arena, "note #1 no --correct %" PRId64, entry + 9)),
			entry + 9));
}

/* Whoever has access to one is not told of another by it. */
static void test_two_of_them_do_not_tell_of_each_other(void **state)
{
	struct talk *x = *state;
	int64_t one = declare_protected(x), other = declare_protected(x), entry;

	entry = talk_entry(x, one, 0).id;
	talk_say(x, arena_printf(x->arena, "note #%" PRId64 " elsewhere", other));
	talk_say(x, arena_printf(x->arena, "note #%" PRId64 " here", one));
	assert_int_equal(talk_entry(x, one, 0).id, entry + 1);
	/* One that was public until now. */
	talk_say(x, "declare sev3 a");
	talk_say(x, "declare sev3 b");
	talk_say(x, "protect #1 why");
	talk_say(x, "note #1 first");
	entry = talk_entry(x, 1, 0).id;
	assert_true(entry > INT64_C(100000000000));
	talk_say(x, "protect #2 why");
	talk_say(x, "note #2 elsewhere");
	talk_say(x, "note #1 second");
	assert_int_equal(talk_entry(x, 1, 0).id, entry + 1);
}

static void test_outside_it_is_private_and_neutral(void **state)
{
	struct talk *x = *state;
	struct seen seen = { { 0 } };
	int64_t id = declare_protected(x);

	assert_has(x->text, arena_printf(x->arena, "#inc-%" PRId64 " ", id));
	assert_has(x->text, "only you know of it");
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_POST, "announce", NULL), 0);
	drain(x, id, look_for_secrets, &seen);
	talk_say(x, arena_printf(x->arena, "#%" PRId64 " sev 1 worse", id));
	talk_say(x, arena_printf(x->arena, "#%" PRId64 " update all known: the keys are out", id));
	drain(x, id, look_for_secrets, &seen);
	assert_int_equal(seen.kind[EFFECT_CHANNEL_OPEN], 1);
	assert_int_equal(seen.kind[EFFECT_CHANNEL_TOPIC], 2);
	assert_int_equal(seen.kind[EFFECT_MESSAGE_PIN], 1);
	assert_true(seen.kind[EFFECT_MESSAGE_POST] >= 3);
	assert_true(seen.kind[EFFECT_MESSAGE_EDIT] >= 1);
}

static void test_without_a_channel_it_is_silent(void **state)
{
	struct talk *x = *state;
	struct effect *out[64];
	size_t n;
	int64_t id = declare_protected(x);
	struct effect_row *row;

	/* The chat opens no private channel: nothing of it is said in public instead. */
	x->clock.manual_ms += 5000;
	deliver_expect_any(&x->desk);
	assert_int_equal(store_begin(x->store, &x->err), 0);
	assert_int_equal(deliver_start(&x->desk, out, 64, &n, &x->err), 0);
	assert_int_equal(store_commit(x->store, &x->err), 0);
	assert_int_equal(n, 1);
	assert_int_equal(out[0]->kind, EFFECT_CHANNEL_OPEN);
	assert_true(json_get_bool(out[0]->payload, "private", false));
	assert_has_not(dumped(x, out[0]->payload), SECRET);
	struct request *r = outcome_request(out[0], OUTCOME_REFUSED, NULL, "restricted_action", 0);
	struct reply reply = { 0 };
	assert_int_equal(store_begin(x->store, &x->err), 0);
	assert_int_equal(dispatch(&x->desk, r, &reply, &x->err), 0);
	assert_int_equal(store_commit(x->store, &x->err), 0);
	request_destroy(r);
	effect_destroy(out[0]);
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_PRIVATE, ALICE, &row), 1);
	assert_has_not(row[0].payload, SECRET);
	talk_say(x, arena_printf(x->arena, "#%" PRId64 " update known: the keys are out", id));
	x->clock.manual_ms += 5000;
	deliver_expect_any(&x->desk);
	assert_int_equal(store_begin(x->store, &x->err), 0);
	assert_int_equal(deliver_start(&x->desk, out, 64, &n, &x->err), 0);
	assert_int_equal(store_commit(x->store, &x->err), 0);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(out[i]->kind, EFFECT_MESSAGE_PRIVATE);
		effect_destroy(out[i]);
	}
}

static void test_a_role_gives_access(void **state)
{
	struct talk *x = *state;
	int64_t id = declare_protected(x);
	bool has;

	talk_deliver(x);
	talk_say_as(x, BOB, arena_printf(x->arena, "show #%" PRId64, id));
	assert_refused(x, "not_found", "There is no INC-");
	talk_say(x, arena_printf(x->arena, "#%" PRId64 " ic @bob", id));
	assert_int_equal(audited(x, id, "incident.access_granted", ALICE), 2);
	talk_say_as(x, BOB, arena_printf(x->arena, "show #%" PRId64, id));
	assert_answered(x, SECRET);
	/* Need to know does not end with the role. */
	talk_say_as(x, BOB, arena_printf(x->arena, "drop #%" PRId64 " ic", id));
	assert_int_equal(access_has(x->store, id, BOB, &has, &x->err), 0);
	assert_true(has);
}

static void test_who_decides(void **state)
{
	struct talk *x = *state;
	int64_t id = declare_protected(x);
	const char *n = arena_printf(x->arena, "#%" PRId64, id);

	talk_deliver(x);
	talk_say(x, arena_printf(x->arena, "grant %s @bob knows the vault", n));
	assert_answered(x, "@bob has access");
	assert_int_equal(talk_effects(x, EFFECT_CHANNEL_INVITE, "incident", NULL), 1);
	assert_has(talk_said(x, EFFECT_MESSAGE_PRIVATE, BOB), SECRET);
	talk_say(x, arena_printf(x->arena, "allow %s @bob", n));
	assert_answered(x, "already");
	/* Bob sees it, and does not decide; as commander he does. */
	talk_say_as(x, BOB, arena_printf(x->arena, "grant %s @carol", n));
	assert_refused(x, "forbidden", "Only the commander");
	talk_say_as(x, BOB, arena_printf(x->arena, "take %s ic", n));
	talk_say_as(x, BOB, arena_printf(x->arena, "grant %s @carol", n));
	assert_answered(x, "@carol has access");
	talk_say_as(x, CAROL, arena_printf(x->arena, "access %s", n));
	assert_answered(x, "3 people");
	assert_has(x->text, "@bob");
	/* A public one has no access to give. */
	talk_say(x, "declare sev3 the search is slow");
	talk_say(x, "grant #1 @bob");
	assert_refused(x, "conflict", "not protected");
	talk_say(x, "revoke #1 @bob");
	assert_refused(x, "conflict", "not protected");
	talk_say(x, "access #1");
	assert_refused(x, "conflict", "not protected");
}

static void test_revoked_is_absent(void **state)
{
	struct talk *x = *state;
	int64_t id;
	const char *n;
	struct effect_row *row;

	meet_mallory(x);
	id = declare_protected(x);
	n = arena_printf(x->arena, "#%" PRId64, id);
	talk_deliver(x);
	talk_say(x, arena_printf(x->arena, "%s ic @mallory", n));
	talk_say(x, arena_printf(x->arena, "%s ops @mallory", n));
	talk_deliver(x);
	talk_say_as(x, MALLORY, arena_printf(x->arena, "show %s", n));
	if (x->reply.kind != REPLY_MESSAGE)
		talk_say(x, arena_printf(x->arena, "grant %s " MALLORY, n));
	talk_press(x, ALICE, "grant", id, json_pack("{s:s}", "person", MALLORY));
	talk_press(x, ALICE, "role", id,
		json_pack(
			"{s:s, s:s, s:s}", "do", "assign", "role", "commander", "person", MALLORY));
	talk_deliver(x);
	talk_say_as(x, MALLORY, arena_printf(x->arena, "show %s", n));
	assert_answered(x, SECRET);
	/* A message is on its way to them. */
	talk_press(x, ALICE, "role", id,
		json_pack("{s:s, s:s, s:s}", "do", "assign", "role", "scribe", "person", MALLORY));
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_PRIVATE, MALLORY, NULL), 1);
	talk_press(x, ALICE, "revoke", id, json_pack("{s:s}", "person", MALLORY));
	assert_answered(x, "holds no role");
	assert_null(talk_role(x, id, "commander"));
	assert_null(talk_role(x, id, "scribe"));
	assert_int_equal(audited(x, id, "incident.access_revoked", ALICE), 1);
	assert_int_equal(talk_effects(x, EFFECT_CHANNEL_REMOVE, "incident", &row), 1);
	assert_has(row[0].payload, MALLORY);
	/* What they were sent before is withdrawn, the Home tab made anew. */
	assert_true(neutral_edits(x) >= 1);
	assert_int_equal(talk_effects(x, EFFECT_HOME_SHOW, MALLORY, &row), 1);
	assert_has_not(row[0].payload, SECRET);
	talk_deliver(x);
	compare_table(x, id, absent_like(id));
	compare_places(x, channel_of(x, id), "slack:CELSEWHERE");
	/* Revoked again: it is said. */
	talk_press(x, ALICE, "revoke", id, json_pack("{s:s}", "person", MALLORY));
	assert_refused(x, "not_found", "has not been granted");
}

static void test_a_message_under_way_does_not_reach_the_revoked(void **state)
{
	struct talk *x = *state;
	struct effect *out[64];
	size_t n;
	int64_t id = declare_protected(x);

	talk_deliver(x);
	talk_press(x, ALICE, "grant", id, json_pack("{s:s}", "person", BOB));
	talk_press(x, ALICE, "revoke", id, json_pack("{s:s}", "person", BOB));
	x->clock.manual_ms += 5000;
	do {
		deliver_expect_any(&x->desk);
		assert_int_equal(store_begin(x->store, &x->err), 0);
		assert_int_equal(deliver_start(&x->desk, out, 64, &n, &x->err), 0);
		assert_int_equal(store_commit(x->store, &x->err), 0);
		for (size_t i = 0; i < n; i++) {
			assert_int_not_equal(out[i]->kind, EFFECT_MESSAGE_PRIVATE);
			if (out[i]->kind == EFFECT_CHANNEL_INVITE)
				assert_has_not(dumped(x, out[i]->payload), BOB);
			if (out[i]->kind == EFFECT_HOME_SHOW)
				assert_has_not(dumped(x, out[i]->payload), SECRET);
			effect_destroy(out[i]);
		}
	} while (n);
}

static void test_whoever_declared_it_can_be_revoked(void **state)
{
	struct talk *x = *state;
	int64_t id = declare_protected(x);

	talk_press(x, ALICE, "role", id,
		json_pack("{s:s, s:s, s:s}", "do", "assign", "role", "commander", "person", BOB));
	talk_press(x, BOB, "revoke", id, json_pack("{s:s}", "person", ALICE));
	assert_answered(x, "@alice has no access");
	talk_say(x, arena_printf(x->arena, "show #%" PRId64, id));
	assert_refused(x, "not_found", "There is no INC-");
	talk_say(x, "mine");
	assert_has_not(x->text, SECRET);
}

#define PACKET "state: going on; next decision: in 20m"

static void test_an_offer_to_the_revoked_is_off(void **state)
{
	struct talk *x = *state;
	int64_t id = declare_protected(x);
	const char *n = arena_printf(x->arena, "#%" PRId64, id);

	talk_say(x, arena_printf(x->arena, "take %s ic", n));
	talk_say(x, arena_printf(x->arena, "%s handover @bob " PACKET, n));
	assert_int_equal(talk_timers_named(x, id, "handover"), 1);
	/* Somebody else's access is nothing to it. */
	talk_say(x, arena_printf(x->arena, "%s grant @carol", n));
	talk_say(x, arena_printf(x->arena, "%s revoke @carol", n));
	assert_int_equal(talk_timers_named(x, id, "handover"), 1);
	talk_say(x, arena_printf(x->arena, "%s revoke @bob", n));
	assert_answered(x, "@bob has no access");
	assert_int_equal(talk_timers_named(x, id, "handover"), 0);
	assert_int_equal(talk_promise(x, id, PROMISE_HANDOVER).due_at, 0);
	assert_string_equal(talk_role(x, id, "commander"), ALICE);
}

static void test_whoever_is_asked_to_take_command_goes_on_seeing_it(void **state)
{
	struct talk *x = *state;

	talk_say(x, "declare sev2 " TITLE);
	talk_say(x, "take #1 ic");
	talk_say(x, "#1 handover @bob " PACKET);
	talk_say(x, "#1 protect it is a breach");
	talk_say_as(x, CAROL, "#1 accept");
	assert_refused(x, "not_found", "There is no INC-1");
	talk_say_as(x, BOB, "#1 accept");
	assert_answered(x, "You are");
	assert_string_equal(talk_role(x, 1, "commander"), BOB);
}

/* Whoever declared one of two, and lost access to it, is not let in by way of the other. */
static void test_merging_gives_no_access_back(void **state)
{
	struct talk *x = *state;
	int64_t one = declare_protected(x), two;

	talk_press(x, ALICE, "role", one,
		json_pack("{s:s, s:s, s:s}", "do", "assign", "role", "commander", "person", BOB));
	talk_press(x, BOB, "revoke", one, json_pack("{s:s}", "person", ALICE));
	talk_say_as(x, BOB, "declare sev2 --security more of the same");
	two = number_in(x->text);
	talk_press(x, BOB, "merge", one, json_pack("{s:I}", "into", (json_int_t)two));
	assert_answered(x, "is merged into");
	talk_say(x, arena_printf(x->arena, "show #%" PRId64, two));
	assert_refused(x, "not_found", "There is no INC-");
}

/* ---- protected later ------------------------------------------------------------------------ */

static void test_protected_later(void **state)
{
	struct talk *x = *state;
	struct reference ref;
	struct effect_row *row;
	size_t entries;

	meet_mallory(x);
	talk_say(x, "declare sev2 " TITLE);
	talk_deliver(x);
	talk_say(x, "#1 ic @bob");
	/* One who was told privately, and has no part in it any more. */
	talk_press(x, ALICE, "role", 1,
		json_pack("{s:s, s:s, s:s}", "do", "assign", "role", "scribe", "person", MALLORY));
	talk_say(x, "#1 update all known: the keys are out; in 20m");
	talk_deliver(x);
	talk_say_as(x, MALLORY, "#1 drop scribe");
	talk_deliver(x);
	entries = talk_entries(x, 1);

	talk_say_as(x, MALLORY, "protect #1");
	assert_refused(x, "usage", "");
	talk_say_as(x, CAROL, "protect #1 customer keys may have leaked");
	assert_answered(x, "INC-1 is protected now");
	assert_true(talk_incident(x, 1).is_private);
	assert_int_equal(talk_entries(x, 1), entries + 1);
	assert_int_equal(audited(x, 1, "incident.protected", CAROL), 1);
	/* Card, announcement, and what was posted in the channel, under the announcement and to
	 * those who have no access. */
	assert_true(neutral_edits(x) >= 4);
	size_t edits = talk_effects(x, EFFECT_MESSAGE_EDIT, NULL, &row), to_mallory = 0, to_bob = 0;
	for (size_t i = 0; i < edits; i++) {
		to_mallory +=
			strncmp(row[i].slot, "old/dm/", 7) == 0 && strstr(row[i].slot, MALLORY);
		to_bob += strncmp(row[i].slot, "old/dm/", 7) == 0 && strstr(row[i].slot, BOB);
	}
	assert_int_equal(to_mallory, 1);
	assert_int_equal(to_bob, 0);
	assert_int_equal(talk_effects(x, EFFECT_CHANNEL_TOPIC, "slack:CINC1", &row), 1);
	assert_has_not(row[0].payload, SECRET);
	assert_int_equal(talk_effects(x, EFFECT_CHANNEL_RENAME, "slack:CINC1", &row), 1);
	assert_has(row[0].payload, "\"inc-1-old\"");
	assert_int_equal(talk_effects(x, EFFECT_CHANNEL_OPEN, NULL, &row), 1);
	assert_has(row[0].payload, "\"inc-1\"");
	assert_has(row[0].payload, "true");
	assert_int_equal(
		reference_get(x->store, x->arena, 1, "slack", "channel", &ref, &x->err), -ENOENT);
	assert_int_equal(
		reference_get(x->store, x->arena, 1, "slack", "old/channel", &ref, &x->err), 0);

	/* From now on it is as if it were not there; who was on it goes on seeing it. */
	compare_table(x, 1, 7);
	compare_places(x, "slack:CINC1", "slack:CELSEWHERE");
	talk_say_as(x, BOB, "show #1");
	assert_answered(x, SECRET);
	talk_say_as(x, CAROL, "show #1");
	assert_answered(x, SECRET);
	talk_say_as(x, CAROL, "protect #1 again");
	assert_refused(x, "conflict", "already");
}

/* The public post had not gone out yet, or was under way: its title must not come after. */
static void test_protected_while_being_announced(void **state)
{
	struct talk *x = *state;
	struct effect *first[64];
	struct seen seen = { { 0 } };
	size_t n_first;
	struct reply reply = { 0 };

	talk_say(x, "declare sev2 " TITLE);
	/* Its public channel is under way. */
	x->clock.manual_ms += 5000;
	deliver_expect_any(&x->desk);
	assert_int_equal(store_begin(x->store, &x->err), 0);
	assert_int_equal(deliver_start(&x->desk, first, 64, &n_first, &x->err), 0);
	assert_int_equal(store_commit(x->store, &x->err), 0);
	assert_true(n_first >= 2); /* channel and announcement */
	talk_say(x, "#1 update all known: the keys are out");
	talk_say(x, "protect #1 not for everybody");
	/* They arrive all the same. */
	for (size_t i = 0; i < n_first; i++) {
		json_t *result = first[i]->kind == EFFECT_CHANNEL_OPEN
					 ? json_pack("{s:s, s:s}", "channel", "slack:COLD", "name",
						   "inc-1-old")
					 : json_pack("{s:s}", "message", "slack:CALL/7.7");
		struct request *r = outcome_request(first[i], OUTCOME_DELIVERED, result, NULL, 0);

		assert_int_equal(store_begin(x->store, &x->err), 0);
		assert_int_equal(dispatch(&x->desk, r, &reply, &x->err), 0);
		assert_int_equal(store_commit(x->store, &x->err), 0);
		request_destroy(r);
		effect_destroy(first[i]);
	}
	drain(x, 1, look_for_secrets, &seen);
	assert_int_equal(seen.kind[EFFECT_CHANNEL_OPEN], 1);
	assert_int_equal(seen.kind[EFFECT_CHANNEL_RENAME], 1);
	struct reference ref;
	assert_int_equal(
		reference_get(x->store, x->arena, 1, "slack", "channel", &ref, &x->err), 0);
	assert_string_equal(ref.key, "slack:CINC1");
	assert_int_equal(
		reference_get(x->store, x->arena, 1, "slack", "old/announcement", &ref, &x->err),
		0);
	assert_string_equal(ref.key, "slack:CALL/7.7");
}

/* ---- looks ----------------------------------------------------------------------------------- */

static void test_every_look_is_on_record(void **state)
{
	struct talk *x = *state;
	int64_t id = declare_protected(x);
	static const char *const looks[] = { "show #%lld", "timeline #%lld", "list", "search vault",
		"sync #%lld", "access #%lld", "roles #%lld", "followups" };
	size_t before, n = sizeof(looks) / sizeof(looks[0]);

	talk_say(x, arena_printf(x->arena, "#%" PRId64 " followup rotate the keys in 2 weeks", id));
	talk_press(x, ALICE, "grant", id, json_pack("{s:s}", "person", BOB));
	assert_int_equal(audited(x, id, "incident.viewed", NULL), 0);
	for (size_t i = 0; i < n; i++) {
		char line[80];

		/* The number in it is the incident's, where there is one. */
		snprintf(line, sizeof(line), "%.*s", (int)strcspn(looks[i], "%"), looks[i]);
		talk_say_as(x, BOB,
			strchr(looks[i], '%') ? arena_printf(x->arena, "%s%" PRId64, line, id)
					      : looks[i]);
		assert_int_equal(audited(x, id, "incident.viewed", BOB), i + 1);
	}
	/* A form that is filled from it, a refusal that speaks of it. */
	x->forms = true;
	talk_say_as(x, BOB, arena_printf(x->arena, "update #%" PRId64, id));
	assert_int_equal(x->reply.kind, REPLY_FORM);
	x->forms = false;
	assert_int_equal(audited(x, id, "incident.viewed", BOB), n + 1);
	talk_say_as(x, BOB, arena_printf(x->arena, "take #%" PRId64, id));
	assert_int_equal(x->reply.kind, REPLY_REFUSAL);
	assert_int_equal(audited(x, id, "incident.viewed", BOB), n + 2);
	/* A change is on record as the change that it is. */
	talk_say_as(x, BOB, arena_printf(x->arena, "note #%" PRId64 " seen", id));
	assert_int_equal(audited(x, id, "incident.viewed", BOB), n + 2);
	/* The home tab, for whoever has a part in it. */
	before = audited(x, id, "incident.viewed", ALICE);
	talk_event(x, ALICE, "home.opened");
	assert_int_equal(audited(x, id, "incident.viewed", ALICE), before + 1);
	talk_say(x, arena_printf(x->arena, "access #%" PRId64, id));
	assert_answered(x, "@bob, 10 times");
	/* Nobody looked at a public one, as far as the audit goes. */
	talk_say(x, "declare sev3 the search is slow");
	talk_say_as(x, BOB, "show #1");
	assert_int_equal(audited(x, 1, "incident.viewed", NULL), 0);
}

static void test_admins_look_on_record(void **state)
{
	struct talk *x = *state;
	int64_t id = declare_protected(x);

	talk_say_as(x, "unix:0", arena_printf(x->arena, "show #%" PRId64, id));
	assert_answered(x, SECRET);
	assert_int_equal(audited(x, id, "incident.viewed", "unix:0"), 1);
}

/* ---- replay ---------------------------------------------------------------------------------- */

static const char *delivered(struct talk *x, const char *person, const char *words)
{
	struct request *r = request_create(REQUEST_CHAT);
	struct reply reply = { 0 };
	const char *text;

	r->actor.person = arena_strdup(r->arena, person);
	r->words = arena_strdup(r->arena, words);
	request_add_key(r, "slack:envelope:", "the-same");
	assert_int_equal(store_begin(x->store, &x->err), 0);
	assert_int_equal(dispatch(&x->desk, r, &reply, &x->err), 0);
	assert_int_equal(store_commit(x->store, &x->err), 0);
	text = dumped(x, reply.doc);
	reply_finish(&reply);
	request_destroy(r);
	return text;
}

static void test_an_answer_is_replayed_to_its_asker_only(void **state)
{
	struct talk *x = *state;
	int64_t id = declare_protected(x);
	const char *show = arena_printf(x->arena, "show #%" PRId64, id);

	assert_has(delivered(x, ALICE, show), SECRET);
	assert_has(delivered(x, ALICE, show), SECRET);
	assert_int_equal(audited(x, id, "incident.viewed", ALICE), 1);
	assert_has_not(delivered(x, MALLORY, show), SECRET);
}

/* ---- facts and law --------------------------------------------------------------------------- */

static void test_legal_conclusions_are_apart(void **state)
{
	struct talk *x = *state;
	int64_t id = declare_protected(x);
	const char *n = arena_printf(x->arena, "#%" PRId64, id);

	talk_say(x, arena_printf(x->arena, "note %s keys were copied at 14:05", n));
	talk_say(x, arena_printf(x->arena, "note %s --legal notice is owed within 72 h", n));
	assert_answered(x, "legal conclusion");
	talk_say(x, arena_printf(x->arena, "timeline %s", n));
	assert_answered(x, "keys were copied");
	assert_has_not(x->text, "72 h");
	assert_has(x->text, "--legal");
	talk_say(x, arena_printf(x->arena, "timeline %s --legal", n));
	assert_answered(x, "72 h");
	assert_has_not(x->text, "keys were copied");
	talk_say(x, "declare sev3 the search is slow");
	talk_say(x, "note #1 --legal nothing is owed");
	assert_refused(x, "conflict", "protected incidents only");
}

/* ---- evidence -------------------------------------------------------------------------------- */

static size_t effects_of(struct talk *x, int64_t id, size_t from, size_t to)
{
	struct effect_row row;
	size_t n = 0;

	for (size_t i = from; i < to; i++)
		if (effect_load(x->store, x->arena, (int64_t)i, &row, &x->err) == 0 &&
			row.incident == id)
			n++;
	return n;
}

static void test_what_was_said_is_kept(void **state)
{
	struct talk *x = *state;
	int64_t id = declare_protected(x), ms = clock_now(&x->clock) + 86400 * INT64_C(1000000);
	size_t of_it, of_other;
	bool left = true;

	talk_say(x, "declare sev3 the search is slow");
	talk_deliver(x);
	talk_say_as(x, "slack:UDAVE", "whoami"); /* the newest effect is about nothing of both */
	of_it = effects_of(x, id, 1, 200);
	of_other = effects_of(x, 1, 1, 200);
	assert_true(of_it > 3 && of_other > 3);
	assert_int_equal(store_begin(x->store, &x->err), 0);
	assert_int_equal(effect_prune(x->store, ms, 500, &left, &x->err), 0);
	assert_int_equal(store_commit(x->store, &x->err), 0);
	assert_false(left);
	assert_int_equal(effects_of(x, id, 1, 200), of_it);
	assert_int_equal(effects_of(x, 1, 1, 200), 0);
}

/* ---- escalation -------------------------------------------------------------------------------
 */

static void test_who_is_called_gets_access_on_record(void **state)
{
	struct talk *x = *state;
	int64_t id = declare_protected(x);
	struct effect_row *row;
	struct grant *grant;
	size_t n, grants;

	talk_deliver(x);
	talk_pass(x, 3 * 3600 * INT64_C(1000));
	assert_int_equal(access_list(x->store, x->arena, id, &grant, &grants, &x->err), 0);
	assert_int_equal(audited(x, id, "incident.access_granted", NULL), grants);
	/* Every private message of it goes to somebody with access. */
	n = talk_effects(x, EFFECT_MESSAGE_PRIVATE, NULL, &row);
	for (size_t i = 0; i < n; i++) {
		bool has = false;

		for (size_t k = 0; k < grants; k++)
			has = has || !strcmp(grant[k].person, row[i].to);
		assert_true(has);
	}
	assert_int_equal(talk_effects(x, EFFECT_MESSAGE_POST, "announce", NULL), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, talk_setup, talk_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_no_operation_tells_it_from_an_absent_one),
		TEST(test_its_channel_is_a_channel_like_any),
		TEST(test_the_world_is_the_same_without_it),
		TEST(test_a_followup_is_like_an_absent_one),
		TEST(test_what_waits_for_it_is_not_counted),
		TEST(test_numbers_leave_no_gap),
		TEST(test_two_of_them_do_not_tell_of_each_other),
		TEST(test_outside_it_is_private_and_neutral),
		TEST(test_without_a_channel_it_is_silent),
		TEST(test_a_role_gives_access),
		TEST(test_who_decides),
		TEST(test_revoked_is_absent),
		TEST(test_a_message_under_way_does_not_reach_the_revoked),
		TEST(test_whoever_declared_it_can_be_revoked),
		TEST(test_an_offer_to_the_revoked_is_off),
		TEST(test_whoever_is_asked_to_take_command_goes_on_seeing_it),
		TEST(test_merging_gives_no_access_back),
		TEST(test_protected_later),
		TEST(test_protected_while_being_announced),
		TEST(test_every_look_is_on_record),
		TEST(test_admins_look_on_record),
		TEST(test_an_answer_is_replayed_to_its_asker_only),
		TEST(test_legal_conclusions_are_apart),
		TEST(test_what_was_said_is_kept),
		TEST(test_who_is_called_gets_access_on_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
