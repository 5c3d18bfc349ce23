#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "config/listen.h"
#include "adapters/http/room.h"

#define BACKLOG 128

static int port_of(int fd)
{
	struct sockaddr_storage at;
	socklen_t len = sizeof(at);
	struct sockaddr_in in;

	if (getsockname(fd, (struct sockaddr *)&at, &len))
		return 0;
	memcpy(&in, &at, sizeof(in)); /* both kinds have the port in the same place */
	return ntohs(in.sin_port);
}

static int socket_bind(int fd, const struct listen_address *a)
{
	int on = 1;

	/* Restarting must not wait for connections of the last run to be forgotten. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (a->at.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&a->at, a->len) || listen(fd, BACKLOG))
		return -errno;
	return 0;
}

int http_listen(const char *address, int *port, bool *six, struct error *err)
{
	struct listen_address a;
	int fd, rc;

	if (!listen_parse(address, &a))
		return error_set(err, -EINVAL, "http.listen: \"%s\" is not an address and a port", address);
	fd = socket(a.at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return error_set(err, -errno, "cannot make a socket: %s", strerror(errno));
	rc = socket_bind(fd, &a);
	if (rc) {
		close(fd);
		if (rc == -EADDRINUSE)
			return error_set(err, rc,
				"cannot listen on %s: another program has this port; stop it, or say another "
				"one in http.listen", address);
		return error_set(err, rc, "cannot listen on %s: %s", address, strerror(-rc));
	}
	*port = port_of(fd);
	*six = a.at.ss_family == AF_INET6;
	return fd;
}
