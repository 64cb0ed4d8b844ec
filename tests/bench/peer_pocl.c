// SPDX-License-Identifier: MIT
/* PoCL as the peer of a launch: an empty kernel on its CPU device. */
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <stdlib.h>
#include <time.h>

#include "bench.h"

struct pocl {
	cl_context context;
	cl_command_queue queue;
	cl_program program;
	cl_kernel kernel;
};

static bool pocl_open(struct pocl *p)
{
	const char *source = "__kernel void nothing(void) {}";
	cl_platform_id platform;
	cl_device_id device;
	cl_int err;

	if (clGetPlatformIDs(1, &platform, NULL) ||
	    clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 1, &device, NULL))
		return false;
	p->context = clCreateContext(NULL, 1, &device, NULL, NULL, &err);
	if (err)
		return false;
	p->queue = clCreateCommandQueue(p->context, device, 0, &err);
	if (err)
		return false;
	p->program = clCreateProgramWithSource(p->context, 1, &source, NULL, &err);
	if (err || clBuildProgram(p->program, 1, &device, "", NULL, NULL))
		return false;
	p->kernel = clCreateKernel(p->program, "nothing", &err);
	return !err;
}

static bool pocl_enqueue(struct pocl *p)
{
	size_t one = 1;

	return !clEnqueueNDRangeKernel(p->queue, p->kernel, 1, NULL, &one, &one, 0, NULL, NULL);
}

static double pocl_roundtrip(struct pocl *p, bool idle)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	size_t count = idle ? 300 : 2000;
	double *t = calloc(count, sizeof(*t)), result = -1;

	for (size_t i = 0; t && i < count + 100; i++) {
		double start;

		if (idle)
			nanosleep(&pause, NULL);
		start = bench_now();
		if (!pocl_enqueue(p) || clFinish(p->queue))
			goto out;
		if (i >= 100)
			t[i - 100] = bench_now() - start;
	}
	if (t)
		result = bench_median(t, count);
out:
	free(t);
	return result;
}

/* CPU time of the calling thread per enqueue, while earlier launches still keep the queue busy. */
static double pocl_enqueue_cost(struct pocl *p)
{
	enum { BATCH = 200, ROUNDS = 30 };
	double t[ROUNDS];

	for (int r = 0; r < ROUNDS; r++) {
		double start;

		if (!pocl_enqueue(p))
			return -1;
		start = bench_thread_cpu();
		for (int i = 0; i < BATCH; i++) {
			if (!pocl_enqueue(p))
				return -1;
		}
		t[r] = (bench_thread_cpu() - start) / BATCH;
		if (clFinish(p->queue))
			return -1;
	}
	return bench_median(t, ROUNDS);
}

static double pocl_with(double (*measure)(struct pocl *))
{
	struct pocl p = { 0 };
	double seconds;

	if (!pocl_open(&p))
		return -1;
	seconds = measure(&p);
	clReleaseKernel(p.kernel);
	clReleaseProgram(p.program);
	clReleaseCommandQueue(p.queue);
	clReleaseContext(p.context);
	return seconds < 0 ? -1 : seconds * 1e6;
}

static double pocl_back_to_back(struct pocl *p)
{
	return pocl_roundtrip(p, false);
}

static double pocl_after_idle(struct pocl *p)
{
	return pocl_roundtrip(p, true);
}

static double probe_roundtrip(void)
{
	return pocl_with(pocl_back_to_back);
}

static double probe_after_idle(void)
{
	return pocl_with(pocl_after_idle);
}

static double probe_enqueue(void)
{
	return pocl_with(pocl_enqueue_cost);
}

const struct bench_probe bench_probes_pocl[] = {
	{ "pocl_roundtrip", probe_roundtrip },
	{ "pocl_after_idle", probe_after_idle },
	{ "pocl_enqueue", probe_enqueue },
	{ NULL, NULL },
};
