# SPDX-License-Identifier: MIT
ifneq ($(FUZZ),)
FUZZ_RECORD_OBJS := $(filter-out %/cmd_record.o %/cmd_replay.o,$(patsubst %.c,$(O)/%.o,$(wildcard tools/gaon/record/*.c)))
$(O)/tests/fuzz/fuzz_record.o: CPPFLAGS += -I.
$(O)/tests/fuzz/fuzz_record.o: | $$(CALLS_H)
$(O)/tests/fuzz/fuzz_record: $(O)/tests/fuzz/fuzz_record.o $(FUZZ_RECORD_OBJS)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) $(FUZZ_LINK) -o $@ $^ -lz -lpthread

FUZZERS += $(O)/tests/fuzz/fuzz_record
endif
