# SPDX-License-Identifier: MIT
# The kernel interface, tried in a guest: one static program per file, tests/vm runs them.
UAPI_SRCS	:= $(filter-out tests/uapi/uapi.c,$(wildcard tests/uapi/*.c))
UAPI_PROGRAMS	:= $(UAPI_SRCS:tests/uapi/%.c=$(O)/tests/uapi/%)

$(UAPI_PROGRAMS): $(O)/tests/uapi/%: $(O)/tests/uapi/%.o $(O)/tests/uapi/uapi.o
	$(CC) $(CFLAGS) -static -o $@ $^

VM_GUEST	+= $(UAPI_PROGRAMS)
$(UAPI_SRCS:%.c=$(O)/%.o) $(O)/tests/uapi/uapi.o: private CPPFLAGS += -I/usr/include/libdrm
