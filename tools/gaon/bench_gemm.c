// SPDX-License-Identifier: MIT
/* gaon bench gemm: 1024^3 products by type, wall and modelled. */
#include <stdio.h>

#include <gaon/ops.h>

#include "cmd.h"
#include "bench_ctx.h"

#define DIM	1024
#define FLOP	(2.0 * DIM * DIM * DIM)

struct gemm_type {
	const char *name;
	uint8_t a, b, c;
};

static const struct gemm_type types[] = {
	{ "f32", GAON_TYPE_F32, GAON_TYPE_F32, GAON_TYPE_F32 },
	{ "f16", GAON_TYPE_F16, GAON_TYPE_F16, GAON_TYPE_F32 },
	{ "bf16", GAON_TYPE_BF16, GAON_TYPE_BF16, GAON_TYPE_F32 },
	{ "i8", GAON_TYPE_I8, GAON_TYPE_I8, GAON_TYPE_I32 },
	{ "q8a x q4_1", GAON_TYPE_Q8A, GAON_TYPE_Q4_1_R16, GAON_TYPE_F32 },
	{ "q8a x q8_0", GAON_TYPE_Q8A, GAON_TYPE_Q8_0_R16, GAON_TYPE_F32 },
};

static bool run_product(struct bench_ctx *b, struct gaon_ops *ops, const struct gaon_ops_gemm *gemm,
			double *wall, double *modelled)
{
	struct gaon_event *start, *end;
	int64_t device_ns;

	if (!cmd_ok(gaon_event_create(b->dev, GAON_EVENT_TIMED, &start), "event") ||
	    !cmd_ok(gaon_event_create(b->dev, GAON_EVENT_TIMED, &end), "event"))
		return false;
	*wall = 1e9;
	for (int i = 0; i < 3; i++) {
		double from = cmd_now(), seconds;

		if (!cmd_ok(gaon_event_record(b->stream, start), "recording") ||
		    !cmd_ok(gaon_ops_gemm(ops, b->stream, gemm), "gemm") ||
		    !cmd_ok(gaon_event_record(b->stream, end), "recording") ||
		    !cmd_ok(gaon_stream_wait(b->stream, GAON_FOREVER), "waiting"))
			return false;
		seconds = cmd_now() - from;
		if (seconds < *wall)
			*wall = seconds;
	}
	if (!cmd_ok(gaon_event_elapsed(start, end, &device_ns, NULL), "reading the device's time"))
		return false;
	*modelled = (double)device_ns * 1e-9;
	gaon_event_destroy(start);
	gaon_event_destroy(end);
	return true;
}

static bool one_type(struct bench_ctx *b, struct gaon_ops *ops, const struct gemm_type *t)
{
	uint64_t bytes[3] = {
		gaon_ops_matrix_bytes(t->a, DIM, DIM), gaon_ops_matrix_bytes(t->b, DIM, DIM),
		gaon_ops_matrix_bytes(t->c, DIM, DIM),
	};
	struct gaon_ops_gemm gemm = {
		.size = sizeof(gemm), .m = DIM, .n = DIM, .k = DIM, .type_a = t->a, .type_b = t->b,
		.type_c = t->c, .trans_b = t->a == GAON_TYPE_Q8A,
	};
	struct gaon_mem *mem[3] = { NULL };
	double wall, modelled;
	char name[48];
	bool ok;

	for (int i = 0; i < 3; i++) {
		if (!cmd_ok(gaon_mem_alloc(b->dev, bytes[i], GAON_MEM_DEVICE, &mem[i]), "allocating"))
			return false;
	}
	gemm.a = gaon_mem_va(mem[0]);
	gemm.b = gaon_mem_va(mem[1]);
	gemm.c = gaon_mem_va(mem[2]);
	ok = run_product(b, ops, &gemm, &wall, &modelled);
	for (int i = 0; i < 3; i++)
		gaon_mem_free(mem[i]);
	if (!ok)
		return false;
	snprintf(name, sizeof(name), "%s, 1024^3, wall", t->name);
	bench_figure(b, name, FLOP / wall * 1e-9, "Gop/s");
	if (modelled > 0) {
		snprintf(name, sizeof(name), "%s, 1024^3, modelled", t->name);
		bench_figure(b, name, FLOP / modelled * 1e-12, "Top/s");
	}
	return true;
}

int bench_gemm(struct bench_ctx *b)
{
	struct gaon_ops *ops;
	int code = CMD_OK;

	if (!cmd_ok(gaon_ops_create(b->dev, &ops), "loading the operators"))
		return CMD_FAILED;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]) && code == CMD_OK; i++) {
		if (!one_type(b, ops, &types[i]))
			code = CMD_FAILED;
	}
	gaon_ops_destroy(ops);
	return code;
}
