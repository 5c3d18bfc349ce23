#include "commands/messages.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/duration.h"
#include "base/text.h"
#include "commands/issues.h"
#include "commands/language.h"
#include "commands/say.h"
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

const char *message_services(struct call *c)
{
	const char *all = c->incident.services;
	struct str s;

	str_init_arena(&s, c->arena, 1000);
	for (const char *p = all ? all : ""; *p; p++) {
		str_addc(&s, *p);
		if (*p == ',' && p[1] != ' ')
			str_addc(&s, ' ');
	}
	return s.p;
}

/* What both kinds of message can name. */
static void values_of_incident(struct call *c, struct template_values *v)
{
	const struct incident *inc = &c->incident;
	const char *service = message_services(c);
	const char *commander = role_person(&c->roles, ROLE_COMMANDER);

	v->value[VAR_ID] = words_id(c, inc->id);
	v->value[VAR_SEVERITY] = words_severity(c, inc->severity);
	v->value[VAR_TITLE] = inc->title;
	v->value[VAR_SERVICE] = service;
	v->value[VAR_WHAT] =
		*service ? arena_printf(c->arena, "%s — %s", service, inc->title) : inc->title;
	v->value[VAR_ABOUT] = *service ? service : inc->title;
	v->value[VAR_ENVIRONMENT] = inc->environment;
	v->value[VAR_STATE] = state_name(inc->state);
	v->value[VAR_COMMANDER] = commander ? words_name(c, commander) : NULL;
	v->value[VAR_AUTHOR] = words_name(c, c->actor);
	v->value[VAR_IMPACT] = inc->impact;
	v->value[VAR_SINCE] = words_time(c, inc->impact_at ? inc->impact_at : inc->declared_at);
}

/* The subject as a headline, each line as a paragraph. fallback says the same in a notification. */
static json_t *template_doc(
	struct call *c, enum template_kind kind, const struct template_values *v, const char *gist)
{
	const struct message_template *t = &c->config->message[kind];
	struct str subject, line;
	json_t *doc;

	str_init_arena(&subject, c->arena, 1000);
	template_render(&subject, t->subject, v);
	doc = doc_new(
		arena_printf(c->arena, "%s (%s)%s", subject.p, words_id(c, c->incident.id), gist));
	doc_header(doc, message_short(c, subject.p, 140));
	for (size_t i = 0; i < t->count; i++) {
		str_init_arena(&line, c->arena, LINE_MAX_BYTES);
		if (template_render(&line, t->line[i], v))
			doc_text(doc, line.p);
	}
	return doc;
}

static const char *update_gist(const struct status_update *u)
{
	const char *const sections[] = { u->known, u->doing, u->impact, u->next, u->unknown };

	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		if (sections[i] && *sections[i])
			return sections[i];
	return "";
}

json_t *message_update(
	struct call *c, enum template_kind kind, const struct status_update *u, int64_t next_at)
{
	struct template_values v = { 0 };
	const char *next = next_at ? words_time(c, next_at) : NULL;
	json_t *doc;

	values_of_incident(c, &v);
	v.value[VAR_KNOWN] = u->known;
	v.value[VAR_UNKNOWN] = u->unknown;
	v.value[VAR_DOING] = u->doing;
	v.value[VAR_NEXT] = u->next;
	v.value[VAR_NEXT_UPDATE] = next;
	doc = template_doc(c, kind, &v,
		arena_printf(c->arena, ": %s%s%s", message_short(c, update_gist(u), 400),
			next ? " · Next update " : "", next ? next : ""));
	doc_context(doc,
		arena_printf(c->arena, "%s · %s%s", words_id(c, c->incident.id),
			words_name(c, c->actor), next ? "" : " · no further update is promised"));
	return doc;
}

json_t *message_resolution(struct call *c, const char *text)
{
	const struct incident *inc = &c->incident;
	int64_t began = inc->impact_at ? inc->impact_at : inc->declared_at;
	struct template_values v = { 0 };
	json_t *doc;

	values_of_incident(c, &v);
	v.value[VAR_DURATION] = words_for(c, inc->resolved_at - began);
	v.value[VAR_DONE] = text;
	v.value[VAR_SIGNAL] = inc->signal;
	v.value[VAR_HEALTH] = inc->health;
	v.value[VAR_NOT_VERIFIED] = inc->not_verified;
	if (c->config->severity.level[inc->severity].review_required)
		v.value[VAR_FOLLOW_UP] = "a review is due before it can be closed";
	doc = template_doc(c, TEMPLATE_RESOLUTION, &v,
		arena_printf(c->arena, " after %s%s", v.value[VAR_DURATION],
			inc->not_verified ? ", not verified" : ""));
	doc_context(doc, arena_printf(c->arena, "%s · resolved by %s", words_id(c, inc->id),
				 words_name(c, c->actor)));
	return doc;
}

/* The channel was refused for good: what would be posted there goes under the announcement as it
 * is. */
static bool lives_in_thread(struct call *c)
{
	struct effect_row *row;
	size_t n;

	if (message_channel_mark(c) ||
		effect_failed_list(c->store, c->arena, c->incident.id, 100, &row, &n, &c->err) < 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if (row[i].kind == EFFECT_CHANNEL_OPEN)
			return true;
	return false;
}

int message_publish(struct call *c, json_t *channel_take, json_t *thread_take)
{
	bool once = lives_in_thread(c);
	int rc = issue_comment(c, thread_take);

	if (rc < 0) {
		json_decref(channel_take);
		json_decref(thread_take);
		return rc;
	}
	rc = say_channel(c, channel_take, NULL);

	if (rc == 0 && !once)
		return say_announce_thread(c, thread_take);
	json_decref(thread_take);
	return rc;
}

bool message_may_ask(const struct call *c)
{
	return c->request->can_open_form && !c->request->from_form;
}

struct done message_form(struct call *c, const char *fmt, ...)
{
	json_t *form = form_of(c);
	va_list ap;

	va_start(ap, fmt);
	json_object_set_new(form, "intro", json_string(arena_vprintf(c->arena, fmt, ap)));
	va_end(ap);
	return call_form(c, form);
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

	if (reference_get(c->store, c->arena, c->incident.id, "slack", "channel", &ref, &c->err) <
			0 ||
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

void message_take_button(struct call *c, json_t *doc, const char *role)
{
	bool command = strcmp(role, ROLE_COMMANDER) == 0;

	doc_button(doc, command ? "Take command" : arena_printf(c->arena, "Take %s", role), "role",
		c->incident.id, json_pack("{s:s, s:s}", "do", "take", "role", role),
		command ? "primary" : NULL);
}

const char *message_because(struct call *c, const char *why)
{
	return why && *why ? arena_printf(c->arena, ": %s", why) : "";
}
