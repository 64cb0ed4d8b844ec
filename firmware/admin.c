// SPDX-License-Identifier: MIT
/*
 * The admin rings.  A command is copied into SRAM once and only the copy is looked at; nothing that
 * the host can write is ever used as an index or address before it was checked.
 */
#include "fw.h"

#define BATCH	16u			/* commands of one pass: slot events get their turn */

_Static_assert(sizeof(struct gaon_admin_cmd) == 64, "commands are 64 bytes");
_Static_assert(sizeof(struct gaon_admin_reply) == 64, "replies are 64 bytes");

static struct {
	uint64_t submission, completion, state;
	uint64_t head;			/* commands taken */
	uint64_t tail;			/* replies written */
	uint32_t latched;		/* ADMIN_LOG2 when the rings were set up */
	uint32_t size;			/* entries; 0: disabled */
	uint16_t session;
	bool dirty;			/* indices to publish */
} rings;

void admin_init(void)
{
	rings.size = 0;
	rings.latched = 0;
}

static bool ring_address_valid(uint64_t pa, uint64_t bytes)
{
	return pa % 64 == 0 && pa <= GAON_PA_MASK - bytes;
}

/* The host enabled, disabled or moved the rings. */
static void restart(uint32_t latched)
{
	uint32_t log2 = latched & 0xff;
	uint64_t bytes = (uint64_t)sizeof(struct gaon_admin_cmd) << log2;

	rings.latched = latched;
	rings.session++;
	rings.size = 0;
	rings.head = 0;
	rings.tail = 0;
	rings.dirty = false;
	if (log2 < GAON_ADMIN_LOG2_MIN || log2 > GAON_ADMIN_LOG2_MAX)
		return;
	rings.submission = reg_read64(GAON_MCU_ADMIN_SQ_LO);
	rings.completion = reg_read64(GAON_MCU_ADMIN_CQ_LO);
	rings.state = reg_read64(GAON_MCU_ADMIN_STATE_LO);
	if (!ring_address_valid(rings.submission, bytes) ||
	    !ring_address_valid(rings.completion, bytes) ||
	    !ring_address_valid(rings.state, sizeof(struct gaon_admin_state))) {
		log_line(LOG_ERROR, "admin rings refused: alignment or range");
		return;
	}
	rings.size = 1u << log2;
	rings.dirty = true;
}

/* The completion index goes last, so that the host never sees a reply that is not whole. */
static void write_reply(struct gaon_admin_reply *reply)
{
	uint64_t slot = rings.completion + (rings.tail & (rings.size - 1)) * sizeof(*reply);

	reply->valid = ++rings.tail;
	rings.dirty = true;
	if (!dma_write(slot, reply, offsetof(struct gaon_admin_reply, valid)) ||
	    !dma_write(slot + offsetof(struct gaon_admin_reply, valid), &reply->valid,
		       sizeof(reply->valid)))
		log_line(LOG_ERROR, "admin reply not writable");
}

void admin_reply(struct fw_ticket *ticket, uint32_t status)
{
	struct gaon_admin_reply reply = {
		.opcode = ticket->opcode,
		.status = (uint16_t)status,
		.cookie = ticket->cookie,
	};

	if (rings.size && ticket->session == rings.session)
		write_reply(&reply);
	ticket->opcode = 0;
}

static void serve_one(const struct gaon_admin_cmd *cmd)
{
	const struct fw_ticket ticket = {
		.cookie = cmd->cookie,
		.opcode = cmd->opcode,
		.session = rings.session,
	};
	struct gaon_admin_reply reply = { .opcode = cmd->opcode, .cookie = cmd->cookie };
	uint32_t status = admin_execute(cmd, &ticket, reply.value);

	if (status == FW_DEFERRED)
		return;
	if (status)
		log_line(LOG_WARNING, "admin command %x: error %u", cmd->opcode, status);
	reply.status = (uint16_t)status;
	write_reply(&reply);
}

/* Commands between the head and the tail that the host rang; 0 for a tail that cannot be. */
static uint32_t outstanding(void)
{
	uint32_t count = reg_read(GAON_MCU_ADMIN_TAIL) - (uint32_t)rings.head;

	if (count <= rings.size)
		return count;
	log_line(LOG_ERROR, "admin tail is %u ahead of the head", count);
	return 0;
}

bool admin_service(void)
{
	uint32_t latched = reg_read(GAON_MCU_ADMIN_LOG2);
	struct gaon_admin_cmd cmd;
	uint32_t count;

	if (latched != rings.latched)
		restart(latched);
	if (!rings.size)
		return false;
	count = outstanding();
	for (uint32_t i = 0; i < count; i++) {
		uint64_t entry = rings.submission + (rings.head & (rings.size - 1)) * sizeof(cmd);

		if (i == BATCH)
			return true;
		if (!dma_read(entry, &cmd, sizeof(cmd))) {
			log_line(LOG_ERROR, "admin ring not readable");
			return false;
		}
		rings.head++;
		rings.dirty = true;
		heartbeat_beat();
		serve_one(&cmd);
	}
	return false;
}

void admin_flush(void)
{
	struct gaon_admin_state state = { .sq_head = rings.head, .cq_tail = rings.tail };

	if (!rings.dirty || !rings.size)
		return;
	rings.dirty = false;
	if (!dma_write(rings.state, &state, offsetof(struct gaon_admin_state, reserved)))
		log_line(LOG_ERROR, "admin state not writable");
	reg_write(GAON_MCU_ADMIN_RAISE, 1);
}
