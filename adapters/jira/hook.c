#include "adapters/jira/hook.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/duration.h"
#include "base/text.h"

#define MAC_SIZE       32
#define SIGNED_WITH    "sha256="
#define IDENTIFIER_MAX 128
#define NAME_MAX_LEN   96

/* ---- who sent it ---- */

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "sha256=" and exactly 64 digits. */
static bool signature_read(const char *text, unsigned char out[MAC_SIZE])
{
	if (!text || !text_prefix_fold(SIGNED_WITH, text))
		return false;
	text += strlen(SIGNED_WITH);
	for (size_t i = 0; i < MAC_SIZE; i++, text += 2) {
		int high = hex_value(text[0]);
		int low = high < 0 ? -1 : hex_value(text[1]);

		if (low < 0)
			return false;
		out[i] = (unsigned char)(high << 4 | low);
	}
	return !*text;
}

static bool signature_fits(const struct hook *h, const char *secret)
{
	unsigned char said[MAC_SIZE], made[MAC_SIZE];
	size_t n = 0;

	if (!signature_read(h->signature, said))
		return false;
	if (!EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, secret, strlen(secret),
		    (const unsigned char *)h->body, h->len, made, sizeof(made), &n))
		return false;
	return n == MAC_SIZE && CRYPTO_memcmp(said, made, MAC_SIZE) == 0;
}

/* ---- what it names ---- */

struct names {
	int64_t issue, comment, change; /* 0: not said */
	const char *name;		/* "PAY-123"; NULL */
	int64_t updated_ms;		/* 0 */
	bool deleted;
};

/* An id is a positive number, written as a number or as text. 0: it is none. */
static int64_t id_in_text(const char *p, size_t n)
{
	char digits[20];

	if (n == 0 || n >= sizeof(digits) || strspn(p, "0123456789") < n)
		return 0;
	memcpy(digits, p, n);
	digits[n] = '\0';
	errno = 0;

	long long id = strtoll(digits, NULL, 10);

	return errno ? 0 : id;
}

static int64_t id_of(const json_t *object)
{
	const json_t *id = json_object_get(object, "id");

	if (json_is_string(id))
		return id_in_text(json_string_value(id), json_string_length(id));
	return json_is_integer(id) && json_integer_value(id) > 0 ? json_integer_value(id) : 0;
}

/* "https://…/rest/api/2/issue/10042/comment/7" → 10042. Only read, never fetched. */
static int64_t issue_in_url(const char *url)
{
	static const char part[] = "/issue/";
	int64_t id = 0;

	/* The last one counts: a context path may have the same word. */
	for (const char *p = url ? strstr(url, part) : NULL; p; p = strstr(p, part)) {
		p += sizeof(part) - 1;
		int64_t found = id_in_text(p, strcspn(p, "/?#"));

		id = found ? found : id;
	}
	return id;
}

/* "PAY-123": capitals, digits and _, of which the first is a letter. */
static bool name_valid(const char *name)
{
	static const char digits[] = "0123456789";
	size_t n;

	if (!name || strlen(name) > NAME_MAX_LEN || *name < 'A' || *name > 'Z')
		return false;
	n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
	if (name[n++] != '-' || !name[n])
		return false;
	return !name[n + strspn(name + n, digits)];
}

static void read_names(json_t *root, struct names *out)
{
	const char *event = json_get_str(root, "webhookEvent");
	const json_t *issue = json_get_obj(root, "issue"), *comment = json_get_obj(root, "comment");
	const char *name = json_get_str(issue, "key");
	const char *updated = json_get_str(json_get_obj(issue, "fields"), "updated");

	*out = (struct names){
		.issue = id_of(issue),
		.comment = id_of(comment),
		.change = id_of(json_get_obj(root, "changelog")),
		.name = name_valid(name) ? name : NULL,
		.deleted = event && strcmp(event, "jira:issue_deleted") == 0,
	};
	if (!out->issue)
		out->issue = issue_in_url(json_get_str(issue, "self"));
	if (!out->issue && !out->name)
		out->issue = issue_in_url(json_get_str(comment, "self"));
	if (updated && !time_stamp_parse(updated, &out->updated_ms))
		out->updated_ms = 0;
}

static json_t *names_args(const struct names *n)
{
	json_t *args = json_object();
	char id[24];

	snprintf(id, sizeof(id), "%lld", (long long)n->issue);
	if (n->issue)
		json_object_set_new(args, "issue", json_string(id));
	if (n->name)
		json_object_set_new(args, "name", json_string(n->name));
	if (n->updated_ms)
		json_object_set_new(args, "updated_ms", json_integer(n->updated_ms));
	if (n->change)
		json_object_set_new(args, "change", json_integer(n->change));
	if (n->comment)
		json_object_set_new(args, "comment", json_integer(n->comment));
	if (n->deleted)
		json_object_set_new(args, "deleted", json_true());
	return args;
}

/* A key that we cannot trust to be one is none: the hint is then looked at each time, which costs
 * one read. */
static bool identifier_valid(const char *id)
{
	size_t n = 0;

	for (; id && id[n]; n++)
		if (id[n] <= ' ' || id[n] > '~' || n == IDENTIFIER_MAX)
			return false;
	return n != 0;
}

static struct request *hint(const struct hook *h, const struct names *n, int64_t now)
{
	struct request *r = request_create(REQUEST_EVENT);

	r->actor.person = HOOK_ACTOR;
	r->operation = "issue.hint";
	r->args = names_args(n);
	r->received_at = now;
	if (identifier_valid(h->identifier))
		request_add_key(r, "jira:hook:", h->identifier);
	return r;
}

int hook_read(const struct hook *h, const char *secret, int64_t now, struct request **out)
{
	JSON_CLEANUP json_t *root = NULL;
	struct names names;
	struct error err;

	*out = NULL;
	if (h->len > HOOK_BODY_MAX)
		return 413;
	if (secret && !signature_fits(h, secret))
		return 401;
	if (json_parse(h->body, h->len, HOOK_BODY_MAX, &root, &err) < 0 || !json_is_object(root))
		return 400;
	read_names(root, &names);
	if (!names.issue && !names.name)
		return 200;
	*out = hint(h, &names, now);
	return 0;
}
