# SPDX-License-Identifier: MIT
# The kernel interface, tried in a guest: one static program per file, tests/vm runs them.
UAPI_SRCS	:= $(filter-out tests/uapi/uapi.c tests/uapi/queue_lib.c,$(wildcard tests/uapi/*.c))
UAPI_PROGRAMS	:= $(UAPI_SRCS:tests/uapi/%.c=$(O)/tests/uapi/%)
UAPI_LIB	:= $(O)/tests/uapi/uapi.o $(O)/tests/uapi/queue_lib.o

$(UAPI_PROGRAMS): $(O)/tests/uapi/%: $(O)/tests/uapi/%.o $(UAPI_LIB)
	$(CC) $(CFLAGS) -static -pthread -o $@ $^

VM_GUEST	+= $(UAPI_PROGRAMS)
$(UAPI_SRCS:%.c=$(O)/%.o) $(UAPI_LIB): private CPPFLAGS += -I/usr/include/libdrm

# One program of several files: random calls.
UAPI_FUZZ_OBJS	:= $(patsubst %.c,$(O)/%.o,$(wildcard tests/uapi/fuzz/*.c))
$(O)/tests/uapi/fuzz/fuzz: $(UAPI_FUZZ_OBJS) $(UAPI_LIB)
	$(CC) $(CFLAGS) -static -pthread -o $@ $^

VM_GUEST	+= $(O)/tests/uapi/fuzz/fuzz
$(UAPI_FUZZ_OBJS): private CPPFLAGS += -I/usr/include/libdrm

# Allocations that fail.
UAPI_FAIL_OBJS	:= $(patsubst %.c,$(O)/%.o,$(wildcard tests/uapi/fail/*.c))
$(O)/tests/uapi/fail/fail: $(UAPI_FAIL_OBJS) $(UAPI_LIB)
	$(CC) $(CFLAGS) -static -pthread -o $@ $^

VM_GUEST	+= $(O)/tests/uapi/fail/fail
$(UAPI_FAIL_OBJS): private CPPFLAGS += -I/usr/include/libdrm

# Programs that need a peer or a card of their own: vmap: vivid, which the debugging kernel does not have; clean and
# pressure: a card with little HBM; peer: two cards; order: one with a single slot; sleep: a machine that
# can; inject: one with the debug fuse;
# throttle: the same, with two cores; incident: one that makes what is dumped; reuse: a card with little HBM; nobody: users, and root who makes them.
UAPI_SHAPED	:= vmap clean pressure peer order sleep inject incident reuse nobody throttle
UAPI_SHAPED_PROGRAMS := $(foreach name,$(UAPI_SHAPED),$(O)/tests/uapi/$(name)/$(name))
$(foreach name,$(UAPI_SHAPED),$(eval $(O)/tests/uapi/$(name)/$(name): $(O)/tests/uapi/$(name)/main.o))
$(O)/tests/uapi/pressure/pressure: $(O)/tests/uapi/pressure/worker.o
$(UAPI_SHAPED_PROGRAMS): $(UAPI_LIB)
	$(CC) $(CFLAGS) -static -pthread -o $@ $^

VM_GUEST	+= $(UAPI_SHAPED_PROGRAMS)
UAPI_INJECT_OBJS := $(O)/tests/uapi/inject/lib.o $(O)/tests/uapi/inject/netlink.o
$(O)/tests/uapi/inject/inject: $(UAPI_INJECT_OBJS)
$(foreach name,$(UAPI_SHAPED),$(O)/tests/uapi/$(name)/main.o) $(O)/tests/uapi/pressure/worker.o $(UAPI_INJECT_OBJS): \
		private CPPFLAGS += -I/usr/include/libdrm

# The device's side of isolation.c and of throttle.
UAPI_LEFTOVERS	:= $(O)/tests/uapi/device/leftovers
UAPI_HEATER	:= $(O)/tests/uapi/device/heater
$(UAPI_LEFTOVERS).elf: private UAPI_ENTRY := k_leave
$(UAPI_HEATER).elf: private UAPI_ENTRY := k_heat
$(UAPI_LEFTOVERS).elf $(UAPI_HEATER).elf: %.elf: tests/uapi/device/$$(notdir $$*).S
	@mkdir -p $(@D)
	$(DEVICE_CC) --target=riscv64 -march=rv64gcv -mabi=lp64d -nostdlib -static -fuse-ld=lld \
		-Wl,-Ttext=0x10000000 -Wl,-e,$(UAPI_ENTRY) -Wl,--no-relax -o $@ $<
$(UAPI_LEFTOVERS).bin $(UAPI_HEATER).bin: %.bin: %.elf
	llvm-objcopy-$(LLVM) -O binary -j .text $< $@
$(O)/tests/uapi/isolation.o: $(UAPI_LEFTOVERS).bin
$(O)/tests/uapi/throttle/main.o: $(UAPI_HEATER).bin
$(O)/tests/uapi/throttle/main.o: private CPPFLAGS += -DHEATER='"$(UAPI_HEATER).bin"'
$(O)/tests/uapi/isolation.o: private CPPFLAGS += -DLEFTOVERS='"$(UAPI_LEFTOVERS).bin"' -I/usr/include/libdrm

# The same as 32-bit programs: the kernel's compat path. Words of 64 bits are aligned though their type is not.
UAPI32_PROGRAMS	:= $(addprefix $(O)/tests/uapi32/,query memory vm bind own submit userq wait prime queue_life stats)
$(UAPI32_PROGRAMS): $(O)/tests/uapi32/%: tests/uapi/%.c tests/uapi/uapi.c tests/uapi/queue_lib.c \
		$(wildcard tests/uapi/*.h) include/uapi/drm/gaon_accel.h
	@mkdir -p $(@D)
	@echo "  CC      $(@:$(O)/%=%)"
	$(CC) -m32 -march=i686 -msse2 $(CPPFLAGS) -I/usr/include/libdrm $(filter-out -MMD -MP,$(CFLAGS)) \
		-Wno-atomic-alignment -Wno-sign-compare -D_FILE_OFFSET_BITS=64 -static -o $@ $(filter %.c,$^) -latomic

VM_GUEST	+= $(UAPI32_PROGRAMS)

# Cards that lie; with the good client of the random calls.
UAPI_LIAR_OBJS	:= $(O)/tests/uapi/liar/main.o $(filter-out %/main.o,$(UAPI_FUZZ_OBJS))
$(O)/tests/uapi/liar/liar: $(UAPI_LIAR_OBJS) $(UAPI_LIB)
	$(CC) $(CFLAGS) -static -pthread -o $@ $^

UAPI_LADDER_OBJS := $(patsubst %,$(O)/tests/uapi/liar/%.o,ladder cards innocents)
$(O)/tests/uapi/liar/ladder: $(UAPI_LADDER_OBJS) $(UAPI_LIB)
	$(CC) $(CFLAGS) -static -pthread -o $@ $^

VM_GUEST	+= $(O)/tests/uapi/liar/liar $(O)/tests/uapi/liar/ladder
$(O)/tests/uapi/liar/main.o $(UAPI_LADDER_OBJS): private CPPFLAGS += -I/usr/include/libdrm

# What the kernel around the driver does to it: a program per file, with what counters.c counts.
UAPI_EDGES	:= $(filter-out counters swap,$(patsubst tests/uapi/edges/%.c,%,$(wildcard tests/uapi/edges/*.c)))
UAPI_EDGES	:= $(UAPI_EDGES:%=$(O)/tests/uapi/edges/%)
$(UAPI_EDGES): %: %.o $(O)/tests/uapi/edges/counters.o $(UAPI_LIB)
	$(CC) $(CFLAGS) -static -pthread -o $@ $^

# One swaps, and one has the card without its driver, too.
$(O)/tests/uapi/edges/own: $(O)/tests/uapi/edges/swap.o
$(O)/tests/uapi/edges/restart: $(O)/tests/uapi/liar/cards.o
$(O)/tests/uapi/edges/vfio: $(O)/tests/vm/card/card_open.o $(O)/tests/unit/dev_host.o

# The machine is short of memory.
UAPI_SHRINK_OBJS := $(patsubst %.c,$(O)/%.o,$(wildcard tests/uapi/shrink/*.c))
$(O)/tests/uapi/shrink/shrink: $(UAPI_SHRINK_OBJS) $(O)/tests/uapi/edges/counters.o $(O)/tests/uapi/edges/swap.o $(UAPI_LIB)
	$(CC) $(CFLAGS) -static -pthread -o $@ $^

VM_GUEST	+= $(O)/tests/uapi/shrink/shrink
$(UAPI_SHRINK_OBJS): private CPPFLAGS += -I/usr/include/libdrm

VM_GUEST	+= $(UAPI_EDGES)
$(UAPI_EDGES:%=%.o) $(O)/tests/uapi/edges/counters.o $(O)/tests/uapi/edges/swap.o: private CPPFLAGS += -I/usr/include/libdrm

# Everything at once, for as long as one likes: good and bad clients, resets, removal, pressure. One kind of clients
# uses libgaon.
UAPI_SOAK_OBJS	:= $(patsubst %.c,$(O)/%.o,$(wildcard tests/uapi/soak/*.c))
UAPI_SOAK_CODE	:= $(O)/tests/uapi/soak/device/mix
$(UAPI_SOAK_CODE).elf: tests/uapi/soak/device/mix.S
	@mkdir -p $(@D)
	$(DEVICE_CC) --target=riscv64 -march=rv64gcv -mabi=lp64d -nostdlib -static -fuse-ld=lld \
		-Wl,-Ttext=0x10000000 -Wl,-e,k_mix -Wl,--no-relax -o $@ $<
$(UAPI_SOAK_CODE).bin: $(UAPI_SOAK_CODE).elf
	llvm-objcopy-$(LLVM) -O binary -j .text $< $@
$(O)/tests/uapi/soak/client.o: $(UAPI_SOAK_CODE).bin
$(UAPI_SOAK_OBJS): private CPPFLAGS += -I/usr/include/libdrm -DSOAK_CODE='"$(UAPI_SOAK_CODE).bin"' \
	-DSOAK_KERNELS='"$(abspath $(O))/tests/conformance/ops/first.elf"'
$(O)/tests/uapi/soak/soak: $(UAPI_SOAK_OBJS) $(filter-out %/main.o %/good.o,$(UAPI_FUZZ_OBJS)) \
		$(O)/tests/uapi/edges/counters.o $(O)/tests/uapi/edges/swap.o $(UAPI_LIB) $(LIBGAON)
	$(CC) $(CFLAGS) $(LDFLAGS) -pthread -o $@ $(filter %.o,$^) -L$(O) -Wl,-rpath,$(abspath $(O)) -lgaon

VM_GUEST	+= $(O)/tests/uapi/soak/soak

# Errors and loss of the link; with the cards of the ladder.
UAPI_LINK	:= $(filter-out link,$(patsubst tests/uapi/link/%.c,%,$(wildcard tests/uapi/link/*.c)))
UAPI_LINK	:= $(UAPI_LINK:%=$(O)/tests/uapi/link/%)
$(UAPI_LINK): %: %.o $(O)/tests/uapi/link/link.o $(O)/tests/uapi/liar/cards.o $(UAPI_LIB)
	$(CC) $(CFLAGS) -static -pthread -o $@ $^

VM_GUEST	+= $(UAPI_LINK)
$(UAPI_LINK:%=%.o) $(O)/tests/uapi/link/link.o: private CPPFLAGS += -I/usr/include/libdrm
