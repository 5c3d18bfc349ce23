/* The scalar types: text to value, with a reason when it is none. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/duration.h"
#include "base/json.h"
#include "base/text.h"
#include "base/zone.h"
#include "config/loader.h"

#define SECRET_MAX 4096

/* A value being decoded. What came out of the environment is not quoted: nobody wrote it into the config. */
struct value {
	struct loader *l;
	const struct key *key;
	const struct node *node;
	const char *text;   /* NUL-terminated, what is to be decoded */
	const char *origin; /* NULL, or the name of the environment variable it came from */
};

static void refuse(const struct value *v, const char *why)
{
	struct report *r = v->l->report;

	if (v->origin)
		report_error(r, v->node, "%s: the value of %s %s", v->l->path.p, v->origin, why);
	else
		report_error(r, v->node, "%s: \"%s\" %s", v->l->path.p,
			report_quote(r, v->text, strlen(v->text)), why);
}

static void refuse_range(const struct value *v, const char *what)
{
	struct str s;

	str_init_arena(&s, v->l->scratch, 200);
	str_addf(&s, "%s; ", what);
	value_range(v->key, &s);
	refuse(v, s.p);
}

static void put_text(const struct value *v, char *at, const char *text)
{
	const char *copy = text && *text ? arena_strdup(v->l->arena, text) : NULL;
	memcpy(at, &copy, sizeof(copy));
}

static bool all_of(const char *s, const char *more)
{
	for (; *s; s++)
		if (!isascii((unsigned char)*s) ||
			(!isalnum((unsigned char)*s) && !strchr(more, *s)))
			return false;
	return true;
}

static bool length_fits(const struct value *v, const char *text)
{
	size_t n = strlen(text);

	if (n < (size_t)v->key->min) {
		report_error(v->l->report, v->node, "%s needs a value", v->l->path.p);
		return false;
	}
	if (n > (size_t)v->key->max) {
		refuse_range(v, "is too long");
		return false;
	}
	return true;
}

/* ---- words and texts ---------------------------------------------------------------------- */

static void decode_text(const struct value *v, char *at)
{
	char *clean = text_clean(v->l->scratch, v->text, strlen(v->text), NODE_BYTES_MAX, false);

	if (length_fits(v, clean))
		put_text(v, at, clean);
}

static void decode_word(const struct value *v, char *at)
{
	if (!length_fits(v, v->text))
		return;
	if (!all_of(v->text, "._-"))
		refuse(v, "is not one word of letters, digits and ._-");
	else
		put_text(v, at, v->text);
}

static void decode_channel(const struct value *v, char *at)
{
	const char *s = v->text;
	bool name = *s == '#' && s[1] && strlen(s) <= 81 && all_of(s + 1, "_-");
	bool id = (*s == 'C' || *s == 'G') && strlen(s) >= 4 && strlen(s) <= 32 && all_of(s, "");

	for (const char *p = s; name && *p; p++)
		name = !isupper((unsigned char)*p);
	if (*s && !name && !id)
		refuse(v, "is neither a channel's name (\"#incidents\", quoted: # begins a comment) nor "
			"its id (C0123ABCD)");
	else
		put_text(v, at, s);
}

static const char *const systems[] = { "slack", "unix", "jira" };
#define SYSTEM_COUNT (sizeof(systems) / sizeof(systems[0]))

static bool person_system(const struct value *v, const char *colon)
{
	char *system = arena_strndup(v->l->scratch, v->text, (size_t)(colon - v->text));
	struct nearest near;

	nearest_init(&near, system);
	for (size_t i = 0; i < SYSTEM_COUNT; i++) {
		if (strcmp(systems[i], system) == 0)
			return true;
		nearest_try(&near, systems[i]);
	}
	refuse(v, near.best ? arena_printf(v->l->scratch, "names no known system; did you mean \"%s:\"?",
				      near.best)
			    : "names no known system; people are slack:…, unix:… or jira:…");
	return false;
}

static void person_decode(const struct value *v, char *at, bool pattern)
{
	const char *colon = strchr(v->text, ':');

	if (!length_fits(v, v->text))
		return;
	if (pattern && strcmp(v->text, "*") == 0) {
		put_text(v, at, v->text);
		return;
	}
	if (!colon || !colon[1]) {
		refuse(v, "names no person; people are written slack:U0123ABCD or unix:1000");
		return;
	}
	if (!person_system(v, colon))
		return;
	if (!(pattern && strcmp(colon, ":*") == 0) && !all_of(colon + 1, "_-")) {
		refuse(v, pattern ? "is no person; \"*\" stands for everybody, alone or after the colon"
				  : "is no person; one person each, no patterns");
		return;
	}
	put_text(v, at, v->text);
}

static void decode_person(const struct value *v, char *at)
{
	person_decode(v, at, false);
}

static void decode_people(const struct value *v, char *at)
{
	person_decode(v, at, true);
}

static void decode_right(const struct value *v, char *at)
{
	struct nearest near;

	if (!length_fits(v, v->text))
		return;
	if (access_known(v->text)) {
		put_text(v, at, v->text);
		return;
	}
	nearest_init(&near, v->text);
	for (size_t i = 0; access_right(i); i++)
		nearest_try(&near, access_right(i));
	refuse(v, near.best ? arena_printf(v->l->scratch, "is no entitlement; did you mean \"%s\"?",
				      near.best)
			    : "is no entitlement");
}

/* ---- numbers ------------------------------------------------------------------------------ */

static void decode_int(const struct value *v, char *at)
{
	char *end;

	errno = 0;
	int64_t n = strtoll(v->text, &end, 10);
	bool number = *v->text && !*end && !isspace((unsigned char)*v->text) && *v->text != '+';
	if (!number)
		refuse(v, "is not a whole number");
	else if (errno || n < v->key->min || n > v->key->max)
		refuse_range(v, "is out of range");
	else
		memcpy(at, &n, sizeof(n));
}

static void decode_bool(const struct value *v, char *at)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = {
		{ "true", true }, { "false", false }, { "yes", true }, { "no", false },
		{ "on", true }, { "off", false },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (text_equal_fold(v->text, words[i].word)) {
			memcpy(at, &words[i].value, sizeof(bool));
			return;
		}
	refuse(v, "is neither true nor false");
}

static bool all_digits(const char *s)
{
	return *s && strspn(s, "0123456789") == strlen(s);
}

/* Unlike in chat, a number without a unit is refused: it is read again in a year. */
static bool duration_text(const struct value *v, const char *text, int64_t *ms)
{
	static const char *const nothing[] = { "0", "0s", "none", "never" };

	for (size_t i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++)
		if (strcmp(text, nothing[i]) == 0) {
			*ms = 0;
			return true;
		}
	if (all_digits(text)) {
		refuse(v, arena_printf(v->l->scratch, "needs a unit: %.12sm, %.12ss, %.12sh", text,
				  text, text));
		return false;
	}
	if (duration_parse(text, ms))
		return true;
	refuse(v, "is not a duration, such as 90s, 15m, 1h30, 2 days");
	return false;
}

static void decode_duration(const struct value *v, char *at)
{
	int64_t ms;

	if (!duration_text(v, v->text, &ms))
		return;
	if (ms < v->key->min || ms > v->key->max)
		refuse_range(v, "is out of range");
	else
		memcpy(at, &ms, sizeof(ms));
}

static void decode_offset(const struct value *v, char *at)
{
	bool before = *v->text == '-';
	int64_t ms;

	if (!duration_text(v, v->text + (before || *v->text == '+'), &ms))
		return;
	if (before)
		ms = -ms;
	if (ms < v->key->min || ms > v->key->max)
		refuse_range(v, "is out of range");
	else
		memcpy(at, &ms, sizeof(ms));
}

static void decode_enum(const struct value *v, char *at)
{
	struct nearest near;
	struct str words;

	nearest_init(&near, v->text);
	str_init_arena(&words, v->l->scratch, 200);
	for (size_t i = 0; v->key->word(i); i++) {
		int value = (int)i;
		if (strcmp(v->key->word(i), v->text) == 0) {
			memcpy(at, &value, sizeof(value));
			return;
		}
		nearest_try(&near, v->key->word(i));
		str_addf(&words, "%s%s", i ? ", " : "", v->key->word(i));
	}
	refuse(v, near.best ? arena_printf(v->l->scratch, "is not one of %s; did you mean \"%s\"?",
				      words.p, near.best)
			    : arena_printf(v->l->scratch, "is not one of %s", words.p));
}

/* ---- places ------------------------------------------------------------------------------- */

static bool has_control(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return true;
	return false;
}

static void decode_path(const struct value *v, char *at)
{
	if (has_control(v->text))
		refuse(v, "has control characters");
	else if (length_fits(v, v->text))
		put_text(v, at, v->text);
}

static bool url_loopback(const char *host)
{
	static const char *const names[] = { "127.", "localhost", "[::1]" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strncmp(host, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

/* SCHEME:// or SCHEMEs:// with a host. `never`: characters that have no place in it. */
static bool url_fits(const struct value *v, const char *scheme, const char *never)
{
	size_t n = strlen(scheme);
	bool named = strncmp(v->text, scheme, n) == 0;
	bool tls = named && v->text[n] == 's';
	const char *host = v->text + n + tls + 3;

	if (!named || strncmp(v->text + n + tls, "://", 3) != 0 || !*host || *host == '/' ||
		has_control(v->text) || strpbrk(v->text, never))
		return false;
	if (!tls && !url_loopback(host))
		report_warn(v->l->report, v->node,
			"%s: %s:// to another machine shows the tokens to everybody on the way",
			v->l->path.p, scheme);
	return true;
}

static void decode_url(const struct value *v, char *at)
{
	size_t n = strlen(v->text);

	if (!length_fits(v, v->text))
		return;
	if (!n)
		put_text(v, at, NULL);
	else if (!url_fits(v, "http", " \"<>?#@"))
		refuse(v, "is not a URL such as https://slack.com/api/");
	else
		put_text(v, at, v->text[n - 1] == '/'
				? v->text : arena_printf(v->l->scratch, "%s/", v->text));
}

static void decode_socket(const struct value *v, char *at)
{
	if (!length_fits(v, v->text))
		return;
	if (*v->text && !url_fits(v, "ws", " \"<>#@"))
		refuse(v, "is not the URL of a WebSocket such as wss://relay.example.com/");
	else
		put_text(v, at, v->text);
}

static void decode_project(const struct value *v, char *at)
{
	char *upper = arena_strdup(v->l->scratch, v->text);

	if (!length_fits(v, v->text))
		return;
	for (char *p = upper; *p; p++)
		*p = isascii((unsigned char)*p) ? (char)toupper((unsigned char)*p) : *p;
	if (!*upper)
		put_text(v, at, NULL);
	else if (!isupper((unsigned char)*upper) || !all_of(upper, "_"))
		refuse(v, "is no project key; that is what stands before the number of an issue: "
			"PAY, as in PAY-12");
	else if (strcmp(upper, v->text) != 0)
		refuse(v, arena_printf(v->l->scratch, "is no project key; did you mean \"%s\"?",
				  upper));
	else
		put_text(v, at, v->text);
}

static void decode_zone(const struct value *v, char *at)
{
	if (!*v->text || strlen(v->text) > (size_t)v->key->max || !zone_known(v->text))
		refuse(v, "is not a time zone; they are named like Europe/Berlin or UTC");
	else
		put_text(v, at, v->text);
}

/* ---- references --------------------------------------------------------------------------- */

static bool variable_name(const char *s)
{
	return *s && !isdigit((unsigned char)*s) && strlen(s) <= 64 && all_of(s, "_");
}

/* A reference that leads nowhere stops a start, but not a check: there the secrets may be elsewhere. */
static void secret_missing(const struct value *v, const char *why)
{
	struct loader *l = v->l;
	const char *text = arena_printf(l->scratch, "%s: %s: %s", l->path.p,
		report_quote(l->report, v->text, strlen(v->text)), why);

	if (l->check_only)
		report_warn(l->report, v->node, "%s", text);
	else
		report_error(l->report, v->node, "%s", text);
}

static const char *secret_trim(struct arena *a, const char *p, size_t n)
{
	while (n && isspace((unsigned char)p[n - 1]))
		n--;
	while (n && isspace((unsigned char)*p)) {
		p++;
		n--;
	}
	return arena_strndup(a, p, n);
}

/* The file's text, NULL (and reported) when it cannot be had. */
static const char *secret_file(const struct value *v, const char *path)
{
	char text[SECRET_MAX + 1];
	struct stat st;
	ssize_t n = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0) {
		secret_missing(v, strerror(errno));
		return NULL;
	}
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		secret_missing(v, "is not a file");
		goto out;
	}
	n = read(fd, text, sizeof(text));
	if (n < 0)
		secret_missing(v, strerror(errno));
	else if ((size_t)n > SECRET_MAX)
		secret_missing(v, "is too long for a secret");
	else if (st.st_mode & S_IROTH)
		report_warn(v->l->report, v->node,
			"%s: everybody on this machine can read the file; chmod 600 it",
			v->l->path.p);
out:
	close(fd);
	if (n < 0 || (size_t)n > SECRET_MAX)
		return NULL;
	const char *secret = secret_trim(v->l->scratch, text, (size_t)n);
	explicit_bzero(text, sizeof(text));
	return secret;
}

static void decode_secret(const struct value *v, char *at)
{
	bool env = strncmp(v->text, "env:", 4) == 0, file = strncmp(v->text, "file:", 5) == 0;
	struct loader *l = v->l;
	const char *secret;

	if (!*v->text)
		return;
	if (!env && !file) {
		report_secret(l->report, v->node, 0,
			"%s: a secret is never written here; say where it is: env:NAME or file:PATH",
			l->path.p);
		return;
	}
	if (env && !variable_name(v->text + 4)) {
		report_secret(l->report, v->node, 0, "%s: env: needs the name of a variable",
			l->path.p);
		return;
	}
	if (file && (!v->text[5] || has_control(v->text))) {
		report_secret(l->report, v->node, 0, "%s: file: needs a path", l->path.p);
		return;
	}
	if (env) {
		const char *found = getenv(v->text + 4);
		if (!found || !*found) {
			if (v->key->may_lack && strcmp(v->text, v->key->otherwise) == 0)
				return;
			secret_missing(v, "this environment variable is not set");
			return;
		}
		secret = secret_trim(l->scratch, found, strlen(found));
	} else {
		secret = secret_file(v, v->text + 5);
		if (!secret)
			return;
	}
	log_secret(secret);
	if (!*secret)
		secret_missing(v, "there is nothing in it");
	else if (strlen(secret) > SECRET_MAX)
		secret_missing(v, "is too long for a secret");
	else if (v->key->phrase && (has_control(secret) || !text_valid(secret, strlen(secret))))
		secret_missing(v, "what is in it is not one line of text");
	else if (!v->key->phrase && !all_of(secret, "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"))
		secret_missing(v, "what is in it is not a token: one word of plain characters");
	else
		put_text(v, at, secret);
}

/* ---- the table ---------------------------------------------------------------------------- */

static const struct {
	const char *name;
	void (*decode)(const struct value *v, char *at);
} types[KEY_TYPE_COUNT] = {
	[KEY_TEXT] = { "text", decode_text },
	[KEY_WORD] = { "word", decode_word },
	[KEY_CHANNEL] = { "channel", decode_channel },
	[KEY_PERSON] = { "person", decode_person },
	[KEY_PEOPLE] = { "person or pattern", decode_people },
	[KEY_RIGHT] = { "entitlement", decode_right },
	[KEY_INT] = { "number", decode_int },
	[KEY_BOOL] = { "true or false", decode_bool },
	[KEY_DURATION] = { "duration", decode_duration },
	[KEY_OFFSET] = { "duration, may be negative", decode_offset },
	[KEY_ENUM] = { "one word", decode_enum },
	[KEY_SECRET] = { "secret: `env:NAME` or `file:PATH`", decode_secret },
	[KEY_PATH] = { "path", decode_path },
	[KEY_URL] = { "URL", decode_url },
	[KEY_SOCKET] = { "URL of a WebSocket", decode_socket },
	[KEY_PROJECT] = { "project key", decode_project },
	[KEY_JSON] = { "any value", NULL },
	[KEY_ZONE] = { "time zone", decode_zone },
	[KEY_MAP] = { "map", NULL },
	[KEY_LIST] = { "list", NULL },
	[KEY_NAMED] = { "map of names", NULL },
};

const char *value_type_name(const struct key *key)
{
	return types[key->type].name;
}

void value_range(const struct key *key, struct str *out)
{
	switch (key->type) {
	case KEY_INT:
		str_addf(out, "%lld to %lld", (long long)key->min, (long long)key->max);
		break;
	case KEY_DURATION:
	case KEY_OFFSET:
		if (key->min < 0) {
			str_add(out, "-");
			duration_format(out, -key->min);
		} else if (key->min) {
			duration_format(out, key->min);
		} else {
			str_add(out, "0");
		}
		str_add(out, " to ");
		duration_format(out, key->max);
		break;
	case KEY_LIST:
	case KEY_NAMED:
		str_addf(out, "%lld to %lld entries", (long long)key->min, (long long)key->max);
		break;
	case KEY_TEXT:
	case KEY_WORD:
	case KEY_PERSON:
	case KEY_PEOPLE:
	case KEY_RIGHT:
	case KEY_PATH:
	case KEY_URL:
	case KEY_SOCKET:
	case KEY_PROJECT:
	case KEY_ZONE:
		str_addf(out, "at most %lld bytes", (long long)key->max);
		break;
	case KEY_ENUM:
		for (size_t i = 0; key->word(i); i++)
			str_addf(out, "%s%s", i ? ", " : "", key->word(i));
		break;
	case KEY_CHANNEL:
	case KEY_BOOL:
	case KEY_SECRET:
	case KEY_JSON:
	case KEY_MAP:
		break;
	}
}

/* env:NAME in a key that is no secret: what the variable holds, else the key's default. */
static bool value_from_env(struct value *v)
{
	const char *name = v->text + 4;

	if (!variable_name(name)) {
		refuse(v, "needs the name of a variable after env:");
		return false;
	}
	const char *found = getenv(name);
	if (found && *found) {
		if (!text_valid(found, strlen(found)) || strlen(found) > PATH_MAX) {
			v->origin = name;
			refuse(v, "is not UTF-8 text, or too long");
			return false;
		}
		v->origin = name;
		v->text = found;
		return true;
	}
	if (!v->key->otherwise) {
		refuse(v, "is not set, and there is no default");
		return false;
	}
	struct node *n = NULL;
	struct source source = { .name = "", .text = v->key->otherwise,
		.len = strlen(v->key->otherwise), .shipped = true };
	if (node_parse(v->l->scratch, &source, v->l->report, &n) || !n)
		return false;
	/* A default that is a reference itself leads nowhere either: it says where a value would be. */
	v->text = strncmp(n->text, "env:", 4) == 0 ? "" : n->text;
	return true;
}

static bool value_may_be_empty(const struct key *key)
{
	switch (key->type) {
	case KEY_TEXT:
	case KEY_PATH:
	case KEY_URL:
	case KEY_SOCKET:
	case KEY_PROJECT:
		return key->min == 0;
	case KEY_CHANNEL:
	case KEY_SECRET:
		return true;
	case KEY_WORD:
	case KEY_PERSON:
	case KEY_PEOPLE:
	case KEY_RIGHT:
	case KEY_INT:
	case KEY_BOOL:
	case KEY_DURATION:
	case KEY_OFFSET:
	case KEY_ENUM:
	case KEY_JSON:
	case KEY_ZONE:
	case KEY_MAP:
	case KEY_LIST:
	case KEY_NAMED:
		break;
	}
	return false;
}

void value_decode(struct loader *l, const struct key *key, const struct node *n, char *at)
{
	struct value v = { .l = l, .key = key, .node = n, .text = n->text };

	if (memchr(n->text, 0, n->len)) {
		report_secret(l->report, n, key->type == KEY_SECRET ? 0 : n->len,
			"%s: a NUL character has no place in it", l->path.p);
		return;
	}
	if (node_empty(n))
		v.text = "";
	if (!*v.text && !value_may_be_empty(key)) {
		report_error(l->report, n, "%s needs a value", l->path.p);
		return;
	}
	if (key->type != KEY_SECRET && strncmp(v.text, "env:", 4) == 0 && !value_from_env(&v))
		return;
	types[key->type].decode(&v, at);
}

/* ---- any value, as JSON ------------------------------------------------------------------- */

static json_t *json_of_scalar(const struct node *n)
{
	JSON_CLEANUP json_t *plain = NULL;

	if (node_empty(n))
		return json_null();
	/* What JSON reads as a number or a truth value is one; the rest is text. */
	if (!n->quoted)
		plain = json_loadb(n->text, n->len, JSON_DECODE_ANY, NULL);
	if (plain && (json_is_number(plain) || json_is_boolean(plain)))
		return json_incref(plain);
	return json_stringn(n->text, n->len);
}

static bool json_text_fits(struct loader *l, const struct node *n)
{
	if (!memchr(n->text, 0, n->len))
		return true;
	report_error(l->report, n, "%s: a NUL character has no place in it", l->path.p);
	return false;
}

static json_t *json_of(struct loader *l, const struct node *n)
{
	json_t *out;

	if (n->kind == NODE_SCALAR)
		return json_text_fits(l, n) ? json_of_scalar(n) : json_null();
	out = n->kind == NODE_LIST ? json_array() : json_object();
	for (size_t i = 0; n->kind == NODE_LIST && i < n->count; i++)
		json_array_append_new(out, json_of(l, n->item[i]));
	for (size_t i = 0; n->kind == NODE_MAP && i + 1 < n->count; i += 2)
		if (n->item[i]->kind != NODE_SCALAR)
			report_error(l->report, n->item[i], "a key must be text, not %s",
				node_kind_name(n->item[i]));
		else if (json_text_fits(l, n->item[i]))
			json_object_set_new(out, n->item[i]->text, json_of(l, n->item[i + 1]));
	return out;
}

void value_json(struct loader *l, const struct node *n, char *at)
{
	JSON_CLEANUP json_t *value = json_of(l, n);
	const char *text = json_text(l->arena, value);

	memcpy(at, &text, sizeof(text));
}
