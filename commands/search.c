#include "commands/search.h"

#include <string.h>
#include <strings.h>

#include "base/text.h"

static void take_service(struct call *c, struct search *s, const char *value)
{
	s->filter.service = text_lower(c->arena, value);
}

static void take_env(struct call *c, struct search *s, const char *value)
{
	s->filter.environment = text_lower(c->arena, value);
}

static void take_source(struct call *c, struct search *s, const char *value)
{
	s->filter.source = text_lower(c->arena, value);
}

static void take_severity(struct call *c, struct search *s, const char *value)
{
	s->filter.severity = severity_parse(&c->config->severity, value, true);
}

static void take_state(struct call *c, struct search *s, const char *value)
{
	enum incident_state state;

	(void)c;
	if (!state_parse(value, &state))
		return;
	s->filter.state = (int)state;
	s->all = true;
}

/* "service:payments" and its kin, as a key, a colon, a value. */
static const struct {
	const char *key;
	void (*take)(struct call *c, struct search *s, const char *value);
} keys[] = {
	{ "service", take_service },
	{ "env", take_env },
	{ "environment", take_env },
	{ "source", take_source },
	{ "sev", take_severity },
	{ "severity", take_severity },
	{ "state", take_state },
};

static bool take_key(struct call *c, struct search *s, char *word)
{
	char *colon = strchr(word, ':');

	if (!colon || !colon[1])
		return false;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		size_t n = strlen(keys[i].key);

		if ((size_t)(colon - word) != n || strncasecmp(word, keys[i].key, n) != 0)
			continue;
		keys[i].take(c, s, colon + 1);
		return true;
	}
	return false;
}

static void take_word(struct call *c, struct search *s, char *word)
{
	enum incident_state state;

	if (take_key(c, s, word))
		return;
	if (text_equal_fold(word, "all"))
		s->all = true;
	else if (text_equal_fold(word, "mine"))
		s->mine = true;
	else if (text_equal_fold(word, "open"))
		s->all = false;
	else if (state_parse(text_lower(c->arena, word), &state))
		take_state(c, s, text_lower(c->arena, word));
	else
		str_addf(&s->text, "%s%s", s->text.len ? " " : "", word);
}

void search_from_args(struct call *c, struct search *s)
{
	char *text = arena_strdup(c->arena, call_text(c, "text"));
	char *save = NULL;

	*s = (struct search){ .all = call_flag(c, "all"), .mine = call_flag(c, "mine") };
	incident_filter_init(&s->filter);
	str_init_arena(&s->text, c->arena, 3000);
	s->filter.severity = (int)call_number(c, "severity", 0);
	s->filter.since = call_number(c, "since", 0);
	s->filter.until = call_number(c, "until", 0);
	if (call_given(c, "source"))
		take_source(c, s, call_text(c, "source"));
	if (call_given(c, "service"))
		take_service(c, s, call_text(c, "service"));
	if (call_given(c, "env"))
		take_env(c, s, call_text(c, "env"));
	if (call_given(c, "state"))
		take_state(c, s, call_text(c, "state"));
	for (char *w = text ? strtok_r(text, " \n\t", &save) : NULL; w;
		w = strtok_r(NULL, " \n\t", &save))
		take_word(c, s, w);
	s->filter.text = s->text.len ? s->text.p : NULL;
	s->filter.person = s->mine ? c->actor : call_text(c, "owner");
	s->filter.open_only = !s->all;
	s->filter.limit = SEARCH_MAX;
}
