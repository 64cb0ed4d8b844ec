// SPDX-License-Identifier: MIT
/*
 * Sockets, clients and the end.  The main thread accepts and waits for signals; each device has a
 * thread that runs its client's session.  A device has one client: a second one is turned away at
 * once, unless the first has hung up and is only being cleared away.
 */
#include "server.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../runner/runner.h"
#include "guard.h"

struct place {
	const char *path;
	char *nv;
	int listen;
	struct vfu_device *dev;
	pthread_t thread;
	bool started;
	bool once;
	int done;			/* the server's eventfd: a thread has ended by itself */

	pthread_mutex_t lock;		/* protects what follows */
	pthread_cond_t changed;
	int conn;			/* being served, or -1 */
	int next;			/* waiting for its turn, or -1 */
	bool stop;
};

struct server {
	struct vfu_server_options *options;
	struct place places[VFU_DEVICES_MAX];
	unsigned int count;
	int signals, done;
	struct vfu_cables *cables;
};

/* --- sockets ------------------------------------------------------------------------------------ */

static int complain(const char *path, const char *what)
{
	fprintf(stderr, "gaon-sim: %s: %s\n", path, what);
	return -1;
}

/* A socket file whose server has died is in the way; one that is answered is somebody's. */
static int remove_stale(const char *path, const struct sockaddr_un *addr)
{
	struct stat st;
	int fd, error = 0;

	if (lstat(path, &st))
		return errno == ENOENT ? 0 : complain(path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return complain(path, "exists and is no socket: choose another path, or remove it");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return complain(path, strerror(errno));
	if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)))
		error = errno;
	close(fd);
	if (error != ECONNREFUSED)
		return complain(path, "another server listens here: end it, or choose another path");
	return unlink(path) ? complain(path, strerror(errno)) : 0;
}

static int place_listen(struct place *p)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	mode_t mask;

	if (strlen(p->path) >= sizeof(addr.sun_path))
		return complain(p->path, "a socket's path has at most 107 characters: choose a shorter one");
	strcpy(addr.sun_path, p->path);
	if (remove_stale(p->path, &addr))
		return -1;
	p->listen = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (p->listen < 0)
		return complain(p->path, strerror(errno));
	/* Who may connect owns the device: nobody but this user. */
	mask = umask(0177);
	if (bind(p->listen, (const struct sockaddr *)&addr, sizeof(addr)) || listen(p->listen, 4)) {
		complain(p->path, strerror(errno));
		close(p->listen);
		p->listen = -1;
	}
	umask(mask);
	return p->listen < 0 ? -1 : 0;
}

/* --- a device's thread -------------------------------------------------------------------------- */

static void *place_thread(void *arg)
{
	const uint64_t one = 1;
	struct place *p = arg;

	pthread_mutex_lock(&p->lock);
	for (;;) {
		while (p->next < 0 && !p->stop)
			pthread_cond_wait(&p->changed, &p->lock);
		if (p->stop)
			break;
		p->conn = p->next;
		p->next = -1;
		pthread_mutex_unlock(&p->lock);
		vfu_session_run(p->dev, p->conn);
		pthread_mutex_lock(&p->lock);
		close(p->conn);
		p->conn = -1;
		if (p->once)
			break;
	}
	p->stop = true;
	pthread_mutex_unlock(&p->lock);
	if (write(p->done, &one, sizeof(one)) < 0)
		vfu_log(p->dev, 3, "cannot tell the main thread: %s", strerror(errno));
	return NULL;
}

static bool has_hung_up(int fd)
{
	struct pollfd poller = { .fd = fd, .events = POLLRDHUP };

	return poll(&poller, 1, 0) == 1 && (poller.revents & (POLLRDHUP | POLLHUP | POLLERR));
}

static void place_accept(struct place *p)
{
	int fd = accept4(p->listen, NULL, NULL, SOCK_CLOEXEC);
	bool refused;

	if (fd < 0)
		return;
	pthread_mutex_lock(&p->lock);
	refused = p->stop || p->next >= 0 || (p->conn >= 0 && !has_hung_up(p->conn));
	if (!refused) {
		p->next = fd;
		pthread_cond_signal(&p->changed);
	}
	pthread_mutex_unlock(&p->lock);
	if (refused) {
		vfu_log(p->dev, 4, "the device has a client already; another one is turned away");
		close(fd);
	}
}

static void place_stop(struct place *p)
{
	if (p->started) {
		pthread_mutex_lock(&p->lock);
		p->stop = true;
		if (p->conn >= 0)
			shutdown(p->conn, SHUT_RDWR);
		pthread_cond_signal(&p->changed);
		pthread_mutex_unlock(&p->lock);
		pthread_join(p->thread, NULL);
	}
	if (p->next >= 0)
		close(p->next);
	vfu_device_destroy(p->dev);
	if (p->listen >= 0) {
		unlink(p->path);
		close(p->listen);
	}
	pthread_cond_destroy(&p->changed);
	pthread_mutex_destroy(&p->lock);
	free(p->nv);
}

static void place_init(struct server *s, unsigned int index)
{
	struct place *p = &s->places[index];

	p->path = s->options->path[index];
	p->listen = p->conn = p->next = -1;
	p->once = s->options->once;
	p->done = s->done;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->changed, NULL);
}

static int place_start(struct server *s, unsigned int index)
{
	struct place *p = &s->places[index];
	struct vfu_options options = s->options->device;
	int error;

	if (s->options->nv && asprintf(&p->nv, index ? "%s.%u" : "%s", s->options->nv, index) < 0) {
		p->nv = NULL;
		return complain(p->path, "out of memory");
	}
	options.config.nv_path = p->nv;
	options.config.ports = vfu_torus_ports(&s->options->torus);
	options.config.serial = (options.config.serial ? options.config.serial : 1) + index;
	p->dev = vfu_device_create(p->path, &options);
	if (!p->dev) {
		fprintf(stderr, "gaon-sim: %s: cannot create the device: %s\n", p->path, strerror(errno));
		return -1;
	}
	error = pthread_create(&p->thread, NULL, place_thread, p);
	if (error)
		return complain(p->path, strerror(error));
	p->started = true;
	return 0;
}

/* --- the process -------------------------------------------------------------------------------- */

static int server_prepare(struct server *s)
{
	sigset_t set;

	/* All threads inherit the mask: these signals are for the main thread's poll. */
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGUSR1);
	if (pthread_sigmask(SIG_BLOCK, &set, NULL))
		return -1;
	s->signals = signalfd(-1, &set, SFD_CLOEXEC);
	s->done = eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE);
	if (s->signals < 0 || s->done < 0 || vfu_guard_install()) {
		fprintf(stderr, "gaon-sim: cannot start: %s\n", strerror(errno));
		return -1;
	}
	return 0;
}

/* Cables between the devices, if they are to be joined. */
static int server_join(struct server *s)
{
	struct vfu_device *devices[VFU_DEVICES_MAX];

	if (!vfu_torus_devices(&s->options->torus))
		return 0;
	for (unsigned int i = 0; i < s->count; i++)
		devices[i] = s->places[i].dev;
	s->cables = vfu_cables_start(&s->options->torus, devices);
	if (s->cables)
		return 0;
	fprintf(stderr, "gaon-sim: --torus: cannot drive the ports: %s\n", strerror(errno));
	return -1;
}

static int server_start(struct server *s)
{
	int error;

	if (server_prepare(s))
		return -1;
	for (unsigned int i = 0; i < s->options->devices; i++) {
		place_init(s, i);
		s->count = i + 1;
		if (place_listen(&s->places[i]))
			return -1;
	}
	error = s->options->no_sandbox ? 0 : vfu_sandbox_enter(s->options->nv);
	if (error) {
		fprintf(stderr, "gaon-sim: cannot enter the sandbox: %s (--no-sandbox does without)\n",
			strerror(-error));
		return -1;
	}
	for (unsigned int i = 0; i < s->count; i++)
		if (place_start(s, i))
			return -1;
	if (server_join(s))
		return -1;
	/* Scripts wait for this. */
	for (unsigned int i = 0; i < s->count; i++)
		printf("gaon-sim: listening on %s\n", s->places[i].path);
	fflush(stdout);
	return 0;
}

/* False: the server is to end. */
static bool server_heed(struct server *s)
{
	struct signalfd_siginfo info;

	if (read(s->signals, &info, sizeof(info)) != sizeof(info) || info.ssi_signo != SIGUSR1)
		return false;
	for (unsigned int i = 0; i < s->count; i++)
		gaon_sim_pull(s->places[i].dev->sim);
	return true;
}

static void server_loop(struct server *s)
{
	struct pollfd polls[VFU_DEVICES_MAX + 2] = {
		{ .fd = s->signals, .events = POLLIN }, { .fd = s->done, .events = POLLIN },
	};
	unsigned int left = s->count;
	uint64_t value;

	for (unsigned int i = 0; i < s->count; i++)
		polls[i + 2] = (struct pollfd){ .fd = s->places[i].listen, .events = POLLIN };
	while (left) {
		if (poll(polls, s->count + 2, -1) < 0) {
			if (errno == EINTR)
				continue;
			return;
		}
		if (polls[0].revents && !server_heed(s))
			return;
		if (polls[1].revents && read(s->done, &value, sizeof(value)) == sizeof(value))
			left--;
		for (unsigned int i = 0; i < s->count; i++)
			if (polls[i + 2].revents)
				place_accept(&s->places[i]);
	}
}

int vfu_server_run(struct vfu_server_options *options)
{
	struct server *s = calloc(1, sizeof(*s));
	int status = 0;

	if (!s)
		return SIM_RUNNER_ERROR;
	s->options = options;
	s->signals = s->done = -1;
	if (server_start(s))
		status = SIM_RUNNER_ERROR;
	else
		server_loop(s);
	vfu_cables_stop(s->cables);
	for (unsigned int i = 0; i < s->count; i++)
		place_stop(&s->places[i]);
	if (s->signals >= 0)
		close(s->signals);
	if (s->done >= 0)
		close(s->done);
	free(s);
	return status;
}
