/* SPDX-License-Identifier: MIT */
/*
 * Messages over a stream socket: framing, files that come along, and the requests that the server
 * itself makes of its client.  Knows nothing about devices.
 */
#ifndef GAON_SIM_VFIO_CHANNEL_H
#define GAON_SIM_VFIO_CHANNEL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire.h"

struct vfu_request;

struct vfu_channel {
	int fd;
	uint8_t *buffer;		/* the body of the message received last */

	pthread_mutex_t send_lock;	/* a message goes out in one piece */

	pthread_mutex_t lock;		/* protects what follows */
	pthread_cond_t answered;
	struct vfu_request *requests;	/* waiting for the client's answer */
	uint16_t next_id;
	uint32_t max_data;		/* what the client takes in one message */
	bool open;
	unsigned int aborting;		/* requests fail at once while it is not 0 */
};

struct vfu_message {
	struct vfu_header header;
	const uint8_t *body;		/* until the next vfu_channel_receive() */
	size_t bytes;			/* of @body */
	int fds[VFU_FDS_MAX];		/* the receiver's; -1 where one was taken over */
	unsigned int fd_count;
};

/* 0 or -ENOMEM. */
int vfu_channel_init(struct vfu_channel *ch);
void vfu_channel_fini(struct vfu_channel *ch);

/* From now on messages go over @fd, which stays the caller's. */
void vfu_channel_open(struct vfu_channel *ch, int fd);
/* Requests that wait fail, and so do later ones.  Call before @fd is closed. */
void vfu_channel_close(struct vfu_channel *ch);

/**
 * vfu_channel_receive() - the next message of the client's, answers to requests included
 *
 * Blocks.  One thread receives.  The files of @msg belong to the caller: vfu_message_close().
 *
 * Return: 1; 0 at the end of the stream between two messages; -EPROTO if what came is no message
 * (nothing more can be received then), or another -errno of the socket.
 */
int vfu_channel_receive(struct vfu_channel *ch, struct vfu_message *msg);
void vfu_message_close(struct vfu_message *msg);

/**
 * vfu_channel_reply() - answer a request
 * @to: the request's header
 * @error: 0, or a positive errno: a bare header that says so
 * @fd: goes along; -1: none
 *
 * Return: 0 or -errno.  Any thread.
 */
int vfu_channel_reply(struct vfu_channel *ch, const struct vfu_header *to, int error,
		      const void *body, size_t bytes, int fd);

/* An answer came in: hands it to the thread that waits for it.  What nobody waits for is dropped. */
void vfu_channel_answer(struct vfu_channel *ch, const struct vfu_message *msg);

/**
 * vfu_channel_dma() - read or write the client's memory through messages
 *
 * Blocks until the client has answered, so never call it on the thread that receives.  Any other.
 *
 * Return: 0; -ECANCELED after vfu_channel_abort() or when the channel closes; -EIO if the client
 * refuses or its answer makes no sense.
 */
int vfu_channel_dma(struct vfu_channel *ch, bool write, uint64_t iova, void *data, size_t bytes);

/* Requests fail with -ECANCELED, those that wait too, until @on is false again as often. */
void vfu_channel_abort(struct vfu_channel *ch, bool on);

#endif
