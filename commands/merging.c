#include <errno.h>
#include <string.h>

#include "commands/messages.h"
#include "commands/obligations.h"
#include "commands/protected.h"
#include "commands/relate.h"
#include "commands/reviewing.h"
#include "commands/stakeholders.h"
#include "commands/upgrades.h"
#include "incident/promise.h"
#include "store/incidents.h"
#include "store/relations.h"

struct merging {
	struct beside *kept;
	const struct incident *merged; /* as it was */
	const char *why;
	const char *channel;   /* the other's channel as a mark; NULL: it has none */
	const char **people;   /* responders of the merged one, each once */
	size_t people_count;
	int raised_from;       /* the kept one's level before; 0: it stays */
};

/* ---- may it be? ---- */

static bool among(const char *const *people, size_t n, const char *person)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(people[i], person))
			return true;
	return false;
}

/* Somebody with access to the one who may not see the other, or NULL in *who: merging tells the
 * people of each of the other. */
static int lacks_access(struct call *c, const struct beside *one, const struct beside *other,
	const char **who)
{
	struct beside own = { c->incident, c->roles };
	const char **people = NULL;
	size_t n = 0;
	bool sees;
	int rc;

	*who = NULL;
	c->incident = one->incident;
	c->roles = one->roles;
	rc = protected_people(c, &people, &n);
	c->incident = own.incident;
	c->roles = own.roles;
	for (size_t i = 0; rc == 0 && !*who && i < n; i++) {
		rc = protected_sees(c, &other->incident, &other->roles, people[i], &sees);
		if (rc == 0 && !sees)
			*who = people[i];
	}
	return rc;
}

static struct done refuse_access(
	struct call *c, int64_t kept, const char *who, const struct incident *lacks)
{
	return call_refuse(c, "policy",
		"%s was not merged into %s: %s works on one of them and has no access to %s, and "
		"would learn of it. Let them in first: %s",
		words_id(c, c->incident.id), words_id(c, kept), words_name(c, who),
		words_id(c, lacks->id),
		message_usage(c, "/inc grant #%lld %s", (long long)lacks->id, words_name(c, who)));
}

/* 1: fine, 0: *refused is the answer, or a negative errno. */
static int access_judge(struct call *c, const struct beside *kept, struct done *refused)
{
	struct beside own = { c->incident, c->roles };
	const char *who = NULL;
	int rc;

	if (!c->incident.is_private && !kept->incident.is_private)
		return 1;
	if (c->incident.is_private != kept->incident.is_private) {
		*refused = call_refuse(c, "policy",
			"%s was not merged into %s: one of them is protected and the other is not, "
			"and what is protected would be told elsewhere. Protect the other first: %s",
			words_id(c, own.incident.id), words_id(c, kept->incident.id),
			message_usage(c, "/inc protect #%lld why",
				(long long)(own.incident.is_private ? kept->incident.id :
								     own.incident.id)));
		return 0;
	}
	rc = lacks_access(c, &own, kept, &who);
	if (rc < 0)
		return rc;
	if (who) {
		*refused = refuse_access(c, kept->incident.id, who, &kept->incident);
		return 0;
	}
	rc = lacks_access(c, kept, &own, &who);
	if (rc < 0)
		return rc;
	if (who)
		*refused = refuse_access(c, kept->incident.id, who, &own.incident);
	return who ? 0 : 1;
}

/* 1, 0 or a negative errno, as above. */
static int merge_judge(struct call *c, int64_t said, const struct beside *kept, struct done *refused)
{
	const struct incident *inc = &c->incident, *k = &kept->incident;
	const char *id = words_id(c, inc->id);

	if (inc->merged_into)
		*refused = call_refuse(c, "conflict",
			"%s is merged into %s already; nothing was done. Tell them apart first: %s",
			id, words_id(c, inc->merged_into),
			message_usage(c, "/inc unmerge #%lld why", (long long)inc->id));
	else if (k->id == inc->id && said == inc->id)
		*refused = call_refuse(c, "conflict",
			"%s cannot be merged into itself; nothing was done. Name the other one: %s", id,
			message_usage(c, "/inc merge #%lld into #12", (long long)inc->id));
	else if (k->id == inc->id)
		*refused = call_refuse(c, "conflict",
			"%s is merged into %s already, the other way round; nothing was done.",
			words_id(c, said), id);
	else if (inc->state == STATE_CANCELLED)
		*refused = call_refuse(c, "conflict",
			"%s was a false alarm, so there is nothing to merge; nothing was done. If it "
			"was real: %s",
			id, message_usage(c, "/inc reopen #%lld why", (long long)inc->id));
	else if (k->state == STATE_CANCELLED ||
		(state_active(inc->state) && !state_active(k->state)))
		*refused = call_refuse(c, "conflict",
			"%s is %s, so %s would be lost in it; nothing was done. Merge the other way "
			"round (%s), or reopen it first: %s",
			words_id(c, k->id), state_name(k->state), id,
			message_usage(c, "/inc merge #%lld into #%lld", (long long)k->id,
				(long long)inc->id),
			message_usage(c, "/inc reopen #%lld why", (long long)k->id));
	else
		return access_judge(c, kept, refused);
	return 0;
}

/* ---- the people ---- */

static void people_add(struct merging *m, const char *person)
{
	if (person && strcmp(person, PERSON_SELF) != 0 &&
		!among(m->people, m->people_count, person))
		m->people[m->people_count++] = person;
}

/* Whoever declared it may have lost access to it; merging does not give it back. */
static int responders(struct call *c, struct merging *m)
{
	bool sees = false;
	int rc = 0;

	m->people = arena_alloc(c->arena, (c->roles.count + 1) * sizeof(*m->people));
	for (size_t i = 0; i < c->roles.count; i++)
		people_add(m, c->roles.holder[i].person);
	if (c->incident.reporter)
		rc = protected_sees(c, &c->incident, &c->roles, c->incident.reporter, &sees);
	if (rc == 0 && sees)
		people_add(m, c->incident.reporter);
	return rc;
}

static json_t *moved_doc(struct call *c, const struct merging *m)
{
	int64_t kept = m->kept->incident.id;
	json_t *doc = message_line(c,
		"%s is merged into %s%s, both are the same%s — %s. It goes on %s%s.",
		words_id(c, c->incident.id), words_id(c, kept),
		m->channel ? "" : arena_printf(c->arena, " (%s)", m->kept->incident.title),
		message_because(c, m->why), words_name(c, c->actor), m->channel ? "in " : "there",
		m->channel ? m->channel : "");

	doc_button(doc, arena_printf(c->arena, "Show %s", words_id(c, kept)), "show", kept, NULL,
		"primary");
	return doc;
}

/* Whoever followed this one follows the other; each of them hears of it once, as do those who worked
 * on it. */
static int tell_people(struct call *c, const struct merging *m)
{
	const char **followers = NULL;
	const char *topic = topic_incident(c, m->kept->incident.id);
	size_t n = 0;
	int rc = subscription_people(c->store, c->arena, c->incident.id, c->incident.services,
		&followers, &n, &c->err);

	for (size_t i = 0; rc == 0 && i < n; i++) {
		rc = subscription_add(c->store, followers[i], topic, c->now, &c->err);
		if (rc == -EEXIST)
			rc = 0;
		if (rc == 0 && strcmp(followers[i], c->actor) != 0)
			rc = say_person(c, followers[i], moved_doc(c, m));
	}
	for (size_t i = 0; rc == 0 && i < m->people_count; i++)
		if (!among(followers, n, m->people[i]) && strcmp(m->people[i], c->actor) != 0)
			rc = say_person(c, m->people[i], moved_doc(c, m));
	return rc;
}

/* ---- the kept one ---- */

/* One problem has one level, the worse: said and recorded as every other raise is. */
static int kept_level(struct call *c, struct merging *m)
{
	int old = c->incident.severity;

	if (!state_active(m->merged->state) || m->merged->severity >= old)
		return 0;
	m->raised_from = old;
	c->incident.severity = m->merged->severity;
	call_touch_announce(c);
	if (record_event(c, ENTRY_TRIAGE, "incident.severity", "severity %s → %s: %s is merged into it",
		    words_severity(c, old), words_severity(c, c->incident.severity),
		    words_id(c, m->merged->id)) < 0)
		return c->err.code;
	int rc = upgrades_level_set(c);
	if (rc == 0)
		rc = obligation_level(c, old);
	return rc < 0 ? rc :
		stakeholders_tell_level(c, old,
			arena_printf(c->arena, "%s is merged into it", words_id(c, m->merged->id)));
}

static int kept_say(struct call *c, const struct merging *m)
{
	static const char *const deciders[] = { ROLE_COMMANDER, ROLE_COMMS };
	const char *call_on = m->raised_from ? message_call_on(c, deciders, 2) : "";
	json_t *doc = message_line(c, "%s%s%s (%s, %s) is merged into this%s — %s%s%s", call_on,
		*call_on ? " " : "", words_id(c, m->merged->id),
		words_severity(c, m->merged->severity), m->merged->title,
		message_because(c, m->why), words_name(c, c->actor),
		m->raised_from ? arena_printf(c->arena, ". %s is %s now, was %s",
					 words_id(c, c->incident.id),
					 words_severity(c, c->incident.severity),
					 words_severity(c, m->raised_from)) :
				 "",
		m->people_count ? ". Who worked on it is called in here" : "");

	doc_button(doc, arena_printf(c->arena, "Timeline of %s", words_id(c, m->merged->id)),
		"timeline", m->merged->id, NULL, NULL);
	return say_channel(c, doc, NULL);
}

static int on_kept(struct call *c, void *ctx)
{
	struct merging *m = ctx;
	int rc = record_event(c, ENTRY_FACT, "incident.merged_here", "%s (%s, %s) is merged into this%s",
		words_id(c, m->merged->id), words_severity(c, m->merged->severity),
		m->merged->title, message_because(c, m->why));

	call_touch(c);
	if (rc == 0)
		rc = kept_level(c, m);
	if (rc == 0)
		rc = kept_say(c, m);
	if (rc == 0 && m->people_count)
		rc = say_people_invite(c, m->people, m->people_count);
	m->channel = message_channel_mark(c);
	return rc;
}

/* ---- merging ---- */

static int merge_record(struct call *c, const struct merging *m)
{
	struct incident *inc = &c->incident;
	bool open = state_active(inc->state);
	int rc = link_put(c->store,
		&(struct incident_link){
			.from = inc->id,
			.to = m->kept->incident.id,
			.kind = LINK_DUPLICATE,
			.by = c->actor,
			.at = c->now,
		},
		&c->err);

	if (rc == 0)
		rc = record_event(c, open ? ENTRY_RESOLUTION : ENTRY_FACT, "incident.merged",
			"merged into %s, was %s%s", words_id(c, m->kept->incident.id),
			state_name(inc->state), message_because(c, m->why));
	inc->merged_into = m->kept->incident.id;
	if (open) {
		inc->state = STATE_CANCELLED;
		inc->state_at = c->now;
	}
	call_touch_announce(c);
	if (rc < 0)
		return rc;
	return open ? promise_withdraw_all(c) : promise_withdraw(c, PROMISE_REVIEW);
}

static int merge_do(struct call *c, struct merging *m)
{
	int rc = merge_record(c, m);

	if (rc == 0)
		rc = beside_run(c, m->kept, on_kept, m);
	if (rc == 0)
		rc = message_publish(c, moved_doc(c, m),
			message_line(c, "%s is merged into %s%s%s", words_id(c, c->incident.id),
				words_id(c, m->kept->incident.id), m->channel ? ": it goes on in " : "",
				m->channel ? m->channel : ""));
	return rc < 0 ? rc : tell_people(c, m);
}

struct done merging_into(struct call *c, int64_t id, const char *why)
{
	struct beside kept;
	struct incident before = c->incident;
	struct merging m = { .kept = &kept, .merged = &before, .why = why };
	struct done refused;
	int rc = beside_kept(c, id, &kept);

	if (rc == -ENOENT)
		return beside_absent(c, id);
	if (rc == 0)
		rc = merge_judge(c, id, &kept, &refused);
	if (rc < 0)
		return call_fail(c);
	if (rc == 0)
		return refused;
	if (responders(c, &m) < 0 || merge_do(c, &m) < 0)
		return call_fail(c);
	return call_replyf(c, "%s is merged into %s%s%s%s%s · if they are two after all: %s",
		words_id(c, c->incident.id), words_id(c, kept.incident.id),
		kept.incident.id != id ?
			arena_printf(c->arena, ", where %s went before", words_id(c, id)) : "",
		m.channel ? " · it goes on in " : "", m.channel ? m.channel : "",
		m.raised_from ? arena_printf(c->arena, " · %s is %s now",
					words_id(c, kept.incident.id),
					words_severity(c, kept.incident.severity)) : "",
		message_usage(c, "/inc unmerge #%lld why", (long long)c->incident.id));
}

/* ---- telling apart ---- */

struct parting {
	int64_t merged;
	const char *why;
};

static int on_left(struct call *c, void *ctx)
{
	const struct parting *p = ctx;
	int rc = record_event(c, ENTRY_FACT, "incident.parted", "%s is told apart from this: %s",
		words_id(c, p->merged), p->why);

	call_touch(c);
	if (rc < 0)
		return rc;
	return say_channel(c,
		message_line(c, "%s is its own incident again: %s — %s. %s stays %s.",
			words_id(c, p->merged), p->why, words_name(c, c->actor),
			words_id(c, c->incident.id), words_severity(c, c->incident.severity)),
		NULL);
}

/* Whoever tells them apart may not see the other any more; its record is kept all the same. */
static int leave(struct call *c, int64_t from, const char *why)
{
	struct parting p = { c->incident.id, why };
	struct beside left;
	int rc = link_remove(c->store, c->incident.id, from, &c->err);

	if (rc == -ENOENT)
		rc = 0;
	if (rc == 0)
		rc = incident_load(c->store, c->arena, from, &left.incident, &c->err);
	if (rc == 0)
		rc = role_list(c->store, c->arena, from, &left.roles, &c->err);
	return rc < 0 ? rc : beside_run(c, &left, on_left, &p);
}

static void open_again(struct call *c)
{
	struct incident *inc = &c->incident;

	inc->state = STATE_INVESTIGATING;
	inc->state_at = c->now;
	inc->resolved_at = inc->closed_at = 0;
	inc->signal = inc->health = inc->not_verified = NULL;
}

static int owe_again(struct call *c)
{
	int rc = reviewing_reopened(c);

	if (rc >= 0)
		rc = promise_make_all(c, false);
	c->engage = true;
	return rc < 0 ? rc : obligation_roles(c);
}

struct done merging_apart(struct call *c, const char *why, bool reopen)
{
	struct incident *inc = &c->incident;
	int64_t from = inc->merged_into;
	bool open = reopen || inc->state == STATE_CANCELLED;
	const char *id = words_id(c, inc->id), *next = "";
	int rc;

	if (!from)
		return call_refuse(
			c, "conflict", "%s is not merged into another one; nothing was done.", id);
	inc->merged_into = 0;
	if (open)
		open_again(c);
	call_touch_announce(c);
	rc = record_event(c, open ? ENTRY_RECURRENCE : ENTRY_FACT, "incident.unmerged",
		"told apart from %s, %s: %s", words_id(c, from), state_name(inc->state), why);
	if (rc == 0 && open)
		rc = owe_again(c);
	else if (rc == 0)
		rc = reviewing_ended(c);
	if (rc == 0)
		rc = leave(c, from, why);
	if (open)
		next = arena_printf(c->arena, " Next update promised for %s.",
			words_time(c, promise_due_at(c, PROMISE_UPDATE, NULL)));
	if (rc == 0)
		rc = message_publish(c,
			message_line(c, "%s is its own incident again, %s: %s — %s.%s", id,
				state_name(inc->state), why, words_name(c, c->actor), next),
			message_line(c, "%s is its own incident again, %s: %s.%s", id,
				state_name(inc->state), why, next));
	if (rc == 0)
		rc = stakeholders_tell(c, message_line(c, "%s is its own incident again, %s: %s.%s",
						  id, state_name(inc->state), why, next));
	if (rc < 0)
		return call_fail(c);
	return call_replyf(c, "%s is told apart from %s, %s.%s", id, words_id(c, from),
		state_name(inc->state), next);
}
