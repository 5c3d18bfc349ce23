/* Templates: the user's wording of messages, and of postmortems. What people typed is put in and never read as one. */
#include "base/text.h"
#include "incident/doc.h"
#include "incident/review.h"
#include "incident/template.h"
#include "tests/fuzz/fuzz.h"

/* ---- of messages ------------------------------------------------------------------------- */

#define VALUE "{{id}} *{{title}}* }}{{"

static struct template_values values_of(const char *value)
{
	struct template_values v;

	for (size_t i = 0; i < TEMPLATE_VARIABLE_COUNT; i++)
		v.value[i] = value;
	return v;
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (const char *p = text; (p = strstr(p, what)) != NULL; p += strlen(what))
		n++;
	return n;
}

static void message(const uint8_t *data, size_t size)
{
	char *line = fuzz_string(data, size), name[TEMPLATE_NAME_MAX + 1];
	struct template_values none = values_of(NULL), same = values_of(VALUE);
	STR_CLEANUP struct str empty, full;
	bool unknown = template_unknown(line, name), shown;

	str_init(&empty, 8u << 20);
	str_init(&full, 8u << 20);
	MUST(!unknown || strlen(name) <= TEMPLATE_NAME_MAX);
	shown = template_render(&empty, line, &none);
	MUST(shown || !empty.len);
	template_render(&full, line, &same);
	/* Without variables it is its own text, whatever they stand for. */
	if (!strstr(line, "{{"))
		MUST(shown && full.len == empty.len && !memcmp(full.len ? full.p : "", empty.len ? empty.p : "", full.len));
	/* Each value stands there whole, as often as its variable does. */
	if (!unknown && !full.cut)
		MUST(count(full.len ? full.p : "", VALUE) <= count(line, "{{"));
	if (!unknown && !shown && strlen(line) < 200)
		MUST(full.len && strstr(full.p, VALUE));
	if (text_valid(line, strlen(line)) && strlen(line) < 200)
		MUST(!full.len || text_valid(full.p, full.len));
	free(line);
}

/* ---- of postmortems ---------------------------------------------------------------------- */

static char title[] = "{{state}}", typed[] = "what was typed, {{version}} {{front}}";

/* Other than the template's own, only the braces of what was typed are left. */
static void postmortem(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size);
	struct incident inc = { .id = 1, .title = title };
	struct review_record rec = { .incident = &inc, .zone = "UTC", .severity = "SEV2" };
	struct review r = { .version = 3, .section = { [REVIEW_SUMMARY] = typed, [REVIEW_LESSONS] = typed } };
	size_t len = 0, asked = count(text, "{{");
	const char *at = review_template_unknown(text, &len);
	struct str out;

	MUST(!at || (at >= text && at + len <= text + strlen(text) && !strncmp(at, "{{", 2)));
	str_init(&out, 1u << 20);
	str_add(&out, "");
	review_markdown(&out, &r, &rec, text);
	MUST(!text_valid(text, strlen(text)) || text_valid(out.p, out.len));
	if (!at && !out.cut) {
		/* All are known: none of the template's is left, and none came of what it stands for. */
		MUST(count(out.p, typed) <= asked);
		MUST(count(out.p, "{{version}}") == count(out.p, typed));
		MUST(asked || !strcmp(out.p, text));
	}
	str_finish(&out);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static fuzz_part *const part[] = { message, postmortem };

	fuzz_choose("mp", part, data, size);
	return 0;
}
