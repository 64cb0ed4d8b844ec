# SPDX-License-Identifier: MIT
ifneq ($(FUZZ),)
FUZZ_MCU_OBJS	:= $(patsubst %.c,$(O)/%.o,$(filter-out tools/sim/mcu/runner.c,$(wildcard tools/sim/mcu/*.c)))

$(O)/tests/fuzz/fuzz_fwimage: $(O)/tests/fuzz/fuzz_fwimage.o $(FUZZ_MCU_OBJS) $(O)/firmware/sign/image.o
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) $(FUZZ_LINK) -pthread -o $@ $^ -lcrypto

FUZZERS += $(O)/tests/fuzz/fuzz_fwimage
endif
