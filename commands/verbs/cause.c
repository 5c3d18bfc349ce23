/*
 * The class of what brought it about, and whether that has happened before (FEATURES I6): the same
 * service and class of cause, or the same fingerprint, within the window of followups.yml. A cause
 * that comes back is explained, linked, and turned into the proposal of a follow-up to a standard.
 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "commands/following.h"
#include "commands/language.h"
#include "commands/messages.h"
#include "commands/relate.h"
#include "commands/verbs.h"
#include "incident/recurrence.h"
#include "store/learning.h"
#include "store/relations.h"

#define LOOK_MAX  100
#define NAMED_MAX 5 /* earlier ones that are named and linked */

/* Earlier ones that are the same again, newest first. */
struct repeats {
	struct cause *at[LOOK_MAX];
	size_t count;
	bool fingerprint;    /* one of them by its fingerprint */
	bool class;	     /* one of them by service and class */
	const char *service; /* that they share; NULL */
};

/* The first service of a that b has too. */
static const char *shared_service(struct call *c, const char *a, const char *b)
{
	struct cause one = { .class = CAUSE_CHANGE },
		     other = { .class = CAUSE_CHANGE, .services = b };

	for (const char *p = a ? a : ""; *p;) {
		size_t n = strcspn(p, " ,");

		one.services = arena_strndup(c->arena, p, n);
		if (n && recurrence_of(&one, &other) == RECURRENCE_CAUSE)
			return one.services;
		p += n + strspn(p + n, " ,");
	}
	return NULL;
}

static int repeats_find(struct call *c, const struct cause *cause, struct repeats *out)
{
	struct cause *alike;
	size_t n = 0;
	int rc;

	*out = (struct repeats){ .count = 0 };
	/* Practice repeats nothing, and a protected one is related to nothing. */
	if (c->incident.drill || c->incident.is_private)
		return 0;
	rc = cause_alike(c->store, c->arena, cause, cause->at - c->config->followups.repeat_ms,
		cause->at, LOOK_MAX, &alike, &n, &c->err);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		enum recurrence how = recurrence_of(&alike[i], cause);

		if (how == RECURRENCE_NONE)
			continue;
		out->fingerprint |= how == RECURRENCE_FINGERPRINT;
		out->class |= how == RECURRENCE_CAUSE;
		if (!out->service)
			out->service = shared_service(c, cause->services, alike[i].services);
		out->at[out->count++] = &alike[i];
	}
	return rc;
}

/* ---- words ---- */

static const char *ordinal(struct call *c, size_t n)
{
	static const char *const words[] = { "zeroth", "first", "second", "third", "fourth",
		"fifth", "sixth", "seventh", "eighth", "ninth", "tenth" };
	static const char *const ends[] = { "th", "st", "nd", "rd" };
	size_t last = n % 100 >= 11 && n % 100 <= 13 ? 0 : n % 10;

	if (n < sizeof(words) / sizeof(*words))
		return words[n];
	return arena_printf(c->arena, "%zu%s", n, ends[last < 4 ? last : 0]);
}

static const char *why_same(struct call *c, const struct cause *cause, const struct repeats *r)
{
	const char *class = arena_printf(c->arena, "whose cause is of the class “%s”%s%s",
		cause_class_name(cause->class), r->service ? ", in " : "",
		r->service ? r->service : "");

	if (r->class && r->fingerprint)
		return arena_printf(c->arena, "%s, or that has the fingerprint “%s”", class,
			cause->fingerprint);
	return r->class ? class
			: arena_printf(c->arena, "with the fingerprint “%s”", cause->fingerprint);
}

/* "the third in 60 days whose cause is of the class “change”, in checkout: INC-30, INC-12" */
static const char *explain(struct call *c, const struct cause *cause, const struct repeats *r)
{
	int64_t days = (cause->at - r->at[r->count - 1]->at + DAY_MS / 2) / DAY_MS;
	struct str s;

	str_init_arena(&s, c->arena, 2000);
	str_addf(&s, "the %s in %lld %s %s: ", ordinal(c, r->count + 1),
		(long long)(days ? days : 1), days > 1 ? "days" : "day", why_same(c, cause, r));
	for (size_t i = 0; i < r->count && i < NAMED_MAX; i++)
		str_addf(&s, "%s%s", i ? ", " : "", words_id(c, r->at[i]->incident));
	if (r->count > NAMED_MAX)
		str_addf(&s, " and %zu more", r->count - NAMED_MAX);
	return s.p;
}

/* ---- what follows from it ---- */

/* One that people have linked already stays as they have said it. */
static int link_one(struct call *c, int64_t earlier)
{
	struct incident_link *link;
	size_t n;
	int rc = link_list(c->store, c->arena, c->incident.id, &link, &n, &c->err);

	for (size_t i = 0; rc == 0 && i < n; i++)
		if (link[i].from == earlier || link[i].to == earlier)
			return 0;
	if (rc < 0)
		return rc;
	return link_put(c->store,
		&(struct incident_link){
			.from = c->incident.id,
			.to = earlier,
			.kind = LINK_RELATED,
			.by = c->actor,
			.at = c->now,
		},
		&c->err);
}

/* An open follow-up of theirs, or of this one, about the same standard: it need not be asked for
 * twice. */
static int asked_already(struct call *c, const struct repeats *r, enum followup_standard standard,
	struct followup *out)
{
	struct followup_filter filter;
	struct followup *f;
	size_t n;
	int rc = 0;

	out->id = 0;
	followup_filter_init(&filter);
	filter.sees_all = true;
	for (size_t i = 0; rc == 0 && i <= r->count && i <= NAMED_MAX; i++) {
		filter.incident = i < r->count ? r->at[i]->incident : c->incident.id;
		rc = followup_find(c->store, c->arena, &filter, &f, &n, &c->err);
		for (size_t k = 0; rc == 0 && k < n; k++)
			if (f[k].standard == standard)
				*out = f[k];
	}
	return rc;
}

static int propose(struct call *c, json_t *doc, const struct cause *cause, const struct repeats *r)
{
	enum followup_standard standard = recurrence_standard(cause->class);
	char text[FOLLOWUP_TITLE_MAX];
	struct followup there;
	int rc;

	if (standard == STANDARD_NONE)
		return 0;
	rc = asked_already(c, r, standard, &there);
	if (rc < 0)
		return rc;
	if (there.id) {
		doc_text(doc, arena_printf(c->arena, "Asked for already: %s",
				      following_line(c, &there, true)));
		return 0;
	}
	recurrence_proposal(standard, r->service, text, sizeof(text));
	doc_text(doc, arena_printf(c->arena, "Proposed, so that it does not come again: %s", text));
	doc_button(doc, "Create follow-up", "followup", c->incident.id,
		json_pack("{s:s, s:s, s:s}", "text", text, "standard",
			followup_standard_name(standard), "class",
			standard == STANDARD_OBSERVABILITY ? "detect" : "prevent"),
		"primary");
	return 0;
}

static int repeats_record(struct call *c, const char *words, const struct repeats *r)
{
	int rc = record_event(c, ENTRY_RECURRENCE, "incident.recurs", "this is %s", words);

	for (size_t i = 0; rc == 0 && i < r->count && i < NAMED_MAX; i++)
		rc = link_one(c, r->at[i]->incident);
	return rc;
}

/* In the channel, quietly; whoever asked has it in the answer. */
static int repeats_tell(struct call *c, const json_t *doc)
{
	json_t *copy = json_deep_copy(doc);

	json_object_set_new(copy, "quiet", json_true());
	return say_channel(c, copy, NULL);
}

/* news: the cause is another one than was said before; what it repeats is recorded and told once. */
static struct done answer(struct call *c, const struct cause *cause, bool news)
{
	struct repeats r;
	const char *words;
	json_t *doc;

	if (repeats_find(c, cause, &r) < 0)
		return call_fail(c);
	words = r.count ? explain(c, cause, &r) : NULL;
	doc = message_line(c, "The cause of %s is of the class “%s”%s%s",
		words_id(c, c->incident.id), cause_class_name(cause->class),
		words ? ". It is " : "", words ? words : "");
	if (r.count && (propose(c, doc, cause, &r) < 0 ||
			       (news && (repeats_record(c, words, &r) < 0 ||
						repeats_tell(c, doc) < 0)))) {
		json_decref(doc);
		return call_fail(c);
	}
	if (!r.count)
		doc_button(doc, "Follow-up", "followup", c->incident.id, NULL, NULL);
	return call_reply(c, doc);
}

/* ---- saying it ---- */

/* The classes with what they mean, instead of a free text. */
static struct done ask(struct call *c)
{
	json_t *form = form_of(c), *options = json_array(), *field;
	size_t i;

	for (int k = 0; k < CAUSE_CLASS_COUNT; k++)
		json_array_append_new(
			options, json_pack("[s, s]", cause_class_name((enum cause_class)k),
					 arena_printf(c->arena, "%s: %s",
						 cause_class_name((enum cause_class)k),
						 cause_class_help((enum cause_class)k))));
	json_array_foreach(json_get_arr(form, "fields"), i, field)
	{
		if (strcmp(json_get_str(field, "arg"), "class") != 0)
			continue;
		json_object_set_new(field, "type", json_string("choice"));
		json_object_set_new(field, "options", json_incref(options));
		json_object_set_new(field, "optional", json_false());
	}
	json_decref(options);
	return call_form(c, form);
}

static struct done refuse_class(struct call *c)
{
	const char *text = call_text(c, "class");
	struct str s;

	str_init_arena(&s, c->arena, 2000);
	for (int k = 0; k < CAUSE_CLASS_COUNT; k++)
		str_addf(&s, "%s%s (%s)", k ? "; " : "", cause_class_name((enum cause_class)k),
			cause_class_help((enum cause_class)k));
	return call_refuse_arg(c, "class", "%s%s%s; nothing was done. The classes are: %s",
		text ? "There is no class of cause “"
		     : "Say the class of the cause, as in /inc cause change v2.31 had no index",
		text ? message_short(c, text, 40) : "", text ? "”" : "", s.p);
}

static bool same(const struct cause *a, const struct cause *b)
{
	return a->class == b->class &&
	       !strcmp(a->fingerprint ? a->fingerprint : "", b->fingerprint ? b->fingerprint : "");
}

static int cause_entry(struct call *c, const struct cause *cause, const char *text)
{
	json_t *meta = json_pack("{s:s, s:s*}", "cause", cause_class_name(cause->class),
		"fingerprint", cause->fingerprint);
	int rc = record_entry(
		c, &(struct record_entry){
			   .kind = cause->class == CAUSE_UNKNOWN ? ENTRY_NOTE : ENTRY_FACT,
			   .action = "incident.cause",
			   .text = arena_printf(c->arena, "cause: %s%s%s%s",
				   cause_class_name(cause->class), message_because(c, text),
				   cause->fingerprint ? "; fingerprint " : "",
				   cause->fingerprint ? cause->fingerprint : ""),
			   .meta = json_text(c->arena, meta),
		   });

	json_decref(meta);
	return rc;
}

static struct done run(struct call *c)
{
	struct cause cause = { .incident = c->incident.id }, old = { 0 };
	const char *fingerprint = call_text(c, "fingerprint");
	struct repeats r;
	bool news;
	int rc;

	if (!call_given(c, "class") && message_may_ask(c))
		return ask(c);
	if (!call_given(c, "class") || !cause_class_parse(call_text(c, "class"), &cause.class))
		return refuse_class(c);
	rc = cause_get(c->store, c->arena, c->incident.id, &old, &c->err);
	if (rc < 0 && rc != -ENOENT)
		return call_fail(c);
	cause.fingerprint = fingerprint && *fingerprint ? fingerprint : old.fingerprint;
	cause.services = c->incident.services;
	cause.at = c->incident.declared_at;
	news = rc == -ENOENT || !same(&cause, &old);
	if (!news && !call_given(c, "text"))
		return call_replyf(c,
			"The cause of %s is of the class “%s” already; nothing was changed.",
			words_id(c, c->incident.id), cause_class_name(cause.class));
	call_touch(c);
	if (repeats_find(c, &cause, &r) < 0)
		return call_fail(c);
	cause.again = r.count ? r.at[0]->incident : 0;
	if (cause_put(c->store, &cause, c->actor, &c->err) < 0 ||
		cause_entry(c, &cause, call_text(c, "text")) < 0)
		return call_fail(c);
	return answer(c, &cause, news || cause.again != old.again);
}

static void prefill(struct call *c, const char *arg, char **value)
{
	struct cause old;

	if (*value || !c->has_incident ||
		cause_get(c->store, c->arena, c->incident.id, &old, NULL) < 0)
		return;
	if (!strcmp(arg, "class"))
		*value = arena_strdup(c->arena, cause_class_name(old.class));
	else if (!strcmp(arg, "fingerprint"))
		*value = arena_strdup(c->arena, old.fingerprint);
}

static const struct op_alias aliases[] = {
	{ "causes", NULL, NULL },
	{ "cause-class", NULL, NULL },
	{ NULL, NULL, NULL },
};

static const struct arg_def args[] = {
	{ .name = "class",
		.type = ARG_WORD,
		.label = "class",
		.help = "change, configuration, capacity, dependency, data, network, certificate, "
			"hardware, software, security, "
			"process or unknown",
		.max_bytes = 40 },
	{ .name = "text",
		.type = ARG_REST,
		.flags = ARG_LONG,
		.label = "what it was",
		.help = "In a sentence" },
	{ .name = "fingerprint",
		.type = ARG_WORD,
		.flags = ARG_OPTION,
		.label = "fingerprint",
		.help = "Of the alert or failure, as the tool that found it names it: the same "
			"again is found by it",
		.max_bytes = 200 },
	{ .name = NULL },
};

const struct operation op_cause = {
	.name = "cause",
	.aliases = aliases,
	.summary = "The class of what brought it about; says whether that has happened before",
	.example = "/inc cause change v2.31 dropped an index",
	.args = args,
	.need = NEED_INCIDENT,
	.right = "incident.write",
	.run = run,
	.prefill = prefill,
};
