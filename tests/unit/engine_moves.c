// SPDX-License-Identifier: MIT
/*
 * Memory that moves under work which is stopped for it, as a driver moves it: CONTEXT_SUSPEND, new
 * entries, invalidation, CONTEXT_RESUME.  Queues copy, fill and compute on objects; for each
 * context a thread suspends it at any time, looks whether everything stands still, moves objects to
 * other frames and leaves poison where they were.  Whoever still goes through an old translation
 * reads poison, or writes into it or into what another object has there by then.
 */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../check_run.h"
#include "../../firmware/gaon_fw_embed.h"
#include "moves.h"

extern const uint8_t engine_image[], engine_image_end[];

#define HBM_BYTES	(64 * MIB)
#define SAVE_PA		(32 * MIB)
#define SAVE_BYTES	(4 * MIB)
#define SPM_BYTES	(512u << 10)
#define CORES		3
#define ADMIN_LOG2	4
#define PREEMPT_MS	20000u		/* however busy the machine is */

#define CODE_VA		0x10000000ull
#define KERNEL_VA	0xffff800000000000ull		/* HBM */
#define KERNEL_HOST_VA	(KERNEL_VA + (1ull << 45))	/* host memory */
#define KERNEL_OWN_VA	(KERNEL_VA + (1ull << 46))
#define SAVE_VA(q)	(KERNEL_VA + 64 * MIB * ((q) % (QUEUES / CONTEXTS) + 1))

struct shape {
	enum gaon_sim_effects effects;
	uint32_t threads, slots, rounds;
	bool share_hbm;
};

static const struct shape shapes[] = {
	{ GAON_SIM_EFFECTS_NORMAL, 3, 16, 30, false },
	{ GAON_SIM_EFFECTS_NORMAL, 3, 2, 20, true },
	{ GAON_SIM_EFFECTS_EARLY, 2, 4, 15, false },
	{ GAON_SIM_EFFECTS_LATE, 3, 4, 15, false },
	{ GAON_SIM_EFFECTS_NORMAL, 1, 4, 10, false },
};

/* One for each context. */
struct mover {
	unsigned int context;
	pthread_t thread;
	pthread_mutex_t lock;		/* frames of the context's objects */
	uint64_t state, suspends, moves, live_moves;
};

struct dev_host moves_host;
uint64_t moves_roots[MOVER + 1];
struct queue moves_queues[QUEUES + 1];

static uint64_t seed;
static struct mover movers[CONTEXTS];
static _Atomic bool over;
static pthread_mutex_t copy_lock = PTHREAD_MUTEX_INITIALIZER;	/* the movers' queue */

/* --- commands -------------------------------------------------------------------------------- */

#define NO_REPLY	UINT32_MAX

/* Of each context one command may be under way: its number is the cookie. */
static struct {
	pthread_mutex_t lock;
	uint64_t taken;
	uint32_t status[CONTEXTS + 1];
} commands = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void commands_take_replies(void)
{
	for (;;) {
		const struct gaon_admin_reply *reply = (const struct gaon_admin_reply *)
			&moves_host.cq[commands.taken % (1u << ADMIN_LOG2)];

		if (__atomic_load_n(&reply->valid, __ATOMIC_ACQUIRE) != commands.taken + 1)
			return;
		commands.taken++;
		ck_assert_uint_le(reply->cookie, CONTEXTS);
		commands.status[reply->cookie] = reply->status;
	}
}

static uint32_t command(uint16_t opcode, uint32_t context)
{
	const struct timespec nap = { .tv_nsec = 20000 };
	time_t end = time(NULL) + 100;
	uint32_t status;

	pthread_mutex_lock(&commands.lock);
	commands.status[context] = NO_REPLY;
	moves_host.sq[moves_host.sent++ % (1u << ADMIN_LOG2)] = (struct gaon_admin_cmd){
		.opcode = opcode, .cookie = context, .id.id = context,
	};
	dev_write32(&moves_host, GAON_REG_ADMIN_TAIL, (uint32_t)moves_host.sent);
	for (;;) {
		commands_take_replies();
		status = commands.status[context];
		pthread_mutex_unlock(&commands.lock);
		if (status != NO_REPLY)
			return status;
		ck_assert_msg(time(NULL) < end, "command %#x of context %u is not answered", opcode,
			      context);
		if (!gaon_sim_run(moves_host.sim, NULL, 0, 100000))
			nanosleep(&nap, NULL);
		pthread_mutex_lock(&commands.lock);
	}
}

static void context_command(uint16_t opcode, uint32_t context)
{
	uint32_t status = command(opcode, context);

	ck_assert_msg(status == GAON_ADMIN_OK, "command %#x of context %u: %u", opcode, context,
		      status);
}

/* --- invalidation ---------------------------------------------------------------------------- */

static struct {
	pthread_mutex_t lock;
	uint64_t seq, *done;
} tlbi = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void invalidate(unsigned int context)
{
	const struct timespec nap = { .tv_nsec = 20000 };
	uint64_t want;

	pthread_mutex_lock(&tlbi.lock);
	want = ++tlbi.seq;
	dev_write32(&moves_host, GAON_REG_TLBI_ASID, context);
	dev_write64(&moves_host, GAON_REG_TLBI_SIZE, 0);
	dev_write64(&moves_host, GAON_REG_TLBI_SEQ, want);
	pthread_mutex_unlock(&tlbi.lock);
	while (__atomic_load_n(tlbi.done, __ATOMIC_ACQUIRE) < want)
		if (!gaon_sim_run(moves_host.sim, tlbi.done, want, 1000000))
			nanosleep(&nap, NULL);
}

/* --- moving ---------------------------------------------------------------------------------- */

static uint64_t kernel_va(uint64_t pa)
{
	uint64_t offset = pa & GAON_PA_OFFSET_MASK;

	return (pa & ~GAON_PA_OFFSET_MASK) == GAON_PA_HBM ? KERNEL_VA + offset :
							    KERNEL_HOST_VA + (offset - HOST_IOVA);
}

/* By the host, or by the device's copy engines on another queue, as a driver does it. */
static void copy_frame(const struct frame *to, const struct frame *from, uint64_t bytes, bool device)
{
	struct queue *q = &moves_queues[MOVER_QUEUE];

	if (!device) {
		memcpy(moves_words(to->pa), moves_words(from->pa), bytes);
		return;
	}
	pthread_mutex_lock(&copy_lock);
	moves_push(q, &(struct gaon_packet){
		.type = GAON_PKT_COPY, .flags = GAON_PKT_F_BARRIER | GAON_PKT_F_SIGNAL,
		.scope = GAON_SCOPE_HOST | GAON_SCOPE_HOST << 4,
		.copy = { .dst_va = kernel_va(to->pa), .src_va = kernel_va(from->pa),
			  .bytes = bytes },
		.signal_va = moves_value_va(q), .signal_value = ++q->batches,
	});
	moves_wait(q, q->batches);
	pthread_mutex_unlock(&copy_lock);
}

/*
 * The context is suspended, or @live: the object is only read, so that the old pages are as good as
 * the new ones until the invalidation is complete.
 */
static void move_object(struct object *o, uint64_t *state, bool live)
{
	bool absent = !live && moves_below(state, 2), device = moves_below(state, 2);
	struct frame *to[SMALL_MAX];

	if (absent) {
		for (unsigned int i = 0; i < o->frames; i++)
			moves_map(o, i, 0, 0);
		invalidate(o->context);
	}
	for (unsigned int i = 0; i < o->frames; i++) {
		to[i] = moves_frame_take(o->pool, state);
		copy_frame(to[i], o->frame[i], o->pool->bytes, device);
	}
	for (unsigned int i = 0; i < o->frames; i++)
		moves_map(o, i, to[i]->pa, RWU);
	if (!absent)
		invalidate(o->context);
	for (unsigned int i = 0; i < o->frames; i++) {
		moves_frame_free(o->pool, o->frame[i], state);
		o->frame[i] = to[i];
	}
}

static uint64_t checksum(const struct object *o)
{
	uint64_t sum = 0;

	for (unsigned int u = 0; u < o->units; u++) {
		const uint64_t *words = moves_unit(o, u);

		for (unsigned int w = 0; w < UNIT_WORDS; w++)
			sum = (sum ^ words[w]) * 0x100000001b3ull;
	}
	return sum;
}

static void nap_below(uint64_t *state, uint64_t ns)
{
	const struct timespec nap = { .tv_nsec = (long)moves_below(state, ns) };

	nanosleep(&nap, NULL);
}

static struct object *random_object(unsigned int context, uint64_t *state)
{
	unsigned int per = QUEUES / CONTEXTS;
	unsigned int q = (context - 1) * per + (unsigned int)moves_below(state, per);

	return &moves_queues[q].object[moves_below(state, OBJECTS)];
}

static void move_suspended(struct mover *m)
{
	const struct object *watched = random_object(m->context, &m->state);
	uint64_t sum;

	context_command(GAON_ADMIN_CONTEXT_SUSPEND, m->context);
	m->suspends++;
	if (moves_below(&m->state, 2)) {
		sum = checksum(watched);
		nap_below(&m->state, 400000);
		ck_assert_msg(checksum(watched) == sum, "memory changes while context %u is suspended",
			      m->context);
	}
	for (uint64_t n = moves_below(&m->state, 6); n; n--, m->moves++)
		move_object(random_object(m->context, &m->state), &m->state, false);
	if (!moves_below(&m->state, 8))
		context_command(GAON_ADMIN_CONTEXT_SUSPEND, m->context);
	context_command(GAON_ADMIN_CONTEXT_RESUME, m->context);
}

static void move_live(struct mover *m)
{
	unsigned int per = QUEUES / CONTEXTS;
	unsigned int q = (m->context - 1) * per + (unsigned int)moves_below(&m->state, per);

	move_object(&moves_queues[q].object[SOURCE], &m->state, true);
	m->live_moves++;
}

static void *mover_run(void *arg)
{
	struct mover *m = arg;

	while (!atomic_load(&over)) {
		pthread_mutex_lock(&m->lock);
		if (moves_below(&m->state, 4)) {
			/* Again at once, too: its queues have just been loaded, or not yet. */
			do
				move_suspended(m);
			while (moves_below(&m->state, 2));
		} else {
			move_live(m);
		}
		pthread_mutex_unlock(&m->lock);
		nap_below(&m->state, moves_below(&m->state, 2) ? 3000000 : 300000);
	}
	return NULL;
}

/* --- life ------------------------------------------------------------------------------------ */

static void admin(const struct gaon_admin_cmd *cmd)
{
	ck_assert_uint_eq(dev_host_command(&moves_host, cmd, NULL), GAON_ADMIN_OK);
}

static void make_context(unsigned int context)
{
	uint64_t pa, bytes = (uint64_t)(engine_image_end - engine_image);
	void *code = dev_host_alloc(&moves_host, bytes, &pa);

	moves_roots[context] = dev_host_root(&moves_host);
	admin(&(struct gaon_admin_cmd){
		.opcode = GAON_ADMIN_CONTEXT_CREATE,
		.context = { .context = context, .asid = (uint16_t)context,
			     .root_pa = moves_roots[context] },
	});
	memcpy(code, engine_image, bytes);
	for (uint64_t at = 0; at < bytes; at += GAON_PAGE_SIZE)
		dev_host_map(&moves_host, moves_roots[context], CODE_VA + at, pa + at,
			     GAON_PTE_R | GAON_PTE_X | GAON_PTE_U, 0);
}

static void map_pages(unsigned int context, uint64_t va, uint64_t pa, uint64_t bytes, uint64_t prot)
{
	for (uint64_t at = 0; at < bytes; at += GAON_PAGE_SIZE)
		dev_host_map(&moves_host, moves_roots[context], va + at, pa + at, prot, 0);
}

static void make_queue(unsigned int id, unsigned int context)
{
	bool kernel = id == MOVER_QUEUE;
	uint64_t prot = GAON_PTE_R | GAON_PTE_W, save = moves_host.sim->identify.save_bytes, pa;
	uint64_t bytes = kernel ? 2 * GAON_PAGE_SIZE : OWN_BYTES;
	struct queue *q = &moves_queues[id];

	*q = (struct queue){ .id = id, .context = context, .doorbell = id };
	q->own = dev_host_alloc(&moves_host, bytes, &pa);
	q->own_va = kernel ? KERNEL_OWN_VA : QUEUE_VA(id);
	map_pages(context, q->own_va, pa, bytes, kernel ? prot : prot | GAON_PTE_U);
	ck_assert_uint_le(save, SAVE_BYTES);
	if (!kernel)
		map_pages(context, SAVE_VA(id), GAON_PA_HBM | (SAVE_PA + id * SAVE_BYTES), save,
			  prot);
	admin(&(struct gaon_admin_cmd){
		.opcode = GAON_ADMIN_QUEUE_CREATE,
		.queue = {
			.queue = id, .context = context, .doorbell = (uint16_t)id,
			.kind = kernel ? GAON_QUEUE_KIND_KERNEL : GAON_QUEUE_KIND_USER,
			.priority = kernel ? GAON_PRIORITY_HIGH : GAON_PRIORITY_NORMAL,
			.ring_log2 = RING_LOG2, .ring_va = q->own_va,
			.state_va = q->own_va + STATE_AT,
			.save_va = kernel ? 0 : SAVE_VA(id), .slice_us = 200,
		},
	});
}

static void make_device(const struct shape *shape)
{
	const struct gaon_sim_config config = {
		.threads = shape->threads, .slots = shape->slots, .effects = shape->effects,
		.hbm_bytes = HBM_BYTES, .spm_bytes = SPM_BYTES, .cores = CORES, .compile_after = 1,
		.share_hbm = shape->share_hbm,
	};
	uint64_t pa;

	dev_host_create(&moves_host, &config);
	ck_assert_uint_eq(dev_host_boot(&moves_host, gaon_fw_image, gaon_fw_image_size,
					gaon_fw_image_size), GAON_STATE_READY);
	dev_host_admin(&moves_host, ADMIN_LOG2);
	admin(&(struct gaon_admin_cmd){
		.opcode = GAON_ADMIN_LIMITS, .limits.preempt_ms = PREEMPT_MS,
	});
	tlbi.done = dev_host_alloc(&moves_host, 8, &pa);
	dev_write64(&moves_host, GAON_REG_TLBI_DONE_ADDR, pa);
}

static void make(const struct shape *shape)
{
	make_device(shape);
	moves_memory_create(&seed);
	for (unsigned int c = 1; c <= MOVER; c++)
		make_context(c);
	for (unsigned int id = 0; id < QUEUES; id++) {
		unsigned int context = 1 + id / (QUEUES / CONTEXTS);

		make_queue(id, context);
		for (unsigned int i = 0; i < OBJECTS; i++)
			moves_object_create(&moves_queues[id].object[i], context, id * OBJECTS + i,
					    i == 2 || (i == SOURCE && id % 3 == 0), &seed);
	}
	make_queue(MOVER_QUEUE, MOVER);
	for (uint64_t at = 0; at < HBM_BYTES; at += LARGE)
		dev_host_map(&moves_host, moves_roots[MOVER], KERNEL_VA + at, GAON_PA_HBM | at,
			     GAON_PTE_R | GAON_PTE_W, 1);
	for (uint64_t at = 0; at < HOST_BYTES; at += LARGE)
		dev_host_map(&moves_host, moves_roots[MOVER], KERNEL_HOST_VA + at, HOST_PA + at,
			     GAON_PTE_R | GAON_PTE_W, 1);
	/* From here on commands are given by several threads. */
	commands.taken = moves_host.sent;
}

static void movers_start(void)
{
	atomic_store(&over, false);
	for (unsigned int i = 0; i < CONTEXTS; i++) {
		movers[i] = (struct mover){ .context = i + 1, .state = dev_random(&seed) };
		pthread_mutex_init(&movers[i].lock, NULL);
		ck_assert_int_eq(pthread_create(&movers[i].thread, NULL, mover_run, &movers[i]), 0);
	}
}

/* @shape's results; a run without enough of what it is about has shown nothing. */
static void movers_end(const struct shape *shape, uint32_t rounds)
{
	uint64_t suspends = 0, moves = 0, live_moves = 0;
	const struct gaon_telemetry *tele = &moves_host.sim->tele;

	atomic_store(&over, true);
	for (unsigned int i = 0; i < CONTEXTS; i++) {
		pthread_join(movers[i].thread, NULL);
		pthread_mutex_destroy(&movers[i].lock);
		suspends += movers[i].suspends;
		moves += movers[i].moves;
		live_moves += movers[i].live_moves;
	}
	printf("effects %u, %u threads, %u slots: %lu packets, %lu suspensions, %lu moves, "
	       "%lu beside work, %lu preemptions\n",
	       shape->effects, shape->threads, shape->slots, (unsigned long)tele->packets,
	       (unsigned long)suspends, (unsigned long)moves, (unsigned long)live_moves,
	       (unsigned long)tele->preemptions);
	fflush(stdout);
	ck_assert_uint_ge(suspends, rounds);
	ck_assert_uint_ge(moves, rounds);
	ck_assert_uint_gt(tele->preemptions, 0);
}

/* --- test ------------------------------------------------------------------------------------ */

static void check_all(void)
{
	for (unsigned int id = 0; id < QUEUES; id++) {
		struct mover *m = &movers[moves_queues[id].context - 1];

		pthread_mutex_lock(&m->lock);
		moves_check_objects(&moves_queues[id]);
		pthread_mutex_unlock(&m->lock);
	}
}

START_TEST(test_moves)
{
	const struct shape *shape = &shapes[_i];
	const char *factor = getenv("GAON_MOVES_FACTOR");	/* for long runs by hand */
	uint32_t rounds = shape->rounds * (factor ? (uint32_t)strtoul(factor, NULL, 0) : 1);

	make(shape);
	movers_start();
	for (uint32_t round = 0; round < rounds; round++) {
		for (unsigned int id = 0; id < QUEUES; id++)
			moves_push_batch(&moves_queues[id], &seed);
		for (unsigned int id = 0; id < QUEUES; id++) {
			moves_wait(&moves_queues[id], moves_queues[id].batches);
			moves_check_back(&moves_queues[id]);
		}
		check_all();
	}
	movers_end(shape, rounds);
	dev_host_destroy(&moves_host);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("engine_moves");
	TCase *t = tcase_create("moves");

	seed = dev_seed();
	tcase_set_timeout(t, 600);
	tcase_add_loop_test(t, test_moves, 0, sizeof(shapes) / sizeof(shapes[0]));
	suite_add_tcase(s, t);
	return check_run(s);
}
