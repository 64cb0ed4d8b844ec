// SPDX-License-Identifier: MIT
/* Which host memory the device reaches, and at which bus address: what an IOMMU would hold. */
#include "direct.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define IOVA_MIN	(1ull << 32)
#define IOVA_MAX	(1ull << 51)

void direct_iova_init(struct direct_iova *iova)
{
	*iova = (struct direct_iova){ .next = IOVA_MIN };
	pthread_rwlock_init(&iova->lock, NULL);
}

void direct_iova_fini(struct direct_iova *iova)
{
	free(iova->list);
	pthread_rwlock_destroy(&iova->lock);
}

/* First range that starts above @addr. */
static size_t iova_after(const struct direct_iova *iova, uint64_t addr)
{
	size_t lo = 0, hi = iova->count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (iova->list[mid].iova > addr)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

/* An address for @bytes at or after @from with nothing in the way; ~0 if there is none. */
static uint64_t iova_gap(const struct direct_iova *iova, uint64_t from, uint64_t bytes,
			 uint64_t align)
{
	size_t i = iova_after(iova, from);
	uint64_t at = from;

	if (i && iova->list[i - 1].iova + iova->list[i - 1].bytes > at)
		at = iova->list[i - 1].iova + iova->list[i - 1].bytes;
	for (;; i++) {
		at = (at + align - 1) & ~(align - 1);
		if (at + bytes > IOVA_MAX)
			return ~0ull;
		if (i == iova->count || at + bytes <= iova->list[i].iova)
			return at;
		at = iova->list[i].iova + iova->list[i].bytes;
	}
}

static int iova_grow(struct direct_iova *iova)
{
	size_t room = iova->room ? 2 * iova->room : 64;
	struct direct_range *list = realloc(iova->list, room * sizeof(*list));

	if (!list)
		return -ENOMEM;
	iova->list = list;
	iova->room = room;
	return 0;
}

int direct_iova_add(struct direct_iova *iova, void *cpu, uint64_t bytes, bool writable,
		    uint64_t *out)
{
	uint64_t align = bytes >= GAON_GIANT_SIZE ? GAON_GIANT_SIZE :
			 bytes >= GAON_HUGE_SIZE ? GAON_HUGE_SIZE : GAON_PAGE_SIZE;
	uint64_t addr;
	size_t i;
	int err = 0;

	pthread_rwlock_wrlock(&iova->lock);
	addr = iova_gap(iova, iova->next, bytes, align);
	if (addr == ~0ull)
		addr = iova_gap(iova, IOVA_MIN, bytes, align);
	if (addr == ~0ull)
		err = -ENOSPC;
	else if (iova->count == iova->room)
		err = iova_grow(iova);
	if (!err) {
		i = iova_after(iova, addr);
		memmove(&iova->list[i + 1], &iova->list[i],
			(iova->count - i) * sizeof(iova->list[0]));
		iova->list[i] = (struct direct_range){ addr, bytes, cpu, writable };
		iova->count++;
		/* A page between: a run that goes on past its end is not mapped. */
		iova->next = addr + bytes + GAON_PAGE_SIZE;
		*out = addr;
	}
	pthread_rwlock_unlock(&iova->lock);
	return err;
}

void direct_iova_del(struct direct_iova *iova, uint64_t addr)
{
	size_t i;

	pthread_rwlock_wrlock(&iova->lock);
	i = iova_after(iova, addr);
	if (i && iova->list[i - 1].iova == addr) {
		iova->count--;
		memmove(&iova->list[i - 1], &iova->list[i],
			(iova->count - (i - 1)) * sizeof(iova->list[0]));
	}
	pthread_rwlock_unlock(&iova->lock);
}

uint8_t *direct_dma_map(void *ctx, uint64_t addr, uint64_t *len, bool write)
{
	struct direct_iova *iova = &((struct direct *)ctx)->iova;
	uint8_t *cpu = NULL;
	size_t i;

	pthread_rwlock_rdlock(&iova->lock);
	i = iova_after(iova, addr);
	if (i) {
		const struct direct_range *r = &iova->list[i - 1];
		uint64_t offset = addr - r->iova;

		if (offset < r->bytes && (r->writable || !write)) {
			cpu = r->cpu + offset;
			if (*len > r->bytes - offset)
				*len = r->bytes - offset;
		}
	}
	pthread_rwlock_unlock(&iova->lock);
	return cpu;
}

/* Large blocks start on a huge page: the kernel can then use one, and copies are faster. */
static uint8_t *host_pages(uint64_t bytes)
{
	uint64_t slack = bytes >= GAON_HUGE_SIZE ? GAON_HUGE_SIZE : 0;
	uint8_t *cpu = mmap(NULL, bytes + slack, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint64_t head;

	if (cpu == MAP_FAILED)
		return NULL;
	if (!slack)
		return cpu;
	head = -(uintptr_t)cpu & (GAON_HUGE_SIZE - 1);
	if (head)
		munmap(cpu, head);
	if (head < slack)
		munmap(cpu + head + bytes, slack - head);
	madvise(cpu + head, bytes, MADV_HUGEPAGE);
	return cpu + head;
}

int direct_host_alloc(struct direct *ws, uint64_t bytes, struct direct_host *out)
{
	int err;

	if (bytes > WINSYS_BO_BYTES_MAX)
		return -ENOMEM;
	bytes = winsys_pages(bytes);
	out->cpu = host_pages(bytes);
	if (!out->cpu)
		return -ENOMEM;
	out->bytes = bytes;
	out->owned = true;
	err = direct_iova_add(&ws->iova, out->cpu, bytes, true, &out->iova);
	if (err) {
		munmap(out->cpu, bytes);
		out->cpu = NULL;
	}
	return err;
}

void direct_host_free(struct direct *ws, struct direct_host *host)
{
	if (!host->cpu)
		return;
	direct_iova_del(&ws->iova, host->iova);
	if (host->owned)
		munmap(host->cpu, host->bytes);
	*host = (struct direct_host){ 0 };
}
