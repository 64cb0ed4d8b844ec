# SPDX-License-Identifier: MIT
# The administrator's page of messages against the sources.
$(O)/tests/conformance/messages_test: tests/conformance/messages/messages_test.py
	@mkdir -p $(@D)
	@printf '#!/bin/sh\nGAON_SOURCE_DIR=%s exec python3 %s "$$@"\n' '$(CURDIR)' '$(CURDIR)/$<' >$@
	@chmod +x $@

TESTS += $(O)/tests/conformance/messages_test
