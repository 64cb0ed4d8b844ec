# SPDX-License-Identifier: MIT
# What `gaon coredump` makes of files.
$(O)/tests/unit/coredump: $(O)/tests/unit/coredump.o $(O)/tools/gaon/coredump_parse.o $(O)/tools/gaon/coredump_text.o \
		$(O)/tools/gaon/coredump_json.o
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lcheck -lsubunit -ljansson -lm -lrt

TESTS += $(O)/tests/unit/coredump
