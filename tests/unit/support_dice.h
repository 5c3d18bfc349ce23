#ifndef SUPPORT_DICE_H
#define SUPPORT_DICE_H
/* Chance that can be had again: the same seed, which is not 0, the same rolls (xorshift64). */
#include <stdint.h>

struct dice {
	uint64_t state;
};

static inline uint32_t dice_roll(struct dice *d, uint32_t sides)
{
	d->state ^= d->state << 13;
	d->state ^= d->state >> 7;
	d->state ^= d->state << 17;
	return (uint32_t)(d->state >> 32) % sides;
}

#endif
