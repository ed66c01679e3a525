// SPDX-License-Identifier: GPL-2.0-only
/*
 * An inode for each region, on a file system that nobody can mount or see. Anonymous inodes
 * won't do: they share one mapping, and removing one region's translations would remove all.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/pseudo_fs.h>

#include "driver.h"

#define CLOISTER_FS_MAGIC 0x436c6f69	/* "Cloi" */

static struct vfsmount *region_mount;

static int region_fs_init(struct fs_context *fc)
{
	return init_pseudo(fc, CLOISTER_FS_MAGIC) ? 0 : -ENOMEM;
}

/* No owner: the mount would hold the module for good. Each file holds it while it is open. */
static struct file_system_type region_fs = {
	.name = "cloister",
	.init_fs_context = region_fs_init,
	.kill_sb = kill_anon_super,
};

int region_fs_mount(void)
{
	region_mount = kern_mount(&region_fs);
	return PTR_ERR_OR_ZERO(region_mount);
}

void region_fs_unmount(void)
{
	kern_unmount(region_mount);
}

/* The file holds a reference to the module, which its last put drops. */
struct file *region_file_create(const struct file_operations *fops, void *private_data)
{
	struct inode *inode;
	struct file *file;

	inode = alloc_anon_inode(region_mount->mnt_sb);
	if (IS_ERR(inode))
		return ERR_CAST(inode);
	__module_get(THIS_MODULE);
	file = alloc_file_pseudo(inode, region_mount, "[cloister]", O_RDWR, fops);
	if (IS_ERR(file)) {
		iput(inode);
		module_put(THIS_MODULE);
		return file;
	}
	file->private_data = private_data;
	return file;
}
