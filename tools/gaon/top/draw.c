// SPDX-License-Identifier: MIT
/* The frame: a line about the machine, a block for each card, the processes, a line of keys. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../cmd.h"
#include "top.h"

#define GRAPH_MOST	6		/* rows */
#define METER_LEAST	16		/* columns; with less only two letters and a figure */
#define LIST_LEAST	4		/* processes that are to be seen before graphs are */

/* What has room: rows of a card's block, of them those of its graph. */
struct layout {
	int block, graph, cards;	/* @cards: blocks that are shown */
};

static int cards_shown(const struct top *top)
{
	int count = 0;

	for (size_t i = 0; i < top->now.cards.count; i++)
		count += top_shows(top, &top->now.cards.cards[i]);
	return count;
}

/* Graphs give way to processes, then bars, then cards. */
static struct layout layout_of(const struct top *top, int rows, bool batch)
{
	int cards = cards_shown(top), processes = (int)top->process_count, room;
	struct layout l = { .cards = cards, .block = 2 };

	if (batch || !cards)
		return l;
	processes = processes < LIST_LEAST ? LIST_LEAST : processes;
	/* Lines of the machine, of the list's names, and of keys. */
	room = rows - 3;
	l.graph = (room - (processes < room / 3 ? processes : room / 3)) / cards - 2;
	if (l.graph > GRAPH_MOST)
		l.graph = GRAPH_MOST;
	if (l.graph < 2)
		l.graph = 0;
	l.block += l.graph;
	if (cards * l.block > room - LIST_LEAST)
		l = (struct layout){ .cards = cards, .block = 1 };
	if (cards * l.block > room - LIST_LEAST)
		l.cards = room - LIST_LEAST;
	return l;
}

/* --- cards -------------------------------------------------------------------------------------- */

static enum look look_of_state(const struct card *card)
{
	if (!strcmp(card->state, "ready"))
		return LOOK_GOOD;
	return !strcmp(card->state, "wedged") || !card->state[0] ? LOOK_BAD : LOOK_NOTE;
}

static const char *state_of(const struct card *card)
{
	if (!strcmp(card->power, "suspended"))
		return "asleep";
	return card->state[0] ? card->state : card->driver[0] ? "?" : "no driver";
}

static double sensor(const struct card *card, enum card_sensor which, double unit)
{
	return (double)card->sensors.value[which] / unit;
}

static int draw_sensors(struct canvas *canvas, int row, int column, const struct card *card)
{
	bool hot = card_sensor_known(card, CARD_TEMP_MAX_MC) &&
		   card->sensors.value[CARD_TEMP_MC] >= card->sensors.value[CARD_TEMP_MAX_MC];

	if (card_sensor_known(card, CARD_TEMP_MC))
		column = canvas_text(canvas, row, column, hot ? LOOK_BAD : LOOK_PLAIN, "  %5.1f C",
				     sensor(card, CARD_TEMP_MC, 1e3));
	if (card_sensor_known(card, CARD_POWER_UW))
		column = canvas_text(canvas, row, column, LOOK_PLAIN, "  %5.1f W", sensor(card, CARD_POWER_UW, 1e6));
	if (card_sensor_known(card, CARD_POWER_UW) && card_sensor_known(card, CARD_POWER_CAP_UW))
		column = canvas_text(canvas, row, column, LOOK_DIM, " of %.0f",
				     sensor(card, CARD_POWER_CAP_UW, 1e6));
	if (card_sensor_known(card, CARD_CLOCK_HZ))
		column = canvas_text(canvas, row, column, LOOK_PLAIN, "  %.3f GHz", sensor(card, CARD_CLOCK_HZ, 1e9));
	return column;
}

static void draw_title(struct canvas *canvas, int row, const struct card *card)
{
	int column = canvas_text(canvas, row, 0, LOOK_BOLD, "%-8s", card->name);
	char used[32], total[32];

	if (strcmp(card->name, card->address))
		column = canvas_text(canvas, row, column, LOOK_DIM, " %s", card->address);
	column = canvas_text(canvas, row, column, look_of_state(card), " %s", state_of(card));
	column = draw_sensors(canvas, row, column, card);
	if (card->hbm_total >= 0 && card->hbm_used >= 0)
		column = canvas_text(canvas, row, column, LOOK_PLAIN, "  %s of %s HBM",
				     cmd_bytes((uint64_t)card->hbm_used, used, sizeof(used)),
				     cmd_bytes((uint64_t)card->hbm_total, total, sizeof(total)));
	if (card->link.mtps && card->link.width)
		canvas_text(canvas, row, column, LOOK_DIM, "  %.1f GT/s x%u", card->link.mtps / 1e3, card->link.width);
}

static double memory_part(const struct card *card)
{
	if (card->hbm_total <= 0 || card->hbm_used < 0)
		return -1;
	return card->hbm_used > card->hbm_total ? 1 : (double)card->hbm_used / (double)card->hbm_total;
}

static void draw_meter(struct canvas *canvas, int row, int column, int columns, const char *name, double part,
		       enum look look)
{
	int at, bar;

	if (columns < METER_LEAST) {
		at = canvas_text(canvas, row, column, look, "%.2s", name);
		canvas_text(canvas, row, at, LOOK_PLAIN, part < 0 ? "    ?" : "%4.0f%%", part * 100);
		return;
	}
	at = canvas_text(canvas, row, column, look, "%s ", name);
	bar = columns - (at - column) - 8;
	if (bar >= 4) {
		canvas_bar(canvas, row, at, bar, part < 0 ? 0 : part, look);
		at += bar;
	}
	if (part < 0)
		canvas_text(canvas, row, at, LOOK_DIM, "      ?");
	else
		canvas_text(canvas, row, at, LOOK_PLAIN, " %5.1f%%", part * 100);
}

static void draw_meters(const struct top *top, struct canvas *canvas, int row, int column,
			const struct card *card)
{
	struct client_use use = top_card_use(top, card);
	int third = (canvas->columns - column) / 3;

	draw_meter(canvas, row, column, third, "cores", use.core, LOOK_CORE);
	draw_meter(canvas, row, column + third, third, "copies", use.copy, LOOK_COPY);
	draw_meter(canvas, row, column + 2 * third, third, "HBM", memory_part(card), LOOK_MEMORY);
}

static void draw_graphs(const struct top *top, struct canvas *canvas, int row, int height,
			const struct card *card)
{
	const struct top_card *c = top_history(top, card);
	int third = canvas->columns / 3;

	if (!c)
		return;
	canvas_graph(canvas, row, 0, height, third - 1, c->core, c->count, LOOK_CORE);
	canvas_graph(canvas, row, third, height, third - 1, c->copy, c->count, LOOK_COPY);
	canvas_graph(canvas, row, 2 * third, height, third - 1, c->memory, c->count, LOOK_MEMORY);
}

static void draw_card(const struct top *top, struct canvas *canvas, int row, const struct layout *l,
		      const struct card *card)
{
	if (l->block == 1) {
		canvas_text(canvas, row, 0, LOOK_BOLD, "%-8s", card->name);
		canvas_text(canvas, row, 9, look_of_state(card), "%.9s", state_of(card));
		draw_meters(top, canvas, row, 19, card);
		return;
	}
	draw_title(canvas, row, card);
	draw_meters(top, canvas, row + 1, 0, card);
	if (l->graph)
		draw_graphs(top, canvas, row + 2, l->graph, card);
}

static int draw_cards(struct top *top, struct canvas *canvas, int row, const struct layout *l)
{
	int all = cards_shown(top), skip, shown = 0;

	if (top->first_card > all - l->cards)
		top->first_card = all - l->cards;
	if (top->first_card < 0)
		top->first_card = 0;
	skip = top->first_card;
	for (size_t i = 0; i < top->now.cards.count && shown < l->cards; i++) {
		const struct card *card = &top->now.cards.cards[i];

		if (!top_shows(top, card) || skip-- > 0)
			continue;
		draw_card(top, canvas, row, l, card);
		row += l->block;
		shown++;
	}
	if (!all)
		canvas_text(canvas, row++, 0, LOOK_BAD, "no card is here; `gaon doctor` says why");
	return row;
}

/* --- processes ---------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	int width;
	bool right;
	int least;		/* columns that the screen must have */
} columns[TOP_COLUMNS] = {
	[TOP_PID] = { "PID", 8, true, 0 }, [TOP_USER] = { "USER", 10, false, 60 },
	[TOP_DEVICE] = { "DEVICE", 12, false, 0 },
	[TOP_CORES] = { "CORES", 7, true, 0 }, [TOP_COPIES] = { "COPIES", 7, true, 70 }, [TOP_HBM] = { "HBM", 10, true, 0 },
	[TOP_HOST] = { "HOST", 10, true, 80 }, [TOP_COMMAND] = { "COMMAND", 1, false, 0 },
};

static void cell_text(const struct top_process *p, enum top_column column, char *text, size_t size)
{
	const struct client *c = p->client;

	switch (column) {
	case TOP_PID: snprintf(text, size, "%d", (int)c->pid); break;
	case TOP_USER: snprintf(text, size, "%.10s", c->user); break;
	case TOP_DEVICE: snprintf(text, size, "%.12s", p->card ? p->card->name : c->address); break;
	case TOP_CORES: snprintf(text, size, "%.1f%%", p->use.core * 100); break;
	case TOP_COPIES: snprintf(text, size, "%.1f%%", p->use.copy * 100); break;
	case TOP_HBM: cmd_bytes(c->hbm, text, size); break;
	case TOP_HOST: cmd_bytes(c->host, text, size); break;
	default: snprintf(text, size, "%s%s", c->command, c->shared ? " (shares another's file)" : ""); break;
	}
}

/* Names of columns without @p. */
static void draw_row(const struct top *top, struct canvas *canvas, int row, const struct top_process *p)
{
	char text[80];
	int at = 0;

	for (int i = 0; i < TOP_COLUMNS; i++) {
		enum look look = p ? LOOK_PLAIN : i == (int)top->sort ? LOOK_SELECTED : LOOK_TITLE;

		if (canvas->columns < columns[i].least)
			continue;
		if (p)
			cell_text(p, (enum top_column)i, text, sizeof(text));
		canvas_text(canvas, row, at, look, columns[i].right ? "%*s" : "%-*s", columns[i].width,
			    p ? text : columns[i].name);
		at += columns[i].width + 1;
	}
}

/* The one that is selected stays in sight. */
static void scroll(struct top *top, int rows)
{
	int selected = top_selected(top), most = (int)top->process_count - rows;

	if (selected >= 0 && selected < top->first_process)
		top->first_process = selected;
	if (selected >= top->first_process + rows)
		top->first_process = selected - rows + 1;
	if (top->first_process > most)
		top->first_process = most;
	if (top->first_process < 0)
		top->first_process = 0;
	top->list_rows = rows;
}

static int draw_processes(struct top *top, struct canvas *canvas, int row, int rows)
{
	int selected = top_selected(top), i;

	scroll(top, rows);
	for (i = 0; i < rows && top->first_process + i < (int)top->process_count; i++)
		draw_row(top, canvas, row + i, &top->processes[top->first_process + i]);
	if (selected >= 0)
		canvas_look(canvas, row + selected - top->first_process, 0, canvas->columns, LOOK_SELECTED);
	if (!top->process_count && rows)
		canvas_text(canvas, row + i++, 0, LOOK_DIM, top->now.clients.complete ? "nobody has a card open" :
			    "none of your processes has a card open; only root sees those of others");
	return row + i;
}

/* --- all ---------------------------------------------------------------------------------------- */

static void draw_machine(const struct top *top, struct canvas *canvas)
{
	int cards = cards_shown(top), column;
	char time[64];

	cmd_time_text(&top->now.wall, time, sizeof(time));
	column = canvas_text(canvas, 0, 0, LOOK_BOLD, "gaon top");
	column = canvas_text(canvas, 0, column, LOOK_PLAIN, "  %.19sZ  %d card%s, %zu process%s, every %.1f s", time, cards,
			     cards == 1 ? "" : "s", top->process_count, top->process_count == 1 ? "" : "es",
			     (double)top->interval_ms / 1e3);
	if (top->paused)
		column = canvas_text(canvas, 0, column, LOOK_NOTE, "  PAUSED");
	if (!top->now.clients.complete)
		canvas_text(canvas, 0, column, LOOK_NOTE, "  (only root sees other users' processes)");
}

static void draw_help(struct canvas *canvas)
{
	static const char *const lines[] = {
		"h, ?          this screen; any key leaves it",
		"q             quit",
		"Up, Down      select a process; PageUp, PageDown, Home, End",
		"k             send the selected process a signal, which asks first",
		"<, >          sort by the column to the left or right",
		"P U D C Y M O sort by pid, user, device, cores, copies, HBM, host",
		"r             reverse the order",
		"[, ]          scroll through cards that have no room",
		"+, -          read half or twice as often",
		"Space         pause, go on",
		"",
		"CORES and COPIES are parts of all cores and of all copy engines of the card, since the",
		"reading before. Graphs run from left to right: cores, copies, HBM in use.",
		"A card that sleeps is not woken: it has no readings.",
	};

	canvas_text(canvas, 0, 0, LOOK_BOLD, "gaon top: keys");
	for (int i = 0; i < (int)(sizeof(lines) / sizeof(lines[0])); i++)
		canvas_text(canvas, i + 2, 2, LOOK_PLAIN, "%s", lines[i]);
}

int top_draw(struct top *top, struct canvas *canvas, bool batch)
{
	struct layout layout = layout_of(top, canvas->rows, batch);
	int row;

	if (top->help && !batch) {
		draw_help(canvas);
		return canvas->rows;
	}
	draw_machine(top, canvas);
	row = draw_cards(top, canvas, 1, &layout);
	canvas_look(canvas, row, 0, canvas->columns, LOOK_TITLE);
	draw_row(top, canvas, row, NULL);
	row = draw_processes(top, canvas, row + 1, canvas->rows - row - 1 - (batch ? 0 : 1));
	if (batch)
		return row;
	if (top->message[0])
		canvas_text(canvas, canvas->rows - 1, 0, LOOK_NOTE, "%s", top->message);
	else
		canvas_text(canvas, canvas->rows - 1, 0, LOOK_DIM, "q quit  h help  < > sort  r reverse  k signal  space pause");
	return canvas->rows;
}

int top_batch_rows(const struct top *top)
{
	return 4 + 2 * (int)top->now.cards.count + (int)top->process_count;
}

/* --- JSON --------------------------------------------------------------------------------------- */

static json_t *part_json(double part)
{
	return part < 0 ? json_null() : json_real(part);
}

static json_t *sensor_json(const struct card *card, enum card_sensor which, int64_t divisor)
{
	return cmd_json_number(card->sensors.value[which] / divisor, card_sensor_known(card, which));
}

static json_t *card_json(const struct top *top, const struct card *card)
{
	struct client_use use = top_card_use(top, card);

	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "name", card->name, "address",
			 card->address, "state", cmd_json_text(card->state), "power_state", cmd_json_text(card->power),
			 "core_share", part_json(use.core), "copy_share", part_json(use.copy), "hbm_used_bytes",
			 cmd_json_number(card->hbm_used, card->hbm_used >= 0), "hbm_total_bytes",
			 cmd_json_number(card->hbm_total, card->hbm_total >= 0), "temperature_mc",
			 sensor_json(card, CARD_TEMP_MC, 1), "power_mw", sensor_json(card, CARD_POWER_UW, 1000), "clock_khz",
			 sensor_json(card, CARD_CLOCK_HZ, 1000));
}

static json_t *process_json(const struct top_process *p)
{
	const struct client *c = p->client;

	return json_pack("{s:i, s:o, s:o, s:s, s:f, s:f, s:I, s:I, s:b}", "pid", (int)c->pid, "user",
			 cmd_json_text(c->user), "command", cmd_json_text(c->command), "device",
			 p->card ? p->card->name : c->address, "core_share", p->use.core, "copy_share", p->use.copy,
			 "hbm_bytes", (json_int_t)c->hbm, "host_bytes", (json_int_t)c->host, "shared", c->shared);
}

json_t *top_json(const struct top *top)
{
	json_t *devices = json_array(), *processes = json_array();
	char time[64];

	cmd_time_text(&top->now.wall, time, sizeof(time));
	for (size_t i = 0; i < top->now.cards.count; i++) {
		if (top_shows(top, &top->now.cards.cards[i]))
			json_array_append_new(devices, card_json(top, &top->now.cards.cards[i]));
	}
	for (size_t i = 0; i < top->process_count; i++)
		json_array_append_new(processes, process_json(&top->processes[i]));
	return json_pack("{s:s, s:b, s:o, s:o}", "time", time, "complete", top->now.clients.complete, "devices", devices,
			 "processes", processes);
}
