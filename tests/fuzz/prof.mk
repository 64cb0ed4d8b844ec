# SPDX-License-Identifier: MIT
ifneq ($(FUZZ),)
$(O)/tests/fuzz/fuzz_prof.o: CPPFLAGS += -I.
$(O)/tests/fuzz/fuzz_prof.o: | $$(CALLS_H)
$(O)/tests/fuzz/fuzz_prof: $(O)/tests/fuzz/fuzz_prof.o $(filter-out %/cmd_prof.o,$(patsubst %.c,$(O)/%.o,$(wildcard tools/gaon/prof/*.c))) $(O)/tools/gaon/cmd.o \
		$(O)/tools/gaon/card/tree.o
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) $(FUZZ_LINK) -o $@ $^ -ljansson -lm

FUZZERS += $(O)/tests/fuzz/fuzz_prof
endif
