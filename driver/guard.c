// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is guarded: address spaces that hold a production region, be it that they created it or that
 * they map it, and tasks with the descriptor of one that is shareable.
 *
 * Handlers of hooks ask in any context, NMI too, so lookups take no lock. This file and the
 * others of guards are built without calls to the tracer: a handler is not itself traced.
 */
#include <linux/fdtable.h>
#include <linux/fs.h>
#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/rculist.h>
#include <linux/sched/coredump.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "driver.h"
#include "guard.h"

#define TABLE_BITS	8

/*
 * How many descriptors are looked at, and words of the map of those in use, with preemption off:
 * some tens of microseconds, and far more than most programs have. A table as large as fs.nr_open
 * allows unless root raises it fits.
 */
#define SCAN_MAX	16384

/**
 * struct guarded_mm - an address space that holds a production region
 * @node: in the table
 * @mm: which; those who are counted in @users keep it
 * @users: regions that it created and mappings that it has; under table_lock
 * @rcu: for who still looks at it when it goes
 */
struct guarded_mm {
	struct hlist_node node;
	const struct mm_struct *mm;
	unsigned int users;
	struct rcu_head rcu;
};

static struct hlist_head table[1 << TABLE_BITS];
static DEFINE_SPINLOCK(table_lock);

atomic_t guard_regions = ATOMIC_INIT(0);
atomic_t guard_production = ATOMIC_INIT(0);
atomic_t guard_awake = ATOMIC_INIT(0);

/* Production regions that are shareable: while there is none, no descriptor makes guarded. */
static atomic_t shared_regions = ATOMIC_INIT(0);

static struct hlist_head *bucket_of(const struct mm_struct *mm)
{
	return &table[hash_ptr(mm, TABLE_BITS)];
}

static struct guarded_mm *find_locked(const struct mm_struct *mm)
{
	struct guarded_mm *entry;

	lockdep_assert_held(&table_lock);
	hlist_for_each_entry(entry, bucket_of(mm), node)
		if (entry->mm == mm)
			return entry;
	return NULL;
}

/* Count one more reason to guard @mm. 1: it is the first. */
static int mm_guard(const struct mm_struct *mm, gfp_t gfp)
{
	struct guarded_mm *spare = kmalloc(sizeof(*spare), gfp), *entry;

	if (!spare)
		return -ENOMEM;
	spin_lock(&table_lock);
	entry = find_locked(mm);
	if (entry) {
		entry->users++;
	} else {
		spare->mm = mm;
		spare->users = 1;
		hlist_add_head_rcu(&spare->node, bucket_of(mm));
	}
	spin_unlock(&table_lock);
	if (entry)
		kfree(spare);
	return !entry;
}

static void mm_unguard(const struct mm_struct *mm)
{
	struct guarded_mm *entry;
	bool last = false;

	spin_lock(&table_lock);
	entry = find_locked(mm);
	if (!WARN_ON_ONCE(!entry)) {
		last = !--entry->users;
		if (last)
			hlist_del_rcu(&entry->node);
	}
	spin_unlock(&table_lock);
	if (last)
		kfree_rcu(entry, rcu);
}

/* With preemption off, which is all that kfree_rcu() needs to wait for this. */
bool guard_mm(const struct mm_struct *mm)
{
	struct guarded_mm *entry;

	if (!mm)
		return false;
	hlist_for_each_entry_rcu_notrace(entry, bucket_of(mm), node)
		if (entry->mm == mm)
			return true;
	return false;
}

/*
 * Files may be closed meanwhile, and their memory become other files: only compared. Where there is
 * more than is looked at, a region may be in the rest.
 */
static bool table_may_have_region(const struct fdtable *table)
{
	unsigned int fd, seen = 0;
	struct file *file;

	if (table->max_fds > SCAN_MAX * BITS_PER_LONG)
		return true;
	for_each_set_bit(fd, table->open_fds, table->max_fds) {
		file = rcu_dereference(table->fd[fd]);
		if (++seen > SCAN_MAX || (file && READ_ONCE(file->f_op) == &region_shared_fops))
			return true;
	}
	return false;
}

/* One that the holder may map: any other is of use to its creator only. */
static bool holds_region(struct files_struct *files)
{
	bool may;

	if (!atomic_read(&shared_regions))
		return false;
	rcu_read_lock();
	may = table_may_have_region(files_fdtable(files));
	rcu_read_unlock();
	return may;
}

/* Context: task_lock(@task) held, as security_ptrace_access_check() has it. */
bool guard_task(struct task_struct *task)
{
	return guard_mm(task->mm) || (task->files && holds_region(task->files));
}

/* Traced already? ------------------------------------------------------------ */

/* Whether any task that uses @mm in the thread group of @leader is traced. */
static bool group_traced(struct task_struct *leader, const struct mm_struct *mm)
{
	struct task_struct *thread;

	for_each_thread(leader, thread)
		if (READ_ONCE(thread->mm) == mm && READ_ONCE(thread->ptrace))
			return true;
	return false;
}

/* Each thread, as a leader that has ended has no memory and its threads live on. */
static bool group_uses(struct task_struct *leader, const struct mm_struct *mm)
{
	struct task_struct *thread;

	for_each_thread(leader, thread)
		if (READ_ONCE(thread->mm) == mm)
			return true;
	return false;
}

/*
 * Who attaches asks security_ptrace_access_check() first and then, still holding the signal
 * structure's cred_guard_mutex, marks the task as traced. So once that mutex was free after @mm
 * became guarded, either the mark can be seen or it will be refused. Who asks to be traced takes no
 * mutex, and may be missed where it asks just now: a program's own affair.
 *
 * Other processes may share the address space (vfork, CLONE_VM). How many tasks do can't be held
 * against how many threads there are, as both change meanwhile; only the caller's being alone is
 * sure to last.
 */
static int others_traced(const struct mm_struct *mm)
{
	struct task_struct *process;
	int ret = 0;

	RCU_LOCKDEP_WARN(!rcu_read_lock_held(), "the list of processes is RCU's");
	if (atomic_read(&mm->mm_users) == 1)
		return 0;
	for_each_process(process) {
		if (same_thread_group(process, current) || !group_uses(process, mm))
			continue;
		if (mutex_is_locked(&process->signal->cred_guard_mutex)) {
			ret = -EAGAIN;
			break;
		}
		/* Pairs with the mutex's release: a mark that was set under it is seen. */
		smp_rmb();
		if (group_traced(process, mm)) {
			ret = -EPERM;
			break;
		}
	}
	return ret;
}

static int self_traced(const struct mm_struct *mm)
{
	int ret;

	rcu_read_lock();
	ret = group_traced(current, mm) ? -EPERM : others_traced(mm);
	rcu_read_unlock();
	return ret;
}

/*
 * No new user probe gets into a guarded address space, so an old one is all there can be. The
 * flag outlives the probes: a program that once had any must be started anew.
 *
 * Context: mmap_lock held, which keeps threads that create a region and threads that map one from
 * meeting at the mutex. Who execs holds the mutex and then takes mmap_lock, so it is only tried.
 */
static int clean(struct mm_struct *mm, bool first)
{
	struct mutex *attaching = &current->signal->cred_guard_mutex;
	int ret;

	/* mmap_assert_locked() calls what the debug kernel does not export. */
	lockdep_assert_held(&mm->mmap_lock);
	/* Orders the entry in the table before the looks at who is traced. */
	smp_mb();
	if (first && test_bit(MMF_HAS_UPROBES, &mm->flags))
		return -EPERM;
	if (!mutex_trylock(attaching))
		return -EBUSY;
	ret = self_traced(mm);
	mutex_unlock(attaching);
	return ret;
}

/* Who has the mutex, in execve() say or to create another region, lets go of it. */
static int clean_in_time(struct mm_struct *mm, bool first)
{
	int ret;

	for (;;) {
		ret = mmap_read_lock_killable(mm);
		if (ret)
			return ret;
		ret = clean(mm, first);
		mmap_read_unlock(mm);
		if (ret != -EBUSY)
			return ret;
		schedule_timeout_killable(1);
		if (fatal_signal_pending(current))
			return -EINTR;
	}
}

static int guard_clean_mm(struct mm_struct *mm, bool wait)
{
	int first = mm_guard(mm, GFP_KERNEL_ACCOUNT);
	int ret;

	if (first < 0)
		return first;
	ret = wait ? clean_in_time(mm, first) : clean(mm, first);
	if (ret)
		mm_unguard(mm);
	return ret == -EBUSY ? -EAGAIN : ret;
}

/* Regions and mappings ------------------------------------------------------- */

static bool guarded(const struct cloister_region *region)
{
	return guard_enabled() && !(region->flags & CLOISTER_CREATE_DEBUG);
}

static void count(struct cloister_region *region, int by)
{
	atomic_add(by, &guard_awake);
	atomic_add(by, &guard_regions);
	if (guarded(region))
		atomic_add(by, &guard_production);
	if (guarded(region) && (region->flags & CLOISTER_CREATE_SHAREABLE))
		atomic_add(by, &shared_regions);
}

/**
 * guard_region_begin() - guard the caller, who creates a region
 * @region: with owner and flags set
 *
 * Context: Process context, no locks held.
 * Return: 0, -ENOMEM, or
 * * -EPERM	the caller is being traced, or has user probes in it
 * * -EAGAIN	a process that shares its address space may be about to be traced
 * * -EINTR	the caller was killed
 */
int guard_region_begin(struct cloister_region *region)
{
	int ret = 0;

	count(region, 1);
	if (guarded(region))
		ret = guard_clean_mm(region->owner, true);
	if (ret)
		count(region, -1);
	return ret;
}

void guard_region_end(struct cloister_region *region)
{
	if (guarded(region))
		mm_unguard(region->owner);
	count(region, -1);
}

/**
 * guard_map_begin() - guard the caller, who maps a region
 * @region: which
 * @mm: the caller's address space
 *
 * Context: Process context, mmap_lock held.
 * Return: 0, or as guard_region_begin(), with -EAGAIN also where the caller itself may be about to
 * be traced.
 */
int guard_map_begin(struct cloister_region *region, struct mm_struct *mm)
{
	return guarded(region) ? guard_clean_mm(mm, false) : 0;
}

/* Another mapping of @mm, made from one that is guarded already. */
void guard_map_again(struct cloister_region *region, struct mm_struct *mm)
{
	if (guarded(region))
		mm_guard(mm, GFP_KERNEL | __GFP_NOFAIL);
}

void guard_map_end(struct cloister_region *region, struct mm_struct *mm)
{
	if (guarded(region))
		mm_unguard(mm);
}
