// SPDX-License-Identifier: GPL-2.0 OR MIT
/* What administrators see of queues and objects in fdinfo and debugfs; and a reset by hand. */
#include <linux/debugfs.h>
#include <linux/dma-resv.h>
#include <linux/fs.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include <drm/drm_debugfs.h>
#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/drm_print.h>
#include <drm/ttm/ttm_device.h>
#include <drm/ttm/ttm_resource.h>
#include <drm/ttm/ttm_tt.h>

#include "gaon_admin.h"
#include "gaon_bo.h"
#include "gaon_device.h"
#include "gaon_pages.h"
#include "gaon_queue.h"
#include "gaon_ras.h"
#include "gaon_sched.h"
#include "gaon_shrink.h"
#include "gaon_ttm.h"
#include "gaon_vm.h"

/**
 * gaon_queue_ask_times() - what a queue has had of the engines
 * @queue: the queue, with its lock held
 *
 * Asks the firmware; if it cannot be asked, or says less than before, what it said before counts.
 */
void gaon_queue_ask_times(struct gaon_queue *queue)
{
	struct gaon_admin_reply reply;
	int idx;

	lockdep_assert_held(&queue->lock);
	if (!queue->on_device || READ_ONCE(queue->dead) ||
	    !drm_dev_enter(&queue->gdev->drm, &idx))
		return;
	if (!gaon_queue_admin(queue, GAON_ADMIN_QUEUE_QUERY, GAON_QUERY_TIMES, 0, &reply)) {
		queue->times.core = max(queue->times.core, reply.value[0]);
		queue->times.copy = max(queue->times.copy, reply.value[1]);
	}
	drm_dev_exit(idx);
}

static void client_times(struct gaon_file *gfile, struct gaon_times *times, bool ask)
{
	struct gaon_queue *queue, *entry;
	unsigned long handle;

	times->core = atomic64_read(&gfile->client->core);
	times->copy = atomic64_read(&gfile->client->copy);
	xa_for_each(&gfile->client->queues, handle, entry) {
		queue = gaon_queue_lookup(gfile, handle);
		if (!queue)
			continue;
		mutex_lock(&queue->lock);
		if (!queue->ended) {
			if (ask)
				gaon_queue_ask_times(queue);
			times->core += queue->times.core;
			times->copy += queue->times.copy;
		}
		mutex_unlock(&queue->lock);
		gaon_queue_put(queue);
	}
}

static void engine_show(struct drm_printer *p, const char *engine, u64 cycles, u64 total, u32 khz,
			u32 capacity)
{
	drm_printf(p, "drm-engine-%s:\t%llu ns\n", engine, mul_u64_u32_div(cycles, 1000000, khz));
	drm_printf(p, "drm-engine-capacity-%s:\t%u\n", engine, capacity);
	drm_printf(p, "drm-cycles-%s:\t%llu\n", engine, cycles);
	if (total != U64_MAX)
		drm_printf(p, "drm-total-cycles-%s:\t%llu\n", engine, total);
	drm_printf(p, "drm-maxfreq-%s:\t%llu Hz\n", engine, (u64)khz * 1000);
}

/*
 * The first object of a file that has this handle or one behind it, or NULL. With a reference and
 * its reservation held: where it is can be told while it does not move.
 */
static struct gaon_bo *client_lock_bo(struct drm_file *client, int *handle)
{
	struct drm_gem_object *obj;

	spin_lock(&client->table_lock);
	obj = idr_get_next(&client->object_idr, handle);
	if (obj)
		drm_gem_object_get(obj);
	spin_unlock(&client->table_lock);
	if (!obj)
		return NULL;
	dma_resv_lock(obj->resv, NULL);
	return to_gaon_bo(obj);
}

static void client_unlock_bo(struct gaon_bo *bo)
{
	dma_resv_unlock(bo->ttm.base.resv);
	drm_gem_object_put(&bo->ttm.base);
}

/* As drm_show_memory_stats() does, for the region that the object is in. */
static void memory_add(struct gaon_bo *bo, struct drm_memory_stats *stats)
{
	struct drm_gem_object *obj = &bo->ttm.base;

	if (drm_gem_object_is_shared_for_memory_stats(obj))
		stats->shared += obj->size;
	else
		stats->private += obj->size;
	if (gaon_bo_is_hbm(bo) || (bo->ttm.ttm && ttm_tt_is_populated(bo->ttm.ttm)))
		stats->resident += obj->size;
	if (!dma_resv_test_signaled(obj->resv, dma_resv_usage_rw(true)))
		stats->active += obj->size;
}

static void memory_show(struct drm_printer *p, struct drm_file *client)
{
	static const char *const regions[] = { "host", "hbm" };
	struct drm_memory_stats stats[ARRAY_SIZE(regions)] = {};
	struct gaon_bo *bo;
	unsigned int i;
	int handle;

	for (handle = 0; (bo = client_lock_bo(client, &handle)); handle++) {
		memory_add(bo, &stats[gaon_bo_is_hbm(bo)]);
		client_unlock_bo(bo);
	}
	for (i = 0; i < ARRAY_SIZE(regions); i++)
		drm_print_memory_stats(p, &stats[i], GAON_COMPAT_MEMORY_STATUS, regions[i]);
}

/**
 * gaon_client_show() - what a file uses, as Documentation/gpu/drm-usage-stats.rst has it
 * @gfile: the file
 * @p: where to
 *
 * Engines are cores and copy engines; there are several of each. The cycles of a device whose time
 * is modelled are the model's, and so is the time. Memory counts where it is now.
 */
void gaon_client_show(struct gaon_file *gfile, struct drm_printer *p)
{
	struct gaon_device *gdev = gfile->gdev;
	u32 khz = gdev->identify.clock_khz;
	struct gaon_times times;
	u64 total = U64_MAX;
	int gate, idx;
	bool awake;

	awake = gaon_power_try_enter(gdev, &gate);
	client_times(gfile, &times, awake);
	if (awake && drm_dev_enter(&gdev->drm, &idx)) {
		total = gaon_read64(gdev, GAON_REG_CYCLE);
		drm_dev_exit(idx);
	}
	if (awake)
		gaon_power_try_exit(gdev, gate);
	engine_show(p, "core", times.core, total, khz, gdev->identify.cores);
	engine_show(p, "copy", times.copy, total, khz, max(gdev->identify.copy_engines, 1u));
	memory_show(p, gfile->drm);
}

static void queue_show(struct seq_file *file, struct gaon_queue *queue)
{
	static const char *const phase[] = { "running", "stopping", "stopped" };
	struct gaon_kq *kq = queue->kq;

	seq_printf(file, "%5u %7u %6s %8u %4u", queue->hwq.id, queue->hwq.context,
		   kq ? "kernel" : "user", READ_ONCE(queue->priority),
		   READ_ONCE(queue->fault.record.type));
	seq_printf(file, " %c%c%c%c", queue->fault.flags & DRM_GAON_QUEUE_FAULTED ? 'F' : '-',
		   queue->fault.flags & DRM_GAON_QUEUE_WAS_RESET ? 'R' : '-',
		   queue->fault.flags & DRM_GAON_QUEUE_GUILTY ? 'G' : '-', queue->dead ? 'D' : '-');
	if (kq) {
		spin_lock_irq(&kq->lock);
		seq_printf(file, " %10llu %10llu %8llu %s", kq->submitted, kq->completed, kq->lost,
			   phase[kq->phase]);
		spin_unlock_irq(&kq->lock);
	}
	seq_putc(file, '\n');
}

static int stats_queues(struct seq_file *file, void *arg)
{
	struct drm_debugfs_entry *entry = file->private;
	struct gaon_device *gdev = to_gaon_device(entry->dev);
	struct gaon_queue *queue;

	seq_puts(file, "queue context   kind priority fault flag  submitted  completed     lost phase\n");
	guard(mutex)(&gdev->queues->lock);
	list_for_each_entry(queue, &gdev->queues->list, node)
		queue_show(file, queue);
	return 0;
}

static int stats_vms(struct seq_file *file, void *arg)
{
	struct drm_debugfs_entry *entry = file->private;
	struct gaon_device *gdev = to_gaon_device(entry->dev);
	struct gaon_vm *vm;
	unsigned long context;

	seq_puts(file, "context  asid  kind state\n");
	xa_lock(&gdev->vms);
	xa_for_each(&gdev->vms, context, vm)
		seq_printf(file, "%7lu %5u %5s %#5lx\n", context, vm->asid, vm->lr ? "LR" : "FENCE",
			   READ_ONCE(vm->state));
	xa_unlock(&gdev->vms);
	return 0;
}

static const char *bo_place(const struct gaon_bo *bo)
{
	if (gaon_bo_is_hbm(bo))
		return "hbm";
	return gaon_tt_is_parked(bo->ttm.ttm) ? "swap" : "host";
}

static void client_show_objects(struct seq_file *file, struct drm_file *client)
{
	struct gaon_bo *bo;
	int handle;

	for (handle = 0; (bo = client_lock_bo(client, &handle)); handle++) {
		seq_printf(file, "%6llu %6d %12zu %5s %#5x %s\n", client->client_id, handle,
			   bo->ttm.base.size >> 10, bo_place(bo), bo->flags, bo->name);
		client_unlock_bo(bo);
	}
}

/* All that have a handle; once for each. */
static int stats_objects(struct seq_file *file, void *arg)
{
	struct drm_debugfs_entry *entry = file->private;
	struct drm_device *drm = entry->dev;
	struct drm_file *client;

	seq_puts(file, "client handle          KiB place flags name\n");
	guard(mutex)(&drm->filelist_mutex);
	list_for_each_entry(client, &drm->filelist, lhead)
		client_show_objects(file, client);
	return 0;
}

static int stats_resets(struct seq_file *file, void *arg)
{
	struct drm_debugfs_entry *entry = file->private;
	struct gaon_resets *resets = &to_gaon_device(entry->dev)->resets;

	seq_puts(file, "queues engines device copies  last\n");
	seq_printf(file, "%6d %7d %6d %6d  %s\n", atomic_read(&resets->queues),
		   atomic_read(&resets->engines), atomic_read(&resets->device),
		   atomic_read(&resets->copies), READ_ONCE(resets->why) ?: "none");
	return 0;
}

static unsigned int turns_count(struct gaon_rooms *rooms)
{
	guard(spinlock)(&rooms->lock);
	return list_count_nodes(&rooms->turns);
}

/* Who waits for room in HBM, and what was taken from contexts that could be suspended. */
static int stats_room(struct seq_file *file, void *arg)
{
	struct drm_debugfs_entry *entry = file->private;
	struct gaon_rooms *rooms = &to_gaon_device(entry->dev)->rooms;

	seq_puts(file, "waiting suspended        MiB\n");
	seq_printf(file, "%7u %9d %10llu\n", turns_count(rooms), atomic_read(&rooms->suspended),
		   (u64)atomic64_read(&rooms->moved) >> 20);
	return 0;
}

static int stats_errors(struct seq_file *file, void *arg)
{
	struct drm_debugfs_entry *entry = file->private;
	struct gaon_device *gdev = to_gaon_device(entry->dev);
	int err, idx;

	err = gaon_power_get(gdev);
	if (err)
		return err;
	err = -ENODEV;
	if (drm_dev_enter(entry->dev, &idx)) {
		err = gaon_ras_show(gdev, file);
		drm_dev_exit(idx);
	}
	gaon_power_put(gdev);
	return err;
}

/* What was taken away since the machine was short of memory, and came back. */
static int stats_shrink(struct seq_file *file, void *arg)
{
	struct drm_debugfs_entry *entry = file->private;

	gaon_shrink_show(to_gaon_device(entry->dev), file);
	return 0;
}

/* Pages of HBM that went bad: offset, whether somebody has it still, whether accesses fault. */
static int stats_retired(struct seq_file *file, void *arg)
{
	struct drm_debugfs_entry *entry = file->private;

	gaon_hbm_show_bad(to_gaon_device(entry->dev), file);
	return 0;
}

/* Figures of Documentation/reliability.rst come from here. */
static int stats_recovery(struct seq_file *file, void *arg)
{
	static const char *const names[GAON_RUNGS] = {
		"queue", "context", "engines", "firmware", "chip", "function", "link",
	};
	struct drm_debugfs_entry *entry = file->private;
	struct gaon_resets *resets = &to_gaon_device(entry->dev)->resets;
	struct gaon_recovery copy[GAON_RUNGS];
	unsigned int i;

	scoped_guard(spinlock, &resets->lock)
		memcpy(copy, resets->recovery, sizeof(copy));
	seq_puts(file, "rung     recovered    last_us longest_us\n");
	for (i = 0; i < GAON_RUNGS; i++)
		seq_printf(file, "%-8s %9u %10llu %10llu\n", names[i], copy[i].count,
			   copy[i].last_us, copy[i].longest_us);
	seq_puts(file, "queues: guilty  innocent_lost  innocent_kept\n");
	seq_printf(file, "%14d %14d %14d\n", atomic_read(&resets->guilty),
		   atomic_read(&resets->lost), atomic_read(&resets->kept));
	return 0;
}

static const struct drm_debugfs_info stats_files[] = {
	{ "queues", stats_queues, 0, NULL },
	{ "vms", stats_vms, 0, NULL },
	{ "objects", stats_objects, 0, NULL },
	{ "resets", stats_resets, 0, NULL },
	{ "room", stats_room, 0, NULL },
	{ "shrink", stats_shrink, 0, NULL },
	{ "errors", stats_errors, 0, NULL },
	{ "retired", stats_retired, 0, NULL },
	{ "recovery", stats_recovery, 0, NULL },
};

static int stats_reset_engines(struct gaon_device *gdev)
{
	int err, idx;

	if (!drm_dev_enter(&gdev->drm, &idx))
		return -ENODEV;
	err = gaon_device_check(gdev) ?: gaon_reset_engines(gdev);
	drm_dev_exit(idx);
	return err;
}

static int stats_reset_device(struct gaon_device *gdev, bool firmware)
{
	if (firmware)
		gaon_reset_ask_restart(gdev);
	else
		gaon_reset_ask(gdev);
	return gaon_device_wait_running(gdev);
}

/*
 * "engines" drops all work in flight; "firmware" starts that anew, too; anything else resets the
 * whole device. When it is over.
 */
static ssize_t stats_reset_write(struct file *file, const char __user *text, size_t bytes,
				 loff_t *at)
{
	struct gaon_device *gdev = file_inode(file)->i_private;
	char word[16] = "";
	int err, gate;

	if (copy_from_user(word, text, min(bytes, sizeof(word) - 1)))
		return -EFAULT;
	err = gaon_power_enter(gdev, &gate);
	if (err)
		return err;
	err = gaon_power_get(gdev);
	if (!err) {
		err = sysfs_streq(word, "engines") ? stats_reset_engines(gdev) :
			stats_reset_device(gdev, sysfs_streq(word, "firmware"));
		gaon_power_put(gdev);
	}
	gaon_power_exit(gdev, gate);
	return err ?: bytes;
}

static const struct file_operations stats_reset_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = stats_reset_write,
	.llseek = noop_llseek,
};

/* KiB: so much is taken away as if the machine were short of memory. When it is over. */
static ssize_t stats_reclaim_write(struct file *file, const char __user *text, size_t bytes,
				   loff_t *at)
{
	struct gaon_device *gdev = file_inode(file)->i_private;
	u64 kib;
	int err;

	err = kstrtou64_from_user(text, bytes, 0, &kib);
	if (!err && kib > U64_MAX >> 10)
		err = -ERANGE;
	if (!err)
		err = gaon_shrink_by_hand(gdev, kib << 10);
	return err ?: bytes;
}

static const struct file_operations stats_reclaim_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = stats_reclaim_write,
	.llseek = noop_llseek,
};

/** gaon_stats_init() - debugfs; before the device is registered */
void gaon_stats_init(struct gaon_device *gdev)
{
	drm_debugfs_add_files(&gdev->drm, stats_files, ARRAY_SIZE(stats_files));
	ttm_resource_manager_create_debugfs(ttm_manager_type(gdev->ttm, GAON_PL_HBM),
					    gdev->drm.debugfs_root, "hbm");
	debugfs_create_file("reset", 0200, gdev->drm.debugfs_root, gdev, &stats_reset_fops);
	debugfs_create_file("reclaim", 0200, gdev->drm.debugfs_root, gdev, &stats_reclaim_fops);
}
