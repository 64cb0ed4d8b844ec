// SPDX-License-Identifier: MIT
/* Where gdb connects. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "debug.h"

static int listen_unix(const char *path, struct debug_address *out)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd, failed;
	mode_t mask;

	if (!*path || strlen(path) >= sizeof(at.sun_path)) {
		fprintf(stderr, "gaon debug: unix:%s: a path of 1 to %zu bytes is needed\n", path,
			sizeof(at.sun_path) - 1);
		return -1;
	}
	memcpy(at.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	/* For this user alone. */
	mask = umask(077);
	failed = fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at));
	umask(mask);
	if (failed) {
		fprintf(stderr, "gaon debug: unix:%s: %s\n", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	snprintf(out->path, sizeof(out->path), "%s", path);
	snprintf(out->gdb, sizeof(out->gdb), "%s", path);
	return fd;
}

static int bind_one(const struct addrinfo *ai)
{
	int fd = socket(ai->ai_family, SOCK_STREAM, 0), one = 1, err;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (!bind(fd, ai->ai_addr, ai->ai_addrlen))
		return fd;
	err = errno;
	close(fd);
	errno = err;
	return -1;
}

/* The port that was chosen, if it was left open. */
static unsigned int port_of(int fd)
{
	struct sockaddr_storage at;
	socklen_t size = sizeof(at);

	if (getsockname(fd, (struct sockaddr *)&at, &size))
		return 0;
	return ntohs(at.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&at)->sin6_port :
						((struct sockaddr_in *)&at)->sin_port);
}

static int listen_tcp(const char *where, struct debug_address *out)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
	const char *colon = strrchr(where, ':');
	struct addrinfo *list, *ai;
	char host[256];
	int err, fd = -1;

	if (!colon || !colon[1] || colon == where || (size_t)(colon - where) >= sizeof(host)) {
		fprintf(stderr, "gaon debug: --listen %s: HOST:PORT or unix:PATH is needed\n", where);
		return -1;
	}
	snprintf(host, sizeof(host), "%.*s", (int)(colon - where), where);
	err = getaddrinfo(host, colon + 1, &hints, &list);
	if (err) {
		fprintf(stderr, "gaon debug: --listen %s: %s\n", where, gai_strerror(err));
		return -1;
	}
	for (ai = list; ai && fd < 0; ai = ai->ai_next)
		fd = bind_one(ai);
	freeaddrinfo(list);
	if (fd < 0)
		fprintf(stderr, "gaon debug: --listen %s: %s\n", where, strerror(errno));
	else
		snprintf(out->gdb, sizeof(out->gdb), "%s:%u", host, port_of(fd));
	return fd;
}

int debug_listen(const char *where, const char *directory, struct debug_address *out)
{
	char path[4200];

	*out = (struct debug_address){ "", "" };
	if (where && strncmp(where, "unix:", 5))
		return listen_tcp(where, out);
	snprintf(path, sizeof(path), "%s/gdb", directory);
	return listen_unix(where ? where + 5 : path, out);
}
