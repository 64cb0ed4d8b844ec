// SPDX-License-Identifier: MIT
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <zlib.h>

/*
 * What is mapped at a time; a multiple of any page. Larger pieces of data are written behind the
 * mapping's back.
 */
#define WINDOW		(4ull << 20)
#define MAPPED_MOST	(64u << 10)
#define COMBINED_LEAST	(64u << 10)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int file = -1;
static struct watch_header *header;
static uint8_t *window;			/* of the file at window_at */
static uint64_t window_at, end, allocated, limit;
static bool checked;

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void read_program(char program[WATCH_PROGRAM])
{
	int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? 0 : read(fd, program, WATCH_PROGRAM - 1);

	if (fd >= 0)
		close(fd);
	if (got <= 0)
		return;
	for (ssize_t i = 0; i < got - 1; i++)
		if (!program[i])
			program[i] = ' ';
}

/*
 * Blocks of the disk are taken before the mapping may need them: a full disk is an error here, not a
 * signal there.
 */
static bool file_grow(uint64_t bytes)
{
	uint64_t want = (bytes + WINDOW - 1) & ~(WINDOW - 1);
	int err;

	if (limit && bytes > limit) {
		fprintf(stderr, "gaon: the record of the program's calls ends here: it has come to its limit of %llu "
			"bytes\n", (unsigned long long)limit);
		return false;
	}
	if (want <= allocated)
		return true;
	err = posix_fallocate(file, (off_t)allocated, (off_t)(want - allocated));
	if (err) {
		fprintf(stderr, "gaon: the record of the program's calls ends here: %s\n", strerror(err));
		return false;
	}
	allocated = want;
	return true;
}

void watch_file_checked(uint64_t most)
{
	checked = true;
	limit = most;
}

static uint32_t file_sum(uint32_t sum, const void *data, uint64_t bytes)
{
	return (uint32_t)crc32_z(sum, data, (z_size_t)bytes);
}

static bool file_map(uint64_t at)
{
	void *map;

	if (window && at >= window_at && at < window_at + WINDOW)
		return true;
	if (window)
		munmap(window, WINDOW);
	window = NULL;
	window_at = at & ~(WINDOW - 1);
	map = mmap(NULL, WINDOW, PROT_READ | PROT_WRITE, MAP_SHARED, file, (off_t)window_at);
	if (map == MAP_FAILED)
		return false;
	window = map;
	return true;
}

static bool file_store(uint64_t at, const void *data, uint64_t bytes)
{
	const uint8_t *from = data;

	if (bytes > MAPPED_MOST) {
		while (bytes) {
			ssize_t n = pwrite(file, from, bytes, (off_t)at);

			if (n <= 0)
				return false;
			from += n;
			at += (uint64_t)n;
			bytes -= (uint64_t)n;
		}
		return true;
	}
	while (bytes) {
		uint64_t n;

		if (!file_map(at))
			return false;
		n = window_at + WINDOW - at;
		if (n > bytes)
			n = bytes;
		memcpy(window + (at - window_at), from, n);
		from += n;
		at += n;
		bytes -= n;
	}
	return true;
}

bool watch_file_start(const char *directory, const char *suffix, const char magic[8], uint32_t version,
		      char *why,
		      size_t size)
{
	char path[4096];

	for (int i = 0; i < 10000 && file < 0; i++) {
		snprintf(path, sizeof(path), "%s/%d.%d.%s", directory, (int)getpid(), i, suffix);
		file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (file < 0 && errno != EEXIST)
			break;
	}
	if (file < 0 || !file_grow(sizeof(*header))) {
		snprintf(why, size, "%s: %s", path, strerror(errno));
		return false;
	}
	header = mmap(NULL, sizeof(*header), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (header == MAP_FAILED) {
		snprintf(why, size, "%s: %s", path, strerror(errno));
		return false;
	}
	*header = (struct watch_header){ .version = version, .pid = (uint32_t)getpid(),
					 .bytes = sizeof(*header),
					 .start_ns = clock_ns(CLOCK_MONOTONIC),
					 .start_real_ns = (int64_t)clock_ns(CLOCK_REALTIME) };
	read_program(header->program);
	memcpy(header->magic, magic, sizeof(header->magic));
	end = sizeof(*header);
	return true;
}

/* Where in the file @data is then; 0: nowhere. */
static uint64_t file_put(struct watch_record record, const void *head, size_t bytes, const void *data,
			 uint64_t more)
{
	uint64_t after, at = 0;

	record.bytes = sizeof(record) + bytes + more;
	pthread_mutex_lock(&lock);
	after = (end + record.bytes + WATCH_ALIGN - 1) & ~(uint64_t)(WATCH_ALIGN - 1);
	if (file >= 0 && file_grow(after) && file_store(end, &record, sizeof(record)) &&
	    file_store(end + sizeof(record), head, bytes) &&
	    file_store(end + sizeof(record) + bytes, data, more)) {
		at = end + sizeof(record) + bytes;
		end = after;
		__atomic_store_n(&header->bytes, end, __ATOMIC_RELEASE);
	} else {
		/* Nothing behind a gap: what is there can be relied on. */
		header->lost++;
		if (file >= 0)
			close(file);
		file = -1;
	}
	pthread_mutex_unlock(&lock);
	return at;
}

void watch_file_put(uint32_t type, const void *head, size_t bytes, const void *data, uint64_t more)
{
	struct watch_record record = { .type = type };

	if (checked) {
		record.sum = file_sum(0, head, bytes);
		if (more)
			record.sum = file_sum(record.sum, data, more);
	}
	file_put(record, head, bytes, data, more);
}

uint32_t watch_file_sum(const void *data, uint64_t bytes)
{
	return file_sum(0, data, bytes);
}

uint64_t watch_file_put_data(uint32_t type, const void *head, size_t bytes, const void *data, uint64_t more,
			     uint32_t sum)
{
	struct watch_record record = { .type = type, .sum = file_sum(0, head, bytes) };

	/* To put two sums together takes longer than to go through a little again. */
	record.sum = more < COMBINED_LEAST ? file_sum(record.sum, data, more) :
					     (uint32_t)crc32_combine(record.sum, sum, (z_off_t)more);
	return file_put(record, head, bytes, data, more);
}

bool watch_file_has(uint64_t at, const void *data, uint64_t bytes)
{
	const uint8_t *want = data;
	uint8_t piece[16384];
	bool same = true;

	pthread_mutex_lock(&lock);
	while (bytes && same) {
		ssize_t got = pread(file, piece, bytes < sizeof(piece) ? bytes : sizeof(piece), (off_t)at);

		same = got > 0 && !memcmp(piece, want, (size_t)got);
		at += same ? (uint64_t)got : 0;
		want += same ? got : 0;
		bytes -= same ? (uint64_t)got : 0;
	}
	pthread_mutex_unlock(&lock);
	return same;
}
