// SPDX-License-Identifier: MIT
/*
 * Sequences: launches that a thread asks for are collected and become steps of one launch.  Steps and
 * arguments lie in memory of the sequence, which is written before the launch is queued.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "ops_internal.h"
#include "kernels/tensor_args.h"

#define CALL		"gaon_ops_sequence"
#define CORES		2u	/* each by both channels, they have all that HBM gives */
#define STEPS_MAX	128u	/* of a launch */
#define CHUNK		(64u << 10)
#define ALIGN		64u
#define GUARD		4096u

struct chunk {
	struct gaon_mem *mem;
	uint64_t used;
	struct chunk *next;
};

/*
 * Arguments of @steps are offsets in @args until they are placed; @first is how the first step would be
 * launched by itself, for when it stays the only one.
 *
 * @lock protects all but @ops and @cores, which stay as they are. @users: who created it, until that one
 * destroys it, and the thread that makes it; the last one frees it. @dead: it was destroyed.
 */
struct gaon_ops_sequence {
	pthread_mutex_t lock;
	unsigned int users;
	bool made, dead;
	struct gaon_ops *ops;
	struct gaon_stream *stream;
	uint32_t cores;
	bool beside;
	struct ops_step steps[STEPS_MAX];
	uint32_t count;
	uint8_t *args;
	uint64_t args_bytes, args_room;
	uint32_t spm_bytes;
	struct gaon_launch first;
	struct chunk *chunks;
};

/* This thread is a user of it. Another one may have destroyed it. */
static _Thread_local struct gaon_ops_sequence *making;

static const uint16_t step_args[OPS_KERNELS] = {
#define KERNEL(number, name, type)	[number] = sizeof(struct type),
#include "kernels/sequence_kernels.h"
#undef KERNEL
};

enum gaon_status gaon_ops_sequence_create(struct gaon_ops *ops, struct gaon_ops_sequence **out)
{
	struct gaon_ops_sequence *seq;

	if (!ops || !out)
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT, CALL "_create: %s is NULL",
				ops ? "the place for the result" : "ops");
	seq = calloc(1, sizeof(*seq));
	if (!seq)
		return ops_fail(GAON_ERROR_OUT_OF_MEMORY, CALL "_create: no memory");
	pthread_mutex_init(&seq->lock, NULL);
	seq->users = 1;
	seq->ops = ops;
	seq->cores = ops->cores < CORES ? ops->cores : CORES;
	*out = seq;
	return GAON_OK;
}

/* The caller is a user no longer, and holds the lock no longer. */
static void leave(struct gaon_ops_sequence *seq)
{
	bool last = !--seq->users;

	pthread_mutex_unlock(&seq->lock);
	if (!last)
		return;
	pthread_mutex_destroy(&seq->lock);
	free(seq);
}

/* The sequence that this thread makes, locked, or NULL. */
static struct gaon_ops_sequence *making_lock(void)
{
	struct gaon_ops_sequence *seq = making;

	if (!seq)
		return NULL;
	pthread_mutex_lock(&seq->lock);
	if (!seq->dead)
		return seq;
	making = NULL;
	leave(seq);
	return NULL;
}

static void unlock(struct gaon_ops_sequence *seq)
{
	pthread_mutex_unlock(&seq->lock);
}

void gaon_ops_sequence_destroy(struct gaon_ops_sequence *seq)
{
	if (!seq)
		return;
	pthread_mutex_lock(&seq->lock);
	while (seq->chunks) {
		struct chunk *next = seq->chunks->next;

		gaon_mem_free(seq->chunks->mem);
		free(seq->chunks);
		seq->chunks = next;
	}
	free(seq->args);
	seq->args = NULL;
	seq->count = 0;
	seq->dead = true;
	if (making == seq) {
		making = NULL;
		seq->users--;
	}
	leave(seq);
}

static enum gaon_status begin(struct gaon_ops_sequence *seq, struct gaon_stream *stream)
{
	if (seq->made)
		return ops_fail(GAON_ERROR_STATE, CALL "_begin: another thread makes it");
	seq->stream = stream;
	seq->beside = false;
	seq->made = true;
	seq->users++;
	making = seq;
	return GAON_OK;
}

enum gaon_status gaon_ops_sequence_begin(struct gaon_ops_sequence *seq, struct gaon_stream *stream)
{
	struct gaon_ops_sequence *present;
	enum gaon_status status;

	if (!seq || !stream)
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT, CALL "_begin: %s is NULL",
				seq ? "stream" : "sequence");
	present = making_lock();
	if (present) {
		unlock(present);
		return ops_fail(GAON_ERROR_STATE, CALL "_begin: this thread makes one already");
	}
	pthread_mutex_lock(&seq->lock);
	status = begin(seq, stream);
	unlock(seq);
	return status;
}

/* The one of @stream that this thread makes, locked, or NULL. */
static struct gaon_ops_sequence *making_of(const struct gaon_stream *stream)
{
	struct gaon_ops_sequence *seq = making_lock();

	if (!seq || seq->stream == stream)
		return seq;
	unlock(seq);
	return NULL;
}

static void set_beside(struct gaon_ops_sequence *seq, bool beside)
{
	if (!seq)
		return;
	seq->beside = beside;
	unlock(seq);
}

void gaon_ops_sequence_beside(struct gaon_ops_sequence *seq, bool beside)
{
	if (seq && making == seq)
		set_beside(making_lock(), beside);
}

void ops_sequence_meet(struct gaon_stream *stream)
{
	set_beside(making_of(stream), false);
}

/* --- memory ------------------------------------------------------------------------------------ */

static enum gaon_status chunk_add(struct gaon_ops_sequence *seq, uint64_t bytes)
{
	struct chunk *c = calloc(1, sizeof(*c));
	enum gaon_status status;

	if (!c)
		return ops_fail(GAON_ERROR_OUT_OF_MEMORY, CALL ": no memory");
	status = gaon_mem_alloc(seq->ops->dev, bytes < CHUNK ? CHUNK : bytes, GAON_MEM_DEVICE, &c->mem);
	if (status) {
		free(c);
		return status;
	}
	c->next = seq->chunks;
	seq->chunks = c;
	return GAON_OK;
}

/* Steps, then their arguments, to device memory; *@va: of the steps. */
static enum gaon_status place(struct gaon_ops_sequence *seq, uint64_t *va)
{
	uint64_t steps = seq->count * sizeof(struct ops_step);
	uint64_t head = (steps + ALIGN - 1) / ALIGN * ALIGN, bytes = head + seq->args_bytes;
	struct chunk *c = seq->chunks;
	enum gaon_status status;

	if (!c || gaon_mem_size(c->mem) - c->used < bytes) {
		status = chunk_add(seq, bytes);
		if (status)
			return status;
		c = seq->chunks;
	}
	*va = gaon_mem_va(c->mem) + c->used;
	for (uint32_t i = 0; i < seq->count; i++)
		seq->steps[i].args += *va + head;
	status = gaon_mem_write(seq->ops->dev, *va, seq->steps, steps);
	if (!status)
		status = gaon_mem_write(seq->ops->dev, *va + head, seq->args, seq->args_bytes);
	c->used += bytes;
	return status;
}

/* --- launches ------------------------------------------------------------------------------------ */

static enum gaon_status launch_all(struct gaon_ops_sequence *seq)
{
	struct ops_sequence_args args = { .count = seq->count };
	struct gaon_launch l = {
		.size = sizeof(l), .grid = { seq->cores, 1, 1 }, .args = &args,
		.args_size = sizeof(args), .spm_bytes = seq->spm_bytes,
	};
	enum gaon_status status = GAON_OK;
	uint32_t count = seq->count;

	if (count == 1) {
		seq->first.args = seq->args;
		status = gaon_launch(seq->stream, seq->ops->kernels[seq->steps[0].kernel], &seq->first);
	} else if (count) {
		status = place(seq, &args.steps);
		if (!status)
			status = gaon_launch(seq->stream, seq->ops->kernels[OPS_KERNEL_SEQUENCE], &l);
	}
	seq->count = 0;
	seq->args_bytes = 0;
	seq->spm_bytes = 0;
	return status;
}

enum gaon_status gaon_ops_sequence_end(struct gaon_ops_sequence *seq)
{
	enum gaon_status status;

	if (!seq || making != seq || !making_lock())
		return ops_fail(GAON_ERROR_STATE, CALL "_end: this thread does not make it");
	making = NULL;
	seq->made = false;
	status = launch_all(seq);
	leave(seq);
	return status;
}

enum gaon_status ops_sequence_pass(struct gaon_stream *stream)
{
	struct gaon_ops_sequence *seq = making_of(stream);
	enum gaon_status status = GAON_OK;

	if (!seq)
		return status;
	status = launch_all(seq);
	unlock(seq);
	return status;
}

uint32_t ops_sequence_groups(const struct gaon_ops *ops, const struct gaon_stream *stream)
{
	struct gaon_ops_sequence *seq = stream ? making_of(stream) : NULL;
	uint32_t groups;

	if (!seq)
		return 0;
	groups = seq->ops == ops ? seq->cores : 0;
	unlock(seq);
	return groups;
}

/* --- steps --------------------------------------------------------------------------------------- */

/* Scratchpad that the step needs; false: more than there is beside the stack. */
static bool fits(const struct gaon_ops_sequence *seq, enum ops_kernel kernel,
		 const struct gaon_launch *launch, uint32_t *spm_bytes)
{
	uint64_t room = seq->ops->spm_bytes, taken = OPS_SEQUENCE_STACK + GUARD;
	struct gaon_kernel_desc desc = { .size = sizeof(desc) };

	if (gaon_kernel_get_desc(seq->ops->kernels[kernel], &desc))
		return false;
	*spm_bytes = launch->spm_bytes ? launch->spm_bytes : desc.spm_bytes;
	return room > taken && *spm_bytes <= room - taken;
}

static void *args_add(struct gaon_ops_sequence *seq, const void *args, uint64_t bytes)
{
	uint64_t at = seq->args_bytes, all = (bytes + ALIGN - 1) / ALIGN * ALIGN;

	if (at + all > seq->args_room) {
		uint64_t room = 2 * (at + all) + 4096;
		uint8_t *data = realloc(seq->args, room);

		if (!data)
			return NULL;
		seq->args = data;
		seq->args_room = room;
	}
	memset(seq->args + at, 0, all);
	memcpy(seq->args + at, args, bytes);
	seq->args_bytes += all;
	return seq->args + at;
}

/* All cores have the same activations, and a share each. */
static bool keeps(const struct ops_mul_mat_args *a, uint32_t cores)
{
	return !a->ids && a->batch[0] == 1 && a->batch[1] == 1 && (a->n - 1) / a->tile_n + 1 >= cores;
}

static bool same_activations(const struct ops_mul_mat_args *a, const struct ops_mul_mat_args *b)
{
	return a->x == b->x && a->x_nb[0] == b->x_nb[0] && a->m == b->m && a->k == b->k &&
	       a->type_x == b->type_x && a->type_a == b->type_a;
}

/* Products with the same activations, one behind the other: the first one's form of them serves all. */
static void keep_activations(struct gaon_ops_sequence *seq, const struct ops_step *before,
			     const struct ops_step *s)
{
	const struct ops_mul_mat_args *a = (const void *)(seq->args + before->args);
	struct ops_mul_mat_args *b = (void *)(seq->args + s->args);

	if (before->kernel == OPS_KERNEL_MUL_MAT && s->kernel == OPS_KERNEL_MUL_MAT && !s->meets)
		b->x_kept = before->parts == seq->cores && s->parts == seq->cores &&
			    before->first == s->first && keeps(a, seq->cores) &&
			    keeps(b, seq->cores) && same_activations(a, b);
}

/* Steps side by side go to one core after the other. */
static enum gaon_status add(struct gaon_ops_sequence *seq, enum ops_kernel kernel,
			    const struct gaon_launch *launch)
{
	struct ops_step *s = &seq->steps[seq->count], *before = seq->count ? s - 1 : NULL;
	uint8_t *args = args_add(seq, launch->args, launch->args_size);

	if (!args)
		return ops_fail(GAON_ERROR_OUT_OF_MEMORY, CALL ": no memory");
	*s = (struct ops_step){
		.args = (uint64_t)(args - seq->args), .kernel = kernel,
		.meets = before && !seq->beside,
		.parts = (uint8_t)(launch->grid[0] < seq->cores ? launch->grid[0] : seq->cores),
	};
	if (before && !s->meets)
		s->first = (uint8_t)((before->first + before->parts) % seq->cores);
	if (before)
		keep_activations(seq, before, s);
	else
		seq->first = *launch;
	seq->count++;
	seq->beside = false;
	return GAON_OK;
}

static enum gaon_status take(struct gaon_ops_sequence *seq, struct gaon_ops *ops, enum ops_kernel kernel,
			     const struct gaon_launch *launch, bool *taken)
{
	enum gaon_status status = GAON_OK;
	uint32_t spm_bytes;

	if (seq->ops != ops || step_args[kernel] != launch->args_size ||
	    !fits(seq, kernel, launch, &spm_bytes)) {
		seq->beside = false;
		return launch_all(seq);
	}
	if (seq->count == STEPS_MAX)
		status = launch_all(seq);
	if (status)
		return status;
	if (seq->spm_bytes < spm_bytes)
		seq->spm_bytes = spm_bytes;
	status = add(seq, kernel, launch);
	*taken = !status;
	return status;
}

enum gaon_status ops_sequence_take(struct gaon_ops *ops, struct gaon_stream *stream,
				   enum ops_kernel kernel, const struct gaon_launch *launch, bool *taken)
{
	struct gaon_ops_sequence *seq = making_of(stream);
	enum gaon_status status = GAON_OK;

	*taken = false;
	if (!seq)
		return status;
	status = take(seq, ops, kernel, launch, taken);
	unlock(seq);
	return status;
}
