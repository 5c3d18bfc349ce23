#include "commands/diagnosing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "commands/messages.h"
#include "commands/protected.h"

int64_t diagnosis_number(const char *text)
{
	char *end;
	long long n;

	text += *text == '#';
	text += *text == 'D' || *text == 'd';
	if (*text < '1' || *text > '9' || strlen(text) > 15)
		return 0;
	n = strtoll(text, &end, 10);
	return *end ? 0 : n;
}

int diagnosis_find(struct call *c, int64_t id, struct diagnosis *out)
{
	struct incident inc;
	int rc = diagnosis_load(c->store, c->arena, id, out, &c->err);

	if (rc < 0 || !out->incident)
		return rc;
	return protected_load(c, out->incident, &inc, NULL);
}

static const char *told_by(struct call *c, const struct diagnosis *d)
{
	return d->tool && *d->tool ? d->tool : words_name(c, d->by);
}

const char *diagnosis_line(struct call *c, const struct diagnosis *d)
{
	struct str s;

	str_init_arena(&s, c->arena, 4000);
	mark_bold(&s, arena_printf(c->arena, "D%lld", (long long)d->id));
	str_addf(&s, " %s %s: %s (%s, %s)", d->kind, d->name, message_short(c, d->summary, 600),
		told_by(c, d), words_time(c, d->at));
	if (d->url && *d->url) {
		str_addc(&s, ' ');
		mark_link(&s, d->url, "open");
	}
	if (d->incident)
		str_addf(&s, " · on %s", words_id(c, d->incident));
	return s.p;
}

int diagnosis_record(struct call *c, const struct diagnosis *d)
{
	json_t *meta = json_pack("{s:I, s:s*, s:s*, s:s*}", "diagnosis", (json_int_t)d->id, "tool",
		d->tool, "url", d->url, "evidence", d->evidence);
	int rc = record_entry(c,
		&(struct record_entry){
			.kind = ENTRY_FACT,
			.action = "diagnosis.attached",
			.text = arena_printf(c->arena, "D%lld by %s: %s %s: %s%s%s%s%s",
				(long long)d->id, told_by(c, d), d->kind, d->name, d->summary,
				d->evidence ? "; evidence: " : "",
				d->evidence ? message_short(c, d->evidence, 1000) : "",
				d->url ? " " : "", d->url ? d->url : ""),
			.happened_at = d->at,
			.source = arena_printf(c->arena, "diagnosis/%lld", (long long)d->id),
			.meta = json_text(c->arena, meta),
		});

	json_decref(meta);
	return rc == -EEXIST ? 0 : rc;
}

/* The finding stays where everybody saw it, a copy goes where it is not to be seen: that it vanished
 * would tell that there is something. */
int diagnosis_attach_here(struct call *c, struct diagnosis *d)
{
	int rc;

	d->incident = c->incident.id;
	rc = c->incident.is_private ? diagnosis_insert(c->store, d, &c->err) :
				      diagnosis_attach(c->store, d->id, d->incident, &c->err);
	return rc < 0 ? rc : diagnosis_record(c, d);
}

void diagnosis_buttons(json_t *doc, const char *label, const struct diagnosis *d)
{
	doc_button(doc, label, "attach", 0, json_pack("{s:o}", "diagnosis", json_sprintf("D%lld", (long long)d->id)),
		NULL);
	doc_button(doc, "Promote", "promote", 0,
		json_pack("{s:o}", "diagnosis", json_sprintf("D%lld", (long long)d->id)), NULL);
}

bool diagnosis_url_valid(const char *url)
{
	static const char *const schemes[] = { "https://", "http://" };

	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
		size_t n = strlen(schemes[i]);

		if (!text_prefix_fold(schemes[i], url))
			continue;
		if (!url[n] || strchr("/:?#@.", url[n]))
			return false;
		for (const char *p = url; *p; p++)
			if ((unsigned char)*p <= ' ' || *p == 0x7f || strchr("<>|\"\\`", *p))
				return false;
		return true;
	}
	return false;
}
