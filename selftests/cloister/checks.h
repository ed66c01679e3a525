/* SPDX-License-Identifier: GPL-2.0-only */
/* Checks that hold for every call of the interface, and fixtures' common parts. */
#ifndef CLOISTER_SELFTEST_CHECKS_H
#define CLOISTER_SELFTEST_CHECKS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stddef.h>
#include <sched.h>
#include "kselftest_harness.h"
#include "region.h"

/* Seconds a test: against hangs, on a debug kernel that is emulated on a machine that is shared. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	600

/*
 * Without @path there is nothing to test: the program as a whole is skipped. For constructors:
 * a SKIP() in FIXTURE_SETUP() does not keep the test's body from being run.
 */
HELPER void need(const char *path, const char *advice)
{
	if (!access(path, F_OK))
		return;
	printf("TAP version 13\n1..0 # SKIP no %s: %s\n", path, advice);
	fflush(stdout);
	_exit(KSFT_SKIP);
}

static __attribute__((constructor)) void need_device(void)
{
	need(CLOISTER_DEVICE, "load cloister.ko");
}

/* Offset of the word "flags" in every structure. */
#define FLAGS_OFFSET	sizeof(uint32_t)

/*
 * Lengths that must be refused. @argument is one that would succeed, so that
 * nothing but the length can be the reason; afterwards the caller makes the
 * call in earnest, which also shows that no refused call left a trace.
 */
HELPER void check_bad_sizes(struct __test_metadata *_metadata, int fd, unsigned long request,
			    const void *argument, size_t known)
{
	const uint32_t shorter[] = { 0, 1, 4, 8, known / 2, known - 8, known - 1 };
	const uint32_t longer[] = { known + 1, known + 8, known + 64, PAGE };
	size_t i;

	for (i = 0; i < ARRAY_LEN(shorter); i++) {
		EXPECT_EQ(-EINVAL, call_sized(fd, request, argument, known, shorter[i], 0))
			TH_LOG("size %u of %zu", shorter[i], known);
	}
	for (i = 0; i < ARRAY_LEN(longer); i++) {
		EXPECT_EQ(-E2BIG, call_sized(fd, request, argument, known, longer[i], 1))
			TH_LOG("size %u of %zu with a word behind", longer[i], known);
	}
}

/* Addresses that must be refused with EFAULT: none, unmapped, half mapped, the kernel's. */
HELPER void check_bad_addresses(struct __test_metadata *_metadata, int fd, unsigned long request,
				const void *argument, size_t known)
{
	uint8_t *half = guarded(known / 2 / 8 * 8);
	uint32_t size = known;

	ASSERT_NE(NULL, half);
	memcpy(half, argument, known / 2 / 8 * 8);
	memcpy(half, &size, sizeof(size));
	EXPECT_EQ(-EFAULT, call(fd, request, NULL));
	EXPECT_EQ(-EFAULT, call(fd, request, (void *)8));
	EXPECT_EQ(-EFAULT, call(fd, request, half));
	EXPECT_EQ(-EFAULT, call(fd, request, (void *)0xffff888000000000UL));
	EXPECT_EQ(-EFAULT, call(fd, request, (void *)-8UL));
}

/* Every bit of "flags" that is not in @accepted must be refused. */
HELPER void check_bad_flags(struct __test_metadata *_metadata, int fd, unsigned long request,
			    const void *argument, size_t known, uint32_t accepted)
{
	uint8_t copy[512];
	uint32_t flags, given;
	int bit;

	ASSERT_LE(known, sizeof(copy));
	memcpy(&given, (const uint8_t *)argument + FLAGS_OFFSET, sizeof(given));
	for (bit = 0; bit < 32; bit++) {
		if (accepted & (1U << bit))
			continue;
		memcpy(copy, argument, known);
		flags = given | 1U << bit;
		memcpy(copy + FLAGS_OFFSET, &flags, sizeof(flags));
		EXPECT_EQ(-EINVAL, call(fd, request, copy)) TH_LOG("flag bit %d", bit);
	}
}

/* Every bit of the words at @from up to @to must be refused. */
HELPER void check_reserved(struct __test_metadata *_metadata, int fd, unsigned long request,
			   const void *argument, size_t known, size_t from, size_t to)
{
	uint8_t copy[512];
	size_t at;

	ASSERT_LE(known, sizeof(copy));
	for (at = from; at < to; at++) {
		memcpy(copy, argument, known);
		copy[at] = 1U << (at % 8);
		EXPECT_EQ(-EINVAL, call(fd, request, copy)) TH_LOG("reserved byte %zu", at);
	}
}

/* What a region must look like after a call that was refused. */
HELPER void expect_unchanged(struct __test_metadata *_metadata, int region,
			     const struct cloister_stats *before)
{
	struct cloister_stats now;

	ASSERT_EQ(0, get_stats(region, &now));
	EXPECT_EQ(before->state, now.state);
	EXPECT_EQ(before->pages, now.pages);
	EXPECT_EQ(before->region_size, now.region_size);
	EXPECT_EQ(before->resident_limit, now.resident_limit);
}

/*
 * What the device holds when nobody uses it. The last reference to a region
 * may go a moment after the process that held it was reaped.
 */
HELPER bool device_returns_to(int device, const struct cloister_get_info *before)
{
	uint64_t until = now_ms() + 5000;
	struct cloister_get_info now;

	do {
		if (get_info(device, &now))
			return false;
		if (now.regions == before->regions && now.resident <= before->resident &&
		    now.metadata <= before->metadata)
			return true;
		sched_yield();
	} while (now_ms() < until);
	return false;
}

/* A fixture that holds nothing but the device. */
#define DEVICE_FIXTURE(name)					\
	FIXTURE(name) { int device; };				\
	FIXTURE_SETUP(name)					\
	{							\
		self->device = open_device();			\
		ASSERT_GE(self->device, 0)			\
			TH_LOG("open %s: %s", CLOISTER_DEVICE,	\
			       strerror(-self->device));	\
	}							\
	FIXTURE_TEARDOWN(name)					\
	{							\
		close(self->device);				\
	}

#endif
