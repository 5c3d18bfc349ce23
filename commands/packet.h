#ifndef COMMANDS_PACKET_H
#define COMMANDS_PACKET_H
/*
 * The checkpoint packet (FEATURES D4) between arguments, record, timeline and message: what
 * `checkpoint` and `handover` share. Texts on the call's arena; 0 or a negative errno with the
 * reason in c->err where an int is returned.
 */
#include "commands/call.h"
#include "incident/checkpoint.h"

/* The arguments of a packet, for both tables; `text` is its one line. */
#define PACKET_ARGS                                                                                \
	{ .name = "text",                                                                          \
		.type = ARG_REST,                                                                  \
		.flags = ARG_NO_FORM,                                                              \
		.label = "where it stands",                                                        \
		.help = "Free text, or sections: state: …; hypothesis: …; impact: …; in flight: "  \
			"…; decision: …; next decision: 15:00" },                                  \
		{ .name = "state",                                                                 \
			.type = ARG_WORD,                                                          \
			.flags = ARG_OPTION | ARG_LONG,                                            \
			.label = "state",                                                          \
			.help = "Where it stands",                                                 \
			.synonyms = "situation" },                                                 \
		{ .name = "hypothesis",                                                            \
			.type = ARG_WORD,                                                          \
			.flags = ARG_OPTION | ARG_LONG,                                            \
			.label = "hypothesis",                                                     \
			.help = "What is thought to be the cause" },                               \
		{ .name = "impact",                                                                \
			.type = ARG_WORD,                                                          \
			.flags = ARG_OPTION | ARG_LONG,                                            \
			.label = "impact",                                                         \
			.help = "Who is affected, and how" },                                      \
		{ .name = "in-flight",                                                             \
			.type = ARG_WORD,                                                          \
			.flags = ARG_OPTION | ARG_LONG,                                            \
			.label = "in flight",                                                      \
			.help = "What is being done, and by whom",                                 \
			.synonyms = "doing actions" },                                             \
		{ .name = "decision",                                                              \
			.type = ARG_WORD,                                                          \
			.flags = ARG_OPTION | ARG_LONG,                                            \
			.label = "decision",                                                       \
			.help = "What has to be decided" },                                        \
	{                                                                                          \
		.name = "next-decision", .type = ARG_TIME, .flags = ARG_OPTION,                    \
		.label = "next decision", .help = "When it is decided: 15:00, or in 20m",          \
		.synonyms = "decide-by"                                                            \
	}

/* What was said, in the line and by its sections; nothing is filled in yet. */
struct checkpoint packet_from_args(struct call *c);
bool packet_said(const struct checkpoint *p); /* anything at all */
/* It cannot be taken as it is (a decision in the past): true, and *out refuses it. */
bool packet_refused(struct call *c, const struct checkpoint *p, struct done *out);
/* The newest of the incident; -ENOENT when there is none. */
int packet_latest(struct call *c, struct checkpoint *out);
/* Completes it from the record, stores it, puts it on the timeline; the promise is kept and the
 * next one made. */
int packet_keep(struct call *c, struct checkpoint *p);
/* Its sections, one a line; each at most max bytes. */
const char *packet_lines(struct call *c, const struct checkpoint *p, size_t max);
/* "hypothesis, next decision"; "" when nothing is missing. */
const char *packet_missing(struct call *c, const struct checkpoint *p);
/* For the forms: from the last one and the record. */
void packet_prefill(struct call *c, const char *arg, char **value);

#endif
