// SPDX-License-Identifier: MIT
/* Mapping 1 GiB of host memory at once, and in pieces of 4 KiB. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"
#include "uapi.h"
#include "vm_bench.h"

#define BYTES		(1ull << 30)
#define PAGE		4096ull
/* Of it this much is mapped by page: the cost is per page, and an emulated processor takes its time. */
#define BY_PAGE		(64ull << 20)
#define VA		0x10000000000ull	/* aligned to 1 GiB */

/* Seconds for the whole object in one operation; large leaves must come of it. */
static double map_at_once(int fd, uint32_t vm, uint32_t bo)
{
	struct drm_gaon_vm_state state = { .vm_id = vm };
	double start = bench_now(), seconds;
	uint64_t large;

	if (!bench_errno_ok(uapi_map(fd, vm, bo, 0, VA, BYTES, 0), "VM_BIND of 1 GiB"))
		return -1;
	seconds = bench_now() - start;
	if (!bench_errno_ok(uapi_ioctl(fd, DRM_IOCTL_GAON_VM_STATE, &state), "VM_STATE"))
		return -1;
	large = (uint64_t)state.large_pages * (2ull << 20) + (uint64_t)state.giant_pages * BYTES;
	if (large < BYTES / 10 * 9) {
		fprintf(stderr, "gaon-bench-vm: only %llu MiB of 1 GiB are in large leaves\n",
			(unsigned long long)large >> 20);
		return -1;
	}
	return bench_errno_ok(uapi_unmap(fd, vm, VA, BYTES), "unmap of 1 GiB") ? seconds : -1;
}

/*
 * Seconds for the same in as many operations as it has pages, as many as there may be in a call. Only
 * the first BY_PAGE are really mapped; the rest would take no less each.
 */
static double map_by_page(int fd, uint32_t vm, uint32_t bo, struct drm_gaon_vm_bind_op *ops)
{
	double seconds = 0;

	for (uint64_t done = 0; done < BY_PAGE; done += DRM_GAON_VM_BIND_MAX_OPS * PAGE) {
		double start;

		for (uint64_t i = 0; i < DRM_GAON_VM_BIND_MAX_OPS; i++)
			ops[i] = (struct drm_gaon_vm_bind_op){
				.type = DRM_GAON_VM_BIND_MAP, .handle = bo, .offset = done + i * PAGE,
				.va = VA + done + i * PAGE, .size = PAGE,
			};
		start = bench_now();
		if (!bench_errno_ok(uapi_bind(fd, vm, ops, DRM_GAON_VM_BIND_MAX_OPS), "VM_BIND of 4 KiB each"))
			return -1;
		seconds += bench_now() - start;
	}
	seconds *= (double)BYTES / BY_PAGE;
	return bench_errno_ok(uapi_unmap(fd, vm, VA, BY_PAGE), "unmap of pages") ? seconds : -1;
}

static double vm_bind_large(void)
{
	struct drm_gaon_vm_bind_op *ops = calloc(DRM_GAON_VM_BIND_MAX_OPS, sizeof(*ops));
	double best = -1, pages = -1;
	uint32_t vm, bo;
	int fd;

	uapi_quiet = true;
	fd = uapi_open();
	vm = uapi_vm(fd, 0);
	bo = vm ? uapi_bo(fd, BYTES, DRM_GAON_BO_HOST, vm) : 0;
	/* The memory is there from the first mapping on. */
	if (ops && bo && bench_errno_ok(uapi_map(fd, vm, bo, 0, VA, PAGE, 0), "VM_BIND of 4 KiB") &&
	    bench_errno_ok(uapi_unmap(fd, vm, VA, PAGE), "unmap of 4 KiB")) {
		for (int i = 0; i < 3; i++) {
			double seconds = map_at_once(fd, vm, bo);

			if (seconds < 0)
				goto out;
			if (best < 0 || seconds < best)
				best = seconds;
		}
		pages = map_by_page(fd, vm, bo, ops);
	}
out:
	close(fd);
	free(ops);
	bench_peer_figure = pages * 1e3;
	return pages > 0 ? best * 1e3 : -1;
}

/*
 * Milliseconds for the first mapping of the caller's own memory, in large pages if the kernel gives
 * any; the other figure is those for taking it out again.
 */
static double userptr_bind(void)
{
	struct drm_gaon_vm_bind_op op = { .type = DRM_GAON_VM_BIND_MAP_USERPTR, .va = VA, .size = BYTES };
	double start, map, unmap;
	uint32_t vm;
	char *own;
	int fd;

	uapi_quiet = true;
	fd = uapi_open();
	vm = uapi_vm(fd, DRM_GAON_VM_LR);
	own = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!vm || own == MAP_FAILED)
		return -1;
	madvise(own, BYTES, MADV_HUGEPAGE);
	memset(own, 1, BYTES);
	op.offset = (uintptr_t)own;
	start = bench_now();
	if (!bench_errno_ok(uapi_bind(fd, vm, &op, 1), "VM_BIND of 1 GiB of the caller's"))
		return -1;
	map = bench_now() - start;
	start = bench_now();
	if (!bench_errno_ok(uapi_unmap(fd, vm, VA, BYTES), "unmap of 1 GiB"))
		return -1;
	unmap = bench_now() - start;
	close(fd);
	munmap(own, BYTES);
	bench_peer_figure = unmap * 1e3;
	return map * 1e3;
}

const struct bench_probe bench_probes_vm_bind[] = {
	{ "vm_bind_large", vm_bind_large },
	{ "userptr_bind", userptr_bind },	/* no row: for the record */
	{ NULL, NULL },
};
