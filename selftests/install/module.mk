# SPDX-License-Identifier: Apache-2.0
# Tests of installation: staged, in a kernel tree, by dkms, and on a clean Debian in a VM.

INSTALL_TEST_DIR := selftests/install
# In this order: what test_dkms_build.sh builds, test_debian_dkms.sh installs.
TESTS += $(addprefix $(INSTALL_TEST_DIR)/, test_stage.sh test_kernel_tree.sh test_dkms_build.sh \
	test_debian_make.sh test_debian_dkms.sh)
TEST_DEPS += build/install/image

# Built before tests run, whose time is limited; the script knows whether it is there already.
build/install/image: FORCE
	$(Q)mkdir -p $(@D) && selftests/vm/image.sh > $@
