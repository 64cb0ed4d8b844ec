// SPDX-License-Identifier: MIT
/*
 * The modelled clock: cycles computed by hand from Documentation/hw/time.rst, and the same cycles
 * on every run, number of threads and order of effects.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../check_run.h"
#include "engine_lib.h"

#define SCRIPT		0x1000000
#define SCRIPT_STRIDE	0x20000
#define DESC		0x200000
#define ARENA		0x400000
#define STAMP		(HOST_SCRATCH + 4096)

enum { END, GEMM, DMA, WAIT, FENCE, BARRIER, POST, SEMWAIT, POLL, COPY, SPIN, STORE, IDLE, ADD, CYCLE };

static struct engine *e;
static struct engine_queue *q;
static uint64_t *cursor;

static void make(unsigned int threads, enum gaon_sim_effects effects, bool no_time)
{
	struct gaon_sim_config config = { .threads = threads, .effects = effects, .no_time = no_time };

	e = engine_create(&config);
	q = engine_queue(e, 0, GAON_QUEUE_KIND_USER, 1, false, 0);
}

static void setup(void)
{
	make(1, GAON_SIM_EFFECTS_NORMAL, false);
}

static void teardown(void)
{
	engine_destroy(e);
}

static void begin(unsigned int workgroup)
{
	engine_hbm64(e, SCRIPT)[workgroup] = VA_HBM + SCRIPT + 4096 + SCRIPT_STRIDE * workgroup;
	cursor = engine_hbm64(e, SCRIPT + 4096 + SCRIPT_STRIDE * workgroup);
	cursor[0] = END;
}

static void op(uint64_t what, uint64_t a, uint64_t b)
{
	*cursor++ = what;
	*cursor++ = a;
	*cursor++ = b;
	*cursor = END;
}

/* Cycles from the end of what was before to the end of this packet. */
static uint64_t cycles_of(const struct gaon_packet *pkt)
{
	struct gaon_packet stamp = { .type = GAON_PKT_TIMESTAMP };
	uint64_t before;

	stamp.timestamp.va = VA_HOST + STAMP;
	ck_assert_uint_eq(engine_do(e, q, &stamp), GAON_FAULT_NONE);
	before = *engine_host64(e, STAMP);
	engine_push(e, q, pkt);
	ck_assert_uint_eq(engine_do(e, q, &stamp), GAON_FAULT_NONE);
	/* The second stamp's own packet costs 8. */
	return *engine_host64(e, STAMP) - before - 8;
}

static uint64_t script_cycles(unsigned int workgroups)
{
	struct gaon_packet pkt = engine_launch(K_SCRIPT, VA_HBM + SCRIPT, workgroups, 1, 1);

	pkt.launch.spm_bytes = 2 << 20;
	pkt.launch.launch_flags = workgroups > 1 ? GAON_LAUNCH_COOPERATIVE : 0;
	return cycles_of(&pkt);
}

static void put_desc(unsigned int i, const void *desc, size_t len)
{
	memcpy(engine_hbm(e, DESC + 128 * i), desc, len);
}

static uint64_t desc_va(unsigned int i)
{
	return VA_HBM + DESC + 128 * i;
}

static void put_dma(unsigned int i, uint64_t mem, uint32_t bytes, uint32_t rows, int64_t stride)
{
	struct gaon_dma_desc d = {
		.mem_va = mem, .spm_va = GAON_VA_SPM, .bytes = bytes, .count = { rows, 1, 1 },
		.mem_stride = { stride }, .spm_stride = { bytes },
	};

	put_desc(i, &d, sizeof(d));
}

static void put_gemm(unsigned int i, uint8_t type, uint32_t m, uint32_t n, uint32_t k)
{
	struct gaon_gemm_desc d = {
		.type_a = type, .type_b = type, .type_c = GAON_TYPE_F32, .m = m, .n = n, .k = k,
		.a = GAON_VA_SPM, .b = GAON_VA_SPM, .c = GAON_VA_SPM + (1 << 20), .lda = 512,
		.ldb = 512, .ldc = 1024,
	};

	put_desc(i, &d, sizeof(d));
}

/* --- by hand ------------------------------------------------------------------------------------- */

START_TEST(test_packets)
{
	struct gaon_packet nop = { .type = GAON_PKT_NOP };

	ck_assert_uint_eq(cycles_of(&nop), 8);
}
END_TEST

START_TEST(test_empty_launch)
{
	struct gaon_packet pkt = engine_launch(K_NOP, 0, 1, 1, 1);

	/* Packet 8, start 256, workgroup 32, one jump 1 + 2, end 64. */
	ck_assert_uint_eq(cycles_of(&pkt), 8 + 256 + 32 + 3 + 64);
	/* Nine workgroups on four cores: the first core has three. */
	pkt = engine_launch(K_NOP, 0, 9, 1, 1);
	ck_assert_uint_eq(cycles_of(&pkt), 8 + 256 + 3 * (32 + 3) + 64);
}
END_TEST

START_TEST(test_scalar)
{
	struct gaon_packet pkt = engine_launch(K_SPIN, 1000, 1, 1, 1);

	/* addi and bnez per turn, taken but for the last; ret. */
	ck_assert_uint_eq(cycles_of(&pkt), 8 + 256 + 32 + 1000 * 2 + 999 * 2 + 3 + 64);
}
END_TEST

START_TEST(test_copy)
{
	struct gaon_packet pkt = { .type = GAON_PKT_COPY };
	uint64_t bytes = 3 << 20, link;

	pkt.copy.dst_va = VA_HBM;
	pkt.copy.src_va = VA_HBM + (8 << 20);
	pkt.copy.bytes = bytes;
	/* HBM to HBM: the engine's 512 bytes per cycle are the limit; 2 * 3 MiB of HBM need 5,505 cycles. */
	ck_assert_uint_eq(cycles_of(&pkt), 8 + 128 + bytes / 512 + 256);
	/* To the host: 32 GB/s are. Ticks of 1/16 cycle, rounded up; the stamps cut the fraction. */
	pkt.copy.dst_va = VA_HOST + (16 << 20);
	link = (bytes * e->sim->identify.clock_khz * 16 + e->sim->identify.host_mbps * 1000ull - 1) /
	       (e->sim->identify.host_mbps * 1000ull);
	ck_assert_uint_eq(cycles_of(&pkt), 8 + 128 + link / 16 + 1050);
}
END_TEST

START_TEST(test_dma)
{
	uint64_t base, one;

	put_dma(0, VA_HBM + ARENA, 32768, 1, 0);
	put_dma(1, VA_HBM + ARENA, 100, 50, 4096);
	begin(0);
	op(FENCE, 0, 0);
	base = script_cycles(1);
	/* 128 cycles on the channel, 256 of latency, 4 to issue; then the script's own instructions. */
	begin(0);
	op(DMA, desc_va(0), 0);
	op(FENCE, 0, 0);
	one = script_cycles(1);
	ck_assert_uint_ge(one, base + 4 + 128 + 256);
	ck_assert_uint_le(one, base + 4 + 128 + 256 + 40);
	/* Two on one channel: one after the other; on two: side by side (HBM has room for both). */
	begin(0);
	op(DMA, desc_va(0), 0);
	op(DMA, desc_va(0), 0);
	op(FENCE, 0, 0);
	ck_assert_uint_eq(script_cycles(1), one + 128);
	begin(0);
	op(DMA, desc_va(0), 0);
	op(DMA, desc_va(0), 1);
	op(FENCE, 0, 0);
	ck_assert_uint_lt(script_cycles(1), one + 64);
	/* Rows of 100 bytes move two lines of 64 each: 50 * 128 / 256 = 25. */
	begin(0);
	op(DMA, desc_va(1), 0);
	op(FENCE, 0, 0);
	ck_assert_uint_eq(script_cycles(1), one - 128 + 25);
}
END_TEST

START_TEST(test_gemm)
{
	uint64_t one;

	put_gemm(0, GAON_TYPE_BF16, 128, 128, 128);
	put_gemm(1, GAON_TYPE_F32, 128, 128, 128);
	put_gemm(2, GAON_TYPE_BF16, 13, 129, 129);
	begin(0);
	op(GEMM, desc_va(0), 0);
	op(FENCE, 0, 0);
	one = script_cycles(1);
	/* A second one in a chain adds its 128 rows only. */
	begin(0);
	op(GEMM, desc_va(0), 0);
	op(GEMM, desc_va(0), 0);
	op(FENCE, 0, 0);
	ck_assert_uint_eq(script_cycles(1), one + 128);
	/* f32 takes four passes; 13 rows count as 16, on 2 x 2 tiles. */
	begin(0);
	op(GEMM, desc_va(1), 0);
	op(FENCE, 0, 0);
	ck_assert_uint_eq(script_cycles(1), one + 3 * 128);
	begin(0);
	op(GEMM, desc_va(2), 0);
	op(FENCE, 0, 0);
	ck_assert_uint_eq(script_cycles(1), one - 128 + 16 * 4);
	/* Not in a chain: filled again. */
	begin(0);
	op(GEMM, desc_va(0), 0);
	op(FENCE, 0, 0);
	op(GEMM, desc_va(0), 0);
	op(FENCE, 0, 0);
	ck_assert_uint_ge(script_cycles(1), one + 3 * 128);
}
END_TEST

/* B in memory: 4096 rows of 80 bytes take 1280 cycles at a channel's rate, the array only 128 + 256. */
START_TEST(test_gemm_b_memory)
{
	struct gaon_gemm_desc d = {
		.type_a = GAON_TYPE_Q8A, .type_b = GAON_TYPE_Q4_1, .type_c = GAON_TYPE_F32,
		.flags = GAON_GEMM_TRANS_B, .m = 1, .n = 4096, .k = 128, .a = GAON_VA_SPM,
		.b = GAON_VA_SPM, .c = GAON_VA_SPM + (1 << 20), .lda = 160, .ldc = 16384,
	};
	uint64_t inside, one;

	put_desc(0, &d, sizeof(d));
	d.flags |= GAON_GEMM_B_MEMORY;
	d.b = VA_HBM + ARENA;
	d.ldb = 80;
	put_desc(1, &d, sizeof(d));
	d.c += 16384;
	put_desc(2, &d, sizeof(d));
	begin(0);
	op(GEMM, desc_va(0), 0);
	op(FENCE, 0, 0);
	inside = script_cycles(1);
	begin(0);
	op(GEMM, desc_va(1), 0);
	op(FENCE, 0, 0);
	one = script_cycles(1);
	ck_assert_uint_eq(one, inside - 128 - 256 + 1280 + 256);
	begin(0);
	op(GEMM, desc_va(1), 0);
	op(GEMM, desc_va(1), 0);
	op(FENCE, 0, 0);
	ck_assert_uint_eq(script_cycles(1), one + 1280);
	/* The other array reads beside it. */
	begin(0);
	op(GEMM, desc_va(1), 0);
	op(GEMM, desc_va(2), 1);
	op(FENCE, 0, 0);
	ck_assert_uint_lt(script_cycles(1), one + 64);
}
END_TEST

/* Four cores read 2 MiB each on both channels: HBM is the limit, not the channels. */
START_TEST(test_shared_hbm)
{
	uint64_t bytes = 4ull * 2 * 32 * 65536, hbm, got;

	put_dma(0, VA_HBM + ARENA, 65536, 1, 0);
	for (unsigned int i = 0; i < 4; i++) {
		begin(i);
		for (unsigned int j = 0; j < 64; j++)
			op(DMA, desc_va(0), j & 1);
	}
	hbm = bytes * e->sim->identify.clock_khz / (e->sim->identify.hbm_mbps * 1000ull);
	got = script_cycles(4);
	ck_assert_uint_ge(got, hbm);
	ck_assert_uint_le(got, hbm + hbm / 20 + 1000);
}
END_TEST

/* A WAIT on another queue's value does not end before the value was signalled. */
START_TEST(test_across_queues)
{
	struct engine_queue *other = engine_queue(e, 1, GAON_QUEUE_KIND_USER, 1, false, 0);
	struct gaon_packet spin = engine_launch(K_SPIN, 100000, 1, 1, 1);
	struct gaon_packet wait = { .type = GAON_PKT_WAIT }, stamp = { .type = GAON_PKT_TIMESTAMP };

	wait.wait.va = spin.signal_va = VA_HOST + HOST_SCRATCH;
	wait.wait.operand = spin.signal_value = 1;
	spin.flags = GAON_PKT_F_SIGNAL;
	stamp.timestamp.va = VA_HOST + STAMP;
	engine_push(e, other, &wait);
	engine_push(e, other, &stamp);
	engine_ring(e, other);
	engine_push(e, q, &spin);
	engine_ring(e, q);
	engine_run(e);
	ck_assert_uint_eq(*engine_host64(e, STAMP), 8 + 256 + 32 + 100000 * 2 + 99999 * 2 + 3 + 64 + 8);
}
END_TEST

/* A queue as the firmware creates it: a doorbell, then a slot. */
static struct engine_queue *create_queue(uint32_t id)
{
	engine_lock(e);
	ck_assert_uint_eq(sim_doorbell_map(e->sim, id, 1, id), 0);
	engine_unlock(e);
	return engine_queue(e, id, GAON_QUEUE_KIND_USER, 1, false, 0);
}

static void destroy_queue(struct engine_queue *queue)
{
	ck_assert_uint_eq(engine_slot_command(e, queue->slot, GAON_SLOT_CMD_UNLOAD), 0);
	engine_lock(e);
	ck_assert_uint_eq(sim_doorbell_unmap(e->sim, queue->slot, 1, queue->slot), 0);
	engine_unlock(e);
}

static uint64_t stamp_of(struct engine_queue *queue)
{
	struct gaon_packet stamp = { .type = GAON_PKT_TIMESTAMP };

	stamp.timestamp.va = VA_HOST + STAMP;
	ck_assert_uint_eq(engine_do(e, queue, &stamp), GAON_FAULT_NONE);
	return *engine_host64(e, STAMP);
}

/* It starts at the latest time of anything; its time outlasts its slots, but not the queue. */
START_TEST(test_new_queue)
{
	struct gaon_packet spin = engine_launch(K_SPIN, 1000, 1, 1, 1);
	uint64_t loop = 8 + 256 + 32 + 1000 * 2 + 999 * 2 + 3 + 64;
	struct engine_queue *early = create_queue(1), *late;

	ck_assert_uint_eq(engine_do(e, q, &spin), GAON_FAULT_NONE);
	late = create_queue(2);
	ck_assert_uint_eq(stamp_of(late), loop + 8);
	/* Bound to another slot at read index 0: no new queue for that. */
	ck_assert(engine_preempt(e, early, 3));
	ck_assert_uint_eq(stamp_of(early), 8);
	/* But for a launch it waits for the core, which was free before the end's 64 cycles. */
	ck_assert_uint_eq(engine_do(e, early, &spin), GAON_FAULT_NONE);
	ck_assert_uint_eq(stamp_of(early), loop + 32 + 1000 * 2 + 999 * 2 + 3 + 8);
	/* The number's next owner does not go on where the last one stopped. */
	destroy_queue(late);
	ck_assert_uint_eq(engine_do(e, q, &spin), GAON_FAULT_NONE);
	late = create_queue(2);
	ck_assert_uint_eq(stamp_of(late), sim_time_now(e->sim));
	ck_assert_uint_gt(sim_time_now(e->sim), 2 * loop);
}
END_TEST

START_TEST(test_off)
{
	struct gaon_packet spin = engine_launch(K_SPIN, 100000, 4, 1, 1);

	engine_destroy(e);
	make(1, GAON_SIM_EFFECTS_NORMAL, true);
	ck_assert_uint_eq(engine_do(e, q, &spin), GAON_FAULT_NONE);
	spin = engine_launch(K_ENTRY, VA_HBM, 4, 1, 1);
	ck_assert_uint_eq(engine_do(e, q, &spin), GAON_FAULT_NONE);
	ck_assert_uint_eq(sim_time_now(e->sim), 0);
}
END_TEST

/* --- the same on every run ----------------------------------------------------------------------------- */

/* Random scripts with the same barriers everywhere and a token that goes round. */
static void random_gang(uint64_t *state, unsigned int members)
{
	for (unsigned int i = 0; i < 4; i++)
		put_dma(i, VA_HBM + ARENA + 65536 * i, 1000 * (i + 1), 1 + 3 * i, 5000);
	put_dma(4, VA_HOST + HOST_SCRATCH, 30000, 1, 0);
	put_gemm(5, GAON_TYPE_BF16, 60, 100, 200);
	put_gemm(6, GAON_TYPE_F32, 8, 64, 100);
	for (unsigned int i = 0; i < members; i++) {
		begin(i);
		for (unsigned int j = 0; j < 900; j++) {
			uint64_t r = engine_random(state);

			switch (r % 8) {
			case 0:
				op(SPIN, 1 + (r >> 8) % 500, 0);
				break;
			case 1:
				op(WAIT, (r >> 8) % 4, (r >> 16) % 4);
				break;
			case 2:
				op(GEMM, desc_va(5 + (r >> 8) % 2), (r >> 16) % 2);
				break;
			default:
				op(DMA, desc_va((r >> 8) % 5), (r >> 16) % 2);
				break;
			}
			if (members > 1 && j % 100 == 50)
				op(BARRIER, 0, 0);
			if (members > 1 && j % 100 == 80 && (i || j > 100))
				op(SEMWAIT, 1, 2);
			if (members > 1 && j % 100 == 90)
				op(POST, (i + 1) % members, 2);
		}
	}
}

struct outcome { uint64_t cycles, core, matrix, dma; };

static struct outcome measure(unsigned int threads, enum gaon_sim_effects effects, uint64_t state,
			      unsigned int members)
{
	struct gaon_packet pkt = engine_launch(K_SCRIPT, VA_HBM + SCRIPT, members, 1, 1);
	struct gaon_telemetry tele = { 0 };
	struct outcome o;

	make(threads, effects, false);
	random_gang(&state, members);
	pkt.launch.spm_bytes = 2 << 20;
	pkt.launch.launch_flags = GAON_LAUNCH_COOPERATIVE;
	ck_assert_uint_eq(engine_do(e, q, &pkt), GAON_FAULT_NONE);
	sim_time_telemetry(e->sim, &tele);
	o = (struct outcome){ sim_time_now(e->sim), tele.core_busy[0], tele.matrix_busy[1],
			      tele.dma_busy[members - 1] };
	engine_destroy(e);
	return o;
}

START_TEST(test_same_cycles)
{
	uint64_t state = engine_seed();

	engine_destroy(e);
	for (unsigned int round = 0; round < 3; round++) {
		uint64_t s = engine_random(&state) | 1;
		struct outcome one = measure(1, GAON_SIM_EFFECTS_NORMAL, s, 4);

		for (unsigned int i = 0; i < 3; i++) {
			struct outcome o = measure(1 + i % 2, i == 2 ? GAON_SIM_EFFECTS_LATE :
						   GAON_SIM_EFFECTS_NORMAL, s, 4);

			ck_assert_uint_eq(o.cycles, one.cycles);
			ck_assert(!memcmp(&o, &one, sizeof(o)));
		}
	}
	setup();
}
END_TEST

/* Cycles of a new queue's work; before it, on another queue, something of @noise unless that is 0. */
static uint64_t measure_new(uint64_t state, uint64_t noise)
{
	struct gaon_packet copy = { .type = GAON_PKT_COPY };
	uint64_t cycles;

	make(1, GAON_SIM_EFFECTS_NORMAL, false);
	if (noise) {
		copy.copy.dst_va = VA_HBM + ARENA;
		copy.copy.src_va = VA_HOST + HOST_SCRATCH;
		copy.copy.bytes = 1 + engine_random(&noise) % 500000;
		random_gang(&noise, 4);
		script_cycles(4);
		cycles_of(&copy);
	}
	q = create_queue(1);
	random_gang(&state, 4);
	cycles = script_cycles(4);
	copy.copy.dst_va = VA_HBM + ARENA;
	copy.copy.src_va = VA_HBM + ARENA + (8 << 20);
	copy.copy.bytes = 1000 + engine_random(&state) % 500000;
	cycles += cycles_of(&copy) << 32;
	engine_destroy(e);
	return cycles;
}

/* What other queues did before a queue was created does not show in its cycles. */
START_TEST(test_new_queue_same_cycles)
{
	uint64_t state = engine_seed();

	engine_destroy(e);
	for (unsigned int round = 0; round < 3; round++) {
		uint64_t s = engine_random(&state) | 1, alone = measure_new(s, 0);

		for (unsigned int i = 0; i < 3; i++)
			ck_assert_uint_eq(measure_new(s, engine_random(&state) | 1), alone);
	}
	setup();
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("engine_time");
	TCase *t = tcase_create("time");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 100);
	tcase_add_test(t, test_packets);
	tcase_add_test(t, test_empty_launch);
	tcase_add_test(t, test_scalar);
	tcase_add_test(t, test_copy);
	tcase_add_test(t, test_dma);
	tcase_add_test(t, test_gemm);
	tcase_add_test(t, test_gemm_b_memory);
	tcase_add_test(t, test_shared_hbm);
	tcase_add_test(t, test_across_queues);
	tcase_add_test(t, test_new_queue);
	tcase_add_test(t, test_off);
	tcase_add_test(t, test_same_cycles);
	tcase_add_test(t, test_new_queue_same_cycles);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(suite());
}
