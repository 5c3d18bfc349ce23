#ifndef CONFIG_SCHEMA_H
#define CONFIG_SCHEMA_H
/*
 * The one table of every key: name, type, range, default, help. The loader, --set and the reference
 * (docs/configuration.md) are all made from it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NO_COUNT SIZE_MAX

enum key_type {
	KEY_TEXT,     /* const char *; a line, at most `max` bytes */
	KEY_WORD,     /* const char *; letters, digits, ._- */
	KEY_CHANNEL,  /* const char * */
	KEY_PERSON,   /* const char *; "slack:U123" */
	KEY_PEOPLE,   /* const char *; a person, "slack:*" or "*" */
	KEY_RIGHT,    /* const char *; an entitlement or a pattern of them */
	KEY_INT,      /* int64_t, min … max */
	KEY_BOOL,     /* bool */
	KEY_DURATION, /* int64_t ms, min … max */
	KEY_OFFSET,   /* int64_t ms, may be negative */
	KEY_ENUM,     /* int: position among `words` */
	KEY_SECRET,   /* const char *: resolved from env: or file: */
	KEY_PATH,     /* const char *, at most `max` bytes */
	KEY_URL,      /* const char *, http or https, ends with '/'; min 0: may be empty */
	KEY_SOCKET,   /* const char *, ws or wss; may be empty */
	KEY_PROJECT,  /* const char *; a tracker's project key: "PAY" */
	KEY_JSON,     /* const char *; any YAML, kept as JSON text */
	KEY_ZONE,     /* const char * */
	KEY_MAP,      /* `keys` at offset */
	KEY_LIST,     /* of `entry`: scalars or maps */
	KEY_NAMED,    /* map of names, each with an `entry`; the name goes to name_offset */
};
#define KEY_TYPE_COUNT 21

struct key {
	const char *name; /* NULL ends a table */
	enum key_type type;
	size_t offset;          /* in the struct of the map it stands in */
	int64_t min, max;       /* see the type; lists: entries */
	const char *otherwise;  /* the default, in the YAML it could be written in; NULL: none */
	bool required;          /* must be said where its map is */
	bool may_lack;          /* secrets: the variable that the default names need not be set */
	bool phrase;            /* secrets: any line of text, for people chose it; else one word */
	const char *help;
	const struct key *keys;
	const struct key *entry;
	const char *(*word)(size_t i); /* enum: NULL past the last */
	size_t stride;          /* bytes of an entry */
	size_t count_offset;    /* size_t; NO_COUNT: the array is NULL-terminated unless full */
	size_t name_offset;     /* in the entry */
	const struct key *name_key; /* named: what a name must be; NULL: a word */
	const char *file;       /* sections of the top: the file they are in */
};

extern const struct key schema; /* a KEY_MAP over struct config */


#endif
