#include "memory_faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

/* Called before the sanitizer is ready, and from within the loader. */
#define PLAIN __attribute__((no_sanitize("address", "undefined")))
#define EARLY PLAIN __attribute__((visibility("default")))

void *malloc(size_t size);
void *calloc(size_t n, size_t size);
void *realloc(void *p, size_t size);

static struct {
	void *(*malloc)(size_t);
	void *(*calloc)(size_t, size_t);
	void *(*realloc)(void *, size_t);
} real;
static bool armed, goes_on;
static long nth_to_fail, asked;

PLAIN static bool strikes(void)
{
	if (!armed)
		return false;
	asked++;
	if (!nth_to_fail || asked < nth_to_fail || (asked > nth_to_fail && !goes_on))
		return false;
	errno = ENOMEM;
	return true;
}

EARLY void *malloc(size_t size)
{
	if (!real.malloc)
		*(void **)&real.malloc = dlsym(RTLD_NEXT, "malloc");
	return strikes() ? NULL : real.malloc(size);
}

EARLY void *calloc(size_t n, size_t size)
{
	if (!real.calloc)
		*(void **)&real.calloc = dlsym(RTLD_NEXT, "calloc");
	return strikes() ? NULL : real.calloc(n, size);
}

EARLY void *realloc(void *p, size_t size)
{
	if (!real.realloc)
		*(void **)&real.realloc = dlsym(RTLD_NEXT, "realloc");
	return strikes() ? NULL : real.realloc(p, size);
}

/* A sanitizer has its own, which do not ask us. */
EARLY char *strndup(const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *copy = malloc(len + 1);

	if (!copy)
		return NULL;
	copy[len] = '\0';
	return memcpy(copy, s, len);
}

EARLY char *strdup(const char *s)
{
	return strndup(s, strlen(s));
}

void memory_arm(long nth, bool lasting)
{
	nth_to_fail = nth;
	goes_on = lasting;
	asked = 0;
	armed = true;
}

long memory_lift(void)
{
	armed = false;
	return asked;
}
