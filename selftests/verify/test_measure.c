// SPDX-License-Identifier: Apache-2.0
/* The measurement: what it depends on, and what can't be measured. Its value: test_measure.sh. */
#include "check.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARGUMENT	CLOISTER_VERIFY_EARGUMENT
#define DATA		CLOISTER_MEASURE_DATA
#define ATTRIBUTES	CLOISTER_MEASURE_ATTRIBUTES
#define ZERO		CLOISTER_MEASURE_ZERO
#define PINNED		CLOISTER_MEASURE_PINNED

static const uint8_t page[CLOISTER_PAGE_SIZE] = "a page";
static const uint8_t other_page[CLOISTER_PAGE_SIZE] = "another page";
static const uint8_t zero_page[CLOISTER_PAGE_SIZE];

struct added {
	enum cloister_measure_kind kind;
	uint64_t offset;
	uint32_t permissions;
	const uint8_t *data;
};

/* Regions that differ in one thing each, so that all their measurements differ. */
static const struct {
	const char *name;
	uint64_t size;
	uint64_t flags;
	unsigned int pages;
	struct added page[2];
} regions[] = {
	{ "a region", 8192, 0, 2, { { DATA, 0, 1, page }, { DATA, 4096, 1, page } } },
	{ "shareable", 8192, 1, 2, { { DATA, 0, 1, page }, { DATA, 4096, 1, page } } },
	{ "larger", 12288, 0, 2, { { DATA, 0, 1, page }, { DATA, 4096, 1, page } } },
	{ "no pages", 8192, 0, 0, { { 0 } } },
	{ "first page only", 8192, 0, 1, { { DATA, 0, 1, page } } },
	{ "second page only", 8192, 0, 1, { { DATA, 4096, 1, page } } },
	{ "other order", 8192, 0, 2, { { DATA, 4096, 1, page }, { DATA, 0, 1, page } } },
	{ "other contents", 8192, 0, 2, { { DATA, 0, 1, page }, { DATA, 4096, 1, other_page } } },
	{ "writable", 8192, 0, 2, { { DATA, 0, 1, page }, { DATA, 4096, 3, page } } },
	{ "executable", 8192, 0, 2, { { DATA, 0, 1, page }, { DATA, 4096, 5, page } } },
	{ "contents unmeasured", 8192, 0, 2,
	  { { DATA, 0, 1, page }, { ATTRIBUTES, 4096, 1, NULL } } },
	{ "zero page", 8192, 0, 2, { { DATA, 0, 1, page }, { ZERO, 4096, 1, NULL } } },
	{ "page of zeros", 8192, 0, 2, { { DATA, 0, 1, page }, { DATA, 4096, 1, zero_page } } },
	{ "pinned", 8192, 0, 2, { { DATA, 0, 1, page }, { DATA | PINNED, 4096, 1, page } } },
	{ "contents unmeasured and pinned", 8192, 0, 2,
	  { { DATA, 0, 1, page }, { ATTRIBUTES | PINNED, 4096, 1, NULL } } },
	{ "zero page, pinned", 8192, 0, 2,
	  { { DATA, 0, 1, page }, { ZERO | PINNED, 4096, 1, NULL } } },
};

static void measure(size_t i, uint8_t *digest)
{
	struct cloister_verify_error error = { 0 };
	struct cloister_measure *measure;
	const struct added *added;
	unsigned int p;
	int code;

	code = cloister_measure_begin(&measure, regions[i].size, regions[i].flags, &error);
	for (p = 0; !code && p < regions[i].pages; p++) {
		added = &regions[i].page[p];
		code = cloister_measure_page(measure, added->kind, added->offset,
					     added->permissions, added->data, &error);
	}
	if (!code)
		code = cloister_measure_final(measure, digest, &error);
	if (code)
		tap_bail("%s: %s", regions[i].name, error.sentence);
	cloister_measure_free(measure);
}

static void test_differences(void)
{
	static uint8_t digests[ARRAY_SIZE(regions)][CLOISTER_MEASURE_DIGEST_LEN];
	uint8_t again[CLOISTER_MEASURE_DIGEST_LEN];
	size_t i, j;
	bool good;

	for (i = 0; i < ARRAY_SIZE(regions); i++) {
		measure(i, digests[i]);
		measure(i, again);
		good = !memcmp(digests[i], again, sizeof(again));
		for (j = 0; j < i; j++)
			good &= memcmp(digests[i], digests[j], sizeof(again)) != 0;
		tap_ok(good, "\"%s\" has a measurement of its own", regions[i].name);
	}
}

static void test_refused_regions(void)
{
	static const struct {
		uint64_t size;
		uint64_t flags;
		const char *part;
	} table[] = {
		{ 0, 0, "and 0 is none" },
		{ 4095, 0, "4095" },
		{ 4097, 0, "4097" },
		{ (1ULL << 40) + 4096, 0, "1099511631872" },
		{ 4096, 4, "0x4" },
		{ 4096, 1ULL << 63, "0x8000000000000000" },
	};
	struct cloister_verify_error error;
	struct cloister_measure *measure;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		tap_ok(cloister_measure_begin(&measure, table[i].size, table[i].flags, &error) ==
		       ARGUMENT && !measure && strstr(error.sentence, table[i].part),
		       "no region: %s", error.sentence);
	tap_ok(!cloister_measure_begin(&measure, 1ULL << 40, 0, &error), "1 TiB can be measured");
	cloister_measure_free(measure);
}

static void test_refused_pages(void)
{
	static const struct {
		enum cloister_measure_kind kind;
		uint64_t offset;
		uint32_t permissions;
		const uint8_t *data;
		const char *part;
	} table[] = {
		{ 0, 0, 1, page, "0 is no kind" },
		{ 4, 0, 1, NULL, "4 is no kind" },
		{ PINNED, 0, 1, NULL, "256 is no kind" },
		{ DATA | 0x200, 0, 1, page, "513 is no kind" },
		{ DATA | PINNED, 0, 1, NULL, "Contents" },
		{ ZERO | PINNED, 0, 1, page, "Contents" },
		{ DATA, 1, 1, page, "offset 1 " },
		{ DATA, 8192, 1, page, "offset 8192 " },
		{ DATA, UINT64_MAX - 4095, 1, page, "offset 18446744073709547520 " },
		{ DATA, 0, 0, page, "permissions 0x0 " },
		{ DATA, 0, 2, page, "permissions 0x2 " },
		{ DATA, 0, 4, page, "permissions 0x4 " },
		{ DATA, 0, 7, page, "permissions 0x7 " },
		{ DATA, 0, 9, page, "permissions 0x9 " },
		{ DATA, 0, 1, NULL, "Contents" },
		{ ATTRIBUTES, 0, 1, page, "Contents" },
		{ ZERO, 0, 1, page, "Contents" },
	};
	struct cloister_verify_error error;
	struct cloister_measure *begun;
	uint8_t digest[CLOISTER_MEASURE_DIGEST_LEN];
	uint8_t empty[CLOISTER_MEASURE_DIGEST_LEN];
	size_t i;

	cloister_measure_begin(&begun, 8192, 0, &error);
	for (i = 0; i < ARRAY_SIZE(table); i++)
		tap_ok(cloister_measure_page(begun, table[i].kind, table[i].offset,
					     table[i].permissions, table[i].data, &error) ==
		       ARGUMENT && strstr(error.sentence, table[i].part),
		       "no page: %s", error.sentence);
	tap_ok(!cloister_measure_final(begun, digest, &error), "the measurement can be finished");
	measure(3, empty);
	tap_ok(!memcmp(digest, empty, sizeof(digest)), "pages that were refused left no trace");
	tap_ok(cloister_measure_page(begun, DATA, 0, 1, page, &error) == ARGUMENT &&
	       cloister_measure_final(begun, digest, &error) == ARGUMENT &&
	       strstr(error.sentence, "finished"), "a finished measurement takes no more");
	cloister_measure_free(begun);
	tap_ok(cloister_measure_page(NULL, DATA, 0, 1, page, NULL) == ARGUMENT &&
	       cloister_measure_final(NULL, digest, NULL) == ARGUMENT &&
	       cloister_measure_begin(NULL, 4096, 0, NULL) == ARGUMENT, "NULL is refused");
}

struct seen {
	unsigned int calls;
	uint64_t done;
	uint64_t total;
	unsigned int stop_at;
	bool backwards;
};

static int note_progress(uint64_t done, uint64_t total, void *arg)
{
	struct seen *seen = arg;

	seen->backwards |= done <= seen->done;
	seen->done = done;
	seen->total = total;
	return ++seen->calls == seen->stop_at;
}

/* A file of some steps and a bit, whose measurement is also made page by page. */
static void test_file(void)
{
	char path[] = "/tmp/cloister-measure-XXXXXX";
	struct cloister_verify_error error;
	struct seen seen = { 0 };
	uint8_t digest[CLOISTER_MEASURE_DIGEST_LEN];
	uint8_t by_page[CLOISTER_MEASURE_DIGEST_LEN];
	struct cloister_measure *measure;
	const size_t size = (3 << 20) + 5;
	uint8_t *contents = calloc(1, size + CLOISTER_PAGE_SIZE);
	uint64_t region_size = 0;
	int file = mkstemp(path);
	uint64_t at;
	size_t i;

	if (!contents || file < 0)
		tap_bail("no memory or no file");
	for (i = 0; i < size; i++)
		contents[i] = i * 7 + i / 4096;
	if (write(file, contents, size) != (ssize_t)size)
		tap_bail("can't write %s", path);
	tap_ok(!cloister_measure_file(path, 0, note_progress, &seen, digest, &region_size,
				      &error) && region_size == (3 << 20) + 4096,
	       "a file is measured");
	tap_ok(seen.calls == 4 && !seen.backwards && seen.done == region_size &&
	       seen.total == region_size, "its progress is told up to the end");
	cloister_measure_begin(&measure, region_size, CLOISTER_CREATE_SHAREABLE, &error);
	for (at = 0; at < region_size; at += CLOISTER_PAGE_SIZE)
		cloister_measure_page(measure, DATA, at, 1, contents + at, &error);
	cloister_measure_final(measure, by_page, &error);
	cloister_measure_free(measure);
	tap_ok(!memcmp(digest, by_page, sizeof(digest)), "page by page it comes to the same");
	tap_ok(!cloister_measure_file(path, CLOISTER_MEASURE_WRITABLE, NULL, NULL, by_page, NULL,
				      &error) &&
	       memcmp(digest, by_page, sizeof(digest)), "a writable file is another region");
	tap_ok(!cloister_measure_file(path, CLOISTER_MEASURE_DEBUG, NULL, NULL, by_page, NULL,
				      &error) &&
	       memcmp(digest, by_page, sizeof(digest)), "a debug region is another region");
	tap_ok(cloister_measure_file(path, 1U << 2, NULL, NULL, by_page, NULL, &error) == ARGUMENT,
	       "unknown flags are refused");
	seen = (struct seen){ .stop_at = 2 };
	tap_ok(cloister_measure_file(path, 0, note_progress, &seen, digest, NULL, &error) ==
	       ARGUMENT && seen.calls == 2 && strstr(error.sentence, "was stopped after 2097152"),
	       "a measurement can be stopped");
	if (ftruncate(file, 0))
		tap_bail("can't empty %s", path);
	tap_ok(cloister_measure_file(path, 0, NULL, NULL, digest, NULL, &error) ==
	       CLOISTER_VERIFY_EFILE && strstr(error.sentence, "has 0 bytes"),
	       "an empty file can't be measured");
	tap_ok(cloister_measure_file("/", 0, NULL, NULL, digest, NULL, &error) ==
	       CLOISTER_VERIFY_EFILE && strstr(error.sentence, "not a regular file"),
	       "a directory can't be measured");
	tap_ok(cloister_measure_file("/nonexistent", 0, NULL, NULL, digest, NULL, &error) ==
	       CLOISTER_VERIFY_EFILE && strstr(error.sentence, "/nonexistent: No such file"),
	       "a file that is not there can't be measured");
	tap_ok(cloister_measure_file(NULL, 0, NULL, NULL, digest, NULL, NULL) == ARGUMENT,
	       "no path can't be measured");
	close(file);
	unlink(path);
	free(contents);
}

int main(void)
{
	test_differences();
	test_refused_regions();
	test_refused_pages();
	test_file();
	return tap_done();
}
