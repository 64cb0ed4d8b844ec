/* SPDX-License-Identifier: MIT */
/* What the probes of gaon-bench-vm share. */
#ifndef GAON_TESTS_BENCH_VM_BENCH_H
#define GAON_TESTS_BENCH_VM_BENCH_H

#include <stdbool.h>

/* True if @err, an errno, is 0; else prints it with @what. */
bool bench_errno_ok(int err, const char *what);

/*
 * Counts this thread's system calls, by the kernel's own dispatch to user space: from now on they
 * are counted. False: this kernel cannot.
 */
bool bench_syscalls_begin(void);
/* Until now: how many there were. The call that ends it is not counted. */
unsigned int bench_syscalls_end(void);

#endif
