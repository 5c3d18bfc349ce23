#include "adapters/adapter.h"

static void adapter_on_stop(void *ctx)
{
	struct adapter *a = ctx;
	a->stop(a);
}

int adapter_start(struct adapter *a, struct error *err)
{
	int rc = a->start(a, err);
	if (rc)
		return rc;
	a->hook.stop = adapter_on_stop;
	a->hook.ctx = a;
	io_on_stop(a->host->io, &a->hook);
	return 0;
}
