/* SPDX-License-Identifier: MIT */
/*
 * The device side: what a kernel in C sees of a GA1 core.  Guide: Documentation/kernels/guide.rst.
 *
 * A kernel is a function that every workgroup of a launch runs once, on one core:
 *
 *	struct saxpy_args { float *y; const float *x; float a; uint64_t n; };
 *
 *	GAON_KERNEL(saxpy, struct saxpy_args, GAON_POINTERS(2, offsetof(struct saxpy_args, y),
 *						offsetof(struct saxpy_args, x)))
 *	{
 *		struct gaon_range r = gaon_share(args->n, 64);
 *
 *		for (uint64_t i = r.begin; i < r.end; i++)
 *			args->y[i] += args->a * args->x[i];
 *	}
 *
 * The same source compiles for the host (tests, benchmarks): identifiers then come from the
 * thread-local gaon_native, DMA is a copy and the matrix unit does not exist.
 */
#ifndef GAON_DEVICE_H
#define GAON_DEVICE_H

#include <stddef.h>
#include <stdint.h>

#include <hw/gaon_kernel.h>
#include <hw/gaon_xgaon.h>

#include <gaon/device/core.h>
#include <gaon/device/kernel.h>
#include <gaon/device/atomic.h>
#include <gaon/device/print.h>
#include <gaon/device/xgaon.h>
#include <gaon/device/math.h>
#include <gaon/device/reduce.h>

#endif
