# SPDX-License-Identifier: MIT
# The vector unit against qemu-riscv64: a guest program that both run, and the comparison.
VECTOR_DIFF_OBJS := $(patsubst %.c,$(O)/%.o,$(wildcard tests/conformance/vector/vector_*.c))
$(VECTOR_DIFF_OBJS): CPPFLAGS += -Itools/sim

$(O)/tests/conformance/vector/guest.elf: tests/conformance/vector/guest.S
	@mkdir -p $(@D)
	$(DEVICE_CC) --target=riscv64-unknown-elf -march=rv64gcv -mno-relax -nostdlib -static \
		-fuse-ld=lld-22 -Wl,-Ttext=0x11000,-Tdata=0x1000000,-Tbss=0x1100000,-z,separate-code \
		-Wl,--section-start=.slots=0x8000000,--section-start=.mem=0x10000000 -o $@ $<

$(O)/tests/conformance/vector/vector_diff: $(VECTOR_DIFF_OBJS) $(O)/tools/sim/libhart.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lm

# The test runner calls programs without arguments.
$(O)/tests/conformance/vector_test: $(O)/tests/conformance/vector/vector_diff \
		$(O)/tests/conformance/vector/guest.elf
	@printf '#!/bin/sh\nd=$$(dirname "$$0")/vector\nexec "$$d/vector_diff" "$$d/guest.elf" "$$@"\n' >$@
	@chmod +x $@

# The same against an emulator that knows Zvfh and the bf16 extensions, which Debian 12's does not.
$(O)/tests/conformance/vector_new_test: $(O)/tests/conformance/vector_test tools/setup/qemu.sh
	@printf '#!/bin/sh\nGAON_QEMU_RISCV64=$$(sh %s) || exit 1\nexport GAON_QEMU_RISCV64\nexec %s "$$@"\n' \
		'$(CURDIR)/tools/setup/qemu.sh' '$(abspath $<)' >$@
	@chmod +x $@

TESTS += $(O)/tests/conformance/vector_test $(O)/tests/conformance/vector_new_test
