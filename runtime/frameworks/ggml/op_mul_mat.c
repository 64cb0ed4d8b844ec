// SPDX-License-Identifier: MIT
/* MUL_MAT, MUL_MAT_ID */
#include "plugin.h"

static bool views(const struct ggml_tensor *op, struct gaon_tensor *v)
{
	return plugin_view(op, &v[0]) && plugin_view(op->src[0], &v[1]) &&
	       plugin_view(op->src[1], &v[2]);
}

static bool mul_mat_supports(const struct ggml_tensor *op)
{
	struct gaon_tensor v[3];

	return views(op, v) && plugin_taken(gaon_ops_mul_mat_supports(&v[0], &v[1], &v[2]));
}

static bool mul_mat_fits(const struct plugin_device *device, const struct ggml_tensor *op)
{
	struct gaon_tensor v[3];

	views(op, v);
	return plugin_taken(gaon_ops_mul_mat_fits(device->ops, &v[0], &v[1], &v[2]));
}

/*
 * The scratch memory holds the activations in the form that suits the weights. Several products
 * follow each other with the same activations (query, key and value; gate and up): the form is made
 * once.
 */
static enum gaon_status mul_mat_run(struct plugin_backend *backend, const struct ggml_tensor *op)
{
	const struct ggml_tensor *x = op->src[1];
	struct gaon_tensor v[3];
	uint64_t bytes, scratch = 0;
	enum gaon_status status;
	bool prepared = false;
	uint8_t form;

	views(op, v);
	bytes = gaon_ops_mul_mat_scratch(&v[0], &v[1], &v[2]);
	form = gaon_ops_mul_mat_class(v[1].type);
	if (bytes) {
		/* A larger piece would be another, without the contents. */
		prepared = backend->prepared == x && backend->prepared_form == form &&
			   bytes <= gaon_mem_size(backend->scratch);
		status = plugin_backend_scratch(backend, bytes, &scratch);
		if (status)
			return status;
		backend->prepared = x;
		backend->prepared_form = form;
	}
	return gaon_ops_mul_mat(backend->device->ops, backend->stream, &v[0], &v[1], &v[2], scratch,
				prepared);
}

const struct plugin_op plugin_op_mul_mat = {
	.supports = mul_mat_supports,
	.fits = mul_mat_fits,
	.run = mul_mat_run,
};

static bool mul_mat_id_views(const struct ggml_tensor *op, struct gaon_tensor v[4])
{
	return views(op, v) && plugin_view(op->src[2], &v[3]);
}

static bool mul_mat_id_supports(const struct ggml_tensor *op)
{
	struct gaon_tensor v[4];

	return mul_mat_id_views(op, v) &&
	       plugin_taken(gaon_ops_mul_mat_id_supports(&v[0], &v[1], &v[2], &v[3]));
}

static bool mul_mat_id_fits(const struct plugin_device *device, const struct ggml_tensor *op)
{
	struct gaon_tensor v[4];

	mul_mat_id_views(op, v);
	return plugin_taken(gaon_ops_mul_mat_id_fits(device->ops, &v[0], &v[1], &v[2], &v[3]));
}

static enum gaon_status mul_mat_id_run(struct plugin_backend *backend, const struct ggml_tensor *op)
{
	struct gaon_tensor v[4];

	mul_mat_id_views(op, v);
	return gaon_ops_mul_mat_id(backend->device->ops, backend->stream, &v[0], &v[1], &v[2],
				   &v[3]);
}

const struct plugin_op plugin_op_mul_mat_id = {
	.supports = mul_mat_id_supports,
	.fits = mul_mat_id_fits,
	.run = mul_mat_id_run,
};
