#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A whole host under emulation, with a KVM of its own (contrib/make-test-host), for what the machine
# at hand may lack: a guest's triple fault, a stock kernel in cloud-hypervisor, VLANs, vhost. It
# boots once and runs tests/host/cases/*.sh there, which are tests like all others: TAP, a plan.
# They have that host to themselves and are root in it. To add a case, put its file there; to try
# some: tests/host/test-host.sh CASE...
. "$(dirname "$0")/../lib.sh"

# The whole takes a few minutes where nothing else runs, and a quarter of an hour where the machine is shared by many; one
# that stands still spins, and is told by the time it used. Twice the other limit is less than tests/run waits.
HOST_CPU_LIMIT_SEC=400
HOST_LIMIT_SEC=980
HOST_MEMORY=2G
# With two of them QEMU 7.2 stood still once, and now and then a nested guest died of a triple fault.
HOST_CPUS=1
# Without -cx16 QEMU 7.2 corrupts the kernel's memory now and then (its emulated cmpxchg16b).
HOST_CPU=EPYC,+svm,+npt,-cx16
# no_timer_check: a machine that is busy meanwhile fails that check.
HOST_WORDS="console=ttyS0 loglevel=4 panic=-1 mitigations=off no_timer_check mvmd.root=/dev/vda"
CONSOLE_LINES_SHOWN=100

need qemu-system-x86_64 busybox jq ip
[ "$(uname -m)" = x86_64 ] || skip_all "the emulated host is one for x86-64"
[ -e "$BUILD/tests/guest/tiny.elf" ] || skip_all "the tiny guest was not built"
HOST=$BUILD/test-host
if ! "$TOP/contrib/make-test-host" "$HOST" "$MVMD" >"$WORK/make.out" 2>&1; then
	skip_all "no host could be made: $(tail -n 1 "$WORK/make.out")"
fi

# A guest with a systemd, where there is a Debian 13; it comes as the host's third disk.
guest_drive=()
if [ -e "$BUILD/debian-13/complete" ] &&
	"$TOP/contrib/make-systemd-guest" "$BUILD/systemd-guest" "$BUILD/debian-13/root" >>"$WORK/make.out" 2>&1; then
	guest_drive=(-drive "file=$BUILD/systemd-guest/root.img,format=raw,if=virtio,snapshot=on")
fi

# pack CASE...: the archive that the host unpacks, from a disk of its own.
pack() {
	local payload=$WORK/payload
	mkdir -p "$payload"/build/{tests/{guest,host},linux-guest} "$payload/contrib"
	printf '%s\n' "$@" >"$payload/cases"
	ln -s "$TOP/tests/host/run-inside" "$payload/run"
	ln -s "$TOP/tests" "$payload/"
	ln -s "$TOP/contrib/known-issues.json" "$payload/contrib/"
	ln -s "$MVMD" "$payload/build/"
	ln -s "$BUILD/tests/guest/tiny.elf" "$payload/build/tests/guest/"
	ln -s "$BUILD/tests/host/guest-notifies" "$payload/build/tests/host/"
	ln -s "$BUILD"/linux-guest/{vmlinuz,initramfs.img} "$payload/build/linux-guest/"
	[ ${#guest_drive[@]} = 0 ] || ln -s "$BUILD/systemd-guest/initramfs.img" "$payload/build/systemd-initramfs.img"
	tar -C "$payload" -c -h -f "$WORK/payload.tar" .
}

boot_host() (
	: >"$WORK/tap"
	ulimit -t $HOST_CPU_LIMIT_SEC
	timeout --kill-after=5 $HOST_LIMIT_SEC qemu-system-x86_64 -nodefaults -no-user-config \
		-display none -no-reboot -M q35 -accel tcg,thread=multi -cpu "$HOST_CPU" -smp $HOST_CPUS \
		-m $HOST_MEMORY -kernel "$HOST/vmlinuz" -initrd "$HOST/initramfs.img" \
		-append "$HOST_WORDS" \
		-drive "file=$HOST/root.img,format=raw,if=virtio,snapshot=on" \
		-drive "file=$WORK/payload.tar,format=raw,if=virtio,readonly=on" "${guest_drive[@]}" \
		-serial "file:$WORK/console" -serial "file:$WORK/tap" \
		</dev/null >"$WORK/qemu.out" 2>&1
)

# read_results: a line for each result of the cases, as the shell's functions want it: "pass NAME",
# "fail NAME", "skip NAME # WHY", and "note TEXT".
read_results() {
	awk '
	function result(kind, text) { print kind " " name ": " text; results++ }
	function text_of(line) { sub(/^(not )?ok [0-9]+ - /, "", line); return line }
	$1 == "case" { name = $2; planned = -1; results = failed = 0; next }
	$1 == "end" {
		if (planned != results)
			result("fail", "planned " planned " tests, saw the results of " results)
		else if ($3 != 0 && !failed)
			result("fail", "ended with " $3)
		print "note " name " took " $4 " s"
		name = ""
		next
	}
	$1 == "done" { done = 1; next }
	/^1\.\.0 *# SKIP/ {
		sub(/.*# SKIP */, "")
		print "skip " name " # " $0
		planned = results = 1
		next
	}
	/^1\.\.[0-9]+/ { planned = substr($1, 4) + 0; next }
	/^ok [0-9]+.* # SKIP/ { sub(/ # SKIP /, " # "); result("skip", text_of($0)); next }
	/^ok [0-9]+/ { result("pass", text_of($0)); next }
	/^not ok [0-9]+/ { failed++; result("fail", text_of($0)); next }
	{ sub(/^# /, ""); print "note " $0 }
	END {
		if (name != "")
			result("fail", "does not come to its end")
		if (!done)
			print "fail the host goes through all cases"
	}' "$WORK/tap"
}

relay() {
	local kind text
	while read -r kind text; do
		case $kind in
		pass) pass "$text" ;;
		fail) fail "$text" ;;
		skip) skip "${text%% # *}" "${text#* # }" ;;
		note) echo "# $text" ;;
		esac
	done < <(read_results)
}

# stood_still: it was ended in the midst of a case that went well so far. QEMU 7.2's nested virtualisation does that
# now and then, whatever runs in it; a second time in a row it counts.
stood_still() {
	[ "$status" != 0 ] && ! grep -qE '^(done|not ok)' "$WORK/tap"
}

show_host() {
	echo "# the last lines of the host's console:"
	tail -n $CONSOLE_LINES_SHOWN "$WORK/console" | sed 's/^/# /'
	grep -v "TCG doesn't support requested feature" "$WORK/qemu.out" | sed 's/^/# qemu: /'
}

# shellcheck disable=SC2046 # names without blanks
[ $# -gt 0 ] || set -- $(basename -s .sh -- "$TOP"/tests/host/cases/*.sh)
pack "$@"
boot_host
status=$?
if stood_still; then
	echo "# the host stood still in case $(awk '$1 == "case" { name = $2 } END { print name }' "$WORK/tap"): once more"
	boot_host
	status=$?
fi
relay
is "the host powers off by itself" $status 0
[ "$test_failures" = 0 ] || show_host
finish
