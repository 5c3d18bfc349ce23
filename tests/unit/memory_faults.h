#ifndef TESTS_MEMORY_FAULTS_H
#define TESTS_MEMORY_FAULTS_H
/*
 * Memory that runs out: in front of malloc, calloc, realloc and strdup of the whole program, its libraries
 * included, with or without sanitizers. For programs of one thread; linked only where it is asked for.
 */
#include <stdbool.h>

/* From now on the nth allocation (1 …) fails, lasting: and all that follow. 0: they are counted only. */
void memory_arm(long nth, bool lasting);
/* There is memory again; how many allocations were asked for since it was armed. */
long memory_lift(void);

#endif
