/* SPDX-License-Identifier: Apache-2.0 */
#include "base/util.h"
#include "model/schema.h"
#include "model/spec.h"

#define ADDRESS_MAX_BYTES 49 /* netinet/in.h: INET6_ADDRSTRLEN is 46 with the NUL; and "/128" */

/* What an interface is as the port of a bridge, and as a network card. */

static const Field tagged_fields[] = {
	DESCRIPTION_FIELD(SpecTagged),
	{ .key = "vlan",
	  .type = FIELD_RANGE,
	  .required = true,
	  .offset = offsetof(SpecTagged, vlan),
	  .min = VLAN_MIN,
	  .max = VLAN_MAX,
	  .example = "\"20-29\"",
	  .sentence = "Its number, or a range of them." },
};

static const ObjectType tagged_object = {
	.name = "a tagged VLAN",
	.sentence = "A VLAN whose frames keep their tag on the way to the guest.",
	.fields = tagged_fields,
	.n_fields = ELEMENTSOF(tagged_fields),
	.size = sizeof(SpecTagged),
};

static const Field vlan_fields[] = {
	DESCRIPTION_FIELD(SpecVlan),
	{ .key = "pvid",
	  .type = FIELD_INTEGER,
	  .offset = offsetof(SpecVlan, pvid),
	  .min = VLAN_MIN,
	  .max = VLAN_MAX,
	  .example = "10",
	  .sentence = "The VLAN in which the guest is with its untagged frames. Unset: they are "
		      "dropped." },
	{ .key = "tagged",
	  .type = FIELD_LIST,
	  .offset = offsetof(SpecVlan, tagged),
	  .extra_offset = offsetof(SpecVlan, n_tagged),
	  .max = SPEC_TAGGED_MAX,
	  .object = &tagged_object,
	  .shorthand = "vlan",
	  .example = "[ 20, \"30-39\" ]",
	  .sentence = "The VLANs that the guest has with their tags." },
};

const ObjectType vlan_object = {
	.name = "vlan",
	.sentence = "The VLANs of the bridge's port.",
	.fields = vlan_fields,
	.n_fields = ELEMENTSOF(vlan_fields),
	.size = sizeof(SpecVlan),
};

#define OFFLOAD(member, what)                                                                      \
	{                                                                                          \
		.key = #member, .type = FIELD_TRISTATE, .offset = offsetof(SpecOffloads, member),  \
		.example = "false", .sentence = (what),                                            \
	}

static const Field offloads_fields[] = {
	DESCRIPTION_FIELD(SpecOffloads),
	OFFLOAD(csum, "Checksums. Without them the guest has none of the others either. Unset: "
		      "true."),
	OFFLOAD(tso, "Cutting TCP's data into packets. Unset: true."),
	OFFLOAD(ufo, "The same of UDP's. Unset: true."),
};

const ObjectType offloads_object = {
	.name = "offloads",
	.sentence =
		"Work on packets that the guest leaves to the host, or does itself where one is "
		"false: that costs throughput, and gets round kernels that have it wrong.",
	.fields = offloads_fields,
	.n_fields = ELEMENTSOF(offloads_fields),
	.size = sizeof(SpecOffloads),
};

#define RATE_MIN_BITS	64000
#define RATE_MAX_BITS	UINT64_C(30000000000) /* as bytes it fits the 32 bits of struct tc_ratespec */
#define BURST_MAX_BYTES ((uint64_t) 256 * MIB)

_Static_assert(sizeof(RateBy) == sizeof(unsigned), "every enum is stored as an unsigned");

static const char *const by_words[] = { [RATE_BY_TC] = "tc", [RATE_BY_VMM] = "vmm" };
_Static_assert(ELEMENTSOF(by_words) == _RATE_BY_MAX, "everybody has a word");

static const Field rate_fields[] = {
	DESCRIPTION_FIELD(SpecRate),
	{ .key = "rx",
	  .type = FIELD_RATE,
	  .offset = offsetof(SpecRate, rx_bits),
	  .min = RATE_MIN_BITS,
	  .max = RATE_MAX_BITS,
	  .example = "\"100Mbit\"",
	  .sentence = "The most that the guest gets in a second. Unset: no limit." },
	{ .key = "tx",
	  .type = FIELD_RATE,
	  .offset = offsetof(SpecRate, tx_bits),
	  .min = RATE_MIN_BITS,
	  .max = RATE_MAX_BITS,
	  .example = "\"100Mbit\"",
	  .sentence = "The most that the guest sends in a second. Unset: no limit." },
	{ .key = "burst",
	  .type = FIELD_SIZE,
	  .offset = offsetof(SpecRate, burst_bytes),
	  .min = RATE_BURST_MIN_BYTES,
	  .max = BURST_MAX_BYTES,
	  .example = "\"1MiB\"",
	  .sentence = "How much of it may come at once. Unset: what 10ms make, and at least "
		      "128KiB." },
	{ .key = "by",
	  .type = FIELD_ENUM,
	  .offset = offsetof(SpecRate, by),
	  .fallback = "tc",
	  .choices = by_words,
	  .n_choices = ELEMENTSOF(by_words),
	  .example = "\"vmm\"",
	  .sentence = "Who keeps to it. tc: the host's kernel, at the tap; vmm: cloud-hypervisor, "
		      "with the same rate both ways and one pair of queues." },
};

const ObjectType rate_object = {
	.name = "rate",
	.sentence = "Limits of an interface, as the guest sees them.",
	.fields = rate_fields,
	.n_fields = ELEMENTSOF(rate_fields),
	.size = sizeof(SpecRate),
};

static const Field address_fields[] = {
	DESCRIPTION_FIELD(SpecBridgeAddress),
	{ .key = "address",
	  .type = FIELD_STRING,
	  .required = true,
	  .offset = offsetof(SpecBridgeAddress, address),
	  .min = 1,
	  .max = ADDRESS_MAX_BYTES,
	  .example = "\"10.0.0.1/24\"",
	  .sentence = "IPv4 or IPv6, with the length of its prefix." },
};

static const ObjectType address_object = {
	.name = "an address",
	.sentence = "An address of the host on that bridge.",
	.fields = address_fields,
	.n_fields = ELEMENTSOF(address_fields),
	.size = sizeof(SpecBridgeAddress),
};

static const Field create_bridge_fields[] = {
	DESCRIPTION_FIELD(SpecCreateBridge),
	{ .key = "address",
	  .type = FIELD_LIST,
	  .offset = offsetof(SpecCreateBridge, addresses),
	  .extra_offset = offsetof(SpecCreateBridge, n_addresses),
	  .max = BRIDGE_ADDRESSES_MAX,
	  .object = &address_object,
	  .shorthand = "address",
	  .example = "[ \"10.0.0.1/24\", \"fd00::1/64\" ]",
	  .sentence = "The host's own addresses there. Unset: none." },
	{ .key = "stp",
	  .type = FIELD_BOOL,
	  .offset = offsetof(SpecCreateBridge, stp),
	  .fallback = "false",
	  .example = "true",
	  .sentence = "Whether it runs the spanning tree protocol; a port then waits 30 seconds." },
	{ .key = "vlan_filtering",
	  .type = FIELD_BOOL,
	  .offset = offsetof(SpecCreateBridge, vlan_filtering),
	  .fallback = "false",
	  .example = "true",
	  .sentence = "Whether it filters VLANs, which \"vlan\" needs." },
};

const ObjectType create_bridge_object = {
	.name = "create_bridge",
	.sentence =
		"What the bridge is made with. One that is there is left as it is, and what it lacks is told.",
	.fields = create_bridge_fields,
	.n_fields = ELEMENTSOF(create_bridge_fields),
	.size = sizeof(SpecCreateBridge),
};
