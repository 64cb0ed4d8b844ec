// SPDX-License-Identifier: GPL-2.0 OR MIT
/* What administrators see of queues: fdinfo of a file, and debugfs. */
#include <drm/drm_debugfs.h>
#include <drm/drm_print.h>

#include "gaon_device.h"
#include "gaon_queue.h"
#include "gaon_sched.h"

/**
 * gaon_client_show() - engine time of a file, as Documentation/gpu/drm-usage-stats.rst has it
 * @gfile: the file
 * @p: where to
 *
 * The cycles of a device whose time is modelled are the model's, and so is the time.
 */
void gaon_client_show(struct gaon_file *gfile, struct drm_printer *p)
{
	struct gaon_device *gdev = gfile->gdev;
	u64 cycles = atomic64_read(&gfile->client->cycles);
	u32 khz = gdev->identify.clock_khz;
	int idx;

	drm_printf(p, "drm-engine-compute:\t%llu ns\n", mul_u64_u32_div(cycles, 1000000, khz));
	drm_printf(p, "drm-cycles-compute:\t%llu\n", cycles);
	if (drm_dev_enter(&gdev->drm, &idx)) {
		drm_printf(p, "drm-total-cycles-compute:\t%llu\n",
			   gaon_read64(gdev, GAON_REG_CYCLE));
		drm_dev_exit(idx);
	}
	drm_printf(p, "drm-maxfreq-compute:\t%u Hz\n", khz * 1000);
	drm_printf(p, "drm-curfreq-compute:\t%u Hz\n", khz * 1000);
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

static const struct drm_debugfs_info stats_files[] = {
	{ "queues", stats_queues, 0, NULL },
};

/** gaon_stats_init() - debugfs; before the device is registered */
void gaon_stats_init(struct gaon_device *gdev)
{
	drm_debugfs_add_files(&gdev->drm, stats_files, ARRAY_SIZE(stats_files));
}
