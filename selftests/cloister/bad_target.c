// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every call at the wrong place: on a region in another state, on another descriptor, from a
 * process that may not.
 */
#include <sys/socket.h>
#include "checks.h"
#include "calls.h"
#include "failing.h"

FIXTURE(bad_target) {
	struct ground ground;
	struct snapshot before;
};

FIXTURE_SETUP(bad_target)
{
	int result = ground_make(&self->ground);

	ASSERT_EQ(0, result) TH_LOG("%s", strerror(-result));
	ASSERT_EQ(0, provision_once(self->ground.device));
	ASSERT_EQ(0, take_snapshot(&self->ground, &self->before));
}

FIXTURE_TEARDOWN(bad_target)
{
	ground_drop(&self->ground);
}

static int try_call(const struct ground *ground, const struct call_info *c, int fd)
{
	uint8_t argument[ARGUMENT_MAX] = { 0 };

	c->fill(ground, argument);
	return call(fd, c->request, argument);
}

/* All calls that do not work in @state, and mmap. */
static void expect_bad_state(struct __test_metadata *_metadata, const struct ground *ground,
			     int region, unsigned int state)
{
	for_each_call(c) {
		if (on_device(c) || c->works & state)
			continue;
		EXPECT_EQ(-EBADFD, try_call(ground, c, region))
			TH_LOG("%s in state %#x", c->name, state);
	}
	if (state != IN_LIVE) {
		EXPECT_EQ(-EBADFD, map_errno(region, 0, PAGE, PROT_READ, MAP_SHARED));
	}
}

TEST_F(bad_target, state)
{
	const struct ground *ground = &self->ground;

	expect_bad_state(_metadata, ground, ground->building, IN_BUILDING);
	expect_same(_metadata, ground, &self->before, "calls while building");
	expect_bad_state(_metadata, ground, ground->live, IN_LIVE);
	expect_same(_metadata, ground, &self->before, "calls while live");
	EXPECT_EQ(0, check_pattern(ground->at, GROUND_SEED, 0, GROUND_SIZE));
}

TEST_F(bad_target, dead_region)
{
	const struct ground *ground = &self->ground;
	struct cloister_stats before, now;

	ASSERT_EQ(0, kill_region(ground->building, ground->source, BUILT_PAGES * PAGE));
	ASSERT_EQ(0, get_stats(ground->building, &before));
	EXPECT_EQ(CLOISTER_STATE_DEAD, before.state);
	/* The page that could not be measured was not added. */
	EXPECT_EQ(self->before.building.pages, before.pages);
	expect_bad_state(_metadata, ground, ground->building, IN_DEAD);
	ASSERT_EQ(0, get_stats(ground->building, &now));
	EXPECT_EQ(0, memcmp(&before, &now, sizeof(now)));
	/* Another one lives on. */
	EXPECT_EQ(0, check_pattern(ground->at, GROUND_SEED, 0, GROUND_SIZE));
}

/* Descriptors that are neither the device nor a region. */
static int other_descriptor(unsigned int kind)
{
	int pipes[2];

	switch (kind) {
	case 0:
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	case 1:
		return memfd_create("other", MFD_CLOEXEC);
	case 2:
		return socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	case 3:
		return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	case 4:
		return open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	case 5:
		if (pipe2(pipes, O_CLOEXEC))
			return -1;
		close(pipes[1]);
		return pipes[0];
	default:
		return -2;
	}
}

TEST_F(bad_target, other_descriptors)
{
	unsigned int kind;
	int fd;

	for (kind = 0; (fd = other_descriptor(kind)) != -2; kind++) {
		ASSERT_GE(fd, 0);
		for_each_call(c) {
			EXPECT_EQ(-ENOTTY, try_call(&self->ground, c, fd))
				TH_LOG("%s, kind %u", c->name, kind);
		}
		close(fd);
	}
	expect_same(_metadata, &self->ground, &self->before, "calls elsewhere");
}

TEST_F(bad_target, device_and_region_mistaken)
{
	const struct ground *ground = &self->ground;

	for_each_call(c) {
		if (on_device(c) && c->request != CLOISTER_GET_INFO) {
			EXPECT_EQ(-ENOTTY, try_call(ground, c, ground->live)) TH_LOG("%s", c->name);
			EXPECT_EQ(-ENOTTY, try_call(ground, c, ground->building))
				TH_LOG("%s", c->name);
		} else if (!on_device(c)) {
			EXPECT_EQ(-ENOTTY, try_call(ground, c, ground->device))
				TH_LOG("%s", c->name);
		}
	}
	EXPECT_EQ(-ENODEV, map_errno(ground->device, 0, PAGE, PROT_READ, MAP_SHARED));
	expect_same(_metadata, ground, &self->before, "calls on the wrong one");
}

TEST_F(bad_target, no_descriptor)
{
	const struct ground *ground = &self->ground;
	int path = open(CLOISTER_DEVICE, O_PATH | O_CLOEXEC);
	const int fds[] = { -1, 1 << 20, INT32_MAX, path };
	size_t i;

	ASSERT_GE(path, 0);
	for_each_call(c) {
		for (i = 0; i < ARRAY_LEN(fds); i++) {
			EXPECT_EQ(-EBADF, try_call(ground, c, fds[i])) TH_LOG("%s", c->name);
		}
	}
	close(path);
	expect_same(_metadata, ground, &self->before, "calls on nothing");
}

/* What files have and regions and the device do not: refused, and no contents come of it. */
TEST_F(bad_target, file_operations)
{
	const int fds[] = { self->ground.device, self->ground.live, self->ground.building };
	char buffer[64] = { 0 };
	size_t i;

	for (i = 0; i < ARRAY_LEN(fds); i++) {
		EXPECT_EQ(-1, read(fds[i], buffer, sizeof(buffer)));
		EXPECT_EQ(-1, write(fds[i], buffer, sizeof(buffer)));
		EXPECT_EQ(-1, pread(fds[i], buffer, sizeof(buffer), 0));
		EXPECT_EQ(-1, pwrite(fds[i], buffer, sizeof(buffer), 0));
		EXPECT_EQ(-1, ftruncate(fds[i], 0));
		EXPECT_EQ(-1, fallocate(fds[i], 0, 0, PAGE));
	}
	expect_same(_metadata, &self->ground, &self->before, "file operations");
	EXPECT_EQ(0, check_pattern(self->ground.at, GROUND_SEED, 0, GROUND_SIZE));
}

/* In a process that holds the descriptors and is not the creator: the number of a call, or 0. */
static int all_refused(const struct ground *ground)
{
	int n = 0;

	for_each_call(c) {
		n++;
		if (!on_device(c) && try_call(ground, c, fd_for(ground, c)) != -EACCES)
			return n;
	}
	if (map_errno(ground->live, 0, PAGE, PROT_READ, MAP_SHARED) != -EACCES)
		return n + 1;
	return 0;
}

static int refused_in_child(void *ground)
{
	return -all_refused(ground);
}

TEST_F(bad_target, child)
{
	EXPECT_EQ(0, in_child(refused_in_child, &self->ground));
	expect_same(_metadata, &self->ground, &self->before, "calls of a child");
}

/* Started anew by the test below: what it inherits, it may not use. */
#define INHERITED	"CLOISTER_TEST_INHERITED"

static __attribute__((constructor)) void after_exec(void)
{
	const char *text = getenv(INHERITED);
	struct ground ground;

	if (!text)
		return;
	if (ground_make(&ground) || sscanf(text, "%d %d", &ground.live, &ground.building) != 2)
		_exit(100);
	_exit(all_refused(&ground));
}

static int exec_again(void *argument)
{
	const struct ground *ground = argument;
	char text[64];

	snprintf(text, sizeof(text), "%d %d", ground->live, ground->building);
	if (fcntl(ground->live, F_SETFD, 0) || fcntl(ground->building, F_SETFD, 0) ||
	    setenv(INHERITED, text, 1))
		return -101;
	execl("/proc/self/exe", "exec", NULL);
	return -102;
}

TEST_F(bad_target, program_after_exec)
{
	EXPECT_EQ(0, in_child(exec_again, &self->ground));
	expect_same(_metadata, &self->ground, &self->before, "calls after exec");
}

/* The creator itself, once it has become another program. */
static int create_and_exec(void *unused)
{
	struct ground ground;

	(void)unused;
	if (ground_make(&ground))
		return -103;
	return exec_again(&ground);
}

TEST_F(bad_target, creator_after_exec)
{
	EXPECT_EQ(0, in_child(create_and_exec, NULL));
	expect_same(_metadata, &self->ground, &self->before, "calls of another creator");
}

TEST_HARNESS_MAIN
