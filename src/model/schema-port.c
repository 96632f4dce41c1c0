/* SPDX-License-Identifier: Apache-2.0 */
#include "base/util.h"
#include "model/schema.h"
#include "model/spec.h"

/* What an interface is as the port of a bridge. */

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
