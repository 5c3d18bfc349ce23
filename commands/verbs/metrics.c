/* Figures over incidents (FEATURES P1), for the asker alone. In chat a file or a chart comes as a
 * direct message; in the shell the text itself is the answer. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "commands/files.h"
#include "commands/messages.h"
#include "commands/metrics.h"
#include "commands/say.h"
#include "commands/verbs.h"

static int choice(const struct call *c, const char *arg, const char *const *words, int otherwise)
{
	for (int i = 0; call_given(c, arg) && words[i]; i++)
		if (strcmp(words[i], call_text(c, arg)) == 0)
			return i;
	return otherwise;
}

static void query_read(struct call *c, struct metrics_query *q)
{
	metrics_query_init(q, (enum metrics_window)choice(c, "window", metrics_windows, WINDOW_30D),
		c->now, c->zone);
	q->service = call_text(c, "service");
	q->environment = call_text(c, "env");
	q->severity = (int)call_number(c, "severity", 0);
	q->by = (enum metrics_by)choice(c, "by", metrics_bys, BY_NOTHING);
	if (!q->zone || !*q->zone)
		q->zone = "UTC";
}

/* "metrics-30d-20260302T140000Z.svg": by its name a file is found again. */
static const char *file_name(struct call *c, const struct metrics_query *q, enum metrics_format f)
{
	time_t seconds = (time_t)(c->now / 1000);
	struct tm tm;
	char stamp[32];

	gmtime_r(&seconds, &tm);
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
	return arena_printf(c->arena, "metrics-%s-%s.%s", metrics_windows[q->window], stamp,
		metrics_formats[f]);
}

static struct done share(struct call *c, const struct metrics_query *q, enum metrics_format f)
{
	const char *name = file_name(c, q, f);

	if (say_file(c, c->actor, name,
		    arena_printf(c->arena, "Incidents, %s", metrics_title(c, q)), "metrics",
		    metrics_args(q, f)) < 0)
		return call_fail(c);
	return call_replyf(c, "%s is on its way to you alone in a direct message: %s.",
		f == METRICS_SVG ? "The chart" : "The file", name);
}

static struct done print(struct call *c, const struct metrics_answer *a, enum metrics_format f)
{
	struct str text STR_CLEANUP = { 0 };

	str_init(&text, FILES_TEXT_MAX);
	metrics_write(c, a, f, &text);
	/* The answer is the file: nothing else may stand in it. */
	c->understood = NULL;
	return call_reply(c, doc_new(text.p));
}

static struct done show(struct call *c, const struct metrics_answer *a)
{
	json_t *doc = metrics_doc(c, a);

	if (c->request->source != REQUEST_CHAT)
		doc_data(doc, metrics_json(c, a));
	return call_reply(c, doc);
}

static struct done metrics_run(struct call *c)
{
	bool chart = call_flag(c, "chart"), file = chart || call_given(c, "format");
	enum metrics_format f =
		chart ? METRICS_SVG
		      : (enum metrics_format)choice(c, "format", metrics_formats, METRICS_MD);
	struct metrics_query q;
	struct metrics_answer *a;
	int rc;

	if (chart && call_given(c, "format"))
		return call_refuse_arg(c, "format",
			"A chart is a picture (SVG), so nothing was made: leave out --format, or "
			"--chart for %s.",
			call_text(c, "format"));
	query_read(c, &q);
	rc = metrics_answer(c, &q, c->actor, &a);
	if (rc == -EMSGSIZE)
		return call_refuse(c, "conflict",
			"Nothing was counted: these are more incidents than can be counted at "
			"once. Ask for a "
			"shorter time or one service: %s",
			message_usage(c, "/inc metrics 7d --service checkout"));
	if (rc < 0)
		return call_fail(c);
	if (file && c->request->source == REQUEST_CHAT)
		return share(c, &q, f);
	return file ? print(c, a, f) : show(c, a);
}

static const char *const windows[] = { "7d", "30d", "90d", "year", NULL };
static const char *const bys[] = { "service", "severity", "week", NULL };
static const char *const formats[] = { "md", "csv", "json", NULL };

static const struct op_alias aliases[] = {
	{ "statistics", NULL, NULL },
	{ NULL, NULL, NULL },
};

static const struct arg_def args[] = {
	{ .name = "window",
		.type = ARG_CHOICE,
		.label = "window",
		.help = "Incidents declared in the last 7d, 30d (the default), 90d or year",
		.choices = windows },
	{ .name = "severity",
		.type = ARG_SEVERITY,
		.flags = ARG_ANYWHERE,
		.label = "severity",
		.help = "Of this level only" },
	{ .name = "service",
		.type = ARG_WORD,
		.flags = ARG_OPTION,
		.label = "service",
		.help = "About this service only" },
	{ .name = "env",
		.type = ARG_WORD,
		.flags = ARG_OPTION,
		.label = "environment",
		.help = "In this environment only",
		.synonyms = "environment" },
	{ .name = "by",
		.type = ARG_CHOICE,
		.flags = ARG_OPTION,
		.label = "by",
		.help = "One line each: service, severity, week",
		.choices = bys },
	{ .name = "chart",
		.type = ARG_FLAG,
		.flags = ARG_OPTION,
		.label = "chart",
		.help = "As a picture (SVG)" },
	{ .name = "format",
		.type = ARG_CHOICE,
		.flags = ARG_OPTION,
		.label = "format",
		.help = "As a file: md (to read), csv (for a spreadsheet), json (for programs)",
		.choices = formats },
	{ .name = NULL },
};

const struct operation op_metrics = {
	.name = "metrics",
	.aliases = aliases,
	.summary = "How fast incidents are found, answered and ended, and how many come again",
	.example = "/inc metrics 90d --service checkout",
	.args = args,
	.need = NEED_NOTHING,
	.flags = OP_READS,
	.right = "incident.read",
	.run = metrics_run,
};
