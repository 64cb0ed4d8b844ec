// SPDX-License-Identifier: MIT
/*
 * The vfio-user server and clients that die, lie or mean harm: the session ends or answers with an
 * error, nothing of it is left, and the next client is served.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../../tools/sim/vfio/guard.h"
#include "vfio_fixture.h"

static unsigned int files_before;

static unsigned int open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

/* A client that keeps to the rules is served, from boot to reset. */
static void serves_next(void)
{
	vfio_start(&client, dev, false);
	ck_assert_uint_eq(fixture_boot(), GAON_STATE_READY);
	ck_assert_int_eq(vfio_disconnect(&client), 0);
}

static void setup(void)
{
	ck_assert_int_eq(vfu_guard_install(), 0);
	fixture_setup();
	files_before = open_files();
}

static void teardown(void)
{
	serves_next();
	ck_assert_uint_eq(open_files(), files_before);
	ck_assert_uint_eq(dev->dma.count, 0);
	for (int i = 0; i < VFU_FILES_MAX; i++)
		ck_assert_ptr_null(dev->dma.files[i].base);
	fixture_teardown();
}

static void send_header(uint16_t command, uint32_t size, uint32_t flags)
{
	struct vfu_header h = { .command = command, .size = size, .flags = flags };

	vfio_send(&client, &h, sizeof(h), NULL, 0);
}

/* --- streams that are none ---------------------------------------------------------------------- */

START_TEST(test_first_is_not_version)
{
	struct vfu_device_info info = { .argsz = sizeof(info) };

	vfio_connect(&client, dev);
	send_header(VFU_GET_INFO, sizeof(struct vfu_header) + sizeof(info), 0);
	vfio_send(&client, &info, sizeof(info), NULL, 0);
	ck_assert_int_eq(vfio_disconnect(&client), -EPROTO);
}
END_TEST

START_TEST(test_sizes)
{
	static const uint32_t sizes[] = { 0, 1, 15, VFU_MESSAGE_MAX + 1, 0x7fffffff, 0x80000000, UINT32_MAX };

	vfio_connect(&client, dev);
	ck_assert_int_eq(vfio_version(&client, "{}"), 0);
	send_header(VFU_GET_INFO, sizes[_i], 0);
	ck_assert_int_eq(vfio_disconnect(&client), -EPROTO);
}
END_TEST

START_TEST(test_types)
{
	vfio_connect(&client, dev);
	ck_assert_int_eq(vfio_version(&client, "{}"), 0);
	send_header(VFU_RESET, sizeof(struct vfu_header), 2 + _i);
	ck_assert_int_eq(vfio_disconnect(&client), -EPROTO);
}
END_TEST

/* The end after each number of bytes of a message. */
START_TEST(test_truncated)
{
	struct {
		struct vfu_header h;
		struct vfu_dma_map map;
	} message = {
		.h = { .command = VFU_DMA_MAP, .size = sizeof(message) },
		.map = { .argsz = sizeof(message.map), .flags = 3, .iova = 0x1000, .size = 0x1000 },
	};
	int result;

	for (size_t n = 0; n <= sizeof(message); n++) {
		vfio_connect(&client, dev);
		ck_assert_int_eq(vfio_version(&client, "{}"), 0);
		vfio_send(&client, &message, n, NULL, 0);
		result = vfio_disconnect(&client);
		/* Whoever asked is gone before its answer is sent, or before it has read it. */
		if (n == sizeof(message))
			ck_assert_msg(!result || result == -EPIPE || result == -ECONNRESET, "%d", result);
		else
			ck_assert_int_eq(result, n ? -EPROTO : 0);
	}
}
END_TEST

/* Answers to questions that were never asked are no harm. */
START_TEST(test_answers)
{
	struct {
		struct vfu_header h;
		struct vfu_dma_access access;
	} answer = { .h = { .command = VFU_DMA_READ, .size = sizeof(answer), .flags = VFU_F_REPLY } };

	vfio_start(&client, dev, false);
	for (int i = 0; i < 1000; i++) {
		answer.h.id = i;
		vfio_send(&client, &answer, sizeof(answer), NULL, 0);
	}
	ck_assert_uint_eq(dev_read32(&client.host, GAON_REG_ID), GAON_ID);
	ck_assert_int_eq(vfio_disconnect(&client), 0);
}
END_TEST

/* --- requests that are none --------------------------------------------------------------------- */

/* Every command with every length of a body of zeros, ones and of noise. */
START_TEST(test_bodies)
{
	uint64_t seed = dev_seed();
	uint8_t body[64], answer[4096 + 64];

	vfio_start(&client, dev, false);
	for (uint16_t command = 2; command < 20; command++) {
		for (size_t n = 0; n <= sizeof(body); n++) {
			for (int kind = 0; kind < 4; kind++) {
				for (size_t i = 0; i < sizeof(body); i++)
					body[i] = kind == 0 ? 0 : kind == 1 ? 0xff : dev_random(&seed);
				vfio_call(&client, command, body, n, answer, sizeof(answer));
			}
		}
	}
	ck_assert_int_eq(vfio_disconnect(&client), 0);
}
END_TEST

START_TEST(test_argsz)
{
	for (uint32_t argsz = 0; argsz < 16; argsz++) {
		struct vfu_device_info info = { .argsz = argsz };
		struct vfio_region_info region = { .argsz = argsz };
		struct vfio_irq_info irq = { .argsz = argsz };

		if (!argsz)
			vfio_start(&client, dev, false);
		ck_assert_int_eq(vfio_call(&client, VFU_GET_INFO, &info, sizeof(info), NULL, 0), -1);
		ck_assert_int_eq(vfio_call(&client, VFU_GET_REGION_INFO, &region, sizeof(region), NULL,
					   0), -1);
		ck_assert_int_eq(vfio_call(&client, VFU_GET_IRQ_INFO, &irq, sizeof(irq), NULL, 0), -1);
	}
	ck_assert_int_eq(vfio_disconnect(&client), 0);
}
END_TEST

/* --- files -------------------------------------------------------------------------------------- */

/* Files along with messages that want none are closed; more than a message may carry end the session. */
START_TEST(test_files)
{
	struct vfu_device_info info = { .argsz = sizeof(info) };
	int fds[32];

	for (int i = 0; i < 32; i++)
		fds[i] = eventfd(0, EFD_CLOEXEC);
	vfio_start(&client, dev, false);
	for (unsigned int n = 1; n <= VFU_FDS_MAX; n++)
		ck_assert_int_eq(vfio_call_fds(&client, VFU_GET_INFO, &info, sizeof(info), fds, n, &info,
					       sizeof(info), NULL), sizeof(info));
	for (unsigned int n = 1; n <= VFU_FDS_MAX; n++)
		ck_assert_int_eq(vfio_call_fds(&client, VFU_DMA_MAP, &info, sizeof(info), fds, n, &info,
					       sizeof(info), NULL), -1);
	vfio_send(&client, &info, sizeof(info), fds, 32);
	ck_assert_int_eq(vfio_disconnect(&client), -EPROTO);
	for (int i = 0; i < 32; i++)
		close(fds[i]);
}
END_TEST

/* Memory that is cut short while the device uses it. */
START_TEST(test_shrinking_memory)
{
	vfio_start(&client, dev, false);
	memcpy(client.host.mem, gaon_fw_image, gaon_fw_image_size);
	ck_assert_int_eq(ftruncate(client.memory, 4096), 0);
	dev_write64(&client.host, GAON_REG_FW_ADDR, GAON_PA_HOST | client.host.iova);
	dev_write32(&client.host, GAON_REG_FW_SIZE, gaon_fw_image_size);
	vfio_region_write(&client, GAON_BAR_REGS, GAON_REG_BOOT, &(uint32_t){ GAON_BOOT_GO }, 4);
	for (int i = 0; i < 200 && !atomic_load(&dev->dma.lost); i++)
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	ck_assert(atomic_load(&dev->dma.lost));
	/* The next message is the last. */
	ck_assert_int_eq(vfio_call(&client, VFU_RESET, NULL, 0, NULL, 0), 0);
	ck_assert_int_eq(vfio_disconnect(&client), -EPROTO);
}
END_TEST

/* As many regions as there may be, and one more. */
START_TEST(test_many_regions)
{
	struct {
		struct vfu_header h;
		struct vfu_dma_map map;
	} message = {
		.h = { .command = VFU_DMA_MAP, .size = sizeof(message), .flags = VFU_F_NO_REPLY },
		.map = { .argsz = sizeof(message.map), .flags = 3, .size = 4096 },
	};

	vfio_start(&client, dev, false);
	for (uint64_t i = 1; i < VFU_MAPS_MAX; i++) {
		message.map.iova = (1ull << 40) + i * 4096;
		vfio_send(&client, &message, sizeof(message), NULL, 0);
	}
	ck_assert_int_eq(vfio_dma_map(&client, 0x1000, 0x1000, 3, -1, 0), -1);
	ck_assert_uint_eq(client.last_error, ENOSPC);
	ck_assert_int_eq(vfio_disconnect(&client), 0);
}
END_TEST

/* More files than are kept, one region each. */
START_TEST(test_many_files)
{
	int fd, accepted = 0;

	vfio_start(&client, dev, false);
	for (uint64_t i = 1; i < VFU_FILES_MAX + 10; i++) {
		fd = memfd_create("one", MFD_CLOEXEC);
		ck_assert_int_eq(ftruncate(fd, 4096), 0);
		accepted += !vfio_dma_map(&client, (1ull << 40) + i * 4096, 4096, 3, fd, 0);
		close(fd);
	}
	ck_assert_int_eq(accepted, VFU_FILES_MAX - 1);
	ck_assert_int_eq(vfio_disconnect(&client), 0);
}
END_TEST

/* An eventfd whose counter is full, and which blocks. */
START_TEST(test_full_eventfd)
{
	const uint32_t trigger = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER;
	uint64_t full = UINT64_MAX - 1;

	vfio_start(&client, dev, false);
	ck_assert_int_eq(write(client.irq[2], &full, 8), 8);
	ck_assert_int_eq(fcntl(client.irq[2], F_SETFL, 0), 0);
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(vfio_set_irqs(&client, trigger, 2, 1, NULL, 0), 0);
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	/* Neither its own vectors nor the session are held up by it. */
	ck_assert_int_eq(vfio_set_irqs(&client, VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER, 2, 1,
				       &client.irq[3], 1), 0);
	ck_assert_int_eq(vfio_set_irqs(&client, trigger, 2, 1, NULL, 0), 0);
	ck_assert(vfio_interrupted(&client, 3, 5000));
	ck_assert_int_eq(vfio_set_irqs(&client, VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER, 2, 1,
				       &client.irq[2], 1), 0);
	ck_assert_int_eq(fcntl(client.irq[2], F_SETFL, 0), 0);
	ck_assert_int_eq(vfio_set_irqs(&client, trigger, 2, 1, NULL, 0), 0);
	nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
	ck_assert_int_eq(vfio_disconnect(&client), 0);
}
END_TEST

/* --- clients that go or do not listen ------------------------------------------------------------ */

START_TEST(test_deaf)
{
	struct {
		struct vfu_header h;
		struct vfu_region_access a;
	} message = {
		.h = { .command = VFU_REGION_READ, .size = sizeof(message) },
		.a = { .region = GAON_BAR_HBM, .count = VFU_DATA_MAX },
	};

	vfio_start(&client, dev, false);
	for (int i = 0; i < 50; i++)
		vfio_send(&client, &message, sizeof(message), NULL, 0);
	ck_assert_int_ne(vfio_disconnect(&client), 0);
}
END_TEST

/* Gone while kernels run, in the middle of copies into its memory. */
START_TEST(test_gone_at_work)
{
	struct gaon_packet fill = {
		.type = GAON_PKT_FILL,
		.fill = { .dst_va = 0x40000000, .bytes = 2 << 20, .pattern = 1, .pattern_size = 8 },
	};
	struct gaon_packet spin = {
		.type = GAON_PKT_LAUNCH,
		.launch = { .entry_va = 0x300000, .grid = { 2, 1, 1 }, .stack_bytes = 4096 },
	};
	uint64_t seed = dev_seed();

	for (int round = 0; round < 10; round++) {
		struct dev_queue q;
		uint32_t *code;
		uint64_t pa;

		vfio_start(&client, dev, false);
		ck_assert_uint_eq(fixture_boot(), GAON_STATE_READY);
		dev_host_admin(&client.host, 4);
		dev_host_queue(&client.host, &q);
		code = dev_host_alloc(&client.host, 4096, &pa);
		code[0] = 0x0000006f;
		dev_host_map(&client.host, q.root, 0x300000, pa, GAON_PTE_R | GAON_PTE_X | GAON_PTE_U, 0);
		dev_host_map(&client.host, q.root, 0x40000000, GAON_PA_HOST | (client.host.iova + (8 << 20)),
			     GAON_PTE_R | GAON_PTE_W | GAON_PTE_U, 1);
		for (int i = 0; i < 30; i++)
			dev_host_push(&client.host, &q, i == 29 ? &spin : &fill);
		nanosleep(&(struct timespec){ .tv_nsec = dev_random(&seed) % 2000000 }, NULL);
		ck_assert_int_eq(vfio_disconnect(&client), 0);
	}
}
END_TEST

/* --- memory that the client itself reads and writes ---------------------------------------------- */

/* A queue whose ring and data are all in band, in the middle of a long copy. */
static void start_copying(struct dev_queue *q)
{
	struct gaon_packet copy = {
		.type = GAON_PKT_COPY,
		.copy = { .dst_va = 0x40000000, .src_va = 0x40100000, .bytes = 1 << 20 },
	};
	int reads = 0;

	vfio_start(&client, dev, true);
	ck_assert_uint_eq(fixture_boot(), GAON_STATE_READY);
	dev_host_admin(&client.host, 4);
	dev_host_queue(&client.host, q);
	dev_host_map(&client.host, q->root, 0x40000000, GAON_PA_HOST | (client.host.iova + (8 << 20)),
		     GAON_PTE_R | GAON_PTE_W | GAON_PTE_U, 1);
	client.dma_reads = 0;
	dev_host_push(&client.host, q, &copy);
	while (client.dma_reads < 20 && reads++ < 1000)
		client.host.bus->run(client.host.ctx, NULL, 0);
	ck_assert_uint_ge(client.dma_reads, 20);
}

/* An FLR does not wait for answers that its own answer holds up. */
START_TEST(test_in_band_reset)
{
	uint16_t flr = 0x8000, command = 6, none = 2;
	struct timespec before, after;
	struct dev_queue q;

	start_copying(&q);
	clock_gettime(CLOCK_MONOTONIC, &before);
	ck_assert_int_eq(vfio_region_write(&client, VFIO_PCI_CONFIG_REGION_INDEX, 0x68, &flr, 2), 0);
	clock_gettime(CLOCK_MONOTONIC, &after);
	ck_assert_int_le(after.tv_sec - before.tv_sec, 2);
	ck_assert_int_eq(vfio_region_write(&client, VFIO_PCI_CONFIG_REGION_INDEX, 4, &command, 2), 0);
	ck_assert_uint_eq(dev_read32(&client.host, GAON_REG_STATE), GAON_STATE_RESET);
	ck_assert_int_eq(vfio_disconnect(&client), 0);
	/* Nor does taking away bus mastering; the queue hears of it. */
	start_copying(&q);
	ck_assert_int_eq(vfio_region_write(&client, VFIO_PCI_CONFIG_REGION_INDEX, 4, &none, 2), 0);
	client.dma_reads = client.dma_writes = 0;
	vfio_serve(&client, 50);
	ck_assert_uint_eq(client.dma_reads + client.dma_writes, 0);
	ck_assert_int_eq(vfio_disconnect(&client), 0);
}
END_TEST

/* Gone, or deaf, with questions unanswered. */
START_TEST(test_in_band_gone)
{
	struct dev_queue q;

	start_copying(&q);
	ck_assert_int_eq(vfio_disconnect(&client), 0);
	start_copying(&q);
	/* Registers answer although nobody serves the device. */
	for (int i = 0; i < 100; i++) {
		uint32_t id = 0;
		struct vfu_region_access access = { .region = GAON_BAR_REGS, .count = 4 };
		struct vfu_header h = { .command = VFU_REGION_READ, .size = sizeof(h) + sizeof(access) };
		uint8_t answer[sizeof(access) + 4];

		vfio_send(&client, &h, sizeof(h), NULL, 0);
		vfio_send(&client, &access, sizeof(access), NULL, 0);
		ck_assert(vfio_receive(&client, &h, answer, sizeof(answer), NULL, true));
		memcpy(&id, answer + sizeof(access), 4);
		ck_assert_uint_eq(id, GAON_ID);
	}
	ck_assert_int_eq(vfio_disconnect(&client), 0);
}
END_TEST

/* A client that refuses: bus errors, and nothing else. */
START_TEST(test_in_band_refused)
{
	struct dev_queue q;

	vfio_start(&client, dev, true);
	client.refuse_dma = true;
	ck_assert_uint_eq(fixture_boot(), GAON_STATE_FATAL);
	ck_assert_uint_eq(dev_read32(&client.host, GAON_REG_BOOT_ERROR), GAON_BOOT_ADDRESS);
	ck_assert_int_eq(vfio_disconnect(&client), 0);
	start_copying(&q);
	client.refuse_dma = true;
	vfio_serve(&client, 200);
	client.refuse_dma = false;
	vfio_serve(&client, 50);
	ck_assert_int_eq(vfio_disconnect(&client), 0);
}
END_TEST

/* Answers of the wrong length, to the wrong address, of the wrong kind. */
START_TEST(test_in_band_lies)
{
	vfio_start(&client, dev, true);
	client.lies = 1 + _i;
	ck_assert_uint_eq(fixture_boot(), GAON_STATE_FATAL);
	ck_assert_uint_eq(dev_read32(&client.host, GAON_REG_BOOT_ERROR), GAON_BOOT_ADDRESS);
	ck_assert_int_eq(vfio_disconnect(&client), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("vfio_hostile");
	TCase *tc = fixture_tcase(s, setup, teardown);

	tcase_add_test(tc, test_first_is_not_version);
	tcase_add_loop_test(tc, test_sizes, 0, 7);
	tcase_add_loop_test(tc, test_types, 0, 14);
	tcase_add_test(tc, test_truncated);
	tcase_add_test(tc, test_answers);
	tcase_add_test(tc, test_bodies);
	tcase_add_test(tc, test_argsz);
	tcase_add_test(tc, test_files);
	tcase_add_test(tc, test_shrinking_memory);
	tcase_add_test(tc, test_many_regions);
	tcase_add_test(tc, test_many_files);
	tcase_add_test(tc, test_full_eventfd);
	tcase_add_test(tc, test_deaf);
	tcase_add_test(tc, test_gone_at_work);
	tcase_add_test(tc, test_in_band_reset);
	tcase_add_test(tc, test_in_band_gone);
	tcase_add_test(tc, test_in_band_refused);
	tcase_add_loop_test(tc, test_in_band_lies, 0, 4);
	return check_run(s);
}
