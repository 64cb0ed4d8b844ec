// SPDX-License-Identifier: MIT
/* saxpy and softmax in plain C that the compiler vectorises, for the device and for the host. */
#include <gaon/device.h>

#include "bench_kernels.h"

GAON_KERNEL(bench_saxpy, struct bench_saxpy_args,
	    GAON_POINTERS(2, offsetof(struct bench_saxpy_args, y), offsetof(struct bench_saxpy_args, x)))
{
	struct gaon_range part = gaon_share(args->count, 1024);
	const float *restrict x = (const float *)args->x;
	float *restrict y = (float *)args->y;
	float a = args->a;

	for (uint64_t i = part.begin; i < part.end; i++)
		y[i] = a * x[i] + y[i];
}

static void softmax_row(float *restrict out, const float *restrict in, uint32_t count)
{
#pragma clang fp reassociate(on)
	float top = gaon_reduce_max_f32(in, count), sum = 0;

	for (uint32_t i = 0; i < count; i++) {
		float e = gaon_expf(in[i] - top);

		out[i] = e;
		sum += e;
	}
	for (uint32_t i = 0; i < count; i++)
		out[i] *= 1.0f / sum;
}

GAON_KERNEL(bench_softmax, struct bench_softmax_args,
	    GAON_POINTERS(2, offsetof(struct bench_softmax_args, out),
			  offsetof(struct bench_softmax_args, in)))
{
	struct gaon_range part = gaon_share(args->rows, 1);

	for (uint64_t row = part.begin; row < part.end; row++)
		softmax_row((float *)args->out + row * args->columns,
			    (const float *)args->in + row * args->columns, args->columns);
}
