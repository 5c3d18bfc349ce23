#include "base/queue.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t some;
	struct queue_hooks hooks;
	struct slot {
		void *item;
		bool patient;
	} *ring; /* of max */
	size_t max, first, length;
	size_t urgent; /* how many of them are not patient */
	struct timespec patience; /* of the first patient one, when there is nothing else: monotonic */
	bool sleeping; /* the taker is in queue_wait */
	bool poked, closed;
	bool was_full; /* since then not half empty yet: room() is owed */
};

struct queue *queue_create(size_t max, const struct queue_hooks *hooks)
{
	struct queue *q = calloc(1, sizeof(*q));
	pthread_condattr_t attr;

	if (!q || max == 0)
		abort();
	q->ring = calloc(max, sizeof(*q->ring));
	if (!q->ring)
		abort();
	q->max = max;
	if (hooks)
		q->hooks = *hooks;
	pthread_mutex_init(&q->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(
		&attr, CLOCK_MONOTONIC); /* a step of the wall clock must not keep it asleep */
	pthread_cond_init(&q->some, &attr);
	pthread_condattr_destroy(&attr);
	return q;
}

void queue_destroy(struct queue *q)
{
	if (!q)
		return;
	pthread_cond_destroy(&q->some);
	pthread_mutex_destroy(&q->lock);
	free(q->ring);
	free(q);
}

static struct timespec queue_deadline(int64_t timeout_ms)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec += (time_t)(timeout_ms / 1000);
	ts.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_nsec -= 1000000000;
		ts.tv_sec++;
	}
	return ts;
}

static bool put(struct queue *q, void *item, const struct timespec *patience)
{
	bool was_empty, sleeping;

	pthread_mutex_lock(&q->lock);
	if (q->closed || q->length == q->max) {
		q->was_full |= q->length == q->max;
		pthread_mutex_unlock(&q->lock);
		return false;
	}

	size_t at = q->first + q->length;

	q->ring[at < q->max ? at : at - q->max] = (struct slot){ item, patience != NULL };
	was_empty = q->length++ == 0;
	q->was_full |= q->length == q->max;
	if (was_empty && patience)
		q->patience = *patience;
	/* Of more patient ones the sleeper need not know. */
	sleeping = q->sleeping && (was_empty || (!patience && q->urgent == 0));
	q->urgent += !patience;
	pthread_mutex_unlock(&q->lock);

	if (sleeping)
		pthread_cond_signal(&q->some);
	if (was_empty && q->hooks.wake)
		q->hooks.wake(q->hooks.context);
	return true;
}

bool queue_put(struct queue *q, void *item)
{
	return put(q, item, NULL);
}

bool queue_put_patient(struct queue *q, void *item, int wait_ms)
{
	struct timespec patience = queue_deadline(wait_ms);

	return put(q, item, &patience);
}

bool queue_patient(struct queue *q)
{
	pthread_mutex_lock(&q->lock);

	bool patient = q->length > 0 && q->urgent == 0;

	pthread_mutex_unlock(&q->lock);
	return patient;
}

size_t queue_take(struct queue *q, void **items, size_t max)
{
	bool room = false;

	pthread_mutex_lock(&q->lock);

	size_t n = q->length < max ? q->length : max;

	for (size_t i = 0; i < n; i++) {
		items[i] = q->ring[q->first].item;
		q->urgent -= !q->ring[q->first].patient;
		if (++q->first == q->max)
			q->first = 0;
	}
	q->length -= n;
	if (q->was_full && q->length <= q->max / 2) {
		q->was_full = false;
		room = true;
	}
	pthread_mutex_unlock(&q->lock);

	if (room && q->hooks.room)
		q->hooks.room(q->hooks.context);
	return n;
}

/* NULL: sleep without limit. */
static const struct timespec *sleep_limit(const struct queue *q, const struct timespec *until)
{
	if (q->length == 0)
		return until;
	if (!until || until->tv_sec > q->patience.tv_sec ||
		(until->tv_sec == q->patience.tv_sec && until->tv_nsec > q->patience.tv_nsec))
		return &q->patience;
	return until;
}

static bool sleep_once(struct queue *q, const struct timespec *limit)
{
	if (!limit)
		return pthread_cond_wait(&q->some, &q->lock) == 0;
	return pthread_cond_timedwait(&q->some, &q->lock, limit) != ETIMEDOUT;
}

void queue_wait(struct queue *q, int64_t timeout_ms)
{
	struct timespec until = { 0 };

	if (timeout_ms > INT64_C(1) << 40) /* beyond any uptime; keeps the sum in range */
		timeout_ms = INT64_C(1) << 40;
	if (timeout_ms > 0)
		until = queue_deadline(timeout_ms);
	pthread_mutex_lock(&q->lock);
	q->sleeping = true;
	while (q->urgent == 0 && !q->poked && !q->closed && timeout_ms != 0 &&
		sleep_once(q, sleep_limit(q, timeout_ms < 0 ? NULL : &until)))
		;
	q->sleeping = false;
	q->poked = false;
	pthread_mutex_unlock(&q->lock);
}

void queue_poke(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->poked = true;
	pthread_mutex_unlock(&q->lock);
	pthread_cond_signal(&q->some);
}

void queue_close(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->closed = true;
	pthread_mutex_unlock(&q->lock);
	pthread_cond_broadcast(&q->some);
}

bool queue_closed(struct queue *q)
{
	pthread_mutex_lock(&q->lock);

	bool closed = q->closed;

	pthread_mutex_unlock(&q->lock);
	return closed;
}

size_t queue_length(struct queue *q)
{
	pthread_mutex_lock(&q->lock);

	size_t length = q->length;

	pthread_mutex_unlock(&q->lock);
	return length;
}
