# SPDX-License-Identifier: MIT
ifneq ($(FUZZ),)
$(O)/tests/fuzz/fuzz_vfio: $(O)/tests/fuzz/fuzz_vfio.o $$(VFIO_OBJS) $$(LIBSIM)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) $(FUZZ_LINK) -pthread -o $@ $^ $(VFIO_LIBS) $(SIM_LIBS)

FUZZERS += $(O)/tests/fuzz/fuzz_vfio
endif
