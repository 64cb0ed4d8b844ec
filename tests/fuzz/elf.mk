# SPDX-License-Identifier: MIT
ifneq ($(FUZZ),)
$(O)/tests/fuzz/fuzz_elf: $(O)/tests/fuzz/fuzz_elf.o $(O)/runtime/elf.o $(O)/runtime/elf_attr.o
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) $(FUZZ_LINK) -o $@ $^

FUZZERS += $(O)/tests/fuzz/fuzz_elf
endif
