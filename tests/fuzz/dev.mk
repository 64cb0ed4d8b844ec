# SPDX-License-Identifier: MIT
ifneq ($(FUZZ),)
$(O)/tests/fuzz/fuzz_regs: $(O)/tests/fuzz/fuzz_regs.o $$(LIBSIM)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) $(FUZZ_LINK) -pthread -o $@ $^ $(SIM_LIBS)

FUZZERS += $(O)/tests/fuzz/fuzz_regs
endif
