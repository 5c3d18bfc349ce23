#include <ctype.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "commands/operation.h"
#include "incident/doc.h"
#include "store/audit.h"
#include "support_protected.h"

/* ---- the incident ------------------------------------------------------------------------- */

int64_t protected_number(const char *text)
{
	const char *at = strstr(text, "INC-");

	assert_non_null(at);
	return strtoll(at + 4, NULL, 10);
}

int64_t protected_declare(struct talk *x)
{
	return protected_number(talk_say(x, "declare --security sev2 " TITLE));
}

int64_t protected_absent(int64_t id)
{
	return id % 10 == 9 ? id - 1 : id + 1;
}

void protected_meet(struct talk *x)
{
	talk_say_as(x, MALLORY, "whoami");
	talk_deliver(x);
}

const char *protected_channel(struct talk *x, int64_t id)
{
	return arena_printf(x->arena, "slack:CINC%" PRId64, id);
}

void protected_assign(
	struct talk *x, const char *by, int64_t id, const char *role, const char *person)
{
	talk_press(x, by, "role", id,
		json_pack("{s:s, s:s, s:s}", "do", "assign", "role", role, "person", person));
}

void protected_press(
	struct talk *x, const char *by, const char *op, int64_t id, const char *person)
{
	talk_press(x, by, op, id, json_pack("{s:s}", "person", person));
}

size_t protected_audited(struct talk *x, int64_t id, const char *action, const char *actor)
{
	struct audit_entry *e;
	size_t n, found = 0;

	assert_int_equal(audit_list(x->store, x->arena, id, 500, &e, &n, &x->err), 0);
	for (size_t i = 0; i < n; i++)
		if (!strcmp(e[i].action, action) && (!actor || !strcmp(e[i].actor, actor)))
			found++;
	return found;
}

size_t protected_withdrawn(struct talk *x)
{
	struct effect_row *row;
	size_t n = talk_effects(x, EFFECT_MESSAGE_EDIT, NULL, &row), neutral = 0;

	for (size_t i = 0; i < n; i++)
		if (row[i].payload && strstr(row[i].payload, "This message was withdrawn"))
			neutral++;
	return neutral;
}

const char *protected_json(struct talk *x, const json_t *json)
{
	return json ? json_text(x->arena, json) : "-";
}

/* ---- asking without leaving a trace ------------------------------------------------------- */

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

const char *question_text(struct talk *x, const char *text, int64_t id)
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

const char *question_answer(struct talk *x, const struct question *q, int64_t id)
{
	struct request *r = question_request(q);
	struct reply reply = { 0 };
	int64_t newest = newest_effect(x);
	struct str s;

	str_init_arena(&s, x->arena, 4u << 20);
	assert_int_equal(store_begin(x->store, &x->err), 0);
	if (dispatch(&x->desk, r, &reply, &x->err) < 0)
		fail_msg("dispatch: %s", x->err.text);
	str_addf(&s, "k%d|%s|%s|%s|%s", (int)reply.kind,
		reply.code ? reply.code : "-", protected_json(x, reply.doc), protected_json(x, reply.form),
		protected_json(x, reply.fields));
	add_effects(x, &s, newest);
	store_rollback(x->store);
	reply_finish(&reply);
	request_destroy(r);
	return question_text(x, s.p, id);
}

void question_same(const char *what, int way, const char *is, const char *shall)
{
	if (strcmp(is, shall) != 0)
		fail_msg("%s, way %d, can be told apart:\n--- there\n%s\n--- absent\n%s", what, way,
			is, shall);
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

void question_table(struct talk *x, int64_t there, int64_t absent)
{
	for (size_t i = 0; operations[i]; i++) {
		for (int way = 0; way < WAYS; way++) {
			struct question one, other;

			assert_true(way_of(x, operations[i], way, there, &one));
			assert_true(way_of(x, operations[i], way, absent, &other));
			question_same(operations[i]->name, way, question_answer(x, &one, there),
				question_answer(x, &other, absent));
			json_decref(one.args);
			json_decref(other.args);
		}
	}
}

void question_places(struct talk *x, const char *channel, const char *other)
{
	for (size_t i = 0; operations[i]; i++) {
		struct question q = { .person = MALLORY,
			.source = REQUEST_CHAT,
			.words = operations[i]->name,
			.channel = channel };
		struct question elsewhere = q;

		elsewhere.channel = other;
		question_same(operations[i]->name, 0, question_answer(x, &q, 0),
			question_answer(x, &elsewhere, 0));
		q.words = elsewhere.words =
			arena_printf(x->arena, "%s something was seen", operations[i]->name);
		question_same(operations[i]->name, 1, question_answer(x, &q, 0),
			question_answer(x, &elsewhere, 0));
	}
}
