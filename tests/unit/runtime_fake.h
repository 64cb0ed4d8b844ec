/* SPDX-License-Identifier: MIT */
/*
 * A winsys without a device: a thread takes packets from rings and does the simple ones. For tests of
 * what the runtime does when things go wrong, which the model does not do on request.
 */
#ifndef GAON_TEST_RUNTIME_FAKE_H
#define GAON_TEST_RUNTIME_FAKE_H

#include <stdatomic.h>

#include "../../runtime/device.h"

struct fake_control {
	_Atomic int bo_fail_in;		/* the bo_create() that fails, counted down; 0: none */
	_Atomic bool hold;		/* the device takes no packet */
	_Atomic bool drowse;		/* it has seen nothing to do, and is held up before it sleeps */
	_Atomic bool drowsing;		/* there it is */
	_Atomic bool lost;		/* wait() says -ENODEV */
	_Atomic int64_t fault_at;	/* read index at which a queue faults; -1: never */
	struct gaon_fault_record fault;	/* with this record */
	_Atomic int64_t doorbell_ns;	/* that a doorbell takes */
	_Atomic uint64_t read_lie;	/* added to the read index that is published */
	_Atomic uint16_t wake_flags;	/* of the winsys; kept by fake_open() */
	_Atomic uint32_t events, flushes;	/* packets done that had the event flag */
	_Atomic uint32_t doorbells, packets, bos, queues, contexts;
	_Atomic uint64_t launch_sum;	/* of the first argument words */
	_Atomic uint32_t launch_disorder;	/* launches whose second word was not the next number */
};

extern struct fake_control fake;

/* Opens a device over it; resets the control block. */
enum gaon_status fake_open(struct gaon_device **dev);

#endif
