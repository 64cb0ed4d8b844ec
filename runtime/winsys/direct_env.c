// SPDX-License-Identifier: MIT
/*
 * Shape of the embedded device from the environment; the table is in
 * Documentation/runtime/environment.rst.
 */
#include "direct.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const effect_names[] = { "normal", "early", "late" };
static const char *const matrix_names[] = { "auto", "portable", "avx2", "avx512", "amx" };

/* Decimal or hexadecimal number with an optional K, M, G or T (powers of 1024). */
static bool parse_size(const char *text, uint64_t *out)
{
	static const char units[] = "KMGT";
	char *end;
	unsigned long long value;
	const char *unit;
	int shift = 0;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno || end == text || *text == '-')
		return false;
	if (*end) {
		unit = strchr(units, *end & ~0x20);
		if (!unit || end[1])
			return false;
		shift = 10 * (int)(unit - units + 1);
	}
	if (shift && value >> (64 - shift))
		return false;
	*out = (uint64_t)value << shift;
	return true;
}

static int env_size(const char *name, uint64_t min, uint64_t max, uint64_t *out, char *why,
		    size_t why_size)
{
	const char *text = getenv(name);
	uint64_t value;

	if (!text || !*text)
		return 0;
	if (!parse_size(text, &value) || value < min || value > max) {
		snprintf(why, why_size, "%s=%s is not a number from %llu to %llu", name, text,
			 (unsigned long long)min, (unsigned long long)max);
		return -EINVAL;
	}
	*out = value;
	return 0;
}

static int env_number(const char *name, uint32_t min, uint32_t max, uint32_t *out, char *why,
		      size_t why_size)
{
	uint64_t value = *out;
	int err = env_size(name, min, max, &value, why, why_size);

	*out = (uint32_t)value;
	return err;
}

static int env_choice(const char *name, const char *const *names, unsigned int count,
		      unsigned int *out, char *why, size_t why_size)
{
	const char *text = getenv(name);
	unsigned int i;
	int len;

	if (!text || !*text)
		return 0;
	for (i = 0; i < count; i++) {
		if (!strcmp(text, names[i])) {
			*out = i;
			return 0;
		}
	}
	len = snprintf(why, why_size, "%s=%s is none of", name, text);
	for (i = 0; i < count && len > 0 && (size_t)len < why_size; i++)
		len += snprintf(why + len, why_size - (size_t)len, " %s", names[i]);
	return -EINVAL;
}

int direct_config_from_env(struct gaon_sim_config *config, char *why, size_t why_size)
{
	unsigned int effects = GAON_SIM_EFFECTS_NORMAL, matrix = 0;
	uint32_t timed = 1, fuse = 0, gemm_memory = 1, compile = GAON_SIM_COMPILE_AFTER;
	int err;

	*config = (struct gaon_sim_config){ .size = sizeof(*config) };
	err = env_size("GAON_SIM_HBM", 16ull << 20, 1ull << 40, &config->hbm_bytes, why, why_size);
	if (!err)
		err = env_size("GAON_SIM_SPM", 64ull << 10, 64ull << 20, &config->spm_bytes, why,
			       why_size);
	if (!err)
		err = env_number("GAON_SIM_CORES", 1, 64, &config->cores, why, why_size);
	if (!err)
		err = env_number("GAON_SIM_VLEN", 128, 65536, &config->vlen, why, why_size);
	if (!err)
		err = env_number("GAON_SIM_SLOTS", 1, 64, &config->slots, why, why_size);
	if (!err)
		err = env_number("GAON_SIM_THREADS", 1, 256, &config->threads, why, why_size);
	if (!err)
		err = env_number("GAON_SIM_TIME", 0, 1, &timed, why, why_size);
	if (!err)
		err = env_number("GAON_SIM_DEBUG_FUSE", 0, 1, &fuse, why, why_size);
	if (!err)
		err = env_number("GAON_SIM_GEMM_MEMORY", 0, 1, &gemm_memory, why, why_size);
	if (!err)
		err = env_number("GAON_SIM_COMPILE", 0, 1u << 30, &compile, why, why_size);
	if (!err)
		err = env_choice("GAON_SIM_EFFECTS", effect_names, 3, &effects, why, why_size);
	if (!err)
		err = env_choice("GAON_SIM_MATRIX", matrix_names, 5, &matrix, why, why_size);
	if (!err && (config->vlen & (config->vlen - 1))) {
		snprintf(why, why_size, "GAON_SIM_VLEN=%u is not a power of two", config->vlen);
		err = -EINVAL;
	}
	if (!err && config->spm_bytes % GAON_PAGE_SIZE) {
		snprintf(why, why_size, "GAON_SIM_SPM=%llu is not a multiple of 4 KiB",
			 (unsigned long long)config->spm_bytes);
		err = -EINVAL;
	}
	if (!err && getenv("GAON_SIM_FLAW") && *getenv("GAON_SIM_FLAW") &&
	    !gaon_sim_flaws_parse(getenv("GAON_SIM_FLAW"), &config->flaws)) {
		snprintf(why, why_size, "GAON_SIM_FLAW=%s is none of hbm:OFFSET:BIT, spm:CORE:OFFSET:BIT, core:CORE:UNIT, link:PERCENT, memory:PERCENT, clock:PERCENT",
			 getenv("GAON_SIM_FLAW"));
		err = -EINVAL;
	}
	if (err)
		return err;
	config->hbm_bytes &= ~(GAON_HUGE_SIZE - 1);
	config->no_time = !timed;
	config->no_compile = !compile;
	config->compile_after = compile;
	config->debug_fuse = fuse;
	config->no_gemm_memory = !gemm_memory;
	config->effects = (enum gaon_sim_effects)effects;
	config->matrix_path = (uint8_t)matrix;
	config->nv_path = getenv("GAON_SIM_NV");
	return 0;
}
