# SPDX-License-Identifier: Apache-2.0
# Fuzz targets: clang's libFuzzer, with ASan and UBSan. The library is built anew, with the
# compiler's instrumentation.

FUZZ_DIR := selftests/fuzz
FUZZ_CC ?= clang
FUZZ_CFLAGS := -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
FUZZ_SOURCES := $(FUZZ_DIR)/fuzz_quote.c $(sort $(wildcard userspace/libcloister-verify/*.c))
FUZZ_OBJECTS := $(FUZZ_SOURCES:%.c=build/fuzz/%.o)

TESTS += $(FUZZ_DIR)/fuzz_quote.sh
TEST_DEPS += build/fuzz/fuzz_quote build/host/selftests/verify/make-quote

build/fuzz/%.o: %.c
	$(say) CC $@
	$(Q)mkdir -p $(@D) && $(FUZZ_CC) $(CPPFLAGS) -Iuserspace/libcloister-verify $(CFLAGS) \
		$(FUZZ_CFLAGS) -c -o $@ $<

build/fuzz/fuzz_quote: $(FUZZ_OBJECTS)
	$(say) LD $@
	$(Q)$(FUZZ_CC) $(CFLAGS) $(FUZZ_CFLAGS) $(LDFLAGS) -o $@ $^ -lcbor -ljansson -lcrypto

.PHONY: fuzz
fuzz: build/fuzz/fuzz_quote build/host/selftests/verify/make-quote ## fuzz the quote parser; FUZZ_SECONDS=n
	@$(FUZZ_DIR)/fuzz_quote.sh

-include $(FUZZ_OBJECTS:.o=.d)
