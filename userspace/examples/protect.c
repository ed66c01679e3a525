// SPDX-License-Identifier: Apache-2.0
/*
 * Cloister by its ioctls alone: a page that is protected, sealed, read back and quoted.
 * It stops at the first call that fails and says which.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <linux/cloister.h>

#define MUST(call)	({ __typeof__(call) r = (call); if ((long)r == -1) err(1, #call); r; })

static char page[CLOISTER_PAGE_SIZE] = "a secret", quote[16384];
static struct cloister_create create = { .size = sizeof(create), .region_size = sizeof(page) };
static struct cloister_add_pages add = { .size = sizeof(add), .flags = CLOISTER_ADD_MEASURED,
	.length = sizeof(page), .permissions = CLOISTER_PERM_READ };
static struct cloister_init init = { .size = sizeof(init) };
static struct cloister_range all = { .size = sizeof(all) };
static struct cloister_quote ask = { .size = sizeof(ask), .algorithm = CLOISTER_ALG_ES256,
	.nonce = "use the verifier's", .nonce_len = 32, .buffer_len = sizeof(quote) };

int main(void)
{
	int device = MUST(open(CLOISTER_DEVICE, O_RDWR | O_CLOEXEC));
	int region = MUST(ioctl(device, CLOISTER_CREATE, &create));
	const char *mapped;

	add.source = (__u64)page;
	MUST(ioctl(region, CLOISTER_ADD_PAGES, &add));
	MUST(ioctl(region, CLOISTER_INIT, &init));
	mapped = MUST(mmap(NULL, sizeof(page), PROT_READ, MAP_SHARED, region, 0));
	MUST(ioctl(region, CLOISTER_SEAL, &all));	/* now only ciphertext is in memory */
	printf("read back: %s\n", mapped);		/* the touch brings the page back */

	ask.buffer = (__u64)quote;
	MUST(ioctl(region, CLOISTER_QUOTE, &ask));
	printf("quote: %llu bytes\n", ask.quote_len);
	return 0;
}
