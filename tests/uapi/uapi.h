/* SPDX-License-Identifier: MIT */
/*
 * What the programs of tests/uapi share: TAP, and the node's ioctls without a library between.
 * They run in a guest with the module loaded, as any user who may open the node.
 */
#ifndef GAON_TESTS_UAPI_H
#define GAON_TESTS_UAPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uapi/drm/gaon_accel.h>

/* Set by programs that are no tests: only failures are printed. */
extern bool uapi_quiet;

/* One line of TAP; a failure is counted and the program goes on. */
#define CHECK(condition, ...)	uapi_check(__FILE__, __LINE__, (condition), #condition, __VA_ARGS__)
/* As CHECK(), and the program ends if it fails. */
#define REQUIRE(condition, ...)						\
	do {								\
		if (!CHECK(condition, __VA_ARGS__))			\
			uapi_exit();					\
	} while (0)
/* The same, but says nothing if all is well: for loops. */
#define MUST(condition, ...)						\
	do {								\
		if (!(condition))					\
			REQUIRE(false, __VA_ARGS__);			\
	} while (0)
/* The call fails with that error (0: succeeds). */
#define CHECK_ERRNO(call, error, ...)					\
	uapi_check_errno(__FILE__, __LINE__, (call), error, #call, __VA_ARGS__)

bool uapi_check(const char *file, int line, bool good, const char *what, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
bool uapi_check_errno(const char *file, int line, int err, int expected, const char *what,
		      const char *format, ...) __attribute__((format(printf, 6, 7)));
/*
 * For `make reliability`: so much of it was done, and has come out well. Lines of the same words are added
 * up; if @what ends in "at most" or "in a minute", the largest of them counts.
 */
void uapi_figure(const char *kind, const char *what, uint64_t n);
/* Prints the plan; never returns. Exit status 0 if nothing failed. */
void uapi_exit(void) __attribute__((noreturn));

/* The node of the first card, or of $GAON_NODE. Ends the program if there is none. */
int uapi_open(void);
/* 0 or a positive errno; signals are seen through. */
int uapi_ioctl(int fd, unsigned long request, void *arg);

/* Every ioctl of the driver. */
#define UAPI_CALLS	17
extern const unsigned long uapi_calls[UAPI_CALLS];

int uapi_query(int fd, uint32_t type, void *out, uint32_t size);
/* Bytes in use of the host's memory and of the card's. */
void uapi_memory_used(int fd, uint64_t used[2]);
/* Handles, 0 if it failed (which is a failed check). */
uint32_t uapi_vm(int fd, uint32_t flags);
uint32_t uapi_bo(int fd, uint64_t size, uint32_t flags, uint32_t vm);
int uapi_vm_destroy(int fd, uint32_t vm);
int uapi_bo_close(int fd, uint32_t handle);
/* The object in this process' memory; NULL if it failed. */
void *uapi_mmap(int fd, uint32_t handle, uint64_t size);
int uapi_bind(int fd, uint32_t vm, const struct drm_gaon_vm_bind_op *ops, uint32_t count);
int uapi_map(int fd, uint32_t vm, uint32_t handle, uint64_t offset, uint64_t va, uint64_t size,
	     uint32_t flags);
int uapi_unmap(int fd, uint32_t vm, uint64_t va, uint64_t size);
/* A dma-buf of ordinary memory, also mapped at @cpu unless that is NULL; ends the program if it fails. */
int uapi_udmabuf(uint64_t size, char **cpu);
int uapi_to_handle(int fd, int buf, uint32_t *handle);

/* A file of vgem, another DRM driver; -1 if it is not there. */
int uapi_vgem_open(void);

/* The kernel was told to copy for all streaming DMA (swiotlb=force): memory of others cannot be used. */
bool uapi_bounces(void);

/* A number that follows the last one; seeded by $GAON_SEED or the clock, and printed at the end. */
uint64_t uapi_random(void);

#endif
