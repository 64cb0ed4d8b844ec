# SPDX-License-Identifier: MIT
# libgaonops: the device kernels in one module, embedded, and their launchers.
OPS_KERNEL_SRC	:= $(wildcard runtime/ops/kernels/*.c)
OPS_KERNEL_ELF	:= $(O)/runtime/ops/gaon_ops.elf
OPS_OBJ		:= $(patsubst %.c,$(O)/%.o,$(wildcard runtime/ops/*.c))

# Strides of tensors are variables that are never 1 byte: a loop's vector code is to be for any stride.
$(OPS_KERNEL_ELF): $(OPS_KERNEL_SRC) $(wildcard runtime/ops/kernels/*.h) $$(GAONCC_DEPS)
	@mkdir -p $(@D)
	tools/gaoncc/gaoncc -std=gnu11 -O3 -mllvm -enable-mem-access-versioning=false \
		-Wall -Wextra -Werror -Wshadow -o $@ $(OPS_KERNEL_SRC)

$(O)/runtime/ops/ops.o: $(OPS_KERNEL_ELF)
# Compiler caches up to now do not look into what #embed names.
$(O)/runtime/ops/ops.o: private export CCACHE_DISABLE := 1
$(O)/runtime/ops/ops.o: CFLAGS += -Wno-c23-extensions --embed-dir=$(O)/runtime/ops

$(O)/libgaonops.a: $(OPS_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

# ABI version 0 until the first release; the name without it is for linking.
$(O)/libgaonops.so.0: $(OPS_OBJ) runtime/ops/libgaonops.map $(O)/libgaon.so
	$(CC) $(CFLAGS) $(LDFLAGS) -shared -Wl,-soname,libgaonops.so.0 \
		-Wl,--version-script=runtime/ops/libgaonops.map -o $@ $(OPS_OBJ) -L$(O) -lgaon -lm

$(O)/libgaonops.so: $(O)/libgaonops.so.0
	@ln -sf $(<F) $@

ALL += $(O)/libgaonops.a
ifneq ($(wildcard runtime/build.mk),)
ALL += $(O)/libgaonops.so
endif
