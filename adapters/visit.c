#include "adapters/visit.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CALL_SECONDS	10L
#define CONNECT_SECONDS 5L

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
	struct visit *v = ctx;

	str_addn(&v->body, p, size * n);
	return v->body.cut ? 0 : size * n;
}

/* What does not fit is not looked for. */
static size_t on_header(char *p, size_t size, size_t n, void *ctx)
{
	struct visit *v = ctx;

	/* Of several answers (100 Continue, a proxy's) the last one counts. */
	if (size * n >= 5 && memcmp(p, "HTTP/", 5) == 0)
		str_reset(&v->head);
	str_addn(&v->head, p, size * n);
	return size * n;
}

bool visit_header(const struct visit *v, const char *name, char *out, size_t size)
{
	size_t len = strlen(name);

	for (const char *p = v->head.p; p && *p;) {
		size_t line = strcspn(p, "\r\n");
		if (line > len && strncasecmp(p, name, len) == 0 && p[len] == ':') {
			size_t skip = len + 1 + strspn(p + len + 1, " \t");
			snprintf(out, size, "%.*s", skip < line ? (int)(line - skip) : 0, p + skip);
			return true;
		}
		p += line + strspn(p + line, "\r\n");
	}
	return false;
}

static void set_common(CURL *easy, const char *url, const char *ca_file)
{
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT, CALL_SECONDS);
	if (ca_file)
		curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
}

static struct curl_slist *headers_of(const struct visit *v)
{
	struct curl_slist *out = NULL;
	struct str line;

	if (v->authorization) {
		str_init(&line, 16384);
		str_addf(&line, "Authorization: %s", v->authorization);
		out = curl_slist_append(out, line.p);
		str_finish(&line);
	}
	if (v->form)
		out = curl_slist_append(out, "Content-Type: application/x-www-form-urlencoded");
	return curl_slist_append(out, "Accept: application/json");
}

static int64_t date_of(const struct visit *v)
{
	char text[100];
	time_t at = visit_header(v, "date", text, sizeof(text)) ? curl_getdate(text, NULL) : 0;

	return at > 0 ? at : 0;
}

void visit_make(struct visit *v)
{
	CURL *easy = curl_easy_init();
	struct curl_slist *headers = headers_of(v);
	long status = 0;

	str_init(&v->body, v->response_max);
	str_init(&v->head, VISIT_HEAD_MAX);
	if (!easy || !headers)
		abort();
	set_common(easy, v->url, v->ca_file);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, v);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, v);
	if (v->form) {
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)strlen(v->form));
		curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, v->form);
	}
	CURLcode rc = curl_easy_perform(easy);
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	v->status = (int)status;
	v->result = rc == CURLE_OK ? HTTP_ANSWERED : HTTP_NOT_SENT;
	snprintf(v->error, sizeof(v->error), "%s", rc == CURLE_OK ? "" : curl_easy_strerror(rc));
	v->date = date_of(v);
	curl_slist_free_all(headers);
	curl_easy_cleanup(easy);
}

void visit_finish(struct visit *v)
{
	str_finish(&v->body);
	str_finish(&v->head);
}

bool visit_connect(const char *url, const char *ca_file, char *why, size_t size)
{
	CURL *easy = curl_easy_init();
	struct str address;

	if (!easy)
		abort();
	str_init(&address, 2000);
	/* The doors are the same: ws is http until its upgrade. */
	str_addf(&address, "%s%s", strncmp(url, "ws", 2) == 0 ? "http" : "",
		url + (strncmp(url, "ws", 2) == 0 ? 2 : 0));
	set_common(easy, address.p, ca_file);
	curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
	CURLcode rc = curl_easy_perform(easy);
	snprintf(why, size, "%s", rc == CURLE_OK ? "" : curl_easy_strerror(rc));
	curl_easy_cleanup(easy);
	str_finish(&address);
	return rc == CURLE_OK;
}
