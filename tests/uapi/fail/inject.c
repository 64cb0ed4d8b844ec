// SPDX-License-Identifier: MIT
#include "inject.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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
		"%s = %s (a kernel with CONFIG_FAILSLAB, FAIL_PAGE_ALLOC and FAULT_INJECTION_STACKTRACE_FILTER): %s",
		file, value, strerror(errno));
	close(fd);
}

/* Where a function of the kernel begins and ends. */
static void symbol(const char *name, unsigned long long *start, unsigned long long *end)
{
	FILE *symbols = fopen("/proc/kallsyms", "re");
	unsigned long long addr;
	char word[128];

	REQUIRE(symbols, "/proc/kallsyms: %s", strerror(errno));
	*start = *end = 0;
	while (fscanf(symbols, "%llx %*c %127s%*[^\n]", &addr, word) == 2 && *end <= *start) {
		if (*start)
			*end = addr;
		else if (!strcmp(word, name))
			*start = *end = addr;
	}
	fclose(symbols);
	REQUIRE(*end > *start, "%s is from %#llx to %#llx", name, *start, *end);
}

/*
 * The files of an interrupt in /proc/irq: register_irq_proc() says nothing of one that it cannot make, and
 * unregister_irq_proc() warns later that it is not there. None of that is the driver's.
 */
static void leave_out_irq_proc(void)
{
	static const char *const attrs[] = { "failslab", "fail_page_alloc" };
	unsigned long long start, end;
	char file[64], text[32];
	unsigned int i;

	symbol("register_irq_proc", &start, &end);
	for (i = 0; i < 2; i++) {
		snprintf(file, sizeof(file), "%s/reject-start", attrs[i]);
		snprintf(text, sizeof(text), "%#llx", start);
		set(file, text);
		snprintf(file, sizeof(file), "%s/reject-end", attrs[i]);
		snprintf(text, sizeof(text), "%#llx", end);
		set(file, text);
	}
}

/* Only what is called from there fails. */
static void require_caller(const char *attr, unsigned long long start, unsigned long long end)
{
	char file[64], text[32];

	snprintf(file, sizeof(file), "%s/require-start", attr);
	snprintf(text, sizeof(text), "%#llx", start);
	set(file, text);
	snprintf(file, sizeof(file), "%s/require-end", attr);
	snprintf(text, sizeof(text), "%#llx", end);
	set(file, text);
}

void inject_set(enum inject_kind kind)
{
	bool copies = kind == INJECT_COPY;
	unsigned long long start = 1, end = 2;	/* nobody is there */

	require_caller("failslab", copies, copies ? 2 : ULLONG_MAX);
	require_caller("fail_page_alloc", copies, copies ? 2 : ULLONG_MAX);
	if (copies)
		symbol("drm_ioctl", &start, &end);
	require_caller("fail_usercopy", start, end);
}

void inject_init(void)
{
	set("failslab/ignore-gfp-wait", "N");
	set("failslab/verbose", "0");
	set("fail_page_alloc/ignore-gfp-wait", "N");
	set("fail_page_alloc/ignore-gfp-highmem", "N");
	set("fail_page_alloc/min-order", "0");
	set("fail_page_alloc/verbose", "0");
	set("fail_usercopy/verbose", "0");
	inject_set(INJECT_ALLOC);
	leave_out_irq_proc();
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
	return !inject_end_count(0);
}

uint32_t inject_end_count(uint32_t n)
{
	char text[16] = "";
	ssize_t length = pread(nth, text, sizeof(text) - 1, 0);

	write_nth(0);
	if (length <= 0) {
		CHECK(false, "reading fail-nth: %s", strerror(errno));
		uapi_exit();
	}
	n -= (uint32_t)strtoul(text, NULL, 10);
	return n;
}
