/* SPDX-License-Identifier: MIT */
/*
 * Benchmarks: one row per figure.  Each side of a row is a probe: a function that measures one thing
 * and gives one number in the row's unit.  Probes run in processes of their own, ours and the peer's
 * in turn, so that neither side's threads, memory or environment disturb the other.
 */
#ifndef GAON_TESTS_BENCH_H
#define GAON_TESTS_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bench_probe {
	const char *name;
	double (*run)(void);	/* negative: cannot be measured here */
};

/**
 * struct bench_row - a figure and what it is held against
 * @ours, @theirs: names of probes; @theirs NULL: no peer
 * @ours_env, @theirs_env: "NAME=VALUE NAME=" pairs for the two processes; an empty value unsets
 * @peer: who that is, in words
 * @ratio: reach for ours / theirs, 0 none; @at_most: smaller is better
 * @bound: further reach for the value itself, 0 none, in the same direction
 * @limit: what bounds the figure
 * @rounds: pairs, 0: the default
 */
struct bench_row {
	const char *name, *unit;
	const char *ours, *ours_env;
	const char *theirs, *theirs_env;
	bool pair;
	const char *peer;
	double ratio, bound;
	bool at_most;
	const char *limit;
	unsigned int rounds;
};

/* What a program measures: its rows end with a NULL name, its tables with NULL; a line for --help. */
extern const struct bench_row bench_rows[];
extern const struct bench_probe *const bench_tables[];
extern const char bench_about[];

/* Probes by file; each table ends with a NULL name. */
extern const struct bench_probe bench_probes_launch[], bench_probes_copy[], bench_probes_gemm[],
	bench_probes_core[], bench_probes_pocl[], bench_probes_blas[], bench_probes_memory[],
	bench_probes_native[], bench_probes_admin[], bench_probes_watch[],
	bench_probes_vm_queue[], bench_probes_vm_bind[], bench_probes_vm_scale[],
	bench_probes_cards[];

extern double bench_peer_figure;

/* --- for probes --------------------------------------------------------------------------- */
double bench_now(void);			/* monotonic seconds */
double bench_thread_cpu(void);		/* CPU seconds of this thread */
double bench_median(double *values, size_t count);
float *bench_random(size_t count, unsigned int seed);	/* in [-1, 1); freed by the caller */
unsigned int bench_threads(void);	/* host threads that either side may use: OMP_NUM_THREADS or all */

/*
 * A recorded machine of eight cards, in a directory whose name mkdtemp() makes of @dir, with a process on
 * each card and @processes that use none. False: it could not be made. bench_cards_free() in any case.
 */
bool bench_cards_make(char *dir, unsigned int processes);
void bench_cards_free(const char *dir);

/* One number from a probe in a process of its own, negative if it failed; *@peer (may be NULL): a second. */
double bench_spawn(const char *self, const char *probe, const char *env, double *peer);

#endif
