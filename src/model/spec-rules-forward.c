/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <inttypes.h>

#include "model/forwards.h"
#include "model/spec-rules-internal.h"

/* One port that leads to the guest, and where it is written. */
typedef struct Port {
	const SpecForward *forward;
	const JsonNode *entry; /* NULL: wrong as a whole, or there is none */
} Port;

static Port port_of(const RuleContext *context, size_t interface, size_t i)
{
	const JsonNode *passt = good_member(entry_of(context, "interfaces", interface), "passt");
	const JsonNode *entry = json_element(good_member(passt, "forward"), i);
	const SpecPasst *spec = &context->spec->interfaces[interface].passt;

	if (!entry || entry->kind != JSON_NODE_OBJECT || entry->wrong || i >= spec->n_forward)
		return (Port){ 0 };
	return (Port){ &spec->forward[i], entry };
}

static bool is_address(const char *text)
{
	unsigned char address[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1;
}

static void check_address(const RuleContext *context, const Port *port)
{
	JsonNode *node = good_member(port->entry, "address");

	if (node && !is_address(port->forward->address))
		report_value(context->report, RULE_FORWARD_ADDRESS, node,
			     "is no address of IPv4 or IPv6; write one of this host's, such as "
			     "\"127.0.0.1\", or leave it out for all of them");
}

/* True where it says so. */
static bool report_same(const RuleContext *context, const Port *later, const Port *earlier)
{
	JsonNode *node = good_member(later->entry, "host");
	const JsonNode *other = good_member(earlier->entry, "host");
	char place[PLACE_SHOWN_MAX];

	if (!node || !other || !forwards_collide(later->forward, earlier->forward))
		return false;
	report_value(context->report, RULE_FORWARD_TWICE, node,
		     "is also the %s port of another forward (%s); a port of the host's leads to "
		     "one place",
		     ip_protocol_to_string(later->forward->protocol),
		     place_words(place, context->report, other));
	return true;
}

/* The ports before the i-th of that interface: of earlier interfaces, and its own. */
static void compare_with_earlier(const RuleContext *context, const Port *port, size_t interface,
				 size_t i)
{
	for (size_t k = 0; k <= interface; k++) {
		size_t n = k == interface ? i : context->spec->interfaces[k].passt.n_forward;

		for (size_t j = 0; j < n; j++) {
			Port earlier = port_of(context, k, j);

			if (earlier.entry && report_same(context, port, &earlier))
				return;
		}
	}
}

void check_forwards(const RuleContext *context)
{
	for (size_t k = 0; k < context->spec->n_interfaces; k++)
		for (size_t i = 0; i < context->spec->interfaces[k].passt.n_forward; i++) {
			Port port = port_of(context, k, i);

			if (!port.entry)
				continue;
			check_address(context, &port);
			compare_with_earlier(context, &port, k, i);
		}
}
