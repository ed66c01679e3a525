# SPDX-License-Identifier: Apache-2.0
# Fuzz targets. fuzz_quote and fuzz_monitor: clang's libFuzzer, with ASan and UBSan; what they try is
# built anew, with the compiler's instrumentation. drive_monitor: the same sequences of monitor calls
# as fuzz_monitor's from a seed, without libFuzzer, for ASan and UBSan and for TSan. fuzz_device: the
# driver, in a VM.

FUZZ_DIR := selftests/fuzz
FUZZ_CC ?= clang
FUZZ_CFLAGS := -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
FUZZ_QUOTE_SOURCES := $(FUZZ_DIR)/fuzz_quote.c $(sort $(wildcard userspace/libcloister-verify/*.c))
FUZZ_QUOTE_OBJECTS := $(FUZZ_QUOTE_SOURCES:%.c=build/fuzz/%.o)

FUZZED_MONITOR := $(sort $(wildcard driver/monitor/core/*.c driver/monitor/platform/host/*.c))
SEQUENCE_SOURCES := $(addprefix $(FUZZ_DIR)/,model.c model_calls.c model_pages.c sequence.c \
	choose.c steps.c calls.c compare.c)
SEQUENCE_LIBS := -lbearssl -lcrypto -lpthread
FUZZ_MONITOR_SOURCES := $(FUZZ_DIR)/fuzz_monitor.c $(SEQUENCE_SOURCES) $(FUZZED_MONITOR)
FUZZ_MONITOR_OBJECTS := $(FUZZ_MONITOR_SOURCES:%.c=build/fuzz/%.o)
DRIVE_SOURCES := $(FUZZ_DIR)/drive_monitor.c $(SEQUENCE_SOURCES)
DRIVE_OBJECTS := $(DRIVE_SOURCES:%.c=build/asan/%.o)
DRIVE_TSAN_OBJECTS := $(DRIVE_SOURCES:%.c=build/tsan/%.o) $(FUZZED_MONITOR:%.c=build/tsan/%.o)

DRIVE_MONITOR := build/asan/$(FUZZ_DIR)/drive_monitor
DRIVE_TSAN := build/tsan/$(FUZZ_DIR)/drive_monitor
FUZZERS := build/fuzz/fuzz_quote build/fuzz/fuzz_monitor

TESTS += $(FUZZ_DIR)/fuzz_quote.sh $(FUZZ_DIR)/fuzz_monitor.sh
TEST_DEPS += $(FUZZERS) $(DRIVE_MONITOR) $(DRIVE_TSAN) build/host/selftests/verify/make-quote

build/asan/$(FUZZ_DIR)/%: override CPPFLAGS += $(MONITOR_CPPFLAGS)
build/tsan/$(FUZZ_DIR)/%: override CPPFLAGS += $(MONITOR_CPPFLAGS)

build/fuzz/%.o: %.c build/.flags
	$(say) CC $@
	$(Q)mkdir -p $(@D) && $(FUZZ_CC) $(CPPFLAGS) $(MONITOR_CPPFLAGS) \
		-Iuserspace/libcloister-verify $(CFLAGS) $(FUZZ_CFLAGS) -c -o $@ $<

build/fuzz/fuzz_quote: $(FUZZ_QUOTE_OBJECTS)
	$(say) LD $@
	$(Q)$(FUZZ_CC) $(CFLAGS) $(FUZZ_CFLAGS) $(LDFLAGS) -o $@ $^ -lcbor -ljansson -lcrypto

build/fuzz/fuzz_monitor: $(FUZZ_MONITOR_OBJECTS)
	$(say) LD $@
	$(Q)$(FUZZ_CC) $(CFLAGS) $(FUZZ_CFLAGS) $(LDFLAGS) -o $@ $^ $(SEQUENCE_LIBS)

$(DRIVE_MONITOR): $(DRIVE_OBJECTS) build/asan/libcloister-monitor.a
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) $(ASAN_CFLAGS) $(LDFLAGS) -o $@ $^ $(SEQUENCE_LIBS)

$(DRIVE_TSAN): $(DRIVE_TSAN_OBJECTS)
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) -fsanitize=thread $(LDFLAGS) -o $@ $^ $(SEQUENCE_LIBS)

# Each fuzzer has its share of SECONDS.
SECONDS ?= 600
.PHONY: fuzz
fuzz: ## fuzz quote parser and monitor for SECONDS
fuzz: $(FUZZERS) $(DRIVE_MONITOR) $(DRIVE_TSAN) build/host/selftests/verify/make-quote
	@FUZZ_SECONDS=$$(($(SECONDS) / 4)) $(FUZZ_DIR)/fuzz_quote.sh
	@FUZZ_SECONDS=$$(($(SECONDS) * 3 / 4)) $(FUZZ_DIR)/fuzz_monitor.sh

# The driver's fuzzer: a short run of it is one of the VM tests.
FUZZ_DEVICE := build/host/$(FUZZ_DIR)/fuzz_device
FUZZ_DEVICE_OBJECTS := $(addprefix build/host/$(FUZZ_DIR)/,fuzz_device.o world_calls.o world_pages.o)
VM_TESTS += $(FUZZ_DEVICE)

$(FUZZ_DEVICE): $(FUZZ_DEVICE_OBJECTS)
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -static -pthread -o $@ $^

SEED ?= $(shell date +%s)
.PHONY: fuzz-vm
fuzz-vm: deps ## fuzz the driver for SECONDS in a VM (KERNEL=debug); SEED=n repeats
	+@$(MAKE) $(JOBS) $(KERNEL:%=module-%) $(FUZZ_DEVICE)
	@$(foreach kernel,$(KERNEL),selftests/vm/run --kernel $(kernel) --mem 2G --swap 256M \
		--boot-timeout 900 --timeout $$(($(SECONDS) * 2 + 300)) -- \
		$(FUZZ_DEVICE) --seconds $(SECONDS) --seed $(SEED) &&) true

-include $(FUZZ_QUOTE_OBJECTS:.o=.d) $(FUZZ_MONITOR_OBJECTS:.o=.d)
