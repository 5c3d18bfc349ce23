#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H
/*
 * The config folder as one validated, immutable struct. Every file is optional: what it does not say, the shipped
 * default says. Loaded whole or not at all; all errors of all files at once.
 *
 *   sitrep.yml      slack, store, ctl, log, limits     severity.yml    levels, targets, cadence
 *   roles.yml       responder roles                    reminders.yml   ladders, snooze
 *   escalation.yml  tiers                              rbac.yml        roles, entitlements, bindings
 *   messages.yml    templates of updates and resolution
 *   followups.yml   what a follow-up is owed by default, and who is reminded of it
 *   release_gate_policy.yml   what holds a release back
 *   jira.yml        the issue tracker: where it is, what goes there, how its words map to ours
 *   reviews.yml     what is learned: until when postmortems are owed, their template, where they go
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/log.h"
#include "base/str.h"
#include "incident/access.h"
#include "config/issue_policy.h"
#include "incident/escalation.h"
#include "incident/followup.h"
#include "incident/gate.h"
#include "incident/promise.h"
#include "incident/role.h"
#include "incident/severity.h"
#include "incident/template.h"

#define CONFIG_RETRY_MAX 8

/* Where a final postmortem goes by itself. */
enum review_place { REVIEW_TO_CHANNEL, REVIEW_TO_ISSUE };
#define REVIEW_PLACE_COUNT 2

struct config {
	struct {
		const char *api_url;          /* ends with '/' */
		const char *app_token, *bot_token; /* resolved secrets; NULL when the reference is empty */
		const char *announce_channel; /* "#incidents" or an id; NULL: no announcements */
		const char *channel_prefix;   /* "inc-" */
		const char *customer_channel; /* where confirmed wording for customers goes; NULL: under the announcement */
		int64_t connections;          /* WebSockets held at once, 1–4 */
		bool pacing;                  /* keep to the platform's published limits */
		const char *ca_file;          /* extra CA bundle; NULL: the system's */
	} slack;
	struct {
		const char *path;
		int64_t keep_inbox_ms;        /* delivery keys are kept this long, at least 24 h */
	} store;
	struct {
		const char *socket;           /* path; NULL: no ctl */
	} ctl;
	struct {
		const char *listen;           /* "127.0.0.1:8085", "[::1]:8085"; NULL: no server */
		int64_t body_max;             /* bytes of a request's body */
		int64_t connections;          /* at once */
		int64_t connections_per_ip;
		int64_t deadline_ms;          /* a request must be here in whole within this time */
	} http;
	struct {
		enum log_level level;
	} log;
	struct issue_policy issue;            /* jira.yml */
	struct {                              /* reviews.yml: review */
		int64_t within_ms;            /* a postmortem is owed this long after the end; 0 = nobody is reminded */
		const char *template_path;    /* as configured; NULL: ours */
		const char *template;         /* its text, NULL: ours */
		int publish[REVIEW_PLACE_COUNT]; /* enum review_place */
		size_t publish_count;
	} review;
	const char *timezone;             /* IANA: for people whose zone is not known */
	int64_t queue_max;                /* requests waiting for the core */
	int64_t batch_max;                /* requests a commit */

	struct severity_table severity;
	struct role_table roles;
	struct ladder ladder[PROMISE_KIND_COUNT];
	int64_t snooze_ms;                /* default of snooze */
	int64_t snooze_max_ms;
	int64_t packet_max_age_ms;        /* a handover needs a checkpoint younger than this */
	int64_t handover_expires_ms;      /* an offered handover that nobody answers */
	int64_t chair_max_ms;             /* after so long in the chair a handover is proposed; 0 = never */
	struct escalation_chain escalation;
	struct followup_policy followups;
	struct gate_policy gate;          /* release_gate_policy.yml */
	struct {                          /* … as it is written there; gate is made from it */
		int fail_on[SEVERITY_COUNT]; /* 0 is level 1 */
		size_t fail_on_count;
		int64_t window_days;
	} gate_said;
	struct access_policy access;
	struct message_template message[TEMPLATE_COUNT];
	/* Delivery (O2): first delays as listed, then doubling with jitter up to the maximum. */
	int64_t retry_ms[CONFIG_RETRY_MAX];
	size_t retry_count;
	int64_t retry_max_ms;

	struct arena *arena;              /* owns all of it */
	int references;                   /* atomic: see config_hold */
};

struct config_override {
	const char *key, *value; /* "store.path", "data/x.db": from --set key=value */
};

/* Loads DIR. On failure returns a negative errno and `report` holds every error, one paragraph each:
 *	severity.yml:12:14: unknown key "cadense"; did you mean "cadence"?
 *	    cadense: 15m
 *	    ^
 * Literal secrets are refused. A DIR that does not exist is an error; files that do not exist are not.
 * `check_only`: env:/file: references need not resolve (sitrep check names those that do not as warnings in report, and succeeds). */
int config_load(struct config **out, const char *dir, const struct config_override *set, size_t sets,
	bool check_only, struct str *report);
/* Held by both threads; freed with the last release. */
struct config *config_hold(struct config *c);
void config_release(struct config *c); /* accepts NULL */

/* The reference of every key: name, type, range, default, help: for docs/configuration.md. Markdown. */
void config_reference(struct str *out);

#endif
