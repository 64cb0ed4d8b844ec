// SPDX-License-Identifier: MIT
/* Every kind of vector instruction on whole registers; the host knows the results. */
#include <gaon/device.h>

#include "../diag_args.h"

#define CLOBBERS	"t0", "t1", "memory", "v0", "v8", "v9", "v10", "v11", "v12"

/* v8 and v9 are the operands, v10 is the result and holds the second operand at first. */
#define VECTOR_(a_, b_, bits, text)								\
	__asm__ volatile("vsetvli t0, zero, e" #bits ", m1, tu, mu\n\t"				\
			 "vle" #bits ".v v8, (%0)\n\tvle" #bits ".v v9, (%1)\n\t"		\
			 "vmv.v.v v10, v9\n\t" text "\n\tvse" #bits ".v v10, (%2)"		\
			 : : "r"(a_), "r"(b_), "r"(out) : CLOBBERS);				\
	out += bytes;

#define INT_(name, text, bits)		VECTOR_(a, b, bits, text " v10, v8, v9")
#define FLOAT_(name, text, bits)                                                                   \
	VECTOR_(fa + (bits) / 64 * bytes, fb + (bits) / 64 * bytes, bits, text " v10, v8, v9")
/* t1: elements of a register less one. */
#define INDEX				"addi t1, t0, -1\n\tvand.vx v9, v9, t1\n\t"

GAON_KERNEL(diag_vector, struct diag_vector_args, GAON_STACK(8192))
{
	const uint64_t bytes = args->bytes;
	const uint8_t *a = (const uint8_t *)args->a, *b = (const uint8_t *)args->b;
	const uint8_t *fa = (const uint8_t *)args->fa, *fb = (const uint8_t *)args->fb;
	uint8_t *out = (uint8_t *)args->out + gaon_core() * DIAG_VECTORS * bytes;

	DIAG_VECTOR_INT(INT_)
	DIAG_VECTOR_FLOAT(FLOAT_)
	VECTOR_(a, b, 32, INDEX "vrgather.vv v10, v8, v9")
	VECTOR_(a, b, 32, "vslideup.vi v10, v8, 5")
	VECTOR_(a, b, 32, "vslidedown.vi v10, v8, 5")
	VECTOR_(a, b, 32, "vmsltu.vv v0, v8, v9\n\tvmerge.vvm v10, v8, v9, v0")
	VECTOR_(a, b, 32, "vmsltu.vv v0, v8, v9\n\tvcompress.vm v10, v8, v0")
	VECTOR_(a, b, 32, "vid.v v10")
	VECTOR_(a, b, 32, "vredsum.vs v10, v8, v9")
	VECTOR_(a, b, 32, "vredmaxu.vs v10, v8, v9")
	VECTOR_(a, b, 32, "vredxor.vs v10, v8, v9")
	VECTOR_(a, b, 32, "li t1, 8\n\tvlse32.v v10, (%0), t1")
	VECTOR_(a, b, 32, INDEX "vsll.vi v9, v9, 2\n\tvluxei32.v v10, (%0), v9")
	VECTOR_(a, b, 32, "vlseg2e32.v v11, (%0)\n\tvmv.v.v v10, v12")
	VECTOR_(fa, fb, 32, "vfredosum.vs v10, v8, v9")
	VECTOR_(fa, fb, 32, "vfsgnjx.vv v8, v8, v8\n\tvfsqrt.v v10, v8")
	VECTOR_(fa, fb, 32, "vfcvt.x.f.v v10, v8")
}
