/* SPDX-License-Identifier: Apache-2.0 */
#include "model/findings.h"

static const Finding findings[] = {
	{ .id = "bridge-missing",
	  .severity = FINDING_ERROR,
	  .title = "the bridge is not there",
	  .what = "No bridge of that name came within the time that a start waits for it.",
	  .why = "Its name is misspelt in the spec, or what makes it (systemd-networkd, "
		 "ifupdown, a script) has not run or has failed.",
	  .remedy = "ip -br link show type bridge lists those that are there. Correct "
		    "interfaces[].bridge, or make it: ip link add BRIDGE type bridge && ip link "
		    "set BRIDGE up.",
	  .evidence = "bridge, nearest" },
	{ .id = "not-a-bridge",
	  .severity = FINDING_ERROR,
	  .title = "the name is that of something else",
	  .what = "There is a link of the name that interfaces[].bridge gives, and it is no "
		  "bridge.",
	  .why = "It is a network card, a bond, a VLAN or a tap. A tap joins a bridge only.",
	  .remedy = "ip -d link show NAME; put the name of a bridge into interfaces[].bridge.",
	  .evidence = "bridge, kind" },
	{ .id = "bridge-lost",
	  .severity = FINDING_ERROR,
	  .title = "the bridge was removed",
	  .what = "The bridge was there, and was removed or renamed: while the tap was put on it, or "
		  "while the VM ran.",
	  .why = "What manages the host's network is at work: it was restarted or set up anew.",
	  .remedy =
		  "At the start: start the VM again, and order mvmd after what makes the bridge. "
		  "While it runs: make the bridge again, then ip link set TAP master BRIDGE; one that "
		  "was renamed: ip link set MASTER name BRIDGE.",
	  .evidence = "tap, bridge, master, repaired, by, by_pid" },
	{ .id = "bridge-otherwise",
	  .severity = FINDING_WARNING,
	  .title = "the bridge is not as create_bridge has it",
	  .what = "A bridge of that name was there already, and lacks what create_bridge asks for: an "
		  "address of the host, the spanning tree protocol or the filtering of VLANs.",
	  .why = "create_bridge makes a bridge where there is none, and leaves one that is there as it "
		 "is: somebody else's, or one that mvmd made for another VM with other words.",
	  .remedy =
		  "ip addr add ADDRESS dev BRIDGE, ip link set BRIDGE type bridge stp_state 1, or "
		  "vlan_filtering 1; or write the same create_bridge in all specs that have it.",
	  .evidence = "bridge, differs" },
	{ .id = "bridge-full",
	  .severity = FINDING_ERROR,
	  .title = "the bridge has no free port",
	  .what = "The tap could not be put on the bridge, which has 1023 ports already.",
	  .why = "A bridge of Linux has at most 1023 ports.",
	  .remedy = "Set interfaces[].bridge to another bridge.",
	  .evidence = "tap, bridge, ports_max" },
	{ .id = "bridge-down",
	  .severity = FINDING_WARNING,
	  .title = "the bridge is down",
	  .what = "The tap is on its bridge, and the bridge is down, so that nothing passes.",
	  .why = "Nobody brought it up.",
	  .remedy = "ip link set BRIDGE up.",
	  .evidence = "bridge, repaired, by, by_pid" },
	{ .id = "bridge-mtu",
	  .severity = FINDING_WARNING,
	  .title = "the tap lowered the bridge's MTU",
	  .what = "Since the tap joined, the bridge has a smaller MTU than before.",
	  .why = "The kernel gives a bridge the least MTU of its ports, unless it was set by "
		 "hand.",
	  .remedy = "ip link set BRIDGE mtu N keeps it for the other ports; or leave "
		    "interfaces[].mtu out.",
	  .evidence = "bridge, mtu, mtu_before" },
	{ .id = "bridge-look",
	  .severity = FINDING_ERROR,
	  .title = "the bridge cannot be looked for",
	  .what = "The kernel's answer about the bridge was an error.",
	  .why = "The message has the kernel's words.",
	  .remedy = "ip link show BRIDGE.",
	  .evidence = "bridge" },
	{ .id = "bridge-wait",
	  .severity = FINDING_ERROR,
	  .title = "mvmd cannot wait for the bridge",
	  .what = "Subscribing to the kernel's news of links, or the wait itself, failed.",
	  .why = "The message has the kernel's words; too many open files is one.",
	  .remedy = "ulimit -n; ip monitor link shows whether others get the news.",
	  .evidence = "bridge" },
	{ .id = "netlink",
	  .severity = FINDING_ERROR,
	  .title = "no netlink socket",
	  .what = "A socket to the kernel's network side cannot be opened.",
	  .why = "The limit of open files is reached, or a sandbox forbids AF_NETLINK.",
	  .remedy = "ulimit -n; where a unit starts mvmd, allow AF_NETLINK in "
		    "RestrictAddressFamilies=." },
	{ .id = "net-admin-missing",
	  .severity = FINDING_ERROR,
	  .title = "mvmd may not make taps",
	  .what = "The spec has interfaces, and mvmd lacks the capability to make taps and put "
		  "them on bridges.",
	  .why = "It takes CAP_NET_ADMIN in this network namespace. Root in a container or unit may "
		 "lack it.",
	  .remedy =
		  "For a plain user: \"attach\": \"passt\" or \"helper\". Else run mvmd as root; give a container "
		  "or unit the capability (--cap-add NET_ADMIN, CapabilityBoundingSet=).",
	  .evidence = "uid" },
	{ .id = "tun-missing",
	  .severity = FINDING_ERROR,
	  .title = "there is no tun device",
	  .what = "/dev/net/tun is not there, or has no driver.",
	  .why = "The kernel's tun driver is not loaded, or the container that mvmd runs in "
		 "lacks the device.",
	  .remedy = "modprobe tun; for a container: let it have /dev/net/tun." },
	{ .id = "vhost-net",
	  .severity = FINDING_ERROR,
	  .title = "vhost-net cannot be opened",
	  .what = "/dev/vhost-net could be opened when mvmd looked at the host, and no more when "
		  "QEMU was to be started.",
	  .why = "Its module was just unloaded, or mvmd has too many files open.",
	  .remedy = "ls -l /dev/vhost-net; modprobe vhost_net; ulimit -n. Without that device QEMU "
		    "moves the frames itself." },
	{ .id = "tun-denied",
	  .severity = FINDING_ERROR,
	  .title = "mvmd may not open the tun device",
	  .what = "/dev/net/tun is there, and opening it was refused.",
	  .why = "Its mode, or a device rule of the control group, forbids it.",
	  .remedy =
		  "As root: chmod 0666 /dev/net/tun, as udev has it: to make a tap takes CAP_NET_ADMIN all "
		  "the same. Where a unit starts mvmd, allow /dev/net/tun in DeviceAllow=." },
	{ .id = "tun-permission",
	  .severity = FINDING_ERROR,
	  .title = "a tap could not be made: the device was refused",
	  .what = "/dev/net/tun was refused while a tap was made.",
	  .why = "Its mode, or a device rule of the control group, forbids it.",
	  .remedy = "Run mvmd as root; where a unit starts it, allow /dev/net/tun in DeviceAllow=.",
	  .evidence = "tap" },
	{ .id = "tap-permission",
	  .severity = FINDING_ERROR,
	  .title = "a tap could not be made: a right is missing",
	  .what = "The kernel refused to make the tap.",
	  .why = "It takes CAP_NET_ADMIN in this network namespace.",
	  .remedy = "Run mvmd as root.",
	  .evidence = "tap" },
	{ .id = "tap-create",
	  .severity = FINDING_ERROR,
	  .title = "a tap could not be made",
	  .what = "Making the tap, finding it or removing an old one of ours failed.",
	  .why = "The message has the kernel's words; \"Invalid argument\" means that the tun "
		 "driver does not know a flag.",
	  .remedy = "ip -d link show TAP.",
	  .evidence = "tap" },
	{ .id = "tap-name",
	  .severity = FINDING_ERROR,
	  .title = "no name for a tap",
	  .what = "interfaces[].tap holds a name that no link can have.",
	  .why = "A link's name has at most 15 characters, and no '/', ':', '%' or white space.",
	  .remedy = "Correct interfaces[].tap, or leave it out: a name is then made from those of "
		    "VM and interface.",
	  .evidence = "tap" },
	{ .id = "tap-queues",
	  .severity = FINDING_ERROR,
	  .title = "too many queues for a tap",
	  .what = "The spec asks for more queue pairs than a tap has.",
	  .why = "The tun driver has at most 256 queues for a tap.",
	  .remedy = "Make interfaces[].queues smaller; more than the number of vCPUs is of no use.",
	  .evidence = "tap" },
	{ .id = "tap-name-taken",
	  .severity = FINDING_ERROR,
	  .title = "the tap's name is taken",
	  .what = "A link of that name is there, and it is not one that this VM's earlier run "
		  "left.",
	  .why = "Another program made it. mvmd marks its taps with the alias \"mvmd:NAME/ID\" "
		 "and removes no others.",
	  .remedy = "ip -d link show TAP; remove it, or set interfaces[].tap to another name.",
	  .evidence = "tap, kind, alias, holder_pid, holder, vm" },
	{ .id = "tap-held",
	  .severity = FINDING_ERROR,
	  .title = "the VM's old tap is still open",
	  .what = "The tap of an earlier run is held by a living process.",
	  .why = "The VMM of that run, or a process that it left its descriptor to, has not "
		 "ended.",
	  .remedy = "End the process that the message names, then start the VM again.",
	  .evidence = "tap, holder_pid, holder" },
	{ .id = "tap-attach",
	  .severity = FINDING_ERROR,
	  .title = "the tap could not be put on its bridge",
	  .what = "The kernel refused to bring the tap up as a port of the bridge.",
	  .why = "The message has the kernel's words: a right is missing, the MTU is out of "
		 "range, or the bridge takes no such port.",
	  .remedy = "ip -d link show BRIDGE; interfaces[].mtu.",
	  .evidence = "tap, bridge" },
	{ .id = "tap-altname",
	  .severity = FINDING_ERROR,
	  .title = "the tap's long name is taken",
	  .what = "The tap has a short made-up name, and its readable long one could not be "
		  "added.",
	  .why = "Another link has it as its alternative name.",
	  .remedy = "ip link show LONG-NAME.",
	  .evidence = "tap, bridge" },
	{ .id = "tap-lost",
	  .severity = FINDING_ERROR,
	  .title = "the tap is gone",
	  .what = "The tap was put on its bridge, and later it was not there any more.",
	  .why = "Another program removed it, or took it into another network namespace.",
	  .remedy =
		  "Stop the VM and start it again, which makes the tap anew. networkctl, nmcli device "
		  "and ip monitor link show who manages links here.",
	  .evidence = "tap, bridge, repaired, by, by_pid" },
	{ .id = "tap-changed",
	  .severity = FINDING_ERROR,
	  .title = "somebody changed the tap",
	  .what = "Read back, the tap is not as it was set: another bridge, down, another MTU or "
		  "address.",
	  .why = "Another program of this host manages links of that name: systemd-networkd, "
		 "NetworkManager, a udev rule.",
	  .remedy = "networkctl status TAP; take the taps of VMs (\"vm-*\") out of that program's "
		    "rules.",
	  .evidence = "tap, bridge, differs, network_file, repaired, by, by_pid" },
	{ .id = "tap-off-bridge",
	  .severity = FINDING_WARNING,
	  .title = "the tap is not on its bridge",
	  .what = "The VM runs, and its tap is on another link than the spec's bridge, or on none.",
	  .why = "Another program of this host took it away since the start: a network manager "
		 "that was restarted, a script, a hand; or the bridge was removed and made anew.",
	  .remedy = "ip link set TAP master BRIDGE. Where systemd-networkd did it, first take the "
		    "tap out of the file that the finding names: Kind=!tun in its [Match].",
	  .evidence = "tap, bridge, master, network_file, repaired, by, by_pid" },
	{ .id = "tap-renamed",
	  .severity = FINDING_WARNING,
	  .title = "the tap has another name",
	  .what = "The VM runs, and its tap was given another name than it was made with.",
	  .why = "Another program of this host renamed it: a udev rule, a script, a hand.",
	  .remedy =
		  "ip link set NAME name TAP. With on_detach repair mvmd does that itself; kernels "
		  "before 6.2 rename only a link that is down.",
	  .evidence = "tap, name, repaired, by, by_pid" },
	{ .id = "tap-no-carrier",
	  .severity = FINDING_WARNING,
	  .title = "the tap has no carrier",
	  .what = "The VM runs, and its tap passes nothing, as if its cable were pulled.",
	  .why = "Another program of this host switched the carrier off, or the VMM has closed the tap.",
	  .remedy = "ip link set TAP carrier on; where that does not help, restart the VM.",
	  .evidence = "tap, repaired, by, by_pid" },
	{ .id = "tap-contested",
	  .severity = FINDING_WARNING,
	  .title = "somebody else sets the tap again and again",
	  .what = "The tap went wrong more often than 5 times within a minute, each time as its own "
		  "entry tells; mvmd leaves it as it is now and says no more of it, until it was left "
		  "alone for a minute.",
	  .why = "Another program of this host manages the link and does not want it as the spec does.",
	  .remedy =
		  "networkctl status TAP, nmcli device and ip monitor link show who that is. Take the "
		  "taps of VMs out of its rules, or set interfaces[].on_detach to \"warn\". mvmd "
		  "status NAME tells how it is now.",
	  .evidence = "tap, bridge, times, repaired, by, by_pid" },
	{ .id = "networkd-absent",
	  .severity = FINDING_ERROR,
	  .title = "systemd-networkd does not run, and is to see to a tap",
	  .what = "The interface is attached by networkd, and within timeouts.bridge nothing happened to its "
		  "tap: systemd-networkd does not run, or not in mvmd's network namespace.",
	  .why = "Another program manages this host's network (ifupdown, NetworkManager), or networkd was "
		 "not enabled.",
	  .remedy =
		  "systemctl enable --now systemd-networkd; it leaves links alone for which it has no "
		  "file. Or take \"attach\": \"bridge\", with which mvmd does it by itself.",
	  .evidence = "tap, expect" },
	{ .id = "networkd-no-file",
	  .severity = FINDING_ERROR,
	  .title = "systemd-networkd has no file for a tap",
	  .what = "The interface is attached by networkd, which runs, and none of its .network files matches "
		  "the tap.",
	  .why = "There is no file with the tap's name in its [Match], or networkd has not read it yet.",
	  .remedy =
		  "mvmd networkd --output=/etc/systemd/network NAME writes the file that is right, and says "
		  "how networkd gets to know it.",
	  .evidence = "tap, expect" },
	{ .id = "networkd-wrong-file",
	  .severity = FINDING_ERROR,
	  .title = "systemd-networkd has a wrong file for a tap",
	  .what = "The interface is attached by networkd, and the .network file that matches the tap names no "
		  "Bridge=, another one than the spec, or one that networkd does not know.",
	  .why = "Of the files that match, networkd takes the one whose name comes first, often one for all "
		 "of Type=ether. And it ignores Bridge= where no .netdev file is for that bridge, whoever "
		 "made the bridge.",
	  .remedy =
		  "mvmd networkd --output=/etc/systemd/network NAME writes both files as they are right; "
		  "take the tap out of the [Match] of a file that comes before them (Kind=!tun).",
	  .evidence = "tap, expect, network_file" },
	{ .id = "networkd-late",
	  .severity = FINDING_ERROR,
	  .title = "systemd-networkd was not done with a tap in time",
	  .what = "The interface is attached by networkd, whose file for the tap would do, or is not known; "
		  "within timeouts.bridge it was not done.",
	  .why = "The bridge is not there; udev was not done with the tap; networkd failed, or was slow.",
	  .remedy =
		  "journalctl -u systemd-networkd has its own words; networkctl lists how far it is.",
	  .evidence = "tap, expect, setup, network_file" },
	{ .id = "port-not-forwarding",
	  .severity = FINDING_WARNING,
	  .title = "the bridge lets nothing through to the tap yet",
	  .what = "The tap is on its bridge, and the port is listening, learning or blocked.",
	  .why = "The bridge runs the spanning tree protocol. Each new port listens and learns for "
		 "twice forward_delay, 30 seconds by default, so that a guest that asks for its "
		 "address at once gets none; a port that would close a loop stays blocked.",
	  .remedy =
		  "Wait; or, where no loop can come to be: ip link set BRIDGE type bridge stp_state 0 && "
		  "ip link set TAP type bridge_slave state 3. With STP, ip link set BRIDGE type "
		  "bridge forward_delay 200 makes it 4 seconds.",
	  .evidence = "tap, bridge, state, repaired, by, by_pid" },
	{ .id = "netns-missing",
	  .severity = FINDING_ERROR,
	  .title = "the network namespace is not there",
	  .what = "The spec names a network namespace, and /run/netns has none of that name.",
	  .why = "Its name is misspelt in the spec, or what makes it has not run.",
	  .remedy =
		  "ip netns list; ip netns add NETNS, before the VM starts, with its bridges in it. For a "
		  "unit: a drop-in with After= and BindsTo= of what makes it.",
	  .evidence = "netns" },
	{ .id = "netns-permission",
	  .severity = FINDING_ERROR,
	  .title = "mvmd may not enter the network namespace",
	  .what = "Entering the network namespace that the spec names was refused.",
	  .why = "It takes CAP_SYS_ADMIN. A unit has not: systemd enters the namespace, by a line that "
		 "mvmd-generator writes at boot and at each daemon-reload.",
	  .remedy = "Run mvmd as root; for a unit: systemctl daemon-reload.",
	  .evidence = "netns" },
	{ .id = "tap-conflict",
	  .severity = FINDING_ERROR,
	  .title = "two specs have one tap",
	  .what = "Two specs give the same name to a tap.",
	  .why = "Only one of the VMs could run at a time.",
	  .remedy = "Write another interfaces[].tap in one of them, or leave it out in both.",
	  .evidence = "vms, both_have" },
	{ .id = "mac-conflict",
	  .severity = FINDING_ERROR,
	  .title = "two VMs have one MAC address",
	  .what = "Two specs give the same address to a network card; or, at a start, the bridge knows "
		  "it behind the tap of a VM that runs.",
	  .why = "On one bridge, frames for the one would reach the other.",
	  .remedy = "Write another interfaces[].mac in one of them, or leave it out in both.",
	  .evidence = "vms, both_have, port, bridge" },
	{ .id = "bridge-conflict",
	  .severity = FINDING_ERROR,
	  .title = "two VMs would make one bridge otherwise",
	  .what = "Two specs have \"create_bridge\" for the same bridge, with other settings each.",
	  .why = "Who starts first makes the bridge; it is left as it is then, and the other one's "
		 "addresses are not there.",
	  .remedy = "Write the same \"create_bridge\" in both.",
	  .evidence = "vms, both_have" },
	{ .id = "mac-seen",
	  .severity = FINDING_WARNING,
	  .title = "the bridge knows the guest's MAC address elsewhere",
	  .what = "At the start, before the tap was put on it, the bridge knew the guest's address behind "
		  "another port.",
	  .why = "Another machine there has the same address, and both lose frames; or the VM has just "
		 "come from another host, and the bridge forgets the old place in minutes.",
	  .remedy = "bridge fdb show br BRIDGE; write another interfaces[].mac where it is another "
		    "machine.",
	  .evidence = "mac, port, bridge" },
	{ .id = "helper-no-rights",
	  .severity = FINDING_ERROR,
	  .title = "qemu-bridge-helper has no rights to lend",
	  .what = "\"attach\": \"helper\" has qemu-bridge-helper make the tap, and it may not either.",
	  .why = "Its file is neither set-uid root nor has CAP_NET_ADMIN. Debian ships it so, for each "
		 "host to decide.",
	  .remedy = "As root: chmod u+s PATH, or setcap cap_net_admin+ep PATH. On Debian "
		    "dpkg-statoverride --update --add root root 4755 PATH keeps it over upgrades; "
		    "with root kvm 4750 it is for that group alone.",
	  .evidence = "path" },
	{ .id = "helper-rights-void",
	  .severity = FINDING_ERROR,
	  .title = "qemu-bridge-helper's rights are void here",
	  .what = "The file of qemu-bridge-helper is set-uid root or has CAP_NET_ADMIN, and whoever mvmd "
		  "starts gets nothing of that.",
	  .why = "no_new_privs is set: by NoNewPrivileges= of a unit, by another line of a user's unit "
		 "that implies it, or by a container. Or its file system is mounted with nosuid.",
	  .remedy =
		  "NoNewPrivileges=no in the unit, and no line that implies it (systemd.exec(5)). "
		  "findmnt --target PATH shows how it is mounted.",
	  .evidence = "path" },
	{ .id = "helper-acl-missing",
	  .severity = FINDING_ERROR,
	  .title = "qemu-bridge-helper has no access file",
	  .what = "qemu-bridge-helper may use no bridge at all.",
	  .why = "/etc/qemu/bridge.conf says which bridges it may use. Debian ships none.",
	  .remedy =
		  "As root: mkdir -p /etc/qemu && echo \"allow BRIDGE\" >> /etc/qemu/bridge.conf.",
	  .evidence = "bridge" },
	{ .id = "helper-acl-unreadable",
	  .severity = FINDING_ERROR,
	  .title = "qemu-bridge-helper's access file cannot be read",
	  .what = "The user may not read /etc/qemu/bridge.conf, and so qemu-bridge-helper cannot.",
	  .why = "It gives root's rights up before it reads.",
	  .remedy =
		  "As root: chmod 0644 /etc/qemu/bridge.conf. What is for some users alone stands in "
		  "files that it includes; one that cannot be read counts for nothing.",
	  .evidence = "bridge" },
	{ .id = "helper-acl-broken",
	  .severity = FINDING_ERROR,
	  .title = "qemu-bridge-helper's access file has a wrong line",
	  .what = "One line of /etc/qemu/bridge.conf is none that qemu-bridge-helper knows.",
	  .why = "A line is allow, deny or include, a space, and one word, or begins with '#'. At any "
		 "other one it gives up, and refuses every bridge.",
	  .remedy = "Correct the line, as root.",
	  .evidence = "bridge, file, line" },
	{ .id = "helper-acl-denies",
	  .severity = FINDING_ERROR,
	  .title = "qemu-bridge-helper's access file denies the bridge",
	  .what = "A line denies it, or all bridges.",
	  .why = "A line with deny stands against all with allow, wherever they are.",
	  .remedy = "Take the line out, as root; or name another bridge in interfaces[].bridge.",
	  .evidence = "bridge, file, line" },
	{ .id = "helper-acl-silent",
	  .severity = FINDING_ERROR,
	  .title = "qemu-bridge-helper's access file does not allow the bridge",
	  .what = "No line of /etc/qemu/bridge.conf, or of a file that it includes, allows it.",
	  .why = "What is not allowed there is refused. An included file that the user cannot read "
		 "counts for nothing.",
	  .remedy = "As root: echo \"allow BRIDGE\" >> /etc/qemu/bridge.conf.",
	  .evidence = "bridge" },
	{ .id = "helper-failed",
	  .severity = FINDING_ERROR,
	  .title = "qemu-bridge-helper made no tap",
	  .what = "It was started, and ended without a tap on the bridge, or did not end.",
	  .why = "Its own words are in the message.",
	  .remedy = "ip -d link show BRIDGE; ls -l /dev/net/tun, which it opens as its user.",
	  .evidence = "bridge, said" },
};

const FindingTable findings_of_network = { "NETWORK", findings, ELEMENTSOF(findings) };
