// SPDX-License-Identifier: Apache-2.0
/*
 * measure-pages: measures by libcloister-verify what measure.py measures by itself.
 * Usage: measure-pages file [--writable | --debug] PATH
 *        measure-pages region SIZE FLAGS < LIST
 * Each line of LIST is "KIND OFFSET PERMISSIONS [BYTE]": KIND is data, attr or zero, with
 * "-pinned" behind it where the page is; all bytes of a page of data are BYTE.
 */
#include "cloister-verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct cloister_verify_error error;

static int complain(void)
{
	fprintf(stderr, "measure-pages: %s\n", error.sentence);
	return 1;
}

static int print(const uint8_t *digest)
{
	int i;

	for (i = 0; i < CLOISTER_MEASURE_DIGEST_LEN; i++)
		printf("%02x", digest[i]);
	putchar('\n');
	return 0;
}

static int add_line(struct cloister_measure *measure, const char *line)
{
	unsigned int permissions, byte = 0;
	enum cloister_measure_kind kind;
	unsigned long long offset;
	uint8_t page[4096];
	bool data;
	char name[16];

	if (sscanf(line, "%15s %llu %u %u", name, &offset, &permissions, &byte) < 3) {
		snprintf(error.sentence, sizeof(error.sentence), "wrong line: %.80s", line);
		return 1;
	}
	memset(page, byte, sizeof(page));
	data = !strncmp(name, "data", 4);
	kind = data ? CLOISTER_MEASURE_DATA :
	       !strncmp(name, "attr", 4) ? CLOISTER_MEASURE_ATTRIBUTES : CLOISTER_MEASURE_ZERO;
	if (strstr(name, "-pinned"))
		kind |= CLOISTER_MEASURE_PINNED;
	return cloister_measure_page(measure, kind, offset, permissions, data ? page : NULL,
				     &error);
}

static int measure_region(const char *size, const char *flags)
{
	uint8_t digest[CLOISTER_MEASURE_DIGEST_LEN];
	struct cloister_measure *measure;
	char line[128];
	int ret;

	ret = cloister_measure_begin(&measure, strtoull(size, NULL, 0), strtoull(flags, NULL, 0),
				     &error);
	while (!ret && fgets(line, sizeof(line), stdin))
		ret = add_line(measure, line);
	if (!ret)
		ret = cloister_measure_final(measure, digest, &error);
	cloister_measure_free(measure);
	return ret ? complain() : print(digest);
}

static int measure_file(int argc, char **argv)
{
	uint8_t digest[CLOISTER_MEASURE_DIGEST_LEN];
	unsigned int flags = 0;

	if (argc == 4 && !strcmp(argv[2], "--writable"))
		flags = CLOISTER_MEASURE_WRITABLE;
	else if (argc == 4 && !strcmp(argv[2], "--debug"))
		flags = CLOISTER_MEASURE_DEBUG;
	if (cloister_measure_file(argv[argc - 1], flags, NULL, NULL, digest, NULL, &error))
		return complain();
	return print(digest);
}

int main(int argc, char **argv)
{
	if (argc >= 3 && argc <= 4 && !strcmp(argv[1], "file"))
		return measure_file(argc, argv);
	if (argc == 4 && !strcmp(argv[1], "region"))
		return measure_region(argv[2], argv[3]);
	fprintf(stderr, "usage: measure-pages file [--writable | --debug] PATH | region SIZE FLAGS\n");
	return 2;
}
