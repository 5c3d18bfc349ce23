#include "commands/relate.h"

#include <errno.h>

#include "commands/escalation.h"
#include "commands/issues.h"
#include "commands/messages.h"
#include "commands/protected.h"
#include "store/incidents.h"
#include "store/relations.h"

#define CHAIN_MAX 64 /* merges behind each other */

int beside_load(struct call *c, int64_t id, struct beside *out)
{
	int rc = protected_load(c, id, &out->incident, &out->roles);

	if (rc == 0)
		protected_looked(c, &out->incident, c->actor);
	return rc;
}

int beside_kept(struct call *c, int64_t id, struct beside *out)
{
	int rc = beside_load(c, id, out);

	for (int i = 0; rc == 0 && out->incident.merged_into; i++) {
		if (i == CHAIN_MAX)
			return error_set(&c->err, -ELOOP, "INC-%lld is merged in a circle",
				(long long)id);
		rc = beside_load(c, out->incident.merged_into, out);
	}
	return rc;
}

static int beside_finish(struct call *c)
{
	int rc = c->engage ? escalation_look(c) : 0;

	if (rc == 0 && c->touched)
		rc = incident_save(c->store, &c->incident, &c->err);
	if (rc == 0 && c->touched)
		rc = say_refresh(c, c->announce);
	return rc == 0 && c->touched ? issue_refresh(c) : rc;
}

int beside_run(
	struct call *c, struct beside *other, int (*fn)(struct call *c, void *ctx), void *ctx)
{
	struct beside own = { c->incident, c->roles };
	bool has = c->has_incident, touched = c->touched, announce = c->announce,
	     engage = c->engage;
	int rc;

	c->incident = other->incident;
	c->roles = other->roles;
	c->has_incident = true;
	c->touched = c->announce = c->engage = false;
	rc = fn(c, ctx);
	if (rc == 0)
		rc = beside_finish(c);
	other->incident = c->incident;
	other->roles = c->roles;
	c->incident = own.incident;
	c->roles = own.roles;
	c->has_incident = has;
	c->touched = touched;
	c->announce = announce;
	c->engage = engage;
	return rc;
}

struct done beside_absent(struct call *c, int64_t id)
{
	return call_refuse(c, "not_found",
		"There is no INC-%lld; nothing was done. The ones there are: /inc list",
		(long long)id);
}

/* ---- what shows it ---- */

static void add_id(struct call *c, struct str *s, int64_t id)
{
	str_addf(s, "%s%s", s->len ? ", " : "", words_id(c, id));
}

/* A card has many readers: one that has become protected is not named to them any more. */
static bool may_be_named(struct call *c, int64_t id)
{
	struct incident inc;

	if (incident_load(c->store, c->arena, id, &inc, &c->err) < 0)
		return false;
	return !inc.is_private || c->incident.is_private;
}

void relate_fields(struct call *c, json_t *doc)
{
	struct incident_link *l;
	struct str related, merged;
	size_t n;

	if (link_list(c->store, c->arena, c->incident.id, &l, &n, &c->err) < 0)
		return;
	str_init_arena(&related, c->arena, 2000);
	str_init_arena(&merged, c->arena, 2000);
	for (size_t i = 0; i < n; i++) {
		int64_t other = l[i].from == c->incident.id ? l[i].to : l[i].from;

		if (!may_be_named(c, other))
			continue;
		if (l[i].kind == LINK_RELATED)
			add_id(c, &related, other);
		else if (l[i].to == c->incident.id)
			add_id(c, &merged, other);
	}
	if (related.len)
		doc_field(doc, "Related", related.p);
	if (merged.len)
		doc_field(doc, "Merged here", merged.p);
}

const char *relate_state(struct call *c, const struct incident *inc)
{
	if (!inc->merged_into)
		return state_name(inc->state);
	return arena_printf(c->arena, "merged into %s", words_id(c, inc->merged_into));
}

const char *relate_channel(struct call *c)
{
	int64_t own = c->incident.id, kept = c->incident.merged_into;
	const char *mark;

	if (!kept || !may_be_named(c, kept))
		return message_channel_mark(c);
	c->incident.id = kept;
	mark = message_channel_mark(c);
	c->incident.id = own;
	return mark;
}

void relate_merged_buttons(struct call *c, json_t *doc)
{
	int64_t kept = c->incident.merged_into;

	doc_button(doc, arena_printf(c->arena, "Show %s", words_id(c, kept)), "show", kept, NULL,
		"primary");
	doc_button(doc, "Timeline", "timeline", c->incident.id, NULL, NULL);
	doc_button(doc, "They are two", "unmerge", c->incident.id, NULL, NULL);
}
