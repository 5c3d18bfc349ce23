/* The service manager is played by a datagram socket of the test. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "bot/notify.h"

static int manager(const char *name)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	memcpy(at.sun_path, name, strlen(name));
	if (name[0] == '@')
		at.sun_path[0] = '\0';
	else
		len++;
	assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

static const char *heard(int fd)
{
	static char text[256];
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

	text[n < 0 ? 0 : n] = '\0';
	return text;
}

static void test_said(void **state)
{
	char folder[] = "/tmp/sitrep-notify-XXXXXX", path[64], abstract[64];
	const char *names[] = { path, abstract };

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/notify", folder);
	snprintf(abstract, sizeof(abstract), "@sitrep-test-notify-%d", (int)getpid());
	for (size_t i = 0; i < 2; i++) {
		int fd = manager(names[i]);

		assert_int_equal(notify_say("READY=1\nSTATUS=runs"), 1);
		assert_string_equal(heard(fd), "READY=1\nSTATUS=runs");
		assert_string_equal(heard(fd), ""); /* once */
		close(fd);
	}
	/* The socket's file is still there, and nobody behind it. */
	setenv("NOTIFY_SOCKET", path, 1);
	assert_int_equal(notify_say("READY=1"), -ECONNREFUSED);
	unlink(path);
	assert_int_equal(notify_say("READY=1"), -ENOENT);
	rmdir(folder);
}

static void test_nobody_asked(void **state)
{
	(void)state;
	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(notify_say("READY=1"), 0);
	setenv("NOTIFY_SOCKET", "", 1);
	assert_int_equal(notify_say("READY=1"), 0);
}

static void test_bad_addresses(void **state)
{
	char name[256];

	(void)state;
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	name[0] = '/';
	setenv("NOTIFY_SOCKET", name, 1);
	assert_int_equal(notify_say("READY=1"), -EINVAL);
	setenv("NOTIFY_SOCKET", "relative/path", 1);
	assert_int_equal(notify_say("READY=1"), -EINVAL);
	setenv("NOTIFY_SOCKET", "@", 1);
	assert_int_equal(notify_say("READY=1"), -EINVAL);
}

/* A service manager that does not read holds up nothing. */
static void test_nobody_reads(void **state)
{
	char name[64];
	int fd, rc = 1;

	(void)state;
	snprintf(name, sizeof(name), "@sitrep-test-notify-%d", (int)getpid());
	fd = manager(name);
	for (int i = 0; i < 100000 && rc == 1; i++)
		rc = notify_say("WATCHDOG=1");
	assert_int_equal(rc, -EAGAIN);
	close(fd);
}

static int64_t watchdog(const char *usec, const char *pid)
{
	if (usec)
		setenv("WATCHDOG_USEC", usec, 1);
	else
		unsetenv("WATCHDOG_USEC");
	if (pid)
		setenv("WATCHDOG_PID", pid, 1);
	else
		unsetenv("WATCHDOG_PID");
	return notify_watchdog_ms();
}

static void test_watchdog(void **state)
{
	char us[32];

	(void)state;
	snprintf(us, sizeof(us), "%d", (int)getpid());
	assert_int_equal(watchdog("60000000", NULL), 30000);
	assert_int_equal(watchdog("60000000", us), 30000);
	assert_int_equal(watchdog("60000000", "1"), 0);
	assert_int_equal(watchdog("60000000", "x"), 0);
	assert_int_equal(watchdog("10000", NULL), 100); /* not oftener */
	assert_int_equal(watchdog(NULL, NULL), 0);
	assert_int_equal(watchdog("0", NULL), 0);
	assert_int_equal(watchdog("-5", NULL), 0);
	assert_int_equal(watchdog("60000000x", NULL), 0);
	assert_int_equal(watchdog("99999999999999999999", NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_said),
		cmocka_unit_test(test_nobody_asked),
		cmocka_unit_test(test_bad_addresses),
		cmocka_unit_test(test_nobody_reads),
		cmocka_unit_test(test_watchdog),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
