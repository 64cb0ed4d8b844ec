/* SPDX-License-Identifier: MIT */
/* printf of device kernels: a format and arguments as 64-bit words, both hostile. */
#ifndef GAON_RUNTIME_FORMAT_H
#define GAON_RUNTIME_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Copies the string at device address @va; false if there is none. */
typedef bool (*format_string_fn)(void *ctx, uint64_t va, char *out, size_t size);

/* Always NUL-terminates @out; what does not fit is cut off. Missing arguments print as 0. */
void gaon_format(char *out, size_t size, const char *format, const uint64_t *args, size_t count,
		 format_string_fn string, void *ctx);

#endif
