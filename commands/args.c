/* One value of one type out of text. The same readers serve lines, buttons, forms and ctl
 * (docs/DESIGN.md §5). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/duration.h"
#include "base/log.h"
#include "base/text.h"
#include "base/zone.h"
#include "commands/issues.h"
#include "commands/reading.h"
#include "commands/relate.h"
#include "store/people.h"

#define TEXT_BYTES_MAX  3000 /* where a declaration says nothing */
#define SHOWN_MAX       40   /* bytes of a wrong value that are said back */
#define EPOCH_MS_LEAST  INT64_C(100000000000)

const char *arg_label(struct arena *a, const struct arg_def *d)
{
	char *label = arena_strdup(a, d->label ? d->label : d->name);

	if (label[0] >= 'A' && label[0] <= 'Z' && !(label[1] >= 'A' && label[1] <= 'Z'))
		label[0] = (char)(label[0] - 'A' + 'a');
	return label;
}

/* What was typed, short and plain, for an answer. */
static const char *shown(struct call *c, const char *text)
{
	const char *p = line_plain_label(c->arena, text, strlen(text));
	size_t n = text_cut(p, SHOWN_MAX);

	return p[n] ? arena_printf(c->arena, "%.*s…", (int)n, p) : p;
}

/* ---- texts ---- */

static const char *too_long(struct call *c, const struct arg_def *d, const char *text, size_t max)
{
	size_t bytes = strlen(text), chars = text_chars(text);
	const char *label = arg_label(c->arena, d);

	if (bytes == chars)
		return arena_printf(c->arena, "“%s” is %zu characters long; at most %zu fit", label,
			chars, max);
	return arena_printf(c->arena,
		"“%s” is %zu characters long, which is %zu bytes; at most %zu bytes fit", label,
		chars, bytes, max);
}

static const char *read_text(
	struct call *c, const struct arg_def *d, const char *text, struct arg_value *out)
{
	size_t max = d->max_bytes ? d->max_bytes : TEXT_BYTES_MAX;

	out->text =
		line_plain(c, text, strlen(text), !(d->flags & ARG_LONG) && d->type != ARG_REST);
	if (!*out->text)
		return arena_printf(c->arena, "“%s” is empty", arg_label(c->arena, d));
	return strlen(out->text) > max ? too_long(c, d, out->text, max) : NULL;
}

/* ---- severity ---- */

static const char *read_severity(
	struct call *c, const struct arg_def *d, const char *text, struct arg_value *out)
{
	const struct severity_table *t = &c->config->severity;
	int level = severity_parse(t, text, true);
	struct str s;

	(void)d;
	if (level) {
		out->number = level;
		out->text = severity_name(t, level);
		return NULL;
	}
	str_init_arena(&s, c->arena, 2000);
	str_addf(&s, "\"%s\" is no severity; there are ", shown(c, text));
	for (level = SEVERITY_WORST; level <= SEVERITY_LEAST; level++) {
		const char *const *names = t->level[level].names;

		str_addf(&s, "%s%s", level > SEVERITY_WORST ? ", " : "", severity_name(t, level));
		if (names[0] && names[1])
			str_addf(&s, " (%s)", names[1]);
	}
	return s.p;
}

/* ---- persons ---- */

static const char *known_by_name(struct call *c, const char *name)
{
	struct person p;
	struct error err = { 0 };
	int rc = person_by_name(c->store, c->arena, name, &p, &err);

	if (rc < 0 && rc != -ENOENT)
		log_error("commands", "person by name: %s", err.text);
	/* Somebody who is known from the tracker only cannot be called. */
	if (rc == 0 && !strncmp(p.key, ISSUE_SYSTEM ":", strlen(ISSUE_SYSTEM ":")))
		return NULL;
	return rc == 0 ? arena_strdup(c->arena, p.key) : NULL;
}

/* Who is named for the first time is known from then on: by the label that the chat gave to the
 * mention, if there is one; the rest is asked for, once. */
static void meet(struct call *c, const char *person, const char *mention, size_t n)
{
	const char *bar = n > 0 ? memchr(mention, '|', n) : NULL;
	bool labelled = bar && bar + 2 < mention + n && c->request->source == REQUEST_CHAT;
	struct error err = { 0 };
	struct person p;

	if (!strchr(person, ':') || person_get(c->store, c->arena, person, &p, &err) != -ENOENT)
		return;
	p = (struct person){ .key = person };
	if (labelled)
		p.name = arena_strndup(c->arena, bar + 1, (size_t)(mention + n - bar) - 2);
	if (person_put(c->store, &p, &err) < 0)
		log_error("commands", "%s is not kept: %s", person, err.text);
	else if (say_fetch_person(c, person) < 0)
		log_error("commands", "%s is not looked up: %s", person, c->err.text);
}

static const char *nobody_called(struct call *c, const char *text)
{
	const char *name = shown(c, text + (*text == '@'));

	if (c->request->source == REQUEST_SHELL)
		return arena_printf(c->arena,
			"I know nobody called \"%s\"; write the name of somebody the bot has met, or "
			"the key of their account, as slack:U012AB3CD",
			name);
	return arena_printf(c->arena,
		"I know nobody called \"%s\"; type @ and pick the person from the list that the "
		"chat offers",
		name);
}

static const char *read_person(
	struct call *c, const struct arg_def *d, const char *text, struct arg_value *out)
{
	const char *person = NULL;
	size_t n = line_mention(c->arena, text, &person);

	(void)d;
	if (n == 0 && strncmp(text, "<@", 2) == 0) {
		text = line_clean(c->arena, text);
		n = line_mention(c->arena, text, &person);
	}
	if (n > 0 && text[n])
		return arena_printf(c->arena, "\"%s\" is more than one person", shown(c, text));
	if (n == 0 && (text_equal_fold(text, "me") || text_equal_fold(text, "myself")))
		person = c->actor;
	if (!person && strchr(text, ':') && person_key_valid(text))
		person = text;
	if (!person && *text)
		person = known_by_name(c, text + (*text == '@'));
	if (!person || !person_key_valid(person))
		return nobody_called(c, text);
	if (person != c->actor)
		meet(c, person, text, n);
	out->text = arena_strdup(c->arena, person);
	return NULL;
}

/* ---- roles, choices, operations ---- */

static const char *read_role(
	struct call *c, const struct arg_def *d, const char *text, struct arg_value *out)
{
	const struct role_table *t = &c->config->roles;
	const struct role_policy *role = role_find(t, text);
	struct str s;

	(void)d;
	if (role) {
		out->text = role->key;
		return NULL;
	}
	str_init_arena(&s, c->arena, 2000);
	str_addf(&s, "\"%s\" is no role; there are ", shown(c, text));
	for (size_t i = 0; i < t->count; i++)
		str_addf(&s, "%s%s", i ? ", " : "", t->role[i].key);
	return s.p;
}

static char fold_choice(char ch)
{
	return (char)(ch == '_' || ch == ' ' ? '-' : ch >= 'A' && ch <= 'Z' ? ch - 'A' + 'a' : ch);
}

/* "auto resolved" is the beginning of "auto_resolved": 2 when it is all of it, 1 a part, 0 not. */
static int choice_match(const char *text, const char *choice)
{
	for (; *text; text++, choice++)
		if (fold_choice(*text) != fold_choice(*choice))
			return 0;
	return *choice ? 1 : 2;
}

static const char *find_choice(const struct arg_def *d, const char *text, bool exact)
{
	const char *found = NULL;
	size_t several = 0;

	for (const char *const *ch = d->choices; ch && *ch; ch++) {
		int match = *text ? choice_match(text, *ch) : 0;

		if (match == 2)
			return *ch;
		if (match == 1 && !exact) {
			found = *ch;
			several++;
		}
	}
	return several == 1 ? found : NULL;
}

static const char *read_choice(
	struct call *c, const struct arg_def *d, const char *text, struct arg_value *out)
{
	struct str s;

	out->text = find_choice(d, text, false);
	if (out->text)
		return NULL;
	str_init_arena(&s, c->arena, 2000);
	str_addf(&s, "\"%s\" is none of: ", shown(c, text));
	for (const char *const *ch = d->choices; ch && *ch; ch++)
		str_addf(&s, "%s%s", ch == d->choices ? "" : ", ", *ch);
	return s.p;
}

static const char *read_operation(
	struct call *c, const struct arg_def *d, const char *text, struct arg_value *out)
{
	struct found found;
	const char *name = text + (text_prefix_fold("/inc ", text) ? 5 : 0);

	(void)d;
	if (role_find(&c->config->roles, name)) {
		out->text = "role";
		return NULL;
	}
	if (!operation_find(name, &found))
		return arena_printf(c->arena, "there is no operation \"%s\"; /inc help lists all",
			shown(c, name));
	out->text = found.op->name;
	return NULL;
}

/* ---- numbers, flags ---- */

static const char *read_integer(
	struct call *c, const struct arg_def *d, const char *text, struct arg_value *out)
{
	const char *digits = text + (d->flags & ARG_FOLLOWUP && (*text == 'F' || *text == 'f'));
	char *end;

	errno = 0;
	out->number = strtoll(digits, &end, 10);
	out->text = arena_strdup(c->arena, text);
	if (d->flags & ARG_FOLLOWUP) {
		if (*digits >= '1' && *digits <= '9' && !*end && !errno) {
			out->text = arena_printf(c->arena, "F%lld", (long long)out->number);
			return NULL;
		}
		return arena_printf(c->arena, "\"%s\" is no follow-up; name one as F12", shown(c, text));
	}
	if (end == text || *end || errno || token_blank(*text))
		return arena_printf(c->arena, "\"%s\" is no whole number", shown(c, text));
	return NULL;
}

static const char *read_flag(
	struct call *c, const struct arg_def *d, const char *text, struct arg_value *out)
{
	static const char *const yes[] = { "yes", "true", "on", "1", "y", NULL };
	static const char *const no[] = { "no", "false", "off", "0", "n", "", NULL };

	(void)d;
	for (const char *const *w = yes; *w; w++)
		if (text_equal_fold(text, *w)) {
			*out = (struct arg_value){ .text = "true", .number = 1 };
			return NULL;
		}
	for (const char *const *w = no; *w; w++)
		if (text_equal_fold(text, *w)) {
			*out = (struct arg_value){ .text = "false", .number = 0 };
			return NULL;
		}
	return arena_printf(c->arena, "\"%s\" is neither yes nor no", shown(c, text));
}

/* ---- durations and times ---- */

/* Length of word and the blanks behind it when text begins with it. */
static size_t lead(const char *text, const char *word)
{
	size_t n = strlen(word);

	if (!text_prefix_fold(word, text) || !token_blank(text[n]))
		return 0;
	while (token_blank(text[n]))
		n++;
	return n;
}

/* n, when a word ends there; punctuation may stand between. */
static size_t moment_end(const char *text, size_t n)
{
	size_t end = n + strspn(text + n, ".,;:!?)");

	return !text[end] || token_blank(text[end]) ? n : 0;
}

static size_t moment_duration(const char *text, struct arg_value *out)
{
	size_t skip = lead(text, "in"), n;

	if (!skip)
		skip = lead(text, "for");
	n = moment_end(text + skip, duration_prefix(text + skip, &out->number));
	return n ? skip + n : 0;
}

/* "20m ago", "in 20m"; bare, on the side where the argument lies: --since 20m, --at 20m. sure: not
 * bare. */
static size_t moment_relative(struct call *c, const struct arg_def *d, const char *text, bool sure,
	struct arg_value *out)
{
	size_t in = lead(text, "in"), n, ago;
	int64_t ms = 0;

	n = moment_end(text + in, duration_prefix(text + in, &ms));
	if (n == 0)
		return 0;
	n += in;
	ago = in ? 0 : n + strspn(text + n, " \n\t");
	if (ago > n && text_prefix_fold("ago", text + ago) && moment_end(text + ago, 3)) {
		out->number = c->now - ms;
		return ago + 3;
	}
	if (!in && sure)
		return 0;
	out->number = (d->flags & ARG_PAST) && !in ? c->now - ms : c->now + ms;
	return n;
}

static size_t moment_time(struct call *c, const struct arg_def *d, const char *text, bool sure,
	struct arg_value *out)
{
	size_t skip = 0, n;

	n = moment_relative(c, d, text, sure, out);
	if (n > 0)
		return n;
	if (text_prefix_fold("now", text) && moment_end(text, 3)) {
		out->number = c->now;
		return 3;
	}
	skip = lead(text, "at");
	n = moment_end(text + skip,
		time_prefix(text + skip, c->zone, c->now, d->flags & ARG_PAST, &out->number));
	return n ? skip + n : 0;
}

/* The last second of the day, in the zone of whoever asks. */
static int64_t day_end(const struct call *c, int64_t ms)
{
	struct civil at;

	zone_civil(c->zone, ms, &at);
	at.hour = 23;
	at.minute = at.second = 59;
	return zone_ms(c->zone, &at);
}

/* "friday", "by tomorrow", "on 2026-04-01". sure: among other words only what can hardly be one of them. */
static size_t moment_day(struct call *c, const char *text, bool sure, struct arg_value *out)
{
	static const char *const before[] = { "by", "on", "until", "due" };
	char word[16];
	size_t skip = 0, n;

	for (size_t i = 0; i < sizeof(before) / sizeof(*before) && !skip; i++)
		skip = lead(text, before[i]);
	n = strcspn(text + skip, " \n\t.,;:!?)");
	if (n < (sure && !skip ? 5 : 3) || n >= sizeof(word))
		return 0;
	memcpy(word, text + skip, n);
	word[n] = '\0';
	return time_parse(arena_printf(c->arena, "%s 23:59", word), c->zone, c->now, false, &out->number) ?
		moment_end(text, skip + n) : 0;
}

/* A duration of days is meant to the end of that day, a shorter one as it is. */
static size_t moment_until(
	struct call *c, const char *text, size_t n, bool sure, struct arg_value *out)
{
	struct arg_value duration;

	if (n == 0)
		n = moment_day(c, text, sure, out);
	else if (moment_duration(text, &duration) == 0 || out->number - c->now < DAY_MS)
		return n;
	if (n > 0)
		out->number = day_end(c, out->number);
	return n;
}

static size_t moment(
	struct call *c, const struct arg_def *d, const char *text, bool sure, struct arg_value *out)
{
	size_t n = d->type == ARG_TIME ? moment_time(c, d, text, sure, out)
				       : moment_duration(text, out);

	if (d->flags & ARG_DAY)
		n = moment_until(c, text, n, sure, out);
	if (n > 0)
		out->text = arena_strndup(c->arena, text, n);
	return n;
}

size_t value_moment(
	struct call *c, const struct arg_def *d, const char *text, bool due, struct arg_value *out)
{
	return moment(c, d, text, !due, out);
}

static const char *read_duration(
	struct call *c, const struct arg_def *d, const char *text, struct arg_value *out)
{
	size_t skip = lead(text, "in");

	(void)d;
	if (!skip)
		skip = lead(text, "for");
	out->text = arena_strdup(c->arena, text);
	if (duration_parse(text + skip, &out->number))
		return NULL;
	return arena_printf(c->arena, "\"%s\" is no duration; write it like 30m, 1h30 or 2 days",
		shown(c, text));
}

static const char *read_time(
	struct call *c, const struct arg_def *d, const char *text, struct arg_value *out)
{
	size_t n = moment(c, d, text, false, out), skip = lead(text, "at");
	char *end;
	int64_t ms = strtoll(text, &end, 10);

	out->text = arena_strdup(c->arena, text);
	if (n > 0 && !text[n])
		return NULL;
	if (time_parse(text + skip, c->zone, c->now, d->flags & ARG_PAST, &out->number))
		return NULL;
	/* Buttons carry times as they are stored. */
	if (end != text && !*end && ms >= EPOCH_MS_LEAST && ms < 100 * EPOCH_MS_LEAST) {
		struct str iso;

		str_init_arena(&iso, c->arena, 64);
		time_format_iso(&iso, ms);
		*out = (struct arg_value){ .text = iso.p, .number = ms };
		return NULL;
	}
	return arena_printf(c->arena, "\"%s\" is no time; write it like 17:00, tomorrow 9:00 or %s",
		shown(c, text), d->flags & ARG_PAST ? "20m ago" : "in 20m");
}

static const char *read_incident(
	struct call *c, const struct arg_def *d, const char *text, struct arg_value *out)
{
	size_t n = line_incident(text, true, &out->number);
	bool tracker = d->flags & ARG_ISSUE && c->config->issue.url;
	const char *name;

	if ((n == 0 || text[n]) && d->flags & ARG_ISSUE && text_equal_fold(text, LINK_HERE)) {
		*out = (struct arg_value){ .text = LINK_HERE };
		return NULL;
	}
	if ((n == 0 || text[n]) && tracker &&
		(issue_named(c, text, &name) || text_equal_fold(text, "new") ||
			text_equal_fold(text, ISSUE_SYSTEM))) {
		out->text = arena_strdup(c->arena, text);
		out->number = 0;
		return NULL;
	}
	if ((n == 0 || text[n]) && tracker)
		return arena_printf(c->arena,
			"\"%s\" is no incident and no issue of the tracker; name one as #12 or PAY-123",
			shown(c, text));
	if (n == 0 || text[n])
		return arena_printf(c->arena, "\"%s\" is no incident; name one as #12",
			shown(c, text));
	out->text = arena_printf(c->arena, "#%lld", (long long)out->number);
	return NULL;
}

/* ---- all of them ---- */

typedef const char *(*value_reader)(
	struct call *, const struct arg_def *, const char *, struct arg_value *);

static const value_reader readers[] = {
	[ARG_WORD] = read_text,         [ARG_REST] = read_text,     [ARG_SEVERITY] = read_severity,
	[ARG_PERSON] = read_person,     [ARG_ROLE] = read_role,     [ARG_DURATION] = read_duration,
	[ARG_TIME] = read_time,         [ARG_INTEGER] = read_integer, [ARG_FLAG] = read_flag,
	[ARG_CHOICE] = read_choice,     [ARG_OPERATION] = read_operation,
	[ARG_INCIDENT] = read_incident,
};

const char *value_read(
	struct call *c, const struct arg_def *d, const char *text, struct arg_value *out)
{
	const char *why = readers[d->type](c, d, text, out);

	if (!why)
		out->given = true;
	return why;
}

/* What a word in a sentence is for sure; certain: it stands where the value is due. */
bool value_try(struct call *c, const struct arg_def *d, const char *text, bool certain,
	struct arg_value *out)
{
	bool is = false;

	switch (d->type) {
	case ARG_SEVERITY:
		out->number = severity_parse(&c->config->severity, text, certain);
		out->text = severity_name(&c->config->severity, (int)out->number);
		is = out->number != 0;
		break;
	case ARG_PERSON:
		if (*text != MARK_BEGIN && *text != '@' && !certain && !text_equal_fold(text, "me"))
			return false;
		is = !read_person(c, d, text, out);
		break;
	case ARG_ROLE:
		if (role_find(&c->config->roles, text))
			is = !read_role(c, d, text, out);
		break;
	case ARG_CHOICE:
		out->text = find_choice(d, text, !certain);
		is = out->text != NULL;
		break;
	case ARG_OPERATION:
	case ARG_INTEGER:
		if (d->flags & ARG_FOLLOWUP && *text != 'F' && *text != 'f')
			return false;
		is = !readers[d->type](c, d, text, out);
		break;
	case ARG_INCIDENT:
		is = (certain || line_incident(text, false, &out->number)) &&
			!read_incident(c, d, text, out);
		break;
	case ARG_WORD:
		return certain && !value_read(c, d, text, out);
	case ARG_REST:
	case ARG_FLAG:
	case ARG_DURATION:
	case ARG_TIME:
		return false;
	}
	out->given = is;
	return is;
}
