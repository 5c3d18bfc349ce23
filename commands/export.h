#ifndef COMMANDS_EXPORT_H
#define COMMANDS_EXPORT_H
/*
 * A whole incident as one file (FEATURES F5): fields, figures, roles, promises with what was missed,
 * scope, checkpoints, updates, timeline. The same record gives the same bytes.
 */
#include "base/str.h"
#include "commands/call.h"

#define EXPORT_MAX (1u << 20) /* bytes of the file */

enum export_format { EXPORT_MD, EXPORT_CSV, EXPORT_JSON };
#define EXPORT_FORMAT_COUNT 3
const char *export_format_name(enum export_format f); /* "md": the file's ending too */
bool export_format_parse(const char *name, enum export_format *out);

/* c->incident into out (initialised by the caller with EXPORT_MAX). Entries of the timeline that do
 * not fit are left out, the oldest first, and the file says how many. -EMSGSIZE: even without them
 * it is too large. */
int export_render(struct call *c, enum export_format f, struct str *out);

/* As a file that is sent (commands/files.h). args: {"format"}. */
int export_file(struct call *c, json_t *args, const char *reader, struct str *out);
const char *export_command(struct call *c, json_t *args);

/* Inside of the room: the record as JSON (new reference), and what is made of it. */
int export_gather(struct call *c, json_t **out);
void export_markdown(struct str *out, json_t *record);
void export_csv(struct str *out, json_t *record);
/* A cell that no spreadsheet takes for a formula, quoted. */
void export_csv_cell(struct str *out, const char *text);

#endif
