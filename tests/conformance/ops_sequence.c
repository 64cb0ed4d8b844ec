// SPDX-License-Identifier: MIT
/*
 * Sequences: random operators on a few rows, each reading what others wrote, have to leave the same bits
 * whether they are launched one by one, collected, or collected and recorded.  Those that do not depend on
 * each other are put side by side as often as chance has it.
 */
#include "ops_common.h"
#include "ops_weights.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <gaon/products.h>

#define ROWS	10
#define WEIGHTS	3
#define STEPS	200
#define PROGRAMS	6
#define STREAMS		4
#define ROUNDS		5

enum kind { MAP, ADD, NORM, GLU, PRODUCT, TURN, ORDER, CLEAR, KINDS };

struct step {
	enum kind kind;
	int dst, a, b, w;
	bool beside;
};

struct program {
	uint64_t k;
	uint32_t count;
	struct step step[STEPS];
	float *start;			/* ROWS rows of k */
	uint64_t weights[WEIGHTS], position;
};

static struct gaon_tensor row(const struct program *p, uint64_t pool, int i)
{
	struct gaon_tensor t;

	ck_assert(gaon_tensor_dense(&t, pool + (uint64_t)i * p->k * 4, GAON_TYPE_F32,
				    (uint64_t[]){ p->k, 1, 1, 1 }));
	return t;
}

static bool reads_a(const struct step *s)
{
	return s->kind != CLEAR;
}

static bool reads_b(const struct step *s)
{
	return s->kind == ADD || s->kind == NORM || s->kind == GLU;
}

/* A step beside those from @group on. */
static bool may_go_beside(const struct program *p, uint32_t group, uint32_t i)
{
	const struct step *s = &p->step[i];

	for (uint32_t g = group; g < i; g++) {
		const struct step *o = &p->step[g];

		if (o->dst == s->dst || (reads_a(s) && o->dst == s->a) ||
		    (reads_b(s) && o->dst == s->b) || (reads_a(o) && o->a == s->dst) ||
		    (reads_b(o) && o->b == s->dst))
			return false;
	}
	return true;
}

static void make_steps(struct program *p)
{
	uint32_t group = 0;

	p->count = ops_random_in(1, STEPS);
	for (uint32_t i = 0; i < p->count; i++) {
		struct step *s = &p->step[i];

		/* Mostly what generation is made of. */
		s->kind = ops_random_in(0, 15) ? ops_random_in(0, TURN) : ops_random_in(ORDER, CLEAR);
		s->a = (int)ops_random_in(0, ROWS - 1);
		/* The activations of the step before, as often as not. */
		if (i && ops_random_in(0, 1))
			s->a = p->step[i - 1].a;
		s->b = (int)ops_random_in(0, ROWS - 1);
		do {
			s->dst = (int)ops_random_in(0, ROWS - 1);
		} while (s->dst == s->a || s->dst == s->b);
		s->w = (int)ops_random_in(0, WEIGHTS - 1);
		s->beside = i && ops_random_in(0, 3) && may_go_beside(p, group, i);
		if (!s->beside)
			group = i;
	}
}

static void make_program(struct program *p)
{
	uint64_t n;
	uint8_t *w;

	p->k = ops_random_in(1, 8) * 32;
	n = p->k * p->k;
	p->start = ops_alloc(ROWS * p->k * 4);
	ops_random_fill(p->start, ROWS * p->k, 2.0f);
	w = ops_alloc(n / 32 * 20);
	for (int i = 0; i < WEIGHTS; i++) {
		double *values = ops_alloc(n * sizeof(double));

		ops_random_weights(GAON_TYPE_Q4_1, n, w, values);
		p->weights[i] = ops_put(w, n / 32 * 20);
		free(values);
	}
	free(w);
	p->position = ops_put(&(int32_t){ (int32_t)ops_random_in(0, 500) }, 4);
	make_steps(p);
}

static enum gaon_status product(const struct program *p, const struct step *s, uint64_t pool)
{
	struct gaon_tensor dst = row(p, pool, s->dst), a = row(p, pool, s->a), w;
	uint64_t k = s->kind == CLEAR ? 0 : p->k;

	ck_assert(gaon_tensor_dense(&w, p->weights[s->w], GAON_TYPE_Q4_1,
				    (uint64_t[]){ k, p->k, 1, 1 }));
	a.ne[0] = k;
	/* One row is brought into form in the scratchpad: what is behind the pool is not touched. */
	return gaon_ops_mul_mat(ops_t.ops, ops_t.stream, &dst, &w, &a,
				pool + (ROWS * p->k * 4 + 63) / 64 * 64, false);
}

static enum gaon_status turn(const struct program *p, const struct step *s, uint64_t pool)
{
	struct gaon_rope rope = { .size = sizeof(rope), .mode = GAON_ROPE_NEOX, .n_dims = 32,
				  .freq_base = 10000.0f, .freq_scale = 1.0f, .attn_factor = 1.0f,
				  .beta_fast = 32.0f, .beta_slow = 1.0f };
	struct gaon_tensor dst, a, position;
	uint64_t ne[] = { 32, p->k / 32, 1, 1 };

	ck_assert(gaon_tensor_dense(&dst, row(p, pool, s->dst).va, GAON_TYPE_F32, ne) &&
		  gaon_tensor_dense(&a, row(p, pool, s->a).va, GAON_TYPE_F32, ne) &&
		  gaon_tensor_dense(&position, p->position, GAON_TYPE_I32, (uint64_t[]){ 1, 1, 1, 1 }));
	return gaon_ops_rope(ops_t.ops, ops_t.stream, &dst, &a, &position, NULL, &rope);
}

static enum gaon_status run_step(const struct program *p, const struct step *s, uint64_t pool)
{
	struct gaon_tensor dst = row(p, pool, s->dst), a = row(p, pool, s->a), b = row(p, pool, s->b);

	switch (s->kind) {
	case MAP:
		return gaon_ops_map(ops_t.ops, ops_t.stream, GAON_OPS_TANH, &dst, &a, 1.0f, 0.0f);
	case ADD:
		return gaon_ops_zip(ops_t.ops, ops_t.stream, GAON_OPS_ADD, &dst, &a, &b);
	case NORM:
		return gaon_ops_rms_norm(ops_t.ops, ops_t.stream, &dst, &a, &b, 1e-5f);
	case GLU:
		return gaon_ops_glu(ops_t.ops, ops_t.stream, GAON_OPS_SWIGLU, &dst, &a, &b, false, 0.0f,
				    0.0f);
	case TURN:
		return turn(p, s, pool);
	case ORDER:
		/* No step of a sequence. Small integers are small numbers too. */
		dst.type = GAON_TYPE_I32;
		return gaon_ops_argsort(ops_t.ops, ops_t.stream, &dst, &a, false);
	default:
		return product(p, s, pool);
	}
}

/* All steps, in one sequence or in some; @seq NULL: launch by launch. */
static void run_program(const struct program *p, uint64_t pool, struct gaon_ops_sequence *seq)
{
	bool open = false;

	for (uint32_t i = 0; i < p->count; i++) {
		if (seq && open && !ops_random_in(0, 40)) {
			OPS_OK(gaon_ops_sequence_end(seq));
			open = false;
		}
		if (seq && !open)
			OPS_OK(gaon_ops_sequence_begin(seq, ops_t.stream));
		open = true;
		if (p->step[i].beside || ops_random_in(0, 1))
			gaon_ops_sequence_beside(seq, p->step[i].beside);
		OPS_OK(run_step(p, &p->step[i], pool));
	}
	if (seq)
		OPS_OK(gaon_ops_sequence_end(seq));
}

static void compare(const struct program *p, const char *what, const float *want, uint64_t pool)
{
	float *got = ops_alloc(ROWS * p->k * 4);

	ops_wait();
	OPS_OK(gaon_mem_read(ops_t.dev, got, pool, ROWS * p->k * 4));
	for (uint64_t i = 0; i < ROWS * p->k; i++)
		ck_assert_msg(!memcmp(&got[i], &want[i], 4),
			      "%s: %u steps, row %llu, element %llu: %a is not %a", what, p->count, (unsigned long long)(i / p->k),
			      (unsigned long long)(i % p->k), got[i], want[i]);
	free(got);
}

static void restart(const struct program *p, uint64_t pool)
{
	OPS_OK(gaon_mem_write(ops_t.dev, pool, p->start, ROWS * p->k * 4));
}

static void check_recorded(const struct program *p, struct gaon_ops_sequence *seq, const float *want,
			   uint64_t pool)
{
	struct gaon_graph *graph;

	OPS_OK(gaon_graph_begin(ops_t.stream));
	run_program(p, pool, seq);
	OPS_OK(gaon_graph_end(ops_t.stream, &graph));
	for (int i = 0; i < 2; i++) {
		restart(p, pool);
		OPS_OK(gaon_graph_launch(ops_t.stream, graph));
		compare(p, i ? "replayed again" : "replayed", want, pool);
	}
	OPS_OK(gaon_graph_destroy(graph));
}

/* Memory for @p to work in, as it begins. */
static uint64_t make_pool(const struct program *p)
{
	uint64_t pool = ops_put(NULL, 2 * ROWS * p->k * 4 + 128);

	restart(p, pool);
	return pool;
}

START_TEST(the_same_bits)
{
	for (int i = 0; i < PROGRAMS; i++) {
		struct gaon_ops_sequence *seq;
		struct program p;
		uint64_t pool;
		float *want;

		make_program(&p);
		pool = make_pool(&p);
		want = ops_alloc(ROWS * p.k * 4);
		run_program(&p, pool, NULL);
		ops_wait();
		OPS_OK(gaon_mem_read(ops_t.dev, want, pool, ROWS * p.k * 4));
		OPS_OK(gaon_ops_sequence_create(ops_t.ops, &seq));
		restart(&p, pool);
		run_program(&p, pool, seq);
		compare(&p, "collected", want, pool);
		check_recorded(&p, seq, want, pool);
		gaon_ops_sequence_destroy(seq);
		ops_forget();
		free(want);
		free(p.start);
	}
}
END_TEST

struct player {
	struct gaon_stream *stream;
	struct gaon_ops_sequence *seq;
	struct gaon_graph *graph;
	uint64_t pool;
};

static void make_player(struct player *l, const struct program *p)
{
	l->pool = make_pool(p);
	OPS_OK(gaon_stream_create(ops_t.dev, NULL, &l->stream));
	OPS_OK(gaon_ops_sequence_create(ops_t.ops, &l->seq));
	ops_t.stream = l->stream;
	OPS_OK(gaon_graph_begin(l->stream));
	run_program(p, l->pool, l->seq);
	OPS_OK(gaon_graph_end(l->stream, &l->graph));
}

static void end_player(struct player *l)
{
	OPS_OK(gaon_graph_destroy(l->graph));
	gaon_ops_sequence_destroy(l->seq);
	gaon_stream_destroy(l->stream);
}

/* All gangs want the same two cores, and so do the launches of the stream beside them. */
START_TEST(streams_share_the_cores)
{
	struct gaon_stream *own = ops_t.stream;
	struct player player[STREAMS];
	struct program p;
	uint64_t pool;
	float *want;

	make_program(&p);
	pool = make_pool(&p);
	want = ops_alloc(ROWS * p.k * 4);
	for (int s = 0; s < STREAMS; s++)
		make_player(&player[s], &p);
	ops_t.stream = own;
	for (int i = 0; i < ROUNDS; i++) {
		for (int s = 0; s < STREAMS; s++)
			OPS_OK(gaon_graph_launch(player[s].stream, player[s].graph));
		run_program(&p, pool, NULL);
	}
	ops_wait();
	OPS_OK(gaon_mem_read(ops_t.dev, want, pool, ROWS * p.k * 4));
	for (int s = 0; s < STREAMS; s++) {
		ops_t.stream = player[s].stream;
		compare(&p, "beside others", want, player[s].pool);
		end_player(&player[s]);
	}
	ops_t.stream = own;
	ops_forget();
	free(want);
	free(p.start);
}
END_TEST

START_TEST(states)
{
	struct gaon_ops_sequence *seq, *other;

	OPS_OK(gaon_ops_sequence_create(ops_t.ops, &seq));
	OPS_OK(gaon_ops_sequence_create(ops_t.ops, &other));
	ck_assert_int_eq(gaon_ops_sequence_create(NULL, &seq), GAON_ERROR_INVALID_ARGUMENT);
	ck_assert_int_eq(gaon_ops_sequence_create(ops_t.ops, NULL), GAON_ERROR_INVALID_ARGUMENT);
	ck_assert_int_eq(gaon_ops_sequence_end(seq), GAON_ERROR_STATE);
	ck_assert_int_eq(gaon_ops_sequence_begin(seq, NULL), GAON_ERROR_INVALID_ARGUMENT);
	ck_assert_int_eq(gaon_ops_sequence_begin(NULL, ops_t.stream), GAON_ERROR_INVALID_ARGUMENT);
	OPS_OK(gaon_ops_sequence_begin(seq, ops_t.stream));
	ck_assert_int_eq(gaon_ops_sequence_begin(other, ops_t.stream), GAON_ERROR_STATE);
	ck_assert_int_eq(gaon_ops_sequence_end(other), GAON_ERROR_STATE);
	/* Nothing was collected: nothing happens. */
	OPS_OK(gaon_ops_sequence_end(seq));
	OPS_OK(gaon_ops_sequence_begin(seq, ops_t.stream));
	/* An unfinished one is dropped, and the thread may begin another. */
	gaon_ops_sequence_destroy(seq);
	OPS_OK(gaon_ops_sequence_begin(other, ops_t.stream));
	OPS_OK(gaon_ops_sequence_end(other));
	gaon_ops_sequence_destroy(other);
	gaon_ops_sequence_destroy(NULL);
}
END_TEST

/* A small row. */
static struct gaon_tensor four(float value)
{
	float data[4] = { value, value, value, value };
	struct gaon_tensor t;

	ck_assert(gaon_tensor_dense(&t, ops_put(data, sizeof(data)), GAON_TYPE_F32,
				    (uint64_t[]){ 4, 1, 1, 1 }));
	return t;
}

static float first_of(const struct gaon_tensor *t)
{
	float value;

	OPS_OK(gaon_mem_read(ops_t.dev, &value, t->va, sizeof(value)));
	return value;
}

static void double_up(struct gaon_stream *stream, const struct gaon_tensor *t)
{
	OPS_OK(gaon_ops_zip(ops_t.ops, stream, GAON_OPS_ADD, t, t, t));
}

static void *destroy(void *arg)
{
	struct gaon_ops_sequence *seq = arg;

	ck_assert_int_eq(gaon_ops_sequence_begin(seq, ops_t.stream), GAON_ERROR_STATE);
	ck_assert_int_eq(gaon_ops_sequence_end(seq), GAON_ERROR_STATE);
	gaon_ops_sequence_destroy(seq);
	return NULL;
}

/* What was collected is dropped, what comes is launched, and the thread may begin another one. */
START_TEST(destroyed_by_another_thread)
{
	struct gaon_tensor dropped = four(1), launched = four(1), collected = four(1);
	struct gaon_ops_sequence *seq, *other;
	pthread_t thread;

	OPS_OK(gaon_ops_sequence_create(ops_t.ops, &seq));
	OPS_OK(gaon_ops_sequence_create(ops_t.ops, &other));
	OPS_OK(gaon_ops_sequence_begin(seq, ops_t.stream));
	double_up(ops_t.stream, &dropped);
	ck_assert_int_eq(pthread_create(&thread, NULL, destroy, seq), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	double_up(ops_t.stream, &launched);
	ops_wait();
	ck_assert(first_of(&dropped) == 1 && first_of(&launched) == 2);
	ck_assert_int_eq(gaon_ops_sequence_end(seq), GAON_ERROR_STATE);
	OPS_OK(gaon_ops_sequence_begin(other, ops_t.stream));
	double_up(ops_t.stream, &collected);
	OPS_OK(gaon_ops_sequence_end(other));
	ops_wait();
	ck_assert(first_of(&collected) == 2);
	gaon_ops_sequence_destroy(other);
	ops_forget();
}
END_TEST

/* What goes to another stream is launched at once, as if there were no sequence. */
START_TEST(another_stream)
{
	struct gaon_tensor here = four(1), there = four(1);
	struct gaon_ops_sequence *seq;
	struct gaon_stream *stream;

	OPS_OK(gaon_stream_create(ops_t.dev, NULL, &stream));
	OPS_OK(gaon_ops_sequence_create(ops_t.ops, &seq));
	OPS_OK(gaon_ops_sequence_begin(seq, ops_t.stream));
	double_up(ops_t.stream, &here);
	double_up(stream, &there);
	OPS_OK(gaon_stream_wait(stream, UINT64_MAX));
	ck_assert(first_of(&here) == 1 && first_of(&there) == 2);
	OPS_OK(gaon_ops_sequence_end(seq));
	ops_wait();
	ck_assert(first_of(&here) == 2);
	gaon_ops_sequence_destroy(seq);
	gaon_stream_destroy(stream);
	ops_forget();
}
END_TEST

static void add(TCase *tc)
{
	tcase_add_test(tc, the_same_bits);
	tcase_add_test(tc, streams_share_the_cores);
	tcase_add_test(tc, states);
	tcase_add_test(tc, destroyed_by_another_thread);
	tcase_add_test(tc, another_stream);
}

int main(void)
{
	return ops_run("ops_sequence", add);
}
