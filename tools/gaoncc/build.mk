# SPDX-License-Identifier: MIT
# gaoncc runs from the source tree as it is; a link puts it beside the other programs.
GAONCC		:= $(O)/bin/gaoncc
GAONCC_DEPS	:= tools/gaoncc/gaoncc tools/gaoncc/kernel.ld include/gaon/device.h \
		   $(wildcard include/gaon/device/*.h) include/hw/gaon_kernel.h include/hw/gaon_xgaon.h

$(GAONCC): tools/gaoncc/gaoncc
	@mkdir -p $(@D)
	ln -sf $(CURDIR)/$< $@

ALL		+= $(GAONCC)
PROGRAMS	+= $(GAONCC)
