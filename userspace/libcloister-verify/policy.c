// SPDX-License-Identifier: Apache-2.0
/* Policies: what is expected of a quote, and checking it. */
#include "internal.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#define VALUE_MAX	64

/**
 * struct expectation - a value that a claim may have
 * @claim: which claim
 * @number: of an integer or bool: the value
 * @len: of bytes and text: number of bytes
 * @bytes: the bytes
 */
struct expectation {
	unsigned int claim;
	uint64_t number;
	size_t len;
	uint8_t bytes[VALUE_MAX];
};

/**
 * struct cloister_policy - what is expected of a quote
 * @nonce_len: bytes of @nonce; 0: none was set
 * @nonce: the fresh value
 * @accepted: for each claim, the rank of the weakest value that passes
 * @count: number of expectations
 * @expectation: values that claims must have
 */
struct cloister_policy {
	size_t nonce_len;
	uint8_t nonce[CLOISTER_NONCE_MAX];
	unsigned int accepted[CLAIM_COUNT];
	size_t count;
	struct expectation *expectation;
};

PUBLIC int cloister_policy_new(struct cloister_policy **policy,
			       struct cloister_verify_error *error)
{
	unsigned int i;

	if (!policy)
		return error_set(error, CLOISTER_VERIFY_EARGUMENT,
				 "The place for the policy's handle is NULL; pass an address.");
	*policy = calloc(1, sizeof(**policy));
	if (!*policy)
		return error_set(error, CLOISTER_VERIFY_EMEMORY, "Out of memory for a policy.");
	for (i = 0; i < CLAIM_COUNT; i++)
		(*policy)->accepted[i] = claim_specs[i].strong;
	return error_clear(error);
}

PUBLIC void cloister_policy_free(struct cloister_policy *policy)
{
	if (!policy)
		return;
	free(policy->expectation);
	OPENSSL_cleanse(policy->nonce, sizeof(policy->nonce));
	free(policy);
}

PUBLIC int cloister_policy_set_nonce(struct cloister_policy *policy, const void *nonce, size_t len,
				     struct cloister_verify_error *error)
{
	if (!policy || !nonce)
		return error_set(error, CLOISTER_VERIFY_EARGUMENT,
				 "The policy or the nonce is NULL; pass both.");
	if (len < CLOISTER_NONCE_MIN || len > CLOISTER_NONCE_MAX)
		return error_set(error, CLOISTER_VERIFY_EARGUMENT,
				 "A nonce has %d to %d bytes, and this one has %zu.",
				 CLOISTER_NONCE_MIN, CLOISTER_NONCE_MAX, len);
	memcpy(policy->nonce, nonce, len);
	policy->nonce_len = len;
	return error_clear(error);
}

/* Splits "NAME=VALUE". */
static int split(const char *what, int *claim, const char **value,
		 struct cloister_verify_error *error)
{
	const char *equals = what ? strchr(what, '=') : NULL;

	if (!equals || equals == what || !equals[1])
		return error_set(error, CLOISTER_VERIFY_EARGUMENT,
				 "\"%s\" is not of the form NAME=VALUE.", what ? what : "");
	*claim = claim_by_name(what, equals - what);
	if (*claim < 0)
		return error_set(error, CLOISTER_VERIFY_EARGUMENT,
				 "No claim has the name \"%.*s\"; cloister-verify.h lists them.",
				 (int)(equals - what), what);
	*value = equals + 1;
	return 0;
}

PUBLIC int cloister_policy_accept(struct cloister_policy *policy, const char *what,
				  struct cloister_verify_error *error)
{
	const struct claim_spec *spec;
	const char *value;
	int claim;
	int rank;
	int ret;

	if (!policy)
		return error_set(error, CLOISTER_VERIFY_EARGUMENT,
				 "The policy is NULL; pass the handle of one.");
	ret = split(what, &claim, &value, error);
	if (ret)
		return ret;
	spec = &claim_specs[claim];
	if (!spec->strong)
		return error_set(error, CLOISTER_VERIFY_EARGUMENT,
				 "The claim %s has no weaker values to accept.", spec->name);
	rank = claim_rank(spec, value, strlen(value));
	if (rank < 0)
		return error_set(error, CLOISTER_VERIFY_EARGUMENT,
				 "The claim %s can't be \"%s\": its values are %s.", spec->name,
				 value, claim_values_phrase(spec).text);
	if ((unsigned int)rank < policy->accepted[claim])
		policy->accepted[claim] = rank;
	return error_clear(error);
}

static int add(struct cloister_policy *policy, const struct expectation *expectation,
	       struct cloister_verify_error *error)
{
	struct expectation *grown;

	grown = realloc(policy->expectation, (policy->count + 1) * sizeof(*grown));
	if (!grown)
		return error_set(error, CLOISTER_VERIFY_EMEMORY,
				 "Out of memory for an expected value.");
	policy->expectation = grown;
	grown[policy->count++] = *expectation;
	return error_clear(error);
}

static int check_kind(const struct cloister_policy *policy, int claim, enum claim_type type,
		      struct cloister_verify_error *error)
{
	static const char *const names[] = {
		[CLAIM_BYTES] = "bytes",
		[CLAIM_TEXT] = "text",
		[CLAIM_UINT] = "an integer",
		[CLAIM_BOOL] = "a bool",
	};

	if (!policy)
		return error_set(error, CLOISTER_VERIFY_EARGUMENT,
				 "The policy is NULL; pass the handle of one.");
	if (claim < 0)
		return error_set(error, CLOISTER_VERIFY_EARGUMENT,
				 "No claim has this label; pass one of CLOISTER_CLAIM_*.");
	if (claim == NONCE)
		return error_set(error, CLOISTER_VERIFY_EARGUMENT,
				 "The nonce is set with cloister_policy_set_nonce().");
	if (claim_specs[claim].type != type)
		return error_set(error, CLOISTER_VERIFY_EARGUMENT, "The claim %s is %s, not %s.",
				 claim_specs[claim].name, names[claim_specs[claim].type],
				 names[type]);
	return 0;
}

PUBLIC int cloister_policy_expect_bytes(struct cloister_policy *policy, int claim,
					const void *value, size_t len,
					struct cloister_verify_error *error)
{
	int index = claim_by_label(claim);
	struct expectation expectation = { .claim = index, .len = len };
	int ret = check_kind(policy, index, CLAIM_BYTES, error);

	if (ret)
		return ret;
	if (!value || len != claim_specs[index].max)
		return error_set(error, CLOISTER_VERIFY_EARGUMENT,
				 "The claim %s has %zu bytes, and the value expected has %zu.",
				 claim_specs[index].name, claim_specs[index].max, value ? len : 0);
	memcpy(expectation.bytes, value, len);
	return add(policy, &expectation, error);
}

PUBLIC int cloister_policy_expect_uint(struct cloister_policy *policy, int claim, uint64_t value,
				       struct cloister_verify_error *error)
{
	int index = claim_by_label(claim);
	struct expectation expectation = { .claim = index, .number = value };
	int ret = check_kind(policy, index, CLAIM_UINT, error);

	return ret ? ret : add(policy, &expectation, error);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static int expect_hex(struct cloister_policy *policy, int claim, const char *value,
		      struct cloister_verify_error *error)
{
	const struct claim_spec *spec = &claim_specs[claim];
	uint8_t bytes[VALUE_MAX];
	size_t len = strlen(value);
	size_t i;

	if (len != 2 * spec->max || strspn(value, "0123456789abcdefABCDEF") != len)
		return error_set(error, CLOISTER_VERIFY_EARGUMENT,
				 "The claim %s is written as %zu hexadecimal digits, and not as \"%s\".",
				 spec->name, 2 * spec->max, value);
	for (i = 0; i < spec->max; i++)
		bytes[i] = (uint8_t)(hex_digit(value[2 * i]) << 4 | hex_digit(value[2 * i + 1]));
	return cloister_policy_expect_bytes(policy, spec->label, bytes, spec->max, error);
}

static int expect_number(struct cloister_policy *policy, int claim, const char *value,
			 struct cloister_verify_error *error)
{
	bool hex = value[0] == '0' && (value[1] == 'x' || value[1] == 'X');
	char *end = NULL;
	uint64_t number;

	/* strtoull() alone would take signs, blanks and octal. */
	errno = 0;
	number = strtoull(value, &end, hex ? 16 : 10);
	if (errno || *end || value[0] < '0' || value[0] > '9')
		return error_set(error, CLOISTER_VERIFY_EARGUMENT,
				 "The claim %s is an integer, and \"%s\" is none.",
				 claim_specs[claim].name, value);
	return cloister_policy_expect_uint(policy, claim_specs[claim].label, number, error);
}

static int expect_known(struct cloister_policy *policy, int claim, const char *value,
			struct cloister_verify_error *error)
{
	const struct claim_spec *spec = &claim_specs[claim];
	struct expectation expectation = { .claim = claim, .len = strlen(value) };
	int rank = spec->values ? claim_rank(spec, value, strlen(value)) : 0;

	if (rank < 0)
		return error_set(error, CLOISTER_VERIFY_EARGUMENT,
				 "The claim %s can't be \"%s\": its values are %s.", spec->name,
				 value, claim_values_phrase(spec).text);
	if (expectation.len > VALUE_MAX)
		return error_set(error, CLOISTER_VERIFY_EARGUMENT,
				 "The claim %s has at most %d bytes, and the value has %zu.",
				 spec->name, VALUE_MAX, expectation.len);
	expectation.number = rank;
	memcpy(expectation.bytes, value, expectation.len);
	return add(policy, &expectation, error);
}

PUBLIC int cloister_policy_expect(struct cloister_policy *policy, const char *what,
				  struct cloister_verify_error *error)
{
	const char *value;
	int claim;
	int ret;

	ret = split(what, &claim, &value, error);
	if (!ret)
		ret = check_kind(policy, claim, claim_specs[claim].type, error);
	if (ret)
		return ret;
	switch (claim_specs[claim].type) {
	case CLAIM_BYTES:
		return expect_hex(policy, claim, value, error);
	case CLAIM_UINT:
		return expect_number(policy, claim, value, error);
	default:
		return expect_known(policy, claim, value, error);
	}
}

int policy_check_usable(const struct cloister_policy *policy, struct cloister_result *result)
{
	if (!policy)
		return result_fail(result, CLOISTER_VERIFY_EARGUMENT, "policy", "a handle",
				   "NULL", "Make one with cloister_policy_new().");
	if (!policy->nonce_len)
		return result_fail(result, CLOISTER_VERIFY_EARGUMENT, "policy", "a nonce",
				   "none", "Set it with cloister_policy_set_nonce().");
	return 0;
}

static bool matches(const struct expectation *expectation, const struct claim_value *value)
{
	const struct claim_spec *spec = &claim_specs[expectation->claim];

	if (spec->values)
		return expectation->number == value->rank;
	if (spec->type == CLAIM_UINT)
		return expectation->number == value->number;
	return expectation->len == value->len &&
	       !CRYPTO_memcmp(expectation->bytes, value->bytes, value->len);
}

static struct phrase expectation_phrase(const struct expectation *expectation)
{
	struct claim_value value = {
		.bytes = expectation->bytes,
		.len = expectation->len,
		.number = expectation->number,
		.rank = (unsigned int)expectation->number,
	};

	return claim_phrase(&claim_specs[expectation->claim], &value);
}

static void check_expected(const struct cloister_policy *policy, struct cloister_result *result,
			   unsigned int claim)
{
	const struct claim_value *value = &result->claims[claim];
	const struct expectation *first = NULL;
	unsigned int others = 0;
	struct phrase expected;
	size_t i;

	for (i = 0; i < policy->count; i++) {
		if (policy->expectation[i].claim != claim)
			continue;
		result->expected |= 1U << claim;
		if (matches(&policy->expectation[i], value))
			return;
		if (!first)
			first = &policy->expectation[i];
		else
			others++;
	}
	if (!first)
		return;
	expected = expectation_phrase(first);
	if (others)
		expected = phrase("%.200s or one of %u others", expected.text, others);
	result_fail(result, CLOISTER_VERIFY_EPOLICY, claim_specs[claim].name, expected.text,
		    claim_phrase(&claim_specs[claim], value).text, NULL);
}

static void check_strength(const struct cloister_policy *policy, struct cloister_result *result,
			   unsigned int claim)
{
	const struct claim_spec *spec = &claim_specs[claim];
	unsigned int rank = result->claims[claim].rank;
	unsigned int accepted = policy->accepted[claim];
	const char *got;

	if (!spec->strong || rank >= spec->strong)
		return;
	got = spec->values[rank];
	if (rank >= accepted) {
		result->weaker |= 1U << claim;
		snprintf(result->weaker_text[claim], sizeof(result->weaker_text[claim]), "%s=%s",
			 spec->name, got);
		return;
	}
	result_fail(result, CLOISTER_VERIFY_EPOLICY, spec->name,
		    phrase("%s%s", spec->values[accepted],
			   spec->values[accepted + 1] ? " or stronger" : "").text, got,
		    phrase("To let it pass, accept %s=%s in the policy.", spec->name, got).text);
}

static void check_nonce(const struct cloister_policy *policy, struct cloister_result *result)
{
	const struct claim_value *value = &result->claims[NONCE];

	result->expected |= 1U << NONCE;
	if (value->len == policy->nonce_len &&
	    !CRYPTO_memcmp(value->bytes, policy->nonce, value->len))
		return;
	result_fail(result, CLOISTER_VERIFY_ENONCE, claim_specs[NONCE].name,
		    phrase_hex(policy->nonce, policy->nonce_len).text,
		    phrase_hex(value->bytes, value->len).text, NULL);
}

/* Checks everything, so that the result lists every failure. */
void policy_check(const struct cloister_policy *policy, struct cloister_result *result)
{
	unsigned int claim;

	check_nonce(policy, result);
	for (claim = 0; claim < CLAIM_COUNT; claim++) {
		if (policy->count)
			check_expected(policy, result, claim);
		check_strength(policy, result, claim);
	}
}
