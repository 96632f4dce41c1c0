/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "model/names.h"
#include "model/spec-rules-internal.h"

/* What an interface has for a name or an address, and where that is written or follows from. */
typedef struct Identifier {
	JsonNode *node; /* NULL: it has none that is right */
	bool derived;
	char text[MAC_TEXT_MAX > TAP_NAME_MAX ? MAC_TEXT_MAX : TAP_NAME_MAX + 1];
} Identifier;

static Identifier tap_of(const RuleContext *context, size_t i)
{
	const SpecInterface *interface = &context->spec->interfaces[i];
	const JsonNode *entry = entry_of(context, "interfaces", i);
	Identifier tap = { .node = json_member(entry, "tap") };

	/* What the helper makes has a name that nobody has yet. */
	if (spec_attach(interface) == ATTACH_HELPER || !attach_has_link(spec_attach(interface)))
		return (Identifier){ 0 };
	if (tap.node && tap.node->wrong)
		tap.node = NULL;
	else if (tap.node)
		memcpy(tap.text, interface->tap, strlen(interface->tap) + 1);
	else if (interface->id) {
		tap.node = good_member(entry, "id");
		tap.derived = true;
		(void) tap_name_derive(tap.text, context->spec->name, interface->id);
	}
	return tap;
}

static Identifier mac_of(const RuleContext *context, size_t i)
{
	const SpecInterface *interface = &context->spec->interfaces[i];
	const JsonNode *entry = entry_of(context, "interfaces", i);
	Identifier mac = { .node = json_member(entry, "mac") };
	MacAddress address;

	if (mac.node && mac.node->wrong) {
		mac.node = NULL;
	} else if (mac.node) {
		if (mac_parse(interface->mac, &address))
			(void) mac_format(mac.text, address);
	} else if (interface->id) {
		mac.node = good_member(entry, "id");
		mac.derived = true;
		(void) mac_format(mac.text, mac_derive(context->spec->name, interface->id));
	}
	return mac;
}

/* Both identifiers are the same: says so at the later one. */
static void report_twice(const RuleContext *context, SpecRule rule, const char *word,
			 const Identifier *later, const Identifier *earlier)
{
	char place[PLACE_SHOWN_MAX];

	(void) place_words(place, context->report, earlier->node);
	if (later->derived)
		report_value(context->report, rule, later->node,
			     "gives this interface the %s %s, which is also that of another "
			     "interface (%s); write another \"%s\"",
			     word, later->text, place, word);
	else
		report_value(context->report, rule, later->node,
			     "is also the %s of another interface (%s%s); every interface needs "
			     "its own",
			     word, place, earlier->derived ? ", derived from its id" : "");
}

static void check_identifiers(const RuleContext *context, SpecRule rule, const char *word,
			      Identifier (*identifier_of)(const RuleContext *, size_t))
{
	for (size_t i = 0; i < context->spec->n_interfaces; i++) {
		Identifier later = identifier_of(context, i);

		for (size_t j = 0; later.node && j < i; j++) {
			Identifier earlier = identifier_of(context, j);

			if (!earlier.node || !streq(later.text, earlier.text))
				continue;
			report_twice(context, rule, word, &later, &earlier);
			later.node = NULL;
		}
	}
}

static void check_taps(const RuleContext *context)
{
	check_identifiers(context, RULE_TAP_TWICE, "tap", tap_of);
}

static void check_macs(const RuleContext *context)
{
	check_identifiers(context, RULE_MAC_TWICE, "mac", mac_of);
}

static void check_taps_and_bridges(const RuleContext *context)
{
	const Spec *spec = context->spec;

	for (size_t i = 0; i < spec->n_interfaces; i++) {
		Identifier tap = tap_of(context, i);

		for (size_t j = 0; tap.node && j < spec->n_interfaces; j++) {
			const JsonNode *bridge =
				good_member(entry_of(context, "interfaces", j), "bridge");
			char place[PLACE_SHOWN_MAX];

			if (!bridge || !streq(tap.text, spec->interfaces[j].bridge))
				continue;
			report_value(context->report, RULE_TAP_IS_BRIDGE, tap.node,
				     "makes %s a tap, and it is also a bridge (%s); write another "
				     "\"tap\"",
				     tap.text, place_words(place, context->report, bridge));
			tap.node = NULL;
		}
	}
}

static void check_queues(const RuleContext *context)
{
	const Spec *spec = context->spec;
	const JsonNode *cpus = json_member(context->root, "cpus");

	if (cpus && cpus->wrong)
		return;
	for (size_t i = 0; i < spec->n_interfaces; i++) {
		uint64_t queues = spec->interfaces[i].queues;
		JsonNode *node = good_member(entry_of(context, "interfaces", i), "queues");

		if (node && queues > spec->cpus)
			report_value(context->report, RULE_QUEUES_OVER_CPUS, node,
				     "%" PRIu64 " queue pairs are more than the spec's %" PRIu64
				     " cpu%s; at most one pair a cpu is of use",
				     queues, spec->cpus, spec->cpus == 1 ? "" : "s");
	}
}

void check_interfaces(const RuleContext *context)
{
	for (size_t i = 0; i < context->spec->n_interfaces; i++) {
		check_attach(context, i);
		check_port(context, i);
	}
	check_taps(context);
	check_macs(context);
	check_taps_and_bridges(context);
	check_queues(context);
	check_forwards(context);
}
