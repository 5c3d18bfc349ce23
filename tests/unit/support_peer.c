#include "tests/unit/support_peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 64

struct connection {
	struct peer *peer;
	pthread_t thread;
	int fd, nth;
};

struct peer {
	void (*serve)(struct peer *peer, int fd, int nth, void *ctx);
	void *ctx;
	int listener, port;
	pthread_t thread;
	struct connection connections[CONNECTIONS_MAX];
	atomic_int count;
	SSL_CTX *tls; /* NULL: plain */
	char ca_file[64];
};

static int listen_on_loopback(int *port)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(at);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, size) || listen(fd, 64) ||
		getsockname(fd, (struct sockaddr *)&at, &size))
		abort();
	*port = ntohs(at.sin_port);
	return fd;
}

int peer_free_port(void)
{
	int port;
	close(listen_on_loopback(&port));
	return port;
}

/* ---- TLS: a second thread carries bytes between the client and a pair of plain sockets --- */

struct carrier {
	SSL *ssl;
	int plain, outer;
};

static bool carry_in(struct carrier *c)
{
	char buf[8192];
	int n = SSL_read(c->ssl, buf, sizeof(buf));
	return n > 0 && peer_write(c->plain, buf, (size_t)n);
}

static bool carry_out(struct carrier *c)
{
	char buf[8192];
	ssize_t n = recv(c->plain, buf, sizeof(buf), 0);
	return n > 0 && SSL_write(c->ssl, buf, (int)n) > 0;
}

static void *carrier_main(void *arg)
{
	struct carrier *c = arg;
	bool on = SSL_accept(c->ssl) == 1;
	while (on) {
		/* Nothing is carried in that is not taken: who serves may be writing just then. */
		struct pollfd p[2] = { { c->outer, POLLIN, 0 }, { c->plain, POLLIN, 0 } };
		if (poll(p, 2, SSL_pending(c->ssl) ? 0 : -1) < 0)
			break;
		bool in = p[0].revents || SSL_pending(c->ssl);
		p[1].events = POLLIN | (in ? POLLOUT : 0);
		if (in && poll(p + 1, 1, -1) < 0)
			break;
		on = (!(p[1].revents & ~POLLOUT) || carry_out(c)) &&
		     (!in || !(p[1].revents & POLLOUT) || carry_in(c));
	}
	shutdown(c->plain, SHUT_RDWR);
	shutdown(c->outer, SHUT_RDWR);
	return NULL;
}

static void connection_serve_tls(struct connection *c)
{
	int pair[2];
	pthread_t thread;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		abort();
	struct carrier carrier = { SSL_new(c->peer->tls), pair[1], c->fd };
	SSL_set_fd(carrier.ssl, c->fd);
	if (pthread_create(&thread, NULL, carrier_main, &carrier))
		abort();
	c->peer->serve(c->peer, pair[0], c->nth, c->peer->ctx);
	shutdown(pair[0], SHUT_WR);
	pthread_join(thread, NULL);
	SSL_free(carrier.ssl);
	close(pair[0]);
	close(pair[1]);
}

static X509 *certificate_make(EVP_PKEY *key)
{
	X509 *cert = X509_new();
	X509_NAME *name = X509_get_subject_name(cert);
	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_NAME_add_entry_by_txt(
		name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1, -1, 0);
	X509_set_issuer_name(cert, name);
	X509_set_pubkey(cert, key);
	X509_EXTENSION *names =
		X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:localhost");
	X509_EXTENSION *ca = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "CA:TRUE");
	X509_add_ext(cert, names, -1);
	X509_add_ext(cert, ca, -1);
	X509_EXTENSION_free(names);
	X509_EXTENSION_free(ca);
	if (!X509_sign(cert, key, EVP_sha256()))
		abort();
	return cert;
}

static void peer_prepare_tls(struct peer *peer)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = certificate_make(key);
	snprintf(peer->ca_file, sizeof(peer->ca_file), "/tmp/sitrep-test-ca-XXXXXX");
	FILE *f = fdopen(mkstemp(peer->ca_file), "w");
	peer->tls = SSL_CTX_new(TLS_server_method());
	if (!f || !PEM_write_X509(f, cert) || SSL_CTX_use_certificate(peer->tls, cert) != 1 ||
		SSL_CTX_use_PrivateKey(peer->tls, key) != 1)
		abort();
	fclose(f);
	X509_free(cert);
	EVP_PKEY_free(key);
}

const char *peer_ca_file(const struct peer *peer)
{
	return peer->ca_file;
}

/* ---- connections ------------------------------------------------------------------------ */

static void *connection_main(void *arg)
{
	struct connection *c = arg;
	if (c->peer->tls)
		connection_serve_tls(c);
	else
		c->peer->serve(c->peer, c->fd, c->nth, c->peer->ctx);
	shutdown(c->fd, SHUT_RDWR); /* closed in peer_stop: the number must not be reused before */
	return NULL;
}

static void *peer_main(void *arg)
{
	struct peer *peer = arg;
	for (int n = 0; n < CONNECTIONS_MAX; n++) {
		int fd = accept4(peer->listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			break;
		int on = 1;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		struct connection *c = &peer->connections[n];
		*c = (struct connection){ .peer = peer, .fd = fd, .nth = n };
		atomic_store(&peer->count,
			n + 1); /* before it can answer: tests count what they got answers from */
		if (pthread_create(&c->thread, NULL, connection_main, c))
			abort();
	}
	return NULL;
}

static struct peer *peer_begin(
	void (*serve)(struct peer *peer, int fd, int nth, void *ctx), void *ctx, bool tls)
{
	struct peer *peer = calloc(1, sizeof(*peer));
	if (!peer)
		abort();
	/* TLS writes to sockets that a client may have closed. */
	signal(SIGPIPE, SIG_IGN);
	if (tls)
		peer_prepare_tls(peer);
	peer->serve = serve;
	peer->ctx = ctx;
	peer->listener = listen_on_loopback(&peer->port);
	if (pthread_create(&peer->thread, NULL, peer_main, peer))
		abort();
	return peer;
}

struct peer *peer_start(void (*serve)(struct peer *peer, int fd, int nth, void *ctx), void *ctx)
{
	return peer_begin(serve, ctx, false);
}

struct peer *peer_start_tls(void (*serve)(struct peer *peer, int fd, int nth, void *ctx), void *ctx)
{
	return peer_begin(serve, ctx, true);
}

void peer_stop(struct peer *peer)
{
	shutdown(peer->listener, SHUT_RDWR);
	pthread_join(peer->thread, NULL);
	close(peer->listener);
	for (int i = 0; i < peer->count; i++)
		shutdown(peer->connections[i].fd, SHUT_RDWR);
	for (int i = 0; i < peer->count; i++) {
		pthread_join(peer->connections[i].thread, NULL);
		close(peer->connections[i].fd);
	}
	if (peer->tls) {
		SSL_CTX_free(peer->tls);
		unlink(peer->ca_file);
	}
	free(peer);
}

int peer_port(const struct peer *peer)
{
	return peer->port;
}

int peer_connections(const struct peer *peer)
{
	return atomic_load(&peer->count);
}

const char *peer_url(const struct peer *peer, const char *scheme, const char *path)
{
	static char url[256];
	snprintf(url, sizeof(url), "%s://127.0.0.1:%d%s", scheme, peer->port, path);
	return url;
}

/* ---- bytes ------------------------------------------------------------------------------ */

bool peer_write(int fd, const void *p, size_t n)
{
	const char *at = p;
	while (n) {
		ssize_t got = send(fd, at, n, MSG_NOSIGNAL);
		if (got <= 0)
			return false;
		at += got;
		n -= (size_t)got;
	}
	return true;
}

bool peer_print(int fd, const char *fmt, ...)
{
	char text[4096];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return peer_write(fd, text, (size_t)n);
}

void peer_sleep(int ms)
{
	struct timespec t = { ms / 1000, (ms % 1000) * 1000000L };
	nanosleep(&t, NULL);
}

static bool read_all(int fd, void *p, size_t n)
{
	char *at = p;
	while (n) {
		ssize_t got = recv(fd, at, n, 0);
		if (got <= 0)
			return false;
		at += got;
		n -= (size_t)got;
	}
	return true;
}

bool peer_read_request(int fd, char *buf, size_t size)
{
	size_t n = 0;
	buf[0] = '\0';
	while (!(n >= 4 && memcmp(buf + n - 4, "\r\n\r\n", 4) == 0)) {
		if (n + 1 == size || !read_all(fd, buf + n, 1))
			return false;
		buf[++n] = '\0';
	}
	const char *length = strcasestr(buf, "\r\ncontent-length:");
	size_t body = length ? strtoul(length + 17, NULL, 10) : 0;
	if (body >= size || n + body >= size || !read_all(fd, buf + n, body))
		return false;
	buf[n + body] = '\0';
	return true;
}

bool peer_until_closed(int fd)
{
	char buf[4096];
	while (recv(fd, buf, sizeof(buf), 0) > 0)
		;
	return true;
}

/* ---- WebSocket -------------------------------------------------------------------------- */

bool peer_upgrade(int fd)
{
	char request[8192], text[128], accept[64];
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned size = 0;
	if (!peer_read_request(fd, request, sizeof(request)))
		return false;
	const char *key = strcasestr(request, "\r\nsec-websocket-key:");
	if (!key)
		return false;
	key += strlen("\r\nsec-websocket-key:");
	key += strspn(key, " ");
	snprintf(text, sizeof(text), "%.*s258EAFA5-E914-47DA-95CA-C5AB0DC85B11",
		(int)strcspn(key, "\r"), key);
	EVP_Digest(text, strlen(text), hash, &size, EVP_sha1(), NULL);
	EVP_EncodeBlock((unsigned char *)accept, hash, (int)size);
	return peer_print(fd,
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Accept: %s\r\n\r\n",
		accept);
}

bool peer_frame(int fd, int opcode, bool fin, const void *p, size_t n)
{
	unsigned char head[10] = { (unsigned char)(opcode | (fin ? 0x80 : 0)) };
	size_t size = 2;
	if (n < 126) {
		head[1] = (unsigned char)n;
	} else if (n < 65536) {
		head[1] = 126;
		head[2] = (unsigned char)(n >> 8);
		head[3] = (unsigned char)n;
		size = 4;
	} else {
		head[1] = 127;
		for (size_t i = 0; i < 8; i++)
			head[2 + i] = (unsigned char)((uint64_t)n >> (56 - 8 * i));
		size = 10;
	}
	return peer_write(fd, head, size) && peer_write(fd, p, n);
}

int peer_read_frame(int fd, char *buf, size_t size, size_t *n)
{
	unsigned char head[2], more[8], mask[4];
	if (!read_all(fd, head, 2) || !(head[1] & 0x80))
		return -1;
	uint64_t length = head[1] & 0x7f;
	size_t extra = length == 126 ? 2 : length == 127 ? 8 : 0;
	if (!read_all(fd, more, extra))
		return -1;
	if (extra)
		length = 0;
	for (size_t i = 0; i < extra; i++)
		length = length << 8 | more[i];
	if (!read_all(fd, mask, 4) || length >= size || !read_all(fd, buf, length))
		return -1;
	for (size_t i = 0; i < length; i++)
		buf[i] = (char)(buf[i] ^ (char)mask[i % 4]);
	buf[length] = '\0';
	*n = length;
	return head[0] & 0xf;
}
