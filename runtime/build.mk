# SPDX-License-Identifier: MIT
# libgaon: the runtime, the device model and the firmware image in one library.
comma		:= ,
RT_SRCS		:= $(wildcard runtime/*.c runtime/winsys/*.c)
RT_OBJS		:= $(RT_SRCS:%.c=$(O)/%.o)
# What winsys/drm uses; gaon.pc.in names the same libraries.
DRM_CFLAGS	:= -Iinclude/uapi $(shell pkg-config --cflags libdrm libkmod 2>/dev/null)
DRM_LIBS	:= -ldrm -lkmod
# ABI version 0 until the first release; the name without it is for linking.
LIBGAON_SO	:= $(O)/libgaon.so.0
LIBGAON		:= $(O)/libgaon.so
LIBGAON_A	:= $(O)/libgaon.a
# Sanitizers' symbols come from the program.
LIBGAON_DEFS	:= $(if $(SAN),,-Wl$(comma)-z$(comma)defs)
LIBGAON_PC	:= $(O)/gaon.pc

$(filter $(O)/runtime/winsys/drm%,$(RT_OBJS)): CPPFLAGS += $(DRM_CFLAGS)

$(LIBGAON_SO): $(RT_OBJS) $$(FW_EMBED) $$(LIBSIM) runtime/libgaon.map
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -shared -Wl,-soname,$(@F) $(LIBGAON_DEFS) -Wl,-z,relro -Wl,-z,now \
		-Wl,--version-script=runtime/libgaon.map -o $@ $(RT_OBJS) $(FW_EMBED) $(LIBSIM) $(SIM_LIBS) $(DRM_LIBS)

$(LIBGAON): $(LIBGAON_SO)
	@ln -sf $(<F) $@

# With the model's objects in it: one archive to link. Internal names stay hidden only in the shared one.
$(LIBGAON_A): $(RT_OBJS) $$(FW_EMBED) $$(DEV_OBJS) $$(MATRIX_OBJS) $$(HART_OBJS)
	@mkdir -p $(@D)
	rm -f $@
	$(AR) rcs $@ $^

$(LIBGAON_PC): runtime/gaon.pc.in
	@mkdir -p $(@D)
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@VERSION@|$(VERSION)|' $< >$@

ALL += $(LIBGAON) $(LIBGAON_A) $(LIBGAON_PC)
