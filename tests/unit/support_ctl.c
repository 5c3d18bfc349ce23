#include "tests/unit/support_ctl.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "incident/doc.h"
#include "tests/unit/support_peer.h"

struct ctl_stage ctl_stage;

static struct {
	struct io *io;
	struct clock clock;
	struct io_timer *core;
	void (*story)(void);
	char dir[64];
	struct request *waiting[256]; /* by the core */
	int waiting_count;
	bool stopped;
} T;

/* ---- the core --------------------------------------------------------------------------- */

static bool core_submit(void *ctx, struct request *take)
{
	(void)ctx;
	if (atomic_load(&ctl_stage.full) > 0) {
		atomic_fetch_add(&ctl_stage.refused, 1);
		return false;
	}
	assert_int_equal(take->source, REQUEST_SHELL);
	assert_int_equal(take->adapter, 7);
	assert_false(take->can_open_form);
	assert_int_equal(take->received_at, 1700000000000);
	snprintf(ctl_stage.words, sizeof(ctl_stage.words), "%s", take->words);
	snprintf(ctl_stage.person, sizeof(ctl_stage.person), "%s", take->actor.person);
	snprintf(ctl_stage.name, sizeof(ctl_stage.name), "%s", take->actor.name ? take->actor.name : "");
	snprintf(ctl_stage.key, sizeof(ctl_stage.key), "%s", take->key_count ? take->keys[0] : "");
	assert_in_range(T.waiting_count, 0, 255);
	T.waiting[T.waiting_count++] = take;
	atomic_fetch_add(&ctl_stage.submitted, 1);
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
	ctl_stage.ctl->answer(ctl_stage.ctl, answer);
}

static void on_core(void *ctx)
{
	(void)ctx;
	struct request *batch[256];
	int n = T.waiting_count;
	memcpy(batch, T.waiting, sizeof(batch));
	T.waiting_count = 0; /* an answer makes room for the next request, submitted at once */
	for (int i = 0; i < n; i++)
		if (strncmp(batch[i]->words, "hold", 4) == 0)
			T.waiting[T.waiting_count++] = batch[i];
		else
			core_answer(batch[i]);
}

/* ---- the stage -------------------------------------------------------------------------- */

static void on_story_done(void *ctx)
{
	(void)ctx;
	io_stop(T.io);
}

static void on_resume(void *ctx)
{
	(void)ctx;
	ctl_stage.ctl->resume(ctl_stage.ctl);
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
	io_wake_send(&ctl_stage.done);
	return NULL;
}

static void set_up_with(struct ctl_options options)
{
	memset(&T, 0, sizeof(T));
	memset(&ctl_stage, 0, sizeof(ctl_stage));
	snprintf(T.dir, sizeof(T.dir), "/tmp/sitrep-test-XXXXXX");
	assert_non_null(mkdtemp(T.dir));
	snprintf(ctl_stage.path, sizeof(ctl_stage.path), "%s/ctl.sock", T.dir);
	T.io = io_create(NULL);
	clock_init_manual(&T.clock, 1700000000000);
	ctl_stage.host = (struct adapter_host){
		.submit = core_submit, .io = T.io, .clock = &T.clock
	};
	T.core = io_timer_create(T.io, on_core, NULL);
	io_wake_init(T.io, &ctl_stage.done, on_story_done, NULL);
	io_wake_init(T.io, &ctl_stage.resume, on_resume, NULL);
	options.path = ctl_stage.path;
	ctl_stage.ctl = ctl_create(&ctl_stage.host, &options);
	ctl_stage.ctl->index = 7;
}

void ctl_set_up(void)
{
	set_up_with((struct ctl_options){ 0 });
}

void ctl_stop(void)
{
	io_timer_destroy(T.core);
	io_stop(T.io);
	io_run(T.io);
	T.stopped = true;
}

void ctl_tear_down(void)
{
	if (!T.stopped)
		ctl_stop();
	for (int i = 0; i < T.waiting_count; i++)
		request_destroy(T.waiting[i]);
	ctl_stage.ctl->destroy(ctl_stage.ctl);
	assert_true(io_destroy(T.io));
	assert_int_equal(access(ctl_stage.path, F_OK), -1);
	assert_int_equal(rmdir(T.dir), 0);
}

void ctl_tell_with(void (*story)(void), struct ctl_options options)
{
	static struct io_hook hook = { stop_core, NULL, NULL };
	pthread_t thread;
	struct error err = { 0 };
	set_up_with(options);
	if (adapter_start(ctl_stage.ctl, &err))
		fail_msg("start: %s", err.text);
	io_on_stop(T.io, &hook);
	T.story = story;
	assert_int_equal(pthread_create(&thread, NULL, story_main, NULL), 0);
	io_run(T.io);
	T.stopped = true;
	pthread_join(thread, NULL);
	ctl_tear_down();
}

void ctl_tell(void (*story)(void))
{
	ctl_tell_with(story, (struct ctl_options){ 0 });
}

/* ---- the client's side, raw ------------------------------------------------------------- */

static struct sockaddr_un address(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	snprintf(at.sun_path, sizeof(at.sun_path), "%s", ctl_stage.path);
	return at;
}

int ctl_squat(void)
{
	struct sockaddr_un at = address();
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	need(bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0);
	need(listen(fd, 1) == 0);
	return fd;
}

int ctl_dial(void)
{
	struct sockaddr_un at = address();
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval limit = { .tv_sec = 5 };
	need(connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	return fd;
}

void ctl_say(int fd, const char *text)
{
	need(peer_write(fd, text, strlen(text)));
}

json_t *ctl_hear(int fd)
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

void ctl_hear_text(int fd, bool ok, const char *code, const char *text)
{
	json_t *answer = ctl_hear(fd);
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

void ctl_hear_end(int fd)
{
	char c;
	ssize_t n = recv(fd, &c, 1, 0);
	need(n == 0 || (n < 0 && errno == ECONNRESET));
	close(fd);
}
