# SPDX-License-Identifier: MIT
# Top-level build. Each directory's build.mk adds its own targets; `make help` lists what people use.
MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

O		?= build
PREFIX		?= /usr/local
CC		:= clang-22
AR		:= llvm-ar-22
DEVICE_CC	:= clang-22
CSTD		:= -std=gnu11
WARN		:= -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef
OPT		?= -O2 -g
CPPFLAGS	+= -D_GNU_SOURCE -Iinclude -I$(O)/include
CFLAGS		+= $(CSTD) $(OPT) $(WARN) -fvisibility=hidden -fPIC -pthread -MMD -MP

# SAN=address,undefined or SAN=thread builds everything below O with that sanitizer.
ifneq ($(SAN),)
CFLAGS		+= -fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all
LDFLAGS		+= -fsanitize=$(SAN)
endif

include $(sort $(wildcard firmware/build.mk tools/*/build.mk runtime/build.mk runtime/*/build.mk tests/build.mk tests/*/build.mk Documentation/build.mk))

# Objects: $(O)/path/to/file.o from path/to/file.c; per-target flags through target-specific variables.
$(O)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

all: $(ALL)
clean:
	rm -rf $(O)
.PHONY: all clean

-include $(shell find $(O) -name '*.d' 2>/dev/null)
