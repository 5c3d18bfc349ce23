#include "support_issue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* ---- there ---------------------------------------------------------------------------------- */

struct there there;

int there_setup(void **state)
{
	struct talk *x;
	int rc = talk_setup(state);

	if (rc)
		return rc;
	x = *state;
	there = (struct there){
		.id = 10001,
		.name = "PAY-123",
		.value = { "", "Medium", "To Do", "" },
		.change = 1,
		.updated = 1000,
		.comments = json_array(),
	};
	x->config->issue = (struct issue_policy){
		.url = BASE,
		.poll_ms = 30000,
		.create_level = 2,
		.project = "PAY",
		.type = "Incident",
		.comments = true,
		.protected = ISSUE_PROTECTED_NONE,
		.priority = { NULL, "Highest", "High", "Medium", "Low" },
		.status = { [STATE_TRIAGE] = "To Do",
			[STATE_INVESTIGATING] = "In Progress",
			[STATE_IDENTIFIED] = "In Progress",
			[STATE_MITIGATING] = "In Progress",
			[STATE_MONITORING] = "In Progress",
			[STATE_RESOLVED] = "Done",
			[STATE_CLOSED] = "Closed",
			[STATE_CANCELLED] = "Cancelled",
			[STATE_AUTO_RESOLVED] = "Done" },
		.assign = true,
		.people = { { BOB, "acc-bob" } },
		.people_count = 1,
	};
	return 0;
}

int there_teardown(void **state)
{
	json_decref(there.comments);
	return talk_teardown(state);
}

void there_change(enum issue_field f, const char *value, const char *who)
{
	there.value[f] = value;
	there.by[f] = who;
	there.change++;
	there.updated += 10;
}

void there_comment(int id, const char *who, const char *text)
{
	json_array_append_new(there.comments,
		json_pack("{s:o, s:s, s:s, s:I, s:s}", "id", json_sprintf("%d", id), "author", who,
			"name", who, "at_ms", (json_int_t)TALK_START, "text", text));
	there.updated += 10;
	there.change++;
}

json_t *there_read(void)
{
	json_t *values, *by, *read;

	if (there.gone)
		return json_pack(
			"{s:o, s:b}", "id", json_sprintf("%lld", (long long)there.id), "gone", 1);
	values = json_object();
	by = json_object();
	for (int f = 0; f < ISSUE_FIELD_COUNT; f++) {
		const char *name = issue_field_name((enum issue_field)f);

		if (there.value[f])
			json_object_set_new(values, name, json_string(there.value[f]));
		if (there.by[f])
			json_object_set_new(by, name,
				json_pack("{s:s, s:s, s:I}", "account", there.by[f], "name",
					there.name_of_stranger ? there.name_of_stranger
							       : there.by[f],
					"at_ms", (json_int_t)TALK_START));
	}
	read = json_pack("{s:o, s:s, s:o, s:I, s:I, s:o, s:o}", "id",
		json_sprintf("%lld", (long long)there.id), "name", there.name, "url",
		json_sprintf(BASE "browse/%s", there.name), "updated_ms", (json_int_t)there.updated,
		"change", (json_int_t)there.change, "values", values, "by", by);
	if (there.twin)
		json_object_set_new(read, "twin", json_true());
	return read;
}

json_t *there_create(struct talk *x, const struct effect *e)
{
	const json_t *values = json_get_obj(e->payload, "values");

	there.created++;
	there.text = arena_strdup(x->arena, json_get_str(e->payload, "text"));
	for (int f = 0; f < ISSUE_FIELD_COUNT; f++) {
		const char *v = json_get_str(values, issue_field_name((enum issue_field)f));

		if (v)
			there.value[f] = arena_strdup(x->arena, v);
	}
	return json_pack("{s:o}", "read", there_read());
}

/* As the adapter does: only what is still as we knew it. */
json_t *there_sync(struct talk *x, const struct effect *e)
{
	const json_t *send = json_get_obj(e->payload, "send"),
		     *theirs = json_get_obj(e->payload, "theirs");
	json_t *written = json_object(), *trouble = json_object();

	for (int f = 0; f < ISSUE_FIELD_COUNT && !there.gone; f++) {
		const char *name = issue_field_name((enum issue_field)f);
		const char *v = json_get_str(send, name);

		if (!v || strcmp(v, there.value[f]) == 0 ||
			strcmp(json_get_str(theirs, name), there.value[f]) != 0)
			continue;
		if (there.refuse[f]) {
			json_object_set_new(trouble, name, json_string(there.refuse[f]));
			continue;
		}
		there.value[f] = arena_strdup(x->arena, v);
		there.by[f] = "sitrep";
		there.wrote++;
		there.change++;
		there.updated += 10;
		json_object_set_new(written, name, json_string(v));
	}
	return json_pack("{s:o, s:o, s:o, s:O}", "read", there_read(), "written", written,
		"trouble", trouble, "comments", there.comments);
}

json_t *there_perform(struct talk *x, const struct effect *e)
{
	if (e->kind == EFFECT_ISSUE_CREATE)
		return there_create(x, e);
	if (e->kind == EFFECT_ISSUE_SYNC)
		return there_sync(x, e);
	if (e->kind == EFFECT_ISSUE_COMMENT) {
		there.commented++;
		there.text = arena_strdup(x->arena, json_get_str(e->payload, "text"));
		return json_pack("{s:o}", "comment", json_sprintf("%d", 500 + there.commented));
	}
	if (e->kind == EFFECT_ISSUE_MARK)
		there.marked += json_get_bool(e->payload, "on", false) ? 1 : -1;
	if (e->kind == EFFECT_ISSUE_POLL) {
		there.polled++;
		return json_pack("{s:[{s:o, s:s, s:I}], s:b}", "issues", "id",
			json_sprintf("%lld", (long long)there.id), "name", there.name, "updated_ms",
			(json_int_t)there.updated, "complete", 1);
	}
	return json_object();
}

/* ---- between -------------------------------------------------------------------------------- */

/* As the core runs it: in one transaction; destroys the request. */
static void run(struct talk *x, struct request *r)
{
	reply_finish(&x->reply);
	memset(&x->reply, 0, sizeof(x->reply));
	assert_int_equal(store_begin(x->store, &x->err), 0);
	if (dispatch(&x->desk, r, &x->reply, &x->err) < 0)
		fail_msg("dispatch: %s", x->err.text);
	assert_int_equal(store_commit(x->store, &x->err), 0);
	request_destroy(r);
}

void outbox_end(struct talk *x, struct effect *e_take, enum outcome o, json_t *result_take,
	const char *error)
{
	run(x, outcome_request(e_take, o, result_take, error, 0));
	if (x->reply.kind == REPLY_REFUSAL)
		fail_msg("an outcome failed inside");
	effect_destroy(e_take);
}

/* What the chat answers to it. */
static json_t *chat_result(struct talk *x, const struct effect *e)
{
	if (e->kind == EFFECT_CHANNEL_OPEN)
		return json_pack("{s:o, s:s, s:s}", "channel",
			json_sprintf("slack:CINC%lld", (long long)e->incident), "name", "inc",
			"url", "https://chat.example/c");
	if (e->kind == EFFECT_MESSAGE_POST || e->kind == EFFECT_MESSAGE_PRIVATE)
		return json_pack("{s:o, s:s}", "message",
			json_sprintf("%s/%lld.0001", e->channel ? e->channel : "slack:C1",
				(long long)++x->delivered),
			"url", "https://chat.example/m");
	return json_object();
}

struct effect *outbox_next(struct talk *x)
{
	struct effect *out[1];
	size_t n;
	int idle = 0;

	/* What is dropped at its start makes room for the next, which a second look finds. */
	for (int turn = 0; turn < 200 && idle < 8; turn++) {
		deliver_expect_any(&x->desk);
		assert_int_equal(store_begin(x->store, &x->err), 0);
		if (deliver_start(&x->desk, out, 1, &n, &x->err) < 0)
			fail_msg("deliver: %s", x->err.text);
		assert_int_equal(store_commit(x->store, &x->err), 0);
		idle = n ? 0 : idle + 1;
		if (!n)
			continue;
		if (strcmp(out[0]->system, "jira") == 0)
			return out[0];
		outbox_end(x, out[0], OUTCOME_DELIVERED, chat_result(x, out[0]), NULL);
	}
	return NULL;
}

int outbox_settle(struct talk *x)
{
	struct effect *e;
	int n = 0;

	x->clock.manual_ms += 2000;
	while ((e = outbox_next(x)) != NULL) {
		json_t *result = there_perform(x, e);

		assert_true(++n < 50); /* or it goes round and round */
		outbox_end(x, e, OUTCOME_DELIVERED, result, NULL);
	}
	return n;
}

void there_hint_of(struct talk *x, json_t *args_take)
{
	struct request *r = request_create(REQUEST_EVENT);

	r->actor.person = "jira:webhook";
	r->operation = "issue.hint";
	r->args = args_take;
	run(x, r);
	assert_int_equal(x->reply.kind, REPLY_NONE);
}

void there_hint(struct talk *x)
{
	there_hint_of(
		x, json_pack("{s:o, s:I, s:I}", "issue", json_sprintf("%lld", (long long)there.id),
			   "change", (json_int_t)there.change, "updated_ms",
			   (json_int_t)there.updated));
}

void outbox_wait(struct talk *x, int64_t ms)
{
	x->clock.manual_ms += ms;
}

void declared_with_issue(struct talk *x)
{
	talk_say(x, "declare sev2 checkout is failing");
	outbox_settle(x);
}

/* ---- here ----------------------------------------------------------------------------------- */

struct reference ref_of(struct talk *x, int64_t incident)
{
	struct reference ref;

	if (reference_get(x->store, x->arena, incident, ISSUE_SYSTEM, SLOT_ISSUE, &ref, &x->err) <
		0)
		fail_msg("%s", x->err.text);
	return ref;
}

bool has_ref(struct talk *x, int64_t incident)
{
	struct reference ref;

	return reference_get(
		       x->store, x->arena, incident, ISSUE_SYSTEM, SLOT_ISSUE, &ref, &x->err) == 0;
}

struct issue_record record_of(struct talk *x, int64_t incident)
{
	struct reference ref = ref_of(x, incident);
	struct issue_record rec;

	assert_int_equal(issue_record_parse(x->arena, ref.synced, &rec, &x->err), 0);
	return rec;
}

bool was_said(struct talk *x, const char *words)
{
	struct effect_row row;

	for (int64_t id = 1; effect_load(x->store, x->arena, id, &row, &x->err) == 0; id++)
		if (row.payload && strstr(row.payload, words))
			return true;
	return false;
}

void assert_said(struct talk *x, const char *words)
{
	if (!was_said(x, words))
		fail_msg("nobody said \"%s\"", words);
}
