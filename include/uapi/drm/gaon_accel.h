/* SPDX-License-Identifier: MIT */
/*
 * The ioctl interface of gaon.ko, the driver of GA1 accelerators: /dev/accel/accelN.
 *
 * What travels through memory (packets, queue state blocks, fault syndromes) is the hardware's
 * and is defined by include/hw and Documentation/hw.
 */
#ifndef _UAPI_GAON_ACCEL_H_
#define _UAPI_GAON_ACCEL_H_

#if defined(__KERNEL__)
#include <drm/drm.h>
#else
#include "drm.h"
#endif

#if defined(__cplusplus)
extern "C" {
#endif

/**
 * DOC: Rules for extending this interface
 *
 * - Structures are aligned on 64 bits, in 32-bit processes too, have the same layout for both and
 *   contain no unions and no pointers: an address is an __aligned_u64.
 * - Every padding and reserved field, every undefined flag bit and every field that the operation
 *   does not use is checked to be 0; else the call fails with -EINVAL and has no effect.
 * - An ioctl structure, and an element of an array, grows at its end only. What an older caller
 *   does not pass reads as 0; a newer caller's tail that this driver does not know must be 0
 *   (-E2BIG).  New fields therefore mean "as before" when they are 0.
 * - Flags and enumeration values are added, never removed, never reused.
 * - Each addition raises the minor version of the driver and is entered below. A change that
 *   breaks callers does not happen; were it ever needed it would raise the major version.
 * - Handles (objects, VMs, queues) are positive numbers of one open file. 0 is no handle.
 *
 * Errors that any call may give: -ENODEV (the device was removed), -EIO (the device is wedged:
 * a reset did not bring it back, or it needed too many), -EBUSY (a reset is under way: try again
 * in a while), -EFAULT (an address is not the caller's), -EINVAL (as above, or a value out of
 * range), -ENOENT (no such handle), -ENOMEM, -EINTR or a restart (a signal came). What else a call
 * gives stands with it.
 */

/**
 * DOC: Version log
 *
 * - 1.0: first version.
 * - 1.1: &struct drm_gaon_queue_query has @ring_index.
 * - 1.2: &enum drm_gaon_device_flags has %DRM_GAON_DEVICE_GEMM_MEMORY.
 * - 1.3: &struct drm_gaon_query_telemetry has @retired_pages; &enum drm_gaon_ras_counter.
 * - 1.4: &struct drm_gaon_query_telemetry tells of clock and power: @power_cap_mw and what follows;
 *   &enum drm_gaon_throttle.
 * - 1.5: queues that can be debugged: %DRM_GAON_QUEUE_DEBUG, %DRM_IOCTL_GAON_DEBUG,
 *   %DRM_GAON_QUEUE_STOPPED and %DRM_GAON_QUEUE_SAVED, &struct drm_gaon_event_stop;
 *   &enum drm_gaon_device_flags has %DRM_GAON_DEVICE_DEBUG.
 */
#define DRM_GAON_VERSION_MAJOR	1
#define DRM_GAON_VERSION_MINOR	5

/**
 * enum drm_gaon_ioctl_id - numbers of the ioctls, counted from DRM_COMMAND_BASE
 */
enum drm_gaon_ioctl_id {
	/** @DRM_GAON_DEV_QUERY: what the device is and how it is. */
	DRM_GAON_DEV_QUERY = 0x00,
	/** @DRM_GAON_VM_CREATE: create an address space. */
	DRM_GAON_VM_CREATE = 0x01,
	/** @DRM_GAON_VM_DESTROY: destroy an address space. */
	DRM_GAON_VM_DESTROY = 0x02,
	/** @DRM_GAON_VM_BIND: change what an address space maps. */
	DRM_GAON_VM_BIND = 0x03,
	/** @DRM_GAON_VM_STATE: whether an address space is usable. */
	DRM_GAON_VM_STATE = 0x04,
	/** @DRM_GAON_BO_CREATE: allocate memory. */
	DRM_GAON_BO_CREATE = 0x08,
	/** @DRM_GAON_BO_MMAP_OFFSET: where to mmap an object. */
	DRM_GAON_BO_MMAP_OFFSET = 0x09,
	/** @DRM_GAON_BO_INFO: size, flags and whereabouts of an object. */
	DRM_GAON_BO_INFO = 0x0a,
	/** @DRM_GAON_BO_SET_NAME: name an object for debugfs and messages. */
	DRM_GAON_BO_SET_NAME = 0x0b,
	/** @DRM_GAON_QUEUE_CREATE: create a queue. */
	DRM_GAON_QUEUE_CREATE = 0x10,
	/** @DRM_GAON_QUEUE_DESTROY: destroy a queue, busy or not. */
	DRM_GAON_QUEUE_DESTROY = 0x11,
	/** @DRM_GAON_QUEUE_STATE: progress and first fault of a queue. */
	DRM_GAON_QUEUE_STATE = 0x12,
	/** @DRM_GAON_QUEUE_SET_PRIORITY: change a queue's priority. */
	DRM_GAON_QUEUE_SET_PRIORITY = 0x13,
	/** @DRM_GAON_QUEUE_CLEAR: let a faulted queue go on. */
	DRM_GAON_QUEUE_CLEAR = 0x14,
	/** @DRM_GAON_DEBUG: stop a queue that can be debugged, look at it, let it go on. */
	DRM_GAON_DEBUG = 0x15,
	/** @DRM_GAON_SUBMIT: run lists of packets on a kernel-owned queue. */
	DRM_GAON_SUBMIT = 0x18,
	/** @DRM_GAON_WAIT: sleep until a value in memory is reached. */
	DRM_GAON_WAIT = 0x19,
};

/**
 * struct drm_gaon_obj_array - an array of objects in the caller's memory
 *
 * The stride lets elements grow: elements longer than the driver knows must be 0 behind what it
 * knows, shorter ones are taken as 0 behind their end.
 */
struct drm_gaon_obj_array {
	/** @stride: bytes from one element to the next; at least the element of version 1.0. */
	__u32 stride;
	/** @count: elements; with 0 @stride and @array are 0 too. */
	__u32 count;
	/** @array: address of the first one, aligned to 8 bytes. */
	__aligned_u64 array;
};

/**
 * enum drm_gaon_sync_flags - what a &struct drm_gaon_sync is
 */
enum drm_gaon_sync_flags {
	/** @DRM_GAON_SYNC_TIMELINE: point @timeline_value of a timeline syncobj. */
	DRM_GAON_SYNC_TIMELINE = 1 << 0,
	/** @DRM_GAON_SYNC_SIGNAL: signalled when the operation is done; else it is waited for. */
	DRM_GAON_SYNC_SIGNAL = 1 << 1,
};

#define DRM_GAON_SYNC_FLAGS	(DRM_GAON_SYNC_TIMELINE | DRM_GAON_SYNC_SIGNAL)

/**
 * struct drm_gaon_sync - a syncobj that an operation waits for or signals
 */
struct drm_gaon_sync {
	/** @flags: of &enum drm_gaon_sync_flags. */
	__u32 flags;
	/** @handle: of the syncobj. */
	__u32 handle;
	/** @timeline_value: the point, not 0; without TIMELINE 0. */
	__aligned_u64 timeline_value;
};

/* --- queries ------------------------------------------------------------------------------- */

/**
 * enum drm_gaon_query - what %DRM_IOCTL_GAON_DEV_QUERY tells
 */
enum drm_gaon_query {
	/** @DRM_GAON_QUERY_DEVICE: &struct drm_gaon_query_device. */
	DRM_GAON_QUERY_DEVICE = 0,
	/** @DRM_GAON_QUERY_MEMORY: an array of &struct drm_gaon_query_memory, one per region. */
	DRM_GAON_QUERY_MEMORY = 1,
	/** @DRM_GAON_QUERY_ENGINES: an array of &struct drm_gaon_query_engine, one per class. */
	DRM_GAON_QUERY_ENGINES = 2,
	/** @DRM_GAON_QUERY_TOPOLOGY: &struct drm_gaon_query_topology. */
	DRM_GAON_QUERY_TOPOLOGY = 3,
	/** @DRM_GAON_QUERY_FIRMWARE: &struct drm_gaon_query_firmware. */
	DRM_GAON_QUERY_FIRMWARE = 4,
	/** @DRM_GAON_QUERY_TELEMETRY: &struct drm_gaon_query_telemetry. Asks the firmware. */
	DRM_GAON_QUERY_TELEMETRY = 5,
	/** @DRM_GAON_QUERY_TIME: &struct drm_gaon_query_time. */
	DRM_GAON_QUERY_TIME = 6,
};

/**
 * struct drm_gaon_dev_query - argument of %DRM_IOCTL_GAON_DEV_QUERY
 *
 * Every user of the node may ask. With @pointer 0 only @size is set, to what the driver would
 * write. Else up to @size bytes are written to @pointer, a longer buffer is zeroed behind them
 * and @size becomes the driver's size; so a caller that sees a larger one knows that it is the
 * older. Of an array a caller should ask for the size first.
 *
 * Errors: -EINVAL: unknown @type; for TIME also an unknown clock. -EOPNOTSUPP: TELEMETRY of a
 * firmware that has none.
 */
struct drm_gaon_dev_query {
	/** @type: of &enum drm_gaon_query. */
	__u32 type;
	/** @size: in: bytes at @pointer; out: bytes that there are. */
	__u32 size;
	/** @pointer: where to write, or 0. */
	__aligned_u64 pointer;
};

/**
 * enum drm_gaon_device_flags - properties of a device
 */
enum drm_gaon_device_flags {
	/** @DRM_GAON_DEVICE_MODELLED_TIME: cycles come from a model of time, not from a clock. */
	DRM_GAON_DEVICE_MODELLED_TIME = 1 << 0,
	/** @DRM_GAON_DEVICE_PREEMPT_INSIDE: launches can be saved inside a workgroup. */
	DRM_GAON_DEVICE_PREEMPT_INSIDE = 1 << 1,
	/** @DRM_GAON_DEVICE_LINKS: has links to other chips. */
	DRM_GAON_DEVICE_LINKS = 1 << 2,
	/** @DRM_GAON_DEVICE_INJECT: a device for tests, into which errors can be injected. */
	DRM_GAON_DEVICE_INJECT = 1 << 3,
	/** @DRM_GAON_DEVICE_P2P: other devices can reach exported device memory over the bus. */
	DRM_GAON_DEVICE_P2P = 1 << 4,
	/** @DRM_GAON_DEVICE_DEGRADED: works with something broken; telemetry says what. */
	DRM_GAON_DEVICE_DEGRADED = 1 << 5,
	/** @DRM_GAON_DEVICE_IOMMU: the host translates and bounds the device's accesses. */
	DRM_GAON_DEVICE_IOMMU = 1 << 6,
	/** @DRM_GAON_DEVICE_GEMM_MEMORY: the matrix unit can read weights from memory. */
	DRM_GAON_DEVICE_GEMM_MEMORY = 1 << 7,
	/** @DRM_GAON_DEVICE_DEBUG: queues can be debugged: %DRM_GAON_QUEUE_DEBUG. */
	DRM_GAON_DEVICE_DEBUG = 1 << 8,
};

/**
 * struct drm_gaon_query_device - what the device is, and the limits of this driver
 */
struct drm_gaon_query_device {
	/** @flags: of &enum drm_gaon_device_flags. */
	__aligned_u64 flags;
	/** @hw_revision: major << 16 | minor of the hardware specification. */
	__u32 hw_revision;
	/** @numerics: profile of arithmetic results (Documentation/hw/numerics.rst). */
	__u32 numerics;
	/** @va_min: first device address that can be mapped. */
	__aligned_u64 va_min;
	/** @va_max: end of the device addresses that can be mapped, exclusive. */
	__aligned_u64 va_max;
	/** @page_size: granularity of mappings and of object sizes, in bytes. */
	__u32 page_size;
	/** @clock_khz: of the cores and of the cycle counter. */
	__u32 clock_khz;
	/** @contexts: address spaces of the whole device. */
	__u32 contexts;
	/** @queues: queues of the whole device. */
	__u32 queues;
	/** @file_vms: address spaces that one open file may have. */
	__u32 file_vms;
	/** @file_queues: queues that one open file may have. */
	__u32 file_queues;
	/** @slots: queues that make progress at the same time. */
	__u32 slots;
	/** @preempt_ms: longest time until work has stopped when it is asked to. */
	__u32 preempt_ms;
	/** @save_bytes: memory that the driver sets aside for each queue to be preempted into. */
	__aligned_u64 save_bytes;
	/** @priorities: bit per &enum drm_gaon_priority that the caller may use. */
	__u32 priorities;
	/** @resets: resets of the whole device since the driver was bound. */
	__u32 resets;
	/** @serial: serial number, as bytes. */
	__u8 serial[16];
	/** @name: of the product; text, zero padded. */
	__u8 name[32];
};

/**
 * enum drm_gaon_memory_class - kinds of memory
 */
enum drm_gaon_memory_class {
	/** @DRM_GAON_MEMORY_HOST: the host's memory, reached over the bus. */
	DRM_GAON_MEMORY_HOST = 0,
	/** @DRM_GAON_MEMORY_HBM: on the card. */
	DRM_GAON_MEMORY_HBM = 1,
};

/**
 * struct drm_gaon_query_memory - a region of memory
 */
struct drm_gaon_query_memory {
	/** @mem_class: of &enum drm_gaon_memory_class. */
	__u16 mem_class;
	/** @instance: number within the class. */
	__u16 instance;
	/** @min_page_size: alignment of allocations, in bytes. */
	__u32 min_page_size;
	/** @total: bytes. */
	__aligned_u64 total;
	/** @used: bytes that are allocated by anyone. */
	__aligned_u64 used;
	/** @cpu_visible: bytes of @total that the CPU can reach. */
	__aligned_u64 cpu_visible;
	/** @cpu_visible_used: bytes of @cpu_visible that are allocated by anyone. */
	__aligned_u64 cpu_visible_used;
	/** @mbps: rate towards the cores in 10^6 bytes per second, each way. */
	__u32 mbps;
	/** @channels: of HBM; 0 for host memory. */
	__u32 channels;
};

/**
 * enum drm_gaon_engine_class - kinds of engines
 */
enum drm_gaon_engine_class {
	/** @DRM_GAON_ENGINE_CORE: RISC-V cores. */
	DRM_GAON_ENGINE_CORE = 0,
	/** @DRM_GAON_ENGINE_MATRIX: matrix units of the cores. */
	DRM_GAON_ENGINE_MATRIX = 1,
	/** @DRM_GAON_ENGINE_DMA: private DMA channels of the cores. */
	DRM_GAON_ENGINE_DMA = 2,
	/** @DRM_GAON_ENGINE_COPY: copy engines. */
	DRM_GAON_ENGINE_COPY = 3,
};

/**
 * struct drm_gaon_query_engine - a class of engines
 */
struct drm_gaon_query_engine {
	/** @engine_class: of &enum drm_gaon_engine_class. */
	__u16 engine_class;
	/** @pad: 0. */
	__u16 pad;
	/** @instances: of the whole device. */
	__u32 instances;
	/** @per_core: of these, in each core; 0 when they belong to no core. */
	__u32 per_core;
	/** @clock_khz: their clock. */
	__u32 clock_khz;
};

/**
 * struct drm_gaon_query_topology - the shape of the device
 */
struct drm_gaon_query_topology {
	/** @cores: cores. */
	__u32 cores;
	/** @vlen: bits of a vector register. */
	__u32 vlen;
	/** @dlen: bits that a vector pipe handles in a cycle. */
	__u32 dlen;
	/** @vector_pipes: of a core. */
	__u32 vector_pipes;
	/** @matrix_arrays: of a core. */
	__u32 matrix_arrays;
	/** @matrix_dim: rows and columns of an array. */
	__u32 matrix_dim;
	/** @dma_channels: of a core. */
	__u32 dma_channels;
	/** @copy_engines: of the device. */
	__u32 copy_engines;
	/** @spm_bytes: scratchpad of a core. */
	__aligned_u64 spm_bytes;
	/** @links: ports towards other chips. */
	__u32 links;
	/** @link_mbps: rate of each in 10^6 bytes per second, each way. */
	__u32 link_mbps;
	/** @numa_node: of the host that is nearest, or -1. */
	__s32 numa_node;
	/** @pad: 0. */
	__u32 pad;
};

/**
 * struct drm_gaon_query_firmware - the firmware that runs
 */
struct drm_gaon_query_firmware {
	/** @version: major << 24 | minor << 16 | patch. */
	__u32 version;
	/** @abi: of the admin protocol, which driver and firmware agreed on. */
	__u32 abi;
	/** @abi_min: lowest that the firmware speaks. */
	__u16 abi_min;
	/** @abi_max: highest that the firmware speaks. */
	__u16 abi_max;
	/** @state: GAON_STATE_* of include/hw/gaon_regs.h. */
	__u32 state;
	/** @features: bits GAON_FEATURE_* that the firmware granted. */
	__aligned_u64 features;
	/** @build: of the firmware; text, zero padded. */
	__u8 build[32];
	/** @file: name of the file that was loaded, below /lib/firmware; text, zero padded. */
	__u8 file[32];
};

/**
 * enum drm_gaon_throttle - why the cores' clock is not the highest: bits of @throttle
 */
enum drm_gaon_throttle {
	/** @DRM_GAON_THROTTLE_POWER: the cap of power. */
	DRM_GAON_THROTTLE_POWER = 1 << 0,
	/** @DRM_GAON_THROTTLE_HEAT: it is hot. */
	DRM_GAON_THROTTLE_HEAT = 1 << 1,
	/** @DRM_GAON_THROTTLE_CRITICAL: it is so hot that the clock is the lowest. */
	DRM_GAON_THROTTLE_CRITICAL = 1 << 2,
	/** @DRM_GAON_THROTTLE_LIMIT: the administrator's limit. */
	DRM_GAON_THROTTLE_LIMIT = 1 << 3,
};

/**
 * struct drm_gaon_query_telemetry - counters, all since the last reset of the chip
 *
 * Documentation/hw/telemetry.rst says what each counts. They only grow but for @clock_khz,
 * @power_mw, @temp_mc, @power_cap_mw, @clock_limit_khz and @throttle, which are now. A reading is
 * one moment.
 */
struct drm_gaon_query_telemetry {
	/** @cycle: cycles of the device. */
	__aligned_u64 cycle;
	/** @core_busy: busy cycles of core i modulo 8. */
	__aligned_u64 core_busy[8];
	/** @matrix_busy: the same for matrix units. */
	__aligned_u64 matrix_busy[8];
	/** @dma_busy: the same for DMA channels. */
	__aligned_u64 dma_busy[8];
	/** @copy_busy: busy cycles of copy engine i modulo 4. */
	__aligned_u64 copy_busy[4];
	/** @hbm_read: bytes. */
	__aligned_u64 hbm_read;
	/** @hbm_write: bytes. */
	__aligned_u64 hbm_write;
	/** @host_read: bytes. */
	__aligned_u64 host_read;
	/** @host_write: bytes. */
	__aligned_u64 host_write;
	/** @packets: completed. */
	__aligned_u64 packets;
	/** @launches: started. */
	__aligned_u64 launches;
	/** @workgroups: ended. */
	__aligned_u64 workgroups;
	/** @instructions: retired. */
	__aligned_u64 instructions;
	/** @doorbells: taken. */
	__aligned_u64 doorbells;
	/** @doorbells_dropped: of no queue. */
	__aligned_u64 doorbells_dropped;
	/** @faults: queues that faulted. */
	__aligned_u64 faults;
	/** @preemptions: launches that were saved. */
	__aligned_u64 preemptions;
	/** @resets: of engines and of the chip. */
	__aligned_u64 resets;
	/** @tlb_misses: walks of page tables. */
	__aligned_u64 tlb_misses;
	/** @tlb_invalidations: entered. */
	__aligned_u64 tlb_invalidations;
	/** @energy_uj: microjoules. */
	__aligned_u64 energy_uj;
	/** @power_mw: milliwatts, since the last reading. */
	__u32 power_mw;
	/** @temp_mc: thousandths of a degree Celsius. */
	__s32 temp_mc;
	/** @clock_khz: of the cores, now. */
	__u32 clock_khz;
	/** @pad: 0. */
	__u32 pad;
	/** @hbm_ce: correctable errors of HBM. */
	__aligned_u64 hbm_ce;
	/** @hbm_ue: uncorrectable errors of HBM. */
	__aligned_u64 hbm_ue;
	/** @spm_ce: correctable errors of scratchpads. */
	__aligned_u64 spm_ce;
	/** @spm_ue: uncorrectable errors of scratchpads. */
	__aligned_u64 spm_ue;
	/** @link_ce: correctable errors of links. */
	__aligned_u64 link_ce;
	/** @link_ue: uncorrectable errors of links. */
	__aligned_u64 link_ue;
	/** @lost_events: event records that the device had no room for. */
	__aligned_u64 lost_events;
	/** @retired_pages: of HBM, that are never used again; survives resets. */
	__aligned_u64 retired_pages;
	/** @power_cap_mw: milliwatts; 0: the device has no cap, and 0 is all that follows. */
	__u32 power_cap_mw;
	/** @clock_limit_khz: the highest clock that the administrator allows. */
	__u32 clock_limit_khz;
	/** @throttle: of &enum drm_gaon_throttle. */
	__u32 throttle;
	/** @pad1: 0. */
	__u32 pad1;
	/** @throttled_power: how often the cap began to slow the cores down. */
	__aligned_u64 throttled_power;
	/** @throttled_heat: the same of the temperature. */
	__aligned_u64 throttled_heat;
	/** @throttled_power_cycles: how long the cap has done so, in cycles of the device. */
	__aligned_u64 throttled_power_cycles;
	/** @throttled_heat_cycles: the same of the temperature. */
	__aligned_u64 throttled_heat_cycles;
};

/**
 * enum drm_gaon_ras_counter - numbers of error counters
 *
 * In kernels with DRM's RAS interface (generic netlink, family "drm-ras") each card has the nodes
 * "correctable-errors" and "uncorrectable-errors", whose counters have these numbers. They count
 * since the driver was bound or they were cleared; resets of the card do not matter.
 */
enum drm_gaon_ras_counter {
	/** @DRM_GAON_RAS_HBM: of the first channel of HBM; those of others follow. */
	DRM_GAON_RAS_HBM = 0,
	/** @DRM_GAON_RAS_SCRATCHPAD: of the first core's scratchpad; those of others follow. */
	DRM_GAON_RAS_SCRATCHPAD = 64,
	/** @DRM_GAON_RAS_LINK: of the link to the host; those of links to other cards follow. */
	DRM_GAON_RAS_LINK = 128,
};

/**
 * struct drm_gaon_query_time - the device's cycles and a clock of the host at one moment
 *
 * @clock is read from the caller's memory first.
 */
struct drm_gaon_query_time {
	/** @clock: in: CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_BOOTTIME or CLOCK_REALTIME. */
	__s32 clock;
	/** @clock_khz: cycles per millisecond. */
	__u32 clock_khz;
	/** @cycle: of the device. */
	__aligned_u64 cycle;
	/** @cpu_ns: that clock before the device was read. */
	__aligned_u64 cpu_ns;
	/** @cpu_delta_ns: how long reading took; @cycle lies within. */
	__aligned_u64 cpu_delta_ns;
};

/* --- address spaces ------------------------------------------------------------------------ */

/**
 * enum drm_gaon_vm_flags - kind of an address space
 */
enum drm_gaon_vm_flags {
	/**
	 * @DRM_GAON_VM_LR: for user-mode queues, whose work may run for any time. Completion is a
	 * value in memory, never a fence. Without it the address space is for kernel-owned queues,
	 * whose work is bounded and signals syncobjs. An address space never changes its kind.
	 */
	DRM_GAON_VM_LR = 1 << 0,
};

#define DRM_GAON_VM_FLAGS	(DRM_GAON_VM_LR)

/**
 * struct drm_gaon_vm_create - argument of %DRM_IOCTL_GAON_VM_CREATE
 *
 * Errors: -ENOSPC: the device has no context left. -EMFILE: the file has as many as it may have.
 * -ERANGE: @print_va is no device address.
 */
struct drm_gaon_vm_create {
	/** @flags: of &enum drm_gaon_vm_flags. */
	__u32 flags;
	/** @vm_id: out: the handle. */
	__u32 vm_id;
	/**
	 * @print_va: where the kernels' print ring (struct gaon_print_ring of
	 * include/hw/gaon_kernel.h) will be mapped, aligned to 8 bytes, or 0 for none.
	 */
	__aligned_u64 print_va;
	/** @context: out: number of the hardware context, as in fault records. */
	__u32 context;
	/** @pad: 0. */
	__u32 pad;
};

/**
 * struct drm_gaon_vm_destroy - argument of %DRM_IOCTL_GAON_VM_DESTROY
 *
 * All mappings go. The objects themselves stay.
 *
 * Errors: -EBUSY: it still has queues.
 */
struct drm_gaon_vm_destroy {
	/** @vm_id: the handle. */
	__u32 vm_id;
	/** @pad: 0. */
	__u32 pad;
};

/**
 * enum drm_gaon_vm_bind_op_type - what a &struct drm_gaon_vm_bind_op does
 */
enum drm_gaon_vm_bind_op_type {
	/** @DRM_GAON_VM_BIND_MAP: map part of an object. What was mapped there before goes. */
	DRM_GAON_VM_BIND_MAP = 0,
	/** @DRM_GAON_VM_BIND_UNMAP: unmap a range, which may cut mappings and have holes. */
	DRM_GAON_VM_BIND_UNMAP = 1,
	/**
	 * @DRM_GAON_VM_BIND_MAP_NULL: reserve a range: every access to it faults, and it counts as
	 * mapped. What was mapped there before goes.
	 */
	DRM_GAON_VM_BIND_MAP_NULL = 2,
	/**
	 * @DRM_GAON_VM_BIND_MAP_USERPTR: map the caller's own memory; LR address spaces only. The
	 * mapping follows what the process does to that memory: after munmap() of it an access of
	 * the device faults. -EFAULT: not all of it is the process' memory now, or not writable and
	 * READONLY is not set. -EOPNOTSUPP: memory that no device can use as it lies (mappings of
	 * devices and of objects; all, when the kernel bounces DMA).
	 */
	DRM_GAON_VM_BIND_MAP_USERPTR = 3,
};

/**
 * enum drm_gaon_vm_bind_op_flags - rights of a mapping
 */
enum drm_gaon_vm_bind_op_flags {
	/** @DRM_GAON_VM_BIND_READONLY: the device only reads. */
	DRM_GAON_VM_BIND_READONLY = 1 << 0,
	/** @DRM_GAON_VM_BIND_EXEC: cores execute and read, nobody writes; implies READONLY. */
	DRM_GAON_VM_BIND_EXEC = 1 << 1,
};

#define DRM_GAON_VM_BIND_OP_FLAGS	(DRM_GAON_VM_BIND_READONLY | DRM_GAON_VM_BIND_EXEC)

/**
 * struct drm_gaon_vm_bind_op - a change of an address space
 */
struct drm_gaon_vm_bind_op {
	/** @type: of &enum drm_gaon_vm_bind_op_type. */
	__u32 type;
	/** @flags: MAP, MAP_USERPTR: of &enum drm_gaon_vm_bind_op_flags; else 0. */
	__u32 flags;
	/** @handle: MAP: of the object; else 0. */
	__u32 handle;
	/** @pad: 0. */
	__u32 pad;
	/**
	 * @offset: MAP: bytes into the object; MAP_USERPTR: the caller's address; else 0.
	 * Page-aligned.
	 */
	__aligned_u64 offset;
	/** @va: device address, page-aligned. */
	__aligned_u64 va;
	/** @size: bytes, a multiple of the page size, not 0. */
	__aligned_u64 size;
};

/**
 * enum drm_gaon_vm_bind_flags - how a VM_BIND is done
 */
enum drm_gaon_vm_bind_flags {
	/**
	 * @DRM_GAON_VM_BIND_ASYNC: return at once; the operations are done, in order with other
	 * asynchronous ones of the address space, when all syncs that are waited for are signalled.
	 * If one fails then, the address space becomes unusable (%DRM_IOCTL_GAON_VM_STATE) and the
	 * signalled syncs carry the error.
	 */
	DRM_GAON_VM_BIND_ASYNC = 1 << 0,
};

#define DRM_GAON_VM_BIND_FLAGS	(DRM_GAON_VM_BIND_ASYNC)

/**
 * struct drm_gaon_vm_bind - argument of %DRM_IOCTL_GAON_VM_BIND
 *
 * All operations are checked before the first is done. Without ASYNC they are done when the call
 * returns: the device no longer uses what was unmapped. If one fails in the middle @done says how
 * many were done.
 *
 * Binding never waits for work of the device, and a range that work uses may be changed: that
 * work then faults or uses the new mapping. Changing only the rights of a mapping (MAP of the same
 * part of the same object over it) never makes it absent in between.
 *
 * Errors: -EINVAL also: @syncs without ASYNC; ranges outside the object or the address space.
 * -EPERM: an object of another address space. -ENOMEM also: no memory of the placement.
 * -ECANCELED: the address space is lost or unusable; UNMAP alone works all the same.
 */
struct drm_gaon_vm_bind {
	/** @vm_id: the address space. */
	__u32 vm_id;
	/** @flags: of &enum drm_gaon_vm_bind_flags. */
	__u32 flags;
	/** @ops: of &struct drm_gaon_vm_bind_op, at most %DRM_GAON_VM_BIND_MAX_OPS. */
	struct drm_gaon_obj_array ops;
	/** @syncs: of &struct drm_gaon_sync, at most %DRM_GAON_MAX_SYNCS; with ASYNC only. */
	struct drm_gaon_obj_array syncs;
	/** @done: out: operations that were done (without ASYNC), or queued. */
	__u32 done;
	/** @pad: 0. */
	__u32 pad;
};

/**
 * define DRM_GAON_VM_BIND_MAX_OPS - most operations of one VM_BIND
 *
 * More: -EINVAL, and nothing is done.
 */
#define DRM_GAON_VM_BIND_MAX_OPS	4096

/**
 * define DRM_GAON_MAX_SYNCS - most syncs of one asynchronous VM_BIND, or of one job of a SUBMIT
 *
 * Those that are waited for and those that are signalled together. More: -EINVAL, and nothing is
 * done.
 */
#define DRM_GAON_MAX_SYNCS		256

/**
 * enum drm_gaon_vm_state_flags - state of an address space
 */
enum drm_gaon_vm_state_flags {
	/** @DRM_GAON_VM_UNUSABLE: an asynchronous bind failed: only destroying it helps. */
	DRM_GAON_VM_UNUSABLE = 1 << 0,
	/**
	 * @DRM_GAON_VM_LOST: a reset of the device dropped its work and its device memory. One
	 * that is under way is waited for. What was read from a mapping of device memory before
	 * the call is what was there if this is not set.
	 */
	DRM_GAON_VM_LOST = 1 << 1,
};

/**
 * struct drm_gaon_vm_state - argument of %DRM_IOCTL_GAON_VM_STATE
 */
struct drm_gaon_vm_state {
	/** @vm_id: the address space. */
	__u32 vm_id;
	/** @state: out: of &enum drm_gaon_vm_state_flags; 0: all is well. */
	__u32 state;
	/** @mapped: out: bytes that are mapped. */
	__aligned_u64 mapped;
	/** @tables: out: bytes of host memory that its page tables take. */
	__aligned_u64 tables;
	/** @large_pages: out: leaves of 2 MiB. */
	__u32 large_pages;
	/** @giant_pages: out: leaves of 1 GiB. */
	__u32 giant_pages;
};

/* --- memory objects ------------------------------------------------------------------------ */

/**
 * enum drm_gaon_bo_flags - properties of an object, for its life
 */
enum drm_gaon_bo_flags {
	/** @DRM_GAON_BO_HBM: may be on the card. */
	DRM_GAON_BO_HBM = 1 << 0,
	/**
	 * @DRM_GAON_BO_HOST: may be in host memory. With HBM too: on the card if there is room. At
	 * least one of the two is set. The driver may move an object to host memory to make room,
	 * and brings it back before work uses it; an LR address space that maps it is suspended
	 * meanwhile. It also moves there for a device that cannot reach the card's memory, and
	 * stays there as long as an LR address space maps it.
	 */
	DRM_GAON_BO_HOST = 1 << 1,
	/**
	 * @DRM_GAON_BO_CPU: the CPU will reach it: on the card only where the aperture shows it.
	 * Without it BO_MMAP_OFFSET refuses what may be on the card, with HOST too, unless the
	 * aperture shows all of HBM.
	 */
	DRM_GAON_BO_CPU = 1 << 2,
	/** @DRM_GAON_BO_WC: while in host memory CPU mappings are write-combined, not cached. */
	DRM_GAON_BO_WC = 1 << 3,
	/** @DRM_GAON_BO_CONTIGUOUS: one piece of HBM; without HOST. */
	DRM_GAON_BO_CONTIGUOUS = 1 << 4,
};

#define DRM_GAON_BO_FLAGS							\
	(DRM_GAON_BO_HBM | DRM_GAON_BO_HOST | DRM_GAON_BO_CPU | DRM_GAON_BO_WC |	\
	 DRM_GAON_BO_CONTIGUOUS)

/**
 * struct drm_gaon_bo_create - argument of %DRM_IOCTL_GAON_BO_CREATE
 *
 * The memory reads as 0. It is given back when the last handle, mapping and dma-buf is gone; what
 * another device had imported, soon after that.
 *
 * Errors: -EINVAL also: a combination of flags that is excluded above. -E2BIG: @size can never
 * fit. -ENOMEM also: no HBM left; this file's objects without %DRM_GAON_BO_HOST would be more than
 * fit into HBM at once; all files' objects would be more than HBM and the part of the host's memory
 * that is set aside for what is moved out of it or, without %DRM_GAON_BO_HBM, more than half of
 * the host's memory; no more host memory for the caller's cgroup.
 */
struct drm_gaon_bo_create {
	/** @size: bytes, a multiple of the page size, not 0. */
	__aligned_u64 size;
	/** @flags: of &enum drm_gaon_bo_flags. */
	__u32 flags;
	/**
	 * @vm_id: the only address space that it can be mapped in; it cannot be exported then, and
	 * many such objects cost less. 0: any of the file's, and export.
	 */
	__u32 vm_id;
	/** @handle: out: the GEM handle. */
	__u32 handle;
	/** @pad: 0. */
	__u32 pad;
};

/**
 * struct drm_gaon_bo_mmap_offset - argument of %DRM_IOCTL_GAON_BO_MMAP_OFFSET
 *
 * Errors: -EACCES: imported; map it through its exporter. -ENXIO: the object may lie where the
 * CPU cannot reach it (HBM, with HOST or without, and not CPU, while the aperture is smaller than
 * HBM).
 */
struct drm_gaon_bo_mmap_offset {
	/** @handle: of the object. */
	__u32 handle;
	/** @pad: 0. */
	__u32 pad;
	/** @offset: out: to give to mmap() of the node. */
	__aligned_u64 offset;
};

/**
 * struct drm_gaon_bo_info - argument of %DRM_IOCTL_GAON_BO_INFO
 */
struct drm_gaon_bo_info {
	/** @handle: of the object. */
	__u32 handle;
	/** @flags: out: those of %DRM_IOCTL_GAON_BO_CREATE; 0 if imported. */
	__u32 flags;
	/** @size: out: bytes. */
	__aligned_u64 size;
	/** @placement: out: now: of &enum drm_gaon_memory_class. */
	__u32 placement;
	/** @imported: out: 1 if it is another device's. */
	__u32 imported;
	/** @name: out: what %DRM_IOCTL_GAON_BO_SET_NAME set; text, zero padded. */
	__u8 name[32];
};

/**
 * struct drm_gaon_bo_set_name - argument of %DRM_IOCTL_GAON_BO_SET_NAME
 */
struct drm_gaon_bo_set_name {
	/** @handle: of the object. */
	__u32 handle;
	/** @pad: 0. */
	__u32 pad;
	/** @name: printable ASCII, at least one zero byte at its end; empty: no name. */
	__u8 name[32];
};

/* --- queues -------------------------------------------------------------------------------- */

/**
 * enum drm_gaon_priority - priority of a queue
 *
 * Higher ones preempt lower ones; among equals time is sliced.
 */
enum drm_gaon_priority {
	/** @DRM_GAON_PRIORITY_LOW: what yields to everything. */
	DRM_GAON_PRIORITY_LOW = 0,
	/** @DRM_GAON_PRIORITY_NORMAL: the usual one. */
	DRM_GAON_PRIORITY_NORMAL = 1,
	/** @DRM_GAON_PRIORITY_HIGH: needs CAP_SYS_NICE. */
	DRM_GAON_PRIORITY_HIGH = 2,
	/** @DRM_GAON_PRIORITY_REALTIME: needs CAP_SYS_NICE. */
	DRM_GAON_PRIORITY_REALTIME = 3,
};

/**
 * enum drm_gaon_queue_flags - kind of a queue
 */
enum drm_gaon_queue_flags {
	/**
	 * @DRM_GAON_QUEUE_USER: ring and state block are the caller's memory; the caller writes
	 * packets, publishes them and rings the doorbell itself. Without it the queue is
	 * kernel-owned and takes work by %DRM_IOCTL_GAON_SUBMIT.
	 */
	DRM_GAON_QUEUE_USER = 1 << 0,
	/**
	 * @DRM_GAON_QUEUE_DEBUG: where a workgroup of it would fault, the launch stops instead, for
	 * %DRM_IOCTL_GAON_DEBUG. With USER only: it may stand for as long as its owner likes, and
	 * no fence may wait for that.
	 */
	DRM_GAON_QUEUE_DEBUG = 1 << 1,
};

#define DRM_GAON_QUEUE_FLAGS	(DRM_GAON_QUEUE_USER | DRM_GAON_QUEUE_DEBUG)

/**
 * struct drm_gaon_queue_create - argument of %DRM_IOCTL_GAON_QUEUE_CREATE
 *
 * A user-mode queue needs an LR address space, a kernel-owned one needs one that is not.
 * Documentation/hw/queues.rst is the contract of ring, state block and doorbell. The state block
 * must be zero; ring and state block should stay mapped while the queue lives, else it faults.
 *
 * Errors: -EINVAL also: the address space is of the other kind; addresses not aligned to 64
 * bytes. -ERANGE: ring or state block outside the device addresses. -EACCES: @priority needs
 * CAP_SYS_NICE. -ENOSPC: the device has no queue left, or no HBM to preempt the queue into (with
 * DEBUG: none that the CPU can reach). -EOPNOTSUPP: DEBUG without %DRM_GAON_DEVICE_DEBUG.
 * -EMFILE: the file has as many as it may have. -ECANCELED: the address space is unusable.
 */
struct drm_gaon_queue_create {
	/** @vm_id: its address space. */
	__u32 vm_id;
	/** @flags: of &enum drm_gaon_queue_flags. */
	__u32 flags;
	/** @priority: of &enum drm_gaon_priority. */
	__u32 priority;
	/**
	 * @ring_log2: log2 of the packets in the ring, 4 to 16; of a kernel-owned queue log2 of the
	 * jobs in flight, 4 to 10.
	 */
	__u32 ring_log2;
	/** @ring_va: USER: device address of the ring; else 0. */
	__aligned_u64 ring_va;
	/** @state_va: USER: device address of the struct gaon_queue_state; else 0. */
	__aligned_u64 state_va;
	/**
	 * @limit_cycles: of one launch before it is stopped with a fault; 0: the device's default.
	 * Of a kernel-owned queue at most the driver's limit.
	 */
	__aligned_u64 limit_cycles;
	/**
	 * @slice_us: of time before another queue of the same priority has its turn, at most
	 * 1,000,000; 0: the device's default.
	 */
	__u32 slice_us;
	/** @queue_id: out: the handle. */
	__u32 queue_id;
	/** @hw_id: out: number of the hardware queue, as in fault records. */
	__u32 hw_id;
	/** @doorbell_offset: out: USER: into the doorbell mapping; 8 bytes stored there ring. */
	__u32 doorbell_offset;
	/**
	 * @doorbell_mmap: out: USER: offset to give to mmap() of the node, %DRM_GAON_DOORBELL_BYTES
	 * long, PROT_WRITE, MAP_SHARED. The same for all queues of an address space.
	 */
	__aligned_u64 doorbell_mmap;
};

/** DRM_GAON_DOORBELL_BYTES - length of the doorbell mapping of an address space */
#define DRM_GAON_DOORBELL_BYTES		0x10000

/**
 * struct drm_gaon_queue_destroy - argument of %DRM_IOCTL_GAON_QUEUE_DESTROY
 *
 * Work in flight is dropped: syncobjs of jobs that did not complete are signalled with
 * -ECANCELED. When the call returns the device uses nothing of the queue any more.
 */
struct drm_gaon_queue_destroy {
	/** @queue_id: the handle. */
	__u32 queue_id;
	/** @pad: 0. */
	__u32 pad;
};

/**
 * struct drm_gaon_fault - the first fault of a queue since it was created or cleared
 *
 * Documentation/hw/faults.rst says what the fields mean for each type.
 */
struct drm_gaon_fault {
	/** @type: GAON_FAULT_* of include/hw/gaon_event.h; GAON_FAULT_NONE: none. */
	__u16 type;
	/** @access: GAON_ACCESS_*. */
	__u8 access;
	/** @core: the core, or GAON_FAULT_CORE_NONE. */
	__u8 core;
	/** @context: number of the hardware context. */
	__u32 context;
	/** @hw_queue: number of the hardware queue. */
	__u32 hw_queue;
	/** @workgroup: linear id. */
	__u32 workgroup;
	/** @sequence: of the packet in its ring. Of a kernel-owned queue: of the job, from 0. */
	__aligned_u64 sequence;
	/** @pc: instruction. */
	__aligned_u64 pc;
	/** @va: address. */
	__aligned_u64 va;
	/** @syndrome: more, as the type says. */
	__aligned_u64 syndrome;
	/** @cycle: when. */
	__aligned_u64 cycle;
	/** @tag: the packet's. */
	__u32 tag;
	/** @list_index: in the innermost list. */
	__u32 list_index;
};

/**
 * enum drm_gaon_queue_state_flags - state of a queue
 */
enum drm_gaon_queue_state_flags {
	/** @DRM_GAON_QUEUE_FAULTED: it stands still; @fault says why. */
	DRM_GAON_QUEUE_FAULTED = 1 << 0,
	/** @DRM_GAON_QUEUE_WAS_RESET: its work was dropped by a reset. */
	DRM_GAON_QUEUE_WAS_RESET = 1 << 1,
	/** @DRM_GAON_QUEUE_GUILTY: the fault or reset was its own doing. */
	DRM_GAON_QUEUE_GUILTY = 1 << 2,
	/** @DRM_GAON_QUEUE_IN_SLOT: it has a hardware slot now. */
	DRM_GAON_QUEUE_IN_SLOT = 1 << 3,
	/**
	 * @DRM_GAON_QUEUE_SUSPENDED: it, or its address space, is suspended now: by the driver, or
	 * by %DRM_GAON_DEBUG_SUSPEND.
	 */
	DRM_GAON_QUEUE_SUSPENDED = 1 << 4,
	/** @DRM_GAON_QUEUE_DEAD: it can never go on: destroy it. */
	DRM_GAON_QUEUE_DEAD = 1 << 5,
	/**
	 * @DRM_GAON_QUEUE_STOPPED: of one that can be debugged: a launch of it has stopped by
	 * itself since it was created or resumed.
	 */
	DRM_GAON_QUEUE_STOPPED = 1 << 6,
	/**
	 * @DRM_GAON_QUEUE_SAVED: of one that can be debugged, after %DRM_GAON_DEBUG_SUSPEND: there
	 * is a launch in its save area.
	 */
	DRM_GAON_QUEUE_SAVED = 1 << 7,
};

/**
 * enum drm_gaon_queue_query_flags - how a queue is asked
 */
enum drm_gaon_queue_query_flags {
	/** @DRM_GAON_QUEUE_ACK: the caller takes note of the fault: WAIT no longer ends for it. */
	DRM_GAON_QUEUE_ACK = 1 << 0,
};

/**
 * struct drm_gaon_queue_query - argument of %DRM_IOCTL_GAON_QUEUE_STATE
 */
struct drm_gaon_queue_query {
	/** @queue_id: the handle. */
	__u32 queue_id;
	/** @flags: of &enum drm_gaon_queue_query_flags. */
	__u32 flags;
	/** @state: out: of &enum drm_gaon_queue_state_flags. */
	__u32 state;
	/** @priority: out: of &enum drm_gaon_priority. */
	__u32 priority;
	/** @submitted: out: jobs of a kernel-owned queue taken; else 0. */
	__aligned_u64 submitted;
	/** @completed: out: jobs completed, or packets that the device counts as read. */
	__aligned_u64 completed;
	/** @preempted: out: how often it gave up its slot with work left. */
	__aligned_u64 preempted;
	/** @lost: out: jobs that were dropped though they were not at fault. */
	__aligned_u64 lost;
	/** @fault: out: the first fault. */
	struct drm_gaon_fault fault;
	/**
	 * @ring_index: out: of a kernel-owned queue: by what records in the print ring name a
	 * launch of the job that is handed to the device next; %DRM_GAON_JOB_PACKETS more for each
	 * job behind it. Else 0.
	 */
	__aligned_u64 ring_index;
};

/** DRM_GAON_JOB_PACKETS - entries of the hardware's ring that a job takes */
#define DRM_GAON_JOB_PACKETS	3

/**
 * struct drm_gaon_queue_set_priority - argument of %DRM_IOCTL_GAON_QUEUE_SET_PRIORITY
 *
 * Errors: -EACCES: @priority needs CAP_SYS_NICE.
 */
struct drm_gaon_queue_set_priority {
	/** @queue_id: the handle. */
	__u32 queue_id;
	/** @priority: of &enum drm_gaon_priority. */
	__u32 priority;
};

/**
 * struct drm_gaon_queue_clear - argument of %DRM_IOCTL_GAON_QUEUE_CLEAR
 *
 * A user-mode queue that faulted or was reset skips to its write index and goes on; a
 * kernel-owned one takes jobs again.
 *
 * Errors: -EBUSY: it is neither faulted nor reset, or %DRM_GAON_DEBUG_SUSPEND holds it. -ECANCELED:
 * it can never go on.
 */
struct drm_gaon_queue_clear {
	/** @queue_id: the handle. */
	__u32 queue_id;
	/** @pad: 0. */
	__u32 pad;
};

/**
 * enum drm_gaon_debug_op - what %DRM_IOCTL_GAON_DEBUG does
 */
enum drm_gaon_debug_op {
	/**
	 * @DRM_GAON_DEBUG_SUSPEND: the queue leaves its slot; what it has begun is saved, if need
	 * be inside a workgroup. When the call returns its save area is the caller's, until RESUME.
	 * Again: no harm.
	 */
	DRM_GAON_DEBUG_SUSPEND = 0,
	/** @DRM_GAON_DEBUG_RESUME: it goes on with what is in its save area now. */
	DRM_GAON_DEBUG_RESUME = 1,
	/** @DRM_GAON_DEBUG_READ: @size bytes at @offset of the save area are stored at @pointer. */
	DRM_GAON_DEBUG_READ = 2,
	/** @DRM_GAON_DEBUG_WRITE: the same, the other way. */
	DRM_GAON_DEBUG_WRITE = 3,
};

/**
 * struct drm_gaon_debug - argument of %DRM_IOCTL_GAON_DEBUG
 *
 * For a queue that was created with %DRM_GAON_QUEUE_DEBUG, by the file that did so. What is in its
 * save area is told by Documentation/hw/debug.rst; the device trusts nothing of it. A queue that
 * stopped by itself must be suspended, too, before it is looked at and resumed. While it stands it
 * holds no slot and no core, its address space may be changed and may be moved away, the machine
 * may sleep; it is destroyed as any other. A reset of the device takes it along.
 *
 * An error in the middle of READ or WRITE leaves those bytes done that came before.
 *
 * Errors: -EINVAL also: the queue was created without the flag. -ERANGE: READ, WRITE: outside the
 * save area (@save_bytes of &struct drm_gaon_query_device). -EBUSY: RESUME, READ, WRITE: it was not
 * suspended by SUSPEND. -ECANCELED: it can never go on.
 */
struct drm_gaon_debug {
	/** @queue_id: the handle. */
	__u32 queue_id;
	/** @op: of &enum drm_gaon_debug_op. */
	__u32 op;
	/** @offset: READ, WRITE: in the save area; else 0. */
	__aligned_u64 offset;
	/** @size: READ, WRITE: bytes; else 0. */
	__aligned_u64 size;
	/** @pointer: READ, WRITE: the caller's memory; else 0. */
	__aligned_u64 pointer;
};

/* --- work ---------------------------------------------------------------------------------- */

/**
 * struct drm_gaon_job - a list of packets that a kernel-owned queue runs
 *
 * The list (an array of struct gaon_packet) is read when it runs. It may hold no WAIT and no CALL,
 * and only user addresses.
 */
struct drm_gaon_job {
	/** @list_va: device address of the list, aligned to 64 bytes. */
	__aligned_u64 list_va;
	/** @value_base: added to completion values of packets with GAON_PKT_F_VALUE_BASE. */
	__aligned_u64 value_base;
	/** @args_base: added to argument addresses of packets with GAON_PKT_F_ARGS_BASE. */
	__aligned_u64 args_base;
	/** @count: packets, 1 to 2^20; 0: none, and the three above are 0: only the syncs. */
	__u32 count;
	/** @flags: 0. */
	__u32 flags;
	/** @syncs: of &struct drm_gaon_sync, at most %DRM_GAON_MAX_SYNCS. */
	struct drm_gaon_obj_array syncs;
};

/**
 * struct drm_gaon_submit - argument of %DRM_IOCTL_GAON_SUBMIT
 *
 * Jobs of a queue run in the order in which they were submitted; each starts when the syncs that
 * it waits for are signalled and the one before it is complete, and signals its own when it is
 * complete. All or none of the jobs are taken.
 *
 * A job that faults, or does not end in time, gives its fence an error: -EIO if the fault was its
 * own, -ECANCELED if it was dropped for another's sake, also when queues of higher priority left
 * it no turn.
 *
 * Errors: -EINVAL also: the queue is user-mode. -EIO: the queue has faulted and was not cleared.
 * -ECANCELED: it can never go on.
 */
struct drm_gaon_submit {
	/** @queue_id: a kernel-owned queue. */
	__u32 queue_id;
	/** @flags: 0. */
	__u32 flags;
	/** @jobs: of &struct drm_gaon_job, 1 to %DRM_GAON_SUBMIT_MAX_JOBS. */
	struct drm_gaon_obj_array jobs;
};

/**
 * define DRM_GAON_SUBMIT_MAX_JOBS - most jobs of one SUBMIT
 *
 * More: -EINVAL, and none is taken.
 */
#define DRM_GAON_SUBMIT_MAX_JOBS	64

/**
 * enum drm_gaon_wait_op - what is waited for
 */
enum drm_gaon_wait_op {
	/** @DRM_GAON_WAIT_GE: the value is at least @value, unsigned. */
	DRM_GAON_WAIT_GE = 0,
	/** @DRM_GAON_WAIT_EQ: the value is @value. */
	DRM_GAON_WAIT_EQ = 1,
	/** @DRM_GAON_WAIT_MASK: any bit of @value is set in it. */
	DRM_GAON_WAIT_MASK = 2,
};

/**
 * struct drm_gaon_wait - argument of %DRM_IOCTL_GAON_WAIT
 *
 * Sleeps until the 64-bit word at @addr satisfies @op. The word is looked at first, and again
 * whenever the device raises an event of the address space; so the packet that stores it must have
 * GAON_PKT_F_EVENT. A word that is changed in another way is seen at the end of the time at the
 * latest.
 *
 * Errors: -ETIME: the time is over. -EIO: a queue of the address space has a fault that nobody has
 * acknowledged (%DRM_GAON_QUEUE_ACK), and the word does not satisfy @op. -ECANCELED: the address
 * space is lost or unusable.
 */
struct drm_gaon_wait {
	/** @addr: the caller's address of the word, aligned to 8 bytes. */
	__aligned_u64 addr;
	/** @value: to compare with. */
	__aligned_u64 value;
	/** @timeout_ns: absolute, CLOCK_MONOTONIC; in the past: look once. */
	__s64 timeout_ns;
	/** @vm_id: the address space whose queues store the word. */
	__u32 vm_id;
	/** @op: of &enum drm_gaon_wait_op. */
	__u32 op;
};

/* --- events -------------------------------------------------------------------------------- */

/** DRM_GAON_EVENT_FAULT - type of &struct drm_gaon_event_fault */
#define DRM_GAON_EVENT_FAULT	0x80000000

/**
 * struct drm_gaon_event_fault - read from the node when a queue of the file has faulted
 *
 * A file holds few unread events. When there is no room the event is dropped and counted; what
 * happened can still be read by %DRM_IOCTL_GAON_QUEUE_STATE.
 */
struct drm_gaon_event_fault {
	/** @base: type and length. */
	struct drm_event base;
	/** @queue_id: handle of the queue. */
	__u32 queue_id;
	/** @vm_id: handle of its address space. */
	__u32 vm_id;
	/** @dropped: events of this file that were dropped so far. */
	__aligned_u64 dropped;
	/** @fault: what happened. */
	struct drm_gaon_fault fault;
};

/** DRM_GAON_EVENT_STOP - type of &struct drm_gaon_event_stop */
#define DRM_GAON_EVENT_STOP	0x80000001

/**
 * struct drm_gaon_event_stop - read from the node when a queue has stopped that can be debugged
 *
 * One for each time that it was created or resumed. As with faults it is dropped when there is no
 * room; then %DRM_GAON_QUEUE_STOPPED tells.
 */
struct drm_gaon_event_stop {
	/** @base: type and length. */
	struct drm_event base;
	/** @queue_id: handle of the queue. */
	__u32 queue_id;
	/** @vm_id: handle of its address space. */
	__u32 vm_id;
	/** @dropped: events of this file that were dropped so far. */
	__aligned_u64 dropped;
};

/* --- numbers ------------------------------------------------------------------------------- */

/**
 * DRM_IOCTL_GAON() - number of an ioctl
 * @access: W, R or WR
 * @id: the part of the name behind ``DRM_GAON_``
 * @type: the part of the structure's name behind ``drm_gaon_``
 */
#define DRM_IOCTL_GAON(access, id, type)					\
	DRM_IO##access(DRM_COMMAND_BASE + DRM_GAON_##id, struct drm_gaon_##type)

enum {
	DRM_IOCTL_GAON_DEV_QUERY = DRM_IOCTL_GAON(WR, DEV_QUERY, dev_query),
	DRM_IOCTL_GAON_VM_CREATE = DRM_IOCTL_GAON(WR, VM_CREATE, vm_create),
	DRM_IOCTL_GAON_VM_DESTROY = DRM_IOCTL_GAON(WR, VM_DESTROY, vm_destroy),
	DRM_IOCTL_GAON_VM_BIND = DRM_IOCTL_GAON(WR, VM_BIND, vm_bind),
	DRM_IOCTL_GAON_VM_STATE = DRM_IOCTL_GAON(WR, VM_STATE, vm_state),
	DRM_IOCTL_GAON_BO_CREATE = DRM_IOCTL_GAON(WR, BO_CREATE, bo_create),
	DRM_IOCTL_GAON_BO_MMAP_OFFSET = DRM_IOCTL_GAON(WR, BO_MMAP_OFFSET, bo_mmap_offset),
	DRM_IOCTL_GAON_BO_INFO = DRM_IOCTL_GAON(WR, BO_INFO, bo_info),
	DRM_IOCTL_GAON_BO_SET_NAME = DRM_IOCTL_GAON(WR, BO_SET_NAME, bo_set_name),
	DRM_IOCTL_GAON_QUEUE_CREATE = DRM_IOCTL_GAON(WR, QUEUE_CREATE, queue_create),
	DRM_IOCTL_GAON_QUEUE_DESTROY = DRM_IOCTL_GAON(WR, QUEUE_DESTROY, queue_destroy),
	DRM_IOCTL_GAON_QUEUE_STATE = DRM_IOCTL_GAON(WR, QUEUE_STATE, queue_query),
	DRM_IOCTL_GAON_QUEUE_SET_PRIORITY =
		DRM_IOCTL_GAON(WR, QUEUE_SET_PRIORITY, queue_set_priority),
	DRM_IOCTL_GAON_QUEUE_CLEAR = DRM_IOCTL_GAON(WR, QUEUE_CLEAR, queue_clear),
	DRM_IOCTL_GAON_DEBUG = DRM_IOCTL_GAON(WR, DEBUG, debug),
	DRM_IOCTL_GAON_SUBMIT = DRM_IOCTL_GAON(WR, SUBMIT, submit),
	DRM_IOCTL_GAON_WAIT = DRM_IOCTL_GAON(WR, WAIT, wait),
};

#if defined(__cplusplus)
}
#endif

#endif
