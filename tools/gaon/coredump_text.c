// SPDX-License-Identifier: MIT
/* A coredump in words. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include <hw/gaon_text.h>

#include "coredump.h"

#define BOUND(array, index) \
	((index) < sizeof(array) / sizeof((array)[0]) && (array)[index] ? (array)[index] : "?")

static const char *bad_packet_text(uint64_t syndrome)
{
	static const char *const text[] = {
		[GAON_BADPKT_TYPE] = "there is no packet of that type (0 is none: perhaps the write index is ahead of what was written)",
		[GAON_BADPKT_FLAGS] = "it has a flag that this packet does not have",
		[GAON_BADPKT_RESERVED] = "a reserved field is not 0",
		[GAON_BADPKT_ALIGN] = "an address or size in it is not aligned",
		[GAON_BADPKT_RANGE] = "a count, size or address in it is out of range",
		[GAON_BADPKT_NESTED] = "it is a list inside a list",
		[GAON_BADPKT_OWNER] = "a packet of its kind may not be in that ring",
		[GAON_BADPKT_GRID] = "its grid is empty, or too large",
		[GAON_BADPKT_SPM] = "its scratchpad and stack do not fit the core's",
		[GAON_BADPKT_FEATURE] = "the device does not have that feature",
		[GAON_BADPKT_INDEX] = "the write index is ahead by more than the ring's size",
	};

	return BOUND(text, syndrome);
}

static const char *bad_descriptor_text(uint64_t syndrome)
{
	static const char *const text[] = {
		[GAON_BADDESC_TYPE] = "its element types", [GAON_BADDESC_FLAGS] = "its flags",
		[GAON_BADDESC_RESERVED] = "a reserved field that is not 0",
		[GAON_BADDESC_ALIGN] = "an address or size that is not aligned",
		[GAON_BADDESC_RANGE] = "a count, size or address out of range",
		[GAON_BADDESC_OVERLAP] = "operands that overlap",
		[GAON_BADDESC_ENGINE] = "an engine that is not there",
	};

	return BOUND(text, syndrome);
}

static const char *verb(uint8_t access)
{
	switch (access) {
	case GAON_ACCESS_FETCH: return "to fetch an instruction from";
	case GAON_ACCESS_READ: return "to read from";
	case GAON_ACCESS_WRITE: return "to write to";
	case GAON_ACCESS_ATOMIC: return "an atomic operation at";
	default: return "to use";
	}
}

static void say_fault(FILE *out, const struct gaon_fault_record *f)
{
	char who[64] = "An engine (no core)";

	if (f->core != GAON_FAULT_CORE_NONE)
		snprintf(who, sizeof(who), "Core %u, in workgroup %u", f->core, f->workgroup);
	switch (f->type) {
	case GAON_FAULT_PAGE:
		fprintf(out, "%s, was %s %#" PRIx64 ", where no memory is mapped.\n", who, verb(f->access), f->va);
		break;
	case GAON_FAULT_PERMISSION:
		fprintf(out, "%s, was %s %#" PRIx64 ", which may not be accessed like that.\n", who,
			verb(f->access), f->va);
		break;
	case GAON_FAULT_ILLEGAL:
		fprintf(out, "%s, met an instruction that it does not have, %#010" PRIx64 ".\n", who,
			f->syndrome);
		break;
	case GAON_FAULT_MISALIGNED:
		fprintf(out, "%s, was %s %#" PRIx64 ", which is not aligned as that must be.\n", who,
			verb(f->access), f->va);
		break;
	case GAON_FAULT_WATCHDOG:
		if (f->core != GAON_FAULT_CORE_NONE)
			fprintf(out, "%s, had run for longer than a launch may: the device stopped it.\n", who);
		break;
	case GAON_FAULT_BAD_PACKET:
		fprintf(out, "The packet cannot be executed: %s.\n", bad_packet_text(f->syndrome));
		break;
	case GAON_FAULT_BAD_DESCRIPTOR:
		fprintf(out, "%s, was given a descriptor at %#" PRIx64 " in which is wrong: %s.\n", who, f->va,
			bad_descriptor_text(f->syndrome));
		break;
	case GAON_FAULT_SPM_BOUNDS:
		fprintf(out, "%s, was %s %#" PRIx64 ", outside its part of the scratchpad.\n", who,
			verb(f->access), f->va);
		break;
	case GAON_FAULT_ECC:
		fprintf(out, "%s, met memory at %#" PRIx64 " whose content is lost (uncorrectable error).\n", who,
			f->va);
		break;
	case GAON_FAULT_BREAK:
		fprintf(out, "%s, executed ebreak: an assertion of the kernel failed.\n", who);
		break;
	case GAON_FAULT_ECALL:
		fprintf(out, "%s, executed ecall, which kernels may not.\n", who);
		break;
	case GAON_FAULT_BUS:
		fprintf(out, "%s, was %s %#" PRIx64 ": nothing answers there, or it allows no atomics.\n", who,
			verb(f->access), f->va);
		break;
	case GAON_FAULT_PREEMPT:
		fprintf(out, "Its work did not stop in time when it was to make room for others.\n");
		break;
	default:
		fprintf(out, "%s: %s.\n", who, gaon_fault_name(f->type));
		break;
	}
}

static void say_who(FILE *out, const struct gaon_dump_incident *i)
{
	if (i->pid)
		fprintf(out, "It was the work of %s, process %u: queue %u, context %u.\n",
			i->process[0] ? i->process : "a process that is gone", i->pid, i->queue, i->context);
	else if (i->context)
		fprintf(out, "It was the work of queue %u, context %u.\n", i->queue, i->context);
}

static void say_incident(FILE *out, const struct coredump *d)
{
	const struct gaon_dump_incident *i = &d->incident;
	time_t seconds = (time_t)(i->time_ns / 1000000000);
	struct tm tm;
	char when[64] = "?";

	if (gmtime_r(&seconds, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", &tm);
	fprintf(out, "%s of %s at %s", d->has_fault ? gaon_fault_name(d->fault.type) :
		coredump_kind_name(i->kind), i->device, when);
	fprintf(out, " (driver %s, kernel %s, firmware %u.%u.%u)\n\nWhat happened\n", i->driver, i->kernel,
		i->fw_version >> 24, i->fw_version >> 16 & 0xff, i->fw_version & 0xffff);
	switch (i->kind) {
	case GAON_DUMP_KIND_TIMEOUT:
		fprintf(out, "A job took longer than the driver lets it (job_timeout_ms), and was stopped.\n");
		break;
	case GAON_DUMP_KIND_ENGINES:
		fprintf(out, "All engines were reset: %s. Work in flight was lost; queues that slept were not touched.\n",
			i->why);
		break;
	case GAON_DUMP_KIND_DEVICE:
		fprintf(out, "The whole device was reset: %s. All address spaces and what was in HBM were lost.\n",
			i->why);
		break;
	case GAON_DUMP_KIND_FIRMWARE:
		fprintf(out, "The firmware was lost, and started anew: %s. Work under way was lost; who had none went on. If that failed the whole device was reset, as the kernel's log says.\n",
			i->why);
		break;
	default:
		if (d->has_fault)
			say_fault(out, &d->fault);
		break;
	}
	say_who(out, i);
	if (i->missed)
		fprintf(out, "%u incidents before it were not dumped: another one was being written or unread, or they came too often.\n",
			i->missed);
}

/* --- the core ----------------------------------------------------------------------------------- */

static const char *register_name(unsigned int i)
{
	static const char *const name[32] = {
		"zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4", "a5",
		"a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
	};

	return name[i];
}

static void say_place(FILE *out, const struct coredump *d, const struct coredump_place *place,
		      uint64_t pc)
{
	const struct gaon_dump_mapping *m = coredump_mapping(d, pc);

	if (m && m->name[0])
		fprintf(out, "The instruction at %#" PRIx64 " is %#" PRIx64 " bytes into \"%s\".\n", pc,
			pc - m->va + m->offset, m->name);
	if (!place)
		return;
	if (place->function[0] || place->line[0])
		fprintf(out, "It is in %s, %s.\n", place->function[0] ? place->function : "?",
			place->line[0] ? place->line : "line not known");
	if (place->code[0])
		fprintf(out, "It reads: %s\n", place->code);
}

static void say_core(FILE *out, const struct gaon_core_state *c, bool registers)
{
	fprintf(out, "Core %u: workgroup %" PRIu64 " of a grid of %u x %u x %u, at pc %#" PRIx64
		" after %" PRIu64 " instructions", c->core, c->workgroup, c->grid[0], c->grid[1], c->grid[2],
		c->pc, c->instret);
	fprintf(out, "%s%s; kernel at %#" PRIx64 ", arguments at %#" PRIx64 ", tag %u\n",
		c->type ? ", where it met: " : ", where it was stopped", c->type ? gaon_fault_name(c->type) : "",
		c->entry, c->args, c->tag);
	if (!registers)
		return;
	for (unsigned int i = 0; i < 32; i++)
		fprintf(out, "  %-4s %016" PRIx64 "%s", register_name(i), c->x[i], i % 4 == 3 ? "\n" : "");
	for (unsigned int i = 0; i < 32; i++)
		fprintf(out, "  f%-3u %016" PRIx64 "%s", i, c->f[i], i % 4 == 3 ? "\n" : "");
	fprintf(out, "  vtype %#" PRIx64 ", vl %u, vstart %u, fcsr %#x, vcsr %#x\n", c->vtype, c->vl, c->vstart,
		c->fcsr, c->vcsr);
}

static void say_cores(FILE *out, const struct coredump *d, const struct coredump_place *place)
{
	const struct gaon_core_state *culprit = coredump_culprit(d);

	if (!culprit && !(d->has_fault && d->fault.pc))
		return;
	fprintf(out, "\nWhere it was\n");
	say_place(out, d, place, culprit ? culprit->pc : d->fault.pc);
	if (culprit)
		say_core(out, culprit, true);
	for (unsigned int i = 0; i < d->core_count; i++)
		if (&d->core[i] != culprit)
			say_core(out, &d->core[i], false);
}

/* --- addresses ---------------------------------------------------------------------------------- */

static void say_walk(FILE *out, const struct gaon_dump_walk *w)
{
	fprintf(out, "Translation of %#" PRIx64 " (%s):\n", w->va, coredump_why_name(w->why));
	for (unsigned int i = 0; i < w->levels; i++) {
		unsigned int level = GAON_PT_LEVELS - 1 - i;
		uint64_t e = w->entry[i];
		const char *is = coredump_entry_text(e, level);

		fprintf(out, "  level %u: table %#" PRIx64 ", entry %3u is 0x%016" PRIx64 ": %s", level,
			w->table[i], gaon_pt_index(w->va, level), e, is);
		if (!strcmp(is, "leaf"))
			fprintf(out, ", %s%s%s%s, memory at %#" PRIx64 " of %s", e & GAON_PTE_R ? "r" : "-",
				e & GAON_PTE_W ? "w" : "-", e & GAON_PTE_X ? "x" : "-",
				e & GAON_PTE_U ? " for users" : " for the driver",
				(uint64_t)(gaon_pte_pa(e) & GAON_PA_OFFSET_MASK),
				(gaon_pte_pa(e) & ~GAON_PA_OFFSET_MASK) == GAON_PA_HOST ? "the host" : "HBM");
		fprintf(out, "\n");
	}
	if (!w->levels)
		fprintf(out, "  its tables were gone\n");
}

static void say_mapping(FILE *out, const struct gaon_dump_mapping *m)
{
	uint64_t end = m->va + m->bytes;

	fprintf(out, "  %#" PRIx64 " to %#" PRIx64 " (%" PRIu64 " KiB, %s%s%s) is %s%s%s, from offset %#" PRIx64,
		m->va, end, m->bytes / 1024, m->prot & GAON_PTE_R ? "r" : "-", m->prot & GAON_PTE_W ? "w" : "-",
		m->prot & GAON_PTE_X ? "x" : "-", m->name[0] ? "\"" : "an object without a name",
		m->name, m->name[0] ? "\"" : "", m->offset);
	fprintf(out, " (%s)", coredump_place_name(m->place));
	if (m->address >= end)
		fprintf(out, ": %#" PRIx64 " is %" PRIu64 " bytes behind its end\n", m->address, m->address - end);
	else if (m->address < m->va)
		fprintf(out, ": %#" PRIx64 " is %" PRIu64 " bytes before it\n", m->address, m->va - m->address);
	else
		fprintf(out, "\n");
}

static void say_addresses(FILE *out, const struct coredump *d)
{
	if (d->walk_count)
		fprintf(out, "\nAddresses (as they were %.3f ms later)\n", (double)d->incident.delay_ns / 1e6);
	for (unsigned int i = 0; i < d->walk_count; i++) {
		say_walk(out, &d->walk[i]);
		for (unsigned int k = 0; k < d->mapping_count; k++)
			if (d->mapping[k].why == d->walk[i].why && d->mapping[k].address == d->walk[i].va)
				say_mapping(out, &d->mapping[k]);
	}
}

/* --- packets ------------------------------------------------------------------------------------- */

static void say_packet(FILE *out, const struct gaon_packet *p)
{
	fprintf(out, "%-9s tag %u", coredump_packet_name(p->type), p->tag);
	switch (p->type) {
	case GAON_PKT_LAUNCH:
		fprintf(out, ", kernel %#" PRIx64 ", arguments %#" PRIx64 ", grid %u x %u x %u, scratchpad %u",
			p->launch.entry_va, p->launch.args_va, p->launch.grid[0], p->launch.grid[1],
			p->launch.grid[2], p->launch.spm_bytes);
		break;
	case GAON_PKT_COPY:
		fprintf(out, ", to %#" PRIx64 " from %#" PRIx64 ", %" PRIu64 " bytes", p->copy.dst_va,
			p->copy.src_va, p->copy.bytes);
		break;
	case GAON_PKT_FILL:
		fprintf(out, ", to %#" PRIx64 ", %" PRIu64 " bytes", p->fill.dst_va, p->fill.bytes);
		break;
	case GAON_PKT_WAIT:
		fprintf(out, ", at %#" PRIx64 " for %#" PRIx64, p->wait.va, p->wait.operand);
		break;
	case GAON_PKT_INDIRECT:
	case GAON_PKT_CALL:
		fprintf(out, ", %u packets at %#" PRIx64, p->list.count, p->list.list_va);
		break;
	default:
		break;
	}
	if (p->flags & GAON_PKT_F_SIGNAL)
		fprintf(out, ", then %#" PRIx64 " at %#" PRIx64, p->signal_value, p->signal_va);
	fprintf(out, "\n");
}

static void say_rings(FILE *out, const struct coredump *d)
{
	for (unsigned int i = 0; i < d->ring_count; i++) {
		const struct gaon_dump_ring *r = &d->ring[i].ring;

		fprintf(out, "\n%s at %#" PRIx64 "%s\n", r->what == GAON_DUMP_RING_LIST ? "List" : "Ring", r->va,
			r->fault == UINT64_MAX ? "" : " (>: where it stopped)");
		for (unsigned int k = 0; k < r->count; k++) {
			fprintf(out, "%s %8" PRIu64 "  ", r->first + k == r->fault ? ">" : " ", r->first + k);
			say_packet(out, &d->ring[i].packet[k]);
		}
		if (r->what == GAON_DUMP_RING_QUEUE && r->write != UINT64_MAX)
			fprintf(out, "  %8" PRIu64 "  (the producer had got this far)\n", r->write);
	}
}

/* --- the rest ------------------------------------------------------------------------------------ */

static void say_queues(FILE *out, const struct coredump *d)
{
	if (d->queue_count)
		fprintf(out, "\nQueues\n  queue context kind   process          jobs: taken, done, lost\n");
	for (unsigned int i = 0; i < d->queue_count; i++) {
		const struct gaon_dump_queue *q = &d->queue[i];

		fprintf(out, "%c %5u %7u %-6s %-15s  %" PRIu64 ", %" PRIu64 ", %" PRIu64 "%s%s%s\n",
			q->flags & GAON_DUMP_QUEUE_CULPRIT ? '>' : ' ', q->id, q->context,
			q->flags & GAON_DUMP_QUEUE_KERNEL ? "kernel" : "user", q->process, q->submitted,
			q->completed, q->lost, q->flags & GAON_DUMP_QUEUE_FAULTED ? ", faulted" : "",
			q->flags & GAON_DUMP_QUEUE_RESET ? ", was reset" : "",
			q->flags & GAON_DUMP_QUEUE_DEAD ? ", gone with a reset" : "");
	}
}

static void say_registers(FILE *out, const struct coredump *d)
{
	char name[32];

	if (d->register_count)
		fprintf(out, "\nRegisters\n");
	for (unsigned int i = 0; i < d->register_count; i++) {
		const struct gaon_dump_register *r = &d->reg[i];

		fprintf(out, "  %-14s %#010x", coredump_register_name(r->offset, name, sizeof(name)), r->value);
		if (r->offset == GAON_REG_STATE)
			fprintf(out, "  %s", gaon_state_name(r->value));
		if (r->offset == GAON_REG_BOOT_ERROR && r->value)
			fprintf(out, "  %s", gaon_boot_error_text(r->value));
		fprintf(out, "\n");
	}
}

static void say_log(FILE *out, const struct coredump *d)
{
	if (!d->log[0])
		return;
	fprintf(out, "\nThe firmware's log\n%s%s", d->log, d->log[strlen(d->log) - 1] == '\n' ? "" : "\n");
}

static const char *advice(const struct coredump *d)
{
	switch (d->incident.kind) {
	case GAON_DUMP_KIND_TIMEOUT:
		return "Look where the kernel was: a loop without end, or work that takes longer than job_timeout_ms of the module lets it. Make launches smaller, or the time longer.";
	case GAON_DUMP_KIND_ENGINES:
		return "Look which queue is marked, and what its kernel was at. Those that were only beside it can submit again after a clear.";
	case GAON_DUMP_KIND_DEVICE:
		return "Programs must open the device again. If it happens again, look at the firmware's log below and at the kernel's log, and report both with this file.";
	default:
		break;
	}
	switch (d->fault.type) {
	case GAON_FAULT_PAGE:
		return "Compare the address with the objects beside it: an index past the end, memory that was freed too early, or a pointer of another process or of the CPU.";
	case GAON_FAULT_PERMISSION:
		return "The memory is there: mapped read-only, not executable, or the driver's own. Look at the last level of the translation.";
	case GAON_FAULT_ILLEGAL:
		return "Compile for the device (gaoncc, rv64gcv), and see whether the code was overwritten, or jumped into data.";
	case GAON_FAULT_BAD_PACKET:
	case GAON_FAULT_BAD_DESCRIPTOR:
		return "Look at the packet that is marked: whoever wrote it made the mistake, or the memory was written by somebody else.";
	case GAON_FAULT_WATCHDOG:
		return "Look where the kernel was: a loop without end, or members of a gang that wait for each other. GAON_LAUNCH_LIMIT_MS sets the limit.";
	case GAON_FAULT_BREAK:
		return "See the kernel's own message (printf), and the line of the assertion.";
	case GAON_FAULT_ECC:
		return "The page is not used any more. Run the work again; if it happens often have the card replaced.";
	case GAON_FAULT_PREEMPT:
		return "Its kernel cannot be preempted in time: it has no save area, or one instruction or copy takes too long.";
	default:
		return "Clear the queue and submit again, or run the program in the embedded device (GAON_DEVICE=embedded) to look closer.";
	}
}

void coredump_explain(FILE *out, const struct coredump *d, const struct coredump_place *place)
{
	const struct gaon_core_state *culprit = coredump_culprit(d);

	say_incident(out, d);
	fprintf(out, "\nWhat to do\n%s\n", advice(d));
	if (!place && culprit)
		fprintf(out, "With --elf KERNEL.elf, of the program that was loaded, this command tells function, line and instruction.\n");
	say_cores(out, d, place);
	say_addresses(out, d);
	say_rings(out, d);
	say_queues(out, d);
	say_registers(out, d);
	say_log(out, d);
}
