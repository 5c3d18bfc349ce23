/* Arbitrary bytes as a config file: no crash, no hang, and never a success with a report of errors. The first byte
 * chooses the file. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[] = "/tmp/sitrep-fuzz-XXXXXX";
static char path[64];

static void clean(void)
{
	unlink(path);
	rmdir(dir);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const files[] = {
		"sitrep.yml", "severity.yml", "roles.yml", "reminders.yml", "escalation.yml",
		"rbac.yml",
	};
	struct config *c = NULL;
	struct str report;

	if (size == 0)
		return 0;
	if (!*path) {
		if (!mkdtemp(dir))
			abort();
		atexit(clean);
	}
	snprintf(path, sizeof(path), "%s/%s", dir, files[data[0] % 6]);
	FILE *f = fopen(path, "w");
	if (!f || fwrite(data + 1, 1, size - 1, f) != size - 1 || fclose(f))
		abort();
	str_init(&report, 1u << 20);
	int rc = config_load(&c, dir, NULL, 0, true, &report);
	/* Every failure says why, and only a failure leaves nothing. */
	if ((rc == 0) != (c != NULL) || (rc && report.len == 0))
		abort();
	/* Whatever was accepted has to keep what the rules rely on. */
	if (c && (c->severity.level[1].cadence_ms <= 0 || !c->severity.level[1].names[0] ||
			 !role_find(&c->roles, ROLE_COMMANDER)))
		abort();
	config_release(c);
	unlink(path);
	str_finish(&report);
	return 0;
}
