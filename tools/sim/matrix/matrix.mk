# SPDX-License-Identifier: MIT
# Each path is compiled for its own instruction set and chosen at run time. No contraction: a
# fused multiply-add stands where the specification has one, and nowhere else.
MATRIX_OBJ	:= $(patsubst %.c,$(O)/%.o,$(wildcard tools/sim/matrix/*.c))
MATRIX_OPT	?= -O3
$(MATRIX_OBJ): CFLAGS += -ffp-contract=off $(MATRIX_OPT)
ifeq ($(shell uname -m),x86_64)
$(filter %avx2.o %avx2_block.o %avx2_i8.o,$(MATRIX_OBJ)): CFLAGS += -march=x86-64-v3
$(filter %avx512.o %avx512_block.o %avx512_i8.o,$(MATRIX_OBJ)): CFLAGS += -march=x86-64-v4 \
	-mavx512vnni -mprefer-vector-width=512
$(filter %amx.o,$(MATRIX_OBJ)): CFLAGS += -march=x86-64-v4 -mamx-tile -mamx-bf16 -mamx-int8
endif
