// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module itself: loaded anew it is another device, and its parameter limits
 * the plaintext of all regions together. Takes the module away from under
 * everybody else, so nothing may use the device meanwhile.
 */
#include "checks.h"
#include "keys.h"
#include "reload.h"

static __attribute__((constructor)) void need_module_file(void)
{
	need(module_file(), "the module can't be loaded again (CLOISTER_MODULE=...)");
}

FIXTURE(module) {
	bool unloaded;
};

FIXTURE_SETUP(module)
{
	ASSERT_EQ(0, unload_module()) TH_LOG("the device is in use");
	self->unloaded = true;
}

FIXTURE_TEARDOWN(module)
{
	if (!self->unloaded)
		return;
	/* As others expect it: without parameters. */
	unload_module();
	EXPECT_EQ(0, load_module(""));
}

TEST_F(module, goes_and_comes_back_as_another)
{
	struct cloister_get_info first, second;
	int device;

	EXPECT_EQ(-ENOENT, open_device());
	ASSERT_EQ(0, load_module(""));
	device = open_device();
	ASSERT_GE(device, 0);
	ASSERT_EQ(0, get_info(device, &first));
	ASSERT_EQ(0, provision_once(device));
	EXPECT_TRUE(provisioned(device));
	close(device);
	ASSERT_EQ(0, unload_module());
	ASSERT_EQ(0, load_module(""));
	device = open_device();
	ASSERT_GE(device, 0);
	ASSERT_EQ(0, get_info(device, &second));
	EXPECT_NE(0, memcmp(first.instance_id, second.instance_id, sizeof(first.instance_id)));
	EXPECT_FALSE(provisioned(device));
	EXPECT_EQ(0, second.regions);
	EXPECT_EQ(0, second.resident);
	close(device);
}

TEST_F(module, bad_parameters)
{
	EXPECT_EQ(-EINVAL, load_module("resident_max_mib=x"));
	EXPECT_EQ(-ERANGE, load_module("resident_max_mib=99999999999999999999"));
	EXPECT_EQ(-EINVAL, load_module("resident_max_mib=-1"));
	EXPECT_EQ(-ENOENT, open_device());
}

#define REGIONS		4
#define REGION_PAGES	128

/* Four regions of half a MiB that share one: who is over the limit takes from the others. */
TEST_F(module, limit_of_all_regions_together)
{
	struct cloister_get_info info;
	int device, regions[REGIONS];
	uint8_t *at[REGIONS];
	size_t i, page;

	ASSERT_EQ(0, load_module("resident_max_mib=1"));
	device = open_device();
	ASSERT_GE(device, 0);
	ASSERT_EQ(0, get_info(device, &info));
	EXPECT_EQ(1 << 20, info.resident_max);
	for (i = 0; i < REGIONS; i++) {
		regions[i] = pattern_region(device, REGION_PAGES * PAGE, 0, 0, READ, i);
		ASSERT_GE(regions[i], 0) TH_LOG("region %zu: %s", i, strerror(-regions[i]));
		at[i] = map_region(regions[i], 0, REGION_PAGES * PAGE, PROT_READ);
		ASSERT_NE(MAP_FAILED, at[i]);
		ASSERT_EQ(0, get_info(device, &info));
		EXPECT_LE(info.resident, info.resident_max);
	}
	for (page = 0; page < REGION_PAGES; page++) {
		for (i = 0; i < REGIONS; i++) {
			EXPECT_EQ(0, check_pattern(at[i] + page * PAGE, i, page * PAGE, PAGE));
			ASSERT_EQ(0, get_info(device, &info));
			EXPECT_LE(info.resident, info.resident_max);
		}
	}
	for (i = 0; i < REGIONS; i++) {
		munmap(at[i], REGION_PAGES * PAGE);
		close(regions[i]);
	}
	close(device);
}

TEST_HARNESS_MAIN
