/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "model/spec-rules-internal.h"

/* What an interface is as the port of a bridge. */

/* With any other way the port is somebody else's, or there is none. The helper has words of its own. */
static void check_way(const RuleContext *context, size_t i)
{
	static const char *const keys[] = { "isolated", "locked",      "learning",
					    "hairpin",	"bcast_flood", "vlan" };
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

void check_port(const RuleContext *context, size_t i)
{
	check_way(context, i);
	check_lock(context, i);
	check_vlan(context, i);
}
