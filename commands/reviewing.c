#include "commands/reviewing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "commands/messages.h"
#include "incident/promise.h"
#include "store/incidents.h"
#include "store/learning.h"
#include "store/timelines.h"

#define RECORD_ARENA_MAX (16u << 20)
#define TIMELINE_BUDGET  (300u << 10) /* bytes of entries; escaped they are more */
#define PAGE             200
#define PAGES_MAX        60
#define FOLLOWUPS_MAX    200
#define OWN_META         "\"postmortem\":" /* entries that are about the document itself */

/* ---- the record ---- */

static const char *name_of(void *ctx, const char *person)
{
	return words_name(ctx, person);
}

struct page {
	struct timeline_entry *entry;
	size_t count;
};

static size_t weight(const struct page *p)
{
	size_t bytes = 0;

	for (size_t i = 0; i < p->count; i++)
		bytes += 200 + (p->entry[i].text ? strlen(p->entry[i].text) : 0);
	return bytes;
}

/* Pages from the newest on, as far as they fit. *more: there are older ones. */
static int pages_load(struct call *c, struct arena *a, struct page *page, size_t *count, bool *more)
{
	int64_t before = 0;
	size_t bytes = 0;
	int rc = 0;

	*more = true;
	for (*count = 0; rc == 0 && *more && *count < PAGES_MAX && bytes < TIMELINE_BUDGET;) {
		struct page *p = &page[*count];

		rc = timeline_list(c->store, a, c->incident.id, before, PAGE, &p->entry, &p->count, &c->err);
		if (rc < 0)
			return rc;
		*more = p->count == PAGE;
		if (p->count)
			before = p->entry[0].id;
		bytes += weight(p);
		++*count;
	}
	return rc;
}

static int timeline_gather(struct call *c, struct reviewing *r)
{
	struct page page[PAGES_MAX];
	struct timeline_entry *all;
	size_t pages, n = 0, room = 1;
	bool more;
	int rc = pages_load(c, r->arena, page, &pages, &more);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < pages; i++)
		room += page[i].count;
	all = arena_alloc(r->arena, room * sizeof(*all));
	for (size_t i = pages; i-- > 0;)
		for (size_t k = 0; k < page[i].count; k++) {
			const struct timeline_entry *e = &page[i].entry[k];

			if (n == 0 && more)
				all[n++] = (struct timeline_entry){ .kind = ENTRY_NOTE, .happened_at = e->happened_at,
					.text = arena_strdup(r->arena, "earlier entries are left out of this document; all of them: /inc timeline") };
			if (e->meta && strstr(e->meta, OWN_META))
				continue;
			all[n] = *e;
			if (e->text)
				all[n].text = arena_strdup(r->arena, words_named(c, e->text));
			n++;
		}
	r->rec.timeline = all;
	r->rec.timeline_count = n;
	return 0;
}

static int followups_gather(struct call *c, struct reviewing *r)
{
	struct followup_filter f;
	struct followup *list;
	size_t n;
	int rc;

	followup_filter_init(&f);
	f.incident = c->incident.id;
	f.state = -1;
	f.sees_all = true; /* whoever sees the incident */
	f.limit = FOLLOWUPS_MAX;
	rc = followup_find(c->store, r->arena, &f, &list, &n, &c->err);
	if (rc == 0) {
		r->rec.followup = list;
		r->rec.followup_count = n;
	}
	return rc;
}

int reviewing_load(struct call *c, int64_t version, struct reviewing *out)
{
	int rc;

	*out = (struct reviewing){ .arena = arena_create(RECORD_ARENA_MAX) };
	out->rec = (struct review_record){
		.incident = &c->incident,
		.zone = c->config->timezone,
		.severity = words_severity(c, c->incident.severity),
		.name = name_of,
		.ctx = c,
	};
	rc = timeline_gather(c, out);
	if (rc == 0)
		rc = followups_gather(c, out);
	if (rc < 0)
		return rc;
	return version ? review_load(c->store, out->arena, c->incident.id, version, &out->review, &c->err) :
		review_latest(c->store, out->arena, c->incident.id, &out->review, &c->err);
}

void reviewing_finish(struct reviewing *r)
{
	arena_destroy(r->arena);
	*r = (struct reviewing){ 0 };
}

size_t reviewing_lint(struct call *c, const struct reviewing *r, struct lint_finding **out)
{
	*out = arena_alloc(c->arena, REVIEW_FINDINGS * sizeof(**out));
	return review_lint(&r->review, &r->rec, *out, REVIEW_FINDINGS);
}

/* ---- files ---- */

static const struct {
	const char *name, *ending;
} formats[REVIEW_FORMAT_COUNT] = {
	[REVIEW_AS_MD] = { "md", "md" },
	[REVIEW_AS_HTML] = { "html", "html" },
	[REVIEW_AS_TEMPLATE] = { "template", "md" },
};

const char *review_format_name(enum review_format f)
{
	return formats[f].name;
}

const char *review_format_ending(enum review_format f)
{
	return formats[f].ending;
}

bool review_format_parse(const char *name, enum review_format *out)
{
	for (int i = 0; name && i < REVIEW_FORMAT_COUNT; i++)
		if (text_equal_fold(name, formats[i].name)) {
			*out = (enum review_format)i;
			return true;
		}
	return false;
}

json_t *reviewing_file_args(enum review_format f, int64_t version)
{
	return json_pack("{s:s, s:I}", "format", formats[f].name, "version", (json_int_t)version);
}

static enum review_format format_of(const json_t *args)
{
	enum review_format f = REVIEW_AS_MD;

	review_format_parse(json_get_str(args, "format"), &f);
	return f;
}

int reviewing_file(struct call *c, json_t *args, const char *reader, struct str *out)
{
	(void)reader;
	return reviewing_render(c, format_of(args), json_get_int(args, "version", 0), out);
}

const char *reviewing_command(struct call *c, json_t *args)
{
	return arena_printf(c->arena, "#%lld postmortem export %s", (long long)c->incident.id, formats[format_of(args)].name);
}

static int render_html(struct call *c, const struct reviewing *r, struct str *out)
{
	struct str md STR_CLEANUP = { 0 };
	int rc;

	str_init(&md, REVIEW_FILE_MAX);
	review_markdown(&md, &r->review, &r->rec, c->config->review.template);
	if (md.cut)
		return -EMSGSIZE;
	rc = review_html(out, arena_printf(c->arena, "Postmortem of INC-%lld: %s", (long long)c->incident.id, c->incident.title),
		md.p, md.len);
	return rc < 0 ? error_set(&c->err, rc, "the postmortem of INC-%lld is no Markdown", (long long)c->incident.id) : 0;
}

int reviewing_render(struct call *c, enum review_format f, int64_t version, struct str *out)
{
	struct reviewing r;
	int rc = reviewing_load(c, version, &r);

	if (rc == 0 && f == REVIEW_AS_HTML)
		rc = render_html(c, &r, out);
	else if (rc == 0)
		review_markdown(out, &r.review, &r.rec, f == REVIEW_AS_TEMPLATE ? c->config->review.template : NULL);
	if (rc == 0 && out->cut)
		rc = -EMSGSIZE;
	reviewing_finish(&r);
	return rc;
}

int reviewing_export(
	struct store *s, const struct config *config, int64_t incident, enum review_format f, struct str *out, struct error *err)
{
	struct arena *a = arena_create(REQUEST_ARENA_MAX);
	struct clock clock;
	int rc;

	clock_init_system(&clock);
	struct call c = { .arena = a, .store = s, .config = config, .now = clock_now(&clock), .actor = PERSON_SELF, .zone = config->timezone };

	rc = incident_load(s, a, incident, &c.incident, &c.err);
	if (rc == 0) {
		c.has_incident = true;
		rc = reviewing_render(&c, f, 0, out);
	}
	if (rc == -EMSGSIZE)
		error_set(err, rc, "the postmortem of INC-%lld is larger than a file of 1 MiB takes", (long long)incident);
	else if (rc < 0)
		error_set(err, rc, "%s", c.err.text);
	arena_destroy(a);
	return rc;
}

/* ---- the promise ---- */

bool reviewing_required(const struct call *c)
{
	return c->config->severity.level[c->incident.severity].review_required;
}

/* The newest version without the record behind it; -ENOENT. */
static int latest(struct call *c, struct review *out)
{
	struct arena *a = arena_create(RECORD_ARENA_MAX);
	int rc = review_latest(c->store, a, c->incident.id, out, &c->err);

	/* Only what is no text is looked at. */
	out->author = out->waiver = NULL;
	memset(out->section, 0, sizeof(out->section));
	arena_destroy(a);
	return rc;
}

int reviewing_is_final(struct call *c, bool *final)
{
	struct review r;
	int rc = latest(c, &r);

	*final = rc == 0 && r.state == REVIEW_FINAL;
	return rc == -ENOENT ? 0 : rc;
}

/* Who said that it is over; NULL. */
static const char *resolver(struct call *c)
{
	struct timeline_entry *e;
	size_t n;

	if (timeline_list(c->store, c->arena, c->incident.id, 0, PAGE, &e, &n, &c->err) < 0)
		return NULL;
	while (n-- > 0)
		if (e[n].kind == ENTRY_RESOLUTION && e[n].author && strcmp(e[n].author, PERSON_SELF) != 0)
			return e[n].author;
	return NULL;
}

const char *reviewing_owner(struct call *c)
{
	const char *person = role_person(&c->roles, ROLE_COMMANDER);

	if (!person)
		person = resolver(c);
	return person ? person : c->incident.reporter;
}

int reviewing_promise(struct call *c)
{
	int64_t within = c->config->review.within_ms;
	bool over = c->incident.state == STATE_RESOLVED || c->incident.state == STATE_AUTO_RESOLVED;

	if (!within || !over || promise_due_at(c, PROMISE_REVIEW, NULL))
		return 0;
	return promise_make(c, PROMISE_REVIEW, c->now + within);
}

int reviewing_ended(struct call *c)
{
	struct review r;
	int rc = latest(c, &r);

	if (rc < 0 && rc != -ENOENT)
		return rc;
	if (rc == 0 ? r.state == REVIEW_FINAL : !reviewing_required(c))
		return 0;
	return reviewing_promise(c);
}

/* A final document about an incident that goes on would be about half of it. */
int reviewing_reopened(struct call *c)
{
	struct arena *a = arena_create(RECORD_ARENA_MAX);
	struct review r;
	int rc = review_latest(c->store, a, c->incident.id, &r, &c->err);
	bool final = rc == 0 && r.state == REVIEW_FINAL;

	if (final) {
		JSON_CLEANUP json_t *meta = NULL;

		r.state = REVIEW_DRAFT;
		r.waiver = NULL;
		r.author = arena_strdup(a, c->actor);
		r.at = c->now;
		rc = review_insert(c->store, &r, &c->err);
		meta = json_pack("{s:I, s:s}", "version", (json_int_t)r.version, "why", "the incident is open again");
		if (rc == 0)
			rc = record_audit(c, "postmortem", c->incident.id, "info", "postmortem.draft", json_text(c->arena, meta));
	}
	arena_destroy(a);
	if (rc == 0 || rc == -ENOENT)
		rc = promise_withdraw(c, PROMISE_REVIEW);
	return rc < 0 ? rc : final;
}

void reviewing_buttons(struct call *c, json_t *doc)
{
	struct review r;
	bool begun = latest(c, &r) == 0;

	doc_button(doc, begun ? "Postmortem" : "Start postmortem", "postmortem", c->incident.id,
		json_pack("{s:s}", "do", begun ? "show" : "start"), "primary");
}

void reviewing_offer(struct call *c, json_t *doc)
{
	int64_t due = promise_due_at(c, PROMISE_REVIEW, NULL);
	const char *owner;

	if (!due)
		return;
	owner = reviewing_owner(c);
	doc_context(doc, arena_printf(c->arena, "A postmortem is owed by %s until %s", words_name(c, owner), words_time(c, due)));
	reviewing_buttons(c, doc);
}
