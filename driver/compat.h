/* SPDX-License-Identifier: GPL-2.0-only */
/* What differs between the kernels that the module builds on: 6.1 to 6.12. */
#ifndef CLOISTER_COMPAT_H
#define CLOISTER_COMPAT_H

#include <linux/mm.h>
#include <linux/shrinker.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
static inline void vm_flags_set(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags |= flags;
}
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
/* Before faults could run under the lock of their VMA alone. */
static inline void release_fault_lock(struct vm_fault *vmf)
{
	mmap_read_unlock(vmf->vma->vm_mm);
}
#endif

/* Kinds of BPF links that came later, by their number. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
#define BPF_TRACE_UPROBE_MULTI		48
#endif
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)
#define BPF_TRACE_KPROBE_SESSION	56
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
#include <linux/slab.h>

static inline struct shrinker *shrinker_alloc(unsigned int flags, const char *fmt, ...)
{
	struct shrinker *shrinker = kzalloc(sizeof(*shrinker), GFP_KERNEL);

	if (shrinker) {
		shrinker->flags = flags;
		shrinker->seeks = DEFAULT_SEEKS;
	}
	return shrinker;
}

/* Here registering can fail; the caller must check. */
static inline int compat_shrinker_register(struct shrinker *shrinker, const char *name)
{
	return register_shrinker(shrinker, "%s", name);
}

static inline void shrinker_free(struct shrinker *shrinker)
{
	/* A shrinker that was never registered has no list of deferred work. */
	if (shrinker->nr_deferred)
		unregister_shrinker(shrinker);
	kfree(shrinker);
}
#else
static inline int compat_shrinker_register(struct shrinker *shrinker, const char *name)
{
	shrinker_register(shrinker);
	return 0;
}
#endif

#endif /* CLOISTER_COMPAT_H */
