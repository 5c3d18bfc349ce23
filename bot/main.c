#include <stdio.h>
#include <string.h>

#include "bot/subcommands.h"

static void usage(FILE *f)
{
	fprintf(f, "sitrep: incident response in chat\n\n");
	for (const struct subcommand *s = subcommands; s->name; s++)
		fprintf(f, "  sitrep %-50s %s\n", s->usage, s->summary);
	fprintf(f, "  sitrep %-50s %s\n  sitrep %-50s %s\n", "--help", "this", "--version", "the version");
	fprintf(f, "\nIn chat everything is /inc; /inc help lists the operations. The same words work after `sitrep ctl`.\n");
}

static const struct subcommand *find(const char *name)
{
	for (const struct subcommand *s = subcommands; s->name; s++)
		if (!strcmp(s->name, name))
			return s;
	return NULL;
}

int main(int argc, char **argv)
{
	const struct subcommand *s;
	struct options o;
	struct error err = { 0 };

	if (argc < 2 || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		usage(argc < 2 ? stderr : stdout);
		return argc < 2 ? 2 : 0;
	}
	if (!strcmp(argv[1], "--version")) {
		printf("sitrep %s\n", SITREP_VERSION);
		return 0;
	}
	s = find(argv[1]);
	if (!s) {
		fprintf(stderr, "sitrep: there is no \"%s\"\n\n", argv[1]);
		usage(stderr);
		return 2;
	}
	if (options_read(&o, argc - 2, argv + 2, s->words == WORDS_OWN, &err) < 0) {
		fprintf(stderr, "sitrep %s: %s\n", s->name, err.text);
		return 2;
	}
	if (o.help) {
		printf("sitrep %s\n    %s\n", s->usage, s->summary);
		return 0;
	}
	if ((o.service || o.environment || o.mode) && s->run != subcommand_release_check) {
		fprintf(stderr, "sitrep %s: --service, --env and --mode are for release-check\n", s->name);
		return 2;
	}
	if (s->words == WORDS_NONE && o.argc) {
		fprintf(stderr, "sitrep %s: takes no \"%s\"; another folder is --config DIR\n", s->name, o.argv[0]);
		return 2;
	}
	if (o.force && s->run != subcommand_backup) {
		fprintf(stderr, "sitrep %s: --force is for backup\n", s->name);
		return 2;
	}
	return s->run(&o);
}
