# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154
#
# Cases of `mvmd run` that are the same with both VMMs; each function is a case of run-lib.sh's
# case_of, VM is the name of its VM.

# --- a whole life

powers_off() {
	spec "$VM" "print=hello_world poweroff"
	run "$VM"
	ends "$VM: the guest's power-off is exit status 0" 0
	printf 'tiny: life 1\nhello world\n' >"$WORK/wanted"
	succeeds "$VM: stdout is the guest's console and nothing else" \
		cmp "$WORK/$VM.out" "$WORK/wanted"
	has "$VM: stderr names tap and bridge" "$WORK/$VM.err" "tap vm-$VM-net0 on bridge br0"
	has "$VM: and says which VMM it took and why" "$WORK/$VM.err" "the spec says so"
	has_not "$VM: a guest that powers itself off is no finding" "$WORK/$VM.err" "error:"
}

# What issue 3 lists under §5, each field with its type.
STATUS_TYPES='
	def number_or_null: type == "number" or . == null;
	def text_or_null: type == "string" or . == null;
	(.version == 1)
	and (.name | type == "string") and (.state | type == "string")
	and (.since_realtime_usec | type == "number" and . > 1e15)
	and (.pid | type == "number")
	and (.vmm | (.kind | type == "string") and (.version | type == "string")
		and (.pid | number_or_null))
	and (.guest | has("kernel") and (.kernel | text_or_null) and (.lives | type == "number")
		and (.console_bytes | type == "number"))
	and (.interfaces | type == "array" and length == 1 and all(
		([.id, .tap, .mac, .bridge] | all(type == "string"))
		and (.attached | type == "boolean")
		and (.since_realtime_usec | type == "number" and . > 1e15)))
	and (.backends | type == "array" and length == 1 and all(
		([.id, .kind, .socket] | all(type == "string"))
		and has("pid") and (.pid | number_or_null) and (.restarts | type == "number")))
	and (.findings | type == "array")'

counts_console_bytes() {
	[ -s "$WORK/$VM.out" ] &&
		[ "$(value "$VM" .guest.console_bytes)" = "$(stat -c %s "$WORK/$VM.out")" ]
}

runs() {
	spec "$VM" "powerbutton print=pressed poweroff" \
		"$(share | jq '. + { interfaces: [ { id: "net0", bridge: "br0", on_detach: "warn" } ] }')"
	boot "$VM"
	link_holds "$VM: the tap is up and on its bridge" \
		"any(.[]; .ifname == \"vm-$VM-net0\" and .master == \"br0\"
			and (.flags | index(\"UP\")) and .mtu == 1500)"
	holds "$VM: status has every field with its type" "$VM" "$STATUS_TYPES"
	holds "$VM: status knows VM, VMM and supervisor" "$VM" \
		".name == \"$VM\" and .state == \"running\" and .vmm.kind == \"$VMM\"
			and .pid == $SUPERVISOR and .guest.lives == 1"
	holds "$VM: its first life goes on" "$VM" \
		'(.lives | length) == 1 and (.lives[0] | .number == 1 and .end == null
			and .asked_by == null and .ended_realtime_usec == null and .duration_usec > 0)'
	succeeds "$VM: console_bytes counts what the guest wrote" await counts_console_bytes
	holds "$VM: the tap is attached" "$VM" ".interfaces[0].attached and .findings == []"
	ip link set "vm-$VM-net0" nomaster
	holds "$VM: status notices a tap that was taken off its bridge" "$VM" \
		".interfaces[0].attached == false"
	"$MVMD" status "$VM" >"$WORK/text"
	has "$VM: so does its text" "$WORK/text" "NOT ON bridge br0"
	has "$VM: and knows that the guest lives" "$WORK/text" "life 1: goes on for"
	"$MVMD" list >"$WORK/text"
	succeeds "$VM: list shows it" grep -Eq "^$VM +running " "$WORK/text"

	exits "$VM: it does not run twice" $EXIT_BUSY "$MVMD" run "$VM"
	has "$VM: the refusal names it and the pid" "$WORK/err" \
		"$VM is already running: pid $SUPERVISOR"
	await_text "$WORK/$VM.out" "awaiting the power button"
	exits "$VM: stop presses the power button" 0 "$MVMD" stop "$VM"
	ends "$VM: and the guest powers off" 0
	has "$VM: it was the button, not a kill" "$WORK/$VM.out" "pressed"
	exits "$VM: status of a stopped VM" $EXIT_NOT_RUNNING "$MVMD" status "$VM"
}

ignores_the_button() {
	spec "$VM" hang '{ "timeouts": { "stop": "1s" } }'
	boot "$VM"
	kill -TERM "$SUPERVISOR"
	ends "$VM: a guest that ignores its button is ended" 0
	has "$VM: with a warning that says why" "$WORK/$VM.err" \
		"the guest did not power off within 1s"
	has "$VM: by its id" "$WORK/$VM.err" "[power-button-ignored]"
}

second_signal() {
	spec "$VM" hang
	boot "$VM"
	kill -TERM "$SUPERVISOR"
	await_text "$WORK/$VM.err" "power button pressed"
	kill -INT "$SUPERVISOR"
	ends "$VM: a second signal ends it" 0
	has "$VM: and says so" "$WORK/$VM.err" "ending the VM now"
}

# No guest there yet that could be asked.
stopped_while_starting() {
	spec "$VM" "powerbutton poweroff"
	run "$VM"
	await [ -S "$WORK/run/$VM/control" ]
	kill -TERM "$SUPERVISOR"
	ends "$VM: a signal during the start ends it" 0
	has_not "$VM: and is no failure" "$WORK/$VM.err" "error:"
}

# The first press comes before the guest listens.
stopped_too_early() {
	spec "$VM" "wait=2 powerbutton print=pressed poweroff"
	boot "$VM"
	kill -TERM "$SUPERVISOR"
	ends "$VM: a guest that was asked while it booted" 0
	has "$VM: is asked again" "$WORK/$VM.out" "pressed"
	has_not "$VM: and not ended by force" "$WORK/$VM.err" "did not power off"
}

# --- the console

# A console with a fifo for its keyboard, which file descriptor NUMBER holds open.
attach() {
	mkfifo "$WORK/$1.keys"
	eval "exec $2<>'$WORK/$1.keys'"
	: >"$WORK/$1.screen" # else an earlier one of that name stands there until the shell below has its turn
	"$MVMD" console "$VM" <"$WORK/$1.keys" >"$WORK/$1.screen" 2>"$WORK/$1.console.err" &
	started+=("$!")
}

console() {
	local words="" line
	for line in {1..30}; do
		words="$words print=line_$line"
	done
	spec "$VM" "$words echo print=bye poweroff"
	boot "$VM"
	await_text "$WORK/$VM.out" "tiny: listening"
	attach first 5
	local first=${started[-1]}
	await_text "$WORK/first.screen" "tiny: listening"
	is "$VM: who attaches late sees the last screenful first" \
		"$(cat "$WORK/first.screen")" "$(tail -n 24 "$WORK/$VM.out")"
	attach second 6
	local second=${started[-1]}
	await_text "$WORK/second.screen" "tiny: listening"

	echo "from the first" >&5
	await_text "$WORK/second.screen" "from the first"
	echo "from the second" >&6
	await_text "$WORK/first.screen" "from the second"
	await_text "$WORK/$VM.out" "from the second"
	has "$VM: what one types the guest gets, and the other sees" \
		"$WORK/second.screen" "from the first"
	has "$VM: and the other way round" "$WORK/first.screen" "from the second"
	has "$VM: and stdout has it too" "$WORK/$VM.out" "from the second"

	leaves_by_escape
	printf q >&5
	ends "$VM: the guest goes on after the q" 0
	ended "$first"
	is "$VM: a console ends well with its VM" "$STATUS" 0
	has "$VM: and shows the last words" "$WORK/first.screen" "bye"
	ended "$second"
	exec 5>&- 6>&-
	rm -f "$WORK"/*.keys "$WORK"/*.screen
}

# script(1) gives the console a terminal.
leaves_by_escape() {
	mkfifo "$WORK/terminal.keys"
	exec 7<>"$WORK/terminal.keys"
	script -qec "$MVMD console $VM; echo left with \$?" /dev/null \
		<"$WORK/terminal.keys" >"$WORK/terminal.screen" 2>&1 &
	local terminal=$!
	started+=("$terminal")
	await_text "$WORK/terminal.screen" "tiny: listening"
	printf '\035' >&7
	await_text "$WORK/terminal.screen" "left with"
	has "$VM: Ctrl-] leaves the console" "$WORK/terminal.screen" "left with 0"
	ended "$terminal"
	exec 7>&-
	holds "$VM: and not the VM" "$VM" '.state == "running"'
}

# --- who runs as whom

# in_our_user_namespace PID: its capabilities mean something to the host.
in_our_user_namespace() {
	[ "$(readlink "/proc/$1/ns/user")" = "$(readlink /proc/self/ns/user)" ]
}

has_no_rights() {
	local name=$1 pid=$2 uid field
	read -ra uid <<<"$(status_field "$pid" Uid)"
	is "$VM: $name: all four uids are the VM's own" "${uid[*]}" "$WANTED_UID"
	is "$VM: $name: all four gids too" "$(status_field "$pid" Gid)" "$WANTED_UID"
	is "$VM: $name: cannot gain rights by an exec" "$(status_field "$pid" NoNewPrivs)" 1
	# A sandbox of virtiofsd's own is another user namespace, where it may have some.
	in_our_user_namespace "$pid" || return 0
	for field in CapInh CapPrm CapEff CapAmb; do
		is "$VM: $name: $field is empty" "$(status_field "$pid" $field)" 0000000000000000
	done
}

# children_of PID: it and all its descendants.
family_of() {
	local child
	echo "$1"
	for child in $(ps -o pid= --ppid "$1"); do
		family_of "$child"
	done
}

rights() {
	truncate -s 1M "$WORK/disk.raw"
	chmod 666 "$WORK/disk.raw"
	spec "$VM" hang "$(share | jq --arg path "$WORK/disk.raw" \
		'. + { disks: [ { id: "blk", path: $path, backend: "storage-daemon" } ] }')"
	boot "$VM"
	local uid pid name
	uid=$(jq -r ".uids.\"$VM\" // .\"$VM\" // empty" "$WORK/state/.uids.json" 2>/dev/null)
	read -ra pid <<<"$(status_field "$VMM_PID" Uid)"
	uid=${pid[0]}
	succeeds "$VM: the uid is one of mvmd's range" [ "$uid" -ge $FIRST_UID ]
	WANTED_UID="$uid $uid $uid $uid"
	has_no_rights "VMM" "$VMM_PID"
	for name in data blk; do
		for pid in $(family_of "$(value "$VM" ".backends[] | select(.id == \"$name\").pid")"); do
			has_no_rights "backend $name" "$pid"
		done
	done
	clean_surroundings "VMM" "$VMM_PID"
	for name in data blk; do
		clean_surroundings "backend $name" \
			"$(value "$VM" ".backends[] | select(.id == \"$name\").pid")"
	done
	knows_only_its_own
	exits "$VM: stop --force ends it" 0 "$MVMD" stop --force "$VM"
	ends "$VM: and is no failure" 0
}

clean_surroundings() {
	is "$VM: $1: the environment is mvmd's, not the caller's" \
		"$(tr '\0' '\n' <"/proc/$2/environ" | cut -d = -f 1 | sort | xargs)" "LANG PATH"
	is "$VM: $1: runs in /" "$(readlink "/proc/$2/cwd")" /
	is "$VM: $1: is in a session of its own" "$(ps -o sid= -p "$2" | tr -d ' ')" "$2"
}

# Descriptors of files: nothing but devices, the guest's kernel and its disks; none of mvmd's locks,
# netlink sockets, or of another child's files.
knows_only_its_own() {
	local pid
	held_fds "$VMM_PID" >"$WORK/fds"
	is "$VM: VMM: has open what it needs" \
		"$(grep -vE "$ALLOWED_FDS" "$WORK/fds")" ""
	is "$VM: VMM: has no socket beyond its own" \
		"$(awk '$2 == "socket" { print $1 }' "$WORK/fds")" "$WANTED_SOCKETS"
	for pid in $(value "$VM" '.backends[].pid'); do
		held_fds "$pid" >"$WORK/fds"
		is "$VM: backend: has open what it needs" \
			"$(grep -vE ' (socket|pipe|.*.sock.log|anon_inode:.*|/dev/null|/|/memfd:.*|/proc.*|/[0-9]+|.*/disk.raw|.*/share)$' \
				"$WORK/fds")" ""
	done
}

# as_user UID COMMAND...: with no group and no right.
as_user() {
	setpriv --reuid="$1" --regid="$1" --clear-groups -- "${@:2}"
}

owners() {
	local nobody
	nobody=$(id -u nobody)
	spec "$VM" "powerbutton print=pressed poweroff" '{ "owners": [ { "user": "nobody" } ] }'
	boot "$VM"
	exits "$VM: another user may not stop it" $EXIT_PERMISSION as_user 4242 "$MVMD" stop "$VM"
	has "$VM: and is told why" "$WORK/err" "uid 4242"
	exits "$VM: nor look" $EXIT_PERMISSION as_user 4242 "$MVMD" status "$VM"
	exits "$VM: nor at its console" $EXIT_PERMISSION as_user 4242 "$MVMD" console "$VM"
	exits "$VM: an owner may look" 0 as_user "$nobody" "$MVMD" status "$VM"
	exits "$VM: an owner may stop it" 0 as_user "$nobody" "$MVMD" stop "$VM"
	ends "$VM: and it stops" 0
}

# --- what is not there, or somebody else's

bridge_comes_later() {
	spec "$VM" poweroff '{ "interfaces": [ { "id": "net0", "bridge": "brlate" } ] }'
	run "$VM"
	await_text "$WORK/$VM.err" "waiting up to 30s for bridge brlate"
	ip link add brlate type bridge
	ends "$VM: a bridge that comes later will do" 0
	has "$VM: a bridge that is down is remarked" "$WORK/$VM.err" "bridge brlate is down"
	ip link del brlate
}

bridge_never_comes() {
	spec "$VM" poweroff '{ "interfaces": [ { "id": "net0", "bridge": "bro" } ],
		"timeouts": { "bridge": "1s" } }'
	run "$VM"
	ends "$VM: a bridge that does not come" $EXIT_UNAVAILABLE
	has "$VM: the nearest one is named" "$WORK/$VM.err" "br0"
	has "$VM: and the time that it had" "$WORK/$VM.err" "1s"
}

stopped_while_waiting() {
	spec "$VM" poweroff '{ "interfaces": [ { "id": "net0", "bridge": "never" } ] }'
	run "$VM"
	await_text "$WORK/$VM.err" "for bridge never"
	kill -TERM "$SUPERVISOR"
	ends "$VM: a signal ends the wait for a bridge" 0
}

tap_is_taken() {
	start holder qemu-system-x86_64 -M none -display none -nodefaults \
		-netdev "tap,id=n,ifname=vm-$VM-net0,script=no,downscript=no"
	local holder=$STARTED
	await ip link show "vm-$VM-net0"
	spec "$VM" poweroff
	run "$VM"
	ends "$VM: a tap that somebody else has" $EXIT_BUSY
	has "$VM: its holder is named" "$WORK/$VM.err" "pid $holder (qemu-system-x86"
	succeeds "$VM: and keeps it" ip link show "vm-$VM-net0"
	kill "$holder"
	ended "$holder"
}

disk_is_held() {
	truncate -s 1M "$WORK/disk.raw"
	chmod 666 "$WORK/disk.raw"
	ln -f "$WORK/disk.raw" "$WORK/other-name.raw"
	spec "$VM" hang "{ \"disks\": [ { \"id\": \"root\", \"path\": \"$WORK/disk.raw\" } ] }"
	spec rival hang "{ \"disks\": [ { \"id\": \"root\", \"path\": \"$WORK/other-name.raw\" } ] }"
	boot "$VM"
	exits "$VM: its disk is not for a second VM, by no name" $EXIT_BUSY "$MVMD" run rival
	has "$VM: the refusal names the disk" "$WORK/err" "$WORK/other-name.raw"
	"$MVMD" stop --force "$VM"
	ends "$VM: ends" 0
}

external_share() {
	printf '{ "shares": [ { "tag": "data", "socket": "%s" } ], "timeouts": { "backend": "%s", "boot": "%s" } }' \
		"$WORK/external.sock" "${1-30s}" "${2-90s}"
}

external_comes_later() {
	spec "$VM" poweroff "$(external_share)"
	run "$VM"
	await_text "$WORK/$VM.err" "for a listener on $WORK/external.sock"
	serve_share external "$WORK/external.sock"
	ends "$VM: a backend of somebody else's that comes later" 0
	ended "$VIRTIOFSD"
	rm -f "$WORK"/external.sock*
}

external_never_comes() {
	spec "$VM" poweroff "$(external_share 1s)"
	run "$VM"
	ends "$VM: a backend of somebody else's that does not come" $EXIT_UNAVAILABLE
	has "$VM: what was seen is told" "$WORK/$VM.err" "there is no such file"
}

# A virtiofsd that is stopped: its listener takes connections, and nobody answers on them.
backend_is_deaf() {
	spec "$VM" poweroff "$(external_share 30s 2s)"
	serve_share deaf "$WORK/external.sock"
	kill -STOP "$VIRTIOFSD"
	run "$VM"
	ends "$VM: a backend that never answers" $EXIT_VMM
	has "$VM: the time is told" "$WORK/$VM.err" "within 2s"
	kill -KILL "$VIRTIOFSD"
	ended "$VIRTIOFSD"
	rm -f "$WORK"/external.sock*
}

# --- deaths

vmm_is_killed() {
	spec "$VM" hang
	boot "$VM"
	kill -KILL "$VMM_PID"
	ends "$VM: a VMM that is killed" $EXIT_VMM
	has "$VM: is told as such" "$WORK/$VM.err" "was killed from outside: signal 9 (SIGKILL) [vmm-killed]"
}

# A disk's: what the guest wrote last may be lost, and is not to be glossed over.
loses_a_disk() {
	truncate -s 1M "$WORK/disk.raw"
	chmod 666 "$WORK/disk.raw"
	spec "$VM" "powerbutton print=pressed poweroff" "{ \"disks\": [
		{ \"id\": \"blk\", \"path\": \"$WORK/disk.raw\", \"backend\": \"storage-daemon\" } ] }"
	boot "$VM"
	await_text "$WORK/$VM.out" "awaiting the power button"
	kill -KILL "$(value "$VM" '.backends[0].pid')"
	ends "$VM: the end of a disk's backend is the VM's" $EXIT_BACKEND
	has "$VM: and why is told" "$WORK/$VM.err" "writes to $WORK/disk.raw may be lost"
	has "$VM: the guest could power off in order" "$WORK/$VM.out" "pressed"
}

# kill_supervisor: and reaps it; its VMM and backends live on. Bash has a word of its own on that.
supervisor_is_killed() {
	spec "$VM" "powerbutton poweroff" "$(share)"
	boot "$VM"
	kill_supervisor
	exits "$VM: without its supervisor it counts as not running" $EXIT_NOT_RUNNING \
		"$MVMD" status "$VM"
	has "$VM: and status says what to do" "$WORK/err" "mvmd stop $VM"
	"$MVMD" list >"$WORK/text"
	has "$VM: list has a word for it" "$WORK/text" "orphaned"
	succeeds "$VM: the VMM was let alone" kill -0 "$VMM_PID"
	exits "$VM: stop --force ends what is left" 0 "$MVMD" stop --force "$VM"
	succeeds "$VM: nothing was left of it" await as_before
}

replaces() {
	spec "$VM" "powerbutton poweroff" "$(share)"
	boot "$VM"
	local old=$VMM_PID
	kill_supervisor
	boot "$VM" --replace
	has "$VM: run --replace ends the old VMM" "$WORK/$VM.err" "pid $old"
	succeeds "$VM: which is gone" is_gone_or_zombie "$old"
	await_text "$WORK/$VM.out" "awaiting the power button"
	kill -TERM "$SUPERVISOR"
	ends "$VM: the new one lives and ends as any" 0
}

# Both the supervisor and all that it had started: only files are left.
everything_is_killed() {
	local victims victim
	spec "$VM" hang "$(share)"
	boot "$VM"
	victims="$VMM_PID $(value "$VM" '.backends[].pid')"
	kill_supervisor
	for victim in $victims; do
		kill -KILL "$victim" 2>/dev/null # a backend may be faster: it leaves with its VMM
		await is_gone_or_zombie "$victim"
	done
	spec "$VM" "print=again poweroff" "$(share)"
	run "$VM"
	ends "$VM: dead leftovers are no reason to refuse" 0
	has "$VM: they are named" "$WORK/$VM.err" "cleaned up what an earlier run left"
}

# --- on the wire

# Not one dump of all links on the way up: with thousands of them each would take its time.
no_link_dump() {
	spec "$VM" poweroff
	# LeakSanitizer cannot work under strace.
	start "$VM" env ASAN_OPTIONS=detect_leaks=0 \
		strace -f -e trace=network -o "$WORK/trace" "$MVMD" run "$VM"
	SUPERVISOR=$STARTED
	ends "$VM: runs under strace" 0
	has "$VM: asks the kernel for links" "$WORK/trace" "RTM_GETLINK"
	is "$VM: never for all of them" "$(grep -E 'RTM_GET[A-Z]+.*NLM_F_DUMP' "$WORK/trace")" ""
	is "$VM: and connects nowhere in vain" "$(grep -E 'connect\(.*ECONNREFUSED' "$WORK/trace")" ""
}

places() {
	spec "$VM" "powerbutton poweroff"
	mkdir "$WORK/elsewhere"
	mv "$WORK/spec/$VM.json" "$WORK/elsewhere/"
	start "$VM" "$MVMD" --spec-dir="$WORK/elsewhere" --runtime-dir="$WORK/elsewhere/run" run \
		--state-dir "$WORK/elsewhere/state" "$VM"
	SUPERVISOR=$STARTED
	await_text "$WORK/$VM.err" "running after"
	succeeds "$VM: the control socket is where the option says" \
		[ -S "$WORK/elsewhere/run/$VM/control" ]
	succeeds "$VM: so is the state" [ -e "$WORK/elsewhere/state/.uids.json" ]
	exits "$VM: elsewhere it is unknown" 4 "$MVMD" status "$VM"
	await_text "$WORK/$VM.out" "awaiting the power button"
	exits "$VM: a path names it as well" 0 \
		"$MVMD" --runtime-dir "$WORK/elsewhere/run" stop "$WORK/elsewhere/$VM.json"
	ends "$VM: and it stops" 0
	rm -r "$WORK/elsewhere"
}
