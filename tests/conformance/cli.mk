# SPDX-License-Identifier: MIT
# Scripts that use the built commands as a person would.
SCRIPT_TESTS	:= abi_test admin_test cli_test config_test debug_test demo_test diag_test events_test exporter_test install_test manage_test perfetto_test prof_test record_test tools_test top_test topo_test torus_test watch_test

$(SCRIPT_TESTS:%=$(O)/tests/conformance/%): $(O)/tests/conformance/%: tests/conformance/%.py
	@mkdir -p $(@D)
	@printf '#!/bin/sh\nexport GAON_SOURCE_DIR=%s GAON_BUILD_DIR=%s GAON_SAN=%s\nexec /usr/bin/python3 %s "$$@"\n' \
		'$(CURDIR)' '$(abspath $(O))' '$(SAN)' '$(CURDIR)/$<' >$@
	@chmod +x $@

$(O)/tests/conformance/install_test: | $$(GGML_PLUGIN)
$(O)/tests/conformance/abi_test: | $$(LIBGAON) $(O)/libgaonops.so

CLI_KERNELS	:= $(O)/tests/conformance/cli/kernels.elf
$(CLI_KERNELS): tests/conformance/cli/kernels.c $$(GAONCC_DEPS) $(O)/bin/gaoncc
	@mkdir -p $(@D)
	$(O)/bin/gaoncc -O3 -o $@ $<
$(O)/tests/conformance/cli_test: $(CLI_KERNELS)
$(O)/tests/conformance/prof_test $(O)/tests/conformance/perfetto_test: $(CLI_KERNELS)
$(O)/tests/conformance/prof_test: | $(O)/tests/conformance/runtime_graph
$(O)/tests/conformance/prof_test $(O)/tests/conformance/perfetto_test: | $(O)/bin/gaon-demo-digits
$(O)/tests/conformance/prof_test $(O)/tests/conformance/perfetto_test $(O)/tests/conformance/tools_test: | $(O)/gaon/prof.so $(GAON_CLI) $(LIBGAON)
$(O)/tests/conformance/cli_test: | $(O)/tests/unit/coredump

DEBUG_KERNELS	:= $(O)/tests/conformance/debug/kernels.elf
$(DEBUG_KERNELS): tests/conformance/debug/kernels.c $$(GAONCC_DEPS) $(O)/bin/gaoncc
	@mkdir -p $(@D)
	$(O)/bin/gaoncc -g -O1 -o $@ $<
# For guests, which have no debugger: where its lines are.
$(DEBUG_KERNELS:.elf=.lines): $(DEBUG_KERNELS)
	llvm-dwarfdump-$(LLVM) --debug-line $< >$@
VM_GUEST += $(DEBUG_KERNELS:.elf=.lines) $(O)/gaon/debug.so
$(O)/tests/conformance/debug_test: $(DEBUG_KERNELS)
$(O)/tests/conformance/debug_test: | $(O)/gaon/debug.so $(O)/bin/gaon $(O)/libgaon.so

RANDOM_OPS	:= $(O)/tests/conformance/record/random_ops
$(RANDOM_OPS): $(RANDOM_OPS).o $(LIBGAON)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $< -L$(O) -Wl,-rpath,$(abspath $(O)) -lgaon -lpthread
$(O)/tests/conformance/record_test: $(CLI_KERNELS) $(RANDOM_OPS)
$(O)/tests/conformance/record_test: | $$(RT_TEST_ELF) $(O)/gaon/record.so $(GAON_CLI) $(O)/bin/gaon-demo-digits \
	$(O)/tests/conformance/runtime_launch

TESTS += $(SCRIPT_TESTS:%=$(O)/tests/conformance/%)
