// SPDX-License-Identifier: MIT
/*
 * Semaphores: order between processes, opened devices and hosts. Queues know nothing of them: a
 * stream's callback thread raises one when the stream has come that far, so that nothing is
 * promised that may not happen, and waits for one while the stream stands still.
 */
#include "semaphore.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "callback.h"
#include "error.h"
#include "peer.h"

/* Outlives the handle while work of streams refers to it. */
struct rt_sem_shared {
	_Atomic uint32_t refs;
	struct rt_device *dev;
	struct gaon_ws_sem *sem;
};

struct sem_work {
	struct rt_sem_shared *shared;
	uint64_t value;
};

static void shared_put(struct rt_sem_shared *shared)
{
	if (atomic_fetch_sub(&shared->refs, 1) > 1)
		return;
	shared->dev->ops->sem_destroy(shared->sem);
	free(shared);
}

void rt_semaphore_unmake(struct rt_semaphore *s)
{
	shared_put(s->shared);
	s->shared = NULL;
}

static enum gaon_status sem_fail(struct rt_device *dev, int err, const char *what, int fd)
{
	switch (err) {
	case -ENODEV:
		return rt_lost(dev);
	case -EBADF:
	case -EINVAL:
	case -ENOENT:
		return gaon_fail_hint(GAON_ERROR_INVALID_ARGUMENT,
				      "gaon_semaphore_export() makes one; pass it by SCM_RIGHTS or inheritance",
				      "cannot %s: file descriptor %d is no semaphore of a device like %s", what, fd,
				      dev->ws->name);
	case -EMFILE:
	case -ENFILE:
		return gaon_fail_hint(GAON_ERROR_LIMIT, "ulimit -n", "cannot %s: %s", what, strerror(-err));
	case -ENOMEM:
		return gaon_fail_errno(GAON_ERROR_OUT_OF_MEMORY, ENOMEM, "cannot %s: %s", what,
				       strerror(-err));
	default:
		return gaon_fail_errno(GAON_ERROR_INTERNAL, -err, "cannot %s: %s", what, strerror(-err));
	}
}

/* --- making ---------------------------------------------------------------------------------- */

/* @fd -1: a new one. */
static enum gaon_status sem_make(struct rt_device *dev, int fd, struct gaon_semaphore **out)
{
	struct rt_sem_shared *shared = calloc(1, sizeof(*shared));
	struct rt_semaphore *s = shared ? obj_alloc(OBJ_SEMAPHORE, sizeof(*s)) : NULL;
	int err;

	if (!s) {
		free(shared);
		return gaon_fail(GAON_ERROR_OUT_OF_MEMORY, "no memory for a semaphore");
	}
	err = fd < 0 ? dev->ops->sem_create(dev->ws, &shared->sem) :
	      dev->ops->sem_import(dev->ws, fd, &shared->sem);
	if (err) {
		free(shared);
		obj_free(&s->obj, false);
		return sem_fail(dev, err, fd < 0 ? "make a semaphore" : "import a semaphore", fd);
	}
	atomic_store(&shared->refs, 1);
	shared->dev = dev;
	s->dev = dev;
	s->shared = shared;
	rt_adopt(dev, &s->obj);
	*out = obj_handle(&s->obj);
	return GAON_OK;
}

static enum gaon_status sem_new(struct gaon_device *device, int fd, struct gaon_semaphore **out)
{
	enum gaon_status status = GAON_OK;
	struct rt_device *dev;

	if (!out)
		return gaon_fail(GAON_ERROR_INVALID_ARGUMENT, "the place for the result is NULL");
	dev = rt_enter(OBJ_DEVICE, device, &status);
	if (!dev)
		return status;
	status = sem_make(dev, fd, out);
	rt_leave(dev);
	return status;
}

GAON_API enum gaon_status gaon_semaphore_create(struct gaon_device *device, struct gaon_semaphore **out)
{
	return sem_new(device, -1, out);
}

GAON_API enum gaon_status gaon_semaphore_import_fd(struct gaon_device *device, int fd,
						   struct gaon_semaphore **out)
{
	if (fd < 0)
		return gaon_fail(GAON_ERROR_INVALID_ARGUMENT, "import of file descriptor %d", fd);
	return sem_new(device, fd, out);
}

/* The semaphore behind a handle, its device entered, with a reference; NULL with *@status set. */
static struct rt_sem_shared *sem_enter(struct gaon_semaphore *handle, bool blocking,
				       enum gaon_status *status)
{
	struct rt_semaphore *s = blocking ? rt_enter_blocking(OBJ_SEMAPHORE, handle, status) :
				 rt_enter(OBJ_SEMAPHORE, handle, status);
	struct rt_sem_shared *shared = NULL;
	struct rt_device *dev;

	if (!s)
		return NULL;
	dev = s->dev;
	pthread_mutex_lock(&s->obj.lock);
	if (obj_alive(&s->obj, handle)) {
		shared = s->shared;
		atomic_fetch_add(&shared->refs, 1);
	}
	pthread_mutex_unlock(&s->obj.lock);
	if (!shared) {
		*status = gaon_fail(GAON_ERROR_CLOSED, "the semaphore was destroyed");
		rt_leave(dev);
	}
	return shared;
}

static void sem_leave(struct rt_sem_shared *shared)
{
	struct rt_device *dev = shared->dev;

	shared_put(shared);
	rt_leave(dev);
}

GAON_API enum gaon_status gaon_semaphore_destroy(struct gaon_semaphore *semaphore)
{
	enum gaon_status status = GAON_OK;
	struct rt_semaphore *s = rt_enter(OBJ_SEMAPHORE, semaphore, &status);
	struct rt_device *dev;
	bool mine;

	if (!s)
		return status;
	dev = s->dev;
	pthread_mutex_lock(&s->obj.lock);
	mine = obj_alive(&s->obj, semaphore);
	if (mine) {
		atomic_store(&s->obj.handle, 0);
		rt_semaphore_unmake(s);
	}
	pthread_mutex_unlock(&s->obj.lock);
	if (mine) {
		rt_disown(dev, &s->obj);
		obj_free(&s->obj, false);
	}
	rt_leave(dev);
	return GAON_OK;
}

GAON_API enum gaon_status gaon_semaphore_export(struct gaon_semaphore *semaphore, int *fd)
{
	enum gaon_status status = GAON_OK;
	struct rt_sem_shared *shared;
	int err;

	if (!fd)
		return gaon_fail(GAON_ERROR_INVALID_ARGUMENT, "the place for the result is NULL");
	shared = sem_enter(semaphore, false, &status);
	if (!shared)
		return status;
	err = shared->dev->ops->sem_export(shared->sem, fd);
	if (err)
		status = sem_fail(shared->dev, err, "export a semaphore", -1);
	sem_leave(shared);
	return status;
}

/* --- the host -------------------------------------------------------------------------------- */

GAON_API enum gaon_status gaon_semaphore_query(struct gaon_semaphore *semaphore, uint64_t *value)
{
	enum gaon_status status = GAON_OK;
	struct rt_sem_shared *shared;
	int err;

	if (!value)
		return gaon_fail(GAON_ERROR_INVALID_ARGUMENT, "the place for the result is NULL");
	shared = sem_enter(semaphore, false, &status);
	if (!shared)
		return status;
	err = shared->dev->ops->sem_query(shared->sem, value);
	if (err)
		status = sem_fail(shared->dev, err, "ask a semaphore", -1);
	sem_leave(shared);
	return status;
}

GAON_API enum gaon_status gaon_semaphore_signal(struct gaon_semaphore *semaphore, uint64_t value)
{
	enum gaon_status status = GAON_OK;
	struct rt_sem_shared *shared = sem_enter(semaphore, false, &status);
	int err;

	if (!shared)
		return status;
	err = shared->dev->ops->sem_signal(shared->sem, value);
	if (err)
		status = sem_fail(shared->dev, err, "signal a semaphore", -1);
	sem_leave(shared);
	return status;
}

GAON_API enum gaon_status gaon_semaphore_wait(struct gaon_semaphore *semaphore, uint64_t value,
					      uint64_t timeout_ns)
{
	enum gaon_status status = GAON_OK;
	struct rt_sem_shared *shared = sem_enter(semaphore, true, &status);
	uint64_t start = rt_now_ns(), spent = 0;
	int err = -ETIME;

	if (!shared)
		return status;
	while (!status && err == -ETIME) {
		err = shared->dev->ops->sem_wait(shared->sem, value, timeout_ns - spent < WAIT_SLICE_NS ?
						 timeout_ns - spent : WAIT_SLICE_NS);
		if (timeout_ns != GAON_FOREVER)
			spent = rt_now_ns() - start;
		if (err == -ETIME && atomic_load(&shared->dev->closing))
			status = gaon_fail(GAON_ERROR_CLOSED, "the device is being closed");
		else if (err == -ETIME && spent >= timeout_ns)
			status = gaon_fail(GAON_ERROR_TIMEOUT, "the semaphore is not at %llu after %llu ns",
					   (unsigned long long)value, (unsigned long long)timeout_ns);
	}
	if (err && err != -ETIME)
		status = sem_fail(shared->dev, err, "wait for a semaphore", -1);
	sem_leave(shared);
	return status;
}

/* --- streams; on the callback thread --------------------------------------------------------- */

static void work_release(void *arg)
{
	struct sem_work *work = arg;

	shared_put(work->shared);
	free(work);
}

static enum gaon_status work_signal(void *arg)
{
	struct sem_work *work = arg;
	int err = work->shared->dev->ops->sem_signal(work->shared->sem, work->value);

	return err ? sem_fail(work->shared->dev, err, "signal a semaphore", -1) : GAON_OK;
}

static enum gaon_status work_wait(void *arg)
{
	struct sem_work *work = arg;
	int err = -ETIME;

	/* A stream that is destroyed, or whose device is closed, waits no longer. */
	while (err == -ETIME && !rt_callback_stopped())
		err = work->shared->dev->ops->sem_wait(work->shared->sem, work->value, WAIT_SLICE_NS);
	return err && err != -ETIME ? sem_fail(work->shared->dev, err, "wait for a semaphore", -1) :
				      GAON_OK;
}

static enum gaon_status stream_work(struct gaon_stream *stream, struct gaon_semaphore *semaphore,
				    uint64_t value, enum gaon_status (*run)(void *arg))
{
	enum gaon_status status = GAON_OK;
	struct rt_sem_shared *shared = sem_enter(semaphore, false, &status);
	struct sem_work *work;
	struct rt_stream *s;

	if (!shared)
		return status;
	s = rt_stream_enter(stream, "a semaphore", &status);
	if (s && s->dev != shared->dev)
		status = gaon_fail_hint(GAON_ERROR_INVALID_ARGUMENT,
					"gaon_semaphore_export() and _import_fd() give the other device one, too",
					"the semaphore and the stream belong to different devices");
	work = s && !status ? malloc(sizeof(*work)) : NULL;
	if (work) {
		*work = (struct sem_work){ .shared = shared, .value = value };
		atomic_fetch_add(&shared->refs, 1);
		status = rt_peer_work(s, RT_OP_SEMAPHORE, &(struct rt_work){ run, work_release, work });
	} else if (s && !status) {
		status = gaon_fail(GAON_ERROR_OUT_OF_MEMORY, "no memory for a semaphore's work");
	}
	if (s)
		rt_stream_leave(s);
	sem_leave(shared);
	return status;
}

GAON_API enum gaon_status gaon_stream_signal_semaphore(struct gaon_stream *stream,
						       struct gaon_semaphore *semaphore, uint64_t value)
{
	return stream_work(stream, semaphore, value, work_signal);
}

GAON_API enum gaon_status gaon_stream_wait_semaphore(struct gaon_stream *stream,
						     struct gaon_semaphore *semaphore, uint64_t value)
{
	return stream_work(stream, semaphore, value, work_wait);
}
