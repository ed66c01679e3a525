// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzzer of the driver: random calls, good and bad, on /dev/tee and on regions of it, against a
 * model of what each must answer and of what each page holds. First by one thread, the same for the
 * same seed; then by several threads of several processes, each with regions of its own, and all
 * of them on one region more.
 */
#include <getopt.h>
#include <pthread.h>

#include "world.h"

#define PROCESSES	2
#define THREADS		2	/* of each */
#define STEPS_ALONE	1500
#define STEPS_TOGETHER	300
#define COMMON_PAGES	40
#define COMMON_FIRM	32

struct options {
	uint64_t seed;
	uint64_t steps;		/* 0: the defaults */
	uint64_t seconds;	/* 0: as many steps as that */
};

/* What went wrong ----------------------------------------------------------------- */

void trace(struct world *w, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(w->trace[w->traced++ % TRACE_LINES], TRACE_WIDTH, format, args);
	va_end(args);
}

void differ(struct world *w, const char *format, ...)
{
	uint64_t from = w->traced < TRACE_LINES ? 0 : w->traced - TRACE_LINES, i;
	va_list args;

	printf("# thread %u, step %lu of seed %lu; the last things it did:\n", w->number,
	       w->steps, w->seed);
	for (i = from; i < w->traced; i++)
		printf("#   %s\n", w->trace[i % TRACE_LINES]);
	printf("# DIFFERENT: ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
	_exit(1);
}

/* Signals ---------------------------------------------------------------------------- */

#define SHOTS	6

static volatile sig_atomic_t shots;

/* A few in a row: a call that never got on between two of them would never end. */
static void on_alarm(int sig)
{
	struct itimerval none = { 0 };

	(void)sig;
	if (--shots <= 0)
		setitimer(ITIMER_REAL, &none, NULL);
}

static void on_poke(int sig)
{
	(void)sig;
}

void timer_on(struct world *w)
{
	struct itimerval soon = {
		.it_value.tv_usec = 100 + (suseconds_t)pick(w, 900),
		.it_interval.tv_usec = 400,
	};

	if (!w->alone || !one_in(w, 8))
		return;
	shots = SHOTS;
	w->signals++;
	setitimer(ITIMER_REAL, &soon, NULL);
}

void timer_off(struct world *w)
{
	struct itimerval none = { 0 };

	if (w->alone)
		setitimer(ITIMER_REAL, &none, NULL);
}

static void catch_signals(void)
{
	struct sigaction alarm = { .sa_handler = on_alarm }, poke = { .sa_handler = on_poke };

	sigaction(SIGALRM, &alarm, NULL);
	sigaction(SIGUSR1, &poke, NULL);
}

/* Steps -------------------------------------------------------------------------------- */

/* Slabs and shrinkers, ours among them: pages are sealed. */
static void step_shrink(struct world *w)
{
	trace(w, "caches are dropped");
	write_text("/proc/sys/vm/drop_caches", "2");
}

static void step_memory(struct world *w)
{
	size_t length = 32UL << 20, at;
	volatile uint8_t *memory = mmap(NULL, length, PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	trace(w, "memory is used");
	if (memory == MAP_FAILED)
		differ(w, "no memory: %s", strerror(errno));
	for (at = 0; at < length; at += 16 * PAGE)
		memory[at] = 1;
	munmap((void *)memory, length);
}

static void step_info(struct world *w)
{
	struct cloister_get_info info;
	uint64_t mine = 0;
	int i;

	expect(w, get_info(w->device, &info), 0, "get_info");
	for (i = 0; i < WORLD_REGIONS; i++)
		mine += w->region[i].fd >= 0 || w->region[i].copy >= 0;
	if (info.regions < mine || info.resident > info.resident_max)
		differ(w, "the device says it has %llu regions, %llu bytes of plaintext",
		       (unsigned long long)info.regions, (unsigned long long)info.resident);
}

static void step_rare(struct world *w, struct region *r)
{
	sigset_t poke;

	/* Who waits for a child is not to be woken. */
	sigemptyset(&poke);
	sigaddset(&poke, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &poke, NULL);
	switch (pick(w, 12)) {
	case 0:
		step_shrink(w);
		break;
	case 1:
		step_memory(w);
		break;
	case 2:
	case 3:
		step_kill(w);
		break;
	case 4:
	case 5:
	case 6:
		step_check_all(w, r);
		break;
	default:
		step_fork(w, r);
	}
	pthread_sigmask(SIG_UNBLOCK, &poke, NULL);
}

static void step(struct world *w)
{
	struct region *r = &w->region[pick(w, WORLD_REGIONS)];
	uint64_t what = pick(w, 100);

	w->steps++;
	if (r->fd < 0 && r->copy < 0 && !one_in(w, 4))
		step_create(w);
	else if (!r->live && what < 20)
		step_init(w, r);
	else if (!r->live && what < 60)
		step_add(w, r);
	else if (what < 3)
		step_add(w, r);
	else if (what < 5)
		step_create(w);
	else if (what < 7)
		step_init(w, r);
	else if (what < 18)
		step_map(w, r);
	else if (what < 22)
		step_unmap(w, r);
	else if (what < 55)
		step_touch(w, r);
	else if (what < 62)
		step_pipe(w, r);
	else if (what < 74)
		step_seal(w, r);
	else if (what < 77)
		step_remove(w, r);
	else if (what < 83)
		step_stats(w, r);
	else if (what < 85)
		step_quote(w, r);
	else if (what < 92)
		step_odd(w, r);
	else if (what < 94)
		step_dup(w, r);
	else if (what < 96)
		step_info(w);
	else
		step_rare(w, r);
}

/* Runs --------------------------------------------------------------------------------------- */

static struct world *world_new(uint64_t seed, uint32_t number, int device)
{
	struct world *w = mmap(NULL, sizeof(*w), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct cloister_get_info info;
	int i;

	if (w == MAP_FAILED || get_info(device, &info)) {
		printf("# no memory, or no device\n");
		exit(1);
	}
	w->number = number;
	w->seed = seed;
	/* Far from the states of other seeds and threads. */
	w->random = pattern_word(seed, number);
	w->device = device;
	w->add_flags = info.add_flags;
	w->create_flags = info.create_flags;
	for (i = 0; i < WORLD_REGIONS; i++) {
		w->region[i].fd = -1;
		w->region[i].copy = -1;
	}
	return w;
}

static void world_end(struct world *w)
{
	int i;

	for (i = 0; i < WORLD_REGIONS; i++) {
		step_check_all(w, &w->region[i]);
		end_region(w, &w->region[i]);
	}
	munmap(w, sizeof(*w));
}

static uint64_t run_alone(const struct options *options, int device)
{
	uint64_t until = now_ms() + options->seconds * 1000 / 2, steps;
	struct world *w = world_new(options->seed, 0, device);

	w->alone = true;
	for (steps = 0; options->seconds ? now_ms() < until :
			steps < (options->steps ? options->steps : STEPS_ALONE); steps++)
		step(w);
	world_end(w);
	return steps;
}

struct crew {
	const struct options *options;
	const struct common *common;
	uint64_t until;
	int device;
	uint32_t number;
	pthread_t thread;
	uint64_t steps;
	bool done;
};

static void *work(void *arg)
{
	struct crew *c = arg;
	struct world *w = world_new(c->options->seed, 1 + c->number, c->device);
	uint64_t all = c->options->steps ? c->options->steps : STEPS_TOGETHER;

	w->common = c->common;
	w->common_at = map_region(c->common->fd, 0, c->common->pages * PAGE,
				  PROT_READ | PROT_WRITE);
	if (w->common_at == MAP_FAILED)
		differ(w, "mmap of the common region: %s", strerror(errno));
	for (c->steps = 0; c->options->seconds ? now_ms() < c->until : c->steps < all; c->steps++) {
		if (one_in(w, 3))
			step_common(w);
		else
			step(w);
	}
	munmap(w->common_at, c->common->pages * PAGE);
	world_end(w);
	__atomic_store_n(&c->done, true, __ATOMIC_RELEASE);
	return NULL;
}

/* One process of several; its threads are poked now and then until they are through. */
static int run_crew(const struct options *options, const struct common *common, uint32_t first)
{
	struct crew crew[THREADS];
	uint64_t until = now_ms() + options->seconds * 1000 / 2, random = options->seed;
	int device = open_device(), i, left = THREADS;

	if (device < 0)
		return 1;
	for (i = 0; i < THREADS; i++) {
		crew[i] = (struct crew){ .options = options, .common = common, .until = until,
					 .device = device, .number = first + (uint32_t)i };
		if (pthread_create(&crew[i].thread, NULL, work, &crew[i]))
			return 2;
	}
	while (left) {
		struct timespec pause = { .tv_nsec = 2000000 };

		/* Only so that not all their time goes into signals. */
		nanosleep(&pause, NULL);
		i = (int)(random_next(&random) % THREADS);
		if (!__atomic_load_n(&crew[i].done, __ATOMIC_ACQUIRE))
			pthread_kill(crew[i].thread, SIGUSR1);
		for (left = 0, i = 0; i < THREADS; i++)
			left += !__atomic_load_n(&crew[i].done, __ATOMIC_ACQUIRE);
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(crew[i].thread, NULL);
	close(device);
	return 0;
}

static int run_together(const struct options *options, int device)
{
	struct common common = { .pages = COMMON_PAGES, .removable = COMMON_FIRM };
	int result = 0, got, i;
	pid_t pids[PROCESSES];

	common.fd = pattern_region(device, COMMON_PAGES * PAGE, RESIDENT_MIN, SHAREABLE,
				   READ | WRITE, 7);
	if (common.fd < 0) {
		printf("# the common region can't be made: %d\n", common.fd);
		return 1;
	}
	for (i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		if (!pids[i])
			_exit(run_crew(options, &common, (uint32_t)i * THREADS));
	}
	for (i = 0; i < PROCESSES; i++) {
		got = child_result(pids[i]);
		if (got) {
			printf("# process %d: %d\n", i, got);
			result = 1;
		}
	}
	close(common.fd);
	return result;
}

/* The last reference to a region may go a moment after the process that held it was reaped. */
static bool comes_back(int device, const struct cloister_get_info *before)
{
	uint64_t until = now_ms() + 20000;
	struct cloister_get_info now;

	do {
		if (get_info(device, &now))
			return false;
		if (now.regions == before->regions && now.resident <= before->resident &&
		    now.metadata <= before->metadata)
			return true;
		sched_yield();
	} while (now_ms() < until);
	printf("# regions %llu, were %llu; plaintext %llu, was %llu; metadata %llu, was %llu\n",
	       (unsigned long long)now.regions, (unsigned long long)before->regions,
	       (unsigned long long)now.resident, (unsigned long long)before->resident,
	       (unsigned long long)now.metadata, (unsigned long long)before->metadata);
	return false;
}

static uint64_t number(const char *text)
{
	char *end;
	uint64_t value = strtoull(text, &end, 0);

	if (*text && !*end)
		return value;
	printf("# fuzz_device: an option needs a number, not '%s'\n", text);
	exit(1);
}

static void parse(struct options *options, int argc, char **argv)
{
	static const struct option known[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "steps", required_argument, NULL, 'n' },
		{ "seconds", required_argument, NULL, 't' },
		{ 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (option == 's')
			options->seed = number(optarg);
		else if (option == 'n')
			options->steps = number(optarg);
		else if (option == 't')
			options->seconds = number(optarg);
		else
			exit(1);
	}
}

static int say(bool good, int test, const char *what)
{
	printf("%sok %d - %s\n", good ? "" : "not ", test, what);
	fflush(stdout);
	return !good;
}

int main(int argc, char **argv)
{
	struct options options = { .seed = 1 };
	struct cloister_get_info before;
	int device, status, failed = 0;

	parse(&options, argc, argv);
	device = open_device();
	if (device < 0 || provision_once(device) || get_info(device, &before)) {
		printf("1..0 # SKIP no %s: load cloister.ko\n", CLOISTER_DEVICE);
		return 4;
	}
	printf("TAP version 13\n1..3\n# seed %lu\n", options.seed);
	fflush(stdout);
	catch_signals();
	/* In a child: what differs ends the process, and what it leaves is looked at then. */
	status = fork();
	if (!status) {
		printf("# %lu steps by one thread\n", run_alone(&options, open_device()));
		fflush(stdout);
		_exit(0);
	}
	failed += say(!child_result(status), 1, "one thread: all as the model has it");
	failed += say(!run_together(&options, device), 2,
		      "threads and processes at once: all as the model has it");
	failed += say(comes_back(device, &before), 3, "nothing of it is left");
	return failed ? 1 : 0;
}
