// SPDX-License-Identifier: MIT
/* Attention in one launch: checks, and how it is cut into units of work. */
#include "attention.h"

#include <math.h>

#define CALL		"gaon_ops_flash_attn"
#define HEAD_MAX	576u
#define TILE_ROWS	128u
#define TILE_HEADS	32u
#define TILE_KEYS	512u
#define TILE_KEYS_LEAST	32u
#define SHARE_LEAST	(160u << 10)	/* of keys and values: less is not worth a workgroup */
#define JOINED_ROWS	16u
#define GUARD		4096u
#define LINE		64u

struct operands {
	const struct gaon_tensor *dst, *q, *k, *v, *mask, *sinks;
};

static unsigned int list(const struct operands *o, struct ops_tensor out[6])
{
	unsigned int count = 0;

	out[count++] = (struct ops_tensor){ "dst", o->dst, true };
	out[count++] = (struct ops_tensor){ "q", o->q, false };
	out[count++] = (struct ops_tensor){ "k", o->k, false };
	out[count++] = (struct ops_tensor){ "v", o->v, false };
	if (o->mask)
		out[count++] = (struct ops_tensor){ "mask", o->mask, false };
	if (o->sinks)
		out[count++] = (struct ops_tensor){ "sinks", o->sinks, false };
	return count;
}

static bool keeps(uint8_t type)
{
	return type == GAON_TYPE_F32 || type == GAON_TYPE_F16 || type == GAON_TYPE_BF16;
}

static bool shapes_fit(const struct operands *o)
{
	const struct gaon_tensor *dst = o->dst, *q = o->q, *k = o->k, *v = o->v;

	return q->ne[0] == k->ne[0] && dst->ne[0] == v->ne[0] && k->ne[1] == v->ne[1] &&
	       dst->ne[1] == q->ne[2] && dst->ne[2] == q->ne[1] && dst->ne[3] == q->ne[3] &&
	       k->ne[2] == v->ne[2] && k->ne[2] && q->ne[2] % k->ne[2] == 0 && k->ne[3] && v->ne[3] &&
	       q->ne[3] % k->ne[3] == 0 && q->ne[3] % v->ne[3] == 0;
}

static enum gaon_status check_parameters(const struct gaon_attention *at, const struct gaon_tensor *mask)
{
	if (!at || at->size != sizeof(*at))
		return ops_fail(GAON_ERROR_STRUCT_SIZE, CALL ": size of the parameters is not %zu",
				sizeof(*at));
	if (isnan(at->scale) || !(at->max_bias >= 0) || !(at->logit_softcap >= 0) ||
	    (at->max_bias > 0 && !mask))
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT,
				CALL ": scale %g, max_bias %g, logit_softcap %g%s", (double)at->scale,
				(double)at->max_bias, (double)at->logit_softcap,
				mask ? "" : ", no mask");
	return GAON_OK;
}

static enum gaon_status check(const struct operands *o, const struct gaon_attention *at)
{
	struct ops_tensor all[6];
	unsigned int count = list(o, all);
	enum gaon_status status = ops_tensor_valid(CALL, all, count);

	if (!status)
		status = check_parameters(at, o->mask);
	if (status)
		return status;
	if (o->dst->type != GAON_TYPE_F32 || o->q->type != GAON_TYPE_F32 || !keeps(o->k->type) ||
	    !keeps(o->v->type) || (o->mask && o->mask->type != GAON_TYPE_F16))
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT, CALL ": queries %s, keys %s, values %s, mask %s",
				gaon_tensor_type_name(o->q->type), gaon_tensor_type_name(o->k->type),
				gaon_tensor_type_name(o->v->type),
				o->mask ? gaon_tensor_type_name(o->mask->type) : "none");
	if (!shapes_fit(o) || o->q->ne[0] > HEAD_MAX || o->v->ne[0] > HEAD_MAX)
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT, CALL ": %s, %s, %s do not make %s",
				ops_tensor_text(o->q), ops_tensor_text(o->k), ops_tensor_text(o->v),
				ops_tensor_text(o->dst));
	for (unsigned int i = 0; i < count; i++)
		for (int n = 0; n < GAON_TENSOR_DIMS; n++)
			if (all[i].t->ne[n] > INT32_MAX || !ops_tensor_dense_rows(all[i].t))
				return ops_fail(GAON_ERROR_INVALID_ARGUMENT,
						CALL ": %s: %s is too large or its rows have gaps",
						all[i].name, ops_tensor_text(all[i].t));
	if (!ops_tensor_empty(o->dst) && (!o->q->ne[0] || !o->k->ne[1]))
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT, CALL ": no keys");
	if (o->mask && !ops_tensor_empty(o->dst))
		status = ops_mask_check(CALL, o->mask, o->k->ne[1], o->q->ne[1], o->q->ne[2],
					o->q->ne[3]);
	if (!status && o->sinks)
		status = ops_sinks_check(CALL, o->sinks, o->q->ne[2]);
	return status;
}

bool gaon_ops_flash_attn_supports(const struct gaon_tensor *dst, const struct gaon_tensor *q,
				  const struct gaon_tensor *k, const struct gaon_tensor *v,
				  const struct gaon_tensor *mask, const struct gaon_tensor *sinks,
				  const struct gaon_attention *attention)
{
	return !check(&(struct operands){ dst, q, k, v, mask, sinks }, attention);
}

static uint64_t units(const struct ops_attention_args *a)
{
	uint64_t parts = (a->group - 1) / a->tile_heads + 1;
	uint64_t tiles = (a->tokens - 1) / a->tile_tokens + 1;

	return ((a->heads / a->group - 1) / a->tile_groups + 1) * parts * tiles * a->sequences;
}

/* As kernels/attention.c lays it out, each part rounded up to a line. */
static uint64_t spm_needed(const struct ops_attention_args *a)
{
	uint64_t rows = (uint64_t)a->tile_tokens * a->tile_heads * a->tile_groups;
	uint64_t k = gaon_tensor_type_bytes(a->type_k, NULL);
	uint64_t v = gaon_tensor_type_bytes(a->type_v, NULL);

	return rows * (a->dk * (4 + k) + a->tile_keys * (4 + v) + a->dv * 4 + 8) + a->tile_keys * 8ull +
	       2ull * a->tile_keys * (a->dk * k + a->dv * v) * a->tile_groups + 14 * LINE;
}

/*
 * One token: groups that a workgroup would take one after the other go together, if there is room. Tiles
 * are as they would be without, and so are the results.
 */
static void join_groups(const struct gaon_ops *ops, uint32_t collected, struct ops_attention_args *a,
			uint64_t budget)
{
	uint64_t cores = collected ? collected : ops->cores;
	uint64_t groups = a->heads / a->group, most = (groups * a->sequences + cores - 1) / cores;

	if (a->tokens > 1 || a->tile_heads < a->group)
		return;
	most = most < groups ? most : groups;
	a->tile_groups = (uint16_t)(most < JOINED_ROWS ? most : JOINED_ROWS);
	while (a->tile_groups > 1 && (a->tile_groups * a->group > JOINED_ROWS || spm_needed(a) > budget))
		a->tile_groups--;
}

/* @collected: workgroups of the sequence that it becomes a step of, 0: a launch of its own. */
static enum gaon_status cut(const struct gaon_ops *ops, uint32_t collected, struct ops_attention_args *a)
{
	uint64_t taken = OPS_ATTENTION_STACK + GUARD;
	uint64_t budget = ops->spm_bytes > taken ? ops->spm_bytes - taken : 0;

	a->tile_groups = 1;
	a->tile_heads = a->group < TILE_HEADS ? a->group : TILE_HEADS;
	a->tile_tokens = TILE_ROWS / a->tile_heads;
	if (a->tile_tokens > a->tokens)
		a->tile_tokens = a->tokens;
	while (units(a) < ops->cores && a->tile_tokens > 8)
		a->tile_tokens /= 2;
	a->tile_keys = a->keys < TILE_KEYS ? (a->keys + TILE_KEYS_LEAST - 1) / TILE_KEYS_LEAST *
					     TILE_KEYS_LEAST : TILE_KEYS;
	while (spm_needed(a) > budget) {
		if (a->tile_keys > 4 * TILE_KEYS_LEAST || (a->tile_keys > TILE_KEYS_LEAST &&
							    a->tile_tokens == 1))
			a->tile_keys = a->tile_keys / 2 / TILE_KEYS_LEAST * TILE_KEYS_LEAST;
		else if (a->tile_tokens > 1)
			a->tile_tokens /= 2;
		else if (a->tile_heads > 1)
			a->tile_heads /= 2;
		else
			return ops_fail(GAON_ERROR_LIMIT, CALL ": a scratchpad of %llu bytes is too small",
					(unsigned long long)ops->spm_bytes);
	}
	if (units(a) > INT32_MAX)
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT, CALL ": too large");
	join_groups(ops, collected, a, budget);
	return ops_launch_room(ops, CALL, OPS_KERNEL_ATTENTION, (uint32_t)spm_needed(a));
}

static uint64_t workgroups(uint32_t collected, const struct ops_attention_args *a)
{
	uint64_t row = a->dk * (uint64_t)gaon_tensor_type_bytes(a->type_k, NULL) +
		       a->dv * (uint64_t)gaon_tensor_type_bytes(a->type_v, NULL);
	uint64_t bytes = units(a) * a->tile_groups * a->keys * row;
	uint64_t worth = (bytes + SHARE_LEAST - 1) / SHARE_LEAST;

	if (collected)
		return units(a);
	return worth < units(a) ? worth : units(a);
}

static struct ops_attention_args describe(const struct operands *o, const struct gaon_attention *at)
{
	struct ops_attention_args a = {
		.y = o->dst->va, .q = o->q->va, .k = o->k->va, .v = o->v->va,
		.mask = o->mask ? o->mask->va : 0, .sinks = o->sinks ? o->sinks->va : 0,
		.tokens = (uint32_t)o->q->ne[1], .heads = (uint32_t)o->q->ne[2],
		.sequences = (uint32_t)o->q->ne[3], .keys = (uint32_t)o->k->ne[1],
		.group = (uint32_t)(o->q->ne[2] / o->k->ne[2]),
		.k_sequences = (uint32_t)(o->q->ne[3] / o->k->ne[3]),
		.v_sequences = (uint32_t)(o->q->ne[3] / o->v->ne[3]),
		.mask_heads = o->mask ? (uint32_t)o->mask->ne[2] : 1,
		.mask_sequences = o->mask ? (uint32_t)o->mask->ne[3] : 1,
		.dk = (uint32_t)o->q->ne[0], .dv = (uint32_t)o->v->ne[0], .scale = at->scale,
		.cap = at->logit_softcap, .bias = at->max_bias,
		.bias_heads = ops_bias_heads(o->q->ne[2]),
		.type_k = o->k->type, .type_v = o->v->type,
	};

	for (int i = 0; i < 3; i++) {
		a.y_nb[i] = o->dst->nb[i + 1];
		a.q_nb[i] = o->q->nb[i + 1];
		a.k_nb[i] = o->k->nb[i + 1];
		a.v_nb[i] = o->v->nb[i + 1];
		a.mask_nb[i] = o->mask ? o->mask->nb[i + 1] : 0;
	}
	return a;
}

bool gaon_ops_flash_attn_fits(const struct gaon_ops *ops, const struct gaon_tensor *dst,
			      const struct gaon_tensor *q, const struct gaon_tensor *k,
			      const struct gaon_tensor *v, const struct gaon_tensor *mask,
			      const struct gaon_tensor *sinks, const struct gaon_attention *attention)
{
	const struct operands o = { dst, q, k, v, mask, sinks };
	struct ops_attention_args a;

	if (check(&o, attention))
		return false;
	if (ops_tensor_empty(dst))
		return true;
	a = describe(&o, attention);
	return !cut(ops, 0, &a);
}

enum gaon_status gaon_ops_flash_attn(struct gaon_ops *ops, struct gaon_stream *stream,
				     const struct gaon_tensor *dst, const struct gaon_tensor *q,
				     const struct gaon_tensor *k, const struct gaon_tensor *v,
				     const struct gaon_tensor *mask, const struct gaon_tensor *sinks,
				     const struct gaon_attention *attention)
{
	const struct operands o = { dst, q, k, v, mask, sinks };
	uint32_t collected = ops_sequence_groups(ops, stream);
	enum gaon_status status = check(&o, attention);
	struct ops_attention_args a;
	struct ops_tensor all[6];

	if (!status)
		status = ops_tensor_check(ops, CALL, all, list(&o, all));
	if (status || ops_tensor_empty(dst))
		return status;
	a = describe(&o, attention);
	status = cut(ops, collected, &a);
	return status ? status : ops_launch(ops, stream, OPS_KERNEL_ATTENTION, &a, sizeof(a),
					    workgroups(collected, &a), (uint32_t)spm_needed(&a));
}
