#include "support_store.h"

#include <dirent.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

int scratch_setup(void **state)
{
	struct scratch *x = calloc(1, sizeof(*x));

	if (!x)
		return -1;
	strcpy(x->folder, "/tmp/sitrep-test-XXXXXX");
	if (!mkdtemp(x->folder))
		return -1;
	snprintf(x->path, sizeof(x->path), "%s/sitrep.db", x->folder);
	x->arena = arena_create(16u << 20);
	struct store_options o = { .path = x->path, .create = true };
	if (store_open(&x->store, &o, &x->err)) {
		fprintf(stderr, "%s\n", x->err.text);
		return -1;
	}
	*state = x;
	return 0;
}

int scratch_teardown(void **state)
{
	struct scratch *x = *state;
	char name[512];

	store_close(x->store);
	arena_destroy(x->arena);
	DIR *folder = opendir(x->folder);
	for (struct dirent *e; folder && (e = readdir(folder));) {
		snprintf(name, sizeof(name), "%s/%s", x->folder, e->d_name);
		if (e->d_name[0] != '.')
			unlink(name);
	}
	if (folder)
		closedir(folder);
	rmdir(x->folder);
	free(x);
	return 0;
}

void scratch_reopen(struct scratch *x)
{
	struct store_options o = { .path = x->path };

	store_close(x->store);
	x->store = NULL;
	if (store_open(&x->store, &o, &x->err))
		fail_msg("%s", x->err.text);
}

static sqlite3 *shell(struct scratch *x)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(x->path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 1000);
	return db;
}

void scratch_sql(struct scratch *x, const char *sql)
{
	sqlite3 *db = shell(x);
	char *why = NULL;

	if (sqlite3_exec(db, sql, NULL, NULL, &why))
		fail_msg("%s: %s", sql, why);
	sqlite3_close(db);
}

int64_t scratch_ask(struct scratch *x, const char *sql)
{
	sqlite3 *db = shell(x);
	sqlite3_stmt *st = NULL;

	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) || sqlite3_step(st) != SQLITE_ROW)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	int64_t value = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
	return value;
}

int64_t scratch_incident(struct scratch *x, const char *title)
{
	char *own = arena_strdup(x->arena, title);
	struct incident inc = { .title = own, .severity = 2, .state = STATE_INVESTIGATING,
		.declared_at = 1000, .state_at = 1000 };

	if (incident_insert(x->store, &inc, &x->err))
		fail_msg("%s", x->err.text);
	return inc.id;
}

void assert_says(const struct error *err, const char *words)
{
	if (!strstr(err->text, words))
		fail_msg("\"%s\" does not say \"%s\"", err->text, words);
}
