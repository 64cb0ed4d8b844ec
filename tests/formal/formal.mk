# SPDX-License-Identifier: MIT
# Models of protocols, proved by spin; once, not for each sanitizer.
ifeq ($(SAN)$(FUZZ),)
FORMAL_TEST	:= $(O)/tests/formal/models
$(FORMAL_TEST): tests/formal/check.py
	@mkdir -p $(@D)
	@printf '#!/bin/sh\nexec /usr/bin/python3 %s "$$@"\n' '$(CURDIR)/$<' >$@
	@chmod +x $@

TESTS		+= $(FORMAL_TEST)
endif
