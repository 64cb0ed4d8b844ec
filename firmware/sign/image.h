/* SPDX-License-Identifier: MIT */
/* Making firmware images: used by the signing tool and by tests that need bad ones. */
#ifndef GAON_FW_SIGN_IMAGE_H
#define GAON_FW_SIGN_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#include <hw/gaon_fwimage.h>

/**
 * fw_image_seal() - complete a header: digest of the payload, key id, signature
 * @header: all other fields filled by the caller
 * @payload: header->payload_size bytes
 * @key: Ed25519 private key
 *
 * Return: 0, or -1 when libcrypto fails (a key of another kind, no memory).
 */
int fw_image_seal(struct gaon_fw_header *header, const void *payload, EVP_PKEY *key);

/* Ed25519 private key from a PEM file; NULL when there is none. The caller frees it. */
EVP_PKEY *fw_image_read_key(const char *path);

#endif
