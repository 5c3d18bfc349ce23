#ifndef BASE_CRASH_H
#define BASE_CRASH_H
/*
 * Named places at which a debug build (-DSITREP_CRASH_POINTS=ON) can be made to die as kill -9 would end it:
 *     SITREP_CRASH=after-commit:3 sitrep run …     the third time it comes there
 * In any other build there is nothing of it. tests/chaos/test_crash_points.py tries all of them.
 */
void crash_point(const char *name);

#ifdef SITREP_CRASH_POINTS
#define CRASH_POINT(name) crash_point(name)
#else
#define CRASH_POINT(name) ((void)0)
#endif

#endif
