// SPDX-License-Identifier: Apache-2.0
/*
 * libcloister against a transport that plays a script: no kernel is needed. Each test says what
 * the driver answers, and asserts what the library asked for and what it made of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../userspace/libcloister/cloister.h"

#define PAGE		((uint64_t)CLOISTER_PAGE_SIZE)
#define CALLS_MAX	64
#define DEVICE_FD	100
#define REGION_FD	200

/* One ioctl: what it was asked, and what it is to answer. */
struct call {
	unsigned long request;
	uint64_t offset;
	uint64_t length;
	uint64_t source;
	uint32_t flags;
	uint32_t permissions;
};

struct answer {
	int result;		/* what the transport returns */
	uint64_t done;		/* bytes done; UINT64_MAX: all */
	uint64_t quote_len;
};

struct script {
	struct call calls[CALLS_MAX];
	size_t called;
	struct answer answers[CALLS_MAX];
	size_t answers_given;
	size_t answers_used;
	int open_result;
	int map_result;
	char opened[64];
	int closed[8];
	size_t closes;
	uint8_t last_page[CLOISTER_PAGE_SIZE];
	uint8_t chain[64];
	struct cloister_set_chain set_chain;
	struct cloister_quote quote;
	uint32_t size;
};

static int tests;
static int failures;
static const char *test_name;
static bool test_failed;

#define CHECK(condition) do { \
	if (!(condition)) { \
		printf("# %s:%d: %s: %s\n", __FILE__, __LINE__, test_name, #condition); \
		test_failed = true; \
	} \
} while (0)

#define CHECK_CODE(call, layer, error) do { \
	int code_ = (call); \
\
	CHECK(cloister_code_layer(code_) == (layer)); \
	CHECK(cloister_code_errno(code_) == (error)); \
} while (0)

/* --- the scripted transport --- */

static int script_open(void *context, const char *path)
{
	struct script *script = context;

	snprintf(script->opened, sizeof(script->opened), "%s", path);
	return script->open_result ? script->open_result : DEVICE_FD;
}

static uint64_t done_of(const struct answer *answer, uint64_t length)
{
	return answer->done == UINT64_MAX ? length : answer->done;
}

static void play_add(struct script *script, struct call *call, const struct answer *answer,
		     struct cloister_add_pages *add)
{
	call->offset = add->offset;
	call->length = add->length;
	call->source = add->source;
	call->flags = add->flags;
	call->permissions = add->permissions;
	add->done = done_of(answer, add->length);
	if (add->source && add->done >= PAGE)
		memcpy(script->last_page,
		       (const uint8_t *)(uintptr_t)add->source + add->done - PAGE, PAGE);
}

static void play_range(struct call *call, const struct answer *answer,
		       struct cloister_range *range)
{
	call->offset = range->offset;
	call->length = range->length;
	call->flags = range->flags;
	range->done = done_of(answer, range->length);
}

static void play_quote(struct script *script, const struct answer *answer,
		       struct cloister_quote *quote)
{
	script->quote = *quote;
	quote->quote_len = answer->quote_len;
	if (!answer->result && quote->quote_len <= quote->buffer_len)
		memset((void *)(uintptr_t)quote->buffer, 0xab, quote->quote_len);
}

static int script_ioctl(void *context, int fd, unsigned long request, void *argument)
{
	static const struct answer good = { 0, UINT64_MAX, 100 };
	struct script *script = context;
	struct call *call = &script->calls[script->called];
	const struct answer *answer = script->answers_used < script->answers_given ?
		&script->answers[script->answers_used++] : &good;

	script->called++;
	call->request = request;
	memcpy(&script->size, argument, sizeof(script->size));
	switch (request) {
	case CLOISTER_CREATE:
		CHECK(fd == DEVICE_FD);
		call->length = ((struct cloister_create *)argument)->region_size;
		call->flags = ((struct cloister_create *)argument)->flags;
		return answer->result ? answer->result : REGION_FD;
	case CLOISTER_ADD_PAGES:
		play_add(script, call, answer, argument);
		break;
	case CLOISTER_SEAL:
	case CLOISTER_REMOVE_PAGES:
		play_range(call, answer, argument);
		break;
	case CLOISTER_QUOTE:
		play_quote(script, answer, argument);
		break;
	case CLOISTER_SET_CHAIN:
		script->set_chain = *(struct cloister_set_chain *)argument;
		memcpy(script->chain, (void *)(uintptr_t)script->set_chain.certs, 5);
		break;
	case CLOISTER_STATS:
		((struct cloister_stats *)argument)->region_size = 8 * PAGE;
		break;
	case CLOISTER_INIT:
		memset(((struct cloister_init *)argument)->measurement, 0x5a, CLOISTER_DIGEST_LEN);
		break;
	}
	return answer->result;
}

static int script_map(void *context, int fd, uint64_t offset, size_t length, int prot,
		      void **address)
{
	struct script *script = context;
	struct call *call = &script->calls[script->called++];

	CHECK(fd == REGION_FD);
	CHECK(prot == PROT_READ);
	call->offset = offset;
	call->length = length;
	*address = script;
	return script->map_result;
}

static int script_unmap(void *context, void *address, size_t length)
{
	struct script *script = context;

	CHECK(address == context);
	script->calls[script->called++].length = length;
	return 0;
}

static void script_close(void *context, int fd)
{
	struct script *script = context;

	script->closed[script->closes++] = fd;
}

static const struct cloister_transport transport = {
	.open = script_open,
	.ioctl = script_ioctl,
	.map = script_map,
	.unmap = script_unmap,
	.close = script_close,
};

/* --- helpers --- */

static struct cloister_device *open_device(struct script *script)
{
	struct cloister_device *device = cloister_device_new(&transport, script);

	CHECK(!cloister_device_open(device, NULL));
	return device;
}

/* A region of eight pages; the script starts afresh after its creation. */
static struct cloister_region *make_region(struct script *script, struct cloister_device *device)
{
	struct cloister_region *region = NULL;

	CHECK(!cloister_region_create(device, CLOISTER_CREATE_SHAREABLE, 8 * PAGE, 0, &region));
	CHECK(script->size == sizeof(struct cloister_create));
	CHECK(script->calls[script->called - 1].flags == CLOISTER_CREATE_SHAREABLE);
	script->called = 0;
	return region;
}

static void answer(struct script *script, int result, uint64_t done, uint64_t quote_len)
{
	script->answers[script->answers_given++] =
		(struct answer){ .result = result, .done = done, .quote_len = quote_len };
}

static void make_file(char *path, size_t length)
{
	int fd;

	strcpy(path, "/tmp/cloister-test-XXXXXX");
	fd = mkstemp(path);
	while (length--)
		CHECK(write(fd, "x", 1) == 1);
	close(fd);
}

/* --- tests --- */

static void test_codes(void)
{
	CHECK(cloister_code_layer(0) == CLOISTER_LAYER_NONE);
	CHECK(cloister_code_errno(0) == 0);
	CHECK(!strcmp(cloister_layer_name(CLOISTER_LAYER_DRIVER), "driver"));
	CHECK(!strcmp(cloister_layer_name((enum cloister_layer)99), "unknown"));
}

static void test_open_failures(void)
{
	static const struct {
		int error;
		const char *advice;
	} rows[] = {
		{ ENOENT, "load the module" },
		{ ENODEV, "load the module" },
		{ EACCES, "group tee" },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct script script = { .open_result = -rows[i].error };
		struct cloister_device *device = cloister_device_new(&transport, &script);
		struct cloister_get_info info;
		int code = cloister_device_open(device, NULL);

		CHECK_CODE(code, CLOISTER_LAYER_DEVICE, rows[i].error);
		CHECK(strstr(cloister_device_error(device), rows[i].advice));
		CHECK(strstr(cloister_device_error(device), "/dev/tee"));
		/* A device that is not open is not called. */
		CHECK_CODE(cloister_device_info(device, &info), CLOISTER_LAYER_ARGUMENT, EBADF);
		CHECK(script.called == 0);
		cloister_device_free(device);
		CHECK(script.closes == 0);
	}
}

static void test_open_twice(void)
{
	struct script script = { 0 };
	struct cloister_device *device = open_device(&script);

	CHECK_CODE(cloister_device_open(device, NULL), CLOISTER_LAYER_ARGUMENT, EBUSY);
	cloister_device_free(device);
	CHECK(script.closes == 1 && script.closed[0] == DEVICE_FD);
}

static void test_create_failure(void)
{
	struct script script = { 0 };
	struct cloister_device *device = open_device(&script);
	struct cloister_region *region = (void *)&script;

	answer(&script, -EINVAL, 0, 0);
	CHECK_CODE(cloister_region_create(device, 0, 1, 0, &region), CLOISTER_LAYER_DRIVER, EINVAL);
	CHECK(region == (void *)&script);
	CHECK(strstr(cloister_device_error(device), "CREATE (EINVAL)"));
	CHECK(strstr(cloister_device_error(device), "multiples of 4096"));
	cloister_device_free(device);
}

static void test_add_resumes(void)
{
	struct script script = { 0 };
	struct cloister_device *device = open_device(&script);
	struct cloister_region *region = make_region(&script, device);
	static uint8_t pages[5 * CLOISTER_PAGE_SIZE];
	uint64_t done = 0;

	answer(&script, -EINTR, 2 * PAGE, 0);
	answer(&script, -EINTR, 0, 0);
	answer(&script, 0, PAGE, 0);
	answer(&script, 0, UINT64_MAX, 0);
	CHECK(!cloister_region_add(region, CLOISTER_ADD_MEASURED, PAGE, pages, sizeof(pages),
				   CLOISTER_PERM_READ, &done));
	CHECK(done == sizeof(pages));
	CHECK(script.called == 4);
	CHECK(script.calls[1].offset == 3 * PAGE && script.calls[1].length == 3 * PAGE);
	CHECK(script.calls[1].source == (uintptr_t)pages + 2 * PAGE);
	CHECK(script.calls[2].offset == 3 * PAGE && script.calls[2].length == 3 * PAGE);
	CHECK(script.calls[3].offset == 4 * PAGE && script.calls[3].length == 2 * PAGE);
	CHECK(script.calls[3].source == (uintptr_t)pages + 3 * PAGE);
	CHECK(script.calls[3].flags == CLOISTER_ADD_MEASURED);
	CHECK(script.calls[3].permissions == CLOISTER_PERM_READ);
	cloister_region_close(region);
	cloister_device_free(device);
	CHECK(script.closes == 2 && script.closed[0] == REGION_FD);
}

static void test_add_failure_reports_done(void)
{
	struct script script = { 0 };
	struct cloister_device *device = open_device(&script);
	struct cloister_region *region = make_region(&script, device);
	static uint8_t pages[5 * CLOISTER_PAGE_SIZE];
	uint64_t done = 0;

	answer(&script, -EINTR, PAGE, 0);
	answer(&script, -ENOMEM, 2 * PAGE, 0);
	CHECK_CODE(cloister_region_add(region, 0, 0, pages, sizeof(pages), 1, &done),
		   CLOISTER_LAYER_DRIVER, ENOMEM);
	CHECK(done == 3 * PAGE);
	CHECK(strstr(cloister_region_error(region), "ADD_PAGES (ENOMEM)"));
	cloister_region_close(region);
	cloister_device_free(device);
}

static void test_add_without_progress(void)
{
	struct script script = { 0 };
	struct cloister_device *device = open_device(&script);
	struct cloister_region *region = make_region(&script, device);
	uint64_t done = 1;

	answer(&script, 0, 0, 0);
	CHECK_CODE(cloister_region_add_zero(region, 0, PAGE, 1, &done), CLOISTER_LAYER_DRIVER,
		   EPROTO);
	CHECK(done == 0 && script.called == 1);
	/* More done than asked for would run past the source. */
	answer(&script, -EINTR, 2 * PAGE, 0);
	CHECK_CODE(cloister_region_add_zero(region, 0, PAGE, 1, &done), CLOISTER_LAYER_DRIVER,
		   EPROTO);
	CHECK(script.called == 2);
	cloister_region_close(region);
	cloister_device_free(device);
}

static void test_add_arguments(void)
{
	struct script script = { 0 };
	struct cloister_device *device = open_device(&script);
	struct cloister_region *region = make_region(&script, device);

	CHECK_CODE(cloister_region_add(region, 0, 0, NULL, PAGE, 1, NULL), CLOISTER_LAYER_ARGUMENT,
		   EINVAL);
	CHECK(script.called == 0);
	CHECK(!cloister_region_add_zero(region, PAGE, PAGE, 3, NULL));
	CHECK(script.calls[0].flags == CLOISTER_ADD_ZERO && !script.calls[0].source);
	CHECK_CODE(cloister_region_add(region, CLOISTER_ADD_ZERO, 0, "", PAGE, 1, NULL),
		   CLOISTER_LAYER_ARGUMENT, EINVAL);
	CHECK(script.called == 1);
	CHECK(!cloister_region_add(region, CLOISTER_ADD_ZERO | CLOISTER_ADD_PINNED, PAGE, NULL,
				   PAGE, 3, NULL));
	CHECK(script.calls[1].flags == (CLOISTER_ADD_ZERO | CLOISTER_ADD_PINNED) &&
	      !script.calls[1].source);
	cloister_region_close(region);
	cloister_device_free(device);
}

static void test_range_whole(void)
{
	struct script script = { 0 };
	struct cloister_device *device = open_device(&script);
	struct cloister_region *region = make_region(&script, device);
	uint64_t done = 0;

	answer(&script, -EINTR, 3 * PAGE, 0);
	CHECK(!cloister_region_seal(region, 0, 0, &done));
	CHECK(done == 8 * PAGE && script.called == 2);
	CHECK(script.calls[0].length == 8 * PAGE);
	CHECK(script.calls[1].offset == 3 * PAGE && script.calls[1].length == 5 * PAGE);
	answer(&script, -EBADFD, 0, 0);
	CHECK_CODE(cloister_region_remove(region, 0, PAGE, &done), CLOISTER_LAYER_DRIVER, EBADFD);
	CHECK(done == 0 && script.calls[2].request == CLOISTER_REMOVE_PAGES);
	cloister_region_close(region);
	cloister_device_free(device);
}

static int count_progress(void *context, uint64_t done, uint64_t total)
{
	uint64_t *last = context;

	CHECK(done > *last && done <= total);
	*last = done;
	return 0;
}

static int stop_progress(void *context, uint64_t done, uint64_t total)
{
	(void)context;
	(void)done;
	(void)total;
	return 1;
}

static void test_from_file(void)
{
	struct script script = { 0 };
	struct cloister_device *device = open_device(&script);
	struct cloister_file_region made;
	uint64_t last = 0;
	char path[64];

	make_file(path, PAGE + 5);
	CHECK(!cloister_region_from_file(device, path, CLOISTER_FILE_WRITABLE, 16 * PAGE,
					 count_progress, &last, &made));
	CHECK(last == PAGE + 5 && made.file_size == PAGE + 5);
	CHECK(cloister_region_size(made.region) == 2 * PAGE);
	CHECK(cloister_region_fd(made.region) == REGION_FD);
	CHECK(made.measurement[0] == 0x5a);
	CHECK(script.called == 3);
	CHECK(script.calls[0].request == CLOISTER_CREATE);
	CHECK(script.calls[0].flags == CLOISTER_CREATE_SHAREABLE);
	CHECK(script.calls[1].length == 2 * PAGE);
	CHECK(script.calls[1].flags == CLOISTER_ADD_MEASURED);
	CHECK(script.calls[1].permissions == (CLOISTER_PERM_READ | CLOISTER_PERM_WRITE));
	CHECK(script.calls[2].request == CLOISTER_INIT);
	/* The last page: five bytes of the file, then zero. */
	CHECK(script.last_page[4] == 'x' && script.last_page[5] == 0);
	CHECK(script.last_page[PAGE - 1] == 0);
	cloister_region_close(made.region);
	cloister_device_free(device);
	unlink(path);
}

static void test_from_file_failures(void)
{
	struct script script = { 0 };
	struct cloister_device *device = open_device(&script);
	struct cloister_file_region made = { .file_size = 77 };
	char path[64];
	int code;

	code = cloister_region_from_file(device, "/nonexistent", 0, 0, NULL, NULL, &made);
	CHECK_CODE(code, CLOISTER_LAYER_IO, ENOENT);
	CHECK(strstr(cloister_device_error(device), "/nonexistent"));
	code = cloister_region_from_file(device, "/tmp", 0, 0, NULL, NULL, &made);
	CHECK_CODE(code, CLOISTER_LAYER_IO, EISDIR);
	make_file(path, 0);
	code = cloister_region_from_file(device, path, 0, 0, NULL, NULL, &made);
	CHECK_CODE(code, CLOISTER_LAYER_IO, EINVAL);
	CHECK(strstr(cloister_device_error(device), "empty"));
	unlink(path);
	code = cloister_region_from_file(device, path, 4, 0, NULL, NULL, &made);
	CHECK_CODE(code, CLOISTER_LAYER_ARGUMENT, EINVAL);
	CHECK(script.called == 0);

	/* What fails after CREATE gives the descriptor back, and the sentence to the device. */
	make_file(path, 1);
	answer(&script, 0, 0, 0);
	answer(&script, -EBUSY, 0, 0);
	code = cloister_region_from_file(device, path, 0, 0, NULL, NULL, &made);
	CHECK_CODE(code, CLOISTER_LAYER_DRIVER, EBUSY);
	CHECK(strstr(cloister_device_error(device), "ADD_PAGES (EBUSY)"));
	CHECK(script.closes == 1 && script.closed[0] == REGION_FD);
	code = cloister_region_from_file(device, path, 0, 0, stop_progress, NULL, &made);
	CHECK_CODE(code, CLOISTER_LAYER_CANCELLED, ECANCELED);
	CHECK(script.closes == 2);
	CHECK(made.file_size == 77 && !made.region);
	unlink(path);
	cloister_device_free(device);
}

static void test_add_file(void)
{
	struct script script = { 0 };
	struct cloister_device *device = open_device(&script);
	struct cloister_region *region = make_region(&script, device);
	uint64_t size = 0;
	char path[64];

	make_file(path, 3);
	CHECK(!cloister_region_add_file(region, 2 * PAGE, path, 0, NULL, NULL, &size));
	CHECK(size == 3 && script.called == 1);
	CHECK(script.calls[0].offset == 2 * PAGE && script.calls[0].length == PAGE);
	CHECK(script.calls[0].permissions == CLOISTER_PERM_READ);
	unlink(path);
	cloister_region_close(region);
	cloister_device_free(device);
}

static void test_quote_grows(void)
{
	static const uint8_t nonce[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	struct cloister_quote_request request = { CLOISTER_ALG_ES384, nonce, sizeof(nonce), NULL };
	struct script script = { 0 };
	struct cloister_device *device = open_device(&script);
	struct cloister_region *region = make_region(&script, device);
	uint8_t *quote = NULL;
	size_t length = 0;

	answer(&script, -ENOSPC, 0, 9000);
	answer(&script, 0, 0, 8999);
	CHECK(!cloister_region_quote(region, &request, &quote, &length));
	CHECK(length == 8999 && quote && quote[8998] == 0xab);
	CHECK(script.called == 2 && script.quote.buffer_len == 9000);
	CHECK(script.quote.algorithm == CLOISTER_ALG_ES384 && script.quote.nonce_len == 8);
	CHECK(!memcmp(script.quote.nonce, nonce, 8) && script.quote.nonce[8] == 0);
	free(quote);
	cloister_region_close(region);
	cloister_device_free(device);
}

static void test_quote_failures(void)
{
	static const uint8_t nonce[65];
	struct cloister_quote_request request = { CLOISTER_ALG_ES256, nonce, 7, NULL };
	struct script script = { 0 };
	struct cloister_device *device = open_device(&script);
	struct cloister_region *region = make_region(&script, device);
	uint8_t *quote = NULL;
	size_t length = 0;

	CHECK_CODE(cloister_region_quote(region, &request, &quote, &length),
		   CLOISTER_LAYER_ARGUMENT, EINVAL);
	request.nonce_len = 65;
	CHECK_CODE(cloister_region_quote(region, &request, &quote, &length),
		   CLOISTER_LAYER_ARGUMENT, EINVAL);
	request.nonce_len = 64;
	request.algorithm = 3;
	CHECK_CODE(cloister_region_quote(region, &request, &quote, &length),
		   CLOISTER_LAYER_ARGUMENT, EINVAL);
	CHECK(script.called == 0);
	request.algorithm = CLOISTER_ALG_ES256;
	answer(&script, -ENOKEY, 0, 0);
	CHECK_CODE(cloister_region_quote(region, &request, &quote, &length),
		   CLOISTER_LAYER_DRIVER, ENOKEY);
	CHECK(strstr(cloister_region_error(region), "cloister provision"));
	/* A driver that asks for ever more, or for too much, is not believed. */
	answer(&script, -ENOSPC, 0, 1 << 20);
	CHECK_CODE(cloister_region_quote(region, &request, &quote, &length),
		   CLOISTER_LAYER_DRIVER, EPROTO);
	answer(&script, 0, 0, 5000);
	CHECK_CODE(cloister_region_quote(region, &request, &quote, &length),
		   CLOISTER_LAYER_DRIVER, EPROTO);
	CHECK(!quote && !length);
	cloister_region_close(region);
	cloister_device_free(device);
}

static void test_chain(void)
{
	static uint8_t long_bytes[CLOISTER_CHAIN_MAX_LEN];
	struct cloister_certificate chain[] = {
		{ (const uint8_t *)"ab", 2 }, { (const uint8_t *)"cde", 3 },
		{ long_bytes, sizeof(long_bytes) }, { long_bytes, 0 }, { long_bytes, 1 },
	};
	struct script script = { 0 };
	struct cloister_device *device = open_device(&script);

	CHECK_CODE(cloister_device_set_chain(device, 1, chain, 0), CLOISTER_LAYER_ARGUMENT, EINVAL);
	CHECK_CODE(cloister_device_set_chain(device, 1, chain, 5), CLOISTER_LAYER_ARGUMENT, EINVAL);
	CHECK_CODE(cloister_device_set_chain(device, 1, chain, 3), CLOISTER_LAYER_ARGUMENT, E2BIG);
	CHECK_CODE(cloister_device_set_chain(device, 1, chain + 3, 1), CLOISTER_LAYER_ARGUMENT,
		   EINVAL);
	CHECK(script.called == 0);
	CHECK(!cloister_device_set_chain(device, CLOISTER_ALG_ES384, chain, 2));
	CHECK(script.set_chain.count == 2 && script.set_chain.algorithm == CLOISTER_ALG_ES384);
	CHECK(script.set_chain.cert_len[0] == 2 && script.set_chain.cert_len[1] == 3);
	CHECK(script.set_chain.cert_len[2] == 0 && !memcmp(script.chain, "abcde", 5));
	cloister_device_free(device);
}

static void test_adopt(void)
{
	struct script script = { 0 };
	struct cloister_device *device = cloister_device_new(&transport, &script);
	struct cloister_region *region = NULL;

	/* The device need not be open for a region that is passed in. */
	CHECK(!cloister_region_adopt(device, REGION_FD, &region));
	CHECK(cloister_region_size(region) == 8 * PAGE);
	cloister_region_close(region);
	CHECK(script.closes == 1 && script.closed[0] == REGION_FD);
	answer(&script, -ENOTTY, 0, 0);
	CHECK_CODE(cloister_region_adopt(device, 0, &region), CLOISTER_LAYER_ARGUMENT, ENOTTY);
	CHECK(strstr(cloister_device_error(device), "not a Cloister region"));
	answer(&script, -EACCES, 0, 0);
	CHECK_CODE(cloister_region_adopt(device, 0, &region), CLOISTER_LAYER_DRIVER, EACCES);
	CHECK(strstr(cloister_device_error(device), "shareable"));
	CHECK(script.closes == 1);
	cloister_device_free(device);
}

static void test_map(void)
{
	struct script script = { 0 };
	struct cloister_device *device = open_device(&script);
	struct cloister_region *region = make_region(&script, device);
	void *address = NULL;

	CHECK(!cloister_region_map(region, 0, 0, PROT_READ, &address));
	CHECK(address == &script && script.calls[0].length == 8 * PAGE);
	CHECK(!cloister_region_unmap(region, address, 0));
	CHECK(script.calls[1].length == 8 * PAGE);
	script.map_result = -EBADFD;
	CHECK_CODE(cloister_region_map(region, PAGE, PAGE, PROT_READ, &address),
		   CLOISTER_LAYER_DRIVER, EBADFD);
	CHECK(strstr(cloister_region_error(region), "EBADFD"));
	CHECK(strstr(cloister_region_error(region), "init"));
	cloister_region_close(region);
	cloister_device_free(device);
}

static void test_sizes(void)
{
	struct script script = { 0 };
	struct cloister_device *device = open_device(&script);
	struct cloister_region *region = make_region(&script, device);
	struct cloister_provision provision = { 0 };
	struct cloister_get_info info;
	struct cloister_stats stats;
	uint8_t measurement[CLOISTER_DIGEST_LEN];

	CHECK(!cloister_device_info(device, &info) && script.size == sizeof(info));
	CHECK(!cloister_device_provision(device, &provision) && script.size == sizeof(provision));
	CHECK(!cloister_region_stats(region, &stats) && script.size == sizeof(stats));
	CHECK(!cloister_region_init(region, measurement) && measurement[47] == 0x5a);
	CHECK(script.size == sizeof(struct cloister_init));
	answer(&script, -EALREADY, 0, 0);
	CHECK_CODE(cloister_device_provision(device, &provision), CLOISTER_LAYER_DRIVER, EALREADY);
	answer(&script, -EPERM, 0, 0);
	CHECK_CODE(cloister_device_provision(device, &provision), CLOISTER_LAYER_DRIVER, EPERM);
	CHECK(strstr(cloister_device_error(device), "root"));
	cloister_region_close(region);
	cloister_device_free(device);
}

static void run(const char *name, void (*test)(void))
{
	test_name = name;
	test_failed = false;
	test();
	tests++;
	failures += test_failed;
	printf("%s %d - libcloister: %s\n", test_failed ? "not ok" : "ok", tests, name);
}

int main(void)
{
	puts("TAP version 13");
	run("codes and layers", test_codes);
	run("open: each failure says what to do", test_open_failures);
	run("open: twice is refused", test_open_twice);
	run("create: a refusal leaves nothing", test_create_failure);
	run("add: goes on after signals and partial progress", test_add_resumes);
	run("add: a failure says how far it came", test_add_failure_reports_done);
	run("add: a driver that makes no sense is not followed", test_add_without_progress);
	run("add: arguments", test_add_arguments);
	run("seal, remove: whole region, resumed", test_range_whole);
	run("from_file: create, add, init", test_from_file);
	run("from_file: each failure", test_from_file_failures);
	run("add_file: read-only, at an offset", test_add_file);
	run("quote: the buffer grows", test_quote_grows);
	run("quote: each failure", test_quote_failures);
	run("set_chain: packed end to end, bounded", test_chain);
	run("adopt: regions only", test_adopt);
	run("map and unmap", test_map);
	run("structures carry their size", test_sizes);
	printf("1..%d\n", tests);
	return failures ? 1 : 0;
}
