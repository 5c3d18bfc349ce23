/* Rules that no single key can judge. Each points at the value that breaks it. */
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/duration.h"
#include "config/listen.h"
#include "config/loader.h"

/* The value at a dotted path. Never NULL: without one, the map above it. */
static const struct node *tree_at(struct loader *l, const struct node *tree, const char *path)
{
	while (*path) {
		size_t n = strcspn(path, ".");
		const struct node *next = node_get(tree, arena_strndup(l->scratch, path, n));
		if (!next)
			return tree;
		tree = next;
		path += n + (path[n] == '.');
	}
	return tree;
}

static const struct node *level_at(struct loader *l, const struct node *tree, int level,
	const char *key)
{
	return tree_at(l, tree, arena_printf(l->scratch, "severity.levels.%d.%s", level, key));
}

/* ---- severity ----------------------------------------------------------------------------- */

static void check_cadence(struct loader *l, const struct node *tree, const struct severity_table *t)
{
	static const struct {
		int level;
		int64_t most_ms;
	} bound[] = { { 1, 30 * MINUTE_MS }, { 2, HOUR_MS } };

	for (size_t i = 0; i < sizeof(bound) / sizeof(bound[0]); i++) {
		struct str most;
		if (t->level[bound[i].level].cadence_ms <= bound[i].most_ms)
			continue;
		str_init_arena(&most, l->scratch, 40);
		duration_format(&most, bound[i].most_ms);
		report_error(l->report, level_at(l, tree, bound[i].level, "cadence"),
			"severity.levels.%d.cadence: level %d is updated at least every %s",
			bound[i].level, bound[i].level, most.p);
	}
}

static void check_targets(struct loader *l, const struct node *tree, const struct severity_table *t)
{
	for (int i = SEVERITY_WORST; i <= SEVERITY_LEAST; i++)
		if (t->level[i].resolve_ms && t->level[i].resolve_ms < t->level[i].respond_ms)
			report_error(l->report, level_at(l, tree, i, "resolve"),
				"severity.levels.%d.resolve: cannot be sooner than respond", i);
}

/* A word that must be the only one of its kind, and where it stands. */
struct claim {
	const char *word, *owner;
	const struct node *at;
};

static void claim_check(struct loader *l, const struct claim *claims, size_t count, const char *what)
{
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < i; k++) {
			if (strcasecmp(claims[i].word, claims[k].word) != 0 ||
				strcmp(claims[i].owner, claims[k].owner) == 0)
				continue;
			/* Of a shipped word and a written one, the written one can be changed. */
			const struct claim *c = claims[i].at->source->shipped ? &claims[k] : &claims[i];
			const struct claim *other = c == &claims[i] ? &claims[k] : &claims[i];
			report_error(l->report, c->at, "\"%s\" already means %s %s", c->word, what,
				other->owner);
			break;
		}
}

static const struct node *entry_at(const struct node *list, size_t i)
{
	return list->kind == NODE_LIST && i < list->count ? list->item[i] : list;
}

static void check_severity_names(struct loader *l, const struct node *tree,
	const struct severity_table *t)
{
	struct claim claims[SEVERITY_COUNT * SEVERITY_NAMES_MAX];
	size_t n = 0;

	for (int level = SEVERITY_WORST; level <= SEVERITY_LEAST; level++) {
		const struct node *names = level_at(l, tree, level, "names");
		const char *owner = arena_printf(l->scratch, "%d", level);
		for (size_t i = 0; i < SEVERITY_NAMES_MAX && t->level[level].names[i]; i++)
			claims[n++] = (struct claim){ t->level[level].names[i], owner,
				entry_at(names, i) };
	}
	claim_check(l, claims, n, "level");
}

/* ---- roles -------------------------------------------------------------------------------- */

static void check_roles(struct loader *l, const struct node *tree, const struct role_table *t)
{
	struct claim claims[ROLE_MAX * (ROLE_NAMES_MAX + 2)];
	const struct node *roles = tree_at(l, tree, "roles.roles");
	bool commander = false;
	size_t n = 0;

	for (size_t i = 0; i < t->count; i++) {
		const struct role_policy *role = &t->role[i];
		if (!role->key)
			continue;
		const struct node *here = node_get(roles, role->key);
		const struct node *names = here ? node_get(here, "names") : NULL;
		if (!here)
			here = roles;
		if (strcmp(role->key, ROLE_COMMANDER) == 0)
			commander = true;
		claims[n++] = (struct claim){ role->key, role->key, here };
		if (role->title)
			claims[n++] = (struct claim){ role->title, role->key,
				tree_at(l, here, "title") };
		for (size_t k = 0; k < ROLE_NAMES_MAX && role->names[k]; k++)
			claims[n++] = (struct claim){ role->names[k], role->key,
				names ? entry_at(names, k) : here };
	}
	claim_check(l, claims, n, "the role");
	if (t->count && !commander)
		report_error(l->report, roles,
			"roles.roles: the role \"%s\" must be there: promises and handovers rest on it",
			ROLE_COMMANDER);
}

/* ---- reminders ---------------------------------------------------------------------------- */

static void check_ladders(struct loader *l, const struct node *tree, const struct config *c)
{
	for (size_t kind = 0; kind < PROMISE_KIND_COUNT; kind++) {
		const struct ladder *ladder = &c->ladder[kind];
		const char *name = promise_kind_name((enum promise_kind)kind);
		const struct node *list = tree_at(l, tree,
			arena_printf(l->scratch, "reminders.ladders.%s", name));
		for (size_t i = 1; i < ladder->count; i++)
			if (ladder->step[i].offset_ms <= ladder->step[i - 1].offset_ms)
				report_error(l->report, tree_at(l, entry_at(list, i), "at"),
					"reminders.ladders.%s.%zu.at: not later than the step before it; "
					"steps ascend",
					name, i + 1);
	}
	for (size_t i = 1; i < c->followups.remind.count; i++)
		if (c->followups.remind.step[i].offset_ms <= c->followups.remind.step[i - 1].offset_ms)
			report_error(l->report,
				tree_at(l, entry_at(tree_at(l, tree, "followups.remind"), i), "at"),
				"followups.remind.%zu.at: not later than the step before it; steps ascend",
				i + 1);
	if (c->snooze_ms > c->snooze_max_ms)
		report_error(l->report, tree_at(l, tree, "reminders.snooze"),
			"reminders.snooze: longer than reminders.snooze_max");
}

/* ---- escalation, access, delivery --------------------------------------------------------- */

static bool rule_waits(enum engage_reason r)
{
	return r == ENGAGE_OPEN_LONG || r == ENGAGE_NOT_IDENTIFIED;
}

static void check_rules(struct loader *l, const struct node *rules, const struct tier *t, size_t tier)
{
	for (size_t i = 0; i < t->rule_count; i++) {
		const struct tier_rule *r = &t->rule[i];
		const struct node *at = entry_at(rules, i);

		if (rule_waits(r->reason) && !r->after_ms)
			report_error(l->report, at,
				"escalation.tiers.%zu.engage.%zu: \"%s\" needs after: 2h, say", tier, i + 1,
				engage_reason_name(r->reason));
		if (!rule_waits(r->reason) && r->reason != ENGAGE_SEVERITY && r->after_ms)
			report_error(l->report, tree_at(l, at, "after"),
				"escalation.tiers.%zu.engage.%zu.after: \"%s\" is said by somebody and "
				"waits for nothing",
				tier, i + 1, engage_reason_name(r->reason));
		for (size_t k = 0; k < i; k++)
			if (t->rule[k].reason == r->reason && t->rule[k].severity == r->severity)
				report_error(l->report, at,
					"escalation.tiers.%zu.engage.%zu: rule %zu has this reason and "
					"level already",
					tier, i + 1, k + 1);
	}
}

static void check_tiers(struct loader *l, const struct node *tree, const struct escalation_chain *e)
{
	const struct node *tiers = tree_at(l, tree, "escalation.tiers");

	for (size_t i = 0; i < e->count; i++) {
		check_rules(l, tree_at(l, entry_at(tiers, i), "engage"), &e->tier[i], i + 1);
		for (size_t k = 0; k < i; k++)
			if (e->tier[i].name && e->tier[k].name &&
				strcasecmp(e->tier[i].name, e->tier[k].name) == 0)
				report_error(l->report, tree_at(l, entry_at(tiers, i), "name"),
					"escalation.tiers.%zu.name: \"%s\" is tier %zu already", i + 1,
					e->tier[i].name, k + 1);
	}
}

static const struct access_role *access_role_find(const struct access_policy *p, const char *name)
{
	for (size_t i = 0; i < p->role_count; i++)
		if (p->role[i].name && strcmp(p->role[i].name, name) == 0)
			return &p->role[i];
	return NULL;
}

static void role_unknown(struct loader *l, const struct node *at, const struct access_policy *p,
	const char *where, const char *role)
{
	struct nearest near;

	nearest_init(&near, role);
	for (size_t i = 0; i < p->role_count; i++)
		if (p->role[i].name)
			nearest_try(&near, p->role[i].name);
	if (near.best)
		report_error(l->report, at, "%s: there is no role \"%s\"; did you mean \"%s\"?", where,
			role, near.best);
	else
		report_error(l->report, at, "%s: there is no role \"%s\" in rbac.roles", where, role);
}

static void check_access(struct loader *l, const struct node *tree, const struct access_policy *p)
{
	const struct node *bindings = tree_at(l, tree, "rbac.bindings");
	bool admin = false;

	for (size_t i = 0; i < p->binding_count; i++) {
		const struct access_binding *b = &p->binding[i];
		if (!b->role || !b->person)
			continue;
		const struct node *at = node_get(bindings, b->person);
		if (!access_role_find(p, b->role))
			role_unknown(l, at ? at : bindings, p, "rbac.bindings", b->role);
		else if (access_allows(p, b->person, "incident.admin"))
			admin = true;
	}
	if (!admin && l->report->errors == 0)
		report_warn(l->report, bindings,
			"rbac.bindings: nobody is bound to a role with incident.admin");
}

/* What is shorter can be tried out. */
#define TOKEN_SECRET_MIN 20

static void check_tokens(struct loader *l, const struct node *tree, const struct access_policy *p)
{
	const struct node *tokens = tree_at(l, tree, "rbac.tokens");

	for (size_t i = 0; i < p->token_count; i++) {
		const struct access_token *t = &p->token[i];
		const struct node *at = t->name ? node_get(tokens, t->name) : NULL;

		if (!at)
			at = tokens;
		if (t->role && !access_role_find(p, t->role))
			role_unknown(l, tree_at(l, at, "role"), p, "rbac.tokens", t->role);
		if (t->secret && strlen(t->secret) < TOKEN_SECRET_MIN)
			report_error(l->report, tree_at(l, at, "secret"),
				"rbac.tokens.%s.secret: what is in it has less than %d characters", t->name,
				TOKEN_SECRET_MIN);
		for (size_t k = 0; t->secret && k < i; k++)
			if (p->token[k].secret && strcmp(p->token[k].secret, t->secret) == 0)
				report_error(l->report, tree_at(l, at, "secret"),
					"rbac.tokens.%s.secret: is the same as that of \"%s\"", t->name,
					p->token[k].name);
	}
}

static void check_delivery(struct loader *l, const struct node *tree, const struct config *c)
{
	const struct node *retry = tree_at(l, tree, "delivery.retry");

	for (size_t i = 0; i < c->retry_count; i++) {
		if (i && c->retry_ms[i] < c->retry_ms[i - 1])
			report_error(l->report, entry_at(retry, i),
				"delivery.retry.%zu: shorter than the wait before it", i + 1);
		if (c->retry_ms[i] > c->retry_max_ms)
			report_error(l->report, entry_at(retry, i),
				"delivery.retry.%zu: longer than delivery.retry_max", i + 1);
	}
}

/* ---- messages ----------------------------------------------------------------------------- */

static void check_template(struct loader *l, const struct node *at, const char *text)
{
	char name[TEMPLATE_NAME_MAX + 1];
	struct nearest near;

	if (!text || !template_unknown(text, name))
		return;
	if (name[0] == '{') {
		report_error(l->report, at, "\"%s\" does not end: }} is missing", name);
		return;
	}
	nearest_init(&near, name);
	for (int v = 0; v < TEMPLATE_VARIABLE_COUNT; v++)
		nearest_try(&near, template_variable_name((enum template_variable)v));
	if (near.best)
		report_error(l->report, at, "there is no variable {{%s}}; did you mean {{%s}}?", name,
			near.best);
	else
		report_error(l->report, at, "there is no variable {{%s}}; the file shipped as "
			"config/messages.yml lists all", name);
}

static void check_messages(struct loader *l, const struct node *tree, const struct config *c)
{
	static const char *const name[TEMPLATE_COUNT] = {
		[TEMPLATE_FIRST] = "first", [TEMPLATE_UPDATE] = "update",
		[TEMPLATE_RESOLUTION] = "resolution",
	};

	for (size_t i = 0; i < TEMPLATE_COUNT; i++) {
		const struct node *here = tree_at(l, tree,
			arena_printf(l->scratch, "messages.%s", name[i]));
		const struct node *body = tree_at(l, here, "body");

		check_template(l, tree_at(l, here, "subject"), c->message[i].subject);
		for (size_t k = 0; k < c->message[i].count; k++)
			check_template(l, entry_at(body, k), c->message[i].line[k]);
	}
}

static void check_token(struct loader *l, const struct node *tree, const char *path,
	const char *token, const char *prefix, const char *other)
{
	const struct node *at = tree_at(l, tree, path);

	if (!token || strncmp(token, prefix, strlen(prefix)) == 0)
		return;
	if (strncmp(token, other, strlen(other)) == 0)
		report_error(l->report, at, "%s: begins with \"%s\"; the two tokens are swapped",
			path, other);
	else
		report_warn(l->report, at, "%s: does not begin with \"%s\"", path, prefix);
}

static void check_listen(struct loader *l, const struct node *tree, const char *listen)
{
	const struct node *at = tree_at(l, tree, "http.listen");
	struct listen_address address;

	if (!listen)
		return;
	if (!listen_parse(listen, &address))
		report_error(l->report, at,
			"http.listen: \"%s\" is not an address in numbers and a port, such as "
			"127.0.0.1:8085 or [::1]:8085",
			report_quote(l->report, listen, strlen(listen)));
	else if (!address.loopback)
		report_warn(l->report, at,
			"http.listen: other machines reach it, and it speaks no TLS; a reverse proxy on "
			"this machine and a loopback address are safer");
}

void loader_check(struct loader *l, const struct node *tree, const struct config *c)
{
	check_token(l, tree, "slack.app_token", c->slack.app_token, "xapp-", "xoxb-");
	check_token(l, tree, "slack.bot_token", c->slack.bot_token, "xoxb-", "xapp-");
	check_listen(l, tree, c->http.listen);
	check_delivery(l, tree, c);
	check_cadence(l, tree, &c->severity);
	check_targets(l, tree, &c->severity);
	check_severity_names(l, tree, &c->severity);
	check_roles(l, tree, &c->roles);
	check_ladders(l, tree, c);
	check_tiers(l, tree, &c->escalation);
	check_access(l, tree, &c->access);
	check_tokens(l, tree, &c->access);
	check_messages(l, tree, c);
	loader_check_jira(l, tree_at(l, tree, "jira"), c);
}
