#ifndef ADAPTERS_JIRA_READ_H
#define ADAPTERS_JIRA_READ_H
/*
 * What Jira says of an issue → "read" of incident/request.h. Pure, and ready for what old servers and
 * other screens leave out: a field that is not there, or not of its kind, has no value; one that is
 * there and null, only for the assignee, is nobody.
 */
#include "adapters/jira/flavour.h"
#include "base/json.h"
#include "incident/issue.h"

struct arena;

struct read_context {
	struct arena *arena;
	const struct flavour *flavour;
	const char *url; /* of Jira, ends with '/': an issue's address is made from it and its key */
};

/* What the fields and the changelog are asked for with. */
#define READ_QUERY "fields=summary,status,priority,assignee,labels,updated,project,issuetype&expand=changelog"

/* An issue with fields and, if it was asked for, its changelog. NULL when it has no id. New reference. */
json_t *read_issue(const struct read_context *c, const json_t *body);
/* {id, gone: true} */
json_t *read_gone(const char *id);

/* The value of a field as Jira has it, on the arena; NULL: none can be read. */
const char *read_value(const struct read_context *c, const json_t *body, enum issue_field f);
/* Did `account` alone bring the field from the value `from` to where it is, by the changelog? */
bool read_moved_by(const struct read_context *c, const json_t *body, enum issue_field f,
	const char *account, const char *from);
/* What Jira calls the field. */
const char *read_field_name(enum issue_field f);

const char *read_id(const json_t *object); /* decimal digits; NULL when it is not so */
bool read_key_valid(const char *key);	   /* "PAY-123" */
int64_t read_time(const json_t *object, const char *key); /* ms; 0: it is no time */

/* A comment: {id, author?, name?, at_ms, text}; NULL when it has no id. *ours: it has our property; its value is in *property (borrowed). */
json_t *read_comment(const struct read_context *c, const json_t *comment, const json_t **property);
/* Of a list of properties the one of ours, or NULL. */
const json_t *read_property(const json_t *properties);
/* How a person is named: *key on the arena (accountId or name), *name what is shown; NULL when not said. */
void read_person(const struct read_context *c, const json_t *person, const char **key, const char **name);

#endif
