// SPDX-License-Identifier: MIT
/*
 * ISA of a device program, from the attributes that the assembler left: what it needs, the device
 * must have.
 */
#include "elf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ATTR_FORMAT	'A'
#define ATTR_FILE	1
#define ATTR_ARCH	5

/* What GA1's cores execute (hardware specification, kernels.rst), and what that includes. */
static const char *const extensions[] = {
	"i", "m", "a", "f", "d", "c", "b", "v", "g",
	"zicsr", "zifencei", "zmmul", "zaamo", "zalrsc", "zca", "zcd", "zba", "zbb", "zbs",
	"zfh", "zfhmin", "zfbfmin", "zihintpause",
	"zve32f", "zve32x", "zve64d", "zve64f", "zve64x", "zvfh", "zvfhmin", "zvfbfmin", "zvfbfwma",
	"xgaon",
};

struct attr_reader {
	const uint8_t *at, *end;
};

static bool read_uleb(struct attr_reader *r, uint64_t *out)
{
	uint64_t value = 0;
	unsigned int shift = 0;

	while (r->at < r->end && shift < 63) {
		uint8_t byte = *r->at++;

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*out = value;
			return true;
		}
		shift += 7;
	}
	return false;
}

static bool read_word(struct attr_reader *r, uint32_t *out)
{
	if (r->end - r->at < 4)
		return false;
	*out = (uint32_t)r->at[0] | (uint32_t)r->at[1] << 8 | (uint32_t)r->at[2] << 16 |
	       (uint32_t)r->at[3] << 24;
	r->at += 4;
	return true;
}

static const char *read_string(struct attr_reader *r)
{
	const uint8_t *nul = memchr(r->at, 0, (size_t)(r->end - r->at));
	const char *text = (const char *)r->at;

	if (!nul)
		return NULL;
	r->at = nul + 1;
	return text;
}

static bool extension_known(const char *name, size_t len, uint32_t *zvl)
{
	size_t i;

	if (len > 4 && !strncmp(name, "zvl", 3) && name[len - 1] == 'b') {
		unsigned long bits = strtoul(name + 3, NULL, 10);

		if (bits > *zvl && bits <= 65536)
			*zvl = (uint32_t)bits;
		return bits <= 65536;
	}
	for (i = 0; i < sizeof(extensions) / sizeof(extensions[0]); i++) {
		if (strlen(extensions[i]) == len && !strncmp(extensions[i], name, len))
			return true;
	}
	return false;
}

/*
 * Length of an extension's name in "zvfh1p0": without the version, which ends in <digits>p<digits>.
 */
static size_t name_length(const char *text, size_t len)
{
	size_t n = len;

	while (n && text[n - 1] >= '0' && text[n - 1] <= '9')
		n--;
	if (n == len || !n || text[n - 1] != 'p')
		return len;
	n--;
	while (n && text[n - 1] >= '0' && text[n - 1] <= '9')
		n--;
	return n ? n : len;
}

/* "rv64i2p1_m2p0_..._zvl128b1p0"; the base letters may also stand together, "rv64imafdc". */
static enum gaon_status check_arch(const char *arch, uint32_t *zvl, char *why, size_t why_size)
{
	const char *at = arch + 4;
	size_t n;

	if (strncmp(arch, "rv64", 4)) {
		snprintf(why, why_size, "the program is for %.8s, the device's cores are rv64", arch);
		return GAON_ERROR_WRONG_MACHINE;
	}
	while (*at) {
		size_t len = strcspn(at, "_");

		if (strchr("zsx", *at)) {
			n = name_length(at, len);
		} else {
			n = 1;
			len = 1;
			while (at[len] >= '0' && at[len] <= '9')
				len++;
			if (at[len] == 'p' && at[len + 1] >= '0' && at[len + 1] <= '9') {
				len++;
				while (at[len] >= '0' && at[len] <= '9')
					len++;
			}
		}
		if (len && !extension_known(at, n, zvl)) {
			snprintf(why, why_size,
				 "the program needs extension %.*s, which the device's cores lack",
				 (int)(n < 32 ? n : 32), at);
			return GAON_ERROR_WRONG_MACHINE;
		}
		at += len;
		at += *at == '_';
	}
	return GAON_OK;
}

/* Attributes of the whole file: even tags are numbers, odd ones strings. */
static enum gaon_status check_file(struct attr_reader *r, uint32_t *zvl, char *why, size_t why_size)
{
	while (r->at < r->end) {
		const char *text = NULL;
		uint64_t tag, value;
		enum gaon_status status;

		if (!read_uleb(r, &tag) ||
		    !((tag & 1) ? (text = read_string(r)) != NULL : read_uleb(r, &value))) {
			snprintf(why, why_size, "the ISA attributes are damaged");
			return GAON_ERROR_INVALID_MODULE;
		}
		if (tag != ATTR_ARCH)
			continue;
		status = check_arch(text, zvl, why, why_size);
		if (status)
			return status;
	}
	return GAON_OK;
}

static enum gaon_status check_vendor(struct attr_reader *r, uint32_t *zvl, char *why,
				     size_t why_size)
{
	const char *vendor = read_string(r);

	if (!vendor)
		goto damaged;
	if (strcmp(vendor, "riscv"))
		return GAON_OK;
	while (r->at < r->end) {
		const uint8_t *start = r->at;
		struct attr_reader sub;
		enum gaon_status status;
		uint64_t tag;
		uint32_t bytes;

		if (!read_uleb(r, &tag) || !read_word(r, &bytes) || bytes < r->at - start ||
		    bytes > r->end - start)
			goto damaged;
		sub = (struct attr_reader){ r->at, start + bytes };
		r->at = start + bytes;
		if (tag != ATTR_FILE)
			continue;
		status = check_file(&sub, zvl, why, why_size);
		if (status)
			return status;
	}
	return GAON_OK;

damaged:
	snprintf(why, why_size, "the ISA attributes are damaged");
	return GAON_ERROR_INVALID_MODULE;
}

enum gaon_status elf_check_attributes(const uint8_t *data, size_t size, uint32_t *zvl, char *why,
				      size_t why_size)
{
	struct attr_reader r = { data, data + size };

	if (!size || *r.at++ != ATTR_FORMAT)
		goto damaged;
	while (r.at < r.end) {
		const uint8_t *start = r.at;
		struct attr_reader sub;
		enum gaon_status status;
		uint32_t bytes;

		if (!read_word(&r, &bytes) || bytes < 4 || bytes > r.end - start)
			goto damaged;
		sub = (struct attr_reader){ r.at, start + bytes };
		r.at = start + bytes;
		status = check_vendor(&sub, zvl, why, why_size);
		if (status)
			return status;
	}
	return GAON_OK;

damaged:
	snprintf(why, why_size, "the ISA attributes are damaged");
	return GAON_ERROR_INVALID_MODULE;
}
