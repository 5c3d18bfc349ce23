#include "adapters/ctl/client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "adapters/ctl/line.h"
#include "adapters/ctl/ctl.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/ulid.h"

#define TIMEOUT_MS 15000
#define AGAIN_MS   250 /* between attempts, when the program went away in the middle */
#define READ_SIZE  16384

/*
 * The happy path is: connect → send → receive a line → print.
 * When the connection is lost after the line was sent, whether it was done is unknown. The line
 * carries an id, so it is sent again until the time is up: if it was done, the stored answer comes
 * back.
 */
struct client {
	const struct ctl_client_options *options;
	int64_t deadline; /* monotonic ms */
	int fd;
	bool sent; /* in some attempt */
	struct str line, answer;
};

enum attempt { ATTEMPT_ANSWERED, ATTEMPT_AGAIN, ATTEMPT_FAILED };

/* ---- words ------------------------------------------------------------------------------ */

static bool has_blank(const char *s)
{
	return strpbrk(s, " \t\n") != NULL;
}

static bool is_option(const char *word)
{
	return strncmp(word, "--", 2) == 0 && word[2];
}

/* The language knows no escape inside quotes; a double quote in a quoted value becomes a single
 * one. */
static void add_quoted(struct str *out, const char *value)
{
	str_addc(out, '"');
	for (; *value; value++)
		str_addc(out, *value == '"' ? '\'' : *value);
	str_addc(out, '"');
}

void ctl_client_join(struct str *out, int argc, char *const argv[])
{
	for (int i = 0; i < argc; i++) {
		const char *word = argv[i], *equals = strchr(word, '=');
		bool value = i > 0 && is_option(argv[i - 1]) && !strpbrk(argv[i - 1], "= ");
		if (i > 0)
			str_addc(out, ' ');
		if (is_option(word) && equals && has_blank(equals)) {
			str_addn(out, word, (size_t)(equals - word) + 1);
			add_quoted(out, equals + 1);
		} else if (value && (has_blank(word) || !*word)) {
			add_quoted(out, word);
		} else {
			str_add(out, word);
		}
	}
}

/* ---- the socket ------------------------------------------------------------------------- */

static int client_left(const struct client *c)
{
	int64_t left = c->deadline - clock_monotonic_ms();
	return left < 0 ? 0 : left > 60000 ? 60000 : (int)left;
}

static int client_wait(const struct client *c, short events)
{
	struct pollfd p = { .fd = c->fd, .events = events };
	int rc;
	do
		rc = poll(&p, 1, client_left(c));
	while (rc < 0 && errno == EINTR);
	return rc > 0 ? 0 : rc == 0 ? -ETIMEDOUT : -errno;
}

static int explain_connect(const char *path, int code, struct error *err)
{
	struct stat st;
	switch (code) {
	case ENOENT:
		return error_set(err, -code,
			"cannot reach sitrep: there is no socket %s. Is `sitrep run` up, and with "
			"this socket path?",
			path);
	case ECONNREFUSED:
		return error_set(err, -code,
			"cannot reach sitrep: nobody listens on %s any more. Start `sitrep run`.",
			path);
	case EACCES:
	case EPERM:
		if (stat(path, &st) == 0)
			return error_set(err, -code,
				"not allowed to use %s: it belongs to uid %lu; run this as that "
				"user",
				path, (unsigned long)st.st_uid);
		return error_set(err, -code,
			"not allowed to reach %s; run this as the user that runs sitrep", path);
	default:
		return error_set(err, -code, "cannot reach sitrep on %s: %s", path, strerror(code));
	}
}

static int client_connect(struct client *c, struct error *err)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	const char *path = c->options->path;
	size_t n = strlen(path);
	if (n == 0 || n >= sizeof(at.sun_path))
		return error_set(err, -ENAMETOOLONG, "the socket path must have 1 to %zu bytes: %s",
			sizeof(at.sun_path) - 1, path);
	memcpy(at.sun_path, path, n);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0)
		return error_set(err, -errno, "cannot make a socket: %s", strerror(errno));
	if (connect(c->fd, (const struct sockaddr *)&at, sizeof(at)))
		return explain_connect(path, errno, err);
	return 0;
}

static int client_send(struct client *c)
{
	size_t at = 0;
	while (at < c->line.len) {
		ssize_t n = send(c->fd, c->line.p + at, c->line.len - at, MSG_NOSIGNAL);
		if (n >= 0) {
			at += (size_t)n;
			c->sent = true;
		} else if (errno == EAGAIN) {
			int rc = client_wait(c, POLLOUT);
			if (rc)
				return rc;
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}

/* Until the newline. -ECONNRESET: the other side went away first. */
static int client_receive(struct client *c)
{
	char buf[READ_SIZE];
	str_reset(&c->answer);
	for (;;) {
		ssize_t n = recv(c->fd, buf, sizeof(buf), 0);
		if (n == 0)
			return -ECONNRESET;
		if (n < 0 && errno == EAGAIN) {
			int rc = client_wait(c, POLLIN);
			if (rc)
				return rc;
		} else if (n < 0 && errno != EINTR) {
			return -errno;
		}
		const char *end = n > 0 ? memchr(buf, '\n', (size_t)n) : NULL;
		if (n > 0)
			str_addn(&c->answer, buf, end ? (size_t)(end - buf) : (size_t)n);
		if (c->answer.cut)
			return -EMSGSIZE;
		if (end)
			return 0;
	}
}

static enum attempt client_timed_out(const struct client *c, struct error *err)
{
	error_set(err, -ETIMEDOUT,
		"no answer from sitrep on %s in time. It may still be done: look with `sitrep ctl "
		"list` before trying again.",
		c->options->path);
	return ATTEMPT_FAILED;
}

static enum attempt client_attempt(struct client *c, struct error *err)
{
	int rc = client_connect(c, err);
	/* Once something was sent, a program that is just starting again is worth waiting for. */
	if (rc)
		return c->sent && (rc == -ENOENT || rc == -ECONNREFUSED) ? ATTEMPT_AGAIN
									 : ATTEMPT_FAILED;
	rc = client_send(c);
	/* A server that answers and closes before it read everything (busy, too long) has still
	 * answered. */
	if (rc == 0 || rc == -EPIPE || rc == -ECONNRESET)
		rc = client_receive(c);
	if (rc == 0)
		return ATTEMPT_ANSWERED;
	if (rc == -ETIMEDOUT)
		return client_timed_out(c, err);
	error_set(err, rc, "the connection to sitrep on %s was lost: %s", c->options->path,
		strerror(-rc));
	return rc == -ECONNRESET || rc == -EPIPE ? ATTEMPT_AGAIN : ATTEMPT_FAILED;
}

static enum attempt client_ask(struct client *c, struct error *err)
{
	for (;;) {
		enum attempt got = client_attempt(c, err);
		if (c->fd >= 0)
			close(c->fd);
		c->fd = -1;
		if (got != ATTEMPT_AGAIN)
			return got;
		if (client_left(c) <= AGAIN_MS)
			return client_timed_out(c, err);
		poll(NULL, 0, AGAIN_MS);
	}
}

/* ---- the answer ------------------------------------------------------------------------- */

/* Text from elsewhere on somebody's terminal: no escape sequences. */
static void print_text(FILE *f, const char *text)
{
	size_t n = strlen(text);
	for (size_t i = 0; i < n; i++) {
		unsigned char ch = (unsigned char)text[i];
		if (ch == '\n' || ch == '\t' || (ch >= 0x20 && ch != 0x7f))
			fputc(ch, f);
	}
	if (n && text[n - 1] != '\n')
		fputc('\n', f);
}

/* Of the socket itself: nobody has judged the request. */
static bool code_is_unreachable(const char *code)
{
	return code && (strcmp(code, "busy") == 0 || strcmp(code, "stopping") == 0);
}

static int client_print(const struct client *c, FILE *out, FILE *err)
{
	json_t *answer JSON_CLEANUP = NULL;
	struct error why;
	if (json_parse(c->answer.p, c->answer.len, CTL_ANSWER_MAX, &answer, &why) ||
		!json_is_boolean(json_object_get(answer, "ok"))) {
		fprintf(err, "what listens on %s does not answer as sitrep does\n",
			c->options->path);
		return CTL_UNREACHABLE;
	}
	bool ok = json_get_bool(answer, "ok", false);
	const char *text = json_get_str(answer, "text");
	if (c->options->json)
		fprintf(out, "%s\n", c->answer.p);
	else
		print_text(ok ? out : err, text ? text : "");
	if (ok)
		return CTL_DONE;
	return code_is_unreachable(json_get_str(answer, "code")) ? CTL_UNREACHABLE : CTL_REFUSED;
}

static int add_text(const char *p, size_t n, void *ctx)
{
	str_addn(ctx, p, n);
	return 0;
}

static void compose_operation(json_t *line, const struct ctl_client_options *o)
{
	json_object_set_new(line, "operation", json_string(o->operation));
	if (o->incident)
		json_object_set_new(line, "incident", json_integer(o->incident));
	if (o->args)
		json_object_set_new(line, "args", json_deep_copy(o->args));
}

static int client_compose(struct client *c, const char *words, struct error *err)
{
	char id[ULID_SIZE];
	struct clock clock;
	clock_init_system(&clock);
	ulid_make(id, clock_now(&clock));
	json_t *line JSON_CLEANUP = json_object();
	if (c->options->operation)
		compose_operation(line, c->options);
	else if (json_object_set_new(line, "words", json_string(words)))
		return error_set(err, -EILSEQ, "the command is not UTF-8");
	json_object_set_new(line, "json", json_boolean(c->options->json));
	json_object_set_new(line, "id", json_string(id));
	json_dump_callback(line, add_text, &c->line, JSON_COMPACT);
	if (c->line.len > CTL_LINE_MAX || c->line.cut)
		return error_set(
			err, -EMSGSIZE, "the command is longer than %d bytes", CTL_LINE_MAX);
	str_addc(&c->line, '\n');
	return 0;
}

int ctl_client_run(
	const struct ctl_client_options *options, const char *words, FILE *out, FILE *err)
{
	struct error why = { 0 };
	struct client c = { .options = options, .fd = -1 };
	int64_t timeout = options->timeout_ms > 0 ? options->timeout_ms : TIMEOUT_MS;
	int rc = CTL_UNREACHABLE;
	c.deadline = clock_monotonic_ms() + timeout;
	str_init(&c.line, 2 * CTL_LINE_MAX);
	str_init(&c.answer, CTL_ANSWER_MAX);
	if (client_compose(&c, words, &why)) {
		print_text(err, why.text);
		rc = CTL_REFUSED;
	} else if (client_ask(&c, &why) == ATTEMPT_ANSWERED) {
		rc = client_print(&c, out, err);
	} else {
		print_text(err, why.text);
	}
	str_finish(&c.line);
	str_finish(&c.answer);
	return rc;
}
