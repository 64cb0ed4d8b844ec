// SPDX-License-Identifier: MIT
#include "drm_kernel_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct drm_kernel_control drm_kernel;
struct direct *kernel_card;
struct kfile *kernel_files[64];
pthread_mutex_t kernel_lock = PTHREAD_MUTEX_INITIALIZER;

uint32_t kernel_handle(void **table)
{
	uint32_t i;

	for (i = 1; i < KERNEL_HANDLES; i++) {
		if (!table[i])
			return i;
	}
	return 0;
}

struct kfile *kernel_file(int fd)
{
	int i;

	for (i = 0; i < 64; i++) {
		if (kernel_files[i] && kernel_files[i]->fd == fd)
			return kernel_files[i];
	}
	return NULL;
}

/* --- queries --------------------------------------------------------------------------------- */

static int put(struct drm_gaon_dev_query *args, const void *data, uint32_t bytes)
{
	uint8_t *out = (uint8_t *)(uintptr_t)args->pointer;

	if (out) {
		memset(out, 0, args->size);
		memcpy(out, data, args->size < bytes ? args->size : bytes);
	}
	args->size = bytes;
	return 0;
}

static int query_device(struct drm_gaon_dev_query *args)
{
	const struct gaon_identify *id = &kernel_card->identify;
	struct drm_gaon_query_device d = {
		.hw_revision = id->hw_revision, .numerics = id->numerics, .va_min = 65536,
		.va_max = KERNEL_VA_MAX, .page_size = 4096, .clock_khz = id->clock_khz,
		.contexts = id->contexts - 1, .queues = id->queues, .file_vms = 256,
		.file_queues = KERNEL_HANDLES - 1, .slots = id->slots, .preempt_ms = id->preempt_ms,
		.save_bytes = id->save_bytes, .priorities = 0xf,
	};

	if (id->features & GAON_FEATURE_MODELLED_TIME)
		d.flags |= DRM_GAON_DEVICE_MODELLED_TIME;
	if (id->features & GAON_FEATURE_GEMM_MEMORY)
		d.flags |= DRM_GAON_DEVICE_GEMM_MEMORY;
	if (id->features & GAON_FEATURE_DEBUG)
		d.flags |= DRM_GAON_DEVICE_DEBUG;
	memcpy(d.serial, id->serial, sizeof(d.serial));
	memcpy(d.name, id->name, sizeof(d.name));
	return put(args, &d, sizeof(d));
}

static int query_memory(struct drm_gaon_dev_query *args)
{
	const struct gaon_identify *id = &kernel_card->identify;
	struct drm_gaon_query_memory m[2] = {
		{ .mem_class = DRM_GAON_MEMORY_HOST, .min_page_size = 4096, .total = 1ull << 40,
		  .mbps = id->host_mbps },
		{ .mem_class = DRM_GAON_MEMORY_HBM, .min_page_size = 4096, .total = id->hbm_bytes,
		  .used = id->hbm_bytes - kernel_card->hbm.free_bytes,
		  .cpu_visible = id->aperture_bytes, .mbps = id->hbm_mbps, .channels = id->hbm_channels },
	};

	return put(args, m, sizeof(m));
}

static int query_topology(struct drm_gaon_dev_query *args)
{
	const struct gaon_identify *id = &kernel_card->identify;
	struct drm_gaon_query_topology t = {
		.cores = id->cores, .vlen = id->vlen, .dlen = id->dlen, .vector_pipes = id->vector_pipes,
		.matrix_arrays = id->matrix_arrays, .matrix_dim = id->matrix_dim,
		.dma_channels = id->dma_channels, .copy_engines = id->copy_engines,
		.spm_bytes = id->spm_bytes, .numa_node = -1,
	};

	return put(args, &t, sizeof(t));
}

static int query_firmware(struct drm_gaon_dev_query *args)
{
	const struct gaon_identify *id = &kernel_card->identify;
	struct drm_gaon_query_firmware f = {
		.version = id->fw_version, .abi = GAON_ABI_MAX, .abi_min = id->abi_min,
		.abi_max = id->abi_max, .state = 4, .file = "gaon/ga1.bin",
	};

	memcpy(f.build, id->fw_build, sizeof(f.build));
	return put(args, &f, sizeof(f));
}

static int query_telemetry(struct drm_gaon_dev_query *args)
{
	struct drm_gaon_query_telemetry t = { 0 };
	struct gaon_telemetry d;
	int err = kernel_card->ws.ops->telemetry(&kernel_card->ws, &d);

	if (err)
		return err;
	memcpy(t.core_busy, d.core_busy, sizeof(t.core_busy));
	t.cycle = d.cycle;
	t.packets = d.packets;
	t.launches = d.launches;
	t.workgroups = d.workgroups;
	t.instructions = d.instructions;
	t.faults = d.faults;
	t.host_read = d.host_read;
	t.host_write = d.host_write;
	t.hbm_read = d.hbm_read;
	t.hbm_write = d.hbm_write;
	return put(args, &t, sizeof(t));
}

static int query_time(struct drm_gaon_dev_query *args)
{
	struct drm_gaon_query_time t = { .clock_khz = kernel_card->identify.clock_khz };
	uint64_t cycle = 0, ns = 0;
	int err;

	if (args->size >= 4)
		memcpy(&t.clock, (void *)(uintptr_t)args->pointer, 4);
	if (t.clock != CLOCK_MONOTONIC)
		return -EINVAL;
	err = kernel_card->ws.ops->correlate(&kernel_card->ws, &cycle, &ns);
	t.cycle = cycle;
	t.cpu_ns = ns;
	return err ? err : put(args, &t, sizeof(t));
}

static int dev_query(struct drm_gaon_dev_query *args)
{
	switch (args->type) {
	case DRM_GAON_QUERY_DEVICE:
		return query_device(args);
	case DRM_GAON_QUERY_MEMORY:
		return query_memory(args);
	case DRM_GAON_QUERY_TOPOLOGY:
		return query_topology(args);
	case DRM_GAON_QUERY_FIRMWARE:
		return query_firmware(args);
	case DRM_GAON_QUERY_TELEMETRY:
		return query_telemetry(args);
	case DRM_GAON_QUERY_TIME:
		return query_time(args);
	}
	return -EINVAL;
}

/* --- queues ---------------------------------------------------------------------------------- */

static int queue_create_user(struct kqueue *q, const struct drm_gaon_queue_create *args)
{
	uint64_t ring_bytes = sizeof(struct gaon_packet) << args->ring_log2;
	uint8_t *ring;

	if (args->state_va != args->ring_va + ring_bytes)
		return -EINVAL;
	ring = kernel_vm_cpu(q->vm, args->ring_va, ring_bytes + sizeof(struct gaon_queue_state));
	if (!ring)
		return -EFAULT;
	return direct_queue_create_at(q->vm->direct, args->ring_log2, (uint8_t)args->priority,
				      args->limit_cycles, ring, args->ring_va, &q->direct);
}

static int queue_create(struct kfile *file, struct drm_gaon_queue_create *args)
{
	struct kvm *vm = args->vm_id < KERNEL_HANDLES ? file->vms[args->vm_id] : NULL;
	uint32_t id = kernel_handle((void **)file->queues);
	bool user = args->flags & DRM_GAON_QUEUE_USER;
	struct kqueue *q;
	int err;

	if (!vm)
		return -ENOENT;
	if (args->flags & ~DRM_GAON_QUEUE_FLAGS || args->priority > DRM_GAON_PRIORITY_REALTIME ||
	    (args->flags & DRM_GAON_QUEUE_DEBUG && !user) || user != vm->lr || args->queue_id ||
	    args->hw_id || args->doorbell_offset || args->doorbell_mmap)
		return -EINVAL;
	if (!id)
		return -EMFILE;
	q = calloc(1, sizeof(*q));
	q->vm = vm;
	q->debug = args->flags & DRM_GAON_QUEUE_DEBUG;
	err = user ? queue_create_user(q, args) : kernel_kq_create(q, id, args);
	if (err) {
		free(q);
		return err;
	}
	vm->queues++;
	file->queues[id] = q;
	args->queue_id = id;
	args->hw_id = q->direct->id;
	if (user) {
		args->doorbell_offset = q->direct->id * 8;
		args->doorbell_mmap = 1ull << 62 | (uint64_t)args->vm_id << 16;
	}
	atomic_fetch_add(&drm_kernel.queues, 1);
	return 0;
}

static void queue_put(struct kfile *file, uint32_t id)
{
	struct kqueue *q = file->queues[id];

	file->queues[id] = NULL;
	direct_queue_destroy(q->direct);
	if (q->kernel)
		kernel_kq_destroy(q);
	q->vm->queues--;
	free(q);
	atomic_fetch_sub(&drm_kernel.queues, 1);
}

static struct kqueue *queue_of(struct kfile *file, uint32_t id)
{
	return id < KERNEL_HANDLES ? file->queues[id] : NULL;
}

static int queue_state(struct kfile *file, struct drm_gaon_queue_query *args)
{
	struct kqueue *q = queue_of(file, args->queue_id);
	struct gaon_fault_record r = { .type = GAON_FAULT_NONE };
	int err;

	if (!q)
		return -ENOENT;
	if (args->flags & ~DRM_GAON_QUEUE_ACK || args->state || args->fault.type || args->ring_index)
		return -EINVAL;
	err = args->flags ? direct_queue_fault(q->direct, &r) : 0;
	if (err)
		return err;
	/* The device writes it at any moment. */
	args->completed = __atomic_load_n(&q->direct->state->read, __ATOMIC_ACQUIRE);
	if (q->kernel)
		args->ring_index = kernel_kq_ring_index(q);
	args->state = kernel_debug_state(q);
	if (r.type == GAON_FAULT_NONE)
		return 0;
	args->state |= DRM_GAON_QUEUE_FAULTED | DRM_GAON_QUEUE_GUILTY;
	if (q->kernel)
		kernel_kq_locate(q, q->direct->ring, &r.sequence, &r.list_index);
	args->fault = (struct drm_gaon_fault){
		.type = r.type, .access = r.access, .core = r.core, .context = r.context,
		.hw_queue = r.queue, .workgroup = r.workgroup, .sequence = r.sequence, .pc = r.pc,
		.va = r.va, .syndrome = r.syndrome, .cycle = r.cycle, .tag = r.tag,
		.list_index = r.list_index,
	};
	return 0;
}

static int queue_clear(struct kfile *file, const struct drm_gaon_queue_clear *args)
{
	struct kqueue *q = queue_of(file, args->queue_id);

	int err;

	if (!q || args->pad)
		return q ? -EINVAL : -ENOENT;
	if (q->held)
		return -EBUSY;
	err = direct_queue_clear(q->direct);
	if (!err && q->kernel)
		kernel_kq_clear(q);
	return err;
}

static int queue_debug(struct kfile *file, const struct drm_gaon_debug *args)
{
	struct kqueue *q = queue_of(file, args->queue_id);

	return q ? kernel_debug(q, args) : -ENOENT;
}

static int queue_destroy(struct kfile *file, const struct drm_gaon_queue_destroy *args)
{
	if (!queue_of(file, args->queue_id) || args->pad)
		return args->pad ? -EINVAL : -ENOENT;
	queue_put(file, args->queue_id);
	return 0;
}

/* Not under the lock. */
static int wait_value(struct kvm *vm, const struct drm_gaon_wait *args)
{
	struct timespec t;
	int64_t left;

	clock_gettime(CLOCK_MONOTONIC, &t);
	left = args->timeout_ns - (t.tv_sec * 1000000000ll + t.tv_nsec);
	return direct_wait(vm->direct, (uint64_t *)(uintptr_t)args->addr, args->value,
			   left > 0 ? (uint64_t)left : 0);
}

/* --- entry ----------------------------------------------------------------------------------- */

static int version(struct drm_version *args)
{
	static const char name[] = "gaon";

	args->version_major = atomic_load(&drm_kernel.version_major);
	args->version_minor = atomic_load(&drm_kernel.version_minor);
	if (args->name && args->name_len)
		memcpy(args->name, name, args->name_len < 4 ? args->name_len : 4);
	args->name_len = 4;
	return 0;
}

static int call_sync(struct kfile *file, unsigned long request, void *arg)
{
	switch (request) {
	case DRM_IOCTL_SYNCOBJ_CREATE:
		return kernel_sync_create(file, arg);
	case DRM_IOCTL_SYNCOBJ_DESTROY:
		return kernel_sync_destroy(file, arg);
	case DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL:
		return kernel_sync_signal(file, arg);
	case DRM_IOCTL_SYNCOBJ_QUERY:
		return kernel_sync_query(file, arg);
	case DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD:
		return kernel_sync_export(file, arg);
	case DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE:
		return kernel_sync_import(file, arg);
	}
	return -ENOTTY;
}

static int call(struct kfile *file, unsigned long request, void *arg)
{
	switch (request) {
	case DRM_IOCTL_VERSION:
		return version(arg);
	case DRM_IOCTL_GEM_CLOSE:
		return kernel_gem_close(file, ((struct drm_gem_close *)arg)->handle);
	case DRM_IOCTL_PRIME_HANDLE_TO_FD:
		return kernel_prime_export(file, arg);
	case DRM_IOCTL_PRIME_FD_TO_HANDLE:
		return kernel_prime_import(file, arg);
	case DRM_IOCTL_GAON_DEV_QUERY:
		return dev_query(arg);
	case DRM_IOCTL_GAON_VM_CREATE:
		return kernel_vm_create(file, arg);
	case DRM_IOCTL_GAON_VM_DESTROY:
		return kernel_vm_destroy(file, arg);
	case DRM_IOCTL_GAON_VM_BIND:
		return kernel_vm_bind(file, arg);
	case DRM_IOCTL_GAON_BO_CREATE:
		return kernel_bo_create(file, arg);
	case DRM_IOCTL_GAON_BO_INFO:
		return kernel_bo_info(file, arg);
	case DRM_IOCTL_GAON_BO_MMAP_OFFSET:
		return kernel_bo_mmap_offset(file, arg);
	case DRM_IOCTL_GAON_QUEUE_CREATE:
		return queue_create(file, arg);
	case DRM_IOCTL_GAON_QUEUE_DESTROY:
		return queue_destroy(file, arg);
	case DRM_IOCTL_GAON_QUEUE_STATE:
		return queue_state(file, arg);
	case DRM_IOCTL_GAON_QUEUE_CLEAR:
		return queue_clear(file, arg);
	case DRM_IOCTL_GAON_DEBUG:
		return queue_debug(file, arg);
	case DRM_IOCTL_GAON_SUBMIT:
		return kernel_submit(file, arg);
	}
	return call_sync(file, request, arg);
}

static bool fails_now(unsigned long request)
{
	if (atomic_load(&drm_kernel.fail_request) != request)
		return false;
	if (atomic_fetch_sub(&drm_kernel.fail_after, 1))
		return false;
	atomic_store(&drm_kernel.fail_request, 0);
	return true;
}

static int kernel_ioctl(int fd, unsigned long request, void *arg)
{
	struct drm_gaon_wait *wait = arg;
	struct kfile *file;
	struct kvm *vm;
	int err;

	atomic_fetch_add(&drm_kernel.calls, 1);
	if (atomic_load(&drm_kernel.removed))
		return -ENODEV;
	if (fails_now(request))
		return -atomic_load(&drm_kernel.fail_errno);
	pthread_mutex_lock(&kernel_lock);
	file = kernel_file(fd);
	if (file && request == DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT) {
		pthread_mutex_unlock(&kernel_lock);
		return kernel_sync_wait(file, arg);
	}
	if (!file || request != DRM_IOCTL_GAON_WAIT) {
		err = file ? call(file, request, arg) : -EBADF;
		pthread_mutex_unlock(&kernel_lock);
		return err;
	}
	vm = wait->vm_id < KERNEL_HANDLES ? file->vms[wait->vm_id] : NULL;
	pthread_mutex_unlock(&kernel_lock);
	if (!vm)
		return -ENOENT;
	if (wait->op != DRM_GAON_WAIT_GE || wait->addr % 8)
		return -EINVAL;
	return wait_value(vm, wait);
}

/*
 * This kernel lives in the process, and another process has another: what a fork copied of it is of
 * no use, its locks as they happened to be at that moment, its device without threads.
 */
static void kernel_forget(void)
{
	pthread_mutex_init(&kernel_lock, NULL);
	kernel_card = NULL;
	memset(kernel_files, 0, sizeof(kernel_files));
	atomic_store(&drm_kernel.files, 0);
}

static void kernel_watch_forks(void)
{
	pthread_atfork(NULL, NULL, kernel_forget);
}

static int kernel_open(const char *path)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct gaon_ws_why why;
	struct gaon_winsys *ws;
	int i, fd;

	if (atomic_load(&drm_kernel.open_errno))
		return -atomic_load(&drm_kernel.open_errno);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	pthread_once(&once, kernel_watch_forks);
	pthread_mutex_lock(&kernel_lock);
	if (!kernel_card && !gaon_winsys_direct_open(&ws, &why))
		kernel_card = (struct direct *)ws;
	for (i = 0; i < 64 && kernel_files[i]; i++)
		;
	if (kernel_card && i < 64) {
		kernel_files[i] = calloc(1, sizeof(*kernel_files[i]));
		kernel_files[i]->fd = fd;
		atomic_fetch_add(&drm_kernel.files, 1);
	}
	pthread_mutex_unlock(&kernel_lock);
	if (!kernel_card || i == 64) {
		close(fd);
		return kernel_card ? -ENFILE : -EIO;
	}
	return fd;
}

/* What its owner left behind goes, as when a process dies. */
static void file_clean(struct kfile *file)
{
	uint32_t i;

	for (i = 1; i < KERNEL_HANDLES; i++) {
		if (file->queues[i])
			queue_put(file, i);
	}
	kernel_sync_clean(file);
	for (i = 1; i < KERNEL_HANDLES; i++) {
		if (file->vms[i])
			kernel_vm_put(file, i);
	}
	for (i = 1; i < KERNEL_HANDLES; i++) {
		if (file->objects[i])
			kernel_gem_close(file, i);
	}
}

static void kernel_close(int fd)
{
	int i;

	pthread_mutex_lock(&kernel_lock);
	for (i = 0; i < 64; i++) {
		if (!kernel_files[i] || kernel_files[i]->fd != fd)
			continue;
		file_clean(kernel_files[i]);
		free(kernel_files[i]);
		kernel_files[i] = NULL;
		if (atomic_fetch_sub(&drm_kernel.files, 1) == 1) {
			kernel_card->ws.ops->close(&kernel_card->ws);
			kernel_card = NULL;
		}
	}
	pthread_mutex_unlock(&kernel_lock);
	close(fd);
}

/* --- mmap ------------------------------------------------------------------------------------ */

static void *map_doorbells(struct kvm *vm)
{
	if (!vm->doorbells)
		vm->doorbells = mmap(NULL, DRM_GAON_DOORBELL_BYTES, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return vm->doorbells;
}

static int kernel_map(int fd, uint64_t offset, uint64_t bytes, void **out)
{
	struct kfile *file;
	uint32_t id;
	int err = -EINVAL;

	if (atomic_load(&drm_kernel.map_fail_in) && atomic_fetch_sub(&drm_kernel.map_fail_in, 1) == 1)
		return -ENOMEM;
	pthread_mutex_lock(&kernel_lock);
	file = kernel_file(fd);
	id = offset >> 62 ? (uint32_t)(offset >> 16) : (uint32_t)(offset >> 32);
	if (file && id < KERNEL_HANDLES && offset >> 62 && file->vms[id] &&
	    bytes == DRM_GAON_DOORBELL_BYTES) {
		*out = map_doorbells(file->vms[id]);
		err = 0;
	} else if (file && id < KERNEL_HANDLES && file->objects[id] &&
		   bytes <= file->objects[id]->bytes) {
		struct kobj *obj = file->objects[id];

		*out = obj->host.cpu ? obj->host.cpu : kernel_card->aperture + obj->hbm;
		err = 0;
	}
	pthread_mutex_unlock(&kernel_lock);
	if (!err)
		atomic_fetch_add(&drm_kernel.maps, 1);
	return err;
}

static void kernel_unmap(void *cpu, uint64_t bytes)
{
	(void)cpu;
	(void)bytes;
	atomic_fetch_sub(&drm_kernel.maps, 1);
}

static void kernel_doorbell(uint64_t *doorbell, uint64_t index)
{
	uint8_t *at = (uint8_t *)doorbell;
	struct gaon_ws_context *ctx = NULL;
	uint64_t offset = 0;
	int i, id;

	(void)index;
	atomic_fetch_add(&drm_kernel.doorbells, 1);
	if (atomic_load(&drm_kernel.removed))
		return;
	pthread_mutex_lock(&kernel_lock);
	for (i = 0; i < 64; i++) {
		for (id = 0; kernel_files[i] && id < KERNEL_HANDLES; id++) {
			struct kvm *vm = kernel_files[i]->vms[id];

			if (vm && vm->doorbells && at >= vm->doorbells &&
			    at < vm->doorbells + DRM_GAON_DOORBELL_BYTES) {
				ctx = vm->direct;
				offset = (uint64_t)(at - vm->doorbells);
			}
		}
	}
	if (ctx)
		gaon_sim_doorbell(kernel_card->sim, ctx->id, (uint32_t)(offset / 8));
	pthread_mutex_unlock(&kernel_lock);
}

void drm_kernel_install(const char *root)
{
	memset(&drm_kernel, 0, sizeof(drm_kernel));
	atomic_store(&drm_kernel.version_major, DRM_GAON_VERSION_MAJOR);
	atomic_store(&drm_kernel.version_minor, DRM_GAON_VERSION_MINOR);
	drm_sys = (struct drm_sys){
		.root = root,
		.open = kernel_open,
		.close = kernel_close,
		.ioctl = kernel_ioctl,
		.map = kernel_map,
		.unmap = kernel_unmap,
		.doorbell = kernel_doorbell,
		.events = kernel_events,
	};
}
