// SPDX-License-Identifier: MIT
/* Queues that can be debugged, in the kernel that is none. */
#include "drm_kernel_internal.h"

#include <errno.h>

/* Events are drained by whoever comes first: nothing that one of them says may be lost. */
static bool note_stop(struct kqueue *q)
{
	if (q->debug && direct_debug_stopped(q->direct))
		q->stopped = true;
	return q->stopped;
}

uint32_t kernel_debug_state(struct kqueue *q)
{
	return (note_stop(q) ? DRM_GAON_QUEUE_STOPPED : 0) | (q->held ? DRM_GAON_QUEUE_SUSPENDED : 0) |
	       (q->held && q->saved ? DRM_GAON_QUEUE_SAVED : 0);
}

static int suspend(struct kqueue *q)
{
	int err = direct_debug_suspend(q->direct, &q->saved);

	if (!err)
		q->held = true;
	return err;
}

static int resume(struct kqueue *q)
{
	int err;

	note_stop(q);
	q->stopped = q->told = false;
	err = direct_debug_resume(q->direct);
	if (!err)
		q->held = false;
	return err;
}

int kernel_debug(struct kqueue *q, const struct drm_gaon_debug *args)
{
	bool moves = args->op >= DRM_GAON_DEBUG_READ;
	int err;

	if (args->op > DRM_GAON_DEBUG_WRITE || !q->debug ||
	    (!moves && (args->offset || args->size || args->pointer)))
		return -EINVAL;
	if (args->op == DRM_GAON_DEBUG_SUSPEND)
		return suspend(q);
	if (!q->held)
		return -EBUSY;
	if (args->op == DRM_GAON_DEBUG_RESUME)
		return resume(q);
	err = direct_debug_save_access(q->direct, args->offset, (void *)(uintptr_t)args->pointer, args->size,
				       args->op == DRM_GAON_DEBUG_WRITE);
	return err == -EFAULT ? -ERANGE : err;
}

static bool events_take(struct kfile *file)
{
	bool any = false;

	for (uint32_t id = 0; file && id < KERNEL_HANDLES; id++) {
		struct kqueue *q = file->queues[id];

		if (!q || !note_stop(q) || q->told)
			continue;
		q->told = true;
		any = true;
	}
	return any;
}

bool kernel_events(int fd, uint64_t timeout_ns)
{
	static _Atomic uint64_t seen;
	uint64_t events = seen;
	bool any;

	direct_debug_wait(&kernel_card->ws, &events, timeout_ns);
	seen = events;
	pthread_mutex_lock(&kernel_lock);
	any = events_take(kernel_file(fd));
	pthread_mutex_unlock(&kernel_lock);
	return any;
}
