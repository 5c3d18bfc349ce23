#include "commands/following.h"

#include <errno.h>
#include <string.h>

#include "base/zone.h"
#include "commands/messages.h"
#include "commands/protected.h"
#include "commands/say.h"
#include "store/incidents.h"
#include "store/learning.h"
#include "store/people.h"
#include "store/timers.h"

int following_load(struct call *c, int64_t id, struct followup *f)
{
	struct incident inc;
	struct role_set roles;
	int rc = followup_load(c->store, c->arena, id, f, &c->err);

	/* The same is looked up either way. */
	if (rc == 0 || rc == -ENOENT)
		rc = protected_load(c, rc == 0 ? f->incident : 0, &inc, &roles);
	if (rc < 0)
		return rc;
	c->incident = inc;
	c->roles = roles;
	c->has_incident = true;
	protected_looked(c, &c->incident, c->actor);
	return 0;
}

void following_looked(struct call *c, const struct followup *f, size_t n, const char *person)
{
	struct incident inc;

	for (size_t i = 0; i < n; i++)
		if (incident_load(c->store, c->arena, f[i].incident, &inc, NULL) == 0)
			protected_looked(c, &inc, person);
}

struct done following_absent(struct call *c, int64_t id)
{
	return call_refuse(c, "not_found",
		"There is no follow-up F%lld; nothing was done. All of them: %s", (long long)id,
		message_usage(c, "/inc followups"));
}

/* ---- making and changing ---- */

/* The last second of the day that is `ms` ahead, where the actor is. */
static int64_t day_after(const struct call *c, int64_t ms)
{
	struct civil at;

	zone_civil(c->zone, c->now + ms, &at);
	at.hour = 23;
	at.minute = at.second = 59;
	return zone_ms(c->zone, &at);
}

void following_defaults(struct call *c, struct followup *f)
{
	const struct followup_policy *p = &c->config->followups;

	if (f->priority < 0)
		f->priority = p->priority[c->incident.severity];
	if (f->due_at < 0)
		f->due_at = p->due_ms[f->priority] ? day_after(c, p->due_ms[f->priority]) : 0;
}

static int audit(struct call *c, const struct followup *f, const char *action)
{
	json_t *meta = json_pack("{s:s, s:s, s:s*, s:I, s:I, s:s, s:s*, s:s*}", "incident",
		words_id(c, f->incident), "title", f->title, "owner", f->owner, "priority",
		(json_int_t)f->priority, "due_at", (json_int_t)f->due_at, "state",
		followup_state_name(f->state), "signal", f->signal, "shown", f->shown);
	int rc = record_audit(c, "followup", f->id, "info", action, json_text(c->arena, meta));

	json_decref(meta);
	return rc;
}

static int entry(struct call *c, const struct followup *f, const char *text)
{
	json_t *meta = json_pack("{s:I}", "followup", (json_int_t)f->id);
	int rc = record_entry(c, &(struct record_entry){
					 .kind = ENTRY_NOTE,
					 .text = arena_printf(c->arena, "follow-up %s %s",
						 following_name(c, f), text),
					 .meta = json_text(c->arena, meta),
				 });

	json_decref(meta);
	return rc;
}

int following_arm(struct call *c, const struct followup *f)
{
	struct ladder_verdict v = followup_chase(&c->config->followups, f, c->now);
	json_t *args;
	int rc;

	/* What is due at this moment is said by the timer as well. */
	if (v.say >= 0)
		v.next_ms = c->now;
	if (f->state != FOLLOWUP_OPEN || !v.next_ms)
		return timer_disarm(c->store, FOLLOWUP_TIMER, 0, f->id, &c->err);
	args = json_pack("{s:I}", "followup", (json_int_t)f->id);
	rc = timer_arm(c->store,
		&(struct timer){
			.due_at = v.next_ms,
			.name = FOLLOWUP_TIMER,
			.subject = f->id,
			.operation = FOLLOWUP_TIMER,
			.args = json_text(c->arena, args),
		},
		&c->err);
	json_decref(args);
	return rc;
}

/* Theirs now. Whoever is called into a protected incident gets access to it. */
static int tell_owner(struct call *c, const struct followup *f, bool again)
{
	struct person p = { 0 };
	json_t *doc;
	int rc;

	if (!f->owner || f->state != FOLLOWUP_OPEN || !strcmp(f->owner, PERSON_SELF))
		return 0;
	rc = protected_admit(c, f->owner, "follow-up");
	if (rc < 0 || !strcmp(f->owner, c->actor))
		return rc;
	if (person_get(c->store, c->arena, f->owner, &p, NULL) < 0)
		p.zone = NULL;
	doc = message_line(c, "%s %s %s of %s: %s · %s", words_name(c, c->actor),
		again ? "reopened your" : "made you the owner of", following_name(c, f),
		words_id(c, f->incident), f->title,
		following_due(c, f, p.zone ? p.zone : c->config->timezone));
	if (f->signal)
		doc_text(
			doc, arena_printf(c->arena, "It is done when this is seen: %s", f->signal));
	following_buttons(doc, f);
	return say_person(c, f->owner, doc);
}

int following_make(struct call *c, struct followup *f)
{
	int rc;

	f->incident = c->incident.id;
	f->state = FOLLOWUP_OPEN;
	f->created_at = c->now;
	if (!f->by)
		f->by = arena_strdup(c->arena, c->actor);
	f->said = followup_said_already(&c->config->followups.remind, f, c->now);
	rc = followup_insert(c->store, f, &c->err);
	if (rc == 0)
		rc = entry(c, f,
			arena_printf(c->arena, "(P%d%s%s%s%s): %s", f->priority,
				f->owner ? ", " : "", f->owner ? words_name(c, f->owner) : "",
				f->due_at ? ", due " : ", ", following_date(c, f), f->title));
	if (rc == 0)
		rc = audit(c, f, "followup.added");
	if (rc == 0)
		rc = following_arm(c, f);
	if (rc == 0)
		rc = tell_owner(c, f, false);
	return rc < 0 ? rc : following_mirror(c, f);
}

int following_save(struct call *c, struct followup *f, const struct following_change *change)
{
	int rc;

	if (change->due_new)
		f->said = followup_said_already(&c->config->followups.remind, f, c->now);
	rc = followup_save(c->store, f, &c->err);
	if (rc == 0)
		rc = entry(c, f, change->text);
	if (rc == 0)
		rc = audit(c, f, change->action);
	if (rc == 0)
		rc = following_arm(c, f);
	if (rc == 0 && (change->owner_new || change->reopened))
		rc = tell_owner(c, f, change->reopened);
	return rc < 0 ? rc : following_mirror(c, f);
}

/* ---- chasing ---- */

/* Who is asked: the owner, else whoever leads or has declared. */
static const char *asked(const struct call *c, const struct followup *f)
{
	const char *commander = role_person(&c->roles, ROLE_COMMANDER);

	return f->owner ? f->owner : commander ? commander : c->incident.reporter;
}

static const char *chase_words(struct call *c, const struct followup *f, const char *zone)
{
	return arena_printf(c->arena, "%s of %s %s: %s%s", following_name(c, f),
		words_id(c, f->incident),
		f->due_at > c->now	      ? "is to be done"
		: followup_overdue(f, c->now) ? "waits"
					      : "is due now",
		f->title,
		arena_printf(c->arena, " (P%d, %s).", f->priority, following_due(c, f, zone)));
}

/* "I was away from 14:40 to 15:38." when it came due meanwhile. */
static const char *away_words(struct call *c)
{
	if (!c->away_to || c->request->due_at > c->away_to)
		return "";
	return arena_printf(c->arena, " I was away from %s to %s.", words_time(c, c->away_from),
		words_time(c, c->away_to));
}

static int chase_owner(struct call *c, const struct followup *f)
{
	const char *person = asked(c, f), *zone = c->config->timezone;
	struct person p = { 0 };
	bool sees = false;
	json_t *doc;
	int rc = person ? protected_sees(c, &c->incident, &c->roles, person, &sees) : 0;

	/* Of a protected one nobody hears who has lost access to it. */
	if (rc < 0 || !sees)
		return rc;
	if (person_get(c->store, c->arena, person, &p, NULL) == 0 && p.zone)
		zone = p.zone;
	doc = message_line(c, "%s%s%s", chase_words(c, f, zone), away_words(c),
		f->owner ? "" : " It has no owner: who does it?");
	if (f->owner && f->signal)
		doc_text(
			doc, arena_printf(c->arena, "It is done when this is seen: %s", f->signal));
	following_buttons(doc, f);
	return say_person(c, person, doc);
}

static int chase_channel(struct call *c, const struct followup *f)
{
	const char *person = asked(c, f);
	json_t *doc = message_line(c, "%s%s%s", person ? words_mention(c, person) : "",
		person ? " " : "", chase_words(c, f, c->config->timezone));

	following_buttons(doc, f);
	return say_channel(c, doc, NULL);
}

static const struct tier *tier_of(const struct call *c)
{
	const struct escalation_chain *e = &c->config->escalation;

	for (size_t i = 0; i < e->count && c->config->followups.tier; i++)
		if (!strcmp(e->tier[i].name, c->config->followups.tier))
			return &e->tier[i];
	return NULL;
}

/* The people of the tier, who are not the owner and may see it; the channel where there is nobody.
 */
static int chase_tier(struct call *c, const struct followup *f)
{
	const struct tier *t = tier_of(c);
	size_t told = 0;
	bool sees;
	int rc = 0;

	for (size_t i = 0; t && rc == 0 && i < t->count; i++) {
		json_t *doc;

		if (f->owner && !strcmp(f->owner, t->people[i]))
			continue;
		rc = protected_sees(c, &c->incident, &c->roles, t->people[i], &sees);
		if (rc < 0 || !sees)
			continue;
		doc = message_line(c, "%s Its owner: %s.", chase_words(c, f, c->config->timezone),
			f->owner ? words_name(c, f->owner) : "nobody");
		following_buttons(doc, f);
		rc = say_person(c, t->people[i], doc);
		told++;
	}
	return rc < 0 || told ? rc : chase_channel(c, f);
}

static int chase_others(struct call *c, const struct followup *f, enum audience audience)
{
	switch (audience) {
	case AUDIENCE_OWNER:
		return 0;
	case AUDIENCE_OWNER_OPEN:
	case AUDIENCE_RESPONDERS:
	case AUDIENCE_CHANNEL:
		return chase_channel(c, f);
	case AUDIENCE_TIER:
		return chase_tier(c, f);
	}
	return 0;
}

int following_chase(struct call *c, struct followup *f)
{
	const struct ladder *l = &c->config->followups.remind;
	struct ladder_verdict v = followup_chase(&c->config->followups, f, c->now);
	size_t step = v.say < 0 ? 0 : (size_t)v.say;
	int rc = 0;

	/* The repetitions go to whom the last step went. */
	if (step >= l->count)
		step = l->count - 1;
	if (v.say >= 0)
		rc = chase_owner(c, f);
	if (rc == 0 && v.say >= 0 && l->count)
		rc = chase_others(c, f, l->step[step].audience);
	if (rc == 0 && v.said != f->said) {
		f->said = v.said;
		rc = followup_save(c->store, f, &c->err);
	}
	return rc < 0 ? rc : following_arm(c, f);
}
