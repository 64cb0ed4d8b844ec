# SPDX-License-Identifier: MIT
# libgaon: the runtime, the device model and the firmware image in one library.
comma		:= ,
RT_SRCS		:= $(wildcard runtime/*.c runtime/winsys/*.c)
RT_OWN_OBJS	:= $(RT_SRCS:%.c=$(O)/%.o)
# What is exported is made from the header and calls the library's own definitions through a table (runtime/tools).
RT_OBJS		:= $(RT_OWN_OBJS) $(O)/runtime/tools/tools.o $(O)/runtime/tools/entry.o
CALLS_H		:= $(O)/include/runtime/calls.h
CALLS_NAMES	:= $(O)/runtime/tools/names.h
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

$(RT_OWN_OBJS): CPPFLAGS += -include $(CALLS_NAMES)
$(RT_OWN_OBJS): $(CALLS_NAMES)
$(O)/runtime/tools/tools.o $(O)/runtime/tools/entry.o: CPPFLAGS += -Iruntime
$(O)/runtime/tools/tools.o $(O)/runtime/tools/entry.o: | $(CALLS_H)

$(CALLS_NAMES) $(O)/runtime/tools/entry.c $(CALLS_H): include/gaon/gaon.h runtime/tools/calls.py
	@mkdir -p $(@D)
	python3 runtime/tools/calls.py $(if $(filter %/calls.h,$@),table,$(basename $(@F))) $< $@

$(O)/runtime/tools/entry.o: $(O)/runtime/tools/entry.c
	@echo "  CC      $(@:$(O)/%=%)"
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

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
