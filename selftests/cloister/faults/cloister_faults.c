// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lets a function of cloister.ko fail when a test wants it to: what a broken cipher, a used-up
 * counter or a crowd of callers would do, which no test can bring about from outside. A kprobe
 * answers in the function's stead, so that the driver holds no hook for tests. Or a kretprobe has
 * the kernel's fault injection refuse an allocation while the function runs: in a worker, say,
 * which can't ask for that itself.
 */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/kprobes.h>
#include <linux/linkage.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/objtool.h>
#include <linux/sched.h>
#include <linux/uaccess.h>

#include "status.h"
#include "cloister_faults.h"

static_assert(CLOISTER_FAULTS_E_BUSY == MON_E_BUSY);
static_assert(CLOISTER_FAULTS_E_EXHAUSTED == MON_E_EXHAUSTED);
static_assert(CLOISTER_FAULTS_E_NO_MEMORY == MON_E_NO_MEMORY);
static_assert(CLOISTER_FAULTS_E_CRYPTO == MON_E_CRYPTO);

/* One at a time, under @fault_mutex; what the probe reads does not change while it is in place. */
static DEFINE_MUTEX(fault_mutex);
static struct file *fault_owner;
static struct cloister_fault fault;
static struct task_struct *fault_task;
static bool fault_starves;
static char fault_symbol[sizeof("cloister:") + CLOISTER_FAULTS_NAME];
static atomic_t fault_calls;
static atomic_t fault_hits;

/* Where a function goes that is not run: straight back to its caller. */
asmlinkage void cloister_faults_return(void);
asm(".text\n"
	".type cloister_faults_return, @function\n"
	".globl cloister_faults_return\n"
	"cloister_faults_return:\n"
	ANNOTATE_NOENDBR
	ASM_RET
	".size cloister_faults_return, . - cloister_faults_return\n");

static int answer_instead(struct kprobe *probe, struct pt_regs *regs)
{
	int calls;

	if (current != fault_task)
		return 0;
	calls = atomic_inc_return(&fault_calls);
	if (calls != fault.nth && !(fault.onwards && calls > fault.nth))
		return 0;
	atomic_inc(&fault_hits);
	regs_set_return_value(regs, fault.result);
	instruction_pointer_set(regs, (unsigned long)cloister_faults_return);
	return 1;
}
NOKPROBE_SYMBOL(answer_instead);

static struct kprobe fault_probe;

#ifdef CONFIG_FAULT_INJECTION
/* Runs of a function at once: as many as there may be workers. */
#define RUNS_MAX	64

static int begin_to_starve(struct kretprobe_instance *run, struct pt_regs *regs)
{
	WRITE_ONCE(current->fail_nth, fault.nth);
	return 0;
}
NOKPROBE_SYMBOL(begin_to_starve);

/* Nothing is left to count where the nth was refused. */
static int end_starving(struct kretprobe_instance *run, struct pt_regs *regs)
{
	if (!READ_ONCE(current->fail_nth))
		atomic_inc(&fault_hits);
	WRITE_ONCE(current->fail_nth, 0);
	atomic_inc(&fault_calls);
	return 0;
}
NOKPROBE_SYMBOL(end_starving);

static struct kretprobe starve_probe;

static int starve(void)
{
	starve_probe = (struct kretprobe) {
		.kp.symbol_name = fault_symbol,
		.entry_handler = begin_to_starve,
		.handler = end_starving,
		.maxactive = RUNS_MAX,
	};
	return register_kretprobe(&starve_probe);
}

static void starve_no_more(void)
{
	unregister_kretprobe(&starve_probe);
}

/*
 * Where the kernel itself warns of memory that it is refused, which would look as if we did: the
 * fields of a tracepoint of a module that is being loaded. Nothing is refused, nor counted, there.
 */
static int begin_to_spare(struct kretprobe_instance *run, struct pt_regs *regs)
{
	*(unsigned int *)run->data = READ_ONCE(current->fail_nth);
	WRITE_ONCE(current->fail_nth, 0);
	return 0;
}
NOKPROBE_SYMBOL(begin_to_spare);

static int end_sparing(struct kretprobe_instance *run, struct pt_regs *regs)
{
	WRITE_ONCE(current->fail_nth, *(unsigned int *)run->data);
	return 0;
}
NOKPROBE_SYMBOL(end_sparing);

static struct kretprobe spare_probe = {
	.kp.symbol_name = "event_define_fields",
	.entry_handler = begin_to_spare,
	.handler = end_sparing,
	.data_size = sizeof(unsigned int),
	.maxactive = RUNS_MAX,
};

static int spare(void)
{
	return register_kretprobe(&spare_probe);
}

static void spare_no_more(void)
{
	unregister_kretprobe(&spare_probe);
}
#else
static int starve(void)
{
	return -EOPNOTSUPP;
}

static void starve_no_more(void)
{
}

static int spare(void)
{
	return 0;
}

static void spare_no_more(void)
{
}
#endif

static int answer(void)
{
	fault_probe = (struct kprobe) {
		.symbol_name = fault_symbol,
		.pre_handler = answer_instead,
	};
	return register_kprobe(&fault_probe);
}

static int arm(struct file *file, const struct cloister_fault *wanted, bool starving)
{
	int ret;

	if (fault_owner)
		return -EBUSY;
	if (!wanted->nth || strnlen(wanted->function, sizeof(wanted->function)) ==
			    sizeof(wanted->function))
		return -EINVAL;
	fault = *wanted;
	fault_task = current;
	fault_starves = starving;
	atomic_set(&fault_calls, 0);
	atomic_set(&fault_hits, 0);
	snprintf(fault_symbol, sizeof(fault_symbol), "cloister:%s", fault.function);
	ret = starving ? starve() : answer();
	if (!ret)
		fault_owner = file;
	return ret;
}

static int disarm(struct file *file)
{
	if (fault_owner != file)
		return -ENOENT;
	if (fault_starves)
		starve_no_more();
	else
		unregister_kprobe(&fault_probe);
	fault_owner = NULL;
	return atomic_read(&fault_hits);
}

static long faults_ioctl(struct file *file, unsigned int request, unsigned long argument)
{
	struct cloister_fault wanted;
	int ret;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if ((request == CLOISTER_FAULTS_ARM || request == CLOISTER_FAULTS_STARVE) &&
	    copy_from_user(&wanted, (const void __user *)argument, sizeof(wanted)))
		return -EFAULT;
	mutex_lock(&fault_mutex);
	if (request == CLOISTER_FAULTS_ARM || request == CLOISTER_FAULTS_STARVE)
		ret = arm(file, &wanted, request == CLOISTER_FAULTS_STARVE);
	else if (request == CLOISTER_FAULTS_DISARM)
		ret = disarm(file);
	else if (request == CLOISTER_FAULTS_RUNS)
		ret = fault_owner == file ? atomic_read(&fault_calls) : -ENOENT;
	else
		ret = -ENOTTY;
	mutex_unlock(&fault_mutex);
	return ret;
}

static int faults_release(struct inode *inode, struct file *file)
{
	mutex_lock(&fault_mutex);
	disarm(file);
	mutex_unlock(&fault_mutex);
	return 0;
}

static const struct file_operations faults_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = faults_ioctl,
	.release = faults_release,
};

static struct miscdevice faults_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "cloister-faults",
	.fops = &faults_fops,
	.mode = 0600,
};

static int __init faults_init(void)
{
	int ret = spare();

	if (ret)
		return ret;
	ret = misc_register(&faults_device);
	if (ret)
		spare_no_more();
	return ret;
}
module_init(faults_init);

static void __exit faults_exit(void)
{
	misc_deregister(&faults_device);
	spare_no_more();
}
module_exit(faults_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Failing functions of Cloister, for tests of what follows");
