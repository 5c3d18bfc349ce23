/* Words for people, on the call's arena. */
#include <errno.h>
#include <string.h>

#include "base/duration.h"
#include "base/log.h"
#include "commands/call.h"
#include "commands/messages.h"
#include "commands/say.h"
#include "incident/severity.h"
#include "store/people.h"

#define DURATION_WORDS_MAX 64
#define MARK_MAX           256
#define ACCOUNT_MIN        6  /* bytes with the @: "@U0BOB" */
#define ACCOUNT_MAX        32
#define NAMED_GROWTH       40 /* a name of 200 bytes for the shortest account */

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

static bool letter(char ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9');
}

/* Length of "@U012AB3CD" at p, an account of the chat written for want of a name; else 0. */
static size_t account_at(const char *text, const char *p)
{
	size_t n = 2;

	if (p[0] != '@' || (p[1] != 'U' && p[1] != 'W') || (p > text && letter(p[-1])))
		return 0;
	while ((p[n] >= 'A' && p[n] <= 'Z') || (p[n] >= '0' && p[n] <= '9'))
		n++;
	return n >= ACCOUNT_MIN && n <= ACCOUNT_MAX && !letter(p[n]) ? n : 0;
}

static const char *account_name(struct call *c, const char *p, size_t n)
{
	const char *key = arena_printf(c->arena, CHAT_SYSTEM ":%.*s", (int)n - 1, p + 1);
	struct person person = { 0 };

	if (person_get(c->store, c->arena, key, &person, NULL) < 0 || !person.name)
		return NULL;
	return *person.name ? person.name : NULL;
}

static bool has_account(const char *text)
{
	for (const char *p = text; p && (p = strchr(p, '@')) != NULL; p++)
		if (account_at(text, p))
			return true;
	return false;
}

const char *words_named(struct call *c, const char *text)
{
	struct str s;

	if (!has_account(text))
		return text;
	str_init_arena(&s, c->arena, strlen(text) * NAMED_GROWTH + 1);
	for (const char *p = text; *p;) {
		size_t n = account_at(text, p);
		const char *name = n > 0 ? account_name(c, p, n) : NULL;

		if (name)
			str_addf(&s, "@%s", name);
		else
			str_addn(&s, p, n > 0 ? n : 1);
		p += n > 0 ? n : 1;
	}
	return s.p ? s.p : text;
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
