// SPDX-License-Identifier: MIT
#include "channel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

struct vfu_request {
	uint16_t id, command;
	uint64_t iova;
	uint8_t *data;
	size_t bytes;
	bool done;
	int error;
	struct vfu_request *next;
};

/* --- life -------------------------------------------------------------------------------------- */

int vfu_channel_init(struct vfu_channel *ch)
{
	memset(ch, 0, sizeof(*ch));
	ch->fd = -1;
	ch->buffer = malloc(VFU_MESSAGE_MAX);
	if (!ch->buffer)
		return -ENOMEM;
	pthread_mutex_init(&ch->send_lock, NULL);
	pthread_mutex_init(&ch->lock, NULL);
	pthread_cond_init(&ch->answered, NULL);
	return 0;
}

void vfu_channel_fini(struct vfu_channel *ch)
{
	if (!ch->buffer)
		return;
	pthread_cond_destroy(&ch->answered);
	pthread_mutex_destroy(&ch->lock);
	pthread_mutex_destroy(&ch->send_lock);
	free(ch->buffer);
	ch->buffer = NULL;
}

void vfu_channel_open(struct vfu_channel *ch, int fd)
{
	pthread_mutex_lock(&ch->lock);
	ch->fd = fd;
	ch->open = true;
	ch->max_data = VFU_DATA_MAX;
	pthread_mutex_unlock(&ch->lock);
}

/* Lock held. */
static void channel_fail_requests(struct vfu_channel *ch)
{
	for (struct vfu_request *r = ch->requests; r; r = r->next) {
		r->done = true;
		r->error = -ECANCELED;
	}
	ch->requests = NULL;
	pthread_cond_broadcast(&ch->answered);
}

void vfu_channel_close(struct vfu_channel *ch)
{
	pthread_mutex_lock(&ch->lock);
	ch->open = false;
	channel_fail_requests(ch);
	pthread_mutex_unlock(&ch->lock);
	/* A thread that is stuck in the middle of sending comes back, and none sends any more. */
	shutdown(ch->fd, SHUT_RDWR);
	pthread_mutex_lock(&ch->send_lock);
	ch->fd = -1;
	pthread_mutex_unlock(&ch->send_lock);
}

void vfu_channel_abort(struct vfu_channel *ch, bool on)
{
	pthread_mutex_lock(&ch->lock);
	if (on) {
		ch->aborting++;
		channel_fail_requests(ch);
	} else {
		ch->aborting--;
	}
	pthread_mutex_unlock(&ch->lock);
}

/* --- receiving --------------------------------------------------------------------------------- */

/* Files that came with a piece of the message; false: more than a message may carry. */
static bool take_files(struct vfu_message *msg, struct msghdr *hdr)
{
	bool good = !(hdr->msg_flags & MSG_CTRUNC);

	for (struct cmsghdr *c = CMSG_FIRSTHDR(hdr); c; c = CMSG_NXTHDR(hdr, c)) {
		const uint8_t *at = CMSG_DATA(c);
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, at + i * sizeof(int), sizeof(int));
			if (msg->fd_count < VFU_FDS_MAX) {
				msg->fds[msg->fd_count++] = fd;
			} else {
				close(fd);
				good = false;
			}
		}
	}
	return good;
}

/* Exactly @bytes. 1, 0 at the end before the first byte, or -errno. */
static int receive_all(struct vfu_channel *ch, struct vfu_message *msg, void *data, size_t bytes)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(VFU_FDS_MAX * sizeof(int))];
	} control;
	size_t got = 0;

	while (got < bytes) {
		struct iovec iov = { .iov_base = (uint8_t *)data + got, .iov_len = bytes - got };
		struct msghdr hdr = {
			.msg_iov = &iov, .msg_iovlen = 1,
			.msg_control = control.space, .msg_controllen = sizeof(control.space),
		};
		ssize_t n = recvmsg(ch->fd, &hdr, MSG_WAITALL | MSG_CMSG_CLOEXEC);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!take_files(msg, &hdr))
			return -EPROTO;
		if (!n)
			return got ? -EPROTO : 0;
		got += n;
	}
	return 1;
}

int vfu_channel_receive(struct vfu_channel *ch, struct vfu_message *msg)
{
	size_t bytes;
	int got;

	msg->fd_count = 0;
	msg->body = ch->buffer;
	msg->bytes = 0;
	got = receive_all(ch, msg, &msg->header, sizeof(msg->header));
	if (got == 1) {
		bytes = msg->header.size;
		if (bytes < sizeof(msg->header) || bytes > VFU_MESSAGE_MAX) {
			got = -EPROTO;
		} else if (bytes > sizeof(msg->header)) {
			msg->bytes = bytes - sizeof(msg->header);
			got = receive_all(ch, msg, ch->buffer, msg->bytes);
			if (!got)
				got = -EPROTO;
		}
	}
	if (got != 1)
		vfu_message_close(msg);
	return got;
}

void vfu_message_close(struct vfu_message *msg)
{
	for (unsigned int i = 0; i < msg->fd_count; i++)
		if (msg->fds[i] >= 0)
			close(msg->fds[i]);
	msg->fd_count = 0;
}

/* --- sending ----------------------------------------------------------------------------------- */

static int send_pieces(int socket, struct iovec *iov, unsigned int pieces, int fd)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr hdr = { .msg_iov = iov, .msg_iovlen = pieces };

	if (fd >= 0) {
		hdr.msg_control = control.space;
		hdr.msg_controllen = sizeof(control.space);
		control.align = (struct cmsghdr){
			.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int)),
		};
		memcpy(CMSG_DATA(&control.align), &fd, sizeof(int));
	}
	while (hdr.msg_iovlen) {
		ssize_t n = sendmsg(socket, &hdr, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		hdr.msg_control = NULL;
		hdr.msg_controllen = 0;
		while (hdr.msg_iovlen && (size_t)n >= hdr.msg_iov->iov_len) {
			n -= hdr.msg_iov->iov_len;
			hdr.msg_iov++;
			hdr.msg_iovlen--;
		}
		if (hdr.msg_iovlen) {
			hdr.msg_iov->iov_base = (uint8_t *)hdr.msg_iov->iov_base + n;
			hdr.msg_iov->iov_len -= n;
		}
	}
	return 0;
}

static int channel_send(struct vfu_channel *ch, struct iovec *iov, unsigned int pieces, int fd)
{
	int error = -EPIPE;

	pthread_mutex_lock(&ch->send_lock);
	if (ch->fd >= 0)
		error = send_pieces(ch->fd, iov, pieces, fd);
	pthread_mutex_unlock(&ch->send_lock);
	return error;
}

int vfu_channel_reply(struct vfu_channel *ch, const struct vfu_header *to, int error,
		      const void *body, size_t bytes, int fd)
{
	struct vfu_header header = {
		.id = to->id, .command = to->command,
		.size = sizeof(header) + (error ? 0 : (uint32_t)bytes),
		.flags = VFU_F_REPLY | (error ? VFU_F_ERROR : 0), .error = error,
	};
	struct iovec iov[2] = {
		{ .iov_base = &header, .iov_len = sizeof(header) },
		{ .iov_base = (void *)(uintptr_t)body, .iov_len = bytes },
	};

	return channel_send(ch, iov, error || !bytes ? 1 : 2, error ? -1 : fd);
}

/* --- requests to the client -------------------------------------------------------------------- */

/* Says 0 if the answer is what was asked for; its data is taken over.  Lock held. */
static int answer_check(struct vfu_request *r, const struct vfu_message *msg)
{
	struct vfu_dma_access got;

	if ((msg->header.flags & VFU_F_ERROR) || msg->header.command != r->command ||
	    msg->bytes < sizeof(got))
		return -EIO;
	memcpy(&got, msg->body, sizeof(got));
	if (got.addr != r->iova || got.count != r->bytes)
		return -EIO;
	if (r->command == VFU_DMA_WRITE)
		return 0;
	if (msg->bytes - sizeof(got) != r->bytes)
		return -EIO;
	memcpy(r->data, msg->body + sizeof(got), r->bytes);
	return 0;
}

void vfu_channel_answer(struct vfu_channel *ch, const struct vfu_message *msg)
{
	struct vfu_request **p, *r;

	pthread_mutex_lock(&ch->lock);
	for (p = &ch->requests; *p && (*p)->id != msg->header.id; p = &(*p)->next)
		;
	r = *p;
	if (r) {
		*p = r->next;
		r->error = answer_check(r, msg);
		r->done = true;
		pthread_cond_broadcast(&ch->answered);
	}
	pthread_mutex_unlock(&ch->lock);
}

static void request_remove(struct vfu_channel *ch, struct vfu_request *r)
{
	struct vfu_request **p = &ch->requests;

	while (*p && *p != r)
		p = &(*p)->next;
	if (*p)
		*p = r->next;
}

static int request_send(struct vfu_channel *ch, struct vfu_request *r)
{
	bool write = r->command == VFU_DMA_WRITE;
	struct vfu_dma_access access = { .addr = r->iova, .count = r->bytes };
	struct vfu_header header = {
		.id = r->id, .command = r->command,
		.size = (uint32_t)(sizeof(header) + sizeof(access) + (write ? r->bytes : 0)),
	};
	struct iovec iov[3] = {
		{ .iov_base = &header, .iov_len = sizeof(header) },
		{ .iov_base = &access, .iov_len = sizeof(access) },
		{ .iov_base = r->data, .iov_len = r->bytes },
	};

	return channel_send(ch, iov, write ? 3 : 2, -1);
}

static int channel_request(struct vfu_channel *ch, struct vfu_request *r)
{
	int error = 0;

	pthread_mutex_lock(&ch->lock);
	if (!ch->open || ch->aborting) {
		pthread_mutex_unlock(&ch->lock);
		return -ECANCELED;
	}
	r->id = ch->next_id++;
	r->next = ch->requests;
	ch->requests = r;
	pthread_mutex_unlock(&ch->lock);

	error = request_send(ch, r);

	pthread_mutex_lock(&ch->lock);
	if (error)
		request_remove(ch, r);
	else
		while (!r->done)
			pthread_cond_wait(&ch->answered, &ch->lock);
	pthread_mutex_unlock(&ch->lock);
	return error ? -ECANCELED : r->error;
}

int vfu_channel_dma(struct vfu_channel *ch, bool write, uint64_t iova, void *data, size_t bytes)
{
	uint8_t *at = data;
	int error = 0;

	while (bytes && !error) {
		struct vfu_request r = {
			.command = write ? VFU_DMA_WRITE : VFU_DMA_READ, .iova = iova, .data = at,
		};

		pthread_mutex_lock(&ch->lock);
		r.bytes = bytes < ch->max_data ? bytes : ch->max_data;
		pthread_mutex_unlock(&ch->lock);
		error = channel_request(ch, &r);
		iova += r.bytes;
		at += r.bytes;
		bytes -= r.bytes;
	}
	return error;
}
