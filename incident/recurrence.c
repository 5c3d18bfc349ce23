#include "incident/recurrence.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

/* One row a class: its name, what else people say, what it means, which standard it asks for. */
static const struct {
	const char *name, *words, *help;
	enum followup_standard standard;
} classes[CAUSE_CLASS_COUNT] = {
	[CAUSE_UNKNOWN] = { "unknown", "", "not known yet", STANDARD_NONE },
	[CAUSE_CHANGE] = { "change", "deploy deployment release rollout flag rollback migration",
		"a deployment, a flag, a migration", STANDARD_SAFE_CHANGE },
	[CAUSE_CONFIGURATION] = { "configuration", "config misconfiguration setting settings",
		"a setting that was wrong or out of step", STANDARD_SAFE_CHANGE },
	[CAUSE_CAPACITY] = { "capacity", "load traffic saturation quota limit memory disk",
		"more was asked for than there was", STANDARD_AVAILABILITY },
	[CAUSE_DEPENDENCY] = { "dependency", "upstream downstream vendor provider third-party",
		"a service that this one needs, ours or somebody else's", STANDARD_DEPENDENCY },
	[CAUSE_DATA] = { "data", "corruption schema query queries", "bad or lost data, a query",
		STANDARD_SLO },
	[CAUSE_NETWORK] = { "network", "dns routing connectivity firewall loadbalancer",
		"reaching each other: DNS, routes, load balancers", STANDARD_PLATFORM },
	[CAUSE_CERTIFICATE] = { "certificate", "cert tls expiry expired secret credential",
		"a certificate or secret that expired or was wrong", STANDARD_OBSERVABILITY },
	[CAUSE_HARDWARE] = { "hardware", "host node machine zone datacenter power",
		"a machine, a zone, power", STANDARD_PLATFORM },
	[CAUSE_SOFTWARE] = { "software", "bug defect code regression crash leak",
		"a defect in the code", STANDARD_SAFE_CHANGE },
	[CAUSE_SECURITY] = { "security", "attack abuse ddos vulnerability",
		"an attack, abuse, a vulnerability", STANDARD_PLATFORM },
	[CAUSE_PROCESS] = { "process", "procedure runbook ownership handover alerting",
		"how the work is organised: a missing runbook, no owner", STANDARD_OBSERVABILITY },
};

static const char *const proposals[] = {
	[STANDARD_NONE] = "",
	[STANDARD_SLO] = "Agree an SLO for %s and alert on its burn rate",
	[STANDARD_OBSERVABILITY] = "Alert on %s before its users notice: close the gap in its signals",
	[STANDARD_SAFE_CHANGE] = "Roll changes of %s out in steps, with a check and an automatic rollback",
	[STANDARD_AVAILABILITY] = "Plan and load-test the capacity of %s with headroom, and shed load beyond it",
	[STANDARD_DEPENDENCY] = "Give %s time-outs, fallbacks and a budget for each service it needs",
	[STANDARD_PLATFORM] = "Make %s survive the loss of a node, a zone or a route, and prove it in a game day",
};

const char *cause_class_name(enum cause_class c)
{
	return (unsigned)c < CAUSE_CLASS_COUNT ? classes[c].name : "unknown";
}

const char *cause_class_help(enum cause_class c)
{
	return (unsigned)c < CAUSE_CLASS_COUNT ? classes[c].help : "";
}

/* Is one of the words, separated by blanks or commas and ASCII case ignored, this one? */
static bool list_has(const char *list, const char *word, size_t len)
{
	while (list && *list) {
		size_t n = strcspn(list, " ,");

		if (n == len && n && strncasecmp(list, word, n) == 0)
			return true;
		list += n + strspn(list + n, " ,");
	}
	return false;
}

bool cause_class_parse(const char *text, enum cause_class *out)
{
	size_t len = text ? strlen(text) : 0;

	for (int i = 0; len && i < CAUSE_CLASS_COUNT; i++) {
		if (!text_equal_fold(classes[i].name, text) && !list_has(classes[i].words, text, len))
			continue;
		*out = (enum cause_class)i;
		return true;
	}
	return false;
}

static bool share_service(const char *a, const char *b)
{
	while (a && *a) {
		size_t n = strcspn(a, " ,");

		if (list_has(b, a, n))
			return true;
		a += n + strspn(a + n, " ,");
	}
	return false;
}

enum recurrence recurrence_of(const struct cause *a, const struct cause *b)
{
	if (a->fingerprint && *a->fingerprint && b->fingerprint && !strcmp(a->fingerprint, b->fingerprint))
		return RECURRENCE_FINGERPRINT;
	if (a->class != CAUSE_UNKNOWN && a->class == b->class && share_service(a->services, b->services))
		return RECURRENCE_CAUSE;
	return RECURRENCE_NONE;
}

enum followup_standard recurrence_standard(enum cause_class c)
{
	return (unsigned)c < CAUSE_CLASS_COUNT ? classes[c].standard : STANDARD_NONE;
}

void recurrence_proposal(enum followup_standard s, const char *service, char *out, size_t size)
{
	const char *at, *pattern = (unsigned)s < sizeof(proposals) / sizeof(*proposals) ? proposals[s] : "";

	if (!service || !*service)
		service = "the service";
	at = strstr(pattern, "%s");
	if (at)
		snprintf(out, size, "%.*s%s%s", (int)(at - pattern), pattern, service, at + 2);
	else
		snprintf(out, size, "%s", pattern);
}
