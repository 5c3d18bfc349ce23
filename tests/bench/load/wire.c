#include "wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bytes.h"
#include "frame.h"

#define HEAD_MAX    16384
#define BODY_MAX    (8u << 20)
#define ANSWER_MAX  8192
#define READ_AT_ONE 65536
#define CLOSING_NS  SECOND_NS /* for the peer's close frame */
#define EVENTS_MAX  64

enum state {
	LINK_HTTP,
	LINK_FRESH,
	LINK_ANNOUNCED, /* told to go; closed at `at` */
	LINK_CLOSING,	/* our close frame is out; given up at `at` */
	LINK_DEAD,
};

struct link {
	struct wire *wire;
	int fd;
	enum state state;
	bool stood;	/* was a WebSocket */
	bool announced; /* by wire_renew */
	bool wants_room;
	int64_t at;	      /* LINK_ANNOUNCED, LINK_CLOSING; LINK_HTTP: when to answer, 0: no answer is due */
	struct bytes in, out;
	struct bytes part;    /* of a fragmented message */
	struct bytes answer;  /* of HTTP, until `at` */
	struct link *next;    /* wire.all */
};

struct wire {
	struct wire_options options;
	struct wire_events events;
	struct wire_counts counts;
	int listener, epoll, port;
	bool deaf;
	size_t standing;
	struct link *all, *last_used;
};

int64_t wire_now(void)
{
	struct timespec t = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * SECOND_NS + t.tv_nsec;
}

/* ---- sockets ---- */

static bool is_link(const struct link *l)
{
	return l->stood && l->state != LINK_DEAD;
}

static void interest(struct link *l)
{
	bool reads = !(l->wire->deaf && l->stood);
	struct epoll_event e = {
		.events = (reads ? (uint32_t)EPOLLIN : 0) | (l->wants_room ? (uint32_t)EPOLLOUT : 0),
		.data.ptr = l,
	};

	epoll_ctl(l->wire->epoll, EPOLL_CTL_MOD, l->fd, &e);
}

static void dies(struct link *l)
{
	bool stood = is_link(l);

	l->state = LINK_DEAD;
	if (!stood)
		return;
	l->wire->standing--;
	l->wire->events.on_gone(l->wire->events.ctx, l->announced);
}

static void flush(struct link *l)
{
	while (bytes_left(&l->out)) {
		ssize_t n = send(l->fd, l->out.p + l->out.from, bytes_left(&l->out), MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) {
			dies(l);
			return;
		}
		bytes_drop(&l->out, (size_t)n);
	}
	if (l->wants_room == (bytes_left(&l->out) > 0))
		return;
	l->wants_room = !l->wants_room;
	interest(l);
}

static void malformed(struct link *l)
{
	l->wire->counts.malformed++;
	dies(l);
}

/* ---- HTTP ---- */

/* The value of a header field within the head; NULL when it has none. */
static const char *field(const char *head, const char *end, const char *name, size_t *n)
{
	size_t len = strlen(name);

	for (const char *p = head; p < end; p++) {
		const char *eol = memchr(p, '\r', (size_t)(end - p));

		if (!eol)
			return NULL;
		if ((size_t)(eol - p) > len && p[len] == ':' && strncasecmp(p, name, len) == 0) {
			for (p += len + 1; *p == ' '; p++)
				;
			*n = (size_t)(eol - p);
			return p;
		}
		p = eol + 1;
	}
	return NULL;
}

static void answer(struct link *l, const char *type, const char *body, size_t n)
{
	char head[160];
	int len = snprintf(head, sizeof(head),
		"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n", type, n);

	bytes_add(&l->answer, head, (size_t)len);
	bytes_add(&l->answer, body, n);
	l->at = l->wire->options.answer_after ? wire_now() + l->wire->options.answer_after : 0;
	if (!l->at) {
		bytes_add(&l->out, l->answer.p + l->answer.from, bytes_left(&l->answer));
		bytes_drop(&l->answer, bytes_left(&l->answer));
	}
}

static void upgrade(struct link *l, const char *key, size_t n)
{
	char head[200], accept[32];
	const char *hello;
	int len;

	if (!frame_accept_key(key, n, accept)) {
		malformed(l);
		return;
	}
	len = snprintf(head, sizeof(head),
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Accept: %s\r\n\r\n",
		accept);
	bytes_add(&l->out, head, (size_t)len);
	l->state = LINK_FRESH;
	l->stood = true;
	l->wire->standing++;
	l->wire->counts.links++;
	hello = l->wire->events.on_link(l->wire->events.ctx);
	wire_send(l, hello, strlen(hello));
	if (l->wire->deaf)
		interest(l);
}

static void on_request(struct link *l, char *head, const char *end, char *body, size_t n)
{
	char out[ANSWER_MAX];
	char *path = strchr(head, ' '), *stop = path ? strpbrk(path + 1, " ?\r") : NULL;
	size_t key_len;
	const char *key = field(head, end, "Sec-WebSocket-Key", &key_len);

	if (key) {
		upgrade(l, key, key_len);
		return;
	}
	if (!stop) {
		malformed(l);
		return;
	}
	*stop = body[n] = '\0';
	n = l->wire->events.on_call(l->wire->events.ctx, path + 1, body, out, sizeof(out));
	answer(l, "application/json; charset=utf-8", out, n);
}

/* One whole request at a time; the next one when this one was answered. */
static bool http_step(struct link *l)
{
	char *p = bytes_room(&l->in, 1) - bytes_left(&l->in), *end;
	size_t have = bytes_left(&l->in), body = 0, n;
	const char *length;
	char next;

	p[have] = '\0';
	end = l->at ? NULL : memmem(p, have, "\r\n\r\n", 4);
	if (!end) {
		if (!l->at && have > HEAD_MAX)
			malformed(l);
		return false;
	}
	end += 4;
	length = field(p, end, "Content-Length", &n);
	body = length ? strtoul(length, NULL, 10) : 0;
	if (body > BODY_MAX || field(p, end, "Transfer-Encoding", &n)) {
		malformed(l);
		return false;
	}
	if (have - (size_t)(end - p) < body)
		return false;
	next = end[body];
	on_request(l, p, end, end, body);
	end[body] = next;
	bytes_drop(&l->in, (size_t)(end - p) + body);
	return l->state == LINK_HTTP;
}

/* ---- WebSocket ---- */

static void closes(struct link *l)
{
	static const char normal[] = { 0x03, (char)0xe8 };

	frame_put(&l->out, FRAME_CLOSE, normal, sizeof(normal));
	l->state = LINK_CLOSING;
	l->at = wire_now() + CLOSING_NS;
}

static void on_text(struct link *l, char *p, size_t n)
{
	l->wire->counts.read += n;
	l->wire->events.on_message(l->wire->events.ctx, p, n);
}

static void on_piece(struct link *l, const struct frame *f)
{
	bool first = f->opcode != 0;

	if (first == (bytes_left(&l->part) > 0) || bytes_left(&l->part) + f->n > FRAME_MAX) {
		malformed(l);
		return;
	}
	bytes_add(&l->part, f->p, f->n);
	if (!f->last)
		return;
	on_text(l, l->part.p + l->part.from, bytes_left(&l->part));
	bytes_drop(&l->part, bytes_left(&l->part));
}

static void on_frame(struct link *l, const struct frame *f)
{
	switch (f->opcode) {
	case FRAME_TEXT:
		if (f->last && !bytes_left(&l->part)) {
			on_text(l, f->p, f->n);
			return;
		}
		on_piece(l, f);
		return;
	case 0:
	case FRAME_BINARY:
		on_piece(l, f);
		return;
	case FRAME_PING:
		l->wire->counts.pings++;
		frame_put(&l->out, FRAME_PONG, f->p, f->n);
		return;
	case FRAME_PONG:
		return;
	case FRAME_CLOSE:
		if (l->state != LINK_CLOSING)
			frame_put(&l->out, FRAME_CLOSE, f->p, f->n);
		flush(l);
		if (l->state != LINK_DEAD)
			dies(l);
		return;
	default:
		malformed(l);
	}
}

static bool link_step(struct link *l)
{
	struct frame f;
	size_t used;
	int got = frame_get(l->in.p + l->in.from, bytes_left(&l->in), &f, &used);

	if (got < 0)
		malformed(l);
	if (got <= 0)
		return false;
	on_frame(l, &f);
	bytes_drop(&l->in, used);
	return l->state != LINK_DEAD;
}

/* ---- the turn ---- */

static void process(struct link *l)
{
	while (l->state == LINK_HTTP && http_step(l))
		;
	while (l->state != LINK_HTTP && l->state != LINK_DEAD && link_step(l))
		;
}

static void on_readable(struct link *l)
{
	ssize_t n = recv(l->fd, bytes_room(&l->in, READ_AT_ONE), READ_AT_ONE, 0);

	if (n > 0) {
		bytes_grown(&l->in, (size_t)n);
		process(l);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		dies(l);
	}
}

static void on_connection(struct wire *w)
{
	int fd = accept4(w->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), on = 1;
	struct link *l = fd < 0 ? NULL : calloc(1, sizeof(*l));
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = l };

	if (!l)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	l->wire = w;
	l->fd = fd;
	l->next = w->all;
	w->all = l;
	epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &e);
}

/* What has its time; returns when the next has. */
static int64_t on_time(struct link *l, int64_t now, int64_t until)
{
	if (!l->at || l->state == LINK_DEAD || l->state == LINK_FRESH)
		return until;
	if (l->at > now)
		return l->at < until ? l->at : until;
	switch (l->state) {
	case LINK_HTTP:
		l->at = 0;
		bytes_add(&l->out, l->answer.p + l->answer.from, bytes_left(&l->answer));
		bytes_drop(&l->answer, bytes_left(&l->answer));
		process(l);
		break;
	case LINK_ANNOUNCED:
		closes(l);
		break;
	case LINK_CLOSING:
		dies(l);
		break;
	case LINK_FRESH:
	case LINK_DEAD:
		break;
	}
	return until;
}

static void link_free(struct link *l)
{
	close(l->fd);
	bytes_finish(&l->in);
	bytes_finish(&l->out);
	bytes_finish(&l->part);
	bytes_finish(&l->answer);
	free(l);
}

static void bury(struct wire *w)
{
	for (struct link **p = &w->all, *l; (l = *p);) {
		if (l->state != LINK_DEAD) {
			p = &l->next;
			continue;
		}
		*p = l->next;
		if (w->last_used == l)
			w->last_used = NULL;
		link_free(l);
	}
}

static int wait_for(struct wire *w, struct epoll_event *events, int64_t until)
{
	int64_t ns = until - wire_now();
	struct timespec t = { .tv_sec = ns > 0 ? ns / SECOND_NS : 0, .tv_nsec = ns > 0 ? ns % SECOND_NS : 0 };

	return epoll_pwait2(w->epoll, events, EVENTS_MAX, &t, NULL);
}

void wire_turn(struct wire *w, int64_t until)
{
	struct epoll_event events[EVENTS_MAX];
	int64_t now = wire_now();
	int n;

	for (struct link *l = w->all; l; l = l->next) {
		until = on_time(l, now, until);
		if (l->state != LINK_DEAD && bytes_left(&l->out) && !l->wants_room)
			flush(l);
	}
	bury(w);
	n = wait_for(w, events, until);
	for (int i = 0; i < n; i++) {
		struct link *l = events[i].data.ptr;

		if (!l) {
			on_connection(w);
			continue;
		}
		if (l->state != LINK_DEAD && (events[i].events & EPOLLOUT))
			flush(l);
		if (l->state != LINK_DEAD && (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
			on_readable(l);
	}
}

/* ---- for the schedule ---- */

struct link *wire_next_link(struct wire *w)
{
	struct link *l, *from = w->last_used ? w->last_used->next : w->all;

	for (l = from; l && l->state != LINK_FRESH; l = l->next)
		;
	if (!l)
		for (l = w->all; l && l->state != LINK_FRESH; l = l->next)
			;
	if (!l)
		for (l = w->all; l && l->state != LINK_ANNOUNCED; l = l->next)
			;
	w->last_used = l;
	return l;
}

void wire_send(struct link *l, const char *p, size_t n)
{
	frame_put(&l->out, FRAME_TEXT, p, n);
}

void wire_ping(struct wire *w)
{
	for (struct link *l = w->all; l; l = l->next) {
		if (l->state == LINK_FRESH || l->state == LINK_ANNOUNCED)
			frame_put(&l->out, FRAME_PING, "Ping from a load", 16);
	}
}

void wire_renew(struct wire *w, const char *text, int64_t close_after)
{
	int64_t at = wire_now() + close_after;

	for (struct link *l = w->all; l; l = l->next) {
		if (l->state != LINK_FRESH)
			continue;
		wire_send(l, text, strlen(text));
		l->state = LINK_ANNOUNCED;
		l->announced = true;
		l->at = at;
	}
}

void wire_deaf(struct wire *w, bool deaf)
{
	if (w->deaf == deaf)
		return;
	w->deaf = deaf;
	for (struct link *l = w->all; l; l = l->next) {
		if (is_link(l))
			interest(l);
	}
}

size_t wire_links(const struct wire *w)
{
	return w->standing;
}

int wire_port(const struct wire *w)
{
	return w->port;
}

const struct wire_counts *wire_counts(const struct wire *w)
{
	return &w->counts;
}

static bool wire_listen(struct wire *w)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct epoll_event e = { .events = EPOLLIN };
	socklen_t len = sizeof(a);
	int room = w->options.receive_buffer;

	w->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (w->listener < 0 || w->epoll < 0)
		return false;
	if (room) /* those it accepts inherit it */
		setsockopt(w->listener, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	if (bind(w->listener, (struct sockaddr *)&a, sizeof(a)) || listen(w->listener, 128) ||
		getsockname(w->listener, (struct sockaddr *)&a, &len))
		return false;
	w->port = ntohs(a.sin_port);
	return epoll_ctl(w->epoll, EPOLL_CTL_ADD, w->listener, &e) == 0;
}

struct wire *wire_create(const struct wire_options *options, const struct wire_events *events)
{
	struct wire *w = calloc(1, sizeof(*w));

	if (!w)
		abort();
	w->options = *options;
	w->events = *events;
	if (wire_listen(w))
		return w;
	wire_destroy(w);
	return NULL;
}

void wire_destroy(struct wire *w)
{
	if (!w)
		return;
	for (struct link *l = w->all, *next; l; l = next) {
		next = l->next;
		link_free(l);
	}
	if (w->listener >= 0)
		close(w->listener);
	if (w->epoll >= 0)
		close(w->epoll);
	free(w);
}
