# SPDX-License-Identifier: MIT
# Tests of the queue engine, cores and copy engines, on the device without its firmware.
ENGINE_DIR	:= $(O)/tests/unit/engine
ENGINE_KERNELS	:= $(ENGINE_DIR)/engine_kernels

$(ENGINE_KERNELS).elf: tests/unit/engine_kernels.S
	@mkdir -p $(@D)
	$(DEVICE_CC) --target=riscv64 -march=rv64gcv -mabi=lp64d -nostdlib -static -fuse-ld=lld \
		-Wl,-Ttext=0x10000000 -Wl,-e,k_nop -Wl,--no-relax -o $@ $<
$(ENGINE_KERNELS).bin: $(ENGINE_KERNELS).elf
	llvm-objcopy-$(LLVM) -O binary -j .text $< $@
$(ENGINE_DIR)/engine_symbols.h: $(ENGINE_KERNELS).elf
	llvm-nm-$(LLVM) $< | awk '$$3 ~ /^k_/ { print "#define " toupper($$3) " 0x" $$1 "ull" }' > $@

ENGINE_LIB_OBJ	:= $(O)/tests/unit/engine_lib.o
ENGINE_OBJS	:= $(patsubst %.c,$(O)/%.o,$(wildcard tests/unit/engine_*.c tests/conformance/device_packet*.c \
			tests/conformance/device_xgaon*.c tests/fuzz/fuzz_packets.c tests/fuzz/fuzz_xgaon.c \
			tests/unit/moves_*.c))
$(ENGINE_OBJS): $(ENGINE_KERNELS).bin $(ENGINE_DIR)/engine_symbols.h
$(ENGINE_OBJS): CPPFLAGS += -Itools/sim -Itests/unit -I$(ENGINE_DIR) \
	-DENGINE_KERNELS='"$(ENGINE_KERNELS).bin"'

ENGINE_TESTS	:= $(patsubst tests/%.c,$(O)/tests/%,$(filter-out %/engine_lib.c,$(wildcard \
			tests/unit/engine_*.c tests/conformance/device_packet*.c \
			tests/conformance/device_xgaon*.c)))
$(ENGINE_TESTS): $(O)/tests/%: $(O)/tests/%.o $(ENGINE_LIB_OBJ) $$(LIBSIM)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(SIM_LIBS) -lcheck -lsubunit -lrt -lpthread
# With the firmware, and the memory and rings of the device side's tests.
$(O)/tests/unit/engine_moves: $(O)/tests/unit/moves_memory.o $(O)/tests/unit/moves_work.o \
	$$(DEV_TEST_HOST) $$(FW_EMBED)
TESTS += $(ENGINE_TESTS)
TSAN_TESTS += $(filter %/engine_preempt %/engine_debug %/engine_time %/engine_moves %/engine_ahead,$(ENGINE_TESTS))

ENGINE_FUZZERS	:= $(patsubst tests/%.c,$(O)/tests/%,$(wildcard tests/fuzz/fuzz_packets.c \
			tests/fuzz/fuzz_xgaon.c))
$(ENGINE_FUZZERS): $(O)/tests/%: $(O)/tests/%.o $(ENGINE_LIB_OBJ) $$(LIBSIM)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) $(FUZZ_LINK) -o $@ $^ $(SIM_LIBS) -lpthread
FUZZERS += $(ENGINE_FUZZERS)
