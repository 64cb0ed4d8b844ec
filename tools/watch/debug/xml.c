// SPDX-License-Identifier: MIT
/* The target's description, as gdb wants it: registers in the order of their numbers. */
#include <stdio.h>
#include <stdlib.h>

#include "stub.h"

static const char *const int_names[] = {
	"zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "fp", "s1", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7",
	"s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
};

static const char *const fp_names[] = {
	"ft0", "ft1", "ft2", "ft3", "ft4", "ft5", "ft6", "ft7", "fs0", "fs1", "fa0", "fa1", "fa2", "fa3", "fa4",
	"fa5", "fa6", "fa7", "fs2", "fs3", "fs4", "fs5", "fs6", "fs7", "fs8", "fs9", "fs10", "fs11", "ft8", "ft9",
	"ft10", "ft11",
};

static const char *const csr_names[] = {
	"vstart", "vxsat", "vxrm", "vcsr", "vl", "vtype", "vlenb", "instret",
};

static void write_int(FILE *out)
{
	fputs("<feature name=\"org.gnu.gdb.riscv.cpu\">", out);
	for (unsigned int i = 0; i < 32; i++)
		fprintf(out, "<reg name=\"%s\" bitsize=\"64\" type=\"%s\" regnum=\"%u\"/>", int_names[i],
			i == 1 ? "code_ptr" : i == 2 ? "data_ptr" : "int", REG_X0 + i);
	fprintf(out, "<reg name=\"pc\" bitsize=\"64\" type=\"code_ptr\" regnum=\"%u\"/></feature>", REG_PC);
}

static void write_fp(FILE *out)
{
	fputs("<feature name=\"org.gnu.gdb.riscv.fpu\">", out);
	for (unsigned int i = 0; i < 32; i++)
		fprintf(out, "<reg name=\"%s\" bitsize=\"64\" type=\"ieee_double\" regnum=\"%u\"/>",
			fp_names[i], REG_F0 + i);
	fprintf(out, "<reg name=\"fflags\" bitsize=\"32\" type=\"int\" regnum=\"%u\"/>", REG_FFLAGS);
	fprintf(out, "<reg name=\"frm\" bitsize=\"32\" type=\"int\" regnum=\"%u\"/>", REG_FRM);
	fprintf(out, "<reg name=\"fcsr\" bitsize=\"32\" type=\"int\" regnum=\"%u\"/></feature>", REG_FCSR);
}

static void write_csr(FILE *out)
{
	fputs("<feature name=\"org.gnu.gdb.riscv.csr\">", out);
	for (unsigned int i = 0; i < sizeof(csr_names) / sizeof(csr_names[0]); i++)
		fprintf(out, "<reg name=\"%s\" bitsize=\"64\" type=\"int\" regnum=\"%u\" group=\"vector\"/>",
			csr_names[i], REG_VSTART + i);
	fputs("</feature>", out);
}

static void write_vector(FILE *out, uint32_t vlen)
{
	static const struct { const char *id, *type; unsigned int bits; } views[] = {
		{ "bytes", "uint8", 8 }, { "shorts", "uint16", 16 }, { "words", "uint32", 32 },
		{ "longs", "uint64", 64 }, { "halves", "ieee_half", 16 }, { "floats", "ieee_single", 32 },
		{ "doubles", "ieee_double", 64 },
	};
	const unsigned int count = sizeof(views) / sizeof(views[0]);

	fputs("<feature name=\"org.gnu.gdb.riscv.vector\">", out);
	for (unsigned int i = 0; i < count; i++)
		fprintf(out, "<vector id=\"%s\" type=\"%s\" count=\"%u\"/>", views[i].id, views[i].type,
			vlen / views[i].bits);
	fputs("<union id=\"riscv_vector\">", out);
	for (unsigned int i = 0; i < count; i++)
		fprintf(out, "<field name=\"%s\" type=\"%s\"/>", views[i].id, views[i].id);
	fputs("</union>", out);
	for (unsigned int i = 0; i < 32; i++)
		fprintf(out, "<reg name=\"v%u\" bitsize=\"%u\" type=\"riscv_vector\" regnum=\"%u\" group=\"vector\"/>",
			i, vlen, REG_V0 + i);
	fputs("</feature>", out);
}

char *stub_target_xml(uint32_t vlen)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fputs("<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target version=\"1.0\">"
	      "<architecture>riscv:rv64</architecture><osabi>none</osabi>", out);
	write_int(out);
	write_fp(out);
	write_csr(out);
	write_vector(out, vlen);
	fputs("</target>", out);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}
