#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A host that is shut down with ten VMs: each is asked to power off, side by side, and gets its time.
# A guest takes four seconds, for the slowest host has asked the last one by then.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/run-lib.sh"

VMS="one two three four five six seven eight nine ten"

# said NAME TEXT: in the journal that the container left.
said() {
	journalctl --no-pager -o cat -D "$WORK/log/journal" -u "mvmd@$1" 2>/dev/null | grep -qF -e "$2"
}

# when NAME TEXT: the last line of the unit that has it came, in microseconds.
when() {
	journalctl -D "$WORK/log/journal" -o json -u "mvmd@$1" 2>/dev/null |
		jq -r --arg text "$2" 'select(.MESSAGE | strings | contains($text)) | .__MONOTONIC_TIMESTAMP' |
		tail -n 1
}

# drop_in_all LINE: for the service of each VM.
drop_in_all() {
	local folder
	folder=$(root /etc/systemd/system)/mvmd@.service.d
	mkdir "$folder"
	printf '%s\n' '[Service]' "$1" >"$folder/test.conf"
	inside systemctl daemon-reload
}

boot
# Ten guests that poll for their button leave the host no time for anything else.
drop_in_all Nice=19
for name in $VMS; do
	spec "$name" "powerbutton print=pressed wait=4 poweroff"
done
# shellcheck disable=SC2046,SC2086
succeeds "ten VMs are started" inside systemctl start $(printf 'mvmd@%s ' $VMS)
for name in $VMS; do
	await journal_has "$name" "awaiting the power button"
done
inside systemctl poweroff 2>"$WORK/poweroff.err" # no logind to tell
succeeds "the host powers off" await is_gone_or_zombie "$CONTAINER"

last_begin=0 first_end=
for name in $VMS; do
	if said "$name" pressed && said "$name" "the guest powered off"; then
		pass "$name: its guest saw the button and powered off by itself"
	else
		fail "$name: its guest saw the button and powered off by itself" \
			"$(journalctl --no-pager -o cat -D "$WORK/log/journal" -u "mvmd@$name" | tail -n 20)"
	fi
	begin=$(when "$name" "power button pressed") end=$(when "$name" "the guest powered off")
	[ "${begin:-0}" -le $last_begin ] || last_begin=$begin
	[ -n "$first_end" ] && [ "${end:-0}" -ge "$first_end" ] || first_end=$end
done
if [ "$last_begin" -gt 0 ] && [ "${first_end:-0}" -gt "$last_begin" ]; then
	pass "all were asked before the first one was gone"
else
	fail "all were asked before the first one was gone" "last asked $last_begin, first gone $first_end"
fi
finish
