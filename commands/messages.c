#include "commands/messages.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/duration.h"
#include "base/text.h"
#include "store/references.h"

#define LINE_MAX_BYTES 12000

static json_t *line_doc(const char *text)
{
	json_t *doc = doc_new(text);

	doc_text(doc, text);
	return doc;
}

json_t *message_line(struct call *c, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = arena_vprintf(c->arena, fmt, ap);
	va_end(ap);
	return line_doc(text);
}

const char *message_short(struct call *c, const char *text, size_t max)
{
	char *copy;
	size_t cut;

	if (!text)
		return "";
	cut = text_cut(text, max);
	copy = text[cut] ? arena_printf(c->arena, "%.*s…", (int)cut, text)
			 : arena_strdup(c->arena, text);
	for (char *p = copy; *p; p++)
		if (*p == '\n')
			*p = ' ';
	return copy;
}

const char *message_subject(struct call *c)
{
	const struct incident *inc = &c->incident;

	if (inc->services && *inc->services)
		return arena_printf(c->arena, "[%s] %s — %s", words_severity(c, inc->severity),
			inc->services, inc->title);
	return arena_printf(c->arena, "[%s] %s", words_severity(c, inc->severity), inc->title);
}

/* "*Known*  bad config", when there is something to say. */
static void section_add(struct call *c, json_t *doc, const char *label, const char *text)
{
	struct str s;

	if (!text || !*text)
		return;
	str_init_arena(&s, c->arena, LINE_MAX_BYTES);
	mark_bold(&s, label);
	str_addf(&s, " %s", text);
	doc_text(doc, s.p);
}

static const char *update_gist(const struct status_update *u)
{
	const char *const sections[] = { u->known, u->doing, u->impact, u->next, u->unknown };

	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		if (sections[i] && *sections[i])
			return sections[i];
	return "";
}

json_t *message_update(struct call *c, const struct status_update *u, int64_t next_at)
{
	const struct incident *inc = &c->incident;
	const char *state = state_name(inc->state);
	const char *next = next_at ? arena_printf(c->arena, "Next update %s", words_time(c, next_at))
				   : "No further update is promised";
	json_t *doc = doc_new(arena_printf(c->arena, "%s update on %s, %s (%s): %s · %s",
		words_severity(c, inc->severity), words_id(c, inc->id), message_short(c, inc->title, 80),
		state, message_short(c, update_gist(u), 400), next));

	doc_header(doc, arena_printf(c->arena, "%s UPDATE · %s · %s", words_severity(c, inc->severity),
		message_short(c, inc->services && *inc->services ? inc->services : inc->title, 80), state));
	section_add(c, doc, "Known:", u->known);
	section_add(c, doc, "Not known:", u->unknown);
	section_add(c, doc, "Impact:", u->impact);
	section_add(c, doc, "Doing:", u->doing);
	section_add(c, doc, "Next:", u->next);
	doc_context(doc, arena_printf(c->arena, "%s · %s · %s", next, words_id(c, inc->id),
		words_name(c, c->actor)));
	return doc;
}

json_t *message_resolution(struct call *c, const char *text)
{
	const struct incident *inc = &c->incident;
	int64_t began = inc->impact_at ? inc->impact_at : inc->declared_at;
	const char *lasted = words_for(c, inc->resolved_at - began);
	json_t *doc = doc_new(arena_printf(c->arena, "Resolved after %s: %s %s%s", lasted,
		words_id(c, inc->id), message_subject(c),
		inc->not_verified ? " (recovery not verified)" : ""));

	doc_header(doc, arena_printf(c->arena, "%s RESOLVED · %s", words_severity(c, inc->severity),
		message_short(c, inc->title, 80)));
	section_add(c, doc, "Duration:", arena_printf(c->arena, "%s, since %s", lasted,
		words_time(c, began)));
	section_add(c, doc, "Impact:", inc->impact);
	section_add(c, doc, "What was done:", text);
	section_add(c, doc, "Users see:", inc->signal);
	section_add(c, doc, "Systems say:", inc->health);
	section_add(c, doc, "Not verified:", inc->not_verified);
	if (c->config->severity.level[inc->severity].review_required)
		section_add(c, doc, "Follow-up:", "a review is due before it can be closed");
	doc_context(doc, arena_printf(c->arena, "%s · resolved by %s", words_id(c, inc->id),
		words_name(c, c->actor)));
	return doc;
}

const char *message_plain_time(struct call *c, int64_t ms)
{
	struct str s;

	str_init_arena(&s, c->arena, 64);
	time_format(&s, ms, c->now, c->config->timezone, true);
	return s.p;
}

static bool named_before(const struct call *c, const char *const *roles, size_t i)
{
	const char *person = role_person(&c->roles, roles[i]);

	for (size_t k = 0; k < i; k++) {
		const char *other = role_person(&c->roles, roles[k]);

		if (other && strcmp(other, person) == 0)
			return true;
	}
	return false;
}

const char *message_call_on(struct call *c, const char *const *roles, size_t n)
{
	struct str s;

	str_init_arena(&s, c->arena, 2000);
	for (size_t i = 0; i < n; i++) {
		const char *person = role_person(&c->roles, roles[i]);

		if (!person || strcmp(person, c->actor) == 0 || named_before(c, roles, i))
			continue;
		if (s.len)
			str_addc(&s, ' ');
		str_add(&s, words_mention(c, person));
	}
	return s.p;
}

const char *message_channel_mark(struct call *c)
{
	struct reference ref;
	struct str s;

	if (reference_get(c->store, c->arena, c->incident.id, "slack", "channel", &ref, &c->err) < 0 ||
	    !ref.key)
		return NULL;
	str_init_arena(&s, c->arena, 200);
	mark_channel(&s, ref.key);
	return s.p;
}

const char *message_role_title(struct call *c, const char *role)
{
	const struct role_policy *p = role_find(&c->config->roles, role);

	return p && p->title ? p->title : role;
}

const char *message_usage(struct call *c, const char *fmt, ...)
{
	struct str s;
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = arena_vprintf(c->arena, fmt, ap);
	va_end(ap);
	str_init_arena(&s, c->arena, 1000);
	mark_code(&s, text);
	return s.p;
}

const char *message_because(struct call *c, const char *why)
{
	return why && *why ? arena_printf(c->arena, ": %s", why) : "";
}
