# SPDX-License-Identifier: MIT
# The kernel module, for the headers in KDIR. Not part of `make`: it needs linux-headers.

KDIR		?= /lib/modules/$(shell uname -r)/build
# Expanded when a rule runs: the headers may not be there.
MODULE_DIR	= $(O)/modules/$(shell $(MAKE) -s -C $(KDIR) kernelrelease 2>/dev/null)
# MODFLAGS=W=1 and the like go to the kernel's make.
MODFLAGS	?=

# What the module needs beside it, however it is built: its firmware, and who may use the node.
define INSTALL_WITH_MODULE
install -D -m 644 $(O)/firmware/ga1.bin "$(DESTDIR)/lib/firmware/gaon/ga1.bin"
	install -D -m 644 driver/70-gaon.rules "$(DESTDIR)/lib/udev/rules.d/70-gaon.rules"
endef

modules:
	sh driver/build.sh "$(KDIR)" "$(MODULE_DIR)" $(MODFLAGS)

modules_install: modules $(O)/firmware/ga1.bin
	$(MAKE) -C $(KDIR) M="$(abspath $(MODULE_DIR))" INSTALL_MOD_PATH="$(DESTDIR)" modules_install
	$(INSTALL_WITH_MODULE)

# A source package for DKMS: $(DESTDIR)/usr/src/gaon-VERSION, which stands on its own.
dkms_install: $(O)/firmware/ga1.bin
	sh driver/dkms.sh "$(DESTDIR)/usr/src"
	$(INSTALL_WITH_MODULE)

.PHONY: modules modules_install dkms_install
