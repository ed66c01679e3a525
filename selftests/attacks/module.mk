# SPDX-License-Identifier: Apache-2.0
# Attacks, as static programs that run in a VM.

ATTACK_NAMES := core_dump kcore_search memory_read replay swap_search
ATTACKS := $(ATTACK_NAMES:%=build/host/selftests/attacks/%)
VM_TESTS += $(ATTACKS)

$(ATTACKS:%=%.o) build/host/selftests/attacks/target.o: override CPPFLAGS += -Iuserspace/libcloister

$(ATTACKS): build/host/selftests/attacks/%: build/host/selftests/attacks/%.o \
		build/host/selftests/attacks/target.o build/host/libcloister.a
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -static -o $@ $^

.PHONY: attacks
attacks: $(ATTACKS) ## programs that attack a region as root
