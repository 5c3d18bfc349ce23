#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/duration.h"
#include "base/str.h"
#include "base/text.h"

#define LOG_MESSAGE_MAX 4096u
#define SECRETS_MAX     256
#define SECRET_MIN      6

static const char *const level_names[] = {
	[LOG_ERROR] = "error",
	[LOG_WARN] = "warn",
	[LOG_INFO] = "info",
	[LOG_DEBUG] = "debug",
};

static struct {
	pthread_mutex_t lock; /* guards the secrets, and that lines do not mix */
	int level;            /* enum log_level, read without the lock */
	char *secret[SECRETS_MAX];
	size_t secret_count, secret_longest;
} logger = { .lock = PTHREAD_MUTEX_INITIALIZER, .level = LOG_INFO };

void log_set_level(enum log_level level)
{
	__atomic_store_n(&logger.level, (int)level, __ATOMIC_RELAXED);
}

/* The others move up: the first is the one that was named longest ago. */
static void log_secret_drop(const char *secret)
{
	for (size_t i = 0; i < logger.secret_count; i++) {
		if (strcmp(logger.secret[i], secret) != 0)
			continue;
		free(logger.secret[i]);
		logger.secret_count--;
		memmove(&logger.secret[i], &logger.secret[i + 1],
			(logger.secret_count - i) * sizeof(*logger.secret));
		return;
	}
}

void log_secret(const char *secret)
{
	size_t n = secret ? strlen(secret) : 0;

	if (n < SECRET_MIN)
		return;
	pthread_mutex_lock(&logger.lock);
	log_secret_drop(secret);
	if (logger.secret_count == SECRETS_MAX)
		log_secret_drop(logger.secret[0]);
	char *copy = strdup(secret);

	if (!copy)
		abort();
	logger.secret[logger.secret_count++] = copy;
	if (n > logger.secret_longest)
		logger.secret_longest = n;
	pthread_mutex_unlock(&logger.lock);
}

/* Length of the longest secret that p starts with. */
static size_t log_secret_at(const char *p)
{
	size_t longest = 0;

	for (size_t i = 0; i < logger.secret_count; i++) {
		size_t n = strlen(logger.secret[i]);

		if (n > longest && strncmp(p, logger.secret[i], n) == 0)
			longest = n;
	}
	return longest;
}

static void log_add_escaped(struct str *out, uint32_t c, const char *p, size_t len)
{
	if (c == '"' || c == '\\')
		str_addf(out, "\\%c", (char)c);
	else if (c == '\n')
		str_add(out, "\\n");
	else if (c < 0x20 || (c >= 0x7F && c < 0xA0))
		str_addf(out, "\\x%02x", (unsigned)c);
	else if ((c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069))
		str_addf(out, "\\u%04x", (unsigned)c);
	else
		str_addn(out, p, len);
}

/* Redacts before it escapes, since a secret may hold what is escaped; and looks past the cut, since
 * a secret may lie across it. */
static void log_add_message(struct str *out, const char *message, size_t n)
{
	for (size_t i = 0, len; i < n && i < LOG_MESSAGE_MAX; i += len) {
		uint32_t c = 0;

		len = log_secret_at(message + i);
		if (len > 0) {
			str_add(out, "[secret]");
			continue;
		}
		len = text_decode(message + i, n - i, &c);
		if (len == 0) {
			len = 1;
			str_addf(out, "\\x%02x", (unsigned)(unsigned char)message[i]);
			continue;
		}
		log_add_escaped(out, c, message + i, len);
	}
	if (n > LOG_MESSAGE_MAX)
		str_add(out, "…");
}

static void log_write(const char *p, size_t n)
{
	while (n > 0) {
		ssize_t done = write(STDERR_FILENO, p, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return; /* nowhere left to complain to */
		p += done;
		n -= (size_t)done;
	}
}

static void log_add_time(struct str *line)
{
	struct clock clock;

	clock_init_system(&clock);

	int64_t now = clock_now(&clock);

	time_format_iso(line, now);
	line->len--; /* the Z comes after the milliseconds */
	str_addf(line, ".%03dZ", (int)(now % 1000));
}

void log_line(enum log_level level, const char *area, int64_t incident, const char *fmt, ...)
{
	int saved = errno;
	STR_CLEANUP struct str message;
	STR_CLEANUP struct str line;
	va_list ap;

	str_init(&message, 0);
	str_init(&line, LOG_MESSAGE_MAX * 5);
	if ((int)level > __atomic_load_n(&logger.level, __ATOMIC_RELAXED))
		return;

	pthread_mutex_lock(&logger.lock);
	message.max = LOG_MESSAGE_MAX + logger.secret_longest;
	va_start(ap, fmt);
	str_vaddf(&message, fmt, ap);
	va_end(ap);
	str_add(&line, "time=");
	log_add_time(&line);
	str_addf(&line, " level=%s area=%s ", level_names[level], area);
	if (incident)
		str_addf(&line, "incident=%lld ", (long long)incident);
	str_add(&line, "msg=\"");
	log_add_message(&line, message.p, message.len);
	str_add(&line, "\"\n");
	log_write(line.p, line.len);
	pthread_mutex_unlock(&logger.lock);
	errno = saved;
}
