// SPDX-License-Identifier: MIT
/*
 * The metrics over HTTP. One thread: libmicrohttpd's events and the signals are waited for here. Clients are
 * not trusted: there are CONNECTIONS at most, each with MEMORY bytes for what it sends, and each has DEADLINE
 * seconds from its last answer, or from when it came, to have the next one, however slowly it sends or
 * reads. What many ask for within FRESH seconds is read once.
 */
#include "exporter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../cmd.h"

#define CONNECTIONS	64
#define MEMORY		((size_t)16384)
#define DEADLINE	20.0
#define IDLE		10u
#define FRESH		0.25
#define OPEN_TYPE	"application/openmetrics-text; version=1.0.0; charset=utf-8"
#define TEXT_TYPE	"text/plain; version=0.0.4; charset=utf-8"

struct connection {
	int fd;			/* -1: none */
	double since;
};

struct server {
	const struct exporter_options *options;
	struct MHD_Daemon *daemon;
	struct connection connections[CONNECTIONS];
	struct {
		struct metrics metrics;
		double when;
	} kept[2];		/* [1]: OpenMetrics */
	char url[160];
};

/* --- answers ----------------------------------------------------------------------------------- */

static enum MHD_Result answer(struct MHD_Connection *c, unsigned int status, const char *type,
			      const char *text, size_t size)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(size, (void *)(uintptr_t)text,
								 MHD_RESPMEM_MUST_COPY);
	enum MHD_Result queued;

	if (!r)
		return MHD_NO;
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	queued = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return queued;
}

static enum MHD_Result answer_text(struct MHD_Connection *c, unsigned int status, const char *type,
				   const char *text)
{
	return answer(c, status, type, text, strlen(text));
}

static enum MHD_Result answer_metrics(struct server *server, struct MHD_Connection *c)
{
	const char *accept = MHD_lookup_connection_value(c, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);
	bool open = accept && strstr(accept, "application/openmetrics-text");
	struct metrics fresh;

	if (!server->kept[open].metrics.text || cmd_now() - server->kept[open].when > FRESH) {
		if (!exporter_collect(&fresh, open, server->options->processes))
			return answer_text(c, MHD_HTTP_SERVICE_UNAVAILABLE, "text/plain", "no memory\n");
		free(server->kept[open].metrics.text);
		server->kept[open].metrics = fresh;
		server->kept[open].when = cmd_now();
	}
	return answer(c, MHD_HTTP_OK, open ? OPEN_TYPE : TEXT_TYPE, server->kept[open].metrics.text,
		      server->kept[open].metrics.size);
}

/* Called first with the header, then for each part of a body, then once more to be answered. */
static enum MHD_Result request(void *cls, struct MHD_Connection *c, const char *url, const char *method,
			       const char *version, const char *upload, size_t *upload_size, void **context)
{
	static char seen;
	struct server *server = cls;

	(void)version;
	(void)upload;
	if (strcmp(method, MHD_HTTP_METHOD_GET) && strcmp(method, MHD_HTTP_METHOD_HEAD))
		return answer_text(c, MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain", "GET and HEAD only\n");
	if (!*context || *upload_size) {
		*context = &seen;
		*upload_size = 0;
		return MHD_YES;
	}
	if (!strcmp(url, "/metrics"))
		return answer_metrics(server, c);
	if (!strcmp(url, "/"))
		return answer_text(c, MHD_HTTP_OK, "text/html; charset=utf-8",
				   "<!DOCTYPE html><title>gaon exporter</title><a href=\"/metrics\">metrics</a>\n");
	return answer_text(c, MHD_HTTP_NOT_FOUND, "text/plain", "only / and /metrics are here\n");
}

/* --- connections ------------------------------------------------------------------------------- */

static void connection_changed(void *cls, struct MHD_Connection *c, void **context,
			       enum MHD_ConnectionNotificationCode what)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct connection *connection = *context;
	struct server *server = cls;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (connection)
			connection->fd = -1;
		return;
	}
	for (size_t i = 0; info && i < CONNECTIONS; i++) {
		if (server->connections[i].fd >= 0)
			continue;
		server->connections[i] = (struct connection){ info->connect_fd, cmd_now() };
		*context = &server->connections[i];
		return;
	}
}

static void request_completed(void *cls, struct MHD_Connection *c, void **context,
			      enum MHD_RequestTerminationCode how)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct connection *connection = info ? info->socket_context : NULL;

	(void)cls;
	(void)context;
	if (connection && how == MHD_REQUEST_TERMINATED_COMPLETED_OK)
		connection->since = cmd_now();
}

/* libmicrohttpd's own limit is of silence: a byte now and then would keep a connection for ever. */
static void end_slow(struct server *server)
{
	double now = cmd_now();

	for (size_t i = 0; i < CONNECTIONS; i++) {
		if (server->connections[i].fd >= 0 && now - server->connections[i].since > DEADLINE)
			shutdown(server->connections[i].fd, SHUT_RDWR);
	}
}

/* --- the socket -------------------------------------------------------------------------------- */

/* "127.0.0.1:9470", "[::1]:9470": numbers only, nobody is asked what a name means. */
static struct addrinfo *parse_address(const char *text)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
				  .ai_socktype = SOCK_STREAM };
	const char *colon = strrchr(text, ':');
	struct addrinfo *found = NULL;
	char host[64] = "";
	uint64_t port;
	size_t n;

	n = colon ? (size_t)(colon - text) : sizeof(host);
	if (n && n < sizeof(host) && cmd_parse_u64(colon + 1, 65535, &port)) {
		memcpy(host, text, n);
		if (host[0] == '[' && host[n - 1] == ']') {
			host[n - 1] = '\0';
			memmove(host, host + 1, n - 1);
		} else if (strchr(host, ':')) {
			host[0] = '\0';
		}
		if (host[0])
			getaddrinfo(host, colon + 1, &hints, &found);
	}
	if (!found)
		fprintf(stderr,
			"gaon exporter: --listen takes ADDRESS:PORT, 127.0.0.1:9470 or [::1]:9470, not '%s'\n", text);
	return found;
}

static bool is_local(const struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr);
	return ntohl(((const struct sockaddr_in *)(const void *)sa)->sin_addr.s_addr) >> 24 == 127;
}

static int open_socket(struct server *server, const struct addrinfo *at)
{
	struct sockaddr_storage own = { 0 };
	socklen_t size = sizeof(own);
	char host[64] = "", port[16] = "";
	int fd, one = 1;

	fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, at->ai_addr, at->ai_addrlen) || listen(fd, CONNECTIONS) ||
	    getsockname(fd, (struct sockaddr *)&own, &size)) {
		fprintf(stderr, "gaon exporter: %s cannot be listened on: %s%s\n", server->options->listen,
			strerror(errno), errno == EADDRINUSE ? "; --listen names another port" : "");
		if (fd >= 0)
			close(fd);
		return -1;
	}
	getnameinfo((struct sockaddr *)&own, size, host, sizeof(host), port, sizeof(port),
		    NI_NUMERICHOST | NI_NUMERICSERV);
	snprintf(server->url, sizeof(server->url), own.ss_family == AF_INET6 ? "http://[%s]:%s/metrics" :
		 "http://%s:%s/metrics", host, port);
	if (!is_local((struct sockaddr *)&own))
		fprintf(stderr, "gaon exporter: %s can be reached by other machines; it knows no passwords\n",
			server->url);
	return fd;
}

/* --- all --------------------------------------------------------------------------------------- */

/* MHD has no other way than an epoll's descriptor to be waited for together with something else. */
static int loop(struct server *server, int signals)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	struct pollfd fds[] = { { .fd = info ? info->epoll_fd : -1, .events = POLLIN },
				{ .fd = signals, .events = POLLIN } };
	MHD_UNSIGNED_LONG_LONG wait;

	for (;;) {
		bool waits = false;

		for (size_t i = 0; i < CONNECTIONS; i++)
			waits = waits || server->connections[i].fd >= 0;
		if (MHD_get_timeout(server->daemon, &wait) != MHD_YES || wait > 1000)
			wait = 1000;
		if (poll(fds, 2, waits ? (int)wait : -1) < 0 && errno != EINTR) {
			fprintf(stderr, "gaon exporter: cannot wait for clients: %s\n", strerror(errno));
			return CMD_FAILED;
		}
		if (fds[1].revents)
			return CMD_OK;
		end_slow(server);
		MHD_run(server->daemon);
	}
}

static int run(struct server *server, int fd, int signals)
{
	int code;

	server->daemon = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, request, server,
					  MHD_OPTION_LISTEN_SOCKET, fd,
					  MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS,
					  MHD_OPTION_CONNECTION_TIMEOUT, IDLE,
					  MHD_OPTION_CONNECTION_MEMORY_LIMIT, MEMORY,
					  MHD_OPTION_NOTIFY_CONNECTION, connection_changed, server,
					  MHD_OPTION_NOTIFY_COMPLETED, request_completed, server,
					  MHD_OPTION_END);
	if (!server->daemon) {
		fprintf(stderr, "gaon exporter: libmicrohttpd cannot be started: %s\n", strerror(errno));
		close(fd);
		return CMD_FAILED;
	}
	if (server->options->json)
		cmd_print_json(json_pack("{s:s, s:n, s:n, s:n}", "url", server->url, "textfile", "families",
					 "samples"));
	else
		printf("listening on %s\n", server->url);
	code = fflush(stdout) ? CMD_FAILED : loop(server, signals);
	MHD_stop_daemon(server->daemon);
	return code;
}

int exporter_serve(const struct exporter_options *options)
{
	struct addrinfo *at = parse_address(options->listen);
	struct server *server;
	int fd, signals, code;
	sigset_t set;

	if (!at)
		return CMD_USAGE;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	server = calloc(1, sizeof(*server));
	fd = -1;
	if (server && signals >= 0) {
		server->options = options;
		for (size_t i = 0; i < CONNECTIONS; i++)
			server->connections[i].fd = -1;
		fd = open_socket(server, at);
	}
	freeaddrinfo(at);
	code = fd < 0 ? CMD_FAILED : run(server, fd, signals);
	if (signals >= 0)
		close(signals);
	for (size_t i = 0; server && i < 2; i++)
		free(server->kept[i].metrics.text);
	free(server);
	return code;
}
