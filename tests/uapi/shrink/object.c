// SPDX-License-Identifier: MIT
#include "object.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../edges/counters.h"

#define DEBUGFS		"/sys/kernel/debug/accel/*/"
#define ALL_TRIES	20

static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

/* One word of a page is of that page; some are of no other word, so that memory that was mixed up shows. */
uint64_t object_word(uint64_t key, uint64_t i)
{
	uint64_t page = i / (PAGE / 8);

	if (page % 7 == 3)
		return 0;
	return mix(key + (i % 64 ? page << 32 : i));
}

void object_fill(struct object *object)
{
	for (uint64_t i = 0; i < object->bytes / 8; i++)
		object->cpu[i] = object_word(object->key, i);
}

void object_create(struct object *object, int fd, uint64_t bytes, uint32_t flags, uint32_t vm)
{
	*object = (struct object){ .fd = fd, .bytes = bytes, .key = uapi_random() };
	object->handle = uapi_bo(fd, bytes, flags, vm);
	object->cpu = object->handle ? uapi_mmap(fd, object->handle, bytes) : NULL;
	MUST(object->cpu, "an object of %llu KiB", (unsigned long long)bytes / 1024);
	object_fill(object);
}

uint64_t object_bad_at(const struct object *object, const volatile uint64_t *words, uint64_t offset,
		       uint64_t bytes)
{
	uint64_t bad = 0;

	for (uint64_t i = 0; i < bytes / 8; i++)
		bad += words[i] != object_word(object->key, offset / 8 + i);
	return bad;
}

uint64_t object_bad(const struct object *object)
{
	return object_bad_at(object, object->cpu, 0, object->bytes);
}

void object_close(struct object *object)
{
	munmap((void *)object->cpu, object->bytes);
	uapi_bo_close(object->fd, object->handle);
}

/* --- what the driver says -------------------------------------------------------------------- */

struct shrink shrink_read(void)
{
	FILE *file = counters_file(DEBUGFS "shrink");
	unsigned long long n[7];
	char head[256];

	MUST(file && fgets(head, sizeof(head), file) &&
	     fscanf(file, "%llu %llu %llu %llu %llu %llu %llu", &n[0], &n[1], &n[2], &n[3], &n[4], &n[5],
		    &n[6]) == 7, "debugfs tells what was taken away");
	fclose(file);
	return (struct shrink){ n[0], n[1], n[2], n[3], n[4], n[5], n[6] };
}

int shrink_debugfs(const char *name, const char *text)
{
	char pattern[64];
	glob_t found;
	int err;

	snprintf(pattern, sizeof(pattern), DEBUGFS "%s", name);
	MUST(!glob(pattern, 0, NULL, &found), "debugfs has a file %s", name);
	err = counters_write(found.gl_pathv[0], text);
	globfree(&found);
	return err;
}

int shrink_reclaim(uint64_t bytes)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)bytes / 1024);
	return shrink_debugfs("reclaim", text);
}

void shrink_all(void)
{
	for (unsigned int i = 0; i < ALL_TRIES; i++) {
		int err = shrink_reclaim(1ull << 40);

		MUST(err == EAGAIN, "all that there is, is less than that: %s", strerror(err));
		if (!shrink_read().resident)
			return;
		/* A page may be in the hands of who just brought it back. */
		usleep(10000);
	}
}

uint64_t shrink_resident(int fd)
{
	unsigned long long n = 0;
	char path[64], line[256];
	bool found = false;
	char unit[8] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	MUST(file, "fdinfo: %s", strerror(errno));
	while (!found && fgets(line, sizeof(line), file))
		found = sscanf(line, "drm-resident-host: %llu %7s", &n, unit) >= 1;
	fclose(file);
	MUST(found, "fdinfo says what is resident");
	return !strcmp(unit, "MiB") ? n * 1024 : !strcmp(unit, "KiB") ? n : n / 1024;
}

unsigned int shrink_suspended(void)
{
	FILE *file = counters_file(DEBUGFS "room");
	unsigned int waiting, count = 0;

	MUST(file && fscanf(file, "%*[^\n] %u %u", &waiting, &count) == 2, "debugfs' room");
	fclose(file);
	return count;
}
