// SPDX-License-Identifier: MIT
#include "direct.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../firmware/gaon_fw_embed.h"
#include "../log.h"

void direct_lose(struct direct *ws, const char *why)
{
	if (!atomic_exchange(&ws->lost, true))
		log_error("embedded device lost: %s (state %u, boot error %#x)", why,
			  direct_reg_read(ws, GAON_REG_STATE),
			  direct_reg_read(ws, GAON_REG_BOOT_ERROR));
}

static uint64_t host_clock(void *ctx)
{
	(void)ctx;
	return rt_now_ns();
}

static void host_log(void *ctx, int level, const char *line)
{
	(void)ctx;
	/*
	 * Syslog levels: 3 error, 4 warning, 6 information. What a bad packet causes is no warning
	 * here.
	 */
	gaon_log_line(level <= 3 ? GAON_LOG_WARNING : level <= 6 ? GAON_LOG_INFO : GAON_LOG_DEBUG,
		      "device: %s", line);
}

static const struct gaon_sim_host_ops host_ops = {
	.dma_map = direct_dma_map,
	.interrupt = direct_interrupt,
	.clock_ns = host_clock,
	.log = host_log,
};

static void direct_close(struct gaon_winsys *winsys)
{
	struct direct *ws = (struct direct *)winsys;
	unsigned int i;

	direct_ready_end(ws);
	if (ws->sim) {
		direct_admin_stop(ws);
		gaon_sim_destroy(ws->sim);
	}
	/* The device is gone: nothing reaches host memory any more. */
	for (i = 0; i < GAON_EVENT_RINGS; i++)
		direct_host_free(ws, &ws->rings[i].host);
	for (i = 0; i < GAON_CONTEXTS; i++) {
		if (ws->contexts[i]) {
			direct_vm_fini(&ws->contexts[i]->vm);
			free(ws->contexts[i]);
		}
	}
	direct_host_free(ws, &ws->image);
	direct_host_free(ws, &ws->admin);
	direct_pt_release_all(ws);
	extents_fini(&ws->hbm);
	direct_iova_fini(&ws->iova);
	pthread_mutex_destroy(&ws->admin_lock);
	pthread_mutex_destroy(&ws->tlbi_lock);
	pthread_mutex_destroy(&ws->mem_lock);
	pthread_mutex_destroy(&ws->event_lock);
	free(ws);
}

static const struct gaon_identify *direct_identify(struct gaon_winsys *winsys)
{
	return &((struct direct *)winsys)->identify;
}

int direct_admin_read(struct direct *ws, uint16_t opcode, void *out, size_t bytes)
{
	struct gaon_admin_cmd cmd = { .opcode = opcode };
	struct direct_host page = { 0 };
	int err = direct_host_alloc(ws, GAON_PAGE_SIZE, &page);

	if (err)
		return err;
	if (opcode == GAON_ADMIN_IDENTIFY) {
		cmd.identify.data_pa = GAON_PA_HOST | page.iova;
		cmd.identify.data_len = GAON_PAGE_SIZE;
	} else {
		cmd.buffer.pa = GAON_PA_HOST | page.iova;
		cmd.buffer.bytes = GAON_PAGE_SIZE;
	}
	err = direct_admin(ws, &cmd, NULL);
	if (!err)
		memcpy(out, page.cpu, bytes);
	direct_host_free(ws, &page);
	return err;
}

static int direct_telemetry(struct gaon_winsys *winsys, struct gaon_telemetry *out)
{
	return direct_admin_read((struct direct *)winsys, GAON_ADMIN_TELEMETRY, out, sizeof(*out));
}

static int direct_mem_info(struct gaon_winsys *winsys, uint64_t *free_bytes, uint64_t *total_bytes)
{
	struct direct *ws = (struct direct *)winsys;

	pthread_mutex_lock(&ws->mem_lock);
	*free_bytes = ws->hbm.free_bytes;
	*total_bytes = ws->hbm_bytes;
	pthread_mutex_unlock(&ws->mem_lock);
	return 0;
}

static int direct_correlate(struct gaon_winsys *winsys, uint64_t *cycle, uint64_t *host_ns)
{
	struct direct *ws = (struct direct *)winsys;

	if (atomic_load(&ws->lost))
		return -ENODEV;
	/* Reading CYCLE latches HOST_NS: the pair must not be torn by another thread. */
	pthread_mutex_lock(&ws->admin_lock);
	*cycle = direct_reg_read64(ws, GAON_REG_CYCLE);
	*host_ns = direct_reg_read64(ws, GAON_REG_HOST_NS);
	pthread_mutex_unlock(&ws->admin_lock);
	return 0;
}

static void direct_context_blame(struct gaon_winsys *winsys, int err, struct gaon_ws_why *why)
{
	struct direct *ws = (struct direct *)winsys;

	why->status = err == -ENOSPC ? GAON_ERROR_LIMIT : err == -ENODEV ? GAON_ERROR_DEVICE_LOST :
		      GAON_ERROR_OUT_OF_DEVICE_MEMORY;
	why->sys_errno = -err;
	snprintf(why->text, sizeof(why->text), "the device has no room for another context: %s",
		 strerror(-err));
	snprintf(why->hint, sizeof(why->hint), "close devices that are no longer used: it has %u contexts",
		 ws->identify.contexts);
}

static uint32_t direct_context_id(struct gaon_ws_context *ctx)
{
	return ctx->id;
}

static struct gaon_print_ring *direct_context_print_ring(struct gaon_ws_context *ctx)
{
	return (struct gaon_print_ring *)ctx->print->cpu;
}

static const struct gaon_ws_debug_ops direct_debug_ops = {
	.suspend = direct_debug_suspend,
	.resume = direct_debug_resume,
	.stopped = direct_debug_stopped,
	.save_access = direct_debug_save_access,
	.memory = direct_debug_memory,
	.wait = direct_debug_wait,
};

static const struct gaon_winsys_ops direct_ops = {
	.name = "direct",
	.debug = &direct_debug_ops,
	.close = direct_close,
	.identify = direct_identify,
	.telemetry = direct_telemetry,
	.expect_fill = direct_ready_begin,
	.mem_info = direct_mem_info,
	.correlate = direct_correlate,
	.context_create = direct_context_create,
	.context_destroy = direct_context_destroy,
	.context_blame = direct_context_blame,
	.context_id = direct_context_id,
	.context_print_ring = direct_context_print_ring,
	.bo_create = direct_bo_create,
	.bo_create_at = direct_bo_create_at,
	.bo_info = direct_bo_info,
	.bo_protect = direct_bo_protect,
	.bo_flush = direct_bo_flush,
	.bo_export = direct_bo_export,
	.bo_import = direct_bo_import,
	.bo_destroy = direct_bo_destroy,
	.queue_create = direct_queue_create,
	.queue_info = direct_queue_info,
	.queue_doorbell = direct_queue_doorbell,
	.queue_fault = direct_queue_fault,
	.queue_clear = direct_queue_clear,
	.queue_destroy = direct_queue_destroy,
	.sem_create = direct_sem_create,
	.sem_import = direct_sem_import,
	.sem_export = direct_sem_export,
	.sem_query = direct_sem_query,
	.sem_signal = direct_sem_signal,
	.sem_wait = direct_sem_wait,
	.sem_destroy = direct_sem_destroy,
	.wait = direct_wait,
};

static void direct_init_locks(struct direct *ws)
{
	direct_iova_init(&ws->iova);
	pthread_mutex_init(&ws->admin_lock, NULL);
	pthread_mutex_init(&ws->tlbi_lock, NULL);
	pthread_mutex_init(&ws->mem_lock, NULL);
	pthread_mutex_init(&ws->event_lock, NULL);
}

static int direct_set_limits(struct direct *ws)
{
	struct gaon_admin_cmd cmd = { .opcode = GAON_ADMIN_LIMITS };

	if (!(ws->identify.features & GAON_FEATURE_MODELLED_TIME))
		return 0;
	if (ws->identify.preempt_ms >= GAON_PREEMPT_MODEL_MS)
		return 0;
	cmd.limits.preempt_ms = GAON_PREEMPT_MODEL_MS;
	return direct_admin(ws, &cmd, NULL);
}

/* After READY: admin queue, features, properties, memory. */
static int direct_setup(struct direct *ws)
{
	struct gaon_admin_cmd cmd = { .opcode = GAON_ADMIN_SET_FEATURES };
	uint64_t len = 0;
	int err;

	err = direct_admin_start(ws);
	if (err)
		return err;
	err = direct_admin_read(ws, GAON_ADMIN_IDENTIFY, &ws->identify, sizeof(ws->identify));
	if (err)
		return err;
	ws->hbm_bytes = direct_reg_read64(ws, GAON_REG_HBM_SIZE);
	ws->aperture_bytes = direct_reg_read64(ws, GAON_REG_APERTURE);
	if (!gaon_identify_valid(&ws->identify, ws->hbm_bytes, ws->aperture_bytes))
		return -EPROTO;
	cmd.features.mask = ws->identify.features &
			    (GAON_FEATURE_MODELLED_TIME | GAON_FEATURE_PREEMPT_INSIDE |
			     GAON_FEATURE_INJECT | GAON_FEATURE_RETIRE |
			     GAON_FEATURE_GEMM_MEMORY | GAON_FEATURE_DEBUG);
	err = direct_admin(ws, &cmd, NULL);
	if (!err)
		err = direct_set_limits(ws);
	if (err)
		return err;
	ws->aperture = gaon_sim_hbm(ws->sim, &len);
	if (!ws->aperture || len < ws->hbm_bytes || ws->aperture_bytes < ws->hbm_bytes)
		return -ENOTSUP;
	if (!extents_put(&ws->hbm, 0, ws->hbm_bytes))
		return -ENOMEM;
	atomic_store(&ws->retired_stale, ws->identify.features & GAON_FEATURE_RETIRE);
	return direct_ras_refresh(ws);
}

/* What is not filled yet. */
static void open_failed(struct gaon_ws_why *why, int err)
{
	const char *hint = "";

	switch (err) {
	case -EINVAL:
		why->status = GAON_ERROR_INVALID_ARGUMENT;
		break;
	case -ENOKEY:
		why->status = GAON_ERROR_FIRMWARE;
		hint = getenv("GAON_FIRMWARE") ?
		       "unset GAON_FIRMWARE to use the library's own image" :
		       "install the firmware and library of one release";
		break;
	case -ENOMEM:
		why->status = GAON_ERROR_OUT_OF_MEMORY;
		why->sys_errno = ENOMEM;
		break;
	default:
		why->status = GAON_ERROR_NO_DEVICE;
		why->sys_errno = -err;
	}
	snprintf(why->hint, sizeof(why->hint), "%s", hint);
	if (!why->text[0])
		snprintf(why->text, sizeof(why->text), "the embedded device did not start: %s",
			 strerror(-err));
}

int gaon_winsys_direct_open(struct gaon_winsys **out, struct gaon_ws_why *why)
{
	struct direct *ws;
	int err;

	*why = (struct gaon_ws_why){ 0 };
	ws = calloc(1, sizeof(*ws));
	if (!ws) {
		open_failed(why, -ENOMEM);
		return -ENOMEM;
	}
	direct_init_locks(ws);
	err = direct_config_from_env(&ws->config, why->text, sizeof(why->text));
	if (err)
		goto fail;
	ws->config.public_keys = &gaon_fw_devkey;
	ws->config.public_key_count = 1;
	ws->sim = gaon_sim_create(&ws->config, &host_ops, ws);
	if (!ws->sim) {
		err = -errno;
		snprintf(why->text, sizeof(why->text), "the device model cannot be created: %s", strerror(errno));
		goto fail;
	}
	err = direct_boot(ws, why->text, sizeof(why->text));
	if (!err)
		err = direct_setup(ws);
	if (err)
		goto fail;
	ws->ws.ops = &direct_ops;
	ws->ws.transport = "embedded";
	snprintf(ws->ws.name, sizeof(ws->ws.name), "embedded");
	*out = &ws->ws;
	return 0;

fail:
	open_failed(why, err);
	direct_close(&ws->ws);
	return err;
}
