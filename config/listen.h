#ifndef CONFIG_LISTEN_H
#define CONFIG_LISTEN_H
/*
 * An address to listen on, as the config writes it: "127.0.0.1:8085", "[::1]:8085". Numbers only: a name could mean
 * another machine's address tomorrow.
 */
#include <stdbool.h>
#include <sys/socket.h>

struct listen_address {
	struct sockaddr_storage at;
	socklen_t len;
	bool loopback;
};

/* False: it is none. Port 0 is one: whichever is free. */
bool listen_parse(const char *text, struct listen_address *out);

#endif
