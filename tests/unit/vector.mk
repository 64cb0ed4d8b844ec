# SPDX-License-Identifier: MIT
$(O)/tests/unit/vector_laws.o: CPPFLAGS += -Itools/sim
$(O)/tests/unit/vector_laws: $(O)/tests/unit/vector_laws.o $(O)/tools/sim/libhart.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lcheck -lsubunit -lrt -lm

TESTS += $(O)/tests/unit/vector_laws
