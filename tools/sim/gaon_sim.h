/* SPDX-License-Identifier: MIT */
/*
 * The GA1 device model as a library: what wraps it (the runtime's direct winsys, the vfio-user
 * server, fuzz targets) calls these and nothing else.  No globals: any number of devices.
 *
 * Threads: every call may be made from any thread unless it says otherwise.  The model may own
 * worker threads; all of them sleep while the device is idle.
 */
#ifndef GAON_SIM_H
#define GAON_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gaon_sim;

/* When asynchronous effects (DMA, gemm, posted stores, completions, interrupts) happen. */
enum gaon_sim_effects {
	GAON_SIM_EFFECTS_NORMAL,	/* large DMA loads during the next product, all else at once */
	GAON_SIM_EFFECTS_EARLY,		/* as early as the specification allows */
	GAON_SIM_EFFECTS_LATE,		/* as late as it allows */
};

#define GAON_SIM_COMPILE_AFTER	16

/* Things about which a device can lie to its host, bits of gaon_sim_config.lies. */
enum gaon_sim_lie {
	GAON_SIM_LIE_REPLY,		/* fields of replies of the admin queue */
	GAON_SIM_LIE_INDEX,		/* their completion index */
	GAON_SIM_LIE_LATE,		/* replies that come seconds later */
	GAON_SIM_LIE_TWICE,		/* replies that come twice */
	GAON_SIM_LIE_NEVER,		/* replies that do not come */
	GAON_SIM_LIE_IDENTIFY,		/* fields of what IDENTIFY writes */
	GAON_SIM_LIE_TELEMETRY,		/* fields of what TELEMETRY writes */
	GAON_SIM_LIE_LOG,		/* text and index of the firmware's log */
	GAON_SIM_LIE_EVENT,		/* event records: fields, index, missing, twice */
	GAON_SIM_LIE_HEARTBEAT,		/* leaps, or stands still until a reset */
	GAON_SIM_LIE_REGISTER,		/* STATE, BOOT_ERROR, FW_VERSION, FW_ABI, HEARTBEAT */
	GAON_SIM_LIE_TLBI,		/* number of the last completed TLB invalidation */
	GAON_SIM_LIE_OUTSIDE,		/* QUEUE_QUERY: the queue is in no slot */
	GAON_SIM_LIE_STUCK,		/* queue, context: no reset until ENGINE_RESET; SUSPEND times out */
	GAON_SIM_LIE_HUNG,		/* QUEUE_RESET, CONTEXT_RESET and ENGINE_RESET are refused */
	GAON_SIM_LIE_TANGLED,		/* QUEUE_RESET is refused until CONTEXT_RESET */
	GAON_SIM_LIE_DEAF,		/* the register RESET does nothing */
	GAON_SIM_LIES
};

/* As on the command line; NULL behind the last. */
const char *gaon_sim_lie_name(unsigned int kind);

enum gaon_sim_unit {
	GAON_SIM_UNIT_NONE, GAON_SIM_UNIT_INTEGER, GAON_SIM_UNIT_MULTIPLY, GAON_SIM_UNIT_FLOAT,
	GAON_SIM_UNIT_VECTOR, GAON_SIM_UNIT_MATRIX,
	GAON_SIM_UNITS
};

#define GAON_SIM_WIRE_BYTES	(64u << 10)

/**
 * struct gaon_sim_flaws - what is broken without the chip noticing; all zero: nothing
 * @hbm_offset, @hbm_mask: these bits of that byte of HBM are 0 after each launch
 * @spm_core, @spm_offset, @spm_mask: the same of a core's scratchpad, after each gaon.fence of it
 * @wire_lane, @wire_mask: these bits of that byte of each 64 are 0 in what copies of %GAON_SIM_WIRE_BYTES
 *	and more take across the link to the host
 * @core, @unit: enum gaon_sim_unit, of which that core gets results with the lowest bit wrong
 * @link_percent, @memory_percent, @clock_percent: what link to the host, HBM and the cores' clock have
 *	left of what IDENTIFY and TELEMETRY say
 */
struct gaon_sim_flaws {
	uint64_t hbm_offset;
	uint32_t spm_core, spm_offset;
	uint8_t hbm_mask, spm_mask, wire_lane, wire_mask;
	uint32_t core, unit;
	uint32_t link_percent, memory_percent, clock_percent;
};

/*
 * From "hbm:OFFSET:BIT", "spm:CORE:OFFSET:BIT", "wire:LANE:BIT", "core:CORE:UNIT", "link:PERCENT",
 * "memory:PERCENT", "clock:PERCENT", several with + between them. False, and @out as it was: it is none.
 */
bool gaon_sim_flaws_parse(const char *text, struct gaon_sim_flaws *out);

/**
 * struct gaon_sim_config - shape of the device; zero in a field means its default
 * @size: sizeof(struct gaon_sim_config)
 * @hbm_bytes: default 32 GiB, sparse
 * @aperture_bytes: BAR2; default all of HBM
 * @spm_bytes: scratchpad per core, default 4 MiB
 * @cores: default 4
 * @vlen: default 4096
 * @slots: hardware queue slots, default 32
 * @msix_vectors: 1 to 8 (GAON_MSIX_VECTORS, the default)
 * @threads: host threads that may execute cores, the caller of gaon_sim_run() included; default
 *	the number of host processors.  1: no worker thread, the device runs only in gaon_sim_run().
 * @effects: see above
 * @no_time: leave modelled costs out (cycles stay 0)
 * @share_hbm: keep HBM in a memory file that other processes can map (gaon_sim_hbm_fd()); without,
 *	it is this process' own memory, which is faster: the host gives it huge pages
 * @debug_fuse: allow error injection
 * @no_gemm_memory: a card without GAON_FEATURE_GEMM_MEMORY
 * @matrix_path: 0 picks the best of this host, else 1 + enum sim_matrix_path
 * @nv_path: file of non-volatile state (rollback version, retired pages); NULL: in memory
 * @public_keys, @public_key_count: 32-byte Ed25519 keys that the ROM trusts
 * @no_compile: interpret vector instructions only; else runs of them become host code, if the host
 *	has AVX-512
 * @compile_after: executions of a run before that, default GAON_SIM_COMPILE_AFTER; results do not
 *	depend on it
 * @lies: for tests of software that must not trust the device: bit per enum gaon_sim_lie
 * @lie_seed: repeats what is told instead
 * @lie_every: one occasion out of so many is used, default 8
 * @serial: number that its serial number ends in, at most 999999, default 1
 * @ambient_mc: temperature of the air around the card, thousandths of a degree Celsius, default 35000
 * @flaws: for tests of software that looks for broken hardware
 * @ports: of links to other cards, 0 (the default) to GAON_PORTS_MAX; gaon_sim_ports_tick() drives them
 */
struct gaon_sim_config {
	size_t size;
	uint64_t hbm_bytes;
	uint64_t aperture_bytes;
	uint64_t spm_bytes;
	uint32_t cores;
	uint32_t vlen;
	uint32_t slots;
	uint32_t msix_vectors;
	uint32_t threads;
	enum gaon_sim_effects effects;
	bool no_time;
	bool share_hbm;
	bool debug_fuse;
	bool no_gemm_memory;
	uint8_t matrix_path;		/* 0 auto, else 1 + enum sim_matrix_path */
	const char *nv_path;
	const uint8_t (*public_keys)[32];
	uint32_t public_key_count;
	bool no_compile;
	uint32_t compile_after;
	uint32_t lies;
	uint64_t lie_seed;
	uint32_t lie_every;
	uint32_t serial;
	int32_t ambient_mc;
	struct gaon_sim_flaws flaws;
	uint32_t ports;
};

/**
 * struct gaon_sim_host_ops - what the device asks of its host
 * @dma_map: host pointer for device access to [@iova, @iova + *@len), or NULL; *@len may be reduced
 *	to the contiguous run.  Valid until the host unmaps it, which it does only after a completed
 *	TLB invalidation or when the device cannot reach it.
 * @dma_read, @dma_write: for memory without a pointer; both NULL when dma_map serves everything.  They
 *	may block, for as long as the host likes: calls from other threads go on meanwhile
 * @dma_abort: dma_read and dma_write fail at once, those that are under way too, until it is called
 *	with false again as often as with true; NULL if they never block
 * @interrupt: MSI-X vector raised
 * @clock_ns: host clock
 * @log: one line of the model's own diagnostics; level as syslog
 * @port_send: a frame leaves a port; what is at the other end of its cable gets it, or nobody.  Comes from
 *	gaon_sim_ports_tick() without the model's locks held: it may call gaon_sim_port_receive()
 *
 * Callbacks come from any thread, may come with the model's locks held and must not call back into it.
 *
 * The function is as a card after power-on: before anything else the host sets Memory Space Enable
 * and Bus Master Enable in the command register (config write of 2 bytes at 4, value 6), else BARs
 * read ones and no DMA is done.  interrupt() is called only for vectors that are enabled and
 * unmasked in the MSI-X capability (its control word is at config offset 0x52) and table.
 */
struct gaon_sim_host_ops {
	uint8_t *(*dma_map)(void *ctx, uint64_t iova, uint64_t *len, bool write);
	int (*dma_read)(void *ctx, uint64_t iova, void *data, size_t len);
	int (*dma_write)(void *ctx, uint64_t iova, const void *data, size_t len);
	void (*dma_abort)(void *ctx, bool on);
	void (*interrupt)(void *ctx, unsigned int vector);
	uint64_t (*clock_ns)(void *ctx);
	void (*log)(void *ctx, int level, const char *line);
	void (*port_send)(void *ctx, unsigned int port, const void *frame, size_t bytes);
};

/* NULL with errno set: EINVAL (config), ENOMEM. */
struct gaon_sim *gaon_sim_create(const struct gaon_sim_config *config,
				 const struct gaon_sim_host_ops *ops, void *ctx);
/* Stops the workers; no other call may be under way. */
void gaon_sim_destroy(struct gaon_sim *sim);

/* PCI config space and BARs. @len 1, 2, 4 or 8, naturally aligned; else reads are ones, writes dropped. */
void gaon_sim_config_read(struct gaon_sim *sim, unsigned int offset, void *data, size_t len);
void gaon_sim_config_write(struct gaon_sim *sim, unsigned int offset, const void *data, size_t len);
uint64_t gaon_sim_bar_read(struct gaon_sim *sim, unsigned int bar, uint64_t offset, unsigned int len);
void gaon_sim_bar_write(struct gaon_sim *sim, unsigned int bar, uint64_t offset, uint64_t value,
			unsigned int len);

/*
 * The HBM aperture as host memory (BAR2), *@len bytes; with share_hbm the fd behind it, else -1.
 * Owned by the model.
 */
void *gaon_sim_hbm(struct gaon_sim *sim, uint64_t *len);
int gaon_sim_hbm_fd(struct gaon_sim *sim);

/* Doorbell without the register path: what a BAR4 store does. A few ns when the device is awake. */
void gaon_sim_doorbell(struct gaon_sim *sim, uint32_t context, uint32_t index);

/**
 * gaon_sim_run() - execute the device on the calling thread
 * @watch: if not NULL, come back as soon as *@watch >= @target (64-bit value in host-visible memory)
 * @budget_ns: about how long at most; 0: until idle or watched value
 *
 * Any number of threads may call; one becomes the dispatcher, others help with cores or return.
 * Return: true if the device still has work, false if it is idle (or another thread runs it and
 * there is nothing to help with).
 */
bool gaon_sim_run(struct gaon_sim *sim, const volatile uint64_t *watch, uint64_t target,
		  uint64_t budget_ns);

enum gaon_sim_wait {
	GAON_SIM_WAIT_VALUE,		/* *@watch >= @target */
	GAON_SIM_WAIT_EVENT,		/* event record, interrupt or state change: look, wait again */
	GAON_SIM_WAIT_TIMEOUT,
};

/**
 * gaon_sim_wait() - wait for a value, executing the device on the calling thread meanwhile
 * @watch: 64-bit value in host-visible memory, written by the device
 * @timeout_ns: from now; UINT64_MAX: for ever
 * @events: the caller's copy of the device's count of events, 0 at first; updated.  If more have
 *	come than the copy says, the call comes back at once: nothing is missed between two calls.
 *	NULL: events do not end the wait.
 *
 * As gaon_sim_run(), but when there is nothing that this thread can do it sleeps, without using the
 * processor, until the value comes, a doorbell rings, or another thread makes work for it.
 * A queue that faults makes GAON_SIM_WAIT_EVENT; so do things that are none of the caller's business.
 */
enum gaon_sim_wait gaon_sim_wait(struct gaon_sim *sim, const volatile uint64_t *watch, uint64_t target,
				 uint64_t timeout_ns, uint64_t *events);

/* Chip reset as PCI's FLR does it (also through config space). */
void gaon_sim_reset(struct gaon_sim *sim);
/* The card is pulled out of its slot, for good: reads are ones, writes are dropped, nothing happens. */
void gaon_sim_pull(struct gaon_sim *sim);

/* --- links to other cards --------------------------------------------------------------------------- */

/*
 * Let ports send what is due, and notice who is silent.  To be called every few tens of milliseconds while
 * anything is connected; the card has power, whatever its PCI power state.
 */
void gaon_sim_ports_tick(struct gaon_sim *sim);
/* @bytes of a cable's other end have come in at @port: from whoever it is. */
void gaon_sim_port_receive(struct gaon_sim *sim, unsigned int port, const void *frame, size_t bytes);

/* --- for a host that stands between the function and its software (the vfio-user server) ---------- */

/* Bytes of a BAR as configuration space says it, a power of two; 0: there is none. */
uint64_t gaon_sim_bar_size(struct gaon_sim *sim, unsigned int bar);

/*
 * Mask bits of the MSI-X table, for a host that keeps the table itself: vector v is unmasked if bit
 * v of @unmasked is set.  What was pending and is unmasked now is delivered before the call returns.
 * A function reset masks all vectors again.
 */
void gaon_sim_msix_unmask(struct gaon_sim *sim, uint32_t unmasked);

/*
 * Wait until no pointer that dma_map() returned before the call is used or kept any more.  A host
 * that takes memory away stops handing it out, calls this, and then unmaps.  Well under a
 * millisecond as a rule; cores at work stop at their next instruction, and go on afterwards.
 * Accesses by dma_read and dma_write that are under way are aborted.
 */
void gaon_sim_dma_quiesce(struct gaon_sim *sim);

#endif
