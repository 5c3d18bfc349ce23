#ifndef BASE_ZONE_FILE_H
#define BASE_ZONE_FILE_H
/*
 * One zone of the system's tzdata as its file tells it (RFC 8536): every change of the offset there was, and the rule for the years
 * to come. Read here, and not by a calendar library: the one at hand brings half of the time that linking takes.
 */
#include <stdint.h>

struct zone_file;

/* NULL: there is no such file, or it is no zone. Owned by the caller; never changed, so any thread may ask it. */
struct zone_file *zone_file_read(const char *path);
void zone_file_destroy(struct zone_file *z); /* accepts NULL */
int zone_file_offset(const struct zone_file *z, int64_t seconds); /* seconds east of UTC at that moment */

#endif
