/* Message templates: variables, bold, lines left out, what is refused at load (FEATURES E6). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "incident/doc.h"
#include "incident/template.h"

static struct template_values values;
static struct str out;

static int setup(void **state)
{
	(void)state;
	memset(&values, 0, sizeof(values));
	values.value[VAR_SEVERITY] = "SEV2";
	values.value[VAR_TITLE] = "checkout is failing";
	values.value[VAR_KNOWN] = "";
	str_init(&out, 20000);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	str_finish(&out);
	return 0;
}

static void renders(const char *line, const char *expected)
{
	str_reset(&out);
	assert_true(template_render(&out, line, &values));
	assert_string_equal(out.p, expected);
}

static void test_variables(void **state)
{
	(void)state;
	renders("[{{severity}}] {{title}}", "[SEV2] checkout is failing");
	renders("{{ severity }}{{severity}}", "SEV2SEV2");
	renders("no variable", "no variable");
	renders("", "");
	renders("{severity} {{severity", "{severity} {{severity");
	renders("{{severity}}: {{impact}}", "SEV2: ");
}

static void test_empty_lines_go(void **state)
{
	(void)state;
	str_reset(&out);
	assert_false(template_render(&out, "*Known:* {{known}}", &values));
	assert_false(template_render(&out, "*{{impact}}* {{doing}}", &values));
	assert_int_equal(out.len, 0);
}

static void test_bold(void **state)
{
	(void)state;
	renders("*Level:* {{severity}}", "\001bLevel:\002 SEV2");
	renders("*{{severity}}* up", "\001bSEV2\002 up");
	renders("5 * 3", "5 * 3");
	renders("a ** b", "a ** b");
	/* A mark does not stand in a mark. */
	values.value[VAR_NEXT_UPDATE] = "\001t1772460000000\002";
	renders("*until {{next_update}}*", "until \001t1772460000000\002");
}

/* What people type is text, whatever it looks like. */
static void test_values_are_not_templates(void **state)
{
	(void)state;
	values.value[VAR_TITLE] = "{{severity}} *bold* }}";
	renders("{{title}}", "{{severity}} *bold* }}");
	renders("*{{title}}*", "\001b{{severity}} *bold* }}\002");
	renders("{{title}} *x*", "{{severity}} *bold* }} \001bx\002");
}

static void test_long_values(void **state)
{
	static char text[9000];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	values.value[VAR_KNOWN] = text;
	renders("{{known}}", text);
	/* Longer than a mark may be: not bold rather than cut. */
	renders("*{{known}}*", text);
}

static void test_unknown(void **state)
{
	char name[TEMPLATE_NAME_MAX + 1];

	(void)state;
	assert_false(template_unknown("{{severity}} {{ title }} {x} }}", name));
	assert_true(template_unknown("{{severity}} {{sevrity}}", name));
	assert_string_equal(name, "sevrity");
	assert_true(template_unknown("a {{severity", name));
	assert_true(template_unknown("{{}}", name));
	assert_string_equal(name, "");
	assert_true(template_unknown(
		"{{a name that is much longer than any variable could ever be}}", name));
	assert_int_equal(strlen(name), TEMPLATE_NAME_MAX);
}

static void test_every_variable_is_told(void **state)
{
	(void)state;
	for (int v = 0; v < TEMPLATE_VARIABLE_COUNT; v++) {
		const char *name = template_variable_name((enum template_variable)v);

		assert_non_null(name);
		assert_non_null(template_variable_help((enum template_variable)v));
		assert_true(strlen(name) <= TEMPLATE_NAME_MAX);
		for (int w = 0; w < v; w++)
			assert_string_not_equal(
				name, template_variable_name((enum template_variable)w));
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_variables),
		TEST(test_empty_lines_go),
		TEST(test_bold),
		TEST(test_values_are_not_templates),
		TEST(test_long_values),
		TEST(test_unknown),
		TEST(test_every_variable_is_told),
	};

	return cmocka_run_group_tests_name("template", tests, NULL, NULL);
}
