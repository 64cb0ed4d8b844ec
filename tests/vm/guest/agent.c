// SPDX-License-Identifier: MIT
/*
 * The guest's process 1. Takes commands from the host on a virtio port, one line each, and answers on it:
 *
 *   run SECONDS UID DIRECTORY COMMAND
 *		runs COMMAND by sh in a session of its own. What it prints comes back as "out TEXT" lines,
 *		then one "end ..." line. After that no process that it started is left.
 *   say TEXT	writes TEXT into the kernel's log
 *   off	ends the machine
 *
 * With gaon_mode=shell on the kernel's command line it runs a login shell on the second console instead.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define PORT_NAME     "org.gaon.agent"
#define LINE_BYTES    4096
/* Processes that do not die of SIGKILL within this time are stuck in the kernel. */
#define DEATH_SECONDS 15

static int port = -1;

/* Sends one line. The host reads all the time: a partial write means that the port's buffer is small. */
static void port_line(const char *format, ...)
{
	char line[LINE_BYTES + 64];
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(line, sizeof(line) - 1, format, args);
	va_end(args);
	if (length > (int)sizeof(line) - 2)
		length = sizeof(line) - 2;
	line[length++] = '\n';
	for (int done = 0; done < length;) {
		ssize_t n = write(port, line + done, length - done);

		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return;
		if (n > 0)
			done += n;
	}
}

static void kernel_say(const char *text)
{
	int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	char line[LINE_BYTES];
	/* The log's records are short; one without a newline is held back until the next one comes. */
	int length = snprintf(line, sizeof(line), "<5>gaon-vm: %.900s\n", text);

	if (fd < 0)
		return;
	if (write(fd, line, length) != length)
		port_line("out # agent: cannot write to the kernel's log: %s", strerror(errno));
	close(fd);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* Reads a small file; returns its length without a final newline, 0 if it cannot be read. */
static size_t file_read(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, size - 1);

	if (fd >= 0)
		close(fd);
	if (n < 0)
		n = 0;
	while (n && text[n - 1] == '\n')
		n--;
	text[n] = 0;
	return n;
}

/* Calls @see with each process but this one; kernel threads, which have no command line, are left out. */
static int process_each(void (*see)(int pid))
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	int count = 0;

	while (proc && (entry = readdir(proc))) {
		int pid = atoi(entry->d_name);
		char path[64], text[64];

		snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
		if (pid <= 1 || !file_read(path, text, sizeof(text)))
			continue;
		count++;
		if (see)
			see(pid);
	}
	if (proc)
		closedir(proc);
	return count;
}

/* Prints where a process is in the kernel, and what it waits for. */
static void process_show(int pid)
{
	char path[64], name[64], text[LINE_BYTES], *rest = text;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	file_read(path, name, sizeof(name));
	snprintf(path, sizeof(path), "/proc/%d/wchan", pid);
	file_read(path, text, sizeof(text));
	port_line("out # process %d (%s) waits in: %s; its kernel stack:", pid, name, text);
	snprintf(path, sizeof(path), "/proc/%d/stack", pid);
	file_read(path, text, sizeof(text));
	for (char *line; (line = strsep(&rest, "\n"));)
		port_line("out #   %s", line);
}

static void process_reap(int leader, int *status, bool *done)
{
	int pid, how;

	while ((pid = waitpid(-1, &how, WNOHANG)) > 0) {
		if (pid != leader)
			continue;
		*status = how;
		*done = true;
	}
}

struct output {
	int fd;
	char line[LINE_BYTES];
	size_t used;
};

static void output_flush(struct output *out)
{
	if (out->used)
		port_line("out %.*s", (int)out->used, out->line);
	out->used = 0;
}

/* Passes on what is there; returns what read() did: 0 at the end of the pipe, -1 if nothing is there. */
static ssize_t output_pump(struct output *out)
{
	char text[16384];
	ssize_t n = read(out->fd, text, sizeof(text));

	for (ssize_t i = 0; i < n; i++) {
		if (text[i] == '\n') {
			if (!out->used)
				port_line("out ");
			output_flush(out);
			continue;
		}
		out->line[out->used++] = text[i];
		if (out->used == sizeof(out->line))
			output_flush(out);
	}
	return n;
}

static void command_child(int out, long uid, const char *directory, const char *command)
{
	struct rlimit core = { 0, 0 };
	sigset_t none;
	int null = open("/dev/null", O_RDONLY);

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	setsid();
	setrlimit(RLIMIT_CORE, &core);
	dup2(null, 0);
	dup2(out, 1);
	dup2(out, 2);
	for (int fd = 3; fd < 64; fd++)
		close(fd);
	if (uid && (setgroups(0, NULL) || setgid(uid) || setuid(uid)))
		_exit(126);
	if (chdir(directory)) {
		printf("agent: cannot enter %s: %s\n", directory, strerror(errno));
		fflush(stdout);
		_exit(126);
	}
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

/* Kills what is left; returns how many processes had outlived the command, *stuck is how many still do. */
static int command_clean(int leader, int *status, bool *done, int *stuck)
{
	double until = now() + DEATH_SECONDS;
	int left = process_each(NULL);

	do {
		kill(-1, SIGKILL);
		process_reap(leader, status, done);
		*stuck = process_each(NULL);
		if (*stuck)
			usleep(20000);
	} while (*stuck && now() < until);
	if (*stuck)
		process_each(process_show);
	return left;
}

static void command_run(long seconds, long uid, const char *directory, const char *command)
{
	struct output out = { .fd = -1 };
	int pipes[2], status = -1, stuck = 0, left, pid;
	bool done = false, late = false;
	double start = now();
	char taint[32];

	if (pipe2(pipes, O_CLOEXEC)) {
		port_line("end status=-1 error=%s", strerror(errno));
		return;
	}
	pid = fork();
	if (!pid)
		command_child(pipes[1], uid, directory, command);
	close(pipes[1]);
	out.fd = pipes[0];
	fcntl(out.fd, F_SETFL, O_NONBLOCK);
	for (bool open = true; !done;) {
		struct pollfd wait = { .fd = open ? out.fd : -1, .events = POLLIN };

		poll(&wait, 1, 50);
		if (wait.revents)
			open = output_pump(&out) != 0;
		process_reap(pid, &status, &done);
		if (!done && now() - start > seconds) {
			late = true;
			process_each(process_show);
			break;
		}
	}
	left = command_clean(pid, &status, &done, &stuck);
	while (output_pump(&out) > 0)
		;
	output_flush(&out);
	close(out.fd);
	file_read("/proc/sys/kernel/tainted", taint, sizeof(taint));
	port_line("end status=%d signal=%d late=%d left=%d stuck=%d tainted=%s ms=%d",
		  WIFEXITED(status) ? WEXITSTATUS(status) : -1, WIFSIGNALED(status) ? WTERMSIG(status) : 0,
		  late, late ? 0 : left, stuck, taint, (int)((now() - start) * 1000));
}

/* A serial line: unlike the port it outlives the machine's hibernation. */
static int line_open(void)
{
	int fd = open("/dev/ttyS1", O_RDWR | O_CLOEXEC | O_NOCTTY);
	struct termios how;

	if (fd < 0 || tcgetattr(fd, &how))
		return -1;
	cfmakeraw(&how);
	cfsetspeed(&how, B115200);
	how.c_cflag |= CLOCAL;
	tcsetattr(fd, TCSANOW, &how);
	return fd;
}

/* Opens the port by its name: there is no udev here that makes links. */
static int port_open(void)
{
	DIR *ports = opendir("/sys/class/virtio-ports");
	struct dirent *entry;
	int fd = -1;

	while (ports && fd < 0 && (entry = readdir(ports))) {
		char path[320], name[64];

		snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/name", entry->d_name);
		if (!file_read(path, name, sizeof(name)) || strcmp(name, PORT_NAME))
			continue;
		snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
		fd = open(path, O_RDWR | O_CLOEXEC);
	}
	if (ports)
		closedir(ports);
	return fd;
}

static void machine_off(void)
{
	sync();
	reboot(RB_POWER_OFF);
	_exit(0);
}

static void agent_serve(void)
{
	char line[65536];
	FILE *in;

	port = getenv("gaon_ram") ? line_open() : port_open();
	in = port < 0 ? NULL : fdopen(dup(port), "r");
	if (!in) {
		kernel_say("agent: no port " PORT_NAME);
		machine_off();
	}
	port_line("ready");
	while (fgets(line, sizeof(line), in)) {
		long seconds, uid;
		char directory[1024];
		int command = 0;

		line[strcspn(line, "\n")] = 0;
		if (!strncmp(line, "say ", 4)) {
			kernel_say(line + 4);
			port_line("said");
		} else if (sscanf(line, "run %ld %ld %1023s %n", &seconds, &uid, directory, &command) == 3 &&
			   command) {
			command_run(seconds, uid, directory, line + command);
		} else if (!strcmp(line, "off")) {
			break;
		} else {
			port_line("end status=-1 error=not understood: %.64s", line);
		}
	}
	machine_off();
}

static void shell_serve(void)
{
	int pid = fork(), status;

	if (!pid) {
		int console = -1;

		setsid();
		console = open("/dev/hvc0", O_RDWR);
		if (console < 0)
			_exit(1);
		ioctl(console, TIOCSCTTY, 1);
		for (int fd = 0; fd < 3; fd++)
			dup2(console, fd);
		execl("/bin/bash", "-bash", (char *)NULL);
		_exit(127);
	}
	while (wait(&status) != pid)
		;
	machine_off();
}

int main(void)
{
	const char *mode = getenv("gaon_mode");

	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin", 1);
	setenv("LC_ALL", "C.UTF-8", 1);
	setenv("HOME", "/root", 1);
	if (mode && !strcmp(mode, "shell"))
		shell_serve();
	agent_serve();
	return 1;
}
