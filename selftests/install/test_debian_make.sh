#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A clean Debian 12 with Linux 6.1, in a VM: make install and modules_install, the first quote by a user
# of the group tee, a reboot after which the module is there, uninstalling, and nothing left behind.
#
# Timeout: 2400
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
# A make above has settings of its own.
unset MAKEFLAGS MFLAGS MAKELEVEL KERNEL DEBUG
mkdir -p build/install
work=$(mktemp -d "$PWD/build/install/make.XXXXXX")
trap 'rm -rf "$work"' EXIT
# shellcheck source=selftests/install/debian.sh
. selftests/install/debian.sh

scripts/build-module.sh 6.1 >&2
pack "$work/tree.tar" 6.1
# Written to in two boots, so a copy; its holes stay holes.
cp --sparse=always "$image" "$work/image"
image=$work/image
machine --kernel 6.1 --keep --disk "tree=$work/tree.tar" --out "$work/out" \
	-- selftests/install/guest.sh make
machine --kernel 6.1 --keep --disk "tree=$work/tree.tar" --file "$work/out/before:/data/before" \
	-- selftests/install/guest.sh again
finish
