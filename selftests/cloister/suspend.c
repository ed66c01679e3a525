// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suspend to RAM, up to the processors being taken down and back: regions keep what they hold,
 * resident and sealed, and calls go on as before. (Hibernation is refused: info.c.)
 */
#include "checks.h"
#include "calls.h"

#define POWER	"/sys/power"

static __attribute__((constructor)) void need_suspend(void)
{
	need(POWER "/pm_test", "needs CONFIG_PM_DEBUG");
}

FIXTURE(suspend) {
	struct ground ground;
};

FIXTURE_SETUP(suspend)
{
	int result = ground_make(&self->ground);

	ASSERT_EQ(0, result) TH_LOG("%s", strerror(-result));
	ASSERT_EQ(0, provision_once(self->ground.device));
	/* It stays there so many seconds. */
	ASSERT_EQ(0, write_text("/sys/module/suspend/parameters/pm_test_delay", "1"));
}

FIXTURE_TEARDOWN(suspend)
{
	write_text(POWER "/pm_test", "none");
	ground_drop(&self->ground);
}

static void suspend_at(struct __test_metadata *_metadata, const struct ground *ground,
		       const char *level)
{
	struct cloister_quote quote = plain_quote(ground->quote, QUOTE_BUFFER);
	struct cloister_stats before, after;
	int result;

	ASSERT_EQ(0, seal(ground->live, 0, GROUND_SIZE / 2));
	ASSERT_EQ(0, get_stats(ground->live, &before));
	ASSERT_EQ(0, write_text(POWER "/pm_test", level));
	result = write_text(POWER "/state", "mem");
	ASSERT_EQ(0, result) TH_LOG("%s: %s", level, strerror(-result));
	ASSERT_EQ(0, get_stats(ground->live, &after));
	EXPECT_EQ(CLOISTER_STATE_LIVE, after.state);
	EXPECT_EQ(before.pages, after.pages);
	EXPECT_EQ(0, after.integrity_failures);
	EXPECT_EQ(0, check_pattern(ground->at, GROUND_SEED, 0, GROUND_SIZE)) TH_LOG("%s", level);
	EXPECT_EQ(0, call(ground->live, CLOISTER_QUOTE, &quote)) TH_LOG("%s", level);
}

TEST_F(suspend, levels)
{
	static const char * const levels[] = {
		"freezer", "devices", "platform", "processors", "core",
	};
	uint8_t digest[CLOISTER_DIGEST_LEN], twin_digest[CLOISTER_DIGEST_LEN];
	int twin = building_region(&self->ground);
	size_t i;

	ASSERT_GE(twin, 0);
	ASSERT_EQ(0, init_region(twin, twin_digest));
	close(twin);
	for (i = 0; i < ARRAY_LEN(levels); i++)
		suspend_at(_metadata, &self->ground, levels[i]);
	/* One that was being built goes on to the same identity. */
	EXPECT_EQ(0, init_region(self->ground.building, digest));
	EXPECT_EQ(0, memcmp(twin_digest, digest, sizeof(digest)));
}

TEST_HARNESS_MAIN
