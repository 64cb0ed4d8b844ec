// SPDX-License-Identifier: MIT
/*
 * A graph that is recorded as sequences. A token's operators are small: most of what they would cost
 * by themselves is the launch. So small ones are collected (gaon_ops_sequence_begin()), and those that
 * have nothing to do with each other are put side by side, also such as the graph has behind one that
 * waits: query, key and value before the query is turned. What is large is launched on all cores.
 */
#include "plugin.h"

#include <stdlib.h>

#define SMALL_BYTES  (1u << 20) /* that an operator reads and writes */
#define SMALL_DEPTH  8192	/* of a product's sums: the activations' form stays in a core */
#define WINDOW	     12		/* units that are looked at behind the first one */
#define BESIDE_MOST  8

/* Nodes that run as one operator. */
struct unit {
	struct ggml_tensor *const *nodes;
	int count;
	bool small, alone, done;
};

struct schedule {
	struct plugin_backend *backend;
	struct unit *units;
	int count;
	bool open; /* between begin and end of the sequence */
};

static bool overlaps(const struct ggml_tensor *a, const struct ggml_tensor *b)
{
	const char *first = a->data, *second = b->data;

	return first < second + ggml_nbytes(b) && second < first + ggml_nbytes(a);
}

/* One writes what the other reads or writes. */
static bool nodes_conflict(const struct ggml_tensor *a, const struct ggml_tensor *b)
{
	if (overlaps(a, b))
		return true;
	for (int i = 0; i < GGML_MAX_SRC; i++)
		if ((a->src[i] && overlaps(a->src[i], b)) || (b->src[i] && overlaps(b->src[i], a)))
			return true;
	return false;
}

static bool units_conflict(const struct unit *a, const struct unit *b)
{
	for (int i = 0; i < a->count; i++)
		for (int k = 0; k < b->count; k++)
			if (nodes_conflict(a->nodes[i], b->nodes[k]))
				return true;
	return false;
}

/* Bytes that the operator moves; of a table only the rows that are named. */
static size_t moved_bytes(const struct ggml_tensor *node)
{
	bool gets = node->op == GGML_OP_GET_ROWS, sets = node->op == GGML_OP_SET_ROWS;
	size_t bytes = sets ? 0 : ggml_nbytes(node);

	for (int i = gets ? 1 : 0; i < (sets ? 2 : GGML_MAX_SRC); i++)
		if (node->src[i])
			bytes += ggml_nbytes(node->src[i]);
	return bytes;
}

/* What may be brought into form in scratch memory, of which there is one: activations, weights, caches. */
static bool uses_scratch(const struct ggml_tensor *node)
{
	const struct ggml_tensor *w = node->src[0];

	if (node->op == GGML_OP_FLASH_ATTN_EXT)
		return ggml_is_quantized(node->src[1]->type) || ggml_is_quantized(node->src[2]->type);
	if (node->op != GGML_OP_MUL_MAT && node->op != GGML_OP_MUL_MAT_ID)
		return false;
	return ggml_nrows(node->src[1]) != 1 || w->ne[0] > SMALL_DEPTH;
}

static struct unit unit_make(struct ggml_tensor *const *nodes, int count)
{
	struct unit u = { .nodes = nodes, .count = count };
	size_t bytes = 0;

	for (int i = 0; i < count; i++) {
		bytes += moved_bytes(nodes[i]);
		u.alone |= uses_scratch(nodes[i]);
	}
	u.small = bytes <= SMALL_BYTES;
	return u;
}

static enum gaon_status close_sequence(struct schedule *s)
{
	if (!s->open)
		return GAON_OK;
	s->open = false;
	return gaon_ops_sequence_end(s->backend->sequence);
}

static enum gaon_status run(struct schedule *s, struct unit *u, bool beside)
{
	struct plugin_backend *backend = s->backend;
	enum gaon_status status = GAON_OK;

	u->done = true;
	if (!u->small) {
		status = close_sequence(s);
	} else if (!s->open) {
		status = gaon_ops_sequence_begin(backend->sequence, backend->stream);
		s->open = !status;
	}
	gaon_ops_sequence_beside(backend->sequence, beside);
	return status ? status : plugin_unit_run(backend, u->nodes, u->count);
}

/* Unit @v may run beside those of @group, before all that is not done and stands before it. */
static bool may_go_along(const struct schedule *s, const int *group, int members, int first, int v)
{
	for (int i = 0; i < members; i++)
		if (units_conflict(&s->units[group[i]], &s->units[v]))
			return false;
	for (int w = first + 1; w < v; w++)
		if (!s->units[w].done && units_conflict(&s->units[w], &s->units[v]))
			return false;
	return true;
}

/* Unit @first, and what may run beside it. */
static enum gaon_status run_group(struct schedule *s, int first)
{
	enum gaon_status status = run(s, &s->units[first], false);
	int group[BESIDE_MOST] = { first }, members = 1;

	if (!s->units[first].small || s->units[first].alone)
		return status;
	for (int v = first + 1; !status && v < s->count && v <= first + WINDOW; v++) {
		if (s->units[v].done)
			continue;
		if (!s->units[v].small || members == BESIDE_MOST)
			break;
		if (s->units[v].alone || !may_go_along(s, group, members, first, v))
			continue;
		status = run(s, &s->units[v], true);
		group[members++] = v;
	}
	return status;
}

enum gaon_status plugin_sequence_queue(struct plugin_backend *backend, struct ggml_tensor *const *nodes,
				       int count)
{
	struct schedule s = { .backend = backend };
	enum gaon_status status = GAON_OK, closed;

	s.units = calloc(count, sizeof(*s.units));
	if (!s.units)
		return GAON_ERROR_OUT_OF_MEMORY;
	for (int i = 0; i < count; i += s.units[s.count++].count)
		s.units[s.count] = unit_make(nodes + i, plugin_unit_count(nodes + i, count - i));
	for (int i = 0; i < s.count && !status; i++)
		if (!s.units[i].done)
			status = run_group(&s, i);
	closed = close_sequence(&s);
	free(s.units);
	return status ? status : closed;
}
