# SPDX-License-Identifier: MIT
# What all test programs of Check have in common.
$(O)/tests/unit/check_hang: %: %.o
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lcheck -lsubunit -lrt -lm

TESTS += $(O)/tests/unit/check_hang
