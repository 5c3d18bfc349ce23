/* What sitrep.yml says, and all tables joined. */
#include <sys/un.h>

#include "config/schema_parts.h"

#define SOCKET_PATH_BYTES ((int64_t)sizeof(((struct sockaddr_un *)0)->sun_path) - 1)

/* ---- sitrep.yml ------------------------------------------------------------------------- */

static const char *log_word(size_t i)
{
	static const char *const word[] = {
		[LOG_ERROR] = "error", [LOG_WARN] = "warn", [LOG_INFO] = "info", [LOG_DEBUG] = "debug",
	};
	return i < sizeof(word) / sizeof(word[0]) ? word[i] : NULL;
}

static const struct key slack_keys[] = {
	{ "api_url", KEY_URL, AT(slack.api_url), .min = 1, .max = 512, .otherwise = "https://slack.com/api/",
		.help = "Where the Web API is. Anything but the default is for tests and demos." },
	{ "app_token", KEY_SECRET, AT(slack.app_token), .otherwise = "env:SLACK_APP_TOKEN",
		.help = "App-level token (`xapp-`) with `connections:write`; empty: no chat." },
	{ "bot_token", KEY_SECRET, AT(slack.bot_token), .otherwise = "env:SLACK_BOT_TOKEN",
		.help = "Bot token (`xoxb-`) of the installed app; empty: no chat." },
	{ "announce_channel", KEY_CHANNEL, AT(slack.announce_channel), .otherwise = "\"#incidents\"",
		.help = "Every incident is announced here, as a `#name` or an id; empty: nowhere. The app "
			"must be a member." },
	{ "customer_channel", KEY_CHANNEL, AT(slack.customer_channel),
		.help = "Where confirmed wording for customers goes; empty: under the announcement." },
	{ "channel_prefix", KEY_WORD, AT(slack.channel_prefix), .min = 1, .max = 20,
		.otherwise = "inc-", .help = "Names of incident channels begin with it." },
	{ "connections", KEY_INT, AT(slack.connections), .min = 1, .max = 4, .otherwise = "1",
		.help = "WebSockets held at once; with two, one may be lost and nobody notices." },
	{ "pacing", KEY_BOOL, AT(slack.pacing), .otherwise = "true",
		.help = "Keep to the platform's published rates instead of finding them by refusals." },
	{ "ca_file", KEY_PATH, AT(slack.ca_file), .max = PATH_BYTES,
		.help = "PEM file with certificates to trust besides the system's; empty: none." },
	{ 0 },
};

static const struct key store_keys[] = {
	{ "path", KEY_PATH, AT(store.path), .min = 1, .max = PATH_BYTES,
		.otherwise = "data/sitrep.db",
		.help = "The database file. Its folder must be writable: SQLite keeps two files beside "
			"it." },
	{ "keep_inbox", KEY_DURATION, AT(store.keep_inbox_ms), .min = DAY_MS, .max = 30 * DAY_MS,
		.otherwise = "3 days",
		.help = "How long a delivery is remembered, so that its repetition changes nothing." },
	{ 0 },
};

static const struct key ctl_keys[] = {
	{ "socket", KEY_PATH, AT(ctl.socket), .max = SOCKET_PATH_BYTES,
		.otherwise = "data/sitrep.sock",
		.help = "Unix socket of `sitrep ctl`, made with mode 0600; empty: none." },
	{ 0 },
};

static const struct key http_keys[] = {
	{ "listen", KEY_TEXT, AT(http.listen), .max = TEXT_SHORT,
		.help = "Address and port of the HTTP server, `127.0.0.1:8085` or `[::1]:8085`; empty: "
			"there is none. It speaks no TLS." },
	{ "body_max", KEY_INT, AT(http.body_max), .min = 1024, .max = 64 << 20, .otherwise = "1048576",
		.help = "Bytes a request's body may have." },
	{ "connections", KEY_INT, AT(http.connections), .min = 1, .max = 2048, .otherwise = "128",
		.help = "Connections at once; more wait to be accepted." },
	{ "connections_per_ip", KEY_INT, AT(http.connections_per_ip), .min = 1, .max = 2048,
		.otherwise = "32",
		.help = "Connections at once from one address; more are closed. A reverse proxy is one "
			"address." },
	{ "deadline", KEY_DURATION, AT(http.deadline_ms), .min = SECOND_MS, .max = 5 * MINUTE_MS,
		.otherwise = "10s",
		.help = "A request must be here in whole within this time, however steadily it drips in. "
			"A connection without a request is closed after as long." },
	{ 0 },
};

static const struct key log_keys[] = {
	{ "level", KEY_ENUM, AT(log.level), .word = log_word, .otherwise = "info",
		.help = "The least that is logged." },
	{ 0 },
};

static const struct key limit_keys[] = {
	{ "queue", KEY_INT, AT(queue_max), .min = 16, .max = 1000000, .otherwise = "4096",
		.help = "Requests that may wait; when as many do, the sockets are not read." },
	{ "batch", KEY_INT, AT(batch_max), .min = 1, .max = 10000, .otherwise = "256",
		.help = "Requests that may share one commit." },
	{ 0 },
};

static const struct key retry_entry = { "delay", KEY_DURATION, .min = 0, .max = HOUR_MS };
static const struct key delivery_keys[] = {
	{ "retry", KEY_LIST, AT(retry_ms), .min = 1, .max = CONFIG_RETRY_MAX,
		.otherwise = "[0s, 5s, 25s]", .entry = &retry_entry, .stride = sizeof(int64_t),
		.count_offset = offsetof(struct config, retry_count),
		.help = "Waits before the first retries of a delivery; then they double, with jitter." },
	{ "retry_max", KEY_DURATION, AT(retry_max_ms), .min = SECOND_MS, .max = DAY_MS,
		.otherwise = "10m", .help = "The longest wait between two attempts." },
	{ 0 },
};

/* ---- all -------------------------------------------------------------------------------- */

#define SECTION(named, in, table, what)                                                            \
	{ named, KEY_MAP, .keys = (table), .file = (in), .help = (what) }

static const struct key sections[] = {
	SECTION("slack", "sitrep.yml", slack_keys, "The chat workspace."),
	SECTION("store", "sitrep.yml", store_keys, "The record."),
	SECTION("ctl", "sitrep.yml", ctl_keys, "The door for the shell."),
	SECTION("http", "sitrep.yml", http_keys, "The HTTP server: `GET /healthz`, and webhooks of systems that are set up."),
	SECTION("log", "sitrep.yml", log_keys, "The log on standard error."),
	SECTION("limits", "sitrep.yml", limit_keys, "Bounds of what may pile up."),
	SECTION("delivery", "sitrep.yml", delivery_keys, "How deliveries are repeated."),
	{ "timezone", KEY_ZONE, AT(timezone), .max = 64, .otherwise = "UTC", .file = "sitrep.yml",
		.help = "IANA zone for people whose own is not known." },
	SECTION("severity", "severity.yml", severity_keys, "Levels, their targets and cadences."),
	SECTION("roles", "roles.yml", roles_keys, "Roles of responders."),
	SECTION("reminders", "reminders.yml", reminders_keys, "Who is reminded when."),
	SECTION("escalation", "escalation.yml", escalation_keys, "Who is told when it stays broken."),
	SECTION("rbac", "rbac.yml", rbac_keys, "Who may do what."),
	SECTION("messages", "messages.yml", messages_keys, "The wording of updates and resolutions."),
	SECTION("release_gate", "release_gate_policy.yml", gate_keys, "The release gate: what holds a release back."),
	SECTION("followups", "followups.yml", followups_keys, "Follow-ups: when they are due, who is reminded."),
	SECTION("reviews", "reviews.yml", reviews_keys, "What is learned from incidents."),
	SECTION("jira", "jira.yml", jira_keys, "The issue tracker, Jira Cloud or Data Center."),
	{ 0 },
};

const struct key schema = { "config", KEY_MAP, .keys = sections };
