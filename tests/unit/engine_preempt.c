// SPDX-License-Identifier: MIT
/* Stopping queues inside packets, launches, workgroups, gangs, copies and lists, and going on. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../check_run.h"
#include "engine_lib.h"

#define OUT		0x100000
#define ARGS		0x200000
#define SCRIPT		0x300000

static struct engine *e;
static struct engine_queue *q;
static uint64_t seed;

static void make(unsigned int threads, bool save)
{
	struct gaon_sim_config config = { .threads = threads };

	e = engine_create(&config);
	q = engine_queue(e, 0, GAON_QUEUE_KIND_USER, 1, save, 0);
}

static void setup(void)
{
	make(1, true);
}

static void setup_two(void)
{
	make(2, true);
}

static void setup_no_save(void)
{
	make(1, false);
}

static void teardown(void)
{
	engine_destroy(e);
}

static uint64_t *sig(void)
{
	return engine_host64(e, HOST_SCRATCH);
}

static void add_signal(struct gaon_packet *pkt, uint64_t value)
{
	pkt->flags |= GAON_PKT_F_SIGNAL;
	pkt->signal_va = VA_HOST + HOST_SCRATCH;
	pkt->signal_value = value;
}

/* Some jobs at most, then off the slot and on to one again. */
static void run_a_little(unsigned int most)
{
	engine_steps(e, 1 + engine_random(&seed) % most);
	engine_preempt(e, q, engine_random(&seed) & 1 ? q->slot : (q->slot + 2) % 8);
	ck_assert_msg(engine_status(e, q) != GAON_SLOT_FAULTED,
		      "fault %u access %u va %llx syndrome %llx",
		      e->sim->slots[q->slot].fault.type, e->sim->slots[q->slot].fault.access,
		      (unsigned long long)e->sim->slots[q->slot].fault.va,
		      (unsigned long long)e->sim->slots[q->slot].fault.syndrome);
}

static bool is_done(uint64_t target)
{
	return __atomic_load_n(sig(), __ATOMIC_ACQUIRE) >= target;
}

/*
 * Run what was pushed, being stopped again and again, at least @least times inside something.  A
 * second thread may be faster than this one, so then the number is not certain.  Between two stops
 * something is done every time, however short the time: that is what makes it end.
 */
static void run_interrupted(uint64_t target, unsigned int most, unsigned int least)
{
	uint64_t before = e->sim->tele.preemptions, done = engine_progress(e);

	engine_ring(e, q);
	for (unsigned int stops = 1; !is_done(target); stops++) {
		uint64_t last = done;

		run_a_little(most);
		done = engine_progress(e);
		ck_assert_msg(done > last, "nothing was done before stop %u", stops);
	}
	if (e->sim->config.threads == 1)
		ck_assert_uint_ge(e->sim->tele.preemptions - before, least);
}

START_TEST(test_hash)
{
	struct gaon_packet pkt = engine_launch(K_HASH, VA_HBM + ARGS, 7, 1, 1);
	uint64_t expect[7], args[2] = { 8000, VA_HBM + OUT };

	memcpy(engine_hbm(e, ARGS), args, sizeof(args));
	add_signal(&pkt, 1);
	ck_assert_uint_eq(engine_do(e, q, &pkt), GAON_FAULT_NONE);
	memcpy(expect, engine_hbm(e, OUT), sizeof(expect));
	memset(engine_hbm(e, OUT), 0, sizeof(expect));
	pkt.signal_value = 2;
	engine_push(e, q, &pkt);
	run_interrupted(2, 5, 2);
	ck_assert(!memcmp(expect, engine_hbm(e, OUT), sizeof(expect)));
	for (unsigned int i = 1; i < 7; i++)
		ck_assert_uint_ne(expect[i], expect[0]);
}
END_TEST

/* Another thread may run the device. */
static uint64_t busy_cycles(const struct engine_queue *queue)
{
	uint64_t busy;

	pthread_mutex_lock(&e->sim->lock);
	busy = e->sim->slots[queue->slot].busy;
	pthread_mutex_unlock(&e->sim->lock);
	return busy;
}

/* With something else on the cores in between: nothing of the saved state may stay behind on them. */
START_TEST(test_hash_beside_others)
{
	struct engine_queue *other = engine_queue(e, 1, GAON_QUEUE_KIND_USER, 1, false, 0);
	struct gaon_packet pkt = engine_launch(K_HASH, VA_HBM + ARGS, 4, 1, 1);
	struct gaon_packet noise = engine_launch(K_HASH, VA_HBM + ARGS + 64, 8, 1, 1);
	uint64_t expect[4], args[] = { 8000, VA_HBM + OUT, 0, 0, 0, 0, 0, 0, 500, VA_HBM + OUT + 4096 };

	memcpy(engine_hbm(e, ARGS), args, sizeof(args));
	ck_assert_uint_eq(engine_do(e, q, &pkt), GAON_FAULT_NONE);
	memcpy(expect, engine_hbm(e, OUT), sizeof(expect));
	memset(engine_hbm(e, OUT), 0, sizeof(expect));
	add_signal(&pkt, 1);
	engine_push(e, q, &pkt);
	engine_ring(e, q);
	for (uint64_t busy, last = busy_cycles(q); !is_done(1); last = busy) {
		engine_steps(e, 1 + engine_random(&seed) % 4);
		ck_assert_uint_eq(engine_slot_command(e, q->slot, GAON_SLOT_CMD_STOP), 0);
		engine_push(e, other, &noise);
		engine_ring(e, other);
		engine_run(e);
		busy = busy_cycles(q);
		ck_assert_msg(busy > last, "nothing was done since it was stopped last");
		ck_assert_uint_eq(engine_slot_command(e, q->slot, GAON_SLOT_CMD_RUN), 0);
	}
	ck_assert(!memcmp(expect, engine_hbm(e, OUT), sizeof(expect)));
	if (e->sim->config.threads == 1)
		ck_assert_uint_gt(e->sim->tele.preemptions, 0);
}
END_TEST

START_TEST(test_never_twice)
{
	struct gaon_packet pkt = engine_launch(K_SPINCOUNT, VA_HBM + ARGS, 40, 5, 1);
	uint64_t args[2] = { 5000, VA_HBM + OUT };

	memcpy(engine_hbm(e, ARGS), args, sizeof(args));
	*engine_hbm64(e, OUT) = 0;
	add_signal(&pkt, 1);
	engine_push(e, q, &pkt);
	engine_push(e, q, &pkt);
	pkt.signal_value = 3;
	engine_push(e, q, &pkt);
	run_interrupted(3, 5, 2);
	ck_assert_uint_eq(*engine_hbm64(e, OUT), 600);
}
END_TEST

/* Rounds of: add to a shared cell between barriers; pass a token round by semaphores. */
static void write_gang(unsigned int members, unsigned int rounds)
{
	uint64_t *table = engine_hbm64(e, SCRIPT);

	for (uint64_t i = 0; i < members; i++) {
		uint64_t at = SCRIPT + 4096 * (i + 1), *s = engine_hbm64(e, at);

		table[i] = VA_HBM + at;
		for (uint64_t r = 0; r < rounds; r++) {
			uint64_t ops[][3] = {
				{ 10, 20000 * (1 + (i + r) % 3), 0 },
				{ 7, 1, 3 },
				{ 9, VA_HBM + OUT, GAON_VA_SPM },
				{ 13, GAON_VA_SPM, i + 1 },
				{ 9, GAON_VA_SPM, VA_HBM + OUT },
				{ 6, (i + 1) % members, 3 },
				{ 5, 0, 0 },
			};

			/* The first member starts each round with the token in hand. */
			if (!i && !r)
				ops[1][0] = 10;
			memcpy(s, ops, sizeof(ops));
			s += sizeof(ops) / 8;
		}
		s[0] = 0;
	}
}

START_TEST(test_gang)
{
	struct gaon_packet pkt = engine_launch(K_SCRIPT, VA_HBM + SCRIPT, 4, 1, 1);

	pkt.launch.launch_flags = GAON_LAUNCH_COOPERATIVE;
	write_gang(4, 20);
	*engine_hbm64(e, OUT) = 0;
	add_signal(&pkt, 1);
	ck_assert_uint_eq(engine_do(e, q, &pkt), GAON_FAULT_NONE);
	ck_assert_uint_eq(*engine_hbm64(e, OUT), 20 * 10);
	*engine_hbm64(e, OUT) = 0;
	pkt.signal_value = 2;
	engine_push(e, q, &pkt);
	run_interrupted(2, 5, 2);
	ck_assert_uint_eq(*engine_hbm64(e, OUT), 20 * 10);
	/* As soon as one of its members has had a turn, which may wait for another that has had none. */
	*engine_hbm64(e, OUT) = 0;
	pkt.signal_value = 3;
	engine_push(e, q, &pkt);
	run_interrupted(3, 1, 2);
	ck_assert_uint_eq(*engine_hbm64(e, OUT), 20 * 10);
}
END_TEST

/* Members that wait for each other by looking at memory: none is ever seen to wait. */
START_TEST(test_gang_polls)
{
	struct gaon_packet pkt = engine_launch(K_SCRIPT, VA_HBM + SCRIPT, 4, 1, 1);
	uint64_t *table = engine_hbm64(e, SCRIPT);

	for (uint64_t i = 0; i < 4; i++) {
		uint64_t at = SCRIPT + 4096 * (i + 1), *s = engine_hbm64(e, at);

		table[i] = VA_HBM + at;
		for (uint64_t r = 0; r < 20; r++) {
			uint64_t ops[][3] = {
				{ 16, VA_HBM + OUT, 4 * r + 3 - i },
				{ 15, VA_HBM + OUT, 1 },
			};

			memcpy(s, ops, sizeof(ops));
			s += sizeof(ops) / 8;
		}
		s[0] = 0;
	}
	*engine_hbm64(e, OUT) = 0;
	pkt.launch.launch_flags = GAON_LAUNCH_COOPERATIVE;
	add_signal(&pkt, 1);
	engine_push(e, q, &pkt);
	engine_ring(e, q);
	/*
	 * Whose turn it is gets on between two stops, however long the others look. A second thread
	 * may have got on before this one looks, or not have begun: then only the end is certain.
	 */
	for (uint64_t last = 0, now; !is_done(1); last = now) {
		run_a_little(1);
		now = __atomic_load_n(engine_hbm64(e, OUT), __ATOMIC_ACQUIRE);
		if (e->sim->config.threads == 1)
			ck_assert_msg(now > last || now == 80, "it stays at %llu of 80",
				      (unsigned long long)now);
	}
	ck_assert_uint_eq(*engine_hbm64(e, OUT), 80);
}
END_TEST

START_TEST(test_copy)
{
	struct gaon_copy_desc desc = {
		.dst_va = VA_HBM + (64 << 20), .src_va = VA_HOST + (16 << 20), .bytes = 3001,
		.count = { 70, 11, 24 }, .dst_stride = { 4000, 300000, 4000000 },
		.src_stride = { 3001, 3001 * 70, 3001 * 770 },
	};
	struct gaon_packet pkt = { .type = GAON_PKT_COPY, .flags = GAON_PKT_F_DESC };
	uint8_t *src = e->host + (16 << 20);

	for (size_t i = 0; i < 3001ul * 70 * 11 * 24 / 8; i++)
		((uint64_t *)(void *)src)[i] = i * 0x9e3779b97f4a7c15ull;
	memcpy(e->host + HOST_SCRATCH + 4096, &desc, sizeof(desc));
	pkt.desc.desc_va = VA_HOST + HOST_SCRATCH + 4096;
	add_signal(&pkt, 1);
	engine_push(e, q, &pkt);
	run_interrupted(1, 1, 2);
	for (unsigned int k = 0; k < 24; k++)
		for (unsigned int j = 0; j < 11; j++)
			for (unsigned int i = 0; i < 70; i++)
				if (memcmp(engine_hbm(e, (64 << 20) + i * 4000 + j * 300000 + k * 4000000ul),
					   src + 3001ul * (i + 70 * (j + 11 * k)), 3001))
					ck_abort_msg("run %u %u %u", i, j, k);
}
END_TEST

START_TEST(test_list)
{
	struct gaon_packet *list = (struct gaon_packet *)(void *)(e->host + HOST_SCRATCH + 8192);
	struct gaon_packet pkt = { .type = GAON_PKT_INDIRECT };
	uint64_t args[2] = { 3000, VA_HBM + OUT };

	memcpy(engine_hbm(e, ARGS), args, sizeof(args));
	*engine_hbm64(e, OUT) = *engine_hbm64(e, OUT + 8) = 0;
	for (unsigned int i = 0; i < 500; i++) {
		list[i] = engine_launch(K_SPINCOUNT, ARGS, 3, 1, 1);
		list[i].flags = GAON_PKT_F_ARGS_BASE | GAON_PKT_F_SIGNAL | GAON_PKT_F_ADD;
		list[i].signal_va = VA_HBM + OUT + 8;
		list[i].signal_value = 1;
	}
	pkt.list.list_va = VA_HOST + HOST_SCRATCH + 8192;
	pkt.list.count = 500;
	pkt.list.args_base = VA_HBM;
	add_signal(&pkt, 1);
	engine_push(e, q, &pkt);
	run_interrupted(1, 5, 2);
	ck_assert_uint_eq(*engine_hbm64(e, OUT), 1500);
	ck_assert_uint_eq(*engine_hbm64(e, OUT + 8), 500);
}
END_TEST

/* Whatever lies in a save area: no harm, and a fault at worst. */
START_TEST(test_hostile_save_area)
{
	struct gaon_packet pkt = engine_launch(K_HASH, VA_HBM + ARGS, 6, 1, 1);
	uint8_t *area = e->sim->hbm + PA_KERNEL + (8 << 20);
	uint64_t args[2] = { 6000, VA_HBM + OUT };
	unsigned int faulted = 0;

	memcpy(engine_hbm(e, ARGS), args, sizeof(args));
	q = engine_queue(e, 4, GAON_QUEUE_KIND_USER, 1, true, 400000);
	for (unsigned int round = 0; round < 25; round++) {
		uint16_t type;

		engine_push(e, q, &pkt);
		engine_ring(e, q);
		engine_steps(e, 2);
		if (engine_slot_command(e, q->slot, GAON_SLOT_CMD_STOP))
			continue;
		while (e->sim->slots[q->slot].status == GAON_SLOT_STOPPING)
			gaon_sim_run(e->sim, NULL, 0, 100000);
		if (!e->sim->slots[q->slot].saved) {
			engine_slot_command(e, q->slot, GAON_SLOT_CMD_RUN);
			engine_run(e);
			continue;
		}
		for (unsigned int i = 0; i < 1 + round % 5; i++) {
			uint64_t r = engine_random(&seed);
			uint64_t at = r & 1 ? r >> 8 & 511 : 8192 + (r >> 8) % 600;

			area[at] ^= (uint8_t)(1 + (r >> 32 & 0x7f));
		}
		ck_assert_uint_eq(engine_slot_command(e, q->slot, GAON_SLOT_CMD_RUN), 0);
		engine_run(e);
		type = e->sim->slots[q->slot].fault.type;
		if (e->sim->slots[q->slot].status == GAON_SLOT_FAULTED) {
			ck_assert_uint_ne(type, GAON_FAULT_NONE);
			faulted++;
			engine_clear(e, q);
		}
	}
	ck_assert_uint_gt(faulted, 0);
}
END_TEST

START_TEST(test_no_save_area)
{
	struct gaon_packet pkt = engine_launch(K_SPIN, 3000000, 3, 1, 1);

	add_signal(&pkt, 1);
	engine_push(e, q, &pkt);
	engine_ring(e, q);
	engine_steps(e, 2);
	ck_assert_uint_eq(engine_slot_command(e, 0, GAON_SLOT_CMD_STOP), 0);
	engine_run(e);
	ck_assert_uint_eq(e->sim->slots[0].status, GAON_SLOT_STOPPED);
	ck_assert_uint_eq(*sig(), 1);
	ck_assert_uint_eq(e->sim->tele.preemptions, 0);
	ck_assert_uint_eq(engine_slot_command(e, 0, GAON_SLOT_CMD_RUN), 0);
	/* An endless one is given up after preempt_ms of work. */
	e->sim->identify.preempt_ms = 1;
	pkt = engine_launch(K_FOREVER, 0, 1, 1, 1);
	engine_push(e, q, &pkt);
	engine_ring(e, q);
	engine_steps(e, 2);
	ck_assert_uint_eq(engine_slot_command(e, 0, GAON_SLOT_CMD_STOP), 0);
	engine_run(e);
	ck_assert_uint_eq(e->sim->slots[0].fault.type, GAON_FAULT_PREEMPT);
}
END_TEST

START_TEST(test_save_area_gone)
{
	struct gaon_packet pkt = engine_launch(K_FOREVER, 0, 1, 1, 1);

	engine_map(e, 1, VA_KERNEL + (8 << 20), 0, 64 << 10, 0, GAON_HUGE_SIZE);
	engine_push(e, q, &pkt);
	engine_ring(e, q);
	engine_steps(e, 2);
	ck_assert_uint_eq(engine_slot_command(e, 0, GAON_SLOT_CMD_STOP), 0);
	engine_run(e);
	ck_assert_uint_eq(e->sim->slots[0].fault.type, GAON_FAULT_PREEMPT);
}
END_TEST

/*
 * Cores work side by side, however few threads the model has for them: what a more urgent queue does for
 * ever on other cores keeps a launch neither from starting and ending nor from being stopped, and of one
 * launch the workgroups on some cores do not keep those on others waiting.
 */
START_TEST(test_beside_urgent)
{
	struct engine_queue *urgent = engine_queue(e, 1, GAON_QUEUE_KIND_KERNEL, 1, false, UINT64_MAX);
	struct gaon_packet endless = engine_launch(K_FOREVER, 0, 2, 1, 1);
	struct gaon_packet pkt = engine_launch(K_HASH, VA_HBM + ARGS, 4, 1, 1);
	uint64_t args[2] = { 500, VA_HBM + OUT };

	memcpy(engine_hbm(e, ARGS), args, sizeof(args));
	engine_push(e, urgent, &endless);
	engine_ring(e, urgent);
	engine_steps(e, 2000);
	/* The first of its workgroups are where the endless ones are. */
	ck_assert(e->sim->cores[0].launch && e->sim->cores[1].launch);
	engine_push(e, q, &pkt);
	engine_ring(e, q);
	engine_steps(e, 2000);
	ck_assert_uint_ne(engine_hbm64(e, OUT)[2], 0);
	ck_assert_uint_ne(engine_hbm64(e, OUT)[3], 0);
	ck_assert_uint_eq(engine_slot_command(e, q->slot, GAON_SLOT_CMD_STOP), 0);
	engine_steps(e, 2000);
	ck_assert_uint_eq(engine_status(e, q), GAON_SLOT_STOPPED);
	ck_assert_uint_eq(engine_slot_command(e, urgent->slot, GAON_SLOT_CMD_KILL), 0);
	engine_run(e);
	add_signal(&pkt, 1);
	engine_push(e, q, &pkt);
	ck_assert_uint_eq(engine_slot_command(e, q->slot, GAON_SLOT_CMD_RUN), 0);
	engine_run(e);
	ck_assert_uint_eq(*sig(), 1);
	ck_assert_uint_ne(engine_hbm64(e, OUT)[0], 0);
}
END_TEST

/* An endless launch on all cores but two, which another's endless launch holds, stops nevertheless. */
START_TEST(test_stop_beside_urgent)
{
	struct engine_queue *urgent = engine_queue(e, 1, GAON_QUEUE_KIND_KERNEL, 1, false, UINT64_MAX);
	struct gaon_packet endless = engine_launch(K_FOREVER, 0, 2, 1, 1);

	engine_push(e, urgent, &endless);
	engine_ring(e, urgent);
	engine_steps(e, 2000);
	endless.launch.grid[0] = 4;
	engine_push(e, q, &endless);
	engine_ring(e, q);
	engine_steps(e, 2000);
	ck_assert(e->sim->cores[2].launch && e->sim->cores[3].launch &&
		  e->sim->cores[2].launch != e->sim->cores[0].launch);
	ck_assert_uint_eq(engine_slot_command(e, q->slot, GAON_SLOT_CMD_STOP), 0);
	engine_steps(e, 2000);
	ck_assert_uint_eq(engine_status(e, q), GAON_SLOT_STOPPED);
	ck_assert_uint_eq(engine_status(e, urgent), GAON_SLOT_ACTIVE);
	ck_assert_uint_eq(engine_slot_command(e, urgent->slot, GAON_SLOT_CMD_KILL), 0);
	engine_run(e);
}
END_TEST

/* A thread that is slow with one core of a launch: the others do not go on until it is through. */
START_TEST(test_stop_waits_for_all)
{
	struct gaon_packet endless = engine_launch(K_FOREVER, 0, 4, 1, 1);
	struct sim_job *slow, *job = NULL;
	unsigned int i;

	engine_push(e, q, &endless);
	engine_ring(e, q);
	engine_steps(e, 2000);
	for (i = 0; i < 4; i++)
		ck_assert_ptr_nonnull(e->sim->cores[i].launch);
	engine_lock(e);
	slow = sim_job_take(e->sim);
	engine_unlock(e);
	ck_assert_ptr_nonnull(slow);
	sim_job_run(e->sim, slow);
	ck_assert_uint_eq(engine_slot_command(e, q->slot, GAON_SLOT_CMD_STOP), 0);
	for (i = 0; i < 10000; i++) {
		engine_lock(e);
		sim_slots_service(e->sim);
		job = sim_job_take(e->sim);
		engine_unlock(e);
		if (!job)
			break;
		sim_job_run(e->sim, job);
		engine_lock(e);
		sim_job_retire(e->sim, job);
		engine_unlock(e);
	}
	ck_assert_msg(!job, "its cores are served for ever");
	ck_assert_uint_eq(engine_status(e, q), GAON_SLOT_STOPPING);
	engine_lock(e);
	sim_job_retire(e->sim, slow);
	sim_slots_service(e->sim);
	engine_unlock(e);
	ck_assert_uint_eq(engine_status(e, q), GAON_SLOT_STOPPED);
}
END_TEST

static TCase *tcase(const char *name, void (*up)(void))
{
	TCase *t = tcase_create(name);

	tcase_add_checked_fixture(t, up, teardown);
	tcase_set_timeout(t, 120);
	return t;
}

static void add_all(TCase *t)
{
	tcase_add_test(t, test_hash);
	tcase_add_test(t, test_hash_beside_others);
	tcase_add_test(t, test_never_twice);
	tcase_add_test(t, test_gang);
	tcase_add_test(t, test_gang_polls);
	tcase_add_test(t, test_copy);
	tcase_add_test(t, test_list);
}

int main(void)
{
	Suite *s = suite_create("engine_preempt");
	TCase *one = tcase("one thread", setup), *two = tcase("two threads", setup_two);
	TCase *none = tcase("no save area", setup_no_save);

	seed = engine_seed();
	add_all(one);
	tcase_add_test(one, test_beside_urgent);
	tcase_add_test(one, test_stop_beside_urgent);
	tcase_add_test(one, test_stop_waits_for_all);
	tcase_add_test(one, test_hostile_save_area);
	tcase_add_test(one, test_save_area_gone);
	add_all(two);
	tcase_add_test(none, test_no_save_area);
	suite_add_tcase(s, one);
	suite_add_tcase(s, two);
	suite_add_tcase(s, none);
	return check_run(s);
}
