#ifndef BASE_ERROR_H
#define BASE_ERROR_H
/*
 * Errors for people, on the caller's stack. A function that can fail returns 0 or a negative errno;
 * where a person must read why, it also takes a struct error and fills it:
 *
 *	return error_set(err, -EINVAL, "a %s incident cannot become %s", from, to);
 */
#include <stdarg.h>
#include <stddef.h>

struct error {
	int code;       /* negative errno; 0 when nothing is wrong */
	char text[480]; /* one sentence, UTF-8, NUL-terminated, cut at a character's edge */
};

/* Formats the text and returns code. err may be NULL: then only the code is passed on. */
int error_set(struct error *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* What the two write, for other buffers: whatever is quoted and wherever it is cut, the result is UTF-8. size > 0. */
void error_vformat(char *out, size_t size, const char *fmt, va_list ap) __attribute__((format(printf, 3, 0)));

/* Puts "fmt…: " in front of what is there already, as the error travels up. Returns err's code. */
int error_prefix(struct error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
