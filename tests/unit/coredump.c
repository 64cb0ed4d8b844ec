// SPDX-License-Identifier: MIT
/*
 * Coredumps as a driver writes them, and files that are damaged: what `gaon coredump` reads out of them.
 * With an argument it only writes a good one there, for tests of the command.
 */
#include <check.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/gaon/coredump.h"
#include "../check_run.h"
#include "../splitmix.h"

#define ROOM	65536
#define VA	0x200000000ull

static struct {
	uint8_t data[ROOM];
	size_t used;
} file;

static void note(const char *owner, uint32_t type, const void *data, size_t bytes)
{
	Elf64_Nhdr head = { (uint32_t)strlen(owner) + 1, (uint32_t)bytes, type };

	memcpy(file.data + file.used, &head, sizeof(head));
	file.used += sizeof(head);
	memcpy(file.data + file.used, owner, head.n_namesz);
	file.used += (head.n_namesz + 3) & ~3u;
	memcpy(file.data + file.used, data, bytes);
	file.used += (bytes + 3) & ~(size_t)3;
}

static void finish(void)
{
	Elf64_Ehdr head = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_CORE, .e_machine = 243, .e_phoff = sizeof(head),
		.e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 1,
	};
	Elf64_Phdr notes = { .p_type = PT_NOTE, .p_offset = sizeof(head) + sizeof(notes) };

	notes.p_filesz = file.used - notes.p_offset;
	memcpy(file.data, &head, sizeof(head));
	memcpy(file.data + sizeof(head), &notes, sizeof(notes));
}

static void begin(void)
{
	struct gaon_dump_incident incident = {
		.version = GAON_DUMP_VERSION, .kind = GAON_DUMP_KIND_FAULT, .time_ns = 1790000000000000000ull,
		.delay_ns = 250000, .context = 3, .queue = 17, .pid = 4711, .missed = 2,
		.fw_version = 1u << 24, .process = "trainer", .device = "0000:00:04.0", .driver = "1.2",
		.kernel = "7.3.4",
	};

	memset(&file, 0, sizeof(file));
	file.used = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr);
	note("GAON", GAON_DUMP_INCIDENT, &incident, sizeof(incident));
}

/* A store behind the end of a buffer. */
static void good(void)
{
	struct gaon_fault_record fault = {
		.type = GAON_FAULT_PAGE, .access = GAON_ACCESS_WRITE, .core = 1, .context = 3, .queue = 17,
		.workgroup = 5, .sequence = 9, .pc = VA + 0x124, .va = 0x300001018, .tag = 77,
		.list_index = 0,
	};
	struct gaon_core_state core = {
		.size = sizeof(core), .type = GAON_FAULT_PAGE, .core = 1, .context = 3, .queue = 17,
		.sequence = 9, .workgroup = 5, .pc = VA + 0x124, .entry = VA + 0x100, .grid = { 8, 1, 1 },
		.tag = 77, .instret = 123,
	};
	struct gaon_dump_walk walk = {
		.va = 0x300001018, .levels = 4, .table = { 0x10000000001000 },
		.entry = { 0x401, 0x801, 0xc01, 0 },
	};
	struct gaon_dump_mapping mapping[2] = {
		{ .address = 0x300001018, .place = GAON_DUMP_PLACE_HBM, .va = 0x300000000, .bytes = 0x1000,
		  .prot = GAON_PTE_R | GAON_PTE_W, .name = "weights" },
		{ .address = VA + 0x124, .why = GAON_DUMP_ADDR_PC, .place = GAON_DUMP_PLACE_HBM, .va = VA,
		  .bytes = 0x1000, .prot = GAON_PTE_R | GAON_PTE_X, .name = "gemm\x1b[31m" },
	};
	struct {
		struct gaon_dump_ring ring;
		struct gaon_packet packet[3];
	} ring = {
		.ring = { .count = 3, .va = 0x100000200, .first = 8, .fault = 9, .write = 11 },
		.packet = {
			{ .type = GAON_PKT_NOP }, { .type = GAON_PKT_LAUNCH, .tag = 77,
			  .launch = { .entry_va = VA + 0x100, .grid = { 8, 1, 1 } } },
			{ .type = GAON_PKT_COPY, .copy = { 1, 2, 3, { 0, 0 } } },
		},
	};
	struct gaon_dump_queue queue = {
		.id = 17, .context = 3, .flags = GAON_DUMP_QUEUE_CULPRIT | GAON_DUMP_QUEUE_FAULTED,
		.pid = 4711,
		.process = "trainer", .ring_log2 = 4,
	};
	struct gaon_dump_register reg[2] = { { GAON_REG_STATE, GAON_STATE_READY }, { 0x3fc, 1 } };
	struct gaon_identify identify = { .size = sizeof(identify), .cores = 4, .name = "GA1" };

	for (unsigned int i = 0; i < 32; i++)
		core.x[i] = 0x1000 + i;
	begin();
	note("GAON", GAON_DUMP_FAULT, &fault, sizeof(fault));
	note("GAON", GAON_DUMP_CORE, &core, sizeof(core));
	note("CORE", NT_PRSTATUS, &core, 376);
	note("GAON", GAON_DUMP_RING, &ring, sizeof(ring));
	note("GAON", GAON_DUMP_WALK, &walk, sizeof(walk));
	note("GAON", GAON_DUMP_MAPPING, &mapping[0], sizeof(mapping[0]));
	note("GAON", GAON_DUMP_MAPPING, &mapping[1], sizeof(mapping[1]));
	note("GAON", GAON_DUMP_QUEUE, &queue, sizeof(queue));
	note("GAON", GAON_DUMP_REGISTERS, reg, sizeof(reg));
	note("GAON", GAON_DUMP_IDENTIFY, &identify, sizeof(identify));
	note("GAON", GAON_DUMP_LOG, "<2> 5 ready\n\x07", 13);
	finish();
}

static struct coredump *parse(void)
{
	char why[256] = "";
	struct coredump *dump = coredump_parse(file.data, file.used, why, sizeof(why));

	ck_assert_msg(dump != NULL, "%s", why);
	return dump;
}

static void refused(const char *expected)
{
	char why[256] = "";

	ck_assert_ptr_null(coredump_parse(file.data, file.used, why, sizeof(why)));
	ck_assert_msg(strstr(why, expected) != NULL, "'%s' is not in '%s'", expected, why);
}

START_TEST(words)
{
	static const char *const expected[] = {
		"page fault of 0000:00:04.0", "Core 1, in workgroup 5, was to write to 0x300001018, where no memory is mapped",
		"trainer, process 4711: queue 17, context 3", "2 incidents before it were not dumped",
		"\"weights\"", "0x300001018 is 24 bytes behind its end", "0x124 bytes into \"gemm?[31m\"",
		"workgroup 5 of a grid of 8 x 1 x 1", "a0   000000000000100a", "entry   1 is 0x0000000000000000: not valid",
		">        9  LAUNCH    tag 77", "11  (the producer had got this far)", "READY", "<2> 5 ready\n?",
	};
	struct coredump *dump;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	good();
	dump = parse();
	coredump_explain(out, dump, NULL);
	fclose(out);
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		ck_assert_msg(strstr(text, expected[i]) != NULL, "'%s' is not in:\n%s", expected[i], text);
	/* Names of others reach no terminal as they are. */
	ck_assert_ptr_null(strchr(text, 0x1b));
	free(text);
	coredump_free(dump);
}
END_TEST

START_TEST(document)
{
	struct coredump *dump;
	json_t *json;
	const char *address, *what;
	json_int_t pid, fault, core;

	good();
	dump = parse();
	json = coredump_json(dump, NULL);
	ck_assert_int_eq(json_unpack(json, "{s:{s:I}, s:{s:s}, s:[{s:I}], s:[{s:s, s:I}]}", "incident", "pid", &pid,
				     "fault", "address", &address, "cores", "core", &core, "rings", "what", &what,
				     "fault", &fault), 0);
	ck_assert_int_eq(pid, 4711);
	ck_assert_str_eq(address, "0x300001018");
	ck_assert_int_eq(core, 1);
	ck_assert_str_eq(what, "ring");
	ck_assert_int_eq(fault, 9);
	json_decref(json);
	coredump_free(dump);
}
END_TEST

START_TEST(later_ones_are_read)
{
	uint8_t longer[sizeof(struct gaon_fault_record) + 16] = { GAON_FAULT_ECALL };
	struct coredump *dump;

	begin();
	note("GAON", 4000, "something", 9);
	note("OTHER", GAON_DUMP_FAULT, "x", 1);
	note("GAON", GAON_DUMP_FAULT, longer, sizeof(longer));
	finish();
	dump = parse();
	ck_assert_uint_eq(dump->fault.type, GAON_FAULT_ECALL);
	coredump_free(dump);
}
END_TEST

START_TEST(damaged_ones_are_refused)
{
	struct gaon_dump_incident incident = { .version = 9 };
	struct gaon_dump_ring ring = { .count = GAON_DUMP_PACKETS + 1 };

	refused("no ELF file");
	good();
	file.data[18] = 62;
	refused("no coredump of such a device");
	good();
	file.used = 200;
	refused("truncated");
	begin();
	note("GAON", GAON_DUMP_FAULT, "short", 5);
	finish();
	refused("has 5 bytes, not 64");
	begin();
	note("GAON", GAON_DUMP_RING, &ring, sizeof(ring));
	finish();
	refused("packets in a note");
	ring.count = 1;
	begin();
	note("GAON", GAON_DUMP_RING, &ring, sizeof(ring));
	finish();
	refused("packets in a note");
	begin();
	file.used = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr);
	note("GAON", GAON_DUMP_INCIDENT, &incident, sizeof(incident));
	finish();
	refused("version 9");
	begin();
	file.used = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr);
	note("GAON", GAON_DUMP_LOG, "x", 1);
	finish();
	refused("does not begin with what happened");
	begin();
	file.used = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr);
	note("LINUX", 1, "x", 1);
	finish();
	refused("of no Gaon device");
}
END_TEST

/* Each length, then bytes changed at random: never more than a refusal. */
START_TEST(any_bytes)
{
	const char *given = getenv("GAON_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : 20261126;
	char why[256];
	size_t whole;

	printf("# seed %llu\n", (unsigned long long)seed);
	good();
	whole = file.used;
	for (size_t size = 0; size < whole; size++) {
		uint8_t *copy = malloc(size + 1);

		memcpy(copy, file.data, size);
		ck_assert_ptr_null(coredump_parse(copy, size, why, sizeof(why)));
		free(copy);
	}
	for (int i = 0; i < 3000; i++) {
		struct coredump *dump;

		good();
		for (int k = 0; k < 8; k++)
			file.data[splitmix64_next(&seed) % whole] = (uint8_t)splitmix64_next(&seed);
		dump = coredump_parse(file.data, file.used, why, sizeof(why));
		if (dump)
			json_decref(coredump_json(dump, NULL));
		coredump_free(dump);
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("coredump");
	TCase *t = tcase_create("coredump");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, words);
	tcase_add_test(t, document);
	tcase_add_test(t, later_ones_are_read);
	tcase_add_test(t, damaged_ones_are_refused);
	tcase_add_test(t, any_bytes);
	suite_add_tcase(s, t);
	return s;
}

int main(int argc, char **argv)
{
	FILE *out;

	if (argc != 2)
		return check_run(suite());
	good();
	out = fopen(argv[1], "wbe");
	return !out || fwrite(file.data, 1, file.used, out) != file.used || fclose(out);
}
