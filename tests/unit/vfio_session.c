// SPDX-License-Identifier: MIT
/* The vfio-user server, as a client that keeps to the protocol sees it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "vfio_fixture.h"


/* --- negotiation -------------------------------------------------------------------------------- */

/* What QEMU 11.1 sends: the answer has to fit the request's length. */
START_TEST(test_version)
{
	static const char text[] =
		"{\"capabilities\":{\"pgsizes\":4096,\"max_msg_fds\":16,\"max_dma_maps\":65535,"
		"\"max_data_xfer_size\":1048576,"
		"\"migration\":{\"max_bitmap_size\":268435456,\"pgsize\":4096},"
		"\"write_multiple\":true}}";
	char body[4 + sizeof(text)] = { 0 }, answer[512];
	ssize_t n;

	memcpy(body + 4, text, sizeof(text));
	vfio_connect(&client, dev);
	n = vfio_call(&client, VFU_VERSION, body, sizeof(body), answer, sizeof(answer));
	ck_assert_int_gt(n, 4);
	ck_assert_int_le(n, sizeof(body));
	ck_assert_int_eq(answer[n - 1], 0);
	ck_assert_ptr_nonnull(strstr(answer + 4, "\"write_multiple\":true"));
	ck_assert_int_eq(vfio_disconnect(&client), 0);
}
END_TEST

START_TEST(test_version_refused)
{
	static const char * const texts[] = {
		"", "{", "[]", "{\"capabilities\":3}", "{\"capabilities\":{\"max_data_xfer_size\":0}}",
		"{\"capabilities\":{\"max_data_xfer_size\":-1}}", "{\"a\":1,\"a\":2}",
	};
	struct vfu_version newer = { .major = 1 };

	vfio_connect(&client, dev);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		ck_assert_int_eq(vfio_version(&client, texts[i]), -1);
		ck_assert_uint_eq(client.last_error, EINVAL);
	}
	ck_assert_int_eq(vfio_call(&client, VFU_VERSION, &newer, sizeof(newer), NULL, 0), -1);
	/* None of that spoils the session, but it happens once only. */
	ck_assert_int_eq(vfio_version(&client, "{}"), 0);
	ck_assert_int_eq(vfio_version(&client, "{}"), -1);
	ck_assert_int_eq(vfio_disconnect(&client), 0);
}
END_TEST

START_TEST(test_info)
{
	struct vfu_device_info info = { .argsz = sizeof(info) };
	uint64_t sizes[VFIO_PCI_NUM_REGIONS] = {
		[0] = GAON_BAR0_SIZE, [2] = 64ull << 20, [4] = (uint64_t)GAON_CONTEXTS * GAON_DOORBELL_STRIDE,
		[CONFIG] = 4096,
	};

	vfio_start(&client, dev, false);
	ck_assert_int_eq(vfio_call(&client, VFU_GET_INFO, &info, sizeof(info), &info, sizeof(info)),
			 sizeof(info));
	ck_assert_uint_eq(info.flags, VFIO_DEVICE_FLAGS_RESET | VFIO_DEVICE_FLAGS_PCI);
	ck_assert_uint_eq(info.regions, 9);
	ck_assert_uint_eq(info.irqs, 5);
	for (uint32_t i = 0; i < info.regions; i++) {
		struct vfio_region_info r = { .argsz = sizeof(r), .index = i };
		int fd;

		ck_assert_int_eq(vfio_call_fds(&client, VFU_GET_REGION_INFO, &r, sizeof(r), NULL, 0, &r,
					       sizeof(r), &fd), sizeof(r));
		ck_assert_uint_eq(r.size, sizes[i]);
		ck_assert_int_eq(fd >= 0, i == GAON_BAR_HBM);
		ck_assert_int_eq(!!(r.flags & VFIO_REGION_INFO_FLAG_MMAP), i == GAON_BAR_HBM);
		if (fd >= 0)
			close(fd);
	}
	for (uint32_t i = 0; i < info.irqs; i++) {
		struct vfio_irq_info q = { .argsz = sizeof(q), .index = i };

		ck_assert_int_eq(vfio_call(&client, VFU_GET_IRQ_INFO, &q, sizeof(q), &q, sizeof(q)),
				 sizeof(q));
		ck_assert_uint_eq(q.count, i == VFIO_PCI_MSIX_IRQ_INDEX ? GAON_MSIX_VECTORS : 0);
	}
	ck_assert_int_eq(vfio_disconnect(&client), 0);
}
END_TEST

/* An aperture that is no power of two: a sparse region, told in two steps as QEMU asks. */
START_TEST(test_sparse_aperture)
{
	struct vfu_options options = {
		.config = { .hbm_bytes = 64ull << 20, .aperture_bytes = 24ull << 20 },
	};
	struct vfu_device *small = vfio_device(&options);
	struct {
		struct vfio_region_info info;
		uint16_t id, version;
		uint32_t next, areas, reserved;
		uint64_t offset, size;
	} r = { .info = { .argsz = sizeof(r.info), .index = GAON_BAR_HBM } };
	uint64_t beyond;
	int fd;

	vfio_start(&client, small, false);
	ck_assert_int_eq(vfio_call_fds(&client, VFU_GET_REGION_INFO, &r, sizeof(r.info), NULL, 0, &r,
				       sizeof(r), &fd), sizeof(r.info));
	ck_assert_uint_eq(r.info.argsz, sizeof(r));
	ck_assert_uint_eq(r.info.cap_offset, sizeof(r.info));
	ck_assert_int_eq(fd, -1);
	ck_assert_int_eq(vfio_call_fds(&client, VFU_GET_REGION_INFO, &r, sizeof(r.info), NULL, 0, &r,
				       sizeof(r), &fd), sizeof(r));
	ck_assert_uint_eq(r.info.size, 32ull << 20);
	ck_assert_uint_eq(r.id, VFIO_REGION_INFO_CAP_SPARSE_MMAP);
	ck_assert_uint_eq(r.areas, 1);
	ck_assert_uint_eq(r.offset, 0);
	ck_assert_uint_eq(r.size, 24ull << 20);
	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_int_eq(vfio_region_read(&client, GAON_BAR_HBM, 24ull << 20, &beyond, 8), 0);
	ck_assert_uint_eq(beyond, UINT64_MAX);
	ck_assert_int_eq(vfio_disconnect(&client), 0);
	vfu_device_destroy(small);
}
END_TEST

/* --- accesses ----------------------------------------------------------------------------------- */

START_TEST(test_regions)
{
	uint8_t config[4096], pattern[1000], back[1000];
	uint32_t id;
	uint64_t word = 0;
	uint8_t *map;
	int fd;

	vfio_start(&client, dev, false);
	ck_assert_int_eq(vfio_region_read(&client, CONFIG, 0, config, sizeof(config)), 0);
	ck_assert_uint_eq(config[0] | config[1] << 8, GAON_PCI_VENDOR);
	ck_assert_int_eq(vfio_region_read(&client, GAON_BAR_REGS, GAON_REG_ID, &id, 4), 0);
	ck_assert_uint_eq(id, GAON_ID);

	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = i * 7;
	ck_assert_int_eq(vfio_region_write(&client, GAON_BAR_HBM, 4093, pattern, sizeof(pattern)), 0);
	ck_assert_int_eq(vfio_region_read(&client, GAON_BAR_HBM, 4093, back, sizeof(back)), 0);
	ck_assert_mem_eq(back, pattern, sizeof(back));

	/* The same memory through the file. */
	struct vfio_region_info r = { .argsz = sizeof(r), .index = GAON_BAR_HBM };
	vfio_call_fds(&client, VFU_GET_REGION_INFO, &r, sizeof(r), NULL, 0, &r, sizeof(r), &fd);
	map = mmap(NULL, r.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, r.offset);
	ck_assert_ptr_ne(map, MAP_FAILED);
	ck_assert_mem_eq(map + 4093, pattern, sizeof(pattern));
	map[1 << 20] = 99;
	ck_assert_int_eq(vfio_region_read(&client, GAON_BAR_HBM, 1 << 20, &word, 8), 0);
	ck_assert_uint_eq(word, 99);
	/* Nobody can make it shorter under the model's feet. */
	ck_assert_int_eq(ftruncate(fd, 4096), -1);
	close(fd);
	ck_assert_int_eq(vfio_disconnect(&client), 0);
	/* The next client finds nothing of it. */
	ck_assert_uint_eq(map[1 << 20], 0);
	munmap(map, r.size);
}
END_TEST

START_TEST(test_regions_refused)
{
	static const struct { uint32_t region; uint64_t offset; uint32_t bytes; } bad[] = {
		{ 0, 0, 0 }, { 0, 1, 4 }, { 0, 0, 3 }, { 0, 0, 16 }, { 0, GAON_BAR0_SIZE, 4 },
		{ 0, GAON_BAR0_SIZE - 2, 4 }, { 1, 0, 4 }, { 2, 64ull << 20, 1 }, { 2, (64ull << 20) - 4, 8 },
		{ 2, UINT64_MAX, 1 }, { 2, UINT64_MAX - 7, 8 }, { 3, 0, 1 }, { 4, 1ull << 40, 8 },
		{ 5, 0, 1 }, { 6, 0, 4 }, { CONFIG, 4095, 2 }, { CONFIG, 4096, 1 }, { 8, 0, 1 }, { 9, 0, 1 },
		{ UINT32_MAX, 0, 4 },
	};
	struct vfu_region_access huge = { .region = 2, .count = UINT32_MAX };
	uint8_t data[64] = { 0 };

	vfio_start(&client, dev, false);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_int_eq(vfio_region_read(&client, bad[i].region, bad[i].offset, data, bad[i].bytes),
				 -1);
		ck_assert_uint_eq(client.last_error, EINVAL);
		ck_assert_int_eq(vfio_region_write(&client, bad[i].region, bad[i].offset, data, bad[i].bytes),
				 -1);
	}
	ck_assert_int_eq(vfio_call(&client, VFU_REGION_READ, &huge, sizeof(huge), NULL, 0), -1);
	ck_assert_int_eq(vfio_call(&client, VFU_REGION_WRITE, &huge, sizeof(huge), NULL, 0), -1);
	ck_assert_int_eq(vfio_call(&client, VFU_REGION_READ, &huge, 15, NULL, 0), -1);
	ck_assert_int_eq(vfio_disconnect(&client), 0);
}
END_TEST

/* Writes that nobody waits for, one by one and many in a message, come in order. */
START_TEST(test_posted_writes)
{
	struct {
		uint64_t count;
		struct vfu_write_multi_entry entry[VFU_MULTI_MAX];
	} multi = { .count = VFU_MULTI_MAX };
	struct {
		struct vfu_header h;
		struct vfu_region_access a;
		uint64_t data;
	} posted = {
		.h = { .command = VFU_REGION_WRITE, .size = sizeof(posted), .flags = VFU_F_NO_REPLY },
		.a = { .region = GAON_BAR_HBM, .count = 8 },
	};
	uint64_t word, count;

	vfio_start(&client, dev, false);
	for (uint64_t i = 0; i < 500; i++) {
		posted.a.offset = 8 * (i % 100);
		posted.data = i;
		vfio_send(&client, &posted, sizeof(posted), NULL, 0);
	}
	ck_assert_int_eq(vfio_region_read(&client, GAON_BAR_HBM, 8 * 99, &word, 8), 0);
	ck_assert_uint_eq(word, 499);
	for (uint64_t i = 0; i < VFU_MULTI_MAX; i++) {
		multi.entry[i] = (struct vfu_write_multi_entry){
			.offset = 4096 + 4 * i, .region = GAON_BAR_HBM, .count = 4, .data = { i, 1, 2, 3 },
		};
	}
	ck_assert_int_eq(vfio_call(&client, VFU_REGION_WRITE_MULTI, &multi, sizeof(multi), &count,
				   sizeof(count)), sizeof(count));
	ck_assert_int_eq(vfio_region_read(&client, GAON_BAR_HBM, 4096 + 4 * 199, &word, 4), 0);
	ck_assert_uint_eq(word & 0xffffffff, 0x030201c7);
	multi.count++;
	ck_assert_int_eq(vfio_call(&client, VFU_REGION_WRITE_MULTI, &multi, sizeof(multi), NULL, 0), -1);
	multi.count = UINT64_MAX / sizeof(multi.entry[0]) + 2;
	ck_assert_int_eq(vfio_call(&client, VFU_REGION_WRITE_MULTI, &multi, sizeof(multi), NULL, 0), -1);
	multi.count = 1;
	multi.entry[0].count = 9;
	ck_assert_int_eq(vfio_call(&client, VFU_REGION_WRITE_MULTI, &multi, 8 + sizeof(multi.entry[0]),
				   NULL, 0), -1);
	ck_assert_int_eq(vfio_disconnect(&client), 0);
}
END_TEST

/* --- memory ------------------------------------------------------------------------------------- */

START_TEST(test_dma_refused)
{
	const uint64_t page = 4096;
	int small = memfd_create("small", MFD_CLOEXEC), pipes[2], zero = open("/dev/zero", O_RDWR);
	int file = open("/proc/self/status", O_RDONLY), path = open("/tmp", O_PATH), readonly;
	char name[64];
	uint64_t bytes;

	ck_assert_int_eq(ftruncate(small, 8 * page), 0);
	ck_assert_int_eq(pipe(pipes), 0);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", small);
	readonly = open(name, O_RDONLY);
	vfio_start(&client, dev, false);
	ck_assert_int_eq(vfio_dma_map(&client, 0x1000, 0, 3, small, 0), -1);
	ck_assert_int_eq(vfio_dma_map(&client, 0x1001, page, 3, small, 0), -1);
	ck_assert_int_eq(vfio_dma_map(&client, 0x1000, 100, 3, small, 0), -1);
	ck_assert_int_eq(vfio_dma_map(&client, 0x1000, page, 3, small, 5), -1);
	ck_assert_int_eq(vfio_dma_map(&client, 0x1000, page, 7, small, 0), -1);
	ck_assert_int_eq(vfio_dma_map(&client, 0x1000, 9 * page, 3, small, 0), -1);
	ck_assert_int_eq(vfio_dma_map(&client, 0x1000, page, 3, small, 8 * page), -1);
	ck_assert_int_eq(vfio_dma_map(&client, 0x1000, page, 3, small, -page), -1);
	ck_assert_int_eq(vfio_dma_map(&client, -page, 2 * page, 3, small, 0), -1);
	ck_assert_int_eq(vfio_dma_map(&client, 0x1000, page, 3, readonly, 0), -1);
	ck_assert_int_eq(vfio_dma_map(&client, 0x1000, page, 1, pipes[0], 0), -1);
	ck_assert_int_eq(vfio_dma_map(&client, 0x1000, page, 3, zero, 0), -1);
	ck_assert_int_eq(vfio_dma_map(&client, 0x1000, page, 1, file, 0), -1);
	ck_assert_int_eq(vfio_dma_map(&client, 0x1000, page, 1, path, 0), -1);
	ck_assert_int_eq(vfio_dma_map(&client, client.host.iova + page, page, 3, small, 0), -1);
	ck_assert_uint_eq(client.last_error, EEXIST);
	ck_assert_int_eq(vfio_dma_map(&client, client.host.iova - page, client.host.bytes + 2 * page, 3,
				      -1, 0), -1);

	ck_assert_int_eq(vfio_dma_map(&client, 0x1000, page, 1, readonly, 0), 0);
	ck_assert_int_eq(vfio_dma_map(&client, 0x2000, page, 3, small, page), 0);
	ck_assert_int_eq(vfio_dma_map(&client, -page, page, 3, small, 0), 0);
	/* Neither through a region nor of nothing, but any number of whole ones. */
	ck_assert_int_eq(vfio_dma_unmap(&client, client.host.iova, page, 0, NULL), -1);
	ck_assert_int_eq(vfio_dma_unmap(&client, 0, client.host.iova + page, 0, NULL), -1);
	ck_assert_int_eq(vfio_dma_unmap(&client, 0x1000, 0, 0, NULL), -1);
	ck_assert_int_eq(vfio_dma_unmap(&client, 0x9000, page, 0, &bytes), 0);
	ck_assert_uint_eq(bytes, 0);
	ck_assert_int_eq(vfio_dma_unmap(&client, 0, client.host.iova, 0, &bytes), 0);
	ck_assert_uint_eq(bytes, 2 * page);
	ck_assert_int_eq(vfio_dma_unmap(&client, 0, 0, VFU_UNMAP_F_ALL, &bytes), 0);
	ck_assert_uint_eq(bytes, client.host.bytes + page);
	ck_assert_int_eq(vfio_disconnect(&client), 0);
	for (int i = 0; i < VFU_FILES_MAX; i++)
		ck_assert_ptr_null(dev->dma.files[i].base);
	close(small);
	close(readonly);
	close(pipes[0]);
	close(pipes[1]);
	close(zero);
	close(file);
	close(path);
}
END_TEST

static unsigned int regions(void)
{
	unsigned int count;

	pthread_rwlock_rdlock(&dev->dma.lock);
	count = dev->dma.count;
	pthread_rwlock_unlock(&dev->dma.lock);
	return count;
}

/* As an emulated IOMMU does it: a page at a time, in and out of order, thousands of them. */
START_TEST(test_dma_many)
{
	uint64_t seed = dev_seed(), bytes, total = 0;
	unsigned int count = 3000;
	uint64_t *pages = calloc(count, sizeof(*pages));

	vfio_start(&client, dev, false);
	for (unsigned int i = 0; i < count; i++) {
		/* Apart from each other in every order: the tree must cope with all. */
		pages[i] = (1ull << 40) + (uint64_t)(i * 7919 % count) * 8192;
		ck_assert_int_eq(vfio_dma_map(&client, pages[i], 4096, 3, client.memory,
					      dev_random(&seed) % (client.host.bytes / 4096) * 4096), 0);
	}
	ck_assert_uint_eq(regions(), count + 1);
	for (unsigned int i = 0; i < count; i += 2) {
		ck_assert_int_eq(vfio_dma_unmap(&client, pages[i], 4096, 0, &bytes), 0);
		total += bytes;
	}
	ck_assert_uint_eq(total, count / 2 * 4096);
	ck_assert_int_eq(vfio_dma_unmap(&client, 1ull << 40, 1ull << 40, 0, &bytes), 0);
	ck_assert_uint_eq(bytes, count / 2 * 4096);
	ck_assert_uint_eq(regions(), 1);
	ck_assert_int_eq(vfio_disconnect(&client), 0);
	ck_assert_uint_eq(regions(), 0);
	free(pages);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("vfio_session");
	TCase *tc = fixture_tcase(s, fixture_setup, fixture_teardown);

	tcase_add_test(tc, test_version);
	tcase_add_test(tc, test_version_refused);
	tcase_add_test(tc, test_info);
	tcase_add_test(tc, test_sparse_aperture);
	tcase_add_test(tc, test_regions);
	tcase_add_test(tc, test_regions_refused);
	tcase_add_test(tc, test_posted_writes);
	tcase_add_test(tc, test_dma_refused);
	tcase_add_test(tc, test_dma_many);
	return check_run(s);
}
