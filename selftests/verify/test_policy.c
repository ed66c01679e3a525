// SPDX-License-Identifier: Apache-2.0
/* Claims and the policy: what is refused by default, what can be expected and accepted. */
#include "check.h"

#include <stdio.h>
#include <string.h>

#define CLAIM		CLOISTER_VERIFY_ECLAIM
#define POLICY		CLOISTER_VERIFY_EPOLICY
#define NONCE		CLOISTER_VERIFY_ENONCE
#define ARGUMENT	CLOISTER_VERIFY_EARGUMENT

static const uint8_t zeros[CLOISTER_REPORT_DATA_LEN];

/* Claims and their values that are good for no policy. */
enum change {
	REMOVE,
	BYTES,
	TEXT,
	UINT,
};

static const struct {
	const char *name;
	int64_t label;
	enum change change;
	const char *text;
	uint64_t number;
	struct refusal refusal;
} claims[] = {
	{ "no nonce", CLOISTER_CLAIM_NONCE, REMOVE, NULL, 0,
	  { CLAIM, "nonce", "the claim 10", "without it" } },
	{ "no UEID", CLOISTER_CLAIM_UEID, REMOVE, NULL, 0,
	  { CLAIM, "ueid", "the claim 256", "without it" } },
	{ "no profile", CLOISTER_CLAIM_PROFILE, REMOVE, NULL, 0,
	  { CLAIM, "profile", "the claim 265", "without it" } },
	{ "no subject", CLOISTER_CLAIM_SUBJECT, REMOVE, NULL, 0,
	  { CLAIM, "subject", "the claim -70001", "without it" } },
	{ "no measurement", CLOISTER_CLAIM_MEASUREMENT, REMOVE, NULL, 0,
	  { CLAIM, "measurement", "the claim -70002", "without it" } },
	{ "no size", CLOISTER_CLAIM_REGION_SIZE, REMOVE, NULL, 0,
	  { CLAIM, "region-size", "the claim -70003", "without it" } },
	{ "no flags", CLOISTER_CLAIM_REGION_FLAGS, REMOVE, NULL, 0,
	  { CLAIM, "region-flags", "the claim -70004", "without it" } },
	{ "no report data", CLOISTER_CLAIM_REPORT_DATA, REMOVE, NULL, 0,
	  { CLAIM, "report-data", "the claim -70005", "without it" } },
	{ "no speaker", CLOISTER_CLAIM_REPORT_DATA_BY, REMOVE, NULL, 0,
	  { CLAIM, "report-data-by", "the claim -70006", "without it" } },
	{ "no debug history", CLOISTER_CLAIM_DEBUG_EVER, REMOVE, NULL, 0,
	  { CLAIM, "debug-ever", "the claim -70007", "without it" } },
	{ "no mode", CLOISTER_CLAIM_MODE, REMOVE, NULL, 0,
	  { CLAIM, "mode", "the claim -70008", "without it" } },
	{ "no monitor digest", CLOISTER_CLAIM_MONITOR_DIGEST, REMOVE, NULL, 0,
	  { CLAIM, "monitor-digest", "the claim -70009", "without it" } },
	{ "no kind of digest", CLOISTER_CLAIM_DIGEST_KIND, REMOVE, NULL, 0,
	  { CLAIM, "digest-kind", "the claim -70010", "without it" } },
	{ "no root of trust", CLOISTER_CLAIM_ROOT, REMOVE, NULL, 0,
	  { CLAIM, "root", "the claim -70011", "without it" } },
	{ "no instance", CLOISTER_CLAIM_INSTANCE_ID, REMOVE, NULL, 0,
	  { CLAIM, "instance-id", "the claim -70012", "without it" } },
	{ "no kernel release", CLOISTER_CLAIM_KERNEL_RELEASE, REMOVE, NULL, 0,
	  { CLAIM, "kernel-release", "the claim -70013", "without it" } },
	{ "no lockdown", CLOISTER_CLAIM_LOCKDOWN, REMOVE, NULL, 0,
	  { CLAIM, "lockdown", "the claim -70014", "without it" } },
	{ "no module signatures", CLOISTER_CLAIM_MODULE_SIGNATURES, REMOVE, NULL, 0,
	  { CLAIM, "module-signatures", "the claim -70015", "without it" } },
	{ "no crash kernel", CLOISTER_CLAIM_CRASH_KERNEL, REMOVE, NULL, 0,
	  { CLAIM, "crash-kernel", "the claim -70016", "without it" } },
	{ "no guards", CLOISTER_CLAIM_GUARDS, REMOVE, NULL, 0,
	  { CLAIM, "guards", "the claim -70017", "without it" } },
	{ "no IOMMU", CLOISTER_CLAIM_IOMMU, REMOVE, NULL, 0,
	  { CLAIM, "iommu", "the claim -70018", "without it" } },
	{ "an unknown claim at the end", -70019, UINT, NULL, 1,
	  { CLAIM, "claims", "only the claims of profile", "a claim -70019" } },
	{ "a nonce of 7 bytes", CLOISTER_CLAIM_NONCE, BYTES, NULL, 7,
	  { CLAIM, "nonce", "8 to 64 bytes", "7" } },
	{ "a nonce of 65 bytes", CLOISTER_CLAIM_NONCE, BYTES, NULL, 65,
	  { CLAIM, "nonce", "8 to 64 bytes", "65" } },
	{ "a UEID of 32 bytes", CLOISTER_CLAIM_UEID, BYTES, NULL, 32,
	  { CLAIM, "ueid", "33 bytes", "32" } },
	{ "a UEID of type 0", CLOISTER_CLAIM_UEID, BYTES, NULL, 33,
	  { CLAIM, "ueid", "type 0x01", "0x00" } },
	{ "a measurement of 32 bytes", CLOISTER_CLAIM_MEASUREMENT, BYTES, NULL, 32,
	  { CLAIM, "measurement", "48 bytes", "32" } },
	{ "report data of 63 bytes", CLOISTER_CLAIM_REPORT_DATA, BYTES, NULL, 63,
	  { CLAIM, "report-data", "64 bytes", "63" } },
	{ "a monitor digest of 64 bytes", CLOISTER_CLAIM_MONITOR_DIGEST, BYTES, NULL, 64,
	  { CLAIM, "monitor-digest", "48 bytes", "64" } },
	{ "an instance of 17 bytes", CLOISTER_CLAIM_INSTANCE_ID, BYTES, NULL, 17,
	  { CLAIM, "instance-id", "16 bytes", "17" } },
	{ "another profile", CLOISTER_CLAIM_PROFILE, TEXT, "tag:cloister,2026:quote:2", 0,
	  { CLAIM, "profile", CLOISTER_QUOTE_PROFILE, "tag:cloister,2026:quote:2" } },
	{ "another subject", CLOISTER_CLAIM_SUBJECT, TEXT, "platform", 0,
	  { CLAIM, "subject", "region", "platform" } },
	{ "an unknown speaker", CLOISTER_CLAIM_REPORT_DATA_BY, TEXT, "nobody", 0,
	  { CLAIM, "report-data-by", "host", "nobody" } },
	{ "an unknown mode", CLOISTER_CLAIM_MODE, TEXT, "moon", 0,
	  { CLAIM, "mode", "host, kernel or hypervisor", "moon" } },
	{ "an unknown kind of digest", CLOISTER_CLAIM_DIGEST_KIND, TEXT, "guessed", 0,
	  { CLAIM, "digest-kind", "asserted or measured", "guessed" } },
	{ "an unknown root", CLOISTER_CLAIM_ROOT, TEXT, "hardware", 0,
	  { CLAIM, "root", "software or tpm", "hardware" } },
	{ "an unknown lockdown", CLOISTER_CLAIM_LOCKDOWN, TEXT, "Confidentiality", 0,
	  { CLAIM, "lockdown", "none, integrity or confidentiality", "Confidentiality" } },
	{ "unknown guards", CLOISTER_CLAIM_GUARDS, TEXT, "on", 0,
	  { CLAIM, "guards", "off, partial or armed", "on" } },
	{ "an unknown IOMMU", CLOISTER_CLAIM_IOMMU, TEXT, "passthrough", 0,
	  { CLAIM, "iommu", "none, partial or translating", "passthrough" } },
	{ "an empty text", CLOISTER_CLAIM_KERNEL_RELEASE, TEXT, "", 0,
	  { CLAIM, "kernel-release", "1 to 64 bytes", "0" } },
	{ "a release of 65 bytes", CLOISTER_CLAIM_KERNEL_RELEASE, TEXT,
	  "0123456789012345678901234567890123456789012345678901234567890123-", 0,
	  { CLAIM, "kernel-release", "1 to 64 bytes", "65" } },
	{ "a release that steers terminals", CLOISTER_CLAIM_KERNEL_RELEASE, TEXT, "6.1\x1b[2J", 0,
	  { CLAIM, "kernel-release", "printable ASCII", "362e311b5b324a" } },
	{ "a release that is not ASCII", CLOISTER_CLAIM_KERNEL_RELEASE, TEXT, "6.1\xff", 0,
	  { CLAIM, "kernel-release", "printable ASCII", "362e31ff" } },
	{ "a region of no bytes", CLOISTER_CLAIM_REGION_SIZE, UINT, NULL, 0,
	  { CLAIM, "region-size", "a multiple of 4096", "0" } },
	{ "a region of half a page", CLOISTER_CLAIM_REGION_SIZE, UINT, NULL, 4096 + 2048,
	  { CLAIM, "region-size", "a multiple of 4096", "6144" } },
	{ "a region of 2 TiB", CLOISTER_CLAIM_REGION_SIZE, UINT, NULL, 1ULL << 41,
	  { CLAIM, "region-size", "to 1099511627776", "2199023255552" } },
	{ "unknown flags", CLOISTER_CLAIM_REGION_FLAGS, UINT, NULL, 0x11,
	  { CLAIM, "region-flags", "no flags but 0x3", "0x11" } },
};

static void test_claims(struct check *check)
{
	static const uint8_t bytes[128];
	struct test_quote quote;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(claims); i++) {
		test_quote_default(&quote, &check->world, CLOISTER_COSE_ALG_ES256);
		if (claims[i].change == REMOVE)
			test_claim_remove(&quote, claims[i].label);
		else if (claims[i].change == BYTES)
			test_claim_bytes(&quote, claims[i].label, bytes, claims[i].number);
		else if (claims[i].change == TEXT)
			test_claim_text(&quote, claims[i].label, claims[i].text);
		else
			test_claim_uint(&quote, claims[i].label, claims[i].number);
		check_refused(check, &quote, &claims[i].refusal, claims[i].name);
	}
}

/* Weak values: refused by default, let through when asked for, and then listed. */
static const struct {
	int64_t label;
	const char *text;
	const char *accept;
	struct refusal refusal;
} weak[] = {
	{ CLOISTER_CLAIM_LOCKDOWN, "integrity", "lockdown=integrity",
	  { POLICY, "lockdown", "confidentiality", "integrity" } },
	{ CLOISTER_CLAIM_LOCKDOWN, "none", "lockdown=none",
	  { POLICY, "lockdown", "confidentiality", "none" } },
	{ CLOISTER_CLAIM_MODULE_SIGNATURES, "\xf4", "module-signatures=false",
	  { POLICY, "module-signatures", "true", "false" } },
	{ CLOISTER_CLAIM_CRASH_KERNEL, "\xf5", "crash-kernel=true",
	  { POLICY, "crash-kernel", "false", "true" } },
	{ CLOISTER_CLAIM_GUARDS, "off", "guards=off",
	  { POLICY, "guards", "armed", "off" } },
	{ CLOISTER_CLAIM_GUARDS, "partial", "guards=partial",
	  { POLICY, "guards", "armed", "partial" } },
	{ CLOISTER_CLAIM_ROOT, "software", "root=software",
	  { POLICY, "root", "tpm", "software" } },
	{ CLOISTER_CLAIM_DIGEST_KIND, "asserted", "digest-kind=asserted",
	  { POLICY, "digest-kind", "measured", "asserted" } },
	{ CLOISTER_CLAIM_DEBUG_EVER, "\xf5", "debug-ever=true",
	  { POLICY, "debug-ever", "false", "true" } },
	{ CLOISTER_CLAIM_IOMMU, "partial", "iommu=partial",
	  { POLICY, "iommu", "translating", "partial" } },
	{ CLOISTER_CLAIM_IOMMU, "none", "iommu=none",
	  { POLICY, "iommu", "translating", "none" } },
	{ CLOISTER_CLAIM_MODE, "host", "mode=host",
	  { POLICY, "mode", "kernel or stronger", "host" } },
};

static void set_weak(struct test_quote *quote, size_t i)
{
	if ((uint8_t)weak[i].text[0] >= 0xf4)
		test_claim_raw(quote, weak[i].label, weak[i].text, 1);
	else
		test_claim_text(quote, weak[i].label, weak[i].text);
}

/* The quote passes, and the result lists just this value as weaker. */
static void check_weaker(struct check *check, const struct test_quote *quote, const char *accept)
{
	static struct test_bytes bytes;
	struct cloister_result *result;
	const char *weaker;
	bool good;

	test_quote_build(quote, &bytes);
	good = !cloister_verify(check->verifier, check->policy, bytes.data, bytes.len, &result);
	weaker = cloister_result_weaker(result, 0);
	tap_ok(good && weaker && !strcmp(weaker, accept) && !cloister_result_weaker(result, 1),
	       "%s passes when it is accepted, and is listed", accept);
	cloister_result_free(result);
}

static void test_weak(struct check *check)
{
	struct cloister_verify_error error;
	struct check other = *check;
	struct test_quote quote;
	char name[64];
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(weak); i++) {
		test_quote_default(&quote, &check->world, CLOISTER_COSE_ALG_ES256);
		set_weak(&quote, i);
		check_refused(check, &quote, &weak[i].refusal, weak[i].accept);

		other.policy = check_policy();
		cloister_policy_accept(other.policy, weak[i].accept, &error);
		check_weaker(&other, &quote, weak[i].accept);
		cloister_policy_free(other.policy);

		/* Accepting everything else must not help. */
		other.policy = check_policy();
		for (j = 0; j < ARRAY_SIZE(weak); j++) {
			if (weak[j].label != weak[i].label)
				cloister_policy_accept(other.policy, weak[j].accept, &error);
		}
		snprintf(name, sizeof(name), "%s, all else accepted,", weak[i].accept);
		check_refused(&other, &quote, &weak[i].refusal, name);
		cloister_policy_free(other.policy);
	}
}

static void test_weak_order(struct check *check)
{
	static const struct refusal none = { POLICY, "lockdown", "integrity or stronger", "none" };
	struct cloister_verify_error error;
	struct check other = *check;
	struct test_quote quote;

	other.policy = check_policy();
	cloister_policy_accept(other.policy, "lockdown=integrity", &error);
	test_quote_default(&quote, &check->world, CLOISTER_COSE_ALG_ES256);
	check_accepted(&other, &quote, "confidentiality where integrity is accepted");
	test_claim_text(&quote, CLOISTER_CLAIM_LOCKDOWN, "none");
	check_refused(&other, &quote, &none, "none where integrity is accepted");
	cloister_policy_accept(other.policy, "lockdown=none", &error);
	cloister_policy_accept(other.policy, "lockdown=confidentiality", &error);
	test_claim_text(&quote, CLOISTER_CLAIM_LOCKDOWN, "integrity");
	check_weaker(&other, &quote, "lockdown=integrity");
	test_quote_default(&quote, &check->world, CLOISTER_COSE_ALG_ES256);
	test_claim_text(&quote, CLOISTER_CLAIM_MODE, "hypervisor");
	check_accepted(check, &quote, "the mode hypervisor");
	cloister_policy_free(other.policy);
}

static void test_nonce_check(struct check *check)
{
	static const struct refusal other = { NONCE, "nonce", "61206672657368206e6f6e63652c2031",
					      "61206672657368206e6f6e63652c2032" };
	static const struct refusal longer = { NONCE, "nonce", "61206672657368206e6f6e63652c2031",
					       "61206672657368206e6f6e63652c203100" };
	static const struct refusal none = { ARGUMENT, "policy", "a nonce", "none" };
	struct cloister_verify_error error;
	struct check fresh = *check;
	struct test_quote quote;
	uint8_t nonce[64] = { 0 };

	memcpy(nonce, test_nonce, sizeof(test_nonce));
	nonce[15] = '2';
	test_quote_default(&quote, &check->world, CLOISTER_COSE_ALG_ES256);
	test_claim_bytes(&quote, CLOISTER_CLAIM_NONCE, nonce, 16);
	check_refused(check, &quote, &other, "another nonce");
	nonce[15] = '1';
	test_claim_bytes(&quote, CLOISTER_CLAIM_NONCE, nonce, 17);
	check_refused(check, &quote, &longer, "a longer nonce");
	test_claim_bytes(&quote, CLOISTER_CLAIM_NONCE, nonce, 64);
	cloister_policy_new(&fresh.policy, &error);
	check_refused(&fresh, &quote, &none, "any quote by a policy without a nonce");
	cloister_policy_set_nonce(fresh.policy, nonce, 64, &error);
	check_accepted(&fresh, &quote, "a nonce of 64 bytes");
	test_claim_bytes(&quote, CLOISTER_CLAIM_NONCE, nonce, 8);
	cloister_policy_set_nonce(fresh.policy, nonce, 8, &error);
	check_accepted(&fresh, &quote, "a nonce of 8 bytes");
	cloister_policy_free(fresh.policy);
}

/* Expected values: right, wrong, and one of several. */
static const struct {
	const char *right;
	const char *wrong;
	struct refusal refusal;
} expected[] = {
	{ "measurement=6d6561737572656d656e74206f66206120726567696f6e2074686174206e6f626f6479"
	  "2065766572206d6164652c204d",
	  "measurement=6d6561737572656d656e74206f66206120726567696f6e2074686174206e6f626f6479"
	  "2065766572206d6164652c204e",
	  { POLICY, "measurement", "2065766572206d6164652c204e", "2065766572206d6164652c204d" } },
	{ "region-size=1048576", "region-size=0x200000",
	  { POLICY, "region-size", "2097152", "1048576" } },
	{ "region-flags=0x1", "region-flags=0", { POLICY, "region-flags", "0", "1" } },
	{ "kernel-release=6.1.0-0-test", "kernel-release=6.1.0-0-tes",
	  { POLICY, "kernel-release", "6.1.0-0-tes", "6.1.0-0-test" } },
	{ "instance-id=696e7374616E6365206f662074657374",
	  "instance-id=00000000000000000000000000000000",
	  { POLICY, "instance-id", "00000000", "696e7374616e6365206f662074657374" } },
	{ "mode=kernel", "mode=hypervisor", { POLICY, "mode", "hypervisor", "kernel" } },
	{ "root=tpm", "root=software", { POLICY, "root", "software", "tpm" } },
	{ "debug-ever=false", "debug-ever=true", { POLICY, "debug-ever", "true", "false" } },
	{ "subject=region", NULL, { 0, NULL, NULL, NULL } },
};

static void test_expected(struct check *check)
{
	struct cloister_verify_error error;
	struct check other = *check;
	struct test_quote quote;
	char name[256];
	size_t i;

	test_quote_default(&quote, &check->world, CLOISTER_COSE_ALG_ES256);
	for (i = 0; i < ARRAY_SIZE(expected); i++) {
		other.policy = check_policy();
		if (cloister_policy_expect(other.policy, expected[i].right, &error))
			tap_note("%s", error.sentence);
		check_accepted(&other, &quote, expected[i].right);
		if (expected[i].wrong) {
			cloister_policy_expect(other.policy, expected[i].wrong, &error);
			snprintf(name, sizeof(name), "one of two values of %.20s",
				 expected[i].right);
			check_accepted(&other, &quote, name);
		}
		cloister_policy_free(other.policy);
		if (!expected[i].wrong)
			continue;
		other.policy = check_policy();
		cloister_policy_expect(other.policy, expected[i].wrong, &error);
		snprintf(name, sizeof(name), "what is not %.80s", expected[i].wrong);
		check_refused(&other, &quote, &expected[i].refusal, name);
		cloister_policy_free(other.policy);
	}
}

static void test_expected_bytes(struct check *check)
{
	static const struct {
		int claim;
		const char *name;
		const uint8_t *right;
		size_t len;
	} table[] = {
		{ CLOISTER_CLAIM_MEASUREMENT, "measurement", test_measurement, 48 },
		{ CLOISTER_CLAIM_REPORT_DATA, "report-data", test_report_data, 64 },
		{ CLOISTER_CLAIM_UEID, "ueid", test_ueid, 33 },
		{ CLOISTER_CLAIM_MONITOR_DIGEST, "monitor-digest", test_monitor_digest, 48 },
		{ CLOISTER_CLAIM_INSTANCE_ID, "instance-id", test_instance_id, 16 },
	};
	struct cloister_verify_error error;
	struct check other = *check;
	struct test_quote quote;
	struct refusal refusal;
	size_t i;

	test_quote_default(&quote, &check->world, CLOISTER_COSE_ALG_ES256);
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		other.policy = check_policy();
		cloister_policy_expect_bytes(other.policy, table[i].claim, zeros, table[i].len,
					     &error);
		refusal = (struct refusal){ POLICY, table[i].name, "0000000000000000", "6" };
		check_refused(&other, &quote, &refusal, table[i].name);
		cloister_policy_expect_bytes(other.policy, table[i].claim, table[i].right,
					     table[i].len, &error);
		check_accepted(&other, &quote, table[i].name);
		tap_ok(cloister_policy_expect_bytes(other.policy, table[i].claim, zeros,
						    table[i].len - 1, &error) == ARGUMENT &&
		       strstr(error.sentence, table[i].name),
		       "a %s of the wrong length can't be expected", table[i].name);
		cloister_policy_free(other.policy);
	}
}

/* An expected weak value is no leave to pass. */
static void test_expected_is_not_accepted(struct check *check)
{
	static const struct refusal refusal = { POLICY, "root", "tpm", "software" };
	struct cloister_verify_error error;
	struct check other = *check;
	struct test_quote quote;

	other.policy = check_policy();
	cloister_policy_expect(other.policy, "root=software", &error);
	test_quote_default(&quote, &check->world, CLOISTER_COSE_ALG_ES256);
	test_claim_text(&quote, CLOISTER_CLAIM_ROOT, "software");
	check_refused(&other, &quote, &refusal, "a weak value that is only expected");
	cloister_policy_accept(other.policy, "root=software", &error);
	check_weaker(&other, &quote, "root=software");
	cloister_policy_free(other.policy);
}

/* Everything that is wrong is listed, in the order of the checks. */
static void test_all_listed(struct check *check)
{
	static const struct refusal wanted[] = {
		{ CLOISTER_VERIFY_EBINDING, "monitor-digest against", "6469", "00" },
		{ NONCE, "nonce", "6120", "00" },
		{ POLICY, "measurement", "00", "6d65" },
		{ POLICY, "debug-ever", "false", "true" },
		{ POLICY, "mode", "kernel or stronger", "host" },
		{ POLICY, "digest-kind", "measured", "asserted" },
		{ POLICY, "root", "tpm", "software" },
		{ POLICY, "lockdown", "confidentiality", "none" },
		{ POLICY, "module-signatures", "true", "false" },
		{ POLICY, "crash-kernel", "false", "true" },
		{ POLICY, "guards", "armed", "off" },
		{ POLICY, "iommu", "translating", "none" },
	};
	static struct test_bytes bytes;
	const struct cloister_failure *failure;
	struct cloister_verify_error error;
	struct check other = *check;
	struct cloister_result *result;
	struct test_quote quote;
	size_t i;
	int code;

	other.policy = check_policy();
	cloister_policy_expect_bytes(other.policy, CLOISTER_CLAIM_MEASUREMENT, zeros, 48, &error);
	test_quote_default(&quote, &check->world, CLOISTER_COSE_ALG_ES256);
	test_quote_weaken(&quote);
	test_claim_bytes(&quote, CLOISTER_CLAIM_NONCE, zeros, 16);
	test_claim_bytes(&quote, CLOISTER_CLAIM_MONITOR_DIGEST, zeros, 48);
	test_quote_build(&quote, &bytes);
	code = cloister_verify(other.verifier, other.policy, bytes.data, bytes.len, &result);
	tap_ok(code == CLOISTER_VERIFY_EBINDING &&
	       cloister_result_failures(result) == ARRAY_SIZE(wanted),
	       "a quote that is wrong in 12 ways has 12 failures");
	for (i = 0; i < ARRAY_SIZE(wanted); i++) {
		failure = cloister_result_failure(result, i);
		tap_ok(failure && failure->code == wanted[i].code &&
		       !strncmp(failure->check, wanted[i].check, strlen(wanted[i].check)) &&
		       strstr(failure->expected, wanted[i].expected) &&
		       strstr(failure->got, wanted[i].got),
		       "failure %zu is of %s", i + 1, wanted[i].check);
	}
	tap_ok(!cloister_result_failure(result, i), "there is no failure past the last");
	cloister_result_free(result);
	cloister_policy_free(other.policy);
}

/* What a policy refuses to be told. */
static void test_arguments(void)
{
	static const struct {
		bool accept;
		const char *what;
		const char *part;
	} table[] = {
		{ true, "root", "NAME=VALUE" },
		{ true, "=software", "NAME=VALUE" },
		{ true, "root=", "NAME=VALUE" },
		{ true, "colour=blue", "\"colour\"" },
		{ true, "root=wood", "software or tpm" },
		{ true, "measurement=00", "no weaker values" },
		{ true, "profile=" CLOISTER_QUOTE_PROFILE, "no weaker values" },
		{ true, "debug-ever=yes", "true or false" },
		{ false, "measurement=00", "96 hexadecimal digits" },
		{ false, "instance-id=0000000000000000000000000000000g", "hexadecimal" },
		{ false, "region-size=-1", "\"-1\"" },
		{ false, "region-size= 1", "\" 1\"" },
		{ false, "region-size=0x", "\"0x\"" },
		{ false, "region-size=1x", "\"1x\"" },
		{ false, "region-size=18446744073709551616", "is an integer" },
		{ false, "mode=moon", "host, kernel or hypervisor" },
		{ false, "crash-kernel=1", "true or false" },
		{ false, "nonce=0011223344556677", "cloister_policy_set_nonce()" },
		{ false, "colour=blue", "\"colour\"" },
		{ false, "kernel-release=01234567890123456789012345678901234567890123456789012345"
		  "67890123456", "at most 64 bytes" },
	};
	struct cloister_policy *policy = check_policy();
	struct cloister_verify_error error;
	size_t i;
	int code;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		code = table[i].accept ? cloister_policy_accept(policy, table[i].what, &error) :
					 cloister_policy_expect(policy, table[i].what, &error);
		tap_ok(code == ARGUMENT && error.code == ARGUMENT &&
		       strstr(error.sentence, table[i].part),
		       "\"%.40s\" can't be %s: %s", table[i].what,
		       table[i].accept ? "accepted" : "expected", error.sentence);
	}
	tap_ok(cloister_policy_set_nonce(policy, zeros, 7, &error) == ARGUMENT &&
	       strstr(error.sentence, "8 to 64 bytes, and this one has 7"),
	       "a nonce of 7 bytes can't be set");
	tap_ok(cloister_policy_set_nonce(policy, zeros, 65, &error) == ARGUMENT,
	       "a nonce of 65 bytes can't be set");
	tap_ok(cloister_policy_expect_uint(policy, CLOISTER_CLAIM_MODE, 1, &error) == ARGUMENT &&
	       strstr(error.sentence, "mode is text"), "a mode is no integer");
	tap_ok(cloister_policy_expect_bytes(policy, 4711, zeros, 1, &error) == ARGUMENT,
	       "a value of an unknown claim can't be expected");
	tap_ok(cloister_policy_accept(NULL, "root=software", NULL) == ARGUMENT &&
	       cloister_policy_accept(policy, NULL, NULL) == ARGUMENT,
	       "NULL is refused, and so is it without a place for the error");
	cloister_policy_free(policy);
}

int main(void)
{
	struct check check;
	struct test_quote quote;

	check_setup(&check);
	test_quote_default(&quote, &check.world, CLOISTER_COSE_ALG_ES256);
	check_accepted(&check, &quote, "a quote of strong values by the default policy");
	test_claims(&check);
	test_weak(&check);
	test_weak_order(&check);
	test_nonce_check(&check);
	test_expected(&check);
	test_expected_bytes(&check);
	test_expected_is_not_accepted(&check);
	test_all_listed(&check);
	test_arguments();
	check_teardown(&check);
	return tap_done();
}
