# SPDX-License-Identifier: Apache-2.0
# cloister: one file a command. Our own libraries are linked in, so that the program can be
# copied to another machine; those of the distribution stay shared.

CLI_SOURCES := $(sort $(wildcard userspace/cli/*.c))
CLI_OBJECTS := $(CLI_SOURCES:%.c=build/host/%.o)
CLI_LIBS := -lcbor -ljansson -lcrypto

PROGRAMS += build/host/cloister
MANPAGES += $(sort $(wildcard userspace/cli/man/*.[1-8]))

build/host/cloister: $(CLI_OBJECTS) build/host/libcloister.a build/host/libcloister-verify.a
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -Wl,-z,relro,-z,now -o $@ $^ $(CLI_LIBS)
