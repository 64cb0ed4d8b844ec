// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Coredumps: what went wrong, for devcoredump. The format: hw/gaon_dump.h.
 *
 * An incident is noted in the path of fences, in memory that was allocated when the driver was
 * bound: one at a time, the others are counted. A work then allocates the file, asks the device and
 * reads memory; nothing waits for it but the end of the culprit's file, and the driver's removal,
 * after all fences are signalled. Before the whole device is reset what that takes away is copied.
 */
#include <linux/devcoredump.h>
#include <linux/elf.h>
#include <linux/moduleparam.h>
#include <linux/pid.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>
#include <linux/timekeeping.h>
#include <linux/utsname.h>
#include <linux/vmalloc.h>

#include <drm/drm_managed.h>

#include "gaon_admin.h"
#include "gaon_coredump.h"
#include "gaon_device.h"
#include "gaon_fw.h"
#include "gaon_queue.h"
#include "gaon_sched.h"
#include "gaon_vm.h"

#define DUMP_REGISTERS	40
#define DUMP_BEFORE	8	/* packets before the one at fault */
#define DUMP_PERIOD	(60 * HZ)
#define DUMP_BURST	10	/* in that time */
#define DUMP_CORES	64
#define DUMP_ADDRESSES	GAON_DUMP_ADDR_KINDS
#define RISCV_FLAGS	0x5	/* compressed instructions; doubles are passed in registers */

static bool coredump = true;
module_param(coredump, bool, 0644);
MODULE_PARM_DESC(coredump,
		 "keep a dump of faults and resets for /sys/class/devcoredump, which root can read");

/** struct gaon_coredump - the incident that is being written down */
struct gaon_coredump {
	/** @gdev: the device. */
	struct gaon_device *gdev;
	/** @wq: of @work: nothing in the path of fences waits for it. */
	struct workqueue_struct *wq;
	/** @work: writes the file. */
	struct work_struct work;
	/** @limit: of files per time. */
	struct ratelimit_state limit;
	/** @busy: whoever sets it has what is below until @work is done. */
	atomic_t busy;
	/** @missed: incidents that found it busy, or came too often. */
	atomic_t missed;
	/** @incident: what happened. */
	struct gaon_dump_incident incident;
	/** @began: when, by the clock that is not set. */
	ktime_t began;
	/** @fault: of the culprit. */
	struct gaon_fault_record fault;
	/** @queue: the culprit, with a reference; NULL: none. */
	struct gaon_queue *queue;
	/** @gfile: the culprit's file; only compared, never followed. */
	struct gaon_file *gfile;
	/** @vm: its address space, with a reference. */
	struct gaon_vm *vm;
	/** @ring: packets around the fault. */
	struct gaon_dump_packets ring;
	/** @list: those of the list that they name. */
	struct gaon_dump_packets list;
	/** @frozen: what follows is of before a reset. */
	bool frozen;
	/** @registers: of BAR0. */
	struct gaon_dump_register registers[DUMP_REGISTERS];
	/** @register_count: of them. */
	unsigned int register_count;
	/** @queues: of the device. */
	struct gaon_dump_queue queues[GAON_DUMP_QUEUES_MAX];
	/** @queue_count: of them. */
	unsigned int queue_count;
	/** @log_bytes: of @log. */
	size_t log_bytes;
	/** @core: one core's state, while it is written. */
	struct gaon_core_state core;
	/** @address: to look up. */
	struct gaon_dump_address address[DUMP_ADDRESSES];
	/** @address_count: of them. */
	unsigned int address_count;
	/** @log: the firmware's. */
	char log[GAON_FWLOG_TEXT];
};

/* --- notes ----------------------------------------------------------------------------------- */

static void out_put(struct gaon_dump_out *out, const void *data, size_t bytes)
{
	memcpy(out->data + out->used, data, bytes);
	out->used += bytes;
}

static void out_align(struct gaon_dump_out *out)
{
	while (out->used & 3)
		((u8 *)out->data)[out->used++] = 0;
}

/**
 * gaon_dump_note() - add a note
 * @out: where to; if there is no room it is left out
 * @owner: "GAON" or "CORE"
 * @type: of the owner's
 * @head: what it holds
 * @head_bytes: of it
 * @tail: and behind that; may be NULL
 * @tail_bytes: of it
 */
void gaon_dump_note(struct gaon_dump_out *out, const char *owner, u32 type, const void *head,
		    size_t head_bytes, const void *tail, size_t tail_bytes)
{
	struct elf64_note note = {
		.n_namesz = strlen(owner) + 1,
		.n_descsz = head_bytes + tail_bytes,
		.n_type = type,
	};
	size_t bytes = sizeof(note) + ALIGN(note.n_namesz, 4) + ALIGN(note.n_descsz, 4);

	if (bytes > out->size - out->used)
		return;
	out_put(out, &note, sizeof(note));
	out_put(out, owner, note.n_namesz);
	out_align(out);
	out_put(out, head, head_bytes);
	if (tail_bytes)
		out_put(out, tail, tail_bytes);
	out_align(out);
}

/* The headers, when the size is known. */
static void out_finish(struct gaon_dump_out *out)
{
	struct {
		struct elf64_hdr file;
		struct elf64_phdr notes;
	} *head = out->data;

	head->file = (struct elf64_hdr){
		.e_ident = {
			ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT,
		},
		.e_type = ET_CORE,
		.e_machine = EM_RISCV,
		.e_version = EV_CURRENT,
		.e_phoff = offsetof(typeof(*head), notes),
		.e_flags = RISCV_FLAGS,
		.e_ehsize = sizeof(head->file),
		.e_phentsize = sizeof(head->notes),
		.e_phnum = 1,
	};
	head->notes = (struct elf64_phdr){
		.p_type = PT_NOTE,
		.p_offset = sizeof(*head),
		.p_filesz = out->used - sizeof(*head),
		.p_align = 4,
	};
}

/**
 * gaon_dump_window() - which packets to take
 * @ring: first and count are set
 * @fault: index of the one that matters; all ones: the last ones
 * @end: index behind the last one; all ones: not known
 * @size: of the ring
 */
void gaon_dump_window(struct gaon_dump_ring *ring, u64 fault, u64 end, u64 size)
{
	u64 first = fault == U64_MAX ? end : fault, last;

	if (first == U64_MAX)
		first = 0;
	first -= min_t(u64, first, DUMP_BEFORE);
	last = first + min_t(u64, GAON_DUMP_PACKETS, size);
	if (end != U64_MAX && end >= first)
		last = min(last, end);
	ring->first = first;
	ring->count = last - first;
}

/* --- what the device and the driver know --------------------------------------------------- */

static void take_register(struct gaon_coredump *dump, u32 offset)
{
	if (dump->register_count == DUMP_REGISTERS)
		return;
	dump->registers[dump->register_count++] = (struct gaon_dump_register){
		.offset = offset,
		.value = gaon_read32(dump->gdev, offset),
	};
}

/* Those that tell something, and whose reading changes nothing. */
static void take_registers(struct gaon_coredump *dump)
{
	static const u32 words[] = {
		GAON_REG_ID, GAON_REG_REVISION, GAON_REG_STATE, GAON_REG_BOOT_ERROR,
		GAON_REG_FW_VERSION, GAON_REG_FW_ABI, GAON_REG_HEARTBEAT, GAON_REG_HBM_SIZE,
		GAON_REG_HBM_SIZE + 4, GAON_REG_CYCLE, GAON_REG_CYCLE + 4, GAON_REG_ADMIN_LOG2,
		GAON_REG_ADMIN_ENABLE, GAON_REG_TLBI_DONE, GAON_REG_TLBI_DONE + 4,
		GAON_REG_TLBI_FREE,
	};
	unsigned int i;

	dump->register_count = 0;
	for (i = 0; i < ARRAY_SIZE(words); i++)
		take_register(dump, words[i]);
	for (i = 0; i < GAON_EVENT_RINGS; i++) {
		take_register(dump, GAON_REG_EVENT(i) + GAON_EVENT_ENABLE);
		take_register(dump, GAON_REG_EVENT(i) + GAON_EVENT_LOST);
	}
}

static void take_process(struct gaon_queue *queue, u32 *number, char name[16])
{
	struct task_struct *task;
	struct pid *pid;

	guard(rcu)();
	pid = rcu_dereference(queue->client->gfile->drm->pid);
	*number = pid_nr(pid);
	task = pid_task(pid, PIDTYPE_TGID);
	if (task)
		strscpy(name, task->comm, TASK_COMM_LEN);
}

static void take_queue(struct gaon_coredump *dump, struct gaon_queue *queue,
		       struct gaon_dump_queue *out)
{
	u32 flags;

	*out = (struct gaon_dump_queue){
		.id = queue->hwq.id,
		.context = queue->hwq.context,
		.priority = queue->priority,
		.ring_va = queue->ring_va,
		.ring_log2 = queue->ring_log2,
	};
	static_assert(sizeof(out->process) == TASK_COMM_LEN);
	take_process(queue, &out->pid, out->process);
	spin_lock(&queue->fault_lock);
	flags = queue->fault.flags;
	out->fault_type = flags ? queue->fault.record.type : GAON_FAULT_NONE;
	spin_unlock(&queue->fault_lock);
	out->flags = (queue == dump->queue ? GAON_DUMP_QUEUE_CULPRIT : 0) |
		     (flags & DRM_GAON_QUEUE_FAULTED ? GAON_DUMP_QUEUE_FAULTED : 0) |
		     (flags & DRM_GAON_QUEUE_WAS_RESET ? GAON_DUMP_QUEUE_RESET : 0) |
		     (flags & DRM_GAON_QUEUE_GUILTY ? GAON_DUMP_QUEUE_GUILTY : 0) |
		     (READ_ONCE(queue->dead) ? GAON_DUMP_QUEUE_DEAD : 0);
	if (!queue->kq)
		return;
	out->flags |= GAON_DUMP_QUEUE_KERNEL;
	spin_lock_irq(&queue->kq->lock);
	out->submitted = queue->kq->submitted;
	out->completed = queue->kq->completed;
	out->lost = queue->kq->lost;
	spin_unlock_irq(&queue->kq->lock);
}

/* The culprit's is among them, in the last place if need be. */
static void take_queues(struct gaon_coredump *dump)
{
	struct gaon_queues *queues = dump->gdev->queues;
	struct gaon_queue *queue;

	dump->queue_count = 0;
	guard(mutex)(&queues->lock);
	list_for_each_entry(queue, &queues->list, node) {
		if (dump->queue_count < GAON_DUMP_QUEUES_MAX)
			take_queue(dump, queue, &dump->queues[dump->queue_count++]);
		else if (queue == dump->queue)
			take_queue(dump, queue, &dump->queues[GAON_DUMP_QUEUES_MAX - 1]);
	}
}

static void take_state(struct gaon_coredump *dump)
{
	take_registers(dump);
	take_queues(dump);
	dump->log_bytes = gaon_fwlog_copy(dump->gdev, dump->log, sizeof(dump->log));
}

/* --- the file -------------------------------------------------------------------------------- */

static void add_address(struct gaon_coredump *dump, u32 why, u64 va)
{
	if (va && dump->address_count < DUMP_ADDRESSES)
		dump->address[dump->address_count++] =
			(struct gaon_dump_address){ .va = va, .why = why };
}

/* What debuggers know of a RISC-V thread: struct elf_prstatus and elf_fpregset_t. */
static void out_thread(struct gaon_dump_out *out, const struct gaon_core_state *core)
{
	struct {
		u32 signo, code, err;
		u16 signal, pad;
		u64 pending, held;
		u32 pid, ppid, pgrp, sid;
		u64 times[8];
		u64 pc, x[31];
		u32 fp_valid, pad2;
	} status = {
		.signal = core->type == GAON_FAULT_ILLEGAL ? 4 :
			  core->type == GAON_FAULT_BREAK ? 5 :
			  core->type == GAON_FAULT_NONE ? 0 : 11,
		.pid = core->core + 1,
		.pc = core->pc,
		.fp_valid = 1,
	};
	struct {
		u64 f[32];
		u32 fcsr;
	} __packed fp = { .fcsr = core->fcsr };

	static_assert(sizeof(status) == 376);
	memcpy(status.x, &core->x[1], sizeof(status.x));
	memcpy(fp.f, core->f, sizeof(fp.f));
	gaon_dump_note(out, "CORE", NT_PRSTATUS, &status, sizeof(status), NULL, 0);
	gaon_dump_note(out, "CORE", NT_PRFPREG, &fp, sizeof(fp), NULL, 0);
}

/* Whose work it was is known if it was somebody's; after a reset of engines all are of interest. */
static bool core_matters(const struct gaon_coredump *dump, const struct gaon_core_state *core)
{
	const struct gaon_dump_incident *incident = &dump->incident;

	if (core->size != sizeof(*core))
		return false;
	return !incident->context ||
	       (core->context == incident->context && core->queue == incident->queue);
}

static void out_cores(struct gaon_dump_out *out, struct gaon_coredump *dump)
{
	unsigned int i, cores = min(dump->gdev->identify.cores, DUMP_CORES);
	bool first = true;

	for (i = 0; i < cores; i++) {
		if (gaon_device_read_core(dump->gdev, i, &dump->core))
			return;
		if (!core_matters(dump, &dump->core))
			continue;
		gaon_dump_note(out, "GAON", GAON_DUMP_CORE, &dump->core, sizeof(dump->core), NULL,
			       0);
		out_thread(out, &dump->core);
		if (!dump->vm || (!first && dump->core.core != dump->fault.core))
			continue;
		first = false;
		dump->address_count = dump->fault.va ? 1 : 0;
		add_address(dump, GAON_DUMP_ADDR_PC, dump->core.pc);
		add_address(dump, GAON_DUMP_ADDR_ENTRY, dump->core.entry);
		add_address(dump, GAON_DUMP_ADDR_ARGS, dump->core.args);
	}
}

static void out_device(struct gaon_dump_out *out, struct gaon_coredump *dump)
{
	struct gaon_device *gdev = dump->gdev;
	struct gaon_telemetry telemetry;
	int idx;

	if (dump->incident.kind == GAON_DUMP_KIND_DEVICE ||
	    dump->incident.kind == GAON_DUMP_KIND_FIRMWARE || !drm_dev_enter(&gdev->drm, &idx))
		return;
	out_cores(out, dump);
	if (!gaon_device_read_telemetry(gdev, &telemetry))
		gaon_dump_note(out, "GAON", GAON_DUMP_TELEMETRY, &telemetry, sizeof(telemetry),
			       NULL, 0);
	if (!dump->frozen)
		take_state(dump);
	drm_dev_exit(idx);
}

static void out_packets(struct gaon_dump_out *out, const struct gaon_dump_packets *packets)
{
	if (packets->ring.count)
		gaon_dump_note(out, "GAON", GAON_DUMP_RING, &packets->ring, sizeof(packets->ring),
			       packets->packet,
			       packets->ring.count * sizeof(struct gaon_packet));
}

static void out_space(struct gaon_dump_out *out, struct gaon_coredump *dump)
{
	unsigned int i;

	if (!dump->queue->kq) {
		dump->ring.ring.fault = dump->fault.sequence;
		gaon_dump_user_ring(dump->vm, dump->queue, &dump->ring);
	}
	gaon_dump_list(dump->vm, &dump->ring, &dump->fault, &dump->list);
	out_packets(out, &dump->ring);
	out_packets(out, &dump->list);
	for (i = 0; i < dump->address_count; i++)
		gaon_dump_address(out, dump->vm, &dump->address[i]);
}

static void out_all(struct gaon_dump_out *out, struct gaon_coredump *dump)
{
	struct gaon_device *gdev = dump->gdev;
	unsigned int i;

	out->used = sizeof(struct elf64_hdr) + sizeof(struct elf64_phdr);
	dump->incident.delay_ns = ktime_to_ns(ktime_sub(ktime_get(), dump->began));
	gaon_dump_note(out, "GAON", GAON_DUMP_INCIDENT, &dump->incident, sizeof(dump->incident),
		       NULL, 0);
	if (dump->queue)
		gaon_dump_note(out, "GAON", GAON_DUMP_FAULT, &dump->fault, sizeof(dump->fault),
			       NULL, 0);
	dump->address_count = 0;
	add_address(dump, GAON_DUMP_ADDR_FAULT, dump->fault.va);
	add_address(dump, GAON_DUMP_ADDR_PC, dump->fault.pc);
	out_device(out, dump);
	if (dump->vm)
		out_space(out, dump);
	for (i = 0; i < dump->queue_count; i++)
		gaon_dump_note(out, "GAON", GAON_DUMP_QUEUE, &dump->queues[i],
			       sizeof(dump->queues[i]), NULL, 0);
	gaon_dump_note(out, "GAON", GAON_DUMP_REGISTERS, dump->registers,
		       dump->register_count * sizeof(dump->registers[0]), NULL, 0);
	gaon_dump_note(out, "GAON", GAON_DUMP_IDENTIFY, &gdev->identify, sizeof(gdev->identify),
		       NULL, 0);
	gaon_dump_note(out, "GAON", GAON_DUMP_LOG, dump->log, dump->log_bytes, NULL, 0);
	out_finish(out);
}

/* More than all notes take. */
static size_t out_size(struct gaon_coredump *dump)
{
	return sizeof(*dump) + min(dump->gdev->identify.cores, DUMP_CORES) * 2 * SZ_1K + SZ_16K;
}

static void dump_release(struct gaon_coredump *dump)
{
	gaon_vm_put(dump->vm);
	if (dump->queue)
		gaon_queue_put(dump->queue);
	dump->vm = NULL;
	dump->queue = NULL;
	WRITE_ONCE(dump->gfile, NULL);
	atomic_set_release(&dump->busy, 0);
}

static void dump_work(struct work_struct *work)
{
	struct gaon_coredump *dump = container_of(work, struct gaon_coredump, work);
	struct gaon_dump_out out = { .size = out_size(dump) };

	/* What stops the queue has to be over: only then cores have kept what they were at. */
	if (dump->queue && dump->queue->kq)
		flush_work(&dump->queue->kq->stop);
	out.data = vmalloc(out.size);
	if (out.data) {
		out_all(&out, dump);
		dev_info(dump->gdev->drm.dev,
			 "a dump of it is in /sys/class/devcoredump, unless an older one is still there: `gaon coredump FILE` explains it\n");
		dev_coredumpv(dump->gdev->drm.dev, out.data, out.used, GFP_KERNEL);
	} else {
		atomic_inc(&dump->missed);
	}
	dump_release(dump);
}

/* --- incidents ------------------------------------------------------------------------------- */

/* Who gets true fills it, then queues the work. Does not sleep. */
static bool dump_claim(struct gaon_coredump *dump, u32 kind)
{
	struct gaon_device *gdev = dump->gdev;

	if (!READ_ONCE(coredump))
		return false;
	if (atomic_cmpxchg(&dump->busy, 0, 1)) {
		atomic_inc(&dump->missed);
		return false;
	}
	if (!__ratelimit(&dump->limit)) {
		atomic_inc(&dump->missed);
		atomic_set_release(&dump->busy, 0);
		return false;
	}
	dump->began = ktime_get();
	dump->incident = (struct gaon_dump_incident){
		.version = GAON_DUMP_VERSION,
		.kind = kind,
		.time_ns = ktime_get_real_ns(),
		.missed = atomic_xchg(&dump->missed, 0),
		.resets = {
			atomic_read(&gdev->resets.queues),
			atomic_read(&gdev->resets.engines),
			atomic_read(&gdev->resets.device),
		},
		.fw_version = gdev->fw.version,
	};
	strscpy(dump->incident.device, dev_name(gdev->drm.dev), sizeof(dump->incident.device));
	strscpy(dump->incident.driver, GAON_DRIVER_VERSION, sizeof(dump->incident.driver));
	strscpy(dump->incident.kernel, init_utsname()->release, sizeof(dump->incident.kernel));
	dump->fault = (struct gaon_fault_record){};
	dump->ring.ring = (struct gaon_dump_ring){};
	dump->list.ring = (struct gaon_dump_ring){};
	dump->frozen = false;
	dump->register_count = 0;
	dump->queue_count = 0;
	dump->log_bytes = 0;
	return true;
}

/* Before jobs that come later are written over it. */
static void take_kernel_ring(struct gaon_coredump *dump, struct gaon_kq *kq)
{
	struct gaon_dump_ring *ring = &dump->ring.ring;
	unsigned int i;

	ring->fault = dump->fault.sequence;
	ring->write = READ_ONCE(kq->state->write);
	gaon_dump_window(ring, ring->fault, ring->write, kq->ring_size);
	ring->va = kq->kbuf.va + (ring->first & (kq->ring_size - 1)) * sizeof(struct gaon_packet);
	for (i = 0; i < ring->count; i++)
		dump->ring.packet[i] = kq->ring[(ring->first + i) & (kq->ring_size - 1)];
}

/**
 * gaon_coredump_fault() - a queue's work went wrong
 * @queue: the queue, which is registered for events
 * @fault: what is known
 * @kind: FAULT or TIMEOUT of GAON_DUMP_KIND_*
 *
 * Neither sleeps nor allocates: in the path of fences.
 */
void gaon_coredump_fault(struct gaon_queue *queue, const struct gaon_fault_record *fault, u32 kind)
{
	struct gaon_coredump *dump = queue->gdev->coredump;

	if (!dump_claim(dump, kind))
		return;
	dump->fault = *fault;
	dump->queue = gaon_queue_get(queue);
	WRITE_ONCE(dump->gfile, queue->client->gfile);
	dump->vm = gaon_vm_get(queue->vm);
	dump->incident.context = queue->hwq.context;
	dump->incident.queue = queue->hwq.id;
	take_process(queue, &dump->incident.pid, dump->incident.process);
	if (queue->kq)
		take_kernel_ring(dump, queue->kq);
	queue_work(dump->wq, &dump->work);
}

/**
 * gaon_coredump_settle() - the file is being closed, and what it has is still there
 * @gfile: the file
 *
 * Programs often end with their fault: what the dump tells of their memory is read before it goes.
 * No fence waits for the end of a file.
 */
void gaon_coredump_settle(struct gaon_file *gfile)
{
	struct gaon_coredump *dump = gfile->gdev->coredump;

	if (READ_ONCE(dump->gfile) == gfile)
		flush_work(&dump->work);
}

/**
 * gaon_coredump_reset() - engines were reset, or the device is going to be
 * @gdev: the device, between drm_dev_enter() and drm_dev_exit()
 * @kind: ENGINES, FIRMWARE or DEVICE of GAON_DUMP_KIND_*
 * @why: in words
 *
 * Sleeps, but allocates nothing: in the path of fences.
 */
void gaon_coredump_reset(struct gaon_device *gdev, u32 kind, const char *why)
{
	struct gaon_coredump *dump = gdev->coredump;

	if (!dump_claim(dump, kind))
		return;
	strscpy(dump->incident.why, why, sizeof(dump->incident.why));
	take_state(dump);
	dump->frozen = true;
	queue_work(dump->wq, &dump->work);
}

/* --- life ------------------------------------------------------------------------------------ */

static void coredump_free(struct drm_device *drm, void *arg)
{
	struct gaon_coredump *dump = arg;

	destroy_workqueue(dump->wq);
	vfree(dump);
}

/** gaon_coredump_init() - before the first event. Return: 0 or -ENOMEM */
int gaon_coredump_init(struct gaon_device *gdev)
{
	struct gaon_coredump *dump = vzalloc(sizeof(*dump));

	if (!dump)
		return -ENOMEM;
	dump->wq = alloc_workqueue("gaon-coredump-%s", WQ_UNBOUND, 1, dev_name(gdev->drm.dev));
	if (!dump->wq) {
		vfree(dump);
		return -ENOMEM;
	}
	dump->gdev = gdev;
	INIT_WORK(&dump->work, dump_work);
	ratelimit_state_init(&dump->limit, DUMP_PERIOD, DUMP_BURST);
	ratelimit_set_flags(&dump->limit, RATELIMIT_MSG_ON_RELEASE);
	gdev->coredump = dump;
	return drmm_add_action_or_reset(&gdev->drm, coredump_free, dump);
}

/** gaon_coredump_stop() - for good; after all fences are signalled, before memory goes */
void gaon_coredump_stop(struct gaon_device *gdev)
{
	struct gaon_coredump *dump = gdev->coredump;

	if (disable_work_sync(&dump->work))
		dump_release(dump);
	/* Nothing is claimed any more. */
	atomic_set(&dump->busy, 1);
}
