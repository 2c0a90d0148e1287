# SPDX-License-Identifier: GPL-2.0-only
#
# What every script in ci/ shares: where things are, how to complain, how to
# lock, how to make a file or a tree appear whole or not at all.  Sourced, never
# run.  Nothing here knows an architecture; that is data in ci/arches and
# ci/lanes.
#
# Environment a person may set:
#   KEEL_CACHE    where downloads, trees and builds live (/var/cache/keel)
#   KEEL_MIRROR   Debian mirror (http://deb.debian.org/debian)
#   KEEL_SUITE    suite of the tools and root trees (trixie)
#   KEEL_NEXT_SUITE  where root trees get what the mirror lists for theirs and lacks (forky)
#   KEEL_REFRESH  days after which "newest kernel" is asked again (7; 0: now)

set -euo pipefail
# In $(...) too: what fails there must not go on.
shopt -s inherit_errexit

KEEL_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
KEEL_CI=$KEEL_TOP/ci
KEEL_CACHE=${KEEL_CACHE:-/var/cache/keel}
[[ $KEEL_CACHE = /* ]] || KEEL_CACHE=$PWD/$KEEL_CACHE
KEEL_MIRROR=${KEEL_MIRROR:-http://deb.debian.org/debian}
KEEL_SUITE=${KEEL_SUITE:-trixie}
KEEL_NEXT_SUITE=${KEEL_NEXT_SUITE:-forky}
KEEL_REFRESH=${KEEL_REFRESH:-7}
KEEL_TOOLS=$KEEL_CACHE/tools
KEEL_KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
export KEEL_TOP KEEL_CI KEEL_CACHE KEEL_MIRROR KEEL_SUITE KEEL_NEXT_SUITE KEEL_REFRESH
export LC_ALL=C.UTF-8

# Progress goes to stderr, so that a script's stdout is its answer alone.  The
# seconds count from the outermost script.
KEEL_T0=${KEEL_T0:-$(date +%s)}
export KEEL_T0

say() {
	printf '[%4ds] %s\n' $(($(date +%s) - KEEL_T0)) "$*" >&2
}

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# die_usage: print the comment block at the head of the running script.
die_usage() {
	sed -n '3,/^$/s/^# \{0,1\}//p' "$0" >&2
	exit 2
}

need_root() {
	[ "$(id -u)" = 0 ] ||
		die "needs root (it unpacks trees and mounts them); run it again with sudo"
}

# need_cache: it can be written to.  Asked before the first step, so that none ends
# halfway.
need_cache() {
	[[ $KEEL_CACHE =~ ^[a-zA-Z0-9/._+-]+$ ]] ||
		die "KEEL_CACHE=$KEEL_CACHE: kernels cannot be built below a name with such characters"
	mkdir -p "$KEEL_CACHE" 2>/dev/null && [ -w "$KEEL_CACHE" ] ||
		die "cannot write to the cache $KEEL_CACHE; KEEL_CACHE=DIR names another place"
}

# need_command COMMAND PACKAGE: have it, installing the package when it is not.
need_command() {
	command -v "$1" >/dev/null && return
	say "installing $2 on this machine (for $1)"
	local log=$KEEL_CACHE/log/apt-$2.log
	mkdir -p "$KEEL_CACHE/log"
	if ! DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
			"$2" >"$log" 2>&1; then
		apt-get update >>"$log" 2>&1 || true
		DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
			"$2" >>"$log" 2>&1 || {
			tail -n 5 "$log" >&2
			die "cannot install $2, which brings $1; is the network up? Whole log: $log"
		}
	fi
}

# lock NAME: one script at a time, until this one ends.  Says so when it waits.
lock() {
	local fd
	mkdir -p "$KEEL_CACHE/lock"
	exec {fd}>"$KEEL_CACHE/lock/$1"
	flock -n "$fd" && return
	say "waiting for another run that is busy with $1"
	flock "$fd"
}

# log_run LOG COMMAND...: quiet when it works; on failure the last lines and
# the name of the log.
log_run() {
	local log=$1
	shift
	mkdir -p "${log%/*}"
	"$@" >"$log" 2>&1 </dev/null && return
	tail -n 15 "$log" >&2
	say "failed: $1 ${2:-} (whole log: $log)"
	return 1
}

# fresh FILE: younger than KEEL_REFRESH days.
fresh() {
	[ -e "$1" ] && [ "$KEEL_REFRESH" != 0 ] &&
		[ -n "$(find "$1" -mtime "-$KEEL_REFRESH" 2>/dev/null)" ]
}

# publish TMP FINAL: the last step of making anything.
publish() {
	if [ -e "$2" ]; then
		rm -rf "$2.old"
		mv -T "$2" "$2.old"
	fi
	mv -T "$1" "$2"
	rm -rf "$2.old"
}

arches() {
	ls "$KEEL_TOP/arch"
}

# load_arch NAME: sets ARCH_* from ci/arches/NAME.
load_arch() {
	local file=$KEEL_CI/arches/$1
	[ -f "$file" ] ||
		die "unknown architecture '$1'; there is $(ls "$KEEL_CI/arches" | tr '\n' ' ')"
	ARCH_SPARSE_DROP=
	# shellcheck disable=SC1090
	. "$file"
}

# load_lane NAME: sets LANE_* from ci/lanes/NAME and ARCH_* with it.
load_lane() {
	local file=$KEEL_CI/lanes/$1
	[ -f "$file" ] ||
		die "unknown lane '$1'; there is $(ls "$KEEL_CI/lanes" | tr '\n' ' ')"
	# What another lane has set and this one leaves unset.
	unset ${!LANE_*}
	# shellcheck disable=SC1090
	. "$file"
	load_arch "$LANE_ARCH"
}

# lanes: those that LANES names, each once, or all that are finished.
lanes() {
	local lane seen=" "
	if [ -n "${LANES:-}" ]; then
		for lane in ${LANES//,/ }; do
			[ -f "$KEEL_CI/lanes/$lane" ] ||
				die "unknown lane '$lane' in LANES; there is $(ls "$KEEL_CI/lanes" | tr '\n' ' ')"
			[[ $seen = *" $lane "* ]] || echo "$lane"
			seen+="$lane "
		done
		[ "$seen" != " " ] || die "LANES is '$LANES', which names no lane"
	else
		for lane in "$KEEL_CI"/lanes/*; do
			grep -q '^LANE_UNFINISHED=' "$lane" || echo "${lane##*/}"
		done
	fi
}
