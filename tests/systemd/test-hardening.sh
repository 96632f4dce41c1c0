#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What mvmd@.service forbids: the score that systemd gives it, what a program in a VMM's place is
# refused and is not elsewhere, and that real VMMs and backends run with what is left.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/run-lib.sh"

SHARE='"shares": [ { "tag": "data", "source": "/srv/share" } ]'
STANDIN=/usr/local/sbin/qemu-system-x86_64 # before the real one in PATH

# --- the scene

# What the tries need: see tests/systemd/forbidden.c.
set_scene() {
	local srv
	rm -f "$(root /etc/systemd/system)/mvmd@.service.d/tcg.conf"
	srv=$(root /srv)
	install -m 755 "$BUILD/tests/systemd/forbidden" "$srv/forbidden"
	install -m 4755 "$BUILD/tests/systemd/forbidden" "$srv/set-uid"
	mkdir -m 1777 "$srv/results"
	truncate -s 1M "$srv/other.raw"
	chmod 600 "$srv/other.raw"
	mknod -m 666 "$(root /dev)/mvmd-test" b 240 7
	echo secret >"$(root /tmp)/left-by-somebody"
	chmod 1777 "$(root /tmp)"
	# The container's own view; where it is never writable, the try tells nothing of the unit.
	inside mount -o remount,rw,bind /proc/sys
}

# The VM whose things are tried, with a disk that is its user's own.
start_other() {
	spec other hang '{ "disks": [ { "id": "root", "path": "/srv/other.raw" } ], "timeouts": { "stop": "1s" } }'
	inside systemctl daemon-reload
	start_unit other
	inside systemctl stop mvmd@other
	chown "$(uid_of other)" "$(root /srv/other.raw)"
	succeeds "the other VM runs" start_unit other
	vmm_pid other >"$(root /srv/other-pid)"
}

# uid_of NAME: the VM's, of the table.
uid_of() {
	jq -er ".uids.\"$1\" // empty" "$(root /var/lib/mvmd/.uids.json)"
}

# With KVM, for that is what most VMs have: the stand-in only has to be able to open it.
plain_spec() {
	[ -e "$(root /dev/kvm)" ] || mknod -m 666 "$(root /dev/kvm)" c 1 3
	spec "$1" hang "{ \"accel\": \"kvm\", \"timeouts\": { \"stop\": \"1s\" } ${2:+, $2} }"
}

# results_of NAME: of the stand-in for a VM's VMM, once it has all.
results_of() {
	local file
	inside systemctl start --no-block "mvmd@$1"
	await uid_of "$1" && file=$(root /srv/results)/$(uid_of "$1")
	await_text "$file" "end 0" || inside journalctl --no-pager -o cat -n 30 -u "mvmd@$1" >&2
	cp "$file" "$WORK/$1.results"
}

# --- real VMMs and backends within what is left

# runs TITLE NAME SPEC: a VM of the tiny guest, with its drop-in, as far as its power button.
runs() {
	spec "$2" "powerbutton poweroff" "$3"
	inside systemctl daemon-reload
	succeeds "$1" start_unit "$2"
	says "$2: the guest runs" "$2" "awaiting the power button"
	stop "$2"
	is "$2: and was no failure" "$(property "$2" Result)" success
}

real_vms() {
	local kvm='"accel": "kvm"'
	if [ -w "$(root /dev/kvm)" ] && grep -Eqw 'vmx|svm' /proc/cpuinfo; then
		runs "real: QEMU with KVM" kvm "{ $kvm }"
		is "real: it may not execute what it wrote" "$(property kvm MemoryDenyWriteExecute)" yes
	else
		skip "real: QEMU with KVM" "no /dev/kvm on a CPU with VMX or SVM"
	fi
	if [ -w "$(root /dev/kvm)" ] && inside sh -c 'command -v cloud-hypervisor virtiofsd' >/dev/null; then
		runs "real: cloud-hypervisor" ch "{ \"vmm\": \"cloud-hypervisor\", $kvm, \"vsock\": {} }"
		runs "real: cloud-hypervisor with a share" ch-share \
			"{ \"vmm\": \"cloud-hypervisor\", $kvm, $SHARE }"
	else
		skip "real: cloud-hypervisor" "it needs cloud-hypervisor, virtiofsd and /dev/kvm"
	fi
	spec tcg hang '{ "accel": "tcg" }'
	start_unit tcg
	says "tcg: a unit that systemd was not told of" tcg "QEMU without KVM may not run here"
	is "tcg: once" "$(property tcg ExecMainStatus) $(property tcg NRestarts)" "77 0"
	runs "real: QEMU without KVM" tcg '{ "accel": "tcg" }'
	is "real: as its spec says" "$(property tcg MemoryDenyWriteExecute)" no
	is "oom: systemd is told to leave it to mvmd" "$(property tcg OOMPolicy)" continue
}

named_user() {
	spec named hang '{ "user": "daemon", "timeouts": { "stop": "1s" } }'
	inside systemctl daemon-reload
	succeeds "user: a VM of a user of the host's" start_unit named
	is "user: its VMM runs as that" "$(inside ps -o user= -p "$(vmm_pid named)")" daemon
	is "user: which is in no table" "$(uid_of named)" ""
	stop named
}

# A hog in the VM's control group is what the kernel ends there; systemd sees that, and the unit lives on.
out_of_memory() {
	local group before
	if ! grep -qw memory "$(root /sys/fs/cgroup/cgroup.controllers)"; then
		skip "oom: a process that the kernel ends" "there is no memory controller"
		return
	fi
	spec oom hang '{ "timeouts": { "stop": "1s" } }'
	inside systemctl daemon-reload
	start_unit oom
	group=/sys/fs/cgroup/mvmd.slice/mvmd@oom.service
	before=$(vmm_pid oom)
	inside systemctl set-property --runtime mvmd@oom.service MemoryMax=512M MemorySwapMax=0
	inside sh -c "echo \$\$ >$group/cgroup.procs && echo 1000 >/proc/self/oom_score_adj && exec tail /dev/zero"
	await grep -qx "oom_kill 1" "$(root $group)/memory.events"
	says "oom: systemd has seen it" oom "killed by the OOM killer"
	is "oom: and leaves it to mvmd" "$(property oom ActiveState) $(property oom NRestarts) $(vmm_pid oom)" \
		"active 0 $before"
	stop oom
}

# --- the score

scores_of_units() {
	scores "score: the file's, at most 2.3" 23 --offline=yes \
		"$(inside systemctl show --value -p FragmentPath mvmd@plain.service)"
	scores "score: of a unit that is loaded, at most 2.3" 23 mvmd@plain.service
}

# --- the tries

# What each try gives in the VMM's place, as an ordinary user elsewhere, and as root elsewhere; "-": whatever the host says.
TRIES='
other-disk               EACCES       EACCES done
other-folder             EACCES       EACCES done
other-socket             EACCES       EACCES done
other-signal             EPERM        EPERM  done
other-trace              EPERM        EPERM  done
other-process            ENOENT       done   done
other-state              EACCES       EACCES done
host-passwords           EACCES       EACCES done
host-temporary-files     ENOENT       done   done
host-programs            EROFS        EACCES done
host-settings            EROFS        EACCES done
host-kernel-settings     EACCES       EACCES done|EROFS
host-control-groups      EACCES       EACCES done
host-modules             EPERM        -      ENOEXEC|ENOSYS
host-kernel-log          EPERM        -      done
host-clock               EPERM        EINVAL EINVAL
host-name                EPERM        EPERM  EINVAL
host-reboot              EPERM        EPERM  EINVAL
host-swap                EPERM        EPERM  ENOENT
host-bpf                 EPERM        -      EINVAL
new-device               EPERM        EPERM  done
become-root              EPERM        EPERM  done
run-set-uid              EPERM        done   done
make-set-uid             EPERM        done   done
new-root                 EPERM        ENOENT ENOENT
new-mount                EPERM        ENOENT ENOENT
user-namespace           EPERM        -      done
mount-namespace          EPERM        -      done
host-name-namespace      EPERM        -      done
cloned-namespace         ENOSYS       -      done
joined-namespace         EPERM        EPERM  done
execute-what-is-written  EPERM|EACCES      done   done
execute-what-was-written EPERM|EACCES      done   done
run-in-realtime          EPERM        EINVAL EINVAL
old-personality          EPERM        done   done
foreign-call             SIGSYS       -      done|SIGSEGV
socket-ipv4              EAFNOSUPPORT done   done
socket-ipv6              EAFNOSUPPORT -      done|EAFNOSUPPORT
socket-packet            EAFNOSUPPORT EPERM  done
'

# ends TITLE WHERE TRY WANTED: as one of the words in WANTED, between "|".
ends() {
	local result
	[ "$4" != - ] || return 0
	result=$(sed -n "s/^$3 //p" "$WORK/$2.results")
	if [ -n "$result" ] && [[ "|$4|" == *"|$result|"* ]]; then
		pass "$1: $result"
	else
		fail "$1" "got:    $result" "wanted: $4"
	fi
}

tries() {
	local try place user root
	inside install -m 755 /srv/forbidden $STANDIN
	plain_spec plain
	results_of plain
	inside setpriv --reuid 70000 --regid 70000 --clear-groups /srv/forbidden >"$WORK/user.results"
	inside /srv/forbidden >"$WORK/root.results"
	while read -r try place user root; do
		[ -n "$try" ] || continue
		ends "$try: refused in a VMM's place" plain "$try" "$place"
		ends "$try: by a user elsewhere" user "$try" "$user"
		ends "$try: by root elsewhere" root "$try" "$root"
	done <<<"$TRIES"
	is "rights: a VMM has none, and gets none" "$(grep -E '^(Cap|NoNew|Seccomp)' "$WORK/plain.results")" \
		"CapInh 0000000000000000
CapPrm 0000000000000000
CapEff 0000000000000000
CapAmb 0000000000000000
NoNewPrivs 1
Seccomp 2"
}

# What root may in its unit is less than a shell of root's may.
foreign_spec() {
	plain_spec foreign
	chown 70000 "$SPECS/foreign.json"
	chmod 600 "$SPECS/foreign.json"
	start_unit foreign
	says "foreign: a spec that only its owner may read" foreign "cannot open /etc/mvmd/foreign.json"
	says "foreign: and what helps" foreign "chown root /etc/mvmd/foreign.json"
	is "foreign: once" "$(property foreign ExecMainStatus) $(property foreign NRestarts)" "77 0"
}

temporary_disk() {
	plain_spec temporary '"disks": [ { "id": "root", "path": "/tmp/left-by-somebody" } ]'
	start_unit temporary
	says "temporary: a file in /tmp" temporary "there is no /tmp/left-by-somebody here: the unit has a /tmp of its own"
	inside systemctl stop mvmd@temporary
}

user_of() {
	inside ps -o uid= -p "$(cat "$(root /srv)/other-pid")" | tr -d ' '
}

identities() {
	local first
	first=$(uid_of other)
	is "uids: the VMM runs as its VM's user" "$(user_of)" "$first"
	[ "$first" != "$(uid_of plain)" ] && pass "uids: which no other VM has" || fail "uids: which no other VM has"
	is "uids: the table is for all to read, and root's" \
		"$(inside stat -c '%U %a' /var/lib/mvmd /var/lib/mvmd/.uids.json)" "root 755
root 644"
	[ -z "$(inside getent passwd "$first")" ] && pass "uids: nor has it a name" || fail "uids: nor has it a name"
}

# Without BPF for control groups systemd cannot have it (systemd.resource-control(5)): then a unit opens it, too.
devices() {
	local try
	inside systemd-run --quiet --wait --pipe -p DevicePolicy=closed /srv/forbidden >"$WORK/closed.results"
	try=$(sed -n 's/^host-device //p' "$WORK/closed.results")
	if [ "$try" != EPERM ]; then
		skip "host-device: refused in a VMM's place" "systemd enforces no DevicePolicy= here ($try)"
		return
	fi
	ends "host-device: refused in a VMM's place" plain host-device EPERM
	ends "host-device: by a user elsewhere" user host-device ENXIO
	plain_spec disk '"disks": [ { "id": "root", "path": "/dev/mvmd-test" } ]'
	start_unit disk
	says "disk: a device that the unit lacks is told" disk "the device /dev/mvmd-test may not be opened here"
	is "disk: as a finding of its own, and once" "$(property disk ExecMainStatus) $(property disk NRestarts)" "77 0"
	inside systemctl daemon-reload
	start_unit disk
	says "disk: with its drop-in it may be opened" disk "No such device or address"
	is "disk: no other VM may" "$(property plain DeviceAllow | grep -c mvmd-test)" 0
	inside systemctl stop mvmd@disk
}

# What the folders' modes do for the VM's user, the unit's own view does for mvmd, too.
own_view() {
	local pid try
	pid=$(property plain MainPID)
	inside nsenter -t "$pid" -m /srv/forbidden >"$WORK/view.results"
	for try in host-programs host-settings host-kernel-settings host-control-groups; do
		ends "$try: for root as well" view $try EROFS
	done
	ends "host-temporary-files: for root as well" view host-temporary-files ENOENT
}

SEND='echo x >/dev/udp/127.0.0.1/9'

# No socket for IP can be made there; one that somebody else made would be of no use. It takes BPF, as devices do.
no_traffic() {
	succeeds "traffic: elsewhere it goes out" inside bash -c "$SEND"
	if inside systemd-run --quiet --wait -p IPAddressDeny=any bash -c "$SEND" 2>/dev/null; then
		skip "traffic: none from the unit" "systemd enforces no IPAddressDeny= here"
		return
	fi
	exits "traffic: none from the unit" 1 inside bash -c \
		"echo \$\$ >/sys/fs/cgroup/mvmd.slice/mvmd@plain.service/cgroup.procs; $SEND"
	has "traffic: it is refused" "$WORK/err" "Operation not permitted"
}

# CAP_KILL, CAP_SETGID, CAP_SETUID and CAP_NET_ADMIN are the bits 5, 6, 7 and 12 (capability.h).
supervisor() {
	is "supervisor: four capabilities, and no more to come" \
		"$(inside sed -nE 's/^(CapEff|CapBnd|NoNewPrivs|Seccomp):\t/\1 /p' "/proc/$(property plain MainPID)/status")" \
		"CapEff 00000000000010e0
CapBnd 00000000000010e0
NoNewPrivs 1
Seccomp 2"
}

# systemd hears what the VMM says, and does not believe it.
forged() {
	ends "status: a VMM may talk to systemd" plain forged-status "done"
	is "status: which takes the supervisor's word" "$(property plain ActiveState)" activating
	[[ "$(property plain StatusText)" != *forged* ]] && pass "status: and its alone" ||
		fail "status: and its alone" "$(property plain StatusText)"
}

# A VM with a share: the four namespaces of virtiofsd's sandbox, and no other.
share_tries() {
	if ! inside sh -c 'command -v virtiofsd' >/dev/null; then
		skip "share: what its drop-in allows" "virtiofsd is not installed"
		return
	fi
	plain_spec shared "$SHARE"
	start_unit shared
	says "share: a unit without the lines for it is told" shared "share data: virtiofsd may not make its namespaces here"
	says "share: and what helps" shared "mvmd start shared brings the unit up to date"
	is "share: once" "$(property shared ExecMainStatus) $(property shared NRestarts)" "77 0"
	inside systemctl daemon-reload
	scores "score: with what a share needs, at most 2.9" 29 mvmd@shared.service
	plain_spec owners "${SHARE%\} ]}, \"user\": \"root\" } ]"
	inside systemctl daemon-reload
	scores "score: with a share that root serves, at most 3.3" 33 mvmd@owners.service
	results_of shared
	ends "share: user-namespace" shared user-namespace "done"
	ends "share: mount-namespace" shared mount-namespace "done"
	ends "share: host-name-namespace" shared host-name-namespace EPERM
	ends "share: execute-what-is-written" shared execute-what-is-written "EPERM|EACCES"
	ends "share: other-disk" shared other-disk EACCES
	ends "share: the whole /proc is out of reach" shared other-processes-of-a-share EACCES
	inside nsenter -t "$(property shared MainPID)" -m /srv/forbidden >"$WORK/inner.results"
	ends "share: but there" inner other-processes-of-a-share "done"
	inside systemctl stop mvmd@shared
	# Somebody's own drop-in takes back what the spec needs.
	drop_in owners "CapabilityBoundingSet=~CAP_MKNOD"
	start_unit owners
	says "owners: a capability that is missing is named" owners "virtiofsd as root needs CAP_MKNOD"
}

boot
set_scene
scores_of_units
real_vms
named_user
out_of_memory
start_other
tries
identities
foreign_spec
temporary_disk
devices
own_view
no_traffic
supervisor
forged
inside systemctl stop mvmd@plain
share_tries
finish
