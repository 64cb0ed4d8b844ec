/* SPDX-License-Identifier: MIT */
/* gdb's commands, answered from a target (target.h). */
#ifndef GAON_DEBUG_STUB_H
#define GAON_DEBUG_STUB_H

#include "rsp.h"
#include "target.h"

/* What is to be done after a command. */
enum stub_next {
	STUB_ANSWER,		/* send the answer, go on listening */
	STUB_RESUMED,		/* no answer now: the target runs */
	STUB_GONE,		/* send the answer, then close: detached or killed */
};

struct stub {
	bool no_ack;		/* agreed to do without acknowledgements, from the next packet on */
	bool swbreak;		/* the other side knows that reason */
	size_t thread;		/* index that g, G, m and M are about */
	uint8_t signal;		/* of the last stop */
	char *libraries, *xml;	/* being read in pieces */
};

void stub_open(struct stub *stub);
void stub_close(struct stub *stub);
/* The target has stopped anew: @signal, of @thread, an index. */
void stub_stopped(struct stub *stub, size_t thread, uint8_t signal, bool libraries, struct rsp_out *out);
/* @in has a whole packet. */
enum stub_next stub_command(struct stub *stub, const struct rsp_in *in, struct rsp_out *out);

/* xml.c: of the target, NULL: no memory. */
char *stub_target_xml(uint32_t vlen);

#endif
