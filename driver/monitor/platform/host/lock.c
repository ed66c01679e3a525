// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Locks of the host platform. They are held for a few instructions, so who has to wait looks again
 * and again, and only then yields the processor: its holder may have lost its own. Each thread
 * knows what it holds, so that a rule of platform.h that is broken is found in the first run that
 * breaks it, whether or not another thread is in the way.
 */
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "host_platform.h"

#define LOCKS_HELD_MAX	4
#define LOOKS		256	/* before the processor is yielded */

static __thread struct {
	struct plat_lock *locks[LOCKS_HELD_MAX];
	unsigned int count;
	unsigned int critical;
} held;

void host_die(const char *format, ...)
{
	va_list args;

	fputs("host platform: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	abort();
}

void host_assert_unlocked(const char *what)
{
	if (held.count)
		host_die("%s while the thread holds %u lock(s)", what, held.count);
	if (held.critical)
		host_die("%s in a critical section", what);
}

void host_assert_critical(const char *what)
{
	if (!held.critical)
		host_die("%s outside a critical section: the granule is not locked", what);
}

/* Index in held.locks, or held.count. */
static unsigned int find_held(const struct plat_lock *lock)
{
	unsigned int i;

	for (i = 0; i < held.count; i++)
		if (held.locks[i] == lock)
			break;
	return i;
}

void plat_lock_init(struct plat_lock *lock)
{
	__atomic_store_n(&lock->taken, 0, __ATOMIC_RELAXED);
}

static void look_until_free(const struct plat_lock *lock)
{
	unsigned int looks = 0;

	while (__atomic_load_n(&lock->taken, __ATOMIC_RELAXED)) {
		if (++looks % LOOKS == 0)
			sched_yield();
#ifdef __x86_64__
		__builtin_ia32_pause();
#endif
	}
}

void plat_lock(struct plat_lock *lock)
{
	if (held.critical)
		host_die("%s in a critical section, which may not wait", __func__);
	if (find_held(lock) < held.count)
		host_die("%s of a lock that the thread holds: deadlock", __func__);
	if (held.count == LOCKS_HELD_MAX)
		host_die("%s of more than %u locks", __func__, LOCKS_HELD_MAX);
	while (__atomic_exchange_n(&lock->taken, 1, __ATOMIC_ACQUIRE))
		look_until_free(lock);
	held.locks[held.count++] = lock;
}

void plat_unlock(struct plat_lock *lock)
{
	unsigned int i = find_held(lock);

	if (i == held.count)
		host_die("%s of a lock that the thread does not hold", __func__);
	held.locks[i] = held.locks[--held.count];
	__atomic_store_n(&lock->taken, 0, __ATOMIC_RELEASE);
}

void plat_assert_locked(struct plat_lock *lock)
{
	if (find_held(lock) == held.count)
		host_die("%s: the thread does not hold the lock", __func__);
}

void plat_critical_enter(void)
{
	held.critical++;
}

void plat_critical_exit(void)
{
	if (!held.critical)
		host_die("%s outside a critical section", __func__);
	held.critical--;
}

void plat_relax(void)
{
	sched_yield();
}
