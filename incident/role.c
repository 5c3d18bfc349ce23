#include "incident/role.h"

#include <string.h>

#include "base/text.h"

static bool role_answers_to(const struct role_policy *r, const char *word)
{
	if ((r->key && text_equal_fold(r->key, word)) ||
		(r->title && text_equal_fold(r->title, word)))
		return true;
	for (size_t i = 0; i < ROLE_NAMES_MAX && r->names[i]; i++)
		if (text_equal_fold(r->names[i], word))
			return true;
	return false;
}

const struct role_policy *role_find(const struct role_table *t, const char *word)
{
	for (size_t i = 0; word && *word && i < t->count; i++)
		if (role_answers_to(&t->role[i], word))
			return &t->role[i];
	return NULL;
}

const char *role_person(const struct role_set *set, const char *role)
{
	for (size_t i = 0; set && i < set->count; i++)
		if (strcmp(set->holder[i].role, role) == 0)
			return set->holder[i].person;
	return NULL;
}
