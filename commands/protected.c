#include "commands/protected.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "incident/access.h"
#include "store/audit.h"
#include "store/relations.h"

#define RIGHT_ADMIN "incident.admin" /* sees protected ones without being named on them */
#define DRAWS_MAX   64		     /* of numbers, until a free one must have come */

static bool holds_a_role(const struct role_set *roles, const char *person)
{
	for (size_t i = 0; i < roles->count; i++)
		if (!strcmp(roles->holder[i].person, person))
			return true;
	return false;
}

bool protected_sees_all(const struct call *c, const char *person)
{
	return access_allows(&c->config->access, person, RIGHT_ADMIN);
}

int protected_sees(struct call *c, const struct incident *inc, const struct role_set *roles,
	const char *person, bool *sees)
{
	bool granted = false;
	int rc = 0;

	*sees = !inc->is_private;
	if (inc->is_private) {
		rc = access_has(c->store, inc->id, person, &granted, &c->err);
		*sees = granted || holds_a_role(roles, person) || protected_sees_all(c, person);
	}
	return rc;
}

static int load_absent(struct call *c, int64_t id)
{
	return error_set(&c->err, -ENOENT, "there is no INC-%lld", (long long)id);
}

int protected_load(struct call *c, int64_t id, struct incident *out, struct role_set *roles)
{
	struct role_set set = { 0 };
	struct incident nothing = { .id = id, .is_private = true };
	bool sees = false;
	int found = incident_load(c->store, c->arena, id, out, &c->err);
	int rc = found;

	if (found == 0 || found == -ENOENT)
		rc = role_list(c->store, c->arena, id, &set, &c->err);
	if (rc == 0)
		rc = protected_sees(c, found == 0 ? out : &nothing, &set, c->actor, &sees);
	if (rc == 0 && (found < 0 || !sees))
		rc = load_absent(c, id);
	if (rc < 0) {
		*out = (struct incident){ 0 };
		set = (struct role_set){ 0 };
	}
	if (roles)
		*roles = set;
	return rc;
}

void protected_filter(struct call *c, const char *person, struct incident_filter *f)
{
	f->viewer = person;
	f->sees_all = protected_sees_all(c, person);
}

/* ---- numbers ---- */

static int draw(struct call *c, int64_t *id)
{
	const uint64_t span = INCIDENT_PROTECTED_LAST - INCIDENT_PROTECTED_FIRST + 1;
	uint64_t r;

	/* 2^64 is so much more than span that the remainder prefers no number that anybody could
	 * notice. */
	if (getrandom(&r, sizeof(r), 0) != (ssize_t)sizeof(r))
		return error_set(&c->err, -EAGAIN, "the system gives no random numbers");
	*id = INCIDENT_PROTECTED_FIRST + (int64_t)(r % span);
	return 0;
}

int protected_insert(struct call *c, struct incident *inc)
{
	int rc = -EEXIST;

	inc->is_private = true;
	for (int i = 0; rc == -EEXIST && i < DRAWS_MAX; i++) {
		rc = draw(c, &inc->id);
		if (rc == 0)
			rc = incident_insert(c->store, inc, &c->err);
	}
	return rc;
}

/* ---- access ---- */

int protected_admit(struct call *c, const char *person, const char *how)
{
	json_t *meta;
	bool sees;
	int rc;

	if (!c->has_incident || !c->incident.is_private)
		return 0;
	rc = access_has(c->store, c->incident.id, person, &sees, &c->err);
	if (rc < 0 || sees)
		return rc;
	rc = access_grant(c->store, c->incident.id, person, c->actor, c->now, &c->err);
	if (rc < 0)
		return rc;
	meta = json_pack("{s:s, s:s}", "person", person, "how", how);
	rc = record_audit(c, "incident", c->incident.id, "info", "incident.access_granted",
		json_text(c->arena, meta));
	json_decref(meta);
	return rc;
}

static bool among(const char *const *people, size_t n, const char *person)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(people[i], person))
			return true;
	return false;
}

int protected_people(struct call *c, const char ***people, size_t *count)
{
	struct grant *grant;
	size_t n;
	int rc = access_list(c->store, c->arena, c->incident.id, &grant, &n, &c->err);

	*count = 0;
	if (rc < 0)
		return rc;
	*people = arena_alloc(c->arena, (n + c->roles.count + 1) * sizeof(**people));
	for (size_t i = 0; i < n; i++)
		(*people)[(*count)++] = grant[i].person;
	for (size_t i = 0; i < c->roles.count; i++)
		if (!among(*people, *count, c->roles.holder[i].person))
			(*people)[(*count)++] = c->roles.holder[i].person;
	return 0;
}

/* ---- looks ---- */

void protected_looked(struct call *c, const struct incident *inc, const char *person)
{
	if (!inc->is_private || !strcmp(person, PERSON_SELF))
		return;
	for (size_t i = 0; i < c->look_count; i++)
		if (c->look[i].incident == inc->id && !strcmp(c->look[i].person, person))
			return;
	/* A page never shows more than there is room for. */
	if (c->look_count < CALL_LOOKS_MAX)
		c->look[c->look_count++] = (struct call_look){ inc->id, person };
}

int protected_looks_record(struct call *c)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < c->look_count; i++) {
		json_t *meta;

		/* A change says who saw it, by its own entry. */
		if (c->audited && c->has_incident && c->incident.id == c->look[i].incident &&
			!(c->op->flags & OP_READS))
			continue;
		meta = json_pack("{s:s}", "what", c->op ? c->op->name : "?");
		rc = audit_append(c->store,
			&(struct audit_entry){
				.at = c->now,
				.entity = "incident",
				.entity_id = c->look[i].incident,
				.level = "info",
				.action = "incident.viewed",
				.actor = c->look[i].person,
				.meta = json_text(c->arena, meta),
			},
			&c->err);
		json_decref(meta);
	}
	c->look_count = 0;
	return rc;
}
