// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings of a region, and their faults.
 *
 * A mapping holds bare frame numbers (VM_PFNMAP, VM_IO): no page of it can be looked up, so ptrace,
 * /proc/PID/mem, process_vm_readv and everything built on get_user_pages finds nothing; and it
 * has no `access` operation. It is not copied to children, not dumped and not resized.
 */
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "compat.h"
#include "driver.h"
#include "guard.h"
#include "trace.h"

/*
 * Wait without the fault's lock and have the fault come again; or, for a fault that may not let
 * go of it, with it: who has a page in hands never needs that lock. 0: look again.
 */
static vm_fault_t wait_and_retry(struct cloister_region *region, struct vm_fault *vmf, int seen)
{
	/* A fault of the kernel's may hold locks that others need before they can freeze. */
	unsigned int state = vmf->flags & FAULT_FLAG_USER ? TASK_KILLABLE | TASK_FREEZABLE :
							    TASK_KILLABLE;
	struct file *file;

	if (vmf->flags & FAULT_FLAG_RETRY_NOWAIT)
		return VM_FAULT_RETRY;
	if (!(vmf->flags & FAULT_FLAG_ALLOW_RETRY))
		return region_wait(region, seen, state) ? VM_FAULT_SIGBUS : 0;
	/* The VMA may be gone after the wait, and the region with it. */
	file = get_file(vmf->vma->vm_file);
	release_fault_lock(vmf);
	region_wait(region, seen, state);
	fput(file);
	return VM_FAULT_RETRY;
}

static u32 access_of(const struct vm_fault *vmf)
{
	if (vmf->flags & FAULT_FLAG_WRITE)
		return MON_PERM_WRITE;
	if (vmf->flags & FAULT_FLAG_INSTRUCTION)
		return MON_PERM_EXEC;
	return MON_PERM_READ;
}

/* What the mapping asks for, less what the page does not allow. */
static pgprot_t protection(const struct vm_area_struct *vma, u32 permissions)
{
	unsigned long flags = vma->vm_flags;

	if (!(permissions & MON_PERM_WRITE))
		flags &= ~VM_WRITE;
	if (!(permissions & MON_PERM_EXEC))
		flags &= ~VM_EXEC;
	return vm_get_page_prot(flags);
}

static vm_fault_t map_frame(struct cloister_region *region, struct vm_fault *vmf, u64 pa,
			    u32 permissions)
{
	vm_fault_t ret;

	ret = vmf_insert_pfn_prot(vmf->vma, vmf->address & PAGE_MASK, PHYS_PFN(pa),
				  protection(vmf->vma, permissions));
	frame_referenced(region, granule_of(pa));
	mon_page_unpin(cloister.root, pa);
	region_progress(region);
	atomic64_inc(&region->faults);
	return ret;
}

static void integrity_failure(struct cloister_region *region, u64 page)
{
	trace_cloister_integrity_failure(region->id, page);
	pr_warn_ratelimited("region %llu: the backing store does not hold what was sealed at offset 0x%llx; touching it raises SIGBUS\n",
			    region->id, page << PAGE_SHIFT);
}

/* Make a page resident and pinned in @frame, which on failure goes back to the pool. */
static enum mon_status load(struct cloister_region *region, u64 page, bool stored,
			    struct page *frame, u32 *permissions)
{
	struct page *backing = NULL;
	const void *cipher = NULL;
	enum mon_status status;

	if (stored) {
		backing = backing_get(region, page, 0);
		if (backing == ERR_PTR(-ENOMEM)) {
			frame_put(region, frame);
			return MON_E_NO_MEMORY;
		}
		/* A store that lost the page holds zeros: the monitor will not take them for it. */
		if (IS_ERR(backing))
			backing = NULL;
		cipher = page_address(backing ?: ZERO_PAGE(0));
	}
	frame_list(region, frame, page, frame_reserve(region, page, backing));
	status = mon_page_load_pinned(cloister.root, region->pa, page, granule_pa(frame), cipher,
				      permissions);
	if (backing)
		put_page(backing);
	if (status != MON_OK) {
		frame_unlist(region, frame);
		frame_put(region, frame);
	}
	trace_cloister_page_load(region->id, status);
	if (status == MON_E_INTEGRITY)
		integrity_failure(region, page);
	return status;
}

/* Load the page of a fault and map it; 0: somebody else has it in hands, look again. */
static vm_fault_t load_for_fault(struct cloister_region *region, struct vm_fault *vmf, u64 page,
				 bool stored, int seen)
{
	struct page *frame = frame_for_fault(region);
	u32 permissions;

	if (frame == ERR_PTR(-EBUSY))
		return wait_and_retry(region, vmf, seen);
	if (frame == ERR_PTR(-ENOMEM))
		return VM_FAULT_OOM;
	if (IS_ERR(frame))
		return VM_FAULT_SIGBUS;
	switch (load(region, page, stored, frame, &permissions)) {
	case MON_OK:
		return map_frame(region, vmf, granule_pa(frame), permissions);
	case MON_E_BUSY:
	case MON_E_RESIDENT:
	case MON_E_SEALED:
		return 0;
	case MON_E_NO_MEMORY:
		return VM_FAULT_OOM;
	default:
		return VM_FAULT_SIGBUS;
	}
}

static vm_fault_t region_fault(struct vm_fault *vmf)
{
	struct cloister_region *region = vmf->vma->vm_file->private_data;
	u64 page = vmf->pgoff;
	enum mon_status status;
	u32 permissions;
	vm_fault_t ret;
	u64 frame;
	int seen;

	for (;;) {
		seen = region_progress_seen(region);
		status = mon_page_map(cloister.root, region->pa, page, access_of(vmf), &frame,
				      &permissions);
		switch (status) {
		case MON_OK:
			return map_frame(region, vmf, frame, permissions);
		case MON_E_SEALED:
			ret = load_for_fault(region, vmf, page, frame, seen);
			break;
		case MON_E_BUSY:
			ret = wait_and_retry(region, vmf, seen);
			break;
		case MON_E_PERMISSION:
			return VM_FAULT_SIGSEGV;
		default:
			return VM_FAULT_SIGBUS;
		}
		if (ret)
			return ret;
	}
}

/* A write to a page that is mapped read-only is one that it does not allow. */
static vm_fault_t region_pfn_mkwrite(struct vm_fault *vmf)
{
	return VM_FAULT_SIGSEGV;
}

static int region_mremap(struct vm_area_struct *vma)
{
	return -EINVAL;
}

static int region_may_split(struct vm_area_struct *vma, unsigned long address)
{
	return -EINVAL;
}

/* Protection is chosen at mmap() and bounded by the pages' permissions. */
static int region_mprotect(struct vm_area_struct *vma, unsigned long start, unsigned long end,
			   unsigned long flags)
{
	return -EACCES;
}

static void region_vm_open(struct vm_area_struct *vma)
{
	guard_map_again(vma->vm_file->private_data, vma->vm_mm);
}

static void region_vm_close(struct vm_area_struct *vma)
{
	guard_map_end(vma->vm_file->private_data, vma->vm_mm);
}

static const struct vm_operations_struct region_vm_ops = {
	.open = region_vm_open,
	.close = region_vm_close,
	.fault = region_fault,
	.pfn_mkwrite = region_pfn_mkwrite,
	.mremap = region_mremap,
	.may_split = region_may_split,
	.mprotect = region_mprotect,
};

/**
 * region_mmap() - map a LIVE region, or part of it
 * @file: the region's
 * @vma: the mapping to be
 *
 * Return: 0, or
 * * -EINVAL	the mapping is private, or reaches past the region
 * * -EACCES	the caller is not the creator and the region is not shareable
 * * -EBADFD	the region is not LIVE
 * * -EBUSY	too many calls are in the region at once
 * * -EPERM	the caller is being traced, or has user probes in it; debug regions are exempt
 * * -EAGAIN	the caller is in execve(), or may be about to be traced: try again
 * * -ENOMEM	no memory
 */
int region_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct cloister_region *region = file->private_data;
	int ret;

	/* A private mapping would copy a frame on write, out of the region. */
	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (!region_accessible(region))
		return -EACCES;
	if (vma->vm_pgoff > region->pages || vma_pages(vma) > region->pages - vma->vm_pgoff)
		return -EINVAL;
	ret = region_require(region, MON_REGION_LIVE);
	if (ret)
		return ret;
	ret = guard_map_begin(region, vma->vm_mm);
	if (ret)
		return ret;
	vm_flags_set(vma, VM_PFNMAP | VM_IO | VM_DONTCOPY | VM_DONTDUMP | VM_DONTEXPAND);
	vma->vm_ops = &region_vm_ops;
	return 0;
}
