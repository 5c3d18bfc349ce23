/*
 * The postmortem of an incident (FEATURES I1, I2, I5): begun from the record, written by people, final when nothing is missing in it, or when
 * somebody says by name why it is final all the same. Every step is a version; none is ever overwritten.
 *
 *   start ──► draft ──review──► review ──final──► final
 *               │  ▲───────────────┴─────draft──────┘
 *               └──final──► final
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "commands/issues.h"
#include "commands/messages.h"
#include "commands/protected.h"
#include "commands/reviewing_parts.h"
#include "commands/say.h"
#include "commands/verbs.h"
#include "incident/access.h"
#include "incident/promise.h"
#include "store/learning.h"

#define SHOWN_FINDINGS   5
#define REFUSED_FINDINGS 10
#define VERSIONS_SHOWN   20

/* ---- what the files of this room share ---- */

int reviewing_latest(struct call *c, struct review *out)
{
	return review_latest(c->store, c->arena, c->incident.id, out, &c->err);
}

int reviewing_begin(struct call *c, struct review *out, bool *fresh)
{
	struct reviewing r;
	int rc = reviewing_latest(c, out);

	*fresh = rc == -ENOENT;
	if (!*fresh)
		return rc;
	*out = (struct review){ .incident = c->incident.id, .state = REVIEW_DRAFT };
	rc = reviewing_load(c, 0, &r);
	if (rc == -ENOENT) {
		review_draft(c->arena, &r.rec, out);
		rc = 0;
	}
	reviewing_finish(&r);
	return rc;
}

int reviewing_keep(struct call *c, struct review *r, const char *what, json_t *meta_take)
{
	JSON_CLEANUP json_t *meta = meta_take ? meta_take : json_object();
	bool first = r->version == 0;
	int rc;

	r->incident = c->incident.id;
	r->author = arena_strdup(c->arena, c->actor);
	r->at = c->now;
	r->light = !reviewing_required(c);
	rc = review_insert(c->store, r, &c->err);
	json_object_set_new(meta, "incident", json_integer(c->incident.id));
	json_object_set_new(meta, "version", json_integer(r->version));
	json_object_set_new(meta, "state", json_string(review_state_name(r->state)));
	if (rc == 0)
		rc = record_audit(c, "postmortem", c->incident.id, "info", arena_printf(c->arena, "postmortem.%s", what),
			json_text(c->arena, meta));
	/* A level that asks for none gets one because somebody began one. */
	if (rc == 0 && first)
		rc = reviewing_promise(c);
	return rc;
}

int reviewing_note(struct call *c, const struct review *r, enum timeline_kind kind, const char *text)
{
	return record_entry(c, &(struct record_entry){
				       .kind = kind,
				       .text = text,
				       .meta = arena_printf(c->arena, "{\"postmortem\":%lld}", (long long)r->version),
			       });
}

struct done reviewing_refuse_none(struct call *c)
{
	return call_refuse(c, "not_found", "There is no postmortem of %s yet; nothing was done. Begin with a draft from the record: %s",
		words_id(c, c->incident.id), message_usage(c, "/inc postmortem #%lld start", (long long)c->incident.id));
}

bool reviewing_refused(struct call *c, const struct review *r, struct done *out)
{
	if (c->incident.state == STATE_CANCELLED) {
		*out = call_refuse(c, "conflict", "%s is cancelled; there is nothing to learn from it. Nothing was done.",
			words_id(c, c->incident.id));
		return true;
	}
	if (r->state != REVIEW_FINAL)
		return false;
	*out = call_refuse(c, "conflict", "The postmortem of %s is final since version %lld, and nothing was changed. To go on with it: %s",
		words_id(c, c->incident.id), (long long)r->version,
		message_usage(c, "/inc postmortem #%lld draft why", (long long)c->incident.id));
	return true;
}

void reviewing_findings(struct call *c, json_t *doc, const struct lint_finding *f, size_t n, size_t max)
{
	for (size_t i = 0; i < n && i < max; i++)
		doc_list_item(doc, arena_printf(c->arena, "%s%s%s%s: %s", f[i].where, *f[i].quote ? ", “" : "", f[i].quote,
					   *f[i].quote ? "”" : "", f[i].instead));
	if (n > max)
		doc_context(doc, arena_printf(c->arena, "… and %zu more", n - max));
}

static void button(struct call *c, json_t *doc, const char *label, const char *deed, const char *style)
{
	doc_button(doc, label, "postmortem", c->incident.id, json_pack("{s:s}", "do", deed), style);
}

/* "in review, version 3 by @alice" */
static const char *standing(struct call *c, const struct review *r)
{
	return arena_printf(c->arena, "%s, version %lld by %s, %s%s", r->state == REVIEW_IN_REVIEW ? "in review" : review_state_name(r->state),
		(long long)r->version, words_name(c, r->author), words_time(c, r->at), r->light ? ", the light form" : "");
}

/* ---- show ---- */

static struct done show_none(struct call *c)
{
	int64_t due = promise_due_at(c, PROMISE_REVIEW, NULL);
	json_t *doc = message_line(c, "There is no postmortem of %s yet%s%s%s%s", words_id(c, c->incident.id),
		due ? "; it is owed by " : "", due ? words_name(c, reviewing_owner(c)) : "", due ? " until " : "",
		due ? words_time(c, due) : "");

	if (c->incident.state != STATE_CANCELLED)
		button(c, doc, "Start postmortem", "start", "primary");
	return call_reply(c, doc);
}

static void show_buttons(struct call *c, json_t *doc, const struct review *r, size_t findings)
{
	if (r->state != REVIEW_FINAL)
		button(c, doc, "Edit", "edit", findings ? "primary" : NULL);
	button(c, doc, "Export", "export", NULL);
	if (r->state == REVIEW_DRAFT)
		button(c, doc, "Ready for review", "review", NULL);
	if (r->state != REVIEW_FINAL && !state_active(c->incident.state))
		button(c, doc, "Final", "final", findings ? NULL : "primary");
}

static void show_rest(struct call *c, json_t *doc, const struct reviewing *r)
{
	const struct review *v = &r->review;
	int64_t due = promise_due_at(c, PROMISE_REVIEW, NULL);
	struct lint_finding *f;
	size_t n = v->state == REVIEW_FINAL ? 0 : reviewing_lint(c, r, &f);

	if (n) {
		doc_text(doc, arena_printf(c->arena, "Before it can be final:"));
		reviewing_findings(c, doc, f, n, SHOWN_FINDINGS);
	} else if (v->state != REVIEW_FINAL) {
		doc_text(doc, state_active(c->incident.state) ? "Nothing is missing; it can be final when the incident is over." :
							     "Nothing is missing: it can be final.");
	}
	if (v->waiver)
		doc_text(doc, arena_printf(c->arena, "Final without passing its checks, by %s: %s", words_name(c, v->author), v->waiver));
	if (due)
		doc_context(doc, arena_printf(c->arena, "Owed by %s until %s", words_name(c, reviewing_owner(c)), words_time(c, due)));
	show_buttons(c, doc, v, n);
}

static struct done show(struct call *c)
{
	struct reviewing r;
	json_t *doc = NULL;
	int rc = reviewing_load(c, 0, &r);

	if (rc == 0) {
		doc = message_line(c, "Postmortem of %s: %s", words_id(c, c->incident.id), standing(c, &r.review));
		show_rest(c, doc, &r);
	}
	reviewing_finish(&r);
	if (rc == -ENOENT)
		return show_none(c);
	return rc < 0 ? call_fail(c) : call_reply(c, doc);
}

/* ---- start ---- */

static struct done start(struct call *c)
{
	struct review r;
	struct done refused = { 0 };
	bool fresh;

	if (reviewing_begin(c, &r, &fresh) < 0)
		return call_fail(c);
	if (!fresh)
		return call_refuse(c, "conflict", "The postmortem of %s was begun already: %s. Nothing was done; go on with it: %s",
			words_id(c, c->incident.id), standing(c, &r),
			message_usage(c, "/inc postmortem #%lld edit", (long long)c->incident.id));
	if (reviewing_refused(c, &r, &refused))
		return refused;
	if (reviewing_keep(c, &r, "started", NULL) < 0 || reviewing_note(c, &r, ENTRY_NOTE, "postmortem begun, a draft from the record") < 0)
		return call_fail(c);
	return show(c);
}

/* ---- the states ---- */

/* The newest version as it is to be changed. 0, -ECANCELED with *out, or an error. */
static int newest(struct call *c, struct review *r, struct done *out)
{
	int rc = reviewing_latest(c, r);

	if (rc != -ENOENT)
		return rc;
	*out = reviewing_refuse_none(c);
	return -ECANCELED;
}

static json_t *told(struct call *c, const char *text)
{
	json_t *doc = message_line(c, "%s", text);

	button(c, doc, "Postmortem", "show", NULL);
	button(c, doc, "Export", "export", NULL);
	return doc;
}

/* A reviewer who may not see the incident would be told of it by this. 1, 0 or -errno. */
static int may_review(struct call *c, const char *person)
{
	bool sees = true;
	int rc = protected_sees(c, &c->incident, &c->roles, person, &sees);

	return rc < 0 ? rc : sees;
}

static int ask_reviewer(struct call *c, const struct review *r, const char *person)
{
	json_t *doc = message_line(c, "%s asks you to review the postmortem of %s (%s), version %lld: is it true, is it whole, does it help?",
		words_name(c, c->actor), words_id(c, c->incident.id), c->incident.title, (long long)r->version);

	button(c, doc, "Read it", "export", "primary");
	button(c, doc, "Where it stands", "show", NULL);
	button(c, doc, "Edit", "edit", NULL);
	return say_person(c, person, doc);
}

static struct done answer_review(struct call *c, const char *person)
{
	struct reviewing r;
	struct lint_finding *f;
	size_t n = 0;
	json_t *doc = message_line(c, "The postmortem of %s is in review%s%s", words_id(c, c->incident.id),
		person ? "; asked by direct message: " : "", person ? words_name(c, person) : "");
	int rc = reviewing_load(c, 0, &r);

	if (rc == 0)
		n = reviewing_lint(c, &r, &f);
	if (n) {
		doc_text(doc, "Still to do before it can be final:");
		reviewing_findings(c, doc, f, n, SHOWN_FINDINGS);
	}
	reviewing_finish(&r);
	if (rc == 0)
		return call_reply(c, doc);
	json_decref(doc);
	return call_fail(c);
}

static int to_review(struct call *c, struct review *r, const char *person)
{
	const char *text;
	int rc;

	if (r->state == REVIEW_IN_REVIEW)
		return 0;
	r->state = REVIEW_IN_REVIEW;
	rc = reviewing_keep(c, r, "review", person ? json_pack("{s:s}", "reviewer", person) : NULL);
	text = arena_printf(c->arena, "postmortem in review, version %lld", (long long)r->version);
	if (rc == 0)
		rc = reviewing_note(c, r, ENTRY_NOTE, text);
	if (rc == 0)
		rc = say_channel(c, told(c, arena_printf(c->arena, "The postmortem of %s is ready for review%s%s — %s",
						    words_id(c, c->incident.id), person ? " by " : "", person ? words_name(c, person) : "",
						    words_name(c, c->actor))), NULL);
	return rc;
}

static struct done review(struct call *c)
{
	const char *person = call_text(c, "reviewer");
	struct review r;
	struct done refused = { 0 };
	int rc = newest(c, &r, &refused), sees = person ? may_review(c, person) : 1;

	if (rc < 0 || sees < 0)
		return rc == -ECANCELED ? refused : call_fail(c);
	if (reviewing_refused(c, &r, &refused))
		return refused;
	if (call_given(c, "text"))
		return call_refuse_arg(c, "text", "Nothing was done: name a person who reviews it, as in %s",
			message_usage(c, "/inc postmortem #%lld review @bob", (long long)c->incident.id));
	if (!sees)
		return call_refuse(c, "conflict", "Nothing was done: %s has no access to %s. Grant it first: %s", words_name(c, person),
			words_id(c, c->incident.id), message_usage(c, "/inc grant #%lld @name", (long long)c->incident.id));
	if (r.state == REVIEW_IN_REVIEW && !person)
		return call_refuse(c, "conflict", "The postmortem of %s is in review already, since %s; nothing was done. Name who is to read it: %s",
			words_id(c, c->incident.id), words_time(c, r.at),
			message_usage(c, "/inc postmortem #%lld review @bob", (long long)c->incident.id));
	if (to_review(c, &r, person) < 0 || (person && ask_reviewer(c, &r, person) < 0))
		return call_fail(c);
	return answer_review(c, person);
}

static struct done refuse_findings(struct call *c, const struct lint_finding *f, size_t n)
{
	json_t *doc = message_line(c, "The postmortem of %s is not final: %zu %s in the way.", words_id(c, c->incident.id), n,
		n == 1 ? "thing is" : "things are");

	reviewing_findings(c, doc, f, n, REFUSED_FINDINGS);
	doc_context(doc, arena_printf(c->arena, "Final all the same, with your name to it: %s",
				 message_usage(c, "/inc postmortem #%lld final --waive \"why\"", (long long)c->incident.id)));
	button(c, doc, "Edit", "edit", "primary");
	return call_refuse_doc(c, "policy", doc);
}

/* "inc-42-postmortem-20260302.md" */
static const char *file_name(struct call *c, enum review_format f)
{
	time_t seconds = (time_t)(c->now / 1000);
	struct tm tm;
	char stamp[32];

	gmtime_r(&seconds, &tm);
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
	return arena_printf(c->arena, "inc-%lld-postmortem-%s.%s", (long long)c->incident.id, stamp, review_format_ending(f));
}

static enum review_format format_for_readers(const struct call *c)
{
	return c->config->review.template ? REVIEW_AS_TEMPLATE : REVIEW_AS_MD;
}

static int publish_issue(struct call *c, const struct review *r)
{
	json_t *doc = message_line(c, "Postmortem of %s, final, version %lld by %s", words_id(c, c->incident.id), (long long)r->version,
		words_name(c, c->actor));
	int rc;

	if (r->section[REVIEW_SUMMARY])
		doc_text(doc, r->section[REVIEW_SUMMARY]);
	if (r->section[REVIEW_FACTORS])
		doc_text(doc, arena_printf(c->arena, "Contributing factors:\n%s", r->section[REVIEW_FACTORS]));
	doc_text(doc, arena_printf(c->arena, "The whole document: /inc postmortem #%lld export", (long long)c->incident.id));
	rc = issue_comment(c, doc);
	json_decref(doc);
	return rc;
}

static int publish(struct call *c, const struct review *r)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < c->config->review.publish_count; i++)
		switch ((enum review_place)c->config->review.publish[i]) {
		case REVIEW_TO_CHANNEL:
			rc = say_file_incident(c, file_name(c, format_for_readers(c)),
				arena_printf(c->arena, "Postmortem of %s", words_id(c, c->incident.id)),
				REVIEW_FILE, reviewing_file_args(format_for_readers(c), r->version));
			break;
		case REVIEW_TO_ISSUE:
			rc = publish_issue(c, r);
			break;
		}
	return rc;
}

static int final_keep(struct call *c, struct review *r, const char *waiver, size_t findings)
{
	json_t *meta = json_pack("{s:s}", "tag", "post-incident-review");
	int rc;

	if (waiver)
		json_object_update_new(meta, json_pack("{s:s, s:I}", "waiver", waiver, "findings", (json_int_t)findings));
	r->state = REVIEW_FINAL;
	r->waiver = waiver ? arena_strdup(c->arena, waiver) : NULL;
	rc = reviewing_keep(c, r, "final", meta);
	if (rc == 0)
		rc = promise_keep(c, PROMISE_REVIEW);
	if (rc == 0)
		rc = reviewing_note(c, r, waiver ? ENTRY_DECISION : ENTRY_NOTE,
			arena_printf(c->arena, "postmortem final, version %lld%s%s", (long long)r->version,
				waiver ? ", without passing its checks: " : "", waiver ? waiver : ""));
	if (rc == 0)
		rc = say_channel(c, told(c, arena_printf(c->arena, "The postmortem of %s is final%s%s — %s", words_id(c, c->incident.id),
						    waiver ? ", without passing its checks: " : "", waiver ? waiver : "",
						    words_name(c, c->actor))), NULL);
	return rc < 0 ? rc : publish(c, r);
}

static struct done final_judged(struct call *c, struct reviewing *r)
{
	const char *waiver = call_text(c, "waive");
	struct lint_finding *f;
	size_t n = reviewing_lint(c, r, &f);
	struct review v = r->review;

	if (n && !(waiver && *waiver))
		return refuse_findings(c, f, n);
	if (!n)
		waiver = NULL;
	if (final_keep(c, &v, waiver, n) < 0)
		return call_fail(c);
	return call_replyf(c, "The postmortem of %s is final, version %lld%s%s", words_id(c, c->incident.id), (long long)v.version,
		waiver ? ", without passing its checks, which is recorded" : "",
		c->incident.state == STATE_CLOSED ? "" :
			arena_printf(c->arena, " · the incident can be closed: %s", message_usage(c, "/inc close #%lld", (long long)c->incident.id)));
}

static struct done final(struct call *c)
{
	struct reviewing r;
	struct done done = { 0 };
	int rc;

	if (call_given(c, "text"))
		return call_refuse_arg(c, "text", "Nothing was done: to make it final although something is missing, say --waive \"%s\".",
			message_short(c, call_text(c, "text"), 100));
	rc = reviewing_load(c, 0, &r);
	if (rc == -ENOENT)
		done = reviewing_refuse_none(c);
	else if (rc < 0)
		done = call_fail(c);
	else if (reviewing_refused(c, &r.review, &done))
		;
	else if (state_active(c->incident.state))
		done = call_refuse(c, "conflict", "%s is %s, so its postmortem cannot be final; nothing was done. Resolve it first: %s",
			words_id(c, c->incident.id), state_name(c->incident.state),
			message_usage(c, "/inc resolve #%lld …", (long long)c->incident.id));
	else
		done = final_judged(c, &r);
	reviewing_finish(&r);
	return done;
}

/* Taken up again; what was final is owed once more. */
static struct done draft(struct call *c)
{
	const char *why = call_text(c, "text");
	struct review r;
	struct done refused = { 0 };
	bool was_final;
	int rc = newest(c, &r, &refused);

	if (rc < 0)
		return rc == -ECANCELED ? refused : call_fail(c);
	if (r.state == REVIEW_DRAFT)
		return call_refuse(c, "conflict", "The postmortem of %s is a draft already; nothing was done.", words_id(c, c->incident.id));
	if (!why || !*why)
		return call_refuse(c, "usage", "Nothing was done: say why it is a draft again: %s",
			message_usage(c, "/inc postmortem #%lld draft new figures from the vendor", (long long)c->incident.id));
	was_final = r.state == REVIEW_FINAL;
	r.state = REVIEW_DRAFT;
	r.waiver = NULL;
	rc = reviewing_keep(c, &r, "draft", json_pack("{s:s}", "why", why));
	if (rc == 0)
		rc = reviewing_note(c, &r, ENTRY_NOTE, arena_printf(c->arena, "postmortem is a draft again: %s", why));
	if (rc == 0 && was_final)
		rc = reviewing_promise(c);
	if (rc == 0)
		rc = say_channel(c, told(c, arena_printf(c->arena, "The postmortem of %s is a draft again: %s — %s",
						    words_id(c, c->incident.id), why, words_name(c, c->actor))), NULL);
	return rc < 0 ? call_fail(c) : show(c);
}

/* ---- versions, export ---- */

static struct done versions(struct call *c)
{
	struct review_version *v;
	size_t n;
	json_t *doc;

	if (review_versions(c->store, c->arena, c->incident.id, &v, &n, &c->err) < 0)
		return call_fail(c);
	if (!n)
		return reviewing_refuse_none(c);
	doc = message_line(c, "Versions of the postmortem of %s, newest first", words_id(c, c->incident.id));
	for (size_t i = 0; i < n && i < VERSIONS_SHOWN; i++)
		doc_list_item(doc, arena_printf(c->arena, "%lld · %s · %s · %s", (long long)v[i].version, review_state_name(v[i].state),
					   words_name(c, v[i].author), words_time(c, v[i].at)));
	doc_context(doc, arena_printf(c->arena, "%sOne of them as a file: %s",
				 n > VERSIONS_SHOWN ? arena_printf(c->arena, "… and %zu older. ", n - VERSIONS_SHOWN) : "",
				 message_usage(c, "/inc postmortem #%lld export --version %lld", (long long)c->incident.id, (long long)v[0].version)));
	return call_reply(c, doc);
}

static struct done export_share(struct call *c, enum review_format f, int64_t version)
{
	bool here = say_is_own_channel(c);
	const char *name = file_name(c, f);

	if (say_file(c, here ? NULL : c->actor, name, arena_printf(c->arena, "Postmortem of %s", words_id(c, c->incident.id)),
		    REVIEW_FILE, reviewing_file_args(f, version)) < 0)
		return call_fail(c);
	return call_replyf(c, "The postmortem of %s is on its way as %s, %s", words_id(c, c->incident.id), name,
		here ? "to this channel." : "to you alone in a direct message.");
}

static struct done refuse_size(struct call *c)
{
	return call_refuse(c, "conflict", "Nothing was exported: the postmortem of %s is larger than a file of 1 MiB takes.",
		words_id(c, c->incident.id));
}

static struct done export(struct call *c)
{
	enum review_format f = REVIEW_AS_MD;
	int64_t version = call_number(c, "version", 0);
	struct str text STR_CLEANUP = { 0 };
	JSON_CLEANUP json_t *meta = NULL;
	int rc;

	if (call_given(c, "text") && !review_format_parse(call_text(c, "text"), &f))
		return call_refuse_arg(c, "text", "Nothing was exported: “%s” is none of md (to read, edit and read back), html (one page), "
			"template (Markdown by your template).", message_short(c, call_text(c, "text"), 40));
	str_init(&text, REVIEW_FILE_MAX);
	rc = reviewing_render(c, f, version, &text);
	if (rc == -ENOENT)
		return version ? call_refuse(c, "not_found", "The postmortem of %s has no version %lld; nothing was exported.",
				 words_id(c, c->incident.id), (long long)version) : reviewing_refuse_none(c);
	if (rc == -EMSGSIZE)
		return refuse_size(c);
	meta = json_pack("{s:s, s:I}", "format", review_format_name(f), "version", (json_int_t)version);
	if (rc < 0 || record_audit(c, "postmortem", c->incident.id, "info", "postmortem.exported", json_text(c->arena, meta)) < 0)
		return call_fail(c);
	if (c->request->source == REQUEST_CHAT)
		return export_share(c, f, version);
	/* The answer is the file: nothing else may stand in it. */
	c->understood = NULL;
	return call_reply(c, doc_new(text.p));
}

/* ---- the table ---- */

static const char *const words[] = { "show", "start", "edit", "factor", "why", "review", "final", "draft", "versions", "export", "import", NULL };

static const struct deed {
	struct done (*run)(struct call *c);
	bool reads;
} deeds[] = {
	{ show, true },
	{ start, false },
	{ reviewing_edit, false },
	{ reviewing_factor, false },
	{ reviewing_why, false },
	{ review, false },
	{ final, false },
	{ draft, false },
	{ versions, true },
	{ export, true },
	{ reviewing_import, false },
};

#define RIGHT_WRITE "incident.write"

static struct done postmortem_run(struct call *c)
{
	const char *what = call_given(c, "do") ? call_text(c, "do") : "show";
	size_t i = 0;

	while (strcmp(words[i], what) != 0)
		i++;
	if (!call_given(c, "do") && (call_given(c, "text") || call_given(c, "reviewer")))
		return call_refuse(c, "usage", "Nothing was done: say what to do with the postmortem first: start, edit, factor, why, review, final, "
			"draft, versions or export. As in %s",
			message_usage(c, "/inc postmortem #%lld factor detection no alert on retries", (long long)c->incident.id));
	if (!deeds[i].reads && !access_allows(&c->config->access, c->actor, RIGHT_WRITE))
		return call_refuse(c, "forbidden", "You may read the postmortem of %s, but not change it: that needs the right %s. Nothing was done.",
			words_id(c, c->incident.id), RIGHT_WRITE);
	return deeds[i].run(c);
}

static const struct op_alias aliases[] = {
	{ "post-mortem", NULL, NULL },
	{ "retrospective", NULL, NULL },
	{ "pm", NULL, NULL },
	{ NULL, NULL, NULL },
};

#define SECTION_ARG(section, title)                                                                \
	{ .name = (section),                                                                       \
		.type = ARG_WORD,                                                                  \
		.flags = ARG_OPTION | ARG_LONG | ARG_NO_FORM,                                      \
		.label = (title),                                                                  \
		.help = "edit: what this section says instead",                                    \
		.max_bytes = 60000 }

static const struct arg_def args[] = {
	{ .name = "do",
		.type = ARG_CHOICE,
		.label = "what",
		.help = "show, start (a draft from the record), edit [section], factor [layer] text, why text, review @person, final, draft why, "
			"versions, export [md|html|template]",
		.choices = words },
	{ .name = "reviewer",
		.type = ARG_PERSON,
		.flags = ARG_LEADING | ARG_NO_FORM,
		.label = "reviewer",
		.help = "review: who is asked to read it" },
	{ .name = "text",
		.type = ARG_REST,
		.flags = ARG_LONG | ARG_NO_FORM,
		.label = "text",
		.help = "What belongs to it: a section, a factor, a why, a reason, a format",
		.max_bytes = 60000 },
	{ .name = "waive",
		.type = ARG_WORD,
		.flags = ARG_OPTION | ARG_NO_FORM,
		.label = "why",
		.help = "final: why it is final although something is missing; recorded with your name" },
	{ .name = "version",
		.type = ARG_INTEGER,
		.flags = ARG_OPTION | ARG_NO_FORM,
		.label = "number",
		.help = "export: this version; edit: the one that you have before you" },
	SECTION_ARG("summary", "Summary"),
	SECTION_ARG("impact", "Impact"),
	SECTION_ARG("factors", "Contributing factors"),
	SECTION_ARG("whys", "Five whys"),
	SECTION_ARG("detection", "Detection"),
	SECTION_ARG("defences", "Missed defences"),
	SECTION_ARG("well", "What went well"),
	SECTION_ARG("poorly", "What went poorly"),
	SECTION_ARG("lessons", "Lessons"),
	{ .name = "sections",
		.type = ARG_WORD,
		.flags = ARG_OPTION | ARG_NO_FORM,
		.label = "sections",
		.help = "edit: the sections of a form, so that one that comes back empty is emptied" },
	{ .name = "file",
		.type = ARG_WORD,
		.flags = ARG_OPTION | ARG_LONG | ARG_NO_FORM,
		.label = "file",
		.help = "import: the Markdown file, whole",
		.max_bytes = 65536 },
	{ .name = NULL },
};

const struct operation op_postmortem = {
	.name = "postmortem",
	.aliases = aliases,
	.summary = "The postmortem: begin it from the record, write it, bring it to final",
	.example = "/inc postmortem factor change the rollout went to all regions at once",
	.args = args,
	.need = NEED_INCIDENT,
	.right = "incident.read",
	.run = postmortem_run,
};
