/* Any body: refused, let be, or a hint that names an issue and nothing else. The first byte chooses
 * whether it has to be signed. */
#include <openssl/evp.h>

#include "adapters/jira/hook.h"
#include "tests/fuzz/fuzz.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
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
	return 0;
}
