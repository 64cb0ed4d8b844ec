// SPDX-License-Identifier: MIT
/* The fake's life, host side and engines; its registers are in firmware_fake_regs.c. */
#include "firmware_fake.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../../firmware/gaon_fw_embed.h"
#include "../../tools/sim/mcu/rom.h"
#include "firmware_fake_regs.h"

struct fake *fake_create(uint32_t slots)
{
	struct sim_mcu_region region = { .base = GAON_MCU_SRAM, .size = GAON_MCU_SRAM_SIZE };
	const struct sim_mcu_ops ops = { .read = fake_reg_read, .write = fake_reg_write };
	struct fake *f = calloc(1, sizeof(*f));

	ck_assert_ptr_nonnull(f);
	f->sram = calloc(1, GAON_MCU_SRAM_SIZE);
	f->host = calloc(1, FAKE_HOST_SIZE);
	region.data = f->sram;
	f->mcu = sim_mcu_create(&region, 1, &ops, f);
	ck_assert(f->sram && f->host && f->mcu);
	f->slot_count = slots;
	f->timecmp = UINT64_MAX;
	f->time = 1000;
	f->stop_at_once = true;
	for (uint32_t i = 0; i < GAON_QUEUES; i++)
		f->queues[i].slot = -1;
	f->identify = (struct gaon_identify){
		.size = sizeof(f->identify), .hw_revision = GAON_REVISION,
		.features = GAON_FEATURE_MODELLED_TIME | GAON_FEATURE_PREEMPT_INSIDE | GAON_FEATURE_ERRORS |
			    GAON_FEATURE_PORTS,
		.hbm_bytes = 1ull << 30, .save_bytes = 0x10000, .cores = 4, .slots = slots,
		.contexts = GAON_CONTEXTS, .queues = GAON_QUEUES, .clock_khz = 1050000,
		.preempt_ms = 80, .name = "fake",
	};
	return f;
}

void fake_destroy(struct fake *f)
{
	sim_mcu_destroy(f->mcu);
	free(f->sram);
	free(f->host);
	free(f);
}

static bool image_read(void *ctx, uint64_t pa, void *data, size_t len)
{
	(void)ctx;
	if (pa > gaon_fw_image_size || len > gaon_fw_image_size - pa)
		return false;
	memcpy(data, gaon_fw_image + pa, len);
	return true;
}

uint32_t fake_boot(struct fake *f)
{
	const struct sim_rom rom = {
		.public_keys = (const uint8_t (*)[32])&gaon_fw_devkey,
		.public_key_count = 1,
		.sram = f->sram,
		.sram_size = GAON_MCU_SRAM_SIZE,
		.read = image_read,
	};
	struct sim_rom_image image;
	uint32_t error = sim_rom_boot(&rom, 0, gaon_fw_image_size, &image);

	if (error)
		return error;
	sim_mcu_reset(f->mcu, image.entry);
	f->state = GAON_STATE_LOADING;
	fake_run(f);
	if (f->state != GAON_STATE_READY)
		return GAON_BOOT_TIMEOUT;
	fake_enable_rings(f, FAKE_LOG2);
	fake_run(f);
	return GAON_BOOT_OK;
}

void fake_run(struct fake *f)
{
	enum sim_mcu_exit why;

	fake_update_irq(f);
	why = sim_mcu_run(f->mcu, FAKE_BUDGET);
	ck_assert_msg(why == SIM_MCU_WFI, "the firmware does not sleep: exit %d, panic %x", why, f->panic);
}

void fake_advance(struct fake *f, uint64_t ns)
{
	uint64_t end = f->time + ns;

	while (f->timecmp <= end) {
		f->time = f->timecmp > f->time ? f->timecmp : f->time;
		fake_run(f);
		/* A timer that is not moved on would fire for ever. */
		ck_assert_msg(f->timecmp > f->time, "the timer was not rearmed");
	}
	f->time = end;
	fake_run(f);
}

void fake_enable_rings(struct fake *f, uint32_t log2)
{
	f->sq = FAKE_HOST + FAKE_SQ;
	f->cq = FAKE_HOST + FAKE_CQ;
	f->state_pa = FAKE_HOST + FAKE_STATE;
	f->log2 = (f->log2 & 0xffff0000) + 0x10000 + log2;
	f->tail = 0;
	f->submitted = 0;
	f->seen = 0;
	memset(f->host + FAKE_CQ, 0, FAKE_STATE - FAKE_CQ);
	f->irq_edges |= GAON_MCU_IRQ_ADMIN;
	fake_update_irq(f);
}

void fake_submit(struct fake *f, const struct gaon_admin_cmd *cmd)
{
	uint32_t mask = (1u << (f->log2 & 0xff)) - 1;

	memcpy(f->host + FAKE_SQ + 64 * (f->submitted & mask), cmd, 64);
	f->submitted++;
	f->tail = (uint32_t)f->submitted;
	f->irq_edges |= GAON_MCU_IRQ_ADMIN;
	fake_update_irq(f);
}

bool fake_reply(struct fake *f, struct gaon_admin_reply *reply)
{
	uint32_t mask = (1u << (f->log2 & 0xff)) - 1;

	memcpy(reply, f->host + FAKE_CQ + 64 * (f->seen & mask), 64);
	if (reply->valid != f->seen + 1)
		return false;
	f->seen++;
	return true;
}

uint32_t fake_admin(struct fake *f, struct gaon_admin_cmd *cmd, struct gaon_admin_reply *reply)
{
	struct gaon_admin_reply local;
	uint32_t raised = f->raised;

	cmd->cookie = ++f->cookie;
	fake_submit(f, cmd);
	fake_run(f);
	reply = reply ? reply : &local;
	ck_assert_msg(fake_reply(f, reply), "no reply to command %x", cmd->opcode);
	ck_assert_uint_eq(reply->cookie, cmd->cookie);
	ck_assert_uint_eq(reply->opcode, cmd->opcode);
	ck_assert_uint_gt(f->raised, raised);
	ck_assert_str_eq(f->violation, "");
	return reply->status;
}

/* --- engines -------------------------------------------------------------------------------- */

void fake_event(struct fake *f, uint32_t slot, uint32_t reason)
{
	uint32_t event = reason << 16 | slot;

	for (uint32_t i = 0; i < f->event_count; i++)
		if (f->events[i] == event)
			return;
	ck_assert_uint_lt(f->event_count, FAKE_EVENTS);
	f->events[f->event_count++] = event;
	fake_update_irq(f);
}

void fake_start(struct fake *f, uint32_t slot)
{
	struct fake_slot *s = &f->slots[slot];
	struct fake_queue *q = &f->queues[s->queue];
	bool others = f->want || f->rung_count;

	if (q->unreachable) {
		fake_fault(f, slot);
		return;
	}
	q->status = GAON_QUEUE_OK;
	if (q->write == s->read && !(s->flags & GAON_MCU_SLOT_F_SAVED)) {
		s->status = GAON_SLOT_IDLE;
		if (others)
			fake_event(f, slot, GAON_SLOT_EV_IDLE);
	} else if (q->waits) {
		s->status = GAON_SLOT_WAITING;
		if (others)
			fake_event(f, slot, GAON_SLOT_EV_WAITING);
	} else {
		s->status = GAON_SLOT_ACTIVE;
	}
}

void fake_ring(struct fake *f, uint32_t queue, uint32_t packets)
{
	struct fake_queue *q = &f->queues[queue];

	q->write += packets;
	if (q->slot >= 0) {
		if (f->slots[q->slot].status == GAON_SLOT_IDLE)
			fake_start(f, (uint32_t)q->slot);
	} else if (q->mapped && !q->pending) {
		q->pending = true;
		f->rung[f->rung_count++] = (uint16_t)queue;
	}
	fake_update_irq(f);
}

void fake_drain(struct fake *f, uint32_t slot)
{
	struct fake_slot *s = &f->slots[slot];

	ck_assert(s->status == GAON_SLOT_ACTIVE || s->status == GAON_SLOT_WAITING);
	s->read = f->queues[s->queue].write;
	s->flags &= GAON_MCU_SLOT_F_DEBUG;
	s->status = GAON_SLOT_IDLE;
	if (f->want || f->rung_count)
		fake_event(f, slot, GAON_SLOT_EV_IDLE);
}

void fake_fault(struct fake *f, uint32_t slot)
{
	f->slots[slot].status = GAON_SLOT_FAULTED;
	f->queues[f->slots[slot].queue].status = GAON_QUEUE_FAULTED;
	fake_event(f, slot, GAON_SLOT_EV_FAULT);
}

void fake_debug_stop(struct fake *f, uint32_t slot)
{
	struct fake_slot *s = &f->slots[slot];

	ck_assert(s->flags & GAON_MCU_SLOT_F_DEBUG);
	s->status = GAON_SLOT_STOPPED;
	s->flags |= GAON_MCU_SLOT_F_SAVED | GAON_MCU_SLOT_F_STOPPED;
	fake_event(f, slot, GAON_SLOT_EV_DEBUG);
	fake_event(f, slot, GAON_SLOT_EV_STOPPED);
}

void fake_stopped(struct fake *f, uint32_t slot)
{
	struct fake_slot *s = &f->slots[slot];
	struct fake_queue *q = &f->queues[s->queue];

	ck_assert_uint_eq(s->status, GAON_SLOT_STOPPING);
	if (q->unreachable) {
		fake_fault(f, slot);
		return;
	}
	s->status = GAON_SLOT_STOPPED;
	q->status = GAON_QUEUE_SUSPENDED;
	s->flags &= GAON_MCU_SLOT_F_DEBUG;
	if (!s->kill && s->save && q->write != s->read)
		s->flags |= GAON_MCU_SLOT_F_SAVED;
	fake_event(f, slot, GAON_SLOT_EV_STOPPED);
}

int fake_slot_of(struct fake *f, uint32_t queue)
{
	return f->queues[queue].slot;
}

/* --- commands -------------------------------------------------------------------------------- */

uint32_t fake_context(struct fake *f, uint32_t id)
{
	struct gaon_admin_cmd cmd = {
		.opcode = GAON_ADMIN_CONTEXT_CREATE,
		.context = { .context = id, .asid = (uint16_t)(id + 100), .ring = 1,
			     .root_pa = 0x1000ull * id },
	};

	return fake_admin(f, &cmd, NULL);
}

struct gaon_admin_cmd fake_queue_cmd(uint32_t queue, uint32_t context, uint8_t kind, uint8_t priority)
{
	uint64_t base = kind ? 0xffff800000000000ull : 0x100000ull;

	return (struct gaon_admin_cmd){
		.opcode = GAON_ADMIN_QUEUE_CREATE,
		.queue = {
			.queue = queue, .context = context, .doorbell = (uint16_t)queue, .kind = kind,
			.priority = priority, .ring_log2 = 6,
			.ring_va = base + 0x10000ull * queue, .state_va = base + 0x10000ull * queue + 0x8000,
			.save_va = 0xffffc00000000000ull + 0x10000ull * queue,
		},
	};
}

uint32_t fake_queue_create(struct fake *f, uint32_t queue, uint32_t context, uint8_t kind,
			   uint8_t priority)
{
	struct gaon_admin_cmd cmd = fake_queue_cmd(queue, context, kind, priority);

	return fake_admin(f, &cmd, NULL);
}

uint32_t fake_id(struct fake *f, uint16_t opcode, uint32_t id)
{
	struct gaon_admin_cmd cmd = { .opcode = opcode, .id.id = id };

	return fake_admin(f, &cmd, NULL);
}

void fake_id_submit(struct fake *f, uint16_t opcode, uint32_t id)
{
	const struct gaon_admin_cmd cmd = { .opcode = opcode, .cookie = ++f->cookie, .id.id = id };

	fake_submit(f, &cmd);
	fake_run(f);
	ck_assert_str_eq(f->violation, "");
}
