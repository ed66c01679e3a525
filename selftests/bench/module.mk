# SPDX-License-Identifier: Apache-2.0
# Benchmarks. `make bench` builds them with the tests and runs bench.sh.

BENCH_DIR := selftests/bench
BENCH_PROGRAMS := $(addprefix build/host/$(BENCH_DIR)/,host_bench verify_bench vm_bench)

TEST_DEPS += $(BENCH_PROGRAMS)

build/host/$(BENCH_DIR)/host_bench.o: override CPPFLAGS += -Idriver/monitor/core \
	-Idriver/monitor/platform/host
build/host/$(BENCH_DIR)/verify_bench.o: override CPPFLAGS += -Iuserspace/libcloister-verify \
	-Iselftests/verify

build/host/$(BENCH_DIR)/host_bench: build/host/$(BENCH_DIR)/host_bench.o \
		build/host/$(BENCH_DIR)/bench.o build/host/libcloister-monitor.a
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lbearssl -lpthread

build/host/$(BENCH_DIR)/verify_bench: build/host/$(BENCH_DIR)/verify_bench.o \
		build/host/$(BENCH_DIR)/bench.o $(addprefix build/host/selftests/verify/,\
		tap.o make_quote.o make_certs.o) build/host/libcloister-verify.a
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(VERIFY_LIBS)

# Runs in the VM.
build/host/$(BENCH_DIR)/vm_bench: build/host/$(BENCH_DIR)/vm_bench.o \
		build/host/$(BENCH_DIR)/bench.o
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

.SECONDARY: $(BENCH_PROGRAMS:=.o) build/host/$(BENCH_DIR)/bench.o
