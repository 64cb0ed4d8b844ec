# SPDX-License-Identifier: MIT
# gaon-bench-llm: a language model on the device and on ggml's processor backend. It wants llama.cpp's root.
BENCH_LLM	:= $(O)/frameworks/gaon-bench-llm

$(O)/tests/bench/bench_llm.o: CPPFLAGS += -isystem $(GGML_INCLUDE) -DGGML_PLUGIN='"$(abspath $(GGML_PLUGIN))"'
$(O)/tests/bench/bench_llm.o: | $(LLAMA_ROOT)

$(BENCH_LLM): $(O)/tests/bench/bench_llm.o $(O)/tools/llm/llm_run.o $(GGML_PLUGIN)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -Wl,--allow-shlib-undefined -o $@ $(filter %.o,$^) -L$(O) \
		-Wl,-rpath,$(abspath $(O)) -lgaon $(GGML_LIBS) -lggml -lllama -ljansson -lm

bench-llm-program: $(BENCH_LLM)
.PHONY: bench-llm-program
