/*
 * Changes of what people write in a postmortem: by form, by line, by file. Sections are merged one by one: what somebody else has changed since
 * the form was opened (or the file was made) is never overwritten, what they did not touch is no obstacle.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "commands/messages.h"
#include "commands/reviewing_parts.h"
#include "store/learning.h"

#define FORM_FIELDS_MAX 4
#define FORM_FIELD_MAX  3000 /* UTF-16 units of a field, as chats take them */
#define QUOTE_MAX       300
#define HEADING_MAX     80

/* ---- merging ---- */

struct edit {
	struct review latest;
	struct review base; /* what was seen when the edit began; the latest when nobody said */
	const char *text[REVIEW_SECTION_COUNT]; /* NULL: not touched; "": emptied */
	unsigned changed, conflict;             /* 1 << section */
};

static bool same(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

static void edit_merge(struct call *c, struct edit *e)
{
	for (int s = 0; s < REVIEW_SECTION_COUNT; s++) {
		char **theirs = &e->latest.section[s];

		if (!e->text[s] || same(e->text[s], *theirs))
			continue;
		if (!same(*theirs, e->base.section[s])) {
			/* Not touched here, changed there. */
			if (!same(e->text[s], e->base.section[s]))
				e->conflict |= 1u << s;
			continue;
		}
		*theirs = *e->text[s] ? arena_strdup(c->arena, e->text[s]) : NULL;
		e->changed |= 1u << s;
	}
}

static const char *titles(struct call *c, unsigned sections)
{
	struct str s;

	str_init_arena(&s, c->arena, 400);
	for (int i = 0; i < REVIEW_SECTION_COUNT; i++)
		if (sections & (1u << i))
			str_addf(&s, "%s%s", s.len ? ", " : "", review_section_title((enum review_section)i));
	return s.p ? s.p : "";
}

static int first_of(unsigned sections)
{
	int s = 0;

	while (!(sections & (1u << s)))
		s++;
	return s;
}

/* At the field, so that what was typed is still there. */
static struct done refuse_conflict(struct call *c, const struct edit *e)
{
	int s = first_of(e->conflict);
	const char *there = e->latest.section[s];
	const char *text = arena_printf(c->arena,
		"Nothing was kept: %s changed %s in version %lld, and you began with version %lld. It says now: “%s”. Put both together "
		"and save again from %s",
		words_name(c, e->latest.author), titles(c, e->conflict), (long long)e->latest.version, (long long)e->base.version,
		there && *there ? message_short(c, there, QUOTE_MAX) : "nothing",
		message_usage(c, "/inc postmortem #%lld edit %s", (long long)c->incident.id, review_section_name((enum review_section)s)));

	if (c->request->from_form)
		return call_refuse_arg(c, review_section_name((enum review_section)s), "%s", text);
	return call_refuse(c, "conflict", "%s", text);
}

static struct done refuse_long(struct call *c, int s, size_t len)
{
	return call_refuse_arg(c, review_section_name((enum review_section)s),
		"Nothing was kept: %s would have %zu bytes; at most %d fit.", review_section_title((enum review_section)s), len, REVIEW_SECTION_MAX);
}

static json_t *meta_of(const struct edit *e)
{
	json_t *list = json_array();

	for (int s = 0; s < REVIEW_SECTION_COUNT; s++)
		if (e->changed & (1u << s))
			json_array_append_new(list, json_string(review_section_name((enum review_section)s)));
	return json_pack("{s:o}", "sections", list);
}

/* What the sections that were just written still lack. */
static void add_own_findings(struct call *c, json_t *doc, const struct reviewing *r, unsigned sections)
{
	struct lint_finding *f, own[3];
	size_t n = reviewing_lint(c, r, &f), count = 0;

	for (size_t i = 0; i < n; i++)
		for (int s = 0; s < REVIEW_SECTION_COUNT && count < 3; s++)
			if ((sections & (1u << s)) && text_prefix_fold(review_section_title((enum review_section)s), f[i].where)) {
				own[count++] = f[i];
				break;
			}
	reviewing_findings(c, doc, own, count, count);
	if (n > count)
		doc_context(doc, arena_printf(c->arena, "%zu %s%s before it can be final: %s", n - count, count ? "more " : "",
					 n - count == 1 ? "thing" : "things",
					 message_usage(c, "/inc postmortem #%lld", (long long)c->incident.id)));
	else if (!n)
		doc_context(doc, "Nothing is missing any more.");
}

static struct done answer_kept(struct call *c, const struct edit *e, const char *more)
{
	json_t *doc = message_line(c, "%s: kept as version %lld of the postmortem of %s%s", titles(c, e->changed),
		(long long)e->latest.version, words_id(c, c->incident.id), more);
	struct reviewing r;
	int rc = reviewing_load(c, 0, &r);

	if (rc == 0) {
		add_own_findings(c, doc, &r, e->changed);
		doc_button(doc, "Edit", "postmortem", c->incident.id, json_pack("{s:s}", "do", "edit"), NULL);
		doc_button(doc, "Where it stands", "postmortem", c->incident.id, json_pack("{s:s}", "do", "show"), NULL);
	}
	reviewing_finish(&r);
	if (rc == 0)
		return call_reply(c, doc);
	json_decref(doc);
	return call_fail(c);
}

static struct done edit_keep(struct call *c, struct edit *e, const char *how, const char *more)
{
	for (int s = 0; s < REVIEW_SECTION_COUNT; s++)
		if (e->text[s] && strlen(e->text[s]) > REVIEW_SECTION_MAX)
			return refuse_long(c, s, strlen(e->text[s]));
	edit_merge(c, e);
	if (e->conflict)
		return refuse_conflict(c, e);
	if (!e->changed)
		return call_replyf(c, "Nothing differs from version %lld of the postmortem of %s; nothing was changed%s",
			(long long)e->latest.version, words_id(c, c->incident.id), more);
	if (reviewing_keep(c, &e->latest, how, meta_of(e)) < 0)
		return call_fail(c);
	return answer_kept(c, e, more);
}

/* The newest version, and the one that was seen (-1: nobody said; 0: there was none yet). 0, -ECANCELED with *out, or another error. */
static int edit_begin(struct call *c, struct edit *e, int64_t seen, struct done *out)
{
	bool fresh;
	int rc = reviewing_begin(c, &e->latest, &fresh);

	if (rc < 0)
		return rc;
	if (reviewing_refused(c, &e->latest, out))
		return -ECANCELED;
	e->base = e->latest;
	if (fresh || seen < 0 || seen == e->latest.version)
		return 0;
	if (seen == 0) {
		e->base = (struct review){ .incident = c->incident.id };
		return 0;
	}
	rc = review_load(c->store, c->arena, c->incident.id, seen, &e->base, &c->err);
	if (rc != -ENOENT)
		return rc;
	*out = call_refuse(c, "conflict", "Nothing was kept: the postmortem of %s has no version %lld, the newest is %lld.",
		words_id(c, c->incident.id), (long long)seen, (long long)e->latest.version);
	return -ECANCELED;
}

/* ---- the form ---- */

static size_t units(const char *text)
{
	size_t n = 0;

	for (const unsigned char *p = (const unsigned char *)(text ? text : ""); *p; p++)
		n += (*p & 0xc0) != 0x80 ? *p >= 0xf0 ? 2 : 1 : 0;
	return n;
}

struct choice {
	int section[FORM_FIELDS_MAX];
	size_t count;
	unsigned taken, large;
};

static void choose(struct choice *ch, const struct review *r, int s)
{
	if (ch->count == FORM_FIELDS_MAX || (ch->taken & (1u << s)) || !review_section_written((enum review_section)s))
		return;
	if (units(r->section[s]) > FORM_FIELD_MAX) {
		ch->large |= 1u << s;
		return;
	}
	ch->taken |= 1u << s;
	ch->section[ch->count++] = s;
}

/* Those that a finding is about, in the order of the document; else what readers read first. */
static void choose_needed(struct call *c, struct choice *ch, const struct reviewing *r)
{
	static const enum review_section first[] = { REVIEW_SUMMARY, REVIEW_IMPACT, REVIEW_FACTORS, REVIEW_LESSONS };
	struct lint_finding *f;
	size_t n = reviewing_lint(c, r, &f);

	for (int s = 0; s < REVIEW_SECTION_COUNT; s++)
		for (size_t i = 0; i < n; i++)
			if (text_prefix_fold(review_section_title((enum review_section)s), f[i].where))
				choose(ch, &r->review, s);
	for (size_t i = 0; ch->count == 0 && i < sizeof(first) / sizeof(*first); i++)
		for (size_t k = i; k < sizeof(first) / sizeof(*first); k++)
			choose(ch, &r->review, (int)first[k]);
}

static const char *names(struct call *c, const struct choice *ch)
{
	struct str s;

	str_init_arena(&s, c->arena, 400);
	for (size_t i = 0; i < ch->count; i++)
		str_addf(&s, "%s%s", i ? "," : "", review_section_name((enum review_section)ch->section[i]));
	return s.p;
}

static json_t *form_make(struct call *c, const struct choice *ch, const struct reviewing *r)
{
	json_t *form = form_new(arena_printf(c->arena, "%s: postmortem", words_id(c, c->incident.id)), "postmortem", c->incident.id, "Save");

	json_object_set_new(form, "args", json_pack("{s:s, s:s, s:s}", "do", "edit", "version",
		arena_printf(c->arena, "%lld", (long long)r->review.version), "sections", names(c, ch)));
	for (size_t i = 0; i < ch->count; i++) {
		enum review_section s = (enum review_section)ch->section[i];
		json_t *field = form_field(form, review_section_name(s), review_section_title(s), "text", r->review.section[s],
			review_section_hint(s), true, NULL);

		json_object_set_new(field, "multiline", json_true());
	}
	if (ch->large)
		json_object_set_new(form, "intro", json_string(arena_printf(c->arena,
			"Longer than a form takes, so edited as a file (/inc postmortem export, then sitrep postmortem import): %s",
			titles(c, ch->large))));
	return form;
}

static struct done refuse_large(struct call *c, unsigned large)
{
	return call_refuse(c, "conflict",
		"%s is longer than a form takes (%d characters). Edit it as a file: %s, then sitrep postmortem import %lld FILE",
		titles(c, large), FORM_FIELD_MAX, message_usage(c, "/inc postmortem #%lld export", (long long)c->incident.id),
		(long long)c->incident.id);
}

/* In the shell a section is shown, with the line that changes it. */
static struct done show_section(struct call *c, const struct review *r, int section)
{
	enum review_section s = section < 0 ? REVIEW_SUMMARY : (enum review_section)section;
	const char *text = r->section[s];

	return call_replyf(c, "%s, version %lld:\n%s\n\nTo change it: %s, or all of it as a file: sitrep postmortem export %lld",
		review_section_title(s), (long long)r->version, text && *text ? text : "(nothing yet)",
		message_usage(c, "/inc postmortem #%lld edit %s new text", (long long)c->incident.id, review_section_name(s)),
		(long long)c->incident.id);
}

/* section: -1 for those that need it most. */
static struct done form_open(struct call *c, int section, const struct review *begun)
{
	struct choice ch = { .count = 0 };
	struct reviewing r;
	struct done done = { 0 };
	int rc;

	if (!message_may_ask(c))
		return show_section(c, begun, section);
	rc = reviewing_load(c, 0, &r);
	if (rc == -ENOENT) {
		/* Not kept yet: the form is about what would be drafted. */
		r.review = *begun;
		rc = 0;
	}
	if (rc == 0 && section >= 0)
		choose(&ch, &r.review, section);
	else if (rc == 0)
		choose_needed(c, &ch, &r);
	if (rc < 0)
		done = call_fail(c);
	else if (!ch.count)
		done = refuse_large(c, ch.large);
	else
		done = call_form(c, form_make(c, &ch, &r));
	reviewing_finish(&r);
	return done;
}

/* ---- edit ---- */

static struct done refuse_section(struct call *c, const char *text)
{
	struct str list;

	str_init_arena(&list, c->arena, 400);
	for (int s = 0; s < REVIEW_SECTION_COUNT; s++)
		if (review_section_written((enum review_section)s))
			str_addf(&list, "%s%s", list.len ? ", " : "", review_section_name((enum review_section)s));
	return call_refuse(c, "usage", "Nothing was changed: there is no section “%s”. There are: %s.", message_short(c, text, 40), list.p);
}

static struct done refuse_generated(struct call *c, enum review_section s)
{
	return call_refuse(c, "usage", "Nothing was changed: %s come from the record. To change them: %s",
		s == REVIEW_TIMELINE ? "the times of the timeline" : "action items",
		s == REVIEW_TIMELINE ?
			message_usage(c, "/inc note #%lld 14:02 what happened, or --correct 12", (long long)c->incident.id) :
			message_usage(c, "/inc followup #%lld add …", (long long)c->incident.id));
}

/* "summary", "contributing factors", "summary new text": the section, and the text behind it or NULL. */
static bool edit_target(struct call *c, const char *text, enum review_section *s, const char **rest)
{
	size_t n = strcspn(text, " \n\t:");

	*rest = NULL;
	if (review_section_parse(text, s))
		return true;
	if (!review_section_parse(arena_strndup(c->arena, text, n), s))
		return false;
	*rest = text + n + strspn(text + n, " \n\t:");
	return true;
}

/* Fields of the form: one that came back empty was emptied. */
static void take_fields(struct call *c, struct edit *e)
{
	const char *list = call_text(c, "sections");

	for (int s = 0; s < REVIEW_SECTION_COUNT; s++) {
		const char *name = review_section_name((enum review_section)s);

		if (review_section_written((enum review_section)s) && call_given(c, name))
			e->text[s] = call_text(c, name);
	}
	while (list && *list) {
		size_t n = strcspn(list, ",");
		enum review_section s;

		if (review_section_parse(arena_strndup(c->arena, list, n), &s) && review_section_written(s) && !e->text[s])
			e->text[s] = "";
		list += n + (list[n] == ',');
	}
}

static bool any_field(const struct call *c)
{
	for (int s = 0; s < REVIEW_SECTION_COUNT; s++)
		if (review_section_written((enum review_section)s) && call_given(c, review_section_name((enum review_section)s)))
			return true;
	return call_given(c, "sections");
}

struct done reviewing_edit(struct call *c)
{
	const char *text = call_text(c, "text"), *rest = NULL;
	enum review_section section = REVIEW_SUMMARY;
	struct edit e = { .changed = 0 };
	struct done refused = { 0 };
	int rc;

	if (text && !edit_target(c, text, &section, &rest))
		return refuse_section(c, text);
	if (text && !review_section_written(section))
		return refuse_generated(c, section);
	rc = edit_begin(c, &e, call_number(c, "version", -1), &refused);
	if (rc < 0)
		return rc == -ECANCELED ? refused : call_fail(c);
	if (any_field(c))
		take_fields(c, &e);
	else if (rest && *rest)
		e.text[section] = rest;
	else
		return form_open(c, text ? (int)section : -1, &e.latest);
	return edit_keep(c, &e, "edited", "");
}

/* ---- one line more ---- */

static struct done append(struct call *c, enum review_section s, const char *line, const char *more)
{
	struct edit e = { .changed = 0 };
	struct done refused = { 0 };
	const char *old;
	int rc = edit_begin(c, &e, -1, &refused);

	if (rc < 0)
		return rc == -ECANCELED ? refused : call_fail(c);
	old = e.latest.section[s];
	e.text[s] = old && *old ? arena_printf(c->arena, "%s\n%s", old, line) : line;
	return edit_keep(c, &e, "edited", more);
}

/* "[change] …", "change: …", "change the rollout …": the layer and the text behind it. "Detection was late" begins with one and is a sentence. */
static bool take_layer(struct call *c, const char **text, enum review_layer *layer)
{
	static const char *const verbs[] = { "was", "is", "were", "are", "had", "has", "did", "does", "of", "and", "in", "on", "for", "took", "came",
		"failed", "went" };
	const char *p = *text + (**text == '['), *end = p + strcspn(p, " ]:"), *next;

	if (!review_layer_parse(arena_strndup(c->arena, p, (size_t)(end - p)), layer))
		return false;
	next = end + strspn(end, "]: ");
	for (size_t i = 0; *end == ' ' && i < sizeof(verbs) / sizeof(*verbs); i++)
		if (text_prefix_fold(verbs[i], next) && (next[strlen(verbs[i])] == ' ' || !next[strlen(verbs[i])]))
			return true;
	if (*next)
		*text = next;
	return true;
}

/* One line, whatever was typed. */
static const char *one_line(struct call *c, const char *text)
{
	char *p = arena_strdup(c->arena, text);

	for (char *q = p; *q; q++)
		if (*q == '\n')
			*q = ' ';
	return p;
}

/* Somebody who was named first was taken for the reviewer. */
static const char *whole_text(struct call *c)
{
	const char *text = call_text(c, "text"), *person = call_text(c, "reviewer");

	if (!person)
		return text;
	return arena_printf(c->arena, "%s%s%s", words_name(c, person), text ? " " : "", text ? text : "");
}

struct done reviewing_factor(struct call *c)
{
	enum review_layer layer = LAYER_TECHNICAL;
	const char *text = whole_text(c);
	bool said;

	if (!text || !*text)
		return call_refuse(c, "usage", "Nothing was changed: say what contributed, with its layer (technical, operational, detection, "
			"change, responsibility, organisational): %s",
			message_usage(c, "/inc postmortem #%lld factor change the rollout went to all regions at once", (long long)c->incident.id));
	text = one_line(c, text);
	said = take_layer(c, &text, &layer);
	return append(c, REVIEW_FACTORS, arena_printf(c->arena, "- [%s] %s", review_layer_name(layer), text),
		said ? "" : " · taken as technical; with another layer: factor change …, factor detection …");
}

static int lines_of(const char *text)
{
	int n = 0;

	while (text && *text) {
		size_t len = strcspn(text, "\n");

		n += strspn(text, " \t") < len;
		text += len + (text[len] == '\n');
	}
	return n;
}

struct done reviewing_why(struct call *c)
{
	const char *text = whole_text(c);
	struct review r;
	bool fresh;

	if (!text || !*text)
		return call_refuse(c, "usage", "Nothing was changed: say the next why with its because: %s",
			message_usage(c, "/inc postmortem #%lld why Why did retries pile up? Because they have no limit.", (long long)c->incident.id));
	if (reviewing_begin(c, &r, &fresh) < 0)
		return call_fail(c);
	return append(c, REVIEW_WHYS, arena_printf(c->arena, "%d. %s", lines_of(r.section[REVIEW_WHYS]) + 1, one_line(c, text)), "");
}

/* ---- a file that comes back ---- */

/* Behind the line that begins so; NULL. */
static const char *line_behind(const char *text, const char *begin)
{
	size_t n = strlen(begin);

	while (text && *text) {
		if (!strncmp(text, begin, n))
			return text + n;
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	return NULL;
}

static int64_t version_of(const char *file)
{
	const char *state = line_behind(file, "| State | ");
	const char *end = state ? state + strcspn(state, "\n") : NULL, *p = state ? strstr(state, "version ") : NULL;

	return p && p < end ? strtoll(p + strlen("version "), NULL, 10) : -1;
}

/* The body of a section of a file, trimmed. */
static const char *body_of(struct call *c, const char *file, enum review_section s)
{
	char heading[HEADING_MAX];
	const char *p, *end;

	snprintf(heading, sizeof(heading), "## %s\n", review_section_title(s));
	p = line_behind(file, heading);
	if (!p)
		return "";
	end = line_behind(p, "## ");
	end = end ? end - 3 : p + strlen(p);
	p += strspn(p, " \n\t");
	while (end > p && strchr(" \n\t", end[-1]))
		end--;
	return end > p ? arena_strndup(c->arena, p, (size_t)(end - p)) : "";
}

/* " · the timeline in the file was left out …" when it is not what the record says. */
static const char *left_out(struct call *c, const char *file, unsigned generated)
{
	struct str now STR_CLEANUP = { 0 };
	unsigned differ = 0;

	str_init(&now, REVIEW_FILE_MAX);
	if (!generated || reviewing_render(c, REVIEW_AS_MD, 0, &now) < 0)
		return "";
	for (int s = 0; s < REVIEW_SECTION_COUNT; s++)
		if ((generated & (1u << s)) &&
			!same(body_of(c, file, (enum review_section)s), body_of(c, now.p, (enum review_section)s)))
			differ |= 1u << s;
	if (!differ)
		return "";
	return arena_printf(c->arena, " · not taken from the file, since it always comes from the record: %s", titles(c, differ));
}

static struct done refuse_other(struct call *c, const char *file)
{
	const char *named = line_behind(file, "# Postmortem of INC-");
	int64_t id = named ? strtoll(named, NULL, 10) : 0;

	return call_refuse(c, "conflict", "Nothing was read: the file is the postmortem of INC-%lld, not of %s.", (long long)id,
		words_id(c, c->incident.id));
}

static bool is_other(const struct call *c, const char *file)
{
	const char *named = line_behind(file, "# Postmortem of INC-");

	return named && strtoll(named, NULL, 10) != c->incident.id;
}

struct done reviewing_import(struct call *c)
{
	const char *file = call_text(c, "file");
	struct review parsed = { 0 };
	struct edit e = { .changed = 0 };
	struct error err = { 0 };
	struct done refused = { 0 };
	unsigned generated;
	int rc;

	if (!file || !*file)
		return call_refuse(c, "usage", "A file is read back in the shell: sitrep postmortem import %lld FILE; it is made by: %s",
			(long long)c->incident.id, message_usage(c, "/inc postmortem #%lld export", (long long)c->incident.id));
	if (is_other(c, file))
		return refuse_other(c, file);
	if (review_parse(c->arena, file, strlen(file), &parsed, &generated, &err) < 0)
		return call_refuse(c, "usage", "Nothing was read: %s", err.text);
	rc = edit_begin(c, &e, call_number(c, "version", version_of(file)), &refused);
	if (rc < 0)
		return rc == -ECANCELED ? refused : call_fail(c);
	for (int s = 0; s < REVIEW_SECTION_COUNT; s++)
		e.text[s] = parsed.section[s];
	return edit_keep(c, &e, "imported", left_out(c, file, generated));
}
