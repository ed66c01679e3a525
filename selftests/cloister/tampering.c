// SPDX-License-Identifier: GPL-2.0-only
/*
 * An attacker writes to the backing store. Whatever it changes there, the touch
 * of that page and no other raises SIGBUS, the failure is counted and an event is
 * raised, and the true ciphertext makes the page work again. A memfd under
 * the same change shows what the attack does where nothing is authenticated.
 */
#include "checks.h"
#include "tamper/cloister_tamper.h"

#define PAGES	16
#define SIZE	(PAGES * PAGE)
#define SEED	81

static __attribute__((constructor)) void need_tamper(void)
{
	need(CLOISTER_TAMPER_DEVICE, "load cloister_tamper.ko");
}

FIXTURE(tamper) {
	int device;
	int tamper;
	int region;
	int backing;
	uint8_t *at;
	int plain;
	uint8_t *plain_at;
};

static int backing_of(int tamper, int region)
{
	int32_t fd = region;

	return call(tamper, CLOISTER_TAMPER_BACKING, &fd);
}

FIXTURE_SETUP(tamper)
{
	self->tamper = open(CLOISTER_TAMPER_DEVICE, O_RDWR | O_CLOEXEC);
	ASSERT_GE(self->tamper, 0) TH_LOG(CLOISTER_TAMPER_DEVICE ": %s", strerror(errno));
	self->device = open_device();
	ASSERT_GE(self->device, 0);
	self->region = pattern_region(self->device, SIZE, 0, 0, READ | WRITE, SEED);
	ASSERT_GE(self->region, 0);
	self->backing = backing_of(self->tamper, self->region);
	ASSERT_GE(self->backing, 0) TH_LOG("backing: %s", strerror(-self->backing));
	self->at = map_region(self->region, 0, SIZE, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, self->at);
	ASSERT_EQ(0, seal_all(self->region));

	self->plain = memfd_create("plain", MFD_CLOEXEC);
	ASSERT_GE(self->plain, 0);
	ASSERT_EQ(0, ftruncate(self->plain, SIZE));
	self->plain_at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, self->plain, 0);
	ASSERT_NE(MAP_FAILED, self->plain_at);
	pattern_fill(self->plain_at, SEED, 0, SIZE);
}

FIXTURE_TEARDOWN(tamper)
{
	munmap(self->at, SIZE);
	close(self->backing);
	close(self->region);
	close(self->device);
	close(self->tamper);
}

static bool load(int file, size_t page, uint8_t contents[PAGE])
{
	return pread(file, contents, PAGE, page * PAGE) == (ssize_t)PAGE;
}

static bool store(int file, size_t page, const uint8_t contents[PAGE])
{
	return pwrite(file, contents, PAGE, page * PAGE) == (ssize_t)PAGE;
}

static bool flip(int file, size_t page, size_t bit)
{
	uint8_t contents[PAGE];

	if (!load(file, page, contents))
		return false;
	contents[bit / 8] ^= 1U << (bit % 8);
	return store(file, page, contents);
}

static uint64_t failures(int region)
{
	struct cloister_stats stats;

	return get_stats(region, &stats) ? -1ULL : stats.integrity_failures;
}

/* All pages but @page (and @other) are as they were written. */
static void expect_others_whole(struct __test_metadata *_metadata, const uint8_t *at,
				size_t page, size_t other)
{
	size_t i;

	for (i = 0; i < PAGES; i++) {
		if (i == page || i == other)
			continue;
		EXPECT_EQ(0, check_pattern(at + i * PAGE, SEED, i * PAGE, PAGE))
			TH_LOG("page %zu", i);
	}
}

TEST_F(tamper, backing_holds_no_plaintext)
{
	uint8_t contents[PAGE];
	size_t page, word;

	for (page = 0; page < PAGES; page++) {
		ASSERT_TRUE(load(self->backing, page, contents));
		for (word = 0; word < PAGE; word += 8) {
			EXPECT_FALSE(pattern_holds(contents + word, SEED, page * PAGE + word, 8));
		}
		/* The control: a memfd is what swap would hold, plainly. */
		ASSERT_TRUE(load(self->plain, page, contents));
		EXPECT_TRUE(pattern_holds(contents, SEED, page * PAGE, PAGE));
	}
}

TEST_F(tamper, same_contents_never_look_the_same)
{
	uint8_t first[PAGE], second[PAGE];
	int region = create_region(self->device, 2 * PAGE, 0, 0);
	uint8_t *zeros = calloc(2, PAGE);
	int backing;

	ASSERT_EQ(0, add_pages(region, MEASURED, 0, 2 * PAGE, zeros, READ));
	ASSERT_EQ(0, seal_all(region));
	backing = backing_of(self->tamper, region);
	ASSERT_GE(backing, 0);
	ASSERT_TRUE(load(backing, 0, first));
	ASSERT_TRUE(load(backing, 1, second));
	EXPECT_NE(0, memcmp(first, second, PAGE));
	EXPECT_NE(0, memcmp(first, zeros, PAGE));
	/* Nor does one page, sealed twice. */
	ASSERT_TRUE(load(self->backing, 0, first));
	EXPECT_EQ(0, touch_read(self->at));
	ASSERT_EQ(0, seal_all(self->region));
	ASSERT_TRUE(load(self->backing, 0, second));
	EXPECT_NE(0, memcmp(first, second, PAGE));
	free(zeros);
	close(backing);
	close(region);
}

/* All bits of some bytes, one bit of many: a byte near every kind of boundary. */
TEST_F(tamper, flipped_bit)
{
	static const size_t bytes[] = {
		0, 1, 7, 8, 15, 16, 17, 63, 64, 255, 511, 512, 2047, 2048, 4079, 4080, 4094, 4095,
	};
	uint64_t count = failures(self->region);
	size_t i, bit;

	for (i = 0; i < ARRAY_LEN(bytes); i++) {
		for (bit = 0; bit < 8; bit += i % 4 ? 5 : 1) {
			ASSERT_TRUE(flip(self->backing, 5, bytes[i] * 8 + bit));
			EXPECT_EQ(SIGBUS, touch_read(self->at + 5 * PAGE))
				TH_LOG("byte %zu bit %zu", bytes[i], bit);
			EXPECT_EQ(self->at + 5 * PAGE, (uint8_t *)touch_fault.si_addr);
			EXPECT_GT(failures(self->region), count);
			count = failures(self->region);
			ASSERT_TRUE(flip(self->backing, 5, bytes[i] * 8 + bit));
		}
	}
	EXPECT_EQ(0, check_pattern(self->at, SEED, 0, SIZE));
	/* The control: nobody notices. */
	ASSERT_TRUE(flip(self->plain, 5, 0));
	EXPECT_EQ(0, touch_read(self->plain_at + 5 * PAGE));
	EXPECT_EQ(-EILSEQ, check_pattern(self->plain_at, SEED, 0, SIZE));
}

TEST_F(tamper, others_work_on_and_truth_heals)
{
	uint8_t contents[PAGE], zeros[PAGE] = { 0 };

	ASSERT_TRUE(load(self->backing, 3, contents));
	ASSERT_TRUE(store(self->backing, 3, zeros));
	EXPECT_EQ(SIGBUS, touch_read(self->at + 3 * PAGE));
	EXPECT_EQ(SIGBUS, touch_write(self->at + 3 * PAGE));
	expect_others_whole(_metadata, self->at, 3, 3);
	pattern_fill(self->at, SEED, 0, PAGE);
	ASSERT_EQ(0, seal_all(self->region));
	EXPECT_EQ(SIGBUS, touch_read(self->at + 3 * PAGE));
	ASSERT_TRUE(store(self->backing, 3, contents));
	EXPECT_EQ(0, check_pattern(self->at, SEED, 0, SIZE));
}

TEST_F(tamper, swapped_pages)
{
	uint8_t first[PAGE], second[PAGE];

	ASSERT_TRUE(load(self->backing, 2, first));
	ASSERT_TRUE(load(self->backing, 9, second));
	ASSERT_TRUE(store(self->backing, 2, second));
	ASSERT_TRUE(store(self->backing, 9, first));
	EXPECT_EQ(SIGBUS, touch_read(self->at + 2 * PAGE));
	EXPECT_EQ(SIGBUS, touch_read(self->at + 9 * PAGE));
	EXPECT_EQ(2, failures(self->region));
	expect_others_whole(_metadata, self->at, 2, 9);
	ASSERT_TRUE(store(self->backing, 2, first));
	ASSERT_TRUE(store(self->backing, 9, second));
	EXPECT_EQ(0, check_pattern(self->at, SEED, 0, SIZE));

	ASSERT_TRUE(load(self->plain, 2, first));
	ASSERT_TRUE(store(self->plain, 9, first));
	EXPECT_EQ(0, check_pattern(self->plain_at + 9 * PAGE, SEED, 2 * PAGE, PAGE));
}

TEST_F(tamper, replayed_page)
{
	uint8_t old[PAGE], fresh[PAGE];

	ASSERT_TRUE(load(self->backing, 4, old));
	pattern_fill(self->at + 4 * PAGE, SEED + 1, 0, PAGE);
	ASSERT_EQ(0, seal_all(self->region));
	ASSERT_TRUE(load(self->backing, 4, fresh));
	ASSERT_TRUE(store(self->backing, 4, old));
	EXPECT_EQ(SIGBUS, touch_read(self->at + 4 * PAGE));
	expect_others_whole(_metadata, self->at, 4, 4);
	ASSERT_TRUE(store(self->backing, 4, fresh));
	EXPECT_EQ(0, check_pattern(self->at + 4 * PAGE, SEED + 1, 0, PAGE));

	ASSERT_TRUE(load(self->plain, 4, old));
	pattern_fill(self->plain_at + 4 * PAGE, SEED + 1, 0, PAGE);
	ASSERT_TRUE(store(self->plain, 4, old));
	EXPECT_EQ(0, check_pattern(self->plain_at, SEED, 0, SIZE));
}

/* Even unchanged contents, sealed again, have no older version that is good. */
TEST_F(tamper, replayed_page_of_equal_contents)
{
	uint8_t old[PAGE];

	ASSERT_TRUE(load(self->backing, 4, old));
	EXPECT_EQ(0, touch_write(self->at + 4 * PAGE));
	pattern_fill(self->at + 4 * PAGE, SEED, 4 * PAGE, PAGE);
	ASSERT_EQ(0, seal_all(self->region));
	ASSERT_TRUE(store(self->backing, 4, old));
	EXPECT_EQ(SIGBUS, touch_read(self->at + 4 * PAGE));
}

TEST_F(tamper, page_of_another_region)
{
	int other = pattern_region(self->device, SIZE, 0, 0, READ | WRITE, SEED);
	uint8_t contents[PAGE];
	int backing;

	ASSERT_GE(other, 0);
	ASSERT_EQ(0, seal_all(other));
	backing = backing_of(self->tamper, other);
	ASSERT_GE(backing, 0);
	ASSERT_TRUE(load(backing, 6, contents));
	ASSERT_TRUE(store(self->backing, 6, contents));
	EXPECT_EQ(SIGBUS, touch_read(self->at + 6 * PAGE));
	expect_others_whole(_metadata, self->at, 6, 6);
	close(backing);
	close(other);
}

TEST_F(tamper, dropped_page)
{
	ASSERT_EQ(0, fallocate(self->backing, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			       7 * PAGE, PAGE));
	EXPECT_EQ(SIGBUS, touch_read(self->at + 7 * PAGE));
	expect_others_whole(_metadata, self->at, 7, 7);
}

TEST_F(tamper, whole_store_dropped)
{
	size_t i;

	ASSERT_EQ(0, ftruncate(self->backing, 0));
	for (i = 0; i < PAGES; i++) {
		EXPECT_EQ(SIGBUS, touch_read(self->at + i * PAGE));
	}
}

/*
 * Resident pages are out of the store's reach. The region is larger than what is
 * added, so that the limit leaves room for all its pages and some frames more.
 */
TEST_F(tamper, resident_pages_do_not_care)
{
	int region = create_region(self->device, 4 * SIZE, 0, 0);
	uint8_t *source = pattern_buffer(SEED, SIZE), *at;
	uint8_t zeros[PAGE] = { 0 };
	int backing;
	size_t i;

	ASSERT_EQ(0, add_pages(region, MEASURED, 0, SIZE, source, READ));
	ASSERT_EQ(0, init_region(region, NULL));
	at = map_region(region, 0, SIZE, PROT_READ);
	ASSERT_NE(MAP_FAILED, at);
	ASSERT_EQ(0, seal_all(region));
	ASSERT_EQ(0, check_pattern(at, SEED, 0, SIZE));
	backing = backing_of(self->tamper, region);
	ASSERT_GE(backing, 0);
	for (i = 0; i < PAGES; i++) {
		ASSERT_TRUE(store(backing, i, zeros));
	}
	EXPECT_EQ(0, check_pattern(at, SEED, 0, SIZE));
	ASSERT_EQ(0, seal_all(region));
	EXPECT_EQ(0, check_pattern(at, SEED, 0, SIZE));
	EXPECT_EQ(0, failures(region));
	munmap(at, SIZE);
	close(backing);
	close(region);
	free(source);
}

TEST_F(tamper, system_call_on_a_bad_page)
{
	int pipes[2];

	ASSERT_EQ(0, pipe(pipes));
	ASSERT_TRUE(flip(self->backing, 1, 100));
	EXPECT_EQ(-1, write(pipes[1], self->at + PAGE, PAGE));
	EXPECT_EQ(EFAULT, errno);
}

/* A shareable region: the process that meets the bad page dies, its creator lives. */
static int map_and_touch(void *region)
{
	uint8_t *at = map_region(*(int *)region, 0, PAGE, PROT_READ);

	if (at == MAP_FAILED)
		return -errno;
	return pattern_holds(at, SEED, 0, PAGE) ? 0 : -EILSEQ;
}

TEST_F(tamper, kills_only_who_touches)
{
	int region = pattern_region(self->device, SIZE, 0, SHAREABLE, READ, SEED);
	int backing;

	ASSERT_GE(region, 0);
	ASSERT_EQ(0, seal_all(region));
	backing = backing_of(self->tamper, region);
	ASSERT_GE(backing, 0);
	EXPECT_EQ(0, in_child(map_and_touch, &region));
	ASSERT_EQ(0, seal_all(region));
	ASSERT_TRUE(flip(backing, 0, 0));
	EXPECT_EQ(SIGNALLED(SIGBUS), in_child(map_and_touch, &region));
	EXPECT_EQ(1, failures(region));
	close(backing);
	close(region);
}

/* The log --------------------------------------------------------------------- */

/* The kernel's for all lines that are limited, see linux/ratelimit.h: so many in some seconds. */
#define LOG_BURST	10UL
#define LOG_MINUTES	4UL

struct log {
	int file;
	unsigned long lines;
	unsigned long suppressed;
};

/* What was added to the log since it was read last. */
static int read_log(struct log *log)
{
	char record[1024], *at;
	ssize_t got;

	while ((got = read(log->file, record, sizeof(record) - 1)) > 0) {
		record[got] = 0;
		log->lines += !!strstr(record, "the backing store does not hold");
		at = strstr(record, "integrity_failure: ");
		if (at && strstr(at, "callbacks suppressed"))
			log->suppressed = strtoul(at + strlen("integrity_failure: "), NULL, 10);
	}
	return errno == EAGAIN ? 0 : -errno;
}

/*
 * Touches bad pages one after another until the kernel says how many lines it has left out. Each
 * touch would have given one. How often it touched, or 0.
 */
static unsigned long touch_until_suppressed(const uint8_t *at, struct log *log)
{
	uint64_t until = now_ms() + LOG_MINUTES * 60000;
	unsigned long touches = 0;

	log->lines = 0;
	log->suppressed = 0;
	while (!log->suppressed) {
		if (touch_read(at + touches % PAGES * PAGE) != SIGBUS || now_ms() > until)
			return 0;
		touches++;
		if (read_log(log))
			return 0;
	}
	return touches;
}

TEST_F(tamper, does_not_flood_the_log)
{
	struct log log = { .file = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC) };
	unsigned long touches;
	uint64_t before;

	ASSERT_GE(log.file, 0);
	ASSERT_EQ(0, lseek(log.file, 0, SEEK_END));
	ASSERT_EQ(0, ftruncate(self->backing, 0));
	/* To where one span of time ends and another begins, with the line of the last touch. */
	ASSERT_NE(0, touch_until_suppressed(self->at, &log));
	before = failures(self->region);
	touches = touch_until_suppressed(self->at, &log);
	/* The last one begins another span. */
	EXPECT_GT(touches, LOG_BURST);
	EXPECT_EQ(LOG_BURST, log.lines);
	EXPECT_EQ(touches, log.suppressed + log.lines);
	EXPECT_GE(failures(self->region), before + touches);
	close(log.file);
}

#define TRACING		"/sys/kernel/tracing"
#define EVENT		TRACING "/events/cloister/cloister_integrity_failure"

TEST_F(tamper, raises_an_event)
{
	static char trace[65536];

	if (access(TRACING "/trace", R_OK))
		SKIP(return, "tamper.raises_an_event: no tracefs at " TRACING);
	ASSERT_EQ(0, access(EVENT "/enable", W_OK)) TH_LOG("no event " EVENT);
	ASSERT_EQ(0, write_text(EVENT "/enable", "1"));
	close(open(TRACING "/trace", O_WRONLY | O_TRUNC));
	EXPECT_EQ(0, check_pattern(self->at, SEED, 0, PAGE));
	ASSERT_EQ(0, read_text(TRACING "/trace", trace, sizeof(trace)));
	EXPECT_EQ(NULL, strstr(trace, "cloister_integrity_failure:"));
	ASSERT_TRUE(flip(self->backing, 5, 1));
	EXPECT_EQ(SIGBUS, touch_read(self->at + 5 * PAGE));
	ASSERT_EQ(0, read_text(TRACING "/trace", trace, sizeof(trace)));
	EXPECT_NE(NULL, strstr(trace, "cloister_integrity_failure:")) TH_LOG("%s", trace);
	write_text(EVENT "/enable", "0");
}

TEST_HARNESS_MAIN
