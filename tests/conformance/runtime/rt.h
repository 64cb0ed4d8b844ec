/* SPDX-License-Identifier: MIT */
/* What the runtime's conformance tests share: one device for each test, kernels, random numbers. */
#ifndef GAON_TEST_RUNTIME_RT_H
#define GAON_TEST_RUNTIME_RT_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gaon/gaon.h>

#include "kernels.h"

#define SECOND	1000000000ull
#define WAIT	(20 * SECOND)

/* Set up before each test by rt_suite(). */
extern struct gaon_device *dev;
extern struct gaon_stream *stream;
extern struct gaon_module *module;

/* The call succeeded; prints the error's text if not. */
#define ok(call) ck_ok(call, #call, __FILE__, __LINE__)
/* The call failed with that status, and the last error says so and has a text. */
#define fails(status, call) ck_fails(status, call, #call, __FILE__, __LINE__)

void ck_ok(enum gaon_status status, const char *call, const char *file, int line);
void ck_fails(enum gaon_status want, enum gaon_status got, const char *call, const char *file,
	      int line);

struct gaon_kernel *rt_kernel(const char *name);
/* Launches @name on @s with struct conf_args {va, value} over @grid workgroups. */
enum gaon_status rt_launch(struct gaon_stream *s, const char *name, uint32_t grid, uint64_t va,
			   uint64_t value);
struct gaon_mem *rt_alloc(uint64_t bytes, uint64_t *va);

/*
 * The device's queues are the kernel's: memory of the program cannot be imported then,
 * include/gaon/gaon.h says.
 */
bool rt_kernel_queues(void);

uint64_t rt_random(void);
void rt_random_bytes(void *data, size_t bytes);
double rt_now(void);

/* A suite whose tests each have a device; runs it alone: returns main()'s value. */
TCase *rt_case(Suite *suite, const char *name);
int rt_run(Suite *suite);

#endif
