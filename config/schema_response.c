/* What levels, roles, reminders and tiers are: the policies of a response. */
#include "config/schema_parts.h"

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

const struct key severity_keys[] = {
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
const struct key roles_keys[] = {
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

const char *schema_audience_word(size_t i)
{
	return i < AUDIENCE_COUNT ? audience_name((enum audience)i) : NULL;
}

static const struct key step_keys[] = {
	{ "at", KEY_OFFSET, IN(ladder_step, offset_ms), .min = -DAY_MS, .max = 7 * DAY_MS,
		.required = true,
		.help = "When, counted from the promised time: `-5m` before it, `0`, `10m` after it." },
	{ "tell", KEY_ENUM, IN(ladder_step, audience), .word = schema_audience_word, .required = true,
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

const struct key reminders_keys[] = {
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
const struct key escalation_keys[] = {
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

const struct key messages_keys[] = {
	{ "first", KEY_MAP, AT(message[TEMPLATE_FIRST]), .keys = message_first_keys,
		.help = "The first update of an incident." },
	{ "update", KEY_MAP, AT(message[TEMPLATE_UPDATE]), .keys = message_update_keys,
		.help = "Every further update." },
	{ "resolution", KEY_MAP, AT(message[TEMPLATE_RESOLUTION]), .keys = message_resolution_keys,
		.help = "How it ended." },
	{ 0 },
};
