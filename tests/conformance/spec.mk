# SPDX-License-Identifier: MIT
# The specification's tables against the headers; a script, installed beside the other test programs.
$(O)/tests/conformance/spec_test: tests/conformance/spec/spec_test.py
	@mkdir -p $(@D)
	@printf '#!/bin/sh\nGAON_SOURCE_DIR=%s CC="%s" exec python3 %s "$$@"\n' \
		'$(CURDIR)' '$(CC)' '$(CURDIR)/$<' >$@
	@chmod +x $@

TESTS += $(O)/tests/conformance/spec_test
