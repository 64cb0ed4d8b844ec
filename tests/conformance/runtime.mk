# SPDX-License-Identifier: MIT
# The runtime against its header's promises, on the shared library as programs link it.
RT_TEST_ELF	:= $(O)/tests/conformance/runtime/kernels.elf
RT_TEST_HELP	:= $(O)/tests/conformance/runtime/rt.o
RT_TESTS	:= $(patsubst %.c,$(O)/%,$(wildcard tests/conformance/runtime_*.c))

$(RT_TEST_ELF): tests/conformance/runtime/kernels.c tests/conformance/runtime/kernels.h $$(GAONCC_DEPS) $(O)/bin/gaoncc
	@mkdir -p $(@D)
	$(O)/bin/gaoncc -O2 -Wall -Wextra -Werror -o $@ $<

$(RT_TEST_HELP) $(RT_TESTS:%=%.o): private CPPFLAGS += -DRT_KERNELS='"$(abspath $(RT_TEST_ELF))"' \
	-DRT_FIRMWARE='"$(abspath $(FW_BIN))"'
$(RT_TESTS): %: %.o $(RT_TEST_HELP) $(RT_TEST_ELF) $(LIBGAON) $(FW_BIN)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $*.o $(RT_TEST_HELP) -L$(O) -Wl,-rpath,$(abspath $(O)) -lgaon \
		-lcheck -lsubunit -lrt -lm

TESTS += $(RT_TESTS)
TSAN_TESTS += $(RT_TESTS)

# The guide's first program, as the guide says to build and run it.
$(O)/tests/conformance/first.elf: Documentation/runtime/first/saxpy.c Documentation/runtime/first/saxpy.h \
		$$(GAONCC_DEPS) $(O)/bin/gaoncc
	@mkdir -p $(@D)
	$(O)/bin/gaoncc -O3 -o $@ $<
$(O)/tests/conformance/first_program: $(O)/Documentation/runtime/first/first.o \
		$(O)/tests/conformance/first.elf $(LIBGAON)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@.bin $< -L$(O) -Wl,-rpath,$(abspath $(O)) -lgaon
	@printf '#!/bin/sh\nexec %s.bin %s\n' '$(abspath $@)' '$(abspath $(O))/tests/conformance/first.elf' >$@
	@chmod +x $@
TESTS += $(O)/tests/conformance/first_program

$(O)/tests/conformance/runtime_symbols: tests/conformance/runtime_symbols.py $(LIBGAON) $(O)/libgaonops.so
	@mkdir -p $(@D)
	@printf '#!/bin/sh\nexport GAON_SOURCE_DIR=%s GAON_BUILD_DIR=%s CC="%s"\nexec python3 %s\n' \
		'$(CURDIR)' '$(abspath $(O))' '$(CC)' '$(CURDIR)/$<' >$@
	@chmod +x $@
TESTS += $(O)/tests/conformance/runtime_symbols

# The same with asynchronous effects as early and as late as the specification allows, with the
# device run only by those who wait, and watched.
RT_VARIANTS	:= $(O)/tests/conformance/runtime_early $(O)/tests/conformance/runtime_late \
		   $(O)/tests/conformance/runtime_one_thread $(O)/tests/conformance/runtime_profiled
$(O)/tests/conformance/runtime_early: RT_ENV := GAON_SIM_EFFECTS=early
$(O)/tests/conformance/runtime_late: RT_ENV := GAON_SIM_EFFECTS=late
$(O)/tests/conformance/runtime_one_thread: RT_ENV := GAON_SIM_THREADS=1
# The profiler between them and the library changes nothing.
$(O)/tests/conformance/runtime_profiled: RT_ENV := GAON_PROF_DIR=$$(mktemp -d) GAON_TOOLS=$(abspath $(O))/gaon/prof.so
$(O)/tests/conformance/runtime_profiled: RT_END := rm -r "$$GAON_PROF_DIR";
$(O)/tests/conformance/runtime_profiled: $(O)/gaon/prof.so
$(RT_VARIANTS): $(RT_TESTS)
	@printf '#!/bin/sh\n# $(RT_ENV)\nexport $(RT_ENV)\nstatus=0\nfor t in %s; do $$t || status=1; done\n$(RT_END) exit $$status\n' \
		'$(abspath $(RT_TESTS))' >$@
	@chmod +x $@
TESTS += $(RT_VARIANTS)
