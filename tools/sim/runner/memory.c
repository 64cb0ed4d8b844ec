// SPDX-License-Identifier: MIT
/*
 * The bare machine's memory and its host interface (tohost and fromhost).
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bare.h"

uint8_t *bare_physical(struct bare *b, uint64_t pa, uint64_t len)
{
	for (unsigned int i = 0; i < b->regions; i++) {
		const struct bare_region *r = &b->region[i];

		if (pa >= r->base && pa - r->base < r->size && len <= r->size - (pa - r->base))
			return r->host + (pa - r->base);
	}
	return NULL;
}

static int compare_regions(const void *x, const void *y)
{
	const struct bare_region *a = x, *b = y;

	return (a->base > b->base) - (a->base < b->base);
}

/* Sort, and merge what overlaps or touches. */
static void merge_regions(struct bare *b)
{
	unsigned int kept = 0;

	qsort(b->region, b->regions, sizeof(b->region[0]), compare_regions);
	for (unsigned int i = 1; i < b->regions; i++) {
		struct bare_region *last = &b->region[kept], *r = &b->region[i];

		if (r->base <= last->base + last->size) {
			if (r->base + r->size > last->base + last->size)
				last->size = r->base + r->size - last->base;
		} else {
			b->region[++kept] = *r;
		}
	}
	b->regions = kept + 1;
}

static int map_regions(struct bare *b)
{
	uint64_t total = 0;

	for (unsigned int i = 0; i < b->regions; i++) {
		struct bare_region *r = &b->region[i];

		total += r->size;
		if (r->size > BARE_MEMORY_MAX || total > BARE_MEMORY_MAX) {
			fprintf(stderr, "gaon-sim: the program wants more than %llu MiB of memory\n",
				BARE_MEMORY_MAX >> 20);
			return -1;
		}
		r->host = mmap(NULL, r->size, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (r->host == MAP_FAILED) {
			r->host = NULL;
			perror("gaon-sim: memory");
			return -1;
		}
	}
	return 0;
}

int bare_load(struct bare *b, const struct sim_elf *elf)
{
	b->region[0] = (struct bare_region){ .base = BARE_RAM_BASE, .size = BARE_RAM_SIZE };
	b->regions = 1;
	for (unsigned int i = 0; i < elf->segments; i++) {
		const struct sim_elf_segment *s = &elf->segment[i];
		uint64_t base = s->address & ~(SIM_PAGE_SIZE - 1);
		uint64_t size = s->address - base + s->memory_size;

		/* A page short of the top, so that ends of regions never wrap. */
		if (s->memory_size > BARE_MEMORY_MAX || base > UINT64_MAX - 2 * BARE_MEMORY_MAX) {
			fprintf(stderr, "gaon-sim: a segment of %#llx bytes at %#llx does not fit\n",
				(unsigned long long)s->memory_size, (unsigned long long)s->address);
			return -1;
		}
		size = (size + SIM_PAGE_SIZE - 1) & ~(SIM_PAGE_SIZE - 1);
		b->region[b->regions++] = (struct bare_region){ .base = base, .size = size };
	}
	merge_regions(b);
	if (map_regions(b))
		return -1;
	for (unsigned int i = 0; i < elf->segments; i++) {
		const struct sim_elf_segment *s = &elf->segment[i];

		if (s->file_size)
			memcpy(bare_physical(b, s->address, s->file_size), s->bytes, s->file_size);
	}
	b->tohost = elf->tohost;
	b->fromhost = elf->fromhost;
	return 0;
}

void bare_free(struct bare *b)
{
	for (unsigned int i = 0; i < b->regions; i++)
		if (b->region[i].host)
			munmap(b->region[i].host, b->region[i].size);
	b->regions = 0;
}

/* --- host interface ------------------------------------------------------------------------ */

static uint64_t host_write(struct bare *b, uint64_t fd, uint64_t address, uint64_t len)
{
	uint8_t *from = bare_physical(b, address, len);
	uint64_t done = 0;

	if ((fd != 1 && fd != 2) || !from)
		return UINT64_MAX;
	while (done < len) {
		ssize_t n = write((int)fd, from + done, len - done);

		if (n <= 0)
			return done ? done : UINT64_MAX;
		done += (uint64_t)n;
	}
	return done;
}

/* A request block of the program: {number, arguments...}; the result replaces the number. */
static void host_syscall(struct bare *b, uint64_t at)
{
	uint8_t *block = bare_physical(b, at, 4 * sizeof(uint64_t));
	uint64_t arg[4], result = UINT64_MAX;

	if (!block)
		return;
	memcpy(arg, block, sizeof(arg));
	if (arg[0] == 64) {
		result = host_write(b, arg[1], arg[2], arg[3]);
	} else if (arg[0] == 93) {
		b->finished = true;
		b->exit_code = arg[1];
	}
	memcpy(block, &result, sizeof(result));
}

void bare_poll(struct bare *b)
{
	uint8_t *tohost = b->tohost ? bare_physical(b, b->tohost, 8) : NULL, *fromhost;
	uint64_t request, reply = 1, zero = 0;

	if (!tohost)
		return;
	memcpy(&request, tohost, sizeof(request));
	if (!request)
		return;
	if (request >> 48 == 0x0101) {		/* console, put a character */
		uint8_t c = (uint8_t)request;

		reply = write(STDOUT_FILENO, &c, 1) == 1 ? request >> 48 << 48 : reply;
	} else if (request & 1) {
		b->finished = true;
		b->exit_code = request >> 1;
		return;
	} else {
		host_syscall(b, request);
	}
	memcpy(tohost, &zero, sizeof(zero));
	fromhost = b->fromhost ? bare_physical(b, b->fromhost, 8) : NULL;
	if (fromhost)
		memcpy(fromhost, &reply, sizeof(reply));
}
