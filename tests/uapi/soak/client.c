// SPDX-License-Identifier: MIT
/* What a client by bare ioctls has, and what the errors that it gets mean. */
#include <errno.h>
#include <fcntl.h>
#include <linux/udmabuf.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "soak.h"
#include "../edges/counters.h"

extern const uint8_t soak_code[], soak_code_end[];
__asm__(".section .rodata\n"
	"soak_code: .incbin \"" SOAK_CODE "\"\n"
	"soak_code_end: .previous\n");

/* --- of every process -------------------------------------------------------------------------------- */

void soak_wrong(const struct soak_self *self, const char *format, ...)
{
	unsigned int n = atomic_fetch_add(&self->shared->wrongs, 1);
	va_list args;
	int length;

	if (n >= SOAK_WRONGS)
		return;
	length = snprintf(self->shared->wrong[n], SOAK_WRONG_TEXT,
			  "process %d, kind %u, seed %#llx, round %llu: ", getpid(), self->kind,
			  (unsigned long long)self->seed, (unsigned long long)self->round);
	va_start(args, format);
	vsnprintf(self->shared->wrong[n] + length, SOAK_WRONG_TEXT - (size_t)length, format, args);
	va_end(args);
}

void soak_beat(struct soak_self *self)
{
	self->place->beat = lib_now();
}

bool soak_stopped(const struct soak_self *self)
{
	return self->place->stop || self->shared->wrongs;
}

/* Of engines and of the chip, since the last one of the chip; what it was if the card cannot be asked. */
static uint64_t resets_ask(uint64_t was)
{
	struct drm_gaon_query_telemetry telemetry;
	int fd = soak_open_node();

	if (fd >= 0 && !uapi_query(fd, DRM_GAON_QUERY_TELEMETRY, &telemetry, sizeof(telemetry)))
		was = telemetry.resets;
	if (fd >= 0)
		close(fd);
	return was;
}

void soak_begin(struct soak_self *self)
{
	self->over = self->shared->over;
	self->resets = resets_ask(0);
}

bool soak_dropped(struct soak_self *self)
{
	bool explained = self->shared->begun > self->over;

	if (!explained && resets_ask(self->resets) != self->resets) {
		self->shared->own++;
		explained = true;
	}
	self->shared->dropped++;
	soak_begin(self);
	return explained;
}

void soak_told(struct soak_self *self, const char *of_what)
{
	if (self->shared->begun <= self->over)
		soak_wrong(self, "told of a loss (%s), but nothing happened: %llu events that may cost work", of_what,
			   (unsigned long long)self->over);
}

int64_t soak_ms(int64_t ms)
{
	const char *slow = getenv("GAON_SLOW");

	return slow && atoi(slow) > 1 ? ms * atoi(slow) : ms;
}

int soak_open_node(void)
{
	return counters_open();
}

/* --- memory ------------------------------------------------------------------------------------------ */

static int bo_create(int fd, uint64_t bytes, uint32_t flags, uint32_t *handle)
{
	struct drm_gaon_bo_create args = { .size = bytes, .flags = flags };
	int err = uapi_ioctl(fd, DRM_IOCTL_GAON_BO_CREATE, &args);

	*handle = args.handle;
	return err;
}

static int bo_mmap(int fd, uint32_t handle, uint64_t bytes, uint8_t **cpu)
{
	struct drm_gaon_bo_mmap_offset args = { .handle = handle };
	int err = uapi_ioctl(fd, DRM_IOCTL_GAON_BO_MMAP_OFFSET, &args);

	if (err)
		return err;
	*cpu = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)args.offset);
	if (*cpu != MAP_FAILED)
		return 0;
	*cpu = NULL;
	return errno;
}

static int area_object(struct soak_client *client, unsigned int i, const char *name, uint32_t flags, bool cpu)
{
	struct soak_area *area = &client->areas[i];
	int fd = client->lib.fd, err;
	uint32_t handle;

	area->name = name;
	err = bo_create(fd, SOAK_AREA_BYTES, flags, &handle);
	if (!err)
		err = uapi_map(fd, client->lib.vm, handle, 0, SOAK_AREA_VA(i), SOAK_AREA_BYTES, 0);
	if (!err && cpu)
		err = bo_mmap(fd, handle, SOAK_AREA_BYTES, &area->cpu);
	return err;
}

static int area_own(struct soak_client *client, unsigned int i)
{
	struct drm_gaon_vm_bind_op op = {
		.type = DRM_GAON_VM_BIND_MAP_USERPTR, .va = SOAK_AREA_VA(i), .size = SOAK_AREA_BYTES,
	};

	client->areas[i].name = "its own memory";
	client->own = mmap(NULL, SOAK_AREA_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (client->own == MAP_FAILED) {
		client->own = NULL;
		return errno;
	}
	client->areas[i].cpu = client->own;
	memset(client->own, 0, SOAK_AREA_BYTES);
	op.offset = (uintptr_t)client->own;
	return uapi_bind(client->lib.fd, client->lib.vm, &op, 1);
}

/* Another driver's memory; uapi_udmabuf() without the end of the process. */
static int buf_create(struct soak_client *client)
{
	struct udmabuf_create args = { .flags = UDMABUF_FLAGS_CLOEXEC, .size = SOAK_AREA_BYTES };
	int dev = open("/dev/udmabuf", O_RDWR | O_CLOEXEC), err = 0;
	int file = memfd_create("soak", MFD_ALLOW_SEALING | MFD_CLOEXEC);

	if (dev < 0 || file < 0 || ftruncate(file, SOAK_AREA_BYTES) ||
	    fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK))
		err = errno;
	args.memfd = (uint32_t)file;
	if (!err) {
		client->buf = ioctl(dev, UDMABUF_CREATE, &args);
		err = client->buf < 0 ? errno : 0;
	}
	if (!err) {
		client->buf_cpu = mmap(NULL, SOAK_AREA_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
		if (client->buf_cpu == MAP_FAILED) {
			client->buf_cpu = NULL;
			err = errno;
		}
	}
	close(file);
	close(dev);
	return err;
}

static int area_buf(struct soak_client *client, unsigned int i)
{
	struct soak_area *area = &client->areas[i];
	uint32_t handle;
	int err;

	area->name = "another driver's memory";
	err = buf_create(client);
	area->cpu = client->buf_cpu;
	if (!err)
		err = uapi_to_handle(client->lib.fd, client->buf, &handle);
	if (!err)
		err = uapi_map(client->lib.fd, client->lib.vm, handle, 0, SOAK_AREA_VA(i),
			       SOAK_AREA_BYTES, 0);
	return err;
}

static int areas_open(struct soak_client *client)
{
	int err = area_object(client, 0, "HBM", DRM_GAON_BO_HBM, false);

	if (!err)
		err = area_object(client, 1, "HBM or host memory", DRM_GAON_BO_HBM | DRM_GAON_BO_HOST, false);
	if (!err)
		err = area_object(client, 2, "HBM that the CPU sees",
				  DRM_GAON_BO_HBM | DRM_GAON_BO_HOST | DRM_GAON_BO_CPU, true);
	if (!err)
		err = area_buf(client, 3);
	if (!err && client->lr)
		err = area_own(client, 4);
	else if (!err)
		err = area_object(client, 4, "host memory", DRM_GAON_BO_HOST | DRM_GAON_BO_WC, true);
	return err;
}

static int code_map(struct soak_client *client)
{
	int fd = client->lib.fd, err;
	uint8_t *cpu = NULL;
	uint32_t handle;

	err = bo_create(fd, 4096, DRM_GAON_BO_HOST, &handle);
	if (!err)
		err = bo_mmap(fd, handle, 4096, &cpu);
	if (err)
		return err;
	memcpy(cpu, soak_code, (size_t)(soak_code_end - soak_code));
	munmap(cpu, 4096);
	return uapi_map(fd, client->lib.vm, handle, 0, SOAK_CODE_VA, 4096, DRM_GAON_VM_BIND_EXEC);
}

void soak_mix(uint64_t *data, uint64_t words, uint64_t key)
{
	for (uint64_t i = 0; i < words; i++)
		data[i] = ((data[i] ^ key) + i) * (key | 1);
}

/* --- the client --------------------------------------------------------------------------------------- */

static int memory_open(struct soak_client *client)
{
	struct drm_gaon_vm_create vm = { .flags = client->lr ? DRM_GAON_VM_LR : 0 };
	struct lib *lib = &client->lib;
	int err = uapi_ioctl(lib->fd, DRM_IOCTL_GAON_VM_CREATE, &vm);

	lib->vm = vm.vm_id;
	if (!err)
		err = bo_create(lib->fd, LIB_MEM_BYTES, DRM_GAON_BO_HOST, &lib->bo);
	if (!err)
		err = bo_mmap(lib->fd, lib->bo, LIB_MEM_BYTES, &lib->mem);
	return err ?: uapi_map(lib->fd, lib->vm, lib->bo, 0, LIB_MEM_VA, LIB_MEM_BYTES, 0);
}

static int doorbells_open(struct lib *lib, struct lib_queue *queue)
{
	void *page = mmap(NULL, DRM_GAON_DOORBELL_BYTES, PROT_WRITE, MAP_SHARED, lib->fd,
			  (off_t)queue->doorbell_mmap);

	if (page == MAP_FAILED)
		return errno;
	lib->doorbells = page;
	return 0;
}

/*
 * Work waits for its gate, which a process opens that may have to wait for a processor, or for its memory:
 * not two seconds of cycles, as usual, but a minute; of a kernel-owned queue the most that there is.
 */
#define LIMIT_SECONDS		60
#define KERNEL_LIMIT_SECONDS	10

static int queue_open(struct soak_client *client)
{
	struct drm_gaon_query_device device = { 0 };
	struct drm_syncobj_create sync = { 0 };
	struct lib *lib = &client->lib;
	uint64_t second;
	int err;

	err = uapi_query(lib->fd, DRM_GAON_QUERY_DEVICE, &device, sizeof(device));
	if (err)
		return err;
	second = 1000ull * device.clock_khz;
	if (client->lr) {
		err = lib_user_queue(lib, &client->queue, 5, DRM_GAON_PRIORITY_NORMAL,
				     LIMIT_SECONDS * second);
		return err ?: doorbells_open(lib, &client->queue);
	}
	err = lib_kernel_queue(lib, &client->queue, 4, DRM_GAON_PRIORITY_NORMAL,
			       KERNEL_LIMIT_SECONDS * second);
	if (!err)
		err = uapi_ioctl(lib->fd, DRM_IOCTL_SYNCOBJ_CREATE, &sync);
	client->done = sync.handle;
	return err;
}

int soak_client_open(struct soak_client *client, struct soak_self *self, bool lr)
{
	int err;

	soak_begin(self);
	*client = (struct soak_client){ .self = self, .lr = lr, .buf = -1, .lib = { .lr = lr } };
	client->lib.fd = soak_open_node();
	if (client->lib.fd < 0)
		return errno;
	err = memory_open(client);
	if (!err)
		err = code_map(client);
	if (!err)
		err = areas_open(client);
	if (!err)
		err = queue_open(client);
	self->shared->opened += !err;
	return err;
}

void soak_client_close(struct soak_client *client)
{
	struct lib *lib = &client->lib;

	if (lib->doorbells)
		munmap((void *)lib->doorbells, DRM_GAON_DOORBELL_BYTES);
	if (lib->mem)
		munmap(lib->mem, LIB_MEM_BYTES);
	for (unsigned int i = 0; i < SOAK_AREAS; i++) {
		if (client->areas[i].cpu)
			munmap(client->areas[i].cpu, SOAK_AREA_BYTES);
	}
	if (client->buf >= 0)
		close(client->buf);
	if (lib->fd >= 0)
		close(lib->fd);
	*client = (struct soak_client){ .self = client->self, .lr = client->lr, .buf = -1, .lib.fd = -1 };
}

/* --- what errors mean ----------------------------------------------------------------------------------- */

static enum soak_verdict lost(struct soak_client *client, const char *of_what)
{
	soak_told(client->self, of_what);
	client->self->shared->lost++;
	return SOAK_LOST;
}

/* The queue was stopped. For another's sake, or the client has to ask why. */
static enum soak_verdict judge_queue(struct soak_client *client, const char *doing)
{
	struct drm_gaon_queue_query query;
	int err = lib_state(&client->queue, &query, DRM_GAON_QUEUE_ACK);

	if (err == EBUSY || err == EINTR)
		return SOAK_RETRY;
	if (err == ENODEV || err == ECANCELED)
		return lost(client, "QUEUE_STATE");
	if (err || query.state & DRM_GAON_QUEUE_GUILTY ||
	    !(query.state & (DRM_GAON_QUEUE_WAS_RESET | DRM_GAON_QUEUE_FAULTED | DRM_GAON_QUEUE_DEAD)) ||
	    (query.fault.type != GAON_FAULT_RESET && query.fault.type != GAON_FAULT_NONE)) {
		soak_wrong(client->self, "%s: blamed: error %d, state %#x, fault %u, address %#llx, packet %llu", doing,
			   err, query.state, query.fault.type, (unsigned long long)query.fault.va,
			   (unsigned long long)query.fault.sequence);
		return SOAK_WRONG;
	}
	err = query.state & DRM_GAON_QUEUE_DEAD ? ECANCELED : lib_clear(&client->queue);
	if (err == ECANCELED || err == ENODEV)
		return lost(client, "QUEUE_CLEAR");
	if (err == EBUSY)
		return SOAK_RETRY;
	if (err) {
		soak_wrong(client->self, "%s: QUEUE_CLEAR: %s", doing, strerror(err));
		return SOAK_WRONG;
	}
	if (!soak_dropped(client->self))
		soak_wrong(client->self,
			   "%s: queue %u was reset, but nothing happened: state %#x, fault %u, %llu jobs "
			   "of %llu, %llu lost",
			   doing, client->queue.hw_id, query.state, query.fault.type,
			   (unsigned long long)query.completed, (unsigned long long)query.submitted,
			   (unsigned long long)query.lost);
	return SOAK_DROPPED;
}

/* Errors of the address space come first: a queue of one that is lost has nothing to say. */
static enum soak_verdict judge_vm(struct soak_client *client, const char *doing)
{
	struct drm_gaon_vm_state state = { .vm_id = client->lib.vm };
	int err = uapi_ioctl(client->lib.fd, DRM_IOCTL_GAON_VM_STATE, &state);

	if (err == EBUSY)
		return SOAK_RETRY;
	if (err == ENODEV || err == ECANCELED || (!err && state.state & DRM_GAON_VM_LOST))
		return lost(client, "VM_STATE");
	if (!err && !state.state)
		return SOAK_FINE;
	soak_wrong(client->self, "%s: VM_STATE: error %d, state %#x", doing, err, state.state);
	return SOAK_WRONG;
}

enum soak_verdict soak_client_judge(struct soak_client *client, int err, const char *doing)
{
	enum soak_verdict verdict;

	switch (err) {
	case 0:
		return SOAK_FINE;
	case ENOMEM:
	case ENOSPC:
	case EBUSY:
		client->self->shared->refused++;
		return SOAK_RETRY;
	case ENODEV:
		return lost(client, doing);
	case ECANCELED:
	case EIO:
		do {
			verdict = judge_vm(client, doing);
			if (verdict == SOAK_FINE && client->queue.id)
				verdict = judge_queue(client, doing);
			if (verdict == SOAK_RETRY)
				usleep(10000);
		} while (verdict == SOAK_RETRY);
		return verdict;
	default:
		soak_wrong(client->self, "%s: %s", doing, strerror(err));
		return SOAK_WRONG;
	}
}

enum soak_verdict soak_client_doubt(struct soak_client *client, const char *what, const void *seen,
				    uint64_t bytes)
{
	struct drm_gaon_vm_state later = { .vm_id = client->lib.vm };
	uint64_t word, first = 0, zeros = 0, i;
	enum soak_verdict verdict;
	int err;

	for (i = 0; i < bytes / 8; i++) {
		memcpy(&word, (const uint8_t *)seen + 8 * i, 8);
		first = i ? first : word;
		zeros += !word;
	}

	do {
		verdict = judge_vm(client, what);
		if (verdict == SOAK_RETRY)
			usleep(10000);
	} while (verdict == SOAK_RETRY);
	if (verdict == SOAK_FINE) {
		usleep(200000);
		err = uapi_ioctl(client->lib.fd, DRM_IOCTL_GAON_VM_STATE, &later);
		soak_wrong(client->self,
			   "wrong data: %s, %s queue: %llu words, %llu of them 0, the first %#llx; 200 ms later: error %d, "
			   "state %#x", what, client->lr ? "user-mode" : "kernel-owned", (unsigned long long)bytes / 8,
			   (unsigned long long)zeros, (unsigned long long)first, err, later.state);
		verdict = SOAK_WRONG;
	}
	return verdict;
}
