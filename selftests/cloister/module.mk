# SPDX-License-Identifier: Apache-2.0
# The kselftests as static programs that run in a VM.

KSELFTEST_NAMES := $(patsubst selftests/cloister/%.c,%,$(sort $(wildcard selftests/cloister/*.c)))
KSELFTESTS := $(KSELFTEST_NAMES:%=build/host/selftests/cloister/%)
# What needs fault injection runs on the debug kernel only.
KSELFTESTS_DEBUG := $(filter %/fail_load %/fail_nth %/fail_workers,$(KSELFTESTS))
VM_TESTS += $(filter-out $(KSELFTESTS_DEBUG),$(KSELFTESTS))
DEBUG_VM_TESTS += $(KSELFTESTS_DEBUG)
TESTS += selftests/cloister/check-errnos.sh

$(KSELFTESTS): build/host/selftests/cloister/%: selftests/cloister/%.c build/kselftest/.fetched
	$(say) CC $@
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) -isystem build/kselftest $(CFLAGS) $(LDFLAGS) \
		-static -pthread -o $@ $<

build/kselftest/.fetched:
	$(Q)mkdir -p $(@D) && cp "$$(scripts/fetch-kselftest.sh)"/*.h $(@D) && touch $@

.PHONY: kselftests
kselftests: $(KSELFTESTS) ## programs that test the driver from user space
