#include "adapters/slack/render_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/json_write.h"
#include "incident/doc.h"

#define ELLIPSIS    "…"
#define ZERO_WIDTH  "\xe2\x80\x8b"
#define LATEST_MS   INT64_C(253402300799000) /* the end of the year 9999 */
#define SAME_DAY_MS (INT64_C(12) * 3600 * 1000)
/* Tokens cannot be split, so none may be longer than the smallest place for text. */
#define TOKEN_MAX    1500
#define SLACK_PREFIX "slack:"

/* Bytes of the UTF-8 character at p, of which n bytes are left; a stray byte counts as one. */
static size_t char_bytes(const char *p, size_t n)
{
	unsigned char c = (unsigned char)*p;
	size_t want = c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;

	return want < n ? want : n;
}

size_t render_length(const char *s, size_t n)
{
	size_t units = 0;

	for (size_t i = 0, step; i < n; i += step) {
		step = char_bytes(s + i, n - i);
		units += step == 4 ? 2 : 1;
	}
	return units;
}

/* A unit is never less than a byte, so most texts need not be counted. */
bool render_fits(const char *s, size_t n, size_t max)
{
	return n <= max || render_length(s, n) <= max;
}

static const char *const broadcasts[] = { "channel", "here", "everyone", "group" };

static bool is_broadcast(const char *p, size_t n)
{
	for (size_t i = 0; i < sizeof(broadcasts) / sizeof(*broadcasts); i++) {
		size_t len = strlen(broadcasts[i]);

		if (n >= len && strncasecmp(p, broadcasts[i], len) == 0)
			return true;
	}
	return false;
}

static const char *escape_of(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '@':
		return "@";
	default:
		return "";
	}
}

static bool is_control(char c)
{
	return (unsigned char)c < 0x20 && c != '\n' && c != '\t';
}

/* Without control characters. */
static void add_plain(struct str *out, const char *p, size_t n)
{
	size_t from = 0;

	for (size_t i = 0; i < n; i++) {
		if (!is_control(p[i]))
			continue;
		str_addn(out, p + from, i - from);
		from = i + 1;
	}
	str_addn(out, p + from, n - from);
}

/* The same text so that Slack finds no markup and nobody to wake in it. Control characters go. */
static void add_disarmed(struct str *out, const char *p, size_t n)
{
	size_t from = 0;

	for (size_t i = 0; i < n; i++) {
		char c = p[i];

		if (c != '&' && c != '<' && c != '>' && c != '@' && !is_control(c))
			continue;
		str_addn(out, p + from, i - from);
		str_add(out, escape_of(c));
		from = i + 1;
		if (c == '@' && is_broadcast(p + from, n - from))
			str_add(out, ZERO_WIDTH);
	}
	str_addn(out, p + from, n - from);
}

void render_escape(struct str *out, const char *text, size_t n)
{
	add_disarmed(out, text, n);
}

struct text_walk {
	struct str *out;
	int64_t now_ms;
};

static void escape_string(struct str *out, const char *s)
{
	render_escape(out, s, strlen(s));
}

/* The id behind "slack:", NULL when the key is not Slack's or no id. */
static const char *key_id(const char *key)
{
	if (strncmp(key, SLACK_PREFIX, strlen(SLACK_PREFIX)) != 0)
		return NULL;
	key += strlen(SLACK_PREFIX);
	size_t n = strspn(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");

	return n && n <= 30 && !key[n] ? key : NULL;
}

static bool time_read(const char *content, int64_t *ms)
{
	char *end;

	errno = 0;
	*ms = strtoll(content, &end, 10);
	return !errno && end != content && !*end && *ms >= 0 && *ms <= LATEST_MS;
}

/* UTC, for those whose program does not know the date format; never local: this is the I/O thread.
 */
static void add_utc(struct str *out, int64_t ms, bool with_date)
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;
	char text[64];

	gmtime_r(&seconds, &tm);
	if (strftime(text, sizeof(text), with_date ? "%Y-%m-%d %H:%M UTC" : "%H:%M UTC", &tm))
		str_add(out, text);
}

static bool far_from(int64_t ms, int64_t now_ms)
{
	return ms > now_ms + SAME_DAY_MS || ms < now_ms - SAME_DAY_MS;
}

static void add_date(struct str *out, const char *content, bool with_date)
{
	int64_t ms;

	if (!time_read(content, &ms)) {
		escape_string(out, content);
		return;
	}
	str_addf(out, "<!date^%lld^%s|", (long long)(ms / 1000),
		with_date ? "{date_short_pretty} {time}" : "{time}");
	add_utc(out, ms, with_date);
	str_addc(out, '>');
}

static bool url_allowed(const char *url, size_t n)
{
	static const char *const schemes[] = { "https://", "http://" };

	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
		size_t len = strlen(schemes[i]);

		if (n > len && strncasecmp(url, schemes[i], len) == 0)
			return true;
	}
	return false;
}

static void add_url(struct str *out, const char *url, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)url[i];

		if (c == '&')
			str_add(out, "&amp;");
		else if (c <= 0x20 || c == '<' || c == '>' || c == '|' || c == 0x7f)
			str_addf(out, "%%%02X", c);
		else
			str_addc(out, url[i]);
	}
}

/* Inside <…|label> a '|' or a line break would end it. */
static void add_label(struct str *out, const char *label)
{
	for (; *label; label++) {
		char c = *label == '|' ? '/' : *label == '\n' ? ' ' : *label;

		render_escape(out, &c, 1);
	}
}

static void add_link(struct str *out, const char *content)
{
	const char *bar = strchr(content, '|');
	size_t n = bar ? (size_t)(bar - content) : strlen(content);
	const char *label = bar && bar[1] ? bar + 1 : NULL;

	struct str STR_CLEANUP token = { 0 };

	str_init(&token, RENDER_STR_MAX);
	str_addc(&token, '<');
	add_url(&token, content, n);
	if (label) {
		str_addc(&token, '|');
		add_label(&token, label);
	}
	str_addc(&token, '>');
	if (url_allowed(content, n) && token.len <= TOKEN_MAX) {
		str_addn(out, token.p, token.len);
		return;
	}
	if (label)
		escape_string(out, label);
	if (label && url_allowed(content, n))
		str_addc(out, ' ');
	if (!label || url_allowed(content, n))
		render_escape(out, content, n);
}

/* *…* and `…` hold only on one line, and not around their own sign. */
static void add_wrapped(struct str *out, const char *content, char sign, char instead)
{
	size_t from = strspn(content, " \n\t"), n = strlen(content);

	while (n > from && strchr(" \n\t", content[n - 1]))
		n--;
	if (n == from)
		return;
	str_addc(out, sign);
	for (size_t i = from; i < n; i++) {
		char c = content[i] == sign ? instead : content[i] == '\n' ? ' ' : content[i];
		size_t at_broadcast = content[i] == '@' && is_broadcast(content + i + 1, n - i - 1);

		render_escape(out, &c, 1);
		if (at_broadcast)
			str_add(out, ZERO_WIDTH);
	}
	str_addc(out, sign);
}

static void mrkdwn_on_text(void *ctx, const char *p, size_t n)
{
	struct text_walk *w = ctx;

	render_escape(w->out, p, n);
}

static void mrkdwn_on_mark(void *ctx, enum mark kind, const char *content)
{
	struct text_walk *w = ctx;
	const char *id = key_id(content);
	int64_t ms;

	switch (kind) {
	case MARK_PERSON:
		if (id)
			str_addf(w->out, "<@%s>", id);
		else
			escape_string(w->out, content);
		break;
	case MARK_CHANNEL:
		if (id)
			str_addf(w->out, "<#%s>", id);
		else
			escape_string(w->out, content);
		break;
	case MARK_TIME:
		add_date(w->out, content, time_read(content, &ms) && far_from(ms, w->now_ms));
		break;
	case MARK_DATE:
		add_date(w->out, content, true);
		break;
	case MARK_BOLD:
		add_wrapped(w->out, content, '*', '\'');
		break;
	case MARK_CODE:
		add_wrapped(w->out, content, '`', '\'');
		break;
	case MARK_LINK:
		add_link(w->out, content);
		break;
	case MARK_EVERYONE:
		str_add(w->out, "<!channel>");
		break;
	}
}

void render_mrkdwn(struct str *out, const char *markup, int64_t now_ms)
{
	struct text_walk w = { .out = out, .now_ms = now_ms };
	struct mark_visitor v = { .text = mrkdwn_on_text, .mark = mrkdwn_on_mark, .ctx = &w };

	markup_walk(markup ? markup : "", &v);
}

static void plain_on_text(void *ctx, const char *p, size_t n)
{
	struct text_walk *w = ctx;

	add_plain(w->out, p, n);
}

static void plain_on_mark(void *ctx, enum mark kind, const char *content)
{
	struct text_walk *w = ctx;
	const char *bar = strchr(content, '|');
	const char *id = key_id(content);
	int64_t ms;

	switch (kind) {
	case MARK_PERSON:
	case MARK_CHANNEL:
		str_addf(w->out, "%c%s", (char)kind, id ? id : content);
		break;
	case MARK_TIME:
	case MARK_DATE:
		if (time_read(content, &ms))
			add_utc(w->out, ms, kind == MARK_DATE || far_from(ms, w->now_ms));
		else
			str_add(w->out, content);
		break;
	case MARK_BOLD:
	case MARK_CODE:
		plain_on_text(w, content, strlen(content));
		break;
	case MARK_LINK:
		content = bar && bar[1] ? bar + 1 : content;
		plain_on_text(w, content, strlen(content));
		break;
	case MARK_EVERYONE:
		str_add(w->out, "everyone");
		break;
	}
}

void render_plain(struct str *out, const char *markup, size_t max, int64_t now_ms)
{
	struct text_walk w = { .out = out, .now_ms = now_ms };
	struct mark_visitor v = { .text = plain_on_text, .mark = plain_on_mark, .ctx = &w };
	size_t from = out->len, units = 0, i = from, step;

	markup_walk(markup ? markup : "", &v);
	if (render_fits(out->p + from, out->len - from, max))
		return;
	for (; i < out->len; i += step) {
		step = char_bytes(out->p + i, out->len - i);
		units += step == 4 ? 2 : 1;
		if (units > max - 1)
			break;
	}
	str_shorten(out, i);
	str_add(out, ELLIPSIS);
}

/* Where a text may be split, found in one pass. */
struct edges {
	size_t line, word, character; /* bytes; 0 = none found */
	size_t line_units;
};

size_t render_split(const char *mrkdwn, size_t max)
{
	/* A unit is at most three bytes, so this is as far as it can matter. */
	size_t n = strnlen(mrkdwn, max * 3 + 8), units = 0, i = 0, step, hard = 0;
	struct edges at = { 0 };
	char inside = 0; /* the sign that ends the token we are in */

	if (n <= max)
		return n;
	for (; i < n; i += step) {
		char c = mrkdwn[i];

		step = char_bytes(mrkdwn + i, n - i);
		if (!inside && i)
			at.character = i;
		units += step == 4 ? 2 : 1;
		if (units > max)
			break;
		hard = i + step;
		if (!inside && (c == '<' || c == '&')) {
			inside = c == '<' ? '>' : ';';
		} else if (inside && c == inside) {
			inside = 0;
		} else if (!inside && c == '\n') {
			at.line = i + 1;
			at.line_units = units;
		} else if (!inside && c == ' ') {
			at.word = i + 1;
		}
	}
	if (i >= n)
		return n;
	/* A line's edge is best unless it would leave the piece almost empty. */
	if (at.line && at.line_units * 4 >= max)
		return at.line;
	if (at.word)
		return at.word;
	if (at.line)
		return at.line;
	return at.character ? at.character : hard ? hard : char_bytes(mrkdwn, n);
}

void render_fit(struct str *out, const char *mrkdwn, size_t max)
{
	size_t n = strlen(mrkdwn);

	if (render_fits(mrkdwn, n, max)) {
		str_addn(out, mrkdwn, n);
		return;
	}
	n = render_split(mrkdwn, max - 1);
	while (n && (mrkdwn[n - 1] == ' ' || mrkdwn[n - 1] == '\n'))
		n--;
	str_addn(out, mrkdwn, n);
	str_add(out, ELLIPSIS);
}

bool render_is_blank(const char *s)
{
	return !s[strspn(s, " \t\n")];
}

bool render_string(struct str *out, const char *markup, size_t max, int64_t now_ms)
{
	struct str STR_CLEANUP cut = { 0 };

	render_mrkdwn(out, markup, now_ms);
	if (!render_fits(out->p, out->len, max)) {
		str_init(&cut, RENDER_STR_MAX);
		render_fit(&cut, out->p, max);
		str_reset(out);
		str_addn(out, cut.p, cut.len);
	}
	return !render_is_blank(out->p);
}

void render_put_plain(struct str *out, const char *text)
{
	json_put_begin(out, '{');
	json_put_member(out, "type", "plain_text");
	json_put_member(out, "text", text);
	json_put_end(out, '}');
}

bool render_has_marks(const char *markup)
{
	return strchr(markup, MARK_BEGIN) != NULL;
}
