#include "incident/issue.h"

#include <string.h>

#include "base/text.h"

static const char *const field_names[ISSUE_FIELD_COUNT] = {
	[ISSUE_TITLE] = "title",
	[ISSUE_PRIORITY] = "priority",
	[ISSUE_STATUS] = "status",
	[ISSUE_ASSIGNEE] = "assignee",
};

/* Titles are written by people, who may change nothing but a letter's case; the rest are names. */
static const bool field_exact[ISSUE_FIELD_COUNT] = { [ISSUE_TITLE] = true };

const char *issue_field_name(enum issue_field f)
{
	return (unsigned)f < ISSUE_FIELD_COUNT ? field_names[f] : "unknown";
}

bool issue_field_parse(const char *name, enum issue_field *out)
{
	for (size_t f = 0; name && f < ISSUE_FIELD_COUNT; f++) {
		if (strcmp(name, field_names[f]) != 0)
			continue;
		*out = (enum issue_field)f;
		return true;
	}
	return false;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* Of what is longer than is remembered, only what is remembered counts: or it would differ from its
 * own memory. */
bool issue_value_same(enum issue_field f, const char *a, const char *b)
{
	if (!a || !b)
		return a == b;

	size_t n = text_cut(a, ISSUE_VALUE_MAX);

	if (n != text_cut(b, ISSUE_VALUE_MAX))
		return false;
	if (field_exact[f])
		return memcmp(a, b, n) == 0;
	for (size_t i = 0; i < n; i++)
		if (lower(a[i]) != lower(b[i]))
			return false;
	return true;
}

/* ---- what was sent ------------------------------------------------------------------------- */

static void sent_remove(struct issue_memory *m, size_t i)
{
	m->sent_count--;
	memmove(&m->sent[i], &m->sent[i + 1], (m->sent_count - i) * sizeof(m->sent[0]));
}

/* Which one can be done without: many attempts of one value must not make us forget another one. */
static size_t sent_spare(enum issue_field f, const struct issue_memory *m, const char *value)
{
	for (size_t i = 0; i < m->sent_count; i++) {
		if (issue_value_same(f, m->sent[i].value, value))
			return i;
		for (size_t k = i + 1; k < m->sent_count; k++)
			if (issue_value_same(f, m->sent[i].value, m->sent[k].value))
				return i;
	}
	return 0;
}

void issue_sending(enum issue_field f, struct issue_memory *m, const char *value, int64_t now)
{
	if (!value)
		return;
	if (m->sent_count == ISSUE_SENT_MAX)
		sent_remove(m, sent_spare(f, m, value));
	m->sent[m->sent_count++] = (struct issue_sent){ .value = value, .at = now };
}

void issue_not_sent(enum issue_field f, struct issue_memory *m, const char *value)
{
	for (size_t i = m->sent_count; i > 0; i--) {
		if (!issue_value_same(f, m->sent[i - 1].value, value))
			continue;
		sent_remove(m, i - 1);
		return;
	}
}

/* A value of ours that appears there without our having known: from then on it is what both had.
 * One attempt is accounted for by it, the oldest; another one of the same value may arrive still.
 */
static void sent_arrive(enum issue_field f, struct issue_memory *m, const char *theirs)
{
	for (size_t i = 0; i < m->sent_count; i++) {
		if (!issue_value_same(f, m->sent[i].value, theirs))
			continue;
		m->known = true;
		m->ours = m->sent[i].value;
		m->theirs = theirs;
		sent_remove(m, i);
		return;
	}
}

static bool sent_old(const struct issue_sent *s, int64_t now)
{
	/* Also what a clock that was set back since seems to have sent in the far future. */
	return s->at < now - ISSUE_SENT_LIFE_MS || s->at > now + ISSUE_SENT_LIFE_MS;
}

/* What is old and was not seen when somebody looked will not arrive any more. After an outage of a
 * day the first look counts, however old it is: what it shows may have been there all the time. */
static void sent_expire(struct issue_memory *m, int64_t now, bool looking)
{
	for (size_t i = m->sent_count; i > 0; i--)
		if (sent_old(&m->sent[i - 1], now) && (looking || m->sent[i - 1].looked))
			sent_remove(m, i - 1);
	for (size_t i = 0; looking && i < m->sent_count; i++)
		m->sent[i].looked = true;
}

/* ---- the merge ----------------------------------------------------------------------------- */

static void conflict_close(struct issue_memory *m)
{
	m->conflict = (struct issue_conflict){ .open = false };
}

/* A rule of ours refused to follow exactly this, and nothing has changed since. */
static bool refused_still(enum issue_field f, const struct issue_memory *m, const char *theirs)
{
	return m->conflict.open && m->conflict.why &&
	       issue_value_same(f, m->conflict.theirs, theirs);
}

static enum merge_verdict in_step(struct issue_memory *m, const char *ours, const char *theirs)
{
	m->known = true;
	m->ours = ours;
	m->theirs = theirs;
	conflict_close(m);
	return MERGE_NOTHING;
}

enum merge_verdict issue_merge(enum issue_field f, struct issue_memory *m, const char *ours,
	const char *theirs, int64_t now)
{
	bool we, they;

	if (!ours || !theirs)
		return MERGE_NOTHING;
	sent_expire(m, now, false);
	if (!m->known || !issue_value_same(f, m->theirs, theirs))
		sent_arrive(f, m, theirs);
	sent_expire(m, now, true);
	if (!m->known)
		return in_step(m, ours, theirs);
	we = !issue_value_same(f, m->ours, ours);
	they = !issue_value_same(f, m->theirs, theirs);
	if (we || they)
		m->trouble = NULL;
	if ((!we && !they) || issue_value_same(f, ours, theirs))
		return in_step(m, ours, theirs);
	if (we && they)
		return MERGE_CONFLICT;
	if (they && refused_still(f, m, theirs))
		return MERGE_CONFLICT;
	conflict_close(m);
	return we ? MERGE_SEND : MERGE_APPLY;
}

void issue_settled(struct issue_memory *m, const char *ours, const char *theirs)
{
	in_step(m, ours, theirs);
	m->trouble = NULL;
}

void issue_conflict_open(struct issue_memory *m, const char *ours, const char *theirs,
	const char *by, int64_t by_at, const char *why)
{
	m->conflict = (struct issue_conflict){
		.open = true,
		.ours = ours,
		.theirs = theirs,
		.by = by,
		.by_at = by_at,
		.why = why,
	};
}

/* As if theirs had been followed and ours changed after that: so ours differs also where a rule
 * refused to follow and ours had not changed at all. */
void issue_keep_ours(struct issue_memory *m)
{
	if (!m->conflict.open)
		return;
	in_step(m, m->conflict.theirs, m->conflict.theirs);
}
