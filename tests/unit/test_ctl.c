/*
 * A conversation with the socket of the shell, by raw lines: what is taken, what is refused, and
 * what becomes of peers who are slow, too many, or read nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/support_ctl.h"
#include "tests/unit/support_peer.h"

static void story_talk(void)
{
	int fd = ctl_dial();
	ctl_say(fd, "{\"words\":\"list sev1\",\"id\":\"one\",\"json\":true}\n\n  \r\n");
	json_t *answer = ctl_hear(fd);
	need(json_get_bool(answer, "ok", false));
	need(strcmp(json_get_str(answer, "id"), "one") == 0);
	need(strstr(json_get_str(answer, "text"), "did: list sev1"));
	need(strcmp(json_get_str(json_get_obj(answer, "doc"), "text"), "did: list sev1") == 0);
	json_decref(answer);
	ctl_say(fd, "{\"words\":\"refuse\"}\n");
	answer = ctl_hear(fd);
	need(!json_get_bool(answer, "ok", true));
	need(!json_get_obj(answer, "doc"));
	need(strcmp(json_get_str(answer, "code"), "conflict") == 0);
	need(strstr(json_get_str(answer, "text"), "INC-42 is resolved"));
	json_decref(answer);
	ctl_say(fd, "{\"words\":\"none\"}\n{\"words\":\"form\"}\n");
	ctl_hear_text(fd, true, NULL, "received");
	ctl_hear_text(fd, false, "usage", "arguments");
	close(fd);
}

static void test_talk(void **state)
{
	(void)state;
	ctl_tell(story_talk);
	assert_int_equal(ctl_stage.submitted, 4);
	char person[32];
	snprintf(person, sizeof(person), "unix:%lu", (unsigned long)getuid());
	assert_string_equal(ctl_stage.person, person);
	const struct passwd *me = getpwuid(getuid());
	assert_string_equal(ctl_stage.name, me ? me->pw_name : "");
}

static void story_key(void)
{
	int fd = ctl_dial();
	ctl_say(fd, "{\"words\":\"declare x\",\"id\":\"01ABC\"}\n");
	ctl_hear_text(fd, true, NULL, "did");
	close(fd);
}

static void test_delivery_key_has_the_uid(void **state)
{
	(void)state;
	ctl_tell(story_key);
	char key[64];
	snprintf(key, sizeof(key), "ctl:%lu:01ABC", (unsigned long)getuid());
	assert_string_equal(ctl_stage.key, key);
}

static void story_garbage(void)
{
	static const char *const bad[] = { "\x00\xff", "nonsense", "[]", "{}", "\"words\"",
		"{\"words\":1}", "{\"words\":\"a\",\"words\":\"b\"}", "{\"words\":\"\xff\"}",
		"{\"words\":\"a\"} trailing", "{\"words\":\"a\",\"id\":7}",
		"{\"words\":\"a\",\"id\":\"\"}", "{\"words\":\"a\",\"json\":\"yes\"}",
		"{\"words\":\"a\\u0000b\"}" };
	int fd = ctl_dial();
	for (size_t i = 1; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ctl_say(fd, bad[i]);
		ctl_say(fd, "\n");
		ctl_hear_text(fd, false, "usage", "");
	}
	need(peer_write(fd, "\0\xff\n", 3));
	ctl_hear_text(fd, false, "usage", "");
	char deep[2000];
	memset(deep, '[', sizeof(deep));
	need(peer_write(fd, deep, sizeof(deep)) && peer_write(fd, "\n", 1));
	ctl_hear_text(fd, false, "usage", "");
	/* … and the connection is as good as before. */
	ctl_say(fd, "{\"words\":\"still here\"}\n");
	ctl_hear_text(fd, true, NULL, "did: still here");
	close(fd);
}

static void test_garbage(void **state)
{
	(void)state;
	ctl_tell(story_garbage);
	assert_int_equal(ctl_stage.submitted, 1);
}

static void story_large(void)
{
	enum { FRAME = sizeof("{\"words\":\"\"}") - 1 };
	static char line[200000];
	int fd = ctl_dial();
	/* The longest line there may be … */
	memset(line, 'w', sizeof(line));
	memcpy(line, "{\"words\":\"", 10);
	memcpy(line + CTL_LINE_MAX - 2, "\"}\n", 3);
	need(peer_write(fd, line, CTL_LINE_MAX + 1));
	ctl_hear_text(fd, true, NULL, "did: www");
	/* … one byte more … */
	memset(line + 10, 'w', CTL_LINE_MAX);
	memcpy(line + CTL_LINE_MAX - 1, "\"}\n", 3);
	need(peer_write(fd, line, CTL_LINE_MAX + 2));
	ctl_hear_text(fd, false, "usage", "65536");
	shutdown(fd, SHUT_WR);
	ctl_hear_end(fd);
	/* … and far too much, which must not keep the answer from being read. */
	fd = ctl_dial();
	memset(line, 'x', sizeof(line));
	need(peer_write(fd, line, sizeof(line)));
	ctl_hear_text(fd, false, "usage", "65536");
	ctl_say(fd, "\n{\"words\":\"too late\"}\n");
	shutdown(fd, SHUT_WR);
	ctl_hear_end(fd);
}

static void test_large(void **state)
{
	(void)state;
	ctl_tell(story_large);
	assert_int_equal(ctl_stage.submitted, 1);
	assert_int_equal(strlen(ctl_stage.words), CTL_LINE_MAX - 12);
}

static void story_half_closed(void)
{
	int fd = ctl_dial();
	ctl_say(fd, "{\"words\":\"first\"}\n{\"words\":\"last, without its newline\"}");
	shutdown(fd, SHUT_WR);
	ctl_hear_text(fd, true, NULL, "did: first");
	ctl_hear_text(fd, true, NULL, "did: last, without its newline");
	ctl_hear_end(fd);
	/* Half a line and gone; a request whose asker is gone. */
	fd = ctl_dial();
	ctl_say(fd, "{\"words\":\"half");
	close(fd);
	fd = ctl_dial();
	ctl_say(fd, "{\"words\":\"nobody listens\"}\n");
	close(fd);
	for (int i = 0; i < 200 && ctl_stage.submitted < 3; i++)
		peer_sleep(10);
	peer_sleep(50);
	fd = ctl_dial();
	ctl_say(fd, "{\"words\":\"end\"}\n");
	ctl_hear_text(fd, true, NULL, "did: end");
	close(fd);
}

static void test_half_closed(void **state)
{
	(void)state;
	ctl_tell(story_half_closed);
	assert_int_equal(ctl_stage.submitted, 4);
}

static void story_slow(void)
{
	static const char line[] = "{\"words\":\"slowly\"}\n";
	int fd = ctl_dial(), drip = ctl_dial();
	for (const char *p = line; *p; p++) {
		need(peer_write(fd, p, 1));
		peer_sleep(2);
	}
	ctl_hear_text(fd, true, NULL, "did: slowly");
	/* A drip that never makes a line does not hold the connection. */
	int i = 0;
	while (i < 100 && send(drip, "x", 1, MSG_NOSIGNAL) == 1) {
		peer_sleep(50);
		i++;
	}
	need(i < 60);
	close(drip);
	ctl_hear_end(fd); /* nor does silence */
}

static void test_slow(void **state)
{
	(void)state;
	ctl_tell_with(story_slow, (struct ctl_options){ .idle_ms = 300 });
	assert_int_equal(ctl_stage.submitted, 1);
}

static void story_held(void)
{
	/* A request that is open keeps its connection, however long the core takes. */
	int fd = ctl_dial();
	ctl_say(fd, "{\"words\":\"hold on\"}\n");
	peer_sleep(1300);
	need(send(fd, "\n", 1, MSG_NOSIGNAL) == 1);
	/* Shutting down tells those who wait. */
	io_wake_send(&ctl_stage.done);
	ctl_hear_text(fd, false, "stopping", "shutting down");
	ctl_hear_end(fd);
}

static void test_stop_tells_who_waits(void **state)
{
	(void)state;
	ctl_tell_with(story_held, (struct ctl_options){ .idle_ms = 200 });
}

static void story_pipeline(void)
{
	int fd = ctl_dial();
	enum { N = 1000 };
	char line[64];
	for (int i = 0; i < N; i++) {
		snprintf(line, sizeof(line), "{\"words\":\"w%d\",\"id\":\"i%d\"}\n", i, i);
		ctl_say(fd, line);
	}
	for (int i = 0; i < N; i++) {
		snprintf(line, sizeof(line), "did: w%d", i);
		ctl_hear_text(fd, true, NULL, line);
	}
	close(fd);
}

static void test_pipeline(void **state)
{
	(void)state;
	ctl_tell(story_pipeline);
	assert_int_equal(ctl_stage.submitted, 1000);
}

static void story_full(void)
{
	int fd = ctl_dial(), other = ctl_dial();
	char line[64];
	atomic_store(&ctl_stage.full, 1);
	for (int i = 0; i < 100; i++) {
		snprintf(line, sizeof(line), "{\"words\":\"w%d\"}\n", i);
		ctl_say(fd, line);
	}
	ctl_say(other, "{\"words\":\"other\"}\n");
	while (!ctl_stage.refused)
		peer_sleep(5);
	peer_sleep(100);
	need(ctl_stage.submitted == 0);
	need(ctl_stage.refused == 1); /* it did not go on trying: it waits to be called */
	/* Nor does it go on reading: what it does not take waits in the socket. */
	static char large[60000];
	size_t taken = 0;
	int third = ctl_dial();
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
	io_wake_send(&ctl_stage.resume); /* still full */
	while (ctl_stage.refused < 2)
		peer_sleep(5);
	need(ctl_stage.submitted == 0);
	atomic_store(&ctl_stage.full, 0);
	io_wake_send(&ctl_stage.resume);
	for (int i = 0; i < 100; i++) {
		snprintf(line, sizeof(line), "did: w%d", i);
		ctl_hear_text(fd, true, NULL, line);
	}
	ctl_hear_text(other, true, NULL, "did: other");
	/* Full again at the end: what is kept goes with the adapter. */
	atomic_store(&ctl_stage.full, 1);
	ctl_say(fd, "{\"words\":\"never\"}\n");
	while (ctl_stage.refused < 3)
		peer_sleep(5);
	close(fd);
	close(other);
}

static void test_queue_full(void **state)
{
	(void)state;
	ctl_tell(story_full);
	assert_in_range(ctl_stage.submitted, 101, 115); /* with what the third had got through */
}

static void story_many(void)
{
	int fds[4];
	for (int i = 0; i < 4; i++) {
		fds[i] = ctl_dial();
		ctl_say(fds[i], "{\"words\":\"hello\"}\n");
		ctl_hear_text(fds[i], true, NULL, "did: hello");
	}
	int more = ctl_dial();
	ctl_hear_text(more, false, "busy", "too many");
	ctl_hear_end(more);
	close(fds[2]);
	for (int i = 0; i < 100; i++) { /* its slot is free again, a moment later */
		more = ctl_dial();
		ctl_say(more, "{\"words\":\"again\"}\n");
		json_t *answer = ctl_hear(more);
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
	ctl_tell_with(story_many, (struct ctl_options){ .connections_max = 4 });
}

static void story_unread(void)
{
	static char sink[65536];
	int fd = ctl_dial(), other = ctl_dial();
	size_t got = 0;
	ssize_t n;
	/* 40 MB of answers for somebody who reads none of them. */
	for (int i = 0; i < 100; i++)
		if (send(fd, "{\"words\":\"large\"}\n", 18, MSG_NOSIGNAL) < 0)
			break;
	ctl_say(other, "{\"words\":\"me too\"}\n");
	ctl_hear_text(other, true, NULL, "did: me too"); /* nobody else waits for that */
	close(other);
	for (int i = 0; i < 200 && ctl_stage.submitted < 20; i++)
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
	ctl_tell(story_unread);
	assert_in_range(ctl_stage.submitted, 20, 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_talk),
		cmocka_unit_test(test_delivery_key_has_the_uid),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_half_closed),
		cmocka_unit_test(test_slow),
		cmocka_unit_test(test_stop_tells_who_waits),
		cmocka_unit_test(test_pipeline),
		cmocka_unit_test(test_queue_full),
		cmocka_unit_test(test_connection_cap),
		cmocka_unit_test(test_unread_answers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
