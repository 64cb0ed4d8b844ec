// SPDX-License-Identifier: MIT
/* The model and what it asks of its host. */
#include "device.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <hw/gaon_regs.h>

#define COMPLAINTS	8u

static void log_line(const struct vfu_device *dev, int level, const char *fmt, va_list ap)
{
	char line[512];

	if (level > dev->options.log_level)
		return;
	vsnprintf(line, sizeof(line), fmt, ap);
	fprintf(stderr, "gaon-sim: %s: %s\n", dev->name, line);
}

void vfu_log(const struct vfu_device *dev, int level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(dev, level, fmt, ap);
	va_end(ap);
}

void vfu_complain(struct vfu_device *dev, const char *fmt, ...)
{
	va_list ap;

	if (dev->complaints++ >= COMPLAINTS)
		return;
	va_start(ap, fmt);
	log_line(dev, 4, fmt, ap);
	va_end(ap);
	if (dev->complaints == COMPLAINTS)
		vfu_log(dev, 4, "more about this client is not printed");
}

/* --- the model's host --------------------------------------------------------------------------- */

static uint8_t *host_dma_map(void *ctx, uint64_t iova, uint64_t *len, bool write)
{
	struct vfu_device *dev = ctx;
	uint8_t *host;

	return vfu_dma_find(&dev->dma, iova, len, write, &host) ? host : NULL;
}

/* By messages, or through the pointer where regions of both kinds lie side by side. */
static int host_dma(struct vfu_device *dev, uint64_t iova, uint8_t *data, size_t bytes, bool write)
{
	while (bytes) {
		uint64_t len = bytes;
		uint8_t *host;
		int error;

		if (!vfu_dma_find(&dev->dma, iova, &len, write, &host))
			return -EFAULT;
		if (!host) {
			error = vfu_channel_dma(&dev->channel, write, iova, data, len);
			if (error)
				return error;
		} else if (write) {
			memcpy(host, data, len);
		} else {
			memcpy(data, host, len);
		}
		iova += len;
		data += len;
		bytes -= len;
	}
	return 0;
}

static int host_dma_read(void *ctx, uint64_t iova, void *data, size_t len)
{
	return host_dma(ctx, iova, data, len, false);
}

static int host_dma_write(void *ctx, uint64_t iova, const void *data, size_t len)
{
	return host_dma(ctx, iova, (uint8_t *)(uintptr_t)data, len, true);
}

static void host_dma_abort(void *ctx, bool on)
{
	struct vfu_device *dev = ctx;

	vfu_channel_abort(&dev->channel, on);
}

static void host_interrupt(void *ctx, unsigned int vector)
{
	struct vfu_device *dev = ctx;

	vfu_irqs_raise(&dev->irqs, vector);
}

static void host_port_send(void *ctx, unsigned int port, const void *frame, size_t bytes)
{
	struct vfu_device *dev = ctx;

	if (dev->peer[port].dev)
		gaon_sim_port_receive(dev->peer[port].dev->sim, dev->peer[port].port, frame, bytes);
}

static void host_log(void *ctx, int level, const char *line)
{
	vfu_log(ctx, level, "%s", line);
}

static const struct gaon_sim_host_ops host_ops = {
	.dma_map = host_dma_map,
	.dma_read = host_dma_read,
	.dma_write = host_dma_write,
	.dma_abort = host_dma_abort,
	.interrupt = host_interrupt,
	.log = host_log,
	.port_send = host_port_send,
};

/* --- life ---------------------------------------------------------------------------------------- */

/* The session does not execute the model, so that threads beside it do. */
static void config_threads(struct gaon_sim_config *config)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (!config->threads)
		config->threads = cpus < 1 ? 1 : cpus < 255 ? cpus : 255;
	config->threads++;
}

struct vfu_device *vfu_device_create(const char *name, const struct vfu_options *options)
{
	struct vfu_device *dev = calloc(1, sizeof(*dev));
	int error;

	if (!dev)
		return NULL;
	dev->name = name;
	dev->options = *options;
	dev->options.config.size = sizeof(dev->options.config);
	dev->options.config.share_hbm = true;
	config_threads(&dev->options.config);
	vfu_dma_init(&dev->dma);
	if (!dev->options.config.msix_vectors)
		dev->options.config.msix_vectors = GAON_MSIX_VECTORS;
	error = vfu_irqs_init(&dev->irqs, dev->options.config.msix_vectors);
	if (!error)
		error = vfu_channel_init(&dev->channel);
	if (!error) {
		dev->reply = malloc(VFU_MESSAGE_MAX);
		dev->sim = gaon_sim_create(&dev->options.config, &host_ops, dev);
		if (!dev->reply || !dev->sim)
			error = -errno;
	}
	if (error) {
		vfu_device_destroy(dev);
		errno = -error;
		return NULL;
	}
	return dev;
}

void vfu_device_destroy(struct vfu_device *dev)
{
	if (!dev)
		return;
	gaon_sim_destroy(dev->sim);
	vfu_channel_fini(&dev->channel);
	vfu_irqs_fini(&dev->irqs);
	vfu_dma_fini(&dev->dma);
	free(dev->reply);
	free(dev);
}
