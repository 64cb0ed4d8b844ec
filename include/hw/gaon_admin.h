/* SPDX-License-Identifier: MIT */
/* Admin protocol between host and firmware. Specification: Documentation/hw/admin.rst. */
#ifndef GAON_HW_ADMIN_H
#define GAON_HW_ADMIN_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdint.h>
#endif

#include "gaon_regs.h"

#define GAON_ABI_MIN		1	/* admin ABI versions that these headers describe */
#define GAON_ABI_MAX		1

/**
 * gaon_abi_common() - the admin ABI that a firmware and these headers both speak
 * @min: the lowest that the firmware speaks
 * @max: the highest
 *
 * Return: the highest common version, 0 if there is none or @min and @max are no range.
 */
static inline uint16_t gaon_abi_common(uint16_t min, uint16_t max)
{
	if (min > max || min > GAON_ABI_MAX || max < GAON_ABI_MIN)
		return 0;
	return max < GAON_ABI_MAX ? max : GAON_ABI_MAX;
}

#define GAON_ADMIN_LOG2_MIN	2
#define GAON_ADMIN_LOG2_MAX	12

/* In host memory: written by the firmware. At most ring-size commands may be outstanding. */
struct gaon_admin_state {
	uint64_t sq_head;	/* commands consumed */
	uint64_t cq_tail;	/* completions produced */
	uint64_t reserved[6];
};

#define GAON_ADMIN_NOP			0x00
#define GAON_ADMIN_IDENTIFY		0x01
#define GAON_ADMIN_SET_FEATURES		0x02
#define GAON_ADMIN_CONTEXT_CREATE	0x10
#define GAON_ADMIN_CONTEXT_DESTROY	0x11
#define GAON_ADMIN_CONTEXT_SUSPEND	0x12	/* all its queues */
#define GAON_ADMIN_CONTEXT_RESUME	0x13
#define GAON_ADMIN_CONTEXT_RESET	0x14	/* drop all its work, queues end FAULTED with RESET */
#define GAON_ADMIN_QUEUE_CREATE		0x20
#define GAON_ADMIN_QUEUE_DESTROY	0x21	/* acknowledged when nothing of it is in flight */
#define GAON_ADMIN_QUEUE_SUSPEND	0x22	/* acknowledged when its state is saved */
#define GAON_ADMIN_QUEUE_RESUME		0x23
#define GAON_ADMIN_QUEUE_PRIORITY	0x24
#define GAON_ADMIN_QUEUE_RESET		0x25	/* drop work in flight, read = write, status RESET */
#define GAON_ADMIN_FAULT_CLEAR		0x26	/* FAULTED queue: skip to its write index, go on */
#define GAON_ADMIN_QUEUE_QUERY		0x27
#define GAON_ADMIN_QUEUE_RESTORE	0x28	/* the state of before a chip reset */
#define GAON_ADMIN_ENGINE_RESET		0x30
#define GAON_ADMIN_TELEMETRY		0x40
#define GAON_ADMIN_LOG_SETUP		0x41
#define GAON_ADMIN_LIMITS		0x42
#define GAON_ADMIN_INJECT		0x43	/* needs the debug fuse */
#define GAON_ADMIN_RETIRED		0x44	/* the list of retired pages */
#define GAON_ADMIN_POWER		0x45	/* cap of power, highest clock; needs GAON_FEATURE_POWER */
#define GAON_ADMIN_CORE_STATE		0x48	/* what a core kept of the workgroup last dropped */
#define GAON_ADMIN_ERRORS		0x4a	/* needs GAON_FEATURE_ERRORS, as the next */
#define GAON_ADMIN_RETIRE		0x4b	/* a page into the list of retired pages */
#define GAON_ADMIN_PORTS		0x4c	/* needs GAON_FEATURE_PORTS */
#define GAON_ADMIN_LINK			0x50	/* needs GAON_FEATURE_LINKS */

#define GAON_ADMIN_OK			0
#define GAON_ADMIN_ERR_OPCODE		1
#define GAON_ADMIN_ERR_RESERVED		2	/* a reserved field is not zero */
#define GAON_ADMIN_ERR_ID		3	/* no such context or queue */
#define GAON_ADMIN_ERR_BUSY		4	/* id in use, or context still has queues */
#define GAON_ADMIN_ERR_RANGE		5
#define GAON_ADMIN_ERR_ALIGN		6
#define GAON_ADMIN_ERR_FEATURE		7
#define GAON_ADMIN_ERR_STATE		8	/* not in a state that allows it */
#define GAON_ADMIN_ERR_DMA		9	/* buffer not reachable */
#define GAON_ADMIN_ERR_TIMEOUT		10	/* work did not drain; context killed */

/* Features: software takes the bits that it knows, by SET_FEATURES. */
#define GAON_FEATURE_MODELLED_TIME	(1ull << 0)	/* cycles are a model's, not a clock's */
#define GAON_FEATURE_PREEMPT_INSIDE	(1ull << 1)	/* save areas work */
#define GAON_FEATURE_LINKS		(1ull << 2)
#define GAON_FEATURE_INJECT		(1ull << 3)	/* debug fuse is blown */
#define GAON_FEATURE_RETIRE		(1ull << 4)	/* keeps a list of HBM pages that must not be used */
#define GAON_FEATURE_GEMM_MEMORY	(1ull << 5)	/* GAON_GEMM_B_MEMORY: the arrays read memory */
#define GAON_FEATURE_POWER		(1ull << 6)	/* cap of power and clock can be set: POWER */
#define GAON_FEATURE_ERRORS		(1ull << 8)	/* ERRORS, RETIRE, INJECT of a place */
#define GAON_FEATURE_DEBUG		(1ull << 9)	/* GAON_QUEUE_F_DEBUG */
#define GAON_FEATURE_RESTART		(1ull << 10)	/* GAON_RESET_FIRMWARE, GAON_RESTORE_ADOPT */
#define GAON_FEATURE_PORTS		(1ull << 11)	/* of links to other cards: PORTS */

struct gaon_admin_identify {		/* reply: data written at data_pa */
	uint64_t data_pa;
	uint32_t data_len;		/* at least sizeof(struct gaon_identify) */
	uint32_t reserved0;
	uint64_t reserved1[5];
};

struct gaon_admin_features {
	uint64_t mask;
	uint64_t reserved[6];
};

struct gaon_admin_context {		/* CREATE; others use id only */
	uint32_t context;		/* 1 to GAON_CONTEXTS - 1: also the doorbell page */
	uint16_t asid;			/* not 0 */
	uint8_t ring;			/* event ring, 0 to GAON_EVENT_RINGS - 1 */
	uint8_t reserved0;
	uint64_t root_pa;		/* page-aligned Sv48 root */
	uint64_t print_va;		/* struct gaon_print_ring or 0 */
	uint64_t reserved1[4];
};

#define GAON_QUEUE_KIND_USER		0
#define GAON_QUEUE_KIND_KERNEL		1
#define GAON_QUEUE_F_DEBUG		(1u << 0)	/* its workgroups stop instead of faulting */

/* QUEUE_QUERY: what is asked for, in `value` */
#define GAON_QUERY_STATE		0
#define GAON_QUERY_TIMES		1

/*
 * LIMITS: what the host gives a model as `preempt_ms`. The limit counts the host's time, and a model's
 * cores are threads of a host that may have others to run.
 */
#define GAON_PREEMPT_MODEL_MS		10000

/* Priority bands: a higher band preempts a lower one; inside a band time slices. */
#define GAON_PRIORITY_LOW		0
#define GAON_PRIORITY_NORMAL		1
#define GAON_PRIORITY_HIGH		2
#define GAON_PRIORITY_REALTIME		3
#define GAON_PRIORITIES			4

struct gaon_admin_queue {		/* CREATE */
	uint32_t queue;			/* 0 to GAON_QUEUES - 1, the host's choice */
	uint32_t context;
	uint16_t doorbell;		/* index in the context's page */
	uint8_t kind;
	uint8_t priority;
	uint8_t ring_log2;
	uint8_t flags;			/* GAON_QUEUE_F_* */
	uint8_t reserved0[2];
	uint64_t ring_va;		/* 64-byte aligned; user half for USER, upper half for KERNEL */
	uint64_t state_va;		/* struct gaon_queue_state, the same half */
	uint64_t save_va;		/* upper half, identify.save_bytes long; 0: no save area */
	uint32_t slice_us;		/* 0: the default */
	uint32_t reserved1;
	uint64_t limit_cycles;		/* watchdog per launch; 0: the device's default */
};

struct gaon_admin_id {			/* DESTROY, SUSPEND, RESUME, RESET, PRIORITY, CLEAR, QUERY */
	uint32_t id;
	uint32_t value;			/* PRIORITY: the new one; else 0 */
	uint64_t reserved[6];
};

/* Bits of value[3] of QUEUE_QUERY */
#define GAON_QUERY_CONDITION		0x3	/* not 0: it stands still */
#define GAON_QUERY_FAULTED		0x1	/* a condition */
#define GAON_QUERY_RESET		0x2	/* a condition: its work was dropped */
#define GAON_QUERY_SUSPENDED		0x4
#define GAON_QUERY_CONTEXT_SUSPENDED	0x8
#define GAON_QUERY_SAVED		0x10	/* a launch is in the save area */
#define GAON_QUERY_READY		0x20	/* it waits for a slot */
#define GAON_QUERY_LATE			0x40	/* others were reset because it did not stop */
#define GAON_QUERY_ASLEEP		0x80	/* out of a slot since it had nothing to do */
#define GAON_QUERY_STOPPED		0x100	/* it stopped for its debugger, until RESUME */
#define GAON_RESTORE_ADOPT		0x200	/* QUEUE_RESTORE alone: the state block knows where it was */

struct gaon_admin_restore {		/* QUEUE_RESTORE: what QUEUE_QUERY told */
	uint32_t queue;
	uint32_t state;			/* CONDITION, SAVED, LATE, ASLEEP of value[3] */
	uint64_t read;
	uint64_t core_cycles, copy_cycles;
	uint32_t preempted;
	uint32_t reserved0;
	uint64_t reserved1[2];
};

/*
 * TELEMETRY: a struct gaon_telemetry; LOG_SETUP: a struct gaon_log_ring; RETIRED: a struct gaon_retired;
 * CORE_STATE: a struct gaon_core_state; ERRORS: a struct gaon_errors; PORTS: a struct gaon_ports
 */
struct gaon_admin_buffer {
	uint64_t pa;
	uint32_t bytes;
	uint32_t value;			/* LOG_SETUP: level 0 (error) to 3 (debug); CORE_STATE: the core */
	uint64_t reserved[5];
};

struct gaon_admin_limits {
	uint64_t launch_cycles;		/* default watchdog, 0: leave */
	uint32_t preempt_ms;		/* 0: leave */
	uint32_t heartbeat_ms;		/* 0: no periodic heartbeat */
	uint32_t slice_us;		/* 0: leave */
	uint32_t reserved0;
	uint64_t reserved1[4];
};

#define GAON_INJECT_CE			1	/* correctable error of `target` */
#define GAON_INJECT_UE			2	/* uncorrectable error of it */
#define GAON_INJECT_FW_HANG		3
#define GAON_INJECT_FW_CRASH		4
#define GAON_INJECT_AMBIENT		5	/* the air has `address` thousandths of a degree */
#define GAON_INJECT_HBM			0	/* targets: of the HBM line at `address` */
#define GAON_INJECT_SPM			1	/* of the scratchpad of core `address` */
#define GAON_INJECT_LINK		2	/* of link `address` */
struct gaon_admin_inject {
	uint32_t kind;
	uint32_t target;
	uint64_t address;
	uint64_t reserved[5];
};

struct gaon_admin_retire {
	uint64_t page;			/* HBM offset, a multiple of 4 KiB */
	uint64_t reserved[6];
};

/* Why the cores' clock is not the highest: bits of `throttle` in struct gaon_telemetry and of events */
#define GAON_THROTTLE_POWER		0x1	/* the cap of power */
#define GAON_THROTTLE_HEAT		0x2	/* temp_max_mc */
#define GAON_THROTTLE_CRITICAL		0x4	/* temp_crit_mc: as slow as can be */
#define GAON_THROTTLE_LIMIT		0x8	/* the host's own limit; of that no event is made */

struct gaon_admin_power {
	uint32_t cap_mw;		/* 0: leave */
	uint32_t clock_khz;		/* the highest that the host wants, 0: leave */
	uint64_t reserved[6];
};

struct gaon_admin_cmd {
	uint16_t opcode;
	uint16_t reserved;
	uint32_t cookie;		/* echoed */
	union {
		struct gaon_admin_identify identify;
		struct gaon_admin_features features;
		struct gaon_admin_context context;
		struct gaon_admin_queue queue;
		struct gaon_admin_id id;
		struct gaon_admin_restore restore;
		struct gaon_admin_buffer buffer;
		struct gaon_admin_limits limits;
		struct gaon_admin_inject inject;
		struct gaon_admin_retire retire;
		struct gaon_admin_power power;
		uint8_t bytes[56];
	};
};

struct gaon_admin_reply {
	uint16_t opcode;
	uint16_t status;		/* GAON_ADMIN_* */
	uint32_t cookie;
	uint64_t value[6];		/* SET_FEATURES: granted mask; QUEUE_QUERY, POWER: see admin.rst */
	uint64_t valid;			/* completion index + 1, written last */
};

#define GAON_NUMERICS_PROFILE	1	/* Documentation/hw/numerics.rst */

struct gaon_identify {			/* 256 bytes */
	uint32_t size;			/* of what was written */
	uint16_t abi_min, abi_max;
	uint32_t fw_version;
	uint32_t hw_revision;
	uint64_t features;
	uint64_t hbm_bytes;
	uint64_t aperture_bytes;
	uint64_t spm_bytes;		/* per core */
	uint64_t save_bytes;		/* per queue */
	uint32_t cores;
	uint32_t vlen, dlen;
	uint32_t vector_pipes;
	uint32_t matrix_arrays;		/* per core */
	uint32_t matrix_dim;
	uint32_t dma_channels;		/* per core */
	uint32_t copy_engines;
	uint32_t slots;
	uint32_t contexts, queues;
	uint32_t clock_khz;		/* highest clock of the cores; cycles of GAON_REG_CYCLE */
	uint32_t hbm_mbps, host_mbps;	/* MB/s (10^6) each way */
	uint32_t links, link_mbps;
	uint32_t numerics;
	uint32_t preempt_ms;
	uint32_t hbm_channels;
	uint8_t serial[16];
	char name[32];
	char fw_build[32];
	/* Below: 0 without GAON_FEATURE_POWER */
	uint32_t clock_min_khz, clock_step_khz;
	uint32_t power_min_mw, power_max_mw, power_default_mw;	/* of the cap */
	uint32_t power_idle_mw;		/* what it takes when nothing works */
	int32_t temp_max_mc;		/* from which on the clock goes down */
	int32_t temp_max_hyst_mc;	/* below which it goes up again */
	int32_t temp_crit_mc;		/* at which it is the lowest */
	int32_t temp_emergency_mc;	/* at which the device stops */
};

/**
 * gaon_identify_valid() - whether a device can be what its firmware says
 * @id: the firmware's word
 * @hbm: GAON_REG_HBM_SIZE
 * @aperture: GAON_REG_APERTURE
 *
 * Only of what software computes with; the rest is for people.
 *
 * Return: nonzero if it can.
 */
static inline int gaon_identify_valid(const struct gaon_identify *id, uint64_t hbm,
				      uint64_t aperture)
{
	return id->size >= __builtin_offsetof(struct gaon_identify, serial) &&
	       id->hbm_bytes == hbm && hbm && !(hbm & 4095) &&
	       id->aperture_bytes == aperture && aperture <= hbm &&
	       id->contexts >= 2 && id->contexts <= GAON_CONTEXTS && id->queues &&
	       id->queues <= GAON_QUEUES && id->save_bytes <= 1u << 30 && id->clock_khz &&
	       id->cores && id->preempt_ms && id->preempt_ms <= 60000;
}

/* All monotonic since chip reset unless said otherwise. */
struct gaon_telemetry {			/* 512 bytes */
	uint32_t size;
	uint32_t clock_khz;		/* now */
	uint64_t cycle;
	uint64_t core_busy[8];		/* cycles; cores above 8 share by modulo */
	uint64_t matrix_busy[8];
	uint64_t dma_busy[8];
	uint64_t copy_busy[4];
	uint64_t hbm_read, hbm_write;	/* bytes */
	uint64_t host_read, host_write;
	uint64_t packets, launches, workgroups, instructions;
	uint64_t doorbells, doorbells_dropped;
	uint64_t faults, preemptions, resets;
	uint64_t tlb_misses, tlbi;
	uint64_t energy_uj;
	uint32_t power_mw;
	int32_t temp_mc;		/* millidegrees Celsius */
	uint64_t hbm_ce, hbm_ue, spm_ce, spm_ue, link_ce, link_ue;
	uint64_t lost_events;
	uint64_t retired_pages;		/* survives resets */
	/* The firmware's; 0 without GAON_FEATURE_POWER */
	uint32_t power_cap_mw, clock_limit_khz;	/* in force, now */
	uint32_t throttle;		/* GAON_THROTTLE_*, now */
	uint32_t reserved0;
	uint64_t throttled_power, throttled_heat;	/* times that the cap, or the temperature, began to */
	uint64_t throttled_power_cycles, throttled_heat_cycles;
	uint64_t reserved[3];
};

/* HBM pages with an uncorrectable error in their past; kept in the chip for good. */
#define GAON_RETIRED_MAX	64
struct gaon_retired {
	uint32_t count;
	uint32_t reserved;
	uint64_t page[GAON_RETIRED_MAX];	/* HBM offsets, multiples of 4 KiB */
};

/* Errors by where they were; the sums are in struct gaon_telemetry. All since chip reset. */
#define GAON_ERROR_CHANNELS	64	/* the most that there can be of each */
#define GAON_ERROR_CORES	64
#define GAON_ERROR_LINKS	16
#define GAON_HBM_INTERLEAVE	256	/* bytes of HBM in turn of each channel */
struct gaon_error_count {
	uint32_t corrected;
	uint32_t uncorrected;
};

struct gaon_errors {
	uint32_t size;			/* of what was written */
	uint32_t channels, cores, links;	/* how many of the following there are */
	struct gaon_error_count hbm[GAON_ERROR_CHANNELS];
	struct gaon_error_count spm[GAON_ERROR_CORES];
	struct gaon_error_count link[GAON_ERROR_LINKS];	/* 0: the one to the host */
};

/** gaon_hbm_channel() - the channel of HBM that has a byte; @channels as IDENTIFY says, not 0 */
static inline uint32_t gaon_hbm_channel(uint64_t offset, uint32_t channels)
{
	return (uint32_t)(offset / GAON_HBM_INTERLEAVE) % channels;
}

/* Firmware log, in host memory: header, then `bytes` of text lines "<level> cycle text\n". */
struct gaon_log_ring {
	uint64_t write;			/* bytes written ever; firmware's */
	uint32_t bytes;			/* size of data[], set by the firmware */
	uint32_t reserved;
	uint8_t data[];
};

#endif
