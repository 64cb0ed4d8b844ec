// SPDX-License-Identifier: MIT
/*
 * More queues than slots: who gets one, who gives one up, and what happens when a slot does not
 * stop.  Time slices count cycles and come as SLICE events; the host's clock is looked at only
 * while queues wait outside the slots or a stop is under way.
 */
#include "sched.h"

#define BATCH			64u
#define STOP_TICKS		8u		/* a stop deadline passes in as many steps */
#define CONTENDED_NS		1000000u	/* how often to look for a slot to take */
#define WAITER_NS		1000000u	/* a slot in WAIT may be taken after this */
#define EVICT_TICKS		50u		/* any other of the same rank, of CONTENDED_NS each */

static uint32_t slot_count;
static uint32_t wanted;				/* last SLOT_WANT */
static uint64_t stop_tick = FW_TIME_NEVER;	/* next step of stop deadlines */
static uint64_t contended_tick;			/* next step of the slots' ages */
static bool engines_reset;			/* the last resort was tried for the stops under way */

void sched_init(uint32_t count)
{
	slot_count = count;
	for (uint32_t i = 0; i < count; i++)
		slots[i].queue = FW_NONE;
	ready_init();
}

uint32_t sched_slot_count(void)
{
	return slot_count;
}

static struct fw_queue *slot_queue(uint32_t index)
{
	if (index >= slot_count || slots[index].queue == FW_NONE)
		return NULL;
	return &queues[slots[index].queue];
}

/* A stop that nobody asked for but the scheduler has ended: on, or out for somebody else. */
static void yield(struct fw_queue *q)
{
	struct fw_queue *first = ready_first();
	bool leave = first && (slots[q->slot].evict || first->rank >= queue_rank(q));

	if (!leave && slot_run(q))
		return;
	if (!slot_unload(q))
		return;
	q->preemptions++;
	ready_add(q);
}

static void stopped(struct fw_queue *q)
{
	q->place = QUEUE_HELD;
	if (queue_has_goal(q))
		queue_drive(q);
	else if (q->condition == QUEUE_GOOD)
		yield(q);
}

static void handle_event(uint32_t event)
{
	uint32_t index = event & 0xffff;
	struct fw_queue *q = slot_queue(index);
	uint32_t status;

	if (!q)
		return;
	/* Events may be older than the last command: the slot itself says what is true now. */
	status = slot_status((uint16_t)index);
	switch (event >> 16) {
	case GAON_SLOT_EV_STOPPED:
		if (status == GAON_SLOT_STOPPED && q->place == QUEUE_STOPPING)
			stopped(q);
		break;
	case GAON_SLOT_EV_FAULT:
		if (status != GAON_SLOT_FAULTED)
			break;
		log_line(LOG_WARNING, "queue %u of context %u faulted", queue_id(q), q->context);
		q->condition = QUEUE_BROKEN;
		stopped(q);
		break;
	case GAON_SLOT_EV_DEBUG:
		/* As if its owner had suspended it at that moment. */
		if (status != GAON_SLOT_STOPPED || !slot_debug_stopped(q))
			break;
		stopped(q);
		break;
	case GAON_SLOT_EV_SLICE:
	case GAON_SLOT_EV_CONTEND:
		if (q->place == QUEUE_IN &&
		    (status == GAON_SLOT_ACTIVE || status == GAON_SLOT_WAITING))
			slot_stop(q, false);
		break;
	default:	/* IDLE and WAITING: sched_run() finds the slot */
		break;
	}
}

bool sched_events(void)
{
	for (uint32_t i = 0; i < BATCH; i++) {
		uint32_t event = reg_read(GAON_MCU_SLOT_EVENT);

		if (event == UINT32_MAX)
			return false;
		handle_event(event);
	}
	return true;
}

bool sched_doorbells(void)
{
	for (uint32_t i = 0; i < BATCH; i++) {
		uint32_t id = reg_read(GAON_MCU_PENDQ_POP);

		if (id == UINT32_MAX)
			return false;
		if (id >= GAON_QUEUES)
			continue;
		queues[id].asleep = false;
		queue_make_ready(&queues[id]);
	}
	return true;
}

/* A slot whose queue sleeps, or is broken and nobody is busy with, costs nothing to take. */
static bool vacate(uint16_t index)
{
	struct fw_queue *q = &queues[slots[index].queue];

	if (queue_has_goal(q))
		return false;
	if (q->place == QUEUE_IN || (q->place == QUEUE_HELD && q->condition != QUEUE_GOOD))
		return slot_unload(q);
	return false;
}

static uint16_t find_slot(void)
{
	static uint16_t start;		/* takes turns, so that one sleeper does not pay for all */

	for (uint16_t i = 0; i < slot_count; i++)
		if (slots[i].queue == FW_NONE)
			return i;
	for (uint16_t i = 0; i < slot_count; i++) {
		start = (uint16_t)(start + 1u < slot_count ? start + 1u : 0);
		if (vacate(start))
			return start;
	}
	return FW_NONE;
}

static void set_want(uint32_t want)
{
	if (want != wanted)
		reg_write(GAON_MCU_SLOT_WANT, want);
	wanted = want;
}

/* May the queue in the slot be stopped in favour of @q?  @now: host time. */
static bool evictable(const struct fw_queue *victim, const struct fw_queue *q, uint64_t now)
{
	uint64_t age = now - slots[victim->slot].loaded;
	uint8_t rank = queue_rank(victim);

	if (victim->place != QUEUE_IN)
		return false;
	if (rank < q->rank)
		return true;
	if (slot_status(victim->slot) == GAON_SLOT_WAITING)
		return age >= WAITER_NS;
	return rank == q->rank && slots[victim->slot].age >= EVICT_TICKS;
}

static bool better_victim(const struct fw_queue *a, const struct fw_queue *b)
{
	if (!b || queue_rank(a) != queue_rank(b))
		return !b || queue_rank(a) < queue_rank(b);
	return slots[a->slot].loaded < slots[b->slot].loaded;
}

/*
 * Queues that wait grow the others older by at most one step at a time, however long the host of a model
 * let it stand: who could not run in that time has not had its turn.
 */
static void grow_older(uint64_t now)
{
	if (now < contended_tick)
		return;
	contended_tick = now + CONTENDED_NS;
	for (uint32_t i = 0; i < slot_count; i++)
		if (slots[i].age < EVICT_TICKS)
			slots[i].age++;
}

/* One slot per waiting queue at most is on its way out. */
static void evict_for(const struct fw_queue *q)
{
	struct fw_queue *best = NULL;
	uint64_t now = timer_now();
	uint32_t leaving = 0;

	grow_older(now);
	for (uint32_t i = 0; i < slot_count; i++) {
		struct fw_queue *victim = slot_queue(i);

		if (!victim)
			continue;
		if (victim->place == QUEUE_STOPPING)
			leaving++;
		else if (evictable(victim, q, now) && better_victim(victim, best))
			best = victim;
	}
	if (!best || leaving >= ready_count())
		return;
	slot_stop(best, false);
	slots[best->slot].evict = true;
}

/*
 * Bound without running, only to be reset, cleared or adopted.  If even that faults, its memory is not
 * there: a reset is then complete, a clear fails, and what cannot be adopted is reset.
 */
static void load_held(uint16_t slot, struct fw_queue *q)
{
	slot_load(slot, q, true);
	if (q->place == QUEUE_HELD && slot_status(slot) == GAON_SLOT_STOPPED) {
		queue_drive(q);
		if (!q->drop && !q->adopt && q->op.opcode != GAON_ADMIN_FAULT_CLEAR)
			return;
	}
	queue_give_up(q);
}

void sched_run(void)
{
	struct fw_queue *q;

	while ((q = ready_first())) {
		uint16_t slot = find_slot();
		bool hold = queue_needs_hold(q);

		if (slot == FW_NONE) {
			/* First the wish, then a second look: a slot that falls asleep after it tells. */
			set_want(ready_want());
			slot = find_slot();
		}
		if (slot == FW_NONE) {
			evict_for(q);
			return;
		}
		ready_remove(q);
		if (hold)
			load_held(slot, q);
		else
			slot_load(slot, q, false);
	}
	set_want(0);
}

/* Not stopped, stopping or faulted. */
static bool slot_runs(uint16_t index)
{
	uint32_t status = slot_status(index);

	return status == GAON_SLOT_IDLE || status == GAON_SLOT_ACTIVE || status == GAON_SLOT_WAITING;
}

/*
 * First the reset, then a look at who was hit: a slot that sleeps may wake at any time before it, and who
 * is not in flight now slept, or has woken since.
 */
uint32_t sched_reset_engines(void)
{
	uint32_t count = 0;

	reg_write(GAON_MCU_ENGINE_RESET, 1);
	for (uint16_t i = 0; i < slot_count; i++) {
		struct fw_queue *q = slot_queue(i);

		if (!q || (q->place != QUEUE_IN && q->place != QUEUE_STOPPING))
			continue;
		if (q->place == QUEUE_IN && slot_runs(i))
			continue;
		count += !q->engine_waits;
		q->drop = true;
		q->engine_waits = true;
		q->place = QUEUE_STOPPING;
		slots[i].killing = true;
		slots[i].ticks = 0;
	}
	return count;
}

/* The ladder: the context is killed, then the engines are reset, then nothing is left to try. */
static void stop_expired(uint16_t index)
{
	slots[index].ticks = 0;
	queues[slots[index].queue].late = true;
	if (!slots[index].killing) {
		context_kill(queues[slots[index].queue].context);
	} else if (!engines_reset) {
		engines_reset = true;
		log_line(LOG_ERROR, "slot %u does not stop: engine reset", index);
		reg_write(GAON_MCU_STATE, GAON_STATE_DEGRADED);
		engine_reset_internal();
	} else {
		fw_panic(GAON_PANIC_ENGINES);
	}
}

/*
 * Work that cannot be saved may take as long as its launch limit allows when it only stops for
 * somebody else's sake.
 */
static bool stop_is_bounded(const struct fw_queue *q)
{
	return q->place == QUEUE_STOPPING && (q->save_va || queue_has_goal(q));
}

/*
 * A stop may take preempt_ms of the time in which the device runs.  Counting steps instead of
 * comparing clocks keeps a pause of the whole device, which a model's host may make, out of it.
 */
void sched_service(void)
{
	uint64_t now = timer_now();
	bool due = now >= stop_tick;
	bool stopping = false;

	for (uint16_t i = 0; i < slot_count; i++) {
		const struct fw_queue *q = slot_queue(i);

		if (!q || !stop_is_bounded(q))
			continue;
		stopping = true;
		if (due && ++slots[i].ticks > STOP_TICKS)
			stop_expired(i);
	}
	if (!stopping) {
		stop_tick = FW_TIME_NEVER;
		engines_reset = false;
	} else if (due || stop_tick == FW_TIME_NEVER) {
		stop_tick = now + (uint64_t)limits.preempt_ms * (FW_NS_PER_MS / STOP_TICKS);
	}
}

uint64_t sched_deadline(void)
{
	uint64_t contended = ready_count() ? timer_now() + CONTENDED_NS : FW_TIME_NEVER;

	return contended < stop_tick ? contended : stop_tick;
}
