/*
 * A postmortem as a Markdown file, and back. Written sections stand as people wrote them; whatever comes from
 * the record is escaped. Reading knows second-level headings outside of code fences, and nothing else.
 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/duration.h"
#include "base/text.h"
#include "incident/review.h"

#define NOTHING "_Nothing yet" /* an empty section begins so, and is read back as empty */
#define HEADING_MAX 80

static const char *const hints[REVIEW_SECTION_COUNT] = {
	[REVIEW_SUMMARY] = "what happened, in three sentences that somebody outside understands",
	[REVIEW_IMPACT] = "who could not do what, from when to when, in figures",
	[REVIEW_FACTORS] = "one a line, with its layer: - [change] the rollout went to all regions at once",
	[REVIEW_WHYS] = "why did it happen, why was that possible, why …",
	[REVIEW_DETECTION] = "how was it noticed, and what should have noticed it earlier",
	[REVIEW_DEFENCES] = "which check, alert or limit should have caught it, and why did it not",
	[REVIEW_WELL] = "what should be kept",
	[REVIEW_POORLY] = "what cost time",
	[REVIEW_LESSONS] = "what others can use",
};

const char *review_section_hint(enum review_section s)
{
	return (unsigned)s < REVIEW_SECTION_COUNT ? hints[s] : NULL;
}

/* ---- out ---- */

struct writer {
	struct str *out;
	const struct review *review;
	const struct review_record *rec;
};

static void add_time(struct writer *w, int64_t ms)
{
	/* Counted from a far day, so that the date is always said. */
	if (ms)
		time_format(w->out, ms, ms - 400 * DAY_MS, w->rec->zone, true);
	else
		str_add(w->out, "—");
}

static void add_name(struct writer *w, const char *person)
{
	const char *name = person && w->rec->name ? w->rec->name(w->rec->ctx, person) : NULL;

	text_markdown(w->out, name ? name : person ? person : "—");
}

/* One that a later entry corrects is not shown: the correction is. */
static bool corrected(const struct review_record *rec, size_t i)
{
	for (size_t k = i + 1; k < rec->timeline_count; k++)
		if (rec->timeline[k].corrects == rec->timeline[i].id)
			return true;
	return false;
}

static void add_timeline(struct writer *w)
{
	for (size_t i = 0; i < w->rec->timeline_count; i++) {
		const struct timeline_entry *e = &w->rec->timeline[i];

		if (corrected(w->rec, i))
			continue;
		str_add(w->out, "- ");
		add_time(w, e->happened_at);
		str_addf(w->out, " **%s** ", timeline_kind_name(e->kind));
		text_markdown(w->out, e->text ? e->text : "");
		if (e->author) {
			str_add(w->out, " (");
			add_name(w, e->author);
			str_addc(w->out, ')');
		}
		str_addc(w->out, '\n');
	}
	if (!w->rec->timeline_count)
		str_add(w->out, NOTHING "._\n");
}

static void add_cell(struct writer *w, const char *text)
{
	str_add(w->out, " | ");
	text_markdown(w->out, text && *text ? text : "—");
}

static void add_actions(struct writer *w)
{
	if (!w->rec->followup_count) {
		str_add(w->out, NOTHING ": /inc followup add …_\n");
		return;
	}
	str_add(w->out, "| Action | What | Owner | Priority | Due | Class | Done when | State |\n"
			"|---|---|---|---|---|---|---|---|\n");
	for (size_t i = 0; i < w->rec->followup_count; i++) {
		const struct followup *f = &w->rec->followup[i];

		str_addf(w->out, "| F%lld", (long long)f->id);
		add_cell(w, f->title);
		str_add(w->out, " | ");
		add_name(w, f->owner);
		str_addf(w->out, " | P%d | ", f->priority);
		add_time(w, f->due_at);
		add_cell(w, followup_class_name(f->class));
		add_cell(w, f->signal);
		add_cell(w, followup_state_name(f->state));
		if (f->shown && *f->shown) {
			str_add(w->out, ": ");
			text_markdown(w->out, f->shown);
		}
		str_add(w->out, " |\n");
	}
}

static void add_section(struct writer *w, enum review_section s)
{
	const char *text = w->review->section[s];

	if (s == REVIEW_TIMELINE)
		add_timeline(w);
	else if (s == REVIEW_ACTIONS)
		add_actions(w);
	else if (text && *text)
		str_addf(w->out, "%s\n", text);
	else
		str_addf(w->out, NOTHING ": %s._\n", hints[s]);
}

static void add_row(struct writer *w, const char *name, const char *text)
{
	str_addf(w->out, "| %s", name);
	add_cell(w, text);
	str_add(w->out, " |\n");
}

static void add_row_time(struct writer *w, const char *name, int64_t ms)
{
	str_addf(w->out, "| %s | ", name);
	add_time(w, ms);
	str_add(w->out, " |\n");
}

static void add_front(struct writer *w)
{
	const struct incident *inc = w->rec->incident;

	str_add(w->out, "| | |\n|---|---|\n");
	add_row(w, "Severity", w->rec->severity);
	add_row(w, "Services", inc->services);
	add_row_time(w, "Impact began", inc->impact_at);
	add_row_time(w, "Declared", inc->declared_at);
	add_row_time(w, "Mitigated", inc->mitigated_at);
	add_row_time(w, "Resolved", inc->resolved_at);
	str_addf(w->out, "| State | %s, version %lld |\n", review_state_name(w->review->state),
		(long long)w->review->version);
	if (w->review->waiver) {
		str_add(w->out, "| Checks waived");
		add_cell(w, w->review->waiver);
		str_add(w->out, " |\n");
	}
	str_add(w->out, "| Tag | post-incident-review |\n");
}

static void add_ours(struct writer *w)
{
	str_addf(w->out, "# Postmortem of INC-%lld: ", (long long)w->rec->incident->id);
	text_markdown(w->out, w->rec->incident->title ? w->rec->incident->title : "");
	str_add(w->out, "\n\n");
	add_front(w);
	for (int s = 0; s < REVIEW_SECTION_COUNT; s++) {
		str_addf(w->out, "\n## %s\n\n", review_section_title((enum review_section)s));
		add_section(w, (enum review_section)s);
	}
}

/* {{id}}, {{title}}, {{front}}, {{state}}, {{version}}, and every section by its name. */
static bool is_variable(const char *name, size_t n)
{
	static const char *const known[] = { "id", "title", "front", "state", "version" };

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strlen(known[i]) == n && !memcmp(known[i], name, n))
			return true;
	for (int s = 0; s < REVIEW_SECTION_COUNT; s++) {
		const char *section = review_section_name((enum review_section)s);

		if (strlen(section) == n && !memcmp(section, name, n))
			return true;
	}
	return false;
}

const char *review_template_unknown(const char *template, size_t *len)
{
	const char *open, *close;

	while ((open = strstr(template, "{{")) != NULL) {
		close = strstr(open, "}}");
		*len = close ? (size_t)(close - open) + 2 : strcspn(open, "\n");
		if (!close || !is_variable(open + 2, (size_t)(close - open) - 2))
			return open;
		template = close + 2;
	}
	return NULL;
}

static bool add_variable(struct writer *w, const char *name)
{
	if (!strcmp(name, "id"))
		str_addf(w->out, "INC-%lld", (long long)w->rec->incident->id);
	else if (!strcmp(name, "title"))
		text_markdown(w->out, w->rec->incident->title ? w->rec->incident->title : "");
	else if (!strcmp(name, "front"))
		add_front(w);
	else if (!strcmp(name, "state"))
		str_add(w->out, review_state_name(w->review->state));
	else if (!strcmp(name, "version"))
		str_addf(w->out, "%lld", (long long)w->review->version);
	else
		for (int s = 0; s < REVIEW_SECTION_COUNT; s++)
			if (!strcmp(name, review_section_name((enum review_section)s))) {
				add_section(w, (enum review_section)s);
				return true;
			}
	return !strcmp(name, "id") || !strcmp(name, "title") || !strcmp(name, "front") || !strcmp(name, "state") ||
		!strcmp(name, "version");
}

/* What a variable stands for is never read as template again. */
static void add_template(struct writer *w, const char *template)
{
	while (*template) {
		const char *open = strstr(template, "{{");
		const char *close = open ? strstr(open, "}}") : NULL;
		char name[HEADING_MAX];

		if (!close) {
			str_add(w->out, template);
			return;
		}
		str_addn(w->out, template, (size_t)(open - template));
		template = close + 2;
		if ((size_t)(close - open - 2) >= sizeof name)
			continue;
		memcpy(name, open + 2, (size_t)(close - open - 2));
		name[close - open - 2] = '\0';
		add_variable(w, name);
	}
}

void review_markdown(struct str *out, const struct review *r, const struct review_record *rec, const char *template)
{
	struct writer w = { .out = out, .review = r, .rec = rec };

	if (template)
		add_template(&w, template);
	else
		add_ours(&w);
}

/* ---- back ---- */

struct reading {
	struct arena *arena;
	struct review *out;
	unsigned seen;
	int section; /* -1: before the first heading */
	const char *from;
	int line;
};

/* The lines from r->from up to end are the section's; a hint of ours is nothing. */
static void section_close(struct reading *r, const char *end)
{
	const char *p = r->from;

	if (r->section < 0 || !review_section_written((enum review_section)r->section))
		return;
	while (p < end && strchr(" \t\r\n", *p))
		p++;
	while (end > p && strchr(" \t\r\n", end[-1]))
		end--;
	if ((size_t)(end - p) >= strlen(NOTHING) && !strncmp(p, NOTHING, strlen(NOTHING)) &&
		!memchr(p, '\n', (size_t)(end - p)))
		p = end;
	r->out->section[r->section] = arena_strndup(r->arena, p, (size_t)(end - p));
}

static void heading_list(struct str *s)
{
	for (int i = 0; i < REVIEW_SECTION_COUNT; i++)
		str_addf(s, "%s%s", i ? ", " : "", review_section_title((enum review_section)i));
}

static int heading(struct reading *r, const char *p, size_t n, struct error *err)
{
	struct str list STR_CLEANUP = { 0 };
	char title[HEADING_MAX] = "";
	enum review_section s;

	while (n && strchr(" \t\r#", p[n - 1]))
		n--;
	memcpy(title, p, n < sizeof title ? n : sizeof title - 1);
	if (!review_section_parse(title, &s)) {
		str_init(&list, 400);
		heading_list(&list);
		return error_set(err, -EINVAL, "line %d: there is no section \"%s\"; the sections are: %s", r->line,
			title, list.p);
	}
	if (r->seen & (1u << s))
		return error_set(err, -EINVAL, "line %d: the section \"%s\" stands there twice", r->line,
			review_section_title(s));
	r->seen |= 1u << s;
	r->section = (int)s;
	return 0;
}

static bool is_fence(const char *p)
{
	return !strncmp(p, "```", 3) || !strncmp(p, "~~~", 3);
}

int review_parse(struct arena *a, const char *text, size_t len, struct review *out, unsigned *ignored, struct error *err)
{
	struct reading r = { .arena = a, .out = out, .section = -1 };
	const char *p, *end;
	bool fenced = false;
	int rc = 0;

	*ignored = 0;
	if (!text_valid(text, len))
		return error_set(err, -EINVAL, "the file is not UTF-8 text");
	p = arena_strndup(a, text, len);
	end = p + len;
	for (r.from = p; p < end && rc == 0; r.line++) {
		size_t n = strcspn(p, "\n");

		if (r.line == 0)
			r.line = 1;
		if (is_fence(p))
			fenced = !fenced;
		if (!fenced && n > 3 && !strncmp(p, "## ", 3)) {
			section_close(&r, p);
			rc = heading(&r, p + 3, n - 3, err);
			r.from = p + n;
		}
		p += n + (p[n] == '\n');
	}
	if (rc < 0)
		return rc;
	section_close(&r, end);
	if (!r.seen)
		return error_set(err, -EINVAL,
			"no section was found: a postmortem has headings such as \"## Summary\"; export one to begin with");
	for (int s = 0; s < REVIEW_SECTION_COUNT; s++)
		if ((r.seen & (1u << s)) && !review_section_written((enum review_section)s))
			*ignored |= 1u << s;
	return 0;
}
