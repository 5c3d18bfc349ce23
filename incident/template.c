#include "incident/template.h"

#include <string.h>

#include "incident/doc.h"

#define LINE_BYTES_MAX 16000 /* a line with everything filled in */
#define BOLD_BYTES_MAX 2900  /* what a mark may hold */

static const struct {
	const char *name, *help;
} variables[TEMPLATE_VARIABLE_COUNT] = {
	[VAR_ID] = { "id", "INC-42" },
	[VAR_SEVERITY] = { "severity", "SEV2" },
	[VAR_TITLE] = { "title", "what is wrong, as declared" },
	[VAR_SERVICE] = { "service", "the service or services" },
	[VAR_WHAT] = { "what", "service — title, or the title alone" },
	[VAR_ABOUT] = { "about", "the service, else the title" },
	[VAR_ENVIRONMENT] = { "environment", "prod" },
	[VAR_STATE] = { "state", "mitigating" },
	[VAR_COMMANDER] = { "commander", "the incident commander" },
	[VAR_AUTHOR] = { "author", "who posts it" },
	[VAR_IMPACT] = { "impact", "as the update says, else as the record has it" },
	[VAR_KNOWN] = { "known", "of an update" },
	[VAR_UNKNOWN] = { "unknown", "of an update" },
	[VAR_DOING] = { "doing", "of an update" },
	[VAR_NEXT] = { "next", "of an update" },
	[VAR_NEXT_UPDATE] = { "next_update", "the promised time" },
	[VAR_SINCE] = { "since", "when the impact began, else when it was declared" },
	[VAR_DURATION] = { "duration", "of a resolution: how long it lasted" },
	[VAR_DONE] = { "done", "of a resolution: what ended it" },
	[VAR_SIGNAL] = { "signal", "of a resolution: what users see" },
	[VAR_HEALTH] = { "health", "of a resolution: what the systems say" },
	[VAR_NOT_VERIFIED] = { "not_verified", "of a resolution: why nobody looked" },
	[VAR_FOLLOW_UP] = { "follow_up", "of a resolution: what is due next" },
};

const char *template_variable_name(enum template_variable v)
{
	return variables[v].name;
}

const char *template_variable_help(enum template_variable v)
{
	return variables[v].help;
}

/* The {{name}} at p: its length and the name without blanks; 0 when p is no "{{" or it does not
 * end. */
static size_t variable_at(const char *p, const char **name, size_t *len)
{
	const char *end;

	if (p[0] != '{' || p[1] != '{')
		return 0;
	end = strstr(p, "}}");
	if (!end)
		return 0;
	*name = p + 2;
	while (**name == ' ')
		(*name)++;
	*len = (size_t)(end - *name);
	while (*len && (*name)[*len - 1] == ' ')
		(*len)--;
	return (size_t)(end + 2 - p);
}

/* TEMPLATE_VARIABLE_COUNT when it is none. */
static size_t variable_find(const char *name, size_t len)
{
	size_t i = 0;

	while (i < TEMPLATE_VARIABLE_COUNT &&
		(strlen(variables[i].name) != len || strncmp(variables[i].name, name, len) != 0))
		i++;
	return i;
}

bool template_unknown(const char *text, char name[TEMPLATE_NAME_MAX + 1])
{
	for (const char *p = text; *p;) {
		const char *found;
		size_t len, n = variable_at(p, &found, &len);

		if (n && variable_find(found, len) < TEMPLATE_VARIABLE_COUNT) {
			p += n;
			continue;
		}
		if (n || (p[0] == '{' && p[1] == '{')) {
			if (!n)
				found = p, len = strlen(p);
			len = len < TEMPLATE_NAME_MAX ? len : TEMPLATE_NAME_MAX;
			memcpy(name, found, len);
			name[len] = '\0';
			return true;
		}
		p++;
	}
	return false;
}

struct rendering {
	const struct template_values *values;
	size_t asked, filled; /* variables in the line, and those that are not empty */
};

static void render_plain(struct rendering *r, struct str *out, const char *p, const char *end)
{
	while (p < end) {
		const char *name;
		size_t len, n = variable_at(p, &name, &len), v;

		if (!n || p + n > end) {
			str_addc(out, *p++);
			continue;
		}
		p += n;
		v = variable_find(name, len);
		r->asked++;
		if (v == TEMPLATE_VARIABLE_COUNT || !r->values->value[v] || !*r->values->value[v])
			continue;
		r->filled++;
		str_add(out, r->values->value[v]);
	}
}

/* Marks do not nest, so what has one of its own is not bold. */
static void render_bold(struct rendering *r, struct str *out, const char *p, const char *end)
{
	struct str inner STR_CLEANUP;

	str_init(&inner, LINE_BYTES_MAX);
	render_plain(r, &inner, p, end);
	if (!inner.len)
		return;
	if (strchr(inner.p, MARK_BEGIN) || inner.len > BOLD_BYTES_MAX)
		str_add(out, inner.p);
	else
		mark_bold(out, inner.p);
}

static const char *next_star(const char *p)
{
	const char *name;
	size_t len;

	while (*p && *p != '*') {
		size_t n = variable_at(p, &name, &len);

		p += n ? n : 1;
	}
	return p;
}

bool template_render(struct str *out, const char *line, const struct template_values *values)
{
	struct rendering r = { .values = values };
	struct str s STR_CLEANUP;
	const char *p = line;

	str_init(&s, LINE_BYTES_MAX);
	while (*p) {
		const char *star = next_star(p), *close;

		render_plain(&r, &s, p, star);
		if (!*star)
			break;
		close = next_star(star + 1);
		if (!*close || close == star + 1) {
			str_addc(&s, '*');
			p = star + 1;
			continue;
		}
		render_bold(&r, &s, star + 1, close);
		p = close + 1;
	}
	if (r.asked && !r.filled)
		return false;
	str_add(out, s.p);
	return true;
}
