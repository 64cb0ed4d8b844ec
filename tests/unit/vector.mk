# SPDX-License-Identifier: MIT
VECTOR_TESTS	:= $(O)/tests/unit/vector_laws $(O)/tests/unit/vector_exact $(O)/tests/unit/vector_compiled

$(VECTOR_TESTS:=.o): CPPFLAGS += -Itools/sim
$(VECTOR_TESTS): %: %.o $(O)/tools/sim/libhart.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lcheck -lsubunit -lrt -lm

TESTS += $(VECTOR_TESTS)
