#ifndef ADAPTERS_JIRA_TEXT_H
#define ADAPTERS_JIRA_TEXT_H
/*
 * Text to Jira and back. Ours is markup (incident/doc.h); Jira's is a document (ADF, Cloud) or wiki
 * markup (Data Center). Pure.
 *
 * To Jira: nothing that people typed becomes markup or a mention there: in ADF it stands in text
 * nodes, in wiki markup what could mean something is escaped. Only http and https links are made.
 * Times are UTC.
 *
 * From Jira: plain text, without control characters, so that it can stand in our markup. Bounded, and
 * bounded in depth. Of wiki markup the signs around words (*, _) are left.
 */
#include "adapters/jira/flavour.h"
#include "base/json.h"
#include "base/str.h"

#define TEXT_TITLE_MAX 255   /* characters of a summary */
#define TEXT_WIKI_MAX  32000 /* Jira's fields hold 32,767 characters */
#define TEXT_DOC_MAX   24000 /* bytes of text in a document */
#define TEXT_READ_MAX  8000  /* bytes that are read of a text of Jira's */
#define TEXT_DEPTH_MAX 32

/* What a description or comment is sent as: an object or a string. */
json_t *text_to_jira(const struct flavour *f, const char *markup);
json_t *text_to_adf(const char *markup);
void text_to_wiki(struct str *out, const char *markup);
/* One line of at most TEXT_TITLE_MAX characters; never empty. On the arena. */
const char *text_title(struct arena *a, const char *markup);

/* An object or string of Jira's → plain text on the arena, "" when there is none. */
const char *text_from_jira(struct arena *a, const json_t *value);
void text_from_wiki(struct str *out, const char *wiki);

#endif
