#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# fetch-checkers.sh: fetches checkpatch.pl and kernel-doc, and the lists that they read, and prints
# the directory that holds them.
set -eu
# shellcheck source=scripts/common.sh
. "$(dirname "$0")/common.sh"

source_files checkers scripts/checkpatch.pl scripts/const_structs.checkpatch scripts/kernel-doc \
	scripts/spelling.txt
