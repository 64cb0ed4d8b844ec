/* SPDX-License-Identifier: MIT */
/*
 * gaon.ko in this process, for tests of winsys/drm: the ioctls of drm/gaon_accel.h over the device model,
 * as strict about their arguments as the interface demands. One card, "accel0"; its sysfs and node are
 * files that the makefile makes.
 */
#ifndef GAON_TEST_DRM_KERNEL_H
#define GAON_TEST_DRM_KERNEL_H

#include <stdatomic.h>
#include <stdint.h>

struct drm_kernel_control {
	/* The next ioctl of this number, after @fail_after others of it, says -@fail_errno. */
	_Atomic unsigned long fail_request;
	_Atomic int fail_after, fail_errno;
	_Atomic int open_errno;		/* what open() says; 0: it opens */
	_Atomic int map_fail_in;	/* the map that fails, counted down; 0: none */
	_Atomic int removed;		/* the device is gone */
	_Atomic int version_major, version_minor;
	/* Of all files: what must be 0 again at the end. */
	_Atomic int files, vms, objects, queues, mappings, maps, syncobjs;
	_Atomic unsigned int calls;	/* ioctls */
	_Atomic unsigned int doorbells;
	_Atomic unsigned int jobs;	/* of kernel-owned queues */
};

extern struct drm_kernel_control drm_kernel;

/* From now on winsys/drm finds this kernel; @root has its sysfs. Resets the control block. */
void drm_kernel_install(const char *root);

#endif
