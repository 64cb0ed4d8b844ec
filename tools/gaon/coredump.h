/* SPDX-License-Identifier: MIT */
/* A coredump of a card, read, for `gaon coredump`. The file's format: hw/gaon_dump.h. */
#ifndef GAON_TOOLS_COREDUMP_H
#define GAON_TOOLS_COREDUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include <hw/gaon_admin.h>
#include <hw/gaon_dump.h>

#define COREDUMP_FILE_MAX	(64u << 20)
#define COREDUMP_RINGS		4
#define COREDUMP_WALKS		16
#define COREDUMP_MAPPINGS	32
#define COREDUMP_CORES		64
#define COREDUMP_REGISTERS	256

struct coredump_ring {
	struct gaon_dump_ring ring;
	struct gaon_packet packet[GAON_DUMP_PACKETS];
};

/* Where an instruction is in a program, as its debugging information says. */
struct coredump_place {
	char function[128];	/* empty: not known */
	char line[256];		/* "file:line:column"; empty: not known */
	char code[160];		/* the instruction, disassembled; empty: not known */
};

/*
 * What is in a file, copied and bounded: counts are those of elements that are there, text ends and is
 * printable.
 */
struct coredump {
	struct gaon_dump_incident incident;
	bool has_fault;
	struct gaon_fault_record fault;
	unsigned int queue_count, ring_count, register_count, walk_count, mapping_count, core_count;
	struct gaon_dump_queue queue[GAON_DUMP_QUEUES_MAX];
	struct coredump_ring ring[COREDUMP_RINGS];
	struct gaon_dump_register reg[COREDUMP_REGISTERS];
	struct gaon_dump_walk walk[COREDUMP_WALKS];
	struct gaon_dump_mapping mapping[COREDUMP_MAPPINGS];
	struct gaon_core_state core[COREDUMP_CORES];
	bool has_identify, has_telemetry;
	struct gaon_identify identify;
	struct gaon_telemetry telemetry;
	char *log;		/* never NULL */
};

/**
 * coredump_parse() - read a dump
 * @data: the file
 * @size: of it
 * @why: filled if it is none: a clause
 * @why_size: of @why
 *
 * Return: the dump, for coredump_free(); NULL: @why says.
 */
struct coredump *coredump_parse(const void *data, size_t size, char *why, size_t why_size);
void coredump_free(struct coredump *dump);

/* The core whose fault it is, else the first that kept a state, else NULL. */
const struct gaon_core_state *coredump_culprit(const struct coredump *dump);
/* The mapping that holds an address, else NULL. */
const struct gaon_dump_mapping *coredump_mapping(const struct coredump *dump, uint64_t address);
/* What @entry is; level 3 is the root's. */
const char *coredump_entry_text(uint64_t entry, unsigned int level);
const char *coredump_kind_name(uint32_t kind);
const char *coredump_packet_name(uint8_t type);
const char *coredump_why_name(uint32_t why);
const char *coredump_place_name(uint32_t place);
const char *coredump_register_name(uint32_t offset, char *text, size_t size);

/**
 * coredump_resolve() - where the culprit's instruction is in a program
 * @dump: a dump
 * @program: the ELF file that was loaded
 * @place: filled
 * @why: filled if it cannot be told
 * @why_size: of @why
 *
 * Runs llvm-symbolizer and llvm-objdump.
 *
 * Return: whether something is known.
 */
bool coredump_resolve(const struct coredump *dump, const char *program, struct coredump_place *place,
		      char *why, size_t why_size);

void coredump_explain(FILE *out, const struct coredump *dump, const struct coredump_place *place);
json_t *coredump_json(const struct coredump *dump, const struct coredump_place *place);

#endif
