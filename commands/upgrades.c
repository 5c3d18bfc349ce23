#include "commands/upgrades.h"

#include <string.h>

#include "commands/figures.h"
#include "commands/messages.h"
#include "commands/obligations.h"
#include "commands/stakeholders.h"
#include "incident/promise.h"
#include "store/response.h"

#define SIZE_BYTES_MAX 1024

/* ---- the facts ---- */

static void size_read(const struct incident *inc, struct scope_size *out)
{
	JSON_CLEANUP json_t *obj = NULL;
	const char *text = inc->size_when_set;

	*out = (struct scope_size){ .users = -1, .share_permille = -1, .groups = 0 };
	if (!text || json_parse(text, strlen(text), SIZE_BYTES_MAX, &obj, NULL) < 0)
		return;
	out->users = json_get_int(obj, "users", -1);
	out->share_permille = (int)json_get_int(obj, "share_permille", -1);
	out->groups = (int)json_get_int(obj, "groups", 0);
}

/* Nothing known is nothing written: most are declared so. */
static void size_write(struct call *c, const struct scope_size *size)
{
	if (size->users < 0 && size->share_permille < 0 && size->groups == 0) {
		c->incident.size_when_set = NULL;
		return;
	}
	JSON_CLEANUP json_t *obj = json_pack("{s:I, s:i, s:i}", "users", (json_int_t)size->users,
		"share_permille", size->share_permille, "groups", size->groups);

	c->incident.size_when_set = json_text(c->arena, obj);
}

static int affected_groups(struct call *c, int *out)
{
	struct scope_entry *e;
	size_t n = 0;
	int rc;

	*out = 0;
	if (!c->incident.id || c->fresh)
		return 0;
	rc = scope_list(c->store, c->arena, c->incident.id, &e, &n, &c->err);
	for (size_t i = 0; rc == 0 && i < n; i++)
		*out += e[i].kind == SCOPE_GROUP && e[i].affected == TRI_YES;
	return rc;
}

/* Confirmed, or suspected in words. Only when both loss and corruption are ruled out do the words
 * not count any more. */
static bool data_integrity(const struct incident *inc, const struct impact_facts *f)
{
	if (f->data_loss == TRI_YES || f->data_corruption == TRI_YES)
		return true;
	if (f->data_loss == TRI_NO && f->data_corruption == TRI_NO)
		return false;
	return (inc->impact && impact_data_concern(inc->impact)) || impact_data_concern(inc->title);
}

static int facts_of(struct call *c, struct upgrade_facts *out)
{
	struct impact_facts f;

	figures_read(c, &f);
	*out = (struct upgrade_facts){
		.severity = c->incident.severity,
		.now = { .users = f.users, .share_permille = f.share_permille },
		.paying_customer = f.paying_customer,
		.data_integrity = data_integrity(&c->incident, &f),
		.overruled = (unsigned)c->incident.overruled,
	};
	size_read(&c->incident, &out->when_set);
	return affected_groups(c, &out->now.groups);
}

/* ---- the level was set ---- */

static void level_was_set(struct call *c, const struct upgrade_facts *f)
{
	const struct severity_policy *p = &c->config->severity.level[c->incident.severity];

	/* A rhythm chosen for the old level does not hold back the new one. */
	if (c->incident.cadence_ms > p->cadence_ms)
		c->incident.cadence_ms = 0;
	size_write(c, &f->now);
	c->incident.severity_at = c->now;
}

int upgrades_level_set(struct call *c)
{
	struct upgrade_facts f;
	int rc = facts_of(c, &f);

	if (rc == 0)
		level_was_set(c, &f);
	return rc;
}

int upgrades_overruled(struct call *c)
{
	struct upgrade_facts f;
	int rc = facts_of(c, &f);

	if (rc == 0)
		c->incident.overruled |= (int64_t)upgrade_facts_held(&f);
	return rc;
}

/* ---- a rule fires ---- */

static int upgrade_record(struct call *c, int old, const struct upgrade_verdict *v)
{
	const char *text = arena_printf(c->arena, "severity %s → %s by rule %s: %s",
		words_severity(c, old), words_severity(c, v->level), upgrade_rule_name(v->rule),
		v->why);
	JSON_CLEANUP json_t *meta = json_pack("{s:s, s:s, s:s, s:s}", "rule",
		upgrade_rule_name(v->rule), "from", severity_name(&c->config->severity, old), "to",
		severity_name(&c->config->severity, v->level), "text", text);
	const char *kept = json_text(c->arena, meta);
	int rc = record_entry(c, &(struct record_entry){
					 .kind = ENTRY_DECISION,
					 .text = text,
					 .author = PERSON_SELF,
					 .meta = kept,
				 });

	return rc < 0 ? rc
		      : record_audit(c, "incident", c->incident.id, "info", "severity.upgraded",
				kept);
}

static int upgrade_say(struct call *c, int old, const struct upgrade_verdict *v)
{
	static const char *const deciders[] = { ROLE_COMMANDER, ROLE_COMMS };
	const struct severity_policy *p = &c->config->severity.level[v->level];
	const char *call_on = message_call_on(c, deciders, 2);
	const char *before = severity_name(&c->config->severity, old);
	int rc;
	json_t *doc = message_line(c, "%s%s%s is %s now, was %s: %s (rule %s)", call_on,
		*call_on ? " " : "", words_id(c, c->incident.id), words_severity(c, v->level),
		words_severity(c, old), v->why, upgrade_rule_name(v->rule));

	doc_context(doc,
		arena_printf(c->arena,
			"Raised by rule, from what %s recorded · updates every %s, the next one by "
			"%s%s%s",
			words_name(c, c->actor), words_for(c, call_cadence(c)),
			words_time(c, promise_due_at(c, PROMISE_UPDATE, NULL)),
			p->escalate_to ? " · escalation: " : "",
			p->escalate_to ? p->escalate_to : ""));
	doc_context(doc, arena_printf(c->arena,
				 "Not so? Undo it with a reason, and the same fact does not raise it "
				 "again: %s",
				 message_usage(c, "/inc sev #%lld %s why",
					 (long long)c->incident.id, before)));
	doc_button(doc, arena_printf(c->arena, "Back to %s …", words_severity(c, old)), "severity",
		c->incident.id, json_pack("{s:s}", "level", before), NULL);
	rc = say_channel(c, doc, NULL);
	return rc < 0 ? rc : stakeholders_tell_level(c, old, v->why);
}

static int upgrade(struct call *c, const struct upgrade_facts *f, const struct upgrade_verdict *v)
{
	int old = c->incident.severity, rc;

	c->incident.severity = v->level;
	level_was_set(c, f);
	call_touch_announce(c);
	rc = upgrade_record(c, old, v);
	if (rc == 0)
		rc = obligation_level(c, old);
	return rc < 0 ? rc : upgrade_say(c, old, v);
}

int upgrades_apply(struct call *c, struct upgrade_verdict *out)
{
	struct upgrade_verdict v = { 0 };
	struct scope_size before;
	struct upgrade_facts f;
	int rc = facts_of(c, &f);

	if (out)
		*out = v;
	if (rc < 0)
		return rc;
	/* A fact that is withdrawn is new when it returns; a measure that becomes known is where
	 * growth is counted from. */
	f.overruled &= upgrade_facts_held(&f);
	before = f.when_set;
	upgrade_baseline(&f.when_set, &f.now);
	if (c->incident.overruled != (int64_t)f.overruled || before.users != f.when_set.users ||
		before.groups != f.when_set.groups || before.share_permille != f.when_set.share_permille) {
		c->incident.overruled = (int64_t)f.overruled;
		size_write(c, &f.when_set);
		call_touch(c);
	}
	if (!state_active(c->incident.state))
		return 0;
	v = upgrade_judge(&f);
	if (out)
		*out = v;
	return v.fires ? upgrade(c, &f, &v) : 0;
}

const char *upgrades_words(struct call *c, const struct upgrade_verdict *v)
{
	if (!v->fires)
		return "";
	return arena_printf(c->arena, " It is %s now, by rule: %s.", words_severity(c, v->level),
		v->why);
}
