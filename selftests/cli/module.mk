# SPDX-License-Identifier: Apache-2.0
# Tests of libcloister and of the command line. The program under test is the real one, built
# with sanitizers and with a device that needs no kernel.

CLI_TEST_DIR := selftests/cli
CLI_FAKE := build/asan/$(CLI_TEST_DIR)/cloister
CLI_TEST_LIBRARY := $(patsubst %.c,build/asan/%.o,$(sort $(wildcard userspace/libcloister/*.c)))
CLI_FAKE_OBJECTS := $(CLI_TEST_LIBRARY) $(patsubst %.c,build/asan/%.o,$(sort \
	$(filter-out %/transport.c,$(wildcard userspace/cli/*.c)) \
	$(CLI_TEST_DIR)/fake_device.c $(CLI_TEST_DIR)/fake_quote.c))
LIBCLOISTER_TEST := build/asan/$(CLI_TEST_DIR)/test_libcloister

TESTS += $(LIBCLOISTER_TEST) $(CLI_TEST_DIR)/test_cli.py $(CLI_TEST_DIR)/test_doctor.py
TEST_DEPS += $(CLI_FAKE) build/host/cloister build/host/libcloister.so.0

$(CLI_FAKE): $(CLI_FAKE_OBJECTS) build/asan/libcloister-verify.a
	$(say) LD $@
	$(Q)mkdir -p $(@D) && $(CC) $(CFLAGS) $(ASAN_CFLAGS) $(LDFLAGS) -o $@ $^ $(CLI_LIBS)

$(LIBCLOISTER_TEST): $(LIBCLOISTER_TEST).o $(CLI_TEST_LIBRARY)
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) $(ASAN_CFLAGS) $(LDFLAGS) -o $@ $^

# In the VM: the program of the host, the examples, and the file that is protected.
VM_TESTS += $(CLI_TEST_DIR)/vm-cli.sh
VM_FILES += build/host/cloister build/host/examples/reader build/host/examples/protect
