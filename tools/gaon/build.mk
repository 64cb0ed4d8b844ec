# SPDX-License-Identifier: MIT
# The gaon command. Its benchmark kernels are those of tests/bench, embedded; those of `gaon diag` are its own.
GAON_CLI_OBJS	:= $(patsubst %.c,$(O)/%.o,$(wildcard tools/gaon/*.c tools/gaon/*/*.c)) $(O)/tools/gaon/bench_kernels_elf.o \
		   $(O)/tools/gaon/diag/kernels_elf.o \
		   $(O)/firmware/sign/image.o
GAON_CLI	:= $(O)/bin/gaon
$(filter $(O)/tools/gaon/prof/% $(O)/tools/gaon/record/%,$(GAON_CLI_OBJS)): CPPFLAGS += -I.
$(filter $(O)/tools/gaon/prof/% $(O)/tools/gaon/record/%,$(GAON_CLI_OBJS)): | $$(CALLS_H)
$(O)/tools/gaon/coredump_symbol.o: private CPPFLAGS += -DLLVM_VERSION='"$(LLVM)"'

$(O)/tools/gaon/bench_kernels.elf: tests/bench/kernels/scalar.c tests/bench/kernels/bench_kernels.h \
		$$(GAONCC_DEPS) $(O)/bin/gaoncc
	@mkdir -p $(@D)
	$(O)/bin/gaoncc -O3 -o $@ $<

$(O)/tools/gaon/bench_kernels_elf.o: tools/gaon/bench_kernels_elf.S $(O)/tools/gaon/bench_kernels.elf
	@mkdir -p $(@D)
	$(CC) -DELF='"$(O)/tools/gaon/bench_kernels.elf"' -c -o $@ $<

$(O)/tools/gaon/diag/kernels.elf: $(wildcard tools/gaon/diag/kernels/*.c) tools/gaon/diag/diag_args.h \
		$$(GAONCC_DEPS) $(O)/bin/gaoncc
	@mkdir -p $(@D)
	$(O)/bin/gaoncc -std=gnu11 -O2 -Wall -Wextra -Werror -Wshadow -o $@ $(filter %.c,$^)

$(O)/tools/gaon/diag/kernels_elf.o: tools/gaon/diag/kernels_elf.S $(O)/tools/gaon/diag/kernels.elf
	@mkdir -p $(@D)
	$(CC) -DELF='"$(O)/tools/gaon/diag/kernels.elf"' -c -o $@ $<

$(GAON_CLI): $(GAON_CLI_OBJS) $(O)/libgaon.so $(O)/libgaonops.so
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $(GAON_CLI_OBJS) -L$(O) $(call rpath,'$$ORIGIN/..' '$$ORIGIN/../lib') \
		-lgaonops -lgaon -ljansson -lkmod -lmicrohttpd -lcrypto -lncursesw -ltinfo -lz -lm

ifneq ($(wildcard runtime/build.mk),)
ALL += $(GAON_CLI)
endif
