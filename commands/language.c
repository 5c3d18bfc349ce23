/* One line → operation, incident, and what is left for the arguments (FEATURES A1–A4). */
#include <string.h>

#include "base/text.h"
#include "commands/reading.h"
#include "incident/role.h"

#define WORD_MAX 64 /* bytes of the longest word that can be an operation */

static const char *skip_blanks(const char *p)
{
	while (token_blank(*p))
		p++;
	return p;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "/inc" and "/incident" themselves, as when a line is pasted whole. */
static const char *skip_command(const char *p)
{
	static const char *const commands[] = { "/incident", "/inc" };

	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		size_t n = strlen(commands[i]);

		if (text_prefix_fold(commands[i], p) && (!p[n] || token_blank(p[n])))
			return skip_blanks(p + n);
	}
	return p;
}

/* The number at p: its length, 0 when it is none or no id. */
static size_t id_digits(const char *p, int64_t *id)
{
	size_t n = 0;

	for (*id = 0; is_digit(p[n]); n++) {
		if (n == 15)
			return 0;
		*id = *id * 10 + (p[n] - '0');
	}
	return *id > 0 ? n : 0;
}

/* "#42", "INC-42", "inc42", "#inc-42-checkout" (its channel): length with the comma or colon behind
 * it; 0. digits: a lone number too. */
size_t line_incident(const char *p, bool digits, int64_t *id)
{
	const char *q = p;
	bool hash = *q == '#', named;
	int64_t number;
	size_t n;

	q += hash;
	named = text_prefix_fold("inc", q) && (q[3] == '-' || is_digit(q[3]));
	if (named)
		q += q[3] == '-' ? 4 : 3;
	if (!hash && !named && !digits)
		return 0;
	n = id_digits(q, &number);
	if (n == 0)
		return 0;
	q += n;
	if (hash && named && *q == '-')
		while (*q && !token_blank(*q))
			q++;
	while (*q && strchr(",:;", *q))
		q++;
	if (*q && !token_blank(*q))
		return 0;
	*id = number;
	return (size_t)(q - p);
}

/* The dashes in front of an option: "--", or the one dash that a phone makes of them; their
 * length. */
static size_t dashes(const char *p, size_t before)
{
	if (before >= 2 && !memcmp(p - 2, "--", 2))
		return 2;
	if (before >= 3 && (!memcmp(p - 3, "\xE2\x80\x94", 3) || !memcmp(p - 3, "\xE2\x80\x93", 3)))
		return 3;
	return 0;
}

/* "--incident 42" anywhere in rest: cut out of it. */
static const char *take_incident_option(struct arena *a, const char *rest, int64_t *id)
{
	for (const char *p = strcasestr(rest, "incident"); p; p = strcasestr(p + 1, "incident")) {
		size_t dash = dashes(p, (size_t)(p - rest)), n;
		const char *from = p - dash, *q = p + strlen("incident");

		if (!dash || (from > rest && !token_blank(from[-1])) ||
			(*q != '=' && !token_blank(*q)))
			continue;
		q = skip_blanks(q + 1);
		n = line_incident(q, true, id);
		if (n > 0)
			return arena_printf(
				a, "%.*s%s", (int)(from - rest), rest, skip_blanks(q + n));
	}
	return rest;
}

/* Does nothing that may come first look like a number? Then a number is the incident: "show 42". */
static bool takes_no_number(const struct operation *op)
{
	for (const struct arg_def *d = op->args; d && d->name; d++)
		if (!(d->flags & ARG_OPTION) && d->type != ARG_FLAG && d->type != ARG_PERSON &&
			d->type != ARG_ROLE && d->type != ARG_CHOICE)
			return false;
	return true;
}

/* The word at p without the punctuation behind it, folded into out; its length in the text. */
static size_t word_at(const char *p, char out[WORD_MAX])
{
	size_t n = 0, len;

	while (p[n] && !token_blank(p[n]))
		n++;
	len = n;
	while (len > 1 && strchr(":,;.!", p[len - 1]))
		len--;
	if (len >= WORD_MAX)
		len = 0;
	memcpy(out, p, len);
	out[len] = '\0';
	return n;
}

/* "false alarm" is "false-alarm": two words that together are one exact name. */
static size_t find_pair(const char *p, struct found *found)
{
	char first[WORD_MAX], second[WORD_MAX], both[2 * WORD_MAX + 1];
	size_t n = word_at(p, first), m, at;
	const char *q = skip_blanks(p + n);

	if (!*first || !*q || q == p + n || p[strlen(first)] != p[n])
		return 0;
	m = word_at(q, second);
	at = strlen(first);
	memcpy(both, first, at);
	both[at] = '-';
	memcpy(both + at + 1, second, strlen(second) + 1);
	return operation_find_exact(both, found) ? (size_t)(q - p) + m : 0;
}

/* A policy's role in one word or two: "ic @bob" is "role" with role=commander. */
static size_t find_role(
	struct arena *a, const struct config *config, const char *p, struct found *found)
{
	char word[WORD_MAX], second[WORD_MAX];
	size_t n = word_at(p, word), m;
	const char *q = skip_blanks(p + n);
	const struct operation *op = operation_by_name("role");
	const struct role_policy *role = NULL;
	struct op_alias *alias;

	if (!config || !op)
		return 0;
	m = *q ? word_at(q, second) : 0;
	if (m > 0)
		role = role_find(&config->roles, arena_printf(a, "%s %s", word, second));
	if (role)
		n = (size_t)(q - p) + m;
	else
		role = role_find(&config->roles, word);
	if (!role)
		return 0;
	alias = arena_alloc(a, sizeof(*alias));
	*alias = (struct op_alias){ .name = role->key, .arg = "role", .value = role->key };
	*found = (struct found){ .op = op, .alias = alias, .exact = true };
	return n;
}

/* The operation that p begins with; the length of its name, 0 when it is none. */
static size_t find_operation(
	struct arena *a, const struct config *config, const char *p, struct found *found)
{
	char word[WORD_MAX];
	size_t n = find_pair(p, found);

	if (n > 0)
		return n;
	n = word_at(p, word);
	if (!*word)
		return 0;
	if (operation_find_exact(word, found))
		return n;
	{
		size_t role = find_role(a, config, p, found);

		if (role > 0)
			return role;
	}
	return operation_find(word, found) ? n : 0;
}

static void line_take(struct line *out, const struct found *found)
{
	out->op = found->op;
	out->alias = found->alias;
	out->prefix = !found->exact;
}

/* "into" of "merge #43 into #42": its length with the blanks behind it. */
static size_t joining_word(const char *p)
{
	static const char *const words[] = { "into", "with", "to", "of", "and", "from" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		size_t n = strlen(words[i]);

		if (text_prefix_fold(words[i], p) && token_blank(p[n]))
			return (size_t)(skip_blanks(p + n) - p);
	}
	return 0;
}

/* Is another incident the first thing to be said? Then a number behind the operation is the other
 * one, unless two stand there: "#43 merge #42", "merge #43 into #42". */
static bool names_another(const struct operation *op)
{
	return op->args && op->args[0].type == ARG_INCIDENT && (op->args[0].flags & ARG_REQUIRED);
}

static const char *line_two(struct line *out, const char *p)
{
	int64_t first, second;
	const char *q;
	size_t n, joined;

	p += joining_word(p);
	n = line_incident(p, true, &first);
	if (n == 0)
		return p;
	q = skip_blanks(p + n);
	joined = joining_word(q);
	if (line_incident(q + joined, joined > 0, &second) == 0)
		return p;
	out->incident = first;
	return q + joined;
}

/* After the operation: its incident, if it works on one. */
static const char *line_subject(struct line *out, const char *p)
{
	bool digits = out->op->need != NEED_NOTHING && takes_no_number(out->op);
	size_t n = 0;

	if (names_another(out->op))
		return line_two(out, p);
	if (!out->incident && !operation_makes(out->op))
		n = line_incident(p, digits, &out->incident);
	return skip_blanks(p + n);
}

void line_read(struct arena *a, const char *words, const struct config *config, struct line *out)
{
	struct found found;
	size_t n, bytes = words ? strlen(words) : 0;
	int64_t id = 0;
	const char *p;

	*out = (struct line){ .rest = "", .word = "" };
	if (bytes > LINE_BYTES_MAX) {
		out->too_long = bytes;
		return;
	}
	p = skip_command(line_clean(a, words ? words : ""));
	n = line_incident(p, false, &id);
	if (n > 0) {
		out->incident = id;
		p = skip_blanks(p + n);
	}
	if (!*p) {
		out->op = operation_by_name(out->incident ? "show" : "help");
		out->bare = true;
		return;
	}
	for (n = 0; p[n] && !token_blank(p[n]); n++)
		;
	out->word = line_plain_label(a, p, n);
	n = find_operation(a, config, p, &found);
	if (n == 0) {
		out->rest = p;
		return;
	}
	line_take(out, &found);
	p = skip_blanks(p + n);
	id = 0;
	p = take_incident_option(a, p, &id);
	if (id > 0)
		out->incident = id;
	out->rest = line_subject(out, p);
	out->bare = !*out->rest;
}
