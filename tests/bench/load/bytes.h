#ifndef BENCH_LOAD_BYTES_H
#define BENCH_LOAD_BYTES_H
/* Bytes that are added at the end and taken from the front. A zeroed one is empty. */
#include <stdlib.h>
#include <string.h>

struct bytes {
	char *p;
	size_t from, to, cap;
};

static inline size_t bytes_left(const struct bytes *b)
{
	return b->to - b->from;
}

/* Room for n more; they count when bytes_grown says so. */
static inline char *bytes_room(struct bytes *b, size_t n)
{
	if (b->from && (b->from == b->to || b->from > b->cap / 2)) {
		memmove(b->p, b->p + b->from, b->to - b->from);
		b->to -= b->from;
		b->from = 0;
	}
	if (b->cap - b->to < n) {
		b->cap = (b->to + n) * 2 + 4096;
		b->p = realloc(b->p, b->cap);
		if (!b->p)
			abort();
	}
	return b->p + b->to;
}

static inline void bytes_grown(struct bytes *b, size_t n)
{
	b->to += n;
}

static inline void bytes_add(struct bytes *b, const void *p, size_t n)
{
	memcpy(bytes_room(b, n), p, n);
	b->to += n;
}

static inline void bytes_drop(struct bytes *b, size_t n)
{
	b->from += n;
	if (b->from == b->to)
		b->from = b->to = 0;
}

static inline void bytes_finish(struct bytes *b)
{
	free(b->p);
	*b = (struct bytes){ 0 };
}

#endif
