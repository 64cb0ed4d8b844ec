// SPDX-License-Identifier: MIT
/* Address spaces: creation, mappings, their splits, large leaves, limits, refusals. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "uapi.h"

#define KIB	1024ull
#define MIB	(1024 * KIB)
#define GIB	(1024 * MIB)

static struct drm_gaon_vm_state vm_state(int fd, uint32_t vm)
{
	struct drm_gaon_vm_state state = { .vm_id = vm };

	CHECK_ERRNO(uapi_ioctl(fd, DRM_IOCTL_GAON_VM_STATE, &state), 0, "state");
	return state;
}

static void expect(int fd, uint32_t vm, uint64_t mapped, uint32_t large, uint32_t giant,
		   const char *what)
{
	struct drm_gaon_vm_state state = vm_state(fd, vm);

	CHECK(state.mapped == mapped && state.large_pages == large && state.giant_pages == giant &&
	      !state.state, "%s: %llu KiB mapped, %u large, %u giant leaves; expected %llu, %u, %u", what,
	      (unsigned long long)state.mapped / KIB, state.large_pages, state.giant_pages,
	      (unsigned long long)mapped / KIB, large, giant);
}

static void test_create(int fd)
{
	struct drm_gaon_vm_create args = { 0 };
	struct drm_gaon_vm_destroy destroy = { .vm_id = 99, .pad = 1 };
	uint32_t first, bit;

	CHECK_ERRNO(uapi_ioctl(fd, DRM_IOCTL_GAON_VM_CREATE, &args), 0, "a VM");
	first = args.vm_id;
	CHECK(args.context >= 1 && args.context < 1024, "context %u", args.context);
	for (bit = 1; bit < 32; bit++) {
		args = (struct drm_gaon_vm_create) { .flags = 1u << bit };
		CHECK_ERRNO(uapi_ioctl(fd, DRM_IOCTL_GAON_VM_CREATE, &args), EINVAL, "flag %u", bit);
	}
	args = (struct drm_gaon_vm_create) { .print_va = 0x100004 };
	CHECK_ERRNO(uapi_ioctl(fd, DRM_IOCTL_GAON_VM_CREATE, &args), EINVAL, "print ring not aligned");
	args = (struct drm_gaon_vm_create) { .print_va = 1ull << 47 };
	CHECK_ERRNO(uapi_ioctl(fd, DRM_IOCTL_GAON_VM_CREATE, &args), ERANGE, "print ring out of range");
	args = (struct drm_gaon_vm_create) { .print_va = 0x1000 };
	CHECK_ERRNO(uapi_ioctl(fd, DRM_IOCTL_GAON_VM_CREATE, &args), ERANGE, "print ring below all");
	args = (struct drm_gaon_vm_create) { .pad = 1 };
	CHECK_ERRNO(uapi_ioctl(fd, DRM_IOCTL_GAON_VM_CREATE, &args), EINVAL, "padding");
	args = (struct drm_gaon_vm_create) { .vm_id = 1 };
	CHECK_ERRNO(uapi_ioctl(fd, DRM_IOCTL_GAON_VM_CREATE, &args), EINVAL, "vm_id: an output");
	args = (struct drm_gaon_vm_create) { .context = 1 };
	CHECK_ERRNO(uapi_ioctl(fd, DRM_IOCTL_GAON_VM_CREATE, &args), EINVAL, "context: an output");
	CHECK_ERRNO(uapi_ioctl(fd, DRM_IOCTL_GAON_VM_DESTROY, &destroy), EINVAL, "destroy: padding");
	CHECK_ERRNO(uapi_vm_destroy(fd, 0), ENOENT, "destroy no handle");
	CHECK_ERRNO(uapi_vm_destroy(fd, 99), ENOENT, "destroy an unknown one");
	CHECK_ERRNO(uapi_vm_destroy(fd, first), 0, "destroy");
	CHECK_ERRNO(uapi_vm_destroy(fd, first), ENOENT, "destroy again");
}

static void test_state(int fd)
{
	const struct drm_gaon_vm_state good = { .vm_id = uapi_vm(fd, 0) };
	struct drm_gaon_vm_state args;

#define STATE(...)	(args = good, __VA_ARGS__, uapi_ioctl(fd, DRM_IOCTL_GAON_VM_STATE, &args))
	CHECK_ERRNO(STATE((void)0), 0, "state");
	CHECK_ERRNO(STATE(args.vm_id = 99), ENOENT, "of an unknown VM");
	CHECK_ERRNO(STATE(args.state = 1), EINVAL, "state: an output");
	CHECK_ERRNO(STATE(args.mapped = 1ull << 63), EINVAL, "mapped: an output");
	CHECK_ERRNO(STATE(args.tables = 1ull << 32), EINVAL, "tables: an output");
	CHECK_ERRNO(STATE(args.large_pages = 1), EINVAL, "large_pages: an output");
	CHECK_ERRNO(STATE(args.giant_pages = 1), EINVAL, "giant_pages: an output");
#undef STATE
	uapi_vm_destroy(fd, good.vm_id);
}

static void test_limit(int fd)
{
	struct drm_gaon_query_device device;
	struct drm_gaon_vm_create args;
	uint32_t count = 0;
	int err, other = uapi_open();

	REQUIRE(!uapi_query(fd, DRM_GAON_QUERY_DEVICE, &device, sizeof(device)), "limits");
	do {
		args = (struct drm_gaon_vm_create) { .flags = count & 1 ? DRM_GAON_VM_LR : 0 };
		err = uapi_ioctl(other, DRM_IOCTL_GAON_VM_CREATE, &args);
		count += !err;
	} while (!err && count <= device.file_vms);
	CHECK(err == EMFILE && count == device.file_vms, "%u VMs, then error %d", count, err);
	close(other);
}

static void test_leaves(int fd, uint32_t flags)
{
	uint32_t vm = uapi_vm(fd, 0), small = uapi_bo(fd, 8 * MIB, flags, 0);
	uint64_t va = 4 * GIB;

	REQUIRE(vm && small, "VM and object, flags %#x", flags);
	CHECK_ERRNO(uapi_map(fd, vm, small, 0, va, 8 * MIB, 0), 0, "map 8 MiB");
	if (flags & DRM_GAON_BO_HBM)
		expect(fd, vm, 8 * MIB, 4, 0, "8 MiB of HBM");
	CHECK_ERRNO(uapi_map(fd, vm, small, 0, va + 64 * KIB, 64 * KIB, 0), 0, "over its middle");
	if (flags & DRM_GAON_BO_HBM)
		expect(fd, vm, 8 * MIB, 3, 0, "one leaf is split");
	CHECK_ERRNO(uapi_unmap(fd, vm, va + 3 * MIB, 2 * MIB), 0, "a hole over two leaves");
	if (flags & DRM_GAON_BO_HBM)
		expect(fd, vm, 6 * MIB, 1, 0, "with a hole");
	CHECK_ERRNO(uapi_unmap(fd, vm, va - MIB, 64 * MIB), 0, "all, and more");
	expect(fd, vm, 0, 0, 0, "empty");
	CHECK_ERRNO(uapi_unmap(fd, vm, va, 8 * MIB), 0, "nothing");
	CHECK_ERRNO(uapi_map(fd, vm, small, 0, va + 4 * KIB, 8 * MIB, 0), 0, "at an odd address");
	expect(fd, vm, 8 * MIB, 0, 0, "no large leaf");
	CHECK_ERRNO(uapi_map(fd, vm, small, 0, va + 4 * KIB, 8 * MIB, DRM_GAON_VM_BIND_READONLY), 0,
		    "the same, read only");
	CHECK_ERRNO(uapi_map(fd, vm, small, 4 * KIB, va + 8 * KIB, 4 * KIB, DRM_GAON_VM_BIND_EXEC), 0,
		    "a page of it, executable");
	expect(fd, vm, 8 * MIB, 0, 0, "still all");
	CHECK_ERRNO(uapi_bo_close(fd, small), 0, "the object's handle goes first");
	CHECK_ERRNO(uapi_vm_destroy(fd, vm), 0, "then the VM with its mappings");
}

static void test_giant(int fd)
{
	struct drm_gaon_query_memory memory[2];
	uint32_t vm, handle;

	uapi_query(fd, DRM_GAON_QUERY_MEMORY, memory, sizeof(memory));
	if (memory[1].total < 4 * GIB) {
		struct drm_gaon_bo_create args = { .size = 4 * GIB, .flags = DRM_GAON_BO_HBM };

		CHECK_ERRNO(uapi_ioctl(fd, DRM_IOCTL_GAON_BO_CREATE, &args), E2BIG,
			    "4 GiB in an HBM of %llu MiB", (unsigned long long)memory[1].total / MIB);
		return;
	}
	vm = uapi_vm(fd, DRM_GAON_VM_LR);
	handle = uapi_bo(fd, 4 * GIB, DRM_GAON_BO_HBM, vm);
	REQUIRE(vm && handle, "4 GiB of HBM");
	CHECK_ERRNO(uapi_map(fd, vm, handle, 0, 64 * GIB, 4 * GIB, 0), 0, "map 4 GiB");
	expect(fd, vm, 4 * GIB, 0, 4, "four giant leaves");
	CHECK(vm_state(fd, vm).tables <= 6 * 4 * KIB, "few tables");
	CHECK_ERRNO(uapi_unmap(fd, vm, 65 * GIB + 4 * KIB, 4 * KIB), 0, "a page out of the second");
	expect(fd, vm, 4 * GIB - 4 * KIB, 511, 3, "it is split twice");
	CHECK_ERRNO(uapi_map(fd, vm, handle, GIB, 65 * GIB, GIB, 0), 0, "whole again");
	expect(fd, vm, 4 * GIB, 0, 4, "one leaf replaces the tables");
	CHECK_ERRNO(uapi_vm_destroy(fd, vm), 0, "destroy");
	CHECK_ERRNO(uapi_bo_close(fd, handle), 0, "close");
}

static int bind_raw(int fd, struct drm_gaon_vm_bind *bind)
{
	return uapi_ioctl(fd, DRM_IOCTL_GAON_VM_BIND, bind);
}

static void test_refused(int fd)
{
	uint32_t vm = uapi_vm(fd, 0), other = uapi_vm(fd, 0);
	uint32_t handle = uapi_bo(fd, 64 * KIB, DRM_GAON_BO_HOST, 0);
	uint32_t own = uapi_bo(fd, 64 * KIB, DRM_GAON_BO_HOST, other);
	const struct drm_gaon_vm_bind_op good = { .handle = handle, .va = MIB, .size = 64 * KIB };
	struct drm_gaon_vm_bind_op ops[2], op;
	struct drm_gaon_vm_bind bind;
	struct { struct drm_gaon_vm_bind_op op; uint64_t tail; } longer = { good, 0 };

#define OP(...)		(op = good, __VA_ARGS__, uapi_bind(fd, vm, &op, 1))
	CHECK_ERRNO(OP(op.pad = 1), EINVAL, "padding");
	CHECK_ERRNO(OP(op.type = 4), EINVAL, "type");
	CHECK_ERRNO(OP(op.flags = 4), EINVAL, "flags");
	CHECK_ERRNO(OP(op.handle = 0), ENOENT, "no object");
	CHECK_ERRNO(OP(op.handle = 777), ENOENT, "an unknown object");
	CHECK_ERRNO(OP(op.handle = own), EPERM, "an object of another VM");
	CHECK_ERRNO(OP(op.size = 0), EINVAL, "no size");
	CHECK_ERRNO(OP(op.size = 100), EINVAL, "size not a page");
	CHECK_ERRNO(OP(op.va = MIB + 1), EINVAL, "address not a page");
	CHECK_ERRNO(OP(op.offset = 1), EINVAL, "offset not a page");
	CHECK_ERRNO(OP(op.size = 68 * KIB), EINVAL, "beyond the object");
	CHECK_ERRNO(OP(op.offset = 4 * KIB), EINVAL, "beyond the object from an offset");
	CHECK_ERRNO(OP(op.offset = -(4 * KIB)), EINVAL, "an offset that wraps");
	CHECK_ERRNO(OP(op.va = 0), EINVAL, "address 0");
	CHECK_ERRNO(OP(op.va = 60 * KIB), EINVAL, "below the user's half");
	CHECK_ERRNO(OP(op.va = (1ull << 47) - 4 * KIB), EINVAL, "over the end of the user's half");
	CHECK_ERRNO(OP(op.va = 1ull << 47), EINVAL, "behind the user's half");
	CHECK_ERRNO(OP(op.va = 0xffff800000000000ull), EINVAL, "in the driver's half");
	CHECK_ERRNO(OP(op.va = -(4 * KIB)), EINVAL, "an address that wraps");
	CHECK_ERRNO(OP(op.type = DRM_GAON_VM_BIND_UNMAP), EINVAL, "unmap with an object");
	CHECK_ERRNO(OP(op.type = DRM_GAON_VM_BIND_UNMAP, op.handle = 0, op.offset = 4096), EINVAL,
		    "unmap with an offset");
	CHECK_ERRNO(OP(op.type = DRM_GAON_VM_BIND_UNMAP, op.handle = 0, op.flags = 1), EINVAL,
		    "unmap with a flag");
	CHECK_ERRNO(OP(op.type = DRM_GAON_VM_BIND_MAP_NULL), EINVAL, "null with an object");
	CHECK_ERRNO(OP(op.va = (1ull << 47) - 64 * KIB), 0, "up to the end");
	CHECK_ERRNO(OP(op.va = 64 * KIB), 0, "at the beginning");

#define BIND(...)	(bind = (struct drm_gaon_vm_bind) { .vm_id = vm,		\
				.ops = { sizeof(good), 1, (uintptr_t)&good } },		\
			 __VA_ARGS__, bind_raw(fd, &bind))
	CHECK_ERRNO(BIND(bind.vm_id = 99), ENOENT, "an unknown VM");
	CHECK_ERRNO(BIND(bind.flags = 2), EINVAL, "flags");
	CHECK_ERRNO(BIND(bind.pad = 1), EINVAL, "padding");
	CHECK_ERRNO(BIND(bind.done = 1), EINVAL, "output");
	CHECK_ERRNO(BIND(bind.syncs.count = 1), EINVAL, "syncs without ASYNC");
	CHECK_ERRNO(BIND(bind.ops.stride = sizeof(good) - 8), EINVAL, "stride too short");
	CHECK_ERRNO(BIND(bind.ops.stride = sizeof(good) + 1), EINVAL, "stride not aligned");
	CHECK_ERRNO(BIND(bind.ops.stride = 1 << 20), EINVAL, "stride too long");
	CHECK_ERRNO(BIND(bind.ops.count = DRM_GAON_VM_BIND_MAX_OPS + 1), EINVAL, "too many");
	CHECK_ERRNO(BIND(bind.ops.array = 8), EFAULT, "a bad address");
	CHECK_ERRNO(BIND(bind.ops.array += 4), EINVAL, "an address not aligned");
	CHECK_ERRNO(BIND(bind.ops = (struct drm_gaon_obj_array) { 0 }), 0, "no operation");
	CHECK_ERRNO(BIND(bind.ops.stride = sizeof(longer), bind.ops.array = (uintptr_t)&longer), 0,
		    "a newer caller's tail of 0");
	longer.tail = 1;
	CHECK_ERRNO(BIND(bind.ops.stride = sizeof(longer), bind.ops.array = (uintptr_t)&longer), E2BIG,
		    "a newer caller's tail");

	/* All are checked before the first is done. */
	uapi_unmap(fd, vm, 64 * KIB, (1ull << 47) - 64 * KIB);
	ops[0] = ops[1] = good;
	ops[1].size = 1;
	CHECK_ERRNO(uapi_bind(fd, vm, ops, 2), EINVAL, "the second is bad");
	expect(fd, vm, 0, 0, 0, "the first was not done");
	uapi_vm_destroy(fd, vm);
	uapi_vm_destroy(fd, other);
	uapi_bo_close(fd, handle);
	uapi_bo_close(fd, own);
}

/* Many changes at random, held against a list of what each page should be. */
static void test_random(int fd, uint32_t flags)
{
	enum { PAGES = 2048 };
	uint32_t vm = uapi_vm(fd, 0), handle = uapi_bo(fd, PAGES * 4 * KIB, flags, vm), i, k, errors = 0;
	static bool mapped[PAGES];
	uint64_t va = 8 * GIB, total = 0;

	REQUIRE(vm && handle, "VM and object");
	memset(mapped, 0, sizeof(mapped));
	for (i = 0; i < 400; i++) {
		uint32_t first = (uint32_t)(uapi_random() % PAGES);
		uint32_t count = 1 + (uint32_t)(uapi_random() % (uapi_random() & 1 ? 8 : PAGES));
		struct drm_gaon_vm_bind_op op = { .type = (uint32_t)(uapi_random() % 3) };

		if (count > PAGES - first)
			count = PAGES - first;
		op.va = va + first * 4 * KIB;
		op.size = count * 4 * KIB;
		if (op.type == DRM_GAON_VM_BIND_MAP) {
			op.handle = handle;
			/* Often as it would be in one piece, so that there are large leaves. */
			op.offset = (uapi_random() & 3 ? first : PAGES - count) * 4 * KIB;
			op.flags = (uint32_t)(uapi_random() & 3);
		}
		errors += uapi_bind(fd, vm, &op, 1) != 0;
		for (k = first; k < first + count; k++)
			mapped[k] = op.type != DRM_GAON_VM_BIND_UNMAP;
	}
	for (k = 0; k < PAGES; k++)
		total += mapped[k] ? 4 * KIB : 0;
	CHECK(!errors, "%u of 400 changes failed", errors);
	CHECK(vm_state(fd, vm).mapped == total, "%llu KiB are mapped, expected %llu",
	      (unsigned long long)vm_state(fd, vm).mapped / KIB, (unsigned long long)total / KIB);
	CHECK_ERRNO(uapi_unmap(fd, vm, va, PAGES * 4 * KIB), 0, "all of it");
	CHECK(vm_state(fd, vm).tables == 4 * KIB, "one table is left: %llu bytes",
	      (unsigned long long)vm_state(fd, vm).tables);
	uapi_vm_destroy(fd, vm);
	uapi_bo_close(fd, handle);
}

int main(void)
{
	int fd = uapi_open();

	test_create(fd);
	test_state(fd);
	test_limit(fd);
	test_leaves(fd, DRM_GAON_BO_HBM);
	test_leaves(fd, DRM_GAON_BO_HOST);
	test_giant(fd);
	test_refused(fd);
	test_random(fd, DRM_GAON_BO_HBM);
	test_random(fd, DRM_GAON_BO_HOST);
	uapi_exit();
}
