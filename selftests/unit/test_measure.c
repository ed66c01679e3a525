// SPDX-License-Identifier: Apache-2.0
/* The measurement against OpenSSL and a record writer made from its specification. */
#include <openssl/evp.h>

#include "unit.h"

struct expected {
	EVP_MD_CTX *ctx;
	u64 pages;
};

static void le(u8 *out, u64 value, size_t len)
{
	while (len--) {
		*out++ = (u8)value;
		value >>= 8;
	}
}

static struct expected expect_create(u64 bytes, u64 flags)
{
	struct expected e = { .ctx = EVP_MD_CTX_new() };
	u8 record[64] = { 0 };

	memcpy(record, "cloister-meas-v1", 16);
	le(record + 16, bytes, 8);
	le(record + 24, flags, 8);
	assert_int_equal(EVP_DigestInit_ex(e.ctx, EVP_sha384(), NULL), 1);
	assert_int_equal(EVP_DigestUpdate(e.ctx, record, 64), 1);
	return e;
}

static void expect_page(struct expected *e, const char *tag, u64 offset, u32 permissions,
			const void *data)
{
	u8 record[32] = { 0 };

	memcpy(record, tag, 8);
	le(record + 8, offset, 8);
	le(record + 16, permissions, 4);
	assert_int_equal(EVP_DigestUpdate(e->ctx, record, 32), 1);
	if (data)
		assert_int_equal(EVP_DigestUpdate(e->ctx, data, PAGE), 1);
	e->pages++;
}

static void expect_digest(struct expected *e, u8 digest[MON_DIGEST_LEN])
{
	u8 record[32] = { 0 };

	memcpy(record, "finalize", 8);
	le(record + 8, e->pages, 8);
	assert_int_equal(EVP_DigestUpdate(e->ctx, record, 32), 1);
	assert_int_equal(EVP_DigestFinal_ex(e->ctx, digest, NULL), 1);
	EVP_MD_CTX_free(e->ctx);
}

static void assert_measures(u64 region, struct expected *e)
{
	u8 wanted[MON_DIGEST_LEN], got[MON_DIGEST_LEN];

	expect_digest(e, wanted);
	assert_ok(mon_region_init(root, region, got));
	assert_memory_equal(got, wanted, sizeof(got));
}

static void empty_region(void **state)
{
	u64 region = region_new(1, 0);
	struct expected e = expect_create(PAGE, 0);

	(void)state;
	assert_measures(region, &e);
	region_end(region);
}

static void size_and_flags(void **state)
{
	u64 region = region_new(MON_REGION_PAGES_MAX, MON_REGION_FLAGS);
	struct expected e = expect_create(1ull << 40, MON_REGION_FLAGS);

	(void)state;
	assert_measures(region, &e);
	region_end(region);
}

/* Every kind with every permission, in an order that is not the pages'. */
static void every_record(void **state)
{
	static const struct {
		enum mon_page_kind kind;
		const char *tag;
	} kinds[] = {
		{ MON_PAGE_DATA, "pagedata" }, { MON_PAGE_ATTR, "pageattr" },
		{ MON_PAGE_ZERO, "pagezero" },
	};
	static const u32 permissions[] = { 1, 3, 5 };
	u64 region = region_new(1 << 20, 1), page;
	struct expected e = expect_create(1ull << 32, 1);
	const void *data;
	u32 i, j;

	(void)state;
	for (i = 0; i < 3; i++)
		for (j = 0; j < 3; j++) {
			page = (7 * (3 * i + j) + 5) % 9 * 100003;
			data = kinds[i].kind == MON_PAGE_ZERO ? NULL : pattern(page);
			region_add(region, page, permissions[j], kinds[i].kind, data);
			expect_page(&e, kinds[i].tag, page * PAGE, permissions[j],
				    kinds[i].kind == MON_PAGE_DATA ? data : NULL);
		}
	assert_measures(region, &e);
	region_end(region);
}

/* Refused calls, evictions and rekeying between two pages leave no trace. */
static void only_pages_count(void **state)
{
	u64 region = region_new(16, 0), frame;
	struct expected e = expect_create(16 * PAGE, 0);
	void *cipher = buffer_new();

	(void)state;
	region_add(region, 0, RW, MON_PAGE_DATA, pattern(0));
	expect_page(&e, "pagedata", 0, RW, pattern(0));
	frame = granule_take_delegated();
	assert_refused(mon_page_add(root, region, 0, RW, MON_PAGE_DATA, frame, pattern(1)),
		       MON_E_EXISTS);
	assert_refused(mon_page_add(root, region, 16, RW, MON_PAGE_DATA, frame, pattern(1)),
		       MON_E_ARGUMENT);
	granule_put_delegated(frame);
	page_out(region, 0, cipher);
	assert_ok(mon_region_rekey(root, region));
	region_add(region, 1, RW, MON_PAGE_DATA, pattern(1));
	expect_page(&e, "pagedata", PAGE, RW, pattern(1));
	assert_measures(region, &e);
	free(cipher);
	region_end(region);
}

static void measure(u8 digest[MON_DIGEST_LEN], u64 pages, u64 a, u64 b, u32 permissions,
		    enum mon_page_kind kind, u64 contents)
{
	u64 region = region_new(pages, 0);

	region_add(region, a, permissions, kind, pattern(contents));
	region_add(region, b, RW, MON_PAGE_ATTR, pattern(0));
	assert_ok(mon_region_init(root, region, digest));
	region_end(region);
}

static void every_detail_counts(void **state)
{
	u8 base[MON_DIGEST_LEN], other[MON_DIGEST_LEN];

	(void)state;
	measure(base, 8, 0, 1, RW, MON_PAGE_DATA, 7);
	measure(other, 8, 0, 1, RW, MON_PAGE_DATA, 7);
	assert_memory_equal(base, other, sizeof(base));
	measure(other, 9, 0, 1, RW, MON_PAGE_DATA, 7);
	assert_memory_not_equal(base, other, sizeof(base));
	measure(other, 8, 2, 1, RW, MON_PAGE_DATA, 7);
	assert_memory_not_equal(base, other, sizeof(base));
	measure(other, 8, 1, 0, RW, MON_PAGE_DATA, 7);
	assert_memory_not_equal(base, other, sizeof(base));
	measure(other, 8, 0, 1, MON_PERM_READ, MON_PAGE_DATA, 7);
	assert_memory_not_equal(base, other, sizeof(base));
	measure(other, 8, 0, 1, RW, MON_PAGE_ATTR, 7);
	assert_memory_not_equal(base, other, sizeof(base));
	measure(base, 8, 0, 1, RW, MON_PAGE_ATTR, 8);
	assert_memory_equal(base, other, sizeof(base));
	measure(other, 8, 0, 1, RW, MON_PAGE_DATA, 8);
	assert_memory_not_equal(base, other, sizeof(base));
}

/* The host can't change a page between its measurement and its use. */
static void hook_change_source(enum host_op op, enum host_moment moment, void *arg)
{
	(void)op;
	if (moment == HOST_BEFORE)
		memset(arg, 0xcc, PAGE);
}

static void what_is_measured_is_what_runs(void **state)
{
	u64 region = region_new(4, 0), frame;
	struct expected e = expect_create(4 * PAGE, 0);
	u8 *source = buffer_new();

	(void)state;
	memcpy(source, pattern(1), PAGE);
	region_give(region, 1);
	host_set_hook(1u << HOST_OP_HASH_UPDATE, hook_change_source, source);
	frame = region_add(region, 0, RW, MON_PAGE_DATA, source);
	host_set_hook(0, NULL, NULL);
	assert_memory_not_equal(source, pattern(1), PAGE);
	assert_memory_equal(host_granule_peek(frame), pattern(1), PAGE);
	expect_page(&e, "pagedata", 0, RW, pattern(1));
	assert_measures(region, &e);
	free(source);
	region_end(region);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MACHINE_TEST(empty_region),
		MACHINE_TEST(size_and_flags),
		MACHINE_TEST(every_record),
		MACHINE_TEST(only_pages_count),
		MACHINE_TEST(every_detail_counts),
		MACHINE_TEST(what_is_measured_is_what_runs),
	};

	return RUN_TESTS(tests);
}
