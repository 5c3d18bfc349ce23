#ifndef SUPPORT_STORE_H
#define SUPPORT_STORE_H
/* A database in a folder of its own, for tests of the store and of what is built on it. */
#include "base/arena.h"
#include "store/incidents.h"
#include "store/store.h"

struct scratch {
	char folder[64];
	char path[96];
	struct store *store;
	struct arena *arena;
	struct error err;
};

/* cmocka set-up and tear-down; *state is a struct scratch. */
int scratch_setup(void **state);
int scratch_teardown(void **state);
/* Closes and opens again, as a restart does. */
void scratch_reopen(struct scratch *x);
/* Runs SQL on the file by a connection of its own, as somebody with the sqlite3 shell would;
 * asserts that it works. */
void scratch_sql(struct scratch *x, const char *sql);
/* The first column of the first row, as a number. */
int64_t scratch_ask(struct scratch *x, const char *sql);
/* A declared incident, in the transaction at hand. */
int64_t scratch_incident(struct scratch *x, const char *title);
/* Asserts that what is left in err has these words in it. */
void assert_says(const struct error *err, const char *words);
/* One call that must work, inside its own transaction. */
#define STORED(x, call)                                                                            \
	do {                                                                                       \
		assert_int_equal(store_begin((x)->store, &(x)->err), 0);                           \
		if ((call) != 0)                                                                   \
			fail_msg("%s: %s", #call, (x)->err.text);                                  \
		assert_int_equal(store_commit((x)->store, &(x)->err), 0);                          \
	} while (0)

#endif
