/* SPDX-License-Identifier: Apache-2.0 */
#include "model/spec-rules-internal.h"

/* A key that a way onto the network cannot do without, or can do nothing with. */
typedef struct AttachKey {
	NetAttach attach;
	bool needed;
	const char *key;
	const char *words; /* the rest of the problem's sentence */
} AttachKey;

static const AttachKey attach_keys[] = {
	{ ATTACH_BRIDGE, true, "bridge",
	  "is missing; an interface needs it, such as \"bridge\": \"br0\"" },
	{ ATTACH_HELPER, true, "bridge",
	  "is missing; qemu-bridge-helper needs one, such as \"bridge\": \"br0\"" },
	{ ATTACH_NONE, false, "bridge",
	  "goes with \"attach\": \"bridge\": with \"none\" the tap is put on no bridge; leave one "
	  "of them out" },
	{ ATTACH_MACVTAP, true, "macvtap",
	  "is missing; with \"attach\": \"macvtap\" an interface needs it, such as \"macvtap\": { "
	  "\"link\": \"eth0\" }" },
	{ ATTACH_MACVTAP, false, "bridge",
	  "goes with \"attach\": \"bridge\": a macvtap is on the link that \"macvtap\" names; "
	  "leave one of them out" },
	{ ATTACH_VHOST_USER, true, "vhost_user",
	  "is missing; with \"attach\": \"vhost-user\" an interface needs it, such as "
	  "\"vhost_user\": { \"socket\": \"/run/vpp/web1.sock\" }" },
	{ ATTACH_VHOST_USER, false, "bridge",
	  "goes with \"attach\": \"bridge\": what the switch does is up to it; leave one of them "
	  "out" },
	{ ATTACH_VHOST_USER, false, "tap",
	  "names a link of the host's, and with \"attach\": \"vhost-user\" there is none; leave it "
	  "out" },
	{ ATTACH_PASST, false, "bridge",
	  "goes with \"attach\": \"bridge\": passt is on none; leave one of them out" },
	{ ATTACH_PASST, false, "tap",
	  "names a link of the host's, and with \"attach\": \"passt\" there is none; leave it out" },
	{ ATTACH_VHOST_USER, false, "rate",
	  "is up to the switch, for neither mvmd nor the VMM handles the frames; leave it out" },
	{ ATTACH_PASST, false, "rate",
	  "is not to be had with \"attach\": \"passt\", for neither mvmd nor the VMM handles the "
	  "frames; leave it out" },
	{ ATTACH_VHOST_USER, false, "on_detach",
	  "is about a link of the host's, and with \"attach\": \"vhost-user\" there is none; leave "
	  "it out" },
	{ ATTACH_PASST, false, "on_detach",
	  "is about a link of the host's, and with \"attach\": \"passt\" there is none; what its end "
	  "leads to is \"on_exit\" in \"passt\"" },
	{ ATTACH_PASST, false, "queues", "is up to passt, which has one pair; leave it out" },
	{ ATTACH_PASST, false, "offloads",
	  "is up to passt, which takes none off the guest, so that all are off already; leave it "
	  "out" },
};

static void check_key(const RuleContext *context, const JsonNode *entry, const AttachKey *rule)
{
	JsonNode *member = json_member(entry, rule->key);

	if (!member && rule->needed)
		report_missing(context->report, RULE_ATTACH_NEEDS, entry, rule->key, "%s",
			       rule->words);
	if (member && !rule->needed)
		report_key(context->report, RULE_ATTACH_EXCLUDES, member, "%s", rule->words);
}

/* Why mvmd cannot put an interface of that way back; NULL: it can. */
static const char *why_no_repair(NetAttach attach)
{
	if (attach == ATTACH_HELPER)
		return "for mvmd needs no right to change links there, and cannot put the tap back";
	if (attach == ATTACH_MACVTAP)
		return "for a macvtap is on its link as long as it lives";
	return NULL;
}

static void check_on_detach(const RuleContext *context, size_t i)
{
	const SpecInterface *interface = &context->spec->interfaces[i];
	JsonNode *node = good_member(entry_of(context, "interfaces", i), "on_detach");
	NetAttach attach = spec_attach(interface);

	if (node && interface->on_detach == ON_DETACH_REPAIR && why_no_repair(attach))
		report_value(context->report, RULE_ATTACH_EXCLUDES, node,
			     "does not go with \"attach\": \"%s\", %s; write \"warn\" or "
			     "\"stop-vm\"",
			     net_attach_to_string(attach), why_no_repair(attach));
}

/* The details of a way go with that way alone. */
static const struct {
	NetAttach attach;
	const char *key;
} details[] = {
	{ ATTACH_NETWORKD, "networkd" },
	{ ATTACH_MACVTAP, "macvtap" },
	{ ATTACH_VHOST_USER, "vhost_user" },
	{ ATTACH_PASST, "passt" },
};

static void check_details(const RuleContext *context, const JsonNode *entry, NetAttach attach)
{
	for (size_t i = 0; i < ELEMENTSOF(details); i++) {
		JsonNode *member = json_member(entry, details[i].key);

		if (member && details[i].attach != attach)
			report_key(context->report, RULE_ATTACH_EXCLUDES, member,
				   "goes with \"attach\": \"%s\", and this interface has \"%s\"; "
				   "change one of them",
				   net_attach_to_string(details[i].attach),
				   net_attach_to_string(attach));
	}
}

void check_attach(const RuleContext *context, size_t i)
{
	const JsonNode *entry = entry_of(context, "interfaces", i);
	const JsonNode *word = json_member(entry, "attach");
	NetAttach attach = spec_attach(&context->spec->interfaces[i]);

	if (!entry || (word && word->wrong))
		return;
	for (size_t k = 0; k < ELEMENTSOF(attach_keys); k++)
		if (attach_keys[k].attach == attach)
			check_key(context, entry, &attach_keys[k]);
	check_details(context, entry, attach);
	if (attach == ATTACH_HELPER)
		check_helper(context, entry);
	check_on_detach(context, i);
	if (attach == ATTACH_NETWORKD)
		check_networkd(context, entry, i);
}
