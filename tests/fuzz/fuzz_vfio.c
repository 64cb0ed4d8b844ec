// SPDX-License-Identifier: MIT
/*
 * A client's stream: headers that are almost right around bodies from the input, files of every kind
 * along with them, and answers to the server's own questions.  Each input is a session; the device
 * behind is the real one.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <hw/gaon_regs.h>

#include "../../tools/sim/vfio/device.h"
#include "../../tools/sim/vfio/guard.h"
#include "input.h"

#define MESSAGES	64
#define BODY_MAX	8192
#define FILES		6

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct vfu_device *dev;
static int files[FILES];

static void create(void)
{
	struct vfu_options options = {
		.config = {
			.hbm_bytes = 16ull << 20, .spm_bytes = 65536, .cores = 2, .slots = 4, .vlen = 256,
			.threads = 2, .no_time = true, .debug_fuse = true,
		},
		.log_level = -1,
	};
	int pipes[2];

	dev = vfu_device_create("fuzz", &options);
	files[0] = memfd_create("fuzz", MFD_CLOEXEC);
	files[1] = memfd_create("fuzz", MFD_CLOEXEC);
	files[2] = eventfd(0, EFD_CLOEXEC);
	files[3] = eventfd(0, EFD_CLOEXEC);
	files[4] = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (!dev || vfu_guard_install() || files[0] < 0 || files[1] < 0 || pipe2(pipes, O_CLOEXEC) ||
	    fcntl(pipes[1], F_SETFL, O_NONBLOCK))
		abort();
	files[5] = pipes[1];
}

/* What comes from the server is thrown away; false: it has hung up. */
static bool drain(int fd, bool wait)
{
	char buffer[65536], control[256];
	struct iovec iov = { .iov_base = buffer, .iov_len = sizeof(buffer) };
	struct msghdr hdr = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(fd, &hdr, (wait ? 0 : MSG_DONTWAIT) | MSG_CMSG_CLOEXEC);
	struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&hdr) : NULL;
	int got;

	if (c && c->cmsg_type == SCM_RIGHTS && c->cmsg_len >= CMSG_LEN(sizeof(int))) {
		memcpy(&got, CMSG_DATA(c), sizeof(got));
		close(got);
	}
	return n > 0;
}

static bool send_all(int fd, const uint8_t *data, size_t bytes, const int *fds, unsigned int count)
{
	char control[CMSG_SPACE(32 * sizeof(int))] __attribute__((aligned(8))) = { 0 };

	while (bytes) {
		struct iovec iov = { .iov_base = (void *)(uintptr_t)data, .iov_len = bytes };
		struct msghdr hdr = { .msg_iov = &iov, .msg_iovlen = 1 };
		struct pollfd poller = { .fd = fd, .events = POLLIN | POLLOUT };
		ssize_t n;

		if (count) {
			struct cmsghdr *c = (struct cmsghdr *)control;

			c->cmsg_level = SOL_SOCKET;
			c->cmsg_type = SCM_RIGHTS;
			c->cmsg_len = CMSG_LEN(count * sizeof(int));
			memcpy(CMSG_DATA(c), fds, count * sizeof(int));
			hdr.msg_control = control;
			hdr.msg_controllen = CMSG_SPACE(count * sizeof(int));
		}
		poll(&poller, 1, -1);
		if ((poller.revents & POLLIN) && !drain(fd, false))
			return false;
		if (!(poller.revents & POLLOUT))
			continue;
		n = sendmsg(fd, &hdr, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN)
			return false;
		if (n > 0) {
			data += n;
			bytes -= n;
			count = 0;
		}
	}
	return true;
}

/* A body of the command's own shape, whose fields are small or near the edges. */
static size_t shaped_body(struct fuzz_input *in, uint16_t command, uint8_t *body)
{
	static const uint64_t edges[] = {
		0, 1, 4096, 0x10000, 0x7fffffff, UINT32_MAX, UINT64_MAX, 1ull << 40,
	};
	uint64_t word[6];

	for (unsigned int i = 0; i < 6; i++) {
		uint8_t kind = fuzz_take(in, 1);

		word[i] = kind < 64 ? edges[kind % 8] : kind < 128 ? kind & 63 :
			  fuzz_take(in, kind < 192 ? 2 : 8);
	}
	switch (command) {
	case VFU_DMA_MAP: {
		struct vfu_dma_map map = {
			32, word[0] & 7, word[1] & ~4095ull, word[2] << 12, word[3] << 12,
		};

		memcpy(body, &map, sizeof(map));
		return sizeof(map);
	}
	case VFU_DMA_UNMAP: {
		struct vfu_dma_unmap unmap = { 24, word[0] & 3, word[2] << 12, word[3] << 12 };

		memcpy(body, &unmap, sizeof(unmap));
		return sizeof(unmap);
	}
	case VFU_SET_IRQS: {
		struct vfio_irq_set set = { 20, word[0], word[1] & 3, word[2], word[3] };

		memcpy(body, &set, sizeof(set));
		memcpy(body + sizeof(set), &word[4], 8);
		return sizeof(set) + 8;
	}
	case VFU_REGION_READ:
	case VFU_REGION_WRITE: {
		struct vfu_region_access access = { word[0], word[1] % 10, 1u << (word[2] & 3) };

		memcpy(body, &access, sizeof(access));
		memcpy(body + sizeof(access), &word[3], 8);
		return sizeof(access) + (command == VFU_REGION_WRITE ? access.count : 0);
	}
	default:
		memcpy(body, word, sizeof(word));
		return sizeof(word);
	}
}

static bool send_message(int fd, struct fuzz_input *in)
{
	uint8_t buffer[sizeof(struct vfu_header) + BODY_MAX], how = fuzz_take(in, 1);
	struct vfu_header header = { .id = fuzz_take(in, 1), .command = fuzz_take(in, 1) };
	unsigned int count = how >> 4 & 3, chosen = fuzz_take(in, 1);
	size_t bytes;
	int fds[32];

	if (how & 1) {
		header.command %= 16;
		bytes = shaped_body(in, header.command, buffer + sizeof(header));
	} else {
		bytes = fuzz_take(in, 2) % BODY_MAX;
		bytes = bytes < in->left ? bytes : in->left;
		memcpy(buffer + sizeof(header), in->data, bytes);
		in->data += bytes;
		in->left -= bytes;
	}
	header.size = sizeof(header) + bytes;
	if ((how & 0xc) == 0xc)
		header.size += (int8_t)fuzz_take(in, 1);
	header.flags = how & 2 ? fuzz_take(in, 1) & 0x33 : 0;
	memcpy(buffer, &header, sizeof(header));
	if (count == 3)
		count = chosen % 32;
	for (unsigned int i = 0; i < count; i++)
		fds[i] = files[(chosen + i) % FILES];
	/* The size of a file changes under the mapping now and then. */
	if (how & 0x80 && ftruncate(files[chosen & 1], (chosen >> 1) * 4096ull))
		abort();
	return send_all(fd, buffer, sizeof(header) + bytes, fds, count);
}

static bool send_write(int fd, uint32_t region, uint64_t offset, uint64_t value, uint32_t bytes)
{
	struct {
		struct vfu_header h;
		struct vfu_region_access a;
		uint64_t data;
	} message = {
		.h = { .command = VFU_REGION_WRITE, .size = sizeof(message) - 8 + bytes },
		.a = { offset, region, bytes }, .data = value,
	};

	return send_all(fd, (const uint8_t *)&message, message.h.size, NULL, 0);
}

/* Have the boot ROM ask for memory that the client reads and writes itself, or shares. */
static bool send_boot(int fd, struct fuzz_input *in)
{
	struct {
		struct vfu_header h;
		struct vfu_dma_map map;
	} message = {
		.h = { .command = VFU_DMA_MAP, .size = sizeof(message) },
		.map = { .argsz = 32, .flags = 3, .iova = 0x100000, .size = 0x10000 },
	};

	return send_all(fd, (const uint8_t *)&message, sizeof(message), files, fuzz_take(in, 1) & 1) &&
	       send_write(fd, VFIO_PCI_CONFIG_REGION_INDEX, 4, 6, 2) &&
	       send_write(fd, 0, GAON_REG_FW_ADDR, GAON_PA_HOST | 0x100000, 8) &&
	       send_write(fd, 0, GAON_REG_FW_SIZE, 0x8000 + fuzz_take(in, 1), 4) &&
	       send_write(fd, 0, GAON_REG_BOOT, GAON_BOOT_GO, 4);
}

/* An answer to what the device may have asked. */
static bool send_answer(int fd, struct fuzz_input *in)
{
	struct {
		struct vfu_header h;
		struct vfu_dma_access a;
		uint8_t data[4096];
	} message = {
		.h = { .id = fuzz_take(in, 1) & 7, .command = VFU_DMA_READ, .flags = VFU_F_REPLY },
		.a = { 0x100000 + fuzz_take(in, 1) * 64ull, fuzz_take(in, 2) },
	};
	size_t bytes = message.a.count <= sizeof(message.data) ? message.a.count : fuzz_take(in, 2) % 4096;

	bytes = bytes < in->left ? bytes : in->left;
	memcpy(message.data, in->data, bytes);
	in->data += bytes;
	in->left -= bytes;
	message.h.size = sizeof(message.h) + sizeof(message.a) + bytes;
	return send_all(fd, (const uint8_t *)&message, message.h.size, NULL, 0);
}

static bool send_something(int fd, struct fuzz_input *in)
{
	switch (fuzz_take(in, 1)) {
	case 0:
		return send_boot(fd, in);
	case 1:
		return send_answer(fd, in);
	default:
		return send_message(fd, in);
	}
}

static void *session(void *arg)
{
	vfu_session_run(dev, *(int *)arg);
	shutdown(*(int *)arg, SHUT_RDWR);
	return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct {
		struct vfu_header h;
		struct vfu_version v;
		char text[4];
	} version = { { .command = VFU_VERSION, .size = sizeof(version) }, { 0, 0 }, "{}\0" };
	struct fuzz_input in = { data, size };
	pthread_t thread;
	int pair[2];

	if (!dev)
		create();
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) ||
	    pthread_create(&thread, NULL, session, &pair[1]))
		abort();
	if (fuzz_take(&in, 1) & 0x0f)
		send_all(pair[0], (const uint8_t *)&version, sizeof(version), NULL, 0);
	for (unsigned int i = 0; in.left && i < MESSAGES; i++)
		if (!send_something(pair[0], &in))
			break;
	shutdown(pair[0], SHUT_WR);
	while (drain(pair[0], true))
		;
	pthread_join(thread, NULL);
	close(pair[0]);
	close(pair[1]);
	if (dev->dma.count || vfu_irqs_armed(&dev->irqs))
		abort();
	return 0;
}
