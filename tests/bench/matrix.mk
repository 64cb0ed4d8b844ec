# SPDX-License-Identifier: MIT
# The matrix unit's paths against OpenBLAS, without a device around them.
include tools/sim/matrix/matrix.mk
$(O)/tests/bench/bench_matrix: $(O)/tests/bench/bench_matrix.o $(MATRIX_OBJS)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -pthread -o $@ $^ -lopenblas -lm

BENCHES += $(O)/tests/bench/bench_matrix
