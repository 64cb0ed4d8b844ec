# SPDX-License-Identifier: MIT
# The runtime over the driver; everything else that runs in guests through it is built for the host's tests.
$(O)/tests/vm/runtime_card: $(O)/tests/vm/runtime/card.o $(LIBGAON)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $< -L$(O) -Wl,-rpath,$(abspath $(O)) -lgaon -lcheck -lsubunit -lrt -lm

VM_GUEST	+= $(O)/tests/vm/runtime_card $(RT_TESTS) $(OPS_TESTS) $(OPS_FIRST) $(O)/tests/conformance/first_program \
		   $(CLI_KERNELS)
