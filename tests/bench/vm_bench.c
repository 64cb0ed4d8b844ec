// SPDX-License-Identifier: MIT
/*
 * With Syscall User Dispatch a system call raises SIGSYS in place of being done while the selector
 * says so. The handler counts it and lets it be done after all; it then stays allowed until the
 * counting thread blocks it again, so that a count of 0 is exact and any other is at least that.
 * What makes no system call runs at its full speed.
 */
#include "vm_bench.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <ucontext.h>

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH	59
#define PR_SYS_DISPATCH_OFF		0
#define PR_SYS_DISPATCH_ON		1
#define SYSCALL_DISPATCH_FILTER_ALLOW	0
#define SYSCALL_DISPATCH_FILTER_BLOCK	1
#endif

#define SYSCALL_BYTES	2	/* of the instruction syscall */

static volatile char selector = SYSCALL_DISPATCH_FILTER_ALLOW;
static volatile sig_atomic_t count;

static void on_sigsys(int number, siginfo_t *info, void *context)
{
	ucontext_t *u = context;

	(void)number;
	(void)info;
	selector = SYSCALL_DISPATCH_FILTER_ALLOW;
	count++;
	u->uc_mcontext.gregs[REG_RIP] -= SYSCALL_BYTES;
}

bool bench_errno_ok(int err, const char *what)
{
	if (err)
		fprintf(stderr, "gaon-bench-vm: %s: %s\n", what, strerror(err));
	return !err;
}

bool bench_syscalls_begin(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_sigaction = on_sigsys;
	action.sa_flags = SA_SIGINFO;
	count = 0;
	if (sigaction(SIGSYS, &action, NULL) ||
	    prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0, 0, &selector))
		return false;
	selector = SYSCALL_DISPATCH_FILTER_BLOCK;
	return true;
}

unsigned int bench_syscalls_end(void)
{
	selector = SYSCALL_DISPATCH_FILTER_ALLOW;
	prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 0, 0, 0);
	return (unsigned int)count;
}
