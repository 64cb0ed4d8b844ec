// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <linux/workqueue.h>

#include "gaon_compat.h"

/* drmm_alloc_ordered_workqueue() of newer kernels has its own. */
void gaon_compat_destroy_workqueue(struct drm_device *drm, void *wq)
{
	destroy_workqueue(wq);
}
