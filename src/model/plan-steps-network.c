/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "model/plan-builder.h"

static int step_for_bridge(Builder *builder, size_t index, size_t *ret)
{
	const PlanNic *nic = &builder->plan->nics[index];
	const char *bridge = nic->spec->bridge;
	int r;

	r = add_step(builder,
		     (PlanStep){ .kind = STEP_BRIDGE,
				 .id = str_printf("bridge:%s", nic->spec->id),
				 .subject = index,
				 .awaits = str_printf("bridge %s", bridge),
				 .deadline_usec = builder->plan->spec->timeouts.bridge_usec },
		     str_printf("bridge %s exists", bridge), ret);
	return r < 0 ? r : last_needs_locks(builder);
}

/* "tap TAP on bridge br0, MTU 1500, queue pairs 1, guest MAC 02:…" */
static int tap_words(const Builder *builder, size_t index, char **ret)
{
	const PlanNic *nic = &builder->plan->nics[index];
	char mac[MAC_TEXT_MAX];
	StrBuf what = { 0 };

	if (nic->attach == ATTACH_HELPER)
		describe_helper_tap(builder, index, &what);
	else if (nic->attach == ATTACH_NETWORKD)
		str_buf_add(&what, "tap %s, left for systemd-networkd, ", nic->tap);
	else if (nic->attach == ATTACH_BRIDGE)
		str_buf_add(&what, "tap %s on bridge %s, %s", nic->tap, nic->spec->bridge,
			    nic->spec->has_create_bridge ? "made where there is none, " : "");
	else
		str_buf_add(&what, "tap %s, up and on no bridge, ", nic->tap);
	if (nic->mtu)
		str_buf_add(&what, "MTU %" PRIu32, nic->mtu);
	else
		str_buf_add(&what, "%s's MTU", nic->spec->bridge);
	str_buf_add(&what, ", queue pairs %" PRIu32 "%s, guest MAC %s", nic->queues,
		    nic->vhost ? " by vhost-net" : "", mac_format(mac, nic->mac));
	port_add_words(&nic->port, &what);
	offloads_add_words(&nic->offloads, &what);
	rate_add_words(&nic->rate, &what);
	return str_buf_take(&what, ret);
}

int steps_for_nic(Builder *builder, size_t index)
{
	const PlanNic *nic = &builder->plan->nics[index];
	size_t awaited = NO_STEP;
	PlanStep step;
	char *text = NULL;
	int r = 0;

	if (!attach_has_link(nic->attach))
		return 0; /* its backend has the steps */
	if (nic->attach == ATTACH_MACVTAP)
		return steps_for_macvtap(builder, index);
	if (nic_is_port(nic) && !nic->spec->has_create_bridge)
		r = step_for_bridge(builder, index, &awaited);
	if (r == 0)
		r = tap_words(builder, index, &text);
	if (r < 0)
		return r;
	step = (PlanStep){ .kind = STEP_TAP,
			   .id = str_printf("tap:%s", nic->spec->id),
			   .subject = index };
	if (nic->attach == ATTACH_NETWORKD)
		await_networkd(builder, nic, &step);
	r = add_step(builder, step, text, NULL);
	if (r < 0)
		return r;
	return awaited == NO_STEP ? last_needs_locks(builder) : last_needs(builder, awaited);
}
