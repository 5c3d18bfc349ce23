#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* What an error quotes may come from outside, torn or no UTF-8 at all. */
static void error_mend(char *text)
{
	size_t n = strlen(text);
	uint32_t c;

	for (size_t i = 0, len; i < n; i += len) {
		len = text_decode(text + i, n - i, &c);
		if (len == 0) {
			text[i] = '?';
			len = 1;
		}
	}
}

void error_vformat(char *out, size_t size, const char *fmt, va_list ap)
{
	int n = vsnprintf(out, size, fmt, ap);

	if (n < 0)
		out[0] = '\0';
	else if ((size_t)n >= size)
		out[text_edge(out, size - 1)] = '\0';
	error_mend(out);
}

int error_set(struct error *err, int code, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return code;
	err->code = code;
	va_start(ap, fmt);
	error_vformat(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return code;
}

int error_prefix(struct error *err, const char *fmt, ...)
{
	char front[sizeof(err->text)];
	va_list ap;

	if (!err)
		return 0;
	va_start(ap, fmt);
	error_vformat(front, sizeof(front), fmt, ap);
	va_end(ap);

	char whole[sizeof(err->text)];
	int n = snprintf(whole, sizeof(whole), "%s: %s", front, err->text);

	if (n >= (int)sizeof(whole))
		whole[text_edge(whole, sizeof(whole) - 1)] = '\0';
	memcpy(err->text, whole, sizeof(whole));
	return err->code;
}
