// SPDX-License-Identifier: MIT
/* Whether the terminal can be used, and how it gets back what it was when the command crashes. */
#include <curses.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>

#include "terminal.h"

static struct termios crash_mode;
static bool crash_has_mode;
static char crash_text[256];

/* Only what a signal handler may do. */
static void on_crash(int number)
{
	ssize_t n = write(STDOUT_FILENO, crash_text, strlen(crash_text));

	if (crash_has_mode)
		tcsetattr(STDIN_FILENO, TCSANOW, &crash_mode);
	(void)n;
	raise(number);		/* by default now */
}

static void crash_add(const char *capability)
{
	const char *text = tigetstr(capability);

	if (text && text != (char *)-1)
		strncat(crash_text, text, sizeof(crash_text) - strlen(crash_text) - 1);
}

/* Before the screen is taken. */
static void crash_begin(void)
{
	static const int crashes[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
	const struct sigaction action = {
		.sa_handler = on_crash, .sa_flags = (int)SA_RESETHAND | SA_NODEFER,
	};

	crash_has_mode = !tcgetattr(STDIN_FILENO, &crash_mode);
	crash_text[0] = '\0';
	crash_add("sgr0");
	crash_add("cnorm");
	crash_add("rmkx");
	crash_add("rmcup");
	for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++)
		sigaction(crashes[i], &action, NULL);
}

bool terminal_begin(void)
{
	const char *term = getenv("TERM");
	int error = 0;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		fprintf(stderr, "gaon: top: standard %s is no terminal; `gaon top -b` prints frames instead\n",
			isatty(STDOUT_FILENO) ? "input" : "output");
		return false;
	}
	if (!term || !*term || setupterm(NULL, STDOUT_FILENO, &error) != OK || !tigetstr("cup") ||
	    tigetstr("cup") == (char *)-1) {
		fprintf(stderr, "gaon: top: the terminal '%s' is not known or cannot move its cursor; `gaon top -b` prints frames instead\n",
			term ? term : "");
		return false;
	}
	crash_begin();
	/* The screen has one of its own. */
	del_curterm(cur_term);
	return true;
}
