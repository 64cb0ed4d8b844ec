// SPDX-License-Identifier: MIT
/* The administrator's commands with eight cards, which are recorded ones: processor time. */
#include "bench.h"

#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SCRAPES		20
#define PAUSE_US	300000	/* the exporter reads the cards anew after a quarter of a second */

struct exporter {
	pid_t pid;
	FILE *out;
	unsigned int port;
};

bool bench_cards_make(char *dir, unsigned int processes)
{
	char command[512];

	if (!mkdtemp(dir))
		return false;
	snprintf(command, sizeof(command),
		 "/usr/bin/python3 -c 'import sys; sys.path.insert(0, \"" BENCH_CONFORMANCE_DIR "\"); "
		 "import recorded; recorded.many(\"%s\", 8, %u)'", dir, processes);
	return system(command) == 0;
}

void bench_cards_free(const char *dir)
{
	char command[512];

	snprintf(command, sizeof(command), "rm -r '%s'", dir);
	if (system(command))
		fprintf(stderr, "gaon-bench: %s is still there\n", dir);
}

static bool exporter_start(struct exporter *e, const char *root)
{
	char line[256];
	int pipes[2];

	if (pipe(pipes))
		return false;
	e->pid = fork();
	if (!e->pid) {
		dup2(pipes[1], 1);
		setenv("GAON_ROOT", root, 1);
		execl(BENCH_GAON, "gaon", "exporter", "--listen", "127.0.0.1:0", (char *)NULL);
		_exit(127);
	}
	close(pipes[1]);
	e->out = fdopen(pipes[0], "r");
	return e->out && fgets(line, sizeof(line), e->out) &&
	       sscanf(line, "listening on http://127.0.0.1:%u/metrics", &e->port) == 1;
}

static void exporter_stop(struct exporter *e)
{
	if (e->pid > 0) {
		kill(e->pid, SIGTERM);
		waitpid(e->pid, NULL, 0);
	}
	if (e->out)
		fclose(e->out);
}

/* One scrape; what the exporter says of its processor time then, negative if it does not answer. */
static double scrape(const struct exporter *e)
{
	static const char request[] = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
	static char text[1 << 20];
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)e->port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t used = 0;
	ssize_t n = 0;
	char *found;

	if (fd < 0)
		return -1;
	if (!connect(fd, (struct sockaddr *)&at, sizeof(at)) &&
	    write(fd, request, sizeof(request) - 1) == (ssize_t)sizeof(request) - 1) {
		while (used < sizeof(text) - 1 && (n = read(fd, text + used, sizeof(text) - 1 - used)) > 0)
			used += (size_t)n;
	}
	close(fd);
	text[used] = '\0';
	found = strstr(text, "\nprocess_cpu_seconds_total ");
	return found && strstr(text, "\ngaon_devices 8\n") ? strtod(strrchr(found, ' '), NULL) : -1;
}

static double exporter_scrape(void)
{
	char dir[] = "/tmp/gaon-bench-XXXXXX";
	struct exporter e = { 0 };
	double began = -1, ended = -1;

	if (bench_cards_make(dir, 0) && exporter_start(&e, dir) && scrape(&e) >= 0) {
		usleep(PAUSE_US);
		began = scrape(&e);
		for (int i = 0; i < SCRAPES && began >= 0; i++) {
			usleep(PAUSE_US);
			ended = scrape(&e);
		}
	}
	exporter_stop(&e);
	bench_cards_free(dir);
	return began >= 0 && ended >= 0 ? (ended - began) / SCRAPES * 1e3 : -1;
}

const struct bench_probe bench_probes_admin[] = {
	{ "gaon_exporter_scrape", exporter_scrape },
	{ NULL, NULL },
};
