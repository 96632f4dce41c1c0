/* SPDX-License-Identifier: Apache-2.0 */
#include "model/spec-rules-internal.h"

/* A bridge is the master that is expected: of one that gets an address, or only comes up, nothing is. */
void check_networkd(const RuleContext *context, const JsonNode *entry, size_t i)
{
	const SpecNetworkd *networkd = &context->spec->interfaces[i].networkd;
	const JsonNode *object = good_member(entry, "networkd");
	JsonNode *bridge = json_member(entry, "bridge");

	if (!bridge || !good_member(object, "expect") || networkd->expect == NETWORKD_MASTER)
		return;
	report_key(context->report, RULE_ATTACH_EXCLUDES, bridge,
		   "is the master that is expected of systemd-networkd, and \"expect\" is \"%s\"; "
		   "leave one of them out",
		   networkd_expect_to_string(networkd->expect));
}
