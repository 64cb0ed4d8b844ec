// SPDX-License-Identifier: MIT
/*
 * What comes to the debugger's stub through its socket: bytes into the framing, packets into the
 * commands, with a target of two workgroups behind them. Answers must fit, and numbers that reach the
 * target must be in range.
 */
#include <stdlib.h>
#include <string.h>

#include "../../tools/watch/debug/stub.h"

#define VLEN		1024u
#define MEMORY		8192u
#define MEMORY_VA	0x10000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct target_thread threads[2] = {
	{ .id = 1, .core = 0, .signal = SIGNAL_TRAP, .breakpoint = true }, { .id = 7, .core = 3 },
};
static uint8_t registers[2][REG_COUNT][VLEN / 8];
static uint8_t memory[MEMORY];

static void must(bool good)
{
	if (!good)
		abort();
}

size_t target_thread_count(void)
{
	return 2;
}

const struct target_thread *target_thread(size_t index)
{
	must(index < 2);
	return &threads[index];
}

void target_describe(size_t index, char *text, size_t size)
{
	must(index < 2 && size);
	memset(text, 'a', size - 1);
	text[size - 1] = '\0';
}

size_t target_reg_bytes(unsigned int reg)
{
	return reg >= REG_COUNT ? 0 : reg >= REG_V0 ? VLEN / 8 : reg >= REG_FFLAGS && reg <= REG_FCSR ? 4 : 8;
}

bool target_reg_read(size_t thread, unsigned int reg, void *value)
{
	must(thread < 2 && reg < REG_COUNT);
	memcpy(value, registers[thread][reg], target_reg_bytes(reg));
	return true;
}

bool target_reg_write(size_t thread, unsigned int reg, const void *value)
{
	must(thread < 2 && reg < REG_COUNT);
	memcpy(registers[thread][reg], value, target_reg_bytes(reg));
	return true;
}

static size_t inside(uint64_t va, size_t bytes)
{
	must(va + bytes >= va);
	if (va < MEMORY_VA || va - MEMORY_VA >= MEMORY)
		return 0;
	return bytes < MEMORY - (va - MEMORY_VA) ? bytes : (size_t)(MEMORY - (va - MEMORY_VA));
}

size_t target_mem_read(size_t thread, uint64_t va, void *data, size_t bytes)
{
	size_t n = inside(va, bytes);

	must(thread < 2);
	memcpy(data, memory + (n ? va - MEMORY_VA : 0), n);
	return n;
}

size_t target_mem_write(size_t thread, uint64_t va, const void *data, size_t bytes)
{
	size_t n = inside(va, bytes);

	must(thread < 2);
	memcpy(memory + (n ? va - MEMORY_VA : 0), data, n);
	return n;
}

bool target_break_set(uint64_t va, unsigned int bytes)
{
	must(bytes == 2 || bytes == 4);
	return va & 2;
}

bool target_break_clear(uint64_t va, unsigned int bytes)
{
	must(bytes == 2 || bytes == 4);
	return va & 2;
}

void target_plan(size_t thread, enum target_action action, bool pass)
{
	must(thread < 2 && action <= TARGET_STEP && (!pass || threads[thread].signal));
}

bool target_resume(bool others)
{
	return others;
}

void target_detach(void)
{
}

void target_kill(void)
{
}

const char *target_executable(void)
{
	return "/kernels";
}

char *target_libraries(void)
{
	return strdup("<library-list><library name=\"#$}*\"/></library-list>");
}

uint32_t target_vlen(void)
{
	return VLEN;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char frame[RSP_FRAME_MAX];
	static struct rsp_in in;
	static struct rsp_out out;
	struct stub stub;

	in = (struct rsp_in){ 0 };
	stub_open(&stub);
	for (size_t i = 0; i < size; i++) {
		size_t n;

		if (rsp_feed(&in, data[i]) != RSP_PACKET)
			continue;
		must(in.length <= RSP_MAX && !in.data[in.length]);
		stub_command(&stub, &in, &out);
		must(stub.thread < 2);
		n = rsp_frame(&out, frame);
		must(n >= 4 && n <= RSP_FRAME_MAX && frame[0] == '$' && frame[n - 3] == '#');
	}
	/* The same bytes as a packet whose sum is right, which chance seldom makes. */
	in.length = size < RSP_MAX ? size : RSP_MAX;
	memcpy(in.data, data, in.length);
	in.data[in.length] = '\0';
	stub_command(&stub, &in, &out);
	stub_stopped(&stub, size % 3, (uint8_t)size, size & 1, &out);
	stub_close(&stub);
	return 0;
}
