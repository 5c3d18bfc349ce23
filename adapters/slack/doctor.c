/* `sitrep doctor` for Slack: asks, one call after the other, whether all is there that a first
 * incident will need. Blocking, and apart from the loop: it runs instead of the bot, not inside it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "adapters/slack/scopes.h"
#include "adapters/slack/slack.h"
#include "adapters/slack/web.h"
#include "adapters/visit.h"
#include "base/log.h"

#define PAGES_MAX	20
#define SKEW_NOTE_S	60
#define SCOPES_MAX	8192

struct doctor {
	const struct config *config;
	void (*line)(void *ctx, enum verdict verdict, const char *text);
	void *ctx;
	int bad;
};

struct asked {
	struct visit visit;
	char scopes[SCOPES_MAX]; /* x-oauth-scopes; "" = not said */
	struct web_reading reading;
};

static void say(struct doctor *d, enum verdict verdict, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void say(struct doctor *d, enum verdict verdict, const char *fmt, ...)
{
	struct str text;
	va_list ap;

	str_init(&text, 2000);
	va_start(ap, fmt);
	str_vaddf(&text, fmt, ap);
	va_end(ap);
	d->bad += verdict == VERDICT_BAD;
	d->line(d->ctx, verdict, text.p);
	str_finish(&text);
}

/* One read call; a is to be finished by the caller. args taken over. */
static void ask(struct doctor *d, struct asked *a, const char *method, const char *token, json_t *args_take)
{
	struct str url, form, bearer;
	struct visit *v = &a->visit;

	*a = (struct asked){ 0 };
	str_init(&url, 2000);
	str_init(&form, 2000);
	str_init(&bearer, 5000);
	str_addf(&url, "%s%s", d->config->slack.api_url, method);
	str_addf(&bearer, "Bearer %s", token);
	web_args_form(&form, args_take);
	json_decref(args_take);
	v->url = url.p;
	v->form = form.p;
	v->authorization = bearer.p;
	v->ca_file = d->config->slack.ca_file;
	v->response_max = WEB_RESPONSE_MAX;
	visit_make(v);
	visit_header(v, "x-oauth-scopes", a->scopes, sizeof(a->scopes));
	web_read(true, v->result, v->status, v->error, v->body.p, v->body.len, &a->reading);
	str_finish(&url);
	str_finish(&form);
	str_finish(&bearer);
}

static void asked_finish(struct asked *a)
{
	visit_finish(&a->visit);
	json_decref(a->reading.body);
}

static bool token_sound(struct doctor *d, const char *token, const char *what, const char *start)
{
	if (!token || !*token) {
		say(d, VERDICT_BAD, "Slack %s token: there is none", what);
	} else if (strncmp(token, start, strlen(start)) != 0) {
		say(d, VERDICT_BAD,
			"Slack %s token: it must begin with %s; this is another kind of token",
			what, start);
	} else {
		return true;
	}
	return false;
}

/* "a,b,c" has "b". */
static bool scopes_have(const char *scopes, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = scopes; *p;) {
		p += strspn(p, ", ");
		size_t len = strcspn(p, ", ");

		if (len == n && strncmp(p, name, n) == 0)
			return true;
		p += len;
	}
	return false;
}

static void examine_scopes(struct doctor *d, const char *scopes)
{
	size_t missing = 0;

	if (!*scopes) {
		say(d, VERDICT_NOTE, "Slack scopes: Slack does not say which there are");
		return;
	}
	for (size_t i = 0; i < slack_scope_count; i++) {
		const struct slack_scope *s = &slack_scopes[i];

		if (scopes_have(scopes, s->name))
			continue;
		missing++;
		say(d, s->needed ? VERDICT_BAD : VERDICT_NOTE, "Slack scope %s is missing: %s", s->name,
			s->cost);
	}
	if (!missing)
		say(d, VERDICT_GOOD, "Slack scopes: all %zu are there", slack_scope_count);
	else
		say(d, VERDICT_NOTE,
			"add scopes under OAuth & Permissions (`sitrep manifest` lists them), then "
			"reinstall the app");
}

static void examine_clock(struct doctor *d, int64_t theirs)
{
	int64_t skew = theirs ? (int64_t)time(NULL) - theirs : 0;

	if (skew > SKEW_NOTE_S || skew < -SKEW_NOTE_S)
		say(d, VERDICT_NOTE,
			"clock: it differs from Slack's by %lld s; promised times will be off",
			(long long)skew);
}

static bool examine_bot(struct doctor *d)
{
	struct asked a;
	bool good;

	if (!token_sound(d, d->config->slack.bot_token, "bot", "xoxb-"))
		return false;
	ask(d, &a, "auth.test", d->config->slack.bot_token, json_object());
	good = a.reading.class == WEB_OK;
	if (good) {
		const char *team = json_get_str(a.reading.body, "team");
		const char *user = json_get_str(a.reading.body, "user");

		say(d, VERDICT_GOOD, "Slack bot token: @%s in %s", user ? user : "?",
			team ? team : "?");
		examine_scopes(d, a.scopes);
	} else {
		say(d, VERDICT_BAD, "Slack bot token: %s", a.reading.text);
	}
	examine_clock(d, a.visit.date);
	asked_finish(&a);
	return good;
}

/* The connection itself goes to another host than the calls, perhaps with another certificate. What
 * stands behind the question mark lets one in, and is not shown. */
static void examine_connection(struct doctor *d, const char *url)
{
	char why[256];
	int shown = (int)strcspn(url, "?");

	if (visit_connect(url, d->config->slack.ca_file, why, sizeof(why)))
		say(d, VERDICT_GOOD, "Slack app token: Socket Mode gives a connection");
	else
		say(d, VERDICT_BAD, "Slack connection: %.*s cannot be reached: %s", shown, url, why);
}

static void examine_socket(struct doctor *d)
{
	struct asked a;
	const char *url;

	if (!token_sound(d, d->config->slack.app_token, "app", "xapp-"))
		return;
	ask(d, &a, "apps.connections.open", d->config->slack.app_token, json_object());
	url = json_get_str(a.reading.body, "url");
	if (a.reading.class == WEB_OK && url)
		examine_connection(d, url);
	else if (a.reading.class == WEB_OK)
		say(d, VERDICT_BAD, "Slack app token: Socket Mode gives no URL");
	else
		say(d, VERDICT_BAD,
			"Slack app token: %s (it needs the scope connections:write, and Socket "
			"Mode switched on)",
			a.reading.text);
	asked_finish(&a);
}

/* The channel object of that name (or id); new reference, NULL when it is not there. */
static json_t *channel_by_name(struct doctor *d, const char *name, struct web_reading *why)
{
	char cursor[256] = "";
	json_t *found = NULL;

	for (int page = 0; page < PAGES_MAX && !found; page++) {
		struct asked a;
		json_t *channel;
		const char *next;
		size_t at;

		ask(d, &a, "conversations.list", d->config->slack.bot_token,
			json_pack("{s:i, s:b, s:s, s:s}", "limit", 500, "exclude_archived", 1,
				"types", "public_channel,private_channel", "cursor", cursor));
		json_array_foreach(json_get_arr(a.reading.body, "channels"), at, channel)
		{
			const char *theirs = json_get_str(channel, "name");
			const char *id = json_get_str(channel, "id");

			if ((theirs && strcmp(theirs, name) == 0) || (id && strcmp(id, name) == 0))
				found = json_incref(channel);
		}
		next = json_get_str(
			json_get_obj(a.reading.body, "response_metadata"), "next_cursor");
		snprintf(cursor, sizeof(cursor), "%s", next ? next : "");
		*why = a.reading;
		asked_finish(&a);
		why->body = NULL;
		if (!*cursor)
			break;
	}
	return found;
}

static void examine_announce(struct doctor *d)
{
	const char *name = d->config->slack.announce_channel;
	struct web_reading why = { 0 };
	json_t *channel;

	if (!name || !*name) {
		say(d, VERDICT_NOTE, "slack.announce_channel: none; incidents are announced nowhere");
		return;
	}
	name += *name == '#';
	channel = channel_by_name(d, name, &why);
	if (!channel && why.class != WEB_OK)
		say(d, VERDICT_BAD, "slack.announce_channel: #%s cannot be looked up: %s", name,
			why.text);
	else if (!channel)
		say(d, VERDICT_BAD,
			"slack.announce_channel: there is no #%s that I can see; create it, or "
			"invite me if it is private",
			name);
	else if (!json_get_bool(channel, "is_member", true))
		say(d, VERDICT_NOTE,
			"slack.announce_channel: I am not in #%s; I will try to join it. To be "
			"sure: /invite me there",
			name);
	else
		say(d, VERDICT_GOOD, "slack.announce_channel: #%s", name);
	json_decref(channel);
}

int slack_doctor(const struct config *config,
	void (*line)(void *ctx, enum verdict verdict, const char *text), void *ctx)
{
	struct doctor d = { .config = config, .line = line, .ctx = ctx };

	if (examine_bot(&d))
		examine_announce(&d);
	examine_socket(&d);
	return d.bad;
}
