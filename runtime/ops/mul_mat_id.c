// SPDX-License-Identifier: MIT
/*
 * Products with experts: each token's activations with the weights of those that were chosen for it.
 * Every product is one row by the weights that its id names, which the kernel looks up.
 */
#include "mul_mat.h"

#define CALL	"gaon_ops_mul_mat_id"

static enum gaon_status check(const struct gaon_tensor *dst, const struct gaon_tensor *src0,
			      const struct gaon_tensor *src1, const struct gaon_tensor *ids)
{
	const struct ops_tensor operands[] = {
		{ "dst", dst, true }, { "src0", src0, false }, { "src1", src1, false },
		{ "ids", ids, false },
	};
	enum gaon_status status = ops_tensor_valid(CALL, operands, 4);
	uint8_t class;

	if (status)
		return status;
	class = gaon_ops_mul_mat_class(src0->type);
	if (!class || dst->type != GAON_TYPE_F32 ||
	    (src1->type != GAON_TYPE_F32 && src1->type != class) || ids->type != GAON_TYPE_I32)
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT, CALL ": no product of %s and %s to %s by %s",
				gaon_tensor_type_name(src0->type), gaon_tensor_type_name(src1->type),
				gaon_tensor_type_name(dst->type), gaon_tensor_type_name(ids->type));
	if (src0->ne[0] != src1->ne[0] || dst->ne[0] != src0->ne[1] || dst->ne[1] != ids->ne[0] ||
	    dst->ne[2] != ids->ne[1] || src1->ne[2] != dst->ne[2] || !src1->ne[1] ||
	    dst->ne[1] % src1->ne[1] || dst->ne[3] != 1 || src0->ne[3] != 1 || src1->ne[3] != 1 ||
	    ids->ne[2] != 1 || ids->ne[3] != 1 || (!src0->ne[0] && !ops_tensor_empty(dst)))
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT, CALL ": %s and %s by %s do not make %s",
				ops_tensor_text(src0), ops_tensor_text(src1), ops_tensor_text(ids),
				ops_tensor_text(dst));
	for (int i = 0; i < 4; i++) {
		const struct gaon_tensor *t = operands[i].t;

		if (!ops_tensor_dense_rows(t) || t->ne[0] > INT32_MAX || t->ne[1] > INT32_MAX ||
		    t->ne[1] * t->ne[2] > INT32_MAX)
			return ops_fail(GAON_ERROR_INVALID_ARGUMENT,
					CALL ": %s: %s is too large or its rows have gaps",
					operands[i].name, ops_tensor_text(t));
	}
	return GAON_OK;
}

bool gaon_ops_mul_mat_id_supports(const struct gaon_tensor *dst, const struct gaon_tensor *src0,
				  const struct gaon_tensor *src1, const struct gaon_tensor *ids)
{
	return !check(dst, src0, src1, ids);
}

static struct ops_mul_mat_args describe(const struct gaon_tensor *dst, const struct gaon_tensor *src0,
					const struct gaon_tensor *src1, const struct gaon_tensor *ids)
{
	struct ops_mul_mat_args a = {
		.w = src0->va, .x = src1->va, .y = dst->va, .ids = ids->va,
		.w_nb = { src0->nb[1], src0->nb[2], 0 },
		.x_nb = { ops_dense_row(src1->type, src1->ne[0]), src1->nb[1], src1->nb[2] },
		.y_nb = { dst->ne[0] * 4, dst->nb[1], dst->nb[2] },
		.ids_nb = { 4, ids->nb[1] }, .batch = { (uint32_t)dst->ne[1], (uint32_t)dst->ne[2] },
		.ratio = { 1, 1 }, .experts = (uint32_t)src0->ne[2], .x_wrap = (uint32_t)src1->ne[1],
		.m = 1, .n = (uint32_t)src0->ne[1], .k = (uint32_t)src0->ne[0],
		.type_w = src0->type, .type_x = src1->type,
		.type_a = gaon_ops_mul_mat_class(src0->type),
	};

	if (a.n == 1)
		a.w_nb[0] = ops_dense_row(a.type_w, a.k);
	return a;
}

/* Cut @a up for the scratchpad, if rows fit it. */
static enum gaon_status cut(const struct gaon_ops *ops, const struct gaon_stream *stream,
			    struct ops_mul_mat_args *a)
{
	if (!ops_mul_mat_few(ops, stream, a))
		return ops_fail(GAON_ERROR_LIMIT,
				CALL ": rows of %u do not fit a scratchpad of %llu bytes", a->k,
				(unsigned long long)ops->spm_bytes);
	return ops_launch_room(ops, CALL, OPS_KERNEL_MUL_MAT, ops_mul_mat_few_spm(a));
}

bool gaon_ops_mul_mat_id_fits(const struct gaon_ops *ops, const struct gaon_tensor *dst,
			      const struct gaon_tensor *src0, const struct gaon_tensor *src1,
			      const struct gaon_tensor *ids)
{
	struct ops_mul_mat_args a;

	if (check(dst, src0, src1, ids))
		return false;
	if (ops_tensor_empty(dst))
		return true;
	a = describe(dst, src0, src1, ids);
	return !cut(ops, NULL, &a);
}

enum gaon_status gaon_ops_mul_mat_id(struct gaon_ops *ops, struct gaon_stream *stream,
				     const struct gaon_tensor *dst, const struct gaon_tensor *src0,
				     const struct gaon_tensor *src1, const struct gaon_tensor *ids)
{
	const struct ops_tensor operands[] = {
		{ "dst", dst, true }, { "src0", src0, false }, { "src1", src1, false },
		{ "ids", ids, false },
	};
	enum gaon_status status = check(dst, src0, src1, ids);
	struct ops_mul_mat_args a;

	if (!status)
		status = ops_tensor_check(ops, CALL, operands, 4);
	if (status || ops_tensor_empty(dst))
		return status;
	a = describe(dst, src0, src1, ids);
	status = cut(ops, stream, &a);
	return status ? status : ops_mul_mat_launch_few(ops, stream, &a);
}
