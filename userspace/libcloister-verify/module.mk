# SPDX-License-Identifier: Apache-2.0
# libcloister-verify: shared, static, and the sanitized static one that its tests link.

VERIFY_DIR := userspace/libcloister-verify
VERIFY_SOURCES := $(sort $(wildcard $(VERIFY_DIR)/*.c))
VERIFY_OBJECTS := $(VERIFY_SOURCES:%.c=build/host/%.o)
VERIFY_ASAN := $(VERIFY_SOURCES:%.c=build/asan/%.o)
VERIFY_LIBS := -lcbor -ljansson -lcrypto

LIBRARIES += build/host/libcloister-verify.so.0 build/host/libcloister-verify.so \
	     build/host/libcloister-verify.a
HEADERS   += $(VERIFY_DIR)/cloister-verify.h
PKGCONFIG += build/host/libcloister-verify.pc

build/host/$(VERIFY_DIR)/% build/asan/$(VERIFY_DIR)/%: override CPPFLAGS += -fvisibility=hidden

build/host/libcloister-verify.so.0: $(VERIFY_OBJECTS) $(VERIFY_DIR)/libcloister-verify.map
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) -shared -Wl,-soname,libcloister-verify.so.0 -Wl,-z,defs \
		-Wl,-z,relro,-z,now -Wl,--version-script=$(VERIFY_DIR)/libcloister-verify.map \
		$(LDFLAGS) -o $@ $(VERIFY_OBJECTS) $(VERIFY_LIBS)

build/host/libcloister-verify.so: build/host/libcloister-verify.so.0
	$(Q)ln -sf libcloister-verify.so.0 $@

# One object whose internal names are local: they can't clash with those of a program.
build/host/libcloister-verify.a: $(VERIFY_OBJECTS)
	$(say) AR $@
	$(Q)$(LD) -r -o $(@:.a=.o) $^ && objcopy --localize-hidden $(@:.a=.o) && rm -f $@ && \
		$(AR) rcs $@ $(@:.a=.o) && rm -f $(@:.a=.o)

build/asan/libcloister-verify.a: $(VERIFY_ASAN)
	$(say) AR $@
	$(Q)rm -f $@ && $(AR) rcs $@ $^

build/host/libcloister-verify.pc: $(VERIFY_DIR)/libcloister-verify.pc.in
	$(say) GEN $@
	$(Q)mkdir -p $(@D) && sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(CLOISTER_VERSION)|' \
		$< > $@
