/*
 * Thousands of random steps: what people type and press, deliveries that fail in every way, crashes,
 * clocks that jump. After each step the record must be in order:
 *
 * - all of support_order.h holds;
 * - a delivery that comes again gets the same answer and changes nothing.
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
#include "support_bot.h"
#include "support_dice.h"
#include "support_order.h"

#define SEEDS	    6
#define STEPS	    500
#define CHECK_EVERY 25 /* steps between looks at the whole audit chain */

#define MALLORY "slack:UMALLORY" /* is never named by anybody */

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

/* Any incident: mostly a recent one, now and then one that does not exist. Numbers of protected ones
 * are drawn by the system, so they are picked by their order. */
static int64_t pick_incident(struct test_bot *b, struct dice *d)
{
	char sql[200];
	int64_t n = bot_number(b, "SELECT count(*) FROM incident");
	uint32_t back = dice_roll(d, dice_roll(d, 4) ? 8 : (uint32_t)n + 1);

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
			n += (size_t)snprintf(out + n, 20, "%s", mentions[dice_roll(d, 4)]);
		else if (*line == 'S')
			n += (size_t)snprintf(out + n, 20, "%u", 1 + dice_roll(d, 4));
		else if (*line == 'D')
			n += (size_t)snprintf(out + n, 20, "%u", 1 + dice_roll(d, 6));
		else if (*line == 'U')
			n += (size_t)snprintf(out + n, 20, "u%du", b->next_key + 1);
		else
			n += (size_t)snprintf(out + n, 20, "%u", dice_roll(d, 1000));
	}
	out[n] = '\0';
}

static struct asked asked;

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

	expand(b, d, lines[dice_roll(d, sizeof lines / sizeof lines[0])], line);
	struct request *r = bot_request(b, line);

	r->actor.person = people[dice_roll(d, PEOPLE)];
	r->can_open_form = dice_roll(d, 2);
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
		return json_sprintf("sev%u", 1 + dice_roll(d, 4));
	case ARG_PERSON:
		return json_string(people[dice_roll(d, 3)]);
	case ARG_ROLE:
		return json_string(roles[dice_roll(d, 4)]);
	case ARG_DURATION:
	case ARG_TIME:
		return json_string(durations[dice_roll(d, 4)]);
	case ARG_INTEGER:
		return json_integer(dice_roll(d, 8));
	case ARG_INCIDENT:
		return json_integer(pick_incident(b, d));
	case ARG_FLAG:
		return json_boolean(dice_roll(d, 2));
	case ARG_CHOICE:
		while (arg->choices[choices])
			choices++;
		return json_string(arg->choices[dice_roll(d, choices)]);
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
	n = dice_roll(d, (uint32_t)(n + more));
	return n < more ? presses[n] : operations[n - more]->name;
}

static void step_press(struct test_bot *b, struct dice *d)
{
	struct request *r = bot_request(b, "");
	char *args;

	r->words = NULL;
	r->operation = press_name(d);
	r->incident = dice_roll(d, 8) ? pick_incident(b, d) : 0;
	r->actor.person = people[dice_roll(d, PEOPLE)];
	r->can_open_form = true;
	r->from_form = dice_roll(d, 3) == 0;
	r->args = json_object();
	asked.op = operation_by_name(strcmp(r->operation, "take") ? r->operation : "role");
	for (const struct arg_def *arg = asked.op ? asked.op->args : NULL; arg && arg->name; arg++)
		if (dice_roll(d, 3))
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
	if (dice_roll(d, 3) == 0) {
		snprintf(line, sizeof line, "#%lld %s", (long long)id, does[dice_roll(d, 6)]);
		type_as(b, ROOT, line);
	} else if (!*commander) {
		snprintf(line, sizeof line, "#%lld ic %s", (long long)id, mentions[1 + dice_roll(d, 3)]);
		type_as(b, ROOT, line);
	} else if (*asked_to && dice_roll(d, 3)) {
		snprintf(line, sizeof line, "#%lld %s", (long long)id, answers[dice_roll(d, 4)]);
		type_as(b, asked_to, line);
	} else if (*asked_to && dice_roll(d, 2)) {
		snprintf(line, sizeof line, "#%lld handover --withdraw", (long long)id);
		type_as(b, commander, line);
	} else {
		snprintf(line, sizeof line, "#%lld handover %s state: going on; next decision: in 20m",
			(long long)id, mentions[1 + dice_roll(d, 3)]);
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
	const char *person = people[dice_roll(d, PEOPLE)];
	enum reply_kind kind = REPLY_NONE;
	struct marks before = { 0 };

	expand(b, d, lines[dice_roll(d, sizeof lines / sizeof lines[0])], line);
	snprintf(key, sizeof key, "again-%u", dice_roll(d, 1u << 30));
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
		if (i == 1 && dice_roll(d, 4) == 0)
			bot_pass(b, HOUR_MS);
	}
	free(first);
}

static void step_outside(struct test_bot *b, struct dice *d)
{
	static const enum outcome all[] = { OUTCOME_DELIVERED, OUTCOME_RETRY, OUTCOME_UNKNOWN, OUTCOME_DELIVERED, OUTCOME_REFUSED };

	b->outcome = all[dice_roll(d, 5)];
	b->silent = dice_roll(d, 12) == 0;
}

static void step(struct test_bot *b, struct dice *d)
{
	uint32_t what = dice_roll(d, 100);

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
		bot_pass(b, (int64_t)(1 + dice_roll(d, 40)) * MINUTE_MS);
	else if (what < 94)
		bot_pass(b, (int64_t)(1 + dice_roll(d, 8)) * HOUR_MS);
	else if (what < 96)
		b->clock.manual_ms -= (int64_t)dice_roll(d, 30) * MINUTE_MS; /* set back */
	else
		bot_restart(b, (int64_t)dice_roll(d, 90) * MINUTE_MS);
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
	struct order order = { 0 };

	if (!b)
		abort();
	bot_setup(b);
	for (long i = 0; i < steps; i++) {
		order_before(b, &order);
		step(b, &d);
		if (number_from("SITREP_TRACE", 0))
			printf("%ld %s: %s\n", i, asked.person ? asked.person : "-", asked.words);
		order_after(b, &order, &asked);
		if (i % CHECK_EVERY == 0)
			order_check_chain(b);
		/* The list of what was sent is bounded; what was looked at can go. */
		if (b->performed_count > PERFORMED_MAX / 2) {
			order_check_sent(b);
			bot_forget(b);
		}
	}
	/* Peace: everything that can be delivered is, and nothing hangs. Longer than a retry waits and
	 * the clock was set back together. */
	b->outcome = OUTCOME_DELIVERED;
	b->silent = false;
	bot_restart(b, 0);
	bot_pass(b, 90 * MINUTE_MS);
	order_check_peace(b);
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
