# SPDX-License-Identifier: MIT
# The hart (scalar and vector), the bare ELF runner and their tests.

HART_SRCS	:= $(wildcard tools/sim/hart/*.c)
HART_OBJS	:= $(HART_SRCS:%.c=$(O)/%.o)
LIBHART		:= $(O)/tools/sim/libhart.a

# The vector unit's files want several host ISAs: their flags live next to them.
-include $(wildcard tools/sim/hart/vector.mk)

$(LIBHART): $(HART_OBJS)
	@mkdir -p $(@D)
	rm -f $@
	$(AR) rcs $@ $^

ALL += $(LIBHART)

# gaon-sim, the bare ELF runner. The management core's half comes from tools/sim/mcu, if it is there.
RUNNER_SRCS	:= $(wildcard tools/sim/runner/*.c)
RUNNER_OBJS	:= $(RUNNER_SRCS:%.c=$(O)/%.o)
RUNNER_MCU	:= $(if $(wildcard tools/sim/mcu/runner.c),\
			$(patsubst %.c,$(O)/%.o,$(wildcard tools/sim/mcu/*.c)))
$(RUNNER_OBJS): CPPFLAGS += -Itools/sim

# Besides, the server that shows the whole device to virtual machines.
include tools/sim/vfio/vfio.mk

$(O)/bin/gaon-sim: $(RUNNER_OBJS) $(RUNNER_MCU) $(VFIO_OBJS) $$(LIBSIM)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(VFIO_LIBS) $(SIM_LIBS)

ALL += $(O)/bin/gaon-sim
PROGRAMS += $(O)/bin/gaon-sim

# Random programs against an independent emulator.
ISA_OBJS	:= $(patsubst %.c,$(O)/%.o,$(wildcard tests/conformance/isa/isa_*.c))
$(ISA_OBJS): CPPFLAGS += -Itools/sim
$(O)/tests/conformance/isa_diff: $(ISA_OBJS) $(LIBHART)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lm
TESTS += $(if $(ISA_OBJS),$(O)/tests/conformance/isa_diff)

# The device around the harts.
-include tools/sim/dev/dev.mk

# Unit tests of the scalar hart; the vector unit's are its own fragment's.
HART_TEST_NAMES	:= hart_run hart_fp hart_threads
HART_TESTS	:= $(HART_TEST_NAMES:%=$(O)/tests/unit/%)
$(HART_TESTS:%=%.o) $(O)/tests/unit/hart_test.o: CPPFLAGS += -Itools/sim
$(O)/tests/unit/hart_fp.o: CFLAGS += -frounding-math
$(HART_TESTS): $(O)/tests/unit/%: $(O)/tests/unit/%.o $(O)/tests/unit/hart_test.o $(LIBHART)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lcheck -lsubunit -lrt -lm
TESTS += $(HART_TESTS)
TSAN_TESTS += $(O)/tests/unit/hart_threads

ifneq ($(FUZZ),)
$(O)/tests/fuzz/fuzz_hart.o: CPPFLAGS += -Itools/sim
$(O)/tests/fuzz/fuzz_hart: $(O)/tests/fuzz/fuzz_hart.o $(LIBHART)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) $(FUZZ_LINK) -o $@ $^ -lm
FUZZERS += $(O)/tests/fuzz/fuzz_hart
endif

# gaon-sim with a program that uses what bare-metal tests use.
$(O)/tests/conformance/bare_priv.elf: tests/conformance/isa/bare_priv.S
	@mkdir -p $(@D)
	$(DEVICE_CC) --target=riscv64-unknown-elf -march=rv64gcv -nostdlib -fuse-ld=lld -Wl,-Ttext=0x80000000 -o $@ $<
$(O)/tests/conformance/bare_test: tests/conformance/isa/bare_test.sh $(O)/bin/gaon-sim $(O)/tests/conformance/bare_priv.elf
	@printf '#!/bin/sh\nexec /bin/sh %s %s %s\n' '$(CURDIR)/$<' '$(abspath $(O))/bin/gaon-sim' \
		'$(abspath $(O))/tests/conformance/bare_priv.elf' >$@
	@chmod +x $@
TESTS += $(O)/tests/conformance/bare_test

# The decoder against LLVM's disassembler.
$(O)/tests/conformance/isa/dump_decode.o: CPPFLAGS += -Itools/sim
$(O)/tests/conformance/dump_decode: $(O)/tests/conformance/isa/dump_decode.o $(LIBHART)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lm
$(O)/tests/conformance/decode_test: tests/conformance/isa/decode_test.py $(O)/tests/conformance/dump_decode
	@printf '#!/bin/sh\nexec /usr/bin/python3 %s %s llvm-mc-$(LLVM)\n' '$(CURDIR)/$<' \
		'$(abspath $(O))/tests/conformance/dump_decode' >$@
	@chmod +x $@
TESTS += $(O)/tests/conformance/decode_test
