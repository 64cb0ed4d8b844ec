# SPDX-License-Identifier: MIT
# Device headers on the host, and the operators' host side.
$(O)/tests/unit/ops_math.o: CFLAGS += -fno-math-errno
ifeq ($(shell uname -m),x86_64)
$(O)/tests/unit/ops_math.o: CFLAGS += -march=x86-64-v3	# the functions want fused multiply-add
endif

$(O)/tests/unit/ops_math: $(O)/tests/unit/ops_math.o
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lcheck -lsubunit -lrt -lm

$(O)/tests/unit/ops_tiling: $(O)/tests/unit/ops_tiling.o $(O)/libgaonops.so
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $< -L$(O) -Wl,-rpath,$(abspath $(O)) -lgaonops -lgaon \
		-lcheck -lsubunit -lrt -lm

TESTS += $(O)/tests/unit/ops_math
ifneq ($(wildcard runtime/build.mk),)
TESTS += $(O)/tests/unit/ops_tiling
endif
