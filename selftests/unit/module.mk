# SPDX-License-Identifier: Apache-2.0
# Unit tests of the monitor and of its host platform, one a source file, under ASan and UBSan.

UNIT_DIR := selftests/unit
UNIT_SOURCES := $(sort $(wildcard $(UNIT_DIR)/test_*.c))
UNIT_TESTS := $(UNIT_SOURCES:$(UNIT_DIR)/%.c=build/asan/$(UNIT_DIR)/%)
UNIT_LIBS := -lcmocka -lcbor -lcrypto -lbearssl -lpthread

TESTS += $(UNIT_TESTS)

build/asan/$(UNIT_DIR)/%: override CPPFLAGS += -Idriver/monitor/core \
	-Idriver/monitor/platform/host -I$(UNIT_DIR)

$(UNIT_TESTS): build/asan/$(UNIT_DIR)/%: build/asan/$(UNIT_DIR)/%.o build/asan/$(UNIT_DIR)/unit.o \
		build/asan/libcloister-monitor.a
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) $(ASAN_CFLAGS) $(LDFLAGS) -o $@ $^ $(UNIT_LIBS)

.PHONY: unit
unit: $(UNIT_TESTS) ## the monitor's unit tests, built and run
	@status=0; for t in $^; do echo "# $$t"; $$t || status=1; done; exit $$status

.SECONDARY: $(UNIT_TESTS:=.o) build/asan/$(UNIT_DIR)/unit.o
