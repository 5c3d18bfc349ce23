#ifndef BASE_STR_H
#define BASE_STR_H
/*
 * The string builder. Every formatting goes through it; each gets its maximum when it is made.
 * Past the maximum the text is cut at a character's edge and `cut` is set; nothing more is added.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

struct str {
	char *p;             /* NUL-terminated from the first str_init on */
	size_t len, cap, max; /* bytes, without the NUL */
	bool cut;            /* something did not fit */
	struct arena *arena; /* NULL: heap, str_finish frees */
};

#define STR_CLEANUP __attribute__((cleanup(str_finish)))

void str_init(struct str *s, size_t max);                           /* on the heap */
void str_init_arena(struct str *s, struct arena *a, size_t max);    /* str_finish then does nothing */
void str_finish(struct str *s);                                     /* accepts a zeroed struct */
char *str_take(struct str *s);                                      /* heap only: the caller frees */
void str_reset(struct str *s);                                      /* empty, memory kept */

void str_shorten(struct str *s, size_t len);                         /* to what was its length; no longer cut */
void str_expect(struct str *s, size_t n);                           /* room for n more at once; n is a guess */

void str_add(struct str *s, const char *text);                      /* NULL adds nothing */
void str_addn(struct str *s, const char *p, size_t n);
void str_addc(struct str *s, char c);
void str_addf(struct str *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void str_vaddf(struct str *s, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

#endif
