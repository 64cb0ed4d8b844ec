// SPDX-License-Identifier: MIT
/* Graphs: which operators run on the device, and how a graph's nodes are queued. */
#include "plugin.h"

#include <inttypes.h>
#include <stdio.h>

/* clang-format off */
static const struct plugin_op *const operators[GGML_OP_COUNT] = {
	[GGML_OP_ADD] = &plugin_op_arithmetic,
	[GGML_OP_SUB] = &plugin_op_arithmetic,
	[GGML_OP_MUL] = &plugin_op_arithmetic,
	[GGML_OP_DIV] = &plugin_op_arithmetic,
	[GGML_OP_UNARY] = &plugin_op_map,
	[GGML_OP_SQR] = &plugin_op_map,
	[GGML_OP_SQRT] = &plugin_op_map,
	[GGML_OP_LOG] = &plugin_op_map,
	[GGML_OP_LEAKY_RELU] = &plugin_op_map,
	[GGML_OP_SCALE] = &plugin_op_map,
	[GGML_OP_CLAMP] = &plugin_op_map,
	[GGML_OP_GLU] = &plugin_op_glu,
	[GGML_OP_CPY] = &plugin_op_copy,
	[GGML_OP_CONT] = &plugin_op_copy,
	[GGML_OP_DUP] = &plugin_op_copy,
	[GGML_OP_GET_ROWS] = &plugin_op_get_rows,
	[GGML_OP_SET_ROWS] = &plugin_op_set_rows,
	[GGML_OP_RMS_NORM] = &plugin_op_norm,
	[GGML_OP_NORM] = &plugin_op_norm,
	[GGML_OP_L2_NORM] = &plugin_op_norm,
	[GGML_OP_SUM_ROWS] = &plugin_op_sum_rows,
	[GGML_OP_MEAN] = &plugin_op_sum_rows,
	[GGML_OP_CONCAT] = &plugin_op_concat,
	[GGML_OP_REPEAT] = &plugin_op_repeat,
	[GGML_OP_PAD] = &plugin_op_pad,
	[GGML_OP_PAD_REFLECT_1D] = &plugin_op_pad,
	[GGML_OP_ARGSORT] = &plugin_op_order,
	[GGML_OP_TOP_K] = &plugin_op_order,
	[GGML_OP_POOL_1D] = &plugin_op_pool,
	[GGML_OP_POOL_2D] = &plugin_op_pool,
	[GGML_OP_IM2COL] = &plugin_op_im2col,
	[GGML_OP_MUL_MAT] = &plugin_op_mul_mat,
	[GGML_OP_MUL_MAT_ID] = &plugin_op_mul_mat_id,
	[GGML_OP_ROPE] = &plugin_op_rope,
	[GGML_OP_SOFT_MAX] = &plugin_op_soft_max,
	[GGML_OP_FLASH_ATTN_EXT] = &plugin_op_flash_attn,
};

static const uint8_t tensor_types[GGML_TYPE_COUNT] = {
	[GGML_TYPE_F32] = GAON_TYPE_F32,
	[GGML_TYPE_F16] = GAON_TYPE_F16,
	[GGML_TYPE_BF16] = GAON_TYPE_BF16,
	[GGML_TYPE_I8] = GAON_TYPE_I8,
	[GGML_TYPE_I32] = GAON_TYPE_I32,
	[GGML_TYPE_I64] = GAON_TENSOR_I64,
	[GGML_TYPE_Q4_0] = GAON_TYPE_Q4_0,
	[GGML_TYPE_Q4_1] = GAON_TYPE_Q4_1,
	[GGML_TYPE_Q8_0] = GAON_TYPE_Q8_0,
	[GGML_TYPE_Q4_K] = GAON_TENSOR_Q4_K,
	[GGML_TYPE_Q5_K] = GAON_TENSOR_Q5_K,
	[GGML_TYPE_Q6_K] = GAON_TENSOR_Q6_K,
};
/* clang-format on */

static _Thread_local char refusal[192];

bool plugin_refuse(const char *reason)
{
	snprintf(refusal, sizeof(refusal), "%s", reason);
	return false;
}

bool plugin_taken(bool taken)
{
	return taken || plugin_refuse(gaon_ops_last_error());
}

bool plugin_view(const struct ggml_tensor *t, struct gaon_tensor *view)
{
	*view = (struct gaon_tensor){ .va = (uint64_t)(uintptr_t)t->data };
	if ((unsigned int)t->type >= GGML_TYPE_COUNT || !tensor_types[t->type])
		return plugin_refuse("there is no such tensor type on the device");
	view->type = tensor_types[t->type];
	for (int i = 0; i < GGML_MAX_DIMS; i++) {
		view->ne[i] = t->ne[i];
		view->nb[i] = t->nb[i];
	}
	return true;
}

/* Nodes that only name memory in another way. */
static bool is_view_op(enum ggml_op op)
{
	return op == GGML_OP_NONE || op == GGML_OP_VIEW || op == GGML_OP_RESHAPE ||
	       op == GGML_OP_PERMUTE || op == GGML_OP_TRANSPOSE;
}

/*
 * Of a branch of ggml_build_forward_select() that was not chosen: it is in the graph so that all
 * choices have the same memory, and its inputs hold anything.
 */
static bool is_unselected(const struct ggml_tensor *node)
{
	return !(node->flags & GGML_TENSOR_FLAG_COMPUTE);
}

/* "MUL_MAT f32 [576 7 1 1] of q4_1 [576 576 1 1], f32 [576 7 1 1]" */
static void describe(const struct ggml_tensor *op, char *text, size_t size)
{
	int used = snprintf(text, size, "%s %s [%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 "]",
			    ggml_op_desc(op), ggml_type_name(op->type), op->ne[0], op->ne[1],
			    op->ne[2], op->ne[3]);

	for (int i = 0; i < GGML_MAX_SRC && (size_t)used < size; i++) {
		const struct ggml_tensor *s = op->src[i];

		if (s)
			used += snprintf(text + used, size - used,
					 "%s%s [%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 "]",
					 i ? ", " : " of ", ggml_type_name(s->type), s->ne[0],
					 s->ne[1], s->ne[2], s->ne[3]);
	}
}

/* One line for each operator with its types; shapes of the same are not told again. */
static void log_refusal(struct plugin_device *device, const struct ggml_tensor *op)
{
	uint64_t hash = (uint64_t)op->op * 131 + op->type;
	ggml_log_callback log;
	char text[320];
	bool seen = false;
	void *user;

	if (op->op == GGML_OP_UNARY || op->op == GGML_OP_GLU)
		hash = hash * 131 + op->op_params[0];
	for (int i = 0; i < GGML_MAX_SRC; i++)
		hash = hash * 131 + (op->src[i] ? op->src[i]->type + 1 : 0);
	for (const char *c = refusal; *c && (*c < '0' || *c > '9'); c++)
		hash = hash * 131 + *c;
	/* To each listener: llama.cpp tries a model out with one that says nothing. */
	ggml_log_get(&log, &user);
	hash = (hash * 131 + (uintptr_t)log) * 131 + (uintptr_t)user;
	pthread_mutex_lock(&device->lock);
	for (unsigned int i = 0; i < device->refusal_count; i++)
		seen |= device->refusals[i] == hash;
	if (!seen && device->refusal_count < sizeof(device->refusals) / sizeof(device->refusals[0]))
		device->refusals[device->refusal_count++] = hash;
	else
		seen = true;
	pthread_mutex_unlock(&device->lock);
	if (seen)
		return;
	describe(op, text, sizeof(text));
	plugin_log(GGML_LOG_LEVEL_WARN, "%s: left to another backend: %s: %s", device->name, text,
		   refusal);
}

bool plugin_supports(struct plugin_device *device, const struct ggml_tensor *op)
{
	if (is_view_op(op->op))
		return true;
	if ((unsigned int)op->op >= GGML_OP_COUNT || !operators[op->op])
		plugin_refuse("no such operator on the device");
	else if (operators[op->op]->supports(op) &&
		 (!operators[op->op]->fits || operators[op->op]->fits(device, op)))
		return true;
	log_refusal(device, op);
	return false;
}

/* The tensor whose memory @t lies in. */
static const struct ggml_tensor *memory_of(const struct ggml_tensor *t)
{
	return t->view_src ? t->view_src : t;
}

/* The sentence is that of libgaonops; a limit may be libgaon's, too. */
static bool is_operators(enum gaon_status status)
{
	return status == GAON_ERROR_INVALID_ARGUMENT || status == GAON_ERROR_INVALID_ADDRESS ||
	       status == GAON_ERROR_STRUCT_SIZE ||
	       (status == GAON_ERROR_LIMIT && gaon_last_error()->status != status);
}

/* Without memory nothing is broken: the program may free some, or ask for less, and try again. */
static enum ggml_status compute_failed(struct plugin_backend *backend, enum gaon_status status)
{
	char text[320] = "a graph";

	if (backend->at)
		describe(backend->at, text, sizeof(text));
	if (status == GAON_ERROR_OUT_OF_DEVICE_MEMORY || status == GAON_ERROR_OUT_OF_MEMORY) {
		plugin_log_status(backend->device, status, text);
		return GGML_STATUS_ALLOC_FAILED;
	}
	if (backend->at && is_operators(status)) {
		backend->failed = true;
		plugin_log(GGML_LOG_LEVEL_ERROR, "%s: %s (%s): %s", backend->device->name,
			   backend->at->name, text, gaon_ops_last_error());
	} else {
		plugin_backend_ok(backend, status, text);
	}
	return GGML_STATUS_FAILED;
}

int plugin_unit_count(struct ggml_tensor *const *nodes, int left)
{
	if (left > 2 && plugin_add_norm_fuses(nodes))
		return 3;
	return left > 1 && plugin_norm_mul_fuses(nodes[0], nodes[1]) ? 2 : 1;
}

enum gaon_status plugin_unit_run(struct plugin_backend *backend, struct ggml_tensor *const *nodes,
				 int count)
{
	backend->at = nodes[0];
	for (int i = 0; i < count; i++)
		if (backend->prepared && memory_of(backend->prepared) == memory_of(nodes[i]))
			backend->prepared = NULL;
	if (count == 3)
		return plugin_add_norm_run(backend, nodes);
	if (count == 2)
		return plugin_norm_mul_run(backend, nodes[0], nodes[1]);
	return operators[nodes[0]->op]->run(backend, nodes[0]);
}

static enum gaon_status queue_nodes(struct plugin_backend *backend,
				    struct ggml_tensor *const *nodes, int count)
{
	enum gaon_status status = GAON_OK;

	backend->prepared = NULL;
	backend->at = NULL;
	if (backend->sequence)
		status = plugin_sequence_queue(backend, nodes, count);
	for (int i = 0, n; !backend->sequence && i < count && !status; i += n) {
		n = plugin_unit_count(nodes + i, count - i);
		status = plugin_unit_run(backend, nodes + i, n);
	}
	if (!status)
		backend->at = NULL;
	return status;
}

enum ggml_status plugin_graph_compute(ggml_backend_t backend, struct ggml_cgraph *graph)
{
	struct plugin_backend *b = backend->context;
	int all = ggml_graph_n_nodes(graph), count = 0;
	enum gaon_status status;

	if (b->failed)
		return GGML_STATUS_FAILED;
	if (!plugin_backend_room(b, all))
		return GGML_STATUS_ALLOC_FAILED;
	for (int i = 0; i < all; i++) {
		struct ggml_tensor *node = ggml_graph_node(graph, i);

		if (is_view_op(node->op) || ggml_is_empty(node) || is_unselected(node))
			continue;
		if (!operators[node->op]) {
			plugin_log(GGML_LOG_LEVEL_ERROR,
				   "%s: %s is a %s, which the device was not asked whether it "
				   "supports",
				   b->device->name, node->name, ggml_op_desc(node));
			return GGML_STATUS_FAILED;
		}
		b->nodes[count++] = node;
	}
	status = plugin_replay(b, b->nodes, count, queue_nodes);
	return status ? compute_failed(b, status) : GGML_STATUS_SUCCESS;
}
