#include "config/node.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/arena.h"
#include "config/report.h"

struct anchor {
	const char *name;
	struct node *node;
};

struct builder {
	struct arena *arena;
	const struct source *source;
	struct report *report;
	struct node *open[NODE_DEPTH_MAX]; /* containers that have not ended, outermost first */
	const char *open_anchor[NODE_DEPTH_MAX];
	size_t depth;
	struct anchor anchor[NODE_ANCHORS_MAX];
	size_t anchors;
	size_t nodes;
	struct node *root;
	size_t documents;
};

struct node *node_new(struct arena *a, const struct source *source, enum node_kind kind)
{
	struct node *n = arena_alloc(a, sizeof(*n));
	n->kind = kind;
	n->source = source;
	n->size = 1;
	n->height = 1;
	return n;
}

struct node *node_scalar(struct arena *a, const struct source *source, const char *text)
{
	struct node *n = node_new(a, source, NODE_SCALAR);
	n->text = arena_strdup(a, text);
	n->len = strlen(text);
	return n;
}

void node_append(struct arena *a, struct node *parent, struct node *child)
{
	if (parent->count == parent->room) {
		size_t room = parent->room ? parent->room * 2 : 8;
		struct node **item = arena_alloc(a, room * sizeof(struct node *));
		if (parent->count)
			memcpy(item, parent->item, parent->count * sizeof(struct node *));
		parent->item = item;
		parent->room = room;
	}
	parent->item[parent->count++] = child;
	parent->size += child->size;
	if (child->height >= parent->height)
		parent->height = child->height + 1;
}

bool node_is(const struct node *n, const char *text)
{
	return n && n->kind == NODE_SCALAR && n->len == strlen(text) &&
		memcmp(n->text, text, n->len) == 0;
}

struct node *node_get(const struct node *map, const char *key)
{
	if (!map || map->kind != NODE_MAP)
		return NULL;
	for (size_t i = 0; i + 1 < map->count; i += 2)
		if (node_is(map->item[i], key))
			return map->item[i + 1];
	return NULL;
}

bool node_empty(const struct node *n)
{
	if (n->kind != NODE_SCALAR || n->quoted)
		return false;
	return n->len == 0 || node_is(n, "~") || node_is(n, "null");
}

const char *node_kind_name(const struct node *n)
{
	switch (n->kind) {
	case NODE_SCALAR:
		return "text";
	case NODE_LIST:
		return "a list";
	case NODE_MAP:
		return "a map";
	}
	return "";
}

static void node_place(struct node *n, const yaml_event_t *e)
{
	n->line = e->start_mark.line + 1;
	n->column = e->start_mark.column + 1;
}

/* All refusals of the builder stand at the event that caused them. */
static int builder_refuse(struct builder *b, const yaml_event_t *e, const char *text)
{
	report_at(b->report, b->source, e->start_mark.line + 1, e->start_mark.column + 1, "%s",
		text);
	return -EINVAL;
}

/* libyaml hands out unsigned char; the text is valid UTF-8 by then. */
static const char *text_of(const yaml_char_t *p)
{
	return (const char *)p;
}

static int builder_attach(struct builder *b, const yaml_event_t *e, struct node *n)
{
	b->nodes += n->size;
	if (b->nodes > NODE_COUNT_MAX)
		return builder_refuse(b, e, "more than 20000 values in one file, its aliases (*name) expanded");
	if (b->depth)
		node_append(b->arena, b->open[b->depth - 1], n);
	else
		b->root = n;
	return 0;
}

static int builder_anchor(struct builder *b, const yaml_event_t *e, const char *name,
	struct node *n)
{
	if (!name)
		return 0;
	if (b->anchors == NODE_ANCHORS_MAX)
		return builder_refuse(b, e, "too many anchors (&name): at most 64 a file");
	b->anchor[b->anchors++] = (struct anchor){ name, n };
	return 0;
}

static int builder_scalar(struct builder *b, const yaml_event_t *e)
{
	struct node *n = node_new(b->arena, b->source, NODE_SCALAR);
	const yaml_char_t *p = e->data.scalar.value;
	char *copy = arena_alloc(b->arena, e->data.scalar.length + 1);

	memcpy(copy, p, e->data.scalar.length);
	n->text = copy;
	n->len = e->data.scalar.length;
	n->quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	node_place(n, e);
	if (e->data.scalar.tag)
		return builder_refuse(b, e, "tags (!name) have no meaning here");
	int rc = builder_attach(b, e, n);
	if (rc)
		return rc;
	return builder_anchor(b, e, arena_strdup(b->arena, text_of(e->data.scalar.anchor)), n);
}

static int builder_alias(struct builder *b, const yaml_event_t *e)
{
	const char *name = text_of(e->data.alias.anchor);
	struct node *n = NULL;

	/* The latest of a name counts. One that has not ended yet is not known: no circles. */
	for (size_t i = b->anchors; i-- > 0 && !n;)
		if (strcmp(b->anchor[i].name, name) == 0)
			n = b->anchor[i].node;
	if (!n)
		return builder_refuse(b, e, "no anchor of this name stands before it");
	if (b->depth + n->height > NODE_DEPTH_MAX)
		return builder_refuse(b, e, "nested deeper than 16 levels");
	return builder_attach(b, e, n);
}

static int builder_open(struct builder *b, const yaml_event_t *e, enum node_kind kind,
	const yaml_char_t *anchor, const yaml_char_t *tag)
{
	if (tag)
		return builder_refuse(b, e, "tags (!name) have no meaning here");
	if (b->depth == NODE_DEPTH_MAX)
		return builder_refuse(b, e, "nested deeper than 16 levels");
	struct node *n = node_new(b->arena, b->source, kind);
	node_place(n, e);
	b->open_anchor[b->depth] = arena_strdup(b->arena, text_of(anchor));
	b->open[b->depth++] = n;
	return 0;
}

static int builder_close(struct builder *b, const yaml_event_t *e)
{
	struct node *n = b->open[--b->depth];

	/* What is inside was counted as it came. */
	b->nodes -= n->size - 1;
	int rc = builder_attach(b, e, n);
	if (rc)
		return rc;
	return builder_anchor(b, e, b->open_anchor[b->depth], n);
}

static int builder_event(struct builder *b, const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (b->documents++)
			return builder_refuse(b, e, "a second document (---): one a file");
		return 0;
	case YAML_SCALAR_EVENT:
		return builder_scalar(b, e);
	case YAML_ALIAS_EVENT:
		return builder_alias(b, e);
	case YAML_SEQUENCE_START_EVENT:
		return builder_open(b, e, NODE_LIST, e->data.sequence_start.anchor,
			e->data.sequence_start.tag);
	case YAML_MAPPING_START_EVENT:
		return builder_open(b, e, NODE_MAP, e->data.mapping_start.anchor,
			e->data.mapping_start.tag);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return builder_close(b, e);
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		return 0;
	}
	return 0;
}

/* As arenas do: what could not be read must not count as absent, or it would be replaced by what is shipped. */
__attribute__((noreturn)) static void parser_without_memory(void)
{
	fputs("sitrep: out of memory\n", stderr);
	abort();
}

static int parser_refuse(const yaml_parser_t *p, const struct source *source, struct report *r)
{
	size_t line = p->problem_mark.line + 1, column = p->problem_mark.column + 1;
	const char *problem = p->problem ? p->problem : "cannot be read";

	if (p->error == YAML_MEMORY_ERROR)
		parser_without_memory();
	if (p->error == YAML_READER_ERROR) {
		report_offset(r, source, p->problem_offset, "%s", problem);
		return -EINVAL;
	}
	if (report_char(source, line, column) == '\t')
		report_at(r, source, line, column, "a tab: indent with spaces");
	else if (p->context)
		report_at(r, source, line, column, "%s, %s", p->context, problem);
	else
		report_at(r, source, line, column, "%s", problem);
	return -EINVAL;
}

int node_parse(struct arena *a, const struct source *source, struct report *r, struct node **out)
{
	struct builder *b = arena_alloc(a, sizeof(*b));
	yaml_parser_t parser;
	bool done = false;
	int rc = 0;

	*out = NULL;
	*b = (struct builder){ .arena = a, .source = source, .report = r };
	if (!yaml_parser_initialize(&parser))
		parser_without_memory();
	const void *text = source->text;
	yaml_parser_set_input_string(&parser, text, source->len);
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	while (!done && !rc) {
		yaml_event_t event;
		if (!yaml_parser_parse(&parser, &event)) {
			rc = parser_refuse(&parser, source, r);
			break;
		}
		done = event.type == YAML_STREAM_END_EVENT;
		rc = builder_event(b, &event);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	if (!rc)
		*out = b->root;
	return rc;
}
