// SPDX-License-Identifier: MIT
/* A test that hangs: it is ended, it has a name, it is seen where it hung, and the others still run. */
#include "../check_run.h"

#include <string.h>

#define OUTPUT_MAX	65536

static void *waits_in_a_thread(void *arg)
{
	for (;;)
		pause();
	return arg;
}

START_TEST(hangs)
{
	pthread_t thread;

	pthread_create(&thread, NULL, waits_in_a_thread, NULL);
	pthread_join(thread, NULL);
}
END_TEST

START_TEST(comes_after_it)
{
	ck_assert_int_eq(2 + 2, 4);
}
END_TEST

static int victims(void)
{
	Suite *suite = suite_create("victims");
	TCase *tc = tcase_create("of the limit");

	tcase_set_timeout(tc, 5);	/* its thread has started by then */
	tcase_add_test(tc, hangs);
	suite_add_tcase(suite, tc);
	tc = tcase_create("others");
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, comes_after_it);
	suite_add_tcase(suite, tc);
	return check_run(suite);
}

START_TEST(a_hang_says_where)
{
	static char output[OUTPUT_MAX];
	char program[4096], command[4200];
	ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
	size_t got;
	FILE *pipe;

	ck_assert_int_gt(length, 0);
	program[length] = 0;
	snprintf(command, sizeof(command), "CK_TIMEOUT_MULTIPLIER=1 '%s' victims 2>&1", program);
	pipe = popen(command, "r");
	ck_assert_ptr_nonnull(pipe);
	got = fread(output, 1, sizeof(output) - 1, pipe);
	output[got] = 0;
	ck_assert_int_ne(pclose(pipe), 0);
	ck_assert_msg(strstr(output, "\n50%: Checks: 2, Failures: 0, Errors: 1") &&
		      strstr(output, "of the limit:hangs:0: (after this point) Test timeout expired") &&
		      strstr(output, "hangs_fn") && strstr(output, "waits_in_a_thread"), "%s", output);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite;
	TCase *tc;

	if (argc == 2 && !strcmp(argv[1], "victims"))
		return victims();
	suite = suite_create("check hang");
	tc = tcase_create("hang");
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_hang_says_where);
	suite_add_tcase(suite, tc);
	return check_run(suite);
}
