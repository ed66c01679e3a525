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
#include <linux/string.h>
#include <linux/security.h>
#include <linux/version.h>

#include <asm/cpu_entry_area.h>

#include "guard.h"

#define INT3	0xcc

char guard_probe[8];

struct guard_function guard_prepend_copy;

static bool in_guarded(void)
{
	return guard_armed() && guard_mm(current->mm);
}

/* While any production region lives. */
static bool while_armed(const struct pt_regs *regs)
{
	return guard_armed();
}

/* In a task whose address space holds one. */
static bool if_guarded(const struct pt_regs *regs)
{
	return in_guarded();
}

/* Tracing and reading of processes ------------------------------------------ */

static bool ptrace_access(const struct pt_regs *regs)
{
	return guard_armed() && guard_task((struct task_struct *)regs->di);
}

static bool ptrace_traceme(const struct pt_regs *regs)
{
	return guard_armed() && guard_task(current);
}

/* What ps shows: the arguments, without force. */
static bool is_command_line(const struct mm_struct *mm, unsigned long address, unsigned long length,
			    unsigned int flags)
{
	unsigned long start = READ_ONCE(mm->arg_start), end = READ_ONCE(mm->arg_end);

	return !(flags & (FOLL_WRITE | FOLL_FORCE)) && (flags & FOLL_ANON) &&
		address >= start && address <= end && length <= end - address;
}

static bool remote_vm(const struct pt_regs *regs)
{
	const struct mm_struct *mm = (const struct mm_struct *)regs->di;

	return guard_armed() && current->mm != mm && guard_mm(mm) &&
		!is_command_line(mm, regs->si, (unsigned int)regs->cx, (unsigned int)regs->r8);
}

/* A file of /proc/PID that was opened before; its private data is the address space. */
static bool remote_pagemap(const struct pt_regs *regs)
{
	const struct mm_struct *mm = ((const struct file *)regs->di)->private_data;

	return guard_armed() && current->mm != mm && guard_mm(mm);
}

/* The same, while it shows one mapping. */
static bool remote_vma(const struct pt_regs *regs)
{
	const struct mm_struct *mm = ((const struct vm_area_struct *)regs->si)->vm_mm;

	return guard_armed() && current->mm != mm && guard_mm(mm);
}

/*
 * A task leaves its address space, to end or to become another program. It is not guarded then,
 * but what its registers held is still on its stack, where samples look for it.
 */
static bool leaves_memory(const struct pt_regs *regs)
{
	const struct task_struct *task = (const struct task_struct *)regs->di;
	struct pt_regs *user = task_pt_regs(current);

	if (!guard_armed() || task != current || !guard_mm((const struct mm_struct *)regs->si))
		return false;
	/* All that is general but orig_ax, by which the kernel knows the call. */
	memzero_explicit(user, offsetof(struct pt_regs, orig_ax));
	return false;
}

/*
 * The kernel's log: of tasks that run, sleep, hang or die of a signal, as root asks for it. What
 * user mode left lies at the top of a task's stack, what a call works with below it, and another
 * task's may be anybody's. An exception's own stack holds what this processor was about.
 */
static bool logged_registers(const struct pt_regs *regs)
{
	unsigned long shown = regs->di, stack = (unsigned long)task_stack_page(current);

	if (!guard_armed())
		return false;
	return guard_mm(current->mm) || !(shown - stack < THREAD_SIZE ||
		shown - CPU_ENTRY_AREA_BASE < CPU_ENTRY_AREA_MAP_SIZE);
}

/* User memory and kernel memory, as probes read them ------------------------ */

static bool user_nofault(const struct pt_regs *regs)
{
	return in_guarded() || regs->di == (unsigned long)guard_probe;
}

/* The caller expects the destination to be written, be it with zeros. */
static bool bpf_copy_user(const struct pt_regs *regs)
{
	if (!in_guarded())
		return false;
	memset((void *)regs->di, 0, (u32)regs->si);
	return true;
}

/* Names of files are copied so, too: by prepend_copy(), for every path that is shown. */
static bool shows_path(const struct pt_regs *regs)
{
	unsigned long caller = *(const unsigned long *)regs->sp;

	return caller - guard_prepend_copy.start < guard_prepend_copy.size;
}

/* The allocator reads freed objects so; and where prepend_copy() is not known, paths must pass. */
static bool kernel_data_is_open(void)
{
	return debug_pagealloc_enabled() || !guard_prepend_copy.size;
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

/*
 * What probes and programs read of the kernel: its code and static data, as the kernel itself does
 * by this function, and nothing else, in whatever task. Elsewhere are frames, keys, and what
 * tasks had in their registers.
 */
static bool kernel_nofault(const struct pt_regs *regs)
{
	unsigned long from = regs->si, to = from + regs->dx;

	if (!guard_armed() || (from >= __START_KERNEL_map && to >= from && to <= MODULES_END))
		return false;
	if (kernel_data_is_open())
		return to < from || touches_granule(from, to);
	return !shows_path(regs);
}

/* Strings only probes and programs read so. Callers look at what they got, whatever the result. */
static bool kernel_string(const struct pt_regs *regs)
{
	unsigned long from = regs->si, to = from + regs->dx;

	if (!guard_armed() || (from >= __START_KERNEL_map && to >= from && to <= MODULES_END))
		return false;
	if ((long)regs->dx > 0)
		*(char *)regs->di = '\0';
	return true;
}

/* perf ----------------------------------------------------------------------- */

/*
 * Programs run here and may read registers. Without one, only what is put out is refused, further
 * on: the kernel has to see each overflow, to slow down an event that comes too often.
 */
static bool perf_overflow(const struct pt_regs *regs)
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
static bool perf_aux(const struct pt_regs *regs)
{
	const struct perf_event *event = (const struct perf_event *)regs->si;

	return guard_armed() &&
		(!event->ctx || !event->ctx->task || guard_mm(current->mm));
}

/* A breakpoint for a user probe: the caller is told that it was written. */
static bool write_opcode(const struct pt_regs *regs)
{
	return guard_armed() && (u8)regs->cx == INT3 &&
		guard_mm((const struct mm_struct *)regs->si);
}

/* The kernel itself ---------------------------------------------------------- */

/*
 * Only what reads or changes memory of the kernel at will. The rest of what lockdown knows stays
 * as the machine has it.
 */
static bool locked_down(const struct pt_regs *regs)
{
	if (!guard_armed())
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

static bool delete_module_64(const struct pt_regs *regs)
{
	return forced_removal(((const struct pt_regs *)regs->di)->si);
}

static bool delete_module_32(const struct pt_regs *regs)
{
	return forced_removal(((const struct pt_regs *)regs->di)->cx);
}

#define HOOK(symbol, need, decide, value, attack) \
	{ .name = #symbol, .needed = need, .refuse = decide, .result = value, .stops = attack }

/* The tracer leaves out its own files, which run programs at tracepoints and kprobes. */
#define PROBE(symbol, need, attack) \
	{ .name = #symbol, .needed = need, .probe = true, .refuse = if_guarded, .stops = attack }

#define BPF	IS_ENABLED(CONFIG_BPF_SYSCALL)
#define BPF_TRACE	(BPF && PERF)
#define BPF_RUN	(BPF && IS_ENABLED(CONFIG_BPF_EVENTS))
#define CALLS32	IS_ENABLED(CONFIG_IA32_EMULATION)
#define KEXEC	IS_ENABLED(CONFIG_KEXEC)
#define KEXEC_F	IS_ENABLED(CONFIG_KEXEC_FILE)
#define MAPS_CALL	(LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0))
#define PAGEMAP_CALL	(IS_ENABLED(CONFIG_PROC_PAGE_MONITOR) && \
			 LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0))
#define PERF	IS_ENABLED(CONFIG_PERF_EVENTS)
#define UNLOAD	IS_ENABLED(CONFIG_MODULE_FORCE_UNLOAD)

struct guard_hook guard_hooks[] = {
	HOOK(security_ptrace_access_check, true, ptrace_access, GUARD_EPERM, "ptrace, /proc/PID"),
	HOOK(security_ptrace_traceme, true, ptrace_traceme, GUARD_EPERM, "PTRACE_TRACEME"),
	HOOK(__access_remote_vm, true, remote_vm, GUARD_ZERO, "/proc/PID/mem opened before"),
	HOOK(access_remote_vm, true, remote_vm, GUARD_ZERO, "/proc/PID/mem opened before"),
	HOOK(show_map, true, remote_vma, GUARD_EPERM, "/proc/PID/maps opened before"),
	HOOK(show_smap, IS_ENABLED(CONFIG_PROC_PAGE_MONITOR), remote_vma, GUARD_EPERM,
	     "/proc/PID/smaps opened before"),
	HOOK(show_numa_map, IS_ENABLED(CONFIG_NUMA), remote_vma, GUARD_EPERM,
	     "/proc/PID/numa_maps opened before"),
	HOOK(pagemap_read, IS_ENABLED(CONFIG_PROC_PAGE_MONITOR), remote_pagemap, GUARD_EPERM,
	     "/proc/PID/pagemap opened before"),
	HOOK(do_pagemap_cmd, PAGEMAP_CALL, remote_pagemap, GUARD_EPERM,
	     "/proc/PID/pagemap opened before"),
	/* Whose mappings they are is not to be had from here: programs read the text instead. */
	HOOK(procfs_procmap_ioctl, MAPS_CALL, while_armed, GUARD_ENOTTY,
	     "/proc/PID/maps opened before"),
	HOOK(__show_regs, true, logged_registers, GUARD_ZERO, "registers in the kernel's log"),
	HOOK(show_iret_regs, true, logged_registers, GUARD_ZERO, "registers in the kernel's log"),
	HOOK(exit_mm_release, true, leaves_memory, GUARD_ZERO, "samples of a task that ends"),
	HOOK(exec_mm_release, true, leaves_memory, GUARD_ZERO, "samples of a task that execs"),
	HOOK(do_coredump, IS_ENABLED(CONFIG_COREDUMP), if_guarded, GUARD_ZERO, "core dumps"),

	HOOK(copy_from_user_nofault, true, user_nofault, GUARD_EFAULT, "probes of user memory"),
	HOOK(strncpy_from_user_nofault, true, if_guarded, GUARD_EFAULT, "probes of user memory"),
	HOOK(strnlen_user_nofault, true, if_guarded, GUARD_ZERO, "probes of user memory"),
	HOOK(copy_from_user_nmi, true, if_guarded, GUARD_THIRD, "samples of user memory"),
	{ .name = "copy_from_kernel_nofault", .needed = true, .refuse = kernel_nofault,
	  .result = GUARD_EFAULT, .bypassed = kernel_data_is_open,
	  .stops = "probes of kernel memory" },
	HOOK(strncpy_from_kernel_nofault, true, kernel_string, GUARD_EFAULT,
	     "probes of kernel memory"),
	HOOK(stack_trace_save_user, IS_ENABLED(CONFIG_STACKTRACE), if_guarded, GUARD_ZERO,
	     "traces of the user stack"),
	HOOK(get_perf_callchain, PERF, if_guarded, GUARD_ZERO, "traces of the user stack"),

	HOOK(__perf_event_overflow, PERF && BPF, perf_overflow, GUARD_ZERO,
	     "BPF programs on samples"),
	HOOK(perf_event_output, PERF, if_guarded, GUARD_ZERO, "perf samples"),
	HOOK(perf_event_output_forward, PERF, if_guarded, GUARD_ZERO, "perf samples"),
	HOOK(perf_event_output_backward, PERF, if_guarded, GUARD_ZERO, "perf samples"),
	HOOK(perf_bp_event, PERF && IS_ENABLED(CONFIG_HAVE_HW_BREAKPOINT), if_guarded, GUARD_ZERO,
	     "hardware breakpoints"),
	HOOK(perf_aux_output_begin, PERF, perf_aux, GUARD_ZERO, "hardware traces"),
	HOOK(uprobe_write_opcode, IS_ENABLED(CONFIG_UPROBES), write_opcode, GUARD_ZERO,
	     "user probes"),
	{ .name = "trace_pagefault_reg", .needed = IS_ENABLED(CONFIG_TRACING),
	  .refuse = while_armed, .result = GUARD_EPERM, .bypassed = guard_faults_traced,
	  .stops = "tracing of page faults" },

	HOOK(security_bpf, BPF, guard_bpf_call, GUARD_EPERM,
	     "BPF programs that trace"),
	HOOK(bpf_base_func_proto, BPF, guard_bpf_helper, GUARD_ZERO,
	     "BPF programs that read the kernel by helpers"),
	HOOK(btf_struct_access, BPF, while_armed, GUARD_EACCES,
	     "BPF programs that read the kernel by pointers"),
	{ .name = "perf_event_bpf_event", .needed = BPF_TRACE, .always = true,
	  .refuse = guard_count_program, .bypassed = guard_programs_trace,
	  .stops = "BPF programs that trace, loaded before" },
	HOOK(bpf_copy_from_user, BPF_RUN, bpf_copy_user, GUARD_EFAULT, "BPF reads of user memory"),

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
	HOOK(write_enabled_file_bool, IS_ENABLED(CONFIG_DEBUG_FS), while_armed, GUARD_EPERM,
	     "switching kprobes off, those of guards too"),

	HOOK(security_locked_down, true, locked_down, GUARD_EPERM,
	     "kprobes, kcore, /dev/mem, kdb"),
	HOOK(read_kcore_iter, IS_ENABLED(CONFIG_PROC_KCORE), while_armed, GUARD_EPERM,
	     "/proc/kcore opened before"),
	HOOK(__x64_sys_delete_module, UNLOAD, delete_module_64, GUARD_EPERM, "rmmod -f"),
	HOOK(__ia32_sys_delete_module, UNLOAD && CALLS32, delete_module_32, GUARD_EPERM,
	     "rmmod -f"),
	HOOK(__x64_sys_kexec_load, KEXEC, while_armed, GUARD_EPERM, "crash kernels"),
	HOOK(__ia32_compat_sys_kexec_load, KEXEC && CALLS32, while_armed, GUARD_EPERM,
	     "crash kernels"),
	HOOK(__x64_compat_sys_kexec_load, KEXEC && IS_ENABLED(CONFIG_X86_X32_ABI), while_armed,
	     GUARD_EPERM, "crash kernels"),
	HOOK(__x64_sys_kexec_file_load, KEXEC_F, while_armed, GUARD_EPERM, "crash kernels"),
	HOOK(__ia32_sys_kexec_file_load, KEXEC_F && CALLS32, while_armed, GUARD_EPERM,
	     "crash kernels"),
	HOOK(kernel_kexec, KEXEC || KEXEC_F, while_armed, GUARD_EPERM,
	     "a kernel started without a reset"),
};

const unsigned int guard_hook_count = ARRAY_SIZE(guard_hooks);
static_assert(ARRAY_SIZE(guard_hooks) <= GUARD_HOOKS_MAX);
