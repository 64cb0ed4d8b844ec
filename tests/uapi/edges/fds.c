// SPDX-License-Identifier: MIT
/*
 * One open file in several hands: sent to another process, kept over exec, used by threads and
 * processes at the same time; and objects and timelines that are sent as files.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../queue_lib.h"
#include "counters.h"

#define WORD		0x0
#define LIST		0x1000
#define OWN_VA		0x600000000ull
#define PATIENCE_MS	60000

/* --- sending ------------------------------------------------------------------------------------- */

union control {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

static void fd_send(int socket, int fd)
{
	union control control = { 0 };
	struct iovec data = { .iov_base = "f", .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes,
			      .msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	if (sendmsg(socket, &msg, 0) != 1)
		REQUIRE(false, "sendmsg: %s", strerror(errno));
}

static int fd_take(int socket)
{
	union control control = { 0 };
	char byte;
	struct iovec data = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes,
			      .msg_controllen = sizeof(control.bytes) };
	int fd = -1;

	if (recvmsg(socket, &msg, MSG_CMSG_CLOEXEC) == 1 && CMSG_FIRSTHDR(&msg))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
	return fd;
}

/* A process that shares nothing with this one but a socket: forked before anything is open. */
static pid_t stranger(int *socket, int (*run)(int socket))
{
	int pair[2];
	pid_t pid;

	REQUIRE(!socketpair(AF_UNIX, SOCK_STREAM, 0, pair), "a pair of sockets");
	fflush(stdout);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(pair[0]);
		uapi_quiet = true;
		_exit(run(pair[1]));
	}
	close(pair[1]);
	*socket = pair[0];
	return pid;
}

static int ended(pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* --- the card's file ------------------------------------------------------------------------------ */

/* Works in an address space that another process made, by a number that it was told. */
static int take_file(int socket)
{
	struct { uint32_t vm, bo, queue; } theirs;
	struct drm_gaon_bo_info info = { 0 };
	struct gaon_packet packet;
	struct lib_queue queue;
	int fd = fd_take(socket);
	struct lib lib;
	uint8_t *mem;

	if (fd < 0 || read(socket, &theirs, sizeof(theirs)) != (ssize_t)sizeof(theirs))
		return 1;
	/* Theirs, as if they were ours. */
	info.handle = theirs.bo;
	if (uapi_ioctl(fd, DRM_IOCTL_GAON_BO_INFO, &info) || info.size != LIB_MEM_BYTES)
		return 2;
	mem = uapi_mmap(fd, theirs.bo, LIB_MEM_BYTES);
	if (!mem || mem[0x800] != 0x42)
		return 3;
	mem[0x801] = 0x43;
	/* And our own, in the same file. */
	lib_open_on(&lib, fd, DRM_GAON_VM_LR);
	if (lib_user_queue(&lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 0))
		return 4;
	packet = lib_nop(lib_va(WORD), 9, GAON_PKT_F_EVENT);
	lib_push(&queue, &packet);
	if (lib_wait(&lib, lib_word(&lib, WORD), 9, PATIENCE_MS))
		return 5;
	/* A job of their queue, submitted by us. */
	*(struct gaon_packet *)(mem + LIST) = lib_nop(lib_va(0x900), 0x77, 0);
	queue = (struct lib_queue){ .lib = &lib, .id = theirs.queue };
	return lib_submit(&queue, lib_va(LIST), 1, 0, 0, 0, 0) ? 6 : 0;
}

static void test_file(void)
{
	struct { uint32_t vm, bo, queue; } ours;
	struct lib_queue queue;
	int socket, status;
	int64_t until;
	struct lib lib;
	pid_t pid = stranger(&socket, take_file);

	lib_open(&lib, 0);
	REQUIRE(!lib_kernel_queue(&lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 0), "a queue");
	lib.mem[0x800] = 0x42;
	ours.vm = lib.vm;
	ours.bo = lib.bo;
	ours.queue = queue.id;
	fd_send(socket, lib.fd);
	CHECK(write(socket, &ours, sizeof(ours)) == (ssize_t)sizeof(ours), "told");
	status = ended(pid);
	CHECK(!status, "another process that was sent the file works with it: %d", status);
	/* It is dead; what it did to the file's address spaces and queues is done. */
	CHECK(lib.mem[0x801] == 0x43, "it wrote into the same memory");
	until = lib_now() + PATIENCE_MS * 1000000ll;
	while (*lib_word(&lib, 0x900) != 0x77 && lib_now() < until)
		usleep(1000);
	CHECK(*lib_word(&lib, 0x900) == 0x77, "its job of our queue is done");
	CHECK(counters_lines("/sys/kernel/debug/accel/*/vms") == 2, "and its address space is the file's");
	close(socket);
	lib_close(&lib);
	CHECK(counters_lines("/sys/kernel/debug/accel/*/vms") == 0, "with which it goes");
}

/* --- files of objects and fences -------------------------------------------------------------------- */

/* Waits for a job of another process, then looks at the memory that it wrote. */
static int take_handles(int socket)
{
	int buf = fd_take(socket), line = fd_take(socket), fd = uapi_open();
	struct drm_prime_handle prime = { .fd = buf };
	struct drm_syncobj_handle sync = { .fd = line };
	volatile uint64_t *mem;

	if (buf < 0 || line < 0)
		return 1;
	if (uapi_ioctl(fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime))
		return 2;
	if (uapi_ioctl(fd, DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &sync))
		return 3;
	close(buf);
	close(line);
	if (write(socket, "r", 1) != 1)
		return 4;
	if (lib_syncobj_wait(fd, sync.handle, 5, PATIENCE_MS))
		return 5;
	mem = uapi_mmap(fd, prime.handle, LIB_MEM_BYTES);
	return mem && mem[0] == 0x5151 ? 0 : 6;
}

static void test_handles(void)
{
	struct drm_prime_handle prime = { .flags = DRM_CLOEXEC | DRM_RDWR };
	struct drm_syncobj_handle sync = { 0 };
	struct lib_queue queue;
	int socket, status;
	struct lib lib;
	uint32_t line;
	char byte;
	pid_t pid = stranger(&socket, take_handles);

	lib_open(&lib, 0);
	REQUIRE(!lib_kernel_queue(&lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 0), "a queue");
	line = lib_syncobj(lib.fd);
	prime.handle = lib.bo;
	sync.handle = line;
	REQUIRE(!uapi_ioctl(lib.fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime) &&
		!uapi_ioctl(lib.fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &sync), "an object and a timeline as files");
	fd_send(socket, prime.fd);
	fd_send(socket, sync.fd);
	close(prime.fd);
	close(sync.fd);
	CHECK(read(socket, &byte, 1) == 1, "another process has them");
	*(struct gaon_packet *)(lib.mem + LIST) = lib_nop(lib_va(WORD), 0x5151, 0);
	CHECK_ERRNO(lib_submit(&queue, lib_va(LIST), 1, 0, 0, line, 5), 0, "a job");
	/* All that is ours may go before it looks. */
	CHECK_ERRNO(lib_syncobj_wait(lib.fd, line, 5, PATIENCE_MS), 0, "ends");
	lib_close(&lib);
	status = ended(pid);
	CHECK(!status, "which waits for the job and sees what it wrote: %d", status);
	close(socket);
}

/* --- over exec ---------------------------------------------------------------------------------------- */

static void *page(void)
{
	void *own = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	REQUIRE(own != MAP_FAILED, "a page: %s", strerror(errno));
	return own;
}

/* The program again: FD VM BO of the program before; nothing of its memory is left. */
static int after_exec(char **argv)
{
	struct lib lib = {
		.fd = atoi(argv[0]), .vm = (uint32_t)atoi(argv[1]), .bo = (uint32_t)atoi(argv[2]), .lr = true,
	};
	struct drm_gaon_vm_bind_op op = {
		.type = DRM_GAON_VM_BIND_MAP_USERPTR, .va = OWN_VA, .size = 4096,
	};
	struct drm_gaon_queue_query query;
	struct gaon_packet packet;
	struct lib_queue queue;
	uint64_t *own;

	lib.mem = uapi_mmap(lib.fd, lib.bo, LIB_MEM_BYTES);
	REQUIRE(lib.mem && lib.mem[0x800] == 0x42, "after exec: the object is there");
	REQUIRE(!lib_user_queue(&lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 0), "a queue in the old address space");
	packet = lib_nop(lib_va(WORD), 3, GAON_PKT_F_EVENT);
	lib_push(&queue, &packet);
	CHECK_ERRNO(lib_wait(&lib, lib_word(&lib, WORD), 3, PATIENCE_MS), 0, "works");
	/* What was mapped of the program before is gone, and not this one's. */
	packet = lib_nop(OWN_VA, 4, 0);
	lib_push(&queue, &packet);
	CHECK_ERRNO(lib_wait(&lib, lib_word(&lib, WORD), 4, PATIENCE_MS), EIO, "its own memory is gone");
	CHECK(!lib_state(&queue, &query, DRM_GAON_QUEUE_ACK) && query.fault.type == GAON_FAULT_PAGE, "by a fault: %u",
	      query.fault.type);
	CHECK_ERRNO(lib_clear(&queue), 0, "clear");
	own = page();
	op.offset = (uintptr_t)own;
	CHECK_ERRNO(uapi_bind(lib.fd, lib.vm, &op, 1), 0, "this one's can be mapped");
	packet = lib_nop(OWN_VA + 8, 5, GAON_PKT_F_EVENT);
	lib_push(&queue, &packet);
	CHECK_ERRNO(lib_wait(&lib, own + 1, 5, PATIENCE_MS), 0, "and written");
	lib_close(&lib);
	uapi_exit();
}

static void test_exec(const char *program)
{
	char fd[16], vm[16], bo[16];
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		struct drm_gaon_vm_bind_op op = {
			.type = DRM_GAON_VM_BIND_MAP_USERPTR, .va = OWN_VA, .size = 4096,
		};
		struct lib_queue queue;
		struct gaon_packet packet;
		struct lib lib;

		uapi_quiet = true;
		lib_open(&lib, DRM_GAON_VM_LR);
		lib.mem[0x800] = 0x42;
		op.offset = (uintptr_t)page();
		if (uapi_bind(lib.fd, lib.vm, &op, 1) ||
		    lib_user_queue(&lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, UINT64_MAX))
			_exit(90);
		packet = lib_nop(OWN_VA, 1, GAON_PKT_F_EVENT);
		lib_push(&queue, &packet);
		lib_wait(&lib, (void *)(uintptr_t)op.offset, 1, PATIENCE_MS);
		snprintf(fd, sizeof(fd), "%d", lib.fd);
		snprintf(vm, sizeof(vm), "%u", lib.vm);
		snprintf(bo, sizeof(bo), "%u", lib.bo);
		fcntl(lib.fd, F_SETFD, 0);
		execl(program, program, "--after-exec", fd, vm, bo, (char *)NULL);
		_exit(91);
	}
	status = ended(pid);
	CHECK(!status, "a program that executes another one, which has the file: %d", status);
}

/* --- all at once ---------------------------------------------------------------------------------------- */

#define HANDS		3u
#define SECONDS		3

/* Everything that a file can have, made, used and given back by several at once. */
static void *hand_run(void *arg)
{
	int fd = *(int *)arg;
	int64_t end = lib_now() + SECONDS * 1000000000ll;
	intptr_t bad = 0;
	uint32_t n = 0;

	for (; lib_now() < end; n++) {
		bool lr = n & 1;
		struct gaon_packet packet;
		struct lib_queue queue;
		struct lib lib;
		uint32_t out;

		lib_open_on(&lib, fd, lr ? DRM_GAON_VM_LR : 0);
		if (lr) {
			bad += lib_user_queue(&lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 0) != 0;
			packet = lib_nop(lib_va(WORD), n + 1, GAON_PKT_F_EVENT);
			lib_push(&queue, &packet);
			bad += lib_wait(&lib, lib_word(&lib, WORD), n + 1, PATIENCE_MS) != 0;
			munmap((void *)lib.doorbells, DRM_GAON_DOORBELL_BYTES);
		} else {
			bad += lib_kernel_queue(&lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 0) != 0;
			*(struct gaon_packet *)(lib.mem + LIST) = lib_nop(lib_va(WORD), n + 1, 0);
			out = lib_syncobj(fd);
			bad += lib_submit(&queue, lib_va(LIST), 1, 0, 0, out, 0) != 0;
			bad += lib_syncobj_wait(fd, out, 0, PATIENCE_MS) != 0;
			lib_syncobj_destroy(fd, out);
			bad += *lib_word(&lib, WORD) != n + 1;
		}
		bad += lib_queue_destroy(&queue) != 0;
		bad += uapi_vm_destroy(fd, lib.vm) != 0;
		munmap(lib.mem, LIB_MEM_BYTES);
		bad += uapi_bo_close(fd, lib.bo) != 0;
	}
	return (void *)(bad ? -bad : (intptr_t)n);
}

/* Hands of one process. Exit status 0: all was well. */
static int process_run(int fd, unsigned long *rounds)
{
	pthread_t threads[HANDS];
	void *ret;
	int bad = 0;

	for (unsigned int i = 0; i < HANDS; i++)
		pthread_create(&threads[i], NULL, hand_run, &fd);
	for (unsigned int i = 0; i < HANDS; i++) {
		pthread_join(threads[i], &ret);
		bad += (intptr_t)ret <= 0;
		*rounds += (unsigned long)(intptr_t)ret;
	}
	return bad;
}

static void test_hands(void)
{
	unsigned long rounds = 0;
	int fd = uapi_open(), status[2], bad;
	pid_t pids[2];

	uapi_quiet = true;
	fflush(stdout);
	for (unsigned int i = 0; i < 2; i++) {
		pids[i] = fork();
		if (!pids[i])
			_exit(process_run(fd, &rounds));
	}
	bad = process_run(fd, &rounds);
	for (unsigned int i = 0; i < 2; i++)
		status[i] = ended(pids[i]);
	uapi_quiet = false;
	CHECK(!bad && !status[0] && !status[1],
	      "three processes with %u threads each and one file: here %lu rounds, %d, %d and %d were wrong", HANDS, rounds,
	      bad, status[0], status[1]);
	CHECK(counters_lines("/sys/kernel/debug/accel/*/vms") == 0, "no address space is left");
	CHECK(counters_lines("/sys/kernel/debug/accel/*/queues") == 0, "no queue either");
	close(fd);
}

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], "--after-exec"))
		return after_exec(argv + 2);
	test_file();
	test_handles();
	test_exec(argv[0]);
	test_hands();
	uapi_exit();
}
