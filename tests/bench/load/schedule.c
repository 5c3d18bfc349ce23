#include "load.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SETTLE_NS    (2 * SECOND_NS) /* before idling is looked at */
#define PING_NS	     (10 * SECOND_NS)
#define LATE_NS	     (3 * SECOND_NS) /* Slack waits no longer */
#define LOOK_NS	     (SECOND_NS / 50)
#define DEAF_ROUNDS  5

static int64_t ns(double seconds)
{
	return (int64_t)(seconds * (double)SECOND_NS);
}

static int64_t own_cpu(void)
{
	struct timespec t = { 0 };

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * SECOND_NS + t.tv_nsec;
}

/* ---- what comes from the bot ---- */

static void count_call(struct load *l, const char *method)
{
	l->call_count++;
	for (size_t i = 0; i < CALLS_MAX; i++) {
		if (!l->calls[i].n)
			snprintf(l->calls[i].method, sizeof(l->calls[i].method), "%s", method);
		if (strncmp(l->calls[i].method, method, sizeof(l->calls[i].method) - 1) != 0)
			continue;
		l->calls[i].n++;
		return;
	}
}

static size_t on_call(void *ctx, const char *path, const char *body, char *out, size_t size)
{
	struct load *l = ctx;
	const char *slash = strrchr(path, '/');
	uint64_t number;

	if (strncmp(path, SLACK_URL_PATH, sizeof(SLACK_URL_PATH) - 1) != 0) {
		count_call(l, slash ? slash + 1 : path);
		return slack_answer(slash ? slash + 1 : path, body, wire_port(l->wire), l->call_count, out, size);
	}
	count_call(l, "response_url");
	number = strtoull(path + sizeof(SLACK_URL_PATH) - 1, NULL, 10);
	if (number < l->sent_count && l->sent[number].by_url < UINT8_MAX)
		l->sent[number].by_url++;
	return (size_t)snprintf(out, size, "{\"ok\":true}");
}

static const char *on_link(void *ctx)
{
	struct load *l = ctx;
	int64_t now = wire_now();

	if (l->gap_from && l->gap_to < l->gap_from) {
		l->gap_to = now;
		l->gap_ns += now - l->gap_from;
	}
	return SLACK_HELLO;
}

static void on_gone(void *ctx, bool announced)
{
	struct load *l = ctx;

	if (l->phase >= PHASE_LINGER)
		return;
	l->lost_links += !announced;
	if (!wire_links(l->wire))
		l->gap_from = wire_now();
}

static void on_message(void *ctx, char *p, size_t n)
{
	struct load *l = ctx;
	uint64_t number;
	bool payload;
	enum ack ack = slack_ack(p, n, l->nonce, &number, &payload);
	struct sent *s;

	if (ack == ACK_MALFORMED) {
		l->malformed++;
		return;
	}
	if (ack == ACK_UNKNOWN || number >= l->sent_count) {
		l->unknown++;
		return;
	}
	s = &l->sent[number];
	l->duplicates += s->acks > 0;
	if (s->acks < UINT8_MAX)
		s->acks++;
	if (s->acks > 1)
		return;
	l->last_ack_at = wire_now();
	s->took = l->last_ack_at - s->due;
	l->acked++;
	if (number < (uint64_t)l->o.warm_up)
		return;
	l->late += s->took > LATE_NS;
	l->without_payload += !payload;
	l->run_to = l->last_ack_at;
}

struct wire_events schedule_events(struct load *l)
{
	return (struct wire_events){ .on_call = on_call,
		.on_link = on_link,
		.on_message = on_message,
		.on_gone = on_gone,
		.ctx = l };
}

/* ---- what goes to it ---- */

static struct sent *sent_add(struct load *l)
{
	if (l->sent_count == l->sent_cap) {
		l->sent_cap = l->sent_cap * 2 + 65536;
		l->sent = realloc(l->sent, l->sent_cap * sizeof(*l->sent));
		if (!l->sent)
			abort();
	}
	return &l->sent[l->sent_count++];
}

static bool send_one(struct load *l, int64_t due, int64_t now)
{
	struct link *link = wire_next_link(l->wire);
	struct slack_command c = { .port = wire_port(l->wire), .nonce = l->nonce };
	char name[64], text[SLACK_ENVELOPE_MAX];
	const char *words = l->o.command[l->sent_count % l->o.commands];
	size_t n;

	if (!link)
		return false;
	n = strcspn(words, " ");
	snprintf(name, sizeof(name), "%.*s", (int)n, words);
	c.command = name;
	c.text = words + n + (words[n] == ' ');
	n = slack_envelope(&c, l->sent_count, text);
	if (!n) {
		l->failed = "a command is too long";
		return false;
	}
	l->due_in_gap += l->gap_from && due >= l->gap_from && due < l->gap_to;
	*sent_add(l) = (struct sent){ .due = due, .late_us = (uint32_t)((now - due) / 1000) };
	wire_send(link, text, n);
	return true;
}

static int64_t until_next(const struct load *l)
{
	double even = (double)SECOND_NS / l->o.rate;

	return (int64_t)(l->o.poisson ? -log(1.0 - drand48()) * even : even);
}

/* Both stop where they can send no more; the time until which more may be sent is the caller's. */
static void send_closed(struct load *l, size_t limit, int64_t now)
{
	while (l->sent_count < limit && l->sent_count - l->acked < (size_t)l->o.outstanding) {
		if (!send_one(l, now, now))
			return;
	}
}

static void send_open(struct load *l, size_t limit, int64_t now)
{
	int64_t last = l->o.seconds > 0 ? l->run_from + ns(l->o.seconds) : INT64_MAX;

	while (l->sent_count < limit && l->next_due <= now && l->next_due < last) {
		if (!send_one(l, l->next_due, now))
			return;
		l->next_due += until_next(l);
	}
	l->run_sent |= l->next_due >= last;
}

/* ---- phases ---- */

static int64_t enter(struct load *l, enum phase phase, int64_t now)
{
	l->phase = phase;
	l->phase_at = now;
	return now;
}

static int64_t step_connect(struct load *l, int64_t now)
{
	if (wire_links(l->wire) >= (size_t)l->o.links) {
		l->connected_at = now;
		return enter(l, PHASE_SETTLE, now);
	}
	if (now - l->phase_at > ns(l->o.connect))
		l->failed = "the bot did not connect";
	return now + LOOK_NS;
}

/* A short moment in any case: what the bot does after its start is no part of a command. */
static int64_t step_settle(struct load *l, int64_t now)
{
	int64_t end = l->phase_at + (l->o.idle > 0 ? SETTLE_NS : SECOND_NS / 5);

	if (now < end)
		return end;
	l->before_idle = process_usage(&l->bot);
	return enter(l, PHASE_IDLE, now);
}

static int64_t step_idle(struct load *l, int64_t now)
{
	int64_t end = l->phase_at + ns(l->o.idle);

	if (now < end)
		return end;
	l->after_idle = process_usage(&l->bot);
	l->last_ack_at = now;
	return enter(l, PHASE_WARM, now);
}

static bool gave_up(struct load *l, int64_t now)
{
	return now - l->last_ack_at > ns(l->o.give_up) &&
	       (l->sent_count > l->acked || !wire_links(l->wire));
}

static int64_t step_warm(struct load *l, int64_t now)
{
	send_closed(l, (size_t)l->o.warm_up, now);
	if (gave_up(l, now))
		l->failed = "no ack came while it warmed up";
	if (l->acked < (size_t)l->o.warm_up)
		return now + LOOK_NS;
	l->before = process_usage(&l->bot);
	l->own_before = own_cpu();
	now = wire_now();
	l->run_from = l->run_to = l->next_due = l->last_ack_at = l->next_sample = now;
	l->next_refresh = l->o.refresh > 0 ? now + ns(l->o.refresh) : INT64_MAX;
	l->sample_every = ns(l->o.seconds > 0 ? l->o.seconds / SAMPLES_MAX : 0.1);
	return enter(l, PHASE_RUN, now);
}

/* When the room is full, every second one goes and those to come are half as many. */
static void sample(struct load *l, int64_t now)
{
	if (now < l->next_sample)
		return;
	if (l->samples == SAMPLES_MAX) {
		l->samples /= 2;
		for (size_t i = 0; i < l->samples; i++)
			l->rss_kb[i] = l->rss_kb[2 * i];
		l->sample_every *= 2;
	}
	l->rss_kb[l->samples++] = process_rss_kb(&l->bot);
	l->next_sample = now + l->sample_every;
}

static void refresh(struct load *l, int64_t now)
{
	if (now < l->next_refresh || l->run_sent)
		return;
	wire_renew(l->wire, SLACK_REFRESH, ns(l->o.close_after));
	l->refreshes++;
	l->next_refresh = now + ns(l->o.refresh);
}

/* True while nothing is read: then no ack can come. */
static bool deaf(struct load *l, int64_t now)
{
	int64_t round = ns(l->o.deaf * 1.1), at = now - l->run_from;
	bool is = round && at < DEAF_ROUNDS * round && at % round < ns(l->o.deaf);

	wire_deaf(l->wire, is);
	return is;
}

static int64_t step_run(struct load *l, int64_t now)
{
	size_t limit = (size_t)(l->o.warm_up + (l->o.count ? l->o.count : COUNT_MAX));
	int64_t end = l->o.seconds > 0 ? l->run_from + ns(l->o.seconds) : INT64_MAX, wake = now + LOOK_NS;

	sample(l, now);
	refresh(l, now);
	if (deaf(l, now))
		l->last_ack_at = now;
	l->run_sent |= l->sent_count >= limit || now >= end;
	if (!l->run_sent && l->o.rate > 0)
		send_open(l, limit, now);
	else if (!l->run_sent)
		send_closed(l, limit, now);
	l->run_sent |= l->sent_count >= limit;
	if ((l->run_sent && l->acked == l->sent_count) || gave_up(l, now)) {
		l->own_after = own_cpu();
		l->after = process_usage(&l->bot);
		return enter(l, PHASE_LINGER, now);
	}
	if (l->o.rate > 0 && !l->run_sent && l->next_due > now && l->next_due < wake)
		wake = l->next_due;
	return wake;
}

static int64_t step_linger(struct load *l, int64_t now)
{
	int64_t end = l->phase_at + ns(l->o.linger);

	if (now >= end)
		enter(l, PHASE_DONE, now);
	return end;
}

int64_t schedule_step(struct load *l, int64_t now)
{
	static int64_t (*const steps[])(struct load *, int64_t) = {
		[PHASE_CONNECT] = step_connect,
		[PHASE_SETTLE] = step_settle,
		[PHASE_IDLE] = step_idle,
		[PHASE_WARM] = step_warm,
		[PHASE_RUN] = step_run,
		[PHASE_LINGER] = step_linger,
	};

	if (now >= l->next_ping && l->phase != PHASE_CONNECT) {
		wire_ping(l->wire);
		l->next_ping = now + PING_NS;
	}
	if (l->phase < PHASE_LINGER && l->bot.started_at && process_ended(&l->bot))
		l->failed = "the bot ended";
	return l->phase == PHASE_DONE ? now : steps[l->phase](l, now);
}
