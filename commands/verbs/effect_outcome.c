/*
 * How the delivery of an effect ended, as the adapter tells it.
 *
 * The happy path is: started → delivered; the result is kept as a reference, and what had to wait for
 * it is asked for. Then the ways it fails: certainly not done (again later), outcome unknown (look
 * before doing it again), refused for good (failed: shown by sync; the lane goes on).
 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/text.h"
#include "commands/dispatch.h"
#include "commands/issues.h"
#include "commands/messages.h"
#include "commands/protected.h"
#include "commands/say.h"
#include "store/incidents.h"
#include "store/people.h"
#include "store/references.h"

#define LOUD_ATTEMPTS   3
#define LOUD_EVERY      20

static int keep_reference(struct call *c, const struct effect_row *row, const char *key, const char *url)
{
	struct reference ref = {
		.incident = row->incident,
		.system = row->system,
		.slot = row->slot,
		.key = key,
		.url = url,
		.state = "synced",
		.created_at = c->now,
		.synced_at = c->now,
	};

	if (!row->slot || !key || !row->incident)
		return 0;
	return reference_put(c->store, &ref, &c->err);
}

/* A channel for everybody was on its way when the incident became protected. */
static bool opened_for_everybody(struct call *c, const struct effect_row *row)
{
	JSON_CLEANUP json_t *payload = NULL;

	return c->incident.is_private && row->payload &&
		json_parse(row->payload, strlen(row->payload), 1 << 20, &payload, NULL) == 0 &&
		!json_get_bool(payload, "private", false);
}

static int on_channel_open(struct call *c, const struct effect_row *row, const json_t *result)
{
	int rc;

	if (opened_for_everybody(c, row))
		return protected_leave_channel(c, json_get_str(result, "channel"));
	rc = keep_reference(c, row, json_get_str(result, "channel"), json_get_str(result, "url"));
	return rc < 0 ? rc : say_channel_opened(c);
}

/* Where messages without a slot of their own are found, should the incident become protected. */
static const char *slot_of(struct call *c, const struct effect_row *row)
{
	if (row->kind == EFFECT_MESSAGE_PRIVATE)
		return arena_printf(c->arena, SLOT_PRIVATE "%lld/%s", (long long)row->id, row->to);
	return row->slot ? row->slot : arena_printf(c->arena, SLOT_POST "%lld", (long long)row->id);
}

/* Was it posted where others read, while the incident became protected? 1, 0 or -errno. */
static int posted_elsewhere(struct call *c, const char *message)
{
	struct reference own;
	size_t n;
	int rc;

	if (!c->has_incident || !c->incident.is_private || !message)
		return 0;
	rc = reference_get(c->store, c->arena, c->incident.id, CHAT_SYSTEM, SLOT_CHANNEL, &own,
		&c->err);
	if (rc < 0)
		return rc == -ENOENT ? 1 : rc;
	n = strlen(own.key);
	return strncmp(message, own.key, n) != 0 || message[n] != '/';
}

/* Sent while the incident became protected, or its reader lost access. */
static int on_private(struct call *c, const struct effect_row *row, const json_t *result)
{
	struct effect_row kept = *row;
	bool sees = true;
	int rc = 0;

	if (!c->has_incident)
		return 0;
	kept.slot = slot_of(c, row);
	rc = keep_reference(c, &kept, json_get_str(result, "message"), NULL);
	if (rc == 0)
		rc = protected_sees(c, &c->incident, &c->roles, row->to, &sees);
	return rc < 0 || sees ? rc : protected_withdraw_from(c, row->to);
}

static int on_message_post(struct call *c, const struct effect_row *row, const json_t *result)
{
	const char *message = json_get_str(result, "message");
	struct effect_row kept = *row;
	int rc = posted_elsewhere(c, message);

	kept.slot = slot_of(c, row);
	if (rc > 0)
		return protected_withdraw_message(c, kept.slot, message);
	if (rc == 0)
		rc = keep_reference(c, &kept, message, json_get_str(result, "url"));
	if (rc < 0 || !row->slot)
		return rc;
	if (!strcmp(row->slot, SLOT_CARD))
		rc = say_card_posted(c);
	if (rc == 0 && !strcmp(row->slot, SLOT_CARD))
		rc = issue_mark(c);
	/* What changed while the post was under way has no edit yet. */
	if (rc == 0 && c->has_incident && c->incident.revision > row->revision)
		rc = say_refresh(c, true);
	return rc;
}

static int on_person_fetch(struct call *c, const struct effect_row *row, const json_t *result)
{
	const char *name = json_get_str(result, "name");
	struct person p = {
		.key = row->to,
		.name = name ? text_clean(c->arena, name, strlen(name), 200, false) : NULL,
		.zone = json_get_str(result, "zone"),
		.email = json_get_str(result, "email"),
		.seen_at = c->now,
	};

	struct person known = { 0 };
	int rc = person_get(c->store, c->arena, row->to, &known, NULL);
	bool renamed = p.name && (rc < 0 || !known.name || strcmp(p.name, known.name) != 0);

	rc = person_put(c->store, &p, &c->err);
	/* The card called them by their account until now. */
	return rc < 0 || !renamed || !c->has_incident ? rc : say_refresh(c, true);
}

static int on_message_fetch(struct call *c, const struct effect_row *row, const json_t *result)
{
	JSON_CLEANUP json_t *payload = NULL;
	const char *text = json_get_str(result, "text");
	const char *url = json_get_str(result, "url");
	int rc = json_parse(row->payload, strlen(row->payload), 1 << 20, &payload, &c->err);

	if (rc < 0 || !text || !c->has_incident)
		return rc;
	json_t *meta = json_pack("{s:s*, s:s*}", "pinned_by", json_get_str(payload, "by"), "url", url);
	rc = record_entry(c, &(struct record_entry){
		.kind = ENTRY_NOTE,
		.action = "timeline.pinned",
		.text = text_clean(c->arena, text, strlen(text), 8000, true),
		.author = json_get_str(result, "author"),
		.happened_at = json_get_int(result, "at", c->now),
		.source = row->to,
		.meta = json_text(c->arena, meta),
	});
	json_decref(meta);
	return rc == -EEXIST ? 0 : rc;
}

static int on_delivered(struct call *c, const struct effect_row *row, const json_t *result)
{
	switch (row->kind) {
	case EFFECT_CHANNEL_OPEN:
		return on_channel_open(c, row, result);
	case EFFECT_MESSAGE_POST:
		return on_message_post(c, row, result);
	case EFFECT_PERSON_FETCH:
		return on_person_fetch(c, row, result);
	case EFFECT_MESSAGE_FETCH:
		return on_message_fetch(c, row, result);
	case EFFECT_MESSAGE_PRIVATE:
		return on_private(c, row, result);
	case EFFECT_CHANNEL_INVITE:
	case EFFECT_CHANNEL_REMOVE:
	case EFFECT_CHANNEL_TOPIC:
	case EFFECT_CHANNEL_BOOKMARK:
	case EFFECT_MESSAGE_EDIT:
	case EFFECT_MESSAGE_PIN:
	case EFFECT_HOME_SHOW:
	case EFFECT_CHANNEL_RENAME:
	case EFFECT_FILE_SHARE:
		return 0;
	case EFFECT_ISSUE_CREATE:
	case EFFECT_ISSUE_SYNC:
	case EFFECT_ISSUE_COMMENT:
	case EFFECT_ISSUE_MARK:
	case EFFECT_ISSUE_POLL:
		return issue_delivered(c, row, result);
	}
	return 0;
}

static bool is_issue(enum effect_kind kind)
{
	return kind >= EFFECT_ISSUE_CREATE && kind <= EFFECT_ISSUE_POLL;
}

/* What failed together does not come back together: up to an eighth sooner or later. Not by chance, but by the effect and
 * its attempt, so that what happened can be had again. */
static int64_t spread(int64_t ms, const struct effect_row *row)
{
	const uint64_t of[] = { (uint64_t)row->id, (uint64_t)row->attempts };

	return ms - ms / 8 + (int64_t)(hash_bytes(0, of, sizeof(of)) % (uint64_t)(ms / 4 + 1));
}

/* At once, after 5 s, after 25 s (policy), then doubling up to the maximum; never earlier than asked for. */
static int64_t retry_delay(const struct config *config, const struct effect_row *row, int64_t asked_ms)
{
	int64_t delay = config->retry_max_ms;
	size_t n = row->attempts > 0 ? (size_t)row->attempts - 1 : 0;

	if (n < config->retry_count) {
		delay = config->retry_ms[n];
	} else if (config->retry_count) {
		delay = config->retry_ms[config->retry_count - 1];
		for (size_t i = config->retry_count; i <= n && delay < config->retry_max_ms; i++)
			delay *= 2;
		delay = spread(delay < config->retry_max_ms ? delay : config->retry_max_ms, row);
	}
	return delay > asked_ms ? delay : asked_ms;
}

/* The card then lives under the announcement. A protected incident has none: those with access are
 * told that it is to be had here only. */
static int on_no_channel(struct call *c, const char *error)
{
	const char **people = NULL;
	size_t n = 0;
	int rc;

	if (!c->incident.is_private)
		return say_card(c);
	rc = protected_people(c, &people, &n);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		json_t *doc = message_line(c,
			"%s has no channel: it could not be opened (%s), so what happens on it is "
			"to be seen only here. Once that is mended: %s",
			words_id(c, c->incident.id), error,
			message_usage(c, "/inc sync #%lld --retry", (long long)c->incident.id));

		doc_button(doc, "Show", "show", c->incident.id, NULL, "primary");
		rc = say_person(c, people[i], doc);
	}
	return rc;
}

/* A card that somebody deleted comes back as a new one; anything else that is refused is left to sync. */
static int on_refused(struct call *c, const struct effect_row *row, const char *error)
{
	struct reference ref;
	json_t *meta;
	int rc;

	log_line(LOG_WARN, "effect", row->incident, "%s was refused: %s", effect_kind_name(row->kind), error);
	meta = json_pack("{s:s, s:s}", "kind", effect_kind_name(row->kind), "error", error);
	rc = record_audit(c, "effect", row->id, "warn", "effect.refused", json_text(c->arena, meta));
	json_decref(meta);
	if (rc < 0)
		return rc;
	if (is_issue(row->kind))
		return issue_refused(c, row, error);
	if (row->kind == EFFECT_FILE_SHARE)
		return say_file_refused(c, row, error);
	if (row->kind == EFFECT_CHANNEL_OPEN)
		return on_no_channel(c, error);
	if (row->kind != EFFECT_MESSAGE_EDIT || !row->slot || strcmp(row->slot, SLOT_CARD))
		return 0;
	if (strcmp(error, "message_not_found"))
		return 0;
	rc = reference_get(c->store, c->arena, row->incident, row->system, row->slot, &ref, &c->err);
	if (rc == 0)
		rc = reference_delete(c->store, ref.id, &c->err);
	return rc < 0 ? rc : say_card(c);
}

static int load_incident(struct call *c, int64_t id)
{
	int rc;

	if (!id)
		return 0;
	rc = incident_load(c->store, c->arena, id, &c->incident, &c->err);
	if (rc < 0)
		return rc;
	c->has_incident = true;
	return call_load_roles(c);
}

static int settle(struct call *c, const struct effect_row *row, enum outcome outcome, const json_t *args)
{
	const char *error = json_get_str(args, "error");
	int64_t asked = json_get_int(args, "retry_after_ms", 0);
	int64_t at;
	int rc;

	switch (outcome) {
	case OUTCOME_DELIVERED:
		rc = effect_end(c->store, row->id, EFFECT_DELIVERED, NULL, c->now, &c->err);
		return rc < 0 ? rc : on_delivered(c, row, json_get_obj(args, "result"));
	case OUTCOME_REFUSED:
		rc = effect_end(c->store, row->id, EFFECT_FAILED, error, c->now, &c->err);
		return rc < 0 ? rc : on_refused(c, row, error ? error : "no reason given");
	case OUTCOME_RETRY:
	case OUTCOME_UNKNOWN:
		break;
	}
	at = retry_delay(c->config, row, asked);
	if (outcome == OUTCOME_UNKNOWN && at < VERIFY_AFTER_MS)
		at = VERIFY_AFTER_MS;
	/* A long outage must not fill the log: its beginning, and then a sign now and then. */
	log_line(row->attempts <= LOUD_ATTEMPTS || row->attempts % LOUD_EVERY == 0 ? LOG_WARN : LOG_DEBUG,
		"effect", row->incident, "%s, attempt %d: %s; again in %lld ms%s",
		effect_kind_name(row->kind), row->attempts, error ? error : outcome_name(outcome), (long long)at,
		outcome == OUTCOME_UNKNOWN ? ", looking first" : "");
	rc = effect_retry(c->store, row->id, c->now + at, row->verify || outcome == OUTCOME_UNKNOWN, error,
		c->now, &c->err);
	return rc < 0 || !is_issue(row->kind) ? rc :
		issue_waits(c, row, error, outcome == OUTCOME_UNKNOWN);
}

static struct done run(struct call *c)
{
	struct effect_row row;
	enum outcome outcome = OUTCOME_UNKNOWN;
	const char *name = json_get_str(c->request->args, "outcome");
	int rc = effect_load(c->store, c->arena, c->request->effect, &row, &c->err);

	/* An outcome of something that ended otherwise meanwhile changes nothing. */
	if (rc == -ENOENT || (rc == 0 && row.state != EFFECT_STARTED))
		return call_nothing(c);
	if (rc == 0 && (!name || !outcome_parse(name, &outcome)))
		rc = error_set(&c->err, -EINVAL, "an adapter reported the outcome \"%s\"", name ? name : "");
	if (rc == 0)
		rc = load_incident(c, row.incident);
	if (rc == 0)
		rc = settle(c, &row, outcome, c->request->args);
	deliver_expect_any(c->desk);
	return rc < 0 ? call_fail(c) : call_nothing(c);
}

const struct operation op_effect_outcome = {
	.name = "effect.outcome",
	.summary = "A delivery ended",
	.need = NEED_NOTHING,
	.flags = OP_INTERNAL,
	.run = run,
};
