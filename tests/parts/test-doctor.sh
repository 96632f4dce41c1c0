#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# mvmd doctor about a host: in namespaces of its own a host is made on which all is well, and then one thing after the
# other is broken. Each must be found, and nothing else. The programs are stand-ins that tell a version, since what a
# host has installed differs; devices, mounts, limits and sysctls are real.

. "$(dirname "$0")/../lib.sh"

EXIT_OK=0
EXIT_WARNINGS=1
EXIT_UNAVAILABLE=69
EXIT_USAGE=64
SOMEBODY=54321

private_namespaces "$@"
need setpriv prlimit

# --- the host

# program NAME VERSION-LINE: a stand-in.
program() {
	printf '#!/bin/sh\necho "%s"\n' "$2" >"$WORK/bin/$1"
	chmod 755 "$WORK/bin/$1"
}

all_programs() {
	program cloud-hypervisor "cloud-hypervisor v53.0"
	program "qemu-system-$(uname -m)" "QEMU emulator version 10.0.2"
	program virtiofsd "virtiofsd 1.13.0"
	program qemu-storage-daemon "qemu-storage-daemon version 10.0.2"
}

# Where programs lie that are in no PATH.
hide_other_programs() {
	local folder
	for folder in /usr/libexec /usr/lib/qemu; do
		[ ! -d $folder ] || mount -t tmpfs -o mode=755 tmpfs $folder
	done
	[ ! -e /usr/lib/virtiofsd ] || mount --bind /dev/null /usr/lib/virtiofsd
}

# What stands for vhost-vsock opens as that does, and is not used.
make_devices() {
	mkdir -p "$WORK/dev/net"
	mknod -m 666 "$WORK/dev/null" c 1 3
	mknod -m 666 "$WORK/dev/zero" c 1 5
	mknod -m 666 "$WORK/dev/urandom" c 1 9
	ln -s /proc/self/fd "$WORK/dev/fd"
	mknod -m 666 "$WORK/dev/net/tun" c 10 200
	mknod -m 666 "$WORK/dev/kvm" c 10 232
	mknod -m 666 "$WORK/dev/vhost-vsock" c 1 3
	mount --bind "$WORK/dev" /dev
}

# bind FILE CONTENT: the file has that content from now on.
binds=0
bind() {
	binds=$((binds + 1))
	echo "$2" >"$WORK/bind$binds"
	mount --bind "$WORK/bind$binds" "$1"
}

# A switch of the kernel's that is not there is as good as one that is on.
allow_user_namespaces() {
	local switch
	bind /proc/sys/user/max_user_namespaces 10000
	switch=/proc/sys/kernel/unprivileged_userns_clone
	[ ! -e $switch ] || bind $switch 1
	switch=/proc/sys/kernel/apparmor_restrict_unprivileged_userns
	[ ! -e $switch ] || bind $switch 0
}

# netfilter IPV4 IPV6: this network namespace's own, where br_netfilter is there.
netfilter() {
	echo "$1" >/proc/sys/net/bridge/bridge-nf-call-iptables
	echo "$2" >/proc/sys/net/bridge/bridge-nf-call-ip6tables
}

need_netfilter() {
	[ -e /proc/sys/net/bridge/bridge-nf-call-iptables ] && return
	mkdir -p "$WORK/net/bridge"
	mount --bind "$WORK/net" /proc/sys/net
}

make_etc() {
	cp -a /etc "$WORK/host-etc"
	: >"$WORK/host-etc/subuid"
	mount --bind "$WORK/host-etc" /etc
}

make_host() {
	mkdir "$WORK/bin" "$WORK/spec" "$WORK/data" "$WORK/pools"
	for folder in run state; do
		mkdir "$WORK/$folder"
		mount -t tmpfs -o size=8m tmpfs "$WORK/$folder"
	done
	all_programs
	hide_other_programs
	make_etc
	make_devices
	allow_user_namespaces
	need_netfilter
	netfilter 0 0
	ip link add br0 type bridge
	mount --bind "$WORK/pools" /sys/kernel/mm/hugepages
	mount -t tmpfs tmpfs /run
	mkdir -p /run/systemd/system
	mount -t cgroup2 cgroup2 /sys/fs/cgroup || skip_all "no cgroup2 file system"
}

export MVMD_SPEC_DIR=$WORK/spec MVMD_RUNTIME_DIR=$WORK/run MVMD_STATE_DIR=$WORK/state
export MVMD_DATA_DIR=$WORK/data
# Where every user may execute it.
cp "$MVMD" "$WORK/mvmd"
MVMD=$WORK/mvmd
LIMITS=(prlimit --memlock=8388608:8388608)
"${LIMITS[@]}" true 2>/dev/null || LIMITS=() # a container may have less, and no right to more

# --- what doctor says

# doctor [WORD...]: runs it with the limits of a usual host, and sets STATUS.
doctor() {
	"${LIMITS[@]}" "${AS[@]}" env PATH="$WORK/bin" "$MVMD" doctor "$@" \
		>"$WORK/out" 2>"$WORK/err"
	STATUS=$?
}
AS=()

# findings: "LEVEL ID" of all that is not ok, sorted, from $WORK/out (JSON).
findings() {
	awk -F '"' '
	$2 == "id" { id = $4 }
	$2 == "level" { level = $4 }
	/^    }/ { if (level != "ok") print level " " id }' "$WORK/out" | LC_ALL=C sort
}

# This machine may lack what nobody can give it here: KVM, and limits that only a privileged one raises.
known_before() {
	doctor --json
	findings >"$WORK/before"
	has_files_for_shares || echo "warning nofile-low" >>"$WORK/before"
	LC_ALL=C sort -o "$WORK/before" "$WORK/before"
}

has_files_for_shares() {
	[ "$(ulimit -Hn)" = unlimited ] || [ "$(ulimit -Hn)" -ge 65536 ]
}

# new_findings: those that were not there before anything was broken, on one line.
new_findings() {
	LC_ALL=C comm -13 "$WORK/before" <(findings) | paste -sd ' '
}

# shows NAME FINDINGS: broken as it is now, the host shows these and no others beyond those it always had.
shows() {
	doctor --json
	is "$1" "$(new_findings)" "$2"
}

# tells TEXT: and the words for people have the text, on as many lines as it takes.
tells() {
	doctor
	if tr -s ' \n' ' ' <"$WORK/out" | grep -qF -e "$1"; then
		pass "- with the words: $1"
	else
		fail "- with the words: $1" "$(cat "$WORK/out" "$WORK/err")"
	fi
}

spec() {
	echo "{ \"boot\": { \"firmware\": \"/dev/null\" }, $2 }" >"$MVMD_SPEC_DIR/$1.json"
}

# A VM that needs a host's bridge, virtiofsd and storage daemon.
needy_spec() {
	spec web1 '"interfaces": [ { "id": "net0", "bridge": "br0" } ],
		"shares": [ { "tag": "data", "source": "/srv" } ],
		"disks": [ { "id": "root", "path": "/srv/a.raw", "backend": "storage-daemon" } ]'
}

# --- the cases

fault_free() {
	known_before
	is "a host on which all is well has no finding but for what this machine lacks" \
		"$(findings | grep -vE ' (kvm-missing|kvm-unfit|memlock-low)$')" ""
	if grep -q kvm "$WORK/before"; then
		is "and is warned of that" $STATUS $EXIT_WARNINGS
	else
		is "and is told so" $STATUS $EXIT_OK
	fi
	needy_spec
	shows "nor where a VM needs it all" ""
	rm "$MVMD_SPEC_DIR"/*
	doctor
	tells "cloud-hypervisor: version 53.0 at $WORK/bin/cloud-hypervisor"
	has "and the bridges that are there" "$WORK/out" "bridge: there is br0"
	has "and which control group this is" "$WORK/out" "cgroup: version 2; this is /"
	is "no line is longer than a terminal is wide" \
		"$(grep -vF "$WORK" "$WORK/out" | awk 'length > 80')" ""
	exits "two names are refused" $EXIT_USAGE "$MVMD" doctor a b
}

programs() {
	local fine
	rm "$WORK/bin/cloud-hypervisor"
	shows "no cloud-hypervisor where QEMU is there is a note" "note program-missing"
	spec web1 '"vmm": "cloud-hypervisor"'
	shows "but a warning where a VM asks for it by name" "warning program-missing"
	tells "the VM web1 needs it"
	is "whose exit status is" $STATUS $EXIT_WARNINGS
	rm "$MVMD_SPEC_DIR"/*
	program cloud-hypervisor "cloud-hypervisor v51.1"
	shows "an old cloud-hypervisor" "note vmm-too-old"
	tells "too old: mvmd needs v52"
	program cloud-hypervisor "something else"
	shows "a cloud-hypervisor that tells no version" "note vmm-version-unknown"
	rm "$WORK/bin/cloud-hypervisor" "$WORK/bin/qemu-system-"*
	doctor --json
	is "neither VMM is an error" "$(new_findings | tr ' ' '\n' | grep -c error)" 1
	has "and named" "$WORK/out" '"no-vmm"'
	is "whose exit status is" $STATUS $EXIT_UNAVAILABLE
	all_programs
	rm "$WORK/bin/virtiofsd"
	shows "no virtiofsd is a note" "note program-missing"
	needy_spec
	shows "and a warning where a VM has a share" "warning program-missing"
	fine=$WORK/bin/virtiofsd
	program virtiofsd "virtiofsd version 7.2.22 (Debian)"
	shows "the C virtiofsd" "warning virtiofsd-deprecated"
	tells "$fine, is QEMU's old one, written in C"
	all_programs
	chmod 700 "$WORK/bin/qemu-storage-daemon"
	shows "a program that only root may execute" "warning program-denied"
	tells "may not execute $WORK/bin/qemu-storage-daemon: Permission denied"
	all_programs
	rm "$MVMD_SPEC_DIR"/*
}

# Where stock guests do not run on KVM, there is always one.
kvm_finding() {
	doctor --json
	findings | grep -v ' memlock-low$'
}

devices() {
	rm "$WORK/dev/net/tun"
	shows "no /dev/net/tun" "note tun-missing"
	needy_spec
	shows "where a VM has an interface" "warning tun-missing"
	tells "try: modprobe tun"
	mknod -m 666 "$WORK/dev/net/tun" c 10 200
	AS=(setpriv --bounding-set=-net_admin)
	shows "root without CAP_NET_ADMIN" "warning net-admin-missing"
	AS=()
	rm "$WORK/dev/vhost-vsock"
	shows "no /dev/vhost-vsock is nothing" ""
	spec web1 '"vsock": {}, "vmm": "qemu"'
	shows "but for a VM that needs it" "warning vsock-missing"
	tells "modprobe vhost_vsock"
	mknod -m 666 "$WORK/dev/vhost-vsock" c 1 3
	rm "$MVMD_SPEC_DIR"/* "$WORK/dev/kvm"
	is "no /dev/kvm" "$(kvm_finding)" "warning kvm-missing"
	mknod -m 600 "$WORK/dev/kvm" c 10 232
	if (: <>/dev/kvm) 2>/dev/null; then
		is "a /dev/kvm that VMs may not open" "$(kvm_finding)" "warning kvm-denied"
	else
		skip "a /dev/kvm that VMs may not open" "no KVM"
	fi
	chmod 666 "$WORK/dev/kvm"
	if grep -q kvm "$WORK/before" && (: <>/dev/kvm) 2>/dev/null; then
		is "a KVM on which no stock guest runs" "$(kvm_finding)" "warning kvm-unfit"
	else
		skip "a KVM on which no stock guest runs" "there is none, or it is a whole one"
	fi
}

bridges() {
	local modules
	ip link del br0
	shows "no bridge is nothing" ""
	netfilter 1 1
	shows "nor is a packet filter that has none to filter" ""
	needy_spec
	shows "where a VM will have one it is" "warning bridge-netfilter"
	tells "sysctl -w net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0,"
	netfilter 0 1
	tells "try: sysctl -w net.bridge.bridge-nf-call-ip6tables=0,"
	netfilter 0 0
	mount -t tmpfs tmpfs /sys/module
	modules=/lib/modules/$(uname -r)
	mkdir "$WORK/over"
	mount -t tmpfs tmpfs "$WORK/over"
	mkdir "$WORK/over/upper" "$WORK/over/work"
	if mount -t overlay -o "lowerdir=/usr/lib,upperdir=$WORK/over/upper,workdir=$WORK/over/work" \
		overlay /usr/lib && mkdir -p "$modules"; then
		echo "kernel/net/802/stp.ko:" >"$modules/modules.dep"
		rm -f "$modules/modules.builtin"
		shows "a kernel without bridges" "warning bridge-unsupported"
		echo "kernel/net/bridge/bridge.ko: kernel/net/802/stp.ko" >"$modules/modules.dep"
		shows "one that can load them is fine" ""
	else
		skip "a kernel without bridges" "no overlay file system"
	fi
	umount --lazy /usr/lib /sys/module
	rm "$MVMD_SPEC_DIR"/*
	ip link add br0 type bridge
}

user_namespaces() {
	bind /proc/sys/user/max_user_namespaces 0
	shows "no user namespaces" "note user-namespaces-off"
	needy_spec
	shows "where a VM has a share" "warning user-namespaces-off"
	tells "try: sysctl -w user.max_user_namespaces=10000,"
	umount /proc/sys/user/max_user_namespaces
	rm "$MVMD_SPEC_DIR"/*
}

limits() {
	local usual=("${LIMITS[@]}")
	LIMITS=(prlimit --memlock=65536:65536)
	sed -i '/memlock-low/d' "$WORK/before"
	shows "little memory that may be locked" "note memlock-low"
	LIMITS=("${usual[@]}")
	known_before
	LIMITS=(prlimit --memlock=65536:65536)
	tells "may lock 64KiB of memory; the usual limit is 8MiB"
	sed -i '/nofile-low/d' "$WORK/before"
	LIMITS=(prlimit --nofile=512:512 "${usual[@]}")
	shows "few files" "warning nofile-low"
	LIMITS=(prlimit --nofile=4096:4096 "${usual[@]}")
	shows "more are enough" ""
	needy_spec
	shows "but not for a share" "warning nofile-low"
	tells "the VM web1 has a share: the guest gets"
	has_files_for_shares || LC_ALL=C sort -o "$WORK/before" "$WORK/before" - <<<"warning nofile-low"
	LIMITS=("${usual[@]}")
	rm "$MVMD_SPEC_DIR"/*
}

hugepages() {
	spec web1 '"memory": { "size": "64MiB", "hugepages": "2MiB" }'
	shows "a kernel without huge pages" "warning hugepages-missing"
	mkdir "$WORK/pools/hugepages-2048kB"
	echo 32 >"$WORK/pools/hugepages-2048kB/nr_hugepages"
	echo 30 >"$WORK/pools/hugepages-2048kB/free_hugepages"
	echo 20 >"$WORK/pools/hugepages-2048kB/resv_hugepages"
	shows "as many as the VM wants, some in use" ""
	doctor
	has "are told less those reserved" "$WORK/out" "hugepages: 2MiB: 10 free of 32"
	rm "$MVMD_SPEC_DIR"/*
}

surroundings() {
	umount /sys/fs/cgroup
	mount -t tmpfs tmpfs /sys/fs/cgroup
	shows "no control groups of version 2" "note cgroup-v1"
	umount /sys/fs/cgroup
	mount -t cgroup2 cgroup2 /sys/fs/cgroup
	rmdir /run/systemd/system
	shows "no systemd" "note systemd-absent"
	mkdir /run/systemd/system
	echo "alice:100000:65536" >/etc/subuid
	shows "uids of somebody else are nothing" ""
	echo "bob:465535:65536" >>/etc/subuid
	shows "unless they meet those of VMs" "warning uid-range-shared"
	tells "400000 to 465535, meet those of bob in /etc/subuid, 465535 to 531070"
	: >/etc/subuid
}

directories() {
	mount -o remount,ro "$WORK/run"
	shows "a runtime directory that is read-only" "error runtime-directory"
	tells "cannot write to $WORK/run: Read-only file system"
	mount -o remount,rw "$WORK/run"
	mount -o remount,ro "$WORK/state"
	shows "a state directory that is read-only" "error state-directory"
	is "whose exit status is" $STATUS $EXIT_UNAVAILABLE
	mount -o remount,rw "$WORK/state"
	head -c 7500000 /dev/zero >"$WORK/state/ballast"
	shows "a file system that is full" "warning directory-full"
	rm "$WORK/state/ballast"
	MVMD_STATE_DIR=$WORK/state/not/yet
	shows "one that is yet to be made is none" ""
	MVMD_STATE_DIR=$WORK/state
	echo nonsense >"$WORK/state/.uids.json"
	shows "a damaged table of uids" "error uid-table-damaged"
	rm "$WORK/state/.uids.json"
}

files() {
	echo '{ "uid_rnge": {} }' >"$MVMD_SPEC_DIR/host.conf"
	shows "a wrong host.conf" "error config-wrong"
	tells "host.conf:1:3: /uid_rnge"
	rm "$MVMD_SPEC_DIR/host.conf"
	needy_spec
	echo '{' >"$MVMD_SPEC_DIR/broken.json"
	shows "a wrong spec" "warning config-wrong"
	tells "1 of the 2 specs"
	rm "$MVMD_SPEC_DIR"/*
}

# issue SEVERITY KERNELS [RELEASES]
issue() {
	echo '{ "issues": [ { "id": "X", "side": "host", "severity": "'"$1"'", "proof": "proven",
		"kernels": "'"$2"'", '"${3:+\"releases\": \"$3\",}"' "symptom": "It breaks.",
		"why": "A flaw.", "remedy": "Take another.", "sources": "nobody" } ] }' \
		>"$WORK/data/known-issues.json"
}

known_issues() {
	issue warn ..1.0
	shows "a known issue of another kernel is nothing" ""
	doctor
	has "and the list was looked at" "$WORK/out" "none of the 1 in the list"
	issue warn ..1.0 "$(uname -r)"
	shows "one that this kernel has" "warning known-issue"
	issue note ..1.0 "$(uname -r)"
	shows "one that only costs time" "note known-issue-minor"
	echo '{ "issues": [ { "id": "X", "proof": "stated" } ] }' >"$WORK/more"
	issue warn ..1.0 "$(uname -r)"
	mkdir "$MVMD_SPEC_DIR/known-issues.d"
	cp "$WORK/more" "$MVMD_SPEC_DIR/known-issues.d/more.json"
	shows "one that a single source states" "note known-issue-likely"
	rm -r "$MVMD_SPEC_DIR/known-issues.d" "$WORK/data/known-issues.json"
}

# Another user is told what it could not see, and warned of nothing that root has.
unprivileged() {
	chmod 755 "$WORK/run" "$WORK/state"
	spec web1 '"interfaces": [ { "id": "net0", "bridge": "br0" } ]'
	chmod 600 "$WORK/dev/net/tun" "$WORK/dev/kvm"
	AS=(setpriv --reuid=$SOMEBODY --regid=$SOMEBODY --clear-groups)
	doctor --json
	is "another user than root has notes only" "$(findings | grep -v ^note)" ""
	is "whose exit status is" $STATUS $EXIT_OK
	has "and is told so" "$WORK/out" '"doctor-unprivileged"'
	has "and what it may not" "$WORK/out" '"tun-denied"'
	AS=()
	chmod 666 "$WORK/dev/net/tun" "$WORK/dev/kvm"
	rm "$MVMD_SPEC_DIR"/*
}

data() {
	local keys
	if ! python3 -c "" 2>/dev/null; then
		skip "doctor as data" "no python3 to read it"
		return
	fi
	rm "$WORK/bin/virtiofsd"
	doctor --json
	keys=$(python3 - "$WORK/out" <<-'END'
		import json, sys
		answer = json.load(open(sys.argv[1]))
		assert answer["version"] == 1
		assert all(isinstance(c["evidence"], dict) for c in answer["checks"])
		ok = [c for c in answer["checks"] if c["level"] == "ok"]
		assert ok and all(c["id"] is None and c["why"] is None and c["remedy"] is None for c in ok)
		missing = [c for c in answer["checks"] if c["id"] == "program-missing"]
		assert [c["evidence"]["program"] for c in missing] == ["virtiofsd"]
		print(sorted({key for c in answer["checks"] for key in c}))
	END
	)
	is "data has all keys in each check" "$keys" \
		"['about', 'evidence', 'id', 'level', 'remedy', 'severity', 'what', 'why']"
	all_programs
}

# The folder goes when the test ends, and what is mounted in it does not.
unmake_host() {
	umount --lazy "$WORK/run" "$WORK/state" "$WORK/over"
}

make_host
fault_free
programs
devices
bridges
user_namespaces
limits
hugepages
surroundings
directories
files
known_issues
unprivileged
data
unmake_host
finish
