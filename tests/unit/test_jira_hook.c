#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "adapters/jira/hook.h"
#include "base/str.h"

#define NOW	 INT64_C(1772375700000)
#define SECRET	 "It's a Secret to Everybody"
#define VECTOR	 "a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"
#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static int read_with(const char *body, size_t len, const char *signature, struct request **out)
{
	/* Of its exact size, so that valgrind and the sanitizer see a read behind it. */
	char *exact = malloc(len ? len : 1);
	struct hook h = {
		.identifier = "4f1c-1", .signature = signature, .body = exact, .len = len
	};
	int status;

	assert_non_null(exact);
	memcpy(exact, body, len);
	status = hook_read(&h, signature ? SECRET : NULL, NOW, out);
	assert_int_equal(status == 0, *out != NULL);
	free(exact);
	return status;
}

static int status_of(const char *body)
{
	struct request *r;
	int status = read_with(body, strlen(body), NULL, &r);

	request_destroy(r);
	return status;
}

static void sign(const char *body, size_t len, char out[72])
{
	unsigned char mac[32];
	size_t n = 0;

	assert_non_null(EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, SECRET, strlen(SECRET),
		(const unsigned char *)body, len, mac, sizeof(mac), &n));
	memcpy(out, "sha256=", 8);
	for (size_t i = 0; i < n; i++)
		snprintf(out + 7 + 2 * i, 3, "%02x", mac[i]);
}

/* ---- who sent it ---- */

/* A signature that fits is known by what comes after it: the text is no JSON. */
static void test_vector(void **state)
{
	static const struct {
		const char *signature;
		int status;
	} cases[] = {
		{ "sha256=" VECTOR, 400 },
		{ "sha256=A4771C39FBE90F317C7824E83DDEF3CAAE9CB3D976C214ACE1F2937E133263C9", 400 },
		{ "SHA256=" VECTOR, 400 },
		{ VECTOR, 401 },
		{ "sha1=" VECTOR, 401 },
		{ "sha256=", 401 },
		{ "sha256= " VECTOR, 401 },
		{ "sha256=" VECTOR "0", 401 },
		{ "sha256=" VECTOR " ", 401 },
		{ "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c", 401 },
		{ "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c8", 401 },
		{ "sha256=b4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9", 401 },
		{ "sha256=g4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9", 401 },
		{ "sha256=0000000000000000000000000000000000000000000000000000000000000000", 401 },
		{ "", 401 },
	};
	struct request *r;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		int status = read_with("Hello World!", 12, cases[i].signature, &r);

		if (status != cases[i].status)
			fail_msg("%s: %d", cases[i].signature, status);
	}
}

static void test_unsigned(void **state)
{
	static const char body[] = "{\"issue\":{\"id\":\"10042\"}}";
	struct hook h = { .body = body, .len = sizeof(body) - 1 };
	struct request *r;

	(void)state;
	assert_int_equal(hook_read(&h, SECRET, NOW, &r), 401);
	assert_null(r);
	h.body = "not JSON";
	h.len = 8;
	assert_int_equal(hook_read(&h, SECRET, NOW, &r), 401); /* nothing was parsed */
	assert_null(r);
}

/* One bit anywhere, one byte more or less: it is not what was signed. */
static void test_tampered(void **state)
{
	static const char body[] = "{\"webhookEvent\":\"jira:issue_updated\",\"issue\":{\"id\":"
				   "\"10042\",\"key\":\"PAY-7\"}} ";
	size_t len = sizeof(body) - 1;
	char text[sizeof(body) + 1], signature[72];
	struct request *r;

	(void)state;
	sign(body, len, signature);
	assert_int_equal(read_with(body, len, signature, &r), 0);
	request_destroy(r);
	for (size_t i = 0; i < len * 8; i++) {
		memcpy(text, body, sizeof(body));
		text[i / 8] = (char)(text[i / 8] ^ (1 << i % 8));
		assert_int_equal(read_with(text, len, signature, &r), 401);
	}
	for (size_t i = 0; i < len; i++)
		assert_int_equal(read_with(body, i, signature, &r), 401);
	memcpy(text, body, len);
	text[len] = ' ';
	assert_int_equal(read_with(text, len + 1, signature, &r), 401);
}

/* ---- what it names ---- */

static const char *args_of(const char *body, char **text)
{
	struct request *r;
	int status = read_with(body, strlen(body), NULL, &r);

	if (status)
		fail_msg("%d: %s", status, body);
	assert_int_equal(r->source, REQUEST_EVENT);
	assert_string_equal(r->operation, "issue.hint");
	assert_null(r->words);
	assert_string_equal(r->actor.person, HOOK_ACTOR);
	assert_int_equal(r->received_at, NOW);
	*text = json_dumps(r->args, JSON_COMPACT | JSON_SORT_KEYS);
	request_destroy(r);
	return *text;
}

static void test_shapes(void **state)
{
	static const struct {
		const char *what, *body, *args;
	} cases[] = {
		{ "an update of Cloud",
			"{\"timestamp\":1550286678321,\"webhookEvent\":\"jira:issue_updated\","
			"\"issue_event_type_name\":\"issue_generic\",\"user\":{\"accountId\":\"a\"},"
			"\"issue\":{\"id\":\"10042\",\"self\":\"https://jira.example/rest/api/2/issue/"
			"10042\",\"key\":\"PAY-7\",\"fields\":{\"summary\":\"s\",\"updated\":"
			"\"2019-02-15T19:11:18.321-0800\"}},\"changelog\":{\"id\":\"10501\",\"items\":"
			"[]}}",
			"{\"change\":10501,\"issue\":\"10042\",\"name\":\"PAY-7\","
			"\"updated_ms\":1550286678321}" },
		{ "an old server: no type name, no timestamp, ids as numbers",
			"{\"webhookEvent\":\"jira:issue_updated\",\"issue\":{\"id\":10042,\"key\":"
			"\"PAY-7\"},\"changelog\":{\"id\":10501}}",
			"{\"change\":10501,\"issue\":\"10042\",\"name\":\"PAY-7\"}" },
		{ "deleted",
			"{\"webhookEvent\":\"jira:issue_deleted\",\"issue\":{\"id\":\"10042\",\"key\":"
			"\"PAY-7\"}}",
			"{\"deleted\":true,\"issue\":\"10042\",\"name\":\"PAY-7\"}" },
		{ "moved: the id stays, the key is the new one",
			"{\"webhookEvent\":\"jira:issue_updated\",\"issue\":{\"id\":\"10042\",\"key\":"
			"\"CORE_2-19\"},\"changelog\":{\"id\":\"3\",\"items\":[{\"field\":\"Key\","
			"\"fromString\":\"PAY-7\",\"toString\":\"CORE_2-19\"}]}}",
			"{\"change\":3,\"issue\":\"10042\",\"name\":\"CORE_2-19\"}" },
		{ "a comment without issue and user",
			"{\"timestamp\":1,\"webhookEvent\":\"comment_created\",\"comment\":{\"self\":"
			"\"https://jira.example/rest/api/2/issue/10042/comment/77\",\"id\":\"77\","
			"\"author\":{\"name\":\"alice\"},\"updated\":"
			"\"2019-02-15T19:11:18.321-0800\"}}",
			"{\"comment\":77,\"issue\":\"10042\"}" },
		{ "a comment without a body, below a path that has the word",
			"{\"webhookEvent\":\"comment_deleted\",\"comment\":{\"self\":"
			"\"https://example/issue/tracker/rest/api/2/issue/10042/comment/77?x=1\","
			"\"id\":77}}",
			"{\"comment\":77,\"issue\":\"10042\"}" },
		{ "a comment whose own issue URL has a host like an id",
			"{\"comment\":{\"self\":\"https://x/issue/9/rest/api/2/issue/10042\"}}",
			"{\"issue\":\"10042\"}" },
		{ "something behind it that is no id",
			"{\"comment\":{\"self\":\"https://x/issue/10042/comment/7/issue/seven\"}}",
			"{\"issue\":\"10042\"}" },
		{ "the second event of Data Center for one comment",
			"{\"webhookEvent\":\"jira:issue_updated\",\"issue_event_type_name\":"
			"\"issue_commented\",\"issue\":{\"id\":\"10042\",\"key\":\"PAY-7\"},\"comment\":"
			"{\"id\":\"77\"}}",
			"{\"comment\":77,\"issue\":\"10042\",\"name\":\"PAY-7\"}" },
		{ "an event nobody told us of",
			"{\"webhookEvent\":\"jira:issue_frozen\",\"issue\":{\"id\":\"10042\"}}",
			"{\"issue\":\"10042\"}" },
		{ "no event at all", "{\"issue\":{\"id\":\"10042\"}}", "{\"issue\":\"10042\"}" },
		{ "the id only in the address",
			"{\"issue\":{\"self\":\"https://x/rest/api/2/issue/10042\"}}",
			"{\"issue\":\"10042\"}" },
		{ "a key alone", "{\"issue\":{\"id\":null,\"key\":\"PAY-7\"}}",
			"{\"name\":\"PAY-7\"}" },
		{ "a key that is none", "{\"issue\":{\"id\":\"1\",\"key\":\"PAY-7; DROP\"}}",
			"{\"issue\":\"1\"}" },
		{ "a time that is none",
			"{\"issue\":{\"id\":\"1\",\"fields\":{\"updated\":\"yesterday\"}},"
			"\"changelog\":{\"id\":\"x\"}}",
			"{\"issue\":\"1\"}" },
		{ "types all wrong but for the id",
			"{\"timestamp\":[],\"webhookEvent\":7,\"user\":\"x\",\"comment\":[],"
			"\"changelog\":9,\"issue\":{\"id\":\"1\",\"key\":[],\"fields\":\"\","
			"\"self\":{}}}",
			"{\"issue\":\"1\"}" },
		{ "the largest id", "{\"issue\":{\"id\":\"9223372036854775807\"}}",
			"{\"issue\":\"9223372036854775807\"}" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *text;

		if (strcmp(args_of(cases[i].body, &text), cases[i].args) != 0)
			fail_msg("%s: %s", cases[i].what, text);
		free(text);
	}
}

/* Valid, and nothing for us: never sent again, and no reason to be. */
static void test_ignored(void **state)
{
	static const char *const bodies[] = {
		"{}",
		"{\"webhookEvent\":\"jira:version_released\",\"version\":{\"id\":\"1\"}}",
		"{\"webhookEvent\":\"user_created\",\"user\":{\"name\":\"bob\"}}",
		"{\"issue\":null}",
		"{\"issue\":[]}",
		"{\"issue\":{}}",
		"{\"issue\":{\"id\":\"\"}}",
		"{\"issue\":{\"id\":\"0\"}}",
		"{\"issue\":{\"id\":0}}",
		"{\"issue\":{\"id\":-5}}",
		"{\"issue\":{\"id\":1.5}}",
		"{\"issue\":{\"id\":\"-5\"}}",
		"{\"issue\":{\"id\":\" 5\"}}",
		"{\"issue\":{\"id\":\"5x\"}}",
		"{\"issue\":{\"id\":\"9223372036854775808\"}}",
		"{\"issue\":{\"id\":\"99999999999999999999999\"}}",
		"{\"issue\":{\"key\":\"pay-7\"}}",
		"{\"issue\":{\"key\":\"PAY\"}}",
		"{\"issue\":{\"key\":\"PAY-\"}}",
		"{\"issue\":{\"key\":\"-7\"}}",
		"{\"issue\":{\"key\":\"7-7\"}}",
		"{\"issue\":{\"key\":\"PAY-7/../8\"}}",
		"{\"webhookEvent\":\"comment_created\",\"comment\":{\"id\":\"77\"}}",
		"{\"comment\":{\"id\":\"7\",\"self\":\"https://x/rest/api/2/issue/PAY-7\"}}",
		"{\"comment\":{\"id\":\"7\",\"self\":\"https://x/rest/api/2/issue/\"}}",
		"{\"comment\":{\"id\":\"7\",\"self\":\"/issue/-1/issue/0/issue/1a\"}}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bodies); i++) {
		int status = status_of(bodies[i]);

		if (status != 200)
			fail_msg("%d: %s", status, bodies[i]);
	}
}

static void test_never_valid(void **state)
{
	static const char *const bodies[] = {
		"", " ", "x", "[]", "[{\"issue\":{\"id\":\"1\"}}]", "null", "7", "\"issue\"",
		"{\"issue\":{\"id\":\"1\"}", "{\"issue\":{\"id\":\"1\"}}}",
		"{\"issue\":{\"id\":\"1\"},\"issue\":{\"id\":\"2\"}}",
		"{\"issue\":{\"id\":\"\xff\"}}", "{'issue':{}}", "issue=1&key=PAY-7",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bodies); i++) {
		int status = status_of(bodies[i]);

		if (status != 400)
			fail_msg("%d: %s", status, bodies[i]);
	}
}

static void test_truncated(void **state)
{
	static const char body[] =
		"{\"webhookEvent\":\"comment_created\",\"comment\":{\"id\":\"7\",\"self\":"
		"\"https://x/rest/api/2/issue/10042/comment/7\"},\"t\":\"\\u00e9\xc3\xa9\"}";
	struct request *r;

	(void)state;
	for (size_t i = 0; i + 1 < sizeof(body); i++)
		assert_int_equal(read_with(body, i, NULL, &r), 400);
	assert_int_equal(read_with(body, sizeof(body) - 1, NULL, &r), 0);
	request_destroy(r);
}

static void test_huge(void **state)
{
	static const char head[] = "{\"issue\":{\"id\":\"1\"}}";
	char *body = malloc(HOOK_BODY_MAX + 1);
	struct request *r;
	char signature[72];

	(void)state;
	assert_non_null(body);
	memset(body, ' ', HOOK_BODY_MAX + 1);
	memcpy(body, head, sizeof(head) - 1);
	sign(body, HOOK_BODY_MAX, signature);
	assert_int_equal(read_with(body, HOOK_BODY_MAX, signature, &r), 0);
	request_destroy(r);
	assert_int_equal(read_with(body, HOOK_BODY_MAX + 1, signature, &r), 413);
	assert_int_equal(read_with(body, HOOK_BODY_MAX + 1, NULL, &r), 413);
	free(body);
}

static void test_deep(void **state)
{
	static const struct {
		int levels, status;
	} cases[] = { { 60, 0 }, { 70, 400 }, { 200000, 400 } };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		STR_CLEANUP struct str s;

		str_init(&s, 500000);
		str_add(&s, "{\"issue\":{\"id\":\"1\"},\"x\":");
		for (int n = 0; n < cases[i].levels; n++)
			str_addc(&s, '[');
		for (int n = 0; n < cases[i].levels; n++)
			str_addc(&s, ']');
		str_add(&s, "}");
		assert_int_equal(status_of(s.p), cases[i].status);
	}
}

/* ---- the key of a delivery ---- */

static void test_identifier(void **state)
{
	static const char body[] = "{\"issue\":{\"id\":\"1\"}}";
	char long_one[200];
	struct {
		const char *identifier, *key;
	} cases[] = {
		{ "4f1c-1", "jira:hook:4f1c-1" },
		{ "{A/B=}", "jira:hook:{A/B=}" },
		{ NULL, NULL },
		{ "", NULL },
		{ "a b", NULL },
		{ "a\nb", NULL },
		{ "\xc3\xa9", NULL },
		{ long_one, NULL },
	};

	(void)state;
	memset(long_one, 'a', sizeof(long_one));
	long_one[sizeof(long_one) - 1] = '\0';
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct hook h = { .identifier = cases[i].identifier,
			.body = body,
			.len = sizeof(body) - 1 };
		struct request *r;

		assert_int_equal(hook_read(&h, NULL, NOW, &r), 0);
		assert_int_equal(r->key_count, cases[i].key ? 1 : 0);
		if (cases[i].key)
			assert_string_equal(r->keys[0], cases[i].key);
		request_destroy(r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vector),
		cmocka_unit_test(test_unsigned),
		cmocka_unit_test(test_tampered),
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_ignored),
		cmocka_unit_test(test_never_valid),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_huge),
		cmocka_unit_test(test_deep),
		cmocka_unit_test(test_identifier),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
