/* Text as people and phones type it and chats escape it → text that can be read (FEATURES A3). */
#include <string.h>

#include "base/text.h"
#include "commands/reading.h"

#define CHAT_PREFIX "slack:" /* whose escapes these are */
#define ESCAPE_MAX  2100     /* bytes inside <…>: a URL with its label */
#define LINE_NAMES_MAX 16384 /* bytes */

struct cleaning {
	char *out;
	size_t len;
};

static void clean_add(struct cleaning *c, const char *p, size_t n)
{
	memcpy(c->out + c->len, p, n);
	c->len += n;
}

static void clean_word(struct cleaning *c, const char *s)
{
	clean_add(c, s, strlen(s));
}

static const struct {
	const char *from, *to;
} replacements[] = {
	{ "&amp;", "&" },         { "&lt;", "<" },          { "&gt;", ">" },
	{ "\xE2\x80\x9C", "\"" }, { "\xE2\x80\x9D", "\"" }, { "\xE2\x80\x9E", "\"" },
	{ "\xE2\x80\x9F", "\"" }, { "\xC2\xAB", "\"" },     { "\xC2\xBB", "\"" },
	{ "\xE2\x80\x98", "'" },  { "\xE2\x80\x99", "'" },  { "\xE2\x80\x9A", "'" },
	{ "\xE2\x80\x9B", "'" },  { "\xC2\xA0", " " },      { "\xE2\x80\xAF", " " },
};

/* Entities, quotes and blanks of phones. Bytes read, 0 when nothing of the kind stands at p. */
static size_t clean_replace(struct cleaning *c, const char *p)
{
	for (size_t i = 0; i < sizeof(replacements) / sizeof(*replacements); i++) {
		size_t n = strlen(replacements[i].from);

		if (strncmp(p, replacements[i].from, n) != 0)
			continue;
		clean_word(c, replacements[i].to);
		return n;
	}
	return 0;
}

/* Content of an escape, its entities undone. */
static void clean_content(struct cleaning *c, const char *p, size_t n)
{
	for (const char *end = p + n; p < end;) {
		size_t step = *p == '&' ? clean_replace(c, p) : 0;

		if (step == 0)
			clean_add(c, p, step = 1);
		p += step;
	}
}

static bool is_id(const char *p, size_t n)
{
	if (n == 0 || n > 64)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!((p[i] >= 'A' && p[i] <= 'Z') || (p[i] >= '0' && p[i] <= '9')))
			return false;
	return true;
}

/* "@U1|bob": head is "@U1", label "bob" or empty. */
static bool clean_person(
	struct cleaning *c, const char *head, size_t n, const char *label, size_t m)
{
	static const char begin[] = { MARK_BEGIN, '@', '\0' };

	if (!is_id(head + 1, n - 1))
		return false;
	clean_word(c, begin);
	clean_word(c, CHAT_PREFIX);
	clean_add(c, head + 1, n - 1);
	if (m > 0)
		clean_add(c, "|", 1);
	clean_content(c, label, m);
	c->out[c->len++] = MARK_END;
	return true;
}

static bool clean_channel(
	struct cleaning *c, const char *head, size_t n, const char *label, size_t m)
{
	if (!is_id(head + 1, n - 1))
		return false;
	clean_add(c, "#", 1);
	clean_content(c, m > 0 ? label : head + 1, m > 0 ? m : n - 1);
	return true;
}

/* "!channel", "!subteam^S1|@sre", "!date^…|fallback": what it shows, as plain text that calls
 * nobody. */
static bool clean_special(
	struct cleaning *c, const char *head, size_t n, const char *label, size_t m)
{
	if (m > 0) {
		if (memchr(head, '^', n) == NULL && *label != '@')
			clean_add(c, "@", 1);
		clean_content(c, label, m);
		return true;
	}
	if (n < 2)
		return false;
	clean_add(c, "@", 1);
	clean_content(c, head + 1, strcspn(head + 1, "^|>"));
	return true;
}

static bool clean_link(struct cleaning *c, const char *head, size_t n, const char *label, size_t m)
{
	if (strncmp(head, "mailto:", 7) == 0 || strncmp(head, "tel:", 4) == 0) {
		const char *colon = memchr(head, ':', n);

		if (!colon)
			return false;
		if (m > 0)
			clean_content(c, label, m);
		else
			clean_content(c, colon + 1, n - (size_t)(colon + 1 - head));
		return true;
	}
	if (strncmp(head, "http://", 7) != 0 && strncmp(head, "https://", 8) != 0)
		return false;
	clean_content(c, head, n);
	return true;
}

/* An escape that begins at p ("<…>"). Bytes read, 0 when it is just a "<". */
static size_t clean_escape(struct cleaning *c, const char *p)
{
	size_t n = 1;
	const char *bar = NULL, *head = p + 1, *label;
	size_t head_len, label_len = 0;
	bool ok;

	if (!*head || !strchr("@#!hmt", *head))
		return 0;
	for (; p[n] && p[n] != '>' && p[n] != '<' && p[n] != '\n' && n < ESCAPE_MAX; n++)
		if (p[n] == '|' && !bar)
			bar = p + n;
	if (p[n] != '>')
		return 0;
	head_len = bar ? (size_t)(bar - head) : n - 1;
	label = bar ? bar + 1 : "";
	if (bar)
		label_len = (size_t)(p + n - bar) - 1;
	switch (*head) {
	case '@':
		ok = clean_person(c, head, head_len, label, label_len);
		break;
	case '#':
		ok = clean_channel(c, head, head_len, label, label_len);
		break;
	case '!':
		ok = clean_special(c, head, head_len, label, label_len);
		break;
	default:
		ok = clean_link(c, head, head_len, label, label_len);
		break;
	}
	return ok ? n + 1 : 0;
}

char *line_clean(struct arena *a, const char *words)
{
	char *text = text_clean(a, words, strlen(words), SIZE_MAX / 8, true);
	/* "<@U1>" grows most: five bytes become eleven. */
	struct cleaning c = { .out = arena_alloc(a, 3 * strlen(text) + 1) };

	for (const char *p = text; *p;) {
		size_t step = 0;

		if (*p == '<')
			step = clean_escape(&c, p);
		else if (*p == '&' || (unsigned char)*p >= 0xC2)
			step = clean_replace(&c, p);
		if (step == 0)
			clean_add(&c, p, step = 1);
		p += step;
	}
	return c.out;
}

size_t line_mention(struct arena *a, const char *p, const char **person)
{
	const char *end;

	if (p[0] != MARK_BEGIN || p[1] != '@')
		return 0;
	end = strchr(p, MARK_END);
	if (!end)
		return 0;
	if (person)
		*person = arena_strndup(a, p + 2, strcspn(p + 2, "|\x02"));
	return (size_t)(end - p) + 1;
}

static void plain_mention(
	struct str *s, struct call *c, const char *p, size_t n, const char *person)
{
	const char *name = c ? words_name(c, person) : NULL;
	const char *bar = memchr(p, '|', n), *id = strchr(person, ':');

	/* A person we never met is named as the chat just did. */
	if (name && (!bar || !id || strcmp(name + 1, id + 1) != 0)) {
		str_add(s, name);
	} else {
		str_addc(s, '@');
		if (bar)
			str_addn(s, bar + 1, (size_t)(p + n - 1 - bar) - 1);
		else
			str_add(s, id ? id + 1 : person);
	}
}

static char *plain(struct arena *a, struct call *c, const char *text, size_t len, bool blanks)
{
	struct str s;
	const char *end = text + len;

	str_init_arena(&s, a, len * 20 + 256);
	for (const char *p = text; p < end;) {
		const char *person = NULL;
		size_t n = *p == MARK_BEGIN ? line_mention(a, p, &person) : 0;

		if (n > 0) {
			plain_mention(&s, c, p, n, person);
			p += n;
			continue;
		}
		for (n = 0; p + n < end && p[n] != MARK_BEGIN && !(blanks && p[n] == '\n'); n++)
			;
		str_addn(&s, p, n);
		p += n;
		if (p < end && *p == '\n') {
			str_addc(&s, ' ');
			p++;
		} else if (p < end && n == 0) {
			p++; /* a mark that is none: cannot be, and is not kept */
		}
	}
	return s.p ? s.p : arena_strdup(a, "");
}

char *line_plain(struct call *c, const char *text, size_t len, bool blanks)
{
	/* Longer than any text may be: it will be refused, no name need be looked up for it. */
	return plain(c->arena, len > LINE_NAMES_MAX ? NULL : c, text, len, blanks);
}

char *line_plain_label(struct arena *a, const char *text, size_t len)
{
	return plain(a, NULL, text, len, true);
}

bool person_key_valid(const char *key)
{
	const char *p = key;
	size_t n;

	while (*p >= 'a' && *p <= 'z')
		p++;
	if (p == key || *p != ':')
		return strcmp(key, PERSON_SELF) == 0;
	for (n = 0, p++; *p; p++, n++) {
		bool fine = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
			(*p >= '0' && *p <= '9') || strchr("._-", *p);

		if (!fine)
			return false;
	}
	return n > 0 && n <= 64;
}
