/* A line as tokens: words, and quoted texts as one. In one pass, however many quotes are never
 * closed. */
#include <string.h>

#include "commands/reading.h"

bool token_blank(char c)
{
	return c == ' ' || c == '\n' || c == '\t';
}

static bool after_quote(char c)
{
	return c == '\0' || token_blank(c) || strchr(".,;:!?)", c) != NULL;
}

/* The quote that closes the one at p, with a word's end behind it; NULL when there is none. */
static const char *quote_end(const char *p)
{
	for (const char *q = strchr(p + 1, *p); q; q = strchr(q + 1, *p))
		if (after_quote(q[1]))
			return q;
	return NULL;
}

const char *token_value(const char *p, struct open_quotes *open, const char **value, size_t *len)
{
	const char **never = !open ? NULL : *p == '"' ? &open->twice : &open->once;
	const char *end = NULL;

	if ((*p == '"' || *p == '\'') && !(never && *never && p >= *never)) {
		end = quote_end(p);
		if (never && !end)
			*never = p;
	}
	if (end) {
		*value = p + 1;
		*len = (size_t)(end - p) - 1;
		return end + 1;
	}
	end = p;
	while (*end && !token_blank(*end))
		end++;
	*value = p;
	*len = (size_t)(end - p);
	return end;
}

/* One token at p; none_closes: no double quote from here on has an end. */
static const char *token_at(const char *p, struct token *t, bool *none_closes)
{
	const char *end = NULL;

	t->p = p;
	if (*p == '"' && !*none_closes) {
		end = quote_end(p);
		if (end && end > p + 1)
			t->quoted = true;
		else
			*none_closes = !end;
	}
	if (t->quoted) {
		end++;
	} else if (*p == MARK_BEGIN && strchr(p, MARK_END)) {
		/* A mention is a token of its own, whatever is written against it. */
		end = strchr(p, MARK_END) + 1;
	} else {
		end = p;
		while (*end && !token_blank(*end) && *end != MARK_BEGIN) {
			const char *q = end + 1;

			/* --name="a value", service:"a b" */
			if ((*end == '=' || *end == ':') && *q == '"' && !*none_closes) {
				const char *close = quote_end(q);

				*none_closes = !close;
				if (close) {
					end = close + 1;
					continue;
				}
			}
			end++;
		}
	}
	t->len = (size_t)(end - p);
	return end;
}

void tokens_read(struct arena *a, const char *text, struct tokens *out)
{
	size_t max = 0;
	bool none_closes = false;

	for (const char *p = text; *p; p++)
		if (*p == MARK_BEGIN || *p == MARK_END ||
			(!token_blank(*p) && (p == text || token_blank(p[-1]) || p[-1] == '"')))
			max++;
	*out = (struct tokens){ .text = text };
	out->at = arena_alloc(a, (max + 1) * sizeof(*out->at));
	for (const char *p = text;;) {
		while (token_blank(*p))
			p++;
		if (!*p || out->count > max)
			return;
		p = token_at(p, &out->at[out->count++], &none_closes);
	}
}

bool token_word(const struct token *t, char out[TOKEN_WORD_MAX])
{
	const char *p = t->p;
	size_t n = t->len;

	if (t->quoted && n >= 2) {
		const char *value;

		token_value(p, NULL, &value, &n);
		p = value;
	} else {
		while (n > 0 && strchr("([", *p)) {
			p++;
			n--;
		}
		while (n > 1 && strchr(".,;:!?)]", p[n - 1]))
			n--;
	}
	if (n == 0 || n >= TOKEN_WORD_MAX)
		return false;
	memcpy(out, p, n);
	out[n] = '\0';
	return true;
}
