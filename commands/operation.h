#ifndef COMMANDS_OPERATION_H
#define COMMANDS_OPERATION_H
/*
 * The operation table (docs/DESIGN.md §5). One entry defines an operation for every front end: slash
 * grammar, help, forms, buttons, ctl and completions all come out of it. One verb a file in
 * commands/verbs/, listed in commands/table.c.
 */
#include <stdbool.h>
#include <stddef.h>

struct call;

/* What run() returns. Only the functions in commands/call.h make one, so that a verb that forgets
 * to answer does not compile. */
struct done {
	int made_by_call;
};

enum arg_type {
	ARG_WORD,      /* one word, or a quoted text */
	ARG_REST,      /* the free text that is left when everything else was found; needs no quotes */
	ARG_SEVERITY,
	ARG_PERSON,    /* mention, @name, name; "me" */
	ARG_ROLE,
	ARG_DURATION,
	ARG_TIME,      /* a time, or "in 20m" */
	ARG_INTEGER,
	ARG_FLAG,      /* --name or --no-name */
	ARG_CHOICE,    /* one of .choices, unique prefixes work */
	ARG_OPERATION, /* an operation's name, for help */
	ARG_INCIDENT,  /* another incident: #42, INC-42; where it is due, 42 */
};

enum arg_flag {
	ARG_REQUIRED = 1 << 0,
	ARG_ANYWHERE = 1 << 1, /* found by its shape wherever it stands (sev2 in a sentence; a mention) */
	ARG_LEADING = 1 << 2,  /* found by its shape only as the first word(s): a level, a time, a duration */
	ARG_TRAILING = 1 << 3, /* found by its shape only at the end: "in 20m" */
	ARG_OPTION = 1 << 4,   /* only as --name value */
	ARG_PAST = 1 << 5,     /* a bare time of day lies in the past */
	ARG_LONG = 1 << 6,     /* a form shows a multi-line field */
	ARG_NO_FORM = 1 << 7,  /* not in the form */
	ARG_MANY = 1 << 8,     /* may be given several times; joined with commas */
	ARG_ISSUE = 1 << 9,    /* ARG_INCIDENT: or an issue of the tracker, PAY-123 or its URL, "new", "jira"; or "here", this channel; the number is 0 then */
	ARG_FOLLOWUP = 1 << 10, /* ARG_INTEGER: the number of a follow-up, F12; in a line only so */
	ARG_AFTER = 1 << 11, /* a first word, directly behind the argument declared before it; from there on nothing is found by its shape */
	ARG_DAY = 1 << 12,   /* ARG_TIME: a day is enough, "friday", "in 2 weeks", "2026-04-01": its end in the asker's zone is meant */
};

struct arg_def {
	const char *name;   /* "--name" and the form's field; NULL ends the list */
	enum arg_type type;
	unsigned flags;     /* enum arg_flag */
	const char *label;  /* in a form, and in usage: <label> */
	const char *help;
	const char *const *choices; /* ARG_CHOICE: NULL-terminated */
	const char *synonyms;       /* further --names, separated by blanks; may be NULL */
	size_t max_bytes;   /* texts: 0 = 3000 */
};

/* A further name that already says an argument: "identified" is `state` with to=identified. */
struct op_alias {
	const char *name;
	const char *arg, *value; /* NULL: a plain synonym */
};

enum op_need {
	NEED_NOTHING,
	NEED_INCIDENT, /* one, in any state */
	NEED_OPEN,     /* one in an active state */
};

enum op_flag {
	OP_READS = 1 << 0,    /* changes nothing: not audited */
	OP_INTERNAL = 1 << 1, /* the system's own (timers, outcomes, events): not offered to people */
	OP_BARE_FORM = 1 << 2, /* without any argument it opens its form, where the front end can */
	OP_HIDDEN = 1 << 3,   /* offered, but not in the short help */
	OP_TOOL = 1 << 5,     /* with OP_INTERNAL: offered to programs all the same, by its name */
	OP_MERGED = 1 << 4,   /* works on a merged one too; others say where it goes on (reads always do) */
};

struct operation {
	const char *name;             /* "declare" */
	const struct op_alias *aliases; /* ends with name NULL; may be NULL */
	const char *summary;          /* one line, without a full stop */
	const char *example;          /* "/inc declare sev2 checkout is failing" */
	const struct arg_def *args;   /* ends with name NULL; may be NULL */
	enum op_need need;
	unsigned flags;               /* enum op_flag */
	const char *right;            /* entitlement: "incident.write" */
	struct done (*run)(struct call *c);
	/* Called when the form is about to be shown: sets values from the record. May be NULL. */
	void (*prefill)(struct call *c, const char *arg, char **value);
};

/* All operations, in the order of help; ends with NULL. */
extern const struct operation *const operations[];
const struct operation *operation_by_name(const char *name); /* exact; internal ones too; NULL */

#endif
