/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "model/link-faults.h"
#include "mvmd/exit-codes.h"

static int link_evidence(const char *tap, const char *bridge, Fault *fault)
{
	(void) fault_evidence(fault, "tap", "%s", tap);
	return bridge ? fault_evidence(fault, "bridge", "%s", bridge) : 0;
}

int fault_tap_gone(const char *tap, const char *bridge, Fault *fault)
{
	(void) fault_set(fault, -ENODEV, MVMD_EXIT_UNAVAILABLE, "tap-lost",
			 "tap %s is gone: the guest has no network there any more", tap);
	(void) link_evidence(tap, bridge, fault);
	(void) fault_why(fault, "another program of this host removed it, or took it into another "
				"network namespace");
	return fault_remedy(fault, "stop the VM and start it again, which makes the tap anew");
}

/* It has a master still: mostly the same bridge under another name. */
static int bridge_renamed_fault(const char *tap, const char *bridge, const char *master,
				Fault *fault)
{
	(void) fault_set(fault, -ENODEV, MVMD_EXIT_UNAVAILABLE, "bridge-lost",
			 "there is no bridge %s any more, and tap %s is on %s", bridge, tap,
			 master);
	(void) link_evidence(tap, bridge, fault);
	(void) fault_evidence(fault, "master", "%s", master);
	(void) fault_why(fault,
			 "bridge %s was renamed to %s while the VM ran, or removed, and the tap "
			 "put on another one",
			 bridge, master);
	return fault_remedy(fault,
			    "ip link set %s name %s, where it was renamed; or set "
			    "interfaces[].bridge to \"%s\"",
			    master, bridge, master);
}

int fault_bridge_gone(const char *tap, const char *bridge, const char *master, Fault *fault)
{
	if (*master)
		return bridge_renamed_fault(tap, bridge, master, fault);
	(void) fault_set(fault, -ENODEV, MVMD_EXIT_UNAVAILABLE, "bridge-lost",
			 "bridge %s is gone, and tap %s is on none", bridge, tap);
	(void) link_evidence(tap, bridge, fault);
	(void) fault_why(fault, "what manages this host's network removed it while the VM ran");
	return fault_remedy(fault,
			    "ip link add %s type bridge && ip link set %s up, or let what manages "
			    "it make it; then ip link set %s master %s",
			    bridge, bridge, tap, bridge);
}

int fault_tap_off_bridge(const char *tap, const char *bridge, const char *master, Fault *fault)
{
	if (*master)
		(void) fault_set(fault, -ENOTCONN, MVMD_EXIT_UNAVAILABLE, "tap-off-bridge",
				 "tap %s is on %s, and not on bridge %s", tap, master, bridge);
	else
		(void) fault_set(fault, -ENOTCONN, MVMD_EXIT_UNAVAILABLE, "tap-off-bridge",
				 "tap %s is not on bridge %s, nor on any other", tap, bridge);
	(void) link_evidence(tap, bridge, fault);
	(void) fault_evidence(fault, "master", "%s", *master ? master : "none");
	(void) fault_why(fault, "it was put there at the start; another program of this host took "
				"it away since, or the bridge was made anew");
	return fault_remedy(fault, "ip link set %s master %s", tap, bridge);
}

int fault_tap_down(const char *tap, const char *bridge, Fault *fault)
{
	(void) fault_set(fault, -ENETDOWN, MVMD_EXIT_UNAVAILABLE, "tap-changed",
			 "tap %s is down: nothing passes it", tap);
	(void) link_evidence(tap, bridge, fault);
	(void) fault_evidence(fault, "differs", "it is down instead of up");
	(void) fault_why(fault, "another program of this host took it down");
	return fault_remedy(fault, "ip link set %s up", tap);
}

int fault_port_not_forwarding(const char *tap, const char *bridge, const char *state, Fault *fault)
{
	(void) fault_set(fault, -EAGAIN, MVMD_EXIT_OK, "port-not-forwarding",
			 "bridge %s does not forward for tap %s yet: the port's state is %s",
			 bridge, tap, state);
	(void) link_evidence(tap, bridge, fault);
	(void) fault_evidence(fault, "state", "%s", state);
	(void) fault_why(fault, "the bridge runs the spanning tree protocol: each new port listens "
				"and learns first, twice forward_delay (30s by default); one that "
				"closes a loop stays blocked");
	return fault_remedy(fault,
			    "wait; or, where no loop can come to be: ip link set %s type bridge "
			    "stp_state 0 && ip link set %s type bridge_slave state 3",
			    bridge, tap);
}

int fault_vlan_unsupported(const char *key, const char *bridge, Fault *fault)
{
	(void) fault_set(fault, -EOPNOTSUPP, MVMD_EXIT_UNAVAILABLE, "vlan-unsupported",
			 "\"%s\" is set, and this kernel's bridges cannot filter VLANs", key);
	(void) fault_why(fault, "the kernel was built without CONFIG_BRIDGE_VLAN_FILTERING");
	(void) fault_evidence(fault, "bridge", "%s", bridge);
	return fault_remedy(fault,
			    "run a kernel that has it, as those of the distributions do; or take "
			    "\"%s\" out and give each VLAN a bridge of its own",
			    key);
}

int fault_vlan_filtering(const char *bridge, Tristate filtering, Fault *fault)
{
	if (filtering == TRISTATE_UNSET)
		return fault_vlan_unsupported("vlan", bridge, fault);
	(void) fault_set(fault, -EOPNOTSUPP, MVMD_EXIT_UNAVAILABLE, "vlan-filtering-off",
			 "\"vlan\" is set, and bridge %s does not filter VLANs", bridge);
	(void) fault_evidence(fault, "bridge", "%s", bridge);
	(void) fault_why(fault, "a bridge passes all tags to all ports until it is told to filter");
	return fault_remedy(fault,
			    "ip link set %s type bridge vlan_filtering 1; in networkd, "
			    "VLANFiltering=yes in the [Bridge] section of its .netdev file",
			    bridge);
}

int fault_bridge_netfilter(bool ipv4, bool ipv6, Fault *fault)
{
	(void) fault_set(fault, 0, MVMD_EXIT_OK, "bridge-netfilter",
			 "what passes between two ports of a bridge goes through this host's IP "
			 "packet filter as well");
	(void) fault_why(fault,
			 "br_netfilter is loaded (by Docker, Kubernetes or a firewall) and %s%s%s "
			 "1; where the FORWARD chain drops, as Docker's does, a VM on a bridge "
			 "reaches nobody",
			 ipv4 ? "bridge-nf-call-iptables" : "", ipv4 && ipv6 ? " and " : "",
			 ipv6 ? "bridge-nf-call-ip6tables" : "");
	return fault_remedy(fault,
			    "sysctl -w%s%s, and the same in a file of /etc/sysctl.d; or allow what "
			    "bridges forward: iptables -I FORWARD -m physdev --physdev-is-bridged "
			    "-j ACCEPT",
			    ipv4 ? " net.bridge.bridge-nf-call-iptables=0" : "",
			    ipv6 ? " net.bridge.bridge-nf-call-ip6tables=0" : "");
}

int fault_mac_of_vm(const char *vm, const char *id, const char *other, MacAddress mac,
		    const char *port, const char *bridge, Fault *fault)
{
	char text[MAC_TEXT_MAX];

	(void) fault_set(fault, -EBUSY, MVMD_EXIT_BUSY, "mac-conflict",
			 "%s and %s, which runs, both have the MAC address %s", vm, other,
			 mac_format(text, mac));
	(void) fault_evidence(fault, "vms", "%s, %s", vm, other);
	(void) fault_evidence(fault, "both_have", "the MAC address %s", text);
	(void) fault_evidence(fault, "port", "%s", port);
	(void) fault_evidence(fault, "bridge", "%s", bridge);
	(void) fault_why(fault,
			 "bridge %s knows it behind tap %s; each would get frames of the other",
			 bridge, port);
	return fault_remedy(fault,
			    "write another \"mac\" for interface %s, or leave it out; or mvmd "
			    "stop %s",
			    id, other);
}

int fault_mac_seen(const char *id, MacAddress mac, const char *port, const char *bridge,
		   Fault *fault)
{
	char text[MAC_TEXT_MAX];

	(void) fault_set(fault, -EADDRINUSE, MVMD_EXIT_OK, "mac-seen",
			 "the MAC address %s of interface %s was seen behind %s on bridge %s",
			 mac_format(text, mac), id, port, bridge);
	(void) fault_evidence(fault, "mac", "%s", text);
	(void) fault_evidence(fault, "port", "%s", port);
	(void) fault_evidence(fault, "bridge", "%s", bridge);
	(void) fault_why(fault,
			 "another machine there has the same one, which loses frames for both; "
			 "or this VM has just come from another host");
	return fault_remedy(fault,
			    "bridge fdb show br %s | grep %s; write another \"mac\" where it is "
			    "another machine",
			    bridge, text);
}
