#include "adapters/slack/unescape.h"

#include <string.h>

static const struct {
	const char *entity;
	char c;
} entities[] = { { "&amp;", '&' }, { "&lt;", '<' }, { "&gt;", '>' } };

/* Bytes of the entity at p, 0 when it is none. */
static size_t add_entity(struct str *out, const char *p, const char *end)
{
	for (size_t i = 0; i < sizeof(entities) / sizeof(*entities); i++) {
		size_t n = strlen(entities[i].entity);

		if ((size_t)(end - p) < n || memcmp(p, entities[i].entity, n) != 0)
			continue;
		str_addc(out, entities[i].c);
		return n;
	}
	return 0;
}

static void add_text(struct str *out, const char *p, const char *end)
{
	while (p < end) {
		size_t n = *p == '&' ? add_entity(out, p, end) : 0;

		if (!n)
			str_addc(out, *p);
		p += n ? n : 1;
	}
}

/* What stands between < and >. */
static void add_token(struct str *out, const char *p, const char *end)
{
	const char *bar = memchr(p, '|', (size_t)(end - p));
	const char *label = bar && bar + 1 < end ? bar + 1 : NULL;
	const char *id_end = bar ? bar : end;
	char kind = *p;

	if (kind == '@' || kind == '#') {
		str_addc(out, kind);
		add_text(out, label ? label : p + 1, label ? end : id_end);
	} else if (kind == '!') { /* <!here>, <!subteam^S1|@team>, <!date^…|fallback> */
		if (!label)
			str_addc(out, '@');
		add_text(out, label ? label : p + 1, label ? end : id_end);
	} else if (label) {
		add_text(out, label, end);
		str_add(out, " (");
		add_text(out, p, id_end);
		str_addc(out, ')');
	} else {
		add_text(out, p, id_end);
	}
}

void slack_unescape(struct str *out, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "<");
		const char *close;

		add_text(out, text, text + n);
		text += n;
		if (!*text)
			return;
		close = strchr(text, '>');
		if (!close || close == text + 1) {
			str_addc(out, *text++);
			continue;
		}
		add_token(out, text + 1, close);
		text = close + 1;
	}
}
