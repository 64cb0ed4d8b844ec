// SPDX-License-Identifier: MIT
/* Queues, and packets of which it is known what they make of the objects. */
#include <check.h>
#include <string.h>
#include <time.h>

#include "moves.h"
#include "engine_symbols.h"

/* --- queues ---------------------------------------------------------------------------------- */

static volatile uint64_t *value_of(const struct queue *q)
{
	return (volatile uint64_t *)(void *)(q->own + VALUE_AT);
}

static struct gaon_queue_state *state_of(const struct queue *q)
{
	return (struct gaon_queue_state *)(void *)(q->own + STATE_AT);
}

void moves_push(struct queue *q, const struct gaon_packet *pkt)
{
	struct gaon_packet *ring = (struct gaon_packet *)(void *)q->own;
	uint64_t old = q->write++;

	ring[old % (1u << RING_LOG2)] = *pkt;
	__atomic_store_n(&state_of(q)->write, q->write, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (gaon_doorbell_due(old, q->write,
			      __atomic_load_n(&state_of(q)->event_idx, __ATOMIC_RELAXED)))
		gaon_sim_doorbell(moves_host.sim, q->context, q->doorbell);
}

void moves_wait(const struct queue *q, uint64_t value)
{
	const struct timespec nap = { .tv_nsec = 50000 };
	time_t end = time(NULL) + 100;

	while (__atomic_load_n(value_of(q), __ATOMIC_ACQUIRE) < value) {
		uint32_t status = __atomic_load_n(&state_of(q)->status, __ATOMIC_ACQUIRE);

		if (status == GAON_QUEUE_FAULTED || status == GAON_QUEUE_RESET)
			ck_abort_msg("queue %u, batch %lu: status %u, fault %u", q->id,
				     (unsigned long)q->batches, status, state_of(q)->fault_type);
		if (time(NULL) > end)
			ck_abort_msg("queue %u, batch %lu: no end, %lu of %lu packets, status %u",
				     q->id, (unsigned long)q->batches, (unsigned long)state_of(q)->read,
				     (unsigned long)q->write, status);
		if (!gaon_sim_run(moves_host.sim, value_of(q), value, 2000000))
			nanosleep(&nap, NULL);
	}
}

uint64_t moves_value_va(const struct queue *q)
{
	return q->own_va + VALUE_AT;
}

static void push_signal(struct queue *q, uint64_t value)
{
	moves_push(q, &(struct gaon_packet){
		.type = GAON_PKT_SIGNAL, .flags = GAON_PKT_F_BARRIER | GAON_PKT_F_SIGNAL,
		.scope = GAON_SCOPE_HOST | GAON_SCOPE_HOST << 4, .signal_va = moves_value_va(q),
		.signal_value = value,
	});
}

/* --- packets --------------------------------------------------------------------------------- */

/* Memory for what the batch's packets name; its address in the device. */
static void *script_take(struct queue *q, uint32_t bytes, uint64_t *va)
{
	uint32_t at = q->script;

	q->script += (bytes + 63) & ~63u;
	ck_assert_uint_le(q->script, SCRIPT_BYTES);
	*va = q->own_va + SCRIPT_AT + at;
	return q->own + SCRIPT_AT + at;
}

static struct gaon_packet packet_copy(struct queue *q, uint64_t dst, uint64_t src, uint64_t bytes,
				      uint64_t *state)
{
	struct gaon_packet pkt = { .type = GAON_PKT_COPY };
	struct gaon_copy_desc *d;

	if (moves_below(state, 4)) {
		pkt.copy = (struct gaon_pkt_copy){ .dst_va = dst, .src_va = src, .bytes = bytes };
		return pkt;
	}
	/* All of it, but in rows that do not follow each other. */
	d = script_take(q, sizeof(*d), &pkt.desc.desc_va);
	*d = (struct gaon_copy_desc){
		.dst_va = dst, .src_va = src, .bytes = 16,
		.count = { (uint32_t)(bytes / 128), 8, 1 },
		.dst_stride = { 128, 16 }, .src_stride = { 128, 16 },
	};
	pkt.flags = GAON_PKT_F_DESC;
	return pkt;
}

/* A launch whose workgroups take every other chunk through the scratchpad. */
static struct gaon_packet packet_dma(struct queue *q, uint64_t dst, uint64_t src, unsigned int units,
				     uint64_t *state)
{
	unsigned int groups = 1 + (unsigned int)moves_below(state, 4);
	unsigned int chunk = 1u << moves_below(state, 4);
	bool product = moves_below(state, 2);
	uint64_t table_va, va, *table = script_take(q, groups * 8, &table_va);
	struct gaon_gemm_desc *g = script_take(q, sizeof(*g), &va);
	uint64_t gemm_va = va;

	*g = (struct gaon_gemm_desc){
		.type_a = GAON_TYPE_F32, .type_b = GAON_TYPE_F32, .type_c = GAON_TYPE_F32,
		.m = 64, .n = 64, .k = 64, .a = GAON_VA_SPM + 0x40000, .b = GAON_VA_SPM + 0x44000,
		.c = GAON_VA_SPM + 0x48000, .lda = 256, .ldb = 256, .ldc = 256,
	};
	for (unsigned int i = 0; i < groups; i++) {
		unsigned int steps = (units + chunk * groups - 1) / (chunk * groups);
		uint64_t *s = script_take(q, (steps * 5 + 1) * 24, &table[i]);

		for (unsigned int at = i * chunk; at < units; at += chunk * groups) {
			unsigned int n = units - at < chunk ? units - at : chunk;
			struct gaon_dma_desc *d = script_take(q, 2 * sizeof(*d), &va);
			const uint64_t ops[][3] = {
				{ 2, va, 0 }, { product ? 1u : 10u, product ? gemm_va : 100, 0 },
				{ 4, 0, 0 }, { 2, va + sizeof(*d), 1 }, { 4, 0, 0 },
			};

			d[0] = (struct gaon_dma_desc){
				.mem_va = src + at * UNIT, .spm_va = GAON_VA_SPM,
				.bytes = (uint32_t)(n * UNIT), .count = { 1, 1, 1 },
			};
			d[1] = d[0];
			d[1].flags = GAON_DMA_FROM_SPM;
			d[1].mem_va = dst + at * UNIT;
			memcpy(s, ops, sizeof(ops));
			s += sizeof(ops) / 8;
		}
		s[0] = 0;
	}
	return (struct gaon_packet){
		.type = GAON_PKT_LAUNCH,
		.launch = { .entry_va = K_SCRIPT, .args_va = table_va, .grid = { groups, 1, 1 },
			    .spm_bytes = 0x4c000, .stack_bytes = 4096 },
	};
}

static struct gaon_packet packet_add(struct queue *q, uint64_t dst, uint64_t src, unsigned int units,
				     uint64_t key, uint64_t *state)
{
	unsigned int groups = units % 4 ? units % 2 ? 1 : 2 : 4;
	bool vector = moves_below(state, 3);
	uint64_t va, *args = script_take(q, 32, &va);

	args[0] = units * UNIT_WORDS / groups;
	args[1] = src;
	args[2] = dst;
	args[3] = key;
	return (struct gaon_packet){
		.type = GAON_PKT_LAUNCH,
		.launch = { .entry_va = vector ? K_VADD : K_SADD, .args_va = va,
			    .grid = { groups, 1, 1 }, .stack_bytes = 4096 },
	};
}

/* One thing that happens to an object; the model of it happens at once. */
static struct gaon_packet random_packet(struct queue *q, uint64_t *state)
{
	unsigned int to = (unsigned int)moves_below(state, SOURCE);
	unsigned int from = (unsigned int)moves_below(state, OBJECTS);
	unsigned int what = (unsigned int)moves_below(state, 8);
	struct object *dst = &q->object[to], *src = &q->object[from];
	unsigned int most = dst->units < src->units ? dst->units : src->units;
	unsigned int units = moves_below(state, 3) ? most :
						     1 + (unsigned int)moves_below(state, most);
	unsigned int dst_unit = (unsigned int)moves_below(state, dst->units - units + 1);
	unsigned int src_unit = (unsigned int)moves_below(state, src->units - units + 1);
	uint64_t dst_va = dst->va + dst_unit * UNIT, src_va = src->va + src_unit * UNIT;
	uint64_t key = dev_random(state), used = 1u << to | 1u << from;
	struct gaon_packet pkt;

	if (to == from)
		src_unit = dst_unit, src_va = dst_va;
	if (what < 2 || (what < 6 && to == from)) {
		pkt = (struct gaon_packet){
			.type = GAON_PKT_FILL,
			.fill = { .dst_va = dst_va, .bytes = units * UNIT, .pattern = key,
				  .pattern_size = 8 },
		};
		for (unsigned int u = 0; u < units; u++)
			dst->content[dst_unit + u] = (struct content){ key, 0 };
	} else {
		if (what < 4)
			pkt = packet_copy(q, dst_va, src_va, units * UNIT, state);
		else if (what < 6)
			pkt = packet_dma(q, dst_va, src_va, units, state);
		else
			pkt = packet_add(q, dst_va, src_va, units, key, state);
		for (unsigned int u = 0; u < units; u++) {
			dst->content[dst_unit + u] = src->content[src_unit + u];
			dst->content[dst_unit + u].base += what < 6 ? 0 : key;
		}
	}
	if (q->since_barrier & used) {
		pkt.flags |= GAON_PKT_F_BARRIER;
		q->since_barrier = 0;
	}
	q->since_barrier |= used;
	return pkt;
}

/* What a program does to see an object: a copy of it, which never moves. And then it changes. */
static void push_back(struct queue *q, uint64_t *state)
{
	struct object *o = &q->object[moves_below(state, SOURCE)];
	uint64_t key = dev_random(state);

	q->backs = o->units < BACK_UNITS ? o->units : BACK_UNITS;
	memcpy(q->back, o->content, q->backs * sizeof(*q->back));
	moves_push(q, &(struct gaon_packet){
		.type = GAON_PKT_COPY, .flags = GAON_PKT_F_BARRIER,
		.copy = { .dst_va = q->own_va + BACK_AT, .src_va = o->va, .bytes = q->backs * UNIT },
	});
	moves_push(q, &(struct gaon_packet){
		.type = GAON_PKT_FILL, .flags = GAON_PKT_F_BARRIER,
		.fill = { .dst_va = o->va, .bytes = o->units * UNIT, .pattern = key,
			  .pattern_size = 8 },
	});
	for (unsigned int u = 0; u < o->units; u++)
		o->content[u] = (struct content){ key, 0 };
}

void moves_push_batch(struct queue *q, uint64_t *state)
{
	struct gaon_packet list[BATCH], *copy;
	unsigned int count = 1 + (unsigned int)moves_below(state, BATCH);
	struct gaon_packet pkt = { .type = GAON_PKT_INDIRECT, .flags = GAON_PKT_F_BARRIER };

	q->batches++;
	q->script = 0;
	q->since_barrier = 0;
	for (unsigned int i = 0; i < count; i++)
		list[i] = random_packet(q, state);
	if (moves_below(state, 3)) {
		for (unsigned int i = 0; i < count; i++)
			moves_push(q, &list[i]);
	} else {
		copy = script_take(q, sizeof(list), &pkt.list.list_va);
		memcpy(copy, list, sizeof(list));
		pkt.list.count = count;
		moves_push(q, &pkt);
	}
	push_back(q, state);
	push_signal(q, q->batches);
}

void moves_check_back(const struct queue *q)
{
	const uint64_t *words = (const uint64_t *)(const void *)(q->own + BACK_AT);

	for (unsigned int u = 0; u < q->backs; u++, words += UNIT_WORDS)
		moves_check_unit("what was copied back is wrong", q, OBJECTS, u, words, &q->back[u]);
}
