/*
 * Reads are in the order of what they cost. Lists are bounded; where a bound was reached and nothing blocks, the verdict
 * is "could not tell": what was not looked at may block.
 */
#include "commands/gating.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "commands/say.h"
#include "store/incidents.h"
#include "store/learning.h"
#include "store/people.h"
#include "store/references.h"

#define INCIDENTS_MAX 500
#define FOLLOWUPS_MAX 1000
#define URL_SYSTEM    "slack" /* the channel is where an incident can be looked at by everybody who may */

struct reading {
	struct store *store;
	const struct config *config;
	struct arena *arena;
	const struct gating_ask *ask;
	struct gating *out;
	struct error *err;
	bool cut; /* there may be more than was read */
};

const char *gating_service_wrong(const char *service)
{
	if (!service || !*service)
		return "say which service";
	if (strlen(service) > GATING_SERVICE_MAX)
		return "the name of the service is too long";
	if (strpbrk(service, ",\n"))
		return "one service at a time";
	return NULL;
}

/* ---- what is asked for ---- */

static const char *environment_of(const struct reading *r)
{
	const char *env = r->ask->environment ? r->ask->environment : r->config->gate.environment;

	return env && *env && !text_equal_fold(env, "any") ? text_lower(r->arena, env) : NULL;
}

static bool environment_fits(const struct reading *r, const struct incident *inc)
{
	return !r->out->environment || !inc->environment || !*inc->environment ||
	       text_equal_fold(inc->environment, r->out->environment);
}

static bool listed(const struct gate_policy *p, const char *service)
{
	for (size_t i = 0; i < p->service_count; i++)
		if (text_equal_fold(p->services[i], service))
			return true;
	return false;
}

static int known(struct reading *r, bool *out)
{
	const struct gate_policy *p = &r->config->gate;

	if (p->service_count) {
		*out = listed(p, r->out->service);
		return 0;
	}
	return service_known(r->store, r->out->service, out, r->err);
}

/* ---- open incidents ---- */

static int read_incidents(struct reading *r)
{
	struct incident_filter f;
	struct incident *found;
	size_t n;
	int rc;

	incident_filter_init(&f);
	f.open_only = true;
	f.service = r->out->service;
	f.viewer = r->ask->viewer;
	f.sees_all = r->ask->sees_all;
	f.limit = INCIDENTS_MAX;
	rc = incident_find(r->store, r->arena, &f, &found, &n, r->err);
	if (rc < 0)
		return rc;
	r->cut = r->cut || n == INCIDENTS_MAX;
	r->out->open = found;
	for (size_t i = 0; i < n; i++)
		if (!found[i].drill && !found[i].merged_into && environment_fits(r, &found[i]))
			found[r->out->open_count++] = found[i];
	return 0;
}

/* ---- follow-ups ---- */

static char *owner_name(struct reading *r, const char *person)
{
	const char *id = strchr(person, ':');
	struct person p = { 0 };
	int rc = person_get(r->store, r->arena, person, &p, NULL);

	return arena_printf(r->arena, "@%s", rc == 0 && p.name && *p.name ? p.name : id ? id + 1 : person);
}

/* By due date, so that those of one incident seldom stand together: all that were loaded are kept. */
static int incident_of(struct reading *r, struct gating_followup *all, size_t n, const struct incident **out)
{
	int64_t id = all[n].followup.incident;
	struct incident *inc;
	int rc;

	for (size_t i = n; i-- > 0;)
		if (all[i].incident && all[i].incident->id == id) {
			*out = all[i].incident;
			return 0;
		}
	inc = arena_alloc(r->arena, sizeof(*inc));
	rc = incident_load(r->store, r->arena, id, inc, r->err);
	*out = inc;
	return rc;
}

static int read_followups(struct reading *r)
{
	struct gating_followup *all;
	struct followup_filter f;
	struct followup *found;
	size_t n, late = 0;
	int rc;

	followup_filter_init(&f);
	f.service = r->out->service;
	f.viewer = r->ask->viewer;
	f.sees_all = r->ask->sees_all;
	f.limit = FOLLOWUPS_MAX;
	rc = followup_find(r->store, r->arena, &f, &found, &n, r->err);
	if (rc < 0)
		return rc;
	r->cut = r->cut || (n == FOLLOWUPS_MAX && followup_overdue(&found[n - 1], r->ask->now));
	all = arena_alloc(r->arena, (n + 1) * sizeof(*all));
	for (size_t i = 0; i < n; i++) {
		const struct incident *inc;

		all[late].followup = found[i];
		rc = incident_of(r, all, late, &inc);
		if (rc < 0)
			return rc;
		if (inc->drill || !environment_fits(r, inc))
			continue;
		r->out->open_followups++;
		if (!followup_overdue(&found[i], r->ask->now))
			continue;
		all[late].incident = inc;
		if (found[i].owner)
			all[late].followup.owner = owner_name(r, found[i].owner);
		late++;
	}
	r->out->overdue = all;
	r->out->overdue_count = late;
	return 0;
}

/* ---- where to look ---- */

static int channel_url(struct reading *r, int64_t incident, const char **url)
{
	struct reference ref = { 0 };
	int rc = reference_get(r->store, r->arena, incident, URL_SYSTEM, SLOT_CHANNEL, &ref, r->err);

	*url = rc == 0 ? ref.url : NULL;
	return rc == -ENOENT ? 0 : rc;
}

/* The first of its links, else where its incident is. */
static int followup_url(struct reading *r, const struct followup *f, const char **url)
{
	if (!f->links || !*f->links)
		return channel_url(r, f->incident, url);
	*url = arena_strndup(r->arena, f->links, strcspn(f->links, " \n"));
	return 0;
}

/* ---- the verdict ---- */

static int facts(struct reading *r, struct gate_facts *out)
{
	struct gating *g = r->out;
	struct gate_incident *inc = arena_alloc(r->arena, (g->open_count + 1) * sizeof(*inc));
	struct gate_followup *fol = arena_alloc(r->arena, (g->overdue_count + 1) * sizeof(*fol));
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < g->open_count; i++) {
		inc[i].incident = &g->open[i];
		rc = channel_url(r, g->open[i].id, &inc[i].url);
	}
	for (size_t i = 0; rc == 0 && i < g->overdue_count; i++) {
		fol[i].followup = &g->overdue[i].followup;
		rc = followup_url(r, fol[i].followup, &fol[i].url);
	}
	out->incident = inc;
	out->incident_count = g->open_count;
	out->followup = fol;
	out->followup_count = g->overdue_count;
	return rc;
}

static void judge(struct reading *r, const struct gate_facts *f)
{
	struct gate_policy policy = r->config->gate;
	struct gating *g = r->out;
	size_t max = f->incident_count + f->followup_count;

	policy.mode = (int)g->mode;
	g->reason = arena_alloc(r->arena, (max + 1) * sizeof(*g->reason));
	g->verdict = gate_judge(&policy, f, g->reason, max, &g->count, g->why);
	if (g->verdict == GATE_PASS && g->mode == GATE_STRICT && r->cut) {
		g->verdict = GATE_UNKNOWN;
		snprintf(g->why, sizeof(g->why), "more is open for \"%.*s\" than is looked at, and what was left may block",
			(int)text_cut(g->service, 100), g->service);
	}
}

int gating_judge(struct store *s, const struct config *config, struct arena *a, const struct gating_ask *ask,
	struct gating *out, struct error *err)
{
	struct reading r = { .store = s, .config = config, .arena = a, .ask = ask, .out = out, .err = err };
	struct gate_facts f = { .now = ask->now };
	int rc;

	*out = (struct gating){ .service = text_lower(a, ask->service), .now = ask->now, .verdict = GATE_UNKNOWN };
	out->mode = (enum gate_mode)(ask->mode < 0 ? config->gate.mode : ask->mode);
	out->environment = environment_of(&r);
	f.service = out->service;
	f.environment = out->environment;
	rc = known(&r, &f.service_known);
	if (rc == 0)
		rc = read_incidents(&r);
	if (rc == 0)
		rc = read_followups(&r);
	if (rc == 0)
		rc = facts(&r, &f);
	if (rc < 0)
		return rc;
	/* One that only those with access know of: they get an answer. */
	if (!config->gate.service_count && out->open_count + out->overdue_count)
		f.service_known = true;
	judge(&r, &f);
	return 0;
}

/* ---- words ---- */

const char *gating_verdict_name(enum gate_verdict v)
{
	static const char *const names[] = {
		[GATE_PASS] = "pass", [GATE_BLOCK] = "blocked", [GATE_UNKNOWN] = "unknown",
	};

	return (unsigned)v < sizeof(names) / sizeof(*names) ? names[v] : "unknown";
}

int gating_exit_status(enum gate_verdict v)
{
	static const int status[] = { [GATE_PASS] = 0, [GATE_BLOCK] = 1, [GATE_UNKNOWN] = 2 };

	return (unsigned)v < sizeof(status) / sizeof(*status) ? status[v] : 2;
}

static size_t blocking(const struct gating *g)
{
	size_t n = 0;

	for (size_t i = 0; i < g->count; i++)
		n += g->reason[i].blocks;
	return n;
}

void gating_headline(const struct gating *g, struct str *out)
{
	const char *in = g->environment ? " in " : "", *env = g->environment ? g->environment : "";
	size_t n = blocking(g), rest = g->count - n;

	switch (g->verdict) {
	case GATE_BLOCK:
		str_addf(out, "BLOCKED: a release of %s%s%s waits for %zu %s", g->service, in, env, n,
			n == 1 ? "thing" : "things");
		break;
	case GATE_PASS:
		str_addf(out, "PASS: %s%s%s may be released", g->service, in, env);
		break;
	case GATE_UNKNOWN:
		str_addf(out, "UNKNOWN: whether %s%s%s may be released could not be told", g->service, in, env);
		break;
	}
	if (g->why[0])
		str_addf(out, "; %s", g->why);
	else if (rest)
		str_addf(out, "; %zu more to know of", rest);
}
