/* SPDX-License-Identifier: Apache-2.0 */
#include "model/findings.h"

/* Of a tap as the port of a bridge. */
static const Finding findings[] = {
	{ .id = "vlan-filtering-off",
	  .severity = FINDING_ERROR,
	  .title = "the bridge does not filter VLANs",
	  .what = "The interface has \"vlan\", and its bridge passes all tags to all ports.",
	  .why = "A bridge of Linux does so until it is told to filter.",
	  .remedy =
		  "ip link set BRIDGE type bridge vlan_filtering 1; with networkd VLANFiltering=yes in "
		  "the [Bridge] section of its .netdev file. Then the other ports are in VLAN 1, "
		  "untagged, unless told otherwise.",
	  .evidence = "bridge" },
	{ .id = "vlan-unsupported",
	  .severity = FINDING_ERROR,
	  .title = "this kernel's bridges cannot filter VLANs",
	  .what = "The interface has \"vlan\", and the kernel lacks what that takes.",
	  .why = "It was built without CONFIG_BRIDGE_VLAN_FILTERING.",
	  .remedy = "Run a kernel that has it, as those of the distributions do; or leave \"vlan\" "
		    "out, and give each VLAN a bridge of its own.",
	  .evidence = "bridge" },
	{ .id = "port-set",
	  .severity = FINDING_ERROR,
	  .title = "the bridge's port could not be set",
	  .what = "The tap is on its bridge, and the kernel refused a setting of the interface (its "
		  "VLANs, the address that it is locked to, its flags), or to tell how it is set.",
	  .why = "The message has the kernel's words.",
	  .remedy =
		  "bridge -d link show dev TAP; bridge vlan show dev TAP; bridge fdb show dev TAP.",
	  .evidence = "tap, bridge" },
	{ .id = "bridge-make",
	  .severity = FINDING_ERROR,
	  .title = "the bridge could not be made",
	  .what = "The interface has \"create_bridge\", there was no bridge of that name, and the kernel "
		  "refused to make it; or it could not be locked against other VMs that start or stop.",
	  .why = "The message has the kernel's words: a right is missing, an address is there twice, or "
		 "the kernel has no bridges.",
	  .remedy = "ip link add BRIDGE type bridge; ip addr.",
	  .evidence = "bridge, path" },
	{ .id = "mtu-over-bridge",
	  .severity = FINDING_WARNING,
	  .title = "the guest's MTU is larger than its bridge's",
	  .what = "The interface has an \"mtu\" that the bridge does not have.",
	  .why = "A frame that is larger than the MTU of the port by which it would leave is "
		 "dropped, and nobody is told: connections come up, and hang with the first "
		 "large packet.",
	  .remedy = "Take \"mtu\" out, or give the bridge and all its ports that MTU.",
	  .evidence = "bridge, mtu, bridge_mtu" },
	{ .id = "rate-set",
	  .severity = FINDING_ERROR,
	  .title = "the tap could not be limited",
	  .what = "The kernel refused a limit of the interface's \"rate\".",
	  .why = "It takes traffic control, built in or as modules: sch_tbf for what the guest gets, "
		 "sch_ingress, cls_matchall and act_police for what it sends.",
	  .remedy =
		  "modprobe -a sch_tbf sch_ingress cls_matchall act_police; or \"by\": \"vmm\" in "
		  "\"rate\", with cloud-hypervisor.",
	  .evidence = "tap, modules" },
	{ .id = "rate-vmm",
	  .severity = FINDING_ERROR,
	  .title = "the VMM cannot limit an interface",
	  .what = "The interface's \"rate\" is to be kept by the VMM, and \"vmm\": \"auto\" takes QEMU "
		  "on this host.",
	  .why = "QEMU has no limits for a tap that it is handed; cloud-hypervisor has.",
	  .remedy = "Write \"by\": \"tc\" in \"rate\", or \"vmm\": \"cloud-hypervisor\"." },
	{ .id = "port-unsupported",
	  .severity = FINDING_ERROR,
	  .title = "the kernel does not know a setting of ports",
	  .what = "The interface sets something that this kernel's bridges do not have: it took the "
		  "request, and nothing came of it.",
	  .why = "The kernel is older than the setting: isolated is of Linux 4.18, locked of "
		 "5.18.",
	  .remedy = "Take it out of the interface, or run a later kernel.",
	  .evidence = "tap, bridge, setting" },
};

const FindingTable findings_of_ports = { "PORTS", findings, ELEMENTSOF(findings) };
