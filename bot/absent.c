#include "bot/absent.h"

#include <stdlib.h>

#include "adapters/backlog.h"

struct absent {
	struct adapter adapter;
	struct backlog backlog;
};

static int absent_start(struct adapter *a, struct error *err)
{
	(void)a;
	(void)err;
	return 0;
}

static void absent_stop(struct adapter *a)
{
	(void)a;
}

static void absent_perform(struct adapter *a, struct effect *take)
{
	struct absent *x = (struct absent *)a;

	backlog_submit(&x->backlog, outcome_request(take, OUTCOME_RETRY, NULL, "not configured", 0));
	effect_destroy(take);
}

static void absent_resume(struct adapter *a)
{
	struct absent *x = (struct absent *)a;

	backlog_flush(&x->backlog);
}

static void absent_destroy(struct adapter *a)
{
	struct absent *x = (struct absent *)a;

	backlog_finish(&x->backlog);
	free(x);
}

struct adapter *absent_create(const struct adapter_host *host)
{
	struct absent *x = calloc(1, sizeof(*x));

	if (!x)
		abort();
	x->adapter = (struct adapter){
		.name = "absent",
		.host = host,
		.start = absent_start,
		.stop = absent_stop,
		.perform = absent_perform,
		.resume = absent_resume,
		.destroy = absent_destroy,
	};
	backlog_init(&x->backlog, host);
	return &x->adapter;
}
