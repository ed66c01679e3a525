// SPDX-License-Identifier: Apache-2.0
/* The process that guards protect, see prey.h. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../cloister/tamper/cloister_tamper.h"
#include "evidence.h"
#include "prey.h"

#define REGION_SIZE	(2 * PAGE)

enum order {
	ORDER_MAKE, ORDER_HOLD, ORDER_DROP, ORDER_SPIN, ORDER_WORK, ORDER_TRACEME, ORDER_CRASH,
	ORDER_CHECK, ORDER_QUOTE, ORDER_FRAME, ORDER_SEND, ORDER_EXEC,
};

struct request {
	enum order order;
	uint32_t flags;
	uint64_t argument;
};

/* What prey and attacker share; none of it is secret. */
struct stage {
	volatile uint64_t spins;
	volatile uint64_t stop;
	volatile uint64_t region;
	volatile int region_fd;
	volatile uint64_t frame;
	uint8_t nonce[CLOISTER_NONCE_MIN];
	uint8_t measurement[CLOISTER_DIGEST_LEN];
	uint8_t quote[QUOTE_ROOM];
	size_t quote_length;
};

/* ---- The prey ---- */

struct soul {
	struct stage *stage;
	int packets;
	uint64_t *secret;
	uint64_t value;
	uint64_t marker;
	struct cloister_device *device;
	struct cloister_region *region;
	uint64_t *at;
};

/* An attacker needs a system call instruction of the prey's to have it make calls. */
__asm__(".text\n"
	".globl prey_syscall_gadget\n"
	"prey_syscall_gadget:\n"
	"	syscall\n"
	"	int3\n");

__attribute__((noinline)) long prey_step(uint64_t from, uint64_t marker, volatile uint8_t *touch)
{
	long result;

	(void)*touch;
	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(SYS_getpgid), "D"(from), "S"(marker)
			 : "rcx", "r11", "memory");
	return result;
}

/* Below the red zone the marker is on the stack three times; and it is in six registers. */
__attribute__((noinline)) static void spin(struct stage *stage, uint64_t marker, uint64_t crash)
{
	__asm__ volatile("sub $128, %%rsp\n"
			 "push %[marker]\n"
			 "push %[marker]\n"
			 "push %[marker]\n"
			 "mov %[marker], %%r12\n"
			 "mov %[marker], %%r13\n"
			 "mov %[marker], %%r14\n"
			 "mov %[marker], %%r15\n"
			 "movq %[marker], %%xmm7\n"
			 "test %[crash], %[crash]\n"
			 "jz 1f\n"
			 "ud2\n"
			 "1: incq (%[spins])\n"
			 "pause\n"
			 "cmpq $0, (%[stop])\n"
			 "je 1b\n"
			 "add $152, %%rsp\n"
			 :
			 : [marker] "r"(marker), [spins] "r"(&stage->spins),
			   [stop] "r"(&stage->stop), [crash] "r"(crash)
			 : "r12", "r13", "r14", "r15", "xmm7", "memory", "cc");
}

/* A system call with the marker in a register that has no part in it. */
static long call_with(uint64_t marker, long number, uint64_t first, const void *second,
		      const void *third)
{
	long result;

	__asm__ volatile("mov %[marker], %%r12\n"
			 "syscall"
			 : "=a"(result)
			 : "a"(number), "D"(first), "S"(second), "d"(third),
			   [marker] "r"(marker)
			 : "rcx", "r11", "r12", "memory");
	return result;
}

static void fill(uint64_t *page, uint64_t value, uint64_t inverted)
{
	size_t i;

	for (i = 0; i < PAGE / sizeof(*page); i++)
		page[i] = (value * (2 * i + 1)) ^ inverted;
}

static bool holds(const uint64_t *page, uint64_t value, uint64_t inverted)
{
	size_t i;

	for (i = 0; i < PAGE / sizeof(*page); i++)
		if (page[i] != ((value * (2 * i + 1)) ^ inverted))
			return false;
	return true;
}

static int drop(struct soul *soul)
{
	if (soul->at)
		cloister_region_unmap(soul->region, soul->at, 0);
	cloister_region_close(soul->region);
	cloister_device_free(soul->device);
	soul->region = NULL;
	soul->device = NULL;
	soul->at = NULL;
	soul->stage->region = 0;
	soul->stage->region_fd = -1;
	return 0;
}

/* A new marker each time, so that nothing from before can be taken for a find. */
static int make(struct soul *soul, uint32_t flags, uint64_t marker, bool map)
{
	const uint32_t permissions = CLOISTER_PERM_READ | CLOISTER_PERM_WRITE;
	void *at = NULL;
	int code;

	if (soul->region)
		return -EBUSY;
	soul->marker = marker;
	soul->device = cloister_device_new(NULL, NULL);
	if (!soul->device)
		return -ENOMEM;
	code = cloister_device_open(soul->device, NULL);
	if (!code)
		code = cloister_region_create(soul->device, flags, REGION_SIZE, 0, &soul->region);
	if (!code)
		code = cloister_region_add_zero(soul->region, 0, REGION_SIZE, permissions, NULL);
	if (!code)
		code = cloister_region_init(soul->region, soul->stage->measurement);
	if (!code && map)
		code = cloister_region_map(soul->region, 0, 0, PROT_READ | PROT_WRITE, &at);
	if (code) {
		drop(soul);
		return -cloister_code_errno(code);
	}
	soul->at = at;
	if (map)
		fill(soul->at, soul->value, soul->marker);
	soul->stage->region = (uintptr_t)at;
	soul->stage->region_fd = cloister_region_fd(soul->region);
	return 0;
}

static int work(struct soul *soul, uint64_t times, uint64_t from)
{
	uint8_t *touch = (uint8_t *)soul->secret + PAGE;

	while (times--) {
		if (madvise(touch, PAGE, MADV_DONTNEED))
			return -errno;
		prey_step(from, soul->marker, touch);
	}
	return 0;
}

static int check(const struct soul *soul)
{
	if (!holds(soul->secret, soul->value, 0))
		return -EILSEQ;
	return !soul->at || holds(soul->at, soul->value, soul->marker) ? 0 : -EBADMSG;
}

static int quote(struct soul *soul)
{
	struct cloister_quote_request request = {
		.algorithm = CLOISTER_ALG_ES256,
		.nonce = soul->stage->nonce,
		.nonce_len = sizeof(soul->stage->nonce),
	};
	uint8_t *bytes;
	size_t length;
	int code = cloister_region_quote(soul->region, &request, &bytes, &length);

	if (code)
		return -cloister_code_errno(code);
	soul->stage->quote_length = length;
	if (length <= sizeof(soul->stage->quote))
		memcpy(soul->stage->quote, bytes, length);
	free(bytes);
	return length <= sizeof(soul->stage->quote) ? 0 : -ENOSPC;
}

static int find_frame(struct soul *soul, bool ordinary)
{
	uint64_t *page = soul->at && !ordinary ? soul->at : soul->secret;
	struct cloister_tamper_frame frame = { .address = (uintptr_t)page };
	int tamper = open(CLOISTER_TAMPER_DEVICE, O_RDWR | O_CLOEXEC), result = 0;

	if (tamper < 0)
		return -errno;
	/* It must be in memory to be somewhere. */
	(void)*(volatile uint64_t *)page;
	if (ioctl(tamper, CLOISTER_TAMPER_FRAME, &frame))
		result = -errno;
	close(tamper);
	soul->stage->frame = frame.frame;
	return result;
}

static int crash(struct soul *soul)
{
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };

	setrlimit(RLIMIT_CORE, &unlimited);
	spin(soul->stage, soul->marker, 1);
	return -EINVAL;
}

/* A filter may refuse the packet, when it has seen it. */
static int send_packets(const struct soul *soul, uint64_t times)
{
	long result = 0;

	while (times-- && (result >= 0 || result == -EPERM))
		result = call_with(soul->marker, SYS_write, (uint64_t)soul->packets, "", (void *)1);
	return result < 0 && result != -EPERM ? (int)result : 0;
}

static int become_another(const struct soul *soul)
{
	static const char *const arguments[] = { "true", NULL };

	return (int)call_with(soul->marker, SYS_execve, (uintptr_t)"/bin/true", arguments, NULL);
}

static int obey(struct soul *soul, const struct request *request, int answers)
{
	switch (request->order) {
	case ORDER_MAKE:
		return make(soul, request->flags, request->argument, true);
	case ORDER_HOLD:
		return make(soul, request->flags, request->argument, false);
	case ORDER_DROP:
		return drop(soul);
	case ORDER_SPIN:
		/* A first answer, so that the attacker need not guess that it has been heard. */
		if (write(answers, &(int){ 0 }, sizeof(int)) != sizeof(int))
			return -errno;
		spin(soul->stage, soul->marker, 0);
		return 0;
	case ORDER_WORK:
		return work(soul, request->flags, request->argument);
	case ORDER_TRACEME:
		return ptrace(PTRACE_TRACEME, 0, NULL, NULL) ? -errno : 0;
	case ORDER_CRASH:
		return crash(soul);
	case ORDER_CHECK:
		return check(soul);
	case ORDER_QUOTE:
		return quote(soul);
	case ORDER_FRAME:
		return find_frame(soul, request->flags);
	case ORDER_SEND:
		return send_packets(soul, request->flags);
	case ORDER_EXEC:
		return become_another(soul);
	}
	return -EINVAL;
}

static void live(struct soul *soul, int orders, int answers)
{
	struct request request;
	int answer = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fill(soul->secret, soul->value, 0);
	soul->stage->region_fd = -1;
	while (write(answers, &answer, sizeof(answer)) == sizeof(answer) &&
	       read(orders, &request, sizeof(request)) == sizeof(request))
		answer = obey(soul, &request, answers);
	_exit(0);
}

/* ---- Its keeper ---- */

static void *pages(size_t count, int sharing)
{
	void *at = mmap(NULL, count * PAGE, PROT_READ | PROT_WRITE, sharing | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		err(1, "no memory for the process to be attacked");
	return at;
}

static int answer_of(struct prey *prey)
{
	int answer = -EPIPE;

	if (read(prey->answers, &answer, sizeof(answer)) != sizeof(answer))
		return -EPIPE;
	return answer;
}

static int tell(struct prey *prey, enum order order, uint32_t flags, uint64_t argument)
{
	struct request request = { order, flags, argument };

	if (write(prey->orders, &request, sizeof(request)) != sizeof(request))
		return -errno;
	return answer_of(prey);
}

static bool fits_a_string(uint64_t word)
{
	return !memchr(&word, '\0', sizeof(word)) && !memchr(&word, '\n', sizeof(word));
}

static uint64_t unpredictable(void)
{
	uint64_t word;

	do {
		if (getrandom(&word, sizeof(word), 0) != sizeof(word))
			err(1, "getrandom");
	} while (!fits_a_string(word));
	return word;
}

void prey_start(struct prey *prey)
{
	int orders[2], answers[2], loot[2], packets[2];
	struct soul soul = { 0 };

	memset(prey, 0, sizeof(*prey));
	evidence_prepare();
	prey->value = unpredictable();
	prey->marker = unpredictable();
	prey->stage = pages((sizeof(*prey->stage) + PAGE - 1) / PAGE, MAP_SHARED);
	soul.secret = pages(2, MAP_PRIVATE);
	prey->secret = (uintptr_t)soul.secret;
	if (pipe(orders) || pipe(answers) || pipe(loot) ||
	    socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, packets))
		err(1, "pipe");
	fflush(NULL);
	prey->pid = fork();
	if (prey->pid < 0)
		err(1, "fork");
	if (!prey->pid) {
		close(orders[1]);
		close(answers[0]);
		close(loot[0]);
		close(packets[0]);
		soul.packets = packets[1];
		soul.stage = prey->stage;
		soul.value = prey->value;
		soul.marker = prey->marker;
		live(&soul, orders[0], answers[1]);
	}
	close(orders[0]);
	close(answers[1]);
	close(packets[1]);
	munmap(soul.secret, 2 * PAGE);
	prey->orders = orders[1];
	prey->answers = answers[0];
	prey->loot = loot[0];
	prey->loot_in = loot[1];
	prey->packets = packets[0];
	fcntl(prey->loot, F_SETFL, O_NONBLOCK);
	prey->region_fd = -1;
	if (answer_of(prey))
		errx(1, "the process to be attacked did not come up");
}

void prey_end(struct prey *prey)
{
	prey->stage->stop = 1;
	close(prey->orders);
	close(prey->answers);
	close(prey->loot);
	close(prey->loot_in);
	close(prey->packets);
	kill(prey->pid, SIGKILL);
	waitpid(prey->pid, NULL, 0);
	munmap(prey->stage, (sizeof(*prey->stage) + PAGE - 1) / PAGE * PAGE);
}

static int new_region(struct prey *prey, enum order order, uint32_t flags)
{
	int result;

	do {
		prey->marker = unpredictable();
		prey->region_value = prey->value ^ prey->marker;
	} while (!fits_a_string(prey->region_value));
	result = tell(prey, order, flags, prey->marker);
	prey->region = prey->stage->region;
	prey->region_fd = prey->stage->region_fd;
	return result;
}

int prey_make_region(struct prey *prey, uint32_t flags)
{
	return new_region(prey, ORDER_MAKE, flags);
}

int prey_hold_region(struct prey *prey, uint32_t flags)
{
	return new_region(prey, ORDER_HOLD, flags);
}

int prey_drop_region(struct prey *prey)
{
	int result = tell(prey, ORDER_DROP, 0, 0);

	prey->region = 0;
	prey->region_fd = -1;
	return result ? result : evidence_wait_for_no_regions();
}

uint64_t prey_spin_address(void)
{
	return (uintptr_t)spin;
}

void prey_spin(struct prey *prey)
{
	uint64_t spins = prey->stage->spins;

	prey->stage->stop = 0;
	if (tell(prey, ORDER_SPIN, 0, 0))
		errx(1, "the process to be attacked does not spin");
	while (prey->stage->spins == spins && !kill(prey->pid, 0))
		sched_yield();
}

void prey_rest(struct prey *prey)
{
	prey->stage->stop = 1;
	if (answer_of(prey))
		errx(1, "the process to be attacked died while it spun");
}

/* The prey's own processor time, so that a busy machine makes no difference. */
uint64_t prey_time(const struct prey *prey)
{
	struct timespec time = { 0 };
	clockid_t clock;

	if (!clock_getcpuclockid(prey->pid, &clock))
		clock_gettime(clock, &time);
	return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

void prey_spin_for(struct prey *prey, unsigned int milliseconds)
{
	uint64_t start;

	prey_spin(prey);
	for (start = prey_time(prey); prey_time(prey) - start < milliseconds; sched_yield())
		if (kill(prey->pid, 0))
			break;
	prey_rest(prey);
}

int prey_work(struct prey *prey, unsigned int times, uint64_t from)
{
	return tell(prey, ORDER_WORK, times, from);
}

uint64_t prey_fault_address(const struct prey *prey)
{
	return prey->secret + PAGE;
}

uint64_t prey_frame(struct prey *prey)
{
	return tell(prey, ORDER_FRAME, 0, 0) ? 0 : prey->stage->frame;
}

uint64_t prey_secret_frame(struct prey *prey)
{
	return tell(prey, ORDER_FRAME, 1, 0) ? 0 : prey->stage->frame;
}

int prey_traceme(struct prey *prey)
{
	return tell(prey, ORDER_TRACEME, 0, 0);
}

void prey_crash(struct prey *prey)
{
	tell(prey, ORDER_CRASH, 0, 0);
	waitpid(prey->pid, NULL, 0);
}

void prey_kill(struct prey *prey)
{
	prey_spin(prey);
	kill(prey->pid, SIGKILL);
	waitpid(prey->pid, NULL, 0);
}

/* It answers only when that fails. */
void prey_exec(struct prey *prey)
{
	const struct request request = { .order = ORDER_EXEC };

	if (write(prey->orders, &request, sizeof(request)) != sizeof(request) ||
	    answer_of(prey) != -EPIPE)
		errx(1, "the process to be attacked does not become another program");
	waitpid(prey->pid, NULL, 0);
}

int prey_send(struct prey *prey, unsigned int times)
{
	char byte;
	int result = tell(prey, ORDER_SEND, times, 0);

	while (read(prey->packets, &byte, 1) == 1)
		;
	return result;
}

static bool fresh_quote(struct prey *prey)
{
	return getrandom(prey->stage->nonce, sizeof(prey->stage->nonce), 0) ==
		sizeof(prey->stage->nonce) && !tell(prey, ORDER_QUOTE, 0, 0);
}

const char *prey_guards(struct prey *prey)
{
	if (prey->region_fd < 0 || !fresh_quote(prey))
		return "";
	return evidence_guards(prey->stage->quote, prey->stage->quote_length);
}

const char *prey_harm(struct prey *prey)
{
	uint64_t spins = prey->stage->spins;
	int result = tell(prey, ORDER_CHECK, 0, 0);

	if (result)
		return result == -EILSEQ ? "its memory has changed" :
			result == -EBADMSG ? "its region has changed" : "it does not answer";
	prey_spin(prey);
	prey_rest(prey);
	if (prey->stage->spins == spins)
		return "it does not run";
	if (prey->region_fd < 0)
		return NULL;
	if (!fresh_quote(prey))
		return "it gets no quote";
	return evidence_refute(prey->stage->quote, prey->stage->quote_length,
			       prey->stage->measurement, prey->stage->nonce,
			       sizeof(prey->stage->nonce));
}
