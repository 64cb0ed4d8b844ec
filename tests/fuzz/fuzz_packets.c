// SPDX-License-Identifier: MIT
/*
 * Hostile packets: the input is a list of 64-byte packets with hints that point them at memory that
 * exists, and bytes for the memory that lists and descriptors are read from.
 */
#include <string.h>

#include "engine_lib.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct engine *e;

/* A plausible address more often than not. */
static uint64_t steer(uint64_t va)
{
	static const uint64_t bases[] = { VA_HBM, VA_HOST + HOST_SCRATCH, VA_RO, VA_CODE, VA_KERNEL, 0, };

	switch (va >> 61) {
	case 0:
	case 1:
	case 2:
	case 3:
		return bases[(va >> 61) & 3] + (va & 0x3fffc0);
	case 4:
		return VA_KERNEL + (6 << 20) + (va & 0xfffc0);
	default:
		return va;
	}
}

static void steer_packet(struct gaon_packet *pkt)
{
	static const uint64_t entries[] = {
		K_NOP, K_IDS, K_SAXPY, K_SPIN, K_HASH, K_SCRIPT, K_ENTRY, K_FOREVER
	};

	if (pkt->flags & 0x8000)
		return;
	pkt->flags &= GAON_PKT_FLAGS;
	pkt->signal_va = steer(pkt->signal_va);
	pkt->payload[0] = steer(pkt->payload[0]);
	if (pkt->type == GAON_PKT_LAUNCH) {
		pkt->launch.entry_va = entries[pkt->tag % 8];
		for (unsigned int i = 0; i < 3; i++)
			pkt->launch.grid[i] &= 7;
		pkt->launch.args_va = steer(pkt->launch.args_va);
	} else if (pkt->type == GAON_PKT_COPY || pkt->type == GAON_PKT_FILL) {
		pkt->payload[1] = pkt->type == GAON_PKT_COPY ? steer(pkt->payload[1]) :
							       pkt->payload[1] & 0xfffff;
		pkt->payload[2] &= 0xfffff;
	} else if (pkt->type == GAON_PKT_INDIRECT || pkt->type == GAON_PKT_CALL) {
		pkt->list.count &= 31;
	}
}

static void load_queues(void)
{
	engine_queue(e, 0, GAON_QUEUE_KIND_USER, 1, true, 200000);
	engine_queue(e, 1, GAON_QUEUE_KIND_KERNEL, 1, true, 200000);
}

static void unload_queues(void)
{
	for (uint32_t i = 0; i < 2; i++) {
		engine_slot_command(e, i, GAON_SLOT_CMD_KILL);
		gaon_sim_run(e->sim, NULL, 0, 2000000);
		engine_slot_command(e, i, GAON_SLOT_CMD_UNLOAD);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t packets = size / 64 < 24 ? size / 64 : 24;

	if (!e) {
		struct gaon_sim_config config = { .threads = 1, .spm_bytes = 1 << 20 };

		e = engine_create(&config);
	}
	/* Nothing of the input before is left, so that the option may change. */
	e->sim->config.effects = size ? data[size - 1] % 3 : GAON_SIM_EFFECTS_NORMAL;
	load_queues();
	/* What descriptors and lists are made of. */
	memcpy(e->host + HOST_SCRATCH, data, size < 4096 ? size : 4096);
	memcpy(engine_hbm(e, 0), data, size < 4096 ? size : 4096);
	for (size_t i = 0; i < packets; i++) {
		struct engine_queue *q = &e->queue[data[64 * i + 4] & 1];
		struct gaon_packet pkt;

		memcpy(&pkt, data + 64 * i, sizeof(pkt));
		steer_packet(&pkt);
		engine_push(e, q, &pkt);
		/* Several at once, so that some may pass others. */
		if (pkt.tag & 0x400)
			continue;
		engine_ring(e, q);
		gaon_sim_run(e->sim, NULL, 0, 300000);
		if (pkt.tag & 0x100)
			engine_preempt(e, q, q->slot);
		if (e->sim->slots[q->slot].status == GAON_SLOT_FAULTED && !(pkt.tag & 0x200))
			engine_slot_command(e, q->slot, GAON_SLOT_CMD_CLEAR);
	}
	for (uint32_t i = 0; i < 2; i++)
		engine_ring(e, &e->queue[i]);
	gaon_sim_run(e->sim, NULL, 0, 2000000);
	unload_queues();
	/* Code may have been overwritten through nothing: it is mapped without W. */
	return 0;
}
