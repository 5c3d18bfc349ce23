#include "adapters/http_client.h"

#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "adapters/io_private.h"
#include "base/log.h"

#define CONNECT_TIMEOUT_MS 5000
#define TOTAL_TIMEOUT_MS   15000
#define RESPONSE_MAX       ((size_t)4 << 20)
#define RETRY_AFTER_MAX_MS INT64_C(3600000)
#define CONNECTIONS_KEPT   16L

/*
 * The happy path of a call is: http_start → running → curl says done → on_done.
 * http_cancel, http_client_stop: running → ended → (from the loop) on_done.
 */
struct http_client {
	struct io *io;
	CURLM *multi;
	uv_timer_t timer;             /* curl's */
	struct io_timer *ended_timer; /* hands out what was cancelled */
	struct http_call *running, *ended;
	struct http_socket *sockets;
};

struct http_socket {
	uv_poll_t poll;
	curl_socket_t fd;
	struct http_client *client;
	struct http_socket *next; /* client.sockets */
};

enum { CALL_IDLE, CALL_RUNNING, CALL_ENDED };

static void client_link(struct http_call **list, struct http_call *call)
{
	call->prev = NULL;
	call->next = *list;
	if (*list)
		(*list)->prev = call;
	*list = call;
}

static void client_unlink(struct http_call **list, struct http_call *call)
{
	if (call->prev)
		call->prev->next = call->next;
	else
		*list = call->next;
	if (call->next)
		call->next->prev = call->prev;
	call->prev = call->next = NULL;
}

/* ---- the answer ------------------------------------------------------------------------- */

static size_t on_response_body(char *p, size_t size, size_t n, void *ctx)
{
	struct http_call *call = ctx;
	str_addn(&call->response, p, size * n);
	if (!call->response.cut)
		return size * n;
	call->too_large = true;
	return 0;
}

static size_t on_response_header(char *p, size_t size, size_t n, void *ctx)
{
	struct http_call *call = ctx;
	size_t len = size * n;
	if (len >= 5 && memcmp(p, "HTTP/", 5) == 0)
		str_reset(&call->head); /* an interim answer (100) came before */
	else
		str_addn(&call->head, p, len);
	return len;
}

bool http_call_header(const struct http_call *call, const char *name, char *out, size_t size)
{
	bool found = false;
	size_t name_len = strlen(name);
	const char *line = call->head.p ? call->head.p : "";
	while (*line) {
		size_t len = strcspn(line, "\r\n");
		if (len > name_len && line[name_len] == ':' &&
			strncasecmp(line, name, name_len) == 0) {
			const char *value = line + name_len + 1, *end = line + len;
			while (value < end && (*value == ' ' || *value == '\t'))
				value++;
			while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
				end--;
			size_t n = (size_t)(end - value);
			if (n >= size)
				n = size - 1;
			memcpy(out, value, n);
			out[n] = '\0';
			found = true;
		}
		line += len;
		line += strspn(line, "\r\n");
	}
	return found;
}

/* Retry-After: seconds or a date (RFC 9110 §10.2.3). A date is compared with the server's own Date,
 * where it gives one: our clock may be wrong. */
static int64_t answer_retry_after(const struct http_call *call)
{
	char text[64], date[64];
	if (!http_call_header(call, "Retry-After", text, sizeof(text)))
		return 0;
	int64_t ms = 0;
	if (isdigit((unsigned char)text[0])) {
		char *end;
		errno = 0;
		double seconds = strtod(text, &end);
		if (*end || errno || !(seconds < 1e9))
			return 0;
		ms = (int64_t)(seconds * 1000);
	} else {
		time_t then = curl_getdate(text, NULL), now = (time_t)-1;
		if (http_call_header(call, "Date", date, sizeof(date)))
			now = curl_getdate(date, NULL);
		if (now == (time_t)-1)
			now = time(NULL);
		if (then == (time_t)-1)
			return 0;
		ms = ((int64_t)then - (int64_t)now) * 1000;
	}
	if (ms < 0)
		return 0;
	return ms > RETRY_AFTER_MAX_MS ? RETRY_AFTER_MAX_MS : ms;
}

static const struct {
	CURLcode code;
	int error;
	const char *text;
} failures[] = {
	{ CURLE_COULDNT_RESOLVE_HOST, -ENOENT, "no such host" },
	{ CURLE_COULDNT_RESOLVE_PROXY, -ENOENT, "no such proxy" },
	{ CURLE_COULDNT_CONNECT, -ECONNREFUSED, "cannot connect" },
	{ CURLE_OPERATION_TIMEDOUT, -ETIMEDOUT, "no answer in time" },
	{ CURLE_SSL_CONNECT_ERROR, -EPROTO, "TLS failed" },
	{ CURLE_PEER_FAILED_VERIFICATION, -EPROTO, "the server's certificate is not trusted" },
	{ CURLE_SSL_CACERT_BADFILE, -EPROTO, "the CA file cannot be read" },
	{ CURLE_WEIRD_SERVER_REPLY, -EPROTO, "the answer is no HTTP" },
	{ CURLE_UNSUPPORTED_PROTOCOL, -EPROTO, "the answer is no HTTP" },
	{ CURLE_GOT_NOTHING, -ECONNRESET, "the server closed without answering" },
	{ CURLE_SEND_ERROR, -ECONNRESET, "the connection broke while sending" },
	{ CURLE_SEND_FAIL_REWIND, -ECONNRESET, "the connection broke while sending" },
	{ CURLE_RECV_ERROR, -ECONNRESET, "the connection broke while reading the answer" },
	{ CURLE_PARTIAL_FILE, -ECONNRESET, "the answer is incomplete" },
};

static void call_explain(struct http_call *call, CURLcode code)
{
	const char *text = curl_easy_strerror(code);
	call->error = -EIO;
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++)
		if (failures[i].code == code) {
			call->error = failures[i].error;
			text = failures[i].text;
		}
	if (call->too_large) {
		call->error = -EMSGSIZE;
		snprintf(call->error_text, sizeof(call->error_text),
			"the answer is larger than %zu bytes", call->response.max);
		return;
	}
	struct error e;
	error_set(
		&e, call->error, "%s%s%s", text, call->curl_error[0] ? ": " : "", call->curl_error);
	snprintf(call->error_text, sizeof(call->error_text), "%.*s",
		(int)sizeof(call->error_text) - 1, e.text);
}

/* ---- a call's life ---------------------------------------------------------------------- */

static bool call_may_have_arrived(const struct http_call *call)
{
	long sent = 0;
	curl_easy_getinfo(call->easy, CURLINFO_REQUEST_SIZE, &sent);
	return sent > 0 || call->body_at > 0;
}

/* Takes the call away from curl; what curl knows about it must have been copied before. */
static void call_detach(struct http_client *client, struct http_call *call)
{
	curl_multi_remove_handle(client->multi, call->easy);
	curl_easy_cleanup(call->easy);
	curl_slist_free_all(call->list);
	call->easy = NULL;
	call->list = NULL;
}

static void call_done(struct http_call *call)
{
	call->state = CALL_IDLE;
	str_add(&call->response, ""); /* p is there even when nothing came */
	call->on_done(call);
}

static void call_ended(struct http_client *client, struct http_call *call, CURLcode code)
{
	long status = 0;
	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	call->status = (int)status;
	if (code == CURLE_OK) {
		call->result = HTTP_ANSWERED;
		call->retry_after_ms = answer_retry_after(call);
	} else {
		call->result = call_may_have_arrived(call) ? HTTP_UNKNOWN : HTTP_NOT_SENT;
		call_explain(call, code);
	}
	call_detach(client, call);
	client_unlink(&client->running, call);
	call_done(call);
}

static void call_cancel(struct http_client *client, struct http_call *call)
{
	call->result = call_may_have_arrived(call) ? HTTP_UNKNOWN : HTTP_NOT_SENT;
	call->error = -ECANCELED;
	snprintf(call->error_text, sizeof(call->error_text), "%s",
		client->io->stopping ? "cancelled: shutting down" : "cancelled");
	call_detach(client, call);
	client_unlink(&client->running, call);
	client_link(&client->ended, call);
	call->state = CALL_ENDED;
	io_timer_start(client->ended_timer, 0);
}

static void on_ended(void *ctx)
{
	struct http_client *client = ctx;
	while (client->ended) {
		struct http_call *call = client->ended;
		client_unlink(&client->ended, call);
		call_done(call);
	}
}

/* ---- curl on the loop ------------------------------------------------------------------- */

static void client_collect(struct http_client *client)
{
	int left;
	CURLMsg *message;
	while ((message = curl_multi_info_read(client->multi, &left))) {
		if (message->msg != CURLMSG_DONE)
			continue;
		struct http_call *call = NULL;
		CURLcode code = message->data.result; /* message dies with the handle */
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
		call_ended(client, call, code);
	}
}

static void client_action(struct http_client *client, curl_socket_t fd, int events)
{
	int running;
	curl_multi_socket_action(client->multi, fd, events, &running);
	client_collect(client);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct http_socket *s = poll->data;
	int flags = status < 0 ? CURL_CSELECT_ERR : 0;
	if (events & UV_READABLE)
		flags |= CURL_CSELECT_IN;
	if (events & UV_WRITABLE)
		flags |= CURL_CSELECT_OUT;
	client_action(s->client, s->fd, flags);
}

static void on_socket_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void socket_unwatch(struct http_client *client, curl_socket_t fd)
{
	for (struct http_socket **at = &client->sockets; *at; at = &(*at)->next)
		if ((*at)->fd == fd) {
			struct http_socket *s = *at;
			*at = s->next;
			uv_poll_stop(&s->poll);
			uv_close((uv_handle_t *)&s->poll, on_socket_closed);
			return;
		}
}

/* Before the number can be given to another socket: the loop takes only one watch for each. */
static int on_close_socket(void *ctx, curl_socket_t fd)
{
	socket_unwatch(ctx, fd);
	return close(fd);
}

static struct http_socket *socket_create(struct http_client *client, curl_socket_t fd)
{
	struct http_socket *s = adapters_alloc(sizeof(*s));
	s->fd = fd;
	s->client = client;
	s->poll.data = s;
	int rc = uv_poll_init_socket(&client->io->loop, &s->poll, fd);
	if (rc) {
		log_warn("http", "cannot watch a connection: %s", uv_strerror(rc));
		free(s);
		return NULL;
	}
	s->next = client->sockets;
	client->sockets = s;
	curl_multi_assign(client->multi, fd, s);
	return s;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket)
{
	(void)easy;
	struct http_client *client = ctx;
	struct http_socket *s = socket;
	if (what == CURL_POLL_REMOVE) {
		if (s) {
			curl_multi_assign(client->multi, fd, NULL);
			socket_unwatch(client, fd);
		}
		return 0;
	}
	/* Unwatched, the call runs into its time-out and says so; nothing better can be done from
	 * here. */
	if (!s && !(s = socket_create(client, fd)))
		return 0;
	int events =
		(what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
	uv_poll_start(&s->poll, events, on_poll);
	return 0;
}

static void on_curl_timer(uv_timer_t *timer)
{
	client_action(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static int on_curl_timeout(CURLM *multi, long ms, void *ctx)
{
	(void)multi;
	struct http_client *client = ctx;
	if (uv_is_closing((uv_handle_t *)&client->timer))
		return 0;
	if (ms < 0)
		uv_timer_stop(&client->timer);
	else
		uv_timer_start(&client->timer, on_curl_timer, (uint64_t)ms, 0);
	return 0;
}

static struct http_client *client_create(struct io *io)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT))
		abort();
	struct http_client *client = adapters_alloc(sizeof(*client));
	client->io = io;
	client->multi = curl_multi_init();
	if (!client->multi)
		abort();
	uv_timer_init(&io->loop, &client->timer);
	client->timer.data = client;
	client->ended_timer = io_timer_create(io, on_ended, client);
	curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
	curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, on_curl_timeout);
	curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
	curl_multi_setopt(
		client->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)HTTP_CONNECTIONS_PER_HOST);
	curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_KEPT);
	return client;
}

void http_client_stop(struct http_client *client)
{
	if (!client)
		return;
	while (client->running)
		call_cancel(client, client->running);
}

bool http_client_idle(const struct http_client *client)
{
	return !client || (!client->running && !client->ended);
}

void http_client_finish(struct http_client *client)
{
	if (!client || !client->multi)
		return;
	http_client_stop(client); /* none is left, unless a callback did not come back in time */
	on_ended(client);
	uv_close((uv_handle_t *)&client->timer, NULL);
	io_timer_destroy(client->ended_timer);
	curl_multi_cleanup(client->multi);
	client->multi = NULL;
}

void http_client_destroy(struct http_client *client)
{
	if (!client)
		return;
	free(client);
	curl_global_cleanup();
}

/* ---- starting --------------------------------------------------------------------------- */

static size_t on_request_body(char *p, size_t size, size_t n, void *ctx)
{
	struct http_call *call = ctx;
	size_t left = call->body_len - call->body_at, room = size * n;
	size_t take = left < room ? left : room;
	if (take)
		memcpy(p, call->body + call->body_at, take);
	call->body_at += take;
	return take;
}

/* curl sends a request again by itself when a kept connection dies before any answer. With a body
 * on its way that could do the thing twice; refusing to rewind makes it an error, for the caller to
 * look into. */
static int on_request_rewind(void *ctx, curl_off_t offset, int origin)
{
	const struct http_call *call = ctx;
	return offset == 0 && origin == SEEK_SET && call->body_at == 0 ? CURL_SEEKFUNC_OK
								       : CURL_SEEKFUNC_FAIL;
}

static bool header_clean(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return false;
	return true;
}

static int call_add_header(
	struct http_call *call, const char *name, const char *value, struct error *err)
{
	if (!header_clean(name) || !header_clean(value))
		return error_set(
			err, -EINVAL, "the value of header %s has control characters", name);
	struct str line STR_CLEANUP = { 0 };
	str_init(&line, 8192);
	/* "Name:" alone would make curl leave the header out; ";" is its way to send an empty
	 * one. */
	str_addf(&line, *value ? "%s: %s" : "%s;%s", name, value);
	if (line.cut)
		return error_set(err, -EINVAL, "header %s is too long", name);
	struct curl_slist *list = curl_slist_append(call->list, line.p);
	if (!list)
		abort();
	call->list = list;
	return 0;
}

static int call_add_headers(struct http_call *call, struct error *err)
{
	int rc = 0;
	if (call->bearer) {
		struct str value STR_CLEANUP = { 0 };
		str_init(&value, 8000);
		str_addf(&value, "Bearer %s", call->bearer);
		rc = call_add_header(call, "Authorization", value.p, err);
	}
	if (!rc && call->content_type)
		rc = call_add_header(call, "Content-Type", call->content_type, err);
	for (size_t i = 0; !rc && i < HTTP_HEADERS_MAX && call->headers[i].name; i++)
		rc = call_add_header(call, call->headers[i].name, call->headers[i].value, err);
	if (!rc && call->body) {
		/* curl would wait a second for "100 Continue" before a large body. */
		call->list = curl_slist_append(call->list, "Expect:");
	}
	return rc;
}

static int64_t or_default(int64_t value, int64_t otherwise)
{
	return value > 0 ? value : otherwise;
}

static void call_set_body(struct http_call *call)
{
	CURL *easy = call->easy;
	curl_easy_setopt(easy, CURLOPT_POST, 1L);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_len);
	curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_request_body);
	curl_easy_setopt(easy, CURLOPT_READDATA, call);
	curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_request_rewind);
	curl_easy_setopt(easy, CURLOPT_SEEKDATA, call);
}

/* curl trusts a CA file instead of the system's; here it is besides. */
static CURLcode on_tls(CURL *easy, void *tls, void *ctx)
{
	(void)easy, (void)ctx;
	return SSL_CTX_set_default_verify_paths(tls) == 1 ? CURLE_OK : CURLE_SSL_CERTPROBLEM;
}

static int call_set(struct http_call *call, struct error *err)
{
	CURL *easy = call->easy;
	CURLU *url = curl_url();
	CURLUcode bad = curl_url_set(url, CURLUPART_URL, call->url, CURLU_DISALLOW_USER);
	curl_url_cleanup(url);
	/* The URL may carry a secret (a response URL does), so it is not repeated here. */
	if (bad)
		return error_set(err, -EINVAL, "not a usable URL: %s", curl_url_strerror(bad));
	curl_easy_setopt(easy, CURLOPT_URL, call->url);
	if (curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https"))
		abort();
	if (strncasecmp(call->url, "http://", 7) && strncasecmp(call->url, "https://", 8))
		return error_set(err, -EINVAL, "not a usable URL: only http and https are");
	int rc = call_add_headers(call, err);
	if (rc)
		return rc;
	if (call->body)
		call_set_body(call);
	else if (call->method && strcmp(call->method, "HEAD") == 0)
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	if (call->method)
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call->method);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->list);
	if (call->ca_file) {
		curl_easy_setopt(easy, CURLOPT_CAINFO, call->ca_file);
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
		curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_tls);
	}
	return 0;
}

static void call_set_fixed(struct http_call *call)
{
	CURL *easy = call->easy;
	curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* never wait for the resolver's thread */
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "sitrep");
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->curl_error);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_response_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_response_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close_socket);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, call->io->http);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
		(long)or_default(call->connect_timeout_ms, CONNECT_TIMEOUT_MS));
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS,
		(long)or_default(call->total_timeout_ms, TOTAL_TIMEOUT_MS));
}

int http_start(struct io *io, struct http_call *call, struct error *err)
{
	if (io->stopping)
		return error_set(err, -ESHUTDOWN, "shutting down");
	if (!io->http)
		io->http = client_create(io);
	call->io = io;
	call->result = HTTP_NOT_SENT;
	call->error = call->status = 0;
	call->retry_after_ms = 0;
	call->error_text[0] = call->curl_error[0] = '\0';
	call->body_at = 0;
	call->too_large = false;
	call->list = NULL;
	str_init(&call->response, call->response_max ? call->response_max : RESPONSE_MAX);
	str_init(&call->head, HTTP_HEAD_MAX);
	call->easy = curl_easy_init();
	if (!call->easy)
		abort();
	call_set_fixed(call);
	int rc = call_set(call, err);
	if (!rc && curl_multi_add_handle(io->http->multi, call->easy))
		rc = error_set(err, -EINVAL, "curl does not take the request");
	if (rc) {
		curl_easy_cleanup(call->easy);
		curl_slist_free_all(call->list);
		call->easy = NULL;
		call->list = NULL;
		http_call_finish(call);
		return rc;
	}
	client_link(&io->http->running, call);
	call->state = CALL_RUNNING;
	return 0;
}

void http_cancel(struct http_call *call)
{
	if (call->state == CALL_RUNNING)
		call_cancel(call->io->http, call);
}

void http_call_finish(struct http_call *call)
{
	str_finish(&call->response);
	str_finish(&call->head);
	call->response = call->head = (struct str){ 0 };
}
