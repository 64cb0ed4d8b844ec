# SPDX-License-Identifier: MIT
include tools/sim/matrix/matrix.mk
ifneq ($(FUZZ),)
$(O)/tests/fuzz/fuzz_gemm: $(O)/tests/fuzz/fuzz_gemm.o $(MATRIX_OBJS)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) $(FUZZ_LINK) -pthread -o $@ $^ -lm

FUZZERS += $(O)/tests/fuzz/fuzz_gemm
endif
