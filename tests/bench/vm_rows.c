// SPDX-License-Identifier: MIT
/* gaon-bench-vm: the figures of the kernel module. The processor is emulated, so only ratios count. */
#include "bench.h"

#define CARD	"GAON_DEVICE=accel0"

const char bench_about[] =
	"Measure the kernel module in a guest with a card: each figure against a peer in the same guest.\n"
	"To be run as root; `make bench-vm` starts the guest.";

const struct bench_row bench_rows[] = {
	{ .name = "submit_ioctl", .unit = "us", .ours = "submit_ioctl", .pair = true,
	  .peer = "syncobj create + signal + destroy", .ratio = 2.0, .at_most = true,
	  .limit = "CPU time of the caller; locks, allocations and copies are listed in performance.rst" },
	{ .name = "userq_launch", .unit = "us", .ours = "userq_launch", .pair = true,
	  .peer = "the same launch through SUBMIT", .ratio = 0.25, .at_most = true,
	  .limit = "one packet, one release store, one barrier; no system call, no doorbell (counted)" },
	{ .name = "vm_bind_large", .unit = "ms", .ours = "vm_bind_large", .pair = true,
	  .peer = "4 KiB maps of the same 1 GiB", .ratio = 0.01, .at_most = true,
	  .limit = "one leaf per 2 MiB; the invalidation" },
	{ .name = "vm_copy_h2d", .unit = "GB/s", .ours = "gaon_h2d", .ours_env = CARD,
	  .theirs = "memory_memcpy", .peer = "memcpy in the guest", .ratio = 0.8,
	  .limit = "memory bandwidth of one thread" },
	{ .name = "vm_copy_d2h", .unit = "GB/s", .ours = "gaon_d2h", .ours_env = CARD,
	  .theirs = "memory_memcpy", .peer = "memcpy in the guest", .ratio = 0.8,
	  .limit = "memory bandwidth of one thread" },
	{ .name = "scale_objects", .unit = "us", .ours = "scale_objects", .pair = true,
	  .peer = "10 objects in place of 10,000", .ratio = 2.0, .at_most = true, .rounds = 1,
	  .limit = "create, map, submit, unmap, close of one" },
	{ .name = "scale_queues", .unit = "us", .ours = "scale_queues", .pair = true,
	  .peer = "10 queues in place of 1,000", .ratio = 2.0, .at_most = true, .rounds = 1,
	  .limit = "create, submit and wait, destroy of one" },
	{ .name = "scale_vms", .unit = "us", .ours = "scale_vms", .pair = true,
	  .peer = "10 address spaces in place of 100", .ratio = 2.0, .at_most = true, .rounds = 1,
	  .limit = "create, map, destroy of one" },
	{ .name = NULL },
};

const struct bench_probe *const bench_tables[] = {
	bench_probes_copy, bench_probes_memory, bench_probes_vm_queue, bench_probes_vm_bind,
	bench_probes_vm_scale, NULL,
};
