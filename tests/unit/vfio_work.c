// SPDX-License-Identifier: MIT
/*
 * The vfio-user server at work: queues, copies, launches and interrupts of a client that keeps to
 * the protocol.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "vfio_fixture.h"


static uint64_t now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

#define CODE_VA		0x300000ull
#define SPIN_VA		(CODE_VA + 64)

static void boot_with_queue(struct dev_queue *q)
{
	uint32_t *code;
	uint64_t pa;

	ck_assert_uint_eq(fixture_boot(), GAON_STATE_READY);
	dev_host_admin(&client.host, 4);
	dev_host_queue(&client.host, q);
	code = dev_host_alloc(&client.host, 4096, &pa);
	code[0] = 0x00053283;	/* ld t0, 0(a0): what it is to store */
	code[1] = 0x00553423;	/* sd t0, 8(a0) */
	code[2] = 0x00008067;	/* ret */
	code[16] = 0x0000006f;	/* for ever */
	dev_host_map(&client.host, q->root, CODE_VA, pa, GAON_PTE_R | GAON_PTE_X | GAON_PTE_U, 0);
}

static void await(struct dev_queue *q, uint64_t target)
{
	uint64_t end = now_ns(CLOCK_MONOTONIC) + 20000000000ull;

	while (__atomic_load_n(q->value, __ATOMIC_ACQUIRE) < target) {
		client.host.bus->run(client.host.ctx, q->value, target);
		ck_assert_msg(now_ns(CLOCK_MONOTONIC) < end, "value %lu, not %lu; status %u, fault type %u",
			      (unsigned long)*q->value, (unsigned long)target, q->state->status,
			      q->state->fault_type);
	}
}

static void push(struct dev_queue *q, struct gaon_packet pkt, uint64_t value)
{
	pkt.flags |= GAON_PKT_F_SIGNAL;
	pkt.signal_va = DEV_VALUE_VA;
	pkt.signal_value = value;
	dev_host_push(&client.host, q, &pkt);
}

static struct gaon_packet launch(uint64_t entry)
{
	return (struct gaon_packet) {
		.type = GAON_PKT_LAUNCH,
		.launch = { .entry_va = entry, .args_va = DEV_VALUE_VA + 64, .grid = { 1, 1, 1 },
			    .stack_bytes = 4096 },
	};
}

#define DATA_VA		0x500000ull
#define DATA_BYTES	0x8000u
#define HBM_VA		0x600000ull
#define KERNEL_VA	0x310000ull
#define LENGTH		5000u
#define LENGTH_IN_BAND	300u	/* each byte is asked for, and a question takes up to a millisecond */

/* What follows at misaligned addresses in host memory, by every kind of access that a core has. */
static const uint32_t kernel[] = {
	0x6510610c,	/* ld a1, 0(a0); ld a2, 8(a0): source, destination */
	0xb7036914,	/* ld a3, 16(a0): bytes */
	0xed180015,	/* ld a4, 1(a1); sd a4, 24(a0) */
	0x02e520a3,	/* sw a4, 33(a0) */
	0x0c36f2d7,	/* 1: vsetvli t0, a3, e8, m8, ta, ma */
	0x02058407,	/* vle8.v v8, (a1) */
	0x0280b457,	/* vadd.vi v8, v8, 1 */
	0x02060427,	/* vse8.v v8, (a2) */
	0x96169596,	/* add a1, a1, t0; add a2, a2, t0 */
	0x405686b3,	/* sub a3, a3, t0 */
	0x5379f6e5,	/* bnez a3, 1b; li t1, -2 */
	0xcc887057,	/* vsetivli zero, 16, e16, m1, ta, ma */
	0x50871675,	/* addi a2, a2, -3; vlse16.v v1, (a2), t1 */
	0x05130a66,	/* addi a0, a0, 41 */
	0x50a70295,	/* vse16.v v1, (a0) */
	0x80820205,	/* ret */
};

/* Returns the memory at DATA_VA. */
static uint8_t *check_kernel(struct dev_queue *q, unsigned int length)
{
	uint8_t *data, *code, *from, *to, *args;
	uint16_t back[16], got[16];
	uint64_t pa, word;
	uint32_t half;

	code = dev_host_alloc(&client.host, 4096, &pa);
	memcpy(code, kernel, sizeof(kernel));
	dev_host_map(&client.host, q->root, KERNEL_VA, pa, GAON_PTE_R | GAON_PTE_X | GAON_PTE_U, 0);
	data = args = dev_host_alloc(&client.host, DATA_BYTES, &pa);
	for (uint64_t at = 0; at < DATA_BYTES; at += 4096)
		dev_host_map(&client.host, q->root, DATA_VA + at, pa + at,
			     GAON_PTE_R | GAON_PTE_W | GAON_PTE_U, 0);
	from = data + 0x1ffd;
	to = data + 0x5f01;
	((uint64_t *)args)[0] = DATA_VA + 0x1ffd;
	((uint64_t *)args)[1] = DATA_VA + 0x5f01;
	((uint64_t *)args)[2] = length;
	for (unsigned int i = 0; i < length; i++)
		from[i] = i * 37 + i / 256;
	struct gaon_packet pkt = launch(KERNEL_VA);
	pkt.launch.args_va = DATA_VA;
	push(q, pkt, 200);
	await(q, 200);
	for (unsigned int i = 0; i < length; i++)
		ck_assert_uint_eq(to[i], (uint8_t)(from[i] + 1));
	ck_assert_mem_eq(args + 24, from + 1, 8);
	memcpy(&half, args + 33, 4);
	memcpy(&word, from + 1, 8);
	ck_assert_uint_eq(half, (uint32_t)word);
	for (int i = 0; i < 16; i++)
		memcpy(&back[i], to + length - 3 - 2 * i, 2);
	memcpy(got, args + 41, sizeof(got));
	ck_assert_mem_eq(got, back, sizeof(got));
	return data;
}

/* Host memory to HBM and back, at odd addresses; fills; a wait and a time stamp. */
static void check_packets(struct dev_queue *q, uint8_t *data)
{
	struct gaon_packet wait = {
		.type = GAON_PKT_WAIT,
		.wait = { .va = DEV_VALUE_VA + 128, .operand = 5, .op = GAON_WAIT_GE },
	};
	struct gaon_packet stamp = {
		.type = GAON_PKT_TIMESTAMP, .timestamp = { .va = DEV_VALUE_VA + 136 },
	};
	struct gaon_packet copy = { .type = GAON_PKT_COPY };

	dev_host_map(&client.host, q->root, HBM_VA, GAON_PA_HBM | 2 << 20,
		     GAON_PTE_R | GAON_PTE_W | GAON_PTE_U, 1);
	copy.copy = (struct gaon_pkt_copy){ .dst_va = HBM_VA + 77, .src_va = DATA_VA + 3, .bytes = 9999 };
	push(q, copy, 300);
	copy.copy = (struct gaon_pkt_copy){
		.dst_va = DATA_VA + 12345, .src_va = HBM_VA + 77, .bytes = 9999,
	};
	copy.flags = GAON_PKT_F_BARRIER;
	push(q, copy, 301);
	push(q, (struct gaon_packet){
		.type = GAON_PKT_FILL,
		.fill = { .dst_va = DATA_VA + 0x6ff0, .bytes = 64, .pattern = 0x1122, .pattern_size = 2 },
	}, 302);
	await(q, 302);
	ck_assert_mem_eq(data + 12345, data + 3, 9999);
	for (int i = 0; i < 64; i += 2)
		ck_assert_uint_eq(data[0x6ff0 + i] | data[0x6ff1 + i] << 8, 0x1122);
	q->value[17] = UINT64_MAX;
	push(q, wait, 303);
	push(q, stamp, 304);
	client.host.bus->run(client.host.ctx, NULL, 0);
	ck_assert_uint_eq(*q->value, 302);
	__atomic_store_n(&q->value[16], 7, __ATOMIC_RELEASE);
	client.host.bus->write(client.host.ctx, GAON_BAR_DOORBELL, GAON_DOORBELL_STRIDE + 8 * 3, 0, 4);
	await(q, 304);
	ck_assert_uint_ne(q->value[17], UINT64_MAX);
}

/* The whole way, twice, each time as the next client: firmware, packets, a launch, events, interrupts. */
static void run_work(bool in_band)
{
	volatile struct gaon_event *events;
	struct dev_queue q;
	uint64_t pa;

	for (int round = 0; round < 2; round++) {
		vfio_start(&client, dev, in_band);
		ck_assert_uint_eq(dev_read32(&client.host, GAON_REG_STATE), GAON_STATE_RESET);
		boot_with_queue(&q);
		ck_assert(vfio_interrupted(&client, 0, 5000));
		for (uint64_t i = 1; i <= 50; i++) {
			push(&q, (struct gaon_packet){ .type = GAON_PKT_NOP }, i);
			await(&q, i);
		}
		q.value[8] = 0x1234567890abcdef;
		push(&q, launch(CODE_VA), 100);
		await(&q, 100);
		ck_assert_uint_eq(q.value[9], 0x1234567890abcdef);
		check_packets(&q, check_kernel(&q, in_band ? LENGTH_IN_BAND : LENGTH));

		events = dev_host_alloc(&client.host, 4096, &pa);
		dev_write64(&client.host, GAON_REG_EVENT(3) + GAON_EVENT_ADDR, pa);
		dev_write32(&client.host, GAON_REG_EVENT(3) + GAON_EVENT_LOG2, 5);
		dev_write32(&client.host, GAON_REG_EVENT(3) + GAON_EVENT_ENABLE, 1);
		dev_write64(&client.host, GAON_REG_EVENT(0) + GAON_EVENT_ADDR, pa);
		dev_write32(&client.host, GAON_REG_EVENT(0) + GAON_EVENT_LOG2, 5);
		dev_write32(&client.host, GAON_REG_EVENT(0) + GAON_EVENT_ENABLE, 1);
		push(&q, (struct gaon_packet){ .type = GAON_PKT_NOP, .flags = GAON_PKT_F_EVENT }, 400);
		ck_assert(vfio_interrupted(&client, 1, 5000));
		ck_assert(!vfio_interrupted(&client, 4, 0));
		ck_assert_uint_eq(events[0].valid, 1);
		ck_assert_int_eq(vfio_disconnect(&client), 0);
	}
}

START_TEST(test_work)
{
	run_work(false);
}
END_TEST

/* The same without a file: the server asks its client for every byte, and QEMU's deadlock is avoided. */
START_TEST(test_work_in_band)
{
	run_work(true);
}
END_TEST

/* Masked vectors stay pending; what is disarmed and armed again is delivered. */
START_TEST(test_msix)
{
	const uint32_t eventfds = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;
	const uint32_t none = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER;
	struct gaon_admin_cmd cmd = { .opcode = GAON_ADMIN_NOP };
	uint64_t pending;

	vfio_start(&client, dev, false);
	ck_assert_uint_eq(fixture_boot(), GAON_STATE_READY);
	dev_host_admin(&client.host, 4);
	while (vfio_interrupted(&client, 0, 20))
		;
	/* Loopback, of which the device knows nothing. */
	ck_assert_int_eq(vfio_set_irqs(&client, none, 5, 1, NULL, 0), 0);
	ck_assert(vfio_interrupted(&client, 5, 5000));
	/* No eventfd: the interrupt waits in the pending bits. */
	ck_assert_int_eq(vfio_set_irqs(&client, eventfds, 0, 1, NULL, 0), 0);
	dev_host_command(&client.host, &cmd, NULL);
	ck_assert_int_eq(vfio_region_read(&client, GAON_BAR_REGS, GAON_MSIX_PBA, &pending, 8), 0);
	ck_assert_uint_eq(pending, 1);
	ck_assert(!vfio_interrupted(&client, 0, 5));
	ck_assert_int_eq(vfio_set_irqs(&client, eventfds, 0, 1, &client.irq[0], 1), 0);
	ck_assert(vfio_interrupted(&client, 0, 5000));
	/* All off, then on again: as a driver does that is loaded twice. */
	ck_assert_int_eq(vfio_set_irqs(&client, none, 0, 0, NULL, 0), 0);
	dev_host_command(&client.host, &cmd, NULL);
	ck_assert(!vfio_interrupted(&client, 0, 5));
	ck_assert_int_eq(vfio_set_irqs(&client, eventfds, 0, 8, client.irq, 8), 0);
	ck_assert(vfio_interrupted(&client, 0, 5000));

	ck_assert_int_eq(vfio_set_irqs(&client, eventfds, 8, 1, client.irq, 1), -1);
	ck_assert_int_eq(vfio_set_irqs(&client, eventfds, 7, 2, client.irq, 2), -1);
	ck_assert_int_eq(vfio_set_irqs(&client, eventfds, 0, 3, client.irq, 2), -1);
	ck_assert_int_eq(vfio_set_irqs(&client, eventfds, UINT32_MAX, 2, client.irq, 2), -1);
	ck_assert_int_eq(vfio_set_irqs(&client, eventfds, 0, 1, &client.memory, 1), -1);
	ck_assert_int_eq(vfio_set_irqs(&client, 0xffffffff, 0, 1, NULL, 0), -1);
	ck_assert_int_eq(vfio_disconnect(&client), 0);
}
END_TEST

/* A function with one vector: it stands for all. */
START_TEST(test_one_vector)
{
	struct vfu_options options = { .config = { .msix_vectors = 1 } };
	struct vfu_device *one = vfio_device(&options);
	struct dev_queue q;
	uint16_t control;
	uint64_t pa;

	vfio_start(&client, one, false);
	ck_assert_int_eq(vfio_region_read(&client, CONFIG, 0x52, &control, 2), 0);
	ck_assert_uint_eq(control & 0x7ff, 0);
	boot_with_queue(&q);
	while (vfio_interrupted(&client, 0, 20))
		;
	dev_host_alloc(&client.host, 4096, &pa);
	dev_write64(&client.host, GAON_REG_EVENT(0) + GAON_EVENT_ADDR, pa);
	dev_write32(&client.host, GAON_REG_EVENT(0) + GAON_EVENT_LOG2, 5);
	dev_write32(&client.host, GAON_REG_EVENT(0) + GAON_EVENT_ENABLE, 1);
	push(&q, (struct gaon_packet){ .type = GAON_PKT_NOP, .flags = GAON_PKT_F_EVENT }, 1);
	ck_assert(vfio_interrupted(&client, 0, 5000));
	ck_assert_int_eq(vfio_disconnect(&client), 0);
	vfu_device_destroy(one);
}
END_TEST

/* Registers answer at once while kernels run, and an FLR ends those. */
START_TEST(test_busy)
{
	uint16_t flr = 0x8000, command = 6;
	uint64_t worst = 0, start;
	struct dev_queue q;

	vfio_start(&client, dev, false);
	boot_with_queue(&q);
	push(&q, launch(SPIN_VA), 1);
	for (int i = 0; i < 500; i++) {
		start = now_ns(CLOCK_MONOTONIC);
		dev_read32(&client.host, GAON_REG_STATE);
		start = now_ns(CLOCK_MONOTONIC) - start;
		worst = start > worst ? start : worst;
	}
	printf("worst register read beside a kernel that spins: %lu us\n", (unsigned long)(worst / 1000));
	/* QEMU gives up after 5 s; a crowded machine may take its time. */
	ck_assert_uint_lt(worst, 1000000000);
	ck_assert_int_eq(vfio_region_write(&client, CONFIG, 0x68, &flr, 2), 0);
	ck_assert_int_eq(vfio_region_write(&client, CONFIG, 4, &command, 2), 0);
	ck_assert_uint_eq(dev_read32(&client.host, GAON_REG_STATE), GAON_STATE_RESET);
	/* The eventfds are still armed: the client need not say it again. */
	client.host.used = 0;
	memset(client.host.mem, 0, client.host.bytes);
	flr = 0x8000;
	ck_assert_int_eq(vfio_region_write(&client, CONFIG, 0x52, &flr, 2), 0);
	boot_with_queue(&q);
	ck_assert(vfio_interrupted(&client, 0, 5000));
	push(&q, launch(CODE_VA), 2);
	await(&q, 2);
	ck_assert_int_eq(vfio_call(&client, VFU_RESET, NULL, 0, NULL, 0), 0);
	ck_assert_int_eq(vfio_region_write(&client, CONFIG, 4, &command, 2), 0);
	ck_assert_uint_eq(dev_read32(&client.host, GAON_REG_STATE), GAON_STATE_RESET);
	ck_assert_int_eq(vfio_disconnect(&client), 0);
}
END_TEST

/* What the device still does after an unmap has been answered does not reach the memory. */
START_TEST(test_unmap_busy)
{
	const uint64_t bytes = 8ull << 20, iova = 1ull << 41, va = 0x40000000ull;
	int memory = memfd_create("extra", MFD_CLOEXEC);
	uint64_t seed = dev_seed();
	struct gaon_packet fill = { .type = GAON_PKT_FILL };
	struct dev_queue q;
	uint64_t *map;

	ck_assert_int_eq(ftruncate(memory, bytes), 0);
	map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	ck_assert_ptr_ne(map, MAP_FAILED);
	fill.fill = (struct gaon_pkt_fill){
		.dst_va = va, .bytes = bytes, .pattern = 0x5555555555555555, .pattern_size = 8,
	};
	for (int round = 0; round < 4; round++) {
		const struct timespec pause = { .tv_nsec = dev_random(&seed) % 3000000 };
		uint64_t dirty = 0;

		vfio_start(&client, dev, false);
		boot_with_queue(&q);
		for (uint64_t at = 0; at < bytes; at += 2ull << 20)
			dev_host_map(&client.host, q.root, va + at, GAON_PA_HOST | (iova + at),
				     GAON_PTE_R | GAON_PTE_W | GAON_PTE_U, 1);
		ck_assert_int_eq(vfio_dma_map(&client, iova, bytes, 3, memory, 0), 0);
		for (uint64_t i = 1; i <= 8; i++)
			push(&q, fill, i);
		nanosleep(&pause, NULL);
		ck_assert_int_eq(vfio_dma_unmap(&client, iova, bytes, 0, NULL), 0);
		memset(map, 0, bytes);
		await(&q, q.state->status == GAON_QUEUE_OK ? 0 : *q.value);
		nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
		for (uint64_t i = 0; i < bytes / 8; i++)
			dirty += map[i] != 0;
		ck_assert_uint_eq(dirty, 0);
		ck_assert_int_eq(vfio_disconnect(&client), 0);
	}
	munmap(map, bytes);
	close(memory);
}
END_TEST

/* Nobody uses the processor when nothing is to be done, neither connected nor not. */
START_TEST(test_idle)
{
	struct timespec second = { .tv_sec = 1 };
	struct dev_queue q;
	uint64_t used;

	vfio_start(&client, dev, false);
	boot_with_queue(&q);
	push(&q, launch(CODE_VA), 1);
	await(&q, 1);
	used = now_ns(CLOCK_PROCESS_CPUTIME_ID);
	nanosleep(&second, NULL);
	used = now_ns(CLOCK_PROCESS_CPUTIME_ID) - used;
	printf("processor time of a connected, idle second: %lu us\n", (unsigned long)(used / 1000));
	ck_assert_uint_lt(used, 20000000);
	ck_assert_int_eq(vfio_disconnect(&client), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("vfio_work");
	TCase *tc = fixture_tcase(s, fixture_setup, fixture_teardown);

	tcase_add_test(tc, test_work);
	tcase_add_test(tc, test_work_in_band);
	tcase_add_test(tc, test_msix);
	tcase_add_test(tc, test_one_vector);
	tcase_add_test(tc, test_busy);
	tcase_add_test(tc, test_unmap_busy);
	tcase_add_test(tc, test_idle);
	return check_run(s);
}
