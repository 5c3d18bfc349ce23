#include "load.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { WORDS, NUMBER, WHOLE, FLAG, COMMAND };

static const struct option_entry {
	const char *name;
	enum kind kind;
	size_t at; /* in struct options */
	double least, most;
	const char *help;
} entries[] = {
#define AT(member) offsetof(struct options, member)
	{ "label", WORDS, AT(label), 0, 0, "a name, repeated in the result" },
	{ "command", COMMAND, 0, 0, 0,
		"what is typed; several take turns. {n}: its number, {m}: 1 to 10 in turn" },
	{ "count", WHOLE, AT(count), 1, COUNT_MAX, "so many measured commands" },
	{ "seconds", NUMBER, AT(seconds), 0.1, 86400, "measure for so long; with --count: whichever ends first" },
	{ "warm-up", WHOLE, AT(warm_up), 0, 1000000, "commands before those that are measured [1000]" },
	{ "outstanding", WHOLE, AT(outstanding), 1, 1000000, "closed loop: so many without an ack yet [1]" },
	{ "rate", NUMBER, AT(rate), 0.1, 100000, "open loop: so many a second, whatever comes back" },
	{ "poisson", FLAG, AT(poisson), 0, 0, "… at random times" },
	{ "links", WHOLE, AT(links), 1, 10, "connections to wait for [1]" },
	{ "idle", NUMBER, AT(idle), 0, 3600, "first look at the idle bot for so many seconds" },
	{ "refresh", NUMBER, AT(refresh), 0.1, 86400, "ask for a new connection every so many seconds" },
	{ "close-after", NUMBER, AT(close_after), 0, 3600, "… and close the old one so much later [10]" },
	{ "give-up", NUMBER, AT(give_up), 0.1, 3600, "end when no ack comes for so many seconds [10]" },
	{ "connect", NUMBER, AT(connect), 0.1, 3600, "… or no connection [20]" },
	{ "linger", NUMBER, AT(linger), 0, 3600, "then wait for what should not come [0.3]" },
	{ "deaf", NUMBER, AT(deaf), 0.01, 60, "five times: read no ack for so many seconds, then for a tenth of it" },
	{ "answer-after", NUMBER, AT(answer_after), 0, 60, "the Web API takes so many seconds" },
	{ "receive-buffer", WHOLE, AT(receive_buffer), 1024, 1 << 24, "bytes of the sockets the bot writes to" },
	{ "acked", WORDS, AT(acked_file), 0, 0, "a file for the numbers of all acked commands" },
#undef AT
};

#define ENTRIES (sizeof(entries) / sizeof(*entries))

static _Noreturn void usage(const char *wrong, const char *which)
{
	if (wrong)
		fprintf(stderr, "load: --%s: %s\n", which, wrong);
	fprintf(stderr, "load [options] -- BOT ARGUMENTS…\n"
			"plays Slack on loopback; SLACK_API_URL and tokens are in the bot's environment\n");
	for (size_t i = 0; i < ENTRIES; i++)
		fprintf(stderr, "  --%-16s %s\n", entries[i].name, entries[i].help);
	exit(2);
}

static double number(const struct option_entry *e, const char *text)
{
	char *end;
	double value = strtod(text, &end);

	if (*end || end == text || !(value >= e->least && value <= e->most))
		usage("a number that makes sense", e->name);
	return value;
}

static void take(struct options *o, const struct option_entry *e, char *text)
{
	char *at = (char *)o + e->at;
	double value;
	long whole;
	bool yes = true;

	switch (e->kind) {
	case COMMAND:
		if (o->commands == COMMANDS_MAX)
			usage("too many", e->name);
		o->command[o->commands++] = text;
		return;
	case WORDS:
		memcpy(at, &text, sizeof(text));
		return;
	case NUMBER:
		value = number(e, text);
		memcpy(at, &value, sizeof(value));
		return;
	case WHOLE:
		whole = (long)number(e, text);
		memcpy(at, &whole, sizeof(whole));
		return;
	case FLAG:
		memcpy(at, &yes, sizeof(yes));
		return;
	}
}

void options_read(struct options *o, int argc, char **argv)
{
	struct option names[ENTRIES + 1] = { 0 };
	int at, found;

	*o = (struct options){ .label = "", .warm_up = 1000, .outstanding = 1, .links = 1, .close_after = 10,
		.give_up = 10, .connect = 20, .linger = 0.3 };
	for (size_t i = 0; i < ENTRIES; i++)
		names[i] = (struct option){ .name = entries[i].name, .has_arg = entries[i].kind != FLAG };
	while ((found = getopt_long(argc, argv, "+", names, &at)) != -1) {
		if (found)
			usage(NULL, NULL);
		take(o, &entries[at], optarg);
	}
	if (!o->commands)
		o->command[o->commands++] = "/inc declare sev2 checkout is failing {n}";
	if (!o->count && o->seconds <= 0)
		o->count = 10000;
	if (optind >= argc)
		usage(NULL, NULL);
	o->bot = argv + optind;
}
