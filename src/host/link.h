/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <net/if.h>

#include "host/nl.h"
#include "model/names.h"
#include "model/port.h"

/*
 * Links by rtnetlink: one request each, never a dump on the way to a start. All functions work in the
 * network namespace in which nl was opened.
 */

/* net/if.h says IFALIASZ only in the kernel's headers: 256 with the NUL. */
#define LINK_ALIAS_MAX 255

/* Of a bridge's port, in the kernel's order (linux/if_bridge.h: BR_STATE_DISABLED, …). */
typedef enum PortState {
	PORT_DISABLED,
	PORT_LISTENING,
	PORT_LEARNING,
	PORT_FORWARDING,
	PORT_BLOCKING,
	PORT_NONE, /* it is no port of a bridge */
	_PORT_STATE_MAX,
} PortState;

/* "listening", … */
const char *port_state_to_string(PortState state);

typedef struct LinkInfo {
	int ifindex;
	char name[IFNAMSIZ];
	char kind[16]; /* "bridge", "tun", "veth", …; "" for a real device */
	int master; /* ifindex; 0: none */
	int lower; /* ifindex of what a macvlan or macvtap is on; 0: it is on nothing that this namespace has */
	uint32_t macvlan_mode; /* linux/if_link.h: MACVLAN_MODE_PRIVATE, …; 0: it is none */
	PortState port_state;
	Tristate port_flags
		[_PORT_FLAG_MAX]; /* unset: it is no port, or the kernel knows no such flag */
	Tristate vlan_filtering; /* of a bridge; unset: the kernel cannot */
	bool stp; /* of a bridge: it runs the spanning tree protocol */
	uint16_t default_pvid; /* the VLAN that a bridge gives its new ports; 0: none */
	Tristate ipv6_address; /* whether it makes itself one (fe80::…); unset: it has no IPv6 */
	bool not_ethernet; /* as lo; such a link can have no macvtap */
	unsigned flags; /* IFF_UP, … */
	bool carrier; /* of a tap: somebody has it open (drivers/net/tun.c:tun_attach, __tun_detach) */
	uint32_t mtu;
	MacAddress mac;
	char alias[LINK_ALIAS_MAX + 1];
	uint32_t group;
	uint32_t max_tx_queues;
} LinkInfo;

/*
 * The link of that name, which may be an alternative one: ret->name is its first. 0, -ENODEV, -EINVAL (no
 * name that a link can have) or another -errno.
 */
int link_get(Nl *nl, const char *name, LinkInfo *ret);

/* The link of that index, whatever its name is by now. Returns as link_get(). */
int link_get_index(Nl *nl, int ifindex, LinkInfo *ret);

/* What a link gets in one RTM_NEWLINK message. */
typedef struct LinkSettings {
	int master; /* ifindex of the bridge; 0: none */
	uint32_t mtu; /* 0: leave */
	MacAddress mac;
	const char *alias; /* NULL: leave */
	bool default_group; /* that of all links, 0 */
	bool no_ipv6_address; /* none of its own (addr_gen_mode none), where it has IPv6 at all; not with up, which comes first */
	bool up;
} LinkSettings;

/* Returns 0 or the kernel's -errno; the words are in nl_error_text(). */
int link_set(Nl *nl, int ifindex, const LinkSettings *settings);

/* Brings it up, as a port with these flags where there are any, in one message. Returns as link_set(). */
int link_up(Nl *nl, int ifindex, const PlanPort *port);
/* Takes it down. 0 or -errno. */
int link_down(Nl *nl, int ifindex);

/* Gives the link another name. 0 or -errno; -EBUSY: it is up, and the kernel is older than 6.2. */
int link_rename(Nl *nl, int ifindex, const char *name);

/* True where that alternative name is the link's. */
bool link_has_altname(Nl *nl, int ifindex, const char *altname);

/* Adds an alternative name (ip link property add). 0 or -errno; -EEXIST: somebody has it. */
int link_add_altname(Nl *nl, int ifindex, const char *altname);

int link_delete(Nl *nl, int ifindex);

/*
 * Deletes all of the links (ifindexes; 0: none) by one request, for each alone costs the kernel the same 20 ms:
 * they are put in a group of their own first. 0 or -errno, and then all of them are still there.
 */
int link_delete_all(Nl *nl, const int *ifindexes, size_t n);

/*
 * Calls handler with each link of that kind: a dump, filtered in the kernel, which lists all or none where it has none of
 * that kind. For a look or a failure alone. 0 or -errno.
 */
typedef void (*LinkListHandler)(const LinkInfo *link, void *userdata);
int link_list_kind(Nl *nl, const char *kind, LinkListHandler handler, void *userdata);

/* For error messages only: the names of all bridges (a dump, filtered by kind in the kernel), sorted. 0 or -errno. */
int link_list_bridges(Nl *nl, StrList *ret);

/* For doctor only: how many links have that master (a dump, filtered in the kernel). 0 or -errno. */
int link_count_ports(Nl *nl, int bridge, size_t *ret);
