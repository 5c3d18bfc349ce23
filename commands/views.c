/*
 * What shows the record: the live card, the announcement, the topic, the Home tab. Each is made
 * from the record at the moment it is sent. Times in them are moments, not distances: an edited
 * message that says "in 12 min" would be wrong a minute later.
 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "commands/figures.h"
#include "commands/escalation.h"
#include "commands/following.h"
#include "commands/issues.h"
#include "commands/messages.h"
#include "commands/offer.h"
#include "commands/protected.h"
#include "commands/relate.h"
#include "incident/promise.h"
#include "store/effects.h"
#include "store/incidents.h"
#include "store/promises.h"
#include "store/response.h"

#define TOPIC_CHARS_MAX	 250
#define CARD_FIELD_MAX	 500	   /* bytes; the whole text is on the timeline */
#define PENDING_QUIET_MS MINUTE_MS /* younger than this is just on its way */
#define PENDING_MAX	 100
#define HOME_MAX	 20

static const char *holder_words(struct call *c, const char *role)
{
	const char *person = role_person(&c->roles, role);

	return person ? words_name(c, person) : "—";
}

/* ---- live card ---- */

/* "@bob, command offered to @carol until 15:26" */
static const char *card_holder(struct call *c, const char *role)
{
	const char *name = holder_words(c, role);
	struct handover h;

	if (strcmp(role, ROLE_COMMANDER) != 0 || !state_active(c->incident.state) ||
		offer_current(c, &h) < 0)
		return name;
	return arena_printf(c->arena, "%s, offered to %s until %s", name, words_name(c, h.to),
		words_time(c, offer_expires_at(c, &h)));
}

static const char *card_status(struct call *c)
{
	const struct incident *inc = &c->incident;
	struct str s;

	str_init_arena(&s, c->arena, 1000);
	mark_bold(&s, arena_printf(c->arena, "%s · %s", words_severity(c, inc->severity),
			      relate_state(c, inc)));
	str_addf(&s, " since %s · declared %s by %s", words_time(c, inc->state_at),
		words_time(c, inc->declared_at), words_name(c, inc->reporter));
	if (inc->customer_reported)
		str_add(&s, ", reported by a customer");
	if (inc->resolved_at)
		str_addf(&s, " · lasted %s",
			words_for(c, inc->resolved_at -
					     (inc->impact_at ? inc->impact_at : inc->declared_at)));
	return s.p;
}

/* In words, then in figures. */
static const char *card_impact(struct call *c)
{
	const struct incident *inc = &c->incident;
	struct impact_facts f;
	const char *figures;
	struct str s;

	figures_read(c, &f);
	figures = figures_short(c, &f);
	str_init_arena(&s, c->arena, 3000);
	if (inc->impact)
		str_add(&s, message_short(c, inc->impact, CARD_FIELD_MAX));
	else
		str_add(&s, inc->impact_at || *figures ? "not described" : "not known yet");
	if (inc->impact_at)
		str_addf(&s, ", since %s", words_time(c, inc->impact_at));
	/* "25 % of checkouts" needs no "25 %" below it. */
	if (*figures && !(inc->impact && strstr(inc->impact, figures)))
		str_addf(&s, "\n%s", figures);
	return s.p;
}

static void card_fields(struct call *c, json_t *doc)
{
	const struct incident *inc = &c->incident;
	const char *called = escalation_summary(c);

	doc_field(doc, "Impact", card_impact(c));
	if (inc->services && *inc->services)
		doc_field(doc, "Service", message_services(c));
	if (inc->environment && *inc->environment)
		doc_field(doc, "Environment", inc->environment);
	for (size_t i = 0; i < c->config->roles.count; i++) {
		const struct role_policy *p = &c->config->roles.role[i];

		doc_field(doc, message_role_title(c, p->key), card_holder(c, p->key));
	}
	if (called)
		doc_field(doc, "Called in", called);
}

static const char *card_promise(struct call *c)
{
	int64_t quiet = 0;
	int64_t due = promise_due_at(c, PROMISE_UPDATE, &quiet);

	if (!due)
		return NULL;
	if (quiet > c->now)
		return arena_printf(c->arena,
			"Next update promised for %s · reminders quiet until %s",
			words_time(c, due), words_time(c, quiet));
	return arena_printf(c->arena, "Next update promised for %s", words_time(c, due));
}

static void card_updates(struct call *c, json_t *doc)
{
	const struct incident *inc = &c->incident;
	const char *promise = card_promise(c);
	struct str s;

	str_init_arena(&s, c->arena, 6000);
	if (inc->updated_at) {
		mark_bold(&s, "Last update");
		str_addf(&s, " %s by %s: %s", words_time(c, inc->updated_at),
			words_name(c, inc->updated_by),
			inc->update_text ? message_short(c, inc->update_text, 600) : "");
	} else if (state_active(inc->state)) {
		str_add(&s, "No update yet");
	}
	if (promise)
		str_addf(&s, "%s%s", s.len ? "\n" : "", promise);
	if (s.len)
		doc_text(doc, s.p);
}

static void card_evidence(struct call *c, json_t *doc)
{
	const struct incident *inc = &c->incident;

	if (inc->signal)
		doc_field(doc, "Users see", message_short(c, inc->signal, CARD_FIELD_MAX));
	if (inc->health)
		doc_field(doc, "Systems say", message_short(c, inc->health, CARD_FIELD_MAX));
	if (inc->not_verified)
		doc_field(doc, "Not verified", message_short(c, inc->not_verified, CARD_FIELD_MAX));
}

/* "2 changes wait for Slack since 14:20 (HTTP 503); they will be sent in order." A line for the system of row[first]. */
static void card_waits(
	struct call *c, json_t *doc, const struct effect_row *row, size_t n, size_t first)
{
	const char *system = row[first].system, *error = NULL;
	size_t count = 0;

	for (size_t i = first; i < n; i++) {
		if (strcmp(row[i].system, system) != 0)
			continue;
		count++;
		if (!error)
			error = row[i].error;
	}
	doc_context(doc,
		arena_printf(c->arena, "%zu%s %s for %c%s since %s%s%s%s; %s sent in order", count,
			n == PENDING_MAX ? " or more" : "",
			count == 1 ? "change waits" : "changes wait", system[0] - 'a' + 'A',
			system + 1, words_time(c, row[first].created_at), error ? " (" : "",
			error ? message_short(c, error, 120) : "", error ? ")" : "",
			count == 1 ? "it will be" : "they will be"));
}

static bool system_before(const struct effect_row *row, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (!strcmp(row[k].system, row[i].system))
			return true;
	return false;
}

static void card_pending(struct call *c, json_t *doc)
{
	struct effect_row *row;
	size_t n;
	int64_t count, oldest;

	if (effect_open_count(c->store, c->incident.id, &count, &oldest, &c->err) < 0 || !count ||
		c->now - oldest < PENDING_QUIET_MS ||
		effect_open_list(
			c->store, c->arena, c->incident.id, PENDING_MAX, &row, &n, &c->err) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		if (!system_before(row, i) && c->now - row[i].created_at >= PENDING_QUIET_MS)
			card_waits(c, doc, row, n, i);
}

/* "Jira PAY-123 ✓" */
static void card_issue(struct call *c, json_t *doc)
{
	const char *words = issue_words(c);

	if (words)
		doc_context(doc, words);
}

static void card_buttons(struct call *c, json_t *doc)
{
	int64_t id = c->incident.id;

	if (c->incident.merged_into) {
		relate_merged_buttons(c, doc);
		return;
	}
	if (!state_active(c->incident.state)) {
		doc_button(doc, "Timeline", "timeline", id, NULL, NULL);
		doc_button(doc, "Reopen", "reopen", id, NULL, NULL);
		if (state_legal(c->incident.state, STATE_CLOSED))
			doc_button(doc, "Close", "close", id, NULL, NULL);
		return;
	}
	doc_button(doc, "Update", "update", id, NULL, NULL);
	doc_button(doc, "Severity", "severity", id, NULL, NULL);
	doc_button(doc, "Timeline", "timeline", id, NULL, NULL);
	doc_button(doc, "Resolve", "resolve", id, NULL, NULL);
	for (size_t i = 0; i < c->config->roles.count; i++)
		if (!role_person(&c->roles, c->config->roles.role[i].key))
			message_take_button(c, doc, c->config->roles.role[i].key);
}

json_t *view_card(struct call *c)
{
	const struct incident *inc = &c->incident;
	const char *promise = card_promise(c);
	json_t *doc = doc_new(arena_printf(c->arena, "%s %s · %s · %s%s%s", words_id(c, inc->id),
		message_short(c, inc->title, 120), words_severity(c, inc->severity),
		relate_state(c, inc), promise ? " · " : "", promise ? promise : ""));
	const char *head = arena_printf(
		c->arena, "%s  %s", words_id(c, inc->id), message_short(c, inc->title, 120));

	doc_header(doc, head);
	if (strlen(inc->title) > 120)
		doc_text(doc, inc->title);
	doc_text(doc, card_status(c));
	card_fields(c, doc);
	relate_fields(c, doc);
	card_evidence(c, doc);
	card_updates(c, doc);
	card_issue(c, doc);
	card_pending(c, doc);
	card_buttons(c, doc);
	return doc;
}

/* ---- announcement, topic ---- */

static json_t *announcement(struct call *c)
{
	const struct incident *inc = &c->incident;
	const char *channel = relate_channel(c);
	const char *commander = role_person(&c->roles, ROLE_COMMANDER);
	struct str s;

	str_init_arena(&s, c->arena, 3000);
	mark_bold(&s, arena_printf(c->arena, "%s %s", words_severity(c, inc->severity),
			      words_id(c, inc->id)));
	str_addf(&s, " %s", inc->title);
	if (inc->services && *inc->services)
		str_addf(&s, " · %s", message_services(c));
	str_addf(&s, " · %s", relate_state(c, inc));
	if (channel)
		str_addf(&s, " · %s", channel);
	if (commander)
		str_addf(&s, " · commander %s", words_name(c, commander));
	else if (state_active(inc->state))
		str_add(&s, " · no commander yet");
	return message_line(c, "%s", s.p);
}

json_t *view_announcement(struct call *c)
{
	return c->incident.is_private ? protected_neutral_doc() : announcement(c);
}

/* At most max characters (not bytes) of it. */
static char *cut_chars(struct call *c, const char *text, size_t max)
{
	size_t bytes = strlen(text);

	if (text_chars(text) <= max)
		return arena_strdup(c->arena, text);
	while (bytes > 0 && text_chars(arena_strndup(c->arena, text, bytes)) > max - 1)
		bytes = text_cut(text, bytes - 1);
	return arena_printf(c->arena, "%.*s…", (int)bytes, text);
}

char *view_topic(struct call *c)
{
	const struct incident *inc = &c->incident;
	const char *commander = role_person(&c->roles, ROLE_COMMANDER);

	return cut_chars(c,
		arena_printf(c->arena, "%s %s · %s%s%s%s%s", words_severity(c, inc->severity),
			words_id(c, inc->id), relate_state(c, inc),
			commander ? " · commander " : "", commander ? words_name(c, commander) : "",
			inc->is_private ? "" : " · ", inc->is_private ? "" : inc->title),
		TOPIC_CHARS_MAX);
}

/* ---- Home tab ---- */

static const char *home_roles(struct call *c, const struct role_set *roles, const char *person)
{
	struct str s;

	str_init_arena(&s, c->arena, 400);
	for (size_t i = 0; i < roles->count; i++)
		if (strcmp(roles->holder[i].person, person) == 0)
			str_addf(&s, "%s%s", s.len ? ", " : "", roles->holder[i].role);
	return s.len ? s.p : "reporter";
}

/* One incident of theirs: what I am there, and what is due next. */
static int home_incident(
	struct call *c, json_t *doc, const struct incident *inc, const char *person)
{
	struct role_set roles;
	struct promise p;
	struct str s;
	int rc = role_list(c->store, c->arena, inc->id, &roles, &c->err);

	if (rc < 0)
		return rc;
	protected_looked(c, inc, person);
	str_init_arena(&s, c->arena, 2000);
	mark_bold(&s, arena_printf(c->arena, "%s %s", words_id(c, inc->id),
			      words_severity(c, inc->severity)));
	str_addf(&s, " %s · %s · you are %s", message_short(c, inc->title, 120),
		state_name(inc->state), home_roles(c, &roles, person));
	rc = promise_open_of(c->store, inc->id, PROMISE_UPDATE, &p, &c->err);
	if (rc == 0)
		str_addf(&s, " · %s %s", p.due_at < c->now ? "update overdue since" : "next update",
			words_time(c, p.due_at));
	else if (rc != -ENOENT)
		return rc;
	doc_text(doc, s.p);
	doc_button(doc, "Update", "update", inc->id, NULL, NULL);
	doc_button(doc, "Show", "show", inc->id, NULL, NULL);
	return 0;
}

json_t *view_home(struct call *c, const char *person)
{
	struct incident_filter filter;
	struct incident *found = NULL;
	size_t n = 0;
	int64_t open = 0;
	json_t *doc;

	incident_filter_init(&filter);
	filter.open_only = true;
	filter.person = person;
	filter.limit = HOME_MAX;
	protected_filter(c, person, &filter);
	if (incident_find(c->store, c->arena, &filter, &found, &n, &c->err) < 0 ||
		incident_count_open(c->store, person, filter.sees_all, &open, &c->err) < 0)
		return message_line(c, "The record cannot be read just now.");
	doc = doc_new(arena_printf(
		c->arena, "%zu of your incidents are open, %lld in all", n, (long long)open));
	doc_header(doc, "My incidents");
	if (n == 0)
		doc_text(doc, "You have no part in an open incident.");
	for (size_t i = 0; i < n; i++)
		if (home_incident(c, doc, &found[i], person) < 0)
			return doc;
	if (following_home(c, doc, person) < 0)
		return doc;
	doc_divider(doc);
	doc_context(doc, arena_printf(c->arena, "%lld open in all · made %s", (long long)open,
				 words_time(c, c->now)));
	doc_button(doc, "Declare an incident", "declare", 0, NULL, "primary");
	doc_button(doc, "All open", "list", 0, NULL, NULL);
	return doc;
}
