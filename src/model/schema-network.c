/* SPDX-License-Identifier: Apache-2.0 */
#include "base/util.h"
#include "model/names.h"
#include "model/schema.h"
#include "model/spec.h"

#define MTU_MIN	   68 /* linux/if_ether.h: ETH_MIN_MTU */
#define MTU_MAX	   65521 /* drivers/net/tun.c: 65535 less the Ethernet header */
#define QUEUES_MAX 255 /* as many as cpus; tun.c itself stops at 256 */

/* Enums are written to the struct as unsigned. */
_Static_assert(sizeof(NetAttach) == sizeof(unsigned) && sizeof(OnDetach) == sizeof(unsigned),
	       "every enum is stored as an unsigned");

static const char *const attach_words[] = {
	[ATTACH_UNSET] = NULL,
	[ATTACH_BRIDGE] = "bridge",
	[ATTACH_NONE] = "none",
	[ATTACH_NETWORKD] = "networkd",
	[ATTACH_HELPER] = "helper",
	[ATTACH_MACVTAP] = "macvtap",
	[ATTACH_VHOST_USER] = "vhost-user",
	[ATTACH_PASST] = "passt",
};
_Static_assert(ELEMENTSOF(attach_words) == _NET_ATTACH_MAX, "every way has its word");

static const char *const queues_words[] = { "auto" };

#define PORT_FLAG(member, what)                                                                    \
	{                                                                                          \
		.key = #member, .type = FIELD_TRISTATE, .offset = offsetof(SpecInterface, member), \
		.example = "true", .sentence = (what),                                             \
	}
static const char *const on_detach_words[] = {
	[ON_DETACH_UNSET] = NULL,
	[ON_DETACH_REPAIR] = "repair",
	[ON_DETACH_WARN] = "warn",
	[ON_DETACH_STOP_VM] = "stop-vm",
};
_Static_assert(ELEMENTSOF(on_detach_words) == _ON_DETACH_MAX, "every policy has its word");

static const Field interface_fields[] = {
	DESCRIPTION_FIELD(SpecInterface),
	{ .key = "id",
	  .type = FIELD_ID,
	  .required = true,
	  .offset = offsetof(SpecInterface, id),
	  .max = SPEC_ID_MAX,
	  .example = "\"net0\"",
	  .sentence = "The interface's name in this VM: drop-ins merge by it, tap and mac follow "
		      "from it." },
	{ .key = "attach",
	  .type = FIELD_ENUM,
	  .offset = offsetof(SpecInterface, attach),
	  .choices = attach_words,
	  .n_choices = ELEMENTSOF(attach_words),
	  .example = "\"bridge\"",
	  .sentence = "How it gets onto the network: see ATTACHING AN INTERFACE. Unset: bridge." },
	{ .key = "bridge",
	  .type = FIELD_LINK,
	  .offset = offsetof(SpecInterface, bridge),
	  .max = TAP_NAME_MAX,
	  .example = "\"br0\"",
	  .sentence =
		  "The bridge that the tap becomes a port of. It is awaited, or made where create_bridge says so." },
	{ .key = "create_bridge",
	  .type = FIELD_OBJECT,
	  .offset = offsetof(SpecInterface, create_bridge),
	  .extra_offset = offsetof(SpecInterface, has_create_bridge),
	  .object = &create_bridge_object,
	  .example = "{ \"address\": [ \"10.0.0.1/24\" ] }",
	  .sentence =
		  "The bridge is made where there is none, and removed with its last port; {} is "
		  "enough. Unset: it is awaited." },
	{ .key = "tap",
	  .type = FIELD_LINK,
	  .offset = offsetof(SpecInterface, tap),
	  .max = TAP_NAME_MAX,
	  .example = "\"web1-lan\"",
	  .sentence = "The tap's name on the host. Unset: derived from VM and id." },
	{ .key = "mac",
	  .type = FIELD_MAC,
	  .offset = offsetof(SpecInterface, mac),
	  .example = "\"02:00:5e:10:00:01\"",
	  .sentence = "The guest's address. Unset: derived from VM and id." },
	{ .key = "mtu",
	  .type = FIELD_INTEGER,
	  .offset = offsetof(SpecInterface, mtu),
	  .min = MTU_MIN,
	  .max = MTU_MAX,
	  .example = "1500",
	  .sentence = "The MTU of tap and guest. Unset: the bridge's, or 1500 without one. A "
		      "smaller one becomes the bridge's, too. passt tells the guest by DHCP and "
		      "router advertisements: 65520 unless set." },
	{ .key = "queues",
	  .type = FIELD_INTEGER,
	  .offset = offsetof(SpecInterface, queues),
	  .min = 1,
	  .max = QUEUES_MAX,
	  .choices = queues_words,
	  .n_choices = ELEMENTSOF(queues_words),
	  .fallback = "1",
	  .example = "2",
	  .sentence = "Pairs of queues; not more than cpus. auto: as many as cpus, at most 16." },
	{ .key = "offloads",
	  .type = FIELD_OBJECT,
	  .offset = offsetof(SpecInterface, offloads),
	  .object = &offloads_object,
	  .example = "{ \"tso\": false }",
	  .sentence = "What the guest may leave to the host. Unset: all; with passt none." },
	{ .key = "rate",
	  .type = FIELD_OBJECT,
	  .offset = offsetof(SpecInterface, rate),
	  .object = &rate_object,
	  .example = "{ \"rx\": \"100Mbit\", \"tx\": \"100Mbit\" }",
	  .sentence = "How much the guest may get and send. Unset: no limit." },
	PORT_FLAG(isolated, "Isolated ports of a bridge reach all its other ports, and not each "
			    "other. Unset: the bridge's default, false."),
	PORT_FLAG(locked, "The guest may send from its own mac alone: the bridge drops what "
			  "claims another sender. It learns no addresses there. Unset: false."),
	PORT_FLAG(learning, "The bridge learns from this port which addresses are behind it. "
			    "Unset: true, and false where it is locked."),
	PORT_FLAG(hairpin, "Frames may leave by the port that they came in by. Unset: false."),
	PORT_FLAG(bcast_flood, "The guest gets broadcasts. Unset: true."),
	{ .key = "vlan",
	  .type = FIELD_OBJECT,
	  .offset = offsetof(SpecInterface, vlan),
	  .extra_offset = offsetof(SpecInterface, has_vlan),
	  .object = &vlan_object,
	  .example = "{ \"pvid\": 10 }",
	  .sentence = "The VLANs of the port, and no others; the bridge must filter VLANs. Unset: "
		      "what the bridge gives its ports." },
	{ .key = "on_detach",
	  .type = FIELD_ENUM,
	  .offset = offsetof(SpecInterface, on_detach),
	  .choices = on_detach_words,
	  .n_choices = ELEMENTSOF(on_detach_words),
	  .example = "\"warn\"",
	  .sentence = "What is done where somebody else takes the tap off its bridge, or the "
		      "bridge away, while the VM runs. Unset: repair with attach bridge, else "
		      "warn." },
	{ .key = "networkd",
	  .type = FIELD_OBJECT,
	  .offset = offsetof(SpecInterface, networkd),
	  .extra_offset = offsetof(SpecInterface, has_networkd),
	  .object = &networkd_object,
	  .example = "{ \"expect\": \"up\" }",
	  .sentence = "With \"attach\": \"networkd\": what systemd-networkd is to do." },
	{ .key = "macvtap",
	  .type = FIELD_OBJECT,
	  .offset = offsetof(SpecInterface, macvtap),
	  .extra_offset = offsetof(SpecInterface, has_macvtap),
	  .object = &macvtap_object,
	  .example = "{ \"link\": \"eth0\" }",
	  .sentence = "With attach macvtap: on which link of the host's it is made." },
	{ .key = "vhost_user",
	  .type = FIELD_OBJECT,
	  .offset = offsetof(SpecInterface, vhost_user),
	  .extra_offset = offsetof(SpecInterface, has_vhost_user),
	  .object = &vhost_user_object,
	  .example = "{ \"socket\": \"/run/vpp/web1.sock\" }",
	  .sentence = "With attach vhost-user: where the switch is met." },
	{ .key = "passt",
	  .type = FIELD_OBJECT,
	  .offset = offsetof(SpecInterface, passt),
	  .extra_offset = offsetof(SpecInterface, has_passt),
	  .object = &passt_object,
	  .example = "{ \"forward\": [{ \"host\": 8080, \"guest\": 80 }] }",
	  .sentence = "With attach passt: what leads to the guest. Unset: nothing does." },
};

const ObjectType interface_object = {
	.name = "an interface",
	.sentence = "A network interface.",
	.fields = interface_fields,
	.n_fields = ELEMENTSOF(interface_fields),
	.size = sizeof(SpecInterface),
	.merges_by_id = true,
};

const char *on_detach_to_string(OnDetach on_detach)
{
	return on_detach_words[on_detach];
}

const char *net_attach_to_string(NetAttach attach)
{
	return attach_words[attach];
}
