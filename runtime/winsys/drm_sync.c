// SPDX-License-Identifier: MIT
/* Timeline syncobjs: numbers that the kernel waits for and raises, for jobs, for hosts, for processes. */
#include "drm.h"

#include <errno.h>

int drm_sync_create(struct drm *ws, uint32_t *handle)
{
	struct drm_syncobj_create create = { 0 };
	int err = drm_call(ws, DRM_IOCTL_SYNCOBJ_CREATE, &create);

	*handle = create.handle;
	return err;
}

void drm_sync_destroy(struct drm *ws, uint32_t handle)
{
	struct drm_syncobj_destroy destroy = { .handle = handle };

	drm_call(ws, DRM_IOCTL_SYNCOBJ_DESTROY, &destroy);
}

int drm_sync_signal(struct drm *ws, uint32_t handle, uint64_t point)
{
	struct drm_syncobj_timeline_array array = {
		.handles = (uintptr_t)&handle, .points = (uintptr_t)&point, .count_handles = 1,
	};

	return drm_call(ws, DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, &array);
}

int drm_sync_wait(struct drm *ws, const uint32_t *handles, const uint64_t *points, uint32_t count,
		  uint64_t deadline, uint32_t *first)
{
	struct drm_syncobj_timeline_wait wait = {
		.handles = (uintptr_t)handles,
		.points = (uintptr_t)points,
		.timeout_nsec = deadline > INT64_MAX ? INT64_MAX : (int64_t)deadline,
		.count_handles = count,
		.flags = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT,
	};
	int err = drm_call(ws, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &wait);

	if (!err && first)
		*first = wait.first_signaled < count ? wait.first_signaled : 0;
	return err;
}
