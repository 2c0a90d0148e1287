# SPDX-License-Identifier: GPL-2.0-only
#
# For adapters of emulators that share no folder with their guest: the two folders
# as drives.  Kernel arguments tell host-init their labels.  What the host wrote is
# read back from the drive when the emulator has ended, whatever ended it.  Sourced
# after lib.sh.

drive_append="keel.root=root keel.exchange=exchange"

# What drives are made of: whole cylinders, as old disks number them, of 16 heads and
# 63 sectors.
cylinder=$((16 * 63 * 512))

# drive FOLDER LABEL MB FILE: a file system with what is in the folder, and that much
# room beside it.
drive() {
	local used
	used=$(du -sxm "$1" | cut -f1)
	truncate -s $(((used + used / 8 + $3) * 1048576 / cylinder * cylinder)) "$4"
	"$KEEL_CI/in-tools" mke2fs -q -F -t ext4 -O ^has_journal -m 0 -L "$2" -d "$1" "$4"
}

# root_drive: made once for a tree and kept beside it.
root_drive() {
	local file=$RUN_ROOT.drive
	lock "root-drive-${RUN_ROOT##*/}"
	if [ ! "$file" -nt "$RUN_ROOT" ]; then
		drive "$RUN_ROOT" root 8 "$file.new"
		publish "$file.new" "$file"
	fi
	echo "$file"
}

# read_back FILE: the folder out of the exchange drive.
read_back() {
	rm -rf "$RUN_EXCHANGE/out"
	"$KEEL_CI/in-tools" debugfs -R "rdump /out $RUN_EXCHANGE" "$1" >"$1.log" 2>&1 || true
	mkdir -p "$RUN_EXCHANGE/out"
}

# A log drive takes the host's console where the emulator's own loses lines: host-init
# writes to it what it prints, after the first 4096 bytes, which hold the label of a
# swap space.  What has not been written is zero.
log_drive_append="keel.log=log"

# log_drive FILE
log_drive() {
	truncate -s $((cylinder * 64)) "$1"
	"$KEEL_CI/in-tools" mkswap -q -L log "$1" >"$1.log" 2>&1
}

# from FILE OFFSET: what has been written there, up to the first that has not: a later
# block may be there before an earlier one.
from() {
	{ dd if="$1" bs=65536 count=1 iflag=skip_bytes skip="$2" status=none || true; } |
		head -z -n 1 | tr -d '\0'
}

# follow FILE: print what comes, until "FILE.end" exists and nothing is left.
follow() {
	local at=4096 ending text
	while [ -e "$1" ]; do
		ending=0
		[ ! -e "$1.end" ] || ending=1
		# The dot keeps the line feeds at the end.
		text=$(from "$1" $at; echo .)
		text=${text%.}
		printf '%s' "$text"
		at=$((at + $(printf '%s' "$text" | wc -c)))
		[ -z "$text" ] || continue
		[ $ending = 0 ] || break
		sleep 0.3
	done
}
