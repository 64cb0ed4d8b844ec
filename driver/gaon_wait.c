// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * WAIT: sleep until a 64-bit word in the caller's memory is what it waits for.
 *
 * The word is read as the caller would read it, so that nobody has to map or pin anything. It may
 * be read before the event that says so: events only wake.
 */
#include <linux/hrtimer.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include "gaon_device.h"
#include "gaon_queue.h"

/* 1: it is so; 0: not yet; -EFAULT. May sleep. */
static int wait_look(const struct drm_gaon_wait *args)
{
	u64 now;

	if (copy_from_user(&now, u64_to_user_ptr(args->addr), sizeof(now)))
		return -EFAULT;
	switch (args->op) {
	case DRM_GAON_WAIT_GE:
		return now >= args->value;
	case DRM_GAON_WAIT_EQ:
		return now == args->value;
	default:
		return !!(now & args->value);
	}
}

/* Whether waiting on makes no sense. While the device is being reset it does: it has an end. */
static int wait_hopeless(struct gaon_device *gdev, struct gaon_vm *vm)
{
	/* First: removal turns the device off, then says of its queues that they are lost. */
	bool untold = atomic_read_acquire(&vm->untold);
	enum gaon_device_state state = gaon_device_state(gdev);

	if (state == GAON_DEVICE_OFF || drm_dev_is_unplugged(&gdev->drm))
		return -ENODEV;
	if (test_bit(GAON_VM_STATE_LOST, &vm->state) ||
	    test_bit(GAON_VM_STATE_UNUSABLE, &vm->state))
		return -ECANCELED;
	if (state == GAON_DEVICE_WEDGED)
		return -EIO;
	return untold ? -EIO : 0;
}

/*
 * Returns at once if the entry was woken since the last call; false when the time is over. As
 * wait_woken(), with nanoseconds instead of jiffies.
 */
static bool wait_sleep(struct wait_queue_entry *entry, ktime_t end)
{
	bool woken = true;

	set_current_state(TASK_INTERRUPTIBLE);
	if (!(entry->flags & WQ_FLAG_WOKEN))
		woken = schedule_hrtimeout_range(&end, current->timer_slack_ns, HRTIMER_MODE_ABS);
	__set_current_state(TASK_RUNNING);
	/* Pairs with the barrier in woken_wake_function(): what it announces is seen next. */
	smp_store_mb(entry->flags, entry->flags & ~WQ_FLAG_WOKEN);
	return woken;
}

static int wait_loop(struct gaon_device *gdev, struct gaon_vm *vm, const struct drm_gaon_wait *args)
{
	wait_queue_head_t *head = gaon_event_waitqueue(gdev, vm->context);
	ktime_t end = ns_to_ktime(args->timeout_ns);
	DEFINE_WAIT_FUNC(entry, woken_wake_function);
	int ret;

	/* On the queue before the first look: what comes after the look wakes. */
	add_wait_queue(head, &entry);
	for (;;) {
		int hopeless = wait_hopeless(gdev, vm);

		/*
		 * A fault comes behind the values that were stored before it: so the value is
		 * looked at after the fault, and wins.
		 */
		ret = wait_look(args);
		if (ret)
			break;
		ret = hopeless;
		if (ret)
			break;
		if (ktime_compare(ktime_get(), end) >= 0) {
			ret = -ETIME;
			break;
		}
		/* The time is absolute: a restarted call does not wait longer. */
		if (signal_pending(current)) {
			ret = -ERESTARTSYS;
			break;
		}
		wait_sleep(&entry, end);
	}
	remove_wait_queue(head, &entry);
	return ret > 0 ? 0 : ret;
}

/*
 * DRM_IOCTL_GAON_WAIT. Sleeps outside drm_dev_enter(), which removal waits for; removal wakes.
 */
int gaon_ioctl_wait(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_gaon_wait *args = data;
	struct gaon_vm *vm;
	int err;

	if (args->op > DRM_GAON_WAIT_MASK || !IS_ALIGNED(args->addr, sizeof(u64)))
		return -EINVAL;
	if (args->addr != (uintptr_t)args->addr)
		return -EFAULT;
	vm = gaon_vm_lookup(to_gaon_file(file), args->vm_id);
	if (!vm)
		return -ENOENT;
	err = wait_loop(to_gaon_device(drm), vm, args);
	gaon_vm_put(vm);
	return err;
}
