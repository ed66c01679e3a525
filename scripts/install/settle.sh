#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# settle.sh installed SYSUSERS|removed: lets the machine know of files that came or went: the loader,
# udev, the group. Each tool may be missing; then nobody needs to be told.
set -eu

has() { command -v "$1" >/dev/null; }

has ldconfig && ldconfig
case $1 in
installed)
	if has systemd-sysusers; then
		systemd-sysusers "$2"
	elif ! getent group tee >/dev/null; then
		groupadd --system tee
	fi
	;;
removed)
	if getent group tee >/dev/null; then
		echo "The group tee stays, as files may belong to it: 'groupdel tee' removes it."
	fi
	if [ -e /var/lib/cloister ]; then
		echo "The keys of this device's authority stay: 'rm -r /var/lib/cloister' removes them."
	fi
	;;
esac
if has udevadm && [ -e /run/udev/control ]; then
	udevadm control --reload
	[ ! -e /sys/class/misc/tee ] || udevadm trigger --settle --action=change /sys/class/misc/tee
fi
