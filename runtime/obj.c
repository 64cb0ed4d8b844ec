// SPDX-License-Identifier: MIT
#include "obj.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "error.h"

/* Non-canonical addresses: using a handle as a pointer traps. */
#define HANDLE_TAG		0x6700ull
#define HANDLE_TAG_SHIFT	48
#define HANDLE_GEN_SHIFT	24
#define HANDLE_INDEX_MASK	0xffffffull
#define HANDLE_GEN_MASK		0xffffffu
#define CHUNK_LOG2		6
#define CHUNK_OBJECTS		(1u << CHUNK_LOG2)
#define CHUNKS			4096	/* 262,144 objects of each type */

struct obj_pool {
	pthread_mutex_t lock;
	size_t size;
	uint32_t used;			/* slots ever handed out */
	struct obj *free;
	unsigned char *_Atomic chunks[CHUNKS];
};

static struct obj_pool pools[OBJ_TYPES] = {
	[0 ... OBJ_TYPES - 1] = { .lock = PTHREAD_MUTEX_INITIALIZER },
};

static const char *const type_names[OBJ_TYPES] = {
	"nothing", "device", "memory", "stream", "event", "module", "kernel", "graph", "semaphore",
};

/* --- fork ----------------------------------------------------------------------------------- */

/* This page reads as zero in a child, however it was made (clone() runs no atfork handlers). */
static _Atomic uint32_t *fork_mark;
static _Atomic uint32_t fork_epoch = 1;
static pid_t fork_pid;
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;

static void fork_prepare(void)
{
	int i;

	for (i = 0; i < OBJ_TYPES; i++)
		pthread_mutex_lock(&pools[i].lock);
}

static void fork_release(void)
{
	int i;

	for (i = OBJ_TYPES - 1; i >= 0; i--)
		pthread_mutex_unlock(&pools[i].lock);
}

static void fork_start(void)
{
	void *page = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	pthread_atfork(fork_prepare, fork_release, fork_release);
	fork_pid = getpid();
	if (page == MAP_FAILED || madvise(page, 1, MADV_WIPEONFORK))
		return;
	fork_mark = page;
	atomic_store(fork_mark, 1);
}

uint32_t obj_epoch(void)
{
	pthread_once(&fork_once, fork_start);
	if (fork_mark) {
		if (atomic_load_explicit(fork_mark, memory_order_relaxed))
			return atomic_load_explicit(&fork_epoch, memory_order_relaxed);
		if (!atomic_exchange(fork_mark, 1))
			atomic_fetch_add(&fork_epoch, 1);
	} else if (fork_pid != getpid()) {
		fork_pid = getpid();
		atomic_fetch_add(&fork_epoch, 1);
	}
	return atomic_load(&fork_epoch);
}

/* --- objects -------------------------------------------------------------------------------- */

static struct obj *obj_slot(enum obj_type type, uint32_t index)
{
	unsigned char *chunk;

	if (index >= CHUNKS * CHUNK_OBJECTS)
		return NULL;
	chunk = atomic_load_explicit(&pools[type].chunks[index >> CHUNK_LOG2], memory_order_acquire);
	if (!chunk)
		return NULL;
	return (struct obj *)(chunk + (index & (CHUNK_OBJECTS - 1)) * pools[type].size);
}

static struct obj *obj_fresh(struct obj_pool *pool)
{
	uint32_t index = pool->used;
	struct obj *obj;

	if (index >= CHUNKS * CHUNK_OBJECTS)
		return NULL;
	if (!(index & (CHUNK_OBJECTS - 1))) {
		unsigned char *chunk = calloc(CHUNK_OBJECTS, pool->size);

		if (!chunk)
			return NULL;
		atomic_store_explicit(&pool->chunks[index >> CHUNK_LOG2], chunk, memory_order_release);
	}
	pool->used++;
	obj = obj_slot((enum obj_type)(pool - pools), index);
	obj->index = index;
	pthread_mutex_init(&obj->lock, NULL);
	obj->epoch = obj_epoch();
	return obj;
}

void *obj_alloc(enum obj_type type, size_t size)
{
	struct obj_pool *pool = &pools[type];
	uint32_t epoch = obj_epoch();
	struct obj *obj;

	pthread_mutex_lock(&pool->lock);
	if (!pool->size)
		pool->size = (size + 63) & ~(size_t)63;
	obj = pool->free;
	if (obj)
		pool->free = obj->next_free;
	else
		obj = obj_fresh(pool);
	pthread_mutex_unlock(&pool->lock);
	if (!obj) {
		gaon_fail(GAON_ERROR_OUT_OF_MEMORY, "no memory for a %s object", type_names[type]);
		return NULL;
	}
	/* Only the head of the object is read by those who lost a race; it is left for last. */
	memset(obj + 1, 0, size - sizeof(*obj));
	obj->generation = (obj->generation + 1) & HANDLE_GEN_MASK;
	obj->type = (uint8_t)type;
	if (obj->epoch != epoch)	/* another thread of the parent may have held it */
		pthread_mutex_init(&obj->lock, NULL);
	obj->epoch = epoch;
	obj->with_device = false;
	obj->prev = obj->next = obj->next_free = NULL;
	atomic_store(&obj->dev, NULL);
	atomic_store(&obj->refs, 1);
	atomic_store_explicit(&obj->handle,
			      (HANDLE_TAG | (uint64_t)type) << HANDLE_TAG_SHIFT |
			      (uint64_t)obj->generation << HANDLE_GEN_SHIFT | obj->index,
			      memory_order_release);
	return obj;
}

void obj_free(struct obj *obj, bool with_device)
{
	struct obj_pool *pool = &pools[obj->type];

	obj->with_device = with_device;
	atomic_store_explicit(&obj->handle, 0, memory_order_release);
	pthread_mutex_lock(&pool->lock);
	obj->next_free = pool->free;
	pool->free = obj;
	pthread_mutex_unlock(&pool->lock);
}

static enum gaon_status obj_explain(enum obj_type type, uint64_t handle, struct obj *obj)
{
	uint64_t tag = handle >> HANDLE_TAG_SHIFT;

	if (!handle)
		return gaon_fail(GAON_ERROR_INVALID_HANDLE, "%s handle is NULL", type_names[type]);
	if ((tag & ~0xffull) != HANDLE_TAG || (tag & 0xff) == OBJ_NONE || (tag & 0xff) >= OBJ_TYPES)
		return gaon_fail(GAON_ERROR_INVALID_HANDLE, "%#llx is not a handle",
				 (unsigned long long)handle);
	if ((tag & 0xff) != (uint64_t)type)
		return gaon_fail(GAON_ERROR_INVALID_HANDLE, "a %s handle was given where a %s is wanted",
				 type_names[tag & 0xff], type_names[type]);
	if (!obj || ((handle >> HANDLE_GEN_SHIFT) & HANDLE_GEN_MASK) > obj->generation)
		return gaon_fail(GAON_ERROR_INVALID_HANDLE, "%#llx was never a %s",
				 (unsigned long long)handle, type_names[type]);
	if (type == OBJ_DEVICE)
		return gaon_fail(GAON_ERROR_CLOSED, "the device was closed");
	if (obj->with_device)
		return gaon_fail_hint(GAON_ERROR_CLOSED, "close the device last",
				      "the %s ended when its device was closed", type_names[type]);
	return gaon_fail_hint(GAON_ERROR_CLOSED, "look for a second free or destroy of it",
			      "the %s was %s before", type_names[type],
			      type == OBJ_MEM ? "freed" : type == OBJ_MODULE || type == OBJ_KERNEL ?
			      "unloaded" : "destroyed");
}

void *obj_find(enum obj_type type, const void *handle, enum gaon_status *status)
{
	uint64_t value = (uintptr_t)handle;
	struct obj *obj = NULL;

	if (value >> HANDLE_TAG_SHIFT == (HANDLE_TAG | (uint64_t)type))
		obj = obj_slot(type, (uint32_t)(value & HANDLE_INDEX_MASK));
	if (!obj || atomic_load_explicit(&obj->handle, memory_order_acquire) != value) {
		*status = obj_explain(type, value, obj);
		return NULL;
	}
	if (obj->epoch != obj_epoch()) {
		*status = gaon_fail_hint(GAON_ERROR_FORKED,
					 "open the device in the child process, or use exec",
					 "the %s belongs to the parent process", type_names[type]);
		return NULL;
	}
	return obj;
}
