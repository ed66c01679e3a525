# SPDX-License-Identifier: Apache-2.0
# Examples: `protect` needs the ioctls and nothing else, `reader` works in a protected file.

EXAMPLES := build/host/examples/protect build/host/examples/reader
PROGRAMS += $(EXAMPLES)

build/host/examples/reader: EXAMPLE_LIBS := -lcrypto
$(EXAMPLES): build/host/examples/%: build/host/userspace/examples/%.o
	$(say) LD $@
	$(Q)mkdir -p $(@D) && $(CC) $(CFLAGS) $(LDFLAGS) -o $@ $< $(EXAMPLE_LIBS)
