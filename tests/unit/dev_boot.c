// SPDX-License-Identifier: MIT
/* Boots the real firmware, refuses bad images, and runs packets of a queue that it made. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <hw/gaon_fwimage.h>

#include "../check_run.h"
#include "../../firmware/gaon_fw_embed.h"
#include "dev_host.h"

static struct dev_host host;

static void setup(void)
{
	dev_host_create(&host, NULL);
}

static void teardown(void)
{
	dev_host_destroy(&host);
}

static uint32_t boot_image(const void *image, uint32_t bytes)
{
	return dev_host_boot(&host, image, bytes, bytes);
}

START_TEST(test_boot)
{
	ck_assert_uint_eq(dev_read32(&host, GAON_REG_STATE), GAON_STATE_RESET);
	ck_assert_uint_eq(boot_image(gaon_fw_image, gaon_fw_image_size), GAON_STATE_READY);
	ck_assert_uint_eq(dev_read32(&host, GAON_REG_BOOT_ERROR), GAON_BOOT_OK);
	ck_assert_uint_ne(dev_read32(&host, GAON_REG_FW_VERSION), 0);
	ck_assert_uint_eq(dev_read32(&host, GAON_REG_FW_ABI), GAON_ABI_MIN << 16 | GAON_ABI_MAX);
}
END_TEST

/* A change of any part of the image is refused with the error of the check that it fails. */
START_TEST(test_boot_refuses)
{
	static const struct { uint32_t offset; uint32_t error; } table[] = {
		{ offsetof(struct gaon_fw_header, magic), GAON_BOOT_MAGIC },
		{ offsetof(struct gaon_fw_header, header_version), GAON_BOOT_HEADER },
		{ offsetof(struct gaon_fw_header, signature), GAON_BOOT_SIGNATURE },
		{ sizeof(struct gaon_fw_header) + 64, GAON_BOOT_HASH },
	};
	uint8_t *image = malloc(gaon_fw_image_size);

	memcpy(image, gaon_fw_image, gaon_fw_image_size);
	image[table[_i].offset] ^= 0x40;
	ck_assert_uint_eq(boot_image(image, gaon_fw_image_size), GAON_STATE_FATAL);
	ck_assert_uint_eq(dev_read32(&host, GAON_REG_BOOT_ERROR), table[_i].error);
	free(image);
	/* Only a reset leads out of it. */
	dev_write32(&host, GAON_REG_BOOT, GAON_BOOT_GO);
	gaon_sim_run(host.sim, NULL, 0, 0);
	ck_assert_uint_eq(dev_read32(&host, GAON_REG_STATE), GAON_STATE_FATAL);
	dev_write32(&host, GAON_REG_RESET, GAON_RESET_CHIP);
	ck_assert_uint_eq(dev_read32(&host, GAON_REG_STATE), GAON_STATE_RESET);
	ck_assert_uint_eq(boot_image(gaon_fw_image, gaon_fw_image_size), GAON_STATE_READY);
}
END_TEST

START_TEST(test_boot_address)
{
	dev_write64(&host, GAON_REG_FW_ADDR, GAON_PA_HOST | 0x1000);
	dev_write32(&host, GAON_REG_FW_SIZE, gaon_fw_image_size);
	dev_write32(&host, GAON_REG_BOOT, GAON_BOOT_GO);
	gaon_sim_run(host.sim, NULL, 0, 0);
	ck_assert_uint_eq(dev_read32(&host, GAON_REG_STATE), GAON_STATE_FATAL);
	ck_assert_uint_eq(dev_read32(&host, GAON_REG_BOOT_ERROR), GAON_BOOT_ADDRESS);
}
END_TEST

START_TEST(test_boot_truncated)
{
	ck_assert_uint_eq(dev_host_boot(&host, gaon_fw_image, gaon_fw_image_size,
					gaon_fw_image_size - 16), GAON_STATE_FATAL);
	ck_assert_uint_eq(dev_read32(&host, GAON_REG_BOOT_ERROR), GAON_BOOT_TRUNCATED);
}
END_TEST

/* Without bus mastering the device reads nothing. */
START_TEST(test_boot_no_master)
{
	uint16_t command = 0x0002;

	gaon_sim_config_write(host.sim, 4, &command, 2);
	ck_assert_uint_eq(boot_image(gaon_fw_image, gaon_fw_image_size), GAON_STATE_FATAL);
	ck_assert_uint_eq(dev_read32(&host, GAON_REG_BOOT_ERROR), GAON_BOOT_ADDRESS);
}
END_TEST

/* --- a queue, through the firmware ---------------------------------------------------------------- */

static void boot_with_queue(struct dev_queue *q)
{
	ck_assert_uint_eq(boot_image(gaon_fw_image, gaon_fw_image_size), GAON_STATE_READY);
	dev_host_admin(&host, 4);
	dev_host_queue(&host, q);
}

START_TEST(test_packets)
{
	struct gaon_packet pkt = {
		.type = GAON_PKT_NOP, .flags = GAON_PKT_F_SIGNAL, .signal_va = DEV_VALUE_VA,
	};
	struct dev_queue q;

	boot_with_queue(&q);
	for (uint64_t i = 1; i <= 500; i++) {
		pkt.signal_value = i;
		dev_host_push(&host, &q, &pkt);
		gaon_sim_run(host.sim, q.value, i, 1000000000);
		ck_assert_uint_eq(*q.value, i);
		ck_assert_uint_eq(q.state->status, GAON_QUEUE_OK);
	}
	ck_assert(!gaon_sim_run(host.sim, NULL, 0, 0));
	ck_assert_uint_eq(q.state->read, 500);
	ck_assert_uint_eq(q.state->event_idx, 500);
}
END_TEST

/* A bad packet faults the queue, tells host and firmware, and the firmware clears it. */
START_TEST(test_fault_clear)
{
	struct gaon_admin_cmd cmd = { .opcode = GAON_ADMIN_FAULT_CLEAR, .id = { .id = 5 } };
	struct gaon_packet pkt = { .type = 0, .tag = 99 };
	volatile struct gaon_event *events;
	struct dev_queue q;
	uint64_t pa;

	boot_with_queue(&q);
	events = dev_host_alloc(&host, 4096, &pa);
	dev_write64(&host, GAON_REG_EVENT(0) + GAON_EVENT_ADDR, pa);
	dev_write32(&host, GAON_REG_EVENT(0) + GAON_EVENT_LOG2, 5);
	dev_write32(&host, GAON_REG_EVENT(0) + GAON_EVENT_ENABLE, 1);
	dev_host_push(&host, &q, &pkt);
	ck_assert(!gaon_sim_run(host.sim, NULL, 0, 0));
	ck_assert_uint_eq(q.state->status, GAON_QUEUE_FAULTED);
	ck_assert_uint_eq(q.state->fault_type, GAON_FAULT_BAD_PACKET);
	ck_assert_uint_eq(events[0].valid, 1);
	ck_assert_uint_eq(events[0].type, GAON_EVENT_FAULT);
	ck_assert_uint_eq(events[0].fault.queue, 5);
	ck_assert_uint_eq(events[0].fault.context, 1);
	ck_assert_uint_eq(events[0].fault.tag, 99);
	ck_assert_uint_eq(events[0].fault.syndrome, GAON_BADPKT_TYPE);
	ck_assert_uint_eq(atomic_load(&host.interrupts[1]), 1);

	ck_assert_uint_eq(dev_host_command(&host, &cmd, NULL), GAON_ADMIN_OK);
	ck_assert_uint_eq(q.state->status, GAON_QUEUE_OK);
	pkt = (struct gaon_packet) {
		.type = GAON_PKT_NOP, .flags = GAON_PKT_F_SIGNAL, .signal_va = DEV_VALUE_VA,
		.signal_value = 1,
	};
	dev_host_push(&host, &q, &pkt);
	gaon_sim_run(host.sim, q.value, 1, 1000000000);
	ck_assert_uint_eq(*q.value, 1);

	/* Work that a reset drops is told in the same way. */
	cmd.opcode = GAON_ADMIN_QUEUE_RESET;
	ck_assert_uint_eq(dev_host_command(&host, &cmd, NULL), GAON_ADMIN_OK);
	ck_assert_uint_eq(q.state->status, GAON_QUEUE_RESET);
	ck_assert_uint_eq(events[1].valid, 2);
	ck_assert_uint_eq(events[1].type, GAON_EVENT_FAULT);
	ck_assert_uint_eq(events[1].fault.type, GAON_FAULT_RESET);
	ck_assert_uint_eq(events[1].fault.queue, 5);
	ck_assert_uint_eq(events[1].fault.context, 1);
	ck_assert_uint_eq(events[1].fault.sequence, 2);
}
END_TEST

/* The fuses outlive the device: an image below their security version does not boot. */
START_TEST(test_boot_rollback)
{
	char path[] = "/tmp/gaon-nv-XXXXXX";
	struct gaon_sim_config c = { .size = sizeof(c), .nv_path = path };
	uint32_t version = UINT32_MAX;
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, &version, 4), 4);
	close(fd);
	dev_host_destroy(&host);
	dev_host_create(&host, &c);
	ck_assert_uint_eq(boot_image(gaon_fw_image, gaon_fw_image_size), GAON_STATE_FATAL);
	ck_assert_uint_eq(dev_read32(&host, GAON_REG_BOOT_ERROR), GAON_BOOT_ROLLBACK);
	unlink(path);
}
END_TEST

START_TEST(test_identify_telemetry)
{
	struct gaon_admin_cmd cmd = { .opcode = GAON_ADMIN_IDENTIFY };
	struct gaon_packet pkt = { .type = GAON_PKT_NOP };
	const struct gaon_identify *id;
	const struct gaon_telemetry *t;
	struct dev_queue q;
	uint64_t pa;

	boot_with_queue(&q);
	id = dev_host_alloc(&host, 4096, &pa);
	cmd.identify.data_pa = pa;
	cmd.identify.data_len = sizeof(*id);
	ck_assert_uint_eq(dev_host_command(&host, &cmd, NULL), GAON_ADMIN_OK);
	ck_assert_uint_eq(id->hw_revision, GAON_REVISION);
	ck_assert_uint_eq(id->hbm_bytes, dev_read64(&host, GAON_REG_HBM_SIZE));
	ck_assert_uint_eq(id->aperture_bytes, dev_read64(&host, GAON_REG_APERTURE));
	ck_assert_uint_eq(id->cores, 4);
	ck_assert_uint_gt(id->save_bytes, 0);
	ck_assert_uint_eq(id->fw_version, dev_read32(&host, GAON_REG_FW_VERSION));

	for (int i = 0; i < 7; i++)
		dev_host_push(&host, &q, &pkt);
	gaon_sim_run(host.sim, NULL, 0, 0);
	gaon_sim_doorbell(host.sim, 1, 77);
	t = dev_host_alloc(&host, 4096, &pa);
	memset(&cmd, 0, sizeof(cmd));
	cmd.opcode = GAON_ADMIN_TELEMETRY;
	cmd.buffer.pa = pa;
	cmd.buffer.bytes = sizeof(*t);
	ck_assert_uint_eq(dev_host_command(&host, &cmd, NULL), GAON_ADMIN_OK);
	ck_assert_uint_eq(t->size, sizeof(*t));
	ck_assert_uint_eq(t->packets, 7);
	ck_assert_uint_eq(t->doorbells_dropped, 1);
	ck_assert_uint_ge(t->doorbells, 1);
	ck_assert_uint_gt(t->tlb_misses, 0);
	ck_assert_uint_ge(t->power_mw, 90000);
	ck_assert_int_gt(t->temp_mc, 35000);
}
END_TEST

/* FLR with a queue that waits for ever: everything is gone, and everything can be made again. */
START_TEST(test_flr_reboot)
{
	struct gaon_packet pkt = {
		.type = GAON_PKT_WAIT, .wait = { .va = DEV_VALUE_VA, .operand = 1, .op = GAON_WAIT_GE },
	};
	struct dev_queue q;

	for (int round = 0; round < 3; round++) {
		boot_with_queue(&q);
		dev_host_push(&host, &q, &pkt);
		gaon_sim_run(host.sim, NULL, 0, 0);
		ck_assert_uint_eq(q.state->read, 0);
		gaon_sim_reset(host.sim);
		dev_host_enable(&host);
		ck_assert_uint_eq(dev_read32(&host, GAON_REG_STATE), GAON_STATE_RESET);
		ck_assert_uint_eq(dev_read32(&host, GAON_REG_ADMIN_ENABLE), 0);
		*q.value = 1;
		gaon_sim_doorbell(host.sim, 1, 3);
		gaon_sim_run(host.sim, NULL, 0, 0);
		ck_assert_uint_eq(q.state->read, 0);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("dev_boot");
	TCase *tc = tcase_create("boot");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, test_boot);
	tcase_add_loop_test(tc, test_boot_refuses, 0, 4);
	tcase_add_test(tc, test_boot_address);
	tcase_add_test(tc, test_boot_truncated);
	tcase_add_test(tc, test_boot_no_master);
	tcase_add_test(tc, test_packets);
	tcase_add_test(tc, test_fault_clear);
	tcase_add_test(tc, test_boot_rollback);
	tcase_add_test(tc, test_identify_telemetry);
	tcase_add_test(tc, test_flr_reboot);
	suite_add_tcase(s, tc);
	return check_run(s);
}
