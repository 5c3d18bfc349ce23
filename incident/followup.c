#include "incident/followup.h"

#include "base/text.h"

static const char *const state_names[] = {
	[FOLLOWUP_OPEN] = "open",
	[FOLLOWUP_DONE] = "done",
	[FOLLOWUP_CANCELLED] = "cancelled",
};

static const char *const class_names[] = {
	[FOLLOWUP_NO_CLASS] = "",
	[FOLLOWUP_PREVENT] = "prevent",
	[FOLLOWUP_DETECT] = "detect",
	[FOLLOWUP_MITIGATE] = "mitigate",
	[FOLLOWUP_LEARN] = "learn",
};

static const char *const standard_names[] = {
	[STANDARD_NONE] = "",
	[STANDARD_SLO] = "slo",
	[STANDARD_OBSERVABILITY] = "observability",
	[STANDARD_SAFE_CHANGE] = "safe-change",
	[STANDARD_AVAILABILITY] = "availability",
	[STANDARD_DEPENDENCY] = "dependency",
	[STANDARD_PLATFORM] = "platform",
};

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static const char *name_of(const char *const *names, size_t count, unsigned i)
{
	return i < count ? names[i] : "";
}

const char *followup_state_name(enum followup_state s)
{
	return name_of(state_names, COUNT(state_names), s);
}

bool followup_state_parse(const char *name, enum followup_state *out)
{
	int i;

	if (!text_index(state_names, COUNT(state_names), name, &i))
		return false;
	*out = (enum followup_state)i;
	return true;
}

const char *followup_class_name(enum followup_class c)
{
	return name_of(class_names, COUNT(class_names), c);
}

bool followup_class_parse(const char *name, enum followup_class *out)
{
	int i;

	if (!text_index(class_names, COUNT(class_names), name, &i))
		return false;
	*out = (enum followup_class)i;
	return true;
}

const char *followup_standard_name(enum followup_standard s)
{
	return name_of(standard_names, COUNT(standard_names), s);
}

bool followup_standard_parse(const char *name, enum followup_standard *out)
{
	int i;

	if (!text_index(standard_names, COUNT(standard_names), name, &i))
		return false;
	*out = (enum followup_standard)i;
	return true;
}

bool followup_overdue(const struct followup *f, int64_t now)
{
	return f->state == FOLLOWUP_OPEN && f->due_at && now > f->due_at;
}

struct ladder_verdict followup_judge(const struct ladder *l, const struct followup *f, int64_t now)
{
	const struct promise p = {
		.state = PROMISE_OPEN,
		.made_at = f->created_at,
		.due_at = f->due_at,
		.said = f->said,
	};

	if (f->state != FOLLOWUP_OPEN || !f->due_at)
		return (struct ladder_verdict){ .say = -1, .said = f->said };
	return ladder_judge(l, &p, now);
}

/* From when on the reminders repeat. */
static int64_t last_step_at(const struct ladder *l, const struct followup *f)
{
	int64_t offset = l->count ? l->step[l->count - 1].offset_ms : 0;

	return f->due_at + (offset > 0 ? offset : 0);
}

struct ladder_verdict followup_chase(
	const struct followup_policy *p, const struct followup *f, int64_t now)
{
	struct ladder_verdict v = followup_judge(&p->remind, f, now);
	int steps = (int)p->remind.count, rounds;
	int64_t last = last_step_at(&p->remind, f);

	if (f->state != FOLLOWUP_OPEN || !f->due_at || v.said < steps)
		return v;
	if (v.said < f->said)
		v.said = f->said;
	if (!p->again_ms)
		return v;
	rounds = now > last ? (int)((now - last) / p->again_ms) : 0;
	if (rounds > v.said - steps) {
		v.say = steps;
		v.said = steps + rounds;
	}
	v.next_ms = last + (v.said - steps + 1) * p->again_ms;
	return v;
}

int followup_said_already(const struct ladder *l, const struct followup *f, int64_t now)
{
	int n = 0;

	while ((size_t)n < l->count && f->due_at && f->due_at + l->step[n].offset_ms <= now)
		n++;
	return n;
}
