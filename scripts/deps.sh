#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# deps.sh [prove]: installs the Debian packages of scripts/packages (packages.prove) that are missing,
# and fetches QEMU, the kernels and the kselftest headers. Says what it does; does nothing when nothing is
# missing.
set -eu
here=$(dirname "$0")
# shellcheck source=scripts/common.sh
. "$here/common.sh"
packages=$here/packages${1:+.$1}

# missing: lines `package  # why` whose package is not installed.
missing() {
	local installed
	installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' |
		sed -n 's/ installed$//p')
	awk -v installed="$installed" '
		BEGIN { n = split(installed, names, "\n"); for (i = 1; i <= n; i++) have[names[i]] = 1 }
		/^[a-z0-9]/ && !($1 in have)' "$packages"
}

list=$(missing)
if [ -n "$list" ]; then
	say "these Debian packages are missing:"
	printf '%s\n' "$list" | sed 's/^/    /' >&2
	names=$(printf '%s\n' "$list" | awk '{ print $1 }' | tr '\n' ' ')
	[ "$(id -u)" -eq 0 ] || die "run as root: apt-get install --no-install-recommends $names"
	lock packages
	export DEBIAN_FRONTEND=noninteractive
	install() {
		# shellcheck disable=SC2086  # a list of words
		apt-get -q -y -o DPkg::Lock::Timeout=600 install --no-install-recommends \
			$names >&2 </dev/null
	}
	if [ -z "$(find /var/lib/apt/lists/partial -maxdepth 0 -mtime 0 2>/dev/null)" ]; then
		apt_update "the package lists are more than a day old"
	fi
	if ! install; then
		apt_update "cannot install every package"
		install || die "apt-get could not install $names: see its messages above"
	fi
fi
[ $# -eq 0 ] || exit 0
"$here/fetch-qemu.sh" >/dev/null
"$here/fetch-kernel.sh" 6.1 >/dev/null
"$here/fetch-kernel.sh" 6.12 >/dev/null
"$here/fetch-kselftest.sh" >/dev/null
