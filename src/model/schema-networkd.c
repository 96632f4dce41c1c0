/* SPDX-License-Identifier: Apache-2.0 */
#include "base/util.h"
#include "model/schema.h"
#include "model/spec.h"

/* Enums are written to the struct as unsigned. */
_Static_assert(sizeof(NetworkdExpect) == sizeof(unsigned), "every enum is stored as an unsigned");

static const char *const expect_words[] = {
	[NETWORKD_MASTER] = "master",
	[NETWORKD_ADDRESS] = "address",
	[NETWORKD_UP] = "up",
};
_Static_assert(ELEMENTSOF(expect_words) == _NETWORKD_EXPECT_MAX, "each has its word");

static const Field networkd_fields[] = {
	DESCRIPTION_FIELD(SpecNetworkd),
	{ .key = "expect",
	  .type = FIELD_ENUM,
	  .offset = offsetof(SpecNetworkd, expect),
	  .choices = expect_words,
	  .n_choices = ELEMENTSOF(expect_words),
	  .fallback = "master",
	  .example = "\"address\"",
	  .sentence = "What a start waits for: that the tap is a port, of the interface's bridge "
		      "where that is named; that it has an address; or that it is up." },
};

const ObjectType networkd_object = {
	.name = "networkd",
	.sentence = "What systemd-networkd is to do with the tap.",
	.fields = networkd_fields,
	.n_fields = ELEMENTSOF(networkd_fields),
	.size = sizeof(SpecNetworkd),
};

const char *networkd_expect_to_string(NetworkdExpect expect)
{
	return expect_words[expect];
}
