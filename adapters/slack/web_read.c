#include "adapters/slack/web.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The published rates. A method that is not here is not called. */
static const struct web_method methods[] = {
	/* name, reads, app_token, per minute, by channel */
	{ "apps.connections.open", true, true, 0, false }, /* its owner backs off by itself */
	{ "auth.test", true, false, 0, false },
	{ "bookmarks.add", false, false, 20, false },
	{ "bookmarks.list", true, false, 20, false },
	{ "chat.getPermalink", true, false, 0, false },
	{ "chat.postEphemeral", false, false, 100, false },
	{ "chat.postMessage", false, false, 0, true },
	{ "chat.update", false, false, 50, false },
	{ "conversations.create", false, false, 20, false },
	{ "conversations.history", true, false, 50, false },
	{ "conversations.info", true, false, 50, false },
	{ "conversations.invite", false, false, 50, false },
	{ "conversations.join", false, false, 50, false },
	{ "conversations.kick", false, false, 50, false },
	{ "conversations.list", true, false, 20, false },
	{ "conversations.open", false, false, 50, false },
	{ "conversations.rename", false, false, 20, false },
	{ "conversations.replies", true, false, 50, false },
	{ "conversations.setTopic", false, false, 20, false },
	{ "files.completeUploadExternal", false, false, 100, false },
	{ "files.getUploadURLExternal", true, false, 100, false },
	{ "pins.add", false, false, 20, false },
	{ "users.info", true, false, 100, false },
	{ "views.open", false, false, 100, false },
	{ "views.publish", false, false, 100, false },
};

const struct web_method *web_method_find(const char *name)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
		if (strcmp(methods[i].name, name) == 0)
			return &methods[i];
	}
	return NULL;
}

/* Sorted by name. What is not here was refused: Slack says ok:false only for what it did not do,
 * but for the two errors of its own. */
static const struct web_error {
	const char *name;
	enum web_class class;
} errors[] = {
	{ "access_denied", WEB_TOKEN },
	{ "accesslimited", WEB_RETRY },
	{ "account_inactive", WEB_TOKEN },
	{ "already_archived", WEB_ALREADY },
	{ "already_in_channel", WEB_ALREADY },
	{ "already_pinned", WEB_ALREADY },
	{ "already_reacted", WEB_ALREADY },
	{ "cant_invite_self", WEB_ALREADY },
	{ "deprecated_endpoint", WEB_LACKING },
	{ "ekm_access_denied", WEB_LACKING },
	{ "fatal_error", WEB_UNKNOWN },
	{ "feature_not_enabled", WEB_LACKING },
	{ "internal_error", WEB_UNKNOWN },
	{ "invalid_auth", WEB_TOKEN },
	{ "method_deprecated", WEB_LACKING },
	{ "missing_scope", WEB_LACKING },
	{ "no_permission", WEB_LACKING },
	{ "not_allowed_token_type", WEB_TOKEN },
	{ "not_authed", WEB_TOKEN },
	{ "org_login_required", WEB_RETRY },
	{ "paid_teams_only", WEB_LACKING },
	{ "rate_limited", WEB_RETRY },
	{ "ratelimited", WEB_RETRY },
	{ "request_timeout", WEB_RETRY }, /* "the POST data was missing or truncated" */
	{ "service_unavailable", WEB_UNKNOWN },
	{ "team_added_to_org", WEB_RETRY },
	{ "team_disabled", WEB_TOKEN },
	{ "token_expired", WEB_TOKEN },
	{ "token_revoked", WEB_TOKEN },
	{ "unknown_method", WEB_LACKING },
	{ "user_removed_from_team", WEB_TOKEN },
};

static int web_error_compare(const void *name, const void *entry)
{
	return strcmp(name, ((const struct web_error *)entry)->name);
}

enum web_class web_error_class(const char *error, bool reads)
{
	const struct web_error *found = bsearch(error, errors, sizeof(errors) / sizeof(*errors),
		sizeof(*errors), web_error_compare);
	enum web_class class = found ? found->class : WEB_REFUSED;

	/* A read that may have been done is a read that can be done again. */
	return class == WEB_UNKNOWN && reads ? WEB_RETRY : class;
}

static void web_text(struct web_reading *out, const char *start, const char *what)
{
	struct str s;

	str_init(&s, sizeof(out->text) - 1);
	str_addf(&s, "%s%s", start, what);
	memcpy(out->text, s.p, s.len + 1);
	str_finish(&s);
}

static void web_unsure(struct web_reading *out, bool reads, const char *why)
{
	out->class = reads ? WEB_RETRY : WEB_UNKNOWN;
	web_text(out, "Slack's answer ", why);
}

/* "invalid_blocks: [ERROR] …; …", and what a missing scope is called. */
static void web_explain(struct web_reading *out)
{
	json_t *messages = json_get_arr(json_get_obj(out->body, "response_metadata"), "messages");
	const char *needed = json_get_str(out->body, "needed");
	struct str s;
	json_t *m;
	size_t at;

	str_init(&s, sizeof(out->text) - 1);
	str_addf(&s, "Slack says %s", out->error);
	if (needed)
		str_addf(&s, " (needs %s)", needed);
	json_array_foreach(messages, at, m)
	{
		if (json_string_value(m))
			str_addf(&s, "%s%s", at ? "; " : ": ", json_string_value(m));
	}
	memcpy(out->text, s.p, s.len + 1);
	str_finish(&s);
}

static void web_read_body(struct web_reading *out, bool reads, const char *p, size_t n)
{
	const char *error;
	json_t *ok;

	if (json_parse(p, n, WEB_RESPONSE_MAX, &out->body, NULL) != 0) {
		web_unsure(out, reads, "is no JSON that can be read");
		return;
	}
	ok = json_object_get(out->body, "ok");
	error = json_get_str(out->body, "error");
	if (json_is_true(ok)) {
		out->class = WEB_OK;
	} else if (!json_is_false(ok) || !error || !*error) {
		web_unsure(out, reads, "says neither yes nor no");
	} else {
		snprintf(out->error, sizeof(out->error), "%s", error);
		out->class = web_error_class(out->error, reads);
		web_explain(out);
	}
}

static void web_read_status(struct web_reading *out, bool reads, int status)
{
	char what[64];

	snprintf(what, sizeof(what), "HTTP status %d", status);
	web_text(out, "Slack answered with ", what);
	if (status >= 500)
		out->class = reads ? WEB_RETRY : WEB_UNKNOWN;
	else if (status == 413 || status == 414)
		out->class = WEB_REFUSED;
	else /* a proxy, a wrong URL: not done, and somebody may mend it */
		out->class = WEB_RETRY;
}

void web_read(bool reads, enum http_result result, int status, const char *error_text,
	const char *p, size_t n, struct web_reading *out)
{
	*out = (struct web_reading){ .class = WEB_RETRY };
	switch (result) {
	case HTTP_NOT_SENT:
		web_text(out, "Slack cannot be reached: ", error_text);
		return;
	case HTTP_UNKNOWN:
		out->class = reads ? WEB_RETRY : WEB_UNKNOWN;
		web_text(out, "Slack's answer was lost: ", error_text);
		return;
	case HTTP_ANSWERED:
		break;
	}
	if (status == 429) {
		snprintf(out->error, sizeof(out->error), "ratelimited");
		web_text(out, "Slack says ", "to slow down");
	} else if (status >= 200 && status < 300) {
		web_read_body(out, reads, p, n);
	} else {
		web_read_status(out, reads, status);
	}
}

static void form_add(struct str *out, const char *s)
{
	static const char plain[] = "-_.~";

	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		bool keep = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    (c >= '0' && c <= '9') || strchr(plain, c);

		if (keep)
			str_addc(out, *s);
		else
			str_addf(out, "%%%02X", c);
	}
}

void web_args_form(struct str *out, json_t *args)
{
	const char *key;
	json_t *value;

	json_object_foreach(args, key, value)
	{
		char number[32];
		const char *text = json_string_value(value);

		if (json_is_integer(value)) {
			snprintf(number, sizeof(number), "%lld",
				(long long)json_integer_value(value));
			text = number;
		} else if (json_is_boolean(value)) {
			text = json_is_true(value) ? "true" : "false";
		}
		if (!text)
			continue;
		if (out->len)
			str_addc(out, '&');
		form_add(out, key);
		str_addc(out, '=');
		form_add(out, text);
	}
}
