// SPDX-License-Identifier: MIT
/* The boot ROM against images that it must refuse, each for the right reason. */
#include "firmware_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hw/gaon_mcu.h>
#include <hw/gaon_regs.h>

#include "../../firmware/gaon_fw_embed.h"
#include "../../firmware/sign/image.h"
#include "../../firmware/version.h"
#include "../../tools/sim/mcu/rom.h"

#define SRAM_SIZE	0x10000u
#define PAYLOAD		4096u
#define AT		0x7000ull	/* where images lie */

struct bench {
	struct gaon_fw_header header;
	uint8_t payload[PAYLOAD];
	uint32_t reachable;		/* bytes of the image that can be read */
	uint32_t reads[sizeof(struct gaon_fw_header) + PAYLOAD];	/* of each byte */
	uint8_t sram[SRAM_SIZE];
	uint8_t public_key[1][32];
	EVP_PKEY *key;
	struct sim_rom rom;
	struct sim_rom_image image;
};

static bool bench_read(void *ctx, uint64_t pa, void *data, size_t len)
{
	struct bench *b = ctx;
	uint64_t offset = pa - AT;

	if (pa < AT || offset > b->reachable || len > b->reachable - offset)
		return false;
	memcpy(data, (uint8_t *)&b->header + offset, len);
	for (size_t i = 0; i < len; i++)
		b->reads[offset + i]++;
	return true;
}

static EVP_PKEY *new_key(uint8_t public_key[32])
{
	EVP_PKEY *key = NULL;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_ED25519, NULL);
	size_t len = 32;

	ck_assert(ctx && EVP_PKEY_keygen_init(ctx) == 1 && EVP_PKEY_keygen(ctx, &key) == 1);
	EVP_PKEY_CTX_free(ctx);
	ck_assert_int_eq(EVP_PKEY_get_raw_public_key(key, public_key, &len), 1);
	return key;
}

/* A good image that is trusted. */
static struct bench *bench_create(void)
{
	struct bench *b = calloc(1, sizeof(*b));

	ck_assert_ptr_nonnull(b);
	b->key = new_key(b->public_key[0]);
	b->header = (struct gaon_fw_header){
		.magic = GAON_FW_MAGIC, .header_version = GAON_FW_HEADER_VERSION,
		.header_size = sizeof(b->header), .payload_size = PAYLOAD, .chip = GAON_FW_CHIP_GA1,
		.load_addr = GAON_MCU_SRAM + 0x100, .entry = GAON_MCU_SRAM + 0x120,
		.version = 0x01020003, .security_version = 7, .abi_min = 1, .abi_max = 2,
		.build = "test",
	};
	for (uint32_t i = 0; i < PAYLOAD; i++)
		b->payload[i] = (uint8_t)(i * 31 + 5);
	ck_assert_int_eq(fw_image_seal(&b->header, b->payload, b->key), 0);
	b->reachable = sizeof(b->header) + PAYLOAD;
	memset(b->sram, 0xa5, sizeof(b->sram));
	b->rom = (struct sim_rom){
		.public_keys = (const uint8_t (*)[32])b->public_key, .public_key_count = 1,
		.security_version = 7, .sram = b->sram, .sram_size = SRAM_SIZE,
		.read = bench_read, .ctx = b,
	};
	return b;
}

static void bench_destroy(struct bench *b)
{
	EVP_PKEY_free(b->key);
	free(b);
}

static uint32_t boot(struct bench *b)
{
	return sim_rom_boot(&b->rom, AT, sizeof(b->header) + b->header.payload_size, &b->image);
}

/* The image is refused with @error, and leaves nothing behind. */
static void refused_sized(struct bench *b, uint32_t size, uint32_t error)
{
	static const struct sim_rom_image none;

	ck_assert_uint_eq(sim_rom_boot(&b->rom, AT, size, &b->image), error);
	ck_assert_mem_eq(&b->image, &none, sizeof(none));
	for (uint32_t i = 0; i < SRAM_SIZE; i++)
		ck_assert_uint_eq(b->sram[i], 0);
}

static void refused(struct bench *b, uint32_t error)
{
	refused_sized(b, sizeof(b->header) + PAYLOAD, error);
}

START_TEST(good_image_is_loaded)
{
	struct bench *b = bench_create();

	ck_assert_uint_eq(boot(b), GAON_BOOT_OK);
	ck_assert_uint_eq(b->image.entry, b->header.entry);
	ck_assert_uint_eq(b->image.version, 0x01020003);
	ck_assert_uint_eq(b->image.security_version, 7);
	ck_assert_uint_eq(b->image.abi_min, 1);
	ck_assert_uint_eq(b->image.abi_max, 2);
	ck_assert_str_eq(b->image.build, "test");
	ck_assert_mem_eq(b->sram + 0x100, b->payload, PAYLOAD);
	for (uint32_t i = 0; i < SRAM_SIZE; i++)
		if (i < 0x100 || i >= 0x100 + PAYLOAD)
			ck_assert_uint_eq(b->sram[i], 0);
	/* What is read twice can change in between. */
	for (uint32_t i = 0; i < b->reachable; i++)
		ck_assert_uint_eq(b->reads[i], 1);
	bench_destroy(b);
}
END_TEST

/* One bit of every byte that the signature or the digest covers, and of the signature. */
START_TEST(every_corrupted_byte_is_found)
{
	struct bench *b = bench_create();
	uint8_t *bytes = (uint8_t *)&b->header;

	for (uint32_t i = 0; i < sizeof(b->header) + PAYLOAD; i += i < sizeof(b->header) ? 1 : 37) {
		uint32_t error;

		bytes[i] ^= (uint8_t)(1u << (i % 8));
		error = sim_rom_boot(&b->rom, AT, b->reachable, &b->image);
		bytes[i] ^= (uint8_t)(1u << (i % 8));
		if (i < 8)
			ck_assert_uint_eq(error, GAON_BOOT_MAGIC);
		else if (i < 16 || (i >= 44 && i < 48) || (i >= 120 && i < 192))
			ck_assert_uint_eq(error, GAON_BOOT_HEADER);
		else if (i < 20)
			ck_assert(error == GAON_BOOT_HEADER || error == GAON_BOOT_TRUNCATED ||
				  error == GAON_BOOT_SIGNATURE);
		else if (i < 24)
			ck_assert_uint_eq(error, GAON_BOOT_CHIP);
		else if (i < sizeof(b->header))
			ck_assert(error == GAON_BOOT_SIGNATURE || error == GAON_BOOT_HEADER);
		else
			ck_assert_uint_eq(error, GAON_BOOT_HASH);
		for (uint32_t s = 0; s < SRAM_SIZE; s += 64)
			ck_assert_uint_eq(b->sram[s], 0);
	}
	ck_assert_uint_eq(boot(b), GAON_BOOT_OK);
	bench_destroy(b);
}
END_TEST

START_TEST(truncated_images)
{
	struct bench *b = bench_create();

	refused_sized(b, 0, GAON_BOOT_TRUNCATED);
	refused_sized(b, 255, GAON_BOOT_TRUNCATED);
	refused_sized(b, 256, GAON_BOOT_TRUNCATED);
	refused_sized(b, 256 + PAYLOAD - 1, GAON_BOOT_TRUNCATED);
	ck_assert_uint_eq(sim_rom_boot(&b->rom, AT, 256 + PAYLOAD + 999, &b->image), GAON_BOOT_OK);
	bench_destroy(b);
}
END_TEST

START_TEST(unreadable_images)
{
	struct bench *b = bench_create();

	ck_assert_uint_eq(sim_rom_boot(&b->rom, 0x123, b->reachable, &b->image), GAON_BOOT_ADDRESS);
	ck_assert_uint_eq(sim_rom_boot(&b->rom, UINT64_MAX - 16, b->reachable, &b->image),
			  GAON_BOOT_ADDRESS);
	b->reachable = 255;
	refused(b, GAON_BOOT_ADDRESS);
	b->reachable = 256 + PAYLOAD - 1;
	refused(b, GAON_BOOT_ADDRESS);
	bench_destroy(b);
}
END_TEST

START_TEST(untrusted_signers)
{
	struct bench *b = bench_create();
	uint8_t other_public[32];
	EVP_PKEY *other = new_key(other_public);

	memset(b->header.signature, 0, 64);
	refused(b, GAON_BOOT_SIGNATURE);
	ck_assert_int_eq(fw_image_seal(&b->header, b->payload, other), 0);
	refused(b, GAON_BOOT_SIGNATURE);
	/* It claims to be signed by the trusted key. */
	ck_assert_int_eq(fw_image_seal(&b->header, b->payload, b->key), 0);
	memcpy(other_public, b->header.key_id, 8);
	ck_assert_int_eq(fw_image_seal(&b->header, b->payload, other), 0);
	memcpy(b->header.key_id, other_public, 8);
	refused(b, GAON_BOOT_SIGNATURE);
	ck_assert_int_eq(fw_image_seal(&b->header, b->payload, b->key), 0);
	b->rom.public_key_count = 0;
	refused(b, GAON_BOOT_SIGNATURE);
	b->rom.public_key_count = 1;
	ck_assert_uint_eq(boot(b), GAON_BOOT_OK);
	EVP_PKEY_free(other);
	bench_destroy(b);
}
END_TEST

START_TEST(second_key_is_found)
{
	struct bench *b = bench_create();
	uint8_t keys[2][32];

	EVP_PKEY_free(new_key(keys[0]));
	memcpy(keys[1], b->public_key[0], 32);
	b->rom.public_keys = (const uint8_t (*)[32])keys;
	b->rom.public_key_count = 2;
	ck_assert_uint_eq(boot(b), GAON_BOOT_OK);
	bench_destroy(b);
}
END_TEST

START_TEST(older_images)
{
	struct bench *b = bench_create();

	b->rom.security_version = 8;
	refused(b, GAON_BOOT_ROLLBACK);
	b->rom.security_version = 0;
	ck_assert_uint_eq(boot(b), GAON_BOOT_OK);
	bench_destroy(b);
}
END_TEST

/* Properly signed, and still wrong. */
static void signed_refused(struct bench *b, uint32_t error)
{
	ck_assert_int_eq(fw_image_seal(&b->header, b->payload, b->key), 0);
	refused(b, error);
}

START_TEST(load_ranges)
{
	static const struct {
		uint32_t load, entry, error;
	} rows[] = {
		{ GAON_MCU_SRAM, GAON_MCU_SRAM, GAON_BOOT_OK },
		{ GAON_MCU_SRAM + SRAM_SIZE - PAYLOAD, GAON_MCU_SRAM + SRAM_SIZE - 4, GAON_BOOT_OK },
		{ GAON_MCU_SRAM + SRAM_SIZE - PAYLOAD + 16, GAON_MCU_SRAM + SRAM_SIZE - 4,
		  GAON_BOOT_RANGE },
		{ GAON_MCU_SRAM - 16, GAON_MCU_SRAM, GAON_BOOT_RANGE },
		{ GAON_MCU_SRAM + 8, GAON_MCU_SRAM + 8, GAON_BOOT_RANGE },
		{ 0, 0, GAON_BOOT_RANGE },
		{ 0xfffffff0u, 0xfffffff0u, GAON_BOOT_RANGE },
		{ GAON_MCU_SRAM, GAON_MCU_SRAM + PAYLOAD, GAON_BOOT_RANGE },
		{ GAON_MCU_SRAM, GAON_MCU_SRAM - 4, GAON_BOOT_RANGE },
		{ GAON_MCU_SRAM, GAON_MCU_SRAM + 2, GAON_BOOT_RANGE },
	};
	struct bench *b = bench_create();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		b->header.load_addr = rows[i].load;
		b->header.entry = rows[i].entry;
		ck_assert_int_eq(fw_image_seal(&b->header, b->payload, b->key), 0);
		ck_assert_uint_eq(boot(b), rows[i].error);
	}
	bench_destroy(b);
}
END_TEST

START_TEST(signed_headers_with_bad_fields)
{
	struct bench *b = bench_create();
	const struct gaon_fw_header good = b->header;

#define BAD(error, change) do { b->header = good; change; signed_refused(b, error); } while (0)
	BAD(GAON_BOOT_HEADER, b->header.header_version = 2);
	BAD(GAON_BOOT_HEADER, b->header.header_size = 512);
	BAD(GAON_BOOT_HEADER, b->header.flags = 1);
	BAD(GAON_BOOT_HEADER, b->header.reserved[71] = 1);
	BAD(GAON_BOOT_HEADER, b->header.abi_min = 0);
	BAD(GAON_BOOT_HEADER, b->header.abi_min = 3);
	BAD(GAON_BOOT_HEADER, b->header.build[5] = 'x');
	BAD(GAON_BOOT_HEADER, b->header.build[0] = 7);
	BAD(GAON_BOOT_CHIP, b->header.chip = 0x00324147);
#undef BAD
	bench_destroy(b);
}
END_TEST

/* Sizes are looked at before anything that is as long as they say. */
START_TEST(payload_sizes)
{
	static const uint32_t sizes[] = {
		0, 15, PAYLOAD + 8, GAON_FW_MAX_SIZE - 240, 0x7ffffff0u, 0xfffffff0u, UINT32_MAX,
	};
	struct bench *b = bench_create();

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		b->header.payload_size = sizes[i];
		ck_assert_uint_eq(sim_rom_boot(&b->rom, AT, UINT32_MAX, &b->image), GAON_BOOT_HEADER);
	}
	bench_destroy(b);
}
END_TEST

START_TEST(the_built_image)
{
	const struct gaon_fw_header *h = (const struct gaon_fw_header *)gaon_fw_image;

	ck_assert_uint_eq(gaon_fw_image_size, sizeof(*h) + h->payload_size);
	ck_assert_uint_eq(h->version, FW_VERSION);
	ck_assert_uint_eq(h->security_version, FW_SECURITY_VERSION);
	ck_assert_str_eq((const char *)h->build, FW_BUILD);
	ck_assert_mem_eq(gaon_fw_devkey, sim_rom_development_key[0], 32);
}
END_TEST

START_TEST(development_key_halves_belong_together)
{
	const char *top = getenv("GAON_SOURCE_DIR");
	char path[4096];
	uint8_t public_key[32];
	size_t len = sizeof(public_key);
	EVP_PKEY *key;

	snprintf(path, sizeof(path), "%s/firmware/keys/development.pem", top ? top : ".");
	key = fw_image_read_key(path);
	ck_assert_msg(key != NULL, "%s: no key; run from the top of the tree", path);
	ck_assert_int_eq(EVP_PKEY_get_raw_public_key(key, public_key, &len), 1);
	ck_assert_mem_eq(public_key, gaon_fw_devkey, 32);
	EVP_PKEY_free(key);
}
END_TEST

TCase *firmware_image_tests(void)
{
	TCase *tc = tcase_create("image");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, good_image_is_loaded);
	tcase_add_test(tc, every_corrupted_byte_is_found);
	tcase_add_test(tc, truncated_images);
	tcase_add_test(tc, unreadable_images);
	tcase_add_test(tc, untrusted_signers);
	tcase_add_test(tc, second_key_is_found);
	tcase_add_test(tc, older_images);
	tcase_add_test(tc, load_ranges);
	tcase_add_test(tc, signed_headers_with_bad_fields);
	tcase_add_test(tc, payload_sizes);
	tcase_add_test(tc, the_built_image);
	tcase_add_test(tc, development_key_halves_belong_together);
	return tc;
}
