/* SPDX-License-Identifier: Apache-2.0 */
#include "base/util.h"
#include "model/names.h"
#include "model/schema.h"
#include "model/spec.h"

#define PORT_MIN	  1
#define PORT_MAX	  65535
#define ADDRESS_MAX_BYTES 45 /* netinet/in.h: INET6_ADDRSTRLEN is 46 with the NUL */

/* Enums are written to the struct as unsigned. */
_Static_assert(sizeof(MacvtapMode) == sizeof(unsigned) &&
		       sizeof(VhostUserMode) == sizeof(unsigned) &&
		       sizeof(IpProtocol) == sizeof(unsigned),
	       "every enum of the ways onto the network is stored as an unsigned");

static const char *const macvtap_words[] = {
	[MACVTAP_BRIDGE] = "bridge",
	[MACVTAP_PRIVATE] = "private",
	[MACVTAP_VEPA] = "vepa",
	[MACVTAP_PASSTHRU] = "passthru",
};
_Static_assert(ELEMENTSOF(macvtap_words) == _MACVTAP_MODE_MAX, "every mode has its word");

static const char *const vhost_user_words[] = {
	[VHOST_USER_CLIENT] = "client",
	[VHOST_USER_SERVER] = "server",
};
_Static_assert(ELEMENTSOF(vhost_user_words) == _VHOST_USER_MODE_MAX, "every side has its word");

static const char *const protocol_words[] = {
	[PROTOCOL_TCP] = "tcp",
	[PROTOCOL_UDP] = "udp",
};
_Static_assert(ELEMENTSOF(protocol_words) == _IP_PROTOCOL_MAX, "every protocol has its word");

static const Field macvtap_fields[] = {
	DESCRIPTION_FIELD(SpecMacvtap),
	{ .key = "link",
	  .type = FIELD_LINK,
	  .required = true,
	  .offset = offsetof(SpecMacvtap, link),
	  .max = TAP_NAME_MAX,
	  .example = "\"eth0\"",
	  .sentence = "The network card, bond or VLAN of the host's that it is made on. It is "
		      "awaited." },
	{ .key = "mode",
	  .type = FIELD_ENUM,
	  .offset = offsetof(SpecMacvtap, mode),
	  .fallback = "bridge",
	  .choices = macvtap_words,
	  .n_choices = ELEMENTSOF(macvtap_words),
	  .example = "\"vepa\"",
	  .sentence = "Whom on the same link it reaches. bridge: the others; private: none; vepa: "
		      "those to whom the outer switch sends back; passthru: it has the link to "
		      "itself. The host it reaches in none of them." },
};

const ObjectType macvtap_object = {
	.name = "macvtap",
	.sentence = "A macvtap: a second address of a link of the host's.",
	.fields = macvtap_fields,
	.n_fields = ELEMENTSOF(macvtap_fields),
	.size = sizeof(SpecMacvtap),
};

static const Field vhost_user_fields[] = {
	DESCRIPTION_FIELD(SpecVhostUser),
	{ .key = "socket",
	  .type = FIELD_PATH,
	  .required = true,
	  .offset = offsetof(SpecVhostUser, socket),
	  .max = SOCKET_MAX_BYTES,
	  .example = "\"/run/vpp/web1.sock\"",
	  .sentence = "The UNIX socket at which VMM and switch meet." },
	{ .key = "mode",
	  .type = FIELD_ENUM,
	  .offset = offsetof(SpecVhostUser, mode),
	  .fallback = "client",
	  .choices = vhost_user_words,
	  .n_choices = ELEMENTSOF(vhost_user_words),
	  .example = "\"server\"",
	  .sentence = "Which side the VMM is. client: the switch listens, and is awaited; server: "
		      "the VMM listens, and does not go on until the switch has connected." },
};

const ObjectType vhost_user_object = {
	.name = "vhost_user",
	.sentence = "A switch in user space that somebody else runs: OVS-DPDK, VPP, Snabb.",
	.fields = vhost_user_fields,
	.n_fields = ELEMENTSOF(vhost_user_fields),
	.size = sizeof(SpecVhostUser),
};

static const Field forward_fields[] = {
	DESCRIPTION_FIELD(SpecForward),
	{ .key = "protocol",
	  .type = FIELD_ENUM,
	  .offset = offsetof(SpecForward, protocol),
	  .fallback = "tcp",
	  .choices = protocol_words,
	  .n_choices = ELEMENTSOF(protocol_words),
	  .example = "\"udp\"",
	  .sentence = "Of the port." },
	{ .key = "address",
	  .type = FIELD_STRING,
	  .offset = offsetof(SpecForward, address),
	  .min = 1,
	  .max = ADDRESS_MAX_BYTES,
	  .example = "\"127.0.0.1\"",
	  .sentence = "The host's address, IPv4 or IPv6, at which the port is open. Unset: all." },
	{ .key = "host",
	  .type = FIELD_INTEGER,
	  .required = true,
	  .offset = offsetof(SpecForward, host),
	  .min = PORT_MIN,
	  .max = PORT_MAX,
	  .example = "8080",
	  .sentence = "The port of the host's." },
	{ .key = "guest",
	  .type = FIELD_INTEGER,
	  .offset = offsetof(SpecForward, guest),
	  .min = PORT_MIN,
	  .max = PORT_MAX,
	  .example = "80",
	  .sentence = "The port of the guest's. Unset: the same number." },
};

static const ObjectType forward_object = {
	.name = "a forward",
	.sentence = "A port of the host's that leads to the guest.",
	.fields = forward_fields,
	.n_fields = ELEMENTSOF(forward_fields),
	.size = sizeof(SpecForward),
};

static const Field passt_fields[] = {
	DESCRIPTION_FIELD(SpecPasst),
	{ .key = "forward",
	  .type = FIELD_LIST,
	  .offset = offsetof(SpecPasst, forward),
	  .extra_offset = offsetof(SpecPasst, n_forward),
	  .max = SPEC_FORWARD_MAX,
	  .object = &forward_object,
	  .example = "[{ \"host\": 8080, \"guest\": 80 }]",
	  .sentence = "Ports of the host's that lead to the guest." },
	ON_EXIT(SpecPasst, "\"stop-vm\"",
		"What the end of its passt leads to; with respawn the guest's connections are "
		"lost, and its network comes back. Unset: respawn."),
};

const ObjectType passt_object = {
	.name = "passt",
	.sentence = "A network without any right: passt(1) makes the guest's connections as the "
		    "VM's user.",
	.fields = passt_fields,
	.n_fields = ELEMENTSOF(passt_fields),
	.size = sizeof(SpecPasst),
};

const char *macvtap_mode_to_string(MacvtapMode mode)
{
	return macvtap_words[mode];
}

const char *ip_protocol_to_string(IpProtocol protocol)
{
	return protocol_words[protocol];
}
