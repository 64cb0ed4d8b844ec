// SPDX-License-Identifier: MIT
/* In a libgaon of its own: programs that are linked with the library meet the kernel of these tests. */
#include <stdlib.h>

#include "drm_kernel.h"

static void __attribute__((constructor)) install(void)
{
	drm_kernel_install(DRM_KERNEL_ROOT);
}
