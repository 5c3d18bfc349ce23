#ifndef BASE_ARENA_H
#define BASE_ARENA_H
/*
 * A bounded arena: everything read or made for one request lives in it and goes with it.
 * The maximum is set when it is made. Not for use by two threads at once; it may be handed over.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct arena;

/* max: bytes, all blocks together. Aborts when the system has no memory for the first block. */
struct arena *arena_create(size_t max);
void arena_destroy(struct arena *a); /* accepts NULL */

/* Zeroed, aligned for any type, never NULL. For our own small things: passing the maximum aborts,
 * since all input is capped before it comes here. */
void *arena_alloc(struct arena *a, size_t size) __attribute__((malloc, returns_nonnull));
/* The same for what is sized by the outside: NULL when the maximum would be passed. */
void *arena_try_alloc(struct arena *a, size_t size);
/* Makes the latest allocation longer where it lies; the new part is zeroed. False, and nothing done, when it is not the
 * latest or its block has no room: then allocate anew and copy. */
bool arena_extend(struct arena *a, void *p, size_t old_size, size_t new_size);

/* What is done more than once for one request takes back what it allocated: all since the mark goes. A mark may be
 * rewound to as often as wanted, until an older one is. */
struct arena_mark {
	void *block, *behind;
	size_t used, reserved, given, next_size;
};
struct arena_mark arena_mark(const struct arena *a);
void arena_rewind(struct arena *a, const struct arena_mark *m);

char *arena_strdup(struct arena *a, const char *s);  /* NULL stays NULL */
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));
size_t arena_used(const struct arena *a); /* for tests: bytes */

#endif
