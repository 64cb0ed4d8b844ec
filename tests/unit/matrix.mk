# SPDX-License-Identifier: MIT
# The matrix unit's test, with the emulated AMX tiles in it.
include tools/sim/matrix/matrix.mk
MATRIX_TEST_SRCS := tests/unit/matrix_test.c tests/unit/matrix_oracle.c tests/unit/matrix_directed.c \
		    tests/unit/matrix_narrowing.c tests/unit/matrix_amx_emulated.c
MATRIX_TEST_OBJS := $(MATRIX_TEST_SRCS:%.c=$(O)/%.o)

# The oracle's integers are slow without optimisation, and nothing may be contracted.
$(MATRIX_TEST_OBJS): CFLAGS += -O2 -ffp-contract=off
ifeq ($(shell uname -m),x86_64)
$(O)/tests/unit/matrix_amx_emulated.o: CFLAGS += -march=x86-64-v4 -mavx512vnni
endif

$(O)/tests/unit/matrix_test: $(MATRIX_TEST_OBJS) $(MATRIX_OBJS)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -pthread -o $@ $^ -lm

TESTS += $(O)/tests/unit/matrix_test
