#ifndef ADAPTERS_JIRA_DOCTOR_H
#define ADAPTERS_JIRA_DOCTOR_H
/*
 * `sitrep doctor` for Jira, in three parts: doctor.c asks about Jira itself, the account and how
 * changes come in; doctor_project.c about what is there in a project; doctor_paths.c about how
 * issues can move. Blocking.
 */
#include "adapters/jira/client.h"
#include "adapters/verdict.h"
#include "base/arena.h"
#include "config/config.h"

struct doctor {
	const struct config *config;
	const struct issue_policy *policy;
	const struct flavour *flavour;
	struct arena *arena; /* all answers: the doctor is not here for long */
	void (*line)(void *ctx, enum verdict verdict, const char *text);
	void *ctx;
	const char *authorization;
	int64_t until; /* s, monotonic: nothing is asked after it */
	bool late;     /* that has been said */
	int64_t date;  /* what Jira's clock said last, s */
	int bad;
};

struct diagnosis {
	enum rest_class class;
	int status;
	const char *text; /* why not, one sentence */
	json_t *body;	  /* owned: diagnosis_finish */
};

void doctor_say(struct doctor *d, enum verdict verdict, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* GET of a path, as printf makes it: behind the API's root, or, when it begins with '/', behind
 * jira.url. */
void doctor_ask(struct doctor *d, struct diagnosis *out, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void diagnosis_finish(struct diagnosis *x);
#define DIAGNOSIS_CLEANUP __attribute__((cleanup(diagnosis_finish)))

const char *doctor_escape(struct doctor *d, const char *s);
/* The member with that name, ASCII case ignored; borrowed, NULL. */
json_t *doctor_named(const json_t *list, const char *name);
/* "A", "B", "C" of the list's names. */
const char *doctor_names(struct doctor *d, const json_t *list);

void doctor_project(struct doctor *d, const char *project);
/* statuses: of the issue type there. */
void doctor_paths(struct doctor *d, const char *project, const json_t *statuses);

#endif
