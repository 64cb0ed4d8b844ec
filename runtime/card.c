// SPDX-License-Identifier: MIT
#include "card.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "log.h"
#include "obj.h"

#define EMBEDDED	"embedded"

static pthread_mutex_t card_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t card_once = PTHREAD_ONCE_INIT;
static struct rt_card *cards;		/* embedded ones: this process's, and what a fork left */

static void card_prepare(void)
{
	pthread_mutex_lock(&card_lock);
}

static void card_release(void)
{
	pthread_mutex_unlock(&card_lock);
}

static void card_start(void)
{
	pthread_atfork(card_prepare, card_release, card_release);
}

enum gaon_status rt_card_fail(const struct gaon_ws_why *why)
{
	return gaon_fail_at(__FILE__, __LINE__, why->status, why->sys_errno, why->hint, "%s",
			    why->text);
}

struct rt_card *rt_card_make(struct gaon_winsys *ws)
{
	struct rt_card *card = calloc(1, sizeof(*card));

	if (!card) {
		ws->ops->close(ws);
		gaon_fail(GAON_ERROR_OUT_OF_MEMORY, "no memory for a device");
		return NULL;
	}
	card->ws = ws;
	card->users = 1;
	card->epoch = obj_epoch();
	return card;
}

/* The embedded card of this process, started if need be; card_lock held. */
static enum gaon_status card_embedded(struct rt_card **out)
{
	struct gaon_ws_why why = { 0 };
	struct gaon_winsys *ws;
	struct rt_card *card;

	for (card = cards; card; card = card->next) {
		if (card->epoch == obj_epoch()) {
			card->users++;
			*out = card;
			return GAON_OK;
		}
	}
	if (gaon_winsys_direct_open(&ws, &why))
		return rt_card_fail(&why);
	card = rt_card_make(ws);
	if (!card)
		return GAON_ERROR_OUT_OF_MEMORY;
	card->next = cards;
	cards = card;
	*out = card;
	return GAON_OK;
}

static enum gaon_status card_get_embedded(const struct gaon_device_config *config,
					  struct rt_card **out)
{
	enum gaon_status status;

	if (config->queues == GAON_QUEUES_KERNEL)
		return gaon_fail_hint(GAON_ERROR_UNSUPPORTED, "open it with GAON_QUEUES_DEFAULT",
				      "the embedded device has no kernel that could own its queues");
	pthread_once(&card_once, card_start);
	pthread_mutex_lock(&card_lock);
	status = card_embedded(out);
	if (!status && config->fill_bytes && (*out)->ws->ops->expect_fill)
		(*out)->ws->ops->expect_fill((*out)->ws, config->fill_bytes);
	pthread_mutex_unlock(&card_lock);
	return status;
}

/* Whether the queues of a card are to be the kernel's. */
static enum gaon_status card_queues(const struct gaon_device_config *config, bool *kernel)
{
	const char *env = config->queues == GAON_QUEUES_DEFAULT ? getenv("GAON_QUEUE") : NULL;

	*kernel = config->queues == GAON_QUEUES_KERNEL;
	if (!env || !*env)
		return GAON_OK;
	*kernel = !strcmp(env, "kernel");
	return *kernel || !strcmp(env, "user") ? GAON_OK :
	       gaon_fail(GAON_ERROR_INVALID_ARGUMENT, "GAON_QUEUE is '%s', neither user nor kernel", env);
}

static enum gaon_status card_get_real(const char *name, bool kernel, struct rt_card **out)
{
	struct gaon_ws_why why = { 0 };
	struct gaon_winsys *ws;

	if (gaon_winsys_drm_open(name, kernel, &ws, &why))
		return rt_card_fail(&why);
	*out = rt_card_make(ws);
	return *out ? GAON_OK : GAON_ERROR_OUT_OF_MEMORY;
}

/* The first real card that can be opened; one that cannot is worth a line in the log. */
static enum gaon_status card_get_any(const struct gaon_device_config *config, bool kernel,
				     struct rt_card **out)
{
	struct gaon_ws_card *list;
	struct gaon_winsys *ws = NULL;
	size_t count = 0, i;

	if (gaon_winsys_drm_list(&list, &count))
		count = 0, list = NULL;
	for (i = 0; i < count && !ws; i++) {
		struct gaon_ws_why why = { 0 };

		if (gaon_winsys_drm_open(list[i].name, kernel, &ws, &why)) {
			ws = NULL;
			log_warning("%s is not used: %s (%s)", list[i].name, why.text, why.hint);
		}
	}
	free(list);
	if (!ws)
		return card_get_embedded(config, out);
	*out = rt_card_make(ws);
	return *out ? GAON_OK : GAON_ERROR_OUT_OF_MEMORY;
}

enum gaon_status rt_card_get(const char *name, const struct gaon_device_config *config,
			     struct rt_card **out)
{
	enum gaon_status status;
	bool kernel;

	if (!name || !*name)
		name = getenv("GAON_DEVICE");
	status = card_queues(config, &kernel);
	if (status)
		return status;
	if (!name || !*name)
		return card_get_any(config, kernel, out);
	return strcmp(name, EMBEDDED) ? card_get_real(name, kernel, out) :
					card_get_embedded(config, out);
}

void rt_card_put(struct rt_card *card)
{
	struct rt_card **link;

	pthread_mutex_lock(&card_lock);
	if (!--card->users) {
		for (link = &cards; *link && *link != card; link = &(*link)->next)
			;
		if (*link)
			*link = card->next;
		card->ws->ops->close(card->ws);
		free(card);
	}
	pthread_mutex_unlock(&card_lock);
}

/* --- properties ------------------------------------------------------------------------------ */

void rt_card_info(struct gaon_winsys *ws, struct gaon_device_info *info)
{
	const struct gaon_identify *id = ws->ops->identify(ws);

	*info = (struct gaon_device_info){
		.size = sizeof(*info),
		.hbm_bytes = id->hbm_bytes,
		.spm_bytes = id->spm_bytes,
		.cores = id->cores,
		.vlen = id->vlen,
		.dlen = id->dlen,
		.vector_pipes = id->vector_pipes,
		.matrix_arrays = id->matrix_arrays,
		.matrix_dim = id->matrix_dim,
		.dma_channels = id->dma_channels,
		.copy_engines = id->copy_engines,
		.clock_khz = id->clock_khz,
		.hbm_mbps = id->hbm_mbps,
		.host_mbps = id->host_mbps,
		.numerics = id->numerics,
		.firmware_version = id->fw_version,
		.abi = gaon_abi_common(id->abi_min, id->abi_max),
		.stream_priorities = 3,
		.cooperative_workgroups = id->cores,
		.modelled_time = id->features & GAON_FEATURE_MODELLED_TIME,
		.gemm_memory = id->features & GAON_FEATURE_GEMM_MEMORY,
		.hbm_channels = id->hbm_channels,
	};
	snprintf(info->name, sizeof(info->name), "%s", ws->name);
	snprintf(info->address, sizeof(info->address), "%s", ws->address);
	snprintf(info->transport, sizeof(info->transport), "%s", ws->transport);
	snprintf(info->product, sizeof(info->product), "%.*s", (int)sizeof(id->name) - 1, id->name);
	snprintf(info->firmware, sizeof(info->firmware), "%u.%u.%u %.*s", id->fw_version >> 24,
		 id->fw_version >> 16 & 0xff, id->fw_version & 0xffff, (int)sizeof(id->fw_build) - 1,
		 id->fw_build);
	memcpy(info->serial, id->serial, sizeof(info->serial));
}

GAON_API enum gaon_status gaon_device_count(uint32_t *count)
{
	struct gaon_ws_card *list = NULL;
	size_t found = 0;

	if (!count)
		return gaon_fail(GAON_ERROR_INVALID_ARGUMENT, "the place for the result is NULL");
	if (gaon_winsys_drm_list(&list, &found))
		return gaon_fail(GAON_ERROR_OUT_OF_MEMORY, "no memory for the list of cards");
	free(list);
	*count = (uint32_t)found + 1;
	return GAON_OK;
}

/* Name of device @index: cards first, the embedded device last. */
static enum gaon_status card_name(uint32_t index, char *name, size_t size)
{
	struct gaon_ws_card *list = NULL;
	enum gaon_status status = GAON_OK;
	size_t found = 0;

	if (gaon_winsys_drm_list(&list, &found))
		return gaon_fail(GAON_ERROR_OUT_OF_MEMORY, "no memory for the list of cards");
	if (index > found)
		status = gaon_fail(GAON_ERROR_NO_DEVICE, "there is no device %u: there are %zu", index,
				   found + 1);
	else
		snprintf(name, size, "%s", index < found ? list[index].name : EMBEDDED);
	free(list);
	return status;
}

GAON_API enum gaon_status gaon_device_describe(uint32_t index, struct gaon_device_info *info)
{
	struct gaon_device_info full;
	struct rt_card *card = NULL;
	enum gaon_status status;
	char name[64];

	status = card_name(index, name, sizeof(name));
	if (status)
		return status;
	gaon_error_set_device(name);
	status = rt_card_get(name, &(struct gaon_device_config){ 0 }, &card);
	gaon_error_set_device(NULL);
	if (status)
		return status;
	rt_card_info(card->ws, &full);
	rt_card_put(card);
	return gaon_struct_write(info, &full, sizeof(full), "gaon_device_info");
}
