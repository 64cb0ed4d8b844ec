/* SPDX-License-Identifier: MIT */
/* What the tests of the operators share: a device, buffers on both sides, random numbers. */
#ifndef GAON_TESTS_OPS_COMMON_H
#define GAON_TESTS_OPS_COMMON_H

#include <check.h>
#include <stdint.h>

#include <gaon/gaon.h>
#include <gaon/ops.h>

struct ops_test {
	struct gaon_device *dev;
	struct gaon_stream *stream;
	struct gaon_ops *ops;
	uint64_t random;
};

extern struct ops_test ops_t;

/* Fixture of every test case: opens the device, prints the seed (GAON_SEED repeats one). */
void ops_test_setup(void);
void ops_test_teardown(void);
/* The device opened anew with variable @name set to @value, which only the embedded one looks at. */
void ops_test_reopen(const char *name, const char *value);

#define OPS_OK(call)									\
	do {										\
		enum gaon_status ops_status_ = (call);					\
		ck_assert_msg(!ops_status_, "%s: %s: %s; %s", #call,			\
			      gaon_status_name(ops_status_), gaon_last_error()->text,	\
			      gaon_ops_last_error());					\
	} while (0)

uint32_t ops_random(void);
/* In [low, high]. */
uint32_t ops_random_in(uint32_t low, uint32_t high);
/* In [-@wide, @wide]. */
float ops_random_f32(float wide);
void ops_random_fill(float *x, uint64_t count, float wide);

/* Device memory with a copy of @data (NULL: zero); freed by ops_get() or ops_forget(). */
uint64_t ops_put(const void *data, uint64_t bytes);
/* Wait for the stream; the test fails with the fault's text if there was one. */
void ops_wait(void);
/* Free what ops_put() gave. */
void ops_forget(void);
/* Wait for the stream, read back, free what ops_put() gave. */
void ops_get(void *data, uint64_t va, uint64_t bytes);
/* The process's memory, freed by the test's end. */
void *ops_alloc(uint64_t bytes);

/* |got - want| <= absolute + relative * |want| for every element; infinities and NaN must match. */
void ops_compare(const char *what, const float *got, const double *want, uint64_t count,
		 double relative, double absolute);

/* Runs a shell command, its output (both streams) in *@output; returns the exit status. */
int ops_shell(char output[8192], const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Runs a suite of the given test cases; the exit status of main. */
int ops_run(const char *name, void (*add)(TCase *));

#endif
