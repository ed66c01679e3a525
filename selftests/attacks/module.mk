# SPDX-License-Identifier: Apache-2.0
# Attacks, as static programs that run in a VM.

ATTACK_NAMES := bpf_inside bpf_outside bpf_reads bystanders core_dump descriptors \
	exit_registers kcore_search kernel_log machine memory_read page_faults perf_registers \
	proc_files replay swap_search trace_events trace_owner user_probes
ATTACKS := $(ATTACK_NAMES:%=build/host/selftests/attacks/%)
VM_TESTS += $(ATTACKS)
# In VMs of its own: lockdown does not end.
TESTS += selftests/attacks/test_locked_down.sh
TEST_DEPS += $(ATTACKS)
# Each probe that is made or ended has the tracer go through all functions of the kernel: 8 minutes.
NO_DEBUG_VM_TESTS += build/host/selftests/attacks/trace_events

ATTACK_SHARED := $(addprefix build/host/selftests/attacks/,attack.o bpf_code.o evidence.o prey.o \
	sampler.o scout.o spy.o target.o tracefs.o)
$(ATTACKS:%=%.o) $(ATTACK_SHARED): override CPPFLAGS += -Iuserspace/libcloister \
	-I/usr/include/bearssl

build/host/selftests/attacks/libattack.a: $(ATTACK_SHARED)
	$(say) AR $@
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(ATTACKS): build/host/selftests/attacks/%: build/host/selftests/attacks/%.o \
		build/host/selftests/attacks/libattack.a build/host/libcloister.a
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -static -o $@ $^ -lbearssl

.SECONDARY: $(ATTACKS:%=%.o)

.PHONY: attacks
attacks: $(ATTACKS) ## programs that attack a region as root
