// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every call with every kind of bad argument: a table of calls (calls.h) times a list of what can
 * be wrong. A call may only end in an errno that linux/cloister.h documents for it, and changes
 * nothing; after all of it the same call works, and the measurement is what it would have been.
 */
#include "checks.h"
#include "calls.h"

FIXTURE(bad_input) {
	struct ground ground;
	struct snapshot before;
};

FIXTURE_SETUP(bad_input)
{
	int result = ground_make(&self->ground);

	ASSERT_EQ(0, result) TH_LOG("%s", strerror(-result));
	ASSERT_EQ(0, provision_once(self->ground.device));
	ASSERT_EQ(0, take_snapshot(&self->ground, &self->before));
}

FIXTURE_TEARDOWN(bad_input)
{
	ground_drop(&self->ground);
}

/* The call as it must succeed, at an address with no alignment. */
static int in_earnest(const struct ground *ground, const struct call_info *c, size_t odd)
{
	uint8_t memory[ARGUMENT_MAX + 8];
	uint8_t aligned[ARGUMENT_MAX] = { 0 };
	int result;

	c->fill(ground, aligned);
	memcpy(memory + odd, aligned, c->size);
	result = call(fd_for(ground, c), c->request, memory + odd);
	if (c->request == CLOISTER_CREATE && result >= 0)
		result = close(result);
	if (c->request == CLOISTER_PROVISION && result == -EALREADY)
		result = 0;
	return result;
}

/*
 * Nothing that was refused has left a trace: each call works, and what was built is what it says.
 */
static void expect_all_work(struct __test_metadata *_metadata, const struct ground *ground)
{
	uint8_t twin_digest[CLOISTER_DIGEST_LEN], digest[CLOISTER_DIGEST_LEN];
	struct cloister_add_pages add;
	int twin = building_region(ground);

	EXPECT_EQ(0, check_pattern(ground->at, GROUND_SEED, 0, GROUND_SIZE));
	for_each_call(c) {
		if (c->request != CLOISTER_INIT) {
			EXPECT_EQ(0, in_earnest(ground, c, 1 + (c - calls) % 7))
				TH_LOG("%s in earnest", c->name);
		}
	}
	ASSERT_GE(twin, 0);
	fill_add_pages(ground, &add);
	EXPECT_EQ(0, call(twin, CLOISTER_ADD_PAGES, &add));
	EXPECT_EQ(0, init_region(twin, twin_digest));
	EXPECT_EQ(0, init_region(ground->building, digest));
	EXPECT_EQ(0, memcmp(twin_digest, digest, sizeof(digest)));
	close(twin);
}

/* Memory for a structure of @size bytes of which only the first @there can be reached. */
static uint8_t *cut_off(const struct ground *ground, const struct call_info *c, size_t there)
{
	uint8_t argument[ARGUMENT_MAX] = { 0 };
	uint8_t *at = guarded(there);

	c->fill(ground, argument);
	if (at)
		memcpy(at, argument, there);
	return at;
}

static void expect_fault(struct __test_metadata *_metadata, const struct ground *ground,
			 const struct call_info *c, uintptr_t address)
{
	EXPECT_EQ(-EFAULT, call(fd_for(ground, c), c->request, (void *)address))
		TH_LOG("%s at %#lx", c->name, address);
}

/* Null, low, the kernel's, between the halves of the address space, around its ends. */
static const uintptr_t bad_addresses[] = {
	0, 1, 8, PAGE - 1, 0x7ffffffff000, 0x7fffffffffff, 0x800000000000, 0x800000000001,
	0x8000000000000000, 0xffff7fffffffffff, 0xffff800000000000, 0xffff888000000000,
	0xffff888000000001, 0xffffffff81000000, 0xffffffffff600000, -(uintptr_t)PAGE,
	-(uintptr_t)8, -(uintptr_t)1,
};

TEST_F(bad_input, addresses)
{
	size_t i;

	for_each_call(c) {
		for (i = 0; i < ARRAY_LEN(bad_addresses); i++)
			expect_fault(_metadata, &self->ground, c, bad_addresses[i]);
		expect_same(_metadata, &self->ground, &self->before, c->name);
	}
	expect_all_work(_metadata, &self->ground);
}

/* The end of what is mapped, at each word of the structure and inside its first words. */
TEST_F(bad_input, structures_that_end_in_nothing)
{
	size_t there;
	uint8_t *at;

	for_each_call(c) {
		for (there = 0; there < c->size; there += there < 16 ? 1 : 8) {
			at = cut_off(&self->ground, c, there);
			ASSERT_NE(NULL, at);
			expect_fault(_metadata, &self->ground, c, (uintptr_t)at);
			munmap((void *)((uintptr_t)at & ~(PAGE - 1)), 2 * PAGE);
		}
		expect_same(_metadata, &self->ground, &self->before, c->name);
	}
	expect_all_work(_metadata, &self->ground);
}

/* What a call can't answer to, it refuses before it has done anything. */
TEST_F(bad_input, structures_that_cannot_be_written)
{
	uint8_t *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			     0);

	ASSERT_NE(MAP_FAILED, page);
	for_each_call(c) {
		ASSERT_EQ(0, mprotect(page, PAGE, PROT_READ | PROT_WRITE));
		c->fill(&self->ground, page);
		ASSERT_EQ(0, mprotect(page, PAGE, PROT_READ));
		expect_fault(_metadata, &self->ground, c, (uintptr_t)page);
		expect_same(_metadata, &self->ground, &self->before, c->name);
	}
	munmap(page, PAGE);
	expect_all_work(_metadata, &self->ground);
}

static void expect_sized(struct __test_metadata *_metadata, const struct ground *ground,
			 const struct call_info *c, int expected, uint32_t size, uint8_t tail)
{
	uint8_t argument[ARGUMENT_MAX] = { 0 };

	c->fill(ground, argument);
	EXPECT_EQ(expected, call_sized(fd_for(ground, c), c->request, argument, c->size, size,
				       tail))
		TH_LOG("%s with a size of %u", c->name, size);
}

/* A size that is not the truth: more than there is to read. */
static void expect_claimed(struct __test_metadata *_metadata, const struct ground *ground,
			   const struct call_info *c, int expected, uint32_t size)
{
	uint8_t *at = cut_off(ground, c, c->size);

	ASSERT_NE(NULL, at);
	memcpy(at, &size, sizeof(size));
	EXPECT_EQ(expected, call(fd_for(ground, c), c->request, at))
		TH_LOG("%s, %u bytes claimed", c->name, size);
	munmap((void *)((uintptr_t)at & ~(PAGE - 1)), 2 * PAGE);
}

TEST_F(bad_input, sizes)
{
	static const uint32_t huge[] = {
		PAGE + 1, 65536, 0x7fffffff, 0x80000000, 0xfffff000, 0xffffffff,
	};
	uint32_t size;
	size_t i;

	for_each_call(c) {
		for (size = 0; size < c->size; size++)
			expect_sized(_metadata, &self->ground, c, -EINVAL, size, 0);
		for (size = c->size + 1; size <= c->size + 16; size++)
			expect_sized(_metadata, &self->ground, c, -E2BIG, size, 0x80);
		expect_sized(_metadata, &self->ground, c, -E2BIG, PAGE, 1);
		for (i = 0; i < ARRAY_LEN(huge); i++)
			expect_claimed(_metadata, &self->ground, c, -E2BIG, huge[i]);
		expect_claimed(_metadata, &self->ground, c, -EFAULT, c->size + 1);
		expect_claimed(_metadata, &self->ground, c, -EFAULT, PAGE);
		expect_same(_metadata, &self->ground, &self->before, c->name);
	}
	expect_all_work(_metadata, &self->ground);
}

/* Longer, and zero behind what is known: as if it were not there. */
TEST_F(bad_input, longer_structures_are_good)
{
	uint8_t argument[ARGUMENT_MAX];
	int result;

	for_each_call(c) {
		memset(argument, 0, sizeof(argument));
		c->fill(&self->ground, argument);
		result = call_sized(fd_for(&self->ground, c), c->request, argument, c->size, PAGE,
				    0);
		if (c->request == CLOISTER_CREATE && result >= 0)
			result = close(result);
		if (c->request == CLOISTER_PROVISION && result == -EALREADY)
			result = 0;
		EXPECT_EQ(0, result) TH_LOG("%s: %s", c->name, strerror(-result));
	}
}

static uint32_t accepted_flags(const struct snapshot *before, const struct call_info *c)
{
	if (c->request == CLOISTER_CREATE)
		return before->info.create_flags;
	return c->request == CLOISTER_ADD_PAGES ? before->info.add_flags : 0;
}

TEST_F(bad_input, flags)
{
	uint8_t argument[ARGUMENT_MAX];
	uint32_t flags;
	int bit;

	for_each_call(c) {
		for (bit = 0; bit < 32; bit++) {
			if (accepted_flags(&self->before, c) & (1U << bit))
				continue;
			memset(argument, 0, sizeof(argument));
			c->fill(&self->ground, argument);
			memcpy(&flags, argument + FLAGS_OFFSET, sizeof(flags));
			flags |= 1U << bit;
			memcpy(argument + FLAGS_OFFSET, &flags, sizeof(flags));
			EXPECT_EQ(-EINVAL, call(fd_for(&self->ground, c), c->request, argument))
				TH_LOG("%s with flag bit %d", c->name, bit);
		}
		expect_same(_metadata, &self->ground, &self->before, c->name);
	}
	expect_all_work(_metadata, &self->ground);
}

TEST_F(bad_input, bytes_that_must_be_zero)
{
	uint8_t argument[ARGUMENT_MAX];
	size_t i, at;

	for_each_call(c) {
		for (i = 0; i < ARRAY_LEN(c->zero); i++) {
			for (at = c->zero[i].from; at < c->zero[i].to; at++) {
				memset(argument, 0, sizeof(argument));
				c->fill(&self->ground, argument);
				argument[at] |= 1U << (at % 8);
				EXPECT_EQ(-EINVAL, call(fd_for(&self->ground, c), c->request,
							argument))
					TH_LOG("%s with byte %zu", c->name, at);
			}
		}
		expect_same(_metadata, &self->ground, &self->before, c->name);
	}
	expect_all_work(_metadata, &self->ground);
}

/* Values that fields must not have. */
#define LESS(n)		(~0ULL - (n) + 1)	/* 2^64 - n */

static const uint64_t zero[] = { 0 };
static const uint64_t unaligned[] = {
	1, 8, PAGE - 1, PAGE + 1, GROUND_SIZE - 1, ~0ULL, 1ULL << 63 | 1,
};
static const uint64_t outside[] = {
	GROUND_SIZE + PAGE, 1ULL << 32, 1ULL << 40, 1ULL << 52, 1ULL << 63, LESS(PAGE),
	LESS(2 * PAGE), LESS(GROUND_SIZE),
};
static const uint64_t beyond[] = { GROUND_SIZE, GROUND_SIZE - PAGE };
static const uint64_t nowhere[] = {
	0, 1, 8, 0x800000000000, 0xffff888000000000, LESS(PAGE), LESS(1),
};
static const uint64_t too_large[] = {
	REGION_MAX + PAGE, 1ULL << 41, 1ULL << 52, 1ULL << 63, LESS(PAGE),
};
static const uint64_t too_little[] = { PAGE, RESIDENT_MIN - PAGE };
static const uint64_t too_long[] = {
	(GROUND_PAGES - BUILT_PAGES + 1) * PAGE, LESS(BUILT_PAGES * PAGE), LESS(2 * PAGE),
};
static const uint64_t no_permissions[] = {
	0, WRITE, EXEC, WRITE | EXEC, READ | WRITE | EXEC, READ | 1U << 3, READ | 1U << 4,
	READ | 1U << 8, READ | 1U << 15, READ | 1U << 16, READ | 1U << 30, READ | 1U << 31, ~0U,
};
static const uint64_t there_already[] = { 0, PAGE, 4 * PAGE, 6 * PAGE, 7 * PAGE };
static const uint64_t no_choice[] = { 0, 3, 4, 1U << 31, ~0U };
static const uint64_t no_kind[] = { 0, 2, 1U << 31, ~0U };
static const uint64_t no_length[] = { 0, 1, 7, 31, 65, 1U << 31, ~0U };
static const uint64_t too_small[] = { 0, 1, 64, 512 };
static const uint64_t no_type[] = { 0, 2, 0x81, 0xff };
static const uint64_t no_count[] = { 0, 1, 3, 4, 5, 1U << 31, ~0U };
static const uint64_t no_chain[] = {
	0, CLOISTER_CHAIN_MAX_LEN - 199, CLOISTER_CHAIN_MAX_LEN + 1, 1U << 31, ~0U, ~0U - 199,
};

struct bad_field {
	unsigned long request;
	const char *name;
	size_t offset;
	size_t length;
	int expected;
	const uint64_t *values;
	size_t count;
};

#define FIELD(call, type, field, error, list)						\
	{ CLOISTER_##call, #call "." #field, offsetof(struct cloister_##type, field),	\
	  sizeof(((struct cloister_##type *)0)->field), -(error), list, ARRAY_LEN(list) }

static const struct bad_field bad_fields[] = {
	FIELD(CREATE, create, region_size, EINVAL, zero),
	FIELD(CREATE, create, region_size, EINVAL, unaligned),
	FIELD(CREATE, create, region_size, EINVAL, too_large),
	FIELD(CREATE, create, resident_limit, EINVAL, unaligned),
	FIELD(CREATE, create, resident_limit, EINVAL, too_little),
	FIELD(ADD_PAGES, add_pages, offset, EINVAL, unaligned),
	FIELD(ADD_PAGES, add_pages, offset, EINVAL, outside),
	FIELD(ADD_PAGES, add_pages, offset, EINVAL, beyond),
	FIELD(ADD_PAGES, add_pages, offset, EEXIST, there_already),
	FIELD(ADD_PAGES, add_pages, length, EINVAL, zero),
	FIELD(ADD_PAGES, add_pages, length, EINVAL, unaligned),
	FIELD(ADD_PAGES, add_pages, length, EINVAL, outside),
	FIELD(ADD_PAGES, add_pages, length, EINVAL, too_long),
	FIELD(ADD_PAGES, add_pages, source, EFAULT, nowhere),
	FIELD(ADD_PAGES, add_pages, permissions, EINVAL, no_permissions),
	FIELD(SEAL, range, offset, EINVAL, unaligned),
	FIELD(SEAL, range, offset, EINVAL, outside),
	FIELD(SEAL, range, offset, EINVAL, beyond),
	FIELD(SEAL, range, length, EINVAL, zero),
	FIELD(SEAL, range, length, EINVAL, unaligned),
	FIELD(SEAL, range, length, EINVAL, outside),
	FIELD(REMOVE_PAGES, range, offset, EINVAL, unaligned),
	FIELD(REMOVE_PAGES, range, offset, EINVAL, outside),
	FIELD(REMOVE_PAGES, range, offset, EINVAL, beyond),
	FIELD(REMOVE_PAGES, range, length, EINVAL, zero),
	FIELD(REMOVE_PAGES, range, length, EINVAL, unaligned),
	FIELD(REMOVE_PAGES, range, length, EINVAL, outside),
	FIELD(QUOTE, quote, algorithm, EINVAL, no_choice),
	FIELD(QUOTE, quote, nonce_len, EINVAL, no_length),
	FIELD(QUOTE, quote, buffer, EFAULT, nowhere),
	FIELD(QUOTE, quote, buffer_len, ENOSPC, too_small),
	FIELD(PROVISION, provision, root, EINVAL, no_kind),
	FIELD(PROVISION, provision, digest_kind, EINVAL, no_kind),
	FIELD(PROVISION, provision, ueid[0], EINVAL, no_type),
	FIELD(SET_CHAIN, set_chain, algorithm, EINVAL, no_choice),
	FIELD(SET_CHAIN, set_chain, count, EINVAL, no_count),
	FIELD(SET_CHAIN, set_chain, cert_len[0], EINVAL, no_chain),
	FIELD(SET_CHAIN, set_chain, certs, EFAULT, nowhere),
};

static void try_field(struct __test_metadata *_metadata, const struct ground *ground,
		      const struct bad_field *field, uint64_t value)
{
	const struct call_info *c = call_named(field->request);
	uint8_t argument[ARGUMENT_MAX] = { 0 };
	int result;

	c->fill(ground, argument);
	memcpy(argument + field->offset, &value, field->length);
	result = call(fd_for(ground, c), c->request, argument);
	EXPECT_EQ(field->expected, result)
		TH_LOG("%s = %#llx", field->name, (unsigned long long)value);
	EXPECT_TRUE(documented(c, result));
}

TEST_F(bad_input, fields)
{
	size_t i, n;

	for (i = 0; i < ARRAY_LEN(bad_fields); i++) {
		for (n = 0; n < bad_fields[i].count; n++)
			try_field(_metadata, &self->ground, &bad_fields[i],
				  bad_fields[i].values[n]);
		expect_same(_metadata, &self->ground, &self->before, bad_fields[i].name);
	}
	expect_all_work(_metadata, &self->ground);
}

/* A page that is there already is a wrong argument wherever in the range it is. */
TEST_F(bad_input, add_pages_up_to_one_that_exists)
{
	uint64_t done = ~0ULL;

	EXPECT_EQ(-EEXIST, add_once(self->ground.building, MEASURED, (BUILT_PAGES - 1) * PAGE,
				    2 * PAGE, self->ground.source, READ, &done));
	EXPECT_EQ(0, done);
	expect_same(_metadata, &self->ground, &self->before, "ADD_PAGES");
	expect_all_work(_metadata, &self->ground);
}

/* What reports progress reports none when it is refused, whatever was there. */
TEST_F(bad_input, refusals_report_no_progress)
{
	static const unsigned long requests[] = { CLOISTER_SEAL, CLOISTER_REMOVE_PAGES };
	struct cloister_add_pages add;
	struct cloister_range range;
	size_t i;

	fill_add_pages(&self->ground, &add);
	add.done = 4 * PAGE;
	add.offset = 1;
	EXPECT_EQ(-EINVAL, call(self->ground.building, CLOISTER_ADD_PAGES, &add));
	EXPECT_EQ(0, add.done);
	for (i = 0; i < ARRAY_LEN(requests); i++) {
		fill_range(&self->ground, &range);
		range.done = 4 * PAGE;
		range.offset = 1;
		EXPECT_EQ(-EINVAL, call(self->ground.live, requests[i], &range));
		EXPECT_EQ(0, range.done);
	}
	expect_same(_metadata, &self->ground, &self->before, "refusals");
}

static bool is_used(unsigned int number)
{
	for_each_call(c) {
		if (_IOC_NR(c->request) == number)
			return true;
	}
	return false;
}

/* Numbers that are no calls: beside each, in other directions, of other magics. */
TEST_F(bad_input, numbers)
{
	uint8_t argument[ARGUMENT_MAX] = { 0 };
	int fds[] = { self->ground.device, self->ground.live, self->ground.building };
	unsigned int number;
	size_t i;

	for (i = 0; i < ARRAY_LEN(fds); i++) {
		for (number = 0; number < 256; number++) {
			if (is_used(number))
				continue;
			EXPECT_EQ(-ENOTTY, call(fds[i], _IOC(_IOC_READ | _IOC_WRITE,
							     CLOISTER_IOC_MAGIC, number, 48),
						argument)) TH_LOG("number %u", number);
		}
		for_each_call(c) {
			EXPECT_EQ(-ENOTTY, call(fds[i], c->request ^ 0x100, argument));
			EXPECT_EQ(-ENOTTY, call(fds[i], c->request & 0x3fffffff, argument));
			EXPECT_EQ(-ENOTTY, call(fds[i], c->request & 0x7fffffff, argument));
		}
	}
	expect_same(_metadata, &self->ground, &self->before, "unknown numbers");
	expect_all_work(_metadata, &self->ground);
}

TEST_HARNESS_MAIN
