# SPDX-License-Identifier: MIT
ifneq ($(FUZZ),)
$(O)/tests/fuzz/fuzz_debug.o: CPPFLAGS += -I.
$(O)/tests/fuzz/fuzz_debug: $(O)/tests/fuzz/fuzz_debug.o $(patsubst %,$(O)/tools/watch/debug/%.o,rsp stub xml)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) $(FUZZ_LINK) -o $@ $^

FUZZERS += $(O)/tests/fuzz/fuzz_debug
endif
