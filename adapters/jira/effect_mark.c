/*
 * What shows on an issue that it is ours: labels, a property, links back. Each is a nicety: what we
 * may not do is left out, and said once in the log. All of it can be done again without harm.
 */
#include <string.h>

#include "adapters/jira/job.h"
#include "base/log.h"

#define APPLICATION "sitrep" /* who made a link */
#define LINKS_MAX   100

enum { LINKS }; /* j->kept */

struct mark {
	bool on;
	size_t link;
	const char *doing; /* for the log */
	bool did;	   /* one of them at least went through */
	const char *why;   /* the last refusal; NULL */
};

static void next_link(struct job *j);

/* False: the job was ended. */
static bool went(struct job *j, const struct rest_answer *answer)
{
	struct mark *m = j->own;

	if (answer->class == REST_OK) {
		m->did = true;
		j->wrote = j->wrote || j->call.method;
		return true;
	}
	if (!job_said_no(answer)) {
		job_failed(j, answer);
		return false;
	}
	if (!m->on && answer->class == REST_GONE) /* nothing to be taken away */
		m->did = true;
	else
		log_line(LOG_WARN, JIRA_AREA, j->e->incident, "%s cannot be set on issue %s: %s",
			m->doing, j->issue, answer->text);
	m->why = arena_strdup(j->e->arena, answer->text);
	return true;
}

static void finish(struct job *j)
{
	struct mark *m = j->own;

	/* All of it refused: then it is the issue. */
	if (m->did || !m->why)
		job_done(j, NULL);
	else
		job_end(j, OUTCOME_REFUSED, NULL, m->why, 0);
}

static void on_link(struct job *j, const struct rest_answer *answer)
{
	if (went(j, answer))
		next_link(j);
}

static void next_link(struct job *j)
{
	struct mark *m = j->own;
	json_t *link = json_array_get(j->kept[LINKS], m->link++);
	const char *id = json_get_str(link, "id"), *url = json_get_str(link, "url");
	const char *title = json_get_str(link, "title");

	m->doing = "the link back";
	if (!link)
		finish(j);
	else if (!id || !*id || (m->on && (!url || !*url)))
		next_link(j);
	else if (!m->on)
		job_call(j, "DELETE", job_path(j, "/remotelink?globalId=%s", job_escaped(j, id)),
			NULL, on_link);
	else /* what is left out of an upsert is emptied */
		job_call(j, "POST", job_path(j, "/remotelink"),
			json_pack("{s:s, s:{s:s, s:s}, s:s, s:{s:s, s:s}}", "globalId", id,
				"application", "type", APPLICATION, "name", APPLICATION,
				"relationship", "incident", "object", "url", url, "title",
				title && *title ? title : url),
			on_link);
}

/* Which links are ours is seen by who made them. */
static void on_links(struct job *j, const struct rest_answer *answer)
{
	json_t *link;
	size_t at;

	if (!went(j, answer))
		return;
	json_array_foreach(answer->body, at, link)
	{
		const char *type = json_get_str(json_get_obj(link, "application"), "type");
		const char *id = json_get_str(link, "globalId");

		if (id && type && strcmp(type, APPLICATION) == 0 && at < LINKS_MAX)
			json_array_append_new(j->kept[LINKS], json_pack("{s:s}", "id", id));
	}
	next_link(j);
}

static void links(struct job *j)
{
	struct mark *m = j->own;
	json_t *given = json_get_arr(j->e->payload, "links");

	m->doing = "the link back";
	j->kept[LINKS] = given ? json_copy(given) : json_array();
	if (!m->on && !json_array_size(given))
		job_call(j, NULL, job_path(j, "/remotelink"), NULL, on_links);
	else
		next_link(j);
}

static void on_property(struct job *j, const struct rest_answer *answer)
{
	if (went(j, answer))
		links(j);
}

static void property(struct job *j)
{
	struct mark *m = j->own;
	json_t *value = json_get_obj(j->e->payload, "property");

	m->doing = "the property";
	if (m->on && !value)
		links(j);
	else
		job_call(j, m->on ? "PUT" : "DELETE", job_path(j, "/properties/" JIRA_PROPERTY),
			m->on ? json_incref(value) : NULL, on_property);
}

static void on_labels(struct job *j, const struct rest_answer *answer)
{
	if (went(j, answer))
		property(j);
}

void effect_issue_mark(struct job *j)
{
	static const char *const names[] = { "label", "common_label" };
	struct mark *m = arena_alloc(j->e->arena, sizeof(*m));
	json_t *labels = json_array();

	j->own = m;
	m->on = json_get_bool(j->e->payload, "on", true);
	m->doing = "the label";
	for (size_t i = 0; i < 2; i++) {
		const char *label = json_get_str(j->e->payload, names[i]);

		if (label && *label)
			json_array_append_new(
				labels, json_pack("{s:s}", m->on ? "add" : "remove", label));
	}
	if (!job_issue(j))
		json_decref(labels);
	else if (json_array_size(labels))
		job_call(j, "PUT", job_path(j, NULL),
			json_pack("{s:{s:o}}", "update", "labels", labels), on_labels);
	else {
		json_decref(labels);
		property(j);
	}
}
