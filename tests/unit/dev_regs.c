// SPDX-License-Identifier: MIT
/* The PCI function, BAR0 and the event rings as a driver sees them. */
#include <check.h>
#include <string.h>

#include "../check_run.h"
#include "../../tools/sim/dev/devside.h"
#include "dev_host.h"

static struct dev_host host;

static void setup(void)
{
	dev_host_create(&host, NULL);
}

static void teardown(void)
{
	dev_host_destroy(&host);
}

static uint32_t config32(unsigned int offset)
{
	uint32_t value;

	gaon_sim_config_read(host.sim, offset, &value, 4);
	return value;
}

static void config_write32(unsigned int offset, uint32_t value)
{
	gaon_sim_config_write(host.sim, offset, &value, 4);
}

static unsigned int find_capability(uint8_t id)
{
	unsigned int at = config32(0x34) & 0xff;

	while (at && (config32(at) & 0xff) != id)
		at = config32(at) >> 8 & 0xff;
	return at;
}

/* --- PCI ---------------------------------------------------------------------------------------- */

START_TEST(test_identity)
{
	unsigned int vendor = find_capability(0x09);
	uint64_t magic;

	ck_assert_uint_eq(config32(0), GAON_PCI_DEVICE << 16 | GAON_PCI_VENDOR);
	ck_assert_uint_eq(config32(8) >> 8, GAON_PCI_CLASS);
	ck_assert_uint_eq(config32(0x2c), GAON_PCI_SUBDEVICE << 16 | GAON_PCI_SUBVENDOR);
	ck_assert_uint_ne(vendor, 0);
	ck_assert_uint_eq(config32(vendor) >> 16 & 0xff, GAON_PCI_VSEC_LENGTH);
	gaon_sim_config_read(host.sim, vendor + 4, &magic, 4);
	gaon_sim_config_read(host.sim, vendor + 8, (uint8_t *)&magic + 4, 4);
	ck_assert_uint_eq(magic, GAON_PCI_VSEC_MAGIC);
	ck_assert_uint_ne(find_capability(0x01), 0);
	ck_assert_uint_ne(find_capability(0x10), 0);
	ck_assert_uint_ne(config32(find_capability(0x10) + 4) & 1u << 28, 0);
	ck_assert_uint_eq(config32(0x100) & 0xffff, 1);
}
END_TEST

START_TEST(test_bar_sizing)
{
	static const struct { unsigned int bar; uint64_t size; bool wide; } table[] = {
		{ 0, GAON_BAR0_SIZE, false },
		{ 2, 64ull << 20, true },
		{ 4, (uint64_t)GAON_CONTEXTS * GAON_DOORBELL_STRIDE, true },
	};
	unsigned int at = 0x10 + 4 * table[_i].bar;
	uint64_t mask;

	config_write32(at, 0xffffffff);
	mask = config32(at) & ~0xfull;
	if (table[_i].wide) {
		ck_assert_uint_eq(config32(at) & 6, 4);
		config_write32(at + 4, 0xffffffff);
		mask |= (uint64_t)config32(at + 4) << 32;
	} else {
		mask |= 0xffffffff00000000ull;
	}
	ck_assert_uint_eq(~mask + 1, table[_i].size);
	ck_assert_uint_eq(config32(0x14), 0);
}
END_TEST

START_TEST(test_decoding)
{
	uint16_t off = 0;

	ck_assert_uint_eq(dev_read32(&host, GAON_REG_ID), GAON_ID);
	gaon_sim_config_write(host.sim, 4, &off, 2);
	ck_assert_uint_eq(dev_read32(&host, GAON_REG_ID), 0xffffffff);
	dev_host_enable(&host);
	ck_assert_uint_eq(dev_read32(&host, GAON_REG_ID), GAON_ID);
	/* D3hot answers configuration only. */
	config_write32(find_capability(1) + 4, 3);
	ck_assert_uint_eq(dev_read32(&host, GAON_REG_STATE), GAON_STATE_GONE);
	config_write32(find_capability(1) + 4, 0);
	ck_assert_uint_eq(dev_read32(&host, GAON_REG_STATE), GAON_STATE_RESET);
}
END_TEST

START_TEST(test_access_sizes)
{
	uint8_t bytes[3] = { 1, 2, 3 };

	ck_assert_uint_eq(gaon_sim_bar_read(host.sim, 0, GAON_REG_ID, 1), GAON_ID & 0xff);
	ck_assert_uint_eq(gaon_sim_bar_read(host.sim, 0, GAON_REG_ID + 2, 2), GAON_ID >> 16);
	ck_assert_uint_eq(gaon_sim_bar_read(host.sim, 0, GAON_REG_ID, 8),
			  GAON_ID | (uint64_t)GAON_REVISION << 32);
	ck_assert_uint_eq(gaon_sim_bar_read(host.sim, 0, GAON_REG_ID + 1, 2), 0xffff);
	ck_assert_uint_eq(gaon_sim_bar_read(host.sim, 0, GAON_BAR0_SIZE, 4), 0xffffffff);
	ck_assert_uint_eq(gaon_sim_bar_read(host.sim, 1, 0, 4), 0xffffffff);
	ck_assert_uint_eq(gaon_sim_bar_read(host.sim, 0, GAON_REG_LIMIT, 4), 0);
	gaon_sim_config_read(host.sim, 0, bytes, 3);
	ck_assert_uint_eq(bytes[0] & bytes[1] & bytes[2], 0xff);
	/* Parts of registers can't be written. */
	dev_write64(&host, GAON_REG_ADMIN_SQ, 0x123456789abcull);
	gaon_sim_bar_write(host.sim, 0, GAON_REG_ADMIN_SQ, 0, 2);
	ck_assert_uint_eq(dev_read64(&host, GAON_REG_ADMIN_SQ), 0x123456789abcull);
	dev_write32(&host, GAON_REG_ADMIN_SQ + 4, 1);
	ck_assert_uint_eq(dev_read64(&host, GAON_REG_ADMIN_SQ), 0x156789abcull);
}
END_TEST

/* HBM through its aperture and through the host pointer is the same memory; FLR clears it. */
START_TEST(test_flr)
{
	unsigned int pcie = find_capability(0x10);
	uint16_t flr;
	uint64_t len;
	uint8_t *hbm = gaon_sim_hbm(host.sim, &len);

	gaon_sim_bar_write(host.sim, 2, 0x1000, 0x1122334455667788ull, 8);
	ck_assert_uint_eq(hbm[0x1000], 0x88);
	ck_assert_uint_eq(gaon_sim_bar_read(host.sim, 2, 0x1004, 4), 0x11223344);
	dev_write64(&host, GAON_REG_FW_ADDR, 0x1234);
	gaon_sim_config_read(host.sim, pcie + 8, &flr, 2);
	flr |= 0x8000;
	gaon_sim_config_write(host.sim, pcie + 8, &flr, 2);
	gaon_sim_config_read(host.sim, pcie + 8, &flr, 2);
	ck_assert_uint_eq(flr & 0x8000, 0);
	ck_assert_uint_eq(config32(4) & 7, 0);
	ck_assert_uint_eq(dev_read32(&host, GAON_REG_ID), 0xffffffff);
	dev_host_enable(&host);
	ck_assert_uint_eq(dev_read64(&host, GAON_REG_FW_ADDR), 0);
	ck_assert_uint_eq(hbm[0x1000], 0);
}
END_TEST

/* --- MSI-X ---------------------------------------------------------------------------------------- */

static void raise_vector(unsigned int vector)
{
	pthread_mutex_lock(&host.sim->lock);
	sim_msix_raise(host.sim, vector);
	pthread_mutex_unlock(&host.sim->lock);
}

START_TEST(test_msix)
{
	uint16_t control = 0xc000;

	raise_vector(3);
	ck_assert_uint_eq(atomic_load(&host.interrupts[3]), 1);
	/* A masked vector stays pending until it is unmasked. */
	gaon_sim_bar_write(host.sim, 0, GAON_MSIX_TABLE + 16 * 3 + 12, 1, 4);
	raise_vector(3);
	raise_vector(3);
	ck_assert_uint_eq(atomic_load(&host.interrupts[3]), 1);
	ck_assert_uint_eq(gaon_sim_bar_read(host.sim, 0, GAON_MSIX_PBA, 8), 8);
	gaon_sim_bar_write(host.sim, 0, GAON_MSIX_TABLE + 16 * 3 + 12, 0, 4);
	ck_assert_uint_eq(atomic_load(&host.interrupts[3]), 2);
	ck_assert_uint_eq(gaon_sim_bar_read(host.sim, 0, GAON_MSIX_PBA, 8), 0);
	/* The function's mask. */
	gaon_sim_config_write(host.sim, 0x52, &control, 2);
	raise_vector(0);
	ck_assert_uint_eq(atomic_load(&host.interrupts[0]), 0);
	control = 0x8000;
	gaon_sim_config_write(host.sim, 0x52, &control, 2);
	ck_assert_uint_eq(atomic_load(&host.interrupts[0]), 1);
	/* Address and data read back. */
	gaon_sim_bar_write(host.sim, 0, GAON_MSIX_TABLE, 0xfee00000, 8);
	gaon_sim_bar_write(host.sim, 0, GAON_MSIX_TABLE + 8, 0x41, 4);
	ck_assert_uint_eq(gaon_sim_bar_read(host.sim, 0, GAON_MSIX_TABLE, 8), 0xfee00000);
	ck_assert_uint_eq(gaon_sim_bar_read(host.sim, 0, GAON_MSIX_TABLE + 8, 8), 0x41);
}
END_TEST

/* --- event rings ------------------------------------------------------------------------------------ */

static struct gaon_event *ring_enable(unsigned int ring, uint32_t log2)
{
	uint64_t pa, reg = GAON_REG_EVENT(ring);
	struct gaon_event *events = dev_host_alloc(&host, sizeof(*events) << log2, &pa);

	dev_write64(&host, reg + GAON_EVENT_ADDR, pa);
	dev_write32(&host, reg + GAON_EVENT_LOG2, log2);
	dev_write32(&host, reg + GAON_EVENT_ENABLE, 1);
	ck_assert_uint_eq(dev_read32(&host, reg + GAON_EVENT_ENABLE), 1);
	return events;
}

static void post(unsigned int ring, uint64_t value)
{
	struct gaon_event event = { .type = GAON_EVENT_PACKET, .value = value, .valid = 77, .reserved = 1 };

	pthread_mutex_lock(&host.sim->lock);
	sim_event_post_ring(host.sim, ring, &event);
	pthread_mutex_unlock(&host.sim->lock);
}

/* Produce and consume at random distances: nothing is lost unless the ring is full, and then it is said. */
START_TEST(test_event_ring)
{
	struct gaon_event *events = ring_enable(2, 4);
	uint64_t seed = dev_seed(), head = 0, next = 0, dropped = 0, seen_lost = 0, posted = 0;
	uint64_t reg = GAON_REG_EVENT(2);

	for (unsigned int round = 0; round < 3000; round++) {
		for (uint64_t n = dev_random(&seed) % 12; n; n--) {
			if (posted - dropped - head == 16)
				dropped++;
			post(2, ++posted);
		}
		for (uint64_t n = dev_random(&seed) % 12; n; n--) {
			struct gaon_event *e = &events[head & 15];

			if (e->valid != head + 1)
				break;
			ck_assert_uint_eq(e->reserved, 0);
			if (e->flags & GAON_EVENT_F_LOST) {
				seen_lost++;
				ck_assert_uint_gt(e->value, next + 1);
			} else {
				ck_assert_uint_eq(e->value, next + 1);
			}
			next = e->value;
			head++;
		}
		dev_write64(&host, reg + GAON_EVENT_HEAD, head);
	}
	ck_assert_uint_gt(dropped, 0);
	ck_assert_uint_gt(seen_lost, 0);
	ck_assert_uint_eq(dev_read32(&host, reg + GAON_EVENT_LOST), (uint32_t)dropped);
	ck_assert_uint_eq(host.sim->tele.lost_events, dropped);
	dev_write32(&host, reg + GAON_EVENT_ENABLE, 0);
	dev_write32(&host, reg + GAON_EVENT_ENABLE, 1);
	ck_assert_uint_eq(dev_read32(&host, reg + GAON_EVENT_LOST), 0);
}
END_TEST

START_TEST(test_event_interrupt)
{
	uint64_t reg = GAON_REG_EVENT(0);

	ring_enable(0, 4);
	post(0, 1);
	post(0, 2);
	/* One interrupt until HEAD arms it again; at once if there is more. */
	ck_assert_uint_eq(atomic_load(&host.interrupts[1]), 1);
	dev_write64(&host, reg + GAON_EVENT_HEAD, 1);
	ck_assert_uint_eq(atomic_load(&host.interrupts[1]), 2);
	dev_write64(&host, reg + GAON_EVENT_HEAD, 2);
	ck_assert_uint_eq(atomic_load(&host.interrupts[1]), 2);
	post(0, 3);
	ck_assert_uint_eq(atomic_load(&host.interrupts[1]), 3);
	/* A head that was never produced does not move it. */
	dev_write64(&host, reg + GAON_EVENT_HEAD, 1000);
	ck_assert_uint_eq(host.sim->regs->events[0].head, 2);
}
END_TEST

/* A host with one vector lets the rings share it. */
START_TEST(test_event_vector)
{
	uint64_t reg = GAON_REG_EVENT(2);

	ck_assert_uint_eq(dev_read32(&host, reg + GAON_EVENT_VECTOR), 3);
	dev_write32(&host, reg + GAON_EVENT_VECTOR, GAON_MSIX_VECTORS);
	ck_assert_uint_eq(dev_read32(&host, reg + GAON_EVENT_VECTOR), 3);
	dev_write32(&host, reg + GAON_EVENT_VECTOR, 0);
	ring_enable(2, 4);
	dev_write32(&host, reg + GAON_EVENT_VECTOR, 5);
	ck_assert_uint_eq(dev_read32(&host, reg + GAON_EVENT_VECTOR), 0);
	unsigned int before = atomic_load(&host.interrupts[0]);

	post(2, 1);
	ck_assert_uint_eq(atomic_load(&host.interrupts[0]), before + 1);
	ck_assert_uint_eq(atomic_load(&host.interrupts[3]), 0);
	dev_write32(&host, GAON_REG_RESET, GAON_RESET_CHIP);
	ck_assert_uint_eq(dev_read32(&host, reg + GAON_EVENT_VECTOR), 3);
}
END_TEST

/* An unreachable or malformed ring drops records and does nothing else. */
START_TEST(test_event_bad_ring)
{
	uint64_t reg = GAON_REG_EVENT(1);

	dev_write64(&host, reg + GAON_EVENT_ADDR, GAON_PA_HOST | 0x1000);
	dev_write32(&host, reg + GAON_EVENT_LOG2, 4);
	dev_write32(&host, reg + GAON_EVENT_ENABLE, 1);
	post(1, 1);
	ck_assert_uint_eq(dev_read32(&host, reg + GAON_EVENT_LOST), 1);
	dev_write32(&host, reg + GAON_EVENT_ENABLE, 0);
	dev_write32(&host, reg + GAON_EVENT_LOG2, 17);
	dev_write32(&host, reg + GAON_EVENT_ENABLE, 1);
	ck_assert_uint_eq(dev_read32(&host, reg + GAON_EVENT_ENABLE), 0);
	dev_write32(&host, reg + GAON_EVENT_LOG2, 5);
	dev_write64(&host, reg + GAON_EVENT_ADDR, GAON_PA_HBM | (64ull << 20));
	dev_write32(&host, reg + GAON_EVENT_ENABLE, 1);
	ck_assert_uint_eq(dev_read32(&host, reg + GAON_EVENT_ENABLE), 0);
}
END_TEST

START_TEST(test_config_checks)
{
	struct gaon_sim_config bad[] = {
		{ .size = sizeof(bad[0]), .cores = SIM_CORES_MAX + 1 },
		{ .size = sizeof(bad[0]), .slots = SIM_SLOTS_MAX + 1 },
		{ .size = sizeof(bad[0]), .vlen = 192 },
		{ .size = sizeof(bad[0]), .hbm_bytes = 4097 },
		{ .size = sizeof(bad[0]), .hbm_bytes = 16 << 20, .aperture_bytes = 32 << 20 },
		{ .size = sizeof(bad[0]), .public_key_count = 1 },
		{ .size = sizeof(bad[0]), .effects = 9 },
		{ .size = 4 },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_ptr_null(gaon_sim_create(&bad[i], NULL, NULL));
}
END_TEST

START_TEST(test_clock)
{
	uint64_t ns, later;

	dev_read64(&host, GAON_REG_CYCLE);
	ns = dev_read64(&host, GAON_REG_HOST_NS);
	ck_assert_uint_ne(ns, 0);
	ck_assert_uint_eq(dev_read64(&host, GAON_REG_HOST_NS), ns);
	dev_read32(&host, GAON_REG_CYCLE);
	later = dev_read32(&host, GAON_REG_HOST_NS) | (uint64_t)dev_read32(&host, GAON_REG_HOST_NS + 4) << 32;
	ck_assert_uint_ge(later, ns);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("dev_regs");
	TCase *tc = tcase_create("regs");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_identity);
	tcase_add_loop_test(tc, test_bar_sizing, 0, 3);
	tcase_add_test(tc, test_decoding);
	tcase_add_test(tc, test_access_sizes);
	tcase_add_test(tc, test_flr);
	tcase_add_test(tc, test_msix);
	tcase_add_test(tc, test_event_ring);
	tcase_add_test(tc, test_event_interrupt);
	tcase_add_test(tc, test_event_vector);
	tcase_add_test(tc, test_event_bad_ring);
	tcase_add_test(tc, test_config_checks);
	tcase_add_test(tc, test_clock);
	suite_add_tcase(s, tc);
	return check_run(s);
}
