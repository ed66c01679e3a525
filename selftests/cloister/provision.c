// SPDX-License-Identifier: GPL-2.0-only
/*
 * CLOISTER_PROVISION and CLOISTER_SET_CHAIN. A device is provisioned once until
 * its module is unloaded, so each test begins with one that has no keys yet.
 */
#include "checks.h"
#include "keys.h"
#include "reload.h"

FIXTURE(provision) {
	int device;
};

FIXTURE_SETUP(provision)
{
	self->device = open_without_keys();
	ASSERT_GE(self->device, 0)
		TH_LOG("the device has keys; to load %s again (or what CLOISTER_MODULE names): %s",
		       module_file(), strerror(-self->device));
	ASSERT_FALSE(provisioned(self->device));
}

FIXTURE_TEARDOWN(provision)
{
	close(self->device);
}

static int drop_privilege(void)
{
	return setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534) ? -errno : 0;
}

static int provision_unprivileged(void *device)
{
	struct cloister_provision provision = test_provision();
	int result = drop_privilege();

	return result ? result : call(*(int *)device, CLOISTER_PROVISION, &provision);
}

static int chain_unprivileged(void *device)
{
	uint8_t certificate[16] = { 0x30, 14 };
	struct cloister_set_chain chain = {
		.size = sizeof(chain),
		.algorithm = CLOISTER_ALG_ES256,
		.count = 1,
		.cert_len = { sizeof(certificate) },
		.certs = (uintptr_t)certificate,
	};
	int result = drop_privilege();

	return result ? result : call(*(int *)device, CLOISTER_SET_CHAIN, &chain);
}

TEST_F(provision, needs_privilege)
{
	EXPECT_EQ(-EPERM, in_child(provision_unprivileged, &self->device));
	EXPECT_EQ(-EPERM, in_child(chain_unprivileged, &self->device));
}

struct bad_provision {
	const char *what;
	size_t offset;
	uint8_t value;
	size_t length;
};

#define FIELD(name)	offsetof(struct cloister_provision, name)
#define LENGTH(name)	sizeof(((struct cloister_provision *)0)->name)

/* Filled with the value over the length; all else is as it should be. */
static const struct bad_provision bad_provisions[] = {
	{ "no root", FIELD(root), 0, 1 },
	{ "unknown root", FIELD(root), 2, 1 },
	{ "no digest kind", FIELD(digest_kind), 0, 1 },
	{ "unknown digest kind", FIELD(digest_kind), 2, 1 },
	{ "zero attestation secret", FIELD(cdi_attest), 0, LENGTH(cdi_attest) },
	{ "zero sealing secret", FIELD(cdi_seal), 0, LENGTH(cdi_seal) },
	{ "device identity of no type", FIELD(ueid), 0, 1 },
	{ "device identity of another type", FIELD(ueid), 2, 1 },
	{ "flags", FIELD(flags), 1, 1 },
};

/* Offset and length of what must be 0. */
static const size_t paddings[][2] = {
	{ FIELD(pad), LENGTH(pad) },
	{ FIELD(pad2), LENGTH(pad2) },
	{ FIELD(reserved), LENGTH(reserved) },
};

TEST_F(provision, bad_arguments)
{
	struct cloister_provision provision;
	size_t i;

	for (i = 0; i < ARRAY_LEN(bad_provisions); i++) {
		provision = test_provision();
		memset((uint8_t *)&provision + bad_provisions[i].offset, bad_provisions[i].value,
		       bad_provisions[i].length);
		EXPECT_EQ(-EINVAL, call(self->device, CLOISTER_PROVISION, &provision))
			TH_LOG("%s", bad_provisions[i].what);
	}
	provision = test_provision();
	for (i = 0; i < ARRAY_LEN(paddings); i++) {
		check_reserved(_metadata, self->device, CLOISTER_PROVISION, &provision,
			       sizeof(provision), paddings[i][0], paddings[i][0] + paddings[i][1]);
	}
	EXPECT_FALSE(provisioned(self->device));
}

TEST_F(provision, every_flag_bit_is_refused)
{
	struct cloister_provision provision = test_provision();

	check_bad_flags(_metadata, self->device, CLOISTER_PROVISION, &provision, sizeof(provision),
			0);
}

TEST_F(provision, sizes_and_addresses)
{
	struct cloister_provision provision = test_provision();

	check_bad_sizes(_metadata, self->device, CLOISTER_PROVISION, &provision, sizeof(provision));
	check_bad_addresses(_metadata, self->device, CLOISTER_PROVISION, &provision,
			    sizeof(provision));
	EXPECT_FALSE(provisioned(self->device));
}

TEST_F(provision, chain_needs_keys)
{
	uint8_t certificate[16] = { 0x30, 14 };
	struct cloister_set_chain chain = {
		.size = sizeof(chain),
		.algorithm = CLOISTER_ALG_ES256,
		.count = 1,
		.cert_len = { sizeof(certificate) },
		.certs = (uintptr_t)certificate,
	};

	EXPECT_EQ(-ENOKEY, call(self->device, CLOISTER_SET_CHAIN, &chain));
}

/* Keys depend on the secret alone, are points, and differ from each other. */
TEST_F(provision, gives_public_keys_once)
{
	struct cloister_provision first = test_provision(), second = test_provision();
	struct cloister_get_info info;
	size_t i;

	ASSERT_EQ(0, call(self->device, CLOISTER_PROVISION, &first));
	EXPECT_TRUE(provisioned(self->device));
	EXPECT_EQ(0x04, first.public_es256[0]);
	EXPECT_EQ(0x04, first.public_es384[0]);
	for (i = 65; i < sizeof(first.public_es256); i++) {
		EXPECT_EQ(0, first.public_es256[i]);
	}
	EXPECT_NE(0, memcmp(first.public_es256, first.public_es384, 65));
	ASSERT_EQ(0, get_info(self->device, &info));
	EXPECT_EQ(0, memcmp(info.monitor_digest, first.monitor_digest,
			    sizeof(info.monitor_digest)));
	EXPECT_EQ(-EALREADY, call(self->device, CLOISTER_PROVISION, &second));
	memset(second.cdi_attest, 0x99, sizeof(second.cdi_attest));
	EXPECT_EQ(-EALREADY, call(self->device, CLOISTER_PROVISION, &second));
}

struct bad_chain {
	const char *what;
	uint32_t algorithm;
	uint32_t count;
	uint32_t cert_len[CLOISTER_CHAIN_MAX_CERTS];
};

static const struct bad_chain bad_chains[] = {
	{ "no certificate", CLOISTER_ALG_ES256, 0, { 0 } },
	{ "too many", CLOISTER_ALG_ES256, CLOISTER_CHAIN_MAX_CERTS + 1, { 16, 16, 16, 16 } },
	{ "very many", CLOISTER_ALG_ES256, -1U, { 16, 16, 16, 16 } },
	{ "empty certificate", CLOISTER_ALG_ES256, 1, { 0 } },
	{ "empty second", CLOISTER_ALG_ES256, 2, { 16, 0 } },
	{ "length behind the count", CLOISTER_ALG_ES256, 1, { 16, 16 } },
	{ "too long", CLOISTER_ALG_ES256, 1, { CLOISTER_CHAIN_MAX_LEN + 1 } },
	{ "together too long", CLOISTER_ALG_ES256, 2, { CLOISTER_CHAIN_MAX_LEN, 1 } },
	{ "sum wraps", CLOISTER_ALG_ES256, 2, { -16U, 32 } },
	{ "no algorithm", 0, 1, { 16 } },
	{ "unknown algorithm", 3, 1, { 16 } },
};

TEST_F(provision, bad_chains)
{
	uint8_t *certificates = guarded(CLOISTER_CHAIN_MAX_LEN);
	struct cloister_set_chain chain;
	size_t i;

	ASSERT_NE(NULL, certificates);
	ASSERT_EQ(0, provision_once(self->device));
	for (i = 0; i < ARRAY_LEN(bad_chains); i++) {
		chain = (struct cloister_set_chain) {
			.size = sizeof(chain),
			.algorithm = bad_chains[i].algorithm,
			.count = bad_chains[i].count,
			.certs = (uintptr_t)certificates,
		};
		memcpy(chain.cert_len, bad_chains[i].cert_len, sizeof(chain.cert_len));
		EXPECT_EQ(-EINVAL, call(self->device, CLOISTER_SET_CHAIN, &chain))
			TH_LOG("%s", bad_chains[i].what);
	}
	chain.algorithm = CLOISTER_ALG_ES256;
	chain.certs = (uintptr_t)certificates + CLOISTER_CHAIN_MAX_LEN - 8;
	EXPECT_EQ(-EFAULT, call(self->device, CLOISTER_SET_CHAIN, &chain));
	chain.certs = 0;
	EXPECT_EQ(-EFAULT, call(self->device, CLOISTER_SET_CHAIN, &chain));
	chain.certs = (uintptr_t)certificates;
	check_bad_flags(_metadata, self->device, CLOISTER_SET_CHAIN, &chain, sizeof(chain), 0);
	check_bad_sizes(_metadata, self->device, CLOISTER_SET_CHAIN, &chain, sizeof(chain));
	check_bad_addresses(_metadata, self->device, CLOISTER_SET_CHAIN, &chain, sizeof(chain));
}

/* The certificate is handed on, byte for byte, in the quotes made from then on. */
TEST_F(provision, chain_is_in_the_quote)
{
	uint8_t certificates[2][64], *buffer = malloc(QUOTE_BUFFER);
	struct cloister_set_chain chain = {
		.size = sizeof(chain),
		.algorithm = CLOISTER_ALG_ES384,
		.count = 1,
		.cert_len = { sizeof(certificates[0]), sizeof(certificates[1]) },
		.certs = (uintptr_t)certificates,
	};
	struct cloister_quote quote = plain_quote(buffer, QUOTE_BUFFER);
	int region = pattern_region(self->device, PAGE, 0, 0, READ, 1);

	ASSERT_GE(region, 0);
	ASSERT_EQ(0, provision_once(self->device));
	pattern_fill(certificates, 61, 0, sizeof(certificates));
	chain.cert_len[1] = 0;
	ASSERT_EQ(0, call(self->device, CLOISTER_SET_CHAIN, &chain));
	quote.algorithm = CLOISTER_ALG_ES384;
	ASSERT_EQ(0, call(region, CLOISTER_QUOTE, &quote));
	EXPECT_NE(NULL, memmem(buffer, quote.quote_len, certificates[0], 64));
	EXPECT_EQ(NULL, memmem(buffer, quote.quote_len, certificates[1], 64));
	chain.count = 2;
	chain.cert_len[1] = 64;
	ASSERT_EQ(0, call(self->device, CLOISTER_SET_CHAIN, &chain));
	ASSERT_EQ(0, call(region, CLOISTER_QUOTE, &quote));
	EXPECT_NE(NULL, memmem(buffer, quote.quote_len, certificates[1], 64));
	/* ES256 has a chain of its own. */
	quote.algorithm = CLOISTER_ALG_ES256;
	ASSERT_EQ(0, call(region, CLOISTER_QUOTE, &quote));
	EXPECT_EQ(NULL, memmem(buffer, quote.quote_len, certificates[1], 64));
	close(region);
	free(buffer);
}

TEST_HARNESS_MAIN
