# SPDX-License-Identifier: MIT
# Frameworks that others wrote, with our plug-ins in them. Programs run in the root that the framework comes from.
GGML_TESTS	:= $(patsubst %.c,$(O)/%,$(filter-out %_cases.c,$(wildcard tests/frameworks/ggml_*.c)))
GGML_CASES	:= $(O)/tests/frameworks/ggml_cases.o

$(GGML_TESTS:%=%.o) $(GGML_CASES): CPPFLAGS += -isystem $(GGML_INCLUDE) -Iruntime/frameworks/ggml \
	-DGGML_PLUGIN='"$(abspath $(GGML_PLUGIN))"'
$(GGML_TESTS:%=%.o) $(GGML_CASES): | $(LLAMA_ROOT)
$(O)/tests/frameworks/ggml_ops.program: $(GGML_CASES)
# The framework's libraries want a newer C library than this machine's, which their loader finds.
$(GGML_TESTS:%=%.program): %.program: %.o $(LIBGAON)
	$(CC) $(CFLAGS) $(LDFLAGS) -Wl,--allow-shlib-undefined -rdynamic -o $@ $(filter %.o,$^) -L$(O) -Wl,-rpath,$(abspath $(O)) -lgaon \
		$(GGML_LIBS) -lggml -lm
$(GGML_TESTS): %: %.program $(GGML_PLUGIN)
	@printf '#!/bin/sh\nexec sh %s %s "$$@"\n' '$(CURDIR)/tools/setup/llama.sh' '$(abspath $<)' >$@
	@chmod +x $@

TESTS += $(GGML_TESTS)
