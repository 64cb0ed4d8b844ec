// SPDX-License-Identifier: MIT
/* Memory of all kinds, addresses, the pool, and copies of all shapes. */
#include <sys/mman.h>

#include <sched.h>
#include <unistd.h>

#include "runtime/rt.h"

START_TEST(alloc_is_zero_and_reused_memory_too)
{
	uint8_t *host = malloc(3 << 20), *zero = calloc(1, 3 << 20);
	int round;

	for (round = 0; round < 4; round++) {
		size_t bytes = 100 + rt_random() % (3 << 20);
		struct gaon_mem *mem;
		uint64_t va;

		if (bytes > 3 << 20)
			bytes = 3 << 20;
		mem = rt_alloc(bytes, &va);
		ck_assert_uint_eq(gaon_mem_size(mem), bytes);
		ck_assert_ptr_null(gaon_mem_ptr(mem));
		memset(host, 0xff, bytes);
		ok(gaon_mem_read(dev, host, va, bytes));
		ck_assert_int_eq(memcmp(host, zero, bytes), 0);
		rt_random_bytes(host, bytes);
		ok(gaon_mem_write(dev, va, host, bytes));
		ok(gaon_mem_free(mem));
	}
	free(host);
	free(zero);
}
END_TEST

/* What one device gave is had on another one whose own objects are others: streams, pins, rings. */
START_TEST(addresses_can_be_had_again)
{
	enum { COUNT = 24 };
	struct { uint64_t va, bytes; enum gaon_mem_kind kind; } list[COUNT];
	struct gaon_mem *mem, *first = NULL;
	struct gaon_stream *streams[3];
	uint64_t value = rt_random(), back = 0;
	struct gaon_device *other;
	int i;

	for (i = 0; i < COUNT; i++) {
		list[i].bytes = 1 + rt_random() % (i % 5 ? 40000 : 5 << 20);
		list[i].kind = rt_random() & 1 ? GAON_MEM_DEVICE : GAON_MEM_HOST;
		ok(gaon_mem_alloc(dev, list[i].bytes, list[i].kind, &mem));
		list[i].va = gaon_mem_va(mem);
	}
	ok(gaon_device_open(getenv("GAON_DEVICE"), &other));
	for (i = 0; i < 3; i++)
		ok(gaon_stream_create(other, NULL, &streams[i]));
	for (i = COUNT - 1; i >= 0; i--) {
		ok(gaon_mem_alloc_at(other, list[i].bytes, list[i].kind, list[i].va, &mem));
		ck_assert_uint_eq(gaon_mem_va(mem), list[i].va);
		ck_assert_uint_eq(gaon_mem_size(mem), list[i].bytes);
		ck_assert_int_eq(gaon_mem_ptr(mem) != NULL, list[i].kind == GAON_MEM_HOST);
		if (list[i].bytes >= 8) {
			ok(gaon_mem_write_async(streams[i % 3], list[i].va, &value, 8));
			ok(gaon_stream_wait(streams[i % 3], GAON_FOREVER));
			ok(gaon_mem_read(other, &back, list[i].va, 8));
			ck_assert_uint_eq(back, value);
		}
		if (!i)
			first = mem;
	}
	fails(GAON_ERROR_INVALID_ADDRESS,
	      gaon_mem_alloc_at(other, 4096, GAON_MEM_DEVICE, list[COUNT / 2].va, &mem));
	fails(GAON_ERROR_INVALID_ADDRESS, gaon_mem_alloc_at(other, 4096, GAON_MEM_DEVICE, 0, &mem));
	fails(GAON_ERROR_INVALID_ADDRESS, gaon_mem_alloc_at(other, 4096, GAON_MEM_DEVICE, 4096, &mem));
	fails(GAON_ERROR_INVALID_ADDRESS,
	      gaon_mem_alloc_at(other, 4096, GAON_MEM_DEVICE, (1ull << 40) + 8, &mem));
	/* The library's own quarter, and what is no address at all. */
	fails(GAON_ERROR_INVALID_ADDRESS,
	      gaon_mem_alloc_at(other, 4096, GAON_MEM_DEVICE, (1ull << 47) - 65536, &mem));
	fails(GAON_ERROR_INVALID_ADDRESS, gaon_mem_alloc_at(other, 4096, GAON_MEM_DEVICE, 1ull << 63, &mem));
	fails(GAON_ERROR_INVALID_ARGUMENT, gaon_mem_alloc_at(other, 0, GAON_MEM_DEVICE, 1ull << 40, &mem));
	ok(gaon_mem_free(first));
	ok(gaon_mem_alloc_at(other, list[0].bytes, list[0].kind, list[0].va, &mem));
	ok(gaon_device_close(other));
}
END_TEST

START_TEST(free_twice_and_use_after_free)
{
	struct gaon_address_info info = { .size = sizeof(info) };
	struct gaon_mem *mem;
	uint64_t va, x = 0;

	mem = rt_alloc(4096, &va);
	ok(gaon_mem_retain(mem));
	ok(gaon_mem_free(mem));
	ok(gaon_mem_read(dev, &x, va, 8));
	ok(gaon_mem_free(mem));
	fails(GAON_ERROR_CLOSED, gaon_mem_free(mem));
	fails(GAON_ERROR_CLOSED, gaon_mem_retain(mem));
	ck_assert_uint_eq(gaon_mem_va(mem), 0);
	fails(GAON_ERROR_INVALID_ADDRESS, gaon_mem_read(dev, &x, va, 8));
	fails(GAON_ERROR_INVALID_ADDRESS, gaon_address_get_info(dev, va, &info));
}
END_TEST

START_TEST(out_of_device_memory)
{
	struct gaon_mem *big = NULL, *again = NULL;
	uint64_t free_bytes, total, left;

	ok(gaon_device_get_memory(dev, &free_bytes, &total));
	ck_assert_uint_le(free_bytes, total);
	fails(GAON_ERROR_OUT_OF_DEVICE_MEMORY, gaon_mem_alloc(dev, total + 1, GAON_MEM_DEVICE, &big));
	fails(GAON_ERROR_OUT_OF_DEVICE_MEMORY,
	      gaon_mem_alloc(dev, UINT64_MAX - 4096, GAON_MEM_DEVICE, &big));
	fails(GAON_ERROR_OUT_OF_MEMORY, gaon_mem_alloc(dev, UINT64_MAX - 4096, GAON_MEM_HOST, &big));
	fails(GAON_ERROR_INVALID_ARGUMENT, gaon_mem_alloc(dev, 0, GAON_MEM_DEVICE, &big));
	fails(GAON_ERROR_INVALID_ARGUMENT, gaon_mem_alloc(dev, 64, GAON_MEM_IMPORTED, &big));
	ck_assert_ptr_null(big);
	ok(gaon_mem_alloc(dev, free_bytes - (4 << 20), GAON_MEM_DEVICE, &big));
	fails(GAON_ERROR_OUT_OF_DEVICE_MEMORY, gaon_mem_alloc(dev, 8 << 20, GAON_MEM_DEVICE, &again));
	ok(gaon_mem_free(big));
	ok(gaon_device_get_memory(dev, &left, &total));
	ck_assert_uint_eq(left, free_bytes);
	ok(gaon_mem_alloc(dev, 8 << 20, GAON_MEM_DEVICE, &again));
	ok(gaon_mem_free(again));
}
END_TEST

START_TEST(copy_random_ranges)
{
	enum { BYTES = 5 << 20 };
	uint8_t *model = malloc(BYTES), *host = malloc(BYTES);
	uint64_t va;
	int i;

	rt_alloc(BYTES, &va);
	memset(model, 0, BYTES);
	for (i = 0; i < 60; i++) {
		uint64_t size = i % 3 ? rt_random() % 5000 : rt_random() % BYTES;
		uint64_t at = rt_random() % (BYTES - size + 1), other;

		switch (rt_random() % 4) {
		case 0:
			rt_random_bytes(host, size);
			ok(gaon_mem_write(dev, va + at, host, size));
			memcpy(model + at, host, size);
			break;
		case 1:
			ok(gaon_mem_read(dev, host, va + at, size));
			ck_assert_int_eq(memcmp(host, model + at, size), 0);
			break;
		case 2:
			size /= 2;
			at %= BYTES / 2 - size;
			other = BYTES / 2 + rt_random() % (BYTES / 2 - size);
			ok(gaon_mem_copy(dev, va + other, va + at, size));
			memcpy(model + other, model + at, size);
			break;
		case 3:
			ok(gaon_mem_fill(dev, va + at, 0x1a5, 1, size));
			memset(model + at, 0xa5, size);
			break;
		}
	}
	ok(gaon_mem_read(dev, host, va, BYTES));
	ck_assert_int_eq(memcmp(host, model, BYTES), 0);
	free(model);
	free(host);
}
END_TEST

START_TEST(copy_bounds)
{
	uint64_t va, other;
	uint8_t x[64] = { 0 };
	uint8_t *gone;

	rt_alloc(4096, &va);
	rt_alloc(4096, &other);
	ok(gaon_mem_write(dev, va + 4096, x, 0));
	ok(gaon_mem_write(dev, va + 4095, x, 1));
	fails(GAON_ERROR_INVALID_ADDRESS, gaon_mem_write(dev, va + 4095, x, 2));
	fails(GAON_ERROR_INVALID_ADDRESS, gaon_mem_write(dev, va - 1, x, 1));
	fails(GAON_ERROR_INVALID_ADDRESS, gaon_mem_read(dev, x, 0, 1));
	fails(GAON_ERROR_INVALID_ADDRESS, gaon_mem_read(dev, x, UINT64_MAX, 1));
	fails(GAON_ERROR_INVALID_ADDRESS, gaon_mem_read(dev, x, va, UINT64_MAX));
	fails(GAON_ERROR_INVALID_ARGUMENT, gaon_mem_copy(dev, va + 8, va, 16));
	ok(gaon_mem_copy(dev, va + 16, va, 16));
	fails(GAON_ERROR_INVALID_ARGUMENT, gaon_mem_read(dev, NULL, va, 1));
	fails(GAON_ERROR_INVALID_ARGUMENT, gaon_mem_write(dev, va, NULL, 1));
	fails(GAON_ERROR_INVALID_ARGUMENT, gaon_mem_fill(dev, va, 0, 3, 3));
	fails(GAON_ERROR_INVALID_ARGUMENT, gaon_mem_fill(dev, va + 1, 0, 2, 2));
	fails(GAON_ERROR_INVALID_ARGUMENT, gaon_mem_fill(dev, va, 0, 8, 12));
	fails(GAON_ERROR_INVALID_ADDRESS, gaon_mem_fill(dev, va, 0, 8, 4104));
	/* Host memory that is not mapped. */
	gone = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(gone, 1 << 20);
	fails(GAON_ERROR_INVALID_ADDRESS, gaon_mem_read_async(stream, gone, va, 4096));
	ok(gaon_stream_wait(stream, WAIT));
}
END_TEST

START_TEST(fill_patterns)
{
	uint64_t va, pattern = 0x1122334455667788ull, host[64];
	uint32_t size;
	size_t i;

	rt_alloc(4096, &va);
	for (size = 1; size <= 8; size *= 2) {
		ok(gaon_mem_fill(dev, va, 0, 1, sizeof(host)));
		ok(gaon_mem_fill(dev, va + 8, pattern, size, 64));
		ok(gaon_mem_read(dev, host, va, sizeof(host)));
		for (i = 0; i < 64; i++) {
			uint8_t byte = ((uint8_t *)(host + 1))[i];

			ck_assert_uint_eq(byte, ((uint8_t *)&pattern)[i % size]);
		}
		ck_assert_uint_eq(host[0], 0);
		ck_assert_uint_eq(host[9], 0);
	}
}
END_TEST

struct side {
	uint8_t *model;
	uint64_t va, row, slice, span;
	uint8_t *host;			/* NULL: in the device */
};

static void side_make(struct side *s, const struct gaon_rect *r, bool host)
{
	s->row = r->width + rt_random() % 40;
	s->slice = s->row * r->height + rt_random() % 100;
	s->span = s->slice * (r->depth - 1) + s->row * (r->height - 1) + r->width;
	s->model = malloc(s->span);
	rt_random_bytes(s->model, s->span);
	s->host = NULL;
	if (host) {
		s->host = malloc(s->span);
		memcpy(s->host, s->model, s->span);
	} else {
		rt_alloc(s->span, &s->va);
		ok(gaon_mem_write(dev, s->va, s->model, s->span));
	}
}

static void side_check(struct side *s)
{
	uint8_t *now = s->host;

	if (!now) {
		now = malloc(s->span);
		ok(gaon_mem_read(dev, now, s->va, s->span));
	}
	ck_assert_int_eq(memcmp(now, s->model, s->span), 0);
	free(now);
	free(s->model);
}

START_TEST(copy_rect_shapes)
{
	int i;

	for (i = 0; i < 24; i++) {
		struct gaon_rect r = {
			.size = sizeof(r), .width = 1 + rt_random() % 300,
			.height = (uint32_t)(1 + rt_random() % 20),
			.depth = (uint32_t)(1 + rt_random() % 5),
		};
		struct side dst, src;
		uint32_t y, z;

		side_make(&dst, &r, i & 1);
		side_make(&src, &r, i & 2);
		r.dst = (struct gaon_rect_end){ dst.va, dst.host, dst.row, dst.slice };
		r.src = (struct gaon_rect_end){ src.va, src.host, src.row, src.slice };
		for (z = 0; z < r.depth; z++)
			for (y = 0; y < r.height; y++)
				memcpy(dst.model + z * dst.slice + y * dst.row,
				       src.model + z * src.slice + y * src.row, r.width);
		if (i & 4) {
			ok(gaon_mem_copy_rect(dev, &r));
		} else {
			ok(gaon_mem_copy_rect_async(stream, &r));
			ok(gaon_stream_wait(stream, WAIT));
		}
		side_check(&dst);
		side_check(&src);
	}
}
END_TEST

START_TEST(copy_rect_bounds)
{
	struct gaon_rect r = { .size = sizeof(r), .width = 64, .height = 4 };
	uint64_t va;

	rt_alloc(8192, &va);
	r.dst.va = va;
	r.src.va = va + 4096;
	ok(gaon_mem_copy_rect(dev, &r));
	r.src.row_pitch = 63;
	fails(GAON_ERROR_INVALID_ARGUMENT, gaon_mem_copy_rect(dev, &r));
	r.src.row_pitch = 4096;
	fails(GAON_ERROR_INVALID_ADDRESS, gaon_mem_copy_rect(dev, &r));
	r.src.row_pitch = UINT64_MAX;
	fails(GAON_ERROR_INVALID_ARGUMENT, gaon_mem_copy_rect(dev, &r));
	r.size = 8;
	fails(GAON_ERROR_STRUCT_SIZE, gaon_mem_copy_rect(dev, &r));
}
END_TEST

static void imported_refused(uint8_t *own)
{
	struct gaon_mem *imported;

	fails(GAON_ERROR_UNSUPPORTED, gaon_mem_import(dev, own + 3, 70001, 0, &imported));
	ck_assert_ptr_nonnull(strstr(gaon_last_error()->hint, "GAON_MEM_HOST"));
	ok(gaon_stream_wait(stream, WAIT));
}

static void imported_used(uint8_t *own, uint64_t va, const uint8_t *want)
{
	struct gaon_address_info info = { .size = sizeof(info) };
	struct gaon_mem *imported, *readonly;

	ok(gaon_mem_import(dev, own + 3, 70001, 0, &imported));
	ok(gaon_mem_copy_async(stream, gaon_mem_va(imported) + 1, va, 70000));
	ok(gaon_stream_wait(stream, WAIT));
	ck_assert_int_eq(memcmp(own + 4, want, 70000), 0);
	ok(gaon_pointer_get_info(dev, own + 100, &info));
	ck_assert_int_eq(info.kind, GAON_MEM_IMPORTED);
	ck_assert_ptr_eq(info.mem, imported);
	ck_assert_uint_eq(info.va, gaon_mem_va(imported));
	ok(gaon_mem_import(dev, own, 4096, GAON_IMPORT_READONLY, &readonly));
	fails(GAON_ERROR_INVALID_ADDRESS, gaon_mem_copy(dev, gaon_mem_va(readonly), va, 16));
	ok(gaon_mem_copy(dev, va, gaon_mem_va(readonly), 16));
	/* A kernel that writes there faults; the page is not changed. */
	own[0] = 7;
	ok(rt_launch(stream, "conf_store", 1, gaon_mem_va(readonly), 0));
	fails(GAON_ERROR_FAULT, gaon_stream_wait(stream, WAIT));
	ck_assert_uint_eq(own[0], 7);
	ok(gaon_stream_clear_fault(stream));
	ok(gaon_mem_free(readonly));
	ok(gaon_mem_free(imported));
}

START_TEST(pinned_and_imported)
{
	struct gaon_address_info info = { .size = sizeof(info) };
	uint8_t *own = malloc(100000), *ptr;
	struct gaon_mem *pinned, *imported;
	uint64_t va;

	ok(gaon_mem_alloc(dev, 70000, GAON_MEM_HOST, &pinned));
	ptr = gaon_mem_ptr(pinned);
	rt_alloc(100000, &va);
	rt_random_bytes(ptr, 70000);
	ok(gaon_mem_copy_async(stream, va, gaon_mem_va(pinned), 70000));
	if (rt_kernel_queues())
		imported_refused(own);
	else
		imported_used(own, va, ptr);
	ok(gaon_address_get_info(dev, gaon_mem_va(pinned) + 5, &info));
	ck_assert_int_eq(info.kind, GAON_MEM_HOST);
	ck_assert_ptr_eq(info.ptr, ptr);
	fails(GAON_ERROR_INVALID_ADDRESS, gaon_pointer_get_info(dev, &info, &info));
	fails(GAON_ERROR_INVALID_ADDRESS, gaon_pointer_get_info(dev, own + 100, &info));
	fails(GAON_ERROR_INVALID_ADDRESS, gaon_mem_import(dev, (void *)8192, 4096, 0, &imported));
	fails(GAON_ERROR_INVALID_ADDRESS,
	      gaon_mem_import(dev, (void *)(UINTPTR_MAX - 100), 4096, 0, &imported));
	free(own);
}
END_TEST

START_TEST(pool_follows_the_stream)
{
	uint64_t va[64], again, used, before, total;
	struct gaon_mem *mem;
	uint8_t byte;
	int i;

	/*
	 * The library's stream for blocking copies is made by the first one; a queue may need device
	 * memory.
	 */
	mem = rt_alloc(1, &again);
	ok(gaon_mem_read(dev, &byte, again, 1));
	ok(gaon_mem_free(mem));
	ok(gaon_device_get_memory(dev, &before, &total));
	for (i = 0; i < 64; i++) {
		ok(gaon_mem_alloc_async(stream, 1 + rt_random() % 200000, &va[i]));
		ck_assert_uint_eq(va[i] % 256, 0);
		ok(gaon_mem_fill_async(stream, va[i], (uint64_t)i, 1, 1));
	}
	for (i = 0; i < 64; i++) {
		uint8_t x = 0;

		ok(gaon_stream_wait(stream, WAIT));
		ok(gaon_mem_read(dev, &x, va[i], 1));
		ck_assert_uint_eq(x, i);
	}
	/* Freed and allocated again in the same stream: no waiting, the same memory. */
	ok(gaon_mem_free_async(stream, va[0]));
	ok(gaon_mem_alloc_async(stream, 5000, &again));
	ok(rt_launch(stream, "conf_busy", 1, 0, 100000));
	ok(gaon_mem_free_async(stream, again));
	fails(GAON_ERROR_CLOSED, gaon_mem_free_async(stream, again));
	ok(gaon_mem_alloc_async(stream, 5000, &va[0]));
	ck_assert_uint_eq(va[0], again);
	fails(GAON_ERROR_INVALID_ADDRESS, gaon_mem_free_async(stream, va[1] + 256));
	fails(GAON_ERROR_INVALID_ADDRESS, gaon_mem_free_async(stream, 0));
	fails(GAON_ERROR_OUT_OF_DEVICE_MEMORY, gaon_mem_alloc_async(stream, total * 2, &again));
	fails(GAON_ERROR_INVALID_ARGUMENT, gaon_mem_alloc_async(stream, 0, &again));
	for (i = 1; i < 64; i++)
		ok(gaon_mem_free_async(stream, va[i]));
	ok(gaon_mem_free_async(stream, va[0]));
	ok(gaon_stream_wait(stream, WAIT));
	ok(gaon_mem_trim(dev, 0));
	ok(gaon_device_get_memory(dev, &used, &total));
	ck_assert_uint_eq(used, before);
}
END_TEST

/* A line of /proc/self/status in bytes. */
static uint64_t status_bytes(const char *name)
{
	unsigned long long kib = 0;
	FILE *f = fopen("/proc/self/status", "r");
	size_t length = strlen(name);
	char line[256];

	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, name, length) && line[length] == ':')
			kib = strtoull(line + length + 1, NULL, 10);
	fclose(f);
	ck_assert(kib);
	return kib << 10;
}

/* What VmHWM says is from now on; where that is not allowed it is of the whole time. */
static void forget_peak(void)
{
	FILE *f = fopen("/proc/self/clear_refs", "w");

	if (f) {
		fputs("5", f);
		fclose(f);
	}
}

/* The embedded device makes memory ready if somebody else can run meanwhile; a card has its own. */
static bool makes_ready(void)
{
	const char *threads = getenv("GAON_SIM_THREADS");
	struct gaon_device_info info = { .size = sizeof(info) };
	cpu_set_t set;

	ok(gaon_device_get_info(dev, &info));
	return !strcmp(info.transport, "embedded") && !(threads && !strcmp(threads, "1")) &&
	       !sched_getaffinity(0, sizeof(set), &set) && CPU_COUNT(&set) > 1;
}

/* True: the line of /proc/self/status came there, well before the test's time is over. */
static bool becomes(const char *name, uint64_t least, uint64_t most)
{
	double end = rt_now() + 25;

	do {
		uint64_t now = status_bytes(name);

		if (now >= least && now <= most)
			return true;
		usleep(20000);
	} while (rt_now() < end);
	return false;
}

START_TEST(memory_that_will_be_filled)
{
	struct gaon_device_config config = { .size = sizeof(config), .fill_bytes = 96u << 20 };
	uint64_t before = status_bytes("VmRSS"), slack = 32u << 20, part = 1u << 20;
	struct gaon_device *other;
	unsigned char *data = malloc(part), *back = malloc(part);
	struct gaon_mem *mem;
	uint64_t va;

	ck_assert(data && back);
	forget_peak();
	ok(gaon_device_open_with(NULL, &config, &other));
	if (makes_ready())
		ck_assert_msg(becomes("VmHWM", before + config.fill_bytes - slack, UINT64_MAX),
			      "%llu bytes before, %llu at most", (unsigned long long)before,
			      (unsigned long long)status_bytes("VmHWM"));
	mem = rt_alloc(part, &va);
	rt_random_bytes(data, part);
	ok(gaon_mem_write(dev, va, data, part));
	if (makes_ready())
		ck_assert_msg(becomes("VmRSS", 0, before + 3 * part + slack), "%llu bytes before, %llu now",
			      (unsigned long long)before, (unsigned long long)status_bytes("VmRSS"));
	ok(gaon_mem_read(dev, back, va, part));
	ck_assert_mem_eq(back, data, part);
	ok(gaon_mem_free(mem));
	ok(gaon_device_close(other));
	free(data);
	free(back);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("runtime memory");
	TCase *tc = rt_case(suite, "memory");

	tcase_add_test(tc, alloc_is_zero_and_reused_memory_too);
	tcase_add_test(tc, addresses_can_be_had_again);
	tcase_add_test(tc, free_twice_and_use_after_free);
	tcase_add_test(tc, out_of_device_memory);
	tcase_add_test(tc, copy_random_ranges);
	tcase_add_test(tc, copy_bounds);
	tcase_add_test(tc, fill_patterns);
	tcase_add_test(tc, copy_rect_shapes);
	tcase_add_test(tc, copy_rect_bounds);
	tcase_add_test(tc, pinned_and_imported);
	tcase_add_test(tc, pool_follows_the_stream);
	tcase_add_test(tc, memory_that_will_be_filled);
	return rt_run(suite);
}
