#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2317  # check calls functions by name
#
# The part of test_debian_*.sh that runs in the VM, as root, on a clean Debian. Prints TAP.
#
#   guest.sh make	installs by make, makes a quote, and has the module loaded at each boot
#   guest.sh again	after the reboot: looks, makes a quote, uninstalls, compares
#   guest.sh dkms	all of it in one boot, the module by dkms
set -u
data=/run/cloister/data
tree=/run/cloister/tree
before=/run/cloister/out/before
said=/run/cloister/said
failed=0
status=0
nonce=00112233445566778899aabbccddeeff
# Weak as the image is; guards are armed there, and no crash kernel is loaded.
accept=(--accept root=software --accept digest-kind=asserted --accept lockdown=none
	--accept module-signatures=false --accept iommu=none)
export PATH=/usr/local/sbin:/usr/local/bin:$PATH

# check WHAT COMMAND...: one line; what the command says is shown only when it fails.
check() {
	local what=$1
	shift
	[ ! -e "$said" ] || mv "$said" "$said.before"
	if "$@" >"$said" 2>&1; then
		echo "ok - $what"
	else
		failed=1
		echo "not ok - $what"
		printf '# %s\n' "$*"
		tail -n 60 "$said" | sed 's/^/# | /'
	fi
}

# All that is on the disk, each with what must not change. What is in /etc, /var, /usr/local and the
# kernels' indexes by its contents; other files by the time of their last change, which nobody can set.
# Not compared: logs, the seed of random numbers and times of timers, which every boot writes anew; the
# loader's cache of what it has read; copies that useradd and its like make of what they change; and the
# private /tmp of services, whose name is another at each boot.
inventory() {
	local omit='-path /var/log -o -path /var/lib/systemd/random-seed -o -path /var/lib/systemd/timers'
	omit+=' -o -path /var/cache/ldconfig -o -path /etc/passwd- -o -path /etc/group-'
	omit+=' -o -path /etc/shadow- -o -path /etc/gshadow- -o -path /lost+found'
	omit+=' -o -path /tmp/systemd-private-* -o -path /var/tmp/systemd-private-*'
	local contents='-path /etc/* -o -path /var/* -o -path /usr/local/* -o -path /usr/lib/modules/*/modules.*'
	set -f
	# shellcheck disable=SC2086  # find's own words
	{
		find / -xdev \( $omit \) -prune -o ! -type f -printf '%p %y %m %u:%g %l\n' \
			-o \( $contents \) -printf '%p %y %m %u:%g %s\n' \
			-o -printf '%p %y %m %u:%g %s %C@\n'
		find / -xdev \( $omit \) -prune -o -type f \( $contents \) -print0 | xargs -0 sha256sum
	} | LC_ALL=C sort
	set +f
}

nothing_left() {
	inventory >/run/cloister/after
	diff "$before" /run/cloister/after
}

unpack_tree() { mkdir -p "$tree" && tar -x -f /dev/disk/by-id/virtio-tree -C "$tree"; }
make_() { make -C "$tree" --no-print-directory "$@"; }
device_is() { udevadm settle && [ "$(stat -c '%U:%G %a' /dev/tee)" = "$1" ]; }
as() { su -l "$1" -c "$2"; }

prepare() {
	useradd -m alice
	useradd -m bob
	inventory >"$before"
	check "there is no group tee and no program cloister on this machine" \
		sh -c '! getent group tee && ! command -v cloister && ! modinfo cloister'
	check "the source is here" unpack_tree
}

installed() {
	check "make install" make_ install
	check "there is the group tee" getent group tee
	check "the manual is where man looks" test -e /usr/local/share/man/man1/cloister.1
	check "cloister --version" cloister --version
	check "alice becomes a member of the group" usermod -aG tee alice
}

loaded() {
	check "modprobe cloister" modprobe cloister
	check "/dev/tee is for root and the group tee" device_is "root:tee 660"
}

# As README.md tells it.
first_quote() {
	echo "alice's secret" >/run/cloister/secret
	check "cloister provision" cloister provision --root-out /run/cloister/root.pem
	check "alice makes a quote of a file with one command" \
		as alice "cloister quote /run/cloister/secret --nonce $nonce -o quote.cose"
	check "it verifies" cloister verify ~alice/quote.cose --root /run/cloister/root.pem \
		--nonce "$nonce" --file /run/cloister/secret "${accept[@]}"
	check "alice works in a protected file" as alice \
		"cloister run --protect /run/cloister/secret -- cloister stats"
	as bob "cloister quote /run/cloister/secret --nonce $nonce -o quote.cose" >"$said.bob" 2>&1
	status=$?
	check "bob, who is not in the group, gets no quote" sh -c "[ $status -ne 0 ] && ! [ -e ~bob/quote.cose ]"
	check "and learns why" grep -q "/dev/tee.*group tee" "$said.bob"
	sed 's/^/# bob: /' "$said.bob"
	rm -f ~alice/quote.cose
}

# Root's ordinary tools, while guards are armed.
beside_a_region() {
	secret=/run/cloister/secret
	# shellcheck source=selftests/attacks/real_tools.sh
	. "$tree/selftests/attacks/real_tools.sh"
	real_tools_beside_a_region
}

# The steps of Documentation/installation.rst.
uninstalled() {
	check "make uninstall" make_ uninstall
	check "says what stays" grep -q "groupdel tee" "$said.before"
	check "cloister is gone" sh -c '! command -v cloister'
	check "the group goes when told to" groupdel tee
	check "and so do the device's keys" rm -r /var/lib/cloister
	check "nothing is left behind" nothing_left
}

part_make() {
	prepare
	check "make modules_install" make_ modules_install
	installed
	loaded
	first_quote
	beside_a_region
	echo cloister >/etc/modules-load.d/cloister.conf
}

part_again() {
	before=$data/before
	check "the module is loaded at boot" test -e /sys/module/cloister
	check "/dev/tee is for root and the group tee again" device_is "root:tee 660"
	check "no unit failed" [ -z "$(systemctl --failed --no-legend)" ]
	first_quote
	check "the source is here" unpack_tree
	rm /etc/modules-load.d/cloister.conf
	check "modprobe -r cloister" modprobe -r cloister
	check "make modules_uninstall" make_ modules_uninstall
	check "there is no module any more" sh -c '! modinfo cloister'
	uninstalled
}

part_dkms() {
	prepare
	installed
	check "the module's source is here for dkms" make_ dkms_source
	check "dkms takes modules that were built elsewhere" \
		dkms ldtarball "$data/modules.tar.gz"
	check "make dkms_install" make_ dkms_install
	check "dkms says so" sh -c "dkms status | grep 'cloister.*$(uname -r).*installed'"
	loaded
	first_quote
	beside_a_region
	check "modprobe -r cloister" modprobe -r cloister
	check "make dkms_uninstall" make_ dkms_uninstall
	check "there is no module any more" sh -c '! modinfo cloister'
	uninstalled
}

"part_$1"
exit $failed
