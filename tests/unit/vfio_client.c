// SPDX-License-Identifier: MIT
#include "vfio_client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

struct vfio_deferred {
	struct vfu_header header;
	uint8_t *body;
	struct vfio_deferred *next;
};

/* --- life --------------------------------------------------------------------------------------- */

struct vfu_device *vfio_device(const struct vfu_options *options)
{
	struct vfu_options o = { .log_level = getenv("GAON_TEST_LOG") ? 7 : -1 };
	struct vfu_device *dev;

	if (options) {
		int level = o.log_level;

		o = *options;
		o.log_level = level;
	}
	if (!o.config.hbm_bytes)
		o.config.hbm_bytes = 64ull << 20;
	if (!o.config.threads)
		o.config.threads = 2;
	if (!o.config.cores)
		o.config.cores = 2;
	if (!o.config.spm_bytes)
		o.config.spm_bytes = 1 << 20;
	dev = vfu_device_create("test", &o);
	if (!dev)
		dev_host_fail("vfu_device_create failed");
	return dev;
}

static void *session_thread(void *arg)
{
	struct vfio_client *c = arg;

	c->result = vfu_session_run(c->dev, c->server_fd);
	close(c->server_fd);
	return NULL;
}

void vfio_connect(struct vfio_client *c, struct vfu_device *dev)
{
	const struct timeval patience = { .tv_sec = 10 };
	int pair[2];

	memset(c, 0, sizeof(*c));
	memset(c->irq, -1, sizeof(c->irq));
	c->dev = dev;
	c->memory = -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		dev_host_fail("socketpair");
	c->fd = pair[0];
	c->server_fd = pair[1];
	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (pthread_create(&c->thread, NULL, session_thread, c))
		dev_host_fail("pthread_create");
}

int vfio_disconnect(struct vfio_client *c)
{
	close(c->fd);
	pthread_join(c->thread, NULL);
	for (unsigned int i = 0; i < GAON_MSIX_VECTORS; i++)
		if (c->irq[i] >= 0)
			close(c->irq[i]);
	if (c->host.mem)
		munmap(c->host.mem, c->host.bytes);
	if (c->memory >= 0)
		close(c->memory);
	while (c->deferred) {
		struct vfio_deferred *next = c->deferred->next;

		free(c->deferred->body);
		free(c->deferred);
		c->deferred = next;
	}
	return c->result;
}

/* --- messages ----------------------------------------------------------------------------------- */

void vfio_send(struct vfio_client *c, const void *data, size_t bytes, const int *fds,
	       unsigned int fd_count)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)data, .iov_len = bytes };
	char control[CMSG_SPACE(64 * sizeof(int))] __attribute__((aligned(8))) = { 0 };
	struct msghdr hdr = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd_count) {
		struct cmsghdr *cmsg = (struct cmsghdr *)control;

		hdr.msg_control = control;
		hdr.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, fd_count * sizeof(int));
	}
	while (iov.iov_len) {
		ssize_t n = sendmsg(c->fd, &hdr, MSG_NOSIGNAL);

		/* The server may have hung up on a hostile test. */
		if (n <= 0)
			return;
		iov.iov_base = (uint8_t *)iov.iov_base + n;
		iov.iov_len -= n;
		hdr.msg_control = NULL;
		hdr.msg_controllen = 0;
	}
}

static bool receive_all(struct vfio_client *c, void *data, size_t bytes, int *fd)
{
	char control[CMSG_SPACE(4 * sizeof(int))] __attribute__((aligned(8)));
	uint8_t *at = data;

	while (bytes) {
		struct iovec iov = { .iov_base = at, .iov_len = bytes };
		struct msghdr hdr = {
			.msg_iov = &iov, .msg_iovlen = 1,
			.msg_control = control, .msg_controllen = sizeof(control),
		};
		ssize_t n = recvmsg(c->fd, &hdr, MSG_CMSG_CLOEXEC);
		struct cmsghdr *cmsg;
		int got;

		if (n < 0 && errno == EAGAIN)
			dev_host_fail("the server does not answer");
		if (n <= 0)
			return false;
		cmsg = CMSG_FIRSTHDR(&hdr);
		if (cmsg) {
			memcpy(&got, CMSG_DATA(cmsg), sizeof(got));
			if (fd && *fd < 0)
				*fd = got;
			else
				close(got);
		}
		at += n;
		bytes -= n;
	}
	return true;
}

static void serve_dma(struct vfio_client *c, const struct vfu_header *h, const uint8_t *body)
{
	bool write = h->command == VFU_DMA_WRITE;
	struct vfu_dma_access access;
	struct vfu_header *reply;
	uint64_t at;
	size_t bytes = sizeof(*reply);

	memcpy(&access, body, sizeof(access));
	at = access.addr - c->host.iova;
	write ? c->dma_writes++ : c->dma_reads++;
	reply = calloc(1, sizeof(*reply) + sizeof(access) + access.count);
	reply->flags = VFU_F_REPLY;
	if (c->refuse_dma || at > c->host.bytes || access.count > c->host.bytes - at) {
		reply->flags |= VFU_F_ERROR;
		reply->error = EFAULT;
	} else {
		memcpy(reply + 1, &access, sizeof(access));
		bytes += sizeof(access);
		if (write) {
			memcpy(c->host.mem + at, body + sizeof(access), access.count);
		} else {
			memcpy((uint8_t *)(reply + 1) + sizeof(access), c->host.mem + at, access.count);
			bytes += access.count;
		}
	}
	if (c->lies == 1)
		((struct vfu_dma_access *)(reply + 1))->addr++;
	else if (c->lies == 2)
		((struct vfu_dma_access *)(reply + 1))->count--;
	bytes -= c->lies == 3;
	reply->id = h->id;
	reply->command = c->lies == 4 ? VFU_VERSION : h->command;
	reply->size = bytes;
	vfio_send(c, reply, bytes, NULL, 0);
	free(reply);
}

static void serve_deferred(struct vfio_client *c)
{
	while (c->deferred) {
		struct vfio_deferred *d = c->deferred;

		c->deferred = d->next;
		serve_dma(c, &d->header, d->body);
		free(d->body);
		free(d);
	}
}

static void defer(struct vfio_client *c, const struct vfu_header *h, uint8_t *body)
{
	struct vfio_deferred **end = &c->deferred, *d = malloc(sizeof(*d));

	*d = (struct vfio_deferred){ .header = *h, .body = body };
	while (*end)
		end = &(*end)->next;
	*end = d;
}

/* One message: 1 an answer, 0 a request that was served or deferred, -1 the end. */
static int receive_one(struct vfio_client *c, struct vfu_header *h, void *body, size_t room, int *fd,
		       bool deferring)
{
	uint8_t *data;
	size_t bytes;

	if (!receive_all(c, h, sizeof(*h), fd))
		return -1;
	bytes = h->size - sizeof(*h);
	data = malloc(bytes ? bytes : 1);
	if (!receive_all(c, data, bytes, fd)) {
		free(data);
		return -1;
	}
	if ((h->flags & VFU_F_TYPE_MASK) == VFU_F_REPLY) {
		if (bytes && room)
			memcpy(body, data, bytes < room ? bytes : room);
		free(data);
		return 1;
	}
	if (deferring) {
		defer(c, h, data);
	} else {
		serve_dma(c, h, data);
		free(data);
	}
	return 0;
}

bool vfio_receive(struct vfio_client *c, struct vfu_header *h, void *body, size_t room, int *fd,
		  bool deferring)
{
	int got;

	do
		got = receive_one(c, h, body, room, fd, deferring);
	while (!got);
	return got > 0;
}

void vfio_serve(struct vfio_client *c, int ms)
{
	struct pollfd poller = { .fd = c->fd, .events = POLLIN };
	struct vfu_header h;

	serve_deferred(c);
	while (poll(&poller, 1, ms) == 1)
		if (receive_one(c, &h, NULL, 0, NULL, false))
			dev_host_fail("an answer nobody waits for, or the server has hung up");
}

ssize_t vfio_call_fds(struct vfio_client *c, uint16_t command, const void *body, size_t bytes,
		      const int *fds, unsigned int fd_count, void *answer, size_t room, int *fd)
{
	struct vfu_header *h = malloc(sizeof(*h) + bytes), got = { 0 };
	uint16_t id = c->next_id++;

	*h = (struct vfu_header){ .id = id, .command = command, .size = sizeof(*h) + bytes };
	if (bytes)
		memcpy(h + 1, body, bytes);
	if (fd)
		*fd = -1;
	vfio_send(c, h, sizeof(*h) + bytes, fds, fd_count);
	free(h);
	if (!vfio_receive(c, &got, answer, room, fd, true))
		dev_host_fail("the server has hung up");
	serve_deferred(c);
	if (got.id != id || got.command != command)
		dev_host_fail("the answer is to another request");
	if (got.flags & VFU_F_ERROR) {
		c->last_error = got.error;
		return -1;
	}
	return got.size - sizeof(got);
}

ssize_t vfio_call(struct vfio_client *c, uint16_t command, const void *body, size_t bytes, void *answer,
		  size_t room)
{
	return vfio_call_fds(c, command, body, bytes, NULL, 0, answer, room, NULL);
}

/* --- commands ----------------------------------------------------------------------------------- */

int vfio_version(struct vfio_client *c, const char *json)
{
	char body[512] = { 0 }, answer[512];
	size_t bytes = strlen(json) + 1;

	memcpy(body + 4, json, bytes);
	return vfio_call(c, VFU_VERSION, body, 4 + bytes, answer, sizeof(answer)) < 0 ? -1 : 0;
}

int vfio_region_read(struct vfio_client *c, uint32_t region, uint64_t offset, void *data, uint32_t bytes)
{
	struct vfu_region_access access = { .offset = offset, .region = region, .count = bytes };
	uint8_t *answer = malloc(sizeof(access) + bytes);
	ssize_t n = vfio_call(c, VFU_REGION_READ, &access, sizeof(access), answer, sizeof(access) + bytes);

	if (n >= 0 && n != (ssize_t)(sizeof(access) + bytes))
		dev_host_fail("a read's answer of the wrong length");
	if (n >= 0 && bytes)
		memcpy(data, answer + sizeof(access), bytes);
	free(answer);
	return n < 0 ? -1 : 0;
}

int vfio_region_write(struct vfio_client *c, uint32_t region, uint64_t offset, const void *data,
		      uint32_t bytes)
{
	struct vfu_region_access access = { .offset = offset, .region = region, .count = bytes };
	uint8_t *body = malloc(sizeof(access) + bytes);
	ssize_t n;

	memcpy(body, &access, sizeof(access));
	if (bytes)
		memcpy(body + sizeof(access), data, bytes);
	n = vfio_call(c, VFU_REGION_WRITE, body, sizeof(access) + bytes, &access, sizeof(access));
	free(body);
	return n < 0 ? -1 : 0;
}

int vfio_dma_map(struct vfio_client *c, uint64_t iova, uint64_t size, uint32_t flags, int fd,
		 uint64_t offset)
{
	struct vfu_dma_map map = {
		.argsz = sizeof(map), .flags = flags, .offset = offset, .iova = iova, .size = size,
	};

	return vfio_call_fds(c, VFU_DMA_MAP, &map, sizeof(map), &fd, fd >= 0, NULL, 0, NULL) < 0 ? -1 : 0;
}

int vfio_dma_unmap(struct vfio_client *c, uint64_t iova, uint64_t size, uint32_t flags, uint64_t *bytes)
{
	struct vfu_dma_unmap unmap = { .argsz = sizeof(unmap), .flags = flags, .iova = iova, .size = size };

	if (vfio_call(c, VFU_DMA_UNMAP, &unmap, sizeof(unmap), &unmap, sizeof(unmap)) < 0)
		return -1;
	if (bytes)
		*bytes = unmap.size;
	return 0;
}

int vfio_set_irqs(struct vfio_client *c, uint32_t flags, uint32_t start, uint32_t count, const int *fds,
		  unsigned int fd_count)
{
	struct vfio_irq_set set = {
		.argsz = sizeof(set), .flags = flags, .index = VFIO_PCI_MSIX_IRQ_INDEX, .start = start,
		.count = count,
	};

	return vfio_call_fds(c, VFU_SET_IRQS, &set, sizeof(set), fds, fd_count, NULL, 0, NULL) < 0 ? -1 : 0;
}

bool vfio_interrupted(struct vfio_client *c, unsigned int vector, int ms)
{
	struct pollfd poller = { .fd = c->irq[vector], .events = POLLIN };
	uint64_t count;

	for (int i = 0; i <= ms; i++) {
		if (poll(&poller, 1, 0) == 1)
			return read(c->irq[vector], &count, sizeof(count)) == sizeof(count);
		vfio_serve(c, 1);
	}
	return false;
}

/* --- the bus ------------------------------------------------------------------------------------ */

static uint64_t bus_read(void *ctx, unsigned int bar, uint64_t offset, unsigned int len)
{
	uint64_t value = 0;

	if (vfio_region_read(ctx, bar, offset, &value, len))
		dev_host_fail("a register cannot be read");
	return value;
}

static void bus_write(void *ctx, unsigned int bar, uint64_t offset, uint64_t value, unsigned int len)
{
	if (vfio_region_write(ctx, bar, offset, &value, len))
		dev_host_fail("a register cannot be written");
}

static void bus_run(void *ctx, const volatile uint64_t *watch, uint64_t target)
{
	for (int i = 0; i < 10 && !(watch && __atomic_load_n(watch, __ATOMIC_ACQUIRE) >= target); i++)
		vfio_serve(ctx, 1);
}

static const struct dev_bus bus = { .read = bus_read, .write = bus_write, .run = bus_run };

void vfio_start(struct vfio_client *c, struct vfu_device *dev, bool in_band)
{
	uint16_t command = 0x0006, control = 0x8000;

	vfio_connect(c, dev);
	c->in_band = in_band;
	c->host.bus = &bus;
	c->host.ctx = c;
	c->host.bytes = 16ull << 20;
	c->host.iova = 0x80000000ull;
	c->memory = memfd_create("guest", MFD_CLOEXEC);
	if (c->memory < 0 || ftruncate(c->memory, c->host.bytes))
		dev_host_fail("memfd_create");
	c->host.mem = mmap(NULL, c->host.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, c->memory, 0);
	if (c->host.mem == MAP_FAILED)
		dev_host_fail("mmap");
	for (unsigned int i = 0; i < GAON_MSIX_VECTORS; i++)
		c->irq[i] = eventfd(0, EFD_CLOEXEC);
	if (vfio_version(c, "{\"capabilities\":{\"max_msg_fds\":8,\"write_multiple\":true}}") ||
	    vfio_dma_map(c, c->host.iova, c->host.bytes, 3, in_band ? -1 : c->memory, 0) ||
	    vfio_region_write(c, VFIO_PCI_CONFIG_REGION_INDEX, 4, &command, 2) ||
	    vfio_region_write(c, VFIO_PCI_CONFIG_REGION_INDEX, 0x52, &control, 2) ||
	    vfio_set_irqs(c, VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER, 0,
			  dev->irqs.vectors, c->irq, dev->irqs.vectors))
		dev_host_fail("the session does not start");
}
