// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of hooks, and for each what it refuses. Documentation/guards.rst has the same table for
 * people.
 *
 * Arguments are read from the registers of the function's caller: rdi, rsi, rdx, rcx, r8.
 */
#include <linux/bpf.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/perf_event.h>
#include <linux/ptrace.h>
#include <linux/sched/task_stack.h>
#include <linux/security.h>

#include "compat.h"
#include "guard.h"

#define INT3	0xcc

char guard_probe[8];

static bool armed(void)
{
	return atomic_read(&guard_production) > 0;
}

static bool in_guarded(void)
{
	return armed() && guard_mm(current->mm);
}

/* While any production region lives. */
static bool while_armed(const struct pt_regs *regs, long *result)
{
	return armed();
}

/* In a task whose address space holds one. */
static bool if_guarded(const struct pt_regs *regs, long *result)
{
	return in_guarded();
}

/* Tracing and reading of processes ------------------------------------------ */

static bool ptrace_access(const struct pt_regs *regs, long *result)
{
	return armed() && guard_task((struct task_struct *)regs->di);
}

static bool ptrace_traceme(const struct pt_regs *regs, long *result)
{
	return armed() && guard_task(current);
}

/* What ps shows: the arguments, without force. */
static bool is_command_line(const struct mm_struct *mm, unsigned long address, unsigned long length,
			    unsigned int flags)
{
	unsigned long start = READ_ONCE(mm->arg_start), end = READ_ONCE(mm->arg_end);

	return !(flags & (FOLL_WRITE | FOLL_FORCE)) && (flags & FOLL_ANON) &&
		address >= start && address <= end && length <= end - address;
}

static bool remote_vm(const struct pt_regs *regs, long *result)
{
	const struct mm_struct *mm = (const struct mm_struct *)regs->di;

	return armed() && current->mm != mm && guard_mm(mm) &&
		!is_command_line(mm, regs->si, (unsigned int)regs->cx, (unsigned int)regs->r8);
}

/* A file of /proc/PID that was opened before; its private data is the address space. */
static bool remote_pagemap(const struct pt_regs *regs, long *result)
{
	const struct mm_struct *mm = ((const struct file *)regs->di)->private_data;

	return armed() && current->mm != mm && guard_mm(mm);
}

/* The same, while it shows one mapping. */
static bool remote_vma(const struct pt_regs *regs, long *result)
{
	const struct mm_struct *mm = ((const struct vm_area_struct *)regs->si)->vm_mm;

	return armed() && current->mm != mm && guard_mm(mm);
}

/* User memory and kernel memory, as probes read them ------------------------ */

static bool user_nofault(const struct pt_regs *regs, long *result)
{
	if (regs->di == (unsigned long)guard_probe) {
		*result = GUARD_PROBE_RESULT;
		return true;
	}
	return in_guarded();
}

/* Returns how many bytes it did not copy. */
static bool user_nmi(const struct pt_regs *regs, long *result)
{
	*result = (long)regs->dx;
	return in_guarded();
}

/* The caller expects the destination to be written, be it with zeros. */
static bool bpf_copy_user(const struct pt_regs *regs, long *result)
{
	if (!in_guarded())
		return false;
	memset((void *)regs->di, 0, (u32)regs->si);
	return true;
}

static bool touches_granule(unsigned long from, unsigned long to)
{
	unsigned long address, pfn;

	if (from < PAGE_OFFSET || from >= (unsigned long)high_memory)
		return false;
	to = min_t(unsigned long, to, (unsigned long)high_memory);
	for (address = from & PAGE_MASK; address < to; address += PAGE_SIZE) {
		pfn = PHYS_PFN(address - PAGE_OFFSET);
		if (pfn_valid(pfn) && PageOffline(pfn_to_page(pfn)))
			return true;
	}
	return false;
}

/* The registers that the program had when it entered the kernel are on its stack there. */
static bool touches_own_stack(unsigned long from, unsigned long to)
{
	unsigned long stack = (unsigned long)task_stack_page(current);

	return from < stack + THREAD_SIZE && to > stack;
}

static bool kernel_nofault(const struct pt_regs *regs, long *result)
{
	unsigned long from = regs->si, to = from + regs->dx;

	if (!armed() || to < from)
		return false;
	return touches_granule(from, to) ||
		(touches_own_stack(from, to) && guard_mm(current->mm));
}

/* perf ----------------------------------------------------------------------- */

/*
 * Programs run here and may read registers. Without one, only what is put out is refused, further
 * on: the kernel has to see each overflow, to slow down an event that comes too often.
 */
static bool perf_overflow(const struct pt_regs *regs, long *result)
{
#ifdef CONFIG_BPF_SYSCALL
	return in_guarded() && READ_ONCE(((const struct perf_event *)regs->di)->prog);
#else
	return false;
#endif
}

/*
 * A hardware trace of a whole processor goes on over context switches without asking anybody:
 * none is begun while a region lives.
 */
static bool perf_aux(const struct pt_regs *regs, long *result)
{
	const struct perf_event *event = (const struct perf_event *)regs->si;

	return armed() && (!event->ctx || !event->ctx->task || guard_mm(current->mm));
}

/* A breakpoint for a user probe: the caller is told that it was written. */
static bool write_opcode(const struct pt_regs *regs, long *result)
{
	return armed() && (u8)regs->cx == INT3 && guard_mm((const struct mm_struct *)regs->si);
}

/* BPF ------------------------------------------------------------------------ */

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
		return false;
	}
}

/* Links that make a program run on what tasks do. */
static bool tracing_attachment(unsigned int type)
{
	switch (type) {
	case BPF_TRACE_RAW_TP:
	case BPF_TRACE_FENTRY:
	case BPF_TRACE_FEXIT:
	case BPF_MODIFY_RETURN:
	case BPF_LSM_MAC:
	case BPF_TRACE_ITER:
	case BPF_PERF_EVENT:
	case BPF_TRACE_KPROBE_MULTI:
	case BPF_TRACE_UPROBE_MULTI:
	case BPF_TRACE_KPROBE_SESSION:
		return true;
	default:
		return false;
	}
}

static bool bpf_call(const struct pt_regs *regs, long *result)
{
	const union bpf_attr *attr = (const union bpf_attr *)regs->si;

	if (!armed())
		return false;
	switch ((int)regs->di) {
	case BPF_PROG_LOAD:
		return !harmless_program(attr->prog_type);
	case BPF_LINK_CREATE:
		return tracing_attachment(attr->link_create.attach_type);
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

/* By these any program that is loaded reaches a task's registers. */
static bool bpf_helper(const struct pt_regs *regs, long *result)
{
	unsigned int helper = (unsigned int)regs->di;

	return armed() && (helper == BPF_FUNC_task_pt_regs ||
			   helper == BPF_FUNC_get_current_task_btf);
}

/* The kernel itself ---------------------------------------------------------- */

/*
 * Only what reads or changes memory of the kernel at will. The rest of what lockdown knows stays
 * as the machine has it.
 */
static bool locked_down(const struct pt_regs *regs, long *result)
{
	if (!armed())
		return false;
	switch ((enum lockdown_reason)regs->di) {
	case LOCKDOWN_DEV_MEM:
	case LOCKDOWN_KEXEC:
	case LOCKDOWN_XMON_WR:
	case LOCKDOWN_BPF_WRITE_USER:
	case LOCKDOWN_DBG_WRITE_KERNEL:
	case LOCKDOWN_KCORE:
	case LOCKDOWN_KPROBES:
	case LOCKDOWN_BPF_READ_KERNEL:
	case LOCKDOWN_DBG_READ_KERNEL:
	case LOCKDOWN_XMON_RW:
		return true;
	default:
		return false;
	}
}

/* System calls get their arguments in a structure; flags are the second. */
static bool forced_removal(unsigned long flags)
{
	return (flags & O_TRUNC) && atomic_read(&guard_regions);
}

static bool delete_module_64(const struct pt_regs *regs, long *result)
{
	return forced_removal(((const struct pt_regs *)regs->di)->si);
}

static bool delete_module_32(const struct pt_regs *regs, long *result)
{
	return forced_removal(((const struct pt_regs *)regs->di)->cx);
}

#define HOOK(symbol, need, decide, value, attack) \
	{ .name = #symbol, .needed = need, .refuse = decide, .result = value, .stops = attack }

/* The tracer leaves out its own files, which run programs at tracepoints and kprobes. */
#define PROBE(symbol, need, attack) \
	{ .name = #symbol, .needed = need, .probe = true, .refuse = if_guarded, .stops = attack }

#define BPF	IS_ENABLED(CONFIG_BPF_SYSCALL)
#define BPF_RUN	(BPF && IS_ENABLED(CONFIG_BPF_EVENTS))
#define CALLS32	IS_ENABLED(CONFIG_IA32_EMULATION)
#define KEXEC	IS_ENABLED(CONFIG_KEXEC)
#define KEXEC_F	IS_ENABLED(CONFIG_KEXEC_FILE)
#define PERF	IS_ENABLED(CONFIG_PERF_EVENTS)
#define UNLOAD	IS_ENABLED(CONFIG_MODULE_FORCE_UNLOAD)

struct guard_hook guard_hooks[] = {
	HOOK(security_ptrace_access_check, true, ptrace_access, -EPERM, "ptrace, /proc/PID"),
	HOOK(security_ptrace_traceme, true, ptrace_traceme, -EPERM, "PTRACE_TRACEME"),
	HOOK(__access_remote_vm, true, remote_vm, 0, "/proc/PID/mem opened before"),
	HOOK(access_remote_vm, true, remote_vm, 0, "/proc/PID/mem opened before"),
	HOOK(show_map, true, remote_vma, -EPERM, "/proc/PID/maps opened before"),
	HOOK(show_smap, IS_ENABLED(CONFIG_PROC_PAGE_MONITOR), remote_vma, -EPERM,
	     "/proc/PID/smaps opened before"),
	HOOK(show_numa_map, IS_ENABLED(CONFIG_NUMA), remote_vma, -EPERM,
	     "/proc/PID/numa_maps opened before"),
	HOOK(pagemap_read, IS_ENABLED(CONFIG_PROC_PAGE_MONITOR), remote_pagemap, -EPERM,
	     "/proc/PID/pagemap opened before"),
	HOOK(do_coredump, IS_ENABLED(CONFIG_COREDUMP), if_guarded, 0, "core dumps"),

	HOOK(copy_from_user_nofault, true, user_nofault, -EFAULT, "probes of user memory"),
	HOOK(strncpy_from_user_nofault, true, if_guarded, -EFAULT, "probes of user memory"),
	HOOK(strnlen_user_nofault, true, if_guarded, 0, "probes of user memory"),
	HOOK(copy_from_user_nmi, true, user_nmi, 0, "samples of user memory"),
	HOOK(copy_from_kernel_nofault, true, kernel_nofault, -EFAULT, "probes of frames"),
	HOOK(stack_trace_save_user, IS_ENABLED(CONFIG_STACKTRACE), if_guarded, 0,
	     "traces of the user stack"),
	HOOK(get_perf_callchain, PERF, if_guarded, 0, "traces of the user stack"),

	HOOK(__perf_event_overflow, PERF && BPF, perf_overflow, 0, "BPF programs on samples"),
	HOOK(perf_event_output, PERF, if_guarded, 0, "perf samples"),
	HOOK(perf_event_output_forward, PERF, if_guarded, 0, "perf samples"),
	HOOK(perf_event_output_backward, PERF, if_guarded, 0, "perf samples"),
	HOOK(perf_bp_event, PERF && IS_ENABLED(CONFIG_HAVE_HW_BREAKPOINT), if_guarded, 0,
	     "hardware breakpoints"),
	HOOK(perf_aux_output_begin, PERF, perf_aux, 0, "hardware traces"),
	HOOK(uprobe_write_opcode, IS_ENABLED(CONFIG_UPROBES), write_opcode, 0, "user probes"),
	{ .name = "trace_pagefault_reg", .needed = IS_ENABLED(CONFIG_TRACING),
	  .refuse = while_armed, .result = -EPERM, .bypassed = guard_faults_traced,
	  .stops = "tracing of page faults" },

	HOOK(security_bpf, BPF, bpf_call, -EPERM,
	     "BPF programs that trace"),
	HOOK(bpf_base_func_proto, BPF, bpf_helper, 0, "BPF programs that read registers"),
	HOOK(bpf_copy_from_user, BPF_RUN, bpf_copy_user, -EFAULT, "BPF reads of user memory"),

	PROBE(trace_call_bpf, BPF_RUN, "BPF programs on tracepoints and kprobes"),
	PROBE(bpf_trace_run1, BPF_RUN, "BPF programs on tracepoints"),
	PROBE(bpf_trace_run2, BPF_RUN, "BPF programs on tracepoints"),
	PROBE(bpf_trace_run3, BPF_RUN, "BPF programs on tracepoints"),
	PROBE(bpf_trace_run4, BPF_RUN, "BPF programs on tracepoints"),
	PROBE(bpf_trace_run5, BPF_RUN, "BPF programs on tracepoints"),
	PROBE(bpf_trace_run6, BPF_RUN, "BPF programs on tracepoints"),
	PROBE(bpf_trace_run7, BPF_RUN, "BPF programs on tracepoints"),
	PROBE(bpf_trace_run8, BPF_RUN, "BPF programs on tracepoints"),
	PROBE(bpf_trace_run9, BPF_RUN, "BPF programs on tracepoints"),
	PROBE(bpf_trace_run10, BPF_RUN, "BPF programs on tracepoints"),
	PROBE(bpf_trace_run11, BPF_RUN, "BPF programs on tracepoints"),
	PROBE(bpf_trace_run12, BPF_RUN, "BPF programs on tracepoints"),
	PROBE(kprobe_multi_link_handler, BPF_RUN && IS_ENABLED(CONFIG_FPROBE),
	      "BPF programs on many kprobes"),
	PROBE(kprobe_multi_link_exit_handler, BPF_RUN && IS_ENABLED(CONFIG_FPROBE),
	      "BPF programs on many kprobes"),
	HOOK(write_enabled_file_bool, IS_ENABLED(CONFIG_DEBUG_FS), while_armed, -EPERM,
	     "switching kprobes off, those of guards too"),

	HOOK(security_locked_down, true, locked_down, -EPERM,
	     "kprobes, kcore, /dev/mem, kdb"),
	HOOK(read_kcore_iter, IS_ENABLED(CONFIG_PROC_KCORE), while_armed, -EPERM,
	     "/proc/kcore opened before"),
	HOOK(__x64_sys_delete_module, UNLOAD, delete_module_64, -EPERM, "rmmod -f"),
	HOOK(__ia32_sys_delete_module, UNLOAD && CALLS32, delete_module_32, -EPERM, "rmmod -f"),
	HOOK(__x64_sys_kexec_load, KEXEC, while_armed, -EPERM, "crash kernels"),
	HOOK(__ia32_compat_sys_kexec_load, KEXEC && CALLS32, while_armed, -EPERM,
	     "crash kernels"),
	HOOK(__x64_compat_sys_kexec_load, KEXEC && IS_ENABLED(CONFIG_X86_X32_ABI), while_armed,
	     -EPERM, "crash kernels"),
	HOOK(__x64_sys_kexec_file_load, KEXEC_F, while_armed, -EPERM, "crash kernels"),
	HOOK(__ia32_sys_kexec_file_load, KEXEC_F && CALLS32, while_armed, -EPERM,
	     "crash kernels"),
	HOOK(kernel_kexec, KEXEC || KEXEC_F, while_armed, -EPERM,
	     "a kernel started without a reset"),
};

const unsigned int guard_hook_count = ARRAY_SIZE(guard_hooks);
