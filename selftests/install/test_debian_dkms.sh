#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A clean Debian 12 with Linux 6.12, in a VM: make install, the module through dkms (built by
# test_dkms_build.sh before, in the same image), the first quote, uninstalling, nothing left behind.
#
# Timeout: 2400
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
# A make above has settings of its own.
unset MAKEFLAGS MFLAGS MAKELEVEL KERNEL DEBUG
mkdir -p build/install
work=$(mktemp -d "$PWD/build/install/dkms.XXXXXX")
trap 'rm -rf "$work"' EXIT
# shellcheck source=selftests/install/debian.sh
. selftests/install/debian.sh

scripts/build-module.sh 6.12 >&2
modules=build/install/dkms-modules/$(readlink build/6.12).tar.gz
[ -e "$modules" ] || selftests/install/test_dkms_build.sh >&2 || true
if [ -e "$modules" ]; then
	pack "$work/tree.tar" 6.12
	machine --kernel 6.12 --disk "tree=$work/tree.tar" \
		--file "$modules:/data/modules.tar.gz" -- selftests/install/guest.sh dkms
else
	show <<<"not ok - dkms has built the module (test_dkms_build.sh says why not)"
fi
finish
