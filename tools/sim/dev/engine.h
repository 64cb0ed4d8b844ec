/* SPDX-License-Identifier: MIT */
/*
 * What the engine side of the device model keeps, and the calls among its files.
 *
 * One launch and one copy can be in flight per slot, so both live in the slot's own state and
 * nothing is allocated when a packet starts.  A launch's progress is kept per core: the workgroups
 * with linear id = core (mod cores), one after another.  While a core's job runs, its thread owns
 * the core, its unit and launch->part[core]; everything else belongs to sim->lock.
 */
#ifndef GAON_SIM_ENGINE_H
#define GAON_SIM_ENGINE_H

#include <hw/gaon_debug.h>

#include "dev.h"

/* --- copies -------------------------------------------------------------------------------- */

struct sim_copy {
	bool busy;		/* in flight */
	bool running;		/* a thread moves a chunk of it */
	bool finished;
	bool fill;
	bool dst_kernel, src_kernel;
	uint8_t engine;
	uint64_t served;	/* sim->order when it began, or was moved a chunk last */
	struct sim_context *ctx;
	uint32_t tlb_gen;
	struct gaon_copy_desc desc;
	uint8_t pattern[8];
	uint64_t done;		/* bytes of the current run */
	uint32_t at[3];
	uint64_t first, end;	/* where in HBM the last chunk went */
	uint64_t hbm_read, hbm_write, host_read, host_write;	/* since the last accounting */
	struct gaon_fault_record fault;		/* type not NONE: stopped by it */
};

/* --- launches ------------------------------------------------------------------------------- */

/* Instructions of a launch after a stop was asked for, for its workgroups to come to their end. */
#define SIM_PREEMPT_GRACE	32768u

enum sim_wait {
	SIM_WAIT_NONE,
	SIM_WAIT_BARRIER,	/* the gang's barrier */
	SIM_WAIT_SEM,
	SIM_WAIT_LOG,		/* the modelled clock has to catch up */
};

enum sim_log_kind {
	SIM_LOG_DMA,
	SIM_LOG_GEMM,
	SIM_LOG_WAIT,
	SIM_LOG_FENCE,
	SIM_LOG_BARRIER,
	SIM_LOG_POST,
	SIM_LOG_SEM,
};

/* One operation of a core that concerns more than the core; ticks are 1/16 cycle. */
struct sim_log_entry {
	uint8_t kind, engine, write, semaphore;
	uint32_t count;		/* WAIT: left in flight; SEM: taken; POST: workgroup */
	uint64_t ticks;		/* the core's own work since the entry before */
	uint64_t cost;		/* GEMM: ticks on the array; DMA: bytes of HBM */
	uint64_t hbm;		/* GEMM: bytes of HBM */
	uint64_t host;		/* both: bytes of host memory */
};

#define SIM_LOG_ENTRIES	2048	/* a power of two */

/* An operation that was issued to an engine, on the clock. */
struct sim_timed_op {
	uint64_t issue, cost, hbm, host, done;
	bool write;
};

/* A core's share of a launch on the modelled clock; all times in ticks. */
struct sim_log {
	/* producer: the core's thread */
	struct sim_log_entry *entry;	/* allocated when first needed, kept */
	_Atomic uint32_t tail;
	uint64_t carry;			/* work since the last entry that base does not cover */
	uint64_t base;			/* hart->cycles16 that is accounted */
	bool engines;			/* an engine was used in this workgroup */
	/* consumer: the clock, under the lock */
	_Atomic uint32_t head;
	bool entered;			/* the first entry's own work is in now */
	bool at_barrier;
	uint64_t began, now;
	uint64_t free[GAON_ENGINES];
	uint32_t issued[GAON_ENGINES], started[GAON_ENGINES], retired[GAON_ENGINES];
	uint32_t sem[GAON_SEMAPHORES];
	uint64_t sem_time[GAON_SEMAPHORES];
	struct sim_timed_op op[GAON_ENGINES][GAON_ENGINE_DEPTH];
};

/* A core's share of a launch. */
struct sim_part {
	uint64_t next;		/* next workgroup to start; at least total: none left */
	uint64_t spent;		/* cycles, for the watchdog */
	bool saved;		/* a workgroup is in progress, and still in the save area */
};

struct sim_gang {
	_Atomic uint32_t arrived;
	_Atomic uint32_t phase;
	_Atomic uint32_t sem[SIM_CORES_MAX][GAON_SEMAPHORES];
};

struct sim_launch {
	struct sim_slot *slot;
	struct sim_context *ctx;
	struct gaon_pkt_launch desc;
	bool busy;		/* in flight */
	bool cooperative;
	_Atomic bool stop;	/* start no further workgroup */
	_Atomic bool dead;	/* killed or faulted: results are dropped */
	uint64_t id;		/* CSRs LAUNCH_ID, LAUNCH_TAG */
	uint32_t tag;
	uint32_t cores;		/* that have a part */
	uint32_t khz, max_khz;	/* clock of the cores when it began, and the highest */
	uint64_t total;		/* workgroups */
	uint64_t left;		/* that have not ended */
	uint64_t limit;		/* watchdog, cycles per core */
	_Atomic uint32_t running;	/* jobs of it that are running */
	_Atomic uint32_t stalled;	/* cores that wait for the clock */
	uint64_t held;		/* cores whose unit->active or next workgroup is of this launch */
	uint64_t drained;	/* instructions since a stop was asked for */
	bool faulted;
	struct gaon_fault_record fault;
	bool debug;		/* workgroups stop it instead of faulting */
	bool debug_stop;	/* one did, and it is being saved */
	uint64_t trapped;	/* cores that stopped for a reason of their own */
	uint64_t step, hold, pass;	/* what the debugger asked for, see debug.c */
	struct sim_part part[SIM_CORES_MAX];
	struct sim_log log[SIM_CORES_MAX];
	struct sim_gang gang;
};

/* --- cores ---------------------------------------------------------------------------------- */

struct sim_job {
	bool copy, ahead;
	bool running;
	uint32_t index;		/* core, or slot of the copy */
};

struct sim_unit {
	struct sim_job job;
	uint8_t wait;		/* enum sim_wait: why the workgroup can't go on */
	bool active;		/* a workgroup is in progress; core->launch names its launch */
	bool vector;		/* vector registers are not all zero */
	bool stepping;		/* this job is one instruction, for a debugger */
	_Atomic bool broken;	/* the scratchpad had an uncorrectable error; set by any thread */
	uint32_t epoch, code_gen;
	uint64_t spm_limit;	/* page-aligned: window offsets below are the workgroup's */
	uint64_t stack_base;	/* page-aligned: window offsets from here are its stack */
	void *spm_map;		/* what core->spm lies in */
	uint64_t spm_map_bytes;
	uint64_t *dirty;	/* bit per scratchpad page: written since it was cleared */
	uint64_t *mapped;	/* the same: the hart may hold a translation of it */
	struct sim_code_copy *code_copy;	/* remote.c's */
	unsigned int code_copies;
	/* results of a run, taken over at retirement */
	uint64_t ended;		/* workgroups */
	uint64_t cycles, instructions;
	bool faulted;
	struct gaon_fault_record fault;
	bool stepped;		/* the instruction that a debugger asked for is done */
	uint32_t stop;		/* GAON_STOP_*, until the workgroup is saved */
	struct gaon_fault_record trap;	/* that stopped it */
	/* waiting inside a gang */
	uint32_t phase;
	uint32_t sem, sem_count;
	struct gaon_core_state kept;	/* of the last workgroup that was dropped */
	uint32_t kept_epoch;	/* of its context, then */
};

/* --- remote.c: a core and host memory without a pointer -------------------------------------- */

/* A copy of the page of code at @pa, until sim_remote_drop(); NULL: it cannot be read. */
uint8_t *sim_remote_fetch(struct sim_core *core, uint64_t pa);
/* The hart's translations are gone. */
void sim_remote_drop(struct sim_core *core);
/* The hart's mmio operation. */
enum sim_op_status sim_remote_access(struct sim_hart *hart, uint64_t va, unsigned int len, bool write,
				     uint64_t *value);

/* --- slots ---------------------------------------------------------------------------------- */

enum sim_stop { SIM_STOP_NONE, SIM_STOP_SAVE, SIM_STOP_KILL };

struct sim_list {
	uint64_t va;
	uint32_t count, index;
	uint64_t value_base, args_base;
	bool call, user;
};

#define SIM_LISTS	2	/* CALL, and INDIRECT in the ring or below it */

#define SIM_LATE	8	/* packets put off, at most */

/* A packet whose effect, or completion alone, is put off: see late.c. */
struct sim_late {
	struct gaon_packet pkt;
	uint64_t value;		/* of its completion */
	uint64_t start;
	uint64_t position;	/* in the ring, of the packet or of the one that opened its list */
	uint32_t list_index;
	uint8_t depth;
	bool is_copy;
	struct sim_copy copy;
};

struct sim_slot_engine {
	uint8_t stop;			/* enum sim_stop */
	uint8_t late_count;
	bool overtaken;			/* a packet was completed since the first of late */
	uint32_t late_age;		/* passes */
	uint64_t ahead;			/* packets of the ring past the read index that were started */
	uint8_t depth;			/* lists entered */
	struct sim_list list[SIM_LISTS];
	struct gaon_packet outer[SIM_LISTS];	/* the packets that opened them */
	uint64_t start;			/* ticks at which the current packet started */
	struct sim_copy copy;
	struct sim_launch launch;
	struct sim_job job;		/* of the copy */
	struct sim_late late[SIM_LATE];
};

/**
 * struct sim_ahead - pages that are made ready before they are written: see ahead.c
 * @end, @run: where in HBM the last copy ended, and bytes that came one behind the other up to there
 * @ready: up to there pages were asked for
 * @from, @bytes: which no thread has taken yet; @taken, @taken_bytes: which one has
 * @failed: the host did not give them; @off: not done
 */
struct sim_ahead {
	struct sim_job job;
	uint64_t end, run, ready;
	uint64_t from, bytes, taken, taken_bytes;
	bool failed, off;
};

struct sim_engines {
	struct sim_slot_engine slot[SIM_SLOTS_MAX];
	struct sim_unit unit[SIM_CORES_MAX];
	uint64_t launches;		/* slots with a launch in flight */
	uint64_t copies;		/* slots with a copy in flight */
	uint32_t copy_engines, copies_running;
	uint64_t *code_pages;		/* bit per HBM page that a core fetched instructions from */
	_Atomic uint32_t code_gen;	/* bumped when a copy changes such a page */
	struct sim_hart_costs costs;
	struct sim_ahead ahead;
};

static inline struct sim_slot_engine *sim_slot_engine(struct gaon_sim *sim, struct sim_slot *slot)
{
	return &sim->engines->slot[slot->index];
}

/* --- packet.c, packet_check.c ---------------------------------------------------------------- */

/* GAON_BADPKT_* of a packet, 0 if it is good. @depth lists around it, @call: one of them a CALL's. */
struct sim_packet_place {
	uint8_t kind;		/* GAON_QUEUE_KIND_* of the ring */
	uint8_t depth;
	bool call;		/* inside CALL */
	bool indirect;		/* inside INDIRECT */
	bool user;		/* addresses must lie in the user's half */
};
/* Where the next packet of the slot stands. */
struct sim_packet_place sim_packet_place(const struct sim_slot *slot,
					 const struct sim_slot_engine *se);
/* Enter the list of @pkt, which has been checked. */
void sim_packet_enter(struct sim_slot *slot, struct sim_slot_engine *se,
		      const struct gaon_packet *pkt);
unsigned int sim_packet_check(const struct gaon_sim *sim, const struct gaon_packet *pkt,
			      const struct sim_packet_place *place);
/* GAON_BADDESC_*, or 0. */
unsigned int sim_copy_desc_check(const struct gaon_copy_desc *desc, bool fill, bool user);
/* [va, va + bytes) lies in one half, and with @user in the user's. */
bool sim_range_ok(uint64_t va, uint64_t bytes, bool user);
/* The launch or copy of the slot's current packet ended well: complete it. */
void sim_packet_done(struct gaon_sim *sim, struct sim_slot *slot);
/* A stop was asked for: end it if nothing is in flight any more, saving what is half done. */
void sim_packet_stop(struct gaon_sim *sim, struct sim_slot *slot);
/* Fill what every record of the slot's current packet has, and fault the slot. */
void sim_packet_fault(struct gaon_sim *sim, struct sim_slot *slot, struct gaon_fault_record *rec);

/*
 * Complete @pkt, whose data is in place: the value, then the event with its interrupt. False: the
 * value's address faulted, @rec says how.
 */
bool sim_packet_publish(struct gaon_sim *sim, struct sim_slot *slot, const struct gaon_packet *pkt,
			uint64_t value, uint64_t start, uint64_t position,
			struct gaon_fault_record *rec);

/* --- late.c: only called when the model's option asks for it, or something was put off ----------- */

/* Put off the copy of slot->pkt; false: it has to start now. */
bool sim_late_copy(struct gaon_sim *sim, struct sim_slot *slot, const struct gaon_copy_desc *desc,
		   bool fill, const uint8_t pattern[8], uint64_t value);
/* Put off the completion of slot->pkt; false: it has to be published now. */
bool sim_late_complete(struct gaon_sim *sim, struct sim_slot *slot, uint64_t value);
/* Perform all that was put off; false: a fault. */
bool sim_late_flush(struct gaon_sim *sim, struct sim_slot *slot);
/* A pass of the run loop in which the slot could do nothing else; true: it has done something now. */
bool sim_late_pass(struct gaon_sim *sim, struct sim_slot *slot, bool in_flight);
/* After a kill. */
void sim_late_drop(struct sim_slot_engine *se);

/* --- copy.c ---------------------------------------------------------------------------------- */

/* Not yet started, and not yet anybody's. */
void sim_copy_init(struct sim_copy *copy, struct sim_context *ctx, const struct gaon_copy_desc *desc,
		   bool fill, const uint8_t pattern[8]);
void sim_copy_start(struct gaon_sim *sim, struct sim_slot *slot, const struct gaon_copy_desc *desc,
		    bool fill, const uint8_t pattern[8]);
/* Move up to @budget bytes; sets finished or fault. Without the lock if the copy is running. */
void sim_copy_run(struct gaon_sim *sim, struct sim_copy *copy, uint64_t budget);
/* Finished, faulted or killed: lock held. */
void sim_copy_settle(struct gaon_sim *sim, struct sim_slot *slot);
/* Its progress has been saved. */
void sim_copy_suspend(struct gaon_sim *sim, struct sim_slot *slot);

/* --- launch.c -------------------------------------------------------------------------------- */

void sim_launch_start(struct gaon_sim *sim, struct sim_slot *slot, const struct gaon_pkt_launch *desc);
/* Its progress has been saved. */
void sim_launch_suspend(struct gaon_sim *sim, struct sim_launch *launch);
/* After something of the launch changed: ended, faulted, stopped, deadlocked. Lock held. */
void sim_launch_settle(struct gaon_sim *sim, struct sim_launch *launch);
/* Can the waiting workgroup of @core go on? */
bool sim_launch_can_resume(struct sim_core *core);
/* A gang holds the core, but its member there has had no turn: it has not begun, or is in the save area. */
bool sim_launch_is_due(const struct sim_core *core);

/* --- ahead.c: lock held but in sim_ahead_run() ------------------------------------------------- */

void sim_ahead_create(struct gaon_sim *sim);
/* @copy has moved a chunk. */
void sim_ahead_note(struct gaon_sim *sim, struct sim_copy *copy);
bool sim_ahead_pending(const struct gaon_sim *sim);
/* The job for it, NULL: there is none. */
struct sim_job *sim_ahead_take(struct gaon_sim *sim);
void sim_ahead_run(struct gaon_sim *sim);
void sim_ahead_retire(struct gaon_sim *sim);

/* --- core.c ---------------------------------------------------------------------------------- */

int sim_core_create(struct gaon_sim *sim, uint32_t index);
void sim_core_destroy(struct sim_core *core);
/* Take the translations of the launch's context; lock held, core not running. */
void sim_core_bind(struct sim_core *core, struct sim_launch *launch);
/* Execute workgroups of core->launch for a quantum. */
void sim_core_run(struct sim_core *core);
/* --- what is broken (flaw.c) --- */
void sim_flaw_launch_end(struct gaon_sim *sim);
void sim_flaw_fence(struct sim_core *core);
/* What has come to @va across the link. */
void sim_flaw_crossed(const struct gaon_sim *sim, uint8_t *to, uint64_t va, uint64_t bytes);
/* As sim_hart_run(), of a core whose scalar or vector unit is broken: slow. */
enum sim_exit sim_flaw_run(struct sim_core *core, uint64_t budget);
static inline bool sim_flaw_hits(const struct sim_core *core)
{
	return core->sim->config.flaws.unit && core->sim->config.flaws.core == core->index;
}
/* @whole, or the part of it that is left. */
static inline uint32_t sim_flaw_part(uint32_t whole, uint32_t percent)
{
	uint32_t part = percent ? (uint32_t)((uint64_t)whole * percent / 100) : whole;

	return part ? part : 1;
}
void sim_core_begin(struct sim_core *core, uint64_t workgroup);
void sim_core_mark_dirty(struct sim_core *core, uint64_t offset, uint64_t bytes);
void sim_core_reset(struct sim_core *core);
/* Report a fault from within a callback of the hart; always SIM_OP_FAULT. */
enum sim_op_status sim_core_fault(struct sim_core *core, uint16_t type, uint8_t access, uint64_t va,
				  uint64_t syndrome);
/* Copy in as the core reads memory; false with the unit's fault filled. */
bool sim_core_read(struct sim_core *core, uint64_t va, void *data, size_t len);
uint64_t sim_cycles_of(const struct gaon_sim *sim, const struct sim_hart *hart);

/* --- xgaon.c, dma.c -------------------------------------------------------------------------- */

int sim_xgaon_create(struct sim_core *core);
void sim_xgaon_destroy(struct sim_core *core);
enum sim_op_status sim_xgaon_custom(struct sim_hart *hart, uint32_t insn);
/* Everything issued takes effect; false: a fault, recorded in the unit. */
bool sim_xgaon_drain(struct sim_core *core);
/* Forget what is in flight, and cached translations. */
void sim_xgaon_drop(struct sim_core *core);
void sim_xgaon_flush(struct sim_core *core);

struct sim_dma_cache;
struct sim_dma_cache *sim_dma_create(void);
void sim_dma_destroy(struct sim_dma_cache *cache);
void sim_dma_flush(struct sim_dma_cache *cache);
/* GAON_BADDESC_*, or 0. */
unsigned int sim_dma_check(const struct gaon_dma_desc *desc, uint64_t spm_bytes);
/* Bytes that the clock charges: rows in whole 64-byte lines. */
uint64_t sim_dma_lines(const struct gaon_dma_desc *desc);
/* Does it go to host memory, as far as its first byte says? */
bool sim_dma_is_host(struct sim_core *core, struct sim_dma_cache *cache,
		     const struct gaon_dma_desc *desc);
/* A load that does not fault now and is worth doing beside a product; its pages are marked dirty. */
bool sim_dma_may_put_off(struct sim_core *core, struct sim_dma_cache *cache,
			 const struct gaon_dma_desc *desc);
/* Offer what @done leaves of such a load, as far as it has host addresses and @feed has room. */
void sim_dma_offer(struct sim_core *core, struct sim_dma_cache *cache,
		   const struct gaon_dma_desc *desc, struct sim_feed_mark *done,
		   struct sim_feed *feed);
/* B's stored rows of a product that has them at @va in memory, as a load would be given them. */
struct gaon_dma_desc sim_dma_operand_rows(const struct sim_gemm *g, uint64_t va);
/*
 * Give @g its B, which lies at @va: where it lies, or as *@copy, which the caller frees.  False with the
 * fault of the unit filled.
 */
bool sim_dma_operand(struct sim_core *core, struct sim_dma_cache *cache, uint64_t va,
		     struct sim_gemm *g, uint8_t **copy);
/* Perform what @done leaves; false with the fault of the unit filled. */
bool sim_dma_run(struct sim_core *core, struct sim_dma_cache *cache,
		 const struct gaon_dma_desc *desc, const struct sim_feed_mark *done);

/* --- preempt.c ------------------------------------------------------------------------------- */

uint64_t sim_save_bytes(const struct gaon_sim *sim);
/* Nothing runs: is what is in flight at a boundary, or has it had its time to get to one? */
bool sim_preempt_ready(struct gaon_sim *sim, struct sim_slot *slot);
/* Write the slot's progress to its save area; false: it could not be written. Lock held, nothing running. */
bool sim_preempt_save(struct gaon_sim *sim, struct sim_slot *slot);
/* Load the workgroup of @core from the save area of its launch; false: the launch is faulted. Lock held. */
bool sim_preempt_load(struct sim_core *core);
/* Take it back; the slot is faulted if what is there makes no sense. */
void sim_preempt_restore(struct gaon_sim *sim, struct sim_slot *slot);

/* --- debug.c: launches of queues that can be debugged; lock held -------------------------------- */

/* A job of @core is over: take its fault, or the end of a step, as a reason to stop. */
void sim_debug_retire(struct sim_core *core);
/* Stop the launch if one of its workgroups did, or none that the debugger lets go on can. */
void sim_debug_settle(struct gaon_sim *sim, struct sim_launch *launch);
/* A fault that came up while the workgroup was being saved. */
void sim_debug_trap(struct sim_core *core);
/* What goes into the save area, and back. */
void sim_debug_save(const struct sim_launch *launch, uint64_t active, struct gaon_debug_state *state);
void sim_debug_restore(struct sim_launch *launch, const struct gaon_debug_state *state);

static inline bool sim_debug_holds(const struct sim_launch *l, uint32_t core)
{
	return l->hold >> core & 1;
}

/* --- time.c, resolve.c: times in ticks of 1/16 cycle ----------------------------------------- */

#define SIM_CYCLE		16ull			/* ticks; of the highest clock */
#define SIM_COST_PACKET		(8 * SIM_CYCLE)
#define SIM_COST_LAUNCH		(256 * SIM_CYCLE)	/* packet to first instruction */
#define SIM_COST_LAUNCH_END	(64 * SIM_CYCLE)	/* last instruction to completion */
#define SIM_COST_WORKGROUP	(32 * SIM_CYCLE)
#define SIM_COST_ISSUE		(4 * SIM_CYCLE)		/* gemm and dma instructions */
#define SIM_COST_BARRIER	(64 * SIM_CYCLE)
#define SIM_COST_SEMAPHORE	(32 * SIM_CYCLE)
#define SIM_COST_COPY		(128 * SIM_CYCLE)	/* start of a copy or fill */
#define SIM_COST_HBM_LATENCY	(256 * SIM_CYCLE)
#define SIM_COST_HOST_LATENCY	(1050 * SIM_CYCLE)
#define SIM_COST_FILL		(128 * SIM_CYCLE)	/* of a matrix array that stood idle */
#define SIM_COST_DRAIN		(128 * SIM_CYCLE)
#define SIM_DMA_RATE		256ull			/* bytes per cycle of a DMA channel */
#define SIM_COPY_RATE		512ull			/* of a copy engine */

#define SIM_SIGNALS		1024

struct sim_time {
	uint64_t now;				/* the latest time of anything so far */
	uint64_t queue[GAON_QUEUES];		/* when a queue's next packet may start */
	uint64_t core[SIM_CORES_MAX];		/* when a core is free */
	uint64_t copy[8];
	uint64_t hbm, host[2];			/* memory and link, [writing] */
	struct { uint64_t pa, when; } signal[SIM_SIGNALS];
	uint64_t core_busy[8], matrix_busy[8], dma_busy[8], copy_busy[4];
};

/* What takes @ticks at the highest clock, @max_khz, at @khz: rounded up. */
static inline uint64_t sim_time_clocked(uint32_t khz, uint32_t max_khz, uint64_t ticks)
{
	if (khz == max_khz)
		return ticks;
	return (uint64_t)(((unsigned __int128)ticks * max_khz + khz - 1) / khz);
}

static inline uint64_t sim_time_launch_ticks(const struct sim_launch *l, uint64_t ticks)
{
	return sim_time_clocked(l->khz, l->max_khz, ticks);
}

int sim_time_create(struct gaon_sim *sim);
void sim_time_destroy(struct gaon_sim *sim);
void sim_time_reset(struct gaon_sim *sim);
/* Costs of the queue engine; the slot's own time moves on. */
void sim_time_packet(struct gaon_sim *sim, struct sim_slot *slot);
void sim_time_signal(struct gaon_sim *sim, struct sim_slot *slot, uint64_t pa);
void sim_time_awaited(struct gaon_sim *sim, struct sim_slot *slot, uint64_t pa);
void sim_time_copy(struct gaon_sim *sim, struct sim_slot *slot, struct sim_copy *copy);
uint64_t sim_time_slot(struct gaon_sim *sim, struct sim_slot *slot);	/* cycles */
/* Ticks that memory needs for @bytes. */
uint64_t sim_time_hbm_ticks(const struct gaon_sim *sim, uint64_t bytes);
uint64_t sim_time_host_ticks(const struct gaon_sim *sim, uint64_t bytes);
void sim_time_launch_begin(struct gaon_sim *sim, struct sim_launch *launch);
/* Resolve what can be; with @all everything, as nothing more will come from any core now. */
void sim_time_resolve(struct gaon_sim *sim, struct sim_launch *launch, bool all);
/* Some of what can be; true: there is more.  Cores may be running. */
bool sim_time_resolve_some(struct gaon_sim *sim, struct sim_launch *launch);
void sim_time_launch_end(struct gaon_sim *sim, struct sim_launch *launch);
/* The core's thread: add an entry; false: no room, wait for SIM_WAIT_LOG. */
bool sim_time_log(struct sim_core *core, const struct sim_log_entry *entry);
void sim_time_workgroup(struct sim_core *core, bool begin);
void sim_time_retire(struct sim_core *core);	/* lock held */
bool sim_time_log_room(const struct sim_log *log);
uint64_t sim_time_gemm_ticks(const struct sim_gemm *g);

#endif
