# SPDX-License-Identifier: MIT
ifneq ($(FUZZ),)
$(O)/tests/fuzz/fuzz_dump: $(O)/tests/fuzz/fuzz_dump.o $(O)/tools/gaon/coredump_parse.o $(O)/tools/gaon/coredump_text.o \
		$(O)/tools/gaon/coredump_json.o
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) $(FUZZ_LINK) -o $@ $^ -ljansson

FUZZERS += $(O)/tests/fuzz/fuzz_dump
endif
