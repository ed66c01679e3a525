// SPDX-License-Identifier: Apache-2.0
/*
 * Works in a protected file: `cloister run --protect FILE --resident SIZE -- reader`.
 *
 * Maps the region that CLOISTER_REGION_FD names, reads it from front to back, then again in
 * random order, and checks that each page is the same both times, that the whole is what was
 * expected and that no more plaintext was in memory than allowed.
 */
#include <err.h>
#include <getopt.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/cloister.h>

#define PAGE	((size_t)CLOISTER_PAGE_SIZE)

struct reader {
	int fd;
	size_t file_size;
	size_t pages;
	const unsigned char *region;
	unsigned char (*digests)[SHA256_DIGEST_LENGTH];	/* of each page */
	bool failed;
};

static unsigned long long number(const char *name, const char *text)
{
	char *end;
	unsigned long long value;

	if (!text)
		errx(2, "%s is not set; run this under `cloister run --protect FILE`", name);
	value = strtoull(text, &end, 10);
	if (end == text || *end)
		errx(2, "%s: \"%s\" is no number", name, text);
	return value;
}

static void check(struct reader *reader, bool good, const char *what)
{
	printf("%s - %s\n", good ? "ok" : "not ok", what);
	reader->failed |= !good;
}

/* Front to back; the file's SHA-256 goes to @hex. */
static void read_sequential(struct reader *reader, char *hex)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	EVP_MD_CTX *sha = EVP_MD_CTX_new();
	size_t i;

	if (!sha || EVP_DigestInit_ex(sha, EVP_sha256(), NULL) != 1)
		errx(1, "no SHA-256");
	for (i = 0; i < reader->pages; i++) {
		size_t left = reader->file_size - i * PAGE;

		SHA256(reader->region + i * PAGE, PAGE, reader->digests[i]);
		EVP_DigestUpdate(sha, reader->region + i * PAGE, left < PAGE ? left : PAGE);
	}
	EVP_DigestFinal_ex(sha, digest, NULL);
	EVP_MD_CTX_free(sha);
	for (i = 0; i < sizeof(digest); i++)
		sprintf(hex + 2 * i, "%02x", digest[i]);
}

/* splitmix64: enough to visit pages in an order that nothing predicts. */
static unsigned long long next_random(unsigned long long *state)
{
	unsigned long long z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

/* The first @count of a random permutation of all pages; how many differ from before. */
static size_t read_random(struct reader *reader, size_t count, unsigned long long seed)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	size_t *order = calloc(reader->pages, sizeof(*order));
	size_t wrong = 0;
	size_t i;

	if (!order)
		err(1, "calloc");
	for (i = 0; i < reader->pages; i++)
		order[i] = i;
	for (i = 0; i < count; i++) {
		size_t other = i + next_random(&seed) % (reader->pages - i);
		size_t page = order[other];

		order[other] = order[i];
		SHA256(reader->region + page * PAGE, PAGE, digest);
		wrong += !!memcmp(digest, reader->digests[page], sizeof(digest));
	}
	free(order);
	return wrong;
}

static void check_stats(struct reader *reader)
{
	struct cloister_stats stats = { .size = sizeof(stats) };
	char text[160];

	if (ioctl(reader->fd, CLOISTER_STATS, &stats))
		err(1, "CLOISTER_STATS");
	snprintf(text, sizeof(text), "plaintext: %llu of %llu pages, limit %llu; %llu loads, "
		 "%llu evictions", stats.resident, stats.pages, stats.resident_limit / PAGE,
		 stats.loads, stats.evictions);
	check(reader, stats.resident * PAGE <= stats.resident_limit, text);
	check(reader, !stats.integrity_failures, "no page failed authentication");
}

static void map_region(struct reader *reader)
{
	size_t size = number("CLOISTER_REGION_SIZE", getenv("CLOISTER_REGION_SIZE"));

	reader->fd = (int)number("CLOISTER_REGION_FD", getenv("CLOISTER_REGION_FD"));
	reader->file_size = number("CLOISTER_FILE_SIZE", getenv("CLOISTER_FILE_SIZE"));
	reader->pages = size / PAGE;
	reader->region = mmap(NULL, size, PROT_READ, MAP_SHARED, reader->fd, 0);
	if (reader->region == MAP_FAILED)
		err(1, "mmap of the region");
	reader->digests = calloc(reader->pages, sizeof(*reader->digests));
	if (!reader->digests)
		err(1, "calloc");
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "expect", required_argument, NULL, 'e' },
		{ "pages", required_argument, NULL, 'p' },
		{ "seed", required_argument, NULL, 's' },
		{ "hold", no_argument, NULL, 'h' },
		{ 0 }
	};
	char hex[2 * SHA256_DIGEST_LENGTH + 1], text[160];
	struct reader reader = { 0 };
	unsigned long long count = 0, seed = 1;
	const char *expected = NULL;
	bool hold = false;
	size_t wrong;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (option == 'e')
			expected = optarg;
		else if (option == 'p')
			count = number("--pages", optarg);
		else if (option == 's')
			seed = number("--seed", optarg);
		else if (option == 'h')
			hold = true;
		else
			errx(2, "usage: reader [--expect SHA256] [--pages N] [--seed N] [--hold]");
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	map_region(&reader);
	if (!count || count > reader.pages)
		count = reader.pages;

	read_sequential(&reader, hex);
	snprintf(text, sizeof(text), "sequential: %zu pages, SHA-256 %s", reader.pages, hex);
	check(&reader, !expected || !strcmp(expected, hex), text);
	wrong = read_random(&reader, count, seed);
	snprintf(text, sizeof(text), "random: %llu pages, %zu differ", count, wrong);
	check(&reader, !wrong, text);
	check_stats(&reader);

	/* For who wants to look at this process meanwhile: until stdin ends. */
	if (hold) {
		printf("# holding pid %d at %p\n", getpid(), (const void *)reader.region);
		while (read(STDIN_FILENO, text, sizeof(text)) > 0)
			;
	}
	return reader.failed;
}
