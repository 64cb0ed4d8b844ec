# SPDX-License-Identifier: MIT
# libggml-gaon.so: the plug-in of ggml. It is not part of `make`: its headers come with llama.cpp, which is fetched.
# GGML_INCLUDE=DIRECTORY: headers of another ggml, which must be of the version that the plug-in is loaded into.
LLAMA_ROOT	:= $(O)/frameworks/llama-root
GGML_INCLUDE	?= $(LLAMA_ROOT)/usr/include
GGML_VERSION	?= $(shell sed -n 's/^Version: //p' $(LLAMA_ROOT)/usr/lib/*/pkgconfig/ggml.pc)
GGML_PLUGIN	:= $(O)/libggml-gaon.so
GGML_SRCS	:= $(wildcard runtime/frameworks/ggml/*.c)
GGML_OBJS	:= $(GGML_SRCS:%.c=$(O)/%.o)
GGML_LIBS	= -L$(wildcard $(LLAMA_ROOT)/usr/lib/*-linux-gnu) -lggml-base

# Threads of the devices run in libgaon as long as the process: ggml_backend_unload() leaves all of it where it is.
GGML_LDFLAGS	:= -Wl,-z,relro -Wl,-z,now -Wl,-z,nodelete

# A link to the root, made anew with a new recipe. LLAMA_ROOT=/: this machine has the headers.
$(filter-out /,$(LLAMA_ROOT)): tools/setup/roots/llama.txt tools/setup/root.sh
	@mkdir -p $(@D)
	root=$$(sh tools/setup/root.sh llama) && ln -sfn "$$root" $@ && touch -h $@

$(GGML_OBJS): CPPFLAGS += -isystem $(GGML_INCLUDE) -DGGML_BUILT_FOR='"$(GGML_VERSION)"'
$(GGML_OBJS): | $(LLAMA_ROOT)

$(GGML_PLUGIN): $(GGML_OBJS) $(O)/libgaonops.so $(LIBGAON)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -shared -Wl,-soname,$(@F) $(LIBGAON_DEFS) $(GGML_LDFLAGS) $(call rpath,'$$ORIGIN') \
		-o $@ $(GGML_OBJS) -L$(O) -lgaonops -lgaon $(GGML_LIBS)

ggml-plugin: $(GGML_PLUGIN)
.PHONY: ggml-plugin
