// SPDX-License-Identifier: Apache-2.0
/* The form of a quote: deterministic CBOR, headers, and nothing else. */
#include "check.h"

#include <string.h>

#define ENCODING	CLOISTER_VERIFY_EENCODING
#define HEADER		CLOISTER_VERIFY_EHEADER
#define CLAIM		CLOISTER_VERIFY_ECLAIM

static const int algorithms[] = { CLOISTER_COSE_ALG_ES256, CLOISTER_COSE_ALG_ES384 };

/* Claims whose value is encoded in a wrong way. */
static const struct {
	const char *name;
	int64_t label;
	const char *value;
	size_t len;
	struct refusal refusal;
} values[] = {
	{ "an integer in one byte too many", CLOISTER_CLAIM_REGION_FLAGS, "\x18\x01", 2,
	  { ENCODING, "encoding", "shortest form", "2 bytes" } },
	{ "an integer in two bytes too many", CLOISTER_CLAIM_REGION_FLAGS, "\x19\x00\x01", 3,
	  { ENCODING, "encoding", "1 bytes, the shortest form", "3 bytes" } },
	{ "an integer in nine bytes", CLOISTER_CLAIM_REGION_SIZE,
	  "\x1b\x00\x00\x00\x00\x00\x10\x00\x00", 9,
	  { ENCODING, "encoding", "5 bytes, the shortest form", "9 bytes" } },
	{ "text with a long head", CLOISTER_CLAIM_MODE, "\x78\x06kernel", 8,
	  { ENCODING, "encoding", "shortest form", "2 bytes" } },
	{ "bytes with a long head", CLOISTER_CLAIM_INSTANCE_ID,
	  "\x58\x10" "0123456789abcdef", 18,
	  { ENCODING, "encoding", "shortest form", "2 bytes" } },
	{ "text of indefinite length", CLOISTER_CLAIM_MODE, "\x7f\x66kernel\xff", 9,
	  { ENCODING, "encoding", "deterministically encoded",
	    "a text string of indefinite length" } },
	{ "bytes of indefinite length", CLOISTER_CLAIM_INSTANCE_ID,
	  "\x5f\x50" "0123456789abcdef\xff", 19,
	  { ENCODING, "encoding", "deterministically encoded",
	    "a byte string of indefinite length" } },
	{ "an array of indefinite length", CLOISTER_CLAIM_MODE, "\x9f\xff", 2,
	  { ENCODING, "encoding", "deterministically encoded",
	    "an array of indefinite length" } },
	{ "a map of indefinite length as value", CLOISTER_CLAIM_MODE, "\xbf\xff", 2,
	  { ENCODING, "encoding", "deterministically encoded", "a map of indefinite length" } },
	{ "a half-precision number", CLOISTER_CLAIM_REGION_FLAGS, "\xf9\x3c\x00", 3,
	  { ENCODING, "encoding", "deterministically encoded", "floating-point" } },
	{ "a single-precision number", CLOISTER_CLAIM_REGION_FLAGS, "\xfa\x3f\x80\x00\x00", 5,
	  { ENCODING, "encoding", "deterministically encoded", "floating-point" } },
	{ "a double-precision number", CLOISTER_CLAIM_REGION_FLAGS,
	  "\xfb\x3f\xf0\x00\x00\x00\x00\x00\x00", 9,
	  { ENCODING, "encoding", "deterministically encoded", "floating-point" } },
	{ "null", CLOISTER_CLAIM_MODE, "\xf6", 1,
	  { ENCODING, "encoding", "deterministically encoded", "null" } },
	{ "undefined", CLOISTER_CLAIM_MODE, "\xf7", 1,
	  { ENCODING, "encoding", "deterministically encoded", "null or undefined" } },
	{ "a simple value", CLOISTER_CLAIM_DEBUG_EVER, "\xe0", 1,
	  { ENCODING, "encoding", "deterministically encoded", "reserved" } },
	{ "a simple value in two bytes", CLOISTER_CLAIM_DEBUG_EVER, "\xf8\xff", 2,
	  { ENCODING, "encoding", "deterministically encoded", "reserved" } },
	{ "true in two bytes", CLOISTER_CLAIM_DEBUG_EVER, "\xf8\x15", 2,
	  { ENCODING, "encoding", "deterministically encoded", "reserved" } },
	{ "a break", CLOISTER_CLAIM_MODE, "\xff", 1,
	  { ENCODING, "encoding", "deterministically encoded", "a break" } },
	{ "a reserved additional value", CLOISTER_CLAIM_REGION_FLAGS, "\x1c", 1,
	  { ENCODING, "encoding", "deterministically encoded", "reserved" } },
	{ "a string longer than the quote", CLOISTER_CLAIM_IOMMU, "\x7a\xff\xff\xff\xff", 5,
	  { ENCODING, "encoding", "a whole item", "the end after 5 bytes" } },
	{ "a string of 2^64-1 bytes", CLOISTER_CLAIM_IOMMU, "\x7b\xff\xff\xff\xff\xff\xff\xff\xff",
	  9, { ENCODING, "encoding", "a whole item", "the end after 9 bytes" } },
	{ "text where an integer belongs", CLOISTER_CLAIM_REGION_FLAGS, "\x61\x31", 2,
	  { CLAIM, "region-flags", "an unsigned integer", "a text string" } },
	{ "a negative integer", CLOISTER_CLAIM_REGION_FLAGS, "\x20", 1,
	  { CLAIM, "region-flags", "an unsigned integer", "a negative integer" } },
	{ "bytes where text belongs", CLOISTER_CLAIM_MODE, "\x46kernel", 7,
	  { CLAIM, "mode", "a text string of 1 to 64 bytes", "a byte string" } },
	{ "text where bytes belong", CLOISTER_CLAIM_INSTANCE_ID, "\x70" "0123456789abcdef", 17,
	  { CLAIM, "instance-id", "a byte string of 16 bytes", "a text string" } },
	{ "an integer where a bool belongs", CLOISTER_CLAIM_DEBUG_EVER, "\x00", 1,
	  { CLAIM, "debug-ever", "a bool", "an unsigned integer" } },
	{ "a bool where text belongs", CLOISTER_CLAIM_LOCKDOWN, "\xf4", 1,
	  { CLAIM, "lockdown", "a text string", "a bool" } },
	{ "an array as value", CLOISTER_CLAIM_LOCKDOWN, "\x80", 1,
	  { CLAIM, "lockdown", "a text string", "an array" } },
	{ "a nested array as value", CLOISTER_CLAIM_LOCKDOWN,
	  "\x81\x81\x81\x81\x81\x81\x81\x81\x81\x80", 10,
	  { CLAIM, "lockdown", "a text string", "an array" } },
	{ "a map as value", CLOISTER_CLAIM_NONCE, "\xa0", 1,
	  { CLAIM, "nonce", "a byte string of 8 to 64 bytes", "a map" } },
	{ "a tagged value", CLOISTER_CLAIM_NONCE, "\xc1\x48" "01234567", 10,
	  { CLAIM, "nonce", "a byte string of 8 to 64 bytes", "a tag" } },
};

static void test_values(struct check *check)
{
	struct test_quote quote;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(values); i++) {
		test_quote_default(&quote, &check->world, CLOISTER_COSE_ALG_ES256);
		test_claim_raw(&quote, values[i].label, values[i].value, values[i].len);
		check_refused(check, &quote, &values[i].refusal, values[i].name);
	}
}

static void swap_claims(struct test_quote *quote, unsigned int a, unsigned int b)
{
	struct test_claim claim = quote->claim[a];

	quote->claim[a] = quote->claim[b];
	quote->claim[b] = claim;
}

static void test_map(struct check *check)
{
	static const struct refusal again = { ENCODING, "encoding", "each key of a map once",
					      "the key 10 again" };
	static const struct refusal order = { ENCODING, "encoding",
					      "keys of a map in ascending order",
					      "the key 10 after a greater one" };
	static const struct refusal sign = { ENCODING, "encoding",
					     "keys of a map in ascending order",
					     "the key 265 after a greater one" };
	static const struct refusal indefinite = { ENCODING, "encoding",
						   "deterministically encoded",
						   "a map of indefinite length" };
	static const struct refusal wide = { ENCODING, "encoding", "shortest form", "3 bytes" };
	static const struct refusal tail = { ENCODING, "encoding", "the end", "1 more bytes" };
	struct test_quote quote;

	test_quote_default(&quote, &check->world, CLOISTER_COSE_ALG_ES256);
	memmove(quote.claim + 1, quote.claim, quote.claims * sizeof(quote.claim[0]));
	quote.claims++;
	check_refused(check, &quote, &again, "a duplicate key");

	test_quote_default(&quote, &check->world, CLOISTER_COSE_ALG_ES256);
	swap_claims(&quote, 0, 1);
	check_refused(check, &quote, &order, "a map with its first two keys swapped");

	test_quote_default(&quote, &check->world, CLOISTER_COSE_ALG_ES256);
	swap_claims(&quote, 2, 3);
	check_refused(check, &quote, &sign, "a map with a negative key before a positive one");

	test_quote_default(&quote, &check->world, CLOISTER_COSE_ALG_ES256);
	quote.map_indefinite = true;
	check_refused(check, &quote, &indefinite, "a payload of indefinite length");

	test_quote_default(&quote, &check->world, CLOISTER_COSE_ALG_ES256);
	quote.map_wide = true;
	check_refused(check, &quote, &wide, "a map whose count takes two bytes");

	test_quote_default(&quote, &check->world, CLOISTER_COSE_ALG_ES256);
	quote.payload_tail = true;
	check_refused(check, &quote, &tail, "a byte after the payload's map");

	test_quote_default(&quote, &check->world, CLOISTER_COSE_ALG_ES256);
	quote.tail = true;
	check_refused(check, &quote, &tail, "a byte after the quote");
}

/* Headers that are wrong. */
enum header_place {
	PROTECTED,
	UNPROTECTED,
	BEGIN,
};

#define CONTENT_TYPE	"\x78\x18" CLOISTER_QUOTE_CONTENT_TYPE

static const struct {
	const char *name;
	enum header_place place;
	const char *bytes;
	size_t len;
	struct refusal refusal;
} headers[] = {
	{ "a protected header without content type", PROTECTED, "\xa1\x01\x26", 3,
	  { HEADER, "protected header", "a map of 2 entries", "1" } },
	{ "an empty protected header", PROTECTED, "\xa0", 1,
	  { HEADER, "protected header", "a map of 2 entries", "0" } },
	{ "a protected header with a third key", PROTECTED,
	  "\xa3\x01\x26\x03" CONTENT_TYPE "\x04\x41\x00", 33,
	  { HEADER, "protected header", "a map of 2 entries", "3" } },
	{ "a protected header with crit", PROTECTED, "\xa2\x01\x26\x02\x81\x01", 6,
	  { HEADER, "protected header", "3 (content type)", "2" } },
	{ "a protected header without alg", PROTECTED, "\xa2\x03" CONTENT_TYPE "\x04\x41\x00", 31,
	  { HEADER, "protected header", "1 (alg)", "3" } },
	{ "the algorithm EdDSA", PROTECTED, "\xa2\x01\x27\x03" CONTENT_TYPE, 30,
	  { HEADER, "algorithm", "-7 (ES256) or -35 (ES384)", "-8" } },
	{ "the algorithm ES512", PROTECTED, "\xa2\x01\x38\x23\x03" CONTENT_TYPE, 31,
	  { HEADER, "algorithm", "-7 (ES256) or -35 (ES384)", "-36" } },
	{ "an algorithm in text", PROTECTED, "\xa2\x01\x65" "ES256\x03" CONTENT_TYPE, 35,
	  { HEADER, "algorithm", "an integer", "a text string" } },
	{ "a content type of another kind", PROTECTED, "\xa2\x01\x26\x03\x00", 5,
	  { HEADER, "content type", "a text string", "an unsigned integer" } },
	{ "another content type", PROTECTED,
	  "\xa2\x01\x26\x03\x78\x18" "application/eat-ucs+cboR", 30,
	  { HEADER, "content type", CLOISTER_QUOTE_CONTENT_TYPE, "another text" } },
	{ "a shorter content type", PROTECTED, "\xa2\x01\x26\x03\x77" "application/eat-ucs+cbo", 28,
	  { HEADER, "content type", CLOISTER_QUOTE_CONTENT_TYPE, "another text" } },
	{ "a protected header out of order", PROTECTED, "\xa2\x03" CONTENT_TYPE "\x01\x26", 30,
	  { HEADER, "protected header", "1 (alg)", "3" } },
	{ "alg twice", PROTECTED, "\xa2\x01\x26\x01\x26", 5,
	  { ENCODING, "encoding", "each key of a map once", "the key 1 again" } },
	{ "a byte after the protected map", PROTECTED, "\xa2\x01\x26\x03" CONTENT_TYPE "\x00", 31,
	  { ENCODING, "encoding", "the end", "1 more bytes" } },
	{ "an unprotected algorithm", UNPROTECTED, "\xa1\x01\x26", 3,
	  { HEADER, "unprotected header", "33 (x5chain)", "1" } },
	{ "a key identifier", UNPROTECTED, "\xa1\x04\x41\x00", 4,
	  { HEADER, "unprotected header", "33 (x5chain)", "4" } },
	{ "two unprotected headers", UNPROTECTED, "\xa2\x04\x41\x00\x18\x21\x41\x00", 8,
	  { HEADER, "unprotected header", "a map of 0 to 1 entries", "2" } },
	{ "an unprotected array", UNPROTECTED, "\x80", 1,
	  { HEADER, "unprotected header", "a map", "an array" } },
	{ "x5chain as text", UNPROTECTED, "\xa1\x18\x21\x61\x30", 5,
	  { HEADER, "x5chain", "a byte string", "a text string" } },
	{ "an empty certificate", UNPROTECTED, "\xa1\x18\x21\x40", 4,
	  { HEADER, "x5chain", "a byte string of 1 to 8192 bytes", "0" } },
	{ "an empty array of certificates", UNPROTECTED, "\xa1\x18\x21\x80", 4,
	  { HEADER, "x5chain", "an array of 2 to 4 items", "0" } },
	{ "five certificates", UNPROTECTED, "\xa1\x18\x21\x85\x41\x30\x41\x30\x41\x30\x41\x30"
	  "\x41\x30", 14, { HEADER, "x5chain", "an array of 2 to 4 items", "5" } },
	{ "no tag", BEGIN, "\x84", 1,
	  { ENCODING, "COSE_Sign1", "the tag 18", "0x84" } },
	{ "the tag of COSE_Sign", BEGIN, "\xd8\x62\x84", 3,
	  { ENCODING, "COSE_Sign1", "the tag 18", "0xd8" } },
	{ "the tag in two bytes", BEGIN, "\xd8\x12\x84", 3,
	  { ENCODING, "COSE_Sign1", "the tag 18, 0xd2,", "0xd8" } },
	{ "a CWT tag around it", BEGIN, "\xd8\x3d\xd2\x84", 4,
	  { ENCODING, "COSE_Sign1", "the tag 18", "0xd8" } },
	{ "an array of three", BEGIN, "\xd2\x83", 2,
	  { ENCODING, "COSE_Sign1", "an array of 4 items", "3" } },
	{ "an array of five", BEGIN, "\xd2\x85", 2,
	  { ENCODING, "COSE_Sign1", "an array of 4 items", "5" } },
	{ "an array of indefinite length around it", BEGIN, "\xd2\x9f", 2,
	  { ENCODING, "encoding", "deterministically encoded", "an array of indefinite length" } },
};

static void test_headers(struct check *check)
{
	static struct test_bytes bytes;
	struct test_quote quote;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(headers); i++) {
		bytes.len = 0;
		put(&bytes, headers[i].bytes, headers[i].len);
		test_quote_default(&quote, &check->world, CLOISTER_COSE_ALG_ES256);
		if (headers[i].place == PROTECTED)
			quote.protected_header = &bytes;
		else if (headers[i].place == UNPROTECTED)
			quote.unprotected = &bytes;
		else
			quote.begin = &bytes;
		check_refused(check, &quote, &headers[i].refusal, headers[i].name);
	}
}

static void test_x5chain_form(struct check *check)
{
	static const struct refusal array = { HEADER, "x5chain", "an array of 2 to 4 items", "1" };
	static const struct refusal large = { HEADER, "x5chain", "at most 8192 bytes", "9000" };
	static struct test_bytes header;
	static const uint8_t cert[4500];
	struct test_quote quote;

	test_quote_default(&quote, &check->world, CLOISTER_COSE_ALG_ES256);
	quote.cert_array = true;
	check_refused(check, &quote, &array, "one certificate in an array");

	put(&header, "\xa1\x18\x21\x82", 4);
	put_string(&header, 2, cert, sizeof(cert));
	put_string(&header, 2, cert, sizeof(cert));
	test_quote_default(&quote, &check->world, CLOISTER_COSE_ALG_ES256);
	quote.unprotected = &header;
	check_refused(check, &quote, &large, "a chain of 9000 bytes");
}

static void test_sizes(struct check *check)
{
	static const struct refusal empty = { ENCODING, "encoding", "the tag 18, 0xd2, at byte 0",
					      "the end" };
	static const struct refusal large = { ENCODING, "length of the quote",
					      "at most 16384 bytes", "16385" };
	static const struct refusal deep = { ENCODING, "COSE_Sign1", "an array of 4 items", "1" };
	static const struct refusal tags = { ENCODING, "COSE_Sign1", "the tag 18", "0xd1" };
	static const struct refusal signature = { ENCODING, "signature",
						  "64 bytes for algorithm -7", "96" };
	static struct test_bytes bytes;
	struct test_quote quote;

	bytes.len = 0;
	check_bytes_refused(check, &bytes, &empty, "an empty quote");
	memset(bytes.data, 0x81, sizeof(bytes.data));
	bytes.data[0] = 0xd2;
	bytes.len = CLOISTER_QUOTE_MAX_LEN;
	check_bytes_refused(check, &bytes, &deep, "an array 16 thousand deep");
	bytes.len++;
	check_bytes_refused(check, &bytes, &large, "a quote of 16385 bytes");
	memset(bytes.data, 0xd1, sizeof(bytes.data));
	bytes.len = CLOISTER_QUOTE_MAX_LEN;
	check_bytes_refused(check, &bytes, &tags, "16 thousand tags");

	test_quote_default(&quote, &check->world, CLOISTER_COSE_ALG_ES256);
	quote.key = check->world.ak384;
	check_refused(check, &quote, &signature, "a signature of 96 bytes for ES256");
}

/* Counts the quotes that are not refused when they are cut short. */
static void test_truncation(struct check *check, int algorithm)
{
	static struct test_bytes bytes;
	struct cloister_result *result;
	struct test_quote quote;
	unsigned int wrong = 0;
	uint8_t *exact;
	size_t len;

	test_quote_default(&quote, &check->world, algorithm);
	test_quote_build(&quote, &bytes);
	for (len = 0; len < bytes.len; len++) {
		/* Memory of just this length: the sanitizer sees what reads past it. */
		exact = OPENSSL_memdup(bytes.data, len ? len : 1);
		if (cloister_verify(check->verifier, check->policy, exact, len, &result) !=
		    CLOISTER_VERIFY_EENCODING)
			wrong++;
		cloister_result_free(result);
		OPENSSL_free(exact);
	}
	tap_ok(!wrong, "a quote (%d) cut at each of its %zu bytes is refused", algorithm,
	       bytes.len);
}

/*
 * A bit of every byte, one that moves with the byte's place; and its mirror image too where
 * that does not take long: P-384 is slow.
 */
static void test_flips(struct check *check, int algorithm, unsigned int certs)
{
	static struct test_bytes bytes;
	struct cloister_result *result;
	struct test_quote quote;
	bool slow = algorithm == CLOISTER_COSE_ALG_ES384 || certs > 1;
	unsigned int wrong = 0;
	uint8_t mask;
	size_t i;

	test_quote_default(&quote, &check->world, algorithm);
	if (certs == 3) {
		quote.cert[0] = check->world.middle_leaf;
		quote.cert[1] = check->world.middle;
		quote.cert[2] = check->world.root;
		quote.certs = 3;
	}
	if (!check_accepted(check, &quote, "the quote whose bits are going to be flipped"))
		return;
	test_quote_build(&quote, &bytes);
	for (i = 0; i < 2 * bytes.len; i += slow ? 2 : 1) {
		mask = i % 2 ? 0x80 >> (i / 2 % 8) : 1 << (i / 2 % 8);
		bytes.data[i / 2] ^= mask;
		if (!cloister_verify(check->verifier, check->policy, bytes.data, bytes.len,
				     &result)) {
			tap_note("byte %zu, bit 0x%02x", i / 2, mask);
			wrong++;
		}
		cloister_result_free(result);
		bytes.data[i / 2] ^= mask;
	}
	tap_ok(!wrong, "a quote (%d, %u certificates) with a bit of any of its %zu bytes flipped "
	       "is refused", algorithm, certs, bytes.len);
}

static void test_inspect_refuses(struct check *check)
{
	static struct test_bytes bytes;
	struct cloister_result *result;
	struct test_quote quote;
	int code;

	test_quote_default(&quote, &check->world, CLOISTER_COSE_ALG_ES256);
	test_quote_build(&quote, &bytes);
	code = cloister_inspect(bytes.data, bytes.len - 1, &result);
	tap_ok(code == CLOISTER_VERIFY_EENCODING && cloister_result_failures(result) == 1 &&
	       strstr(cloister_result_sentence(result), "a whole item"),
	       "an incomplete quote can't be inspected");
	cloister_result_free(result);
}

int main(void)
{
	struct check check;
	struct test_quote quote;
	size_t i;

	check_setup(&check);
	for (i = 0; i < ARRAY_SIZE(algorithms); i++) {
		test_quote_default(&quote, &check.world, algorithms[i]);
		check_accepted(&check, &quote, i ? "an ES384 quote" : "an ES256 quote");
	}
	test_values(&check);
	test_map(&check);
	test_headers(&check);
	test_x5chain_form(&check);
	test_sizes(&check);
	test_inspect_refuses(&check);
	for (i = 0; i < ARRAY_SIZE(algorithms); i++) {
		test_truncation(&check, algorithms[i]);
		test_flips(&check, algorithms[i], 1);
	}
	test_flips(&check, CLOISTER_COSE_ALG_ES256, 3);
	check_teardown(&check);
	return tap_done();
}
