#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "adapters/adapter.h"
#include "adapters/backlog.h"
#include "adapters/ctl/client.h"
#include "adapters/ctl/ctl.h"
#include "base/arena.h"
#include "base/json.h"
#include "incident/doc.h"
#include "tests/unit/support_peer.h"

/*
 * The loop and the adapter run in the test's thread; a second thread is the client and tells the
 * story. In place of the core: what is submitted is answered a moment later, by its words.
 */
static struct {
	struct io *io;
	struct clock clock;
	struct adapter_host host;
	struct adapter *ctl;
	struct io_timer *core;
	struct io_wake done, resume;
	void (*story)(void);
	char path[108], dir[64];
	struct request *waiting[256]; /* by the core */
	int waiting_count;
	atomic_int submitted, refused, full;		   /* full: so many more are refused */
	char words[70000], person[64], name[64], key[128]; /* of the last request */
} T;

static bool core_submit(void *ctx, struct request *take)
{
	(void)ctx;
	if (atomic_load(&T.full) > 0) {
		atomic_fetch_add(&T.refused, 1);
		return false;
	}
	assert_int_equal(take->source, REQUEST_SHELL);
	assert_int_equal(take->adapter, 7);
	assert_false(take->can_open_form);
	assert_int_equal(take->received_at, 1700000000000);
	snprintf(T.words, sizeof(T.words), "%s", take->words);
	snprintf(T.person, sizeof(T.person), "%s", take->actor.person);
	snprintf(T.name, sizeof(T.name), "%s", take->actor.name ? take->actor.name : "");
	snprintf(T.key, sizeof(T.key), "%s", take->key_count ? take->keys[0] : "");
	assert_in_range(T.waiting_count, 0, 255);
	T.waiting[T.waiting_count++] = take;
	atomic_fetch_add(&T.submitted, 1);
	io_timer_start(T.core, 5);
	return true;
}

static void core_answer(struct request *r)
{
	struct answer *answer = answer_create(r);
	const char *words = r->words;
	if (strcmp(words, "vanish") == 0) {
		answer_destroy(answer);
		return;
	}
	if (strcmp(words, "form") == 0) {
		answer->reply.kind = REPLY_FORM;
		answer->reply.form = form_new("t", "declare", 0, "ok");
	} else if (strcmp(words, "none") == 0) {
		answer->reply.kind = REPLY_NONE;
	} else if (strcmp(words, "large") == 0) {
		static char large[400001];
		memset(large, 'L', sizeof(large) - 1);
		answer->reply.kind = REPLY_MESSAGE;
		answer->reply.doc = doc_new(large);
	} else if (strcmp(words, "refuse") == 0) {
		answer->reply.kind = REPLY_REFUSAL;
		answer->reply.code = "conflict";
		answer->reply.doc = doc_new("INC-42 is resolved");
	} else {
		char text[256];
		snprintf(text, sizeof(text), "did: %.200s", words);
		answer->reply.kind = REPLY_MESSAGE;
		answer->reply.doc = doc_new(text);
	}
	T.ctl->answer(T.ctl, answer);
}

static void on_core(void *ctx)
{
	(void)ctx;
	struct request *batch[256];
	int n = T.waiting_count;
	memcpy(batch, T.waiting, sizeof(batch));
	T.waiting_count =
		0; /* an answer makes room for the next request, which is submitted at once */
	for (int i = 0; i < n; i++)
		if (strncmp(batch[i]->words, "hold", 4) == 0)
			T.waiting[T.waiting_count++] = batch[i];
		else
			core_answer(batch[i]);
}

static void on_story_done(void *ctx)
{
	(void)ctx;
	io_stop(T.io);
}

static void on_resume(void *ctx)
{
	(void)ctx;
	T.ctl->resume(T.ctl);
}

static void stop_core(void *ctx)
{
	(void)ctx;
	io_timer_destroy(T.core);
}

static void *story_main(void *arg)
{
	(void)arg;
	T.story();
	io_wake_send(&T.done);
	return NULL;
}

static void set_up_with(struct ctl_options options)
{
	memset(&T, 0, sizeof(T));
	snprintf(T.dir, sizeof(T.dir), "/tmp/sitrep-test-XXXXXX");
	assert_non_null(mkdtemp(T.dir));
	snprintf(T.path, sizeof(T.path), "%s/ctl.sock", T.dir);
	T.io = io_create(NULL);
	clock_init_manual(&T.clock, 1700000000000);
	T.host = (struct adapter_host){ .submit = core_submit, .io = T.io, .clock = &T.clock };
	T.core = io_timer_create(T.io, on_core, NULL);
	io_wake_init(T.io, &T.done, on_story_done, NULL);
	io_wake_init(T.io, &T.resume, on_resume, NULL);
	options.path = T.path;
	T.ctl = ctl_create(&T.host, &options);
	T.ctl->index = 7;
}

static void tear_down(void)
{
	for (int i = 0; i < T.waiting_count; i++)
		request_destroy(T.waiting[i]);
	T.ctl->destroy(T.ctl);
	assert_true(io_destroy(T.io));
	assert_int_equal(access(T.path, F_OK), -1);
	assert_int_equal(rmdir(T.dir), 0);
}

static void tell_with(void (*story)(void), struct ctl_options options)
{
	static struct io_hook hook = { stop_core, NULL, NULL };
	pthread_t thread;
	struct error err = { 0 };
	set_up_with(options);
	if (adapter_start(T.ctl, &err))
		fail_msg("start: %s", err.text);
	io_on_stop(T.io, &hook);
	T.story = story;
	assert_int_equal(pthread_create(&thread, NULL, story_main, NULL), 0);
	io_run(T.io);
	pthread_join(thread, NULL);
	tear_down();
}

static void tell(void (*story)(void))
{
	tell_with(story, (struct ctl_options){ 0 });
}

/* ---- the client's side, raw ------------------------------------------------------------- */

/* cmocka's asserts are for the test's thread; in a story a failure is told and ends the program. */
#define need(x)                                                                                    \
	do {                                                                                       \
		if (!(x)) {                                                                        \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #x);            \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

static int dial(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	snprintf(at.sun_path, sizeof(at.sun_path), "%s", T.path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval limit = { .tv_sec = 5 };
	need(connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	return fd;
}

static void say(int fd, const char *text)
{
	need(peer_write(fd, text, strlen(text)));
}

/* One line, NULL at the end of the connection. */
static json_t *hear(int fd)
{
	static char line[CTL_LINE_MAX * 4];
	size_t n = 0;
	while (n < sizeof(line)) {
		ssize_t got = recv(fd, line + n, 1, 0);
		if (got == 0 && n == 0)
			return NULL;
		need(got == 1);
		if (line[n++] == '\n')
			break;
	}
	json_t *answer = NULL;
	struct error err;
	if (json_parse(line, n, sizeof(line), &answer, &err)) {
		fprintf(stderr, "%s in %.*s\n", err.text, (int)n, line);
		abort();
	}
	return answer;
}

static void hear_text(int fd, bool ok, const char *code, const char *text)
{
	json_t *answer = hear(fd);
	need(answer);
	const char *got = json_get_str(answer, "text"), *got_code = json_get_str(answer, "code");
	if (!got || !strstr(got, text)) {
		fprintf(stderr, "expected: %s\ngot: %s\n", text, got ? got : "nothing");
		abort();
	}
	need(json_get_bool(answer, "ok", !ok) == ok);
	need(code ? got_code && strcmp(code, got_code) == 0 : !got_code);
	json_decref(answer);
}

static void hear_end(int fd)
{
	char c;
	ssize_t n = recv(fd, &c, 1, 0);
	need(n == 0 || (n < 0 && errno == ECONNRESET));
	close(fd);
}

/* ---- stories ---------------------------------------------------------------------------- */

static void story_talk(void)
{
	int fd = dial();
	say(fd, "{\"words\":\"list sev1\",\"id\":\"one\",\"json\":true}\n\n  \r\n");
	json_t *answer = hear(fd);
	need(json_get_bool(answer, "ok", false));
	need(strcmp(json_get_str(answer, "id"), "one") == 0);
	need(strstr(json_get_str(answer, "text"), "did: list sev1"));
	need(strcmp(json_get_str(json_get_obj(answer, "doc"), "text"), "did: list sev1") == 0);
	json_decref(answer);
	say(fd, "{\"words\":\"refuse\"}\n");
	answer = hear(fd);
	need(!json_get_bool(answer, "ok", true));
	need(!json_get_obj(answer, "doc"));
	need(strcmp(json_get_str(answer, "code"), "conflict") == 0);
	need(strstr(json_get_str(answer, "text"), "INC-42 is resolved"));
	json_decref(answer);
	say(fd, "{\"words\":\"none\"}\n{\"words\":\"form\"}\n");
	hear_text(fd, true, NULL, "received");
	hear_text(fd, false, "usage", "arguments");
	close(fd);
}

static void test_talk(void **state)
{
	(void)state;
	tell(story_talk);
	assert_int_equal(T.submitted, 4);
	char person[32];
	snprintf(person, sizeof(person), "unix:%lu", (unsigned long)getuid());
	assert_string_equal(T.person, person);
	const struct passwd *me = getpwuid(getuid());
	assert_string_equal(T.name, me ? me->pw_name : "");
}

static void story_key(void)
{
	int fd = dial();
	say(fd, "{\"words\":\"declare x\",\"id\":\"01ABC\"}\n");
	hear_text(fd, true, NULL, "did");
	close(fd);
}

static void test_delivery_key_has_the_uid(void **state)
{
	(void)state;
	tell(story_key);
	char key[64];
	snprintf(key, sizeof(key), "ctl:%lu:01ABC", (unsigned long)getuid());
	assert_string_equal(T.key, key);
}

static void test_mode(void **state)
{
	(void)state;
	struct stat st;
	struct error err;
	mode_t before = umask(0);
	set_up_with((struct ctl_options){ 0 });
	assert_int_equal(adapter_start(T.ctl, &err), 0);
	assert_int_equal(stat(T.path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(umask(before), 0); /* as it was */
	io_timer_destroy(T.core);
	io_stop(T.io);
	io_run(T.io);
	tear_down();
}

static void story_garbage(void)
{
	static const char *const bad[] = { "\x00\xff", "nonsense", "[]", "{}", "\"words\"",
		"{\"words\":1}", "{\"words\":\"a\",\"words\":\"b\"}", "{\"words\":\"\xff\"}",
		"{\"words\":\"a\"} trailing", "{\"words\":\"a\",\"id\":7}",
		"{\"words\":\"a\",\"id\":\"\"}", "{\"words\":\"a\",\"json\":\"yes\"}",
		"{\"words\":\"a\\u0000b\"}" };
	int fd = dial();
	for (size_t i = 1; i < sizeof(bad) / sizeof(bad[0]); i++) {
		say(fd, bad[i]);
		say(fd, "\n");
		hear_text(fd, false, "usage", "");
	}
	need(peer_write(fd, "\0\xff\n", 3));
	hear_text(fd, false, "usage", "");
	char deep[2000];
	memset(deep, '[', sizeof(deep));
	need(peer_write(fd, deep, sizeof(deep)) && peer_write(fd, "\n", 1));
	hear_text(fd, false, "usage", "");
	/* … and the connection is as good as before. */
	say(fd, "{\"words\":\"still here\"}\n");
	hear_text(fd, true, NULL, "did: still here");
	close(fd);
}

static void test_garbage(void **state)
{
	(void)state;
	tell(story_garbage);
	assert_int_equal(T.submitted, 1);
}

static void story_large(void)
{
	enum { FRAME = sizeof("{\"words\":\"\"}") - 1 };
	static char line[200000];
	int fd = dial();
	/* The longest line there may be … */
	memset(line, 'w', sizeof(line));
	memcpy(line, "{\"words\":\"", 10);
	memcpy(line + CTL_LINE_MAX - 2, "\"}\n", 3);
	need(peer_write(fd, line, CTL_LINE_MAX + 1));
	hear_text(fd, true, NULL, "did: www");
	/* … one byte more … */
	memset(line + 10, 'w', CTL_LINE_MAX);
	memcpy(line + CTL_LINE_MAX - 1, "\"}\n", 3);
	need(peer_write(fd, line, CTL_LINE_MAX + 2));
	hear_text(fd, false, "usage", "65536");
	shutdown(fd, SHUT_WR);
	hear_end(fd);
	/* … and far too much, which must not keep the answer from being read. */
	fd = dial();
	memset(line, 'x', sizeof(line));
	need(peer_write(fd, line, sizeof(line)));
	hear_text(fd, false, "usage", "65536");
	say(fd, "\n{\"words\":\"too late\"}\n");
	shutdown(fd, SHUT_WR);
	hear_end(fd);
}

static void test_large(void **state)
{
	(void)state;
	tell(story_large);
	assert_int_equal(T.submitted, 1);
	assert_int_equal(strlen(T.words), CTL_LINE_MAX - 12);
}

static void story_half_closed(void)
{
	int fd = dial();
	say(fd, "{\"words\":\"first\"}\n{\"words\":\"last, without its newline\"}");
	shutdown(fd, SHUT_WR);
	hear_text(fd, true, NULL, "did: first");
	hear_text(fd, true, NULL, "did: last, without its newline");
	hear_end(fd);
	/* Half a line and gone; a request whose asker is gone. */
	fd = dial();
	say(fd, "{\"words\":\"half");
	close(fd);
	fd = dial();
	say(fd, "{\"words\":\"nobody listens\"}\n");
	close(fd);
	for (int i = 0; i < 200 && T.submitted < 3; i++)
		peer_sleep(10);
	peer_sleep(50);
	fd = dial();
	say(fd, "{\"words\":\"end\"}\n");
	hear_text(fd, true, NULL, "did: end");
	close(fd);
}

static void test_half_closed(void **state)
{
	(void)state;
	tell(story_half_closed);
	assert_int_equal(T.submitted, 4);
}

static void story_slow(void)
{
	static const char line[] = "{\"words\":\"slowly\"}\n";
	int fd = dial(), drip = dial();
	for (const char *p = line; *p; p++) {
		need(peer_write(fd, p, 1));
		peer_sleep(2);
	}
	hear_text(fd, true, NULL, "did: slowly");
	/* A drip that never makes a line does not hold the connection. */
	int i = 0;
	while (i < 100 && send(drip, "x", 1, MSG_NOSIGNAL) == 1) {
		peer_sleep(50);
		i++;
	}
	need(i < 60);
	close(drip);
	hear_end(fd); /* nor does silence */
}

static void test_slow(void **state)
{
	(void)state;
	tell_with(story_slow, (struct ctl_options){ .idle_ms = 300 });
	assert_int_equal(T.submitted, 1);
}

static void story_held(void)
{
	/* A request that is open keeps its connection, however long the core takes. */
	int fd = dial();
	say(fd, "{\"words\":\"hold on\"}\n");
	peer_sleep(1300);
	need(send(fd, "\n", 1, MSG_NOSIGNAL) == 1);
	/* Shutting down tells those who wait. */
	io_wake_send(&T.done);
	hear_text(fd, false, "stopping", "shutting down");
	hear_end(fd);
}

static void test_stop_tells_who_waits(void **state)
{
	(void)state;
	tell_with(story_held, (struct ctl_options){ .idle_ms = 200 });
}

static void story_pipeline(void)
{
	int fd = dial();
	enum { N = 1000 };
	char line[64];
	for (int i = 0; i < N; i++) {
		snprintf(line, sizeof(line), "{\"words\":\"w%d\",\"id\":\"i%d\"}\n", i, i);
		say(fd, line);
	}
	for (int i = 0; i < N; i++) {
		snprintf(line, sizeof(line), "did: w%d", i);
		hear_text(fd, true, NULL, line);
	}
	close(fd);
}

static void test_pipeline(void **state)
{
	(void)state;
	tell(story_pipeline);
	assert_int_equal(T.submitted, 1000);
}

static void story_full(void)
{
	int fd = dial(), other = dial();
	char line[64];
	atomic_store(&T.full, 1);
	for (int i = 0; i < 100; i++) {
		snprintf(line, sizeof(line), "{\"words\":\"w%d\"}\n", i);
		say(fd, line);
	}
	say(other, "{\"words\":\"other\"}\n");
	while (!T.refused)
		peer_sleep(5);
	peer_sleep(100);
	need(T.submitted == 0);
	need(T.refused == 1); /* it did not go on trying: it waits to be called */
	/* Nor does it go on reading: what it does not take waits in the socket. */
	static char large[60000];
	size_t taken = 0;
	int third = dial();
	memset(large, 'w', sizeof(large));
	memcpy(large, "{\"words\":\"", 10);
	memcpy(large + sizeof(large) - 3, "\"}\n", 3);
	for (int i = 0; i < 100; i++) {
		ssize_t n = send(third, large, sizeof(large), MSG_NOSIGNAL | MSG_DONTWAIT);
		taken += n > 0 ? (size_t)n : 0;
		if (n < 0)
			peer_sleep(5);
	}
	need(taken < 700000);
	close(third);
	io_wake_send(&T.resume); /* still full */
	while (T.refused < 2)
		peer_sleep(5);
	need(T.submitted == 0);
	atomic_store(&T.full, 0);
	io_wake_send(&T.resume);
	for (int i = 0; i < 100; i++) {
		snprintf(line, sizeof(line), "did: w%d", i);
		hear_text(fd, true, NULL, line);
	}
	hear_text(other, true, NULL, "did: other");
	/* Full again at the end: what is kept goes with the adapter. */
	atomic_store(&T.full, 1);
	say(fd, "{\"words\":\"never\"}\n");
	while (T.refused < 3)
		peer_sleep(5);
	close(fd);
	close(other);
}

static void test_queue_full(void **state)
{
	(void)state;
	tell(story_full);
	assert_in_range(T.submitted, 101, 115); /* with what the third had got through */
}

static void story_many(void)
{
	int fds[4];
	for (int i = 0; i < 4; i++) {
		fds[i] = dial();
		say(fds[i], "{\"words\":\"hello\"}\n");
		hear_text(fds[i], true, NULL, "did: hello");
	}
	int more = dial();
	hear_text(more, false, "busy", "too many");
	hear_end(more);
	close(fds[2]);
	for (int i = 0; i < 100; i++) { /* its slot is free again, a moment later */
		more = dial();
		say(more, "{\"words\":\"again\"}\n");
		json_t *answer = hear(more);
		bool ok = json_get_bool(answer, "ok", false);
		json_decref(answer);
		close(more);
		if (ok)
			break;
		need(i < 99);
		peer_sleep(10);
	}
	for (int i = 0; i < 4; i++)
		if (i != 2)
			close(fds[i]);
}

static void test_connection_cap(void **state)
{
	(void)state;
	tell_with(story_many, (struct ctl_options){ .connections_max = 4 });
}

static void story_unread(void)
{
	static char sink[65536];
	int fd = dial(), other = dial();
	size_t got = 0;
	ssize_t n;
	/* 40 MB of answers for somebody who reads none of them. */
	for (int i = 0; i < 100; i++)
		if (send(fd, "{\"words\":\"large\"}\n", 18, MSG_NOSIGNAL) < 0)
			break;
	say(other, "{\"words\":\"me too\"}\n");
	hear_text(other, true, NULL, "did: me too"); /* nobody else waits for that */
	close(other);
	for (int i = 0; i < 200 && T.submitted < 20; i++)
		peer_sleep(10);
	peer_sleep(200);
	while ((n = recv(fd, sink, sizeof(sink), 0)) > 0)
		got += (size_t)n;
	need(n == 0 || errno == ECONNRESET); /* it was closed … */
	need(got < 10u << 20);		     /* … before all of it had been kept for it */
	close(fd);
}

static void test_unread_answers(void **state)
{
	(void)state;
	tell(story_unread);
	assert_in_range(T.submitted, 20, 60);
}

/* ---- the socket file -------------------------------------------------------------------- */

static void bind_at(const char *path, bool listening, int *fd)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	*fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(*fd, (struct sockaddr *)&at, sizeof(at)), 0);
	if (listening)
		assert_int_equal(listen(*fd, 1), 0);
}

static void start_expecting(int code, const char *text)
{
	struct error err = { 0 };
	assert_int_equal(adapter_start(T.ctl, &err), code);
	if (text && !strstr(err.text, text))
		fail_msg("not what was expected: %s", err.text);
}

static void finish_quietly(void)
{
	io_timer_destroy(T.core);
	io_stop(T.io);
	io_run(T.io);
}

static void test_stale_socket_is_replaced(void **state)
{
	(void)state;
	int fd;
	set_up_with((struct ctl_options){ 0 });
	bind_at(T.path, true, &fd);
	close(fd);
	start_expecting(0, NULL);
	finish_quietly();
	tear_down();
}

static void test_live_socket_is_left_alone(void **state)
{
	(void)state;
	int fd;
	set_up_with((struct ctl_options){ 0 });
	bind_at(T.path, true, &fd);
	start_expecting(-EADDRINUSE, "another sitrep");
	finish_quietly();
	assert_int_equal(access(T.path, F_OK), 0);
	close(fd);
	unlink(T.path);
	tear_down();
}

static void test_file_is_left_alone(void **state)
{
	(void)state;
	set_up_with((struct ctl_options){ 0 });
	FILE *f = fopen(T.path, "w");
	fputs("precious", f);
	fclose(f);
	start_expecting(-EADDRINUSE, "no socket");
	finish_quietly();
	assert_int_equal(access(T.path, F_OK), 0);
	unlink(T.path);
	tear_down();
}

static void test_bad_paths(void **state)
{
	(void)state;
	char longer[200];
	memset(longer, 'p', sizeof(longer));
	longer[199] = '\0';
	const struct {
		const char *path;
		int code;
	} bad[] = { { "", -ENAMETOOLONG }, { longer, -ENAMETOOLONG },
		{ "/nonexistent/dir/ctl.sock", -ENOENT } };
	set_up_with((struct ctl_options){ 0 });
	for (size_t i = 0; i < 3; i++) {
		struct ctl_options options = { .path = bad[i].path };
		struct adapter *a = ctl_create(&T.host, &options);
		struct error err = { 0 };
		assert_int_equal(adapter_start(a, &err), bad[i].code);
		assert_true(err.text[0]);
		a->destroy(a);
	}
	finish_quietly();
	tear_down();
}

static void story_replaced(void)
{
	/* Somebody took our socket file away and made one of their own: it is theirs to remove. */
	int fd;
	unlink(T.path);
	bind_at(T.path, true, &fd);
	io_wake_send(&T.done);
	peer_sleep(200);
	need(access(T.path, F_OK) == 0);
	close(fd);
	unlink(T.path);
}

static void test_only_our_file_is_removed(void **state)
{
	(void)state;
	tell(story_replaced);
}

/* ---- the client ------------------------------------------------------------------------- */

static char out_text[4096], err_text[4096];

static int ask(const char *words, bool json, int64_t timeout_ms)
{
	struct ctl_client_options options = {
		.path = T.path, .json = json, .timeout_ms = timeout_ms
	};
	memset(out_text, 0, sizeof(out_text));
	memset(err_text, 0, sizeof(err_text));
	FILE *out = fmemopen(out_text, sizeof(out_text), "w"),
	     *err = fmemopen(err_text, sizeof(err_text), "w");
	int rc = ctl_client_run(&options, words, out, err);
	fclose(out);
	fclose(err);
	return rc;
}

static void story_client(void)
{
	need(ask("show #42", false, 5000) == CTL_DONE);
	need(strcmp(out_text, "did: show #42\n") == 0 && !err_text[0]);
	need(ask("refuse", false, 5000) == CTL_REFUSED);
	need(strcmp(err_text, "INC-42 is resolved\n") == 0 && !out_text[0]);
	need(ask("show #42", true, 5000) == CTL_DONE);
	need(out_text[0] == '{' && strstr(out_text, "\"doc\":{") &&
		out_text[strlen(out_text) - 1] == '\n');
	need(ask("refuse", true, 5000) == CTL_REFUSED);
	need(strstr(out_text, "\"code\":\"conflict\""));
	need(ask("vanish", false, 300) == CTL_UNREACHABLE);
	need(strstr(err_text, "may still be done"));
	need(ask("\xff", false, 5000) == CTL_REFUSED);
	need(strstr(err_text, "UTF-8"));
	static char large[CTL_LINE_MAX + 10];
	memset(large, 'x', sizeof(large) - 1);
	need(ask(large, false, 5000) == CTL_REFUSED);
	need(strstr(err_text, "longer"));
}

static void test_client(void **state)
{
	(void)state;
	tell(story_client);
	assert_int_equal(strlen(T.key), 26 + strlen(T.person) - strlen("unix:") + strlen("ctl::"));
}

static void test_client_cannot_reach(void **state)
{
	(void)state;
	int fd;
	set_up_with((struct ctl_options){ 0 });
	assert_int_equal(ask("list", false, 2000), CTL_UNREACHABLE);
	assert_non_null(strstr(err_text, "no socket"));
	assert_non_null(strstr(err_text, T.path));
	bind_at(T.path, true, &fd);
	assert_int_equal(ask("list", false, 200), CTL_UNREACHABLE); /* accepts, and is silent */
	assert_non_null(strstr(err_text, "in time"));
	close(fd);
	assert_int_equal(ask("list", false, 2000), CTL_UNREACHABLE);
	assert_non_null(strstr(err_text, "nobody listens"));
	unlink(T.path);
	finish_quietly();
	tear_down();
}

/* Takes two connections: drops the first in the middle, answers the second. The line is the same.
 */
static char first_line[1024], second_line[1024];
static void *flaky_main(void *arg)
{
	const int *listener = arg;
	int fd = accept(*listener, NULL, NULL);
	need(recv(fd, first_line, sizeof(first_line) - 1, 0) > 0);
	close(fd);
	fd = accept(*listener, NULL, NULL);
	need(recv(fd, second_line, sizeof(second_line) - 1, 0) > 0);
	say(fd, "{\"ok\":true,\"text\":\"done \\u001b[31monce\"}\n");
	close(fd);
	return NULL;
}

static void test_client_asks_again_when_cut_off(void **state)
{
	(void)state;
	int listener;
	pthread_t thread;
	set_up_with((struct ctl_options){ 0 });
	bind_at(T.path, true, &listener);
	assert_int_equal(pthread_create(&thread, NULL, flaky_main, &listener), 0);
	assert_int_equal(ask("declare x", false, 5000), CTL_DONE);
	pthread_join(thread, NULL);
	assert_string_equal(out_text, "done [31monce\n"); /* no escape sequence on the terminal */
	assert_non_null(strstr(first_line, "\"id\":\""));
	assert_string_equal(first_line, second_line);
	close(listener);
	unlink(T.path);
	finish_quietly();
	tear_down();
}

static void *nonsense_main(void *arg)
{
	const int *listener = arg;
	int fd = accept(*listener, NULL, NULL);
	say(fd, "HTTP/1.1 400 Bad Request\r\n\r\n");
	close(fd);
	return NULL;
}

static void test_client_and_a_stranger(void **state)
{
	(void)state;
	int listener;
	pthread_t thread;
	set_up_with((struct ctl_options){ 0 });
	bind_at(T.path, true, &listener);
	assert_int_equal(pthread_create(&thread, NULL, nonsense_main, &listener), 0);
	assert_int_equal(ask("list", false, 3000), CTL_UNREACHABLE);
	assert_non_null(strstr(err_text, "does not answer as sitrep"));
	pthread_join(thread, NULL);
	close(listener);
	unlink(T.path);
	finish_quietly();
	tear_down();
}

static void test_join(void **state)
{
	(void)state;
	static const struct {
		const char *argv[8];
		const char *line;
	} cases[] = {
		{ { "declare", "sev2", "checkout is failing" },
			"declare sev2 checkout is failing" },
		{ { "resolve", "rolled back", "--signal", "5xx at baseline", "now" },
			"resolve rolled back --signal \"5xx at baseline\" now" },
		{ { "resolve", "--signal=the \"5xx\" rate" },
			"resolve --signal=\"the '5xx' rate\"" },
		{ { "declare", "--customer", "x", "--env", "" },
			"declare --customer x --env \"\"" },
		{ { "note", "--", "a b" }, "note -- a b" },
		{ { NULL }, "" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str line STR_CLEANUP = { 0 };
		char *argv[8];
		int argc = 0;
		while (cases[i].argv[argc]) {
			argv[argc] = (char *)(uintptr_t)cases[i].argv[argc];
			argc++;
		}
		str_init(&line, 1000);
		ctl_client_join(&line, argc, argv);
		assert_string_equal(line.p, cases[i].line);
	}
}

/* ---- backlog ---------------------------------------------------------------------------- */

static int room;
static char order[64];
static bool small_submit(void *ctx, struct request *take)
{
	(void)ctx;
	if (room == 0)
		return false;
	room--;
	strcat(order, take->words);
	request_destroy(take);
	return true;
}

static struct request *request_of(const char *words)
{
	struct request *r = request_create(REQUEST_OUTCOME);
	r->words = words;
	return r;
}

static void test_backlog_keeps_order(void **state)
{
	(void)state;
	struct adapter_host host = { .submit = small_submit };
	struct backlog b;
	backlog_init(&b, &host);
	order[0] = '\0';
	room = 1;
	assert_true(backlog_submit(&b, request_of("a")));
	assert_false(backlog_submit(&b, request_of("b")));
	room = 1; /* room, but not out of turn */
	assert_false(backlog_submit(&b, request_of("c")));
	assert_true(backlog_waiting(&b));
	assert_false(backlog_flush(&b));
	assert_string_equal(order, "ab");
	assert_false(backlog_submit(&b, request_of("d")));
	room = 5;
	assert_true(backlog_flush(&b));
	assert_false(backlog_waiting(&b));
	assert_true(backlog_submit(&b, request_of("e")));
	assert_string_equal(order, "abcde");
	room = 0;
	assert_false(backlog_submit(&b, request_of("f")));
	backlog_finish(&b);
	assert_string_equal(order, "abcde");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_talk),
		cmocka_unit_test(test_delivery_key_has_the_uid),
		cmocka_unit_test(test_mode),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_half_closed),
		cmocka_unit_test(test_slow),
		cmocka_unit_test(test_stop_tells_who_waits),
		cmocka_unit_test(test_pipeline),
		cmocka_unit_test(test_queue_full),
		cmocka_unit_test(test_connection_cap),
		cmocka_unit_test(test_unread_answers),
		cmocka_unit_test(test_stale_socket_is_replaced),
		cmocka_unit_test(test_live_socket_is_left_alone),
		cmocka_unit_test(test_file_is_left_alone),
		cmocka_unit_test(test_bad_paths),
		cmocka_unit_test(test_only_our_file_is_removed),
		cmocka_unit_test(test_client),
		cmocka_unit_test(test_client_cannot_reach),
		cmocka_unit_test(test_client_asks_again_when_cut_off),
		cmocka_unit_test(test_client_and_a_stranger),
		cmocka_unit_test(test_join),
		cmocka_unit_test(test_backlog_keeps_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
