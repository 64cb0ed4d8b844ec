// SPDX-License-Identifier: MIT
/*
 * The kernel's log: each line is explained by something that was done, and there are no more of them than
 * it was done times.
 */
#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <string.h>
#include <unistd.h>

#include "soak.h"

#define STRANGE		16u	/* lines that are kept to be shown */

/* How many lines of a kind there may be. */
static uint64_t resets_debugfs(void)
{
	return soak_chaos_counts[SOAK_CHAOS_DEVICE].done + soak_chaos_counts[SOAK_CHAOS_BOTH].done;
}

static uint64_t resets_pci(void)
{
	return soak_chaos_counts[SOAK_CHAOS_FLR].done + soak_chaos_counts[SOAK_CHAOS_BOTH].done;
}

static uint64_t resets(void)
{
	return soak_chaos_counts[SOAK_CHAOS_FLR].done + resets_debugfs();
}

static uint64_t restarts(void)
{
	return soak_chaos_counts[SOAK_CHAOS_RESTART].done;
}

static uint64_t starts(void)
{
	return resets() + restarts() + soak_chaos_binds();
}

static uint64_t removals(void)
{
	return soak_chaos_counts[SOAK_CHAOS_RESCAN].done;
}

/* Faults are told to their owners by as many lines as the kernel lets through. */
static uint64_t faults(void)
{
	uint64_t bad = 0;

	for (unsigned int i = 0; i < SOAK_BADS; i++)
		bad += soak_run.started[SOAK_ACTION_BAD][i];
	return bad ? UINT64_MAX : 0;
}

static uint64_t endless(void)
{
	return faults();
}

static uint64_t hogs(void)
{
	return soak_run.started[SOAK_ACTION_PRESSURE][SOAK_PRESSURE_HOST] ? UINT64_MAX : 0;
}

/* Who is killed while the kernel makes something for him. */
static uint64_t kills(void)
{
	return faults();
}

static uint64_t any(void)
{
	return UINT64_MAX;
}

static struct line {
	const char *pattern;
	uint64_t (*most)(void);
	uint64_t per;		/* of each */
	regex_t regex;
	uint64_t seen;
} lines[] = {
	{ .pattern = "resetting the device: asked for in debugfs$", .most = resets_debugfs, .per = 1 },
	{ .pattern = "resetting the device: asked for through PCI$", .most = resets_pci, .per = 1 },
	{ .pattern = "the device is back after reset [0-9]+$", .most = resets, .per = 1 },
	{ .pattern = "resetting the device: restart of the firmware asked for in debugfs$",
	  .most = restarts,
	  .per = 1 },
	{ .pattern = "the firmware is back after restart [0-9]+: ", .most = restarts, .per = 1 },
	{ .pattern = "MiB of HBM \\(aperture ", .most = soak_chaos_binds, .per = 1 },
	{ .pattern = "Initialized gaon ", .most = soak_chaos_binds, .per = 1 },
	{ .pattern = "gaon .*: queue [0-9]+ of context [0-9]+: .* \\(fault [0-9]+\\)",
	  .most = faults,
	  .per = 1 },
	{ .pattern = "gaon .*: queue [0-9]+ of context [0-9]+ had .* its jobs are dropped$",
	  .most = endless,
	  .per = 1 },
	{ .pattern = "gaon .*: queue [0-9]+ of context [0-9]+ did not stop in time",
	  .most = endless,
	  .per = 1 },
	{ .pattern = "gaon .*: firmware: *[0-9]+ queue [0-9]+ of context [0-9]+ faulted",
	  .most = faults,
	  .per = 1 },
	/* Of who has unmapped what his queue is in; a restart looks there. */
	{ .pattern = "gaon .*: firmware: *[0-9]+ queue [0-9]+: its state block is out of reach$",
	  .most = faults,
	  .per = 1 },
	/* Of the two names only the second is there; the loader looks in three places. */
	{ .pattern = "gaon .*: firmware: failed to load gaon/ga1-abi[0-9]+.bin", .most = starts, .per = 3 },
	/* Of what a reset has taken in the meantime; BUSY is sent again. */
	{ .pattern = "gaon .*: firmware: *[0-9]+ admin command [0-9a-f]+: error [34]$",
	  .most = starts,
	  .per = 8 },
	/* Of somebody who makes room just when the card is reset or goes. */
	{ .pattern = "^\\[TTM\\] Buffer eviction failed$", .most = starts, .per = 8 },
	{ .pattern = "gaon .*: a dump of it is in /sys/class/devcoredump", .most = faults, .per = 1 },
	{ .pattern = "callbacks suppressed$", .most = faults, .per = 1 },
	/* The kernel about a function that went and came. */
	{ .pattern = "^pci 0000:[0-9a-f:.]+: ", .most = removals, .per = 20 },
	{ .pattern = "^pci_bus 0000:", .most = removals, .per = 20 },
	{ .pattern = "^gaon 0000:[0-9a-f:.]+: enabling device", .most = soak_chaos_binds, .per = 1 },
	{ .pattern = "^workqueue: Failed to create a rescuer kthread .*: -EINTR$", .most = kills, .per = 1 },
	/* And about a machine that is slow. */
	{ .pattern = "^workqueue: .* hogged CPU for ", .most = any, .per = 1 },
	{ .pattern = "^hrtimer: interrupt took |^perf: interrupt took |^clocksource: ",
	  .most = any,
	  .per = 1 },
	{ .pattern = "^(Out of memory|Memory cgroup out of memory): Killed process [0-9]+ \\(soak-hog\\)",
	  .most = hogs,
	  .per = 1 },
	{ .pattern = "^gaon-vm: |^zram|^Adding .* swap on /dev/zram|^zram_drive|^soak \\([0-9]+\\): "
		     "drop_caches",
	  .most = any,
	  .per = 1 },
};

#define LINES	(sizeof(lines) / sizeof(lines[0]))

static char strange[STRANGE][256];
static uint64_t strange_lines, lost_lines;
static bool in_oom;		/* the report between "invoked oom-killer" and who was killed */
static int fd = -1;

/* The text of a record: "priority,number,time,flags;text", and continued lines that begin with a blank. */
static void line_see(char *record)
{
	char *text = strchr(record, ';');

	text = text ? text + 1 : record;
	text[strcspn(text, "\n")] = '\0';
	if (strstr(text, "invoked oom-killer"))
		in_oom = true;
	if (strstr(text, "Killed process"))
		in_oom = false;
	if (in_oom && hogs())
		return;
	for (size_t i = 0; i < LINES; i++) {
		if (!regexec(&lines[i].regex, text, 0, NULL, 0)) {
			lines[i].seen++;
			return;
		}
	}
	if (strange_lines < STRANGE)
		snprintf(strange[strange_lines], sizeof(strange[0]), "%.250s", text);
	strange_lines++;
}

void soak_log_open(void)
{
	for (size_t i = 0; i < LINES; i++)
		MUST(!regcomp(&lines[i].regex, lines[i].pattern, REG_EXTENDED | REG_NOSUB), "pattern %s",
		     lines[i].pattern);
	fd = open("/dev/kmsg", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	MUST(fd >= 0 && lseek(fd, 0, SEEK_END) >= 0, "/dev/kmsg: %s", strerror(errno));
}

void soak_log_read(void)
{
	char record[8192];
	ssize_t n;

	for (;;) {
		n = read(fd, record, sizeof(record) - 1);
		if (n < 0 && errno == EPIPE) {
			lost_lines++;
			continue;
		}
		if (n <= 0)
			return;
		record[n] = '\0';
		line_see(record);
	}
}

void soak_log_check(const struct soak_shared *shared)
{
	(void)shared;
	soak_log_read();
	for (uint64_t i = 0; i < strange_lines && i < STRANGE; i++)
		printf("# nothing explains: %s\n", strange[i]);
	CHECK(!strange_lines, "%llu lines of the kernel's log that nothing explains", (unsigned long long)strange_lines);
	CHECK(!lost_lines, "%llu times lines went before they were read", (unsigned long long)lost_lines);
	for (size_t i = 0; i < LINES; i++) {
		uint64_t most = lines[i].most();

		if (most != UINT64_MAX)
			most *= lines[i].per;
		if (lines[i].seen > most)
			CHECK(false, "%llu lines like \"%s\", of at most %llu", (unsigned long long)lines[i].seen,
			      lines[i].pattern, (unsigned long long)most);
		else if (lines[i].seen)
			printf("# log: %6llu like %s\n", (unsigned long long)lines[i].seen, lines[i].pattern);
	}
}
