# SPDX-License-Identifier: MIT
# The vfio-user server: a client in the same process, over a socketpair.
VFIO_TEST_HOST	:= $(O)/tests/unit/vfio_client.o $(O)/tests/unit/dev_host.o
VFIO_TESTS	:= $(patsubst %.c,$(O)/%,$(filter-out %/vfio_client.c,$(wildcard tests/unit/vfio_*.c)))

$(VFIO_TESTS): %: %.o $(VFIO_TEST_HOST) $$(VFIO_OBJS) $$(FW_EMBED) $$(LIBSIM)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lcheck -lsubunit -lrt $(VFIO_LIBS) $(SIM_LIBS)

TESTS += $(VFIO_TESTS)
TSAN_TESTS += $(VFIO_TESTS)
