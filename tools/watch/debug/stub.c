// SPDX-License-Identifier: MIT
/* gdb's commands. All of a packet is the other side's word. */
#include "stub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define E_BAD		0x16u		/* EINVAL */
#define E_FAULT		0x0eu
#define E_NONE		0x03u		/* ESRCH */
#define CHUNK		4096u		/* of memory that is read at once */
#define ANY_THREAD	SIZE_MAX

static void ok(struct rsp_out *out)
{
	rsp_text(out, "OK");
}

static bool starts(const char **at, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(*at, word, n))
		return false;
	*at += n;
	return true;
}

/* --- threads --------------------------------------------------------------------------------- */

static bool find_thread(uint64_t id, size_t *index)
{
	for (size_t i = 0; i < target_thread_count(); i++)
		if (target_thread(i)->id == id) {
			*index = i;
			return true;
		}
	return false;
}

/* "-1" is all, 0 is any. */
static bool thread_of(const char **at, size_t *index)
{
	uint64_t id;

	*index = ANY_THREAD;
	if (starts(at, "-1"))
		return true;
	if (!rsp_number(at, &id))
		return false;
	return !id || find_thread(id, index);
}

static void set_thread(struct stub *stub, const char *at, struct rsp_out *out)
{
	char what = *at++;
	size_t index;

	if ((what != 'g' && what != 'c') || !thread_of(&at, &index) || *at) {
		rsp_error(out, E_NONE);
		return;
	}
	if (what == 'g' && index != ANY_THREAD)
		stub->thread = index;
	ok(out);
}

static void list_threads(struct rsp_out *out)
{
	rsp_text(out, target_thread_count() ? "m" : "l");
	for (size_t i = 0; i < target_thread_count(); i++)
		rsp_print(out, "%s%llx", i ? "," : "", (unsigned long long)target_thread(i)->id);
}

static void describe_thread(const char *at, struct rsp_out *out)
{
	char text[400];
	size_t index;

	if (!thread_of(&at, &index) || index == ANY_THREAD) {
		rsp_error(out, E_NONE);
		return;
	}
	target_describe(index, text, sizeof(text));
	rsp_hex(out, text, strlen(text));
}

void stub_stopped(struct stub *stub, size_t thread, uint8_t signal, bool libraries, struct rsp_out *out)
{
	stub->thread = thread < target_thread_count() ? thread : 0;
	stub->signal = signal;
	rsp_start(out);
	rsp_print(out, "T%02x", libraries ? SIGNAL_TRAP : signal);
	if (target_thread_count()) {
		const struct target_thread *t = target_thread(stub->thread);

		rsp_print(out, "thread:%llx;core:%x;", (unsigned long long)t->id, t->core);
		if (!libraries && t->breakpoint && stub->swbreak && signal == SIGNAL_TRAP)
			rsp_text(out, "swbreak:;");
	}
	if (libraries)
		rsp_text(out, "library:;");
}

/* --- registers ------------------------------------------------------------------------------- */

static void read_register(const struct stub *stub, const char *at, struct rsp_out *out)
{
	static uint8_t value[REG_BYTES_MAX];
	uint64_t reg;

	if (!rsp_number(&at, &reg) || *at || reg >= REG_COUNT ||
	    !target_reg_read(stub->thread, (unsigned int)reg, value))
		rsp_error(out, E_BAD);
	else
		rsp_hex(out, value, target_reg_bytes((unsigned int)reg));
}

static void write_register(const struct stub *stub, const char *at, struct rsp_out *out)
{
	static uint8_t value[REG_BYTES_MAX];
	uint64_t reg;

	if (!rsp_number(&at, &reg) || *at++ != '=' || reg >= REG_COUNT ||
	    !rsp_unhex(at, strlen(at), value, target_reg_bytes((unsigned int)reg)) ||
	    !target_reg_write(stub->thread, (unsigned int)reg, value))
		rsp_error(out, E_BAD);
	else
		ok(out);
}

/* All but the vector registers, which are asked for one by one. */
static void read_registers(const struct stub *stub, struct rsp_out *out)
{
	uint8_t value[8];

	for (unsigned int reg = 0; reg < REG_V0; reg++) {
		if (!target_reg_read(stub->thread, reg, value)) {
			rsp_error(out, E_NONE);
			return;
		}
		rsp_hex(out, value, target_reg_bytes(reg));
	}
}

static void write_registers(const struct stub *stub, const char *at, struct rsp_out *out)
{
	size_t left = strlen(at);
	uint8_t value[8];

	for (unsigned int reg = 0; reg < REG_V0 && left; reg++) {
		size_t bytes = target_reg_bytes(reg);

		if (left < 2 * bytes || !rsp_unhex(at, 2 * bytes, value, bytes) ||
		    !target_reg_write(stub->thread, reg, value)) {
			rsp_error(out, E_BAD);
			return;
		}
		at += 2 * bytes;
		left -= 2 * bytes;
	}
	if (left)
		rsp_error(out, E_BAD);
	else
		ok(out);
}

/* --- memory ---------------------------------------------------------------------------------- */

static bool range(const char **at, uint64_t *va, uint64_t *bytes)
{
	if (!rsp_number(at, va) || *(*at)++ != ',' || !rsp_number(at, bytes))
		return false;
	return *bytes <= RSP_MAX && *va <= UINT64_MAX - *bytes;
}

static void read_memory(const struct stub *stub, const char *at, struct rsp_out *out)
{
	static uint8_t data[CHUNK];
	uint64_t va, bytes;
	size_t got;

	if (!range(&at, &va, &bytes) || *at) {
		rsp_error(out, E_BAD);
		return;
	}
	if (bytes > CHUNK)
		bytes = CHUNK;
	got = target_mem_read(stub->thread, va, data, bytes);
	if (got || !bytes)
		rsp_hex(out, data, got);
	else
		rsp_error(out, E_FAULT);
}

/* @length: of the packet from @at on, for X may hold zeros. */
static void write_memory(const struct stub *stub, const char *at, size_t length, bool binary,
			 struct rsp_out *out)
{
	static uint8_t data[RSP_MAX];
	const char *start = at;
	uint64_t va, bytes;

	if (!range(&at, &va, &bytes) || *at++ != ':') {
		rsp_error(out, E_BAD);
		return;
	}
	length -= (size_t)(at - start);
	if (binary && length == bytes) {
		memcpy(data, at, bytes);
	} else if (binary || !rsp_unhex(at, length, data, bytes)) {
		rsp_error(out, E_BAD);
		return;
	}
	if (target_mem_write(stub->thread, va, data, bytes) == bytes)
		ok(out);
	else
		rsp_error(out, E_FAULT);
}

static void change_breakpoint(const char *at, bool set, struct rsp_out *out)
{
	uint64_t va, bytes;

	/* Others than those in memory there are not: an empty answer says so. */
	if (*at != '0')
		return;
	at++;
	if (*at++ != ',' || !range(&at, &va, &bytes) || (bytes != 2 && bytes != 4)) {
		rsp_error(out, E_BAD);
		return;
	}
	if (set ? target_break_set(va, (unsigned int)bytes) : target_break_clear(va, (unsigned int)bytes))
		ok(out);
	else
		rsp_error(out, E_FAULT);
}

/* --- going on -------------------------------------------------------------------------------- */

struct plan {
	enum target_action action;
	bool pass;
	bool given;
};

/* One of vCont's actions; false: there is no such. */
static bool parse_action(const char **at, struct plan *plan)
{
	uint64_t signal;
	char what = *(*at)++;

	*plan = (struct plan){ .given = true };
	switch (what) {
	case 'C':
	case 'S':
		if (!rsp_number(at, &signal))
			return false;
		plan->pass = signal != 0;
		/* fallthrough */
	case 'c':
	case 's':
		plan->action = what == 's' || what == 'S' ? TARGET_STEP : TARGET_GO;
		return true;
	default:
		return false;
	}
}

/* A signal is passed on only where one was: of another one nothing is known here. */
static void plan_thread(size_t i, const struct plan *plan)
{
	bool pass = plan->pass && target_thread(i)->signal != SIGNAL_NONE &&
		    target_thread(i)->signal != SIGNAL_TRAP;

	target_plan(i, plan->given ? plan->action : TARGET_STAY, pass);
}

static enum stub_next resume(struct rsp_out *out, bool others)
{
	if (target_resume(others))
		return STUB_RESUMED;
	rsp_error(out, E_NONE);
	return STUB_ANSWER;
}

/* The leftmost action that names a thread is its own; those that name none are for the rest. */
static enum stub_next vcont(const char *at, struct rsp_out *out)
{
	size_t count = target_thread_count();
	struct plan *plans = calloc(count + 1, sizeof(*plans)), rest = { .given = false };
	bool good = plans != NULL;

	while (good && *at == ';') {
		struct plan plan;
		size_t index = ANY_THREAD;

		at++;
		good = parse_action(&at, &plan);
		if (good && *at == ':') {
			at++;
			good = thread_of(&at, &index);
		}
		if (!good)
			break;
		if (index == ANY_THREAD && !rest.given)
			rest = plan;
		else if (index != ANY_THREAD && !plans[index].given)
			plans[index] = plan;
	}
	good = good && !*at;
	for (size_t i = 0; good && i < count; i++)
		plan_thread(i, plans[i].given ? &plans[i] : &rest);
	free(plans);
	if (good)
		return resume(out, rest.given);
	rsp_error(out, E_BAD);
	return STUB_ANSWER;
}

/* c, s, C and S: the current thread, and with it the others go on. */
static enum stub_next go(const struct stub *stub, const char *packet, struct rsp_out *out)
{
	struct plan mine, rest = { .action = TARGET_GO, .given = true };
	const char *at = packet;

	if (!parse_action(&at, &mine) || *at) {
		rsp_error(out, E_BAD);
		return STUB_ANSWER;
	}
	for (size_t i = 0; i < target_thread_count(); i++)
		plan_thread(i, i == stub->thread ? &mine : &rest);
	return resume(out, true);
}

/* --- queries --------------------------------------------------------------------------------- */

static void transfer(const char *text, const char *at, struct rsp_out *out)
{
	uint64_t offset, bytes;
	size_t length;

	if (!text || !rsp_number(&at, &offset) || *at++ != ',' || !rsp_number(&at, &bytes) || *at) {
		rsp_error(out, E_BAD);
		return;
	}
	length = strlen(text);
	if (offset > length)
		offset = length;
	if (bytes > RSP_MAX / 2 - 1)
		bytes = RSP_MAX / 2 - 1;
	if (bytes > length - offset)
		bytes = length - offset;
	rsp_text(out, offset + bytes < length ? "m" : "l");
	rsp_binary(out, text + offset, bytes);
}

static bool xfer(struct stub *stub, const char *at, struct rsp_out *out)
{
	if (starts(&at, "features:read:target.xml:")) {
		if (!stub->xml)
			stub->xml = stub_target_xml(target_vlen());
		transfer(stub->xml, at, out);
		return true;
	}
	if (starts(&at, "exec-file:read:")) {
		/* Of which process does not matter: there is one. */
		at = strchr(at, ':');
		transfer(at ? target_executable() : NULL, at ? at + 1 : "", out);
		return true;
	}
	if (!starts(&at, "libraries:read::"))
		return false;
	/* Read from its beginning it is read anew. */
	if (*at == '0' || !stub->libraries) {
		free(stub->libraries);
		stub->libraries = target_libraries();
	}
	transfer(stub->libraries, at, out);
	return true;
}

static void supported(struct stub *stub, const char *at, struct rsp_out *out)
{
	stub->swbreak = strstr(at, "swbreak+") != NULL;
	rsp_print(out, "PacketSize=%x;QStartNoAckMode+;qXfer:features:read+;qXfer:libraries:read+;"
		  "qXfer:exec-file:read+;"
		  "vContSupported+;swbreak+", RSP_MAX);
}

static void query(struct stub *stub, const char *at, struct rsp_out *out)
{
	if (starts(&at, "Supported")) {
		supported(stub, at, out);
	} else if (starts(&at, "Xfer:")) {
		xfer(stub, at, out);
	} else if (!strcmp(at, "fThreadInfo")) {
		list_threads(out);
	} else if (!strcmp(at, "sThreadInfo")) {
		rsp_text(out, "l");
	} else if (starts(&at, "ThreadExtraInfo,")) {
		describe_thread(at, out);
	} else if (!strcmp(at, "C") && stub->thread < target_thread_count()) {
		rsp_print(out, "QC%llx", (unsigned long long)target_thread(stub->thread)->id);
	} else if (!strcmp(at, "Attached")) {
		rsp_text(out, "0");
	}
}

static enum stub_next v_packet(const char *at, struct rsp_out *out)
{
	if (!strcmp(at, "Cont?")) {
		rsp_text(out, "vCont;c;C;s;S");
		return STUB_ANSWER;
	}
	if (starts(&at, "Cont"))
		return vcont(at, out);
	if (starts(&at, "Kill")) {
		target_kill();
		ok(out);
		return STUB_GONE;
	}
	return STUB_ANSWER;
}

/* --- commands -------------------------------------------------------------------------------- */

static void is_alive(const char *at, struct rsp_out *out)
{
	size_t index;

	if (thread_of(&at, &index) && !*at && index != ANY_THREAD)
		ok(out);
	else
		rsp_error(out, E_NONE);
}

static void set_mode(struct stub *stub, const char *at, struct rsp_out *out)
{
	if (strcmp(at, "StartNoAckMode"))
		return;
	stub->no_ack = true;
	ok(out);
}

enum stub_next stub_command(struct stub *stub, const struct rsp_in *in, struct rsp_out *out)
{
	const char *at = in->data;

	rsp_start(out);
	switch (*at) {
	case '?':
		stub_stopped(stub, stub->thread, stub->signal, false, out);
		return STUB_ANSWER;
	case 'H':
		set_thread(stub, at + 1, out);
		return STUB_ANSWER;
	case 'T':
		is_alive(at + 1, out);
		return STUB_ANSWER;
	case 'g':
		read_registers(stub, out);
		return STUB_ANSWER;
	case 'G':
		write_registers(stub, at + 1, out);
		return STUB_ANSWER;
	case 'p':
		read_register(stub, at + 1, out);
		return STUB_ANSWER;
	case 'P':
		write_register(stub, at + 1, out);
		return STUB_ANSWER;
	case 'm':
		read_memory(stub, at + 1, out);
		return STUB_ANSWER;
	case 'M':
	case 'X':
		write_memory(stub, at + 1, in->length - 1, *at == 'X', out);
		return STUB_ANSWER;
	case 'Z':
	case 'z':
		change_breakpoint(at + 1, *at == 'Z', out);
		return STUB_ANSWER;
	case 'c':
	case 'C':
	case 's':
	case 'S':
		return go(stub, at, out);
	case 'q':
		query(stub, at + 1, out);
		return STUB_ANSWER;
	case 'Q':
		set_mode(stub, at + 1, out);
		return STUB_ANSWER;
	case 'v':
		return v_packet(at + 1, out);
	case 'D':
		target_detach();
		ok(out);
		return STUB_GONE;
	case 'k':
		target_kill();
		return STUB_GONE;
	default:
		return STUB_ANSWER;	/* empty: not known here */
	}
}

void stub_open(struct stub *stub)
{
	*stub = (struct stub){ .signal = SIGNAL_TRAP };
}

void stub_close(struct stub *stub)
{
	free(stub->libraries);
	free(stub->xml);
	*stub = (struct stub){ 0 };
}
