# SPDX-License-Identifier: MIT
# Top-level build. Each directory adds its own targets in build.mk (or *.mk below tests/):
#   ALL     += files that `make` builds            TESTS      += test programs (exit 0, 1; Check or plain)
#   FUZZERS += libFuzzer programs                  TSAN_TESTS += those of TESTS that use threads
#   BENCHES += benchmark programs of `make bench`  PROGRAMS   += what `make install` puts into bin
MAKEFLAGS	+= --no-builtin-rules --no-print-directory
.SUFFIXES:
# One short line per step; V=1 shows the commands.
ifeq ($(V),)
.SILENT:
endif
.DELETE_ON_ERROR:
.SECONDEXPANSION:
.DEFAULT_GOAL	:= all

O		?= build
PREFIX		?= /usr/local
DESTDIR		?=
# Libraries go into $(PREFIX)/$(LIBDIR).
LIBDIR		?= lib
# RPATH=no: programs find their libraries where the loader looks, as those of a distribution.
RPATH		?= yes
rpath		= $(if $(filter no,$(RPATH)),,$(1:%=-Wl,-rpath,%))
VERSION		:= 0.1.0
LLVM		:= 22
CC		:= clang-$(LLVM)
AR		:= llvm-ar-$(LLVM)
DEVICE_CC	:= clang-$(LLVM)
OPT		?= -O2 -g
WARN		:= -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef
CPPFLAGS	+= -D_GNU_SOURCE -DGAON_VERSION='"$(VERSION)"' -Iinclude -I$(O)/include
CFLAGS		+= -std=gnu11 $(OPT) $(WARN) -fvisibility=hidden -fPIC -pthread -MMD -MP

# SAN=address,undefined or SAN=thread: everything below O with that sanitizer.
# FUZZ=1: with libFuzzer's instrumentation as well; fuzz targets link with it.
ifneq ($(FUZZ),)
SAN		:= address,undefined
CFLAGS		+= -fsanitize=fuzzer-no-link
FUZZ_LINK	:= -fsanitize=fuzzer
endif
ifneq ($(SAN),)
CFLAGS		+= -fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all
LDFLAGS		+= -fsanitize=$(SAN)
endif

# Where the device's matrix kernels, firmware and kernels go is each fragment's business.
ALL :=
TESTS :=
TSAN_TESTS :=
FUZZERS :=
BENCHES :=
PROGRAMS :=
include $(sort $(wildcard driver/build.mk firmware/build.mk tools/*/build.mk runtime/build.mk runtime/*/build.mk runtime/frameworks/*/build.mk \
	tests/build.mk tests/*/*.mk Documentation/build.mk))

$(O)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC      $(@:$(O)/%=%)"
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

all: $$(ALL)
tests: $$(TESTS)
fuzzers: $$(FUZZERS)
benches: $$(BENCHES)

clean:
	rm -rf $(O)

include tools/setup/targets.mk

.PHONY: all tests fuzzers benches clean
-include $(shell test -d $(O) && find $(O) -path $(O)/asan -prune -o -path $(O)/tsan -prune -o -path $(O)/fuzz -prune -o -name '*.d' -type f -print)
