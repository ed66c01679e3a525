# SPDX-License-Identifier: Apache-2.0
# Tests of installation: staged, in a kernel tree, by dkms in the clean Debian image.

INSTALL_TEST_DIR := selftests/install
TESTS += $(addprefix $(INSTALL_TEST_DIR)/, test_stage.sh test_kernel_tree.sh test_dkms_build.sh)
TEST_DEPS += build/install/image

# Built before tests run, whose time is limited; the script knows whether it is there already.
build/install/image: FORCE
	$(Q)mkdir -p $(@D) && selftests/vm/image.sh > $@
