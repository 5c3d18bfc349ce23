#ifndef TESTS_UNIT_SUPPORT_PEER_H
#define TESTS_UNIT_SUPPORT_PEER_H
/*
 * A server on loopback for tests of our clients: every connection gets a thread that runs `serve`,
 * written as a plain blocking story. Its reads end (0, false) when the client or peer_stop closes.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct peer;

struct peer *peer_start(void (*serve)(struct peer *peer, int fd, int nth, void *ctx), void *ctx);
/* The same behind TLS, with a certificate for "localhost" alone; serve reads and writes plain
 * bytes. */
struct peer *peer_start_tls(
	void (*serve)(struct peer *peer, int fd, int nth, void *ctx), void *ctx);
const char *peer_ca_file(const struct peer *peer); /* PEM, trusts the peer; gone with it */
void peer_stop(struct peer *peer);		   /* ends and joins every thread */
int peer_port(const struct peer *peer);
int peer_connections(const struct peer *peer); /* accepted so far */
const char *peer_url(
	const struct peer *peer, const char *scheme, const char *path); /* until the next call */

/* A port of loopback on which nobody listens. */
int peer_free_port(void);

bool peer_write(int fd, const void *p, size_t n);
bool peer_print(int fd, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void peer_sleep(int ms);
/* Head and body of one HTTP request into buf (NUL-terminated), false at the end or when too large.
 */
bool peer_read_request(int fd, char *buf, size_t size);
bool peer_until_closed(int fd); /* reads and forgets until the client has closed */

/* WebSocket, as a server. Text frames unless said otherwise. */
bool peer_upgrade(int fd); /* reads the upgrade and answers it */
bool peer_frame(int fd, int opcode, bool fin, const void *p, size_t n);
/* One frame, unmasked; returns its opcode, -1 at the end. A client's frame that is not masked
 * counts as the end. */
int peer_read_frame(int fd, char *buf, size_t size, size_t *n);

#endif
