#ifndef ADAPTERS_SLACK_RENDER_TEXT_H
#define ADAPTERS_SLACK_RENDER_TEXT_H
/* Private to the renderer: lengths, cutting and splitting of mrkdwn. */
#include "adapters/slack/render.h"

#define RENDER_STR_MAX (4u << 20) /* bytes of any one text while it is rendered */

/* Bytes of the first piece of at most max units: ends at a line's, else a word's, else a
 * character's edge, and never inside <…> or an entity. The whole length when it fits. */
size_t render_split(const char *mrkdwn, size_t max);
/* The mrkdwn of a markup string, cut to max. New reference to a JSON string; NULL when nothing is
 * left of it. */
json_t *render_string(const char *markup, size_t max, int64_t now_ms);
/* A plain_text object; NULL when empty. */
json_t *render_plain_object(const char *markup, size_t max, int64_t now_ms);
bool render_has_marks(const char *markup);

#endif
