#ifndef INCIDENT_DOC_H
#define INCIDENT_DOC_H
/*
 * Neutral documents: what a reply or message says, without any platform in it. Each adapter renders them in its own terms, limits and escaping.
 * A document is a JSON object, so that it can be stored with the effect:
 *
 *   { "text": "plain fallback that stands alone",          // required
 *     "blocks": [ {"t":"header","text":…}, {"t":"text","text":…}, {"t":"fields","items":[[name, text],…]},
 *                 {"t":"buttons","items":[{"label","op","incident"?,"args"?,"style"?}]},
 *                 {"t":"context","text":…}, {"t":"divider"}, {"t":"list","items":[text,…]} ],
 *     "quiet": true?,                                      // no notification wanted
 *     "data": {…}? }                                       // the same for programs: ctl --json gives it, chats leave it out
 *
 * and a form:
 *   { "title", "op", "incident"?, "args"? (kept as they are), "submit", "intro"?,
 *     "fields": [{"arg","label","type","value"?,"hint"?,"optional"?,"options"?:[[value,label]],"multiline"?}] }
 *   type: text | choice | person | people | flag | time | duration
 *
 * Text in documents is markup: user text as it is, plus marks made by the functions below (a
 * control character, a kind, the content, an end). User text never contains control characters
 * (text_clean takes them out), so nothing a user types can become a mark.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "base/str.h"

#define MARK_BEGIN '\x01'
#define MARK_END   '\x02'
enum mark {
	MARK_PERSON = '@',  /* key: a mention, notifies */
	MARK_CHANNEL = '#', /* key */
	MARK_TIME = 't',    /* ms: time of day, the date too when it is another day */
	MARK_DATE = 'd',    /* ms: date and time */
	MARK_BOLD = 'b',    /* text */
	MARK_CODE = 'c',    /* text */
	MARK_LINK = 'l',    /* url|label */
	MARK_EVERYONE = '!',/* the whole channel is notified; empty content */
};

void mark_person(struct str *s, const char *person);
void mark_channel(struct str *s, const char *channel);
void mark_time(struct str *s, int64_t ms);
void mark_date(struct str *s, int64_t ms);
void mark_bold(struct str *s, const char *text);
void mark_code(struct str *s, const char *text);
void mark_link(struct str *s, const char *url, const char *label);
void mark_everyone(struct str *s);

/* Walks markup: calls text() and mark() in order; content is NUL-terminated on the stack of the
 * walker, at most 3000 bytes. An unfinished mark is given as text. */
struct mark_visitor {
	void (*text)(void *ctx, const char *p, size_t n);
	void (*mark)(void *ctx, enum mark kind, const char *content);
	void *ctx;
};
void markup_walk(const char *text, const struct mark_visitor *v);
/* Plain text: times in zone (with the zone named), persons as @name via `name` (NULL or returning NULL: the key's id). */
void markup_plain(struct str *out, const char *text, const char *zone, int64_t now_ms,
	const char *(*name)(void *ctx, const char *person), void *ctx);

/* Documents. doc_new's text is the plain fallback (markup allowed). All functions copy. */
json_t *doc_new(const char *text);
void doc_header(json_t *doc, const char *text);
void doc_text(json_t *doc, const char *text);
void doc_context(json_t *doc, const char *text);
void doc_divider(json_t *doc);
void doc_list_item(json_t *doc, const char *text);                    /* joins the list before it, or begins one */
void doc_field(json_t *doc, const char *name, const char *text);      /* joins the fields before it, or begins */
/* A button carries an operation and its arguments, nothing else (A5). args: taken over, may be NULL. style: NULL, "primary", "danger". */
void doc_button(json_t *doc, const char *label, const char *op, int64_t incident, json_t *args_take,
	const char *style);
void doc_data(json_t *doc, json_t *data_take);
/* The whole document as plain text, for ctl and for logs. */
void doc_plain(struct str *out, const json_t *doc, const char *zone, int64_t now_ms,
	const char *(*name)(void *ctx, const char *person), void *ctx);

json_t *form_new(const char *title, const char *op, int64_t incident, const char *submit);
/* options: [[value,label],…] taken over, NULL unless type is "choice". Returns the field (borrowed) for further keys. */
json_t *form_field(json_t *form, const char *arg, const char *label, const char *type,
	const char *value, const char *hint, bool optional, json_t *options_take);

#endif
