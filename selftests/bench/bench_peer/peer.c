// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does the least that loading a sealed page into a mapping takes: a fault that allocates a page,
 * decrypts one into it by the kernel's default AES-256-GCM, and inserts its frame number. The
 * decryption is in the fault, for what a switch between a program's and the kernel's floating-point
 * state costs is part of it.
 * No state, no limits, no backing store.
 */
#include <crypto/aead.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

#include "cipher.h"
#include "cloister_bench_peer.h"
#include "compat.h"

#define KEY_LEN		32
#define NONCE_LEN	12
#define AAD_LEN		32
#define TAG_LEN		16

struct sealed {
	struct page *cipher;
	u8 tag[TAG_LEN];
};

/* What faults have allocated since BENCH_PEER_UNMAP. */
static struct page *frames[BENCH_PEER_PAGES];
static struct sealed sealed[BENCH_PEER_PAGES];
static struct crypto_aead *tfm;
static struct aead_request *request;
static u8 *small;		/* nonce, additional data, tag: where a scatterlist may point */
static DEFINE_MUTEX(crypto_lock);

static int crypt(u32 page, bool encrypt)
{
	u8 *aad = small + 16, *tag = small + 64;
	struct scatterlist in[3], out[3];
	DECLARE_CRYPTO_WAIT(wait);
	int ret;

	memset(small, 0, NONCE_LEN);
	memcpy(small, &page, sizeof(page));
	memcpy(aad, &page, sizeof(page));
	memcpy(tag, sealed[page].tag, TAG_LEN);
	sg_init_table(in, ARRAY_SIZE(in));
	sg_set_buf(&in[0], aad, AAD_LEN);
	sg_set_page(&in[1], encrypt ? frames[page] : sealed[page].cipher, PAGE_SIZE, 0);
	sg_set_buf(&in[2], tag, TAG_LEN);
	sg_init_table(out, ARRAY_SIZE(out));
	sg_set_buf(&out[0], aad, AAD_LEN);
	sg_set_page(&out[1], encrypt ? sealed[page].cipher : frames[page], PAGE_SIZE, 0);
	sg_set_buf(&out[2], tag, TAG_LEN);
	aead_request_set_callback(request, CRYPTO_TFM_REQ_MAY_SLEEP | CRYPTO_TFM_REQ_MAY_BACKLOG,
				  crypto_req_done, &wait);
	aead_request_set_ad(request, AAD_LEN);
	aead_request_set_crypt(request, in, out, PAGE_SIZE + (encrypt ? 0 : TAG_LEN), small);
	ret = encrypt ? crypto_aead_encrypt(request) : crypto_aead_decrypt(request);
	ret = crypto_wait_req(ret, &wait);
	if (!ret && encrypt)
		memcpy(sealed[page].tag, tag, TAG_LEN);
	return ret;
}

static void free_frames(void)
{
	u32 i;

	for (i = 0; i < BENCH_PEER_PAGES; i++) {
		if (frames[i])
			__free_page(frames[i]);
		frames[i] = NULL;
	}
}

static long peer_ioctl(struct file *file, unsigned int request_number, unsigned long argument)
{
	switch (request_number) {
	case BENCH_PEER_UNMAP:
		mutex_lock(&crypto_lock);
		unmap_mapping_range(file->f_mapping, 0, 0, 1);
		free_frames();
		mutex_unlock(&crypto_lock);
		return 0;
	case BENCH_PEER_GCM:
		return gcm_alone(argument);
	case BENCH_PEER_XTS:
		return xts_alone(argument);
	default:
		return -ENOTTY;
	}
}

static vm_fault_t peer_fault(struct vm_fault *vmf)
{
	u32 page = vmf->pgoff;
	vm_fault_t ret = VM_FAULT_SIGBUS;

	if (vmf->pgoff >= BENCH_PEER_PAGES)
		return VM_FAULT_SIGBUS;
	mutex_lock(&crypto_lock);
	if (!frames[page])
		frames[page] = alloc_page(GFP_KERNEL_ACCOUNT);
	if (frames[page] && !crypt(page, false))
		ret = vmf_insert_pfn(vmf->vma, vmf->address, page_to_pfn(frames[page]));
	mutex_unlock(&crypto_lock);
	return ret;
}

static const struct vm_operations_struct peer_vm_ops = {
	.fault = peer_fault,
};

static int peer_mmap(struct file *file, struct vm_area_struct *vma)
{
	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	vm_flags_set(vma, VM_PFNMAP | VM_IO | VM_DONTCOPY | VM_DONTDUMP | VM_DONTEXPAND);
	vma->vm_ops = &peer_vm_ops;
	return 0;
}

static const struct file_operations peer_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = peer_ioctl,
	.mmap = peer_mmap,
};

static struct miscdevice peer_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "cloister-bench-peer",
	.fops = &peer_fops,
	.mode = 0600,
};

static void free_all(void)
{
	u32 i;

	free_frames();
	for (i = 0; i < BENCH_PEER_PAGES; i++) {
		if (sealed[i].cipher)
			__free_page(sealed[i].cipher);
	}
	cipher_exit();
	kfree(small);
	aead_request_free(request);
	if (!IS_ERR_OR_NULL(tfm))
		crypto_free_aead(tfm);
}

static int start_crypto(void)
{
	static const u8 key[KEY_LEN] = "a key of which nothing depends";
	int ret;

	tfm = crypto_alloc_aead("gcm(aes)", 0, 0);
	if (IS_ERR(tfm))
		return PTR_ERR(tfm);
	request = aead_request_alloc(tfm, GFP_KERNEL);
	small = kzalloc(128, GFP_KERNEL);
	if (!request || !small)
		return -ENOMEM;
	ret = crypto_aead_setauthsize(tfm, TAG_LEN);
	return ret ? ret : crypto_aead_setkey(tfm, key, sizeof(key));
}

static int seal_pages(void)
{
	int ret = 0;
	u32 i;

	for (i = 0; !ret && i < BENCH_PEER_PAGES; i++) {
		frames[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		sealed[i].cipher = alloc_page(GFP_KERNEL);
		ret = frames[i] && sealed[i].cipher ? crypt(i, true) : -ENOMEM;
	}
	return ret;
}

static int __init peer_init(void)
{
	int ret = start_crypto();

	if (!ret)
		ret = seal_pages();
	if (!ret)
		ret = cipher_init();
	if (!ret)
		ret = misc_register(&peer_device);
	if (ret)
		free_all();
	return ret;
}

static void __exit peer_exit(void)
{
	misc_deregister(&peer_device);
	free_all();
}

module_init(peer_init);
module_exit(peer_exit);
MODULE_DESCRIPTION("What Cloister's benchmarks hold page loads against");
MODULE_LICENSE("GPL");
