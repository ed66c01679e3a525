# SPDX-License-Identifier: Apache-2.0
# Installation. Documentation/installation.rst has it from the user's side.

INSTALL_HDR_PATH ?= $(DESTDIR)$(PREFIX)
INSTALL_MOD_PATH ?= $(DESTDIR)
INSTALL_MOD_DIR  ?= updates
export INSTALL_MOD_PATH INSTALL_MOD_DIR

INCLUDEDIR  := $(DESTDIR)$(PREFIX)/include
LIBDIR      := $(DESTDIR)$(PREFIX)/lib
BINDIR      := $(DESTDIR)$(PREFIX)/bin
MANDIR      := $(DESTDIR)$(PREFIX)/share/man
# udev and systemd look below /usr/local/lib as well as below /usr/lib.
UDEV_RULE   := $(LIBDIR)/udev/rules.d/60-cloister.rules
SYSUSERS    := $(LIBDIR)/sysusers.d/cloister.conf
man_path     = $(MANDIR)/man$(subst .,,$(suffix $1))/$(notdir $1)
HDR_DIR     := $(INSTALL_HDR_PATH)/include/linux
UAPI        := $(wildcard uapi/linux/*.h)
INSTALLED_PROGRAMS := $(filter-out build/host/examples/%,$(PROGRAMS))
# True where this very machine is installed to, and not an image of another.
ON_HERE      = [ -z "$(DESTDIR)" ] && [ "$$(id -u)" -eq 0 ]

# ---- User space ----
.PHONY: install
install: headers_install ## install the user space, udev rule and group (PREFIX, DESTDIR)
	@rm -f $(PKGCONFIG) # they hold the PREFIX of an earlier build
	+@$(MAKE) userspace $(PKGCONFIG)
	install -d $(BINDIR) $(LIBDIR)/pkgconfig $(INCLUDEDIR)
	install $(INSTALLED_PROGRAMS) $(BINDIR)
	cp -dp --no-preserve=ownership $(LIBRARIES) $(LIBDIR)
	install -m 644 $(HEADERS) $(INCLUDEDIR)
	install -m 644 $(PKGCONFIG) $(LIBDIR)/pkgconfig
	install -D -m 644 scripts/install/60-cloister.rules $(UDEV_RULE)
	install -D -m 644 scripts/install/sysusers.conf $(SYSUSERS)
	@for page in $(MANPAGES); do \
		install -D -v -m 644 $$page $(MANDIR)/man$${page##*.}/$${page##*/} || exit; done
	@if $(ON_HERE); then scripts/install/settle.sh installed $(SYSUSERS); fi

.PHONY: uninstall
uninstall: ## remove what install put there
	rm -f $(addprefix $(BINDIR)/,$(notdir $(INSTALLED_PROGRAMS))) \
		$(addprefix $(LIBDIR)/,$(notdir $(LIBRARIES))) \
		$(addprefix $(INCLUDEDIR)/,$(notdir $(HEADERS))) \
		$(addprefix $(HDR_DIR)/,$(notdir $(UAPI))) \
		$(addprefix $(LIBDIR)/pkgconfig/,$(notdir $(PKGCONFIG))) \
		$(UDEV_RULE) $(SYSUSERS) \
		$(foreach page,$(MANPAGES),$(call man_path,$(page)))
	@# Directories that a fresh /usr/local has not.
	@for directory in $(HDR_DIR) $(LIBDIR)/pkgconfig $(dir $(UDEV_RULE)) $(LIBDIR)/udev \
		$(dir $(SYSUSERS)) $(sort $(foreach page,$(MANPAGES),$(dir $(call man_path,$(page))))); do \
		[ ! -d $$directory ] || rmdir --ignore-fail-on-non-empty $$directory || exit; done
	@if $(ON_HERE); then scripts/install/settle.sh removed; fi

.PHONY: headers_install
headers_install: ## install the kernel's interface alone, as the kernel does (INSTALL_HDR_PATH)
	install -d $(HDR_DIR)
	install -m 644 $(UAPI) $(HDR_DIR)

# ---- Module ----
# Of the running kernel, unless KERNEL is given.
INSTALL_KERNEL = $(if $(filter file,$(origin KERNEL)),$(shell uname -r),$(KERNEL))

.PHONY: modules_install
modules_install: ## install cloister.ko for the running kernel (KERNEL, INSTALL_MOD_PATH)
	@scripts/install/module.sh install $(INSTALL_KERNEL)

.PHONY: modules_uninstall
modules_uninstall: ## remove what modules_install put there
	@scripts/install/module.sh uninstall $(INSTALL_KERNEL)

# ---- dkms: a module for each kernel that the machine will ever get ----
DKMS_SOURCE := $(DESTDIR)/usr/src/cloister-$(CLOISTER_VERSION)
DKMS_FILES  := Kbuild version.mk $(shell find driver uapi LICENSES -type f \
	\( -name '*.[ch]' -o -name 'GPL*' -o -name 'MIT*' -o -name 'Linux*' \))
DKMS        := dkms
DKMS_MODULE := -m cloister -v $(CLOISTER_VERSION)

.PHONY: dkms_source
dkms_source: ## put the module's source where dkms looks (DESTDIR)
	@rm -rf $(DKMS_SOURCE)
	@for file in $(DKMS_FILES); do \
		install -D -m 644 $$file $(DKMS_SOURCE)/$$file || exit; done
	@sed 's|@VERSION@|$(CLOISTER_VERSION)|' scripts/install/dkms.conf.in >$(DKMS_SOURCE)/dkms.conf
	@echo '$(DKMS_SOURCE)'

.PHONY: dkms_install
dkms_install: dkms_source ## build and install the module by dkms (KERNEL)
	@[ -n "$$($(DKMS) status $(DKMS_MODULE))" ] || $(DKMS) add $(DKMS_MODULE)
	@for kernel in $(INSTALL_KERNEL); do $(DKMS) install $(DKMS_MODULE) -k $$kernel || exit; done

.PHONY: dkms_uninstall
dkms_uninstall: ## remove the module from dkms and from all kernels
	@[ -z "$$($(DKMS) status $(DKMS_MODULE))" ] || $(DKMS) remove $(DKMS_MODULE) --all
	rm -rf $(DKMS_SOURCE)
