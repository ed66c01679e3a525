/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All calls of the interface as one table: what each needs to succeed, what in it must be zero, in
 * which states of a region it works, and every errno that linux/cloister.h allows it.
 * (check-errnos.sh holds the last against the header.)
 */
#ifndef CLOISTER_SELFTEST_CALLS_H
#define CLOISTER_SELFTEST_CALLS_H

#include <dirent.h>
#include "checks.h"
#include "keys.h"

#define GROUND_PAGES	16
#define GROUND_SIZE	(GROUND_PAGES * PAGE)
#define GROUND_SEED	0x6f
/* What is in the building region already: the first half. */
#define BUILT_PAGES	(GROUND_PAGES / 2)
#define ARGUMENT_MAX	512

/* What calls are tried on. */
struct ground {
	int device;
	int building;
	int live;
	uint8_t *at;		/* mapping of live */
	uint8_t *source;	/* GROUND_SIZE of the pattern */
	uint8_t *quote;		/* QUOTE_BUFFER */
};

/* Bytes of a structure that must be zero. */
struct span {
	uint16_t from;
	uint16_t to;
};

#define IN_BUILDING	1
#define IN_LIVE		2
#define IN_DEAD		4
#define ON_DEVICE	8

struct call_info {
	const char *name;
	unsigned long request;
	uint32_t size;
	unsigned int works;	/* ON_DEVICE, or IN_*: the states of a region */
	/* Arguments with which the call succeeds. */
	void (*fill)(const struct ground *ground, void *argument);
	struct span zero[3];
	int errnos[16];
};

static void fill_get_info(const struct ground *ground, void *argument)
{
	(void)ground;
	*(struct cloister_get_info *)argument = (struct cloister_get_info) {
		.size = sizeof(struct cloister_get_info),
	};
}

static void fill_create(const struct ground *ground, void *argument)
{
	(void)ground;
	*(struct cloister_create *)argument = (struct cloister_create) {
		.size = sizeof(struct cloister_create),
		.region_size = GROUND_SIZE,
	};
}

static void fill_provision(const struct ground *ground, void *argument)
{
	(void)ground;
	*(struct cloister_provision *)argument = test_provision();
}

static void fill_set_chain(const struct ground *ground, void *argument)
{
	*(struct cloister_set_chain *)argument = (struct cloister_set_chain) {
		.size = sizeof(struct cloister_set_chain),
		.algorithm = CLOISTER_ALG_ES256,
		.count = 2,
		.cert_len = { 100, 200 },
		.certs = (uintptr_t)ground->source,
	};
}

static void fill_add_pages(const struct ground *ground, void *argument)
{
	*(struct cloister_add_pages *)argument = (struct cloister_add_pages) {
		.size = sizeof(struct cloister_add_pages),
		.flags = MEASURED,
		.offset = BUILT_PAGES * PAGE,
		.length = 4 * PAGE,
		.source = (uintptr_t)ground->source,
		.permissions = READ | WRITE,
	};
}

static void fill_init(const struct ground *ground, void *argument)
{
	(void)ground;
	*(struct cloister_init *)argument = (struct cloister_init) {
		.size = sizeof(struct cloister_init),
	};
}

static void fill_range(const struct ground *ground, void *argument)
{
	(void)ground;
	*(struct cloister_range *)argument = (struct cloister_range) {
		.size = sizeof(struct cloister_range),
		.offset = 2 * PAGE,
		.length = 4 * PAGE,
	};
}

static void fill_quote(const struct ground *ground, void *argument)
{
	*(struct cloister_quote *)argument = plain_quote(ground->quote, QUOTE_BUFFER);
}

static void fill_stats(const struct ground *ground, void *argument)
{
	(void)ground;
	*(struct cloister_stats *)argument = (struct cloister_stats) {
		.size = sizeof(struct cloister_stats),
	};
}

/* Of @field up to the end of @last; the padding of a structure is a field as well. */
#define SPAN(type, field, last)						\
	{ offsetof(struct type, field),					\
	  offsetof(struct type, last) + sizeof(((struct type *)0)->last) }
#define CALL(call, type, where)						\
	.name = #call, .request = CLOISTER_##call,			\
	.size = sizeof(struct cloister_##type), .works = (where)

/* EFAULT, EINVAL and E2BIG (a structure that is longer than is known) are any call's. */
static const struct call_info calls[] = {
	{
		CALL(GET_INFO, get_info, ON_DEVICE), .fill = fill_get_info,
	}, {
		CALL(CREATE, create, ON_DEVICE), .fill = fill_create,
		.zero = { SPAN(cloister_create, reserved, reserved) },
		.errnos = { EPERM, EAGAIN, EDQUOT, EMFILE, ENFILE, ENOMEM, EIO },
	}, {
		CALL(PROVISION, provision, ON_DEVICE), .fill = fill_provision,
		.zero = {
			SPAN(cloister_provision, pad, pad),
			SPAN(cloister_provision, pad2, pad2),
			SPAN(cloister_provision, reserved, reserved),
		},
		.errnos = { EPERM, EALREADY, ENOMEM, EIO },
	}, {
		CALL(SET_CHAIN, set_chain, ON_DEVICE), .fill = fill_set_chain,
		.zero = { SPAN(cloister_set_chain, cert_len[2], cert_len[3]) },
		.errnos = { EPERM, ENOKEY, ENOMEM },
	}, {
		CALL(ADD_PAGES, add_pages, IN_BUILDING), .fill = fill_add_pages,
		.zero = { SPAN(cloister_add_pages, reserved, reserved) },
		.errnos = {
			EPERM, EEXIST, EBADFD, EACCES, EINTR, EBUSY, ENOMEM, EDQUOT, ENOSPC, EIO,
		},
	}, {
		CALL(INIT, init, IN_BUILDING), .fill = fill_init,
		.errnos = { EBADFD, EACCES, EBUSY, EIO },
	}, {
		CALL(SEAL, range, IN_BUILDING | IN_LIVE), .fill = fill_range,
		.errnos = { EBADFD, EACCES, EINTR, ENOMEM, EOVERFLOW, EIO },
	}, {
		CALL(REMOVE_PAGES, range, IN_LIVE), .fill = fill_range,
		.errnos = { EBADFD, EACCES, EINTR, ENOMEM },
	}, {
		CALL(QUOTE, quote, IN_LIVE), .fill = fill_quote,
		.zero = { { offsetof(struct cloister_quote, nonce) + 32,
			    offsetof(struct cloister_quote, nonce) + CLOISTER_NONCE_MAX } },
		.errnos = { EBADFD, EACCES, ENOKEY, EAGAIN, ENOSPC, ENOMEM, EIO },
	}, {
		CALL(STATS, stats, IN_BUILDING | IN_LIVE | IN_DEAD), .fill = fill_stats,
		.errnos = { EACCES },
	},
};

#define for_each_call(c) \
	for (const struct call_info *c = calls; c < calls + ARRAY_LEN(calls); c++)

HELPER const struct call_info *call_named(unsigned long request)
{
	for_each_call(c) {
		if (c->request == request)
			return c;
	}
	return NULL;
}

HELPER bool on_device(const struct call_info *c)
{
	return c->works & ON_DEVICE;
}

/* May the call end this way? @result: 0, a descriptor, or -errno. */
HELPER bool documented(const struct call_info *c, int result)
{
	size_t i;

	if (result >= 0 || result == -EFAULT || result == -EINVAL || result == -E2BIG)
		return true;
	for (i = 0; i < ARRAY_LEN(c->errnos) && c->errnos[i]; i++) {
		if (result == -c->errnos[i])
			return true;
	}
	/* Any call on a region, where too many are in it at once. */
	return result == -EBUSY && !on_device(c);
}

/* The descriptor on which the call can succeed. */
HELPER int fd_for(const struct ground *ground, const struct call_info *c)
{
	if (on_device(c))
		return ground->device;
	return c->works & IN_LIVE ? ground->live : ground->building;
}

/* A region with half of its pages, some of each kind. */
HELPER int building_region(const struct ground *ground)
{
	int region = create_region(ground->device, GROUND_SIZE, 0, 0);
	int result = region < 0 ? region : 0;

	if (!result)
		result = add_pages(region, MEASURED, 0, 4 * PAGE, ground->source, READ | WRITE);
	if (!result)
		result = add_pages(region, 0, 4 * PAGE, 2 * PAGE, ground->source, READ);
	if (!result)
		result = add_pages(region, ZERO, 6 * PAGE, 2 * PAGE, NULL, READ | WRITE);
	if (result && region >= 0)
		close(region);
	return result ? result : region;
}

/* 0, or the first -errno met; what was made by then is in @ground. */
HELPER int ground_make(struct ground *ground)
{
	*ground = (struct ground) { .device = -1, .building = -1, .live = -1, .at = MAP_FAILED };
	ground->source = pattern_buffer(GROUND_SEED, GROUND_SIZE);
	ground->quote = aligned_alloc(PAGE, QUOTE_BUFFER);
	if (!ground->source || !ground->quote)
		return -ENOMEM;
	ground->device = open_device();
	if (ground->device < 0)
		return ground->device;
	ground->building = building_region(ground);
	if (ground->building < 0)
		return ground->building;
	ground->live = pattern_region(ground->device, GROUND_SIZE, 0, 0, READ | WRITE,
				      GROUND_SEED);
	if (ground->live < 0)
		return ground->live;
	ground->at = map_region(ground->live, 0, GROUND_SIZE, PROT_READ | PROT_WRITE);
	return ground->at == MAP_FAILED ? -errno : 0;
}

HELPER void ground_drop(struct ground *ground)
{
	if (ground->at != MAP_FAILED)
		munmap(ground->at, GROUND_SIZE);
	if (ground->live >= 0)
		close(ground->live);
	if (ground->building >= 0)
		close(ground->building);
	if (ground->device >= 0)
		close(ground->device);
	free(ground->source);
	free(ground->quote);
}

/* What a call that was refused must not have changed. */
struct snapshot {
	struct cloister_get_info info;
	struct cloister_stats building;
	struct cloister_stats live;
	unsigned int descriptors;
};

HELPER unsigned int count_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	unsigned int n = 0;

	if (!directory)
		return 0;
	while (readdir(directory))
		n++;
	closedir(directory);
	return n;
}

HELPER int take_snapshot(const struct ground *ground, struct snapshot *snapshot)
{
	int result;

	memset(snapshot, 0, sizeof(*snapshot));
	result = get_info(ground->device, &snapshot->info);
	if (!result)
		result = get_stats(ground->building, &snapshot->building);
	if (!result)
		result = get_stats(ground->live, &snapshot->live);
	snapshot->descriptors = count_descriptors();
	return result;
}

/* NULL, or what differs. Counts of memory are not compared: a failed call may leave tables. */
HELPER const char *snapshot_differs(const struct snapshot *a, const struct snapshot *b)
{
	struct snapshot x = *a, y = *b;

	if (x.descriptors != y.descriptors)
		return "descriptors";
	if (x.info.regions != y.info.regions)
		return "number of regions";
	if (x.info.posture != y.info.posture)
		return "posture";
	if (memcmp(x.info.instance_id, y.info.instance_id, sizeof(x.info.instance_id)) ||
	    memcmp(x.info.monitor_digest, y.info.monitor_digest, sizeof(x.info.monitor_digest)))
		return "identity of the device";
	x.building.metadata = y.building.metadata = 0;
	x.live.metadata = y.live.metadata = 0;
	if (memcmp(&x.building, &y.building, sizeof(x.building)))
		return "the region being built";
	if (memcmp(&x.live, &y.live, sizeof(x.live)))
		return "the live region";
	return NULL;
}

HELPER void expect_same(struct __test_metadata *_metadata, const struct ground *ground,
			const struct snapshot *before, const char *after)
{
	struct snapshot now;
	const char *differs;

	ASSERT_EQ(0, take_snapshot(ground, &now));
	differs = snapshot_differs(before, &now);
	EXPECT_EQ(NULL, differs) TH_LOG("%s changed after %s", differs, after);
}

#endif
