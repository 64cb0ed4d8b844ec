// SPDX-License-Identifier: MIT
/*
 * Firmware and device model together: more queues than slots, with real rings, page tables and
 * packets.  What the firmware does by itself is tested in firmware_test.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../check_run.h"
#include "../../firmware/gaon_fw_embed.h"
#include "dev_host.h"

#define QUEUES		48
#define CONTEXTS	3
#define RING_LOG2	5
#define RING_SIZE	(1u << RING_LOG2)
#define KERNEL_BASE	0xffff800000000000ull
#define QUEUE_VA(q)	(0x100000ull + (q) * 0x10000ull)

struct queue {
	struct gaon_packet *ring;
	struct gaon_queue_state *state;
	volatile uint64_t *value;
	uint64_t base;			/* of its addresses */
	uint32_t id, context;
	uint64_t write;
};

static struct dev_host host;
static uint64_t roots[CONTEXTS + 1];
static struct queue queues[QUEUES];

static uint32_t command(const struct gaon_admin_cmd *cmd)
{
	return dev_host_command(&host, cmd, NULL);
}

static uint32_t by_id(uint16_t opcode, uint32_t id)
{
	return command(&(struct gaon_admin_cmd){ .opcode = opcode, .id.id = id });
}

static void boot(uint32_t slots)
{
	const struct gaon_sim_config config = { .slots = slots };

	dev_host_create(&host, &config);
	ck_assert_uint_eq(dev_host_boot(&host, gaon_fw_image, gaon_fw_image_size, gaon_fw_image_size),
			  GAON_STATE_READY);
	dev_host_admin(&host, 4);
	for (uint32_t c = 1; c <= CONTEXTS; c++) {
		roots[c] = dev_host_root(&host);
		ck_assert_uint_eq(command(&(struct gaon_admin_cmd){
			.opcode = GAON_ADMIN_CONTEXT_CREATE,
			.context = { .context = c, .asid = (uint16_t)c, .root_pa = roots[c] },
		}), GAON_ADMIN_OK);
	}
}

/* A page of ring, one of state block, one of values; three pages of addresses in a row. */
static void create(uint32_t id, uint32_t context, uint8_t kind, uint8_t priority)
{
	struct queue *q = &queues[id];
	uint64_t pa[3], prot = GAON_PTE_R | GAON_PTE_W | (kind ? 0 : GAON_PTE_U);

	*q = (struct queue){ .id = id, .context = context };
	q->base = (kind ? KERNEL_BASE : 0) + QUEUE_VA(id);
	q->ring = dev_host_alloc(&host, 4096, &pa[0]);
	q->state = dev_host_alloc(&host, 4096, &pa[1]);
	q->value = dev_host_alloc(&host, 4096, &pa[2]);
	for (uint32_t i = 0; i < 3; i++)
		dev_host_map(&host, roots[context], q->base + 4096 * i, pa[i], prot, 0);
	ck_assert_uint_eq(command(&(struct gaon_admin_cmd){
		.opcode = GAON_ADMIN_QUEUE_CREATE,
		.queue = {
			.queue = id, .context = context, .doorbell = (uint16_t)id, .kind = kind,
			.priority = priority, .ring_log2 = RING_LOG2, .ring_va = q->base,
			.state_va = q->base + 4096,
		},
	}), GAON_ADMIN_OK);
}

static uint64_t value_va(const struct queue *q)
{
	return q->base + 8192;
}

static void push(struct queue *q, const struct gaon_packet *pkt)
{
	uint64_t old = q->write++;

	ck_assert_uint_le(q->write - q->state->read, RING_SIZE);
	q->ring[old % RING_SIZE] = *pkt;
	__atomic_store_n(&q->state->write, q->write, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (gaon_doorbell_due(old, q->write, __atomic_load_n(&q->state->event_idx, __ATOMIC_RELAXED)))
		gaon_sim_doorbell(host.sim, q->context, q->id);
}

/* A packet that stores its own number. */
static void push_signal(struct queue *q)
{
	push(q, &(struct gaon_packet){
		.type = GAON_PKT_NOP, .flags = GAON_PKT_F_SIGNAL, .signal_va = value_va(q),
		.signal_value = q->write + 1,
	});
}

static void wait_value(struct queue *q, uint64_t value)
{
	const struct timespec nap = { .tv_nsec = 50000 };

	for (int i = 0; i < 100000 && *q->value < value; i++)
		if (!gaon_sim_run(host.sim, q->value, value, 1000000))
			nanosleep(&nap, NULL);
	ck_assert_msg(*q->value >= value, "queue %u: %lu of %lu, status %u", q->id,
		      (unsigned long)*q->value, (unsigned long)value, q->state->status);
}

/* All kinds and priorities on four slots: everything that is published is done. */
START_TEST(many_queues)
{
	uint64_t seed = dev_seed();

	boot(4);
	for (uint32_t i = 0; i < QUEUES; i++)
		create(i, 1 + i % CONTEXTS, (uint8_t)(dev_random(&seed) & 1),
		       (uint8_t)(dev_random(&seed) & 3));
	for (uint32_t round = 0; round < 30; round++) {
		for (uint32_t n = 0; n < 100; n++) {
			struct queue *q = &queues[dev_random(&seed) % QUEUES];

			if (q->write - q->state->read < RING_SIZE)
				push_signal(q);
		}
		for (uint32_t i = 0; i < QUEUES; i++)
			wait_value(&queues[i], queues[i].write);
	}
	dev_host_destroy(&host);
}
END_TEST

/*
 * Each queue waits for the one before it, and the ones that wait longest get the slots first: only
 * giving up a slot that holds a WAIT lets the chain end.
 */
START_TEST(chain_of_waits)
{
	uint32_t count = 24;

	boot(3);
	for (uint32_t i = 0; i < count; i++)
		create(i, 1, GAON_QUEUE_KIND_USER, GAON_PRIORITY_NORMAL);
	for (uint32_t i = count; i--;) {
		if (i)
			push(&queues[i], &(struct gaon_packet){
				.type = GAON_PKT_WAIT,
				.wait = { .va = value_va(&queues[i - 1]), .op = GAON_WAIT_GE, .operand = 1 },
			});
		push_signal(&queues[i]);
		gaon_sim_run(host.sim, NULL, 0, 100000);
	}
	wait_value(&queues[count - 1], 1);
	dev_host_destroy(&host);
}
END_TEST

/* Nothing of a suspended queue or context moves, and all of it goes on afterwards. */
START_TEST(suspend_and_resume)
{
	uint64_t seed = dev_seed();

	boot(4);
	for (uint32_t i = 0; i < 12; i++)
		create(i, 1 + i % CONTEXTS, (uint8_t)(i & 1), (uint8_t)(i & 3));
	for (uint32_t round = 0; round < 60; round++) {
		struct queue *q = &queues[dev_random(&seed) % 12];
		bool whole = dev_random(&seed) & 1;
		uint32_t id = whole ? q->context : q->id;
		uint64_t before;

		push_signal(q);
		ck_assert_uint_eq(by_id(whole ? GAON_ADMIN_CONTEXT_SUSPEND : GAON_ADMIN_QUEUE_SUSPEND, id),
				  GAON_ADMIN_OK);
		before = *q->value;
		push_signal(q);
		gaon_sim_doorbell(host.sim, q->context, q->id);
		gaon_sim_run(host.sim, NULL, 0, 200000);
		ck_assert_uint_eq(*q->value, before);
		ck_assert_uint_eq(by_id(whole ? GAON_ADMIN_CONTEXT_RESUME : GAON_ADMIN_QUEUE_RESUME, id),
				  GAON_ADMIN_OK);
		wait_value(q, q->write);
	}
	dev_host_destroy(&host);
}
END_TEST

/* A queue that waits for ever is dropped with its context; others do not notice. */
START_TEST(context_reset)
{
	boot(2);
	for (uint32_t i = 0; i < 8; i++)
		create(i, 1 + i % 2, GAON_QUEUE_KIND_USER, GAON_PRIORITY_NORMAL);
	for (uint32_t i = 0; i < 8; i += 2)
		push(&queues[i], &(struct gaon_packet){
			.type = GAON_PKT_WAIT,
			.wait = { .va = value_va(&queues[i]), .op = GAON_WAIT_EQ, .operand = 99 },
		});
	for (uint32_t i = 1; i < 8; i += 2) {
		push_signal(&queues[i]);
		wait_value(&queues[i], 1);
	}
	ck_assert_uint_eq(by_id(GAON_ADMIN_CONTEXT_RESET, 1), GAON_ADMIN_OK);
	for (uint32_t i = 0; i < 8; i += 2) {
		ck_assert_uint_eq(queues[i].state->status, GAON_QUEUE_RESET);
		ck_assert_uint_eq(queues[i].state->read, 1);
		ck_assert_uint_eq(by_id(GAON_ADMIN_FAULT_CLEAR, i), GAON_ADMIN_OK);
		push_signal(&queues[i]);
		wait_value(&queues[i], 2);
		ck_assert_uint_eq(by_id(GAON_ADMIN_QUEUE_DESTROY, i), GAON_ADMIN_OK);
	}
	ck_assert_uint_eq(by_id(GAON_ADMIN_CONTEXT_DESTROY, 1), GAON_ADMIN_OK);
	push_signal(&queues[1]);
	wait_value(&queues[1], 2);
	dev_host_destroy(&host);
}
END_TEST

/* Bad packets in more queues than slots: each faults alone, is cleared, and goes on. */
START_TEST(faults)
{
	boot(2);
	for (uint32_t i = 0; i < 10; i++)
		create(i, 1, GAON_QUEUE_KIND_USER, GAON_PRIORITY_NORMAL);
	for (uint32_t round = 0; round < 5; round++)
		for (uint32_t i = 0; i < 10; i++) {
			struct queue *q = &queues[i];

			push(q, &(struct gaon_packet){ .type = 0 });
			for (int n = 0; n < 1000 && q->state->status != GAON_QUEUE_FAULTED; n++)
				gaon_sim_run(host.sim, NULL, 0, 1000000);
			ck_assert_uint_eq(q->state->status, GAON_QUEUE_FAULTED);
			ck_assert_uint_eq(by_id(GAON_ADMIN_FAULT_CLEAR, i), GAON_ADMIN_OK);
			push_signal(q);
			wait_value(q, q->write);
		}
	dev_host_destroy(&host);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("firmware and device");
	TCase *tc = tcase_create("queues and slots");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, many_queues);
	tcase_add_test(tc, chain_of_waits);
	tcase_add_test(tc, suspend_and_resume);
	tcase_add_test(tc, context_reset);
	tcase_add_test(tc, faults);
	suite_add_tcase(suite, tc);
	return check_run(suite);
}
