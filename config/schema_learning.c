/* What comes after an incident: the release gate, follow-ups, postmortems. */
#include "config/schema_parts.h"

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
const struct key gate_keys[] = {
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
	{ "tell", KEY_ENUM, IN(ladder_step, audience), .word = schema_audience_word, .required = true,
		.help = "Who is told besides the owner, who always is: nobody (`owner`), the incident's channel "
			"(`owner_open`, `responders`, `channel`), or the people of `tier`." },
	{ 0 },
};
static const struct key followup_step_entry = { "step", KEY_MAP, .keys = followup_step_keys };
const struct key followups_keys[] = {
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

const struct key reviews_keys[] = {
	{ "review", KEY_MAP, .keys = review_keys, .help = "Postmortems." },
	{ 0 },
};
