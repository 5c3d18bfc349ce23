#include "bot/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define WATCHDOG_MIN_MS 100 /* somebody who wants to hear more often than twice of that is not obliged */
#define WATCHDOG_MAX_S	(7 * 86400)

/* A path, or a name in the abstract namespace, which begins with @ here and with NUL there. */
static int address(const char *name, struct sockaddr_un *at, socklen_t *len)
{
	size_t n = strlen(name);

	if ((name[0] != '/' && name[0] != '@') || n < 2 || n >= sizeof(at->sun_path))
		return -EINVAL;
	*at = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(at->sun_path, name, n);
	if (name[0] == '@')
		at->sun_path[0] = '\0';
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + (name[0] == '/'));
	return 0;
}

int notify_say(const char *state)
{
	const char *name = getenv("NOTIFY_SOCKET");
	struct sockaddr_un at;
	socklen_t len;
	ssize_t n;
	int fd, rc;

	if (!name || !*name)
		return 0;
	rc = address(name, &at, &len);
	if (rc < 0)
		return rc;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	n = sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&at, len);
	rc = n < 0 ? -errno : 1;
	close(fd);
	return rc;
}

/* All of the text is a number, and not out of this world. */
static long long number(const char *text, long long max)
{
	char *end;
	long long n;

	if (!text || *text < '0' || *text > '9')
		return 0;
	errno = 0;
	n = strtoll(text, &end, 10);
	return errno || *end || n > max ? 0 : n;
}

int64_t notify_watchdog_ms(void)
{
	const char *pid = getenv("WATCHDOG_PID");
	int64_t ms = number(getenv("WATCHDOG_USEC"), WATCHDOG_MAX_S * 1000000LL) / 1000 / 2;

	if (pid && number(pid, INT64_C(1) << 30) != getpid())
		return 0;
	return ms >= WATCHDOG_MIN_MS ? ms : ms > 0 ? WATCHDOG_MIN_MS : 0;
}
