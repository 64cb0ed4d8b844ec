# SPDX-License-Identifier: MIT
# The operators, the digits and a writer's first kernel, on the device through libgaon.
OPS_TEST_COMMON	:= $(O)/tests/conformance/ops_common.o
OPS_TESTS	:= $(patsubst %.c,$(O)/%,$(filter-out %/ops_common.c,$(wildcard tests/conformance/ops_*.c)))

$(OPS_TESTS): %: %.o $(OPS_TEST_COMMON) $(O)/libgaonops.so $(O)/libgaon.so $(O)/bin/gaoncc $(O)/bin/gaon-demo-digits
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $< $(OPS_TEST_COMMON) -L$(O) -Wl,-rpath,$(abspath $(O)) \
		-lgaonops -lgaon -lcheck -lsubunit -lrt -lm

$(OPS_TESTS:%=%.o) $(OPS_TEST_COMMON): CPPFLAGS += -DGAONCC='"$(abspath $(O))/bin/gaoncc"' \
	-DSAN_FLAGS='"$(if $(SAN),-fsanitize=$(SAN))"' \
	-DSOURCE_DIR='"$(CURDIR)"' -DBUILD_DIR='"$(abspath $(O))"'

ifneq ($(wildcard runtime/build.mk),)
TESTS		+= $(OPS_TESTS)
TSAN_TESTS	+= $(filter %/ops_rows,$(OPS_TESTS))
endif
