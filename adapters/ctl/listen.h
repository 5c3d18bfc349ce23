#ifndef ADAPTERS_CTL_LISTEN_H
#define ADAPTERS_CTL_LISTEN_H
/* The socket in the file system: made for its owner alone, and never stolen from somebody who
 * listens. */
#include <sys/stat.h>

#include "base/error.h"

struct ctl_listener {
	int fd;
	dev_t device; /* of the socket file, to know it again */
	ino_t inode;
};

/* 0, or: -EADDRINUSE (somebody listens there, or it is no socket), -ENAMETOOLONG, and what bind
 * says. A socket file on which nobody listens any more is replaced. */
int ctl_listen(struct ctl_listener *l, const char *path, struct error *err);
/* Removes the file if it is still ours. The fd is the caller's to close. */
void ctl_listen_unlink(const struct ctl_listener *l, const char *path);

#endif
