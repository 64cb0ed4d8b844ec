// SPDX-License-Identifier: MIT
/*
 * Firmware images as hostile input.  The first byte chooses: the ROM on the bytes as they are; the ROM
 * on an image whose header is made of the bytes and then properly signed, so that the checks behind
 * the signature are reached; or the core executing the bytes as the contents of SRAM.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <hw/gaon_mcu.h>
#include <hw/gaon_regs.h>

#include "../../firmware/sign/image.h"
#include "../../tools/sim/mcu/mcu.h"
#include "../../tools/sim/mcu/rom.h"

#define SRAM_SIZE	0x8000u
#define BUDGET		5000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *data;
	size_t size, used;
	struct sim_mcu *mcu;
};

static uint8_t *sram(void)
{
	static uint8_t bytes[SRAM_SIZE];

	return bytes;
}

static EVP_PKEY *signing_key(uint8_t public_key[32])
{
	static const uint8_t seed[32] = { 1, 2, 3 };
	static EVP_PKEY *key;
	size_t len = 32;

	if (!key)
		key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof(seed));
	if (!key || EVP_PKEY_get_raw_public_key(key, public_key, &len) != 1)
		abort();
	return key;
}

static bool read_input(void *ctx, uint64_t pa, void *out, size_t len)
{
	const struct input *in = ctx;

	if (pa > in->size || len > in->size - pa)
		return false;
	memcpy(out, in->data + pa, len);
	return true;
}

static void boot(const uint8_t *data, size_t size, uint32_t claimed)
{
	struct input in = { .data = data, .size = size };
	uint8_t public_key[1][32];
	struct sim_rom rom = {
		.public_keys = (const uint8_t (*)[32])public_key, .public_key_count = 1,
		.security_version = 1, .sram = sram(), .sram_size = SRAM_SIZE,
		.read = read_input, .ctx = &in,
	};
	struct sim_rom_image image;
	uint32_t error;

	signing_key(public_key[0]);
	error = sim_rom_boot(&rom, 0, claimed, &image);
	if (!error && (image.entry - GAON_MCU_SRAM >= SRAM_SIZE || image.security_version < 1))
		abort();
	/* What was refused leaves nothing that could be executed. */
	for (uint32_t i = 0; error && i < SRAM_SIZE; i++)
		if (sram()[i])
			abort();
}

/* Fields from the input where they make a difference, a good frame around them. */
static void boot_signed(const uint8_t *data, size_t size)
{
	static uint8_t image[sizeof(struct gaon_fw_header) + 4096];
	struct gaon_fw_header *h = (struct gaon_fw_header *)image;
	uint8_t public_key[32];
	size_t payload = 16 + (size > 24 ? size - 24 : 0) / 16 * 16;
	uint32_t fields[6] = { 0 };

	if (payload > 4096)
		payload = 4096;
	memset(image, 0, sizeof(image));
	memcpy(fields, data, size < sizeof(fields) ? size : sizeof(fields));
	*h = (struct gaon_fw_header){
		.magic = GAON_FW_MAGIC, .header_version = 1, .header_size = sizeof(*h),
		.payload_size = (uint32_t)payload, .chip = GAON_FW_CHIP_GA1,
		.load_addr = GAON_MCU_SRAM ^ fields[0], .entry = GAON_MCU_SRAM ^ fields[1],
		.version = fields[2], .security_version = fields[3] & 3,
		.abi_min = 1 ^ (fields[4] & 0xff), .abi_max = 1 ^ (fields[4] >> 8 & 0xff),
	};
	if (size > 24)
		memcpy(h + 1, data + 24, size - 24 < payload ? size - 24 : payload);
	if (fw_image_seal(h, h + 1, signing_key(public_key)))
		abort();
	if (fields[5] & 1)
		image[fields[5] >> 8 & 0xfff] ^= 1;
	boot(image, sizeof(*h) + payload, sizeof(*h) + (uint32_t)payload + (fields[5] >> 1 & 3) - 1);
}

/* --- the core ------------------------------------------------------------------------------------ */

static uint8_t next_byte(struct input *in)
{
	return in->used < in->size ? in->data[in->used++] : 0;
}

static bool register_read(void *ctx, uint32_t addr, unsigned int len, uint32_t *value)
{
	struct input *in = ctx;

	if (addr & (len - 1))
		abort();
	*value = next_byte(in) * 0x01010101u;
	return addr - GAON_MCU_REGS < GAON_MCU_REGS_SIZE;
}

static bool register_write(void *ctx, uint32_t addr, unsigned int len, uint32_t value)
{
	struct input *in = ctx;

	(void)len;
	sim_mcu_set_irq(in->mcu, value, value >> 31);
	if (value == 0x53544f50)
		sim_mcu_stop(in->mcu);
	return addr - GAON_MCU_REGS < GAON_MCU_REGS_SIZE;
}

static void execute(const uint8_t *data, size_t size)
{
	static const struct sim_mcu_ops ops = { .read = register_read, .write = register_write };
	struct sim_mcu_region region = { .base = GAON_MCU_SRAM, .size = SRAM_SIZE, .data = sram() };
	struct input in = { .data = data, .size = size };
	struct sim_mcu_state state;
	uint64_t left = BUDGET;

	memset(sram(), 0, SRAM_SIZE);
	memcpy(sram() + 0x40, data, size < SRAM_SIZE - 0x40 ? size : SRAM_SIZE - 0x40);
	in.mcu = sim_mcu_create(&region, 1, &ops, &in);
	if (!in.mcu)
		abort();
	sim_mcu_reset(in.mcu, GAON_MCU_SRAM + 0x40);
	/* Pointers into memory and registers in a few registers, or most loads would only trap. */
	sim_mcu_get_state(in.mcu, &state);
	for (unsigned int i = 1; i < 32; i++)
		state.x[i] = (i & 1 ? GAON_MCU_SRAM : GAON_MCU_REGS) + i * 64;
	state.mtvec = GAON_MCU_SRAM + 0x40;
	sim_mcu_set_state(in.mcu, &state);
	while (left) {
		enum sim_mcu_exit why = sim_mcu_run(in.mcu, left < 500 ? left : 500);

		left -= left < 500 ? left : 500;
		if (why == SIM_MCU_LOCKUP)
			break;
		sim_mcu_set_irq(in.mcu, 1u << (next_byte(&in) & 15), next_byte(&in) & 1);
	}
	sim_mcu_get_state(in.mcu, &state);
	if (state.x[0])
		abort();
	sim_mcu_destroy(in.mcu);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	switch (data[0] % 3) {
	case 0:
		boot(data + 1, size - 1, (uint32_t)(size - 1 + data[1] % 3 - 1));
		break;
	case 1:
		boot_signed(data + 1, size - 1);
		break;
	default:
		execute(data + 1, size - 1);
		break;
	}
	return 0;
}
