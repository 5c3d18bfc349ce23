/* Who I am to the bot: name, key, zone, rights, roles. */
#include <string.h>

#include "commands/messages.h"
#include "commands/protected.h"
#include "commands/verbs.h"
#include "store/incidents.h"

static const char *rights_words(struct call *c)
{
	static const char *const rights[] = {
		"incident.read",
		"incident.write",
		"incident.approve",
		"incident.execute",
		"incident.admin",
		"tools.oncall.read",
		"tools.oncall.write",
	};
	struct str s;

	str_init_arena(&s, c->arena, 400);
	for (size_t i = 0; i < sizeof(rights) / sizeof(rights[0]); i++)
		if (access_allows(&c->config->access, c->actor, rights[i]))
			str_addf(&s, "%s%s", s.len ? ", " : "", rights[i]);
	return s.len ? s.p : "none; ask whoever keeps rbac.yml";
}

/* "commander of INC-42, scribe of INC-43" over the open incidents. */
static int roles_words(struct call *c, struct str *s)
{
	struct incident_filter filter;
	struct incident *found;
	size_t n;
	int rc;

	incident_filter_init(&filter);
	filter.open_only = true;
	filter.person = c->actor;
	filter.viewer = c->actor;
	filter.limit = 50;
	protected_filter(c, c->actor, &filter);
	rc = incident_find(c->store, c->arena, &filter, &found, &n, &c->err);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		struct role_set roles;

		rc = role_list(c->store, c->arena, found[i].id, &roles, &c->err);
		for (size_t k = 0; rc == 0 && k < roles.count; k++)
			if (strcmp(roles.holder[k].person, c->actor) == 0)
				str_addf(s, "%s%s of %s", s->len ? ", " : "", roles.holder[k].role,
					words_id(c, found[i].id));
	}
	return rc;
}

static struct done whoami_run(struct call *c)
{
	struct str roles;
	json_t *doc;

	str_init_arena(&roles, c->arena, 2000);
	if (roles_words(c, &roles) < 0)
		return call_fail(c);
	doc = message_line(c, "You are %s (%s), times are read in %s", words_name(c, c->actor),
		c->actor, c->zone && *c->zone ? c->zone : "UTC");
	doc_field(doc, "Rights", rights_words(c));
	doc_field(doc, "Roles now", roles.len ? roles.p : "none");
	return call_reply(c, doc);
}

static const struct op_alias aliases[] = {
	{ "me", NULL, NULL },
	{ NULL, NULL, NULL },
};

const struct operation op_whoami = {
	.name = "whoami",
	.aliases = aliases,
	.summary = "Who I am to the bot: name, time zone, rights, roles",
	.example = "/inc whoami",
	.need = NEED_NOTHING,
	.flags = OP_READS,
	.right = NULL, /* whoever is refused everything else may see why */
	.run = whoami_run,
};
