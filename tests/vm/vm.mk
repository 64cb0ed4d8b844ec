# SPDX-License-Identifier: MIT
# What runs in guests: the agent; other directories add their programs to VM_GUEST.
$(O)/tests/vm/gaon-agent: $(O)/tests/vm/guest/agent.o
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

VM_GUEST	+= $(O)/tests/vm/gaon-agent
vm-programs: all $$(VM_GUEST)
.PHONY: vm-programs
