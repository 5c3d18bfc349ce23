/* Who may do what: people, and the tokens of the HTTP API. */
#include "config/schema_parts.h"

/* ---- rbac.yml --------------------------------------------------------------------------- */

static const struct key right_entry = { "right", KEY_RIGHT, .min = 1, .max = 64 };
static const struct key access_role_entry = { "rights", KEY_LIST,
	IN(access_role, entitlement), .max = ACCESS_ENTITLEMENTS_MAX, .entry = &right_entry,
	.stride = sizeof(char *), .count_offset = offsetof(struct access_role, count) };
static const struct key binding_entry = { "role", KEY_WORD, IN(access_binding, role), .min = 1,
	.max = 32 };
static const struct key binding_name = { "name", KEY_PEOPLE, .min = 1, .max = 80 };
static const struct key token_keys[] = {
	{ "secret", KEY_SECRET, IN(access_token, secret), .required = true,
		.help = "The token itself, at least 20 characters nobody can guess." },
	{ "role", KEY_WORD, IN(access_token, role), .min = 1, .max = 32, .required = true,
		.help = "What it may do: one of `roles`." },
	{ 0 },
};
static const struct key token_entry = { "token", KEY_MAP, .keys = token_keys };
const struct key rbac_keys[] = {
	{ "roles", KEY_NAMED, AT(access.role), .max = ACCESS_ROLES_MAX, .entry = &access_role_entry,
		.stride = sizeof(struct access_role),
		.count_offset = offsetof(struct config, access.role_count),
		.name_offset = offsetof(struct access_role, name),
		.otherwise = "{viewer: [incident.read, tools.oncall.read], "
			"responder: [incident.read, incident.write, incident.approve, tools.oncall.read], "
			"commander: [incident.read, incident.write, incident.approve, incident.execute, "
			"tools.oncall.read], admin: ['*']}",
		.help = "Entitlements of each role: a name, `incident.*` for all of a kind, `\"*\"` for "
			"all." },
	{ "bindings", KEY_NAMED, AT(access.binding), .max = ACCESS_BINDINGS_MAX,
		.name_key = &binding_name,
		.entry = &binding_entry, .stride = sizeof(struct access_binding),
		.count_offset = offsetof(struct config, access.binding_count),
		.name_offset = offsetof(struct access_binding, person),
		.otherwise = "{'slack:*': responder, 'unix:*': admin, 'jira:*': responder}",
		.help = "Who has which role: `slack:U0123ABCD`, `unix:1000`, `slack:*` for everybody of "
			"a system. Whoever matches several has the rights of all." },
	{ "tokens", KEY_NAMED, AT(access.token), .max = ACCESS_TOKENS_MAX, .otherwise = "{}",
		.entry = &token_entry, .stride = sizeof(struct access_token),
		.count_offset = offsetof(struct config, access.token_count),
		.name_offset = offsetof(struct access_token, name),
		.help = "Tokens of the HTTP API: `{ci: {secret: env:SITREP_TOKEN_CI, role: viewer}}`. What "
			"is asked with one is done by `token:ci`. Without any the API is closed." },
	{ 0 },
};
