#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What can be wrong with bridges and taps: each fault is provoked, named, and cured as its remedy says.
. "$(dirname "$0")/../lib.sh"

private_namespaces "$@"
need qemu-system-x86_64 jq ip bridge

VMM=qemu ACCEL=tcg
. "$TOP/tests/guest/run-lib.sh"
. "$TOP/tests/guest/faults-lib.sh"
make_host

# nic JSON: a spec's part with one interface of these keys.
nic() {
	jq -nc --argjson nic "$1" '{ interfaces: [ { id: "net0", bridge: "br0" } + $nic ],
		timeouts: { bridge: "1s" } }'
}

# leave VM
leave() {
	"$MVMD" stop --force "$1" 2>/dev/null
	ends "$1 ends" 0
}

# --- bridges

spec good poweroff
checks "a good VM is checked without a finding" good
starts "and starts without one" good

spec typo poweroff "$(nic '{ "bridge": "bro" }')"
provokes "check names the nearest" bridge-missing $EXIT_UNAVAILABLE "bridge=bro, nearest=br0" \
	'set interfaces[].bridge to "br0"' check typo
provokes "so does a start" bridge-missing $EXIT_UNAVAILABLE "bridge=bro, nearest=br0" \
	'set interfaces[].bridge to "br0"' run --now typo
spec typo poweroff "$(nic '{ "bridge": "br0" }')"
starts "the nearest will do" typo

spec nobridge poweroff "$(nic '{ "bridge": "lan7" }')"
provokes "no name is near" bridge-missing $EXIT_UNAVAILABLE "bridge=lan7" \
	"ip link add lan7 type bridge && ip link set lan7 up" check nobridge
ip link add lan7 type bridge && ip link set lan7 up
starts "a bridge made as the remedy says will do" nobridge
ip link del lan7

ip link add veth0 type veth peer name veth1
spec nobridge poweroff "$(nic '{ "bridge": "veth0" }')"
provokes "a link of another kind" not-a-bridge $EXIT_UNAVAILABLE "bridge=veth0" \
	"ip -d link show veth0" check nobridge

spec down "powerbutton poweroff"
ip link set br0 down
boot down
status_names "the start tells" bridge-down down "bridge=br0" "ip link set br0 up"
ip link set br0 up
no_findings "and as soon as it is up nothing is wrong" down
leave down

spec mtu "powerbutton poweroff" "$(nic '{ "mtu": 1280 }')"
boot mtu
status_names "a tap that lowers the bridge's MTU" bridge-mtu mtu \
	"bridge=br0, mtu=1280, mtu_before=1500" "ip link set br0 mtu 1500"
leave mtu
ip link set br0 mtu 1500

# net/bridge/br_private.h: BR_MAX_PORTS is 1024, of which one is never given away. A pair is two ports.
fill_bridge() {
	ip link add brfull type bridge
	ip link set brfull up
	local i
	for i in {1..511}; do
		echo "link add p$i master brfull type veth peer name q$i"
		echo "link set q$i master brfull"
	done | ip -batch -
	ip link set veth1 master brfull
}
fill_bridge
spec full poweroff "$(nic '{ "bridge": "brfull" }')"
provokes "1023 ports" bridge-full $EXIT_UNAVAILABLE "tap=vm-full-net0, bridge=brfull, ports_max=1023" \
	"set interfaces[].bridge to another bridge" run --now full
ip link set p1 nomaster
starts "one port less will do" full

# --- the tap on its bridge

spec stp "powerbutton poweroff" "$(nic '{ "on_detach": "warn" }')"
ip link set br0 type bridge stp_state 1
boot stp
status_names "a bridge with STP" port-not-forwarding stp "tap=vm-stp-net0, bridge=br0" \
	"ip link set br0 type bridge stp_state 0"
has "is told at the start" "$WORK/stp.err" "[port-not-forwarding]"
ip link set br0 type bridge stp_state 0
ip link set vm-stp-net0 type bridge_slave state 3
no_findings "and forwards at once as the remedy says" stp

ip link set vm-stp-net0 nomaster
status_names "a tap that was taken away" tap-off-bridge stp \
	"tap=vm-stp-net0, bridge=br0, master=none" "ip link set vm-stp-net0 master br0"
ip link set vm-stp-net0 master br0
no_findings "the remedy brings it back" stp
ip link add brelse type bridge
ip link set vm-stp-net0 master brelse
status_names "a tap that is elsewhere" tap-off-bridge stp "master=brelse" \
	"ip link set vm-stp-net0 master br0"
ip link del brelse
ip link set vm-stp-net0 master br0 down
status_names "a tap that is down" tap-changed stp "tap=vm-stp-net0, differs=it is down instead of up" \
	"ip link set vm-stp-net0 up"
ip link set vm-stp-net0 up

ip link del br0
status_names "a bridge that is removed while the VM runs" bridge-lost stp \
	"tap=vm-stp-net0, bridge=br0" "ip link set vm-stp-net0 master br0"
ip link add br0 type bridge && ip link set br0 up
ip link set vm-stp-net0 master br0
no_findings "and made again as the remedy says" stp
ip link del vm-stp-net0
status_names "a tap that is removed" tap-lost stp "tap=vm-stp-net0, bridge=br0" "start it again"
leave stp

spec links "powerbutton poweroff" "$(nic '{ "on_detach": "warn" }')"
boot links
ip link set vm-links-net0 mtu 1400
status_names "another MTU" tap-changed links "tap=vm-links-net0, differs=MTU is 1400 instead of 1500" \
	"ip link set vm-links-net0 mtu 1500"
ip link set vm-links-net0 mtu 1500
ip link set vm-links-net0 carrier off
status_names "a tap without a carrier" tap-no-carrier links "tap=vm-links-net0" \
	"ip link set vm-links-net0 carrier on"
ip link set vm-links-net0 carrier on
await eval '[ "$(ip -j -d link show vm-links-net0 | jq -r ".[0].linkinfo.info_slave_data.state")" = forwarding ]'
no_findings "which comes back as the remedy says" links
ip link set vm-links-net0 down
ip link set vm-links-net0 name lan9
ip link set lan9 up
status_names "a tap with another name" tap-renamed links "tap=vm-links-net0, name=lan9" \
	"ip link set lan9 name vm-links-net0"
ip link set lan9 down
ip link set lan9 name vm-links-net0
ip link set vm-links-net0 up
no_findings "that gets its own back as the remedy says" links
leave links

# --- the tap's name

spec taken poweroff
start holder qemu-system-x86_64 -M none -display none -nodefaults \
	-netdev tap,id=n,ifname=vm-taken-net0,script=no,downscript=no
holder=$STARTED
await ip link show vm-taken-net0
provokes "somebody has it open" tap-name-taken $EXIT_BUSY \
	"tap=vm-taken-net0, kind=tun, holder_pid=$holder" "end that process" run --now taken
kill "$holder"
ended "$holder"
starts "without that process it is free" taken

ip link add vm-taken-net0 type bridge
provokes "a link of another kind" tap-name-taken $EXIT_BUSY "tap=vm-taken-net0, kind=bridge" \
	"ip link del vm-taken-net0" run --now taken
ip link del vm-taken-net0
starts "removed as the remedy says" taken

ip tuntap add vm-taken-net0 mode tun
provokes "a tun, which is no tap" tap-name-taken $EXIT_BUSY "kind=tun" \
	"ip link del vm-taken-net0" run --now taken
ip link del vm-taken-net0

# A persistent tap of other queues would be TUNSETIFF's bare EINVAL; no such tap is ever attached to.
ip tuntap add vm-taken-net0 mode tap multi_queue
provokes "a persistent tap with multi_queue" tap-name-taken $EXIT_BUSY "tap=vm-taken-net0, kind=tun" \
	"ip link del vm-taken-net0" run --now taken
ip link set vm-taken-net0 alias mvmd:other/net0
provokes "another VM's alias is named" tap-name-taken $EXIT_BUSY "alias=mvmd:other/net0" \
	"ip link del vm-taken-net0" run --now taken
ip link set vm-taken-net0 alias mvmd:taken/net0
starts "one that an earlier run of ours left is replaced, whatever its queues" taken

# Like a VMM that outlived its mvmd, of which no record is left.
start old qemu-system-x86_64 -M none -display none -nodefaults \
	-netdev tap,id=n,ifname=vm-taken-net0,script=no,downscript=no
old=$STARTED
await ip link show vm-taken-net0
ip link set vm-taken-net0 alias mvmd:taken/net0
provokes "our own tap that is still open" tap-held $EXIT_BUSY "tap=vm-taken-net0, holder_pid=$old" \
	"kill $old" run --now taken
kill "$old"
ended "$old"
starts "its holder killed as the remedy says" taken

# A name too long for a link is hashed; the readable one is the link's alternative name.
spec a-name-of-some-length poweroff
altname=$("$MVMD" plan --json a-name-of-some-length | jq -r '.. | .altname? // empty')
ip link property add dev veth0 altname "$altname"
provokes "its long name is another link's" tap-altname $EXIT_BUSY "bridge=br0" \
	"ip link show $altname" run --now a-name-of-some-length
ip link property del dev veth0 altname "$altname"
starts "without it" a-name-of-some-length

# --- an address that is there already

MAC='{ "mac": "02:00:00:00:00:aa" }'
spec first "powerbutton poweroff" "$(nic "$MAC")"
boot first
spec second "powerbutton poweroff" "$(nic "$MAC")"
provokes "that of a VM that runs" mac-conflict $EXIT_BUSY "port=vm-first-net0, bridge=br0" \
	"mvmd stop first" run --now second
spec third poweroff "$(nic '{ "tap": "vm-first-net0" }')"
provokes "the tap of a VM that runs" tap-name-taken $EXIT_BUSY "vm=first" "mvmd stop first" run --now third
leave first
starts "which is stopped as the remedy says" third
ip link set veth0 master br0 up
bridge fdb replace 02:00:00:00:00:aa dev veth0 master static
boot second
status_names "a stranger's is told, and stops nobody" mac-seen second \
	"mac=02:00:00:00:00:aa, port=veth0, bridge=br0" "bridge fdb show br br0"
leave second
ip link set veth0 nomaster

# --- a network namespace

mkdir -p /run/netns
mount -t tmpfs tmpfs /run/netns
spec away "powerbutton poweroff" "$(jq -nc --argjson nic "$(nic '{}')" '$nic + { netns: "mvmd-test-away" }')"
provokes "one that is not there" netns-missing $EXIT_UNAVAILABLE "netns=mvmd-test-away" \
	"ip netns add mvmd-test-away" check away
provokes "nor at a start" netns-missing $EXIT_UNAVAILABLE "netns=mvmd-test-away" \
	"ip netns add mvmd-test-away" run --now away
ip netns add mvmd-test-away
ip -n mvmd-test-away link add br0 up type bridge
UNDER="setpriv --bounding-set=-sys_admin --" provokes "nor may everybody enter it" netns-permission \
	$EXIT_PERMISSION "netns=mvmd-test-away" "systemctl daemon-reload" check away
checks "made as the remedy says it will do" away
boot away
is "its tap is in there, on the bridge there" \
	"$(ip -n mvmd-test-away -j link show vm-away-net0 | jq -r '.[0].master')" br0
succeeds "and not here" eval '! ip link show vm-away-net0 2>/dev/null'
is "and so is its VMM" "$(readlink "/proc/$VMM_PID/ns/net")" \
	"$(ip netns exec mvmd-test-away readlink /proc/self/ns/net)"
no_findings "status asks there" away
ip -n mvmd-test-away link set vm-away-net0 nomaster
succeeds "and it is watched there" await eval \
	'[ "$(ip -n mvmd-test-away -j link show vm-away-net0 | jq -r ".[0].master")" = br0 ]'
next_supervisor away
holds "the next supervisor finds it there" away '.interfaces[0].attached'
leave away
succeeds "and nothing of it is left there" eval '! ip -n mvmd-test-away link show vm-away-net0 2>/dev/null'
ip netns del mvmd-test-away

# --- two specs

rm "$WORK"/spec/*.json
spec one poweroff "$(nic '{ "mac": "02:00:00:00:00:01", "tap": "tap7" }')"
spec two poweroff "$(nic '{ "mac": "02:00:00:00:00:01", "tap": "tap7" }')"
provokes "two specs" mac-conflict $EXIT_BUSY \
	"vms=one, two, both_have=the MAC address 02:00:00:00:00:01" 'write another "mac"' \
	check --all
provokes "two specs" tap-conflict $EXIT_BUSY "both_have=the tap tap7" \
	'write another "tap"' check --all

spec one poweroff "$(nic '{ "bridge": "vms", "create_bridge": { "address": [ "10.9.0.1/24" ] } }')"
spec two poweroff "$(nic '{ "bridge": "vms", "create_bridge": { "address": [ "10.9.0.2/24" ] } }')"
provokes "two specs" bridge-conflict $EXIT_BUSY 'both_have=the bridge vms, each with a "create_bridge" of its own' \
	"write the other one's" check --all

# More than a bridge has ports: 52 VMs with 20 interfaces each.
rm "$WORK"/spec/*.json
for i in {1..52}; do
	spec "many$i" poweroff "$(jq -nc '{ interfaces: [ range(20) | { id: "n\(.)", bridge: "br0" } ] }')"
done
provokes "all specs together" bridge-full $EXIT_UNAVAILABLE "bridge=br0, ports_max=1023" \
	"set interfaces[].bridge of some of them" check --all
rm "$WORK"/spec/*.json

# --- rights and the device

spec good poweroff
UNDER="setpriv --bounding-set=-net_admin --" provokes "root without the capability" net-admin-missing $EXIT_PERMISSION "uid=0" \
	"CapabilityBoundingSet=" check good

finish
