#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# fetch-qemu.sh: prints the qemu-system-x86_64 that VMs are run with: this machine's own, or where
# that is older than 8.1 (Debian 12 has 7.2) one of Debian's backports, unpacked into the cache.
# Nothing is installed, nor are the machine's package sources changed.
#
# Before 8.1 one emulated processor could translate an instruction while another was overwriting it,
# and keep the old one: whenever a kernel switches a tracepoint or a static call, processors may
# die of a breakpoint that is no longer there ("Oops: int3") or wait for each other for ever. Any
# kernel does so, without a module of ours: within a second of switching the scheduler's tracepoints.
set -eu
# shellcheck source=scripts/common.sh
. "$(dirname "$0")/common.sh"

oldest=8.1
packages=(qemu-system-x86 qemu-system-common qemu-system-data seabios)
qemu=$cache/qemu/qemu-system-x86_64

if [ -x "$qemu" ]; then
	echo "$qemu"
	exit
fi

version=$(qemu-system-x86_64 --version 2>/dev/null |
	sed -n 's/^QEMU emulator version \([0-9.]*\).*/\1/p')
if [ -n "$version" ] && printf '%s\n' "$oldest" "$version" | sort -CV; then
	command -v qemu-system-x86_64
	exit
fi

lock qemu
if [ -x "$qemu" ]; then
	echo "$qemu"
	exit
fi

tmp=$(mktemp -d "$cache/.qemu.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$tmp/lists/partial" "$tmp/archives/partial" "$tmp/deb" "$tmp/root"
debian_sources bookworm | sed -n 's/ bookworm / bookworm-backports /p' >"$tmp/sources"
[ -s "$tmp/sources" ] ||
	die "QEMU ${version:-(none)} is too old for VMs with two processors, and apt knows no Debian 12" \
	    "to take one from: install QEMU $oldest or newer"

# apt, with lists of its own, which are checked against Debian's keys as ever.
cat >"$tmp/apt.conf" <<-EOF
	Dir::Etc::sourcelist "$tmp/sources";
	Dir::Etc::sourceparts "-";
	Dir::State::lists "$tmp/lists";
	Dir::Cache "$tmp";
	Dir::Cache::archives "$tmp/archives";
	APT::Sandbox::User "";
EOF
say "QEMU ${version:-(none)} is older than $oldest; fetching the one of bookworm-backports (13 MB)"
APT_CONFIG=$tmp/apt.conf apt-get -qq update >&2 ||
	die "cannot read the package lists of bookworm-backports: see apt's messages above;" \
	    "does the mirror that apt uses have it? Else install QEMU $oldest or newer"
(cd "$tmp/deb" && APT_CONFIG=$tmp/apt.conf apt-get -qq download \
	"${packages[@]/%//bookworm-backports}" >&2) ||
	die "cannot download ${packages[*]}: see apt's messages above"
for deb in "$tmp"/deb/*.deb; do
	dpkg-deb -x "$deb" "$tmp/root"
done
rm -rf "$tmp"/{lists,archives,deb,sources,apt.conf} "$tmp"/*.bin

# Its firmware is looked for beside it. The libraries are those of this machine's own QEMU.
cat >"$tmp/qemu-system-x86_64" <<-'EOF'
	#!/bin/sh
	# Written by fetch-qemu.sh.
	root=$(dirname "$(readlink -f "$0")")/root
	exec "$root/usr/bin/qemu-system-x86_64" \
		-L "$root/usr/share/qemu" -L "$root/usr/share/seabios" "$@"
EOF
chmod 755 "$tmp" "$tmp/qemu-system-x86_64"
"$tmp/qemu-system-x86_64" --version >/dev/null ||
	die "the QEMU of bookworm-backports does not start here: see above; 'make deps' installs the" \
	    "libraries that it needs, with Debian 12's own"
rm -rf "${qemu%/*}"
mv "$tmp" "${qemu%/*}"
trap - EXIT
echo "$qemu"
