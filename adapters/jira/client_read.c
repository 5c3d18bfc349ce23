/* What an answer of Jira means: the pure half of client.h. */
#include <stdio.h>
#include <string.h>

#include "adapters/jira/client.h"
#include "base/str.h"

#define WORDS_MAX 300

static void read_text(struct rest_reading *out, const char *start, const char *what)
{
	struct str STR_CLEANUP s = { 0 };

	str_init(&s, sizeof(out->text) - 1);
	str_addf(&s, "%s%s", start, what);
	memcpy(out->text, s.p, s.len + 1);
}

static void add_words(struct str *s, const char *field, const char *words)
{
	if (!words || !*words)
		return;
	if (s->len)
		str_addc(s, ' ');
	/* "Team is required." names it already; "required" does not. */
	if (field && !strchr(words, ' '))
		str_addf(s, "%s: ", field);
	str_add(s, words);
}

/* errorMessages, and errors by field: what Jira says to a refusal. */
static void read_words(struct str *s, const json_t *body)
{
	const char *field;
	json_t *v;
	size_t at;

	json_array_foreach(json_get_arr(body, "errorMessages"), at, v)
		add_words(s, NULL, json_string_value(v));
	json_object_foreach(json_get_obj(body, "errors"), field, v)
		add_words(s, field, json_string_value(v));
	if (!s->len)
		add_words(s, NULL, json_get_str(body, "message"));
}

static bool is_jiras(const json_t *body)
{
	return json_get_arr(body, "errorMessages") || json_get_obj(body, "errors");
}

static void read_refusal(struct rest_reading *out, int status)
{
	struct str STR_CLEANUP words = { 0 };
	char start[64];

	str_init(&words, WORDS_MAX);
	read_words(&words, out->body);
	snprintf(start, sizeof(start), "Jira answered %d%s", status, words.len ? ": " : "");
	read_text(out, words.len ? "Jira says: " : start, words.p);
}

static const struct {
	int status;
	enum rest_class class;
} statuses[] = {
	{ 401, REST_TOKEN },
	{ 403, REST_FORBIDDEN },
	{ 404, REST_GONE },
	{ 408, REST_UNKNOWN },
	{ 409, REST_CONFLICT },
	{ 410, REST_GONE },
	{ 425, REST_RETRY },
	{ 429, REST_RETRY },
};

static enum rest_class status_class(int status)
{
	for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
		if (statuses[i].status == status)
			return statuses[i].class;
	}
	if (status >= 500)
		return REST_UNKNOWN;
	return status >= 400 ? REST_REFUSED : REST_RETRY;
}

/* Is it perhaps not Jira that says no? */
static bool doubtful(const struct rest_reading *out, int status, size_t n)
{
	if (out->class == REST_GONE || out->class == REST_FORBIDDEN)
		return true;
	return out->class == REST_REFUSED && status != 413 && n && !out->body;
}

static void read_failure(struct rest_reading *out, int status, size_t n)
{
	out->class = status_class(status);
	if (status == 401)
		read_text(out, "Jira does not accept the token", "");
	else if (status == 429)
		read_text(out, "Jira says to slow down", "");
	else
		read_refusal(out, status);
	/* A proxy, a login page, a base URL that is not Jira's: somebody may mend it. But a body
	 * that is too large for whoever stands before Jira stays too large. */
	if (!is_jiras(out->body) && doubtful(out, status, n)) {
		char what[96];

		snprintf(what, sizeof(what), "%d, but not in Jira's words: is jira.url right?",
			status);
		read_text(out, "an answer came with status ", what);
		out->class = REST_RETRY;
	}
}

/* 204 and some 201 have no body. */
static void read_success(struct rest_reading *out, bool reads, size_t n)
{
	if (out->body || (!reads && !n)) {
		out->class = REST_OK;
		return;
	}
	out->class = REST_UNKNOWN;
	read_text(out, "Jira's answer is no JSON that can be read", "");
}

void rest_read(bool reads, enum http_result result, int status, bool denied, const char *error_text,
	const char *p, size_t n, struct rest_reading *out)
{
	*out = (struct rest_reading){ .class = REST_RETRY };
	switch (result) {
	case HTTP_NOT_SENT:
		read_text(out, "Jira cannot be reached: ", error_text);
		return;
	case HTTP_UNKNOWN:
		out->class = REST_UNKNOWN;
		read_text(out, "Jira's answer was lost: ", error_text);
		break;
	case HTTP_ANSWERED:
		json_parse(p, n, REST_RESPONSE_MAX, &out->body, NULL);
		if (status >= 200 && status < 300)
			read_success(out, reads, n);
		else
			read_failure(out, status, n);
		if (denied && status >= 400 && status < 500) {
			out->class = REST_TOKEN;
			read_text(out, "Jira does not accept the login", "");
		}
		break;
	}
	/* A read that may have been done is a read that can be done again. */
	if (reads && out->class == REST_UNKNOWN)
		out->class = REST_RETRY;
}

void rest_escape(struct str *out, const char *s)
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

void rest_base64(struct str *out, const char *p, size_t n)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < n; i += 3) {
		uint32_t three = 0;

		for (size_t k = 0; k < 3; k++)
			three = three << 8 | (i + k < n ? (unsigned char)p[i + k] : 0u);
		for (size_t k = 0; k < 4; k++)
			str_addc(out, i + k > n ? '=' : digits[three >> (18 - 6 * k) & 63]);
	}
}
