// SPDX-License-Identifier: MIT
/* A device that lies: every kind is heard of by the host, a seed repeats it, and none lies unasked. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <hw/gaon_mcu.h>
#include <hw/gaon_packet.h>

#include "../../firmware/gaon_fw_embed.h"
#include "dev_host.h"

#define LOG2		4
#define ENTRIES		(1u << LOG2)
#define COMMANDS	200u
#define LOG_BYTES	8192u

/* What a host that believes everything hears. */
struct heard {
	unsigned int lies[GAON_SIM_LIES];
	uint64_t digest;		/* of all replies */
};

static struct dev_host host;

static void digest(struct heard *heard, const void *data, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		heard->digest = (heard->digest ^ ((const uint8_t *)data)[i]) * 0x100000001b3ull;
}

static void device_create(uint32_t lies, uint64_t seed, uint32_t every)
{
	struct gaon_sim_config config = {
		.lies = lies, .lie_seed = seed, .lie_every = every, .no_time = true,
	};

	dev_host_create(&host, &config);
}

static bool device_boot(void)
{
	return dev_host_boot(&host, gaon_fw_image, gaon_fw_image_size, gaon_fw_image_size) ==
	       GAON_STATE_READY;
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* Sends one command to the next place, and gives the device time for it; what is in the place then. */
static struct gaon_admin_reply command(const struct gaon_admin_cmd *cmd, unsigned int ms)
{
	uint32_t index = host.sent & (ENTRIES - 1);
	struct gaon_admin_reply reply;
	uint64_t end = now_ms() + ms;

	host.sq[index] = *cmd;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	dev_write32(&host, GAON_REG_ADMIN_TAIL, (uint32_t)++host.sent);
	do
		gaon_sim_run(host.sim, NULL, 0, 0);
	while (__atomic_load_n(&host.cq[index].valid, __ATOMIC_ACQUIRE) != host.sent && now_ms() < end);
	memcpy(&reply, (const void *)&host.cq[index], sizeof(reply));
	return reply;
}

static void note_reply(struct heard *heard, const struct gaon_admin_cmd *cmd,
		       const struct gaon_admin_reply *reply)
{
	const volatile struct gaon_admin_reply *next = &host.cq[host.sent & (ENTRIES - 1)];

	if (reply->valid != host.sent) {
		/* Of the round before: nothing was written. */
		bool old = reply->valid + ENTRIES == host.sent || !reply->valid;

		heard->lies[GAON_SIM_LIE_NEVER] += old;
		heard->lies[GAON_SIM_LIE_LATE] += old;
		heard->lies[GAON_SIM_LIE_INDEX]++;
	}
	heard->lies[GAON_SIM_LIE_REPLY] += reply->opcode != cmd->opcode || reply->cookie != cmd->cookie ||
					   reply->status || reply->value[0] || reply->value[5];
	heard->lies[GAON_SIM_LIE_TWICE] += next->valid == host.sent + 1;
	digest(heard, reply, offsetof(struct gaon_admin_reply, valid));
}

/* NOPs, which are answered with nothing but zeros. */
static struct heard hear_replies(uint32_t lies, uint64_t seed)
{
	struct heard heard = { .digest = 0xcbf29ce484222325ull };

	device_create(lies, seed, 8);
	ck_assert(device_boot());
	dev_host_admin(&host, LOG2);
	for (uint32_t i = 0; i < COMMANDS; i++) {
		struct gaon_admin_cmd cmd = { .opcode = GAON_ADMIN_NOP, .cookie = 0x1000 + i };
		struct gaon_admin_reply reply = command(&cmd, 20);

		note_reply(&heard, &cmd, &reply);
	}
	dev_host_destroy(&host);
	return heard;
}

START_TEST(test_honest)
{
	struct heard heard = hear_replies(0, 1);

	for (unsigned int i = 0; i < GAON_SIM_LIES; i++)
		ck_assert_msg(!heard.lies[i], "a lie %s unasked", gaon_sim_lie_name(i));
}
END_TEST

START_TEST(test_replies)
{
	static const unsigned int kinds[] = {
		GAON_SIM_LIE_REPLY, GAON_SIM_LIE_INDEX, GAON_SIM_LIE_LATE, GAON_SIM_LIE_TWICE,
		GAON_SIM_LIE_NEVER,
	};
	unsigned int kind = kinds[_i];
	struct heard heard = hear_replies(1u << kind, dev_seed());

	/* 25 are due; of those that are late one at a time, for seconds. */
	ck_assert_msg(heard.lies[kind] >= (kind == GAON_SIM_LIE_LATE ? 1 : 5), "%u lies %s of %u",
		      heard.lies[kind], gaon_sim_lie_name(kind), COMMANDS);
	if (kind == GAON_SIM_LIE_NEVER || kind == GAON_SIM_LIE_LATE)
		ck_assert_msg(heard.lies[kind] <= 60, "%u lies of 25 that are due", heard.lies[kind]);
}
END_TEST

START_TEST(test_seed)
{
	uint64_t seed = dev_seed();
	struct heard first = hear_replies(1u << GAON_SIM_LIE_REPLY, seed);
	struct heard again = hear_replies(1u << GAON_SIM_LIE_REPLY, seed);
	struct heard other = hear_replies(1u << GAON_SIM_LIE_REPLY, seed + 1);

	ck_assert_uint_eq(first.digest, again.digest);
	ck_assert_uint_ne(first.digest, other.digest);
}
END_TEST

/* A reply that is late does come. */
START_TEST(test_late)
{
	struct gaon_admin_cmd cmd = { .opcode = GAON_ADMIN_NOP };
	struct gaon_admin_cmd beat = { .opcode = GAON_ADMIN_LIMITS, .limits = { .heartbeat_ms = 10 } };
	uint64_t end;

	device_create(1u << GAON_SIM_LIE_LATE, dev_seed(), 1);
	ck_assert(device_boot());
	dev_host_admin(&host, LOG2);
	/* Only one is held back at a time: the second is told at once. */
	ck_assert_uint_eq(command(&cmd, 20).valid, 0);
	ck_assert_uint_eq(command(&beat, 1000).valid, 2);
	end = now_ms() + 20000;
	while (__atomic_load_n(&host.cq[0].valid, __ATOMIC_ACQUIRE) != 1 && now_ms() < end) {
		struct timespec pause = { .tv_nsec = 5000000 };

		gaon_sim_run(host.sim, NULL, 0, 1000000);
		nanosleep(&pause, NULL);
	}
	ck_assert_uint_eq(host.cq[0].valid, 1);
	dev_host_destroy(&host);
}
END_TEST

/* What commands have written into buffers: differences between two answers to the same question. */
static unsigned int hear_buffer(unsigned int kind, uint16_t opcode, size_t bytes)
{
	struct gaon_admin_cmd cmd = { .opcode = opcode };
	unsigned int lies = 0;
	uint8_t *buffer, first[sizeof(struct gaon_telemetry)];
	uint64_t pa;

	device_create(1u << kind, dev_seed(), 4);
	ck_assert(device_boot());
	dev_host_admin(&host, LOG2);
	buffer = dev_host_alloc(&host, 4096, &pa);
	if (opcode == GAON_ADMIN_IDENTIFY)
		cmd.identify.data_pa = pa, cmd.identify.data_len = (uint32_t)bytes;
	else
		cmd.buffer.pa = pa, cmd.buffer.bytes = (uint32_t)bytes;
	for (unsigned int i = 0; i < 80; i++) {
		ck_assert_uint_eq(command(&cmd, 1000).status, 0);
		/* Telemetry counts on, but some words of it stay. */
		if (opcode == GAON_ADMIN_TELEMETRY)
			lies += ((struct gaon_telemetry *)buffer)->size != sizeof(struct gaon_telemetry) ||
				((struct gaon_telemetry *)buffer)->hbm_ue ||
				((struct gaon_telemetry *)buffer)->reserved[3] ||
				((struct gaon_telemetry *)buffer)->link_ce;
		else if (i)
			lies += memcmp(buffer, first, bytes) != 0;
		if (!i)
			memcpy(first, buffer, bytes);
	}
	dev_host_destroy(&host);
	return lies;
}

START_TEST(test_buffers)
{
	const size_t identify = sizeof(struct gaon_identify), telemetry = sizeof(struct gaon_telemetry);

	ck_assert_uint_ge(hear_buffer(GAON_SIM_LIE_IDENTIFY, GAON_ADMIN_IDENTIFY, identify), 5);
	ck_assert_uint_ge(hear_buffer(GAON_SIM_LIE_TELEMETRY, GAON_ADMIN_TELEMETRY, telemetry), 1);
	/* The other kind says nothing there. */
	ck_assert_uint_eq(hear_buffer(GAON_SIM_LIE_TELEMETRY, GAON_ADMIN_IDENTIFY, identify), 0);
}
END_TEST

/* The log's index only grows, and its lines are text. */
START_TEST(test_log)
{
	struct gaon_admin_cmd setup = { .opcode = GAON_ADMIN_LOG_SETUP }, bad = { .opcode = 0x7777 };
	unsigned int lies = 0;
	struct gaon_log_ring *ring;
	uint64_t pa, last = 0;

	device_create(1u << GAON_SIM_LIE_LOG, dev_seed(), 3);
	ck_assert(device_boot());
	dev_host_admin(&host, LOG2);
	ring = dev_host_alloc(&host, LOG_BYTES, &pa);
	setup.buffer.pa = pa;
	setup.buffer.bytes = LOG_BYTES;
	setup.buffer.value = 3;
	command(&setup, 1000);
	for (unsigned int i = 0; i < 60; i++) {
		command(&bad, 1000);	/* which it logs */
		lies += ring->write < last || ring->write > last + 1024;
		last = ring->write;
		for (unsigned int at = 0; at < 4096; at++)
			lies += ring->data[at] >= 0x80;
	}
	ck_assert_uint_ge(lies, 3);
	dev_host_destroy(&host);
}
END_TEST

START_TEST(test_heartbeat)
{
	struct gaon_admin_cmd cmd = { .opcode = GAON_ADMIN_NOP };
	unsigned int lies = 0;
	uint32_t last;

	device_create(1u << GAON_SIM_LIE_HEARTBEAT, dev_seed(), 8);
	ck_assert(device_boot());
	dev_host_admin(&host, LOG2);
	last = dev_read32(&host, GAON_REG_HEARTBEAT);
	/* Each command is a beat. */
	for (unsigned int i = 0; i < COMMANDS; i++) {
		uint32_t beat;

		command(&cmd, 1000);
		beat = dev_read32(&host, GAON_REG_HEARTBEAT);
		lies += beat - last - 1 > 3;
		last = beat;
	}
	ck_assert_uint_ge(lies, 2);
	dev_host_destroy(&host);
}
END_TEST

START_TEST(test_registers)
{
	unsigned int lies = 0;
	uint32_t state;

	device_create(1u << GAON_SIM_LIE_REGISTER, dev_seed(), 8);
	for (unsigned int i = 0; i < COMMANDS; i++) {
		state = dev_read32(&host, GAON_REG_STATE);
		lies += state != GAON_STATE_RESET;
		ck_assert_uint_eq(dev_read32(&host, GAON_REG_ID), GAON_ID);
	}
	ck_assert_uint_ge(lies, 5);
	dev_host_destroy(&host);
}
END_TEST

START_TEST(test_tlbi)
{
	unsigned int lies = 0;
	uint64_t pa, *done;

	device_create(1u << GAON_SIM_LIE_TLBI, dev_seed(), 8);
	done = dev_host_alloc(&host, 4096, &pa);
	dev_write64(&host, GAON_REG_TLBI_DONE_ADDR, pa);
	for (uint64_t seq = 1; seq <= COMMANDS; seq++) {
		dev_write32(&host, GAON_REG_TLBI_ASID, 1);
		dev_write64(&host, GAON_REG_TLBI_SEQ, seq);
		gaon_sim_run(host.sim, NULL, 0, 0);
		lies += *done != seq;
	}
	ck_assert_uint_ge(lies, 5);
	dev_host_destroy(&host);
}
END_TEST

static unsigned int queue_status(uint16_t opcode)
{
	struct gaon_admin_cmd cmd = { .opcode = opcode };

	if (opcode == GAON_ADMIN_QUEUE_RESET || opcode == GAON_ADMIN_QUEUE_QUERY)
		cmd.id.id = 5;
	return command(&cmd, 1000).status;
}

static void queue_device(unsigned int kind, struct dev_queue *queue)
{
	device_create(1u << kind, dev_seed(), 1);
	ck_assert(device_boot());
	dev_host_admin(&host, LOG2);
	dev_host_queue(&host, queue);
}

/* Queues that are said not to run, or not to stop. */
START_TEST(test_queues)
{
	struct gaon_admin_cmd query = { .opcode = GAON_ADMIN_QUEUE_QUERY, .id = { .id = 5 } };
	struct gaon_admin_reply reply;
	struct dev_queue queue;

	queue_device(GAON_SIM_LIE_STUCK, &queue);
	reply = command(&query, 1000);
	ck_assert_msg(reply.value[2] != UINT64_MAX, "the queue is in a slot");
	ck_assert_uint_eq(queue_status(GAON_ADMIN_QUEUE_RESET), GAON_ADMIN_ERR_OPCODE);
	ck_assert_uint_eq(queue_status(GAON_ADMIN_ENGINE_RESET), GAON_ADMIN_OK);
	ck_assert_uint_eq(queue_status(GAON_ADMIN_QUEUE_RESET), GAON_ADMIN_OK);
	ck_assert_uint_ne(queue_status(GAON_ADMIN_QUEUE_CREATE), GAON_ADMIN_OK);
	ck_assert_uint_eq(queue_status(GAON_ADMIN_QUEUE_RESET), GAON_ADMIN_ERR_OPCODE);
	dev_host_destroy(&host);

	queue_device(GAON_SIM_LIE_HUNG, &queue);
	ck_assert_uint_eq(queue_status(GAON_ADMIN_QUEUE_RESET), GAON_ADMIN_ERR_OPCODE);
	ck_assert_uint_eq(queue_status(GAON_ADMIN_ENGINE_RESET), GAON_ADMIN_ERR_OPCODE);
	ck_assert_uint_eq(queue_status(GAON_ADMIN_QUEUE_RESET), GAON_ADMIN_ERR_OPCODE);
	dev_host_destroy(&host);

	queue_device(GAON_SIM_LIE_OUTSIDE, &queue);
	reply = command(&query, 1000);
	ck_assert_uint_eq(reply.value[0], GAON_SLOT_EMPTY);
	ck_assert_msg(reply.value[2] == UINT64_MAX, "the queue is said to be in no slot");
	dev_host_destroy(&host);
}
END_TEST

/* Events of packets with a value: records that differ from those of an honest device. */
START_TEST(test_events)
{
	struct gaon_event *ring;
	struct dev_queue queue;
	unsigned int lies = 0;
	uint64_t pa;

	device_create(1u << GAON_SIM_LIE_EVENT, dev_seed(), 8);
	ck_assert(device_boot());
	ring = dev_host_alloc(&host, sizeof(*ring) << 10, &pa);
	dev_write64(&host, GAON_REG_EVENT(0) + GAON_EVENT_ADDR, pa);
	dev_write32(&host, GAON_REG_EVENT(0) + GAON_EVENT_LOG2, 10);
	dev_write32(&host, GAON_REG_EVENT(0) + GAON_EVENT_ENABLE, 1);
	dev_host_admin(&host, LOG2);
	dev_host_queue(&host, &queue);
	for (uint64_t i = 0; i < COMMANDS; i++) {
		struct gaon_packet packet = {
			.type = GAON_PKT_NOP,
			.scope = GAON_SCOPE_HOST << 4,
			.flags = GAON_PKT_F_BARRIER | GAON_PKT_F_EVENT | GAON_PKT_F_SIGNAL,
			.signal_va = DEV_VALUE_VA,
			.signal_value = i + 1,
		};

		dev_host_push(&host, &queue, &packet);
		while (*queue.value != i + 1)
			gaon_sim_run(host.sim, queue.value, i + 1, 0);
		gaon_sim_run(host.sim, NULL, 0, 0);
		lies += ring[i].valid != i + 1 || ring[i].type != GAON_EVENT_PACKET || ring[i].queue != 5 ||
			ring[i].context != 1 || ring[i].value != i + 1 || ring[i].flags;
	}
	ck_assert_uint_ge(lies, 5);
	dev_host_destroy(&host);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dev_lie");
	TCase *tcase = tcase_create("lie");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, test_honest);
	tcase_add_loop_test(tcase, test_replies, 0, 5);
	tcase_add_test(tcase, test_seed);
	tcase_add_test(tcase, test_late);
	tcase_add_test(tcase, test_buffers);
	tcase_add_test(tcase, test_log);
	tcase_add_test(tcase, test_heartbeat);
	tcase_add_test(tcase, test_registers);
	tcase_add_test(tcase, test_tlbi);
	tcase_add_test(tcase, test_queues);
	tcase_add_test(tcase, test_events);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
