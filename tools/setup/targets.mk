# SPDX-License-Identifier: MIT
# What people type: help, demo, check, bench, install, docs, lint and their sanitizer builds.
comma		:= ,
JOBS		?= $(shell nproc)
RUN_TESTS	= python3 tests/run.py

help:
	@sed -n 's/^## //p' tools/setup/targets.mk

## make               build everything into O (default: build)
## make demo          a language model answers on the accelerator, in llama.cpp; PROMPT="text"; DEVICE=vm: in a guest,
##                    by the kernel module; KERNEL= as for make vm
## make demo-digits   train and test the digits classifier on the accelerator
## make check         every test: normal, ASan+UBSan and TSan builds, fuzzers; prints N passed, N failed
## make check-quick   the normal build's tests only
## make check-vm      the tests in guest kernels only; KERNEL=6.12, 7.3 or debug, TEST=pattern, SHAPE=name
## make check-server  a thousand requests to llama-server on the device; REQUESTS=
## make check-debug   the same in the debugging kernel: lockdep, KASAN, kmemleak, failing allocations; hours
## make coverage-driver  how many lines and branches of driver/ run in guests; TEST= and SHAPE= as above
## make reliability   what is made to go wrong in a guest, how often, how long it takes to mend; MINUTES= of soak, JSON=FILE
## make check-formal  the models of protocols, and that each proof can fail
## make soak          everything at once in a guest: clients good and bad, resets, removal; MINUTES=, SEED=, KERNEL=
## make vm            a shell in a guest with the card and its driver; KERNEL=, SHAPE= as above
## make bench         measure against peers; JSON=FILE writes the rows
## make bench-llm     a language model on the device and on ggml's processor backend; JSON=FILE
## make bench-vm      the kernel module's figures, in a guest; JSON=FILE, KERNEL= as above
## make install       into $(DESTDIR)$(PREFIX); GGML=no: without the plug-in of ggml, whose headers are fetched
## make modules       gaon.ko for the running kernel, or for the headers in KDIR=dir
## make modules_install  that, with its firmware below $(DESTDIR)/lib
## make deb           Debian packages into O/deb, built in clean Debian systems, which are fetched once; lintian
## make check-deb     that, then install, upgrade, remove and purge them in clean Debian systems, and in guests with a card
## make abi           keep the libraries' binary interface in debian/abi, as that of a release
## make ggml-plugin   libggml-gaon.so, with which llama.cpp runs on Gaon; fetches ggml's headers once
## make docs          HTML below O/docs
## make lint-driver   W=1, sparse and checkpatch on the kernel module
## make lint          licence tags, layout, headers that compile alone, shellcheck, cppcheck
## make deps          install the Debian packages that the build needs
## make clean         remove O
##
## Variables: O=dir PREFIX=dir DESTDIR=dir YES=1 (install packages without asking)
##            V=1 (show commands) TEST=pattern (check only what matches) FUZZ_SECONDS=n JSON=file GAON_SEED=n

deps:
	@sh tools/setup/deps.sh

# llama.cpp and the model are fetched once into a cache outside the tree.
demo: demo-$(or $(DEVICE),embedded)
ifneq ($(filter-out embedded vm,$(DEVICE)),)
demo-$(DEVICE):
	@echo "make: DEVICE=$(DEVICE): embedded, which is the default, or vm" >&2; exit 2
endif

demo-embedded: deps
	@$(MAKE) -j$(JOBS) all demo-llm
	@GAON_LLM=$$(sh tools/setup/model.sh) && export GAON_LLM && \
		sh tools/setup/llama.sh $(abspath $(DEMO_LLM)) $(DEMO_ARGS) $(if $(PROMPT),'$(subst ','\'',$(PROMPT))')

demo-vm: vm-deps
	@$(MAKE) -j$(JOBS) all vm-programs demo-llm
	@PROMPT='$(subst ','\'',$(PROMPT))' DEMO_ARGS='$(DEMO_ARGS)' $(VM) demo

demo-digits: deps
	@$(MAKE) -j$(JOBS) all
	@$(O)/bin/gaon-demo-digits $(DEMO_ARGS)

# The newer emulator is fetched once, before tests that run side by side want it.
check-deps: deps
	@sh tools/setup/qemu.sh >/dev/null

check: check-deps vm-deps
	@$(MAKE) -j$(JOBS) all tests vm-programs
	@$(MAKE) -j$(JOBS) O=$(O)/asan SAN=address,undefined all tests
	@$(MAKE) -j$(JOBS) O=$(O)/tsan SAN=thread all tsan-tests
	@$(MAKE) -j$(JOBS) O=$(O)/fuzz FUZZ=1 fuzzers
	@$(RUN_TESTS) --build $(O) --test '$(TEST)' --fuzz-seconds $(or $(FUZZ_SECONDS),15) \
		normal early late asan tsan fuzz vm

# Guests: QEMU, kernels and user space are fetched once into a cache outside the tree.
VM		= python3 tests/vm/vm.py --build $(O) --kernel '$(KERNEL)' --test '$(TEST)' --shape '$(SHAPE)'

vm-deps: deps
	@$(VM) deps >/dev/null

check-vm: vm-deps
	@$(MAKE) -j$(JOBS) all vm-programs
	@$(VM) $(if $(V),--verbose) check

check-debug:
	@$(MAKE) check-vm KERNEL=debug

coverage-driver: vm-deps
	@$(MAKE) -j$(JOBS) all vm-programs
	@python3 tests/vm/vm_coverage.py --build $(O) --test '$(TEST)' --shape '$(SHAPE)'

# The figures of Documentation/reliability.rst.
reliability: vm-deps
	@$(MAKE) -j$(JOBS) all vm-programs
	@python3 tests/vm/vm_reliability.py --build $(O) --kernel '$(or $(KERNEL),7.3)' --shape '$(SHAPE)' \
		--minutes '$(or $(MINUTES),10)' $(if $(JSON),--json '$(JSON)') $(if $(TABLE),--table '$(TABLE)')

check-formal: deps
	@python3 tests/formal/check.py

# The same seed draws the same events. The report is on standard output, and in O/vm/KERNEL/soak.tests.log.
soak: vm-deps
	@$(MAKE) -j$(JOBS) all vm-programs
	@$(if $(SEED),GAON_SEED='$(SEED)') GAON_MINUTES='$(or $(MINUTES),60)' python3 tests/vm/vm.py --build $(O) \
		--kernel '$(or $(KERNEL),7.3)' --test soak/chaos --verbose check

# The DKMS package, with the DKMS and the compiler of each guest's Debian.
check-dkms: vm-deps
	@$(MAKE) -j$(JOBS) all
	@python3 tests/vm/vm_dkms.py --build $(O) $(subst $(comma), ,$(KERNEL))

vm: vm-deps
	@$(MAKE) -j$(JOBS) all vm-programs
	@$(VM) shell

lint-driver: vm-deps
	@$(VM) lint

# The module for each guest kernel.
vm-modules: vm-deps
	@$(MAKE) -j$(JOBS) all
	@$(VM) modules

check-quick: check-deps
	@$(MAKE) -j$(JOBS) all tests
	@$(RUN_TESTS) --build $(O) --test '$(TEST)' normal

tsan-tests: $$(TSAN_TESTS)

# The lists that tests/run.py reads.
list-tests:
	@printf '%s\n' $(TESTS)
# Conformance through the runtime, to be run with asynchronous effects as early and as late as allowed.
list-device:
	@printf '%s\n' $(filter-out $(RT_VARIANTS),$(filter $(O)/tests/conformance/runtime% \
		$(O)/tests/conformance/ops% $(O)/tests/conformance/cli%,$(TESTS)))
list-tsan:
	@printf '%s\n' $(TSAN_TESTS)
list-fuzzers:
	@printf '%s\n' $(FUZZERS)

bench: deps
	@$(MAKE) -j$(JOBS) all benches demo-llm
	@GAON_LLM=$$(sh tools/setup/model.sh) && export GAON_LLM && $(O)/tests/bench/gaon-bench $(if $(JSON),--json-file $(JSON)) $(BENCH_ARGS)

bench-llm: deps
	@$(MAKE) -j$(JOBS) all bench-llm-program
	@GAON_LLM=$$(sh tools/setup/model.sh) && GAON_LLM_BF16=$$(sh tools/setup/model.sh bf16) && \
		export GAON_LLM GAON_LLM_BF16 && \
		sh tools/setup/llama.sh $(abspath $(BENCH_LLM)) $(if $(JSON),--json-file=$(JSON)) $(BENCH_ARGS)

bench-vm: vm-deps
	@$(MAKE) -j$(JOBS) all vm-programs
	@python3 tests/bench/bench_vm.py --build $(O) --kernel '$(KERNEL)' \
		$(if $(JSON),--json-file $(JSON)) -- $(BENCH_ARGS)

lint: deps
	@sh tools/setup/lint.sh

docs: deps
	@sh tools/setup/docs.sh $(O)

deb-deps: deps
	@sh tools/setup/deps.sh tools/setup/deb-packages.txt

deb: deb-deps
	@python3 tools/setup/deb.py --build $(O)

# What programs may be built for; tests/conformance/abi_test.py compares with it.
abi: all
	@for library in libgaon libgaonops; do \
		sh tools/setup/abi.sh $(O)/$$library.so.0 >$(O)/$$library.abi && mv $(O)/$$library.abi debian/abi/$${library}0.abi || exit 1; \
	done

check-deb: deb-deps vm-deps
	@$(MAKE) -j$(JOBS) all vm-programs
	@python3 tests/deb/check.py --build $(O)
	@python3 tests/vm/vm.py --build $(O) --shape plain --test packages/guest check

install: all $(if $(filter no,$(GGML)),,ggml-plugin)
	@GGML='$(GGML)' LIBDIR='$(LIBDIR)' sh tools/setup/install.sh "$(O)" "$(DESTDIR)" "$(PREFIX)" "$(VERSION)"

.PHONY: soak reliability coverage-driver check-formal vm-deps check-vm check-debug vm vm-modules lint-driver check-deps list-device help deps demo demo-embedded demo-vm demo-digits check check-quick tsan-tests list-tests list-tsan list-fuzzers \
	bench bench-vm check-dkms lint docs install deb-deps deb check-deb abi
