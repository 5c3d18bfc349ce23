#ifndef ADAPTERS_SLACK_RENDER_TEXT_H
#define ADAPTERS_SLACK_RENDER_TEXT_H
/* Private to the renderer: lengths, cutting and splitting of mrkdwn. */
#include "adapters/slack/render.h"

#define RENDER_STR_MAX (4u << 20) /* bytes of any one text while it is rendered */

/* Bytes of the first piece of at most max units: ends at a line's, else a word's, else a
 * character's edge, and never inside <…> or an entity. The whole length when it fits. */
size_t render_split(const char *mrkdwn, size_t max);
bool render_fits(const char *s, size_t n, size_t max); /* n bytes into max units */
/* The mrkdwn of a markup string, cut to max, into an empty builder; false when nothing is left of
 * it. */
bool render_string(struct str *out, const char *markup, size_t max, int64_t now_ms);
/* A plain_text object; the text is one from render_plain. */
void render_put_plain(struct str *out, const char *text);
/* Whitespace alone counts as empty: Slack refuses it. */
bool render_is_blank(const char *s);
bool render_has_marks(const char *markup);

#endif
