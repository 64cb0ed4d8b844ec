/* SPDX-License-Identifier: MIT */
/*
 * The boot ROM as model code: checks a firmware image and loads it into the management core's
 * SRAM.  Specification, with the order of the checks: Documentation/hw/boot.rst.
 */
#ifndef GAON_SIM_ROM_H
#define GAON_SIM_ROM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct sim_rom - what the ROM works with
 * @public_keys, @public_key_count: Ed25519 keys that the fuses trust; none: nothing boots
 * @security_version: lowest security version that the fuses still accept
 * @sram, @sram_size: the management core's memory, seen by it at GAON_MCU_SRAM; at least one byte
 * @read: copies @len bytes at physical address @pa; false if any of them cannot be read.  Each
 *	byte of the image is read once.
 */
struct sim_rom {
	const uint8_t (*public_keys)[32];
	uint32_t public_key_count;
	uint32_t security_version;
	uint8_t *sram;
	uint32_t sram_size;
	bool (*read)(void *ctx, uint64_t pa, void *data, size_t len);
	void *ctx;
};

/* What the device keeps of a checked image. */
struct sim_rom_image {
	uint32_t entry;			/* first instruction */
	uint32_t version;		/* major << 24 | minor << 16 | patch */
	uint32_t security_version;	/* to be burnt once the firmware is READY */
	uint16_t abi_min, abi_max;
	char build[33];			/* text, always terminated */
};

/* The public half of firmware/keys/development.pem: what a model trusts when it is told nothing. */
extern const uint8_t sim_rom_development_key[1][32];

/**
 * sim_rom_boot() - verify and load the image at physical address @addr, @size bytes long
 *
 * SRAM is cleared first, and cleared again when the image is refused, so that no byte of an image
 * that was not verified can ever be executed.
 *
 * Return: GAON_BOOT_OK with *@image filled, or another GAON_BOOT_* with *@image zeroed.
 */
uint32_t sim_rom_boot(const struct sim_rom *rom, uint64_t addr, uint32_t size,
		      struct sim_rom_image *image);

#endif
