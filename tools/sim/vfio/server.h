/* SPDX-License-Identifier: MIT */
/* gaon-sim --vfio-user: the process around the devices that it serves. */
#ifndef GAON_SIM_VFIO_SERVER_H
#define GAON_SIM_VFIO_SERVER_H

#include <stdio.h>

#include "device.h"

#define VFU_DEVICES_MAX	64
#define VFU_DIMENSIONS	(GAON_PORTS_MAX / 2)
#define VFU_CUTS_MAX	64

struct vfu_torus {
	unsigned int size[VFU_DIMENSIONS];	/* of each dimension, 0 behind the last */
	struct {
		unsigned int device, port;
	} cut[VFU_CUTS_MAX];			/* here the cable is cut */
	unsigned int cuts;
};

struct vfu_server_options {
	const char *path[VFU_DEVICES_MAX];	/* one device listens on each */
	unsigned int devices;
	const char *nv;				/* device n > 0 gets ".n" appended; NULL: none */
	bool once;				/* end when every device has had its client */
	bool no_sandbox;
	struct vfu_torus torus;			/* how they are joined; no dimension: not at all */
	struct vfu_options device;		/* of all of them */
};

/* Does the command line ask for the server? */
bool vfu_wanted(int argc, char **argv);
/* Parse, serve until SIGTERM or SIGINT; the process's exit status. */
int vfu_main(int argc, char **argv);
void vfu_usage(FILE *out);

/* 0, or an exit status after a message on standard error. */
int vfu_options_parse(struct vfu_server_options *options, int argc, char **argv);
int vfu_server_run(struct vfu_server_options *options);

/* --- cables.c: between devices of this process -------------------------------------------------------- */

struct vfu_cables;

/* From "2x4" or "4x4x4"; and from "DEVICE:PORT". False: it is none. */
bool vfu_torus_parse(struct vfu_torus *torus, const char *text);
bool vfu_torus_cut(struct vfu_torus *torus, const char *text);
/* How many devices it has; 0: there is no torus. */
unsigned int vfu_torus_devices(const struct vfu_torus *torus);
/* Ports that each of them needs. */
unsigned int vfu_torus_ports(const struct vfu_torus *torus);
/* Joins @devices, as many as the torus has, and drives their ports until vfu_cables_stop(). NULL, errno. */
struct vfu_cables *vfu_cables_start(const struct vfu_torus *torus, struct vfu_device *const *devices);
/* NULL is nothing. Afterwards devices may be destroyed. */
void vfu_cables_stop(struct vfu_cables *cables);

/*
 * Give up what the server does not need from here on: privileges by executing programs, core files,
 * and all system calls but those of serving, which include opening files to write if @writes_files.
 * Threads that are created later inherit it.  0 or -errno.
 */
int vfu_sandbox_enter(bool writes_files);

#endif
