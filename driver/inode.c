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
static int region_mount_users;

static int region_fs_init(struct fs_context *fc)
{
	return init_pseudo(fc, CLOISTER_FS_MAGIC) ? 0 : -ENOMEM;
}

static struct file_system_type region_fs = {
	.owner = THIS_MODULE,
	.name = "cloister",
	.init_fs_context = region_fs_init,
	.kill_sb = kill_anon_super,
};

/*
 * The file system is mounted while there are regions: the superblock holds the module, so that the
 * last of it is gone before the module can go.
 */
struct inode *region_inode_get(void)
{
	struct inode *inode;
	int ret;

	ret = simple_pin_fs(&region_fs, &region_mount, &region_mount_users);
	if (ret)
		return ERR_PTR(ret);
	inode = alloc_anon_inode(region_mount->mnt_sb);
	if (IS_ERR(inode))
		simple_release_fs(&region_mount, &region_mount_users);
	return inode;
}

void region_inode_put(struct inode *inode)
{
	iput(inode);
	simple_release_fs(&region_mount, &region_mount_users);
}

/* The file holds a reference to @inode, and one to the module, which its last put drops. */
struct file *region_file_create(struct inode *inode, const struct file_operations *fops,
				void *private_data)
{
	struct file *file;

	ihold(inode);
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
