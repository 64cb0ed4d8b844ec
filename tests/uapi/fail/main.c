// SPDX-License-Identifier: MIT
/*
 * Every call with every allocation failing that it makes, one after the other: it says ENOMEM or gets
 * over it, nothing stays behind, and without a failure it works as before. As root, in a kernel that
 * can let allocations fail.
 *
 *   fail [probes [step]]	how often the card is bound with an allocation failing, default 20; 0: as
 *				often as it takes until none fails, and nothing else; the only step of
 *				the list below, default all
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../queue_lib.h"
#include "inject.h"

#define BYTES		(256 * 1024ull)
#define VA		0x40000000ull
#define MOST		2000	/* allocations of a call */
#define PROBES		4000	/* of taking the card */

static struct lib lib[2];		/* of VMs with fences, and without */
static struct lib_queue queue[2];
static uint32_t bo, handle, id, sync_in, sync_out;
static uint64_t point;
static int file, peer;
static void *mapped;

/* --- calls, and how what they did is undone --------------------------------------------------- */

static int fd_of(int got, int *out)
{
	*out = got;
	return got < 0 ? errno : 0;
}

static int do_open(void)
{
	return fd_of(open("/dev/accel/accel0", O_RDWR | O_CLOEXEC), &file);
}

static int undo_file(void)
{
	return close(file);
}

static int do_query(void)
{
	static uint8_t out[4096];
	uint32_t type;
	int err = 0;

	for (type = DRM_GAON_QUERY_DEVICE; type <= DRM_GAON_QUERY_TELEMETRY && !err; type++)
		err = uapi_query(lib[0].fd, type, out, sizeof(out));
	return err;
}

static int undo_nothing(void)
{
	return 0;
}

static int vm_create(uint32_t flags)
{
	struct drm_gaon_vm_create args = { .flags = flags };
	int err = uapi_ioctl(lib[0].fd, DRM_IOCTL_GAON_VM_CREATE, &args);

	id = args.vm_id;
	return err;
}

static int do_vm(void)
{
	return vm_create(0);
}

static int do_vm_lr(void)
{
	return vm_create(DRM_GAON_VM_LR);
}

static int undo_vm(void)
{
	return uapi_vm_destroy(lib[0].fd, id);
}

static int bo_create(uint32_t flags, uint32_t vm)
{
	struct drm_gaon_bo_create args = { .size = BYTES, .flags = flags, .vm_id = vm };
	int err = uapi_ioctl(lib[0].fd, DRM_IOCTL_GAON_BO_CREATE, &args);

	handle = args.handle;
	return err;
}

static int do_bo_hbm(void)
{
	return bo_create(DRM_GAON_BO_HBM | DRM_GAON_BO_CPU, 0);
}

static int do_bo_host(void)
{
	return bo_create(DRM_GAON_BO_HOST, 0);
}

static int do_bo_wc(void)
{
	return bo_create(DRM_GAON_BO_HOST | DRM_GAON_BO_WC, lib[0].vm);
}

static int undo_bo(void)
{
	return uapi_bo_close(lib[0].fd, handle);
}

static int do_mmap(void)
{
	struct drm_gaon_bo_mmap_offset args = { .handle = bo };
	int err = uapi_ioctl(lib[0].fd, DRM_IOCTL_GAON_BO_MMAP_OFFSET, &args);

	if (err)
		return err;
	mapped = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, lib[0].fd, (off_t)args.offset);
	return mapped == MAP_FAILED ? errno : 0;
}

static int undo_mmap(void)
{
	return munmap(mapped, BYTES);
}

static int map(struct lib *in)
{
	return uapi_map(in->fd, in->vm, in == lib ? bo : in->bo, 0, VA, BYTES, 0);
}

static int unmap(struct lib *in)
{
	return uapi_unmap(in->fd, in->vm, VA, BYTES);
}

static int do_map(void)
{
	return map(&lib[0]);
}

static int undo_map(void)
{
	return unmap(&lib[0]);
}

static int do_map_lr(void)
{
	return map(&lib[1]);
}

static int undo_map_lr(void)
{
	return unmap(&lib[1]);
}

/* A hole in a mapping that is there. */
static int do_cut(void)
{
	return uapi_unmap(lib[0].fd, lib[0].vm, LIB_MEM_VA + BYTES, BYTES);
}

static int undo_cut(void)
{
	return uapi_map(lib[0].fd, lib[0].vm, lib[0].bo, 0, LIB_MEM_VA, LIB_MEM_BYTES, 0);
}

static int do_map_null(void)
{
	struct drm_gaon_vm_bind_op op = { .type = DRM_GAON_VM_BIND_MAP_NULL, .va = VA, .size = BYTES };

	return uapi_bind(lib[0].fd, lib[0].vm, &op, 1);
}

static char own[BYTES] __attribute__((aligned(4096)));

static int do_userptr(void)
{
	struct drm_gaon_vm_bind_op op = {
		.type = DRM_GAON_VM_BIND_MAP_USERPTR, .va = VA, .size = BYTES, .offset = (uintptr_t)own,
	};

	return uapi_bind(lib[1].fd, lib[1].vm, &op, 1);
}

static int do_bind_async(void)
{
	struct drm_gaon_vm_bind_op op = {
		.type = DRM_GAON_VM_BIND_MAP, .handle = bo, .va = VA, .size = BYTES,
	};
	struct drm_gaon_sync syncs[2] = {
		{ .handle = sync_in },
		{ .flags = DRM_GAON_SYNC_SIGNAL | DRM_GAON_SYNC_TIMELINE, .handle = sync_out,
		  .timeline_value = point + 1 },
	};
	struct drm_gaon_vm_bind args = {
		.vm_id = lib[0].vm,
		.flags = DRM_GAON_VM_BIND_ASYNC,
		.ops = { .stride = sizeof(op), .count = 1, .array = (uintptr_t)&op },
		.syncs = { .stride = sizeof(syncs[0]), .count = 2, .array = (uintptr_t)syncs },
	};

	return uapi_ioctl(lib[0].fd, DRM_IOCTL_GAON_VM_BIND, &args);
}

static int undo_point(void)
{
	return lib_syncobj_wait(lib[0].fd, sync_out, ++point, 60000);
}

static int undo_bind_async(void)
{
	int err = undo_point();

	return err ? err : unmap(&lib[0]);
}

static int do_queue(void)
{
	struct drm_gaon_queue_create args = { .vm_id = lib[0].vm, .ring_log2 = 4 };
	int err = uapi_ioctl(lib[0].fd, DRM_IOCTL_GAON_QUEUE_CREATE, &args);

	id = args.queue_id;
	return err;
}

static int undo_queue(void)
{
	struct drm_gaon_queue_destroy args = { .queue_id = id };

	return uapi_ioctl(lib[0].fd, DRM_IOCTL_GAON_QUEUE_DESTROY, &args);
}

static struct lib_queue user_queue;

static int do_user_queue(void)
{
	return lib_user_queue(&lib[1], &user_queue, 6, 0, 0);
}

static int undo_user_queue(void)
{
	lib[1].used -= (sizeof(struct gaon_packet) << 6) + 64;
	return lib_queue_destroy(&user_queue);
}

/* A queue that can be debugged: made, suspended, looked at, resumed and destroyed. */
static int do_debug(void)
{
	uint64_t used = lib[1].used, word;
	struct lib_queue debugged;
	int err = lib_debug_queue(&lib[1], &debugged);

	if (err)
		return err;
	err = lib_debug(&debugged, DRM_GAON_DEBUG_SUSPEND, 0, NULL, 0);
	if (!err)
		err = lib_debug(&debugged, DRM_GAON_DEBUG_READ, GAON_SAVE_DEBUG, &word, sizeof(word));
	if (!err)
		err = lib_debug(&debugged, DRM_GAON_DEBUG_RESUME, 0, NULL, 0);
	lib_queue_destroy(&debugged);
	lib[1].used = used;
	return err;
}

static int do_queue_state(void)
{
	struct drm_gaon_queue_query query;

	return lib_state(&queue[0], &query, 0);
}

static int do_doorbells(void)
{
	mapped = mmap(NULL, DRM_GAON_DOORBELL_BYTES, PROT_WRITE, MAP_SHARED, lib[1].fd,
		      (off_t)queue[1].doorbell_mmap);
	return mapped == MAP_FAILED ? errno : 0;
}

static int undo_doorbells(void)
{
	return munmap(mapped, DRM_GAON_DOORBELL_BYTES);
}

static int do_submit(void)
{
	return lib_submit(&queue[0], lib_va(0), 1, sync_in, 0, sync_out, point + 1);
}

static int do_wait(void)
{
	int err;

	*lib_word(&lib[1], 64) = 0;
	err = lib_wait(&lib[1], (void *)lib_word(&lib[1], 64), 1, 1);
	return err == ETIME ? 0 : err;
}

static int do_export(void)
{
	struct drm_prime_handle args = { .flags = DRM_CLOEXEC | DRM_RDWR };
	int err = do_bo_host();

	/* An object that is exported once more has its dma-buf already. */
	if (err)
		return err;
	args.handle = handle;
	err = uapi_ioctl(lib[0].fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &args);
	if (err)
		undo_bo();
	file = args.fd;
	return err;
}

static int undo_export(void)
{
	int err = undo_bo();

	return close(file) ? errno : err;
}

static int do_import(void)
{
	return uapi_to_handle(lib[0].fd, peer, &handle);
}

/* --- calls that end something: they always do; to undo them is to make it again ----------------- */

static uint32_t spare_vm, spare_queue, spare_bo;
static int spare_file = -1;

static int do_vm_destroy(void)
{
	return uapi_vm_destroy(lib[0].fd, spare_vm);
}

static int undo_vm_destroy(void)
{
	int err = do_vm();

	spare_vm = id;
	return err;
}

static int do_queue_destroy(void)
{
	id = spare_queue;
	return undo_queue();
}

static int undo_queue_destroy(void)
{
	int err = do_queue();

	spare_queue = id;
	return err;
}

static int do_gem_close(void)
{
	return uapi_bo_close(lib[0].fd, spare_bo);
}

static int undo_gem_close(void)
{
	int err = do_bo_hbm();

	spare_bo = handle;
	return err;
}

static int do_close(void)
{
	return close(spare_file) ? errno : 0;
}

/* A file that has an object, mapped, and queues of both kinds. */
static int undo_close(void)
{
	struct drm_gaon_bo_create args = { .size = BYTES, .flags = DRM_GAON_BO_HBM };
	struct drm_gaon_vm_create vm = { .flags = DRM_GAON_VM_LR }, fenced = { 0 };
	struct drm_gaon_queue_create queue_args = { .ring_log2 = 4 };
	int err;

	spare_file = open("/dev/accel/accel0", O_RDWR | O_CLOEXEC);
	err = spare_file < 0 ? errno : uapi_ioctl(spare_file, DRM_IOCTL_GAON_BO_CREATE, &args);
	if (!err)
		err = uapi_ioctl(spare_file, DRM_IOCTL_GAON_VM_CREATE, &vm);
	if (!err)
		err = uapi_ioctl(spare_file, DRM_IOCTL_GAON_VM_CREATE, &fenced);
	if (!err)
		err = uapi_map(spare_file, vm.vm_id, args.handle, 0, VA, BYTES, 0);
	queue_args.vm_id = fenced.vm_id;
	if (!err)
		err = uapi_ioctl(spare_file, DRM_IOCTL_GAON_QUEUE_CREATE, &queue_args);
	queue_args = (struct drm_gaon_queue_create) {
		.vm_id = vm.vm_id, .flags = DRM_GAON_QUEUE_USER, .ring_log2 = 6, .ring_va = VA,
		.state_va = VA + (sizeof(struct gaon_packet) << 6),
	};
	return err ? err : uapi_ioctl(spare_file, DRM_IOCTL_GAON_QUEUE_CREATE, &queue_args);
}

/* --- calls that only look, or set a word -------------------------------------------------------- */

static int do_vm_state(void)
{
	struct drm_gaon_vm_state args = { .vm_id = lib[0].vm };

	return uapi_ioctl(lib[0].fd, DRM_IOCTL_GAON_VM_STATE, &args);
}

static int do_bo_info(void)
{
	struct drm_gaon_bo_info args = { .handle = bo };

	return uapi_ioctl(lib[0].fd, DRM_IOCTL_GAON_BO_INFO, &args);
}

static int do_set_name(void)
{
	struct drm_gaon_bo_set_name args = { .handle = bo, .name = "fail" };

	return uapi_ioctl(lib[0].fd, DRM_IOCTL_GAON_BO_SET_NAME, &args);
}

static int do_priority(void)
{
	struct drm_gaon_queue_set_priority args = {
		.queue_id = queue[0].id, .priority = DRM_GAON_PRIORITY_LOW,
	};

	return uapi_ioctl(lib[0].fd, DRM_IOCTL_GAON_QUEUE_SET_PRIORITY, &args);
}

/* Of a queue that has no fault. */
static int do_clear(void)
{
	struct drm_gaon_queue_clear args = { .queue_id = queue[0].id };
	int err = uapi_ioctl(lib[0].fd, DRM_IOCTL_GAON_QUEUE_CLEAR, &args);

	return err == EBUSY ? 0 : err;
}

static const struct step {
	const char *name;
	int (*call)(void);
	int (*undo)(void);
	int also;	/* may stand for ENOMEM; -1: the call allocates nothing; -2: it tries again */
} steps[] = {
	{ "open", do_open, undo_file, 0 },
	{ "DEV_QUERY", do_query, undo_nothing, -1 },
	{ "VM_CREATE", do_vm, undo_vm, 0 },
	{ "VM_CREATE, LR", do_vm_lr, undo_vm, 0 },
	{ "BO_CREATE in HBM", do_bo_hbm, undo_bo, -2 },
	{ "BO_CREATE in host memory", do_bo_host, undo_bo, 0 },
	{ "BO_CREATE, write-combined, of a VM", do_bo_wc, undo_bo, 0 },
	{ "mmap of an object", do_mmap, undo_mmap, 0 },
	{ "VM_BIND MAP", do_map, undo_map, 0 },
	{ "VM_BIND MAP, LR", do_map_lr, undo_map_lr, 0 },
	{ "VM_BIND UNMAP of a part", do_cut, undo_cut, 0 },
	{ "VM_BIND MAP_NULL", do_map_null, undo_map, 0 },
	{ "VM_BIND MAP_USERPTR", do_userptr, undo_map_lr, EFAULT },
	{ "VM_BIND MAP, asynchronous", do_bind_async, undo_bind_async, 0 },
	{ "QUEUE_CREATE, kernel-owned", do_queue, undo_queue, ENOSPC },
	{ "QUEUE_CREATE, user-mode", do_user_queue, undo_user_queue, ENOSPC },
	{ "QUEUE_CREATE and DEBUG", do_debug, undo_nothing, ENOSPC },
	{ "QUEUE_STATE", do_queue_state, undo_nothing, -1 },
	{ "mmap of doorbells", do_doorbells, undo_doorbells, 0 },
	{ "SUBMIT", do_submit, undo_point, 0 },
	{ "WAIT", do_wait, undo_nothing, -1 },
	{ "BO_CREATE and PRIME_HANDLE_TO_FD", do_export, undo_export, 0 },
	{ "PRIME_FD_TO_HANDLE", do_import, undo_bo, 0 },
	{ "VM_DESTROY", do_vm_destroy, undo_vm_destroy, -1 },
	{ "QUEUE_DESTROY", do_queue_destroy, undo_queue_destroy, -1 },
	{ "GEM_CLOSE", do_gem_close, undo_gem_close, -1 },
	{ "close", do_close, undo_close, -1 },
	{ "VM_STATE", do_vm_state, undo_nothing, -1 },
	{ "BO_INFO", do_bo_info, undo_nothing, -1 },
	{ "BO_SET_NAME", do_set_name, undo_nothing, -1 },
	{ "QUEUE_SET_PRIORITY", do_priority, undo_nothing, -1 },
	{ "QUEUE_CLEAR", do_clear, undo_nothing, -2 },
};

/* --- one by one --------------------------------------------------------------------------------- */

/* Bytes that objects take, of either memory. */
static bool usage_is(uint64_t wanted[2])
{
	struct drm_gaon_query_memory memory[2] = { 0 };

	if (uapi_query(lib[0].fd, DRM_GAON_QUERY_MEMORY, memory, sizeof(memory)))
		return false;
	if (memory[0].used == wanted[0] && memory[1].used == wanted[1])
		return true;
	wanted[0] = memory[0].used;
	wanted[1] = memory[1].used;
	return false;
}

static bool usage_settles(const uint64_t before[2], uint64_t now[2])
{
	int tries;

	/* What is freed may wait for work that is queued. */
	for (tries = 0; tries < 100; tries++) {
		now[0] = before[0];
		now[1] = before[1];
		if (usage_is(now))
			return true;
		usleep(100000);
	}
	return false;
}

static void step_run(const struct step *step)
{
	uint32_t n, refused = 0, survived = 0;
	uint64_t before[2] = { 0 }, now[2];
	bool hit = true;
	int err;

	usage_is(before);
	err = step->call();
	REQUIRE(!err && !step->undo() && usage_settles(before, now), "%s without a failure: %s", step->name,
		strerror(err));
	for (n = 1; n <= MOST && hit; n++) {
		inject_at(n);
		err = step->call();
		hit = inject_end();
		if (err && (!hit || (err != ENOMEM && err != step->also)))
			break;
		if (!err && step->undo()) {
			CHECK(false, "%s: undone after allocation %u failed", step->name, n);
			return;
		}
		if (hit)
			err ? refused++ : survived++;
	}
	CHECK(!err && !hit && (step->also == -2 || !refused == (step->also == -1)),
	      "%s: %u allocations, refused after %u, got over %u%s%s", step->name, refused + survived, refused, survived, err ? ", then " : "", err ? strerror(err) : "");
	uapi_figure("allocations that failed", "in a call", refused + survived);
	CHECK(usage_settles(before, now), "%s: host memory %llu and %llu, HBM %llu and %llu bytes", step->name,
	      (unsigned long long)before[0], (unsigned long long)now[0], (unsigned long long)before[1],
	      (unsigned long long)now[1]);
}

/*
 * The same of copies. The last one of a call that makes something tells its number: if that fails, what
 * was made is there until the file is closed, as with all of DRM.
 */
static void step_copies(const struct step *step)
{
	bool makes = strstr(step->name, "CREATE") || strstr(step->name, "PRIME");
	uint64_t before[2] = { 0 }, now[2];
	uint32_t n, copies;
	int err;

	usage_is(before);
	inject_at(MOST);
	err = step->call();
	copies = inject_end_count(MOST);
	REQUIRE(!err && !step->undo() && usage_settles(before, now), "%s without a failure: %s", step->name, strerror(err));
	for (n = 1; n + makes <= copies && !err; n++) {
		inject_at(n);
		err = step->call();
		if (inject_end() && err == EFAULT)
			err = 0;
		else
			err = err ?: EBADE;
	}
	CHECK(!err, "%s: %u copies of user memory fail%s%s", step->name, n - 1, err ? ", but then: " : "",
	      err == EBADE ? "it succeeds" : err ? strerror(err) : "");
	uapi_figure("copies of user memory that failed", "in a call", n - 1);
	CHECK(usage_settles(before, now), "%s: host memory %llu and %llu, HBM %llu and %llu bytes", step->name,
	      (unsigned long long)before[0], (unsigned long long)now[0], (unsigned long long)before[1],
	      (unsigned long long)now[1]);
}

/* --- the driver takes the card --------------------------------------------------------------------- */

static int driver_write(const char *name, const char *address, uint32_t n, bool *hit)
{
	char path[64];
	ssize_t length;
	int fd, err;

	snprintf(path, sizeof(path), "/sys/bus/pci/drivers/gaon/%s", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	if (n)
		inject_at(n);
	length = write(fd, address, strlen(address));
	err = length < 0 ? errno : 0;
	if (n)
		*hit = inject_end();
	close(fd);
	return err;
}

/*
 * What becomes of a lack of memory: interrupts say ENOSPC or ENODEV, the reservation of a BAR EBUSY, the
 * kernel's loader of firmware EINVAL if the file system could not say how long the file is.
 */
static bool probe_error(int err)
{
	return err == ENOMEM || err == ENOSPC || err == ENODEV || err == EBUSY || err == EINVAL;
}

/*
 * Takes long for all: some at random, among those up to the last that was hit; or (@probes is 0) one
 * after the other until none fails. The driver leaves the card whatever fails meanwhile.
 */
static void probe_run(const char *address, int probes)
{
	uint32_t limit = 1024, n = 0, refused = 0, survived = 0, leaving = 0;
	bool hit = true, all = !probes;
	int i, err;

	for (i = 0; all ? hit && i < PROBES : i < probes; i++) {
		n = all ? (uint32_t)i + 1 : 1 + (uint32_t)(uapi_random() % 64);
		err = driver_write("unbind", address, n, &hit);
		leaving += hit;
		/* The driver is not asked when sysfs has no memory for what is written. */
		if (err == ENOMEM && hit)
			err = driver_write("unbind", address, 0, NULL);
		REQUIRE(!err, "unbind %d with allocation %u failing: %s", i, n, strerror(err));
		if (!all)
			n = 1 + (uint32_t)(uapi_random() % limit);
		err = driver_write("bind", address, n, &hit);
		if (!hit)
			limit = n > 16 ? n : 16;
		if (err && (!hit || !probe_error(err)))
			break;
		if (hit)
			err ? refused++ : survived++;
		if (err) {
			err = driver_write("bind", address, 0, NULL);
			REQUIRE(!err, "bind after allocation %u failed: %s", n, strerror(err));
		}
	}
	uapi_figure("allocations that failed", "while the driver took the card or left it", refused + survived + leaving);
	CHECK((all ? !hit : i == probes) && !err && refused,
	      "bind: %u of %d allocations failed, refused after %u, got over %u; unbind: %u failed%s%s",
	      refused + survived, i, refused, survived, leaving, err ? "; then " : "", err ? strerror(err) : "");
}

/* --- the world ----------------------------------------------------------------------------------- */

static void world_make(void)
{
	struct gaon_packet nop = lib_nop(0, 0, 0);
	int err;

	lib_open(&lib[0], 0);
	lib_open(&lib[1], DRM_GAON_VM_LR);
	memset(own, 1, sizeof(own));
	memcpy(lib[0].mem, &nop, sizeof(nop));
	bo = uapi_bo(lib[0].fd, BYTES, DRM_GAON_BO_HBM | DRM_GAON_BO_CPU, 0);
	sync_in = lib_syncobj(lib[0].fd);
	sync_out = lib_syncobj(lib[0].fd);
	peer = uapi_udmabuf(BYTES, NULL);
	err = lib_kernel_queue(&lib[0], &queue[0], 4, 0, 0);
	REQUIRE(!err && !lib_user_queue(&lib[1], &queue[1], 6, 0, 0), "queues: %s", strerror(err));
	/* Signalled: what waits for it goes on at once. */
	err = lib_submit(&queue[0], lib_va(0), 1, 0, 0, sync_in, 0);
	REQUIRE(!undo_vm_destroy() && !undo_queue_destroy() && !undo_gem_close() && !undo_close(), "spares");
	REQUIRE(bo && !err && !lib_syncobj_wait(lib[0].fd, sync_in, 0, 60000), "it runs: %s", strerror(err));
}

static void world_end(void)
{
	close(peer);
	close(spare_file);
	lib_close(&lib[0]);
	lib_close(&lib[1]);
}

int main(int argc, char **argv)
{
	int probes = argc > 1 ? atoi(argv[1]) : 20;
	char *path, address[64];
	size_t i, ran = 0;

	inject_init();
	world_make();
	for (i = 0; probes && i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (argc < 3 || !strcmp(argv[2], steps[i].name)) {
			step_run(&steps[i]);
			ran++;
		}
	}
	CHECK(ran || !probes, "%zu steps", ran);
	inject_set(INJECT_COPY);
	for (i = 0; probes && i < sizeof(steps) / sizeof(steps[0]); i++) {
		/* What is made first, for the call that takes it away, would be left. */
		if (strstr(steps[i].name, "DESTROY") || strstr(steps[i].name, "CLOSE") || strstr(steps[i].name, " and "))
			continue;
		if (argc < 3 || !strcmp(argv[2], steps[i].name))
			step_copies(&steps[i]);
	}
	inject_set(INJECT_ALLOC);
	world_end();
	path = realpath("/sys/class/accel/accel0/device", NULL);
	REQUIRE(path, "accel0 is a device: %s", strerror(errno));
	snprintf(address, sizeof(address), "%s", strrchr(path, '/') + 1);
	free(path);
	probe_run(address, probes);
	uapi_exit();
}
