/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What kernels older than 7.3 lack. The driver is written against 7.3's names; this header and
 * gaon_compat.c go away when the driver is part of a kernel. GAON_HAVE_* come from conftest.sh,
 * which asks the compiler: version numbers do not tell, since stable kernels take interfaces over.
 */
#ifndef _GAON_COMPAT_H_
#define _GAON_COMPAT_H_

#include <drm/drm_device.h>
#include <drm/drm_drv.h>

#include "gaon_conftest.h"

#ifdef GAON_HAVE_DRIVER_GEM_GPUVA
#define GAON_COMPAT_DRIVER_FEATURES	DRIVER_GEM_GPUVA
#else
#define GAON_COMPAT_DRIVER_FEATURES	0
#endif

/* User space expects a string that is not empty. */
#ifdef GAON_HAVE_DRIVER_DATE
#define GAON_COMPAT_DRIVER_DATE	.date = "0",
#else
#define GAON_COMPAT_DRIVER_DATE
#endif

void gaon_compat_destroy_workqueue(struct drm_device *drm, void *wq);

#endif
