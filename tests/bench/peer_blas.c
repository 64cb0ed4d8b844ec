// SPDX-License-Identifier: MIT
/* OpenBLAS and oneDNN as peers of the matrix products. Threads come from the environment. */
#include <cblas.h>
#include <oneapi/dnnl/dnnl.h>
#include <stdlib.h>

#include "bench.h"

#define DIM	2048
#define FLOP	(2.0 * DIM * DIM * DIM)

/* GFLOP/s of sgemm: the best of three after a warm-up, as a peer deserves. */
static double blas_sgemm(void)
{
	size_t count = (size_t)DIM * DIM;
	float *a = bench_random(count, 1), *b = bench_random(count, 2), *c = calloc(count, sizeof(*c));
	double best = -1;

	for (int i = 0; a && b && c && i < 4; i++) {
		double start = bench_now(), seconds;

		cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, DIM, DIM, DIM, 1, a, DIM, b, DIM,
			    0, c, DIM);
		seconds = bench_now() - start;
		if (i && (best < 0 || seconds < best))
			best = seconds;
	}
	free(a);
	free(b);
	free(c);
	return best > 0 ? FLOP / best * 1e-9 : -1;
}

struct dnnl_product {
	dnnl_engine_t engine;
	dnnl_stream_t stream;
	dnnl_memory_desc_t mds[3];
	dnnl_memory_t memory[3];
	dnnl_primitive_desc_t pd;
	dnnl_primitive_t matmul;
};

static bool dnnl_product_create(struct dnnl_product *p)
{
	static const dnnl_data_type_t types[3] = { dnnl_bf16, dnnl_bf16, dnnl_f32 };
	dnnl_dims_t dims = { DIM, DIM };
	dnnl_matmul_desc_t desc;

	if (dnnl_engine_create(&p->engine, dnnl_cpu, 0) ||
	    dnnl_stream_create(&p->stream, p->engine, dnnl_stream_default_flags))
		return false;
	for (int i = 0; i < 3; i++) {
		if (dnnl_memory_desc_init_by_tag(&p->mds[i], 2, dims, types[i], dnnl_ab) ||
		    dnnl_memory_create(&p->memory[i], &p->mds[i], p->engine, DNNL_MEMORY_ALLOCATE))
			return false;
	}
	return !dnnl_matmul_desc_init(&desc, &p->mds[0], &p->mds[1], NULL, &p->mds[2]) &&
	       !dnnl_primitive_desc_create(&p->pd, &desc, NULL, p->engine, NULL) &&
	       !dnnl_primitive_create(&p->matmul, p->pd);
}

static void dnnl_product_destroy(struct dnnl_product *p)
{
	dnnl_primitive_destroy(p->matmul);
	dnnl_primitive_desc_destroy(p->pd);
	for (int i = 0; i < 3; i++)
		dnnl_memory_destroy(p->memory[i]);
	dnnl_stream_destroy(p->stream);
	dnnl_engine_destroy(p->engine);
}

static double product_bf16(void)
{
	struct dnnl_product p = { 0 };
	dnnl_exec_arg_t args[3];
	double best = -1;

	if (dnnl_product_create(&p)) {
		args[0] = (dnnl_exec_arg_t){ DNNL_ARG_SRC, p.memory[0] };
		args[1] = (dnnl_exec_arg_t){ DNNL_ARG_WEIGHTS, p.memory[1] };
		args[2] = (dnnl_exec_arg_t){ DNNL_ARG_DST, p.memory[2] };
		for (int i = 0; i < 4; i++) {
			double start = bench_now(), seconds;

			if (dnnl_primitive_execute(p.matmul, p.stream, 3, args) ||
			    dnnl_stream_wait(p.stream)) {
				best = -1;
				break;
			}
			seconds = bench_now() - start;
			if (i && (best < 0 || seconds < best))
				best = seconds;
		}
	}
	dnnl_product_destroy(&p);
	return best > 0 ? FLOP / best * 1e-9 : -1;
}

const struct bench_probe bench_probes_blas[] = {
	{ "blas_sgemm", blas_sgemm },
	{ "dnnl_bf16", product_bf16 },
	{ NULL, NULL },
};
