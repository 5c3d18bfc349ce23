/*
 * Thousands of random steps: what people type and press, deliveries that fail in every way, crashes,
 * clocks that jump. After each step the record must be in order:
 *
 * - an active incident has promised its next update; one that is over owes nothing;
 * - a timer is armed for exactly the open promises whose ladder has a step left;
 * - the timeline and the audit only grow, and the audit chain is whole;
 * - nothing was sent that is not in the record, and nothing was done twice;
 * - a delivery that comes again gets the same answer and changes nothing;
 * - the commander changes only by what says so, never while a handover is merely offered; an offer
 *   stands on an active incident only, with the timer that ends it;
 * - a level that a person has lowered with a reason is not raised again by the same rule and fact;
 * - what was merged owes nothing, and the chain of merged ones has an end;
 * - whoever has no access to a protected incident is told nothing of it, and what is sent because
 *   of it goes to its own channel or to people with access.
 *
 * SITREP_SEED=n runs that one sequence, SITREP_STEPS=n makes it longer, SITREP_TRACE=1 says each step.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/clock.h"
#include "commands/language.h"
#include "commands/operation.h"
#include "incident/promise.h"
#include "incident/upgrade.h"
#include "store/audit.h"
#include "store/db.h"
#include "store/incidents.h"
#include "store/promises.h"
#include "store/store.h"
#include "support_bot.h"

#define SEEDS      6
#define STEPS      500
#define CHECK_EVERY 25 /* steps between looks at the whole audit chain */

struct dice {
	uint64_t state;
};

static uint32_t roll(struct dice *d, uint32_t sides)
{
	d->state ^= d->state << 13;
	d->state ^= d->state >> 7;
	d->state ^= d->state << 17;
	return (uint32_t)(d->state >> 32) % sides;
}

#define MALLORY "slack:UMALLORY" /* is never named by anybody */
#define ROOT	"unix:1000"	 /* may see everything by rbac.yml */

static const char *const people[] = { "slack:UALICE", "slack:UBOB", "slack:UCAROL", ROOT, MALLORY };
static const char *const mentions[] = { "me", "<@UALICE>", "<@UBOB>", "<@UCAROL>" };

#define PEOPLE 5

/* %I an incident, %P a person, %S a level, %N a number, %U a word that was never said before: what
 * is told with a title is told apart by it. */
static const char *const lines[] = {
	"declare sev%S number %U is failing", "declare sev1 --customer everything is down %U",
	"declare sev2 --security somebody is in %U", "declare what is wrong %U",
	"declare sev3 --security --customer keys of %U leaked", "declare --service checkout odd %U",
	"#%I update known: thing %N; doing: rollback", "#%I update still looking %N. in 20m",
	"#%I update in 3 days", "#%I sev %S because %N", "#%I sev %S", "#%I identified cause %N",
	"#%I investigating", "#%I mitigating by %N", "#%I monitoring", "#%I triage",
	"#%I resolve done --signal ok --health ok", "#%I resolve --not-verified no access",
	"#%I reopen it is back %N", "#%I cancel false alarm", "#%I close", "#%I close --without-review nobody is here",
	"#%I ic %P", "#%I take ic", "#%I take comms", "#%I drop comms", "#%I drop ic", "#%I comms %P",
	"#%I take scribe", "#%I solo", "#%I roles",
	"#%I note 10:05 saw %N", "#%I hypothesis it is %N", "#%I decision we do %N", "#%I note",
	"#%I cadence 20m why not", "#%I cadence 10d", "#%I snooze 10m waiting", "#%I snooze",
	"#%I impact 25% of users since 10:00", "#%I impact 60% of users", "#%I impact data loss, 1200 users",
	"#%I impact no data loss", "#%I impact 0 users",
	"#%I scope group tenant %N", "#%I scope dependency unknown", "#%I classify widespread high",
	"#%I checkpoint state: going on; hypothesis: %N; impact: some; in flight: rollback; decision: fail over; next decision: in 20m",
	"#%I handover %P", "#%I handover %P state: rolling back; next decision: in 20m", "#%I accept", "#%I decline",
	"#%I handover --withdraw", "#%I strategy mitigate",
	"#%I escalate cross-team it is theirs too", "#%I escalate", "#%I ack", "#%I customer we are on it",
	"#%I customer --confirm", "#%I protect it is a breach", "#%I grant %P", "#%I revoke %P", "#%I access",
	"#%I subscribe", "subscribe --all", "subscribe --service checkout", "#%I unsubscribe", "unsubscribe --all",
	"#%I merge #%I", "#%I merge into #%I same", "#%I unmerge two after all", "#%I link #%I", "#%I unlink #%I",
	"#%I title renamed %U", "#%I settle status ours", "#%I settle title jira", "#%I link PAY-%N", "#%I unlink jira", "#%I link here", "#%I unlink here",
	"diagnosis pod p-%N: OOMKilled --tool doctor", "#%I diagnosis pod p-%N: OOMKilled", "#%I diagnoses", "diagnoses",
	"attach D%D #%I", "promote D%D sev2 promoted %U",
	"#%I postmortem", "#%I postmortem start", "#%I postmortem factor change number %N", "#%I postmortem edit lessons %N",
	"#%I postmortem why because %N", "#%I postmortem review %P", "#%I postmortem final", "#%I postmortem final --waive \"no time %N\"",
	"#%I postmortem draft found %N", "#%I postmortem versions", "#%I postmortem export html",
	"#%I followup watch %U %P in 2 weeks", "#%I followup add %U p0 --class detect --signal \"seen %N\"",
	"followup F%N done the alert fired in %N s", "followup F%N --due friday --class learn --signal \"read by all\"",
	"followup F%N cancel not needed", "followup F%N reopen it came back", "followup F%N", "followups all", "followups overdue",
	"#%I followups", "release-check s%N --mode warn", "gate payments", "followups F%N", "#%I cause change of %N", "#%I cause capacity --fingerprint f%N",
	"#%I check", "#%I export md", "#%I export csv", "#%I preview resolution", "#%I show", "#%I timeline", "list", "list failing", "list sev1", "mine",
	"metrics", "metrics 7d --by service", "metrics year --chart", "metrics sev1 --format csv",
	"whoami", "help", "help update", "sync", "#%I sync", "nonsense %N", "",
};

/* Operations that are pressed and sent as forms, besides those of the table. */
static const char *const presses[] = { "promise.due", "effect.outcome", "take", "no.such" };

static char *bot_text(struct test_bot *b, const char *sql)
{
	struct error err = { 0 };
	struct stmt *st = db_prepare(store_db(core_store(b->core)), sql, &err);
	char *text;

	if (!st)
		fail_msg("%s: %s", sql, err.text);
	db_bind(st, "");
	assert_int_equal(db_step(st, &err), DB_ROW);
	text = strdup(db_text(st, 0) ? db_text(st, 0) : "");
	db_reset(st);
	return text;
}

/* Any incident: mostly a recent one, now and then one that does not exist. Numbers of protected ones
 * are drawn by the system, so they are picked by their order. */
static int64_t pick_incident(struct test_bot *b, struct dice *d)
{
	char sql[200];
	int64_t n = bot_number(b, "SELECT count(*) FROM incident");
	uint32_t back = roll(d, roll(d, 4) ? 8 : (uint32_t)n + 1);

	if (back >= n)
		return n + 1;
	snprintf(sql, sizeof sql, "SELECT id FROM incident ORDER BY declared_at DESC, title LIMIT 1 OFFSET %u", back);
	return bot_number(b, sql);
}

static void expand(struct test_bot *b, struct dice *d, const char *line, char out[512])
{
	size_t n = 0;

	for (; *line && n < 480; line++) {
		if (*line != '%' || !line[1] || !strchr("IPNSUD", line[1])) {
			out[n++] = *line;
			continue;
		}
		line++;
		if (*line == 'I')
			n += (size_t)snprintf(out + n, 20, "%lld", (long long)pick_incident(b, d));
		else if (*line == 'P')
			n += (size_t)snprintf(out + n, 20, "%s", mentions[roll(d, 4)]);
		else if (*line == 'S')
			n += (size_t)snprintf(out + n, 20, "%u", 1 + roll(d, 4));
		else if (*line == 'D')
			n += (size_t)snprintf(out + n, 20, "%u", 1 + roll(d, 6));
		else if (*line == 'U')
			n += (size_t)snprintf(out + n, 20, "u%du", b->next_key + 1);
		else
			n += (size_t)snprintf(out + n, 20, "%u", roll(d, 1000));
	}
	out[n] = '\0';
}

/* What was asked last, for the checks and for whoever reads a failure. */
struct asked {
	const struct operation *op; /* NULL: none, or none that is known */
	const char *person;	    /* NULL: nobody asked */
	char words[700];
};

static struct asked asked;

static bool asked_is(const char *const *names)
{
	for (; asked.op && *names; names++)
		if (strcmp(asked.op->name, *names) == 0)
			return true;
	return false;
}

#define ASKED_IS(...) asked_is((const char *const[]){ __VA_ARGS__, NULL })

static const struct operation *op_of_line(struct test_bot *b, const char *words)
{
	struct arena *a = arena_create(1 << 20);
	struct line line;
	const struct operation *op;

	line_read(a, words, b->config, &line);
	op = line.op;
	arena_destroy(a);
	return op;
}

static void submit(struct test_bot *b, struct request *r)
{
	size_t answers = b->answers;

	asked.person = r->actor.person;
	r->actor.name = NULL;
	assert_true(core_submit(b->core, r));
	bot_settle(b);
	assert_int_equal(b->answers, answers + 1);
}

static void step_type(struct test_bot *b, struct dice *d)
{
	char line[512];

	expand(b, d, lines[roll(d, sizeof lines / sizeof lines[0])], line);
	struct request *r = bot_request(b, line);

	r->actor.person = people[roll(d, PEOPLE)];
	r->can_open_form = roll(d, 2);
	asked.op = op_of_line(b, line);
	snprintf(asked.words, sizeof asked.words, "%s", line);
	submit(b, r);
}

/* Something that the argument would take, or nearly. */
static json_t *plausible(struct test_bot *b, struct dice *d, const struct arg_def *arg)
{
	static const char *const durations[] = { "10m", "3h", "10d", "17:00" };
	static const char *const roles[] = { "commander", "scribe", "communications", "operations" };
	uint32_t choices = 0;

	switch (arg->type) {
	case ARG_SEVERITY:
		return json_sprintf("sev%u", 1 + roll(d, 4));
	case ARG_PERSON:
		return json_string(people[roll(d, 3)]);
	case ARG_ROLE:
		return json_string(roles[roll(d, 4)]);
	case ARG_DURATION:
	case ARG_TIME:
		return json_string(durations[roll(d, 4)]);
	case ARG_INTEGER:
		return json_integer(roll(d, 8));
	case ARG_INCIDENT:
		return json_integer(pick_incident(b, d));
	case ARG_FLAG:
		return json_boolean(roll(d, 2));
	case ARG_CHOICE:
		while (arg->choices[choices])
			choices++;
		return json_string(arg->choices[roll(d, choices)]);
	case ARG_OPERATION:
		return json_string("show");
	case ARG_WORD:
	case ARG_REST:
		return json_sprintf("said u%du", b->next_key);
	}
	return NULL;
}

static const char *press_name(struct dice *d)
{
	size_t n = 0, more = sizeof presses / sizeof presses[0];

	while (operations[n])
		n++;
	n = roll(d, (uint32_t)(n + more));
	return n < more ? presses[n] : operations[n - more]->name;
}

static void step_press(struct test_bot *b, struct dice *d)
{
	struct request *r = bot_request(b, "");
	char *args;

	r->words = NULL;
	r->operation = press_name(d);
	r->incident = roll(d, 8) ? pick_incident(b, d) : 0;
	r->actor.person = people[roll(d, PEOPLE)];
	r->can_open_form = true;
	r->from_form = roll(d, 3) == 0;
	r->args = json_object();
	asked.op = operation_by_name(strcmp(r->operation, "take") ? r->operation : "role");
	for (const struct arg_def *arg = asked.op ? asked.op->args : NULL; arg && arg->name; arg++)
		if (roll(d, 3))
			json_object_set_new(r->args, arg->name, plausible(b, d, arg));
	args = json_dumps(r->args, JSON_COMPACT);
	snprintf(asked.words, sizeof asked.words, "press %s #%lld %s%s", r->operation, (long long)r->incident, args,
		r->from_form ? " (form)" : "");
	free(args);
	submit(b, r);
}

static void type_as(struct test_bot *b, const char *person, const char *line)
{
	struct request *r = bot_request(b, line);

	for (size_t i = 0; i < PEOPLE; i++)
		if (!strcmp(people[i], person))
			r->actor.person = people[i];
	asked.op = op_of_line(b, line);
	snprintf(asked.words, sizeof asked.words, "%s", line);
	submit(b, r);
}

static char *one_of(struct test_bot *b, const char *what, long long id)
{
	char sql[200];

	snprintf(sql, sizeof sql, "SELECT (SELECT %s AND incident = %lld)", what, id);
	return bot_text(b, sql);
}

/* What chance alone seldom brings about: by those who may, on something that is open. */
static void step_play(struct test_bot *b, struct dice *d)
{
	static const char *const answers[] = { "accept", "decline", "accept", "decline I cannot" };
	static const char *const does[] = { "impact data loss, 1200 users", "sev 3 it is not so bad",
		"impact 10 users, no data loss, no corruption", "scope group EU tenants", "drop ic", "ic <@UBOB>" };
	char line[300], *commander, *asked_to;
	int64_t id = bot_number(b, "SELECT coalesce((SELECT max(incident) FROM promise WHERE state = 'open'), 0)");

	if (!id)
		return;
	commander = one_of(b, "person FROM role WHERE role = 'commander'", id);
	asked_to = one_of(b, "incoming FROM handover WHERE state = 'offered'", id);
	if (roll(d, 3) == 0) {
		snprintf(line, sizeof line, "#%lld %s", (long long)id, does[roll(d, 6)]);
		type_as(b, ROOT, line);
	} else if (!*commander) {
		snprintf(line, sizeof line, "#%lld ic %s", (long long)id, mentions[1 + roll(d, 3)]);
		type_as(b, ROOT, line);
	} else if (*asked_to && roll(d, 3)) {
		snprintf(line, sizeof line, "#%lld %s", (long long)id, answers[roll(d, 4)]);
		type_as(b, asked_to, line);
	} else if (*asked_to && roll(d, 2)) {
		snprintf(line, sizeof line, "#%lld handover --withdraw", (long long)id);
		type_as(b, commander, line);
	} else {
		snprintf(line, sizeof line, "#%lld handover %s state: going on; next decision: in 20m",
			(long long)id, mentions[1 + roll(d, 3)]);
		type_as(b, commander, line);
	}
	free(commander);
	free(asked_to);
}

struct marks {
	int64_t audit, timeline, effects;
};

static struct marks marks_of(struct test_bot *b)
{
	return (struct marks){
		bot_number(b, "SELECT count(*) FROM audit"),
		bot_number(b, "SELECT count(*) FROM timeline"),
		bot_number(b, "SELECT coalesce(max(id), 0) FROM effect"),
	};
}

/* A delivery of the outside that comes again, at once or much later: the same answer, and nothing
 * happens. A form is not opened a second time. */
static void step_repeat(struct test_bot *b, struct dice *d)
{
	char line[512], key[32], *first = NULL;
	const char *person = people[roll(d, PEOPLE)];
	enum reply_kind kind = REPLY_NONE;
	struct marks before = { 0 };

	expand(b, d, lines[roll(d, sizeof lines / sizeof lines[0])], line);
	snprintf(key, sizeof key, "again-%u", roll(d, 1u << 30));
	asked.op = op_of_line(b, line);
	snprintf(asked.words, sizeof asked.words, "again: %s", line);
	for (int i = 0; i < 3; i++) {
		struct request *r = bot_request(b, line);

		r->key_count = 0;
		request_add_key(r, "test:", key);
		r->actor.person = person;
		submit(b, r);
		if (i == 0) {
			kind = b->answer_kind;
			first = strdup(b->answer_full);
			before = marks_of(b);
		} else if (kind == REPLY_MESSAGE || kind == REPLY_REFUSAL) {
			assert_string_equal(b->answer_full, first);
		} else {
			assert_int_equal(b->answer_kind, REPLY_NONE);
		}
		if (i > 0) {
			struct marks now = marks_of(b);

			if (i == 1 && memcmp(&now, &before, sizeof now) != 0)
				fail_msg("\"%s\" a second time was not nothing", line);
		}
		if (i == 1 && roll(d, 4) == 0)
			bot_pass(b, HOUR_MS);
	}
	free(first);
}

static void step_outside(struct test_bot *b, struct dice *d)
{
	static const enum outcome all[] = { OUTCOME_DELIVERED, OUTCOME_RETRY, OUTCOME_UNKNOWN, OUTCOME_DELIVERED, OUTCOME_REFUSED };

	b->outcome = all[roll(d, 5)];
	b->silent = roll(d, 12) == 0;
}

static void step(struct test_bot *b, struct dice *d)
{
	uint32_t what = roll(d, 100);

	asked = (struct asked){ .words = "(time, or the outside)" };
	if (what < 45)
		step_type(b, d);
	else if (what < 55)
		step_play(b, d);
	else if (what < 65)
		step_press(b, d);
	else if (what < 68)
		step_repeat(b, d);
	else if (what < 76)
		step_outside(b, d);
	else if (what < 92)
		bot_pass(b, (int64_t)(1 + roll(d, 40)) * MINUTE_MS);
	else if (what < 94)
		bot_pass(b, (int64_t)(1 + roll(d, 8)) * HOUR_MS);
	else if (what < 96)
		b->clock.manual_ms -= (int64_t)roll(d, 30) * MINUTE_MS; /* set back */
	else
		bot_restart(b, (int64_t)roll(d, 90) * MINUTE_MS);
}

/* ---- what must hold ---- */

#define COUNT_ZERO(b, sql)                                                                         \
	do {                                                                                       \
		if (bot_number(b, "SELECT count(*) FROM " sql) != 0)                               \
			fail_msg("not empty: %s", sql);                                            \
	} while (0)

#define ACTIVE "('triage', 'investigating', 'identified', 'mitigating', 'monitoring')"

static void check_promises(struct test_bot *b)
{
	COUNT_ZERO(b, "incident i WHERE state IN " ACTIVE " AND NOT EXISTS (SELECT 1 FROM promise p"
		" WHERE p.incident = i.id AND p.kind = 'update' AND p.state = 'open')");
	COUNT_ZERO(b, "incident i JOIN promise p ON p.incident = i.id WHERE p.state = 'open'"
		" AND p.kind <> 'review' AND i.state NOT IN " ACTIVE);
	/* A postmortem is owed by what is over and not put away, until it is final. */
	COUNT_ZERO(b, "incident i JOIN promise p ON p.incident = i.id WHERE p.state = 'open' AND p.kind = 'review'"
		" AND (i.state NOT IN ('resolved', 'auto_resolved') OR i.merged_into IS NOT NULL"
		"  OR (SELECT state FROM review r WHERE r.incident = i.id ORDER BY version DESC LIMIT 1) = 'final')");
	COUNT_ZERO(b, "incident i WHERE state IN " ACTIVE
		" AND (SELECT state FROM review r WHERE r.incident = i.id ORDER BY version DESC LIMIT 1) = 'final'");
	COUNT_ZERO(b, "timer t WHERE t.name = 'promise' AND NOT EXISTS (SELECT 1 FROM promise p"
		" WHERE p.incident = t.incident AND p.state = 'open')");
	COUNT_ZERO(b, "promise WHERE state = 'kept' AND kept_at IS NULL");
	COUNT_ZERO(b, "promise WHERE state = 'kept' AND kept_at > due_at AND missed_at IS NULL");
}

/* The other half: while an open promise has something left to say, or a miss to record, the incident's
 * timer wakes no later than for that. */
static void check_timers(struct test_bot *b)
{
	struct error err = { 0 };
	struct arena *a = arena_create(1 << 20);
	int64_t id = 0;

	for (;;) {
		struct promise *p;
		size_t n;
		char next[120];

		snprintf(next, sizeof next, "SELECT coalesce(min(incident), 0) FROM promise"
			" WHERE state = 'open' AND incident > %lld", (long long)id);
		id = bot_number(b, next);
		if (!id)
			break;

		assert_int_equal(promise_list(core_store(b->core), a, id, &p, &n, &err), 0);
		int64_t first = 0;

		for (size_t i = 0; i < n; i++) {
			int64_t at = p[i].state != PROMISE_OPEN ? 0 :
				ladder_first(&b->config->ladder[p[i].kind], &p[i], clock_now(&b->clock));

			if (at && (!first || at < first))
				first = at;
		}
		char sql[200];

		snprintf(sql, sizeof sql, "SELECT coalesce(min(due_at), 0) FROM timer"
			" WHERE name = 'promise' AND incident = %lld", (long long)id);
		int64_t due = bot_number(b, sql);

		if ((due != 0) != (first != 0) || due > first)
			fail_msg("INC-%lld: the timer wakes at %lld, the next step is at %lld", (long long)id,
				(long long)due, (long long)first);
	}
	arena_destroy(a);
}

struct grown {
	int64_t timeline, audit, effects, incidents;
};

static void check_growth(struct test_bot *b, struct grown *g)
{
	struct grown now = {
		bot_number(b, "SELECT count(*) FROM timeline"),
		bot_number(b, "SELECT count(*) FROM audit"),
		bot_number(b, "SELECT coalesce(max(id), 0) FROM effect"),
		bot_number(b, "SELECT count(*) FROM incident"),
	};

	assert_true(now.timeline >= g->timeline);
	assert_true(now.audit >= g->audit);
	assert_true(now.effects >= g->effects);
	assert_true(now.incidents >= g->incidents);
	*g = now;
}

static void check_effects(struct test_bot *b)
{
	COUNT_ZERO(b, "effect WHERE incident IS NOT NULL AND incident NOT IN (SELECT id FROM incident)");
	/* One lane, one that may go. */
	COUNT_ZERO(b, "(SELECT lane FROM effect WHERE state IN ('ready', 'started') GROUP BY lane HAVING count(*) > 1)");
	COUNT_ZERO(b, "(SELECT lane FROM effect WHERE ended_at IS NULL GROUP BY lane"
		" HAVING sum(state IN ('ready', 'started')) = 0)");
	COUNT_ZERO(b, "role r JOIN incident i ON i.id = r.incident WHERE r.person = ''");
}

static void check_handovers(struct test_bot *b)
{
	COUNT_ZERO(b, "handover h JOIN incident i ON i.id = h.incident WHERE h.state = 'offered' AND i.state NOT IN " ACTIVE);
	COUNT_ZERO(b, "handover h WHERE state = 'offered' AND NOT EXISTS (SELECT 1 FROM timer t"
		" WHERE t.name = 'handover' AND t.subject = h.id AND t.incident = h.incident)");
	COUNT_ZERO(b, "timer t WHERE name = 'handover' AND NOT EXISTS (SELECT 1 FROM handover h"
		" WHERE h.id = t.subject AND h.state = 'offered')");
	COUNT_ZERO(b, "handover h WHERE state = 'offered' AND NOT EXISTS (SELECT 1 FROM promise p"
		" WHERE p.incident = h.incident AND p.kind = 'handover' AND p.state = 'open')");
	COUNT_ZERO(b, "promise p WHERE kind = 'handover' AND state = 'open' AND NOT EXISTS (SELECT 1 FROM handover h"
		" WHERE h.incident = p.incident AND h.state = 'offered')");
	COUNT_ZERO(b, "handover h WHERE state = 'offered' AND outgoing IS NOT (SELECT person FROM role r"
		" WHERE r.incident = h.incident AND role = 'commander')");
	COUNT_ZERO(b, "handover WHERE outgoing = incoming");
	COUNT_ZERO(b, "timer t JOIN incident i ON i.id = t.incident WHERE t.name IN ('chair', 'escalation')"
		" AND i.state NOT IN " ACTIVE);
	COUNT_ZERO(b, "timer t WHERE t.name = 'chair' AND NOT EXISTS (SELECT 1 FROM role r"
		" WHERE r.incident = t.incident AND role = 'commander')");
}

static void check_relations(struct test_bot *b)
{
	COUNT_ZERO(b, "(SELECT 1 FROM engagement GROUP BY incident, tier, reason HAVING count(*) > 1)");
	COUNT_ZERO(b, "incident WHERE merged_into IS NOT NULL AND state IN " ACTIVE);
	COUNT_ZERO(b, "timer t JOIN incident i ON i.id = t.incident WHERE i.merged_into IS NOT NULL");
	COUNT_ZERO(b, "incident i JOIN incident k ON k.id = i.merged_into WHERE i.is_private = 1 AND k.is_private = 0");
	/* Whoever follows the chain comes to an end. */
	COUNT_ZERO(b, "incident WHERE merged_into IS NOT NULL AND id NOT IN ("
		"WITH RECURSIVE c (id) AS (SELECT id FROM incident WHERE merged_into IS NULL"
		" UNION SELECT i.id FROM incident i JOIN c ON i.merged_into = c.id) SELECT id FROM c)");
	/* What was protected from its beginning is named on no other. */
	COUNT_ZERO(b, "incident_link WHERE kind = 'related' AND (low >= 1000000 OR high >= 1000000)");
	/* Numbers that everybody sees have no gap: a protected one would show in it. */
	assert_int_equal(bot_number(b, "SELECT count(*) FROM incident WHERE id < 1000000"),
		bot_number(b, "SELECT coalesce(max(id), 0) FROM incident WHERE id < 1000000"));
}

/* ---- what a step may change ---- */

#define COMMANDERS                                                                                 \
	"SELECT group_concat(incident || ' ' || person) FROM (SELECT * FROM role"                  \
	" WHERE role = 'commander' ORDER BY incident)"
#define LEVELS "SELECT group_concat(id || ' ' || severity) FROM (SELECT * FROM incident ORDER BY id)"

struct level {
	int64_t id;
	int severity;
	int64_t overruled;
};

struct before {
	char *commanders, *levels;
	struct level *level;
	size_t count;
	int64_t audit;
};

static struct level *levels_read(struct test_bot *b, size_t *count)
{
	struct error err = { 0 };
	struct stmt *st = db_prepare(store_db(core_store(b->core)),
		"SELECT id, severity, coalesce(overruled, 0) FROM incident", &err);
	struct level *level = calloc((size_t)bot_number(b, "SELECT count(*) + 1 FROM incident"), sizeof *level);

	assert_non_null(st);
	assert_non_null(level);
	*count = 0;
	db_bind(st, "");
	while (db_step(st, &err) == DB_ROW)
		level[(*count)++] = (struct level){ db_int(st, 0), (int)db_int(st, 1), db_int(st, 2) };
	return level;
}

static void before_read(struct test_bot *b, struct before *v)
{
	*v = (struct before){
		.commanders = bot_text(b, COMMANDERS),
		.levels = bot_text(b, LEVELS),
		.audit = bot_number(b, "SELECT coalesce(max(id), 0) FROM audit"),
	};
	v->level = levels_read(b, &v->count);
}

static void before_finish(struct before *v)
{
	free(v->commanders);
	free(v->levels);
	free(v->level);
}

static const struct level *level_of(const struct level *level, size_t count, int64_t id)
{
	for (size_t i = 0; i < count; i++)
		if (level[i].id == id)
			return &level[i];
	return NULL;
}

/* The rule that has fired was not one that a person had overruled before and still has. */
static void check_upgrade(const struct before *v, const struct level *now, size_t count, int64_t id, const char *rule)
{
	const struct level *was = level_of(v->level, v->count, id), *is = level_of(now, count, id);

	for (int r = 0; was && is && r < UPGRADE_RULE_COUNT; r++)
		if (!strcmp(upgrade_rule_name((enum upgrade_rule)r), rule) && (was->overruled & is->overruled & (1 << r)))
			fail_msg("INC-%lld: raised again by %s, though a person has overruled it", (long long)id, rule);
}

static void check_levels(struct test_bot *b, const struct before *v)
{
	struct error err = { 0 };
	size_t count;
	struct level *now = levels_read(b, &count);
	struct stmt *st = db_prepare(store_db(core_store(b->core)),
		"SELECT entity_id, meta FROM audit WHERE id > $1 AND action = 'severity.upgraded'", &err);

	assert_non_null(st);
	db_bind(st, "i", v->audit);
	while (db_step(st, &err) == DB_ROW) {
		json_t *meta = json_loads(db_text(st, 1), 0, NULL);

		check_upgrade(v, now, count, db_int(st, 0), json_get_str(meta, "rule"));
		json_decref(meta);
	}
	for (size_t i = 0; i < v->count; i++) {
		const struct level *is = level_of(now, count, v->level[i].id);

		assert_non_null(is);
		/* Only a person lowers it. */
		if (is->severity > v->level[i].severity && !ASKED_IS("severity", "classify"))
			fail_msg("INC-%lld was lowered", (long long)is->id);
	}
	free(now);
}

static void check_changed(struct test_bot *b, const struct before *v)
{
	if (!ASKED_IS("role", "accept", "solo", "revoke", "declare", "promote")) {
		char *now = bot_text(b, COMMANDERS);

		assert_string_equal(now, v->commanders);
		free(now);
	}
	check_levels(b, v);
}

/* ---- protected ones ---- */

static bool sees(struct test_bot *b, int64_t id, const char *person)
{
	char sql[400];

	if (!strcmp(person, ROOT))
		return true;
	snprintf(sql, sizeof sql, "SELECT (SELECT count(*) FROM access WHERE incident = %lld AND person = '%s')"
		" + (SELECT count(*) FROM role WHERE incident = %lld AND person = '%s')",
		(long long)id, person, (long long)id, person);
	return bot_number(b, sql) > 0;
}

/* "number u17u is failing": "u17u", the word that only this title has. */
static bool title_word(const char *title, char out[24])
{
	for (const char *p = title; (p = strchr(p, 'u')); p++) {
		size_t digits = strspn(p + 1, "0123456789");

		if (digits && p[1 + digits] == 'u' && digits < 20) {
			snprintf(out, 24, "%.*s", (int)digits + 2, p);
			return true;
		}
	}
	return false;
}

static void check_told(struct test_bot *b, int64_t id, const char *word)
{
	char number[24];

	snprintf(number, sizeof number, "%lld", (long long)id);
	if (!asked.person || sees(b, id, asked.person))
		return;
	if (strstr(b->answer_full, word) && !strstr(asked.words, word))
		fail_msg("%s has no access to INC-%s and reads its title: %s", asked.person, number, b->answer_full);
	if (id >= INCIDENT_PROTECTED_FIRST && strstr(b->answer_full, number) && !strstr(asked.words, number))
		fail_msg("%s has no access to INC-%s and reads its number: %s", asked.person, number, b->answer_full);
}

static void check_performed(struct test_bot *b, size_t from, int64_t id, const char *word)
{
	char channel[40], number[24];

	snprintf(channel, sizeof channel, "slack:P%lld", (long long)id);
	snprintf(number, sizeof number, "%lld", (long long)id);
	for (size_t i = from; i < b->performed_count; i++) {
		const struct performed *p = &b->performed[i];
		bool tells = strstr(p->full, word) || (id >= INCIDENT_PROTECTED_FIRST && strstr(p->full, number));

		if (!tells || !strcmp(p->where, channel) || (strchr(p->where, ':') && sees(b, id, p->where)))
			continue;
		/* Its own channel is made under its number, and those with access are let in. */
		if (p->kind == EFFECT_CHANNEL_OPEN && p->incident == id && !strstr(p->full, word))
			continue;
		fail_msg("INC-%s is protected, and %s tells %s: %s", number, effect_kind_name(p->kind), p->where, p->full);
	}
}

static void check_protected(struct test_bot *b, size_t from)
{
	struct error err = { 0 };
	struct stmt *st = db_prepare(store_db(core_store(b->core)),
		/* Two that were merged have told their people of each other. */
		"SELECT id, title FROM incident i WHERE is_private = 1 AND NOT EXISTS (SELECT 1 FROM audit a"
		" WHERE a.entity = 'incident' AND a.entity_id = i.id"
		" AND a.action IN ('incident.merged', 'incident.merged_here'))", &err);

	assert_non_null(st);
	db_bind(st, "");
	while (db_step(st, &err) == DB_ROW) {
		int64_t id = db_int(st, 0);
		char word[24];

		if (!title_word(db_text(st, 1), word))
			continue;
		check_told(b, id, word);
		check_performed(b, from, id, word);
	}
}

/* What was handed to the chat is in the record, and was delivered at most once. */
static void check_sent(struct test_bot *b)
{
	for (size_t i = 0; i < b->performed_count; i++) {
		char sql[160];

		snprintf(sql, sizeof sql, "SELECT count(*) FROM effect WHERE op_id = '%s'", b->performed[i].op_id);
		assert_int_equal(bot_number(b, sql), 1);
	}
	COUNT_ZERO(b, "(SELECT effect FROM attempt WHERE outcome = 'delivered' GROUP BY effect HAVING count(*) > 1)");
}

static void check_audit(struct test_bot *b)
{
	struct error err = { 0 };
	int64_t entries;

	if (audit_verify(core_store(b->core), &entries, &err) < 0)
		fail_msg("%s", err.text);
	if (store_check(core_store(b->core), &err) < 0)
		fail_msg("%s", err.text);
}

static long number_from(const char *name, long otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtol(text, NULL, 10) : otherwise;
}

static void run_sequence(uint64_t seed, long steps)
{
	struct test_bot *b = malloc(sizeof *b);
	struct dice d = { seed * UINT64_C(0x9E3779B97F4A7C15) + 1 };
	struct grown g = { 0 };

	if (!b)
		abort();
	bot_setup(b);
	for (long i = 0; i < steps; i++) {
		struct before before;
		size_t performed = b->performed_count;

		before_read(b, &before);
		step(b, &d);
		if (number_from("SITREP_TRACE", 0))
			printf("%ld %s: %s\n", i, asked.person ? asked.person : "-", asked.words);
		check_changed(b, &before);
		check_handovers(b);
		check_relations(b);
		check_protected(b, performed);
		before_finish(&before);
		check_promises(b);
		check_timers(b);
		check_growth(b, &g);
		check_effects(b);
		if (i % CHECK_EVERY == 0)
			check_audit(b);
		/* The list of what was sent is bounded; what was looked at can go. */
		if (b->performed_count > PERFORMED_MAX / 2) {
			check_sent(b);
			bot_forget(b);
		}
	}
	/* Peace: everything that can be delivered is, and nothing hangs. Longer than a retry waits and
	 * the clock was set back together. */
	b->outcome = OUTCOME_DELIVERED;
	b->silent = false;
	bot_restart(b, 0);
	bot_pass(b, 90 * MINUTE_MS);
	COUNT_ZERO(b, "effect WHERE state = 'started'");
	COUNT_ZERO(b, "effect WHERE ended_at IS NULL AND created_at < (SELECT max(created_at) FROM effect) - 1800000");
	check_sent(b);
	check_audit(b);
	bot_teardown(b);
	free(b);
}

static void random_sequences_keep_the_record_in_order(void **state)
{
	long one = number_from("SITREP_SEED", 0), steps = number_from("SITREP_STEPS", STEPS);

	(void)state;
	for (long seed = one ? one : 1; seed <= (one ? one : SEEDS); seed++) {
		printf("seed %ld, %ld steps\n", seed, steps);
		fflush(stdout);
		run_sequence((uint64_t)seed, steps);
	}
}

/* What is not typed here is not tried. */
static void every_operation_is_typed(void **state)
{
	struct test_bot *b = malloc(sizeof *b);
	struct dice d = { 1 };
	char line[512];

	(void)state;
	assert_non_null(b);
	bot_setup(b);
	for (size_t i = 0; operations[i]; i++) {
		bool typed = (operations[i]->flags & OP_INTERNAL) != 0;

		for (size_t k = 0; !typed && k < sizeof lines / sizeof lines[0]; k++) {
			expand(b, &d, lines[k], line);
			typed = op_of_line(b, line) == operations[i];
		}
		if (!typed)
			fail_msg("no line types %s", operations[i]->name);
	}
	bot_teardown(b);
	free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_operation_is_typed),
		cmocka_unit_test(random_sequences_keep_the_record_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
