#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Credentials: they reach the guest, and nobody else.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/run-lib.sh"

SECRET='correct-horse-battery-staple'
SECRET64='Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5LXN0YXBsZQo=' # with a newline at its end
ROOM=$((60 * 1024)) # SMBIOS_STRINGS_MAX_BYTES, model/smbios.h
PREFIX='io.systemd.credential:'

need qemu-system-x86_64 jq
private_namespaces "$@"
make_host
mkdir -m 700 "$WORK/secret"

# secret NAME [VALUE]: a file that only root reads, with what is given or what comes on stdin.
secret() {
	if [ $# = 2 ]; then printf %s "$2"; else cat; fi >"$WORK/secret/$1"
	chmod 600 "$WORK/secret/$1"
}

# credentials NAME=FILE...: as JSON.
credentials() {
	local pair
	for pair in "$@"; do
		jq -n --arg name "${pair%%=*}" --arg file "$WORK/secret/${pair#*=}" '{ ($name): { file: $file } }'
	done | jq -s '{ credentials: add }'
}

# everybody_reads: what other users, the journal or a backup could have of a VM that runs or ran.
everybody_reads() {
	cat /proc/[0-9]*/{cmdline,environ} 2>/dev/null | tr '\0' '\n'
	"$MVMD" plan "$VM"
	"$MVMD" plan --json "$VM"
	"$MVMD" -v check "$VM"
	"$MVMD" check --json "$VM"
	"$MVMD" status --json "$VM"
	"$MVMD" status --last --json "$VM"
	find "$WORK/run" "$WORK/state" -type f -exec cat {} +
	cat "$WORK/$VM.err"
} 2>&1

# secrets_in FILE: how many lines have it, in either form.
secrets_in() {
	grep -acF -e "$SECRET" -e "${SECRET64%???}" "$1"
}

# memory_of PID: all that the process has of its own. (A sanitizer's shadow would be terabytes.)
memory_of() {
	local range rest from to
	while read -r range rest; do
		[[ $rest == rw* ]] || continue
		from=$((0x${range%-*} / 4096))
		to=$((0x${range#*-} / 4096))
		dd if="/proc/$1/mem" bs=4096 skip=$from count=$((to - from)) status=none 2>/dev/null
	done <"/proc/$1/maps"
}

reaches_the_guest() {
	secret line "$SECRET"$'\n'
	secret empty ""
	secret quotes 'a "b" \c, d=e%n'
	head -c 256 /dev/zero | tr '\0' '\377' | secret binary
	spec "$VM" "print=now credentials poweroff" \
		"$(credentials "db.password=line" "an empty one=empty" "quotes=quotes" "ff=binary")"
	run "$VM"
	ends "$VM: ends well" 0
	printf '%s\n' "io.systemd.credential.binary:db.password=$SECRET64" "${PREFIX}an empty one=" \
		"${PREFIX}quotes=a \"b\" \\c, d=e%n" "io.systemd.credential.binary:ff=$(base64 -w 0 \
			"$WORK/secret/binary")" | sort >"$WORK/wanted"
	succeeds "$VM: the guest finds each as it was written" \
		diff <(grep -a "io.systemd" "$WORK/$VM.out" | sort) "$WORK/wanted"
}

# A secret that is there proves that the search for it finds one.
reaches_nobody_else() {
	secret plain "$SECRET"
	secret line "$SECRET"$'\n'
	spec "$VM" "powerbutton credentials poweroff" "$(credentials plain=plain line=line)"
	boot "$VM"
	everybody_reads >"$WORK/read"
	has "$VM: of a VM that runs much can be read" "$WORK/read" "$WORK/secret/plain"
	is "$VM: but not its secrets" "$(secrets_in "$WORK/read")" 0
	if has_sanitizer; then
		skip "$VM: mvmd has forgotten them" "memory is the sanitizer's"
	else
		memory_of "$SUPERVISOR" >"$WORK/memory"
		has "$VM: mvmd's memory can be searched" "$WORK/memory" "$WORK/secret/plain"
		is "$VM: mvmd has forgotten them" "$(secrets_in "$WORK/memory")" 0
	fi
	rm -f "$WORK/memory"
	await_text "$WORK/$VM.out" "awaiting the power button"
	kill -TERM "$SUPERVISOR"
	ends "$VM: ends well" 0
	is "$VM: the guest had both" "$(secrets_in "$WORK/$VM.out")" 2
	everybody_reads >"$WORK/read"
	is "$VM: nor afterwards" "$(secrets_in "$WORK/read")" 0
	rm -f "$WORK/read"
}

# What a VMM that ends too early leaves is a post-mortem.
nor_in_a_post_mortem() {
	secret plain "$SECRET"
	spec "$VM" "hang" "$(credentials plain=plain)"
	boot "$VM"
	kill -KILL "$VMM_PID"
	ends "$VM: a killed VMM is a failure" $EXIT_VMM
	everybody_reads >"$WORK/read"
	has "$VM: it has a post-mortem" "$WORK/read" "SIGKILL"
	is "$VM: without the secret" "$(secrets_in "$WORK/read")" 0
	rm -f "$WORK/read"
}

# a_reboot VM: they are there in each life. (cloud-hypervisor's guest counts its lives on a disk.)
outlive_a_reboot() {
	rm -f "$WORK/disk.raw"
	truncate -s 1M "$WORK/disk.raw"
	chmod 666 "$WORK/disk.raw"
	secret plain "$SECRET"
	spec "$VM" "lives=disk reboot=1 credentials poweroff" "$(credentials plain=plain |
		jq --arg path "$WORK/disk.raw" '. + { disks: [ { id: "d", path: $path } ] }')"
	run "$VM"
	ends "$VM: ends well" 0
	has "$VM: it lived twice" "$WORK/$VM.out" "tiny: life 2"
	is "$VM: the second life finds it" "$(secrets_in "$WORK/$VM.out")" 1
}

# largest VM: how many bytes one plain credential may have, from what check says of one that has too many.
largest() {
	local said limit
	head -c $ROOM /dev/zero | tr '\0' x | secret large
	spec "$VM" "poweroff" "$(credentials large=large)"
	exits "$VM: too large a one" $EXIT_SPEC "$MVMD" check "$VM"
	has "$VM: is told by its id" "$WORK/err" "[credentials-too-large]"
	said=$(grep -oE '(configuration has|credentials take) [0-9]+ bytes' "$WORK/err" | grep -oE '[0-9]+' | tail -n 1)
	limit=$1
	LARGEST=$((ROOM - (said - limit)))
}

# fits: the VMM takes what check lets pass, to the byte, and one byte more is refused.
fits() {
	head -c "$LARGEST" /dev/zero | tr '\0' x | secret large
	exits "$VM: the largest that check lets pass" 0 "$MVMD" check "$VM"
	run "$VM"
	ends "$VM: the VMM takes it" 0
	head -c $((LARGEST + 1)) /dev/zero | tr '\0' x | secret large
	exits "$VM: one byte more" $EXIT_SPEC "$MVMD" run "$VM"
	has "$VM: is refused before the start" "$WORK/err" "[credentials-too-large]"
}

largest_of_cloud_hypervisor() {
	largest 51199
	has "$VM: the limit is that of its API" "$WORK/err" "cloud-hypervisor takes less than 51200"
	fits
}

largest_of_qemu() {
	largest $ROOM
	has "$VM: the limit is that of the tables" "$WORK/err" "there is room for $ROOM"
	fits
}

cannot_be_read() {
	spec "$VM" poweroff "$(credentials gone=gone)"
	exits "$VM: no file" $EXIT_UNAVAILABLE "$MVMD" check "$VM"
	has "$VM: is told with its path" "$WORK/err" "cannot read $WORK/secret/gone: No such file"
	mkfifo "$WORK/secret/fifo"
	spec "$VM" poweroff "$(credentials fifo=fifo)"
	exits "$VM: a FIFO is refused, not waited for" $EXIT_UNAVAILABLE "$MVMD" run "$VM"
	has "$VM: by its id" "$WORK/err" "[credential-unreadable]"
	rm "$WORK/secret/fifo"
	secret open x
	chmod 644 "$WORK/secret/open"
	spec "$VM" poweroff "$(credentials open=open)"
	exits "$VM: a file that everybody reads" 0 "$MVMD" check "$VM"
	has "$VM: is a warning" "$WORK/err" "[credential-exposed]"
}

# The unit's own: systemd sets the variable.
from_the_unit() {
	spec "$VM" "credentials poweroff" '{ "credentials": { "inside": { "credential": "outside" } } }'
	exits "$VM: what only the unit has is unknown by hand" 0 "$MVMD" check "$VM"
	exits "$VM: and needed for a start" $EXIT_UNAVAILABLE "$MVMD" run "$VM"
	has "$VM: by its id" "$WORK/err" "[credential-not-passed]"
	has "$VM: and what to write" "$WORK/err" "LoadCredential=outside:"
	secret outside "$SECRET"
	CREDENTIALS_DIRECTORY=$WORK/secret run "$VM"
	ends "$VM: ends well" 0
	has "$VM: the guest has the unit's" "$WORK/$VM.out" "${PREFIX}inside=$SECRET"
}

VMM=qemu ACCEL=tcg
case_of reach-q reaches_the_guest
case_of secret-q reaches_nobody_else
case_of mortem-q nor_in_a_post_mortem
case_of reboot-q outlive_a_reboot
case_of limit-q largest_of_qemu
case_of errors cannot_be_read
case_of unit from_the_unit

VMM=cloud-hypervisor ACCEL=kvm
if ! has_cloud_hypervisor; then
	skip "cloud-hypervisor" "$(no_cloud_hypervisor)"
elif ! kvm_runs_the_guest; then
	skip "cloud-hypervisor" "this KVM does not run the tiny guest"
else
	case_of reach-c reaches_the_guest
	case_of secret-c reaches_nobody_else
	case_of mortem-c nor_in_a_post_mortem
	case_of reboot-c outlive_a_reboot
	case_of limit-c largest_of_cloud_hypervisor
fi
finish
