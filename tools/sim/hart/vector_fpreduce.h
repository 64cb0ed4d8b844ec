/* SPDX-License-Identifier: MIT */
/* Names of the floating-point reductions. */
#ifndef GAON_SIM_VECTOR_FPREDUCE_H
#define GAON_SIM_VECTOR_FPREDUCE_H

enum vec_red_op {
	VEC_RED_USUM,
	VEC_RED_OSUM,
	VEC_RED_MIN,
	VEC_RED_MAX,
};

#endif
