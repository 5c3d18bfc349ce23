#include "incident/access.h"

#include <string.h>

#include "incident/request.h"

static const char *const rights[] = {
	"incident.read",
	"incident.write",
	"incident.approve",
	"incident.execute",
	"incident.admin",
	"tools.oncall.read",
	"tools.oncall.write",
};

/* "*" is everything; a star behind the separator, what begins alike ("incident.*", "slack:*"). */
static bool pattern_matches(const char *pattern, const char *text, char separator)
{
	size_t n = strlen(pattern);

	if (strcmp(pattern, "*") == 0)
		return true;
	if (n >= 3 && pattern[n - 1] == '*' && pattern[n - 2] == separator)
		return strncmp(pattern, text, n - 1) == 0 && text[n - 1];
	return strcmp(pattern, text) == 0;
}

static bool role_grants(const struct access_role *role, const char *right)
{
	for (size_t i = 0; i < role->count; i++)
		if (role->entitlement[i] && pattern_matches(role->entitlement[i], right, '.'))
			return true;
	return false;
}

static bool named_grants(const struct access_policy *p, const char *name, const char *right)
{
	for (size_t i = 0; i < p->role_count; i++)
		if (p->role[i].name && strcmp(p->role[i].name, name) == 0 &&
			role_grants(&p->role[i], right))
			return true;
	return false;
}

static bool token_allows(const struct access_policy *p, const char *person, const char *right)
{
	size_t n = strlen(ACCESS_TOKEN);

	if (strncmp(person, ACCESS_TOKEN, n) != 0)
		return false;
	for (size_t i = 0; i < p->token_count; i++) {
		const struct access_token *t = &p->token[i];

		if (t->name && t->role && strcmp(t->name, person + n) == 0)
			return named_grants(p, t->role, right);
	}
	return false;
}

bool access_allows(const struct access_policy *p, const char *person, const char *right)
{
	if (!person || !*person || !right || !*right)
		return false;
	if (strcmp(person, PERSON_SELF) == 0)
		return true;
	for (size_t i = 0; i < p->binding_count; i++) {
		const struct access_binding *b = &p->binding[i];
		if (b->person && b->role && pattern_matches(b->person, person, ':') &&
			named_grants(p, b->role, right))
			return true;
	}
	return token_allows(p, person, right);
}

const char *access_right(size_t i)
{
	return i < sizeof(rights) / sizeof(rights[0]) ? rights[i] : NULL;
}

bool access_known(const char *entitlement)
{
	for (size_t i = 0; access_right(i); i++)
		if (pattern_matches(entitlement, rights[i], '.'))
			return true;
	return false;
}
