#ifndef INCIDENT_ACCESS_H
#define INCIDENT_ACCESS_H
/* Who may do what (FEATURES U1): people are bound to roles, roles hold entitlements. Pure; one check, made where operations are called. */
#include <stdbool.h>
#include <stddef.h>

#define ACCESS_ROLES_MAX        32
#define ACCESS_ENTITLEMENTS_MAX 32
#define ACCESS_BINDINGS_MAX     256
#define ACCESS_TOKENS_MAX       24
#define ACCESS_TOKEN            "token:" /* before the name of a token: the key of who acts */

struct access_role {
	const char *name;
	const char *entitlement[ACCESS_ENTITLEMENTS_MAX]; /* "incident.write"; "incident.*"; "*" */
	size_t count;
};
struct access_binding {
	const char *role;
	const char *person; /* key; "slack:*" is everybody of that system; "*" everybody */
};
/* Of the HTTP API: whoever has the secret acts as "token:<name>". */
struct access_token {
	const char *name, *role;
	const char *secret; /* resolved; NULL: closed */
};
struct access_policy {
	struct access_role role[ACCESS_ROLES_MAX];
	size_t role_count;
	struct access_binding binding[ACCESS_BINDINGS_MAX];
	size_t binding_count;
	struct access_token token[ACCESS_TOKENS_MAX];
	size_t token_count;
};

/* PERSON_SELF may do anything. */
bool access_allows(const struct access_policy *p, const char *person, const char *right);

/* The entitlements there are, in order; NULL past the last. */
const char *access_right(size_t i);
/* Is it one of them, or a pattern ("incident.*", "*") that means at least one? */
bool access_known(const char *entitlement);

#endif
