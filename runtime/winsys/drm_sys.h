/* SPDX-License-Identifier: MIT */
/* The system calls of winsys/drm in one table, which tests replace by a kernel of their own. */
#ifndef GAON_WINSYS_DRM_SYS_H
#define GAON_WINSYS_DRM_SYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct drm_sys {
	const char *root;		/* what /sys, /dev, /lib and /proc stand below: "" */
	int (*open)(const char *path);	/* file descriptor or -errno */
	void (*close)(int fd);
	int (*ioctl)(int fd, unsigned long request, void *arg);	/* 0 or -errno, never -EINTR */
	int (*map)(int fd, uint64_t offset, uint64_t bytes, void **out);	/* 0 or -errno */
	void (*unmap)(void *cpu, uint64_t bytes);
	void (*doorbell)(uint64_t *doorbell, uint64_t index);
	/* Whether the file had events within that time; they are read, and gone. */
	bool (*events)(int fd, uint64_t timeout_ns);
};

extern struct drm_sys drm_sys;

/* A path below drm_sys.root. */
void drm_path(char *out, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
