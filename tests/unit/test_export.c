/* The export: whole, the same each time, and harmless wherever it is opened (FEATURES F5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "commands/export.h"
#include "store/audit.h"
#include "store/timelines.h"
#include "support_core.h"

static int setup(void **state)
{
	int rc = talk_setup(state);
	struct talk *x = *state;

	if (rc == 0) {
		talk_say(x, "declare sev2 checkout is failing");
		talk_deliver(x);
		x->channel = "slack:CINC1";
		talk_pass(x, MINUTE_MS);
	}
	return rc;
}

static const char *asker = ALICE;

/* By ctl: the answer is the file. */
static const char *export(struct talk *x, const char *words)
{
	static char kept[EXPORT_MAX + 1];
	struct request *r = request_create(REQUEST_SHELL);

	r->actor.person = asker;
	r->actor.name = "root";
	r->words = arena_strdup(r->arena, words);
	r->received_at = clock_now(&x->clock);
	reply_finish(&x->reply);
	assert_int_equal(store_begin(x->store, &x->err), 0);
	assert_int_equal(dispatch(&x->desk, r, &x->reply, &x->err), 0);
	assert_int_equal(store_commit(x->store, &x->err), 0);
	assert_int_equal(x->reply.kind, REPLY_MESSAGE);
	assert_int_equal(json_array_size(json_get_arr(x->reply.doc, "blocks")), 0); /* nothing beside the file */
	snprintf(kept, sizeof(kept), "%s", json_get_str(x->reply.doc, "text"));
	request_destroy(r);
	return kept;
}

static void fill(struct talk *x)
{
	talk_say_as(x, BOB, "take ic");
	talk_say(x, "impact 25% of checkouts, 1200 users since 13:42");
	talk_say(x, "scope group EU tenants --note \"from the dashboard\"");
	talk_say(x, "update rolling back v2.31. in 20m");
	talk_pass(x, 31 * MINUTE_MS); /* an update is missed */
	talk_say(x, "note 13:42 deploy of v2.31 started");
}

static void test_markdown(void **state)
{
	struct talk *x = *state;
	const char *text;

	fill(x);
	text = export(x, "#1 export");
	assert_has(text, "# INC-1: checkout is failing\n");
	assert_has(text, "- Severity: SEV2\n");
	assert_has(text, "- Users: 1200\n");
	assert_has(text, "- Data loss: unknown\n");
	assert_has(text, "Role: commander; Person: @bob");
	assert_has(text, "Missed at: 2026-03-02T14:");
	assert_has(text, "Value: EU tenants; Affected: yes; Note: from the dashboard");
	assert_has(text, "## Updates and other communication\n\n- ");
	assert_has(text, "rolling back v2.31");
	assert_has(text, "- 2026-03-02T13:42:00Z **note** deploy of v2.31 started — @alice");
	assert_has(text, "## Checkpoints\n\nNone on record.");
	/* Oldest first. */
	assert_true(strstr(text, "**note** deploy") < strstr(text, "declared SEV2"));
}

static void test_json(void **state)
{
	struct talk *x = *state;
	JSON_CLEANUP json_t *o = NULL;
	const char *text;

	fill(x);
	talk_say(x, "note \"quotes\" \\ back\\slash </script> \xf0\x9f\x94\xa5");
	text = export(x, "#1 export json");
	assert_int_equal(json_parse(text, strlen(text), EXPORT_MAX, &o, &x->err), 0);
	assert_string_equal(json_string_value(json_at(o, "incident.id")), "INC-1");
	assert_true(json_is_null(json_at(o, "incident.resolved_at")));
	assert_string_equal(json_string_value(json_at(o, "figures.data-loss")), "unknown");
	assert_string_equal(json_string_value(json_at(o, "scope.0.value")), "EU tenants");
	assert_string_equal(json_string_value(json_at(o, "roles.0.person")), "@bob");
	assert_int_equal(json_array_size(json_get_arr(o, "timeline")), talk_entries(x, 1));
	assert_int_equal(json_get_int(o, "timeline_left_out", -1), 0);
	assert_has(json_get_str(
			   json_array_get(json_get_arr(o, "timeline"), talk_entries(x, 1) - 1),
			   "text"),
		"</script> \xf0\x9f\x94\xa5");
}

static void test_same_bytes(void **state)
{
	static const char *const formats[] = { "#1 export md", "#1 export csv", "#1 export json" };
	struct talk *x = *state;

	fill(x);
	asker = "unix:1000";
	export(x, "#1 note from the shell");
	asker = ALICE;
	for (size_t i = 0; i < 3; i++) {
		const char *first = arena_strdup(x->arena, export(x, formats[i]));

		talk_pass(x, SECOND_MS);
		assert_string_equal(first, export(x, formats[i]));
		asker = "unix:1000"; /* whoever asks, and whatever the shell calls them */
		assert_string_equal(first, export(x, formats[i]));
		asker = ALICE;
	}
}

static void test_cells(void **state)
{
	static const struct {
		const char *text, *cell;
	} cases[] = {
		{ "plain", "\"plain\"" },
		{ "", "\"\"" },
		{ "a,b;c", "\"a,b;c\"" },
		{ "say \"no\"", "\"say \"\"no\"\"\"" },
		{ "two\nlines", "\"two\nlines\"" },
		{ "=1+1", "\"'=1+1\"" },
		{ "+1", "\"'+1\"" },
		{ "-1", "\"'-1\"" },
		{ "@SUM(A1)", "\"'@SUM(A1)\"" },
		{ "\t=1", "\"'\t=1\"" },
		{ "  =1", "\"'  =1\"" },
		{ "\r=1", "\"'\r=1\"" },
		{ "|calc", "\"'|calc\"" },
		{ "＝1", "\"'＝1\"" },
		{ "=HYPERLINK(\"http://x\")", "\"'=HYPERLINK(\"\"http://x\"\")\"" },
		{ "a=b", "\"a=b\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str s STR_CLEANUP;

		str_init(&s, 1000);
		export_csv_cell(&s, cases[i].text);
		assert_string_equal(s.p, cases[i].cell);
	}
}

static void test_markdown_text(void **state)
{
	struct str s STR_CLEANUP;

	(void)state;
	str_init(&s, 1000);
	text_markdown(&s, "<img onerror=x> [a](javascript:b) **b** `c` _d_ ~~e~~ |f|\n# g & \\h $i$");
	assert_string_equal(s.p,
		"&lt;img onerror=x&gt; \\[a\\](javascript:b) \\*\\*b\\*\\* \\`c\\` \\_d\\_ "
		"\\~\\~e\\~\\~ \\|f\\| \\# g &amp; \\\\h \\$i\\$");
}

/* Every row has six cells, whatever people wrote. */
static size_t rows_of_six(const char *csv)
{
	size_t rows = 0, cells = 1;
	bool quoted = false;

	for (const char *p = csv; *p; p++) {
		if (*p == '"')
			quoted = !quoted;
		if (quoted)
			continue;
		cells += *p == ',';
		if (*p == '\n') {
			assert_int_equal(p[-1], '\r');
			assert_int_equal(cells, 6);
			cells = 1;
			rows++;
		}
	}
	assert_false(quoted);
	return rows;
}

static void test_csv(void **state)
{
	struct talk *x = *state;
	const char *text;
	size_t rows;

	fill(x);
	rows = rows_of_six(export(x, "#1 export csv"));
	talk_say(x, "note =cmd|' /C calc'!A0, \"two\"");
	text = export(x, "#1 export csv");
	assert_int_equal(rows_of_six(text), rows + 1);
	assert_has(text, "\"'=cmd|' /C calc'!A0, \"\"two\"\"\"");
	assert_null(strstr(text, "\"=cmd"));
	/* "@bob" would be a formula as well. */
	assert_has(text, "\"'@bob\"");
	assert_has(text, "\"promise\",\"2026-03-02T14:");
	assert_has(text, "missed_at=2026-03-02T14:");
}

/* A megabyte of timeline: the newest stays, and the file says what is missing. */
static void test_large(void **state)
{
	static char big[2900];
	struct talk *x = *state;
	const char *text;

	memset(big, '"', sizeof(big) - 1);
	assert_int_equal(store_begin(x->store, &x->err), 0);
	for (int i = 0; i < 400; i++) {
		struct timeline_entry e = { .incident = 1,
			.happened_at = TALK_START + i,
			.recorded_at = TALK_START + i,
			.kind = ENTRY_NOTE,
			.author = arena_strdup(x->arena, ALICE),
			.text = arena_printf(x->arena, "%d %s", i, big) };
		assert_int_equal(timeline_append(x->store, &e, &x->err), 0);
	}
	assert_int_equal(store_commit(x->store, &x->err), 0);
	text = export(x, "#1 export md");
	assert_true(strlen(text) < EXPORT_MAX);
	assert_has(text, "older entries did not fit into this file.");
	assert_has(text, "**note** 399 ");
	assert_null(strstr(text, "**note** 0 "));
	rows_of_six(export(x, "#1 export csv"));
	JSON_CLEANUP json_t *o = NULL;
	text = export(x, "#1 export json");
	assert_int_equal(json_parse(text, strlen(text), EXPORT_MAX, &o, &x->err), 0);
	assert_int_equal(json_get_int(o, "timeline_left_out", 0) +
				 (int64_t)json_array_size(json_get_arr(o, "timeline")),
		talk_entries(x, 1));
	assert_true(json_get_int(o, "timeline_left_out", 0) > 0);
}

static size_t exported(struct talk *x)
{
	struct audit_entry *e;
	size_t n, count = 0;

	assert_int_equal(audit_list(x->store, x->arena, 1, 500, &e, &n, &x->err), 0);
	for (size_t i = 0; i < n; i++)
		count += strcmp(e[i].action, "incident.exported") == 0;
	return count;
}

static void test_in_chat(void **state)
{
	struct talk *x = *state;
	struct effect *e;

	talk_forget(x);
	talk_say(x, "export csv");
	assert_answered(x, "on its way as inc-1-20260302T1401");
	assert_has(x->text, "to this channel");
	assert_int_equal(exported(x), 1);
	e = talk_file(x);
	assert_string_equal(e->channel, "slack:CINC1");
	assert_null(json_get_str(e->payload, "person"));
	assert_has(json_get_str(e->payload, "name"), ".csv");
	assert_has(json_get_str(e->payload, "text"), "\"section\",\"time\"");
	effect_destroy(e);
	talk_forget(x);
	/* Elsewhere it is for the asker alone. */
	x->channel = "slack:CGENERAL";
	talk_say_as(x, BOB, "#1 export");
	assert_answered(x, "to you alone");
	e = talk_file(x);
	assert_string_equal(json_get_str(e->payload, "person"), BOB);
	effect_destroy(e);
	talk_say(x, "#1 export xml");
	assert_int_equal(x->reply.kind, REPLY_REFUSAL);
}

/* Legal conclusions are kept apart from the facts, here too (FEATURES G3); and the file of a protected
 * incident is for those with access when it goes out, not when it was asked for. */
static void test_protected(void **state)
{
	static const char *const formats[] = { "md", "csv", "json" };
	struct talk *x = *state;
	struct effect *out[64];
	char words[80];
	long long id;
	size_t n;

	x->channel = NULL;
	talk_forget(x);
	talk_say(x, "declare sev2 --security keys leaked");
	assert_int_equal(sscanf(x->text, "INC-%lld", &id), 1);
	snprintf(words, sizeof(words), "#%lld note --legal we must tell the regulator", id);
	talk_say(x, words);
	assert_answered(x, "legal conclusion");
	for (size_t i = 0; i < 3; i++) {
		snprintf(words, sizeof(words), "#%lld export %s", id, formats[i]);
		assert_has(export(x, words), "keys leaked");
		assert_null(strstr(export(x, words), "regulator"));
	}
	snprintf(words, sizeof(words), "#%lld export", id);
	talk_say_as(x, BOB, words);
	assert_refused(x, "not_found", "There is no INC-");
	snprintf(words, sizeof(words), "#%lld grant @bob", id);
	talk_say(x, words);
	snprintf(words, sizeof(words), "#%lld export", id);
	talk_say_as(x, BOB, words);
	assert_answered(x, "to you alone");
	snprintf(words, sizeof(words), "#%lld revoke @bob not needed", id);
	talk_say(x, words);
	deliver_expect_any(&x->desk);
	assert_int_equal(store_begin(x->store, &x->err), 0);
	assert_int_equal(deliver_start(&x->desk, out, 64, &n, &x->err), 0);
	assert_int_equal(store_commit(x->store, &x->err), 0);
	for (size_t i = 0; i < n; i++) {
		assert_int_not_equal(out[i]->kind, EFFECT_FILE_SHARE);
		effect_destroy(out[i]);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, talk_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_markdown),
		TEST(test_json),
		TEST(test_same_bytes),
		cmocka_unit_test(test_cells),
		cmocka_unit_test(test_markdown_text),
		TEST(test_csv),
		TEST(test_large),
		TEST(test_in_chat),
		TEST(test_protected),
	};

	return cmocka_run_group_tests_name("export", tests, NULL, NULL);
}
