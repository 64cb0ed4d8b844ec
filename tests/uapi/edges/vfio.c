// SPDX-License-Identifier: MIT
/*
 * The card is handed over to vfio-pci, as to a virtual machine, and comes back: neither owner sees what the
 * other had in it, though the first one still has its mappings. As root, behind an IOMMU.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hw/gaon_regs.h>

#include "../../vm/card/card.h"
#include "../queue_lib.h"
#include "counters.h"

#define PIECE		(2u << 20)
#define PIECES_VA	0x400000000ull
#define SECRET		0x5ec2e75ec2e75ec2ull
#define THEIRS		0x7e127e127e127e12ull
#define PATIENCE_MS	60000

/* Fills, or reads: packets of one queue, one after the other. */
static int run(struct lib_queue *queue, struct gaon_packet packet, uint64_t value)
{
	packet.signal_va = lib_va(0);
	packet.signal_value = value;
	packet.flags = GAON_PKT_F_SIGNAL | GAON_PKT_F_EVENT | GAON_PKT_F_BARRIER;
	packet.scope = GAON_SCOPE_HOST | GAON_SCOPE_HOST << 4;
	lib_push(queue, &packet);
	return lib_wait(queue->lib, lib_word(queue->lib, 0), value, PATIENCE_MS);
}

static uint64_t hbm_bytes(int fd)
{
	struct drm_gaon_query_memory memory[2] = { 0 };

	uapi_query(fd, DRM_GAON_QUERY_MEMORY, memory, sizeof(memory));
	return memory[1].total;
}

/* One more object in HBM, mapped for the device; 0 when there is no room. */
static uint32_t piece(struct lib *lib, unsigned int n)
{
	struct drm_gaon_bo_create bo = { .size = PIECE, .flags = DRM_GAON_BO_HBM | DRM_GAON_BO_CPU };

	if (uapi_ioctl(lib->fd, DRM_IOCTL_GAON_BO_CREATE, &bo))
		return 0;
	if (uapi_map(lib->fd, lib->vm, bo.handle, 0, PIECES_VA + (uint64_t)n * PIECE, PIECE, 0))
		REQUIRE(false, "map");
	return bo.handle;
}

/* Takes all HBM there is and writes secrets into it; returns one of the pieces in our memory. */
static volatile uint64_t *leave_secrets(struct lib *lib)
{
	volatile uint64_t *kept = NULL;
	struct lib_queue queue;
	unsigned int n, bad = 0;
	uint32_t handle;

	REQUIRE(!lib_user_queue(lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 0), "a queue");
	for (n = 0; (handle = piece(lib, n)) != 0; n++) {
		struct gaon_packet fill = {
			.type = GAON_PKT_FILL,
			.fill = {
				.dst_va = PIECES_VA + (uint64_t)n * PIECE, .bytes = PIECE,
				.pattern = SECRET, .pattern_size = 8,
			},
		};

		bad += run(&queue, fill, n + 1) != 0;
		if (!kept)
			kept = uapi_mmap(lib->fd, handle, PIECE);
	}
	REQUIRE(!bad && kept && (uint64_t)n * PIECE > hbm_bytes(lib->fd) / 10 * 9 && kept[5] == SECRET,
		"%u MiB of %llu have secrets", n * 2, (unsigned long long)hbm_bytes(lib->fd) >> 20);
	return kept;
}

/* What is not 0 in the memory that the card shows. */
static uint64_t look(volatile uint64_t *hbm, uint64_t bytes)
{
	uint64_t bad = 0;

	for (uint64_t i = 0; i < bytes / 8; i++)
		bad += hbm[i] != 0;
	return bad;
}

/* The new owner, which has the old one's mapping besides. Exit status. */
static int new_owner(volatile uint64_t *kept)
{
	static struct card card;
	volatile uint64_t *hbm;
	uint64_t aperture;

	card_open_vfio(&card, counters_card());
	hbm = (volatile uint64_t *)card.bar[GAON_BAR_HBM];
	aperture = dev_read64(&card.host, GAON_REG_APERTURE);
	CHECK(dev_read32(&card.host, GAON_REG_STATE) == GAON_STATE_RESET, "the card is in reset, state %u",
	      dev_read32(&card.host, GAON_REG_STATE));
	CHECK(aperture >> 20 >= 64, "it shows %llu MiB", (unsigned long long)aperture >> 20);
	CHECK(look(hbm, aperture) == 0, "of the old owner's memory nothing is seen: %llu words",
	      (unsigned long long)look(hbm, aperture));
	for (uint64_t at = 0; at < aperture / 8; at += 512)
		hbm[at] = THEIRS;
	CHECK(hbm[512] == THEIRS, "it keeps what is written");
	/* The old owner's mapping is of nothing. */
	for (uint64_t at = 0; at < PIECE / 8; at += 512) {
		if (kept[at] == THEIRS)
			return CHECK(false, "the old owner sees the new one's memory"), 1;
		kept[at] = SECRET;
	}
	for (uint64_t at = 0; at < aperture / 8; at += 512) {
		if (hbm[at] != THEIRS)
			return CHECK(false, "the old owner writes into the new one's memory"), 1;
	}
	CHECK(true, "the old owner's mapping reaches nothing of it");
	fflush(stdout);
	return 0;
}

static int sysfs(const char *file, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/bus/pci/%s", file);
	return counters_write(path, text);
}

static void give_back(void)
{
	char override[64];

	snprintf(override, sizeof(override), "devices/%s/driver_override", counters_card());
	CHECK_ERRNO(sysfs("drivers/vfio-pci/unbind", counters_card()), 0, "vfio-pci leaves");
	CHECK_ERRNO(sysfs(override, "\n"), 0, "no override");
	CHECK_ERRNO(sysfs("drivers_probe", counters_card()), 0, "the driver takes the card again");
}

/* Whether the new owner's memory can be seen by a client of the driver. */
static void look_as_client(void)
{
	int fd = counters_open();
	uint64_t bad = 0;
	unsigned int n;
	struct lib lib;

	REQUIRE(fd >= 0, "there is a node: %s", strerror(errno));
	lib_open_on(&lib, fd, DRM_GAON_VM_LR);
	for (n = 0; n < 64; n++) {
		uint32_t handle = piece(&lib, n);
		volatile uint64_t *cpu = handle ? uapi_mmap(fd, handle, PIECE) : NULL;

		if (!cpu)
			break;
		for (uint64_t at = 0; at < PIECE / 8; at += 512)
			bad += cpu[at] != 0;
		munmap((void *)cpu, PIECE);
	}
	CHECK(n >= 32 && !bad, "%u MiB of new objects: %llu pages are not 0", 2 * n, (unsigned long long)bad);
	lib_close(&lib);
}

int main(void)
{
	volatile uint64_t *kept;
	int status = -1;
	struct lib lib;
	pid_t pid;

	counters_card();
	lib_open(&lib, DRM_GAON_VM_LR);
	kept = leave_secrets(&lib);
	REQUIRE(!system("sh tests/vm/guest/to_vfio.sh"), "vfio-pci has the card");
	fflush(stdout);
	pid = fork();
	if (!pid) {
		status = new_owner(kept);
		uapi_exit();
	}
	waitpid(pid, &status, 0);
	CHECK(!status, "the new owner: %#x", status);
	CHECK(kept[5] != THEIRS && kept[512] != THEIRS, "the old owner sees nothing of it afterwards");
	/* The old owner is still there when the card comes back. */
	give_back();
	look_as_client();
	munmap((void *)kept, PIECE);
	lib_close(&lib);
	uapi_exit();
}
