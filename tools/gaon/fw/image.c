// SPDX-License-Identifier: MIT
/* See fw.h. The checks are those of Documentation/hw/boot.rst, but for what only a card's fuses know. */
#include "fw.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>

#include <hw/gaon_mcu.h>
#include <hw/gaon_text.h>

#include "../../../firmware/keys/development_key.h"
#include "../cmd.h"
#include "../file.h"

static const uint8_t development_key[32] = GAON_FW_DEVELOPMENT_KEY;

bool fw_image_read(struct fw_image *image, const char *path)
{
	*image = (struct fw_image){ 0 };
	image->data = file_read(path, GAON_FW_MAX_SIZE, &image->size);
	if (!image->data)
		return false;
	memcpy(&image->header, image->data,
	       image->size < sizeof(image->header) ? image->size : sizeof(image->header));
	return true;
}

void fw_image_free(struct fw_image *image)
{
	free(image->data);
	image->data = NULL;
}

static const char *header_fault(const struct gaon_fw_header *h, size_t size)
{
	size_t i, length = strnlen((const char *)h->build, sizeof(h->build));
	int fault = gaon_fw_header_check(h, size);

	if (fault)
		return gaon_fw_fault_text(fault);
	for (i = 0; i < sizeof(h->build); i++) {
		if (i < length ? !isprint(h->build[i]) || h->build[i] > '~' : h->build[i])
			return "its build text is not printable";
	}
	for (i = 0; i < sizeof(h->reserved); i++) {
		if (h->reserved[i])
			return "its reserved bytes are not zero";
	}
	if (h->load_addr % 16 || h->load_addr < GAON_MCU_SRAM || h->payload_size > GAON_MCU_SRAM_SIZE ||
	    h->load_addr - GAON_MCU_SRAM > GAON_MCU_SRAM_SIZE - h->payload_size)
		return "its load address is outside of the core's memory";
	if (h->entry % 4 || h->entry - h->load_addr >= h->payload_size)
		return "its entry is outside of its payload";
	return NULL;
}

static bool digest_good(const struct fw_image *image)
{
	uint8_t digest[32];

	return EVP_Digest(image->data + sizeof(image->header), image->header.payload_size, digest, NULL,
			  EVP_sha256(), NULL) == 1 &&
	       !memcmp(digest, image->header.payload_sha256, sizeof(digest));
}

static bool key_named(const struct fw_image *image, EVP_PKEY *key)
{
	uint8_t public[32], digest[32];
	size_t size = sizeof(public);

	return EVP_PKEY_get_raw_public_key(key, public, &size) == 1 && size == sizeof(public) &&
	       EVP_Digest(public, size, digest, NULL, EVP_sha256(), NULL) == 1 &&
	       !memcmp(digest, image->header.key_id, sizeof(image->header.key_id));
}

static bool signature_good(const struct fw_image *image, EVP_PKEY *key)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool good = md && EVP_DigestVerifyInit(md, NULL, NULL, NULL, key) == 1 &&
		    EVP_DigestVerify(md, image->header.signature, sizeof(image->header.signature),
				     image->data, GAON_FW_SIGNED_BYTES) == 1;

	EVP_MD_CTX_free(md);
	return good;
}

bool fw_image_check(struct fw_image *image, EVP_PKEY *key)
{
	static const char *const faults[] = {
		NULL, "its payload is not the one that was signed: the digest is another",
		"it names another key than the given one", "its signature is not of that key",
	};
	const char *fault = header_fault(&image->header, image->size);

	memset(image->good, 0, sizeof(image->good));
	for (unsigned int check = 0; check < (key ? FW_CHECKS : FW_CHECK_KEY); check++) {
		switch (check) {
		case FW_CHECK_HEADER: image->good[check] = !fault; break;
		case FW_CHECK_DIGEST: image->good[check] = digest_good(image); break;
		case FW_CHECK_KEY: image->good[check] = key_named(image, key); break;
		case FW_CHECK_SIGNATURE: image->good[check] = signature_good(image, key); break;
		}
		if (image->good[check])
			continue;
		snprintf(image->fault, sizeof(image->fault), "%s", check ? faults[check] : fault);
		return false;
	}
	image->fault[0] = '\0';
	return true;
}

EVP_PKEY *fw_key_read(const char *path)
{
	EVP_PKEY *key = NULL;
	FILE *file;

	if (!path)
		return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, development_key,
						   sizeof(development_key));
	file = fopen(path, "re");
	if (!file) {
		perror(path);
		return NULL;
	}
	key = PEM_read_PUBKEY(file, NULL, NULL, (void *)"");
	if (!key) {
		rewind(file);
		key = PEM_read_PrivateKey(file, NULL, NULL, (void *)"");
	}
	fclose(file);
	if (key && EVP_PKEY_get_id(key) == EVP_PKEY_ED25519)
		return key;
	EVP_PKEY_free(key);
	fprintf(stderr, "gaon fw: %s holds no Ed25519 key in PEM without a passphrase: openssl genpkey -algorithm ed25519\n", path);
	return NULL;
}

bool fw_version_parse(const char *text, uint32_t *version)
{
	unsigned int major, minor, patch;
	char rest;

	if (strspn(text, "0123456789.") != strlen(text) || strlen(text) > 16 ||
	    sscanf(text, "%u.%u.%u%c", &major, &minor, &patch, &rest) != 3 || major > 255 || minor > 255 ||
	    patch > 65535)
		return false;
	*version = major << 24 | minor << 16 | patch;
	return true;
}
