/* SPDX-License-Identifier: MIT */
/* A file of `gaon record`, checked: it comes from anybody. */
#ifndef GAON_TOOLS_RECORD_LOAD_H
#define GAON_TOOLS_RECORD_LOAD_H

#include <gaon/gaon.h>

#include <tools/watch/record/format.h>

struct record_entry {
	const struct record_call *call;
	const uint8_t *data;	 /* call->data_bytes of them */
	enum gaon_status status; /* also of a call that was found to have failed afterwards */
};

struct record_text {
	const char *text;
	size_t length;
};

struct record_file {
	void *map;
	size_t bytes;
	const struct watch_header *header;
	struct record_entry *calls;
	size_t call_count, call_room;
	const struct watch_record **datas;
	size_t data_count, data_room;
	struct record_text *warnings;
	size_t warning_count, warning_room;
	bool ended; /* the program ended in order */
};

/* False with a message on standard error; nothing needs to be freed then. */
bool record_load(struct record_file *file, const char *path);
/* The same of @bytes at @map, which stay the caller's; the message goes to @why of @size bytes. */
bool record_parse(struct record_file *file, const void *map, size_t bytes, char *why, size_t size);
void record_unload(struct record_file *file);

/* "launch"; static. */
const char *record_op_name(uint32_t op);
/* The function that a program called, "gaon_launch()", or what the recorder did. */
const char *record_op_function(uint32_t op);

#endif
