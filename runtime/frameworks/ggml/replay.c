// SPDX-License-Identifier: MIT
/*
 * Graphs that come again. A program that generates text computes the same graph for each token:
 * same operators, shapes and addresses, other contents. The second time it is recorded (the third
 * time, if the first one made the scratch memory larger), from then on one packet replays it.
 * Whether it is the same is looked up in full; that costs little beside queueing it.
 */
#include "plugin.h"

#include <stdlib.h>
#include <string.h>

/* What of a tensor makes a launch what it is. */
struct tensor_key {
	const void *data;
	int64_t ne[GGML_MAX_DIMS];
	size_t nb[GGML_MAX_DIMS];
	enum ggml_type type;
};

struct node_key {
	enum ggml_op op;
	unsigned int tensors; /* itself and its operands, in struct plugin_recording's list */
	int32_t params[GGML_MAX_OP_PARAMS / sizeof(int32_t)];
};

static bool is_same_tensor(const struct tensor_key *key, const struct ggml_tensor *t)
{
	return key->data == t->data && key->type == t->type &&
	       !memcmp(key->ne, t->ne, sizeof(key->ne)) && !memcmp(key->nb, t->nb, sizeof(key->nb));
}

static void set_tensor(struct tensor_key *key, const struct ggml_tensor *t)
{
	key->data = t->data;
	key->type = t->type;
	memcpy(key->ne, t->ne, sizeof(key->ne));
	memcpy(key->nb, t->nb, sizeof(key->nb));
}

/* Operands that are missing count as well: another one missing makes another operator. */
static const struct ggml_tensor *tensor_at(const struct ggml_tensor *node, unsigned int index)
{
	static const struct ggml_tensor missing;

	if (!index)
		return node;
	return node->src[index - 1] ? node->src[index - 1] : &missing;
}

/* How many, up to the last operand. */
static unsigned int tensor_count(const struct ggml_tensor *node)
{
	unsigned int count = GGML_MAX_SRC;

	while (count && !node->src[count - 1])
		count--;
	return count + 1;
}

static bool is_same(const struct plugin_recording *r, struct ggml_tensor *const *nodes, int count)
{
	const struct tensor_key *tensor = r->tensors;

	if (r->count != count)
		return false;
	for (int i = 0; i < count; i++) {
		const struct node_key *key = &r->nodes[i];

		if (key->op != nodes[i]->op || key->tensors != tensor_count(nodes[i]) ||
		    memcmp(key->params, nodes[i]->op_params, sizeof(key->params)))
			return false;
		for (unsigned int t = 0; t < key->tensors; t++)
			if (!is_same_tensor(tensor++, tensor_at(nodes[i], t)))
				return false;
	}
	return true;
}

static void forget(struct plugin_recording *r)
{
	if (r->graph)
		gaon_graph_destroy(r->graph);
	gaon_ops_sequence_destroy(r->sequence);
	free(r->nodes);
	free(r->tensors);
	memset(r, 0, sizeof(*r));
}

/* Without memory for it the recording stays empty, and the graph is queued by node each time. */
static void remember(struct plugin_recording *r, struct ggml_tensor *const *nodes, int count)
{
	unsigned int tensors = 0, at = 0;

	forget(r);
	for (int i = 0; i < count; i++)
		tensors += tensor_count(nodes[i]);
	r->nodes = calloc(count, sizeof(*r->nodes));
	r->tensors = calloc(tensors, sizeof(*r->tensors));
	if (!r->nodes || !r->tensors) {
		forget(r);
		return;
	}
	r->count = count;
	for (int i = 0; i < count; i++) {
		r->nodes[i].op = nodes[i]->op;
		r->nodes[i].tensors = tensor_count(nodes[i]);
		memcpy(r->nodes[i].params, nodes[i]->op_params, sizeof(r->nodes[i].params));
		for (unsigned int t = 0; t < r->nodes[i].tensors; t++)
			set_tensor(&r->tensors[at++], tensor_at(nodes[i], t));
	}
}

/* The recording of these nodes, or the place of the one that was not used for longest. */
static struct plugin_recording *find(struct plugin_backend *backend,
				     struct ggml_tensor *const *nodes, int count, bool *known)
{
	struct plugin_recording *oldest = &backend->recordings[0];

	*known = true;
	for (unsigned int i = 0; i < PLUGIN_RECORDINGS; i++) {
		struct plugin_recording *r = &backend->recordings[i];

		if (is_same(r, nodes, count))
			return r;
		if (r->used < oldest->used)
			oldest = r;
	}
	*known = false;
	return oldest;
}

/* The stream takes what @queue gives it as a graph: in sequences, as far as there is memory for them. */
static enum gaon_status record_sequences(struct plugin_backend *backend, struct plugin_recording *r,
					 struct ggml_tensor *const *nodes, plugin_queue_fn *queue)
{
	enum gaon_status queued;

	if (gaon_ops_sequence_create(backend->device->ops, &r->sequence))
		r->sequence = NULL;
	backend->sequence = r->sequence;
	queued = queue(backend, nodes, r->count);
	backend->sequence = NULL;
	return queued;
}

/* Record what @queue gives the stream. A graph that cannot be recorded is queued each time. */
static enum gaon_status record(struct plugin_backend *backend, struct plugin_recording *r,
			       struct ggml_tensor *const *nodes, plugin_queue_fn *queue)
{
	enum gaon_status queued, ended;
	struct gaon_graph *graph;

	if (gaon_graph_begin(backend->stream)) {
		r->unrecordable = true;
		return queue(backend, nodes, r->count);
	}
	queued = record_sequences(backend, r, nodes, queue);
	ended = gaon_graph_end(backend->stream, &graph);
	if (queued) {
		if (!ended)
			gaon_graph_destroy(graph);
		return queued;
	}
	if (!ended) {
		r->graph = graph;
		return gaon_graph_launch(backend->stream, graph);
	}
	gaon_ops_sequence_destroy(r->sequence);
	r->sequence = NULL;
	r->unrecordable = true;
	return queue(backend, nodes, r->count);
}

enum gaon_status plugin_replay(struct plugin_backend *backend, struct ggml_tensor *const *nodes,
			       int count, plugin_queue_fn *queue)
{
	struct plugin_recording *r;
	enum gaon_status status;
	bool known;

	if (!count)
		return GAON_OK;
	r = find(backend, nodes, count, &known);
	r->used = ++backend->graphs;
	if (!known)
		remember(r, nodes, count);
	if (r->graph)
		return gaon_graph_launch(backend->stream, r->graph);
	if (known && !r->unrecordable)
		status = record(backend, r, nodes, queue);
	else
		status = queue(backend, nodes, count);
	/* One that is known has all the scratch memory that it needs: it stays in place while recorded. */
	if (status)
		forget(r);
	return status;
}

void plugin_replay_forget(struct plugin_backend *backend)
{
	for (unsigned int i = 0; i < PLUGIN_RECORDINGS; i++)
		forget(&backend->recordings[i]);
}
