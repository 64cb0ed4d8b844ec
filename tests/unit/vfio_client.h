/* SPDX-License-Identifier: MIT */
/*
 * A vfio-user client for tests: speaks to a session that runs on another thread of this process, as
 * QEMU does it, or as a test wants it spoilt.
 */
#ifndef TESTS_UNIT_VFIO_CLIENT_H
#define TESTS_UNIT_VFIO_CLIENT_H

#include <pthread.h>

#include "../../tools/sim/vfio/device.h"
#include "dev_host.h"

struct vfio_deferred;

struct vfio_client {
	struct dev_host host;		/* memory and registers, for dev_host.c's helpers */
	struct vfu_device *dev;
	pthread_t thread;		/* the session's */
	int result;			/* what it returned, once it is joined */
	int fd, server_fd;
	uint16_t next_id;
	int memory;			/* a memfd, shared with the server */
	bool in_band;			/* it is not: the server asks */
	int irq[GAON_MSIX_VECTORS];
	unsigned int dma_reads, dma_writes;
	/* requests of the server that came while an answer was awaited: QEMU cannot serve them then */
	struct vfio_deferred *deferred;
	bool refuse_dma;		/* answer the server's requests with errors */
	int lies;			/* or wrongly: 1 address, 2 count, 3 length, 4 command */
	uint32_t last_error;		/* of the last call that failed */
};

/* A device of a small shape; @options may be NULL. */
struct vfu_device *vfio_device(const struct vfu_options *options);

/* Starts a session of @dev's; nothing is said yet. */
void vfio_connect(struct vfio_client *c, struct vfu_device *dev);
/* Hangs up and waits for the session's end: its result. */
int vfio_disconnect(struct vfio_client *c);

/*
 * VERSION, DMA_MAP of all of host.mem, MSI-X eventfds for all vectors, memory and bus mastering on:
 * what QEMU and a driver do.  @in_band: without a file.
 */
void vfio_start(struct vfio_client *c, struct vfu_device *dev, bool in_band);

/*
 * One request and its answer: bytes of the answer's body (at most @room are stored), or -1 with
 * last_error set if it is an error.  Dies if the server does not answer within ten seconds.
 */
ssize_t vfio_call_fds(struct vfio_client *c, uint16_t command, const void *body, size_t bytes,
		      const int *fds, unsigned int fd_count, void *answer, size_t room, int *fd);
ssize_t vfio_call(struct vfio_client *c, uint16_t command, const void *body, size_t bytes,
		  void *answer, size_t room);
/* The parts of it, for those who do not keep to the order. */
void vfio_send(struct vfio_client *c, const void *data, size_t bytes, const int *fds,
	       unsigned int fd_count);
/* The next answer; server requests are served, or deferred if @defer.  False: the stream has ended. */
bool vfio_receive(struct vfio_client *c, struct vfu_header *header, void *body, size_t room, int *fd,
		  bool defer);
/* Serve what the server asks for, for at most @ms milliseconds. */
void vfio_serve(struct vfio_client *c, int ms);

int vfio_version(struct vfio_client *c, const char *json);
int vfio_region_read(struct vfio_client *c, uint32_t region, uint64_t offset, void *data, uint32_t bytes);
int vfio_region_write(struct vfio_client *c, uint32_t region, uint64_t offset, const void *data,
		      uint32_t bytes);
int vfio_dma_map(struct vfio_client *c, uint64_t iova, uint64_t size, uint32_t flags, int fd,
		 uint64_t offset);
int vfio_dma_unmap(struct vfio_client *c, uint64_t iova, uint64_t size, uint32_t flags, uint64_t *bytes);
/* @fds NULL: no file comes along. */
int vfio_set_irqs(struct vfio_client *c, uint32_t flags, uint32_t start, uint32_t count, const int *fds,
		  unsigned int fd_count);
/* Did vector @vector's eventfd fire within @ms? */
bool vfio_interrupted(struct vfio_client *c, unsigned int vector, int ms);

#endif
