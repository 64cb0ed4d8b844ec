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

# The operators' results do not depend on what is compiled: nothing, and everything at once.
OPS_COMPILED	:= $(O)/tests/conformance/compiled_operators
$(OPS_COMPILED): $(OPS_TESTS)
	@printf '#!/bin/sh\nstatus=0\nfor GAON_SIM_COMPILE in 0 1; do\nexport GAON_SIM_COMPILE\nfor t in %s; do $$t || status=1; done\ndone\nexit $$status\n' \
		'$(filter %/ops_elementwise %/ops_rows,$(abspath $(OPS_TESTS)))' >$@
	@chmod +x $@
TESTS += $(OPS_COMPILED)
endif
