# SPDX-License-Identifier: MIT
# Frameworks that others wrote, with our plug-ins in them. Programs run in the root that the framework comes from.
GGML_TESTS	:= $(patsubst %.c,$(O)/%,$(wildcard tests/frameworks/ggml_*.c))

$(GGML_TESTS:%=%.o): CPPFLAGS += -isystem $(GGML_INCLUDE) -Iruntime/frameworks/ggml \
	-DGGML_PLUGIN='"$(abspath $(GGML_PLUGIN))"'
$(GGML_TESTS:%=%.o): | $(LLAMA_ROOT)
# The framework's libraries want a newer C library than this machine's, which their loader finds.
$(GGML_TESTS:%=%.program): %.program: %.o $(LIBGAON)
	$(CC) $(CFLAGS) $(LDFLAGS) -Wl,--allow-shlib-undefined -rdynamic -o $@ $< -L$(O) -Wl,-rpath,$(abspath $(O)) -lgaon \
		$(GGML_LIBS) -lggml -lm
$(GGML_TESTS): %: %.program $(GGML_PLUGIN)
	@printf '#!/bin/sh\nexec sh %s %s "$$@"\n' '$(CURDIR)/tools/setup/llama.sh' '$(abspath $<)' >$@
	@chmod +x $@

TESTS += $(GGML_TESTS)
