# SPDX-License-Identifier: MIT
# gaon-demo-digits, with its images built in.
DEMO_OBJ	:= $(patsubst %.c,$(O)/%.o,$(wildcard tools/demo/*.c))
DEMO_DIGITS	:= $(O)/bin/gaon-demo-digits

$(O)/tools/demo/digits_data.o: tools/demo/data/digits.csv
# Compiler caches up to now do not look into what #embed names.
$(O)/tools/demo/digits_data.o: private export CCACHE_DISABLE := 1
$(O)/tools/demo/digits_data.o: CFLAGS += -Wno-c23-extensions --embed-dir=tools/demo/data

$(DEMO_DIGITS): $(DEMO_OBJ) $(O)/libgaonops.so $(O)/libgaon.so
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(DEMO_OBJ) -L$(O) $(call rpath,'$$ORIGIN/..' '$$ORIGIN/../lib') \
		-lgaonops -lgaon -ljansson -lm

ifneq ($(wildcard runtime/build.mk),)
ALL		+= $(DEMO_DIGITS)
PROGRAMS	+= $(DEMO_DIGITS)
endif
