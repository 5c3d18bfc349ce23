/* Phrases of the linter in a sentence: see lint_room.h. */
#include <stdint.h>
#include <string.h>

#include "incident/lint_room.h"

#define COUNT(a)   (sizeof(a) / sizeof(*(a)))
#define SKIP_MAX   5 /* words that * passes over */
#define PERSON_MAX 7 /* words of "one of our new backend engineers" */
#define TEAM_WORDS 3 /* "the platform and network team" */

static const char articles[] = "the|a|an|our|some|one|this|that|another|their|his|her";
static const char kinds[] = "junior|senior|new|newest|night|duty|on|call|oncall|backend|frontend|"
			    "platform|release|tired|"
			    "inexperienced|careless|clumsy|lazy|distracted|untrained|hasty|"
			    "overworked|confused|database|"
			    "network|storage|security|infrastructure|data|support|shift|"
			    "responsible|incident|change|other|"
			    "unnamed|particular|single|external|systems|site|reliability|devops";
static const char nouns[] =
	"engineer|engineers|developer|developers|dev|devs|admin|admins|administrator|"
	"administrators|"
	"intern|interns|contractor|contractors|employee|employees|colleague|colleagues|programmer|"
	"programmers|sre|sres|dba|dbas|person|human|humans|somebody|someone|him|her|me|myself|"
	"himself|"
	"herself|operator|operators|technician|technicians|sysadmin|sysadmins|hire|commander|"
	"manager|"
	"responder|responders|individual|guy|guys|he|she|on-call|oncall";
static const char owners[] =
	"engineer's|developer's|dev's|admin's|administrator's|intern's|contractor's|employee's|"
	"colleague's|programmer's|person's|somebody's|someone's|operator's|technician's|manager's|"
	"commander's|dba's|sre's|sysadmin's|hire's|team's";
static const char teams[] = "team|teams|department|guys|folks|crew|squad";

/* What begins with a capital and is nobody's name. */
static const char no_names[] =
	"i|we|you|they|it|this|that|these|those|the|a|an|our|all|each|every|nobody|everybody|"
	"everyone|"
	"nothing|something|which|who|what|when|if|because|since|and|but|or|then|there|no|not|root|"
	"cause|why|both|neither|one|two|some|most|many|customer|customers|users|user|clients|"
	"client|"
	"monday|tuesday|wednesday|thursday|friday|saturday|sunday|"
	"script|automation|scheduler|controller|server|service|services|system|job|deploy|pipeline|"
	"cron|monitoring|api|app|application|code|cache|proxy|gateway|agent|alert|alerting|bot|"
	"kafka|redis|jenkins|postgres|postgresql|mysql|mongo|mongodb|cassandra|consul|vault|nomad|"
	"terraform|ansible|puppet|chef|salt|kubernetes|docker|helm|argo|flux|istio|envoy|nginx|"
	"apache|"
	"haproxy|prometheus|grafana|alertmanager|datadog|splunk|elastic|elasticsearch|kibana|"
	"logstash|"
	"rabbitmq|nats|celery|airflow|spark|flink|hadoop|zookeeper|etcd|memcached|varnish|akamai|"
	"fastly|cloudflare|amazon|google|azure|github|gitlab|jira|slack|pagerduty|opsgenie|stripe|"
	"linux|debian|systemd|python|java|node|spring|hibernate|rails|django|jaeger|ceph|minio|"
	"clickhouse|snowflake|vitess|oracle|tomcat|jetty|kong|traefik|linkerd|sentry|renovate|"
	"dependabot";

bool lint_joined(const struct word *w, size_t n, size_t i)
{
	return i < n && (i == 0 || w[i].before == EDGE_NONE);
}

/* The end of w[i] is 's or ’s: its length without; else 0. */
static size_t owner_length(const struct word *w)
{
	static const char *const ends[] = { "'s", "\xE2\x80\x99s" };

	for (size_t i = 0; i < COUNT(ends); i++) {
		size_t n = strlen(ends[i]);

		if (w->len > n && memcmp(w->p + w->len - n, ends[i], n) == 0)
			return w->len - n;
	}
	return 0;
}

/* "the platform team", "the network guys". */
static size_t team_at(const struct word *w, size_t n, size_t i, bool possessive)
{
	size_t k = i;

	if (!word_is(&w[k], articles))
		return 0;
	for (k++; lint_joined(w, n, k) && k - i <= TEAM_WORDS; k++) {
		if (word_is(&w[k], possessive ? "team's|department's" : teams))
			return k - i + 1;
		if (word_is(&w[k], "of|in|by|for|to|and|was|is|that|which|from|on|with|broke|had"))
			return 0;
	}
	return 0;
}

/* The words that name a person from w[i] on; 0 when they name none. */
static size_t person_at(const struct word *w, size_t n, size_t i, bool possessive)
{
	size_t k = i, team;

	n = n - i > PERSON_MAX ? i + PERSON_MAX : n;
	if (word_is_mention(&w[i], possessive))
		return 1;
	team = team_at(w, n, i, possessive);
	if (team)
		return team;
	while (lint_joined(w, n, k) && word_is(&w[k], "of|one"))
		k++;
	while (lint_joined(w, n, k) && word_is(&w[k], articles))
		k++;
	if (k > i && k == n)
		return word_is(&w[n - 1], nouns) ? k - i : 0;
	for (;;) {
		if (!(k == i || lint_joined(w, n, k)) || k >= n)
			return 0;
		if (word_is(&w[k], possessive ? owners : nouns))
			break;
		if (!word_is(&w[k], kinds))
			return !possessive && k > i && word_is(&w[k - 1], nouns) ? k - i : 0;
		k++;
	}
	k++;
	/* "the engineer on call", "the developer on duty" */
	if (lint_joined(w, n, k + 1) && word_is(&w[k], "on") &&
		word_is(&w[k + 1], "call|duty|shift"))
		k += 2;
	return k - i;
}

/* A capital, then small letters: "Priya", not "DNS", "We" or "Kafka". */
static size_t name_at(const struct word *w, size_t i, bool possessive)
{
	size_t len = owner_length(&w[i]);
	struct word bare = w[i];

	if ((len > 0) != possessive || (i > 0 && word_is(&w[i - 1], articles)))
		return 0;
	if (possessive)
		bare.len = len;
	if (bare.len < 2 || bare.p[0] < 'A' || bare.p[0] > 'Z')
		return 0;
	for (size_t k = 1; k < bare.len; k++)
		if (!(bare.p[k] >= 'a' && bare.p[k] <= 'z') && !(bare.p[k] & 0x80))
			return 0;
	return word_is(&bare, no_names) ? 0 : 1;
}

static bool is_participle(const struct word *w)
{
	if (w->len > 3 && (w->p[w->len - 1] | 0x20) == 'd' && (w->p[w->len - 2] | 0x20) == 'e' &&
		!word_is(w, "need|speed|feed"))
		return true;
	return word_is(w,
		"known|read|seen|done|told|caught|thought|taken|run|written|kept|paid|made|"
		"spotted|set|given|gone|found|understood|left|used|sought|spoken|said");
}

/* The words of one token at w[i]. */
static size_t token_match(const struct word *w, size_t n, size_t i, const char *token, size_t len)
{
	switch (*token) {
	case '@':
		return person_at(w, n, i, len > 1);
	case '^':
		return name_at(w, i, len > 1);
	case '+':
		return is_participle(&w[i]);
	default:
		return word_is(&w[i], token);
	}
}

static bool ends_before(const struct word *w, size_t n, size_t i)
{
	return i == n || w[i].before >= EDGE_COLON;
}

/* Words from i on that the pattern takes, or SIZE_MAX. first: nothing stands before in the pattern.
 */
static size_t match_from(const struct word *w, size_t n, size_t i, const char *p, bool first)
{
	size_t start = i;

	while (*p) {
		size_t len = strcspn(p, " "), step;
		const char *rest = p + len + (p[len] == ' ');

		if (*p == '.')
			return ends_before(w, n, i) && !*rest ? i - start : SIZE_MAX;
		if (*p == ':') {
			if (i >= n || w[i].before != EDGE_COLON)
				return SIZE_MAX;
			p = rest;
			first = true;
			continue;
		}
		if (*p == '*') {
			for (size_t k = i; k <= i + SKIP_MAX; k++) {
				size_t more = match_from(w, n, k, rest, first);

				if (more != SIZE_MAX)
					return k - start + more;
				if (!lint_joined(w, n, k))
					break;
			}
			return SIZE_MAX;
		}
		if (i >= n || (!first && !lint_joined(w, n, i)))
			return SIZE_MAX;
		step = token_match(w, n, i, p, len);
		if (step == 0)
			return SIZE_MAX;
		i += step;
		p = rest;
		first = false;
	}
	return i - start;
}

size_t lint_match(const struct word *w, size_t n, size_t i, const char *pattern)
{
	size_t len = i < n ? match_from(w, n, i, pattern, true) : SIZE_MAX;

	return len == SIZE_MAX ? 0 : len;
}
