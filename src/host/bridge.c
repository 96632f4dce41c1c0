/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "host/address.h"
#include "host/bridge.h"
#include "model/address.h"
#include "model/link-faults.h"
#include "mvmd/exit-codes.h"

/* Who has the lock makes or removes one bridge, and puts one tap on it. */
#define LOCK_WAIT_USEC (10 * USEC_PER_SEC)
#define LOCK_STEP_USEC (5 * USEC_PER_MSEC)

/*
 * The alias comes with the second message; until then the link's group tells whose it is, should we be killed in
 * between: "mvmd" in ASCII.
 */
#define GROUP_UNFINISHED 0x6d766d64

int bridges_lock(const char *runtime_directory, int *ret, Fault *fault)
{
	_cleanup_close_ int fd = open(runtime_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint64_t give_up_usec = now_usec() + LOCK_WAIT_USEC;
	int error = fd < 0 ? -errno : -EWOULDBLOCK;

	while (error == -EWOULDBLOCK) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
			*ret = TAKE_FD(fd);
			return 0;
		}
		error = -errno;
		if (now_usec() > give_up_usec)
			break;
		(void) usleep(LOCK_STEP_USEC);
	}
	(void) fault_set(fault, error, MVMD_EXIT_BUSY, "bridge-make",
			 "cannot lock %s to make or remove a bridge: %m", runtime_directory);
	(void) fault_evidence(fault, "path", "%s", runtime_directory);
	return fault_remedy(fault, "lsof %s shows who has it; start the VM again",
			    runtime_directory);
}

static bool is_ours(const LinkInfo *link)
{
	return streq(link->kind, "bridge") &&
	       (streq(link->alias, BRIDGE_ALIAS) || link->group == GROUP_UNFINISHED);
}

/* One of its own, which stays: else the bridge has that of its lowest port, another one with each VM. */
static int random_mac(MacAddress *ret)
{
	if (getrandom(ret->bytes, MAC_BYTES, 0) != MAC_BYTES)
		return -EIO;
	ret->bytes[0] = 0x02; /* administered locally, of one interface */
	return 0;
}

static int put_bridge(struct nl_msg *message, const SpecCreateBridge *wanted)
{
	struct nlattr *info = nla_nest_start(message, IFLA_LINKINFO | NLA_F_NESTED), *data;

	if (!info || nla_put_string(message, IFLA_INFO_KIND, "bridge") < 0)
		return -ENOMEM;
	data = nla_nest_start(message, IFLA_INFO_DATA | NLA_F_NESTED);
	if (!data || nla_put_u32(message, IFLA_BR_STP_STATE, wanted->stp) < 0 ||
	    (wanted->vlan_filtering && nla_put_u8(message, IFLA_BR_VLAN_FILTERING, 1) < 0))
		return -ENOMEM;
	(void) nla_nest_end(message, data);
	(void) nla_nest_end(message, info);
	return 0;
}

static int create(Nl *nl, const SpecInterface *interface, const MacAddress *mac)
{
	const struct ifinfomsg link = { .ifi_family = AF_UNSPEC };
	_cleanup_(nlmsg_free_p) struct nl_msg *message =
		nl_message_new(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &link, sizeof(link));

	if (!message || nla_put_string(message, IFLA_IFNAME, interface->bridge) < 0 ||
	    nla_put(message, IFLA_ADDRESS, MAC_BYTES, mac->bytes) < 0 ||
	    nla_put_u32(message, IFLA_GROUP, GROUP_UNFINISHED) < 0 ||
	    (interface->mtu > 0 && nla_put_u32(message, IFLA_MTU, (uint32_t) interface->mtu) < 0) ||
	    put_bridge(message, &interface->create_bridge) < 0)
		return -ENOMEM;
	return nl_request(nl, message);
}

static int add_address(Nl *nl, int ifindex, const IpAddress *address)
{
	const struct ifaddrmsg header = { .ifa_family = (uint8_t) address->family,
					  .ifa_prefixlen = address->prefix,
					  .ifa_index = (unsigned) ifindex };
	_cleanup_(nlmsg_free_p) struct nl_msg *message =
		nl_message_new(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof(header));
	int length = (int) ip_address_bytes(address);

	if (!message || nla_put(message, IFA_LOCAL, length, address->bytes) < 0 ||
	    nla_put(message, IFA_ADDRESS, length, address->bytes) < 0)
		return -ENOMEM;
	return nl_request(nl, message);
}

static int add_addresses(Nl *nl, int ifindex, const SpecCreateBridge *wanted)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < wanted->n_addresses; i++) {
		IpAddress address;

		if (ip_address_parse(wanted->addresses[i].address, &address))
			r = add_address(nl, ifindex, &address);
	}
	return r;
}

/* What it was made with, it must have; only then is its mark on it, and it comes up. *ret_ifindex: also on failure. */
static int finish(Nl *nl, const SpecInterface *interface, const MacAddress *mac, int *ret_ifindex,
		  LinkInfo *ret)
{
	const LinkSettings settings = {
		.mac = *mac, .alias = BRIDGE_ALIAS, .default_group = true, .up = true
	};
	LinkInfo link = { 0 };
	int r = link_get(nl, interface->bridge, &link);

	*ret_ifindex = link.ifindex;
	if (r == 0)
		r = add_addresses(nl, link.ifindex, &interface->create_bridge);
	if (r == 0)
		r = link_set(nl, link.ifindex, &settings);
	if (r == 0)
		r = link_get(nl, interface->bridge, ret);
	if (r == 0 &&
	    (!streq(ret->alias, BRIDGE_ALIAS) || !(ret->flags & IFF_UP) ||
	     memcmp(&ret->mac, mac, sizeof(*mac)) != 0 ||
	     (interface->create_bridge.vlan_filtering && ret->vlan_filtering != TRISTATE_TRUE)))
		r = -EIO;
	return r;
}

static int make_fault(const Nl *nl, const SpecInterface *interface, int error, Fault *fault)
{
	if (error == -EOPNOTSUPP && interface->create_bridge.vlan_filtering)
		return fault_vlan_unsupported("vlan_filtering", interface->bridge, fault);
	(void) fault_set(fault, error,
			 error == -EPERM ? MVMD_EXIT_PERMISSION : MVMD_EXIT_UNAVAILABLE,
			 "bridge-make", "cannot make bridge %s: %s", interface->bridge,
			 error == -EIO ? "it did not stay as it was made" : nl_error_text(nl));
	(void) fault_evidence(fault, "bridge", "%s", interface->bridge);
	if (error == -EPERM)
		return fault_remedy(fault, "run mvmd as root");
	return fault_remedy(fault, "ip link add %s type bridge shows whether others can; ip addr",
			    interface->bridge);
}

/* There is one: whoever made it, it is taken as it is. */
static int take(const LinkInfo *found, const SpecInterface *interface, LinkInfo *ret, Fault *fault)
{
	if (streq(found->kind, "bridge")) {
		*ret = *found;
		return 0;
	}
	(void) fault_set(fault, -EINVAL, MVMD_EXIT_UNAVAILABLE, "not-a-bridge",
			 "cannot make bridge %s: there is another link of that name",
			 interface->bridge);
	(void) fault_evidence(fault, "bridge", "%s", interface->bridge);
	(void) fault_evidence(fault, "kind", "%s", found->kind[0] ? found->kind : "device");
	return fault_remedy(fault, "ip -d link show %s; set interfaces[].bridge to another name",
			    interface->bridge);
}

int bridge_make(Nl *nl, const SpecInterface *interface, LinkInfo *ret, Fault *fault)
{
	LinkInfo link = { 0 };
	MacAddress mac;
	int r = link_get(nl, interface->bridge, &link), made = 0;

	/* Of one of us that was killed: as it is nobody has it. */
	if (r == 0 && link.group == GROUP_UNFINISHED && is_ours(&link)) {
		(void) link_delete(nl, link.ifindex);
		r = -ENODEV;
	}
	if (r == 0)
		return take(&link, interface, ret, fault);
	if (r == -ENODEV)
		r = random_mac(&mac);
	if (r == 0)
		r = create(nl, interface, &mac);
	if (r == 0)
		r = finish(nl, interface, &mac, &made, ret);
	if (r >= 0)
		return 0;
	(void) make_fault(nl, interface, r, fault);
	if (made > 0) /* after the fault: that has the kernel's words about what was refused */
		(void) link_delete(nl, made);
	return r;
}

/* What it lacks goes to differs, and to commands what gives it that; each begins with its separator. */
static void compare_settings(const SpecInterface *interface, const LinkInfo *bridge,
			     StrBuf *differs, StrBuf *commands)
{
	const SpecCreateBridge *wanted = &interface->create_bridge;

	if (wanted->stp && !bridge->stp) {
		str_buf_add(differs, ", it does not run the spanning tree protocol");
		str_buf_add(commands, " && ip link set %s type bridge stp_state 1", bridge->name);
	}
	if (wanted->vlan_filtering && bridge->vlan_filtering != TRISTATE_TRUE) {
		str_buf_add(differs, ", it does not filter VLANs");
		str_buf_add(commands, " && ip link set %s type bridge vlan_filtering 1",
			    bridge->name);
	}
}

static void compare_addresses(Nl *nl, const SpecInterface *interface, const LinkInfo *bridge,
			      StrBuf *differs, StrBuf *commands)
{
	const SpecCreateBridge *wanted = &interface->create_bridge;

	for (size_t i = 0; i < wanted->n_addresses; i++) {
		const char *text = wanted->addresses[i].address;
		IpAddress address;
		bool has = true;

		if (!ip_address_parse(text, &address) ||
		    address_has(nl, bridge->ifindex, &address, &has) < 0 || has)
			continue;
		str_buf_add(differs, ", the host has no address %s there", text);
		str_buf_add(commands, " && ip addr add %s dev %s", text, bridge->name);
	}
}

bool bridge_is_otherwise(Nl *nl, const SpecInterface *interface, const LinkInfo *bridge,
			 Fault *fault)
{
	_cleanup_(str_buf_done) StrBuf differs = { 0 }, commands = { 0 };

	compare_settings(interface, bridge, &differs, &commands);
	compare_addresses(nl, interface, bridge, &differs, &commands);
	if (differs.length == 0 || differs.failed || commands.failed)
		return false;
	(void) fault_set(fault, -EEXIST, MVMD_EXIT_OK, "bridge-otherwise",
			 "bridge %s was there, and is not as \"create_bridge\" has it: %s",
			 bridge->name, differs.text + strlen(", "));
	(void) fault_evidence(fault, "bridge", "%s", bridge->name);
	(void) fault_evidence(fault, "differs", "%s", differs.text + strlen(", "));
	(void) fault_why(fault, "%s",
			 is_ours(bridge) ? "another VM had mvmd make it, with a \"create_bridge\" "
					   "of its own" :
					   "\"create_bridge\" makes a bridge where there is none; "
					   "this one is somebody else's, and is left as it is");
	(void) fault_remedy(fault, "%s; or take that out of \"create_bridge\"",
			    commands.text + strlen(" && "));
	return true;
}

int bridge_remove_unused(Nl *nl, const char *name)
{
	size_t n_ports = 0;
	LinkInfo link;
	int r = link_get(nl, name, &link);

	if (r == -ENODEV || (r == 0 && !is_ours(&link)))
		return 0;
	if (r == 0)
		r = link_count_ports(nl, link.ifindex, &n_ports);
	if (r < 0 || n_ports > 0)
		return r;
	r = link_delete(nl, link.ifindex);
	return r == 0 ? 1 : r;
}
