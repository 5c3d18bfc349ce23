/* The whole incident as a file (FEATURES F5). In chat it is attached where the incident lives, or
 * sent to the asker alone when asked for elsewhere; in the shell the text itself is the answer. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "commands/export.h"
#include "commands/messages.h"
#include "commands/say.h"
#include "commands/verbs.h"

static struct done refuse_size(struct call *c)
{
	return call_refuse(c, "conflict",
		"Nothing was exported: %s is larger than a file of 1 MiB takes. Read it in parts: "
		"%s",
		words_id(c, c->incident.id),
		message_usage(c, "/inc timeline #%lld", (long long)c->incident.id));
}

/* "inc-42-20260302T140000Z.md": by its name a file is found again. */
static const char *file_name(struct call *c, enum export_format f)
{
	time_t seconds = (time_t)(c->now / 1000);
	struct tm tm;
	char stamp[32];

	gmtime_r(&seconds, &tm);
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
	return arena_printf(c->arena, "inc-%lld-%s.%s", (long long)c->incident.id, stamp,
		export_format_name(f));
}

static struct done export_share(struct call *c, enum export_format f)
{
	bool here = say_is_own_channel(c);
	const char *name = file_name(c, f);

	if (say_file(c, here ? NULL : c->actor, name,
		    arena_printf(c->arena, "%s export", words_id(c, c->incident.id)), "export",
		    json_pack("{s:s}", "format", export_format_name(f))) < 0)
		return call_fail(c);
	return call_replyf(c, "%s is on its way as %s, %s", words_id(c, c->incident.id), name,
		here ? "to this channel." : "to you alone in a direct message.");
}

static struct done export_run(struct call *c)
{
	enum export_format f = EXPORT_MD;
	struct str text STR_CLEANUP = { 0 };
	JSON_CLEANUP json_t *meta = NULL;
	int rc;

	str_init(&text, EXPORT_MAX);
	if (call_given(c, "format"))
		export_format_parse(call_text(c, "format"), &f);
	meta = json_pack("{s:s}", "format", export_format_name(f));
	rc = export_render(c, f, &text);
	if (rc == -EMSGSIZE)
		return refuse_size(c);
	if (rc < 0 || record_audit(c, "incident", c->incident.id, "info", "incident.exported",
			      json_text(c->arena, meta)) < 0)
		return call_fail(c);
	if (c->request->source == REQUEST_CHAT)
		return export_share(c, f);
	/* The answer is the file: nothing else may stand in it. */
	c->understood = NULL;
	return call_reply(c, doc_new(text.p));
}

static const char *const formats[] = { "md", "csv", "json", NULL };

static const struct arg_def args[] = {
	{ .name = "format",
		.type = ARG_CHOICE,
		.label = "format",
		.help = "md (to read), csv (for a spreadsheet), json (for programs)",
		.choices = formats },
	{ .name = NULL },
};

const struct operation op_export = {
	.name = "export",
	.summary = "The whole incident as a file: Markdown, CSV or JSON",
	.example = "/inc export csv",
	.args = args,
	.need = NEED_INCIDENT,
	.flags = OP_MERGED,
	.right = "incident.read",
	.run = export_run,
};
