#ifndef CONFIG_LOADER_H
#define CONFIG_LOADER_H
/*
 * One load: node trees of the files and overrides in, struct config out. What is not said is taken
 * from the table's defaults, which are YAML themselves and go through the same decoding.
 */
#include "base/str.h"
#include "config/config.h"
#include "config/node.h"
#include "config/report.h"
#include "config/schema.h"

#define LOADER_PATH_MAX 300

struct loader {
	struct arena *scratch;  /* trees, messages: gone after the load */
	struct arena *arena;    /* the config's own: what stays */
	struct report *report;
	struct source shipped;  /* of defaults */
	struct str path;        /* of the key being decoded: "slack.api_url" */
	bool check_only;
	int dir;                /* the config folder, open */
};

/* Decodes `given` (NULL: not said; then `fallback`, then the table's default) to base + offset.
 * Returns what counts in the end, maps with the table's keys in order; NULL: no value. */
struct node *loader_decode(struct loader *l, const struct key *key, struct node *given,
	struct node *fallback, char *base);

/* Puts the overrides into the tree of what was given. */
void loader_override(struct loader *l, struct node *given, const struct config_override *set,
	size_t sets);

/* Rules over several keys. `tree` is what loader_decode returned for the whole. */
void loader_check(struct loader *l, const struct node *tree, const struct config *c);
/* The same of jira.yml; `jira` is its part of the tree. */
void loader_check_jira(struct loader *l, const struct node *jira, const struct config *c);

/* The file that review.template names, into c->review.template. */
void loader_template(struct loader *l, const struct node *tree, struct config *c);

/* A scalar of a type to `at`. Errors go to the report. */
void value_decode(struct loader *l, const struct key *key, const struct node *n, char *at);
/* Any node, as JSON text. Plain numbers, true, false and null are what they look like; quoted, they are texts. */
void value_json(struct loader *l, const struct node *n, char *at);
const char *value_type_name(const struct key *key); /* "duration" */
void value_range(const struct key *key, struct str *out); /* "1 to 4"; nothing when there is none */

#endif
