// SPDX-License-Identifier: MIT
#include "swap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/swap.h>
#include <unistd.h>

#include "counters.h"

#define PAGE		4096u

void swap_on(uint64_t bytes)
{
	static const char signature[] = "SWAPSPACE2";
	uint32_t header[3] = { 1, (uint32_t)(bytes / PAGE - 1), 0 };
	char text[32];
	int fd;

	REQUIRE(!system("modprobe zram num_devices=1"), "modprobe zram");
	snprintf(text, sizeof(text), "%llu", (unsigned long long)bytes);
	REQUIRE(!counters_write("/sys/block/zram0/disksize", text), "a disk of compressed memory");
	fd = open("/dev/zram0", O_RDWR | O_CLOEXEC);
	REQUIRE(fd >= 0 && pwrite(fd, header, sizeof(header), 1024) == (ssize_t)sizeof(header) &&
		pwrite(fd, signature, 10, PAGE - 10) == 10, "a place to swap to");
	fsync(fd);
	close(fd);
	REQUIRE(!swapon("/dev/zram0", 0), "swapon: %s", strerror(errno));
}

void swap_off(void)
{
	CHECK(!swapoff("/dev/zram0"), "swapoff: %s", strerror(errno));
	CHECK(!counters_write("/sys/block/zram0/reset", "1"), "the disk is given back");
}
