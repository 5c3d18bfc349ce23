/*
 * What is sent to the tracker, made from the record at the moment it is sent. What of ours goes with it is remembered in the same transaction
 * as being sent, so that it is known again wherever it appears, whatever becomes of the attempt.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "commands/issues_parts.h"
#include "commands/messages.h"
#include "commands/say.h"
#include "store/people.h"

#define OVERLAP_MS  (5 * MINUTE_MS) /* of two questions for changes: what came late to the first is found by the second */
#define FIRST_MS    DAY_MS          /* how far back the very first one asks */
#define ELAPSED_MAX (30 * DAY_MS)
#define TEXT_MAX    20000

/* ---- create ---- */

static void add_line(struct call *c, struct str *s, const char *name, const char *text)
{
	(void)c;
	if (text && *text)
		str_addf(s, "%s: %s\n", name, text);
}

/* A protected one says that it exists, no more. */
static const char *description(struct call *c)
{
	const struct incident *inc = &c->incident;
	struct str s;

	if (inc->is_private)
		return arena_printf(c->arena, "Protected incident %s. What it is about is known to "
			"those with access.", words_id(c, inc->id));
	str_init_arena(&s, c->arena, TEXT_MAX);
	str_addf(&s, "%s, %s, %s\n\n", words_id(c, inc->id), words_severity(c, inc->severity),
		state_name(inc->state));
	str_addf(&s, "%s\n\n", inc->title);
	add_line(c, &s, "Impact", inc->impact);
	add_line(c, &s, "Service", message_services(c));
	add_line(c, &s, "Environment", inc->environment);
	add_line(c, &s, "Declared", arena_printf(c->arena, "%s by %s",
		message_plain_time(c, inc->declared_at), words_name(c, inc->reporter)));
	add_line(c, &s, "Last update", inc->update_text);
	str_add(&s, "\nThe incident is run in chat; status, priority and comments are kept in step.");
	return s.p;
}

/* A value of jira.yml is JSON where it looks like it, else a text. */
static json_t *extra_value(const char *text)
{
	json_t *value = json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);

	return value ? value : json_string(text);
}

static json_t *extra_fields(const struct call *c)
{
	json_t *fields = json_object();

	for (size_t k = 0; k < issue_rules(c)->extra_count; k++)
		json_object_set_new(fields, issue_rules(c)->extra[k].field,
			extra_value(issue_rules(c)->extra[k].value));
	return fields;
}

/* Where the incident is to be seen: its channel, else its card. */
static const char *home_url(struct call *c)
{
	struct reference ref;

	if (c->incident.is_private)
		return NULL;
	if (reference_get(c->store, c->arena, c->incident.id, CHAT_SYSTEM, SLOT_CHANNEL, &ref, NULL) == 0 &&
		ref.url)
		return ref.url;
	if (reference_get(c->store, c->arena, c->incident.id, CHAT_SYSTEM, SLOT_CARD, &ref, NULL) == 0)
		return ref.url;
	return NULL;
}

static json_t *property(struct call *c)
{
	return json_pack("{s:s, s:I, s:s*}", "incident", words_id(c, c->incident.id), "id",
		(json_int_t)c->incident.id, "url", home_url(c));
}

static int keep_label(struct call *c, const char *label)
{
	return reference_put(c->store,
		&(struct reference){
			.incident = c->incident.id,
			.system = ISSUE_SYSTEM,
			.slot = SLOT_LABEL,
			.key = label,
			.state = "synced",
			.created_at = c->now,
		},
		&c->err);
}

/*
 * The status is where the tracker's workflow begins, and follows by a sync; nobody is not sent either. What they were is remembered all the
 * same: whoever was made commander, or moved the incident on, while the end of the attempt was not known has changed ours since.
 */
static json_t *values_of(struct call *c, struct issue *i)
{
	json_t *values = json_object();

	for (int k = 0; k < ISSUE_FIELD_COUNT; k++) {
		enum issue_field f = (enum issue_field)k;
		const char *ours = issue_ours(c, f);

		issue_sending(f, &i->rec.field[f], ours, c->now);
		if (ours && *ours && f != ISSUE_STATUS)
			json_object_set_new(values, issue_field_name(f), json_string(ours));
	}
	return values;
}

static int payload_create(
	struct call *c, const struct effect_row *row, struct issue *i, json_t **out, const char **impossible)
{
	const char *label = arena_printf(
		c->arena, ISSUE_LABEL "-%s", text_lower(c->arena, row->op_id));
	const char *project = issue_policy_project(issue_rules(c), c->incident.services);
	int rc;

	if (i->ref.key || i->rec.name) {
		*impossible = "there is an issue already";
		return 0;
	}
	/* One that may exist already is looked for, and says nothing if it has to be made. */
	if (!issue_allowed(c) && !row->verify) {
		*impossible = "the incident is protected now";
		return 0;
	}
	*out = json_pack("{s:s, s:s, s:o, s:s, s:[s], s:s, s:o, s:o}", "project",
		project ? project : "", "type", issue_rules(c)->type ? issue_rules(c)->type : "",
		"values", values_of(c, i), "text", description(c), "labels", ISSUE_LABEL, "label",
		label, "property", property(c), "fields", extra_fields(c));
	rc = keep_label(c, label);
	return rc < 0 ? rc : issue_save(c, i);
}

/* ---- sync ---- */

/* Only what of ours has changed since both were in step; the tracker's side is taken to be as it was, which the adapter looks at before it writes. */
static bool goes(struct call *c, const struct issue *i, enum issue_field f, const char **ours)
{
	struct issue_memory m = i->rec.field[f];

	*ours = issue_ours(c, f);
	return *ours && m.known && m.theirs && !m.conflict.open &&
		issue_merge(f, &m, *ours, m.theirs, c->now) == MERGE_SEND;
}

static int payload_sync(struct call *c, struct issue *i, json_t **out, const char **impossible)
{
	json_t *send, *theirs;
	bool some = false;

	if (!i->ref.key && !i->rec.name) {
		*impossible = "the issue was not created";
		return 0;
	}
	send = json_object();
	theirs = json_object();
	for (int k = 0; k < ISSUE_FIELD_COUNT && !i->rec.gone; k++) {
		enum issue_field f = (enum issue_field)k;
		const char *ours;

		if (!goes(c, i, f, &ours))
			continue;
		json_object_set_new(send, issue_field_name(f), json_string(ours));
		json_object_set_new(theirs, issue_field_name(f), json_string(i->rec.field[f].theirs));
		issue_sending(f, &i->rec.field[f], ours, c->now);
		some = true;
	}
	*out = json_pack("{s:o, s:o, s:I}", "send", send, "theirs", theirs, "comment_after",
		(json_int_t)i->rec.comment);
	json_object_set_new(*out, i->ref.key ? "issue" : "name",
		json_string(i->ref.key ? issue_id(i) : i->rec.name));
	return some ? issue_save(c, i) : 0;
}

/* ---- the rest ---- */

static int payload_comment(struct call *c, const struct effect_row *row, const struct issue *i,
	json_t **out, const char **impossible)
{
	int rc;

	if (!i->ref.key || i->rec.gone)
		*impossible = "there is no issue for it";
	else if (c->incident.is_private)
		*impossible = "the incident is protected now";
	if (*impossible)
		return 0;
	rc = json_parse(row->payload ? row->payload : "{}", row->payload ? strlen(row->payload) : 2,
		1 << 20, out, &c->err);
	if (rc == 0)
		json_object_set_new(*out, "issue", json_string(issue_id(i)));
	return rc;
}

static int payload_mark(struct call *c, const struct issue *i, json_t **out, const char **impossible)
{
	const char *url = home_url(c);
	struct reference label;
	json_t *links = json_array();

	if (!i->ref.key || i->rec.gone || c->incident.is_private) {
		*impossible = "there is no issue for it";
		json_decref(links);
		return 0;
	}
	if (url)
		json_array_append_new(links,
			json_pack("{s:s, s:s, s:s}", "id",
				arena_printf(c->arena, "sitrep-%lld", (long long)c->incident.id),
				"url", url, "title",
				arena_printf(c->arena, "%s: %s", words_id(c, c->incident.id),
					message_short(c, c->incident.title, 200))));
	if (reference_get(c->store, c->arena, c->incident.id, ISSUE_SYSTEM, SLOT_LABEL, &label, NULL) < 0)
		label.key = NULL;
	*out = json_pack("{s:s, s:b, s:s*, s:s, s:o, s:o}", "issue", issue_id(i), "on", 1, "label",
		label.key, "common_label", ISSUE_LABEL, "property", property(c), "links", links);
	return 0;
}

/* The projects that issues of ours can be in. */
static json_t *projects(const struct call *c)
{
	json_t *list = json_array();

	if (issue_rules(c)->project)
		json_array_append_new(list, json_string(issue_rules(c)->project));
	for (size_t k = 0; k < issue_rules(c)->project_count; k++) {
		const char *name = issue_rules(c)->projects[k].project;
		bool seen = issue_rules(c)->project && !strcmp(name, issue_rules(c)->project);

		for (size_t n = 0; n < k && !seen; n++)
			seen = !strcmp(issue_rules(c)->projects[n].project, name);
		if (!seen)
			json_array_append_new(list, json_string(name));
	}
	return list;
}

static int payload_poll(struct call *c, json_t **out)
{
	char *text = NULL;
	int64_t elapsed = FIRST_MS;
	int rc = cursor_get(c->store, c->arena, CURSOR_POLL, &text, &c->err);

	if (rc < 0 && rc != -ENOENT)
		return rc;
	if (rc == 0)
		elapsed = c->now - strtoll(text, NULL, 10) + OVERLAP_MS;
	/* A clock that was set back must not ask for nothing. */
	if (elapsed < OVERLAP_MS)
		elapsed = OVERLAP_MS;
	*out = json_pack("{s:I, s:s, s:o}", "elapsed_ms",
		(json_int_t)(elapsed < ELAPSED_MAX ? elapsed : ELAPSED_MAX), "label", ISSUE_LABEL,
		"projects", projects(c));
	return 0;
}

static int payload_of_issue(
	struct call *c, const struct effect_row *row, json_t **payload, const char **impossible)
{
	struct issue i;
	int rc;

	/* What takes our marks away names an issue that is ours no more. */
	if (row->kind == EFFECT_ISSUE_MARK && row->payload)
		return json_parse(row->payload, strlen(row->payload), 1 << 20, payload, &c->err);
	rc = issue_load(c, &i);
	if (rc == -ENOENT) {
		*impossible = "the issue was unlinked";
		return 0;
	}
	if (rc < 0)
		return rc;
	if (row->kind == EFFECT_ISSUE_CREATE)
		return payload_create(c, row, &i, payload, impossible);
	if (row->kind == EFFECT_ISSUE_SYNC)
		return payload_sync(c, &i, payload, impossible);
	if (row->kind == EFFECT_ISSUE_COMMENT)
		return payload_comment(c, row, &i, payload, impossible);
	return payload_mark(c, &i, payload, impossible);
}

int issue_payload(struct call *c, const struct effect_row *row, json_t **payload, const char **impossible)
{
	int rc = 0;

	*payload = NULL;
	if (!issue_rules(c)->url)
		return error_set(&c->err, -EAGAIN, "no tracker is configured any more");
	if (row->kind == EFFECT_ISSUE_POLL)
		rc = payload_poll(c, payload);
	else if (c->has_incident && mirror_owns(row))
		rc = mirror_payload(c, row, payload, impossible);
	else if (c->has_incident)
		rc = payload_of_issue(c, row, payload, impossible);
	/* One that cannot be made must not hold up the others. */
	if (rc == 0 && !*payload && !*impossible)
		*impossible = "it cannot be put into words";
	return rc;
}
