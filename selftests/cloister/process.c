// SPDX-License-Identifier: GPL-2.0-only
/* Which process may use a region: its creator, or any holder when it is shareable. */
#include <pthread.h>
#include <sys/socket.h>
#include "checks.h"
#include "keys.h"

#define SIZE	(4 * PAGE)

/* Every way to use a region, tried by a process that is not its creator. */
struct use {
	int region;
	bool live;
};

static int use_add(const struct use *use)
{
	return add_once(use->region, ZERO, 2 * PAGE, PAGE, NULL, READ, NULL);
}

static int use_init(const struct use *use)
{
	return init_region(use->region, NULL);
}

static int use_map(const struct use *use)
{
	return map_errno(use->region, 0, PAGE, PROT_READ, MAP_SHARED);
}

static int use_seal(const struct use *use)
{
	return seal_all(use->region);
}

static int use_remove(const struct use *use)
{
	return remove_pages(use->region, PAGE, PAGE);
}

static int use_stats(const struct use *use)
{
	struct cloister_stats stats;

	return get_stats(use->region, &stats);
}

static int use_quote(const struct use *use)
{
	uint8_t buffer[8192];
	struct cloister_quote quote = {
		.size = sizeof(quote),
		.algorithm = CLOISTER_ALG_ES256,
		.nonce_len = 8,
		.buffer = (uintptr_t)buffer,
		.buffer_len = sizeof(buffer),
	};

	return call(use->region, CLOISTER_QUOTE, &quote);
}

static const struct {
	const char *what;
	int (*work)(const struct use *use);
	bool while_building;
	bool while_live;
} uses[] = {
	{ "add", use_add, true, false },
	{ "seal, building", use_seal, true, false },
	{ "stats, building", use_stats, true, false },
	{ "init", use_init, true, false },
	{ "mmap", use_map, false, true },
	{ "seal", use_seal, false, true },
	{ "remove", use_remove, false, true },
	{ "stats", use_stats, false, true },
	{ "quote", use_quote, false, true },
};

/* Exit status: 0 when each use gave @expected, else the number of the first that did not. */
static int try_all(const struct use *use, int expected)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(uses); i++) {
		if (use->live ? !uses[i].while_live : !uses[i].while_building)
			continue;
		if (uses[i].work(use) != expected)
			return -(int)(i + 1);
	}
	return 0;
}

static int expect_refusal(void *use)
{
	return try_all(use, -EACCES);
}

static int expect_success(void *use)
{
	return try_all(use, 0);
}

FIXTURE(process) {
	int device;
	int building;
	int live;
};

FIXTURE_VARIANT(process) {
	uint32_t flags;
	int (*expectation)(void *use);
};

FIXTURE_VARIANT_ADD(process, private) {
	.flags = 0,
	.expectation = expect_refusal,
};

FIXTURE_VARIANT_ADD(process, shareable) {
	.flags = SHAREABLE,
	.expectation = expect_success,
};

FIXTURE_SETUP(process)
{
	self->device = open_device();
	ASSERT_GE(self->device, 0);
	ASSERT_EQ(0, provision_once(self->device));
	self->building = create_region(self->device, SIZE, 0, variant->flags);
	ASSERT_GE(self->building, 0);
	self->live = pattern_region(self->device, SIZE, 0, variant->flags, READ | WRITE, 17);
	ASSERT_GE(self->live, 0);
}

FIXTURE_TEARDOWN(process)
{
	close(self->live);
	close(self->building);
	close(self->device);
}

TEST_F(process, forked_child)
{
	struct use building = { self->building, false };
	struct use live = { self->live, true };
	int result;

	result = in_child(variant->expectation, &building);
	EXPECT_EQ(0, result) TH_LOG("%s", result < 0 ? uses[-result - 1].what : "");
	result = in_child(variant->expectation, &live);
	EXPECT_EQ(0, result) TH_LOG("%s", result < 0 ? uses[-result - 1].what : "");
}

static int send_fd(int socket, int fd)
{
	char byte = 0, control[CMSG_SPACE(sizeof(fd))] = { 0 };
	struct iovec vector = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &vector, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	return sendmsg(socket, &message, 0) == 1 ? 0 : -errno;
}

static int receive_fd(int socket)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec vector = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &vector, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	int fd;

	if (recvmsg(socket, &message, 0) != 1 || !CMSG_FIRSTHDR(&message))
		return -EIO;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

struct receiver {
	int socket;
	int (*expectation)(void *use);
};

static int use_received(void *argument)
{
	struct receiver *receiver = argument;
	struct use use = { receive_fd(receiver->socket), true };

	return use.region < 0 ? use.region : receiver->expectation(&use);
}

TEST_F(process, receiver_of_the_descriptor)
{
	int pair[2];
	struct receiver receiver = { .expectation = variant->expectation };

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	receiver.socket = pair[1];
	ASSERT_EQ(0, send_fd(pair[0], self->live));
	EXPECT_EQ(0, in_child(use_received, &receiver));
}

/* A new program in the same process is another address space: it is not the creator. */
#define EXEC_ENVIRONMENT "CLOISTER_TEST_REGION"

static __attribute__((constructor)) void run_after_exec(void)
{
	const char *text = getenv(EXEC_ENVIRONMENT);
	struct use use = { 0, true };

	if (!text)
		return;
	use.region = atoi(text);
	_exit(expect_refusal(&use) == 0 ? 1 : expect_success(&use) == 0 ? 2 : 3);
}

static int exec_with_region(void *use)
{
	char text[16];
	char program[] = "process";
	char *arguments[] = { program, NULL };

	snprintf(text, sizeof(text), "%d", ((struct use *)use)->region);
	setenv(EXEC_ENVIRONMENT, text, 1);
	fcntl(((struct use *)use)->region, F_SETFD, 0);
	execv("/proc/self/exe", arguments);
	return -errno;
}

TEST_F(process, program_after_exec)
{
	struct use live = { self->live, true };

	EXPECT_EQ(variant->flags & SHAREABLE ? -2 : -1, in_child(exec_with_region, &live));
}

static int create_then_exec(void *argument)
{
	const uint32_t *flags = argument;
	int device = open_device();
	struct use use = { 0, true };

	use.region = pattern_region(device, SIZE, 0, *flags, READ, 1);
	return use.region < 0 ? use.region : exec_with_region(&use);
}

TEST_F(process, creator_after_exec)
{
	uint32_t flags = variant->flags;

	EXPECT_EQ(flags & SHAREABLE ? -2 : -1, in_child(create_then_exec, &flags));
}

/* A fork copies page tables; a region's pages must not come along, nor the mapping. */
static int touch_in_child(void *at)
{
	return -(int)*(volatile uint8_t *)at;
}

TEST_F(process, forked_child_has_no_mapping)
{
	uint8_t *at = map_region(self->live, 0, SIZE, PROT_READ | PROT_WRITE);
	uint8_t *control = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
				-1, 0);

	ASSERT_NE(MAP_FAILED, at);
	at[0] = 9;
	control[0] = 9;
	EXPECT_EQ(-9, in_child(touch_in_child, control));
	EXPECT_EQ(SIGNALLED(SIGSEGV), in_child(touch_in_child, at));
	EXPECT_EQ(9, at[0]);
	munmap(at, SIZE);
}

static void *use_in_thread(void *use)
{
	return (void *)(intptr_t)try_all(use, 0);
}

/* A thread shares its creator's address space and so all its rights. */
TEST_F(process, thread)
{
	struct use building = { self->building, false };
	struct use live = { self->live, true };
	pthread_t thread;
	void *result;

	ASSERT_EQ(0, pthread_create(&thread, NULL, use_in_thread, &building));
	ASSERT_EQ(0, pthread_join(thread, &result));
	EXPECT_EQ(NULL, result);
	ASSERT_EQ(0, pthread_create(&thread, NULL, use_in_thread, &live));
	ASSERT_EQ(0, pthread_join(thread, &result));
	EXPECT_EQ(NULL, result);
}

TEST_F(process, creator_finds_what_the_child_left)
{
	struct use building = { self->building, false };
	struct cloister_stats before, after;

	ASSERT_EQ(0, get_stats(self->building, &before));
	ASSERT_EQ(0, in_child(variant->expectation, &building));
	if (variant->flags & SHAREABLE) {
		ASSERT_EQ(0, get_stats(self->building, &after));
		EXPECT_EQ(CLOISTER_STATE_LIVE, after.state);
		EXPECT_EQ(before.pages + 1, after.pages);
	} else {
		expect_unchanged(_metadata, self->building, &before);
		EXPECT_EQ(0, init_region(self->building, NULL));
	}
}

TEST_HARNESS_MAIN
