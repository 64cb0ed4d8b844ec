/* SPDX-License-Identifier: MIT */
/*
 * Files of `gaon record`, as the tools library writes them and `gaon replay` reads them; described
 * in Documentation/runtime/record.rst. Integers are little-endian. Each record's check sum is a
 * CRC-32 (that of zlib) of what follows its struct watch_record.
 */
#ifndef GAON_RECORD_FORMAT_H
#define GAON_RECORD_FORMAT_H

#include "../file.h"

#define RECORD_MAGIC   "GAONREC"
#define RECORD_VERSION 2 /* 1 had other digests */

enum record_type {
	RECORD_CALL = 1, /* struct record_call, then data unless it is elsewhere */
	RECORD_DATA,	 /* struct record_data, then data that calls name */
	RECORD_WARNING,	 /* text: what could not be recorded */
	RECORD_TYPES,
};

/* What a call was. Numbers never change meaning. */
enum record_op {
	RECORD_OTHER = 0,   /* a: calls of one function that only ask; data: its name */
	RECORD_FAILED,	    /* a: number of a call above that failed, with status */
	RECORD_END,	    /* the program ended in order */
	RECORD_DEVICE_OPEN, /* object, a: queues, data: struct record_device */
	RECORD_DEVICE_RETAIN,
	RECORD_DEVICE_CLOSE,
	RECORD_DEVICE_WAIT,
	RECORD_MEM_ALLOC,   /* object, other: device; a: bytes, b: kind, c: address */
	RECORD_MEM_IMPORT,  /* the same; b: flags */
	RECORD_MEM_FOREIGN, /* from a file descriptor: the same; b: 1 if it lies in host memory */
	RECORD_MEM_RETAIN,
	RECORD_MEM_FREE,
	RECORD_POOL_CHUNK,   /* object: device; a: bytes, c: address */
	RECORD_POOL_ALLOC,   /* object: stream; a: bytes, c: address */
	RECORD_POOL_FREE,    /* object: stream; c: address */
	RECORD_HOST_WRITE,   /* object: device; c: address of host memory, data: as the program left
				it */
	RECORD_HOST_CHANGED, /* the same, as it was when the device had written there */
	RECORD_SETTLE,	     /* object: device; the recorder waited for it */
	RECORD_BUFFERS, /* object: device; c: address, a: bytes, data: record_digest() of each page
			 */
	RECORD_STREAM_CREATE, /* object, other: device; a: priority, b: ring_log2, c:
				 launch_limit_ns */
	RECORD_STREAM_RETAIN,
	RECORD_STREAM_DESTROY,
	RECORD_STREAM_CLEAR_FAULT,
	RECORD_STREAM_WAIT,
	RECORD_STREAM_QUERY,
	RECORD_STREAM_WAIT_EVENT, /* other: event */
	RECORD_STREAM_CALLBACK,	  /* a: number of the callback */
	RECORD_CALLBACK_BEGIN,	  /* a: the same; it runs */
	RECORD_CALLBACK_END,
	RECORD_STREAM_TIMESTAMP, /* c: address */
	RECORD_STREAM_FAULT,	 /* data: struct record_fault */
	RECORD_EVENT_CREATE,	 /* object, other: device; a: flags */
	RECORD_EVENT_DESTROY,
	RECORD_EVENT_RECORD, /* object: stream, other: event */
	RECORD_EVENT_WAIT,
	RECORD_EVENT_QUERY,
	RECORD_SEMAPHORE_CREATE, /* object, other: device; a: 1 if other processes have it too */
	RECORD_SEMAPHORE_DESTROY,
	RECORD_SEMAPHORE_SIGNAL,	/* a: value */
	RECORD_SEMAPHORE_WAIT,		/* a: value */
	RECORD_STREAM_SIGNAL_SEMAPHORE, /* object: stream, other: semaphore; a: value */
	RECORD_STREAM_WAIT_SEMAPHORE,
	RECORD_MODULE_LOAD, /* object, other: device; c: address or 0, data: image */
	RECORD_MODULE_RETAIN,
	RECORD_MODULE_UNLOAD,
	RECORD_KERNEL, /* object, other: module; data: name */
	RECORD_LAUNCH, /* object: stream, other: kernel; a: grid y << 32 | x, b: scratchpad << 32 |
			* grid z, c: flags, data: arguments */
	RECORD_GRAPH_BEGIN,
	RECORD_GRAPH_END,    /* object: graph, other: stream */
	RECORD_GRAPH_LAUNCH, /* object: stream, other: graph; data: struct record_args each */
	RECORD_GRAPH_DESTROY,
	RECORD_WRITE,	    /* object: device; a: bytes, c: to, data */
	RECORD_WRITE_ASYNC, /* object: stream; the same; without data d: address of the host memory
			       it was in */
	RECORD_READ,	    /* object: device; a: bytes, c: from, data: what came */
	RECORD_READ_ASYNC,  /* object: stream; a: bytes, b: number of the read, c: from, d: address
			     * of the  host memory it goes to, or 0 */
	RECORD_READ_DONE,   /* b: number of the read; data: what came */
	RECORD_COPY,	    /* object: device; a: bytes, c: to, d: from */
	RECORD_COPY_ASYNC,  /* object: stream */
	RECORD_FILL,	    /* object: device; a: bytes, b: pattern, c: to, d: pattern's size */
	RECORD_FILL_ASYNC,  /* object: stream */
	RECORD_COPY_PEER,   /* object: to device, other: from device; a: bytes, c: to, d: from */
	RECORD_COPY_PEER_ASYNC, /* object: stream, other: to device, b: from device */
	RECORD_RECT, /* object: device; d: struct record_rect's size, which is in front of the data:
		      * the host's rows, one behind the other; b: number of the read */
	RECORD_RECT_ASYNC,	 /* object: stream */
	RECORD_SEMAPHORE_SHARED, /* others may raise it, too */
	RECORD_WAIT_BEGIN, /* object: stream or device; a: number of the wait, which its end has as
			    * a: what was given before is waited for */
	RECORD_OPS,
};

struct record_call {
	uint32_t op;
	uint32_t thread;
	int32_t status;
	uint32_t reserved;
	uint64_t number;	/* grows, but not in the file's order */
	uint64_t object, other; /* handles as the program had them */
	uint64_t a, b, c, d;
	uint64_t data; /* number of the RECORD_DATA that holds it; 0: it follows */
	uint64_t data_bytes;
};

struct record_data {
	uint64_t number; /* 1, 2, 3, ... */
};

struct record_device {
	char name[64];
	char product[32];
	char transport[16];
	uint32_t cores, vlen;
};

struct record_fault {
	uint32_t type, access;
	uint64_t va, pc_offset;
	char kernel[64];
};

/* In front of the bytes of one launch's arguments, which are padded to 8. */
struct record_args {
	uint32_t launch;
	uint32_t bytes;
};

struct record_rect_end {
	uint64_t va; /* 0: host memory, whose rows are the call's data */
	uint64_t row_pitch, slice_pitch;
};

struct record_rect {
	uint64_t width;
	uint32_t height, depth;
	struct record_rect_end dst, src;
};

#define RECORD_PAGE 4096u /* of RECORD_BUFFERS */

static inline uint64_t record_mix(uint64_t digest, uint64_t word)
{
	digest = (digest ^ word) * 0xff51afd7ed558ccdull;
	return digest ^ digest >> 32;
}

/*
 * Of a page. Not against forgers: what differs by accident has another one. Four chains side by side,
 * since each step waits for its product: they are for lines of 32 bytes, the first goes on with the rest.
 */
static inline uint64_t record_digest(const void *data, uint64_t bytes)
{
	const uint64_t seed = 0x9e3779b97f4a7c15ull ^ bytes;
	uint64_t chain[4] = { seed, ~seed, seed << 1, seed >> 1 }, word[4];
	const uint8_t *at = data;

	for (; bytes >= sizeof(word); bytes -= sizeof(word), at += sizeof(word)) {
		__builtin_memcpy(word, at, sizeof(word));
		for (int i = 0; i < 4; i++)
			chain[i] = record_mix(chain[i], word[i]);
	}
	for (int i = 1; i < 4; i++)
		chain[0] = record_mix(chain[0], chain[i]);
	for (; bytes; bytes -= bytes < 8 ? bytes : 8, at += 8) {
		word[0] = 0;
		__builtin_memcpy(word, at, bytes < 8 ? bytes : 8);
		chain[0] = record_mix(chain[0], word[0]);
	}
	return chain[0];
}

#endif
