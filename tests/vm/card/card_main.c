// SPDX-License-Identifier: MIT
/*
 * card sysfs|vfio BDF IMAGE: what the card must do for any driver, tried from a guest's user space.
 * TAP on standard output.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <hw/gaon_fwimage.h>

#include "card.h"

static struct card card;
static struct dev_host *const host = &card.host;
static unsigned int tests, failures;

static void check(bool good, const char *what)
{
	printf("%s %u - %s\n", good ? "ok" : "not ok", ++tests, what);
	failures += !good;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

static bool await(const volatile uint64_t *value, uint64_t target)
{
	uint64_t end = now_ns() + 10000000000ull;

	while (__atomic_load_n(value, __ATOMIC_ACQUIRE) < target && now_ns() < end)
		host->bus->run(host->ctx, value, target);
	return __atomic_load_n(value, __ATOMIC_ACQUIRE) >= target;
}

/* --- configuration space ------------------------------------------------------------------------- */

static unsigned int find_capability(uint8_t id)
{
	unsigned int at = card_config(&card, 0x34, 1) & ~3u;

	for (int guard = 0; at && guard < 48; guard++) {
		if (card_config(&card, at, 1) == id)
			return at;
		at = card_config(&card, at + 1, 1) & ~3u;
	}
	return 0;
}

static unsigned int find_extended(uint16_t id)
{
	unsigned int at = 0x100;

	for (int guard = 0; at && guard < 48; guard++) {
		uint32_t head = card_config(&card, at, 4);

		if ((head & 0xffff) == id)
			return at;
		at = head >> 20;
	}
	return 0;
}

static void test_config(void)
{
	unsigned int exp = find_capability(0x10);

	check(card_config(&card, 0, 4) == (GAON_PCI_DEVICE << 16 | GAON_PCI_VENDOR), "vendor and device");
	check(card_config(&card, 0x2c, 4) == (GAON_PCI_SUBDEVICE << 16 | GAON_PCI_SUBVENDOR), "subsystem");
	check(card_config(&card, 8, 4) >> 8 == GAON_PCI_CLASS, "class");
	check(find_capability(0x01), "power management capability");
	check(find_capability(0x11), "MSI-X capability");
	check(find_capability(0x09), "vendor-specific capability");
	check(exp && (card_config(&card, exp + 4, 4) >> 28 & 1), "PCI Express capability with FLR");
	check(find_extended(0x0001), "advanced error reporting");
	check(find_extended(0x0003), "serial number");
}

/* --- BARs ---------------------------------------------------------------------------------------- */

static void test_bars(void)
{
	volatile uint64_t *hbm = (volatile uint64_t *)card.bar[GAON_BAR_HBM];
	uint64_t aperture = dev_read64(host, GAON_REG_APERTURE), start;
	bool same = true;

	check(card.bar_bytes[GAON_BAR_REGS] == GAON_BAR0_SIZE, "size of BAR0");
	check(card.bar_bytes[GAON_BAR_HBM] >= aperture, "BAR2 holds the aperture");
	check(dev_read32(host, GAON_REG_ID) == GAON_ID, "identity register");
	check(dev_read32(host, GAON_REG_STATE) == GAON_STATE_RESET, "in reset");
	for (uint64_t i = 0; i < 4096; i++)
		hbm[i * (aperture / 8 / 4096)] = i * 0x9e3779b97f4a7c15ull;
	for (uint64_t i = 0; i < 4096; i++)
		same &= hbm[i * (aperture / 8 / 4096)] == i * 0x9e3779b97f4a7c15ull;
	check(same, "BAR2 keeps what is stored");
	start = now_ns();
	for (int i = 0; i < 1000; i++)
		dev_read32(host, GAON_REG_STATE);
	printf("# register read %llu ns\n", (unsigned long long)(now_ns() - start) / 1000);
	start = now_ns();
	for (int i = 0; i < 1000; i++)
		host->bus->write(host->ctx, GAON_BAR_DOORBELL, 0x123450 & ~7, 0, 4);
	printf("# doorbell write %llu ns\n", (unsigned long long)(now_ns() - start) / 1000);
	start = now_ns();
	memset((void *)(uintptr_t)card.bar[GAON_BAR_HBM], 0x5a, 1 << 20);
	printf("# 1 MiB memset of BAR2 %llu us\n", (unsigned long long)(now_ns() - start) / 1000);
}

/* --- firmware, queue, interrupts ------------------------------------------------------------------ */

static uint8_t image[GAON_FW_MAX_SIZE];
static ssize_t image_bytes;

static void boot(void)
{
	uint64_t start = now_ns();
	uint32_t state;

	host->used = 0;
	memset(host->mem, 0, host->bytes);
	state = dev_host_boot(host, image, image_bytes, image_bytes);
	check(state == GAON_STATE_READY, "the firmware boots");
	printf("# state %u, boot error %#x, %llu ms\n", state, dev_read32(host, GAON_REG_BOOT_ERROR),
	       (unsigned long long)(now_ns() - start) / 1000000);
	if (state != GAON_STATE_READY)
		exit(1);
	dev_host_admin(host, 4);
}

static bool interrupted(unsigned int vector)
{
	struct pollfd poller = { .fd = card.irq[vector], .events = POLLIN };
	uint64_t count;

	return poll(&poller, 1, 5000) == 1 && read(card.irq[vector], &count, 8) == 8;
}

#define CODE_VA	0x300000ull

static void test_queue(struct dev_queue *q)
{
	struct gaon_packet pkt = { .flags = GAON_PKT_F_SIGNAL, .signal_va = DEV_VALUE_VA };
	uint64_t pa, start;
	uint32_t *code;
	bool good = true;

	dev_host_queue(host, q);
	if (card.irq[0] >= 0)
		check(interrupted(0), "the admin queue interrupts");
	start = now_ns();
	for (uint64_t i = 1; i <= 200 && good; i++) {
		pkt.type = GAON_PKT_NOP;
		pkt.signal_value = i;
		dev_host_push(host, q, &pkt);
		good = await(q->value, i);
	}
	check(good, "200 packets, one after the other");
	printf("# packet round trip %llu us\n", (unsigned long long)(now_ns() - start) / 200000);

	/* A kernel that stores 42 where its argument points to. */
	code = dev_host_alloc(host, 4096, &pa);
	code[0] = 0x02a00293;	/* li t0, 42 */
	code[1] = 0x00553423;	/* sd t0, 8(a0) */
	code[2] = 0x00008067;	/* ret */
	dev_host_map(host, q->root, CODE_VA, pa, GAON_PTE_R | GAON_PTE_X | GAON_PTE_U, 0);
	pkt.type = GAON_PKT_LAUNCH;
	pkt.launch = (struct gaon_pkt_launch){
		.entry_va = CODE_VA, .args_va = DEV_VALUE_VA, .grid = { 1, 1, 1 }, .stack_bytes = 4096,
	};
	pkt.signal_value = 1000;
	dev_host_push(host, q, &pkt);
	check(await(q->value, 1000) && q->value[1] == 42, "a kernel stores into host memory");
}

static void test_events(struct dev_queue *q)
{
	struct gaon_packet pkt = { .type = GAON_PKT_NOP, .flags = GAON_PKT_F_EVENT };
	volatile struct gaon_event *events;
	uint64_t pa;

	events = dev_host_alloc(host, 4096, &pa);
	dev_write64(host, GAON_REG_EVENT(0) + GAON_EVENT_ADDR, pa);
	dev_write32(host, GAON_REG_EVENT(0) + GAON_EVENT_LOG2, 5);
	dev_write32(host, GAON_REG_EVENT(0) + GAON_EVENT_ENABLE, 1);
	for (uint64_t i = 0; i < 5; i++) {
		dev_host_push(host, q, &pkt);
		if (card.irq[1] >= 0)
			check(interrupted(1), "an event interrupts");
		check(await(&events[i].valid, i + 1), "an event record");
		dev_write64(host, GAON_REG_EVENT(0) + GAON_EVENT_HEAD, i + 1);
	}
}

/* --- an IOMMU that changes its mind ---------------------------------------------------------------- */

#define EXTRA_IOVA	0x200000000ull
#define EXTRA_VA	0x40000000ull
#define EXTRA_BYTES	(1ull << 20)

static void fill_packet(struct dev_queue *q, uint64_t value, uint64_t pattern)
{
	struct gaon_packet pkt = {
		.type = GAON_PKT_FILL, .flags = GAON_PKT_F_SIGNAL, .signal_va = DEV_VALUE_VA,
		.signal_value = value,
		.fill = { .dst_va = EXTRA_VA, .bytes = EXTRA_BYTES, .pattern = pattern, .pattern_size = 8 },
	};

	dev_host_push(host, q, &pkt);
}

static void test_iommu(struct dev_queue *q)
{
	uint64_t *extra = mmap(NULL, EXTRA_BYTES, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	uint64_t prot = GAON_PTE_R | GAON_PTE_W | GAON_PTE_U, left = 0;
	bool good = true;

	for (uint64_t at = 0; at < EXTRA_BYTES; at += 4096)
		dev_host_map(host, q->root, EXTRA_VA + at, GAON_PA_HOST | (EXTRA_IOVA + at), prot, 0);
	for (uint64_t round = 1; round <= 5; round++) {
		card_dma_map(&card, extra, EXTRA_BYTES, EXTRA_IOVA);
		fill_packet(q, 2000 + round, round);
		good &= await(q->value, 2000 + round);
		card_dma_unmap(&card, EXTRA_IOVA, EXTRA_BYTES);
		for (uint64_t i = 0; i < EXTRA_BYTES / 8; i++)
			good &= extra[i] == round;
	}
	check(good, "mapped, filled by the device, unmapped, five times");

	/* While it is filling: what the device does after the unmap must not arrive. */
	card_dma_map(&card, extra, EXTRA_BYTES, EXTRA_IOVA);
	fill_packet(q, 3000, 0x77);
	card_dma_unmap(&card, EXTRA_IOVA, EXTRA_BYTES);
	memset(extra, 0, EXTRA_BYTES);
	usleep(200000);
	for (uint64_t i = 0; i < EXTRA_BYTES / 8; i++)
		left += extra[i] != 0;
	check(!left, "nothing arrives after an unmap");
	printf("# queue status %u, fault type %u\n", q->state->status, q->state->fault_type);
}

/* --- reset ----------------------------------------------------------------------------------------- */

static void test_reset(void)
{
	card_reset(&card);
	check(dev_read32(host, GAON_REG_STATE) == GAON_STATE_RESET, "FLR: back in reset");
	check(*(volatile uint64_t *)card.bar[GAON_BAR_HBM] == 0, "FLR: HBM is cleared");
}

int main(int argc, char **argv)
{
	struct dev_queue q;
	int fd;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc != 4 || (strcmp(argv[1], "sysfs") && strcmp(argv[1], "vfio"))) {
		fputs("usage: card sysfs|vfio BDF FIRMWARE\n", stderr);
		return 2;
	}
	fd = open(argv[3], O_RDONLY | O_CLOEXEC);
	image_bytes = fd < 0 ? -1 : read(fd, image, sizeof(image));
	if (image_bytes <= 0)
		card_die(argv[3]);
	if (!strcmp(argv[1], "vfio"))
		card_open_vfio(&card, argv[2]);
	else
		card_open_sysfs(&card, argv[2]);
	test_config();
	test_bars();
	for (int round = 0; round < 2; round++) {
		boot();
		test_queue(&q);
		test_events(&q);
		if (card.device >= 0)
			test_iommu(&q);
		test_reset();
	}
	printf("1..%u\n", tests);
	return failures ? 1 : 0;
}
