#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <stdlib.h>

#include "base/base64.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

/* Of their exact sizes, so that the sanitizer sees a step beside them. */
static bool decode(const char *text, size_t n, char *out, size_t *len)
{
	char *in = malloc(n ? n : 1);
	unsigned char *bytes = malloc(BASE64_BYTES_MAX(n) + (n < 4));
	bool fine;

	assert_non_null(in);
	assert_non_null(bytes);
	memcpy(in, text, n);
	fine = base64_decode(in, n, bytes, len);
	if (fine)
		memcpy(out, bytes, *len);
	free(in);
	free(bytes);
	return fine;
}

/* RFC 4648 §10 */
static void test_vectors(void **state)
{
	static const struct {
		const char *text, *bytes;
	} cases[] = {
		{ "", "" }, { "Zg==", "f" }, { "Zm8=", "fo" }, { "Zm9v", "foo" },
		{ "Zm9vYg==", "foob" }, { "Zm9vYmE=", "fooba" }, { "Zm9vYmFy", "foobar" },
		{ "+/+/", "\xfb\xff\xbf" },
	};
	char out[64];
	size_t len;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_true(decode(cases[i].text, strlen(cases[i].text), out, &len));
		assert_int_equal(len, strlen(cases[i].bytes));
		assert_memory_equal(out, cases[i].bytes, len);
	}
}

static void test_refused(void **state)
{
	static const char *const cases[] = {
		"Z", "Zg", "Zg=", "Zm9", "Zm9vY", "=", "==", "===", "====", "Z===", "Zg==Zg==",
		"Zm=v", "=Zm9", "Zm9v\n", "Zm9\n", " Zm9", "Zm9v    ", "Zm 9", "-_-_", "Zh==", "Zm9=",
		"Zm8*", "\xc3\xa9\xc3\xa9",
	};
	char out[64];
	size_t len;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		if (decode(cases[i], strlen(cases[i]), out, &len))
			fail_msg("\"%s\" was taken", cases[i]);
	assert_false(decode("Zm\0v", 4, out, &len));
}

static void test_all_bytes(void **state)
{
	unsigned char bytes[256], text[400];
	char out[400];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * 7);
	for (int n = 0; n <= 256; n++) {
		size_t len;
		int chars = EVP_EncodeBlock(text, bytes, n);

		assert_true(decode((const char *)text, (size_t)chars, out, &len));
		assert_int_equal(len, n);
		assert_memory_equal(out, bytes, len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_all_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
