/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>

#include "host/networkd.h"
#include "host/port.h"
#include "host/rate.h"
#include "host/tap.h"
#include "mvmd/exit-codes.h"

static bool bridge_is_gone(Nl *nl, const LinkInfo *bridge)
{
	LinkInfo link;
	int r = link_get(nl, bridge->name, &link);

	return r == -ENODEV || (r == 0 && link.ifindex != bridge->ifindex);
}

/* The kernel's refusal of link_set(); words are what it said about it. */
static int tap_attach_fault(const PlanNic *nic, const LinkInfo *bridge, int error,
			    const char *words, Fault *fault)
{
	int exit_code = MVMD_EXIT_UNAVAILABLE;

	if (error == -EPERM || error == -EACCES)
		exit_code = MVMD_EXIT_PERMISSION;
	if (error == -EXFULL) {
		(void) fault_set(fault, error, exit_code, "bridge-full",
				 "cannot put tap %s on bridge %s: the bridge is full", nic->tap,
				 bridge->name);
		(void) fault_why(fault, "a bridge has at most %d ports (%s)", BRIDGE_PORTS_MAX,
				 words);
		(void) fault_evidence(fault, "ports_max", "%d", BRIDGE_PORTS_MAX);
		return fault_remedy(fault, "set interfaces[].bridge to another bridge");
	}

	(void) fault_set(fault, error, exit_code, "tap-attach",
			 "cannot put tap %s on bridge %s with MTU %u: %m", nic->tap, bridge->name,
			 nic->mtu ?: bridge->mtu);
	if (exit_code == MVMD_EXIT_PERMISSION) {
		(void) fault_why(fault, "it takes CAP_NET_ADMIN in this network namespace");
		return fault_remedy(fault, "run mvmd as root");
	}
	if (!streq(words, strerror(-error)))
		(void) fault_why(fault, "the kernel says: %s", words);
	if (strstr(words, "mtu"))
		return fault_remedy(fault, "set interfaces[].mtu to what the bridge carries: %u",
				    bridge->mtu);
	return fault_remedy(fault, "ip -d link show %s", bridge->name);
}

static int bridge_lost_fault(const PlanNic *nic, const LinkInfo *bridge, Fault *fault)
{
	(void) fault_set(fault, -ENODEV, MVMD_EXIT_UNAVAILABLE, "bridge-lost",
			 "cannot put tap %s on bridge %s: the bridge has just been removed",
			 nic->tap, bridge->name);
	(void) fault_why(fault, "what manages this host's network is at work: it was restarted, or "
				"set up anew");
	return fault_remedy(fault, "start the VM again; order mvmd after what makes %s",
			    bridge->name);
}

static int tap_join(Nl *nl, const PlanNic *nic, const Tap *tap, const LinkInfo *bridge,
		    const LinkSettings *settings, Fault *fault)
{
	_cleanup_free_ char *words = NULL;
	int r;

	r = link_set(nl, tap->ifindex, settings);
	if (r >= 0)
		return 0;
	words = str_printf("%s", nl_error_text(nl));
	if (!words)
		return fault_oom(fault);
	/* A master that is gone is a bare EINVAL (net/core/rtnetlink.c:do_set_master). */
	if (bridge_is_gone(nl, bridge))
		return bridge_lost_fault(nic, bridge, fault);
	return tap_attach_fault(nic, bridge, r, words, fault);
}

/* A tap that is put back has it still. */
static int tap_name_at_length(Nl *nl, const PlanNic *nic, const Tap *tap, Fault *fault)
{
	int r = nic->altname ? link_add_altname(nl, tap->ifindex, nic->altname) : 0;

	if (r >= 0 || (r == -EEXIST && link_has_altname(nl, tap->ifindex, nic->altname)))
		return 0;
	(void) fault_set(fault, r, r == -EEXIST ? MVMD_EXIT_BUSY : MVMD_EXIT_SYSTEM, "tap-altname",
			 "cannot give tap %s the alternative name %s: %m", nic->tap, nic->altname);
	return fault_remedy(fault, "ip link show %s", nic->altname);
}

static void name_of_index(int ifindex, char ret[IFNAMSIZ])
{
	if (ifindex <= 0 || !if_indextoname((unsigned) ifindex, ret))
		(void) snprintf(ret, IFNAMSIZ, "%s", ifindex > 0 ? "another link" : "none");
}

/* All that is not as it was asked for, in words; "" where all is. bridge NULL: whose port it is, others say. */
static void compare_link(const LinkInfo *link, const LinkSettings *wanted, const char *bridge,
			 StrBuf *ret)
{
	char master[IFNAMSIZ], mac[MAC_TEXT_MAX], wanted_mac[MAC_TEXT_MAX];

	if (bridge && link->master != wanted->master) {
		name_of_index(link->master, master);
		str_buf_add(ret, ", master is %s instead of %s", master, bridge);
	}
	if (link->mtu != wanted->mtu)
		str_buf_add(ret, ", MTU is %u instead of %u", link->mtu, wanted->mtu);
	if (wanted->up && !(link->flags & IFF_UP))
		str_buf_add(ret, ", it is down instead of up");
	if (memcmp(&link->mac, &wanted->mac, sizeof(link->mac)) != 0)
		str_buf_add(ret, ", MAC is %s instead of %s", mac_format(mac, link->mac),
			    mac_format(wanted_mac, wanted->mac));
	if (wanted->no_ipv6_address && link->ipv6_address == TRISTATE_TRUE)
		str_buf_add(ret, ", it makes itself an IPv6 address instead of none");
	if (wanted->alias && !streq(link->alias, wanted->alias))
		str_buf_add(ret, ", alias is \"%s\" instead of \"%s\"", link->alias, wanted->alias);
}

static int tap_lost_fault(const Nl *nl, const PlanNic *nic, const char *bridge, int error,
			  Fault *fault)
{
	(void) fault_set(fault, error, MVMD_EXIT_UNAVAILABLE, "tap-lost",
			 "tap %s was %s%s and is gone: %s", nic->tap,
			 bridge ? "put on bridge " : "made", bridge ?: "", nl_error_text(nl));
	return fault_remedy(fault, "ip monitor link, networkctl and nmcli device show who "
				   "manages links here; start the VM again");
}

/* Somebody took one of them away meanwhile: that counts, not what was to be set. fault has that else. */
static int what_is_gone(Nl *nl, const PlanNic *nic, const LinkInfo *bridge, Fault *fault)
{
	LinkInfo tap;

	if (bridge_is_gone(nl, bridge))
		return bridge_lost_fault(nic, bridge, fault);
	if (link_get(nl, nic->tap, &tap) == -ENODEV)
		return tap_lost_fault(nl, nic, bridge->name, -ENODEV, fault);
	return fault->error;
}

static int tap_read_back(Nl *nl, const PlanNic *nic, const LinkSettings *wanted, const char *bridge,
			 PortState *ret_state, Fault *fault)
{
	_cleanup_(str_buf_done) StrBuf differences = { 0 };
	LinkInfo link = { 0 };
	int r;

	r = link_get(nl, nic->tap, &link);
	if (r < 0)
		return tap_lost_fault(nl, nic, bridge, r, fault);

	r = port_look(nic, &link, fault);
	if (r < 0)
		return r;
	compare_link(&link, wanted, bridge, &differences);
	r = port_compare(nl, nic, &link, &differences);
	if (r == 0)
		r = rate_compare(nl, nic, link.ifindex, &differences);
	if (r < 0) {
		(void) fault_set(fault, r, MVMD_EXIT_SYSTEM, "port-set",
				 "cannot read back how tap %s is set: %s", nic->tap,
				 nl_error_text(nl));
		return fault_remedy(fault, "bridge -d link show dev %s", nic->tap);
	}
	if (differences.failed)
		return fault_oom(fault);
	if (differences.length == 0) {
		*ret_state = link.port_state;
		return 0;
	}
	(void) fault_set(fault, -EIO, MVMD_EXIT_UNAVAILABLE, "tap-changed",
			 "tap %s did not stay as it was set: %s", nic->tap,
			 differences.text + strlen(", "));
	(void) fault_evidence(fault, "differs", "%s", differences.text + strlen(", "));
	(void) fault_why(fault, "another program of this host manages links of that name "
				"(systemd-networkd, NetworkManager, a udev rule)");
	(void) fault_remedy(fault, "networkctl status %s", nic->tap);
	if (bridge && link.master != wanted->master)
		(void) networkd_blame(nic->tap, link.ifindex, bridge, fault);
	return fault->error;
}

static int tap_attach_and_look(Nl *nl, const PlanNic *nic, Tap *tap, const LinkInfo *bridge,
			       Fault *fault)
{
	LinkSettings settings = {
		.master = bridge->ifindex,
		.mtu = nic->mtu ?: bridge->mtu,
		.mac = nic->tap_mac,
		.alias = nic->alias,
		.no_ipv6_address = true,
	};
	int r;

	r = tap_join(nl, nic, tap, bridge, &settings, fault);
	if (r == 0)
		r = rate_set(nl, nic, tap->ifindex, fault);
	if (r == 0)
		r = port_set(nl, nic, tap->ifindex, bridge, fault);
	if (r == -ENODEV)
		return what_is_gone(nl, nic, bridge, fault);
	if (r < 0)
		return r;
	settings.up = true;
	r = tap_name_at_length(nl, nic, tap, fault);
	if (r < 0)
		return r;
	return tap_read_back(nl, nic, &settings, bridge->name, &tap->port_state, fault);
}

int tap_attach(Nl *nl, const PlanNic *nic, Tap *tap, const LinkInfo *bridge, Fault *fault)
{
	int r = tap_attach_and_look(nl, nic, tap, bridge, fault);

	if (r >= 0) {
		tap->mtu = tap->mtu ?: nic->mtu ?: bridge->mtu;
		return 0;
	}
	(void) fault_evidence(fault, "tap", "%s", nic->tap);
	(void) fault_evidence(fault, "bridge", "%s", bridge->name);
	return r;
}

static int tap_set_fault(const Nl *nl, const PlanNic *nic, int error, Fault *fault)
{
	bool denied = error == -EPERM || error == -EACCES;

	(void) fault_set(fault, error, denied ? MVMD_EXIT_PERMISSION : MVMD_EXIT_UNAVAILABLE,
			 "tap-attach", "cannot set up tap %s with MTU %u: %s", nic->tap, nic->mtu,
			 nl_error_text(nl));
	if (!denied)
		return fault_remedy(fault, "ip -d link show %s", nic->tap);
	(void) fault_why(fault, "it takes CAP_NET_ADMIN in this network namespace");
	return fault_remedy(fault, "run mvmd as root");
}

int tap_set(Nl *nl, const PlanNic *nic, Tap *tap, bool up, Fault *fault)
{
	const LinkSettings settings = {
		.mtu = nic->mtu, .mac = nic->tap_mac, .alias = nic->alias, .up = up
	};
	int r = rate_set(nl, nic, tap->ifindex, fault);

	if (r < 0)
		return fault_evidence(fault, "tap", "%s", nic->tap);
	r = link_set(nl, tap->ifindex, &settings);
	r = r < 0 ? tap_set_fault(nl, nic, r, fault) : tap_name_at_length(nl, nic, tap, fault);
	if (r >= 0)
		r = tap_read_back(nl, nic, &settings, NULL, &tap->port_state, fault);
	return r < 0 ? fault_evidence(fault, "tap", "%s", nic->tap) : 0;
}
