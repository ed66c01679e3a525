// SPDX-License-Identifier: Apache-2.0
/*
 * libFuzzer target: quotes for libcloister-verify.
 *
 * The input is taken as a quote twice: to be inspected, and to be verified. What can be
 * inspected must be printable, and whatever is refused must say why.
 */
#include "cloister-verify.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* The fuzzer stops at a trap and keeps the input. */
#define must(condition)	do { if (!(condition)) __builtin_trap(); } while (0)

static struct cloister_verifier *verifier;
static struct cloister_policy *policy;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* FUZZ_ROOT names the root of the seeds, so that they get past the chain. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char nonce[] = "a fresh nonce, 1";
	const char *root = getenv("FUZZ_ROOT");

	(void)argc;
	(void)argv;
	must(!cloister_verifier_new(&verifier, NULL) && !cloister_policy_new(&policy, NULL));
	must(root && !cloister_verifier_add_root_file(verifier, root, NULL));
	must(!cloister_policy_set_nonce(policy, nonce, sizeof(nonce) - 1, NULL));
	cloister_verifier_set_time(verifier, 1800000000);
	return 0;
}

static void check_rendering(const struct cloister_result *result)
{
	char *text = cloister_result_to_text(result);
	char *json = cloister_result_to_json(result);
	json_t *parsed;

	must(text && json);
	parsed = json_loads(json, JSON_REJECT_DUPLICATES, NULL);
	must(parsed);
	must(json_is_true(json_object_get(parsed, "verified")) ==
	     cloister_result_verified(result));
	json_decref(parsed);
	free(json);
	free(text);
}

static void check_outcome(int code, const struct cloister_result *result)
{
	const struct cloister_failure *failure = cloister_result_failure(result, 0);
	const uint8_t *value;
	size_t len;

	must(result);
	must(!code == !failure);
	if (failure)
		must(failure->code == code && failure->check[0] && failure->expected[0] &&
		     strstr(failure->sentence, failure->check));
	must((cloister_result_bytes(result, CLOISTER_CLAIM_MEASUREMENT, &value, &len) == 0) ==
	     !code);
	must(code || len == 48);
	check_rendering(result);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cloister_result *inspected, *verified;
	int can_be_read = cloister_inspect(data, size, &inspected);
	int code = cloister_verify(verifier, policy, data, size, &verified);

	check_outcome(can_be_read, inspected);
	check_outcome(code, verified);
	must(!cloister_result_verified(inspected));
	must(cloister_result_verified(verified) == !code);
	/* What can't be read can't be verified, and for the same reason. */
	must(!can_be_read || code == can_be_read);
	cloister_result_free(inspected);
	cloister_result_free(verified);
	return 0;
}
