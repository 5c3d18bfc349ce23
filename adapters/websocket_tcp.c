/*
 * The connection under a WebSocket: TCP of the loop, and TLS by OpenSSL between two memory buffers,
 * so that only the loop touches the socket.
 *
 * The happy path is: dial → connected → (handshake) → websocket_on_connected → bytes both ways →
 * kill or the end of the stream → closed, websocket_on_gone.
 */
#include "adapters/websocket_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

/* Certificates are read once for every CA file in use: in practice one. */
struct trust {
	char *ca_file; /* NULL: the system's */
	SSL_CTX *context;
	struct trust *next; /* websockets.trusts */
};

struct websocket_link {
	uv_tcp_t tcp;
	uv_connect_t connecting;
	struct websockets *owner;
	struct websocket *ws; /* NULL: forgotten */
	bool connected, closing, wants_write;
	size_t unsent; /* bytes given to the loop that the kernel has not taken */
	SSL *ssl;      /* NULL: none, or not yet */
	BIO *in, *out; /* its sides; owned by it */
	bool secure;   /* the handshake is done */
	struct websocket_link *prev, *next; /* websockets.links */
};

struct websockets {
	struct io *io;
	struct websocket_link *links;
	struct trust *trusts;
	struct websocket *all;
	char buffer[WEBSOCKET_READ_SIZE]; /* of whoever is read just now */
};

struct unsent {
	uv_write_t req;
	struct websocket_link *link;
	size_t n;
	char data[];
};

static struct websockets *websockets_of(struct io *io)
{
	if (!io->websockets) {
		io->websockets = adapters_alloc(sizeof(*io->websockets));
		io->websockets->io = io;
	}
	return io->websockets;
}

/* ---- the end ----------------------------------------------------------------------------- */

static void on_closed(uv_handle_t *handle)
{
	struct websocket_link *link = handle->data;
	struct websockets *w = link->owner;
	struct websocket *ws = link->ws;

	*(link->prev ? &link->prev->next : &w->links) = link->next;
	if (link->next)
		link->next->prev = link->prev;
	SSL_free(link->ssl);
	free(link);
	if (ws) {
		ws->link = NULL;
		websocket_on_gone(ws);
	}
}

static int link_flush_tls(struct websocket_link *link);

static void link_close(struct websocket_link *link)
{
	if (link->closing)
		return;
	if (link->secure) { /* a word of goodbye, if it can be had at once */
		SSL_shutdown(link->ssl);
		link_flush_tls(link);
	}
	ERR_clear_error();
	link->closing = true;
	uv_close((uv_handle_t *)&link->tcp, on_closed);
}

void websocket_link_kill(struct websocket *ws)
{
	if (ws->link)
		link_close(ws->link);
}

void websocket_link_forget(struct websocket *ws)
{
	struct websocket_link *link = ws->link;

	ws->link = NULL;
	if (!link)
		return;
	link->ws = NULL;
	link_close(link);
}

/* ---- writing ----------------------------------------------------------------------------- */

static void on_written(uv_write_t *req, int status)
{
	struct unsent *u = req->data;
	struct websocket_link *link = u->link;

	link->unsent -= u->n;
	free(u);
	if (link->closing)
		return;
	if (status) {
		link_close(link);
	} else if (!link->unsent && link->wants_write && link->ws) {
		link->wants_write = false;
		websocket_on_writable(link->ws);
	}
}

/* What the kernel does not take at once is copied. */
static int link_send(struct websocket_link *link, const char *p, size_t n)
{
	uv_buf_t buf = uv_buf_init((char *)(uintptr_t)p, (unsigned)n);
	int sent = link->unsent ? UV_EAGAIN : uv_try_write((uv_stream_t *)&link->tcp, &buf, 1);
	struct unsent *u;
	int rc;

	if (sent < 0 && sent != UV_EAGAIN)
		return -EPIPE;
	if (sent > 0 && (size_t)sent == n)
		return 0;
	p += sent > 0 ? sent : 0;
	n -= sent > 0 ? (size_t)sent : 0;
	u = adapters_alloc(sizeof(*u) + n);
	u->req.data = u;
	u->link = link;
	u->n = n;
	memcpy(u->data, p, n);
	buf = uv_buf_init(u->data, (unsigned)n);
	rc = uv_write(&u->req, (uv_stream_t *)&link->tcp, &buf, 1, on_written);
	if (rc) {
		free(u);
		return -EPIPE;
	}
	link->unsent += n;
	return 0;
}

static int link_flush_tls(struct websocket_link *link)
{
	char *p;
	long n = BIO_get_mem_data(link->out, &p);
	int rc = n > 0 ? link_send(link, p, (size_t)n) : 0;

	(void)BIO_reset(link->out);
	return rc;
}

int websocket_link_write(struct websocket *ws, const unsigned char *p, size_t n)
{
	struct websocket_link *link = ws->link;

	if (!link || link->closing || !link->connected)
		return -EPIPE;
	if (!link->ssl)
		return link_send(link, (const char *)p, n);
	ERR_clear_error();
	if (SSL_write(link->ssl, p, (int)n) != (int)n)
		return -EPIPE;
	return link_flush_tls(link);
}

bool websocket_link_ready(struct websocket *ws)
{
	return ws->link && !ws->link->unsent;
}

void websocket_link_want_write(struct websocket *ws)
{
	if (ws->link)
		ws->link->wants_write = true;
}

/* ---- TLS --------------------------------------------------------------------------------- */

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static SSL_CTX *trust_load(const char *ca_file)
{
	static const unsigned char alpn[] = "\x08http/1.1";
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());

	if (!context)
		return NULL;
	SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_alpn_protos(context, alpn, sizeof(alpn) - 1);
	if (ca_file ? SSL_CTX_load_verify_file(context, ca_file) == 1
		    : SSL_CTX_set_default_verify_paths(context) == 1)
		return context;
	SSL_CTX_free(context);
	return NULL;
}

static SSL_CTX *trust_of(struct websockets *w, const char *ca_file)
{
	struct trust *t;
	SSL_CTX *context;

	for (t = w->trusts; t; t = t->next)
		if (same_text(t->ca_file, ca_file))
			return t->context;
	context = trust_load(ca_file);
	if (!context)
		return NULL;
	t = adapters_alloc(sizeof(*t));
	t->ca_file = ca_file ? strdup(ca_file) : NULL;
	t->context = context;
	t->next = w->trusts;
	w->trusts = t;
	return context;
}

/* The certificate must be one for this name, or this address. */
static bool ssl_expect(SSL *ssl, const char *host)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1)
		return true;
	/* what SSL_set_tlsext_host_name() does, without its cast */
	return SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
		       (void *)(uintptr_t)host) == 1 &&
	       SSL_set1_host(ssl, host) == 1;
}

static bool link_prepare_tls(struct websocket_link *link, struct websocket *ws)
{
	SSL_CTX *context;

	if (ws->ca_file && access(ws->ca_file, R_OK)) {
		websocket_explain(
			ws, "cannot read the CA file %s: %s", ws->ca_file, strerror(errno));
		return false;
	}
	context = trust_of(ws->io->websockets, ws->ca_file);
	link->ssl = context ? SSL_new(context) : NULL;
	link->in = BIO_new(BIO_s_mem());
	link->out = BIO_new(BIO_s_mem());
	if (!link->ssl || !link->in || !link->out || !ssl_expect(link->ssl, ws->host)) {
		const char *why = ERR_reason_error_string(ERR_peek_last_error());

		websocket_explain(ws, "cannot set up TLS: %s", why ? why : "no memory");
		if (!link->ssl) {
			BIO_free(link->in);
			BIO_free(link->out);
		}
		return false;
	}
	SSL_set_bio(link->ssl, link->in, link->out);
	SSL_set_connect_state(link->ssl);
	return true;
}

static void explain_tls(struct websocket_link *link)
{
	long verdict = SSL_get_verify_result(link->ssl);
	const char *why = ERR_reason_error_string(ERR_peek_last_error());

	if (verdict != X509_V_OK)
		websocket_explain(link->ws, "the server's certificate is not trusted: %s",
			X509_verify_cert_error_string(verdict));
	else
		websocket_explain(link->ws, "cannot connect: TLS: %s", why ? why : "the server left");
}

/* False: it failed. */
static bool link_shake_hands(struct websocket_link *link)
{
	int rc, error;

	ERR_clear_error();
	rc = SSL_do_handshake(link->ssl);
	error = SSL_get_error(link->ssl, rc);
	if (link_flush_tls(link) || (rc != 1 && error != SSL_ERROR_WANT_READ)) {
		explain_tls(link);
		return false;
	}
	if (rc == 1) {
		link->secure = true;
		websocket_on_connected(link->ws);
	}
	return true;
}

/* ---- reading ----------------------------------------------------------------------------- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct websockets *w = ((struct websocket_link *)handle->data)->owner;

	(void)suggested;
	*buf = uv_buf_init(w->buffer, sizeof(w->buffer));
}

/* False: the connection is of no use any more. */
static bool link_take_tls(struct websocket_link *link)
{
	char text[16384]; /* a record at most */
	int n;

	if (!link->secure && !link_shake_hands(link))
		return false;
	while (link->secure && link->ws && !link->closing) {
		ERR_clear_error();
		n = SSL_read(link->ssl, text, sizeof(text));
		if (link_flush_tls(link))
			return false;
		if (n <= 0)
			return SSL_get_error(link->ssl, n) == SSL_ERROR_WANT_READ;
		if (!websocket_wire_bytes(link->ws, text, (size_t)n))
			return false;
	}
	return true;
}

static bool link_take(struct websocket_link *link, const char *p, size_t n)
{
	if (!link->ssl)
		return websocket_wire_bytes(link->ws, p, n);
	if (BIO_write(link->in, p, (int)n) != (int)n)
		return false;
	return link_take_tls(link);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct websocket_link *link = stream->data;

	if (n == 0 || link->closing)
		return;
	if (n > 0 && link->ws && link_take(link, buf->base, (size_t)n))
		return;
	if (n < 0 && link->ws && link->ssl && !link->secure)
		websocket_explain(link->ws, "cannot connect: the server left during the TLS handshake");
	else if (n < 0 && link->ws && !link->ws->upgraded)
		websocket_explain(link->ws, "the server closed without answering the upgrade");
	link_close(link);
}

void websocket_link_flow(struct websocket *ws, bool on)
{
	struct websocket_link *link = ws->link;

	if (!link || link->closing || !link->connected)
		return;
	if (on)
		uv_read_start((uv_stream_t *)&link->tcp, on_alloc, on_read);
	else
		uv_read_stop((uv_stream_t *)&link->tcp);
}

/* ---- the beginning ----------------------------------------------------------------------- */

static void on_connect(uv_connect_t *req, int status)
{
	struct websocket_link *link = req->data;

	if (link->closing)
		return;
	if (status || !link->ws) {
		if (link->ws)
			websocket_explain(link->ws, "cannot connect: %s", uv_strerror(status));
		link_close(link);
		return;
	}
	link->connected = true;
	uv_tcp_nodelay(&link->tcp, 1);
	uv_read_start((uv_stream_t *)&link->tcp, on_alloc, on_read);
	if (!link->ssl)
		websocket_on_connected(link->ws);
	else if (!link_shake_hands(link))
		link_close(link);
}

static struct websocket_link *link_create(struct websockets *w, struct websocket *ws)
{
	struct websocket_link *link = adapters_alloc(sizeof(*link));

	uv_tcp_init(&w->io->loop, &link->tcp);
	link->tcp.data = link->connecting.data = link;
	link->owner = w;
	link->ws = ws;
	link->next = w->links;
	if (w->links)
		w->links->prev = link;
	w->links = link;
	ws->link = link;
	return link;
}

bool websocket_link_dial(struct websocket *ws, const struct sockaddr *address)
{
	struct websockets *w = websockets_of(ws->io);
	struct websocket_link *link = link_create(w, ws);
	int rc = 0;

	if (!ws->tls || link_prepare_tls(link, ws)) {
		rc = uv_tcp_connect(&link->connecting, &link->tcp, address, on_connect);
		if (!rc)
			return true;
		websocket_explain(ws, "cannot connect: %s", uv_strerror(rc));
	}
	websocket_link_forget(ws);
	return false;
}

/* ---- all of them ------------------------------------------------------------------------- */

void websockets_add(struct websocket *ws)
{
	struct websockets *w = websockets_of(ws->io);
	ws->next = w->all;
	if (w->all)
		w->all->prev = ws;
	w->all = ws;
	ws->listed = true;
}

void websockets_remove(struct websocket *ws)
{
	struct websockets *w = ws->io->websockets;
	if (ws->prev)
		ws->prev->next = ws->next;
	else
		w->all = ws->next;
	if (ws->next)
		ws->next->prev = ws->prev;
}

void websockets_stop(struct websockets *w)
{
	if (!w)
		return;
	for (struct websocket *ws = w->all; ws; ws = ws->next)
		websocket_shut_down(ws);
	for (struct websocket_link *link = w->links; link; link = link->next)
		link_close(link);
}

bool websockets_idle(const struct websockets *w)
{
	return !w || (!w->all && !w->links);
}

void websockets_destroy(struct websockets *w)
{
	if (!w)
		return;
	while (w->trusts) {
		struct trust *t = w->trusts;

		w->trusts = t->next;
		SSL_CTX_free(t->context);
		free(t->ca_file);
		free(t);
	}
	free(w);
}
