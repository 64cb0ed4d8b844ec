// SPDX-License-Identifier: MIT
/* Timeline syncobjs: numbers that the kernel waits for and raises, for jobs, for hosts, for processes. */
#include "drm.h"

#include <errno.h>
#include <stdlib.h>

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

/* --- semaphores: a syncobj each -------------------------------------------------------------- */

struct gaon_ws_sem {
	struct drm *ws;
	uint32_t handle;
};

static int sem_make(struct drm *ws, uint32_t handle, struct gaon_ws_sem **out)
{
	struct gaon_ws_sem *sem = malloc(sizeof(*sem));

	if (!sem) {
		drm_sync_destroy(ws, handle);
		return -ENOMEM;
	}
	*sem = (struct gaon_ws_sem){ .ws = ws, .handle = handle };
	*out = sem;
	return 0;
}

int drm_sem_create(struct gaon_winsys *winsys, struct gaon_ws_sem **out)
{
	struct drm *ws = (struct drm *)winsys;
	uint32_t handle;
	int err = drm_sync_create(ws, &handle);

	return err ? err : sem_make(ws, handle, out);
}

int drm_sem_import(struct gaon_winsys *winsys, int fd, struct gaon_ws_sem **out)
{
	struct drm_syncobj_handle args = { .fd = fd };
	struct drm *ws = (struct drm *)winsys;
	int err = drm_call(ws, DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &args);

	return err ? err : sem_make(ws, args.handle, out);
}

int drm_sem_export(struct gaon_ws_sem *sem, int *fd)
{
	struct drm_syncobj_handle args = { .handle = sem->handle };
	int err = drm_call(sem->ws, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &args);

	if (!err)
		*fd = args.fd;
	return err;
}

int drm_sem_query(struct gaon_ws_sem *sem, uint64_t *value)
{
	struct drm_syncobj_timeline_array array = {
		.handles = (uintptr_t)&sem->handle, .points = (uintptr_t)value, .count_handles = 1,
	};

	return drm_call(sem->ws, DRM_IOCTL_SYNCOBJ_QUERY, &array);
}

/* Points of a timeline only grow: one that is reached is not signalled again. */
int drm_sem_signal(struct gaon_ws_sem *sem, uint64_t value)
{
	uint64_t now;
	int err = drm_sem_query(sem, &now);

	return err || now >= value ? err : drm_sync_signal(sem->ws, sem->handle, value);
}

int drm_sem_wait(struct gaon_ws_sem *sem, uint64_t value, uint64_t timeout_ns)
{
	uint64_t now = rt_now_ns();

	if (!value)	/* no point of a timeline */
		return 0;
	return drm_sync_wait(sem->ws, &sem->handle, &value, 1,
			     timeout_ns > UINT64_MAX - now ? UINT64_MAX : now + timeout_ns, NULL);
}

void drm_sem_destroy(struct gaon_ws_sem *sem)
{
	drm_sync_destroy(sem->ws, sem->handle);
	free(sem);
}
