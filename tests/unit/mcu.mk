# SPDX-License-Identifier: MIT
# Tests of the management core, the boot ROM and the firmware.

MCU_LIB_OBJS	:= $(patsubst %.c,$(O)/%.o,$(filter-out tools/sim/mcu/runner.c,$(wildcard tools/sim/mcu/*.c)))
FW_TEST_OBJS	:= $(patsubst %.c,$(O)/%.o,$(filter-out %/firmware_device.c,$(wildcard tests/unit/firmware_*.c)))

$(O)/tests/unit/firmware_test: $(FW_TEST_OBJS) $(MCU_LIB_OBJS) $(FW_EMBED) $(FW_IMAGE_OBJ)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(shell pkg-config --libs check) -lcrypto

TESTS += $(O)/tests/unit/firmware_test

MCU_TEST_OBJS	:= $(patsubst %.c,$(O)/%.o,$(wildcard tests/unit/mcu_*.c))

$(O)/tests/unit/mcu_test: $(MCU_TEST_OBJS) $(MCU_LIB_OBJS)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(shell pkg-config --libs check) -lcrypto

TESTS += $(O)/tests/unit/mcu_test

$(O)/tests/unit/mcu_script_test: tests/unit/mcu_script_test.py $(O)/bin/gaon-sim $(FW_BIN)
	@mkdir -p $(@D)
	@printf '#!/bin/sh\nexport GAON_SOURCE_DIR=%s GAON_BUILD_DIR=%s\nexec /usr/bin/python3 %s "$$@"\n' \
		'$(CURDIR)' '$(abspath $(O))' '$(CURDIR)/$<' >$@
	@chmod +x $@

TESTS += $(O)/tests/unit/mcu_script_test

# The firmware on the real device model.
$(O)/tests/unit/firmware_device: $(O)/tests/unit/firmware_device.o $$(DEV_TEST_HOST) $(FW_EMBED) $$(LIBSIM)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(shell pkg-config --libs check) $(SIM_LIBS)

TESTS += $(O)/tests/unit/firmware_device
