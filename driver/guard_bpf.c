// SPDX-License-Identifier: GPL-2.0-only
/*
 * BPF: which programs may be loaded and attached while a region lives, what they may read, and
 * which of those from before could look into a process with a region.
 */
#include <linux/atomic.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/perf_event.h>
#include <linux/ptrace.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "compat.h"
#include "guard.h"

unsigned long guard_task_helpers[GUARD_TASK_HELPERS];
const char * const guard_task_helper_names[GUARD_TASK_HELPERS] = {
	"bpf_get_current_task_btf", "bpf_task_pt_regs",
};

/* Programs that see packets, sockets or cgroups. What is not named here is refused. */
static bool harmless_program(unsigned int type)
{
	switch (type) {
	case BPF_PROG_TYPE_SOCKET_FILTER:
	case BPF_PROG_TYPE_SCHED_CLS:
	case BPF_PROG_TYPE_SCHED_ACT:
	case BPF_PROG_TYPE_XDP:
	case BPF_PROG_TYPE_CGROUP_SKB:
	case BPF_PROG_TYPE_CGROUP_SOCK:
	case BPF_PROG_TYPE_LWT_IN:
	case BPF_PROG_TYPE_LWT_OUT:
	case BPF_PROG_TYPE_LWT_XMIT:
	case BPF_PROG_TYPE_SOCK_OPS:
	case BPF_PROG_TYPE_SK_SKB:
	case BPF_PROG_TYPE_CGROUP_DEVICE:
	case BPF_PROG_TYPE_SK_MSG:
	case BPF_PROG_TYPE_CGROUP_SOCK_ADDR:
	case BPF_PROG_TYPE_LWT_SEG6LOCAL:
	case BPF_PROG_TYPE_LIRC_MODE2:
	case BPF_PROG_TYPE_SK_REUSEPORT:
	case BPF_PROG_TYPE_FLOW_DISSECTOR:
	case BPF_PROG_TYPE_CGROUP_SYSCTL:
	case BPF_PROG_TYPE_CGROUP_SOCKOPT:
	case BPF_PROG_TYPE_SK_LOOKUP:
		return true;
	default:
		return compat_harmless_program(type);
	}
}

/* Links of the same programs. All others make one run on what tasks do. */
static bool harmless_attachment(unsigned int type)
{
	switch (type) {
	case BPF_CGROUP_INET_INGRESS:
	case BPF_CGROUP_INET_EGRESS:
	case BPF_CGROUP_INET_SOCK_CREATE:
	case BPF_CGROUP_SOCK_OPS:
	case BPF_SK_SKB_STREAM_PARSER:
	case BPF_SK_SKB_STREAM_VERDICT:
	case BPF_CGROUP_DEVICE:
	case BPF_SK_MSG_VERDICT:
	case BPF_CGROUP_INET4_BIND:
	case BPF_CGROUP_INET6_BIND:
	case BPF_CGROUP_INET4_CONNECT:
	case BPF_CGROUP_INET6_CONNECT:
	case BPF_CGROUP_INET4_POST_BIND:
	case BPF_CGROUP_INET6_POST_BIND:
	case BPF_CGROUP_UDP4_SENDMSG:
	case BPF_CGROUP_UDP6_SENDMSG:
	case BPF_LIRC_MODE2:
	case BPF_FLOW_DISSECTOR:
	case BPF_CGROUP_SYSCTL:
	case BPF_CGROUP_UDP4_RECVMSG:
	case BPF_CGROUP_UDP6_RECVMSG:
	case BPF_CGROUP_GETSOCKOPT:
	case BPF_CGROUP_SETSOCKOPT:
	case BPF_CGROUP_INET4_GETPEERNAME:
	case BPF_CGROUP_INET6_GETPEERNAME:
	case BPF_CGROUP_INET4_GETSOCKNAME:
	case BPF_CGROUP_INET6_GETSOCKNAME:
	case BPF_XDP_DEVMAP:
	case BPF_CGROUP_INET_SOCK_RELEASE:
	case BPF_XDP_CPUMAP:
	case BPF_SK_LOOKUP:
	case BPF_XDP:
	case BPF_SK_SKB_VERDICT:
	case BPF_SK_REUSEPORT_SELECT:
	case BPF_SK_REUSEPORT_SELECT_OR_MIGRATE:
		return true;
	default:
		return compat_harmless_attachment(type);
	}
}

bool guard_bpf_call(const struct pt_regs *regs)
{
	const union bpf_attr *attr = (const union bpf_attr *)regs->si;

	if (!guard_armed())
		return false;
	switch ((int)regs->di) {
	case BPF_PROG_LOAD:
		return !harmless_program(attr->prog_type);
	case BPF_LINK_CREATE:
		return !harmless_attachment(attr->link_create.attach_type);
	case BPF_PROG_ATTACH:
		return !harmless_attachment(attr->attach_type);
	case BPF_RAW_TRACEPOINT_OPEN:
	case BPF_ITER_CREATE:
		return true;
	case BPF_PROG_TEST_RUN:
		/* On a processor of the caller's choice, in whatever task it interrupts there. */
		return attr->test.flags & BPF_F_TEST_RUN_ON_CPU;
	default:
		return false;
	}
}

/*
 * By these a program of any type reads what it likes of the kernel, or comes to a task. Some read
 * addresses as they print.
 */
bool guard_bpf_helper(const struct pt_regs *regs)
{
	if (!guard_armed())
		return false;
	switch ((int)regs->di) {
	case BPF_FUNC_trace_printk:
	case BPF_FUNC_trace_vprintk:
	case BPF_FUNC_snprintf:
	case BPF_FUNC_snprintf_btf:
	case BPF_FUNC_probe_read_user:
	case BPF_FUNC_probe_read_user_str:
	case BPF_FUNC_probe_read_kernel:
	case BPF_FUNC_probe_read_kernel_str:
	case BPF_FUNC_per_cpu_ptr:
	case BPF_FUNC_this_cpu_ptr:
	case BPF_FUNC_get_current_task:
	case BPF_FUNC_get_current_task_btf:
	case BPF_FUNC_task_pt_regs:
		return true;
	default:
		return false;
	}
}

/* Loads through pointers that the verifier knows the type of, in any function of the program. */
static bool follows_pointers(const struct bpf_prog *prog)
{
	const struct bpf_prog_aux *aux = prog->aux;
	u32 i;

	if (aux->num_exentries)
		return true;
	for (i = 0; aux->func && i < aux->func_cnt; i++)
		if (aux->func[i]->aux->num_exentries)
			return true;
	return false;
}

/* Calls a helper that comes to a task, after which loads need not show. */
static bool comes_to_tasks(const struct bpf_prog *prog)
{
	unsigned long helper;
	u32 i;

	for (i = 0; i < prog->len; i++) {
		const struct bpf_insn *insn = &prog->insnsi[i];

		if (insn->code != (BPF_JMP | BPF_CALL) || insn->src_reg)
			continue;
		helper = (unsigned long)__bpf_call_base + (long)insn->imm;
		if (helper == guard_task_helpers[0] || helper == guard_task_helpers[1])
			return true;
	}
	return false;
}

/* Calls functions of the kernel's; its instructions go on saying so when it has been compiled. */
static bool calls_kernel(const struct bpf_prog *prog)
{
	u32 i;

	for (i = 0; i < prog->len; i++)
		if (prog->insnsi[i].code == (BPF_JMP | BPF_CALL) &&
		    prog->insnsi[i].src_reg == BPF_PSEUDO_KFUNC_CALL)
			return true;
	return false;
}

/*
 * Pointers that it got by a call, or keeps in a map, may be trusted from Linux 6.2 on: loads
 * through them leave no trace in it.
 */
static bool has_trusted_pointers(const struct bpf_prog *prog)
{
	return compat_trusts_pointers() &&
		(calls_kernel(prog) || compat_maps_hold_pointers(prog->aux));
}

static bool could_trace(const struct bpf_prog *prog)
{
	return !harmless_program(prog->type) || follows_pointers(prog) || comes_to_tasks(prog) ||
		has_trusted_pointers(prog);
}

/**
 * struct counted_program - a program that traces, or could
 * @link: in counted_programs
 * @aux: what of the program stays where it is as long as it is loaded
 */
struct counted_program {
	struct list_head link;
	const struct bpf_prog_aux *aux;
};

/*
 * Those loaded since the hooks are in place and not gone yet. They are remembered: when one goes it
 * may no longer look as it did, as maps can be bound to it.
 */
static LIST_HEAD(counted_programs);
static DEFINE_RAW_SPINLOCK(counted_lock);
/* Their number, and of those that there was no memory to remember. */
static atomic_t tracing_programs = ATOMIC_INIT(0);

bool guard_programs_trace(void)
{
	return atomic_read(&tracing_programs) > 0;
}

static void count_program(const struct bpf_prog_aux *aux)
{
	struct counted_program *counted = kmalloc(sizeof(*counted), GFP_ATOMIC | __GFP_NOWARN);
	unsigned long flags;

	atomic_inc(&tracing_programs);
	if (!counted)
		return;
	counted->aux = aux;
	raw_spin_lock_irqsave(&counted_lock, flags);
	list_add(&counted->link, &counted_programs);
	raw_spin_unlock_irqrestore(&counted_lock, flags);
}

static void uncount_program(const struct bpf_prog_aux *aux)
{
	struct counted_program *counted, *found = NULL;
	unsigned long flags;

	raw_spin_lock_irqsave(&counted_lock, flags);
	list_for_each_entry(counted, &counted_programs, link) {
		if (counted->aux == aux) {
			found = counted;
			list_del(&found->link);
			break;
		}
	}
	raw_spin_unlock_irqrestore(&counted_lock, flags);
	if (found)
		atomic_dec(&tracing_programs);
	kfree(found);
}

/*
 * A program from before can't be taken from where it runs: by trampoline, or inside of a kprobe's
 * handler, where no other runs. So it is counted as long as it is there. Those that were loaded
 * before the hooks are not known.
 */
bool guard_count_program(const struct pt_regs *regs)
{
	const struct bpf_prog *prog = (const struct bpf_prog *)regs->di;

	if ((int)regs->si == PERF_BPF_EVENT_PROG_LOAD && could_trace(prog))
		count_program(prog->aux);
	else if ((int)regs->si == PERF_BPF_EVENT_PROG_UNLOAD)
		uncount_program(prog->aux);
	return false;
}

/* The hooks are gone, and with them who counts. */
void guard_forget_programs(void)
{
	struct counted_program *counted, *next;

	list_for_each_entry_safe(counted, next, &counted_programs, link)
		kfree(counted);
}
