// SPDX-License-Identifier: MIT
/* gaon debug: run a program with a gdb stub for its kernels, which is in the program: tools/watch/debug. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../cmd.h"
#include "../tool.h"
#include "debug.h"

#define WHO	"gaon debug"

struct debug_options {
	struct cmd_common common;
	const char *listen, *kernel;
	bool gdb, on_fault;
};

struct session {
	const struct debug_options *o;
	char tool[4096], directory[4096];
	struct debug_address address;
	int listener, control, other;	/* control channel: ours, the program's */
	int client;			/* the program's connection with gdb, or negative */
	pid_t program, gdb;
	unsigned int attached;
};

/* --- the program ----------------------------------------------------------------------------- */

static bool set_fd(const char *name, int fd)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", fd);
	return !setenv(name, text, 1);
}

static void program_run(const struct session *s, char **argv)
{
	const struct debug_options *o = s->o;
	const char *kernel = o->kernel ? o->kernel : "";

	close(s->control);
	/* gdb has the terminal's keys. */
	if (o->gdb && !freopen("/dev/null", "r", stdin))
		_exit(CMD_FAILED);
	if (setenv("GAON_DEBUG_DIR", s->directory, 1) || !set_fd("GAON_DEBUG_CONTROL", s->other) ||
	    !set_fd("GAON_DEBUG_LISTEN", s->listener) ||
	    (o->on_fault ? unsetenv("GAON_DEBUG_BREAK") : setenv("GAON_DEBUG_BREAK", kernel, 1)))
		_exit(CMD_FAILED);
	tool_exec(WHO, argv, s->tool, o->common.device, o->common.json);
}

static bool program_start(struct session *s, char **argv)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair)) {
		fprintf(stderr, WHO ": %s\n", strerror(errno));
		return false;
	}
	s->control = pair[0];
	s->other = pair[1];
	/* Which of its processes takes this is the one that is debugged. */
	if (send(s->control, "T", 1, 0) == 1)
		s->program = tool_fork();
	if (!s->program)
		program_run(s, argv);
	close(s->other);
	if (s->program > 0)
		return true;
	fprintf(stderr, WHO ": %s: %s\n", argv[0], strerror(errno));
	return false;
}

/* --- gdb ------------------------------------------------------------------------------------- */

static void gdb_start(struct session *s)
{
	char target[DEBUG_ADDRESS_MAX + 32];

	snprintf(target, sizeof(target), "target remote %s", s->address.gdb);
	s->gdb = fork();
	if (s->gdb)
		return;
	signal(SIGINT, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
	execlp("gdb-multiarch", "gdb-multiarch", "-q", "-ex", "set architecture riscv:rv64", "-ex", target, (char *)NULL);
	fprintf(stderr, WHO ": gdb-multiarch: %s; install the package gdb-multiarch\n", strerror(errno));
	_exit(127);
}

static void stopped(struct session *s)
{
	if (s->o->gdb && s->gdb <= 0)
		gdb_start(s);
	else
		fprintf(stderr, WHO ": stopped; connect with: gdb-multiarch -ex 'target remote %s'\n",
			s->address.gdb);
}

/* Of the agent in the program: 'L' it waits for gdb, 'C' the connection. */
static void hear(struct session *s)
{
	char what = 0, room[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { &what, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = room,
			      .msg_controllen = sizeof(room) };
	const struct cmsghdr *c;

	if (recvmsg(s->control, &msg, MSG_CMSG_CLOEXEC) <= 0) {
		/* Nobody of the program has it any more. */
		close(s->control);
		s->control = -1;
		return;
	}
	c = CMSG_FIRSTHDR(&msg);
	if (what == 'L') {
		stopped(s);
	} else if (what == 'C' && c && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int))) {
		if (s->client >= 0)
			close(s->client);
		memcpy(&s->client, CMSG_DATA(c), sizeof(int));
		s->attached++;
	}
}

/* The program's end, as gdb is told of it. */
static void tell_end(struct session *s, int status)
{
	char body[8], packet[16];
	unsigned int sum = 0;
	int n;

	if (s->client < 0)
		return;
	n = snprintf(body, sizeof(body), "%c%02x", WIFSIGNALED(status) ? 'X' : 'W',
		     (unsigned int)(WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status)));
	for (int i = 0; i < n; i++)
		sum += (unsigned char)body[i];
	n = snprintf(packet, sizeof(packet), "$%s#%02x", body, sum & 0xff);
	send(s->client, packet, (size_t)n, MSG_NOSIGNAL);
	close(s->client);
	s->client = -1;
}

/* --- the session ------------------------------------------------------------------------------ */

static int watch(struct session *s)
{
	int status = 0;
	pid_t pid;

	for (;;) {
		struct pollfd p = { s->control, POLLIN, 0 };

		if (poll(&p, 1, 50) > 0)
			hear(s);
		pid = waitpid(s->program, &status, WNOHANG);
		if (pid == s->program)
			break;
		if (pid < 0 && errno != EINTR)
			return CMD_FAILED;
		/* Without gdb nobody could let it go on. */
		if (s->gdb > 0 && waitpid(s->gdb, NULL, WNOHANG) == s->gdb) {
			s->gdb = -1;
			kill(s->program, SIGKILL);
		}
	}
	tell_end(s, status);
	while (s->gdb > 0 && waitpid(s->gdb, NULL, 0) < 0 && errno == EINTR)
		;
	return tool_status(WHO, status);
}

static int finish(const struct session *s, int code)
{
	int printed = CMD_OK;

	if (s->o->common.json)
		printed = cmd_print_json(json_pack("{ss sb si}", "address", s->address.gdb, "attached",
						   s->attached != 0, "exit_status", code));
	else if (!s->attached && code != 126 && code != 127)
		fprintf(stderr, WHO ": the program ended (exit status %d) and nothing stopped%s%s\n", code,
			s->o->kernel ? " at " : "", s->o->kernel ? s->o->kernel : "");
	return printed && !code ? printed : code;
}

static int debug(const struct debug_options *o, char **argv)
{
	struct session s = { .o = o, .client = -1, .control = -1, .program = -1 };
	int code = CMD_FAILED;

	if (!tool_find(s.tool, "debug") || !tool_directory(s.directory, "debug"))
		return CMD_FAILED;
	s.listener = debug_listen(o->listen, s.directory, &s.address);
	if (s.listener >= 0 && program_start(&s, argv)) {
		close(s.listener);
		code = finish(&s, watch(&s));
	}
	if (s.address.path[0])
		unlink(s.address.path);
	tool_remove_directory(s.directory);
	return code;
}

static int debug_run(const struct cmd *cmd, int argc, char **argv)
{
	struct debug_options o = { 0 };
	int c;

	while ((c = cmd_next_option(cmd, &o.common, argc, argv)) >= 0) {
		switch (c) {
		case 'l': o.listen = optarg; break;
		case 'b': o.kernel = optarg; break;
		case 'g': o.gdb = true; break;
		case 'f': o.on_fault = true; break;
		default: break;
		}
	}
	if (c == CMD_STOP)
		return o.common.code;
	if (o.kernel && o.on_fault) {
		fputs(WHO ": --break and --on-fault exclude each other\n", stderr);
		return CMD_USAGE;
	}
	if (optind >= argc)
		return cmd_usage(cmd, true);
	return debug(&o, argv + optind);
}

static const struct cmd_option debug_options[] = {
	{ "gdb", NULL, "start gdb-multiarch when a kernel has stopped; the program's input is empty", 'g' },
	{ "listen", "WHERE", "where gdb connects: HOST:PORT or unix:PATH; default: a socket of its own", 'l' },
	{ "break", "KERNEL", "stop when KERNEL begins; default: the first that does", 'b' },
	{ "on-fault", NULL, "do not stop before a kernel faults or fails an assertion", 'f' },
	{ 0 },
};

const struct cmd cmd_debug = {
	.name = "debug",
	.summary = "run a program and debug its kernels with gdb",
	.operands = "[--] PROGRAM [ARGUMENT]...",
	.flags = CMD_DEVICE,
	.options = debug_options,
	.text =
	"Runs the program, which need not be changed, until a kernel stops, and then serves gdb-multiarch: each\n"
		"workgroup is a thread, with its registers (vectors too), memory, breakpoints and steps. A kernel\n"
		"that faults stops at its instruction; `continue` lets the fault take place, `signal 0` tries again.\n"
		"Whoever can connect to HOST:PORT controls the program; the default can be reached by its user only.\n"
		"With --json the program's output goes to standard error.\n"
		"Exit status: the program's; 128 and its number if a signal ended it; 126, 127 if it cannot be run;\n"
		"1 if there can be no session; 2 usage.\n",
	.run = debug_run,
};
