#ifndef STORE_INCIDENT_TERMS_H
#define STORE_INCIDENT_TERMS_H
/*
 * Inside of store/ only: which incidents may fit a filter, where the database has no index that says it.
 * Words and names are kept in memory (store/terms.h), from the first search of a record that is long
 * enough to need it. Only in a process that may write: nobody else does meanwhile, and if somebody did
 * all the same, it is noticed and they are read anew.
 */
#include "store/incidents.h"
#include "store/terms.h"

#define TERM_WORDS_MAX 4

struct term_words {
	struct {
		const char *p;
		size_t n;
	} word[TERM_WORDS_MAX];
	size_t count;
};

/* So many are looked at one by one sooner than by one statement; of more it is tried with the first. */
#define CANDIDATES_FEW 2000

struct candidates {
	bool narrow;  /* only these can fit; otherwise any can */
	int64_t *ids; /* as in the list: newest first, by number or by time; free() */
	size_t count;
};

/* by_time: the list is ordered by declared_at. 0 or a negative errno; *c is for free() either way. */
int incident_candidates(struct store *s, const struct incident_filter *f, const struct term_words *words,
	bool by_time, struct candidates *c, struct error *err);

/* To be called when the row is written. */
void incident_terms_put(struct store *s, const struct incident *inc);
void incident_terms_person(struct store *s, int64_t incident, const char *person);

#endif
