# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Helpers of the scripts that fetch packages. Sourced, never run.

cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/cloister
# shellcheck disable=SC2034  # used by those who source this
kernels=$cache/kernels

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { say "$*"; exit 1; }

# lock NAME: one run at a time; the lock goes with the process (file descriptor 9).
lock() {
	mkdir -p "$cache"
	exec 9>"$cache/$1.lock"
	if ! flock -n 9; then
		say "another run holds $cache/$1.lock; waiting for it"
		flock 9
	fi
}

# apt_update WHY: refreshes the package lists, where we may.
apt_update() {
	[ "$(id -u)" -eq 0 ] || die "$1; run 'apt-get update' as root and try again"
	say "$1; refreshing apt's package lists"
	apt-get -q -o DPkg::Lock::Timeout=600 update >&2 ||
		die "'apt-get update' failed: see its messages above; is a Debian mirror reachable?"
}

# debian_sources CODENAME: this machine's own lines for that Debian, whatever the form they were
# written in.
debian_sources() {
	# shellcheck disable=SC2016  # for apt to expand
	apt-get indextargets --format '$(CODENAME) $(REPO_URI) $(RELEASE) $(COMPONENT) $(SIGNED_BY)' \
		'Created-By: Packages' 'Origin: Debian' 'Component: main' | sort -u |
		while read -r codename uri release component key; do
			case $codename in "$1"*) ;; *) continue ;; esac
			case $key in /*) key="[signed-by=$key] " ;; *) key= ;; esac
			echo "deb $key$uri $release $component"
		done
}

# download DIR PACKAGE...: the packages' .deb files, in DIR. Package lists that
# are older than the mirror name files that are gone: refresh once, try again.
download() {
	local dir=$1
	shift
	(cd "$dir" && apt-get -qq -o APT::Sandbox::User=root download "$@" >&2) && return
	apt_update "cannot download $*"
	(cd "$dir" && apt-get -qq -o APT::Sandbox::User=root download "$@" >&2) ||
		die "cannot download $*: see apt's messages above"
}

# apt_stamp_fresh STAMP: true if apt's lists have not changed since STAMP was made.
apt_stamp_fresh() {
	[ -e "$1" ] && ! [ /var/lib/apt/lists -nt "$1" ]
}

# source_files NAME PATH...: takes files out of Debian's linux-source-6.1 into a directory of the
# cache, without their folders, and prints it. They hardly ever change: once here, they are good.
source_files() {
	local dir=$cache/$1 archive tmp
	shift
	if ! [ -e "$dir/${1##*/}" ]; then
		archive=$("${BASH_SOURCE[0]%/*}/fetch-source.sh")
		lock "${dir##*/}"
		tmp=$(mktemp -d "$cache/.files.XXXXXX")
		# shellcheck disable=SC2064  # its name now
		trap "rm -rf '$tmp'" EXIT
		say "taking ${1##*/} and its like out of ${archive##*/}"
		# Names are exact, so that tar could stop early; xz has to run to them anyway.
		tar -xJf "$archive" -C "$tmp" --transform 's,.*/,,' "${@/#/linux-source-6.1/}"
		rm -rf "$dir"
		mv "$tmp" "$dir"
		chmod 755 "$dir"
		trap - EXIT
	fi
	echo "$dir"
}
