# SPDX-License-Identifier: MIT
# Tests of the device model's device side.  Those that speak to the real firmware embed its image.
DEV_TEST_HOST	:= $(O)/tests/unit/dev_host.o $(O)/tests/unit/dev_sim.o
DEV_TESTS	:= $(patsubst %.c,$(O)/%,$(filter-out %/dev_host.c %/dev_sim.c,$(wildcard tests/unit/dev_*.c)))

$(DEV_TESTS): %: %.o $(DEV_TEST_HOST) $$(FW_EMBED) $$(LIBSIM)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lcheck -lsubunit -lrt $(SIM_LIBS)

TESTS += $(DEV_TESTS)
TSAN_TESTS += $(filter %/dev_run,$(DEV_TESTS))
