// SPDX-License-Identifier: MIT
/* The fake's register block, as Documentation/hw/mcu.rst has it. */
#include "firmware_fake_regs.h"

#include <stdio.h>
#include <string.h>

static void violate(struct fake *f, const char *what, uint32_t a, uint32_t b)
{
	if (!f->violation[0])
		snprintf(f->violation, sizeof(f->violation), "%s (%u, %u)", what, a, b);
}

void fake_update_irq(struct fake *f)
{
	uint32_t pending = f->irq_edges | (f->event_count ? GAON_MCU_IRQ_SLOT : 0) |
			   (f->rung_count ? GAON_MCU_IRQ_PENDQ : 0);

	sim_mcu_set_irq(f->mcu, SIM_MCU_MEIP, pending & f->irq_enable);
	sim_mcu_set_irq(f->mcu, SIM_MCU_MTIP, f->time >= f->timecmp);
}

static uint32_t pop(uint32_t *list, uint32_t *count)
{
	uint32_t value = list[0];

	memmove(list, list + 1, --*count * sizeof(*list));
	return value;
}

static void take_rung(struct fake *f, uint32_t index)
{
	f->queues[f->rung[index]].pending = false;
	memmove(f->rung + index, f->rung + index + 1, (--f->rung_count - index) * sizeof(f->rung[0]));
}

static uint32_t pop_rung(struct fake *f)
{
	uint32_t queue;

	if (!f->rung_count)
		return UINT32_MAX;
	queue = f->rung[0];
	take_rung(f, 0);
	return queue;
}

static void dma(struct fake *f, uint32_t direction)
{
	uint64_t offset = f->dma_pa - FAKE_HOST;
	uint32_t sram = f->dma_sram - GAON_MCU_SRAM;

	f->dma_status = 1;
	if (!f->dma_len || f->dma_len > 65536 || sram >= GAON_MCU_SRAM_SIZE ||
	    f->dma_len > GAON_MCU_SRAM_SIZE - sram)
		violate(f, "DMA out of SRAM", f->dma_sram, f->dma_len);
	else if (offset >= FAKE_HOST_SIZE || f->dma_len > FAKE_HOST_SIZE - offset)
		return;
	else if (direction == GAON_MCU_DMA_READ)
		memcpy(f->sram + sram, f->host + offset, f->dma_len), f->dma_status = 0;
	else if (direction == GAON_MCU_DMA_WRITE)
		memcpy(f->host + offset, f->sram + sram, f->dma_len), f->dma_status = 0;
	else
		violate(f, "DMA direction", direction, 0);
}

static uint32_t context_command(struct fake *f, uint32_t command)
{
	bool *enabled;

	if (!f->ctx_index || f->ctx_index >= GAON_CONTEXTS || f->ctx_ring >= GAON_EVENT_RINGS) {
		violate(f, "context out of range", f->ctx_index, f->ctx_ring);
		return GAON_ADMIN_ERR_RANGE;
	}
	enabled = &f->ctx_enabled[f->ctx_index];
	if (command == GAON_MCU_CTX_ENABLE) {
		if (*enabled)
			violate(f, "context enabled twice", f->ctx_index, 0);
		*enabled = true;
		f->ctx_asids[f->ctx_index] = f->ctx_asid;
		return 0;
	}
	if (!*enabled)
		violate(f, "context disabled twice", f->ctx_index, 0);
	for (uint32_t i = 0; i < f->slot_count; i++)
		if (f->slots[i].status && f->slots[i].context == f->ctx_index)
			violate(f, "context disabled under a slot", f->ctx_index, i);
	*enabled = false;
	return 0;
}

static uint32_t doorbell_command(struct fake *f, uint32_t command)
{
	struct fake_queue *q = &f->queues[f->db_queue % GAON_QUEUES];

	if (f->db_queue >= GAON_QUEUES || f->db_index >= GAON_DOORBELLS) {
		violate(f, "doorbell out of range", f->db_queue, f->db_index);
		return GAON_ADMIN_ERR_RANGE;
	}
	if (command == GAON_MCU_DB_UNMAP) {
		if (!q->mapped || q->slot >= 0)
			violate(f, "unmapped a queue that is loaded or not mapped", f->db_queue, 0);
		for (uint32_t i = f->rung_count; i--;)
			if (f->rung[i] == f->db_queue)
				take_rung(f, i);
		memset(q, 0, sizeof(*q));
		q->slot = -1;
		return 0;
	}
	for (uint32_t i = 0; i < GAON_QUEUES; i++)
		if (f->queues[i].mapped && f->queues[i].context == f->db_context &&
		    f->queues[i].doorbell == f->db_index)
			return GAON_ADMIN_ERR_BUSY;
	q->mapped = true;
	q->context = f->db_context;
	q->doorbell = f->db_index;
	return 0;
}

/* --- slots ------------------------------------------------------------------------------------ */

static uint32_t slot_load(struct fake *f, struct fake_slot *s)
{
	struct fake_queue *q = &f->queues[f->fields.queue % GAON_QUEUES];

	if (s->status != GAON_SLOT_EMPTY || q->slot >= 0 || !q->mapped ||
	    f->fields.context >= GAON_CONTEXTS || !f->ctx_enabled[f->fields.context] ||
	    q->context != f->fields.context || (f->fields.flags & ~7u) ||
	    ((f->fields.flags & (GAON_MCU_SLOT_F_SAVED | GAON_MCU_SLOT_F_DEBUG)) &&
	     !f->fields.save)) {
		violate(f, "bad LOAD", f->fields.queue, s->status);
		return GAON_ADMIN_ERR_STATE;
	}
	if (f->fields.save % 4096)
		violate(f, "save area not on a page", f->fields.queue, 0);
	if (f->fields.read != q->read)
		violate(f, "LOAD with another read index than UNLOAD left", f->fields.queue,
			(uint32_t)f->fields.read);
	*s = f->fields;
	s->flags &= GAON_MCU_SLOT_F_SAVED | GAON_MCU_SLOT_F_DEBUG;
	q->slot = (int)f->slot_index;
	for (uint32_t i = f->rung_count; i--;)
		if (f->rung[i] == s->queue)
			take_rung(f, i);
	s->status = GAON_SLOT_STOPPED;
	if (!(f->fields.flags & GAON_MCU_SLOT_F_HOLD))
		fake_start(f, f->slot_index);
	return 0;
}

static uint32_t slot_stop(struct fake *f, struct fake_slot *s, bool kill)
{
	if (s->status != GAON_SLOT_IDLE && s->status != GAON_SLOT_ACTIVE &&
	    s->status != GAON_SLOT_WAITING && !(kill && s->status == GAON_SLOT_STOPPING))
		return GAON_ADMIN_ERR_STATE;
	s->status = GAON_SLOT_STOPPING;
	s->kill = kill;
	if (f->stop_at_once && !f->queues[s->queue].sticky)
		fake_stopped(f, f->slot_index);
	return 0;
}

static uint32_t slot_unload(struct fake *f, struct fake_slot *s)
{
	if (s->status != GAON_SLOT_STOPPED && s->status != GAON_SLOT_FAULTED &&
	    s->status != GAON_SLOT_IDLE)
		return GAON_ADMIN_ERR_STATE;
	f->fields.read = s->read;
	f->fields.busy = s->busy;
	f->fields.copied = s->copied;
	f->fields.flags = s->flags;
	f->queues[s->queue].read = s->read;
	f->queues[s->queue].slot = -1;
	memset(s, 0, sizeof(*s));
	return 0;
}

static uint32_t slot_skip(struct fake *f, struct fake_slot *s, bool clear)
{
	struct fake_queue *q = &f->queues[s->queue];

	if (s->status != GAON_SLOT_STOPPED && !(clear && s->status == GAON_SLOT_FAULTED))
		return GAON_ADMIN_ERR_STATE;
	if (q->unreachable)
		return GAON_ADMIN_ERR_DMA;
	s->read = q->write;
	s->flags = 0;
	q->status = GAON_QUEUE_RESET;
	if (clear)
		fake_start(f, f->slot_index);
	return 0;
}

static uint32_t slot_adopt(struct fake *f, struct fake_slot *s)
{
	struct fake_queue *q = &f->queues[s->queue];

	if (s->status != GAON_SLOT_STOPPED)
		return GAON_ADMIN_ERR_STATE;
	if (q->unreachable)
		return GAON_ADMIN_ERR_DMA;
	s->read = q->read = q->left;
	s->flags = 0;
	return q->left == q->write && q->status == GAON_QUEUE_OK ? 0 : GAON_ADMIN_ERR_RANGE;
}

static uint32_t slot_command(struct fake *f, uint32_t command)
{
	struct fake_slot *s = &f->slots[f->slot_index % FAKE_SLOTS_MAX];

	if (f->slot_index >= f->slot_count || command > 15) {
		violate(f, "slot or command out of range", f->slot_index, command);
		return GAON_ADMIN_ERR_RANGE;
	}
	f->commands[command]++;
	switch (command) {
	case GAON_SLOT_CMD_READ:
		f->fields = *s;
		return 0;
	case GAON_SLOT_CMD_LOAD:
		return slot_load(f, s);
	case GAON_SLOT_CMD_STOP:
	case GAON_SLOT_CMD_KILL:
		return slot_stop(f, s, command == GAON_SLOT_CMD_KILL);
	case GAON_SLOT_CMD_RUN:
		if (s->status != GAON_SLOT_STOPPED)
			return GAON_ADMIN_ERR_STATE;
		fake_start(f, f->slot_index);
		return 0;
	case GAON_SLOT_CMD_UNLOAD:
		return slot_unload(f, s);
	case GAON_SLOT_CMD_CLEAR:
	case GAON_SLOT_CMD_SKIP:
		return slot_skip(f, s, command == GAON_SLOT_CMD_CLEAR);
	case GAON_SLOT_CMD_ADOPT:
		return slot_adopt(f, s);
	case GAON_SLOT_CMD_PRIORITY:
		s->priority = f->fields.priority;
		return s->status == GAON_SLOT_EMPTY ? GAON_ADMIN_ERR_STATE : 0;
	default:
		violate(f, "unknown slot command", command, 0);
		return GAON_ADMIN_ERR_OPCODE;
	}
}

static void engine_reset(struct fake *f)
{
	f->engine_resets++;
	if (f->wakes_at_reset)
		fake_ring(f, f->wakes_at_reset, 4);
	for (uint32_t i = 0; i < f->slot_count; i++) {
		uint32_t status = f->slots[i].status;

		if (status != GAON_SLOT_ACTIVE && status != GAON_SLOT_WAITING &&
		    status != GAON_SLOT_STOPPING)
			continue;
		f->slots[i].status = GAON_SLOT_STOPPING;
		f->slots[i].kill = true;
		if (f->stop_at_once && !f->queues[f->slots[i].queue].sticky)
			fake_stopped(f, i);
	}
}

/* --- register access ----------------------------------------------------------------------------- */

/* Plain halves and words: where a register is kept, or NULL. */
static uint32_t *storage(struct fake *f, uint32_t reg)
{
#define PAIR(name, field) \
	case name##_LO: return (uint32_t *)&(field); \
	case name##_HI: return (uint32_t *)&(field) + 1
#define WORD(name, field) case name: return &(field)
	switch (reg) {
	PAIR(GAON_MCU_DMA_PA, f->dma_pa);
	WORD(GAON_MCU_DMA_SRAM, f->dma_sram);
	WORD(GAON_MCU_DMA_LEN, f->dma_len);
	WORD(GAON_MCU_DMA_STATUS, f->dma_status);
	PAIR(GAON_MCU_TIME, f->time);
	PAIR(GAON_MCU_TIMECMP, f->timecmp);
	PAIR(GAON_MCU_CYCLE, f->cycle);
	PAIR(GAON_MCU_ADMIN_SQ, f->sq);
	PAIR(GAON_MCU_ADMIN_CQ, f->cq);
	PAIR(GAON_MCU_ADMIN_STATE, f->state_pa);
	WORD(GAON_MCU_ADMIN_LOG2, f->log2);
	WORD(GAON_MCU_ADMIN_TAIL, f->tail);
	WORD(GAON_MCU_STATE, f->state);
	WORD(GAON_MCU_FW_VERSION, f->version);
	WORD(GAON_MCU_FW_ABI, f->abi);
	WORD(GAON_MCU_HEARTBEAT, f->heartbeat);
	WORD(GAON_MCU_FUSES, f->fuses);
	WORD(GAON_MCU_IRQ_ENABLE, f->irq_enable);
	WORD(GAON_MCU_IDENT_INDEX, f->ident_index);
	WORD(GAON_MCU_TELE_INDEX, f->tele_index);
	WORD(GAON_MCU_RETIRED_INDEX, f->retired_index);
	WORD(GAON_MCU_CORE_INDEX, f->core_index);
	WORD(GAON_MCU_ERRORS_INDEX, f->errors_index);
	WORD(GAON_MCU_PORTS_INDEX, f->ports_index);
	WORD(GAON_MCU_RETIRE_PAGE, f->retire_page);
	WORD(GAON_MCU_RETIRE_STATUS, f->retire_status);
	WORD(GAON_MCU_CTX_INDEX, f->ctx_index);
	WORD(GAON_MCU_CTX_ASID, f->ctx_asid);
	PAIR(GAON_MCU_CTX_ROOT, f->ctx_root);
	PAIR(GAON_MCU_CTX_PRINT, f->ctx_print);
	WORD(GAON_MCU_CTX_RING, f->ctx_ring);
	WORD(GAON_MCU_CTX_STATUS, f->ctx_status);
	WORD(GAON_MCU_DB_QUEUE, f->db_queue);
	WORD(GAON_MCU_DB_CONTEXT, f->db_context);
	WORD(GAON_MCU_DB_INDEX, f->db_index);
	WORD(GAON_MCU_DB_STATUS, f->db_status);
	WORD(GAON_MCU_SLOT_INDEX, f->slot_index);
	WORD(GAON_MCU_SLOT_QUEUE, f->fields.queue);
	WORD(GAON_MCU_SLOT_CONTEXT, f->fields.context);
	WORD(GAON_MCU_SLOT_KIND, f->fields.kind);
	WORD(GAON_MCU_SLOT_PRIORITY, f->fields.priority);
	WORD(GAON_MCU_SLOT_LOG2, f->fields.log2);
	PAIR(GAON_MCU_SLOT_RING, f->fields.ring);
	PAIR(GAON_MCU_SLOT_STATE, f->fields.state);
	PAIR(GAON_MCU_SLOT_SAVE, f->fields.save);
	PAIR(GAON_MCU_SLOT_READ, f->fields.read);
	PAIR(GAON_MCU_SLOT_SLICE, f->fields.slice);
	PAIR(GAON_MCU_SLOT_LIMIT, f->fields.limit);
	PAIR(GAON_MCU_SLOT_BUSY, f->fields.busy);
	PAIR(GAON_MCU_SLOT_COPIED, f->fields.copied);
	WORD(GAON_MCU_SLOT_FLAGS, f->fields.flags);
	WORD(GAON_MCU_SLOT_RESULT, f->slot_result);
	WORD(GAON_MCU_SLOT_WANT, f->want);
	WORD(GAON_MCU_CLOCK_KHZ, f->clock_khz);
	WORD(GAON_MCU_POWER_MW, f->power_mw);
	WORD(GAON_MCU_TEMP_MC, f->temp_mc);
	WORD(GAON_MCU_INJECT_KIND, f->inject_kind);
	WORD(GAON_MCU_INJECT_TARGET, f->inject_target);
	PAIR(GAON_MCU_INJECT, f->inject_address);
	default:
		return NULL;
	}
#undef PAIR
#undef WORD
}

static uint32_t word_of(const void *data, size_t size, uint32_t index)
{
	uint32_t word = 0;

	if (index < size / 4)
		memcpy(&word, (const uint8_t *)data + 4 * (size_t)index, 4);
	return word;
}

bool fake_reg_read(void *ctx, uint32_t addr, unsigned int len, uint32_t *value)
{
	struct fake *f = ctx;
	uint32_t reg = addr - GAON_MCU_REGS;
	uint32_t *stored;

	if (reg >= GAON_MCU_REGS_SIZE || len != 4)
		return false;
	stored = storage(f, reg);
	if (stored)
		*value = *stored;
	else if (reg == GAON_MCU_IRQ_PENDING)
		*value = f->irq_edges | (f->event_count ? GAON_MCU_IRQ_SLOT : 0) |
			 (f->rung_count ? GAON_MCU_IRQ_PENDQ : 0);
	else if (reg == GAON_MCU_IDENT_VALUE)
		*value = word_of(&f->identify, sizeof(f->identify), f->ident_index);
	else if (reg == GAON_MCU_TELE_VALUE)
		*value = word_of(&f->telemetry, sizeof(f->telemetry), f->tele_index);
	else if (reg == GAON_MCU_RETIRED_VALUE)
		*value = word_of(&f->retired, sizeof(f->retired), f->retired_index);
	else if (reg == GAON_MCU_CORE_VALUE)
		*value = word_of(&f->kept[f->core_index >> 16 & 1], sizeof(f->kept[0]),
				 f->core_index & 0xffff);
	else if (reg == GAON_MCU_ERRORS_VALUE)
		*value = word_of(&f->errors, sizeof(f->errors), f->errors_index);
	else if (reg == GAON_MCU_PORTS_VALUE)
		*value = word_of(&f->ports, sizeof(f->ports), f->ports_index);
	else if (reg == GAON_MCU_PENDQ_POP)
		*value = pop_rung(f);
	else if (reg == GAON_MCU_SLOT_EVENT)
		*value = f->event_count ? pop(f->events, &f->event_count) : UINT32_MAX;
	else if (reg == GAON_MCU_SLOT_STATUS)
		*value = f->slot_index < f->slot_count ? f->slots[f->slot_index].status : 0;
	else
		violate(f, "read of a register that cannot be read", reg, 0);
	fake_update_irq(f);
	return true;
}

static bool write_command(struct fake *f, uint32_t reg, uint32_t value)
{
	switch (reg) {
	case GAON_MCU_IRQ_PENDING:
		f->irq_edges &= ~value;
		return true;
	case GAON_MCU_PANIC:
		f->panic = value;
		f->state = GAON_STATE_FATAL;
		return true;
	case GAON_MCU_DMA_CTRL:
		dma(f, value);
		return true;
	case GAON_MCU_ADMIN_RAISE:
		f->raised++;
		return true;
	case GAON_MCU_CTX_CMD:
		f->ctx_status = context_command(f, value);
		return true;
	case GAON_MCU_DB_CMD:
		f->db_status = doorbell_command(f, value);
		return true;
	case GAON_MCU_SLOT_CMD:
		f->slot_result = slot_command(f, value);
		return true;
	case GAON_MCU_ENGINE_RESET:
		engine_reset(f);
		return true;
	case GAON_MCU_THROTTLE:
		f->throttle = value;
		f->throttles++;
		return true;
	case GAON_MCU_INJECT_CMD:
		f->injected++;
		return true;
	default:
		return false;
	}
}

bool fake_reg_write(void *ctx, uint32_t addr, unsigned int len, uint32_t value)
{
	struct fake *f = ctx;
	uint32_t reg = addr - GAON_MCU_REGS;
	uint32_t *stored;

	if (reg >= GAON_MCU_REGS_SIZE || len != 4)
		return false;
	stored = storage(f, reg);
	if (!write_command(f, reg, value)) {
		if (stored)
			*stored = value;
		else
			violate(f, "write of a register that cannot be written", reg, value);
	}
	fake_update_irq(f);
	return true;
}
