#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# fetch-kselftest.sh: fetches the kselftest headers and lib.mk, and prints the directory that holds
# them.
set -eu
# shellcheck source=scripts/common.sh
. "$(dirname "$0")/common.sh"

source_files kselftest tools/testing/selftests/kselftest_harness.h \
	tools/testing/selftests/kselftest.h tools/testing/selftests/lib.mk
