# SPDX-License-Identifier: Apache-2.0
# Unit tests of the monitor and of its host platform, one a source file, under ASan and UBSan; the
# test of many threads under the thread sanitizer as well.

UNIT_DIR := selftests/unit
UNIT_SOURCES := $(sort $(wildcard $(UNIT_DIR)/test_*.c))
UNIT_TESTS := $(UNIT_SOURCES:$(UNIT_DIR)/%.c=build/asan/$(UNIT_DIR)/%)
UNIT_LIBS := -lcmocka -lcbor -lcrypto -lbearssl -lpthread
UNIT_CPPFLAGS := -Idriver/monitor/core -Idriver/monitor/platform/host -I$(UNIT_DIR)
STRESS_TSAN := build/tsan/$(UNIT_DIR)/test_stress

TESTS += $(UNIT_TESTS) $(STRESS_TSAN)

build/asan/$(UNIT_DIR)/% build/tsan/%: override CPPFLAGS += $(UNIT_CPPFLAGS)

$(UNIT_TESTS): build/asan/$(UNIT_DIR)/%: build/asan/$(UNIT_DIR)/%.o build/asan/$(UNIT_DIR)/unit.o \
		build/asan/libcloister-monitor.a
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) $(ASAN_CFLAGS) $(LDFLAGS) -o $@ $^ $(UNIT_LIBS)

TSAN_CFLAGS := -fsanitize=thread -fno-omit-frame-pointer

build/tsan/%.o: %.c build/.flags
	$(say) CC $@
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) $(TSAN_CFLAGS) -c -o $@ $<

TSAN_SOURCES := $(UNIT_DIR)/unit.c $(UNIT_DIR)/test_stress.c \
	$(sort $(wildcard driver/monitor/core/*.c driver/monitor/platform/host/*.c))

$(STRESS_TSAN): $(TSAN_SOURCES:%.c=build/tsan/%.o)
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) $(TSAN_CFLAGS) $(LDFLAGS) -o $@ $^ $(UNIT_LIBS)

-include $(shell find build/tsan -name '*.d' 2>/dev/null)

.SECONDARY: $(UNIT_TESTS:=.o) build/asan/$(UNIT_DIR)/unit.o
