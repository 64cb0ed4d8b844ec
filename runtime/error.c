// SPDX-License-Identifier: MIT
#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "log.h"

#define ERROR_ROW(s) [GAON_##s] = "GAON_" #s
static const char *const status_names[] = {
	ERROR_ROW(OK),
	ERROR_ROW(ERROR_INVALID_ARGUMENT),
	ERROR_ROW(ERROR_INVALID_HANDLE),
	ERROR_ROW(ERROR_CLOSED),
	ERROR_ROW(ERROR_FORKED),
	ERROR_ROW(ERROR_WRONG_THREAD),
	ERROR_ROW(ERROR_STRUCT_SIZE),
	ERROR_ROW(ERROR_OUT_OF_MEMORY),
	ERROR_ROW(ERROR_OUT_OF_DEVICE_MEMORY),
	ERROR_ROW(ERROR_INVALID_ADDRESS),
	ERROR_ROW(ERROR_NOT_READY),
	ERROR_ROW(ERROR_TIMEOUT),
	ERROR_ROW(ERROR_FAULT),
	ERROR_ROW(ERROR_DEVICE_LOST),
	ERROR_ROW(ERROR_NO_DEVICE),
	ERROR_ROW(ERROR_PERMISSION),
	ERROR_ROW(ERROR_BUSY),
	ERROR_ROW(ERROR_FIRMWARE),
	ERROR_ROW(ERROR_INVALID_MODULE),
	ERROR_ROW(ERROR_WRONG_MACHINE),
	ERROR_ROW(ERROR_NOT_FOUND),
	ERROR_ROW(ERROR_ARGUMENTS_SIZE),
	ERROR_ROW(ERROR_LIMIT),
	ERROR_ROW(ERROR_STATE),
	ERROR_ROW(ERROR_UNSUPPORTED),
	ERROR_ROW(ERROR_INTERNAL),
};

struct error_slot {
	struct gaon_error error;
	const char *device;		/* of the call under way */
	char error_device[64];
	char text[640];
	char hint[320];
};

static _Thread_local struct error_slot slot = {
	.error = { .file = "", .device = "", .text = "", .hint = "" },
};

GAON_API const char *gaon_status_name(enum gaon_status status)
{
	size_t i = (size_t)status;

	return i < sizeof(status_names) / sizeof(status_names[0]) ? status_names[i] : "GAON_ERROR_?";
}

GAON_API const struct gaon_error *gaon_last_error(void)
{
	return &slot.error;
}

GAON_API const char *gaon_version(void)
{
	return GAON_VERSION;
}

void gaon_error_set_device(const char *name)
{
	slot.device = name;
}

enum gaon_status gaon_fail_at(const char *file, int line, enum gaon_status status, int sys_errno,
			      const char *hint, const char *fmt, ...)
{
	char text[sizeof(slot.text)];
	va_list ap;

	/* Formatted aside: an argument may be the text of the error before. */
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	memcpy(slot.text, text, sizeof(slot.text));
	snprintf(slot.hint, sizeof(slot.hint), "%s", hint ? hint : "");
	snprintf(slot.error_device, sizeof(slot.error_device), "%s",
		 slot.device ? slot.device : "");
	slot.error = (struct gaon_error){
		.status = status,
		.sys_errno = sys_errno,
		.line = line,
		.file = file,
		.device = slot.error_device,
		.text = slot.text,
		.hint = slot.hint,
	};
	/* Polling is no news. */
	if (status != GAON_ERROR_NOT_READY && status != GAON_ERROR_TIMEOUT)
		log_info("%s: %s (%s:%d)", gaon_status_name(status), slot.text, file, line);
	return status;
}

enum gaon_status gaon_struct_read(void *out, size_t known, const void *in, size_t least,
				  const char *what)
{
	const unsigned char *bytes = in;
	size_t size, i;

	if (!in)
		return gaon_fail(GAON_ERROR_INVALID_ARGUMENT, "struct %s is NULL", what);
	memcpy(&size, in, sizeof(size));
	if (size < least || size > 65536)
		return gaon_fail_hint(GAON_ERROR_STRUCT_SIZE,
				      "set the structure's first member to its sizeof",
				      "struct %s has size %zu, at least %zu is needed", what, size, least);
	for (i = known; i < size; i++) {
		if (bytes[i])
			return gaon_fail_hint(GAON_ERROR_STRUCT_SIZE,
					      "the program was built for a newer libgaon",
					      "struct %s: non-zero field at byte %zu, unknown to libgaon %s",
					      what, i, GAON_VERSION);
	}
	memset(out, 0, known);
	memcpy(out, in, size < known ? size : known);
	return GAON_OK;
}

enum gaon_status gaon_struct_write(void *out, const void *in, size_t known, const char *what)
{
	size_t size;

	if (!out)
		return gaon_fail(GAON_ERROR_INVALID_ARGUMENT, "struct %s is NULL", what);
	memcpy(&size, out, sizeof(size));
	if (size < sizeof(size) || size > 65536)
		return gaon_fail_hint(GAON_ERROR_STRUCT_SIZE,
				      "set the structure's first member to its sizeof",
				      "struct %s has size %zu", what, size);
	memset((char *)out + sizeof(size), 0, size - sizeof(size));
	if (size > known)
		size = known;
	memcpy((char *)out + sizeof(size), (const char *)in + sizeof(size), size - sizeof(size));
	return GAON_OK;
}
