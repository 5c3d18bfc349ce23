/* Config files of any bytes: every refusal has a reason, what is accepted holds what the rules rely
 * on, and a token in the text is never in the report. The first byte chooses the file. */
#include <unistd.h>

#include "base/text.h"
#include "config/config.h"
#include "incident/request.h"
#include "tests/fuzz/fuzz.h"

#define TOKEN "xoxb-for-no-eye"

static char dir[] = "/tmp/sitrep-fuzz-XXXXXX";
static char path[64];

static void folder_remove(void)
{
	unlink(path);
	rmdir(dir);
}

static void file_put(const uint8_t *data, size_t size)
{
	static const char *const files[] = {
		"sitrep.yml", "severity.yml", "roles.yml", "reminders.yml", "escalation.yml",
		"rbac.yml", "messages.yml", "jira.yml", "reviews.yml",
	};

	if (!*path) {
		MUST(mkdtemp(dir));
		atexit(folder_remove);
	}
	snprintf(path, sizeof(path), "%s/%s", dir, files[data[0] == 'v' ? 8 : data[0] % 8]);
	FILE *f = fopen(path, "wb");
	MUST(f && fwrite(data + 1, 1, size - 1, f) == size - 1 && fclose(f) == 0);
}

static void check_accepted(const struct config *c)
{
	for (int i = SEVERITY_WORST; i <= SEVERITY_LEAST; i++) {
		MUST(c->severity.level[i].level == i);
		MUST(c->severity.level[i].cadence_ms > 0);
		MUST(c->severity.level[i].names[0]);
		MUST(c->severity.level[i].criteria);
	}
	MUST(role_find(&c->roles, ROLE_COMMANDER));
	for (size_t i = 0; i < c->roles.count; i++)
		MUST(c->roles.role[i].key && c->roles.role[i].title && c->roles.role[i].purpose);
	for (size_t k = 0; k < PROMISE_KIND_COUNT; k++)
		for (size_t i = 1; i < c->ladder[k].count; i++)
			MUST(c->ladder[k].step[i - 1].offset_ms < c->ladder[k].step[i].offset_ms);
	MUST(c->store.path && c->slack.api_url && c->timezone && c->retry_count > 0);
	MUST(access_allows(&c->access, PERSON_SELF, "incident.admin"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config *c = NULL;
	struct str report;

	if (size == 0)
		return 0;
	file_put(data, size);
	str_init(&report, 1u << 20);
	int rc = config_load(&c, dir, NULL, 0, true, &report);
	MUST((rc == 0) == (c != NULL));
	MUST(rc == 0 || report.len);
	MUST(text_valid(report.p, report.len));
	MUST(!strstr(report.p, TOKEN));
	if (c)
		check_accepted(c);
	config_release(c);
	unlink(path);
	str_finish(&report);
	return 0;
}
