#include "bot/options.h"

#include <errno.h>
#include <string.h>

static int read_set(struct options *o, char *text, struct error *err)
{
	char *equals = strchr(text, '=');

	if (!equals || equals == text)
		return error_set(err, -EINVAL, "--set wants key=value, such as store.path=data/x.db; got \"%s\"", text);
	if (o->sets == OPTIONS_SET_MAX)
		return error_set(err, -E2BIG, "more than %d --set; put them into a file of the config folder",
			OPTIONS_SET_MAX);
	*equals = '\0';
	o->set[o->sets++] = (struct config_override){ .key = text, .value = equals + 1 };
	return 0;
}

/* The value of "--name value" or "--name=value"; NULL when arg is another option. */
static char *value_of(const char *name, int *i, int argc, char **argv, struct error *err)
{
	size_t n = strlen(name);

	if (strncmp(argv[*i], name, n))
		return NULL;
	if (argv[*i][n] == '=')
		return argv[*i] + n + 1;
	if (argv[*i][n])
		return NULL;
	if (*i + 1 < argc)
		return argv[++*i];
	error_set(err, -EINVAL, "%s wants a value", name);
	return NULL;
}

/* Options that are one text. */
static const struct {
	const char *name;
	size_t offset;
} texts[] = {
	{ "--config", offsetof(struct options, config_dir) },
	{ "--socket", offsetof(struct options, socket) },
	{ "--service", offsetof(struct options, service) },
	{ "--env", offsetof(struct options, environment) },
	{ "--mode", offsetof(struct options, mode) },
};

static int read_option(struct options *o, int *i, int argc, char **argv, struct error *err)
{
	char *value;

	err->code = 0;
	if (!strcmp(argv[*i], "--json")) {
		o->json = true;
		return 0;
	}
	if (!strcmp(argv[*i], "--force")) {
		o->force = true;
		return 0;
	}
	if (!strcmp(argv[*i], "--help") || !strcmp(argv[*i], "-h")) {
		o->help = true;
		return 0;
	}
	for (size_t k = 0; k < sizeof(texts) / sizeof(*texts) && !err->code; k++) {
		value = value_of(texts[k].name, i, argc, argv, err);
		if (value) {
			*(const char **)((char *)o + texts[k].offset) = value;
			return 0;
		}
	}
	value = err->code ? NULL : value_of("--set", i, argc, argv, err);
	if (value)
		return read_set(o, value, err);
	if (err->code)
		return err->code;
	return error_set(err, -EINVAL, "unknown option \"%s\"; see sitrep --help", argv[*i]);
}

int options_read(struct options *o, int argc, char **argv, bool words_follow, struct error *err)
{
	*o = (struct options){ .config_dir = "config" };
	return options_read_more(o, argc, argv, words_follow, err);
}

int options_read_more(struct options *o, int argc, char **argv, bool words_follow, struct error *err)
{
	int i;

	for (i = 0; i < argc; i++) {
		if (argv[i][0] != '-' || !argv[i][1])
			break;
		if (!strcmp(argv[i], "--")) {
			i++;
			break;
		}
		if (read_option(o, &i, argc, argv, err) < 0)
			return err->code;
	}
	o->argc = argc - i;
	o->argv = argv + i;
	if (!words_follow)
		for (int k = 0; k < o->argc; k++)
			if (o->argv[k][0] == '-')
				return error_set(err, -EINVAL, "options come first: move \"%s\" in front of \"%s\"",
					o->argv[k], o->argv[0]);
	return 0;
}
