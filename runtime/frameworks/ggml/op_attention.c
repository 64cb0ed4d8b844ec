// SPDX-License-Identifier: MIT
/* ROPE, SOFT_MAX, FLASH_ATTN_EXT */
#include "plugin.h"

#include <string.h>

/* ggml's numbers of the modes are libgaonops's. */
_Static_assert((int)GAON_ROPE_NEOX == GGML_ROPE_TYPE_NEOX &&
		       (int)GAON_ROPE_MROPE == GGML_ROPE_TYPE_MROPE &&
		       (int)GAON_ROPE_VISION == GGML_ROPE_TYPE_VISION &&
		       (int)GAON_ROPE_IMROPE == GGML_ROPE_TYPE_IMROPE,
	       "modes of rotary embedding");

struct rope_operands {
	struct gaon_tensor dst, src, positions, factors;
	struct gaon_rope rope;
	bool has_factors;
};

static bool rope_operands(const struct ggml_tensor *op, struct rope_operands *o)
{
	const int32_t *p = op->op_params;

	o->rope = (struct gaon_rope){
		.size = sizeof(o->rope),
		.n_dims = p[1],
		.mode = p[2],
		.n_ctx_orig = p[4],
	};
	/* freq_base to beta_slow lie one behind the other on both sides */
	memcpy(&o->rope.freq_base, &p[5], 6 * sizeof(float));
	memcpy(o->rope.sections, &p[11], sizeof(o->rope.sections));
	o->has_factors = op->src[2];
	return plugin_view(op, &o->dst) && plugin_view(op->src[0], &o->src) &&
	       plugin_view(op->src[1], &o->positions) &&
	       (!o->has_factors || plugin_view(op->src[2], &o->factors));
}

static bool rope_supports(const struct ggml_tensor *op)
{
	struct rope_operands o;

	return rope_operands(op, &o) &&
	       plugin_taken(gaon_ops_rope_supports(&o.dst, &o.src, &o.positions,
						   o.has_factors ? &o.factors : NULL, &o.rope));
}

static enum gaon_status rope_run(struct plugin_backend *backend, const struct ggml_tensor *op)
{
	struct rope_operands o;

	rope_operands(op, &o);
	return gaon_ops_rope(backend->device->ops, backend->stream, &o.dst, &o.src, &o.positions,
			     o.has_factors ? &o.factors : NULL, &o.rope);
}

const struct plugin_op plugin_op_rope = { .supports = rope_supports, .run = rope_run };

struct soft_max_operands {
	struct gaon_tensor dst, src, mask, sinks;
	bool has_mask, has_sinks;
	float scale, max_bias;
};

static bool soft_max_operands(const struct ggml_tensor *op, struct soft_max_operands *o)
{
	memcpy(&o->scale, &op->op_params[0], sizeof(float));
	memcpy(&o->max_bias, &op->op_params[1], sizeof(float));
	o->has_mask = op->src[1];
	o->has_sinks = op->src[2];
	return plugin_view(op, &o->dst) && plugin_view(op->src[0], &o->src) &&
	       (!o->has_mask || plugin_view(op->src[1], &o->mask)) &&
	       (!o->has_sinks || plugin_view(op->src[2], &o->sinks));
}

static bool soft_max_supports(const struct ggml_tensor *op)
{
	struct soft_max_operands o;

	return soft_max_operands(op, &o) &&
	       plugin_taken(gaon_ops_soft_max_supports(&o.dst, &o.src, o.has_mask ? &o.mask : NULL,
						       o.has_sinks ? &o.sinks : NULL, o.scale,
						       o.max_bias));
}

static enum gaon_status soft_max_run(struct plugin_backend *backend, const struct ggml_tensor *op)
{
	struct soft_max_operands o;

	soft_max_operands(op, &o);
	return gaon_ops_soft_max(backend->device->ops, backend->stream, &o.dst, &o.src,
				 o.has_mask ? &o.mask : NULL, o.has_sinks ? &o.sinks : NULL,
				 o.scale, o.max_bias);
}

const struct plugin_op plugin_op_soft_max = { .supports = soft_max_supports, .run = soft_max_run };

/* A cache in blocks, @packed, is f16 to the device's attention: @k and @v are in scratch memory then. */
struct flash_operands {
	struct gaon_tensor dst, q, k, v, mask, sinks, packed[2];
	const struct gaon_tensor *mask_or_null, *sinks_or_null;
	struct gaon_attention attention;
};

static bool is_packed(const struct gaon_tensor *t)
{
	return t->type != GAON_TYPE_F32 && t->type != GAON_TYPE_F16 && t->type != GAON_TYPE_BF16;
}

/* The place of @packed as f16, dense in the order in which a cache has it: heads inside keys. */
static void unpacked_view(struct gaon_tensor *t, struct gaon_tensor *packed)
{
	*packed = *t;
	if (!is_packed(packed))
		return;
	t->type = GAON_TYPE_F16;
	t->nb[0] = 2;
	t->nb[2] = t->ne[0] * 2;
	t->nb[1] = t->nb[2] * t->ne[2];
	t->nb[3] = t->nb[1] * t->ne[1];
}

static bool unpacks(const struct gaon_tensor *t, const struct gaon_tensor *packed)
{
	return !is_packed(packed) || plugin_taken(gaon_ops_copy_supports(t, packed));
}

static bool flash_operands(const struct ggml_tensor *op, struct flash_operands *o)
{
	o->attention = (struct gaon_attention){ .size = sizeof(o->attention) };
	/* scale, max_bias and logit_softcap lie one behind the other on both sides */
	memcpy(&o->attention.scale, op->op_params, 3 * sizeof(float));
	o->mask_or_null = op->src[3] ? &o->mask : NULL;
	o->sinks_or_null = op->src[4] ? &o->sinks : NULL;
	if (!plugin_view(op, &o->dst) || !plugin_view(op->src[0], &o->q) ||
	    !plugin_view(op->src[1], &o->k) || !plugin_view(op->src[2], &o->v) ||
	    (op->src[3] && !plugin_view(op->src[3], &o->mask)) ||
	    (op->src[4] && !plugin_view(op->src[4], &o->sinks)))
		return false;
	unpacked_view(&o->k, &o->packed[0]);
	unpacked_view(&o->v, &o->packed[1]);
	return true;
}

static bool flash_supports(const struct ggml_tensor *op)
{
	struct flash_operands o;

	return flash_operands(op, &o) && unpacks(&o.k, &o.packed[0]) &&
	       unpacks(&o.v, &o.packed[1]) &&
	       plugin_taken(gaon_ops_flash_attn_supports(&o.dst, &o.q, &o.k, &o.v, o.mask_or_null,
							 o.sinks_or_null, &o.attention));
}

static bool flash_fits(const struct plugin_device *device, const struct ggml_tensor *op)
{
	struct flash_operands o;

	flash_operands(op, &o);
	return plugin_taken(gaon_ops_flash_attn_fits(device->ops, &o.dst, &o.q, &o.k, &o.v,
						     o.mask_or_null, o.sinks_or_null,
						     &o.attention));
}

static uint64_t unpacked_bytes(const struct gaon_tensor *t, const struct gaon_tensor *packed)
{
	uint64_t bytes = t->nb[3] * t->ne[3];

	return is_packed(packed) ? (bytes + PLUGIN_ALIGNMENT - 1) / PLUGIN_ALIGNMENT *
					   PLUGIN_ALIGNMENT : 0;
}

static enum gaon_status unpack(struct plugin_backend *backend, struct flash_operands *o)
{
	uint64_t k = unpacked_bytes(&o->k, &o->packed[0]), v = unpacked_bytes(&o->v, &o->packed[1]);
	enum gaon_status status;
	uint64_t scratch;

	if (!(k + v))
		return GAON_OK;
	status = plugin_backend_scratch(backend, k + v, &scratch);
	backend->prepared = NULL;
	if (!status && k) {
		o->k.va = scratch;
		status = gaon_ops_copy(backend->device->ops, backend->stream, &o->k, &o->packed[0]);
	}
	if (!status && v) {
		o->v.va = scratch + k;
		status = gaon_ops_copy(backend->device->ops, backend->stream, &o->v, &o->packed[1]);
	}
	return status;
}

static enum gaon_status flash_run(struct plugin_backend *backend, const struct ggml_tensor *op)
{
	struct flash_operands o;
	enum gaon_status status;

	flash_operands(op, &o);
	status = unpack(backend, &o);
	if (status)
		return status;
	return gaon_ops_flash_attn(backend->device->ops, backend->stream, &o.dst, &o.q, &o.k, &o.v,
				   o.mask_or_null, o.sinks_or_null, &o.attention);
}

const struct plugin_op plugin_op_flash_attn = {
	.supports = flash_supports,
	.fits = flash_fits,
	.run = flash_run,
};
