// SPDX-License-Identifier: MIT
/* Digest and signature of a firmware image. */
#include "image.h"

#include <stdio.h>
#include <string.h>

#include <openssl/pem.h>

static int key_id(EVP_PKEY *key, uint8_t id[8])
{
	uint8_t public_key[32], digest[32];
	size_t len = sizeof(public_key);

	if (EVP_PKEY_get_raw_public_key(key, public_key, &len) != 1 || len != sizeof(public_key) ||
	    EVP_Digest(public_key, len, digest, NULL, EVP_sha256(), NULL) != 1)
		return -1;
	memcpy(id, digest, 8);
	return 0;
}

int fw_image_seal(struct gaon_fw_header *header, const void *payload, EVP_PKEY *key)
{
	size_t len = sizeof(header->signature);
	EVP_MD_CTX *md;
	int good;

	if (key_id(key, header->key_id) ||
	    EVP_Digest(payload, header->payload_size, header->payload_sha256, NULL, EVP_sha256(),
		       NULL) != 1)
		return -1;
	md = EVP_MD_CTX_new();
	good = md && EVP_DigestSignInit(md, NULL, NULL, NULL, key) == 1 &&
	       EVP_DigestSign(md, header->signature, &len, (const uint8_t *)header,
			      GAON_FW_SIGNED_BYTES) == 1 &&
	       len == sizeof(header->signature);
	EVP_MD_CTX_free(md);
	return good ? 0 : -1;
}

EVP_PKEY *fw_image_read_key(const char *path)
{
	FILE *file = fopen(path, "r");
	EVP_PKEY *key;

	if (!file)
		return NULL;
	key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
	fclose(file);
	if (key && EVP_PKEY_get_id(key) != EVP_PKEY_ED25519) {
		EVP_PKEY_free(key);
		return NULL;
	}
	return key;
}
