#include "commands/call.h"

#include <stdarg.h>

#include "base/json.h"
#include "store/audit.h"
#include "store/incidents.h"
#include "store/timelines.h"

void call_touch(struct call *c)
{
	c->touched = true;
}

void call_touch_announce(struct call *c)
{
	c->touched = true;
	c->announce = true;
}

int call_load_roles(struct call *c)
{
	return role_list(c->store, c->arena, c->incident.id, &c->roles, &c->err);
}

int record_audit(struct call *c, const char *entity, int64_t id, const char *level,
	const char *action, const char *meta)
{
	struct audit_entry e = {
		.at = c->now,
		.entity = entity,
		.entity_id = id,
		.level = level,
		.action = action,
		.actor = c->actor,
		.meta = meta,
	};

	c->audited = true;
	return audit_append(c->store, &e, &c->err);
}

static int record_entry_audit(struct call *c, const struct record_entry *r)
{
	json_t *meta = json_pack("{s:s}", "text", r->text);
	int rc = record_audit(c, "incident", c->incident.id, "info", r->action,
		meta ? json_text(c->arena, meta) : NULL);

	json_decref(meta);
	return rc;
}

int record_entry(struct call *c, const struct record_entry *r)
{
	struct timeline_entry e = {
		.incident = c->incident.id,
		.happened_at = r->happened_at ? r->happened_at : c->now,
		.recorded_at = c->now,
		.kind = r->kind,
		.author = arena_strdup(c->arena, r->author ? r->author : c->actor),
		.text = arena_strdup(c->arena, r->text),
		.source = arena_strdup(c->arena, r->source),
		.meta = arena_strdup(c->arena, r->meta),
		.corrects = r->corrects,
	};
	int rc = timeline_append(c->store, &e, &c->err);

	if (rc == 0 && r->action)
		rc = record_entry_audit(c, r);
	return rc;
}

int record_event(struct call *c, enum timeline_kind kind, const char *action, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	struct record_entry e = {
		.kind = kind,
		.action = action,
		.text = arena_vprintf(c->arena, fmt, ap),
	};
	va_end(ap);
	return record_entry(c, &e);
}
