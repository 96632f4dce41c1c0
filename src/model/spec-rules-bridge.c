/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "model/address.h"
#include "model/nic.h"
#include "model/spec-rules-internal.h"

/* Bridges that mvmd makes. */

static JsonNode *address_node(JsonNode *entry)
{
	return entry->kind == JSON_NODE_OBJECT ? good_member(entry, "address") : entry;
}

/* The kernel takes an address once, whatever the length of its prefix is (IPv4 differs there, to nobody's use). */
static const JsonNode *same_address_before(const JsonNode *list, const JsonNode *before,
					   const IpAddress *address)
{
	for (JsonNode *entry = list->children; entry != before; entry = entry->next) {
		const JsonNode *node = address_node(entry);
		IpAddress other;

		if (node && !node->wrong && ip_address_parse(node->text, &other) &&
		    other.family == address->family &&
		    memcmp(other.bytes, address->bytes, ip_address_bytes(address)) == 0)
			return node;
	}
	return NULL;
}

static void check_address(const RuleContext *context, const JsonNode *list, JsonNode *entry)
{
	JsonNode *node = address_node(entry);
	char words[VALUE_SHOWN_MAX], place[PLACE_SHOWN_MAX];
	const JsonNode *other;
	IpAddress address;

	if (!node || node->wrong)
		return;
	if (!ip_address_parse(node->text, &address)) {
		report_value(context->report, RULE_BRIDGE_ADDRESS, node,
			     "%s is no address with the length of its prefix, such as "
			     "\"10.0.0.1/24\" or \"fd00::1/64\"",
			     value_words(words, node));
		return;
	}
	other = same_address_before(list, entry, &address);
	if (other)
		report_value(context->report, RULE_BRIDGE_ADDRESS_TWICE, node,
			     "is an address that stands here already (%s); leave one of them out",
			     place_words(place, context->report, other));
}

/* Which of them would make it is up to the order. */
static void check_made_twice(const RuleContext *context, size_t i, JsonNode *create)
{
	const SpecInterface *interface = &context->spec->interfaces[i];

	for (size_t j = 0; j < i; j++) {
		const SpecInterface *other = &context->spec->interfaces[j];
		const JsonNode *theirs =
			good_member(entry_of(context, "interfaces", j), "create_bridge");
		char place[PLACE_SHOWN_MAX];

		if (!theirs || !streq_null(interface->bridge, other->bridge))
			continue;
		if (bridges_are_made_alike(interface, other))
			return;
		report_key(context->report, RULE_BRIDGE_MADE_TWICE, create,
			   "makes bridge %s otherwise than another interface does (%s); write the "
			   "same at both",
			   interface->bridge, place_words(place, context->report, theirs));
		return;
	}
}

void check_create_bridge(const RuleContext *context, size_t i)
{
	const SpecInterface *interface = &context->spec->interfaces[i];
	const JsonNode *entry = entry_of(context, "interfaces", i);
	JsonNode *create = good_member(entry, "create_bridge");
	JsonNode *vlan = good_member(entry, "vlan");
	const JsonNode *list = good_member(create, "address");

	if (!create)
		return;
	for (JsonNode *address = list ? list->children : NULL; address; address = address->next)
		check_address(context, list, address);
	if (interface->bridge)
		check_made_twice(context, i, create);
	if (vlan && !interface->create_bridge.vlan_filtering)
		report_key(
			context->report, RULE_BRIDGE_VLANS, vlan,
			"needs a bridge that filters VLANs, and \"create_bridge\" makes one that "
			"does not; write \"vlan_filtering\": true in it");
}
