// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hooks placed, removed and looked after.
 *
 * They are placed when the module is loaded and stay until it goes, at rest while no region lives:
 * creating and closing regions must not patch the kernel's text, which would be a way for users to
 * stall the machine. PERMANENT: sysctl kernel.ftrace_enabled can't turn them off. Not RECURSION:
 * with that flag the tracer passes over a handler that is called from within another's, and
 * so a probe's handler could get at what its function reads.
 */
#include <linux/ftrace.h>
#include <linux/kallsyms.h>
#include <linux/kprobes.h>
#include <linux/ktime.h>
#include <linux/linkage.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/sysfs.h>
#include <linux/tracepoint.h>
#include <linux/uaccess.h>

#include "driver.h"
#include "guard.h"

#define CALL_OPCODE	0xe8
#define PROBE_OPCODE	0xcc

static bool guards = true;
module_param(guards, bool, 0444);
MODULE_PARM_DESC(guards, "keep root out of processes with a region (default: on)");

/*
 * Where a refused function goes instead: back to its caller, with its result. The result is set
 * here and not by the handler: where a BPF trampoline shares the function, it runs in between.
 */
#ifdef CONFIG_X86_KERNEL_IBT
#define STUB_ENTRY	"endbr64\n"
#else
#define STUB_ENTRY
#endif
#define STUB(name, set)					\
	asmlinkage void name(void);			\
	asm(".pushsection .text\n"			\
		".type " #name ", @function\n"		\
		#name ":\n" STUB_ENTRY set "\n"		\
		ASM_RET					\
		".size " #name ", . - " #name "\n"	\
		".popsection\n")
#define STUB_RETURNING(name, value) \
	STUB(name, "movq $" __stringify(value) ", %rax")

STUB(return_zero, "xorl %eax, %eax");
STUB_RETURNING(return_eperm, -1);
STUB_RETURNING(return_eacces, -13);
STUB_RETURNING(return_efault, -14);
STUB_RETURNING(return_enotty, -25);
STUB(return_third, "movq %rdx, %rax");
STUB_RETURNING(return_probed, -125);
static_assert(EPERM == 1 && EACCES == 13 && EFAULT == 14 && ENOTTY == 25 &&
	      ECANCELED == 125);

static void (* const stubs[GUARD_RESULTS])(void) = {
	[GUARD_ZERO] = return_zero,
	[GUARD_EPERM] = return_eperm,
	[GUARD_EACCES] = return_eacces,
	[GUARD_EFAULT] = return_efault,
	[GUARD_ENOTTY] = return_enotty,
	[GUARD_THIRD] = return_third,
	[GUARD_PROBED] = return_probed,
};

/* Placed hooks by address. */
static struct guard_hook *placed[GUARD_HOOKS_MAX];
static unsigned int placed_count;
static bool registered;

static struct guard_hook *hook_at(unsigned long ip)
{
	unsigned int low = 0, high = placed_count, middle;

	while (low < high) {
		middle = (low + high) / 2;
		if (placed[middle]->ip == ip)
			return placed[middle];
		if (placed[middle]->ip < ip)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* True where the function is refused. */
static bool decide(struct guard_hook *hook, struct pt_regs *regs)
{
	/* What seen_to_run() calls with; nobody else has the address. */
	bool probing = regs->di == (unsigned long)guard_probe;
	bool refused;

	if (!hook->always && !atomic_read(&guard_awake))
		return false;
	preempt_disable_notrace();
	refused = hook->refuse(regs);
	if (refused) {
		regs->ip = (unsigned long)stubs[probing ? GUARD_PROBED : hook->result];
		if (!probing)
			atomic64_inc(&hook->refusals);
	}
	preempt_enable_notrace();
	return refused;
}

static void guard_handler(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			  struct ftrace_regs *fregs)
{
	struct pt_regs *regs = ftrace_get_regs(fregs);
	struct guard_hook *hook = regs ? hook_at(ip) : NULL;

	if (hook)
		decide(hook, regs);
}

#define OPS_FLAGS	(FTRACE_OPS_FL_SAVE_REGS | FTRACE_OPS_FL_IPMODIFY | FTRACE_OPS_FL_PERMANENT)

static struct ftrace_ops guard_ops = { .func = guard_handler, .flags = OPS_FLAGS };

/* Who traces page faults since before is not stopped: the hook is as good as missing. */
static struct tracepoint *fault_points[2];

static void note_fault_point(struct tracepoint *point, void *unused)
{
	if (!strcmp(point->name, "page_fault_user"))
		fault_points[0] = point;
	else if (!strcmp(point->name, "page_fault_kernel"))
		fault_points[1] = point;
}

bool guard_faults_traced(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fault_points); i++)
		if (fault_points[i] && static_key_enabled(&fault_points[i]->key))
			return true;
	return false;
}

/* Placing -------------------------------------------------------------------- */

static struct kprobe *probes;

static int probe_handler(struct kprobe *probe, struct pt_regs *regs)
{
	/* 1: the instruction under the probe is not run. */
	return decide(&guard_hooks[probe - probes], regs);
}
NOKPROBE_SYMBOL(probe_handler);

/* Keeps the probe from being optimised into a jump, which could not go elsewhere. */
static void after_probe(struct kprobe *probe, struct pt_regs *regs, unsigned long flags)
{
}
NOKPROBE_SYMBOL(after_probe);

static bool look_up(struct guard_hook *hook, struct kprobe *probe)
{
	int ret;

	probe->symbol_name = hook->name;
	if (hook->probe) {
		probe->pre_handler = probe_handler;
		probe->post_handler = after_probe;
	} else {
		probe->flags = KPROBE_FLAG_DISABLED;
	}
	ret = register_kprobe(probe);
	if (ret) {
		pr_warn("guard %s: can't be placed in this kernel (%d)\n", hook->name, ret);
		return false;
	}
	hook->ip = (unsigned long)probe->addr;
	return true;
}

static unsigned long address_of(const char *symbol)
{
	struct kprobe probe = { .symbol_name = symbol, .flags = KPROBE_FLAG_DISABLED };
	unsigned long address;

	if (register_kprobe(&probe))
		return 0;
	address = (unsigned long)probe.addr;
	unregister_kprobe(&probe);
	return address;
}

/* Its size is told by the name of its address: "NAME+0x0/0xSIZE". */
static void find_function(struct guard_function *function, const char *symbol)
{
	char text[KSYM_SYMBOL_LEN];
	const char *size;

	function->start = address_of(symbol);
	if (!function->start)
		return;
	sprint_symbol(text, function->start);
	size = strnstr(text, "/0x", sizeof(text));
	if (!size || sscanf(size, "/0x%lx", &function->size) != 1)
		function->size = 0;
}

/*
 * The addresses, by way of probes that are never armed: symbols can't be looked up otherwise. A
 * probe at a function's entry sits where the tracer's call does. All are taken away together,
 * which waits for other processors once. Those for functions that the tracer can't have stay.
 */
static int look_up_all(void)
{
	struct kprobe *used[GUARD_HOOKS_MAX];
	unsigned int i, count = 0;

	probes = kcalloc(guard_hook_count, sizeof(*probes), GFP_KERNEL);
	if (!probes)
		return -ENOMEM;
	for (i = 0; i < guard_hook_count; i++)
		if (guard_hooks[i].needed && look_up(&guard_hooks[i], &probes[i]) &&
		    !guard_hooks[i].probe)
			used[count++] = &probes[i];
	unregister_kprobes(used, count);
	for (i = 0; i < GUARD_TASK_HELPERS; i++)
		guard_task_helpers[i] = address_of(guard_task_helper_names[i]);
	find_function(&guard_prepend_copy, "prepend_copy");
	return 0;
}

static void remove_probes(void)
{
	struct kprobe *used[GUARD_HOOKS_MAX];
	unsigned int i, count = 0;

	for (i = 0; i < guard_hook_count; i++)
		if (guard_hooks[i].probe && guard_hooks[i].ip)
			used[count++] = &probes[i];
	unregister_kprobes(used, count);
	/* Nobody is left who was sent to one of stubs[] and is not through it. */
	synchronize_rcu_tasks();
	kfree(probes);
}

/* Whether the tracer would take a hook at all: alone, then taken away again. */
static int try_hook(struct guard_hook *hook)
{
	static struct ftrace_ops alone = { .func = guard_handler, .flags = OPS_FLAGS };
	int ret = ftrace_set_filter_ip(&alone, hook->ip, 0, 1);

	if (ret)
		return ret;
	ret = register_ftrace_function(&alone);
	if (!ret)
		unregister_ftrace_function(&alone);
	ftrace_free_filter(&alone);
	return ret;
}

static int by_ip(const void *a, const void *b)
{
	const struct guard_hook *const *one = a, *const *other = b;

	return (*one)->ip < (*other)->ip ? -1 : (*one)->ip > (*other)->ip;
}

/* Those with an address, sorted. */
static void collect(void)
{
	unsigned int i;

	placed_count = 0;
	for (i = 0; i < guard_hook_count; i++)
		if (guard_hooks[i].ip && !guard_hooks[i].probe)
			placed[placed_count++] = &guard_hooks[i];
	sort(placed, placed_count, sizeof(*placed), by_ip, NULL);
}

static int place_all(void)
{
	unsigned long ips[GUARD_HOOKS_MAX];
	unsigned int i;
	int ret;

	collect();
	if (!placed_count)
		return -ENOENT;
	for (i = 0; i < placed_count; i++)
		ips[i] = placed[i]->ip;
	ret = ftrace_set_filter_ips(&guard_ops, ips, placed_count, 0, 1);
	return ret ? ret : register_ftrace_function(&guard_ops);
}

/* One that can't be had, a live patch's say, refuses all together: do without those. */
static void drop_refused(void)
{
	unsigned int i;
	int ret;

	for (i = 0; i < guard_hook_count; i++) {
		if (!guard_hooks[i].ip || guard_hooks[i].probe)
			continue;
		ret = try_hook(&guard_hooks[i]);
		if (!ret)
			continue;
		pr_warn("guard %s: the tracer refuses it (%d): a live patch?\n",
			guard_hooks[i].name, ret);
		guard_hooks[i].ip = 0;
	}
}

bool guard_enabled(void)
{
	return guards;
}

void guard_place(void)
{
	int ret;

	if (!guards) {
		pr_warn("guards are off: root can look into processes with a region\n");
		return;
	}
	for_each_kernel_tracepoint(note_fault_point, NULL);
	ret = look_up_all();
	if (!ret)
		ret = place_all();
	if (ret && ret != -ENOMEM) {
		ftrace_free_filter(&guard_ops);
		drop_refused();
		ret = place_all();
	}
	registered = !ret;
	if (ret)
		pr_err("no guard could be placed (%d)\n", ret);
	else if (guard_state() != MON_GUARDS_ARMED)
		pr_warn("some guards are missing, see /sys/class/misc/tee/guards\n");
}

/* Waits until no handler runs any more, and none can. */
void guard_remove(void)
{
	if (registered)
		WARN_ON(unregister_ftrace_function(&guard_ops));
	registered = false;
	ftrace_free_filter(&guard_ops);
	if (probes)
		remove_probes();
	guard_forget_programs();
}

/* How they stand ------------------------------------------------------------- */

/* Not only placed at some time: a call, or a probe, stands there now. */
static bool in_place(const struct guard_hook *hook)
{
	u8 opcode = hook->probe ? PROBE_OPCODE : CALL_OPCODE;

	return registered && hook->ip && READ_ONCE(*(const u8 *)hook->ip) == opcode &&
		!(hook->bypassed && hook->bypassed());
}

/* A handler runs, and what it refuses does not happen. */
static bool seen_to_run(void)
{
	long result;

	atomic_inc(&guard_awake);
	result = copy_from_user_nofault(guard_probe, NULL, 0);
	atomic_dec(&guard_awake);
	return result == GUARD_PROBE_RESULT;
}

enum mon_guards guard_state(void)
{
	unsigned int i;

	if (!registered)
		return MON_GUARDS_OFF;
	if (!seen_to_run())
		return MON_GUARDS_PARTIAL;
	for (i = 0; i < guard_hook_count; i++)
		if (guard_hooks[i].needed && !in_place(&guard_hooks[i]))
			return MON_GUARDS_PARTIAL;
	return MON_GUARDS_ARMED;
}

static const char *state_of(const struct guard_hook *hook)
{
	if (!guards)
		return "off";
	if (!hook->needed)
		return "not-needed";
	if (!in_place(hook))
		return "missing";
	return atomic_read(&guard_production) ? "armed" : "ready";
}

/* For sysfs: name, state, refusals, and what it is there to stop. */
ssize_t guard_show(char *text)
{
	unsigned int i;
	int length = 0;

	for (i = 0; i < guard_hook_count; i++)
		length += sysfs_emit_at(text, length, "%s %s %lld %s\n", guard_hooks[i].name,
					state_of(&guard_hooks[i]),
					atomic64_read(&guard_hooks[i].refusals),
					guard_hooks[i].stops);
	return length;
}
