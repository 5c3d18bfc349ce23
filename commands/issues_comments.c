/* Comments, both ways (FEATURES H2, H3): what is said to everybody goes there; what is said there is told in the channel and kept on the timeline. */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "commands/issues_parts.h"
#include "commands/messages.h"

#define COMMENT_BYTES_MAX 16000
#define COMMENTS_MAX      200  /* of one outcome */
#define COMMENT_SHOWN     400  /* bytes in the channel */
#define COMMENT_KEPT      8000 /* bytes on the timeline */

/* ---- ours ---- */

static const char *name_of(void *ctx, const char *person)
{
	struct call *c = ctx;
	const char *name = words_name(c, person);

	return *name == '@' ? name + 1 : name;
}

const char *issue_plain(struct call *c, const json_t *doc)
{
	struct str s;

	str_init_arena(&s, c->arena, COMMENT_BYTES_MAX);
	doc_plain(&s, doc, c->config->timezone, c->now, name_of, c);
	return s.p ? s.p : "";
}

int issue_comment(struct call *c, const json_t *doc)
{
	JSON_CLEANUP json_t *payload = NULL;
	struct issue i;
	int rc;

	/* What was done there is known there. */
	if (!issue_rules(c)->url || !issue_rules(c)->comments || c->incident.is_private ||
		c->request->source == REQUEST_EVENT)
		return 0;
	rc = issue_load(c, &i);
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	/* Of one that is not there the next creation tells where things stand. */
	if (i.rec.gone || (!i.ref.key && i.ref.error))
		return 0;
	payload = json_pack("{s:s}", "text", issue_plain(c, doc));
	return issue_ask(c, EFFECT_ISSUE_COMMENT, json_text(c->arena, payload));
}

int issue_comment_made(struct call *c, const json_t *result)
{
	const char *id = issue_text(c, result, "comment");

	if (!id || !*id)
		return 0;
	return reference_put(c->store,
		&(struct reference){
			.incident = c->incident.id,
			.system = ISSUE_SYSTEM,
			.slot = arena_printf(c->arena, SLOT_COMMENT "%s", id),
			.key = arena_printf(c->arena, ISSUE_SYSTEM ":comment/%s", id),
			.state = "synced",
			.created_at = c->now,
			.synced_at = c->now,
		},
		&c->err);
}

/* ---- theirs ---- */

static bool is_ours(struct call *c, const char *id)
{
	struct reference ref;

	return reference_by_key(c->store, c->arena,
		       arena_printf(c->arena, ISSUE_SYSTEM ":comment/%s", id), &ref, NULL) == 0;
}

static int take_comment(struct call *c, struct issue *i, const json_t *comment)
{
	const char *id = issue_text(c, comment, "id"), *text = json_get_str(comment, "text");
	const char *name = issue_text(c, comment, "name"), *person;
	int64_t n = issue_number(comment, "id");
	int rc;

	if (!id || n <= 0 || is_ours(c, id))
		return 0;
	text = text_clean(c->arena, text ? text : "", text ? strlen(text) : 0, COMMENT_KEPT, true);
	if (!*text)
		return 0;
	rc = issue_person(c, issue_text(c, comment, "author"), name, &person);
	if (rc == 0)
		rc = record_entry(c, &(struct record_entry){
					     .kind = ENTRY_NOTE,
					     .action = "issue.comment",
					     .text = arena_printf(c->arena, "in %s: %s",
						     i->rec.name ? i->rec.name : "Jira", text),
					     .author = person ? person : ISSUE_SYSTEM ":somebody",
					     .source = arena_printf(c->arena, ISSUE_SYSTEM ":comment/%s", id),
				     });
	if (rc < 0)
		return rc == -EEXIST ? 0 : rc;
	return issue_say(c,
		message_line(c, "%s in %s: %s", person ? words_name(c, person) : "Somebody",
			issue_name(c, i), message_short(c, text, COMMENT_SHOWN)),
		NULL, true);
}

/* Oldest first. What stood there before the issue was linked is not told again. *more: not all were taken. */
int issue_comments_take(
	struct call *c, struct issue *i, const json_t *result, bool linked, bool *more)
{
	const json_t *list = json_get_arr(result, "comments"), *left = json_get_obj(result, "comments_left");
	bool tell = issue_rules(c)->comments && !linked;
	int64_t before = i->rec.comment, upto = issue_number(left, tell ? "upto" : "newest");
	size_t n = json_array_size(list), most = tell && n > COMMENTS_MAX ? COMMENTS_MAX : n;
	int rc = 0;

	for (size_t k = 0; rc == 0 && k < most; k++) {
		const json_t *comment = json_array_get(list, k);

		if (issue_number(comment, "id") <= before)
			continue;
		if (tell)
			rc = take_comment(c, i, comment);
		/* Ours count as read too. */
		if (issue_number(comment, "id") > i->rec.comment)
			i->rec.comment = issue_number(comment, "id");
	}
	if (most == n && upto > i->rec.comment)
		i->rec.comment = upto;
	/* Asked again only when it went on: else it would be for ever. */
	*more |= most < n || (tell && left && i->rec.comment > before);
	return rc;
}
