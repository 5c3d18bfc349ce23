#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_ALIGN       alignof_max
#define ARENA_BLOCK_FIRST 4096u
#define ARENA_BLOCK_MOST  (256u << 10)

enum { alignof_max = _Alignof(max_align_t) };

struct arena_block {
	struct arena_block *next;
	size_t size, used;
	_Alignas(max_align_t) char data[];
};

struct arena {
	struct arena_block *block; /* the one being filled */
	size_t max;
	size_t reserved; /* bytes of all blocks, without their heads */
	size_t given;    /* bytes handed out, alignment counted */
	size_t next_size;
};

static struct arena_block *arena_block_new(size_t size)
{
	struct arena_block *b = malloc(sizeof(*b) + size);

	if (!b)
		abort();
	b->next = NULL;
	b->size = size;
	b->used = 0;
	return b;
}

struct arena *arena_create(size_t max)
{
	struct arena *a = calloc(1, sizeof(*a));

	if (!a)
		abort();
	a->max = max;
	a->next_size = ARENA_BLOCK_FIRST;
	a->reserved = max < ARENA_BLOCK_FIRST ? max : ARENA_BLOCK_FIRST;
	a->block = arena_block_new(a->reserved);
	a->next_size *= 2;
	return a;
}

void arena_destroy(struct arena *a)
{
	if (!a)
		return;
	for (struct arena_block *b = a->block, *next; b; b = next) {
		next = b->next;
		free(b);
	}
	free(a);
}

struct arena_mark arena_mark(const struct arena *a)
{
	return (struct arena_mark){
		.block = a->block,
		.behind = a->block->next,
		.used = a->block->used,
		.reserved = a->reserved,
		.given = a->given,
		.next_size = a->next_size,
	};
}

static void arena_free_until(struct arena_block *b, const struct arena_block *end)
{
	for (struct arena_block *next; b != end; b = next) {
		next = b->next;
		free(b);
	}
}

/* Newer blocks lie before the marked one, its large neighbours right behind it. */
void arena_rewind(struct arena *a, const struct arena_mark *m)
{
	struct arena_block *b = m->block;

	arena_free_until(a->block, b);
	arena_free_until(b->next, m->behind);
	b->next = m->behind;
	b->used = m->used;
	a->block = b;
	a->reserved = m->reserved;
	a->given = m->given;
	a->next_size = m->next_size;
}

/* A block that can hold size. What is large gets one of its own behind the current one, so that the
 * rest of the current one is not lost. */
static struct arena_block *arena_block_for(struct arena *a, size_t size)
{
	size_t left = a->max - a->reserved;
	bool large = size > a->next_size / 2;
	size_t want = large ? size : a->next_size;

	if (size > left)
		return NULL;
	if (want > left)
		want = left;

	struct arena_block *b = arena_block_new(want);

	a->reserved += want;
	if (large) {
		b->next = a->block->next;
		a->block->next = b;
		return b;
	}
	b->next = a->block;
	a->block = b;
	if (a->next_size < ARENA_BLOCK_MOST)
		a->next_size *= 2;
	return b;
}

static bool arena_round(size_t *size)
{
	if (*size > SIZE_MAX / 2)
		return false;
	if (*size == 0)
		*size = 1;
	*size = (*size + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
	return true;
}

/* Not zeroed. */
static void *arena_take(struct arena *a, size_t size)
{
	if (!arena_round(&size))
		return NULL;

	struct arena_block *b = a->block;

	if (size > b->size - b->used) {
		b = arena_block_for(a, size);
		if (!b)
			return NULL;
	}

	void *p = b->data + b->used;

	b->used += size;
	a->given += size;
	return p;
}

void *arena_try_alloc(struct arena *a, size_t size)
{
	void *p = arena_take(a, size);

	return p ? memset(p, 0, size) : NULL;
}

/* The maximum is a broken promise of ours, not an error to be handled: say it and stop. */
static void *arena_must(struct arena *a, void *p)
{
	if (!p) {
		fprintf(stderr, "arena: more than its maximum of %zu bytes wanted\n", a->max);
		abort();
	}
	return p;
}

void *arena_alloc(struct arena *a, size_t size)
{
	return memset(arena_must(a, arena_take(a, size)), 0, size);
}

bool arena_extend(struct arena *a, void *p, size_t old_size, size_t new_size)
{
	struct arena_block *b = a->block;
	size_t from = old_size, to = new_size;

	if (!arena_round(&old_size) || !arena_round(&new_size) || new_size < old_size)
		return false;
	if (old_size > b->used || (char *)p != b->data + b->used - old_size)
		return false;

	size_t more = new_size - old_size;

	if (more > b->size - b->used)
		return false;
	if (to > from)
		memset((char *)p + from, 0, to - from);
	b->used += more;
	a->given += more;
	return true;
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
	if (!s)
		return NULL;
	n = strnlen(s, n);

	char *copy = arena_must(a, n < SIZE_MAX ? arena_take(a, n + 1) : NULL);

	memcpy(copy, s, n);
	copy[n] = '\0';
	return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return s ? arena_strndup(a, s, strlen(s)) : NULL;
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
	char small[256];
	va_list again;

	va_copy(again, ap);

	int n = vsnprintf(small, sizeof(small), fmt, ap);

	if (n < 0)
		abort();

	size_t len = (size_t)n;
	char *p = arena_must(a, arena_take(a, len + 1));

	if (len < sizeof(small))
		memcpy(p, small, len + 1);
	else
		vsnprintf(p, len + 1, fmt, again);
	va_end(again);
	return p;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);

	char *p = arena_vprintf(a, fmt, ap);

	va_end(ap);
	return p;
}

size_t arena_used(const struct arena *a)
{
	return a->given;
}
