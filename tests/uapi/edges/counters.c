// SPDX-License-Identifier: MIT
#include "counters.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SETTLE_TRIES	80
#define SETTLE_US	250000

int counters_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return errno;
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		err = errno ? errno : EIO;
	close(fd);
	return err;
}

FILE *counters_file(const char *pattern)
{
	FILE *file = NULL;
	glob_t found;

	if (!glob(pattern, 0, NULL, &found))
		file = fopen(found.gl_pathv[0], "re");
	globfree(&found);
	return file;
}

int counters_lines(const char *pattern)
{
	FILE *file = counters_file(pattern);
	int c, n = 0;

	if (!file)
		return -1;
	while ((c = getc(file)) != EOF)
		n += c == '\n';
	fclose(file);
	return n - 1;
}

/* --- reading ---------------------------------------------------------------------------------- */

static struct counter *add(struct counters *out, const char *kind, const char *name, uint64_t value)
{
	struct counter *counter = &out->counters[out->n];

	if (out->n == sizeof(out->counters) / sizeof(out->counters[0]))
		REQUIRE(false, "room for %u counters", out->n);
	snprintf(counter->name, sizeof(counter->name), "%s%.40s", kind, name);
	counter->value = value;
	counter->slack = 0;
	counter->forgiven = 0;
	out->n++;
	return counter;
}

/* Caches keep empty slabs, and per processor objects that are free but look used. */
static void drop_caches(void)
{
	glob_t found;

	sync();
	counters_write("/proc/sys/vm/drop_caches", "3");
	if (!glob("/sys/kernel/slab/*/shrink", 0, NULL, &found)) {
		for (size_t i = 0; i < found.gl_pathc; i++)
			counters_write(found.gl_pathv[i], "1");
	}
	globfree(&found);
}

static void read_slabs(struct counters *out)
{
	FILE *file = fopen("/proc/slabinfo", "re");
	unsigned long long active, total;
	unsigned int size, objects;
	char line[512], name[64];

	REQUIRE(file, "/proc/slabinfo: %s", strerror(errno));
	while (fgets(line, sizeof(line), file)) {
		/* Those are kept for mappings that are gone, too. */
		if (sscanf(line, "%63s %llu %llu %u %u", name, &active, &total, &size, &objects) != 5 ||
		    !strcmp(name, "vmap_area"))
			continue;
		/* All of the slab that a processor allocates from looks used. */
		add(out, "slab ", name, active)->slack = objects;
	}
	fclose(file);
}

/* Pages in the lists of processors: thousands, now more, now fewer, and neither free nor anybody's. */
static uint64_t listed_pages(void)
{
	FILE *file = fopen("/proc/zoneinfo", "re");
	unsigned long long count, sum = 0;
	char line[256];

	REQUIRE(file, "/proc/zoneinfo: %s", strerror(errno));
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, " count: %llu", &count) == 1)
			sum += count;
	}
	fclose(file);
	return sum;
}

static void read_pages(struct counters *out)
{
	FILE *file = fopen("/proc/meminfo", "re");
	unsigned long long kib, total = 0, listed = listed_pages();
	char line[256], name[64];

	REQUIRE(file, "/proc/meminfo: %s", strerror(errno));
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%63[^:]: %llu", name, &kib) != 2)
			continue;
		if (!strcmp(name, "MemTotal"))
			total = kib;
		else if (!strcmp(name, "MemFree"))
			add(out, "", "pages in use", (total - kib) / 4 - listed);
		else if (!strcmp(name, "Percpu"))
			add(out, "", "pages of processors' variables", kib / 4);
	}
	fclose(file);
}

/* What was given back, and is to be flushed from translation caches some time, is said to be unpurged. */
static void read_mappings(struct counters *out)
{
	FILE *file = fopen("/proc/vmallocinfo", "re");
	unsigned int mappings = 0;
	char line[512];

	REQUIRE(file, "/proc/vmallocinfo: %s", strerror(errno));
	while (fgets(line, sizeof(line), file))
		mappings += !strstr(line, "unpurged");
	fclose(file);
	add(out, "", "mappings of the kernel", mappings);
}

static unsigned int names;

static int name_seen(const char *path, const struct stat *stat, int type, struct FTW *where)
{
	(void)path;
	(void)stat;
	(void)type;
	(void)where;
	names++;
	return 0;
}

static void read_names(struct counters *out, const char *directory)
{
	names = 0;
	nftw(directory, name_seen, 16, FTW_PHYS);
	add(out, "names in ", directory, names);
}

static void read_threads(struct counters *out)
{
	FILE *file = fopen("/proc/loadavg", "re");
	unsigned int threads = 0;

	REQUIRE(file && fscanf(file, "%*s %*s %*s %*u/%u", &threads) == 1, "/proc/loadavg");
	fclose(file);
	add(out, "", "threads", threads);
}

void counters_read(struct counters *out)
{
	char path[PATH_MAX];

	out->n = 0;
	drop_caches();
	read_names(out, "/dev/accel");
	read_names(out, "/sys/class/accel");
	read_names(out, "/sys/class/hwmon");
	read_names(out, "/sys/kernel/debug/accel");
	read_names(out, "/sys/kernel/debug/dri");
	read_names(out, "/sys/kernel/irq");
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/", counters_card());
	read_names(out, path);
	add(out, "", "interrupts", (uint64_t)counters_lines("/proc/interrupts"));
	read_mappings(out);
	read_threads(out);
	read_slabs(out);
	read_pages(out);
}

/* --- comparing -------------------------------------------------------------------------------- */

/* Pages are everybody's, and lie with mappings that are to be flushed. */
static uint64_t limit_of(const struct counter *counter, uint64_t allowed)
{
	if (!strncmp(counter->name, "names ", 6) || !strcmp(counter->name, "interrupts"))
		return 1;
	return (strncmp(counter->name, "pages ", 6) ? allowed : 4 * allowed) + counter->slack;
}

static const struct counter *find(const struct counters *in, const char *name)
{
	for (unsigned int i = 0; i < in->n; i++) {
		if (!strcmp(in->counters[i].name, name))
			return &in->counters[i];
	}
	return NULL;
}

static int64_t grown(const struct counters *before, const struct counter *now)
{
	const struct counter *was = find(before, now->name);

	return (int64_t)(now->value - (was ? was->value : 0));
}

void counters_forgive(struct counters *before, const char *name, uint64_t more)
{
	for (unsigned int i = 0; i < before->n; i++) {
		if (!strcmp(before->counters[i].name, name))
			before->counters[i].forgiven = more;
	}
}

static uint64_t forgiven(const struct counters *before, const struct counter *now)
{
	const struct counter *was = find(before, now->name);

	return was ? was->forgiven : 0;
}

/* How many grew too much; told if @tell. */
static unsigned int compare(const struct counters *before, const struct counters *after, uint64_t allowed,
			    bool tell)
{
	unsigned int bad = 0;

	for (unsigned int i = 0; i < after->n; i++) {
		const struct counter *now = &after->counters[i];
		int64_t more = grown(before, now);

		if (more < (int64_t)(limit_of(now, allowed) + forgiven(before, now)))
			continue;
		bad++;
		if (tell)
			printf("# %s: %lld more, now %llu\n", now->name, (long long)more,
			       (unsigned long long)now->value);
	}
	return bad;
}

static void tell_most(const struct counters *before, const struct counters *after)
{
	const struct counter *most = NULL;

	for (unsigned int i = 0; i < after->n; i++) {
		if (!most || grown(before, &after->counters[i]) > grown(before, most))
			most = &after->counters[i];
	}
	if (most)
		printf("# %u counters; most has grown: %s, by %lld\n", after->n, most->name,
		       (long long)grown(before, most));
}

void counters_check(const struct counters *before, uint64_t allowed, const char *what)
{
	struct counters *after = malloc(sizeof(*after));
	unsigned int bad = 1;

	REQUIRE(after, "memory");
	/* Grace periods, and works that free: kfree_rcu() gathers for 5 s, lazy callbacks wait 10 s. */
	for (unsigned int i = 0; i < SETTLE_TRIES && bad; i++) {
		if (i)
			usleep(SETTLE_US);
		counters_read(after);
		bad = compare(before, after, allowed, false);
	}
	compare(before, after, allowed, true);
	tell_most(before, after);
	CHECK(!bad, "%s: %u counters have grown by %llu or more", what, bad, (unsigned long long)allowed);
	free(after);
}

/* --- the card --------------------------------------------------------------------------------- */

const char *counters_card(void)
{
	static char address[32];
	const char *slash;
	glob_t found;

	if (address[0])
		return address;
	REQUIRE(!glob("/sys/bus/pci/drivers/gaon/0000:*", 0, NULL, &found), "a card that the driver drives");
	slash = strrchr(found.gl_pathv[0], '/');
	snprintf(address, sizeof(address), "%.31s", slash + 1);
	globfree(&found);
	return address;
}

int counters_driver(const char *what)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/bus/pci/drivers/gaon/%s", what);
	return counters_write(path, counters_card());
}

int counters_open(void)
{
	char path[PATH_MAX];
	glob_t found;
	int fd = -1;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/accel/accel*", counters_card());
	/* The node is made by devtmpfs, at once, or by udev, soon. */
	for (int tries = 0; tries < 100 && fd < 0; tries++) {
		if (tries)
			usleep(20000);
		if (!glob(path, 0, NULL, &found)) {
			char node[64];

			snprintf(node, sizeof(node), "/dev/accel/%.40s", strrchr(found.gl_pathv[0], '/') + 1);
			fd = open(node, O_RDWR | O_CLOEXEC);
			globfree(&found);
		}
	}
	return fd;
}
