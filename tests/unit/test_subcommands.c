/* Command lines, as the shell gives them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support_config.h"
#include "support_store.h"

int sitrep_main(int argc, char **argv);
#define main	       sitrep_main
#define SITREP_VERSION "of a test"
#include "bot/main.c" /* NOLINT(bugprone-suspicious-include) */
#undef main

static struct scratch *record;

/* A record, a folder that names it, and the other one (config/ where we are) that is not there. */
static int setup(void **state)
{
	char text[256];

	assert_int_equal(scratch_setup(state), 0);
	record = *state;
	assert_int_equal(config_setup(NULL), 0);
	snprintf(text, sizeof(text), "store: { path: %s }\n", record->path);
	config_put("sitrep.yml", text);
	return chdir("/");
}

static int teardown(void **state)
{
	config_teardown(NULL);
	return scratch_teardown(state);
}

/* Runs `sitrep …`; %C is the folder, %R the record. */
static int sitrep(const char *line)
{
	char words[1000], *argv[32] = { 0 };
	size_t n = 0;
	int argc = 0;

	for (; *line; line++) {
		const char *word = line[0] != '%' ? NULL : line[1] == 'C' ? config_dir : record->path;

		n += (size_t)snprintf(words + n, sizeof(words) - n, word ? "%s" : "%.1s", word ? word : line);
		line += word != NULL;
		assert_true(n < sizeof(words));
	}
	for (char *rest = words; argc < 31 && (argv[argc] = strtok_r(rest, " ", &rest));)
		argc++;
	return sitrep_main(argc, argv);
}

static void audit_takes_options_on_both_sides(void **state)
{
	(void)state;
	assert_int_equal(sitrep("sitrep audit verify --config %C"), 0);
	assert_int_equal(sitrep("sitrep audit --config %C verify"), 0);
	assert_int_equal(sitrep("sitrep audit --config %C verify --set timezone=UTC"), 0);
	assert_int_equal(sitrep("sitrep audit --set timezone=UTC verify --config %C"), 0);
	/* Each of them counts, and the later one wins. */
	assert_int_equal(sitrep("sitrep audit --set store.path=/nowhere/x.db verify --config %C"), 2);
	assert_int_equal(sitrep("sitrep audit --config %C verify --set store.path=/nowhere/x.db"), 2);
	assert_int_equal(sitrep("sitrep audit --config /nowhere verify --config %C"), 0);
	assert_int_equal(sitrep("sitrep audit --config %C verify --set nothing=1"), 2);
	assert_int_equal(sitrep("sitrep audit --config %C verify --config"), 2);
	assert_int_equal(sitrep("sitrep audit verify"), 2); /* there is no folder where we are */
}

static void postmortem_takes_options_on_both_sides(void **state)
{
	(void)state;
	assert_int_equal(sitrep("sitrep postmortem export --config %C 1"), 1); /* there is no such incident */
	assert_int_equal(sitrep("sitrep postmortem --config %C export --set timezone=UTC 1"), 1);
	assert_int_equal(sitrep("sitrep postmortem --set store.path=%R export 1 --config %C"), 1);
	assert_int_equal(sitrep("sitrep postmortem export 1"), 2);
}

/* A folder without --config in front of it is not passed over, and another one looked at. */
static void words_that_nobody_reads_are_refused(void **state)
{
	(void)state;
	assert_int_equal(sitrep("sitrep check --config %C"), 0);
	assert_int_equal(sitrep("sitrep check --config %C %C"), 2);
	assert_int_equal(sitrep("sitrep audit --config %C verify %C"), 2);
	assert_int_equal(sitrep("sitrep manifest x"), 2);
	assert_int_equal(sitrep("sitrep run --config /nowhere x"), 2); /* else 1 */
	assert_int_equal(sitrep("sitrep doctor --config /nowhere x"), 2);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(audit_takes_options_on_both_sides),
		CASE(postmortem_takes_options_on_both_sides),
		CASE(words_that_nobody_reads_are_refused),
	};

	return cmocka_run_group_tests_name("subcommands", tests, NULL, NULL);
}
