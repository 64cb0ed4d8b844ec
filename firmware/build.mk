# SPDX-License-Identifier: MIT
# The management core's firmware: RV32 objects, a flat payload, the signed image, the image as data.
#   FW_KEY=file.pem signs with another key than the development one.

FW_KEY		?= firmware/keys/development.pem
# As firmware/ga1.lds places it.
FW_LOAD		:= 0x20004000
FW_CC		:= $(DEVICE_CC) --target=riscv32-unknown-elf -march=rv32imac_zicsr_zifencei -mabi=ilp32
FW_LD		:= ld.lld$(if $(LLVM),-$(LLVM))
FW_OBJCOPY	:= llvm-objcopy$(if $(LLVM),-$(LLVM))
# No debug information and no paths: the same source gives the same bytes anywhere.
FW_CFLAGS	:= -std=gnu11 -Os -ffreestanding -fno-common -ffunction-sections -fdata-sections $(WARN) \
		   -ffile-prefix-map=$(CURDIR)/= -Iinclude -MMD -MP

FW_SRCS		:= $(filter-out firmware/gaon_fw_embed.c,$(wildcard firmware/*.c)) firmware/start.S
FW_OBJS		:= $(FW_SRCS:firmware/%=$(O)/firmware/rv32/%.o)
FW_ELF		:= $(O)/firmware/ga1.elf
FW_BIN		:= $(O)/firmware/ga1.bin
FW_SIGN		:= $(O)/firmware/gaon-fw-sign
FW_EMBED	:= $(O)/firmware/gaon_fw_embed.o
FW_IMAGE_OBJ	:= $(O)/firmware/sign/image.o

$(O)/firmware/rv32/%.o: firmware/% firmware/build.mk
	@mkdir -p $(@D)
	$(FW_CC) $(FW_CFLAGS) -c -o $@ $<

$(FW_ELF): $(FW_OBJS) firmware/ga1.lds
	$(FW_LD) -T firmware/ga1.lds --gc-sections -o $@ $(FW_OBJS)

$(FW_ELF:.elf=.payload): $(FW_ELF)
	$(FW_OBJCOPY) -O binary $< $@

$(FW_SIGN): $(O)/firmware/sign/main.o $(FW_IMAGE_OBJ)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lcrypto

$(FW_BIN): $(FW_ELF:.elf=.payload) $(FW_SIGN) $(FW_KEY)
	$(FW_SIGN) $(FW_KEY) $(FW_LOAD) $< $@

# Compiler caches up to now do not look into what #embed names.
$(FW_EMBED): private export CCACHE_DISABLE := 1
$(FW_EMBED): private CPPFLAGS += --embed-dir=$(O)
$(FW_EMBED): private CFLAGS += -Wno-c23-extensions
$(FW_EMBED): $(FW_BIN)

ALL += $(FW_BIN) $(FW_EMBED)
