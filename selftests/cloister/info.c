// SPDX-License-Identifier: GPL-2.0-only
/* CLOISTER_GET_INFO: what the device is, what it can do, what it holds. */
#include "checks.h"

DEVICE_FIXTURE(info)

static struct cloister_get_info plain_info(void)
{
	return (struct cloister_get_info) { .size = sizeof(struct cloister_get_info) };
}

TEST_F(info, version_mode_and_features)
{
	struct cloister_get_info info;
	size_t i;

	ASSERT_EQ(0, get_info(self->device, &info));
	EXPECT_EQ(CLOISTER_ABI_VERSION, info.abi_version);
	EXPECT_EQ(CLOISTER_MODE_KERNEL, info.mode);
	EXPECT_EQ(SHAREABLE | CLOISTER_CREATE_DEBUG, info.create_flags);
	EXPECT_EQ(MEASURED | ZERO | PINNED, info.add_flags);
	EXPECT_EQ(READ | WRITE | EXEC, info.permissions);
	EXPECT_EQ(1U << CLOISTER_ALG_ES256 | 1U << CLOISTER_ALG_ES384, info.algorithms);
	EXPECT_EQ(REGION_MAX, info.region_size_max);
	EXPECT_GE(info.resident_max, RESIDENT_MIN);
	EXPECT_EQ(0, info.resident_max % PAGE);
	EXPECT_LE(info.resident, info.resident_max);
	for (i = 0; i < ARRAY_LEN(info.reserved); i++) {
		EXPECT_EQ(0, info.reserved[i]);
	}
}

TEST_F(info, instance_id_is_random_and_stays)
{
	struct cloister_get_info first, second;
	uint8_t zeros[sizeof(first.instance_id)] = { 0 };

	ASSERT_EQ(0, get_info(self->device, &first));
	ASSERT_EQ(0, get_info(self->device, &second));
	EXPECT_NE(0, memcmp(first.instance_id, zeros, sizeof(zeros)));
	EXPECT_EQ(0, memcmp(first.instance_id, second.instance_id, sizeof(zeros)));
}

TEST_F(info, every_flag_bit_is_refused)
{
	struct cloister_get_info info = plain_info();

	check_bad_flags(_metadata, self->device, CLOISTER_GET_INFO, &info, sizeof(info), 0);
}

TEST_F(info, sizes)
{
	struct cloister_get_info info = plain_info();

	check_bad_sizes(_metadata, self->device, CLOISTER_GET_INFO, &info, sizeof(info));
	EXPECT_EQ(0, call_sized(self->device, CLOISTER_GET_INFO, &info, sizeof(info),
				sizeof(info) + 64, 0));
}

TEST_F(info, addresses)
{
	struct cloister_get_info info = plain_info();
	struct cloister_get_info *readonly;

	check_bad_addresses(_metadata, self->device, CLOISTER_GET_INFO, &info, sizeof(info));
	readonly = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, readonly);
	*readonly = info;
	ASSERT_EQ(0, mprotect(readonly, PAGE, PROT_READ));
	EXPECT_EQ(-EFAULT, call(self->device, CLOISTER_GET_INFO, readonly));
}

TEST_F(info, region_answers_as_the_device_does)
{
	struct cloister_get_info device, region;
	int fd = create_region(self->device, PAGE, 0, 0);

	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, get_info(self->device, &device));
	ASSERT_EQ(0, get_info(fd, &region));
	EXPECT_EQ(0, memcmp(device.instance_id, region.instance_id, sizeof(device.instance_id)));
	EXPECT_EQ(device.abi_version, region.abi_version);
	EXPECT_EQ(device.resident_max, region.resident_max);
}

TEST_F(info, counts_regions_and_gives_all_back)
{
	struct cloister_get_info before, during;
	int regions[16];
	size_t i;

	ASSERT_EQ(0, get_info(self->device, &before));
	for (i = 0; i < ARRAY_LEN(regions); i++) {
		regions[i] = pattern_region(self->device, 8 * PAGE, 0, 0, READ, i);
		ASSERT_GE(regions[i], 0);
	}
	ASSERT_EQ(0, get_info(self->device, &during));
	EXPECT_EQ(before.regions + ARRAY_LEN(regions), during.regions);
	EXPECT_GT(during.metadata, before.metadata);
	for (i = 0; i < ARRAY_LEN(regions); i++)
		close(regions[i]);
	EXPECT_TRUE(device_returns_to(self->device, &before));
}

/* Posture is stated, never wished: it must agree with what the kernel itself says. */
static bool posture_bit(const struct cloister_get_info *info, uint64_t bit)
{
	return info->posture & bit;
}

TEST_F(info, posture_agrees_with_the_kernel)
{
	struct cloister_get_info info;
	char text[128];

	ASSERT_EQ(0, get_info(self->device, &info));
	if (!read_text("/sys/kernel/security/lockdown", text, sizeof(text))) {
		EXPECT_EQ(strstr(text, "[confidentiality]") != NULL,
			  posture_bit(&info, CLOISTER_POSTURE_LOCKDOWN_CONFIDENTIALITY));
		EXPECT_EQ(strstr(text, "[none]") == NULL,
			  posture_bit(&info, CLOISTER_POSTURE_LOCKDOWN_INTEGRITY));
	}
	if (!read_text("/sys/module/module/parameters/sig_enforce", text, sizeof(text))) {
		EXPECT_EQ(text[0] == 'Y',
			  posture_bit(&info, CLOISTER_POSTURE_MODULE_SIGNATURES));
	}
	if (!read_text("/sys/kernel/kexec_crash_loaded", text, sizeof(text))) {
		EXPECT_EQ(text[0] == '1', posture_bit(&info, CLOISTER_POSTURE_CRASH_KERNEL));
	}
}

TEST_F(info, posture_bits_are_known_ones)
{
	const uint64_t known = CLOISTER_POSTURE_LOCKDOWN_INTEGRITY |
		CLOISTER_POSTURE_LOCKDOWN_CONFIDENTIALITY | CLOISTER_POSTURE_MODULE_SIGNATURES |
		CLOISTER_POSTURE_CRASH_KERNEL | CLOISTER_POSTURE_PROVISIONED |
		CLOISTER_POSTURE_IOMMU | CLOISTER_POSTURE_GUARDS;
	struct cloister_get_info info;

	ASSERT_EQ(0, get_info(self->device, &info));
	EXPECT_EQ(0, info.posture & ~known);
}

/* The calls on the device have numbers from 0x10 on, those on a region from 0x20 on. */
static bool known_call(unsigned int nr)
{
	return (nr >= 0x10 && nr <= 0x13) || (nr >= 0x20 && nr <= 0x25);
}

TEST_F(info, unknown_calls)
{
	uint8_t argument[512] = { 0 };
	unsigned int nr;
	int region = create_region(self->device, PAGE, 0, 0);

	ASSERT_GE(region, 0);
	for (nr = 0; nr < 256; nr++) {
		if (known_call(nr))
			continue;
		EXPECT_EQ(-ENOTTY, call(self->device, _IOWR(CLOISTER_IOC_MAGIC, nr,
							    struct cloister_get_info), argument))
			TH_LOG("device call %#x", nr);
		EXPECT_EQ(-ENOTTY, call(region, _IOWR(CLOISTER_IOC_MAGIC, nr,
						      struct cloister_get_info), argument))
			TH_LOG("region call %#x", nr);
	}
	EXPECT_EQ(-ENOTTY, call(self->device, _IOWR(0xa4, 0x10, struct cloister_get_info),
				argument));
}

TEST_F(info, calls_on_the_wrong_descriptor)
{
	static const unsigned long device_calls[] = {
		CLOISTER_CREATE, CLOISTER_PROVISION, CLOISTER_SET_CHAIN,
	};
	static const unsigned long region_calls[] = {
		CLOISTER_ADD_PAGES, CLOISTER_INIT, CLOISTER_SEAL, CLOISTER_REMOVE_PAGES,
		CLOISTER_QUOTE, CLOISTER_STATS,
	};
	uint8_t argument[1024] = { 0 };
	int region = create_region(self->device, PAGE, 0, 0);
	size_t i;

	ASSERT_GE(region, 0);
	for (i = 0; i < ARRAY_LEN(device_calls); i++) {
		EXPECT_EQ(-ENOTTY, call(region, device_calls[i], argument));
	}
	for (i = 0; i < ARRAY_LEN(region_calls); i++) {
		EXPECT_EQ(-ENOTTY, call(self->device, region_calls[i], argument));
	}
}

TEST_F(info, device_can_not_be_read_written_or_mapped)
{
	char byte = 0;

	EXPECT_EQ(-1, read(self->device, &byte, 1));
	EXPECT_EQ(-1, write(self->device, &byte, 1));
	EXPECT_EQ(-ENODEV, map_errno(self->device, 0, PAGE, PROT_READ, MAP_SHARED));
}

TEST_F(info, region_can_not_be_read_or_written)
{
	char byte = 0;
	int region = pattern_region(self->device, PAGE, 0, 0, READ | WRITE, 1);

	ASSERT_GE(region, 0);
	EXPECT_EQ(-1, read(region, &byte, 1));
	EXPECT_EQ(-1, pread(region, &byte, 1, 0));
	EXPECT_EQ(-1, write(region, &byte, 1));
	EXPECT_NE(0, ftruncate(region, 0));
}

TEST_F(info, device_node_is_closed_to_strangers)
{
	struct stat node;

	ASSERT_EQ(0, stat(CLOISTER_DEVICE, &node));
	EXPECT_TRUE(S_ISCHR(node.st_mode));
	EXPECT_EQ(0, node.st_mode & 07);
}

TEST_HARNESS_MAIN
