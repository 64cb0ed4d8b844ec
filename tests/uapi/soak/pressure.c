// SPDX-License-Identifier: MIT
/* Those who take what others need: memory of all kinds, processors, the locks of what can be read. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "soak.h"
#include "../edges/counters.h"

#define MIB		(1ull << 20)
#define OBJECTS		40u
#define OBJECT_BYTES	(8 * MIB)
#define OBJECT_VA(i)	(0x2000000000ull + (i) * OBJECT_BYTES)
#define GROUP		"/sys/fs/cgroup/gaon-soak"
#define GROUP_LIMIT	"64M"
#define PIECE		(2 * MIB)
#define LEFT		(256 * MIB)	/* of the host's memory, for all others */
#define PAUSE_US	20000

static bool round_done(struct soak_self *self)
{
	self->shared->pressure_rounds[self->kind]++;
	return soak_stopped(self);
}

/* --- HBM --------------------------------------------------------------------------------------------- */

static int objects_make(struct soak_client *client)
{
	int fd = client->lib.fd, err = 0;

	for (unsigned int i = 0; i < OBJECTS && !err; i++) {
		struct drm_gaon_bo_create args = {
			.size = OBJECT_BYTES,
			.flags = DRM_GAON_BO_HBM | DRM_GAON_BO_HOST,
			.vm_id = i & 1 ? client->lib.vm : 0,
		};

		err = uapi_ioctl(fd, DRM_IOCTL_GAON_BO_CREATE, &args);
		if (!err)
			err = uapi_map(fd, client->lib.vm, args.handle, 0, OBJECT_VA(i), OBJECT_BYTES, 0);
	}
	return err;
}

static int job(struct soak_client *client, struct gaon_packet packet)
{
	struct lib *lib = &client->lib;
	int err;

	packet.flags |= GAON_PKT_F_BARRIER;
	packet.scope = GAON_SCOPE_HOST | GAON_SCOPE_HOST << 4;
	memcpy(lib->mem + SOAK_LIST, &packet, sizeof(packet));
	err = lib_submit(&client->queue, lib_va(SOAK_LIST), 1, 0, 0, client->done, 0);
	if (!err)
		err = lib_syncobj_wait(lib->fd, client->done, 0, soak_ms(SOAK_PATIENCE_MS));
	return err ? err : -lib_syncobj_status(lib->fd, client->done);
}

/* An object says what was put there, wherever it has been since; then something else is put there. */
static enum soak_verdict object_use(struct soak_client *client, uint64_t *words, unsigned int i)
{
	const uint64_t *seen = (const uint64_t *)(client->lib.mem + SOAK_TO);
	uint64_t at = fuzz_below(&client->self->rng, OBJECT_BYTES / 4096) * 4096ull, old = words[i];
	enum soak_verdict verdict;

	memset(client->lib.mem + SOAK_TO, 0xff, 4096);
	verdict = soak_client_judge(client, job(client, lib_copy(lib_va(SOAK_TO), OBJECT_VA(i) + at, 4096)),
				    "an object is read");
	for (unsigned int w = 0; w < 512 && verdict == SOAK_FINE; w++) {
		if (seen[w] != old)
			verdict = soak_client_doubt(client, "an object that others pushed out of HBM", seen, 4096);
	}
	if (verdict != SOAK_FINE)
		return verdict;
	words[i] = fuzz_next(&client->self->rng);
	verdict = soak_client_judge(client, job(client, lib_fill(OBJECT_VA(i), OBJECT_BYTES, words[i])),
				    "an object is filled");
	/* Filled or not, or in part: it is filled again. */
	while (verdict == SOAK_DROPPED || verdict == SOAK_RETRY) {
		usleep(PAUSE_US);
		verdict = soak_client_judge(client,
					    job(client, lib_fill(OBJECT_VA(i), OBJECT_BYTES, words[i])),
					    "an object is filled again");
	}
	client->self->shared->jobs += verdict == SOAK_FINE;
	return verdict;
}

static void hbm(struct soak_self *self)
{
	static struct soak_client client;
	uint64_t words[OBJECTS];
	enum soak_verdict verdict;

	while (!soak_stopped(self)) {
		memset(words, 0, sizeof(words));
		verdict = SOAK_LOST;
		if (!soak_client_open(&client, self, false) && !objects_make(&client))
			verdict = SOAK_FINE;
		while (verdict < SOAK_LOST && !round_done(self))
			verdict = object_use(&client, words, fuzz_below(&self->rng, OBJECTS));
		soak_client_close(&client);
		usleep(PAUSE_US);
	}
}

/* --- the host's -------------------------------------------------------------------------------------- */

/* Objects of host memory until there is no more: that is an error, and nobody is killed for it. */
static void cgroup(struct soak_self *self)
{
	unsigned int count;
	char *own;
	int fd;

	counters_write("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	mkdir(GROUP, 0755);
	if (counters_write(GROUP "/memory.max", GROUP_LIMIT) || counters_write(GROUP "/cgroup.procs", "0")) {
		soak_wrong(self, "no memory cgroup: %s", strerror(errno));
		return;
	}
	own = mmap(NULL, 16 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	while (!round_done(self)) {
		fd = soak_open_node();
		for (count = 0; fd >= 0 && count < 64; count++) {
			struct drm_gaon_bo_create args = { .size = PIECE, .flags = DRM_GAON_BO_HOST };

			if (uapi_ioctl(fd, DRM_IOCTL_GAON_BO_CREATE, &args))
				break;
			memset(own + count % 16 * MIB, (int)count, MIB);
		}
		if (count == 64)
			soak_wrong(self, "128 MiB of objects in a cgroup of " GROUP_LIMIT);
		close(fd);
	}
}

static uint64_t available(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	unsigned long long kib = 0;
	char line[128];

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "MemAvailable: %llu", &kib) == 1)
			break;
	}
	if (file)
		fclose(file);
	return kib << 10;
}

/* If memory runs out this is who goes: the log may say so, see klog.c. */
static void host(struct soak_self *self)
{
	prctl(PR_SET_NAME, "soak-hog");
	counters_write("/proc/self/oom_score_adj", "1000");
	while (!round_done(self)) {
		uint64_t bytes = available();
		char *own;

		if (bytes > LEFT) {
			bytes -= LEFT;
			own = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			if (own == MAP_FAILED)
				continue;
			for (uint64_t at = 0; at < bytes && !soak_stopped(self); at += 4096)
				own[at] = 1;
			usleep(1000 * fuzz_below(&self->rng, 2000));
			munmap(own, bytes);
		}
		usleep(PAUSE_US);
	}
}

/* --- processors and readers ------------------------------------------------------------------------- */

static void cpu(struct soak_self *self)
{
	pid_t child = fork();
	volatile uint64_t n = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (!soak_stopped(self)) {
		for (unsigned int i = 0; i < 1000000; i++)
			n += i;
		self->shared->pressure_rounds[self->kind]++;
	}
	if (child > 0)
		kill(child, SIGKILL);
}

/* Not what is mapped rather than read, and no directory that leads to another device. */
static int read_one(const char *path, const struct stat *stat, int type, struct FTW *where)
{
	const char *name = path + where->base;
	char text[4096];
	int fd;

	if (type != FTW_F || !(stat->st_mode & 0444) || !strncmp(name, "resource", 8) || !strcmp(name, "rom"))
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	while (fd >= 0 && read(fd, text, sizeof(text)) > 0)
		;
	if (fd >= 0)
		close(fd);
	return 0;
}

static void readers(struct soak_self *self)
{
	char device[96], debug[96];

	snprintf(device, sizeof(device), "/sys/bus/pci/devices/%s/", counters_card());
	snprintf(debug, sizeof(debug), "/sys/kernel/debug/accel/%s/", counters_card());
	while (!round_done(self)) {
		nftw(device, read_one, 16, FTW_PHYS);
		nftw(debug, read_one, 16, FTW_PHYS);
		for (unsigned int i = 0; i < SOAK_PLACES; i++) {
			struct drm_gaon_query_telemetry telemetry;
			char fdinfo[64];
			int fd = soak_open_node();

			uapi_query(fd, DRM_GAON_QUERY_TELEMETRY, &telemetry, sizeof(telemetry));
			snprintf(fdinfo, sizeof(fdinfo), "/proc/self/fdinfo/%d", fd);
			counters_lines(fdinfo);
			close(fd);
		}
	}
}

void soak_pressure(struct soak_self *self)
{
	static void (*const run[SOAK_PRESSURES])(struct soak_self *self) = {
		[SOAK_PRESSURE_HBM] = hbm, [SOAK_PRESSURE_CGROUP] = cgroup, [SOAK_PRESSURE_HOST] = host,
		[SOAK_PRESSURE_CPU] = cpu, [SOAK_PRESSURE_READERS] = readers,
	};

	run[self->kind](self);
}
