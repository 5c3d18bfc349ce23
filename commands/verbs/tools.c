/*
 * What tools call by name with JSON (FEATURES K2, K4): something for the timeline or a follow-up of
 * an incident, and the follow-ups of a service in figures. The answer is a document as people read
 * it, with the same as "data". The request's arguments are read as they are: they have objects in
 * them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/duration.h"
#include "base/text.h"
#include "commands/diagnosing.h"
#include "commands/following.h"
#include "commands/messages.h"
#include "commands/protected.h"
#include "commands/reading.h"
#include "commands/verbs.h"
#include "store/incidents.h"
#include "store/learning.h"

#define TEXT_MAX    3000
#define WINDOW_DAYS 30
#define WINDOW_MAX  500 /* incidents that are counted */
#define SHOWN_MAX   200 /* incidents and follow-ups in an answer */

/* A text of the arguments, cleaned as everything from outside; NULL: not there. */
static const char *text_of(struct call *c, const json_t *args, const char *key, size_t max)
{
	const char *text = json_get_str(args, key);

	text = text ? text_clean(c->arena, text, strlen(text), max, max == TEXT_MAX) : NULL;
	return text && *text ? text : NULL;
}

/* "INC-42", "#42", 42, "42"; 0: none. */
static int64_t incident_of(const json_t *args)
{
	static const char *const keys[] = { "incident_id", "incident" };
	int64_t id = 0;

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys) && !id; i++) {
		const char *text = json_get_str(args, keys[i]);

		if (!text)
			id = json_get_int(args, keys[i], 0);
		else if (line_incident(text, true, &id) != strlen(text))
			id = 0;
	}
	return id > 0 ? id : 0;
}

static struct done data_reply(struct call *c, json_t *doc_take, json_t *data_take)
{
	json_object_set_new(doc_take, "data", data_take);
	return call_reply(c, doc_take);
}

/* ---- incident_append_event ---- */

static const char *date_of(struct call *c, int64_t ms)
{
	struct str s;

	if (!ms)
		return NULL;
	str_init_arena(&s, c->arena, 64);
	time_format_iso(&s, ms);
	return s.p;
}

/* A day or a time; false: neither, or it has passed. */
static bool due_of(struct call *c, const char *text, int64_t *out)
{
	static const struct arg_def def = {
		.name = "due_date", .type = ARG_TIME, .flags = ARG_DAY
	};
	struct arg_value v = { 0 };

	if (value_read(c, &def, text, &v) || v.number <= c->now)
		return false;
	*out = v.number;
	return true;
}

static struct done refuse_meta(struct call *c, const char *what, const char *how)
{
	return call_refuse(c, "usage", "meta.%s %s; nothing was done", what, how);
}

/* 0, or -EINVAL with the refusal made. */
static int owner_of(struct call *c, const json_t *meta, char **owner, struct done *refusal)
{
	static const struct arg_def def = { .name = "owner", .type = ARG_PERSON };
	const char *text = text_of(c, meta, "owner", 100), *why;
	struct arg_value v = { 0 };

	if (!text)
		return 0;
	why = value_read(c, &def, text, &v);
	if (why) {
		*refusal = call_refuse(c, "usage", "meta.owner: %s; nothing was done", why);
		return -EINVAL;
	}
	*owner = arena_strdup(c->arena, v.text);
	return 0;
}

static struct done append_followup(struct call *c, const json_t *args)
{
	const json_t *meta = json_get_obj(args, "meta");
	const char *title = text_of(c, meta, "title", FOLLOWUP_TITLE_MAX);
	const char *due = text_of(c, meta, "due_date", 60), *class = text_of(c, meta, "class", 20);
	const char *priority = text_of(c, meta, "priority", 4),
		   *link = text_of(c, meta, "link", 1000);
	struct followup f = { .priority = -1, .due_at = -1 };
	struct done refusal;

	if (!title)
		title = text_of(c, args, "text", FOLLOWUP_TITLE_MAX);
	if (!title)
		return refuse_meta(c, "title", "is missing");
	if (due && !due_of(c, due, &f.due_at))
		return refuse_meta(c, "due_date", "must be a day that comes, as 2026-04-01");
	if (class && !followup_class_parse(class, &f.class))
		return refuse_meta(c, "class", "must be prevent, detect, mitigate or learn");
	if (priority && ((*priority != 'P' && *priority != 'p') || priority[1] < '0' ||
				priority[1] > '3' || priority[2]))
		return refuse_meta(c, "priority", "must be P0, P1, P2 or P3");
	if (link && !diagnosis_url_valid(link))
		return refuse_meta(
			c, "link", "must be an address that begins with https:// or http://");
	if (owner_of(c, meta, &f.owner, &refusal) < 0)
		return refusal;
	f.priority = priority ? priority[1] - '0' : -1;
	f.title = arena_strdup(c->arena, title);
	f.signal = arena_strdup(c->arena, text_of(c, meta, "signal", 600));
	f.links = arena_strdup(c->arena, link);
	following_defaults(c, &f);
	if (following_make(c, &f) < 0)
		return call_fail(c);
	return data_reply(c,
		message_line(c, "%s of %s is noted: %s · %s", following_name(c, &f),
			words_id(c, f.incident), f.title,
			following_due(c, &f, c->config->timezone)),
		json_pack("{s:s, s:s, s:s, s:s, s:s*}", "incident_id", words_id(c, f.incident),
			"type", "followup", "followup_id", following_name(c, &f), "priority",
			arena_printf(c->arena, "P%d", f.priority), "due_date",
			date_of(c, f.due_at)));
}

static struct done append_entry(struct call *c, const json_t *args, enum timeline_kind kind)
{
	const char *text = text_of(c, args, "text", TEXT_MAX), *at = text_of(c, args, "at", 60);
	int64_t happened = 0;

	if (!text)
		return call_refuse(c, "usage",
			"“text” is missing: what is to be put on the timeline; nothing was done");
	if (at && (!time_stamp_parse(at, &happened) || happened > c->now))
		return call_refuse(c, "usage",
			"“at” must be a time that has been, as 2026-03-01T14:05:00Z; nothing was "
			"done");
	if (record_entry(c, &(struct record_entry){
				    .kind = kind,
				    .action = "timeline.noted",
				    .text = text,
				    .happened_at = happened,
			    }) < 0)
		return call_fail(c);
	return data_reply(c,
		message_line(c, "On the timeline of %s as %s %s", words_id(c, c->incident.id),
			kind == ENTRY_ACTION ? "an" : "a", timeline_kind_name(kind)),
		json_pack("{s:s, s:s}", "incident_id", words_id(c, c->incident.id), "type",
			timeline_kind_name(kind)));
}

static struct done append_run(struct call *c)
{
	const json_t *args = c->request->args;
	int64_t id = c->request->incident ? c->request->incident : incident_of(args);
	const char *type = text_of(c, args, "type", 40);
	enum timeline_kind kind = ENTRY_NOTE;
	int rc;

	if (!id)
		return call_refuse(
			c, "usage", "“incident_id” is missing, as in INC-42; nothing was done");
	rc = protected_load(c, id, &c->incident, &c->roles);
	if (rc == -ENOENT)
		return call_refuse(
			c, "not_found", "There is no INC-%lld; nothing was done", (long long)id);
	if (rc < 0)
		return call_fail(c);
	c->has_incident = true;
	protected_looked(c, &c->incident, c->actor);
	if (c->incident.merged_into)
		return call_refuse(c, "conflict", "%s is merged into %s; nothing was done",
			words_id(c, id), words_id(c, c->incident.merged_into));
	if (type && text_equal_fold(type, "followup"))
		return append_followup(c, args);
	if (type && !timeline_kind_parse(type, &kind))
		return call_refuse(c, "usage",
			"“type” must be followup, note or another kind of entry of the timeline; "
			"nothing was done");
	return append_entry(c, args, kind);
}

const struct operation op_tool_append = {
	.name = "incident_append_event",
	.summary = "Tools put something on a timeline, or note a follow-up",
	.need = NEED_NOTHING,
	.flags = OP_INTERNAL | OP_TOOL,
	.right = "tools.oncall.write",
	.run = append_run,
};

/* ---- incident_followups_summary ---- */

struct scope {
	const char *service, *environment; /* NULL: any */
	int64_t days;
	struct incident_filter seen; /* who asks */
};

static int scope_read(struct call *c, struct scope *s)
{
	const json_t *args = c->request->args;
	const char *env = text_of(c, args, "environment", 60);

	*s = (struct scope){
		.service = text_of(c, args, "service", 100),
		.environment =
			env && !text_equal_fold(env, "any") ? text_lower(c->arena, env) : NULL,
		.days = json_get_int(args, "window_days", WINDOW_DAYS),
	};
	if (s->service)
		s->service = text_equal_fold(s->service, "any") ? NULL
								: text_lower(c->arena, s->service);
	incident_filter_init(&s->seen);
	protected_filter(c, c->actor, &s->seen);
	return s->days < 1 || s->days > 366 ? -EINVAL : 0;
}

static int summary_incidents(struct call *c, const struct scope *s, json_t *out)
{
	struct incident_filter f = s->seen;
	struct incident *inc;
	size_t n;
	int rc;

	f.open_only = true;
	f.service = s->service;
	f.environment = s->environment;
	f.limit = SHOWN_MAX;
	rc = incident_find(c->store, c->arena, &f, &inc, &n, &c->err);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		if (inc[i].drill)
			continue;
		protected_looked(c, &inc[i], c->actor);
		json_array_append_new(out,
			json_pack("{s:s, s:s, s:s, s:s*, s:s}", "id", words_id(c, inc[i].id),
				"severity", words_severity(c, inc[i].severity), "status",
				state_name(inc[i].state), "started_at",
				date_of(c,
					inc[i].impact_at ? inc[i].impact_at : inc[i].declared_at),
				"title", inc[i].title));
	}
	return rc;
}

static int summary_followups(
	struct call *c, const struct scope *s, json_t *overdue, int64_t *late, int64_t *open)
{
	struct followup_filter filter;
	struct followup *f;
	size_t n;
	int rc;

	followup_filter_init(&filter);
	filter.service = s->service;
	filter.environment = s->environment;
	filter.viewer = s->seen.viewer;
	filter.sees_all = s->seen.sees_all;
	filter.limit = SHOWN_MAX;
	rc = followup_count(c->store, &filter, open, &c->err);
	filter.due_before = c->now;
	if (rc == 0)
		rc = followup_count(c->store, &filter, late, &c->err);
	if (rc == 0)
		rc = followup_find(c->store, c->arena, &filter, &f, &n, &c->err);
	if (rc == 0)
		following_looked(c, f, n, c->actor);
	for (size_t i = 0; rc == 0 && i < n; i++)
		json_array_append_new(
			overdue, json_pack("{s:s, s:s, s:s, s:s*, s:s, s:s?}", "incident_id",
					 words_id(c, f[i].incident), "id", following_name(c, &f[i]),
					 "title", f[i].title, "due_date", date_of(c, f[i].due_at),
					 "priority", arena_printf(c->arena, "P%d", f[i].priority),
					 "owner", f[i].owner ? words_name(c, f[i].owner) : NULL));
	return rc;
}

/* How many incidents the days of the window have had, for a measure of the rest. */
static int summary_window(struct call *c, const struct scope *s, int64_t *count)
{
	struct incident_filter f = s->seen;
	struct incident *inc;
	size_t n = 0;
	int rc;

	f.service = s->service;
	f.environment = s->environment;
	f.since = c->now - s->days * DAY_MS;
	f.limit = WINDOW_MAX;
	rc = incident_find(c->store, c->arena, &f, &inc, &n, &c->err);
	*count = 0;
	for (size_t i = 0; rc == 0 && i < n; i++)
		*count += !inc[i].drill && !inc[i].merged_into && inc[i].state != STATE_CANCELLED;
	return rc;
}

static struct done summary_run(struct call *c)
{
	json_t *open = json_array(), *overdue = json_array(), *stats;
	int64_t late = 0, all = 0, window = 0;
	struct scope s;
	size_t incidents;
	int rc = scope_read(c, &s);

	if (rc == -EINVAL) {
		json_decref(open);
		json_decref(overdue);
		return call_refuse(c, "usage", "“window_days” must be 1 to 366; nothing was done");
	}
	rc = summary_incidents(c, &s, open);
	if (rc == 0)
		rc = summary_followups(c, &s, overdue, &late, &all);
	if (rc == 0)
		rc = summary_window(c, &s, &window);
	if (rc < 0) {
		json_decref(open);
		json_decref(overdue);
		return call_fail(c);
	}
	incidents = json_array_size(open);
	stats = json_pack("{s:I, s:I, s:I, s:I}", "open_incidents", (json_int_t)incidents,
		"overdue", (json_int_t)late, "total_open_followups", (json_int_t)all,
		"incidents_in_window", (json_int_t)window);
	return data_reply(c,
		message_line(c,
			"%s%s%s: %zu open %s, %lld open follow-ups, %lld overdue; %lld %s in %lld "
			"days",
			s.service ? s.service : "All services", s.environment ? " in " : "",
			s.environment ? s.environment : "", incidents,
			incidents == 1 ? "incident" : "incidents", (long long)all, (long long)late,
			(long long)window, window == 1 ? "incident" : "incidents",
			(long long)s.days),
		json_pack("{s:s?, s:s?, s:I, s:o, s:o, s:o}", "service", s.service, "environment",
			s.environment, "window_days", (json_int_t)s.days, "open_incidents", open,
			"overdue_followups", overdue, "stats", stats));
}

const struct operation op_tool_summary = {
	.name = "incident_followups_summary",
	.summary = "Open incidents and follow-ups of a service, for tools",
	.need = NEED_NOTHING,
	.flags = OP_INTERNAL | OP_TOOL | OP_READS,
	.right = "tools.oncall.read",
	.run = summary_run,
};
