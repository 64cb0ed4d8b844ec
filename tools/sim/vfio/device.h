/* SPDX-License-Identifier: MIT */
/*
 * One device that is served: the model, and the session of the client that has it.
 *
 * Threads: a session runs on one thread, which only ever waits for the socket and, for well under a
 * millisecond, for the model's lock.  The model has its own threads; interrupts have one (irq.h).
 */
#ifndef GAON_SIM_VFIO_DEVICE_H
#define GAON_SIM_VFIO_DEVICE_H

#include <hw/gaon_port.h>

#include "../gaon_sim.h"
#include "channel.h"
#include "dma.h"
#include "irq.h"

struct vfu_options {
	struct gaon_sim_config config;
	bool trap_aperture;		/* do not let the client map BAR2 */
	int log_level;			/* syslog's; lines above it are not printed */
};

struct vfu_device {
	const char *name;		/* for messages: the socket's path */
	struct vfu_options options;
	struct gaon_sim *sim;
	struct vfu_channel channel;
	struct vfu_dma dma;
	struct vfu_irqs irqs;

	/* What is at the other ends of its cables; constant while cables.c's thread runs. */
	struct {
		struct vfu_device *dev;		/* NULL: nothing */
		unsigned int port;
	} peer[GAON_PORTS_MAX];

	/* of the session */
	bool versioned;			/* VERSION was exchanged */
	unsigned int complaints;	/* lines logged about the client */
	uint8_t *reply;			/* VFU_DATA_MAX and a header */
};

/**
 * vfu_device_create() - a device nobody is connected to
 * @name: lives as long as the device
 *
 * Return: NULL with errno set: EINVAL (the shape of the device), ENOMEM, or what creating threads says.
 */
struct vfu_device *vfu_device_create(const char *name, const struct vfu_options *options);
/* No session may be under way. */
void vfu_device_destroy(struct vfu_device *dev);

/**
 * vfu_session_run() - serve the client at the other end of @fd until it goes
 *
 * The device is reset afterwards, and nothing of the client's is left in the server.  Blocks; ends
 * early if someone shuts @fd down.  @fd stays the caller's.
 *
 * Return: 0 if the client went between two messages, else -errno (logged).
 */
int vfu_session_run(struct vfu_device *dev, int fd);

/* One line on standard error; @level as syslog. */
void vfu_log(const struct vfu_device *dev, int level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* About what the client did: only the first few of a session are printed. */
void vfu_complain(struct vfu_device *dev, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* --- region.c ---------------------------------------------------------------------------------- */

#define VFU_CONFIG_BYTES	4096u

/*
 * The reply to GET_REGION_INFO: @info, followed by capabilities if they fit @argsz.  Returns its
 * bytes, or -EINVAL; *@fd is a file that goes along, or -1.
 */
int vfu_region_info(struct vfu_device *dev, uint32_t index, uint32_t argsz, void *reply, int *fd);
bool vfu_region_access_valid(struct vfu_device *dev, uint32_t region, uint64_t offset, uint32_t bytes);
/* 0 or -EINVAL: the access is not inside the region, or of a width that the region does not take. */
int vfu_region_read(struct vfu_device *dev, uint32_t region, uint64_t offset, void *data, uint32_t bytes);
int vfu_region_write(struct vfu_device *dev, uint32_t region, uint64_t offset, const void *data,
		     uint32_t bytes);

#endif
