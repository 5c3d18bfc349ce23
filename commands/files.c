#include "commands/files.h"

#include <string.h>

#include "commands/export.h"
#include "commands/metrics.h"
#include "commands/reviewing.h"

static const struct file_kind kinds[] = {
	{ "export", false, export_file, export_command },
	{ REVIEW_FILE, false, reviewing_file, reviewing_command },
	{ "metrics", true, metrics_file, metrics_command },
};

const struct file_kind *file_kind_by_name(const char *name)
{
	for (size_t i = 0; name && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

/* A row of an older version says the format of an export, and nothing else. */
const struct file_kind *file_kind_of(json_t *payload, json_t **args)
{
	const char *name = json_get_str(payload, "file");

	*args = name ? json_get_obj(payload, "args") : payload;
	return file_kind_by_name(name ? name : "export");
}
