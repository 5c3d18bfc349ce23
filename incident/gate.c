/*
 * One pass over what is open. In doubt the verdict is "could not tell", never "pass": an unknown service is a
 * typo more often than a service without incidents.
 */
#include "incident/gate.h"

#include <stdio.h>
#include <string.h>

#include "base/duration.h"
#include "base/str.h"
#include "base/text.h"

#define TITLE_SHOWN 120 /* bytes */

static const char *const mode_names[] = { [GATE_OFF] = "off", [GATE_WARN] = "warn", [GATE_STRICT] = "strict" };

const char *gate_mode_name(enum gate_mode m)
{
	return (unsigned)m < sizeof(mode_names) / sizeof(*mode_names) ? mode_names[m] : "unknown";
}

static bool incident_counts(const struct incident *inc)
{
	return state_active(inc->state) && !inc->drill && !inc->merged_into;
}

static void incident_words(const struct incident *inc, int64_t now, char *out, size_t size)
{
	char since[64];
	struct str s STR_CLEANUP = { 0 };

	str_init(&s, sizeof since - 1);
	duration_format(&s, now - inc->declared_at);
	snprintf(since, sizeof since, "%s", s.p);
	snprintf(out, size, "INC-%lld (SEV%d, %s) is open for %s: %.*s", (long long)inc->id, inc->severity,
		state_name(inc->state), since, TITLE_SHOWN, inc->title ? inc->title : "");
}

static void followup_words(const struct followup *f, int64_t now, char *out, size_t size)
{
	struct str late STR_CLEANUP = { 0 };

	str_init(&late, 64);
	duration_format(&late, now - f->due_at);
	snprintf(out, size, "F%lld of INC-%lld (P%d%s%s) is overdue by %s: %.*s", (long long)f->id,
		(long long)f->incident, f->priority, f->owner ? ", " : ", nobody owns it", f->owner ? f->owner : "",
		late.p, TITLE_SHOWN, f->title ? f->title : "");
}

struct gathering {
	const struct gate_policy *policy;
	const struct gate_facts *facts;
	struct gate_reason *out;
	size_t max, count;
	bool blocked;
};

/* Blocking reasons are counted even where there is no room to name them. */
static struct gate_reason *add(struct gathering *g, bool blocks)
{
	blocks = blocks && g->policy->mode == GATE_STRICT;
	g->blocked = g->blocked || blocks;
	if (g->count == g->max)
		return NULL;
	g->out[g->count] = (struct gate_reason){ .blocks = blocks };
	return &g->out[g->count++];
}

static void add_incidents(struct gathering *g, bool blocking)
{
	for (size_t i = 0; i < g->facts->incident_count; i++) {
		const struct gate_incident *f = &g->facts->incident[i];
		bool blocks = (g->policy->fail_on >> (f->incident->severity - 1)) & 1;
		struct gate_reason *r;

		if (!incident_counts(f->incident) || blocks != blocking)
			continue;
		r = add(g, blocks);
		if (!r)
			continue;
		r->kind = GATE_INCIDENT;
		r->incident = f->incident->id;
		r->url = f->url;
		incident_words(f->incident, g->facts->now, r->text, sizeof r->text);
	}
}

/* Neither made nor fallen due within the window: an old debt, named and no more. */
static bool before_window(const struct gathering *g, const struct followup *f)
{
	int64_t since = g->facts->now - g->policy->window_ms;

	return g->policy->window_ms && f->due_at < since && f->created_at < since;
}

static void add_overdue(struct gathering *g, bool blocking)
{
	for (size_t i = 0; i < g->facts->followup_count; i++) {
		const struct gate_followup *f = &g->facts->followup[i];
		bool blocks = g->policy->fail_on_overdue && !before_window(g, f->followup);
		struct gate_reason *r;

		if (!followup_overdue(f->followup, g->facts->now) || blocks != blocking)
			continue;
		r = add(g, blocks);
		if (!r)
			continue;
		r->kind = GATE_OVERDUE;
		r->incident = f->followup->incident;
		r->followup = f->followup->id;
		r->url = f->url;
		followup_words(f->followup, g->facts->now, r->text, sizeof r->text);
	}
}

enum gate_verdict gate_judge(const struct gate_policy *p, const struct gate_facts *f, struct gate_reason *out,
	size_t max, size_t *count, char why[200])
{
	struct gathering g = { .policy = p, .facts = f, .out = out, .max = max };

	*count = 0;
	why[0] = '\0';
	if (p->mode == GATE_OFF || !p->run) {
		snprintf(why, 200, "the follow-up watch is off in release_gate_policy.yml; nothing was looked at");
		return GATE_PASS;
	}
	if (!f->service_known) {
		const char *service = f->service ? f->service : "";

		snprintf(why, 200, "no service \"%.*s\" is known here: no incident names it, and the policy does not list it",
			(int)text_cut(service, 100), service);
		return GATE_UNKNOWN;
	}
	add_incidents(&g, true);
	add_overdue(&g, true);
	add_incidents(&g, false);
	add_overdue(&g, false);
	*count = g.count;
	return g.blocked ? GATE_BLOCK : GATE_PASS;
}
