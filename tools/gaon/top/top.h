/* SPDX-License-Identifier: MIT */
/* What `gaon top` knows, and how it looks: the screen (screen.c) and batch mode show the same frames. */
#ifndef GAON_TOOLS_TOP_H
#define GAON_TOOLS_TOP_H

#include <jansson.h>

#include "../card/sample.h"
#include "canvas.h"

#define TOP_HISTORY	512		/* points of a graph */
#define TOP_ROWS_LEAST	10
#define TOP_COLUMNS_LEAST 50

enum top_column {
	TOP_PID, TOP_USER, TOP_DEVICE, TOP_CORES, TOP_COPIES, TOP_HBM, TOP_HOST, TOP_COMMAND, TOP_COLUMNS,
};

extern const char *const top_column_name[TOP_COLUMNS];

struct top_process {
	const struct client *client;	/* of the sample */
	const struct card *card;	/* NULL: it has just gone */
	struct client_use use;
};

/* Graphs of a card; 0 to 1, negative: not known. */
struct top_card {
	char address[32];
	bool here;
	int count;
	float core[TOP_HISTORY], copy[TOP_HISTORY], memory[TOP_HISTORY];
};

struct top {
	struct sample before, now;
	struct top_card *cards;		/* in any order */
	size_t card_count;
	struct top_process *processes;	/* sorted */
	size_t process_count;
	char only[32];			/* address of the card that was named, or "" */
	uint64_t interval_ms;
	enum top_column sort;
	bool ascending, ascii;
	/* Of the screen. */
	bool help, paused;
	int first_card, first_process, list_rows;
	pid_t selected;			/* process; 0: none */
	char selected_address[32];
	char message[200];		/* last line, until a key comes */
};

/* Another moment. False without memory, which is told. */
bool top_read(struct top *top);
void top_free(struct top *top);
/* After the column or direction was changed. */
void top_sort(struct top *top);
/* Place of the selected process in the list, -1: it is not there. */
int top_selected(const struct top *top);
void top_select(struct top *top, int index);
bool top_shows(const struct top *top, const struct card *card);
const struct top_card *top_history(const struct top *top, const struct card *card);
/* Cores and copy engines at the last point of the graphs; negative: not known. */
struct client_use top_card_use(const struct top *top, const struct card *card);

/* A frame of @canvas's size. Returns how many rows have something, which in batch mode is what is printed. */
int top_draw(struct top *top, struct canvas *canvas, bool batch);
/* Rows that batch mode needs. */
int top_batch_rows(const struct top *top);
json_t *top_json(const struct top *top);

/* Until somebody ends it: CMD_*. @rounds 0: for ever. */
int top_screen(struct top *top, uint64_t rounds);

#endif
