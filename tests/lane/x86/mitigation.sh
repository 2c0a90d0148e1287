# SPDX-License-Identifier: GPL-2.0-only
#
# mitigation.sh FILE=PATTERN... CHECK=VALUE...: the host's kernel has chosen its
# mitigations as /sys/.../vulnerabilities/FILE says (PATTERN is a regular
# expression); then the module's text, as it is patched and running, has what that
# choice demands: the line "CHECK VALUE" of the program text (text.c).  Guest code
# runs that way, too.  loaded:FILE=PATTERN is what sysfs says while a VM is there.

. "$KEEL_TESTS/lib.sh"

in_use_now() {
	[ "$(in_use keel)" != 0 ]
}

checks=
for word in "$@"; do
	name=${word%%=*} value=${word#*=}
	file=/sys/devices/system/cpu/vulnerabilities/$name
	case $name in
	loaded:*) ;;
	flag)
		grep -m 1 '^flags' /proc/cpuinfo | grep -qw "$value" ||
			fail "the CPU has no $value"
		;;
	no_flag)
		! grep -m 1 '^flags' /proc/cpuinfo | grep -qw "$value" ||
			fail "the CPU has $value"
		;;
	*)
		if [ -e "$file" ]; then
			say "$name: $(cat "$file")"
			grep -qE "$value" "$file" ||
				fail "the kernel did not choose what this test is about"
		else
			checks="$checks $word"
		fi
		;;
	esac
done
[ -n "$checks" ] || fail "nothing to check"

load_keel
"$KEEL_TESTS/text" >/tmp/text.log || fail "cannot read the module's text"
sed 's/^/# /' /tmp/text.log
for word in $checks; do
	grep -qE "^${word%%=*} (${word#*=})\$" /tmp/text.log || fail "expected $word"
done

# With a VM, the CPUs' extension is on, which the kernel looks at.
"$KEEL_TESTS/api" --hold &
hold=$!
eventually 10 in_use_now || fail "no VM came up"
for word in "$@"; do
	case $word in
	loaded:*)
		word=${word#loaded:}
		file=/sys/devices/system/cpu/vulnerabilities/${word%%=*}
		say "with a VM, ${word%%=*}: $(cat "$file")"
		grep -qE "${word#*=}" "$file" || fail "sysfs does not say so"
		;;
	esac
done
kill $hold
wait $hold 2>/dev/null
small_guest
unload_keel
pass
