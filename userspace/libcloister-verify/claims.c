// SPDX-License-Identifier: Apache-2.0
/* The claims of a quote: what they are, and reading them. */
#include "strict_cbor.h"

#include <string.h>

/*
 * Known values, the weakest first. Some are ahead of what monitors can state today:
 * a verifier must know what it would take for the strong value.
 */
static const char *const profiles[] = { CLOISTER_QUOTE_PROFILE, NULL };
static const char *const subjects[] = { "region", NULL };
static const char *const speakers[] = { "host", NULL };
static const char *const true_is_weak[] = { "true", "false", NULL };
static const char *const false_is_weak[] = { "false", "true", NULL };
static const char *const modes[] = { "host", "kernel", "hypervisor", NULL };
static const char *const digest_kinds[] = { "asserted", "measured", NULL };
static const char *const roots[] = { "software", "tpm", NULL };
static const char *const lockdowns[] = { "none", "integrity", "confidentiality", NULL };
static const char *const guards[] = { "off", "partial", "armed", NULL };
static const char *const iommus[] = { "none", "partial", "translating", NULL };

#define BYTES(label, name, min, max)	{ label, name, CLAIM_BYTES, min, max, NULL, 0 }
#define TEXT(label, name, values, strong) { label, name, CLAIM_TEXT, 1, 64, values, strong }
#define UINT(label, name)		{ label, name, CLAIM_UINT, 0, 0, NULL, 0 }
#define BOOL(label, name, values)	{ label, name, CLAIM_BOOL, 0, 0, values, 1 }

const struct claim_spec claim_specs[CLAIM_COUNT] = {
	[NONCE] = BYTES(CLOISTER_CLAIM_NONCE, "nonce", CLOISTER_NONCE_MIN, CLOISTER_NONCE_MAX),
	[UEID] = BYTES(CLOISTER_CLAIM_UEID, "ueid", CLOISTER_UEID_LEN, CLOISTER_UEID_LEN),
	[PROFILE] = TEXT(CLOISTER_CLAIM_PROFILE, "profile", profiles, 0),
	[SUBJECT] = TEXT(CLOISTER_CLAIM_SUBJECT, "subject", subjects, 0),
	[MEASUREMENT] = BYTES(CLOISTER_CLAIM_MEASUREMENT, "measurement", CLOISTER_DIGEST_LEN,
			      CLOISTER_DIGEST_LEN),
	[REGION_SIZE] = UINT(CLOISTER_CLAIM_REGION_SIZE, "region-size"),
	[REGION_FLAGS] = UINT(CLOISTER_CLAIM_REGION_FLAGS, "region-flags"),
	[REPORT_DATA] = BYTES(CLOISTER_CLAIM_REPORT_DATA, "report-data", CLOISTER_REPORT_DATA_LEN,
			      CLOISTER_REPORT_DATA_LEN),
	[REPORT_DATA_BY] = TEXT(CLOISTER_CLAIM_REPORT_DATA_BY, "report-data-by", speakers, 0),
	[DEBUG_EVER] = BOOL(CLOISTER_CLAIM_DEBUG_EVER, "debug-ever", true_is_weak),
	[MODE] = TEXT(CLOISTER_CLAIM_MODE, "mode", modes, 1),
	[MONITOR_DIGEST] = BYTES(CLOISTER_CLAIM_MONITOR_DIGEST, "monitor-digest",
				 CLOISTER_DIGEST_LEN, CLOISTER_DIGEST_LEN),
	[DIGEST_KIND] = TEXT(CLOISTER_CLAIM_DIGEST_KIND, "digest-kind", digest_kinds, 1),
	[ROOT] = TEXT(CLOISTER_CLAIM_ROOT, "root", roots, 1),
	[INSTANCE_ID] = BYTES(CLOISTER_CLAIM_INSTANCE_ID, "instance-id", 16, 16),
	[KERNEL_RELEASE] = TEXT(CLOISTER_CLAIM_KERNEL_RELEASE, "kernel-release", NULL, 0),
	[LOCKDOWN] = TEXT(CLOISTER_CLAIM_LOCKDOWN, "lockdown", lockdowns, 2),
	[MODULE_SIGNATURES] = BOOL(CLOISTER_CLAIM_MODULE_SIGNATURES, "module-signatures",
				   false_is_weak),
	[CRASH_KERNEL] = BOOL(CLOISTER_CLAIM_CRASH_KERNEL, "crash-kernel", true_is_weak),
	[GUARDS] = TEXT(CLOISTER_CLAIM_GUARDS, "guards", guards, 2),
	[IOMMU] = TEXT(CLOISTER_CLAIM_IOMMU, "iommu", iommus, 2),
};

int claim_by_label(int64_t label)
{
	int i;

	for (i = 0; i < CLAIM_COUNT; i++) {
		if (claim_specs[i].label == label)
			return i;
	}
	return -1;
}

int claim_by_name(const char *name, size_t len)
{
	int i;

	for (i = 0; i < CLAIM_COUNT; i++) {
		if (strlen(claim_specs[i].name) == len && !memcmp(claim_specs[i].name, name, len))
			return i;
	}
	return -1;
}

/* The index of a known value, or -1. */
int claim_rank(const struct claim_spec *spec, const void *text, size_t len)
{
	int i;

	for (i = 0; spec->values[i]; i++) {
		if (strlen(spec->values[i]) == len && !memcmp(spec->values[i], text, len))
			return i;
	}
	return -1;
}

struct phrase claim_values_phrase(const struct claim_spec *spec)
{
	struct phrase out = phrase("%s", spec->values[0]);
	int i;

	for (i = 1; spec->values[i]; i++)
		out = phrase("%.180s%s %s", out.text, spec->values[i + 1] ? "," : " or",
			     spec->values[i]);
	return out;
}

struct phrase claim_phrase(const struct claim_spec *spec, const struct claim_value *value)
{
	if (spec->values)
		return phrase("%s", spec->values[value->rank]);
	if (spec->type == CLAIM_UINT)
		return phrase("%llu", (unsigned long long)value->number);
	if (spec->type == CLAIM_TEXT)
		return phrase("%.*s", (int)value->len, (const char *)value->bytes);
	return phrase_hex(value->bytes, value->len);
}

static int refuse(struct cloister_result *result, const struct claim_spec *spec,
		  const char *expected, const char *got)
{
	return result_fail(result, CLOISTER_VERIFY_ECLAIM, spec->name, expected, got, NULL);
}

static bool printable(struct span text)
{
	size_t i;

	for (i = 0; i < text.len; i++) {
		if (text.bytes[i] <= ' ' || text.bytes[i] > '~')
			return false;
	}
	return true;
}

static int check_text(struct cloister_result *result, const struct claim_spec *spec,
		      struct span text, struct claim_value *value)
{
	int rank;

	/* What is printed to a terminal must not be able to steer it. */
	if (!printable(text))
		return refuse(result, spec, "printable ASCII text without blanks",
			      phrase_hex(text.bytes, text.len).text);
	if (!spec->values)
		return 0;
	rank = claim_rank(spec, text.bytes, text.len);
	if (rank < 0)
		return refuse(result, spec, claim_values_phrase(spec).text,
			      phrase("%.*s", (int)text.len, (const char *)text.bytes).text);
	value->rank = rank;
	return 0;
}

static int read_value(struct strict_reader *reader, const struct claim_spec *spec,
		      struct claim_value *value)
{
	struct strict_name name = { CLOISTER_VERIFY_ECLAIM, spec->name };
	struct span span = { NULL, 0 };
	bool truth = false;
	int ret = 0;

	switch (spec->type) {
	case CLAIM_BYTES:
		ret = strict_bytes(reader, name, spec->min, spec->max, &span);
		break;
	case CLAIM_TEXT:
		ret = strict_text(reader, name, spec->min, spec->max, &span);
		if (!ret)
			ret = check_text(reader->result, spec, span, value);
		break;
	case CLAIM_UINT:
		ret = strict_uint(reader, name, &value->number);
		break;
	case CLAIM_BOOL:
		ret = strict_bool(reader, name, &truth);
		value->number = truth;
		/* One of the two values is named "true". */
		value->rank = truth == !strcmp(spec->values[1], "true");
		break;
	}
	value->bytes = span.bytes;
	value->len = span.len;
	return ret;
}

/* What a type cannot say of a claim. */
static int check_values(struct cloister_result *result)
{
	const struct claim_value *claims = result->claims;

	if (claims[UEID].bytes[0] != 0x01)
		return refuse(result, &claim_specs[UEID], "type 0x01 (RAND) in the first byte",
			      phrase("0x%02x", claims[UEID].bytes[0]).text);
	if (!claims[REGION_SIZE].number || claims[REGION_SIZE].number % CLOISTER_PAGE_SIZE ||
	    claims[REGION_SIZE].number > REGION_SIZE_MAX)
		return refuse(result, &claim_specs[REGION_SIZE],
			      "a multiple of 4096 from 4096 to 1099511627776",
			      claim_phrase(&claim_specs[REGION_SIZE], &claims[REGION_SIZE]).text);
	if (claims[REGION_FLAGS].number & ~KNOWN_CREATE_FLAGS)
		return refuse(result, &claim_specs[REGION_FLAGS],
			      phrase("no flags but 0x%llx",
				     (unsigned long long)KNOWN_CREATE_FLAGS).text,
			      phrase("0x%llx",
				     (unsigned long long)claims[REGION_FLAGS].number).text);
	return 0;
}

int claims_read(struct cloister_result *result)
{
	static const struct strict_name name = { CLOISTER_VERIFY_EENCODING, "payload" };
	struct strict_reader reader;
	struct strict_map map;
	uint32_t seen = 0;
	int64_t label;
	int ret;
	int i;

	strict_begin(&reader, result, "payload", result->payload);
	/* More entries than there are claims: some label is unknown, and will be named. */
	ret = strict_map(&reader, name, 0, 2 * CLAIM_COUNT, &map);
	while (!ret && map.left) {
		ret = strict_key(&reader, &map, &label);
		if (ret)
			break;
		i = claim_by_label(label);
		if (i < 0)
			return result_fail(result, CLOISTER_VERIFY_ECLAIM, "claims",
					   "only the claims of profile " CLOISTER_QUOTE_PROFILE,
					   phrase("a claim %lld", (long long)label).text, NULL);
		seen |= 1U << i;
		ret = read_value(&reader, &claim_specs[i], &result->claims[i]);
	}
	if (!ret)
		ret = strict_end(&reader);
	for (i = 0; !ret && i < CLAIM_COUNT; i++) {
		if (!(seen & 1U << i))
			return refuse(result, &claim_specs[i],
				      phrase("the claim %d", claim_specs[i].label).text,
				      "a quote without it");
	}
	return ret ? ret : check_values(result);
}
