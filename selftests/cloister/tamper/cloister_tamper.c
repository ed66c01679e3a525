// SPDX-License-Identifier: GPL-2.0-only
/*
 * Plays an attacker who can write to what swap is made of: gives a test the backing store of a
 * region as a file. It tells, too, where the kernel has a page, and how many address spaces a
 * region remembers. It is a module of its own so that the driver holds no hook for tests.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/uaccess.h>
#include <linux/version.h>

#include "region.h"
#include "cloister_tamper.h"

/*
 * The driver exports nothing, so a region's file is known by who serves it: a
 * regular file of the module "cloister", where the device is a character device.
 */
static bool is_region(const struct file *file)
{
	const struct module *owner = file->f_op->owner;

	return owner && !strcmp(owner->name, "cloister") &&
		!S_ISCHR(file_inode(file)->i_mode) && file->private_data;
}

/* A file of its own: the driver's can't seek, so it can't be read or written at a place. */
static int give_backing(struct file *region_file)
{
	const struct cloister_region *region = region_file->private_data;
	struct file *backing;
	int fd;

	if (!region->backing)
		return -ENODATA;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	backing = dentry_open(&region->backing->f_path, O_RDWR | O_LARGEFILE, current_cred());
	if (IS_ERR(backing)) {
		put_unused_fd(fd);
		return PTR_ERR(backing);
	}
	fd_install(fd, backing);
	return fd;
}

/* For tests of what a region keeps of processes that are gone. */
static int count_pinners(struct file *region_file)
{
	struct cloister_region *region = region_file->private_data;
	struct list_head *pinner;
	int count = 0;

	mutex_lock(&region->add_lock);
	list_for_each(pinner, &region->pinners)
		count++;
	mutex_unlock(&region->add_lock);
	return count;
}

/* A region's mapping holds bare frame numbers, with which the usual look-up won't deal. */
static int look_up_bare(unsigned long address, unsigned long *pfn)
{
	struct vm_area_struct *vma;
	int result = -EFAULT;

	mmap_read_lock(current->mm);
	vma = find_vma(current->mm, address);
	if (vma && vma->vm_start <= address && vma->vm_flags & VM_PFNMAP) {
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
		result = follow_pfn(vma, address, pfn);
#else
		struct follow_pfnmap_args args = { .vma = vma, .address = address };

		result = follow_pfnmap_start(&args);
		if (!result) {
			*pfn = args.pfn;
			follow_pfnmap_end(&args);
		}
#endif
	}
	mmap_read_unlock(current->mm);
	return result;
}

/* For tests of who can read a page at the kernel's own address of it. */
static int tell_frame(struct cloister_tamper_frame __user *argument)
{
	struct cloister_tamper_frame frame;
	struct page *page;
	unsigned long pfn;
	int result;

	if (copy_from_user(&frame, argument, sizeof(frame)))
		return -EFAULT;
	if (get_user_pages_fast(frame.address, 1, 0, &page) == 1) {
		frame.frame = (unsigned long)page_address(page);
		put_page(page);
	} else {
		result = look_up_bare(frame.address, &pfn);
		if (result)
			return result;
		frame.frame = (unsigned long)__va(PFN_PHYS(pfn));
	}
	frame.frame += offset_in_page(frame.address);
	return copy_to_user(argument, &frame, sizeof(frame)) ? -EFAULT : 0;
}

static long tamper_ioctl(struct file *file, unsigned int request, unsigned long argument)
{
	struct file *region_file;
	s32 fd;
	int result;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (request == CLOISTER_TAMPER_FRAME)
		return tell_frame((struct cloister_tamper_frame __user *)argument);
	if (request != CLOISTER_TAMPER_BACKING && request != CLOISTER_TAMPER_PINNERS)
		return -ENOTTY;
	if (get_user(fd, (s32 __user *)argument))
		return -EFAULT;
	region_file = fget(fd);
	if (!region_file)
		return -EBADF;
	if (!is_region(region_file))
		result = -EINVAL;
	else if (request == CLOISTER_TAMPER_BACKING)
		result = give_backing(region_file);
	else
		result = count_pinners(region_file);
	fput(region_file);
	return result;
}

static const struct file_operations tamper_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = tamper_ioctl,
};

static struct miscdevice tamper_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "cloister-tamper",
	.fops = &tamper_fops,
	.mode = 0600,
};

module_misc_device(tamper_device);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Backing store of Cloister regions, for tests that tamper with it");
