#include "config/schema.h"

#include <sys/un.h>

#include "base/clock.h"
#include "config/config.h"

#define AT(member)       .offset = offsetof(struct config, member)
#define IN(type, member) .offset = offsetof(struct type, member)
#define TEXT_SHORT 64
#define TEXT_LONG  600
#define PATH_BYTES 1024
#define SOCKET_PATH_BYTES ((int64_t)sizeof(((struct sockaddr_un *)0)->sun_path) - 1)

/* ---- sitrep.yml ------------------------------------------------------------------------- */

static const char *log_word(size_t i)
{
	static const char *const word[] = {
		[LOG_ERROR] = "error", [LOG_WARN] = "warn", [LOG_INFO] = "info", [LOG_DEBUG] = "debug",
	};
	return i < sizeof(word) / sizeof(word[0]) ? word[i] : NULL;
}

static const struct key slack_keys[] = {
	{ "api_url", KEY_URL, AT(slack.api_url), .min = 1, .max = 512, .otherwise = "https://slack.com/api/",
		.help = "Where the Web API is. Anything but the default is for tests and demos." },
	{ "app_token", KEY_SECRET, AT(slack.app_token), .otherwise = "env:SLACK_APP_TOKEN",
		.help = "App-level token (`xapp-`) with `connections:write`; empty: no chat." },
	{ "bot_token", KEY_SECRET, AT(slack.bot_token), .otherwise = "env:SLACK_BOT_TOKEN",
		.help = "Bot token (`xoxb-`) of the installed app; empty: no chat." },
	{ "announce_channel", KEY_CHANNEL, AT(slack.announce_channel), .otherwise = "\"#incidents\"",
		.help = "Every incident is announced here, as a `#name` or an id; empty: nowhere. The app "
			"must be a member." },
	{ "customer_channel", KEY_CHANNEL, AT(slack.customer_channel),
		.help = "Where confirmed wording for customers goes; empty: under the announcement." },
	{ "channel_prefix", KEY_WORD, AT(slack.channel_prefix), .min = 1, .max = 20,
		.otherwise = "inc-", .help = "Names of incident channels begin with it." },
	{ "connections", KEY_INT, AT(slack.connections), .min = 1, .max = 4, .otherwise = "1",
		.help = "WebSockets held at once; with two, one may be lost and nobody notices." },
	{ "pacing", KEY_BOOL, AT(slack.pacing), .otherwise = "true",
		.help = "Keep to the platform's published rates instead of finding them by refusals." },
	{ "ca_file", KEY_PATH, AT(slack.ca_file), .max = PATH_BYTES,
		.help = "PEM file with certificates to trust besides the system's; empty: none." },
	{ 0 },
};

static const struct key store_keys[] = {
	{ "path", KEY_PATH, AT(store.path), .min = 1, .max = PATH_BYTES,
		.otherwise = "data/sitrep.db",
		.help = "The database file. Its folder must be writable: SQLite keeps two files beside "
			"it." },
	{ "keep_inbox", KEY_DURATION, AT(store.keep_inbox_ms), .min = DAY_MS, .max = 30 * DAY_MS,
		.otherwise = "3 days",
		.help = "How long a delivery is remembered, so that its repetition changes nothing." },
	{ 0 },
};

static const struct key ctl_keys[] = {
	{ "socket", KEY_PATH, AT(ctl.socket), .max = SOCKET_PATH_BYTES,
		.otherwise = "data/sitrep.sock",
		.help = "Unix socket of `sitrep ctl`, made with mode 0600; empty: none." },
	{ 0 },
};

static const struct key http_keys[] = {
	{ "listen", KEY_TEXT, AT(http.listen), .max = TEXT_SHORT,
		.help = "Address and port of the HTTP server, `127.0.0.1:8085` or `[::1]:8085`; empty: "
			"there is none. It speaks no TLS." },
	{ "body_max", KEY_INT, AT(http.body_max), .min = 1024, .max = 64 << 20, .otherwise = "1048576",
		.help = "Bytes a request's body may have." },
	{ "connections", KEY_INT, AT(http.connections), .min = 1, .max = 2048, .otherwise = "128",
		.help = "Connections at once; more wait to be accepted." },
	{ "connections_per_ip", KEY_INT, AT(http.connections_per_ip), .min = 1, .max = 2048,
		.otherwise = "32",
		.help = "Connections at once from one address; more are closed. A reverse proxy is one "
			"address." },
	{ "deadline", KEY_DURATION, AT(http.deadline_ms), .min = SECOND_MS, .max = 5 * MINUTE_MS,
		.otherwise = "10s",
		.help = "A request must be here in whole within this time, however steadily it drips in. "
			"A connection without a request is closed after as long." },
	{ 0 },
};

static const struct key log_keys[] = {
	{ "level", KEY_ENUM, AT(log.level), .word = log_word, .otherwise = "info",
		.help = "The least that is logged." },
	{ 0 },
};

static const struct key limit_keys[] = {
	{ "queue", KEY_INT, AT(queue_max), .min = 16, .max = 1000000, .otherwise = "4096",
		.help = "Requests that may wait; when as many do, the sockets are not read." },
	{ "batch", KEY_INT, AT(batch_max), .min = 1, .max = 10000, .otherwise = "256",
		.help = "Requests that may share one commit." },
	{ 0 },
};

static const struct key retry_entry = { "delay", KEY_DURATION, .min = 0, .max = HOUR_MS };
static const struct key delivery_keys[] = {
	{ "retry", KEY_LIST, AT(retry_ms), .min = 1, .max = CONFIG_RETRY_MAX,
		.otherwise = "[0s, 5s, 25s]", .entry = &retry_entry, .stride = sizeof(int64_t),
		.count_offset = offsetof(struct config, retry_count),
		.help = "Waits before the first retries of a delivery; then they double, with jitter." },
	{ "retry_max", KEY_DURATION, AT(retry_max_ms), .min = SECOND_MS, .max = DAY_MS,
		.otherwise = "10m", .help = "The longest wait between two attempts." },
	{ 0 },
};

/* ---- severity.yml ----------------------------------------------------------------------- */

#define NO_TARGET "; `none`: no target"

static const struct key severity_name_entry = { "name", KEY_WORD, .min = 1, .max = 24 };
static const struct key level_keys[] = {
	{ "names", KEY_LIST, IN(severity_policy, names), .min = 1, .max = SEVERITY_NAMES_MAX,
		.entry = &severity_name_entry, .stride = sizeof(char *), .count_offset = NO_COUNT,
		.help = "What people call it; the first is shown. Unique over all levels." },
	{ "criteria", KEY_TEXT, IN(severity_policy, criteria), .min = 1, .max = TEXT_LONG,
		.help = "When an incident is of this level, in words." },
	{ "respond", KEY_DURATION, IN(severity_policy, respond_ms), .min = 0, .max = 30 * DAY_MS,
		.help = "Time to respond: a commander or a first update" NO_TARGET "." },
	{ "resolve", KEY_DURATION, IN(severity_policy, resolve_ms), .min = 0, .max = 366 * DAY_MS,
		.help = "Time to resolve" NO_TARGET "." },
	{ "cadence", KEY_DURATION, IN(severity_policy, cadence_ms), .min = SECOND_MS,
		.max = 7 * DAY_MS,
		.help = "A status update is promised this often. Level 1: at most 30m, level 2: at most "
			"1h." },
	{ "first_update", KEY_DURATION, IN(severity_policy, first_update_ms), .min = 0,
		.max = 7 * DAY_MS, .otherwise = "none",
		.help = "The first update is promised within this time of the declaration; `none`: the "
			"cadence." },
	{ "nag_roles", KEY_DURATION, IN(severity_policy, role_nag_ms), .min = 0, .max = 7 * DAY_MS,
		.otherwise = "none",
		.help = "Roles nobody took are asked for after this time; `none`: never." },
	{ "snooze_needs_reason", KEY_BOOL, IN(severity_policy, reason_to_snooze),
		.otherwise = "false",
		.help = "Snoozing reminders or changing the cadence of an incident needs a reason." },
	{ "review_required", KEY_BOOL, IN(severity_policy, review_required), .otherwise = "false",
		.help = "It can be closed only with a finished postmortem." },
	{ "checkpoint", KEY_DURATION, IN(severity_policy, checkpoint_every_ms), .min = 0,
		.max = 7 * DAY_MS, .otherwise = "none",
		.help = "A checkpoint packet is asked for this often; `none`: never." },
	{ "strategy", KEY_DURATION, IN(severity_policy, strategy_after_ms), .min = 0,
		.max = 7 * DAY_MS, .otherwise = "none",
		.help = "Nothing identified and no change of approach for this long: the commander is "
			"asked to change it; `none`: never." },
	{ "escalate_to", KEY_TEXT, IN(severity_policy, escalate_to), .max = 200,
		.help = "Who hears of it first, in words." },
	{ 0 },
};

#define LEVEL(n, text)                                                                             \
	{ #n, KEY_MAP, .offset = offsetof(struct severity_table, level) +                          \
			(n) * sizeof(struct severity_policy),                                      \
		.keys = level_keys, .otherwise = (text), .help = "Level " #n "." }

static const struct key levels_keys[] = {
	LEVEL(1, "{names: [sev1, p0, critical], criteria: 'full outage, a critical subsystem down, "
		"risk of losing data, or a security breach', respond: 5m, resolve: 1h, cadence: 15m, "
		"first_update: 10m, nag_roles: 5m, snooze_needs_reason: true, review_required: true, "
		"checkpoint: 1h, strategy: 30m, escalate_to: executives at once}"),
	LEVEL(2, "{names: [sev2, p1, major], criteria: 'over 25 % of users degraded, a key feature "
		"down, or wrong or corrupt data', respond: 15m, resolve: 4h, cadence: 30m, "
		"nag_roles: 5m, snooze_needs_reason: true, review_required: true, "
		"checkpoint: 1h, strategy: 2h, escalate_to: the engineering manager within 15 min}"),
	LEVEL(3, "{names: [sev3, p2, moderate], criteria: 'a feature is broken, and there is a "
		"workaround', respond: 1h, resolve: 24h, cadence: 2h, "
		"escalate_to: 'the team lead, at the next standup'}"),
	LEVEL(4, "{names: [sev4, p3, low], criteria: 'cosmetic, no impact on users', respond: 24h, "
		"resolve: none, cadence: 24h, escalate_to: the backlog}"),
	{ 0 },
};

static const struct key severity_keys[] = {
	{ "levels", KEY_MAP, AT(severity), .keys = levels_keys,
		.help = "The four levels, 1 the worst. What a level does not say stays as shipped." },
	{ 0 },
};

/* ---- roles.yml -------------------------------------------------------------------------- */

static const struct key role_name_entry = { "name", KEY_WORD, .min = 1, .max = 24 };
static const struct key role_keys[] = {
	{ "title", KEY_TEXT, IN(role_policy, title), .min = 1, .max = TEXT_SHORT, .required = true,
		.help = "What it is called where people read it." },
	{ "names", KEY_LIST, IN(role_policy, names), .max = ROLE_NAMES_MAX, .otherwise = "[]",
		.entry = &role_name_entry, .stride = sizeof(char *), .count_offset = NO_COUNT,
		.help = "Other words people type for it. Unique over all roles." },
	{ "purpose", KEY_TEXT, IN(role_policy, purpose), .min = 1, .max = TEXT_LONG,
		.required = true, .help = "What the new holder is told." },
	{ 0 },
};
static const struct key role_entry = { "role", KEY_MAP, .keys = role_keys };
static const struct key roles_keys[] = {
	{ "roles", KEY_NAMED, AT(roles.role), .min = 1, .max = ROLE_MAX, .entry = &role_entry,
		.stride = sizeof(struct role_policy),
		.count_offset = offsetof(struct config, roles.count),
		.name_offset = offsetof(struct role_policy, key),
		.otherwise =
			"{commander: {title: Incident commander, names: [ic, command, incident-commander], "
			"purpose: 'You lead the response and decide. Keep the whole picture, hand out the "
			"work, and leave the fixing to others. Whatever nobody else holds is yours.'}, "
			"operations: {title: Operations lead, names: [ops, tech, lead], "
			"purpose: 'You find the fault and undo the harm: you direct the hands-on work, say "
			"what is tried before it is tried, and tell the commander what it did.'}, "
			"communications: {title: Communications lead, names: [comms, comm, liaison], "
			"purpose: 'You keep everybody else informed: post each promised update in time, "
			"answer questions from outside, and keep them away from those who work.'}, "
			"scribe: {title: Scribe, names: [notes, secretary], "
			"purpose: 'You write down what happens and when: decisions, actions, findings and "
			"dead ends. What is not on the timeline is lost by tomorrow.'}}",
		.help = "The roles of responders, by key. Given here, these are all there are; "
			"`commander` must be among them." },
	{ 0 },
};

/* ---- reminders.yml ---------------------------------------------------------------------- */

static const char *audience_word(size_t i)
{
	return i < AUDIENCE_COUNT ? audience_name((enum audience)i) : NULL;
}

static const struct key step_keys[] = {
	{ "at", KEY_OFFSET, IN(ladder_step, offset_ms), .min = -DAY_MS, .max = 7 * DAY_MS,
		.required = true,
		.help = "When, counted from the promised time: `-5m` before it, `0`, `10m` after it." },
	{ "tell", KEY_ENUM, IN(ladder_step, audience), .word = audience_word, .required = true,
		.help = "Who is told: the owner of the promise alone (`owner`) or by name in the channel "
			"(`owner_open`), everybody with a role, the whole channel, or the next tier." },
	{ 0 },
};
static const struct key step_entry = { "step", KEY_MAP, .keys = step_keys };

#define LADDER(kind, index, text, what)                                                            \
	{ kind, KEY_LIST, AT(ladder[index].step), .max = LADDER_MAX, .entry = &step_entry,         \
		.stride = sizeof(struct ladder_step),                                              \
		.count_offset = offsetof(struct config, ladder[index].count),                      \
		.otherwise = (text), .help = (what) }

static const struct key ladders_keys[] = {
	LADDER("update", PROMISE_UPDATE,
		"[{at: -5m, tell: owner}, {at: 0, tell: owner_open}, {at: 5m, tell: responders}, "
		"{at: 10m, tell: channel}, {at: 15m, tell: tier}]",
		"A promised status update. Ascending; `[]`: no reminders."),
	LADDER("respond", PROMISE_RESPOND, "[{at: 0, tell: channel}]",
		"The time to respond passed with no commander and no update."),
	LADDER("resolve", PROMISE_RESOLVE, "[{at: 0, tell: channel}]",
		"The time to resolve passed."),
	LADDER("roles", PROMISE_ROLES, "[{at: 0, tell: channel}]",
		"Roles nobody took, counted from the level's `nag_roles`."),
	LADDER("checkpoint", PROMISE_CHECKPOINT, "[{at: 0, tell: owner_open}]",
		"The next checkpoint packet."),
	LADDER("strategy", PROMISE_STRATEGY, "[{at: 0, tell: owner_open}]",
		"Something identified, or another approach, counted from the level's `strategy`."),
	LADDER("handover", PROMISE_HANDOVER, "[{at: 0, tell: owner_open}]",
		"The answer to an offered handover, expected within a third of `handover.expires`: "
		"both sides are reminded."),
	LADDER("review", PROMISE_REVIEW,
		"[{at: -1 day, tell: owner}, {at: 0, tell: owner_open}, {at: 1 day, tell: owner_open}, "
		"{at: 3 days, tell: responders}, {at: 7 days, tell: channel}]",
		"The final postmortem, counted from `within` in reviews.yml."),
	{ 0 },
};

static const struct key handover_keys[] = {
	{ "packet_max_age", KEY_DURATION, AT(packet_max_age_ms), .min = SECOND_MS, .max = DAY_MS,
		.otherwise = "10m",
		.help = "A handover needs a checkpoint packet that is younger than this." },
	{ "expires", KEY_DURATION, AT(handover_expires_ms), .min = SECOND_MS, .max = DAY_MS,
		.otherwise = "15m",
		.help = "An offered handover that nobody answers ends by itself; the outgoing "
			"commander holds the role until then and after it." },
	{ "chair_max", KEY_DURATION, AT(chair_max_ms), .min = 0, .max = 2 * DAY_MS,
		.otherwise = "3h",
		.help = "After so long in the chair a handover is proposed; `none`: never." },
	{ 0 },
};

static const struct key reminders_keys[] = {
	{ "ladders", KEY_MAP, .keys = ladders_keys,
		.help = "Who is reminded, and when, of each kind of promise." },
	{ "handover", KEY_MAP, .keys = handover_keys,
		.help = "Handing over the command." },
	{ "snooze", KEY_DURATION, AT(snooze_ms), .min = SECOND_MS, .max = DAY_MS,
		.otherwise = "10m", .help = "How long a snooze is when nobody says." },
	{ "snooze_max", KEY_DURATION, AT(snooze_max_ms), .min = SECOND_MS, .max = 7 * DAY_MS,
		.otherwise = "4h", .help = "The longest snooze that can be asked for." },
	{ 0 },
};

/* ---- escalation.yml --------------------------------------------------------------------- */

/* Somebody asks for a tier by name: there is no rule for that, so the last reason is left out. */
static const char *reason_word(size_t i)
{
	return i < ENGAGE_ASKED ? engage_reason_name((enum engage_reason)i) : NULL;
}

static const char *least_word(size_t i)
{
	static const char *const word[] = { "any", "1", "2", "3", "4" };
	return i < sizeof(word) / sizeof(word[0]) ? word[i] : NULL;
}

static const struct key tier_rule_keys[] = {
	{ "when", KEY_ENUM, IN(tier_rule, reason), .word = reason_word, .required = true,
		.help = "The reason: the level asks for it (`severity`), it was open for `after`, nothing "
			"was identified for `after`, an update is overdue, or somebody said so." },
	{ "severity", KEY_ENUM, IN(tier_rule, severity), .word = least_word, .otherwise = "any",
		.help = "Only at this level or a worse one." },
	{ "after", KEY_DURATION, IN(tier_rule, after_ms), .min = 0, .max = 30 * DAY_MS,
		.otherwise = "0s",
		.help = "Counted from the declaration (`open-long`, `not-identified`) or since the level "
			"was set (`severity`); the other reasons wait for nothing." },
	{ 0 },
};
static const struct key tier_rule_entry = { "rule", KEY_MAP, .keys = tier_rule_keys };

static const struct key tier_person_entry = { "person", KEY_PERSON, .min = 1, .max = 80 };
static const struct key tier_keys[] = {
	{ "name", KEY_WORD, IN(tier, name), .min = 1, .max = 32, .required = true,
		.help = "What the tier is called." },
	{ "people", KEY_LIST, IN(tier, people), .max = TIER_PEOPLE_MAX, .otherwise = "[]",
		.entry = &tier_person_entry, .stride = sizeof(char *),
		.count_offset = offsetof(struct tier, count),
		.help = "Who is called, as `slack:U0123ABCD`. With nobody, it is said under the "
			"announcement that the tier is needed." },
	{ "engage", KEY_LIST, IN(tier, rule), .max = TIER_RULE_MAX, .otherwise = "[]",
		.entry = &tier_rule_entry, .stride = sizeof(struct tier_rule),
		.count_offset = offsetof(struct tier, rule_count),
		.help = "What brings this tier in, once for each reason. `[]`: only reminders and people "
			"do." },
	{ 0 },
};
static const struct key tier_entry = { "tier", KEY_MAP, .keys = tier_keys };
static const struct key escalation_keys[] = {
	{ "tiers", KEY_LIST, AT(escalation.tier), .max = TIER_MAX, .entry = &tier_entry,
		.stride = sizeof(struct tier), .count_offset = offsetof(struct config, escalation.count),
		.otherwise = "[{name: triage, engage: [{when: severity, severity: 2}]}, "
			"{name: coordination, engage: [{when: severity, severity: 1}, "
			"{when: severity, severity: 2, after: 10m}, {when: cross-team}, "
			"{when: needs-change}, {when: not-identified, severity: 1, after: 30m}, "
			"{when: not-identified, severity: 2, after: 2h}, "
			"{when: open-long, severity: 2, after: 2h}]}, "
			"{name: executive, engage: [{when: severity, severity: 1}, {when: customer-data}, "
			"{when: cost}, {when: decision}, {when: open-long, severity: 2, after: 4h}]}]",
		.help = "The chain, first tier first." },
	{ 0 },
};

/* ---- rbac.yml --------------------------------------------------------------------------- */

static const struct key right_entry = { "right", KEY_RIGHT, .min = 1, .max = 64 };
static const struct key access_role_entry = { "rights", KEY_LIST,
	IN(access_role, entitlement), .max = ACCESS_ENTITLEMENTS_MAX, .entry = &right_entry,
	.stride = sizeof(char *), .count_offset = offsetof(struct access_role, count) };
static const struct key binding_entry = { "role", KEY_WORD, IN(access_binding, role), .min = 1,
	.max = 32 };
static const struct key binding_name = { "name", KEY_PEOPLE, .min = 1, .max = 80 };
static const struct key token_keys[] = {
	{ "secret", KEY_SECRET, IN(access_token, secret), .required = true,
		.help = "The token itself, at least 20 characters nobody can guess." },
	{ "role", KEY_WORD, IN(access_token, role), .min = 1, .max = 32, .required = true,
		.help = "What it may do: one of `roles`." },
	{ 0 },
};
static const struct key token_entry = { "token", KEY_MAP, .keys = token_keys };
static const struct key rbac_keys[] = {
	{ "roles", KEY_NAMED, AT(access.role), .max = ACCESS_ROLES_MAX, .entry = &access_role_entry,
		.stride = sizeof(struct access_role),
		.count_offset = offsetof(struct config, access.role_count),
		.name_offset = offsetof(struct access_role, name),
		.otherwise = "{viewer: [incident.read, tools.oncall.read], "
			"responder: [incident.read, incident.write, incident.approve, tools.oncall.read], "
			"commander: [incident.read, incident.write, incident.approve, incident.execute, "
			"tools.oncall.read], admin: ['*']}",
		.help = "Entitlements of each role: a name, `incident.*` for all of a kind, `\"*\"` for "
			"all." },
	{ "bindings", KEY_NAMED, AT(access.binding), .max = ACCESS_BINDINGS_MAX,
		.name_key = &binding_name,
		.entry = &binding_entry, .stride = sizeof(struct access_binding),
		.count_offset = offsetof(struct config, access.binding_count),
		.name_offset = offsetof(struct access_binding, person),
		.otherwise = "{'slack:*': responder, 'unix:*': admin, 'jira:*': responder}",
		.help = "Who has which role: `slack:U0123ABCD`, `unix:1000`, `slack:*` for everybody of "
			"a system. Whoever matches several has the rights of all." },
	{ "tokens", KEY_NAMED, AT(access.token), .max = ACCESS_TOKENS_MAX, .otherwise = "{}",
		.entry = &token_entry, .stride = sizeof(struct access_token),
		.count_offset = offsetof(struct config, access.token_count),
		.name_offset = offsetof(struct access_token, name),
		.help = "Tokens of the HTTP API: `{ci: {secret: env:SITREP_TOKEN_CI, role: viewer}}`. What "
			"is asked with one is done by `token:ci`. Without any the API is closed." },
	{ 0 },
};

/* ---- release_gate_policy.yml ------------------------------------------------------------ */

static const char *gate_mode_word(size_t i)
{
	return i <= GATE_STRICT ? gate_mode_name((enum gate_mode)i) : NULL;
}

/* As teams write it: P0 is the worst level. */
static const char *gate_level_word(size_t i)
{
	static const char *const word[] = { "P0", "P1", "P2", "P3" };
	return i < sizeof(word) / sizeof(word[0]) ? word[i] : NULL;
}

static const struct key gate_level_entry = { "level", KEY_ENUM, .word = gate_level_word };
static const struct key gate_service_entry = { "service", KEY_TEXT, .min = 1, .max = TEXT_SHORT };
static const struct key gate_keys[] = {
	{ "followup_watch", KEY_ENUM, AT(gate.mode), .word = gate_mode_word, .otherwise = "strict",
		.help = "`strict` blocks a release on what is below, `warn` only says it, `off` looks at "
			"nothing and lets everything pass." },
	{ "run_followup_watch", KEY_BOOL, AT(gate.run), .otherwise = "true",
		.help = "`false` is the same as `followup_watch: off`." },
	{ "followup_watch_window_days", KEY_INT, AT(gate_said.window_days), .min = 1, .max = 3650,
		.otherwise = "30",
		.help = "A follow-up that was made, or fell due, within so many days blocks when it is "
			"overdue; an older one is only named. Open incidents count whatever their age." },
	{ "followup_watch_env", KEY_WORD, AT(gate.environment), .min = 1, .max = TEXT_SHORT,
		.otherwise = "any",
		.help = "The environment that is looked at when nobody says one; `any`: all." },
	{ "fail_on", KEY_LIST, AT(gate_said.fail_on), .max = SEVERITY_COUNT, .otherwise = "[P0, P1]",
		.entry = &gate_level_entry, .stride = sizeof(int),
		.count_offset = offsetof(struct config, gate_said.fail_on_count),
		.help = "Open incidents of these levels block; P0 is level 1. `[]`: none does." },
	{ "fail_on_overdue", KEY_BOOL, AT(gate.fail_on_overdue), .otherwise = "true",
		.help = "A follow-up that is overdue blocks." },
	{ "services", KEY_LIST, AT(gate.services), .max = GATE_SERVICES_MAX, .otherwise = "[]",
		.entry = &gate_service_entry, .stride = sizeof(char *),
		.count_offset = offsetof(struct config, gate.service_count),
		.help = "The services that there are. Asked for another one the gate cannot tell (exit "
			"status 2). `[]`: whichever an incident has named." },
	{ 0 },
};

/* ---- messages.yml ----------------------------------------------------------------------- */

#define SECTIONS_OF_UPDATE                                                                         \
	"'*Known:* {{known}}', '*Not known:* {{unknown}}', '*Impact:* {{impact}}', "               \
	"'*Doing:* {{doing}}', '*Next:* {{next}}', '*Next update* {{next_update}}'"

static const struct key message_line_entry = { "line", KEY_TEXT, .min = 1, .max = TEXT_LONG };
#define MESSAGE_KEYS(subject_text, body_text)                                                      \
	{                                                                                          \
		{ "subject", KEY_TEXT, IN(message_template, subject), .min = 1, .max = 200,        \
			.otherwise = (subject_text),                                               \
			.help = "The headline, and the beginning of the notification." },          \
		{ "body", KEY_LIST, IN(message_template, line), .min = 1,                          \
			.max = TEMPLATE_LINES_MAX, .entry = &message_line_entry,                   \
			.stride = sizeof(char *), .otherwise = (body_text),                        \
			.count_offset = offsetof(struct message_template, count),                  \
			.help = "Its lines: text, `{{variables}}` and `*bold*`. A line whose "     \
				"variables are all empty is left out." },                          \
		{ 0 },                                                                             \
	}

static const struct key message_first_keys[] = MESSAGE_KEYS("'[{{severity}}] {{what}}'",
	"['*Status:* {{state}}', " SECTIONS_OF_UPDATE "]");
static const struct key message_update_keys[] = MESSAGE_KEYS(
	"'{{severity}} UPDATE · {{about}} · {{state}}'", "[" SECTIONS_OF_UPDATE "]");
static const struct key message_resolution_keys[] = MESSAGE_KEYS("'{{severity}} RESOLVED · {{what}}'",
	"['*Duration:* {{duration}}, since {{since}}', '*Impact:* {{impact}}', '*What was done:* {{done}}', "
	"'*Users see:* {{signal}}', '*Systems say:* {{health}}', '*Not verified:* {{not_verified}}', "
	"'*Follow-up:* {{follow_up}}']");

static const struct key messages_keys[] = {
	{ "first", KEY_MAP, AT(message[TEMPLATE_FIRST]), .keys = message_first_keys,
		.help = "The first update of an incident." },
	{ "update", KEY_MAP, AT(message[TEMPLATE_UPDATE]), .keys = message_update_keys,
		.help = "Every further update." },
	{ "resolution", KEY_MAP, AT(message[TEMPLATE_RESOLUTION]), .keys = message_resolution_keys,
		.help = "How it ended." },
	{ 0 },
};

/* ---- followups.yml ---------------------------------------------------------------------- */

static const char *priority_word(size_t i)
{
	static const char *const word[] = { "p0", "p1", "p2", "p3" };
	return i < sizeof(word) / sizeof(word[0]) ? word[i] : NULL;
}

#define FOLLOWUP_PRIORITY(level, text)                                                             \
	{ #level, KEY_ENUM, AT(followups.priority[level]), .word = priority_word,                  \
		.otherwise = (text), .help = "After incidents of level " #level "." }
#define FOLLOWUP_DUE(name, index, text)                                                            \
	{ name, KEY_DURATION, AT(followups.due_ms[index]), .min = 0, .max = 366 * DAY_MS,          \
		.otherwise = (text), .help = "Due after this time, at the end of that day; `none`: no due date." }

static const struct key followup_priority_keys[] = {
	FOLLOWUP_PRIORITY(1, "p0"), FOLLOWUP_PRIORITY(2, "p1"), FOLLOWUP_PRIORITY(3, "p2"),
	FOLLOWUP_PRIORITY(4, "p3"),
	{ 0 },
};
static const struct key followup_due_keys[] = {
	FOLLOWUP_DUE("p0", 0, "7d"), FOLLOWUP_DUE("p1", 1, "14d"), FOLLOWUP_DUE("p2", 2, "30d"),
	FOLLOWUP_DUE("p3", 3, "90d"),
	{ 0 },
};
static const struct key followup_step_keys[] = {
	{ "at", KEY_OFFSET, IN(ladder_step, offset_ms), .min = -90 * DAY_MS, .max = 366 * DAY_MS,
		.required = true, .help = "When, counted from the due time: `-3d`, `0`, `7d`." },
	{ "tell", KEY_ENUM, IN(ladder_step, audience), .word = audience_word, .required = true,
		.help = "Who is told besides the owner, who always is: nobody (`owner`), the incident's channel "
			"(`owner_open`, `responders`, `channel`), or the people of `tier`." },
	{ 0 },
};
static const struct key followup_step_entry = { "step", KEY_MAP, .keys = followup_step_keys };
static const struct key followups_keys[] = {
	{ "priority", KEY_MAP, .keys = followup_priority_keys,
		.help = "The priority of a follow-up unless somebody says another." },
	{ "due", KEY_MAP, .keys = followup_due_keys,
		.help = "When a follow-up is due unless somebody says otherwise." },
	{ "remind", KEY_LIST, AT(followups.remind.step), .max = LADDER_MAX,
		.entry = &followup_step_entry, .stride = sizeof(struct ladder_step),
		.count_offset = offsetof(struct config, followups.remind.count),
		.otherwise = "[{at: -3d, tell: owner}, {at: -1d, tell: owner}, {at: 0, tell: owner}, "
			"{at: 1d, tell: owner}, {at: 3d, tell: channel}, {at: 7d, tell: tier}]",
		.help = "Reminders, ascending, each said once; `[]`: none." },
	{ "again", KEY_DURATION, AT(followups.again_ms), .min = 0, .max = 366 * DAY_MS,
		.otherwise = "7d",
		.help = "After the last of them, so often while it is overdue, to the same people; `none`: "
			"not any more." },
	{ "tier", KEY_WORD, AT(followups.tier), .max = 32, .otherwise = "coordination",
		.help = "Whose people are told by steps for the tier, by its name in escalation.yml; where it "
			"has none, the incident's channel." },
	{ "repeat_window", KEY_DURATION, AT(followups.repeat_ms), .min = DAY_MS, .max = 366 * DAY_MS,
		.otherwise = "90d",
		.help = "How far back a cause is looked for that comes back." },
	{ 0 },
};

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

static const struct key jira_keys[] = {
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

/* ---- reviews.yml ------------------------------------------------------------------------ */

static const char *place_word(size_t i)
{
	static const char *const word[] = { [REVIEW_TO_CHANNEL] = "channel", [REVIEW_TO_ISSUE] = "issue" };
	return i < sizeof(word) / sizeof(word[0]) ? word[i] : NULL;
}

static const struct key place_entry = { "place", KEY_ENUM, .word = place_word };
static const struct key review_keys[] = {
	{ "within", KEY_DURATION, AT(review.within_ms), .min = 0, .max = 366 * DAY_MS,
		.otherwise = "5 days",
		.help = "The postmortem of an incident whose level has `review_required` is owed this long "
			"after its end; `none`: nobody is reminded." },
	{ "template", KEY_PATH, AT(review.template_path), .max = PATH_BYTES,
		.help = "Markdown file in the config folder to make the document from, with "
			"`{{summary}}` and the like (docs/postmortems.md); empty: ours." },
	{ "publish", KEY_LIST, AT(review.publish), .max = REVIEW_PLACE_COUNT, .otherwise = "[]",
		.entry = &place_entry, .stride = sizeof(int),
		.count_offset = offsetof(struct config, review.publish_count),
		.help = "Where a final postmortem goes by itself: as a file to the incident's channel "
			"(`channel`), as a comment to its issue (`issue`)." },
	{ 0 },
};

static const struct key reviews_keys[] = {
	{ "review", KEY_MAP, .keys = review_keys, .help = "Postmortems." },
	{ 0 },
};

/* ---- all -------------------------------------------------------------------------------- */

#define SECTION(named, in, table, what)                                                            \
	{ named, KEY_MAP, .keys = (table), .file = (in), .help = (what) }

static const struct key sections[] = {
	SECTION("slack", "sitrep.yml", slack_keys, "The chat workspace."),
	SECTION("store", "sitrep.yml", store_keys, "The record."),
	SECTION("ctl", "sitrep.yml", ctl_keys, "The door for the shell."),
	SECTION("http", "sitrep.yml", http_keys, "The HTTP server: `GET /healthz`, and webhooks of systems that are set up."),
	SECTION("log", "sitrep.yml", log_keys, "The log on standard error."),
	SECTION("limits", "sitrep.yml", limit_keys, "Bounds of what may pile up."),
	SECTION("delivery", "sitrep.yml", delivery_keys, "How deliveries are repeated."),
	{ "timezone", KEY_ZONE, AT(timezone), .max = 64, .otherwise = "UTC", .file = "sitrep.yml",
		.help = "IANA zone for people whose own is not known." },
	SECTION("severity", "severity.yml", severity_keys, "Levels, their targets and cadences."),
	SECTION("roles", "roles.yml", roles_keys, "Roles of responders."),
	SECTION("reminders", "reminders.yml", reminders_keys, "Who is reminded when."),
	SECTION("escalation", "escalation.yml", escalation_keys, "Who is told when it stays broken."),
	SECTION("rbac", "rbac.yml", rbac_keys, "Who may do what."),
	SECTION("messages", "messages.yml", messages_keys, "The wording of updates and resolutions."),
	SECTION("release_gate", "release_gate_policy.yml", gate_keys, "The release gate: what holds a release back."),
	SECTION("followups", "followups.yml", followups_keys, "Follow-ups: when they are due, who is reminded."),
	SECTION("reviews", "reviews.yml", reviews_keys, "What is learned from incidents."),
	SECTION("jira", "jira.yml", jira_keys, "The issue tracker, Jira Cloud or Data Center."),
	{ 0 },
};

const struct key schema = { "config", KEY_MAP, .keys = sections };
