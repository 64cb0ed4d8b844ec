// SPDX-License-Identifier: MIT
/*
 * What one more costs when there are many. Each figure is the time of a whole round (create, use,
 * destroy) of one object, queue or address space beside N others; few and many in turn, as often the
 * one as the other, and the better of each, so that a machine that is slow for a while does not count
 * for either.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "queue_lib.h"
#include "vm_bench.h"

#define FEW		10u
#define ROUNDS		31
#define PASSES		2
#define WAIT_MS		60000
#define PAGE		4096ull
#define LIST		0x1000
#define MANY_VA		0x300000000ull
#define ONE_VA		0x400000000ull

/* The others, and how one comes, is used and goes. All return 0 or a positive errno. */
struct scale {
	struct lib lib;
	struct lib_queue queue;
	struct lib_queue *queues;
	uint32_t *handles;
	uint32_t syncobj;
	uint32_t count;
	int (*add)(struct scale *scale, uint32_t index);
	int (*remove)(struct scale *scale, uint32_t index);
	int (*round)(struct scale *scale);
};

static int submit_and_wait(struct scale *scale, struct lib_queue *queue)
{
	int err = lib_submit(queue, lib_va(LIST), 1, 0, 0, scale->syncobj, 0);

	return err ? err : lib_syncobj_wait(scale->lib.fd, scale->syncobj, 0, WAIT_MS);
}

/* --- objects --------------------------------------------------------------------------------- */

static int object_make(struct scale *scale, uint64_t va, uint32_t *handle)
{
	struct lib *lib = &scale->lib;

	*handle = uapi_bo(lib->fd, PAGE, DRM_GAON_BO_HBM | DRM_GAON_BO_HOST, lib->vm);
	return *handle ? uapi_map(lib->fd, lib->vm, *handle, 0, va, PAGE, 0) : 1;
}

static int object_end(struct scale *scale, uint64_t va, uint32_t handle)
{
	int err = uapi_unmap(scale->lib.fd, scale->lib.vm, va, PAGE);

	return err ? err : uapi_bo_close(scale->lib.fd, handle);
}

static int object_add(struct scale *scale, uint32_t index)
{
	return object_make(scale, MANY_VA + index * PAGE, &scale->handles[index]);
}

static int object_remove(struct scale *scale, uint32_t index)
{
	return object_end(scale, MANY_VA + index * PAGE, scale->handles[index]);
}

static int object_round(struct scale *scale)
{
	uint32_t handle;
	int err = object_make(scale, ONE_VA, &handle);

	if (!err)
		err = submit_and_wait(scale, &scale->queue);
	return err ? err : object_end(scale, ONE_VA, handle);
}

/* --- queues ---------------------------------------------------------------------------------- */

static int queue_add(struct scale *scale, uint32_t index)
{
	return lib_kernel_queue(&scale->lib, &scale->queues[index], 4, DRM_GAON_PRIORITY_NORMAL, 0);
}

static int queue_remove(struct scale *scale, uint32_t index)
{
	return lib_queue_destroy(&scale->queues[index]);
}

static int queue_round(struct scale *scale)
{
	struct lib_queue queue;
	int err = lib_kernel_queue(&scale->lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 0);

	if (!err)
		err = submit_and_wait(scale, &queue);
	return err ? err : lib_queue_destroy(&queue);
}

/* --- address spaces -------------------------------------------------------------------------- */

static int vm_make(struct scale *scale, uint32_t *vm)
{
	*vm = uapi_vm(scale->lib.fd, 0);
	return *vm ? uapi_map(scale->lib.fd, *vm, scale->lib.bo, 0, MANY_VA, PAGE, 0) : 1;
}

static int vm_add(struct scale *scale, uint32_t index)
{
	return vm_make(scale, &scale->handles[index]);
}

static int vm_remove(struct scale *scale, uint32_t index)
{
	return uapi_vm_destroy(scale->lib.fd, scale->handles[index]);
}

static int vm_round(struct scale *scale)
{
	uint32_t vm;
	int err = vm_make(scale, &vm);

	return err ? err : uapi_vm_destroy(scale->lib.fd, vm);
}

/* --- all ------------------------------------------------------------------------------------- */

static bool set_count(struct scale *scale, uint32_t count)
{
	int err = 0;

	while (!err && scale->count < count)
		err = scale->add(scale, scale->count++);
	while (!err && scale->count > count)
		err = scale->remove(scale, --scale->count);
	return bench_errno_ok(err, "making many");
}

/*
 * A round's seconds beside @count others: the lower quartile, since what else runs on the host only
 * ever adds, and to a round that waits for the device it adds more than the round itself takes.
 */
static double time_rounds(struct scale *scale, uint32_t count)
{
	double t[ROUNDS];

	if (!set_count(scale, count))
		return -1;
	for (int i = -3; i < ROUNDS; i++) {
		double start = bench_now();

		if (!bench_errno_ok(scale->round(scale), "one round"))
			return -1;
		if (i >= 0)
			t[i] = bench_now() - start;
	}
	bench_median(t, ROUNDS);	/* sorts */
	return t[ROUNDS / 4];
}

static double measure(struct scale *scale, uint32_t many)
{
	double few, more;

	uapi_quiet = true;
	lib_open(&scale->lib, 0);
	scale->syncobj = lib_syncobj(scale->lib.fd);
	*(struct gaon_packet *)(scale->lib.mem + LIST) = lib_nop(0, 0, 0);
	scale->handles = calloc(many, sizeof(*scale->handles));
	scale->queues = calloc(many, sizeof(*scale->queues));
	if (!scale->handles || !scale->queues ||
	    !bench_errno_ok(lib_kernel_queue(&scale->lib, &scale->queue, 4, DRM_GAON_PRIORITY_NORMAL, 0), "QUEUE_CREATE"))
		return -1;
	few = time_rounds(scale, FEW);
	more = few < 0 ? -1 : time_rounds(scale, many);
	for (int i = 1; i < PASSES && more >= 0; i++) {
		double few_again = time_rounds(scale, FEW);
		double more_again = few_again < 0 ? -1 : time_rounds(scale, many);

		few = few_again < few ? few_again : few;
		more = more_again < more ? more_again : more;
	}
	set_count(scale, 0);
	lib_close(&scale->lib);
	free(scale->handles);
	free(scale->queues);
	bench_peer_figure = few * 1e6;
	return few < 0 || more < 0 ? -1 : more * 1e6;
}

static double scale_objects(void)
{
	struct scale scale = { .add = object_add, .remove = object_remove, .round = object_round };

	return measure(&scale, 10000);
}

static double scale_queues(void)
{
	struct scale scale = { .add = queue_add, .remove = queue_remove, .round = queue_round };

	return measure(&scale, 1000);
}

static double scale_vms(void)
{
	struct scale scale = { .add = vm_add, .remove = vm_remove, .round = vm_round };

	return measure(&scale, 100);
}

const struct bench_probe bench_probes_vm_scale[] = {
	{ "scale_objects", scale_objects },
	{ "scale_queues", scale_queues },
	{ "scale_vms", scale_vms },
	{ NULL, NULL },
};
