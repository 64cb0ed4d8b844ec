# SPDX-License-Identifier: MIT
# Frameworks that others wrote, with our plug-ins in them: operators with and without sanitizers, a whole model without.
# Programs run in the root that the framework comes from.
GGML_KIT	:= $(O)/tests/frameworks/ggml_cases.o
LLAMA_KIT	:= $(O)/tests/frameworks/llama_kit.o
LLAMA_TESTS	:= $(patsubst %.c,$(O)/%,$(filter-out %_kit.c,$(wildcard tests/frameworks/llama_*.c)))
GGML_TESTS	:= $(patsubst %.c,$(O)/%,$(filter-out %_cases.c,$(wildcard tests/frameworks/ggml_*.c)))
FRAMEWORK_TESTS	:= $(GGML_TESTS) $(LLAMA_TESTS)

$(FRAMEWORK_TESTS:%=%.o) $(GGML_KIT) $(LLAMA_KIT): CPPFLAGS += -isystem $(GGML_INCLUDE) -Iruntime/frameworks/ggml \
	-DGGML_PLUGIN='"$(abspath $(GGML_PLUGIN))"'
$(FRAMEWORK_TESTS:%=%.o) $(GGML_KIT) $(LLAMA_KIT): | $(LLAMA_ROOT)
$(O)/tests/frameworks/ggml_plugin.o: CPPFLAGS += -I/usr/include/libdrm
$(O)/tests/frameworks/ggml_ops.program: $(GGML_KIT)
$(LLAMA_TESTS:%=%.program): $(LLAMA_KIT)
# The framework's libraries want a newer C library than this machine's, which their loader finds.
$(FRAMEWORK_TESTS:%=%.program): %.program: %.o $(LIBGAON)
	$(CC) $(CFLAGS) $(LDFLAGS) -Wl,--allow-shlib-undefined,--as-needed -rdynamic -o $@ $(filter %.o,$^) -L$(O) -Wl,-rpath,$(abspath $(O)) -lgaon \
		$(GGML_LIBS) -lggml -lllama -lm
# A text that is in the public domain, for a model to foretell.
GGML_TEXT	:= $(O)/tests/frameworks/us-constitution
$(GGML_TEXT): /usr/share/state/us-constitution.gz
	@mkdir -p $(@D)
	gzip -dc $< >$@
$(O)/tests/frameworks/llama_perplexity: $(GGML_TEXT)
# ggml's threads spin where they wait for each other, which takes the processor from those that they wait for.
$(FRAMEWORK_TESTS): %: %.program $(GGML_PLUGIN)
	@{ echo '#!/bin/sh'; echo 'export OMP_WAIT_POLICY=passive GAON_TEXT=$(abspath $(GGML_TEXT))'; case $(@F) in llama_*) \
		echo 'GAON_LLM=$$(sh $(CURDIR)/tools/setup/model.sh) || exit 1; export GAON_LLM';; esac; \
		echo 'exec sh $(CURDIR)/tools/setup/llama.sh $(abspath $<) "$$@"'; } >$@
	@chmod +x $@

# libgaon once more, with a door to the embedded device for tests: other programs find it before the real one.
PROBE_LIB	:= $(O)/tests/frameworks/probe/libgaon.so.0
$(PROBE_LIB): $(RT_OBJS) $$(FW_EMBED) $$(LIBSIM) $(O)/tests/frameworks/probe.o runtime/libgaon.map
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -shared -Wl,-soname,$(@F) -Wl,--version-script=runtime/libgaon.map -o $@ $(RT_OBJS) $(FW_EMBED) \
		$(LIBSIM) $(O)/tests/frameworks/probe.o $(SIM_LIBS) $(DRM_LIBS)

LLM_SCRIPTS	:= $(patsubst %.py,$(O)/%,$(wildcard tests/frameworks/*_test.py))
$(LLM_SCRIPTS): $(O)/%: %.py tests/frameworks/llm_kit.py $$(DEMO_LLM) $(PROBE_LIB)
	@mkdir -p $(@D)
	@printf '#!/bin/sh\nexport OMP_WAIT_POLICY=passive GAON_SOURCE_DIR=%s GAON_BUILD_DIR=%s\nexec /usr/bin/python3 %s %s "$$@"\n' \
		'$(CURDIR)' '$(abspath $(O))' '$(CURDIR)/$<' '$(LLM_ARGS)' >$@
	@chmod +x $@
# As many requests as there is time for; make check-server makes a thousand.
$(O)/tests/frameworks/server_test: LLM_ARGS := --seconds 25
$(O)/tests/frameworks/bench_llm_test: $$(BENCH_LLM)
$(O)/tests/frameworks/host_paths_test: $(O)/tests/frameworks/ggml_ops $(O)/tests/frameworks/llama_logits

check-server: $(O)/tests/frameworks/server_test
	@$< --seconds 0 --requests $(or $(REQUESTS),1000)
.PHONY: check-server

# In guests, by the card: programs without the scripts that start them.
VM_GUEST += $(GGML_TESTS)

# llama_logits tells what it computed to host_paths_test only.
TESTS += $(GGML_TESTS) $(if $(SAN),,$(filter-out %/llama_logits,$(LLAMA_TESTS)) $(LLM_SCRIPTS))
