// SPDX-License-Identifier: MIT
#include "drm.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xf86drm.h>

static int sys_open(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static void sys_close(int fd)
{
	close(fd);
}

static int sys_ioctl(int fd, unsigned long request, void *arg)
{
	return drmIoctl(fd, request, arg) ? -errno : 0;
}

static int sys_map(int fd, uint64_t offset, uint64_t bytes, void **out)
{
	void *cpu = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)offset);

	if (cpu == MAP_FAILED)
		return -errno;
	*out = cpu;
	return 0;
}

static void sys_unmap(void *cpu, uint64_t bytes)
{
	munmap(cpu, bytes);
}

static void sys_doorbell(uint64_t *doorbell, uint64_t index)
{
	__atomic_store_n(doorbell, index, __ATOMIC_RELEASE);
}

/* Rounded up: not to wait at all would be to spin. */
static bool sys_events(int fd, uint64_t timeout_ns)
{
	uint64_t ms = timeout_ns / 1000000 + (timeout_ns % 1000000 != 0);
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	char room[4096];

	if (poll(&pfd, 1, ms > INT_MAX ? INT_MAX : (int)ms) != 1 || !(pfd.revents & POLLIN))
		return false;
	return read(fd, room, sizeof(room)) > 0;
}

struct drm_sys drm_sys = {
	.root = "",
	.open = sys_open,
	.close = sys_close,
	.ioctl = sys_ioctl,
	.map = sys_map,
	.unmap = sys_unmap,
	.doorbell = sys_doorbell,
	.events = sys_events,
};

void drm_path(char *out, size_t size, const char *fmt, ...)
{
	int n = snprintf(out, size, "%s", drm_sys.root);
	va_list ap;

	if (n < 0 || (size_t)n >= size)
		return;
	va_start(ap, fmt);
	vsnprintf(out + n, size - (size_t)n, fmt, ap);
	va_end(ap);
}
