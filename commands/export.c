#include "commands/export.h"

#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/duration.h"
#include "commands/figures.h"
#include "commands/messages.h"
#include "store/incidents.h"
#include "store/people.h"
#include "store/promises.h"
#include "store/response.h"
#include "store/timelines.h"

#define PAGE            200
#define PAGE_ARENA_MAX  (8u << 20)
#define CHECKPOINTS_MAX 50
/* Of the file, for the timeline: escaping makes text longer, and the rest needs room as well. */
#define TIMELINE_BUDGET (EXPORT_MAX / 2)
#define ENTRY_OVERHEAD  300 /* bytes of an entry besides its text, in the wordiest format */

static const char *const names[EXPORT_FORMAT_COUNT] = {
	[EXPORT_MD] = "md",
	[EXPORT_CSV] = "csv",
	[EXPORT_JSON] = "json",
};

const char *export_format_name(enum export_format f)
{
	return (unsigned)f < EXPORT_FORMAT_COUNT ? names[f] : names[0];
}

bool export_format_parse(const char *name, enum export_format *out)
{
	for (int i = 0; name && i < EXPORT_FORMAT_COUNT; i++) {
		if (strcmp(names[i], name) != 0)
			continue;
		*out = (enum export_format)i;
		return true;
	}
	return false;
}

/* ---- values ---- */

static json_t *text_or_null(const char *text)
{
	return text && *text ? json_string(text) : json_null();
}

static json_t *time_or_null(int64_t ms)
{
	struct str s STR_CLEANUP;
	json_t *out;

	if (ms <= 0)
		return json_null();
	str_init(&s, 64);
	time_format_iso(&s, ms);
	out = json_string(s.p);
	return out;
}

/* By the record alone, not by what the asker's front end calls its user: whoever asks gets the same
 * file. */
static json_t *person_or_null(struct call *c, const char *person)
{
	struct arena *a;
	struct person p = { 0 };
	json_t *out;

	if (!person)
		return json_null();
	a = arena_create(4096);
	if (person_get(c->store, a, person, &p, NULL) == 0 && p.name && *p.name)
		out = json_sprintf("@%s", p.name);
	else
		out = json_string(person);
	arena_destroy(a);
	return out;
}

/* ---- the parts ---- */

static json_t *fields_of(struct call *c)
{
	const struct incident *inc = &c->incident;
	json_t *o = json_object();
	const struct {
		const char *name;
		json_t *value;
	} fields[] = {
		{ "id", json_string(words_id(c, inc->id)) },
		{ "title", text_or_null(inc->title) },
		{ "severity", json_string(words_severity(c, inc->severity)) },
		{ "severity_since", time_or_null(inc->severity_at) },
		{ "state", json_string(state_name(inc->state)) },
		{ "state_since", time_or_null(inc->state_at) },
		{ "services", text_or_null(inc->services) },
		{ "environment", text_or_null(inc->environment) },
		{ "source", text_or_null(inc->source) },
		{ "reporter", person_or_null(c, inc->reporter) },
		{ "customer_reported", json_boolean(inc->customer_reported) },
		{ "protected", json_boolean(inc->is_private) },
		{ "drill", json_boolean(inc->drill) },
		{ "tags", text_or_null(inc->tags) },
		{ "impact", text_or_null(inc->impact) },
		{ "impact_since", time_or_null(inc->impact_at) },
		{ "detected_at", time_or_null(inc->detected_at) },
		{ "declared_at", time_or_null(inc->declared_at) },
		{ "acknowledged_at", time_or_null(inc->acknowledged_at) },
		{ "mitigated_at", time_or_null(inc->mitigated_at) },
		{ "resolved_at", time_or_null(inc->resolved_at) },
		{ "closed_at", time_or_null(inc->closed_at) },
		{ "user_signal", text_or_null(inc->signal) },
		{ "system_health", text_or_null(inc->health) },
		{ "not_verified", text_or_null(inc->not_verified) },
		{ "merged_into",
			inc->merged_into ? json_string(words_id(c, inc->merged_into))
					 : json_null() },
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		json_object_set_new(o, fields[i].name, fields[i].value);
	return o;
}

static json_t *figures_of(struct call *c)
{
	struct figure figure[FIGURE_COUNT];
	struct impact_facts f;
	json_t *o = json_object();

	figures_read(c, &f);
	figures_list(c, &f, true, figure);
	for (size_t i = 0; i < FIGURE_COUNT; i++)
		json_object_set_new(o, figure[i].key,
			json_string(figure[i].value ? figure[i].value : "unknown"));
	return o;
}

static json_t *roles_of(struct call *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->roles.count; i++)
		json_array_append_new(list,
			json_pack("{s:s, s:o}", "role", c->roles.holder[i].role, "person",
				person_or_null(c, c->roles.holder[i].person)));
	return list;
}

static int promises_of(struct call *c, struct arena *a, json_t *list)
{
	struct promise *p;
	size_t n;
	int rc = promise_list(c->store, a, c->incident.id, &p, &n, &c->err);

	for (size_t i = 0; rc == 0 && i < n; i++)
		json_array_append_new(list,
			json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "kind",
				promise_kind_name(p[i].kind), "state",
				promise_state_name(p[i].state), "made_at",
				time_or_null(p[i].made_at), "due_at", time_or_null(p[i].due_at),
				"kept_at", time_or_null(p[i].kept_at), "missed_at",
				time_or_null(p[i].missed_at)));
	return rc;
}

static int scope_of(struct call *c, struct arena *a, json_t *list)
{
	struct scope_entry *e;
	size_t n;
	int rc = scope_list(c->store, a, c->incident.id, &e, &n, &c->err);

	for (size_t i = 0; rc == 0 && i < n; i++)
		json_array_append_new(list,
			json_pack("{s:o, s:s, s:s, s:s, s:o, s:o}", "at", time_or_null(e[i].at),
				"kind", scope_kind_name(e[i].kind), "value", e[i].value,
				"affected", tri_name(e[i].affected), "note",
				text_or_null(e[i].note), "by", person_or_null(c, e[i].by)));
	return rc;
}

static int checkpoints_of(struct call *c, struct arena *a, json_t *list)
{
	struct checkpoint *p;
	size_t n;
	int rc = checkpoint_list(
		c->store, a, c->incident.id, CHECKPOINTS_MAX, &p, &n, &c->err);

	for (size_t i = n; rc == 0 && i-- > 0;)
		json_array_append_new(list,
			json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "at",
				time_or_null(p[i].at), "by", person_or_null(c, p[i].by), "state",
				text_or_null(p[i].situation), "hypothesis",
				text_or_null(p[i].hypothesis), "impact", text_or_null(p[i].impact),
				"in_flight", text_or_null(p[i].in_flight), "decision",
				text_or_null(p[i].decision), "cadence", text_or_null(p[i].cadence),
				"next_decision_at", time_or_null(p[i].next_decision_at)));
	return rc;
}

/* ---- the timeline, page by page, newest first, as far as it fits ---- */

static json_t *entry_of(struct call *c, const struct timeline_entry *e)
{
	return json_pack("{s:o, s:o, s:I, s:s, s:o, s:s, s:o, s:o}", "happened_at",
		time_or_null(e->happened_at), "recorded_at", time_or_null(e->recorded_at), "entry",
		(json_int_t)e->id, "kind", timeline_kind_name(e->kind), "author",
		person_or_null(c, e->author), "text", e->text ? words_named(c, e->text) : "", "source",
		text_or_null(e->source), "corrects",
		e->corrects ? json_integer(e->corrects) : json_null());
}

struct timeline_gather {
	json_t *entries; /* newest first */
	size_t bytes;
	int64_t before;
	bool more;
};

static int gather_page(struct call *c, struct timeline_gather *g)
{
	struct arena *a = arena_create(PAGE_ARENA_MAX);
	struct timeline_entry *e;
	size_t n = 0;
	int rc = timeline_list(c->store, a, c->incident.id, g->before, PAGE, &e, &n, &c->err);

	g->more = rc == 0 && n == PAGE;
	for (size_t i = n; rc == 0 && i-- > 0;) {
		g->bytes += ENTRY_OVERHEAD + strlen(e[i].text ? e[i].text : "") +
			    strlen(e[i].source ? e[i].source : "");
		if (g->bytes > TIMELINE_BUDGET) {
			g->more = false;
			break;
		}
		json_array_append_new(g->entries, entry_of(c, &e[i]));
		g->before = e[i].id;
	}
	arena_destroy(a);
	return rc;
}

static int timeline_of(struct call *c, json_t *record)
{
	struct timeline_gather g = { .entries = json_array(), .more = true };
	json_t *ordered = json_array();
	int64_t all = 0;
	int rc = timeline_count(c->store, c->incident.id, &all, &c->err);

	while (rc == 0 && g.more)
		rc = gather_page(c, &g);
	for (size_t i = json_array_size(g.entries); i-- > 0;)
		json_array_append(ordered, json_array_get(g.entries, i));
	json_object_set_new(record, "timeline_left_out",
		json_integer(all - (int64_t)json_array_size(ordered)));
	json_object_set_new(record, "timeline", ordered);
	json_decref(g.entries);
	return rc;
}

/* ---- the whole ---- */

static int list_gather(struct call *c, json_t *record, const char *name,
	int (*part)(struct call *c, struct arena *a, json_t *list))
{
	struct arena *a = arena_create(PAGE_ARENA_MAX);
	json_t *list = json_array();
	int rc = part(c, a, list);

	json_object_set_new(record, name, list);
	arena_destroy(a);
	return rc;
}

int export_gather(struct call *c, json_t **out)
{
	json_t *record = json_object();
	int rc;

	json_object_set_new(record, "incident", fields_of(c));
	json_object_set_new(record, "figures", figures_of(c));
	json_object_set_new(record, "roles", roles_of(c));
	rc = list_gather(c, record, "promises", promises_of);
	if (rc == 0)
		rc = list_gather(c, record, "scope", scope_of);
	if (rc == 0)
		rc = list_gather(c, record, "checkpoints", checkpoints_of);
	if (rc == 0)
		rc = timeline_of(c, record);
	if (rc < 0) {
		json_decref(record);
		record = NULL;
	}
	*out = record;
	return rc;
}

static int add_text(const char *p, size_t n, void *out)
{
	str_addn(out, p, n);
	return 0;
}

int export_render(struct call *c, enum export_format f, struct str *out)
{
	JSON_CLEANUP json_t *record = NULL;
	int rc = export_gather(c, &record);

	if (rc < 0)
		return rc;
	switch (f) {
	case EXPORT_MD:
		export_markdown(out, record);
		break;
	case EXPORT_CSV:
		export_csv(out, record);
		break;
	case EXPORT_JSON:
		json_dump_callback(record, add_text, out, JSON_INDENT(2));
		str_addc(out, '\n');
		break;
	}
	if (out->cut)
		return error_set(&c->err, -EMSGSIZE, "INC-%lld is too large for a file of %u bytes",
			(long long)c->incident.id, EXPORT_MAX);
	return 0;
}

int export_file(struct call *c, json_t *args, const char *reader, struct str *out)
{
	enum export_format format = EXPORT_MD;

	(void)reader;
	export_format_parse(json_get_str(args, "format"), &format);
	return export_render(c, format, out);
}

const char *export_command(struct call *c, json_t *args)
{
	enum export_format format = EXPORT_MD;

	export_format_parse(json_get_str(args, "format"), &format);
	return arena_printf(c->arena, "#%lld export%s%s", (long long)c->incident.id,
		format == EXPORT_MD ? "" : " ", format == EXPORT_MD ? "" : export_format_name(format));
}
