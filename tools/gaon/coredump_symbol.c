// SPDX-License-Identifier: MIT
/*
 * From an address on the device to function, line and instruction: the tools of the compiler that made
 * the program know its debugging information.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "coredump.h"

#define OUTPUT_MAX	4096

extern char **environ;

/* Standard output of a program; empty if it cannot be run or fails. */
static bool run(char *const argv[], char output[OUTPUT_MAX])
{
	posix_spawn_file_actions_t actions;
	size_t used = 0;
	ssize_t got;
	int pipe_fd[2], status = -1, err;
	pid_t pid;

	output[0] = '\0';
	if (pipe2(pipe_fd, O_CLOEXEC))
		return false;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, pipe_fd[1], STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	err = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(pipe_fd[1]);
	while (!err && used < OUTPUT_MAX - 1 &&
	       (got = read(pipe_fd[0], output + used, OUTPUT_MAX - 1 - used)) > 0)
		used += (size_t)got;
	output[used] = '\0';
	/* What is left to say does not matter, but it must not wait for who reads it. */
	close(pipe_fd[0]);
	if (err)
		return false;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

/* With the version's number first, as Debian names them. */
static bool run_llvm(const char *name, char *const args[4], char output[OUTPUT_MAX])
{
	char numbered[64], plain[64];
	char *argv[6] = { numbered, args[0], args[1], args[2], args[3], NULL };

	snprintf(numbered, sizeof(numbered), "llvm-%s-%s", name, LLVM_VERSION);
	snprintf(plain, sizeof(plain), "llvm-%s", name);
	if (run(argv, output))
		return true;
	argv[0] = plain;
	return run(argv, output);
}

static void copy_line(char *to, size_t size, const char **from)
{
	size_t length = strcspn(*from, "\n");

	snprintf(to, size, "%.*s", (int)length, *from);
	*from += length + ((*from)[length] == '\n');
	if (to[0] == '?')
		to[0] = '\0';
	for (char *c = to; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = *c == '\t' ? ' ' : '?';
}

/* The last line that has an instruction: "address: code" in columns. */
static void copy_code(char *to, size_t size, const char *text, uint64_t at)
{
	char line[256], address[32];
	const char *code;

	snprintf(address, sizeof(address), "%" PRIx64 ":", at);
	while (*text) {
		copy_line(line, sizeof(line), &text);
		code = line + strspn(line, " ");
		if (!strncmp(code, address, strlen(address))) {
			code += strlen(address);
			snprintf(to, size, "%s", code + strspn(code, " "));
			return;
		}
	}
}

/* The program lies in one object, from its beginning. */
bool coredump_resolve(const struct coredump *dump, const char *program, struct coredump_place *place,
		      char *why, size_t why_size)
{
	const struct gaon_core_state *core = coredump_culprit(dump);
	uint64_t pc = core ? core->pc : dump->fault.pc, at;
	const struct gaon_dump_mapping *m = coredump_mapping(dump, pc);
	char output[OUTPUT_MAX], obj[4096], address[32], end[48], start[48];
	const char *text = output;

	memset(place, 0, sizeof(*place));
	if (!pc || !m) {
		snprintf(why, why_size, pc ? "nothing is mapped at pc %#llx" : "no core was at work",
			 (unsigned long long)pc);
		return false;
	}
	if (access(program, R_OK)) {
		snprintf(why, why_size, "%s: %s", program, strerror(errno));
		return false;
	}
	at = pc - m->va + m->offset;
	snprintf(obj, sizeof(obj), "--obj=%s", program);
	snprintf(address, sizeof(address), "%#" PRIx64, at);
	if (!run_llvm("symbolizer", (char *[]){ obj, address, NULL, NULL }, output)) {
		snprintf(why, why_size, "llvm-symbolizer cannot read %s, or is not there: install llvm-%s", program,
			 LLVM_VERSION);
		return false;
	}
	copy_line(place->function, sizeof(place->function), &text);
	copy_line(place->line, sizeof(place->line), &text);
	snprintf(start, sizeof(start), "--start-address=%#" PRIx64, at);
	snprintf(end, sizeof(end), "--stop-address=%#" PRIx64, at + 4);
	snprintf(obj, sizeof(obj), "%s", program);
	if (run_llvm("objdump", (char *[]){ (char *)"-d", start, end, obj }, output))
		copy_code(place->code, sizeof(place->code), output, at);
	if (!place->function[0] && !place->line[0] && !place->code[0]) {
		snprintf(why, why_size, "%s has nothing at %#llx: is it the program that was loaded?", program,
			 (unsigned long long)at);
		return false;
	}
	return true;
}
