/* SPDX-License-Identifier: MIT */
/* Firmware images: read, held against what the ROM of a card checks, and signed. */
#ifndef GAON_TOOLS_FW_H
#define GAON_TOOLS_FW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#include <hw/gaon_fwimage.h>

/* What was found out of an image; each after the ones before it were good. */
enum fw_check {
	FW_CHECK_HEADER,	/* as the driver and the ROM want it */
	FW_CHECK_DIGEST,	/* the payload is the one that was signed */
	FW_CHECK_KEY,		/* the key is the one that it names */
	FW_CHECK_SIGNATURE,
	FW_CHECKS,
};

struct fw_image {
	struct gaon_fw_header header;
	uint8_t *data;			/* of the whole file */
	size_t size;
	bool good[FW_CHECKS];
	char fault[128];		/* of the first that is not good; "" */
};

/* Reads a file; false with a message. fw_image_free() frees. */
bool fw_image_read(struct fw_image *image, const char *path);
void fw_image_free(struct fw_image *image);
/* Fills @good and @fault; a @key of NULL leaves the last two out. True: all that was looked at is good. */
bool fw_image_check(struct fw_image *image, EVP_PKEY *key);
/*
 * Ed25519 key, public or private, of a PEM file; of the development key if @path is NULL. NULL with a
 * message. The caller frees it.
 */
EVP_PKEY *fw_key_read(const char *path);
/* "1.2.3" to the header's number; false: it is none. */
bool fw_version_parse(const char *text, uint32_t *version);

#endif
