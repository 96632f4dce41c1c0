/* SPDX-License-Identifier: Apache-2.0 */
#include "model/spec-rules-internal.h"

/* What the helper, which makes the tap by itself, has a say in or nothing to do with. */
static const char *const allowed[] = { "id",  "description", "attach",	 "bridge",
				       "mac", "on_detach",   "offloads", "rate" };

static bool is_allowed(const char *key)
{
	for (size_t i = 0; i < ELEMENTSOF(allowed); i++)
		if (streq(key, allowed[i]))
			return true;
	return false;
}

static const char *reason_of(const char *key)
{
	if (streq(key, "tap"))
		return "names the tap by itself (tap0, tap1, …)";
	if (streq(key, "queues"))
		return "makes taps with one pair of queues";
	if (streq(key, "mtu"))
		return "gives a tap the bridge's MTU";
	return "puts a tap on a bridge and sets nothing else";
}

void check_helper(const RuleContext *context, const JsonNode *entry)
{
	for (JsonNode *key = entry->children; key; key = key->next)
		if (!key->wrong && !is_allowed(key->key))
			report_key(
				context->report, RULE_ATTACH_EXCLUDES, key,
				"does not go with \"attach\": \"helper\", for qemu-bridge-helper %s; "
				"leave it out, or take \"attach\": \"bridge\"",
				reason_of(key->key));
}
