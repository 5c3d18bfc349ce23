/* Words for people, on the call's arena. */
#include <errno.h>
#include <string.h>

#include "base/duration.h"
#include "base/log.h"
#include "commands/call.h"
#include "incident/severity.h"
#include "store/people.h"

#define DURATION_WORDS_MAX 64
#define MARK_MAX           256

const char *words_name(struct call *c, const char *person)
{
	struct person p = { 0 };
	const char *id;
	int rc;

	if (!person)
		return "nobody";
	if (!strcmp(person, PERSON_SELF))
		return PERSON_SELF;
	/* Whoever asks was looked up before anything else. */
	if (c->actor && c->actor_name && !strcmp(person, c->actor))
		return arena_printf(c->arena, "@%s", c->actor_name);
	rc = person_get(c->store, c->arena, person, &p, NULL);
	if (rc < 0 && rc != -ENOENT)
		log_warn("commands", "the name of %s could not be read (%d)", person, rc);
	if (rc == 0 && p.name && *p.name)
		return arena_printf(c->arena, "@%s", p.name);
	id = strchr(person, ':');
	return arena_printf(c->arena, "@%s", id ? id + 1 : person);
}

const char *words_mention(struct call *c, const char *person)
{
	struct str s;

	if (!person || !strcmp(person, PERSON_SELF))
		return words_name(c, person);
	str_init_arena(&s, c->arena, MARK_MAX);
	mark_person(&s, person);
	return s.p;
}

const char *words_id(struct call *c, int64_t incident)
{
	return arena_printf(c->arena, "INC-%lld", (long long)incident);
}

const char *words_time(struct call *c, int64_t ms)
{
	struct str s;

	str_init_arena(&s, c->arena, MARK_MAX);
	mark_time(&s, ms);
	return s.p;
}

const char *words_for(struct call *c, int64_t ms)
{
	struct str s;

	str_init_arena(&s, c->arena, DURATION_WORDS_MAX);
	duration_format(&s, ms);
	return s.p;
}

const char *words_severity(struct call *c, int level)
{
	char label[16];

	severity_label(&c->config->severity, level, label);
	return arena_strdup(c->arena, label);
}
