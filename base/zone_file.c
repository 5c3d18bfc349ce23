#include "base/zone_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/zone.h"

#define FILE_MAX     (256 << 10) /* the largest in use has 4 kB */
#define HEADER_SIZE  44
#define TYPE_SIZE    6
#define OFFSET_LIMIT (26 * 3600) /* RFC 8536 §3.2: more than -25 and less than 26 hours */
#define TAIL_MAX     127
#define DAY_S	     86400

/* "M10.5.0/3" of a POSIX TZ string: a day of any year, and the local time then. */
struct rule {
	char kind;            /* M: month, week, day of the week; J: day 1–365 without 29 February; 0: day 0–365 */
	int month, week, day;
	int time;             /* seconds of that day; may be negative or more than a day */
};

struct zone_file {
	size_t count;
	int64_t *at;     /* moments at which the offset changes, in order, */
	int *after;      /* to this */
	int before;      /* the first of them */
	bool has_tail;   /* a rule for what comes after the last of them */
	bool tail_dst;   /* with summer time */
	int standard, summer;
	struct rule begins, ends; /* of summer time */
};

/* ---- the rule for the future: RFC 8536 §3.3, POSIX TZ ---------------------------------------- */

static bool tail_name(const char **p)
{
	const char *from = *p;
	size_t n;

	if (*from == '<') {
		n = strcspn(from, ">");
		*p = from + n + 1;
		return from[n] == '>';
	}
	n = strspn(from, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
	*p = from + n;
	return n >= 3;
}

static bool tail_number(const char **p, int max, int *out)
{
	int n = 0;

	if (**p < '0' || **p > '9')
		return false;
	for (; **p >= '0' && **p <= '9' && n <= max; (*p)++)
		n = n * 10 + (**p - '0');
	*out = n;
	return n <= max;
}

/* [+-]hh[:mm[:ss]] in seconds */
static bool tail_time(const char **p, int *out)
{
	int sign = **p == '-' ? -1 : 1, h, m = 0, s = 0;

	if (**p == '-' || **p == '+')
		(*p)++;
	if (!tail_number(p, 167, &h))
		return false;
	if (**p == ':' && ((*p)++, !tail_number(p, 59, &m)))
		return false;
	if (**p == ':' && ((*p)++, !tail_number(p, 59, &s)))
		return false;
	*out = sign * (h * 3600 + m * 60 + s);
	return true;
}

static bool tail_point(const char **p)
{
	return *(*p)++ == '.';
}

static bool tail_rule(const char **p, struct rule *r)
{
	if (*(*p)++ != ',')
		return false;
	r->kind = '0';
	r->time = 2 * 3600;
	if (**p == 'M' || **p == 'J')
		r->kind = *(*p)++;
	if (r->kind == 'M') {
		if (!tail_number(p, 12, &r->month) || r->month < 1 || !tail_point(p) ||
			!tail_number(p, 5, &r->week) || r->week < 1 || !tail_point(p) ||
			!tail_number(p, 6, &r->day))
			return false;
	} else if (!tail_number(p, 365, &r->day)) {
		return false;
	}
	return **p != '/' || ((*p)++, tail_time(p, &r->time));
}

/* Offsets are west of Greenwich there. */
static bool tail_parse(struct zone_file *z, const char *p)
{
	int west;

	if (!tail_name(&p) || !tail_time(&p, &west))
		return false;
	z->standard = -west;
	z->summer = z->standard + 3600;
	z->tail_dst = *p != '\0';
	if (!z->tail_dst)
		return true;
	if (!tail_name(&p))
		return false;
	if (*p && *p != ',') {
		if (!tail_time(&p, &west))
			return false;
		z->summer = -west;
	}
	return tail_rule(&p, &z->begins) && tail_rule(&p, &z->ends) && !*p;
}

static int64_t rule_day(const struct rule *r, int year)
{
	int64_t first, day;

	if (r->kind == '0')
		return zone_days(year, 1, 1) + r->day;
	if (r->kind == 'J') {
		bool leap = zone_days(year, 3, 1) - zone_days(year, 2, 1) == 29;
		return zone_days(year, 1, 1) + r->day - 1 + (leap && r->day >= 60);
	}
	first = zone_days(year, r->month, 1);
	/* 1970-01-01 was a Thursday. */
	day = first + (r->day - (first % 7 + 7 + 4) % 7 + 7) % 7 + 7 * (r->week - 1);
	return day < zone_days(year, r->month + 1, 1) ? day : day - 7; /* the fifth is the last */
}

static int tail_offset(const struct zone_file *z, int64_t seconds)
{
	struct civil c;
	int64_t begins, ends;
	bool summer;

	if (!z->tail_dst)
		return z->standard;
	zone_split(seconds + z->standard, &c);
	begins = rule_day(&z->begins, c.year) * DAY_S + z->begins.time - z->standard;
	ends = rule_day(&z->ends, c.year) * DAY_S + z->ends.time - z->summer;
	summer = begins < ends ? seconds >= begins && seconds < ends :
		seconds >= begins || seconds < ends;
	return summer ? z->summer : z->standard;
}

/* ---- the file: RFC 8536 §3.1 and §3.2 -------------------------------------------------------- */

struct block {
	const unsigned char *times, *indices, *types, *end;
	size_t time_size, time_count, type_count;
};

static int64_t read_number(const unsigned char *p, size_t size)
{
	uint64_t n = p[0] & 0x80 ? UINT64_MAX : 0;

	for (size_t i = 0; i < size; i++)
		n = n << 8 | p[i];
	return (int64_t)n;
}

/* Leap seconds are of the "right" zones, whose clocks are not those of computers. */
static bool block_read(struct block *b, const unsigned char *p, const unsigned char *end, size_t time_size)
{
	size_t count[6], size; /* UT marks, standard marks, leap seconds, times, types, characters */

	if (end - p < HEADER_SIZE || memcmp(p, "TZif", 4))
		return false;
	for (size_t i = 0; i < 6; i++) {
		count[i] = (size_t)read_number(p + 20 + 4 * i, 4);
		if (count[i] > FILE_MAX)
			return false;
	}
	size = count[3] * (time_size + 1) + count[4] * TYPE_SIZE + count[5] + count[2] * (time_size + 4) +
		count[1] + count[0];
	p += HEADER_SIZE;
	if (size > (size_t)(end - p) || !count[4] || count[2])
		return false;
	b->time_size = time_size;
	b->time_count = count[3];
	b->type_count = count[4];
	b->times = p;
	b->indices = p + count[3] * time_size;
	b->types = b->indices + count[3];
	b->end = p + size;
	return true;
}

static int block_offset(const struct block *b, size_t type)
{
	return (int)read_number(b->types + type * TYPE_SIZE, 4);
}

static bool block_take(struct zone_file *z, const struct block *b)
{
	z->count = b->time_count;
	z->at = calloc(z->count + 1, sizeof(*z->at));
	z->after = calloc(z->count + 1, sizeof(*z->after));
	if (!z->at || !z->after)
		abort();
	for (size_t i = 0; i < b->type_count; i++)
		if (block_offset(b, i) <= -OFFSET_LIMIT || block_offset(b, i) >= OFFSET_LIMIT)
			return false;
	z->before = block_offset(b, 0);
	for (size_t i = 0; i < z->count; i++) {
		z->at[i] = read_number(b->times + i * b->time_size, b->time_size);
		if (b->indices[i] >= b->type_count || (i && z->at[i] <= z->at[i - 1]))
			return false;
		z->after[i] = block_offset(b, b->indices[i]);
	}
	return true;
}

/* The second block has times of eight bytes, and a line of text behind it. */
static bool file_parse(struct zone_file *z, const unsigned char *p, size_t n)
{
	const unsigned char *end = p + n;
	struct block b;
	char tail[TAIL_MAX + 1];
	size_t len;

	if (!block_read(&b, p, end, 4))
		return false;
	if (p[4] < '2')
		return block_take(z, &b);
	if (!block_read(&b, b.end, end, 8) || !block_take(z, &b))
		return false;
	n = (size_t)(end - b.end);
	if (n < 2 || b.end[0] != '\n' || b.end[n - 1] != '\n' || n - 2 > TAIL_MAX)
		return false;
	len = n - 2;
	memcpy(tail, b.end + 1, len);
	tail[len] = '\0';
	z->has_tail = len > 0;
	return !len || (strlen(tail) == len && tail_parse(z, tail));
}

/* Its length; 0: nothing to be read there. */
static size_t file_read(const char *path, unsigned char *into, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	size_t n = 0;
	ssize_t got = 0;

	if (fd < 0)
		return 0;
	while (n < size && ((got = read(fd, into + n, size - n)) > 0 || (got < 0 && errno == EINTR)))
		n += got > 0 ? (size_t)got : 0;
	close(fd);
	return got < 0 || n == size ? 0 : n;
}

struct zone_file *zone_file_read(const char *path)
{
	unsigned char *text = malloc(FILE_MAX);
	struct zone_file *z = calloc(1, sizeof(*z));
	size_t n;

	if (!text || !z)
		abort();
	n = file_read(path, text, FILE_MAX);
	if (!n || !file_parse(z, text, n)) {
		zone_file_destroy(z);
		z = NULL;
	}
	free(text);
	return z;
}

void zone_file_destroy(struct zone_file *z)
{
	if (!z)
		return;
	free(z->at);
	free(z->after);
	free(z);
}

int zone_file_offset(const struct zone_file *z, int64_t seconds)
{
	size_t low = 0, high = z->count;

	/* The first change after that moment. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (z->at[middle] <= seconds)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == z->count && z->has_tail)
		return tail_offset(z, seconds);
	return low ? z->after[low - 1] : z->before;
}
