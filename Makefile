# SPDX-License-Identifier: Apache-2.0
# Cloister. `make help` lists the targets. Everything generated goes under build/.

# ---- Settings (override on the command line) ----
KERNEL  ?= 6.1 6.12
PREFIX  ?= /usr/local
DESTDIR ?=
CC      ?= gcc
AR      ?= ar
V       ?= 0

CPPFLAGS ?=
CFLAGS   ?= -O2 -g
LDFLAGS  ?=

override CPPFLAGS += -Iuapi -D_GNU_SOURCE -MMD -MP
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

# ---- Targets ----
.DEFAULT_GOAL := all
.PHONY: all
all: modules host userspace ## module for both kernels, host monitor, user space

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z][a-z-]*\):[^#]*## \(.*\)/\1\t\2/p' $(firstword $(MAKEFILE_LIST)) | \
		while IFS='	' read -r t d; do printf '  make %-14s %s\n' "$$t" "$$d"; done
	@printf '\nSettings: %s\n' 'KERNEL="6.1 6.12" (or debug), V=1, PREFIX, DESTDIR, CC, CFLAGS'

.PHONY: deps
deps: ## install missing Debian packages, fetch kernels
	@scripts/deps.sh

# Directories with built things: each module.mk appends to these and holds its own rules.
PROGRAMS  :=#  programs, as build/host/... paths
LIBRARIES :=#  libraries, as build/host/... paths
TESTS     :=#  programs and scripts that print TAP; run by `make check`
TEST_DEPS :=#  other files that the tests need
HEADERS   :=#  public headers to install, as source paths
PKGCONFIG :=#  .pc files to install, as build/host/... paths
MANPAGES  :=#  man pages to install, as source paths
include $(sort $(wildcard userspace/*/module.mk selftests/*/module.mk))

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
build/host/%.o: %.c
	$(say) CC $@
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

build/asan/%.o: %.c
	$(say) CC $@
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) $(ASAN_CFLAGS) -c -o $@ $<

-include $(shell find build/host build/asan -name '*.d' 2>/dev/null)

# ---- User space ----
.PHONY: userspace
userspace: $(LIBRARIES) $(PROGRAMS) ## libraries, command line, examples

# ---- House-keeping ----
.PHONY: clean
clean: ## remove build/
	rm -rf build
