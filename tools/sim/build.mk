# SPDX-License-Identifier: MIT
# The hart (scalar and vector), the bare ELF runner and their tests.

# The vector unit joins when its decoder is part of the tree; until then its encodings are reserved.
HART_VECTOR	:= $(if $(shell git ls-files tools/sim/hart/vector_decode.c 2>/dev/null),\
			$(wildcard tools/sim/hart/vector*.c))
HART_SRCS	:= $(filter-out tools/sim/hart/vector%.c tools/sim/hart/no_vector.c,\
			$(wildcard tools/sim/hart/*.c)) \
		   $(if $(HART_VECTOR),$(HART_VECTOR),tools/sim/hart/no_vector.c)
HART_OBJS	:= $(HART_SRCS:%.c=$(O)/%.o)
LIBHART		:= $(O)/tools/sim/libhart.a

# The vector unit's files want several host ISAs: their flags live next to them.
-include $(wildcard tools/sim/hart/vector.mk)

$(LIBHART): $(HART_OBJS)
	@mkdir -p $(@D)
	rm -f $@
	$(AR) rcs $@ $^

ALL += $(LIBHART)

# gaon-sim, the bare ELF runner. The management core's half comes from tools/sim/mcu, if it is there.
RUNNER_SRCS	:= $(wildcard tools/sim/runner/*.c)
RUNNER_OBJS	:= $(RUNNER_SRCS:%.c=$(O)/%.o)
RUNNER_MCU	:= $(if $(wildcard tools/sim/mcu/runner.c),\
			$(patsubst %.c,$(O)/%.o,$(wildcard tools/sim/mcu/*.c)))
$(RUNNER_OBJS): CPPFLAGS += -Itools/sim

$(O)/bin/gaon-sim: $(RUNNER_OBJS) $(RUNNER_MCU) $(LIBHART)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lm -lcrypto

ALL += $(O)/bin/gaon-sim
PROGRAMS += $(O)/bin/gaon-sim

# Random programs against an independent emulator.
ISA_OBJS	:= $(patsubst %.c,$(O)/%.o,$(wildcard tests/conformance/isa/isa_*.c))
$(ISA_OBJS): CPPFLAGS += -Itools/sim
$(O)/tests/conformance/isa_diff: $(ISA_OBJS) $(LIBHART)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lm
TESTS += $(if $(ISA_OBJS),$(O)/tests/conformance/isa_diff)

# The device around the harts.
-include tools/sim/dev/dev.mk
