# SPDX-License-Identifier: Apache-2.0
# Tests of libcloister-verify, under ASan and UBSan.

VERIFY_TEST_DIR := selftests/verify
VERIFY_TEST_NAMES := test_encoding test_chain test_policy test_api test_measure
VERIFY_TESTS := $(VERIFY_TEST_NAMES:%=build/asan/$(VERIFY_TEST_DIR)/%)
VERIFY_MONITOR_TEST := build/asan/$(VERIFY_TEST_DIR)/test_monitor
VERIFY_TEST_SCRIPTS := $(sort $(wildcard $(VERIFY_TEST_DIR)/test_*.sh))
VERIFY_TEST_SHARED := tap check make_quote make_certs
VERIFY_TEST_OBJECTS := $(VERIFY_TEST_SHARED:%=build/asan/$(VERIFY_TEST_DIR)/%.o)

# What the scripts run: make-quote writes quotes, measure-pages measures a list of pages.
VERIFY_TEST_TOOLS := build/host/$(VERIFY_TEST_DIR)/make-quote \
		     build/host/$(VERIFY_TEST_DIR)/measure-pages

TESTS += $(VERIFY_TESTS) $(VERIFY_MONITOR_TEST) $(VERIFY_TEST_SCRIPTS)
TEST_DEPS += $(VERIFY_TEST_TOOLS) build/host/libcloister-verify.so \
	     build/host/libcloister-verify.a

build/asan/$(VERIFY_TEST_DIR)/% build/host/$(VERIFY_TEST_DIR)/%: override CPPFLAGS += \
	-Iuserspace/libcloister-verify

$(VERIFY_TESTS): build/asan/%: build/asan/%.o $(VERIFY_TEST_OBJECTS) \
		build/asan/libcloister-verify.a
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) $(ASAN_CFLAGS) $(LDFLAGS) -o $@ $^ $(VERIFY_LIBS)

# Quotes of the monitor itself, with the harness of its unit tests.
$(VERIFY_MONITOR_TEST).o: override CPPFLAGS += -Idriver/monitor/core \
	-Idriver/monitor/platform/host -Iselftests/unit
$(VERIFY_MONITOR_TEST): $(VERIFY_MONITOR_TEST).o $(VERIFY_TEST_OBJECTS) \
		build/asan/selftests/unit/unit.o build/asan/libcloister-verify.a \
		build/asan/libcloister-monitor.a
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) $(ASAN_CFLAGS) $(LDFLAGS) -o $@ $^ $(VERIFY_LIBS) -lcmocka -lbearssl \
		-lpthread

build/host/$(VERIFY_TEST_DIR)/make-quote: $(addprefix build/host/$(VERIFY_TEST_DIR)/,\
		write_quotes.o tap.o make_quote.o make_certs.o)
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lcrypto

build/host/$(VERIFY_TEST_DIR)/measure-pages: build/host/$(VERIFY_TEST_DIR)/measure_pages.o \
		build/host/libcloister-verify.a
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(VERIFY_LIBS)

.SECONDARY: $(VERIFY_TESTS:=.o) $(VERIFY_MONITOR_TEST).o $(VERIFY_TEST_OBJECTS)
