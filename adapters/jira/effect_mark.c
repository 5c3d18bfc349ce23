/*
 * What shows on an issue that it is ours: labels, a property, links back. Each is a nicety: what we may
 * not do is left out, and said once in the log. All of it can be done again without harm.
 */
#include <string.h>

#include "adapters/jira/job.h"
#include "base/log.h"

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
		j->wrote = m->did = true;
		return true;
	}
	if (!job_said_no(answer)) {
		job_failed(j, answer);
		return false;
	}
	if (!m->on && answer->class == REST_GONE) /* nothing to be taken away */
		m->did = true;
	else
		log_line(LOG_WARN, JIRA_AREA, j->e->incident, "%s cannot be set on issue %s: %s", m->doing,
			j->issue, answer->text);
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
	json_t *link = json_array_get(json_get_arr(j->e->payload, "links"), m->link++);
	const char *id = json_get_str(link, "id"), *url = json_get_str(link, "url");
	const char *title = json_get_str(link, "title");

	m->doing = "the link back";
	if (!link)
		finish(j);
	else if (!id || !*id || (m->on && (!url || !*url)))
		next_link(j);
	else if (!m->on)
		job_call(j, "DELETE", job_path(j, "/remotelink?globalId=%s", job_escaped(j, id)), NULL, on_link);
	else /* what is left out of an upsert is emptied */
		job_call(j, "POST", job_path(j, "/remotelink"),
			json_pack("{s:s, s:{s:s, s:s}, s:s, s:{s:s, s:s}}", "globalId", id, "application",
				"type", "sitrep", "name", "sitrep", "relationship", "incident", "object", "url",
				url, "title", title && *title ? title : url),
			on_link);
}

static void on_property(struct job *j, const struct rest_answer *answer)
{
	if (went(j, answer))
		next_link(j);
}

static void property(struct job *j)
{
	struct mark *m = j->own;
	json_t *value = json_get_obj(j->e->payload, "property");

	m->doing = "the property";
	if (m->on && !value)
		next_link(j);
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
		job_call(j, "PUT", job_path(j, "%s", ""), json_pack("{s:{s:o}}", "update", "labels", labels),
			on_labels);
	else {
		json_decref(labels);
		property(j);
	}
}
