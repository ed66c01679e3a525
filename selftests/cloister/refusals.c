// SPDX-License-Identifier: GPL-2.0-only
/*
 * Errors that no argument brings about: limits of the system, ciphers that fail, counters that
 * are used up, crowds. Some need a function of the driver to fail (cloister_faults.ko).
 */
#include <sys/resource.h>
#include "checks.h"
#include "calls.h"
#include "failing.h"
#include "reload.h"

FIXTURE(refusals) {
	struct ground ground;
	struct snapshot before;
	int faults;
};

FIXTURE_SETUP(refusals)
{
	int result = ground_make(&self->ground);

	ASSERT_EQ(0, result) TH_LOG("%s", strerror(-result));
	ASSERT_EQ(0, provision_once(self->ground.device));
	ASSERT_EQ(0, take_snapshot(&self->ground, &self->before));
	self->faults = -1;
}

FIXTURE_TEARDOWN(refusals)
{
	ground_drop(&self->ground);
}

static int make_call(const struct ground *ground, unsigned long request)
{
	const struct call_info *c = call_named(request);
	uint8_t argument[ARGUMENT_MAX] = { 0 };

	c->fill(ground, argument);
	return call(fd_for(ground, c), request, argument);
}

TEST_F(refusals, no_descriptor_left)
{
	struct rlimit limit, none = { 0 };

	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &limit));
	none.rlim_max = limit.rlim_max;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
	EXPECT_EQ(-EMFILE, make_call(&self->ground, CLOISTER_CREATE));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	expect_same(_metadata, &self->ground, &self->before, "CREATE");
}

#define FILE_MAX	"/proc/sys/fs/file-max"

/* As nobody, since root is not held to the limit. */
static int create_unprivileged(void *ground)
{
	if (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
		return -EPROTO;
	return make_call(ground, CLOISTER_CREATE) >= 0 ? 0 : -errno;
}

TEST_F(refusals, no_file_left)
{
	char limit[32];

	ASSERT_EQ(0, read_text(FILE_MAX, limit, sizeof(limit)));
	EXPECT_EQ(0, in_child(create_unprivileged, &self->ground));
	ASSERT_EQ(0, write_text(FILE_MAX, "0"));
	EXPECT_EQ(-ENFILE, in_child(create_unprivileged, &self->ground));
	ASSERT_EQ(0, write_text(FILE_MAX, limit));
	EXPECT_TRUE(device_returns_to(self->ground.device, &self->before.info));
	expect_same(_metadata, &self->ground, &self->before, "CREATE");
}

/* A function of the driver fails at the nth call of it, within a call of the interface. */
struct failure {
	unsigned long request;
	const char *function;
	int64_t result;
	uint32_t first, last;	/* which calls of it fail, in turn */
	int expected;
	bool dies;		/* the region the call is on */
};

static const struct failure failures[] = {
	{ CLOISTER_CREATE, "plat_random", 0, 1, 3, -EIO, false },
	{ CLOISTER_CREATE, "plat_aead_set", CLOISTER_FAULTS_E_CRYPTO, 1, 1, -EIO, false },
	{ CLOISTER_CREATE, "plat_aead_set", CLOISTER_FAULTS_E_NO_MEMORY, 1, 1, -ENOMEM, false },
	{ CLOISTER_CREATE, "plat_hash_init", CLOISTER_FAULTS_E_CRYPTO, 1, 1, -EIO, false },
	{ CLOISTER_CREATE, "plat_hash_update", CLOISTER_FAULTS_E_CRYPTO, 1, 1, -EIO, false },
	{ CLOISTER_ADD_PAGES, "plat_hash_update", CLOISTER_FAULTS_E_CRYPTO, 1, 1, -EIO, true },
	{ CLOISTER_INIT, "plat_hash_final", CLOISTER_FAULTS_E_CRYPTO, 1, 1, -EIO, true },
	{ CLOISTER_SEAL, "plat_aead_seal", CLOISTER_FAULTS_E_CRYPTO, 1, 1, -EIO, false },
	{ CLOISTER_SEAL, "plat_aead_seal", CLOISTER_FAULTS_E_NO_MEMORY, 1, 1, -ENOMEM, false },
	{ CLOISTER_SEAL, "page_nonce_next", CLOISTER_FAULTS_E_EXHAUSTED, 1, 1, -EOVERFLOW, true },
	{ CLOISTER_QUOTE, "plat_ecdsa_sign", CLOISTER_FAULTS_E_CRYPTO, 1, 1, -EIO, false },
	{ CLOISTER_QUOTE, "plat_hash_init", CLOISTER_FAULTS_E_CRYPTO, 1, 1, -EIO, false },
	/* So many callers that the region's counter of them is full: see granule_ref(). */
	{ CLOISTER_ADD_PAGES, "granule_ref", 0, 1, 1, -EBUSY, false },
	{ CLOISTER_INIT, "granule_ref", 0, 1, 1, -EBUSY, false },
	{ CLOISTER_SEAL, "granule_ref", 0, 2, 2, -EBUSY, false },
	{ CLOISTER_REMOVE_PAGES, "granule_ref", 0, 1, 1, -EBUSY, false },
	{ CLOISTER_QUOTE, "granule_ref", 0, 1, 1, -EBUSY, false },
	{ CLOISTER_STATS, "granule_ref", 0, 1, 1, -EBUSY, false },
};

static void try_failure(struct __test_metadata *_metadata, const struct ground *ground,
			const struct snapshot *before, const struct failure *failure,
			uint32_t nth)
{
	const struct call_info *c = call_named(failure->request);
	struct cloister_stats stats;
	int faults, result;

	faults = let_fail(failure->function, failure->result, nth);
	ASSERT_GE(faults, 0) TH_LOG("%s: %s", failure->function, strerror(-faults));
	result = make_call(ground, failure->request);
	EXPECT_EQ(1, fail_no_more(faults)) TH_LOG("%s: %s, %u", c->name, failure->function, nth);
	EXPECT_EQ(failure->expected, result) TH_LOG("%s: %s, %u", c->name, failure->function, nth);
	EXPECT_TRUE(documented(c, result)) TH_LOG("%s: %d", c->name, result);
	if (!failure->dies) {
		expect_same(_metadata, ground, before, failure->function);
		return;
	}
	ASSERT_EQ(0, get_stats(fd_for(ground, c), &stats));
	EXPECT_EQ(CLOISTER_STATE_DEAD, stats.state) TH_LOG("%s", failure->function);
}

TEST_F(refusals, functions_that_fail)
{
	size_t i;
	uint32_t nth;

	for (i = 0; i < ARRAY_LEN(failures); i++) {
		for (nth = failures[i].first; nth <= failures[i].last; nth++)
			try_failure(_metadata, &self->ground, &self->before, &failures[i], nth);
		if (!failures[i].dies)
			continue;
		ground_drop(&self->ground);
		ASSERT_EQ(0, ground_make(&self->ground));
		ASSERT_EQ(0, take_snapshot(&self->ground, &self->before));
	}
	EXPECT_EQ(0, check_pattern(self->ground.at, GROUND_SEED, 0, GROUND_SIZE));
}

/* Keys that can't be derived leave the device as it was: it can be provisioned afterwards. */
TEST_F(refusals, provision_fails)
{
	static const char * const functions[] = { "plat_hmac_sha384", "plat_ecdsa_public" };
	int device, faults;
	uint32_t nth;
	size_t i;

	ground_drop(&self->ground);
	device = open_without_keys();
	ASSERT_GE(device, 0);
	for (i = 0; i < ARRAY_LEN(functions); i++) {
		for (nth = 1; nth <= 2; nth++) {
			faults = let_fail(functions[i], CLOISTER_FAULTS_E_CRYPTO, nth);
			ASSERT_GE(faults, 0);
			EXPECT_EQ(-EIO, provision_once(device));
			EXPECT_EQ(1, fail_no_more(faults));
			EXPECT_FALSE(provisioned(device));
		}
	}
	EXPECT_EQ(0, provision_once(device));
	EXPECT_TRUE(provisioned(device));
	close(device);
	ASSERT_EQ(0, ground_make(&self->ground));
}

/*
 * All frames are in use, and the driver finds none that could be sealed: ADD_PAGES says so,
 * reports how far it got, and goes on from there.
 */
TEST_F(refusals, add_pages_at_a_limit)
{
	struct ground *ground = &self->ground;
	const size_t pages = 64;
	uint8_t *source = pattern_buffer(7, pages * PAGE), *at;
	int region = create_region(ground->device, pages * PAGE, RESIDENT_MIN, 0);
	struct cloister_fault fault = { .result = 0, .nth = 1, .onwards = 1 };
	int faults = open(CLOISTER_FAULTS_DEVICE, O_RDWR | O_CLOEXEC);
	struct cloister_stats stats;
	uint64_t done = 0;

	ASSERT_GE(region, 0);
	ASSERT_GE(faults, 0);
	strcpy(fault.function, "frames_pick");
	ASSERT_EQ(0, call(faults, CLOISTER_FAULTS_ARM, &fault));
	EXPECT_EQ(-EBUSY, add_once(region, MEASURED, 0, pages * PAGE, source, READ, &done));
	EXPECT_GT(fail_no_more(faults), 0);
	EXPECT_EQ(RESIDENT_MIN, done);
	ASSERT_EQ(0, get_stats(region, &stats));
	EXPECT_EQ(done / PAGE, stats.pages);
	EXPECT_EQ(CLOISTER_STATE_BUILDING, stats.state);
	EXPECT_EQ(0, add_pages(region, MEASURED, done, pages * PAGE - done, source + done, READ));
	ASSERT_EQ(0, init_region(region, NULL));
	at = map_region(region, 0, pages * PAGE, PROT_READ);
	EXPECT_EQ(0, check_pattern(at, 7, 0, pages * PAGE));
	munmap(at, pages * PAGE);
	close(region);
	free(source);
	expect_same(_metadata, ground, &self->before, "ADD_PAGES");
}

/* A touch whose page can't be opened: SIGBUS, and whole at the next one. */
TEST_F(refusals, touch_fails)
{
	struct ground *ground = &self->ground;
	int faults;

	ASSERT_EQ(0, seal_all(ground->live));
	faults = let_fail("plat_aead_open", CLOISTER_FAULTS_E_CRYPTO, 1);
	ASSERT_GE(faults, 0);
	EXPECT_EQ(SIGBUS, touch_read(ground->at));
	EXPECT_EQ(1, fail_no_more(faults));
	/* Out of memory is no failure: the kernel tries again. */
	faults = let_fail("plat_aead_open", CLOISTER_FAULTS_E_NO_MEMORY, 1);
	ASSERT_GE(faults, 0);
	EXPECT_EQ(0, touch_read(ground->at));
	EXPECT_EQ(1, fail_no_more(faults));
	EXPECT_EQ(0, check_pattern(ground->at, GROUND_SEED, 0, GROUND_SIZE));
}

TEST_HARNESS_MAIN
