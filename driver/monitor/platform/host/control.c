// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What tests control: counters, failures and hooks; and the machine's posture. */
#include <stdio.h>

#include "host_platform.h"

const char plat_mode_name[] = "host";

static const char * const op_names[HOST_OP_COUNT] = {
	[HOST_OP_RANDOM] = "plat_random",
	[HOST_OP_AEAD_SET] = "plat_aead_set",
	[HOST_OP_SEAL] = "plat_aead_seal",
	[HOST_OP_OPEN] = "plat_aead_open",
	[HOST_OP_HASH_INIT] = "plat_hash_init",
	[HOST_OP_HASH_UPDATE] = "plat_hash_update",
	[HOST_OP_HASH_FINAL] = "plat_hash_final",
	[HOST_OP_HMAC] = "plat_hmac_sha384",
	[HOST_OP_ECDSA_PUBLIC] = "plat_ecdsa_public",
	[HOST_OP_ECDSA_SIGN] = "plat_ecdsa_sign",
	[HOST_OP_UNMAP] = "plat_unmap",
};

static const struct mon_posture default_posture = {
	.kernel_release = "0.0.0-host",
	.lockdown = MON_LOCKDOWN_NONE,
	.iommu = MON_IOMMU_NONE,
};

static struct {
	pthread_mutex_t fail_lock;
	u32 fail_ops;		/* read without the lock, to be quick when none is set */
	u64 fail_nth;
	enum mon_status fail_status;
	bool fail_on;		/* those after the nth as well */
	bool failed;
	u32 hook_ops;
	host_hook_fn *hook;
	void *hook_arg;
	struct mon_posture posture;
} control = {
	.fail_lock = PTHREAD_MUTEX_INITIALIZER,
};

/* A hook that calls the monitor is not hooked itself. */
static __thread bool in_hook;

#define COUNTERS	16

static struct host_counters counters[COUNTERS];

struct host_counters *host_counters(void)
{
	static unsigned int threads;
	static __thread struct host_counters *mine;

	if (!mine)
		mine = &counters[__atomic_fetch_add(&threads, 1, __ATOMIC_RELAXED) % COUNTERS];
	return mine;
}

void host_control_reset(void)
{
	memset(counters, 0, sizeof(counters));
	host_fail(0, 0, MON_OK);
	control.failed = false;
	host_set_hook(0, NULL, NULL);
	host_set_random(NULL, NULL);
	host_set_posture(NULL);
}

const char *host_op_name(enum host_op op)
{
	return op < HOST_OP_COUNT ? op_names[op] : NULL;
}

u64 host_op_count(u32 ops)
{
	u64 sum = 0;
	int i, t;

	for (t = 0; t < COUNTERS; t++)
		for (i = 0; i < HOST_OP_COUNT; i++)
			if (ops & (1u << i))
				sum += __atomic_load_n(&counters[t].ops[i], __ATOMIC_RELAXED);
	return sum;
}

u64 host_scrubbed_bytes(void)
{
	u64 sum = 0;
	int t;

	for (t = 0; t < COUNTERS; t++)
		sum += __atomic_load_n(&counters[t].scrubbed, __ATOMIC_RELAXED);
	return sum;
}

static void set_failure(u32 ops, u64 nth, enum mon_status status, bool on)
{
	pthread_mutex_lock(&control.fail_lock);
	control.fail_nth = nth;
	control.fail_status = status;
	control.fail_on = on;
	control.failed = false;
	__atomic_store_n(&control.fail_ops, nth ? ops : 0, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&control.fail_lock);
}

void host_fail(u32 ops, u64 nth, enum mon_status status)
{
	set_failure(ops, nth, status, false);
}

void host_fail_from(u32 ops, u64 nth, enum mon_status status)
{
	set_failure(ops, nth, status, true);
}

bool host_failed(void)
{
	bool failed;

	pthread_mutex_lock(&control.fail_lock);
	failed = control.failed;
	pthread_mutex_unlock(&control.fail_lock);
	return failed;
}

static bool must_fail(enum host_op op, enum mon_status *status)
{
	bool fail = false;

	if (!(__atomic_load_n(&control.fail_ops, __ATOMIC_RELAXED) & (1u << op)))
		return false;
	pthread_mutex_lock(&control.fail_lock);
	if (control.fail_nth && --control.fail_nth == 0) {
		if (control.fail_on)
			control.fail_nth = 1;
		else
			__atomic_store_n(&control.fail_ops, 0, __ATOMIC_RELAXED);
		control.failed = true;
		*status = control.fail_status;
		fail = true;
	}
	pthread_mutex_unlock(&control.fail_lock);
	return fail;
}

void host_set_hook(u32 ops, host_hook_fn *fn, void *arg)
{
	control.hook_arg = arg;
	control.hook = fn;
	__atomic_store_n(&control.hook_ops, fn ? ops : 0, __ATOMIC_RELEASE);
}

static void run_hook(enum host_op op, enum host_moment moment)
{
	if (in_hook || !(__atomic_load_n(&control.hook_ops, __ATOMIC_ACQUIRE) & (1u << op)))
		return;
	in_hook = true;
	control.hook(op, moment, control.hook_arg);
	in_hook = false;
}

bool host_op_begin(enum host_op op, enum mon_status *status)
{
	host_assert_unlocked(op_names[op]);
	host_count(&host_counters()->ops[op], 1);
	run_hook(op, HOST_BEFORE);
	*status = MON_OK;
	return !must_fail(op, status);
}

void host_op_end(enum host_op op)
{
	run_hook(op, HOST_AFTER);
}

void host_set_posture(const struct mon_posture *posture)
{
	control.posture = posture ? *posture : default_posture;
}

void plat_posture(struct mon_posture *posture)
{
	*posture = control.posture;
}
