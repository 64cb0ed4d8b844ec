/* SPDX-License-Identifier: MIT */
/*
 * MSI-X vectors towards the client: an eventfd each.
 *
 * The eventfds are the client's, and a write to one may block if the client wants it to.  So a
 * thread of their own does it, never the model's or the session's.
 */
#ifndef GAON_SIM_VFIO_IRQ_H
#define GAON_SIM_VFIO_IRQ_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define VFU_VECTORS	32

struct vfu_irqs {
	unsigned int vectors;
	pthread_t thread;
	bool started;
	int wake;			/* an eventfd of our own */
	_Atomic uint32_t raised;	/* vectors to be delivered */
	atomic_bool stop;
	pthread_mutex_t lock;		/* held while eventfds are written; see irqs_lock() */
	int fd[VFU_VECTORS];
};

int vfu_irqs_init(struct vfu_irqs *irqs, unsigned int vectors);
void vfu_irqs_fini(struct vfu_irqs *irqs);

/* Any thread; does not block. */
void vfu_irqs_raise(struct vfu_irqs *irqs, unsigned int vector);

/*
 * Vectors [@start, @start + @count) go to @fds from now on, which are taken over and whose places
 * are set to -1; @fds NULL: to nobody.
 */
void vfu_irqs_set(struct vfu_irqs *irqs, unsigned int start, unsigned int count, int *fds);

/* Bit v: vector v has an eventfd.  The session's thread. */
uint32_t vfu_irqs_armed(const struct vfu_irqs *irqs);

/* Can a write to @fd be an interrupt? */
bool vfu_irqs_fd_valid(int fd);

#endif
