// SPDX-License-Identifier: MIT
/*
 * Queues that can be debugged: they stop instead of faulting, are looked at, changed and let go on; what is
 * refused; what happens to one that stands while its owner goes, and with nonsense in its save area.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "queue_lib.h"

#define WORD	0x0	/* offsets of the test's memory */
#define VALUE	0x40
#define CODE	0x1000
#define ENTRY	LIB_CODE_VA
#define PATIENCE_MS	20000

/* li t0, 1; ebreak; sd t0, 0(a0); ret */
static const uint32_t code[] = { 0x00100293, 0x00100073, 0x00553023, 0x00008067 };

static struct drm_gaon_query_device device;

static int suspend(struct lib_queue *queue)
{
	return lib_debug(queue, DRM_GAON_DEBUG_SUSPEND, 0, NULL, 0);
}

static int resume(struct lib_queue *queue)
{
	return lib_debug(queue, DRM_GAON_DEBUG_RESUME, 0, NULL, 0);
}

static int save_read(struct lib_queue *queue, uint64_t offset, void *data, uint64_t size)
{
	return lib_debug(queue, DRM_GAON_DEBUG_READ, offset, data, size);
}

static int save_write(struct lib_queue *queue, uint64_t offset, void *data, uint64_t size)
{
	return lib_debug(queue, DRM_GAON_DEBUG_WRITE, offset, data, size);
}

static void open_code(struct lib *lib, int fd)
{
	lib_open_on(lib, fd, DRM_GAON_VM_LR);
	memcpy(lib->mem + CODE, code, sizeof(code));
	REQUIRE(!uapi_map(lib->fd, lib->vm, lib->bo, CODE, ENTRY, 4096, DRM_GAON_VM_BIND_EXEC), "code");
}

/* A launch that stores at WORD, and @value behind it. */
static void launch(struct lib_queue *queue, uint64_t value)
{
	struct gaon_packet packet = lib_launch(ENTRY, lib_va(WORD), 1);

	*lib_word(queue->lib, WORD) = 0;
	packet.flags |= GAON_PKT_F_SIGNAL | GAON_PKT_F_EVENT;
	packet.signal_va = lib_va(VALUE);
	packet.signal_value = value;
	lib_push(queue, &packet);
}

static int wait_value(struct lib_queue *queue, uint64_t value, int64_t ms)
{
	return lib_wait(queue->lib, lib_word(queue->lib, VALUE), value, ms);
}

static bool stop_read(struct lib_queue *queue, int timeout_ms)
{
	struct pollfd pfd = { .fd = queue->lib->fd, .events = POLLIN };
	struct drm_gaon_event_stop event = { 0 };

	return poll(&pfd, 1, timeout_ms) == 1 &&
	       read(queue->lib->fd, &event, sizeof(event)) == (ssize_t)sizeof(event) &&
	       event.base.type == DRM_GAON_EVENT_STOP && event.base.length == sizeof(event) &&
	       event.queue_id == queue->id && event.vm_id == queue->lib->vm;
}

static uint32_t state_of(struct lib_queue *queue)
{
	struct drm_gaon_queue_query query;

	return lib_state(queue, &query, 0) ? UINT32_MAX : query.state;
}

/* --- refused --------------------------------------------------------------------------------------- */

static void test_refused(struct lib *lib, struct lib_queue *queue)
{
	struct lib_queue plain, kernel, none = { .lib = lib, .id = 999 };
	uint64_t save = device.save_bytes, data[8];
	struct lib other;

	CHECK_ERRNO(lib_debug(&none, DRM_GAON_DEBUG_SUSPEND, 0, NULL, 0), ENOENT, "no queue");
	CHECK_ERRNO(lib_debug(queue, 4, 0, NULL, 0), EINVAL, "an unknown operation");
	CHECK_ERRNO(lib_debug(queue, UINT32_MAX, 0, NULL, 0), EINVAL, "an unknown operation");
	for (uint32_t op = DRM_GAON_DEBUG_SUSPEND; op <= DRM_GAON_DEBUG_RESUME; op++) {
		CHECK_ERRNO(lib_debug(queue, op, 1, NULL, 0), EINVAL, "an offset");
		CHECK_ERRNO(lib_debug(queue, op, 0, data, 0), EINVAL, "an address");
		CHECK_ERRNO(lib_debug(queue, op, 0, NULL, 1), EINVAL, "a size");
	}
	CHECK_ERRNO(resume(queue), EBUSY, "RESUME of what is not suspended");
	CHECK_ERRNO(save_read(queue, 0, data, 8), EBUSY, "READ of what is not suspended");
	CHECK_ERRNO(save_write(queue, 0, data, 8), EBUSY, "WRITE of what is not suspended");
	REQUIRE(!suspend(queue) && !suspend(queue), "SUSPEND, twice");
	CHECK_ERRNO(lib_clear(queue), EBUSY, "CLEAR while it is suspended");
	CHECK_ERRNO(save_read(queue, save, data, 1), ERANGE, "behind the end");
	CHECK_ERRNO(save_read(queue, save - 4, data, 8), ERANGE, "across the end");
	CHECK_ERRNO(save_write(queue, UINT64_MAX, data, 8), ERANGE, "far behind the end");
	CHECK_ERRNO(save_write(queue, 8, data, UINT64_MAX), ERANGE, "a size that wraps");
	CHECK_ERRNO(save_read(queue, save, data, 0), 0, "nothing, at the end");
	CHECK_ERRNO(save_read(queue, 0, (void *)8, 8), EFAULT, "nobody's memory");
	CHECK_ERRNO(save_write(queue, 0, (void *)8, 8), EFAULT, "nobody's memory");
	CHECK_ERRNO(save_read(queue, 0, (void *)(UINTPTR_MAX - 3), 8), EFAULT, "an address that wraps");
	CHECK_ERRNO(resume(queue), 0, "RESUME");
	REQUIRE(!lib_user_queue(lib, &plain, 4, DRM_GAON_PRIORITY_NORMAL, 0), "a queue without the flag");
	for (uint32_t op = DRM_GAON_DEBUG_SUSPEND; op <= DRM_GAON_DEBUG_WRITE; op++)
		CHECK_ERRNO(lib_debug(&plain, op, 0, NULL, 0), EINVAL, "operation %u on it", op);
	CHECK_ERRNO(lib_queue_destroy(&plain), 0, "destroy");
	/* One whose fences others wait for. */
	lib_open(&other, 0);
	kernel = (struct lib_queue){ .lib = &other };
	{
		struct drm_gaon_queue_create args = {
			.vm_id = other.vm, .flags = DRM_GAON_QUEUE_DEBUG, .ring_log2 = 4,
			.priority = DRM_GAON_PRIORITY_NORMAL,
		};

		CHECK_ERRNO(uapi_ioctl(other.fd, DRM_IOCTL_GAON_QUEUE_CREATE, &args), EINVAL, "kernel-owned");
	}
	kernel.id = queue->id;
	CHECK_ERRNO(suspend(&kernel), ENOENT, "by another file");
	lib_close(&other);
}

/* --- a session ------------------------------------------------------------------------------------- */

/* The kernel takes a page that the context has: that is suspended, with what stands in it, and resumed. */
static void test_moved(struct lib *lib)
{
	char *own = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct drm_gaon_vm_bind_op op = {
		.type = DRM_GAON_VM_BIND_MAP_USERPTR, .va = 0x500000000ull, .size = 4096,
		.offset = (uintptr_t)own,
	};

	REQUIRE(own != MAP_FAILED, "memory");
	own[0] = 1;
	CHECK_ERRNO(uapi_bind(lib->fd, lib->vm, &op, 1), uapi_bounces() ? EOPNOTSUPP : 0, "a page of our own");
	CHECK(!madvise(own, 4096, MADV_DONTNEED) && !own[0], "is taken away");
	usleep(100000);
	CHECK_ERRNO(uapi_unmap(lib->fd, lib->vm, op.va, 4096), 0, "unmapped");
	munmap(own, 4096);
}

static void test_break(struct lib *lib, struct lib_queue *queue)
{
	struct lib_stopped s;

	launch(queue, 1);
	CHECK(stop_read(queue, PATIENCE_MS), "an event says that it has stopped");
	CHECK(state_of(queue) & DRM_GAON_QUEUE_STOPPED && !(state_of(queue) & DRM_GAON_QUEUE_FAULTED),
	      "so does its state, and of no fault: %#x", state_of(queue));
	CHECK_ERRNO(wait_value(queue, 1, 50), ETIME, "WAIT waits");
	REQUIRE(lib_debug_look(queue, &s), "its workgroup is in the save area");
	CHECK(state_of(queue) == (DRM_GAON_QUEUE_SAVED | DRM_GAON_QUEUE_SUSPENDED | DRM_GAON_QUEUE_STOPPED),
	      "as the state says: %#x", state_of(queue));
	CHECK(s.state.stopped == s.state.active && s.state.entry == ENTRY && s.state.args == lib_va(WORD) &&
	      s.state.grid[0] == 1, "it is this launch");
	CHECK(s.regs.pc == ENTRY + 4 && s.regs.x[5] == 1 && s.regs.x[10] == lib_va(WORD) &&
	      s.regs.stop == GAON_STOP_FAULT && s.regs.fault.type == GAON_FAULT_BREAK,
	      "at the ebreak: pc %#llx, t0 %llu, a0 %#llx, stop %u, fault %u", (unsigned long long)s.regs.pc,
	      (unsigned long long)s.regs.x[5], (unsigned long long)s.regs.x[10], s.regs.stop,
	      s.regs.fault.type);
	test_moved(lib);
	CHECK(lib_debug_look(queue, &s) && s.regs.pc == ENTRY + 4, "it still stands there");
	/* An address space may change meanwhile. */
	CHECK_ERRNO(uapi_map(lib->fd, lib->vm, lib->bo, 0x2000, 0x300000000ull, 0x2000, 0), 0, "a mapping more");
	CHECK_ERRNO(uapi_unmap(lib->fd, lib->vm, 0x300000000ull, 0x2000), 0, "and less");
	s.regs.pc += 4;
	s.regs.x[5] = 4711;
	CHECK_ERRNO(lib_debug_store(queue, &s), 0, "changed");
	CHECK_ERRNO(resume(queue), 0, "it goes on");
	CHECK_ERRNO(wait_value(queue, 1, PATIENCE_MS), 0, "to its end");
	CHECK(*lib_word(lib, WORD) == 4711, "with what was changed: %llu",
	      (unsigned long long)*lib_word(lib, WORD));
	CHECK(!(state_of(queue) & ~DRM_GAON_QUEUE_IN_SLOT), "and all is well: %#x", state_of(queue));
}

static void test_step(struct lib *lib, struct lib_queue *queue)
{
	struct lib_stopped s;

	launch(queue, 2);
	REQUIRE(stop_read(queue, PATIENCE_MS) && lib_debug_look(queue, &s), "it has stopped");
	s.regs.pc += 4;
	s.state.step = s.state.active;
	CHECK_ERRNO(lib_debug_store(queue, &s), 0, "one instruction");
	CHECK_ERRNO(resume(queue), 0, "it goes on");
	REQUIRE(stop_read(queue, PATIENCE_MS) && lib_debug_look(queue, &s), "and has stopped again");
	CHECK(s.regs.pc == ENTRY + 12 && s.regs.stop == GAON_STOP_STEP && *lib_word(lib, WORD) == 1 &&
	      !s.state.step, "behind it: pc %#llx, stop %u", (unsigned long long)s.regs.pc, s.regs.stop);
	s.state.hold = s.state.active;
	CHECK_ERRNO(lib_debug_store(queue, &s), 0, "held");
	CHECK_ERRNO(resume(queue), 0, "it goes on");
	CHECK_ERRNO(wait_value(queue, 2, 100), ETIME, "and does nothing");
	REQUIRE(lib_debug_look(queue, &s) && s.regs.pc == ENTRY + 12, "until it is suspended");
	s.state.hold = 0;
	CHECK_ERRNO(lib_debug_store(queue, &s), 0, "held no more");
	CHECK_ERRNO(resume(queue), 0, "it goes on");
	CHECK_ERRNO(wait_value(queue, 2, PATIENCE_MS), 0, "to its end");
}

static void test_pass(struct lib *lib, struct lib_queue *queue)
{
	struct drm_gaon_queue_query query;
	struct drm_gaon_event_fault event;
	struct pollfd pfd = { .fd = lib->fd, .events = POLLIN };
	struct lib_stopped s;

	launch(queue, 3);
	REQUIRE(stop_read(queue, PATIENCE_MS) && lib_debug_look(queue, &s), "it has stopped");
	s.state.pass = s.state.active;
	CHECK_ERRNO(lib_debug_store(queue, &s), 0, "the fault is to take place");
	CHECK_ERRNO(resume(queue), 0, "it goes on");
	CHECK_ERRNO(wait_value(queue, 3, PATIENCE_MS), EIO, "into its fault");
	CHECK_ERRNO(lib_state(queue, &query, DRM_GAON_QUEUE_ACK), 0, "state");
	CHECK(query.state & DRM_GAON_QUEUE_FAULTED && query.fault.type == GAON_FAULT_BREAK &&
	      query.fault.pc == ENTRY + 4, "which is the one: type %u", query.fault.type);
	CHECK(poll(&pfd, 1, PATIENCE_MS) == 1 && read(lib->fd, &event, sizeof(event)) == sizeof(event) &&
	      event.base.type == DRM_GAON_EVENT_FAULT, "its event");
	CHECK_ERRNO(lib_clear(queue), 0, "clear");
	launch(queue, 4);
	REQUIRE(stop_read(queue, PATIENCE_MS) && lib_debug_look(queue, &s), "and it stops again");
	s.regs.pc += 4;
	CHECK_ERRNO(lib_debug_store(queue, &s) || resume(queue), 0, "it goes on");
	CHECK_ERRNO(wait_value(queue, 4, PATIENCE_MS), 0, "to its end");
}

/* A launch that does not stop by itself is interrupted, and only its own queue's. */
static void test_interrupt(struct lib *lib, struct lib_queue *queue)
{
	static const uint32_t spin = 0x0000006f;	/* j . */
	struct gaon_packet packet;
	struct lib_queue other;
	struct lib_stopped s;

	memcpy(lib->mem + CODE + 0x800, &spin, sizeof(spin));
	packet = lib_launch(ENTRY + 0x800, 0, 1);
	packet.flags |= GAON_PKT_F_SIGNAL | GAON_PKT_F_EVENT;
	packet.signal_va = lib_va(VALUE);
	packet.signal_value = 5;
	lib_push(queue, &packet);
	usleep(50000);
	REQUIRE(lib_debug_look(queue, &s), "what runs for ever is in the save area");
	CHECK(s.regs.pc == ENTRY + 0x800 && !s.state.stopped && !(state_of(queue) & DRM_GAON_QUEUE_STOPPED),
	      "it did not stop by itself: pc %#llx", (unsigned long long)s.regs.pc);
	REQUIRE(!lib_user_queue(lib, &other, 4, DRM_GAON_PRIORITY_NORMAL, 0), "another queue");
	packet = lib_nop(lib_va(WORD), 6, GAON_PKT_F_EVENT);
	lib_push(&other, &packet);
	CHECK_ERRNO(lib_wait(lib, lib_word(lib, WORD), 6, PATIENCE_MS), 0, "works while the first one stands");
	CHECK_ERRNO(lib_queue_destroy(&other), 0, "destroy");
	s.regs.pc = ENTRY + 12;
	CHECK_ERRNO(lib_debug_store(queue, &s) || resume(queue), 0, "it goes on at a return");
	CHECK_ERRNO(wait_value(queue, 5, PATIENCE_MS), 0, "to its end");
	CHECK(!stop_read(queue, 0), "no event");
}

/* --- its owner -------------------------------------------------------------------------------------- */

#define SECRET		0x5ec2e75ec2e75ec2ull
#define SECRET_VA	0x400000000ull

/* HBM that has had something in it, more of it than a save area takes. */
static void leave_secrets(int fd, uint64_t bytes)
{
	uint32_t bo = uapi_bo(fd, bytes, DRM_GAON_BO_HBM | DRM_GAON_BO_CPU, 0);
	struct lib_queue queue;
	struct lib lib;

	lib_open_on(&lib, fd, DRM_GAON_VM_LR);
	REQUIRE(bo && !uapi_map(fd, lib.vm, bo, 0, SECRET_VA, bytes, 0) &&
		!lib_user_queue(&lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 0), "HBM");
	CHECK_ERRNO(lib_run(&queue, lib_fill(SECRET_VA, bytes, SECRET)), 0, "secrets in it");
	CHECK_ERRNO(uapi_bo_close(fd, bo), 0, "close");
	lib_close(&lib);
}

/* A save area that is new holds nothing of what was in its memory before, for nobody. */
static void test_clean(struct lib *lib)
{
	uint64_t pages = device.save_bytes / 4096, found = 0, page[512];
	struct lib_queue queue;

	leave_secrets(uapi_open(), (2 * device.save_bytes + 4095) & ~4095ull);
	REQUIRE(!lib_debug_queue(lib, &queue) && !suspend(&queue), "a queue");
	for (unsigned int n = 0; n < 512; n++) {
		uint64_t at = n < 8 ? n : n < 16 ? pages - 1 - (n - 8) : uapi_random() % pages;

		MUST(!save_read(&queue, 4096 * at, page, sizeof(page)), "READ of page %llu",
		     (unsigned long long)at);
		for (unsigned int i = 0; i < 512; i++)
			found += page[i] != 0;
	}
	CHECK(!found, "512 of %llu pages of its save area are 0: %llu words are not", (unsigned long long)pages,
	      (unsigned long long)found);
	CHECK_ERRNO(lib_queue_destroy(&queue), 0, "destroy of what is suspended");
}

/* In a process without any rights, which ends while its queue stands. */
static int as_nobody(int fd)
{
	struct lib_queue queue;
	struct lib_stopped s;
	struct lib lib;

	if (setgid(65534) || setuid(65534))
		return 1;
	open_code(&lib, fd);
	if (lib_debug_queue(&lib, &queue))
		return 2;
	launch(&queue, 1);
	return stop_read(&queue, PATIENCE_MS) && lib_debug_look(&queue, &s) ? 0 : 3;
}

static void test_gone(int fd)
{
	uint64_t before[2], after[2];
	struct lib_queue queue;
	struct lib lib;
	int status = -1;
	pid_t pid;

	uapi_memory_used(fd, before);
	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(as_nobody(uapi_open()));
	waitpid(pid, &status, 0);
	CHECK(WIFEXITED(status) && !WEXITSTATUS(status), "nobody debugs, and goes: status %#x", status);
	open_code(&lib, uapi_open());
	REQUIRE(!lib_debug_queue(&lib, &queue), "a queue");
	launch(&queue, 1);
	REQUIRE(stop_read(&queue, PATIENCE_MS), "it has stopped");
	CHECK_ERRNO(lib_queue_destroy(&queue), 0, "destroy of what has stopped, and was not suspended");
	CHECK_ERRNO(suspend(&queue), ENOENT, "SUSPEND of nothing");
	lib_close(&lib);
	for (int i = 0; i < 100; i++) {
		uapi_memory_used(fd, after);
		if (after[0] <= before[0] && after[1] <= before[1])
			break;
		usleep(50000);
	}
	CHECK(after[1] <= before[1], "HBM is given back: %llu, before %llu", (unsigned long long)after[1],
	      (unsigned long long)before[1]);
}

/* --- nonsense --------------------------------------------------------------------------------------- */

static void scramble(struct lib_queue *queue, struct lib_stopped *s)
{
	uint8_t *at = uapi_random() % 2 ? (uint8_t *)&s->state : (uint8_t *)&s->regs;
	uint64_t bytes = at == (uint8_t *)&s->state ? sizeof(s->state) : sizeof(s->regs);
	uint64_t changes = 1 + uapi_random() % 16, page[512];

	while (changes--)
		((uint64_t *)at)[uapi_random() % (bytes / 8)] =
			uapi_random() >> uapi_random() % 64;
	lib_debug_store(queue, s);
	if (uapi_random() % 4)
		return;
	/* The device's own header, too. */
	for (unsigned int i = 0; i < 512; i++)
		page[i] = uapi_random() >> uapi_random() % 64;
	save_write(queue, 8 * (uapi_random() % 400), page, 8 + uapi_random() % 2048);
}

static void test_nonsense(void)
{
	struct gaon_packet packet;
	struct lib_queue other;
	struct lib good;
	unsigned int n;

	lib_open_user(&good, &other);
	for (n = 0; n < 60; n++) {
		struct lib_queue queue;
		struct lib_stopped s;
		struct lib lib;

		open_code(&lib, uapi_open());
		if (lib_debug_queue(&lib, &queue))
			break;
		launch(&queue, 1);
		if (!stop_read(&queue, PATIENCE_MS) || !lib_debug_look(&queue, &s))
			break;
		scramble(&queue, &s);
		if (resume(&queue))
			break;
		wait_value(&queue, 1, 20);
		lib_close(&lib);
	}
	CHECK(n == 60, "60 save areas of nonsense, %u survived", n);
	packet = lib_nop(lib_va(WORD), 99, GAON_PKT_F_EVENT);
	lib_push(&other, &packet);
	CHECK_ERRNO(lib_wait(&good, lib_word(&good, WORD), 99, PATIENCE_MS), 0, "an innocent one works");
	lib_close(&good);
}

int main(void)
{
	int fd = uapi_open();
	struct lib_queue queue;
	struct lib lib;

	REQUIRE(!uapi_query(fd, DRM_GAON_QUERY_DEVICE, &device, sizeof(device)), "the device");
	REQUIRE(device.flags & DRM_GAON_DEVICE_DEBUG, "its queues can be debugged");
	open_code(&lib, fd);
	REQUIRE(!lib_debug_queue(&lib, &queue), "a queue");
	test_refused(&lib, &queue);
	test_break(&lib, &queue);
	test_step(&lib, &queue);
	test_pass(&lib, &queue);
	test_interrupt(&lib, &queue);
	CHECK_ERRNO(lib_queue_destroy(&queue), 0, "destroy");
	test_clean(&lib);
	test_gone(fd);
	test_nonsense();
	uapi_exit();
}
