# SPDX-License-Identifier: MIT
# The operators, the digits and a writer's first kernel, on the device through libgaon.
OPS_TEST_COMMON	:= $(patsubst %,$(O)/tests/conformance/%.o,ops_common ops_views ops_weights)
OPS_TESTS	:= $(patsubst %.c,$(O)/%,$(filter-out $(OPS_TEST_COMMON:$(O)/%.o=%.c),$(wildcard tests/conformance/ops_*.c)))

$(OPS_TESTS): %: %.o $(OPS_TEST_COMMON) $(O)/libgaonops.so $(O)/libgaon.so $(O)/bin/gaoncc $(O)/bin/gaon-demo-digits
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $< $(OPS_TEST_COMMON) -L$(O) -Wl,-rpath,$(abspath $(O)) \
		-lgaonops -lgaon -lcheck -lsubunit -lrt -lm

# Kernels that are compiled here, so that a machine without the compiler can run the tests; and the guide's first.
OPS_KIT		:= $(O)/tests/conformance/ops/kit.elf
OPS_FIRST	:= $(O)/tests/conformance/ops/first
$(OPS_KIT): tests/conformance/ops/kit.c $$(GAONCC_DEPS) $(O)/bin/gaoncc
	@mkdir -p $(@D)
	$(O)/bin/gaoncc -O2 -Wall -Wextra -Werror -o $@ $<
$(O)/tests/conformance/ops_device: $(OPS_KIT)
$(OPS_FIRST).elf: Documentation/kernels/first.c $$(GAONCC_DEPS) $(O)/bin/gaoncc
	@mkdir -p $(@D)
	$(O)/bin/gaoncc -O3 -o $@ $<
$(OPS_FIRST): $(O)/Documentation/kernels/first_host.o $(LIBGAON) $(OPS_FIRST).elf
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $< -L$(O) -Wl,-rpath,$(abspath $(O)) -lgaon

$(OPS_TESTS:%=%.o) $(OPS_TEST_COMMON): CPPFLAGS += -DGAONCC='"$(abspath $(O))/bin/gaoncc"' \
	-DOPS_KIT='"$(abspath $(OPS_KIT))"' -DSAN_FLAGS='"$(if $(SAN),-fsanitize=$(SAN))"' \
	-DSOURCE_DIR='"$(CURDIR)"' -DBUILD_DIR='"$(abspath $(O))"'

ifneq ($(wildcard runtime/build.mk),)
TESTS		+= $(OPS_TESTS)
TSAN_TESTS	+= $(filter %/ops_rows,$(OPS_TESTS))

# The operators' results do not depend on what is compiled: nothing, and everything at once.
OPS_COMPILED	:= $(O)/tests/conformance/compiled_operators
OPS_AGAIN	:= $(filter $(addprefix %/ops_,elementwise rows map copy norm layout sort window),$(abspath $(OPS_TESTS)))
$(OPS_COMPILED): $(OPS_TESTS)
	@printf '#!/bin/sh\nstatus=0\nfor how in 0 1; do\nfor t in %s; do\nGAON_SIM_COMPILE=$$how $$t || status=1\ndone\ndone\nexit $$status\n' \
		'$(OPS_AGAIN)' >$@
	@chmod +x $@
TESTS += $(OPS_COMPILED)
endif
