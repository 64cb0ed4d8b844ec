# SPDX-License-Identifier: MIT
# gaon-bench: our figures and the peers'. Peers are linked only here.
BENCH_SRCS	:= tests/bench/bench_main.c tests/bench/bench_rows.c tests/bench/timing.c tests/bench/bench_device.c \
		   tests/bench/bench_launch.c tests/bench/bench_copy.c tests/bench/bench_core.c \
		   tests/bench/bench_gemm.c tests/bench/peer_pocl.c tests/bench/peer_blas.c \
		   tests/bench/peer_memory.c tests/bench/peer_native.c tests/bench/bench_admin.c tests/bench/bench_cards.c \
		   tests/bench/bench_watch.c
BENCH_OBJS	:= $(BENCH_SRCS:%.c=$(O)/%.o)
BENCH_ELFS	:= $(O)/tests/bench/kernels/scalar.elf $(O)/tests/bench/kernels/vector.elf
# Groups of eight registers: twice the elements per instruction of gaoncc's default, worth a spill.
BENCH_DEVICE_FLAGS := -mllvm -riscv-v-register-bit-width-lmul=8
GAON_BENCH	:= $(O)/tests/bench/gaon-bench

$(O)/tests/bench/bench_device.o: CPPFLAGS += -DBENCH_KERNEL_DIR='"$(abspath $(O))/tests/bench/kernels"'
$(O)/tests/bench/bench_admin.o $(O)/tests/bench/bench_cards.o: CPPFLAGS += -DBENCH_CONFORMANCE_DIR='"$(CURDIR)/tests/conformance"' \
	-DBENCH_GAON='"$(abspath $(O))/bin/gaon"'
$(O)/tests/bench/bench_watch.o: CPPFLAGS += -DBENCH_BIN='"$(abspath $(O))/bin"' -DBENCH_SOURCE='"$(CURDIR)"'
# The peer gets all that this host has, and the optimisation that the device's compiler uses.
$(O)/tests/bench/peer_native.o: CFLAGS += -O3 -march=native

$(O)/tests/bench/kernels/%.elf: tests/bench/kernels/%.c tests/bench/kernels/bench_kernels.h $$(GAONCC_DEPS) $(O)/bin/gaoncc
	@mkdir -p $(@D)
	$(O)/bin/gaoncc -O3 $(BENCH_DEVICE_FLAGS) -o $@ $<

$(GAON_BENCH): $(BENCH_OBJS) $(BENCH_ELFS) $(O)/libgaon.so $(O)/libgaonops.so \
		| $(O)/gaon/prof.so $(O)/gaon/record.so $(O)/bin/gaon $(O)/bin/gaon-demo-digits
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $(BENCH_OBJS) -L$(O) -Wl,-rpath,'$$ORIGIN/../..' \
		-lgaonops -lgaon -ljansson -lOpenCL -lopenblas -ldnnl -lm

BENCHES += $(GAON_BENCH)
