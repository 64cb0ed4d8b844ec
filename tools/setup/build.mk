# SPDX-License-Identifier: MIT
# What is made from the commands and the headers themselves: completions of shells, manual pages of the API.
COMPLETION	:= $(O)/completion/gaon
MAN3		:= $(O)/man3/libgaon.3

$(COMPLETION): tools/setup/completion.py $(O)/bin/gaon $(O)/bin/gaon-sim $(O)/bin/gaon-demo-digits $(O)/bin/gaoncc
	# Without an rpath they find their libraries only so.
	LD_LIBRARY_PATH=$(abspath $(O)) /usr/bin/python3 $< $(O)/bin $(@D)
$(MAN3): tools/setup/man3.py $(wildcard include/gaon/*.h)
	/usr/bin/python3 $< $(@D) '$(VERSION)'

ALL += $(COMPLETION) $(MAN3)
