// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module loaded while an allocation, or a copy from user memory, is refused: the nth of those
 * that loading makes. It may be refused, and then nothing of it is there; or succeed, and then
 * works, says truly which guards it has, and can be unloaded.
 *
 * There are more than 1200, and loading takes a second under emulation: each run takes every
 * STEPth, from a place that its seed decides. CLOISTER_SEED=0 to 31 are all of them.
 */
#include "checks.h"
#include "fail_nth.h"
#include "failing.h"
#include "reload.h"

#define GUARDS		"/sys/class/misc/tee/guards"
#define PAGES		4
#define STEP		32
#define NTH_MAX		20000

static __attribute__((constructor)) void need_module_file(void)
{
	need(module_file(), "the module can't be loaded again (CLOISTER_MODULE=...)");
}

FIXTURE(fail_load) {
	int nth;
	int module;
};

FIXTURE_SETUP(fail_load)
{
	ASSERT_FALSE(warned());
	ASSERT_EQ(0, prepare_injection());
	self->nth = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	ASSERT_GE(self->nth, 0);
	self->module = open(module_file(), O_RDONLY | O_CLOEXEC);
	ASSERT_GE(self->module, 0);
	ASSERT_EQ(0, unload_module()) TH_LOG("the device is in use");
}

FIXTURE_TEARDOWN(fail_load)
{
	unload_module();
	/* As others expect it, and with all its guards. */
	EXPECT_EQ(0, load_module(""));
	EXPECT_FALSE(warned());
	close(self->module);
	close(self->nth);
}

/* True where loading came to its end before the nth. */
static bool load_once(FIXTURE_DATA(fail_load) *self, unsigned int nth, int *result)
{
	refuse_nth(self->nth, nth);
	*result = syscall(SYS_finit_module, self->module, "", 0) ? -errno : 0;
	return !was_refused(self->nth);
}

/* Where a hook could not be placed the module goes without: then it must say so. */
static void expect_true_guards(struct __test_metadata *_metadata, int device, unsigned int nth)
{
	struct cloister_get_info info;
	static char guards[8192];
	bool missing;

	ASSERT_EQ(0, get_info(device, &info));
	ASSERT_EQ(0, read_text(GUARDS, guards, sizeof(guards)));
	missing = strstr(guards, " missing ") || strstr(guards, " off ");
	EXPECT_EQ(!missing, !!(info.posture & CLOISTER_POSTURE_GUARDS))
		TH_LOG("failure %u: posture %llx with guards\n%s", nth,
		       (unsigned long long)info.posture, guards);
}

static void expect_works(struct __test_metadata *_metadata, unsigned int nth)
{
	int device = open_device(), region;
	struct cloister_get_info before;
	uint8_t *at;

	ASSERT_GE(device, 0) TH_LOG("failure %u: %s", nth, strerror(-device));
	ASSERT_EQ(0, get_info(device, &before));
	EXPECT_EQ(0, before.regions + before.resident);
	expect_true_guards(_metadata, device, nth);
	region = pattern_region(device, PAGES * PAGE, 0, 0, READ, 1);
	ASSERT_GE(region, 0) TH_LOG("failure %u: %s", nth, strerror(-region));
	EXPECT_EQ(0, seal_all(region));
	at = map_region(region, 0, PAGES * PAGE, PROT_READ);
	EXPECT_EQ(0, check_pattern(at, 1, 0, PAGES * PAGE)) TH_LOG("failure %u", nth);
	munmap(at, PAGES * PAGE);
	close(region);
	EXPECT_TRUE(device_returns_to(device, &before)) TH_LOG("failure %u", nth);
	close(device);
}

static void expect_absent(struct __test_metadata *_metadata, unsigned int nth)
{
	EXPECT_EQ(-ENOENT, open_device()) TH_LOG("failure %u", nth);
	EXPECT_NE(0, access("/sys/module/cloister", F_OK)) TH_LOG("failure %u", nth);
}

TEST_F_TIMEOUT(fail_load, refused_or_whole, 1200)
{
	uint64_t seed = seed_of_run();
	unsigned int nth = 1 + seed % STEP, refused = 0, whole = 0;
	bool ended = false;
	int result = 0;

	TH_LOG("CLOISTER_SEED=%llu", (unsigned long long)seed);
	for (; !ended && nth < NTH_MAX; nth += STEP) {
		ended = load_once(self, nth, &result);
		if (result) {
			refused++;
			EXPECT_TRUE(result == -ENOMEM || result == -EFAULT)
				TH_LOG("failure %u: %s", nth, strerror(-result));
			expect_absent(_metadata, nth);
			continue;
		}
		whole++;
		expect_works(_metadata, nth);
		ASSERT_EQ(0, unload_module()) TH_LOG("failure %u", nth);
		ASSERT_FALSE(warned()) TH_LOG("failure %u", nth);
	}
	TH_LOG("up to failure %u: not loaded %u times, loaded %u", nth - STEP, refused, whole);
	EXPECT_TRUE(ended) TH_LOG("loading does not end");
	EXPECT_EQ(0, result);
	EXPECT_GT(refused, 0);
}

TEST_HARNESS_MAIN
