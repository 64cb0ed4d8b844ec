// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Firmware images, which may be anything, and what firmware says of the device. Images lie at the
 * end of their allocation, so that KASAN sees a read behind them.
 */
#include <linux/firmware.h>
#include <linux/io-64-nonatomic-lo-hi.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <kunit/test.h>

#include <hw/gaon_fwimage.h>

#include "../gaon_device.h"
#include "../gaon_visible.h"
#include "gaon_mock.h"

#define PAYLOAD	64
#define HBM	BIT_ULL(30)
#define WINDOW	BIT_ULL(28)

static struct gaon_fw_header good_header(void)
{
	return (struct gaon_fw_header) {
		.magic = GAON_FW_MAGIC, .header_version = 1, .header_size = 256,
		.payload_size = PAYLOAD, .chip = GAON_FW_CHIP_GA1,
		.abi_min = GAON_ABI_MIN, .abi_max = GAON_ABI_MAX,
	};
}

static int fw_test_init(struct kunit *test)
{
	test->priv = gaon_mock_device(test);
	return 0;
}

/* What the driver says of an image of @size bytes, of which the header's are as many as fit. */
static int say(struct kunit *test, const struct gaon_fw_header *header, size_t size)
{
	u8 *data = kunit_kzalloc(test, size ?: 1, GFP_KERNEL);
	struct firmware fw = { .data = data, .size = size };
	int err;

	KUNIT_ASSERT_NOT_NULL(test, data);
	memcpy(data, header, min(size, sizeof(*header)));
	err = gaon_fw_check(test->priv, &fw, "test");
	kunit_kfree(test, data);
	return err;
}

/* --- images ----------------------------------------------------------------------------------- */

/** struct fw_case - a field of a good header that is changed, and what is said then */
struct fw_case {
	const char *name;
	size_t offset, bytes;
	u64 value;
	int err;
};

#define FW_CASE(field, number, error)	{						\
	#field " = " #number, offsetof(struct gaon_fw_header, field),			\
	sizeof_field(struct gaon_fw_header, field), number, error }

static const struct fw_case fw_cases[] = {
	FW_CASE(magic, GAON_FW_MAGIC, 0),
	FW_CASE(magic, 0, -EINVAL),
	FW_CASE(magic, GAON_FW_MAGIC + 1, -EINVAL),
	FW_CASE(header_version, 0, -EINVAL),
	FW_CASE(header_version, 2, -EINVAL),
	FW_CASE(header_size, 0, -EINVAL),
	FW_CASE(header_size, 255, -EINVAL),
	FW_CASE(header_size, 272, -EINVAL),
	FW_CASE(payload_size, 0, -EINVAL),
	FW_CASE(payload_size, 16, 0),
	FW_CASE(payload_size, 24, -EINVAL),
	FW_CASE(payload_size, PAYLOAD + 16, -EINVAL),
	FW_CASE(payload_size, 0x80000000, -EINVAL),
	FW_CASE(payload_size, 0xfffffff0, -EINVAL),
	FW_CASE(chip, 0, -EINVAL),
	FW_CASE(flags, 1, -EINVAL),
	FW_CASE(flags, 0x80000000, -EINVAL),
	FW_CASE(abi_min, 0, -EINVAL),
	FW_CASE(abi_min, 0xffff, -EINVAL),
	FW_CASE(abi_max, 0, -EINVAL),
	FW_CASE(abi_max, 0xffff, 0),
	/* Not the driver's to judge: the ROM does. */
	FW_CASE(load_addr, 0xffffffff, 0),
	FW_CASE(entry, 0xffffffff, 0),
	FW_CASE(version, 0xffffffff, 0),
	FW_CASE(security_version, 0xffffffff, 0),
};

KUNIT_ARRAY_PARAM_DESC(fw, fw_cases, name);

static void fw_fields(struct kunit *test)
{
	const struct fw_case *c = test->param_value;
	struct gaon_fw_header header = good_header();

	memcpy((u8 *)&header + c->offset, &c->value, c->bytes);
	KUNIT_EXPECT_EQ(test, say(test, &header, sizeof(header) + PAYLOAD), c->err);
}

/* Cut off anywhere. */
static void fw_short(struct kunit *test)
{
	struct gaon_fw_header header = good_header();
	size_t size;

	for (size = 0; size < sizeof(header) + PAYLOAD; size++)
		KUNIT_EXPECT_EQ_MSG(test, say(test, &header, size), -EINVAL, "%zu bytes", size);
	KUNIT_EXPECT_EQ(test, say(test, &header, size), 0);
	/* What follows is nobody's business; too long is too long. */
	KUNIT_EXPECT_EQ(test, say(test, &header, size + 1), 0);
	KUNIT_EXPECT_EQ(test, say(test, &header, GAON_FW_MAX_SIZE), 0);
	KUNIT_EXPECT_EQ(test, say(test, &header, GAON_FW_MAX_SIZE + 1), -EINVAL);
}

/* Versions of the admin protocol that have none in common with this driver's. */
static void fw_abi(struct kunit *test)
{
	struct gaon_fw_header header = good_header();
	u32 low, high;

	for (low = 1; low <= GAON_ABI_MAX + 2; low++) {
		for (high = low; high <= GAON_ABI_MAX + 2; high++) {
			bool common = low <= GAON_ABI_MAX && high >= GAON_ABI_MIN;

			header.abi_min = low;
			header.abi_max = high;
			KUNIT_EXPECT_EQ_MSG(test, say(test, &header, sizeof(header) + PAYLOAD),
					    common ? 0 : -EPROTO, "ABI %u to %u", low, high);
		}
	}
}

/* Random bytes over a good header: taken only if a slower reading of the specification takes it. */
static void fw_random(struct kunit *test)
{
	struct rnd_state random;
	unsigned int i, k;

	gaon_mock_seed(test, &random);
	for (i = 0; i < 1000; i++) {
		struct gaon_fw_header header = good_header();
		u8 *bytes = (u8 *)&header;
		u64 size = sizeof(header) + gaon_mock_below(&random, 2 * PAYLOAD);
		bool good;

		for (k = gaon_mock_below(&random, 4); k; k--)
			bytes[gaon_mock_below(&random, 48)] = gaon_mock_below(&random, 256);
		good = !memcmp(bytes, "GAONW1\0\0", 8) && header.header_version == 1 &&
		       header.header_size == 256 && header.chip == 0x314147 && !header.flags &&
		       header.payload_size && header.payload_size % 16 == 0 &&
		       256ull + header.payload_size <= size && header.abi_min >= 1 &&
		       header.abi_min <= header.abi_max && header.abi_min <= GAON_ABI_MAX &&
		       header.abi_max >= GAON_ABI_MIN;
		KUNIT_EXPECT_EQ_MSG(test, !say(test, &header, size), good,
				    "header %48ph, %llu bytes", bytes, size);
	}
}

/* --- what firmware says ----------------------------------------------------------------------- */

static struct gaon_identify good_identity(struct gaon_device *gdev)
{
	memset(&gdev->identify, 0, sizeof(gdev->identify));
	writeq(HBM, gdev->regs + GAON_REG_HBM_SIZE);
	writeq(WINDOW, gdev->regs + GAON_REG_APERTURE);
	return (struct gaon_identify) {
		.size = sizeof(struct gaon_identify), .hbm_bytes = HBM, .aperture_bytes = WINDOW,
		.contexts = 64, .queues = 1024, .save_bytes = 1 << 20, .clock_khz = 1000000,
		.cores = 4, .preempt_ms = 100, .name = "GA1",
	};
}

static void fw_identity(struct kunit *test)
{
	struct gaon_device *gdev = test->priv;
	struct gaon_identify id = good_identity(gdev);

#define BAD(change) do {								\
	id = good_identity(gdev);							\
	id.change;									\
	KUNIT_EXPECT_EQ_MSG(test, gaon_fw_identify_check(gdev, &id), -EPROTO, #change);	\
} while (0)
	KUNIT_EXPECT_EQ(test, gaon_fw_identify_check(gdev, &id), 0);
	BAD(size = 0);
	BAD(size = 16);
	BAD(hbm_bytes = HBM + 4096);
	BAD(hbm_bytes = 0);
	BAD(aperture_bytes = WINDOW / 2);
	BAD(contexts = 1);
	BAD(contexts = GAON_CONTEXTS + 1);
	BAD(queues = 0);
	BAD(queues = GAON_QUEUES + 1);
	BAD(save_bytes = (1u << 30) + 1);
	BAD(clock_khz = 0);
	BAD(cores = 0);
	BAD(preempt_ms = 0);
	BAD(preempt_ms = 60001);
	/* Registers and firmware agree on what cannot be. */
	id = good_identity(gdev);
	id.hbm_bytes = HBM + 1;
	writeq(HBM + 1, gdev->regs + GAON_REG_HBM_SIZE);
	KUNIT_EXPECT_EQ(test, gaon_fw_identify_check(gdev, &id), -EPROTO);
	id = good_identity(gdev);
	id.aperture_bytes = 2 * HBM;
	writeq(2 * HBM, gdev->regs + GAON_REG_APERTURE);
	KUNIT_EXPECT_EQ(test, gaon_fw_identify_check(gdev, &id), -EPROTO);
}

/* Text from the firmware is for terminals: no byte of it is anything else. */
static void fw_text(struct kunit *test)
{
	struct gaon_device *gdev = test->priv;
	struct gaon_identify id = good_identity(gdev);
	size_t i;

	memset(id.name, 0x1b, sizeof(id.name));
	memcpy(id.fw_build, "1.2\n\xff~ ", 8);
	id.fw_build[12] = 'x';
	KUNIT_EXPECT_EQ(test, gaon_fw_identify_check(gdev, &id), 0);
	for (i = 0; i < sizeof(id.name) - 1; i++)
		KUNIT_EXPECT_EQ(test, id.name[i], '?');
	KUNIT_EXPECT_EQ(test, id.name[i], 0);
	KUNIT_EXPECT_STREQ(test, (char *)id.fw_build, "1.2??~ ");
	KUNIT_EXPECT_EQ_MSG(test, id.fw_build[12], 0, "bytes behind the text stay");
}

/* After a reset it is the same device; its firmware may be another. */
static void fw_same(struct kunit *test)
{
	struct gaon_device *gdev = test->priv;
	struct gaon_identify first = good_identity(gdev), id;

	gdev->identify = first;
	id = first;
	KUNIT_EXPECT_EQ(test, gaon_fw_identify_check(gdev, &id), 0);
	id.fw_version++;
	id.features = ~0ull;
	id.abi_max++;
	memcpy(id.fw_build, "later", 6);
	KUNIT_EXPECT_EQ(test, gaon_fw_identify_check(gdev, &id), 0);
	id = first;
	id.contexts++;
	KUNIT_EXPECT_EQ(test, gaon_fw_identify_check(gdev, &id), -EPROTO);
	id = first;
	id.serial[3]++;
	KUNIT_EXPECT_EQ(test, gaon_fw_identify_check(gdev, &id), -EPROTO);
}

static struct kunit_case fw_tests[] = {
	KUNIT_CASE_PARAM(fw_fields, fw_gen_params),
	KUNIT_CASE(fw_short),
	KUNIT_CASE(fw_abi),
	KUNIT_CASE(fw_random),
	KUNIT_CASE(fw_identity),
	KUNIT_CASE(fw_text),
	KUNIT_CASE(fw_same),
	{}
};

static struct kunit_suite fw_suite = {
	.name = "gaon_fw",
	.init = fw_test_init,
	.test_cases = fw_tests,
};

kunit_test_suite(fw_suite);
