// SPDX-License-Identifier: MIT
/*
 * The run loop.  Whoever waits for the device runs it: host threads in gaon_sim_run() and
 * gaon_sim_wait(), and the model's own workers.  Under the lock a thread makes a pass (doorbells,
 * management core, invalidations, slots) and takes a job; the job runs without it.
 *
 * Sleeping: run->awake counts the threads that will look at the device again soon.  A thread that
 * goes to sleep counts itself out and then looks once more for something to do; who makes
 * something to do and then sees nobody awake wakes a sleeper.  Both are sequentially consistent, so
 * one of the two notices.  All sleep on one futex word, told apart by bits.
 *
 * A worker that has nothing to do while host threads run the device themselves dozes: it wakes by a
 * timer and counts as awake meanwhile, so that ringing a doorbell needs no system call.  After some
 * turns without anything it sleeps for good.
 */
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "devside.h"

#define WORKERS_MAX	255
#define WORKER_SPIN_NS	20000u
#define WAITER_SPIN_NS	30000u
#define DOZE_NS		100000u
#define DOZE_TURNS	10u
#define WAKE_WORTH_NS	4000u	/* jobs shorter than this are not worth waking anybody for */

#define BREATHE_TURNS	100	/* yields that a thread which wants the lock is given */
#define BREATHE_NS	50000	/* and then */
#define SAMPLE_JOBS	8u	/* of jobs that are alone one in so many is timed */
#define DEADLINE_TURNS	16u	/* a busy thread looks at its clock once in so many turns */

#define BIT_WORK	1u		/* futex bit of everybody who could run the device */

#if defined(__x86_64__) || defined(__i386__)
#define cpu_relax()	__builtin_ia32_pause()
#elif defined(__aarch64__)
#define cpu_relax()	__asm__ volatile("yield")
#else
#define cpu_relax()	__asm__ volatile("")
#endif

struct waiter {
	const volatile uint64_t *watch;
	uint64_t target;
	bool until_idle, on_event;
	bool woken;
	uint32_t bit;
	struct waiter *next;
};

struct sim_run {
	pthread_t workers[WORKERS_MAX];
	unsigned int worker_count;
	_Atomic bool stop;

	_Atomic uint32_t awake;
	_Atomic uint32_t asleep;	/* threads in futex_wait(), dozing ones too */
	_Atomic uint32_t word;		/* the futex */
	_Atomic uint32_t seq;		/* moves when something changed: for those who spin */

	/* under sim->lock */
	struct waiter *waiters;
	uint32_t next_bit;
	unsigned int running;		/* jobs being executed */
	bool away;			/* a thread that runs the device waits for the host */
	bool quiescing;
	pthread_cond_t quiet;
	uint64_t events;
	uint64_t host_entries;
	uint64_t average_ns;		/* of a job */
	uint32_t jobs;
};

_Thread_local bool sim_in_job;

/* --- the lock --------------------------------------------------------------------------------- */

void sim_run_lock(struct gaon_sim *sim)
{
	sim_lock(sim);
	while (sim->run->away)
		pthread_cond_wait(&sim->run->quiet, &sim->lock);
}

bool sim_run_try_lock(struct gaon_sim *sim)
{
	if (pthread_mutex_trylock(&sim->lock))
		return false;
	if (!sim->run->away)
		return true;
	sim_unlock(sim);
	return false;
}

void sim_run_unlock(struct gaon_sim *sim)
{
	sim_unlock(sim);
}

void sim_run_away(struct gaon_sim *sim)
{
	if (sim_in_job)
		return;
	/* Two at once would work on the same half-done slot: one of them took the wrong lock. */
	assert(!sim->run->away);
	sim->run->away = true;
	sim_unlock(sim);
}

void sim_run_back(struct gaon_sim *sim)
{
	if (sim_in_job)
		return;
	sim_lock(sim);
	sim->run->away = false;
	pthread_cond_broadcast(&sim->run->quiet);
}

/* --- futex ------------------------------------------------------------------------------------- */

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

/* @deadline on CLOCK_MONOTONIC; UINT64_MAX: none. */
static void futex_wait(_Atomic uint32_t *word, uint32_t value, uint64_t deadline, uint32_t bits)
{
	struct timespec ts = {
		.tv_sec = deadline / 1000000000ull, .tv_nsec = deadline % 1000000000ull,
	};

	syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, value,
		deadline == UINT64_MAX ? NULL : &ts, NULL, bits);
}

static void run_wake(struct sim_run *run, int count, uint32_t bits)
{
	atomic_fetch_add(&run->word, 1);
	if (atomic_load(&run->asleep))
		syscall(SYS_futex, &run->word, FUTEX_WAKE_BITSET_PRIVATE, count, NULL, NULL, bits);
}

void sim_run_poke(struct gaon_sim *sim)
{
	if (!atomic_load(&sim->run->awake))
		run_wake(sim->run, 1, BIT_WORK);
}

void sim_run_timer(struct gaon_sim *sim)
{
	/* Whoever wakes computes its next timeout anew. */
	run_wake(sim->run, 1, BIT_WORK);
}

void sim_run_kick(struct gaon_sim *sim)
{
	struct sim_run *run = sim->run;
	unsigned int jobs = sim_job_count(sim);

	atomic_fetch_add_explicit(&run->seq, 1, memory_order_relaxed);
	if (jobs && run->average_ns >= WAKE_WORTH_NS && atomic_load(&run->asleep))
		run_wake(run, jobs, BIT_WORK);
}

void sim_run_resumable(struct gaon_sim *sim)
{
	struct sim_run *run = sim->run;

	atomic_fetch_add_explicit(&run->seq, 1, memory_order_relaxed);
	if (atomic_load_explicit(&run->asleep, memory_order_relaxed))
		run_wake(run, 1, BIT_WORK);
}

/* --- waiters ----------------------------------------------------------------------------------- */

static bool value_reached(const volatile uint64_t *watch, uint64_t target)
{
	return watch && __atomic_load_n((const uint64_t *)(uintptr_t)watch, __ATOMIC_ACQUIRE) >= target;
}

/* Something changed: those who spin look, those who sleep for it are woken. */
static void run_progress(struct gaon_sim *sim, bool event, bool idle)
{
	struct sim_run *run = sim->run;
	uint32_t bits = 0;

	atomic_fetch_add_explicit(&run->seq, 1, memory_order_relaxed);
	for (struct waiter *w = run->waiters; w; w = w->next) {
		if (w->woken || !(value_reached(w->watch, w->target) || (event && w->on_event) ||
				  (idle && w->until_idle)))
			continue;
		w->woken = true;
		bits |= w->bit;
	}
	if (bits)
		run_wake(run, INT_MAX, bits);
}

void sim_run_notify(struct gaon_sim *sim)
{
	sim->run->events++;
	run_progress(sim, true, false);
}

static void waiter_add(struct sim_run *run, struct waiter *w)
{
	w->bit = 2u << run->next_bit++ % 31;
	w->woken = false;
	w->next = run->waiters;
	run->waiters = w;
}

static void waiter_remove(struct sim_run *run, struct waiter *w)
{
	struct waiter **p = &run->waiters;

	while (*p != w)
		p = &(*p)->next;
	*p = w->next;
}

/* --- passes and jobs --------------------------------------------------------------------------- */

/*
 * A thread that found the lock taken gets it now.  Taking it back counts as wanting it, so that
 * threads which run the device at the same time let each other in.
 */
static void run_breathe(struct gaon_sim *sim)
{
	uint32_t before = atomic_load_explicit(&sim->contenders, memory_order_relaxed);
	const struct timespec pause = { .tv_nsec = BREATHE_NS };

	if (!before)
		return;
	sim_unlock(sim);
	for (int i = 0; i < BREATHE_TURNS && atomic_load(&sim->contenders) >= before; i++)
		sched_yield();
	/* On a crowded host the other thread may need longer to be scheduled. */
	if (atomic_load(&sim->contenders) >= before)
		nanosleep(&pause, NULL);
	sim_run_lock(sim);
}

/* Work that no pass has seen yet. */
static bool run_pending(struct gaon_sim *sim)
{
	return sim_doorbells_pending(sim) || sim->regs->boot_pending || sim_mcubus_busy(sim);
}

/* Everything that needs no engine.  True if anything changed. */
static bool run_pass(struct gaon_sim *sim)
{
	bool changed = false;

	run_breathe(sim);
	sim_msix_flush(sim);
	if (sim->regs->boot_pending) {
		sim->regs->boot_pending = false;
		sim_mcubus_boot(sim);
		changed = true;
	}
	changed |= sim_doorbells_take(sim);
	changed |= sim_mcubus_service(sim);
	if (sim->tlbi->count)
		changed |= sim_tlbi_service(sim);
	if (sim->service_mask && !sim->run->quiescing)
		changed |= sim_slots_service(sim);
	if (changed)
		run_progress(sim, false, false);
	return changed;
}

/* Take a job, run it without the lock, retire it.  False: there is none. */
static bool run_job(struct gaon_sim *sim)
{
	struct sim_run *run = sim->run;
	uint64_t start = 0;
	struct sim_job *job;
	bool sample;

	if (run->quiescing)
		return false;
	job = sim_job_take(sim);
	if (!job)
		return false;
	sample = sim_job_count(sim) || run->jobs++ % SAMPLE_JOBS == 0;
	sim_run_kick(sim);
	run->running++;
	sim_unlock(sim);
	if (sample)
		start = now_ns();
	sim_job_run(sim, job);
	if (sample)
		start = now_ns() - start;
	sim_run_lock(sim);
	if (sample)
		run->average_ns += (start >> 1) - (run->average_ns >> 1);
	sim_job_retire(sim, job);
	run->running--;
	if (run->quiescing && !run->running)
		pthread_cond_broadcast(&run->quiet);
	run_progress(sim, false, false);
	return true;
}

void sim_run_quiesce_begin(struct gaon_sim *sim)
{
	struct sim_run *run = sim->run;

	while (run->quiescing)
		pthread_cond_wait(&run->quiet, &sim->lock);
	run->quiescing = true;
	if (sim->ops.dma_abort)
		sim->ops.dma_abort(sim->ops_ctx, true);
	/* Jobs with the old generation are asked to stop, and none is taken until the end. */
	sim_tlbi_bump(sim, GAON_TLBI_ALL);
	sim_jobs_quiesced(sim, GAON_TLBI_ALL);
	while (run->running || run->away)
		pthread_cond_wait(&run->quiet, &sim->lock);
}

void sim_run_quiesce_end(struct gaon_sim *sim)
{
	sim->run->quiescing = false;
	if (sim->ops.dma_abort)
		sim->ops.dma_abort(sim->ops_ctx, false);
	pthread_cond_broadcast(&sim->run->quiet);
	run_wake(sim->run, INT_MAX, ~0u);
}

/* --- resting ----------------------------------------------------------------------------------- */

/* Without the lock, until something changes, the value comes or the time is over. */
static void run_spin(struct gaon_sim *sim, const volatile uint64_t *watch, uint64_t target, uint64_t ns)
{
	struct sim_run *run = sim->run;
	uint32_t seq = atomic_load(&run->seq);
	uint64_t end;

	sim_unlock(sim);
	end = now_ns() + ns;
	do {
		for (int i = 0; i < 32; i++) {
			if (value_reached(watch, target) || sim_doorbells_pending(sim) ||
			    atomic_load_explicit(&run->seq, memory_order_relaxed) != seq)
				goto out;
			cpu_relax();
		}
	} while (now_ns() < end);
out:
	sim_run_lock(sim);
}

/* The management core's timer, on this thread's clock. */
static uint64_t run_timer_deadline(struct gaon_sim *sim)
{
	uint64_t timecmp = sim_mcubus_timecmp(sim);
	uint64_t now;

	if (timecmp == UINT64_MAX)
		return UINT64_MAX;
	now = sim_clock_ns(sim);
	return now_ns() + (timecmp > now ? timecmp - now : 0);
}

/*
 * Sleep.  @awake: keep counting as awake (doze).  Lock held, dropped meanwhile; a waiter that is to
 * be woken for its own sake is in the list.
 */
static void run_sleep(struct gaon_sim *sim, const struct waiter *w, uint64_t deadline, bool awake)
{
	struct sim_run *run = sim->run;
	uint32_t word = atomic_load(&run->word);
	uint64_t timer = run_timer_deadline(sim);

	if (timer < deadline)
		deadline = timer;
	atomic_fetch_add(&run->asleep, 1);
	if (!awake)
		atomic_fetch_sub(&run->awake, 1);
	if ((awake || !run_pending(sim)) && !atomic_load(&run->stop) &&
	    !(w && value_reached(w->watch, w->target))) {
		sim_unlock(sim);
		futex_wait(&run->word, word, deadline, BIT_WORK | (w ? w->bit : 0));
		sim_run_lock(sim);
	}
	if (!awake)
		atomic_fetch_add(&run->awake, 1);
	atomic_fetch_sub(&run->asleep, 1);
}

/*
 * A thread that ran the device goes away.  If nobody else is awake the slots are put to sleep, so
 * that producers ring; what is left to do goes to a sleeper.
 */
static void run_leave(struct gaon_sim *sim)
{
	struct sim_run *run = sim->run;

	sim_msix_flush(sim);
	if (!run->worker_count && !run->waiters) {
		atomic_fetch_sub(&run->awake, 1);
		return;
	}
	if (sim_job_count(sim))
		run_wake(run, 1, BIT_WORK);
	else if (atomic_load(&run->awake) == 1)
		for (int i = 0; i < 8 && run_pass(sim); i++)
			;
	if (atomic_fetch_sub(&run->awake, 1) == 1 && (run_pending(sim) || sim_job_count(sim)))
		run_wake(run, 1, BIT_WORK);
}

/* --- workers ----------------------------------------------------------------------------------- */

static void *run_worker(void *arg)
{
	struct gaon_sim *sim = arg;
	struct sim_run *run = sim->run;
	uint64_t host_entries = 0;
	unsigned int quiet = DOZE_TURNS;
	bool busy = false;

	sim_run_lock(sim);
	atomic_fetch_add(&run->awake, 1);
	while (!atomic_load(&run->stop)) {
		bool changed = run_pass(sim);

		if (run_job(sim)) {
			busy = true;
			continue;
		}
		if (changed)
			continue;
		if (!run->running)
			run_progress(sim, false, true);
		if (busy) {
			busy = false;
			quiet = 0;
			run_spin(sim, NULL, 0, WORKER_SPIN_NS);
			continue;
		}
		if (run->host_entries != host_entries)
			quiet = 0;
		host_entries = run->host_entries;
		if (quiet++ < DOZE_TURNS) {
			run_sleep(sim, NULL, now_ns() + DOZE_NS, true);
		} else {
			run_sleep(sim, NULL, UINT64_MAX, false);
			quiet = 0;
		}
	}
	atomic_fetch_sub(&run->awake, 1);
	sim_unlock(sim);
	return NULL;
}

/* --- host threads ------------------------------------------------------------------------------ */

enum outcome { RUN_REACHED, RUN_TIMEOUT, RUN_IDLE, RUN_EVENT };

/* The clock is read as late as possible: most waits end before. */
static bool deadline_over(uint64_t *deadline, uint64_t ns)
{
	uint64_t now;

	if (ns == UINT64_MAX)
		return false;
	now = now_ns();
	if (!*deadline)
		*deadline = ns >= UINT64_MAX - now ? UINT64_MAX : now + ns;
	return now >= *deadline;
}

/* @w says what ends it, at most after @ns; lock held. */
static enum outcome run_device(struct gaon_sim *sim, struct waiter *w, uint64_t ns,
			       const uint64_t *events)
{
	uint64_t deadline = ns == UINT64_MAX ? UINT64_MAX : 0;
	struct sim_run *run = sim->run;
	bool spun = false;

	for (unsigned int turn = 1;; turn++) {
		bool changed = run_pass(sim);

		if (value_reached(w->watch, w->target))
			return RUN_REACHED;
		if (events && run->events != *events)
			return RUN_EVENT;
		if (run_job(sim) || changed) {
			spun = false;
			if (turn % DEADLINE_TURNS == 0 && deadline_over(&deadline, ns))
				return RUN_TIMEOUT;
			continue;
		}
		if (deadline_over(&deadline, ns))
			return RUN_TIMEOUT;
		if (!run->running && !run->quiescing) {
			run_progress(sim, false, true);
			if (w->until_idle)
				return RUN_IDLE;
		}
		if (!spun) {
			run_spin(sim, w->watch, w->target, WAITER_SPIN_NS);
			spun = true;
			continue;
		}
		waiter_add(run, w);
		run_sleep(sim, w, deadline, false);
		waiter_remove(run, w);
	}
}

static enum outcome run_enter(struct gaon_sim *sim, struct waiter *w, uint64_t ns, uint64_t *events)
{
	enum outcome outcome;

	sim_run_lock(sim);
	atomic_fetch_add(&sim->run->awake, 1);
	sim->run->host_entries++;
	outcome = run_device(sim, w, ns, events);
	if (events)
		*events = sim->run->events;
	run_leave(sim);
	sim_unlock(sim);
	return outcome;
}

bool gaon_sim_run(struct gaon_sim *sim, const volatile uint64_t *watch, uint64_t target,
		  uint64_t budget_ns)
{
	struct waiter w = { .watch = watch, .target = target, .until_idle = true };

	if (value_reached(watch, target))
		return true;
	return run_enter(sim, &w, budget_ns ? budget_ns : UINT64_MAX, NULL) != RUN_IDLE;
}

enum gaon_sim_wait gaon_sim_wait(struct gaon_sim *sim, const volatile uint64_t *watch, uint64_t target,
				 uint64_t timeout_ns, uint64_t *events)
{
	struct waiter w = { .watch = watch, .target = target, .on_event = events != NULL };

	if (value_reached(watch, target))
		return GAON_SIM_WAIT_VALUE;
	switch (run_enter(sim, &w, timeout_ns, events)) {
	case RUN_REACHED:
		return GAON_SIM_WAIT_VALUE;
	case RUN_TIMEOUT:
		return GAON_SIM_WAIT_TIMEOUT;
	default:
		return GAON_SIM_WAIT_EVENT;
	}
}

/* --- life -------------------------------------------------------------------------------------- */

int sim_run_create(struct gaon_sim *sim)
{
	struct sim_run *run = calloc(1, sizeof(*run));
	unsigned int workers = sim->config.threads - 1;

	if (!run)
		return -ENOMEM;
	sim->run = run;
	run->average_ns = WAKE_WORTH_NS;
	pthread_cond_init(&run->quiet, NULL);
	if (workers > WORKERS_MAX)
		workers = WORKERS_MAX;
	for (unsigned int i = 0; i < workers; i++) {
		if (pthread_create(&run->workers[i], NULL, run_worker, sim))
			return -EAGAIN;
		sim_lock(sim);
		run->worker_count = i + 1;
		sim_unlock(sim);
	}
	return 0;
}

void sim_run_destroy(struct gaon_sim *sim)
{
	struct sim_run *run = sim->run;

	if (!run)
		return;
	atomic_store(&run->stop, true);
	run_wake(run, INT_MAX, ~0u);
	for (unsigned int i = 0; i < run->worker_count; i++)
		pthread_join(run->workers[i], NULL);
	pthread_cond_destroy(&run->quiet);
	free(run);
	sim->run = NULL;
}
