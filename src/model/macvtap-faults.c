/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>

#include "model/macvtap-faults.h"
#include "mvmd/exit-codes.h"

int fault_macvtap_mtu(const MacvtapWanted *wanted, uint32_t mtu, uint32_t mtu_of_link, Fault *fault)
{
	(void) fault_set(fault, -EINVAL, MVMD_EXIT_UNAVAILABLE, "macvtap-mtu",
			 "macvtap %s cannot have MTU %" PRIu32 " on %s, which has %" PRIu32,
			 wanted->tap, mtu, wanted->link, mtu_of_link);
	(void) fault_evidence(fault, "mtu", "%" PRIu32, mtu);
	(void) fault_evidence(fault, "mtu_of_link", "%" PRIu32, mtu_of_link);
	return fault_remedy(fault, "leave interfaces[].mtu out, or: ip link set %s mtu %" PRIu32,
			    wanted->link, mtu);
}

int fault_macvtap_not_ethernet(const MacvtapWanted *wanted, Fault *fault)
{
	(void) fault_set(fault, -EINVAL, MVMD_EXIT_UNAVAILABLE, "macvtap-link-unfit",
			 "cannot make macvtap %s on %s, which is no Ethernet", wanted->tap,
			 wanted->link);
	(void) fault_why(fault, "a macvtap is a second Ethernet address of its link");
	return fault_remedy(fault, "set \"link\" in macvtap to a network card, a bond or a VLAN: "
				   "ip -br link lists them; or use \"attach\": \"bridge\"");
}

static int cannot_make(const MacvtapWanted *wanted, int error, Fault *fault)
{
	return fault_set(fault, error, MVMD_EXIT_BUSY, "macvtap-link-taken",
			 "cannot make macvtap %s on %s in mode %s", wanted->tap, wanted->link,
			 macvtap_mode_to_string(wanted->mode));
}

int fault_macvtap_port(const MacvtapWanted *wanted, Fault *fault)
{
	(void) cannot_make(wanted, -EBUSY, fault);
	(void) fault_why(fault,
			 "%s is part of a bridge, a bond or another such link, to which goes "
			 "all that comes in on it",
			 wanted->link);
	return fault_remedy(
		fault,
		"ip -br link show %s names the other behind \"master\": use \"attach\": "
		"\"bridge\" with that bridge, or set \"link\" to the bond",
		wanted->link);
}

int fault_macvtap_rival(const MacvtapWanted *wanted, const MacvtapRival *rival, Fault *fault)
{
	const char *name = rival->name[0] ? rival->name : "another macvlan or macvtap";
	const char *of_vm = rival->vm[0] ? " of VM " : "";

	(void) cannot_make(wanted, -EBUSY, fault);
	if (wanted->mode == MACVTAP_PASSTHRU)
		(void) fault_why(fault,
				 "passthru takes the link to itself, and %s has %s%s%s already",
				 wanted->link, name, of_vm, rival->vm);
	else
		(void) fault_why(fault, "%s%s%s, in mode passthru, has %s to itself", name, of_vm,
				 rival->vm, wanted->link);
	if (rival->name[0])
		(void) fault_evidence(fault, "beside", "%s", rival->name);
	if (!rival->vm[0])
		return fault_remedy(fault,
				    "ip -d link show type macvtap; ip -d link show type macvlan");
	(void) fault_evidence(fault, "vm", "%s", rival->vm);
	return fault_remedy(fault,
			    "mvmd stop %s, or set \"link\" or \"mode\" of one of them otherwise",
			    rival->vm);
}
