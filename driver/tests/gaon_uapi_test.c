// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The layout of the interface, in numbers: programs that were built with an older header must go on
 * to work. Structures grow at their end only; who adds a field adds it here.
 */
#include <linux/stddef.h>
#include <linux/types.h>

#include <kunit/test.h>

#include <uapi/drm/gaon_accel.h>

/** struct uapi_field - where a field is, and where it must be */
struct uapi_field {
	const char *name;
	size_t offset, bytes, want_offset, want_bytes;
};

/** struct uapi_struct - a structure, and its size when it was written down */
struct uapi_struct {
	const char *name;
	size_t bytes, want_bytes;
	const struct uapi_field *field;
	unsigned int fields;
};

#define FIELD(type, member, at, size)							\
	{ #member, offsetof(struct drm_gaon_##type, member),				\
	  sizeof_field(struct drm_gaon_##type, member), at, size }
#define STRUCT(type, size)								\
	{ #type, sizeof(struct drm_gaon_##type), size, type##_fields,			\
	  ARRAY_SIZE(type##_fields) }

static const struct uapi_field obj_array_fields[] = {
	FIELD(obj_array, stride, 0, 4),
	FIELD(obj_array, count, 4, 4),
	FIELD(obj_array, array, 8, 8),
};

static const struct uapi_field sync_fields[] = {
	FIELD(sync, flags, 0, 4),
	FIELD(sync, handle, 4, 4),
	FIELD(sync, timeline_value, 8, 8),
};

static const struct uapi_field dev_query_fields[] = {
	FIELD(dev_query, type, 0, 4),
	FIELD(dev_query, size, 4, 4),
	FIELD(dev_query, pointer, 8, 8),
};

static const struct uapi_field query_device_fields[] = {
	FIELD(query_device, flags, 0, 8),
	FIELD(query_device, hw_revision, 8, 4),
	FIELD(query_device, numerics, 12, 4),
	FIELD(query_device, va_min, 16, 8),
	FIELD(query_device, va_max, 24, 8),
	FIELD(query_device, page_size, 32, 4),
	FIELD(query_device, clock_khz, 36, 4),
	FIELD(query_device, contexts, 40, 4),
	FIELD(query_device, queues, 44, 4),
	FIELD(query_device, file_vms, 48, 4),
	FIELD(query_device, file_queues, 52, 4),
	FIELD(query_device, slots, 56, 4),
	FIELD(query_device, preempt_ms, 60, 4),
	FIELD(query_device, save_bytes, 64, 8),
	FIELD(query_device, priorities, 72, 4),
	FIELD(query_device, resets, 76, 4),
	FIELD(query_device, serial, 80, 16),
	FIELD(query_device, name, 96, 32),
};

static const struct uapi_field query_memory_fields[] = {
	FIELD(query_memory, mem_class, 0, 2),
	FIELD(query_memory, instance, 2, 2),
	FIELD(query_memory, min_page_size, 4, 4),
	FIELD(query_memory, total, 8, 8),
	FIELD(query_memory, used, 16, 8),
	FIELD(query_memory, cpu_visible, 24, 8),
	FIELD(query_memory, cpu_visible_used, 32, 8),
	FIELD(query_memory, mbps, 40, 4),
	FIELD(query_memory, channels, 44, 4),
};

static const struct uapi_field query_engine_fields[] = {
	FIELD(query_engine, engine_class, 0, 2),
	FIELD(query_engine, pad, 2, 2),
	FIELD(query_engine, instances, 4, 4),
	FIELD(query_engine, per_core, 8, 4),
	FIELD(query_engine, clock_khz, 12, 4),
};

static const struct uapi_field query_topology_fields[] = {
	FIELD(query_topology, cores, 0, 4),
	FIELD(query_topology, vlen, 4, 4),
	FIELD(query_topology, dlen, 8, 4),
	FIELD(query_topology, vector_pipes, 12, 4),
	FIELD(query_topology, matrix_arrays, 16, 4),
	FIELD(query_topology, matrix_dim, 20, 4),
	FIELD(query_topology, dma_channels, 24, 4),
	FIELD(query_topology, copy_engines, 28, 4),
	FIELD(query_topology, spm_bytes, 32, 8),
	FIELD(query_topology, links, 40, 4),
	FIELD(query_topology, link_mbps, 44, 4),
	FIELD(query_topology, numa_node, 48, 4),
	FIELD(query_topology, pad, 52, 4),
};

static const struct uapi_field query_firmware_fields[] = {
	FIELD(query_firmware, version, 0, 4),
	FIELD(query_firmware, abi, 4, 4),
	FIELD(query_firmware, abi_min, 8, 2),
	FIELD(query_firmware, abi_max, 10, 2),
	FIELD(query_firmware, state, 12, 4),
	FIELD(query_firmware, features, 16, 8),
	FIELD(query_firmware, build, 24, 32),
	FIELD(query_firmware, file, 56, 32),
};

static const struct uapi_field query_telemetry_fields[] = {
	FIELD(query_telemetry, cycle, 0, 8),
	FIELD(query_telemetry, core_busy, 8, 64),
	FIELD(query_telemetry, matrix_busy, 72, 64),
	FIELD(query_telemetry, dma_busy, 136, 64),
	FIELD(query_telemetry, copy_busy, 200, 32),
	FIELD(query_telemetry, hbm_read, 232, 8),
	FIELD(query_telemetry, hbm_write, 240, 8),
	FIELD(query_telemetry, host_read, 248, 8),
	FIELD(query_telemetry, host_write, 256, 8),
	FIELD(query_telemetry, packets, 264, 8),
	FIELD(query_telemetry, launches, 272, 8),
	FIELD(query_telemetry, workgroups, 280, 8),
	FIELD(query_telemetry, instructions, 288, 8),
	FIELD(query_telemetry, doorbells, 296, 8),
	FIELD(query_telemetry, doorbells_dropped, 304, 8),
	FIELD(query_telemetry, faults, 312, 8),
	FIELD(query_telemetry, preemptions, 320, 8),
	FIELD(query_telemetry, resets, 328, 8),
	FIELD(query_telemetry, tlb_misses, 336, 8),
	FIELD(query_telemetry, tlb_invalidations, 344, 8),
	FIELD(query_telemetry, energy_uj, 352, 8),
	FIELD(query_telemetry, power_mw, 360, 4),
	FIELD(query_telemetry, temp_mc, 364, 4),
	FIELD(query_telemetry, clock_khz, 368, 4),
	FIELD(query_telemetry, pad, 372, 4),
	FIELD(query_telemetry, hbm_ce, 376, 8),
	FIELD(query_telemetry, hbm_ue, 384, 8),
	FIELD(query_telemetry, spm_ce, 392, 8),
	FIELD(query_telemetry, spm_ue, 400, 8),
	FIELD(query_telemetry, link_ce, 408, 8),
	FIELD(query_telemetry, link_ue, 416, 8),
	FIELD(query_telemetry, lost_events, 424, 8),
	FIELD(query_telemetry, retired_pages, 432, 8),
	FIELD(query_telemetry, power_cap_mw, 440, 4),
	FIELD(query_telemetry, clock_limit_khz, 444, 4),
	FIELD(query_telemetry, throttle, 448, 4),
	FIELD(query_telemetry, pad1, 452, 4),
	FIELD(query_telemetry, throttled_power, 456, 8),
	FIELD(query_telemetry, throttled_heat, 464, 8),
	FIELD(query_telemetry, throttled_power_cycles, 472, 8),
	FIELD(query_telemetry, throttled_heat_cycles, 480, 8),
};

static const struct uapi_field query_time_fields[] = {
	FIELD(query_time, clock, 0, 4),
	FIELD(query_time, clock_khz, 4, 4),
	FIELD(query_time, cycle, 8, 8),
	FIELD(query_time, cpu_ns, 16, 8),
	FIELD(query_time, cpu_delta_ns, 24, 8),
};

static const struct uapi_field vm_create_fields[] = {
	FIELD(vm_create, flags, 0, 4),
	FIELD(vm_create, vm_id, 4, 4),
	FIELD(vm_create, print_va, 8, 8),
	FIELD(vm_create, context, 16, 4),
	FIELD(vm_create, pad, 20, 4),
};

static const struct uapi_field vm_destroy_fields[] = {
	FIELD(vm_destroy, vm_id, 0, 4),
	FIELD(vm_destroy, pad, 4, 4),
};

static const struct uapi_field vm_bind_op_fields[] = {
	FIELD(vm_bind_op, type, 0, 4),
	FIELD(vm_bind_op, flags, 4, 4),
	FIELD(vm_bind_op, handle, 8, 4),
	FIELD(vm_bind_op, pad, 12, 4),
	FIELD(vm_bind_op, offset, 16, 8),
	FIELD(vm_bind_op, va, 24, 8),
	FIELD(vm_bind_op, size, 32, 8),
};

static const struct uapi_field vm_bind_fields[] = {
	FIELD(vm_bind, vm_id, 0, 4),
	FIELD(vm_bind, flags, 4, 4),
	FIELD(vm_bind, ops, 8, 16),
	FIELD(vm_bind, syncs, 24, 16),
	FIELD(vm_bind, done, 40, 4),
	FIELD(vm_bind, pad, 44, 4),
};

static const struct uapi_field vm_state_fields[] = {
	FIELD(vm_state, vm_id, 0, 4),
	FIELD(vm_state, state, 4, 4),
	FIELD(vm_state, mapped, 8, 8),
	FIELD(vm_state, tables, 16, 8),
	FIELD(vm_state, large_pages, 24, 4),
	FIELD(vm_state, giant_pages, 28, 4),
};

static const struct uapi_field bo_create_fields[] = {
	FIELD(bo_create, size, 0, 8),
	FIELD(bo_create, flags, 8, 4),
	FIELD(bo_create, vm_id, 12, 4),
	FIELD(bo_create, handle, 16, 4),
	FIELD(bo_create, pad, 20, 4),
};

static const struct uapi_field bo_mmap_offset_fields[] = {
	FIELD(bo_mmap_offset, handle, 0, 4),
	FIELD(bo_mmap_offset, pad, 4, 4),
	FIELD(bo_mmap_offset, offset, 8, 8),
};

static const struct uapi_field bo_info_fields[] = {
	FIELD(bo_info, handle, 0, 4),
	FIELD(bo_info, flags, 4, 4),
	FIELD(bo_info, size, 8, 8),
	FIELD(bo_info, placement, 16, 4),
	FIELD(bo_info, imported, 20, 4),
	FIELD(bo_info, name, 24, 32),
};

static const struct uapi_field bo_set_name_fields[] = {
	FIELD(bo_set_name, handle, 0, 4),
	FIELD(bo_set_name, pad, 4, 4),
	FIELD(bo_set_name, name, 8, 32),
};

static const struct uapi_field queue_create_fields[] = {
	FIELD(queue_create, vm_id, 0, 4),
	FIELD(queue_create, flags, 4, 4),
	FIELD(queue_create, priority, 8, 4),
	FIELD(queue_create, ring_log2, 12, 4),
	FIELD(queue_create, ring_va, 16, 8),
	FIELD(queue_create, state_va, 24, 8),
	FIELD(queue_create, limit_cycles, 32, 8),
	FIELD(queue_create, slice_us, 40, 4),
	FIELD(queue_create, queue_id, 44, 4),
	FIELD(queue_create, hw_id, 48, 4),
	FIELD(queue_create, doorbell_offset, 52, 4),
	FIELD(queue_create, doorbell_mmap, 56, 8),
};

static const struct uapi_field queue_destroy_fields[] = {
	FIELD(queue_destroy, queue_id, 0, 4),
	FIELD(queue_destroy, pad, 4, 4),
};

static const struct uapi_field fault_fields[] = {
	FIELD(fault, type, 0, 2),
	FIELD(fault, access, 2, 1),
	FIELD(fault, core, 3, 1),
	FIELD(fault, context, 4, 4),
	FIELD(fault, hw_queue, 8, 4),
	FIELD(fault, workgroup, 12, 4),
	FIELD(fault, sequence, 16, 8),
	FIELD(fault, pc, 24, 8),
	FIELD(fault, va, 32, 8),
	FIELD(fault, syndrome, 40, 8),
	FIELD(fault, cycle, 48, 8),
	FIELD(fault, tag, 56, 4),
	FIELD(fault, list_index, 60, 4),
};

static const struct uapi_field queue_query_fields[] = {
	FIELD(queue_query, queue_id, 0, 4),
	FIELD(queue_query, flags, 4, 4),
	FIELD(queue_query, state, 8, 4),
	FIELD(queue_query, priority, 12, 4),
	FIELD(queue_query, submitted, 16, 8),
	FIELD(queue_query, completed, 24, 8),
	FIELD(queue_query, preempted, 32, 8),
	FIELD(queue_query, lost, 40, 8),
	FIELD(queue_query, fault, 48, 64),
	FIELD(queue_query, ring_index, 112, 8),
};

static const struct uapi_field queue_set_priority_fields[] = {
	FIELD(queue_set_priority, queue_id, 0, 4),
	FIELD(queue_set_priority, priority, 4, 4),
};

static const struct uapi_field queue_clear_fields[] = {
	FIELD(queue_clear, queue_id, 0, 4),
	FIELD(queue_clear, pad, 4, 4),
};

static const struct uapi_field debug_fields[] = {
	FIELD(debug, queue_id, 0, 4),
	FIELD(debug, op, 4, 4),
	FIELD(debug, offset, 8, 8),
	FIELD(debug, size, 16, 8),
	FIELD(debug, pointer, 24, 8),
};

static const struct uapi_field job_fields[] = {
	FIELD(job, list_va, 0, 8),
	FIELD(job, value_base, 8, 8),
	FIELD(job, args_base, 16, 8),
	FIELD(job, count, 24, 4),
	FIELD(job, flags, 28, 4),
	FIELD(job, syncs, 32, 16),
};

static const struct uapi_field submit_fields[] = {
	FIELD(submit, queue_id, 0, 4),
	FIELD(submit, flags, 4, 4),
	FIELD(submit, jobs, 8, 16),
};

static const struct uapi_field wait_fields[] = {
	FIELD(wait, addr, 0, 8),
	FIELD(wait, value, 8, 8),
	FIELD(wait, timeout_ns, 16, 8),
	FIELD(wait, vm_id, 24, 4),
	FIELD(wait, op, 28, 4),
};

static const struct uapi_field event_fault_fields[] = {
	FIELD(event_fault, base, 0, 8),
	FIELD(event_fault, queue_id, 8, 4),
	FIELD(event_fault, vm_id, 12, 4),
	FIELD(event_fault, dropped, 16, 8),
	FIELD(event_fault, fault, 24, 64),
};

static const struct uapi_field event_stop_fields[] = {
	FIELD(event_stop, base, 0, 8),
	FIELD(event_stop, queue_id, 8, 4),
	FIELD(event_stop, vm_id, 12, 4),
	FIELD(event_stop, dropped, 16, 8),
};

static const struct uapi_struct structs[] = {
	STRUCT(obj_array, 16),
	STRUCT(sync, 16),
	STRUCT(dev_query, 16),
	STRUCT(query_device, 128),
	STRUCT(query_memory, 48),
	STRUCT(query_engine, 16),
	STRUCT(query_topology, 56),
	STRUCT(query_firmware, 88),
	STRUCT(query_telemetry, 488),
	STRUCT(query_time, 32),
	STRUCT(vm_create, 24),
	STRUCT(vm_destroy, 8),
	STRUCT(vm_bind_op, 40),
	STRUCT(vm_bind, 48),
	STRUCT(vm_state, 32),
	STRUCT(bo_create, 24),
	STRUCT(bo_mmap_offset, 16),
	STRUCT(bo_info, 56),
	STRUCT(bo_set_name, 40),
	STRUCT(queue_create, 64),
	STRUCT(queue_destroy, 8),
	STRUCT(fault, 64),
	STRUCT(queue_query, 120),
	STRUCT(queue_set_priority, 8),
	STRUCT(queue_clear, 8),
	STRUCT(debug, 32),
	STRUCT(job, 48),
	STRUCT(submit, 24),
	STRUCT(wait, 32),
	STRUCT(event_fault, 88),
	STRUCT(event_stop, 24),
};

KUNIT_ARRAY_PARAM_DESC(structs, structs, name);

static void uapi_layout(struct kunit *test)
{
	const struct uapi_struct *s = test->param_value;
	size_t end = 0;
	unsigned int i;

	for (i = 0; i < s->fields; i++) {
		const struct uapi_field *f = &s->field[i];

		KUNIT_EXPECT_EQ_MSG(test, f->offset, f->want_offset, "%s", f->name);
		KUNIT_EXPECT_EQ_MSG(test, f->bytes, f->want_bytes, "%s", f->name);
		/* No hole that a compiler could leave as it was in memory. */
		KUNIT_EXPECT_EQ_MSG(test, f->offset, end, "%s: a hole before it", f->name);
		end = f->offset + f->bytes;
	}
	KUNIT_EXPECT_EQ(test, end, s->want_bytes);
	KUNIT_EXPECT_GE(test, s->bytes, s->want_bytes);
}

/** struct uapi_ioctl - a call, and its number */
struct uapi_ioctl {
	const char *name;
	unsigned int cmd, nr, bytes;
};

#define CALL(id, type, number)								\
	{ #id, DRM_IOCTL_GAON_##id, DRM_COMMAND_BASE + (number),			\
	  sizeof(struct drm_gaon_##type) }

static const struct uapi_ioctl ioctls[] = {
	CALL(DEV_QUERY, dev_query, 0x00),
	CALL(VM_CREATE, vm_create, 0x01),
	CALL(VM_DESTROY, vm_destroy, 0x02),
	CALL(VM_BIND, vm_bind, 0x03),
	CALL(VM_STATE, vm_state, 0x04),
	CALL(BO_CREATE, bo_create, 0x08),
	CALL(BO_MMAP_OFFSET, bo_mmap_offset, 0x09),
	CALL(BO_INFO, bo_info, 0x0a),
	CALL(BO_SET_NAME, bo_set_name, 0x0b),
	CALL(QUEUE_CREATE, queue_create, 0x10),
	CALL(QUEUE_DESTROY, queue_destroy, 0x11),
	CALL(QUEUE_STATE, queue_query, 0x12),
	CALL(QUEUE_SET_PRIORITY, queue_set_priority, 0x13),
	CALL(QUEUE_CLEAR, queue_clear, 0x14),
	CALL(DEBUG, debug, 0x15),
	CALL(SUBMIT, submit, 0x18),
	CALL(WAIT, wait, 0x19),
};

KUNIT_ARRAY_PARAM_DESC(ioctls, ioctls, name);

static void uapi_number(struct kunit *test)
{
	const struct uapi_ioctl *c = test->param_value;

	KUNIT_EXPECT_EQ(test, _IOC_TYPE(c->cmd), 'd');
	KUNIT_EXPECT_EQ(test, _IOC_NR(c->cmd), c->nr);
	KUNIT_EXPECT_EQ(test, _IOC_DIR(c->cmd), _IOC_READ | _IOC_WRITE);
	KUNIT_EXPECT_EQ(test, _IOC_SIZE(c->cmd), c->bytes);
}

static struct kunit_case uapi_tests[] = {
	KUNIT_CASE_PARAM(uapi_layout, structs_gen_params),
	KUNIT_CASE_PARAM(uapi_number, ioctls_gen_params),
	{}
};

static struct kunit_suite uapi_suite = {
	.name = "gaon_uapi",
	.test_cases = uapi_tests,
};

kunit_test_suite(uapi_suite);
