/* What is said of a follow-up. */
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/zone.h"
#include "commands/following.h"
#include "commands/messages.h"
#include "commands/protected.h"
#include "store/incidents.h"
#include "store/learning.h"

#define TITLE_SHOWN 140 /* bytes in a list */
#define HOME_MAX    5
#define LOOK_MAX    200

const char *following_name(struct call *c, const struct followup *f)
{
	return arena_printf(c->arena, "F%lld", (long long)f->id);
}

/* "Fri 20 Mar", with the year when it is another one, with the time when it is not the end of the
 * day. */
static const char *date_words(struct call *c, int64_t ms, const char *zone)
{
	static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul",
		"Aug", "Sep", "Oct", "Nov", "Dec" };
	struct civil at, now;
	struct str s;

	zone_civil(zone, ms, &at);
	zone_civil(zone, c->now, &now);
	str_init_arena(&s, c->arena, 64);
	str_addf(&s, "%s %d %s", days[at.weekday], at.day, months[at.month - 1]);
	if (at.year != now.year)
		str_addf(&s, " %d", at.year);
	if (at.hour != 23 || at.minute != 59)
		str_addf(&s, " %02d:%02d", at.hour, at.minute);
	return s.p;
}

const char *following_date(struct call *c, const struct followup *f)
{
	return f->due_at ? date_words(c, f->due_at, c->config->timezone) : "no due date";
}

/* Days are enough where there are some. */
static const char *span_words(struct call *c, int64_t ms)
{
	if (ms < DAY_MS + DAY_MS / 2)
		return words_for(c, ms);
	return arena_printf(c->arena, "%lld d", (long long)((ms + DAY_MS / 2) / DAY_MS));
}

/* Midnight of that day where the reader is, as if it were in UTC: days apart are days of the calendar. */
static int64_t day_of(const char *zone, int64_t ms)
{
	struct civil at;

	zone_civil(zone, ms, &at);
	at.hour = at.minute = at.second = 0;
	return zone_ms("UTC", &at);
}

/* "in 2 weeks", said in the morning, is in 14 days, however late that day ends. */
static const char *ahead_words(struct call *c, int64_t ms, const char *zone)
{
	int64_t days = (day_of(zone, ms) - day_of(zone, c->now)) / DAY_MS;

	if (ms - c->now < DAY_MS + DAY_MS / 2)
		return words_for(c, ms - c->now);
	return arena_printf(c->arena, "%lld d", (long long)days);
}

const char *following_due(struct call *c, const struct followup *f, const char *zone)
{
	const char *date;

	if (!f->due_at)
		return "no due date";
	date = date_words(c, f->due_at, zone);
	if (f->state != FOLLOWUP_OPEN)
		return arena_printf(c->arena, "was due %s", date);
	if (followup_overdue(f, c->now))
		return arena_printf(
			c->arena, "overdue by %s, due %s", span_words(c, c->now - f->due_at), date);
	return arena_printf(c->arena, "due %s, in %s", date, ahead_words(c, f->due_at, zone));
}

const char *following_line(struct call *c, const struct followup *f, bool incident)
{
	struct str s;

	str_init_arena(&s, c->arena, 2000);
	mark_bold(&s, arena_printf(c->arena, "%s P%d", following_name(c, f), f->priority));
	if (f->state != FOLLOWUP_OPEN)
		str_addf(&s, " %s", followup_state_name(f->state));
	else if (followup_overdue(f, c->now))
		str_addf(&s, " OVERDUE by %s", span_words(c, c->now - f->due_at));
	str_addf(&s, " %s · %s", message_short(c, f->title, TITLE_SHOWN),
		f->owner ? words_name(c, f->owner) : "no owner");
	if (f->state != FOLLOWUP_OPEN)
		str_addf(&s, " · %s", date_words(c, f->ended_at, c->zone));
	else if (!followup_overdue(f, c->now))
		str_addf(&s, " · %s", following_due(c, f, c->zone));
	if (incident)
		str_addf(&s, " · %s", words_id(c, f->incident));
	return s.p;
}

static json_t *button_args(const struct followup *f, const char *what)
{
	return json_pack("{s:o, s:s}", "id", json_sprintf("F%lld", (long long)f->id), "do", what);
}

/* The follow-up names the incident: a button that named it too would be one more thing to be wrong.
 */
void following_buttons(json_t *doc, const struct followup *f)
{
	if (f->state != FOLLOWUP_OPEN) {
		doc_button(doc, "Reopen", "followup", 0, button_args(f, "reopen"), NULL);
		return;
	}
	doc_button(doc, "Done", "followup", 0, button_args(f, "done"), "primary");
	doc_button(doc, f->owner ? "Change" : "Name an owner", "followup", 0,
		button_args(f, "change"), NULL);
	doc_button(doc, "Cancel", "followup", 0, button_args(f, "cancel"), NULL);
}

static void add_links(struct call *c, json_t *doc, const char *links)
{
	struct str s;

	str_init_arena(&s, c->arena, 4000);
	for (const char *p = links; p && *p;) {
		size_t n = strcspn(p, " ");

		if (s.len)
			str_add(&s, " · ");
		mark_link(&s, arena_strndup(c->arena, p, n), arena_strndup(c->arena, p, n));
		p += n + strspn(p + n, " ");
	}
	if (s.len)
		doc_field(doc, "Links", s.p);
}

json_t *following_doc(struct call *c, const struct followup *f)
{
	const char *issue = following_issue_words(c, f);
	json_t *doc = doc_new(following_line(c, f, true));

	doc_text(doc, following_line(c, f, true));
	if (strlen(f->title) > TITLE_SHOWN)
		doc_text(doc, f->title);
	if (f->class)
		doc_field(doc, "Class", followup_class_name(f->class));
	doc_field(doc, "Done when",
		f->signal ? f->signal : "not said yet: a completion signal is needed");
	if (f->state == FOLLOWUP_DONE)
		doc_field(doc, "It showed", f->shown);
	if (f->state == FOLLOWUP_CANCELLED)
		doc_field(doc, "Cancelled because", f->shown);
	if (f->standard)
		doc_field(doc, "Standard", followup_standard_name(f->standard));
	add_links(c, doc, f->links);
	doc_context(doc, arena_printf(c->arena, "%s · by %s, %s%s%s", following_due(c, f, c->zone),
				 words_name(c, f->by), date_words(c, f->created_at, c->zone),
				 issue ? " · " : "", issue ? issue : ""));
	following_buttons(doc, f);
	return doc;
}

int following_home(struct call *c, json_t *doc, const char *person)
{
	struct incident_filter seen;
	struct followup_filter filter;
	struct followup *f;
	size_t n;
	int rc;

	incident_filter_init(&seen);
	protected_filter(c, person, &seen);
	followup_filter_init(&filter);
	filter.owner = person;
	filter.viewer = seen.viewer;
	filter.sees_all = seen.sees_all;
	filter.limit = LOOK_MAX;
	rc = followup_find(c->store, c->arena, &filter, &f, &n, &c->err);
	if (rc < 0 || n == 0)
		return rc;
	doc_header(doc, n > HOME_MAX ? arena_printf(c->arena,
					       "Your follow-ups: the first %d of %zu", HOME_MAX, n)
				     : "Your follow-ups");
	following_looked(c, f, n < HOME_MAX ? n : HOME_MAX, person);
	for (size_t i = 0; i < n && i < HOME_MAX; i++) {
		doc_text(doc, following_line(c, &f[i], true));
		doc_button(doc, "Done", "followup", 0, button_args(&f[i], "done"), NULL);
		doc_button(doc, "Change", "followup", 0, button_args(&f[i], "change"), NULL);
	}
	if (n > HOME_MAX)
		doc_button(doc, "All of them", "followups", 0, json_pack("{s:b}", "mine", 1), NULL);
	return 0;
}

/* "done", "it works" say nothing that somebody else could check: a sign has some words, or a
 * figure. */
bool following_says_something(const char *text)
{
	static const char *const empty[] = { "it is done", "all is done", "it's done",
		"is done now", "this is done", "it works now", "all good now", "works as expected",
		"done and done", "done as planned", "it is fixed", "it was done", "we did it",
		"see above", "see the ticket", "not applicable" };
	size_t words = 0;

	for (size_t i = 0; i < sizeof(empty) / sizeof(*empty); i++)
		if (text_equal_fold(text, empty[i]))
			return false;
	for (const char *p = text; *p; words++) {
		p += strcspn(p, " \n\t");
		p += strspn(p, " \n\t");
	}
	return words >= 3 || (words == 2 && text[strcspn(text, "0123456789")]);
}
