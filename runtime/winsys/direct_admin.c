// SPDX-License-Identifier: MIT
/* The admin queue: one command at a time, which is all that user-space set-up needs. */
#include "direct.h"

#include <errno.h>
#include <hw/gaon_errno.h>
#include <string.h>

#include "../log.h"

#define ADMIN_LOG2		4
#define ADMIN_TIMEOUT_NS	(10ull * 1000000000)
#define RUN_SLICE_NS		(100ull * 1000000)	/* before the state register is looked at */
/* One allocation: submission ring, completion ring, state, invalidation's done word. */
#define ADMIN_SQ_OFFSET		0
#define ADMIN_CQ_OFFSET		4096
#define ADMIN_STATE_OFFSET	8192
#define ADMIN_TLBI_OFFSET	8256
#define ADMIN_BYTES		12288

int direct_admin_start(struct direct *ws)
{
	uint64_t pa;
	int err = direct_host_alloc(ws, ADMIN_BYTES, &ws->admin);

	if (err)
		return err;
	pa = GAON_PA_HOST | ws->admin.iova;
	ws->sq = (struct gaon_admin_cmd *)(ws->admin.cpu + ADMIN_SQ_OFFSET);
	ws->cq = (struct gaon_admin_reply *)(ws->admin.cpu + ADMIN_CQ_OFFSET);
	ws->tlbi_done = (uint64_t *)(ws->admin.cpu + ADMIN_TLBI_OFFSET);
	direct_reg_write64(ws, GAON_REG_ADMIN_SQ, pa + ADMIN_SQ_OFFSET);
	direct_reg_write64(ws, GAON_REG_ADMIN_CQ, pa + ADMIN_CQ_OFFSET);
	direct_reg_write64(ws, GAON_REG_ADMIN_STATE, pa + ADMIN_STATE_OFFSET);
	direct_reg_write64(ws, GAON_REG_TLBI_DONE_ADDR, pa + ADMIN_TLBI_OFFSET);
	direct_reg_write(ws, GAON_REG_ADMIN_LOG2, ADMIN_LOG2);
	direct_reg_write(ws, GAON_REG_ADMIN_ENABLE, 1);
	return 0;
}

void direct_admin_stop(struct direct *ws)
{
	if (ws->sq)
		direct_reg_write(ws, GAON_REG_ADMIN_ENABLE, 0);
	ws->sq = NULL;
}

/* Runs the device on this thread until *@word >= @value. */
int direct_run_until(struct direct *ws, const uint64_t *word, uint64_t value, uint64_t timeout_ns)
{
	uint64_t deadline = rt_now_ns() + timeout_ns;

	while (__atomic_load_n(word, __ATOMIC_ACQUIRE) < value) {
		uint32_t state;

		if (gaon_sim_wait(ws->sim, word, value, RUN_SLICE_NS, NULL) == GAON_SIM_WAIT_VALUE)
			break;
		state = direct_reg_read(ws, GAON_REG_STATE);
		if (state != GAON_STATE_READY && state != GAON_STATE_DEGRADED)
			return -ENODEV;
		if (rt_now_ns() > deadline)
			return -ETIMEDOUT;
	}
	return 0;
}

int direct_admin(struct direct *ws, struct gaon_admin_cmd *cmd, struct gaon_admin_reply *reply)
{
	const uint64_t mask = (1u << ADMIN_LOG2) - 1;
	struct gaon_admin_reply local;
	uint64_t index;
	int err;

	if (atomic_load(&ws->lost))
		return -ENODEV;
	pthread_mutex_lock(&ws->admin_lock);
	index = ws->admin_next++;
	cmd->cookie = (uint32_t)index;
	memcpy(&ws->sq[index & mask], cmd, sizeof(*cmd));
	atomic_thread_fence(memory_order_release);
	direct_reg_write(ws, GAON_REG_ADMIN_TAIL, (uint32_t)ws->admin_next);
	err = direct_run_until(ws, &ws->cq[index & mask].valid, index + 1, ADMIN_TIMEOUT_NS);
	if (!err)
		local = ws->cq[index & mask];
	pthread_mutex_unlock(&ws->admin_lock);
	if (err) {
		direct_lose(ws, err == -ETIMEDOUT ? "firmware did not answer an admin command" :
			    "firmware stopped");
		return -ENODEV;
	}
	if (local.cookie != (uint32_t)index || local.opcode != cmd->opcode) {
		direct_lose(ws, "firmware answered another command");
		return -ENODEV;
	}
	if (reply)
		*reply = local;
	if (local.status)
		log_info("direct: admin command %#x: status %u", cmd->opcode, local.status);
	return gaon_admin_errno(local.status);
}
