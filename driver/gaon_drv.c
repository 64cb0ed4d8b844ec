// SPDX-License-Identifier: GPL-2.0 OR MIT
/* The DRM side: the driver, its ioctls, its files. */
#include <linux/compat.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/uaccess.h>

#include <drm/drm_accel.h>
#include <drm/drm_gem.h>
#include <drm/drm_ioctl.h>
#include <drm/drm_vma_manager.h>

#include "gaon_bo.h"
#include "gaon_coredump.h"
#include "gaon_device.h"
#include "gaon_prime.h"
#include "gaon_queue.h"
#include "gaon_sched.h"
#include "gaon_vm.h"

static const struct drm_ioctl_desc gaon_ioctls[] = {
	DRM_IOCTL_DEF_DRV(GAON_DEV_QUERY, gaon_ioctl_dev_query, 0),
	DRM_IOCTL_DEF_DRV(GAON_VM_CREATE, gaon_ioctl_vm_create, 0),
	DRM_IOCTL_DEF_DRV(GAON_VM_DESTROY, gaon_ioctl_vm_destroy, 0),
	DRM_IOCTL_DEF_DRV(GAON_VM_BIND, gaon_ioctl_vm_bind, 0),
	DRM_IOCTL_DEF_DRV(GAON_VM_STATE, gaon_ioctl_vm_state, 0),
	DRM_IOCTL_DEF_DRV(GAON_BO_CREATE, gaon_ioctl_bo_create, 0),
	DRM_IOCTL_DEF_DRV(GAON_BO_MMAP_OFFSET, gaon_ioctl_bo_mmap_offset, 0),
	DRM_IOCTL_DEF_DRV(GAON_BO_INFO, gaon_ioctl_bo_info, 0),
	DRM_IOCTL_DEF_DRV(GAON_BO_SET_NAME, gaon_ioctl_bo_set_name, 0),
	DRM_IOCTL_DEF_DRV(GAON_QUEUE_CREATE, gaon_ioctl_queue_create, 0),
	DRM_IOCTL_DEF_DRV(GAON_QUEUE_DESTROY, gaon_ioctl_queue_destroy, 0),
	DRM_IOCTL_DEF_DRV(GAON_QUEUE_STATE, gaon_ioctl_queue_state, 0),
	DRM_IOCTL_DEF_DRV(GAON_QUEUE_SET_PRIORITY, gaon_ioctl_queue_set_priority, 0),
	DRM_IOCTL_DEF_DRV(GAON_QUEUE_CLEAR, gaon_ioctl_queue_clear, 0),
	DRM_IOCTL_DEF_DRV(GAON_DEBUG, gaon_ioctl_debug, 0),
	DRM_IOCTL_DEF_DRV(GAON_SUBMIT, gaon_ioctl_submit, 0),
	DRM_IOCTL_DEF_DRV(GAON_WAIT, gaon_ioctl_wait, 0),
};

/*
 * What is behind the structure that this driver knows: DRM copies it in, and nobody looks at it. A
 * caller that is newer and sets a field there would be served as if it had not.
 */
static int ioctl_check_tail(unsigned int cmd, void __user *arg)
{
	unsigned int nr = _IOC_NR(cmd) - DRM_COMMAND_BASE, known;
	int zero;

	if (_IOC_TYPE(cmd) != DRM_IOCTL_BASE || !(cmd & IOC_IN) || nr >= ARRAY_SIZE(gaon_ioctls))
		return 0;
	nr = array_index_nospec(nr, ARRAY_SIZE(gaon_ioctls));
	known = _IOC_SIZE(gaon_ioctls[nr].cmd);
	if (!gaon_ioctls[nr].func || _IOC_SIZE(cmd) <= known)
		return 0;
	zero = check_zeroed_user(arg + known, _IOC_SIZE(cmd) - known);
	if (zero < 0)
		return zero;
	return zero ? 0 : -E2BIG;
}

/*
 * The driver's own calls are held up while the machine goes to sleep. Not WAIT, which sleeps for
 * as long as its caller likes and does not need the card, nor DRM's, of which that is true as well.
 */
static bool ioctl_needs_card(unsigned int cmd)
{
	unsigned int nr = _IOC_NR(cmd);

	return _IOC_TYPE(cmd) == DRM_IOCTL_BASE && nr >= DRM_COMMAND_BASE && nr < DRM_COMMAND_END &&
	       nr != DRM_COMMAND_BASE + DRM_GAON_WAIT;
}

static long ioctl_run(struct file *filp, unsigned int cmd, unsigned long arg, void __user *user,
		      long (*run)(struct file *filp, unsigned int cmd, unsigned long arg))
{
	struct drm_file *file = filp->private_data;
	struct gaon_device *gdev = to_gaon_device(file->minor->dev);
	long ret;
	int gate;

	ret = ioctl_check_tail(cmd, user);
	if (ret)
		return ret;
	if (!ioctl_needs_card(cmd))
		return run(filp, cmd, arg);
	ret = gaon_power_enter(gdev, &gate);
	if (ret)
		return ret;
	ret = run(filp, cmd, arg);
	gaon_power_exit(gdev, gate);
	return ret;
}

static long gaon_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	return ioctl_run(filp, cmd, arg, (void __user *)arg, drm_ioctl);
}

#ifdef CONFIG_COMPAT
/* DRM's own structures differ in 32-bit processes, the driver's do not. */
static long gaon_compat_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	return ioctl_run(filp, cmd, arg, compat_ptr(arg), drm_compat_ioctl);
}
#else
#define gaon_compat_ioctl	NULL
#endif

static int gaon_open(struct drm_device *drm, struct drm_file *file)
{
	struct gaon_file *gfile;
	int err;

	/* Whoever has it open keeps the card awake. */
	err = gaon_power_get(to_gaon_device(drm));
	if (err)
		return err;
	gfile = kzalloc_obj(*gfile, GFP_KERNEL_ACCOUNT);
	if (!gfile) {
		gaon_power_put(to_gaon_device(drm));
		return -ENOMEM;
	}
	gfile->gdev = to_gaon_device(drm);
	gfile->drm = file;
	xa_init_flags(&gfile->vms, XA_FLAGS_ALLOC1);
	gfile->quota = gaon_quota_create();
	err = gfile->quota ? gaon_client_open(gfile) : -ENOMEM;
	if (err) {
		if (gfile->quota)
			gaon_quota_put(gfile->quota);
		kfree(gfile);
		gaon_power_put(to_gaon_device(drm));
		return err;
	}
	file->driver_priv = gfile;
	return 0;
}

static void gaon_postclose(struct drm_device *drm, struct drm_file *file)
{
	struct gaon_file *gfile = to_gaon_file(file);

	gaon_coredump_settle(gfile);
	gaon_client_close(gfile);
	gaon_vm_close_file(gfile);
	gaon_quota_put(gfile->quota);
	kfree(gfile);
	gaon_power_put(to_gaon_device(drm));
}

static int gaon_release(struct inode *inode, struct file *filp)
{
	struct drm_file *file = filp->private_data;
	struct gaon_device *gdev = to_gaon_device(file->minor->dev);
	int ret, gate;

	/* The file may hold the last reference. */
	drm_dev_get(&gdev->drm);
	gaon_power_enter_always(gdev, &gate);
	/* Before DRM frees the file's events, after which none may come. */
	gaon_client_silence(to_gaon_file(file));
	ret = drm_release(inode, filp);
	gaon_power_exit(gdev, gate);
	drm_dev_put(&gdev->drm);
	return ret;
}

static int gaon_mmap(struct file *filp, struct vm_area_struct *vma)
{
	struct drm_file *file = filp->private_data;

	if (vma->vm_pgoff >= DRM_FILE_PAGE_OFFSET_START)
		return drm_gem_mmap(filp, vma);
	if (drm_dev_is_unplugged(file->minor->dev))
		return -ENODEV;
	return gaon_doorbell_mmap(to_gaon_file(file), vma);
}

static void gaon_show_fdinfo(struct drm_printer *p, struct drm_file *file)
{
	gaon_client_show(to_gaon_file(file), p);
}

static const struct file_operations gaon_fops = {
	.owner = THIS_MODULE,
	/* As DRM_ACCEL_FOPS but for release, ioctls, mmap and fdinfo. */
	.open = accel_open,
	.release = gaon_release,
	.unlocked_ioctl = gaon_ioctl,
	.compat_ioctl = gaon_compat_ioctl,
	.poll = drm_poll,
	.read = drm_read,
	.llseek = noop_llseek,
	.mmap = gaon_mmap,
	.fop_flags = FOP_UNSIGNED_OFFSET,
	.show_fdinfo = drm_show_fdinfo,
};

const struct drm_driver gaon_drm_driver = {
	.driver_features = DRIVER_COMPUTE_ACCEL | DRIVER_GEM | DRIVER_SYNCOBJ |
			   DRIVER_SYNCOBJ_TIMELINE | GAON_COMPAT_DRIVER_FEATURES,
	.open = gaon_open,
	.postclose = gaon_postclose,
	.show_fdinfo = gaon_show_fdinfo,
	.ioctls = gaon_ioctls,
	.num_ioctls = ARRAY_SIZE(gaon_ioctls),
	.fops = &gaon_fops,
	.gem_prime_import = gaon_prime_import,
	.name = "gaon",
	.desc = "Gaon GA1 accelerator",
	GAON_COMPAT_DRIVER_DATE
	.major = DRM_GAON_VERSION_MAJOR,
	.minor = DRM_GAON_VERSION_MINOR,
};

static int __init gaon_init(void)
{
	return gaon_pci_register();
}
module_init(gaon_init);

static void __exit gaon_exit(void)
{
	gaon_pci_unregister();
}
module_exit(gaon_exit);

MODULE_DESCRIPTION("Gaon GA1 accelerator");
MODULE_AUTHOR("The Gaon authors");
MODULE_LICENSE("Dual MIT/GPL");
MODULE_INFO(import_ns, "DMA_BUF");	/* MODULE_IMPORT_NS() wants quotes in some kernels only */
MODULE_VERSION(GAON_DRIVER_VERSION);
