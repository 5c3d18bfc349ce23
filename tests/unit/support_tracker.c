#include "support_tracker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"

#define LOOK_EVERY_MS	5000
#define INDEX_LAG_MS	60000 /* at most */
#define LATE_CREATE_MS	30000 /* at most: with the lag of the search still within TRACKER_LAG_MS */
#define LATE_WRITE_MS	(25 * MINUTE_MS)
#define LATE_HINT_MS	(30 * MINUTE_MS)
#define LATE_COMMENT_MS 400

static bool chance(struct tracker *t, uint32_t percent)
{
	return t->faults && dice_roll(t->dice, 100) < percent;
}

static int64_t up_to(struct tracker *t, int64_t ms)
{
	return (int64_t)dice_roll(t->dice, (uint32_t)ms + 1);
}

static void copy(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%s", text ? text : "");
}

/* ---- issues ---------------------------------------------------------------------------------- */

struct tracked_issue *tracker_issue(struct tracker *t, int64_t id)
{
	for (size_t i = 0; i < t->issue_count; i++)
		if (t->issue[i].id == id)
			return &t->issue[i];
	return NULL;
}

static struct tracked_issue *by_name(struct tracker *t, const char *name)
{
	for (size_t i = 0; name && i < t->issue_count; i++)
		if (!strcmp(t->issue[i].name, name))
			return &t->issue[i];
	return NULL;
}

static void hint_at(struct tracker *t, const struct tracked_hint *h, int64_t due)
{
	assert_true(t->hint_count < TRACKER_HINTS);
	t->hint[t->hint_count] = *h;
	t->hint[t->hint_count++].due = due;
}

/* Lost, or now, soon or much later; perhaps more than once, under the same identifier or as
 * another. */
static void hint_send(struct tracker *t, struct tracked_hint h)
{
	int times = chance(t, 25) ? 0 : chance(t, 25) ? 2 : 1;

	h.identifier = ++t->identifier;
	for (int i = 0; i < times; i++) {
		int64_t late = chance(t, 20)   ? up_to(t, LATE_HINT_MS)
			       : chance(t, 40) ? up_to(t, 5000)
					       : 0;

		hint_at(t, &h, t->now + late);
		if (chance(t, 20))
			h.identifier = ++t->identifier;
	}
}

static void touched(struct tracker *t, struct tracked_issue *x)
{
	x->updated = t->now + t->skew;
	x->found_from = t->now + (t->faults ? up_to(t, INDEX_LAG_MS) : 0);
}

static void put(struct tracker *t, struct tracked_issue *x, enum issue_field f, const char *value,
	const char *account)
{
	if (t->trace)
		printf("    [there] %s: %s %s -> %s by %s\n", x->name, issue_field_name(f),
			x->value[f], value, account);
	copy(x->value[f], sizeof x->value[f], value);
	copy(x->by[f], sizeof x->by[f], account);
	x->by_at[f] = t->now + t->skew;
	x->change = ++t->last_change;
	touched(t, x);
	hint_send(t, (struct tracked_hint){ .issue = x->id,
			     .updated = x->updated,
			     .change = t->faults && dice_roll(t->dice, 3) == 0 ? 0 : x->change });
}

void tracker_set(struct tracker *t, struct tracked_issue *x, enum issue_field f, const char *value,
	const char *account)
{
	if (issue_value_same(f, x->value[f], value))
		return;
	x->version[f]++;
	x->asked_at[f] = 0;
	put(t, x, f, value, account);
}

/* Accounts are shared: somebody else may act by ours, so it says nothing. */
static void put_ours(struct tracker *t, struct tracked_issue *x, enum issue_field f,
	const char *value, int64_t asked_at)
{
	x->writes[f]++;
	x->asked_at[f] = asked_at;
	put(t, x, f, value, "acc-bot");
}

struct tracked_issue *tracker_make(struct tracker *t, const char *title)
{
	struct tracked_issue *x = &t->issue[t->issue_count++];

	assert_true(t->issue_count < TRACKER_ISSUES);
	*x = (struct tracked_issue){ .id = 10000 + (int64_t)t->issue_count };
	snprintf(x->name, sizeof x->name, "PAY-%zu", t->issue_count);
	copy(x->value[ISSUE_TITLE], TRACKER_VALUE, title);
	copy(x->value[ISSUE_PRIORITY], TRACKER_VALUE, "Medium");
	copy(x->value[ISSUE_STATUS], TRACKER_VALUE, "To Do");
	touched(t, x);
	return x;
}

void tracker_say(struct tracker *t, struct tracked_issue *x, const char *text)
{
	struct tracked_comment *c = &t->comment[t->comment_count++];

	assert_true(t->comment_count < TRACKER_COMMENTS);
	*c = (struct tracked_comment){ .id = 500 + (int64_t)t->comment_count, .issue = x->id };
	copy(c->text, sizeof c->text, text);
	touched(t, x);
	hint_send(t,
		(struct tracked_hint){ .issue = x->id, .updated = x->updated, .comment = c->id });
}

void tracker_move(struct tracker *t, struct tracked_issue *x)
{
	snprintf(x->name, sizeof x->name, "OPS-%lld", (long long)++t->last_change);
	x->change = t->last_change;
	touched(t, x);
	hint_send(t, (struct tracked_hint){
			     .issue = x->id, .updated = x->updated, .change = x->change });
}

void tracker_delete(struct tracker *t, struct tracked_issue *x)
{
	x->deleted = true;
	hint_send(t, (struct tracked_hint){
			     .issue = x->id, .updated = t->now + t->skew, .deleted = true });
}

/* ---- answers --------------------------------------------------------------------------------- */

static json_t *id_text(int64_t id)
{
	char text[24];

	snprintf(text, sizeof text, "%lld", (long long)id);
	return json_string(text);
}

static json_t *read_issue(const struct tracked_issue *x, struct tracked_flight *w)
{
	json_t *values, *by, *read;

	if (x->deleted || x->hidden)
		return json_pack("{s:o, s:b}", "id", id_text(x->id), "gone", 1);
	values = json_object();
	by = json_object();
	w->has_read = true;
	for (int f = 0; f < ISSUE_FIELD_COUNT; f++) {
		const char *name = issue_field_name((enum issue_field)f);

		json_object_set_new(values, name, json_string(x->value[f]));
		if (*x->by[f])
			json_object_set_new(by, name,
				json_pack("{s:s, s:s, s:I}", "account", x->by[f], "name", x->by[f],
					"at_ms", (json_int_t)x->by_at[f]));
		copy(w->read[f], TRACKER_VALUE, x->value[f]);
		w->version[f] = x->version[f];
		w->asked_at[f] = x->asked_at[f];
	}
	read = json_pack("{s:o, s:s, s:s, s:I, s:I, s:o, s:o}", "id", id_text(x->id), "name",
		x->name, "url", "https://jira.example/browse/X-1", "updated_ms",
		(json_int_t)x->updated, "change", (json_int_t)x->change, "values", values, "by",
		by);
	return read;
}

static void end(struct tracked_flight *w, enum outcome o, json_t *result_take, const char *error)
{
	w->outcome = o;
	w->result = result_take;
	w->error = error;
}

/* How an attempt goes. */
enum fate { FATE_FINE, FATE_BUSY, FATE_LOST, FATE_ANSWER_LOST, FATE_LATE, FATE_TORN };

static enum fate fate_of(struct tracker *t)
{
	static const enum fate fates[] = { FATE_BUSY, FATE_LOST, FATE_LOST, FATE_ANSWER_LOST,
		FATE_ANSWER_LOST, FATE_ANSWER_LOST, FATE_LATE, FATE_LATE, FATE_LATE, FATE_TORN };

	if (t->outage)
		return dice_roll(t->dice, 10) < 7 ? FATE_BUSY : FATE_LOST;
	return chance(t, t->trouble) ? fates[dice_roll(t->dice, sizeof fates / sizeof *fates)]
				     : FATE_FINE;
}

/* What ended without its being done; true when that was all. */
static bool not_done(struct tracker *t, struct tracked_flight *w, enum fate fate)
{
	if (fate == FATE_BUSY) {
		end(w, OUTCOME_RETRY, NULL, "HTTP 503");
		w->retry_after = dice_roll(t->dice, 3) ? 0 : up_to(t, 60000);
	} else if (fate == FATE_LOST) {
		end(w, OUTCOME_UNKNOWN, NULL, "timeout");
	}
	return fate == FATE_BUSY || fate == FATE_LOST;
}

/* ---- create ---------------------------------------------------------------------------------- */

static struct tracked_issue *found(struct tracker *t, const char *label)
{
	for (size_t i = 0; i < t->issue_count; i++)
		if (!strcmp(t->issue[i].label, label) && t->issue[i].found_from <= t->now &&
			!t->issue[i].deleted)
			return &t->issue[i];
	return NULL;
}

static struct tracked_issue *make_ours(struct tracker *t, const struct tracked_landing *l)
{
	struct tracked_issue *x = tracker_make(t, l->value[ISSUE_TITLE]);

	copy(x->label, sizeof x->label, l->label);
	x->common = true;
	for (int f = 0; f < ISSUE_FIELD_COUNT; f++)
		if (l->field[f] && !(f == ISSUE_PRIORITY && t->no_priority))
			copy(x->value[f], TRACKER_VALUE, l->value[f]);
	if (t->trace)
		printf("    [there] %s is made\n", x->name);
	return x;
}

static void land_later(struct tracker *t, const struct tracked_landing *l, int64_t within)
{
	assert_true(t->landing_count < TRACKER_LANDINGS);
	t->landing[t->landing_count] = *l;
	t->landing[t->landing_count++].due = t->now + 1 + up_to(t, within - 1);
}

static struct tracked_landing values_of(const struct tracker *t, const json_t *values)
{
	struct tracked_landing l = { .asked_at = t->now };

	for (int f = 0; f < ISSUE_FIELD_COUNT; f++) {
		const char *value = json_get_str(values, issue_field_name((enum issue_field)f));

		l.field[f] = value != NULL;
		copy(l.value[f], TRACKER_VALUE, value);
	}
	return l;
}

static void create_now(struct tracker *t, struct tracked_flight *w)
{
	enum fate fate = fate_of(t);
	struct tracked_landing l = values_of(t, json_get_obj(w->effect->payload, "values"));
	struct tracked_issue *x;

	copy(l.label, sizeof l.label, json_get_str(w->effect->payload, "label"));
	assert_true(*l.label != '\0');
	if (fate != FATE_FINE)
		for (int f = 0; f < ISSUE_FIELD_COUNT; f++)
			t->doubts[f]++;
	if (not_done(t, w, fate))
		return;
	if (fate == FATE_LATE) {
		land_later(t, &l, LATE_CREATE_MS);
		end(w, OUTCOME_UNKNOWN, NULL, "timeout");
		return;
	}
	x = make_ours(t, &l);
	if (fate == FATE_FINE)
		end(w, OUTCOME_DELIVERED, json_pack("{s:o}", "read", read_issue(x, w)), NULL);
	else
		end(w, OUTCOME_UNKNOWN, NULL, "connection reset");
}

/* The label is looked for as long as the search may lag behind. */
static void create_look(struct tracker *t, struct tracked_flight *w)
{
	struct tracked_issue *x = found(t, json_get_str(w->effect->payload, "label"));

	w->looking = false;
	if (x) {
		end(w, OUTCOME_DELIVERED, json_pack("{s:o}", "read", read_issue(x, w)), NULL);
	} else if (t->now - w->began < TRACKER_LAG_MS) {
		w->looking = true;
		w->due = t->now + LOOK_EVERY_MS;
	} else {
		create_now(t, w);
		w->due = t->now;
	}
}

static void create(struct tracker *t, struct tracked_flight *w)
{
	if (t->outage)
		end(w, w->effect->verify ? OUTCOME_UNKNOWN : OUTCOME_RETRY, NULL, "HTTP 503");
	else if (w->effect->verify)
		create_look(t, w);
	else
		create_now(t, w);
}

/* ---- sync ------------------------------------------------------------------------------------ */

static json_t *comments_after(struct tracker *t, const struct tracked_issue *x, int64_t after)
{
	json_t *list = json_array();

	for (size_t i = 0; i < t->comment_count; i++) {
		const struct tracked_comment *c = &t->comment[i];

		if (c->issue == x->id && c->id > after && !*c->op)
			json_array_append_new(
				list, json_pack("{s:o, s:s, s:s, s:I, s:s}", "id", id_text(c->id),
					      "author", "acc-dana", "name", "dana", "at_ms",
					      (json_int_t)(t->now + t->skew), "text", c->text));
	}
	return list;
}

/* What is to be written here and now: theirs is still what it was. */
static struct tracked_landing sync_plan(struct tracker *t, const struct tracked_flight *w,
	const struct tracked_issue *x, json_t *written, json_t *trouble)
{
	const json_t *theirs = json_get_obj(w->effect->payload, "theirs");
	struct tracked_landing l = values_of(t, json_get_obj(w->effect->payload, "send"));

	l.issue = x->id;
	for (int f = 0; f < ISSUE_FIELD_COUNT; f++) {
		const char *name = issue_field_name((enum issue_field)f);

		if (!l.field[f])
			continue;
		if (issue_value_same((enum issue_field)f, x->value[f], l.value[f])) {
			json_object_set_new(written, name, json_string(l.value[f]));
			l.field[f] = false;
		} else if (!issue_value_same(
				   (enum issue_field)f, x->value[f], json_get_str(theirs, name))) {
			l.field[f] = false;
		} else if (f == ISSUE_PRIORITY && t->no_priority) {
			json_object_set_new(trouble, name, json_string("it is not on the screen"));
			l.field[f] = false;
		} else {
			json_object_set_new(written, name, json_string(l.value[f]));
		}
	}
	return l;
}

static void sync_write(
	struct tracker *t, struct tracked_issue *x, const struct tracked_landing *l, int most)
{
	for (int f = 0; f < ISSUE_FIELD_COUNT && most > 0; f++)
		if (l->field[f]) {
			put_ours(t, x, (enum issue_field)f, l->value[f], l->asked_at);
			most--;
		}
}

static void sync(struct tracker *t, struct tracked_flight *w)
{
	const json_t *payload = w->effect->payload;
	const char *id = json_get_str(payload, "issue");
	struct tracked_issue *x = id ? tracker_issue(t, strtoll(id, NULL, 10))
				     : by_name(t, json_get_str(payload, "name"));
	enum fate fate = fate_of(t);
	json_t *written, *trouble;
	struct tracked_landing l;

	for (int f = 0; fate != FATE_FINE && f < ISSUE_FIELD_COUNT; f++)
		t->doubts[f] += json_get_str(json_get_obj(payload, "send"),
					issue_field_name((enum issue_field)f)) != NULL;
	if (not_done(t, w, fate))
		return;
	if (!x || (!id && (x->deleted || x->hidden))) {
		end(w, OUTCOME_REFUSED, NULL, "there is no such issue");
		return;
	}
	if (x->deleted || x->hidden) {
		end(w, OUTCOME_DELIVERED, json_pack("{s:o}", "read", read_issue(x, w)), NULL);
		return;
	}
	written = json_object();
	trouble = json_object();
	l = sync_plan(t, w, x, written, trouble);
	if (fate == FATE_LATE)
		land_later(t, &l, LATE_WRITE_MS);
	else
		sync_write(t, x, &l, fate == FATE_TORN ? 1 : ISSUE_FIELD_COUNT);
	if (fate == FATE_FINE) {
		end(w, OUTCOME_DELIVERED,
			json_pack("{s:o, s:O, s:O, s:o}", "read", read_issue(x, w), "written",
				written, "trouble", trouble, "comments",
				comments_after(t, x, json_get_int(payload, "comment_after", 0))),
			NULL);
	} else {
		end(w, OUTCOME_UNKNOWN, NULL, "connection reset");
	}
	json_decref(written);
	json_decref(trouble);
}

/* ---- comment, mark, poll --------------------------------------------------------------------- */

static struct tracked_issue *issue_of(struct tracker *t, const struct tracked_flight *w)
{
	const char *id = json_get_str(w->effect->payload, "issue");

	return tracker_issue(t, id ? strtoll(id, NULL, 10) : 0);
}

static void comment(struct tracker *t, struct tracked_flight *w)
{
	struct tracked_issue *x = issue_of(t, w);
	enum fate fate = fate_of(t);
	struct tracked_comment *c;

	if (not_done(t, w, fate))
		return;
	if (!x || x->deleted || x->hidden) {
		end(w, OUTCOME_REFUSED, NULL, "the issue is not there any more");
		return;
	}
	for (size_t i = 0; w->effect->verify && i < t->comment_count; i++)
		if (!strcmp(t->comment[i].op, w->effect->op_id)) {
			end(w, OUTCOME_DELIVERED,
				json_pack("{s:o}", "comment", id_text(t->comment[i].id)), NULL);
			return;
		}
	tracker_say(t, x, json_get_str(w->effect->payload, "text"));
	c = &t->comment[t->comment_count - 1];
	copy(c->op, sizeof c->op, w->effect->op_id);
	if (fate == FATE_FINE)
		end(w, OUTCOME_DELIVERED, json_pack("{s:o}", "comment", id_text(c->id)), NULL);
	else
		end(w, OUTCOME_UNKNOWN, NULL, "connection reset");
}

static void mark(struct tracker *t, struct tracked_flight *w)
{
	struct tracked_issue *x = issue_of(t, w);
	bool on = json_get_bool(w->effect->payload, "on", true);
	enum fate fate = fate_of(t);

	if (not_done(t, w, fate))
		return;
	if (!x || x->deleted || x->hidden) {
		end(w, OUTCOME_REFUSED, NULL, "the issue is not there any more");
		return;
	}
	x->common = on;
	copy(x->label, sizeof x->label, on ? json_get_str(w->effect->payload, "label") : "");
	touched(t, x);
	if (fate == FATE_FINE)
		end(w, OUTCOME_DELIVERED, json_object(), NULL);
	else
		end(w, OUTCOME_UNKNOWN, NULL, "connection reset");
}

static void poll(struct tracker *t, struct tracked_flight *w)
{
	int64_t since = t->now + t->skew - json_get_int(w->effect->payload, "elapsed_ms", 0);
	json_t *list = json_array();

	for (size_t i = 0; i < t->issue_count; i++) {
		const struct tracked_issue *x = &t->issue[i];

		if (x->common && !x->deleted && !x->hidden && x->updated >= since &&
			x->found_from <= t->now)
			json_array_append_new(
				list, json_pack("{s:o, s:s, s:I}", "id", id_text(x->id), "name",
					      x->name, "updated_ms", (json_int_t)x->updated));
	}
	if (not_done(t, w, fate_of(t)))
		json_decref(list);
	else
		end(w, OUTCOME_DELIVERED, json_pack("{s:o, s:b}", "issues", list, "complete", 1),
			NULL);
}

void tracker_perform(struct tracker *t, struct effect *take)
{
	struct tracked_flight *w = &t->flight[t->flight_count++];

	assert_true(t->flight_count < TRACKER_FLIGHTS);
	*w = (struct tracked_flight){ .effect = take, .began = t->now };
	w->due = t->now + (chance(t, 20) ? up_to(t, 40000) : chance(t, 40) ? up_to(t, 4000) : 0);
	t->attempts++;
	if (t->trace) {
		char *text = json_dumps(take->payload, JSON_COMPACT);

		printf("    [ask] %s #%d%s %.300s\n", effect_kind_name(take->kind), take->attempt,
			take->verify ? " verify" : "", text);
		free(text);
	}
	if (take->kind == EFFECT_ISSUE_CREATE)
		create(t, w);
	else if (take->kind == EFFECT_ISSUE_SYNC)
		sync(t, w);
	else if (take->kind == EFFECT_ISSUE_COMMENT)
		comment(t, w);
	else if (take->kind == EFFECT_ISSUE_MARK)
		mark(t, w);
	else if (take->kind == EFFECT_ISSUE_POLL)
		poll(t, w);
	else
		fail_msg("%s is nothing for a tracker", effect_kind_name(take->kind));
	if (w->looking && w->due < t->now + LOOK_EVERY_MS)
		w->due = t->now + LOOK_EVERY_MS;
}

/* ---- time ------------------------------------------------------------------------------------ */

void tracker_init(struct tracker *t, struct dice *dice, int64_t now)
{
	memset(t, 0, sizeof *t);
	t->dice = dice;
	t->now = now;
	t->skew = (int64_t)dice_roll(dice, 7200000) - 3600000;
	t->faults = true;
	t->trouble = 15 + 15 * dice_roll(dice, 4);
}

void tracker_crash(struct tracker *t)
{
	for (size_t i = 0; i < t->flight_count; i++) {
		json_decref(t->flight[i].result);
		effect_destroy(t->flight[i].effect);
	}
	t->flight_count = 0;
	for (int f = 0; f < ISSUE_FIELD_COUNT; f++)
		t->doubts[f]++;
}

void tracker_finish(struct tracker *t)
{
	tracker_crash(t);
}

int64_t tracker_next(const struct tracker *t)
{
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < t->flight_count; i++)
		next = t->flight[i].due < next ? t->flight[i].due : next;
	for (size_t i = 0; i < t->hint_count; i++)
		next = t->hint[i].due < next ? t->hint[i].due : next;
	for (size_t i = 0; i < t->landing_count; i++)
		next = t->landing[i].due < next ? t->landing[i].due : next;
	return next;
}

void tracker_land(struct tracker *t)
{
	for (size_t i = 0; i < t->landing_count;) {
		struct tracked_landing l = t->landing[i];
		struct tracked_issue *x = tracker_issue(t, l.issue);

		if (l.due > t->now) {
			i++;
			continue;
		}
		t->landing[i] = t->landing[--t->landing_count];
		t->landed++;
		if (t->trace)
			printf("    [there] a late write lands\n");
		if (!l.issue)
			make_ours(t, &l);
		else if (x && !x->deleted && !x->hidden)
			sync_write(t, x, &l, ISSUE_FIELD_COUNT);
	}
}

bool tracker_answer(struct tracker *t, struct tracked_flight *out)
{
	for (size_t i = 0; i < t->flight_count; i++) {
		if (t->flight[i].due > t->now)
			continue;
		if (t->flight[i].looking)
			create_look(t, &t->flight[i]);
		if (t->flight[i].looking || t->flight[i].due > t->now)
			continue;
		*out = t->flight[i];
		t->flight_count--;
		memmove(&t->flight[i], &t->flight[i + 1],
			(t->flight_count - i) * sizeof t->flight[0]);
		return true;
	}
	return false;
}

bool tracker_hint(struct tracker *t, struct tracked_hint *out)
{
	for (size_t i = 0; i < t->hint_count; i++) {
		if (t->hint[i].due > t->now)
			continue;
		*out = t->hint[i];
		t->hint[i] = t->hint[--t->hint_count];
		return true;
	}
	return false;
}
