/* How it stands with the issue, for people. */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "commands/issues_parts.h"
#include "commands/messages.h"

#define LOOK_MAX 200
#define QUIET_AGE_MS MINUTE_MS
#define VALUE_MAX 200 /* bytes of a value in a line */
#define ERROR_MAX 160 /* bytes of a reason on the card */

const char *issue_name(struct call *c, const struct issue *i)
{
	struct str s;

	if (!i->rec.name)
		return "the issue";
	if (!i->ref.url)
		return i->rec.name;
	str_init_arena(&s, c->arena, 2000);
	mark_link(&s, i->ref.url, i->rec.name);
	return s.p;
}

/* An account is nothing to read: a name, where one is known. */
const char *issue_their_words(struct call *c, enum issue_field f, const char *value)
{
	const char *person = NULL;

	if (f == ISSUE_TITLE)
		return arena_printf(c->arena, "“%s”", message_short(c, value, VALUE_MAX));
	if (f != ISSUE_ASSIGNEE)
		return message_short(c, value, VALUE_MAX);
	if (*value)
		person = issue_policy_person(issue_rules(c), value);
	if (*value && !person)
		person = issue_person_key(c, value);
	return words_name(c, person);
}

/* How many changes wait, once the first of them has waited for a while: younger ones are just on their way. */
static size_t waiting(struct call *c)
{
	struct effect_row *row;
	size_t n, count = 0;
	int64_t oldest = c->now;

	if (effect_open_list(c->store, c->arena, c->incident.id, LOOK_MAX, &row, &n, &c->err) < 0)
		return 0;
	for (size_t k = 0; k < n; k++) {
		if (strcmp(row[k].system, ISSUE_SYSTEM) != 0)
			continue;
		count++;
		if (row[k].created_at < oldest)
			oldest = row[k].created_at;
	}
	return c->now - oldest >= QUIET_AGE_MS ? count : 0;
}

static void add_conflicts(struct str *s, const struct issue_record *rec)
{
	bool any = false;

	for (int f = 0; f < ISSUE_FIELD_COUNT; f++) {
		if (!rec->field[f].conflict.open)
			continue;
		str_addf(s, "%s%s", any ? ", " : " · conflict: ", issue_field_name((enum issue_field)f));
		any = true;
	}
}

const char *issue_words(struct call *c)
{
	struct issue i;
	const char *trouble;
	size_t n;
	struct str s;

	if (!c->config->issue.url || issue_load(c, &i) < 0)
		return NULL;
	str_init_arena(&s, c->arena, 4000);
	str_addf(&s, "Jira %s", i.rec.name ? issue_name(c, &i) : "");
	if (i.rec.gone) {
		str_add(&s, " is gone there");
		return s.p;
	}
	if (!i.ref.key && i.ref.error) {
		str_addf(&s, "%snot %s: %s", i.rec.name ? " " : "", i.rec.name ? "linked" : "created",
			message_short(c, i.ref.error, ERROR_MAX));
		return s.p;
	}
	if (!i.ref.key) {
		str_add(&s, i.rec.name ? " is being linked" : "not created yet");
		return s.p;
	}
	n = waiting(c);
	trouble = issue_record_trouble(&i.rec);
	add_conflicts(&s, &i.rec);
	if (trouble || i.ref.error)
		str_addf(&s, " · %s", message_short(c, trouble ? trouble : i.ref.error, ERROR_MAX));
	if (n)
		str_addf(&s, " · %zu pending to Jira", n);
	else if (!trouble && !i.ref.error && !issue_record_conflict(&i.rec))
		str_add(&s, " ✓");
	return s.p;
}

/* A value of ours as the tracker would have it, like theirs. */
static const char *shown(struct call *c, enum issue_field f, const char *value)
{
	return value ? issue_their_words(c, f, value) : "not known";
}

static void explain_field(struct call *c, json_t *doc, enum issue_field f, const struct issue_memory *m)
{
	const char *name = issue_field_name(f);

	if (m->conflict.open)
		doc_list_item(doc,
			arena_printf(c->arena, "%s: Jira says %s, we say %s%s%s", name,
				shown(c, f, m->conflict.theirs), shown(c, f, m->conflict.ours),
				m->conflict.why ? " · not followed: " : "",
				m->conflict.why ? message_short(c, m->conflict.why, 300) : ""));
	else if (m->trouble)
		doc_list_item(doc, arena_printf(c->arena, "%s could not be written there: %s", name,
			message_short(c, m->trouble, 300)));
	else if (m->known)
		doc_list_item(doc, arena_printf(c->arena, "%s: %s", name, shown(c, f, m->theirs)));
}

void issue_explain(struct call *c, json_t *doc)
{
	struct issue i;

	if (!c->config->issue.url || !c->has_incident || issue_load(c, &i) < 0)
		return;
	doc_text(doc, arena_printf(c->arena, "%s%s%s", issue_words(c),
		i.ref.synced_at ? " · read " : "", i.ref.synced_at ? words_time(c, i.ref.synced_at) : ""));
	for (int f = 0; f < ISSUE_FIELD_COUNT; f++)
		explain_field(c, doc, (enum issue_field)f, &i.rec.field[f]);
	if (i.rec.twin)
		doc_list_item(doc, "a second issue has our label: the older one was kept");
}
