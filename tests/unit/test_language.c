/* Lines as people type them, and what is understood: operation, incident, arguments, or the refusal
 * (FEATURES A1–A4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "commands/ends.h"
#include "commands/reading.h"
#include "support_core.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static bool is_number(enum arg_type type)
{
	return type == ARG_INTEGER || type == ARG_FLAG;
}

/* "level=1 why=error rate doubled"; times in seconds from now, durations in seconds. */
static void show_value(struct str *s, const struct call *c, size_t i)
{
	const struct arg_def *d = &c->op->args[i];
	const struct arg_value *v = &c->value[i];

	str_addf(s, " %s=", d->name);
	if (d->type == ARG_TIME)
		str_addf(s, "%+lld", (long long)((v->number - c->now) / 1000));
	else if (d->type == ARG_DURATION)
		str_addf(s, "%lld", (long long)(v->number / 1000));
	else if (d->type == ARG_SEVERITY || is_number(d->type))
		str_addf(s, "%lld", (long long)v->number);
	else
		str_add(s, v->text);
}

static void show_reply(struct str *s, const struct reply *reply)
{
	str_addf(s, "! %s: ", reply->code);
	doc_plain(s, reply->doc, "UTC", TALK_START, NULL, NULL);
}

static void call_prepare(struct call *c, struct talk *x, struct request *r, struct reply *reply)
{
	*c = (struct call){
		.desk = &x->desk,
		.arena = r->arena,
		.store = x->store,
		.config = x->config,
		.request = r,
		.reply = reply,
		.now = TALK_START,
		.actor = ALICE,
		.zone = "UTC",
	};
}

/* What a line says, in one: "severity #42 level=1 why=…", "? …" when there is no operation, "!
 * usage: …" when refused. */
static char *read_as(struct talk *x, const char *words)
{
	struct request *r = request_create(REQUEST_CHAT);
	struct reply reply = { 0 };
	struct line line;
	struct call c;
	struct str s;

	str_init(&s, 200000);
	call_prepare(&c, x, r, &reply);
	line_read(r->arena, words, x->config, &line);
	c.op = line.op;
	if (!line.op) {
		json_t *doc = line_unknown(r->arena, &line);

		str_add(&s, "? ");
		doc_plain(&s, doc, "UTC", TALK_START, NULL, NULL);
		json_decref(doc);
	} else if (args_from_line(&c, &line) < 0 || args_complete(&c) < 0) {
		show_reply(&s, &reply);
	} else {
		str_add(&s, line.op->name);
		if (line.incident)
			str_addf(&s, " #%lld", (long long)line.incident);
		for (size_t i = 0; i < arg_count(c.op); i++)
			if (c.value[i].given)
				show_value(&s, &c, i);
		if (line.bare)
			str_add(&s, " (bare)");
		if (c.understood)
			str_addf(&s, " (%s)", c.understood);
	}
	reply_finish(&reply);
	request_destroy(r);
	return str_take(&s);
}

struct typed {
	const char *line, *as;
};

static void check(struct talk *x, const struct typed *cases, size_t n)
{
	int wrong = 0;

	for (size_t i = 0; i < n; i++) {
		char *as = read_as(x, cases[i].line);
		bool refusal = cases[i].as[0] == '!' || cases[i].as[0] == '?';
		bool same = refusal ? as[0] == cases[i].as[0] && strstr(as, cases[i].as + 2)
				    : !strcmp(as, cases[i].as);

		if (!same) {
			print_error("%s\n  is    %s\n  not   %s\n", cases[i].line, as, cases[i].as);
			wrong++;
		}
		free(as);
	}
	assert_int_equal(wrong, 0);
}

static void test_operations(void **state)
{
	static const struct typed cases[] = {
		{ "", "help (bare)" },
		{ "   \n ", "help (bare)" },
		{ "\x01\x02\x1b\x7f", "help (bare)" },
		{ "\xE2\x80\x8B", "help (bare)" }, /* zero-width blank */
		{ "help", "help (bare)" },
		{ "HELP Update", "help operation=update" },
		{ "? upd", "help operation=update" },
		{ "help ic", "help operation=role" },
		{ "/inc list", "list (bare)" },
		{ "/incident LIST", "list (bare)" },
		{ "list.", "list (bare)" },
		{ "timel", "timeline (bare) (“timel” was read as timeline)" },
		{ "note: rebooted db1", "note text=rebooted db1" },
		{ "status update all good", "update text=all good" },
		{ "false alarm the probe was broken", "cancel why=the probe was broken" },
		{ "identified bad config in v2.31",
			"state to=identified text=bad config in v2.31" },
		{ "Monitoring", "state to=monitoring (bare)" },
		{ "mine", "list mine=1 (bare)" },
		{ "sev1", "? Did you mean: /inc sev … (severity) ?" },
		{ "updte", "? No operation \"updte\". Did you mean: /inc update" },
		{ "updte rolling back", "? (nothing was done)" },
		{ "ca", "? /inc cancel" },
		{ "ca", "? /inc cadence" },
		{ "ca", "? /inc card … (show)" },
		{ "declaring", "? Did you mean" },
		{ "frobnicate the servers",
			"? No operation \"frobnicate\" (nothing was done). /inc help lists" },
		{ "<@U1>", "? No operation \"@U1\" (nothing was done)" },
		{ "<@U1|dave> <@U2>", "? No operation \"@dave\" (nothing was done)" },
		{ "<@UBOB> <@UALICE> <@UCAROL>", "? (nothing was done)" },
		{ "!!!", "? No operation \"!!!\"" },
		{ "promise.due", "? No operation \"promise.due\"" }, /* the system's own */
		{ "effect.outcome", "? (nothing was done)" },
		{ "housekeeping", "? (nothing was done)" },
	};

	check(*state, cases, COUNT(cases));
}

static void test_incident(void **state)
{
	static const struct typed cases[] = {
		{ "#42", "show #42 (bare)" },
		{ "#42 show", "show #42 (bare)" },
		{ "INC-42 show", "show #42 (bare)" },
		{ "inc-42, show", "show #42 (bare)" },
		{ "inc42 show", "show #42 (bare)" },
		{ "show #42", "show #42 (bare)" },
		{ "show Inc-42", "show #42 (bare)" },
		{ "show 42", "show #42 (bare)" },
		{ "show <#C1|inc-42-checkout>", "show #42 (bare)" },
		{ "timeline --incident 42", "timeline #42 (bare)" },
		{ "timeline --incident=#42", "timeline #42 (bare)" },
		{ "#42 note deploy", "note #42 text=deploy" },
		{ "note #42: deploy", "note #42 text=deploy" },
		{ "note deploy --incident INC-42 started", "note #42 text=deploy started" },
		{ "note deploy —incident 42 started", "note #42 text=deploy started" },
		{ "note deploy 42", "note text=deploy 42" },
		{ "note the incident 42 is near", "note text=the incident 42 is near" },
		{ "sev 2 #42 is alike", "severity level=2 why=#42 is alike" },
		{ "sev 1", "severity level=1" },
		{ "reopen #42 errors are back", "reopen #42 why=errors are back" },
		{ "declare #42 is back", "declare title=#42 is back" },
		{ "show #0", "! cannot do anything with" },
		{ "show #99999999999999999999", "! cannot do anything with" },
		{ "#42x show", "? No operation \"#42x\"" },
		{ "show --incident x", "! --incident needs a number" },
	};

	check(*state, cases, COUNT(cases));
}

static void test_declare(void **state)
{
	static const struct typed cases[] = {
		{ "declare sev2 checkout is failing for EU customers",
			"declare title=checkout is failing for EU customers severity=2" },
		{ "declare checkout is failing sev2",
			"declare title=checkout is failing severity=2" },
		{ "declare checkout (SEV-2) is failing",
			"declare title=checkout is failing severity=2" },
		{ "declare sev 2 checkout is failing",
			"declare title=checkout is failing severity=2" },
		{ "declare checkout is failing, severity 1",
			"declare title=checkout is failing, severity=1" },
		{ "new sev2: checkout", "declare title=checkout severity=2" },
		{ "open p1 checkout", "declare title=checkout severity=2" },
		{ "declare major outage of checkout", "declare title=outage of checkout severity=2 "
						      "(“major” was read as the severity)" },
		{ "declare a major outage of checkout",
			"declare title=a major outage of checkout" },
		{ "declare 3 nodes down", "declare title=3 nodes down" },
		{ "declare 3 nodes down sev4", "declare title=3 nodes down severity=4" },
		{ "declare \"checkout is failing\" sev2",
			"declare title=checkout is failing severity=2" },
		{ "declare \"sev1 runbook\" is gone", "declare title=\"sev1 runbook\" is gone" },
		{ "declare “checkout” can’t pay", "declare title=\"checkout\" can't pay" },
		{ "declare \"never closed", "declare title=\"never closed" },
		{ "declare a &amp; b &lt; c", "declare title=a & b < c" },
		{ "declare latency <200ms> is over", "declare title=latency <200ms> is over" },
		{ "declare <!channel> down", "declare title=@channel down" },
		{ "declare <!here|here> down @channel", "declare title=@here down @channel" },
		{ "declare <!subteam^S1|@sre> is away", "declare title=@sre is away" },
		{ "declare <https://x.example/a?b&amp;c|the page> is down",
			"declare title=https://x.example/a?b&c is down" },
		{ "declare <mailto:a@x.example|a@x.example> bounces",
			"declare title=a@x.example bounces" },
		{ "declare <#C1|general> and <#C2|> flood",
			"declare title=#general and #C2 flood" },
		{ "declare <@UBOB> and <@U9|dave> see 5xx",
			"declare title=@bob and @dave see 5xx" },
		{ "declare <@nope> <!> <#> <https:", "declare title=<@nope> <!> <#> <https:" },
		{ "declare p1 --service payments --env prod --customer --since 13:05 payments API "
		  "answers 5xx",
			"declare title=payments API answers 5xx severity=2 service=payments "
			"env=prod since=-3300 customer=1" },
		{ "declare payments 5xx —service payments –env=prod —customer",
			"declare title=payments 5xx service=payments env=prod customer=1" },
		{ "declare service:payments env:prod 5xx",
			"declare title=5xx service=payments env=prod" },
		{ "declare down --service a --service=b", "declare title=down service=a,b" },
		{ "declare down --service \"a b\", --impact 'all of it'",
			"declare title=down impact=all of it service=a b" },
		{ "declare down --impact=\"all of it\" since noon",
			"declare title=down since noon impact=all of it" },
		{ "declare service:\"a b\" --env \"x down",
			"declare title=down service=a b env=\"x" },
		{ "declare down --cust", "declare title=down customer=1" },
		{ "declare down --no-customer", "declare title=down customer=0" },
		{ "declare down --since 20m ago", "declare title=down since=-1200" },
		{ "declare down --since 1h 30m", "declare title=down since=-5400" },
		{ "declare down --since yesterdayish", "! \"yesterdayish\" is no time" },
		{ "declare rolled back -- all quiet", "declare title=rolled back -- all quiet" },
		{ "declare slow — nobody knows why", "declare title=slow — nobody knows why" },
		{ "declare slow —nobody knows why", "declare title=slow —nobody knows why" },
		{ "declare down --servce payments", "! declare has no option --servce. Did you "
						    "mean --service? (nothing was done)" },
		{ "declare down --colour blue",
			"! declare has no option --colour; it has --title, --severity" },
		{ "declare down --service", "! --service needs a value" },
		{ "declare down --service --customer", "! --service needs a value" },
		{ "declare down --env a --env b", "! said twice" },
		{ "declare",
			"! declare needs “what is wrong”; nothing was done. Usage: /inc declare" },
		{ "declare sev2", "! declare needs “what is wrong”" },
		{ "declare down --severity 9",
			"! \"9\" is no severity; there are sev1 (p0), sev2 (p1)" },
		{ "declare two\nlines", "declare title=two\nlines" },
		{ "declare \xff\xfe broken", "declare title=\xEF\xBF\xBD\xEF\xBF\xBD broken" },
		{ "declare a\x01@slack:UBOB\x02"
		  "b",
			"declare title=a@slack:UBOBb" },
	};

	check(*state, cases, COUNT(cases));
}

static void test_others(void **state)
{
	static const struct typed cases[] = {
		{ "update rolling back v2.31, 40 % of checkouts fail, cause not known yet. in 20m",
			"update text=rolling back v2.31, 40 % of checkouts fail, cause not known "
			"yet. in 20m" },
		{ "update known: bad config; unknown: why; next: verify; in 20m",
			"update text=known: bad config; unknown: why; next: verify; in 20m" },
		{ "update fine --at 14:50", "update text=fine at=+3000" },
		{ "update fine --in 20m", "update text=fine at=+1200" },
		{ "update fine --at in 20m", "update text=fine at=+1200" },
		{ "sev 1 error rate doubled", "severity level=1 why=error rate doubled" },
		{ "sev p0 error rate doubled", "severity level=1 why=error rate doubled" },
		{ "severity critical", "severity level=1" },
		{ "severity SEV-3: workaround", "severity level=3 why=workaround" },
		{ "severity worse than ever", "! \"worse\" is no severity; there are sev1" },
		{ "severity", "! severity needs “level”" },
		{ "state mon looks good", "state to=monitoring text=looks good" },
		{ "state foo", "! \"foo\" is none of: triage, investigating" },
		{ "state m", "! is none of" },
		{ "identified --to monitoring", "! said twice" },
		{ "resolve rolled back --signal \"checkout success 99.9 % for 15 min\" --health "
		  "“5xx at baseline”",
			"resolve text=rolled back signal=checkout success 99.9 % for 15 min "
			"health=5xx at baseline" },
		{ "ic <@UBOB>", "role role=commander person=slack:UBOB" },
		{ "IC <@UBOB|bob>", "role role=commander person=slack:UBOB" },
		{ "ic @bob", "role role=commander person=slack:UBOB" },
		{ "ic me", "role role=commander person=slack:UALICE" },
		{ "ic", "role role=commander (bare)" },
		{ "incident commander @bob", "role role=commander person=slack:UBOB" },
		{ "take ops", "role do=take role=operations" },
		{ "drop comms", "role do=drop role=communications" },
		{ "assign ops bob", "role do=assign role=operations person=slack:UBOB" },
		{ "assign @bob scribe", "role do=assign role=scribe person=slack:UBOB" },
		{ "assign slack:UBOB scribe", "role do=assign role=scribe person=slack:UBOB" },
		{ "assign ops @nobody",
			"! I know nobody called \"nobody\"; type @ and pick the person" },
		{ "assign ops nobody", "! I know nobody called \"nobody\"" },
		{ "assign ops <@UBOB> <@UCAROL>", "! role cannot do anything with \"@UCAROL\"" },
		{ "take janitor", "! \"janitor\" is no role; there are commander" },
		{ "roles", "role do=list (bare)" },
		{ "note 13:12 deploy of v2.31 started",
			"note at=-2880 text=deploy of v2.31 started" },
		{ "note 14:12 deploy of v2.31 started",
			"note at=-85680 text=deploy of v2.31 started" },
		{ "note 13:12: deploy", "note at=-2880 text=deploy" },
		{ "note 20m ago: deploy", "note at=-1200 text=deploy" },
		{ "note 20m of downtime", "note text=20m of downtime" },
		{ "note 5 pods crashed", "note text=5 pods crashed" },
		{ "note 13:12,13:14 two restarts", "note text=13:12,13:14 two restarts" },
		{ "hypothesis the cache", "note text=the cache kind=hypothesis" },
		{ "note x --kind dec", "note text=x kind=decision" },
		{ "note", "! note needs “what happened”" },
		{ "note ask <@UBOB> about it", "note text=ask @bob about it" },
		{ "snooze 10m waiting for the vendor",
			"snooze for=600 why=waiting for the vendor" },
		{ "snooze for 1h30 vendor", "snooze for=5400 why=vendor" },
		{ "snooze 15", "snooze for=900" },
		{ "snooze --until 15:10 vendor", "snooze why=vendor until=+4200" },
		{ "cadence 20m", "cadence every=1200" },
		{ "list sev1 service:payments", "list severity=1 service=payments" },
		{ "list state:resolved checkout", "list text=checkout state=resolved" },
		{ "list service:\"a b\"", "list service=a b" },
		{ "list payments sev2 --env prod", "list text=payments severity=2 env=prod" },
		{ "whoami", "whoami (bare)" },
		{ "whoami please", "! whoami cannot do anything with \"please\"" },
		{ "help nothing", "! \"nothing\"" },
	};

	check(*state, cases, COUNT(cases));
}

/* Nothing is cut silently: each is refused with the limit and its length. */
static void test_long(void **state)
{
	struct talk *x = *state;
	char *line = calloc(1, 200001), *as;

	memcpy(line, "note ", 5);
	memset(line + 5, 'x', 40000);
	as = read_as(x, line);
	assert_has(as, "! usage");
	assert_has(as, "40000 characters long; at most 3000 fit");
	free(as);

	line[5 + 3000] = '\0';
	as = read_as(x, line);
	assert_int_equal(strlen(as), strlen("note text=") + 3000);
	free(as);

	for (size_t i = 0; i < 1600; i++)
		memcpy(line + 5 + 2 * i, "ä", 2);
	line[5 + 3200] = '\0';
	as = read_as(x, line);
	assert_has(as, "1600 characters long, which is 3200 bytes; at most 3000 bytes fit");
	free(as);

	memset(line + 5, 'x', 199000);
	as = read_as(x, line);
	assert_has(as, "? This line is 199005 bytes long; at most 65536");
	free(as);
	free(line);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Seconds for as long a line as there may be: the start, then the piece over and over. */
static double time_of(struct talk *x, const char *start, const char *piece)
{
	static char line[LINE_BYTES_MAX + 1];
	size_t len = strlen(piece), at = strlen(start);
	double begun = seconds();

	strcpy(line, start);
	for (; at + len < LINE_BYTES_MAX; at += len)
		memcpy(line + at, piece, len);
	line[at] = '\0';
	free(read_as(x, line));
	return seconds() - begun;
}

/* What makes parsers slow is read about as fast as plain words; anything quadratic takes hundreds
 * of times as long. */
static void test_hostile_is_quick(void **state)
{
	static const char *const pieces[] = {
		"\"a ",
		"'a ",
		"--env 'x ",
		"--env=\"x ",
		"a=\"b ",
		"<@",
		"<@U1",
		"<@U1> ",
		"&amp;",
		"\"",
		"sev ",
		"a1 ",
		"--",
		"—",
		"—a ",
		"in 20m ",
		"14:00 ",
		"a:\"b ",
		"((((",
		"@bob ",
		"#1 ",
		"incident ",
		"--incident ",
		":",
		"service:x ",
		"1",
		"a ",
		"&",
		"“",
		"<https://x|",
		"\n",
	};
	static const char *const starts[] = {
		"declare ", "declare x --impact ", "list ", "note ", "assign ops ", "snooze ", "",
	};
	struct talk *x = *state;
	double plain = time_of(x, "note ", "word "), took;

	for (size_t s = 0; s < COUNT(starts); s++) {
		for (size_t p = 0; p < COUNT(pieces); p++) {
			took = time_of(x, starts[s], pieces[p]);
			if (took > 0.05 + 40 * plain)
				fail_msg("%s%s… took %.3f s, plain words %.3f s", starts[s],
					pieces[p], took, plain);
		}
	}
}

/* ---- structured arguments are read by the same rules ----------------------------------- */

static char *read_json(struct talk *x, const char *op, const char *json)
{
	struct request *r = request_create(REQUEST_CHAT);
	struct reply reply = { 0 };
	struct call c;
	struct str s;

	str_init(&s, 20000);
	call_prepare(&c, x, r, &reply);
	c.op = operation_by_name(op);
	assert_non_null(c.op);
	assert_int_equal(json_parse(json, strlen(json), 20000, &r->args, &x->err), 0);
	if (args_from_json(&c, r->args) < 0)
		show_reply(&s, &reply);
	for (size_t i = 0; reply.kind != REPLY_REFUSAL && i < arg_count(c.op); i++)
		if (c.value[i].given)
			show_value(&s, &c, i);
	reply_finish(&reply);
	request_destroy(r);
	return str_take(&s);
}

static void test_json(void **state)
{
	static const struct {
		const char *op, *json, *as;
	} cases[] = {
		{ "severity", "{\"level\":\"sev1\"}", " level=1" },
		{ "severity", "{\"level\":1,\"why\":\"\"}", " level=1" },
		{ "severity", "{\"level\":\"worst\"}", "! \"worst\" is no severity" },
		{ "severity", "{\"level\":{}}", "! must be a text" },
		{ "severity", "{\"level\":[1]}", "! must be a text" },
		{ "severity", "{\"speed\":\"1\"}", "! severity takes nothing called \"speed\"" },
		{ "severity", "{\"le\":\"1\"}", "! severity takes nothing called \"le\"" },
		{ "severity", "{\"level\":null}", "" },
		{ "declare", "{\"title\":\"a \\u0001@slack:UBOB\\u0002 b\",\"customer\":true}",
			" title=a @slack:UBOB b customer=1" },
		{ "declare",
			"{\"title\":\"a &amp; b\",\"service\":[\"x\",\"y\"],\"customer\":false}",
			" title=a &amp; b service=x,y customer=0" },
		{ "declare", "{\"title\":\"a\",\"since\":\"13:00\"}", " title=a since=-3600" },
		{ "declare", "{\"title\":\"a\",\"since\":1772460000000}", " title=a since=+0" },
		{ "declare", "{\"title\":\"a\",\"customer\":\"perhaps\"}", "! neither yes nor no" },
		{ "role", "{\"do\":\"take\",\"role\":\"ic\"}", " do=take role=commander" },
		{ "role", "{\"role\":\"ops\",\"person\":\"slack:UBOB\"}",
			" role=operations person=slack:UBOB" },
		{ "role", "{\"role\":\"ops\",\"person\":\"<@UBOB>\"}",
			" role=operations person=slack:UBOB" },
		{ "role", "{\"role\":\"ops\",\"person\":\"me\"}",
			" role=operations person=slack:UALICE" },
		{ "role", "{\"person\":\"slack:U<!channel>\"}", "! I know nobody called" },
		{ "role", "{\"person\":\"slack:UBOB,slack:UCAROL\"}", "! I know nobody called" },
		{ "role", "{\"role\":\"janitor\"}",
			"! \"janitor\" is no role; there are commander" },
		{ "snooze", "{\"for\":\"10m\"}", " for=600" },
		{ "snooze", "{\"for\":\"ten apples\"}", "! is no duration; write it like 30m" },
		{ "timeline", "{\"entry\":\"7\"}", " entry=7" },
		{ "timeline", "{\"entry\":\"7x\"}", "! is no whole number" },
		{ "timeline", "{\"entry\":99999999999999999999}", NULL },
	};
	struct talk *x = *state;
	int wrong = 0;

	for (size_t i = 0; i < COUNT(cases) && cases[i].as; i++) {
		char *as = read_json(x, cases[i].op, cases[i].json);
		bool same = cases[i].as[0] == '!' ? as[0] == '!' && strstr(as, cases[i].as + 2)
						  : !strcmp(as, cases[i].as);

		if (!same) {
			print_error("%s %s\n  is    %s\n  not   %s\n", cases[i].op, cases[i].json,
				as, cases[i].as);
			wrong++;
		}
		free(as);
	}
	assert_int_equal(wrong, 0);
}

static void test_person_keys(void **state)
{
	(void)state;
	assert_true(person_key_valid("slack:U123"));
	assert_true(person_key_valid("unix:1000"));
	assert_true(person_key_valid("sitrep"));
	assert_false(person_key_valid("slack:"));
	assert_false(person_key_valid("U123"));
	assert_false(person_key_valid("slack:U1>"));
	assert_false(person_key_valid("slack:U1 U2"));
	assert_false(person_key_valid(":U1"));
	assert_false(person_key_valid(""));
}

/* ---- declarations that no operation of today has, but a later one may ------------------ */

static void read_own(struct talk *x, const struct arg_def *args, const char *rest, const char *as)
{
	const struct operation op = { .name = "own", .args = args };
	struct request *r = request_create(REQUEST_CHAT);
	struct reply reply = { 0 };
	struct line line = { .word = "own" };
	struct call c;
	struct str s STR_CLEANUP;

	str_init(&s, 20000);
	call_prepare(&c, x, r, &reply);
	c.op = &op;
	line.rest = line_clean(r->arena, rest);
	if (args_from_line(&c, &line) < 0 || args_complete(&c) < 0)
		show_reply(&s, &reply);
	for (size_t i = 0; reply.kind != REPLY_REFUSAL && i < arg_count(&op); i++)
		if (c.value[i].given)
			show_value(&s, &c, i);
	if (*as == '!' ? !strstr(s.p, as + 2) : strcmp(s.p, as) != 0)
		fail_msg("%s\n  is    %s\n  not   %s", rest, s.p, as);
	reply_finish(&reply);
	request_destroy(r);
}

static void test_trailing(void **state)
{
	static const struct arg_def args[] = {
		{ .name = "text", .type = ARG_REST },
		{ .name = "at", .type = ARG_TIME, .flags = ARG_TRAILING },
		{ .name = "drill", .type = ARG_FLAG, .flags = ARG_OPTION },
		{ .name = NULL },
	};
	struct talk *x = *state;

	read_own(x, args, "waiting in 20m", " text=waiting at=+1200");
	read_own(x, args, "waiting until 15:00.", " text=waiting at=+3600");
	read_own(x, args, "waiting in 1h 30m --drill", " text=waiting at=+5400 drill=1");
	read_own(x, args, "in 20m", " at=+1200");
	read_own(x, args, "waiting in 20m of rain", " text=waiting in 20m of rain");
	read_own(x, args, "down for 20m", " text=down at=+1200");
	read_own(x, args, "it took 20m", " text=it took 20m");
	read_own(x, args, "waiting", " text=waiting");
}

static void test_positional(void **state)
{
	static const char *const sides[] = { "ours", "theirs", NULL };
	static const struct arg_def args[] = {
		{ .name = "key", .type = ARG_WORD, .flags = ARG_REQUIRED, .max_bytes = 10 },
		{ .name = "count", .type = ARG_INTEGER, .flags = ARG_REQUIRED },
		{ .name = "side", .type = ARG_CHOICE, .choices = sides },
		{ .name = "why", .type = ARG_REST, .flags = ARG_OPTION },
		{ .name = NULL },
	};
	struct talk *x = *state;

	read_own(x, args, "PAY-123 7", " key=PAY-123 count=7");
	read_own(x, args, "\"PAY 1\" -7 our", " key=PAY 1 count=-7 side=ours");
	read_own(x, args, "--why it was wrong --count=3 PAY", " key=PAY count=3 why=it was wrong");
	read_own(x, args, "PAY --count=3 --why it was wrong", " key=PAY count=3 why=it was wrong");
	read_own(
		x, args, "--why it was wrong --count 3 --key x", " key=x count=3 why=it was wrong");
	read_own(x, args, "PAY seven", "! \"seven\" is no whole number");
	read_own(x, args, "PAY-1234567890 7", "! “key” is 14 characters long; at most 10 fit");
	read_own(x, args, "PAY", "! own needs “count”");
	read_own(x, args, "PAY 7 neither", "! own cannot do anything with \"neither\"");
	read_own(x, args, "", "! own needs “key”");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_operations, talk_setup, talk_teardown),
		cmocka_unit_test_setup_teardown(test_incident, talk_setup, talk_teardown),
		cmocka_unit_test_setup_teardown(test_declare, talk_setup, talk_teardown),
		cmocka_unit_test_setup_teardown(test_others, talk_setup, talk_teardown),
		cmocka_unit_test_setup_teardown(test_long, talk_setup, talk_teardown),
		cmocka_unit_test_setup_teardown(test_hostile_is_quick, talk_setup, talk_teardown),
		cmocka_unit_test_setup_teardown(test_json, talk_setup, talk_teardown),
		cmocka_unit_test_setup_teardown(test_trailing, talk_setup, talk_teardown),
		cmocka_unit_test_setup_teardown(test_positional, talk_setup, talk_teardown),
		cmocka_unit_test(test_person_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
