// SPDX-License-Identifier: MIT
/* gaon-fw-sign: a raw payload to a signed firmware image. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hw/gaon_admin.h>

#include "../version.h"
#include "image.h"

#define USAGE	"usage: gaon-fw-sign KEY.pem LOAD_ADDRESS PAYLOAD IMAGE\n" \
		"Signs the raw PAYLOAD, whose entry is its first byte, and writes the IMAGE.\n"

struct image {
	struct gaon_fw_header header;
	uint8_t payload[GAON_FW_MAX_SIZE - sizeof(struct gaon_fw_header)];
};

/* The payload, padded with zeros to 16 bytes; -1 when it is missing, empty or too large. */
static int read_payload(const char *path, struct image *image)
{
	FILE *file = fopen(path, "rb");
	size_t len;

	if (!file)
		return -1;
	len = fread(image->payload, 1, sizeof(image->payload), file);
	if (ferror(file) || !feof(file) || !len) {
		fclose(file);
		return -1;
	}
	fclose(file);
	image->header.payload_size = (uint32_t)((len + 15) & ~(size_t)15);
	return 0;
}

static void fill_header(struct gaon_fw_header *h, uint32_t load_addr)
{
	h->magic = GAON_FW_MAGIC;
	h->header_version = GAON_FW_HEADER_VERSION;
	h->header_size = sizeof(*h);
	h->chip = GAON_FW_CHIP_GA1;
	h->load_addr = load_addr;
	h->entry = load_addr;
	h->version = FW_VERSION;
	h->security_version = FW_SECURITY_VERSION;
	h->abi_min = GAON_ABI_MIN;
	h->abi_max = GAON_ABI_MAX;
	memcpy(h->build, FW_BUILD, sizeof(FW_BUILD));
}

static int write_image(const char *path, const struct image *image)
{
	size_t len = sizeof(image->header) + image->header.payload_size;
	FILE *file = fopen(path, "wb");

	if (!file)
		return -1;
	if (fwrite(image, 1, len, file) != len) {
		fclose(file);
		return -1;
	}
	return fclose(file);
}

static int sign(char **argv, struct image *image)
{
	EVP_PKEY *key = fw_image_read_key(argv[1]);
	int error = -1;

	if (!key)
		fprintf(stderr, "gaon-fw-sign: %s: no Ed25519 private key\n", argv[1]);
	else if (read_payload(argv[3], image))
		fprintf(stderr, "gaon-fw-sign: %s: missing, empty or above %zu bytes\n", argv[3],
			sizeof(image->payload));
	else if (fill_header(&image->header, (uint32_t)strtoul(argv[2], NULL, 0)),
		 fw_image_seal(&image->header, image->payload, key))
		fprintf(stderr, "gaon-fw-sign: libcrypto cannot sign\n");
	else if (write_image(argv[4], image))
		perror(argv[4]);
	else
		error = 0;
	EVP_PKEY_free(key);
	return error;
}

int main(int argc, char **argv)
{
	struct image *image;
	int error;

	if (argc != 5) {
		fputs(USAGE, stderr);
		return 2;
	}
	image = calloc(1, sizeof(*image));
	if (!image)
		return 1;
	error = sign(argv, image);
	free(image);
	return error ? 1 : 0;
}
