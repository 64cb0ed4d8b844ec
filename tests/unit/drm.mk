# SPDX-License-Identifier: MIT
# winsys/drm over a kernel module that is none: its ioctls in process, over the device model.
DRM_ROOT	:= $(O)/tests/unit/drm_root
DRM_KERNEL_OBJS	:= $(O)/tests/unit/drm_kernel.o $(O)/tests/unit/drm_kernel_sync.o $(O)/tests/unit/drm_kernel_vm.o \
	$(O)/tests/unit/drm_kernel_debug.o
DRM_LIBGAON	:= $(O)/tests/unit/drm_lib/libgaon.so.0

# What the runtime reads of sysfs and /dev when a card is there.
$(DRM_ROOT)/made: tests/unit/drm_root.sh driver/version.sh include/uapi/drm/gaon_accel.h
	@sh $< $(DRM_ROOT)
	@touch $@

$(DRM_KERNEL_OBJS) $(O)/tests/unit/drm_kernel_preload.o $(O)/tests/unit/runtime_drm.o \
	$(O)/tests/unit/runtime_kq.o \
	$(O)/tests/unit/runtime_why.o: private CPPFLAGS += $(DRM_CFLAGS) \
	-DDRM_KERNEL_ROOT='"$(abspath $(DRM_ROOT))"' -DDRM_KERNEL_SCRIPT='"$(abspath tests/unit/drm_root.sh)"'

$(O)/tests/unit/runtime_kq.o: private CPPFLAGS += -DKQ_KERNELS='"$(abspath $(O)/tests/conformance/cli/kernels.elf)"'
$(O)/tests/unit/runtime_kq: $(O)/tests/conformance/cli/kernels.elf

# The library as programs link it, with that kernel below.
$(DRM_LIBGAON): $(RT_OBJS) $(DRM_KERNEL_OBJS) $(O)/tests/unit/drm_kernel_preload.o $$(FW_EMBED) \
		$$(LIBSIM) runtime/libgaon.map $(DRM_ROOT)/made
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -shared -Wl,-soname,$(@F) $(LIBGAON_DEFS) -Wl,-z,now \
		-Wl,--version-script=runtime/libgaon.map -o $@ $(filter %.o,$^) $(LIBSIM) $(SIM_LIBS) \
		$(DRM_LIBS)

DRM_TESTS	:= $(O)/tests/unit/runtime_drm $(O)/tests/unit/runtime_kq $(O)/tests/unit/runtime_why
$(DRM_TESTS): %: %.o $(DRM_KERNEL_OBJS) $(LIBGAON_A) $(DRM_ROOT)/made
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LIBGAON_A) -lcheck -lsubunit -lrt $(SIM_LIBS) \
		$(DRM_LIBS)
TESTS += $(DRM_TESTS)

# The runtime's conformance tests through it, with both kinds of queues.
$(O)/tests/unit/runtime_drm_suite: $(DRM_LIBGAON) $(RT_TESTS)
	@printf '#!/bin/sh\nexport LD_LIBRARY_PATH=%s GAON_DEVICE=accel0 GAON_TEST_ONE_PROCESS=1\nstatus=0\nfor q in user kernel; do for t in %s; do GAON_QUEUE=$$q $$t || status=1; done; done\nexit $$status\n' \
		'$(abspath $(dir $(DRM_LIBGAON)))' '$(abspath $(RT_TESTS))' >$@
	@chmod +x $@
TESTS += $(O)/tests/unit/runtime_drm_suite
TSAN_TESTS += $(O)/tests/unit/runtime_drm_suite

# gaon debug on it: what tests/vm/list/clients.toml has for the driver.
$(O)/tests/unit/runtime_drm_debug: tests/vm/guest/debug.py $(DRM_LIBGAON) $(O)/tests/conformance/debug/kernels.lines \
		| $(O)/gaon/debug.so $(O)/bin/gaon
	@ln -sfn $(abspath $(O))/gaon $(dir $(DRM_LIBGAON))gaon
	@printf '#!/bin/sh\nexport LD_LIBRARY_PATH=%s GAON_DEVICE=accel0 GAON_SOURCE_DIR=%s GAON_BUILD_DIR=%s\nexec /usr/bin/python3 %s all\n' \
		'$(abspath $(dir $(DRM_LIBGAON)))' '$(CURDIR)' '$(abspath $(O))' '$(CURDIR)/$<' >$@
	@chmod +x $@
TESTS += $(O)/tests/unit/runtime_drm_debug
