// SPDX-License-Identifier: MIT
#include "inject.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../uapi.h"

static int nth = -1;

static void set(const char *file, const char *value)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/sys/kernel/debug/%s", file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	REQUIRE(fd >= 0 && write(fd, value, strlen(value)) == (ssize_t)strlen(value),
		"%s = %s (a kernel with CONFIG_FAILSLAB and CONFIG_FAIL_PAGE_ALLOC): %s", file, value,
		strerror(errno));
	close(fd);
}

void inject_init(void)
{
	set("failslab/ignore-gfp-wait", "N");
	set("failslab/verbose", "0");
	set("fail_page_alloc/ignore-gfp-wait", "N");
	set("fail_page_alloc/ignore-gfp-highmem", "N");
	set("fail_page_alloc/min-order", "0");
	set("fail_page_alloc/verbose", "0");
	nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	REQUIRE(nth >= 0, "/proc/thread-self/fail-nth: %s", strerror(errno));
}

static void write_nth(uint32_t n)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", n);

	if (pwrite(nth, text, (size_t)length, 0) != length) {
		CHECK(false, "fail-nth = %s: %s", text, strerror(errno));
		uapi_exit();
	}
}

void inject_at(uint32_t n)
{
	write_nth(n);
}

bool inject_end(void)
{
	char text[16] = "";
	ssize_t length = pread(nth, text, sizeof(text) - 1, 0);

	write_nth(0);
	if (length <= 0) {
		CHECK(false, "reading fail-nth: %s", strerror(errno));
		uapi_exit();
	}
	return strtoul(text, NULL, 10) == 0;
}
