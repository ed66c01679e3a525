# SPDX-License-Identifier: Apache-2.0
# How much of the monitor its unit tests and the model fuzzer run: the monitor built once more, with
# gcov's counters, in build/coverage.

COVERAGE_DIR := selftests/coverage
COVERAGE_MONITOR := $(sort $(wildcard driver/monitor/core/*.c driver/monitor/platform/host/*.c))
COVERAGE_OBJECTS := $(COVERAGE_MONITOR:%.c=build/coverage/%.o)
COVERAGE_UNIT := $(patsubst selftests/unit/%.c,build/coverage/unit/%,\
	$(sort $(wildcard selftests/unit/test_*.c)))
COVERAGE_DRIVE := build/coverage/drive_monitor
COVERAGE_DRIVE_OBJECTS := $(patsubst %,build/coverage/tests/selftests/fuzz/%.o,\
	drive_monitor model model_calls model_pages sequence choose steps calls compare)
COVERAGE_MIN ?= 95

# Optimisation would merge branches. Counters of several threads, and of a process that aborts.
COVERAGE_CFLAGS := -O0 -g --coverage -fprofile-update=atomic
COVERAGE_LDFLAGS := --coverage -Wl,-u,__gcov_dump

build/coverage/%.o: %.c build/.flags
	$(say) CC $@
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(MONITOR_CPPFLAGS) $(CFLAGS) $(COVERAGE_CFLAGS) \
		-c -o $@ $<

# The tests themselves are not measured.
build/coverage/unit/%: build/coverage/tests/selftests/unit/%.o \
		build/coverage/tests/selftests/unit/unit.o $(COVERAGE_OBJECTS)
	$(say) LD $@
	$(Q)mkdir -p $(@D) && $(CC) $(CFLAGS) $(COVERAGE_LDFLAGS) -o $@ $^ $(UNIT_LIBS)

$(COVERAGE_DRIVE): $(COVERAGE_DRIVE_OBJECTS) $(COVERAGE_OBJECTS)
	$(say) LD $@
	$(Q)mkdir -p $(@D) && $(CC) $(CFLAGS) $(COVERAGE_LDFLAGS) -o $@ $^ $(SEQUENCE_LIBS)

build/coverage/tests/%.o: %.c build/.flags
	$(say) CC $@
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(UNIT_CPPFLAGS) $(CFLAGS) -c -o $@ $<

.PHONY: coverage
coverage: $(COVERAGE_UNIT) $(COVERAGE_DRIVE) ## lines and branches of the monitor that tests run; fails below 95 %
	@$(COVERAGE_DIR)/coverage.sh $(COVERAGE_MIN) $(COVERAGE_UNIT) -- $(COVERAGE_DRIVE)

.SECONDARY: build/coverage/tests/selftests/unit/unit.o \
	$(COVERAGE_UNIT:build/coverage/unit/%=build/coverage/tests/selftests/unit/%.o)
-include $(shell find build/coverage -name '*.d' 2>/dev/null)
