/* The form of an operation, from the same declaration as its line (FEATURES A1). */
#include <string.h>

#include "commands/issues.h"
#include "commands/protected.h"
#include "commands/reading.h"
#include "store/incidents.h"

#define INCIDENTS_MAX 50 /* open ones that are offered */
#define OPTION_MAX 300 /* bytes of a choice's label; the adapter cuts it visibly to what its platform takes */

static const char *const field_types[] = {
	[ARG_WORD] = "text",         [ARG_REST] = "text",         [ARG_SEVERITY] = "choice",
	[ARG_PERSON] = "person",     [ARG_ROLE] = "choice",       [ARG_DURATION] = "duration",
	[ARG_TIME] = "time",         [ARG_INTEGER] = "text",      [ARG_FLAG] = "flag",
	[ARG_CHOICE] = "choice",     [ARG_OPERATION] = "choice",
	[ARG_INCIDENT] = "text",
};

static void option_add(json_t *options, const char *value, const char *label)
{
	json_array_append_new(options, json_pack("[s, s]", value, label));
}

static json_t *options_severity(struct call *c)
{
	json_t *options = json_array();
	struct str s STR_CLEANUP;

	str_init(&s, OPTION_MAX);
	for (int level = SEVERITY_WORST; level <= SEVERITY_LEAST; level++) {
		const struct severity_policy *p = &c->config->severity.level[level];

		str_reset(&s);
		str_add(&s, words_severity(c, level));
		if (p->criteria)
			str_addf(&s, ": %s", p->criteria);
		option_add(options, severity_name(&c->config->severity, level), s.p);
	}
	return options;
}

static json_t *options_role(struct call *c)
{
	json_t *options = json_array();

	for (size_t i = 0; i < c->config->roles.count; i++) {
		const struct role_policy *r = &c->config->roles.role[i];

		option_add(options, r->key, r->title ? r->title : r->key);
	}
	return options;
}

/* Open ones that the asker may see; none: a number is typed. */
static json_t *options_incident(struct call *c)
{
	struct incident_filter f;
	struct incident *open;
	json_t *options = NULL;
	size_t n;

	incident_filter_init(&f);
	f.open_only = true;
	f.limit = INCIDENTS_MAX;
	protected_filter(c, c->actor, &f);
	if (incident_find(c->store, c->arena, &f, &open, &n, &c->err) < 0)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		if (c->has_incident && open[i].id == c->incident.id)
			continue;
		if (!options)
			options = json_array();
		protected_looked(c, &open[i], c->actor);
		option_add(options, arena_printf(c->arena, "#%lld", (long long)open[i].id),
			arena_printf(c->arena, "%s %s", words_id(c, open[i].id), open[i].title));
	}
	return options;
}

/* The issue too: the one that it has, to be unlinked, else a new one. */
static json_t *options_issue(struct call *c, const struct arg_def *d)
{
	json_t *options = options_incident(c);
	bool part = !strcmp(d->name, "from"), has;
	struct reference ref;
	struct issue_record rec;

	if (!c->config->issue.url || !c->has_incident)
		return options;
	has = issue_get(c, &ref, &rec) == 0;
	if (has != part)
		return options;
	if (!options)
		options = json_array();
	if (part)
		option_add(options, ISSUE_SYSTEM, rec.name ? rec.name : "its issue, which is not created yet");
	else
		option_add(options, "new", "a new issue in Jira");
	return options;
}

static json_t *options_of(struct call *c, const struct arg_def *d)
{
	json_t *options;

	if (d->type == ARG_INCIDENT)
		return d->flags & ARG_ISSUE ? options_issue(c, d) : options_incident(c);
	if (strcmp(field_types[d->type], "choice"))
		return NULL;
	if (d->type == ARG_SEVERITY)
		return options_severity(c);
	if (d->type == ARG_ROLE)
		return options_role(c);
	options = json_array();
	if (d->type == ARG_OPERATION) {
		for (size_t i = 0; operations[i]; i++)
			if (!(operations[i]->flags & OP_INTERNAL))
				option_add(options, operations[i]->name, operations[i]->name);
		return options;
	}
	for (const char *const *ch = d->choices; ch && *ch; ch++)
		option_add(options, *ch, *ch);
	return options;
}

static const char *label_of(struct call *c, const struct arg_def *d)
{
	char *label = arena_strdup(c->arena, d->label ? d->label : d->name);

	if (label[0] >= 'a' && label[0] <= 'z')
		label[0] = (char)(label[0] - 'a' + 'A');
	return label;
}

static void field_add(
	struct call *c, json_t *form, const struct arg_def *d, const struct arg_value *v)
{
	char *value = v->given ? arena_strdup(c->arena, v->text) : NULL;
	json_t *options = options_of(c, d);
	const char *type = d->type == ARG_INCIDENT && options ? "choice" : field_types[d->type];
	json_t *field;

	if (c->op->prefill)
		c->op->prefill(c, d->name, &value);
	field = form_field(form, d->name, label_of(c, d), type, value, d->help,
		!(d->flags & ARG_REQUIRED), options);
	if (d->flags & ARG_LONG)
		json_object_set_new(field, "multiline", json_true());
}

/* "INC-42: severity"; the platform's limits on titles are its adapter's. */
static const char *title_of(struct call *c)
{
	if (!c->has_incident)
		return arena_printf(c->arena, "%c%s", c->op->name[0] - 'a' + 'A', c->op->name + 1);
	return arena_printf(c->arena, "%s: %s", words_id(c, c->incident.id), c->op->name);
}

json_t *form_of(struct call *c)
{
	json_t *form = form_new(title_of(c), c->op->name, c->has_incident ? c->incident.id : 0,
		arena_printf(c->arena, "%c%s", c->op->name[0] - 'a' + 'A', c->op->name + 1));
	json_t *kept = json_object();

	for (size_t i = 0; c->op->args && c->op->args[i].name; i++) {
		const struct arg_def *d = &c->op->args[i];

		if (!(d->flags & ARG_NO_FORM))
			field_add(c, form, d, &c->value[i]);
		else if (c->value[i].given)
			json_object_set_new(kept, d->name, json_string(c->value[i].text));
	}
	if (json_object_size(kept) > 0)
		json_object_set(form, "args", kept);
	json_decref(kept);
	if (c->understood)
		json_object_set_new(form, "intro", json_string(c->understood));
	return form;
}
