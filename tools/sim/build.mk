# SPDX-License-Identifier: MIT
# The hart (scalar and vector), the bare ELF runner and their tests.

HART_SRCS	:= $(wildcard tools/sim/hart/*.c)
HART_OBJS	:= $(HART_SRCS:%.c=$(O)/%.o)
LIBHART		:= $(O)/tools/sim/libhart.a

# The vector unit's files want several host ISAs: their flags live next to them.
-include $(wildcard tools/sim/hart/vector.mk)

$(LIBHART): $(HART_OBJS)
	@mkdir -p $(@D)
	rm -f $@
	$(AR) rcs $@ $^

ALL += $(LIBHART)
