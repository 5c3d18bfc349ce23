#include "commands/sections.h"

#include <string.h>

#include "store/timelines.h"

#define LOOK_BACK 100 /* timeline entries */

static void section_take(struct call *c, const char *arg, char **section)
{
	const char *text = call_text(c, arg);

	if (text && *text)
		*section = arena_strdup(c->arena, text);
}

struct status_update sections_from_args(struct call *c)
{
	struct status_update u = { 0 };

	if (call_given(c, "text"))
		status_update_parse(c->arena, call_text(c, "text"), c->zone, c->now, &u);
	section_take(c, "known", &u.known);
	section_take(c, "unknown", &u.unknown);
	section_take(c, "impact", &u.impact);
	section_take(c, "doing", &u.doing);
	section_take(c, "next", &u.next);
	if (call_given(c, "at"))
		u.next_at = call_number(c, "at", 0);
	return u;
}

bool sections_empty(const struct status_update *u)
{
	return !u->known && !u->unknown && !u->impact && !u->doing && !u->next;
}

const char *sections_flat(struct call *c, const struct status_update *u)
{
	const struct {
		const char *label, *text;
	} part[] = {
		{ "", u->known },
		{ "unknown: ", u->unknown },
		{ "impact: ", u->impact },
		{ "doing: ", u->doing },
		{ "next: ", u->next },
	};
	struct str s;

	str_init_arena(&s, c->arena, 20000);
	for (size_t i = 0; i < sizeof(part) / sizeof(part[0]); i++)
		if (part[i].text)
			str_addf(&s, "%s%s%s", s.len ? "; " : "", part[i].label, part[i].text);
	return s.p;
}

const char *sections_meta(struct call *c, const struct status_update *u)
{
	JSON_CLEANUP json_t *meta = json_pack("{s:s*, s:s*, s:s*, s:s*, s:s*, s:I}", "known",
		u->known, "unknown", u->unknown, "impact", u->impact, "doing", u->doing, "next",
		u->next, "next_at", (json_int_t)u->next_at);

	return json_text(c->arena, meta);
}

const char *sections_last(struct call *c, const char *name)
{
	struct timeline_entry *e;
	size_t n;

	if (timeline_list(c->store, c->arena, c->incident.id, 0, LOOK_BACK, &e, &n, &c->err) < 0)
		return NULL;
	while (n-- > 0) {
		JSON_CLEANUP json_t *meta = NULL;

		if (e[n].kind != ENTRY_COMMUNICATION || !e[n].meta ||
			json_parse(e[n].meta, strlen(e[n].meta), 1 << 20, &meta, NULL) < 0 ||
			!json_object_get(meta, "next_at"))
			continue;
		return arena_strdup(c->arena, json_get_str(meta, name));
	}
	return NULL;
}
