// SPDX-License-Identifier: MIT
/* Boot ROM: image checks in the order of Documentation/hw/boot.rst. */
#include "rom.h"

#include <string.h>

#include <openssl/evp.h>

#include <hw/gaon_fwimage.h>
#include <hw/gaon_mcu.h>
#include <hw/gaon_regs.h>

_Static_assert(sizeof(struct gaon_fw_header) == 256, "the header is 256 bytes");
_Static_assert(offsetof(struct gaon_fw_header, signature) == GAON_FW_SIGNED_BYTES,
	       "the signature covers everything before it");

static bool all_zero(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (bytes[i])
			return false;
	return true;
}

/* Text with nothing but printable ASCII, then zeros to the end. */
static bool build_text_valid(const uint8_t build[32])
{
	size_t len = 0;

	while (len < 32 && build[len] >= 0x20 && build[len] < 0x7f)
		len++;
	return all_zero(build + len, 32 - len);
}

static uint32_t check_header(const struct gaon_fw_header *h, uint32_t size)
{
	if (h->magic != GAON_FW_MAGIC)
		return GAON_BOOT_MAGIC;
	if (h->header_version != GAON_FW_HEADER_VERSION || h->header_size != sizeof(*h) ||
	    h->flags || !all_zero(h->reserved, sizeof(h->reserved)))
		return GAON_BOOT_HEADER;
	if (!h->payload_size || h->payload_size % 16 ||
	    h->payload_size > GAON_FW_MAX_SIZE - sizeof(*h))
		return GAON_BOOT_HEADER;
	if (!h->abi_min || h->abi_min > h->abi_max || !build_text_valid(h->build))
		return GAON_BOOT_HEADER;
	if (h->payload_size > size - sizeof(*h))
		return GAON_BOOT_TRUNCATED;
	return h->chip == GAON_FW_CHIP_GA1 ? GAON_BOOT_OK : GAON_BOOT_CHIP;
}

static bool sha256(const void *data, size_t len, uint8_t digest[32])
{
	return EVP_Digest(data, len, digest, NULL, EVP_sha256(), NULL) == 1;
}

static const uint8_t *find_key(const struct sim_rom *rom, const uint8_t key_id[8])
{
	uint8_t digest[32];

	for (uint32_t i = 0; i < rom->public_key_count; i++)
		if (sha256(rom->public_keys[i], 32, digest) && !memcmp(digest, key_id, 8))
			return rom->public_keys[i];
	return NULL;
}

static bool signature_valid(const struct gaon_fw_header *h, const uint8_t key[32])
{
	EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, 32);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool valid;

	valid = pkey && md && EVP_DigestVerifyInit(md, NULL, NULL, NULL, pkey) == 1 &&
		EVP_DigestVerify(md, h->signature, sizeof(h->signature), (const uint8_t *)h,
				 GAON_FW_SIGNED_BYTES) == 1;
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(pkey);
	return valid;
}

static uint32_t check_range(const struct sim_rom *rom, const struct gaon_fw_header *h)
{
	if (h->payload_size > rom->sram_size || h->load_addr % 16 ||
	    h->load_addr - GAON_MCU_SRAM > rom->sram_size - h->payload_size)
		return GAON_BOOT_RANGE;
	if (h->entry % 4 || h->entry - h->load_addr >= h->payload_size)
		return GAON_BOOT_RANGE;
	return GAON_BOOT_OK;
}

/* Everything that the header says is checked before a byte of the payload is read. */
static uint32_t check_image(const struct sim_rom *rom, const struct gaon_fw_header *h,
			    uint32_t size)
{
	const uint8_t *key;
	uint32_t error = check_header(h, size);

	if (error)
		return error;
	key = find_key(rom, h->key_id);
	if (!key || !signature_valid(h, key))
		return GAON_BOOT_SIGNATURE;
	if (h->security_version < rom->security_version)
		return GAON_BOOT_ROLLBACK;
	return check_range(rom, h);
}

/* The payload goes straight to where it will run, is hashed there, and is never read again. */
static uint32_t load_payload(const struct sim_rom *rom, const struct gaon_fw_header *h, uint64_t pa)
{
	uint8_t *target = rom->sram + (h->load_addr - GAON_MCU_SRAM);
	uint8_t digest[32];

	if (!rom->read(rom->ctx, pa, target, h->payload_size))
		return GAON_BOOT_ADDRESS;
	if (!sha256(target, h->payload_size, digest) ||
	    memcmp(digest, h->payload_sha256, sizeof(digest)))
		return GAON_BOOT_HASH;
	return GAON_BOOT_OK;
}

static uint32_t boot(const struct sim_rom *rom, uint64_t addr, uint32_t size,
		     struct gaon_fw_header *h)
{
	uint32_t error;

	if (size < sizeof(*h))
		return GAON_BOOT_TRUNCATED;
	if (addr > UINT64_MAX - size || !rom->read(rom->ctx, addr, h, sizeof(*h)))
		return GAON_BOOT_ADDRESS;
	error = check_image(rom, h, size);
	return error ? error : load_payload(rom, h, addr + sizeof(*h));
}

uint32_t sim_rom_boot(const struct sim_rom *rom, uint64_t addr, uint32_t size,
		      struct sim_rom_image *image)
{
	struct gaon_fw_header h;
	uint32_t error;

	memset(image, 0, sizeof(*image));
	memset(rom->sram, 0, rom->sram_size);
	error = boot(rom, addr, size, &h);
	if (error) {
		memset(rom->sram, 0, rom->sram_size);
		return error;
	}
	image->entry = h.entry;
	image->version = h.version;
	image->security_version = h.security_version;
	image->abi_min = h.abi_min;
	image->abi_max = h.abi_max;
	memcpy(image->build, h.build, sizeof(h.build));
	return GAON_BOOT_OK;
}
