#ifndef INCIDENT_REVIEW_H
#define INCIDENT_REVIEW_H
/*
 * The postmortem document (FEATURES I1, I2). What people write in it is sections of Markdown; timeline and action items are always made from
 * the record, so they cannot be edited into something else. As a file it is Markdown with one heading a section, and is read back the same.
 * Pure: parse, render, check.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "incident/followup.h"
#include "incident/incident.h"
#include "incident/lint.h"
#include "incident/timeline.h"

enum review_section {
	REVIEW_SUMMARY,
	REVIEW_IMPACT,
	REVIEW_TIMELINE,  /* from the record */
	REVIEW_FACTORS,   /* lines "- [technical] text" */
	REVIEW_WHYS,      /* "1. Why …? Because …" */
	REVIEW_DETECTION,
	REVIEW_DEFENCES,  /* what should have caught it, and did not */
	REVIEW_WELL,
	REVIEW_POORLY,
	REVIEW_ACTIONS,   /* from the record: follow-ups */
	REVIEW_LESSONS,
};
#define REVIEW_SECTION_COUNT 11
const char *review_section_name(enum review_section s);  /* "factors" */
const char *review_section_title(enum review_section s); /* "Contributing factors" */
const char *review_section_hint(enum review_section s);  /* what to write there; NULL where people do not */
bool review_section_parse(const char *text, enum review_section *out); /* name, title or a unique beginning of either */
bool review_section_written(enum review_section s); /* by people; false: from the record */

enum review_layer { LAYER_TECHNICAL, LAYER_OPERATIONAL, LAYER_DETECTION, LAYER_CHANGE, LAYER_RESPONSIBILITY, LAYER_ORGANISATIONAL };
#define REVIEW_LAYER_COUNT 6
const char *review_layer_name(enum review_layer l); /* "technical" */
bool review_layer_parse(const char *text, enum review_layer *out); /* synonyms: tech, ops, monitoring, rollout, runbook, org … */

enum review_state { REVIEW_DRAFT, REVIEW_IN_REVIEW, REVIEW_FINAL };
const char *review_state_name(enum review_state s); /* "draft", "review", "final" */
bool review_state_parse(const char *name, enum review_state *out);

/* One version of the document. Sections are Markdown, NULL or "" = nothing yet. */
struct review {
	int64_t incident;
	int64_t version;     /* 1, 2, … */
	enum review_state state;
	bool light;          /* levels 3–4: summary, impact, factors, actions, lessons are enough */
	char *author;        /* person: of this version */
	int64_t at;          /* ms */
	char *waiver;        /* final without passing: why; NULL */
	char *section[REVIEW_SECTION_COUNT];
};

struct review_factor {
	enum review_layer layer;
	const char *text;
};
/* The factors of a section's text: "- [layer] text"; a line without a layer is technical. "Root cause: X" is one technical factor; *lone says that
 * nothing else stands there. At most max. */
size_t review_factors(struct arena *a, const char *text, struct review_factor *out, size_t max, bool *lone);

/* What the document is made from besides people's words. */
struct review_record {
	const struct incident *incident;
	const struct timeline_entry *timeline;
	size_t timeline_count;
	const struct followup *followup;
	size_t followup_count;
	const char *zone;                      /* IANA, for times */
	const char *severity;                  /* "SEV2" */
	const char *(*name)(void *ctx, const char *person); /* "@bob" */
	void *ctx;
};

/* As a Markdown file: front lines (id, title, severity, times, version, state), then all sections. Everything people or outside systems wrote is escaped
 * where it comes from the record; their own Markdown stands as it is. template NULL: ours; else a user's with {{summary}} …: see docs/postmortems.md. */
void review_markdown(struct str *out, const struct review *r, const struct review_record *rec, const char *template);
/* The first {{name}} in a user's template that stands for nothing, or is never closed: where its braces begin, *len bytes with them; NULL: all are known. */
const char *review_template_unknown(const char *template, size_t *len);
/* Back: only sections written by people are taken. Errors name the line: an unknown heading, a heading twice, a changed timeline or action list is not an
 * error but *ignored says so (bit 1 << section). Into out->section, on a. */
int review_parse(struct arena *a, const char *text, size_t len, struct review *out, unsigned *ignored, struct error *err);
/* A first draft of every section that the record can tell; the others NULL. */
void review_draft(struct arena *a, const struct review_record *rec, struct review *out);

/* Everything that keeps it from being final; at most max. 0: it passes. A light one asks for one factor, and none of whys, defences, detection. */
size_t review_lint(const struct review *r, const struct review_record *rec, struct lint_finding *out, size_t max);

#endif
