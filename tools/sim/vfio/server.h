/* SPDX-License-Identifier: MIT */
/* gaon-sim --vfio-user: the process around the devices that it serves. */
#ifndef GAON_SIM_VFIO_SERVER_H
#define GAON_SIM_VFIO_SERVER_H

#include <stdio.h>

#include "device.h"

#define VFU_DEVICES_MAX	64

struct vfu_server_options {
	const char *path[VFU_DEVICES_MAX];	/* one device listens on each */
	unsigned int devices;
	const char *nv;				/* device n > 0 gets ".n" appended; NULL: none */
	bool once;				/* end when every device has had its client */
	bool no_sandbox;
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

/*
 * Give up what the server does not need from here on: privileges by executing programs, core files,
 * and all system calls but those of serving, which include opening files to write if @writes_files.
 * Threads that are created later inherit it.  0 or -errno.
 */
int vfu_sandbox_enter(bool writes_files);

#endif
