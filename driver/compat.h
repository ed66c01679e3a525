/* SPDX-License-Identifier: GPL-2.0-only */
/* What differs between the kernels that the module builds on: 6.1 to 6.12. */
#ifndef CLOISTER_COMPAT_H
#define CLOISTER_COMPAT_H

#include <linux/bpf.h>
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

/* Kinds of BPF programs and links that came later and see packets, sockets or cgroups only. */
static inline bool compat_harmless_program(unsigned int type)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
	if (type == BPF_PROG_TYPE_NETFILTER)
		return true;
#endif
	return false;
}

static inline bool compat_harmless_attachment(unsigned int type)
{
	switch (type) {
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
	case BPF_NETFILTER:
		return true;
#endif
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
	case BPF_TCX_INGRESS:
	case BPF_TCX_EGRESS:
		return true;
#endif
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
	case BPF_CGROUP_UNIX_CONNECT:
	case BPF_CGROUP_UNIX_SENDMSG:
	case BPF_CGROUP_UNIX_RECVMSG:
	case BPF_CGROUP_UNIX_GETPEERNAME:
	case BPF_CGROUP_UNIX_GETSOCKNAME:
	case BPF_NETKIT_PRIMARY:
	case BPF_NETKIT_PEER:
		return true;
#endif
	default:
		return false;
	}
}

/* Whether BPF programs load through pointers to the kernel's objects as through any other. */
static inline bool compat_trusts_pointers(void)
{
	return LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0);
}

/* Maps that a program was loaded with, or was bound to, and that keep such pointers. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
static inline bool compat_map_holds_pointers(const struct bpf_map *map)
{
	return btf_record_has_field(map->record, BPF_KPTR) ||
		(map->inner_map_meta &&
		 btf_record_has_field(map->inner_map_meta->record, BPF_KPTR));
}

static inline bool compat_maps_hold_pointers(const struct bpf_prog_aux *aux)
{
	u32 i;

	for (i = 0; i < aux->used_map_cnt; i++)
		if (compat_map_holds_pointers(aux->used_maps[i]))
			return true;
	return false;
}
#else
static inline bool compat_maps_hold_pointers(const struct bpf_prog_aux *aux)
{
	return false;
}
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
