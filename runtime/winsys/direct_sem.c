// SPDX-License-Identifier: MIT
/*
 * Semaphores of the embedded device: a page of memory that has a file descriptor, and a futex in
 * it. It can be given to another process, whatever that does to it; its size is sealed.
 */
#include "direct.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SEM_MAGIC	0x6d65736e6f616701ull	/* version 1 of the layout */
#define SEM_SEALS	(F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

struct sem_page {
	uint64_t magic;
	_Atomic uint32_t changes;	/* the futex: whoever waits has seen this many */
	uint32_t pad;
	_Atomic uint64_t value;
};

struct gaon_ws_sem {
	struct sem_page *page;
	int fd;
};

/* @fd becomes the semaphore's, also on failure. */
static int sem_map(int fd, struct gaon_ws_sem **out)
{
	struct gaon_ws_sem *sem = malloc(sizeof(*sem));
	void *page = MAP_FAILED;
	int err = ENOMEM;

	if (sem) {
		page = mmap(NULL, GAON_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		err = errno;
	}
	if (page == MAP_FAILED) {
		free(sem);
		close(fd);
		return -err;
	}
	*sem = (struct gaon_ws_sem){ .page = page, .fd = fd };
	*out = sem;
	return 0;
}

int direct_sem_create(struct gaon_winsys *winsys, struct gaon_ws_sem **out)
{
	int fd = memfd_create("gaon-semaphore", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int err;

	(void)winsys;
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, GAON_PAGE_SIZE) || fcntl(fd, F_ADD_SEALS, SEM_SEALS)) {
		err = -errno;
		close(fd);
		return err;
	}
	err = sem_map(fd, out);
	if (!err)
		(*out)->page->magic = SEM_MAGIC;
	return err;
}

int direct_sem_import(struct gaon_winsys *winsys, int fd, struct gaon_ws_sem **out)
{
	int seals = fcntl(fd, F_GET_SEALS), own, err;
	struct stat st;

	(void)winsys;
	/* Unsealed, its owner could take the page away from under a reader. */
	if (seals < 0 || (seals & SEM_SEALS) != SEM_SEALS || fstat(fd, &st) ||
	    st.st_size != GAON_PAGE_SIZE)
		return seals < 0 && errno == EBADF ? -EBADF : -EINVAL;
	own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (own < 0)
		return -errno;
	err = sem_map(own, out);
	if (err)
		return err == -EACCES || err == -EPERM ? -EINVAL : err;
	if ((*out)->page->magic != SEM_MAGIC) {
		direct_sem_destroy(*out);
		return -EINVAL;
	}
	return 0;
}

int direct_sem_export(struct gaon_ws_sem *sem, int *fd)
{
	int copy = fcntl(sem->fd, F_DUPFD_CLOEXEC, 0);

	if (copy < 0)
		return -errno;
	*fd = copy;
	return 0;
}

int direct_sem_query(struct gaon_ws_sem *sem, uint64_t *value)
{
	*value = atomic_load(&sem->page->value);
	return 0;
}

int direct_sem_signal(struct gaon_ws_sem *sem, uint64_t value)
{
	uint64_t now = atomic_load(&sem->page->value);

	while (now < value && !atomic_compare_exchange_weak(&sem->page->value, &now, value))
		;
	atomic_fetch_add(&sem->page->changes, 1);
	syscall(SYS_futex, &sem->page->changes, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
	return 0;
}

int direct_sem_wait(struct gaon_ws_sem *sem, uint64_t value, uint64_t timeout_ns)
{
	uint64_t start = rt_now_ns(), spent = 0;

	for (;;) {
		uint32_t changes = atomic_load(&sem->page->changes);
		struct timespec left;

		if (atomic_load(&sem->page->value) >= value)
			return 0;
		if (spent >= timeout_ns)
			return -ETIME;
		left.tv_sec = (time_t)((timeout_ns - spent) / 1000000000);
		left.tv_nsec = (long)((timeout_ns - spent) % 1000000000);
		syscall(SYS_futex, &sem->page->changes, FUTEX_WAIT, changes, &left, NULL, 0);
		spent = rt_now_ns() - start;
	}
}

void direct_sem_destroy(struct gaon_ws_sem *sem)
{
	munmap(sem->page, GAON_PAGE_SIZE);
	close(sem->fd);
	free(sem);
}
