#include "adapters/ctl/listen.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int listen_probe(const struct sockaddr_un *at, struct error *err)
{
	struct stat st;
	if (lstat(at->sun_path, &st))
		return errno == ENOENT ? 0
				       : error_set(err, -errno, "cannot look at %s: %s",
						 at->sun_path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return error_set(err, -EADDRINUSE, "%s exists and is no socket; it is left alone",
			at->sun_path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return error_set(err, -errno, "cannot make a socket: %s", strerror(errno));
	int rc = connect(fd, (const struct sockaddr *)at, sizeof(*at)) ? errno : 0;
	close(fd);
	/* Only a refusal proves that nobody is there; a full backlog (EAGAIN) proves the
	 * opposite. */
	if (rc != ECONNREFUSED)
		return error_set(err, -EADDRINUSE, "another sitrep listens on %s%s%s", at->sun_path,
			rc ? ": " : "", rc ? strerror(rc) : "");
	if (unlink(at->sun_path) && errno != ENOENT)
		return error_set(err, -errno, "cannot remove the stale socket %s: %s", at->sun_path,
			strerror(errno));
	return 0;
}

static int listen_bind(struct ctl_listener *l, const struct sockaddr_un *at, struct error *err)
{
	/* The mode must be right from the first moment: a chmod after bind would leave a gap. */
	mode_t before = umask(0177);
	int rc = bind(l->fd, (const struct sockaddr *)at, sizeof(*at)) ? -errno : 0;
	umask(before);
	if (rc)
		return error_set(
			err, rc, "cannot make the socket %s: %s", at->sun_path, strerror(-rc));
	struct stat st;
	if (lstat(at->sun_path, &st) == 0) {
		l->device = st.st_dev;
		l->inode = st.st_ino;
	}
	if (listen(l->fd, 64)) {
		rc = -errno;
		ctl_listen_unlink(l, at->sun_path);
		return error_set(err, rc, "cannot listen on %s: %s", at->sun_path, strerror(-rc));
	}
	return 0;
}

int ctl_listen(struct ctl_listener *l, const char *path, struct error *err)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	size_t n = strlen(path);
	*l = (struct ctl_listener){ .fd = -1 };
	if (n == 0 || n >= sizeof(at.sun_path))
		return error_set(err, -ENAMETOOLONG, "the socket path must have 1 to %zu bytes: %s",
			sizeof(at.sun_path) - 1, path);
	memcpy(at.sun_path, path, n);
	int rc = listen_probe(&at, err);
	if (rc)
		return rc;
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd < 0)
		return error_set(err, -errno, "cannot make a socket: %s", strerror(errno));
	rc = listen_bind(l, &at, err);
	if (rc) {
		close(l->fd);
		l->fd = -1;
	}
	return rc;
}

void ctl_listen_unlink(const struct ctl_listener *l, const char *path)
{
	struct stat st;
	if (lstat(path, &st) == 0 && st.st_dev == l->device && st.st_ino == l->inode)
		unlink(path);
}
