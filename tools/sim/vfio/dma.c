// SPDX-License-Identifier: MIT
#include "dma.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "guard.h"

#define PAGE	4096ull

struct region {
	uint64_t first, last;		/* I/O addresses, @last included */
	uint64_t offset;
	struct vfu_file *file;		/* NULL: by messages */
	bool readable, writable;
	atomic_bool used;		/* a pointer into it was handed out */
	struct region *next;		/* of those that are being removed */
};

/* Regions never overlap, so "overlaps" is a good equality to search by. */
static int region_compare(const void *x, const void *y)
{
	const struct region *a = x, *b = y;

	if (a->last < b->first)
		return -1;
	return a->first > b->last;
}

static struct region *region_find(struct vfu_dma *dma, uint64_t first, uint64_t last)
{
	struct region key = { .first = first, .last = last };
	struct region **found = tfind(&key, &dma->tree, region_compare);

	return found ? *found : NULL;
}

void vfu_dma_init(struct vfu_dma *dma)
{
	memset(dma, 0, sizeof(*dma));
	pthread_rwlock_init(&dma->lock, NULL);
}

void vfu_dma_fini(struct vfu_dma *dma)
{
	pthread_rwlock_destroy(&dma->lock);
}

/* --- files ------------------------------------------------------------------------------------- */

static void file_put(struct vfu_file *file)
{
	if (!file || --file->regions)
		return;
	vfu_guard_remove(file->guard);
	munmap(file->base, file->bytes);
	file->base = NULL;
}

/*
 * Memory only.  A file whose pages some process provides (FUSE, a network) could hold the device's
 * threads for ever.
 */
static bool is_memory(int fd, const struct stat *st)
{
	struct statfs fs;

	return S_ISREG(st->st_mode) && !fstatfs(fd, &fs) &&
	       (fs.f_type == TMPFS_MAGIC || fs.f_type == HUGETLBFS_MAGIC || fs.f_type == RAMFS_MAGIC);
}

static int file_map(struct vfu_dma *dma, struct vfu_file *file, int fd, const struct stat *st,
		    bool writable)
{
	size_t page = st->st_blksize > (blksize_t)PAGE ? (size_t)st->st_blksize : PAGE;
	int prot = PROT_READ | (writable ? PROT_WRITE : 0);
	void *base = mmap(NULL, st->st_size, prot, MAP_SHARED | MAP_NORESERVE, fd, 0);
	int guard;

	if (base == MAP_FAILED)
		return errno == EACCES || errno == EPERM ? -EACCES : -ENOMEM;
	guard = vfu_guard_add(base, st->st_size, page, &dma->lost);
	if (guard < 0) {
		munmap(base, st->st_size);
		return guard;
	}
	madvise(base, st->st_size, MADV_DONTDUMP);
	*file = (struct vfu_file){
		.dev = st->st_dev, .ino = st->st_ino, .writable = writable, .base = base,
		.bytes = st->st_size, .guard = guard,
	};
	return 0;
}

/* The mapping of @fd's file, made at its first use, with a reference for the caller. */
static int file_get(struct vfu_dma *dma, int fd, uint64_t end, bool write, struct vfu_file **out)
{
	int flags = fcntl(fd, F_GETFL), error;
	bool writable = (flags & O_ACCMODE) == O_RDWR;
	struct vfu_file *empty = NULL;
	struct stat st;

	if (flags < 0 || fstat(fd, &st) || !is_memory(fd, &st) || (flags & O_PATH))
		return -ENOTSUP;
	if ((uint64_t)st.st_size < end)
		return -EINVAL;
	if (write && !writable)
		return -EACCES;
	for (struct vfu_file *f = dma->files; f < dma->files + VFU_FILES_MAX; f++) {
		if (!f->base) {
			empty = empty ? empty : f;
		} else if (f->dev == st.st_dev && f->ino == st.st_ino && f->writable == writable &&
			   f->bytes >= end) {
			f->regions++;
			*out = f;
			return 0;
		}
	}
	if (!empty)
		return -ENOSPC;
	error = file_map(dma, empty, fd, &st, writable);
	if (error)
		return error;
	empty->regions = 1;
	*out = empty;
	return 0;
}

/* --- regions ----------------------------------------------------------------------------------- */

static int region_insert(struct vfu_dma *dma, struct region *region)
{
	struct region **at;
	int error = 0;

	pthread_rwlock_wrlock(&dma->lock);
	at = dma->count < VFU_MAPS_MAX ? tsearch(region, &dma->tree, region_compare) : NULL;
	if (!at)
		error = dma->count < VFU_MAPS_MAX ? -ENOMEM : -ENOSPC;
	else if (*at != region)
		error = -EEXIST;
	else
		dma->count++;
	pthread_rwlock_unlock(&dma->lock);
	return error;
}

int vfu_dma_map(struct vfu_dma *dma, const struct vfu_dma_map *map, int fd)
{
	struct region *region;
	int error = 0;

	if (!map->size || (map->iova | map->size) & (PAGE - 1) || map->iova + (map->size - 1) < map->iova ||
	    map->flags & ~(VFU_DMA_F_READ | VFU_DMA_F_WRITE))
		return -EINVAL;
	if (fd >= 0 && (map->offset & (PAGE - 1) || map->offset + map->size < map->offset))
		return -EINVAL;
	region = calloc(1, sizeof(*region));
	if (!region)
		return -ENOMEM;
	region->first = map->iova;
	region->last = map->iova + (map->size - 1);
	region->readable = map->flags & VFU_DMA_F_READ;
	region->writable = map->flags & VFU_DMA_F_WRITE;
	region->offset = map->offset;
	if (fd >= 0)
		error = file_get(dma, fd, map->offset + map->size, region->writable, &region->file);
	if (!error) {
		error = region_insert(dma, region);
		if (error)
			file_put(region->file);
	}
	if (error)
		free(region);
	return error;
}

/* --- removal ----------------------------------------------------------------------------------- */

/* Write lock held. */
static struct region *take_region(struct vfu_dma *dma, struct region *region, struct region *list)
{
	tdelete(region, &dma->tree, region_compare);
	dma->count--;
	region->next = list;
	return region;
}

/* They are out of the tree: nobody finds them any more, and after @quiesce nobody uses them. */
static uint64_t release_regions(struct region *list, vfu_quiesce_fn quiesce, void *ctx)
{
	uint64_t bytes = 0;
	bool used = false;

	for (struct region *r = list; r; r = r->next)
		used |= atomic_load(&r->used);
	if (used)
		quiesce(ctx);
	while (list) {
		struct region *next = list->next;

		bytes += list->last - list->first + 1;
		file_put(list->file);
		free(list);
		list = next;
	}
	return bytes;
}

int vfu_dma_unmap(struct vfu_dma *dma, uint64_t iova, uint64_t size, uint64_t *bytes,
		  vfu_quiesce_fn quiesce, void *ctx)
{
	uint64_t last = iova + (size - 1);
	struct region *r, *list = NULL;

	*bytes = 0;
	if (!size || last < iova)
		return -EINVAL;
	pthread_rwlock_wrlock(&dma->lock);
	r = region_find(dma, iova, iova);
	if (!r || r->first >= iova)
		r = region_find(dma, last, last);
	if (r && (r->first < iova || r->last > last)) {
		pthread_rwlock_unlock(&dma->lock);
		return -EINVAL;
	}
	while ((r = region_find(dma, iova, last)))
		list = take_region(dma, r, list);
	pthread_rwlock_unlock(&dma->lock);
	*bytes = release_regions(list, quiesce, ctx);
	return 0;
}

void vfu_dma_unmap_all(struct vfu_dma *dma, uint64_t *bytes, vfu_quiesce_fn quiesce, void *ctx)
{
	struct region *r, *list = NULL;

	pthread_rwlock_wrlock(&dma->lock);
	while ((r = region_find(dma, 0, UINT64_MAX)))
		list = take_region(dma, r, list);
	pthread_rwlock_unlock(&dma->lock);
	*bytes = release_regions(list, quiesce, ctx);
	atomic_store(&dma->lost, false);
}

/* --- lookup ------------------------------------------------------------------------------------ */

bool vfu_dma_find(struct vfu_dma *dma, uint64_t iova, uint64_t *len, bool write, uint8_t **host)
{
	struct region *r;
	bool found = false;
	uint64_t left;

	pthread_rwlock_rdlock(&dma->lock);
	r = region_find(dma, iova, iova);
	if (r && (write ? r->writable : r->readable)) {
		left = r->last - iova;
		if (*len - 1 > left)
			*len = left + 1;
		*host = NULL;
		if (r->file) {
			*host = r->file->base + r->offset + (iova - r->first);
			if (!atomic_load_explicit(&r->used, memory_order_relaxed))
				atomic_store_explicit(&r->used, true, memory_order_relaxed);
		}
		found = true;
	}
	pthread_rwlock_unlock(&dma->lock);
	return found;
}
