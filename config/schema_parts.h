#ifndef CONFIG_SCHEMA_PARTS_H
#define CONFIG_SCHEMA_PARTS_H
/* Inside of the schema only: its tables, one file a group of policies, and what they share. Joined in schema.c. */
#include "base/clock.h"
#include "config/config.h"
#include "config/schema.h"

#define AT(member)       .offset = offsetof(struct config, member)
#define IN(type, member) .offset = offsetof(struct type, member)
#define TEXT_SHORT 64
#define TEXT_LONG  600
#define PATH_BYTES 1024

extern const struct key severity_keys[], roles_keys[], reminders_keys[], escalation_keys[], messages_keys[]; /* schema_response.c */
extern const struct key rbac_keys[]; /* schema_access.c */
extern const struct key gate_keys[], followups_keys[], reviews_keys[]; /* schema_learning.c */
extern const struct key jira_keys[]; /* schema_jira.c */

/* The words of enum audience; NULL past the last. */
const char *schema_audience_word(size_t i);

#endif
