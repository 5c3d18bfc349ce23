#ifndef ADAPTERS_SLACK_SHEET_H
#define ADAPTERS_SLACK_SHEET_H
/*
 * Private to the renderer: the blocks of a document as JSON text, one after the other, before they
 * are packed into messages.
 */
#include "adapters/slack/render_text.h"
#include "base/json_write.h"

struct sheet_block {
	size_t from, end;    /* in sheet.json */
	size_t units, lines; /* of all texts in it */
	bool actions;
};

struct sheet {
	struct str json; /* [from, end) of each block, with commas between them */
	struct sheet_block *blocks;
	size_t count, room;
	struct str text; /* what is being rendered */
	int64_t now_ms;
};

void sheet_init(struct sheet *s, int64_t now_ms);
void sheet_finish(struct sheet *s);
void sheet_add_blocks(struct sheet *s, const json_t *doc); /* the document's blocks */
void sheet_add_text(struct sheet *s, const char *markup);  /* one section, or several */

#endif
