// SPDX-License-Identifier: MIT
/*
 * Programs read HBM that they have mapped while the card is reset, unbound and removed under them. A reset
 * clears HBM, so that they read something else than they had written: from the first such moment the
 * driver says that the address space is lost, so that who asks after reading knows what the data is worth.
 *
 *	seen [SECONDS]		for each kind of loss; default 3
 *
 * As root, with one card.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../uapi.h"
#include "counters.h"

#define READERS		2
#define BYTES		4096u
#define LEAST		5	/* times that each kind is done */
#define PATIENCE_S	60

static struct {
	atomic_uint_fast64_t read, lost, gone, untold;
	atomic_uint untold_errno, untold_zeros;
	atomic_uint lives;
	atomic_bool stop;
} *shared;

static sigjmp_buf no_page;

static void on_bus(int signal)
{
	siglongjmp(no_page, signal);
}

/* --- who reads -------------------------------------------------------------------------------- */

struct reader {
	int fd;
	uint32_t vm;
	volatile uint64_t *seen;
	uint64_t seed;
};

/* Whether there was a card; while it is reset or bound there is none. */
static bool reader_open(struct reader *reader)
{
	struct drm_gaon_bo_create bo = { .size = BYTES, .flags = DRM_GAON_BO_HBM | DRM_GAON_BO_CPU };
	struct drm_gaon_bo_mmap_offset offset = { 0 };
	struct drm_gaon_vm_create vm = { 0 };

	reader->seen = MAP_FAILED;
	reader->fd = counters_open();
	if (reader->fd < 0)
		return false;
	if (uapi_ioctl(reader->fd, DRM_IOCTL_GAON_VM_CREATE, &vm) ||
	    uapi_ioctl(reader->fd, DRM_IOCTL_GAON_BO_CREATE, &bo))
		return false;
	offset.handle = bo.handle;
	if (uapi_ioctl(reader->fd, DRM_IOCTL_GAON_BO_MMAP_OFFSET, &offset))
		return false;
	reader->vm = vm.vm_id;
	reader->seen = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, reader->fd,
			    (off_t)offset.offset);
	return reader->seen != MAP_FAILED;
}

static void reader_close(struct reader *reader)
{
	if (reader->seen != MAP_FAILED)
		munmap((void *)(uintptr_t)reader->seen, BYTES);
	if (reader->fd >= 0)
		close(reader->fd);
}

/* How many words are not what was written: BYTES / 8 where there is no page any more. */
static unsigned int reader_look(const struct reader *reader, unsigned int *zeros)
{
	volatile unsigned int wrong = 0;
	uint64_t word;

	*zeros = 0;
	if (sigsetjmp(no_page, 1))
		return BYTES / 8;
	for (unsigned int i = 0; i < BYTES / 8; i++) {
		word = reader->seen[i];
		wrong += word != reader->seed + i;
		*zeros += !word;
	}
	return wrong;
}

/* What was written while a reset went on is lost, too: only what was read back counts as written. */
static bool reader_write(const struct reader *reader)
{
	unsigned int zeros;

	if (sigsetjmp(no_page, 1))
		return false;
	for (unsigned int i = 0; i < BYTES / 8; i++)
		reader->seen[i] = reader->seed + i;
	return !reader_look(reader, &zeros);
}

static void reader_live(struct reader *reader)
{
	struct drm_gaon_vm_state state = { 0 };
	unsigned int zeros;
	int err;

	if (!reader_open(reader) || !reader_write(reader))
		return;
	atomic_fetch_add(&shared->lives, 1);
	while (!reader_look(reader, &zeros)) {
		atomic_fetch_add(&shared->read, 1);
		if (atomic_load(&shared->stop))
			return;
	}
	state.vm_id = reader->vm;
	err = uapi_ioctl(reader->fd, DRM_IOCTL_GAON_VM_STATE, &state);
	if (err == ENODEV) {
		atomic_fetch_add(&shared->gone, 1);
	} else if (!err && state.state & DRM_GAON_VM_LOST) {
		atomic_fetch_add(&shared->lost, 1);
	} else {
		atomic_store(&shared->untold_errno, (unsigned int)err);
		atomic_store(&shared->untold_zeros, zeros);
		atomic_fetch_add(&shared->untold, 1);
	}
}

static pid_t reader_start(void)
{
	struct sigaction action = { .sa_handler = on_bus };
	struct reader reader = { .seed = uapi_random() | 1ull << 63 };
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid)
		return pid;
	sigaction(SIGBUS, &action, NULL);
	alarm(10 * PATIENCE_S);
	while (!atomic_load(&shared->stop)) {
		reader_live(&reader);
		reader_close(&reader);
		reader.seed += 0x10001;
	}
	_exit(0);
}

/* --- what happens to them --------------------------------------------------------------------- */

static const char *card, *const driver = "/sys/bus/pci/drivers/gaon";

static int lose_reset(void)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/kernel/debug/accel/%s/reset", card);
	return counters_write(path, "device");
}

static int lose_function(void)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/reset", card);
	return counters_write(path, "1");
}

static int lose_driver(void)
{
	int err = counters_driver("unbind");

	return err ? err : counters_driver("bind");
}

static int lose_card(void)
{
	char path[96];
	int err;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/remove", card);
	err = counters_write(path, "1");
	return err ? err : counters_write("/sys/bus/pci/rescan", "1");
}

/* Until each of the readers has something to lose again, or it takes too long. */
static bool readers_ready(unsigned int lives)
{
	for (unsigned int i = 0; i < PATIENCE_S * 1000; i++) {
		if (atomic_load(&shared->lives) >= lives + READERS)
			return true;
		usleep(1000);
	}
	return false;
}

static void lose(const char *kind, int (*how)(void), unsigned int seconds)
{
	uint64_t told = atomic_load(&shared->lost) + atomic_load(&shared->gone);
	uint64_t untold = atomic_load(&shared->untold), read = atomic_load(&shared->read), asked;
	time_t end = time(NULL) + seconds;
	unsigned int times = 0, lives;
	bool ready = true;
	int err = 0;

	while (!err && ready && (times < LEAST || time(NULL) < end)) {
		lives = atomic_load(&shared->lives);
		err = how();
		times++;
		ready = readers_ready(lives);
	}
	CHECK_ERRNO(err, 0, "%s, %u times", kind, times);
	CHECK(ready, "%s: who reads goes on", kind);
	told = atomic_load(&shared->lost) + atomic_load(&shared->gone) - told;
	untold = atomic_load(&shared->untold) - untold;
	asked = told + untold;
	CHECK(asked, "%s: %llu readings were right, %llu were not", kind,
	      (unsigned long long)atomic_load(&shared->read) - read, (unsigned long long)asked);
	CHECK(!untold, "%s: who read something else was told so; %llu were not (error %u, %u words of %u were 0)",
	      kind, (unsigned long long)untold, atomic_load(&shared->untold_errno),
	      atomic_load(&shared->untold_zeros), BYTES / 8);
}

int main(int argc, char **argv)
{
	unsigned int seconds = argc > 1 ? (unsigned int)strtoul(argv[1], NULL, 0) : 3;
	pid_t pids[READERS];
	int status;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(shared != MAP_FAILED, "memory");
	card = counters_card();
	REQUIRE(!access(driver, X_OK), "the driver is there");
	for (int i = 0; i < READERS; i++)
		pids[i] = reader_start();
	REQUIRE(readers_ready(0), "%d programs read what they wrote", READERS);
	lose("the device is reset", lose_reset, seconds);
	lose("the PCI function is reset", lose_function, seconds);
	lose("the driver is unbound", lose_driver, seconds);
	lose("the card is removed", lose_card, seconds);
	atomic_store(&shared->stop, true);
	for (int i = 0; i < READERS; i++)
		CHECK(waitpid(pids[i], &status, 0) == pids[i] && WIFEXITED(status) && !WEXITSTATUS(status),
		      "a program ended as it should");
	uapi_figure("readings of HBM", "right, between losses", atomic_load(&shared->read));
	uapi_figure("readings of HBM", "not, and the driver said so",
		    atomic_load(&shared->lost) + atomic_load(&shared->gone));
	uapi_exit();
}
