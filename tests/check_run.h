/* SPDX-License-Identifier: MIT */
/*
 * The end of a test program's main(): runs a suite of Check. Included once in a program, where that is.
 *
 * Every test runs in a process of its own. A sanitizer's findings are so those of one test, a leak as well as
 * a race: the process ends with the sanitizer's status, which Check reports with the test's name. One that
 * hangs is ended when its time is over, and the others still run.
 */
#ifndef GAON_TESTS_CHECK_RUN_H
#define GAON_TESTS_CHECK_RUN_H

#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK_RUN_STACK_SECONDS	30

/* Where all threads of a process are, on standard error. From a signal handler. */
static inline void check_run_stacks(pid_t pid)
{
	static const char none[] = "no stacks: eu-stack cannot be run (apt-get install elfutils)\n";
	char text[16];
	pid_t child;

	snprintf(text, sizeof(text), "%d", (int)pid);
	child = fork();
	if (!child) {
		dup2(STDERR_FILENO, STDOUT_FILENO);
		alarm(CHECK_RUN_STACK_SECONDS);
		execlp("eu-stack", "eu-stack", "-s", "-n", "32", "-p", text, (char *)NULL);
		_exit(write(STDERR_FILENO, none, sizeof(none) - 1) < 0);
	}
	if (child > 0)
		waitpid(child, NULL, 0);
}

/* Check ends a test whose time is over with this: first it is seen where it hangs. */
int killpg(pid_t group, int sig)
{
	if (sig == SIGKILL && !kill(group, 0))
		check_run_stacks(group);
	return kill(-group, sig);
}

/* Where Yama lets only ancestors look at a process, everybody may look at this one. */
static inline void check_run_child(void)
{
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
}

/**
 * check_run() - run a suite
 * @suite: freed with its test cases
 *
 * Return: the exit status of main().
 */
static inline int check_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	pthread_atfork(NULL, NULL, check_run_child);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
