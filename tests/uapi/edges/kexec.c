// SPDX-License-Identifier: MIT
/*
 * The kernel starts another one while the card is at work: afterwards nothing of the card reaches memory, and
 * a driver can take it. As root.
 *
 *	kexec go KERNEL INITRAMFS	does not return
 *	kexec after			in the next kernel, before the driver is loaded
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/kexec.h>
#include <linux/pci_regs.h>
#include <linux/reboot.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <hw/gaon_regs.h>

#include "../queue_lib.h"
#include "counters.h"

#define DMA_OFFSET	0x10000u
#define DMA_BYTES	0x40000u

/* --- before ------------------------------------------------------------------------------------- */

/* Work without end, and DMA into host memory all the time. */
static void *work(void *arg)
{
	struct lib_queue endless, dma;
	struct gaon_packet packet;
	struct lib lib;
	uint64_t i;

	(void)arg;
	lib_open(&lib, DRM_GAON_VM_LR);
	lib_code(&lib);
	REQUIRE(!lib_user_queue(&lib, &endless, 4, DRM_GAON_PRIORITY_LOW, UINT64_MAX) &&
		!lib_user_queue(&lib, &dma, 4, DRM_GAON_PRIORITY_NORMAL, 0), "two queues");
	packet = lib_launch(LIB_CODE_VA + LIB_CODE_SPIN, 0, 16);
	lib_push(&endless, &packet);
	for (i = 1;; i++) {
		packet = lib_nop(lib_va(0), i, GAON_PKT_F_EVENT);
		packet.type = GAON_PKT_FILL;
		packet.fill.dst_va = lib_va(DMA_OFFSET);
		packet.fill.bytes = DMA_BYTES;
		packet.fill.pattern = i;
		packet.fill.pattern_size = 8;
		lib_push(&dma, &packet);
		if (i > 8)
			lib_wait(&lib, lib_word(&lib, 0), i - 8, 1000);
	}
	return NULL;
}

static void command_line(char *text, size_t bytes)
{
	int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, bytes - 1);

	REQUIRE(n > 0, "/proc/cmdline");
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	close(fd);
}

static void go(const char *kernel, const char *initramfs)
{
	int image = open(kernel, O_RDONLY | O_CLOEXEC), ram = open(initramfs, O_RDONLY | O_CLOEXEC);
	pthread_t threads[3];
	char line[4096];

	REQUIRE(image >= 0 && ram >= 0, "%s and %s: %s", kernel, initramfs, strerror(errno));
	command_line(line, sizeof(line));
	REQUIRE(!syscall(SYS_kexec_file_load, image, ram, strlen(line) + 1, line, 0), "kexec_file_load: %s",
		strerror(errno));
	for (unsigned int i = 0; i < 3; i++)
		REQUIRE(!pthread_create(&threads[i], NULL, work, NULL), "a thread");
	usleep(500000);
	printf("# the next kernel starts\n");
	fflush(stdout);
	sync();
	syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_KEXEC, NULL);
	REQUIRE(false, "reboot: %s", strerror(errno));
}

/* --- after -------------------------------------------------------------------------------------- */

static void after(void)
{
	static const char card[] = "/sys/bus/pci/devices/*/vendor";
	char path[256], text[32] = "";
	volatile uint32_t *regs;
	uint16_t command = 0xffff;
	glob_t found;
	size_t i;
	int fd;

	REQUIRE(access("/sys/module/gaon", F_OK), "the driver is not loaded yet");
	REQUIRE(!glob(card, 0, NULL, &found), "PCI devices");
	for (i = 0; i < found.gl_pathc; i++) {
		fd = open(found.gl_pathv[i], O_RDONLY | O_CLOEXEC);
		if (fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 &&
		    strtoul(text, NULL, 16) == GAON_PCI_VENDOR)
			break;
		close(fd);
	}
	REQUIRE(i < found.gl_pathc, "the card");
	snprintf(path, sizeof(path), "%.*s/config", (int)(strrchr(found.gl_pathv[i], '/') - found.gl_pathv[i]),
		 found.gl_pathv[i]);
	fd = open(path, O_RDWR | O_CLOEXEC);
	REQUIRE(fd >= 0 && pread(fd, &command, 2, PCI_COMMAND) == 2, "its configuration");
	CHECK(!(command & PCI_COMMAND_MASTER), "it may not reach memory: command %#x", command);
	command |= PCI_COMMAND_MEMORY;
	CHECK(pwrite(fd, &command, 2, PCI_COMMAND) == 2, "its registers can be read");
	close(fd);
	strcpy(strrchr(path, '/'), "/resource0");
	fd = open(path, O_RDWR | O_CLOEXEC);
	regs = mmap(NULL, GAON_MSIX_TABLE, PROT_READ, MAP_SHARED, fd, 0);
	REQUIRE(fd >= 0 && regs != MAP_FAILED, "%s: %s", path, strerror(errno));
	CHECK(regs[GAON_REG_STATE / 4] == GAON_STATE_RESET, "its state is RESET: %u", regs[GAON_REG_STATE / 4]);
	close(fd);
	globfree(&found);
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "go")) {
		go(argv[2], argv[3]);
	} else if (argc == 2 && !strcmp(argv[1], "after")) {
		after();
	} else {
		fputs("usage: kexec go KERNEL INITRAMFS | kexec after\n", stderr);
		return 2;
	}
	uapi_exit();
}
