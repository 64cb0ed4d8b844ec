// SPDX-License-Identifier: MIT
#include "queue_lib.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <linux/sync_file.h>

#define RING_BYTES(log2)	(sizeof(struct gaon_packet) << (log2))
#define RUN_WORD		0x0
#define RUN_MS			60000

int64_t lib_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ll + now.tv_nsec;
}

void lib_open_on(struct lib *lib, int fd, uint32_t vm_flags)
{
	*lib = (struct lib){ .fd = fd, .lr = vm_flags & DRM_GAON_VM_LR };
	lib->vm = uapi_vm(fd, vm_flags);
	lib->bo = lib->vm ? uapi_bo(fd, LIB_MEM_BYTES, DRM_GAON_BO_HOST, 0) : 0;
	lib->mem = lib->bo ? uapi_mmap(fd, lib->bo, LIB_MEM_BYTES) : NULL;
	REQUIRE(lib->mem && !uapi_map(fd, lib->vm, lib->bo, 0, LIB_MEM_VA, LIB_MEM_BYTES, 0),
		"an address space with memory");
}

void lib_open(struct lib *lib, uint32_t vm_flags)
{
	lib_open_on(lib, uapi_open(), vm_flags);
}

void lib_close(struct lib *lib)
{
	if (lib->doorbells)
		munmap((void *)lib->doorbells, DRM_GAON_DOORBELL_BYTES);
	munmap(lib->mem, LIB_MEM_BYTES);
	close(lib->fd);
}

/* --- queues ---------------------------------------------------------------------------------- */

static int queue_create(struct lib_queue *queue, struct drm_gaon_queue_create *args)
{
	int err = uapi_ioctl(queue->lib->fd, DRM_IOCTL_GAON_QUEUE_CREATE, args);

	queue->id = args->queue_id;
	queue->hw_id = args->hw_id;
	queue->doorbell_offset = args->doorbell_offset;
	queue->doorbell_mmap = args->doorbell_mmap;
	return err;
}

static int user_queue(struct lib *lib, struct lib_queue *queue, uint32_t flags, uint32_t log2,
		      uint32_t priority, uint64_t limit_cycles)
{
	uint64_t bytes = RING_BYTES(log2) + 64;
	uint64_t at = LIB_MEM_BYTES - lib->used - bytes;
	struct drm_gaon_queue_create args = {
		.vm_id = lib->vm,
		.flags = DRM_GAON_QUEUE_USER | flags,
		.priority = priority,
		.ring_log2 = log2,
		.ring_va = lib_va(at),
		.state_va = lib_va(at + RING_BYTES(log2)),
		.limit_cycles = limit_cycles,
	};
	int err;

	*queue = (struct lib_queue){
		.lib = lib,
		.log2 = log2,
		.ring_va = args.ring_va,
		.state_va = args.state_va,
		.ring = (struct gaon_packet *)(lib->mem + at),
		.state = (struct gaon_queue_state *)(lib->mem + at + RING_BYTES(log2)),
	};
	memset(queue->ring, 0, bytes);
	err = queue_create(queue, &args);
	if (!err)
		lib->used += bytes;
	return err;
}

int lib_user_queue(struct lib *lib, struct lib_queue *queue, uint32_t log2, uint32_t priority,
		   uint64_t limit_cycles)
{
	return user_queue(lib, queue, 0, log2, priority, limit_cycles);
}

int lib_debug_queue(struct lib *lib, struct lib_queue *queue)
{
	return user_queue(lib, queue, DRM_GAON_QUEUE_DEBUG, 4, DRM_GAON_PRIORITY_NORMAL, 0);
}

int lib_kernel_queue(struct lib *lib, struct lib_queue *queue, uint32_t log2, uint32_t priority,
		     uint64_t limit_cycles)
{
	struct drm_gaon_queue_create args = {
		.vm_id = lib->vm,
		.priority = priority,
		.ring_log2 = log2,
		.limit_cycles = limit_cycles,
	};

	*queue = (struct lib_queue){ .lib = lib, .log2 = log2 };
	return queue_create(queue, &args);
}

void lib_open_user(struct lib *lib, struct lib_queue *queue)
{
	lib_open(lib, DRM_GAON_VM_LR);
	REQUIRE(!lib_user_queue(lib, queue, 4, DRM_GAON_PRIORITY_NORMAL, 0), "a queue");
}

int lib_queue_destroy(struct lib_queue *queue)
{
	struct drm_gaon_queue_destroy args = { .queue_id = queue->id };

	return uapi_ioctl(queue->lib->fd, DRM_IOCTL_GAON_QUEUE_DESTROY, &args);
}

void lib_doorbell_map(struct lib *lib, struct lib_queue *queue)
{
	void *page = mmap(NULL, DRM_GAON_DOORBELL_BYTES, PROT_WRITE, MAP_SHARED, lib->fd,
			  (off_t)queue->doorbell_mmap);

	REQUIRE(page != MAP_FAILED, "mapping of doorbells: %s", strerror(errno));
	lib->doorbells = page;
}

void lib_ring(struct lib_queue *queue)
{
	if (!queue->lib->doorbells)
		lib_doorbell_map(queue->lib, queue);
	/* One store of 8 bytes, in a 32-bit process too. */
	__atomic_store_n(&queue->lib->doorbells[queue->doorbell_offset / 8], queue->write,
			 __ATOMIC_RELAXED);
}

void lib_push(struct lib_queue *queue, const struct gaon_packet *packet)
{
	uint64_t old = queue->write;

	queue->ring[old & ((1u << queue->log2) - 1)] = *packet;
	queue->write++;
	__atomic_store_n(&queue->state->write, queue->write, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (gaon_doorbell_due(old, queue->write,
			      __atomic_load_n(&queue->state->event_idx, __ATOMIC_RELAXED)))
		lib_ring(queue);
}

int lib_state(struct lib_queue *queue, struct drm_gaon_queue_query *query, uint32_t flags)
{
	*query = (struct drm_gaon_queue_query){ .queue_id = queue->id, .flags = flags };
	return uapi_ioctl(queue->lib->fd, DRM_IOCTL_GAON_QUEUE_STATE, query);
}

int lib_clear(struct lib_queue *queue)
{
	struct drm_gaon_queue_clear args = { .queue_id = queue->id };

	return uapi_ioctl(queue->lib->fd, DRM_IOCTL_GAON_QUEUE_CLEAR, &args);
}

/* --- packets --------------------------------------------------------------------------------- */

struct gaon_packet lib_nop(uint64_t signal_va, uint64_t value, uint16_t flags)
{
	struct gaon_packet packet = {
		.type = GAON_PKT_NOP,
		.scope = GAON_SCOPE_HOST | GAON_SCOPE_HOST << 4,
		.flags = GAON_PKT_F_BARRIER | flags,
	};

	if (signal_va) {
		packet.flags |= GAON_PKT_F_SIGNAL;
		packet.signal_va = signal_va;
		packet.signal_value = value;
	}
	return packet;
}

struct gaon_packet lib_launch(uint64_t entry_va, uint64_t args_va, uint32_t grid)
{
	return (struct gaon_packet){
		.type = GAON_PKT_LAUNCH,
		.scope = GAON_SCOPE_HOST | GAON_SCOPE_HOST << 4,
		.flags = GAON_PKT_F_BARRIER,
		.launch = {
			.entry_va = entry_va,
			.args_va = args_va,
			.grid = { grid, 1, 1 },
			.stack_bytes = 4096,
		},
	};
}

struct gaon_packet lib_wait_packet(uint64_t va, uint64_t value)
{
	return (struct gaon_packet){
		.type = GAON_PKT_WAIT,
		.flags = GAON_PKT_F_BARRIER,
		.wait = { .va = va, .operand = value, .op = GAON_WAIT_GE },
	};
}

struct gaon_packet lib_copy(uint64_t to, uint64_t from, uint64_t bytes)
{
	return (struct gaon_packet){
		.type = GAON_PKT_COPY, .copy = { .dst_va = to, .src_va = from, .bytes = bytes },
	};
}

struct gaon_packet lib_fill(uint64_t to, uint64_t bytes, uint64_t pattern)
{
	return (struct gaon_packet){
		.type = GAON_PKT_FILL,
		.fill = { .dst_va = to, .bytes = bytes, .pattern = pattern, .pattern_size = 8 },
	};
}

/* --- waiting --------------------------------------------------------------------------------- */

int lib_wait_op(struct lib *lib, const volatile void *addr, uint64_t value, uint32_t op,
		int64_t timeout_ns_abs)
{
	struct drm_gaon_wait args = {
		.addr = (uintptr_t)addr,
		.value = value,
		.timeout_ns = timeout_ns_abs,
		.vm_id = lib->vm,
		.op = op,
	};

	return uapi_ioctl(lib->fd, DRM_IOCTL_GAON_WAIT, &args);
}

int lib_wait(struct lib *lib, const volatile void *addr, uint64_t value, int64_t timeout_ms)
{
	return lib_wait_op(lib, addr, value, DRM_GAON_WAIT_GE, lib_now() + timeout_ms * 1000000);
}

int lib_run(struct lib_queue *queue, struct gaon_packet packet)
{
	struct lib *lib = queue->lib;
	uint64_t value = ++lib->runs;

	packet.flags |= GAON_PKT_F_SIGNAL | GAON_PKT_F_EVENT | GAON_PKT_F_BARRIER;
	packet.scope = GAON_SCOPE_HOST | GAON_SCOPE_HOST << 4;
	if (!packet.signal_va) {
		packet.signal_va = lib_va(RUN_WORD);
		packet.signal_value = value;
	}
	lib_push(queue, &packet);
	return lib_wait(lib, lib_word(lib, RUN_WORD), value, RUN_MS);
}

/* --- debugging ------------------------------------------------------------------------------- */

int lib_debug(struct lib_queue *queue, uint32_t op, uint64_t offset, void *data, uint64_t size)
{
	struct drm_gaon_debug args = {
		.queue_id = queue->id, .op = op, .offset = offset, .size = size, .pointer = (uintptr_t)data,
	};

	return uapi_ioctl(queue->lib->fd, DRM_IOCTL_GAON_DEBUG, &args);
}

/* Where a core's part of the save area is; UINT64_MAX: there is no such core. */
static uint64_t save_core(struct lib *lib, uint32_t core)
{
	struct drm_gaon_query_topology topology = { 0 };
	uint64_t stride;

	if (uapi_query(lib->fd, DRM_GAON_QUERY_TOPOLOGY, &topology, sizeof(topology)) ||
	    core >= topology.cores)
		return UINT64_MAX;
	stride = GAON_SAVE_VECTOR + 32ull * topology.vlen / 8 + topology.spm_bytes;
	return GAON_SAVE_CORES + core * ((stride + 4095) & ~4095ull);
}

bool lib_debug_look(struct lib_queue *queue, struct lib_stopped *out)
{
	memset(out, 0, sizeof(*out));
	if (lib_debug(queue, DRM_GAON_DEBUG_SUSPEND, 0, NULL, 0) ||
	    lib_debug(queue, DRM_GAON_DEBUG_READ, GAON_SAVE_DEBUG, &out->state, sizeof(out->state)) ||
	    out->state.size != sizeof(out->state) || __builtin_popcountll(out->state.active) != 1)
		return false;
	out->core = (uint32_t)__builtin_ctzll(out->state.active);
	return !lib_debug(queue, DRM_GAON_DEBUG_READ, save_core(queue->lib, out->core), &out->regs,
			  sizeof(out->regs));
}

int lib_debug_store(struct lib_queue *queue, struct lib_stopped *from)
{
	uint64_t core = save_core(queue->lib, from->core);
	int err = lib_debug(queue, DRM_GAON_DEBUG_WRITE, GAON_SAVE_DEBUG, &from->state, sizeof(from->state));

	return err ? err : lib_debug(queue, DRM_GAON_DEBUG_WRITE, core, &from->regs, sizeof(from->regs));
}

bool lib_debug_stand(struct lib_queue *queue, uint64_t va, uint64_t value, struct lib_stopped *out)
{
	struct gaon_packet packet = lib_launch(LIB_CODE_VA + LIB_CODE_BREAK, 0, 1);
	int64_t end = lib_now() + RUN_MS * 1000000ll;
	struct drm_gaon_queue_query query = { 0 };

	packet.flags |= GAON_PKT_F_SIGNAL | GAON_PKT_F_EVENT;
	packet.signal_va = va;
	packet.signal_value = value;
	lib_push(queue, &packet);
	while (!(query.state & DRM_GAON_QUEUE_STOPPED) && lib_now() < end) {
		if (lib_state(queue, &query, 0))
			return false;
		usleep(10000);
	}
	return lib_debug_look(queue, out);
}

int lib_debug_leave(struct lib_queue *queue)
{
	struct lib_stopped stopped;
	int err;

	if (!lib_debug_look(queue, &stopped))
		return ENOENT;
	stopped.regs.pc = LIB_CODE_VA + LIB_CODE_RET;
	err = lib_debug_store(queue, &stopped);
	return err ? err : lib_debug(queue, DRM_GAON_DEBUG_RESUME, 0, NULL, 0);
}

/* --- syncobjs -------------------------------------------------------------------------------- */

uint32_t lib_syncobj(int fd)
{
	struct drm_syncobj_create args = { 0 };
	int err = uapi_ioctl(fd, DRM_IOCTL_SYNCOBJ_CREATE, &args);

	if (err)
		CHECK_ERRNO(err, 0, "SYNCOBJ_CREATE");
	return args.handle;
}

void lib_syncobj_destroy(int fd, uint32_t handle)
{
	struct drm_syncobj_destroy args = { .handle = handle };

	uapi_ioctl(fd, DRM_IOCTL_SYNCOBJ_DESTROY, &args);
}

int lib_syncobj_wait(int fd, uint32_t handle, uint64_t point, int64_t timeout_ms)
{
	struct drm_syncobj_timeline_wait args = {
		.handles = (uintptr_t)&handle,
		.points = (uintptr_t)&point,
		.timeout_nsec = lib_now() + timeout_ms * 1000000,
		.count_handles = 1,
		.flags = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT,
	};

	return uapi_ioctl(fd, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &args);
}

int lib_syncobj_status(int fd, uint32_t handle)
{
	struct drm_syncobj_handle export = {
		.handle = handle,
		.flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE,
	};
	struct sync_fence_info fence = { 0 };
	struct sync_file_info info = { .num_fences = 1, .sync_fence_info = (uintptr_t)&fence };
	int err = uapi_ioctl(fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &export);

	if (err)
		return -err;
	err = ioctl(export.fd, SYNC_IOC_FILE_INFO, &info) ? -errno : info.status;
	close(export.fd);
	return err == 1 ? 0 : err ? err : -EINPROGRESS;
}

int lib_submit(struct lib_queue *queue, uint64_t list_va, uint32_t count, uint32_t wait,
	       uint64_t wait_point, uint32_t signal, uint64_t signal_point)
{
	struct drm_gaon_sync syncs[2];
	struct drm_gaon_job job = { .list_va = list_va, .count = count };
	struct drm_gaon_submit args = {
		.queue_id = queue->id,
		.jobs = { .stride = sizeof(job), .count = 1, .array = (uintptr_t)&job },
	};
	uint32_t n = 0;

	if (wait)
		syncs[n++] = (struct drm_gaon_sync){
			.flags = wait_point ? DRM_GAON_SYNC_TIMELINE : 0,
			.handle = wait,
			.timeline_value = wait_point,
		};
	if (signal)
		syncs[n++] = (struct drm_gaon_sync){
			.flags = DRM_GAON_SYNC_SIGNAL | (signal_point ? DRM_GAON_SYNC_TIMELINE : 0),
			.handle = signal,
			.timeline_value = signal_point,
		};
	if (n)
		job.syncs = (struct drm_gaon_obj_array){
			.stride = sizeof(syncs[0]), .count = n, .array = (uintptr_t)syncs,
		};
	return uapi_ioctl(queue->lib->fd, DRM_IOCTL_GAON_SUBMIT, &args);
}

/* --- code ------------------------------------------------------------------------------------ */

void lib_code(struct lib *lib)
{
	static const uint32_t spin[] = { 0x0000006f };			/* j . */
	static const uint32_t brk[] = { 0x00100073 };			/* ebreak */
	static const uint32_t ret[] = { 0x00008067 };			/* ret */
	/* li t0, 1; sd t0, 0(a0); ret */
	static const uint32_t store[] = { 0x00100293, 0x00553023, 0x00008067 };
	/* fence; ld t0, 0(a0); beqz t0, .-8; ret */
	static const uint32_t until[] = { 0x0ff0000f, 0x00053283, 0xfe028ce3, 0x00008067 };
	/* addi t0, t0, 1; sd t0, 0(a0); fence; j .-12 */
	static const uint32_t count[] = { 0x00128293, 0x00553023, 0x0ff0000f, 0xff5ff06f };
	static const uint32_t gang[] = {
		0xcc6022f3,	/*	csrr	t0, GAON_CSR_WG_LINEAR */
		0xcc302373,	/*	csrr	t1, GAON_CSR_GRID_X */
		0x00329393,	/*	slli	t2, t0, 3 */
		0x00a383b3,	/*	add	t2, t2, a0 */
		0x00128e13,	/*	addi	t3, t0, 1 */
		0x006e1463,	/*	bne	t3, t1, 1f */
		0x00000e13,	/*	li	t3, 0 */
		0x003e1e13,	/* 1:	slli	t3, t3, 3 */
		0x00ae0e33,	/*	add	t3, t3, a0 */
		0x00000f13,	/*	li	t5, 0		rounds */
		0x00000f93,	/*	li	t6, 0		wrong */
		0x001f0f13,	/* 2:	addi	t5, t5, 1 */
		0x01e3b023,	/*	sd	t5, 0(t2) */
		0x00029663,	/*	bnez	t0, 3f */
		0xff853603,	/*	ld	a2, -8(a0)	the first says when they end */
		0xfec53823,	/*	sd	a2, -16(a0) */
		0x0ff0000f,	/* 3:	fence */
		0x0000400b,	/*	gaon.barrier */
		0x0ff0000f,	/*	fence */
		0x000e3583,	/*	ld	a1, 0(t3) */
		0x41e585b3,	/*	sub	a1, a1, t5 */
		0x00bfefb3,	/*	or	t6, t6, a1 */
		0xff053683,	/*	ld	a3, -16(a0) */
		0x0ff0000f,	/*	fence */
		0x0000400b,	/*	gaon.barrier */
		0x0ff0000f,	/*	fence */
		0xfc0682e3,	/*	beqz	a3, 2b */
		0x09f3b023,	/*	sd	t6, 0x80(t2) */
		0x00008067,	/*	ret */
	};
	uint32_t bo = uapi_bo(lib->fd, 4096, DRM_GAON_BO_HOST, 0);
	uint8_t *cpu = bo ? uapi_mmap(lib->fd, bo, 4096) : NULL;

	REQUIRE(cpu, "memory for code");
	memcpy(cpu + LIB_CODE_COUNT, count, sizeof(count));
	memcpy(cpu + LIB_CODE_GANG, gang, sizeof(gang));
	memcpy(cpu + LIB_CODE_SPIN, spin, sizeof(spin));
	memcpy(cpu + LIB_CODE_BREAK, brk, sizeof(brk));
	memcpy(cpu + LIB_CODE_RET, ret, sizeof(ret));
	memcpy(cpu + LIB_CODE_STORE, store, sizeof(store));
	memcpy(cpu + LIB_CODE_UNTIL, until, sizeof(until));
	munmap(cpu, 4096);
	REQUIRE(!uapi_map(lib->fd, lib->vm, bo, 0, LIB_CODE_VA, 4096, DRM_GAON_VM_BIND_EXEC),
		"code is mapped");
	uapi_bo_close(lib->fd, bo);
}
