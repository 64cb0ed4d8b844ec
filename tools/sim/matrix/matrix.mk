# SPDX-License-Identifier: MIT
# Each path is compiled for its own instruction set and chosen at run time. No contraction: a
# fused multiply-add stands where the specification has one, and nowhere else.
# Included by every fragment that links the products; the flags are added once.
ifndef MATRIX_OBJS
MATRIX_OBJS	:= $(patsubst %.c,$(O)/%.o,$(wildcard tools/sim/matrix/*.c))
MATRIX_OPT	?= -O3
$(MATRIX_OBJS): CFLAGS += -ffp-contract=off $(MATRIX_OPT)
ifeq ($(shell uname -m),x86_64)
$(filter %avx2.o %avx2_block.o %avx2_i8.o,$(MATRIX_OBJS)): CFLAGS += -march=x86-64-v3
$(filter %avx512.o %avx512_block.o %avx512_i8.o,$(MATRIX_OBJS)): CFLAGS += -march=x86-64-v4 \
	-mavx512vnni -mprefer-vector-width=512
$(filter %amx.o,$(MATRIX_OBJS)): CFLAGS += -march=x86-64-v4 -mavx512vnni -mamx-tile -mamx-bf16 -mamx-int8
endif
endif
