// SPDX-License-Identifier: MIT
/*
 * Products with weights: what fits what, and which of two kernels takes it.  Few rows of activations
 * go to one that brings them into form itself; more are brought into form by a launch of their own
 * and go to the general product.
 */
#include "mul_mat.h"
#include "tiling.h"

#define CALL		"gaon_ops_mul_mat"
#define FEW_ROWS	16u
#define STEP_BYTES	(320u << 10)	/* of weights; see Documentation/performance.rst */
#define SHARE_LEAST	(280u << 10)	/* below, what a workgroup costs is more than what it gains */
#define STACK_AND_GUARD	(65536u + 4096u)
#define SPM_FIXED	(128u << 10)	/* for struct quantize_work and alignment */
#define SCRATCH_ALIGN	64u

uint8_t gaon_ops_mul_mat_class(uint8_t type)
{
	switch (type) {
	case GAON_TYPE_F32:
	case GAON_TYPE_F16:
	case GAON_TYPE_BF16:
		return type;
	case GAON_TYPE_Q4_0:
	case GAON_TYPE_Q4_1:
	case GAON_TYPE_Q8_0:
		return GAON_TYPE_Q8A;
	case GAON_TENSOR_Q4_K:
	case GAON_TENSOR_Q5_K:
	case GAON_TENSOR_Q6_K:
		return GAON_TYPE_F16;
	default:
		return GAON_TYPE_NONE;
	}
}

static bool is_super(uint8_t type)
{
	return type == GAON_TENSOR_Q4_K || type == GAON_TENSOR_Q5_K || type == GAON_TENSOR_Q6_K;
}

uint64_t ops_dense_row(uint8_t type, uint64_t k)
{
	uint32_t elements, bytes = ops_type_unit(type, &elements);

	if (is_super(type))
		bytes = gaon_tensor_type_bytes(type, &elements);
	return k / elements * bytes;
}

/* Types and shapes; nothing of addresses. */
static enum gaon_status check(const struct gaon_tensor *dst, const struct gaon_tensor *src0,
			      const struct gaon_tensor *src1)
{
	const struct ops_tensor operands[] = {
		{ "dst", dst, true }, { "src0", src0, false }, { "src1", src1, false },
	};
	enum gaon_status status = ops_tensor_valid(CALL, operands, 3);
	uint8_t class;

	if (status)
		return status;
	class = gaon_ops_mul_mat_class(src0->type);
	if (!class || dst->type != GAON_TYPE_F32 ||
	    (src1->type != GAON_TYPE_F32 && src1->type != class))
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT, CALL ": no product of %s and %s to %s",
				gaon_tensor_type_name(src0->type), gaon_tensor_type_name(src1->type),
				gaon_tensor_type_name(dst->type));
	if (src0->ne[0] != src1->ne[0] || dst->ne[0] != src0->ne[1] || dst->ne[1] != src1->ne[1] ||
	    dst->ne[2] != src1->ne[2] || dst->ne[3] != src1->ne[3] || !src0->ne[2] || !src0->ne[3] ||
	    src1->ne[2] % src0->ne[2] || src1->ne[3] % src0->ne[3])
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT, CALL ": %s and %s do not make %s",
				ops_tensor_text(src0), ops_tensor_text(src1), ops_tensor_text(dst));
	if (!ops_tensor_dense_rows(dst) || !ops_tensor_dense_rows(src0) ||
	    !ops_tensor_dense_rows(src1))
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT, CALL ": elements of a row must be adjacent");
	for (int i = 0; i < GAON_TENSOR_DIMS; i++)
		if (dst->ne[i] > INT32_MAX || src1->ne[i] > INT32_MAX)
			return ops_fail(GAON_ERROR_INVALID_ARGUMENT, CALL ": %s is too large",
					ops_tensor_text(dst));
	if (src1->ne[2] * src1->ne[3] > INT32_MAX)
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT, CALL ": %s is too large",
				ops_tensor_text(dst));
	return GAON_OK;
}

bool gaon_ops_mul_mat_supports(const struct gaon_tensor *dst, const struct gaon_tensor *src0,
			       const struct gaon_tensor *src1)
{
	return !check(dst, src0, src1);
}

/* Activations in their form; weights that are unpacked follow on the next line. */
static uint64_t activation_bytes(const struct gaon_tensor *src0, const struct gaon_tensor *src1)
{
	uint8_t class = gaon_ops_mul_mat_class(src0->type);
	uint64_t bytes = ops_dense_row(class, src1->ne[0]) * ops_tensor_rows(src1);

	return src1->type == class ? 0 : (bytes + SCRATCH_ALIGN - 1) / SCRATCH_ALIGN * SCRATCH_ALIGN;
}

uint64_t gaon_ops_mul_mat_scratch(const struct gaon_tensor *dst, const struct gaon_tensor *src0,
				  const struct gaon_tensor *src1)
{
	if (check(dst, src0, src1) || ops_tensor_empty(dst))
		return 0;
	return activation_bytes(src0, src1) +
	       (is_super(src0->type) ? ops_tensor_elements(src0) * 2 : 0);
}

/* One row for each of several products with the same weights is several rows. */
static void join_heads(struct ops_mul_mat_args *a)
{
	if (a->m != 1 || a->ratio[0] == 1)
		return;
	a->m = a->ratio[0];
	a->batch[0] /= a->ratio[0];
	a->x_wrap = a->batch[0];
	a->x_nb[0] = a->x_nb[1];
	a->y_nb[0] = a->y_nb[1];
	a->x_nb[1] *= a->ratio[0];
	a->y_nb[1] *= a->ratio[0];
	a->ratio[0] = 1;
}

static struct ops_mul_mat_args describe(const struct gaon_tensor *dst, const struct gaon_tensor *src0,
					const struct gaon_tensor *src1)
{
	struct ops_mul_mat_args a = {
		.w = src0->va, .x = src1->va, .y = dst->va,
		.batch = { (uint32_t)src1->ne[2], (uint32_t)src1->ne[3] },
		.ratio = { (uint32_t)(src1->ne[2] / src0->ne[2]),
			   (uint32_t)(src1->ne[3] / src0->ne[3]) },
		.x_wrap = (uint32_t)src1->ne[2], .m = (uint32_t)src1->ne[1],
		.n = (uint32_t)src0->ne[1], .k = (uint32_t)src0->ne[0],
		.type_w = src0->type, .type_x = src1->type,
		.type_a = gaon_ops_mul_mat_class(src0->type),
	};

	for (int i = 0; i < 3; i++) {
		a.w_nb[i] = src0->nb[i + 1];
		a.x_nb[i] = src1->nb[i + 1];
		a.y_nb[i] = dst->nb[i + 1];
	}
	return a;
}

/* Strides of what has one row only may be anything; kernels look at them. */
static void mend_strides(struct ops_mul_mat_args *a)
{
	if (a->m == 1) {
		a->x_nb[0] = ops_dense_row(a->type_x, a->k);
		a->y_nb[0] = a->n * 4ull;
	}
	if (a->n == 1)
		a->w_nb[0] = ops_dense_row(a->type_w, a->k);
}

/* Workgroups: a power of two, so that a model's threads have equally many; a sequence has its own. */
static uint64_t few_groups(const struct gaon_ops *ops, const struct gaon_stream *stream,
			   const struct ops_mul_mat_args *a)
{
	uint64_t bytes = ops_dense_row(a->type_w, a->k) * a->n * a->batch[0] * a->batch[1], groups = 1;
	uint32_t collected = ops_sequence_groups(ops, stream);

	/* Unpacking takes as long as eight times the memory. */
	if (is_super(a->type_w))
		bytes *= 8;
	if (collected)
		return collected;
	while (groups * 2 <= ops->cores && groups * SHARE_LEAST < bytes)
		groups *= 2;
	return groups;
}

/* Scratchpad for the rows of super-blocks of a step unpacked. */
static uint64_t unpacked_bytes(const struct ops_mul_mat_args *a, uint64_t rows)
{
	return is_super(a->type_w) ? OPS_UNPACK_BYTES + rows * a->k * 2 : 0;
}

/* What @a needs of a core's scratchpad with @tile rows of weights at a step. */
static uint64_t few_bytes(const struct ops_mul_mat_args *a, uint64_t tile)
{
	uint64_t row = a->w_streams ? 0 : ops_dense_row(a->type_w, a->k);

	return SPM_FIXED + ops_dense_row(a->type_a, a->k) * a->m + 2 * tile * (row + 4ull * a->m) +
	       unpacked_bytes(a, tile);
}

bool ops_mul_mat_few(const struct gaon_ops *ops, const struct gaon_stream *stream,
		     struct ops_mul_mat_args *a)
{
	uint64_t budget = ops->spm_bytes > STACK_AND_GUARD ? ops->spm_bytes - STACK_AND_GUARD : 0;
	uint64_t row = ops_dense_row(a->type_w, a->k), all, groups, tile;

	/*
	 * Given the rows, the answer may not depend on the weights: see gaon_ops_mul_mat()'s @prepared.
	 * With experts there is no other kernel, and rows as long as there is any room for.
	 */
	if (a->m > FEW_ROWS ||
	    (!a->experts && (2ull * GAON_ROWS_GROUP + a->m) * (a->k + 64ull) * 4 + SPM_FIXED > budget))
		return false;
	all = (uint64_t)a->n * a->batch[0] * a->batch[1];
	groups = few_groups(ops, stream, a);
	tile = (all + groups - 1) / groups;
	if (tile > a->n)
		tile = a->n;
	if (tile * row > STEP_BYTES)
		tile = STEP_BYTES / row;
	/* In larger scratchpads than the default one there is room for rows that are longer by themselves. */
	if (!tile)
		tile = 1;
	tile = (tile + GAON_ROWS_GROUP - 1) / GAON_ROWS_GROUP * GAON_ROWS_GROUP;
	if (tile > GAON_GEMM_MAX)
		tile = GAON_GEMM_MAX;
	while (tile > GAON_ROWS_GROUP &&
	       2 * tile * (row + 4ull * a->m) + a->m * a->k * 4ull + unpacked_bytes(a, tile) + SPM_FIXED >
	       budget)
		tile -= GAON_ROWS_GROUP;
	/* Blocks only; the matrix unit's strides have 32 bits. */
	a->w_streams = ops->gemm_memory && a->type_a == GAON_TYPE_Q8A && a->w_nb[0] <= UINT32_MAX;
	while (tile > 1 && few_bytes(a, tile) > budget)
		tile /= 2;
	a->tile_n = (uint32_t)tile;
	return few_bytes(a, tile) <= budget;
}

uint32_t ops_mul_mat_few_spm(const struct ops_mul_mat_args *a)
{
	return (uint32_t)few_bytes(a, a->tile_n);
}

enum gaon_status ops_mul_mat_launch_few(struct gaon_ops *ops, struct gaon_stream *stream,
					const struct ops_mul_mat_args *a)
{
	uint64_t products = (uint64_t)a->batch[0] * a->batch[1];
	uint64_t steps = ((uint64_t)(a->n - 1) / a->tile_n + 1) * products;
	uint64_t groups = few_groups(ops, stream, a);

	return ops_launch(ops, stream, OPS_KERNEL_MUL_MAT, a, sizeof(*a),
			  groups < steps ? groups : steps, ops_mul_mat_few_spm(a));
}

static enum gaon_status launch_activate(struct gaon_ops *ops, struct gaon_stream *stream,
					const struct ops_mul_mat_args *a, uint64_t scratch_va)
{
	struct ops_activate_args act = {
		.y = scratch_va, .x = a->x, .x_nb = { a->x_nb[0], a->x_nb[1], a->x_nb[2] },
		.rows = a->m, .batch = { a->batch[0], a->batch[1] }, .k = a->k, .type = a->type_a,
	};

	/* Steps before this one may be reading the scratch memory, whoever said that they do not meet. */
	ops_sequence_meet(stream);
	return ops_launch(ops, stream, OPS_KERNEL_ACTIVATE, &act, sizeof(act),
			  (uint64_t)a->m * a->batch[0] * a->batch[1], 0);
}

static enum gaon_status cut_many(const struct gaon_ops *ops, const struct ops_mul_mat_args *a,
				 struct gaon_ops_tiling *tiling)
{
	struct gaon_ops_gemm shape = {
		.size = sizeof(shape), .m = a->m, .n = a->n, .k = a->k, .type_a = a->type_a,
		.type_b = a->type_w, .type_c = GAON_TYPE_F32, .trans_b = true,
	};
	uint64_t products = (uint64_t)a->batch[0] * a->batch[1];
	enum gaon_status status = ops_gemm_tile(&shape, products, ops->cores, ops->spm_bytes, tiling);

	if (!status && products * (a->m / tiling->tile_m + 1) * (a->n / tiling->tile_n + 1) > 1u << 30)
		status = ops_fail(GAON_ERROR_INVALID_ARGUMENT, CALL ": too large");
	return status ? status : ops_launch_room(ops, CALL, OPS_KERNEL_GEMM, tiling->spm_bytes);
}

static enum gaon_status launch_many(struct gaon_ops *ops, struct gaon_stream *stream,
				    const struct ops_mul_mat_args *a)
{
	struct gaon_ops_tiling tiling;
	struct ops_gemm_args args;
	enum gaon_status status = cut_many(ops, a, &tiling);

	if (status)
		return status;
	args = (struct ops_gemm_args){
		.a = a->x, .b = a->w, .c = a->y,
		.lda = a->x_nb[0], .ldb = a->w_nb[0], .ldc = a->y_nb[0],
		.next_a = { a->x_nb[1], a->x_nb[2] }, .next_b = { a->w_nb[1], a->w_nb[2] },
		.next_c = { a->y_nb[1], a->y_nb[2] }, .batch = { a->batch[0], a->batch[1] },
		.ratio = { a->ratio[0], a->ratio[1] }, .m = a->m, .n = a->n, .k = a->k,
		.tile_m = tiling.tile_m, .tile_n = tiling.tile_n, .tile_k = tiling.tile_k,
		.flags = GAON_GEMM_TRANS_B, .c_buffers = tiling.c_buffers,
		.type_a = a->type_a, .type_b = a->type_w, .type_c = GAON_TYPE_F32,
	};
	return ops_launch(ops, stream, OPS_KERNEL_GEMM, &args, sizeof(args), tiling.workgroups,
			  tiling.spm_bytes);
}

/* A sum of nothing is zero; ggml has no such product, but its callers' shapes are not ours to trust. */
static enum gaon_status clear(struct gaon_stream *stream, const struct gaon_tensor *dst)
{
	enum gaon_status status = ops_sequence_pass(stream);

	for (uint64_t i = 0; i < ops_tensor_rows(dst) && !status; i++)
		status = gaon_mem_fill_async(stream, dst->va + i % dst->ne[1] * dst->nb[1] +
					     i / dst->ne[1] % dst->ne[2] * dst->nb[2] +
					     i / dst->ne[1] / dst->ne[2] * dst->nb[3], 0, 1,
					     dst->ne[0] * 4);
	return status;
}

/* From x as it is to dense rows in the scratch memory. */
static enum gaon_status activate(struct gaon_ops *ops, struct gaon_stream *stream,
				 struct ops_mul_mat_args *a, uint64_t scratch_va, bool prepared)
{
	uint64_t row = ops_dense_row(a->type_a, a->k);
	enum gaon_status status = GAON_OK;

	if (!prepared)
		status = launch_activate(ops, stream, a, scratch_va);
	a->x = scratch_va;
	a->x_nb[0] = row;
	a->x_nb[1] = row * a->m;
	a->x_nb[2] = row * a->m * a->batch[0];
	return status;
}

/* Super-blocks to dense rows of f16 at @to. */
static enum gaon_status unpack(struct gaon_ops *ops, struct gaon_stream *stream,
			       const struct gaon_tensor *src0, struct ops_mul_mat_args *a, uint64_t to)
{
	struct ops_unpack_args args = {
		.y = to, .w = src0->va, .w_nb = { src0->nb[1], src0->nb[2], src0->nb[3] },
		.rows = a->n, .batch = { (uint32_t)src0->ne[2], (uint32_t)src0->ne[3] },
		.k = a->k, .type = src0->type,
	};

	a->w = to;
	a->type_w = GAON_TYPE_F16;
	a->w_nb[0] = a->k * 2ull;
	a->w_nb[1] = a->w_nb[0] * a->n;
	a->w_nb[2] = a->w_nb[1] * src0->ne[2];
	ops_sequence_meet(stream);	/* as in launch_activate() */
	return ops_launch(ops, stream, OPS_KERNEL_UNPACK, &args, sizeof(args), ops_tensor_rows(src0), 0);
}

bool gaon_ops_mul_mat_fits(const struct gaon_ops *ops, const struct gaon_tensor *dst,
			   const struct gaon_tensor *src0, const struct gaon_tensor *src1)
{
	struct gaon_ops_tiling tiling;
	struct ops_mul_mat_args a;

	if (check(dst, src0, src1))
		return false;
	if (ops_tensor_empty(dst) || !src0->ne[0])
		return true;
	a = describe(dst, src0, src1);
	join_heads(&a);
	mend_strides(&a);
	if (ops_mul_mat_few(ops, NULL, &a))
		return !ops_launch_room(ops, CALL, OPS_KERNEL_MUL_MAT, ops_mul_mat_few_spm(&a));
	if (is_super(src0->type)) {
		if (ops_launch_room(ops, CALL, OPS_KERNEL_UNPACK, 0))
			return false;
		a.type_w = GAON_TYPE_F16;
	}
	return !cut_many(ops, &a, &tiling) &&
	       (a.type_x == a.type_a || !ops_launch_room(ops, CALL, OPS_KERNEL_ACTIVATE, 0));
}

static enum gaon_status check_scratch(struct gaon_ops *ops, uint64_t va, uint64_t bytes)
{
	struct ops_operand scratch = { "scratch", va, bytes, 1 };

	if (bytes && va % SCRATCH_ALIGN)
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT,
				CALL ": scratch address 0x%llx is not a multiple of %u",
				(unsigned long long)va, SCRATCH_ALIGN);
	return bytes ? ops_check(ops, &scratch, 1) : GAON_OK;
}

enum gaon_status gaon_ops_mul_mat(struct gaon_ops *ops, struct gaon_stream *stream,
				  const struct gaon_tensor *dst, const struct gaon_tensor *src0,
				  const struct gaon_tensor *src1, uint64_t scratch_va, bool prepared)
{
	const struct ops_tensor operands[] = {
		{ "dst", dst, true }, { "src0", src0, false }, { "src1", src1, false },
	};
	enum gaon_status status = check(dst, src0, src1);
	struct ops_mul_mat_args a;
	bool few;

	if (!status)
		status = ops_tensor_check(ops, CALL, operands, 3);
	if (status || ops_tensor_empty(dst))
		return status;
	if (!src0->ne[0])
		return clear(stream, dst);
	status = check_scratch(ops, scratch_va, gaon_ops_mul_mat_scratch(dst, src0, src1));
	if (status)
		return status;
	a = describe(dst, src0, src1);
	join_heads(&a);
	mend_strides(&a);
	few = ops_mul_mat_few(ops, stream, &a);
	/* A few rows' kernel unpacks a step's weights in the scratchpad. */
	if (is_super(src0->type) && !few)
		status = unpack(ops, stream, src0, &a, scratch_va + activation_bytes(src0, src1));
	/* How many were joined is up to the weights: those before may have been few, and prepared nothing. */
	prepared &= a.m == src1->ne[1];
	if (few)
		return ops_mul_mat_launch_few(ops, stream, &a);
	if (!status && a.type_x != a.type_a)
		status = activate(ops, stream, &a, scratch_va, prepared);
	return status ? status : launch_many(ops, stream, &a);
}
