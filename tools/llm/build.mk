# SPDX-License-Identifier: MIT
# gaon-demo-llm: a language model in llama.cpp. Not part of `make`, as the plug-in: it wants llama.cpp's root.
LLM_OBJS	:= $(patsubst %.c,$(O)/%.o,$(wildcard tools/llm/*.c))
DEMO_LLM	:= $(O)/frameworks/gaon-demo-llm

$(LLM_OBJS): CPPFLAGS += -isystem $(GGML_INCLUDE) -DGGML_PLUGIN='"$(abspath $(GGML_PLUGIN))"'
$(LLM_OBJS): | $$(LLAMA_ROOT)

$(DEMO_LLM): $(LLM_OBJS) $$(GGML_PLUGIN)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -Wl,--allow-shlib-undefined -o $@ $(LLM_OBJS) -L$(O) -Wl,-rpath,$(abspath $(O)) \
		-lgaon $(GGML_LIBS) -lggml -lllama -ljansson -lm

demo-llm: $(DEMO_LLM)
.PHONY: demo-llm
