// SPDX-License-Identifier: MIT
/*
 * Coredumps from anywhere: parsed, explained, turned into JSON. The bytes are the file, and the notes of a
 * file whose headers are right, so that what is behind them is reached.
 */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/gaon/coredump.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(const void *file, size_t size)
{
	static const struct coredump_place place = { .function = "f", .line = "l", .code = "c" };
	char why[256] = "";
	struct coredump *dump = coredump_parse(file, size, why, sizeof(why));
	json_t *json;
	FILE *null;

	if (!dump) {
		if (!why[0])
			abort();	/* a refusal says why */
		return;
	}
	json = coredump_json(dump, &place);
	/* Else some text is none, or a format is wrong. */
	if (json_object_size(json) != 11)
		abort();
	json_decref(json);
	null = fopen("/dev/null", "we");
	if (null) {
		coredump_explain(null, dump, size & 1 ? &place : NULL);
		fclose(null);
	}
	coredump_free(dump);
}

/* One note per chunk: type, length, content. */
static void look_framed(const uint8_t *data, size_t size)
{
	static const struct gaon_dump_incident incident = { .version = GAON_DUMP_VERSION };
	struct { Elf64_Ehdr file; Elf64_Phdr notes; } head = {
		.file = {
			.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB },
			.e_type = ET_CORE, .e_machine = 243, .e_phoff = sizeof(Elf64_Ehdr),
			.e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 1,
		},
		.notes = { .p_type = PT_NOTE, .p_offset = sizeof(head) },
	};
	size_t room = sizeof(head) + 2 * size * 24 + 4096, used = sizeof(head), at = 0;
	uint8_t *file = calloc(1, room);

	if (!file)
		return;
	for (unsigned int i = 0; !i || at + 2 < size; i++) {
		size_t bytes = i ? data[at + 1] * 8u : sizeof(incident), have;
		Elf64_Nhdr note = { 5, (uint32_t)bytes, GAON_DUMP_INCIDENT + (i ? data[at] % 12 : 0) };

		if (used + sizeof(note) + 8 + bytes > room)
			break;
		memcpy(file + used, &note, sizeof(note));
		memcpy(file + used + sizeof(note), "GAON", 5);
		used += sizeof(note) + 8;
		if (!i) {
			memcpy(file + used, &incident, sizeof(incident));
		} else {
			at += 2;
			have = bytes < size - at ? bytes : size - at;
			memcpy(file + used, data + at, have);
			at += have;
		}
		used += bytes;
	}
	head.notes.p_filesz = used - sizeof(head);
	memcpy(file, &head, sizeof(head));
	look(file, used);
	free(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	look(data, size);
	look_framed(data, size);
	return 0;
}
