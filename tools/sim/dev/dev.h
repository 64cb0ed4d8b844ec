/* SPDX-License-Identifier: MIT */
/*
 * The device model's inside: who owns what, and the calls between its parts.
 *
 *   device.c  create, destroy, reset, PCI config (pci.c), BAR registers (regs.c)
 *   mcubus.c, mculife.c  the management core's registers and life
 *   mmu.c, tlbi.c  translation, invalidation
 *   slot.c, slotcmd.c, doorbell.c  queue slots, commands, doorbells   event.c  event rings
 *   run.c     the run loop and the worker threads  telemetry.c    counters
 *   packet.c  packets: fetch, check, execute       copy.c         copy engines
 *   late.c    effects put off, if an option asks for it   ahead.c  pages made ready
 *   launch.c  launches, workgroups, gangs          core.c         a core: hart, scratchpad, CSRs
 *   xgaon.c   dma, gemm, wait, barrier, semaphores preempt.c      save areas
 *   time.c    the modelled clock                    port.c         ports of links to other cards
 *
 * Locking: sim->lock protects everything here but what a running job owns.  A job (a core with
 * work for a quantum, or a copy engine with a chunk) is taken with the lock held, executed without
 * it by any thread, and retired with it.  While job->running is set, only that thread touches the
 * job's own state; others may set core->hart->stop.  Memory of the device (HBM, scratchpads of
 * running cores, host memory) is accessed without the lock, as by real engines.
 *
 * The border, precisely (device side: slot.c, run.c; engine side: packet.c, launch.c, copy.c):
 *  - slot->status is written by slot.c alone, but for two changes that packet.c makes in
 *    sim_slot_step(): ACTIVE -> WAITING when a WAIT's value has not come, and back when it has.
 *  - sim_slot_step() is called for ACTIVE, WAITING and STOPPING slots.  In STOPPING it completes what
 *    is finished (signals, read index) and starts nothing new.  It never puts a slot to sleep:
 *    slot.c does, when the step changed nothing, read == write, have_pkt, in_list and saved are
 *    clear and sim_slot_is_stopped().
 *  - sim_slot_is_stopped(): nothing of the slot is in flight and {read, saved} with the save area is
 *    all that is needed to go on elsewhere.  slot.c makes STOPPING -> STOPPED out of it, and holds
 *    back the firmware's FAULT event until it is true.
 *  - sim_slot_fault() sets FAULTED and calls sim_slot_request_stop(slot, true) itself.
 *  - A stop request ends by itself: a slot that is LOADed or RUN again may start work.  SKIP, CLEAR
 *    and LOAD reset have_pkt, in_list, list_index (LOAD: saved as the firmware says, others: false).
 *  - retire adds the cycles of engine time to slot->slice_used; SLICE, CONTEND, WAITING and IDLE events
 *    are made by slot.c after each step from status, slice_used and sim_slot_starved().
 *  - Invalidation: tlbi.c bumps ctx->tlb_gen, then asks sim_jobs_quiesced().  A job taken after the
 *    bump holds no old translation, so it need not be counted: sim_job_take() compares generations
 *    and drops a core's cached translations before it marks the job running.
 *  - WAIT is evaluated when it becomes the head, whenever anything on the device made progress
 *    (every pass of the run loop steps WAITING slots), and when the queue's doorbell rings.  After a
 *    host store that a WAIT looks at, the host rings the waiting queue's doorbell, whatever event_idx says.
 *  - What the thread of a running job and others under the lock both touch (hart->stop, and whatever
 *    says whether a core of somebody else's is busy) is accessed with relaxed atomics: dev_run
 *    under ThreadSanitizer must stay silent.
 *  - Jobs that are not yet retired at a chip reset or FLR are retired as usual, then
 *    sim_engines_reset() is called; sim_jobs_quiesced(GAON_TLBI_ALL) sets their stop flags.
 */
#ifndef GAON_SIM_DEV_H
#define GAON_SIM_DEV_H

#include <pthread.h>
#include <stdatomic.h>

#include <hw/gaon_admin.h>
#include <hw/gaon_event.h>
#include <hw/gaon_mcu.h>
#include <hw/gaon_packet.h>
#include <hw/gaon_port.h>
#include <hw/gaon_pte.h>
#include <hw/gaon_regs.h>
#include <hw/gaon_xgaon.h>

#include "../gaon_sim.h"
#include "../hart/hart.h"
#include "../matrix/matrix.h"

struct sim_mcu_bus;	/* mcubus.c's own */
struct sim_time;	/* time.c's own */
struct sim_regs;	/* the device side's own: devside.h */
struct sim_pci;
struct sim_mmu;
struct sim_tlbi;
struct sim_doorbells;
struct sim_run;
struct sim_launch;	/* launch.c's own */
struct sim_engines;	/* the engines' shared state */
struct sim_unit;	/* a core's */

#define SIM_SLOTS_MAX	64
#define SIM_CORES_MAX	64

/* --- addresses ---------------------------------------------------------------------------- */

/* Result of translating one page for a context; fault_type is GAON_FAULT_NONE when host is set. */
struct sim_xlate {
	uint8_t *host;		/* of the address asked for */
	uint64_t run;		/* contiguous bytes from there, at least to the end of the 4 KiB page */
	uint64_t pa;		/* 56-bit physical address */
	uint16_t fault_type;
	uint8_t prot;		/* GAON_PTE_R/W/X/U of the leaf */
	bool hbm;		/* local HBM: atomics allowed */
	/*
	 * With GAON_FAULT_BUS: a good translation of memory without a pointer.  sim_phys_read() and
	 * sim_phys_write() reach it at pa, to the end of the page; atomic and fetching accesses do not.
	 */
	bool remote;
};

struct sim_context {
	bool enabled;
	uint32_t id;
	uint16_t asid;
	uint8_t ring;
	uint64_t root_pa;
	uint64_t print_va;
	/* Bumped by invalidations; engines compare before they use cached translations. */
	_Atomic uint32_t tlb_gen;
	uint32_t epoch;			/* bumped by every ENABLE; engines clear what the last owner left */
};

/* --- queues -------------------------------------------------------------------------------- */

struct sim_slot {
	uint32_t index;
	uint32_t status;		/* GAON_SLOT_* */
	uint32_t queue;			/* id */
	struct sim_context *ctx;
	uint8_t kind, priority, log2;
	uint64_t ring_va, state_va, save_va;
	uint64_t read;			/* the device's own index */
	uint64_t write;			/* last value taken from the state block */
	uint64_t slice, slice_used;	/* cycles */
	uint64_t busy;			/* cycles that its queue has had in cores, since it exists */
	uint64_t copied;		/* the same of copy engines */
	uint64_t limit;			/* watchdog cycles per launch; 0: the device's default */
	uint64_t order;			/* arbiter: lower goes first inside a band */
	bool saved;			/* a launch is in the save area: resume first */
	bool debug;			/* workgroups stop it instead of faulting */
	bool debug_stop;		/* one did, and nobody has been told yet */
	bool debug_stopped;		/* one did, since LOAD or RUN */
	uint64_t debug_cores;		/* that did for a reason of their own */
	struct gaon_fault_record debug_fault;	/* of the lowest of them */
	bool slice_event, contend_event;/* already reported */
	/* Copies of the host pages of ring and state block would be stale: they are translated anew
	 * through this small cache, dropped when ctx->tlb_gen moves. */
	uint32_t cache_gen;
	uint8_t *state_host;
	bool state_remote;		/* it is a copy in state_copy; see sim_slot_push() */
	uint64_t state_pa;
	struct gaon_queue_state state_copy;
	/* packet.c's progress through the current packet */
	struct gaon_packet pkt;
	bool in_list, have_pkt;
	uint32_t list_index;
	struct sim_launch *launch;	/* in flight, or NULL */
	void *copy;			/* copy.c's job in flight, or NULL */
	uint64_t ready;			/* time.c: modelled cycle at which the next packet may start */
	struct gaon_fault_record fault;	/* first fault, until CLEAR */
};

/* --- cores ---------------------------------------------------------------------------------- */

struct sim_core {
	struct gaon_sim *sim;
	uint32_t index;
	struct sim_hart *hart;
	struct sim_matrix *matrix;	/* host memory to multiply in, for whichever core gets it */
	_Atomic bool multiplies;	/* it is in use */
	uint8_t *spm;			/* spm_bytes, page aligned */
	bool running;			/* a thread executes it now */
	uint64_t served;		/* sim->order when one did last */
	const void *ran_on;		/* names the thread that took it last; never followed */
	struct sim_launch *launch;	/* whose workgroup it holds, or NULL */
	struct sim_context *ctx;	/* whose translations its TLB holds; stale if asid/gen differ */
	uint32_t tlb_gen;
	uint64_t workgroup;		/* linear id */
	void *xgaon;			/* xgaon.c's engines of this core */
	struct sim_unit *unit;		/* core.c's and launch.c's own */
};

/**
 * struct sim_power - clock, energy and the power meter; lock held.  Energies are in mW * ticks / 1024
 * @khz: clock of the cores
 * @ambient_mc: the air's temperature
 * @clocked: energy of what the clock drives, since the reset
 * @read_at, @read_energy, @read_mw: when telemetry was read last, energy then, and what it said
 * @window_at, @window_end: begin of the firmware's window, and from when on it may end
 * @metered: energy that is in windows that have ended
 * @meter_mw: of the last one
 */
struct sim_power {
	uint32_t khz;
	int32_t ambient_mc;
	unsigned __int128 clocked;
	uint64_t read_at;
	unsigned __int128 read_energy;
	uint32_t read_mw;
	uint64_t window_at, window_end;
	unsigned __int128 metered;
	uint32_t meter_mw;
};

/**
 * struct sim_port - a port; lock held
 * @seen: what PORTS tells of it
 * @heard: there were good frames, and none has been missing for too long
 * @silent: frames that were sent since the last good one
 * @sent_at: host time of the last one that was sent; 0: none
 * @sequence: of the next one
 * @lanes, @mbps: what the other end can do
 */
struct sim_port {
	struct gaon_port seen;
	uint64_t sent_at, sequence;
	uint32_t silent, lanes, mbps;
	bool heard;
};

struct gaon_sim {
	pthread_mutex_t lock;
	_Atomic uint32_t contenders;	/* threads in sim_lock() that found it taken */
	struct gaon_sim_config config;
	struct gaon_sim_host_ops ops;
	void *ops_ctx;
	struct gaon_identify identify;	/* hardware's part */

	/* memory */
	uint8_t *hbm;
	int hbm_fd;

	/* registers */
	uint32_t state, boot_error, fw_version, fw_abi, heartbeat;
	uint64_t generation;		/* bumped by every chip reset: late retirements are dropped */
	struct sim_mcu_bus *mcu;

	struct sim_context contexts[GAON_CONTEXTS];
	struct sim_slot slots[SIM_SLOTS_MAX];
	uint64_t order;			/* next value of slot->order */

	struct sim_core cores[SIM_CORES_MAX];
	struct sim_engines *engines;	/* packet.c, launch.c, copy.c: see engine.h */
	struct sim_time *time;
	struct sim_power power;		/* power.c */
	struct sim_port ports[GAON_PORTS_MAX];
	struct gaon_telemetry tele;	/* counters; latched copies live in mcubus.c */
	struct sim_regs *regs;		/* regs.c: boot, admin and event ring registers */
	struct sim_pci *pci;		/* pci.c */
	struct sim_mmu *mmu;		/* mmu.c: the queue engine's cache of translations */
	struct sim_tlbi *tlbi;		/* tlbi.c */
	struct sim_doorbells *doorbells;/* doorbell.c */
	struct sim_run *run;		/* run.c: workers, waiters */
	struct sim_lie *lie;		/* lie.c; NULL: an honest device */
	_Atomic bool bus_master;	/* the host lets the function do DMA */
	bool pulled;			/* out of its slot: no configuration, so that nothing else works */
	uint64_t service_mask;		/* slots that the run loop has to look at */
	bool slot_fault_held[SIM_SLOTS_MAX];	/* FAULT event waits for the slot's jobs */
};

/* ============================ device side (calls the engines make) ========================== */

/*
 * Translate for a user access (lower half, U=1) or, with @kernel, the queue engine's own (upper
 * half, U=0).
 */
bool sim_translate(struct gaon_sim *sim, struct sim_context *ctx, uint64_t va, uint8_t access,
		   bool kernel, struct sim_xlate *out);
/* Host pointer for physical [pa, pa + *len); NULL if nothing answers. *len may shrink to one run. */
uint8_t *sim_physical(struct gaon_sim *sim, uint64_t pa, uint64_t *len, bool write);
/* By pointer or through the host's callbacks; false: not there, or refused. */
bool sim_phys_read(struct gaon_sim *sim, uint64_t pa, void *data, size_t len);
bool sim_phys_write(struct gaon_sim *sim, uint64_t pa, const void *data, size_t len);
/* Copy through translations; false with @fault (type, va, access) filled. */
bool sim_read_va(struct gaon_sim *sim, struct sim_context *ctx, uint64_t va, bool kernel, void *data,
		 size_t len, struct gaon_fault_record *fault);
bool sim_write_va(struct gaon_sim *sim, struct sim_context *ctx, uint64_t va, bool kernel,
		  const void *data, size_t len, struct gaon_fault_record *fault);

/*
 * The same for the queue engine, with the lock held: small cache of pages, dropped by
 * invalidations.  Use these in sim_slot_step() and retirement; sim_translate(), sim_read_va() and
 * sim_write_va() walk every time and may be called from any thread without the lock.
 */
bool sim_queue_translate(struct gaon_sim *sim, struct sim_context *ctx, uint64_t va, uint8_t access,
			 bool kernel, struct sim_xlate *out);
bool sim_queue_read(struct gaon_sim *sim, struct sim_context *ctx, uint64_t va, bool kernel, void *data,
		    size_t len, struct gaon_fault_record *fault);
bool sim_queue_write(struct gaon_sim *sim, struct sim_context *ctx, uint64_t va, bool kernel,
		     const void *data, size_t len, struct gaon_fault_record *fault);

/* Event record to the context's ring, then its MSI-X; lock held. */
void sim_event_post(struct gaon_sim *sim, struct sim_context *ctx, const struct gaon_event *event);
/*
 * Slot goes FAULTED: state block, fault record, event, firmware told. @rec has type, va, pc, ...;
 * context, queue, sequence are filled in.
 */
void sim_slot_fault(struct gaon_sim *sim, struct sim_slot *slot, const struct gaon_fault_record *rec);
/* Slot event to the firmware (GAON_SLOT_EV_*). */
void sim_slot_event(struct gaon_sim *sim, struct sim_slot *slot, unsigned int reason);
/* Publish read index (device → state block); lock held. */
void sim_slot_publish_read(struct gaon_sim *sim, struct sim_slot *slot);
/* Fetch the write index; false: slot was faulted (unreachable, ran ahead). Lock held. */
bool sim_slot_fetch_write(struct gaon_sim *sim, struct sim_slot *slot);
/* Wake workers: there are more jobs than the caller can run. */
void sim_run_kick(struct gaon_sim *sim);
/* From within a job, without the lock: a core that waited can go on, and no thread has it. */
void sim_run_resumable(struct gaon_sim *sim);
/* From within a job: the device's lock for a moment, if nobody has it. */
bool sim_run_try_lock(struct gaon_sim *sim);
void sim_run_unlock(struct gaon_sim *sim);
void sim_log(struct gaon_sim *sim, int level, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* ============================ engine side (calls the run loop makes) ======================== */

/*
 * 0 or -errno.  After config and identify are filled; sets identify.save_bytes, copy_engines,
 * clock_khz and the rates of time.c.
 */
int sim_engines_create(struct gaon_sim *sim);
void sim_engines_destroy(struct gaon_sim *sim);

/*
 * Advance one slot that is ACTIVE or WAITING as far as it goes without executing a job: fetch and
 * check packets, perform the small ones, start launches and copies, complete finished ones.
 * Lock held. Returns true if anything changed.
 */
bool sim_slot_step(struct gaon_sim *sim, struct sim_slot *slot);

/* A runnable job (core with work, copy chunk) in priority and slot order, marked running; NULL if none. */
struct sim_job;
struct sim_job *sim_job_take(struct gaon_sim *sim);
/* How many more could be taken now (to decide whether to wake workers). */
unsigned int sim_job_count(struct gaon_sim *sim);
/* Execute for a bounded quantum (about 200 us of host time at most); no lock. */
void sim_job_run(struct gaon_sim *sim, struct sim_job *job);
/*
 * Set while this thread is in sim_job_run(), and so holds no lock.  Functions that jobs and passes
 * share ask for it (sim_run_away()), deep inside of calls that nothing else need know about.
 */
extern _Thread_local bool sim_in_job;
/* Take the results back; lock held. A slot whose job faulted is faulted here. */
void sim_job_retire(struct gaon_sim *sim, struct sim_job *job);

/*
 * Ask a slot's work to stop (STOP: at the next boundary, saving; KILL: dropping). Later
 * sim_engine_stopped() is true.
 */
void sim_slot_request_stop(struct gaon_sim *sim, struct sim_slot *slot, bool kill);
bool sim_slot_is_stopped(struct gaon_sim *sim, struct sim_slot *slot);
/* A launch or copy of the slot is ready but waits for an engine that another slot holds. */
bool sim_slot_starved(struct gaon_sim *sim, struct sim_slot *slot);
/*
 * True if no job is running that may hold translations of @asid (all: GAON_TLBI_ALL) older than
 * tlb_gen; else sets their stop flags.
 */
bool sim_jobs_quiesced(struct gaon_sim *sim, uint32_t asid);
/* Everything back to power-on; no job is running. */
void sim_engines_reset(struct gaon_sim *sim);
/*
 * A word of the struct gaon_core_state that a core keeps; 0: past its end, no such core, or its context has
 * another owner.
 */
uint32_t sim_core_kept(const struct gaon_sim *sim, uint32_t core, uint32_t word);
/* Zeros to HBM; whole pages are no longer resident on the host afterwards. Any thread. */
void sim_hbm_clear(struct gaon_sim *sim, uint8_t *host, uint64_t bytes);
/* Modelled now, and counters into tele. */
uint64_t sim_time_now(struct gaon_sim *sim);
/* The number belongs to another queue from now on, whose clock starts here. */
void sim_time_new_queue(struct gaon_sim *sim, uint32_t queue);
void sim_time_telemetry(struct gaon_sim *sim, struct gaon_telemetry *tele);

/* --- port.c: lock held -------------------------------------------------------------------------- */

#define SIM_PORT_LANES	8u
#define SIM_PORT_MBPS	45000u		/* all lanes, each way */

void sim_ports_reset(struct gaon_sim *sim);
void sim_ports_latch(struct gaon_sim *sim, struct gaon_ports *out);

/* --- power.c: lock held ------------------------------------------------------------------------- */

#define SIM_AMBIENT_MAX_MC 125000
#define SIM_SERIAL_MAX 999999u	/* six digits */
#define SIM_IDLE_MW	90000u
#define SIM_CORE_MW	10000u		/* per core, all of its scalar and vector units busy */
#define SIM_MATRIX_MW	12500u		/* per array */
#define SIM_DMA_MW	1500u		/* per channel */
#define SIM_COPY_MW	2000u

/* Fields of the identity, from its others. */
void sim_power_identify(struct gaon_identify *id);
void sim_power_reset(struct gaon_sim *sim);
/* Something that takes @mw at the highest clock was busy for @ticks at @khz. */
void sim_power_busy(struct gaon_sim *sim, uint32_t khz, uint32_t mw, uint64_t ticks);
/* Modelled time has passed window_end. */
void sim_power_window(struct gaon_sim *sim);
void sim_power_telemetry(struct gaon_sim *sim, struct gaon_telemetry *t);
uint32_t sim_power_reg_read(const struct gaon_sim *sim, uint32_t reg);
void sim_power_reg_write(struct gaon_sim *sim, uint32_t reg, uint32_t value);
void sim_power_ambient(struct gaon_sim *sim, uint64_t mc);

#endif
