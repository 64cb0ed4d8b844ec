# SPDX-License-Identifier: MIT
# A program for guests that tries the card without a driver.  Static: an initramfs is all it needs.
CARD_OBJS	:= $(patsubst %.c,$(O)/%.o,$(wildcard tests/vm/card/*.c)) $(O)/tests/unit/dev_host.o

$(O)/tests/vm/card.static: $(CARD_OBJS)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -static -o $@ $^

VM_GUEST	+= $(O)/tests/vm/card.static
