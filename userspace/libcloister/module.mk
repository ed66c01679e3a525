# SPDX-License-Identifier: Apache-2.0
# libcloister: shared and static.

LIBCLOISTER_SOURCES := $(sort $(wildcard userspace/libcloister/*.c))
LIBCLOISTER_OBJECTS := $(LIBCLOISTER_SOURCES:%.c=build/host/%.o)

LIBRARIES += build/host/libcloister.so.0 build/host/libcloister.so build/host/libcloister.a
HEADERS   += userspace/libcloister/cloister.h
PKGCONFIG += build/host/libcloister.pc

build/host/libcloister.so.0: $(LIBCLOISTER_OBJECTS) userspace/libcloister/libcloister.map
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) -shared -Wl,-soname,libcloister.so.0 -Wl,-z,defs -Wl,-z,relro,-z,now \
		-Wl,--version-script=userspace/libcloister/libcloister.map $(LDFLAGS) \
		-o $@ $(LIBCLOISTER_OBJECTS)

build/host/libcloister.so: build/host/libcloister.so.0
	$(Q)ln -sf libcloister.so.0 $@

# One object that shows only the library's own names: others can't clash with a program's.
build/host/libcloister.a: $(LIBCLOISTER_OBJECTS)
	$(say) AR $@
	$(Q)$(LD) -r -o $(@:.a=.o) $^ && \
		objcopy --wildcard --keep-global-symbol='cloister_*' $(@:.a=.o) && rm -f $@ && \
		$(AR) rcs $@ $(@:.a=.o) && rm -f $(@:.a=.o)

build/host/libcloister.pc: userspace/libcloister/libcloister.pc.in
	$(say) GEN $@
	$(Q)mkdir -p $(@D) && sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(CLOISTER_VERSION)|' \
		$< > $@
