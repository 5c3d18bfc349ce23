#ifndef BASE_QUEUE_H
#define BASE_QUEUE_H
/*
 * The bounded door between the two threads: owned messages in one direction. The only lock of the
 * house is inside. The taker either sleeps in queue_wait (core) or is woken by `wake` (I/O loop).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct queue;

struct queue_hooks {
	void (*wake)(void *context); /* called by the putting thread when the queue was empty; may be NULL */
	void (*room)(void *context); /* called by the taking thread when a queue that was full is half empty again; may be NULL */
	void *context;
};

struct queue *queue_create(size_t max, const struct queue_hooks *hooks);
void queue_destroy(struct queue *q); /* whatever is left in it is the caller's; take it first */

/* Takes ownership of item. False when full or closed: the item stays the caller's. */
bool queue_put(struct queue *q, void *item);
/* The same for what need not be taken at once: it lets the taker sleep on for wait_ms, unless something
 * else comes, and then goes with that. */
bool queue_put_patient(struct queue *q, void *item, int wait_ms);
bool queue_patient(struct queue *q); /* something is there, and all of it is patient */
size_t queue_take(struct queue *q, void **items, size_t max); /* at once; 0 when empty */
/* Sleeps until something is there (and its patience at an end), the queue is poked or closed, or timeout_ms passed (< 0: no limit). */
void queue_wait(struct queue *q, int64_t timeout_ms);
void queue_poke(struct queue *q);  /* wakes a sleeper */
void queue_close(struct queue *q); /* puts fail from now on; what is in it can still be taken */
bool queue_closed(struct queue *q);
size_t queue_length(struct queue *q);

#endif
