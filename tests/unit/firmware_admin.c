// SPDX-License-Identifier: MIT
/* The admin protocol: what each field may hold, replies, telemetry, log, limits, injection. */
#include "firmware_test.h"

#include <string.h>

#include "firmware_fake.h"

#define MS	1000000ull

static struct fake *booted(void)
{
	struct fake *f = fake_create(4);

	ck_assert_uint_eq(fake_boot(f), GAON_BOOT_OK);
	return f;
}

/* @cmd with one field changed gives @status; nothing else in the device may change. */
static void refused(struct fake *f, struct gaon_admin_cmd cmd, uint32_t status)
{
	ck_assert_uint_eq(fake_admin(f, &cmd, NULL), status);
	ck_assert_str_eq(f->violation, "");
}

#define REFUSED(status, change) do { \
	struct gaon_admin_cmd c = good; \
	change; \
	refused(f, c, status); \
} while (0)

START_TEST(nop_echoes_its_cookie)
{
	struct fake *f = booted();
	struct gaon_admin_cmd cmd = { .opcode = GAON_ADMIN_NOP };

	for (int i = 0; i < 200; i++)
		ck_assert_uint_eq(fake_admin(f, &cmd, NULL), GAON_ADMIN_OK);
	ck_assert_uint_eq(*(uint64_t *)(f->host + FAKE_STATE), 200);
	ck_assert_uint_eq(*(uint64_t *)(f->host + FAKE_STATE + 8), 200);
	cmd.bytes[55] = 1;
	ck_assert_uint_eq(fake_admin(f, &cmd, NULL), GAON_ADMIN_ERR_RESERVED);
	fake_destroy(f);
}
END_TEST

START_TEST(unknown_opcodes_are_refused)
{
	static const uint16_t known[] = {
		0x00, 0x01, 0x02, 0x10, 0x11, 0x12, 0x13, 0x14, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25,
		0x26, 0x27, 0x28, 0x30, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x48, 0x4a, 0x4b,
		0x4c, 0x50,
	};
	struct fake *f = booted();

	for (uint32_t op = 0; op < 0x200; op++) {
		struct gaon_admin_cmd cmd = { .opcode = (uint16_t)op };
		bool is_known = false;

		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			is_known |= known[i] == op;
		if (!is_known)
			refused(f, cmd, GAON_ADMIN_ERR_OPCODE);
		cmd.reserved = 1;
		refused(f, cmd, is_known ? GAON_ADMIN_ERR_RESERVED : GAON_ADMIN_ERR_OPCODE);
	}
	fake_destroy(f);
}
END_TEST

START_TEST(context_fields)
{
	struct fake *f = booted();
	const struct gaon_admin_cmd good = {
		.opcode = GAON_ADMIN_CONTEXT_CREATE,
		.context = { .context = 5, .asid = 9, .ring = 6, .root_pa = 0x3000,
			     .print_va = 0x20000 },
	};

	REFUSED(GAON_ADMIN_ERR_RANGE, c.context.context = 0);
	REFUSED(GAON_ADMIN_ERR_RANGE, c.context.context = GAON_CONTEXTS);
	REFUSED(GAON_ADMIN_ERR_RANGE, c.context.asid = 0);
	REFUSED(GAON_ADMIN_ERR_RANGE, c.context.ring = GAON_EVENT_RINGS);
	REFUSED(GAON_ADMIN_ERR_RESERVED, c.context.reserved0 = 1);
	REFUSED(GAON_ADMIN_ERR_RESERVED, c.context.reserved1[3] = 1);
	REFUSED(GAON_ADMIN_ERR_ALIGN, c.context.root_pa = 0x3008);
	REFUSED(GAON_ADMIN_ERR_RANGE, c.context.root_pa = 1ull << 56);
	REFUSED(GAON_ADMIN_ERR_ALIGN, c.context.print_va = 0x20001);
	REFUSED(GAON_ADMIN_ERR_RANGE, c.context.print_va = 0x8000);
	REFUSED(GAON_ADMIN_ERR_RANGE, c.context.print_va = 1ull << 47);
	refused(f, good, GAON_ADMIN_OK);
	REFUSED(GAON_ADMIN_ERR_BUSY, c.context.context = 6);
	REFUSED(GAON_ADMIN_OK, c.context.context = 6; c.context.asid = 10);
	for (uint16_t op = GAON_ADMIN_CONTEXT_DESTROY; op <= GAON_ADMIN_CONTEXT_RESET; op++) {
		const struct gaon_admin_cmd by_id = { .opcode = op, .context.context = 5 };

		for (unsigned int i = 4; i < 56; i++) {
			struct gaon_admin_cmd c = by_id;

			c.bytes[i] = 1;
			refused(f, c, GAON_ADMIN_ERR_RESERVED);
		}
		refused(f, (struct gaon_admin_cmd){ .opcode = op, .context.context = 77 },
			GAON_ADMIN_ERR_ID);
		refused(f, (struct gaon_admin_cmd){ .opcode = op, .context.context = UINT32_MAX },
			GAON_ADMIN_ERR_ID);
	}
	fake_destroy(f);
}
END_TEST

START_TEST(queue_fields)
{
	struct fake *f = booted();
	const struct gaon_admin_cmd good = fake_queue_cmd(3, 1, 0, 1);

	refused(f, good, GAON_ADMIN_ERR_ID);
	fake_context(f, 1);
	REFUSED(GAON_ADMIN_ERR_RANGE, c.queue.queue = GAON_QUEUES);
	REFUSED(GAON_ADMIN_ERR_ID, c.queue.context = 2);
	REFUSED(GAON_ADMIN_ERR_RANGE, c.queue.doorbell = GAON_DOORBELLS);
	REFUSED(GAON_ADMIN_ERR_RANGE, c.queue.kind = 2);
	REFUSED(GAON_ADMIN_ERR_RANGE, c.queue.priority = GAON_PRIORITIES);
	REFUSED(GAON_ADMIN_ERR_RANGE, c.queue.ring_log2 = GAON_RING_LOG2_MIN - 1);
	REFUSED(GAON_ADMIN_ERR_RANGE, c.queue.ring_log2 = GAON_RING_LOG2_MAX + 1);
	REFUSED(GAON_ADMIN_ERR_RANGE, c.queue.slice_us = 1000001);
	REFUSED(GAON_ADMIN_ERR_RESERVED, c.queue.reserved0[1] = 1);
	REFUSED(GAON_ADMIN_ERR_RESERVED, c.queue.reserved1 = 1);
	REFUSED(GAON_ADMIN_ERR_ALIGN, c.queue.ring_va += 32);
	REFUSED(GAON_ADMIN_ERR_ALIGN, c.queue.state_va += 8);
	REFUSED(GAON_ADMIN_ERR_ALIGN, c.queue.save_va += 64);
	REFUSED(GAON_ADMIN_ERR_RANGE, c.queue.ring_va = 0);
	REFUSED(GAON_ADMIN_ERR_RANGE, c.queue.ring_va = 0xffff800000000000ull);
	REFUSED(GAON_ADMIN_ERR_RANGE, c.queue.ring_va = 0x800000000000ull - 64 * 63);
	REFUSED(GAON_ADMIN_ERR_RANGE, c.queue.state_va = 0x800000000000ull);
	REFUSED(GAON_ADMIN_ERR_RANGE, c.queue.save_va = 0x100000);
	REFUSED(GAON_ADMIN_ERR_RANGE, c.queue.save_va = 0xfffffffffffff000ull);
	REFUSED(GAON_ADMIN_ERR_RANGE, c.queue.kind = 1);
	REFUSED(GAON_ADMIN_OK, c.queue.ring_va = 0x800000000000ull - 64 * 64);
	refused(f, good, GAON_ADMIN_ERR_BUSY);
	/* The doorbell is taken. */
	REFUSED(GAON_ADMIN_ERR_BUSY, c.queue.queue = 4);
	ck_assert(!f->queues[4].mapped);
	fake_destroy(f);
}
END_TEST

START_TEST(commands_by_queue_id)
{
	static const uint16_t ops[] = {
		GAON_ADMIN_QUEUE_DESTROY, GAON_ADMIN_QUEUE_SUSPEND, GAON_ADMIN_QUEUE_RESUME,
		GAON_ADMIN_QUEUE_RESET, GAON_ADMIN_FAULT_CLEAR, GAON_ADMIN_QUEUE_QUERY,
		GAON_ADMIN_QUEUE_PRIORITY,
	};
	struct fake *f = booted();

	fake_context(f, 1);
	fake_queue_create(f, 3, 1, 0, 1);
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		const struct gaon_admin_cmd good = { .opcode = ops[i], .id.id = 3 };

		REFUSED(GAON_ADMIN_ERR_ID, c.id.id = 4);
		REFUSED(GAON_ADMIN_ERR_ID, c.id.id = GAON_QUEUES);
		REFUSED(GAON_ADMIN_ERR_ID, c.id.id = UINT32_MAX);
		REFUSED(GAON_ADMIN_ERR_RESERVED, c.id.reserved[5] = 1);
		if (ops[i] == GAON_ADMIN_QUEUE_QUERY)
			REFUSED(GAON_ADMIN_ERR_RANGE, c.id.value = GAON_QUERY_TIMES + 1);
		else if (ops[i] != GAON_ADMIN_QUEUE_PRIORITY)
			REFUSED(GAON_ADMIN_ERR_RESERVED, c.id.value = 1);
	}
	fake_destroy(f);
}
END_TEST

START_TEST(features_are_granted)
{
	struct fake *f = booted();
	struct gaon_admin_cmd cmd = { .opcode = GAON_ADMIN_SET_FEATURES, .features.mask = ~0ull };
	struct gaon_admin_reply reply;

	ck_assert_uint_eq(fake_admin(f, &cmd, &reply), GAON_ADMIN_OK);
	ck_assert_uint_eq(reply.value[0], f->identify.features);
	cmd.features.mask = GAON_FEATURE_MODELLED_TIME | 1ull << 63;
	ck_assert_uint_eq(fake_admin(f, &cmd, &reply), GAON_ADMIN_OK);
	ck_assert_uint_eq(reply.value[0], GAON_FEATURE_MODELLED_TIME);
	cmd = (struct gaon_admin_cmd){ .opcode = GAON_ADMIN_LINK };
	ck_assert_uint_eq(fake_admin(f, &cmd, NULL), GAON_ADMIN_ERR_FEATURE);
	fake_destroy(f);
}
END_TEST

START_TEST(buffers_are_checked)
{
	struct fake *f = booted();
	const struct gaon_admin_cmd good = {
		.opcode = GAON_ADMIN_IDENTIFY,
		.identify = { .data_pa = FAKE_HOST + FAKE_DATA, .data_len = 256 },
	};

	REFUSED(GAON_ADMIN_ERR_ALIGN, c.identify.data_pa++);
	REFUSED(GAON_ADMIN_ERR_RANGE, c.identify.data_len = 255);
	REFUSED(GAON_ADMIN_ERR_RANGE, c.identify.data_pa = GAON_PA_MASK - 7);
	REFUSED(GAON_ADMIN_ERR_RANGE, c.identify.data_pa = 1ull << 60);
	REFUSED(GAON_ADMIN_ERR_DMA, c.identify.data_pa = 0x7000);
	REFUSED(GAON_ADMIN_ERR_RESERVED, c.identify.reserved0 = 1);
	REFUSED(GAON_ADMIN_ERR_RESERVED, c.identify.reserved1[4] = 1);
	REFUSED(GAON_ADMIN_OK, c.identify.data_len = 4096);
	fake_destroy(f);
}
END_TEST

START_TEST(telemetry_is_copied)
{
	struct fake *f = booted();
	const struct gaon_admin_cmd good = {
		.opcode = GAON_ADMIN_TELEMETRY,
		.buffer = { .pa = FAKE_HOST + FAKE_DATA, .bytes = 512 },
	};
	uint8_t *words = (uint8_t *)&f->telemetry;

	for (size_t i = 0; i < sizeof(f->telemetry); i++)
		words[i] = (uint8_t)(i * 7 + 1);
	f->telemetry.size = sizeof(f->telemetry);
	refused(f, good, GAON_ADMIN_OK);
	ck_assert_mem_eq(f->host + FAKE_DATA, &f->telemetry, sizeof(f->telemetry));
	REFUSED(GAON_ADMIN_ERR_RANGE, c.buffer.bytes = 511);
	REFUSED(GAON_ADMIN_ERR_RESERVED, c.buffer.value = 1);
	REFUSED(GAON_ADMIN_ERR_RESERVED, c.buffer.reserved[0] = 1);
	REFUSED(GAON_ADMIN_ERR_ALIGN, c.buffer.pa += 4);
	REFUSED(GAON_ADMIN_ERR_DMA, c.buffer.pa = FAKE_HOST + FAKE_HOST_SIZE - 256);
	fake_destroy(f);
}
END_TEST

static const char *log_text(struct fake *f, uint64_t *written, uint32_t *bytes)
{
	memcpy(written, f->host + FAKE_DATA, 8);
	memcpy(bytes, f->host + FAKE_DATA + 8, 4);
	return (const char *)f->host + FAKE_DATA + sizeof(struct gaon_log_ring);
}

START_TEST(log_goes_to_the_host)
{
	struct fake *f = booted();
	const struct gaon_admin_cmd good = {
		.opcode = GAON_ADMIN_LOG_SETUP,
		.buffer = { .pa = FAKE_HOST + FAKE_DATA, .bytes = 16 + 600, .value = 1 },
	};
	struct gaon_admin_cmd bad = { .opcode = 0x7777 };
	uint64_t written;
	uint32_t bytes;
	const char *text;

	REFUSED(GAON_ADMIN_ERR_RANGE, c.buffer.value = 4);
	REFUSED(GAON_ADMIN_ERR_RANGE, c.buffer.bytes = 16 + 255);
	REFUSED(GAON_ADMIN_ERR_ALIGN, c.buffer.pa += 4);
	REFUSED(GAON_ADMIN_ERR_DMA, c.buffer.pa = 0x7000);
	f->cycle = 18446744073709551615ull;
	refused(f, good, GAON_ADMIN_OK);
	text = log_text(f, &written, &bytes);
	ck_assert_uint_eq(bytes, 512);
	/* What was said before the ring existed comes first. */
	ck_assert_ptr_nonnull(memmem(text, bytes, "<2> 0 gaon-fw", 13));
	refused(f, bad, GAON_ADMIN_ERR_OPCODE);
	text = log_text(f, &written, &bytes);
	ck_assert_ptr_nonnull(memmem(text, bytes,
				     "<1> 18446744073709551615 admin command 7777: error 1\n", 53));
	for (int i = 0; i < 100; i++)
		refused(f, bad, GAON_ADMIN_ERR_OPCODE);
	text = log_text(f, &written, &bytes);
	ck_assert_uint_gt(written, 53 * 100);
	ck_assert_int_eq(text[(written - 1) % bytes], '\n');
	ck_assert_uint_eq(f->host[FAKE_DATA + 16 + 512], 0);
	/* Off, and not a byte more. */
	refused(f, (struct gaon_admin_cmd){ .opcode = GAON_ADMIN_LOG_SETUP, .buffer.value = 0 },
		GAON_ADMIN_OK);
	refused(f, bad, GAON_ADMIN_ERR_OPCODE);
	ck_assert_uint_eq(*(uint64_t *)(f->host + FAKE_DATA), written);
	fake_destroy(f);
}
END_TEST

START_TEST(limits_take_effect)
{
	struct fake *f = booted();
	const struct gaon_admin_cmd good = {
		.opcode = GAON_ADMIN_LIMITS,
		.limits = { .launch_cycles = 12345, .preempt_ms = 5, .slice_us = 100 },
	};

	REFUSED(GAON_ADMIN_ERR_RANGE, c.limits.preempt_ms = 60001);
	REFUSED(GAON_ADMIN_ERR_RANGE, c.limits.heartbeat_ms = 3600001);
	REFUSED(GAON_ADMIN_ERR_RANGE, c.limits.slice_us = 1000001);
	REFUSED(GAON_ADMIN_ERR_RESERVED, c.limits.reserved0 = 1);
	REFUSED(GAON_ADMIN_ERR_RESERVED, c.limits.reserved1[3] = 1);
	refused(f, good, GAON_ADMIN_OK);
	fake_context(f, 1);
	fake_queue_create(f, 3, 1, 0, 1);
	ck_assert_uint_eq(f->slots[fake_slot_of(f, 3)].limit, 12345);
	ck_assert_uint_eq(f->slots[fake_slot_of(f, 3)].slice, 105000);
	fake_destroy(f);
}
END_TEST

START_TEST(heartbeat_beats_on_request)
{
	struct fake *f = booted();
	struct gaon_admin_cmd cmd = { .opcode = GAON_ADMIN_LIMITS, .limits.heartbeat_ms = 10 };
	uint32_t before;

	ck_assert_uint_eq(fake_admin(f, &cmd, NULL), GAON_ADMIN_OK);
	before = f->heartbeat;
	fake_advance(f, 105 * MS);
	ck_assert_uint_eq(f->heartbeat, before + 10);
	cmd.limits.heartbeat_ms = 0;
	ck_assert_uint_eq(fake_admin(f, &cmd, NULL), GAON_ADMIN_OK);
	ck_assert_uint_eq(f->timecmp, UINT64_MAX);
	fake_destroy(f);
}
END_TEST

START_TEST(retired_pages_are_copied)
{
	struct fake *f = booted();
	const struct gaon_admin_cmd good = {
		.opcode = GAON_ADMIN_RETIRED,
		.buffer = { .pa = FAKE_HOST + FAKE_DATA, .bytes = sizeof(f->retired) },
	};
	struct gaon_admin_cmd cmd = good;
	struct gaon_admin_reply reply;

	f->retired.count = 3;
	for (uint32_t i = 0; i < GAON_RETIRED_MAX; i++)
		f->retired.page[i] = 0x123456789000ull * (i + 1);
	ck_assert_uint_eq(fake_admin(f, &cmd, &reply), GAON_ADMIN_OK);
	ck_assert_uint_eq(reply.value[0], 3);
	ck_assert_mem_eq(f->host + FAKE_DATA, &f->retired, sizeof(f->retired));
	REFUSED(GAON_ADMIN_ERR_RANGE, c.buffer.bytes = sizeof(f->retired) - 1);
	REFUSED(GAON_ADMIN_ERR_ALIGN, c.buffer.pa += 4);
	REFUSED(GAON_ADMIN_ERR_RESERVED, c.buffer.value = 1);
	REFUSED(GAON_ADMIN_ERR_DMA, c.buffer.pa = FAKE_HOST + FAKE_HOST_SIZE - 256);
	fake_destroy(f);
}
END_TEST

START_TEST(state_of_cores_is_copied)
{
	struct fake *f = booted();
	const struct gaon_admin_cmd good = {
		.opcode = GAON_ADMIN_CORE_STATE,
		.buffer = { .pa = FAKE_HOST + FAKE_DATA, .bytes = sizeof(f->kept[0]), .value = 1 },
	};
	struct gaon_admin_cmd cmd = good;
	struct gaon_admin_reply reply;

	f->kept[0].pc = 1;
	f->kept[1].size = sizeof(f->kept[1]);
	f->kept[1].pc = 0x123456789abcull;
	for (uint32_t i = 0; i < 32; i++)
		f->kept[1].x[i] = 0x0123456789abcdefull * i;
	ck_assert_uint_eq(fake_admin(f, &cmd, &reply), GAON_ADMIN_OK);
	ck_assert_uint_eq(reply.value[0], sizeof(f->kept[1]));
	ck_assert_mem_eq(f->host + FAKE_DATA, &f->kept[1], sizeof(f->kept[1]));
	REFUSED(GAON_ADMIN_ERR_RANGE, c.buffer.bytes = sizeof(f->kept[1]) - 1);
	REFUSED(GAON_ADMIN_ERR_RANGE, c.buffer.value = f->identify.cores);
	REFUSED(GAON_ADMIN_ERR_ALIGN, c.buffer.pa += 4);
	REFUSED(GAON_ADMIN_ERR_RESERVED, c.buffer.reserved[4] = 1);
	fake_destroy(f);
}
END_TEST

START_TEST(errors_are_copied)
{
	struct fake *f = booted();
	const struct gaon_admin_cmd good = {
		.opcode = GAON_ADMIN_ERRORS,
		.buffer = { .pa = FAKE_HOST + FAKE_DATA, .bytes = sizeof(f->errors) },
	};
	struct gaon_admin_cmd cmd = good;

	for (uint32_t i = 0; i < sizeof(f->errors) / 4; i++)
		((uint32_t *)&f->errors)[i] = 0x1234567 * (i + 1);
	ck_assert_uint_eq(fake_admin(f, &cmd, NULL), GAON_ADMIN_OK);
	ck_assert_mem_eq(f->host + FAKE_DATA, &f->errors, sizeof(f->errors));
	REFUSED(GAON_ADMIN_ERR_RANGE, c.buffer.bytes = sizeof(f->errors) - 1);
	REFUSED(GAON_ADMIN_ERR_ALIGN, c.buffer.pa += 4);
	REFUSED(GAON_ADMIN_ERR_RESERVED, c.buffer.value = 1);
	REFUSED(GAON_ADMIN_ERR_DMA, c.buffer.pa = FAKE_HOST + FAKE_HOST_SIZE - 256);
	fake_destroy(f);
}
END_TEST

START_TEST(ports_are_copied)
{
	struct fake *f = booted();
	const struct gaon_admin_cmd good = {
		.opcode = GAON_ADMIN_PORTS,
		.buffer = { .pa = FAKE_HOST + FAKE_DATA, .bytes = sizeof(f->ports) },
	};
	struct gaon_admin_cmd cmd = good;

	for (uint32_t i = 0; i < sizeof(f->ports) / 4; i++)
		((uint32_t *)&f->ports)[i] = 0x2345671 * (i + 1);
	ck_assert_uint_eq(fake_admin(f, &cmd, NULL), GAON_ADMIN_OK);
	ck_assert_mem_eq(f->host + FAKE_DATA, &f->ports, sizeof(f->ports));
	REFUSED(GAON_ADMIN_ERR_RANGE, c.buffer.bytes = sizeof(f->ports) - 1);
	REFUSED(GAON_ADMIN_ERR_ALIGN, c.buffer.pa += 4);
	REFUSED(GAON_ADMIN_ERR_RESERVED, c.buffer.value = 1);
	REFUSED(GAON_ADMIN_ERR_RESERVED, c.buffer.reserved[0] = 1);
	fake_destroy(f);
}
END_TEST

START_TEST(ports_need_their_feature)
{
	struct fake *f = fake_create(4);
	struct gaon_admin_cmd cmd = {
		.opcode = GAON_ADMIN_PORTS,
		.buffer = { .pa = FAKE_HOST + FAKE_DATA, .bytes = sizeof(f->ports) },
	};

	f->identify.features &= ~GAON_FEATURE_PORTS;
	ck_assert_uint_eq(fake_boot(f), GAON_BOOT_OK);
	ck_assert_uint_eq(fake_admin(f, &cmd, NULL), GAON_ADMIN_ERR_FEATURE);
	fake_destroy(f);
}
END_TEST

START_TEST(a_page_is_retired)
{
	static const uint32_t words[] = {
		[GAON_MCU_RETIRE_OK] = GAON_ADMIN_OK, [GAON_MCU_RETIRE_RANGE] = GAON_ADMIN_ERR_RANGE,
		[GAON_MCU_RETIRE_FULL] = GAON_ADMIN_ERR_STATE,
	};
	struct fake *f = booted();
	const struct gaon_admin_cmd good = {
		.opcode = GAON_ADMIN_RETIRE, .retire.page = f->identify.hbm_bytes - 4096,
	};

	f->retire_page = UINT32_MAX;
	REFUSED(GAON_ADMIN_ERR_RANGE, c.retire.page = f->identify.hbm_bytes);
	REFUSED(GAON_ADMIN_ERR_RANGE, c.retire.page = UINT64_MAX - 4095);
	REFUSED(GAON_ADMIN_ERR_ALIGN, c.retire.page += 2048);
	REFUSED(GAON_ADMIN_ERR_RESERVED, c.retire.reserved[5] = 1);
	ck_assert_uint_eq(f->retire_page, UINT32_MAX);
	for (uint32_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		f->retire_status = i;
		refused(f, good, words[i]);
		ck_assert_uint_eq(f->retire_page, f->identify.hbm_bytes / 4096 - 1);
	}
	fake_destroy(f);
}
END_TEST

START_TEST(injection_needs_the_fuse)
{
	struct fake *f = booted();
	const struct gaon_admin_cmd good = {
		.opcode = GAON_ADMIN_INJECT,
		.inject = { .kind = GAON_INJECT_UE, .target = GAON_INJECT_HBM, .address = 0x12345678ull },
	};

	refused(f, good, GAON_ADMIN_ERR_FEATURE);
	ck_assert_uint_eq(f->injected, 0);
	f->fuses = 1;
	REFUSED(GAON_ADMIN_ERR_RANGE, c.inject.kind = 0);
	REFUSED(GAON_ADMIN_ERR_RANGE, c.inject.kind = 6);
	REFUSED(GAON_ADMIN_ERR_RANGE, c.inject.address = 1ull << 56);
	REFUSED(GAON_ADMIN_ERR_RANGE, c.inject.address = f->identify.hbm_bytes);
	REFUSED(GAON_ADMIN_ERR_RANGE, c.inject.target = 3);
	REFUSED(GAON_ADMIN_ERR_RANGE, c.inject.target = UINT32_MAX);
	REFUSED(GAON_ADMIN_ERR_RANGE, c.inject.target = GAON_INJECT_SPM;
		c.inject.address = f->identify.cores);
	REFUSED(GAON_ADMIN_ERR_RANGE, c.inject.target = GAON_INJECT_LINK;
		c.inject.address = 1 + f->identify.links);
	REFUSED(GAON_ADMIN_ERR_RANGE, c.inject.target = GAON_INJECT_LINK; c.inject.address = UINT64_MAX);
	REFUSED(GAON_ADMIN_ERR_RESERVED, c.inject.reserved[0] = 1);
	refused(f, good, GAON_ADMIN_OK);
	ck_assert_uint_eq(f->injected, 1);
	ck_assert_uint_eq(f->inject_kind, GAON_INJECT_UE);
	ck_assert_uint_eq(f->inject_address, 0x12345678ull);
	fake_destroy(f);
}
END_TEST

START_TEST(injected_crash_panics)
{
	struct fake *f = booted();
	struct gaon_admin_cmd cmd = {
		.opcode = GAON_ADMIN_INJECT, .inject.kind = GAON_INJECT_FW_CRASH,
	};

	f->fuses = 1;
	fake_submit(f, &cmd);
	fake_run(f);
	ck_assert_uint_eq(f->state, GAON_STATE_FATAL);
	ck_assert_uint_eq(f->panic, 0x100 + SIM_MCU_ILLEGAL);
	fake_destroy(f);
}
END_TEST

START_TEST(injected_hang_stops_answering)
{
	struct fake *f = booted();
	struct gaon_admin_cmd cmd = {
		.opcode = GAON_ADMIN_INJECT, .inject.kind = GAON_INJECT_FW_HANG,
	};
	struct gaon_admin_reply reply;
	uint32_t beat;

	f->fuses = 1;
	fake_submit(f, &cmd);
	fake_run(f);
	beat = f->heartbeat;
	cmd = (struct gaon_admin_cmd){ .opcode = GAON_ADMIN_NOP };
	fake_submit(f, &cmd);
	fake_run(f);
	ck_assert(!fake_reply(f, &reply));
	ck_assert_uint_eq(f->heartbeat, beat);
	fake_destroy(f);
}
END_TEST

TCase *firmware_admin_tests(void)
{
	TCase *tc = tcase_create("admin");

	tcase_add_test(tc, nop_echoes_its_cookie);
	tcase_add_test(tc, unknown_opcodes_are_refused);
	tcase_add_test(tc, context_fields);
	tcase_add_test(tc, queue_fields);
	tcase_add_test(tc, commands_by_queue_id);
	tcase_add_test(tc, features_are_granted);
	tcase_add_test(tc, buffers_are_checked);
	tcase_add_test(tc, telemetry_is_copied);
	tcase_add_test(tc, log_goes_to_the_host);
	tcase_add_test(tc, limits_take_effect);
	tcase_add_test(tc, heartbeat_beats_on_request);
	tcase_add_test(tc, retired_pages_are_copied);
	tcase_add_test(tc, state_of_cores_is_copied);
	tcase_add_test(tc, errors_are_copied);
	tcase_add_test(tc, ports_are_copied);
	tcase_add_test(tc, ports_need_their_feature);
	tcase_add_test(tc, a_page_is_retired);
	tcase_add_test(tc, injection_needs_the_fuse);
	tcase_add_test(tc, injected_crash_panics);
	tcase_add_test(tc, injected_hang_stops_answering);
	return tc;
}
