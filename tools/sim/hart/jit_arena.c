// SPDX-License-Identifier: MIT
/*
 * Memory for generated code.  It is writable while a run is copied in and executable otherwise,
 * never both; only the owning hart's thread executes it, and never while it is writable.
 */
#include "jit.h"

#include <sys/mman.h>

#define ALIGN	64u

/* The host refuses executable memory, as a hardened one may: interpret from now on. */
static jit_code give_up(struct sim_jit *j)
{
	j->broken = true;
	return NULL;
}

jit_code jit_arena_add(struct sim_jit *j, const uint8_t *code, size_t size)
{
	jit_code entry;
	uint8_t *at;

	if (j->broken)
		return NULL;
	if (!j->arena) {
		j->arena = mmap(NULL, JIT_ARENA, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (j->arena == MAP_FAILED) {
			j->arena = NULL;
			return give_up(j);
		}
		/* What looks for a mark before a function's first byte finds memory there. */
		j->arena_used = ALIGN;
	}
	if (size > JIT_ARENA - j->arena_used) {
		j->full = true;
		return NULL;
	}
	if (mprotect(j->arena, JIT_ARENA, PROT_READ | PROT_WRITE))
		return give_up(j);
	at = j->arena + j->arena_used;
	memcpy(at, code, size);
	j->arena_used += (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	if (j->arena_used > JIT_ARENA)
		j->arena_used = JIT_ARENA;
	if (mprotect(j->arena, JIT_ARENA, PROT_READ | PROT_EXEC))
		return give_up(j);
	__builtin___clear_cache((char *)at, (char *)at + size);
	memcpy(&entry, &at, sizeof(entry));
	return entry;
}

void jit_arena_drop(struct sim_jit *j)
{
	j->arena_used = ALIGN;
}

void jit_arena_free(struct sim_jit *j)
{
	if (j->arena)
		munmap(j->arena, JIT_ARENA);
	j->arena = NULL;
}
