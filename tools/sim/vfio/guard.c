// SPDX-License-Identifier: MIT
#include "guard.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define GUARDS	1024

/* One table per process, because there is one signal handler. */
static struct guard {
	_Atomic uintptr_t start;	/* 0: free */
	uintptr_t end;
	size_t page;
	atomic_bool *lost;
} guards[GUARDS];

static pthread_mutex_t guards_lock = PTHREAD_MUTEX_INITIALIZER;	/* adding and removing */

static void on_sigbus(int sig, siginfo_t *info, void *context)
{
	uintptr_t at = (uintptr_t)info->si_addr;

	(void)context;
	for (unsigned int i = 0; i < GUARDS; i++) {
		uintptr_t start = atomic_load(&guards[i].start);
		void *page;

		if (!start || at < start || at >= guards[i].end)
			continue;
		page = (void *)(at & ~(uintptr_t)(guards[i].page - 1));
		if (mmap(page, guards[i].page, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
			break;
		atomic_store(guards[i].lost, true);
		return;
	}
	/* Not ours: the access is repeated and ends the process. */
	signal(sig, SIG_DFL);
}

int vfu_guard_install(void)
{
	struct sigaction action = { .sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO };

	return sigaction(SIGBUS, &action, NULL) ? -errno : 0;
}

int vfu_guard_add(void *start, size_t bytes, size_t page, atomic_bool *lost)
{
	int guard = -ENOSPC;

	pthread_mutex_lock(&guards_lock);
	for (int i = 0; i < GUARDS && guard < 0; i++) {
		if (atomic_load(&guards[i].start))
			continue;
		guards[i].end = (uintptr_t)start + bytes;
		guards[i].page = page;
		guards[i].lost = lost;
		atomic_store(&guards[i].start, (uintptr_t)start);
		guard = i;
	}
	pthread_mutex_unlock(&guards_lock);
	return guard;
}

void vfu_guard_remove(int guard)
{
	pthread_mutex_lock(&guards_lock);
	atomic_store(&guards[guard].start, 0);
	pthread_mutex_unlock(&guards_lock);
}
