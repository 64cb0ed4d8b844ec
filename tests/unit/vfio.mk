# SPDX-License-Identifier: MIT
# The vfio-user server: a client in the same process, over a socketpair.
VFIO_TEST_HOST	:= $(O)/tests/unit/vfio_client.o $(O)/tests/unit/dev_host.o
VFIO_TESTS	:= $(patsubst %.c,$(O)/%,$(filter-out %/vfio_client.c,$(wildcard tests/unit/vfio_*.c)))

$(VFIO_TESTS): %: %.o $(VFIO_TEST_HOST) $$(VFIO_OBJS) $$(FW_EMBED) $$(LIBSIM)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lcheck -lsubunit -lrt $(VFIO_LIBS) $(SIM_LIBS)

TESTS += $(VFIO_TESTS)
TSAN_TESTS += $(VFIO_TESTS)

# The process around it.
$(O)/tests/unit/vfio_server_test: tests/unit/vfio_server_test.py $(O)/bin/gaon-sim $$(FW_BIN)
	@mkdir -p $(@D)
	@printf '#!/bin/sh\nexec /usr/bin/python3 %s %s %s "%s"\n' '$(CURDIR)/$<' '$(abspath $(O))/bin/gaon-sim' \
		'$(abspath $(FW_BIN))' '$(SAN)' >$@
	@chmod +x $@
TESTS += $(O)/tests/unit/vfio_server_test

# The engines on host memory without pointers, as a client that shares none makes them work.
REMOTE_TESTS	:= $(addprefix $(O)/tests/remote/,unit/engine_launch unit/engine_preempt unit/engine_time \
			$(addprefix conformance/device_,xgaon xgaon_gemm packets packet_order))
$(REMOTE_TESTS): $(O)/tests/remote/%: $(O)/tests/%
	@mkdir -p $(@D)
	@printf '#!/bin/sh\nGAON_TEST_REMOTE=1 exec %s "$$@"\n' '$(abspath $<)' >$@
	@chmod +x $@
TESTS += $(REMOTE_TESTS)
TSAN_TESTS += $(filter %/engine_preempt,$(REMOTE_TESTS))
