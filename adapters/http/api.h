#ifndef ADAPTERS_HTTP_API_H
#define ADAPTERS_HTTP_API_H
/*
 * The HTTP API (docs/api.md): JSON in, one operation of the table, its data out. Closed without a bearer token of
 * rbac.yml; whoever has one acts as "token:<its name>", with the rights of its role. Answers come after the commit. Errors
 * are application/problem+json.
 */
#include "adapters/adapter.h"
#include "adapters/http/server.h"
#include "config/config.h"

/* Brings its routes to the server, which must outlive it. Holds config. */
struct adapter *api_create(struct config *config, const struct adapter_host *host, struct http_server *server);
/* Other tokens hold from here on; what is on its way is answered. */
void api_reconfigure(struct adapter *a, struct config *config);

#endif
