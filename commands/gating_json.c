/* What the release gate found, for programs. */
#include "base/duration.h"
#include "base/text.h"
#include "commands/gating.h"

static json_t *reason_json(const struct gate_reason *r)
{
	json_t *o = json_pack("{s:s, s:b, s:o, s:o, s:s}", "kind",
		r->kind == GATE_INCIDENT ? "open_incident" : "overdue_followup", "blocks", r->blocks, "id",
		r->kind == GATE_INCIDENT ? json_sprintf("INC-%lld", (long long)r->incident)
					 : json_sprintf("F%lld", (long long)r->followup),
		"incident_id", json_sprintf("INC-%lld", (long long)r->incident), "text", "");
	size_t cut = text_cut(r->text, sizeof(r->text));

	json_object_set_new(o, "text", json_stringn(r->text, cut));
	if (r->kind == GATE_OVERDUE)
		json_object_set_new(o, "followup_id", json_sprintf("F%lld", (long long)r->followup));
	if (r->url)
		json_object_set_new(o, "url", json_string(r->url));
	return o;
}

static json_t *time_json(int64_t ms)
{
	struct str s STR_CLEANUP = { 0 };

	str_init(&s, 64);
	time_format_iso(&s, ms);
	return json_string(s.p);
}

json_t *gating_summary_json(const struct gating *g)
{
	json_t *open = json_array(), *overdue = json_array();

	for (size_t i = 0; i < g->open_count; i++) {
		const struct incident *inc = &g->open[i];

		json_array_append_new(open,
			json_pack("{s:o, s:o, s:s, s:o, s:s}", "id", json_sprintf("INC-%lld", (long long)inc->id),
				"severity", json_sprintf("SEV%d", inc->severity), "status", state_name(inc->state),
				"started_at", time_json(inc->impact_at ? inc->impact_at : inc->declared_at), "title",
				inc->title));
	}
	for (size_t i = 0; i < g->overdue_count; i++) {
		const struct followup *f = &g->overdue[i].followup;

		json_array_append_new(overdue,
			json_pack("{s:o, s:o, s:s, s:o, s:o, s:s?}", "incident_id",
				json_sprintf("INC-%lld", (long long)f->incident), "id",
				json_sprintf("F%lld", (long long)f->id), "title", f->title, "due_date",
				time_json(f->due_at), "priority", json_sprintf("P%d", f->priority), "owner", f->owner));
	}
	return json_pack("{s:o, s:o, s:{s:I, s:I, s:I}}", "open_incidents", open, "overdue_followups", overdue, "stats",
		"open_incidents", (json_int_t)g->open_count, "overdue", (json_int_t)g->overdue_count,
		"total_open_followups", (json_int_t)g->open_followups);
}

json_t *gating_json(const struct gating *g)
{
	json_t *reasons = json_array(), *o;

	for (size_t i = 0; i < g->count; i++)
		json_array_append_new(reasons, reason_json(&g->reason[i]));
	o = json_pack("{s:s, s:i, s:s, s:s, s:s, s:o, s:o}", "verdict", gating_verdict_name(g->verdict), "exit_status",
		gating_exit_status(g->verdict), "service", g->service, "environment",
		g->environment ? g->environment : "any", "mode", gate_mode_name(g->mode), "reasons", reasons, "summary",
		gating_summary_json(g));
	if (g->why[0])
		json_object_set_new(o, "why", json_string(g->why));
	return o;
}

json_t *gating_json_unknown(const char *service, const char *environment, const char *why)
{
	return json_pack("{s:s, s:i, s:s*, s:s*, s:s, s:[]}", "verdict", gating_verdict_name(GATE_UNKNOWN), "exit_status",
		gating_exit_status(GATE_UNKNOWN), "service", service, "environment", environment, "why", why, "reasons");
}
