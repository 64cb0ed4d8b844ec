// SPDX-License-Identifier: MIT
/*
 * The debugger's thread in the program: it waits for stops of the device, and for gdb. What it talks through
 * it has from `gaon debug`: a socket that is bound but does not listen before there is something to see, and
 * a channel to tell of that and to hand over the connection, for the program's end can be told only outside.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <runtime/tools/tools.h>

#include "agent.h"

#define SLICE_NS	20000000u	/* how long ^C may have to wait */
#define PARTIAL_NS	200000000ull	/* before it is asked whether a step can still end */

pthread_mutex_t agent_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t agent_cond = PTHREAD_COND_INITIALIZER;
static bool waiting;			/* the thread uses the device without the lock */
static bool started, detached, want_interrupt;
static const struct gaon_debugger **place;	/* where libgaon looks for it */
static int control = -1, listener = -1, client = -1;
static struct stub stub;
static struct rsp_in in;
static struct rsp_out out;

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* --- gdb's end ------------------------------------------------------------------------------- */

static void client_lost(void)
{
	if (client < 0)
		return;
	close(client);
	client = -1;
	stub_close(&stub);
}

static void client_send(const void *data, size_t bytes)
{
	const char *at = data;

	while (client >= 0 && bytes) {
		ssize_t n = send(client, at, bytes, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			client_lost();
			return;
		}
		at += n;
		bytes -= (size_t)n;
	}
}

static void client_answer(void)
{
	static char frame[RSP_FRAME_MAX];

	client_send(frame, rsp_frame(&out, frame));
}

/* For gdb's console, while it takes the target for running. */
static void client_say(const char *text)
{
	rsp_start(&out);
	rsp_text(&out, "O");
	rsp_hex(&out, text, strlen(text));
	client_answer();
}

static void tell(char what, int fd)
{
	char room[CMSG_SPACE(sizeof(fd))] = { 0 };
	struct iovec iov = { &what, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (fd >= 0) {
		msg.msg_control = room;
		msg.msg_controllen = sizeof(room);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	sendmsg(control, &msg, MSG_NOSIGNAL);
}

/* Waits for gdb, without the lock; false: nobody can come. */
static bool client_wait(void)
{
	int fd;

	if (listen(listener, 1)) {
		perror("gaon debug: listen");
		return false;
	}
	tell('L', -1);
	pthread_mutex_unlock(&agent_lock);
	do {
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	} while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
	pthread_mutex_lock(&agent_lock);
	if (fd < 0) {
		perror("gaon debug: accept");
		return false;
	}
	client = fd;
	in = (struct rsp_in){ 0 };
	stub_open(&stub);
	target_tell_modules();
	tell('C', client);
	return true;
}

/* --- serving --------------------------------------------------------------------------------- */

/* Bytes from gdb: 0 none now, negative: it is gone. @wait: the lock is free meanwhile. */
static ssize_t client_read(uint8_t *data, size_t size, bool wait)
{
	int fd = client;
	ssize_t n;

	if (wait)
		pthread_mutex_unlock(&agent_lock);
	do {
		n = recv(fd, data, size, wait ? 0 : MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (wait)
		pthread_mutex_lock(&agent_lock);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	if (n > 0)
		return n;
	client_lost();
	return -1;
}

/* A packet; true: the target runs now, or nobody debugs any more. */
static bool serve_packet(void)
{
	bool ack = !stub.no_ack;
	enum stub_next next;

	if (ack)
		client_send("+", 1);
	next = stub_command(&stub, &in, &out);
	if (next == STUB_RESUMED)
		return true;
	client_answer();
	if (next != STUB_GONE)
		return false;
	detached = true;
	client_lost();
	return true;
}

/* Until gdb lets the target go on. */
static void serve(void)
{
	uint8_t data[4096];

	while (client >= 0) {
		ssize_t n = client_read(data, sizeof(data), true);

		for (ssize_t i = 0; i < n && client >= 0; i++) {
			switch (rsp_feed(&in, data[i])) {
			case RSP_PACKET:
				if (serve_packet())
					return;
				break;
			case RSP_BAD:
				if (!stub.no_ack)
					client_send("-", 1);
				break;
			case RSP_NAK:
				client_answer();
				break;
			default:
				break;
			}
		}
	}
}

static void explain(size_t thread)
{
	char text[420];
	size_t n;

	target_describe(thread, text, sizeof(text) - 2);
	n = strlen(text);
	snprintf(text + n, sizeof(text) - n, "\n");
	client_say(text);
}

/* Tell gdb of a stop, and of a second one that lies behind it; then do as it says. */
static void report(const struct target_stop *stop, uint8_t signal)
{
	bool more = stop->libraries && signal != SIGNAL_NONE;

	if (more)
		target_hold_back();
	else if (signal > SIGNAL_TRAP)
		explain(stop->thread);
	stub_stopped(&stub, stop->thread, signal, stop->libraries, &out);
	client_answer();
	serve();
	if (!target_held_back())
		return;
	if (signal > SIGNAL_TRAP)
		explain(stop->thread);
	stub_stopped(&stub, stop->thread, signal, false, &out);
	client_answer();
	serve();
}

/* The first, or nobody was there any more: gdb asks when it has come. */
static void welcome(const struct target_stop *stop, uint8_t signal)
{
	while (client < 0 && !detached) {
		if (!client_wait()) {
			target_detach();
			detached = true;
			return;
		}
		stub_stopped(&stub, stop->thread, signal, false, &out);
		serve();
	}
}

static void handle_stop(void)
{
	struct target_stop stop;
	uint8_t signal;

	target_stop_all(&stop);
	signal = stop.signal;
	if (!signal && stop.entry && (client < 0 || want_interrupt))
		signal = want_interrupt ? SIGNAL_INT : SIGNAL_TRAP;
	if (!target_thread_count() || detached) {
		target_resume_all();
		return;
	}
	if (signal && stop.entry)
		want_interrupt = false;
	if (client < 0 && signal)
		welcome(&stop, signal);
	else if (client >= 0 && (signal || stop.libraries))
		report(&stop, signal);
	else if (!target_partial() || !target_resume_same())
		target_resume_all();
	/* gdb went away while everything stood. */
	if (client < 0 && !detached)
		welcome(&stop, SIGNAL_TRAP);
}

/* Is there still anything of that which was to be done alone? */
static void handle_partial(void)
{
	struct target_stop stop;

	target_stop_all(&stop);
	if (!stop.signal && target_resume_same())
		return;
	if (client >= 0)
		report(&stop, stop.signal ? stop.signal : SIGNAL_TRAP);
	else
		target_resume_all();
}

static void handle_interrupt(void)
{
	struct target_stop stop;

	target_stop_all(&stop);
	if (target_thread_count()) {
		report(&stop, stop.signal ? stop.signal : SIGNAL_INT);
		return;
	}
	want_interrupt = true;
	target_wait_for_entry("");
	target_resume_all();
	client_say("No kernel runs now: the next one that begins will stop.\n");
}

/* While the target runs gdb may only interrupt it. */
static void look_at_client(void)
{
	uint8_t data[256];
	ssize_t n;

	if (client < 0)
		return;
	n = client_read(data, sizeof(data), false);
	for (ssize_t i = 0; i < n && client >= 0; i++)
		if (rsp_feed(&in, data[i]) == RSP_INTERRUPT)
			handle_interrupt();
}

static void *agent_main(void *arg)
{
	uint64_t events = 0, since = now_ns();

	(void)arg;
	pthread_mutex_lock(&agent_lock);
	for (;;) {
		struct gaon_winsys *ws = target_winsys();

		if (!ws) {
			pthread_cond_wait(&agent_cond, &agent_lock);
			continue;
		}
		waiting = true;
		pthread_mutex_unlock(&agent_lock);
		ws->ops->debug->wait(ws, &events, SLICE_NS);
		pthread_mutex_lock(&agent_lock);
		waiting = false;
		pthread_cond_broadcast(&agent_cond);
		if (!target_winsys())
			continue;
		if (target_has_stopped()) {
			handle_stop();
			since = now_ns();
		} else if (target_partial() && now_ns() - since > PARTIAL_NS) {
			handle_partial();
			since = now_ns();
		}
		look_at_client();
	}
	return NULL;
}

/* --- the runtime's callbacks ------------------------------------------------------------------ */

static void device_opened(struct gaon_winsys *ws, struct gaon_ws_context *ctx)
{
	pthread_t thread;

	pthread_mutex_lock(&agent_lock);
	target_device(ws, ctx);
	if (!started && target_winsys() && !pthread_create(&thread, NULL, agent_main, NULL)) {
		pthread_detach(thread);
		started = true;
	}
	pthread_cond_broadcast(&agent_cond);
	pthread_mutex_unlock(&agent_lock);
}

static void device_closed(struct gaon_ws_context *ctx)
{
	pthread_mutex_lock(&agent_lock);
	target_device_closed(ctx);
	while (waiting)
		pthread_cond_wait(&agent_cond, &agent_lock);
	pthread_mutex_unlock(&agent_lock);
}

static void queue_made(struct gaon_ws_context *ctx, struct gaon_ws_queue *queue)
{
	pthread_mutex_lock(&agent_lock);
	target_queue_made(ctx, queue);
	pthread_mutex_unlock(&agent_lock);
}

static void queue_gone(struct gaon_ws_queue *queue)
{
	pthread_mutex_lock(&agent_lock);
	target_queue_gone(queue);
	pthread_mutex_unlock(&agent_lock);
}

static void module_loaded(struct gaon_ws_context *ctx, const struct gaon_debug_module *module)
{
	pthread_mutex_lock(&agent_lock);
	target_module_loaded(ctx, module);
	pthread_mutex_unlock(&agent_lock);
}

static void module_unloaded(struct gaon_ws_context *ctx, uint64_t va)
{
	pthread_mutex_lock(&agent_lock);
	target_module_unloaded(ctx, va);
	pthread_mutex_unlock(&agent_lock);
}

static const struct gaon_debugger debugger = {
	.device_opened = device_opened, .device_closed = device_closed,
	.queue_made = queue_made, .queue_gone = queue_gone,
	.module_loaded = module_loaded, .module_unloaded = module_unloaded,
};

/* --- beginning -------------------------------------------------------------------------------- */

static int fd_from_env(const char *name)
{
	const char *text = getenv(name);
	char *end;
	long fd;

	if (!text || !*text)
		return -1;
	fd = strtol(text, &end, 10);
	if (*end || fd < 3 || fd > 65535 || fcntl((int)fd, F_SETFD, FD_CLOEXEC))
		return -1;
	return (int)fd;
}

/* A child that was forked has no thread, and the connection is its parent's. */
static void agent_forked(void)
{
	*place = NULL;
}

GAON_API bool gaon_tools_start(const struct gaon_tools *tools, char *why, size_t size);

GAON_API bool gaon_tools_start(const struct gaon_tools *tools, char *why, size_t size)
{
	const char *kernel = getenv("GAON_DEBUG_BREAK");
	char token;

	if (strcmp(tools->version, GAON_VERSION) || tools->bytes != sizeof(*tools->calls)) {
		snprintf(why, size, "it is of version %s, libgaon of %s: install both from the same release",
			 GAON_VERSION, tools->version);
		return false;
	}
	control = fd_from_env("GAON_DEBUG_CONTROL");
	listener = fd_from_env("GAON_DEBUG_LISTEN");
	if (control < 0 || listener < 0) {
		snprintf(why, size, "it is for `gaon debug`, which did not start this program");
		return false;
	}
	/* Of several processes the first that comes is debugged. */
	if (recv(control, &token, 1, MSG_DONTWAIT) != 1) {
		snprintf(why, size, "another process of the program is being debugged");
		return false;
	}
	target_wait_for_entry(kernel);
	place = tools->debugger;
	*place = &debugger;
	pthread_atfork(NULL, NULL, agent_forked);
	return true;
}
