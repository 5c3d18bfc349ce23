/* What people type into forms, or into a line that means one: checkpoints, impact, status updates. */
#include "base/arena.h"
#include "base/clock.h"
#include "base/text.h"
#include "incident/checkpoint.h"
#include "incident/impact.h"
#include "incident/status_update.h"
#include "tests/fuzz/fuzz.h"

#define NOW	  INT64_C(1772375700000)
#define USERS_MAX INT64_C(100000000000)

static size_t length(const char *s)
{
	MUST(!s || *s);
	return s ? strlen(s) : 0;
}

/* ---- checkpoint ------------------------------------------------------------------------------ */

/* checkpoint_parse: nothing is said that was not typed, and the next decision lies within what can be typed. */
static void checkpoint(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size);
	struct arena *a = arena_create(8u << 20);
	STR_CLEANUP struct str missing;
	struct checkpoint c;

	checkpoint_parse(a, text, "Europe/Berlin", NOW, &c);
	MUST(length(c.situation) + length(c.hypothesis) + length(c.impact) + length(c.in_flight) +
			length(c.decision) + length(c.cadence) <=
		2 * strlen(text));
	MUST(c.next_decision_at >= -DAY_MS && c.next_decision_at < INT64_C(32535216000000));
	str_init(&missing, 200);
	checkpoint_missing(&c, &missing);
	MUST(!missing.cut);
	arena_destroy(a);
	free(text);
}

/* ---- impact ---------------------------------------------------------------------------------- */

/* impact_from_text: figures stay within their bounds, nothing is known of a text without a figure or a word for it, and
 * reading twice gives the same. */
static void check_bounds(const struct impact_facts *f)
{
	MUST(f->users >= -1 && f->users <= USERS_MAX);
	MUST(f->tickets >= -1 && f->tickets <= USERS_MAX);
	MUST(f->share_permille >= -1 && f->share_permille <= 1000);
	MUST(f->budget_permille >= -1 && f->budget_permille <= 1000);
	MUST(f->began_at <= NOW && f->ended_at <= NOW);
	MUST(!f->ended_at || f->ended_at >= f->began_at);
	MUST(!f->journeys && !f->critical_period && !f->revenue);
}

static void check_not_invented(const struct impact_facts *f, const char *text)
{
	if (!strpbrk(text, "0123456789")) {
		MUST(f->users <= 0 && f->tickets == -1);
		MUST(f->share_permille == -1 && f->budget_permille == -1);
	}
	if (!text_find_fold(text, "since"))
		MUST(f->began_at == 0);
	if (!text_find_fold(text, "til"))
		MUST(f->ended_at == 0);
	if (!text_find_fold(text, "data"))
		MUST(f->data_loss == TRI_UNKNOWN && f->data_corruption == TRI_UNKNOWN &&
			!impact_data_concern(text));
	if (!text_find_fold(text, "customer"))
		MUST(!f->paying_customer);
}

static void impact(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size);
	struct arena *a = arena_create(1u << 20);
	struct impact_facts f, again;
	char *first;
	json_t *obj;

	impact_init(&f);
	impact_from_text(a, text, "Europe/Berlin", NOW, &f);
	check_bounds(&f);
	check_not_invented(&f, text);
	obj = impact_json(&f);
	first = json_text(a, obj);
	json_decref(obj);
	MUST(impact_read(a, first, &again) == 0);
	MUST(again.users == f.users && again.began_at == f.began_at);
	impact_init(&again);
	impact_from_text(a, text, "Europe/Berlin", NOW, &again);
	obj = impact_json(&again);
	MUST(strcmp(first, json_text(a, obj)) == 0);
	json_decref(obj);
	arena_destroy(a);
	free(text);
}

/* ---- update ---------------------------------------------------------------------------------- */

/* status_update_parse: nothing is said that was not typed, and the promise lies within what can be typed. */
static void update(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size);
	struct arena *a = arena_create(8u << 20);
	struct status_update u;

	status_update_parse(a, text, "Europe/Berlin", NOW, &u);
	MUST(length(u.known) + length(u.unknown) + length(u.impact) + length(u.doing) +
			length(u.next) <=
		2 * strlen(text));
	MUST(u.next_at >= 0 - DAY_MS && u.next_at < INT64_C(32535216000000));
	arena_destroy(a);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static fuzz_part *const part[] = { checkpoint, impact, update };

	fuzz_choose("ciu", part, data, size);
	return 0;
}
