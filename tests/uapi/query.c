// SPDX-License-Identifier: MIT
/* DEV_QUERY: every answer, sizes that are too small and too large, and what is refused. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "uapi.h"

static const uint32_t sizes[] = {
	[DRM_GAON_QUERY_DEVICE] = sizeof(struct drm_gaon_query_device),
	[DRM_GAON_QUERY_MEMORY] = 2 * sizeof(struct drm_gaon_query_memory),
	[DRM_GAON_QUERY_ENGINES] = 4 * sizeof(struct drm_gaon_query_engine),
	[DRM_GAON_QUERY_TOPOLOGY] = sizeof(struct drm_gaon_query_topology),
	[DRM_GAON_QUERY_FIRMWARE] = sizeof(struct drm_gaon_query_firmware),
	[DRM_GAON_QUERY_TELEMETRY] = sizeof(struct drm_gaon_query_telemetry),
	[DRM_GAON_QUERY_TIME] = sizeof(struct drm_gaon_query_time),
};

static void test_sizes(int fd)
{
	unsigned char out[1024];
	uint32_t type, i;

	for (type = 0; type < sizeof(sizes) / sizeof(sizes[0]); type++) {
		struct drm_gaon_dev_query query = { .type = type };
		bool tail = true;

		CHECK_ERRNO(uapi_ioctl(fd, DRM_IOCTL_GAON_DEV_QUERY, &query), 0, "query %u, size", type);
		CHECK(query.size == sizes[type], "query %u: %u bytes", type, query.size);
		memset(out, 0xaa, sizeof(out));
		memset(out, 0, 4);	/* TIME reads the clock from here: CLOCK_REALTIME */
		query.size = sizes[type] + 64;
		query.pointer = (uintptr_t)out;
		CHECK_ERRNO(uapi_ioctl(fd, DRM_IOCTL_GAON_DEV_QUERY, &query), 0, "query %u, longer", type);
		for (i = sizes[type]; i < sizes[type] + 64; i++)
			tail &= !out[i];
		CHECK(tail && out[i] == 0xaa, "query %u: the tail is 0, and no more is written", type);
		memset(out, 0xaa, sizeof(out));
		memset(out, 0, 4);
		query.size = 8;
		CHECK_ERRNO(uapi_ioctl(fd, DRM_IOCTL_GAON_DEV_QUERY, &query), 0, "query %u, shorter", type);
		CHECK(out[8] == 0xaa && query.size == sizes[type],
		      "query %u: only what was asked for, and the whole size", type);
		query.pointer = 8;
		query.size = sizes[type];
		CHECK_ERRNO(uapi_ioctl(fd, DRM_IOCTL_GAON_DEV_QUERY, &query), EFAULT,
			    "query %u: a bad address", type);
	}
	struct drm_gaon_dev_query query = { .type = type };

	CHECK_ERRNO(uapi_ioctl(fd, DRM_IOCTL_GAON_DEV_QUERY, &query), EINVAL, "an unknown query");
	query.type = 0xffffffff;
	CHECK_ERRNO(uapi_ioctl(fd, DRM_IOCTL_GAON_DEV_QUERY, &query), EINVAL, "another one");
}

static void test_device(int fd)
{
	struct drm_gaon_query_topology topology;
	struct drm_gaon_query_engine engines[4];
	struct drm_gaon_query_firmware firmware;
	struct drm_gaon_query_memory memory[2];
	struct drm_gaon_query_device device;
	uint32_t i;

	REQUIRE(!uapi_query(fd, DRM_GAON_QUERY_DEVICE, &device, sizeof(device)), "device");
	CHECK(device.va_min == 65536 && device.va_max == 1ull << 47, "addresses %#llx to %#llx",
	      (unsigned long long)device.va_min, (unsigned long long)device.va_max);
	CHECK(device.hw_revision >> 16 == 1 && device.clock_khz && device.contexts && device.queues &&
	      device.slots && device.preempt_ms && device.save_bytes, "the device is a device");
	CHECK(device.name[0] && !device.name[31], "it is called %.31s", (const char *)device.name);
	CHECK((device.priorities & 3) == 3, "everybody may use the lower priorities");
	REQUIRE(!uapi_query(fd, DRM_GAON_QUERY_TOPOLOGY, &topology, sizeof(topology)), "topology");
	CHECK(topology.cores && topology.vlen >= 128 && topology.spm_bytes, "%u cores, VLEN %u",
	      topology.cores, topology.vlen);
	REQUIRE(!uapi_query(fd, DRM_GAON_QUERY_ENGINES, engines, sizeof(engines)), "engines");
	for (i = 0; i < 4; i++)
		CHECK(engines[i].engine_class == i && !engines[i].pad && engines[i].instances,
		      "engine class %u has %u", i, engines[i].instances);
	CHECK(engines[DRM_GAON_ENGINE_MATRIX].instances == topology.cores * topology.matrix_arrays,
	      "matrix units are counted over all cores");
	REQUIRE(!uapi_query(fd, DRM_GAON_QUERY_MEMORY, memory, sizeof(memory)), "memory");
	CHECK(memory[0].mem_class == DRM_GAON_MEMORY_HOST && memory[0].total > 64 << 20, "host memory");
	CHECK(memory[1].mem_class == DRM_GAON_MEMORY_HBM && memory[1].total >= memory[1].cpu_visible &&
	      memory[1].used <= memory[1].total && memory[1].channels, "HBM: %llu MiB",
	      (unsigned long long)memory[1].total >> 20);
	REQUIRE(!uapi_query(fd, DRM_GAON_QUERY_FIRMWARE, &firmware, sizeof(firmware)), "firmware");
	CHECK(firmware.state == 3 && firmware.abi >= firmware.abi_min && firmware.abi <= firmware.abi_max,
	      "firmware is READY, admin ABI %u", firmware.abi);
	CHECK(!strcmp((const char *)firmware.file, "gaon/ga1.bin") ||
	      !strcmp((const char *)firmware.file, "gaon/ga1-abi1.bin"), "it came from %.31s",
	      (const char *)firmware.file);
}

static void test_time(int fd)
{
	static const int32_t clocks[] = { CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_BOOTTIME,
					  CLOCK_REALTIME };
	struct drm_gaon_query_telemetry first, second;
	struct drm_gaon_query_time t;
	struct timespec now;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		t = (struct drm_gaon_query_time) { .clock = clocks[i] };
		clock_gettime(clocks[i], &now);
		CHECK_ERRNO(uapi_query(fd, DRM_GAON_QUERY_TIME, &t, sizeof(t)), 0, "clock %d",
			    clocks[i]);
		CHECK(t.cpu_ns >= (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec &&
		      t.cpu_delta_ns < 10000000000ull && t.clock_khz, "clock %d goes on", clocks[i]);
	}
	t = (struct drm_gaon_query_time) { .clock = CLOCK_PROCESS_CPUTIME_ID };
	CHECK_ERRNO(uapi_query(fd, DRM_GAON_QUERY_TIME, &t, sizeof(t)), EINVAL, "a clock of no use");
	CHECK_ERRNO(uapi_query(fd, DRM_GAON_QUERY_TIME, &t, 3), EINVAL, "too short for a clock");
	REQUIRE(!uapi_query(fd, DRM_GAON_QUERY_TELEMETRY, &first, sizeof(first)), "telemetry");
	REQUIRE(!uapi_query(fd, DRM_GAON_QUERY_TELEMETRY, &second, sizeof(second)), "telemetry again");
	CHECK(second.cycle >= first.cycle && second.energy_uj >= first.energy_uj, "counters only grow");
	CHECK(first.temp_mc > 0 && first.power_mw && first.clock_khz, "%d.%03d degrees, %u mW",
	      first.temp_mc / 1000, first.temp_mc % 1000, first.power_mw);
}

/*
 * Structures of another version of the interface. Each is filled with the same byte, of which no call
 * can make sense, so that what is said of the tail comes from the tail.
 */
static void test_tails(int fd)
{
	struct { struct drm_gaon_vm_create args; uint64_t tail; } vm = { .tail = 0 };
	long page = sysconf(_SC_PAGESIZE);
	unsigned char *edge, arg[512];
	unsigned int i, size, at;

	edge = mmap(NULL, 2 * (size_t)page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	REQUIRE(edge != MAP_FAILED && !munmap(edge + page, (size_t)page), "a page with nothing behind it");
	for (i = 0; i < UAPI_CALLS; i++) {
		unsigned long known = uapi_calls[i], longer;
		int plain;

		size = _IOC_SIZE(known);
		longer = _IOC(_IOC_DIR(known), _IOC_TYPE(known), _IOC_NR(known), size + 8);
		memset(arg, 0xff, sizeof(arg));
		plain = uapi_ioctl(fd, known, arg);
		CHECK(plain == EINVAL || plain == ENOENT, "call %#lx of nonsense: error %d", known & 0xff,
		      plain);
		memset(arg, 0xff, sizeof(arg));
		memset(arg + size, 0, 8);
		CHECK_ERRNO(uapi_ioctl(fd, longer, arg), plain, "with a tail of 0");
		for (at = 0; at < 8; at += 7) {
			memset(arg + size, 0, 8);
			arg[size + at] = 1;
			CHECK_ERRNO(uapi_ioctl(fd, longer, arg), E2BIG, "with a tail that is not 0 at %u", at);
		}
		memset(edge + page - size, 0xff, size);
		CHECK_ERRNO(uapi_ioctl(fd, longer, edge + page - size), EFAULT, "with a tail that is not there");
	}
	munmap(edge, (size_t)page);

	/* A call that succeeds, and one of an older caller. */
#define SIZED(request, bytes)	_IOC(_IOC_DIR(request), _IOC_TYPE(request), _IOC_NR(request), bytes)
	CHECK_ERRNO(uapi_ioctl(fd, SIZED(DRM_IOCTL_GAON_VM_CREATE, sizeof(vm)), &vm), 0, "a VM, longer");
	CHECK(vm.args.vm_id && !vm.tail, "it is VM %u", vm.args.vm_id);
	CHECK_ERRNO(uapi_vm_destroy(fd, vm.args.vm_id), 0, "destroy");
	vm.args = (struct drm_gaon_vm_create){ .context = 0xffffffff, .pad = 0xffffffff };
	CHECK_ERRNO(uapi_ioctl(fd, SIZED(DRM_IOCTL_GAON_VM_CREATE,
					 offsetof(struct drm_gaon_vm_create, context)), &vm), 0,
		    "a VM, shorter: what is not passed is 0");
	CHECK(vm.args.vm_id && vm.args.context == 0xffffffff, "nor is it written");
	CHECK_ERRNO(uapi_vm_destroy(fd, vm.args.vm_id), 0, "destroy");
#undef SIZED
}

static void test_version(int fd)
{
	char name[16] = "", date[16] = "", desc[64] = "";
	struct drm_version version = {
		.name = name, .name_len = sizeof(name) - 1, .date = date, .date_len = sizeof(date) - 1,
		.desc = desc, .desc_len = sizeof(desc) - 1,
	};

	CHECK_ERRNO(uapi_ioctl(fd, DRM_IOCTL_VERSION, &version), 0, "DRM's version");
	CHECK(!strcmp(name, "gaon") && version.version_major == DRM_GAON_VERSION_MAJOR &&
	      version.version_minor == DRM_GAON_VERSION_MINOR && date[0], "driver %s %d.%d", name,
	      version.version_major, version.version_minor);
}

int main(void)
{
	int fd = uapi_open();

	test_version(fd);
	test_sizes(fd);
	test_device(fd);
	test_time(fd);
	test_tails(fd);
	uapi_exit();
}
