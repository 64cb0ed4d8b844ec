// SPDX-License-Identifier: MIT
/* A coredump as JSON. Addresses and registers are strings in hexadecimal: JSON numbers have 53 bits. */
#include <inttypes.h>
#include <stdlib.h>

#include <hw/gaon_text.h>

#include "coredump.h"

static json_t *hex(uint64_t value)
{
	return json_sprintf("%#" PRIx64, value);
}

static json_t *known(uint64_t value)
{
	return value == UINT64_MAX ? json_null() : json_integer((json_int_t)value);
}

static json_t *incident_json(const struct gaon_dump_incident *i)
{
	return json_pack("{s:i, s:s, s:I, s:I, s:I, s:I, s:I, s:s, s:I, s:[I,I,I], s:s, s:s, s:s, s:s}",
			 "version", i->version, "kind", coredump_kind_name(i->kind), "time_ns",
			 (json_int_t)i->time_ns, "delay_ns", (json_int_t)i->delay_ns, "context",
			 (json_int_t)i->context, "queue", (json_int_t)i->queue, "pid", (json_int_t)i->pid,
			 "process", i->process, "missed", (json_int_t)i->missed, "resets",
			 (json_int_t)i->resets[0], (json_int_t)i->resets[1], (json_int_t)i->resets[2],
			 "device", i->device, "driver", i->driver, "kernel", i->kernel, "why", i->why);
}

static json_t *fault_json(const struct gaon_fault_record *f)
{
	return json_pack("{s:s, s:i, s:s, s:o, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:I, s:I, s:I}", "name",
			 gaon_fault_name(f->type), "type", f->type, "access", gaon_access_name(f->access),
			 "core", f->core == GAON_FAULT_CORE_NONE ? json_null() : json_integer(f->core),
			 "context", (json_int_t)f->context, "queue", (json_int_t)f->queue, "workgroup",
			 (json_int_t)f->workgroup, "sequence", (json_int_t)f->sequence, "pc", hex(f->pc),
			 "address", hex(f->va), "syndrome", hex(f->syndrome), "cycle",
			 (json_int_t)f->cycle, "tag", (json_int_t)f->tag, "list_index",
			 (json_int_t)f->list_index);
}

static json_t *registers_json(const uint64_t r[32])
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < 32; i++)
		json_array_append_new(array, hex(r[i]));
	return array;
}

static json_t *core_json(const struct gaon_core_state *c)
{
	return json_pack("{s:i, s:s, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:[I,I,I], s:I, s:I, s:o, s:I, s:I, s:I, s:I, s:o, s:o}",
			 "core", c->core, "fault", gaon_fault_name(c->type), "context",
			 (json_int_t)c->context, "queue", (json_int_t)c->queue, "sequence",
			 (json_int_t)c->sequence, "workgroup", (json_int_t)c->workgroup, "pc", hex(c->pc),
			 "entry", hex(c->entry), "arguments", hex(c->args), "grid",
			 (json_int_t)c->grid[0], (json_int_t)c->grid[1], (json_int_t)c->grid[2], "tag",
			 (json_int_t)c->tag, "instructions", (json_int_t)c->instret, "vtype",
			 hex(c->vtype), "vl", (json_int_t)c->vl, "vstart", (json_int_t)c->vstart, "fcsr",
			 (json_int_t)c->fcsr, "vcsr", (json_int_t)c->vcsr, "x", registers_json(c->x), "f",
			 registers_json(c->f));
}

static json_t *queue_json(const struct gaon_dump_queue *q)
{
	return json_pack("{s:I, s:I, s:s, s:I, s:I, s:s, s:b, s:b, s:b, s:b, s:b, s:s, s:o, s:I, s:I, s:I, s:I}",
			 "id", (json_int_t)q->id, "context", (json_int_t)q->context, "kind",
			 q->flags & GAON_DUMP_QUEUE_KERNEL ? "kernel" : "user", "priority",
			 (json_int_t)q->priority, "pid", (json_int_t)q->pid, "process", q->process,
			 "culprit", !!(q->flags & GAON_DUMP_QUEUE_CULPRIT), "faulted",
			 !!(q->flags & GAON_DUMP_QUEUE_FAULTED), "reset",
			 !!(q->flags & GAON_DUMP_QUEUE_RESET), "guilty",
			 !!(q->flags & GAON_DUMP_QUEUE_GUILTY), "dead",
			 !!(q->flags & GAON_DUMP_QUEUE_DEAD), "fault", gaon_fault_name((uint16_t)q->fault_type),
			 "ring", hex(q->ring_va), "ring_log2", (json_int_t)q->ring_log2, "submitted",
			 (json_int_t)q->submitted, "completed", (json_int_t)q->completed, "lost",
			 (json_int_t)q->lost);
}

static json_t *packet_json(const struct gaon_packet *p)
{
	json_t *payload = json_array();

	for (unsigned int i = 0; i < 5; i++)
		json_array_append_new(payload, hex(p->payload[i]));
	return json_pack("{s:s, s:i, s:i, s:I, s:o, s:o, s:o}", "type", coredump_packet_name(p->type),
			 "flags", p->flags, "scope", p->scope, "tag", (json_int_t)p->tag, "payload",
			 payload, "signal_address", hex(p->signal_va), "signal_value", hex(p->signal_value));
}

static json_t *ring_json(const struct coredump_ring *r)
{
	json_t *packets = json_array();

	for (unsigned int i = 0; i < r->ring.count; i++)
		json_array_append_new(packets, packet_json(&r->packet[i]));
	return json_pack("{s:s, s:o, s:I, s:o, s:o, s:o}", "what",
			 r->ring.what == GAON_DUMP_RING_LIST ? "list" : "ring", "address",
			 hex(r->ring.va), "first", (json_int_t)r->ring.first, "fault",
			 known(r->ring.fault), "write", known(r->ring.write), "packets", packets);
}

static json_t *walk_json(const struct gaon_dump_walk *w)
{
	json_t *entries = json_array();

	for (unsigned int i = 0; i < w->levels; i++) {
		unsigned int level = GAON_PT_LEVELS - 1 - i;

		json_array_append_new(entries, json_pack("{s:i, s:o, s:i, s:o, s:s}", "level", level, "table",
							 hex(w->table[i]), "index",
							 gaon_pt_index(w->va, level), "entry",
							 hex(w->entry[i]), "is",
							 coredump_entry_text(w->entry[i], level)));
	}
	return json_pack("{s:s, s:o, s:o}", "why", coredump_why_name(w->why), "address", hex(w->va),
			 "entries", entries);
}

static json_t *mapping_json(const struct gaon_dump_mapping *m)
{
	char prot[4] = "---";

	prot[0] = m->prot & GAON_PTE_R ? 'r' : '-';
	prot[1] = m->prot & GAON_PTE_W ? 'w' : '-';
	prot[2] = m->prot & GAON_PTE_X ? 'x' : '-';
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:s, s:s, s:s}", "why", coredump_why_name(m->why), "for",
			 hex(m->address), "address", hex(m->va), "bytes", hex(m->bytes), "offset",
			 hex(m->offset), "access", prot, "place", coredump_place_name(m->place), "name",
			 m->name);
}

static json_t *device_json(const struct coredump *d)
{
	const struct gaon_identify *i = &d->identify;

	if (!d->has_identify)
		return json_null();
	return json_pack("{s:s, s:s, s:o, s:I, s:I, s:b, s:o}", "name", i->name, "firmware_build",
			 i->fw_build, "firmware",
			 json_sprintf("%u.%u.%u", d->incident.fw_version >> 24, d->incident.fw_version >> 16 & 0xff,
				      d->incident.fw_version & 0xffff), "cores", (json_int_t)i->cores, "hbm_bytes",
			 (json_int_t)i->hbm_bytes, "modelled_time",
			 !!(i->features & GAON_FEATURE_MODELLED_TIME), "faults",
			 d->has_telemetry ? json_integer((json_int_t)d->telemetry.faults) : json_null());
}

static json_t *place_json(const struct coredump_place *p)
{
	return p ? json_pack("{s:s, s:s, s:s}", "function", p->function, "line", p->line, "instruction",
			     p->code) : json_null();
}

#define ARRAY_JSON(name, array, count, convert) do { \
	json_t *list = json_array(); \
	for (unsigned int n = 0; n < (count); n++) \
		json_array_append_new(list, convert(&(array)[n])); \
	json_object_set_new(root, name, list); \
} while (0)

json_t *coredump_json(const struct coredump *d, const struct coredump_place *place)
{
	json_t *root = json_object(), *registers = json_object();
	char name[32];

	json_object_set_new(root, "incident", incident_json(&d->incident));
	json_object_set_new(root, "fault", d->has_fault ? fault_json(&d->fault) : json_null());
	json_object_set_new(root, "place", place_json(place));
	ARRAY_JSON("cores", d->core, d->core_count, core_json);
	ARRAY_JSON("walks", d->walk, d->walk_count, walk_json);
	ARRAY_JSON("mappings", d->mapping, d->mapping_count, mapping_json);
	ARRAY_JSON("rings", d->ring, d->ring_count, ring_json);
	ARRAY_JSON("queues", d->queue, d->queue_count, queue_json);
	for (unsigned int i = 0; i < d->register_count; i++)
		json_object_set_new(registers, coredump_register_name(d->reg[i].offset, name, sizeof(name)),
				    hex(d->reg[i].value));
	json_object_set_new(root, "registers", registers);
	json_object_set_new(root, "device", device_json(d));
	json_object_set_new(root, "log", json_string(d->log));
	return root;
}
