/* SPDX-License-Identifier: Apache-2.0 */
#include "model/findings.h"

static const Finding findings[] = {
	{ .id = "link-missing",
	  .severity = FINDING_ERROR,
	  .title = "the link of a macvtap is not there",
	  .what = "No link of that name came within the time that a start waits for it, or it was "
		  "removed while the macvtap was made on it.",
	  .why = "Its name is misspelt in the spec, or what makes it has not run or has failed.",
	  .remedy = "ip -br link lists those that are there; put one of them into \"link\" of "
		    "macvtap.",
	  .evidence = "link" },
	{ .id = "link-down",
	  .severity = FINDING_WARNING,
	  .title = "the link of a macvtap is down",
	  .what = "The macvtap is there, and its link is down, so that nothing passes.",
	  .why = "Nobody brought it up.",
	  .remedy = "ip link set LINK up.",
	  .evidence = "link" },
	{ .id = "macvtap-link-taken",
	  .severity = FINDING_ERROR,
	  .title = "the link can have no macvtap",
	  .what = "A macvtap cannot be made on that link.",
	  .why = "What comes in on a port of a bridge or a bond goes to that alone; passthru has a "
		 "link to itself.",
	  .remedy =
		  "With a bridge: \"attach\": \"bridge\". With a bond: set \"link\" to the bond. Else "
		  "ip -d link show type macvtap lists who is there, with their modes.",
	  .evidence = "link, tap, beside, vm" },
	{ .id = "macvtap-link-unfit",
	  .severity = FINDING_ERROR,
	  .title = "the link is no Ethernet",
	  .what = "A macvtap cannot be made on that link: lo, a tunnel of IP packets, a modem.",
	  .why = "A macvtap is a second Ethernet address of its link.",
	  .remedy =
		  "Set \"link\" in macvtap to a network card, a bond or a VLAN: ip -br link lists "
		  "them. Or use \"attach\": \"bridge\".",
	  .evidence = "link, tap" },
	{ .id = "macvtap-missing",
	  .severity = FINDING_ERROR,
	  .title = "the kernel has no macvtap",
	  .what = "The kernel does not know links of that kind.",
	  .why = "It was built without CONFIG_MACVTAP, or the module is not installed.",
	  .remedy = "modprobe macvtap; or use another \"attach\".",
	  .evidence = "link, tap" },
	{ .id = "macvtap-device",
	  .severity = FINDING_ERROR,
	  .title = "the device of the macvtap cannot be used",
	  .what = "/dev/tapN, of which each macvtap has one, is not there, is another's, or does "
		  "not take its settings.",
	  .why = "The kernel makes it in devtmpfs, and in most containers /dev is something else.",
	  .remedy = "Give mvmd the host's /dev, or use another \"attach\".",
	  .evidence = "path, link, tap" },
	{ .id = "macvtap-mtu",
	  .severity = FINDING_ERROR,
	  .title = "the macvtap's MTU is above its link's",
	  .what = "interfaces[].mtu is larger than the MTU of the link that the macvtap is on.",
	  .why = "All that it sends goes out there.",
	  .remedy = "Leave interfaces[].mtu out, or: ip link set LINK mtu N.",
	  .evidence = "mtu, mtu_of_link, link, tap" },
	{ .id = "vhost-user-socket-taken",
	  .severity = FINDING_ERROR,
	  .title = "something is where the VMM is to listen",
	  .what = "With mode server the VMM makes the socket, and somebody listens there already, or "
		  "a file that is no socket has that path.",
	  .why = "Mostly the switch listens itself: then the VMM is the client.",
	  .remedy =
		  "Set \"mode\": \"client\" in vhost_user, or another \"socket\"; ss -xlp src PATH tells "
		  "who listens.",
	  .evidence = "socket, seen" },
	{ .id = "vhost-user-directory",
	  .severity = FINDING_ERROR,
	  .title = "the VMM may not make its socket",
	  .what = "With mode server the VMM makes the socket, as the VM's user, who may not write to "
		  "its directory.",
	  .why = "The directory is another user's, or not there.",
	  .remedy =
		  "Make it, and let that uid write to it: setfacl -m u:UID:rwx DIRECTORY. Not with "
		  "one that others use, such as /run: then choose another \"socket\".",
	  .evidence = "socket, uid" },
	{ .id = "passt-too-old",
	  .severity = FINDING_ERROR,
	  .title = "passt knows no vhost-user",
	  .what = "The passt that is installed has no option --vhost-user.",
	  .why = "It came to passt at the end of November 2024. Debian 12 has an older one.",
	  .remedy = "Install a passt of December 2024 or newer (Debian 13 has one), or use another "
		    "\"attach\".",
	  .evidence = "path, version" },
	{ .id = "port-denied",
	  .severity = FINDING_ERROR,
	  .title = "a port of the host's may not be opened",
	  .what = "A forward of passt names a port that takes a right to open.",
	  .why = "Ports below net.ipv4.ip_unprivileged_port_start, 1024 unless set, are for programs "
		 "with CAP_NET_BIND_SERVICE, and passt gets none.",
	  .remedy =
		  "Set \"host\" to a higher port, or: sysctl "
		  "net.ipv4.ip_unprivileged_port_start=PORT, which is for all programs of the host.",
	  .evidence = "port, uid" },
	{ .id = "port-taken",
	  .severity = FINDING_ERROR,
	  .title = "a port of the host's is taken",
	  .what = "A forward of passt names a port that somebody listens on already.",
	  .why = "Another program of the host's has it, or another VM.",
	  .remedy = "ss -lntup tells who it is: end that, or set another \"host\" in the forward.",
	  .evidence = "interface, port, protocol, holder_pid, holder, holder_vm" },
	{ .id = "port-conflict",
	  .severity = FINDING_ERROR,
	  .title = "two VMs would have one port of the host's",
	  .what = "A forward in one spec and one in another have the same port of the host's, at "
		  "addresses of which one is among the other.",
	  .why = "A port leads to one place: the second VM does not start while the first runs.",
	  .remedy = "Write another \"host\" in one of the forwards, or give each an \"address\" of "
		    "its own.",
	  .evidence = "vms, both_have" },
};

const FindingTable findings_of_attach = { "ATTACHING WITHOUT A BRIDGE", findings,
					  ELEMENTSOF(findings) };
