# SPDX-License-Identifier: Apache-2.0
# Benchmarks. `make bench` builds them with the tests and runs bench.sh.

BENCH_DIR := selftests/bench
BENCH_PROGRAMS := $(addprefix build/host/$(BENCH_DIR)/,host_bench verify_bench vm_bench \
	swap_bench many_bench threads_bench guards_bench)

TEST_DEPS += $(BENCH_PROGRAMS)

build/host/$(BENCH_DIR)/host_bench.o: override CPPFLAGS += -Idriver/monitor/core \
	-Idriver/monitor/platform/host
build/host/$(BENCH_DIR)/verify_bench.o: override CPPFLAGS += -Iuserspace/libcloister-verify \
	-Iselftests/verify

build/host/$(BENCH_DIR)/host_bench: $(addprefix build/host/$(BENCH_DIR)/,host_bench.o \
		host_gcm.o bench.o team.o) build/host/libcloister-monitor.a
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lbearssl -lpthread

build/host/$(BENCH_DIR)/verify_bench: build/host/$(BENCH_DIR)/verify_bench.o \
		build/host/$(BENCH_DIR)/bench.o $(addprefix build/host/selftests/verify/,\
		tap.o make_quote.o make_certs.o) build/host/libcloister-verify.a
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(VERIFY_LIBS)

# These run in the VM.
build/host/$(BENCH_DIR)/swap_bench: build/host/$(BENCH_DIR)/swap_device.o
build/host/$(BENCH_DIR)/threads_bench: build/host/$(BENCH_DIR)/team.o
VM_BENCHES := $(addprefix build/host/$(BENCH_DIR)/,vm_bench swap_bench many_bench \
	threads_bench guards_bench)
$(VM_BENCHES): build/host/$(BENCH_DIR)/%: build/host/$(BENCH_DIR)/%.o \
		build/host/$(BENCH_DIR)/bench.o build/host/$(BENCH_DIR)/vm_region.o
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lpthread

.SECONDARY: $(BENCH_PROGRAMS:=.o) build/host/$(BENCH_DIR)/bench.o
