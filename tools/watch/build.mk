# SPDX-License-Identifier: MIT
# Tools libraries that GAON_TOOLS names: $(LIBDIR)/gaon/NAME.so, beside libgaon, whose version they are of.
WATCH_OBJS	:= $(patsubst %.c,$(O)/%.o,$(wildcard tools/watch/*.c))
WATCH_TOOLS	:= prof record
WATCH_LIBS	:= $(WATCH_TOOLS:%=$(O)/gaon/%.so)
watch_objs	= $(patsubst %.c,$(O)/%.o,$(wildcard tools/watch/$1/*.c)) $(O)/tools/watch/$1/wrappers.o

$(WATCH_OBJS) $(foreach tool,$(WATCH_TOOLS),$(call watch_objs,$(tool))): CPPFLAGS += -I. -Itools/watch
$(WATCH_OBJS) $(foreach tool,$(WATCH_TOOLS),$(call watch_objs,$(tool))): | $$(CALLS_H)

$(WATCH_TOOLS:%=$(O)/tools/watch/%/wrappers.c): $(O)/tools/watch/%/wrappers.c: tools/watch/%/hooks.h include/gaon/gaon.h \
		runtime/tools/calls.py
	@mkdir -p $(@D)
	python3 runtime/tools/calls.py layer include/gaon/gaon.h $@ $<

$(WATCH_TOOLS:%=$(O)/tools/watch/%/wrappers.o): %.o: %.c
	@echo "  CC      $(@:$(O)/%=%)"
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

# What it calls of libgaon it is given: it must not bring another.
$(WATCH_LIBS): $(O)/gaon/%.so: $$(call watch_objs,$$*) $(WATCH_OBJS)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -shared -Wl,-z,relro -Wl,-z,now $(LIBGAON_DEFS) -o $@ $^ -lz

# The debugger watches no calls: it has no wrappers (runtime/debug.h).
DEBUG_OBJS	:= $(patsubst %.c,$(O)/%.o,$(wildcard tools/watch/debug/*.c))
DEBUG_LIB	:= $(O)/gaon/debug.so
$(DEBUG_OBJS): CPPFLAGS += -I.
$(DEBUG_OBJS): | $$(CALLS_H)
$(DEBUG_LIB): $(DEBUG_OBJS)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -shared -Wl,-z,relro -Wl,-z,now $(LIBGAON_DEFS) -o $@ $^
WATCH_LIBS	+= $(DEBUG_LIB)

ALL += $(WATCH_LIBS)
