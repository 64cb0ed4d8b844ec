# SPDX-License-Identifier: MIT
# gaon-bench-llm: a language model on the device and on ggml's processor backend. It wants llama.cpp's root.
BENCH_LLM	:= $(O)/frameworks/gaon-bench-llm

BENCH_LLM_OBJS	:= $(patsubst %.c,$(O)/%.o,$(wildcard tests/bench/bench_llm*.c))

$(BENCH_LLM_OBJS): CPPFLAGS += -isystem $(GGML_INCLUDE) -DGGML_PLUGIN='"$(abspath $(GGML_PLUGIN))"'
$(BENCH_LLM_OBJS): | $(LLAMA_ROOT)

$(BENCH_LLM): $(BENCH_LLM_OBJS) $(O)/tests/bench/timing.o $(O)/tests/bench/peer_memory.o $(O)/tools/llm/llm_run.o $(GGML_PLUGIN)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -Wl,--allow-shlib-undefined -o $@ $(filter %.o,$^) -L$(O) \
		-Wl,-rpath,$(abspath $(O)) -lgaon $(GGML_LIBS) -lggml -lllama -ljansson -lm

bench-llm-program: $(BENCH_LLM)
.PHONY: bench-llm-program
