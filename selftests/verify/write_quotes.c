// SPDX-License-Identifier: Apache-2.0
/*
 * make-quote: writes quotes of the test's encoder to files, with their root, for tests that
 * are no C programs and as seeds of the fuzzer. Usage: make-quote DIRECTORY
 */
#include "make_quote.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>

static void save(const char *directory, const char *name, const void *data, size_t len)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "wb");
	if (!file || fwrite(data, 1, len, file) != len || fclose(file)) {
		fprintf(stderr, "make-quote: can't write %s\n", path);
		exit(1);
	}
}

static void save_quote(const char *directory, const char *name, const struct test_quote *quote)
{
	static struct test_bytes bytes;

	test_quote_build(quote, &bytes);
	save(directory, name, bytes.data, bytes.len);
}

int main(int argc, char **argv)
{
	struct test_world world;
	struct test_quote quote;
	uint8_t *pem;
	size_t len;

	if (argc != 2) {
		fprintf(stderr, "usage: make-quote DIRECTORY\n");
		return 2;
	}
	test_world_make(&world);
	len = test_cert_pem(world.root, &pem);
	save(argv[1], "root.pem", pem, len);
	OPENSSL_free(pem);
	test_quote_default(&quote, &world, CLOISTER_COSE_ALG_ES256);
	save_quote(argv[1], "es256.quote", &quote);
	test_quote_weaken(&quote);
	save_quote(argv[1], "weak.quote", &quote);
	quote.certs = 0;
	save_quote(argv[1], "no-chain.quote", &quote);
	test_quote_default(&quote, &world, CLOISTER_COSE_ALG_ES384);
	save_quote(argv[1], "es384.quote", &quote);
	test_quote_default(&quote, &world, CLOISTER_COSE_ALG_ES256);
	quote.cert[0] = world.middle_leaf;
	quote.cert[1] = world.middle;
	quote.certs = 2;
	save_quote(argv[1], "middle.quote", &quote);
	test_world_free(&world);
	return 0;
}
