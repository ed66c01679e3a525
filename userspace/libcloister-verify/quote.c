// SPDX-License-Identifier: Apache-2.0
/* Reading a quote: COSE_Sign1, its headers, and the byte strings in it. */
#include "strict_cbor.h"

#include <string.h>

static int read_protected(struct cloister_result *result)
{
	static const struct strict_name header = { CLOISTER_VERIFY_EHEADER, "protected header" };
	static const struct strict_name alg = { CLOISTER_VERIFY_EHEADER, "algorithm" };
	static const struct strict_name type = { CLOISTER_VERIFY_EHEADER, "content type" };
	static const char wanted[] = CLOISTER_QUOTE_CONTENT_TYPE;
	struct strict_reader reader;
	struct strict_map map;
	struct span text = { NULL, 0 };
	int64_t algorithm = 0;
	int64_t key = 0;
	int ret;

	strict_begin(&reader, result, "protected header", result->protected_header);
	ret = strict_map(&reader, header, 2, 2, &map);
	if (!ret)
		ret = strict_key(&reader, &map, &key);
	if (!ret && key != CLOISTER_COSE_HEADER_ALG)
		return result_fail(result, CLOISTER_VERIFY_EHEADER, "protected header",
				   "1 (alg) as the first key",
				   phrase("%lld", (long long)key).text, NULL);
	if (!ret)
		ret = strict_int(&reader, alg, &algorithm);
	if (!ret && algorithm != CLOISTER_COSE_ALG_ES256 && algorithm != CLOISTER_COSE_ALG_ES384)
		return result_fail(result, CLOISTER_VERIFY_EHEADER, alg.check,
				   "-7 (ES256) or -35 (ES384)",
				   phrase("%lld", (long long)algorithm).text, NULL);
	if (!ret)
		ret = strict_key(&reader, &map, &key);
	if (!ret && key != CLOISTER_COSE_HEADER_CONTENT_TYPE)
		return result_fail(result, CLOISTER_VERIFY_EHEADER, "protected header",
				   "3 (content type) as the second key",
				   phrase("%lld", (long long)key).text, NULL);
	if (!ret)
		ret = strict_text(&reader, type, 1, 64, &text);
	if (!ret && (text.len != strlen(wanted) || memcmp(text.bytes, wanted, text.len)))
		return result_fail(result, CLOISTER_VERIFY_EHEADER, type.check, wanted,
				   "another text", NULL);
	if (!ret)
		ret = strict_end(&reader);
	result->algorithm = (int)algorithm;
	return ret;
}

static int read_x5chain(struct strict_reader *reader, struct cert_list *certs)
{
	static const struct strict_name name = { CLOISTER_VERIFY_EHEADER, "x5chain" };
	uint64_t count = 1;
	size_t total = 0;
	unsigned int i;
	int ret = 0;

	/* One certificate is a byte string; RFC 9360 has an array only for two or more. */
	if (strict_next_is_array(reader))
		ret = strict_array(reader, name, 2, CLOISTER_CHAIN_MAX_CERTS, &count);
	for (i = 0; !ret && i < count; i++) {
		ret = strict_bytes(reader, name, 1, CLOISTER_CHAIN_MAX_LEN, &certs->cert[i]);
		total += ret ? 0 : certs->cert[i].len;
	}
	if (ret)
		return ret;
	if (total > CLOISTER_CHAIN_MAX_LEN)
		return result_fail(reader->result, name.code, name.check,
				   phrase("at most %d bytes of certificates",
					  CLOISTER_CHAIN_MAX_LEN).text,
				   phrase("%zu bytes", total).text, NULL);
	certs->count = (unsigned int)count;
	return 0;
}

static int read_unprotected(struct strict_reader *reader)
{
	static const struct strict_name header = { CLOISTER_VERIFY_EHEADER, "unprotected header" };
	struct strict_map map;
	int64_t key;
	int ret;

	ret = strict_map(reader, header, 0, 1, &map);
	if (ret || !map.left)
		return ret;
	ret = strict_key(reader, &map, &key);
	if (ret)
		return ret;
	if (key != CLOISTER_COSE_HEADER_X5CHAIN)
		return result_fail(reader->result, header.code, header.check,
				   "no key but 33 (x5chain)",
				   phrase("%lld", (long long)key).text, NULL);
	return read_x5chain(reader, &reader->result->certs);
}

static int read_envelope(struct cloister_result *result)
{
	static const struct strict_name quote = { CLOISTER_VERIFY_EENCODING, "COSE_Sign1" };
	static const struct strict_name protected = { CLOISTER_VERIFY_EENCODING,
						      "protected header" };
	static const struct strict_name payload = { CLOISTER_VERIFY_EENCODING, "payload" };
	static const struct strict_name signature = { CLOISTER_VERIFY_EENCODING, "signature" };
	struct strict_reader reader;
	uint64_t count;
	int ret;

	strict_begin(&reader, result, "quote", (struct span){ result->quote, result->quote_len });
	ret = strict_tag(&reader, quote, CLOISTER_COSE_TAG_SIGN1);
	if (!ret)
		ret = strict_array(&reader, quote, 4, 4, &count);
	if (!ret)
		ret = strict_bytes(&reader, protected, 1, 64, &result->protected_header);
	if (!ret)
		ret = read_unprotected(&reader);
	if (!ret)
		ret = strict_bytes(&reader, payload, 1, CLOISTER_QUOTE_MAX_LEN, &result->payload);
	if (!ret)
		ret = strict_bytes(&reader, signature, 64, 96, &result->signature);
	if (!ret)
		ret = strict_end(&reader);
	return ret;
}

static int check_signature_length(struct cloister_result *result)
{
	size_t wanted = result->algorithm == CLOISTER_COSE_ALG_ES256 ? 64 : 96;

	if (result->signature.len == wanted)
		return 0;
	return result_fail(result, CLOISTER_VERIFY_EENCODING, "signature",
			   phrase("%zu bytes for algorithm %d", wanted, result->algorithm).text,
			   phrase("%zu", result->signature.len).text, NULL);
}

int quote_read(struct cloister_result *result)
{
	int ret;

	if (result->quote_len > CLOISTER_QUOTE_MAX_LEN)
		return result_fail(result, CLOISTER_VERIFY_EENCODING, "length of the quote",
				   phrase("at most %d bytes", CLOISTER_QUOTE_MAX_LEN).text,
				   phrase("%zu", result->quote_len).text, NULL);
	ret = read_envelope(result);
	if (!ret)
		ret = read_protected(result);
	if (!ret)
		ret = check_signature_length(result);
	if (!ret)
		ret = claims_read(result);
	if (ret)
		return ret;
	memcpy(result->kernel_release, result->claims[KERNEL_RELEASE].bytes,
	       result->claims[KERNEL_RELEASE].len);
	result->parsed = true;
	return 0;
}
