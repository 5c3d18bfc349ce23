/*
 * What is to be done after an incident (FEATURES K1): by whom, until when, and what will be seen
 * when it is done. One is added by saying it, changed by its number: F12. It is not done before
 * somebody has said what its signal showed.
 */
#include <errno.h>
#include <string.h>

#include "base/duration.h"
#include "commands/diagnosing.h"
#include "commands/following.h"
#include "commands/language.h"
#include "commands/messages.h"
#include "commands/verbs.h"
#include "store/learning.h"

#define LINKS_MAX 2000 /* bytes of all links together */

/* What of the form is shown for what is asked, and how it is called there. */
struct asked_field {
	const char *arg, *label, *hint; /* NULL: as declared */
};

static bool said(const struct call *c, const char *arg)
{
	const char *text = call_text(c, arg);

	return text && *text;
}

static const char *line_of(struct call *c, const struct followup *f, const char *rest)
{
	return message_usage(c, "/inc followup F%lld %s", (long long)f->id, rest);
}

/* The form with these fields alone; what is said already stays said. */
static struct done ask(struct call *c, const struct asked_field *fields, size_t n, bool required,
	const char *intro)
{
	json_t *form = form_of(c), *all = json_get_arr(form, "fields"), *kept = json_array(),
	       *field;
	size_t k;

	for (size_t i = 0; i < n; i++) {
		json_array_foreach(all, k, field)
		{
			if (strcmp(json_get_str(field, "arg"), fields[i].arg) != 0)
				continue;
			if (fields[i].label)
				json_object_set_new(field, "label", json_string(fields[i].label));
			if (fields[i].hint)
				json_object_set_new(field, "hint", json_string(fields[i].hint));
			if (required)
				json_object_set_new(field, "optional", json_false());
			json_array_append(kept, field);
		}
	}
	json_object_set_new(form, "fields", kept);
	json_object_set_new(form, "intro", json_string(intro));
	return call_form(c, form);
}

#define ASK(c, fields, required, intro)                                                            \
	ask(c, fields, sizeof(fields) / sizeof(*(fields)), required, intro)

/* ---- what was said, into the record ---- */

static enum followup_class class_said(const struct call *c)
{
	enum followup_class class = FOLLOWUP_NO_CLASS;

	if (said(c, "class"))
		followup_class_parse(call_text(c, "class"), &class);
	return class;
}

static int priority_said(const struct call *c)
{
	return said(c, "priority") ? call_text(c, "priority")[1] - '0' : -1;
}

/* 0, or -EINVAL with the refusal made: links are addresses. Given several times they are joined
 * with commas. */
static int links_said(struct call *c, char **links, struct done *refusal)
{
	char *all = arena_strdup(c->arena, call_text(c, "link"));

	for (char *p = all; p && *p; p++)
		if (*p == ',')
			*p = ' ';
	for (const char *p = all; p && *p;) {
		size_t n = strcspn(p, " ");

		if (n > 0 && !diagnosis_url_valid(arena_strndup(c->arena, p, n))) {
			*refusal = call_refuse_arg(c, "link",
				"Nothing was done: a link begins with https:// or http:// and "
				"names a host.");
			return -EINVAL;
		}
		p += n + strspn(p + n, " ");
	}
	if (all)
		*links = all;
	return 0;
}

static struct done refuse_past(struct call *c)
{
	const struct followup past = { .due_at = call_number(c, "due", 0) };

	return call_refuse_arg(c, "due",
		"Nothing was done: %s has passed already. Say a day that comes, as in %s",
		following_date(c, &past), message_usage(c, "--due \"2 weeks\""));
}

static bool due_has_passed(const struct call *c)
{
	return call_given(c, "due") && call_number(c, "due", 0) <= c->now;
}

/* ---- adding ---- */

static const struct asked_field add_fields[] = { { "text", "What is to be done", NULL },
	{ "owner", NULL, NULL }, { "due", NULL, NULL }, { "priority", NULL, NULL }, { "class", NULL, NULL },
	{ "signal", NULL, NULL }, { "link", NULL, NULL } };

static struct done added(struct call *c, const struct followup *f)
{
	json_t *doc = message_line(c, "%s of %s is noted: %s · P%d · %s · %s", following_name(c, f),
		words_id(c, f->incident), f->title, f->priority,
		f->owner ? words_name(c, f->owner) : "no owner yet", following_due(c, f, c->zone));

	if (!f->signal || !f->class)
		doc_context(doc,
			arena_printf(c->arena, "Before it can be done, say %s: %s",
				!f->signal && !f->class ? "what will be seen then, and its class"
				: !f->signal		? "what will be seen then"
							: "its class",
				line_of(c, f,
					!f->signal
						? "--signal \"what will be seen\" --class prevent"
						: "--class prevent, detect, mitigate or learn")));
	following_buttons(doc, f);
	return call_reply(c, doc);
}

/* Which incident? Those that have ended count as well, so only being told helps where none is open.
 */
static struct done add_nowhere(struct call *c)
{
	return call_refuse(c, "usage",
		"A follow-up belongs to an incident; nothing was done. Name it: %s",
		message_usage(c, "/inc #42 followup alert on retries @bob in 2 weeks"));
}

static struct done add_merged(struct call *c)
{
	return call_refuse(c, "conflict",
		"%s is merged into %s, so nothing was done here. Add it there: %s",
		words_id(c, c->incident.id), words_id(c, c->incident.merged_into),
		message_usage(c, "/inc #%lld followup …", (long long)c->incident.merged_into));
}

static struct done add(struct call *c)
{
	const char *title = said(c, "title") ? call_text(c, "title") : call_text(c, "text");
	struct followup f = {
		.owner = arena_strdup(c->arena, call_text(c, "owner")),
		.priority = priority_said(c),
		.due_at = call_given(c, "due") ? call_number(c, "due", 0) : -1,
		.class = class_said(c),
		.signal = arena_strdup(c->arena, call_text(c, "signal")),
	};
	struct done refusal;

	if (!c->has_incident)
		return add_nowhere(c);
	if (c->incident.merged_into)
		return add_merged(c);
	if ((!title || !*title) && message_may_ask(c))
		return ASK(c, add_fields, false,
			"What somebody will have done, until when, and what will be seen then.");
	if (!title || !*title)
		return call_refuse_arg(c, "text",
			"Nothing was noted: say what is to be done, as in %s",
			message_usage(c, "/inc followup alert on retries @bob in 2 weeks"));
	if (strlen(title) > FOLLOWUP_TITLE_MAX)
		return call_refuse_arg(c, "text",
			"Nothing was noted: a title has at most %d bytes, this one %zu.",
			FOLLOWUP_TITLE_MAX, strlen(title));
	if (due_has_passed(c))
		return refuse_past(c);
	if (links_said(c, &f.links, &refusal) < 0)
		return refusal;
	if (said(c, "standard"))
		followup_standard_parse(call_text(c, "standard"), &f.standard);
	f.title = arena_strdup(c->arena, message_short(c, title, FOLLOWUP_TITLE_MAX));
	following_defaults(c, &f);
	return following_make(c, &f) < 0 ? call_fail(c) : added(c, &f);
}

/* ---- changing ---- */

static const struct asked_field change_fields[] = { { "text", "Title", NULL }, { "owner", NULL, NULL },
	{ "due", NULL, NULL }, { "priority", NULL, NULL }, { "class", NULL, NULL }, { "signal", NULL, NULL },
	{ "link", NULL, NULL } };

static struct done refuse_ended(struct call *c, const struct followup *f, const char *what)
{
	return call_refuse(c, "conflict", "%s is %s, so it was not %s. Reopen it first: %s",
		following_name(c, f), followup_state_name(f->state), what,
		line_of(c, f, "reopen why"));
}

/* One difference, in words. */
static void differs(
	struct call *c, struct str *s, const char *name, const char *old, const char *new)
{
	(void)c;
	str_addf(s, "%s%s %s → %s", s->len ? "; " : "", name, old && *old ? old : "none",
		new &&*new ? new : "none");
}

static bool same_text(const char *a, const char *b)
{
	return !strcmp(a ? a : "", b ? b : "");
}

static void change_texts(
	struct call *c, struct followup *f, struct str *words, const char *title, char *links)
{
	const char *signal = call_text(c, "signal");
	enum followup_class class = class_said(c);

	if (title && !same_text(title, f->title)) {
		differs(c, words, "title", f->title, title);
		f->title = arena_strdup(c->arena, title);
	}
	if (class && class != f->class) {
		differs(c, words, "class", followup_class_name(f->class),
			followup_class_name(class));
		f->class = class;
	}
	if (said(c, "signal") && !same_text(signal, f->signal)) {
		differs(c, words, "signal", f->signal, signal);
		f->signal = arena_strdup(c->arena, signal);
	}
	if (links && !same_text(links, f->links)) {
		differs(c, words, "links", f->links, links);
		f->links = links;
	}
}

static void change_rest(
	struct call *c, struct followup *f, struct str *words, struct following_change *change)
{
	const char *owner = call_text(c, "owner");
	const char *old = following_date(c, f);
	int priority = priority_said(c);

	if (said(c, "owner") && !same_text(owner, f->owner)) {
		differs(c, words, "owner", f->owner ? words_name(c, f->owner) : NULL,
			words_name(c, owner));
		f->owner = arena_strdup(c->arena, owner);
		change->owner_new = true;
	}
	if (call_given(c, "due") && call_number(c, "due", 0) != f->due_at) {
		f->due_at = call_number(c, "due", 0);
		differs(c, words, "due", old, following_date(c, f));
		change->due_new = true;
	}
	if (priority >= 0 && priority != f->priority) {
		differs(c, words, "priority", arena_printf(c->arena, "P%d", f->priority),
			arena_printf(c->arena, "P%d", priority));
		f->priority = priority;
	}
}

static bool changes_said(const struct call *c)
{
	static const char *const args[] = { "title", "owner", "due", "priority", "class", "signal",
		"link" };

	for (size_t i = 0; i < sizeof(args) / sizeof(*args); i++)
		if (said(c, args[i]))
			return true;
	return c->request->from_form && said(c, "text");
}

static struct done change(struct call *c, struct followup *f)
{
	const char *title = said(c, "title")	    ? call_text(c, "title")
			    : c->request->from_form ? call_text(c, "text")
						    : NULL;
	struct following_change how = { .action = "followup.changed" };
	struct done refusal;
	char *links = NULL;
	struct str words;

	if (f->state != FOLLOWUP_OPEN)
		return refuse_ended(c, f, "changed");
	if (!changes_said(c) && message_may_ask(c))
		return ASK(c, change_fields, false, following_line(c, f, true));
	if (!changes_said(c))
		return call_refuse(c, "usage", "Nothing was changed: say what, as in %s",
			line_of(c, f, "--owner @bob --due \"2 weeks\""));
	if (title && strlen(title) > FOLLOWUP_TITLE_MAX)
		return call_refuse_arg(c, said(c, "title") ? "title" : "text",
			"Nothing was changed: a title has at most %d bytes, this one %zu.",
			FOLLOWUP_TITLE_MAX, strlen(title));
	if (due_has_passed(c) && call_number(c, "due", 0) != f->due_at)
		return refuse_past(c);
	if (links_said(c, &links, &refusal) < 0)
		return refusal;
	str_init_arena(&words, c->arena, 16000);
	change_texts(
		c, f, &words, title ? message_short(c, title, FOLLOWUP_TITLE_MAX) : NULL, links);
	change_rest(c, f, &words, &how);
	if (!words.len)
		return call_replyf(
			c, "%s is so already; nothing was changed.", following_name(c, f));
	how.text = arena_printf(c->arena, "changed: %s", words.p);
	if (following_save(c, f, &how) < 0)
		return call_fail(c);
	json_t *doc = message_line(c, "%s is changed: %s", following_name(c, f), words.p);
	following_buttons(doc, f);
	return call_reply(c, doc);
}

/* ---- ending ---- */

#define SHOWN_FIELD                                                                                \
	{                                                                                          \
		"text", "What it showed",                                                          \
			"So that somebody else could see it too: the alert fired in 40 s"          \
	}
static const struct asked_field done_fields[] = { { "signal", "What was to be seen", NULL },
	{ "class", NULL, NULL }, SHOWN_FIELD };
static const struct asked_field shown_fields[] = { SHOWN_FIELD };

/* The class and signal that it lacks still may be said in the same breath. */
static struct done take_missing(struct call *c, struct followup *f, bool *lacks)
{
	enum followup_class class = class_said(c);

	if (class)
		f->class = class;
	if (said(c, "signal"))
		f->signal = arena_strdup(c->arena, call_text(c, "signal"));
	*lacks = !f->signal || !f->class;
	if (!*lacks)
		return (struct done){ 0 };
	if (message_may_ask(c))
		return ASK(c, done_fields, true,
			arena_printf(c->arena,
				"%s: first what was to be seen when it is done, then what was "
				"seen.",
				following_line(c, f, false)));
	return call_refuse_arg(c, f->signal ? "class" : "signal",
		"%s is not done yet: it has no %s. Say what was to be seen when it is done, and "
		"what kind it is, first: %s",
		following_name(c, f),
		f->signal  ? "class"
		: f->class ? "completion signal"
			   : "completion signal and no class",
		line_of(c, f, "--signal \"the alert fires in the game day\" --class detect"));
}

static struct done refuse_empty(struct call *c, const struct followup *f)
{
	return call_refuse_arg(c, "text",
		"%s is not done yet: say what its signal (%s) showed, so that somebody else "
		"could see it too: %s",
		following_name(c, f), f->signal, line_of(c, f, "done \"the alert fired in 40 s\""));
}

/* Who cares for it besides whoever did it. */
static int tell_maker(struct call *c, const struct followup *f, const char *how)
{
	const char *person = f->owner && strcmp(f->owner, c->actor) != 0 ? f->owner : f->by;

	if (!person || !strcmp(person, c->actor) || !strcmp(person, PERSON_SELF))
		return 0;
	return say_person(c, person,
		message_line(c, "%s of %s was %s by %s: %s (%s)", following_name(c, f),
			words_id(c, f->incident), how, words_name(c, c->actor), f->shown,
			f->title));
}

static struct done end(struct call *c, struct followup *f, enum followup_state state,
	const struct following_change *how)
{
	f->state = state;
	f->ended_at = c->now;
	if (following_save(c, f, how) < 0 ||
		tell_maker(c, f, state == FOLLOWUP_DONE ? "done" : "cancelled") < 0)
		return call_fail(c);
	return call_replyf(
		c, "%s is %s: %s", following_name(c, f), followup_state_name(state), f->shown);
}

static struct done finish(struct call *c, struct followup *f)
{
	bool late = followup_overdue(f, c->now), lacks;
	struct done missing;

	if (f->state != FOLLOWUP_OPEN)
		return refuse_ended(c, f, "closed again");
	missing = take_missing(c, f, &lacks);
	if (lacks)
		return missing;
	if (!said(c, "text") && message_may_ask(c))
		return ASK(c, shown_fields, true,
			arena_printf(c->arena, "%s. To be seen: %s", following_line(c, f, false),
				f->signal));
	if (!said(c, "text") || !following_says_something(call_text(c, "text")))
		return refuse_empty(c, f);
	f->shown = arena_strdup(c->arena, call_text(c, "text"));
	return end(c, f, FOLLOWUP_DONE,
		&(struct following_change){
			.action = "followup.done",
			.text = arena_printf(c->arena, "is done%s: %s",
				late ? ", after its due date" : "", f->shown),
		});
}

static const struct asked_field why_fields[] = { { "text", "Why", "In one line, for the timeline" } };

static struct done need_why(struct call *c, const struct followup *f, const char *word)
{
	if (message_may_ask(c))
		return ASK(c, why_fields, true, following_line(c, f, true));
	return call_refuse_arg(c, "text", "Nothing was done with %s: say why, as in %s",
		following_name(c, f), line_of(c, f, arena_printf(c->arena, "%s why", word)));
}

static struct done cancel(struct call *c, struct followup *f)
{
	if (f->state != FOLLOWUP_OPEN)
		return refuse_ended(c, f, "cancelled");
	if (!said(c, "text"))
		return need_why(c, f, "cancel");
	f->shown = arena_strdup(c->arena, call_text(c, "text"));
	return end(c, f, FOLLOWUP_CANCELLED,
		&(struct following_change){
			.action = "followup.cancelled",
			.text = arena_printf(c->arena, "is cancelled: %s", f->shown),
		});
}

static struct done reopen(struct call *c, struct followup *f)
{
	struct following_change how = {
		.action = "followup.reopened", .due_new = true, .reopened = true
	};

	if (f->state == FOLLOWUP_OPEN)
		return call_refuse(
			c, "conflict", "%s is open; nothing was done.", following_name(c, f));
	if (!said(c, "text"))
		return need_why(c, f, "reopen");
	f->state = FOLLOWUP_OPEN;
	f->ended_at = 0;
	f->shown = NULL;
	how.text = arena_printf(c->arena, "is open again: %s", call_text(c, "text"));
	if (following_save(c, f, &how) < 0)
		return call_fail(c);
	json_t *doc = message_line(
		c, "%s is open again: %s", following_name(c, f), following_line(c, f, true));
	following_buttons(doc, f);
	return call_reply(c, doc);
}

/* ---- all of it ---- */

static const struct {
	const char *word;
	struct done (*run)(struct call *c, struct followup *f);
} steps[] = { { "done", finish }, { "cancel", cancel }, { "reopen", reopen },
	{ "change", change } };

static struct done one(struct call *c, struct followup *f)
{
	const char *what = call_text(c, "do");

	for (size_t i = 0; what && i < sizeof(steps) / sizeof(*steps); i++)
		if (!strcmp(steps[i].word, what))
			return steps[i].run(c, f);
	if (changes_said(c))
		return change(c, f);
	if (said(c, "text"))
		return call_refuse(c, "usage",
			"It is not clear what to do with %s; nothing was done. There are %s, %s, "
			"%s, and changes: %s",
			following_name(c, f), line_of(c, f, "done \"what its signal showed\""),
			line_of(c, f, "cancel why"), line_of(c, f, "reopen why"),
			line_of(c, f, "--owner @bob --due \"2 weeks\" --title …"));
	return call_reply(c, following_doc(c, f));
}

static struct done run(struct call *c)
{
	struct followup f;
	int rc;

	if (!call_given(c, "id"))
		return add(c);
	rc = following_load(c, call_number(c, "id", 0), &f);
	if (rc == -ENOENT)
		return following_absent(c, call_number(c, "id", 0));
	return rc < 0 ? call_fail(c) : one(c, &f);
}

/* What the record has already. */
static void prefill(struct call *c, const char *arg, char **value)
{
	struct followup f;
	struct str s;

	if (*value || !call_given(c, "id") ||
		followup_load(c->store, c->arena, call_number(c, "id", 0), &f, NULL) < 0)
		return;
	if (!strcmp(arg, "signal"))
		*value = f.signal;
	else if (!strcmp(arg, "class") && f.class)
		*value = arena_strdup(c->arena, followup_class_name(f.class));
	else if (!said(c, "do") || strcmp(call_text(c, "do"), "change") != 0)
		return;
	else if (!strcmp(arg, "text"))
		*value = f.title;
	else if (!strcmp(arg, "owner"))
		*value = f.owner;
	else if (!strcmp(arg, "link"))
		*value = f.links;
	else if (!strcmp(arg, "priority"))
		*value = arena_printf(c->arena, "p%d", f.priority);
	else if (!strcmp(arg, "due") && f.due_at) {
		str_init_arena(&s, c->arena, 64);
		time_format_iso(&s, f.due_at);
		*value = s.p;
	}
}

static const char *const whats[] = { "done", "cancel", "reopen", "change", NULL };
static const char *const priorities[] = { "p0", "p1", "p2", "p3", NULL };
static const char *const classes[] = { "prevent", "detect", "mitigate", "learn", NULL };
static const char *const standards[] = { "slo", "observability", "safe-change", "availability",
	"dependency", "platform", NULL };

static const struct op_alias aliases[] = {
	{ "followup-add", NULL, NULL },
	{ "follow-up", NULL, NULL },
	{ "action-item", NULL, NULL },
	{ "todo", NULL, NULL },
	{ NULL, NULL, NULL },
};

static const struct arg_def args[] = {
	{ .name = "id",
		.type = ARG_INTEGER,
		.flags = ARG_LEADING | ARG_FOLLOWUP | ARG_NO_FORM,
		.label = "F12",
		.help = "One that is there: it is shown, or changed by what else is said" },
	{ .name = "do",
		.type = ARG_CHOICE,
		.flags = ARG_LEADING | ARG_AFTER | ARG_NO_FORM,
		.label = "what",
		.help = "Behind its number: done and what its signal showed; cancel or reopen and "
			"why",
		.choices = whats },
	{ .name = "text",
		.type = ARG_REST,
		.label = "what is to be done",
		.help = "In one line: alert on retries" },
	{ .name = "owner",
		.type = ARG_PERSON,
		.flags = ARG_ANYWHERE,
		.label = "owner",
		.help = "Who does it, and is reminded" },
	{ .name = "due",
		.type = ARG_TIME,
		.flags = ARG_TRAILING | ARG_DAY,
		.label = "due",
		.help = "Until when, to the end of that day: 2 weeks, friday, 2026-04-01" },
	{ .name = "priority",
		.type = ARG_CHOICE,
		.flags = ARG_ANYWHERE,
		.label = "priority",
		.help = "p0 is the most urgent; by the level of the incident when not said",
		.choices = priorities },
	{ .name = "class",
		.type = ARG_CHOICE,
		.flags = ARG_OPTION,
		.label = "class",
		.help = "What it does about the next time: prevent, detect or mitigate it, or "
			"learn",
		.choices = classes },
	{ .name = "signal",
		.type = ARG_WORD,
		.flags = ARG_OPTION,
		.label = "done when",
		.help = "What somebody will see when it is done: the alert fires in the game day",
		.max_bytes = 600 },
	{ .name = "link",
		.type = ARG_WORD,
		.flags = ARG_OPTION | ARG_MANY,
		.label = "link",
		.help = "Where there is more: https://…",
		.synonyms = "url",
		.max_bytes = LINKS_MAX },
	{ .name = "title",
		.type = ARG_WORD,
		.flags = ARG_OPTION | ARG_NO_FORM,
		.label = "title",
		.help = "Another title for one that is there" },
	{ .name = "standard",
		.type = ARG_CHOICE,
		.flags = ARG_OPTION | ARG_NO_FORM,
		.label = "standard",
		.help = "Which standard it is about",
		.choices = standards },
	{ .name = NULL },
};

const struct operation op_followup = {
	.name = "followup",
	.aliases = aliases,
	.summary = "What is to be done after an incident, by whom, until when; F12 shows, changes "
		   "or ends one",
	.example = "/inc followup alert on retries @bob in 2 weeks",
	.args = args,
	.need = NEED_NOTHING,
	.right = "incident.write",
	.run = run,
	.prefill = prefill,
};
