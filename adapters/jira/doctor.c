#include "adapters/jira/doctor.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "adapters/jira/jira.h"
#include "adapters/visit.h"
#include "base/str.h"
#include "base/text.h"

#define DOCTOR_SECONDS	 60
#define DOCTOR_ARENA_MAX (64u << 20)
#define SKEW_NOTE_S	 60
#define HOOK_PATH	 "/webhooks/jira"
#define NAMES_MAX	 600

/* ---- asking and saying -------------------------------------------------------------------- */

void doctor_say(struct doctor *d, enum verdict verdict, const char *fmt, ...)
{
	struct str text;
	va_list ap;

	str_init(&text, 2000);
	va_start(ap, fmt);
	str_vaddf(&text, fmt, ap);
	va_end(ap);
	d->bad += verdict == VERDICT_BAD;
	/* Jira's words are in it: on one line, and nothing that a terminal would obey. */
	d->line(d->ctx, verdict, text_clean(d->arena, text.p, text.len, 2000, false));
	str_finish(&text);
}

static int64_t seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

static bool login_denied(const struct visit *v)
{
	char value[200];

	return visit_header(v, "X-Seraph-LoginReason", value, sizeof(value)) &&
	       (strstr(value, "FAILED") || strstr(value, "DENIED"));
}

static void ask_at(struct doctor *d, struct diagnosis *out, const char *url)
{
	struct rest_reading reading = { 0 };
	struct visit v = { .url = url,
		.authorization = d->authorization,
		.ca_file = d->policy->ca_file,
		.response_max = REST_RESPONSE_MAX };

	*out = (struct diagnosis){ .class = REST_RETRY, .text = "Jira took too long before" };
	if (seconds() >= d->until) {
		if (!d->late)
			doctor_say(d, VERDICT_BAD,
				"Jira: it answers too slowly; what is not named here was not "
				"looked at");
		d->late = true;
		return;
	}
	visit_make(&v);
	rest_read(true, v.result, v.status, login_denied(&v), v.error, v.body.p, v.body.len,
		&reading);
	if (v.date)
		d->date = v.date;
	*out = (struct diagnosis){ .class = reading.class,
		.status = v.status,
		.text = arena_strdup(d->arena, reading.text),
		.body = reading.body };
	visit_finish(&v);
}

void doctor_ask(struct doctor *d, struct diagnosis *out, const char *fmt, ...)
{
	struct str url, path;
	va_list ap;

	str_init(&url, 4000);
	str_init(&path, 3000);
	va_start(ap, fmt);
	str_vaddf(&path, fmt, ap);
	va_end(ap);
	if (*path.p == '/')
		str_addf(&url, "%s%s", d->policy->url, path.p + 1);
	else
		str_addf(&url, "%s%s%s", d->policy->url, d->flavour->api, path.p);
	ask_at(d, out, url.p);
	str_finish(&url);
	str_finish(&path);
}

void diagnosis_finish(struct diagnosis *x)
{
	json_decref(x->body);
	x->body = NULL;
}

const char *doctor_escape(struct doctor *d, const char *s)
{
	struct str out;

	str_init_arena(&out, d->arena, 3 * strlen(s) + 1);
	rest_escape(&out, s);
	return out.p;
}

json_t *doctor_named(const json_t *list, const char *name)
{
	json_t *v;
	size_t at;

	json_array_foreach(list, at, v)
	{
		const char *theirs = json_get_str(v, "name");

		if (theirs && text_equal_fold(theirs, name))
			return v;
	}
	return NULL;
}

const char *doctor_names(struct doctor *d, const json_t *list)
{
	struct str out;
	json_t *v;
	size_t at;

	str_init_arena(&out, d->arena, NAMES_MAX);
	json_array_foreach(list, at, v)
	{
		const char *name = json_get_str(v, "name");

		if (name)
			str_addf(&out, "%s\"%s\"", out.len ? ", " : "", name);
	}
	return out.len ? out.p : "none";
}

/* ---- Jira itself, and who we are there ---------------------------------------------------- */

static void say_unreached(struct doctor *d, const struct diagnosis *x)
{
	if (x->class == REST_TOKEN)
		doctor_say(d, VERDICT_BAD, "jira.token: %s; make a new one%s", x->text,
			d->policy->flavour == ISSUE_CLOUD
				? ", and see that jira.user is the e-mail of the account it "
				  "belongs to"
				: ", and leave jira.user empty if it is a personal token");
	else
		doctor_say(d, VERDICT_BAD, "jira.url: %s: %s", d->policy->url, x->text);
}

static bool examine_flavour(struct doctor *d, const json_t *info)
{
	const char *kind = json_get_str(info, "deploymentType");
	const char *version = json_get_str(info, "version");
	bool cloud = kind && strcmp(kind, "Cloud") == 0;

	if (cloud == (d->policy->flavour == ISSUE_CLOUD)) {
		doctor_say(d, VERDICT_GOOD, "Jira: %s %s at %s", cloud ? "Cloud" : "Data Center",
			version ? version : "?", d->policy->url);
		return true;
	}
	doctor_say(d, VERDICT_BAD, "jira.flavour: this is Jira %s %s; say flavour: %s",
		cloud ? "Cloud" : "Data Center", version ? version : "?",
		cloud ? "cloud" : "datacenter");
	return false;
}

/* The version of the API that the flavour speaks may not be there at all: then the other one says
 * why. */
static bool examine_server(struct doctor *d)
{
	DIAGNOSIS_CLEANUP struct diagnosis x = { 0 }, other = { 0 };
	const struct flavour *else_ =
		flavour_of(d->policy->flavour == ISSUE_CLOUD ? ISSUE_DATA_CENTER : ISSUE_CLOUD);

	doctor_ask(d, &x, "serverInfo");
	if (x.class == REST_OK)
		return examine_flavour(d, x.body);
	if (x.status == 404) {
		doctor_ask(d, &other, "/%sserverInfo", else_->api);
		if (other.class == REST_OK)
			return examine_flavour(d, other.body);
	}
	say_unreached(d, &x);
	return false;
}

static bool examine_account(struct doctor *d)
{
	DIAGNOSIS_CLEANUP struct diagnosis x = { 0 };
	const char *name, *id, *zone;

	doctor_ask(d, &x, "myself");
	if (x.class != REST_OK) {
		say_unreached(d, &x);
		return false;
	}
	name = json_get_str(x.body, "displayName");
	id = json_get_str(x.body, d->flavour->person);
	zone = json_get_str(x.body, "timeZone");
	doctor_say(d, VERDICT_GOOD, "Jira account: %s (%s), time zone %s", name ? name : "?",
		id ? id : "?", zone ? zone : "not said");
	if (!json_get_bool(x.body, "active", true))
		doctor_say(d, VERDICT_BAD, "Jira account: it is not active");
	return true;
}

static void examine_clock(struct doctor *d)
{
	int64_t skew = d->date ? (int64_t)time(NULL) - d->date : 0;

	if (skew > SKEW_NOTE_S || skew < -SKEW_NOTE_S)
		doctor_say(d, VERDICT_NOTE,
			"clock: it differs from Jira's by %lld s; times in comments and on the "
			"timeline will not agree",
			(long long)skew);
}

static void examine_priorities(struct doctor *d)
{
	DIAGNOSIS_CLEANUP struct diagnosis x = { 0 };
	int missing = 0;

	doctor_ask(d, &x, "priority");
	if (x.class != REST_OK) {
		doctor_say(d, VERDICT_NOTE, "Jira priorities: cannot be looked at: %s", x.text);
		return;
	}
	for (int level = SEVERITY_WORST; level <= SEVERITY_LEAST; level++) {
		const char *name = d->policy->priority[level];

		if (!name || doctor_named(x.body, name))
			continue;
		missing++;
		doctor_say(d, VERDICT_BAD,
			"jira.priority.%d: there is no priority \"%s\"; there are %s", level, name,
			doctor_names(d, x.body));
	}
	if (!missing)
		doctor_say(d, VERDICT_GOOD, "Jira priorities: all are there");
}

/* ---- how changes come in ------------------------------------------------------------------ */

static const char *const wanted_events[] = {
	"jira:issue_created",
	"jira:issue_updated",
	"jira:issue_deleted",
	"comment_created",
	"comment_updated",
	"comment_deleted",
};
#define EVENT_COUNT (sizeof(wanted_events) / sizeof(wanted_events[0]))

static bool has_text(const json_t *list, const char *text)
{
	json_t *v;
	size_t at;

	json_array_foreach(list, at, v)
	{
		if (json_string_value(v) && strcmp(json_string_value(v), text) == 0)
			return true;
	}
	return false;
}

static void examine_hook(struct doctor *d, const json_t *hook)
{
	const char *name = json_get_str(hook, "name"), *url = json_get_str(hook, "url");
	const json_t *events = json_get_arr(hook, "events");
	struct str missing;

	name = name ? name : "?";
	str_init_arena(&missing, d->arena, NAMES_MAX);
	for (size_t i = 0; i < EVENT_COUNT; i++)
		if (events && !has_text(events, wanted_events[i]))
			str_addf(&missing, "%s%s", missing.len ? ", " : "", wanted_events[i]);
	if (!json_get_bool(hook, "enabled", true))
		doctor_say(d, VERDICT_BAD, "Jira webhook \"%s\": it is switched off", name);
	else if (!json_get_bool(hook, "isSigned", true))
		doctor_say(d, VERDICT_BAD,
			"Jira webhook \"%s\": it has no secret, so nothing of it is accepted; give "
			"it the one of jira.webhook_secret",
			name);
	else if (missing.len)
		doctor_say(d, VERDICT_NOTE, "Jira webhook \"%s\": it does not tell %s", name,
			missing.p);
	else
		doctor_say(d, VERDICT_GOOD,
			"Jira webhook \"%s\": %s, all events; whether its secret is ours, only "
			"a delivery can tell",
			name, url ? url : "?");
}

static bool leads_here(const char *url)
{
	size_t n = url ? strcspn(url, "?#") : 0, want = strlen(HOOK_PATH);

	return n >= want && strncmp(url + n - want, HOOK_PATH, want) == 0;
}

static const char *events_text(struct doctor *d)
{
	struct str out;

	str_init_arena(&out, d->arena, NAMES_MAX);
	for (size_t i = 0; i < EVENT_COUNT; i++)
		str_addf(&out, "%s%s", i ? ", " : "", wanted_events[i]);
	return out.p;
}

static void say_unregistered(struct doctor *d, const char *why, enum verdict verdict)
{
	doctor_say(d, verdict,
		"Jira webhook: %s; an administrator of Jira makes one: its URL leads to "
		"http.listen and ends with " HOOK_PATH
		", the secret is that of jira.webhook_secret, events %s",
		why, events_text(d));
}

static void examine_hooks(struct doctor *d)
{
	DIAGNOSIS_CLEANUP struct diagnosis x = { 0 };
	bool otherwise = d->policy->poll_ms || d->policy->relay_url;
	size_t at, found = 0;
	json_t *hook;

	doctor_ask(d, &x, "/rest/webhooks/1.0/webhook");
	if (x.class != REST_OK || !json_is_array(x.body)) {
		say_unregistered(
			d, "only administrators may see whether one is there", VERDICT_NOTE);
		return;
	}
	json_array_foreach(x.body, at, hook)
	{
		if (!leads_here(json_get_str(hook, "url")))
			continue;
		found++;
		examine_hook(d, hook);
	}
	if (!found && d->policy->relay_url)
		doctor_say(d, VERDICT_NOTE,
			"Jira webhook: none ends with " HOOK_PATH
			"; the one that feeds the relay cannot be told from others");
	else if (!found)
		say_unregistered(
			d, "none of Jira's leads here", otherwise ? VERDICT_NOTE : VERDICT_BAD);
}

static void examine_relay(struct doctor *d)
{
	char why[256];
	/* Behind the question mark may stand what lets one in. */
	const char *url =
		arena_strndup(d->arena, d->policy->relay_url, strcspn(d->policy->relay_url, "?"));

	if (visit_connect(d->policy->relay_url, d->policy->ca_file, why, sizeof(why)))
		doctor_say(d, VERDICT_GOOD,
			"Jira relay: %s can be reached; whether it takes us shows at the start",
			url);
	else
		doctor_say(d, VERDICT_BAD, "jira.relay_url: %s: %s", url, why);
	if (!d->policy->relay_token)
		doctor_say(
			d, VERDICT_NOTE, "jira.relay_token: there is none; a relay may want one");
}

static void examine_ways_in(struct doctor *d)
{
	const struct issue_policy *p = d->policy;

	if (!p->webhook_secret)
		doctor_say(d, p->poll_ms ? VERDICT_NOTE : VERDICT_BAD,
			p->poll_ms ? "jira.webhook_secret: there is none, so changes in Jira are "
				     "seen only when it "
				     "is polled"
				   : "jira: neither poll nor webhook_secret; changes in Jira are "
				     "never seen");
	else if (!d->config->http.listen && !p->relay_url)
		doctor_say(d, p->poll_ms ? VERDICT_NOTE : VERDICT_BAD,
			"http.listen: it is empty, so no webhook can come in, whatever "
			"jira.webhook_secret says");
	else
		examine_hooks(d);
	if (p->relay_url)
		examine_relay(d);
}

/* ---- all ---------------------------------------------------------------------------------- */

static bool named_before(const struct issue_policy *p, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(p->projects[k].project, p->projects[i].project) == 0)
			return true;
	return strcmp(p->project, p->projects[i].project) == 0;
}

static const char *authorization_of(struct doctor *d)
{
	struct str plain, out;

	str_init_arena(&out, d->arena, 16384);
	if (!d->policy->user) {
		str_addf(&out, "Bearer %s", d->policy->token);
		return out.p;
	}
	str_init(&plain, 8192);
	str_addf(&plain, "%s:%s", d->policy->user, d->policy->token);
	str_add(&out, "Basic ");
	rest_base64(&out, plain.p, plain.len);
	str_finish(&plain);
	return out.p;
}

static void examine(struct doctor *d)
{
	const struct issue_policy *p = d->policy;

	if (!p->token) {
		doctor_say(d, VERDICT_BAD, "jira.token: there is none");
		return;
	}
	d->authorization = authorization_of(d);
	if (!examine_server(d) || !examine_account(d))
		return;
	examine_clock(d);
	examine_priorities(d);
	doctor_project(d, p->project);
	for (size_t i = 0; i < p->project_count; i++)
		if (!named_before(p, i))
			doctor_project(d, p->projects[i].project);
	if (!access_allows(&d->config->access, "jira:somebody", "incident.write"))
		doctor_say(d, VERDICT_NOTE,
			"rbac.bindings: nobody of Jira may write here (\"jira:*\": responder), so "
			"what people change there "
			"whom jira.people does not name is not followed, only shown");
	if (p->assign && !p->people_count)
		doctor_say(d, VERDICT_NOTE,
			"jira.people: nobody is named, so no assignee is kept in step");
	examine_ways_in(d);
}

int jira_doctor(const struct config *config,
	void (*line)(void *ctx, enum verdict verdict, const char *text), void *ctx)
{
	struct doctor d = { .config = config,
		.policy = &config->issue,
		.flavour = flavour_of(config->issue.flavour),
		.line = line,
		.ctx = ctx,
		.until = seconds() + DOCTOR_SECONDS };

	if (!config->issue.url)
		return 0;
	d.arena = arena_create(DOCTOR_ARENA_MAX);
	examine(&d);
	arena_destroy(d.arena);
	return d.bad;
}
