/* SPDX-License-Identifier: MIT */
/* The thread's last error: every failing path ends in one of these, which return the status. */
#ifndef GAON_RUNTIME_ERROR_H
#define GAON_RUNTIME_ERROR_H

#include <gaon/gaon.h>

enum gaon_status gaon_fail_at(const char *file, int line, enum gaon_status status, int sys_errno,
			      const char *hint, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));

/* The device that errors of this thread's current call concern, or NULL; must outlive the call. */
void gaon_error_set_device(const char *name);

#define gaon_fail(status, ...) \
	gaon_fail_at(__FILE__, __LINE__, status, 0, NULL, __VA_ARGS__)
#define gaon_fail_hint(status, hint, ...) \
	gaon_fail_at(__FILE__, __LINE__, status, 0, hint, __VA_ARGS__)
/* @err is positive. */
#define gaon_fail_errno(status, err, ...) \
	gaon_fail_at(__FILE__, __LINE__, status, err, NULL, __VA_ARGS__)

/*
 * Copy a size-first structure of the caller into @out of @known bytes, zero-filled.  Unknown
 * non-zero fields are refused: they would be ignored requests.
 */
enum gaon_status gaon_struct_read(void *out, size_t known, const void *in, size_t least,
				  const char *what);
/* The other direction: fill what the caller's size has room for. */
enum gaon_status gaon_struct_write(void *out, const void *in, size_t known, const char *what);

#endif
