# SPDX-License-Identifier: MIT
# The runtime against its header's promises, on the shared library as programs link it.
RT_TEST_ELF	:= $(O)/tests/conformance/runtime/kernels.elf
RT_TEST_HELP	:= $(O)/tests/conformance/runtime/rt.o
RT_TESTS	:= $(patsubst %.c,$(O)/%,$(wildcard tests/conformance/runtime_*.c))

$(RT_TEST_ELF): tests/conformance/runtime/kernels.c tests/conformance/runtime/kernels.h $(GAONCC_DEPS) $(O)/bin/gaoncc
	@mkdir -p $(@D)
	$(O)/bin/gaoncc -O2 -Wall -Wextra -Werror -o $@ $<

$(RT_TEST_HELP) $(RT_TESTS:%=%.o): private CPPFLAGS += -DRT_KERNELS='"$(abspath $(RT_TEST_ELF))"'
$(RT_TESTS): %: %.o $(RT_TEST_HELP) $(RT_TEST_ELF) $(LIBGAON)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $*.o $(RT_TEST_HELP) -L$(O) -Wl,-rpath,$(abspath $(O)) -lgaon \
		-lcheck -lsubunit -lrt -lm

TESTS += $(RT_TESTS)
TSAN_TESTS += $(RT_TESTS)

# The guide's first program, as the guide says to build and run it.
$(O)/tests/conformance/first.elf: Documentation/runtime/first/saxpy.c Documentation/runtime/first/saxpy.h \
		$(GAONCC_DEPS) $(O)/bin/gaoncc
	@mkdir -p $(@D)
	$(O)/bin/gaoncc -O3 -o $@ $<
$(O)/tests/conformance/first_program: $(O)/Documentation/runtime/first/first.o \
		$(O)/tests/conformance/first.elf $(LIBGAON)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@.bin $< -L$(O) -Wl,-rpath,$(abspath $(O)) -lgaon
	@printf '#!/bin/sh\nexec %s.bin %s\n' '$(abspath $@)' '$(abspath $(O))/tests/conformance/first.elf' >$@
	@chmod +x $@
TESTS += $(O)/tests/conformance/first_program
