#ifndef ADAPTERS_SLACK_RENDER_H
#define ADAPTERS_SLACK_RENDER_H
/*
 * Neutral documents (incident/doc.h) → Block Kit, inside every limit of Slack, with its escaping.
 * What does not fit is split, or cut with words that say so; never silently. Pure: the time is an
 * argument. Lengths count UTF-16 units, the strictest way to read the limits. Times get a UTC
 * fallback.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "base/str.h"

#define RENDER_TEXT_MAX		4000 /* message text; more is refused by chat.update */
#define RENDER_SECTION_MAX	3000
#define RENDER_FIELD_MAX	2000
#define RENDER_FIELDS_MAX	10
#define RENDER_CONTEXT_MAX	2000
#define RENDER_HEADER_MAX	150
#define RENDER_BUTTONS_MAX	25
#define RENDER_LABEL_MAX	75
#define RENDER_VALUE_MAX	2000
#define RENDER_BLOCKS_MAX	50
#define RENDER_VIEW_BLOCKS_MAX	100
#define RENDER_TOTAL_MAX	12000 /* of one message's blocks: Slack refuses at about 13,000 */
#define RENDER_MESSAGES_MAX	20    /* that one document may become */
#define RENDER_TITLE_MAX	24
#define RENDER_OPTIONS_MAX	100
#define RENDER_OPTION_VALUE_MAX 150
#define RENDER_INPUT_MAX	3000
#define RENDER_METADATA_MAX	3000
#define RENDER_TOPIC_MAX	250

size_t render_length(const char *s, size_t n); /* UTF-16 units of n bytes of UTF-8 */

/* Markup → mrkdwn, escaped. */
void render_mrkdwn(struct str *out, const char *markup, int64_t now_ms);
/* Markup → text for plain_text objects, unescaped, at most max units; "…" at the end when cut. */
void render_plain(struct str *out, const char *markup, size_t max, int64_t now_ms);
/* Text that Slack takes as mrkdwn where no marks are wanted (topics): escaped, broadcasts disarmed.
 */
void render_escape(struct str *out, const char *text, size_t n);

/* What of a text that is mrkdwn already fits into max units, with "…" when it was cut. */
void render_fit(struct str *out, const char *mrkdwn, size_t max);

/* A message's members as JSON text, without the braces: "text":…,"blocks":[…]. What else it needs is added by who
 * sends it. The first text_len bytes are "text":… alone. */
struct render_page {
	struct str members;
	size_t text_len;
};
/* A message, or several in order, never none. */
struct render_pages {
	size_t count;
	struct render_page page[RENDER_MESSAGES_MAX];
};
void render_messages(const json_t *doc, int64_t now_ms, struct render_pages *out);
void render_say(const char *mrkdwn, struct render_pages *out); /* a text, as it is */
void render_pages_finish(struct render_pages *pages);	       /* accepts a zeroed struct */

/* One message: what does not fit is replaced by "(N more lines …)". The caller finishes members. */
void render_edit(const json_t *doc, int64_t now_ms, struct render_page *out);
/* A Home tab view, as one JSON value. */
void render_home(struct str *out, const json_t *doc, int64_t now_ms);

/* Where the form was asked for, kept in its private_metadata; members may be NULL. Raw ids. */
struct render_origin {
	const char *channel, *thread_ts;
};
/* A modal view; NULL when it cannot be one (too many fields or too much to keep). Block ids are the
 * names of the arguments. */
json_t *render_form(const json_t *form, const struct render_origin *origin, int64_t now_ms);
/* A modal that only says something, as one JSON value. */
void render_notice(struct str *out, const char *title, const json_t *doc, int64_t now_ms);

#endif
