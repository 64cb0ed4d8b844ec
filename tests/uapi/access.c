// SPDX-License-Identifier: MIT
/*
 * What a debugger sees of memory that a program has mapped: /proc/PID/mem and ptrace() take another way
 * than the program's own loads and stores.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "uapi.h"

#define BYTES	(256u << 10)
#define ROUNDS	64u
#define POKED	0x8877665544332211ul

struct kind {
	const char *name;
	uint32_t flags;
};

static const struct kind kinds[] = {
	{ "HBM", DRM_GAON_BO_HBM | DRM_GAON_BO_CPU },
	{ "host memory", DRM_GAON_BO_HOST },
	{ "write-combined host memory", DRM_GAON_BO_HOST | DRM_GAON_BO_WC },
};

/* Random pieces of it, over page ends, are read, and written. */
static void test_pieces(int mem, uint8_t *cpu, const char *name)
{
	uint8_t *copy = malloc(BYTES), *piece = malloc(BYTES);
	unsigned int wrong = 0, shortened = 0, unseen = 0;

	REQUIRE(copy && piece, "memory");
	for (unsigned int i = 0; i < BYTES; i++)
		copy[i] = (uint8_t)uapi_random();
	memcpy(cpu, copy, BYTES);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		uint32_t at = (uint32_t)(uapi_random() % BYTES);
		uint32_t n = 1 + (uint32_t)(uapi_random() % (i % 2 ? 16 : 20000));

		n = n < BYTES - at ? n : BYTES - at;
		shortened += pread(mem, piece, n, (off_t)(uintptr_t)(cpu + at)) != (ssize_t)n;
		wrong += memcmp(piece, copy + at, n) != 0;
		for (uint32_t j = 0; j < n; j++)
			piece[j] = copy[at + j] = (uint8_t)uapi_random();
		shortened += pwrite(mem, piece, n, (off_t)(uintptr_t)(cpu + at)) != (ssize_t)n;
		unseen += memcmp(cpu + at, copy + at, n) != 0;
	}
	CHECK(!shortened, "%s: all of each of %u pieces", name, 2 * ROUNDS);
	CHECK(!wrong, "%s: as the program has them: %u of %u are not", name, wrong, ROUNDS);
	CHECK(!unseen, "%s: the program sees what was written: %u of %u it does not", name, unseen, ROUNDS);
	CHECK(!memcmp(cpu, copy, BYTES), "%s: and nothing else has changed", name);
	free(copy);
	free(piece);
}

/* It ends where the object ends, and where the program gave it up. */
static void test_ends(int mem, uint8_t *cpu, const char *name)
{
	uint8_t piece[8192];

	CHECK(pread(mem, piece, sizeof(piece), (off_t)(uintptr_t)(cpu + BYTES - 4096)) == 4096,
	      "%s: up to its end", name);
	CHECK(pread(mem, piece, 8, (off_t)(uintptr_t)(cpu + BYTES - 4)) == 4, "%s: in the middle of a word", name);
	munmap(cpu, BYTES);
	CHECK(pread(mem, piece, 16, (off_t)(uintptr_t)cpu) < 0 && errno == EIO, "%s: nothing of what is unmapped",
	      name);
}

/* The mapping with nothing behind it, so that what follows is no other memory. */
static uint8_t *map_apart(int fd, uint32_t handle)
{
	uint8_t *room = mmap(NULL, 2 * BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *cpu = uapi_mmap(fd, handle, BYTES);

	if (room == MAP_FAILED || !cpu ||
	    mremap(cpu, BYTES, BYTES, MREMAP_MAYMOVE | MREMAP_FIXED, room) != room)
		return NULL;
	/* Older kernels read zeros where a process itself may not. */
	munmap(room + BYTES, BYTES);
	return room;
}

static void test_kind(int fd, int mem, const struct kind *kind)
{
	uint32_t bo = uapi_bo(fd, BYTES, kind->flags, 0);
	uint8_t *cpu = map_apart(fd, bo);

	if (!CHECK(cpu, "%s is mapped", kind->name))
		return;
	test_pieces(mem, cpu, kind->name);
	test_ends(mem, cpu, kind->name);
	uapi_bo_close(fd, bo);
}

static bool child_stops(pid_t child)
{
	int status;

	return waitpid(child, &status, 0) == child && WIFSTOPPED(status);
}

/* A word by ptrace(), of another process that has the card open itself. */
static void test_ptrace(void)
{
	long *word, told = 0;
	int out[2], status;
	pid_t child;

	REQUIRE(!pipe(out), "a pipe");
	child = fork();
	REQUIRE(child >= 0, "a process");
	if (!child) {
		int fd = uapi_open();

		word = uapi_mmap(fd, uapi_bo(fd, BYTES, DRM_GAON_BO_HBM | DRM_GAON_BO_CPU, 0), BYTES);
		if (!word || write(out[1], &word, sizeof(word)) != sizeof(word))
			_exit(1);
		*word = 0x1122334455667788;
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		_exit((unsigned long)*word == POKED ? 0 : 2);
	}
	if (CHECK(read(out[0], &word, sizeof(word)) == sizeof(word) && child_stops(child), "a process with HBM stops")) {
		errno = 0;
		told = ptrace(PTRACE_PEEKDATA, child, word, NULL);
		CHECK(!errno && told == 0x1122334455667788, "its word is %#lx, errno %d", told, errno);
		CHECK(!ptrace(PTRACE_POKEDATA, child, word, POKED), "another one is written");
		ptrace(PTRACE_CONT, child, NULL, NULL);
	}
	CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && !WEXITSTATUS(status),
	      "the process finds that one: status %#x", (unsigned int)status);
	close(out[0]);
	close(out[1]);
}

int main(void)
{
	int fd = uapi_open(), mem = open("/proc/self/mem", O_RDWR);

	REQUIRE(mem >= 0, "this process' memory");
	for (unsigned int i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		test_kind(fd, mem, &kinds[i]);
	test_ptrace();
	uapi_exit();
}
