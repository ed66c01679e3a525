# SPDX-License-Identifier: Apache-2.0
# The kselftests as static programs that run in a VM.

KSELFTEST_NAMES := $(patsubst selftests/cloister/%.c,%,$(sort $(wildcard selftests/cloister/*.c)))
KSELFTESTS := $(KSELFTEST_NAMES:%=build/host/selftests/cloister/%)
VM_TESTS += $(KSELFTESTS)

$(KSELFTESTS): build/host/selftests/cloister/%: selftests/cloister/%.c build/kselftest/.fetched
	$(say) CC $@
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) -isystem build/kselftest $(CFLAGS) $(LDFLAGS) \
		-static -pthread -o $@ $<

build/kselftest/.fetched:
	$(Q)mkdir -p $(@D) && cp "$$(scripts/fetch-kselftest.sh)"/*.h $(@D) && touch $@

.PHONY: kselftests
kselftests: $(KSELFTESTS) ## programs that test the driver from user space
