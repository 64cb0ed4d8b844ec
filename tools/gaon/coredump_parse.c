// SPDX-License-Identifier: MIT
/* Reads a coredump: an ELF core of one segment of notes. Nothing in the file is trusted. */
#include <elf.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <hw/gaon_text.h>

#include "coredump.h"

#ifndef EM_RISCV
#define EM_RISCV	243
#endif

struct reader {
	const uint8_t *data;
	size_t size, at;
	char *why;
	size_t why_size;
};

static bool fail(struct reader *r, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(r->why, r->why_size, format, args);
	va_end(args);
	return false;
}

/* The segment of notes becomes all that is left to read. */
static bool read_headers(struct reader *r)
{
	Elf64_Ehdr file;
	Elf64_Phdr notes;

	if (r->size < sizeof(file) || memcmp(r->data, ELFMAG, SELFMAG))
		return fail(r, "it is no ELF file");
	memcpy(&file, r->data, sizeof(file));
	if (file.e_ident[EI_CLASS] != ELFCLASS64 || file.e_ident[EI_DATA] != ELFDATA2LSB ||
	    file.e_type != ET_CORE || file.e_machine != EM_RISCV)
		return fail(r, "it is no coredump of such a device");
	if (file.e_phnum != 1 || file.e_phentsize != sizeof(notes) || file.e_phoff > r->size ||
	    r->size - file.e_phoff < sizeof(notes))
		return fail(r, "its program header is damaged");
	memcpy(&notes, r->data + file.e_phoff, sizeof(notes));
	if (notes.p_type != PT_NOTE)
		return fail(r, "it has no notes");
	if (notes.p_offset > r->size || notes.p_filesz > r->size - notes.p_offset)
		return fail(r, "it is truncated: notes of %llu bytes at %llu, the file has %zu",
			    (unsigned long long)notes.p_filesz, (unsigned long long)notes.p_offset,
			    r->size);
	r->data += notes.p_offset;
	r->size = notes.p_filesz;
	return true;
}

static size_t padded(size_t bytes)
{
	return (bytes + 3) & ~(size_t)3;
}

struct note {
	bool ours;
	uint32_t type;
	const uint8_t *data;
	size_t size;
};

static bool read_note(struct reader *r, struct note *note)
{
	Elf64_Nhdr head;
	size_t left = r->size - r->at, name, desc;

	if (left < sizeof(head))
		return fail(r, "a note is truncated at %zu", r->at);
	memcpy(&head, r->data + r->at, sizeof(head));
	left -= sizeof(head);
	name = padded(head.n_namesz);
	desc = padded(head.n_descsz);
	if (name > left || desc > left - name)
		return fail(r, "the note at %zu is longer than the file", r->at);
	r->at += sizeof(head);
	*note = (struct note){
		.ours = head.n_namesz == 5 && !memcmp(r->data + r->at, "GAON", 5),
		.type = head.n_type, .data = r->data + r->at + name, .size = head.n_descsz,
	};
	r->at += name + desc;
	return true;
}

/* Text of others, for people and their terminals. */
static void clean(char *text, size_t size)
{
	size_t length = strnlen(text, size - 1);

	for (size_t i = 0; i < length; i++)
		if (text[i] < ' ' || text[i] > '~')
			text[i] = '?';
	memset(text + length, 0, size - length);
}

static bool take(struct reader *r, const struct note *note, void *to, size_t bytes)
{
	if (note->size < bytes)
		return fail(r, "a note of type %#x has %zu bytes, not %zu", note->type, note->size, bytes);
	memcpy(to, note->data, bytes);
	return true;
}

/* Room for another one; those that find none are left out. */
static bool take_next(struct reader *r, const struct note *note, void *array, size_t bytes,
		      unsigned int *count, unsigned int most)
{
	if (*count == most)
		return true;
	if (!take(r, note, (uint8_t *)array + *count * bytes, bytes))
		return false;
	++*count;
	return true;
}

static bool take_incident(struct reader *r, const struct note *note, struct coredump *dump)
{
	struct gaon_dump_incident *i = &dump->incident;
	uint32_t version;

	if (note->size >= sizeof(version)) {
		memcpy(&version, note->data, sizeof(version));
		if (version != GAON_DUMP_VERSION)
			return fail(r, "it is of version %u; this tool knows version %u: use the tool that came with the driver",
				    version, GAON_DUMP_VERSION);
	}
	if (!take(r, note, i, sizeof(*i)))
		return false;
	clean(i->process, sizeof(i->process));
	clean(i->device, sizeof(i->device));
	clean(i->driver, sizeof(i->driver));
	clean(i->kernel, sizeof(i->kernel));
	clean(i->why, sizeof(i->why));
	return true;
}

static bool take_ring(struct reader *r, const struct note *note, struct coredump *dump)
{
	struct coredump_ring *ring;
	size_t bytes;

	if (dump->ring_count == COREDUMP_RINGS)
		return true;
	ring = &dump->ring[dump->ring_count];
	if (!take(r, note, &ring->ring, sizeof(ring->ring)))
		return false;
	if (ring->ring.count > GAON_DUMP_PACKETS)
		return fail(r, "%u packets in a note, which holds %u", ring->ring.count,
			    GAON_DUMP_PACKETS);
	bytes = ring->ring.count * sizeof(ring->packet[0]);
	if (note->size - sizeof(ring->ring) < bytes)
		return fail(r, "%u packets in a note of %zu bytes", ring->ring.count, note->size);
	memcpy(ring->packet, note->data + sizeof(ring->ring), bytes);
	dump->ring_count++;
	return true;
}

static bool take_registers(const struct note *note, struct coredump *dump)
{
	size_t count = note->size / sizeof(dump->reg[0]);

	if (count > COREDUMP_REGISTERS)
		count = COREDUMP_REGISTERS;
	memcpy(dump->reg, note->data, count * sizeof(dump->reg[0]));
	dump->register_count = (unsigned int)count;
	return true;
}

static bool take_log(struct reader *r, const struct note *note, struct coredump *dump)
{
	char *log = malloc(note->size + 1);

	if (!log)
		return fail(r, "there is no memory for its log");
	memcpy(log, note->data, note->size);
	log[note->size] = '\0';
	for (size_t i = 0; i < note->size; i++)
		if (log[i] != '\n' && (log[i] < ' ' || log[i] > '~'))
			log[i] = '?';
	free(dump->log);
	dump->log = log;
	return true;
}

static bool take_queue(struct reader *r, const struct note *note, struct coredump *dump)
{
	unsigned int before = dump->queue_count;

	if (!take_next(r, note, dump->queue, sizeof(dump->queue[0]), &dump->queue_count,
		       GAON_DUMP_QUEUES_MAX))
		return false;
	if (dump->queue_count != before)
		clean(dump->queue[before].process, sizeof(dump->queue[before].process));
	return true;
}

static bool take_mapping(struct reader *r, const struct note *note, struct coredump *dump)
{
	unsigned int before = dump->mapping_count;

	if (!take_next(r, note, dump->mapping, sizeof(dump->mapping[0]), &dump->mapping_count,
		       COREDUMP_MAPPINGS))
		return false;
	if (dump->mapping_count != before)
		clean(dump->mapping[before].name, sizeof(dump->mapping[before].name));
	return true;
}

static bool take_walk(struct reader *r, const struct note *note, struct coredump *dump)
{
	if (!take_next(r, note, dump->walk, sizeof(dump->walk[0]), &dump->walk_count, COREDUMP_WALKS))
		return false;
	if (dump->walk_count && dump->walk[dump->walk_count - 1].levels > GAON_PT_LEVELS)
		return fail(r, "a walk of more than %d levels", GAON_PT_LEVELS);
	return true;
}

static bool take_identify(struct reader *r, const struct note *note, struct coredump *dump)
{
	dump->has_identify = take(r, note, &dump->identify, sizeof(dump->identify));
	clean(dump->identify.name, sizeof(dump->identify.name));
	clean(dump->identify.fw_build, sizeof(dump->identify.fw_build));
	return dump->has_identify;
}

static bool take_note(struct reader *r, const struct note *note, struct coredump *dump)
{
	switch (note->type) {
	case GAON_DUMP_INCIDENT:
		return take_incident(r, note, dump);
	case GAON_DUMP_FAULT:
		dump->has_fault = take(r, note, &dump->fault, sizeof(dump->fault));
		return dump->has_fault;
	case GAON_DUMP_QUEUE:
		return take_queue(r, note, dump);
	case GAON_DUMP_RING:
		return take_ring(r, note, dump);
	case GAON_DUMP_REGISTERS:
		return take_registers(note, dump);
	case GAON_DUMP_WALK:
		return take_walk(r, note, dump);
	case GAON_DUMP_MAPPING:
		return take_mapping(r, note, dump);
	case GAON_DUMP_CORE:
		return take_next(r, note, dump->core, sizeof(dump->core[0]), &dump->core_count,
				 COREDUMP_CORES);
	case GAON_DUMP_LOG:
		return take_log(r, note, dump);
	case GAON_DUMP_IDENTIFY:
		return take_identify(r, note, dump);
	case GAON_DUMP_TELEMETRY:
		dump->has_telemetry = take(r, note, &dump->telemetry, sizeof(dump->telemetry));
		return dump->has_telemetry;
	default:
		return true;	/* of a later driver */
	}
}

static bool read_all(struct reader *r, struct coredump *dump)
{
	struct note note;
	bool first = true;

	if (!read_headers(r))
		return false;
	while (r->at < r->size) {
		if (!read_note(r, &note))
			return false;
		if (!note.ours)
			continue;
		/* Else the rest may be anything. */
		if (first && note.type != GAON_DUMP_INCIDENT)
			return fail(r, "it does not begin with what happened");
		first = false;
		if (!take_note(r, &note, dump))
			return false;
	}
	return first ? fail(r, "it is an ELF core, but of no Gaon device") : true;
}

struct coredump *coredump_parse(const void *data, size_t size, char *why, size_t why_size)
{
	struct reader r = { .data = data, .size = size, .why = why, .why_size = why_size };
	struct coredump *dump = calloc(1, sizeof(*dump));

	if (dump)
		dump->log = strdup("");
	if (!dump || !dump->log) {
		fail(&r, "there is no memory for it");
		free(dump);
		return NULL;
	}
	if (!read_all(&r, dump)) {
		coredump_free(dump);
		return NULL;
	}
	return dump;
}

void coredump_free(struct coredump *dump)
{
	if (dump)
		free(dump->log);
	free(dump);
}

/* --- looking into it ---------------------------------------------------------------------------- */

const struct gaon_core_state *coredump_culprit(const struct coredump *dump)
{
	for (unsigned int i = 0; dump->has_fault && i < dump->core_count; i++)
		if (dump->core[i].core == dump->fault.core)
			return &dump->core[i];
	return dump->core_count ? &dump->core[0] : NULL;
}

const struct gaon_dump_mapping *coredump_mapping(const struct coredump *dump, uint64_t address)
{
	for (unsigned int i = 0; i < dump->mapping_count; i++) {
		const struct gaon_dump_mapping *m = &dump->mapping[i];

		if (address >= m->va && address - m->va < m->bytes)
			return m;
	}
	return NULL;
}

const char *coredump_entry_text(uint64_t entry, unsigned int level)
{
	if (!(entry & GAON_PTE_V))
		return "not valid";
	if (entry & (GAON_PTE_R | GAON_PTE_W | GAON_PTE_X))
		return "leaf";
	return level ? "table" : "damaged";
}

const char *coredump_kind_name(uint32_t kind)
{
	static const char *const name[] = {
		[GAON_DUMP_KIND_FAULT] = "fault", [GAON_DUMP_KIND_TIMEOUT] = "timeout",
		[GAON_DUMP_KIND_ENGINES] = "engine reset", [GAON_DUMP_KIND_DEVICE] = "device reset",
		[GAON_DUMP_KIND_FIRMWARE] = "firmware restart",
	};

	return kind && kind < sizeof(name) / sizeof(name[0]) ? name[kind] : "unknown";
}

const char *coredump_packet_name(uint8_t type)
{
	static const char *const name[] = {
		[GAON_PKT_NOP] = "NOP", [GAON_PKT_BARRIER] = "BARRIER", [GAON_PKT_WAIT] = "WAIT",
		[GAON_PKT_SIGNAL] = "SIGNAL", [GAON_PKT_TIMESTAMP] = "TIMESTAMP",
		[GAON_PKT_LAUNCH] = "LAUNCH", [GAON_PKT_COPY] = "COPY", [GAON_PKT_FILL] = "FILL",
		[GAON_PKT_INDIRECT] = "INDIRECT", [GAON_PKT_CALL] = "CALL", [GAON_PKT_LINK] = "LINK",
	};

	return type && type < sizeof(name) / sizeof(name[0]) ? name[type] : "none";
}

const char *coredump_why_name(uint32_t why)
{
	static const char *const name[GAON_DUMP_ADDR_KINDS] = {
		[GAON_DUMP_ADDR_FAULT] = "fault", [GAON_DUMP_ADDR_PC] = "pc",
		[GAON_DUMP_ADDR_ENTRY] = "entry", [GAON_DUMP_ADDR_ARGS] = "arguments",
	};

	return why < GAON_DUMP_ADDR_KINDS ? name[why] : "address";
}

const char *coredump_place_name(uint32_t place)
{
	static const char *const name[] = {
		[GAON_DUMP_PLACE_NONE] = "none", [GAON_DUMP_PLACE_HBM] = "hbm",
		[GAON_DUMP_PLACE_HOST] = "host", [GAON_DUMP_PLACE_USER] = "process",
	};

	return place < sizeof(name) / sizeof(name[0]) ? name[place] : "unknown";
}

const char *coredump_register_name(uint32_t offset, char *text, size_t size)
{
	static const struct {
		uint32_t offset;
		const char *name;
	} names[] = {
		{ GAON_REG_ID, "ID" }, { GAON_REG_REVISION, "REVISION" }, { GAON_REG_STATE, "STATE" },
		{ GAON_REG_BOOT_ERROR, "BOOT_ERROR" }, { GAON_REG_FW_VERSION, "FW_VERSION" },
		{ GAON_REG_FW_ABI, "FW_ABI" }, { GAON_REG_HEARTBEAT, "HEARTBEAT" },
		{ GAON_REG_HBM_SIZE, "HBM_SIZE" }, { GAON_REG_HBM_SIZE + 4, "HBM_SIZE_HI" },
		{ GAON_REG_CYCLE, "CYCLE" }, { GAON_REG_CYCLE + 4, "CYCLE_HI" },
		{ GAON_REG_ADMIN_LOG2, "ADMIN_LOG2" }, { GAON_REG_ADMIN_ENABLE, "ADMIN_ENABLE" },
		{ GAON_REG_TLBI_DONE, "TLBI_DONE" }, { GAON_REG_TLBI_DONE + 4, "TLBI_DONE_HI" },
		{ GAON_REG_TLBI_FREE, "TLBI_FREE" },
	};
	uint32_t ring = (offset - GAON_REG_EVENT(0)) / 0x20, in = (offset - GAON_REG_EVENT(0)) % 0x20;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].offset == offset)
			return names[i].name;
	if (offset >= GAON_REG_EVENT(0) && ring < GAON_EVENT_RINGS &&
	    (in == GAON_EVENT_ENABLE || in == GAON_EVENT_LOST))
		snprintf(text, size, "EVENT%u_%s", ring, in == GAON_EVENT_LOST ? "LOST" : "ENABLE");
	else
		snprintf(text, size, "%#06x", offset);
	return text;
}
