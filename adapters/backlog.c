#include "adapters/backlog.h"

#include <stdlib.h>

#include "adapters/io_private.h"

struct backlog_item {
	struct request *request;
	struct backlog_item *next; /* backlog.first */
};

void backlog_init(struct backlog *b, const struct adapter_host *host)
{
	*b = (struct backlog){ .host = host };
}

static struct request *backlog_pop(struct backlog *b)
{
	struct backlog_item *item = b->first;
	struct request *request = item->request;
	b->first = item->next;
	if (!b->first)
		b->last = NULL;
	b->count--;
	free(item);
	return request;
}

void backlog_finish(struct backlog *b)
{
	while (b->first)
		request_destroy(backlog_pop(b));
}

bool backlog_submit(struct backlog *b, struct request *take)
{
	if (!b->count && b->host->submit(b->host->ctx, take))
		return true;
	struct backlog_item *item = adapters_alloc(sizeof(*item));
	item->request = take;
	if (b->last)
		b->last->next = item;
	else
		b->first = item;
	b->last = item;
	b->count++;
	return false;
}

bool backlog_flush(struct backlog *b)
{
	while (b->first) {
		if (!b->host->submit(b->host->ctx, b->first->request))
			return false;
		backlog_pop(b);
	}
	return true;
}
