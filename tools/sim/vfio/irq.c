// SPDX-License-Identifier: MIT
#include "irq.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define KICK_NS	50000

/* Interrupts a write that blocks; that it comes back is all there is to it. */
static void on_kick(int sig)
{
	(void)sig;
}

static void irqs_deliver(struct vfu_irqs *irqs, uint32_t vectors)
{
	const uint64_t one = 1;

	pthread_mutex_lock(&irqs->lock);
	for (; vectors; vectors &= vectors - 1) {
		int fd = irqs->fd[__builtin_ctz(vectors)];

		/* A counter that is full, or a client that makes us wait: it has interrupts to look at. */
		if (fd >= 0 && write(fd, &one, sizeof(one)) < 0)
			continue;
	}
	pthread_mutex_unlock(&irqs->lock);
}

static void *irqs_thread(void *arg)
{
	struct vfu_irqs *irqs = arg;
	uint64_t count;

	while (!atomic_load(&irqs->stop)) {
		if (read(irqs->wake, &count, sizeof(count)) < 0 && errno != EINTR)
			break;
		irqs_deliver(irqs, atomic_exchange(&irqs->raised, 0));
	}
	return NULL;
}

/* The thread may be stuck in a write while it holds the lock. */
static void irqs_lock(struct vfu_irqs *irqs)
{
	const struct timespec pause = { .tv_nsec = KICK_NS };

	while (pthread_mutex_trylock(&irqs->lock)) {
		pthread_kill(irqs->thread, SIGUSR1);
		nanosleep(&pause, NULL);
	}
}

int vfu_irqs_init(struct vfu_irqs *irqs, unsigned int vectors)
{
	struct sigaction action = { .sa_handler = on_kick };
	int error;

	memset(irqs, 0, sizeof(*irqs));
	irqs->vectors = vectors < VFU_VECTORS ? vectors : VFU_VECTORS;
	memset(irqs->fd, -1, sizeof(irqs->fd));
	pthread_mutex_init(&irqs->lock, NULL);
	irqs->wake = eventfd(0, EFD_CLOEXEC);
	if (irqs->wake < 0 || sigaction(SIGUSR1, &action, NULL))
		return -errno;
	error = pthread_create(&irqs->thread, NULL, irqs_thread, irqs);
	irqs->started = !error;
	return -error;
}

static void irqs_wake(struct vfu_irqs *irqs)
{
	const uint64_t one = 1;

	/* Cannot fill: the thread empties it, and every turn takes all. */
	while (write(irqs->wake, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

void vfu_irqs_fini(struct vfu_irqs *irqs)
{
	if (irqs->started) {
		atomic_store(&irqs->stop, true);
		vfu_irqs_set(irqs, 0, irqs->vectors, NULL);
		irqs_wake(irqs);
		pthread_join(irqs->thread, NULL);
	}
	if (irqs->wake >= 0)
		close(irqs->wake);
	pthread_mutex_destroy(&irqs->lock);
}

void vfu_irqs_raise(struct vfu_irqs *irqs, unsigned int vector)
{
	uint32_t bit = 1u << vector;

	if (vector < irqs->vectors && !(atomic_fetch_or(&irqs->raised, bit) & bit))
		irqs_wake(irqs);
}

void vfu_irqs_set(struct vfu_irqs *irqs, unsigned int start, unsigned int count, int *fds)
{
	irqs_lock(irqs);
	for (unsigned int i = 0; i < count; i++) {
		int old = irqs->fd[start + i];

		irqs->fd[start + i] = fds ? fds[i] : -1;
		if (fds)
			fds[i] = -1;
		if (old >= 0)
			close(old);
	}
	pthread_mutex_unlock(&irqs->lock);
}

uint32_t vfu_irqs_armed(const struct vfu_irqs *irqs)
{
	uint32_t armed = 0;

	for (unsigned int i = 0; i < irqs->vectors; i++)
		armed |= irqs->fd[i] >= 0 ? 1u << i : 0;
	return armed;
}

/*
 * Nothing in the file system, no pipe and no socket; what is left are the kernel's anonymous files,
 * of which only an eventfd takes eight bytes.  Not blocking is asked of it, but cannot be relied on.
 */
bool vfu_irqs_fd_valid(int fd)
{
	int flags = fcntl(fd, F_GETFL);
	struct stat st;

	if (flags < 0 || (flags & O_PATH) || fstat(fd, &st) || (st.st_mode & S_IFMT))
		return false;
	return !fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}
