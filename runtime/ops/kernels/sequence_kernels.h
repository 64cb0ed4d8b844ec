/* SPDX-License-Identifier: MIT */
/*
 * KERNEL(number, entry, argument structure) for each kernel that may be a step of a sequence. No guard:
 * included once for each thing that is made of it.
 */
KERNEL(OPS_KERNEL_GEMM, ops_gemm, ops_gemm_args)
KERNEL(OPS_KERNEL_UNARY, ops_unary, ops_unary_args)
KERNEL(OPS_KERNEL_BINARY, ops_binary, ops_binary_args)
KERNEL(OPS_KERNEL_BIAS, ops_bias, ops_bias_args)
KERNEL(OPS_KERNEL_CONVERT, ops_convert, ops_convert_args)
KERNEL(OPS_KERNEL_QUANTIZE, ops_quantize, ops_quantize_args)
KERNEL(OPS_KERNEL_MUL_MAT, ops_mul_mat, ops_mul_mat_args)
KERNEL(OPS_KERNEL_ACTIVATE, ops_activate, ops_activate_args)
KERNEL(OPS_KERNEL_UNPACK, ops_unpack, ops_unpack_args)
KERNEL(OPS_KERNEL_ROPE, ops_rope, ops_rope_args)
KERNEL(OPS_KERNEL_SOFT_MAX, ops_soft_max, ops_soft_max_args)
KERNEL(OPS_KERNEL_ATTENTION, ops_attention, ops_attention_args)
KERNEL(OPS_KERNEL_MAP, ops_map, ops_map_args)
KERNEL(OPS_KERNEL_ZIP, ops_zip, ops_zip_args)
KERNEL(OPS_KERNEL_GLU, ops_glu, ops_glu_args)
KERNEL(OPS_KERNEL_COPY, ops_copy, ops_copy_args)
KERNEL(OPS_KERNEL_GET_ROWS, ops_get_rows, ops_rows_args)
KERNEL(OPS_KERNEL_SET_ROWS, ops_set_rows, ops_rows_args)
KERNEL(OPS_KERNEL_NORM, ops_norm, ops_norm_args)
KERNEL(OPS_KERNEL_SUM_ROWS, ops_sum_rows, ops_sum_args)
KERNEL(OPS_KERNEL_REPEAT, ops_repeat, ops_repeat_args)
KERNEL(OPS_KERNEL_PAD, ops_pad, ops_pad_args)
