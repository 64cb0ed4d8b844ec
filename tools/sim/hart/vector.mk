# SPDX-License-Identifier: MIT
# The vector unit's kernels are compiled once per host ISA; vector_decode.c chooses at run time.
SIM_VECTOR_KERNELS	:= $(addprefix $(O)/tools/sim/hart/vector_,\
	int_v2.o int_v3.o int_v4.o fp_v2.o fp_v3.o fp_v4.o)

# -O3 and no alias rules: registers are bytes, seen as elements of any type.  No contraction: a
# multiplication and an addition stay two roundings.  A loop that this host ISA cannot vectorise
# is no error.
$(SIM_VECTOR_KERNELS): CFLAGS += -O3 -fno-strict-aliasing -ffp-contract=off -fno-math-errno -Wno-pass-failed
# What the host's unit computes and raises is what the instruction computes and raises.
$(filter $(O)/tools/sim/hart/vector_fp_v%,$(SIM_VECTOR_KERNELS)): \
	CFLAGS += -frounding-math -ffp-exception-behavior=strict
$(O)/tools/sim/hart/vector_%.o: CFLAGS += -fno-strict-aliasing -ffp-contract=off
# A sanitizer instruments every access of thousands of loops: simple loops keep the build short.
ifneq ($(SAN),)
$(SIM_VECTOR_KERNELS): CFLAGS += -O1 -fno-vectorize -fno-slp-vectorize -fno-unroll-loops
endif
ifeq ($(shell uname -m),x86_64)
$(O)/tools/sim/hart/vector_%_v3.o: CFLAGS += -march=x86-64-v3
$(O)/tools/sim/hart/vector_%_v4.o: CFLAGS += -march=x86-64-v4 -mprefer-vector-width=512
endif
