#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/clock.h"
#include "incident/promise.h"
#include "incident/upgrade.h"
#include "store/audit.h"
#include "store/db.h"
#include "store/incidents.h"
#include "store/promises.h"
#include "store/store.h"
#include "support_order.h"

#define COUNT_ZERO(b, sql)                                                                         \
	do {                                                                                       \
		if (bot_number(b, "SELECT count(*) FROM " sql) != 0)                               \
			fail_msg("not empty: %s", sql);                                            \
	} while (0)

#define ACTIVE "('triage', 'investigating', 'identified', 'mitigating', 'monitoring')"

static void check_promises(struct test_bot *b)
{
	COUNT_ZERO(b, "incident i WHERE state IN " ACTIVE " AND NOT EXISTS (SELECT 1 FROM promise p"
		" WHERE p.incident = i.id AND p.kind = 'update' AND p.state = 'open')");
	COUNT_ZERO(b, "incident i JOIN promise p ON p.incident = i.id WHERE p.state = 'open'"
		" AND p.kind <> 'review' AND i.state NOT IN " ACTIVE);
	/* A postmortem is owed by what is over and not put away, until it is final. */
	COUNT_ZERO(b, "incident i JOIN promise p ON p.incident = i.id WHERE p.state = 'open' AND p.kind = 'review'"
		" AND (i.state NOT IN ('resolved', 'auto_resolved') OR i.merged_into IS NOT NULL"
		"  OR (SELECT state FROM review r WHERE r.incident = i.id ORDER BY version DESC LIMIT 1) = 'final')");
	COUNT_ZERO(b, "incident i WHERE state IN " ACTIVE
		" AND (SELECT state FROM review r WHERE r.incident = i.id ORDER BY version DESC LIMIT 1) = 'final'");
	COUNT_ZERO(b, "timer t WHERE t.name = 'promise' AND NOT EXISTS (SELECT 1 FROM promise p"
		" WHERE p.incident = t.incident AND p.state = 'open')");
	COUNT_ZERO(b, "promise WHERE state = 'kept' AND kept_at IS NULL");
	COUNT_ZERO(b, "promise WHERE state = 'kept' AND kept_at > due_at AND missed_at IS NULL");
}

/* The other half: while an open promise has something left to say, or a miss to record, the incident's
 * timer wakes no later than for that. */
static void check_timers(struct test_bot *b)
{
	struct error err = { 0 };
	struct arena *a = arena_create(1 << 20);
	int64_t id = 0;

	for (;;) {
		struct promise *p;
		size_t n;
		char next[120];

		snprintf(next, sizeof next, "SELECT coalesce(min(incident), 0) FROM promise"
			" WHERE state = 'open' AND incident > %lld", (long long)id);
		id = bot_number(b, next);
		if (!id)
			break;

		assert_int_equal(promise_list(core_store(b->core), a, id, &p, &n, &err), 0);
		int64_t first = 0;

		for (size_t i = 0; i < n; i++) {
			int64_t at = p[i].state != PROMISE_OPEN ? 0 :
				ladder_first(&b->config->ladder[p[i].kind], &p[i], clock_now(&b->clock));

			if (at && (!first || at < first))
				first = at;
		}
		char sql[200];

		snprintf(sql, sizeof sql, "SELECT coalesce(min(due_at), 0) FROM timer"
			" WHERE name = 'promise' AND incident = %lld", (long long)id);
		int64_t due = bot_number(b, sql);

		if ((due != 0) != (first != 0) || due > first)
			fail_msg("INC-%lld: the timer wakes at %lld, the next step is at %lld", (long long)id,
				(long long)due, (long long)first);
	}
	arena_destroy(a);
}

static struct order_grown grown_now(struct test_bot *b)
{
	return (struct order_grown){
		bot_number(b, "SELECT count(*) FROM timeline"),
		bot_number(b, "SELECT count(*) FROM audit"),
		bot_number(b, "SELECT coalesce(max(id), 0) FROM effect"),
		bot_number(b, "SELECT count(*) FROM incident"),
	};
}

static void check_growth(struct test_bot *b, struct order *o)
{
	struct order_grown now = grown_now(b);

	assert_true(now.timeline >= o->grown.timeline);
	assert_true(now.audit >= o->grown.audit);
	assert_true(now.effects >= o->grown.effects);
	assert_true(now.incidents >= o->grown.incidents);
	o->grown = now;
}

static void check_effects(struct test_bot *b)
{
	COUNT_ZERO(b, "effect WHERE incident IS NOT NULL AND incident NOT IN (SELECT id FROM incident)");
	/* One lane, one that may go. */
	COUNT_ZERO(b, "(SELECT lane FROM effect WHERE state IN ('ready', 'started') GROUP BY lane HAVING count(*) > 1)");
	COUNT_ZERO(b, "(SELECT lane FROM effect WHERE ended_at IS NULL GROUP BY lane"
		" HAVING sum(state IN ('ready', 'started')) = 0)");
	COUNT_ZERO(b, "role r JOIN incident i ON i.id = r.incident WHERE r.person = ''");
}

static void check_handovers(struct test_bot *b)
{
	COUNT_ZERO(b, "handover h JOIN incident i ON i.id = h.incident WHERE h.state = 'offered' AND i.state NOT IN " ACTIVE);
	COUNT_ZERO(b, "handover h WHERE state = 'offered' AND NOT EXISTS (SELECT 1 FROM timer t"
		" WHERE t.name = 'handover' AND t.subject = h.id AND t.incident = h.incident)");
	COUNT_ZERO(b, "timer t WHERE name = 'handover' AND NOT EXISTS (SELECT 1 FROM handover h"
		" WHERE h.id = t.subject AND h.state = 'offered')");
	COUNT_ZERO(b, "handover h WHERE state = 'offered' AND NOT EXISTS (SELECT 1 FROM promise p"
		" WHERE p.incident = h.incident AND p.kind = 'handover' AND p.state = 'open')");
	COUNT_ZERO(b, "promise p WHERE kind = 'handover' AND state = 'open' AND NOT EXISTS (SELECT 1 FROM handover h"
		" WHERE h.incident = p.incident AND h.state = 'offered')");
	COUNT_ZERO(b, "handover h WHERE state = 'offered' AND outgoing IS NOT (SELECT person FROM role r"
		" WHERE r.incident = h.incident AND role = 'commander')");
	COUNT_ZERO(b, "handover WHERE outgoing = incoming");
	COUNT_ZERO(b, "timer t JOIN incident i ON i.id = t.incident WHERE t.name IN ('chair', 'escalation')"
		" AND i.state NOT IN " ACTIVE);
	COUNT_ZERO(b, "timer t WHERE t.name = 'chair' AND NOT EXISTS (SELECT 1 FROM role r"
		" WHERE r.incident = t.incident AND role = 'commander')");
}

static void check_relations(struct test_bot *b)
{
	COUNT_ZERO(b, "(SELECT 1 FROM engagement GROUP BY incident, tier, reason HAVING count(*) > 1)");
	COUNT_ZERO(b, "incident WHERE merged_into IS NOT NULL AND state IN " ACTIVE);
	COUNT_ZERO(b, "timer t JOIN incident i ON i.id = t.incident WHERE i.merged_into IS NOT NULL");
	COUNT_ZERO(b, "incident i JOIN incident k ON k.id = i.merged_into WHERE i.is_private = 1 AND k.is_private = 0");
	/* Whoever follows the chain comes to an end. */
	COUNT_ZERO(b, "incident WHERE merged_into IS NOT NULL AND id NOT IN ("
		"WITH RECURSIVE c (id) AS (SELECT id FROM incident WHERE merged_into IS NULL"
		" UNION SELECT i.id FROM incident i JOIN c ON i.merged_into = c.id) SELECT id FROM c)");
	/* What was protected from its beginning is named on no other. */
	COUNT_ZERO(b, "incident_link WHERE kind = 'related' AND (low >= 1000000 OR high >= 1000000)");
	/* Numbers that everybody sees have no gap: a protected one would show in it. */
	assert_int_equal(bot_number(b, "SELECT count(*) FROM incident WHERE id < 1000000"),
		bot_number(b, "SELECT coalesce(max(id), 0) FROM incident WHERE id < 1000000"));
}

/* ---- what a step may change ---- */

#define COMMANDERS                                                                                 \
	"SELECT group_concat(incident || ' ' || person) FROM (SELECT * FROM role"                  \
	" WHERE role = 'commander' ORDER BY incident)"

static struct order_level *levels_read(struct test_bot *b, size_t *count)
{
	struct error err = { 0 };
	struct stmt *st = db_prepare(store_db(core_store(b->core)),
		"SELECT id, severity, coalesce(overruled, 0) FROM incident", &err);
	struct order_level *level = calloc((size_t)bot_number(b, "SELECT count(*) + 1 FROM incident"), sizeof *level);

	assert_non_null(st);
	assert_non_null(level);
	*count = 0;
	db_bind(st, "");
	while (db_step(st, &err) == DB_ROW)
		level[(*count)++] = (struct order_level){ db_int(st, 0), (int)db_int(st, 1), db_int(st, 2) };
	return level;
}

static const struct order_level *level_of(const struct order_level *level, size_t count, int64_t id)
{
	for (size_t i = 0; i < count; i++)
		if (level[i].id == id)
			return &level[i];
	return NULL;
}

static bool asked_is(const struct asked *asked, const char *const *names)
{
	for (; asked->op && *names; names++)
		if (strcmp(asked->op->name, *names) == 0)
			return true;
	return false;
}

#define ASKED_IS(asked, ...) asked_is(asked, (const char *const[]){ __VA_ARGS__, NULL })

/* The rule that has fired was not one that a person had overruled before and still has. */
static void check_upgrade(
	const struct order *o, const struct order_level *now, size_t count, int64_t id, const char *rule)
{
	const struct order_level *was = level_of(o->level, o->count, id), *is = level_of(now, count, id);

	for (int r = 0; was && is && r < UPGRADE_RULE_COUNT; r++)
		if (!strcmp(upgrade_rule_name((enum upgrade_rule)r), rule) && (was->overruled & is->overruled & (1 << r)))
			fail_msg("INC-%lld: raised again by %s, though a person has overruled it", (long long)id, rule);
}

static void check_levels(struct test_bot *b, const struct order *o, const struct asked *asked)
{
	struct error err = { 0 };
	size_t count;
	struct order_level *now = levels_read(b, &count);
	struct stmt *st = db_prepare(store_db(core_store(b->core)),
		"SELECT entity_id, meta FROM audit WHERE id > $1 AND action = 'severity.upgraded'", &err);

	assert_non_null(st);
	db_bind(st, "i", o->audit);
	while (db_step(st, &err) == DB_ROW) {
		json_t *meta = json_loads(db_text(st, 1), 0, NULL);

		check_upgrade(o, now, count, db_int(st, 0), json_get_str(meta, "rule"));
		json_decref(meta);
	}
	for (size_t i = 0; i < o->count; i++) {
		const struct order_level *is = level_of(now, count, o->level[i].id);

		assert_non_null(is);
		/* Only a person lowers it. */
		if (is->severity > o->level[i].severity && !ASKED_IS(asked, "severity", "classify"))
			fail_msg("INC-%lld was lowered", (long long)is->id);
	}
	free(now);
}

static void check_changed(struct test_bot *b, const struct order *o, const struct asked *asked)
{
	if (!ASKED_IS(asked, "role", "accept", "solo", "revoke", "declare", "promote")) {
		char *now = bot_text(b, COMMANDERS);

		assert_string_equal(now, o->commanders);
		free(now);
	}
	check_levels(b, o, asked);
}

/* ---- protected ones ---- */

static bool sees(struct test_bot *b, int64_t id, const char *person)
{
	char sql[400];

	if (!strcmp(person, ROOT))
		return true;
	snprintf(sql, sizeof sql, "SELECT (SELECT count(*) FROM access WHERE incident = %lld AND person = '%s')"
		" + (SELECT count(*) FROM role WHERE incident = %lld AND person = '%s')",
		(long long)id, person, (long long)id, person);
	return bot_number(b, sql) > 0;
}

/* "number u17u is failing": "u17u", the word that only this title has. */
static bool title_word(const char *title, char out[24])
{
	for (const char *p = title; (p = strchr(p, 'u')); p++) {
		size_t digits = strspn(p + 1, "0123456789");

		if (digits && p[1 + digits] == 'u' && digits < 20) {
			snprintf(out, 24, "%.*s", (int)digits + 2, p);
			return true;
		}
	}
	return false;
}

static void check_told(struct test_bot *b, const struct asked *asked, int64_t id, const char *word)
{
	char number[24];

	snprintf(number, sizeof number, "%lld", (long long)id);
	if (!asked->person || sees(b, id, asked->person))
		return;
	if (strstr(b->answer_full, word) && !strstr(asked->words, word))
		fail_msg("%s has no access to INC-%s and reads its title: %s", asked->person, number, b->answer_full);
	if (id >= INCIDENT_PROTECTED_FIRST && strstr(b->answer_full, number) && !strstr(asked->words, number))
		fail_msg("%s has no access to INC-%s and reads its number: %s", asked->person, number, b->answer_full);
}

static void check_performed(struct test_bot *b, size_t from, int64_t id, const char *word)
{
	char channel[40], number[24];

	snprintf(channel, sizeof channel, "slack:P%lld", (long long)id);
	snprintf(number, sizeof number, "%lld", (long long)id);
	for (size_t i = from; i < b->performed_count; i++) {
		const struct performed *p = &b->performed[i];
		bool tells = strstr(p->full, word) || (id >= INCIDENT_PROTECTED_FIRST && strstr(p->full, number));

		if (!tells || !strcmp(p->where, channel) || (strchr(p->where, ':') && sees(b, id, p->where)))
			continue;
		/* Its own channel is made under its number, and those with access are let in. */
		if (p->kind == EFFECT_CHANNEL_OPEN && p->incident == id && !strstr(p->full, word))
			continue;
		fail_msg("INC-%s is protected, and %s tells %s: %s", number, effect_kind_name(p->kind), p->where, p->full);
	}
}

static void check_protected(struct test_bot *b, size_t from, const struct asked *asked)
{
	struct error err = { 0 };
	struct stmt *st = db_prepare(store_db(core_store(b->core)),
		/* Two that were merged have told their people of each other. */
		"SELECT id, title FROM incident i WHERE is_private = 1 AND NOT EXISTS (SELECT 1 FROM audit a"
		" WHERE a.entity = 'incident' AND a.entity_id = i.id"
		" AND a.action IN ('incident.merged', 'incident.merged_here'))", &err);

	assert_non_null(st);
	db_bind(st, "");
	while (db_step(st, &err) == DB_ROW) {
		int64_t id = db_int(st, 0);
		char word[24];

		if (!title_word(db_text(st, 1), word))
			continue;
		check_told(b, asked, id, word);
		check_performed(b, from, id, word);
	}
}

/* What was handed to the chat is in the record, and was delivered at most once. */
void order_check_sent(struct test_bot *b)
{
	for (size_t i = 0; i < b->performed_count; i++) {
		char sql[160];

		snprintf(sql, sizeof sql, "SELECT count(*) FROM effect WHERE op_id = '%s'", b->performed[i].op_id);
		assert_int_equal(bot_number(b, sql), 1);
	}
	COUNT_ZERO(b, "(SELECT effect FROM attempt WHERE outcome = 'delivered' GROUP BY effect HAVING count(*) > 1)");
}

void order_check_chain(struct test_bot *b)
{
	struct error err = { 0 };
	int64_t entries;

	if (audit_verify(core_store(b->core), &entries, &err) < 0)
		fail_msg("%s", err.text);
	if (store_check(core_store(b->core), &err) < 0)
		fail_msg("%s", err.text);
}

void order_check_peace(struct test_bot *b)
{
	COUNT_ZERO(b, "effect WHERE state = 'started'");
	COUNT_ZERO(b, "effect WHERE ended_at IS NULL AND created_at < (SELECT max(created_at) FROM effect) - 1800000");
	order_check_sent(b);
	order_check_chain(b);
}

/* ---- a step ---- */

void order_before(struct test_bot *b, struct order *o)
{
	o->commanders = bot_text(b, COMMANDERS);
	o->level = levels_read(b, &o->count);
	o->audit = bot_number(b, "SELECT coalesce(max(id), 0) FROM audit");
	o->performed = b->performed_count;
}

void order_after(struct test_bot *b, struct order *o, const struct asked *asked)
{
	check_changed(b, o, asked);
	check_handovers(b);
	check_relations(b);
	check_protected(b, o->performed, asked);
	check_promises(b);
	check_timers(b);
	check_growth(b, o);
	check_effects(b);
	free(o->commanders);
	free(o->level);
}
