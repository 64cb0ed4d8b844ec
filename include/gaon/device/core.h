/* SPDX-License-Identifier: MIT */
/* Who and where this workgroup is, its scratchpad and its share of the work. */
#ifndef GAON_DEVICE_CORE_H
#define GAON_DEVICE_CORE_H

#include <stddef.h>
#include <stdint.h>

#include <hw/gaon_xgaon.h>

#define GAON_INLINE static inline __attribute__((always_inline, unused))

#ifdef __riscv

/* Constant for the life of a workgroup, so the compiler may merge and hoist the reads. */
#define GAON_CSR_CONST(csr) __extension__({						\
	uint64_t gaon_csr_value_;							\
	__asm__("csrr %0, %1" : "=r"(gaon_csr_value_) : "i"(csr));			\
	gaon_csr_value_; })

GAON_INLINE uint32_t gaon_wg_x(void) { return (uint32_t)GAON_CSR_CONST(GAON_CSR_WG_X); }
GAON_INLINE uint32_t gaon_wg_y(void) { return (uint32_t)GAON_CSR_CONST(GAON_CSR_WG_Y); }
GAON_INLINE uint32_t gaon_wg_z(void) { return (uint32_t)GAON_CSR_CONST(GAON_CSR_WG_Z); }
GAON_INLINE uint32_t gaon_grid_x(void) { return (uint32_t)GAON_CSR_CONST(GAON_CSR_GRID_X); }
GAON_INLINE uint32_t gaon_grid_y(void) { return (uint32_t)GAON_CSR_CONST(GAON_CSR_GRID_Y); }
GAON_INLINE uint32_t gaon_grid_z(void) { return (uint32_t)GAON_CSR_CONST(GAON_CSR_GRID_Z); }
/* x + grid_x * (y + grid_y * z) */
GAON_INLINE uint32_t gaon_wg_linear(void) { return (uint32_t)GAON_CSR_CONST(GAON_CSR_WG_LINEAR); }
GAON_INLINE uint32_t gaon_core(void) { return (uint32_t)GAON_CSR_CONST(GAON_CSR_CORE); }
GAON_INLINE uint32_t gaon_cores(void) { return (uint32_t)GAON_CSR_CONST(GAON_CSR_CORES); }
GAON_INLINE uint32_t gaon_spm_size(void) { return (uint32_t)GAON_CSR_CONST(GAON_CSR_SPM_SIZE); }
/* The launch: its queue in the upper half, its place in the queue in the lower; its packet's tag. */
GAON_INLINE uint64_t gaon_launch_id(void) { return GAON_CSR_CONST(GAON_CSR_LAUNCH_ID); }
GAON_INLINE uint32_t gaon_launch_tag(void) { return (uint32_t)GAON_CSR_CONST(GAON_CSR_LAUNCH_TAG); }

GAON_INLINE void *gaon_spm_at(size_t offset)
{
	return (void *)(GAON_CSR_CONST(GAON_CSR_SPM_BASE) + offset);
}

/* Modelled cycles of this core since the workgroup started. */
GAON_INLINE uint64_t gaon_cycles(void)
{
	uint64_t value;

	__asm__ volatile("csrr %0, %1" : "=r"(value) : "i"(GAON_CSR_CYCLE) : "memory");
	return value;
}

#else /* the host */

/* Filled by whoever calls a kernel natively; one workgroup per thread at a time. */
struct gaon_native {
	uint32_t wg[3], grid[3];
	uint32_t core, cores;
	void *spm;
	uint32_t spm_size;
};

__attribute__((weak)) _Thread_local struct gaon_native gaon_native = { .grid = { 1, 1, 1 },
								       .cores = 1 };

GAON_INLINE uint32_t gaon_wg_x(void) { return gaon_native.wg[0]; }
GAON_INLINE uint32_t gaon_wg_y(void) { return gaon_native.wg[1]; }
GAON_INLINE uint32_t gaon_wg_z(void) { return gaon_native.wg[2]; }
GAON_INLINE uint32_t gaon_grid_x(void) { return gaon_native.grid[0]; }
GAON_INLINE uint32_t gaon_grid_y(void) { return gaon_native.grid[1]; }
GAON_INLINE uint32_t gaon_grid_z(void) { return gaon_native.grid[2]; }
GAON_INLINE uint32_t gaon_wg_linear(void)
{
	return gaon_wg_x() + gaon_grid_x() * (gaon_wg_y() + gaon_grid_y() * gaon_wg_z());
}
GAON_INLINE uint32_t gaon_core(void) { return gaon_native.core; }
GAON_INLINE uint32_t gaon_cores(void) { return gaon_native.cores; }
GAON_INLINE uint32_t gaon_spm_size(void) { return gaon_native.spm_size; }
GAON_INLINE uint64_t gaon_launch_id(void) { return 0; }
GAON_INLINE uint32_t gaon_launch_tag(void) { return 0; }
GAON_INLINE void *gaon_spm_at(size_t offset) { return (char *)gaon_native.spm + offset; }
GAON_INLINE uint64_t gaon_cycles(void) { return 0; }

#endif

/* Pointer to a `type` at byte `offset` of the scratchpad. Its contents are undefined at the start. */
#define gaon_spm(type, offset) ((type *)gaon_spm_at(offset))

/**
 * gaon_spm_static() - the launch's static scratchpad as one structure
 * @type: a structure that the kernel declared with GAON_SPM(type), so that every launch has it
 */
#define gaon_spm_static(type) gaon_spm(type, 0)

/* All workgroups of the launch. */
GAON_INLINE uint32_t gaon_workgroups(void)
{
	return gaon_grid_x() * gaon_grid_y() * gaon_grid_z();
}

/* Elements [begin, end) */
struct gaon_range {
	uint64_t begin, end;
};

/* Part @id of @groups parts of @n elements; see gaon_share(). */
GAON_INLINE struct gaon_range gaon_share_of(uint64_t n, uint64_t granule, uint64_t groups, uint64_t id)
{
	uint64_t units = n / granule + (n % granule != 0);
	uint64_t each = units / groups, extra = units % groups;
	uint64_t first = id * each + (id < extra ? id : extra);
	uint64_t last = first + each + (id < extra);
	struct gaon_range r = { first * granule, last * granule };

	if (r.begin > n)
		r.begin = n;
	if (r.end > n)
		r.end = n;
	return r;
}

/**
 * gaon_share() - this workgroup's part of @n elements
 * @granule: every part but the last is a multiple of it (at least 1)
 *
 * Parts are contiguous, in workgroup order, differ by at most a granule, and may be empty.
 */
GAON_INLINE struct gaon_range gaon_share(uint64_t n, uint64_t granule)
{
	return gaon_share_of(n, granule, gaon_workgroups(), gaon_wg_linear());
}

#endif
