/* The operation table: every entry is whole, no two answer to one word, and what is made from it is
 * up to date. */
#include <ctype.h>
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "commands/reading.h"
#include "config/config.h"
#include "incident/doc.h"
#include "support_core.h"

#define REFERENCE SITREP_SOURCE_DIR "/docs/commands.md"
#define FILE_MAX  (4u << 20)

static bool visible(const struct operation *op)
{
	return !(op->flags & OP_INTERNAL);
}

static void test_entries_are_whole(void **state)
{
	(void)state;
	for (size_t i = 0; operations[i]; i++) {
		const struct operation *op = operations[i];

		assert_non_null(op->name);
		assert_non_null(op->run);
		assert_non_null(op->summary);
		assert_true(*op->summary && op->summary[strlen(op->summary) - 1] != '.');
		assert_true(strlen(op->summary) <= 100); /* a line or two on a phone */
		assert_ptr_equal(operation_by_name(op->name), op);
		assert_true(arg_count(op) <= CALL_ARGS_MAX);
		if (!visible(op))
			continue;
		assert_null(strpbrk(op->name, "._ "));
		assert_non_null(op->example);
		assert_true(op->right || (op->flags & OP_READS));
	}
	assert_null(operation_by_name("nothing of the kind"));
	assert_null(operation_by_name(NULL));
}

/* Names, aliases and the shipped role names: one word, one meaning. */
static void test_words_are_unique(void **state)
{
	struct talk *x = *state;
	const char *seen[500];
	size_t n = 0;

	for (size_t i = 0; operations[i]; i++) {
		seen[n++] = operations[i]->name;
		for (const struct op_alias *al = operations[i]->aliases; al && al->name; al++)
			seen[n++] = al->name;
	}
	for (size_t i = 0; i < x->config->roles.count; i++)
		for (size_t k = 0; k < ROLE_NAMES_MAX && x->config->roles.role[i].names[k]; k++)
			seen[n++] = x->config->roles.role[i].names[k];
	assert_true(n < 500);
	for (size_t i = 0; i < n; i++)
		for (size_t k = i + 1; k < n; k++)
			if (!strcasecmp(seen[i], seen[k]))
				fail_msg("\"%s\" is said by two", seen[i]);
}

static void test_arguments(void **state)
{
	(void)state;
	for (size_t i = 0; operations[i]; i++) {
		const struct operation *op = operations[i];
		size_t rests = 0, at;

		for (const struct arg_def *d = op->args; d && d->name; d++) {
			if (arg_find(op, d->name, strlen(d->name), &at) != d)
				fail_msg("%s: two arguments answer to --%s", op->name, d->name);
			if (strcmp(d->name, "incident") == 0)
				fail_msg("%s: --incident belongs to the language", op->name);
			rests += d->type == ARG_REST && !(d->flags & ARG_OPTION);
			if ((d->type == ARG_CHOICE) != (d->choices != NULL))
				fail_msg("%s: choices of --%s", op->name, d->name);
			if (visible(op) && (!d->label || !d->help))
				fail_msg("%s: --%s has no label or no help", op->name, d->name);
		}
		if (rests > 1)
			fail_msg("%s takes two free texts", op->name);
		for (const struct op_alias *al = op->aliases; al && al->name; al++)
			if (al->arg && !arg_find(op, al->arg, strlen(al->arg), &at))
				fail_msg("%s: alias %s sets --%s, which is not there", op->name,
					al->name, al->arg);
	}
}

/* Each example is a line that its own operation accepts, whole. */
static void test_examples(void **state)
{
	struct talk *x = *state;

	for (size_t i = 0; operations[i]; i++) {
		struct request *r;
		struct reply reply = { 0 };
		struct line line;
		struct call c;

		if (!visible(operations[i]))
			continue;
		r = request_create(REQUEST_CHAT);
		c = (struct call){ .desk = &x->desk,
			.arena = r->arena,
			.store = x->store,
			.config = x->config,
			.request = r,
			.reply = &reply,
			.now = TALK_START,
			.actor = ALICE,
			.zone = "UTC" };
		line_read(r->arena, operations[i]->example, x->config, &line);
		if (line.op != operations[i])
			fail_msg("\"%s\" is no %s", operations[i]->example, operations[i]->name);
		c.op = line.op;
		if (args_from_line(&c, &line) < 0 || args_complete(&c) < 0)
			fail_msg("\"%s\" is refused: %s", operations[i]->example,
				json_get_str(reply.doc, "text"));
		reply_finish(&reply);
		request_destroy(r);
	}
}

/* Every alias finds its operation, in any case, and so does every unique beginning. */
static void test_every_word_finds(void **state)
{
	struct found f;

	(void)state;
	for (size_t i = 0; operations[i]; i++) {
		if (!visible(operations[i])) {
			assert_false(operation_find(operations[i]->name, &f));
			continue;
		}
		assert_true(operation_find(operations[i]->name, &f));
		assert_ptr_equal(f.op, operations[i]);
		for (const struct op_alias *al = operations[i]->aliases; al && al->name; al++) {
			char upper[64];
			size_t n = strlen(al->name);

			for (size_t k = 0; k <= n; k++)
				upper[k] = (char)toupper((unsigned char)al->name[k]);
			assert_true(operation_find(upper, &f));
			assert_ptr_equal(f.op, operations[i]);
			assert_ptr_equal(f.alias, al);
		}
	}
	assert_false(operation_find("", &f));
}

/* Behind which no letter goes on, and before which none stands. */
static bool has_word(const char *text, const char *word)
{
	for (const char *p = text; (p = strstr(p, word)) != NULL; p++)
		if ((p == text || !isalpha((unsigned char)p[-1])) &&
			!isalpha((unsigned char)p[strlen(word)]))
			return true;
	return false;
}

static void test_help(void **state)
{
	struct talk *x = *state;

	talk_say(x, "help");
	for (size_t i = 0; operations[i]; i++) {
		const struct operation *op = operations[i];

		if (visible(op) && !(op->flags & OP_HIDDEN))
			assert_true(has_word(x->text, op->name));
		if (!visible(op))
			assert_has_not(x->text, op->summary);
	}
	/* What one incident needs is explained; the rest is a line a group, for a phone. */
	assert_has(x->text, operation_by_name("update")->summary);
	assert_has(x->text, operation_by_name("resolve")->summary);
	assert_has_not(x->text, operation_by_name("whoami")->summary);
	assert_true(strlen(x->text) < 1600);
	for (size_t i = 0; operations[i]; i++) {
		const struct operation *op = operations[i];

		if (!visible(op))
			continue;
		talk_say(x, arena_printf(x->arena, "help %s", op->name));
		assert_answered(x, arena_printf(x->arena, "/inc %s", op->name));
		assert_has(x->text, op->summary);
		assert_has(x->text, op->example);
		for (const struct arg_def *d = op->args; d && d->name; d++)
			assert_has(x->text, d->help);
		for (const struct op_alias *al = op->aliases; al && al->name; al++)
			assert_has(x->text, al->name);
	}
}

static void test_usage(void **state)
{
	struct str s STR_CLEANUP;

	(void)state;
	str_init(&s, 4000);
	usage_line(&s, operation_by_name("severity"));
	assert_string_equal(s.p, "/inc severity [#42] <level> [<why>]");
	str_reset(&s);
	usage_line(&s, operation_by_name("show"));
	assert_string_equal(s.p, "/inc show [#42]");
	str_reset(&s);
	usage_line(&s, operation_by_name("declare"));
	assert_has(s.p, "/inc declare [<severity>] <what is wrong> [--");
	assert_has(s.p, " [--customer]");
}

/* ---- what is made from the table ------------------------------------------------------- */

static char *file_text(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = calloc(1, FILE_MAX + 1);

	assert_non_null(text);
	if (f) {
		text[fread(text, 1, FILE_MAX, f)] = '\0';
		fclose(f);
	}
	return text;
}

/* With SITREP_UPDATE set the file is written instead of compared. */
static void test_reference_is_up_to_date(void **state)
{
	struct str s STR_CLEANUP;
	char *committed;

	(void)state;
	str_init(&s, FILE_MAX);
	help_reference(&s);
	assert_false(s.cut);
	for (size_t i = 0; operations[i]; i++) {
		char heading[64];

		snprintf(heading, sizeof(heading), "### %s\n", operations[i]->name);
		if (visible(operations[i]) && !(operations[i]->flags & OP_HIDDEN))
			assert_has(s.p, heading);
	}
	if (getenv("SITREP_UPDATE")) {
		FILE *f = fopen(REFERENCE, "w");

		assert_non_null(f);
		assert_int_equal(fwrite(s.p, 1, s.len, f), s.len);
		assert_int_equal(fclose(f), 0);
	}
	committed = file_text(REFERENCE);
	if (strcmp(committed, s.p))
		fail_msg("docs/commands.md is not what the table says; SITREP_UPDATE=1 test_table "
			 "writes it anew");
	free(committed);
}

/* ---- every operation has a test -------------------------------------------------------- */

/* Is it said to the bot in this text: "name …" or "/inc name …" or a press of it? */
static bool mentions(const char *text, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = strstr(text, name); p; p = strstr(p + 1, name)) {
		char before = p > text ? p[-1] : '\n', after = p[n];

		if (strchr("\"' ", before) && before &&
			(after == '"' || after == '\'' || after == ' '))
			return true;
	}
	return false;
}

static void add_folder(struct str *all, const char *folder, const char *ending)
{
	DIR *d = opendir(folder);
	char path[1024];

	for (struct dirent *e; d && (e = readdir(d));) {
		size_t n = strlen(e->d_name), m = strlen(ending);

		/* Not this one: it names all of them by the table. */
		if (n < m || strcmp(e->d_name + n - m, ending) ||
			!strcmp(e->d_name, "test_table.c"))
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);

		char *text = file_text(path);

		str_add(all, text);
		free(text);
	}
	if (d)
		closedir(d);
}

static void test_every_operation_has_a_test(void **state)
{
	struct str all STR_CLEANUP;

	(void)state;
	str_init(&all, 64u << 20);
	add_folder(&all, SITREP_SOURCE_DIR "/tests/unit", ".c");
	add_folder(&all, SITREP_SOURCE_DIR "/tests/scenario", ".py");
	assert_false(all.cut);
	assert_true(all.len > 0);
	for (size_t i = 0; operations[i]; i++)
		if (visible(operations[i]) && !mentions(all.p, operations[i]->name))
			fail_msg("no test says \"%s\"", operations[i]->name);
	assert_false(mentions(all.p, "no-such-" "operation"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries_are_whole),
		cmocka_unit_test_setup_teardown(test_words_are_unique, talk_setup, talk_teardown),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test_setup_teardown(test_examples, talk_setup, talk_teardown),
		cmocka_unit_test(test_every_word_finds),
		cmocka_unit_test_setup_teardown(test_help, talk_setup, talk_teardown),
		cmocka_unit_test(test_usage),
		cmocka_unit_test(test_reference_is_up_to_date),
		cmocka_unit_test(test_every_operation_has_a_test),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
