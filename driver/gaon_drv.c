// SPDX-License-Identifier: GPL-2.0 OR MIT
/* The DRM side: the driver, its ioctls, its files. */
#include <linux/module.h>

#include <drm/drm_accel.h>
#include <drm/drm_gem.h>
#include <drm/drm_ioctl.h>

#include "gaon_bo.h"
#include "gaon_device.h"
#include "gaon_vm.h"

/*
 * What the interface has and this version of the driver does not serve yet:
 * Documentation/driver/index.rst.
 */
static int gaon_ioctl_unserved(struct drm_device *drm, void *data, struct drm_file *file)
{
	return -EOPNOTSUPP;
}

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
	DRM_IOCTL_DEF_DRV(GAON_QUEUE_CREATE, gaon_ioctl_unserved, 0),
	DRM_IOCTL_DEF_DRV(GAON_QUEUE_DESTROY, gaon_ioctl_unserved, 0),
	DRM_IOCTL_DEF_DRV(GAON_QUEUE_STATE, gaon_ioctl_unserved, 0),
	DRM_IOCTL_DEF_DRV(GAON_QUEUE_SET_PRIORITY, gaon_ioctl_unserved, 0),
	DRM_IOCTL_DEF_DRV(GAON_QUEUE_CLEAR, gaon_ioctl_unserved, 0),
	DRM_IOCTL_DEF_DRV(GAON_SUBMIT, gaon_ioctl_unserved, 0),
	DRM_IOCTL_DEF_DRV(GAON_WAIT, gaon_ioctl_unserved, 0),
};

static int gaon_open(struct drm_device *drm, struct drm_file *file)
{
	struct gaon_file *gfile;

	gfile = kzalloc_obj(*gfile, GFP_KERNEL_ACCOUNT);
	if (!gfile)
		return -ENOMEM;
	gfile->gdev = to_gaon_device(drm);
	gfile->drm = file;
	xa_init_flags(&gfile->vms, XA_FLAGS_ALLOC1);
	file->driver_priv = gfile;
	return 0;
}

static void gaon_postclose(struct drm_device *drm, struct drm_file *file)
{
	struct gaon_file *gfile = to_gaon_file(file);

	gaon_vm_close_file(gfile);
	kfree(gfile);
}

static void gaon_show_fdinfo(struct drm_printer *p, struct drm_file *file)
{
	drm_show_memory_stats(p, file);
}

static const struct file_operations gaon_fops = {
	.owner = THIS_MODULE,
	DRM_ACCEL_FOPS,
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
MODULE_VERSION(GAON_DRIVER_VERSION);
