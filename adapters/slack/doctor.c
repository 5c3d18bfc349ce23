/* `sitrep doctor` for Slack: asks, one call after the other, whether all is there that a first
 * incident will need. Blocking, and apart from the loop: it runs instead of the bot, not inside it.
 */
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "adapters/slack/scopes.h"
#include "adapters/slack/slack.h"
#include "adapters/slack/web.h"
#include "base/log.h"

#define CALL_SECONDS	10L
#define CONNECT_SECONDS 5L
#define PAGES_MAX	20
#define SKEW_NOTE_S	60
#define SCOPES_MAX	8192

struct doctor {
	const struct config *config;
	void (*line)(void *ctx, enum slack_verdict verdict, const char *text);
	void *ctx;
	int bad;
};

struct visit {
	struct str body;
	char scopes[SCOPES_MAX]; /* x-oauth-scopes; "" = not said */
	int64_t date;		 /* s; 0 = not said */
	struct web_reading reading;
};

static void say(struct doctor *d, enum slack_verdict verdict, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void say(struct doctor *d, enum slack_verdict verdict, const char *fmt, ...)
{
	struct str text;
	va_list ap;

	str_init(&text, 2000);
	va_start(ap, fmt);
	str_vaddf(&text, fmt, ap);
	va_end(ap);
	d->bad += verdict == SLACK_BAD;
	d->line(d->ctx, verdict, text.p);
	str_finish(&text);
}

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
	struct visit *v = ctx;

	str_addn(&v->body, p, size * n);
	return v->body.cut ? 0 : size * n;
}

static bool header_is(const char *p, size_t n, const char *name, char *value, size_t size)
{
	size_t len = strlen(name);

	if (n <= len || strncasecmp(p, name, len) != 0 || p[len] != ':')
		return false;
	for (p += len + 1, n -= len + 1; n && *p == ' '; p++)
		n--;
	while (n && (p[n - 1] == '\r' || p[n - 1] == '\n'))
		n--;
	snprintf(value, size, "%.*s", (int)n, p);
	return true;
}

static size_t on_header(char *p, size_t size, size_t n, void *ctx)
{
	struct visit *v = ctx;
	char date[100];

	n *= size;
	header_is(p, n, "x-oauth-scopes", v->scopes, sizeof(v->scopes));
	if (header_is(p, n, "date", date, sizeof(date))) {
		time_t at = curl_getdate(date, NULL);

		v->date = at > 0 ? at : 0;
	}
	return n;
}

static struct curl_slist *visit_headers(const char *token)
{
	struct str auth;
	struct curl_slist *out;

	str_init(&auth, 1000);
	str_addf(&auth, "Authorization: Bearer %s", token);
	out = curl_slist_append(NULL, auth.p);
	str_finish(&auth);
	return curl_slist_append(out, "Content-Type: application/x-www-form-urlencoded");
}

static void visit_options(
	struct doctor *d, CURL *easy, struct visit *v, const char *url, const char *form)
{
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT, CALL_SECONDS);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)strlen(form));
	curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, form);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, v);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, v);
	if (d->config->slack.ca_file)
		curl_easy_setopt(easy, CURLOPT_CAINFO, d->config->slack.ca_file);
}

/* One read call; v is to be finished by the caller. args taken over. */
static void visit(
	struct doctor *d, struct visit *v, const char *method, const char *token, json_t *args_take)
{
	CURL *easy = curl_easy_init();
	struct curl_slist *headers = visit_headers(token);
	struct str url, form;
	long status = 0;
	CURLcode rc;

	*v = (struct visit){ 0 };
	str_init(&v->body, WEB_RESPONSE_MAX);
	str_init(&url, 2000);
	str_init(&form, 2000);
	str_addf(&url, "%s%s", d->config->slack.api_url, method);
	web_args_form(&form, args_take);
	json_decref(args_take);
	if (!easy || !headers)
		abort();
	visit_options(d, easy, v, url.p, form.p);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	rc = curl_easy_perform(easy);
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	web_read(true, rc == CURLE_OK ? HTTP_ANSWERED : HTTP_NOT_SENT, (int)status,
		curl_easy_strerror(rc), v->body.p, v->body.len, &v->reading);
	curl_slist_free_all(headers);
	curl_easy_cleanup(easy);
	str_finish(&url);
	str_finish(&form);
}

static void visit_finish(struct visit *v)
{
	str_finish(&v->body);
	json_decref(v->reading.body);
}

static bool token_sound(struct doctor *d, const char *token, const char *what, const char *start)
{
	if (!token || !*token) {
		say(d, SLACK_BAD, "Slack %s token: there is none", what);
	} else if (strncmp(token, start, strlen(start)) != 0) {
		say(d, SLACK_BAD,
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
		say(d, SLACK_NOTE, "Slack scopes: Slack does not say which there are");
		return;
	}
	for (size_t i = 0; i < slack_scope_count; i++) {
		const struct slack_scope *s = &slack_scopes[i];

		if (scopes_have(scopes, s->name))
			continue;
		missing++;
		say(d, s->needed ? SLACK_BAD : SLACK_NOTE, "Slack scope %s is missing: %s", s->name,
			s->cost);
	}
	if (!missing)
		say(d, SLACK_GOOD, "Slack scopes: all %zu are there", slack_scope_count);
	else
		say(d, SLACK_NOTE,
			"add scopes under OAuth & Permissions (`sitrep manifest` lists them), then "
			"reinstall the app");
}

static void examine_clock(struct doctor *d, int64_t theirs)
{
	int64_t skew = theirs ? (int64_t)time(NULL) - theirs : 0;

	if (skew > SKEW_NOTE_S || skew < -SKEW_NOTE_S)
		say(d, SLACK_NOTE,
			"clock: it differs from Slack's by %lld s; promised times will be off",
			(long long)skew);
}

static bool examine_bot(struct doctor *d)
{
	struct visit v;
	bool good;

	if (!token_sound(d, d->config->slack.bot_token, "bot", "xoxb-"))
		return false;
	visit(d, &v, "auth.test", d->config->slack.bot_token, json_object());
	good = v.reading.class == WEB_OK;
	if (good) {
		const char *team = json_get_str(v.reading.body, "team");
		const char *user = json_get_str(v.reading.body, "user");

		say(d, SLACK_GOOD, "Slack bot token: @%s in %s", user ? user : "?",
			team ? team : "?");
		examine_scopes(d, v.scopes);
	} else {
		say(d, SLACK_BAD, "Slack bot token: %s", v.reading.text);
	}
	examine_clock(d, v.date);
	visit_finish(&v);
	return good;
}

static void examine_socket(struct doctor *d)
{
	struct visit v;
	const char *url;

	if (!token_sound(d, d->config->slack.app_token, "app", "xapp-"))
		return;
	visit(d, &v, "apps.connections.open", d->config->slack.app_token, json_object());
	url = json_get_str(v.reading.body, "url");
	if (v.reading.class == WEB_OK && url)
		say(d, SLACK_GOOD, "Slack app token: Socket Mode gives a connection");
	else if (v.reading.class == WEB_OK)
		say(d, SLACK_BAD, "Slack app token: Socket Mode gives no URL");
	else
		say(d, SLACK_BAD,
			"Slack app token: %s (it needs the scope connections:write, and Socket "
			"Mode switched on)",
			v.reading.text);
	visit_finish(&v);
}

/* The channel object of that name (or id); new reference, NULL when it is not there. */
static json_t *channel_by_name(struct doctor *d, const char *name, struct web_reading *why)
{
	char cursor[256] = "";
	json_t *found = NULL;

	for (int page = 0; page < PAGES_MAX && !found; page++) {
		struct visit v;
		json_t *channel;
		const char *next;
		size_t at;

		visit(d, &v, "conversations.list", d->config->slack.bot_token,
			json_pack("{s:i, s:b, s:s, s:s}", "limit", 500, "exclude_archived", 1,
				"types", "public_channel,private_channel", "cursor", cursor));
		json_array_foreach(json_get_arr(v.reading.body, "channels"), at, channel)
		{
			const char *theirs = json_get_str(channel, "name");
			const char *id = json_get_str(channel, "id");

			if ((theirs && strcmp(theirs, name) == 0) || (id && strcmp(id, name) == 0))
				found = json_incref(channel);
		}
		next = json_get_str(
			json_get_obj(v.reading.body, "response_metadata"), "next_cursor");
		snprintf(cursor, sizeof(cursor), "%s", next ? next : "");
		*why = v.reading;
		visit_finish(&v);
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
		say(d, SLACK_NOTE, "slack.announce_channel: none; incidents are announced nowhere");
		return;
	}
	name += *name == '#';
	channel = channel_by_name(d, name, &why);
	if (!channel && why.class != WEB_OK)
		say(d, SLACK_BAD, "slack.announce_channel: #%s cannot be looked up: %s", name,
			why.text);
	else if (!channel)
		say(d, SLACK_BAD,
			"slack.announce_channel: there is no #%s that I can see; create it, or "
			"invite me if it is private",
			name);
	else if (!json_get_bool(channel, "is_member", true))
		say(d, SLACK_NOTE,
			"slack.announce_channel: I am not in #%s; I will try to join it. To be "
			"sure: /invite me there",
			name);
	else
		say(d, SLACK_GOOD, "slack.announce_channel: #%s", name);
	json_decref(channel);
}

int slack_doctor(const struct config *config,
	void (*line)(void *ctx, enum slack_verdict verdict, const char *text), void *ctx)
{
	struct doctor d = { .config = config, .line = line, .ctx = ctx };

	if (examine_bot(&d))
		examine_announce(&d);
	examine_socket(&d);
	return d.bad;
}
