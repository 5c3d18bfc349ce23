#ifndef ADAPTERS_VERDICT_H
#define ADAPTERS_VERDICT_H
/* What `sitrep doctor` makes of one thing it looked at. */

enum verdict {
	VERDICT_GOOD,
	VERDICT_NOTE, /* something is lost, or cannot be looked at; the rest works */
	VERDICT_BAD,  /* it will not work like this */
};

#endif
