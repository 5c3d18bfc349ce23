#include "base/crash.h"

#ifdef SITREP_CRASH_POINTS

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* The environment does not change while threads run. */
void crash_point(const char *name)
{
	static atomic_int passed;
	const char *wanted = getenv("SITREP_CRASH");
	size_t n = strlen(name);
	int nth;

	if (!wanted || strncmp(wanted, name, n) != 0 || (wanted[n] && wanted[n] != ':'))
		return;
	nth = wanted[n] ? atoi(wanted + n + 1) : 1;
	if (atomic_fetch_add(&passed, 1) + 1 == nth)
		raise(SIGKILL);
}

#endif
