/*
 * `sitrep postmortem export 42 > file` reads the store, whether the bot runs or not. `sitrep postmortem import 42 file` asks the running bot: there is
 * one way in, with the rights, the merging and the audit of any other change.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/ctl/client.h"
#include "adapters/ctl/ctl.h"
#include "base/arena.h"
#include "base/text.h"
#include "bot/subcommands.h"
#include "commands/reviewing.h"

#define WORDS_MAX   8
#define OPTIONS_MAX 128
#define ARENA_MAX   (8u << 20)
#define ROOM        1000 /* bytes of a ctl line beside the file */

struct asked {
	struct options options;
	enum review_format format;
	char *word[WORDS_MAX]; /* "export", "42", … */
	size_t words;
};

static bool takes_value(const char *option)
{
	return !strcmp(option, "--config") || !strcmp(option, "--set") || !strcmp(option, "--socket");
}

static int usage(const char *why)
{
	fprintf(stderr, "sitrep: %s\n  sitrep postmortem export [--config DIR] [--html|--template] 42 > FILE\n"
		"  sitrep postmortem import [--config DIR] 42 FILE\n", why);
	return 2;
}

/* Options may stand anywhere. */
static int asked_read(struct asked *a, const struct options *o)
{
	char *option[OPTIONS_MAX];
	struct error err = { 0 };
	int n = 0;

	*a = (struct asked){ .options = *o };
	for (int i = 0; i < o->argc; i++) {
		char *arg = o->argv[i];

		if (!strcmp(arg, "--html"))
			a->format = REVIEW_AS_HTML;
		else if (!strcmp(arg, "--template"))
			a->format = REVIEW_AS_TEMPLATE;
		else if (arg[0] == '-' && arg[1] && n + 2 < OPTIONS_MAX) {
			option[n++] = arg;
			if (takes_value(arg) && i + 1 < o->argc)
				option[n++] = o->argv[++i];
		} else if (a->words < WORDS_MAX)
			a->word[a->words++] = arg;
	}
	if (n && options_read_more(&a->options, n, option, false, &err) < 0)
		return usage(err.text);
	return 0;
}

/* "42", "#42", "INC-42"; 0: it is none. */
static int64_t incident_of(const char *text)
{
	char *end;
	int64_t id;

	text += *text == '#';
	if (text_prefix_fold("inc-", text))
		text += 4;
	id = strtoll(text, &end, 10);
	return end > text && !*end && id > 0 ? id : 0;
}

/* ---- export ---- */

static int export(const struct asked *a, const struct config *config, int64_t incident)
{
	struct store_options options = { .path = config->store.path, .read_only = true };
	struct str text STR_CLEANUP = { 0 };
	struct store *store = NULL;
	struct error err = { 0 };
	int rc = store_open(&store, &options, &err);

	str_init(&text, REVIEW_FILE_MAX);
	if (rc == 0)
		rc = reviewing_export(store, config, incident, a->format, &text, &err);
	store_close(store);
	if (rc == 0 && (fwrite(text.p, 1, text.len, stdout) != text.len || fflush(stdout)))
		rc = error_set(&err, -errno, "it could not be written: %s", strerror(errno));
	if (rc < 0)
		fprintf(stderr, "sitrep: %s\n", err.text);
	return rc == 0 ? 0 : rc == -ENOENT ? 1 : 2;
}

/* ---- import ---- */

static int file_read(const char *path, char *text, size_t max, size_t *len)
{
	FILE *f = strcmp(path, "-") ? fopen(path, "re") : stdin;

	if (!f)
		return -errno;
	*len = fread(text, 1, max + 1, f);
	int code = ferror(f) ? EIO : *len > max ? EFBIG : 0;
	if (f != stdin)
		fclose(f);
	return -code;
}

/* What comes from the record need not travel: it is not read back anyway. */
static char *without_record(struct arena *a, const char *text)
{
	struct str out;
	bool skip = false;

	str_init_arena(&out, a, strlen(text) + 1);
	while (*text) {
		size_t n = strcspn(text, "\n");
		enum review_section s;

		if (!strncmp(text, "## ", 3))
			skip = review_section_parse(arena_strndup(a, text + 3, n - 3), &s) && !review_section_written(s);
		n += text[n] == '\n';
		if (!skip)
			str_addn(&out, text, n);
		text += n;
	}
	return out.p ? out.p : arena_strdup(a, "");
}

static size_t bytes_of(const char *text)
{
	json_t *value = json_string(text);
	char *quoted = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	size_t n = quoted ? strlen(quoted) : SIZE_MAX;

	free(quoted);
	json_decref(value);
	return n;
}

static int ask(const char *socket, int64_t incident, const char *text)
{
	json_t *args = json_pack("{s:s, s:s}", "do", "import", "file", text);
	struct ctl_client_options client = { .path = socket, .operation = "postmortem", .incident = incident, .args = args };
	int status = ctl_client_run(&client, "", stdout, stderr);

	if (status == CTL_UNREACHABLE)
		fprintf(stderr, "sitrep: a postmortem is read back by the running bot; start it (sitrep run), then try again\n");
	json_decref(args);
	return status;
}

static int import_text(struct arena *a, const char *socket, int64_t incident, const char *path, char *text, size_t len)
{
	struct review parsed = { 0 };
	struct error err = { 0 };
	unsigned generated;

	/* A mistake in the file is told with its line, and nobody need be asked for that. */
	if (review_parse(a, text, len, &parsed, &generated, &err) < 0) {
		fprintf(stderr, "sitrep: %s: %s\n", path, err.text);
		return CTL_REFUSED;
	}
	if (bytes_of(text) + ROOM > CTL_LINE_MAX && generated) {
		text = without_record(a, text);
		fprintf(stderr, "sitrep: timeline and action items were not compared with the record: the file is too large for the socket\n");
	}
	if (bytes_of(text) + ROOM > CTL_LINE_MAX) {
		fprintf(stderr, "sitrep: %s: what is written in it is larger than the socket takes (%d bytes); leave out the sections that did "
			"not change, with their headings\n", path, CTL_LINE_MAX - ROOM);
		return CTL_REFUSED;
	}
	return ask(socket, incident, text);
}

static int import(const struct asked *a, const struct config *config, int64_t incident)
{
	const char *socket = a->options.socket ? a->options.socket : config->ctl.socket, *path = a->word[2];
	struct arena *arena = arena_create(ARENA_MAX);
	char *text = arena_alloc(arena, REVIEW_FILE_MAX + 2);
	size_t len = 0;
	int rc = file_read(path, text, REVIEW_FILE_MAX, &len), status = 2;

	if (rc < 0)
		fprintf(stderr, "sitrep: %s: %s\n", path, rc == -EFBIG ? "is larger than 1 MiB" : strerror(-rc));
	else if (!socket)
		fprintf(stderr, "sitrep: ctl.socket is not set in %s; name the socket with --socket PATH\n", a->options.config_dir);
	else
		status = import_text(arena, socket, incident, path, text, len);
	arena_destroy(arena);
	return status;
}

int subcommand_postmortem(const struct options *o)
{
	struct asked a;
	struct config *config;
	bool out;
	int64_t incident;
	int status = asked_read(&a, o);

	if (status)
		return status;
	out = a.words == 2 && !strcmp(a.word[0], "export");
	if (!out && !(a.words == 3 && !strcmp(a.word[0], "import")))
		return usage("export which incident, or import which file to which?");
	incident = incident_of(a.word[1]);
	if (!incident)
		return usage("an incident is named by its number");
	config = subcommand_config(&a.options, false);
	if (!config)
		return 2;
	status = out ? export(&a, config, incident) : import(&a, config, incident);
	config_release(config);
	return status;
}
