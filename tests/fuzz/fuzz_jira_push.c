/* What Jira or a relay pushes: webhook bodies and relay frames. */
#include <openssl/evp.h>

#include "adapters/jira/hook.h"
#include "adapters/jira/relay_frame.h"
#include "tests/fuzz/fuzz.h"

/* ---- hook ------------------------------------------------------------------------------------ */

/* Any body: refused, let be, or a hint that names an issue and nothing else. The next byte chooses whether it has to be
 * signed. */
#define SECRET "It's a Secret to Everybody"

static const char *const allowed[] = {
	"issue", "name", "updated_ms", "change", "comment", "deleted",
};

static bool is_allowed(const char *key)
{
	for (size_t i = 0; i < sizeof(allowed) / sizeof(*allowed); i++)
		if (strcmp(key, allowed[i]) == 0)
			return true;
	return false;
}

static void check_request(struct request *r)
{
	const char *key, *issue = json_get_str(r->args, "issue"),
			 *name = json_get_str(r->args, "name");
	json_t *value;

	MUST(r->source == REQUEST_EVENT && strcmp(r->operation, "issue.hint") == 0);
	MUST(issue || name);
	MUST(!issue || (strspn(issue, "0123456789") == strlen(issue) && strtoll(issue, NULL, 10) > 0));
	MUST(!name || (strlen(name) < 128 && strchr(name, '-') && !strpbrk(name, " /\\\"'<>\n")));
	MUST(json_get_int(r->args, "change", 1) > 0 && json_get_int(r->args, "comment", 1) > 0);
	MUST(json_get_int(r->args, "updated_ms", 1) > 0);
	json_object_foreach (r->args, key, value)
		MUST(is_allowed(key) && !json_is_object(value) && !json_is_array(value));
}

static void sign(const char *body, size_t n, char out[72])
{
	unsigned char mac[32];
	size_t len = 0;

	MUST(EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, SECRET, strlen(SECRET),
		(const unsigned char *)body, n, mac, sizeof(mac), &len));
	memcpy(out, "sha256=", 8);
	for (size_t i = 0; i < len; i++)
		snprintf(out + 7 + 2 * i, 3, "%02X", mac[i]);
}

static void hook(const uint8_t *data, size_t size)
{
	bool is_signed = size && data[0] & 1;
	char *text = fuzz_string(size ? data + 1 : data, size ? size - 1 : 0);
	struct hook h = { .identifier = "1", .body = text, .len = size ? size - 1 : 0 };
	struct request *r = NULL, *without = NULL;
	char signature[72];
	int status;

	/* What nobody signed goes no further; the body as a signature is one as good as never. */
	h.signature = text;
	MUST(hook_read(&h, SECRET, 1000, &r) == (h.len > HOOK_BODY_MAX ? 413 : 401) && !r);
	sign(text, h.len, signature);
	h.signature = signature;
	status = hook_read(&h, is_signed ? SECRET : NULL, 1000, &r);
	MUST(status == 0 || status == 200 || status == 400 || status == 413);
	MUST((status == 0) == (r != NULL));
	if (r)
		check_request(r);
	MUST(hook_read(&h, is_signed ? NULL : SECRET, 1000, &without) == status);
	request_destroy(r);
	request_destroy(without);
	free(text);
}

/* ---- relay ----------------------------------------------------------------------------------- */

/* Any frame of a relay: read, or dropped; what comes out of it keeps its promises. */
static void check_event(const struct relay_frame *f)
{
	char *answer;
	json_t *back;
	struct error err;

	MUST(f->id && *f->id && strlen(f->id) <= RELAY_ID_MAX);
	MUST(f->refuse == 0 || f->refuse == 400 || f->refuse == 405);
	MUST(f->refuse || f->hook.body);
	/* Read in whole, so that the sanitizer sees where it ends. */
	if (!f->refuse) {
		char *copy = fuzz_string((const uint8_t *)f->hook.body, f->hook.len);

		free(copy);
	}
	answer = relay_frame_answer(f->id, 200);
	MUST(json_parse(answer, strlen(answer), RELAY_FRAME_MAX, &back, &err) == 0);
	MUST(strcmp(json_string_value(json_at(back, "data.id")), f->id) == 0);
	json_decref(back);
	free(answer);
}

static void relay(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size);
	struct relay_frame f;

	relay_frame_read(text, size, &f);
	if (f.kind == RELAY_EVENT)
		check_event(&f);
	else
		MUST(!f.id && !f.body);
	for (const char *p = f.why; *p; p++)
		MUST(*p >= ' ' && *p <= '~');
	MUST(strlen(f.why) < sizeof(f.why));
	relay_frame_finish(&f);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static fuzz_part *const part[] = { hook, relay };

	fuzz_choose("hr", part, data, size);
	return 0;
}
