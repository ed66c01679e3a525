# SPDX-License-Identifier: Apache-2.0
# Cloister. `make help` lists the targets. Everything generated goes under build/.

# ---- Settings (override on the command line) ----
KERNEL  ?= 6.1 6.12
DEBUG   ?= 0
PREFIX  ?= /usr/local
DESTDIR ?=
CC      ?= gcc
AR      ?= ar
V       ?= 0

CPPFLAGS ?=
CFLAGS   ?= -O2 -g
LDFLAGS  ?=

include version.mk

override CPPFLAGS += -Iuapi -D_GNU_SOURCE -MMD -MP \
		     -DCLOISTER_VERSION=\"$(CLOISTER_VERSION)\"
override CFLAGS   += -std=gnu11 -Wall -Wextra -Werror -fPIC -fstack-protector-strong \
		     -fno-strict-aliasing
ASAN_CFLAGS := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

ifeq ($(V),1)
Q   :=
say := @:
else
Q   := @
say  = @printf '  %-7s %s\n'
MAKEFLAGS += --no-print-directory
endif
export V

# The debug kernel is one more kernel to build for and to test on.
ifeq ($(DEBUG),1)
override KERNEL := debug $(filter-out debug,$(KERNEL))
endif

# ---- Targets ----
.DEFAULT_GOAL := all
.PHONY: all
all: modules host userspace ## module for both kernels, host monitor, user space

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z][a-z_-]*\):[^#]*## \(.*\)/\1\t\2/p' $(filter-out %.d,$(MAKEFILE_LIST)) | \
		while IFS='	' read -r t d; do printf '  make %-18s %s\n' "$$t" "$$d"; done
	@printf '\nSettings: %s\n' \
		'KERNEL="6.1 6.12" (or debug), DEBUG=1, V=1, PREFIX, DESTDIR, CC, CFLAGS'

.PHONY: deps
deps: ## install missing Debian packages, fetch kernels; with DEBUG=1 build the debug kernel
	@scripts/deps.sh
	@$(if $(filter debug,$(KERNEL)),scripts/build-debug-kernel.sh)

# Objects are built anew when the flags change. PREFIX is in the .pc files.
FLAGS := $(CC) $(CPPFLAGS) $(CFLAGS) $(ASAN_CFLAGS)
build/.flags: FORCE
	$(Q)mkdir -p $(@D) && echo '$(FLAGS)' | cmp -s - $@ || echo '$(FLAGS)' > $@
.PHONY: FORCE

# Directories with built things: each module.mk appends to these and holds its own rules.
PROGRAMS  :=#  programs, as build/host/... paths
LIBRARIES :=#  libraries, as build/host/... paths
TESTS     :=#  programs and scripts that print TAP; run by `make check`
TEST_DEPS :=#  other files that the tests need
VM_TESTS  :=#  the same, for root in a VM that has loaded cloister.ko
DEBUG_VM_TESTS :=# the same, with what only the debug kernel has
NO_DEBUG_VM_TESTS :=# of VM_TESTS, what would take minutes there and show no more
VM_FILES  :=#  files that VM_TESTS find in /data
HEADERS   :=#  public headers to install, as source paths
PKGCONFIG :=#  .pc files to install, as build/host/... paths
MANPAGES  :=#  man pages to install, as source paths
include $(sort $(wildcard userspace/*/module.mk selftests/*/module.mk))
include scripts/install.mk

# ---- Kernel module ----
MODULES      := $(addprefix module-,$(KERNEL))
TEST_MODULES := $(addprefix test-module-,$(KERNEL))

.PHONY: modules test-modules $(MODULES) $(TEST_MODULES)
modules: $(MODULES) ## cloister.ko for KERNEL, in build/<release>/
test-modules: $(TEST_MODULES) ## the same, and the modules that only tests load

$(MODULES): module-%:
	+$(Q)scripts/build-module.sh $*
$(TEST_MODULES): test-module-%:
	+$(Q)scripts/build-module.sh $* test

# ---- Host monitor: the monitor as a user-space library ----
MONITOR_SOURCES := $(sort $(wildcard driver/monitor/core/*.c driver/monitor/platform/host/*.c))
MONITOR_CPPFLAGS := -Idriver/monitor/core -Idriver/monitor/platform/host

HOST_MONITOR := build/host/libcloister-monitor.a
ASAN_MONITOR := build/asan/libcloister-monitor.a

.PHONY: host
host: $(HOST_MONITOR) ## the monitor as a user-space library, and its sanitized twin
host: $(ASAN_MONITOR)

build/host/driver/monitor/% build/asan/driver/monitor/%: override CPPFLAGS += $(MONITOR_CPPFLAGS)

$(HOST_MONITOR): $(MONITOR_SOURCES:%.c=build/host/%.o)
$(ASAN_MONITOR): $(MONITOR_SOURCES:%.c=build/asan/%.o)
$(HOST_MONITOR) $(ASAN_MONITOR):
	$(say) AR $@
	$(Q)mkdir -p $(@D) && rm -f $@ && $(AR) rcs $@ $^

# ---- Objects ----
build/host/%.o: %.c build/.flags
	$(say) CC $@
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

build/asan/%.o: %.c build/.flags
	$(say) CC $@
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) $(ASAN_CFLAGS) -c -o $@ $<

-include $(shell find build/host build/asan -name '*.d' 2>/dev/null)

# ---- User space ----
.PHONY: userspace
userspace: $(LIBRARIES) $(PROGRAMS) $(PKGCONFIG) ## libraries, command line, examples

# ---- Tests ----
# make check and its like install what they need, then run make again: what the packages bring (the
# kselftest headers, libraries) has to be there when the second make looks.
JOBS    = $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc))
# The longest suite first; two at a time, since a VM with two processors uses little more than one.
SUITES := $(filter debug,$(KERNEL)) unit $(filter-out debug,$(KERNEL))
SUITE_JOBS ?= 2
TAPDIR ?= build/tap
TAP    := $(SUITES:%=$(TAPDIR)/%.tap)

.PHONY: check
check: deps ## unit tests, tests in a VM on each KERNEL, with DEBUG=1 on the debug kernel too
	+@$(MAKE) $(JOBS) all test-modules tests
	+@$(MAKE) -j$(SUITE_JOBS) $(SUITES:%=suite-%)
	@selftests/vm/tap-summary --expected selftests/expected-skips --save $(TAPDIR)/summary $(TAP)

.PHONY: check-unit
check-unit: deps ## all tests but those that run inside a VM
	+@$(MAKE) $(JOBS) all tests
	+@$(MAKE) suite-unit
	@selftests/vm/tap-summary --expected selftests/expected-skips $(TAPDIR)/unit.tap

.PHONY: check-vm
check-vm: deps ## only the tests in a VM on each KERNEL; ONLY="access seal" for those alone, SEED=n to repeat
	+@$(MAKE) $(JOBS) modules test-modules tests
	+@$(MAKE) -j$(SUITE_JOBS) $(KERNEL:%=suite-%)
	@selftests/vm/tap-summary --expected selftests/expected-skips $(KERNEL:%=$(TAPDIR)/%.tap)

.PHONY: tests
tests: $(filter build/%,$(TESTS) $(TEST_DEPS) $(VM_TESTS) $(DEBUG_VM_TESTS)) ## build all tests
tests: $(filter build/%,$(VM_FILES))
	@:

# A suite leaves its results in build/tap/; what failed is the summary's to say.
.PHONY: suite-unit
suite-unit:
	@scripts/run-tests.sh $(TAPDIR)/unit.tap $(TESTS)

tests_of = $(if $(filter debug,$1),$(filter-out $(NO_DEBUG_VM_TESTS),$(VM_TESTS)) $(DEBUG_VM_TESTS),$(VM_TESTS))
selected = $(if $(ONLY),$(foreach name,$(ONLY),$(filter %/$(name),$(tests_of))),$(tests_of))
# Given, not a default: tests that choose at random choose so again.
seed_given = $(filter command environment,$(firstword $(origin SEED)))
.PHONY: $(KERNEL:%=suite-%)
$(KERNEL:%=suite-%): suite-%:
	@selftests/vm/suite $* $(TAPDIR)/$*.tap $(VM_FILES:%=--file %) \
		$(if $(seed_given),--env CLOISTER_SEED=$(SEED)) \
		$(foreach test,$(call selected,$*),-- $(test))

.PHONY: demo
export FILE
demo: deps ## protect a file in a VM, verify its quote here, show attacks fail (FILE=...)
	+@$(MAKE) $(JOBS) all test-modules
	@selftests/demo/demo.sh $${FILE:+"$$FILE"}

.PHONY: bench
bench: deps ## measure against peers; build/bench.json
	+@$(MAKE) $(JOBS) all tests
	@selftests/bench/bench.sh

SHELL_KERNEL := $(firstword $(KERNEL))
.PHONY: vm-shell
vm-shell: deps ## a shell in a VM (KERNEL=6.12) with module, tools and tests
	+@$(MAKE) $(JOBS) modules userspace tests
	@selftests/vm/run --kernel $(SHELL_KERNEL) --shell --timeout 86400 \
		$(foreach file,$(PROGRAMS) $(VM_TESTS),--file $(file):/cloister/bin/$(notdir $(file))) \
		$(VM_FILES:%=--file %)

.PHONY: debug-kernel
debug-kernel: deps ## build a kernel with KASAN, lockdep, UBSan, kmemleak for KERNEL=debug
	@scripts/build-debug-kernel.sh

# ---- House-keeping ----
.PHONY: clean
clean: ## remove build/
	rm -rf build
