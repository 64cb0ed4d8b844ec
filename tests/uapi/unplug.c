// SPDX-License-Identifier: MIT
/*
 * The driver leaves the card while files are open, memory is mapped and threads are at work: nothing
 * crashes, calls say -ENODEV, mappings stay readable, and the card can be bound again. As root.
 *
 *   unplug [cycles]	default 10
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "uapi.h"

#define MIB	(1024 * 1024ull)
#define VA	(64 * MIB)

static char address[64];

static void find_card(void)
{
	char link[PATH_MAX], *path = realpath("/sys/class/accel/accel0/device", NULL);

	if (!path) {
		ssize_t n = readlink("/sys/class/accel/accel0", link, sizeof(link) - 1);

		REQUIRE(n > 0, "accel0 is a device: %s", strerror(errno));
	}
	REQUIRE(path && strlen(path) > 12, "accel0 is on %s", path ? path : "nothing");
	snprintf(address, sizeof(address), "%s", strrchr(path, '/') + 1);
	free(path);
}

static int driver_write(const char *file)
{
	char path[PATH_MAX];
	ssize_t n;
	int fd, err;

	snprintf(path, sizeof(path), "/sys/bus/pci/drivers/gaon/%s", file);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return errno;
	n = write(fd, address, strlen(address));
	err = n < 0 ? errno : 0;
	close(fd);
	return err;
}

/* While a file of before is open its number is taken: the card then has another. */
static int open_again(void)
{
	char path[PATH_MAX];
	glob_t found;
	int fd = -1, tries;

	/* The node is made by devtmpfs, at once, or by udev, soon. */
	for (tries = 0; tries < 100 && fd < 0; tries++) {
		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/accel/accel*", address);
		if (!glob(path, 0, NULL, &found)) {
			snprintf(path, sizeof(path), "/dev/accel/%s", strrchr(found.gl_pathv[0], '/') + 1);
			fd = open(path, O_RDWR | O_CLOEXEC);
			globfree(&found);
		}
		if (fd < 0)
			usleep(20000);
	}
	return fd;
}

/* --- what is there when it happens ------------------------------------------------------------ */

struct user {
	int fd;
	uint32_t vms[2], bos[3], imported, stopped;
	volatile uint64_t *cpu[3];
	uint64_t offsets[3];
	uint64_t doorbell;
	char *own;
	int buf;
};

static const uint32_t kinds[3] = {
	DRM_GAON_BO_HBM | DRM_GAON_BO_CPU, DRM_GAON_BO_HOST, DRM_GAON_BO_HOST | DRM_GAON_BO_WC,
};

static void user_start(struct user *user)
{
	struct drm_gaon_vm_bind_op op = { .type = DRM_GAON_VM_BIND_MAP_USERPTR, .va = VA / 2, .size = MIB };
	struct drm_gaon_queue_create queue = {
		.flags = DRM_GAON_QUEUE_USER, .priority = DRM_GAON_PRIORITY_NORMAL, .ring_log2 = 4,
		.ring_va = VA + 4 * MIB + 4096, .state_va = VA + 4 * MIB + 8192,
	}, stopped = queue;
	struct drm_gaon_debug suspend = { .op = DRM_GAON_DEBUG_SUSPEND };
	unsigned int i;

	user->fd = open_again();
	REQUIRE(user->fd >= 0, "open: %s", strerror(errno));
	for (i = 0; i < 2; i++)
		user->vms[i] = uapi_vm(user->fd, i ? DRM_GAON_VM_LR : 0);
	queue.vm_id = user->vms[1];
	for (i = 0; i < 3; i++) {
		user->bos[i] = uapi_bo(user->fd, 4 * MIB, kinds[i], 0);
		user->cpu[i] = uapi_mmap(user->fd, user->bos[i], 4 * MIB);
		REQUIRE(user->cpu[i], "mapped");
		user->cpu[i][0] = i;
		uapi_map(user->fd, user->vms[i & 1], user->bos[i], 0, VA + i * 4 * MIB, 4 * MIB, 0);
	}
	/* Where they may be mapped again, and the doorbells of a queue whose ring is in the second. */
	for (i = 0; i < 3; i++) {
		struct drm_gaon_bo_mmap_offset offset = { .handle = user->bos[i] };

		CHECK_ERRNO(uapi_ioctl(user->fd, DRM_IOCTL_GAON_BO_MMAP_OFFSET, &offset), 0, "offset");
		user->offsets[i] = offset.offset;
	}
	CHECK_ERRNO(uapi_ioctl(user->fd, DRM_IOCTL_GAON_QUEUE_CREATE, &queue), 0, "a queue");
	user->doorbell = queue.doorbell_mmap;
	stopped.vm_id = user->vms[1];
	stopped.flags |= DRM_GAON_QUEUE_DEBUG;
	stopped.ring_va += MIB;
	stopped.state_va += MIB;
	CHECK_ERRNO(uapi_ioctl(user->fd, DRM_IOCTL_GAON_QUEUE_CREATE, &stopped), 0, "one that can be debugged");
	user->stopped = suspend.queue_id = stopped.queue_id;
	CHECK_ERRNO(uapi_ioctl(user->fd, DRM_IOCTL_GAON_DEBUG, &suspend), 0, "and is suspended");
	user->own = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	op.offset = (uintptr_t)user->own;
	uapi_bind(user->fd, user->vms[1], &op, 1);
	/* Memory of another device is unmapped for DMA, too. */
	user->buf = uapi_udmabuf(MIB, NULL);
	if (uapi_bounces()) {
		CHECK_ERRNO(uapi_to_handle(user->fd, user->buf, &user->imported), EOPNOTSUPP, "import of what is bounced");
	} else {
		CHECK_ERRNO(uapi_to_handle(user->fd, user->buf, &user->imported), 0, "import");
		uapi_map(user->fd, user->vms[0], user->imported, 0, VA / 4, MIB, 0);
	}
}

static void user_check_gone(struct user *user)
{
	struct drm_gaon_vm_create vm = { 0 };
	struct drm_gaon_query_device device;
	uint32_t handle;
	struct drm_gaon_bo_create bo = { .size = 4096, .flags = DRM_GAON_BO_HOST };
	struct drm_prime_handle prime = { .handle = user->bos[0], .flags = DRM_CLOEXEC };
	uint8_t none[512] = { 0 };
	struct drm_gaon_debug debug = {
		.queue_id = user->stopped, .size = sizeof(none), .pointer = (uintptr_t)none,
	};
	unsigned int i;
	uint64_t sum = 0;

	for (i = 0; i < UAPI_CALLS; i++)
		CHECK_ERRNO(uapi_ioctl(user->fd, uapi_calls[i], none), ENODEV, "call %#lx",
			    uapi_calls[i] & 0xff);
	CHECK_ERRNO(uapi_ioctl(user->fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime), ENODEV, "export");
	CHECK_ERRNO(uapi_to_handle(user->fd, user->buf, &handle), ENODEV, "import");
	for (i = 0; i < 3; i++)
		CHECK(mmap(NULL, 4 * MIB, PROT_READ, MAP_SHARED, user->fd, (off_t)user->offsets[i]) ==
		      MAP_FAILED && errno == ENODEV, "mmap of an object: %s", strerror(errno));
	CHECK(mmap(NULL, DRM_GAON_DOORBELL_BYTES, PROT_WRITE, MAP_SHARED, user->fd, (off_t)user->doorbell) ==
	      MAP_FAILED && errno == ENODEV, "mmap of doorbells: %s", strerror(errno));
	/* And with arguments that were good. */
	CHECK_ERRNO(uapi_query(user->fd, DRM_GAON_QUERY_DEVICE, &device, sizeof(device)), ENODEV, "query");
	CHECK_ERRNO(uapi_ioctl(user->fd, DRM_IOCTL_GAON_VM_CREATE, &vm), ENODEV, "VM_CREATE");
	CHECK_ERRNO(uapi_ioctl(user->fd, DRM_IOCTL_GAON_BO_CREATE, &bo), ENODEV, "BO_CREATE");
	CHECK_ERRNO(uapi_unmap(user->fd, user->vms[0], VA, MIB), ENODEV, "VM_BIND");
	for (debug.op = DRM_GAON_DEBUG_READ; debug.op <= DRM_GAON_DEBUG_WRITE; debug.op++)
		CHECK_ERRNO(uapi_ioctl(user->fd, DRM_IOCTL_GAON_DEBUG, &debug), ENODEV, "a save area");
	for (i = 0; i < 3; i++) {
		user->cpu[i][1] = 1;
		sum += user->cpu[i][4 * MIB / 8 - 1];
	}
	CHECK(sum == 0, "mappings can be read and written: %llu", (unsigned long long)sum);
	memset(user->own, 1, MIB);	/* its notifier is still there */
	madvise(user->own, MIB, MADV_DONTNEED);
}

static void user_end(struct user *user, bool tidy)
{
	unsigned int i;

	for (i = 0; i < 3 && tidy; i++)
		munmap((void *)user->cpu[i], 4 * MIB);
	munmap(user->own, MIB);
	close(user->buf);
	CHECK(!close(user->fd), "close");
	for (i = 0; i < 3 && !tidy; i++)
		munmap((void *)user->cpu[i], 4 * MIB);
}

/* --- and at work ------------------------------------------------------------------------------ */

static atomic_bool stop;

static void *work(void *arg)
{
	int fd = *(int *)arg;
	uint64_t *count = calloc(1, sizeof(*count));
	struct drm_gaon_query_telemetry telemetry;

	while (!atomic_load(&stop)) {
		struct drm_gaon_vm_create vm = { .flags = (uint32_t)(*count & 1) };
		struct drm_gaon_bo_create bo = { .size = MIB, .flags = kinds[*count % 3] };

		if (!uapi_ioctl(fd, DRM_IOCTL_GAON_VM_CREATE, &vm)) {
			if (!uapi_ioctl(fd, DRM_IOCTL_GAON_BO_CREATE, &bo)) {
				uapi_map(fd, vm.vm_id, bo.handle, 0, VA, MIB, 0);
				uapi_bo_close(fd, bo.handle);
			}
			uapi_vm_destroy(fd, vm.vm_id);
		}
		uapi_query(fd, DRM_GAON_QUERY_TELEMETRY, &telemetry, sizeof(telemetry));
		(*count)++;
	}
	return count;
}

static void cycle(int round)
{
	struct user user = { 0 };
	pthread_t threads[2];
	uint64_t *count;
	unsigned int i;

	user_start(&user);
	atomic_store(&stop, false);
	for (i = 0; i < 2; i++)
		REQUIRE(!pthread_create(&threads[i], NULL, work, &user.fd), "a thread");
	usleep(100000);
	CHECK_ERRNO(driver_write("unbind"), 0, "round %d: unbind", round);
	user_check_gone(&user);
	atomic_store(&stop, true);
	for (i = 0; i < 2; i++) {
		pthread_join(threads[i], (void **)&count);
		CHECK(*count, "a thread did %llu rounds", (unsigned long long)*count);
		free(count);
	}
	/* Every second time the file outlives the next binding. */
	if (round & 1)
		user_end(&user, round & 2);
	CHECK_ERRNO(driver_write("bind"), 0, "bind");
	if (!(round & 1))
		user_end(&user, round & 2);
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 10, i, fd;

	find_card();
	for (i = 0; i < rounds; i++)
		cycle(i);
	for (i = 0; i < rounds; i++) {
		if (driver_write("unbind") || driver_write("bind"))
			break;
	}
	CHECK(i == rounds, "%d of %d bare cycles", i, rounds);
	fd = open_again();
	CHECK(fd >= 0, "it works at the end");
	uapi_figure("the driver comes and goes", "unbound under clients at work, with files, mappings and dma-bufs", (uint64_t)rounds);
	uapi_exit();
}
