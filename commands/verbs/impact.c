/* Who is affected, how much, since when (FEATURES F3). Shown on the card, so it is not posted as
 * well. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/duration.h"
#include "base/text.h"
#include "commands/messages.h"
#include "commands/verbs.h"

/* "25% checkout since 14:02": cuts the last "since <time>" off and gives the time; 0 when there is
 * none. */
static int64_t since_cut(struct call *c, char *text)
{
	char *last = NULL;
	int64_t at;

	for (char *p = text; *p; p++)
		if (text_prefix_fold("since ", p) && (p == text || isspace((unsigned char)p[-1])))
			last = p;
	if (!last || !time_parse(last + strlen("since "), c->zone, c->now, true, &at))
		return 0;
	while (last > text && strchr(" ,;", last[-1]))
		last--;
	*last = '\0';
	return at;
}

/* The first share in the text, in percent; negative when there is none. */
static double share_find(const char *text)
{
	for (const char *p = text; *p; p++) {
		char *end;
		double share;

		if (!isdigit((unsigned char)*p) ||
			(p > text && (isdigit((unsigned char)p[-1]) || p[-1] == '.' ||
					     isalpha((unsigned char)p[-1]))))
			continue;
		share = strtod(p, &end);
		while (*end == ' ')
			end++;
		if (*end == '%' && share <= 100)
			return share;
	}
	return -1;
}

static struct done impact_tell(struct call *c)
{
	const struct incident *inc = &c->incident;

	if (!inc->impact && !inc->impact_at)
		return call_replyf(c, "The impact of %s is not known yet. Say it: %s",
			words_id(c, inc->id),
			message_usage(c, "/inc impact #%lld 25%% of checkouts since 14:02",
				(long long)inc->id));
	return call_replyf(c, "Impact of %s: %s%s%s", words_id(c, inc->id),
		inc->impact ? inc->impact : "not described", inc->impact_at ? ", since " : "",
		inc->impact_at ? words_time(c, inc->impact_at) : "");
}

static int impact_record(struct call *c)
{
	const struct incident *inc = &c->incident;
	double share = inc->impact ? share_find(inc->impact) : -1;
	JSON_CLEANUP json_t *meta = json_object();

	if (share >= 0)
		json_object_set_new(meta, "share_percent", json_real(share));
	if (inc->impact_at)
		json_object_set_new(meta, "since", json_integer(inc->impact_at));
	return record_entry(
		c, &(struct record_entry){
			   .kind = ENTRY_FACT,
			   .action = "incident.impact",
			   .text = arena_printf(c->arena, "impact: %s%s%s",
				   inc->impact ? inc->impact : "not described",
				   inc->impact_at ? ", since " : "",
				   inc->impact_at ? message_plain_time(c, inc->impact_at) : ""),
			   .meta = json_text(c->arena, meta),
		   });
}

static struct done impact_run(struct call *c)
{
	char *text = arena_strdup(c->arena, call_text(c, "text"));
	int64_t since = call_number(c, "since", 0);

	if (text && !since)
		since = since_cut(c, text);
	if ((!text || !*text) && !since)
		return impact_tell(c);
	if (since > c->now)
		return call_refuse_arg(c, "since", "Nothing was changed: %s has not come yet.",
			words_time(c, since));
	if (text && *text)
		c->incident.impact = text;
	if (since)
		c->incident.impact_at = since;
	call_touch(c);
	return impact_record(c) < 0 ? call_fail(c) : impact_tell(c);
}

static void impact_prefill(struct call *c, const char *arg, char **value)
{
	if (strcmp(arg, "text") == 0 && !*value)
		*value = c->incident.impact;
}

static const struct arg_def args[] = {
	{ .name = "text",
		.type = ARG_REST,
		.flags = ARG_LONG,
		.label = "impact",
		.help = "Share, who, what they cannot do: 25 % of checkouts since 14:02" },
	{ .name = "since",
		.type = ARG_TIME,
		.flags = ARG_OPTION | ARG_PAST,
		.label = "since",
		.help = "When it began: 14:02" },
	{ .name = NULL },
};

const struct operation op_impact = {
	.name = "impact",
	.summary = "Say who is affected, how much, since when",
	.example = "/inc impact 25% of checkouts since 14:02",
	.args = args,
	.need = NEED_INCIDENT,
	.flags = OP_BARE_FORM,
	.right = "incident.write",
	.run = impact_run,
	.prefill = impact_prefill,
};
