#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "adapters/slack/room.h"

#define NAMES_KEPT 4096

struct name {
	char *key, *value;
	UT_hash_handle hh;
};

struct slack_names {
	struct name *all;
};

void *slack_alloc(size_t n)
{
	void *p = calloc(1, n);

	if (!p)
		abort();
	return p;
}

char *slack_strdup(const char *s)
{
	char *out = s ? strdup(s) : NULL;

	if (s && !out)
		abort();
	return out;
}

struct slack_names *slack_names_create(void)
{
	return slack_alloc(sizeof(struct slack_names));
}

static void name_forget(struct slack_names *n, struct name *one)
{
	HASH_DEL(n->all, one);
	free(one->key);
	free(one->value);
	free(one);
}

const char *slack_names_get(struct slack_names *n, const char *key)
{
	struct name *one = NULL;

	HASH_FIND_STR(n->all, key, one);
	return one ? one->value : NULL;
}

void slack_names_put(struct slack_names *n, const char *key, const char *value)
{
	struct name *one = NULL;

	HASH_FIND_STR(n->all, key, one);
	if (one)
		name_forget(n, one);
	if (HASH_COUNT(n->all) >= NAMES_KEPT)
		name_forget(n, n->all);
	one = slack_alloc(sizeof(*one));
	one->key = slack_strdup(key);
	one->value = slack_strdup(value);
	HASH_ADD_KEYPTR(hh, n->all, one->key, strlen(one->key), one);
}

bool slack_names_drop(struct slack_names *n, const char *key)
{
	struct name *one = NULL;

	HASH_FIND_STR(n->all, key, one);
	if (one)
		name_forget(n, one);
	return one;
}

void slack_names_destroy(struct slack_names *n)
{
	while (n && n->all)
		name_forget(n, n->all);
	free(n);
}
