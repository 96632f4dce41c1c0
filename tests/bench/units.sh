# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# B2, B3, B6, B9: units in a real systemd, beside empty ones in the same sandbox; tests/bench/units-run measures.

# take_samples FIGURE: of what was measured.
take_samples() {
	local name series value
	while read -r name series value; do
		[ "$name" != "$1" ] || sample "$series" "$value"
	done <"$WORK/units"
}

bench_units() {
	local n
	figure B2 usec "mvmd start until the VM runs; systemctl start of an empty unit"
	if ! "$HERE/units-run" "$RUNS" >"$WORK/units" 2>"$WORK/err"; then
		broken "tests/bench/units-run failed"
	fi
	if grep -q "^1\.\.0 # SKIP" "$WORK/units"; then
		skip_figure "$(sed -n 's/^1\.\.0 # SKIP //p' "$WORK/units")"
		return
	fi
	take_samples B2
	goal ratio mvmd empty 1.25
	figure B3 usec "units in one go: 1, 10, 100"
	take_samples B3
	for n in 1 10 100; do
		goal ratio mvmd-$n empty-$n 1.5
	done
	figure B6 wakeups "a supervisor's wakeups in a minute in which nothing happens, the watchdog's four among them"
	take_samples B6
	at_most wakeups 5
	figure B9 usec "from SIGKILL until the VM is adopted; until an empty unit runs again"
	take_samples B9
	goal ratio mvmd empty 1.5
}
