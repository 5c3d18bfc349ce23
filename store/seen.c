#include "store/seen.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/hash.h"

#define SLOTS_FIRST 256u /* a power of two, as every size after it */

/* Half of the hash and half of the row: an entry is a hint, and no inbox holds 2^32 deliveries at a time. */
struct slot {
	uint32_t hash; /* 0 = free */
	uint32_t row;
};

struct seen {
	struct slot *slot;
	size_t slots, used;
	int64_t newest; /* the largest row ever; what the halves are halves of */
	uint64_t seed;  /* so that nobody outside can choose keys that collide */
};

static struct slot *slots_create(size_t count)
{
	struct slot *slot = calloc(count, sizeof(*slot));

	if (!slot)
		abort();
	return slot;
}

struct seen *seen_create(void)
{
	struct seen *s = calloc(1, sizeof(*s));

	if (!s)
		abort();
	s->seed = hash_seed();
	s->slots = SLOTS_FIRST;
	s->slot = slots_create(s->slots);
	return s;
}

void seen_destroy(struct seen *s)
{
	if (!s)
		return;
	free(s->slot);
	free(s);
}

static uint32_t hash_of(const struct seen *s, const char *key, size_t n)
{
	uint32_t hash = (uint32_t)hash_bytes(s->seed, key, n);

	return hash ? hash : 1;
}

static int64_t row_of(const struct seen *s, const struct slot *slot)
{
	return s->newest - (int64_t)((uint32_t)s->newest - slot->row);
}

/* Slots that hold `count` entries with a quarter to spare. */
static bool too_many(size_t count, size_t slots)
{
	return count >= slots / 4 * 3;
}

static void put(struct seen *s, const struct slot *new)
{
	size_t i = new->hash & (s->slots - 1);

	while (s->slot[i].hash)
		i = (i + 1) & (s->slots - 1);
	s->slot[i] = *new;
	s->used++;
}

/* Into as many slots as are asked for, without the rows up to `last`. */
static void rebuild(struct seen *s, size_t slots, int64_t last)
{
	struct slot *old = s->slot;
	size_t count = s->slots;

	s->slot = slots_create(slots);
	s->slots = slots;
	s->used = 0;
	for (size_t i = 0; i < count; i++)
		if (old[i].hash && row_of(s, &old[i]) > last)
			put(s, &old[i]);
	free(old);
}

void seen_add(struct seen *s, const char *key, size_t n, int64_t row)
{
	if (too_many(s->used, s->slots))
		rebuild(s, s->slots * 2, 0);
	if (row > s->newest)
		s->newest = row;
	put(s, &(struct slot){ .hash = hash_of(s, key, n), .row = (uint32_t)row });
}

int64_t seen_next(const struct seen *s, const char *key, size_t n, size_t *at)
{
	uint32_t hash = hash_of(s, key, n);

	for (;;) {
		const struct slot *slot = &s->slot[(hash + (*at)++) & (s->slots - 1)];

		if (!slot->hash)
			return 0;
		if (slot->hash == hash)
			return row_of(s, slot);
	}
}

void seen_drop(struct seen *s, int64_t last)
{
	size_t slots = SLOTS_FIRST, left = 0;

	for (size_t i = 0; i < s->slots; i++)
		left += s->slot[i].hash && row_of(s, &s->slot[i]) > last;
	while (too_many(left, slots))
		slots *= 2;
	rebuild(s, slots, last);
}
