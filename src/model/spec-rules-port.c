/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "model/spec-rules-internal.h"

/* What an interface is as the port of a bridge. */

/* With any other way the port is somebody else's, or there is none. The helper has words of its own. */
static void check_way(const RuleContext *context, size_t i)
{
	static const char *const keys[] = { "isolated",	   "locked", "learning",     "hairpin",
					    "bcast_flood", "vlan",   "create_bridge" };
	const JsonNode *entry = entry_of(context, "interfaces", i);
	const JsonNode *word = json_member(entry, "attach");
	NetAttach attach = spec_attach(&context->spec->interfaces[i]);

	if (attach == ATTACH_BRIDGE || attach == ATTACH_HELPER || !word || word->wrong)
		return;
	for (size_t k = 0; k < ELEMENTSOF(keys); k++) {
		JsonNode *member = json_member(entry, keys[k]);

		if (member)
			report_key(context->report, RULE_ATTACH_EXCLUDES, member,
				   "goes with \"attach\": \"bridge\", where mvmd has the port: "
				   "with \"%s\" it has none; leave it out",
				   net_attach_to_string(attach));
	}
}

static void check_lock(const RuleContext *context, size_t i)
{
	const SpecInterface *interface = &context->spec->interfaces[i];
	JsonNode *learning = good_member(entry_of(context, "interfaces", i), "learning");

	if (learning && interface->locked == TRISTATE_TRUE && interface->learning == TRISTATE_TRUE)
		report_value(context->report, RULE_PORT_LOCKED, learning,
			     "is true, and the port is \"locked\": its one address is known; leave "
			     "it out");
}

/* What stands for the VLANs of an entry of "tagged". */
static JsonNode *tagged_of(const JsonNode *vlan, size_t i)
{
	JsonNode *entry = json_element(json_member(vlan, "tagged"), i);

	if (!entry || entry->wrong)
		return NULL;
	return entry->kind == JSON_NODE_OBJECT ? good_member(entry, "vlan") : entry;
}

static bool ranges_meet(NumberRange a, NumberRange b)
{
	return a.first <= b.last && b.first <= a.last;
}

static void check_tagged(const RuleContext *context, const JsonNode *node, const SpecVlan *vlan,
			 size_t i)
{
	NumberRange range = vlan->tagged[i].vlan;
	const JsonNode *pvid = good_member(node, "pvid");
	JsonNode *tagged = tagged_of(node, i);
	char place[PLACE_SHOWN_MAX];

	if (tagged && pvid && ranges_meet(range, (NumberRange){ vlan->pvid, vlan->pvid })) {
		report_value(context->report, RULE_VLAN_TWICE, tagged,
			     "has the \"pvid\" %" PRIu64 " in it (%s): the guest has a VLAN with "
			     "its tag or without",
			     vlan->pvid, place_words(place, context->report, pvid));
		return;
	}
	for (size_t j = 0; tagged && j < i; j++) {
		const JsonNode *other = tagged_of(node, j);

		if (!other || !ranges_meet(range, vlan->tagged[j].vlan))
			continue;
		report_value(context->report, RULE_VLAN_TWICE, tagged,
			     "has a VLAN in it that stands here already (%s); leave one of them "
			     "out",
			     place_words(place, context->report, other));
		return;
	}
}

static void check_vlan(const RuleContext *context, size_t i)
{
	const SpecInterface *interface = &context->spec->interfaces[i];
	const JsonNode *vlan = good_member(entry_of(context, "interfaces", i), "vlan"), *tagged;

	if (!vlan || vlan->kind != JSON_NODE_OBJECT)
		return;
	tagged = json_member(vlan, "tagged");
	if (!json_member(vlan, "pvid") && (!tagged || (!tagged->wrong && !tagged->children)))
		report_missing(context->report, RULE_VLAN_EMPTY, vlan, "pvid",
			       "is missing, and so is \"tagged\": without either the guest is in "
			       "no VLAN at all");
	for (size_t j = 0; j < interface->vlan.n_tagged; j++)
		check_tagged(context, vlan, &interface->vlan, j);
}

static void check_offloads(const RuleContext *context, size_t i)
{
	static const char *const others[] = { "tso", "ufo" };
	const SpecOffloads *offloads = &context->spec->interfaces[i].offloads;
	const JsonNode *node = good_member(entry_of(context, "interfaces", i), "offloads");

	for (size_t k = 0; offloads->csum == TRISTATE_FALSE && k < ELEMENTSOF(others); k++) {
		JsonNode *other = good_member(node, others[k]);

		if (other && other->truth)
			report_value(context->report, RULE_OFFLOADS_CSUM, other,
				     "is true, and \"csum\" is false: who cuts a packet writes "
				     "the checksums of its parts; leave it out");
	}
}

static void check_rate_of_vmm(const RuleContext *context, size_t i, const JsonNode *rate,
			      JsonNode *by)
{
	const SpecInterface *interface = &context->spec->interfaces[i];
	JsonNode *queues = good_member(entry_of(context, "interfaces", i), "queues");

	if (context->spec->vmm == VMM_QEMU)
		report_value(context->report, RULE_RATE_VMM, by,
			     "is \"vmm\", and QEMU has no limits for a tap; write \"tc\"");
	else if (!json_member(rate, "rx") || !json_member(rate, "tx") ||
		 interface->rate.rx_bits != interface->rate.tx_bits)
		report_value(context->report, RULE_RATE_VMM, by,
			     "is \"vmm\", and cloud-hypervisor has one limit for both ways: write "
			     "the same \"rx\" and \"tx\", or \"by\": \"tc\"");
	else if (queues && interface->queues != 1)
		report_value(context->report, RULE_RATE_VMM, queues,
			     "is not 1, and each pair of queues would have the whole rate for "
			     "itself with \"by\": \"vmm\"; write 1, or \"by\": \"tc\"");
}

static void check_rate(const RuleContext *context, size_t i)
{
	const SpecInterface *interface = &context->spec->interfaces[i];
	NetAttach attach = spec_attach(interface);
	JsonNode *rate = good_member(entry_of(context, "interfaces", i), "rate");
	JsonNode *by = good_member(rate, "by");

	if (!rate)
		return;
	if (!json_member(rate, "rx") && !json_member(rate, "tx"))
		report_missing(context->report, RULE_RATE_EMPTY, rate, "rx",
			       "is missing, and so is \"tx\": without either nothing is limited");
	else if (by && interface->rate.by == RATE_BY_VMM)
		check_rate_of_vmm(context, i, rate, by);
	else if (attach == ATTACH_MACVTAP || attach == ATTACH_HELPER)
		report_key(
			context->report, RULE_ATTACH_EXCLUDES, rate,
			"goes with ways for which mvmd makes a tap, or with \"by\": \"vmm\": with "
			"\"%s\" leave it out",
			net_attach_to_string(attach));
}

void check_port(const RuleContext *context, size_t i)
{
	check_way(context, i);
	check_lock(context, i);
	check_vlan(context, i);
	check_create_bridge(context, i);
	check_offloads(context, i);
	check_rate(context, i);
}
