# SPDX-License-Identifier: MIT
$(O)/tests/conformance/cli_test: tests/conformance/cli_test.py $(O)/bin/gaon $(O)/bin/gaoncc
	@mkdir -p $(@D)
	@printf '#!/bin/sh\nexport GAON_SOURCE_DIR=%s GAON_BUILD_DIR=%s\nexec /usr/bin/python3 %s "$$@"\n' \
		'$(CURDIR)' '$(abspath $(O))' '$(CURDIR)/$<' >$@
	@chmod +x $@

TESTS += $(O)/tests/conformance/cli_test
