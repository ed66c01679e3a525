# SPDX-License-Identifier: Apache-2.0
# Tests of the VM harness itself.

TESTS += selftests/vm/tests/test_tap_summary.sh selftests/vm/tests/test_run.sh
