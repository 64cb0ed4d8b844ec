/* SPDX-License-Identifier: MIT */
/* GAON_KERNEL: a kernel's entry and what the loader must know of it. */
#ifndef GAON_DEVICE_KERNEL_H
#define GAON_DEVICE_KERNEL_H

#include <hw/gaon_kernel.h>

#include <gaon/device/core.h>

/* Room for eight spilled groups of four vector registers of up to 16384 bits. */
#define GAON_STACK_DEFAULT	65536u

/* Members of struct gaon_kernel_info that a kernel may set, for GAON_KERNEL's last arguments. */
#define GAON_POINTERS(count, ...)	.pointer_count = (count), .pointer_offset = { __VA_ARGS__ }
#define GAON_SPM(type)			.spm_bytes = sizeof(type)
#define GAON_STACK(bytes)		.stack_bytes = (bytes)
#define GAON_COOPERATIVE		.flags = GAON_KERNEL_COOPERATIVE

/**
 * GAON_KERNEL() - define a kernel
 * @fn: its name, at most 63 characters
 * @type: type of its arguments, at most GAON_KERNEL_ARGS_MAX bytes; the body sees them as @args
 * @...: GAON_POINTERS(), GAON_SPM(), GAON_STACK(), GAON_COOPERATIVE, as designated initialisers
 *
 * Offsets given to GAON_POINTERS() are of the arguments that are device pointers; the runtime
 * checks those before it launches.
 */
#ifdef __riscv

#ifndef __riscv_v_min_vlen
#error "compile device code with gaoncc: the vector extension is missing"
#endif

#define GAON_KERNEL(fn, type, ...)							\
	_Static_assert(sizeof(#fn) <= GAON_KERNEL_NAME_MAX, "kernel name is too long");	\
	_Static_assert(sizeof(type) <= GAON_KERNEL_ARGS_MAX, "arguments are too long");	\
	__attribute__((visibility("default"), used, retain)) void fn(const type *args);	\
	_Pragma("clang diagnostic push")						\
	_Pragma("clang diagnostic ignored \"-Winitializer-overrides\"")			\
	__attribute__((section(GAON_KERNEL_SECTION), used, retain, aligned(4)))		\
	static const struct gaon_kernel_info gaon_kernel_info_##fn = {			\
		.name = #fn,								\
		.abi = GAON_KERNEL_ABI,							\
		.args_size = sizeof(type),						\
		.args_align = _Alignof(type),						\
		.stack_bytes = GAON_STACK_DEFAULT,					\
		.min_vlen = __riscv_v_min_vlen,						\
		__VA_ARGS__								\
	};										\
	_Pragma("clang diagnostic pop")							\
	void fn(const type *args)

#else

#define GAON_KERNEL(fn, type, ...)							\
	__attribute__((visibility("default"))) void fn(const type *args);		\
	void fn(const type *args)

#endif
#endif
