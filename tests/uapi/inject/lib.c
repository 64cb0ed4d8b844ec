// SPDX-License-Identifier: MIT
/* debugfs and uevents. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/netlink.h>

#include "inject.h"

#define PATIENCE_MS	300000

/* A file of the first card's in debugfs; -1 and errno. */
static int debugfs_open(const char *name, int flags)
{
	char pattern[64];
	glob_t found;
	int fd = -1;

	snprintf(pattern, sizeof(pattern), "/sys/kernel/debug/accel/*/%s", name);
	errno = ENOENT;
	if (!glob(pattern, 0, NULL, &found))
		fd = open(found.gl_pathv[0], flags | O_CLOEXEC);
	globfree(&found);
	return fd;
}

int inject(const char *format, ...)
{
	char text[128];
	va_list args;
	int fd, err;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fd = debugfs_open("inject", O_WRONLY);
	if (fd < 0)
		return errno;
	err = write(fd, text, strlen(text)) < 0 ? errno : 0;
	close(fd);
	return err;
}

static FILE *debugfs_read(const char *name)
{
	int fd = debugfs_open(name, O_RDONLY);

	MUST(fd >= 0, "debugfs has %s", name);
	return fdopen(fd, "r");
}

static unsigned int number_of(const char *name)
{
	static const struct {
		const char *text;
		unsigned int first;
	} kinds[] = {
		{ "hbm-channel-%u", DRM_GAON_RAS_HBM },
		{ "scratchpad-core-%u", DRM_GAON_RAS_SCRATCHPAD },
		{ "link-%u", DRM_GAON_RAS_LINK },
	};
	unsigned int number;

	for (unsigned int i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (sscanf(name, kinds[i].text, &number) == 1 && kinds[i].first + number < COUNTERS)
			return kinds[i].first + number;
	}
	REQUIRE(false, "%s is a counter", name);
	return 0;
}

void counters_read(struct counters *counters)
{
	uint32_t corrected, uncorrected;
	char line[128], name[32];
	unsigned int number;
	FILE *file;

	memset(counters, 0, sizeof(*counters));
	file = debugfs_read("errors");
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%31s %u %u", name, &corrected, &uncorrected) != 3)
			continue;	/* the heading */
		number = number_of(name);
		counters->there[number] = true;
		strcpy(counters->name[number], name);
		counters->count[number][0] = corrected;
		counters->count[number][1] = uncorrected;
	}
	fclose(file);
}

bool counters_moved(const struct counters *before, unsigned int number, bool uncorrected, uint32_t by)
{
	static struct counters now;

	counters_read(&now);
	for (unsigned int i = 0; i < COUNTERS; i++) {
		for (unsigned int k = 0; k < 2; k++) {
			uint32_t more = i == number && k == uncorrected ? by : 0;

			if (now.count[i][k] == before->count[i][k] + more)
				continue;
			printf("# %s: %u, was %u, not %u more\n", now.name[i], now.count[i][k],
			       before->count[i][k], more);
			return false;
		}
	}
	return now.there[number];
}

bool counters_same(const struct counters *one, const struct counters *other)
{
	for (unsigned int i = 0; i < COUNTERS; i++) {
		if (one->there[i] == other->there[i] && !strcmp(one->name[i], other->name[i]) &&
		    one->count[i][0] == other->count[i][0] && one->count[i][1] == other->count[i][1])
			continue;
		printf("# counter %u: \"%s\" %u %u, or \"%s\" %u %u\n", i, one->name[i], one->count[i][0],
		       one->count[i][1], other->name[i], other->count[i][0], other->count[i][1]);
		return false;
	}
	return true;
}

/* @count: may be NULL. */
static char retired_read(uint64_t page, unsigned int *count)
{
	unsigned long long offset;
	char line[128], word[16], state = 0;
	FILE *file = debugfs_read("retired");

	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%llx %15s", &offset, word) != 2)
			continue;
		if (count)
			++*count;
		if (offset == page)
			state = word[0];
	}
	fclose(file);
	return state;
}

char page_state(uint64_t page)
{
	return retired_read(page, NULL);
}

unsigned int pages_bad(void)
{
	unsigned int count = 0;

	retired_read(0, &count);
	return count;
}

bool page_wait(uint64_t page, char state)
{
	for (int64_t end = lib_now() + PATIENCE_MS * 1000000ll; lib_now() < end; usleep(10000)) {
		if (page_state(page) == state)
			return true;
	}
	printf("# page %#llx: '%c', not '%c'\n", (unsigned long long)page, page_state(page) ?: '-', state);
	return false;
}

/* --- uevents --------------------------------------------------------------------------------------- */

int uevents_open(void)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);

	REQUIRE(fd >= 0 && !bind(fd, (struct sockaddr *)&address, sizeof(address)), "the kernel's events");
	return fd;
}

static bool event_has(const char *event, ssize_t bytes, const char *text)
{
	for (ssize_t at = 0; at < bytes; at += (ssize_t)strlen(event + at) + 1) {
		if (!strcmp(event + at, text))
			return true;
	}
	return false;
}

unsigned int uevents_count(int fd, const char *event, const char *counter, unsigned int least)
{
	char buffer[4097];
	unsigned int count = 0;
	ssize_t bytes;

	for (;;) {
		struct pollfd wait = { .fd = fd, .events = POLLIN };

		if (poll(&wait, 1, count < least ? PATIENCE_MS : 0) <= 0)
			return count;
		bytes = recv(fd, buffer, sizeof(buffer) - 1, 0);
		if (bytes <= 0)
			return count;
		buffer[bytes] = '\0';
		count += event_has(buffer, bytes, event) && event_has(buffer, bytes, counter);
	}
}
