// SPDX-License-Identifier: GPL-2.0 OR MIT
/* DEV_QUERY: what the device is and how it is. */
#include <linux/capability.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/sched.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>

#include <hw/gaon_pte.h>

#include "gaon_device.h"
#include "gaon_limits.h"
#include "gaon_queue.h"
#include "gaon_ttm.h"
#include "gaon_uobj.h"

/* The longest answer is on the stack of a query. */
#define QUERY_REGIONS	2
#define QUERY_ENGINES	4

static int query_device(struct gaon_device *gdev, struct drm_gaon_dev_query *args)
{
	const struct gaon_identify *id = &gdev->identify;
	struct drm_gaon_query_device out = {
		.hw_revision = id->hw_revision,
		.numerics = id->numerics,
		.va_min = GAON_VA_USER_MIN,
		.va_max = GAON_VA_USER_MAX,
		.page_size = PAGE_SIZE,
		.clock_khz = id->clock_khz,
		.contexts = id->contexts - 1,
		.queues = id->queues,
		.file_vms = GAON_FILE_VMS,
		.file_queues = GAON_FILE_QUEUES,
		.slots = id->slots,
		.preempt_ms = gdev->fw.preempt_ms,
		.save_bytes = id->save_bytes,
		.priorities = BIT(DRM_GAON_PRIORITY_LOW) | BIT(DRM_GAON_PRIORITY_NORMAL),
		.resets = atomic_read(&gdev->resets.device),
	};

	if (gdev->fw.features & GAON_FEATURE_MODELLED_TIME)
		out.flags |= DRM_GAON_DEVICE_MODELLED_TIME;
	if (gdev->fw.features & GAON_FEATURE_PREEMPT_INSIDE)
		out.flags |= DRM_GAON_DEVICE_PREEMPT_INSIDE;
	if (gdev->fw.features & GAON_FEATURE_LINKS)
		out.flags |= DRM_GAON_DEVICE_LINKS;
	if (gdev->fw.features & GAON_FEATURE_INJECT)
		out.flags |= DRM_GAON_DEVICE_INJECT;
	if (gdev->fw.features & GAON_FEATURE_GEMM_MEMORY)
		out.flags |= DRM_GAON_DEVICE_GEMM_MEMORY;
	if (gaon_debug_offered(gdev))
		out.flags |= DRM_GAON_DEVICE_DEBUG;
	if (gaon_read32(gdev, GAON_REG_STATE) == GAON_STATE_DEGRADED)
		out.flags |= DRM_GAON_DEVICE_DEGRADED;
	if (device_iommu_mapped(gdev->drm.dev))
		out.flags |= DRM_GAON_DEVICE_IOMMU;
	if (capable(CAP_SYS_NICE))
		out.priorities |= BIT(DRM_GAON_PRIORITY_HIGH) | BIT(DRM_GAON_PRIORITY_REALTIME);
	memcpy(out.serial, id->serial, sizeof(out.serial));
	memcpy(out.name, id->name, sizeof(out.name));
	return gaon_uobj_put(args->pointer, &args->size, &out, sizeof(out));
}

static int query_memory(struct gaon_device *gdev, struct drm_gaon_dev_query *args)
{
	const struct gaon_identify *id = &gdev->identify;
	struct drm_gaon_query_memory out[QUERY_REGIONS] = {
		{
			.mem_class = DRM_GAON_MEMORY_HOST,
			.min_page_size = PAGE_SIZE,
			.total = (u64)totalram_pages() << PAGE_SHIFT,
			.mbps = id->host_mbps,
		}, {
			.mem_class = DRM_GAON_MEMORY_HBM,
			.min_page_size = PAGE_SIZE,
			.total = id->hbm_bytes,
			.cpu_visible = gdev->aperture_bytes,
			.mbps = id->hbm_mbps,
			.channels = id->hbm_channels,
		},
	};

	out[0].cpu_visible = out[0].total;
	gaon_ttm_usage(gdev, &out[0].used, &out[1].used, &out[1].cpu_visible_used);
	out[0].cpu_visible_used = out[0].used;
	return gaon_uobj_put(args->pointer, &args->size, out, sizeof(out));
}

static int query_engines(struct gaon_device *gdev, struct drm_gaon_dev_query *args)
{
	const struct gaon_identify *id = &gdev->identify;
	struct drm_gaon_query_engine out[QUERY_ENGINES] = {
		{ .engine_class = DRM_GAON_ENGINE_CORE, .instances = id->cores, .per_core = 1 },
		{ .engine_class = DRM_GAON_ENGINE_MATRIX, .per_core = id->matrix_arrays },
		{ .engine_class = DRM_GAON_ENGINE_DMA, .per_core = id->dma_channels },
		{ .engine_class = DRM_GAON_ENGINE_COPY, .instances = id->copy_engines },
	};
	unsigned int i;

	for (i = 0; i < QUERY_ENGINES; i++) {
		out[i].clock_khz = id->clock_khz;
		if (!out[i].instances)
			out[i].instances = id->cores * out[i].per_core;
	}
	return gaon_uobj_put(args->pointer, &args->size, out, sizeof(out));
}

static int query_topology(struct gaon_device *gdev, struct drm_gaon_dev_query *args)
{
	const struct gaon_identify *id = &gdev->identify;
	struct drm_gaon_query_topology out = {
		.cores = id->cores,
		.vlen = id->vlen,
		.dlen = id->dlen,
		.vector_pipes = id->vector_pipes,
		.matrix_arrays = id->matrix_arrays,
		.matrix_dim = id->matrix_dim,
		.dma_channels = id->dma_channels,
		.copy_engines = id->copy_engines,
		.spm_bytes = id->spm_bytes,
		.links = id->links,
		.link_mbps = id->link_mbps,
		.numa_node = dev_to_node(gdev->drm.dev),
	};

	return gaon_uobj_put(args->pointer, &args->size, &out, sizeof(out));
}

static int query_firmware(struct gaon_device *gdev, struct drm_gaon_dev_query *args)
{
	struct drm_gaon_query_firmware out = {
		.version = gdev->fw.version,
		.abi = gdev->fw.abi,
		.abi_min = gdev->fw.abi_min,
		.abi_max = gdev->fw.abi_max,
		.state = gaon_read32(gdev, GAON_REG_STATE),
		.features = gdev->fw.features,
	};

	memcpy(out.build, gdev->identify.fw_build, sizeof(out.build));
	memcpy(out.file, gdev->fw.file, sizeof(out.file));
	return gaon_uobj_put(args->pointer, &args->size, &out, sizeof(out));
}

static void telemetry_convert(struct drm_gaon_query_telemetry *out, const struct gaon_telemetry *in)
{
	static_assert(sizeof(out->core_busy) == sizeof(in->core_busy));
	static_assert(sizeof(out->copy_busy) == sizeof(in->copy_busy));

	out->cycle = in->cycle;
	memcpy(out->core_busy, in->core_busy, sizeof(out->core_busy));
	memcpy(out->matrix_busy, in->matrix_busy, sizeof(out->matrix_busy));
	memcpy(out->dma_busy, in->dma_busy, sizeof(out->dma_busy));
	memcpy(out->copy_busy, in->copy_busy, sizeof(out->copy_busy));
	out->hbm_read = in->hbm_read;
	out->hbm_write = in->hbm_write;
	out->host_read = in->host_read;
	out->host_write = in->host_write;
	out->packets = in->packets;
	out->launches = in->launches;
	out->workgroups = in->workgroups;
	out->instructions = in->instructions;
	out->doorbells = in->doorbells;
	out->doorbells_dropped = in->doorbells_dropped;
	out->faults = in->faults;
	out->preemptions = in->preemptions;
	out->resets = in->resets;
	out->tlb_misses = in->tlb_misses;
	out->tlb_invalidations = in->tlbi;
	out->energy_uj = in->energy_uj;
	out->power_mw = in->power_mw;
	out->temp_mc = in->temp_mc;
	out->clock_khz = in->clock_khz;
	out->hbm_ce = in->hbm_ce;
	out->hbm_ue = in->hbm_ue;
	out->spm_ce = in->spm_ce;
	out->spm_ue = in->spm_ue;
	out->link_ce = in->link_ce;
	out->link_ue = in->link_ue;
	out->lost_events = in->lost_events;
	out->retired_pages = in->retired_pages;
	out->power_cap_mw = in->power_cap_mw;
	out->clock_limit_khz = in->clock_limit_khz;
	out->throttle = in->throttle;
	out->throttled_power = in->throttled_power;
	out->throttled_heat = in->throttled_heat;
	out->throttled_power_cycles = in->throttled_power_cycles;
	out->throttled_heat_cycles = in->throttled_heat_cycles;
}

static int query_telemetry(struct gaon_device *gdev, struct drm_gaon_dev_query *args)
{
	struct drm_gaon_query_telemetry out = {};
	struct gaon_telemetry in;
	int err;

	/* Who only wants the size need not wait for the firmware. */
	if (args->pointer) {
		err = gaon_device_read_telemetry(gdev, &in);
		if (err)
			return err;
		telemetry_convert(&out, &in);
	}
	return gaon_uobj_put(args->pointer, &args->size, &out, sizeof(out));
}

static int query_clock(s32 clock, u64 *ns)
{
	switch (clock) {
	case CLOCK_MONOTONIC:
		*ns = ktime_get_ns();
		return 0;
	case CLOCK_MONOTONIC_RAW:
		*ns = ktime_get_raw_ns();
		return 0;
	case CLOCK_BOOTTIME:
		*ns = ktime_get_boottime_ns();
		return 0;
	case CLOCK_REALTIME:
		*ns = ktime_get_real_ns();
		return 0;
	default:
		return -EINVAL;
	}
}

static int query_time(struct gaon_device *gdev, struct drm_gaon_dev_query *args)
{
	struct drm_gaon_query_time out = {};
	u64 after;

	if (args->pointer) {
		if (args->size < sizeof(out.clock))
			return -EINVAL;
		if (copy_from_user(&out.clock, u64_to_user_ptr(args->pointer), sizeof(out.clock)))
			return -EFAULT;
		if (query_clock(out.clock, &out.cpu_ns))
			return -EINVAL;
		out.cycle = gaon_read64(gdev, GAON_REG_CYCLE);
		query_clock(out.clock, &after);
		out.cpu_delta_ns = after - out.cpu_ns;
		out.clock_khz = gdev->identify.clock_khz;
	}
	return gaon_uobj_put(args->pointer, &args->size, &out, sizeof(out));
}

/** gaon_ioctl_dev_query() - %DRM_IOCTL_GAON_DEV_QUERY */
int gaon_ioctl_dev_query(struct drm_device *drm, void *data, struct drm_file *file)
{
	static int (*const query[])(struct gaon_device *, struct drm_gaon_dev_query *) = {
		[DRM_GAON_QUERY_DEVICE] = query_device,
		[DRM_GAON_QUERY_MEMORY] = query_memory,
		[DRM_GAON_QUERY_ENGINES] = query_engines,
		[DRM_GAON_QUERY_TOPOLOGY] = query_topology,
		[DRM_GAON_QUERY_FIRMWARE] = query_firmware,
		[DRM_GAON_QUERY_TELEMETRY] = query_telemetry,
		[DRM_GAON_QUERY_TIME] = query_time,
	};
	struct drm_gaon_dev_query *args = data;
	int err, idx;

	if (args->type >= ARRAY_SIZE(query))
		return -EINVAL;
	if (!drm_dev_enter(drm, &idx))
		return -ENODEV;
	err = query[array_index_nospec(args->type, ARRAY_SIZE(query))](to_gaon_device(drm), args);
	drm_dev_exit(idx);
	return err;
}
