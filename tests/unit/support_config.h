#ifndef SUPPORT_CONFIG_H
#define SUPPORT_CONFIG_H
/* A config folder of its own for each test, and the report of the last load. */
#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "config/config.h"

/* What no report may ever show. */
#define BOT_TOKEN "xoxb-1-not-for-any-eye"
#define APP_TOKEN "xapp-1-not-for-any-eye"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

extern char config_dir[64];
extern struct str config_report;

/* cmocka's: make the folder, set the tokens in the environment; take it away. */
int config_setup(void **state);
int config_teardown(void **state);

void config_put(const char *name, const char *text);
void config_put_bytes(const char *name, const void *p, size_t n);
/* NULL when refused. Fails the test when a refusal has no reason or shows a token. */
struct config *config_try(void);
struct config *config_try_with(const struct config_override *set, size_t sets, bool check_only);
/* Is the text in the report of the last try? */
void config_expect(const char *fragment);
void config_expect_not(const char *fragment);

#endif
