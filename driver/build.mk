# SPDX-License-Identifier: MIT
# The kernel module, for the headers in KDIR. Not part of `make`: it needs linux-headers.

KDIR		?= /lib/modules/$(shell uname -r)/build
# Expanded when a rule runs: the headers may not be there.
MODULE_DIR	= $(O)/modules/$(shell $(MAKE) -s -C $(KDIR) kernelrelease 2>/dev/null)
# MODFLAGS=W=1 and the like go to the kernel's make.
MODFLAGS	?=

modules:
	sh driver/build.sh "$(KDIR)" "$(MODULE_DIR)" $(MODFLAGS)

modules_install: modules $(O)/firmware/ga1.bin
	$(MAKE) -C $(KDIR) M="$(abspath $(MODULE_DIR))" INSTALL_MOD_PATH="$(DESTDIR)" modules_install
	install -D -m 644 $(O)/firmware/ga1.bin "$(DESTDIR)/lib/firmware/gaon/ga1.bin"

# A source package for DKMS: $(DESTDIR)/usr/src/gaon-VERSION, which stands on its own.
dkms_install: $(O)/firmware/ga1.bin
	sh driver/dkms.sh "$(DESTDIR)/usr/src"
	install -D -m 644 $(O)/firmware/ga1.bin "$(DESTDIR)/lib/firmware/gaon/ga1.bin"

.PHONY: modules modules_install dkms_install
