// SPDX-License-Identifier: MIT
/*
 * The terminal: frames, keys, signals. Whatever ends the command, the terminal is as it was before: by
 * endwin(), or after a crash by what terminal_begin() has kept.
 */
#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../card/tree.h"
#include "../cmd.h"
#include "terminal.h"
#include "top.h"

#define INTERVAL_LEAST	100
#define INTERVAL_MOST	3600000

static volatile sig_atomic_t stopped;

/* --- signals ------------------------------------------------------------------------------------- */

static void on_stop(int number)
{
	stopped = number;
}

static void signals_take(void)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	const struct sigaction action = { .sa_handler = on_stop };

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		sigaction(ends[i], &action, NULL);
}

/* --- frames ------------------------------------------------------------------------------------- */

static attr_t looks[LOOKS];

static void looks_make(void)
{
	static const short colour[LOOKS] = {
		[LOOK_GOOD] = COLOR_GREEN, [LOOK_NOTE] = COLOR_YELLOW, [LOOK_BAD] = COLOR_RED,
		[LOOK_CORE] = COLOR_CYAN, [LOOK_COPY] = COLOR_MAGENTA, [LOOK_MEMORY] = COLOR_BLUE,
	};
	const char *no = getenv("NO_COLOR");
	bool coloured = (!no || !*no) && has_colors() && start_color() == OK && use_default_colors() == OK;

	looks[LOOK_BOLD] = A_BOLD;
	looks[LOOK_DIM] = A_DIM;
	looks[LOOK_TITLE] = A_REVERSE;
	looks[LOOK_SELECTED] = A_REVERSE | A_BOLD;
	looks[LOOK_BAD] = A_BOLD;
	for (short i = 0; i < LOOKS && coloured; i++) {
		if (colour[i] && init_pair(i, colour[i], -1) == OK)
			looks[i] |= COLOR_PAIR(i);
	}
}

static void show(const struct canvas *canvas)
{
	wchar_t text[1024];

	erase();
	for (int r = 0; r < canvas->rows; r++) {
		const struct cell *cells = canvas->cells + r * canvas->columns;

		for (int c = 0, n; c < canvas->columns; c += n) {
			for (n = 0; n < 1024 && c + n < canvas->columns && cells[c + n].look == cells[c].look;
			     n++)
				text[n] = cells[c + n].character;
			attrset(looks[cells[c].look]);
			mvaddnwstr(r, c, text, n);
		}
	}
	attrset(A_NORMAL);
	refresh();
}

/* False without memory. */
static bool frame(struct top *top)
{
	struct canvas canvas;

	if (LINES < TOP_ROWS_LEAST || COLS < TOP_COLUMNS_LEAST) {
		erase();
		mvprintw(0, 0, "%d x %d: too small, %d x %d is needed", COLS, LINES, TOP_COLUMNS_LEAST, TOP_ROWS_LEAST);
		refresh();
		return true;
	}
	if (!canvas_make(&canvas, LINES, COLS, top->ascii))
		return false;
	top_draw(top, &canvas, false);
	show(&canvas);
	canvas_free(&canvas);
	return true;
}

/* --- signals for processes ----------------------------------------------------------------------- */

/* A descriptor of the process, so that the signal goes to nobody who has its number by then. */
struct victim {
	pid_t pid;			/* 0: nobody is asked about */
	int fd;
	char name[96];
};

static void victim_ask(struct top *top, struct victim *victim)
{
	int index = top_selected(top);
	const struct client *client;

	if (index < 0) {
		snprintf(top->message, sizeof(top->message), "select a process first: Up, Down");
		return;
	}
	if (tree_is_recorded()) {
		snprintf(top->message, sizeof(top->message), "this is a recorded tree: its processes are not here");
		return;
	}
	client = top->processes[index].client;
	victim->fd = (int)syscall(SYS_pidfd_open, client->pid, 0);
	if (victim->fd < 0) {
		snprintf(top->message, sizeof(top->message), "%d cannot be had: %s", (int)client->pid, strerror(errno));
		return;
	}
	victim->pid = client->pid;
	snprintf(victim->name, sizeof(victim->name), "%d %s of %s", (int)client->pid, client->command, client->user);
	snprintf(top->message, sizeof(top->message), "%s: t SIGTERM, 9 SIGKILL, i SIGINT, any other key: nothing",
		 victim->name);
}

static void victim_answer(struct top *top, struct victim *victim, int key)
{
	int number = key == 't' ? SIGTERM : key == '9' ? SIGKILL : key == 'i' ? SIGINT : 0;

	top->message[0] = '\0';
	if (number && syscall(SYS_pidfd_send_signal, victim->fd, number, NULL, 0))
		snprintf(top->message, sizeof(top->message), "%s: %s%s", victim->name, strerror(errno),
			 errno == EPERM ? "; sudo gaon top" : "");
	else if (number)
		snprintf(top->message, sizeof(top->message), "%s: SIG%s is sent", victim->name, sigabbrev_np(number));
	close(victim->fd);
	*victim = (struct victim){ 0 };
}

/* --- keys --------------------------------------------------------------------------------------- */

static void sort_by(struct top *top, int column)
{
	top->sort = (enum top_column)((column + TOP_COLUMNS) % TOP_COLUMNS);
	top->ascending = top->sort <= TOP_DEVICE || top->sort == TOP_COMMAND;
	top_sort(top);
}

static bool key_sort(struct top *top, int key)
{
	static const char letters[] = "PUDCYMO";
	const char *at = key > 0 && key < 128 ? strchr(letters, key) : NULL;

	if (at)
		sort_by(top, (int)(at - letters));
	else if (key == '<' || key == KEY_LEFT)
		sort_by(top, (int)top->sort - 1);
	else if (key == '>' || key == KEY_RIGHT)
		sort_by(top, (int)top->sort + 1);
	else
		return false;
	return true;
}

static bool key_select(struct top *top, int key)
{
	int at = top_selected(top), page = top->list_rows > 1 ? top->list_rows - 1 : 1;

	switch (key) {
	case KEY_UP: top_select(top, at < 0 ? 0 : at - 1); return true;
	case KEY_DOWN: top_select(top, at + 1); return true;
	case KEY_PPAGE: top_select(top, at - page); return true;
	case KEY_NPAGE: top_select(top, at + page); return true;
	case KEY_HOME: top_select(top, 0); return true;
	case KEY_END: top_select(top, (int)top->process_count - 1); return true;
	default: return false;
	}
}

static void interval_set(struct top *top, uint64_t ms)
{
	top->interval_ms = ms < INTERVAL_LEAST ? INTERVAL_LEAST : ms > INTERVAL_MOST ? INTERVAL_MOST : ms;
}

/* False: it is over. */
static bool key_take(struct top *top, struct victim *victim, int key)
{
	if (victim->pid) {
		victim_answer(top, victim, key);
		return true;
	}
	top->message[0] = '\0';
	if (top->help) {
		top->help = false;
		return true;
	}
	if (key_sort(top, key) || key_select(top, key))
		return true;
	switch (key) {
	case 'q': case 'Q': case 27: return false;
	case 'h': case '?': top->help = true; break;
	case 'r':
		top->ascending = !top->ascending;
		top_sort(top);
		break;
	case 'k': victim_ask(top, victim); break;
	case '[': top->first_card--; break;
	case ']': top->first_card++; break;
	case '+': interval_set(top, top->interval_ms / 2); break;
	case '-': interval_set(top, top->interval_ms * 2); break;
	case ' ': top->paused = !top->paused; break;
	}
	return true;
}

/* All that are there; false: it is over. */
static bool keys_take(struct top *top, struct victim *victim)
{
	int key;

	while ((key = getch()) != ERR) {
		if (key != KEY_RESIZE && !key_take(top, victim, key))
			return false;
	}
	return true;
}

/* --- all ---------------------------------------------------------------------------------------- */

/* Until a key, a signal, another size, or @end. False: the terminal is gone. */
static bool wait_input(double end)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	double left = (end - cmd_now()) * 1e3;

	if (poll(&input, 1, left < 0 ? 0 : left > 60e3 ? 60000 : (int)left + 1) < 0)
		return errno == EINTR;
	return !(input.revents & (POLLHUP | POLLERR | POLLNVAL));
}

static int loop(struct top *top, uint64_t rounds)
{
	struct victim victim = { 0 };
	uint64_t done = 1;
	double next = cmd_now() + (top->interval_ms < 300 ? (double)top->interval_ms : 300) / 1e3;
	bool good = frame(top);

	while (good && !stopped) {
		if (!wait_input(next) || !keys_take(top, &victim))
			break;
		if (cmd_now() >= next) {
			if (rounds && done++ >= rounds)
				break;
			/* While it asks about a process the list stands still. */
			good = top->paused || victim.pid || top_read(top);
			next = cmd_now() + (double)top->interval_ms / 1e3;
		}
		good = good && frame(top);
	}
	if (victim.pid)
		close(victim.fd);
	return good ? CMD_OK : CMD_FAILED;
}

int top_screen(struct top *top, uint64_t rounds)
{
	SCREEN *screen;
	int code = CMD_FAILED, lines, columns;

	if (!terminal_begin())
		return CMD_FAILED;
	signals_take();
	screen = newterm(NULL, stdout, stdin);
	if (!screen) {
		fprintf(stderr, "gaon: top: the terminal '%s' cannot be used; `gaon top -b` prints frames instead\n",
			getenv("TERM"));
		return CMD_FAILED;
	}
	lines = LINES;
	columns = COLS;
	if (lines >= TOP_ROWS_LEAST && columns >= TOP_COLUMNS_LEAST) {
		cbreak();
		noecho();
		nonl();
		keypad(stdscr, true);
		nodelay(stdscr, true);
		set_escdelay(50);
		curs_set(0);
		looks_make();
		code = loop(top, rounds);
	}
	endwin();
	delscreen(screen);
	if (lines < TOP_ROWS_LEAST || columns < TOP_COLUMNS_LEAST)
		fprintf(stderr, "gaon: top: the terminal is %d x %d, at least %d x %d is needed; `gaon top -b` prints frames instead\n",
			columns, lines, TOP_COLUMNS_LEAST, TOP_ROWS_LEAST);
	if (stopped) {
		/* Who started the command sees what ended it. */
		signal(stopped, SIG_DFL);
		raise(stopped);
	}
	return code;
}
