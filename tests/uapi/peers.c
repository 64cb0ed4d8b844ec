// SPDX-License-Identifier: MIT
/*
 * Objects shared with other drivers, and used by the device meanwhile: vgem, which attaches to ours as
 * any importer without peer-to-peer does, and exports its own; udmabuf, which exports pages of a memfd.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <drm_mode.h>

#include "queue_lib.h"

#define MIB		(1024 * 1024ull)
#define SIZE		MIB
#define WORDS		(SIZE / 8)
#define BACK		0x1000		/* what the device copied back, of the programs' memory */
#define BACK_BYTES	0x40000ull
#define SHARED_VA	0x400000000ull

static bool holds(const volatile uint64_t *words, uint64_t count, uint64_t value)
{
	for (uint64_t i = 0; i < count; i++) {
		if (words[i] != value)
			return false;
	}
	return true;
}

static void fill_cpu(volatile uint64_t *words, uint64_t value)
{
	for (uint64_t i = 0; i < WORDS; i++)
		words[i] = value;
}

/* The device sees the value in the first and the last part of the object at SHARED_VA. */
static bool device_sees(struct lib_queue *queue, uint64_t value)
{
	volatile uint64_t *back = lib_word(queue->lib, BACK);
	bool good = true;

	for (unsigned int i = 0; i < 2; i++) {
		uint64_t from = SHARED_VA + (i ? SIZE - BACK_BYTES : 0);

		memset(queue->lib->mem + BACK, 0x77, BACK_BYTES);
		good &= !lib_run(queue, lib_copy(lib_va(BACK), from, BACK_BYTES)) &&
			holds(back, BACK_BYTES / 8, value);
	}
	return good;
}

static int to_fd(int fd, uint32_t handle)
{
	struct drm_prime_handle prime = { .handle = handle, .flags = DRM_CLOEXEC | DRM_RDWR, .fd = -1 };

	return uapi_ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime) ? -1 : prime.fd;
}

static uint32_t placement(int fd, uint32_t handle)
{
	struct drm_gaon_bo_info info = { .handle = handle };

	return uapi_ioctl(fd, DRM_IOCTL_GAON_BO_INFO, &info) ? 999 : info.placement;
}

/* --- vgem ------------------------------------------------------------------------------------------ */

static int vgem_open(void)
{
	int fd = uapi_vgem_open();

	REQUIRE(fd >= 0, "a node of vgem below /dev/dri (modprobe vgem)");
	return fd;
}

static int vgem_export(int vgem, volatile uint64_t **cpu)
{
	struct drm_mode_create_dumb create = { .width = 512, .height = SIZE / 2048, .bpp = 32 };
	struct drm_mode_map_dumb map = { 0 };
	void *at = MAP_FAILED;

	if (!ioctl(vgem, DRM_IOCTL_MODE_CREATE_DUMB, &create)) {
		map.handle = create.handle;
		if (!ioctl(vgem, DRM_IOCTL_MODE_MAP_DUMB, &map))
			at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, vgem, (off_t)map.offset);
	}
	REQUIRE(at != MAP_FAILED && create.size == SIZE, "an object of vgem: %s", strerror(errno));
	*cpu = at;
	return to_fd(vgem, create.handle);
}

static int udmabuf_export(int unused, volatile uint64_t **cpu)
{
	(void)unused;
	return uapi_udmabuf(SIZE, (char **)cpu);
}

/* --- ours in other drivers ------------------------------------------------------------------------- */

struct shared {
	uint32_t handle, theirs;
	int buf;
	volatile uint64_t *cpu;
};

/* An object that the device has filled, exported and attached to by vgem. */
static void share(struct lib_queue *queue, int vgem, uint32_t flags, uint64_t value, struct shared *shared)
{
	int fd = queue->lib->fd;
	void *cpu;

	shared->handle = uapi_bo(fd, SIZE, flags, 0);
	MUST(shared->handle && !uapi_map(fd, queue->lib->vm, shared->handle, 0, SHARED_VA, SIZE, 0) &&
	     !lib_run(queue, lib_fill(SHARED_VA, SIZE, value)), "an object, filled by the device");
	shared->buf = to_fd(fd, shared->handle);
	MUST(shared->buf >= 0, "export");
	MUST(!uapi_to_handle(vgem, shared->buf, &shared->theirs), "vgem imports it");
	cpu = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, shared->buf, 0);
	MUST(cpu != MAP_FAILED, "mmap of the dma-buf: %s", strerror(errno));
	shared->cpu = cpu;
}

static void unshare(struct lib_queue *queue, int vgem, struct shared *shared, unsigned int step)
{
	switch (step) {
	case 0:
		uapi_unmap(queue->lib->fd, queue->lib->vm, SHARED_VA, SIZE);
		uapi_bo_close(queue->lib->fd, shared->handle);
		break;
	case 1:
		close(shared->buf);
		break;
	case 2:
		uapi_bo_close(vgem, shared->theirs);
		break;
	default:
		munmap((void *)shared->cpu, SIZE);
	}
}

static void test_export(struct lib_queue *queue, int vgem, uint32_t flags)
{
	struct shared shared;

	share(queue, vgem, flags, 0x1111, &shared);
	CHECK(placement(queue->lib->fd, shared.handle) == DRM_GAON_MEMORY_HOST,
	      "flags %#x: it is in host memory for the importer", flags);
	CHECK(holds(shared.cpu, WORDS, 0x1111), "with what the device had written");
	CHECK_ERRNO(lib_run(queue, lib_fill(SHARED_VA, SIZE, 0x2222)), 0, "the device writes on");
	CHECK(holds(shared.cpu, WORDS, 0x2222), "the importer's side sees it");
	fill_cpu(shared.cpu, 0x3333);
	CHECK(device_sees(queue, 0x3333), "the device sees what is written there");
	uapi_bo_close(vgem, shared.theirs);
	CHECK(holds(shared.cpu, WORDS, 0x3333) && device_sees(queue, 0x3333), "the importer goes, the memory stays");
	CHECK(!lib_run(queue, lib_fill(SHARED_VA, SIZE, 0x4444)) && holds(shared.cpu, WORDS, 0x4444),
	      "and is the device's as before");
	/* It could go back to HBM now. */
	CHECK_ERRNO(uapi_map(queue->lib->fd, queue->lib->vm, shared.handle, 0, SHARED_VA + SIZE, SIZE, 0), 0,
		    "it is mapped at another place as well");
	CHECK(!lib_run(queue, lib_fill(SHARED_VA + SIZE, SIZE, 0x5555)) && device_sees(queue, 0x5555),
	      "and still at the first");
	CHECK_ERRNO(uapi_unmap(queue->lib->fd, queue->lib->vm, SHARED_VA + SIZE, SIZE), 0, "unmap");
	for (unsigned int step = 0; step < 4; step += step ? 2 : 1)
		unshare(queue, vgem, &shared, step);
	close(shared.buf);
}

/* Object, dma-buf, importer's handle and mapping go in every order. */
static void test_orders(struct lib_queue *queue, int vgem)
{
	uint64_t before[2], after[2];
	unsigned int orders = 0;
	bool good = true;

	uapi_memory_used(queue->lib->fd, before);
	for (unsigned int code = 0; code < 256; code++) {
		unsigned int step[4] = { code & 3, code >> 2 & 3, code >> 4 & 3, code >> 6 };
		struct shared shared;

		if (1u << step[0] ^ 1u << step[1] ^ 1u << step[2] ^ 1u << step[3] ^ 15)
			continue;
		share(queue, vgem, code & 1 ? DRM_GAON_BO_HBM | DRM_GAON_BO_CPU : DRM_GAON_BO_HOST, code,
		      &shared);
		for (unsigned int i = 0; i < 4; i++) {
			unshare(queue, vgem, &shared, step[i]);
			for (unsigned int left = i + 1; left < 4; left++) {
				if (step[left] == 3)
					good &= holds(shared.cpu, 512, code);
				if (step[left] == 0)
					good &= placement(queue->lib->fd, shared.handle) <=
						DRM_GAON_MEMORY_HBM;
			}
		}
		orders++;
	}
	uapi_memory_used(queue->lib->fd, after);
	CHECK(good && orders == 24, "%u orders of closing: the contents stay till the end", orders);
	CHECK(before[0] == after[0] && before[1] == after[1], "all memory is back: host %llu to %llu, HBM %llu to %llu",
	      (unsigned long long)before[0], (unsigned long long)after[0], (unsigned long long)before[1],
	      (unsigned long long)after[1]);
}

/* What the aperture does not show is mapped by no process, also not through a dma-buf. */
static void test_hidden(struct lib_queue *queue, int vgem)
{
	struct drm_gaon_query_memory memory[2] = { 0 };
	int fd = queue->lib->fd, buf;
	uint32_t handle = uapi_bo(fd, SIZE, DRM_GAON_BO_HBM, 0), theirs;
	bool hidden;
	void *cpu;

	uapi_query(fd, DRM_GAON_QUERY_MEMORY, memory, sizeof(memory));
	hidden = memory[1].cpu_visible < memory[1].total;
	REQUIRE(handle && !uapi_map(fd, queue->lib->vm, handle, 0, SHARED_VA, SIZE, 0), "an object");
	buf = to_fd(fd, handle);
	cpu = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, buf, 0);
	CHECK_ERRNO(cpu == MAP_FAILED ? errno : 0, hidden ? ENXIO : 0, "mmap of a dma-buf: as BO_MMAP_OFFSET");
	if (cpu != MAP_FAILED)
		munmap(cpu, SIZE);
	CHECK_ERRNO(lib_run(queue, lib_fill(SHARED_VA, SIZE, 0xbbbb)), 0, "the device fills it");
	CHECK_ERRNO(uapi_to_handle(vgem, buf, &theirs), 0, "but it is shared");
	CHECK(device_sees(queue, 0xbbbb), "and the device has it as before");
	uapi_bo_close(vgem, theirs);
	close(buf);
	uapi_unmap(fd, queue->lib->vm, SHARED_VA, SIZE);
	uapi_bo_close(fd, handle);
}

/* --- a side dies ----------------------------------------------------------------------------------- */

static void wait_killed(pid_t pid, int told)
{
	char byte;
	int status;

	MUST(read(told, &byte, 1) == 1, "the other process is there");
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
}

static void test_importer_dies(struct lib_queue *queue)
{
	int fd = queue->lib->fd, told[2], buf;
	uint32_t handle = uapi_bo(fd, SIZE, DRM_GAON_BO_HBM, 0), theirs;
	pid_t pid;

	REQUIRE(handle && !uapi_map(fd, queue->lib->vm, handle, 0, SHARED_VA, SIZE, 0) && !pipe(told), "an object");
	CHECK_ERRNO(lib_run(queue, lib_fill(SHARED_VA, SIZE, 0x5555)), 0, "fill");
	buf = to_fd(fd, handle);
	pid = fork();
	if (!pid) {
		int vgem = vgem_open();

		if (uapi_to_handle(vgem, buf, &theirs) || write(told[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	wait_killed(pid, told[0]);
	CHECK(device_sees(queue, 0x5555), "the importer is killed: the object is as it was");
	CHECK_ERRNO(lib_run(queue, lib_fill(SHARED_VA, SIZE, 0x6666)), 0, "the device writes it");
	CHECK(device_sees(queue, 0x6666), "it reads it");
	uapi_unmap(fd, queue->lib->vm, SHARED_VA, SIZE);
	uapi_bo_close(fd, handle);
	close(buf);
	close(told[0]);
	close(told[1]);
}

/* The exporter; the file of vgem is the parent's as well. */
static void exporter_run(int vgem, int told)
{
	struct lib_queue queue;
	struct shared shared;
	struct lib lib;

	if (!freopen("/dev/null", "w", stdout))
		_exit(1);
	lib_open_user(&lib, &queue);
	share(&queue, vgem, DRM_GAON_BO_HBM | DRM_GAON_BO_CPU, 0x7777, &shared);
	if (write(told, &shared.theirs, sizeof(shared.theirs)) != sizeof(shared.theirs))
		_exit(1);
	for (;;)
		lib_run(&queue, lib_fill(SHARED_VA, SIZE, 0x7777));
}

static void test_exporter_dies(int fd, int vgem)
{
	uint64_t before[2], after[2];
	uint32_t theirs = 0;
	void *cpu = MAP_FAILED;
	int told[2], buf, status;
	pid_t pid;

	uapi_memory_used(fd, before);
	REQUIRE(!pipe(told), "a pipe");
	pid = fork();
	if (!pid)
		exporter_run(vgem, told[1]);
	MUST(read(told[0], &theirs, sizeof(theirs)) == sizeof(theirs), "another process exports");
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	/* The file of vgem is shared by both processes. */
	buf = to_fd(vgem, theirs);
	if (buf >= 0)
		cpu = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, buf, 0);
	CHECK(cpu != MAP_FAILED && holds(cpu, WORDS, 0x7777),
	      "the exporter is killed at work: the importer has the contents");
	munmap(cpu, SIZE);
	close(buf);
	uapi_bo_close(vgem, theirs);
	uapi_memory_used(fd, after);
	CHECK(before[0] == after[0] && before[1] == after[1], "all memory is back: host %llu to %llu, HBM %llu to %llu",
	      (unsigned long long)before[0], (unsigned long long)after[0], (unsigned long long)before[1],
	      (unsigned long long)after[1]);
	close(told[0]);
	close(told[1]);
}

/* --- others' in ours ------------------------------------------------------------------------------- */

static void test_import(struct lib_queue *queue, const char *who, int peer,
			int (*export)(int peer, volatile uint64_t **cpu))
{
	int fd = queue->lib->fd, buf;
	volatile uint64_t *cpu;
	uint32_t handle;

	buf = export(peer, &cpu);
	REQUIRE(buf >= 0, "a dma-buf of %s: %s", who, strerror(errno));
	fill_cpu(cpu, 0x8888);
	if (uapi_bounces()) {
		CHECK_ERRNO(uapi_to_handle(fd, buf, &handle), EOPNOTSUPP, "%s: what would be bounced is refused", who);
		CHECK(holds(cpu, WORDS, 0x8888), "and left alone");
		goto out;
	}
	CHECK_ERRNO(uapi_to_handle(fd, buf, &handle), 0, "import of %s", who);
	REQUIRE(!uapi_map(fd, queue->lib->vm, handle, 0, SHARED_VA, SIZE, 0), "map");
	CHECK(device_sees(queue, 0x8888), "%s: the device reads what the CPU wrote", who);
	CHECK_ERRNO(lib_run(queue, lib_fill(SHARED_VA, SIZE, 0x9999)), 0, "the device fills it");
	CHECK(holds(cpu, WORDS, 0x9999), "%s: the CPU reads what the device wrote", who);
	close(buf);
	buf = -1;
	CHECK(!lib_run(queue, lib_fill(SHARED_VA, SIZE, 0xaaaa)) && holds(cpu, WORDS, 0xaaaa),
	      "%s: the dma-buf is closed: the object stays", who);
	CHECK_ERRNO(uapi_unmap(fd, queue->lib->vm, SHARED_VA, SIZE), 0, "unmap");
	CHECK_ERRNO(uapi_bo_close(fd, handle), 0, "close");
	CHECK(holds(cpu, WORDS, 0xaaaa), "%s: the memory stays its own", who);
out:
	if (buf >= 0)
		close(buf);
	munmap((void *)cpu, SIZE);
}

int main(void)
{
	struct lib_queue queue;
	struct lib lib;
	int vgem;

	lib_open_user(&lib, &queue);
	vgem = vgem_open();
	test_export(&queue, vgem, DRM_GAON_BO_HBM | DRM_GAON_BO_CPU);
	test_export(&queue, vgem, DRM_GAON_BO_HBM | DRM_GAON_BO_CPU | DRM_GAON_BO_CONTIGUOUS);
	test_export(&queue, vgem, DRM_GAON_BO_HOST);
	test_export(&queue, vgem, DRM_GAON_BO_HOST | DRM_GAON_BO_WC);
	test_orders(&queue, vgem);
	test_hidden(&queue, vgem);
	test_importer_dies(&queue);
	test_exporter_dies(lib.fd, vgem);
	test_import(&queue, "vgem", vgem, vgem_export);
	test_import(&queue, "udmabuf", -1, udmabuf_export);
	close(vgem);
	lib_close(&lib);
	uapi_exit();
}
