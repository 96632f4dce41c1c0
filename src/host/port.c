/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <linux/if_bridge.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>

#include "host/port.h"
#include "model/link-faults.h"
#include "mvmd/exit-codes.h"

/* How many VLANs that differ are told one by one. */
#define VLANS_TOLD_MAX 4

/* A port's VLANs by number. */
typedef enum VlanMode {
	VLAN_NONE,
	VLAN_TAGGED,
	VLAN_UNTAGGED, /* of what leaves, not of what comes in */
	VLAN_PVID,
} VlanMode;
typedef struct VlanSet {
	uint8_t modes[VLAN_MAX + 1];
} VlanSet;

static const char *vlan_mode_to_string(uint8_t mode)
{
	static const char *const words[] = {
		[VLAN_NONE] = "absent",
		[VLAN_TAGGED] = "tagged",
		[VLAN_UNTAGGED] = "untagged one way",
		[VLAN_PVID] = "untagged",
	};

	return words[mode];
}

static VlanSet wanted_vlans(const SpecVlan *vlan)
{
	VlanSet set = { 0 };

	for (size_t i = 0; i < vlan->n_tagged; i++)
		for (uint64_t n = vlan->tagged[i].vlan.first; n <= vlan->tagged[i].vlan.last; n++)
			set.modes[n] = VLAN_TAGGED;
	if (vlan->pvid > 0)
		set.modes[vlan->pvid] = VLAN_PVID;
	return set;
}

static int put_vlan(struct nl_msg *message, uint64_t vlan, unsigned flags)
{
	const struct bridge_vlan_info info = { .flags = (uint16_t) flags, .vid = (uint16_t) vlan };

	return nla_put(message, IFLA_BRIDGE_VLAN_INFO, sizeof(info), &info) < 0 ? -ENOMEM : 0;
}

static int put_vlans(struct nl_msg *message, const SpecVlan *vlan)
{
	int r = 0;

	if (vlan->pvid > 0)
		r = put_vlan(message, vlan->pvid,
			     BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED);
	for (size_t i = 0; r == 0 && i < vlan->n_tagged; i++) {
		NumberRange range = vlan->tagged[i].vlan;

		if (range.first == range.last) {
			r = put_vlan(message, range.first, 0);
			continue;
		}
		r = put_vlan(message, range.first, BRIDGE_VLAN_INFO_RANGE_BEGIN);
		if (r == 0)
			r = put_vlan(message, range.last, BRIDGE_VLAN_INFO_RANGE_END);
	}
	return r;
}

/* Adds these VLANs to the port, or takes one away that the bridge gave it. */
static int request_vlans(Nl *nl, int type, int ifindex, const SpecVlan *vlan, uint16_t unwanted)
{
	const struct ifinfomsg link = { .ifi_family = AF_BRIDGE, .ifi_index = ifindex };
	_cleanup_(nlmsg_free_p) struct nl_msg *message =
		nl_message_new(type, 0, &link, sizeof(link));
	struct nlattr *list;
	int r;

	if (!message)
		return -ENOMEM;
	list = nla_nest_start(message, IFLA_AF_SPEC | NLA_F_NESTED);
	if (!list)
		return -ENOMEM;
	r = vlan ? put_vlans(message, vlan) : put_vlan(message, unwanted, 0);
	if (r < 0)
		return r;
	(void) nla_nest_end(message, list);
	return nl_request(nl, message);
}

/* What the bridge is now: the caller's picture of it may be from before the start. */
static int set_vlans(Nl *nl, const PlanNic *nic, int ifindex, const LinkInfo *bridge, Fault *fault)
{
	const SpecVlan *vlan = nic->port.vlan;
	VlanSet wanted = wanted_vlans(vlan);
	LinkInfo now = { 0 };
	int r;

	r = link_get(nl, bridge->name, &now);
	if (r == 0 && now.vlan_filtering != TRISTATE_TRUE)
		return fault_vlan_filtering(bridge->name, now.vlan_filtering, fault);
	if (r == 0)
		r = request_vlans(nl, RTM_SETLINK, ifindex, vlan, 0);
	if (r == 0 && now.default_pvid > 0 && wanted.modes[now.default_pvid] == VLAN_NONE)
		r = request_vlans(nl, RTM_DELLINK, ifindex, NULL, now.default_pvid);
	if (r == 0)
		return 0;
	(void) fault_set(fault, r, MVMD_EXIT_UNAVAILABLE, "port-set",
			 "cannot give tap %s its VLANs on bridge %s: %s", nic->tap, bridge->name,
			 nl_error_text(nl));
	return fault_remedy(fault, "bridge vlan show dev %s", nic->tap);
}

/* Without a VLAN of its own the entry is made in each VLAN of the port (net/bridge/br_fdb.c: br_fdb_add). */
static int add_address(Nl *nl, int ifindex, const MacAddress *mac)
{
	const struct ndmsg neighbour = { .ndm_family = AF_BRIDGE,
					 .ndm_ifindex = ifindex,
					 .ndm_state = NUD_NOARP,
					 .ndm_flags = NTF_MASTER };
	_cleanup_(nlmsg_free_p) struct nl_msg *message = nl_message_new(
		RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &neighbour, sizeof(neighbour));

	if (!message || nla_put(message, NDA_LLADDR, MAC_BYTES, mac->bytes) < 0)
		return -ENOMEM;
	return nl_request(nl, message);
}

static int lock_to_address(Nl *nl, const PlanNic *nic, int ifindex, Fault *fault)
{
	char mac[MAC_TEXT_MAX];
	int r = add_address(nl, ifindex, &nic->mac);

	if (r == 0)
		return 0;
	(void) fault_set(fault, r, MVMD_EXIT_UNAVAILABLE, "port-set",
			 "cannot lock tap %s to the guest's address %s: %s", nic->tap,
			 mac_format(mac, nic->mac), nl_error_text(nl));
	return fault_remedy(fault, "bridge fdb show dev %s", nic->tap);
}

int port_set(Nl *nl, const PlanNic *nic, int ifindex, const LinkInfo *bridge, Fault *fault)
{
	int r = nic->port.vlan ? set_vlans(nl, nic, ifindex, bridge, fault) : 0;

	if (r == 0 && port_is_locked(&nic->port))
		r = lock_to_address(nl, nic, ifindex, fault);
	if (r < 0)
		return r;
	r = link_up(nl, ifindex, &nic->port);
	if (r == 0)
		return 0;
	(void) fault_set(fault, r, MVMD_EXIT_UNAVAILABLE, "port-set",
			 "cannot bring tap %s up as a port of bridge %s: %s", nic->tap,
			 bridge->name, nl_error_text(nl));
	return fault_remedy(fault, "bridge -d link show dev %s", nic->tap);
}

int port_look(const PlanNic *nic, const LinkInfo *link, Fault *fault)
{
	static const char *const since[_PORT_FLAG_MAX] = {
		[PORT_FLAG_ISOLATED] = "4.18",	  [PORT_FLAG_LOCKED] = "5.18",
		[PORT_FLAG_LEARNING] = "3.11",	  [PORT_FLAG_HAIRPIN] = "2.6.32",
		[PORT_FLAG_BCAST_FLOOD] = "4.12",
	};

	for (PortFlag flag = 0; flag < _PORT_FLAG_MAX; flag++) {
		const char *word = port_flag_to_string(flag);

		if (nic->port.flags[flag] == TRISTATE_UNSET ||
		    link->port_flags[flag] != TRISTATE_UNSET)
			continue;
		(void) fault_set(fault, -EOPNOTSUPP, MVMD_EXIT_UNAVAILABLE, "port-unsupported",
				 "tap %s: this kernel's bridges have no ports that are \"%s\"",
				 nic->tap, word);
		(void) fault_why(fault, "Linux %s and later have them", since[flag]);
		(void) fault_evidence(fault, "setting", "%s", word);
		return fault_remedy(
			fault, "take \"%s\" out of the interface, or run a later kernel", word);
	}
	return 0;
}

static void compare_flags(const PlanPort *port, const LinkInfo *link, StrBuf *differences)
{
	for (PortFlag flag = 0; flag < _PORT_FLAG_MAX; flag++)
		if (port->flags[flag] != TRISTATE_UNSET &&
		    port->flags[flag] != link->port_flags[flag])
			str_buf_add(differences, ", %s is %s", port_flag_to_string(flag),
				    port->flags[flag] == TRISTATE_TRUE ? "off instead of on" :
									 "on instead of off");
}

/* One BRIDGE_VLANDB_ENTRY: a VLAN, or a range of them. */
static void read_vlans(struct nlattr *entry, VlanSet *set)
{
	struct nlattr *nested[BRIDGE_VLANDB_ENTRY_MAX + 1], *attribute;
	struct bridge_vlan_info info;
	uint16_t last;
	VlanMode mode;

	if (nla_parse_nested(nested, BRIDGE_VLANDB_ENTRY_MAX, entry, NULL) < 0)
		return;
	attribute = nested[BRIDGE_VLANDB_ENTRY_INFO];
	if (!attribute || nla_len(attribute) < (int) sizeof(info))
		return;
	memcpy(&info, nla_data(attribute), sizeof(info));
	attribute = nested[BRIDGE_VLANDB_ENTRY_RANGE];
	last = attribute && nla_len(attribute) >= 2 ? nla_get_u16(attribute) : info.vid;
	mode = info.flags & BRIDGE_VLAN_INFO_PVID     ? VLAN_PVID :
	       info.flags & BRIDGE_VLAN_INFO_UNTAGGED ? VLAN_UNTAGGED :
							VLAN_TAGGED;
	for (unsigned vlan = info.vid; vlan <= last && vlan <= VLAN_MAX; vlan++)
		set->modes[vlan] = (uint8_t) mode;
}

static void on_vlans(struct nlmsghdr *answer, void *userdata)
{
	struct nlattr *attribute;
	int rest;

	if (answer->nlmsg_type != RTM_NEWVLAN)
		return;
	nlmsg_for_each_attr(attribute, answer, sizeof(struct br_vlan_msg),
			    rest) if (nla_type(attribute) == BRIDGE_VLANDB_ENTRY)
		read_vlans(attribute, userdata);
}

/* A dump of one device (net/bridge/br_vlan.c: br_vlan_rtm_dump). */
static int get_vlans(Nl *nl, int ifindex, VlanSet *ret)
{
	const struct br_vlan_msg request = { .family = AF_BRIDGE, .ifindex = (uint32_t) ifindex };
	_cleanup_(nlmsg_free_p) struct nl_msg *message =
		nl_message_new(RTM_GETVLAN, NLM_F_DUMP, &request, sizeof(request));

	if (!message)
		return -ENOMEM;
	*ret = (VlanSet){ 0 };
	return nl_query(nl, message, on_vlans, ret);
}

static int compare_vlans(Nl *nl, const PlanNic *nic, int ifindex, StrBuf *differences)
{
	VlanSet wanted = wanted_vlans(nic->port.vlan), seen;
	int r = get_vlans(nl, ifindex, &seen), told = 0;

	for (size_t vlan = VLAN_MIN; r == 0 && vlan <= VLAN_MAX; vlan++) {
		if (seen.modes[vlan] == wanted.modes[vlan])
			continue;
		if (told++ == VLANS_TOLD_MAX) {
			str_buf_add(differences, ", and more of its VLANs");
			break;
		}
		str_buf_add(differences, ", VLAN %zu is %s instead of %s", vlan,
			    vlan_mode_to_string(seen.modes[vlan]),
			    vlan_mode_to_string(wanted.modes[vlan]));
	}
	return r;
}

/* In which VLANs of the port an address is fixed; 0: in none. */
typedef struct AddressLook {
	const MacAddress *mac;
	bool vlans[VLAN_MAX + 1];
} AddressLook;

static void on_address(struct nlmsghdr *answer, void *userdata)
{
	const struct ndmsg *header = nlmsg_data(answer);
	struct nlattr *attributes[NDA_MAX + 1];
	AddressLook *look = userdata;
	unsigned vlan = 0;

	if (answer->nlmsg_type != RTM_NEWNEIGH || nlmsg_datalen(answer) < (int) sizeof(*header) ||
	    !(header->ndm_state & NUD_NOARP) ||
	    nlmsg_parse(answer, sizeof(*header), attributes, NDA_MAX, NULL) < 0)
		return;
	if (!attributes[NDA_LLADDR] || nla_len(attributes[NDA_LLADDR]) != MAC_BYTES ||
	    memcmp(nla_data(attributes[NDA_LLADDR]), look->mac->bytes, MAC_BYTES) != 0)
		return;
	if (attributes[NDA_VLAN] && nla_len(attributes[NDA_VLAN]) >= 2)
		vlan = nla_get_u16(attributes[NDA_VLAN]);
	if (vlan <= VLAN_MAX)
		look->vlans[vlan] = true;
}

/* A dump of the bridge's addresses, filtered by port in the kernel. */
static int compare_address(Nl *nl, const PlanNic *nic, int ifindex, StrBuf *differences)
{
	const struct ndmsg request = { .ndm_family = AF_BRIDGE, .ndm_ifindex = ifindex };
	_cleanup_(nlmsg_free_p) struct nl_msg *message =
		nl_message_new(RTM_GETNEIGH, NLM_F_DUMP, &request, sizeof(request));
	VlanSet vlans = { 0 };
	AddressLook look = { .mac = &nic->mac };
	char mac[MAC_TEXT_MAX];
	int r;

	if (!message)
		return -ENOMEM;
	if (nic->port.vlan)
		vlans = wanted_vlans(nic->port.vlan);
	r = nl_query(nl, message, on_address, &look);
	if (r < 0)
		return r;
	for (size_t vlan = 0; vlan <= VLAN_MAX; vlan++) {
		if (look.vlans[vlan] || (vlan > 0 && vlans.modes[vlan] == VLAN_NONE))
			continue;
		str_buf_add(differences, ", the bridge does not have the guest's address %s there",
			    mac_format(mac, nic->mac));
		break;
	}
	return 0;
}

int port_compare(Nl *nl, const PlanNic *nic, const LinkInfo *link, StrBuf *differences)
{
	int r = 0;

	compare_flags(&nic->port, link, differences);
	if (nic->port.vlan)
		r = compare_vlans(nl, nic, link->ifindex, differences);
	if (r == 0 && port_is_locked(&nic->port))
		r = compare_address(nl, nic, link->ifindex, differences);
	return r;
}
