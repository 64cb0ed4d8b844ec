// SPDX-License-Identifier: MIT
/* The encoding tables of major opcode OP-V, and the choice of the host's kernels. */
#include "vector.h"
#include "vector_mask.h"
#include "vector_perm.h"

#define OPCODE_LOAD_FP	0x07
#define OPCODE_STORE_FP	0x27
#define OPCODE_V	0x57

const struct vec_entry vec_opivv[64] = {
	[0x00] = { vec_int_vv, VEC_ADD },
	[0x02] = { vec_int_vv, VEC_SUB },
	[0x04] = { vec_int_vv, VEC_MINU },
	[0x05] = { vec_int_vv, VEC_MIN },
	[0x06] = { vec_int_vv, VEC_MAXU },
	[0x07] = { vec_int_vv, VEC_MAX },
	[0x09] = { vec_int_vv, VEC_AND },
	[0x0a] = { vec_int_vv, VEC_OR },
	[0x0b] = { vec_int_vv, VEC_XOR },
	[0x0c] = { vec_gather, 0 },
	[0x0e] = { vec_gather_ei16, 0 },
	[0x10] = { vec_carry, VEC_ADC },
	[0x11] = { vec_carry_out, VEC_MADC },
	[0x12] = { vec_carry, VEC_SBC },
	[0x13] = { vec_carry_out, VEC_MSBC },
	[0x17] = { vec_merge, 0 },
	[0x18] = { vec_cmp_vv, VEC_SEQ },
	[0x19] = { vec_cmp_vv, VEC_SNE },
	[0x1a] = { vec_cmp_vv, VEC_SLTU },
	[0x1b] = { vec_cmp_vv, VEC_SLT },
	[0x1c] = { vec_cmp_vv, VEC_SLEU },
	[0x1d] = { vec_cmp_vv, VEC_SLE },
	[0x20] = { vec_fixed, VEC_SADDU },
	[0x21] = { vec_fixed, VEC_SADD },
	[0x22] = { vec_fixed, VEC_SSUBU },
	[0x23] = { vec_fixed, VEC_SSUB },
	[0x25] = { vec_int_vv, VEC_SLL },
	[0x27] = { vec_fixed, VEC_SMUL },
	[0x28] = { vec_int_vv, VEC_SRL },
	[0x29] = { vec_int_vv, VEC_SRA },
	[0x2a] = { vec_fixed, VEC_SSRL },
	[0x2b] = { vec_fixed, VEC_SSRA },
	[0x2c] = { vec_narrow, VEC_NSRL },
	[0x2d] = { vec_narrow, VEC_NSRA },
	[0x2e] = { vec_narrow, VEC_NCLIPU },
	[0x2f] = { vec_narrow, VEC_NCLIP },
	[0x30] = { vec_reduce_wide, 0 },
	[0x31] = { vec_reduce_wide, 1 },
};

const struct vec_entry vec_opivx[64] = {
	[0x00] = { vec_int_vx, VEC_ADD },
	[0x02] = { vec_int_vx, VEC_SUB },
	[0x03] = { vec_int_vx, VEC_RSUB },
	[0x04] = { vec_int_vx, VEC_MINU },
	[0x05] = { vec_int_vx, VEC_MIN },
	[0x06] = { vec_int_vx, VEC_MAXU },
	[0x07] = { vec_int_vx, VEC_MAX },
	[0x09] = { vec_int_vx, VEC_AND },
	[0x0a] = { vec_int_vx, VEC_OR },
	[0x0b] = { vec_int_vx, VEC_XOR },
	[0x0c] = { vec_gather, 0 },
	[0x0e] = { vec_slide, VEC_SLIDE_UP },
	[0x0f] = { vec_slide, VEC_SLIDE_DOWN },
	[0x10] = { vec_carry, VEC_ADC },
	[0x11] = { vec_carry_out, VEC_MADC },
	[0x12] = { vec_carry, VEC_SBC },
	[0x13] = { vec_carry_out, VEC_MSBC },
	[0x17] = { vec_merge, 0 },
	[0x18] = { vec_cmp_vx, VEC_SEQ },
	[0x19] = { vec_cmp_vx, VEC_SNE },
	[0x1a] = { vec_cmp_vx, VEC_SLTU },
	[0x1b] = { vec_cmp_vx, VEC_SLT },
	[0x1c] = { vec_cmp_vx, VEC_SLEU },
	[0x1d] = { vec_cmp_vx, VEC_SLE },
	[0x1e] = { vec_cmp_vx, VEC_SGTU },
	[0x1f] = { vec_cmp_vx, VEC_SGT },
	[0x20] = { vec_fixed, VEC_SADDU },
	[0x21] = { vec_fixed, VEC_SADD },
	[0x22] = { vec_fixed, VEC_SSUBU },
	[0x23] = { vec_fixed, VEC_SSUB },
	[0x25] = { vec_int_vx, VEC_SLL },
	[0x27] = { vec_fixed, VEC_SMUL },
	[0x28] = { vec_int_vx, VEC_SRL },
	[0x29] = { vec_int_vx, VEC_SRA },
	[0x2a] = { vec_fixed, VEC_SSRL },
	[0x2b] = { vec_fixed, VEC_SSRA },
	[0x2c] = { vec_narrow, VEC_NSRL },
	[0x2d] = { vec_narrow, VEC_NSRA },
	[0x2e] = { vec_narrow, VEC_NCLIPU },
	[0x2f] = { vec_narrow, VEC_NCLIP },
};

const struct vec_entry vec_opivi[64] = {
	[0x00] = { vec_int_vi, VEC_ADD },
	[0x03] = { vec_int_vi, VEC_RSUB },
	[0x09] = { vec_int_vi, VEC_AND },
	[0x0a] = { vec_int_vi, VEC_OR },
	[0x0b] = { vec_int_vi, VEC_XOR },
	[0x0c] = { vec_gather, 0 },
	[0x0e] = { vec_slide, VEC_SLIDE_UP },
	[0x0f] = { vec_slide, VEC_SLIDE_DOWN },
	[0x10] = { vec_carry, VEC_ADC },
	[0x11] = { vec_carry_out, VEC_MADC },
	[0x17] = { vec_merge, 0 },
	[0x18] = { vec_cmp_vi, VEC_SEQ },
	[0x19] = { vec_cmp_vi, VEC_SNE },
	[0x1c] = { vec_cmp_vi, VEC_SLEU },
	[0x1d] = { vec_cmp_vi, VEC_SLE },
	[0x1e] = { vec_cmp_vi, VEC_SGTU },
	[0x1f] = { vec_cmp_vi, VEC_SGT },
	[0x20] = { vec_fixed, VEC_SADDU },
	[0x21] = { vec_fixed, VEC_SADD },
	[0x25] = { vec_int_vi, VEC_SLL },
	[0x27] = { vec_move_whole, 0 },
	[0x28] = { vec_int_vi, VEC_SRL },
	[0x29] = { vec_int_vi, VEC_SRA },
	[0x2a] = { vec_fixed, VEC_SSRL },
	[0x2b] = { vec_fixed, VEC_SSRA },
	[0x2c] = { vec_narrow, VEC_NSRL },
	[0x2d] = { vec_narrow, VEC_NSRA },
	[0x2e] = { vec_narrow, VEC_NCLIPU },
	[0x2f] = { vec_narrow, VEC_NCLIP },
};

const struct vec_entry vec_opmvv[64] = {
	[0x00] = { vec_reduce, VEC_SUM },
	[0x01] = { vec_reduce, VEC_RAND },
	[0x02] = { vec_reduce, VEC_ROR },
	[0x03] = { vec_reduce, VEC_RXOR },
	[0x04] = { vec_reduce, VEC_RMINU },
	[0x05] = { vec_reduce, VEC_RMIN },
	[0x06] = { vec_reduce, VEC_RMAXU },
	[0x07] = { vec_reduce, VEC_RMAX },
	[0x08] = { vec_fixed, VEC_AADDU },
	[0x09] = { vec_fixed, VEC_AADD },
	[0x0a] = { vec_fixed, VEC_ASUBU },
	[0x0b] = { vec_fixed, VEC_ASUB },
	[0x10] = { vec_scalar_out, 0 },
	[0x12] = { vec_extend, 0 },
	[0x14] = { vec_mask_unary, 0 },
	[0x17] = { vec_compress, 0 },
	[0x18] = { vec_mask_logic, VEC_MANDN },
	[0x19] = { vec_mask_logic, VEC_MAND },
	[0x1a] = { vec_mask_logic, VEC_MOR },
	[0x1b] = { vec_mask_logic, VEC_MXOR },
	[0x1c] = { vec_mask_logic, VEC_MORN },
	[0x1d] = { vec_mask_logic, VEC_MNAND },
	[0x1e] = { vec_mask_logic, VEC_MNOR },
	[0x1f] = { vec_mask_logic, VEC_MXNOR },
	[0x20] = { vec_int_vv, VEC_DIVU },
	[0x21] = { vec_int_vv, VEC_DIV },
	[0x22] = { vec_int_vv, VEC_REMU },
	[0x23] = { vec_int_vv, VEC_REM },
	[0x24] = { vec_int_vv, VEC_MULHU },
	[0x25] = { vec_int_vv, VEC_MUL },
	[0x26] = { vec_int_vv, VEC_MULHSU },
	[0x27] = { vec_int_vv, VEC_MULH },
	[0x29] = { vec_macc_vv, VEC_MADD },
	[0x2b] = { vec_macc_vv, VEC_NMSUB },
	[0x2d] = { vec_macc_vv, VEC_MACC },
	[0x2f] = { vec_macc_vv, VEC_NMSAC },
	[0x30] = { vec_widen, VEC_WADDU },
	[0x31] = { vec_widen, VEC_WADD },
	[0x32] = { vec_widen, VEC_WSUBU },
	[0x33] = { vec_widen, VEC_WSUB },
	[0x34] = { vec_widen_w, VEC_WADDU_W },
	[0x35] = { vec_widen_w, VEC_WADD_W },
	[0x36] = { vec_widen_w, VEC_WSUBU_W },
	[0x37] = { vec_widen_w, VEC_WSUB_W },
	[0x38] = { vec_widen, VEC_WMULU },
	[0x3a] = { vec_widen, VEC_WMULSU },
	[0x3b] = { vec_widen, VEC_WMUL },
	[0x3c] = { vec_widen_macc, VEC_WMACCU },
	[0x3d] = { vec_widen_macc, VEC_WMACC },
	[0x3f] = { vec_widen_macc, VEC_WMACCSU },
};

const struct vec_entry vec_opmvx[64] = {
	[0x08] = { vec_fixed, VEC_AADDU },
	[0x09] = { vec_fixed, VEC_AADD },
	[0x0a] = { vec_fixed, VEC_ASUBU },
	[0x0b] = { vec_fixed, VEC_ASUB },
	[0x0e] = { vec_slide1, VEC_SLIDE_UP },
	[0x0f] = { vec_slide1, VEC_SLIDE_DOWN },
	[0x10] = { vec_scalar_in, 0 },
	[0x20] = { vec_int_vx, VEC_DIVU },
	[0x21] = { vec_int_vx, VEC_DIV },
	[0x22] = { vec_int_vx, VEC_REMU },
	[0x23] = { vec_int_vx, VEC_REM },
	[0x24] = { vec_int_vx, VEC_MULHU },
	[0x25] = { vec_int_vx, VEC_MUL },
	[0x26] = { vec_int_vx, VEC_MULHSU },
	[0x27] = { vec_int_vx, VEC_MULH },
	[0x29] = { vec_macc_vx, VEC_MADD },
	[0x2b] = { vec_macc_vx, VEC_NMSUB },
	[0x2d] = { vec_macc_vx, VEC_MACC },
	[0x2f] = { vec_macc_vx, VEC_NMSAC },
	[0x30] = { vec_widen, VEC_WADDU },
	[0x31] = { vec_widen, VEC_WADD },
	[0x32] = { vec_widen, VEC_WSUBU },
	[0x33] = { vec_widen, VEC_WSUB },
	[0x34] = { vec_widen_w, VEC_WADDU_W },
	[0x35] = { vec_widen_w, VEC_WADD_W },
	[0x36] = { vec_widen_w, VEC_WSUBU_W },
	[0x37] = { vec_widen_w, VEC_WSUB_W },
	[0x38] = { vec_widen, VEC_WMULU },
	[0x3a] = { vec_widen, VEC_WMULSU },
	[0x3b] = { vec_widen, VEC_WMUL },
	[0x3c] = { vec_widen_macc, VEC_WMACCU },
	[0x3d] = { vec_widen_macc, VEC_WMACC },
	[0x3e] = { vec_widen_macc, VEC_WMACCUS },
	[0x3f] = { vec_widen_macc, VEC_WMACCSU },
};

/* --- host kernels ------------------------------------------------------------------------------ */

#if defined(__x86_64__)
static const struct vec_kint *const int_tables[] = { &vec_kint_v2, &vec_kint_v3, &vec_kint_v4 };
static const struct vec_kfp *const fp_tables[] = { &vec_kfp_v2, &vec_kfp_v3, &vec_kfp_v4 };

static bool host_has(enum vec_host host)
{
	__builtin_cpu_init();
	switch (host) {
	case VEC_HOST_PORTABLE:
		return true;
	case VEC_HOST_V3:
		return __builtin_cpu_supports("x86-64-v3");
	case VEC_HOST_V4:
		return __builtin_cpu_supports("x86-64-v4");
	default:
		return false;
	}
}
#else
static const struct vec_kint *const int_tables[] = { &vec_kint_v2 };
static const struct vec_kfp *const fp_tables[] = { &vec_kfp_v2 };

static bool host_has(enum vec_host host)
{
	return host == VEC_HOST_PORTABLE;
}
#endif

/*
 * What the host can do never changes, so these are constants found at run time.  Every table gives
 * the same results: threads that race to the first choice store the same pointers.
 */
const struct vec_kint *vec_kint = &vec_kint_v2;
const struct vec_kfp *vec_kfp = &vec_kfp_v2;

bool sim_vector_select(enum vec_host host)
{
	if (host == VEC_HOST_AUTO) {
		host = VEC_HOST_V4;
		while (!host_has(host))
			host--;
	}
	if (!host_has(host))
		return false;
	__atomic_store_n(&vec_kint, int_tables[host], __ATOMIC_RELAXED);
	__atomic_store_n(&vec_kfp, fp_tables[host], __ATOMIC_RELAXED);
	return true;
}

static __attribute__((constructor)) void choose_host(void)
{
	sim_vector_select(VEC_HOST_AUTO);
}

/* --- entry ---------------------------------------------------------------------------------------- */

static sim_vector_fn decode_config(uint32_t insn)
{
	if (!(insn >> 31))
		return vec_vsetvli;
	if (insn >> 30 == 3)
		return vec_vsetivli;
	return insn >> 25 == 0x40 ? vec_vsetvl : NULL;
}

sim_vector_fn sim_vector_decode(uint32_t insn)
{
	switch (insn & 0x7f) {
	case OPCODE_LOAD_FP:
	case OPCODE_STORE_FP:
		return vec_decode_memory(insn);
	case OPCODE_V:
		if (vec_funct3(insn) == VEC_OPCFG)
			return decode_config(insn);
		return vec_entry_of(insn)->fn;
	default:
		return NULL;
	}
}
