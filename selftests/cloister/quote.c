// SPDX-License-Identifier: GPL-2.0-only
/*
 * CLOISTER_QUOTE: arguments, buffer lengths, and what a look at the bytes can
 * tell. Signatures are checked by the verifier's own tests.
 */
#include "checks.h"
#include "keys.h"
#include "reload.h"

/* COSE_Sign1: tag 18, then an array of four. */
static const uint8_t cose_sign1[] = { 0xd2, 0x84 };

FIXTURE(quote) {
	int device;
	int region;
	uint8_t *buffer;
};

FIXTURE_SETUP(quote)
{
	self->device = open_device();
	ASSERT_GE(self->device, 0);
	self->region = pattern_region(self->device, 4 * PAGE, 0, 0, READ, 71);
	ASSERT_GE(self->region, 0);
	self->buffer = malloc(QUOTE_BUFFER);
	ASSERT_NE(NULL, self->buffer);
}

FIXTURE_TEARDOWN(quote)
{
	free(self->buffer);
	close(self->region);
	close(self->device);
}

TEST_F(quote, needs_keys)
{
	struct cloister_quote quote = plain_quote(self->buffer, QUOTE_BUFFER);

	close(self->region);
	close(self->device);
	self->region = -1;
	self->device = open_without_keys();
	if (self->device == -ENOENT)
		SKIP(return, "quote: the device has keys, and there is no %s to load again",
		     module_file());
	ASSERT_GE(self->device, 0) TH_LOG("a device without keys: %s", strerror(-self->device));
	ASSERT_FALSE(provisioned(self->device));
	self->region = pattern_region(self->device, 4 * PAGE, 0, 0, READ, 71);
	ASSERT_GE(self->region, 0);
	EXPECT_EQ(-ENOKEY, call(self->region, CLOISTER_QUOTE, &quote));
	ASSERT_EQ(0, provision_once(self->device));
	EXPECT_EQ(0, call(self->region, CLOISTER_QUOTE, &quote));
}

TEST_F(quote, both_algorithms)
{
	static const uint32_t algorithms[] = { CLOISTER_ALG_ES256, CLOISTER_ALG_ES384 };
	struct cloister_quote quote = plain_quote(self->buffer, QUOTE_BUFFER);
	uint64_t lengths[2];
	size_t i;

	ASSERT_EQ(0, provision_once(self->device));
	for (i = 0; i < ARRAY_LEN(algorithms); i++) {
		quote.algorithm = algorithms[i];
		ASSERT_EQ(0, call(self->region, CLOISTER_QUOTE, &quote));
		ASSERT_GT(quote.quote_len, 256);
		EXPECT_EQ(0, memcmp(self->buffer, cose_sign1, sizeof(cose_sign1)));
		lengths[i] = quote.quote_len;
	}
	EXPECT_NE(lengths[0], lengths[1]);
}

TEST_F(quote, holds_nonce_report_data_and_measurement)
{
	struct cloister_quote quote = plain_quote(self->buffer, QUOTE_BUFFER);
	int region = create_region(self->device, PAGE, 0, 0);
	uint8_t measurement[CLOISTER_DIGEST_LEN];

	ASSERT_EQ(0, provision_once(self->device));
	ASSERT_EQ(0, init_region(region, measurement));
	pattern_fill(quote.nonce, 1, 0, 32);
	pattern_fill(quote.report_data, 2, 0, sizeof(quote.report_data));
	ASSERT_EQ(0, call(region, CLOISTER_QUOTE, &quote));
	EXPECT_NE(NULL, memmem(self->buffer, quote.quote_len, quote.nonce, 32));
	EXPECT_NE(NULL, memmem(self->buffer, quote.quote_len, quote.report_data, 64));
	EXPECT_NE(NULL, memmem(self->buffer, quote.quote_len, measurement, sizeof(measurement)));
	close(region);
}

TEST_F(quote, signatures_are_never_the_same)
{
	struct cloister_quote quote = plain_quote(self->buffer, QUOTE_BUFFER);
	uint8_t first[64];

	ASSERT_EQ(0, provision_once(self->device));
	ASSERT_EQ(0, call(self->region, CLOISTER_QUOTE, &quote));
	memcpy(first, self->buffer + quote.quote_len - sizeof(first), sizeof(first));
	ASSERT_EQ(0, call(self->region, CLOISTER_QUOTE, &quote));
	EXPECT_NE(0, memcmp(first, self->buffer + quote.quote_len - sizeof(first), sizeof(first)));
}

TEST_F(quote, buffer_too_small_says_what_is_needed)
{
	struct cloister_quote quote = plain_quote(self->buffer, QUOTE_BUFFER);
	static const uint64_t lengths[] = { 0, 1, 2, 64 };
	uint64_t needed;
	uint8_t *exact;
	size_t i;

	ASSERT_EQ(0, provision_once(self->device));
	ASSERT_EQ(0, call(self->region, CLOISTER_QUOTE, &quote));
	needed = quote.quote_len;
	for (i = 0; i < ARRAY_LEN(lengths); i++) {
		quote.buffer_len = lengths[i];
		quote.quote_len = 0;
		memset(self->buffer, 0xee, QUOTE_BUFFER);
		EXPECT_EQ(-ENOSPC, call(self->region, CLOISTER_QUOTE, &quote));
		EXPECT_EQ(needed, quote.quote_len);
		EXPECT_EQ(0xee, self->buffer[0]);
	}
	quote.buffer_len = needed - 1;
	EXPECT_EQ(-ENOSPC, call(self->region, CLOISTER_QUOTE, &quote));
	exact = guarded(needed);
	ASSERT_NE(NULL, exact);
	quote.buffer = (uintptr_t)exact;
	quote.buffer_len = quote.quote_len;
	EXPECT_EQ(0, call(self->region, CLOISTER_QUOTE, &quote));
}

/* A caller may ask for the length first, without any buffer. */
TEST_F(quote, length_without_a_buffer)
{
	struct cloister_quote quote = plain_quote(NULL, 0);

	ASSERT_EQ(0, provision_once(self->device));
	EXPECT_EQ(-ENOSPC, call(self->region, CLOISTER_QUOTE, &quote));
	EXPECT_GT(quote.quote_len, 256);
}

TEST_F(quote, nonce_bounds)
{
	static const uint32_t bad[] = {
		0, 1, CLOISTER_NONCE_MIN - 1, CLOISTER_NONCE_MAX + 1, 1U << 31, -1U,
	};
	static const uint32_t good[] = { CLOISTER_NONCE_MIN, 33, CLOISTER_NONCE_MAX };
	struct cloister_quote quote;
	size_t i;

	ASSERT_EQ(0, provision_once(self->device));
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		quote = plain_quote(self->buffer, QUOTE_BUFFER);
		memset(quote.nonce, 0, sizeof(quote.nonce));
		quote.nonce_len = bad[i];
		EXPECT_EQ(-EINVAL, call(self->region, CLOISTER_QUOTE, &quote))
			TH_LOG("nonce of %u", bad[i]);
	}
	for (i = 0; i < ARRAY_LEN(good); i++) {
		quote = plain_quote(self->buffer, QUOTE_BUFFER);
		memset(quote.nonce, 0, sizeof(quote.nonce));
		memset(quote.nonce, 1, good[i]);
		quote.nonce_len = good[i];
		EXPECT_EQ(0, call(self->region, CLOISTER_QUOTE, &quote))
			TH_LOG("nonce of %u", good[i]);
	}
}

TEST_F(quote, bytes_behind_the_nonce)
{
	struct cloister_quote quote = plain_quote(self->buffer, QUOTE_BUFFER);
	size_t i;

	ASSERT_EQ(0, provision_once(self->device));
	for (i = quote.nonce_len; i < sizeof(quote.nonce); i++) {
		quote.nonce[i] = 1;
		EXPECT_EQ(-EINVAL, call(self->region, CLOISTER_QUOTE, &quote));
		quote.nonce[i] = 0;
	}
	EXPECT_EQ(0, call(self->region, CLOISTER_QUOTE, &quote));
}

TEST_F(quote, unknown_algorithms)
{
	static const uint32_t algorithms[] = { 0, 3, 4, 1U << CLOISTER_ALG_ES384, 1U << 31, -1U };
	struct cloister_quote quote = plain_quote(self->buffer, QUOTE_BUFFER);
	size_t i;

	ASSERT_EQ(0, provision_once(self->device));
	for (i = 0; i < ARRAY_LEN(algorithms); i++) {
		quote.algorithm = algorithms[i];
		EXPECT_EQ(-EINVAL, call(self->region, CLOISTER_QUOTE, &quote))
			TH_LOG("algorithm %u", algorithms[i]);
	}
}

TEST_F(quote, flags_sizes_and_addresses)
{
	struct cloister_quote quote = plain_quote(self->buffer, QUOTE_BUFFER);

	ASSERT_EQ(0, provision_once(self->device));
	check_bad_flags(_metadata, self->region, CLOISTER_QUOTE, &quote, sizeof(quote), 0);
	check_bad_sizes(_metadata, self->region, CLOISTER_QUOTE, &quote, sizeof(quote));
	check_bad_addresses(_metadata, self->region, CLOISTER_QUOTE, &quote, sizeof(quote));
	EXPECT_EQ(0, call_sized(self->region, CLOISTER_QUOTE, &quote, sizeof(quote),
				sizeof(quote) + 16, 0));
}

TEST_F(quote, bad_buffers)
{
	static const uint64_t buffers[] = { 0, 8, 0xffff888000000000ULL, -PAGE };
	struct cloister_quote quote;
	struct cloister_stats before, after;
	size_t i;

	ASSERT_EQ(0, provision_once(self->device));
	ASSERT_EQ(0, get_stats(self->region, &before));
	for (i = 0; i < ARRAY_LEN(buffers); i++) {
		quote = plain_quote((uint8_t *)buffers[i], QUOTE_BUFFER);
		EXPECT_EQ(-EFAULT, call(self->region, CLOISTER_QUOTE, &quote))
			TH_LOG("buffer %#llx", (unsigned long long)buffers[i]);
	}
	ASSERT_EQ(0, get_stats(self->region, &after));
	EXPECT_EQ(before.quotes, after.quotes);
}

TEST_F(quote, only_of_a_live_region)
{
	struct cloister_quote quote = plain_quote(self->buffer, QUOTE_BUFFER);
	int region = create_region(self->device, PAGE, 0, 0);

	ASSERT_EQ(0, provision_once(self->device));
	EXPECT_EQ(-EBADFD, call(region, CLOISTER_QUOTE, &quote));
	ASSERT_EQ(0, init_region(region, NULL));
	EXPECT_EQ(0, call(region, CLOISTER_QUOTE, &quote));
	close(region);
}

TEST_F(quote, are_counted)
{
	struct cloister_quote quote = plain_quote(self->buffer, QUOTE_BUFFER);
	struct cloister_stats stats;
	uint64_t count;

	ASSERT_EQ(0, provision_once(self->device));
	for (count = 1; count <= 3; count++) {
		ASSERT_EQ(0, call(self->region, CLOISTER_QUOTE, &quote));
		ASSERT_EQ(0, get_stats(self->region, &stats));
		EXPECT_EQ(count, stats.quotes);
	}
}

TEST_HARNESS_MAIN
