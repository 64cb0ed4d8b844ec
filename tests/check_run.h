/* SPDX-License-Identifier: MIT */
/* The end of a test program's main(): runs a suite of Check. */
#ifndef GAON_TESTS_CHECK_RUN_H
#define GAON_TESTS_CHECK_RUN_H

#include <check.h>
#include <stdlib.h>

static inline int check_run_as(Suite *suite, enum fork_status how)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	if (how == CK_NOFORK)
		srunner_set_fork_status(runner, how);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/**
 * check_run() - run a suite, each test in a process of its own
 * @suite: freed with its test cases
 *
 * Return: the exit status of main().
 */
static inline int check_run(Suite *suite)
{
	return check_run_as(suite, CK_FORK_GETENV);
}

/** check_run_in_process() - the same in one process, whose leaks and races a sanitizer then sees */
static inline int check_run_in_process(Suite *suite)
{
	return check_run_as(suite, CK_NOFORK);
}

#endif
