#ifndef CONFIG_NODE_H
#define CONFIG_NODE_H
/*
 * YAML text as a tree of nodes that know where they stand. Built from libyaml's events under caps:
 * an alias is a second pointer to the node it names, and what it would expand to is counted, so
 * that a file of nested aliases costs nothing. Nodes live on the arena they were parsed into.
 */
#include <stdbool.h>
#include <stddef.h>

#define NODE_BYTES_MAX (256u << 10) /* a file */
#define NODE_DEPTH_MAX 16
#define NODE_COUNT_MAX 20000u       /* nodes of a file, aliases expanded */
#define NODE_ANCHORS_MAX 64

struct arena;
struct report;

/* Where text came from. */
struct source {
	const char *name; /* "severity.yml", "--set store.path=…" */
	const char *text; /* NULL: no line can be shown */
	size_t len;
	int order;        /* in the report */
	bool shipped;     /* a default of the table: has no lines */
};

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node {
	enum node_kind kind;
	const struct source *source;
	size_t line, column; /* from 1, column in characters; 0: no place */
	const char *text;    /* scalar: NUL-terminated; may hold a NUL before len */
	size_t len;
	bool quoted;
	struct node **item;  /* list: entries; map: key, value, key, value … */
	size_t count;        /* of pointers in item */
	size_t room;
	size_t size;         /* nodes in here, aliases expanded */
	size_t height;       /* levels in here, 1 for a scalar */
};

/* Parses one document. *out is NULL when the text holds nothing but blanks and comments. Returns 0, or
 * -EINVAL with the reason in the report. */
int node_parse(struct arena *a, const struct source *source, struct report *r, struct node **out);

struct node *node_scalar(struct arena *a, const struct source *source, const char *text);
struct node *node_new(struct arena *a, const struct source *source, enum node_kind kind);
void node_append(struct arena *a, struct node *parent, struct node *child);
/* The value under key, NULL when there is none or the node is no map. */
struct node *node_get(const struct node *map, const char *key);
/* Nothing written: a plain empty scalar, ~ or null. */
bool node_empty(const struct node *n);
bool node_is(const struct node *n, const char *text);
const char *node_kind_name(const struct node *n); /* "text", "a list", "a map" */

#endif
