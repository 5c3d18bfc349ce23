#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"

#define STR_FIRST 64u

/* What p points to before anything was added; never written. */
static char str_nothing[1];

void str_init(struct str *s, size_t max)
{
	*s = (struct str){ .p = str_nothing, .max = max };
}

void str_init_arena(struct str *s, struct arena *a, size_t max)
{
	*s = (struct str){ .p = str_nothing, .max = max, .arena = a };
}

void str_finish(struct str *s)
{
	if (!s->arena && s->cap)
		free(s->p);
	*s = (struct str){ .p = str_nothing, .max = s->max, .arena = s->arena };
}

char *str_take(struct str *s)
{
	char *p = s->cap ? s->p : calloc(1, 1);

	if (!p)
		abort();
	*s = (struct str){ .p = str_nothing, .max = s->max };
	return p;
}

void str_shorten(struct str *s, size_t len)
{
	s->len = len;
	s->cut = false;
	if (s->cap)
		s->p[len] = '\0';
}

void str_reset(struct str *s)
{
	str_shorten(s, 0);
}

/* Memory of a size: without the NUL. An arena at its maximum counts as not fitting. */
static bool str_resize(struct str *s, size_t cap)
{
	char *p;

	if (!s->arena) {
		p = realloc(s->cap ? s->p : NULL, cap + 1);
		if (!p)
			abort();
	} else if (s->cap && arena_extend(s->arena, s->p, s->cap + 1, cap + 1)) {
		p = s->p;
	} else {
		p = arena_try_alloc(s->arena, cap + 1);
		if (!p)
			return false;
		memcpy(p, s->p, s->len);
	}
	p[s->len] = '\0';
	s->p = p;
	s->cap = cap;
	return true;
}

/* Room for n more bytes; the answer is how many of them there is room for. */
static size_t str_reserve(struct str *s, size_t n)
{
	size_t room = s->max - s->len;

	if (n > room)
		n = room;
	if (n <= s->cap - s->len)
		return n;

	size_t cap = s->cap ? s->cap * 2 : STR_FIRST;

	if (cap < s->len + n)
		cap = s->len + n;
	if (cap > s->max)
		cap = s->max;
	return str_resize(s, cap) ? n : s->cap - s->len;
}

void str_expect(struct str *s, size_t n)
{
	if (!s->cut)
		str_reserve(s, n);
}

void str_addn(struct str *s, const char *p, size_t n)
{
	if (s->cut || n == 0)
		return;

	size_t fits = str_reserve(s, n);

	if (fits < n) {
		s->cut = true;
		fits = text_edge(p, fits);
	}
	if (fits == 0)
		return;
	memcpy(s->p + s->len, p, fits);
	s->len += fits;
	s->p[s->len] = '\0';
}

void str_add(struct str *s, const char *text)
{
	if (text)
		str_addn(s, text, strlen(text));
}

void str_addc(struct str *s, char c)
{
	if (!s->cut && s->len < s->cap) {
		s->p[s->len++] = c;
		s->p[s->len] = '\0';
		return;
	}
	str_addn(s, &c, 1);
}

void str_vaddf(struct str *s, const char *fmt, va_list ap)
{
	char none[1];
	va_list again;

	if (s->cut)
		return;
	va_copy(again, ap);

	size_t room = s->cap - s->len;
	int n = s->cap ? vsnprintf(s->p + s->len, room + 1, fmt, ap) : vsnprintf(none, 1, fmt, ap);

	if (n < 0)
		abort(); /* a wrong format of ours */

	size_t want = (size_t)n;

	if (want > room) {
		size_t fits = str_reserve(s, want);

		if (s->cap)
			vsnprintf(s->p + s->len, fits + 1, fmt, again);
		if (fits < want) {
			s->cut = true;
			want = s->cap ? text_edge(s->p + s->len, fits) : 0;
		}
	}
	va_end(again);
	s->len += want;
	if (s->cap)
		s->p[s->len] = '\0';
}

void str_addf(struct str *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	str_vaddf(s, fmt, ap);
	va_end(ap);
}
