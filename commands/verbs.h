#ifndef COMMANDS_VERBS_H
#define COMMANDS_VERBS_H
/*
 * Every operation there is, one verb a file. Listed in commands/table.c in the order of help; what
 * is not listed there does not exist. File: commands/verbs/<name>.c unless said otherwise.
 */
#include "commands/operation.h"

/* Offered to people. */
extern const struct operation op_declare;
extern const struct operation op_show;
extern const struct operation op_list;
extern const struct operation op_update;
extern const struct operation op_severity;
extern const struct operation op_state;
extern const struct operation op_title;
extern const struct operation op_resolve;
extern const struct operation op_reopen;
extern const struct operation op_cancel;
extern const struct operation op_close;
extern const struct operation op_role;
extern const struct operation op_solo;
extern const struct operation op_checkpoint;
extern const struct operation op_handover;
extern const struct operation op_accept;
extern const struct operation op_decline; /* accept.c */
extern const struct operation op_strategy;
extern const struct operation op_note;
extern const struct operation op_timeline;
extern const struct operation op_impact;
extern const struct operation op_scope;
extern const struct operation op_classify;
extern const struct operation op_check;
extern const struct operation op_export;
extern const struct operation op_postmortem;
extern const struct operation op_metrics;
extern const struct operation op_preview;
extern const struct operation op_cadence;
extern const struct operation op_snooze;
extern const struct operation op_merge;
extern const struct operation op_unmerge;   /* merge.c */
extern const struct operation op_link;
extern const struct operation op_unlink;    /* link.c */
extern const struct operation op_settle;
extern const struct operation op_diagnosis;
extern const struct operation op_diagnoses; /* diagnosis.c */
extern const struct operation op_attach;
extern const struct operation op_promote;   /* attach.c */
extern const struct operation op_followup;
extern const struct operation op_followups;
extern const struct operation op_release_check;
extern const struct operation op_cause;
extern const struct operation op_protect;
extern const struct operation op_grant;  /* access.c */
extern const struct operation op_revoke; /* access.c */
extern const struct operation op_access;
extern const struct operation op_escalate;
extern const struct operation op_acknowledge;
extern const struct operation op_subscribe;
extern const struct operation op_unsubscribe; /* subscribe.c */
extern const struct operation op_customer;
extern const struct operation op_sync;
extern const struct operation op_whoami;
extern const struct operation op_help;

/* The system's own (OP_INTERNAL): timers, outcomes, events from outside. Names have a dot. */
extern const struct operation op_promise_due;    /* "promise.due" */
extern const struct operation op_handover_expire; /* "handover.expire" */
extern const struct operation op_chair_due;      /* "chair.due" */
extern const struct operation op_escalation_look; /* "escalation.look" */
extern const struct operation op_followup_due; /* "followup.due" */
extern const struct operation op_tool_append;  /* tools.c: "incident_append_event" */
extern const struct operation op_tool_summary; /* tools.c: "incident_followups_summary" */
extern const struct operation op_effect_outcome; /* "effect.outcome" */
extern const struct operation op_issue_hint;     /* "issue.hint" */
extern const struct operation op_issue_poll;     /* "issue.poll" */
extern const struct operation op_reaction_added; /* "reaction.added" */
extern const struct operation op_home_opened;    /* "home.opened" */
extern const struct operation op_housekeeping;   /* "housekeeping" */

#endif
