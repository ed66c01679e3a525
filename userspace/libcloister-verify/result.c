// SPDX-License-Identifier: Apache-2.0
/* Results: their failures and the getters of their claims. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

/**
 * struct failure - a failure with the memory of its texts
 * @seen: what the caller sees
 * @check: text of the same name in @seen
 * @expected: the same
 * @got: the same
 * @sentence: the same
 */
struct failure {
	struct cloister_failure seen;
	char check[64];
	char expected[256];
	char got[256];
	char sentence[CLOISTER_VERIFY_SENTENCE_MAX];
};

struct cloister_result *result_new(const void *quote, size_t len)
{
	size_t copied = len > CLOISTER_QUOTE_MAX_LEN ? CLOISTER_QUOTE_MAX_LEN : len;
	struct cloister_result *result;

	result = malloc(sizeof(*result) + copied);
	if (!result)
		return NULL;
	memset(result, 0, sizeof(*result));
	result->quote_len = len;
	if (copied)
		memcpy(result->quote, quote, copied);
	return result;
}

PUBLIC void cloister_result_free(struct cloister_result *result)
{
	size_t i;

	if (!result)
		return;
	for (i = 0; i < result->failures; i++)
		free(result->failure[i]);
	free(result->failure);
	free(result->chain);
	free(result);
}

static struct failure *failure_new(struct cloister_result *result)
{
	struct failure **grown;
	struct failure *failure;

	grown = realloc(result->failure, (result->failures + 1) * sizeof(*grown));
	if (!grown)
		return NULL;
	result->failure = grown;
	failure = calloc(1, sizeof(*failure));
	if (failure)
		grown[result->failures++] = failure;
	return failure;
}

/* Note a failed check. The first one's code becomes the status of the result. */
int result_fail(struct cloister_result *result, int code, const char *check, const char *expected,
		const char *got, const char *hint)
{
	struct failure *failure = failure_new(result);

	if (!result->status)
		result->status = failure ? code : CLOISTER_VERIFY_EMEMORY;
	if (!failure)
		return CLOISTER_VERIFY_EMEMORY;
	snprintf(failure->check, sizeof(failure->check), "%s", check);
	snprintf(failure->expected, sizeof(failure->expected), "%s", expected);
	snprintf(failure->got, sizeof(failure->got), "%s", got);
	snprintf(failure->sentence, sizeof(failure->sentence),
		 "The check of %s failed: expected %s, got %s.%s%s", check, expected, got,
		 hint ? " " : "", hint ? hint : "");
	failure->seen = (struct cloister_failure){
		.code = code,
		.check = failure->check,
		.expected = failure->expected,
		.got = failure->got,
		.sentence = failure->sentence,
	};
	return code;
}

PUBLIC bool cloister_result_verified(const struct cloister_result *result)
{
	return result && result->verified;
}

PUBLIC const char *cloister_result_sentence(const struct cloister_result *result)
{
	if (!result)
		return "There was no memory for a result.";
	if (result->failures)
		return result->failure[0]->sentence;
	if (result->verified)
		return "The quote is verified.";
	if (result->status)
		return "There was no memory to say what failed.";
	return "The quote was read and nothing of it was verified.";
}

PUBLIC size_t cloister_result_failures(const struct cloister_result *result)
{
	return result ? result->failures : 0;
}

PUBLIC const struct cloister_failure *
cloister_result_failure(const struct cloister_result *result, size_t index)
{
	if (!result || index >= result->failures)
		return NULL;
	return &result->failure[index]->seen;
}

PUBLIC const char *cloister_result_weaker(const struct cloister_result *result, size_t index)
{
	unsigned int i;

	for (i = 0; result && i < CLAIM_COUNT; i++) {
		if (result->weaker & 1U << i && !index--)
			return result->weaker_text[i];
	}
	return NULL;
}

bool result_has_claims(const struct cloister_result *result)
{
	return result && result->parsed && (result->verified || result->inspected);
}

/* The text of a claim, terminated. */
const char *result_claim_text(const struct cloister_result *result, unsigned int claim)
{
	const struct claim_spec *spec = &claim_specs[claim];

	return spec->values ? spec->values[result->claims[claim].rank] : result->kernel_release;
}

PUBLIC int cloister_result_algorithm(const struct cloister_result *result)
{
	return result_has_claims(result) ? result->algorithm : 0;
}

static int find_claim(const struct cloister_result *result, int label, enum claim_type type,
		      const struct claim_value **value)
{
	int i = claim_by_label(label);

	if (i < 0 || claim_specs[i].type != type)
		return CLOISTER_VERIFY_EARGUMENT;
	if (!result_has_claims(result))
		return CLOISTER_VERIFY_EUNVERIFIED;
	*value = &result->claims[i];
	return 0;
}

PUBLIC int cloister_result_bytes(const struct cloister_result *result, int claim,
				 const uint8_t **value, size_t *len)
{
	const struct claim_value *found;
	int ret = find_claim(result, claim, CLAIM_BYTES, &found);

	if (ret)
		return ret;
	*value = found->bytes;
	*len = found->len;
	return 0;
}

PUBLIC int cloister_result_text(const struct cloister_result *result, int claim,
				const char **value)
{
	const struct claim_value *found;
	int ret = find_claim(result, claim, CLAIM_TEXT, &found);

	if (ret)
		return ret;
	*value = result_claim_text(result, (unsigned int)(found - result->claims));
	return 0;
}

PUBLIC int cloister_result_uint(const struct cloister_result *result, int claim, uint64_t *value)
{
	const struct claim_value *found;
	int ret = find_claim(result, claim, CLAIM_UINT, &found);

	if (ret)
		return ret;
	*value = found->number;
	return 0;
}

PUBLIC int cloister_result_bool(const struct cloister_result *result, int claim, bool *value)
{
	const struct claim_value *found;
	int ret = find_claim(result, claim, CLAIM_BOOL, &found);

	if (ret)
		return ret;
	*value = found->number;
	return 0;
}
