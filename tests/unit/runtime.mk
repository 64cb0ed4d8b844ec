# SPDX-License-Identifier: MIT
# Inside of the runtime: linked from the archive, where internal names are visible.
RT_UNIT_TESTS	:= $(O)/tests/unit/runtime_queue $(O)/tests/unit/runtime_parts $(O)/tests/unit/runtime_ras

$(O)/tests/unit/runtime_queue: $(O)/tests/unit/runtime_fake.o
$(RT_UNIT_TESTS): %: %.o $(LIBGAON_A)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LIBGAON_A) -lcheck -lsubunit -lrt $(SIM_LIBS) $(DRM_LIBS)

TESTS += $(RT_UNIT_TESTS)
TSAN_TESTS += $(O)/tests/unit/runtime_queue
