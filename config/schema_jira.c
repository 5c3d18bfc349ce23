/* The issue tracker. */
#include "config/schema_parts.h"

/* ---- jira.yml --------------------------------------------------------------------------- */

#define URL_BYTES    512
#define STATUS_BYTES 60 /* what Jira takes as a name of a status or a priority */

static const char *flavour_word(size_t i)
{
	static const char *const word[] = {
		[ISSUE_CLOUD] = "cloud", [ISSUE_DATA_CENTER] = "datacenter",
	};
	return i < sizeof(word) / sizeof(word[0]) ? word[i] : NULL;
}

static const char *create_word(size_t i)
{
	static const char *const word[] = { "none", "1", "2", "3", "4" };
	return i < sizeof(word) / sizeof(word[0]) ? word[i] : NULL;
}

static const char *issue_protected_word(size_t i)
{
	static const char *const word[] = {
		[ISSUE_PROTECTED_NONE] = "none", [ISSUE_PROTECTED_BARE] = "bare",
	};
	return i < sizeof(word) / sizeof(word[0]) ? word[i] : NULL;
}

static const char *issue_followups_word(size_t i)
{
	static const char *const word[] = {
		[ISSUE_FOLLOWUPS_NONE] = "none", [ISSUE_FOLLOWUPS_ISSUE] = "issue",
		[ISSUE_FOLLOWUPS_SUBTASK] = "subtask",
	};
	return i < sizeof(word) / sizeof(word[0]) ? word[i] : NULL;
}

static const char *state_word(size_t i)
{
	return i < STATE_COUNT ? state_name((enum incident_state)i) : NULL;
}

static const struct key issue_service_name = { "service", KEY_TEXT, .min = 1, .max = TEXT_SHORT };
static const struct key issue_project_entry = { "project", KEY_PROJECT,
	IN(issue_project, project), .min = 1, .max = 32 };
static const struct key issue_field_name_key = { "field", KEY_WORD, .min = 1, .max = 64 };
static const struct key issue_field_entry = { "value", KEY_JSON, IN(issue_extra, value) };
static const struct key issue_status_name = { "status", KEY_TEXT, .min = 1, .max = STATUS_BYTES };
static const struct key issue_status_entry = { "state", KEY_ENUM, IN(issue_status, state),
	.word = state_word };
static const struct key issue_person_name = { "person", KEY_PERSON, .min = 1, .max = 80 };
static const struct key issue_account_entry = { "account", KEY_TEXT,
	IN(issue_person, account), .min = 1, .max = 128 };

#define PRIORITY(n, text)                                                                          \
	{ #n, KEY_TEXT, AT(issue.priority[n]), .max = STATUS_BYTES, .otherwise = (text),           \
		.help = "The priority of level " #n "; empty: it is not kept in step there." }

static const struct key issue_priority_keys[] = {
	PRIORITY(1, "Highest"), PRIORITY(2, "High"), PRIORITY(3, "Medium"), PRIORITY(4, "Low"),
	{ 0 },
};

#define STATUS(state, index, text, when)                                                           \
	{ state, KEY_TEXT, AT(issue.status[index]), .max = STATUS_BYTES, .otherwise = (text),      \
		.help = "Where the issue goes " when "; empty: it stays where it is." }

static const struct key issue_status_keys[] = {
	STATUS("triage", STATE_TRIAGE, "To Do", "in triage, also when it is reopened"),
	STATUS("investigating", STATE_INVESTIGATING, "In Progress", "when somebody investigates"),
	STATUS("identified", STATE_IDENTIFIED, "In Progress", "when the cause is known"),
	STATUS("mitigating", STATE_MITIGATING, "In Progress", "while the harm is undone"),
	STATUS("monitoring", STATE_MONITORING, "In Progress", "while it is watched"),
	STATUS("resolved", STATE_RESOLVED, "Done", "when it is over"),
	STATUS("closed", STATE_CLOSED, "Done", "when the work on it is over as well"),
	STATUS("cancelled", STATE_CANCELLED, "Done", "when it was none"),
	STATUS("auto_resolved", STATE_AUTO_RESOLVED, "Done", "when it ended by itself"),
	{ 0 },
};

static const struct key issue_followup_keys[] = {
	{ "open", KEY_TEXT, AT(issue.followup_open), .max = STATUS_BYTES, .otherwise = "To Do",
		.help = "Where the issue of a follow-up goes when it is opened again; empty: it stays." },
	{ "done", KEY_TEXT, AT(issue.followup_done), .max = STATUS_BYTES, .otherwise = "Done",
		.help = "Where it goes when the follow-up is done or cancelled; empty: it stays." },
	{ 0 },
};

const struct key jira_keys[] = {
	{ "url", KEY_URL, AT(issue.url), .max = URL_BYTES, .otherwise = "env:JIRA_URL",
		.help = "Where Jira is, `https://example.atlassian.net/`; a context path belongs to it. "
			"Empty: there is no tracker, and nothing else in this file counts." },
	{ "flavour", KEY_ENUM, AT(issue.flavour), .word = flavour_word, .otherwise = "cloud",
		.help = "Which of the two it is; they speak different versions of the API." },
	{ "user", KEY_TEXT, AT(issue.user), .max = 254, .otherwise = "env:JIRA_USER",
		.help = "Whose token it is: the e-mail (Cloud) or the name (Data Center). Empty: the "
			"token alone is sent, as personal tokens of Data Center want it." },
	{ "token", KEY_SECRET, AT(issue.token), .otherwise = "env:JIRA_TOKEN", .may_lack = true,
		.help = "API token (Cloud), personal token or password (Data Center). Needed when there "
			"is a `url`." },
	{ "ca_file", KEY_PATH, AT(issue.ca_file), .max = PATH_BYTES,
		.help = "PEM file with certificates to trust besides the system's; empty: none." },
	{ "webhook_secret", KEY_SECRET, AT(issue.webhook_secret), .may_lack = true, .phrase = true,
		.otherwise = "env:JIRA_WEBHOOK_SECRET",
		.help = "The secret that was given to Jira's webhook. Deliveries that are not signed with "
			"it are refused; empty: none is accepted." },
	{ "relay_url", KEY_SOCKET, AT(issue.relay_url), .max = URL_BYTES,
		.help = "A webhook relay that is asked for deliveries over a WebSocket, so that nothing "
			"has to reach in; empty: none." },
	{ "relay_token", KEY_SECRET, AT(issue.relay_token), .may_lack = true,
		.otherwise = "env:JIRA_RELAY_TOKEN", .help = "What the relay wants to see." },
	{ "poll", KEY_DURATION, AT(issue.poll_ms), .min = 0, .max = DAY_MS, .otherwise = "60s",
		.help = "Jira is asked this often what has changed; `none`: never. It also finds what a "
			"webhook did not bring." },
	{ "search_lag", KEY_DURATION, AT(issue.search_lag_ms), .min = 0, .max = HOUR_MS,
		.otherwise = "2m",
		.help = "A search may be this much behind: so long an issue is looked for whose creation "
			"was not answered, before it is created again." },
	{ "pacing", KEY_BOOL, AT(issue.pacing), .otherwise = "true",
		.help = "Keep to the published rates instead of finding them by refusals." },
	{ "create_level", KEY_ENUM, AT(issue.create_level), .word = create_word, .otherwise = "3",
		.help = "Incidents of this level or a worse one get an issue; `none`: only by hand." },
	{ "project", KEY_PROJECT, AT(issue.project), .max = 32,
		.help = "The key of the project that issues are created in. Needed when there is a "
			"`url`." },
	{ "projects", KEY_NAMED, AT(issue.projects), .max = ISSUE_PROJECTS_MAX, .otherwise = "{}",
		.entry = &issue_project_entry, .name_key = &issue_service_name,
		.stride = sizeof(struct issue_project),
		.count_offset = offsetof(struct config, issue.project_count),
		.name_offset = offsetof(struct issue_project, service),
		.help = "Services whose incidents go to another project: `{payments: PAY}`." },
	{ "type", KEY_TEXT, AT(issue.type), .min = 1, .max = STATUS_BYTES, .otherwise = "Incident",
		.help = "The type of the issues, by its name." },
	{ "fields", KEY_NAMED, AT(issue.extra), .max = ISSUE_EXTRA_MAX, .otherwise = "{}",
		.entry = &issue_field_entry, .name_key = &issue_field_name_key,
		.stride = sizeof(struct issue_extra),
		.count_offset = offsetof(struct config, issue.extra_count),
		.name_offset = offsetof(struct issue_extra, field),
		.help = "What else a new issue gets, by the id of the field, in the form that the API "
			"wants it: `{customfield_10010: {value: Production}}`." },
	{ "comments", KEY_BOOL, AT(issue.comments), .otherwise = "true",
		.help = "Status updates become comments, and comments come to the timeline." },
	{ "protected", KEY_ENUM, AT(issue.protected), .word = issue_protected_word,
		.otherwise = "none",
		.help = "Protected incidents: no issue (`none`), or one that says only that there is an "
			"incident, its level and its state (`bare`)." },
	{ "followups", KEY_ENUM, AT(issue.followups), .word = issue_followups_word, .otherwise = "none",
		.help = "Follow-ups stay here (`none`), or each gets an issue (`issue`), or a sub-task of the "
			"incident's issue (`subtask`). Never of protected incidents." },
	{ "followup_type", KEY_TEXT, AT(issue.followup_type), .min = 1, .max = STATUS_BYTES,
		.otherwise = "Task", .help = "Their type, by its name; for `subtask` one of sub-tasks." },
	{ "followup_status", KEY_MAP, .keys = issue_followup_keys,
		.help = "Their statuses." },
	{ "priority", KEY_MAP, .keys = issue_priority_keys,
		.help = "Jira's priorities by level." },
	{ "status", KEY_MAP, .keys = issue_status_keys,
		.help = "Jira's statuses by state: where the issue goes." },
	{ "statuses", KEY_NAMED, AT(issue.statuses), .max = ISSUE_STATUSES_MAX, .otherwise = "{}",
		.entry = &issue_status_entry, .name_key = &issue_status_name,
		.stride = sizeof(struct issue_status),
		.count_offset = offsetof(struct config, issue.status_count),
		.name_offset = offsetof(struct issue_status, status),
		.help = "What a status means here, when somebody moves the issue there: "
			"`{In Review: monitoring}`. A status of `status` that is not here means the first "
			"state it is given for; any other means nothing." },
	{ "assign", KEY_BOOL, AT(issue.assign), .otherwise = "true",
		.help = "The incident commander is the assignee, and the other way round, for those in "
			"`people`." },
	{ "people", KEY_NAMED, AT(issue.people), .max = ISSUE_PEOPLE_MAX, .otherwise = "{}",
		.entry = &issue_account_entry, .name_key = &issue_person_name,
		.stride = sizeof(struct issue_person),
		.count_offset = offsetof(struct config, issue.people_count),
		.name_offset = offsetof(struct issue_person, person),
		.help = "Who is who: `{'slack:U0123ABCD': ACCOUNT}`, with the account id (Cloud) or the "
			"name (Data Center)." },
	{ 0 },
};
