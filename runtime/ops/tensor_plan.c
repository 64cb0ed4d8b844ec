// SPDX-License-Identifier: MIT
/* Tensors made ready for a kernel: as few dimensions as they need, so that rows are long. */
#include "kernels/tensor_args.h"
#include "tensor_internal.h"

/* Elements that are worth a workgroup of their own. */
#define SHARE		2048

static uint32_t block_elements(const struct gaon_tensor *t)
{
	uint32_t elements;

	gaon_tensor_type_bytes(t->type, &elements);
	return elements;
}

void ops_tensor_normalise(struct gaon_tensor *t)
{
	if (t->ne[0] <= block_elements(t))
		t->nb[0] = gaon_tensor_type_bytes(t->type, NULL);
	for (int i = 1; i < GAON_TENSOR_DIMS; i++)
		if (t->ne[i] == 1)
			t->nb[i] = 0;
}

void ops_tensor_swap(struct gaon_tensor *t, int i, int k)
{
	uint64_t ne = t->ne[i], nb = t->nb[i];

	t->ne[i] = t->ne[k];
	t->nb[i] = t->nb[k];
	t->ne[k] = ne;
	t->nb[k] = nb;
}

void ops_tensor_sort(struct gaon_tensor *const *views, unsigned int count)
{
	const struct gaon_tensor *by = views[0];

	for (unsigned int v = 0; v < count; v++) {
		if (block_elements(views[v]) != 1)
			return;
		ops_tensor_normalise(views[v]);
	}
	/* By insertion; dimensions of size 1 go last. */
	for (int i = 1; i < GAON_TENSOR_DIMS; i++)
		for (int k = i; k && by->ne[k] != 1 &&
		     (by->ne[k - 1] == 1 || by->nb[k] < by->nb[k - 1]); k--)
			for (unsigned int v = 0; v < count; v++)
				ops_tensor_swap(views[v], k, k - 1);
	for (unsigned int v = 0; v < count; v++)
		ops_tensor_normalise(views[v]);
}

/* Dimensions i and i + 1 of @t can be one; @whole is the shape that t has or is repeated to. */
static bool joins(const struct gaon_tensor *whole, const struct gaon_tensor *t, int i)
{
	uint64_t units = i ? t->ne[i] : t->ne[i] / block_elements(t);

	if (whole->ne[i + 1] == 1 || (t->ne[i] == 1 && t->ne[i + 1] == 1))
		return true;
	/* One of something in each of the next dimension: steps of that one's stride. */
	if (whole->ne[i] == 1)
		return true;
	return t->ne[i] == whole->ne[i] && t->ne[i + 1] != 1 && t->nb[i + 1] == t->nb[i] * units;
}

/* Dimension @i + 1, of size 1 or lying behind the other, becomes part of dimension @i. */
static void join_one(struct gaon_tensor *t, int i)
{
	if (t->ne[i] == 1 && t->ne[i + 1] != 1)
		t->nb[i] = t->nb[i + 1];
	t->ne[i] *= t->ne[i + 1];
	for (int k = i + 1; k < GAON_TENSOR_DIMS - 1; k++) {
		t->ne[k] = t->ne[k + 1];
		t->nb[k] = t->nb[k + 1];
	}
	t->ne[GAON_TENSOR_DIMS - 1] = 1;
	t->nb[GAON_TENSOR_DIMS - 1] = 0;
}

void ops_tensor_join(struct gaon_tensor *const *views, unsigned int count)
{
	for (unsigned int v = 0; v < count; v++)
		ops_tensor_normalise(views[v]);
	for (int i = GAON_TENSOR_DIMS - 2; i >= 0; i--) {
		bool all = true;

		for (unsigned int v = 0; v < count; v++)
			all &= joins(views[0], views[v], i);
		for (unsigned int v = 0; all && v < count; v++)
			join_one(views[v], i);
	}
}

uint64_t ops_tensor_shares(const struct gaon_tensor *t, uint64_t part)
{
	uint64_t parts = (t->ne[0] + part - 1) / part * ops_tensor_rows(t);
	uint64_t worth = (ops_tensor_elements(t) + SHARE - 1) / SHARE;

	return parts < worth ? parts : worth;
}

static uint64_t row_bytes(const struct gaon_tensor *t)
{
	return t->ne[0] / block_elements(t) * gaon_tensor_type_bytes(t->type, NULL);
}

bool ops_tensor_stages(const struct gaon_tensor *dst, const struct gaon_tensor *src, uint64_t rows)
{
	return rows > 1 && ops_tensor_dense_rows(dst) && ops_tensor_dense_rows(src) &&
	       row_bytes(dst) <= STAGE_BYTES && row_bytes(src) <= STAGE_BYTES;
}

void ops_tensor_flatten(struct gaon_tensor *const *views, unsigned int count)
{
	ops_tensor_sort(views, count);
	ops_tensor_join(views, count);
}
