# SPDX-License-Identifier: MIT
# gaon-bench-vm: the kernel module's figures, measured in a guest; `make bench-vm` runs it there.
BENCH_VM_SRCS	:= tests/bench/bench_main.c tests/bench/timing.c tests/bench/bench_device.c \
		   tests/bench/bench_copy.c tests/bench/peer_memory.c tests/bench/vm_rows.c \
		   tests/bench/vm_queue.c tests/bench/vm_bench.c tests/bench/vm_bind.c tests/bench/vm_scale.c
BENCH_VM_OBJS	:= $(BENCH_VM_SRCS:%.c=$(O)/%.o) $(O)/tests/uapi/uapi.o $(O)/tests/uapi/queue_lib.o
GAON_BENCH_VM	:= $(O)/tests/bench/gaon-bench-vm

$(filter $(O)/tests/bench/vm_%.o,$(BENCH_VM_OBJS)): private CPPFLAGS += -Itests/uapi -I/usr/include/libdrm

$(GAON_BENCH_VM): $(BENCH_VM_OBJS) $(O)/libgaon.so
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $(BENCH_VM_OBJS) -L$(O) -Wl,-rpath,'$$ORIGIN/../..' -lgaon -ljansson

VM_GUEST += $(GAON_BENCH_VM)
